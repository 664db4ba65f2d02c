"""The derivatives of forward mode are right within their bounds, and the bounds are no wider than they have to be."""

import itertools
import math

import effort
import numpy as np
import pytest
import verdicts

from fastnet import MultiLayerNet
from fastnet.gradient import gradient_check
from fastnet.networks import forward_mode
from fastnet.networks.forward_mode import Bounded, Rounding

pytestmark = pytest.mark.usefixtures("backend")

OUTPUTS = ["softmax", "sigmoid", "sigmoid_mse", "identity"]


def network(sizes, activation="relu", output="identity", dtype=np.float64, decay=0.0, **params):
    """Return a network of these parameters; those that are not named are 0."""
    D, *hidden, C = sizes
    net = MultiLayerNet(D, hidden, C, activation, 0.0, decay, output=output, dtype=dtype, seed=0)
    for name, value in params.items():
        net.params[name] = np.broadcast_to(np.array(value, dtype), net.params[name].shape).copy()
    return net


def assert_within_bounds(net, x, t):
    """Compare forward mode and backpropagation with the gradient in 400 bits."""
    truth, right, forward = verdicts.true_gradient((net, x, t)), net.gradient(x, t), net._forward_mode(x, t)
    for derivatives, (name, true) in zip(forward.derivatives, truth.items(), strict=True):
        assert (abs(derivatives.value - true) <= derivatives.error).all(), name
        assert (abs(right[name] - true) <= derivatives.error).all(), name


# --- the errors are within the bounds ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_errors_of_random_networks_are_within_their_bounds(dtype):
    for number in range(100 if effort.FULL else 20):
        net, x, t, *_ = verdicts.draw(np.random.default_rng([2, number]), dtype)
        assert_within_bounds(net, x, t)


UNDERFLOWING = {
    "a product loses digits": (network([2, 1]), [[1e-160, 3e-160]], [[1.3e-160]]),
    "a product is 0": (network([2, 1]), [[1e-170, 3e-180]], [[1.3e-160]]),
    "a product in float32": (network([2, 1], dtype=np.float32), [[1e-20, 3e-20]], [[1.3e-20]]),
    "a weight decay in float32": (network([2, 1], dtype=np.float32, decay=1e-14, W1=1.7e-30), [[0.0, 1.0]], [[1.0]]),
    "a weight decay": (network([2, 1], decay=1e-10, W1=3.3e-312), [[0.0, 1.0]], [[1.0]]),
    # The slope is 1e-109 or 1e-200. Times W2, it is subnormal or 0, and the derivative of the loss is large.
    "a move loses digits": (network([1, 1, 1], "sigmoid", W1=-250, W2=1.1e-210), [[1.0]], [[1e100]]),
    "a move is 0": (network([1, 1, 1], "sigmoid", W1=-460, W2=1.1e-200), [[1.0]], [[1e100]]),
    "two slopes are 0 together": (
        network([1, 1, 1, 1], "sigmoid", W1=-400, W2=1, b2=-400, W3=1e60), [[1.0]], [[1e5]],
    ),
    "a slope of tanh is 0": (network([1, 1, 1], "tanh", W1=340, W2=1), [[1.0]], [[3.0]]),
    "a slope of sigmoid is 0": (network([1, 1, 1], "sigmoid", W1=-690, W2=1), [[1.0]], [[3.0]]),
    # NumPy's sigmoid overflows in e^90 and is 0.
    "a unit in float32": (network([1, 1, 1], "sigmoid", dtype=np.float32, W1=-90, W2=1), [[1.0]], [[1000.0]]),
    "a slope in float32": (network([1, 1, 1], "sigmoid", dtype=np.float32, W1=-90, W2=1000), [[1.0]], [[1000.0]]),
    "an output in float32": (network([1, 2], output="softmax", dtype=np.float32, b1=[-100, 0]), [[1e8]], [1]),
}  # fmt: skip


@pytest.mark.parametrize(("net", "x", "t"), UNDERFLOWING.values(), ids=UNDERFLOWING.keys())
def test_what_underflow_takes_away_is_within_the_bounds(net, x, t):
    x, t = np.array(x, net.dtype), np.array(t)
    assert_within_bounds(net, x, t)
    assert gradient_check(net, x, t).verdict != "differs"


def test_a_mistake_in_a_tiny_gradient_is_found_behind_a_large_weight():
    """What underflow may take away grows with the weight, but is still far below the gradient."""
    net = network([1, 1, 1], "identity", W1=0, W2=1e170, b2=1e-280)
    x, t, right = np.ones((1, 1)), np.zeros((1, 1)), net.gradient
    assert gradient_check(net, x, t).verdict == "agrees"
    assert np.isclose(right(x, t)["b1"], 2e-110, rtol=1e-12, atol=0)
    net.gradient = lambda x, t: (gradients := right(x, t)) | {"b1": 1.02 * gradients["b1"]}
    assert gradient_check(net, x, t).rows["b1"].verdict == "differs"


def test_a_weight_decay_in_float32_rounds_three_times():
    # The strength, its product with W, and the sum with a small gradient are all rounded down, each by almost 2^-24.
    W = 1 + 2027 * 2.0**-23
    x, t = np.array([[2.0**-13]], np.float32), np.array([[2.0**-13 * W - 0.99 * 2.0**-12]])
    net = network([1, 1], dtype=np.float32, decay=W + 0.98 * 2.0**-24, W1=W)
    assert_within_bounds(net, x, t)


def test_the_bound_of_a_sum_holds_if_all_terms_round_to_the_same_side():
    rounding = Rounding(float(np.finfo(np.float32).eps), 0.0, 0.0, np.inf)
    for n in range(1, 30):
        terms = np.full((1, n), 2.0**-24)
        terms[0, 0] = 1
        total = np.float32(0)
        for term in terms[0].astype(np.float32):
            total += term  # 1, n times
        of_sum = rounding.product(exact(terms), exact(np.ones((n, 1))))
        assert abs(total - of_sum.value) <= of_sum.error


def test_the_bound_of_a_long_sum_grows_as_the_square_root_of_its_length():
    n = 10_000
    of_sum = Rounding(2.0**-52, 0.0, 0.0, np.inf).product(exact(np.ones((1, n))), exact(np.ones((n, 1))))
    assert of_sum.value == n
    assert of_sum.error <= 2.1 * math.sqrt(n) * 2.0**-52 * n


def exact(array):
    return Bounded(array, np.zeros_like(array))


# --- the loss ---------------------------------------------------------------------------------------------------------


def softmax(a):
    e = np.exp(a)
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# The derivatives of the mean loss (N, C) with respect to the scores.
SLOPES = {
    "softmax": lambda a, t: (softmax(a) * t.sum(axis=1, keepdims=True) - t) / len(t),
    "sigmoid": lambda a, t: (sigmoid(a) - t) / t.size,
    "sigmoid_mse": lambda a, t: 2 * (sigmoid(a) - t) * sigmoid(a) * sigmoid(-a) / t.size,
    "identity": lambda a, t: 2 * (a - t) / t.size,
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_slope_of_the_loss_changes_by_its_bound_within_the_errors_of_the_scores(output):
    # The terms of each score cancel, and leave the bias. Their rounding errors may be as large as W is.
    x, t = 2.0**50 * np.array([[1, -1], [0.5, -0.5]]), np.array([[0.2, 0.3, 0.5], [0, 1, 0]])
    forward = network([2, 3], output=output, W1=[0.01, 0.04, 0.15], b1=[0.3, -0.2, 0.1])._forward_mode(x, t)
    a, last = forward.a[-1], forward.last
    assert (a.value == [0.3, -0.2, 0.1]).all()
    assert 0.01 < a.error.min() < 0.1 < 0.5 < a.error.max() < 1
    np.testing.assert_allclose(last.value, SLOPES[output](a.value, t), rtol=1e-14)
    sides = itertools.product([-1, -0.5, 0, 0.5, 1], repeat=3)
    changes = [abs(SLOPES[output](a.value + side * a.error, t) - last.value) for side in np.array(list(sides))]
    np.testing.assert_allclose(np.max(changes, axis=0), last.error, rtol=1e-12)


# --- formulas that lose digits ----------------------------------------------------------------------------------------

WIDE = np.linspace(-40, 40, 161)
BOOK = {"sigmoid": lambda z: z * (1 - z), "tanh": lambda z: 1 - z**2}


@pytest.mark.parametrize("activation", BOOK)
def test_the_book_s_slopes_lose_no_more_digits_than_they_may(activation):
    net = network([1, len(WIDE), 1], activation, W1=WIDE, W2=np.linspace(1, 2, len(WIDE))[:, np.newaxis])
    x, t = np.ones((1, 1)), np.full((1, 1), 1.5)
    z = {"sigmoid": sigmoid, "tanh": np.tanh}[activation](WIDE)
    by_the_book = 2 * (net.predict(x) - t) * net.params["W2"].T * BOOK[activation](z)
    assert_digits_are_lost(net, x, t, by_the_book)


def test_the_book_s_slope_of_the_output_loses_no_more_digits_than_it_may():
    net, x = network([1, len(WIDE)], output="sigmoid_mse", W1=WIDE), np.ones((1, 1))
    y = sigmoid(WIDE)
    for t in (0.0, 0.5, 0.999, 1.0):  # where y < t, so always at 1, the careful bounds are large enough
        by_the_book = 2 * (y - t) * y * (1 - y)[np.newaxis] / len(WIDE)
        assert_digits_are_lost(net, x, np.full((1, len(WIDE)), t), by_the_book, some=t < 1)


def assert_digits_are_lost(net, x, t, by_the_book, *, some=True):
    forward, true = net._forward_mode(x, t), verdicts.true_gradient((net, x, t))["W1"]
    error, careful, loose = abs(by_the_book - true), forward.derivatives[0].error, forward.with_lost_digits[0].error
    assert (error <= loose).all()
    assert (error > careful).any() == some
    assert loose.max() <= 4 * careful.max()  # what is lost is about the rounding error of the largest slope


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_a_network_that_needs_no_slope_of_a_sigmoid_loses_no_digits(output):
    random = np.random.default_rng(0)
    net = MultiLayerNet(3, [], 2, output=output, seed=0)
    forward = net._forward_mode(random.normal(size=(6, 3)), np.eye(2)[random.integers(2, size=6)])
    for careful, loose in zip(forward.derivatives, forward.with_lost_digits, strict=True):
        np.testing.assert_array_equal(loose.error, careful.error)


@pytest.mark.parametrize(
    ("net", "t"),
    [
        (network([1, 1, 1], "tanh", W1=800, W2=1), 3.0),
        (network([1, 1, 1], "sigmoid", W1=800, W2=1), 3.0),
        (network([1, 1], output="sigmoid_mse", W1=800), 0.0),
    ],
    ids=["tanh", "sigmoid", "sigmoid_mse"],
)
def test_a_gradient_of_exactly_0_has_no_digits_to_lose(net, t, monkeypatch):
    x, t, right = np.ones((1, 1)), np.full((1, 1), t), net.gradient
    assert right(x, t)["W1"] == 0
    assert gradient_check(net, x, t)
    monkeypatch.setattr(net, "gradient", lambda x, t: {**right(x, t), "W1": np.full((1, 1), 1e-20)})
    assert gradient_check(net, x, t).rows["W1"].verdict == "differs"


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("block", [1, 50])
def test_the_size_of_a_block_changes_no_derivative(block, output, monkeypatch):
    random = np.random.default_rng(0)
    net = MultiLayerNet(3, [4, 5], 3, "tanh", 1.0, output=output, seed=0)
    x, t = random.normal(size=(8, 3)), np.eye(3)[random.integers(3, size=8)]
    monkeypatch.setattr(forward_mode, "BLOCK", block)
    found = net._forward_mode(x, t).derivatives
    monkeypatch.undo()
    for part, whole in zip(found, net._forward_mode(x, t).derivatives, strict=True):
        assert (abs(part.value - whole.value) <= 0.1 * whole.error).all()
        np.testing.assert_allclose(part.error, whole.error, rtol=1e-9)


@pytest.mark.parametrize(("block", "samples"), [(1, 16 * [1] + 8 * [1]), (300, [3, 3, 3, 3, 2, 2, 8])])
def test_a_block_holds_as_many_samples_as_fit(block, samples, monkeypatch):
    # The 20 units of the first layer move 5 units, and these 3 scores: up to 100 elements a sample, multiplied twice.
    # The 5 units of the second layer move the scores: 15 elements a sample, multiplied once.
    net, times, found = MultiLayerNet(2, [20, 5], 3, "tanh", seed=0), Rounding.times, []

    def recorded(*arguments):
        moves = times(*arguments)
        found.append(len(moves.value))
        return moves

    monkeypatch.setattr(Rounding, "times", recorded)
    monkeypatch.setattr(forward_mode, "BLOCK", block)
    assert net._forward_mode(np.ones((8, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]]).derivatives
    assert found == samples


@pytest.mark.parametrize(("block", "elements"), [(1, 24 * [1]), (50, [16, 8])])
def test_a_block_of_the_loss_holds_as_many_scores_as_fit(block, elements, monkeypatch):
    # To move one of 8 x 3 scores takes the three of its sample. Each block is computed in the middle and on both sides.
    loss, found = forward_mode.LOSSES["softmax"], []

    def recorded(a, t):
        found.append(len(a))
        return loss(a, t)

    monkeypatch.setitem(forward_mode.LOSSES, "softmax", recorded)
    monkeypatch.setattr(forward_mode, "BLOCK", block)
    MultiLayerNet(2, [], 3, seed=0)._forward_mode(np.ones((8, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]])
    assert found == [size for size in elements for _ in range(3)]
