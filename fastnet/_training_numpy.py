"""One training step of a network of L layers in NumPy: the specification of `_training.pyx`.

    a1 = x W1 + b1,  z1 = f(a1),  a2 = z1 W2 + b2,  ...,  y = output(aL),
    daL = (y - t) / N, with N C for the output "sigmoid" and N C / 2 for "identity",
    dWl = z(l-1)' dal,  da(l-1) = (dal Wl') f'(a(l-1)),  dbl: the sum of dal over the samples

Kernels do not check the parameters: these are C-contiguous, native and aligned, all float32 or all float64, and fit
each other, no dimension being 0. Of x and t they take what needs no conversion, x also in float32 beside float64.

Shapes: N samples, D inputs, C outputs; a layer has I inputs and U units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet._checks import FLOAT32, INTP, UINT8, FloatArray, is_carray
from fastnet._layers_numpy import ACTIVATIONS, OUTPUTS

CHUNK = 1000  # samples whose predictions are computed at a time: what is computed on the way stays in cache


def _forward(
    x: FloatArray, parameters: tuple[FloatArray, ...], activation: str
) -> tuple[list[FloatArray], list[FloatArray]] | None:
    """The input and the a of every layer; None if some a is not finite."""
    z: list[FloatArray] = [x]
    a: list[FloatArray] = [x @ parameters[0] + parameters[1]]
    for W, b in zip(parameters[2::2], parameters[3::2], strict=True):
        z.append(ACTIVATIONS[activation].function(a[-1]))
        a.append(z[-1] @ W + b)
    return (z, a) if all(np.isfinite(each).all() for each in a) else None


def _is_input(x: Any, parameters: tuple[FloatArray, ...]) -> bool:
    """Whether x is such a matrix as the kernels take."""
    W = parameters[0]
    return is_carray(x) and x.dtype in (FLOAT32, W.dtype) and x.ndim == 2 and x.shape[1] == len(W)


def _is_target(t: Any, x: FloatArray, parameters: tuple[FloatArray, ...], output: str) -> bool:
    """Whether t is such an array of labels, or of targets, as the kernels take for x."""
    b = parameters[-1]
    if not is_carray(t):
        return False
    if t.dtype == b.dtype:
        return bool(t.shape == (len(x), len(b)))
    is_labels = output == "softmax" and t.dtype in (INTP, UINT8) and t.shape == (len(x),)
    return is_labels and bool(t.min() >= 0 and t.max() < len(b))


def network_predict(x: Any, parameters: tuple[FloatArray, ...], activation: str, output: str) -> FloatArray | None:
    """Return the predictions `y` (N, C), or None where the caller has to see to it.

    x is (N, D), the parameters are W1 (D, H), b1 (H,), ... to the last layer's (H, C) and (C,).
    None: x has to be converted or refused; or some number on the way is infinite or NaN, and only the plain formulas
    can tell what comes of it.
    """
    if not _is_input(x, parameters):
        return None
    with np.errstate(all="ignore"):
        if not np.isfinite(parameters[0]).all():
            return None
        y = np.empty((len(x), len(parameters[-1])), parameters[-1].dtype)
        for first in range(0, len(x), CHUNK):
            chunk = slice(first, first + CHUNK)
            forward = _forward(x[chunk], parameters, activation)
            if forward is None:
                return None
            y[chunk] = OUTPUTS[output](forward[1][-1])
        return y


def network_gradient(
    x: Any, t: Any, parameters: tuple[FloatArray, ...], activation: str, output: str
) -> list[FloatArray] | None:
    """Return the gradient of the loss by every parameter, or None where the caller has to see to it.

    x is (N, D), N at least 1, the parameters are W1 (D, H), b1 (H,), ... to the last layer's (H, C) and (C,); t is (N,)
    labels, intp or uint8, for the output "softmax", or (N, C) targets in the dtype of the parameters.
    None: x or t has to be converted or refused; or some number on the way is infinite or NaN, and only the plain
    formulas can tell what comes of it.
    """
    if not (_is_input(x, parameters) and len(x) and _is_target(t, x, parameters, output)):
        return None
    with np.errstate(all="ignore"):
        x = x.astype(parameters[0].dtype, copy=False)  # once, not in each of the two products
        forward = _forward(x, parameters, activation)
        if forward is None or not np.isfinite(parameters[0]).all():
            return None
        z, a = forward
        da = np.array(OUTPUTS[output](a[-1]))  # y, and it may be a itself
        divisor = {"softmax": len(x), "sigmoid": da.size, "identity": da.size / 2}[output]
        if t.ndim == 1:
            da[np.arange(len(t)), t] -= 1
        else:
            da -= t
        da /= divisor
        gradients: list[FloatArray] = []
        for layer in range(len(z) - 1, -1, -1):
            db = da.sum(axis=0)
            if not np.isfinite(db).all():  # a da that is infinite or NaN makes its sum so
                return None
            gradients[:0] = z[layer].T @ da, db
            if layer:
                da = (da @ parameters[2 * layer].T) * ACTIVATIONS[activation].slope(a[layer - 1])
        return gradients
