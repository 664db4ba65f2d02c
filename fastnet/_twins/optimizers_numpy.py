"""One update of a parameter by each of the book's optimizers, in NumPy. The twin is `optimizers.pyx`.

This file is the specification.

    p is the parameter and g its gradient. v, h and m are the state of the optimizer: they keep their values from update
    to update, and are 0 before the first. Every operation is elementwise.

The twins agree to the last bit: both round after every operation, in the book's order.

The kernels check nothing. The arrays of a call are C-contiguous, aligned, in native byte order, of one shape with at
least one dimension, and of one dtype, float32 or float64. No two of them share memory. The kernels change all but g in
place. `is_movable` returns whether arrays fulfil all this.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, FloatArray, is_carray

__all__ = ["adagrad", "adam", "descend", "is_movable", "momentum", "nesterov", "rmsprop"]

EPS = 1e-7  # the book's: avoids a division by 0


def is_movable(arrays: tuple[Any, ...], /) -> bool:
    """Return whether a kernel can take `arrays`, p, g and the state, without conversion."""
    param = arrays[0]
    if not is_carray(param) or param.ndim == 0 or param.dtype not in (FLOAT32, FLOAT64):
        return False
    for i, array in enumerate(arrays):
        if not is_carray(array) or array.dtype != param.dtype or array.shape != param.shape:
            return False
        if not (array.flags.writeable or i == 1):
            return False
    return not any(np.may_share_memory(one, other) for one, other in combinations(arrays, 2))


def descend(p: FloatArray, g: FloatArray, lr: float, /) -> None:
    """Move p in place against its gradient g: `p -= lr * g`."""
    with np.errstate(all="ignore"):
        p -= lr * g


def momentum(p: FloatArray, g: FloatArray, v: FloatArray, lr: float, momentum: float, /) -> None:
    """Update the velocity v, then move p by it: `v = momentum * v - lr * g`, `p += v`."""
    with np.errstate(all="ignore"):
        v *= momentum
        v -= lr * g
        p += v


def nesterov(p: FloatArray, g: FloatArray, v: FloatArray, lr: float, momentum: float, /) -> None:
    """Move p by the old velocity, then update the velocity.

    `p += momentum² * v`, `p -= (1 + momentum) * lr * g`, `v = momentum * v - lr * g`.
    """
    with np.errstate(all="ignore"):
        p += momentum * momentum * v
        p -= (1 + momentum) * lr * g
        v *= momentum
        v -= lr * g


def adagrad(p: FloatArray, g: FloatArray, h: FloatArray, lr: float, /) -> None:
    """Sum the squares of the gradients: `h += g * g`, `p -= lr * g / (sqrt(h) + EPS)`."""
    with np.errstate(all="ignore"):
        h += g * g
        p -= lr * g / (np.sqrt(h) + EPS)


def rmsprop(p: FloatArray, g: FloatArray, h: FloatArray, lr: float, decay_rate: float, /) -> None:
    """Average the squares of the gradients.

    `h = decay_rate * h + (1 - decay_rate) * g * g`, `p -= lr * g / (sqrt(h) + EPS)`.
    """
    with np.errstate(all="ignore"):
        h *= decay_rate
        h += (1 - decay_rate) * g * g
        p -= lr * g / (np.sqrt(h) + EPS)


def adam(
    p: FloatArray, g: FloatArray, m: FloatArray, v: FloatArray, lr: float, beta1: float, beta2: float, /
) -> None:
    """Average the gradients and their squares. `lr` includes the correction for the initial zeros of m and v.

    `m += (1 - beta1) * (g - m)`, `v += (1 - beta2) * (g * g - v)`, `p -= lr * m / (sqrt(v) + EPS)`.
    """
    with np.errstate(all="ignore"):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        p -= lr * m / (np.sqrt(v) + EPS)
