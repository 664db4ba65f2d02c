"""What fastnet accepts: one place for the rules on arrays, targets, numbers and seeds.

Every function here converts its argument to the one form that the calling code uses, or raises an error. The error
names the argument, what it got and what it takes.
"""

import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.intp]
RandomSource: TypeAlias = Any  # the module numpy.random or a Generator: both have standard_normal and choice
Seed: TypeAlias = int | np.random.Generator | None

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
INTP = np.dtype(np.intp)
UINT8 = np.dtype(np.uint8)

# With ten elements, a call costs more than the arithmetic. So these functions test for the common case first, with
# `dtype is FLOAT64`: NumPy has one object for each native dtype. An array whose dtype is equal but another object only
# takes the slower path.

FINITE_BLOCK = 1 << 18  # numbers that `refuse_not_finite` looks at together


# --- arrays ----------------------------------------------------------------------------------------------------------


def refuse_mask(x: Any, name: str) -> None:
    """Raise a TypeError if `x` is a masked array: its masked elements would count as numbers."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass {name}.filled(value)")


def real_array(x: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Return `x` as an array of bool, integers, float16, float32 or float64, with any memory layout."""
    if type(x) is np.ndarray:
        array = x
    else:
        refuse_mask(x, name)
        array = as_array(x, name)
    dtype = array.dtype
    if not (dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)):
        wanted = f"{name} must hold real numbers (bool, integers, float16, float32, float64)"
        raise TypeError(f"{wanted}, got {_what_is_there(x, array, name)}")
    return array


def as_array(x: Any, name: str) -> npt.NDArray[Any]:
    """Return an array-like as an array of any dtype: with ``__array__``, ``__array_interface__`` or DLPack."""
    try:
        if hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
            return np.from_dlpack(x)
        return np.asarray(x)
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"{name} cannot be made an array: {reason}. Give rows of the same length") from None
    except (TypeError, RuntimeError, BufferError) as error:  # for example, a tensor that requires grad
        raise TypeError(f"{name} cannot be made an array: {error}. Give numbers") from None


def shares_its_memory(x: Any, array: npt.NDArray[Any]) -> bool:
    """Whether `array`, made of the array-like `x`, is the memory of `x` and not a copy."""
    return np.shares_memory(array, as_array(x, "x"))


def _what_is_there(x: Any, array: npt.NDArray[Any], name: str) -> str:
    """Say what is in place of real numbers, and what to write for a sparse matrix or for columns of pandas."""
    if callable(getattr(x, "toarray", None)):
        return f"a sparse matrix ({type(x).__name__}): write {name}.toarray()"
    found, convert = f"dtype {array.dtype}", f"numpy.asarray({name}, float)"
    if hasattr(x, "to_numpy"):
        columns = x.dtypes.items() if hasattr(x, "columns") else [(type(x).__name__, getattr(x, "dtype", None))]
        nullable = [f"{column}: {dtype}" for column, dtype in columns if not isinstance(dtype, np.dtype)]
        found += f" from pandas ({', '.join(nullable[:5])})" if nullable else ""
        convert = f"{name}.to_numpy(float)"
    if array.dtype != object or array.ndim == 0:
        return found
    others = ((i, value) for i, value in np.ndenumerate(array) if not isinstance(value, numbers.Real | np.bool_))
    place, value = next(others, (None, None))
    if place is None:
        return f"{found}: write {convert}"
    found += f": {name}{list(place)} is {value!r:.60}"
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        fill = f", for example with {name}.fillna(0)" if hasattr(x, "fillna") else ""
        found += f". Fill in the missing values{fill}, then write {convert}"
    return found


def is_carray(x: Any) -> bool:
    """Whether `x` is an ndarray, C-contiguous, aligned and native; dtype and dimensions are not checked."""
    if type(x) is not np.ndarray:
        return False
    flags = x.flags
    return flags.c_contiguous and flags.aligned and x.dtype.isnative


def is_plain_array(x: Any) -> bool:
    """Whether the kernels take `x` as it is: see `is_carray`; float32 or float64, and at least one dimension."""
    return is_carray(x) and x.dtype in (FLOAT32, FLOAT64) and x.ndim > 0


def float_array(x: npt.ArrayLike, name: str) -> tuple[FloatArray, np.dtype[Any]]:
    """Return `x` as the kernels take it, and the dtype of the result.

    The array is float32 or float64, native, aligned and C-contiguous. It is `x` itself if `x` already is all of this.
    The result has the dtype of `x`, or float64 where `x` holds bool or integers.
    """
    if type(x) is np.ndarray and (x.dtype is FLOAT64 or x.dtype is FLOAT32):
        return cast(x, x.dtype), x.dtype
    array = real_array(x, name)
    dtype = np.dtype(f"f{array.itemsize}") if array.dtype.kind == "f" else FLOAT64
    computed_in = FLOAT32 if dtype.itemsize < 4 else dtype
    return cast(array, computed_in), dtype


def cast(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return `array` in `dtype`, native, aligned and C-contiguous; `array` itself if it already is all of this."""
    if array.dtype is dtype:
        flags = array.flags
        if flags.c_contiguous and flags.aligned:
            return array
    # Not @np.errstate: in NumPy 1.26, all threads share the decorator's one object and overwrite its settings.
    with np.errstate(over="ignore", under="ignore"):  # overflow gives inf, without a warning
        return np.require(array, dtype, ["C", "ALIGNED"])


def as_result(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return `value` in `dtype`: an array, or a NumPy scalar if it has no dimension, as NumPy's functions do."""
    if type(value) is float and (dtype is FLOAT64 or abs(value) < 65504):  # no float dtype overflows
        return dtype.type(value)
    result = cast(np.asarray(value), dtype)
    return result if result.ndim else result[()]


def refuse_empty(x: npt.ArrayLike, name: str) -> None:
    """Raise `ValueError` if `x` is empty: a mean over no values is not defined."""
    shape = x.shape if isinstance(x, np.ndarray) else np.shape(x)
    if 0 in shape:
        raise ValueError(f"{name} is empty: it has shape {shape}, and a mean needs at least one sample")


def refuse_not_finite(
    array: npt.NDArray[Any], name: str, numbers_of_rows: npt.NDArray[Any] | None = None, *, are_targets: bool = False
) -> None:
    """Raise a ValueError that names the first NaN or infinity. `numbers_of_rows` are those of the user's rows."""
    if array.dtype.kind != "f" or array.size == 0:
        return
    rows = max(1, FINITE_BLOCK * len(array) // array.size)
    for first in range(0, len(array), rows):
        block = array[first : first + rows]
        finite = np.isfinite(block)
        if not finite.all():
            row, *others = (int(i) for i in np.argwhere(~finite)[0])
            value = block[(row, *others)]
            column = "".join(f", column {i}" for i in others) if len(others) < 2 else f", place {tuple(others)}"
            kind = "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
            row += first
            where = f"row {row if numbers_of_rows is None else numbers_of_rows[row]}{column} (counted from 0)"
            replace = ", or replace these values, for example by the mean of their column"
            raise ValueError(
                f"{name} holds {kind} in {where}: leave out the rows with NaN (also a missing value, such as pandas' "
                f"<NA>) and infinity, inputs and targets alike{'' if are_targets else replace}"
            )


def refuse_parameters_not_finite(params: Any, name: str) -> None:
    """Raise a ValueError that names the first NaN or infinity in a network's parameters, if they are in a dict."""
    for key, value in params.items() if isinstance(params, Mapping) else ():
        array = np.asarray(value) if isinstance(value, np.ndarray | float | np.floating) else np.zeros(0)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where, found = _first(array, ~np.isfinite(array), f"{name}[{key!r}]")
            raise ValueError(f"{where} is {found}: from there, no training leads to numbers. Start with finite ones")


def samples(
    x: npt.ArrayLike, name: str, width: int, dtype: np.dtype[Any], *, keep_float32: bool = False
) -> FloatArray:
    """Return a batch `(N, width)` or one sample `(width,)`, as the kernels take it in `dtype`.

    With `keep_float32`, float32 stays float32: the compiled network kernels convert one chunk of samples at a time.
    """
    array = real_array(x, name)
    if array.ndim not in (1, 2) or array.shape[-1] != width:
        could_be_rows = array.ndim > 2 and array.size == len(array) * width > 0
        raise ValueError(
            f"{name} must have shape (N, {width}), or ({width},) for one sample; got shape {array.shape}"
            + (f": write {name}.reshape({len(array)}, -1)" if could_be_rows else "")
        )
    return cast(array, FLOAT32 if keep_float32 and array.dtype == FLOAT32 else dtype)


def as_images(x: npt.ArrayLike, name: str) -> FloatArray:
    """Return images `(N, C, H, W)` as the kernels take them: float32 stays, and everything else becomes float64."""
    array = real_array(x, name)
    if array.ndim != 4:
        raise ValueError(f"{name} must have shape (N, C, H, W), got shape {array.shape}")
    return cast(array, narrowest(array))


def narrowest(*arrays: npt.NDArray[Any]) -> np.dtype[Any]:
    """Return float32 if all arrays hold float32, in any byte order, else float64."""
    return FLOAT32 if all(array.dtype.kind == "f" and array.itemsize == 4 for array in arrays) else FLOAT64


def window_positions(
    shape: tuple[int, ...], height: Any, width: Any, stride: Any, pad: Any, kind: str
) -> tuple[int, int]:
    """Check a window, a "filter" or a "pool", on images of `shape`. Return the numbers of its positions, OH and OW."""
    height, width = as_count(height, f"{kind}_h"), as_count(width, f"{kind}_w")
    stride, pad = as_count(stride, "stride"), as_count(pad, "pad", least=0)
    H, W = (size + 2 * pad for size in shape[2:])
    # In C, sizes in bytes are 64-bit integers.
    if max(stride, math.prod(max(size, 1) for size in (*shape[:2], H, W))) > 2**58:
        raise ValueError(f"pad {pad} or stride {stride} is too large for images of shape {shape}: use a smaller one")
    if height > H or width > W:
        raise ValueError(
            f"a {kind} of {height} x {width} does not fit into images of shape {shape} with pad {pad}: make it smaller"
        )
    return (H - height) // stride + 1, (W - width) // stride + 1


def parameter(value: Any, name: str, shape: tuple[int, ...]) -> FloatArray:
    """Return a network's parameter as a plain ndarray that shares the user's memory.

    Subclasses of ndarray can redefine arithmetic: for a `numpy.matrix`, `*` is the matrix product.
    """
    if type(value) is np.ndarray and (value.dtype is FLOAT64 or value.dtype is FLOAT32) and value.shape == shape:
        return value
    array = np.asarray(value) if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) else None
    if array is None or array.dtype.kind != "f" or array.itemsize > 8 or array.shape != shape:
        got = type(value).__name__ if array is None else f"{array.dtype} of shape {array.shape}"
        raise ValueError(
            f"{name} no longer fits: it must be an array of shape {shape} of float64, float32 or float16, got {got}"
        )
    return array


# --- targets ---------------------------------------------------------------------------------------------------------


def targets(t: npt.ArrayLike, y: FloatArray, name: str = "y") -> FloatArray | IntArray:
    """Return the targets of the predictions `y` in one of two forms; error messages call `y` `name`.

    If `t` has the shape of `y` (one-hot or probabilities), return it in the dtype of `y`. If `t` holds integer labels
    of shape `(N,)` or `(N, 1)`, or one label for one sample, return intp labels of shape `y.shape[:-1]`. If both fit,
    the first form is used. Booleans are the integers 0 and 1. `is_labels` tells which form it is. For a cross-entropy,
    `refuse_outside` checks the first form.
    """
    array = real_array(t, "t")
    if array.shape == y.shape:
        return cast(array, y.dtype)
    batch = y.shape[:-1]
    if array.dtype.kind in "biu" and y.ndim in (1, 2) and array.shape in (batch, (*batch, 1) if batch else batch):
        return labels_in_range(array.reshape(batch), classes=y.shape[-1])
    accepted = f"shape {y.shape} (one-hot or probabilities)"
    if y.ndim == 2:
        accepted += f", or integer labels of shape {batch} or {(*batch, 1)}"
    elif y.ndim == 1:
        accepted += ", or one integer label"
    raise ValueError(
        f"t has shape {array.shape} and dtype {array.dtype}; for {name} of shape {y.shape} it must have {accepted}"
    )


def numbers_like(y: FloatArray, t: npt.ArrayLike, *, binary: bool = False) -> FloatArray:
    """Return targets that are numbers, one for every number in `y`, in the shape and dtype of `y`.

    Integers are numbers here, not labels. Where `y` is `(N, 1)`, `t` may also be `(N,)`, and one number for one sample.
    With `binary`, integers mean no and yes and must be 0 or 1.
    """
    array = real_array(t, "t")
    one_a_sample = y.ndim > 0 and y.shape[-1] == 1
    if array.shape != y.shape and not (one_a_sample and array.shape == y.shape[:-1]):
        accepted = f"shape {y.shape}" + (f" or {y.shape[:-1]}" if one_a_sample else "")
        raise ValueError(f"t has shape {array.shape}; for y of shape {y.shape} it must hold numbers of {accepted}")
    if binary and array.dtype.kind in "iu":
        labels_in_range(array, classes=2)
    return cast(array.reshape(y.shape), y.dtype)


def refuse_outside(t: npt.ArrayLike, dtype: np.dtype[Any]) -> None:
    """Raise `ValueError` if a target, rounded to `dtype`, is outside [0, 1]. NaN passes: then the result is NaN.

    The kernels of the cross-entropies find such a target in passing, and return None. Then this function names it.
    """
    array = cast(real_array(t, "t"), dtype)
    outside = (array < 0) | (array > 1)
    if outside.any():
        where, value = _first(array, outside, "t")
        raise ValueError(f"{where} is {value}: a target must be a probability, from 0 to 1")


def labels_in_range(array: npt.NDArray[Any], classes: int, name: str = "t") -> IntArray:
    labels = cast(array if array.dtype is INTP else array.astype(INTP), INTP)
    if labels.size and labels.view(np.uintp).max() >= classes:  # as unsigned, negative labels are very large
        where, value = _first(array, (array < 0) | (array >= classes), name)
        raise ValueError(
            f"{where} is {value}, which is not a label in [0, {classes}): "
            f"labels must be whole numbers from 0 to {classes - 1}"
        )
    return labels


def _first(array: npt.NDArray[Any], bad: Any, name: str) -> tuple[str, Any]:
    """Return where the first bad element of `array` is, as `name[i, j]`, and its value."""
    position = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{name}{list(position)}" if position else name, array[position]


def is_labels(t: FloatArray | IntArray) -> bool:
    """Whether `t`, as `targets` returned it, holds labels."""
    return t.dtype.kind == "i"


def one_hot(t: Any, y: FloatArray) -> FloatArray:
    """Return the targets, in either form, as an array like `y`."""
    if not is_labels(t):
        rows: FloatArray = t
        return rows
    rows = np.zeros_like(y)
    rows[of_labels(t)] = 1
    return rows


def minus_targets(y: FloatArray, t: FloatArray | IntArray) -> FloatArray:
    """Return `y - t` in a new array, for targets in either form."""
    if not is_labels(t):
        return y - t
    difference = y.copy()
    difference[of_labels(t)] -= 1
    return difference


def of_labels(t: Any) -> Any:
    """Return the index of the labels' elements in an array of predictions."""
    return (np.arange(len(t)), t) if t.ndim else t


# --- sample weights --------------------------------------------------------------------------------------------------


def sample_weights(sample_weight: npt.ArrayLike, batch: tuple[int, ...]) -> FloatArray:
    """Return the weights of the samples in float64, divided by the largest, so that their sum cannot overflow.

    `batch` is the shape of the labels: `(N,)`, or `()` for one sample.
    """
    array = real_array(sample_weight, "sample_weight")
    if array.shape != batch:
        wanted = f"shape {batch}, one weight for each sample" if batch else "one number for one sample"
        raise ValueError(f"sample_weight must have {wanted}; got shape {array.shape}")
    weights = cast(array, FLOAT64)
    largest = weights.max()
    if not (weights.min() >= 0 and largest < np.inf):  # or one is NaN
        where, value = _first(array, ~((weights >= 0) & (weights < np.inf)), "sample_weight")
        raise ValueError(f"{where} is {value}: a weight must be a finite number of at least 0")
    if largest == 0:
        raise ValueError("all sample weights are zero: at least one must be above 0")
    with np.errstate(under="ignore"):
        return np.asarray(weights / largest)


# --- numbers ---------------------------------------------------------------------------------------------------------


def as_float(value: Any, name: str, *, positive: bool = True) -> float:
    """Return a finite number above 0, or at least 0 if `positive` is False; `value` may be a 0-d array."""
    number = _number(value, name)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name} must be a finite number {'above 0' if positive else 'of at least 0'}, got {value!r}")
    return number


def as_fraction(value: Any, name: str, *, includes_one: bool = False) -> float:
    """Return a number in [0, 1), or in [0, 1] with `includes_one`."""
    number = _number(value, name)
    if not (0 <= number < 1 or (includes_one and number == 1)):
        wanted = "from 0 to 1" if includes_one else "of at least 0 and below 1"
        raise ValueError(f"{name} must be a number {wanted}, got {value!r}")
    return number


def _number(value: Any, name: str) -> float:
    """Return `value` as a float, which may be infinite or NaN; `value` may be a 0-d array."""
    if type(value) is float:  # the usual case; the checks below take longer than computing ten elements
        return value
    scalar = value[()] if isinstance(value, np.ndarray) else value
    if not is_real(scalar):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return _float(scalar)


def is_real(value: Any) -> bool:
    """Whether `value` is a real number of Python or NumPy; bool is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer or a fraction too large for a float
        return math.inf if value > 0 else -math.inf


def as_integer(value: Any, name: str) -> int:
    """Return an integer of Python or NumPy as an int; bool is refused."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return number


def as_count(value: Any, name: str, *, least: int = 1) -> int:
    """Return an integer of at least `least`."""
    number = as_integer(value, name)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def one_number(value: Any, name: str = "f") -> float:
    """Return the value of the function `name` as a float: a number, or an array with one element."""
    if is_real(value):
        return _float(value)  # a Python float: np.float64 would warn about inf - inf
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # a ragged list; a tensor that requires grad
        array = np.asarray(None)
    if array.size == 1 and array.dtype.kind in "iuf" and not np.ma.is_masked(value):
        return float(array.reshape(()))
    shown = f"an array of shape {array.shape} and dtype {array.dtype}" if type(value) is np.ndarray else repr(value)
    raise TypeError(f"{name} must return one number, got {shown[:200]}")


def gradient_of(key: str, param: npt.NDArray[Any], grads: Mapping[str, Any], name: str) -> npt.NDArray[Any]:
    """Return the gradient with respect to the parameter `key`; error messages call the dict `grads` `name`."""
    if key not in grads:
        raise ValueError(f"{name} has no {key!r}, which is in params: it must have all names of params")
    gradient = real_array(grads[key], f"{name}[{key!r}]")
    if gradient.shape != param.shape:
        raise ValueError(
            f"{name}[{key!r}] has shape {gradient.shape}, params[{key!r}] has shape {param.shape}: "
            "both must be the same"
        )
    return gradient


# --- randomness ------------------------------------------------------------------------------------------------------


def random_source(seed: Seed) -> RandomSource:
    """Return NumPy's global generator for None, as in the book; else a private generator from `seed`.

    What this returned before, or a copy of the global generator, is returned as it is.
    """
    source: Any = seed
    if source is None or source is np.random:
        return np.random
    if isinstance(source, np.random.Generator | np.random.RandomState):
        return source
    try:
        return np.random.default_rng(as_count(seed, "seed", least=0))
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"seed must be an integer of at least 0 or a numpy.random.Generator, got {seed!r}"
        ) from None
