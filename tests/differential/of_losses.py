"""The losses and the measures of information."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import draws
import judge
import mpmath
import numpy as np
from comparison import (
    as_rows,
    assert_form,
    assert_within_bound,
    computed_dtype,
    errors_due,
    native,
    result_dtype,
    results,
    rows_of_targets,
)
from draws import Draw
from hypothesis import strategies as st
from judge import Real, computing_in, exactly
from mpmath import mpf

from fastnet import functions, information

LOSSES = {
    "sum_squared_error": "numbers",
    "mean_squared_error": "numbers",
    "cross_entropy_error": "classes",
    "binary_cross_entropy": "answers",
    "softmax_loss": "classes",
    "softmax_cross_entropy": "classes",
}


def loss(name: str, draw: Draw) -> None:
    of_scores = name.startswith("softmax")
    shape = draws.shape(draw, (2, 1, 2, 1, 3, 0))
    *batch, C = shape or (1,)
    y = draws.array(draw, shape, draws.KINDS if of_scores else (*draws.TAME, _shares), special=1)
    kind = LOSSES[name]
    if kind != "classes" and draw(st.booleans()):
        t = draws.numbers(draw, shape, yes_or_no=kind == "answers")
    else:
        t = draws.targets(draw, tuple(batch), C)
    if kind != "classes" and not (shape and C == 1):  # with several columns, integers are labels
        kind = "classes" if kind == "answers" else "labels or numbers"
    arguments: tuple[Any, ...] = ()
    eps = judge.LOSS_EPS
    if name in ("cross_entropy_error", "binary_cross_entropy") and draw(st.booleans()):
        arguments = (draw(st.sampled_from((0, 1e-7, 0.25, 1e-300, -1, np.nan))),)
        eps = mpf(arguments[0])
    dtype = result_dtype(y)
    inside = computed_dtype(dtype)
    rows = rows_of_targets(t, np.shape(y), inside, kind)
    any_shape = name in ("sum_squared_error", "mean_squared_error", "binary_cross_entropy")
    due = errors_due(rows, np.size(y) == 0 and name != "sum_squared_error", np.ndim(y) not in (1, 2) and not any_shape)
    if arguments and not arguments[0] >= 0:
        due = (*due, ValueError)
    function, with_gradient = getattr(functions, name), name == "softmax_cross_entropy" and draw(st.booleans())
    if with_gradient:
        function = partial(function, return_grad=True)
    found = results(function, y, t, *arguments, due=due)
    if not found:
        return
    values = exactly(native(y, inside).reshape(-1, C)) if np.size(y) else []
    with computing_in(inside):
        exact, exact_dx = exact_loss(name, values, rows, eps)
    for result in found:
        computed, dx = result if with_gradient else (result, None)
        assert_form(computed, (), dtype)
        assert_within_bound(name, computed, exact)
        if with_gradient:
            assert_form(dx, np.shape(y), dtype)
            assert_within_bound(f"{name} dx", dx, exact_dx)


def _shares(random: Any, shape: Any, _: Any) -> Any:
    """Probabilities, most of them close to 0 or 1."""
    return random.beta(0.2, 0.2, shape)


def exact_loss(name: str, y: list[Any], t: list[Any], eps: Any) -> tuple[Real, Any]:
    """The loss, and of `softmax_cross_entropy` its gradient."""
    if name == "softmax_cross_entropy":
        return exact_softmax_cross_entropy(y, t)
    flat_y, flat_t = judge.flat(y), judge.flat(as_rows(t, len(y[0]) if y else 1))
    if name == "sum_squared_error":
        return judge.half_squares(flat_y, flat_t), None
    if name == "mean_squared_error":
        return judge.mean_square(flat_y, flat_t), None
    if name == "binary_cross_entropy":
        return judge.binary_cross_entropy(flat_y, flat_t, eps), None
    if name == "softmax_loss":
        y = [judge.softmax(row) for row in y]
    return judge.cross_entropy(y, t, eps), None


def exact_softmax_cross_entropy(x: list[Any], t: list[Any]) -> tuple[Real, list[list[Real]]]:
    """The loss and its gradient, without eps, each with what fastnet states: 8 eps of the terms that do not cancel."""
    N, info = len(x), np.finfo(judge.dtype_in_use())
    eps, least = float(info.eps), float(info.smallest_subnormal)
    loss, dx, unknown = mpf(0), [], False
    for scores, weights in zip(x, as_rows(t, len(x[0])), strict=True):
        y = [each.value for each in judge.softmax(scores)]
        if any(mpmath.isnan(each) for each in y):
            loss = mpmath.nan
            dx.append([Real(mpmath.nan)] * len(y))
            continue
        largest = max(scores, key=lambda score: score.value)
        rest = sum((p for p, score in zip(y, scores, strict=True) if score is not largest), mpf(0))
        own = y[next(c for c, score in enumerate(scores) if score is largest)]
        whole = sum((weight.value for weight in weights), mpf(0))
        loss += whole * mpmath.log1p(rest / own)
        certain = sorted(weight.value for weight in weights)[-2:] in ([0, 1], [1]) and whole == 1
        row = []
        for c, (p, score, weight) in enumerate(zip(y, scores, weights, strict=True)):
            if weight.value:
                below = largest.value - score.value if largest.value != score.value else mpf(0)
                unknown = unknown or abs(float(below)) >= float(info.max)
                loss += weight.value * below
            if certain and weight.value:
                d = -sum((each for k, each in enumerate(y) if k != c), mpf(0))
                scale = abs(d)
            else:
                d, scale = p * whole - weight.value, p * whole + weight.value
            row.append(Real(d / N, float(8 * eps * scale / N) + least))
        dx.append(row)
    mean = loss / N
    if not mpmath.isfinite(mean):
        return Real(mean), dx
    return Real(mean, inf if unknown else float(8 * eps * mean) + N * least), dx


# --- information -----------------------------------------------------------------------------------------------------


def measures_of_information(draw: Draw) -> None:
    K, N = draw(st.sampled_from((1, 2, 3, 8, 17))), draw(st.sampled_from((1, 2, 3)))
    base = draw(st.sampled_from((2, 10.0, float(np.e), 0.5)))
    p, q = (_distributions(draw, N, K) for _ in "pq")
    if draw(st.integers(0, 3)) == 0:
        q = native(p, q.dtype)
    unit = mpmath.log(mpf(base))
    both = np.result_type(result_dtype(p), result_dtype(q))
    entropies, cross, divergences = [], [], []
    for row, other in zip(native(p, "f8").tolist(), native(q, "f8").tolist(), strict=True):
        a, b = [mpf(each) for each in row], [mpf(each) for each in other]
        entropies.append(_measure([(-x * mpmath.log(x)) for x in a if x] or [mpf(0)], unit))
        if any(x and not y for x, y in zip(a, b, strict=True)):
            cross.append(Real(mpmath.inf if base > 1 else -mpmath.inf))
            divergences.append(cross[-1])
            continue
        cross.append(_measure([-x * mpmath.log(y) for x, y in zip(a, b, strict=True) if x] or [mpf(0)], unit))
        # As documented, the form whose terms are not negative. Far from p = q, what they are made of is larger.
        terms = [(x * mpmath.log(x / y) if x else 0) - x + y for x, y in zip(a, b, strict=True)]
        far = [(x, y) for x, y in zip(a, b, strict=True) if x and 5 * abs(y - x) > x + y]
        parts = sum((x * abs(mpmath.log(x)) + x * abs(mpmath.log(y)) + abs(y - x) for x, y in far), mpf(0))
        divergences.append(_measure(terms, unit, parts))
    for name, arguments, exact, dtype in (
        ("entropy", (p,), entropies, result_dtype(p)),
        ("cross_entropy", (p, q), cross, both),
        ("kl_divergence", (p, q), divergences, both),
    ):
        for result in results(getattr(information, name), *arguments, base):
            assert_form(result, (N,), dtype)
            assert_within_bound(f"information.{name}", result, exact)


def _measure(terms: list[Any], unit: Any, parts: Any = 0) -> Real:
    """The sum of the terms: each is right to 8 eps and to 2 eps of its parts, and the sum rounds."""
    absolute = float((sum((abs(term) for term in terms), mpf(0)) * (8 + len(terms)) + 2 * parts) / abs(unit))
    return Real(sum(terms, mpf(0)) / unit, 2.0**-52 * absolute + 1e-300)


def _distributions(draw: Draw, N: int, K: int) -> Any:
    """Probabilities that sum to exactly 1, some of them 0; or just so, and then with all their digits."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        values = random.multinomial(64, random.dirichlet(np.full(K, 0.5)), size=N) / 64
    else:
        values = random.dirichlet(np.full(K, draw(st.sampled_from((0.3, 1.0, 100.0)))), size=N)
        if not np.allclose(values.sum(axis=1), 1):  # a dirichlet of small numbers may underflow
            values = np.full((N, K), 1 / K)
    array = values.astype(draw(st.sampled_from(("f8", "f4"))))
    return np.array(draw(st.sampled_from(draws.LAYOUTS[:-1]))(array))
