"""What every property needs: calls on both twins, what is compared, and the largest errors found.

A property draws its arguments with `draw`, and notes the largest error in `LARGEST`, in the unit that is promised: ULP
where fastnet states ULP, otherwise the share of the judge's bound. `judge.py` tells what that bound is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import inf
from typing import Any

import judge
import mpmath
import numpy as np
from backends import BACKENDS, compiled_kernels_are_required
from hostile import snapshot
from judge import Real, exactly
from mpmath import mpf
from ulp import spacing

import fastnet
from fastnet import _backend

Errors = tuple[type[Exception], ...]  # the types that may be raised: more than one where several things are wrong
LARGEST: dict[tuple[str, str], float] = {}  # by function and unit


# --- on both twins ---------------------------------------------------------------------------------------------------


@functools.cache
def twins() -> list[str]:
    """Both backends; NumPy alone where nothing is compiled, if that is allowed."""
    try:
        _backend._load("cython")
    except ImportError:
        if compiled_kernels_are_required():
            raise
        return ["numpy"]
    return BACKENDS


def outcome(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    before = [snapshot(each) for each in arguments]
    try:
        with np.errstate(all="raise"):  # a warning of NumPy, or a signal, fails the test
            result = call(*arguments)
    except (TypeError, ValueError) as error:
        result = error
    assert [snapshot(each) for each in arguments] == before, "an argument has changed"
    return result


def results(call: Callable[..., Any], *arguments: Any, due: Errors = ()) -> list[Any]:
    """What the twins return, one after the other. If errors are `due`, both must raise the same one, of one of them."""
    outcomes = []
    for backend in twins():
        with fastnet.use_backend(backend):
            outcomes.append(outcome(call, arguments))
    errors = [(type(each), str(each)) for each in outcomes if isinstance(each, Exception)]
    assert len(set(errors)) <= 1, errors
    assert len(errors) == (len(outcomes) if due else 0), f"{due} is due, got {outcomes}"
    assert not due or errors[0][0] in due, errors
    return [] if errors else outcomes


def assert_form(result: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """A new array in C order, or a NumPy scalar where the result has no dimension."""
    assert result.dtype == np.dtype(dtype)
    assert result.dtype.isnative
    assert result.shape == shape
    assert isinstance(result, np.ndarray if shape else np.generic)
    assert result.flags.c_contiguous


def note(name: str, unit: str, error: float, limit: float) -> None:
    assert error <= limit, f"{name}: {error} {unit}, and {limit} is the limit"
    LARGEST[name, unit] = max(error, LARGEST.get((name, unit), 0.0))


def assert_within_bound(name: str, computed: Any, exact: Any) -> None:
    note(name, "of the bound", judge.share_of_bound(computed, exact), 1.0)


def ulps(value: float, exact: Any, dtype: Any) -> float:
    """The error in ULP. An exact value beyond the largest float is right as infinity."""
    if mpmath.isnan(exact):
        return 0.0 if value != value else inf
    if abs(value) == inf or mpmath.isinf(exact):
        past_the_end = abs(exact) >= mpf(float(np.finfo(dtype).max)) * (1 - 4 * mpf(float(np.finfo(dtype).eps)))
        return 0.0 if past_the_end and abs(value) == inf and (value > 0) == (exact > 0) else inf
    return float(abs(mpf(value) - exact) / spacing(exact, dtype)) if value == value else inf


def result_dtype(x: Any) -> Any:
    """Float dtypes are kept, bool and integers become float64."""
    dtype = np.asarray(x).dtype
    return np.dtype(f"f{dtype.itemsize}") if dtype.kind == "f" else np.dtype("f8")


def computed_dtype(dtype: Any) -> Any:
    return np.dtype("f4") if dtype == np.float16 else np.dtype(dtype)


def native(x: Any, dtype: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(dtype)


# --- targets -----------------------------------------------------------------------------------------------------


def rows_of_targets(t: Any, shape: tuple[int, ...], dtype: Any, kind: str) -> Any:
    """The targets t of predictions of `shape` as rows of Reals, or the type of the error that is due.

    kind: "classes" for probabilities and labels, "labels or numbers" for what need not be in [0, 1]; "numbers" and
    "answers" where integers of the shape of the batch count as they are.
    """
    try:
        array = np.asarray(t)
    except ValueError:
        return ValueError
    if array.dtype.kind not in "biuf":
        return TypeError
    *batch, C = shape or (1,)
    labels = array.dtype.kind in "iub"
    if array.shape == shape or (kind in ("numbers", "answers") and shape and C == 1 and array.shape == tuple(batch)):
        if kind == "answers" and array.dtype.kind in "iu" and not np.isin(array, (0, 1)).all():
            return ValueError
        if kind in ("classes", "answers") and ((array < 0) | (array > 1)).any():
            return ValueError
        return exactly(native(array, dtype).reshape(-1, C)) if array.size else []
    fits = array.shape == tuple(batch) or (batch and array.shape == (*batch, 1))
    if kind in ("classes", "labels or numbers") and labels and len(shape) in (1, 2) and fits:
        found = [int(label) for label in array.ravel()]
        return found if all(0 <= label < C for label in found) else ValueError
    return ValueError


def errors_due(rows: Any, *wrong: bool) -> Errors:
    """The errors for targets that are refused, and for what else is `wrong`."""
    due = (rows,) if isinstance(rows, type) else ()
    return (*due, ValueError) if any(wrong) else due


def as_rows(t: list[Any], C: int) -> list[Any]:
    return [[Real(int(c == row)) for c in range(C)] if isinstance(row, int) else row for row in t]
