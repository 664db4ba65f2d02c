"""How numerical differentiation moves `x`: by which step, and so that nothing remains changed.

The book moves each element by h = 1e-4. This step is too small in two cases, and the result would be 0 or noise:

- `x` is so large that rounding removes h: float64 has 16 digits, so 1e13 + 1e-4 is 1e13. Then `widened` looks for a
  step that `x` can hold.
- `f` computes in float32 or float16. Its values have 7 or 3 digits, and few of them remain in a difference. Then the
  step is at least `coarse`, the cube root of the precision of `f`, times the size of `x`. There, the rounding error of
  the difference is as small as the error of the formula: a smaller step increases one, a larger step the other.

All functions here take `view`, a part of `x` whose elements are moved at the same time: one element, or one
coordinate of many points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, one_number

Read = Callable[[Any], Any]  # checks a value of f, and copies it to float64

# A step is good if rounding changes it by at most this share. The result of the book's formula has the same error.
ALLOWED = 1e-3

# For a function whose values have this many bytes: the best step where `x` and the values are of the order of 1. It is
# the cube root of the distance between 1 and the next number.
BEST = {2: 2.0 ** (-10 / 3), 4: 2.0 ** (-23 / 3), 8: 2.0 ** (-52 / 3)}


class CoarseValueError(Exception):
    """The values of `f` have few digits: start again with a step of at least `coarse`."""

    def __init__(self, coarse: float) -> None:
        super().__init__(coarse)
        self.coarse = coarse


def coarse_step(dtype: np.dtype[Any]) -> float:
    """Return the least step for a function with values of this dtype: 0 unless it is float32 or float16."""
    return BEST[dtype.itemsize] if dtype.kind == "f" and dtype.itemsize < 8 else 0.0


def is_single(value: float) -> bool:
    """Whether `value` has at most the 24 bits of a float32, but more than 11. Whole numbers count as shorter.

    Shorter numbers are no evidence: a share such as 3/4 is exact in any dtype. Infinity and NaN are none either.
    """
    bits = math.frexp(value)[0] * 2**24
    return bits % 1 == 0 and bits % 2**13 != 0 and value % 1 != 0


def are_single(a: float, b: float) -> bool:
    """Whether two values of `f` are numbers of float32, and less than half of the bits remain in their difference.

    By chance, one float64 in half a billion is a number of float32. Values from which most digits have cancelled are
    such numbers too. But if they are also near to each other, their difference has few digits, so it does not matter
    where these were lost.
    """
    return abs(a - b) < abs(a) * 2.0**-12 and is_single(a) and is_single(b)


def number(value: Any, coarse: float) -> float:
    """Return a value of `f` as a float. Raise `CoarseValueError` if it needs a step larger than `coarse`."""
    if isinstance(value, np.floating):  # for these, one_number takes longer
        if value.itemsize < 8 and BEST[value.itemsize] > coarse:
            raise CoarseValueError(BEST[value.itemsize])
        return float(value)
    result = one_number(value)
    if hasattr(value, "dtype") and (needed := coarse_step(np.asarray(value).dtype)) > coarse:
        raise CoarseValueError(needed)
    return result


def refuse_change() -> NoReturn:
    """Raise the error for a function that writes to its argument."""
    raise ValueError(
        "f changed x while its gradient was computed, so there is no result. x is as it was before. f must not write "
        "to its argument: let it work on a copy, x.copy()"
    )


def shares_memory(x: FloatArray) -> bool:
    """Whether two elements of `x` may be the same memory, as in an array that was broadcast."""
    reach = x.itemsize
    for stride, length in sorted(zip(map(abs, x.strides), x.shape, strict=True)):
        if length > 1:
            if stride < reach:
                return True
            reach += stride * (length - 1)
    return False


def difference(
    f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, coarse: float, read: Read
) -> npt.NDArray[np.float64]:
    """Return the central difference of `f` for a step of all elements of `view`, as `central_differences` does for one.

    The values of `f` may be arrays. They must broadcast with `view`.
    """
    center = view.astype(FLOAT64)
    step = np.maximum(h, coarse * np.maximum(1, abs(center))) if coarse else np.full(center.shape, h)
    plus, minus, made = _moved(view, center, step)
    good = _good(view, made, step)
    if not good.any():
        return widened(f, x, view, h, coarse, read)
    f_plus, f_minus = _values(f, x, view, plus, minus, read)
    with np.errstate(all="ignore"):
        quotient = (f_plus - f_minus) / (2 * h if view.itemsize == 8 and not coarse else made)
    return quotient if good.all() else np.where(good, quotient, widened(f, x, view, h, coarse, read))


def by_book(f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, read: Read) -> npt.NDArray[np.float64]:
    """Return the difference of the book's formula, even if rounding removes the step."""
    plus, minus, _ = _moved(view, view.astype(FLOAT64), h)
    f_plus, f_minus = _values(f, x, view, plus, minus, read)
    with np.errstate(all="ignore"):
        return np.asarray((f_plus - f_minus) / (2 * h))


def holds(view: FloatArray, h: float) -> bool:
    """Whether every element can be moved by `h`, so that rounding changes the step little."""
    return bool(_good(view, _moved(view, view.astype(FLOAT64), h)[2], h).all())


def widened(
    f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, coarse: float, read: Read
) -> npt.NDArray[np.float64]:
    """Return the central difference for the smallest step above `h` that is large enough.

    The first step is one that `x` can hold. It becomes 8 times as large until the values of `f` differ in enough
    digits: by eps**(2/3) of their size, so that rounding changes the difference by less than eps**(1/3) of it. The
    largest step is eps**(1/3) of `x`. If the values do not differ even then, `f` is flat, as far as its digits show.

    Where `x` is infinite or NaN, the formula gives the limit, which is 0, or NaN. Where `x` is finite and ``x + h`` is
    not, raise ValueError.
    """
    center = view.astype(FLOAT64)
    finite = np.isfinite(center)
    size = np.where(finite, abs(center), 0)
    relative = max(coarse, BEST[view.itemsize])
    with np.errstate(all="ignore"):
        held = 2 * np.spacing(np.where(finite, abs(view), 0).astype(view.dtype.newbyteorder("="))).astype(FLOAT64)
    first = np.maximum(h, held)
    last = np.maximum(first, relative * np.maximum(1, size))
    step = last if coarse else first  # for a coarse f, the last step is the best
    quotient, settled = None, ~finite
    while True:
        plus, minus, made = _moved(view, center, step)
        if np.isinf(made[finite]).any():
            if quotient is not None:  # only a larger step goes too far
                return np.asarray(quotient)
            value = center[finite & np.isinf(made)][0]
            raise ValueError(
                f"x holds {value:g}, and cannot be moved from there: a step of h = {h:g} or more leads to infinity in "
                f"{view.dtype.name}"
            )
        f_plus, f_minus = _values(f, x, view, plus, minus, read)
        with np.errstate(all="ignore"):
            change = f_plus - f_minus
            now = change / np.where(finite, made, 2 * h)
            enough = abs(change) >= relative**2 * np.maximum(abs(f_plus), abs(f_minus))
        quotient = now if quotient is None else np.where(settled, quotient, now)
        settled = settled | (enough & (change != 0))
        if settled.all() or (step >= last).all():
            return np.asarray(quotient)
        step = np.minimum(8 * step, last)


def _good(view: FloatArray, made: Any, step: Any) -> npt.NDArray[np.bool_]:
    """Return where the step `made` is good enough. `central_differences` does the same for one element."""
    with np.errstate(all="ignore"):
        if view.itemsize == 8:
            return np.asarray(abs(made - 2 * step) <= ALLOWED * (2 * step))
        return np.asarray((made > 0) & (made < np.inf))


def _moved(view: FloatArray, center: FloatArray, step: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ``x + step`` and ``x - step``, rounded to the dtype of `view`, and their distance."""
    with np.errstate(all="ignore"):  # not around f, whose warnings are the caller's
        plus, minus = (center + step).astype(view.dtype), (center - step).astype(view.dtype)
        return plus, minus, plus.astype(FLOAT64) - minus.astype(FLOAT64)


def _values(
    f: Callable[[Any], Any], x: Any, view: FloatArray, plus: FloatArray, minus: FloatArray, read: Read
) -> tuple[Any, Any]:
    """Return the values of `f` where `view` is `plus`, and where it is `minus`."""
    original, found = view.copy(), []
    try:
        for moved in (plus, minus):
            view[...] = moved
            found.append(read(f(x)))
            if view.tobytes() != moved.tobytes():
                refuse_change()
    finally:
        view[...] = original
    return found[0], found[1]


# --- a copy of x -----------------------------------------------------------------------------------------------------


def refuse_reader_of_original(
    f: Callable[[Any], Any], x: FloatArray, original: Any, derivatives: FloatArray, read: Read, name: str
) -> None:
    """Raise `TypeError` if `f` may read `original`, the argument `name`, instead of `x`, which is its copy.

    `derivatives` has the shape of `x`, or of a value of `f` and then that of `x`. If `f` reads `original`, it does not
    see that `x` moves, and its derivative is exactly 0. So each element with this derivative is moved again, far away.
    If `f` still does not change, either it does not depend on this element, or it reads `original`. This can be found
    out if `original` is an array that may be changed.
    """
    if not derivatives.size:
        return
    elements = x.reshape(-1)
    suspects = np.flatnonzero(~derivatives.reshape(-1, elements.size).any(axis=0))
    value = read(f(x)) if len(suspects) else None
    can_move = isinstance(original, np.ndarray) and original.dtype.kind == "f" and original.flags.writeable
    for k in suspects:
        if _depends(f, x, elements[k : k + 1], value, read):
            continue
        if can_move and not _depends(f, x, _element(original, int(k)), value, read):
            continue
        index = [int(i) for i in np.unravel_index(k, x.shape)]
        raise TypeError(
            f"f does not depend on {f'element {index} of ' if index else ''}its argument. Its argument is a copy of "
            f"{name}, so if f reads {name} itself, it does not see the changes. Let f use its argument. If f is right, "
            f"pass {name} as an array of floats: np.array({name}, float)"
        )


def _element(array: FloatArray, k: int) -> FloatArray:
    """Return a view of one element; `k` counts in C order. It works for any strides."""
    index: tuple[Any, ...] = tuple(slice(i, i + 1) for i in np.unravel_index(k, array.shape))
    return np.asarray(array)[(*index, ...)]


def _depends(f: Callable[[Any], Any], x: Any, element: FloatArray, value: Any, read: Read) -> bool:
    """Whether `f(x)`, which is `value`, changes if `element` does."""
    original = element.copy()
    size = max(1.0, abs(float(original.reshape(())))) if np.isfinite(original).all() else 1.0
    try:
        with np.errstate(all="ignore"):
            for far in (2 * size, -2 * size, np.nan):  # NaN reaches the result also through a multiplication by 0
                element[...] = far
                try:
                    other = read(f(x))
                except Exception:  # whatever f does not like, it has seen
                    return True
                if not np.array_equal(other, value, equal_nan=True):
                    return True
    finally:
        element[...] = original
    return False
