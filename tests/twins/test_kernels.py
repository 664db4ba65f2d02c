"""The twins have one face, and each gives the values worked out by hand."""

import importlib
import inspect
import re
from math import inf, nan
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import ELEMENTWISE, KERNELS, is_labels, made
from hostile import HOSTILE, REFUSED, snapshot

import fastnet
from fastnet._checks import float_array

PACKAGE = Path(fastnet.__file__).parent
BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
NAME = attrgetter("name")
# Those that return an array of the shape of their first argument.
ARRAY_KERNELS = [case for case in KERNELS if case.name in {"softmax", *(each.name for each in ELEMENTWISE)}]


# NAME.pyx beside NAME_numpy.py
PAIRS = ["_kernels", *sorted(f"_twins/{path.stem}" for path in PACKAGE.glob("_twins/*.pyx"))]


def public_functions(source: str) -> list[str]:
    return re.findall(r"^def ([a-z]\w*)", (PACKAGE / source).read_text(encoding="utf-8"), re.MULTILINE)


# --- one face --------------------------------------------------------------------------------------------------------


def test_every_twin_has_its_other_half():
    compiled = {path.with_suffix("") for path in PACKAGE.rglob("*.pyx") if path.parent.name != "shared"}
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

BY_HAND = [
    pytest.param(case, arguments, label, expected, id=f"{case.name}-{number}{'' if label is np.intp else '-bytes'}")
    for case in KERNELS
    for number, (arguments, expected) in enumerate(case.by_hand)
    for label in (case.labels if any(map(is_labels, arguments)) else [np.intp])
]


@BOTH_DTYPES
@pytest.mark.parametrize(("case", "arguments", "label", "expected"), BY_HAND)
def test_a_kernel_gives_the_values_worked_by_hand(kernels, dtype, case, arguments, label, expected):
    result = getattr(kernels, case.name)(*made(arguments, dtype, label))
    results, values = (each if isinstance(expected, tuple) else (each,) for each in (result, expected))
    for value, by_hand, tolerance in zip(results, values, case.rtol(float(np.finfo(dtype).eps)), strict=True):
        np.testing.assert_allclose(value, np.array(by_hand), rtol=tolerance, atol=0)
        if isinstance(by_hand, list):
            assert value.dtype == dtype
        elif isinstance(by_hand, np.ndarray):  # of this dtype always
            assert value.dtype == by_hand.dtype
        else:
            assert type(value) is (case.scalar or dtype)
    if isinstance(expected, list):  # no difference of two numbers, so 0 has a sign
        assert np.array_equal(np.signbit(result), np.signbit(expected) | np.isnan(result) & np.signbit(result))


@pytest.mark.parametrize("case", [case for case in ELEMENTWISE if case.has_kernel], ids=NAME)
def test_the_values_worked_by_hand_show_where_nan_and_the_infinities_go(case):
    x = [value for row, _ in case.by_hand for value in np.ravel(row)]
    assert np.isnan(x).any()
    assert {inf, -inf} <= set(x)


# 8,192 elements are a block in NumPy: one more, rows that do not divide it, and rows as long or longer. From 65,536
# elements on, the compiled loop runs without the GIL.
SEVERAL_BLOCKS = pytest.mark.parametrize("shape", [(8193, 1), (3000, 7), (1000, 33), (3, 8192), (2, 9001), (8, 8200)])


@BOTH_DTYPES
@SEVERAL_BLOCKS
@pytest.mark.parametrize("case", ARRAY_KERNELS, ids=NAME)
def test_what_takes_several_blocks_is_what_its_rows_are(kernels, dtype, shape, case):
    x = np.random.default_rng(0).normal(size=shape, scale=5).astype(dtype)
    kernel, parameter = getattr(kernels, case.name), case.arguments(dtype)[1:]
    expected = np.concatenate([kernel(row, *parameter) for row in np.split(x, [1, len(x) - 1])])
    # The place of an element in a loop may change its roundings, of which there are a few.
    np.testing.assert_allclose(kernel(x, *parameter), expected, rtol=8 * np.finfo(dtype).eps, atol=0)


@BOTH_DTYPES
@pytest.mark.parametrize("columns", [64, 1000])
def test_a_row_of_softmax_does_not_depend_on_the_rows_before(kernels, dtype, columns):
    near = np.random.default_rng(0).normal(size=columns).astype(dtype)
    rows = np.stack([near, near - dtype(1000), near])  # exp of the second row underflows, so it is shifted first
    softmax = kernels.softmax(rows)
    # The difference of two elements of a row keeps half a unit of 1000, before and after.
    np.testing.assert_allclose(softmax, softmax[[0, 0, 0]], rtol=2 * 1000 * np.finfo(dtype).eps)


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
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 31), (3, 11), (1, 64), (41, 25), (5, 1000)])
@pytest.mark.parametrize(
    ("y_beyond", "t_beyond"),
    [([], []), ([0, -0.0], [-0.0, 1]), ([1.5, 2, 1e30], []), ([-0.25], []), ([inf], []), ([nan], []), ([], [nan])],
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
@pytest.mark.parametrize("form", ["labels", "targets"])
@pytest.mark.parametrize("rows", [1, 4])
def test_the_loss_is_the_same_without_its_gradient(kernels, dtype, form, rows):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype(dtype)
    t = np.arange(rows) % 3
    kernel = getattr(kernels, f"softmax_cross_entropy_{form}")
    for scores in (x, np.where(x > 1, inf, x).astype(dtype), np.where(x > 1, nan, x).astype(dtype)):
        targets = t if form == "labels" else np.eye(3, dtype=dtype)[t]
        loss, _ = kernel(scores, targets, True)
        assert kernel(scores, targets, False) == (pytest.approx(loss, rel=0, nan_ok=True), None)


@BOTH_DTYPES
def test_central_differences_give_the_values_worked_by_hand(kernels, dtype):
    x = np.array([9.0, 3.0, 9.0, -2.0], dtype)  # the function reads elements 1 and 3 alone
    out = np.full(2, nan)
    kernels.central_differences(lambda v: float(v[1] ** 2 + 4 * v[3]), x, x[1::2], 0.5, pytest.fail, out)
    # (3.5^2 - 2.5^2) / 1 and 4 (-1.5 + 2.5) / 1, exact in binary
    assert out.tolist() == [6.0, 4.0]
    assert x.tolist() == [9.0, 3.0, 9.0, -2.0]


# --- new arrays, untouched inputs ------------------------------------------------------------------------------------


def arrays_in(value: Any) -> list[np.ndarray]:
    """All arrays among arguments or results."""
    if isinstance(value, np.ndarray):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [array for each in values for array in arrays_in(each)]


@BOTH_DTYPES
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1), (4, 3), (2, 3, 4)])
@pytest.mark.parametrize("case", ARRAY_KERNELS, ids=NAME)
def test_array_kernels_return_new_arrays_and_leave_inputs_untouched(kernels, dtype, shape, case):
    x = np.linspace(-2, 2, num=np.prod(shape), dtype=dtype).reshape(shape)
    x.flags.writeable = False  # a kernel that wanted to write could not even start
    before = snapshot(x)
    result = getattr(kernels, case.name)(x, *case.arguments(dtype)[1:])
    assert snapshot(x) == before
    assert (result.shape, result.dtype) == (shape, dtype)
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert not np.may_share_memory(result, x)


EACH_KERNEL = pytest.mark.parametrize(
    ("case", "dtype"),
    [pytest.param(case, dtype, id=f"{case.name}-{dtype.__name__}") for case in KERNELS for dtype in case.dtypes],
)


@EACH_KERNEL
def test_a_kernel_changes_what_it_says_and_nothing_else_and_returns_new_arrays(kernels, case, dtype):
    arguments = case.arguments(dtype)
    changing = [array for i in case.changes for array in arrays_in(arguments[i])]
    for array in arrays_in(arguments):
        array.flags.writeable = any(array is each for each in changing)
    before = [snapshot(array) for array in arrays_in(arguments)]
    with np.errstate(all="raise"):
        results = arrays_in(getattr(kernels, case.name)(*arguments))
    for array, old in zip(arrays_in(arguments), before, strict=True):
        assert (snapshot(array) == old) is not any(array is each for each in changing)
    if not case.returns_inputs:
        for result in results:
            assert result.flags.c_contiguous
            assert result.flags.writeable
            assert not any(np.may_share_memory(result, array) for array in arrays_in(arguments))


@EACH_KERNEL
def test_the_twins_of_a_kernel_agree(twins, case, dtype):
    outcomes = []
    for twin in twins:
        arguments = case.arguments(dtype)
        result = getattr(twin, case.name)(*arguments)
        outcomes.append((result, [*arrays_in(result), *arrays_in(arguments)]))
    (compiled, compiled_arrays), (plain, plain_arrays) = outcomes
    assert type(compiled) is type(plain)
    assert (compiled is None) == bool(case.changes)
    rtol = 1e-12 if dtype is np.float64 else 1e-5  # what the documentation of the backends promises
    if not isinstance(plain, np.ndarray | tuple | list | None):
        assert compiled == pytest.approx(plain, rel=rtol)
    for one, other in zip(compiled_arrays, plain_arrays, strict=True):
        assert one.dtype == other.dtype
        # Of sums, and of differences, the largest of their terms counts.
        largest = np.nanmax(np.abs(other))
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * largest + case.atol)


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
