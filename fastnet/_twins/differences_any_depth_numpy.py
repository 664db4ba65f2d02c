"""Central differences of the loss of a network of any depth, in NumPy. The twin is `differences_any_depth.pyx`.

Every parameter moves by +h and by -h. Each time, only the values that depend on the parameter are computed again. The
twin explains the idea.

Here a loop over moves becomes an expression over a block of them. A bias is one more row of weights, for an input that
is always 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnet._checks import FloatArray, IntArray
from fastnet._twins.shared.formulas_numpy import ACTIVATIONS, LOSS_EPS, OUTPUTS, one_hot, relative

__all__ = ["layer_differences"]

BLOCK = 2**17  # elements of an intermediate array: 1 MB. A single input may need more


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


def _sigmoid_mse(a: FloatArray, t: FloatArray) -> FloatArray:
    return _mean_squared_error(OUTPUTS["sigmoid_mse"].function(a), t)


# Each returns the losses (M,) of one sample with the target t (C,), for M moves of its last a (M, C).
LOSSES: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "softmax": _cross_entropy,
    "sigmoid": _binary_cross_entropy,
    "sigmoid_mse": _sigmoid_mse,
    "identity": _mean_squared_error,
}


Forward = tuple[FloatArray, list[FloatArray], list[FloatArray], list[FloatArray]]


def _forward(
    x: FloatArray, t: FloatArray | IntArray, parameters: tuple[FloatArray, ...], activation: str
) -> Forward | None:
    """Return the targets (N, C), z and a of every layer, and gradients of 0; or None if a number is not finite.

    z[l] is the input of layer l, and a[l] its output before the activation. A gradient is (I + 1, U): W, then b.
    """
    with np.errstate(all="ignore"):
        if not all(np.isfinite(array).all() for array in (x, t, *parameters)):
            return None
        z: list[FloatArray] = [x]
        a: list[FloatArray] = []
        for W, b in zip(parameters[::2], parameters[1::2], strict=True):
            a.append(z[-1] @ W + b)
            z.append(ACTIVATIONS[activation].function(a[-1]))
    gradients: list[FloatArray] = [np.zeros((len(W) + 1, W.shape[1])) for W in parameters[::2]]
    return one_hot(t, len(parameters[-1])), z, a, gradients


def _divided(gradients: list[FloatArray], divisor: float) -> tuple[FloatArray, ...] | None:
    """Divide the gradients, and return them by W1, b1, W2, ...; or return None if one is not finite."""
    with np.errstate(all="ignore"):
        for gradient in gradients:
            gradient /= divisor
            if not np.isfinite(gradient).all():
                return None
    return tuple(part.copy() for gradient in gradients for part in (gradient[:-1], gradient[-1]))


def layer_differences(
    x: FloatArray, t: FloatArray | IntArray, parameters: tuple[FloatArray, ...], activation: str, output: str, h: float,
    weights: FloatArray | None = None, /,
) -> tuple[FloatArray, ...] | None:
    """Return the central differences of the loss with respect to every parameter, or None if a number is not finite.

    x (N, D) and the parameters W1 (D, H), b1 (H,), ... are float64; t is (N,) labels, intp, or (N, C) targets, float64.
    The weights of the samples are (N,), float64, above 0, or None.
    """
    computed = _forward(x, t, parameters, activation)
    if computed is None:
        return None
    t, z, a, gradients = computed
    function, loss_of = ACTIVATIONS[activation].function, LOSSES[output]
    W, b = parameters[::2], parameters[1::2]
    N, C, last = len(x), t.shape[1], len(W) - 1
    factors = np.ones(N) if weights is None else relative(weights)

    def gains(n: int, layer: int, s: FloatArray) -> FloatArray:
        """Return the gain (I, U) of the loss of sample n if the input of one unit of the layer moves by s (I, 1)."""
        gains = np.zeros((len(s), W[layer].shape[1]))
        if layer == last:
            units = np.arange(C)
            rows = s[:, :, np.newaxis] * np.eye(C)
        else:
            moves = function(a[layer][n] + s)
            moves -= z[layer + 1][n]
            units = np.flatnonzero(moves.any(axis=0))  # a unit that relu keeps at 0 does not move
            rows = moves[:, units, np.newaxis] * W[layer + 1][units]
        rows += a[min(layer + 1, last)][n]
        rows = rows.reshape(-1, rows.shape[-1])
        for following in range(layer + 2, last + 1):
            rows = function(rows) @ W[following]
            rows += b[following]
        gains[:, units] = (loss_of(rows, t[n]) - loss[n]).reshape(len(s), -1)
        return gains

    with np.errstate(all="ignore"):
        loss = [loss_of(a[last][n : n + 1], t[n])[0] for n in range(N)]
        for layer, gradient in enumerate(gradients):
            U = W[layer].shape[1]
            size = max(1, BLOCK // (U * max(weights.shape[1] for weights in [np.eye(C), *W[layer + 1 :]])))
            for n in range(N):
                s = h * np.append(z[layer][n], 1.0)
                moving = np.flatnonzero(s)
                for first in range(0, len(moving), size):
                    block = moving[first : first + size]
                    up = s[block, np.newaxis]
                    gradient[block] += factors[n] * (gains(n, layer, up) - gains(n, layer, -up))
    return _divided(gradients, 2.0 * h * N)
