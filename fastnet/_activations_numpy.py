"""The activations beyond the sigmoid in NumPy.

What `_kernels_numpy.py` says of kernels holds for these, too.
"""

from __future__ import annotations

import numpy as np

from fastnet._blocks import elementwise
from fastnet._checks import FloatArray


def tanh(x: FloatArray) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    with np.errstate(all="ignore"):
        return np.tanh(x)


@elementwise
def tanh_grad(x: FloatArray) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    # The same as 4 e / (1 + e)^2 with e = exp(-2 |x|), which does not lose its digits where tanh is close to 1.
    e = np.exp(-2.0 * np.abs(x))
    e1 = 1.0 + e
    return 4.0 * e / (e1 * e1)


@elementwise
def leaky_relu(x: FloatArray, slope: float) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    y: FloatArray = np.maximum(slope * x, x)
    return y


@elementwise
def leaky_relu_grad(x: FloatArray, slope: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    # sign(x) + 1 is 2, 1 or 0, which becomes 1, 1 or the slope. NaN stays NaN.
    return np.minimum(np.maximum(np.sign(x) + 1.0, slope), 1.0)


@elementwise
def elu(x: FloatArray, alpha: float) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    # One of the two terms is 0. The sum has the sign of x, but for -0 + 0, which is 0: so the sign is copied.
    return np.copysign(np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0)), x)


@elementwise
def elu_grad(x: FloatArray, alpha: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    # The factor is the first of the two or, where x < 0, the second.
    return np.array([1.0, alpha]).take(x < 0) * np.exp(np.minimum(x, 0.0))
