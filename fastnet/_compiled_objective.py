"""Compiled objective functions: find out the signature of one, and call it.

`numerical_gradient` takes four kinds of objects that hold a C function:

- a `PyCapsule` whose name is the signature, as Cython makes one for every `cdef api` function
- a `scipy.LowLevelCallable`, a tuple that begins with such a capsule
- a `cfunc` of numba, and a function of `ctypes`, whose types are declared

The signature comes from the object, and never from a guess: a C function that is called with the wrong arguments
crashes the process, or returns any number. So one of an unknown signature is refused.

Both fronts use this module. The compiled one calls the function at its address, and the NumPy front through `ctypes`.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, FloatArray

WANTED = (
    "fastnet calls 'double (int, double *)' and 'double (int, double *, void *)': the number of elements, the "
    "elements, and the user data. intptr_t, Py_ssize_t or size_t may stand for int, and float * for double *. "
    "Declare f as one of these"
)
SIGNATURE = re.compile(r"double \( ([\w ]+) , (double|float) \* (, void \* )?\)")
PYTHON_API = 4  # _ctypes.FUNCFLAG_PYTHONAPI: a function that must be called with the GIL

# The words for the integers of C, by their types in ctypes; all other words are refused.
INTEGERS = {
    "int": "c_int", "intc": "c_int", "int32_t": "c_int32", "int64_t": "c_int64", "uint64_t": "c_uint64",
    "long": "c_long", "ulong": "c_ulong", "unsigned long": "c_ulong",
    "longlong": "c_longlong", "long long": "c_longlong",
    "ulonglong": "c_ulonglong", "unsigned long long": "c_ulonglong",
    "size_t": "c_size_t", "uintptr_t": "c_size_t",
    "ssize_t": "c_ssize_t", "Py_ssize_t": "c_ssize_t", "intptr_t": "c_ssize_t", "npy_intp": "c_ssize_t",
    "ptrdiff_t": "c_ssize_t",
}  # fmt: skip


class CompiledObjective:
    """A C function ``f(n, x)`` or ``f(n, x, data)``: the kernels read its fields, and anybody may call it.

    The fields: `address` of the function; `data`, the address that it gets as user data, or None if it takes none;
    `is_wide`, whether its n is as long as a pointer, or an int; `dtype`, float64 or float32, that of its elements.
    """

    def __init__(self, address: int, data: int | None, signature: str, owner: Any) -> None:
        self.is_wide, takes_data, self.dtype = _kind(signature)
        self.address, self.data = address, (data or 0) if takes_data else None
        self._owner = owner  # keeps the function and its user data alive

    def argument(self, array: FloatArray, name: str = "x") -> FloatArray:
        """Return the elements of `array` as the function reads them; `array` itself if it already holds them so."""
        if array.dtype.newbyteorder("=") != self.dtype:
            pointed = "double" if self.dtype == FLOAT64 else "float"
            raise TypeError(f"f takes {pointed} *, and {name} holds {array.dtype}: pass {name}.astype('{self.dtype}')")
        if not self.is_wide and array.size >= 2**31:
            raise ValueError(f"{name} has {array.size} elements, more than an int can count: let f take intptr_t")
        return np.require(array, self.dtype, ["C", "ALIGNED"])

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "f is a compiled function. Its address means nothing to another process: it cannot be pickled. "
            "Leave out n_jobs"
        )

    def __call__(self, x: FloatArray) -> float:
        """Return f(x), for an `x` as `argument` returns it."""
        x = self.argument(x)
        data = () if self.data is None else (self.data,)
        types = ["c_ssize_t" if self.is_wide else "c_int", "c_void_p", "c_void_p"][: 2 + len(data)]
        value: float = _prototype("c_double", *types)(self.address)(x.size, x.ctypes.data, *data)
        return value


@functools.cache
def _kind(signature: str) -> tuple[bool, bool, np.dtype[Any]]:
    """Return whether the n of such a function is wide, whether it takes user data, and the dtype of its elements."""
    import ctypes

    spaced = re.sub(r"([(),*])", r" \1 ", re.sub(r"\bconst\b", " ", signature)).split()
    match = SIGNATURE.fullmatch(" ".join(spaced))
    size = ctypes.sizeof(getattr(ctypes, INTEGERS[match[1]])) if match and match[1] in INTEGERS else 0
    is_wide = size == ctypes.sizeof(ctypes.c_void_p)
    if match is None or not (is_wide or size == ctypes.sizeof(ctypes.c_int)):
        raise TypeError(f"f is a compiled function with the signature {signature!r}, and {WANTED}")
    return is_wide, match[3] is not None, FLOAT64 if match[2] == "double" else FLOAT32


@functools.cache
def _prototype(*types: str) -> Any:
    """Return the type of the C functions with these types of the result and of the arguments.

    It holds the GIL, and raises an error that a Cython function has raised.
    """
    import ctypes

    return ctypes.PYFUNCTYPE(*(getattr(ctypes, each) for each in types))


def objective(f: Any) -> Callable[[Any], Any]:
    """Return `f` if it is a function of Python, and if it holds a C function, return this as a `CompiledObjective`."""
    if type(f) is FunctionType or isinstance(f, CompiledObjective):
        return f
    low_level: Any = getattr(sys.modules.get("scipy"), "LowLevelCallable", ())  # if not imported, f is none
    if isinstance(f, low_level):
        _refuse_python_api(f.function)
        return _of_capsule(tuple.__getitem__(f, 0), f)
    if type(f).__name__ == "PyCapsule":
        return _of_capsule(f, f)
    if all(hasattr(type(f), name) for name in ("address", "ctypes", "native_name")):  # numba's CFunc
        try:
            declared = f.ctypes  # numba raises one of these for types that have no counterpart, such as complex numbers
        except (TypeError, NotImplementedError) as error:
            raise TypeError(f"f is a compiled function, and ctypes lacks its types ({error}). {WANTED}") from None
        return _of_ctypes(declared, f)
    if _is_ctypes_function(f) and not _takes_an_array(f):
        return _of_ctypes(f, f)
    if not callable(f):
        raise TypeError(f"f must be a function of x, got {f!r}")
    function: Callable[[Any], Any] = f
    return function


def _of_capsule(capsule: Any, owner: Any) -> CompiledObjective:
    name_of, address_of, context_of = _capsule_functions()
    name = name_of(capsule)
    if name is None:
        raise TypeError(f"f is a capsule without a name, so its signature is unknown, and {WANTED}")
    return CompiledObjective(address_of(capsule, name), context_of(capsule), name.decode(), owner)


@functools.cache
def _capsule_functions() -> Any:
    """Return Python's functions for the name of a capsule, the pointer in it and its context."""
    from ctypes import pythonapi

    name = _prototype("c_char_p", "py_object")(("PyCapsule_GetName", pythonapi))
    pointer = _prototype("c_void_p", "py_object", "c_char_p")(("PyCapsule_GetPointer", pythonapi))
    return name, pointer, _prototype("c_void_p", "py_object")(("PyCapsule_GetContext", pythonapi))


def _is_ctypes_function(f: Any) -> bool:
    ctypes = sys.modules.get("ctypes")
    return ctypes is not None and isinstance(f, ctypes._CFuncPtr)


def _takes_an_array(function: Any) -> bool:
    """Whether a function of `ctypes` takes one object, such as NumPy's `ndpointer`, as a function of Python does."""
    import ctypes

    types = function.argtypes
    if types is None or len(types) != 1:
        return False
    return types[0] is ctypes.py_object or not issubclass(types[0], ctypes._SimpleCData | ctypes._Pointer)


def _of_ctypes(function: Any, owner: Any) -> CompiledObjective:
    import ctypes

    _refuse_python_api(function)
    if function.argtypes is None:
        raise TypeError(f"f is a function of ctypes without declared types: set f.argtypes and f.restype. {WANTED}")
    arguments = ", ".join(_word(each) for each in function.argtypes)
    address = ctypes.cast(function, ctypes.c_void_p).value
    if not address:
        raise ValueError("f is a function of ctypes without an address: set f to one that a library has")
    return CompiledObjective(address, None, f"{_word(function.restype)} ({arguments})", owner)


def _word(declared: Any) -> str:
    """Return the word of C for a type of ctypes, in the same spelling as SciPy's."""
    if declared is None:
        return "void"
    name: str = declared.__name__
    if name == "c_void_p":
        return "void *"
    base = name.removeprefix("LP_")
    return base.removeprefix("c_") + (" *" if base != name else "")


def _refuse_python_api(function: Any) -> None:
    if _is_ctypes_function(function) and function._flags_ & PYTHON_API:
        raise TypeError(
            "f is a function of ctypes that needs the GIL (PyDLL or PYFUNCTYPE), and it would be called without it: "
            "make it with CDLL or CFUNCTYPE"
        )
