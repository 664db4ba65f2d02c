"""What fastnet accepts: one place for the rules on arrays, targets, numbers and seeds.

Every function here returns its argument in the one form that the code behind it works on, or raises an error that
names the argument, what came and what was wanted.
"""

import math
import numbers
import operator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.intp]
RandomSource: TypeAlias = Any  # the module numpy.random or a Generator: both have standard_normal and choice
Seed: TypeAlias = int | np.random.Generator | None

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


# --- arrays ----------------------------------------------------------------------------------------------------------


def real_array(x: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """`x` as an array of any layout that holds bool, integers, float16, float32 or float64."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass {name}.filled(value)")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} cannot be made an array: {error}") from None
    dtype = array.dtype
    if not (dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)):
        raise TypeError(f"{name} must hold real numbers (bool, integers, float16, float32, float64), got dtype {dtype}")
    return array


def float_array(x: npt.ArrayLike, name: str) -> tuple[FloatArray, np.dtype[Any]]:
    """`x` as the kernels take it, and the dtype of the result.

    The array is float32 or float64, native, aligned and C-contiguous; where `x` is that already, it is `x` itself.
    The result has the dtype of `x`, and float64 where `x` holds bool or integers.
    """
    if type(x) is np.ndarray and x.dtype in (FLOAT64, FLOAT32) and x.flags.c_contiguous and x.flags.aligned:
        return x, x.dtype
    array = real_array(x, name)
    dtype = array.dtype.newbyteorder("=") if array.dtype.kind == "f" else FLOAT64
    computed_in = FLOAT32 if dtype.itemsize < 4 else dtype
    return cast(array, computed_in), dtype


@np.errstate(over="ignore", under="ignore")  # what is too large for the dtype is inf, without a warning
def cast(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """`array` as the kernels take it in `dtype`: native, aligned, C-contiguous; itself where it is that already."""
    return np.require(array, dtype, ["C", "ALIGNED"])


def as_result(value: Any, dtype: np.dtype[Any]) -> Any:
    """`value` in `dtype`: an array, or a NumPy scalar where it has no dimension, as NumPy's own functions return."""
    result = cast(np.asarray(value), dtype)
    return result if result.ndim else result[()]


def refuse_empty(array: FloatArray, name: str) -> None:
    """Raise where a mean over `array` would be a mean of nothing."""
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}): the mean of nothing is no number")


def samples(x: npt.ArrayLike, name: str, width: int, dtype: np.dtype[Any]) -> FloatArray:
    """A batch `(N, width)` or one sample `(width,)`, as a C-contiguous array of `dtype`."""
    array = real_array(x, name)
    if array.ndim not in (1, 2) or array.shape[-1] != width:
        raise ValueError(
            f"{name} must have shape (N, {width}), or ({width},) for one sample; got shape {array.shape}"
        )
    return cast(array, dtype)


def parameter(value: Any, name: str, shape: tuple[int, ...]) -> FloatArray:
    """A network's parameter as its user left it: an array that an optimizer can update in place."""
    if not (isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape == shape):
        got = f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ValueError(f"{name} no longer fits: it must be a float array of shape {shape}, got {got}")
    return value


# --- targets ---------------------------------------------------------------------------------------------------------


def targets(t: npt.ArrayLike, y: FloatArray, name: str = "y") -> FloatArray | IntArray:
    """The targets of the predictions `y`, which the user knows as `name`, in one of two forms.

    Either an array like `y` in shape and dtype (one-hot or probabilities), where `t` has the shape of `y`; or intp
    labels of shape `y.shape[:-1]`, where `t` holds integer labels of shape `(N,)` or `(N, 1)`, or one label for one
    sample. The first form wins where both fit. `is_labels` tells them apart.
    """
    array = real_array(t, "t")
    if array.shape == y.shape:
        return cast(array, y.dtype)
    batch = y.shape[:-1]
    if array.dtype.kind in "iu" and y.ndim in (1, 2) and array.shape in (batch, (*batch, 1) if batch else batch):
        return _labels(array.reshape(batch), classes=y.shape[-1])
    accepted = f"shape {y.shape} (one-hot or probabilities)"
    if y.ndim == 2:
        accepted += f", or integer labels of shape {batch} or {(*batch, 1)}"
    elif y.ndim == 1:
        accepted += ", or one integer label"
    raise ValueError(
        f"t has shape {array.shape} and dtype {array.dtype}; for {name} of shape {y.shape} it must have {accepted}"
    )


def _labels(array: npt.NDArray[Any], classes: int) -> IntArray:
    bad = (array < 0) | (array >= classes)
    if bad.any():
        position = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"t{list(position)}" if position else "t"
        raise ValueError(f"{where} is {array[position]}, which is no label: labels are in [0, {classes})")
    return cast(array, np.dtype(np.intp))


def is_labels(t: FloatArray | IntArray) -> bool:
    """Whether `targets` returned labels."""
    return t.dtype.kind == "i"


def minus_targets(y: FloatArray, t: FloatArray | IntArray) -> FloatArray:
    """`y - t` in a new array, for either form of targets."""
    if not is_labels(t):
        return y - t
    difference = y.copy()
    rows = difference.reshape(-1, y.shape[-1])
    rows[np.arange(len(rows)), t.reshape(-1)] -= 1
    return difference


# --- numbers ---------------------------------------------------------------------------------------------------------


def as_float(value: Any, name: str, *, positive: bool = True) -> float:
    """A finite number, above 0, or from 0 on where `positive` is False."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an integer beyond every float
        number = math.inf
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name} must be {'a positive' if positive else 'zero or a positive'} number, got {value!r}")
    return number


def as_count(value: Any, name: str, *, least: int = 1) -> int:
    """An integer from `least` on."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def one_number(value: Any) -> float:
    """What `f` returned to numerical differentiation, as a float: a number, or an array that holds just one."""
    if isinstance(value, float):
        return float(value)  # np.float64 is a float too, but one that warns of inf - inf
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # a ragged list; a tensor that asks to be detached first
        array = np.asarray(None)
    if array.size == 1 and array.dtype.kind in "iuf":
        return float(array.reshape(()))
    shown = f"an array of shape {array.shape} and dtype {array.dtype}" if isinstance(value, np.ndarray) else repr(value)
    raise TypeError(f"f must return one number, got {shown[:200]}")


# --- randomness ------------------------------------------------------------------------------------------------------


def random_source(seed: Seed) -> RandomSource:
    """NumPy's global generator for None, as in the book; else a private one, made from `seed` or `seed` itself."""
    if seed is None:
        return np.random
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(as_count(seed, "seed", least=0))
