"""Numerical differentiation, optimizers and perceptrons."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import draws
import judge
import mpmath
import numpy as np
from draws import Draw
from expected import (
    assert_form,
    assert_within_bound,
    native,
    results,
)
from hostile import byte_swapped, contiguous
from hypothesis import strategies as st
from judge import Real, computing_in, exactly
from mpmath import mpf

from fastnet import Perceptron, optimizer, perceptron
from fastnet.gradient import gradient_descent, numerical_gradient


def numerical_gradient_of_a_parabola(draw: Draw) -> None:
    dtype = draw(st.sampled_from(("f8", "f4")))
    given = draws.floats(draw, draws.shape(draw), dtype, draws.TAME, special=0)
    x = draw(st.sampled_from(draws.WRITABLE))(given)

    def f(x: Any) -> float:
        return float(np.sum(np.square(x, dtype=np.float64)))

    value, h = float(np.sum(np.square(given, dtype=float))), 1e-4
    # The central difference of x² is 2 x exactly. Each value of f is off by size + 2 roundings, and a step h by eps x.
    error = (given.size + 2) * 2.0**-52 * 4 * (value + 1) / h
    for result in results(numerical_gradient, f, x):
        assert result.shape == given.shape
        assert result.dtype == np.dtype(dtype)
        exact = [Real(2 * mpf(float(each)), error + 4e-7 * abs(float(each))) for each in given.ravel()]
        assert_within_bound("numerical_gradient", result, exact)
    for result in results(partial(gradient_descent, f, lr=0.25, step_num=2), x):
        # x - lr 2 x is x / 2, twice
        exact = [Real(mpf(float(each)) / 4, error + 1e-6 * abs(float(each))) for each in given.ravel()]
        assert result.dtype == np.dtype(dtype)
        assert_within_bound("gradient_descent", result, exact)


def updates(name: str, draw: Draw) -> None:
    dtype = draw(st.sampled_from(("f8", "f4")))
    shape = draws.shape(draw, (1, 2))
    param = draws.floats(draw, shape, dtype, draws.TAME, special=0)
    grads = [draws.floats(draw, shape, dtype, draws.TAME, special=0) for _ in range(2)]
    layout = draw(st.sampled_from((contiguous, draws.fortran, draws.strided, byte_swapped)))
    numbers = {"lr": draw(st.sampled_from((0.1, 0.01, 1.0)))}

    def run() -> Any:
        params, tool = {"W": np.array(layout(param))}, getattr(optimizer, name)(**numbers)
        for grad in grads:
            tool.update(params, {"W": layout(grad)})
        return params["W"]

    with computing_in(dtype):
        exact = [
            UPDATES[name](Real(p), [Real(g) for g in its_grads], mpf(numbers["lr"]))
            for p, *its_grads in zip(*(each.ravel().tolist() for each in (param, *grads)), strict=True)
        ]
    for result in results(run):
        assert result.dtype == layout(param).dtype  # it is updated in place
        assert_within_bound(f"optimizer.{name}", result, exact)


def _sgd(p: Real, grads: list[Real], lr: Any) -> Real:
    for g in grads:
        p = p - Real(lr) * g
    return p


def _momentum(p: Real, grads: list[Real], lr: Any) -> Real:
    v = Real(0)
    for g in grads:
        v = Real(0.9) * v - Real(lr) * g
        p = p + v
    return p


def _nesterov(p: Real, grads: list[Real], lr: Any) -> Real:
    v = Real(0)
    for g in grads:
        p = p + Real(0.9) * Real(0.9) * v - Real(1.9) * Real(lr) * g
        v = Real(0.9) * v - Real(lr) * g
    return p


def _root(h: Real) -> Real:
    """sqrt(h) + 1e-7"""
    return judge.function(lambda a: mpmath.sqrt(a) if a > 0 else mpf(0), h) + Real(judge.LOSS_EPS)


def _adagrad(p: Real, grads: list[Real], lr: Any) -> Real:
    h = Real(0)
    for g in grads:
        h = h + g * g
        p = p - Real(lr) * g / _root(h)
    return p


def _rmsprop(p: Real, grads: list[Real], lr: Any) -> Real:
    h = Real(0)
    for g in grads:
        h = Real(0.99) * h + Real(1 - mpf(0.99)) * g * g
        p = p - Real(lr) * g / _root(h)
    return p


def _adam(p: Real, grads: list[Real], lr: Any) -> Real:
    m, v, beta1, beta2 = Real(0), Real(0), mpf(0.9), mpf(0.999)
    for step, g in enumerate(grads, start=1):
        m = m + Real(1 - beta1) * (g - m)
        v = v + Real(1 - beta2) * (g * g - v)
        rate = lr * mpmath.sqrt(1 - beta2**step) / (1 - beta1**step)
        # The book's correction subtracts two numbers that are almost equal: the rounding of beta**step shows.
        lost = 2.0**-52 * float(1 / (1 - beta1**step) + 1 / (1 - beta2**step))
        p = p - Real(rate, float(rate) * lost) * m / _root(v)
    return p


UPDATES: dict[str, Callable[[Real, list[Real], Any], Real]] = {
    "SGD": _sgd, "Momentum": _momentum, "Nesterov": _nesterov, "AdaGrad": _adagrad, "RMSprop": _rmsprop, "Adam": _adam,
}  # fmt: skip


def perceptron_of_any_size(draw: Draw) -> None:
    D, batch = draw(st.sampled_from((1, 2, 9))), draw(st.sampled_from(((), (1,), (3,), (0,))))
    w, b = draws.floats(draw, (D,), "f8", draws.TAME, special=0), draw(st.sampled_from((0.0, -0.7, 1e9)))
    x = draws.array(draw, (*batch, D), draws.TAME, special=1)
    exact = [
        judge.affine(row, [[each] for each in exactly(w)], [Real(b)], 0)
        for row in exactly(native(x, "f8").reshape(-1, D))
    ]
    for result in results(Perceptron(w, b).predict, x):
        assert_form(result, batch, np.int64)
        for answer, a in zip(np.ravel(result).tolist(), exact, strict=True):
            if mpmath.isnan(a.value) or abs(a.value) > a.error:
                assert answer == (a.value > 0)


def learning_perceptron(draw: Draw) -> None:
    """Rosenblatt's rule on small integers, where no sum rounds."""
    D, N = draw(st.sampled_from((1, 2, 5))), draw(st.sampled_from((1, 4, 8)))
    x = draws.layout(draw, draws.floats(draw, (N, D), "f8", (draws.halves,), special=0))
    t = draws.layout(draw, draws.integers(draw, (N,), "?").astype(draw(st.sampled_from("?bdf"))))
    samples = list(zip(np.asarray(x).tolist(), np.asarray(t).astype(int).tolist(), strict=True))
    weights, bias, mistakes = [0.0] * D, 0.0, []
    for _ in range(5):
        errors = 0
        for row, target in samples:
            error = target - (sum(w * each for w, each in zip(weights, row, strict=True)) + bias > 0)
            weights = [w + error * each for w, each in zip(weights, row, strict=True)]
            bias += error
            errors += error != 0
        mistakes.append(errors)
        if not errors:
            break

    def learned(x: Any, t: Any) -> Any:
        perceptron = Perceptron(np.zeros(D))
        return perceptron.fit(x, t, epochs=5), perceptron.w.tolist(), perceptron.b

    for result in results(learned, x, t):
        assert result == (mistakes, weights, bias)


def gates(draw: Draw) -> None:
    tables = {"AND": operator.and_, "NAND": lambda a, b: not (a and b), "OR": operator.or_, "XOR": operator.xor}
    name = draw(st.sampled_from(list(tables)))
    bits = np.asarray(draw(st.integers(0, 1))), draws.integers(draw, draws.shape(draw), "?")
    inputs = [draws.layout(draw, each.astype(draw(st.sampled_from("?ldef")))) for each in bits]
    wanted = np.vectorize(tables[name], otypes=[int])(*(np.asarray(each).astype(int) for each in inputs))
    for result in results(getattr(perceptron, name), *inputs):
        assert np.array_equal(result, wanted)
