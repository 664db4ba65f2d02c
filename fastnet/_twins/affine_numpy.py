"""The affine layer and its gradient, in NumPy. The twin is `affine.pyx`.

This file is the specification. The rules for all kernels are in `_kernels_numpy.py`.

    out = x W + b,  dx = dout W',  dW = x' dout,  db = sum of dout over the samples

The kernels check their arguments, and return None if one needs conversion or does not fit. x may be float32 beside
float64 weights.

Shapes: N samples of D elements each, U units. Each of these may be 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet._checks import FLOAT32, FloatArray, is_carray, is_plain_array

__all__ = ["affine", "affine_gradient"]


def _fits(x: Any, W: Any) -> bool:
    """Whether the kernels can take x (N, ...) and W (D, U) without conversion."""
    if not (is_plain_array(W) and W.ndim == 2 and is_plain_array(x) and x.dtype in (FLOAT32, W.dtype)):
        return False
    return bool(np.prod(x.shape[1:], dtype=int) == len(W))


def affine(x: Any, W: Any, b: Any, /) -> FloatArray | None:
    """Return `x W + b` (N, U), or None if an argument needs conversion or does not fit.

    x is (N, D), or (N, ...) with D elements in each row; W (D, U), b (U,).
    """
    if not (_fits(x, W) and is_carray(b) and b.dtype == W.dtype and b.shape == W.shape[1:]):
        return None
    with np.errstate(all="ignore"):
        out: FloatArray = x.reshape(len(x), len(W)) @ W
        out += b
        return out


def affine_gradient(
    dout: Any, x: Any, W: Any, wants_dx: bool = True, /
) -> tuple[FloatArray | None, FloatArray, FloatArray] | None:
    """Return the gradients dx (N, D), or None in its place, dW and db of `affine`, for dout (N, U), x (N, D).

    Return only None if an argument needs conversion or does not fit.
    """
    if not (_fits(x, W) and x.ndim == 2 and is_carray(dout) and dout.dtype == W.dtype):
        return None
    if dout.shape != (len(x), W.shape[1]):
        return None
    with np.errstate(all="ignore"):
        return dout @ W.T if wants_dx else None, x.T @ dout, dout.sum(axis=0)
