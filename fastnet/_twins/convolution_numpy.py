"""Convolution and pooling, in NumPy. The twin is `convolution.pyx`.

This file is the specification. The rules for all kernels are in `_kernels_numpy.py`. As in the book, a convolution is
the matrix product of the windows, one in each row of col, with the filters:

    out = col W' + b,  dW = dout' col,  db = sum of dout,  dcol = dout W,  and dx sums dcol pixel by pixel

The kernels do not check the sizes: a window must fit into the image with its padding, which is 0.

Shapes: x (N, C, H, W), filters W (FN, C, FH, FW), out (N, FN, OH, OW), col (N OH OW, C FH FW).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastnet._checks import BoolArray, FloatArray, IntArray
from fastnet._twins.shared import formulas_numpy as formulas
from fastnet._twins.shared.blocks import blocks

__all__ = [
    "col2im", "convolution", "convolution_gradient", "im2col", "pooling", "pooling_gradient",
]


def _padded(x: FloatArray, pad: int) -> FloatArray:
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))) if pad else x


def _windows(x: FloatArray, filter_h: int, filter_w: int, stride: int, pad: int) -> Any:
    """Return a view (N, C, OH, OW, FH, FW) of the images with their padding."""
    view = sliding_window_view(_padded(x, pad), (filter_h, filter_w), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def im2col(x: FloatArray, filter_h: int, filter_w: int, stride: int, pad: int, /) -> FloatArray:
    """Return one row (C FH FW) for every position of the filter on the images x (N, C, H, W)."""
    windows = _windows(x, filter_h, filter_w, stride, pad).transpose(0, 2, 3, 1, 4, 5)
    N, OH, OW, C, FH, FW = windows.shape
    col = np.empty((N * OH * OW, C * FH * FW), x.dtype)
    col.reshape(windows.shape)[...] = windows
    return col


def col2im(
    col: FloatArray, input_shape: tuple[int, ...], filter_h: int, filter_w: int, stride: int, pad: int, /
) -> FloatArray:
    """Return images of `input_shape`: each pixel is the sum of its elements in the rows of `im2col`."""
    N, C, H, W = input_shape
    images = np.zeros((N, C, H + 2 * pad, W + 2 * pad), col.dtype)
    OH, OW = (H + 2 * pad - filter_h) // stride + 1, (W + 2 * pad - filter_w) // stride + 1
    windows = col.reshape(N, OH, OW, C, filter_h, filter_w)
    with np.errstate(all="ignore"):
        for y in range(filter_h):
            for x in range(filter_w):
                pixels = images[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride]
                pixels += windows[..., y, x].transpose(0, 3, 1, 2)
    return images[:, :, pad : pad + H, pad : pad + W].copy()


def convolution(
    x: FloatArray, W: FloatArray, b: FloatArray, stride: int, pad: int, mask: BoolArray | None = None, /
) -> FloatArray:
    """Return the outputs (N, FN, OH, OW) of the filters W (FN, C, FH, FW), b (FN,) on the images x (N, C, H, W).

    With a `mask` of their shape, return max(0, outputs), and set the mask where an output is at most 0.
    """
    FN, C, FH, FW = W.shape
    OH, OW = ((size + 2 * pad - window) // stride + 1 for size, window in zip(x.shape[2:], (FH, FW), strict=True))
    out = np.empty((len(x), FN, OH, OW), x.dtype)
    filters = W.reshape(FN, C * FH * FW).T
    with np.errstate(all="ignore"):
        for block in blocks(len(x), OH * OW * max(1, len(filters))):
            product = im2col(x[block], FH, FW, stride, pad) @ filters + b
            out[block] = product.reshape(len(x[block]), OH, OW, FN).transpose(0, 3, 1, 2)
        if mask is not None:
            np.less_equal(out, 0, out=mask)
            out[...] = formulas.relu(out)
    return out


def convolution_gradient(
    dout: FloatArray, x: FloatArray, W: FloatArray, stride: int, pad: int, wants_dx: bool = True,
    mask: BoolArray | None = None, /,
) -> tuple[FloatArray | None, FloatArray, FloatArray]:
    """Return the gradients dx, or None, dW and db of `convolution`, for dout (N, FN, OH, OW).

    Where the `mask`, of the shape of dout, is set, dout counts as 0.
    """
    if mask is not None:
        dout = np.where(mask, dout.dtype.type(0), dout)
    FN, C, FH, FW = W.shape
    filters = W.reshape(FN, C * FH * FW)
    dx, dW, db = np.empty_like(x), np.zeros_like(filters), np.zeros(FN, x.dtype)
    P = dout.shape[2] * dout.shape[3]
    with np.errstate(all="ignore"):
        for block in blocks(len(x), P * max(1, filters.shape[1])):
            d = dout[block].transpose(0, 2, 3, 1).reshape(len(x[block]) * P, FN)
            dW += d.T @ im2col(x[block], FH, FW, stride, pad)
            db += d.sum(axis=0)
            if wants_dx:
                dx[block] = col2im(d @ filters, x[block].shape, FH, FW, stride, pad)
    return dx if wants_dx else None, dW.reshape(W.shape), db


def pooling(
    x: FloatArray, pool_h: int, pool_w: int, stride: int, pad: int, /
) -> tuple[FloatArray, IntArray]:
    """Return the largest pixel of each window on the images x (N, C, H, W), and its number in the window, a C int.

    Both are (N, C, OH, OW). Of equal pixels the first counts, and of a window with NaN the first NaN. The padding is 0.
    """
    windows = _windows(x, pool_h, pool_w, stride, pad)
    windows = windows.reshape(*windows.shape[:4], pool_h * pool_w)
    where = windows.argmax(axis=4)
    out = np.take_along_axis(windows, where[..., np.newaxis], axis=4)[..., 0]
    return out, where.astype(np.intc)


def pooling_gradient(
    dout: FloatArray, where: IntArray, input_shape: tuple[int, ...], pool_h: int, pool_w: int, stride: int, pad: int, /
) -> FloatArray:
    """Return the gradient dx of `pooling`, for dout (N, C, OH, OW) and the numbers `where` that `pooling` returned."""
    N, C, H, W = input_shape
    dx = np.zeros((N, C, H + 2 * pad, W + 2 * pad), dout.dtype)
    OH, OW = dout.shape[2:]
    with np.errstate(all="ignore"):
        for k in range(pool_h * pool_w):
            y, x = divmod(k, pool_w)
            pixels = dx[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride]
            pixels += np.where(where == k, dout, dout.dtype.type(0))
    return dx[:, :, pad : pad + H, pad : pad + W].copy()
