"""The losses do what their docstrings say, on both backends."""

import math
import re
from math import inf, nan

import cases
import numpy as np
import pytest
from helpers import each, plain_softmax, shown
from hostile import FLOATS, snapshot

from fastnet.functions import (
    binary_cross_entropy,
    cross_entropy_error,
    mean_squared_error,
    softmax,
    softmax_cross_entropy,
    softmax_loss,
    sum_squared_error,
)

pytestmark = pytest.mark.usefixtures("backend")

LOSSES = [function.public for function in cases.FUNCTIONS if function.is_loss]
OF_SCORES = [function.public for function in cases.FUNCTIONS if function.is_loss and function.argument == "x"]
CROSS_ENTROPIES = [cross_entropy_error, *OF_SCORES]


# --- losses: values --------------------------------------------------------------------------------------------------

TWO = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
RIGHT = [0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0]
WRONG = [0.1, 0.05, 0.1, 0, 0.05, 0.1, 0.6, 0.3, 0, 0]
WRONG_EIGHTH = [0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0]
WRONG_SEVENTH = [0.1, 0.05, 0.1, 0, 0.05, 0.1, 0.6, 0, 0, 0]


@pytest.mark.parametrize("t", [TWO, 2], ids=["one_hot", "label"])
@pytest.mark.parametrize(
    ("loss", "y", "keywords", "digits"),
    [
        (sum_squared_error, RIGHT, {}, "0.09750000000000003"),
        (sum_squared_error, WRONG, {}, "0.6425"),
        (cross_entropy_error, RIGHT, {}, "0.510825457099338"),
        (cross_entropy_error, WRONG_EIGHTH, {}, "2.302584092994546"),
        (cross_entropy_error, WRONG, {}, "2.302584092994546"),
        (cross_entropy_error, RIGHT, {"eps": 1e-5}, "0.5108089572382115"),
        (cross_entropy_error, WRONG_SEVENTH, {"eps": 1e-5}, "2.302485097993712"),
    ],
)
def test_losses_print_what_the_lecture_notes_print(loss, y, t, keywords, digits):
    assert loss(y, t, **keywords) == shown(digits)


def plain_cross_entropy(y, t, eps=1e-7):
    return -math.fsum(
        t_nc * math.log(y_nc + eps)
        for y_n, t_n in zip(y, t, strict=True)
        for y_nc, t_nc in zip(y_n, t_n, strict=True)
        if t_nc
    ) / len(y)


def plain_binary_cross_entropy(y, t, eps=1e-7):
    return plain_cross_entropy(np.stack([y, 1 - y], -1).reshape(-1, 2), np.stack([t, 1 - t], -1).reshape(-1, 2), eps)


PLAIN_LOSSES = {
    sum_squared_error: lambda y, t: math.fsum((y - t).ravel() ** 2) / 2,
    mean_squared_error: lambda y, t: math.fsum((y - t).ravel() ** 2) / y.size,
    cross_entropy_error: plain_cross_entropy,
    binary_cross_entropy: plain_binary_cross_entropy,
    softmax_loss: lambda x, t: plain_cross_entropy([plain_softmax(row) for row in x], t),
    softmax_cross_entropy: lambda x, t: plain_cross_entropy([plain_softmax(row) for row in x], t, eps=0),
}


@each("loss", LOSSES)
@pytest.mark.parametrize("targets", ["one_hot", "soft"])
def test_losses_follow_their_formulas(loss, targets):
    random = np.random.default_rng(0)
    y = random.dirichlet(np.ones(7), size=40)
    t = np.eye(7)[random.integers(7, size=40)] if targets == "one_hot" else random.dirichlet(np.ones(7), size=40)
    # 280 terms of one sign: a plain sum loses at most 280 half-units in the last place, in practice a few.
    assert loss(y, t) == pytest.approx(PLAIN_LOSSES[loss](y, t), rel=3e-14)


def test_squared_errors_take_any_shape():
    y = np.arange(24.0).reshape(2, 3, 4)
    assert sum_squared_error(y, y - 2) == 48
    assert mean_squared_error(y, y - 2) == 4
    assert sum_squared_error(5, 2) == 4.5
    assert mean_squared_error(5, 2) == 9


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float64, np.float32])
@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_squared_errors_of_one_number_a_sample_take_numbers_and_no_labels(dtype, shape):
    y, t = [[3.5], [-2.0]], np.array([0, 7], dtype).reshape(shape)
    assert mean_squared_error(y, t) == (3.5**2 + 9.0**2) / 2
    assert sum_squared_error(y, t) == (3.5**2 + 9.0**2) / 2
    assert mean_squared_error(y[0], t[0]) == 3.5**2


def test_squared_errors_refuse_what_would_pair_every_prediction_with_every_target():
    with pytest.raises(ValueError, match=r"t has shape \(3,\); for y of shape \(2, 1\)"):
        mean_squared_error([[1.0], [2.0]], [1.0, 2.0, 3.0])


@each("loss", CROSS_ENTROPIES)
def test_cross_entropy_is_averaged_over_the_samples_and_one_sample_is_one(loss):
    y, t = np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]), np.array([1, 0, 0])
    each_one = [float(loss(row, int(label))) for row, label in zip(y, t, strict=True)]
    assert loss(y, t) == pytest.approx(sum(each_one) / 3, rel=1e-15)
    assert loss(y[:1], t[:1]) == each_one[0]


def test_softmax_loss_is_the_book_s_with_its_eps():
    x, t = np.array([[2.0, 1.0, 0.1], [0.0, 50.0, 0.0]]), np.array([2, 0])
    assert softmax_loss(x, t) == cross_entropy_error(softmax(x), t)
    # exp(-1000) is 0, and what is left is the eps: -log(1e-7).
    assert softmax_loss([1000.0, 0.0], 1) == pytest.approx(7 * math.log(10), rel=1e-15)


@pytest.mark.parametrize(
    ("y", "t", "eps", "expected"),
    [
        ([1.0, 0.0], 0, 0, 0),
        ([1.0, 0.0], [1, 0], 0, 0),  # 0 log 0 is 0
        ([1.0, 0.0], 1, 0, inf),
        ([1.0, 0.0], [0, 1], 0, inf),
        ([0.0, 1.0], 0, 1, 0),
        ([0.5, 0.0], 1, np.float32(0.5), math.log(2)),
        ([0.5, 0.0], 1, np.array(0.5), math.log(2)),
        ([nan, 1.0], [0, 1], 0, nan),
        ([nan, 1.0], 0, 0, nan),
        ([0.5, 0.5], [nan, 1], 0, nan),
        ([-1.0, 2.0], 0, 0, nan),
        ([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]], [1, 0, 0], 0, inf),  # and stays it in the sum
        ([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]], [[0, 1], [1, 0], [1, 0]], 0, inf),
    ],
)
def test_eps_goes_into_the_logarithm_and_may_be_zero(y, t, eps, expected):
    assert cross_entropy_error(y, t, eps=eps) == pytest.approx(expected, rel=1e-15, nan_ok=True)


WITH_EPS = [cross_entropy_error, binary_cross_entropy]


@each("loss", WITH_EPS)
@pytest.mark.parametrize("eps", [-1e-7, nan, inf, -inf, np.float64(-1), 10**400])
def test_eps_out_of_range_raises_value_error(loss, eps):
    with pytest.raises(ValueError, match=r"eps must be a finite number of at least 0, got"):
        loss([1.0], 0, eps=eps)


@each("loss", WITH_EPS)
@pytest.mark.parametrize("eps", [None, "1e-7", True, 1j, [1e-7], np.array([1e-7]), np.array(True), np.ma.masked])
def test_eps_of_another_type_raises_type_error(loss, eps):
    with pytest.raises(TypeError, match="eps must be a number"):
        loss([1.0], 0, eps=eps)


@each("loss", [mean_squared_error, binary_cross_entropy, *CROSS_ENTROPIES])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_the_mean_over_an_empty_batch_raises(loss, shape):
    with pytest.raises(ValueError, match=rf"^[xy] is empty: it has shape {re.escape(str(shape))}, and a mean needs"):
        loss(np.empty(shape), np.empty(shape))


def test_the_sum_over_an_empty_batch_is_zero():
    assert sum_squared_error(np.empty((0, 3)), np.empty((0, 3))) == 0
    assert sum_squared_error(np.empty((0, 3)), np.empty(0, int)) == 0
    assert sum_squared_error(np.empty((0, 0)), np.empty(0, int)) == 0
    assert sum_squared_error([], []) == 0


@each("loss", CROSS_ENTROPIES)
@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_cross_entropy_refuses_what_is_no_batch(loss, shape):
    with pytest.raises(ValueError, match=rf"^[xy] must have shape \(N, C\).*got shape {re.escape(str(shape))}"):
        loss(np.ones(shape), np.ones(shape))


# --- binary cross-entropy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [np.array([[0.9], [0.2], [0.5]]), np.float32([[0.9], [0.2], [0.5]])])
@pytest.mark.parametrize(
    "t",
    [
        [1, 0, 1],
        np.array([1, 0, 1], np.uint8),
        [[1], [0], [1]],
        [[1.0], [0.0], [1.0]],
        [1.0, 0.0, 1.0],
        [True, False, True],
    ],
)
def test_a_column_of_answers_takes_one_number_for_each(y, t):
    expected = -(math.log(0.9 + 1e-7) + math.log(0.8 + 1e-7) + math.log(0.5 + 1e-7)) / 3
    tolerance = float(np.finfo(y.dtype).eps)  # 0.9 and 0.2 are rounded by at most half of it, and so is the result
    assert binary_cross_entropy(y, t) == pytest.approx(expected, rel=0, abs=tolerance)
    assert binary_cross_entropy(y[0], t[0]) == pytest.approx(-math.log(0.9 + 1e-7), rel=0, abs=tolerance)


@pytest.mark.parametrize(
    ("t", "where"),
    [([0, 2, 1], r"t\[1\] is 2"), ([0, 1, -1], r"t\[2\] is -1"), ([[0], [2], [1]], r"t\[1, 0\] is 2")],
)
def test_a_label_of_a_column_other_than_0_and_1_is_named(t, where):
    with pytest.raises(ValueError, match=rf"{where}, which is not a label in \[0, 2\)"):
        binary_cross_entropy([[0.5], [0.5], [0.5]], t)


@pytest.mark.parametrize("t", [[1.0, 0.0], [1, 0], [[1, 0, 1]]])
def test_a_column_of_answers_takes_no_other_form(t):
    with pytest.raises(ValueError, match=r"^t has shape .*for y of shape \(3, 1\) it must hold numbers of shape"):
        binary_cross_entropy([[0.5], [0.5], [0.5]], t)


@pytest.mark.parametrize("N", [3, 40, 1025])  # the kernel adds up 32 numbers side by side, and 1,024 at a time
def test_certain_and_wrong_answers_have_an_infinite_loss(N):
    assert binary_cross_entropy(np.zeros(N), np.ones(N), eps=0.0) == inf


def test_answers_to_several_questions_have_any_shape():
    y = np.linspace(0.05, 0.95, 24).reshape(2, 3, 4)
    t = np.round(y[::-1])
    # 24 terms, added in another order.
    assert binary_cross_entropy(y, t) == pytest.approx(binary_cross_entropy(y.ravel(), t.ravel()), rel=1e-14)
    assert binary_cross_entropy(0.25, 1) == pytest.approx(-math.log(0.25 + 1e-7), rel=1e-15)


@pytest.mark.parametrize(
    ("y", "t", "eps", "expected"),
    [
        ([1.0, 0.0], [1, 0], 0, 0),  # 0 log 0 is 0, on either side
        ([1.0, 0.5], [0, 1], 0, inf),
        ([0.0, 0.5], [1, 1], 0, inf),
        ([1.0, 0.0], [0, 1], 1e-7, 7 * math.log(10)),
        ([0.5], [0.5], 0.5, 0),
        ([nan, 0.5], [0, 0], 0, nan),
        ([0.5, 0.5], [nan, 0], 0, nan),
        ([1.5], [1], 0, nan),
        ([-0.5], [0], 0, nan),
        ([inf], [1], 0, nan),
    ],
)
def test_binary_cross_entropy_of_special_values(y, t, eps, expected):
    assert binary_cross_entropy(y, t, eps) == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_one_minus_y_keeps_its_digits_in_float32():
    # 1 - 1e-9 is 1 in float32, so that the loss would be 0.
    y = np.float32(1e-9)
    assert binary_cross_entropy(y, np.float32(0), eps=0) == pytest.approx(1e-9, rel=1e-6)


# --- softmax and cross-entropy in one --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "t", "expected"),
    [
        ([1000.0, 0.0], 1, 1000),  # softmax_loss stops at 16.1
        ([1000.0, 0.0], 0, 0),
        ([40.0, 0.0], 0, math.log1p(math.exp(-40))),  # and is -1e-7 here
        ([-1e300, 1e300], 0, 2e300),
        ([0.0, 0.0], [0.5, 0.5], math.log(2)),
        ([0.0, 0.0], [1.0, 1.0], 2 * math.log(2)),  # as the formula has it, also for what sums to something else
        ([3.0, 3.0], [0.0, 0.0], 0),
        ([5.0], 0, 0),
        ([inf, 0.0], 0, 0),
        ([inf, 0.0], 1, inf),
        ([-inf, 0.0], [0.0, 1.0], 0),
        ([-inf, 0.0], 0, inf),
        ([inf, 1.0, inf], 0, nan),
        ([inf, 1.0, inf], 1, nan),
        ([-inf, -inf], 0, nan),
        ([nan, 0.0], 1, nan),
        ([0.0, 0.0], [nan, 1.0], nan),
    ],
)
def test_softmax_cross_entropy_is_exact_for_any_scores(x, t, expected):
    assert softmax_cross_entropy(x, t) == pytest.approx(expected, rel=1e-15, nan_ok=True)
    assert softmax_cross_entropy(x, t, return_grad=True)[0] == pytest.approx(expected, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize("row", [[inf, 0, 1], [inf, 1, inf], [-inf, 0, 1], 3 * [-inf], [nan, inf, 0], [-inf, inf, 0]])
@pytest.mark.parametrize("t", [0, 1, 2, [1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0, 0, 0], [0, nan, 1]])
@each("dtype", FLOATS)
def test_softmax_cross_entropy_of_infinite_scores_is_that_of_their_softmax(row, t, dtype):
    x, usual = np.array([row, [1, 2, 3]], dtype), [1, 2, 3]
    t2 = np.array([t, t])
    y = softmax(x[0])
    y = y * nan if np.isnan(y).any() else y
    loss, dx = softmax_cross_entropy(x[0], t, return_grad=True)
    # A rounding of y is one of log(y), beside which the loss may be small; and -log(y) is below 2.
    info = np.finfo(dtype)
    np.testing.assert_allclose(loss, cross_entropy_error(y, t, eps=0), rtol=0, atol=2 * info.eps)
    targets = np.eye(3)[t] if np.ndim(t) == 0 else np.array(t)
    np.testing.assert_allclose(dx, y * targets.sum() - targets, rtol=4 * info.eps)
    # Its neighbour in a batch does not notice.
    both, dx2 = softmax_cross_entropy(x, t2, return_grad=True)
    alone, dx1 = softmax_cross_entropy(np.array(usual, dtype), t, return_grad=True)
    np.testing.assert_allclose(both, (loss + alone) / 2, rtol=4 * info.eps)
    np.testing.assert_allclose(dx2, [dx / 2, dx1 / 2], rtol=4 * info.eps)


@pytest.mark.parametrize("C", [1, 2, 10, 33, 1500])
@pytest.mark.parametrize("targets", ["labels", "one_hot", "soft"])
@each("dtype", [np.float32, np.float64])
def test_the_gradient_is_the_softmax_less_the_targets(C, targets, dtype):
    random = np.random.default_rng(0)
    N = 2500 // C + 1
    x = random.normal(size=(N, C), scale=3).astype(dtype)
    labels = random.integers(C, size=N)
    rows = random.dirichlet(np.ones(C), N).astype(dtype) if targets == "soft" else np.eye(C, dtype=dtype)[labels]
    loss, dx = softmax_cross_entropy(x, labels if targets == "labels" else rows, return_grad=True)
    assert loss == softmax_cross_entropy(x, labels if targets == "labels" else rows)
    assert (dx.shape, dx.dtype) == (x.shape, dtype)
    expected = softmax(x.astype(np.float64)) * rows.sum(axis=1, keepdims=True, dtype=np.float64) - rows
    np.testing.assert_allclose(dx * N, expected, rtol=0, atol=4 * np.finfo(dtype).eps)
    exact = -(rows * np.log(softmax(x.astype(np.float64)))).sum() / N
    np.testing.assert_allclose(loss, exact, rtol=16 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize("t", [0, [1.0, 0.0, 0.0]])
def test_the_gradient_keeps_its_digits_where_the_answer_is_almost_certain(t):
    _, dx = softmax_cross_entropy([50.0, 0.0, 1.0], t, return_grad=True)
    rest = math.exp(-50) + math.exp(-49)
    np.testing.assert_allclose(dx, [-rest, math.exp(-50), math.exp(-49)], rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 3)])
def test_the_gradient_of_any_layout_is_a_new_array_of_the_shape_of_x(shape):
    x = np.arange(12.0).reshape(2, 6)[:, ::2][: shape[0] if len(shape) == 2 else 1].reshape(shape)
    x.flags.writeable = False
    before = snapshot(x)
    _, dx = softmax_cross_entropy(x, np.zeros(shape[:-1], int), return_grad=True)
    assert snapshot(x) == before
    assert dx.shape == shape
    assert dx.flags.c_contiguous
    assert dx.flags.writeable
    assert not np.may_share_memory(dx, x)


# --- losses: targets -------------------------------------------------------------------------------------------------

Y = np.array([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]])
ONE_HOT = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@each("loss", LOSSES)
@pytest.mark.parametrize(
    "t",
    [
        *(pytest.param(ONE_HOT.astype(dtype), id=f"one_hot-{dtype}") for dtype in ["?", "u8", ">i4", "f2", ">f8"]),
        *(pytest.param(np.array([1, 0], d), id=f"labels-{d}") for d in ["?", "i1", "u1", ">i2", "u4", "i8", "u8"]),
        *(pytest.param(np.array([[1], [0]], d), id=f"column-{d}") for d in ["?", "i1", "u8"]),
        pytest.param([True, False], id="list_of_bools"),
        pytest.param(np.asfortranarray(ONE_HOT), id="fortran"),
        pytest.param(np.array([1, 7, 0, 7])[::2], id="strided"),
        pytest.param(np.array([0, 1])[::-1], id="reversed"),
        pytest.param([1, 0], id="list"),
        pytest.param(((1,), (0,)), id="tuples"),
        pytest.param(ONE_HOT.tolist(), id="nested_list"),
    ],
)
def test_every_form_of_the_same_targets_gives_the_same_loss(loss, t):
    before = snapshot(t)
    # The forms take different paths through the sums, whose 6 terms they add in another order.
    assert loss(Y, t) == pytest.approx(loss(Y, ONE_HOT), rel=1e-15)
    assert snapshot(t) == before


@each("loss", LOSSES)
@pytest.mark.parametrize(
    "t", [1, True, np.True_, np.int8(1), np.array(1, np.uint64), [0, 1, 0], np.array([False, True, False])]
)
def test_one_sample_takes_one_label_or_one_row(loss, t):
    assert loss(Y[0], t) == pytest.approx(loss(Y[:1], ONE_HOT[:1]), rel=1e-15)


@each("loss", [loss for loss in LOSSES if loss is not binary_cross_entropy])  # there they are labels as well
def test_the_shape_of_y_is_probabilities_also_where_labels_would_fit(loss):
    # (2, 1): two samples of one class. As labels, 1 would be out of range.
    y, t = np.array([[0.5], [0.25]]), np.array([[1], [0]])
    assert loss(y, t) == loss(y, t.astype(float))


@each("loss", LOSSES)
@pytest.mark.parametrize(
    ("y", "t"),
    [
        pytest.param(Y, np.array([1.0, 0.0]), id="labels_as_floats"),
        pytest.param(Y, np.array([[1.0], [0.0]]), id="column_of_floats"),
        pytest.param(Y, np.array([1, 0, 0]), id="a_label_too_many"),
        pytest.param(Y, np.array([1]), id="a_label_too_few"),
        pytest.param(Y, np.array(1), id="one_label_for_two"),
        pytest.param(Y, np.array([[1, 0]]), id="a_row_of_labels"),
        pytest.param(Y, np.array([[[1]], [[0]]]), id="labels_in_three_dimensions"),
        pytest.param(Y, ONE_HOT.T, id="transposed"),
        pytest.param(Y, ONE_HOT[:1], id="would_broadcast"),
        pytest.param(Y, np.zeros((2, 4)), id="a_class_too_many"),
        pytest.param(Y, np.zeros(0, int), id="no_labels"),
        pytest.param(Y[0], np.array([1]), id="a_list_of_one_for_one_sample"),
        pytest.param(Y[0], np.array(1.0), id="a_float_for_one_sample"),
        pytest.param(Y[0], ONE_HOT[:1], id="a_batch_of_one_for_one_sample"),
        pytest.param(Y[:1], ONE_HOT[0], id="one_sample_for_a_batch_of_one"),
    ],
)
def test_targets_of_another_form_raise_and_the_message_names_both_shapes(loss, y, t):
    with pytest.raises(ValueError, match=r"\bt\b") as caught:
        loss(y, t)
    assert f"t has shape {t.shape}" in str(caught.value)
    assert f"of shape {y.shape}" in str(caught.value)


@each("loss", LOSSES)
@pytest.mark.parametrize(
    ("t", "where"),
    [
        ([1, 3], "t[1] is 3, which is not a label in [0, 3)"),
        ([-1, 3], "t[0] is -1"),
        ([[0], [-3]], "t[1] is -3"),
        (np.array([0, 255], np.uint8), "t[1] is 255"),
        (np.array([2**64 - 1, 0], np.uint64), f"t[0] is {2**64 - 1}"),  # as an intp it would be -1
    ],
)
def test_the_first_label_out_of_range_is_named_with_its_position(loss, t, where):
    with pytest.raises(ValueError, match=r"in \[0, 3\)") as caught:
        loss(Y, t)
    assert where in str(caught.value)


@each("loss", LOSSES)
@pytest.mark.parametrize("t", [3, -1])
def test_one_label_out_of_range_is_named(loss, t):
    with pytest.raises(ValueError, match=rf"^t is {t}\b.*in \[0, 3\)"):
        loss(Y[0], t)


# --- losses: targets outside [0, 1] ----------------------------------------------------------------------------------

OF_PROBABILITIES = [*CROSS_ENTROPIES, binary_cross_entropy]


@each("loss", OF_PROBABILITIES)
@each("dtype", FLOATS)
@pytest.mark.parametrize(
    ("t", "where", "value"),
    [
        (2 * ONE_HOT - 1, r"t\[0, 0\]", "-1.0"),
        (255 * ONE_HOT, r"t\[0, 1\]", "255.0"),
        (ONE_HOT.astype(np.uint8) * 255, r"t\[0, 1\]", "255.0"),
        (ONE_HOT.astype(np.int8) - 2 * (ONE_HOT > 0), r"t\[0, 1\]", "-1.0"),
        ([[0.5, 0.5, 0.0], [nan, nan, 1.5]], r"t\[1, 2\]", "1.5"),
        ([[0.5, 0.5, 0.0], [0.0, inf, 0.0]], r"t\[1, 1\]", "inf"),
        ([[0.5, 0.5, 0.0], [0.0, 0.0, -inf]], r"t\[1, 2\]", "-inf"),
    ],
    ids=["-1 and 1", "0 and 255", "bytes", "int8", "beside nan", "inf", "-inf"],
)
def test_the_first_target_outside_0_and_1_is_named(loss, dtype, t, where, value):
    wanted = rf"^{where} is {re.escape(value)}: a target must be a probability, from 0 to 1$"
    for y in (Y.astype(dtype), Y.astype(dtype).tolist()):
        for targets in (t, np.array(t, dtype), np.asfortranarray(t)):
            before = snapshot(targets)
            with pytest.raises(ValueError, match=wanted):
                loss(y, targets)
            assert snapshot(targets) == before
    row = np.asarray(t)[int(where[3])]
    with pytest.raises(ValueError, match=wanted.replace(f"[{where[3]}, ", "[")):  # of one sample, the column alone
        loss(Y[0].astype(dtype), row)


@each("loss", OF_PROBABILITIES)
@each("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (1, 31), (40, 33), (3, 1024), (1, 1025), (700, 7)])  # around the tiles
@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_a_target_outside_is_found_wherever_it_is(loss, dtype, shape, fill):
    y, size = np.full(shape, 0.25, dtype), shape[0] * shape[1]
    for place in {0, size // 3, size - 1}:
        for value in (np.nextafter(dtype(1), dtype(2)), -np.finfo(dtype).smallest_subnormal):
            t = np.full(shape, fill, dtype)
            t.flat[place] = value
            n, c = divmod(place, shape[1])
            with pytest.raises(ValueError, match=rf"^t\[{n}, {c}\] is "):
                loss(y, t)
        for value in (1.0, -0.0, np.finfo(dtype).smallest_subnormal):
            t = np.full(shape, fill, dtype)
            t.flat[place] = value
            assert np.isfinite(loss(y, t))


def test_the_gradient_of_softmax_cross_entropy_names_a_target_outside_too():
    with pytest.raises(ValueError, match=r"^t\[1, 0\] is 2\.0: "):
        softmax_cross_entropy(Y, [[0, 1, 0], [2, 0, 0]], return_grad=True)


@pytest.mark.parametrize(("t", "where"), [([0.0, 1.0, 1.5], "t[2]"), ([[0.0], [-1.0], [1.0]], "t[1, 0]")])
def test_the_position_of_an_answer_is_that_in_the_array_that_came(t, where):
    with pytest.raises(ValueError, match=rf"^{re.escape(where)} is "):
        binary_cross_entropy([[0.5], [0.5], [0.5]], t)


def test_one_answer_outside_is_named():
    with pytest.raises(ValueError, match=r"^t is 1\.5: "):
        binary_cross_entropy(0.5, 1.5)


@each("loss", [sum_squared_error, mean_squared_error])
def test_squared_errors_take_any_numbers(loss):
    assert loss(Y, 255 * ONE_HOT) > 10_000
    assert loss(Y, 2 * ONE_HOT - 1) > 0


@each("loss", OF_PROBABILITIES)
@pytest.mark.parametrize("t", [[[0, 0, 0], [1, 1, 1]], [[0.5, 0, 0], [0, 0.25, 0]]])
def test_rows_of_any_sum_count_as_they_are(loss, t):
    assert loss(Y, t) == pytest.approx(PLAIN_LOSSES[loss](Y, np.array(t, float)), rel=1e-14)
