"""The hot paths in NumPy: the specification of `_kernels.pyx`, which holds the same functions in the same order.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64. Two exceptions serve short calls, in which checking would be all the work:
`is_plain` recognises such an array, and `cross_entropy` such arguments. Every kernel returns a new array and writes to
none of its inputs, except `central_differences`, which says what it writes to.

float32 values are computed in float64 and rounded once, at the end. Infinities and NaN are values like any others
here, so no floating-point warning is raised, whatever the caller's `np.errstate`.

Shapes: N samples, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

# What is not used here are kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._activations_numpy import elu, elu_grad, leaky_relu, leaky_relu_grad, tanh, tanh_grad  # noqa: F401
from fastnet._checks import FLOAT32, FLOAT64, INTP, UINT8, FloatArray, IntArray, is_carray, one_number
from fastnet._differences_numpy import two_layer_differences  # noqa: F401
from fastnet._layer_differences_numpy import layer_differences  # noqa: F401
from fastnet._optimizers_numpy import adagrad, adam, descend, is_movable, momentum, nesterov, rmsprop  # noqa: F401
from fastnet._training_numpy import network_gradient, network_predict  # noqa: F401


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return "NumPy's own choice"


def is_plain(x: Any) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return is_carray(x) and x.dtype in (FLOAT32, FLOAT64) and x.ndim > 0


def exp(x: FloatArray) -> FloatArray:
    """Return `exp(x)` of every element."""
    with np.errstate(all="ignore"):
        return np.exp(x)


def log(x: FloatArray) -> FloatArray:
    """Return the natural logarithm of every element."""
    with np.errstate(all="ignore"):
        return np.log(x)


def sigmoid(x: FloatArray) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    with np.errstate(all="ignore"):
        # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere.
        x64 = x.astype(np.float64)
        e = np.exp(-np.abs(x64))
        return (np.where(x64 < 0, e, 1.0) / (1.0 + e)).astype(x.dtype)


def sigmoid_grad(x: FloatArray) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    with np.errstate(all="ignore"):
        # The same as e / (1 + e)^2 with e = exp(-|x|), which does not lose its digits where s is close to 1.
        e = np.exp(-np.abs(x.astype(np.float64)))
        return (e / ((1.0 + e) * (1.0 + e))).astype(x.dtype)


def relu(x: FloatArray) -> FloatArray:
    """Return `max(0, x)` of every element."""
    with np.errstate(all="ignore"):
        return np.maximum(x, x.dtype.type(0))


def softmax(x: FloatArray) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C), and so along the last axis of any x (..., C).

    Where the largest value of a row is infinite, the row is the limit: 1 for that value and 0 for the others, and nan
    for each where several are the largest.
    """
    if x.size == 0:  # an empty row has no largest value
        return np.empty_like(x)
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
        largest = x64.max(axis=-1, keepdims=True)

        # exp(x - largest) would turn the rounding of the difference into a relative error of up to 256 ULP. So what the
        # difference lost is computed too (Knuth's TwoSum), and exp(shifted + lost) = exp(shifted) (1 + lost).
        shifted = x64 - largest
        taken = shifted - x64
        lost = (x64 - (shifted - taken)) - (largest + taken)
        e = np.exp(shifted)
        e += np.where(shifted < -746.0, 0.0, e * lost)  # below it e is 0, and lost may be inf - inf
        # The sum in two parts: multiples of 2^-26, which add up without rounding, and what is left of each.
        high = (e + 2.0**26) - 2.0**26
        total = high.sum(axis=-1, keepdims=True) + (e - high).sum(axis=-1, keepdims=True)
        out: FloatArray = e / total

        infinite = np.isinf(largest[..., 0])
        if infinite.any():
            at_largest = x64[infinite] == largest[infinite]
            share = np.where(at_largest.sum(axis=-1, keepdims=True) == 1, 1.0, np.nan)
            out[infinite] = np.where(at_largest, share, 0.0)
        return out.astype(x.dtype)


def cross_entropy(y: Any, t: Any, eps: Any) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None where an argument has to be converted or refused.

    y is (N, C) or, for one sample, (C,), not empty; t is like y, and a term with t = 0 and y + eps = 0 is 0; or t is
    (N,) or () labels in [0, C), intp or uint8, in place of the rows of a one-hot t. eps is a float, finite, from 0 on.
    The arrays are as every kernel takes them. The result is a scalar of y's dtype.
    """
    if not (is_plain(y) and y.ndim <= 2 and y.size and is_carray(t) and type(eps) is float and 0 <= eps < math.inf):
        return None
    rows = y.reshape(-1, y.shape[-1])
    n = len(rows)
    with np.errstate(all="ignore"):
        if t.dtype == y.dtype and t.shape == y.shape:
            p = np.add(y, eps, dtype=np.float64)
            p[(p == 0) & (t == 0)] = 1.0
            total = np.sum(t * np.log(p))
        elif t.dtype in (INTP, UINT8) and t.shape == y.shape[:-1] and t.min() >= 0 and t.max() < y.shape[-1]:
            total = np.sum(np.log(np.add(rows[np.arange(n), t], eps, dtype=np.float64)))
        else:
            return None
        return y.dtype.type((0.0 - total) / n)


def binary_cross_entropy(y: FloatArray, t: FloatArray, eps: float) -> float:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    with np.errstate(all="ignore"):
        y64, t64 = y.astype(np.float64), t.astype(np.float64)
        p = np.stack([y64 + eps, (1.0 - y64) + eps])
        weights = np.stack([t64, 1.0 - t64])
        p[(p == 0) & (weights == 0)] = 1.0
        return float((0.0 - np.sum(weights * np.log(p))) / len(y))


def _softmax_and_rest(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """For x (N, C): softmax(x) and 1 - softmax(x), both with all their digits, max(x) - x, and -log(max(softmax(x))).

    The last is (N, 1), the others are (N, C).
    """
    y = softmax(x.astype(np.float64))
    y[np.isnan(y).any(axis=1)] = np.nan
    at_largest = np.arange(len(x)), x.argmax(axis=1)
    largest = x[at_largest].astype(np.float64)[:, np.newaxis]
    beside = y.copy()
    beside[at_largest] = 0.0
    rest = 1.0 - y
    rest[at_largest] = beside.sum(axis=1)  # 1 - y has no digits left where y is close to 1
    rest[np.isnan(y)] = np.nan  # also where a class is the only one, and has nothing beside it
    below = np.where(x == largest, 0.0, largest - x)  # not inf - inf
    return y, rest, below, np.log1p(rest[at_largest] / y[at_largest])[:, np.newaxis]


def softmax_cross_entropy_labels(
    x: FloatArray, labels: IntArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_n log(softmax(x)[n, labels[n]]) / N` for x (N, C), labels (N,), and its gradient by x or None.

    A row in which softmax(x) is NaN somewhere makes the loss NaN, and its gradient in that row.
    """
    with np.errstate(all="ignore"):
        n = np.arange(len(x))
        y, rest, below, least = _softmax_and_rest(x)
        loss = float(np.sum(below[n, labels] + least[:, 0]) / len(x))
        if not with_gradient:
            return loss, None
        y[n, labels] = -rest[n, labels]
        return loss, (y / len(x)).astype(x.dtype)


def softmax_cross_entropy_targets(
    x: FloatArray, t: FloatArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_nc t[n, c] log(softmax(x)[n, c]) / N` for x and t (N, C), and its gradient by x or None.

    A term with t = 0 and softmax(x) = 0 is 0. A row in which softmax(x) is NaN somewhere makes the loss NaN, and its
    gradient in that row.
    """
    with np.errstate(all="ignore"):
        t64 = t.astype(np.float64)
        total = t64.sum(axis=1, keepdims=True)
        y, rest, below, least = _softmax_and_rest(x)
        loss = float((np.sum(total * least) + np.sum(np.where(t == 0, 0.0, t64 * below))) / len(x))
        if not with_gradient:
            return loss, None
        # y sum(t) - t with what the two have in common taken away, which may be nearly all of them.
        return loss, ((y * (total - t64) - t64 * rest) / len(x)).astype(x.dtype)


def _move(elements: FloatArray, i: int, value: float) -> None:
    """Round `value` to the dtype of `elements`, in which it may be infinite or 0."""
    with np.errstate(all="ignore"):  # around the assignment alone: what `f` does is the caller's affair
        elements[i] = value


def central_differences(
    f: Callable[[Any], Any], x: Any, elements: FloatArray, h: float, out: FloatArray
) -> None:
    """Write the central difference of `f` by each of `elements`, a 1-D view into `x`, to `out`, in float64.

    Each element in turn is moved in place by +h and by -h, `f(x)` is evaluated at both, and the element is put back,
    also when `f` raises.
    """
    book_step = elements.itemsize == 8  # 2h; a narrower float is divided by the step that it really made
    for i in range(len(elements)):
        original = elements[i]
        value = float(original)
        try:
            _move(elements, i, value + h)
            step = float(elements[i])
            f_plus = one_number(f(x))
            _move(elements, i, value - h)
            step -= float(elements[i])
            f_minus = one_number(f(x))
        finally:
            elements[i] = original
        out[i] = (f_plus - f_minus) / (2 * h if book_step or step == 0 else step)
