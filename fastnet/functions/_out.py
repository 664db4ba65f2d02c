"""The argument `out` of the functions of each element: the result goes into the caller's array, as in NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import cast, is_plain_array

NDArray = npt.NDArray[Any]


def write(
    kernel: Callable[..., NDArray], array: NDArray, numbers: tuple[float, ...], dtype: np.dtype[Any], out: Any
) -> Any:
    """Write what the kernel returns for `array` to `out`, as if it were first cast to `dtype`. Return `out`."""
    _refuse_unfit(out, array.shape, dtype)
    if _is_direct(array, dtype, out):
        return kernel(array, *numbers, out)
    result = np.asarray(kernel(array, *numbers))  # before anything is written: `out` may be a part of `array`
    with np.errstate(over="ignore", under="ignore"):  # overflow gives inf, without a warning
        np.copyto(out, cast(result, dtype), casting="same_kind")
    return out


def _refuse_unfit(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be an ndarray, got {type(out).__name__}")
    if not (out.dtype is dtype or np.can_cast(dtype, out.dtype, "same_kind")):
        raise TypeError(
            f"out holds {out.dtype}, to which the result, {dtype}, is not cast: that would change its kind. "
            f"Pass an array of {dtype}"
        )
    if not (out.shape == shape or _broadcasts(shape, out.shape)):
        raise ValueError(
            f"out has shape {out.shape}, and the result has shape {shape}, which does not broadcast to it: "
            "pass one of that shape"
        )
    if not out.flags.writeable:
        raise ValueError("out is read-only: pass an array that can be written to")


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def _is_direct(array: NDArray, dtype: np.dtype[Any], out: NDArray) -> bool:
    """Whether the kernel can write to `out`: an array like `array`, which is that array or shares no memory with it."""
    if not (is_plain_array(out) and out.dtype == array.dtype == dtype and out.shape == array.shape):
        return False
    return array is out or not np.may_share_memory(array, out)
