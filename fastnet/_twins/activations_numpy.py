"""The activations and their slopes, in NumPy. The twin is `activations.pyx`; this file is its specification.

The formulas are in `shared/formulas_numpy.py`. `elementwise` applies a formula for float64 arrays. The
rules for all kernels are in `_kernels_numpy.py`.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import BoolArray, FloatArray
from fastnet._twins.shared import formulas_numpy as formulas
from fastnet._twins.shared.blocks import elementwise

__all__ = [
    "elu",
    "elu_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "relu",
    "relu_with_mask",
    "sigmoid",
    "sigmoid_grad",
    "softplus",
    "tanh",
    "tanh_grad",
    "zero_where",
]


def sigmoid(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    return elementwise(formulas.sigmoid, x, out)


def sigmoid_grad(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    return elementwise(formulas.sigmoid_slope, x, out)


def tanh(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    with np.errstate(all="ignore"):
        return np.tanh(x, out=out)


def tanh_grad(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    return elementwise(formulas.tanh_slope, x, out)


def relu(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return `max(0, x)` of every element."""
    with np.errstate(all="ignore"):
        return formulas.relu(x, out)


def relu_with_mask(x: FloatArray, /) -> tuple[FloatArray, BoolArray]:
    """Return `max(0, x)` of every element, and where `x <= 0`."""
    with np.errstate(all="ignore"):
        return formulas.relu(x), x <= 0


def zero_where(x: FloatArray, mask: BoolArray, /) -> FloatArray:
    """Return a copy of x with 0 where the mask, of the same shape, is True."""
    return np.where(mask, x.dtype.type(0), x)


def leaky_relu(x: FloatArray, slope: float, out: FloatArray | None = None, /) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    return elementwise(formulas.leaky_relu, x, out, slope)


def leaky_relu_grad(x: FloatArray, slope: float, out: FloatArray | None = None, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    return elementwise(formulas.leaky_relu_slope, x, out, slope)


def elu(x: FloatArray, alpha: float, out: FloatArray | None = None, /) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    return elementwise(formulas.elu, x, out, alpha)


def elu_grad(x: FloatArray, alpha: float, out: FloatArray | None = None, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    return elementwise(formulas.elu_slope, x, out, alpha)


def softplus(x: FloatArray, out: FloatArray | None = None, /) -> FloatArray:
    """Return `log(1 + exp(x))` of every element."""
    # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), where exp cannot overflow.
    return elementwise(lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))), x, out)
