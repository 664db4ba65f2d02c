"""The functions of one number, softmax and maxout."""

from __future__ import annotations

from math import inf
from typing import Any

import draws
import judge
import mpmath
import numpy as np
from draws import Draw
from expected import (
    assert_form,
    assert_within_bound,
    computed_dtype,
    native,
    note,
    result_dtype,
    results,
    ulps,
)
from hypothesis import strategies as st
from judge import Real, computing_in, exactly
from mpmath import mpf

from fastnet import functions

ULP_OF_NUMBERS, ULP_OF_SOFTMAX = 4, 6  # what fastnet states: see tests/twins/test_accuracy.py


def of_one_number(case: Any, draw: Draw) -> None:
    x = draws.array(draw, draws.shape(draw))
    parameter = ()
    if case.parameter and draw(st.booleans()):
        parameter = (draw(st.sampled_from((*case.parameter.others, *case.parameter.refused, 0.0, 1.0))),)
    due = (ValueError,) if any(value is each for value in parameter for each in case.parameter.refused) else ()
    dtype = result_dtype(x)
    numbers = native(x, computed_dtype(dtype))
    for result in results(case.public, x, *parameter, due=due):
        if case.name == "step_function":
            assert_form(result, numbers.shape, np.int64)
            assert np.array_equal(result, numbers > 0)
            continue
        assert_form(result, numbers.shape, dtype)
        # float16 is computed in float32: 4 ULP of float32 and the last rounding, half a ULP of float16.
        limit = 0.5 + 4 * 2.0**-13 if dtype == np.float16 else ULP_OF_NUMBERS
        values = [mpf(each) for each in (parameter or case.default)]
        for value, number in zip(np.asarray(result).ravel().tolist(), numbers.ravel().tolist(), strict=True):
            note(case.name, f"ULP {dtype}", _error(case, value, number, values, dtype), limit)


def _error(case: Any, value: float, x: float, parameter: list[Any], dtype: Any) -> float:
    if x != x:
        return 0.0 if value != value else inf
    if x == 0 and case.at_zero:
        right = case.at_zero[int(np.signbit(x))]
        if parameter == [0] and value == right == 0:  # max(0 x, x) leaves the sign open
            return 0.0
        return 0.0 if (value, np.signbit(value)) == (right, np.signbit(right)) else inf
    at = mpf(x) if abs(x) < inf else judge.BEYOND if x > 0 else -judge.BEYOND  # the limit
    return ulps(value, mpf(case.exact(at, *parameter)), dtype)


def softmax(draw: Draw) -> None:
    x = draws.array(draw, draws.shape(draw))
    dimensions = max(np.ndim(x), 1)
    axis = draw(st.sampled_from((-1, 0, -2, 1, 2, -4)))
    due = () if -dimensions <= axis < dimensions else (ValueError,)
    dtype = result_dtype(x)
    rows = np.atleast_1d(native(x, computed_dtype(dtype)))
    for result in results(functions.softmax, x, axis, due=due):
        assert_form(result, np.shape(x), dtype)
        if not rows.size:
            continue
        limit = ULP_OF_SOFTMAX
        if dtype == np.float16:
            limit = 0.5 + ULP_OF_SOFTMAX * 2.0**-13
        for row, ys in zip(
            np.moveaxis(rows, axis, -1).reshape(-1, rows.shape[axis]),
            np.moveaxis(np.atleast_1d(result), axis, -1).reshape(-1, rows.shape[axis]),
            strict=True,
        ):
            for y, right in zip(ys.tolist(), exact_softmax(row.tolist()), strict=True):
                note("softmax", f"ULP {dtype}", ulps(y, right, dtype), limit)


def exact_softmax(row: list[float]) -> list[Any]:
    return [y.value for y in judge.softmax([Real(x) for x in row])]


def maxout(draw: Draw) -> None:
    K, D, H, N = (draw(st.sampled_from(sizes)) for sizes in ((1, 2, 3), (1, 2, 3, 9), (1, 2, 5), (1, 2, 3, 0)))
    batch = () if draw(st.booleans()) else (N,)
    x, W, b, dout = (
        draws.array(draw, shape, draws.TAME, special=1) for shape in ((*batch, D), (K, D, H), (K, H), (*batch, H))
    )
    dtype = np.result_type(*(result_dtype(each) for each in (x, W, b)))
    inside = computed_dtype(dtype)
    with computing_in(inside):
        rows, matrices, biases, d = (exactly(native(each, inside)) for each in (x, W, b, dout))
        rows, d = (rows, d) if batch else ([rows], [d])
        pieces = [
            [[judge.affine(row, matrices[k], biases[k], h) for k in range(K)] for h in range(H)] for row in rows
        ]
        exact = [[_maximum(each) for each in units] for units in pieces]
        passed = [  # dout for the first of the largest pieces
            [_passed(each, d[n][h]) for h, each in enumerate(units)] for n, units in enumerate(pieces)
        ]
        dx = [
            [judge.total(passed[n][h][k] * matrices[k][i][h] for h in range(H) for k in range(K)) for i in range(D)]
            for n in range(len(rows))
        ]
        dW = [
            [[judge.total(rows[n][i] * passed[n][h][k] for n in range(len(rows))) for h in range(H)] for i in range(D)]
            for k in range(K)
        ]
        db = [[judge.total(passed[n][h][k] for n in range(len(rows))) for h in range(H)] for k in range(K)]
    for result in results(functions.maxout, x, W, b):
        assert_form(result, (*batch, H), dtype)
        assert_within_bound("maxout", result, exact)
    for result in results(functions.maxout_grad, x, W, b, dout):
        for name, each, shape, right in zip(
            ("dx", "dW", "db"), result, ((*batch, D), (K, D, H), (K, H)), (dx, dW, db), strict=True
        ):
            assert_form(each, shape, dtype)
            assert_within_bound(f"maxout_grad {name}", each, right)


def _maximum(pieces: list[Real]) -> Real:
    if any(mpmath.isnan(each.value) or each.error == inf for each in pieces):
        return Real(mpmath.nan, max(each.error for each in pieces))
    largest = max(pieces, key=lambda each: each.value)
    return Real(largest.value, max(each.error for each in pieces))


def _passed(pieces: list[Real], d: Real) -> list[Real]:
    """What each piece passes on: dout if it is the first of the largest, unknown if rounding decides, else 0."""
    if any(each.error == inf for each in pieces):
        return [Real(mpmath.nan, inf)] * len(pieces)
    if any(mpmath.isnan(each.value) for each in pieces):
        first = next(k for k, each in enumerate(pieces) if mpmath.isnan(each.value))
        return [Real(mpmath.nan) if k == first else Real(0) for k in range(len(pieces))]
    largest = max(pieces, key=lambda each: each.value)
    close = [k for k, each in enumerate(pieces) if each.value + each.error >= largest.value - largest.error]
    if len(close) > 1 and any(pieces[k].error for k in close):
        return [Real(mpmath.nan, inf) if k in close else Real(0) for k in range(len(pieces))]
    return [d if k == close[0] else Real(0) for k in range(len(pieces))]
