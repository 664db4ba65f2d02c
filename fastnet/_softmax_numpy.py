"""Softmax, and the loss and the gradient of a network that ends in it, in NumPy.

What `_kernels_numpy.py` says of kernels holds for these, too.

Shapes: N samples, C classes.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import FloatArray, IntArray


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
