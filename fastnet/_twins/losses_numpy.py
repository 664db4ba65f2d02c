"""The losses of predictions in NumPy.

What `_kernels_numpy.py` says of kernels holds for these, too.

Shapes: N samples, C classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnet._checks import INTP, UINT8, FloatArray, is_carray, is_plain_array
from fastnet._twins.shared.blocks import blocks

__all__ = ["binary_cross_entropy", "cross_entropy"]


def _sum_of_terms(weights: FloatArray, p: FloatArray) -> float:
    """The sum of `weights log(p)`, where a term is 0 if both are; p is written to."""
    zero = p == 0
    if zero.any():
        p[zero & (weights == 0)] = 1.0
    np.log(p, out=p)
    p *= weights
    return float(p.sum())


def cross_entropy(y: Any, t: Any, eps: Any, /) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None where an argument has to be converted or refused.

    y is (N, C) or, for one sample, (C,), not empty; t is like y, and a term with t = 0 and y + eps = 0 is 0; or t is
    (N,) or () labels in [0, C), intp or uint8, in place of the rows of a one-hot t. eps is a float, finite, from 0 on.
    The arrays are as every kernel takes them. The result is a scalar of y's dtype.
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
                total += _sum_of_terms(flat_t[block], flat_y[block].astype(np.float64) + eps)
        elif t.dtype in (INTP, UINT8) and t.shape == y.shape[:-1] and t.min() >= 0 and t.max() < y.shape[-1]:
            total = np.sum(np.log(np.add(rows[np.arange(n), t], eps, dtype=np.float64)))
        else:
            return None
        return y.dtype.type((0.0 - total) / n)


def binary_cross_entropy(y: FloatArray, t: FloatArray, eps: float, /) -> float:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    total = 0.0
    with np.errstate(all="ignore"):
        for block in blocks(len(y)):
            y64, t64 = y[block].astype(np.float64), t[block].astype(np.float64)
            total += _sum_of_terms(t64, y64 + eps) + _sum_of_terms(1.0 - t64, (1.0 - y64) + eps)
    return (0.0 - total) / len(y)
