"""numerical_gradient of an f of a stack of points: the loop's numbers, bit for bit, and bounded memory."""

import tracemalloc

import numpy as np
import pytest
from hostile import LAYOUTS, VALUES

from fastnet import gradient
from fastnet.gradient import numerical_gradient, numerical_gradient_2d

pytestmark = pytest.mark.usefixtures("backend")


def wave(X):
    """Whose every partial derivative depends on every element; each point is summed in the same order as alone."""
    axes = tuple(range(1, X.ndim))
    return np.sin(np.sum(X * np.cos(X), axis=axes, dtype=np.float64)) + np.sum(X**3, axis=axes, dtype=np.float64)


def of_one(x):
    return wave(np.ascontiguousarray(x)[np.newaxis])[0]


@pytest.mark.parametrize("layout", LAYOUTS[:-2], ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_it_is_the_loop_bit_for_bit(layout, dtype):
    x = layout(VALUES.astype(dtype))
    before = x.tobytes()
    found = numerical_gradient(wave, x, vectorized=True)
    assert found.dtype == dtype
    assert found.tobytes() == numerical_gradient(of_one, x).tobytes()
    assert x.tobytes() == before


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3, 4), (0,), (3, 0)])
def test_f_gets_copies_in_the_shape_of_x(shape):
    x, shapes = np.random.default_rng(0).normal(size=shape), set()
    found = numerical_gradient(lambda X: shapes.add(X.shape[1:]) or wave(X), x, vectorized=True)
    assert np.asarray(found).tobytes() == np.asarray(numerical_gradient(of_one, x)).tobytes()
    assert shapes == ({shape} if x.size else set())


def test_a_list_will_do_and_a_float32_value_gets_a_larger_step():
    assert numerical_gradient(lambda X: X[:, 0] ** 2, [3, 4], vectorized=True).round(6).tolist() == [6, 0]
    x = np.array([2.0, 1e10, 0.5])
    f = lambda X: np.float32(1 + 0.01 * np.sum(X**2, axis=-1))  # noqa: E731
    assert numerical_gradient(f, x, vectorized=True).tobytes() == numerical_gradient(f, x).tobytes()


def test_the_same_f_gives_the_gradient_at_many_points():
    X = np.random.default_rng(0).normal(size=(3, 5))
    of_each = [numerical_gradient(wave, x, vectorized=True) for x in X]
    assert np.array_equal(numerical_gradient_2d(wave, X, vectorized=True), of_each)


def test_a_stack_takes_bounded_memory():
    x, rows = np.zeros(4000), []  # a stack of all copies would take 128 MB

    def f(X):
        rows.append(len(X))
        return X[:, 0]

    tracemalloc.start()
    try:
        numerical_gradient(f, x, vectorized=True)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(rows) == gradient.STACK // x.nbytes
    assert most < 8 * gradient.STACK  # the stack, the copy that shows a change, half of it moved, and small arrays


def test_a_point_larger_than_a_stack_goes_alone(monkeypatch):
    monkeypatch.setattr(gradient, "STACK", 8)
    rows = []
    numerical_gradient(lambda X: rows.append(len(X)) or X.sum(axis=1), np.ones(3), vectorized=True)
    assert set(rows) == {1}


A = np.ones((2, 3))


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda X: np.sum(X**2), ValueError, r"f must return an array of shape \(6,\), got shape \(\)"),
        (lambda X: X, ValueError, r"f must return an array of shape \(6,\), got shape \(6, 2, 3\)"),
        (lambda X: X.sum(axis=(1, 2)) + X.mean(), ValueError, "depends on other points"),
        (lambda X: np.full(len(X), A.sum()), TypeError, "f reads x itself"),
        (lambda X: X.sum(axis=(1, 2)) * A.sum(), TypeError, "f reads x itself"),
        (lambda X: X.fill(0) or np.zeros(len(X)), ValueError, "f changed x"),
        (None, TypeError, "f must be a function of x, got None"),
    ],
)
def test_another_f_is_refused(f, error, message):
    with pytest.raises(error, match=message):
        numerical_gradient(f, A, vectorized=True)
    assert np.array_equal(A, np.ones((2, 3)))


def test_it_is_called_for_all_points_at_once_or_in_several_processes():
    with pytest.raises(TypeError, match="vectorized and n_jobs are two ways to call f"):
        numerical_gradient(wave, np.ones((2, 3)), vectorized=True, n_jobs=2)
