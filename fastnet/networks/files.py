"""Files of weights: what `save` writes, and how `load` reads it.

A file is an ``.npz`` of the parameters, the settings of the constructor, and what is known of the data: the names of
the classes and the shape of an input. It names the class of the network.
"""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, as_float, as_integer
from fastnet._files import PathLike, replacing
from fastnet._npz import read_npz, write_npz


class Description(NamedTuple):
    """What a file says of its network besides the parameters and settings; None is unknown."""

    network: str | None = None
    classes: list[str] | None = None
    input_shape: tuple[int, ...] | None = None
    background: float | None = None


class SavedNetwork(ABC):
    """A network that can be saved, with what is known of the data that it was trained on."""

    params: dict[str, FloatArray]
    classes: list[str] | None = None
    input_shape: tuple[int, ...] | None = None
    background: float | None = None

    def save(self, path: PathLike) -> None:
        """Write the parameters, in the network's dtype, and the settings to one ``.npz`` file.

        The file also holds the running statistics of batch normalization, ``classes``, ``input_shape``, ``background``.
        An existing file is replaced only when the new file is complete: a crash leaves the old file intact.

        Parameters
        ----------
        path : str or path
            The name of the file. No suffix is added.

        Raises
        ------
        TypeError, ValueError
            If a parameter no longer fits, ``classes`` is not one name for each output, ``input_shape`` is not the shape
            of an input, or ``background`` is not from 0 to 1.
        OSError
            If the file cannot be written.

        See Also
        --------
        load : Read the file.
        fastnet.load_network : Read a file of any network.

        Examples
        --------
        >>> import tempfile, os
        >>> from fastnet import TwoLayerNet
        >>> net = TwoLayerNet(2, 3, 2, seed=0)
        >>> net.classes = ["cat", "dog"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.npz")
        ...     net.save(path)
        ...     again = TwoLayerNet.load(path)
        >>> bool((again.predict([1, 2]) == net.predict([1, 2])).all())
        True
        >>> again.classes
        ['cat', 'dog']
        """
        arrays = {**self._saved_parameters(), **self._saved_settings()}
        with replacing(path) as file:
            write_npz(file, arrays)

    @abstractmethod
    def _saved_parameters(self) -> dict[str, Any]:
        """Return the parameters, checked, and the statistics."""

    def _saved_settings(self) -> dict[str, Any]:
        """Return what `save` writes besides the parameters: the settings and the description, checked."""
        settings: dict[str, Any] = {**self._settings(), "network": network_name(type(self))}
        if self.classes is not None:
            settings["classes"] = np.array(_classes(self.classes, self._output_count()), np.str_)
        if self.input_shape is not None:
            settings["input_shape"] = np.array(_input_shape(self.input_shape, self._input_count()), np.int64)
        if self.background is not None:
            settings["background"] = np.float64(_background(self.background))
        return settings

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return the settings of the constructor, as numbers, words and arrays."""

    def _input_count(self) -> int:
        return len(self.params["W1"])

    def _output_count(self) -> int:
        layers = max(int(name[1:]) for name in self.params if name[1:].isdecimal())
        return len(self.params[f"b{layers}"])

    def _take_description(self, description: Description, path: PathLike) -> None:
        """Take over what a file says of the data."""
        try:
            if description.classes is not None:
                self.classes = _classes(description.classes, self._output_count())
            if description.input_shape is not None:
                self.input_shape = _input_shape(description.input_shape, self._input_count())
            if description.background is not None:
                self.background = _background(description.background)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} does not fit together: {error}. Save the network again") from None


class WeightsOfFile(np.random.Generator):
    """In place of random numbers, the weights in a file: a network of other sizes than theirs needs no memory."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        super().__init__(np.random.PCG64(0))
        self._arrays, self._given = arrays, 0

    def standard_normal(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:  # type: ignore[override]
        """Return the next weights, if they have this shape."""
        self._given += 1
        name = f"W{self._given}"
        if name not in self._arrays:
            raise ValueError(f"it has no '{name}'")
        if self._arrays[name].shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {self._arrays[name].shape}")
        return self._arrays[name]


def network_name(kind: type) -> str:
    """Return the name of a network's class; for a subclass of the user's, that of the class of fastnet."""
    return next(each.__name__ for each in kind.__mro__ if each.__module__.startswith("fastnet."))


@contextmanager
def reading(path: PathLike, kind: type, read: "Read") -> Iterator[tuple[dict[str, Any], Description]]:
    """Read a file of weights; errors in the `with` block become a ValueError that names it."""
    os.fspath(path)  # a TypeError here is not one of the file
    try:
        arrays, description = read(path)
        if description.network not in (None, network_name(kind)):
            raise ValueError(f"it holds those of a {description.network}")
        yield arrays, description
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path} does not hold the parameters of a {kind.__name__}: {reason}. Give a file that its save has written"
        ) from error


def read_weights(path: PathLike) -> tuple[dict[str, npt.NDArray[Any]], Description]:
    """Return the parameters and settings in a file, and what it says of its network; ValueErrors do not name it."""
    arrays = read_npz(path)
    return without_description(arrays)


def without_description(arrays: dict[str, Any]) -> tuple[dict[str, Any], Description]:
    """Return parameters and settings, and the description that stood between them."""
    network, classes, input_shape, background = (arrays.pop(name, None) for name in Description._fields)
    return arrays, Description(
        None if network is None else str(network),
        None if classes is None else _strings(classes),
        None if input_shape is None else tuple(_integers(input_shape)),
        None if background is None else background.item(),
    )


Read = Callable[[PathLike], tuple[dict[str, npt.NDArray[Any]], Description]]  # `read_weights`, or of another format


def _strings(array: npt.NDArray[Any]) -> list[str]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise ValueError(f"classes must be strings in a row, got {array.dtype} of shape {array.shape}")
    return [str(name) for name in array]


def _integers(array: npt.NDArray[Any]) -> list[int]:
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise ValueError(f"input_shape must be integers in a row, got {array.dtype} of shape {array.shape}")
    return [int(side) for side in array]


def _classes(classes: Any, outputs: int) -> list[str]:
    in_order = isinstance(classes, list | tuple | np.ndarray)  # not a set, whose order is another one every time
    if not in_order or not all(isinstance(name, str) for name in classes):
        raise TypeError(f"classes must be a list of strings, got {classes!r:.60}")
    if len(classes) != outputs:
        raise ValueError(f"classes must have one name for each of the {outputs} outputs, got {len(classes)}")
    return list(classes)


def _background(background: Any) -> float:
    value = as_float(background, "background", positive=False)
    if value > 1:
        raise ValueError(f"background must be from 0 (black) to 1 (white), got {value:g}")
    return value


def _input_shape(input_shape: Any, inputs: int) -> tuple[int, ...]:
    try:
        sides = tuple(as_integer(side, "input_shape") for side in input_shape)
    except TypeError:
        raise TypeError(f"input_shape must be a tuple of integers, got {input_shape!r:.60}") from None
    if min(sides, default=0) < 1 or math.prod(sides) != inputs:
        raise ValueError(f"input_shape must be the shape of the {inputs} numbers of an input, got {sides}")
    return sides
