"""Finds which layer's backward pass is wrong in a reader's network, and how."""

from typing import Any

import numpy as np

from fastnet.exercises import _diagnosis
from fastnet.exercises._exercise import Report
from fastnet.exercises._planted import TOLERANCE, close, mistakes
from fastnet.gradient import numerical_gradient

LARGEST = 5000  # parameters; each needs two losses, so more would take seconds
SAMPLES = 3
STEP = 1e-6  # smaller than usual, so that hardly ever a ReLU is at its corner within the step


def gradient(network: Any, x: Any = None, t: Any = None) -> Report:
    """Compare a network's backpropagation with central differences of its loss, and say which layer is wrong, and how.

    Parameters
    ----------
    network : object
        A network as in the book: `params`, a dict of arrays, `loss(x, t)` and `gradient(x, t)`. It must be small, such
        as TwoLayerNet(4, 3, 2). If it has `layers` and `lastLayer` or `last_layer`, each layer is tried by itself.
    x, t : array_like, optional
        Samples and targets, for networks that need some of their own: images, values. Default: three random rows, and
        labels, or one-hot rows if the loss does not take labels.

    Returns
    -------
    Report
        True if all gradients are right. Otherwise it names the layer, and the typical mistake that gives these numbers.

    Raises
    ------
    TypeError
        If the network lacks `params`, `loss` or `gradient`, or a parameter is no array of float64.
    ValueError
        If it has more than 5,000 parameters, or its loss takes none of the targets.

    Notes
    -----
    While it is tried, the network has other weights, about ``1 / sqrt(inputs)``: with very small ones, a wrong gradient
    would look like a right one. Afterwards it has its own again.

    Examples
    --------
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.exercises import check
    >>> class Mine(TwoLayerNet):
    ...     def gradient(self, x, t):
    ...         grads = super().gradient(x, t)
    ...         return {name: len(x) * grad for name, grad in grads.items()}
    >>> check.gradient(Mine(4, 3, 2, seed=0))
    gradient: not yet.
      The gradient with respect to b1, b2, W1, W2 is wrong.
      Look here: the loss: the gradient is not divided by the number of samples.
    """
    for name in "params", "loss", "gradient":
        if not hasattr(network, name):
            raise TypeError(
                f"network must have params, loss(x, t) and gradient(x, t), and {type(network).__name__} has no {name}"
            )
    for name, value in network.params.items():
        if not isinstance(value, np.ndarray) or value.dtype != np.float64:
            given = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
            raise TypeError(
                f"network.params[{name!r}] must be an array of float64, not {given}: differences need its digits"
            )
    size = sum(np.size(value) for value in network.params.values())
    if size > LARGEST:
        raise ValueError(
            f"network has {size:,} parameters, and at most {LARGEST:,} are tried: make a small one, such as "
            f"{type(network).__name__}(4, 3, 2)"
        )
    kept = {name: value.copy() for name, value in network.params.items()}
    try:
        _scatter(network.params)
        return _compare(network, *_data(network, x, t))
    finally:
        for name, value in kept.items():
            network.params[name][...] = value


def _scatter(params: Any) -> None:
    """Draw parameters with which all parts of the gradient are about as large as its rounding errors are small.

    With the small weights of a new network, a wrong gradient can be 0 to five digits, as the right one is.
    """
    random = np.random.RandomState(0)
    for value in params.values():
        if value.ndim > 1:
            inputs = len(value) if value.ndim == 2 else value[0].size
            value[...] = random.randn(*value.shape) / np.sqrt(inputs)
        else:
            value += 0.3 * random.randn(*value.shape)


def _compare(network: Any, x: Any, t: Any) -> Report:
    came = dict(network.gradient(x, t))
    right = {
        name: numerical_gradient(lambda _: float(network.loss(x, t)), value, STEP)
        for name, value in network.params.items()
    }
    wrong = [name for name in right if name not in came or not close(came[name], right[name])]
    if not wrong:
        return Report("gradient", "It agrees with central differences of the loss: " + ", ".join(right))
    missing = [name for name in wrong if name not in came]
    if missing:
        return Report("gradient", problem=f"gradient(x, t) gives no {', '.join(missing)}.")
    return Report(
        "gradient",
        problem=f"The gradient with respect to {', '.join(sorted(wrong, key=str.lower))} is wrong.",
        mistake=_layer_by_layer(network, x, t)
        or mistakes(network.params, x, t, float(network.loss(x, t)), came)
        or _in_words(came, right, wrong, x),
        works=[name for name in right if name not in wrong],
    )


def _data(network: Any, x: Any, t: Any) -> tuple[Any, Any]:
    random = np.random.RandomState(0)
    if x is None:
        first = next(value for value in network.params.values() if np.ndim(value) == 2)
        x = random.randn(SAMPLES, len(first))
    x = np.array(x, float)
    if t is not None:
        return x, np.array(t)
    last = [value for value in network.params.values() if np.ndim(value) == 1][-1]
    labels = random.randint(0, len(last), len(x))
    problem = None
    for targets in labels, np.eye(len(last))[labels]:
        try:
            if np.ndim(network.loss(x, targets)) == 0:
                return x, targets
        except Exception as error:
            problem = error
    raise ValueError(f"network.loss takes neither labels nor one-hot rows: give x and t that it takes ({problem})")


# --- a network of layers: each layer is tried by itself ---------------------------------------------------------------


def _layer_by_layer(network: Any, x: Any, t: Any) -> str:
    layers = getattr(network, "layers", None)
    if not isinstance(layers, dict):
        return ""
    for name, layer in layers.items():
        x = np.array(x, float)
        y = layer.forward(x)
        dout = np.random.RandomState(1).randn(*np.shape(y))
        dx = layer.backward(dout.copy())

        def value(_: Any, layer: Any = layer, x: Any = x, dout: Any = dout) -> float:
            return float(np.sum(layer.forward(x) * dout))

        tried = [("dx", dx, x)]
        tried += [
            (f"d{parameter}", getattr(layer, f"d{parameter}", None), getattr(layer, parameter))
            for parameter in ("W", "b", "gamma", "beta")
            if isinstance(getattr(layer, parameter, None), np.ndarray)
        ]
        for what, came, array in tried:
            right = numerical_gradient(lambda _, value=value: value(_), array, STEP)  # type: ignore[misc]
            if not close(came, right):
                return f"the layer {name}: {_diagnosis.describe(what, came, right, (x,), TOLERANCE)}".rstrip(".")
        x = y
    last = getattr(network, "lastLayer", getattr(network, "last_layer", None))
    if last is None:
        return ""
    scores = np.array(x, float)
    last.forward(scores, t)
    came = last.backward()
    right = numerical_gradient(lambda _: float(last.forward(scores, t)), scores, STEP)
    if not close(came, right):
        return f"the last layer: {_diagnosis.describe('dx', came, right, (scores,), TOLERANCE)}".rstrip(".")
    return "each layer by itself is right: look at the order in which gradient() goes through them"


def _in_words(came: Any, right: Any, wrong: list[str], x: Any) -> str:
    """How the gradient nearest to the loss differs: the mistakes before it may follow from this one."""
    name = wrong[-1]
    return _diagnosis.describe(f"the gradient with respect to {name}", came[name], right[name], (x,), TOLERANCE).rstrip(
        "."
    )
