"""Each formula once, for whole arrays: the twin of `formulas.pxd`.

They keep the dtype of x, do not write to it unless their name says so, and expect their caller to ignore floating-point
warnings. Infinities and NaN have the limit.

Where a sign decides, `np.maximum`, `np.copysign` or `take` chooses. `np.where` and `np.heaviside` would branch for each
element, which takes longer than an exponential where signs are mixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastnet._checks import FloatArray

LOSS_EPS = 1e-7  # the book's, in the logarithm of a loss
SLOPE = 0.1  # of leaky_relu below 0, where nobody says another


# --- activations and their slopes -------------------------------------------------------------------------------------


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x))"""
    # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere. The numerator is 1 or e:
    # the larger of x >= 0, which is 1 or 0, and e, which is never above 1.
    e = np.exp(-np.abs(x))
    return np.maximum(x >= 0, e) / (1.0 + e)


def sigmoid_slope(x: FloatArray) -> FloatArray:
    """s (1 - s) with s = sigmoid(x)"""
    # The same as e / (1 + e)^2 with e = exp(-|x|), which keeps its digits where s is close to 1.
    e = np.exp(-np.abs(x))
    e1 = 1.0 + e
    slope: FloatArray = e / (e1 * e1)
    return slope


def tanh_slope(x: FloatArray) -> FloatArray:
    """1 - tanh(x)^2"""
    # The same as 4 e / (1 + e)^2 with e = exp(-2 |x|), which keeps its digits where tanh is close to 1.
    e = np.exp(-2.0 * np.abs(x))
    e1 = 1.0 + e
    slope: FloatArray = 4.0 * e / (e1 * e1)
    return slope


def relu(x: FloatArray) -> FloatArray:
    """max(0, x)"""
    return np.maximum(x, x.dtype.type(0))


def relu_slope(x: FloatArray) -> FloatArray:
    """1 above 0, and 0 at 0, as in the book's layer. (The book's `relu_grad` is 1 there.)"""
    return (x > 0).astype(x.dtype)


def leaky_relu(x: FloatArray, slope: float = SLOPE) -> FloatArray:
    """max(slope x, x)"""
    y: FloatArray = np.maximum(slope * x, x)
    return y


def leaky_relu_slope(x: FloatArray, slope: float = SLOPE) -> FloatArray:
    """1 where x >= 0, else the slope"""
    # sign(x) + 1 is 2, 1 or 0, which becomes 1, 1 or the slope. NaN stays NaN.
    return np.minimum(np.maximum(np.sign(x) + 1.0, slope), 1.0)


def elu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """x where x >= 0, else alpha (exp(x) - 1)"""
    # One of the two terms is 0. The sum has the sign of x, but for -0 + 0, which is 0: so the sign is copied.
    return np.copysign(np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0)), x)


def elu_slope(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """1 where x >= 0, else alpha exp(x)"""
    # The factor is the first of the two or, where x < 0, the second.
    slope: FloatArray = np.array([1.0, alpha], x.dtype).take(x < 0) * np.exp(np.minimum(x, 0.0))
    return slope


# --- what a network computes ------------------------------------------------------------------------------------------


def identity(x: FloatArray) -> FloatArray:
    """x itself"""
    return x


def quick_sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)) as it stands: where exp overflows, 0, as it should be."""
    # Four passes over the array instead of seven: `sigmoid` above takes 1.4 times as long for a layer of 100 x 50.
    z = np.negative(x)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def softmax(x: FloatArray) -> FloatArray:
    """exp(x[n, c]) / sum_k exp(x[n, k]) for x (N, C), whose largest values are finite"""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    y: FloatArray = e
    return y


def one_hot(t: Any, C: int) -> FloatArray:
    """Targets (N, C): those in t, or for labels (N,) a row with a single 1 for each."""
    if t.ndim == 2:
        targets: FloatArray = t
        return targets
    rows = np.zeros((len(t), C))
    rows[np.arange(len(t)), t] = 1.0
    return rows


class Activation(NamedTuple):
    """z = function(a), and dz/da = slope(a)."""

    function: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]


class Output(NamedTuple):
    """y = function(a), and (y - t) / divisor(N, C) is the derivative by a of the mean loss over N samples."""

    function: Callable[[FloatArray], FloatArray]
    divisor: Callable[[int, int], float]


ACTIVATIONS = {
    "identity": Activation(identity, np.ones_like),
    "relu": Activation(relu, relu_slope),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope),
    "elu": Activation(elu, elu_slope),
    "sigmoid": Activation(quick_sigmoid, sigmoid_slope),
    "tanh": Activation(np.tanh, tanh_slope),
}
OUTPUTS = {
    "softmax": Output(softmax, lambda N, _: N),
    "sigmoid": Output(quick_sigmoid, lambda N, C: N * C),
    "identity": Output(identity, lambda N, C: N * C / 2),
}
