"""Arrays that break careless code, by name.

`HOSTILE` holds what fastnet accepts, `REFUSED` what it does not. Each entry is a function that builds a new array,
so that no test meets what another one left.
"""

import datetime
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Build = Callable[[], Any]

# Every value is exact in float16, so that all dtypes hold the same numbers.
VALUES = np.array([[0.5, -1.25, 3.0], [2.0, 0.0, -0.75], [-4.5, 1.5, 0.25], [1.0, 2.5, -2.0]])


# --- layouts: each returns an array equal to `a` ---------------------------------------------------------------------


def contiguous(a):
    return a.copy()


def strided(a):
    wide = np.full((2 * a.shape[0], 3 * a.shape[1]), 77, a.dtype)
    wide[::2, ::3] = a
    return wide[::2, ::3]


def negative_strides(a):
    return a[::-1, ::-1].copy()[::-1, ::-1]


def fortran(a):
    return np.asfortranarray(a)


def byte_swapped(a):
    return a.astype(a.dtype.newbyteorder("S"))


def unaligned(a):
    view = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    assert not view.flags.aligned
    view[...] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def swapped_unaligned_strided_read_only(a):
    array = unaligned(byte_swapped(a.repeat(2, axis=0).repeat(3, axis=1)))[::2, ::3]
    array.flags.writeable = False
    return array


LAYOUTS = [
    contiguous,
    strided,
    negative_strides,
    fortran,
    byte_swapped,
    unaligned,
    read_only,
    swapped_unaligned_strided_read_only,
]
FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.bool_, np.int8, np.uint8, np.int32, np.int64, np.uint64]


# --- the collection --------------------------------------------------------------------------------------------------


def _build(layout: Callable, dtype: type, values: Any = VALUES) -> Build:
    return lambda: layout(np.array(values).astype(dtype))


def _special(dtype: type) -> dict[str, Any]:
    """Rows of special values that `dtype` can hold."""
    info = np.finfo(dtype)
    tiny, huge, inf, nan = info.smallest_subnormal, info.max, np.inf, np.nan
    return {
        "nan": [[nan, 1, 2], [0, -nan, 3]],
        "all_nan": [[nan, nan, nan]],
        "inf": [[inf, 1, -inf], [inf, inf, 0]],
        "minus_inf": [[-inf, -inf, -inf], [-inf, -inf, 1]],
        "inf_and_nan": [[inf, nan, -inf], [nan, inf, inf]],
        "thousands": [[1000, -1000, 0], [-1000, -1000, 1000]],
        "signed_zeros": [[0.0, -0.0, 0.0], [-0.0, -0.0, -0.0]],
        "subnormals": [[tiny, -tiny, 3 * tiny], [info.tiny / 2, -info.tiny / 4, 0]],
        "huge": [[huge, -huge, huge / 2], [-huge, -huge, -huge], [huge, huge, huge]],
        "root_of_tiny": [[0.9 * np.sqrt(tiny), 0, 0], [0, 0, 0]],  # half of its square is 0
        # Squares that are finite, and a sum of squares that is not.
        "root_of_huge": [[0.9 * np.sqrt(huge), -0.9 * np.sqrt(huge), 0.9 * np.sqrt(huge)]],
    }


SHAPES = [(0,), (0, 3), (3, 0), (0, 0), (2, 0, 3), (1, 3), (4, 1), (1, 1), (1,), (), (7,), (2, 3, 4)]

HOSTILE: dict[str, Build] = {
    **{f"{dtype.__name__}-{layout.__name__}": _build(layout, dtype) for dtype in FLOATS for layout in LAYOUTS},
    # Probabilities, as the targets of the cross-entropies must be; exact in float16, too.
    **{
        f"{dtype.__name__}-{layout.__name__}-0_to_1": _build(layout, dtype, np.abs(VALUES) / 8)
        for dtype in FLOATS
        for layout in (contiguous, strided, fortran, byte_swapped, unaligned)
    },
    **{np.dtype(dtype).name: _build(contiguous, dtype, np.abs(VALUES)) for dtype in INTEGERS},
    "int16-byte_swapped": _build(byte_swapped, np.int16),
    **{
        f"{dtype.__name__}-shape{'x'.join(map(str, shape)) or '_none'}": _build(
            np.copy, dtype, np.resize(VALUES, shape)
        )
        for dtype in (np.float32, np.float64)
        for shape in SHAPES
    },
    **{
        f"{dtype.__name__}-{name}": _build(np.copy, dtype, values)
        for dtype in FLOATS
        for name, values in _special(dtype).items()
    },
    "broadcast": lambda: np.broadcast_to(np.float64(1.5), (2, 3)),
    "list": lambda: [[0.5, -1.5, 2.0], [1.0, 0.0, -3.0]],
    "list_of_int": lambda: [1, -2, 3],
    "tuple": lambda: (0.5, -1.5),
    "empty_list": lambda: [],
    "list_of_arrays": lambda: [np.float32([1, 2]), np.float32([3, 4])],
    "python_float": lambda: -0.75,
    "python_int": lambda: 3,
    "python_bool": lambda: True,
    "numpy_scalar": lambda: np.float32(0.1),
}

REFUSED: dict[str, Build] = {
    "complex": lambda: np.array([[1 + 2j, 3]]),
    "complex64": lambda: np.complex64(1),
    "object": lambda: np.array([[1.0, 2.0]], dtype=object),
    "fraction": lambda: [Fraction(1, 2)],
    "string": lambda: "0.5",
    "strings": lambda: ["1", "2"],
    "bytes": lambda: b"1",
    "datetime": lambda: np.array([datetime.date(2020, 1, 1)], dtype="datetime64[D]"),
    "structured": lambda: np.zeros(2, dtype=[("a", "f8")]),
    "none": lambda: None,
    "dict": lambda: {"a": 1.0},
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[False, True]),
}
if np.dtype(np.longdouble).itemsize > 8:  # on some systems it is a float64 by another name
    REFUSED["longdouble"] = lambda: np.array([1.0], dtype=np.longdouble)


# --- what a test says about them -------------------------------------------------------------------------------------


def snapshot(x: Any) -> Any:
    """All that a function may change in its input: the bytes (those between the strides too), the flags, the form."""
    if not isinstance(x, np.ndarray):
        return repr(x)
    memory = x
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    return memory.tobytes(), str(x.flags), x.dtype.str, x.shape, x.strides, x.ctypes.data
