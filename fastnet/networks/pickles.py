"""The book's file format for parameters: a pickled dict of arrays.

A pickle can name any class or function, and Python's own reader would call it. This reader knows only the names in
`ADMITTED`, and what it puts in place of NumPy's functions makes plain arrays of numbers from bytes. Neither foreign
code nor NumPy's own code for pickles follows the instructions of a file.
"""

import io
import math
import os
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastnet._files import PathLike, replacing

HELD = "a file of parameters may hold only NumPy arrays, dicts, strings and numbers"


def write_pickle(path: PathLike, params: Mapping[str, Any]) -> None:
    """Write a dict of arrays; an existing file is replaced only when the new one is complete."""
    with replacing(path) as file:
        pickle.dump(dict(params), file)


def read_pickle(path: PathLike) -> dict[str, npt.NDArray[Any]]:
    """Return the dict of arrays that a pickle holds; anything else raises a ValueError that names the file."""
    with open(os.fspath(path), "rb") as file:
        data = file.read()
    try:
        found = Reader(io.BytesIO(data)).load()
        if not isinstance(found, dict):
            raise ValueError(f"it holds {type(found).__name__}, not a dict of arrays")
        return {name: _array(name, value) for name, value in found.items()}
    except Exception as error:  # a damaged pickle raises almost any of them
        reason = str(error) or "it is not complete"
        raise ValueError(f"{path} does not hold parameters: {reason}. Give a file with a dict of arrays") from None


def _array(name: Any, value: Any) -> npt.NDArray[Any]:
    if not isinstance(name, str):
        raise ValueError(f"the name of a parameter is {name!r}, not a string")
    if not isinstance(value, _Array) or value.array is None:
        raise ValueError(f"{name!r} is {type(value).__name__.lstrip('_')}, not an array")
    return value.array


class _Dtype:
    """In place of `numpy.dtype`: real numbers alone, in either byte order."""

    __slots__ = ("numpy",)

    def __init__(self, name: str, *_: Any) -> None:
        if not (isinstance(name, str) and re.fullmatch(r"[<>=|]?[biuf]\d{1,2}", name)):
            raise ValueError(f"it holds an array of dtype {name!r}: {HELD}")
        self.numpy = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        self.numpy = self.numpy.newbyteorder(state[1])


class _Array:
    """In place of `numpy.ndarray`."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: npt.NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        self.array = _filled(data, dtype, shape, "F" if is_fortran else "C")


class _Function:
    """A function that a pickle may call, and not change."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise ValueError(f"it changes a function: {HELD}")


def _filled(data: Any, dtype: Any, shape: Any, order: Any) -> npt.NDArray[Any]:
    if not (isinstance(dtype, _Dtype) and isinstance(data, bytes | bytearray)):
        raise ValueError(f"it holds an array that is not of numbers: {HELD}")
    if len(data) != math.prod(shape) * dtype.numpy.itemsize:
        raise ValueError(f"an array of shape {shape} has {len(data)} bytes")
    array = np.frombuffer(data, dtype.numpy).reshape(shape, order=order)
    return np.array(array, dtype.numpy.newbyteorder("="), order="C")


def _empty_array(kind: Any, *_: Any) -> _Array:
    if kind is not _Array:
        raise ValueError(f"it holds {kind!r}: {HELD}")
    return _Array()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, *_: Any) -> _Array:
    made = _Array()
    made.array = _filled(data, dtype, shape, order)
    return made


def _scalar(dtype: Any, data: Any) -> Any:
    return _filled(data, dtype, (), "C")[()]


def _bytes(text: Any, encoding: Any) -> bytes:
    if not (isinstance(text, str) and encoding == "latin1"):
        raise ValueError(f"it holds text in {encoding!r}: {HELD}")
    return text.encode("latin1")


ADMITTED: dict[str, Any] = {
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Function(_empty_array),
    "numpy.core.multiarray.scalar": _Function(_scalar),
    "numpy.core.numeric._frombuffer": _Function(_from_buffer),
    "_codecs.encode": _Function(_bytes),  # the bytes of an array, in the old protocols
    "collections.OrderedDict": dict,
}


class Reader(pickle._Unpickler):
    """Reads arrays, dicts, strings and numbers, and refuses every other name.

    It is Python's reader in Python: a number in a damaged file can make the one in C allocate gigabytes.
    """

    # A bytearray would take as many bytes as the file claims. Read as bytes, it takes as many as there are.
    _read = pickle._Unpickler.dispatch
    dispatch: ClassVar = {**_read, pickle.BYTEARRAY8[0]: _read[pickle.BINBYTES8[0]]}

    def get_extension(self, code: int) -> Any:
        raise ValueError(f"it holds the extension {code}: {HELD}")

    def find_class(self, module: str, name: str) -> Any:
        found = ADMITTED.get(f"{module.replace('numpy._core.', 'numpy.core.')}.{name}")  # NumPy 2 has renamed it
        if found is None:
            raise ValueError(f"it holds {module}.{name}: {HELD}")
        return found
