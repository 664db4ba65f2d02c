"""The losses of predictions y, in NumPy. The twin is `losses.pyx`; this file is its specification.

The rules for all kernels are in `_kernels_numpy.py`.

Shapes: N samples, C classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnet._checks import INTP, UINT8, FloatArray, is_carray, is_plain_array
from fastnet._twins.shared.blocks import blocks
from fastnet._twins.shared.formulas_numpy import is_outside

__all__ = ["are_probabilities", "binary_cross_entropy", "cross_entropy"]


def _sum_of_terms(weights: FloatArray, p: FloatArray) -> float:
    """Return the sum of `weights log(p)`. A term is 0 if weight and p are both 0."""
    terms = np.log(p)
    terms *= weights
    total = float(terms.sum())
    if math.isnan(total):  # a term may be 0 times infinity
        terms[(p == 0) & (weights == 0)] = 0.0
        total = float(terms.sum())
    return total


def are_probabilities(t: FloatArray, /) -> bool:
    """Return whether no element of t is outside [0, 1]; NaN is not. t is not empty."""
    return not is_outside(t)


def cross_entropy(y: Any, t: Any, eps: Any, /) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None if an argument needs conversion or is not valid.

    y is (N, C), or (C,) for one sample; not empty. t has the shape and dtype of y, and no element outside [0, 1]; a
    term with t = 0 and y + eps = 0 is 0. Or t holds labels in [0, C), intp or uint8, of shape (N,) or (): a label is
    short for a one-hot row. eps is a finite float, at least 0. The result is a scalar with the dtype of y.
    """
    if not (is_plain_array(y) and is_carray(t) and type(eps) is float):
        return None
    if y.ndim > 2 or y.size == 0 or not 0 <= eps < math.inf:
        return None
    rows = y.reshape(-1, y.shape[-1])
    n = len(rows)
    with np.errstate(all="ignore"):
        if t.dtype == y.dtype and t.shape == y.shape:
            total = 0.0
            flat_y, flat_t = y.reshape(-1), t.reshape(-1)
            for block in blocks(y.size):
                if is_outside(flat_t[block]):
                    return None
                total += _sum_of_terms(flat_t[block], flat_y[block].astype(np.float64) + eps)
        elif t.dtype in (INTP, UINT8) and t.shape == y.shape[:-1] and t.min() >= 0 and t.max() < y.shape[-1]:
            # `_sum_of_terms` with weights of 1 gives the same, but takes 1.4 times as long for one label.
            total = np.sum(np.log(np.add(rows[np.arange(n), t], eps, dtype=np.float64)))
        else:
            return None
        return y.dtype.type((0.0 - total) / n)


def binary_cross_entropy(y: FloatArray, t: FloatArray, eps: float, /) -> float | None:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term is 0 if its weight, t or 1 - t, and the argument of its logarithm are both 0. The result is None if an
    element of t is outside [0, 1].
    """
    total = 0.0
    with np.errstate(all="ignore"):
        for block in blocks(len(y)):
            y64, t64 = y[block].astype(np.float64), t[block].astype(np.float64)
            if is_outside(t64):
                return None
            total += _sum_of_terms(t64, y64 + eps) + _sum_of_terms(1.0 - t64, (1.0 - y64) + eps)
    return (0.0 - total) / len(y)
