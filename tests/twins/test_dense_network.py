"""The training step: its kernels against the book's formulas in float64, and what TwoLayerNet does with them."""

import sys
import threading

import numpy as np
import pytest
from backends import kernel_module

import fastnet
from fastnet import MultiLayerNet, TwoLayerNet, _backend
from fastnet._picked import Picked
from fastnet._scaled import ScaledBytes

# (dtype of the parameters, dtype of x): the second is the book's own, float32 images and float64 parameters.
DTYPES = pytest.mark.parametrize(("dtype", "x_dtype"), [("f4", "f4"), ("f8", "f4"), ("f8", "f8")])
FLOATS = pytest.mark.parametrize("dtype", ["f4", "f8"])
NAMES = "W1", "b1", "W2", "b2"
NET = "sigmoid", "softmax"  # the activation and the output of the book's network

# Of the largest value of an array. Sums of up to 784 terms, in another order: the rounding errors of a sum of n terms
# grow with the root of n, and those of 4 layers of arithmetic add up to some hundred units in the last place.
TOLERANCE = {"f4": 1e-5, "f8": 2e-14}

# Groups are 4 inputs; tiles 64 columns of float32 and 32 of float64, or 24, or 16; chunks 128 samples: below, at and
# above each.
SHAPES = [
    (1, 1, 1, 1),
    (1, 784, 50, 10),
    (3, 5, 7, 2),
    (5, 6, 1, 3),
    (7, 9, 4, 1),
    (100, 784, 50, 10),
    (64, 8, 16, 16),
    (65, 7, 17, 33),
    (128, 8, 64, 64),
    (129, 10, 65, 49),
    (256, 7, 17, 33),
    (300, 30, 130, 3),
    (9, 12, 24, 25),
    (9, 12, 32, 56),
    (9, 12, 57, 88),
    (9, 12, 89, 24),
]


def book(x, t, W1, b1, W2, b2):
    """y, and the gradient with respect to every parameter, in float64 and by the plain formulas."""
    x, t, W1, b1, W2, b2 = (np.asarray(array, np.float64) for array in (x, t, W1, b1, W2, b2))
    a1 = x @ W1 + b1
    z1 = 1 / (1 + np.exp(-a1))
    a2 = z1 @ W2 + b2
    e = np.exp(a2 - a2.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    dy = (y - t) / len(x)
    da1 = dy @ W2.T * (1 - z1) * z1
    return y, (x.T @ da1, da1.sum(axis=0), z1.T @ dy, dy.sum(axis=0))


def problem(N, D, H, C, dtype, x_dtype, used=0.2, std=0.3):
    """A batch of which the share `used` is not zero, its labels, and parameters."""
    random = np.random.default_rng([N, D, H, C])
    x = (random.standard_normal((N, D)) * (random.random((N, D)) < used)).astype(x_dtype)
    parameters = [(std * random.standard_normal(shape)).astype(dtype) for shape in ((D, H), (H,), (H, C), (C,))]
    return x, random.integers(0, C, N), parameters


def soft_targets(N, C, dtype):
    return np.random.default_rng(N).dirichlet(np.ones(C), N).astype(dtype)


def assert_close(got, wanted, dtype):
    assert got.dtype == dtype
    assert got.shape == wanted.shape
    assert got.flags.c_contiguous
    largest = np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[dtype] * largest + 1e-300)


# --- the kernels -----------------------------------------------------------------------------------------------------


@DTYPES
@pytest.mark.parametrize("used", [0.0, 0.2, 1.0], ids=["all zero", "sparse", "dense"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_step_is_the_books(kernels, shape, used, dtype, x_dtype):
    N, _, _, C = shape
    x, labels, parameters = problem(*shape, dtype, x_dtype, used)
    for t, targets in [(labels, np.eye(C)[labels]), *[(soft_targets(N, C, dtype),) * 2]]:
        y, gradients = book(x, targets, *parameters)
        for got, wanted in zip(kernels.network_gradient(x, t, tuple(parameters), *NET), gradients, strict=True):
            # db2 and all that follows from dy is a difference of numbers up to 1, whose rounding stays.
            largest = max(np.abs(wanted).max(), 1 / N)
            assert got.dtype == dtype
            assert got.shape == wanted.shape
            np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[dtype] * largest)
    assert_close(kernels.network_predict(x, tuple(parameters), *NET), y, dtype)


@FLOATS
def test_saturated_units(kernels, dtype):
    x, labels, parameters = problem(200, 20, 30, 10, dtype, dtype)
    parameters[0] *= 100  # many a hidden unit is 0 or 1 to the last digit
    parameters[2] *= 1000  # and so is every y
    with np.errstate(all="ignore"):  # the plain sigmoid overflows
        y, gradients = book(x, np.eye(10)[labels], *parameters)
    # Here a1 and a2 are about 100 and 1000 times as large as above, and so are their rounding errors.
    with np.errstate(all="raise"):
        predicted = kernels.network_predict(x, tuple(parameters), *NET)
        np.testing.assert_allclose(predicted, y, rtol=0, atol=1000 * TOLERANCE[dtype])
        for got, wanted in zip(kernels.network_gradient(x, labels, tuple(parameters), *NET), gradients, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1000 * TOLERANCE[dtype] * np.abs(wanted).max())


# --- where a value is infinite or NaN: 0 times it is NaN, so the zeros of x count too ---------------------------------

NOT_FINITE = pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])


def assert_same_limits(network, x, t, dtype):
    """What the kernels make of the samples is what the plain formulas do: NaN and infinities in the same places."""
    trace = network.trace(x, t)
    wanted = {"y": trace["y"], **{name: trace[f"d{name}"] for name in network.params}}
    with np.errstate(all="raise"):
        got = {"y": network.predict(x), **network.gradient(x, t)}
    for name, array in wanted.items():
        # A sum that is infinite in float32 may be finite and NaN with its next term, in another order.
        assert np.array_equal(np.isfinite(got[name]), np.isfinite(array)), name
        assert np.array_equal(np.isnan(got[name]), np.isnan(array)), name
        finite = np.isfinite(array)
        assert_close(got[name][finite], array[finite], dtype)


@FLOATS
@NOT_FINITE
@pytest.mark.parametrize("which", ["x", *NAMES])
@pytest.mark.usefixtures("backend")
def test_a_value_that_is_not_finite_has_the_effect_that_it_has_in_the_plain_formulas(which, value, dtype):
    x, labels, parameters = problem(150, 22, 17, 5, dtype, dtype)
    # Weights that no sample uses. The inputs are taken in fours.
    x[:, [2, *range(4, 12), 20, 21]] = 0
    network = TwoLayerNet(22, 17, 5, dtype=dtype)
    network.params = dict(zip(NAMES, parameters, strict=True))
    array = {"x": x, **network.params}[which]
    for at in {place % array.size for place in (0, 2 * 17, 5 * 17, 11 * 17 + 16, 12 * 17, -1)}:
        kept, array.flat[at] = array.flat[at], value
        assert_same_limits(network, x, labels, dtype)
        array.flat[at] = kept


@FLOATS
@NOT_FINITE
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
@pytest.mark.parametrize("activation", ["identity", "relu", "leaky_relu", "elu", "sigmoid", "tanh"])
@pytest.mark.usefixtures("backend")
def test_so_it_has_in_networks_of_any_activation_and_output(activation, output, value, dtype):
    network = MultiLayerNet(7, [6, 5], 3, activation, 0.5, output=output, dtype=dtype, seed=0)
    random = np.random.default_rng(1)
    x = (random.standard_normal((9, 7)) * (random.random((9, 7)) < 0.5)).astype(dtype)
    t = np.eye(3, dtype=dtype)[random.integers(3, size=9)]
    for name in network.params:
        for at in (0, -1):
            kept, network.params[name].flat[at] = network.params[name].flat[at], value
            assert_same_limits(network, x, t, dtype)
            network.params[name].flat[at] = kept
    for array in network.params.values():  # as after the first update by a gradient of NaN
        array[:] = value
    assert_same_limits(network, x, t, dtype)


@FLOATS
@NOT_FINITE
@pytest.mark.usefixtures("backend")
def test_so_it_has_in_one_layer(value, dtype):
    network = MultiLayerNet(3, [], 5, weight_init_std=0.5, output="identity", dtype=dtype, seed=0)
    x, t = np.ones((150, 3), dtype), np.zeros((150, 5), dtype)
    x[::2, 1] = 0
    for at in [(0, 0), (127, 4), (128, 0), (149, 2)]:
        t[at] = value
        assert_same_limits(network, x, t, dtype)
        t[at] = 0


@FLOATS
@pytest.mark.parametrize("unit", [0, 1, 16])
@pytest.mark.usefixtures("backend")
def test_a_derivative_may_overflow_on_its_way_back(unit, dtype):
    # z1 is 1/2 everywhere, so a2 is half the large weight, da2 all of it, and da2 W2' its square.
    large = 0.95 * np.sqrt(np.finfo(dtype).max)
    network = MultiLayerNet(3, [17], 1, "sigmoid", 0, output="identity", dtype=dtype)
    x, t = np.array([[0, 1, 0]], dtype), np.zeros((1, 1), dtype)
    for weight, overflows in [(large, False), (1.1 * large, True)]:
        network.params["W2"][unit] = weight
        assert_same_limits(network, x, t, dtype)
        assert np.isfinite(network.gradient(x, t)["b1"]).all() == (not overflows)


@FLOATS
@pytest.mark.usefixtures("backend")
def test_layers_may_overflow(dtype):
    network = MultiLayerNet(2, [2, 2], 2, "relu", output="identity", dtype=dtype)
    x, t = np.ones((3, 2), dtype), np.ones((3, 2), dtype)
    huge = np.full((2, 2), np.finfo(dtype).max / 4, dtype)
    W, b = np.eye(2, dtype=dtype), np.zeros(2, dtype)
    for parameters in ((huge, b, huge, b, W, b), (W, b, huge, b, huge, b), (W, b, W, b, huge, huge[0])):
        network.params = dict(zip(network.params, parameters, strict=True))
        assert_same_limits(network, x, t, dtype)
        assert_same_limits(network, 8 * x, t, dtype)


@FLOATS
@pytest.mark.usefixtures("backend")
def test_a_network_of_nan_calls_no_more_functions_than_one_that_is_well(dtype):
    x, labels, _ = problem(20, 22, 17, 5, dtype, dtype)
    network = TwoLayerNet(22, 17, 5, dtype=dtype, seed=0)

    def calls():
        count = 0

        def tick(_frame, event, _argument):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(tick)
        try:
            network.gradient(x, labels)
        finally:
            sys.setprofile(None)
        return count

    well = calls()
    network.params["W1"][:] = np.nan
    # The NumPy twin looks up the limits of softmax where the scores are not finite.
    assert calls() <= well + (60 if fastnet.get_backend() == "numpy" else 0)


@FLOATS
def test_labels_count_as_one_hot_to_the_last_bit(kernels, dtype):
    x, labels, parameters = problem(150, 22, 17, 5, dtype, dtype)
    by_one_hot = kernels.network_gradient(x, np.eye(5, dtype=dtype)[labels], tuple(parameters), *NET)
    for kind in (np.intp, np.uint8):
        by_labels = kernels.network_gradient(x, labels.astype(kind), tuple(parameters), *NET)
        assert all(np.array_equal(a, b) for a, b in zip(by_labels, by_one_hot, strict=True))


class Subclass(np.ndarray):
    pass


X, T, ONE_HOT = np.ones((3, 4), "f4"), np.array([0, 1, 1]), np.ones((3, 2), "f4")


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (X.tolist(), T),
        (None, T),
        (X[0], T[0]),
        (X[:, :3].copy(), T),
        (X[:, None], T),
        (X.astype("f8"), T),
        (X.astype("f2"), T),
        (X.astype("i4"), T),
        (X.astype(X.dtype.newbyteorder()), T),
        (np.asfortranarray(X), T),
        (np.ones((6, 4), "f4")[::2], T),
        (X.view(Subclass), T),
        (np.ma.array(X), T),
    ],
)
def test_inputs_that_have_to_be_made_fit_are_left_to_the_caller(kernels, x, t):
    parameters = tuple(np.ones(shape, "f4") for shape in ((4, 5), (5,), (5, 2), (2,)))
    assert kernels.network_predict(x, parameters, *NET) is None
    assert kernels.network_gradient(x, t, parameters, *NET) is None
    assert kernels.network_predict(X, parameters, *NET) is not None
    assert kernels.network_gradient(X, T, parameters, *NET) is not None


@pytest.mark.parametrize(
    ("x", "t"),
    [
        (X[:0], T[:0]),
        (X, T.tolist()),
        (X, None),
        (X, T[:2]),
        (X, T[:, None]),
        (X, T.astype("i4")),
        (X, T.astype("f4")),
        (X, T.astype(T.dtype.newbyteorder())),
        (X, np.zeros(6, int)[::2]),
        (X, T.view(Subclass)),
        (X, np.array([0, 1, 2])),
        (X, np.array([0, 1, 2], np.uint8)),
        (X, np.array([0, -1, 1])),
        (X, np.array([np.iinfo(np.intp).min, 0, 0])),
        (X, np.zeros((3, 2), np.uint8)),
        (X, ONE_HOT.astype("f8")),
        (X, ONE_HOT[:2]),
        (X, np.ones((3, 3), "f4")),
        (X, np.asfortranarray(ONE_HOT)),
        (X, 2 * ONE_HOT),
        (X, ONE_HOT - np.float32(1e-45) - [[1, 1], [1, 1], [1, 0]]),
        (X, np.array([[0, 1], [0, 1], [np.nan, np.inf]], "f4")),
    ],
)
def test_targets_that_have_to_be_made_fit_are_left_to_the_caller(kernels, x, t):
    parameters = tuple(np.ones(shape, "f4") for shape in ((4, 5), (5,), (5, 2), (2,)))
    assert kernels.network_gradient(x, t, parameters, *NET) is None
    assert kernels.network_gradient(X, ONE_HOT, parameters, *NET) is not None


@DTYPES
def test_picked_rows_are_the_array_of_these_rows_to_the_last_bit(kernels, dtype, x_dtype):
    x, t, parameters = problem(300, 20, 7, 3, dtype, x_dtype)
    parameters = tuple(parameters)
    rows = np.random.default_rng(0).integers(300, size=200)
    picked = kernels.network_gradient(Picked(x, rows), t[rows], parameters, *NET)
    copied = kernels.network_gradient(x[rows], t[rows], parameters, *NET)
    assert [each.tobytes() for each in picked] == [each.tobytes() for each in copied]


def test_an_array_that_is_not_in_memory_is_not_had_without_a_copy():
    picked, scaled = Picked(X, np.array([2, 0])), ScaledBytes(np.ones((2, 4), "u1"), 0.5)
    assert len(picked) == 2
    for each in (picked, scaled):
        np.testing.assert_array_equal(np.asarray(each), each.__array__(copy=True))
        with pytest.raises(ValueError, match="cannot be had without a copy"):
            each.__array__(copy=False)


def test_picked_rows_that_are_no_numbers_of_rows_are_left_to_the_caller():
    kernels = kernel_module("cython")
    parameters = tuple(np.ones(shape, "f4") for shape in ((4, 5), (5,), (5, 2), (2,)))
    assert kernels.network_gradient(Picked(X, np.array([2, 0, 1])), T, parameters, *NET) is not None
    for rows in ([2, 0, 1], np.zeros(3, "i4"), np.zeros((3, 1), int), np.array([3, 0, 1]), np.array([-1, 0, 1])):
        assert kernels.network_gradient(Picked(X, rows), T, parameters, *NET) is None


def test_labels_are_for_softmax_alone(kernels):
    parameters = tuple(np.ones(shape, "f4") for shape in ((4, 5), (5,), (5, 2), (2,)))
    for output in ("sigmoid", "sigmoid_mse", "identity"):
        assert kernels.network_gradient(X, T, parameters, "relu", output) is None
        assert kernels.network_gradient(X, ONE_HOT, parameters, "relu", output) is not None


DEEP = {  # N, D, the units of each layer
    "linear": (70, 9, 3),
    "narrow": (130, 5, 1, 1, 2),
    "odd": (65, 30, 7, 66, 33, 5),
    "784-100-100-10": (100, 784, 100, 100, 10),
}
FORMULAS = {  # and the derivative
    "identity": (lambda a: a, np.ones_like),
    "relu": (lambda a: np.where(a > 0, a, 0), lambda a: np.where(a > 0, 1, 0)),
    "leaky_relu": (lambda a: np.where(a > 0, a, 0.1 * a), lambda a: np.where(a >= 0, 1, 0.1)),
    "elu": (lambda a: np.where(a > 0, a, np.exp(a) - 1), lambda a: np.where(a >= 0, 1, np.exp(a))),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: 1 / (2 + np.exp(a) + np.exp(-a))),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
}


def deep_book(x, t, parameters, activation, output):
    """y, and the gradient with respect to every parameter, in float64 and by the plain formulas."""
    x, t, *parameters = (np.asarray(array, np.float64) for array in (x, t, *parameters))
    function, slope = FORMULAS[activation]
    z, a = [x], []
    for W, b in zip(parameters[::2], parameters[1::2], strict=True):
        a.append(z[-1] @ W + b)
        z.append(function(a[-1]))
    if output == "softmax":
        e = np.exp(a[-1] - a[-1].max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
    else:
        y = FORMULAS[output.removesuffix("_mse")][0](a[-1])
    da = (y * t.sum(axis=1, keepdims=True) if output == "softmax" else y) - t
    da /= {"softmax": len(x), "sigmoid": y.size, "sigmoid_mse": y.size / 2, "identity": y.size / 2}[output]
    if output == "sigmoid_mse":
        da *= y * (1 - y)
    gradients = []
    for layer in range(len(a) - 1, -1, -1):
        gradients = [z[layer].T @ da, da.sum(axis=0), *gradients]
        if layer:
            da = da @ parameters[2 * layer].T * slope(a[layer - 1])
    return y, gradients


@FLOATS
@pytest.mark.parametrize("a", [-30.0, -15.0, -8.0, -5.0, 5.0, 8.0, 15.0, 30.0])
@pytest.mark.parametrize(("activation", "slope"), [
    ("tanh", lambda a: 1 / np.cosh(a) ** 2), ("elu", lambda a: np.exp(min(a, 0.0))),
    ("sigmoid", lambda a: 1 / (2 + np.exp(a) + np.exp(-a))),
])  # fmt: skip
def test_a_small_slope_keeps_its_digits(kernels, activation, slope, a, dtype):
    # One unit, whose slope is then a factor of the first weight's gradient: 1 - z^2 or 1 + z would have lost it.
    parameters = [np.array([[a]], dtype), np.zeros(1, dtype), np.array([[1.0, 0.0]], dtype), np.zeros(2, dtype)]
    x, t = np.ones((1, 1), dtype), np.array([0])
    dW1, _, _, db2 = kernels.network_gradient(x, t, tuple(parameters), activation, "softmax")
    wanted = float(db2[0]) * slope(a)
    assert dW1[0, 0] == pytest.approx(wanted, rel=8 * float(np.finfo(dtype).eps), abs=0)


@DTYPES
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
@pytest.mark.parametrize("activation", FORMULAS)
@pytest.mark.parametrize("sizes", DEEP.values(), ids=DEEP.keys())
def test_the_step_of_any_network_is_the_formulas(kernels, sizes, activation, output, dtype, x_dtype):
    N, D, *units = sizes
    random = np.random.default_rng(sizes)
    x = (random.standard_normal((N, D)) * (random.random((N, D)) < 0.3)).astype(x_dtype)
    parameters = []
    for inputs, U in zip([D, *units], units, strict=False):
        scale = 1 / np.sqrt(inputs)
        parameters += [(scale * random.standard_normal(shape)).astype(dtype) for shape in ((inputs, U), U)]
    t = random.dirichlet(np.ones(units[-1]), N).astype(dtype)
    y, gradients = deep_book(x, t, parameters, activation, output)
    with np.errstate(all="raise"):
        got = kernels.network_gradient(x, t, tuple(parameters), activation, output)
        predicted = kernels.network_predict(x, tuple(parameters), activation, output)
    # As above. Where relu bends, float32 may fall to the other side: only of a that is 0 to its rounding, and there is
    # no such a here.
    np.testing.assert_allclose(predicted, y, rtol=0, atol=TOLERANCE[dtype] * max(1, np.abs(y).max()))
    assert len(got) == len(gradients)
    for one, wanted in zip(got, gradients, strict=True):
        assert one.dtype == dtype
        assert one.shape == wanted.shape
        np.testing.assert_allclose(one, wanted, rtol=0, atol=TOLERANCE[dtype] * max(np.abs(wanted).max(), 1 / N))


@DTYPES
def test_inputs_are_untouched_and_results_are_new(kernels, dtype, x_dtype):
    x, labels, parameters = problem(150, 22, 17, 5, dtype, x_dtype)
    arrays = [x, labels, soft_targets(150, 5, dtype), *parameters]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    first, again = (kernels.network_gradient(x, labels, tuple(parameters), *NET) for _ in range(2))
    kernels.network_gradient(x, arrays[2], tuple(parameters), *NET)
    y, y_again = (kernels.network_predict(x, tuple(parameters), *NET) for _ in range(2))
    assert all(np.array_equal(array, kept) for array, kept in zip(arrays, before, strict=True))
    results = [*first, *again, y, y_again]
    for i, result in enumerate(results):
        assert result.flags.writeable
        assert not any(np.shares_memory(result, other) for other in [*results[:i], *arrays])
    for a, b in zip([*first, y], [*again, y_again], strict=True):
        assert np.array_equal(a, b)


@DTYPES
def test_nothing_is_predicted_for_nothing(kernels, dtype, x_dtype):
    x, _, parameters = problem(3, 5, 7, 2, dtype, x_dtype)
    y = kernels.network_predict(x[:0], tuple(parameters), *NET)
    assert y.shape == (0, 2)
    assert y.dtype == dtype


# --- TwoLayerNet -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
@DTYPES
def test_the_networks_gradient_and_predictions_are_its_traces(dtype, x_dtype):
    x, labels, parameters = problem(130, 22, 17, 5, dtype, x_dtype)
    network = TwoLayerNet(22, 17, 5, dtype=dtype)
    network.params = dict(zip(NAMES, parameters, strict=True))
    for xs, t in [(x, labels), (x, soft_targets(130, 5, dtype)), (x[0], labels[0]), (x[:1], labels[:1, np.newaxis])]:
        trace, gradients = network.trace(xs, t), network.gradient(xs, t)
        assert list(gradients) == list(NAMES)
        for name in NAMES:
            assert_close(gradients[name], trace["d" + name], dtype)
        assert_close(network.predict(xs), trace["y"], dtype)


@pytest.mark.usefixtures("backend")
def test_float32_images_are_not_converted_as_a_whole(monkeypatch):
    seen = []
    network = TwoLayerNet(6, 4, 3, seed=0)
    for name in ("network_gradient", "network_predict"):
        kernel = getattr(_backend.kernels, name)
        monkeypatch.setattr(
            _backend.kernels, name, lambda x, *rest, kernel=kernel: (seen.append(x), kernel(x, *rest))[1]
        )
    x, t = np.random.default_rng(0).random((5, 6), np.float32), np.array([0, 1, 2, 0, 1])
    network.gradient(x, t)
    network.accuracy(x, t)
    assert all(np.shares_memory(array, x) for array in seen)
    assert len(seen) == 2


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 7), (130, 784), (2500, 9)])
@pytest.mark.parametrize("weight", [0.3, np.inf, np.nan])
@FLOATS
def test_bytes_give_what_the_floats_that_they_stand_for_give_to_the_last_bit(shape, weight, dtype):
    random = np.random.default_rng(shape)
    values = random.integers(0, 256, shape, np.uint8) * (random.random(shape) < 0.3).astype(np.uint8)
    t = random.integers(0, 3, len(values))
    network = TwoLayerNet(shape[1], 5, 3, weight_init_std=0.5, dtype=dtype, seed=0)
    network.params["W1"][0, 1] = weight
    held, floats = ScaledBytes(values, 255), values / np.float32(255)
    assert np.array_equal(network.predict(held), network.predict(floats), equal_nan=True)
    assert np.array_equal(network.loss(held, t), network.loss(floats, t), equal_nan=True)
    assert network.accuracy(held, t) == network.accuracy(floats, t)
    gradients, wanted = network.gradient(held, t), network.gradient(floats, t)
    assert all(np.array_equal(gradients[name], wanted[name], equal_nan=True) for name in NAMES)


def test_the_predictions_of_an_accuracy_keep_their_order_in_threads(monkeypatch):
    monkeypatch.setattr("fastnet._threads._number", 3)
    x, labels, parameters = problem(9500, 6, 5, 3, "f8", "f8", used=1.0, std=3.0)
    network = TwoLayerNet(6, 5, 3)
    network.params = dict(zip(NAMES, parameters, strict=True))
    t = network.predict(x).argmax(axis=1)
    assert network.accuracy(x, t) == 1.0
    assert network.accuracy(x, labels) == np.mean(t == labels) < 0.9
    with fastnet.use_backend("numpy"):
        assert network.accuracy(x, t) == 1.0


@pytest.mark.usefixtures("backend")
def test_a_predict_of_the_users_own_is_called_in_one_thread_with_arrays():
    threads, kinds = set(), set()

    class Watched(TwoLayerNet):
        def predict(self, x):
            threads.add(threading.get_ident())
            kinds.add(type(x))
            return super().predict(x)

    Watched(4, 5, 3, seed=0).accuracy(ScaledBytes(np.ones((3500, 4), np.uint8), 255), np.zeros(3500, int))
    assert (threads, kinds) == ({threading.get_ident()}, {np.ndarray})


def test_threads_do_not_disturb_each_other():
    x, labels, parameters = problem(300, 100, 50, 10, "f4", "f4")
    network = TwoLayerNet(100, 50, 10, dtype="f4")
    network.params = dict(zip(NAMES, parameters, strict=True))
    batches = [slice(i, i + 100) for i in (0, 100, 200)]
    wanted = [network.gradient(x[batch], labels[batch]) for batch in batches]
    wrong = []

    def work(i):
        for _ in range(50):
            gradients = network.gradient(x[batches[i]], labels[batches[i]])
            wrong.extend(name for name in NAMES if not np.array_equal(gradients[name], wanted[i][name]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
