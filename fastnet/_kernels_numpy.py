"""The hot paths in NumPy: the specification of `_kernels.pyx`, which holds the same functions in the same order.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64 (the labels: intp, in range). Every kernel returns a new array and writes to none
of its inputs, except `central_differences`, which says what it writes to.

float32 values are computed in float64 and rounded once, at the end. Infinities and NaN are values like any others
here, so no floating-point warning is raised, whatever the caller's `np.errstate`.

Shapes: N samples, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, IntArray, one_number

# Kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._differences_numpy import two_layer_differences  # noqa: F401
from fastnet._training_numpy import descend, two_layer_gradient, two_layer_predict  # noqa: F401


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return "NumPy's own choice"


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


def softmax(x: FloatArray) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C).

    Where the largest value of a row is infinite, the row is the limit: 1 for that value and 0 for the others, and nan
    for each where several are the largest.
    """
    if x.size == 0:  # an empty row has no largest value
        return np.empty_like(x)
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
        largest = x64.max(axis=1, keepdims=True)

        # exp(x - largest) would turn the rounding of the difference into a relative error of up to 256 ULP. So what the
        # difference lost is computed too (Knuth's TwoSum), and exp(shifted + lost) = exp(shifted) (1 + lost).
        shifted = x64 - largest
        taken = shifted - x64
        lost = (x64 - (shifted - taken)) - (largest + taken)
        e = np.exp(shifted)
        e += np.where(shifted < -746.0, 0.0, e * lost)  # below it e is 0, and lost may be inf - inf
        # The sum in two parts: multiples of 2^-26, which add up without rounding, and what is left of each.
        high = (e + 2.0**26) - 2.0**26
        total = high.sum(axis=1, keepdims=True) + (e - high).sum(axis=1, keepdims=True)
        out: FloatArray = e / total

        infinite = np.isinf(largest[:, 0])
        if infinite.any():
            at_largest = x64[infinite] == largest[infinite]
            share = np.where(at_largest.sum(axis=1, keepdims=True) == 1, 1.0, np.nan)
            out[infinite] = np.where(at_largest, share, 0.0)
        return out.astype(x.dtype)


def cross_entropy_labels(y: FloatArray, labels: IntArray, eps: float) -> float:
    """Return `-sum_n log(y[n, labels[n]] + eps) / N` for y (N, C), labels (N,)."""
    with np.errstate(all="ignore"):
        n = y.shape[0]
        p = np.add(y[np.arange(n), labels], eps, dtype=np.float64)
        return float((0.0 - np.sum(np.log(p))) / n)


def cross_entropy_targets(y: FloatArray, t: FloatArray, eps: float) -> float:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N` for y and t (N, C); a term with t = 0 and y + eps = 0 is 0."""
    with np.errstate(all="ignore"):
        p = np.add(y, eps, dtype=np.float64)
        p[(p == 0) & (t == 0)] = 1.0
        return float((0.0 - np.sum(t * np.log(p))) / y.shape[0])


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
