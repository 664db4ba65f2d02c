"""Batch normalisation and its gradient, in NumPy. The twin is `normalization.pyx`.

This file is the specification. The rules for all kernels are in `_kernels_numpy.py`. Of each column of x,

    mean = sum_n x[n] / N,  var = sum_n (x[n] - mean)^2 / N,  std = sqrt(var + eps),
    xc[n] = x[n] - mean,  xn[n] = xc[n] / std,  out[n] = gamma xn[n] + beta

    dbeta = sum_n dout[n],  dgamma = sum_n dout[n] xn[n],
    dx[n] = gamma / std (d[n] - sum_m d[m] / N),  d[n] = dout[n] - xc[n] sum_m dout[m] xc[m] / (N std^2)

The book derives dx step by step, and arrives at the same. A program may have written xn and xc. The sums are in
float64.

Shapes: N samples, at least 1, with D elements each.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import FloatArray

__all__ = ["normalize", "normalize_gradient"]


def normalize(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float, /
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return out, xn and xc (N, D), and mean, var and std (D,), for x (N, D), gamma and beta (D,)."""
    with np.errstate(all="ignore"):
        mean = x.mean(axis=0, dtype=np.float64).astype(x.dtype)
        xc = x - mean
        var64 = np.mean(xc.astype(np.float64, copy=False) ** 2, axis=0)
        std64 = np.sqrt(var64 + eps)
        xn = xc * (1 / std64).astype(x.dtype)
        return gamma * xn + beta, xn, xc, mean, var64.astype(x.dtype), std64.astype(x.dtype)


def normalize_gradient(
    dout: FloatArray, xn: FloatArray, xc: FloatArray, gamma: FloatArray, std: FloatArray, /
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx (N, D), dgamma and dbeta (D,) for dout, xn and xc (N, D), gamma and std (D,)."""
    N = len(dout)
    with np.errstate(all="ignore"):
        dbeta = dout.sum(axis=0, dtype=np.float64)
        dgamma = np.sum(np.multiply(dout, xn, dtype=np.float64), axis=0)
        slope = np.sum(np.multiply(dout, xc, dtype=np.float64), axis=0) / N / std.astype(np.float64) ** 2
        mean = (dbeta - slope * xc.sum(axis=0, dtype=np.float64)) / N
        dx = dout - mean.astype(dout.dtype)
        dx -= xc * slope.astype(dout.dtype)
        dx *= gamma / std
        return dx, dgamma.astype(dout.dtype), dbeta.astype(dout.dtype)
