"""Finds which layer's backward pass is wrong in a reader's network, and how."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from fastnet._gradient_check.network import movable_params
from fastnet.exercises import _diagnosis
from fastnet.exercises._exercise import Report
from fastnet.exercises._planted import TOLERANCE, close, mistakes
from fastnet.gradient import numerical_gradient

LARGEST = 5000  # parameters; each needs two losses, so more would take seconds
SAMPLES = 3
SCALES = 1.0, 0.7, 0.5, 0.35, 0.2  # of the weights that are tried
SURE = 3.0  # the largest loss of a sample: with a probability of 1e-5, the 1e-7 in the book's logarithm would count
STEP = 1e-6  # smaller than usual, so that hardly ever a ReLU is at its corner within the step


def gradient(network: Any, x: Any = None, t: Any = None) -> Report:
    """Compare a network's backpropagation with central differences of its loss, and say which layer is wrong, and how.

    Parameters
    ----------
    network : object
        A network as in the book: `params`, a dict of arrays, `loss(x, t)` and `gradient(x, t)`. It must be small, such
        as TwoLayerNet(4, 3, 2). If it has `layers` and `lastLayer` or `last_layer`, each layer is tried by itself.
    x, t : array_like, optional
        Samples and targets. Give them if the network takes images, or if its targets are numbers and no classes.
        Default: three random rows, and one-hot rows, or labels if the network does not take one-hot rows.

    Returns
    -------
    Report
        True if all gradients are right. Otherwise it names the layer, and the typical mistake that gives these numbers.

    Raises
    ------
    TypeError
        If the network lacks ``params``, ``loss`` or ``gradient``, if ``params`` is no dict, or if a parameter is no
        array of float64.
    ValueError
        If it has more than 5,000 parameters, or its loss takes neither one-hot rows nor labels.

    Notes
    -----
    While it is tried, the network has other weights, about ``1 / sqrt(inputs of a unit)``: with very small ones, a
    wrong gradient would look like a right one. Afterwards it is as it was before: weights, stored means and variances,
    and random numbers. Random draws, such as those of dropout, are the same in every call. If `loss` has the argument
    `train_flg`, it is True.

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
    params = movable_params(network)
    for name, value in params.items():
        if value.dtype != np.float64:
            raise TypeError(
                f"network.params[{name!r}] must be an array of float64, not {value.dtype}: differences need its "
                "digits. Make the network with float64"
            )
    size = sum(value.size for value in params.values())
    if size > LARGEST:
        raise ValueError(
            f"network has {size:,} parameters, and at most {LARGEST:,} are tried: make a small one, such as "
            f"{type(network).__name__}(4, 3, 2)"
        )
    with _unchanged(network) as begin:
        tried = _Tried(network, begin)
        x, t = _data(network, x, t)
        before = {name: value.copy() for name, value in params.items()}
        for scale in *SCALES, 1.0:
            _scatter(params, before, scale)
            if _largest_loss(tried, x, t) < SURE:
                break
        return _compare(tried, x, t)


@contextmanager
def _unchanged(network: Any) -> Iterator[Callable[[], None]]:
    """Put back all that is found in the network, and the random state. Yield a function that starts the draws anew."""
    found, seen = [network], {}
    while found:
        held = found.pop()
        if id(held) in seen or isinstance(held, type | ModuleType | FunctionType):
            continue
        seen[id(held)] = held
        if isinstance(held, dict):
            found += held.values()
        elif isinstance(held, list | tuple):
            found += held
        elif hasattr(held, "__dict__"):
            found.append(vars(held))
    dicts = [(held, dict(held)) for held in seen.values() if isinstance(held, dict)]
    lists = [(held, list(held)) for held in seen.values() if isinstance(held, list)]
    arrays = [(held, held.copy()) for held in seen.values() if isinstance(held, np.ndarray) and held.flags.writeable]
    generators = [held.bit_generator for held in seen.values() if isinstance(held, np.random.Generator)]
    draws = np.random.get_state(), [generator.state for generator in generators]

    def begin() -> None:
        np.random.set_state(draws[0])
        for generator, state in zip(generators, draws[1], strict=True):
            generator.state = state

    try:
        yield begin
    finally:
        begin()
        for items, before in dicts:
            if items.keys() != before.keys() or any(items[key] is not value for key, value in before.items()):
                items.clear()
                items.update(before)
        for values, order in lists:
            values[:] = order
        for array, numbers in arrays:
            array[...] = numbers


class _Tried:
    """A network whose every call draws the same random numbers, and gets arrays of its own."""

    def __init__(self, network: Any, begin: Callable[[], None]) -> None:
        self.network, self.begin, self.params = network, begin, network.params
        try:  # the book's MultiLayerNetExtend: its gradient is that of training, its loss by default is not
            training = "train_flg" in inspect.signature(network.loss).parameters
        except (TypeError, ValueError):  # a compiled function may have no signature
            training = False
        self.mode = {"train_flg": True} if training else {}

    def loss(self, x: Any, t: Any) -> Any:
        self.begin()
        return self.network.loss(x.copy(), t.copy(), **self.mode)

    def gradient(self, x: Any, t: Any) -> Any:
        self.begin()
        return self.network.gradient(x, t)


def _scatter(params: Any, before: Any, scale: float) -> None:
    """Draw parameters with which all parts of the gradient are about as large as its rounding errors are small.

    With the small weights of a new network, a wrong gradient can be 0 to five digits, as the right one is.
    """
    random = np.random.RandomState(0)
    for name, value in params.items():
        if value.ndim > 1:
            inputs = len(value) if value.ndim == 2 else value[0].size
            value[...] = scale * random.randn(*value.shape) / np.sqrt(inputs)
        else:
            value[...] = before[name] + 0.3 * scale * random.randn(*value.shape)


def _largest_loss(network: "_Tried", x: Any, t: Any) -> float:
    """The largest loss of a sample, or 0 if it cannot be had."""
    try:
        return max(_one(network.loss(x[k : k + 1], t[k : k + 1])) for k in range(len(x)))
    except Exception:
        return 0.0


def _compare(network: _Tried, x: Any, t: Any) -> Report:
    params = {name: value.copy() for name, value in network.params.items()}
    given = x.copy()
    for call, method in ("loss(x, t)", network.loss), ("gradient(x, t)", network.gradient):
        try:
            came = method(given, t.copy())
        except Exception as error:
            return Report("gradient", problem=f"{call} stops with {type(error).__name__}: {error}")
        if came is None:
            return Report("gradient", problem=f"{call} gives None. Is there a return at the end?")
        wanted = "one number" if method == network.loss else f"a dict with the keys {', '.join(params)}"
        if not (
            np.size(came) == 1 and not isinstance(came, dict) if method == network.loss else isinstance(came, dict)
        ):
            return Report("gradient", problem=f"{call} gives {_diagnosis.short(came)}, but {wanted} is wanted.")
        if method == network.loss and not np.isfinite(_one(came)):  # every gradient would agree with its differences
            return Report("gradient", problem=_diagnosis.describe(call, came, 0.0, (), TOLERANCE))
        for name, value in params.items():
            if not np.array_equal(network.params.get(name), value):
                return Report("gradient", problem=f"{call} changes params[{name!r}]: it must only compute.")
    came = {name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in came.items()}
    right = {
        name: numerical_gradient(lambda _: _one(network.loss(x, t)), value, STEP)
        for name, value in network.params.items()
    }
    smallest = 1e-3 * max(1.0, abs(_one(network.loss(x, t))))  # rounding errors grow with the loss
    wrong = [name for name in right if name not in came or not close(came[name], right[name], smallest)]
    wrong = [
        name
        for name in wrong
        if name not in came or not close(came[name], right[name], max(smallest, _of_one_sample(network, name, x, t)))
    ]
    if not wrong and not np.array_equal(given, x):
        return Report("gradient", problem="The results are right, but gradient(x, t) changes its argument x.")
    if not wrong:
        return Report("gradient", "It agrees with central differences of the loss: " + ", ".join(right))
    missing = [name for name in wrong if name not in came]
    if missing:
        return Report("gradient", problem=f"gradient(x, t) gives no {', '.join(missing)}.")
    return Report(
        "gradient",
        problem=f"The gradient with respect to {', '.join(sorted(wrong, key=str.lower))} is wrong.",
        mistake=_decay(params, came, right, wrong)
        or _layer_by_layer(network, x, t)
        or mistakes(network.params, x, t, _one(network.loss(x, t)), came)
        or _in_words(came, right, wrong, x),
        works=[name for name in right if name not in wrong],
    )


def _of_one_sample(network: _Tried, name: str, x: Any, t: Any) -> float:
    """The largest gradient of a single sample. In a batch they may cancel, and what they are not exact in may not.

    The book's loss adds 1e-7 in the logarithm, and its gradient leaves that out.
    """
    if len(x) < 2 or len(x) != len(t):
        return 0.0
    try:
        return max(
            float(np.abs(numerical_gradient(lambda _, k=k: _one(network.loss(x[k], t[k])), value, STEP)).max())  # type: ignore[misc]
            for value in [network.params[name]]
            for k in (slice(k, k + 1) for k in range(len(x)))
        )
    except Exception:  # a network that takes batches of one size
        return 0.0


def _one(loss: Any) -> float:
    return float(np.asarray(loss).item())


def _decay(params: Any, came: Any, right: Any, wrong: list[str]) -> str:
    """Whether what is missing is one number times the weights, as of a weight decay that only the loss has."""
    factors = []
    for name in wrong:
        if params[name].ndim < 2 or params[name].size < 2 or np.shape(came[name]) != right[name].shape:
            return ""
        missing = right[name] - came[name]
        factor = float(np.sum(missing * params[name]) / np.sum(params[name] ** 2))
        if not np.allclose(missing, factor * params[name], rtol=1e-4, atol=1e-7):
            return ""
        factors.append(factor)
    if not np.allclose(factors, factors[0], rtol=1e-4):
        return ""
    return "the loss has a weight decay, and the gradient has not all of it: lambda times W is added to each dW"


def _data(network: Any, x: Any, t: Any) -> tuple[Any, Any]:
    random = np.random.RandomState(0)
    weights = [value for value in network.params.values() if value.ndim == 2]
    if (x is None or t is None) and not weights:
        raise ValueError("network.params has no matrix that tells the number of inputs and of classes: give x and t")
    x = np.array(random.randn(SAMPLES, len(weights[0])) if x is None else x, float)
    if t is not None:
        return x, np.array(t)
    classes = weights[-1].shape[1]
    labels = random.randint(0, classes, len(x))
    problem = ""
    takes_loss = []
    # One-hot rows first: where a gradient is written for them, labels may fit by chance, and give other numbers.
    for targets in np.eye(classes)[labels], labels:
        try:
            loss = network.loss(x.copy(), targets.copy())
            if np.size(loss) != 1:
                problem = problem or f"it gives an array of the shape {np.shape(loss)}"
                continue
            takes_loss.append(targets)
            network.gradient(x.copy(), targets.copy())
            return x, targets
        except Exception as error:
            problem = problem or f"{type(error).__name__}: {error}"
    if takes_loss:
        return x, takes_loss[0]
    raise ValueError(f"network.loss takes neither one-hot rows nor labels: give x and t that it takes ({problem})")


# --- a network of layers: each layer is tried by itself ---------------------------------------------------------------


def _layer_by_layer(network: _Tried, x: Any, t: Any) -> str:
    layers = getattr(network.network, "layers", None)
    if isinstance(layers, list | tuple):
        layers = {f"{number} ({type(layer).__name__})": layer for number, layer in enumerate(layers)}
    if not isinstance(layers, dict):
        return ""
    last = getattr(network.network, "lastLayer", getattr(network.network, "last_layer", None))
    try:
        return _each(layers, last, network.begin, x, t)
    except Exception:  # these layers are called in another way than the book's
        return ""


def _each(layers: Any, last: Any, begin: Callable[[], None], x: Any, t: Any) -> str:
    for name, layer in layers.items():
        x = np.array(x, float)

        def forward(layer: Any = layer, x: Any = x) -> Any:
            begin()
            return layer.forward(x.copy())

        y = np.array(forward())
        dout = np.random.RandomState(1).randn(*np.shape(y))
        dx = layer.backward(dout.copy())
        gradients = {key: getattr(layer, f"d{key}", None) for key in ("W", "b", "gamma", "beta")}

        def value(_: Any, forward: Any = forward, dout: Any = dout) -> float:
            return float(np.sum(forward() * dout))

        tried = [("dx", dx, x)]
        tried += [
            (f"d{key}", came, getattr(layer, key))
            for key, came in gradients.items()
            if isinstance(getattr(layer, key, None), np.ndarray)
        ]
        for what, came, array in tried:
            right = numerical_gradient(value, array, STEP)
            if not close(came, right):
                words = _diagnosis.describe(what, came, right, (x,), TOLERANCE, len(x))
                return f"the layer {name}: {words}".rstrip(".")
        x = y
    if last is None:
        return ""
    scores = np.array(x, float)
    last.forward(scores, t)
    came = last.backward()
    right = numerical_gradient(lambda _: float(last.forward(scores, t)), scores, STEP)
    if not close(came, right):
        return f"the last layer: {_diagnosis.describe('dx', came, right, (scores,), TOLERANCE, len(scores))}".rstrip(
            "."
        )
    return (
        "each layer by itself is right: look at gradient(), at the order in which it goes through the layers, and at "
        "which dW and db it takes"
    )


def _in_words(came: Any, right: Any, wrong: list[str], x: Any) -> str:
    """How the gradient nearest to the loss differs: the mistakes before it may follow from this one."""
    name = wrong[-1]
    what = f"the gradient with respect to {name}"
    return _diagnosis.describe(what, came[name], right[name], (x,), TOLERANCE, len(x)).rstrip(".")
