"""Functions with many values, and gradients at many points."""

import numpy as np
import pytest
from hostile import LAYOUTS, VALUES, snapshot

from fastnet.functions import softmax, tanh, tanh_grad
from fastnet.gradient import jacobian, numerical_gradient, numerical_gradient_2d

pytestmark = pytest.mark.usefixtures("backend")

ALL_LAYOUTS = pytest.mark.parametrize("layout", LAYOUTS[:-2], ids=lambda layout: layout.__name__)  # writeable ones


# --- jacobian --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x_shape", [(), (3,), (2, 3), (0,), (1,)])
@pytest.mark.parametrize("y_shape", [(), (4,), (2, 2), (0,), (3, 1)])
def test_the_jacobian_of_a_linear_function_is_its_matrix(x_shape, y_shape):
    random = np.random.default_rng(0)
    matrix, x = random.normal(size=(*y_shape, *x_shape)), random.normal(size=x_shape)
    result = jacobian(lambda x: np.tensordot(matrix, x, axes=len(x_shape)), x)
    assert result.shape == matrix.shape
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, matrix, rtol=0, atol=1e-10)  # a rounding of values below 10, 2e-15, over 2e-4


def test_each_value_is_the_books_difference_bit_for_bit():
    x = np.random.default_rng(0).normal(size=(2, 3))
    result = jacobian(lambda x: np.sin(x) * x.sum(), x)
    for index in np.ndindex(2, 3):
        assert result[index].tobytes() == numerical_gradient(lambda x: (np.sin(x) * x.sum())[index], x).tobytes()  # noqa: B023


@ALL_LAYOUTS
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_any_layout_and_dtype(layout, dtype):
    x = layout(VALUES.astype(dtype))
    before = snapshot(x)
    result = jacobian(lambda x: np.square(x, dtype=np.float64), x, 0.25)  # every x + h and its square is exact
    assert np.array_equal(result.reshape(x.size, x.size), np.diag(2 * VALUES.reshape(-1)))
    assert result.dtype == dtype
    assert result.dtype.isnative
    assert snapshot(x) == before


def test_softmax_and_tanh():
    x = np.random.default_rng(0).normal(size=5)
    y = softmax(x)
    # The formula's error is h^2 / 6 times a third derivative of at most 2; rounding, 1e-16 over 2e-4.
    np.testing.assert_allclose(jacobian(softmax, x), np.diag(y) - np.outer(y, y), rtol=0, atol=4e-9)
    np.testing.assert_allclose(jacobian(tanh, x), np.diag(tanh_grad(x)), rtol=0, atol=4e-9)


def test_one_number_gives_the_gradient():
    x = np.random.default_rng(0).normal(size=(2, 3))
    assert jacobian(lambda x: np.sum(x**3), x).tobytes() == numerical_gradient(lambda x: np.sum(x**3), x).tobytes()


def test_f_may_return_lists_and_read_the_array_itself():
    x = np.array([3.0, 4.0])
    assert jacobian(lambda _: [x[0] * x[1], 5, x[0]], x).round(9).tolist() == [[4, 3], [0, 0], [1, 0]]


def test_f_may_return_the_same_array_every_time():
    x, buffer = np.array([3.0, 4.0]), np.empty(2)
    assert jacobian(lambda x: np.multiply(x, 2, out=buffer), x).round(9).tolist() == [[2, 0], [0, 2]]
    assert jacobian(lambda x: x, x).round(9).tolist() == [[1, 0], [0, 1]]  # x itself
    assert jacobian(lambda x: x[::-1], x).round(9).tolist() == [[0, 1], [1, 0]]


def test_lists_become_arrays():
    assert jacobian(lambda x: x**2, [3, 4]).round(9).tolist() == [[6, 0], [0, 8]]
    assert jacobian(lambda x: np.array([x, 2 * x]), 3.0).round(9).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, TypeError, "what f returns must hold real numbers"),
        ("a", TypeError, "what f returns must hold real numbers"),
        ([1j], TypeError, "complex"),
        ([True], TypeError, "f must return real numbers, got bool"),
        ([[1.0], [2.0, 3.0]], ValueError, "what f returns cannot be made an array"),
    ],
)
def test_values_that_are_no_numbers(value, error, message):
    with pytest.raises(error, match=message):
        jacobian(lambda _: value, np.ones(2))


def test_values_that_change_their_shape():
    x = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"f must return an array of shape \(2,\), got shape \(1,\)"):
        jacobian(lambda x: x[x > 0.99999], x)
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_x_is_restored_if_f_raises(error):
    x = VALUES.copy()
    for fatal in range(2 * x.size + 1):
        calls = []

        def f(x):
            calls.append(0)  # noqa: B023
            if len(calls) > fatal:  # noqa: B023
                raise error("enough")
            return x

        with pytest.raises(error, match="enough"):
            jacobian(f, x)
        assert np.array_equal(x, VALUES)


@pytest.mark.parametrize("function", [jacobian, numerical_gradient_2d])
@pytest.mark.parametrize(
    ("x", "h", "error", "message"),
    [
        (np.ones(2, int), 1e-4, TypeError, "holds int64, which cannot be moved"),
        (range(3), 1e-4, TypeError, "must be an ndarray, .*got range"),
        (np.ones(2), 0, ValueError, "h must be a finite number above 0"),
        (np.broadcast_to(1.0, 2), 1e-4, ValueError, "read-only"),
    ],
)
def test_arguments_are_checked_as_in_numerical_gradient(function, x, h, error, message):
    with pytest.raises(error, match=message):
        function(np.sum, x, h)
    with pytest.raises(TypeError, match="f must be a function"):
        function(None, np.ones(2))


# --- many points -----------------------------------------------------------------------------------------------------


def valley(x):
    """Works on one point, on rows, and on a stack of any number of dimensions."""
    return x[..., 0] ** 2 / 20 + np.sin(x[..., 1])


@pytest.mark.parametrize("shape", [(2,), (1, 2), (5, 2), (4, 3, 2), (0, 2)])
@pytest.mark.parametrize("vectorized", [False, True])
def test_the_gradient_at_many_points_is_that_at_each_bit_for_bit(shape, vectorized):
    X = np.random.default_rng(0).normal(size=shape)
    before = X.copy()
    result = numerical_gradient_2d(valley, X, vectorized=vectorized)
    assert result.shape == shape
    for point in np.ndindex(shape[:-1]):
        assert result[point].tobytes() == numerical_gradient(valley, X[point].copy()).tobytes()
    assert np.array_equal(X, before)


@ALL_LAYOUTS
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("vectorized", [False, True])
def test_points_of_any_layout_and_dtype(layout, dtype, vectorized):
    X = layout(VALUES.astype(dtype))
    before = snapshot(X)
    f = lambda x: np.sum(np.square(x, dtype=np.float64), axis=-1)  # noqa: E731
    result = numerical_gradient_2d(f, X, 0.25, vectorized=vectorized)
    assert np.array_equal(result, 2 * VALUES)
    assert result.dtype == dtype
    assert snapshot(X) == before


def test_a_stack_needs_two_calls_for_each_coordinate_and_three_more():
    calls = []
    numerical_gradient_2d(lambda X: calls.append(X.shape) or valley(X), np.ones((100, 2)), vectorized=True)
    assert calls == [(100, 2)] * 7


def test_f_sees_rows_of_the_very_array():
    X = np.random.default_rng(0).normal(size=(3, 2))
    assert numerical_gradient_2d(lambda row: float(np.shares_memory(row, X)) * np.sum(X), X).round(9).tolist() == [
        [1, 1], [1, 1], [1, 1]
    ]


def test_a_write_to_another_row_is_noticed():
    X = np.ones((3, 2))

    def f(row):
        X[0, 0] += 1
        return row.sum()

    with pytest.raises(ValueError, match=r"f changed X .* X is as it was before.* X.copy\(\)"):
        numerical_gradient_2d(f, X)
    assert np.array_equal(X, np.ones((3, 2)))


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda X: np.sum(X**2), ValueError, r"f must return an array of shape \(3,\), got shape \(\)"),
        (lambda X: X**2, ValueError, r"f must return an array of shape \(3,\), got shape \(3, 2\)"),
        (lambda X: np.sum(X**2, axis=1, keepdims=True), ValueError, r"got shape \(3, 1\)"),
        (lambda _: None, TypeError, "what f returns must hold real numbers"),
        (lambda X: X[:, 0] - X[:, 0].mean(), ValueError, "depends on other points"),
        (lambda X: np.cumsum(X[:, 0]), ValueError, "depends on other points"),
    ],
)
def test_f_of_a_stack_returns_one_number_for_each_point(f, error, message):
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    before = X.copy()
    with pytest.raises(error, match=message):
        numerical_gradient_2d(f, X, vectorized=True)
    assert np.array_equal(X, before)


def softmax_loss(X, axis):
    z = np.exp(X[..., 0])
    return z / z.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("f", "X"),
    [
        (lambda X: np.sum((X - X[0]) ** 2, axis=1), [[1, 2], [1, 5], [4, 4]]),
        (lambda X: np.sum((X - X[-1]) ** 2, axis=1), [[1, 2], [1, 5], [4, 4]]),
        (lambda X: X[:, 0] - X[:, 0].mean(), [[1, 2], [1, 2], [1, 2]]),
        (lambda X: X[:, 0] - X[:, 0].mean(), [[1, 2], [1, 2]]),
        (lambda X: X[::-1, 0] ** 2, [[1, 2], [1, 2]]),
        (lambda X: softmax_loss(X, 0), np.ones((4, 3, 2))),
        (lambda X: softmax_loss(X, 1), np.ones((4, 3, 2))),
        (lambda X: softmax_loss(X, 1), np.ones((1, 5, 2))),
        (lambda X: np.roll(X[..., 0], 1), np.zeros(40).reshape(20, 2)),
        (lambda X: np.roll(X[..., 0], 2), np.zeros((20, 2))),
        (lambda X: X[:, 0] + X.mean(), 1e13 * np.ones((4, 2))),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_f_of_a_stack_that_mixes_points_is_an_error(f, X, dtype):
    X = np.array(X, dtype)
    before = X.copy()
    with pytest.raises(ValueError, match="depends on other points"):
        numerical_gradient_2d(f, X, vectorized=True)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("value", [0.0, 1e13, 1e300, np.inf, np.nan])
def test_f_of_a_stack_that_treats_each_point_alone_is_none(value):
    X = np.full((5, 2), value)
    assert numerical_gradient_2d(lambda X: np.tanh(X[:, 0]), X, vectorized=True).shape == X.shape


def test_points_of_all_sizes_get_each_its_own_step():
    X = np.array([[1.0, 1e13], [1e100, 2.0], [-3e12, 0.5]])
    result = numerical_gradient_2d(lambda X: np.sum(X**2, axis=-1), X, vectorized=True)
    alone = numerical_gradient_2d(lambda x: x[0] ** 2, X[:, :1])
    np.testing.assert_allclose(result[:, 0], 2 * X[:, 0] * [0, 1, 1] + result[0, 0] * np.array([1, 0, 0]), rtol=2e-5)
    np.testing.assert_allclose(alone[:, 0], 2 * X[:, 0], rtol=2e-5)


def test_points_that_are_no_points():
    with pytest.raises(ValueError, match=r"X must have shape \(P, n\)"):
        numerical_gradient_2d(np.sum, np.array(3.0))
