"""Each formula once, for whole arrays: the NumPy kernels call these functions. The twin is `formulas.pxd`.

The functions keep the dtype of x and do not write to x. The caller ignores floating-point warnings (`np.errstate`). For
an infinite x the result is the limit; NaN gives NaN.

Where the result depends on the sign of x, `np.maximum`, `np.copysign` or `take` selects it. `np.where` and
`np.heaviside` branch for each element: with mixed signs this takes longer than an exponential.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, FloatArray

LOSS_EPS = 1e-7  # the book's: a loss takes log(y + LOSS_EPS)
BITS = {FLOAT32: (np.uint32, np.float32(1).view(np.uint32)), FLOAT64: (np.uint64, np.float64(1).view(np.uint64))}
SLOPE = 0.1  # the default slope of leaky_relu for x < 0


# --- activations and their slopes -------------------------------------------------------------------------------------


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x))"""
    # exp(-|x|) cannot overflow. Neither case computes 1 - s, so both are precise to the last digits. The numerator is 1
    # where x >= 0, else e: that is the larger of x >= 0, which is 1 or 0, and e, which is at most 1.
    e = np.exp(-np.abs(x))
    return np.maximum(x >= 0, e) / (1.0 + e)


def sigmoid_slope(x: FloatArray) -> FloatArray:
    """s (1 - s) with s = sigmoid(x)"""
    # Equal to e / (1 + e)^2 with e = exp(-|x|), which is also precise where s is close to 1.
    e = np.exp(-np.abs(x))
    e1 = 1.0 + e
    slope: FloatArray = e / (e1 * e1)
    return slope


def tanh_slope(x: FloatArray) -> FloatArray:
    """1 - tanh(x)^2"""
    # Equal to 4 e / (1 + e)^2 with e = exp(-2 |x|), which is also precise where tanh is close to 1.
    e = np.exp(-2.0 * np.abs(x))
    e1 = 1.0 + e
    slope: FloatArray = 4.0 * e / (e1 * e1)
    return slope


def relu(x: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """max(0, x)"""
    return np.maximum(x, x.dtype.type(0), out=out)


def relu_slope(x: FloatArray) -> FloatArray:
    """1 above 0, and 0 at 0, as in the book's layer. (The book's `relu_grad` is 1 there.)"""
    return (x > 0).astype(x.dtype)


def leaky_relu(x: FloatArray, slope: float = SLOPE) -> FloatArray:
    """max(slope x, x)"""
    y: FloatArray = np.maximum(slope * x, x)
    return y


def leaky_relu_slope(x: FloatArray, slope: float = SLOPE) -> FloatArray:
    """1 where x >= 0, else the slope"""
    # sign(x) + 1 is 2, 1 or 0; clamped to [slope, 1] it is 1, 1 or the slope. NaN stays NaN.
    return np.minimum(np.maximum(np.sign(x) + 1.0, slope), 1.0)


def elu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """x where x >= 0, else alpha (exp(x) - 1)"""
    # One of the two terms is 0. The sum has the sign of x, except for x = -0: -0 + 0 is 0. So the sign is copied.
    return np.copysign(np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0)), x)


def elu_slope(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """1 where x >= 0, else alpha exp(x)"""
    # `take` selects the factor: 1.0, or alpha where x < 0.
    slope: FloatArray = np.array([1.0, alpha], x.dtype).take(x < 0) * np.exp(np.minimum(x, 0.0))
    return slope


# --- the formulas of a network ----------------------------------------------------------------------------------------


def identity(x: FloatArray) -> FloatArray:
    """x itself"""
    return x


def quick_sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), evaluated as written. Where exp overflows, the result is 0, which is correct."""
    # This makes four passes over the array; `sigmoid` above makes seven. On 100 x 50 elements, `sigmoid` takes 1.7
    # times as long in float32 and 1.4 times in float64. With it, a training step of 784-50-10, batch 100, takes 1.04
    # and 1.02 times as long.
    z = np.negative(x)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def softmax(x: FloatArray) -> FloatArray:
    """exp(x[n, c]) / sum_k exp(x[n, k]) for x (N, C); the largest value of every row is finite"""
    # `softmax_numpy.softmax` is more exact, and also gives the limit for infinite values. With it, a training step of
    # 784-50-10, batch 100, takes 1.11 times as long in float32 and 1.05 times in float64.
    e = np.exp(x - x.max(axis=1, keepdims=True))
    e /= e.sum(axis=1, keepdims=True)
    y: FloatArray = e
    return y


def is_outside(t: FloatArray) -> bool:
    """Whether a target is outside [0, 1]; NaN is not."""
    # As unsigned integers, the bits of numbers from 0 to 1 are in the same order, and those of all others, also of -0
    # and NaN, are larger. So one pass is enough for most arrays; on 1,000 elements, the comparisons take twice as long.
    bits, one = BITS[t.dtype]
    return bool(np.maximum.reduce(t.view(bits), axis=None) > one) and bool(((t < 0) | (t > 1)).any())


def one_hot(t: Any, C: int) -> FloatArray:
    """Targets (N, C): t itself, or, for labels (N,), one row with a single 1 for each label."""
    if t.ndim == 2:
        targets: FloatArray = t
        return targets
    rows = np.zeros((len(t), C))
    rows[np.arange(len(t)), t] = 1.0
    return rows


def relative(weights: FloatArray) -> FloatArray:
    """The weights of samples, divided by their mean: then a weighted mean is the mean of the products"""
    quotients: FloatArray = weights / weights.mean()
    return quotients


class Activation(NamedTuple):
    """z = function(a), and dz/da = slope(a)."""

    function: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]


def softmax_error(y: FloatArray, t: FloatArray, _: FloatArray) -> FloatArray:
    """y sum(t) - t: the book's y - t if the targets of a sample sum to 1"""
    difference: FloatArray = y * t.sum(axis=-1, keepdims=True)
    difference -= t
    return difference


def error(y: FloatArray, t: FloatArray, _: FloatArray) -> FloatArray:
    """y - t"""
    return y - t


def error_times_slope(y: FloatArray, t: FloatArray, a: FloatArray) -> FloatArray:
    """(y - t) y (1 - y) with y = sigmoid(a)"""
    derivative: FloatArray = (y - t) * sigmoid_slope(a)
    return derivative


class Output(NamedTuple):
    """y = function(a). The derivative of the mean loss with respect to a is error(y, t, a) / divisor(N, C).

    N samples, C outputs.
    """

    function: Callable[[FloatArray], FloatArray]
    error: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    divisor: Callable[[Any, int], Any]


ACTIVATIONS = {
    "identity": Activation(identity, np.ones_like),
    "relu": Activation(relu, relu_slope),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope),
    "elu": Activation(elu, elu_slope),
    "sigmoid": Activation(quick_sigmoid, sigmoid_slope),
    "tanh": Activation(np.tanh, tanh_slope),
}
OUTPUTS = {
    "softmax": Output(softmax, softmax_error, lambda N, _: N),
    "sigmoid": Output(quick_sigmoid, error, lambda N, C: N * C),
    "sigmoid_mse": Output(quick_sigmoid, error_times_slope, lambda N, C: N * C / 2),
    "identity": Output(identity, error, lambda N, C: N * C / 2),
}
