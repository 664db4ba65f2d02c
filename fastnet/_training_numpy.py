"""One training step of the two-layer network in NumPy: the specification of `_training.pyx`.

    a1 = x W1 + b1,  z1 = sigmoid(a1),  a2 = z1 W2 + b2,  y = softmax(a2),
    dy = (y - t) / N,  da1 = (dy W2') sigmoid'(a1),
    dW2 = z1' dy,  dW1 = x' da1,  db2 and db1: the sums of dy and da1 over the samples

Kernels check nothing: every array is C-contiguous, native and aligned, the parameters and targets all float32 or all
float64, x of that dtype or float32, the labels intp and in range, no dimension but N is 0.

Shapes: N samples, D inputs, H hidden units, C classes.
"""

from __future__ import annotations

import numpy as np

from fastnet._checks import FloatArray, IntArray

CHUNK = 1000  # samples whose predictions are computed at a time: what is computed on the way stays in cache


def _forward(
    x: FloatArray, W1: FloatArray, b1: FloatArray, W2: FloatArray, b2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """z1, the derivative of the sigmoid at a1, and y; None if a1 or a2 is not finite."""
    a1 = x @ W1 + b1
    e = np.exp(-np.abs(a1))
    z1 = np.where(a1 < 0, e, 1) / (1 + e)
    slope = e / ((1 + e) * (1 + e))  # a z1 (1 - z1) would lose its digits where z1 is all but 1
    a2 = z1 @ W2 + b2
    if not (np.isfinite(a1).all() and np.isfinite(a2).all()):
        return None
    e = np.exp(a2 - a2.max(axis=1, keepdims=True))
    return z1, slope, e / e.sum(axis=1, keepdims=True)


def two_layer_predict(
    x: FloatArray, W1: FloatArray, b1: FloatArray, W2: FloatArray, b2: FloatArray
) -> FloatArray | None:
    """Return the probabilities `y` (N, C) of the classes, or None where only the plain formulas can tell.

    x is (N, D), W1 (D, H), b1 (H,), W2 (H, C), b2 (C,).
    None: some number on the way is infinite or NaN.
    """
    with np.errstate(all="ignore"):
        if not np.isfinite(W1).all():
            return None
        y = np.empty((len(x), W2.shape[1]), W1.dtype)
        for first in range(0, len(x), CHUNK):
            chunk = slice(first, first + CHUNK)
            forward = _forward(x[chunk], W1, b1, W2, b2)
            if forward is None:
                return None
            y[chunk] = forward[-1]
        return y


def two_layer_gradient(
    x: FloatArray, t: FloatArray | IntArray, W1: FloatArray, b1: FloatArray, W2: FloatArray, b2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
    """Return the gradient of the loss by W1, b1, W2 and b2, or None where only the plain formulas can tell.

    x is (N, D), N at least 1, W1 (D, H), b1 (H,), W2 (H, C), b2 (C,); t is (N,) labels, intp, or (N, C) targets.
    None: some number on the way is infinite or NaN.
    """
    with np.errstate(all="ignore"):
        x = x.astype(W1.dtype, copy=False)  # once, not in each of the two products
        forward = _forward(x, W1, b1, W2, b2)
        if forward is None or not np.isfinite(W1).all():
            return None
        z1, slope, dy = forward
        if t.ndim == 1:
            dy[np.arange(len(t)), t] -= 1
        else:
            dy -= t
        dy /= len(x)
        da1 = (dy @ W2.T) * slope
        if not np.isfinite(da1).all():
            return None
        return x.T @ da1, da1.sum(axis=0), z1.T @ dy, dy.sum(axis=0)
