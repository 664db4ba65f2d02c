"""The twins have one face, and each gives the values worked out by hand."""

import importlib
import inspect
import re
from math import inf, log, nan
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE, REFUSED, snapshot

import fastnet
from fastnet._checks import float_array

PACKAGE = Path(fastnet.__file__).parent
LN2, LN3 = log(2), log(3)

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


# NAME.pyx beside NAME_numpy.py
PAIRS = ["_kernels", *sorted(f"_twins/{path.stem}" for path in PACKAGE.glob("_twins/*.pyx"))]


def public_functions(source: str) -> list[str]:
    return re.findall(r"^def ([a-z]\w*)", (PACKAGE / source).read_text(encoding="utf-8"), re.MULTILINE)


# --- one face --------------------------------------------------------------------------------------------------------


def test_every_twin_has_its_other_half():
    compiled = {path.with_suffix("") for path in PACKAGE.rglob("*.pyx")}
    plain = {path.with_name(path.stem.removesuffix("_numpy")) for path in PACKAGE.rglob("*_numpy.py")}
    assert compiled == {path for path in plain if path.parent.name != "shared"} != set()


@pytest.mark.parametrize("pair", PAIRS)
def test_the_sources_define_the_same_functions_in_the_same_order(pair):
    assert public_functions(f"{pair}.pyx") == public_functions(f"{pair}_numpy.py") != []


@pytest.mark.parametrize("pair", PAIRS[1:])
def test_the_twins_declare_what_they_define_and_the_fronts_have_it(twins, pair):
    name = pair.replace("/", ".")
    compiled, plain = (importlib.import_module(f"fastnet.{name}{suffix}") for suffix in ("", "_numpy"))
    assert compiled.__all__ == plain.__all__ == sorted(public_functions(f"{pair}.pyx"))
    for front, twin in zip(twins, (compiled, plain), strict=True):
        for each in twin.__all__:
            assert getattr(front, each) is getattr(twin, each)


@pytest.mark.parametrize("name", [name for pair in PAIRS for name in public_functions(f"{pair}_numpy.py")])
def test_the_twins_of_a_kernel_cannot_be_told_apart(twins, name):
    compiled, plain = (getattr(module, name) for module in twins)
    assert compiled is not plain
    assert parameters(compiled) == parameters(plain)
    assert inspect.getdoc(compiled) == inspect.getdoc(plain) is not None
    assert compiled.__name__ == plain.__name__ == name


def parameters(function):
    """Their names and kinds: a compiled function has no annotations."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


# --- values by hand --------------------------------------------------------------------------------------------------

# The slope or alpha of the kernels that take one.
PARAMETER = {"leaky_relu": (0.25,), "leaky_relu_grad": (0.25,), "elu": (0.25,), "elu_grad": (0.25,)}

BY_HAND = {
    "sigmoid": [
        # 1 / (1 + e^-ln3) = 1 / (1 + 1/3)
        ([[0.0, LN3, -LN3]], [[0.5, 0.75, 0.25]]),
        ([1000.0, -1000.0, inf, -inf, nan], [1.0, 0.0, 1.0, 0.0, nan]),
    ],
    "sigmoid_grad": [
        # 3/4 * 1/4
        ([[0.0, LN3, -LN3]], [[0.25, 0.1875, 0.1875]]),
        ([1000.0, -1000.0, inf, -inf, nan], [0.0, 0.0, 0.0, 0.0, nan]),
    ],
    "relu": [([[-2.0, -0.0, 0.0, 3.0]], [[0.0, 0.0, 0.0, 3.0]]), ([inf, -inf, nan, 1e-30], [inf, 0.0, nan, 1e-30])],
    "tanh": [
        # (3 - 1/3) / (3 + 1/3), and of half of that (2 - 1/2) / (2 + 1/2)
        ([[0.0, LN3, -LN3], [LN2, -LN2, -0.0]], [[0.0, 0.8, -0.8], [0.6, -0.6, -0.0]]),
        ([1000.0, -1000.0, inf, -inf, nan], [1.0, -1.0, 1.0, -1.0, nan]),
    ],
    "tanh_grad": [
        # 1 - 0.8^2
        ([[0.0, LN3, -LN3, LN2]], [[1.0, 0.36, 0.36, 0.64]]),
        ([1000.0, -1000.0, inf, -inf, nan], [0.0, 0.0, 0.0, 0.0, nan]),
    ],
    "leaky_relu": [
        ([[-8.0, -0.0, 0.0, 8.0, -1e-30]], [[-2.0, -0.0, 0.0, 8.0, -2.5e-31]]),
        ([-inf, inf, nan], [-inf, inf, nan]),
    ],
    "leaky_relu_grad": [([[-8.0, -0.0, 0.0, 8.0, -inf, inf, nan]], [[0.25, 1.0, 1.0, 1.0, 0.25, 1.0, nan]])],
    "elu": [
        ([[-LN2, -0.0, 0.0, 8.0, -1e-30]], [[-0.125, -0.0, 0.0, 8.0, -2.5e-31]]),  # (1/2 - 1) / 4
        ([-inf, inf, nan], [-0.25, inf, nan]),
    ],
    "elu_grad": [([[-LN2, -0.0, 0.0, 8.0, -inf, inf, nan]], [[0.125, 1.0, 1.0, 1.0, 0.0, 1.0, nan]])],
    "softmax": [
        ([[0.0, LN3], [1000.0, 1000.0]], [[0.25, 0.75], [0.5, 0.5]]),
        # 2^0 : 2^1 : 2^2, whatever is added to all three
        ([[0.0, LN2, 2 * LN2], [-5.0, LN2 - 5, 2 * LN2 - 5]], [[1 / 7, 2 / 7, 4 / 7], [1 / 7, 2 / 7, 4 / 7]]),
        ([[7.0], [-inf], [inf]], [[1.0], [1.0], [1.0]]),
        ([[inf, 5.0, -inf], [inf, inf, 0.0]], [[1.0, 0.0, 0.0], [nan, nan, 0.0]]),
        ([[-inf, 0.0, -inf], [nan, 0.0, inf]], [[0.0, 1.0, 0.0], [nan, nan, nan]]),
        ([[1e38, -1e38]], [[1.0, 0.0]]),
        ([0.0, LN3], [0.25, 0.75]),
        ([[[0.0, LN3]], [[inf, 0.0]]], [[[0.25, 0.75]], [[1.0, 0.0]]]),
    ],
}


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("name", "x", "expected"), [(name, x, value) for name, cases in BY_HAND.items() for x, value in cases]
)
def test_array_kernels_give_the_values_worked_by_hand(kernels, dtype, name, x, expected):
    result = getattr(kernels, name)(np.array(x, dtype), *PARAMETER.get(name, ()))
    assert result.dtype == dtype
    # 4 units in the last place; the arguments near ln 2 and ln 3 are rounded themselves, which costs up to 5 / 2 more.
    np.testing.assert_allclose(result, np.array(expected), rtol=8 * np.finfo(dtype).eps, atol=0)
    assert np.array_equal(np.signbit(result), np.signbit(expected) | np.isnan(result) & np.signbit(result))


# 8,192 elements are a block in NumPy: one more, rows that do not divide it, and rows as long or longer.
SEVERAL_BLOCKS = pytest.mark.parametrize("shape", [(8193, 1), (3000, 7), (1000, 33), (3, 8192), (2, 9001)])


@BOTH_DTYPES
@SEVERAL_BLOCKS
@pytest.mark.parametrize("name", BY_HAND)
def test_what_takes_several_blocks_is_what_its_rows_are(kernels, dtype, shape, name):
    x = np.random.default_rng(0).normal(size=shape, scale=5).astype(dtype)
    kernel, parameter = getattr(kernels, name), PARAMETER.get(name, ())
    expected = np.concatenate([kernel(row, *parameter) for row in np.split(x, [1, len(x) - 1])])
    # The place of an element in a loop may change its roundings, of which there are a few.
    np.testing.assert_allclose(kernel(x, *parameter), expected, rtol=8 * np.finfo(dtype).eps, atol=0)


@BOTH_DTYPES
@SEVERAL_BLOCKS
def test_a_loss_of_several_blocks_is_that_of_its_rows(kernels, dtype, shape):
    random = np.random.default_rng(0)
    N, C = shape
    x, y, t = (random.uniform(size=shape).astype(dtype) for _ in range(3))
    labels = random.integers(C, size=N)
    losses = [
        (lambda x, t: kernels.softmax_cross_entropy_labels(x, t, True), x, labels),
        (lambda x, t: kernels.softmax_cross_entropy_targets(x, t, True), x, t),
        (lambda y, t: (kernels.cross_entropy(y, t, 0.1), None), y, labels),
        (lambda y, t: (kernels.cross_entropy(y, t, 0.1), None), y, t),
        (lambda y, t: (kernels.binary_cross_entropy(y.reshape(-1), t.reshape(-1), 0.1), None), y, t),
    ]
    for call, scores, targets in losses:
        (loss, dx), (first, first_dx), (others, others_dx) = (
            call(scores[rows], targets[rows]) for rows in (slice(None), slice(1), slice(1, None))
        )
        # Sums in double, in another order; the losses of float32 are rounded once more.
        assert loss == pytest.approx((first + others * (N - 1)) / N, rel=1e-12 if dtype is np.float64 else 1e-6)
        if dx is not None:
            expected = np.concatenate([first_dx / N, others_dx * ((N - 1) / N)])
            np.testing.assert_allclose(dx, expected, rtol=1e-12 if dtype is np.float64 else 1e-5, atol=1e-15)


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("y", "labels", "eps", "expected"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], [0, 0], 0.0, 1.5 * LN2),  # (ln 2 + ln 4) / 2
        ([[1.0, 0.0]], [0], 0.0, 0.0),
        ([[1.0, 0.0]], [1], 0.25, 2 * LN2),
        ([[1.0, 0.0]], [1], 0.0, inf),
        ([[1.0, -1.0]], [1], 0.0, nan),
        ([[nan, 1.0]], [1], 0.0, 0.0),  # what is not chosen does not count
        ([[nan, 1.0]], [0], 0.0, nan),
        ([[inf, 1.0]], [0], 0.0, -inf),
    ],
)
@pytest.mark.parametrize("label", [np.intp, np.uint8])
def test_cross_entropy_of_labels_gives_the_values_worked_by_hand(kernels, dtype, label, y, labels, eps, expected):
    loss = kernels.cross_entropy(np.array(y, dtype), np.array(labels, label), eps)
    assert type(loss) is dtype
    # Every y here is exact in float32 and the sums are taken in float64, so only the last rounding differs.
    assert loss == pytest.approx(expected, rel=float(np.finfo(dtype).eps), nan_ok=True)


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("y", "t", "eps", "expected"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5], [1.0, 0.0]], 0.0, 1.5 * LN2),  # (ln 2 + ln 4) / 2
        ([[1.0, 0.0]], [[1.0, 0.0]], 0.0, 0.0),  # 0 log 0 is 0
        ([[1.0, 0.0]], [[0.0, 1.0]], 0.25, 2 * LN2),
        ([[1.0, 0.0]], [[0.0, 1.0]], 0.0, inf),
        ([[1.0, -1.0]], [[1.0, 0.0]], 0.0, nan),  # a probability below 0 shows, chosen or not
        ([[1.0, nan]], [[1.0, 0.0]], 0.0, nan),
        ([[1.0, inf]], [[1.0, 0.0]], 0.0, nan),
        ([[1.0, 0.5]], [[1.0, nan]], 0.0, nan),
        ([[inf, 0.0]], [[1.0, 0.0]], 0.0, -inf),  # and 0 log 0 is 0 beside it
        ([[1.0, -0.25]], [[1.0, 0.0]], 0.25, -log(1.25)),  # here as well
    ],
)
def test_cross_entropy_of_targets_gives_the_values_worked_by_hand(kernels, dtype, y, t, eps, expected):
    loss = kernels.cross_entropy(np.array(y, dtype), np.array(t, dtype), eps)
    assert type(loss) is dtype
    assert loss == pytest.approx(expected, rel=float(np.finfo(dtype).eps), nan_ok=True)  # as for the labels


@BOTH_DTYPES
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 31), (3, 11), (1, 64), (41, 25), (5, 1000)])
@pytest.mark.parametrize(
    ("y_beyond", "t_beyond"),
    [([], []), ([0, -0.0], [-0.0, -1]), ([1.5, 2, 1e30], []), ([-0.25], []), ([inf], []), ([nan], []), ([], [nan])],
)
def test_cross_entropy_of_any_targets_agrees_wherever_they_are_zero(twins, dtype, share, shape, y_beyond, t_beyond):
    random = np.random.default_rng(0)
    y = random.uniform(size=shape).astype(dtype)
    t = np.where(random.uniform(size=shape) < share, random.uniform(size=shape), 0).astype(dtype)
    for array, values in ((y, y_beyond), (t, t_beyond)):
        array.flat[random.integers(array.size, size=len(values))] = values
    for eps in (0.0, 0.25):
        losses = [twin.cross_entropy(y, t, eps) for twin in twins]
        # Up to 5,000 terms, some of them of the other sign, are summed in another order.
        np.testing.assert_allclose(*losses, rtol=1e-12 if dtype is np.float64 else 1e-6, atol=1e-12)


@BOTH_DTYPES
@pytest.mark.parametrize("rows", [1, 7, 127, 128, 129, 300, 70_001])  # around a STEP of the loop; LARGE
@pytest.mark.parametrize("beyond", [[], [0, -0.0], [-0.25, -0.5], [inf, 0], [-inf, -1], [nan], [1e-45] * 4, [3e38] * 4])
def test_cross_entropy_of_labels_agrees_at_any_number_of_rows(twins, dtype, rows, beyond):
    random = np.random.default_rng(0)
    y = random.uniform(0.9, 1.0, size=(rows, 5)).astype(dtype)
    labels = random.integers(5, size=rows)
    beyond = beyond[:rows]
    y[random.permutation(rows)[: len(beyond)]] = np.array(beyond, dtype)[:, None]
    if len(beyond) > 1 and rows >= 128:  # four together: the loop multiplies what is 32 rows apart
        y[: 32 * len(beyond) : 32] = np.array(beyond, dtype)[:, None]
    for eps in (0.0, 1e-300, 1e-30, 1e-7, 0.25, 1.0, 1e300):
        losses = [twin.cross_entropy(y, labels, eps) for twin in twins]
        # float32: both twins sum in double and round once, at the end.
        np.testing.assert_allclose(*losses, rtol=1e-12 if dtype is np.float64 else 1e-6, atol=1e-12)


@BOTH_DTYPES
def test_cross_entropy_of_one_sample_is_that_of_a_batch_of_one(kernels, dtype):
    y = np.array([0.25, 0.75], dtype)
    for t in (np.array(1, np.intp), np.array(1, np.uint8), np.array([0, 1], dtype)):
        assert kernels.cross_entropy(y, t, 0.5) == kernels.cross_entropy(y[None], t[None], 0.5)


# --- what a kernel takes ---------------------------------------------------------------------------------------------


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_plain_is_what_the_checks_leave_as_it_is(kernels, name):
    x = HOSTILE[name]()
    assert kernels.is_plain(x) is (isinstance(x, np.ndarray) and x.ndim > 0 and float_array(x, "x")[0] is x)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_not_plain(kernels, name):
    assert kernels.is_plain(REFUSED[name]()) is False


def test_a_subclass_is_not_plain(kernels):
    for kind in (Subclass, np.matrix):
        assert not kernels.is_plain(np.ones((2, 2)).view(kind))


Y = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])


@pytest.mark.parametrize(
    ("y", "t", "eps"),
    [
        (Y, [1, 0], 0.1),
        (Y, np.array([1, 0], np.int32), 0.1),
        (Y, np.array([1, 0], ">i8"), 0.1),
        (Y, np.array([1, 0, 0, 0])[::2], 0.1),
        (Y, np.array([1, 0]).view(Subclass), 0.1),
        (Y, np.array([1, 3]), 0.1),
        (Y, np.array([-1, 0]), 0.1),
        (Y, np.array([0, 255], np.uint8), 0.1),
        (Y, np.array([np.iinfo(np.intp).min, 0]), 0.1),
        (Y, np.arange(5000) % 4, 0.1),
        (np.resize(Y, (5000, 3)), np.append(np.zeros(4999, int), 3), 0.1),  # the last label of many
        (Y, np.array([1]), 0.1),
        (Y, np.array([[1], [0]]), 0.1),
        (Y, np.array(1), 0.1),
        (Y[0], np.array([1]), 0.1),
        (Y, Y.astype(np.float32), 0.1),
        (Y, Y.T.copy().T, 0.1),
        (Y, Y[:1], 0.1),
        (Y, Y[0], 0.1),
        (Y[None], Y[None], 0.1),
        (Y[:0], Y[:0], 0.1),
        (Y[:0], np.zeros(0, int), 0.1),
        (Y[:, :0], np.zeros(2, int), 0.1),
        (Y[0, 0], Y[0, 0], 0.1),
        (np.array(0.5), np.array(0), 0.1),
        (Y.T, Y.T, 0.1),
        (Y.astype(">f8"), Y.astype(">f8"), 0.1),
        (Y.astype(np.float16), np.array([1, 0]), 0.1),
        (Y.tolist(), Y.tolist(), 0.1),
        (None, None, 0.1),
        (Y, None, 0.1),
        (Y, np.array([1, 0]), 1),
        (Y, np.array([1, 0]), np.float64(0.1)),
        (Y, np.array([1, 0]), -0.1),
        (Y, np.array([1, 0]), inf),
        (Y, np.array([1, 0]), nan),
        (Y, np.array([1, 0]), "0.1"),
    ],
)
def test_cross_entropy_returns_none_for_what_has_to_be_made_fit(kernels, y, t, eps):
    assert kernels.cross_entropy(y, t, eps) is None


# --- central differences ---------------------------------------------------------------------------------------------


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("y", "t", "eps", "expected"),
    [
        ([0.5, 0.25], [1.0, 0.0], 0.0, (LN2 + 2 * LN2 - LN3) / 2),  # -ln 1/2 and -ln 3/4
        ([0.25], [0.5], 0.0, 2 * LN2 - LN3 / 2),  # (ln 4 + ln 4 - ln 3) / 2
        ([0.0, 1.0], [0.0, 1.0], 0.0, 0.0),  # 0 log 0 is 0
        ([0.0, 1.0, 0.5], [0.0, 1.0, 0.5], 0.0, LN2 / 3),
        ([0.0], [1.0], 0.25, 2 * LN2),
        ([1.0], [0.0], 0.0, inf),
        ([1.5], [1.0], 0.0, nan),
        ([nan], [1.0], 0.0, nan),
        ([0.5], [nan], 0.0, nan),
    ],
)
def test_binary_cross_entropy_gives_the_values_worked_by_hand(kernels, dtype, y, t, eps, expected):
    loss = kernels.binary_cross_entropy(np.array(y, dtype), np.array(t, dtype), eps)
    assert type(loss) is float
    assert loss == pytest.approx(expected, rel=4e-16, nan_ok=True)  # as for the cross-entropy


@BOTH_DTYPES
@pytest.mark.parametrize(
    ("x", "labels", "expected", "gradient"),
    [
        # softmax is (1/4, 3/4) and (1/2, 1/2)
        ([[0.0, LN3], [7.0, 7.0]], [0, 1], 1.5 * LN2, [[-0.375, 0.375], [0.25, -0.25]]),
        ([[1000.0, 0.0]], [1], 1000.0, [[1.0, -1.0]]),
        ([[7.0], [-inf]], [0, 0], 0.0, [[0.0], [0.0]]),
        ([[inf, 0.0]], [0], 0.0, [[0.0, 0.0]]),
        ([[inf, 0.0]], [1], inf, [[1.0, -1.0]]),
        ([[inf, inf, 0.0]], [2], nan, [[nan, nan, nan]]),
        ([[0.0, nan], [7.0, 7.0]], [0, 0], nan, [[nan, nan], [-0.25, 0.25]]),
        ([[7.0], [nan]], [0, 0], nan, [[0.0], [nan]]),
    ],
)
@pytest.mark.parametrize("form", ["labels", "targets"])
def test_softmax_cross_entropy_gives_the_values_worked_by_hand(kernels, dtype, x, labels, expected, gradient, form):
    x, labels = np.array(x, dtype), np.array(labels, np.intp)
    t = labels if form == "labels" else np.eye(x.shape[1], dtype=dtype)[labels]
    kernel = getattr(kernels, f"softmax_cross_entropy_{form}")
    loss, dx = kernel(x, t, True)
    assert type(loss) is float
    assert (dx.dtype, dx.shape) == (dtype, x.shape)
    # As for softmax: ln 3 is rounded itself.
    eps = float(np.finfo(dtype).eps)
    assert loss == pytest.approx(expected, rel=4 * eps, nan_ok=True)
    np.testing.assert_allclose(dx, gradient, rtol=8 * eps, atol=0)
    assert kernel(x, t, False) == (pytest.approx(loss, rel=0, nan_ok=True), None)


@BOTH_DTYPES
def test_central_differences_give_the_values_worked_by_hand(kernels, dtype):
    x = np.array([9.0, 3.0, 9.0, -2.0], dtype)  # the function reads elements 1 and 3 alone
    out = np.full(2, nan)
    kernels.central_differences(lambda v: float(v[1] ** 2 + 4 * v[3]), x, x[1::2], 0.5, out)
    # (3.5^2 - 2.5^2) / 1 and 4 (-1.5 + 2.5) / 1, exact in binary
    assert out.tolist() == [6.0, 4.0]
    assert x.tolist() == [9.0, 3.0, 9.0, -2.0]


# --- new arrays, untouched inputs ------------------------------------------------------------------------------------


@BOTH_DTYPES
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", BY_HAND)
def test_array_kernels_return_new_arrays_and_leave_inputs_untouched(kernels, dtype, shape, name):
    x = np.linspace(-2, 2, num=np.prod(shape), dtype=dtype).reshape(shape)
    x.flags.writeable = False  # a kernel that wanted to write could not even start
    before = snapshot(x)
    result = getattr(kernels, name)(x, *PARAMETER.get(name, ()))
    assert snapshot(x) == before
    assert (result.shape, result.dtype) == (shape, dtype)
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert not np.may_share_memory(result, x)


@BOTH_DTYPES
@pytest.mark.parametrize("kind", ["labels", "targets"])
def test_cross_entropy_kernels_leave_inputs_untouched(kernels, dtype, kind):
    # y + eps is 0 in one place where t is 0 too: the term that needs a value of its own.
    y = np.array([[0.0, 1.0], [0.5, 0.5]], dtype)
    t = np.array([1, 0], np.intp) if kind == "labels" else np.array([[0, 1], [1, 0]], dtype)
    y.flags.writeable = t.flags.writeable = False
    before = snapshot(y), snapshot(t)
    assert kernels.cross_entropy(y, t, 0.0) is not None
    _, dx = getattr(kernels, f"softmax_cross_entropy_{kind}")(y, t, True)
    assert (snapshot(y), snapshot(t)) == before
    assert not np.may_share_memory(dx, y)
