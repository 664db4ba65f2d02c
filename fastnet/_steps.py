"""How numerical differentiation moves `x`: by which step, and so that nothing remains changed.

The book moves each element by h = 1e-4. This step is too small in two cases, and the result would be 0 or noise:

- `x` is so large that rounding removes h: float64 has 16 digits, so 1e13 + 1e-4 is 1e13.
- `f` returns a float32 or float16. Its values have 7 or 3 digits, and few of them remain in a difference.

Then `widened` looks for a larger step. Where a larger step is worse, it keeps the smaller one.

All functions here take `view`, a part of `x` whose elements are moved at the same time: one element, or one
coordinate of many points.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, one_number

Read = Callable[[Any], Any]  # checks a value of f, and copies it to float64

# A step is good if rounding changes it by at most this share. The result of the book's formula has the same error.
ALLOWED = 1e-3

EPS = {2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52}  # by bytes: the distance between 1 and the next number

# Rounding errors in a difference of f, in units of EPS times the value. With the step h: half a unit for each value,
# and as much again for what f computes. Where x is too large for h, a step of some units in the last place of x changes
# f so little that the errors of all operations inside of f show.
ROUNDINGS, ROUNDINGS_IF_LARGE = 2, 64

# Differences for a step and for 8 times as large a step belong to the same slope if they are as near as this. The
# error of the formula grows with the square of the step. So 1/63 of the difference is the error of the smaller step.
NEAR = 0.1


class ChangedError(Exception):
    """`f` has written to its argument."""


class NoStepError(Exception):
    """There is no step that shows the slope. The message continues the name of the argument."""


def refuse_change() -> NoReturn:
    """Raise the error for a function that writes to its argument."""
    raise ChangedError


def precision(value: Any) -> float:
    """Return the distance between 1 and the next number in the dtype of a value of `f`, or 0.

    It is 0 unless the dtype is float32 or float16: a Python float has no dtype.
    """
    dtype = np.asarray(value).dtype
    return EPS[dtype.itemsize] if dtype.kind == "f" and dtype.itemsize < 8 else 0.0


def least_share(eps: float) -> float:
    """Return by which share of their size two values must differ.

    Rounding changes a value by eps, and then a difference of this size by ``eps**(1/3)``: the same share of it as the
    error of the formula, for the best step of a function whose slopes are all of the order of 1.
    """
    return float(eps ** (2 / 3))


SHARES = {bytes_: least_share(eps) for bytes_, eps in EPS.items() if bytes_ < 8}


def number(value: Any) -> tuple[float, float]:
    """Return a value of `f` as a float, and the `least_share` if its dtype has few digits, else 0."""
    if isinstance(value, np.floating):  # for these, one_number takes longer
        return float(value), SHARES.get(value.itemsize, 0.0)
    return one_number(value), least_share(precision(value))


def shares_memory(x: FloatArray) -> bool:
    """Whether two elements of `x` may be the same memory, as in an array that was broadcast."""
    reach = x.itemsize
    for stride, length in sorted(zip(map(abs, x.strides), x.shape, strict=True)):
        if length > 1:
            if stride < reach:
                return True
            reach += stride * (length - 1)
    return False


def difference(f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, read: Read) -> npt.NDArray[np.float64]:
    """Return the central difference of `f` for a step of all elements of `view`, as `central_differences` does for one.

    The values of `f` may be arrays. They must broadcast with `view`.
    """
    plus, minus, made = _moved(view, view.astype(FLOAT64), h)
    good = _good(view, made, h)
    if not good.any():
        return widened(f, x, view, h, read)
    f_plus, f_minus, eps = _values(f, x, view, plus, minus, read)
    with np.errstate(all="ignore"):
        quotient = (f_plus - f_minus) / (2 * h if view.itemsize == 8 else made)
    if eps:
        good = good & _enough(f_plus, f_minus, least_share(eps))
    return quotient if good.all() else np.where(good, quotient, widened(f, x, view, h, read))


def by_book(f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, read: Read) -> npt.NDArray[np.float64]:
    """Return the difference of the book's formula, even if rounding removes the step."""
    plus, minus, _ = _moved(view, view.astype(FLOAT64), h)
    f_plus, f_minus, _ = _values(f, x, view, plus, minus, read)
    with np.errstate(all="ignore"):
        return np.asarray((f_plus - f_minus) / (2 * h))


def holds(view: FloatArray, h: float) -> bool:
    """Whether every element can be moved by `h`, so that rounding changes the step little."""
    return bool(_good(view, _moved(view, view.astype(FLOAT64), h)[2], h).all())


def smallest_step(view: FloatArray, h: float) -> npt.NDArray[np.float64]:
    """Return `h`, or where an element is too large for it, a step that rounding does not change."""
    size = np.where(np.isfinite(view), abs(view), 0).astype(view.dtype.newbyteorder("="))
    with np.errstate(all="ignore"):
        return np.maximum(h, 2 * np.spacing(size).astype(FLOAT64))


def widened(f: Callable[[Any], Any], x: Any, view: FloatArray, h: float, read: Read) -> npt.NDArray[np.float64]:
    """Return the central difference for a step of at least `h` that is large enough, but not too large.

    The first step is one that `x` can hold. It becomes 8 times as large until the values of `f` differ in enough
    digits, and ends at the cube root of the precision, times the size of `x`. If the values do not differ even then,
    `f` is flat, as far as its digits show. Where a larger step departs from the smaller one by more than rounding
    explains, `f` bends, and the smaller step is the better one.

    Where `x` cannot hold `h`, even the first step may be too large. Raise `NoStepError` if the second one contradicts
    it, or if ``x + h`` is infinite. Where `x` itself is infinite or NaN, the formula gives the limit: 0 or NaN.
    """
    center = view.astype(FLOAT64)
    finite = np.isfinite(center)
    first = step = smallest_step(view, h)
    is_large = ~_good(view, _moved(view, center, h)[2], h)
    roundings = np.where(is_large, ROUNDINGS_IF_LARGE, ROUNDINGS)
    kept: Any = None
    error: Any = None
    settled = ~finite
    for attempt in count():
        plus, minus, made = _moved(view, center, step)
        if np.isinf(made[finite]).any():
            if attempt:  # only a larger step goes too far
                break
            raise NoStepError(
                f"holds {center[finite & np.isinf(made)][0]:g}, and cannot be moved from there: a step of h = {h:g} or "
                f"more leads to infinity in {view.dtype.name}. Use smaller numbers, or float64"
            )
        f_plus, f_minus, eps = _values(f, x, view, plus, minus, read)
        eps = max(eps, EPS[view.itemsize])  # f probably computes in the dtype of x
        last = np.maximum(first, eps ** (1 / 3) * np.maximum(1, np.where(finite, abs(center), 0)))
        enough = _enough(f_plus, f_minus, least_share(eps))
        with np.errstate(all="ignore"):
            now = (f_plus - f_minus) / np.where(finite, made, 2 * h)
            rounding = roundings * eps * np.maximum(abs(f_plus), abs(f_minus)) / made
            if not attempt:
                kept, error = now, rounding
            else:
                gap, explained = abs(now - kept), error + rounding
                if attempt == 1:
                    wrong = is_large & (gap > explained + NEAR * np.maximum(abs(now), abs(kept)))
                    if wrong.any():
                        value, step, one, other = (
                            np.broadcast_to(each, wrong.shape)[wrong][0] for each in (center, first, kept, now)
                        )
                        raise NoStepError(
                            f"holds {value:g}, where numbers are too far apart for the slope of f: with the step "
                            f"{step:g} it is {one:g}, and with a larger step {other:g}. Use smaller numbers, or float64"
                        )
                better = (gap <= explained) & ~settled
                kept, error = np.where(better, now, kept), np.where(better, rounding, error)
                settled = settled | enough | ~better
        if settled.all() or (step >= last).all():
            break
        step = np.minimum(8 * step, last)
    return np.asarray(kept)


def _enough(f_plus: Any, f_minus: Any, share: float) -> npt.NDArray[np.bool_]:
    """Whether the values of `f` differ by this share. `central_differences` does the same for one element."""
    with np.errstate(all="ignore"):
        return np.asarray(abs(f_plus - f_minus) >= share * np.maximum(abs(f_plus), abs(f_minus)))


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
) -> tuple[Any, Any, float]:
    """Return the values of `f` where `view` is `plus`, and where it is `minus`, and their `precision`."""
    original, found, eps = view.copy(), [], 0.0
    try:
        for moved in (plus, minus):
            view[...] = moved
            value = f(x)
            found.append(read(value))
            eps = max(eps, precision(value))
            if view.tobytes() != moved.tobytes():
                refuse_change()
    finally:
        view[...] = original
    return found[0], found[1], eps


# --- a copy of x -----------------------------------------------------------------------------------------------------


def refuse_reader_of_original(
    f: Callable[[Any], Any], x: FloatArray, original: Any, derivatives: FloatArray, read: Read, name: str
) -> None:
    """Raise `TypeError` if `f` reads `original`, the argument `name`, instead of `x`, which is its copy.

    The derivatives would be wrong, because only the copy moves. If the numbers of `original` can be changed, put other
    numbers there for a moment, to prove that `f` does not see them.

    Otherwise there is no proof. But if `f` reads nothing but `original`, its derivatives are exactly 0. So each element
    of `x` with this derivative is moved again, far away, and `f` must change. `derivatives` has the shape of `x`, or of
    a value of `f` and then that of `x`.
    """
    if not derivatives.size:
        return
    value = read(f(x))
    holders = _holders(original)
    if holders is not None:
        if sees_a_change(f, x, holders, value, read):
            raise TypeError(
                f"f reads {name} itself, but its argument is a copy of {name}. Only the copy is moved, so the result "
                "would be wrong. Let f use its argument"
            )
        return
    elements = x.reshape(-1)
    for k in np.flatnonzero(~derivatives.reshape(-1, elements.size).any(axis=0)):
        if not _depends(f, x, elements[k : k + 1], value, read):
            index = [int(i) for i in np.unravel_index(k, x.shape)]
            raise TypeError(
                f"f does not change with {f'element {index} of ' if index else ''}its argument, not even far away. Its "
                f"argument is a copy of {name}, so perhaps f reads {name} itself and does not see the changes. Let f "
                f"use its argument. If f is right, pass {name} as an array of floats: np.array({name}, float)"
            )


def _holders(x: Any) -> list[Any] | None:
    """Return the lists and arrays that hold the numbers of `x`; None if one is in a tuple, read-only or alone."""
    if isinstance(x, np.ndarray):
        return [x] if x.flags.writeable else None
    if not isinstance(x, list | tuple):
        return None
    found = [x] if isinstance(x, list) else []
    for item in x:
        if _is_container(item):
            inner = _holders(item)
            if inner is None:
                return None
            found += inner
        elif isinstance(x, tuple):
            return None
    return found


def _is_container(item: Any) -> bool:
    return isinstance(item, list | tuple | np.ndarray)


def sees_a_change(f: Callable[[Any], Any], x: Any, holders: list[Any], value: Any, read: Read) -> bool:
    """Whether `f(x)`, which is `value`, changes with the numbers in `holders`."""
    # Not the seed 0, with which programs draw such numbers themselves: they would not change.
    random, kept = np.random.default_rng(610_231_847), [holder.copy() for holder in holders]
    try:
        for holder in holders:
            if isinstance(holder, list):
                holder[:] = [item if _is_container(item) else random.normal() for item in holder]
            else:
                holder[...] = random.normal(size=holder.shape) if holder.dtype.kind == "f" else ~holder
        with np.errstate(all="ignore"):
            changes = not _same(read(f(x)), value)
    except Exception:  # whatever f does not like, it has seen
        changes = True
    finally:
        try:
            _put_back(holders, kept)
        finally:  # Ctrl-C may have come in the middle of that
            _put_back(holders, kept)
    # A value that is drawn again in every call is no evidence. The error of an f that always fails comes out here.
    return changes and _same(read(f(x)), value)


def _put_back(holders: list[Any], kept: list[Any]) -> None:
    for holder, numbers in zip(holders, kept, strict=True):
        holder[... if isinstance(holder, np.ndarray) else slice(None)] = numbers


def _same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other, equal_nan=True)


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
                if not _same(other, value):
                    return True
    finally:
        element[...] = original
    return False
