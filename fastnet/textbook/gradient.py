"""The functions of `common/gradient.py` and of chapter 4, by `fastnet.gradient.numerical_gradient`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet.gradient import numerical_gradient as of_any_shape
from fastnet.textbook._serving import Function
from fastnet.textbook.functions import Book


def fits(_: Book, f: Any, x: Any) -> bool:
    """Integers fit, although they raise an error: the book's own function gives a wrong gradient for them."""
    return callable(f) and type(x) is np.ndarray and x.dtype.kind in "fiu" and x.dtype.itemsize <= 8


def fits_in_order(_: Book, f: Any, x: Any) -> bool:
    """The book moves the elements in the order of memory, fastnet in that of the indices: f may draw random numbers."""
    return fits(_, f, x) and x.flags.c_contiguous


def fits_one_row(_: Book, f: Any, x: Any) -> bool:
    return fits(_, f, x) and x.ndim == 1


def fits_up_to_two(_: Book, f: Any, x: Any) -> bool:
    return fits(_, f, x) and x.ndim in (1, 2)


def of_rows(f: Callable[[Any], Any], x: Any) -> Any:
    """Return the gradient of every row: f gets one row at a time."""
    if x.ndim == 1:
        return of_any_shape(f, x)
    gradient = np.zeros_like(x)
    for row, of_row in zip(x, gradient, strict=True):
        of_row[...] = of_any_shape(f, row)
    return gradient


numerical_gradient = Function(of_any_shape, fits_in_order)
numerical_gradient_1d = Function(of_any_shape, fits_one_row)
numerical_gradient_2d = Function(of_rows, fits_up_to_two, "fastnet.gradient.numerical_gradient")
