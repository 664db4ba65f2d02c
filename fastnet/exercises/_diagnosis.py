"""How a wrong result differs from the right one: words for what a reader can find by looking at the numbers."""

from typing import Any

import numpy as np


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two results have the same numbers and the same shape. A number and an array of no axes are the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    a, b = _numbers(one), _numbers(other)
    if a is None or b is None:
        return bool(one is other or (a is None and b is None and type(one) is type(other)))
    if a.shape != b.shape:
        return False
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def _numbers(value: Any) -> np.ndarray[Any, Any] | None:
    try:
        array = np.asarray(value)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError):  # a list of rows of different lengths, an object without numbers
        return None


def describe(
    call: str, came: Any, right: Any, arguments: tuple[Any, ...], tolerance: float, samples: int | None = None
) -> str:
    """What is wrong with `came`, where `right` is wanted. The right numbers are not told.

    `samples` is the number of samples, if the arguments have a batch of them.
    """
    if isinstance(right, dict):
        if not isinstance(came, dict) or came.keys() != right.keys():
            return f"{call} gives {short(came)}, but a dict with the keys {', '.join(right)} is wanted."
        key = next(key for key in right if not same(came[key], right[key], tolerance))
        return describe(f"{call}[{key!r}]", came[key], right[key], arguments, tolerance, samples)
    if isinstance(right, tuple | list):
        if not isinstance(came, tuple | list) or len(came) != len(right):
            many = isinstance(came, tuple | list) or len(right) == 1
            given = f"a {type(came).__name__} of {len(came)}" if isinstance(came, tuple | list) else short(came)
            wanted = f"a {type(right).__name__} of {len(right)} is" if many else f"{len(right)} values are"
            return f"{call} gives {given}, but {wanted} wanted."
        index = next(k for k, value in enumerate(right) if not same(came[k], value, tolerance))
        return describe(f"{call}[{index}]", came[index], right[index], arguments, tolerance, samples)
    got, want = _numbers(came), _numbers(right)
    if isinstance(right, bool) and not isinstance(came, bool):
        return f"{call} gives {short(came)}, but True or False is wanted: one answer for all samples."
    if got is None or want is None:
        return f"{call} gives {short(came)}, but {'an array' if np.ndim(right) else 'a number'} is wanted."
    for words in _shape(got, want, tolerance), _values(np.asarray(came), got, want, samples, tolerance, arguments):
        if words:
            return f"{call} {words}"
    if want.ndim == 0:
        return f"{call} gives {short(came)}, and another number is wanted."
    return f"{call} gives {short(came)}, and other numbers are wanted."


def _shape(got: Any, want: Any, tolerance: float) -> str:
    if got.shape == want.shape:
        return ""
    shapes = f"has the shape {got.shape}, but {want.shape} is wanted"
    if got.ndim == 2 and got.T.shape == want.shape and same(got.T, want, tolerance):
        return f"is transposed: it {shapes}."
    if got.ndim == want.ndim + 1 and any(same(got.sum(axis), want, tolerance) for axis in range(got.ndim)):
        return f"{shapes}: a sum over one axis is missing."
    if got.ndim < want.ndim:
        return f"{shapes}: it gives too few numbers. Over which axis does each sum, mean or maximum run?"
    return f"{shapes}."


def _values(came: Any, got: Any, want: Any, batch: int | None, tolerance: float, arguments: tuple[Any, ...]) -> str:
    if got.shape != want.shape:
        return ""
    if (~np.isfinite(got) & np.isfinite(want)).any():
        what = "nan" if np.isnan(got[~np.isfinite(got)]).any() else "infinite"
        return (
            f"is {what} where a finite number is wanted. On the way, a number is too large, something is divided by 0, "
            "or there is a logarithm or a root of 0 or of a negative number."
        )
    if came.dtype.kind in "iu" and same(got, np.trunc(want), tolerance):
        return (
            "has lost its fractions: it holds integers. (np.zeros_like(x) has the dtype of x, and // gives whole "
            "numbers.)"
        )
    if same(got, -want, tolerance):
        return "has the wrong sign."
    if got.ndim == 2 and got.shape[0] == got.shape[1] and same(got.T, want, tolerance):
        return "is transposed."
    ratio = _constant(got[want != 0] / want[want != 0])
    if ratio is not None and not got[want == 0].any() and ratio not in (0, 1):
        words = _factor(ratio, batch)
        if words or got.size > 1:  # one number alone has some ratio to the right one, whatever is wrong
            return words or "is the right result times the same number, everywhere."
    return _where(got, want, tolerance, arguments)


def _constant(ratios: Any) -> float | None:
    """The number, if all are the same."""
    if ratios.size == 0 or not np.isfinite(ratios).all() or np.ptp(ratios) > 1e-6 * abs(ratios.flat[0]):
        return None
    return float(np.round(ratios.flat[0], 9))


def _factor(ratio: float, batch: int | None) -> str:
    if batch and batch > 1:
        if np.isclose(ratio, batch):
            return f"is {batch} times too large, and there are {batch} samples: the mean over the batch is missing."
        if np.isclose(ratio, 1 / batch):
            return (
                f"is {batch} times too small, and there are {batch} samples: it is divided by {batch} once too often."
            )
    for factor in 2, 4, 3, 10:
        if np.isclose(ratio, factor):
            return f"is {factor} times too large."
        if np.isclose(ratio, 1 / factor):
            return f"is {factor} times too small."
        if np.isclose(abs(ratio), factor) or np.isclose(abs(ratio), 1 / factor):
            return f"has the wrong sign, and its size is {abs(ratio):g} times the right one."
    return ""


def _where(got: Any, want: Any, tolerance: float, arguments: tuple[Any, ...]) -> str:
    """Where the argument of the same shape is when the result is wrong: "where x is negative"."""
    wrong = ~np.isclose(got, want, rtol=tolerance, atol=tolerance, equal_nan=True)
    if wrong.all():
        difference = _constant(got - want) if got.size > 1 else None
        return f"is off by {difference:.4g} everywhere." if difference else ""
    for x in arguments:
        if isinstance(x, np.ndarray) and x.shape == got.shape and x.dtype.kind in "biuf":
            for words, holds in ("0", x == 0), ("negative", x < 0), ("positive", x > 0), ("0 or more", x >= 0):
                if holds.any() and (wrong == holds).all():
                    return f"is wrong where the argument is {words}, and right elsewhere."
    return ""


def short(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        text = " ".join(np.array2string(value, precision=4, separator=", ", threshold=20).split())
    else:
        text = " ".join(repr(value).split())
    return text if len(text) < 80 else f"{text[:76]} ..."
