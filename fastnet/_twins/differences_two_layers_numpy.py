"""Central differences of the loss of a two-layer network, in NumPy. The twin is `differences_two_layers.pyx`.

Every weight moves by +h and by -h. Each time, only the change of the loss is computed, from the values that depend on
the weight. `differences_two_layers.pyx` explains the idea and the formulas, with the same names.

Here a loop over the weights of a layer becomes an expression over a block of them. A bias is one more row of weights,
for an input that is always 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet._checks import FloatArray, IntArray
from fastnet._twins.shared import formulas_numpy as formulas
from fastnet._twins.shared.formulas_numpy import LOSS_EPS

__all__ = ["two_layer_differences"]

TINY = 1 / 512
HUGE = 1e50
BLOCK = 2**18  # elements of an intermediate array: 2 MB. A single row of weights may need more


class Layer(NamedTuple):
    """One layer of U units, for one sample."""

    reach: FloatArray  # (C, U): logit k moves by reach[k,u] times the move of unit u
    spread: FloatArray  # (U,): max_k reach[k,u] - min_k reach[k,u], which |v| never exceeds
    curved: bool  # True for the hidden units, which are sigmoids; False for the logits, where z = a
    a: FloatArray  # (U,): the input of the unit
    z: FloatArray  # (U,): its output
    slope: FloatArray  # (U,): dz/da

    def moves(self, s: FloatArray) -> FloatArray:
        """Return the move dz (I, U) of every unit whose input moves by s (I, 1)."""
        if not self.curved:
            return np.broadcast_to(s, (len(s), len(self.a)))
        m = np.expm1(s)
        dz: FloatArray = self.slope * m / (1.0 + self.z * m)
        far = np.abs(s[:, 0]) > 1  # exp(s) could overflow, and the plain difference is precise enough
        dz[far] = formulas.sigmoid(self.a + s[far]) - self.z
        return dz


class Target(NamedTuple):
    """The class c of one sample's target, and the sample's logits and softmax, each (C,)."""

    c: int
    a2: FloatArray
    y: FloatArray

    def gain(self, G: FloatArray) -> FloatArray:
        """Return the gain of the loss, `log(1 + G) - log(1 + q G)`, computed with one logarithm."""
        y = self.y[self.c]
        gain: FloatArray = np.log1p(y * G / (y + LOSS_EPS + LOSS_EPS * G))
        return gain


def _tiny_gains(layer: Layer, target: Target, v: FloatArray, s: FloatArray) -> FloatArray:
    # G = g1 dz + ... + g5 dz^5 with gp = sum_k y[k] v[k]^p / p!. No array here is as large as (I, U, C).
    dz = layer.moves(s)
    g, term = [], target.y[:, np.newaxis]
    for p in range(1, 6):
        term = term * v / p
        g.append(term.sum(axis=0))
    G = dz * g.pop()
    while g:
        G += g.pop()
        G *= dz
    return target.gain(G)


def _larger_gains(layer: Layer, target: Target, v: FloatArray, s: FloatArray) -> FloatArray:
    dz = layer.moves(s)
    moves = v[:, np.newaxis] * dz  # (C, I, U)
    gains = target.gain(np.tensordot(target.y, np.expm1(moves), 1))
    # For far moves, y[k] exp(dz v[k]) may be 0 times infinity, or G almost -1. The loss itself is precise enough there.
    far = np.abs(dz) * layer.spread > 1
    y = 1.0 / np.exp((target.a2 - target.a2[target.c])[:, np.newaxis] + moves[:, far]).sum(axis=0)
    gains[far] = np.log((target.y[target.c] + LOSS_EPS) / (y + LOSS_EPS))
    return gains


def _add_differences(x: FloatArray, h: float, layer: Layer, target: Target, weight: float, out: FloatArray) -> None:
    """Add `weight (gain(+h) - gain(-h))` of all weights of a layer to `out` (I, U). x (I,) are its inputs."""
    v = layer.reach - layer.reach[target.c]
    s = h * x
    tiny = np.abs(s) <= TINY / max(1.0, (layer.slope * layer.spread).max())
    for gains, mask, row_size in (_tiny_gains, tiny & (s != 0), len(layer.a)), (_larger_gains, ~tiny, v.size):
        rows, size = np.flatnonzero(mask), max(1, BLOCK // row_size)
        for first in range(0, len(rows), size):
            block = rows[first : first + size]
            up = s[block, np.newaxis]
            out[block] += weight * (gains(layer, target, v, up) - gains(layer, target, v, -up))


def two_layer_differences(
    x: FloatArray, t: FloatArray | IntArray, W1: FloatArray, b1: FloatArray, W2: FloatArray, b2: FloatArray, h: float,
    weights: FloatArray | None = None, /,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
    """Return the central differences of the loss with respect to W1, b1, W2 and b2, or None if a number is not finite.

    x (N, D), W1 (D, H), b1 (H,), W2 (H, C), b2 (C,) are float64; t is (N,) labels, intp, or (N, C) targets, float64.
    The weights of the samples are (N,), float64, above 0, or None: the loss is linear in t, so they multiply t. The
    result is also None if the absolute value of a number is 1e50 or more.
    """
    with np.errstate(all="ignore"):
        if not all(array.min() > -HUGE and array.max() < HUGE for array in (x, t, W1, b1, W2, b2)):
            return None
        (N, D), (H, C) = x.shape, W2.shape
        t = formulas.one_hot(t, C)
        if weights is not None:
            t = t * formulas.relative(weights)[:, np.newaxis]
        a1 = x @ W1 + b1
        z, slope = formulas.sigmoid(a1), formulas.sigmoid_slope(a1)
        a2 = z @ W2 + b2
        y = formulas.softmax(a2)

        ones = np.ones((N, 1))
        x1, z1 = np.hstack([x, ones]), np.hstack([z, ones])
        d1, d2 = np.zeros((D + 1, H)), np.zeros((H + 1, C))
        reach1, spread1, reach2, one = W2.T.copy(), np.ptp(W2, axis=1), np.eye(C), np.ones(C)
        for n, c in np.argwhere(t):
            target = Target(c, a2[n], y[n])
            hidden = Layer(reach1, spread1, True, a1[n], z[n], slope[n])
            output = Layer(reach2, one, False, a2[n], a2[n], one)
            _add_differences(x1[n], h, hidden, target, t[n, c], d1)
            _add_differences(z1[n], h, output, target, t[n, c], d2)

        d1 /= 2.0 * h * N
        d2 /= 2.0 * h * N
        return d1[:-1].copy(), d1[-1].copy(), d2[:-1].copy(), d2[-1].copy()
