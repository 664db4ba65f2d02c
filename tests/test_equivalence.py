"""Whatever the input, the backends answer alike: values, dtype, shape, memory and errors, through the public API."""

import math
import warnings
from operator import attrgetter

import numpy as np
import pytest
from cases import FUNCTIONS, gradient_of_loss, probabilities_for, shape_of
from hostile import HOSTILE, REFUSED, snapshot

import fastnet
from fastnet import TwoLayerNet, functions
from fastnet.gradient import numerical_gradient

INPUTS = {**HOSTILE, **{f"refused-{name}": build for name, build in REFUSED.items()}}

needs_both = pytest.mark.usefixtures("twins")
ALL_INPUTS = pytest.mark.parametrize("build", INPUTS.values(), ids=INPUTS)

# float64 and float32: what api.md promises. float16: both backends round a float32 that agrees to 1e-5, so they are at
# most on two sides of a rounding boundary, which is 1 unit in the last place.
RTOL = {"float64": 1e-12, "float32": 1e-5, "float16": 2.0**-10}


# --- what is compared ------------------------------------------------------------------------------------------------


def outcome(call, *arguments):
    """What the call returns, or the type and message of the error that it means to raise.

    A floating-point signal or a warning is none of these, and fails the test: NumPy raises all of the former here, and
    pytest's configuration all of the latter.
    """
    with np.errstate(all="raise"):
        try:
            return call(*arguments)
        except (TypeError, ValueError) as error:
            return type(error), str(error)


def on_both(call, build):
    """The outcome of `call` on either backend, with `build()` as its argument, which must come to no harm."""
    outcomes = []
    for name in ("cython", "numpy"):
        x = build()
        before = snapshot(x)
        with fastnet.use_backend(name):
            outcomes.append(outcome(call, x))
        assert snapshot(x) == before
        assert_new(outcomes[-1], x)
    return outcomes


def assert_new(result, x):
    if isinstance(result, np.ndarray):
        assert result.flags.c_contiguous
        assert result.flags.aligned
        assert result.flags.writeable
        assert result.dtype.isnative
        assert not (isinstance(x, np.ndarray) and np.may_share_memory(result, x))


def assert_alike(compiled, plain):
    assert type(compiled) is type(plain)
    if isinstance(compiled, tuple):  # an error
        assert compiled == plain
        return
    assert compiled.dtype == plain.dtype
    assert compiled.shape == plain.shape
    if compiled.dtype.kind == "i":
        assert np.array_equal(compiled, plain)
        return
    # Among the subnormals a unit in the last place is a large part of the number: 4 of them are allowed.
    np.testing.assert_allclose(
        compiled,
        plain,
        rtol=RTOL[compiled.dtype.name],
        atol=4 * float(np.finfo(compiled.dtype).smallest_subnormal),
    )


# --- fastnet.functions -----------------------------------------------------------------------------------------------


@needs_both
@ALL_INPUTS
@pytest.mark.parametrize("function", FUNCTIONS, ids=attrgetter("name"))
def test_functions_agree(function, build):
    for call in function.calls:
        assert_alike(*on_both(call, build))


@needs_both
@pytest.mark.parametrize("targets", ["labels", "one-hot"])
def test_the_cross_entropy_of_a_million_samples_agrees_and_is_the_exact_sum(targets):
    # Equal terms are the worst: added plainly, each is rounded to the same side, which makes 1e-11 of them.
    y = np.broadcast_to([0.3, 0.7], (1_000_000, 2))
    t = np.zeros(len(y), int) if targets == "labels" else np.broadcast_to([1.0, 0.0], y.shape)
    compiled, plain = on_both(lambda y: functions.cross_entropy_error(y, t), lambda: y)
    exact = -math.fsum([math.log(0.3 + 1e-7)] * len(y)) / len(y)
    np.testing.assert_allclose([compiled, plain], exact, rtol=1e-12)
    np.testing.assert_allclose(compiled, plain, rtol=1e-12)


@needs_both
@ALL_INPUTS
@pytest.mark.parametrize(
    "call",
    [lambda x: gradient_of_loss(x, probabilities_for(x)), lambda x: gradient_of_loss(probabilities_for(x), x)],
    ids=["scores", "targets"],
)
def test_the_gradient_of_softmax_cross_entropy_agrees(call, build):
    compiled, plain = on_both(call, build)
    # With soft targets it is a difference, and what is left of terms that cancel has lost digits: the tolerance is a
    # share of the terms, which are of the order of the largest target.
    if isinstance(compiled, np.ndarray) and np.all(np.isfinite(compiled)) and np.all(np.isfinite(plain)):
        assert (compiled.dtype, compiled.shape) == (plain.dtype, plain.shape)
        largest = max(1.0, float(np.max(np.abs(np.asarray(build(), float)))))
        assert np.abs(compiled.astype(float) - plain).max() <= RTOL[compiled.dtype.name] * largest
    else:
        assert_alike(compiled, plain)


# --- numerical_gradient ----------------------------------------------------------------------------------------------


def smooth(x):
    with np.errstate(all="ignore"):  # what f does is not what is tested
        return np.sum(np.sin(x, dtype=np.float64) * x)


def steep(x):
    with np.errstate(all="ignore"):
        return np.float64(1e300) * np.sum(np.square(x, dtype=np.float64))  # often inf, and then inf - inf


def discrete(x):
    return int(np.count_nonzero(x > 0))


@needs_both
@ALL_INPUTS
@pytest.mark.parametrize("h", [1e-4, 0.5, 1e38])  # the last is infinite in float16, and may be after x + h in float32
@pytest.mark.parametrize("f", [smooth, steep, discrete])
def test_numerical_gradient_agrees(build, f, h):
    compiled, plain = on_both(lambda x: numerical_gradient(f, x, h), build)
    assert_alike(compiled, plain)
    if isinstance(compiled, np.ndarray):  # the arithmetic around f is prescribed, so not even the last bit may differ
        assert np.array_equal(compiled, plain, equal_nan=True)


# --- TwoLayerNet -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["float64", "float32"])
def net(request):
    # Weights of the order of 1, so that the hidden units are not all alike. But those of one unit add up to less than
    # 1, so that a sum of the largest numbers does not overflow on its way. Whether it does would depend on the order of
    # its terms, and on whether a product is rounded before it is added, which depends on the processor.
    net = TwoLayerNet(3, 5, 4, weight_init_std=1.0, dtype=request.param, seed=0)
    net.params["W1"] /= 4 * np.abs(net.params["W1"]).max()
    return net


NETWORK_CALLS = {
    "predict": lambda net, x: net.predict(x),
    "loss": lambda net, x: net.loss(x, np.arange(np.prod(shape_of(x)[:-1], dtype=int)).reshape(shape_of(x)[:-1]) % 4),
    "loss_of_soft_targets": lambda net, x: net.loss(x, np.full((*shape_of(x)[:-1], 4), 0.25)),
    "loss_of_refused_labels": lambda net, x: net.loss(x, np.full(shape_of(x)[:-1], 4)),
}


@needs_both
@ALL_INPUTS
@pytest.mark.parametrize("call", NETWORK_CALLS.values(), ids=NETWORK_CALLS)
def test_the_network_agrees(net, build, call):
    assert_alike(*on_both(lambda x: call(net, x), build))


@needs_both
@ALL_INPUTS
def test_backpropagation_agrees(net, build):
    t = np.array([2, 0, 3, 1])

    def gradient(name):
        return lambda x: net.gradient(x, t[: len(np.atleast_1d(x))] if np.ndim(x) == 2 else 1)[name]

    for name in net.params:
        compiled, plain = on_both(gradient(name), build)
        # A gradient sums over samples and classes, and what is left of terms that cancel has lost digits: with at most
        # 4 samples and terms below 10 in these inputs, 1e-12 and 1e-5 hold for the terms, so for the sum times 40.
        if isinstance(compiled, np.ndarray) and np.all(np.isfinite(compiled)):
            assert compiled.shape == net.params[name].shape
            assert np.abs(compiled - plain).max() <= 40 * RTOL[compiled.dtype.name]
        else:
            assert_alike(compiled, plain)


def test_warnings_are_errors_here():
    # On this the tests above rely when they say that no floating-point warning is raised.
    with pytest.raises(RuntimeWarning, match="a canary"):
        warnings.warn("a canary", RuntimeWarning, stacklevel=1)
