"""A dense network's gradient, computed with typical mistakes in it, to find those of a reader."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from fastnet import functions
from fastnet.exercises._diagnosis import same

TOLERANCE = 1e-5  # central differences are right to about 1e-8: a difference of 1e-5 is no rounding error


def close(came: Any, right: Any, smallest: float = 1e-3) -> bool:
    """Whether two gradients are equal, up to the rounding errors of differences of a loss.

    Gradients that are all below `smallest` are compared as if one was as large: those of a bias before batch
    normalization are 0, and their differences are rounding errors.
    """
    right = np.asarray(right)
    scale = float(np.abs(right).max(initial=smallest))
    try:
        came = np.asarray(came, float)
    except (TypeError, ValueError):  # no numbers, or rows of different lengths
        return False
    return came.shape == right.shape and same(came / scale, right / scale, TOLERANCE)


class Activation(NamedTuple):
    function: Callable[[Any], Any]
    slope: Callable[[Any, Any], Any]  # of a and z = function(a)


ACTIVATIONS = {
    "sigmoid": Activation(functions.sigmoid, lambda a, z: z * (1 - z)),
    "relu": Activation(lambda a: np.maximum(0, a), lambda a, z: (a > 0) * 1.0),
    "tanh": Activation(np.tanh, lambda a, z: 1 - z**2),
}


class Fault(NamedTuple):
    piece: str
    words: str
    mistaken: Callable[..., Any]


RIGHT: dict[str, Callable[..., Any]] = {
    "dy": lambda y, t: (y - t) / len(y),
    "dx": lambda d, W: d @ W.T,
    "dW": lambda z, d: z.T @ d,
    "db": lambda d: d.sum(axis=0),
    "slope": lambda d, a, z, slope: d * slope(a, z),
}
FAULTS = [
    Fault("dy", "the gradient is not divided by the number of samples", lambda y, t: y - t),
    Fault("dy", "the sign is wrong: y - t and t - y are exchanged", lambda y, t: (t - y) / len(y)),
    Fault("dy", "the sign is wrong, and it is not divided by the number of samples", lambda y, t: t - y),
    Fault("dy", "the gradient is divided by the number of classes, not of samples", lambda y, t: (y - t) / y.shape[1]),
    Fault("dy", "the gradient is divided by the number of samples twice", lambda y, t: (y - t) / len(y) ** 2),
    Fault("dy", "the target is not subtracted", lambda y, t: y / len(y)),
    Fault(
        "dy",
        "y (1 - y) is multiplied in: softmax and cross-entropy together have cancelled it",
        lambda y, t: (y - t) * y * (1 - y) / len(y),
    ),
    Fault("dx", "W is not transposed in dx", lambda d, W: d @ W),
    Fault("dx", "the sign of dx is wrong", lambda d, W: -d @ W.T),
    Fault("dx", "dx is divided by the number of samples again", lambda d, W: d @ W.T / len(d)),
    Fault("dW", "dW is transposed", lambda z, d: d.T @ z),
    Fault("dW", "the sign of dW is wrong", lambda z, d: -z.T @ d),
    Fault("dW", "dW is divided by the number of samples again", lambda z, d: z.T @ d / len(d)),
    Fault("db", "db is not summed over the batch", lambda d: d),
    Fault("db", "db is the mean over the batch, where the sum is wanted", lambda d: d.mean(axis=0)),
    Fault("db", "db is summed over the units, not over the batch", lambda d: d.sum(axis=1)),
    Fault("db", "db is one number: the sum runs over everything", lambda d: d.sum()),
    Fault("db", "db takes the first sample only", lambda d: d[0]),
    Fault("db", "the sign of db is wrong", lambda d: -d.sum(axis=0)),
    Fault("slope", "the slope of the activation is missing", lambda d, a, z, slope: d),
    Fault("slope", "the slope is computed from a, where z belongs", lambda d, a, z, slope: d * slope(a, a)),
    Fault(
        "slope",
        "the slope is computed from z, where a belongs: the function is applied twice",
        lambda d, a, z, slope: d * functions.sigmoid(z) * (1 - functions.sigmoid(z)),
    ),
    Fault("slope", "the output is multiplied in, where its slope belongs", lambda d, a, z, slope: d * z),
    Fault("slope", "the slope is added, where the chain rule multiplies", lambda d, a, z, slope: d + slope(a, z)),
    Fault(
        "slope", "the mask looks at dout, where the input of the activation belongs", lambda d, a, z, slope: d * (d > 0)
    ),
    Fault("slope", "the mask is the wrong way round", lambda d, a, z, slope: d * (a <= 0)),
]
EVERYWHERE = 0  # in place of the number of a layer


def mistakes(params: Any, x: Any, t: Any, loss: float, came: Any) -> str:
    """The mistakes, at most two, with which a dense network of these parameters gives the gradients that came."""
    depth = sum(name.startswith("W") for name in params)
    if set(params) != {f"{kind}{layer}" for kind in "Wb" for layer in range(1, depth + 1)}:
        return ""
    if any(
        params[f"{kind}{layer}"].ndim != axes for kind, axes in (("W", 2), ("b", 1)) for layer in range(1, depth + 1)
    ):
        return ""
    shape = (len(x), len(params[f"b{depth}"]))
    if np.ndim(x) != 2 or ((t.dtype.kind not in "iu" or t.shape != shape[:1]) and t.shape != shape):
        return ""
    targets = np.eye(shape[1])[t] if t.ndim == 1 else t
    for activation in ACTIVATIONS.values():
        trace = _forward(params, x, activation)
        y = trace[-1]
        if not np.isclose(-np.sum(targets * np.log(y + 1e-7)) / len(y), loss, rtol=1e-5):
            continue
        single = list(_places(depth))
        for faults in itertools.chain(((place,) for place in single), itertools.combinations(single, 2)):
            try:
                given = _backward(params, trace, targets, activation, faults)
            except ValueError:  # the shapes of this mistake do not fit
                continue
            if all(close(came[name], given[name]) for name in params):
                return ", and ".join(_where(layer, fault) for layer, fault in faults)
    return ""


def _places(depth: int) -> Iterator[tuple[int, Fault]]:
    """Each fault in each layer that it can be in. First in one layer, then in all."""
    for fault in FAULTS:
        if fault.piece == "dy":
            yield depth, fault
        else:
            first, last = (2, depth) if fault.piece == "dx" else (1, depth - (fault.piece == "slope"))
            yield from ((layer, fault) for layer in range(first, last + 1))
            if last > first:
                yield EVERYWHERE, fault


def _where(layer: int, fault: Fault) -> str:
    if fault.piece == "dy":
        return f"the loss: {fault.words}"
    if fault.piece == "slope":
        return f"the activation {f'behind layer {layer}' if layer else 'behind every layer'}: {fault.words}"
    return f"{f'layer {layer} (W{layer}, b{layer})' if layer else 'every layer'}: {fault.words}"


def _forward(params: Any, x: Any, activation: Activation) -> list[Any]:
    """x, a1, z1, a2, z2, ..., y."""
    depth = len(params) // 2
    trace = [x]
    for layer in range(1, depth + 1):
        trace.append(trace[-1] @ params[f"W{layer}"] + params[f"b{layer}"])
        if layer < depth:
            trace.append(activation.function(trace[-1]))
    e = np.exp(trace[-1] - trace[-1].max(axis=1, keepdims=True))
    return [*trace, e / e.sum(axis=1, keepdims=True)]


def _backward(params: Any, trace: list[Any], t: Any, activation: Activation, faults: Any) -> dict[str, Any]:
    def piece(name: str, layer: int) -> Callable[..., Any]:
        for place, fault in faults:
            if fault.piece == name and place in (layer, EVERYWHERE):
                return fault.mistaken  # type: ignore[no-any-return]
        return RIGHT[name]

    depth = len(params) // 2
    d = piece("dy", depth)(trace[-1], t)
    grads = {}
    for layer in range(depth, 0, -1):
        z = trace[2 * layer - 2]
        grads[f"W{layer}"], grads[f"b{layer}"] = piece("dW", layer)(z, d), piece("db", layer)(d)
        if layer > 1:
            d = piece("dx", layer)(d, params[f"W{layer}"])
            d = piece("slope", layer - 1)(d, trace[2 * layer - 3], z, activation.slope)
    return grads
