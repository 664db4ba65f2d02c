"""Batch normalisation and its gradient, in NumPy. The twin is `normalization.pyx`.

This file is the specification. The rules for all kernels are in `_kernels_numpy.py`. Of each column of x,

    mean = sum_n x[n] / N,  var = sum_n (x[n] - mean)^2 / N,  std = sqrt(var + eps),
    xc[n] = x[n] - mean,  xn[n] = xc[n] / std,  out[n] = gamma xn[n] + beta
    running mean = momentum running mean + (1 - momentum) mean, and the running variance likewise

    dbeta = sum_n dout[n],  dgamma = sum_n dout[n] xn[n],
    dx[n] = gamma / std (d[n] - sum_m d[m] / N),  d[n] = dout[n] - xc[n] sum_m dout[m] xc[m] / (N std^2)

The book derives dx step by step, and arrives at the same. A program may have written xn and xc. The sums are in
float64.

Shapes: N samples, at least 1, with D elements each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet._checks import FLOAT64, BoolArray, FloatArray, is_plain_array
from fastnet._twins.shared import formulas_numpy as formulas

__all__ = ["normalize", "normalize_gradient"]


def _fits(x: FloatArray, rows: tuple[Any, ...], vectors: tuple[Any, ...]) -> bool:
    """Whether all arrays have the dtype of x; `rows` the shape (N, D), and `vectors` (D,)."""
    D = x.size // max(1, len(x))
    return all(
        is_plain_array(array) and array.dtype == x.dtype and array.shape == shape
        for arrays, shape in ((rows, (len(x), D)), (vectors, (D,)))
        for array in arrays
    )


def _are_statistics(mean: Any, var: Any, gamma: FloatArray) -> bool:
    return all(is_plain_array(v) and v.shape == gamma.shape and v.dtype == FLOAT64 for v in (mean, var))


def normalize(
    x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, momentum: float, eps: float,
    mask: BoolArray | None = None, /,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray] | None:  # fmt: skip
    """Return out, like x; xn and xc (N, D); and the running mean and variance, moved by this batch, and std (D,).

    x is (N, ...), gamma, beta and the float64 running statistics (D,). With a `mask` in the shape of x, return
    max(0, out), and set the mask where out is at most 0. Return None if an argument needs conversion or does not fit.
    """
    if not is_plain_array(x) or x.ndim < 2 or x.size == 0 or not _fits(x, (), (gamma, beta)):
        return None
    if not _are_statistics(running_mean, running_var, gamma):
        return None
    rows = x.reshape(len(x), -1)
    with np.errstate(all="ignore"):
        mean = rows.mean(axis=0, dtype=np.float64).astype(x.dtype)
        xc = rows - mean
        var64 = np.mean(xc.astype(np.float64, copy=False) ** 2, axis=0)
        std64 = np.sqrt(var64 + eps)
        xn = xc * (1 / std64).astype(x.dtype)
        out = (gamma * xn + beta).reshape(x.shape)
        running_mean = momentum * running_mean + (1 - momentum) * mean.astype(np.float64)
        running_var = momentum * running_var + (1 - momentum) * var64.astype(x.dtype).astype(np.float64)
        if mask is not None:
            mask[...] = out <= 0
            out = formulas.relu(out)
    return out, xn, xc, running_mean, running_var, std64.astype(x.dtype)


def normalize_gradient(
    dout: Any, xn: Any, xc: Any, gamma: Any, std: Any, mask: BoolArray | None = None, /
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return dx, like dout, and dgamma and dbeta (D,), for dout (N, ...), xn and xc (N, D), gamma and std (D,).

    Where the `mask`, of the shape of dout, is set, dout counts as 0. Return None if an argument needs conversion or
    does not fit.
    """
    if not is_plain_array(dout) or dout.size == 0 or not _fits(dout, (xn, xc), (gamma, std)):
        return None
    if mask is not None:
        dout = np.where(mask, dout.dtype.type(0), dout)
    rows, N = dout.reshape(xn.shape), len(dout)
    with np.errstate(all="ignore"):
        dbeta = rows.sum(axis=0, dtype=np.float64)
        dgamma = np.sum(np.multiply(rows, xn, dtype=np.float64), axis=0)
        slope = np.sum(np.multiply(rows, xc, dtype=np.float64), axis=0) / N / std.astype(np.float64) ** 2
        mean = (dbeta - slope * xc.sum(axis=0, dtype=np.float64)) / N
        dx = rows - mean.astype(dout.dtype)
        dx -= xc * slope.astype(dout.dtype)
        dx *= gamma / std
        return dx.reshape(dout.shape), dgamma.astype(dout.dtype), dbeta.astype(dout.dtype)
