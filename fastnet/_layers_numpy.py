"""Activations and outputs of a network's layers, in NumPy: the twin of `_layers.pxd`.

They keep the dtype of `a`, and expect their caller to ignore floating-point warnings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fastnet._checks import FloatArray

SLOPE = 0.1  # of leaky_relu below 0


class Activation(NamedTuple):
    """z = function(a), and dz/da = slope(a)."""

    function: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]


def _identity(a: FloatArray) -> FloatArray:
    return a


def _relu(a: FloatArray) -> FloatArray:
    z: FloatArray = np.maximum(a, 0)
    return z


def _relu_slope(a: FloatArray) -> FloatArray:
    return (a > 0).astype(a.dtype)  # none at 0, as the book's layer


def _leaky_relu(a: FloatArray) -> FloatArray:
    z: FloatArray = np.maximum(a, SLOPE * a)
    return z


def _leaky_relu_slope(a: FloatArray) -> FloatArray:
    return np.where(a >= 0, 1, SLOPE).astype(a.dtype)


def _elu(a: FloatArray) -> FloatArray:
    return np.where(a >= 0, a, np.expm1(np.minimum(a, 0)))


def _elu_slope(a: FloatArray) -> FloatArray:
    slope: FloatArray = np.exp(np.minimum(a, 0))
    return slope


def _sigmoid(a: FloatArray) -> FloatArray:
    z = np.negative(a)
    np.exp(z, out=z)  # where it overflows, the result is 0, as it should be
    z += 1
    return np.reciprocal(z, out=z)


def _sigmoid_slope(a: FloatArray) -> FloatArray:
    e = np.exp(-np.abs(a))
    slope: FloatArray = e / ((1 + e) * (1 + e))  # z (1 - z) would lose its digits where z is all but 1
    return slope


def _tanh_slope(a: FloatArray) -> FloatArray:
    return 4 * _sigmoid_slope(2 * a)  # 1 - z^2 would lose its digits where z is all but 1


ACTIVATIONS = {
    "identity": Activation(_identity, np.ones_like),
    "relu": Activation(_relu, _relu_slope),
    "leaky_relu": Activation(_leaky_relu, _leaky_relu_slope),
    "elu": Activation(_elu, _elu_slope),
    "sigmoid": Activation(_sigmoid, _sigmoid_slope),
    "tanh": Activation(np.tanh, _tanh_slope),
}


def _softmax(a: FloatArray) -> FloatArray:
    e = np.exp(a - a.max(axis=1, keepdims=True))
    y: FloatArray = e / e.sum(axis=1, keepdims=True)
    return y


OUTPUTS = {"softmax": _softmax, "sigmoid": _sigmoid, "identity": _identity}
