"""The activations beyond the sigmoid in NumPy.

What `_kernels_numpy.py` says of kernels holds for these, too.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import FloatArray


def tanh(x: FloatArray) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    with np.errstate(all="ignore"):
        return np.tanh(x.astype(np.float64)).astype(x.dtype)


def tanh_grad(x: FloatArray) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    with np.errstate(all="ignore"):
        # The same as 4 e / (1 + e)^2 with e = exp(-2 |x|), which does not lose its digits where tanh is close to 1.
        e = np.exp(-2.0 * np.abs(x.astype(np.float64)))
        return (4.0 * e / ((1.0 + e) * (1.0 + e))).astype(x.dtype)


def leaky_relu(x: FloatArray, slope: float) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
        return np.maximum(slope * x64, x64).astype(x.dtype)


def leaky_relu_grad(x: FloatArray, slope: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    return np.maximum(np.heaviside(x.astype(np.float64), 1.0), slope).astype(x.dtype)


def elu(x: FloatArray, alpha: float) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
        return np.where(x64 < 0, alpha * np.expm1(np.minimum(x64, 0.0)), x64).astype(x.dtype)


def elu_grad(x: FloatArray, alpha: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
        return np.where(x64 >= 0, 1.0, alpha * np.exp(np.minimum(x64, 0.0))).astype(x.dtype)
