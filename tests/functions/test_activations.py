"""The activations do what their docstrings say, on both backends."""

import math
import re
from math import inf, nan
from operator import attrgetter

import cases
import mpmath
import numpy as np
import pytest
from helpers import each, plain_softmax, shown
from hostile import FLOATS, REFUSED

from fastnet.functions import (
    elu,
    elu_grad,
    leaky_relu,
    leaky_relu_grad,
    maxout,
    maxout_grad,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    tanh,
    tanh_grad,
)

pytestmark = pytest.mark.usefixtures("backend")

ELEMENTWISE = cases.ELEMENTWISE
EACH_ELEMENTWISE = pytest.mark.parametrize("case", ELEMENTWISE, ids=attrgetter("name"))


@EACH_ELEMENTWISE
@each("dtype", FLOATS)
def test_elementwise_functions_follow_their_formulas(case, dtype):
    # Of all magnitudes, and both signs.
    x = np.concatenate([[0.0], np.geomspace(6e-8, 600, 60)]).astype(dtype)
    x = np.concatenate([-x, x])
    expected = [float(case.exact(mpmath.mpf(float(value)), *case.default)) for value in x]
    # In float64 a few roundings; in the narrower dtypes one, at the end. Where the result is subnormal, that one is of
    # its last place, hence atol.
    info = np.finfo(dtype)
    np.testing.assert_allclose(case.public(x), expected, rtol=4 * info.eps, atol=float(info.smallest_subnormal))


@EACH_ELEMENTWISE
@each("dtype", FLOATS)
def test_nan_propagates_and_infinities_give_limits(case, dtype):
    result = case.public(np.array([nan, -inf, inf, -1000, 1000], dtype))
    # 0.1 is rounded to the dtype, and so is its product.
    np.testing.assert_allclose(result, case.limits, rtol=np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("case", [case for case in ELEMENTWISE if case.at_zero], ids=attrgetter("name"))
@each("dtype", FLOATS)
def test_at_zero_a_step_takes_its_side_and_a_zero_keeps_its_sign(case, dtype):
    for parameter in ((), (0.3,)) if case.parameter else ((),):
        result = case.public(np.array([0.0, -0.0], dtype), *parameter)
        assert result.tolist() == list(case.at_zero)
        assert np.signbit(result).tolist() == np.signbit(case.at_zero).tolist()


def test_sigmoid_grad_keeps_its_digits_where_one_minus_s_has_none():
    assert sigmoid(40.0) == 1  # so that s (1 - s) would be 0
    assert sigmoid_grad(40.0) == pytest.approx(math.exp(-40), rel=1e-15)  # they differ by 2 exp(-40), far below 1 ULP
    assert sigmoid_grad(40.0) == sigmoid_grad(-40.0)


@each("dtype", [np.float64, np.float32])
def test_tanh_is_exact_far_out_and_close_to_0(dtype):
    info = np.finfo(dtype)
    large = np.append(np.linspace(-np.log(info.eps), 100, 1000), [1e30, info.max]).astype(dtype)
    small = np.exp2(np.linspace(info.minexp - info.nmant, -info.nmant - 4, 1000)).astype(dtype)
    for x, expected in [(large, np.ones_like(large)), (small, small)]:
        np.testing.assert_array_equal(tanh(x), expected)
        np.testing.assert_array_equal(tanh(-x), -expected)


def test_tanh_grad_keeps_its_digits_where_one_minus_the_square_has_none():
    assert tanh(20.0) == 1
    assert tanh_grad(20.0) == pytest.approx(4 * math.exp(-40), rel=1e-15)  # they differ by 8 exp(-80)
    assert tanh_grad(20.0) == tanh_grad(-20.0)


def test_elu_keeps_its_digits_near_zero():
    assert elu(-1e-20) == -1e-20  # exp(-1e-20) is 1, so that exp(x) - 1 would be 0


@pytest.mark.parametrize("slope", [0, 0.01, 0.5, 1, np.float32(0.25), np.array(0.25)])
def test_the_slope_of_leaky_relu_is_that_of_its_negative_side(slope):
    assert leaky_relu([-8.0, 8.0], slope).tolist() == [-8 * slope, 8]
    assert leaky_relu_grad([-8.0, 8.0], slope=slope).tolist() == [slope, 1]


@pytest.mark.parametrize("slope", [0.1, 0.01, 1e-10, 1e-45])
def test_the_slope_of_leaky_relu_may_be_too_small_for_the_dtype(slope):
    assert leaky_relu(np.float32([-1e30]), slope)[0] == pytest.approx(-1e30 * slope, rel=2e-7)  # three roundings


def test_leaky_relu_without_a_slope_is_relu_and_with_slope_one_the_identity():
    x = [-inf, -2.0, -0.0, 3.0, inf, nan]
    np.testing.assert_array_equal(leaky_relu(x, 0), relu(x))
    np.testing.assert_array_equal(leaky_relu_grad(x, 0), relu_grad(x))
    np.testing.assert_array_equal(leaky_relu(x, 1), x)


@pytest.mark.parametrize("alpha", [0, 0.25, 2, 1e-300, 1e-30, 1e30, 1e300, np.float32(0.25), np.array(0.25)])
@each("dtype", FLOATS)
def test_alpha_is_what_elu_tends_to(alpha, dtype):
    x = np.array([-inf, -1000, -87.5, -2, -1e-4, 0, 3, inf, nan], dtype)
    wide = x.astype(np.float64)
    negative = np.minimum(wide, 0)
    with np.errstate(over="ignore"):  # alpha may be beyond the dtype
        expected = np.where(wide < 0, float(alpha) * np.expm1(negative), wide).astype(dtype)
        slopes = np.where(wide < 0, float(alpha) * np.exp(negative), 1.0).astype(dtype)
    slopes[-1] = nan
    info = np.finfo(dtype)
    tolerance = {"rtol": 4 * info.eps, "atol": float(info.smallest_subnormal)}
    np.testing.assert_allclose(elu(x, alpha), expected, **tolerance)
    np.testing.assert_allclose(elu_grad(x, alpha=alpha), slopes, **tolerance)


WITH_PARAMETER = pytest.mark.parametrize(
    "case", [case for case in ELEMENTWISE if case.parameter], ids=attrgetter("name")
)


@WITH_PARAMETER
def test_a_parameter_out_of_range_raises_value_error(case):
    parameter = case.parameter
    for value in parameter.refused:
        with pytest.raises(ValueError, match=rf"^{parameter.name} must be a .*number {parameter.allowed}, got"):
            case.public([1.0], value)


@WITH_PARAMETER
@pytest.mark.parametrize("value", [None, "0.1", True, 1j, [0.1], np.array([0.1])])
def test_a_parameter_of_another_type_raises_type_error(case, value):
    with pytest.raises(TypeError, match=rf"^{case.parameter.name} must be a number, got"):
        case.public([1.0], value)


@WITH_PARAMETER
def test_a_parameter_has_its_name_and_its_default(case):
    x = np.array([-3.0, 0.5])
    np.testing.assert_array_equal(case.public(x), case.public(x, **{case.parameter.name: case.parameter.default}))


# --- softmax ---------------------------------------------------------------------------------------------------------


def test_softmax_prints_what_the_book_prints():
    assert softmax([0.3, 2.9, 4.0]).tolist() == [shown(d) for d in ("0.01821127", "0.24519181", "0.73659691")]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_softmax_works_along_any_axis(axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 4), scale=3)
    expected = np.apply_along_axis(plain_softmax, axis, x)
    np.testing.assert_allclose(softmax(x, axis=axis), expected, rtol=1e-14)  # 5 roundings of terms up to 10: 50 eps


def test_softmax_takes_the_last_axis_by_default_and_a_scalar_as_one_class():
    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(softmax(x), softmax(x, axis=1))
    assert np.array_equal(softmax(x[0]), softmax(x)[0])
    assert softmax(-3) == softmax(-3, axis=0) == 1


@pytest.mark.parametrize("shift", [1000.0, -1000.0, 1e15])
def test_softmax_is_unchanged_by_a_shift_and_never_overflows(shift):
    x = np.array([0.0, 1.0, 3.0])
    # x + shift is exact, and each side within 6 ULP of the same values.
    np.testing.assert_allclose(softmax(x + shift), softmax(x), rtol=12 * np.finfo(float).eps)


@pytest.mark.parametrize("columns", [4, 200])  # the kernel takes short rows together, and long ones one by one
def test_softmax_is_the_books_wherever_the_largest_score_lies(columns):
    for dtype, rtol in ((np.float64, 1e-12), (np.float32, 1e-6)):  # 20 eps of the shifted scores of up to 250; 8 ULP
        x = (np.arange(-250.0, 250.0, 7.0)[:, np.newaxis] - np.linspace(0, 150, columns)).astype(dtype)
        e = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
        expected = e / e.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(softmax(x), expected, rtol=rtol, atol=np.finfo(dtype).tiny)


@each("dtype", FLOATS)
def test_softmax_sums_to_one(dtype):
    x = np.random.default_rng(0).normal(size=(50, 100), scale=10).astype(dtype)
    # Each quotient is rounded, by at most eps / 2 of itself, and so are two sums in float64: ours, and the one here.
    np.testing.assert_allclose(softmax(x).sum(axis=1, dtype=np.float64), 1, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([inf, 0, -inf], [1, 0, 0]),
        ([inf, 1, inf], [nan, 0, nan]),
        ([-inf, 0, 0], [0, 0.5, 0.5]),
        ([-inf, -inf], [nan, nan]),
        ([nan, 0, inf], [nan, nan, nan]),
        ([1000, -1000], [1, 0]),
        ([1.7e308, -1.7e308], [1, 0]),
        ([5e-324, -5e-324], [0.5, 0.5]),
    ],
)
def test_softmax_of_special_values_is_the_limit(x, expected):
    assert np.array_equal(softmax([[0.0] * len(x), x])[1], expected, equal_nan=True)
    assert np.array_equal(softmax(np.transpose([x, x]), axis=0)[:, 1], expected, equal_nan=True)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("axis", [0, -1])
def test_softmax_of_nothing_is_nothing(shape, axis):
    assert softmax(np.empty(shape, np.float32), axis).shape == shape


@pytest.mark.parametrize(("x", "axis"), [([1.0], 1), ([1.0], -2), ([[1.0]], 2), (1.0, 1), (np.empty((0, 3)), 2)])
def test_softmax_refuses_an_axis_that_x_has_not(x, axis):
    n = max(np.ndim(x), 1)
    with pytest.raises(ValueError, match=rf"axis must be from -{n} to {n - 1} for x .*got {axis}$"):
        softmax(x, axis=axis)


@pytest.mark.parametrize("axis", [None, 0.0, "0", (0,), True])
def test_softmax_refuses_an_axis_that_is_no_integer(axis):
    with pytest.raises(TypeError, match="axis must be an integer"):
        softmax([[1.0]], axis=axis)


# --- maxout ----------------------------------------------------------------------------------------------------------


def affine_pieces(K=3, N=5, D=4, H=2, dtype=np.float64):
    """x, W, b and dout, far from where two pieces meet."""
    random = np.random.default_rng(0)
    return tuple(random.normal(size=shape).astype(dtype) for shape in [(N, D), (K, D, H), (K, H), (N, H)])


def plain_maxout(x, W, b):
    def piece(n, k, h):
        return sum(x[n][d] * W[k][d][h] for d in range(len(W[k]))) + b[k][h]

    return [[max(piece(n, k, h) for k in range(len(W))) for h in range(len(b[0]))] for n in range(len(x))]


@each("dtype", FLOATS)
@pytest.mark.parametrize("K", [1, 2, 5])
def test_maxout_is_the_largest_piece(dtype, K):
    x, W, b, _ = affine_pieces(K, dtype=dtype)
    result = maxout(x, W, b)
    assert result.dtype == dtype
    # Sums of 5 numbers of the order of 1, and one rounding to the dtype.
    expected = plain_maxout(x.tolist(), W.tolist(), b.tolist())
    np.testing.assert_allclose(result, expected, rtol=0, atol=16 * np.finfo(dtype).eps)
    np.testing.assert_allclose(maxout(x[0], W, b), result[0], rtol=0, atol=16 * np.finfo(dtype).eps)
    assert maxout(x[0], W, b).shape == result[0].shape


def test_maxout_of_float16_is_summed_in_float32():
    x, W = np.full(2049, 1, np.float16), np.full((1, 2049, 1), 1, np.float16)
    y = maxout(x, W, np.ones((1, 1), np.float16))
    assert y.dtype == np.float16
    assert y[0] == 2050  # in float16, 2049 is 2048, and so is 2048 + 1


def test_maxout_of_one_piece_and_zero_is_relu():
    x, W, b, _ = affine_pieces(K=2)
    W[1] = b[1] = 0
    np.testing.assert_allclose(maxout(x, W, b), relu(x @ W[0] + b[0]), rtol=1e-14, atol=1e-15)


def test_the_gradient_of_maxout_goes_through_the_largest_piece_alone():
    W = [[[1.0], [2.0]], [[3.0], [-4.0]]]  # x0 + 2 x1 or 3 x0 - 4 x1 + 1
    dx, dW, db = maxout_grad([[1.0, 1.0], [1.0, 0.0]], W, [[0.0], [1.0]], [[10.0], [100.0]])
    assert dx.tolist() == [[10, 20], [300, -400]]
    assert dW.tolist() == [[[10], [10]], [[100], [0]]]
    assert db.tolist() == [[10], [100]]


def test_where_pieces_are_equal_the_first_one_gets_the_gradient():
    dx, dW, db = maxout_grad([2.0], [[[5.0]], [[5.0]]], [[0.0], [0.0]], [1.0])
    assert (dx.tolist(), dW.tolist(), db.tolist()) == ([5], [[[2]], [[0]]], [[1], [0]])


@pytest.mark.parametrize(("K", "N", "D", "H"), [(1, 0, 3, 2), (2, 4, 0, 3), (2, 4, 3, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("one_sample", [False, True])
def test_maxout_and_its_gradients_have_the_shapes_of_their_arguments(K, N, D, H, one_sample):
    x, W, b, dout = affine_pieces(K, max(N, 1) if one_sample else N, D, H)
    x, dout = (x[0], dout[0]) if one_sample else (x, dout)
    assert maxout(x, W, b).shape == dout.shape
    assert [gradient.shape for gradient in maxout_grad(x, W, b, dout)] == [x.shape, W.shape, b.shape]


def test_nan_propagates_through_maxout_and_its_gradient():
    x = [[nan, 1.0], [2.0, 1.0]]
    W, b = np.ones((2, 2, 1)), np.zeros((2, 1))
    W[1] = -1
    np.testing.assert_array_equal(maxout(x, W, b), [[nan], [3]])
    dx, dW, db = maxout_grad(x, W, b, np.ones((2, 1)))
    np.testing.assert_array_equal(dx, [[nan, nan], [1, 1]])
    assert np.isnan(dW[0]).all()
    assert np.isnan(db[0]).all()


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("f4", "f4", "f4"), "f4"),
        (("f4", "f8", "f4"), "f8"),
        (("f2", "f4", "f2"), "f4"),
        (("f2", "f2", "f2"), "f2"),
        (("i8", "f4", "f4"), "f8"),
        ((">f4", ">f4", "<f4"), "f4"),
        (("?", "i1", "u8"), "f8"),
    ],
)
def test_maxout_promotes_as_numpy_does(dtypes, expected):
    x, W, b = (np.ones(shape, dtype) for shape, dtype in zip([(2, 3), (2, 3, 4), (2, 4)], dtypes, strict=True))
    assert maxout(x, W, b).dtype == expected
    assert maxout(x, W, b).dtype.isnative
    assert {gradient.dtype.str[1:] for gradient in maxout_grad(x, W, b, np.ones((2, 4)))} == {expected}


@pytest.mark.parametrize(
    ("x", "W", "b", "message"),
    [
        ((2, 3), (3, 4), (4,), r"W must have shape \(K, D, H\) with K at least 1, got shape \(3, 4\)"),
        ((2, 3), (0, 3, 4), (0, 4), r"W must have shape .* at least 1, got shape \(0, 3, 4\)"),
        ((2, 3), (2, 3, 4, 1), (2, 4), r"W must have shape .* at least 1, got shape \(2, 3, 4, 1\)"),
        ((2, 3), (2, 3, 4), (4,), r"b must have shape \(2, 4\) for W of shape \(2, 3, 4\), got shape \(4,\)"),
        ((2, 3), (2, 3, 4), (1, 4), r"b must have shape \(2, 4\)"),
        ((2, 4), (2, 3, 4), (2, 4), r"x must have shape \(N, 3\), or \(3,\) for one sample; got shape \(2, 4\)"),
        ((), (2, 3, 4), (2, 4), r"x must have shape"),
        ((1, 2, 3), (2, 3, 4), (2, 4), r"x must have shape"),
    ],
)
def test_maxout_refuses_shapes_that_do_not_fit(x, W, b, message):
    with pytest.raises(ValueError, match=message):
        maxout(np.ones(x), np.ones(W), np.ones(b))
    with pytest.raises(ValueError, match=message):
        maxout_grad(np.ones(x), np.ones(W), np.ones(b), np.ones((2, 4)))


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3), (2, 4, 1), ()])
def test_maxout_grad_refuses_a_dout_of_another_shape_than_the_result(shape):
    x, W, b, _ = affine_pieces(2, 2, 3, 4)
    with pytest.raises(ValueError, match=rf"dout must have shape \(2, 4\), got shape {re.escape(str(shape))}"):
        maxout_grad(x, W, b, np.ones(shape))


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ["x", "W", "b", "dout"])
def test_maxout_refuses_other_types_and_names_the_argument(kind, name):
    arguments = dict(zip(["x", "W", "b", "dout"], affine_pieces(), strict=True)) | {name: REFUSED[kind]()}
    with pytest.raises(TypeError, match=rf"\b{name}\b"):
        maxout_grad(**arguments)
    if name != "dout":
        del arguments["dout"]
        with pytest.raises(TypeError, match=rf"\b{name}\b"):
            maxout(**arguments)
