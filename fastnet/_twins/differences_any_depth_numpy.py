"""Central differences of the loss of a network of any number of layers, in NumPy: the twin of
`differences_any_depth.pyx`, which has the idea.

What changes from there to here: a loop over moves becomes an expression over a block of them, and a bias is one more
row of weights, that of an input which is always 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnet._checks import FloatArray, IntArray
from fastnet._twins.shared.formulas_numpy import ACTIVATIONS, LOSS_EPS, OUTPUTS

__all__ = ["layer_differences"]

BLOCK = 2**17  # elements of an intermediate array: 1 MB; more only where one input takes more


def _cross_entropy(a: FloatArray, t: FloatArray) -> FloatArray:
    classes = np.flatnonzero(t)
    loss: FloatArray = np.log(OUTPUTS["softmax"].function(a)[:, classes] + LOSS_EPS) @ -t[classes]
    return loss


def _binary_cross_entropy(a: FloatArray, t: FloatArray) -> FloatArray:
    yes, no = OUTPUTS["sigmoid"].function(a), OUTPUTS["sigmoid"].function(-a)  # 1 - yes would lose its digits
    loss: FloatArray = (np.log(yes + LOSS_EPS) @ -t + np.log(no + LOSS_EPS) @ (t - 1)) / len(t)
    return loss


def _mean_squared_error(a: FloatArray, t: FloatArray) -> FloatArray:
    loss: FloatArray = np.square(a - t).mean(axis=1)
    return loss


# The losses (M,) of one sample, whose target is t (C,), for M times its last a (M, C).
LOSSES: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "softmax": _cross_entropy,
    "sigmoid": _binary_cross_entropy,
    "identity": _mean_squared_error,
}


def layer_differences(
    x: FloatArray, t: FloatArray | IntArray, parameters: tuple[FloatArray, ...], activation: str, output: str, h: float,
    /,
) -> tuple[FloatArray, ...] | None:
    """Return the central differences of the loss by every parameter, or None where a number is not finite.

    x (N, D) and the parameters W1 (D, H), b1 (H,), ... are float64; t is (N,) labels, intp, or (N, C) targets, float64.
    """
    with np.errstate(all="ignore"):
        if not all(np.isfinite(array).all() for array in (x, t, *parameters)):
            return None
        N, C = len(x), len(parameters[-1])
        if t.ndim == 1:
            labels, t = t, np.zeros((N, C))
            t[np.arange(N), labels] = 1.0
        function, loss_of = ACTIVATIONS[activation].function, LOSSES[output]
        W, b = parameters[::2], parameters[1::2]
        last = len(W) - 1
        z, a = [x], []
        for layer in range(last + 1):
            a.append(z[layer] @ W[layer] + b[layer])
            z.append(function(a[layer]))

        def gains(n: int, layer: int, s: FloatArray) -> FloatArray:
            """What the loss (I, U) of sample n gains where the input of one unit of the layer moves by s (I, 1)."""
            gains = np.zeros((len(s), W[layer].shape[1]))
            if layer == last:
                units = np.arange(C)
                rows = s[:, :, np.newaxis] * np.eye(C)
            else:
                moves = function(a[layer][n] + s)
                moves -= z[layer + 1][n]
                units = np.flatnonzero(moves.any(axis=0))  # a unit that relu keeps at 0 moves nothing
                rows = moves[:, units, np.newaxis] * W[layer + 1][units]
            rows += a[min(layer + 1, last)][n]
            rows = rows.reshape(-1, rows.shape[-1])
            for following in range(layer + 2, last + 1):
                rows = function(rows) @ W[following]
                rows += b[following]
            gains[:, units] = (loss_of(rows, t[n]) - loss[n]).reshape(len(s), -1)
            return gains

        loss = [loss_of(a[last][n : n + 1], t[n])[0] for n in range(N)]
        gradients = [np.zeros((len(weights) + 1, weights.shape[1])) for weights in W]
        for layer, gradient in enumerate(gradients):
            U = W[layer].shape[1]
            size = max(1, BLOCK // (U * max(weights.shape[1] for weights in [np.eye(C), *W[layer + 1 :]])))
            for n in range(N):
                s = h * np.append(z[layer][n], 1.0)
                moving = np.flatnonzero(s)
                for first in range(0, len(moving), size):
                    block = moving[first : first + size]
                    up = s[block, np.newaxis]
                    gradient[block] += gains(n, layer, up) - gains(n, layer, -up)

        for gradient in gradients:
            gradient /= 2.0 * h * N
        if not all(np.isfinite(gradient).all() for gradient in gradients):
            return None
        return tuple(part.copy() for gradient in gradients for part in (gradient[:-1], gradient[-1]))
