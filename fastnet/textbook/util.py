"""The functions of `common/util.py`: those of `fastnet.util`, in float64 as the book's."""

import inspect
import math
from typing import Any

import numpy as np

from fastnet import util
from fastnet._checks import FLOAT64
from fastnet.textbook._serving import Function
from fastnet.textbook.functions import Book


def _by_name(book: Book, args: Any, kwargs: Any) -> dict[str, Any] | None:
    """Return the arguments by name, or None if the book's function does not take them."""
    try:
        bound = inspect.signature(book).bind(*args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return bound.arguments


def _is_int(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _has_room(given: dict[str, Any], shape: Any) -> bool:
    """Whether a window has a place in images of this shape."""
    filters, pad = (given["filter_h"], given["filter_w"]), given["pad"]
    return (
        all(_is_int(value, 1) for value in (*filters, given["stride"], *shape))
        and _is_int(pad, 0)
        and len(shape) == 4
        and all(size + 2 * pad >= side for size, side in zip(shape[2:], filters, strict=True))
    )


def _are_numbers(array: Any) -> bool:
    """Whether float64 holds them: not long double and complex numbers."""
    return type(array) is np.ndarray and array.dtype.kind in "fiu" and array.dtype.itemsize <= 8


def fits_images(book: Book, *args: Any, **kwargs: Any) -> bool:
    given = _by_name(book, args, kwargs)
    return given is not None and _are_numbers(given["input_data"]) and _has_room(given, given["input_data"].shape)


def fits_col(book: Book, *args: Any, **kwargs: Any) -> bool:
    given = _by_name(book, args, kwargs)
    if given is None or not _are_numbers(given["col"]) or type(given["input_shape"]) is not tuple:
        return False
    shape = given["input_shape"]
    if not _has_room(given, shape):
        return False
    filters, pad, stride = (given["filter_h"], given["filter_w"]), given["pad"], given["stride"]
    positions = [(size + 2 * pad - side) // stride + 1 for size, side in zip(shape[2:], filters, strict=True)]
    return bool(given["col"].size == math.prod((*shape[:2], *filters, *positions)))


def fits_sizes(book: Book, *args: Any, **kwargs: Any) -> bool:
    given = _by_name(book, args, kwargs)
    return given is not None and all(_is_int(value, name != "pad") for name, value in given.items())


def fits_samples(_: Book, x: Any, t: Any) -> bool:
    return type(x) is type(t) is np.ndarray and t.ndim > 0 and x.ndim in (2, 4) and len(x) == len(t)


def fits_curve(_: Book, x: Any) -> bool:
    array = np.asarray(x) if type(x) is list else x
    return _are_numbers(array) and bool(array.ndim == 1)


def windows(input_data: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the windows of images in float64, also of float32 images."""
    return util.im2col(input_data.astype(FLOAT64, copy=False), *args, **kwargs)


def images(col: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the sums of the windows in float64."""
    return util.col2im(col.astype(FLOAT64, copy=False), *args, **kwargs)


def output_size(*args: Any, **kwargs: Any) -> float:
    """Return the size as the float that the book returns."""
    return float(util.conv_output_size(*args, **kwargs))


im2col = Function(windows, fits_images, "fastnet.util.im2col", keywords=True)
col2im = Function(images, fits_col, "fastnet.util.col2im", keywords=True)
conv_output_size = Function(output_size, fits_sizes, "fastnet.util.conv_output_size", keywords=True)
shuffle_dataset = Function(util.shuffle_dataset, fits_samples)
smooth_curve = Function(util.smooth_curve, fits_curve)
