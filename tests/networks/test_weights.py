"""Sample weights: weight 2 is the same sample twice, weight 0 is no sample, for every network and method."""

from itertools import pairwise

import numpy as np
import pytest

import fastnet.gradient
from fastnet import MultiLayerNet, SimpleNet, TwoLayerNet, _backend

N, D, C = 6, 4, 3
FLOATS = [np.float64, np.float32]
KINDS = ["two", "softmax", "sigmoid", "sigmoid_mse", "identity"]
WEIGHTS = np.array([0.25, 3.0, 1.0, 0.5, 2.0, 1.5])

on_both_backends = pytest.mark.usefixtures("backend")
each_network = pytest.mark.parametrize("kind", KINDS)
each_dtype = pytest.mark.parametrize("dtype", FLOATS)
each_method = pytest.mark.parametrize("method", ["loss", "accuracy", "gradient", "numerical_gradient", "trace"])


def network(kind, dtype=np.float64):
    """A `TwoLayerNet`, or a `MultiLayerNet` with this output and weight decay. tanh has no bend."""
    if kind == "two":
        return TwoLayerNet(D, 5, C, 1.0, dtype=dtype, seed=1)
    return MultiLayerNet(D, [5, 4], C, "tanh", 0.7, 0.01, output=kind, dtype=dtype, seed=1)


def inputs():
    return np.random.default_rng(5).normal(size=(N, D))


def soft_targets():
    return np.random.default_rng(6).random((N, C))


def targets_of(kind):
    """Labels where these are taken, and rows of numbers."""
    return ([np.arange(N) % C] if kind in ("two", "softmax") else []) + [soft_targets()]


def gradients_of(net, x, t, weights):
    """All gradients of the loss: of `gradient`, of `trace` and of `numerical_gradient`."""
    trace = net.trace(x, t, sample_weight=weights)
    return [
        net.gradient(x, t, sample_weight=weights),
        {name: trace["d" + name] for name in net.params},
        net.numerical_gradient(x, t, sample_weight=weights),
    ]


def assert_close(got, wanted, rtol, atol):
    for one, other in zip(got, wanted, strict=True):
        for name in other:
            np.testing.assert_allclose(one[name], other[name], rtol=rtol, atol=atol, err_msg=name)


@on_both_backends
@each_network
def test_gradients_with_weights_are_those_of_the_loss_with_weights(kind):
    net, x = network(kind), inputs()
    for t in targets_of(kind):
        gradient, trace, numerical = gradients_of(net, x, t, WEIGHTS)
        for name, value in net.params.items():
            plain = fastnet.gradient.numerical_gradient(lambda _, t=t: net.loss(x, t, WEIGHTS), value)
            # As for the gradients without weights in test_targets.py.
            np.testing.assert_allclose(numerical[name], plain, rtol=0, atol=3e-11, err_msg=name)
            np.testing.assert_allclose(gradient[name], plain, rtol=0, atol=2e-6, err_msg=name)
            np.testing.assert_allclose(trace[name], gradient[name], rtol=1e-12, atol=1e-15, err_msg=name)


@on_both_backends
@each_network
@each_dtype
def test_the_loss_is_the_weighted_mean_of_the_losses_of_the_samples(kind, dtype):
    net, x = network(kind, dtype), inputs().astype(dtype)
    net.weight_decay_lambda = 0.0
    for t in targets_of(kind):
        losses = [net.loss(x[n], t[n]) for n in range(N)]
        loss = net.loss(x, t, WEIGHTS)
        assert type(loss) is dtype
        # Products of one sample and of a batch are rounded differently.
        assert loss == pytest.approx(np.average(losses, weights=WEIGHTS), rel=20 * float(np.finfo(dtype).eps))
        assert net.trace(x, t, WEIGHTS)["loss"] == pytest.approx(loss, rel=20 * float(np.finfo(dtype).eps))


@on_both_backends
@each_network
@each_dtype
def test_weight_2_is_the_sample_twice(kind, dtype):
    net, x = network(kind, dtype), inputs().astype(dtype)
    weights = np.array([1, 2, 1, 3, 1, 1])
    again = np.repeat(np.arange(N), weights)
    eps = float(np.finfo(dtype).eps)
    for t in targets_of(kind):
        assert net.loss(x, t, weights) == pytest.approx(net.loss(x[again], t[again]), rel=20 * eps)
        if kind != "identity":
            assert net.accuracy(x, t, weights) == pytest.approx(net.accuracy(x[again], t[again]), rel=1e-15)
        wanted = gradients_of(net, x[again], t[again], None)
        # Sums of numbers below 1 in another order; in the numerical gradient of the deep network, the losses' rounding
        # over 2h.
        assert_close(gradients_of(net, x, t, weights), wanted, 0, max(50 * eps, 1e-11))


@on_both_backends
@each_network
@each_dtype
@pytest.mark.parametrize("value", [None, np.nan, np.inf])
def test_weight_0_leaves_the_sample_out_whatever_is_in_it(kind, dtype, value):
    net, x = network(kind, dtype), inputs().astype(dtype)
    weights = np.array([0, 2, 1, 0, 0.5, 0])
    kept = weights > 0
    hidden = x.copy()
    if value is not None:
        hidden[~kept] = value
    eps = float(np.finfo(dtype).eps)
    for t in targets_of(kind):
        wanted = net.loss(x[kept], t[kept], weights[kept])
        assert net.loss(hidden, t, weights) == pytest.approx(wanted, rel=20 * eps)
        if kind != "identity":
            assert net.accuracy(hidden, t, weights) == net.accuracy(x[kept], t[kept], weights[kept])
        gradients = gradients_of(net, hidden, t, weights)
        assert_close(gradients, gradients_of(net, x[kept], t[kept], weights[kept]), 0, 20 * eps)
        assert_close(gradients[:1], gradients_of(net, x[kept], t[kept], weights[kept])[:1], 0, 0)  # bit for bit


@on_both_backends
@each_network
@each_dtype
def test_equal_weights_are_no_weights(kind, dtype):
    net, x = network(kind, dtype), inputs().astype(dtype)
    for t in targets_of(kind):
        wanted = gradients_of(net, x, t, None)
        for weights in (np.ones(N), np.ones(N, int), np.ones(N, bool), [1] * N):
            assert_close(gradients_of(net, x, t, weights), wanted, 0, 0)  # bit for bit
        for weights in (np.full(N, 0.1), np.full(N, 1e308), np.full(N, 5e-324), np.full(N, 0.3, np.float32)):
            assert_close(gradients_of(net, x, t, weights), wanted, 0, 20 * float(np.finfo(dtype).eps))
            assert net.loss(x, t, weights) == pytest.approx(net.loss(x, t), rel=20 * float(np.finfo(dtype).eps))


@on_both_backends
@each_network
def test_a_weight_far_above_the_others_is_all_that_counts(kind):
    net, x = network(kind), inputs()
    for weights in (np.where(np.arange(N) == 2, 1e308, 1e-308), np.where(np.arange(N) == 2, 1.0, 1e-300)):
        for t in targets_of(kind):
            assert net.loss(x, t, weights) == pytest.approx(net.loss(x[2:3], t[2:3]), rel=1e-14)
            wanted = gradients_of(net, x[2:3], t[2:3], None)
            assert_close(gradients_of(net, x, t, weights), wanted, 0, 3e-11)  # the rounding of the loss over 2h


@on_both_backends
@each_network
@each_dtype
def test_any_layout_and_dtype_of_the_weights_is_the_same(kind, dtype):
    net, x = network(kind, dtype), inputs().astype(dtype)
    before = WEIGHTS.copy()
    forms = [
        WEIGHTS.tolist(), WEIGHTS.astype(np.float16), WEIGHTS.astype(">f8"), np.repeat(WEIGHTS, 2)[::2], 7 * WEIGHTS,
    ]
    for t in targets_of(kind):
        wanted = gradients_of(net, x, t, WEIGHTS)
        for weights in forms:
            assert_close(gradients_of(net, x, t, weights), wanted, 0, 20 * float(np.finfo(dtype).eps))
    assert np.array_equal(WEIGHTS, before)


@on_both_backends
@each_network
def test_one_sample_has_one_weight_which_makes_no_difference(kind):
    net, x, t = network(kind), inputs()[0], targets_of(kind)[0][0]
    for weight in (3, 0.5, np.float32(2), np.array(7.0)):
        assert net.loss(x, t, weight) == pytest.approx(net.loss(x, t), rel=1e-14)
        assert_close(gradients_of(net, x, t, weight), gradients_of(net, x, t, None), 1e-13, 1e-15)
    with pytest.raises(ValueError, match=r"sample_weight must have one number for one sample; got shape \(1,\)"):
        net.loss(x, t, [1.0])
    with pytest.raises(ValueError, match="all sample weights are zero"):
        net.gradient(x, t, 0)


BAD = {
    "one too few": (np.ones(N - 1), ValueError, r"sample_weight must have shape \(6,\).*got shape \(5,\)"),
    "a column": (np.ones((N, 1)), ValueError, r"sample_weight must have shape \(6,\).*got shape \(6, 1\)"),
    "a number": (2.0, ValueError, r"sample_weight must have shape \(6,\).*got shape \(\)"),
    "negative": ([1, 1, 1, -2, 1, -3], ValueError, r"sample_weight\[3\] is -2: .*at least 0"),
    "NaN": ([1, np.nan, 1, 1, 1, -1], ValueError, r"sample_weight\[1\] is nan: "),
    "infinite": (np.array([1, 1, 1, 1, 1, np.inf]), ValueError, r"sample_weight\[5\] is inf: "),
    "all zero": (np.zeros(N), ValueError, "all sample weights are zero"),
    "complex": (np.ones(N, complex), TypeError, "sample_weight must hold real numbers.*complex128"),
    "strings": (["1"] * N, TypeError, "sample_weight must hold real numbers.*<U1"),
    "masked": (np.ma.ones(N), TypeError, "sample_weight is a masked array"),
}


@on_both_backends
@each_network
@each_method
@pytest.mark.parametrize("bad", BAD)
def test_weights_that_do_not_fit_are_named(kind, method, bad):
    if (kind, method) == ("identity", "accuracy"):
        pytest.skip("regression has no accuracy")
    weights, error, message = BAD[bad]
    with pytest.raises(error, match=message):
        getattr(network(kind), method)(inputs(), targets_of(kind)[0], sample_weight=weights)


@on_both_backends
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_targets_of_samples_that_do_not_count_are_checked(kind):
    t, weights = soft_targets(), np.arange(N) % 2
    t[4, 1] = 255
    for method in ("loss", "accuracy", "gradient", "numerical_gradient", "trace"):
        with pytest.raises(ValueError, match=r"t\[4, 1\] is 255\.0"):
            getattr(network(kind), method)(inputs(), t, sample_weight=weights)


@on_both_backends
def test_accuracy_is_the_share_of_the_weight():
    net, x = network("softmax"), inputs()
    right = net.predict(x).argmax(axis=1)
    t = np.where(np.arange(N) < 2, right, (right + 1) % C)
    assert net.accuracy(x, t, WEIGHTS) == pytest.approx(WEIGHTS[:2].sum() / WEIGHTS.sum(), rel=1e-15)
    assert net.accuracy(x, right, 0.1 * WEIGHTS) == 1.0
    assert net.accuracy(x, (right + 1) % C, WEIGHTS) == 0.0
    net = network("sigmoid")
    yes = net.predict(x) > 0.5
    assert net.accuracy(x, yes, 0.1 * WEIGHTS) == 1.0
    yes[1, 0] = not yes[1, 0]
    assert net.accuracy(x, yes, WEIGHTS) == pytest.approx(1 - 3.0 / WEIGHTS.sum() / C, rel=1e-15)


@on_both_backends
def test_simple_net_takes_weights():
    net, x, t = SimpleNet(D, C, seed=0), inputs(), np.arange(N) % C
    weights = [0, 2, 1, 0, 3, 1]
    again = np.repeat(np.arange(N), weights)
    assert net.loss(x, t, weights) == pytest.approx(net.loss(x[again], t[again]), rel=1e-14)
    wanted = net.numerical_gradient(x[again], t[again])
    got = net.numerical_gradient(x, t, sample_weight=weights)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10)  # the rounding of the loss over 2h
    with pytest.raises(ValueError, match="all sample weights are zero"):
        net.loss(x, t, np.zeros(N))
    with pytest.raises(ValueError, match=r"t\[1, 0\] is -1\.0"):
        net.loss(x, np.where(np.arange(N)[:, np.newaxis] == 1, -1.0, np.eye(C)[t]), weights)


@on_both_backends
def test_a_subclass_whose_loss_knows_weights_gets_its_numerical_gradient():
    class Tripled(TwoLayerNet):
        def loss(self, x, t, sample_weight=None):
            return 3 * super().loss(x, t, sample_weight)

    net, x, t = Tripled(D, 5, C, 1.0, seed=1), inputs(), np.arange(N) % C
    plain = network("two").numerical_gradient(x, t, sample_weight=WEIGHTS)
    for name, gradient in net.numerical_gradient(x, t, sample_weight=WEIGHTS).items():
        np.testing.assert_allclose(gradient, 3 * plain[name], rtol=0, atol=1e-10)  # the rounding of the loss over 2h


@pytest.mark.parametrize("kind", ["two", "softmax"])
@on_both_backends
def test_numerical_gradient_with_weights_does_not_evaluate_the_whole_loss(kind, monkeypatch):
    net = network(kind)
    monkeypatch.setattr("fastnet.networks.network.numerical_gradient", None)  # the plain loop
    net.numerical_gradient(inputs(), np.arange(N) % C, sample_weight=WEIGHTS)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_weights_that_need_no_conversion_are_not_converted(dtype, monkeypatch):
    net, x, t, calls = network("two", dtype), inputs().astype(dtype), np.arange(N) % C, []
    kernel = _backend.kernels.network_gradient
    monkeypatch.setattr(_backend.kernels, "network_gradient", lambda *arguments: calls.append(0) or kernel(*arguments))
    net.gradient(x, t, WEIGHTS)
    assert len(calls) == 1


@on_both_backends
@each_dtype
def test_weights_worked_by_hand(dtype):
    net = TwoLayerNet(1, 1, 2, dtype=dtype)
    net.params = {
        "W1": np.array([[0.5]]), "b1": np.array([-1.0]), "W2": np.array([[2.0, -2.0]]), "b2": np.array([0.0, 2.0])
    }
    # a1 = 0, so z1 is a half and its derivative a quarter; a2 = (1, 1), so y is (1/2, 1/2).
    x, t, weights = [[2.0], [2.0]], [0, 1], [1, 3]
    expected = {
        "loss": -np.log(0.5 + 1e-7), "dy": [[-0.125, 0.125], [0.375, -0.375]], "dW2": [[0.125, -0.125]],
        "db2": [0.25, -0.25], "dz1": [[-0.5], [1.5]], "da1": [[-0.125], [0.375]], "dW1": [[0.5]], "db1": [0.25],
    }
    trace, gradients = net.trace(x, t, weights), net.gradient(x, t, weights)
    for name, value in expected.items():
        np.testing.assert_allclose(trace[name], value, rtol=4 * np.finfo(dtype).eps, err_msg=name)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected["d" + name], rtol=4 * np.finfo(dtype).eps, err_msg=name)


@pytest.mark.parametrize("kind", ["two", "identity"])
def test_a_trace_without_targets_has_no_weights(kind):
    with pytest.raises(ValueError, match="sample_weight needs t"):
        network(kind).trace(inputs(), sample_weight=WEIGHTS)


# --- the kernels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weights",
    [
        [1.0, 1.0],
        np.ones(2, "f4"),
        np.ones(2, int),
        np.ones(3),
        np.ones((2, 1)),
        np.ones(4)[::2],
        np.array([1.0, 0.0]),
        np.array([-1.0, 2.0]),
        np.array([np.nan, 1.0]),
        np.array([np.inf, 1.0]),
        np.array([1e308, 1e308]),
        np.array([5e-324, 5e-324]),
        2.0,
    ],
    ids=str,
)
def test_weights_that_have_to_be_made_fit_are_left_to_the_caller(kernels, weights):
    parameters = tuple(np.ones(shape) for shape in ((4, 5), (5,), (5, 3), (3,)))
    x, t = np.ones((2, 4)), np.array([0, 2])
    assert kernels.network_gradient(x, t, parameters, "relu", "softmax", weights) is None
    assert kernels.network_gradient(x, t, parameters, "relu", "softmax", np.ones(2)) is not None


@pytest.mark.parametrize("N", [1, 127, 128, 129, 300])  # around a chunk of samples
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
def test_the_twins_agree_with_weights(twins, N, dtype, output):
    random = np.random.default_rng(N)
    parameters = tuple(
        random.normal(size=shape).astype(dtype)
        for inputs, units in pairwise([7, 5, 4, 3])
        for shape in ((inputs, units), (units,))
    )
    x, t = random.normal(size=(N, 7)).astype(dtype), random.random((N, 3)).astype(dtype)
    weights = random.random(N) + 0.1
    one, other = (twin.network_gradient(x, t, parameters, "tanh", output, weights) for twin in twins)
    for compiled, plain in zip(one, other, strict=True):
        # Sums of up to 300 terms, in another order.
        tolerance = 100 * float(np.finfo(dtype).eps) * np.abs(plain).max()
        np.testing.assert_allclose(compiled, plain, rtol=0, atol=tolerance)
