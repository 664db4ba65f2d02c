"""Against mpmath, which computes with 200 bits and every exponent: how wrong is the last digit?"""

import functools
from operator import attrgetter

import mpmath
import numpy as np
import pytest
from cases import ELEMENTWISE
from effort import thinned
from ulp import BITS, spacing, ulps

from fastnet.functions import binary_cross_entropy, cross_entropy_error, softmax, softmax_cross_entropy, tanh

pytestmark = pytest.mark.usefixtures("backend")

LIMIT = 4  # ULP, for any argument
# exp, its product with the scale, the sum and the division round; each may count twice, just above a power of 2.
SOFTMAX_LIMIT = 6
# In a tile of 1,024 a sum is rounded 4, 8 and 5 times one after the other, instead of up to 9 times; those of tiles add
# up as if exactly.
SOFTMAX_LIMIT_OF_LONG_ROWS = 10

NAME = attrgetter("name")
BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def test_the_ulp_is_the_distance_to_the_next_float():
    for dtype in (np.float64, np.float32):
        info = np.finfo(dtype)
        # At a power of 2 and inside its binade, at the smallest normal number, and among the subnormals.
        for value in np.array([1, 1.5, 0.75, info.tiny, info.tiny / 8, info.smallest_subnormal], dtype):
            assert float(spacing(mpmath.mpf(float(value)), dtype)) == np.spacing(value)
        assert ulps(np.array([1, 1 + 3 * info.eps], dtype), [mpmath.mpf(1), mpmath.mpf(1)]) == 3
    assert ulps(np.array([5e-324]), [mpmath.mpf(10) ** -400]) == pytest.approx(1)


# --- functions of one number -----------------------------------------------------------------------------------------


@functools.cache
def arguments(dtype):
    """Of every magnitude and sign, and crowded where the results are subnormal or on the way to 0."""
    random = np.random.default_rng(0)
    info = np.finfo(dtype)
    every_exponent = np.exp2(random.uniform(info.minexp - info.nmant, 12, 500))
    usual = np.concatenate([random.uniform(0, 3, 500), random.uniform(0, 40, 500)])
    to_zero = -np.log(info.tiny) + random.uniform(-5, 45, 500)  # exp(-x) from normal through subnormal to 0
    subnormal = np.exp2(random.uniform(info.minexp - info.nmant, info.minexp, 100))
    edges = [0, 1000, info.max, info.tiny, info.smallest_subnormal]
    x = np.concatenate([every_exponent, usual, to_zero, to_zero / 2, subnormal, edges])  # half: for exp(-2 x)
    return np.array(thinned(np.concatenate([x, -x]).astype(dtype), 0.3))


@functools.cache
def exact(case, dtype, *parameter):
    with mpmath.workprec(BITS):
        numbers = [mpmath.mpf(value) for value in parameter]
        return [mpmath.mpf(case.exact(mpmath.mpf(float(x)), *numbers)) for x in arguments(dtype)]


WITH_KERNEL = [case for case in ELEMENTWISE if case.has_kernel]


@BOTH_DTYPES
@pytest.mark.parametrize("case", WITH_KERNEL, ids=NAME)
def test_functions_of_one_number_are_within_4_ulp(case, dtype):
    results = case.public(arguments(dtype))
    if case.reaches_zero:  # the arguments reach what they are meant to reach
        assert ((results > 0) & (results < np.finfo(dtype).tiny)).sum() > 50
    assert ulps(results, exact(case, dtype, *case.default)) <= LIMIT


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("case", "parameter"),
    [(case, value) for case in WITH_KERNEL if case.parameter for value in case.parameter.others],
    ids=lambda value: getattr(value, "name", None),
)
def test_functions_of_one_number_and_a_parameter_are_within_4_ulp(case, parameter, dtype):
    below = arguments(dtype) < 0  # the parameter counts only there
    values = [value for value, negative in zip(exact(case, dtype, parameter), below, strict=True) if negative]
    assert ulps(case.public(arguments(dtype)[below], parameter), values) <= LIMIT


def test_tanh_of_float32_is_within_4_ulp_at_many_arguments_and_never_beyond_1():
    # Where it is neither its argument nor 1. A float64 is the exact value, give or take a billionth of float32's unit.
    x = np.exp2(np.linspace(-13, 3.5, 200_000)).astype(np.float32)
    results, expected = tanh(x), np.tanh(x.astype(np.float64))
    unit = np.ldexp(1.0, np.frexp(expected)[1] - 24)
    assert np.max(np.abs(results - expected) / unit) <= LIMIT
    assert np.max(results) <= 1


# --- softmax ---------------------------------------------------------------------------------------------------------


def hard_rows(dtype):
    """Rows of scores, each kind hard in its own way."""
    random = np.random.default_rng(0)
    info = np.finfo(dtype)
    depth = -np.log(info.tiny)  # exp(-depth) is the smallest normal number
    return {
        # x - max(x) is not a float: its rounding becomes a relative error of exp.
        "large_spread": np.append(random.uniform(-300, 400, (8, 40)), [[400] + 39 * [-300]], axis=0),
        "usual": random.normal(size=(100, 40), scale=5),
        # Up to where the kernels change their formula, and beyond: in rows as short as those above, and in long ones.
        "around_200": random.uniform(170, 230, (8, 40)) * random.choice([-1, 1], (8, 1)),
        "around_600": random.uniform(520, 680, (8, 40)) * random.choice([-1, 1], (8, 1)),
        "large_spread_long": random.uniform(-depth, depth, (8, 100)) * [[2.0], [1.5], [1], [1], [0.5], [0.5], [2], [1]],
        "around_200_long": random.uniform(170, 230, (4, 100)) * random.choice([-1, 1], (4, 1)),
        "around_600_long": random.uniform(520, 680, (4, 100)) * random.choice([-1, 1], (4, 1)),
        "many_columns": random.normal(size=(2, 1000), scale=3),
        # Every sum that is taken as it goes loses the same half of a last place to each of these.
        "many_small_columns": np.repeat([[0.0, np.log(info.eps / 2)]], [32, 992], axis=1),
        # So does every sum that adds them to the 1 one by one, also in a short row.
        "31_columns_most_small": np.repeat([[0.0, np.log(info.eps / 2)]], [1, 30], axis=1),
        "many_columns_of_a_few": np.random.default_rng(0).normal(size=(12, 1000), scale=10),
        # The roundings of the sum show most where the largest result is just above a power of 2: the worst rows found.
        "31_columns": np.insert(
            -np.abs(np.random.default_rng(1344).normal(size=(40, 30), scale=40)), 0, 0.3466, axis=1
        ),
        "many_equal_columns": np.full((1, 1000), 0.1),
        "subnormal_results": 50.3 - np.append(np.zeros((8, 1)), random.uniform(depth - 5, depth + 40, (8, 39)), axis=1),
        "every_exponent": np.exp2(random.uniform(info.minexp, 9, (8, 40))) * random.choice([-1, 1], (8, 40)),
        "close_together_far_away": 2.0**info.nmant / 64 + random.normal(size=(4, 40), scale=3),
        "beyond_all_bounds": np.array([[info.max, -info.max, info.max], [info.max / 2, -info.max, 0]]),
    }


def rows_of(kind, dtype):
    rows = hard_rows(dtype)[kind].astype(dtype)
    return rows if len(rows) < 10 else np.array(thinned(rows, 0.25))


@functools.cache
def exact_softmax(kind, dtype):
    with mpmath.workprec(BITS):
        values = []
        for row in rows_of(kind, dtype):
            largest = mpmath.mpf(float(row.max()))
            e = [mpmath.exp(mpmath.mpf(float(x)) - largest) for x in row]
            total = mpmath.fsum(e)
            values += [value / total for value in e]
        return values


@BOTH_DTYPES
@pytest.mark.parametrize("kind", hard_rows(np.float64))
def test_softmax_is_within_6_ulp_and_within_10_in_long_rows(kind, dtype):
    rows = rows_of(kind, dtype)
    results = softmax(rows)
    if kind == "subnormal_results":
        assert ((results > 0) & (results < np.finfo(dtype).tiny)).sum() > 50
    limit = SOFTMAX_LIMIT if rows.shape[1] <= 128 else SOFTMAX_LIMIT_OF_LONG_ROWS
    assert ulps(results, exact_softmax(kind, dtype)) <= limit


@pytest.mark.parametrize("largest", [0.0, -580.0, -1000.0])  # each takes a formula of its own
def test_softmax_is_within_10_ulp_in_rows_of_any_length(largest):
    # Each thousand of the small numbers adds up to just less than what a sum close to 1 takes notice of. Sums of
    # float32 are added up in float64 anyway.
    small = largest + np.log(0.49 * np.finfo(np.float64).eps / 1024)
    results = softmax(np.repeat([largest, small], [1, 100_000]))
    with mpmath.workprec(BITS):
        e = mpmath.exp(mpmath.mpf(small) - largest)
        total = 1 + 100_000 * e
        assert (results[1:] == results[1]).all()
        assert ulps(results[:2], [1 / total, e / total]) <= SOFTMAX_LIMIT_OF_LONG_ROWS


def test_a_plainly_shifted_softmax_is_not():
    # The rows above are hard enough to tell: this is the formula that everyone writes.
    x = hard_rows(np.float64)["large_spread"]
    e = np.exp(x - x.max(axis=1, keepdims=True))
    assert ulps(e / e.sum(axis=1, keepdims=True), exact_softmax("large_spread", np.float64)) > 10 * SOFTMAX_LIMIT


# --- cross-entropy ---------------------------------------------------------------------------------------------------


@BOTH_DTYPES
@pytest.mark.parametrize("targets", ["labels", "one_hot", "soft"])
@pytest.mark.parametrize("eps", [1e-7, 1e-5])
def test_cross_entropy_is_right_to_its_last_digits(dtype, targets, eps):
    random = np.random.default_rng(0)
    y = random.dirichlet(np.full(10, 0.05), 150).astype(dtype)  # mostly near 0 or near 1
    y[0] = np.eye(10)[0]  # certain, and right or wrong
    labels = random.integers(10, size=150)
    t = random.dirichlet(np.ones(10), 150).astype(dtype) if targets == "soft" else np.eye(10, dtype=dtype)[labels]
    with mpmath.workprec(BITS):
        terms = [float(t_nc) * mpmath.log(mpmath.mpf(float(p)) + eps) for p, t_nc in zip(y.flat, t.flat, strict=True)]
        exact = -mpmath.fsum(terms) / 150
        error = abs(float(cross_entropy_error(y, labels if targets == "labels" else t, eps=eps)) / exact - 1)
    # float64: 1,500 terms, added one after another, lose at most 1,500 half-units of the last place, on average a few.
    # float32: the terms and their sum are computed in float64, so only the last rounding shows, half an eps.
    assert error <= (5e-14 if dtype is np.float64 else np.finfo(np.float32).eps / 2 * (1 + 1e-6))


@BOTH_DTYPES
def test_binary_cross_entropy_is_right_to_its_last_digits(dtype):
    random = np.random.default_rng(0)
    y = random.beta(0.1, 0.1, 500).astype(dtype)  # mostly near 0 or near 1
    t = random.choice([0, 1, 0.25], 500).astype(dtype)
    with mpmath.workprec(BITS):
        exact = mpmath.mpf(0)
        for p, t_n in zip(y.tolist(), t.tolist(), strict=True):
            exact -= t_n * mpmath.log(mpmath.mpf(p) + 1e-7) + (1 - t_n) * mpmath.log(1 - mpmath.mpf(p) + 1e-7)
        error = abs(float(binary_cross_entropy(y, t)) / (exact / 500) - 1)
    # As for the cross-entropy, of which it is 500 rows of two.
    assert error <= (5e-14 if dtype is np.float64 else np.finfo(np.float32).eps / 2 * (1 + 1e-6))


@functools.cache
def exact_losses(kind, targets, dtype):
    """Rows of scores with their targets and, exactly, the loss and its gradient, to what each element may be compared.

    Row by row: a mean would hide the small losses behind the large ones.
    """
    random = np.random.default_rng(0)
    rows = np.linspace([0, 10, 1, 2], [0, 80, 3, 4], 5) if kind == "almost_certain" else hard_rows(dtype)[kind][-5:]
    rows = thinned(rows, 0.4)
    cases = []
    for row in np.asarray(rows, dtype):
        C = len(row)
        label = int(row.argmax()) if kind == "almost_certain" else int(random.integers(C))
        t = random.dirichlet(np.ones(C)).astype(dtype) if targets == "soft" else np.eye(C, dtype=dtype)[label]
        with mpmath.workprec(BITS):
            x, weights = (np.array([mpmath.mpf(value) for value in values.tolist()]) for values in (row, t))
            largest = max(x)
            e = np.array([mpmath.exp(value - largest) for value in x])
            total, T = e.sum(), weights.sum()
            beside_largest = np.delete(e, row.argmax()).sum()
            loss = (weights * (largest - x)).sum() + T * mpmath.log1p(beside_largest)
            dx = e * T / total - weights
            scale = e * T / total + weights  # the difference loses digits
            if targets != "soft":  # but not where one target is 1 and the others are 0, however close the row is to it
                dx[label] = -np.delete(e, label).sum() / total
                scale = abs(dx)
        cases.append((row, label if targets == "labels" else t, loss, dx, scale))
    return cases


TARGETS = pytest.mark.parametrize("targets", ["labels", "one_hot", "soft"])


@BOTH_DTYPES
@TARGETS
@pytest.mark.parametrize("kind", hard_rows(np.float64))
def test_softmax_cross_entropy_and_its_gradient_are_right_to_their_last_digits(dtype, kind, targets):
    assert_right(dtype, kind, targets)


@BOTH_DTYPES
@TARGETS
def test_so_they_are_where_a_probability_is_close_to_1(dtype, targets):
    assert_right(dtype, "almost_certain", targets)


def assert_right(dtype, kind, targets):
    info = np.finfo(dtype)
    eps, least = float(info.eps), float(info.smallest_subnormal)
    for x, t, exact_loss, exact_dx, scale in exact_losses(kind, targets, dtype):
        loss, dx = softmax_cross_entropy(x, t, return_grad=True)
        with np.errstate(over="ignore"):
            difference_overflows = np.isinf(np.ptp(x))
        with mpmath.workprec(BITS):
            # A few roundings, of the exponentials and of their sum; and one of what may be subnormal.
            if not difference_overflows:
                assert abs(float(loss) - exact_loss) <= 8 * eps * exact_loss + least
            assert (abs(dx.astype(float) - exact_dx) <= 8 * eps * scale + least).all()
