"""Softmax, and softmax with cross-entropy and its gradient in one call, in NumPy. The twin is `softmax.pyx`.

This file is the specification. The rules for all kernels are in `_kernels_numpy.py`.

Shapes: N samples, C classes.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import FloatArray, IntArray
from fastnet._twins.shared.blocks import blocks
from fastnet._twins.shared.formulas_numpy import is_outside

__all__ = ["softmax", "softmax_cross_entropy_labels", "softmax_cross_entropy_targets"]


def _softmax_of_rows(x: FloatArray) -> FloatArray:
    """Softmax of each row of x (N, C), in float64."""
    # For short rows, NumPy computes the maximum and the sum faster if the columns are contiguous (order "F").
    x64: FloatArray = x.astype(np.float64, order="F" if x.shape[1] < 32 else "C", copy=False)
    largest = x64.max(axis=1, keepdims=True)
    shifted: FloatArray = x64 - largest
    if x.dtype == np.float64:
        # The subtraction rounds, and exp turns this rounding error into a relative error of up to 256 ULP. (A float32
        # result does not show it.) So compute the rounding error, `lost`, too (Knuth's TwoSum):
        # exp(shifted + lost) = exp(shifted) (1 + lost), up to rounding.
        taken = shifted - x64
        lost = (x64 - (shifted - taken)) - (largest + taken)
        e = np.exp(shifted, out=shifted)
        e += e * np.fmax(lost, -1.0)  # where lost is inf - inf, e is 0 and stays 0
        # Split each term in two: a multiple of 2^-26, which are summed without rounding, and the rest.
        high = (e + 2.0**26) - 2.0**26
        total = high.sum(axis=1, keepdims=True) + (e - high).sum(axis=1, keepdims=True)
    else:
        e = np.exp(shifted, out=shifted)
        total = e.sum(axis=1, keepdims=True)
    e /= total

    if np.isinf(largest).any():
        infinite = np.isinf(largest[:, 0])
        at_largest = x64[infinite] == largest[infinite]
        share = np.where(at_largest.sum(axis=1, keepdims=True) == 1, 1.0, np.nan)
        e[infinite] = np.where(at_largest, share, 0.0)
    return e


def softmax(x: FloatArray, /) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C), and so along the last axis of any x (..., C).

    Where the largest value of a row is infinite, the result is the limit: 1 for this value and 0 for the others. If
    several values are the largest, there is no limit: they become nan, and the others 0.
    """
    out = np.empty_like(x)
    if x.size == 0:  # an empty row has no largest value
        return out
    rows, results = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
    with np.errstate(all="ignore"):
        for block in blocks(*rows.shape):
            results[block] = _softmax_of_rows(rows[block])
    return out


def _softmax_and_others(x: FloatArray) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Return y = softmax(x) for x (N, C), and per row the class c of the largest x, the sum of the other y, -log(y[c]).

    All of them are precise to the last digits. They are NaN in a row in which softmax(x) has a NaN.
    """
    n, c = np.arange(len(x)), x.argmax(axis=1)
    y = _softmax_of_rows(x)
    own = y[n, c]
    y[n, c] = 0.0
    others = y.sum(axis=1)
    y[n, c] = own
    undefined = np.isnan(own + others)
    y[undefined] = own[undefined] = others[undefined] = np.nan
    return y, c, others, np.log1p(others / own)


def softmax_cross_entropy_labels(
    x: FloatArray, labels: IntArray, with_gradient: bool, /
) -> tuple[float, FloatArray | None]:
    """Return `-sum_n log(softmax(x)[n, labels[n]]) / N` for x (N, C), labels (N,).

    The second value is its gradient with respect to x, or None.

    If softmax(x) has a NaN in a row, the loss is NaN, and so is the gradient in that row.
    """
    loss, dx = 0.0, np.empty_like(x) if with_gradient else None
    with np.errstate(all="ignore"):
        for block in blocks(*x.shape):
            y, c, others, least = _softmax_and_others(x[block])
            n, label = np.arange(len(y)), labels[block]
            below = np.fmax(x[block][n, c].astype(np.float64) - x[block][n, label], 0.0)  # fmax gives 0 for inf - inf
            loss += float(np.sum(below + least))
            if dx is not None:
                # y - 1, but precise where y is close to 1: minus the sum of the other y
                y[n, label] = -np.where(label == c, others, 1.0 - y[n, label])
                dx[block] = y / len(x)
    return loss / len(x), dx


def softmax_cross_entropy_targets(
    x: FloatArray, t: FloatArray, with_gradient: bool, /
) -> tuple[float, FloatArray | None] | None:
    """Return `-sum_nc t[n, c] log(softmax(x)[n, c]) / N` for x and t (N, C).

    The second value is its gradient with respect to x, or None.

    A term with t = 0 and softmax(x) = 0 is 0. If softmax(x) has a NaN in a row, the loss is NaN, and so is the gradient
    in that row. The result is None if an element of t is outside [0, 1].
    """
    loss, dx = 0.0, np.empty_like(x) if with_gradient else None
    with np.errstate(all="ignore"):
        for block in blocks(*x.shape):
            y, c, others, least = _softmax_and_others(x[block])
            n, t64 = np.arange(len(y)), t[block].astype(np.float64)
            if is_outside(t64):
                return None
            total = t64.sum(axis=1, keepdims=True)
            largest = x[block][n, c].astype(np.float64)[:, np.newaxis]
            below = np.fmax(largest - x[block], 0.0)  # fmax gives 0 for inf - inf
            loss += float((total[:, 0] * least).sum() + np.where(t64 == 0, 0.0, t64 * below).sum())
            if dx is not None:
                rest = 1.0 - y
                rest[n, c] = others  # 1 - y loses its digits where y is close to 1
                # y sum(t) - t, rearranged so that the common part y t, which may be nearly all of both, does not
                # cancel.
                dx[block] = (y * (total - t64) - t64 * rest) / len(x)
    return loss / len(x), dx
