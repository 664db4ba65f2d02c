"""Numerical differentiation follows the textbook to the bit and leaves no trace; gradient descent follows it down."""

import contextlib
import functools
import itertools
import signal
from array import array
from fractions import Fraction

import numpy as np
import pytest
from cases import ELEMENTWISE
from hostile import FLOATS, HOSTILE, LAYOUTS, VALUES, snapshot

from fastnet.functions import (
    maxout,
    maxout_grad,
    mean_squared_error,
    softmax_cross_entropy,
)
from fastnet.gradient import gradient_descent, numerical_gradient

pytestmark = pytest.mark.usefixtures("backend")

ALL_LAYOUTS = pytest.mark.parametrize("layout", LAYOUTS[:-2], ids=lambda layout: layout.__name__)  # writeable ones
ALL_FLOATS = pytest.mark.parametrize("dtype", FLOATS)
WRITEABLE_FLOATS = pytest.mark.parametrize(
    "build",
    [
        pytest.param(build, id=name)
        for name, build in HOSTILE.items()
        if isinstance(x := build(), np.ndarray) and x.dtype.kind == "f" and x.flags.writeable
    ],
)


def textbook(f, x, h=1e-4):
    """The book's loop, written out. In float64 its result must come out bit for bit."""
    grad = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        original = x[i]
        x[i] = original + h
        f_plus = f(x)
        x[i] = original - h
        f_minus = f(x)
        grad[i] = (f_plus - f_minus) / (2 * h)
        x[i] = original
    return grad


def wave(x):
    """A function whose every partial derivative depends on every element."""
    return np.sin(np.sum(x * np.cos(x), dtype=np.float64)) + np.sum(x**3, dtype=np.float64)


def sum_of_squares(x):
    return np.sum(x**2)


# --- float64: the book's arithmetic ----------------------------------------------------------------------------------


@ALL_LAYOUTS
@pytest.mark.parametrize("h", [1e-4, 0.3, 1e-9])
def test_float64_is_the_textbook_bit_for_bit_in_any_layout(layout, h):
    x = layout(VALUES)
    gradient = numerical_gradient(wave, x, h)
    assert gradient.tobytes() == textbook(wave, x, h).tobytes()
    assert gradient.flags.c_contiguous
    assert gradient.dtype == np.float64
    assert gradient.dtype.isnative


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3, 4), (0,), (3, 0), (2, 1, 2, 1)])
def test_float64_is_the_textbook_bit_for_bit_in_any_shape(shape):
    x = np.random.default_rng(0).normal(size=shape)
    gradient = numerical_gradient(wave, x)
    assert gradient.shape == shape
    assert gradient.tobytes() == textbook(wave, x).tobytes()


def test_axes_may_be_permuted_and_reversed():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).transpose(1, 2, 0)[:, ::-1]
    assert numerical_gradient(wave, x).tobytes() == textbook(wave, x).tobytes()


def test_a_gradient_of_nothing_asks_f_nothing():
    assert numerical_gradient(pytest.fail, np.empty((0, 3))).shape == (0, 3)


# --- float32 and float16: the step that was made ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("x", [0.0, 0.03, -0.5, 1000.0])
@pytest.mark.parametrize("h", [1e-4, 0.01, 1.0])
def test_narrow_floats_divide_by_the_step_that_f_saw(dtype, x, h):
    x, seen = np.array([x], dtype), []
    gradient = numerical_gradient(lambda x: seen.append(float(x[0])) or 3.0 * float(x[0]), x, h)
    step = seen[0] - seen[1]
    assert gradient.dtype == dtype
    # With the step as it was made, the slope is 3 exactly. Where h is lost beside x, the step is larger.
    assert gradient == 3
    assert step > 0
    moved = x.dtype.type(x[0] + h)
    assert seen[0] == moved or moved == x[0]


@ALL_LAYOUTS
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_floats_in_any_layout(layout, dtype):
    # The elements are multiples of 1/4, and with h = 1/4 every x + h and its square is exact.
    gradient = numerical_gradient(lambda x: np.sum(np.square(x, dtype=np.float64)), layout(VALUES.astype(dtype)), 0.25)
    assert gradient.dtype == dtype
    assert np.array_equal(gradient, 2 * VALUES)


def test_the_values_of_f_are_held_in_float64():
    # Around 1e6 float32 cannot tell f(x + h) from f(x - h).
    gradient = numerical_gradient(lambda x: 1e6 + float(x[0]) ** 2, np.float32([3.0]))
    # The rounding of 1e6 + x^2, 1e-10, over the step, 2e-4.
    assert gradient[0] == pytest.approx(6, abs=1e-5)


# --- no trace --------------------------------------------------------------------------------------------------------


@WRITEABLE_FLOATS
def test_every_element_is_restored_exactly(build):
    x = build()
    before = snapshot(x)
    calls = []
    with contextlib.suppress(ValueError):  # the largest number cannot be moved
        numerical_gradient(lambda x: calls.append(x.tobytes()) or 0.0, x)
    assert snapshot(x) == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, TypeError])
@ALL_LAYOUTS
@ALL_FLOATS
def test_every_element_is_restored_when_f_raises_at_any_call(layout, dtype, error):
    x = layout(VALUES.astype(dtype))
    before = snapshot(x)
    for fatal in range(2 * x.size):
        calls = itertools.count()

        def f(x):
            if next(calls) == fatal:  # noqa: B023 - called in this turn of the loop only
                raise error("f has had enough")
            return x.sum()

        with pytest.raises(error, match="had enough"):
            numerical_gradient(f, x)
        assert snapshot(x) == before
        assert next(calls) == fatal + 1


@pytest.mark.parametrize("bad_call", [0, 1, 5])
def test_every_element_is_restored_when_f_returns_no_number(bad_call):
    x, calls = VALUES.copy(), itertools.count()
    with pytest.raises(TypeError, match="None"):
        numerical_gradient(lambda _: None if next(calls) == bad_call else 1.0, x)
    assert np.array_equal(x, VALUES)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_ctrl_c_is_heard_though_f_is_compiled_code_that_never_looks():
    # next(count, x) runs no Python code, in which alone an interpreter looks for signals. The alarm, handled as Ctrl-C
    # is, comes after a hundredth of a second; the 4 million calls would take many times that.
    x = np.zeros(2_000_000)
    calls = itertools.count(0.0)
    last_handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the alarm may come as soon as it is set
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            numerical_gradient(functools.partial(next, calls), x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, last_handler)
    assert next(calls) < 2 * x.size
    assert not x.any()


# --- what f gets and gives -------------------------------------------------------------------------------------------


class Squares:
    def __call__(self, x):
        return sum_of_squares(x)

    def method(self, x):
        return sum_of_squares(x)


@pytest.mark.parametrize(
    "f",
    [Squares(), Squares().method, functools.partial(sum_of_squares), np.ndarray.sum, np.max],
    ids=["object", "method", "partial", "method of a type", "function of NumPy"],
)
def test_f_may_be_any_callable(f):
    x = np.array([3.0, 4.0])
    assert numerical_gradient(f, x).tobytes() == textbook(f, x).tobytes()


@WRITEABLE_FLOATS
def test_f_receives_the_very_array(build):
    x = build()
    with contextlib.suppress(ValueError):  # the largest number cannot be moved
        numerical_gradient(lambda received: 0.0 if received is x else pytest.fail("another array"), x)


def test_f_is_called_twice_for_each_element():
    calls = itertools.count()
    numerical_gradient(lambda _: next(calls), np.zeros((3, 2)))
    assert next(calls) == 2 * 6


def test_a_subclass_of_ndarray_reaches_f_as_itself():
    x = np.array([1.0, 2.0]).view(np.recarray)
    numerical_gradient(lambda received: 0.0 if received is x else pytest.fail("another array"), x)


@ALL_FLOATS
@ALL_LAYOUTS
def test_closures_may_ignore_their_argument(layout, dtype):
    W = layout(VALUES.astype(dtype))
    gradient = numerical_gradient(lambda _: np.sum(np.square(W, dtype=np.float64)), W, 0.25)
    assert np.array_equal(gradient, 2 * VALUES)


@pytest.mark.parametrize(
    ("x", "shape"), [([3, 4], (2,)), ((3.0, 4.0), (2,)), ([[1], [2]], (2, 1)), (3, ()), (np.float32(3), ()), ([], (0,))]
)
def test_lists_tuples_and_numbers_become_float64_arrays_that_f_receives(x, shape):
    received = []
    gradient = numerical_gradient(lambda a: received.append(a) or sum_of_squares(a), x)
    assert (gradient.dtype, gradient.shape) == (np.float64, shape)
    assert gradient.tobytes() == textbook(sum_of_squares, np.array(x, np.float64)).tobytes()
    for a in received:
        assert isinstance(a, np.ndarray)
        assert (a.dtype, a.shape) == (np.float64, shape)
        assert np.array_equal(a, x)


@pytest.mark.parametrize(
    "number",
    [7, 7.0, np.float16(7), np.float32(7), np.float64(7), np.int8(7), np.uint64(7), np.array(7.0), np.array([7.0]),
     Fraction(7)],
    ids=lambda number: type(number).__name__,
)
def test_f_may_return_any_kind_of_number(number):
    gradient = numerical_gradient(lambda x: number if x.sum() > 0 else 0, np.zeros(2), h=0.5)
    assert gradient.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "None"),
        ("1.0", "'1.0'"),
        (True, "True"),
        (np.bool_(True), "True"),
        (1j, "1j"),
        (np.array([1.0, 2.0]), r"array of shape \(2,\) and dtype float64"),
        (np.array([]), r"array of shape \(0,\)"),
        (np.array([True]), "dtype bool"),
        (np.ma.masked, "masked"),
        (np.ma.array([1.0], mask=True), "masked_array"),
        ([1.0, 2.0], r"\[1.0, 2.0\]"),
        ([[1.0], [2.0, 3.0]], r"\[\[1.0\], \[2.0, 3.0\]\]"),
        (print, "print"),
    ],
)
def test_f_returning_anything_else_raises_and_the_message_names_it(value, named):
    with pytest.raises(TypeError, match=rf"f must return one number, got .*{named}"):
        numerical_gradient(lambda _: value, np.zeros(2))


def test_a_number_of_f_beyond_every_float_is_infinite():
    assert numerical_gradient(lambda x: Fraction(10) ** 400 * (-1 if x < 0 else 1), np.zeros(()), 0.5) == np.inf


@pytest.mark.parametrize(("value", "expected"), [(np.inf, np.nan), (np.nan, np.nan)])
@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
def test_infinite_values_of_f_raise_no_warning(kind, value, expected):
    gradient = numerical_gradient(lambda _: kind(value), np.zeros(2))
    assert np.array_equal(gradient, [expected, expected], equal_nan=True)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.complex128, object, "U3"])
def test_an_array_of_another_dtype_raises_type_error_naming_it(dtype):
    with pytest.raises(TypeError, match=rf"\bx\b.*{re_dtype(dtype)}"):
        numerical_gradient(sum_of_squares, np.ones(2).astype(dtype))


def re_dtype(dtype):
    return np.dtype(dtype).str if dtype == "U3" else np.dtype(dtype).name


@pytest.mark.parametrize("x", [[1j], ["a"], "a", None, [Fraction(1, 2)]])
def test_a_list_of_anything_but_real_numbers_raises_type_error(x):
    with pytest.raises(TypeError, match=r"\bx must hold real numbers"):
        numerical_gradient(sum_of_squares, x)


@pytest.mark.parametrize("x", [range(3), memoryview(np.ones(2)), array("d", [1.0])], ids=lambda x: type(x).__name__)
def test_an_array_like_that_would_be_copied_raises_type_error(x):
    with pytest.raises(TypeError, match=rf"x must be an ndarray, .*got {type(x).__name__}: it would be copied"):
        numerical_gradient(pytest.fail, x)


def test_a_read_only_array_raises_value_error_and_f_is_not_asked():
    x = np.ones(2)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="x is read-only"):
        numerical_gradient(pytest.fail, x)


@pytest.mark.parametrize("f", [None, 3, "f"])
def test_f_that_is_no_function_raises_type_error(f):
    with pytest.raises(TypeError, match="f must be a function"):
        numerical_gradient(f, np.ones(2))


@pytest.mark.parametrize("h", [0, -1e-4, np.nan, np.inf, 10**400])
def test_h_out_of_range_raises_value_error(h):
    with pytest.raises(ValueError, match="h must be a finite number above 0"):
        numerical_gradient(sum_of_squares, np.ones(2), h)


@pytest.mark.parametrize("h", [None, "1e-4", True, 1j, [1e-4]])
def test_h_of_another_type_raises_type_error(h):
    with pytest.raises(TypeError, match="h must be a number"):
        numerical_gradient(sum_of_squares, np.ones(2), h)


# --- the derivatives of fastnet.functions ----------------------------------------------------------------------------


PUBLIC = {case.name: case for case in ELEMENTWISE}


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name.removesuffix("_grad"), parameter)
        for name, case in PUBLIC.items()
        if name.endswith("_grad")
        for parameter in ((), (0.3,))
        if case.parameter or not parameter
    ],
)
def test_derivatives_agree_with_numerical_differentiation(name, parameter):
    function, derivative = PUBLIC[name].public, PUBLIC[f"{name}_grad"].public
    x = np.linspace(-6, 6, 40)  # 40 points, so that none is 0, where relu has no derivative
    differences = numerical_gradient(lambda x: function(x, *parameter).sum(), x)
    # The method's own error is h^2 / 6 times the third derivative, which is at most 2 (of tanh): below 4e-9. Its
    # rounding error, that of a sum of up to 62 over 2 h, below 1e-10.
    np.testing.assert_allclose(differences, derivative(x, *parameter), rtol=0, atol=4e-9)


@pytest.mark.parametrize("one_sample", [False, True])
def test_the_gradients_of_maxout_agree_with_numerical_differentiation(one_sample):
    random = np.random.default_rng(0)
    x, W, b, dout = (random.normal(size=shape) for shape in [(7, 4), (3, 4, 5), (3, 5), (7, 5)])
    x, dout = (x[0], dout[0]) if one_sample else (x, dout)

    def loss(_):
        return np.sum(dout * maxout(x, W, b))

    for parameter, gradient in zip((x, W, b), maxout_grad(x, W, b, dout), strict=True):
        # Piecewise linear, so the method has no error of its own: a rounding of the loss, below 100, over 2 h.
        np.testing.assert_allclose(numerical_gradient(loss, parameter), gradient, rtol=0, atol=1e-9)


@pytest.mark.parametrize("t", ["labels", "one_hot", "soft"])
def test_the_gradient_of_softmax_cross_entropy_agrees_with_numerical_differentiation(t):
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(7, 4), scale=3), random.integers(4, size=7)
    t = {"labels": labels, "one_hot": np.eye(4)[labels], "soft": random.uniform(size=(7, 4))}[t]
    _, dx = softmax_cross_entropy(x, t, return_grad=True)
    # The third derivative of the loss is below 1 for each sample; the loss itself below 20, a rounding of it 2e-15.
    np.testing.assert_allclose(numerical_gradient(lambda x: softmax_cross_entropy(x, t), x), dx, rtol=0, atol=2e-9)


# --- gradient descent ------------------------------------------------------------------------------------------------


def test_gradient_descent_prints_what_the_lecture_notes_print():
    x = gradient_descent(lambda x: x[0] ** 2 + x[1] ** 2, [-3, 4], lr=0.1, step_num=100)
    assert x == pytest.approx([-6.11e-10, 8.15e-10], rel=1e-3)  # three digits shown: half of 0.01 in 8.15 and 6.11


def test_one_step_is_enough_to_notice_that_f_reads_the_original():
    start = np.array([1, 2])  # integers: gradient_descent copies them
    with pytest.raises(TypeError, match="init_x"):
        gradient_descent(lambda _: float(np.sum(start * start)), start, step_num=1)


def test_the_warning_of_a_large_rate_points_to_the_line_that_calls():
    with pytest.warns(RuntimeWarning, match="x has grown to") as caught:
        gradient_descent(lambda x: float(x[0] ** 2), np.array([3.0]), lr=10.0, step_num=100)
    assert caught[0].filename == __file__


def test_a_learning_rate_too_large_diverges_and_one_too_small_stays():
    def f(x):
        return x[0] ** 2 + x[1] ** 2

    init_x = np.array([-3.0, 4.0])
    with pytest.warns(RuntimeWarning, match=r"x has grown to 2.68e\+09, .*Probably the learning rate is too large"):
        far = gradient_descent(f, init_x, lr=10.0, step_num=100)
    assert far == pytest.approx([-2.59e13, -1.30e12], rel=4e-3)  # three digits shown: half of 0.01 in 1.30
    near = gradient_descent(f, init_x, lr=1e-10, step_num=100)
    assert near == pytest.approx([-3, 4], abs=1e-7)  # 100 steps of 1e-10 times a gradient of at most 8
    assert not np.array_equal(near, init_x)


def test_linear_regression_prints_what_the_lecture_notes_print():
    x = np.arange(1.0, 6.0)
    y = 2 * x
    w = np.array(2 - 42.7247 / 22)  # d/dw mean((w x - y)^2) = 22 (w - 2)

    def cost(w):
        return mean_squared_error(w * x, y)

    printed = []
    for _ in range(16):
        before, grad = cost(w), numerical_gradient(cost, w)
        w -= 0.01 * grad
        printed.append((before, float(w), float(grad)))
    # The start is known to the 4 decimals of its gradient, which the cost multiplies by up to 2 (w - 2) / 2 = 1.94.
    assert printed[::5] == [
        pytest.approx(row, rel=0, abs=1.5e-4)
        for row in [
            (41.4864, 0.4852, -42.7247),
            (3.4582, 1.5627, -12.3354),
            (0.2883, 1.8737, -3.5614),
            (0.0240, 1.9635, -1.0282),
        ]
    ]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_gradient_descent_is_its_formula_and_history_its_path(shape):
    init_x = np.random.default_rng(0).normal(size=shape)
    x, history = gradient_descent(wave, init_x, lr=0.05, step_num=7, return_history=True)

    here, path = init_x.copy(), []
    for _ in range(7):
        path.append(here.copy())
        here -= 0.05 * textbook(wave, here)
    assert history.shape == (7, *shape)
    assert history.tobytes() == np.array(path).tobytes()
    assert x.tobytes() == here.tobytes()
    assert not np.may_share_memory(x, history)
    assert np.array_equal(gradient_descent(wave, init_x, lr=0.05, step_num=7), x)


def test_gradient_descent_takes_its_defaults_from_the_book():
    assert np.array_equal(
        gradient_descent(sum_of_squares, [1.0]), gradient_descent(sum_of_squares, [1.0], lr=0.01, step_num=100)
    )


def test_no_steps_lead_nowhere():
    x, history = gradient_descent(pytest.fail, [1.0, 2.0], step_num=0, return_history=True)
    assert x.tolist() == [1, 2]
    assert history.shape == (0, 2)


@pytest.mark.parametrize("name", ["float32-read_only", "float16-fortran", ">f8", "int64", "bool", "list", "tuple"])
def test_gradient_descent_leaves_init_x_alone_and_keeps_its_dtype(name):
    init_x = HOSTILE[name]() if name in HOSTILE else VALUES.astype(name)
    before = snapshot(init_x)
    x, history = gradient_descent(lambda x: np.sum(x, dtype=float), init_x, lr=0.5, step_num=2, return_history=True)
    dtype = np.asarray(init_x).dtype
    assert snapshot(init_x) == before
    assert x.dtype == history.dtype == (dtype.newbyteorder("=") if dtype.kind == "f" else np.float64)
    # The slope is 1, but for the rounding of the sum, 1e-15, over a step of 2e-4. float16 gets there too, although it
    # cannot hold x + 1e-4: it is computed in float32.
    np.testing.assert_allclose(x, np.asarray(init_x) - 1.0, rtol=0, atol=1e-10)
    np.testing.assert_allclose(history, [init_x, np.asarray(init_x) - 0.5], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("step_num", "end"), [(1, -np.inf), (2, np.nan)])  # the slope at -inf is inf - inf
def test_gradient_descent_into_infinity_raises_no_warning(step_num, end):
    x = gradient_descent(lambda x: 1e300 * float(x[0]), [0.0], lr=1e10, step_num=step_num)
    assert np.array_equal(x, [end], equal_nan=True)


@pytest.mark.parametrize("lr", [0, -0.1, np.nan, np.inf])
def test_a_learning_rate_out_of_range_raises_value_error(lr):
    with pytest.raises(ValueError, match="lr must be a finite number above 0"):
        gradient_descent(sum_of_squares, [1.0], lr=lr)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"lr": "0.1"}, "lr must be a number"),
        ({"lr": True}, "lr must be a number"),
        ({"step_num": 10.0}, "step_num must be an integer"),
        ({"step_num": True}, "step_num must be an integer"),
        ({"init_x": ["a"]}, "init_x must hold real numbers"),
        ({"init_x": [1j]}, "init_x must hold real numbers"),
        ({"f": None}, "f must be a function"),
    ],
)
def test_arguments_of_another_type_raise_type_error(keywords, message):
    with pytest.raises(TypeError, match=message):
        gradient_descent(**{"f": sum_of_squares, "init_x": [1.0], **keywords})


def test_a_negative_number_of_steps_raises_value_error():
    with pytest.raises(ValueError, match="step_num must be at least 0, got -1"):
        gradient_descent(sum_of_squares, [1.0], step_num=-1)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("calls", [0, 2, 4, 5, 6, 7, 8])  # also those that look whether f reads init_x itself
def test_the_error_of_an_f_that_no_longer_works_comes_out_of_gradient_descent(calls):
    left = calls

    def f(x):
        nonlocal left
        left -= 1
        if left < 0:
            raise RuntimeError("the file is gone")
        return np.sum(x**2)

    with pytest.raises(RuntimeError, match="the file is gone"):
        gradient_descent(f, np.array([1.0, 2.0]), step_num=9)
