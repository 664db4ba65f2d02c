"""How `x` is moved: it is put back whatever f does, the step is one that x and f can hold, and f sees the change."""

import itertools

import numpy as np
import pytest
from hostile import LAYOUTS, VALUES, snapshot

from fastnet import TwoLayerNet
from fastnet.gradient import gradient_descent, jacobian, numerical_gradient, numerical_gradient_2d

pytestmark = pytest.mark.usefixtures("backend")

ALL_LAYOUTS = pytest.mark.parametrize("layout", LAYOUTS[:-2], ids=lambda layout: layout.__name__)  # writeable ones
ALL_FLOATS = pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])

# What each function that moves x makes of an f with one value.
GRADIENTS = {
    "numerical_gradient": numerical_gradient,
    "jacobian": jacobian,
    "rows": lambda f, x, h=1e-4: numerical_gradient_2d(lambda row: f(row), x.reshape(1, -1), h).reshape(x.shape),
    "stack": lambda f, x, h=1e-4: numerical_gradient_2d(
        lambda X: np.array([f(row) for row in X]), x.reshape(1, -1), h, vectorized=True
    ).reshape(x.shape),
}
ALL_GRADIENTS = pytest.mark.parametrize("gradient_of", GRADIENTS.values(), ids=GRADIENTS)


# --- f that writes to its argument -----------------------------------------------------------------------------------


def doubles(x):
    x *= 2
    return float(np.sum(x))


def writes_to_one(x):
    x[..., -1] += 1
    return float(np.sum(x, dtype=np.float64))


def writes_nan(x):
    x[..., 0] = np.nan
    return 1.0


def makes_zero_negative(x):
    x[x == 0] = -0.0
    return 1.0


def flips_a_sign_at_each_call(x):
    x[..., 1] *= -1
    return 1.0


@pytest.mark.parametrize(
    "f", [doubles, writes_to_one, writes_nan, makes_zero_negative, flips_a_sign_at_each_call, np.ndarray.sort]
)
@ALL_LAYOUTS
@ALL_FLOATS
def test_f_that_changes_x_is_an_error_and_x_is_as_before(f, layout, dtype):
    x = layout(VALUES.astype(dtype))
    before = snapshot(x)
    with pytest.raises(ValueError, match="f changed x while its gradient was computed"):
        numerical_gradient(lambda x: f(x) or 0.0, x)
    assert snapshot(x) == before


@pytest.mark.parametrize("f", [doubles, writes_to_one, writes_nan])
@ALL_GRADIENTS
def test_every_function_that_moves_x_notices_a_change(gradient_of, f):
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"f changed [xX] "):
        gradient_of(f, x)
    assert x.tolist() == [1, 2, 3]


def test_a_change_is_noticed_at_once():
    calls = []
    with pytest.raises(ValueError, match="f changed x"):
        numerical_gradient(lambda x: calls.append(0) or doubles(x), np.ones(1000))
    assert len(calls) == 1


def test_nan_of_x_is_compared_bit_for_bit():
    x = np.array([np.nan, 1.0, -np.nan, 0.0])
    x.view(np.uint64)[2] |= np.uint64(5)  # another NaN
    before = x.tobytes()
    assert numerical_gradient(lambda x: float(x[1]), x).round(9).tolist() == [0, 1, 0, 0]
    assert x.tobytes() == before

    def other_nan(x):
        x.view(np.uint64)[2] ^= np.uint64(1)
        return 0.0

    with pytest.raises(ValueError, match="f changed x"):
        numerical_gradient(other_nan, x)
    assert x.tobytes() == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@ALL_GRADIENTS
def test_all_of_x_is_put_back_if_f_writes_and_then_raises(gradient_of, error):
    x = np.array([1.0, 2.0, 3.0])

    def f(x):
        x *= 2
        raise error("enough")

    with pytest.raises(error, match="enough"):
        gradient_of(f, x)
    assert x.tolist() == [1, 2, 3]


def test_f_may_write_and_restore():
    def f(x):
        x *= 2
        total = float(np.sum(x))
        x /= 2
        return total

    assert numerical_gradient(f, np.array([1.0, 2.0])).round(9).tolist() == [2, 2]


def test_a_closure_that_changes_x_is_noticed_too():
    x = np.array([1.0, -2.0])

    def relu_in_place(_):
        x[x < 0] = 0
        return x.sum()

    with pytest.raises(ValueError, match="f changed x"):
        numerical_gradient(relu_in_place, x)
    assert x.tolist() == [1, -2]


def test_gradient_descent_does_not_follow_an_f_that_changes_its_argument():
    init_x = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="f changed x"):
        gradient_descent(doubles, init_x)
    assert init_x.tolist() == [1, 2]


def halves(params):
    params["W1"] *= 0.5


def normalises(params):
    params["W2"] /= np.linalg.norm(params["W2"])


def shifts_both(params):
    params["W2"] += 1
    params["b1"] -= 1


def stops(params):
    params["b2"] += 1
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("change", "late", "error", "message"),
    [
        (halves, 0, ValueError, r"loss changed params\['W1'\], so there is no .*All parameters are as before"),
        (normalises, 0, ValueError, r"loss changed params\['W2'\], so"),
        (shifts_both, 0, ValueError, r"loss changed params\['b1'\] and params\['W2'\], so"),
        (normalises, 5, ValueError, r"loss changed params\['W2'\], so"),
        (shifts_both, 5, ValueError, r"loss changed params\['b1'\] and params\['W2'\], so"),
        (stops, 0, KeyboardInterrupt, None),
        (stops, 9, KeyboardInterrupt, None),
    ],
)
def test_a_loss_that_changes_the_parameters_is_an_error(change, late, error, message):
    class Writing(TwoLayerNet):
        calls = 0

        def loss(self, x, t):
            self.calls += 1
            if self.calls > late:
                change(self.params)
            return super().loss(x, t)

    net = Writing(2, 3, 2, 0.1, seed=0)
    before = {name: param.copy() for name, param in net.params.items()}
    with pytest.raises(error, match=message):
        net.numerical_gradient(np.eye(2), [0, 1])
    for name, param in net.params.items():
        assert np.array_equal(param, before[name])


def sets_shape(x):
    x.shape = (2, 1)


def sets_dtype(x):
    x.dtype = np.int64


def sets_writeable(x):
    x.flags.writeable = False


def sets_all(x):
    x[1] = 9
    sets_shape(x)
    sets_dtype(x)
    sets_writeable(x)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer versions of NumPy warn of such an f
@pytest.mark.parametrize("form", [sets_shape, sets_dtype, sets_writeable, sets_all])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
@pytest.mark.parametrize("function", [numerical_gradient, jacobian])
def test_f_that_changes_the_form_of_x_is_an_error_and_x_is_as_before(function, error, form):
    x = np.array([1.0, 2.0])

    def f(x):
        if x.shape == (2,) and x.dtype == float and x.flags.writeable:
            form(x)
        if error is not None:
            raise error
        return 1.0

    with pytest.raises(error or ValueError, match=None if error else "f changed x"):
        function(f, x)
    assert (x.shape, x.dtype, x.flags.writeable) == ((2,), np.float64, True)
    assert x.tolist() == [1, 2]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", [sets_shape, sets_dtype, sets_writeable])
@pytest.mark.parametrize("vectorized", [False, True])
def test_f_that_changes_the_form_of_points_is_an_error_too(form, vectorized):
    X = np.array([[1.0], [2.0]]) if vectorized else np.array([1.0, 2.0])

    def f(X):
        if X.shape in ((2, 1), (2,)) and X.dtype == float and X.flags.writeable:
            form(X)
        return np.ones(2) if vectorized else 1.0

    shape = X.shape
    if form is sets_shape and vectorized:
        form = lambda X: setattr(X, "shape", (1, 2))  # noqa: E731
    with pytest.raises(ValueError, match="f changed X"):
        numerical_gradient_2d(f, X, vectorized=vectorized)
    assert (X.shape, X.dtype, X.flags.writeable) == (shape, np.float64, True)
    assert X.ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    "x",
    [
        np.lib.stride_tricks.as_strided(np.ones(1), (3,), (0,)),
        np.lib.stride_tricks.as_strided(np.ones(4), (3, 2), (8, 8)),
    ],
    ids=["broadcast", "windows"],
)
def test_elements_that_share_memory_cannot_be_moved_alone(x):
    with pytest.raises(ValueError, match="elements of x share memory"):
        numerical_gradient(np.sum, x)


# --- a step that x can hold ------------------------------------------------------------------------------------------


def square(x):
    return float(np.sum(np.square(x, dtype=np.float64)))


@pytest.mark.parametrize("x", [1e9, 3e10, -1e11, 1e12, 1e13, 2.0**60, 1e100, -1e150])
@ALL_GRADIENTS
def test_float64_gets_a_step_that_rounding_does_not_remove(gradient_of, x):
    gradient = gradient_of(square, np.array([x]))
    # The book's quotient is used up to a deviation of 1e-3. Beyond, the values differ by 2**-34.7 of their size at
    # least, so that their rounding, 2**-53 of it each, changes the difference by 1e-5 at most.
    np.testing.assert_allclose(gradient, [2 * x], rtol=1e-3 if abs(x) <= 3e9 else 2e-5)


@pytest.mark.parametrize("x", [1e10, 1e12, 3e13])
def test_the_step_stays_as_small_as_it_can(x):
    # A period of sin is 6.28, and numbers of 3e13 are 0.004 apart: a larger step would miss the slope.
    gradient = numerical_gradient(lambda x: np.sin(x[0]), np.array([x]))
    np.testing.assert_allclose(gradient, [np.cos(x)], atol=1e-4)


@pytest.mark.parametrize("x", [1e4, 1e6, 1e9, -1e20, 1e37])
@pytest.mark.parametrize("single", [False, True], ids=["f in float64", "f in float32"])
@ALL_GRADIENTS
def test_float32_gets_a_step_that_rounding_does_not_remove(gradient_of, x, single):
    kind = np.float32 if single else float
    x = np.array([x], np.float32)
    gradient = gradient_of(lambda x: kind(3 * x[0]), x)
    assert gradient.dtype == np.float32
    # 3 x is linear. f has 24 bits, and its values differ by 2**-15.3 of their size at least: 2**-8 of the difference.
    np.testing.assert_allclose(gradient, [3], rtol=2**-8)


@pytest.mark.parametrize("x", [0.0, 0.5, 100.0, -6e4])
def test_float16_gets_a_step_that_rounding_does_not_remove(x):
    gradient = numerical_gradient(lambda x: 3.0 * float(x[0]), np.array([x], np.float16))
    assert gradient == 3  # the step is exact, and so are the values


def test_elements_of_all_sizes_get_each_its_own_step():
    x = np.array([1.0, 1e13, 0.0, -1e9, 1e200])
    for f in GRADIENTS.values():
        np.testing.assert_allclose(f(lambda x: float(x @ [1, 2, 3, 4, 0.0]), x)[4], 0)
        gradient = f(lambda x: float(np.sum(np.tanh(x / [1, 1e13, 1, 1e9, 1e200]))), x)
        slope = (1 - np.tanh(1) ** 2) / np.array([1, 1e13, 1, 1e9, 1e200])
        slope[2] = 1
        np.testing.assert_allclose(gradient, slope, rtol=1e-3)


def test_where_h_fits_the_result_is_the_books_bit_for_bit():
    x = np.array([1.0, 1e13, -3e5, 1e8])

    def f(x):
        return np.sum(np.sin(x) * x)

    gradient = numerical_gradient(f, x)
    for i in (0, 2, 3):
        plus, minus = x.copy(), x.copy()
        plus[i] += 1e-4
        minus[i] -= 1e-4
        assert gradient[i] == (f(plus) - f(minus)) / 2e-4


@pytest.mark.parametrize("h", [1e-12, 1e-15, 1e-17, 1e-30])
def test_a_step_that_is_too_small_for_x_is_made_larger(h):
    gradient = numerical_gradient(square, np.array([3.0]), h)
    np.testing.assert_allclose(gradient, [6], rtol=1e-3)  # see above: 9e-16 / 2e-12 is still good enough


@ALL_GRADIENTS
@pytest.mark.parametrize(
    ("x", "h"), [(np.finfo(float).max, 1e-4), (1e308, 1e308), (np.float32(3e38), 1e38), (np.float16(1), 1e5)]
)
def test_where_no_step_leads_to_a_number_an_error_says_so(gradient_of, x, h):
    x = np.array([x])
    before = x.copy()
    with pytest.raises(ValueError, match=rf"[xX] holds .*cannot be moved.* leads to infinity in {x.dtype}"):
        gradient_of(lambda _: 0.0, x, h)
    assert x == before


@ALL_GRADIENTS
@ALL_FLOATS
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_at_infinity_the_slope_is_the_limit_and_nan_stays_nan(gradient_of, value, dtype):
    x = np.array([value], dtype)
    with np.errstate(all="ignore"):
        assert np.array_equal(gradient_of(lambda x: float(np.tanh(x[0])), x), [value * 0 + 0], equal_nan=True) or (
            gradient_of(lambda x: float(np.tanh(x[0])), x) == 0
        )
        assert np.isnan(gradient_of(lambda x: float(x[0]), x)).all()


@ALL_GRADIENTS
def test_no_larger_step_is_taken_that_would_lead_to_infinity(gradient_of):
    x = np.array([np.finfo(float).max * (1 - 1e-7)])
    assert gradient_of(lambda _: 1.0, x) == 0


def test_gradient_descent_from_far_away_arrives():
    # Each step halves x: 60 steps from 1e13 lead below 1e-5, through the sizes where the step is the book's again.
    x = gradient_descent(square, [1e13], lr=0.25, step_num=60)
    assert abs(x[0]) < 1e-4


def test_gradient_descent_warns_where_it_follows_the_book_into_numbers_too_large_for_the_step():
    with pytest.warns(RuntimeWarning, match="rounding changes or removes the step of 0.0001"):
        gradient_descent(square, [1.0], lr=10.0, step_num=20)


@ALL_GRADIENTS
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sin, np.float64(1e16)),
        (lambda x: np.sin(1000 * x), np.float64(1e13)),
        (lambda x: np.cos(x / 3), np.float64(-1e17)),
        (lambda x: np.sin(3 * x.astype(float)), np.float16(1000)),  # where numbers are 0.5 apart
    ],
)
def test_where_numbers_are_too_far_apart_for_the_slope_there_is_none(gradient_of, f, x):
    x = np.array([x])
    with pytest.raises(ValueError, match=r"[xX] holds .*, where numbers are too far apart for the slope of f"):
        gradient_of(lambda x: float(f(x)[0]), x)


@ALL_GRADIENTS
def test_where_f_rounds_much_a_larger_step_is_taken_but_not_too_large(gradient_of):
    # At 1e12, numbers are 1.2e-4 apart. A step that lets the values differ in 17 bits would be longer than a period.
    # 1/50 is the error of the formula, h^2 / 6, for a step of 1/3.
    x = np.array([1e13])
    np.testing.assert_allclose(gradient_of(lambda x: 1e12 + float(np.sin(x[0])), x), np.cos(x), rtol=0.02)


@ALL_GRADIENTS
def test_the_rounding_errors_of_a_sum_are_no_contradiction(gradient_of):
    random = np.random.default_rng(1)
    for size in 10 ** random.uniform(11, 15, 10):
        x, w = size * random.uniform(0.5, 2, 20), random.normal(size=20)
        gradient = gradient_of(lambda x: float(np.sum(w * np.sin(x / size))), x)  # noqa: B023
        # The values, of about 4, have an error of some 1e-15, and differ by 1e-10 where the slope is not small.
        np.testing.assert_allclose(gradient * size, w * np.cos(x / size), rtol=1e-3, atol=1e-3)


# --- f that computes in float32 or float16 ---------------------------------------------------------------------------

# The values differ by eps**(2/3) of their size, so that a rounding of eps changes the difference by this share.
SHARE = {np.float32: 2 ** (-23 / 3), np.float16: 2 ** (-10 / 3)}


def wave(x):
    return np.sin(x[0]) + x[0] * x[1] * x[1]  # in NumPy 1, x[1] ** 2 of float16 is float64


def slope_of_wave(x):
    return np.array([np.cos(x[0]) + x[1] ** 2, 2 * x[0] * x[1]])


@pytest.mark.parametrize("form", [lambda y: y, np.asarray, lambda y: np.array([y])], ids=["scalar", "0-d", "one"])
@pytest.mark.parametrize("x_dtype", [np.float64, np.float32])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_f_in_fewer_digits_is_recognised_by_its_dtype(form, x_dtype, dtype):
    x = np.array([0.7, 1.3], x_dtype)
    gradient = numerical_gradient(lambda x: form(wave(x.astype(dtype))), x)
    assert gradient.dtype == x_dtype
    np.testing.assert_allclose(gradient, slope_of_wave(x), rtol=SHARE[dtype])
    with_jacobian = jacobian(lambda x: wave(x.astype(dtype)), x)
    np.testing.assert_allclose(with_jacobian, slope_of_wave(x), rtol=SHARE[dtype])


def test_a_stack_in_float32_too():
    X = np.random.default_rng(0).normal(size=(5, 2))
    got = numerical_gradient_2d(lambda X: wave(X.T.astype(np.float32)), X, vectorized=True)
    # Values up to 2.5 have an error of 1.2e-7, over a step of at least 1e-4.
    np.testing.assert_allclose(got, slope_of_wave(X.T).T, rtol=SHARE[np.float32], atol=2e-3)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.sin, 1000.0, np.cos(1000)),
        (np.sin, 100.0, np.cos(100)),
        (lambda x: np.tanh(x - 1000), 1000.0, 1),
        (lambda x: np.maximum(0, x - 0.999), 1.0, 1),
        (lambda x: np.maximum(0, x - 1.003), 1.0, 0),
        (lambda x: np.maximum(0, 1.003 - x), -1.0, -1),
        (lambda x: np.maximum(0, np.abs(x) - 1.003), 1.0, 0),
        (lambda x: np.float64(x < 1.003), 1.0, 0),
    ],
)
@ALL_GRADIENTS
def test_f_in_float32_gets_no_larger_step_than_it_needs(gradient_of, f, x, slope):
    gradient = gradient_of(lambda x: np.float32(f(x[0])), np.array([x]))
    np.testing.assert_allclose(gradient, [slope], rtol=1e-3, atol=0)  # a rounding of 6e-8 each, over 2e-4: 6e-4


@pytest.mark.parametrize(("bend", "behind"), [(1.001, 50), (1.002, 50), (1.004, 50), (1.0002, 0.05), (1.0002, 50)])
@ALL_GRADIENTS
def test_a_larger_step_that_contradicts_the_smaller_one_is_not_taken(gradient_of, bend, behind):
    # The slope is 0.001. The book's step shows it, with an error of 6e-4, in too few digits. The next steps see another
    # slope behind the bend, as much as 0.02 in the mean.
    def f(x):
        return np.float32(1 + 0.001 * x[0] + behind * np.maximum(0, x[0] - bend))

    np.testing.assert_allclose(gradient_of(f, np.array([1.0])), [0.001], rtol=0, atol=1.5e-3)


@pytest.mark.parametrize(
    ("f", "steps"),
    [
        (np.sin, [1e-4]),  # the values differ by 1e-4
        (lambda x: 1 + 0.01 * x**2, [1e-4, 8e-4]),  # by 4e-6, and by 3e-5
        (lambda x: 1 + 0.001 * x + 0.03 * max(0, x - 2.0002), [1e-4, 8e-4]),  # the second step departs from the first
        (lambda _: 1.0, [1e-4, 8e-4, 6.4e-3, 2 * 2 ** (-23 / 3)]),  # by nothing: the last step is the largest
    ],
)
@ALL_GRADIENTS
def test_the_step_grows_as_long_as_the_values_are_too_near_to_each_other(gradient_of, f, steps):
    seen = set()

    def watched(x):
        seen.add(float(x[0]))
        return np.float32(f(x[0]))

    gradient_of(watched, np.array([2.0]))
    moved = sorted({round(abs(x - 2), 9) for x in seen} - {0})
    np.testing.assert_allclose(moved, steps, rtol=1e-4)


def test_a_stack_and_a_jacobian_choose_a_step_for_each_element():
    random = np.random.default_rng(0)
    X = random.normal(size=(50, 1)) * 10 ** random.uniform(-3, 4, (50, 1))
    slopes = 10 ** random.uniform(-5, 2, 50)

    def f(X):
        return np.float32(1 + slopes * np.sin(X[..., 0]))

    stack = numerical_gradient_2d(f, X, vectorized=True)
    for i, x in enumerate(X):
        alone = numerical_gradient(lambda x: np.float32(1 + slopes[i] * np.sin(x[0])), x)  # noqa: B023
        assert stack[i] == alone
        several = jacobian(lambda x: np.float32(1 + slopes * np.sin(x[0])), x)
        assert several[i] == alone


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("gradient_of", [numerical_gradient, jacobian])
def test_one_value_in_float32_is_enough_to_need_a_larger_step(gradient_of, sign):
    def f(x):
        y = 1 + 0.0001 * x[0] ** 2
        return np.float32(y) if sign * (x[0] - 2) > 0 else np.float64(y)

    # A rounding of 6e-8 over the largest step, 0.0098 to both sides, is 1/100; over the book's step it is 1.
    np.testing.assert_allclose(gradient_of(f, np.array([2.0])), [0.0004], rtol=0.02)


def test_gradient_descent_takes_the_larger_step_too():
    x = gradient_descent(lambda x: np.float32(1 + 0.01 * x[0] ** 2), [2.0], lr=1, step_num=1)
    np.testing.assert_allclose(2 - x, [0.04], rtol=2 * SHARE[np.float32])


def test_f_in_float32_is_not_given_less_than_the_step_asked_for():
    seen = []
    numerical_gradient(lambda x: seen.append(x[0]) or np.float32(x[0]), np.array([0.0]), h=0.5)
    assert set(seen) == {0.5, -0.5}


@ALL_LAYOUTS
def test_f_in_float32_that_loses_all_digits_of_the_books_step(layout):
    # 1 + 0.01 x^2 differs by 8e-6 of h = 1e-4, 8e-10 in all: less than a float32 shows.
    x = np.array([2.0])
    gradient = numerical_gradient(lambda x: np.float32(1 + 0.01 * x[0] ** 2), x)
    matrix = layout(VALUES)
    slopes = numerical_gradient(lambda x: np.float32(1.25 + 1e-5 * np.sum(x)), matrix)
    np.testing.assert_allclose(slopes, np.full(VALUES.shape, 1e-5), rtol=0, atol=1.3e-5)
    np.testing.assert_allclose(gradient, [0.04], rtol=2 * SHARE[np.float32])


@pytest.mark.parametrize("kind", [float, np.float64])
@pytest.mark.parametrize(
    ("f", "x", "h"),
    [
        (lambda x: 2345.5 + max(0.0, x - 1.003), 1.0, 1e-4),
        (lambda x: 1234.5 if x < 1.003 else 1235.5, 1.0, 1e-4),
        (lambda x: 2.5 + abs(x - (3 + 2**-9)), 3.0, 2.0**-14),
        (lambda x: 0.3 + np.float32(np.sin(x)), 1.0, 1e-4),
        (lambda _: 0.5, 0.7, 1e-4),
        (lambda x: float(x > 0.701) / 4, 0.7, 1e-4),
    ],
)
@ALL_GRADIENTS
def test_f_in_float64_gets_the_books_step_whatever_its_digits(gradient_of, f, x, h, kind):
    gradient = gradient_of(lambda x: kind(f(float(x[0]))), np.array([x]), h)
    assert gradient == (kind(f(x + h)) - kind(f(x - h))) / (2 * h)


def test_the_own_loss_of_a_float32_network_gets_the_larger_step():
    class Own(TwoLayerNet):
        def loss(self, x, t):
            return super().loss(x, t)

    random = np.random.default_rng(0)
    x, t = random.random((5, 4)).astype(np.float32), [0, 1, 2, 0, 1]
    single, double = Own(4, 3, 3, dtype="float32", seed=0), TwoLayerNet(4, 3, 3, seed=0)
    got, exact = single.numerical_gradient(x, t), double.gradient(x, t)
    for name, gradient in exact.items():
        # A rounding of the loss, about 1.1, is 6e-8: over h = 0.0049 it is 1.2e-5; with h = 1e-4 it was 6e-4.
        np.testing.assert_allclose(got[name], gradient, rtol=2 * SHARE[np.float32], atol=3e-5)


# --- what is copied --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "read"),
    [
        ([3.0], lambda x: x[0] ** 2),
        ([3.0, 4.0], lambda x: x[0] ** 2 + x[1] ** 2),
        (np.random.default_rng(0).normal(size=3).tolist(), lambda x: x[0] ** 2),  # as many programs draw numbers
        ((3.0, 4.0), lambda x: x[0] * x[1]),
        (3.0, lambda x: x**2),
        (np.float64(3), lambda x: x**2),
        ([[1.0, 2.0], [3.0, 4.0]], lambda x: x[1][0] ** 2),
        ([np.array([1.0, 2.0]), np.array([3.0, 4.0])], lambda x: float(x[1].sum())),
    ],
)
@pytest.mark.parametrize("function", [numerical_gradient, jacobian, gradient_descent])
def test_f_that_reads_the_original_instead_of_the_copy_is_refused(function, x, read):
    with pytest.raises(TypeError, match=r"f (reads|does not change with) .*argument is a copy of (init_)?x"):
        function(lambda _: read(x), x)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        *itertools.product([numerical_gradient, jacobian], [[3.0, 4.0], [3, 4], [np.float32(3), 4.0]]),
        *itertools.product([gradient_descent], [[3.0, 4.0], [3, 4], np.array([3.0, 4.0]), np.array([3, 4])]),
    ],
)
@pytest.mark.parametrize(
    "f",
    [
        lambda v, x: v[0] ** 2 + x[1] ** 2,
        lambda v, x: v[0] * x[0] + v[1],
        lambda v, x: x[0] ** 2 + v[0] + v[1],
        lambda v, x: float(np.sum(v)) + 1e-9 * x[1],
    ],
)
def test_f_that_reads_a_part_of_the_original_is_refused(function, f, x):
    before = list(x)
    with pytest.raises(TypeError, match=r"f reads (init_)?x itself, but its argument is a copy"):
        function(lambda v: f(v, x), x)
    assert list(x) == before
    assert [type(number) for number in x] == [type(number) for number in before]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_original_is_put_back_if_f_raises_while_it_is_changed(error):
    inner, x = np.array([1.0, 2.0]), [[3.0, 4.0]]
    x.append(inner)

    def f(v):
        if x[0] != [3.0, 4.0]:
            raise error("enough")
        return float(np.sum(v))

    with pytest.raises(TypeError if error is ValueError else error):
        numerical_gradient(f, x)
    assert x[0] == [3, 4]
    assert x[1] is inner
    assert inner.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda x: x[0] ** 2, [6, 0]),
        (lambda _: 5.0, [0, 0]),
        (lambda x: float(np.where(x > 100, x, 0).sum()), [0, 0]),
        (lambda x: float(np.clip(x[1], 3, 5)), [0, 1]),
    ],
)
def test_f_that_ignores_an_element_of_a_list_is_right(f, slopes):
    np.testing.assert_allclose(numerical_gradient(f, [3.0, 4.0]), slopes, rtol=0, atol=1e-9)
    np.testing.assert_allclose(jacobian(f, [3.0, 4.0]), slopes, rtol=0, atol=1e-9)
    np.testing.assert_allclose(numerical_gradient_2d(f, [[3.0, 4.0]]), [slopes], rtol=0, atol=1e-9)
    for start in ([3.0, 4.0], np.array([3, 4]), np.array([3.0, 4.0])):
        end = gradient_descent(f, start, lr=0.5, step_num=1)
        np.testing.assert_allclose(end, [3 - slopes[0] / 2, 4 - slopes[1] / 2], rtol=0, atol=1e-9)


def test_a_flat_f_that_refuses_what_is_far_away_reads_its_argument():
    def flat(x):
        if not (np.abs(x) < 5).all():
            raise ValueError("too far away")
        return 1.0

    assert numerical_gradient(flat, (4.0, 1.0)).tolist() == [0, 0]


def test_a_value_that_is_drawn_again_is_not_taken_for_a_reader():
    random = np.random.default_rng(0)
    assert numerical_gradient(lambda x: x[0] + random.random(), [1.0]).shape == (1,)


def test_points_that_are_copied_are_refused_too():
    X = [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(TypeError, match="f reads X itself"):
        numerical_gradient_2d(lambda row: row[1] + X[0][0] ** 2, X)
    with pytest.raises(TypeError, match="f reads X itself"):
        numerical_gradient_2d(lambda _: np.sum(np.square(X), axis=1), X, vectorized=True)
    points = tuple(map(tuple, X))
    with pytest.raises(TypeError, match=r"f does not change with element \[0\]"):
        numerical_gradient_2d(lambda _: points[0][0] ** 2, points)
    with pytest.raises(TypeError, match=r"f does not change with element \[0, 0\]"):
        numerical_gradient_2d(lambda _: np.sum(np.square(points), axis=1), points, vectorized=True)


@pytest.mark.parametrize("function", [numerical_gradient, jacobian, gradient_descent])
@pytest.mark.parametrize("x", [(0.5, 0.25), [0.5, 0.25]], ids=["tuple", "list"])
def test_f_that_writes_only_where_the_proof_evaluates_it_is_noticed(function, x):
    # Besides the differences, f is evaluated at x, or far away.
    def f(v):
        if abs(v[0] - 0.5) in (0, 1.5, 2.5):
            v[1] = 9
        return float(v[1] > 0)

    with pytest.raises(ValueError, match=r"f changed (init_)?x"):
        function(f, x)


@pytest.mark.parametrize("f", [lambda _, W: np.sum(W**2), lambda v, W: v[0] ** 2 + W[1] ** 2], ids=["all", "one"])
def test_gradient_descent_refuses_f_that_reads_the_start(f):
    W = np.array([3.0, 4.0])
    with pytest.raises(TypeError, match=r"f reads init_x itself"):
        gradient_descent(lambda v: f(v, W), W)
    assert W.tolist() == [3, 4]


def test_gradient_descent_takes_f_that_ignores_an_element_of_an_array():
    x = gradient_descent(lambda x: x[0] ** 2, np.array([1.0, 5.0]), lr=0.1, step_num=50)
    assert x[1] == 5
    assert abs(x[0]) < 1e-4  # 0.8**50 is 1.4e-5


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(np.sum(x**2)),  # the slope at 0 is exactly 0
        lambda x: int(np.count_nonzero(x > 0)),
        lambda x: int(np.count_nonzero(x < 0)),
        lambda x: 0.0 * float(np.sum(x)),
        lambda x: float(np.maximum(x - 1, 0).sum()),
        lambda x: float(np.argmax(x)) + float(np.argmin(x)),
        lambda x: [1.0, 2.0][int(x[0])] + [1.0, 2.0][int(x[1])],  # raises for the far argument
    ],
)
@pytest.mark.parametrize("x", [[0.0, 0.0], (0.5, 0.25), [0, 0]])
def test_a_slope_of_0_of_f_that_reads_its_argument_is_right(f, x):
    gradient = numerical_gradient(f, x)
    np.testing.assert_allclose(gradient, numerical_gradient(f, np.array(x, float)), rtol=0)


def test_an_array_is_not_copied_so_nothing_is_asked():
    x, calls = np.array([3.0, 4.0]), []
    assert numerical_gradient(lambda _: calls.append(0) or float(x[0] ** 2), x).round(6).tolist() == [6, 0]
    assert len(calls) == 4
