"""Entropy, cross-entropy and Kullback-Leibler divergence: values by hand, all their digits, and what is refused."""

import math
from math import inf, log2, nan

import mpmath
import numpy as np
import pytest
from hostile import FLOATS, LAYOUTS, REFUSED, snapshot

from fastnet.functions import softmax
from fastnet.information import cross_entropy, entropy, kl_divergence

pytestmark = pytest.mark.usefixtures("backend")

PAIRS = pytest.mark.parametrize("function", [cross_entropy, kl_divergence], ids=lambda f: f.__name__)
ALL = pytest.mark.parametrize(
    "function",
    [entropy, lambda p, **k: cross_entropy(p, p, **k), lambda p, **k: kl_divergence(p, [0.5, 0.5], **k)],
    ids=["entropy", "cross_entropy", "kl_divergence"],
)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "bits"),
    [
        ([0.5, 0.5], 1),
        ([1, 0], 0),
        ([1.0], 0),
        ([0.25] * 4, 2),
        ([0.5, 0.25, 0.125, 0.125], 1.75),  # 1/2 + 2/4 + 3/8 + 3/8
        ([0.75, 0.25], 2 - 0.75 * log2(3)),
        ([0.9, 0.1, 0.0], log2(10) - 0.9 * log2(9)),
    ],
)
def test_entropy_is_what_one_works_out_by_hand(p, bits):
    assert entropy(p) == pytest.approx(bits, rel=1e-15)  # three or four roundings


def test_entropy_of_a_certain_outcome_is_zero_without_a_sign():
    assert math.copysign(1, entropy([0.0, 1.0])) == 1
    assert str(kl_divergence([0.0, 1.0], [0.0, 1.0])) == "0.0"


@pytest.mark.parametrize(
    ("p", "q", "bits"),
    [
        ([0.5, 0.5], [0.25, 0.75], 2 - 0.5 * log2(3)),  # 2/2 + (2 - log2 3)/2
        ([0.25, 0.75], [0.5, 0.5], 1),
        ([0, 1, 0], [0.25, 0.25, 0.5], 2),
        ([0.5, 0.5, 0.0], [0.5, 0.25, 0.25], 1.5),
        ([0.5, 0.5, 0.0], [0.5, 0.5, 0.0], 1),
        ([0.5, 0.5], [1.0, 0.0], inf),
        ([1.0, 0.0], [0.0, 1.0], inf),
    ],
)
def test_cross_entropy_and_divergence_are_what_one_works_out_by_hand(p, q, bits):
    assert cross_entropy(p, q) == pytest.approx(bits, rel=1e-15)
    # Each of at most three terms loses up to a digit, and the subtraction here another.
    assert kl_divergence(p, q) == pytest.approx(bits - entropy(p), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("base", [math.e, 10, 0.5, 3, np.float32(4), np.array(2.5), 1 + 1e-9])
def test_the_base_is_a_unit(base):
    p, q = [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]
    for in_bits, value in [
        (entropy(p), entropy(p, base)),
        (cross_entropy(p, q), cross_entropy(p, q, base)),
        (kl_divergence(p, q), kl_divergence(p, q, base)),
    ]:
        assert value * math.log(base) == pytest.approx(in_bits * math.log(2), rel=1e-14)


def test_cross_entropy_of_one_hot_is_the_loss_of_the_right_class():
    y = softmax(np.random.default_rng(0).normal(size=(5, 3)))
    t = np.array([2, 0, 1, 1, 0])
    np.testing.assert_allclose(cross_entropy(np.eye(3)[t], y, base=math.e), -np.log(y[range(5), t]), rtol=1e-15)


# --- digits ----------------------------------------------------------------------------------------------------------


def exact_divergence(p, q):
    """In nats, of the distributions that `p` and `q` are when divided by their sums, which no float does exactly."""
    with mpmath.workdps(60):
        p, q = ([mpmath.mpf(float(value)) for value in values] for values in (p, q))
        p, q = ([value / mpmath.fsum(values) for value in values] for values in (p, q))
        return mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(p, q, strict=True) if a)


@pytest.mark.parametrize("apart", [10.0, 1.0, 0.5, 0.4, 0.1, 1e-2, 1e-4, 1e-6, 1e-7])
@pytest.mark.parametrize("concentration", [1.0, 0.05])
def test_divergence_keeps_its_digits_however_close_p_and_q_are(apart, concentration):
    random = np.random.default_rng(0)
    for K in (2, 3, 50):
        p = random.dirichlet(np.full(K, concentration))
        q = p * np.exp(apart * random.uniform(-1, 1, K))
        q /= q.sum()
        expected = exact_divergence(p, q)
        # The sums of p and q miss 1 by up to 2e-16, which enters squared; a term has about ten roundings, and loses a
        # digit where q / p is beside 2/3 or 3/2.
        assert abs(float(kl_divergence(p, q, math.e)) - expected) <= 1e-14 * expected + 1e-31


@pytest.mark.parametrize("ratio", [2 / 3, 1.5, 0.66, 0.67, 1.49, 1.51])
def test_divergence_has_no_seam_where_its_formula_changes(ratio):
    p = np.array([0.4, 0.6])
    q = np.array([0.4 * ratio, 1 - 0.4 * ratio])
    assert float(kl_divergence(p, q, math.e)) == pytest.approx(float(exact_divergence(p, q)), rel=5e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_divergence_is_never_negative_and_zero_only_for_equals(dtype):
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(10), size=1000).astype(dtype)
    q = np.nextafter(p, dtype(1))  # all of them up: the difference of the entropies is noise of both signs
    assert (cross_entropy(p, q) - entropy(p) < 0).any()
    assert (kl_divergence(p, q) > 0).all()
    assert (kl_divergence(p, p) == 0).all()


def test_divergence_reaches_the_ends_of_float64():
    tiny = 5e-324
    assert kl_divergence([0.5, 0.5], [tiny, 1.0]) == pytest.approx(0.5 * 1073 + 0.5 * -1, rel=1e-14)
    assert kl_divergence([tiny, 1.0], [0.5, 0.5]) == pytest.approx(1, rel=1e-14)
    assert kl_divergence([tiny, 1.0], [0.0, 1.0]) == inf


# --- shapes, dtypes, special values ----------------------------------------------------------------------------------


def test_many_distributions_lie_along_the_last_axis_and_broadcast():
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 3))
    q = np.random.default_rng(1).dirichlet(np.ones(4), size=3)
    assert entropy(p).shape == (2, 3)
    assert entropy(p)[1, 2] == pytest.approx(entropy(p[1, 2]), rel=1e-15)
    for function in (cross_entropy, kl_divergence):
        assert function(p, q).shape == (2, 3)
        assert function(p, q)[1, 2] == pytest.approx(function(p[1, 2], q[2]), rel=1e-15)
        assert function(q[0], p).shape == (2, 3)
        assert function(p[:, :0], q[:0]).shape == (2, 0)
        assert isinstance(function(q[0], q[1]), np.float64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_any_layout_gives_the_same_and_stays_as_it_is(layout, dtype):
    values = np.array([[0.5, 0.25, 0.25], [0.125, 0.375, 0.5], [1, 0, 0], [0.25, 0.25, 0.5]], dtype)
    p = layout(values)
    before = snapshot(p)
    results = entropy(p), cross_entropy(p, values[::-1]), kl_divergence(values[::-1], p)
    assert snapshot(p) == before
    expected = entropy(values), cross_entropy(values, values[::-1]), kl_divergence(values[::-1], values)
    for result, same in zip(results, expected, strict=True):
        assert result.dtype == dtype
        assert np.array_equal(result, same)


@PAIRS
def test_the_wider_dtype_of_two_is_the_result_s(function):
    one, two = np.float32([0.5, 0.5]), np.float16([0.25, 0.75])
    assert function(one, two).dtype == np.float32
    assert function(two, one.astype(np.float64)).dtype == np.float64
    assert function(two, two).dtype == np.float16
    assert function([1, 0], one).dtype == np.float64  # integers are float64
    assert function([True, False], one).dtype == np.float64


def test_narrow_floats_are_computed_in_float64_and_rounded_once():
    p, q = np.float32([0.1, 0.9]), np.float32([0.3, 0.7])
    for narrow, wide in [
        (entropy(p), entropy(p.astype(float) / p.sum(dtype=float))),
        (kl_divergence(p, q), kl_divergence(p.astype(float) / p.sum(dtype=float), q.astype(float))),
    ]:
        assert narrow == pytest.approx(wide, rel=2e-7)  # that p sums to 1 within 1e-7, and the rounding


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ([nan, 1.0], [0.5, 0.5], nan),
        ([nan, 1.0], [0.0, 1.0], nan),
        ([0.5, 0.5], [nan, 0.5], nan),
        ([0.0, 1.0], [nan, 1.0], nan),
        ([nan, inf], [0.5, 0.5], nan),
        ([-0.0, 1.0], [0.0, 1.0], 0),
    ],
)
@PAIRS
def test_nan_propagates(function, p, q, expected):
    result = function([p, [0.5, 0.5]], [q, [0.5, 0.5]])
    assert result[0] == pytest.approx(expected, nan_ok=True)
    assert result[1] == function([0.5, 0.5], [0.5, 0.5])


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("K", [2, 10, 1000])
def test_what_softmax_or_a_division_by_the_sum_gives_is_accepted(dtype, K):
    random = np.random.default_rng(0)
    scores = random.normal(size=(50, K)).astype(dtype)
    weights = np.exp(scores)
    for p in (softmax(scores), weights / weights.sum(axis=1, keepdims=True)):
        assert p.dtype == dtype
        assert (entropy(p) >= 0).all()
    entropy(softmax(scores.astype(np.float32)).astype(np.float64))  # computed in float32, held in float64


def test_what_numpy_prints_of_a_distribution_is_accepted():
    p = softmax(np.random.default_rng(0).normal(size=(100, 10)))
    entropy(p.round(8))


@ALL
@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.4], r"p sums to 0.9; probabilities must sum to 1 along the last axis \(within 1e-06 for float64\)"),
        ([[0.5, 0.5], [0.7, 0.4]], r"p\[1\] sums to 1.1;"),
        ([0.5, 0.500002], r"p sums to 1.000002;"),
        (np.float32([0.5, 0.4998]), r"p sums to 0.9997999\d+; .*within 0.0001 for float32"),
        (np.float16([0.5, 0.48]), r"p sums to 0.97\d+; .*within 0.01 for float16"),
        ([2, 3], "p sums to 5;"),
        ([inf, 0.0], "p sums to inf;"),
        ([1e308, 1e308], "p sums to "),
        ([1.5, -0.5], r"p\[1\] is -0.5: a probability must not be negative"),
        ([[0.5, 0.5], [-1e-300, 1.0]], r"p\[1, 0\] is -1e-300"),
        ([-inf, nan], r"p\[0\] is -inf"),
        ([], "p sums to 0;"),
        (1.0, r"p must have shape \(K,\), .*got shape \(\)"),
    ],
)
def test_what_is_no_distribution_raises_and_the_message_says_why(function, p, message):
    with pytest.raises(ValueError, match=message):
        function(p)


@PAIRS
def test_a_second_distribution_is_checked_as_the_first_and_by_its_name(function):
    with pytest.raises(ValueError, match=r"q sums to 0\.9;"):
        function([0.5, 0.5], [0.5, 0.4])
    with pytest.raises(ValueError, match=r"q\[0\] is -0.5"):
        function([0.5, 0.5], [-0.5, 1.5])
    with pytest.raises(TypeError, match="q must hold real numbers"):
        function([0.5, 0.5], ["a", "b"])


@PAIRS
@pytest.mark.parametrize(
    ("p", "q"),
    [((3,), (2,)), ((2, 3), (2, 2)), ((2, 3), (3, 3)), ((1,), (3,)), ((2, 1), (2, 3))],
)
def test_shapes_that_do_not_match_raise_and_the_message_names_both(function, p, q):
    p, q = np.full(p, 1 / p[-1]), np.full(q, 1 / q[-1])
    with pytest.raises(ValueError, match=r"p has shape .* and q has shape") as caught:
        function(p, q)
    assert str(p.shape) in str(caught.value)
    assert str(q.shape) in str(caught.value)


@ALL
@pytest.mark.parametrize("kind", REFUSED)
def test_other_types_raise_type_error_naming_p(function, kind):
    with pytest.raises(TypeError, match=r"\bp\b"):
        function(REFUSED[kind]())


@ALL
@pytest.mark.parametrize(
    ("base", "error"),
    [(1, ValueError), (0, ValueError), (-2, ValueError), (nan, ValueError), (inf, ValueError), ("2", TypeError),
     (None, TypeError), (True, TypeError), ([2], TypeError)],
)
def test_a_base_without_a_logarithm_raises(function, base, error):
    with pytest.raises(error, match="base must"):
        function([0.5, 0.5], base=base)
