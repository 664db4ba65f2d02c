"""What `fastnet.gradient.gradient_check` needs of a network, and what it refuses: a loss that is not one function."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from fastnet._checks import FLOAT64, FloatArray, gradient_of, one_number
from fastnet._gradient_check.slopes import Element, position

# --- what the network has ---------------------------------------------------------------------------------------------


@contextmanager
def state_kept(network: Any) -> Iterator[None]:
    """Put back the arrays that the network's layers replace, for example running statistics, and the random state.

    An array that a layer changes in place stays changed.
    """
    random, kept = np.random.get_state(), []
    found: list[Any] = [network]
    seen = set()
    while found:
        holder = found.pop()
        if id(holder) in seen or isinstance(holder, type | ModuleType | FunctionType):
            continue
        seen.add(id(holder))
        if isinstance(holder, list | tuple):
            inside = list(holder)
        else:
            values = holder if isinstance(holder, dict) else vars(holder)
            kept.append((values, {k: v for k, v in values.items() if v is None or isinstance(v, np.ndarray)}))
            inside = list(values.values())
        found += [one for one in inside if isinstance(one, dict | list | tuple) or hasattr(one, "__dict__")]
    try:
        yield
    finally:
        np.random.set_state(random)
        for values, arrays in kept:
            values.update(arrays)


@contextmanager
def params_kept(network: Any, params: Mapping[str, Any]) -> Iterator[None]:
    """Put back every bit of the parameters, and raise `ValueError` if the network changed one."""
    arrays, before = dict(network.params), {name: param.copy() for name, param in params.items()}
    changed: list[str] = []
    interrupted = False
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        interrupted = True
        raise
    finally:
        for name, param in params.items():
            is_same = network.params.get(name) is arrays[name] and param.tobytes() == before[name].tobytes()
            if not is_same:
                changed.append(f"params[{name!r}]")
                param[...] = before[name]
                network.params[name] = arrays[name]
        if changed and not interrupted:
            raise ValueError(
                f"network.loss or network.gradient changed {' and '.join(changed)}, so there is no result. The "
                "parameters are as they were before. Neither method may change them: let them work on copies"
            )


def movable_params(network: Any) -> dict[str, Any]:
    """Check that `network` has params, loss and gradient, and return its parameters, all writeable float arrays."""
    missing = [name for name in ("params", "loss", "gradient") if not hasattr(network, name)]
    if missing:
        raise TypeError(
            f"network must have params, loss(x, t) and gradient(x, t); {type(network).__name__} has no "
            + " and no ".join(missing)
        )
    if not isinstance(network.params, Mapping):
        raise TypeError(f"network.params must be a dict of arrays, got {type(network.params).__name__}")
    if not network.params:
        raise ValueError("network.params is empty: there is no gradient to check. It must hold the arrays of weights")
    for name, value in network.params.items():
        if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"params[{name!r}] must be an array, got {type(value).__name__}")
        if value.dtype.kind != "f" or value.itemsize > 8:
            raise TypeError(f"params[{name!r}] must hold float64, float32 or float16, got {value.dtype}")
        if not value.flags.writeable:
            raise ValueError(f"params[{name!r}] is read-only, and its elements are moved in place: give a copy")
    return {name: np.asarray(value) for name, value in network.params.items()}


def gradients_of(params: Mapping[str, Any], grads: Any, name: str) -> dict[str, FloatArray]:
    """Check the gradients that the method `name` returned, and copy them to float64."""
    if not isinstance(grads, Mapping):
        raise TypeError(f"{name} must return a dict like params, got {type(grads).__name__}")
    return {key: gradient_of(key, param, grads, name).astype(FLOAT64, order="C") for key, param in params.items()}


# --- what is no function, or another function -------------------------------------------------------------------------

GRADIENT, NUMERICAL = "network.gradient(x, t)", "network.numerical_gradient(x, t)"
AGAIN = (
    "it is drawn again in every call, so there is no one function whose gradient could be checked. Draw from NumPy's "
    "global generator, and the same in loss as in gradient: then the check repeats the draws. Or switch that off"
)
MODES = (
    "they do not belong to the same function. Probably the loss is in test mode and the gradients are in training "
    "mode. Let loss(x, t) compute in training mode for the check, or give it an argument train_flg: the check passes "
    "train_flg=True"
)


class Loss:
    """The loss of a network, in training mode if its `loss` has the book's argument `train_flg`, and its gradient.

    The book's `MultiLayerNetExtend` computes its gradients in training mode, but its loss in test mode by default.

    What both draw from NumPy's global generator, as dropout does, is the same in every call. But if the gradient draws
    more or less than the loss, it is not the gradient of this loss with these draws: then every call draws anew.
    """

    def __init__(self, network: Any, params: Mapping[str, Any], x: Any, t: Any) -> None:
        self.function: Callable[..., Any] = network.loss
        try:
            has_mode = "train_flg" in inspect.signature(network.loss).parameters
        except (TypeError, ValueError):  # a compiled function may have no signature
            has_mode = False
        self.keywords = {"train_flg": True} if has_mode else {}
        self.name = "network.loss(x, t, train_flg=True)" if has_mode else "network.loss(x, t)"
        self.network, self.x, self.t = network, x, t
        self.draws: Any = None  # the state of the generator that every call begins with
        before = np.random.get_state()
        self.first_gradient = gradients_of(params, self.gradient(), GRADIENT)
        after_gradient = np.random.get_state()
        np.random.set_state(before)
        self.first = self.call()
        if _same_state(after_gradient, np.random.get_state()):
            self.draws = None if _same_state(before, after_gradient) else before  # to set it takes time
        else:
            np.random.set_state(after_gradient)

    def call(self) -> Any:
        self._begin()
        return self.function(self.x, self.t, **self.keywords)

    def gradient(self) -> Any:
        self._begin()
        return self.network.gradient(self.x, self.t)

    def numerical_gradient(self) -> Any:
        self._begin()
        return self.network.numerical_gradient(self.x, self.t)

    def gains(self) -> Any:
        """Return the function of a step that a network of layers has for all elements at once, or None."""
        if not hasattr(self.network, "_gains"):
            return None
        self._begin()
        return self.network._gains(self.x, self.t)

    def _begin(self) -> None:
        if self.draws is not None:
            np.random.set_state(self.draws)

    @staticmethod
    def is_same(value: float, again: float, eps: float) -> bool:
        """Whether two values of the loss differ by no more than rounding. Infinity and NaN are the same as all."""
        return not abs(again - value) > 100 * eps * (1 + abs(value))

    def refuse_random(self, value: float, eps: float) -> None:
        """Raise `ValueError` if the loss is not `value` when called again."""
        again = one_number(self.call(), self.name)
        if not self.is_same(value, again, eps):
            raise ValueError(f"{self.name} is {value:.9g}, and {again:.9g} when called again: {AGAIN}")


def _same_state(one: Any, other: Any) -> bool:
    """Whether two states of NumPy's global generator are the same."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def refuse_random_gradient(
    params: Mapping[str, Any], grads: Mapping[str, FloatArray], again: Any, eps: float
) -> None:
    """Raise `ValueError` if the gradient is another one when called again."""
    for name, second in gradients_of(params, again, GRADIENT).items():
        first = grads[name]
        with np.errstate(all="ignore"):
            apart = np.abs(first - second)
        largest = np.abs(first[np.isfinite(first)]).max(initial=0)
        if (apart > 1e4 * eps * largest).any():
            index = position(np.nanargmax(apart), apart.shape)
            raise ValueError(
                f"{GRADIENT}[{name!r}] at {list(index)} is {first[index]:.9g}, and {second[index]:.9g} when called "
                f"again: {AGAIN}"
            )


def refuse_another_function(
    loss: Loss, params: Mapping[str, Any], grads: Mapping[str, FloatArray],
    elements: Mapping[str, Sequence[Element]],
) -> None:
    """Raise `ValueError` if the network's own numerical gradient confirms a gradient that its loss contradicts.

    It must do so twice, with the same values, and for most elements: then it is not one mistake that both have.
    """
    if not callable(getattr(loss.network, "numerical_gradient", None)):
        return
    own, again = (gradients_of(params, loss.numerical_gradient(), NUMERICAL) for _ in range(2))
    confirmed, message = 0, ""
    for name, moving in elements.items():
        for element in moving:
            slope = element.quick()
            given, value, same = (float(grad[name][element.index]) for grad in (grads, own, again))
            apart, other = abs(value - slope.value), max(abs(value - same), abs(value - given))
            if apart > 0.01 * abs(slope.value) + 4 * slope.error and 10 * other < apart:
                confirmed += 1
                message = (
                    f"for {name}{list(element.index)}, {GRADIENT} is {given:.6g} and {NUMERICAL} {value:.6g}, "
                    f"but differences of network.loss give {slope.value:.6g}: {MODES}"
                )
    if 2 * confirmed > sum(map(len, elements.values())):
        raise ValueError(message)
