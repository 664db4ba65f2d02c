"""The activations and their slopes, in NumPy. The twin is `activations.pyx`; this file is its specification.

The formulas are in `shared/formulas_numpy.py`. `@elementwise` makes a kernel from a formula for float64 arrays. The
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


@elementwise
def sigmoid(x: FloatArray, /) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    return formulas.sigmoid(x)


@elementwise
def sigmoid_grad(x: FloatArray, /) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    return formulas.sigmoid_slope(x)


def tanh(x: FloatArray, /) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    with np.errstate(all="ignore"):
        return np.tanh(x)


@elementwise
def tanh_grad(x: FloatArray, /) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    return formulas.tanh_slope(x)


def relu(x: FloatArray, /) -> FloatArray:
    """Return `max(0, x)` of every element."""
    with np.errstate(all="ignore"):
        return formulas.relu(x)


def relu_with_mask(x: FloatArray, /) -> tuple[FloatArray, BoolArray]:
    """Return `max(0, x)` of every element, and where `x <= 0`."""
    with np.errstate(all="ignore"):
        return formulas.relu(x), x <= 0


def zero_where(x: FloatArray, mask: BoolArray, /) -> FloatArray:
    """Return a copy of x with 0 where the mask, of the same shape, is True."""
    return np.where(mask, x.dtype.type(0), x)


@elementwise
def leaky_relu(x: FloatArray, slope: float, /) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    return formulas.leaky_relu(x, slope)


@elementwise
def leaky_relu_grad(x: FloatArray, slope: float, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    return formulas.leaky_relu_slope(x, slope)


@elementwise
def elu(x: FloatArray, alpha: float, /) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    return formulas.elu(x, alpha)


@elementwise
def elu_grad(x: FloatArray, alpha: float, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    return formulas.elu_slope(x, alpha)


@elementwise
def softplus(x: FloatArray, /) -> FloatArray:
    """Return `log(1 + exp(x))` of every element."""
    # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), where exp cannot overflow.
    y: FloatArray = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return y
