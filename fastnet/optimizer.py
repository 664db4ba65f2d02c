"""The book's optimizers: how an update uses the gradient."""

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, ClassVar, Self
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import FLOAT32, FLOAT64, as_float, as_fraction, gradient_of, is_real, real_array
from fastnet._schedules import CosineDecay, StepDecay
from fastnet._warnings import warn_caller

# The book's `from common.optimizer import *` also gives np.
__all__ = ["SGD", "AdaGrad", "Adam", "CosineDecay", "Momentum", "Nesterov", "RMSprop", "StepDecay", "np"]

Array = npt.NDArray[Any]
Memory = dict[str, Array]  # what an optimizer keeps for every parameter from one update to the next
Schedule = Callable[[int], float]  # the learning rate as a function of the number of updates so far

_NEXT: dict[str, Any] = {}  # stands for the parameters of the next update
_FRESH = (("_params", _NEXT), ("_schedule", None), ("_updates", 0), ("_earlier", None))  # the slots at first


class _Optimizer:
    """What the optimizers share: an update first checks everything, then changes one parameter after the other."""

    # A subclass sets these: the name of its kernel, and the attributes that keep arrays between updates.
    _kernel: ClassVar[str]
    _remembers: ClassVar[tuple[str, ...]] = ()

    _checked: ClassVar[dict[str, Callable[[Any, str], float]]] = {
        "lr": as_float, "momentum": as_fraction, "decay_rate": as_fraction, "beta1": as_fraction, "beta2": as_fraction,
    }

    # `update` reads these first, and Python reads a slot faster than an attribute of the class. They are not in `vars`,
    # which holds what the book's optimizers hold.
    __slots__ = ("__dict__", "_earlier", "_params", "_schedule", "_updates")
    _params: Mapping[str, Any]  # what the kept arrays belong to: the dict of the last update, or `_NEXT`
    _schedule: Schedule | None  # gives `lr`, if that is not a number
    _updates: int  # how many there were with this schedule
    _earlier: WeakValueDictionary[int, Array] | None  # the arrays, by their id, before those of the last update

    lr: float

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Set the slots here, because a subclass' `__init__` need not call ours."""
        made = super().__new__(cls)
        for slot, value in _FRESH:
            object.__setattr__(made, slot, value)
        return made

    def __init__(self, lr: float | Schedule) -> None:
        self.lr = lr  # type: ignore[assignment]
        self._forget()

    def _belongs_to(self, params: Mapping[str, Any]) -> None:
        """Record which parameters the kept arrays belong to."""
        object.__setattr__(self, "_params", params)

    def _forget(self) -> None:
        """Begin as before the first update."""
        self._updates = 0
        for attribute in self._remembers:
            setattr(self, attribute, None)

    def __setattr__(self, name: str, value: Any) -> None:
        """Check a number whenever it is set, by the constructor or later by the user."""
        if name == "lr":
            self._set_rate(value)
            return
        check = self._checked.get(name)
        object.__setattr__(self, name, value if check is None else check(value, name))
        if name in self._remembers:  # put back from elsewhere
            self._belongs_to(_NEXT)

    def _set_rate(self, value: Any) -> None:
        """Begin a schedule, or set the rate to a number, which ends a schedule."""
        schedule = value if callable(value) else None
        rate = as_float(value, "lr") if schedule is None else _rate(schedule, 0)
        object.__setattr__(self, "lr", rate)
        object.__setattr__(self, "_schedule", schedule)
        object.__setattr__(self, "_updates", 0)

    def _follow_schedule(self, schedule: Schedule) -> None:
        """Set `lr` for this update, and count it."""
        object.__setattr__(self, "lr", _rate(schedule, self._updates))
        self._updates += 1

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy and a pickle hold. The arrays of a copy belong to the parameters that it is given next."""
        return {**vars(self), "_schedule": self._schedule, "_updates": self._updates}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self._belongs_to(_NEXT)

    def __repr__(self) -> str:
        numbers = {name: getattr(self, name) for name in self._checked if hasattr(self, name)}
        if self._schedule is not None:
            numbers["lr"] = self._schedule
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in numbers.items())})"

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Update the parameters in place.

        Parameters
        ----------
        params : dict of str to ndarray or float
            Any shapes. An array changes in place; a Python float or NumPy scalar is replaced in the dict.
        grads : dict of str to array_like or float
            The gradient with respect to each parameter, in the shape of the parameter.

        Raises
        ------
        TypeError
            If `params` or `grads` is not a dict, a parameter is neither an array of floats nor a number, or a gradient
            does not hold real numbers. Then no parameter has changed.
        ValueError
            If a parameter is read-only, a gradient is missing or has another shape than its parameter, or only some of
            the parameters are those of the last update, or have another shape; or if the optimizer keeps something and
            goes back to arrays that it had before others. Then no parameter has changed.

        Warns
        -----
        RuntimeWarning
            If the optimizer keeps something from its updates, and these parameters are others. Then it starts from zero
            again.

        Notes
        -----
        The computation and the arrays that the optimizer keeps have the wider dtype of the parameter and its gradient,
        at least float32.

        If Ctrl-C comes in the middle, all parameters make the step before it is raised. This is so with the compiled
        kernels, and if no parameter or gradient has to be converted; otherwise, some may have made it and others not.

        What an optimizer keeps belongs to `params`. A dict has the same parameters as before if it is the same dict,
        even if its arrays were replaced, or if it has the same arrays or copies of all of them. Numbers are the same if
        their names are. The attributes that you set yourself belong to the parameters of the next update.
        """
        kernels = _backend.kernels
        kernel, is_movable = getattr(kernels, self._kernel), kernels.is_movable
        memories = [getattr(self, attribute) for attribute in self._remembers]
        known = params is self._params or self._has_moved(params)
        if known and type(grads) is dict:
            usual = [
                (param, grads.get(name), *[memory.get(name) for memory in memories]) for name, param in params.items()
            ]
            if all(map(is_movable, usual)):  # then they pass every check below
                if self._schedule is not None:
                    self._follow_schedule(self._schedule)
                numbers = self._numbers()
                _move_all(kernel, usual, numbers)
                return
        self._update_unusual(params, grads, known)

    def _update_unusual(self, params: Any, grads: Any, known: bool) -> None:
        """Check everything, then update parameters of any type, dtype and memory layout.

        `known` says whether the kept arrays belong to `params`.
        """
        kernel, is_movable = getattr(_backend.kernels, self._kernel), _backend.kernels.is_movable
        gradients = check_gradients(params, grads)
        memories = self._recall(params, gradients, known)
        if self._schedule is not None:
            self._follow_schedule(self._schedule)
        numbers = self._numbers()
        rows = [
            (params[name], gradient, *[memory[name] for memory in memories]) for name, gradient in gradients.items()
        ]
        if all(map(is_movable, rows)):
            _move_all(kernel, rows, numbers)
            return
        for (name, gradient), arrays in zip(gradients.items(), rows, strict=True):
            if is_movable(arrays):
                kernel(*arrays, *numbers)
            else:
                _move_copies(kernel, params, name, gradient, memories, numbers)

    def _numbers(self) -> tuple[float, ...]:
        """Return the kernel's arguments after the arrays, for this update."""
        return (self.lr,)

    def _has_moved(self, params: Any) -> bool:
        """Whether `params`, a dict other than that of the last update, has the same parameters."""
        last = self._params
        if (last is _NEXT and self._remembers) or not (type(params) is dict or isinstance(params, Mapping)):
            return False
        if self._remembers or self._schedule is not None:
            for name, param in params.items():
                if last.get(name) is not param:  # look closer
                    same, others = self._compared(params)
                    if others or not same:
                        return False
                    break
            if len(params) < len(last):  # some may be left out for a while
                return True
        object.__setattr__(self, "_params", params)
        return True

    def _compared(self, params: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the names of the parameters that the last update had too, and of those that took another's place.

        A number is the same wherever its name is the same, but says nothing beside arrays. If there are only other
        arrays, and all have the values of the last ones, they are copies, and count as the same.
        """
        same, numbers, others = [], [], []
        last = self._params
        for name, new in params.items():
            if name not in last:
                continue
            old = last[name]
            if not isinstance(new, np.ndarray) and not isinstance(old, np.ndarray):
                numbers.append(name)
            elif new is old or np.size(new) == np.size(old) == 0 or np.may_share_memory(new, old):
                same.append(name)
            else:
                others.append(name)
        if not others:
            return same or numbers, []
        if not same and all(np.array_equal(params[name], last[name]) for name in others):
            return others, []
        return same, others

    def _recall(self, params: MutableMapping[str, Any], gradients: Mapping[str, Array], known: bool) -> list[Memory]:
        """Return the kept arrays of each attribute, which are zeros at the first update of these parameters."""
        owner = self._params if known else params
        same, replaced = ([], []) if known else self._compared(params)
        others = not (known or same or self._params is _NEXT)
        memories = []
        for attribute in self._remembers:
            memory: Memory | None = None if others else getattr(self, attribute)
            if memory is None:
                memory = {
                    name: np.zeros(gradient.shape, _computed_in(params[name], gradient))
                    for name, gradient in gradients.items()
                }
            for name, gradient in gradients.items():
                if name not in memory or np.shape(memory[name]) != gradient.shape:
                    held = f"shape {np.shape(memory[name])}" if name in memory else f"no {name!r}"
                    raise ValueError(
                        f"params[{name!r}] has shape {gradient.shape}, but {attribute}, which {type(self).__name__} "
                        f"keeps from its updates, has {held}: other parameters need an optimizer of their own"
                    )
            memories.append(memory)
        if same and replaced:
            raise ValueError(
                f"params[{same[0]!r}] is the array of the last update, but params[{replaced[0]!r}] is another one: "
                "other parameters need an optimizer of their own"
            )
        if others:
            self._refuse_a_return(params)  # the last of the checks: only now does the optimizer change
            warn_caller(
                f"{type(self).__name__} starts from zero again, because these are not the parameters of its last "
                "update: use one optimizer for each network"
            )
            self._leave(self._params)
            self._forget()
        for attribute, memory in zip(self._remembers, memories, strict=True):
            setattr(self, attribute, memory)
        self._belongs_to(owner)
        return memories

    def _leave(self, params: Mapping[str, Any]) -> None:
        """Remember which arrays an update had, as long as they exist."""
        if self._earlier is None:
            self._earlier = WeakValueDictionary()
        self._earlier.update((id(array), array) for array in params.values() if isinstance(array, np.ndarray))

    def _refuse_a_return(self, params: Mapping[str, Any]) -> None:
        """Raise if the optimizer goes back to parameters: then it would start from zero at every turn."""
        earlier: Mapping[int, Array] = self._earlier or {}
        for name, param in params.items():
            if id(param) in earlier:  # an array that still exists has its id for itself
                raise ValueError(
                    f"params[{name!r}] is an array of an earlier update, and others came in between: parameters that "
                    f"take turns need one {type(self).__name__} each, or all of them in one dict"
                )


class SGD(_Optimizer):
    """Stochastic gradient descent: every parameter takes a step against its gradient.

    Parameters
    ----------
    lr : float or callable, default 0.01
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.

    Attributes
    ----------
    lr : float
        You may change it between updates.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a positive number.

    Notes
    -----
    ``W <- W - lr * dL/dW``; "Deep Learning from Scratch", chapter 6. It is the same as PyTorch's ``SGD``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import SGD
    >>> params = {"W": np.array([1.0, 2.0])}
    >>> SGD(lr=0.1).update(params, {"W": np.array([10.0, -10.0])})
    >>> print(params["W"])
    [0. 3.]
    """

    _kernel = "descend"

    def __init__(self, lr: float | Schedule = 0.01) -> None:
        super().__init__(lr)


class Momentum(_Optimizer):
    """Gradient descent with inertia: every parameter has a velocity, and the gradient changes the velocity.

    Parameters
    ----------
    lr : float or callable, default 0.01
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.
    momentum : float, default 0.9
        The fraction of the velocity that an update keeps, at least 0 and below 1.

    Attributes
    ----------
    lr, momentum : float
        You may change them between updates.
    v : dict of str to ndarray, or None
        The velocity of every parameter, in its shape; None before the first update.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    Notes
    -----
    ``v <- momentum * v - lr * dL/dW``, ``W <- W + v``, with v = 0 at first; "Deep Learning from Scratch", chapter 6,
    after B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.

    PyTorch's ``SGD(momentum=...)`` leaves `lr` out of the velocity. Its steps are the same while `lr` does not change.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Momentum
    >>> params, optimizer = {"W": np.array([1.0, 2.0])}, Momentum(lr=0.1, momentum=0.5)
    >>> for _ in range(3):
    ...     optimizer.update(params, {"W": np.array([10.0, 0.0])})
    ...     print(params["W"], optimizer.v["W"])
    [0. 2.] [-1.  0.]
    [-1.5  2. ] [-1.5  0. ]
    [-3.25  2.  ] [-1.75  0.  ]
    """

    _kernel, _remembers = "momentum", ("v",)
    v: Memory | None

    def __init__(self, lr: float | Schedule = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = momentum

    def _numbers(self) -> tuple[float, ...]:
        return self.lr, self.momentum


class Nesterov(_Optimizer):
    """Nesterov's accelerated gradient: momentum that takes the gradient at the point where the velocity leads.

    Parameters
    ----------
    lr : float or callable, default 0.01
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.
    momentum : float, default 0.9
        The fraction of the velocity that an update keeps, at least 0 and below 1.

    Attributes
    ----------
    lr, momentum : float
        You may change them between updates.
    v : dict of str to ndarray, or None
        The velocity of every parameter, in its shape; None before the first update.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    Notes
    -----
    ``W <- W + momentum**2 * v - (1 + momentum) * lr * dL/dW``, then ``v <- momentum * v - lr * dL/dW``, with v = 0 at
    first; "Deep Learning from Scratch", ``common/optimizer.py``, after Y. Bengio, N. Boulanger-Lewandowski and
    R. Pascanu, "Advances in optimizing recurrent networks", 2012, equation 7, for the method of Y. Nesterov, 1983.
    `params` hold the point ahead: the current position plus ``momentum * v``. So a network computes its gradient at
    the point ahead.

    The order is important: W changes by the old velocity, as in the book's Japanese edition and in the paper. The code
    of the Korean edition updates v first, which is a different method.

    The steps of PyTorch's ``SGD(momentum=..., nesterov=True)`` are the same while `lr` and `momentum` do not change.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Nesterov
    >>> params, optimizer = {"W": np.array([1.0, 2.0])}, Nesterov(lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, {"W": np.array([10.0, 0.0])})
    ...     print(params["W"], optimizer.v["W"])
    [-0.5  2. ] [-1.  0.]
    [-2.25  2.  ] [-1.5  0. ]
    """

    _kernel, _remembers = "nesterov", ("v",)
    v: Memory | None

    def __init__(self, lr: float | Schedule = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = momentum

    def _numbers(self) -> tuple[float, ...]:
        return self.lr, self.momentum


class AdaGrad(_Optimizer):
    """Gradient descent with a learning rate for every element, which shrinks with the sum of its squared gradients.

    Parameters
    ----------
    lr : float or callable, default 0.01
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.

    Attributes
    ----------
    lr : float
        You may change it between updates.
    h : dict of str to ndarray, or None
        The sums of the squared gradients, in the shape of the parameter; None before the first update.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a positive number.

    Notes
    -----
    ``h <- h + (dL/dW)**2``, ``W <- W - lr * dL/dW / (sqrt(h) + 1e-7)``, with h = 0 at first; "Deep Learning from
    Scratch", chapter 6, after J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
    stochastic optimization", 2011.

    It is the same as PyTorch's ``Adagrad`` with ``eps=1e-7``.

    Examples
    --------
    The first step is `lr` for any gradient. If the gradient stays the same, step n is ``lr / sqrt(n)``.

    >>> import numpy as np
    >>> from fastnet.optimizer import AdaGrad
    >>> params, optimizer = {"W": np.array([1.0, 2.0])}, AdaGrad(lr=0.1)
    >>> for _ in range(4):
    ...     optimizer.update(params, {"W": np.array([100.0, 1.0])})
    ...     print(params["W"].round(4))
    [0.9 1.9]
    [0.8293 1.8293]
    [0.7716 1.7716]
    [0.7216 1.7216]
    """

    _kernel, _remembers = "adagrad", ("h",)
    h: Memory | None

    def __init__(self, lr: float | Schedule = 0.01) -> None:
        super().__init__(lr)


class RMSprop(_Optimizer):
    """AdaGrad that forgets: a moving average of the squared gradients takes the place of their sum.

    Parameters
    ----------
    lr : float or callable, default 0.01
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.
    decay_rate : float, default 0.99
        The fraction of the average that an update keeps, at least 0 and below 1.

    Attributes
    ----------
    lr, decay_rate : float
        You may change them between updates.
    h : dict of str to ndarray, or None
        The moving averages of the squared gradients, in the shape of the parameter; None before the first update.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    Notes
    -----
    ``h <- decay_rate * h + (1 - decay_rate) * (dL/dW)**2``, ``W <- W - lr * dL/dW / (sqrt(h) + 1e-7)``, with h = 0 at
    first; "Deep Learning from Scratch", ``common/optimizer.py``, after T. Tieleman and G. Hinton, "Neural networks for
    machine learning", lecture 6.5, 2012.

    It is the same as PyTorch's ``RMSprop`` with ``eps=1e-7``. Others, such as Keras, add eps inside the square root.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import RMSprop
    >>> params, optimizer = {"W": np.array([1.0, 2.0])}, RMSprop(lr=0.1, decay_rate=0.75)
    >>> optimizer.update(params, {"W": np.array([100.0, 1.0])})
    >>> print(params["W"].round(4), optimizer.h["W"])
    [0.8 1.8] [2.5e+03 2.5e-01]
    """

    _kernel, _remembers = "rmsprop", ("h",)
    h: Memory | None

    def __init__(self, lr: float | Schedule = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr)
        self.decay_rate = decay_rate

    def _numbers(self) -> tuple[float, ...]:
        return self.lr, self.decay_rate


class Adam(_Optimizer):
    """Momentum and RMSprop in one: the average gradient, divided by the square root of the average squared gradient.

    Parameters
    ----------
    lr : float or callable, default 0.001
        The learning rate, above 0; or a schedule, such as `StepDecay`, which gives the rate for a number of updates.
    beta1, beta2 : float, default 0.9 and 0.999
        The fraction of the average that an update keeps, for the gradients and for their squares; at least 0 and below
        1.

    Attributes
    ----------
    lr, beta1, beta2 : float
        You may change them between updates.
    iter : int
        The number of updates so far.
    m, v : dict of str to ndarray, or None
        The moving averages of the gradients and of their squares, in the shape of the parameter; None before the first
        update.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    Notes
    -----
    ``m <- m + (1 - beta1) * (dL/dW - m)``, ``v <- v + (1 - beta2) * ((dL/dW)**2 - v)``, with m = v = 0 at
    first, and ``W <- W - lr_t * m / (sqrt(v) + 1e-7)``, where ``lr_t = lr * sqrt(1 - beta2**t) / (1 - beta1**t)`` at
    update t = 1, 2, ... corrects for the zeros at the start; "Deep Learning from Scratch", chapter 6, after D. P.
    Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015, the end of section 2.

    PyTorch's ``Adam`` and the paper's algorithm 1 correct v first and then add eps. They are the same with
    ``eps = 1e-7 / sqrt(1 - beta2**t)``, which is 3.2e-6 at the first update and tends to 1e-7.

    Examples
    --------
    The first step is `lr` for any gradient.

    >>> import numpy as np
    >>> from fastnet.optimizer import Adam
    >>> params, optimizer = {"W": np.array([1.0, 2.0])}, Adam(lr=0.1)
    >>> optimizer.update(params, {"W": np.array([100.0, 1.0])})
    >>> print(params["W"].round(4), optimizer.m["W"].round(4), optimizer.v["W"].round(4), optimizer.iter)
    [0.9 1.9] [10.   0.1] [1.e+01 1.e-03] 1
    """

    _kernel, _remembers = "adam", ("m", "v")
    m: Memory | None
    v: Memory | None

    def __init__(self, lr: float | Schedule = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr)
        self.beta1 = beta1
        self.beta2 = beta2

    def _forget(self) -> None:
        super()._forget()
        self.iter = 0

    def _numbers(self) -> tuple[float, ...]:
        object.__setattr__(self, "iter", self.iter + 1)  # without a check, which would take a tenth of the time
        lr = self.lr * math.sqrt(1 - self.beta2**self.iter) / (1 - self.beta1**self.iter)
        return lr, self.beta1, self.beta2


BY_NAME: dict[str, type[SGD | Momentum | Nesterov | AdaGrad | RMSprop | Adam]] = {
    each.__name__.lower(): each for each in (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)
}


def _rate(schedule: Schedule, updates: int) -> float:
    """Return the learning rate of a schedule, which may fall to 0."""
    return as_float(schedule(updates), f"lr({updates})", positive=False)


def check_gradients(params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> dict[str, Array]:
    """Return the gradients with respect to `params` as arrays.

    Raise if any of `params` cannot be updated, before an optimizer changes the first one.
    """
    for argument, value, kind in (("params", params, MutableMapping), ("grads", grads, Mapping)):
        if not isinstance(value, kind):
            raise TypeError(f"{argument} must be a dict, got {type(value).__name__}")
    gradients = {}
    for name, param in params.items():
        if not (isinstance(param, np.ndarray) or is_real(param)):
            raise TypeError(f"params[{name!r}] must be a float array or a number, got {type(param).__name__}")
        array = real_array(param, f"params[{name!r}]")
        if isinstance(param, np.ndarray):
            if array.dtype.kind != "f":
                raise TypeError(f"params[{name!r}] holds {array.dtype}, and an optimizer needs floats: pass them")
            if not array.flags.writeable:
                raise ValueError(f"params[{name!r}] is read-only, and an optimizer changes it in place: pass a copy")
        gradients[name] = gradient_of(name, array, grads, "grads")
    return gradients


def _move_all(kernel: Callable[..., None], rows: list[tuple[Any, ...]], numbers: tuple[float, ...]) -> None:
    """Move every parameter. If Ctrl-C comes meanwhile, the others make the step too, and then it comes out.

    Python lets it come when a compiled kernel returns, and so never in the middle of a parameter.
    """
    left = iter(rows)
    try:
        for arrays in left:
            kernel(*arrays, *numbers)
    except KeyboardInterrupt:
        for arrays in left:
            kernel(*arrays, *numbers)
        raise


def _move_copies(
    kernel: Callable[..., None],
    params: MutableMapping[str, Any],
    name: str,
    gradient: Array,
    memories: list[Memory],
    numbers: tuple[float, ...],
) -> None:
    """Update a parameter of any type and memory layout: copy the arrays, call the kernel, and copy back."""
    param, dtype = params[name], _computed_in(params[name], gradient)
    with np.errstate(all="ignore"):  # overflow gives inf
        copies = [
            np.array(array, dtype, order="C", ndmin=1)
            for array in (param, gradient, *(memory[name] for memory in memories))
        ]
        kernel(*copies, *numbers)
        moved, _, *remembered = (copy.reshape(gradient.shape) for copy in copies)
        if isinstance(param, np.ndarray):
            param[...] = moved
        else:
            params[name] = type(param)(moved) if isinstance(param, np.floating) else float(moved)
    for memory, array in zip(memories, remembered, strict=True):
        memory[name] = array


def _computed_in(param: Any, gradient: Array) -> np.dtype[Any]:
    """Return the dtype of the computation: the wider of the two dtypes, at least float32."""
    of_param = param.dtype if isinstance(param, np.ndarray | np.floating) else FLOAT64
    return np.result_type(of_param, gradient.dtype, FLOAT32)  # not the arrays: NumPy 1 would look at their values
