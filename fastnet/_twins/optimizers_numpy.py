"""One update of a parameter by each of the book's optimizers, in NumPy: the specification of `_optimizers.pyx`.

    p is the parameter, g the gradient of the loss by it; v, h and m are what the optimizer remembers from update to
    update, all of them 0 before the first. Every operation is of elements.

The twins agree to the last bit: both round after every operation, in the book's order.

Kernels check nothing: the arrays of a call are C-contiguous, native and aligned, of one shape with at least one
dimension and of one dtype, float32 or float64, and no two share memory. All but g are changed in place. `is_movable`
tells whether arrays are like that.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, FloatArray, is_carray

__all__ = ["adagrad", "adam", "descend", "is_movable", "momentum", "nesterov", "rmsprop"]

EPS = 1e-7  # the book's: no division by the root of 0


def is_movable(arrays: tuple[Any, ...], /) -> bool:
    """Return whether a kernel can take `arrays` as they are: the parameter, the gradient, and what is remembered."""
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
    """Move p by the old velocity, then update that.

    `p += momentum² * v`, `p -= (1 + momentum) * lr * g`, `v = momentum * v - lr * g`.
    """
    with np.errstate(all="ignore"):
        p += momentum * momentum * v
        p -= (1 + momentum) * lr * g
        v *= momentum
        v -= lr * g


def adagrad(p: FloatArray, g: FloatArray, h: FloatArray, lr: float, /) -> None:
    """Sum up the squares of the gradients: `h += g * g`, `p -= lr * g / (sqrt(h) + EPS)`."""
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
    """Average the gradients and their squares; `lr` holds the correction for the zeros that both begin with.

    `m += (1 - beta1) * (g - m)`, `v += (1 - beta2) * (g * g - v)`, `p -= lr * m / (sqrt(v) + EPS)`.
    """
    with np.errstate(all="ignore"):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        p -= lr * m / (np.sqrt(v) + EPS)
