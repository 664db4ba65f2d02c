"""What networks share: parameters that the user may change, accuracy, and the numerical gradient."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastnet import _backend, _threads
from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    FloatArray,
    IntArray,
    as_float,
    cast,
    is_labels,
    parameter,
    refuse_empty,
    refuse_outside,
    targets,
)
from fastnet._scaled import as_samples
from fastnet.gradient import numerical_gradient
from fastnet.networks.architecture import Shown
from fastnet.networks.files import SavedNetwork
from fastnet.networks.weights import share

CHUNK = 1000  # samples that `accuracy` predicts at a time: all of MNIST would take 376 MB in float64


class NoAccuracyError(ValueError):
    """What `accuracy` raises if the predictions are numbers: these are close or not, but not right or wrong."""


class Network(SavedNetwork, Shown):
    """A network whose parameters are arrays in a dict.

    A subclass defines `predict` and `loss`, and lists both in `_own`. So `numerical_gradient` can detect a class or an
    object that overrides one of them.
    """

    params: dict[str, FloatArray]
    dtype: np.dtype[Any]
    _shapes: dict[str, tuple[int, ...]]  # shapes of the parameters, in order
    _own: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]  # `predict` and `loss` as their class defines them

    @abstractmethod
    def predict(self, x: npt.ArrayLike) -> FloatArray: ...

    @abstractmethod
    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any: ...

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the share of samples whose most probable class is the right one.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`; in a row of `t`, the largest value marks the right class.
        sample_weight : array_like, real, optional
            As in `loss`: the weight of the right samples as a share of the weight of all.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.
        """
        y = self._predict_in_chunks(x)
        t = self._targets_in_range(t, y)
        return share(right(y, t), sample_weight)

    def numerical_gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, by central differences.

        Add +h and -h to one element of a parameter at a time, and compute the loss for both. Only what depends on this
        element is computed again. A subclass that overrides `predict` or `loss` gets the gradient of its own loss: all
        of `loss` is computed twice for each element, which takes hundreds or thousands of times as long.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        h : float, default 1e-4
            The step, above 0.
        sample_weight : array_like, real, optional
            As in `loss`.

        Returns
        -------
        dict of str to ndarray
            The names and shapes of `params`.

        Raises
        ------
        TypeError, ValueError
            As in `loss`; if `h` is not a positive number; if the `loss` of a subclass writes to a parameter. All
            parameters are then as before.

        See Also
        --------
        fastnet.gradient.numerical_gradient : The method for any function.

        Notes
        -----
        The loss is computed in float64, also for a float32 network, because in float32 the difference would
        be mostly rounding error. There are three exceptions: a subclass has its own `predict` or `loss`; a number is
        infinite or NaN (in a `TwoLayerNet`, also beyond 1e50); two parameters share memory. In these cases, all of
        `loss` is computed, in the network's dtype. In a float32 network, the step is then larger than `h` where the
        losses are too near to each other.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import TwoLayerNet
        >>> net = TwoLayerNet(4, 5, 3, seed=0)
        >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
        >>> by_differences, by_formula = net.numerical_gradient(x, t), net.gradient(x, t)
        >>> bool(np.allclose(by_differences["W1"], by_formula["W1"], atol=1e-6))
        True
        """
        h = as_float(h, "h")
        views = fitting(self.params, self._shapes)
        gradients = None
        if self._is_as_its_class_defines(views):
            gradients = self._differences(x, t, h, sample_weight)
        if gradients is None:
            # The loss of a subclass need not know weights.
            weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
            with _unchanged(views):
                self.loss(x, t, **weighted)
            with _unchanged(views):
                gradients = {
                    name: numerical_gradient(lambda _: self.loss(x, t, **weighted), view, h)
                    for name, view in views.items()
                }
        return {name: cast(gradient, self.dtype) for name, gradient in gradients.items()}

    def _saved_parameters(self) -> dict[str, Any]:
        return self._parameters()

    def _settings(self) -> dict[str, Any]:
        return {}

    @abstractmethod
    def _differences(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float, sample_weight: npt.ArrayLike | None
    ) -> dict[str, FloatArray] | None:
        """Return the central differences, computing again only what a parameter changes.

        Return None if a number is not finite or too large for the kernel.
        """

    def _is_as_its_class_defines(self, views: dict[str, FloatArray]) -> bool:
        """Whether the loss is that of the class, and a change of one parameter (`views`) changes no other."""
        return not share_memory(views.values()) and not self._has_a_loss_of_its_own()

    def _has_a_loss_of_its_own(self) -> bool:
        """Whether a subclass, or this object itself, overrides `predict` or `loss`."""
        return overrides(self, self._own)

    def _arrays(self) -> tuple[FloatArray, ...]:
        """Check every parameter, and return `params` in order and in the network's dtype."""
        arrays: tuple[FloatArray, ...] | None = _backend.kernels.plain_parameters(
            self.params, self._shapes, self.dtype
        )
        if arrays is None:  # a parameter needs conversion, or is invalid
            arrays = tuple(cast(view, self.dtype) for view in fitting(self.params, self._shapes).values())
        return arrays

    def _parameters(self) -> dict[str, FloatArray]:
        """Return `_arrays` by name."""
        return dict(zip(self._shapes, self._arrays(), strict=True))

    def _targets(self, t: npt.ArrayLike, y: FloatArray) -> FloatArray | IntArray:
        """Return the targets of the predictions `y`; their form is checked."""
        return targets(t, y)

    def _targets_in_range(self, t: npt.ArrayLike, y: FloatArray) -> FloatArray | IntArray:
        """Return `_targets`, of which none is outside [0, 1], if they are probabilities.

        The kernels of the cross-entropies and of `gradient` check this themselves.
        """
        checked = self._targets(t, y)
        if not (is_labels(checked) or _backend.kernels.are_probabilities(checked) or self._takes_any_numbers()):
            refuse_outside(t, self.dtype)
        return checked

    def _takes_any_numbers(self) -> bool:
        """Whether the targets are numbers of any size, and not probabilities."""
        return False

    def _predict_in_chunks(self, x: npt.ArrayLike) -> FloatArray:
        """Return the predictions for `x`, which must not be empty."""
        x = as_samples(x, "x")
        # Not with NumPy, whose products start threads of their own, nor with a method of the user's.
        if x.ndim < 2 or len(x) <= CHUNK or _backend.get_backend() == "numpy" or self._has_a_loss_of_its_own():
            return in_chunks(lambda chunk: self.predict(np.asarray(chunk)), x, CHUNK, 1)
        return in_chunks(_backend.of_this_thread(self.predict), x, CHUNK, 1, _threads.each)


def in_chunks(
    predict: Callable[[Any], FloatArray], x: Any, size: int, sample_dimensions: int, run: Callable[..., Any] = map
) -> FloatArray:
    """Return ``predict(x)``, computed for `size` samples at a time, for `x` that must not be empty.

    One sample has `sample_dimensions` dimensions. `run` calls `predict` for each chunk, as `map` does.
    """
    if x.ndim <= sample_dimensions or len(x) <= size:
        y = predict(x)
        refuse_empty(x, "x")
        return y
    return np.concatenate(list(run(predict, [x[first : first + size] for first in range(0, len(x), size)])))


def share_memory(arrays: Iterable[FloatArray]) -> bool:
    """Whether a change of one of the arrays may change another one."""
    return any(np.may_share_memory(one, other) for one, other in combinations(arrays, 2))


def overrides(network: Any, own: tuple[Callable[..., Any], ...]) -> bool:
    """Whether a subclass, or this object itself, overrides one of the methods that its class defines as `own`."""
    methods = [getattr(network, function.__name__) for function in own]
    return any(
        getattr(method, "__self__", None) is not network or getattr(method, "__func__", None) is not function
        for method, function in zip(methods, own, strict=True)
    )


def right(y: FloatArray, t: FloatArray | IntArray) -> Any:
    """Return for each sample whether its most probable class is the right one; a NaN is wrong."""
    labels = t if is_labels(t) else t.argmax(axis=-1)
    return (y.argmax(axis=-1) == labels) & ~np.isnan(y).any(axis=-1)


def fitting(params: Any, shapes: dict[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """Check every parameter, and return `params` as plain ndarrays that share the user's memory."""
    if not isinstance(params, Mapping):
        raise ValueError(f"params must be a dict of {_listed(shapes)}, got {type(params).__name__}")
    if params.keys() != shapes.keys():
        got = ", ".join(map(repr, params))
        raise ValueError(f"params must hold exactly {_listed(shapes)}, got {got or 'none'}")
    return {name: parameter(params[name], f"params[{name!r}]", shape) for name, shape in shapes.items()}


@contextmanager
def _unchanged(views: dict[str, FloatArray]) -> Iterator[None]:
    """Put the parameters back after the `with` block, and raise ValueError if its losses have written to one."""
    before = {name: view.copy() for name, view in views.items()}
    changed: list[str] = []
    refusal: ValueError | None = None
    try:
        yield
    except ValueError as error:  # perhaps numerical_gradient has noticed a write
        refusal = error
    finally:
        for name, view in views.items():
            if not _backend.kernels.same_bits(view, before[name]):
                changed.append(f"params[{name!r}]")
                view[...] = before[name]
    if changed:
        raise ValueError(
            f"loss changed {_listed(changed)}, so there is no numerical gradient. All parameters are as before. loss "
            "must not write to the parameters: let it work on a copy"
        ) from refusal
    if refusal is not None:
        raise refusal


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def network_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return float64 or float32 as a `numpy.dtype`, from any name that NumPy takes."""
    try:
        wanted = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):  # NumPy raises each of these for some strings
        pass
    else:
        if wanted in (FLOAT64, FLOAT32):
            return wanted
    raise TypeError(f"dtype must be float64 or float32, got {dtype!r}")


def common_dtype(params: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> np.dtype[Any]:
    """Check that a file's arrays are the parameters of a network, and return their dtype."""
    views = fitting(params, shapes)
    first, *rest = (view.dtype for view in views.values())
    dtype = network_dtype(first)
    if any(other != dtype for other in rest):
        raise ValueError("its arrays differ in dtype")
    if not all(view.size for view in views.values()):
        raise ValueError("its arrays are empty")
    return dtype
