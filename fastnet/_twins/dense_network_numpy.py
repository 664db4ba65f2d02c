"""The gradient and the predictions of a dense network of L layers, in NumPy. The twin is `dense_network.pyx`.

This file is the specification: the compiled twin returns the same, up to rounding.

    a1 = x W1 + b1,  z1 = f(a1),  a2 = z1 W2 + b2,  ...,  y = output(aL),
    daL = (y sum(t) - t) / N for the output "softmax", (y - t) / (N C) for "sigmoid", 2 (y - t) / (N C) for "identity",
    2 (y - t) y (1 - y) / (N C) for "sigmoid_mse"; with weights, daL of a sample times weight / (mean of the weights),
    dWl = z(l-1)' dal,  da(l-1) = (dal Wl') f'(a(l-1)),  dbl = sum of dal over the samples

The kernels do not check the parameters. The caller passes what `plain_parameters` returns, or converts them itself: all
C-contiguous, aligned, in native byte order, all float32 or all float64, shapes that fit each other, no dimension 0.
The kernels do check x, t and weights, and return None if these need conversion. x may be float32 beside float64
parameters, or `ScaledBytes`.

Shapes: N samples, D inputs, C outputs; a layer has I inputs and U units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, INTP, UINT8, FloatArray, is_carray, is_plain_array
from fastnet._picked import Picked
from fastnet._scaled import ScaledBytes
from fastnet._twins.shared.formulas_numpy import ACTIVATIONS, OUTPUTS, is_outside, relative
from fastnet._twins.softmax_numpy import softmax

__all__ = ["add_decay", "network_gradient", "network_predict", "plain_parameters", "sum_of_squares"]

LEAST_SUM = 1e-290  # of weights: a smaller sum may be subnormal, and then its mean is not precise
CHUNK = 1000  # samples that network_predict works on at a time: the intermediate arrays stay in the cache


def _forward(
    x: FloatArray, parameters: tuple[FloatArray, ...], activation: str, output: str
) -> tuple[list[FloatArray], list[FloatArray], FloatArray]:
    """Return the input z of every layer, the a of every layer, and y."""
    z: list[FloatArray] = [x]
    a: list[FloatArray] = [x @ parameters[0] + parameters[1]]
    for W, b in zip(parameters[2::2], parameters[3::2], strict=True):
        z.append(ACTIVATIONS[activation].function(a[-1]))
        a.append(z[-1] @ W + b)
    if output == "softmax" and not np.isfinite(a[-1]).all():
        return z, a, softmax(a[-1])  # also gives the limit where the largest value of a row is infinite
    return z, a, OUTPUTS[output].function(a[-1])


def _is_input(x: Any, parameters: tuple[FloatArray, ...]) -> bool:
    """Whether the kernels can take the matrix x without conversion."""
    W = parameters[0]
    if type(x) is ScaledBytes:
        return is_carray(x.values) and x.ndim == 2 and x.shape[1] == len(W)
    return is_carray(x) and x.dtype in (FLOAT32, W.dtype) and x.ndim == 2 and x.shape[1] == len(W)


def _is_target(t: Any, x: FloatArray, parameters: tuple[FloatArray, ...], output: str) -> bool:
    """Whether the kernels can take the labels or targets t of x without conversion."""
    b = parameters[-1]
    if not is_carray(t):
        return False
    if t.dtype == b.dtype:
        return t.shape == (len(x), len(b)) and (output == "identity" or not is_outside(t))
    is_labels = output == "softmax" and t.dtype in (INTP, UINT8) and t.shape == (len(x),)
    return is_labels and bool(t.min() >= 0 and t.max() < len(b))


def _are_weights(weights: Any, x: FloatArray) -> bool:
    """Whether the kernels can take the weights of x without conversion: none is 0, and their sum is a normal number."""
    if weights is None:
        return True
    if not (is_carray(weights) and weights.dtype == FLOAT64 and weights.shape == (len(x),)):
        return False
    with np.errstate(all="ignore"):
        return bool(weights.min() > 0 and LEAST_SUM <= weights.sum() < np.inf)


def plain_parameters(params: Any, shapes: dict[str, tuple[int, ...]], dtype: Any, /) -> tuple[FloatArray, ...] | None:
    """Return the arrays of `params` in the order of `shapes`, or None if one needs conversion or is not valid."""
    if type(params) is not dict or len(params) != len(shapes):
        return None
    arrays: list[FloatArray] = []
    for name, shape in shapes.items():
        array: Any = params.get(name)
        if not is_plain_array(array) or array.dtype != dtype or array.shape != shape:
            return None
        arrays.append(array)
    return tuple(arrays)


def network_predict(
    x: Any, parameters: tuple[FloatArray, ...], activation: str, output: str, /
) -> FloatArray | None:
    """Return the predictions `y` (N, C), or None if x needs conversion or is not valid.

    x is (N, D), an array or `ScaledBytes`. The parameters are W1 (D, H), b1 (H,), ..., those of the last layer (H, C)
    and (C,).
    """
    if not _is_input(x, parameters):
        return None
    with np.errstate(all="ignore"):
        y = np.empty((len(x), len(parameters[-1])), parameters[-1].dtype)
        for first in range(0, len(x), CHUNK):
            chunk = slice(first, first + CHUNK)
            y[chunk] = _forward(np.asarray(x[chunk]), parameters, activation, output)[-1]
        return y


def network_gradient(
    x: Any, t: Any, parameters: tuple[FloatArray, ...], activation: str, output: str, weights: Any = None,
    y: FloatArray | None = None, /
) -> list[FloatArray] | None:
    """Return the gradient of the loss with respect to every parameter.

    Or return None if an argument needs conversion or is not valid.

    x is (N, D), N at least 1, an array, `ScaledBytes`, or `Picked` from an array or a sparse matrix. The parameters are
    W1 (D, H), b1 (H,), ..., those of the last layer (H, C) and (C,). t is (N, C) targets in the dtype of the
    parameters, from 0 to 1 (for the output "identity", any); or, for the output "softmax", (N,) labels, intp or uint8.
    The weights of the samples are (N,), float64, above 0, or None. The predictions are written to y, which is
    C-contiguous (N, C) in the dtype of the parameters, or None.
    """
    if type(x) is Picked:
        x = np.asarray(x)
    if not (
        _is_input(x, parameters) and len(x) and _is_target(t, x, parameters, output) and _are_weights(weights, x)
    ):
        return None
    with np.errstate(all="ignore"):
        x = np.asarray(x, parameters[0].dtype)  # convert once, not in each of the two products
        z, a, da = _forward(x, parameters, activation, output)
        if y is not None:
            y[...] = da
        if t.ndim == 1:
            da[np.arange(len(t)), t] -= 1  # softmax's own array
        else:
            da = OUTPUTS[output].error(da, t, a[-1])
        da /= OUTPUTS[output].divisor(*da.shape)
        if weights is not None:
            da *= relative(weights)[:, np.newaxis]
        gradients: list[FloatArray] = []
        for layer in range(len(z) - 1, -1, -1):
            gradients[:0] = z[layer].T @ da, da.sum(axis=0)
            if layer:
                da = (da @ parameters[2 * layer].T) * ACTIVATIONS[activation].slope(a[layer - 1])
        return gradients


def add_decay(dW: FloatArray, W: FloatArray, strength: float, /) -> None:
    """Add `strength * W` to the gradient dW of a matrix W of the parameters, in place."""
    with np.errstate(all="ignore"):
        dW += strength * W


def sum_of_squares(W: FloatArray, /) -> float:
    """Return the sum of the squares of a matrix W of the parameters, in float64."""
    with np.errstate(all="ignore"):
        return float(np.square(W, dtype=np.float64).sum())
