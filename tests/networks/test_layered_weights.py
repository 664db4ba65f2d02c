"""Sample weights in the networks that are made of layers."""

import numpy as np
import pytest

from fastnet import DeepConvNet, LayeredTwoLayerNet, MultiLayerNetExtend, SimpleConvNet, Trainer

pytestmark = pytest.mark.usefixtures("backend")

N, C = 6, 3
WEIGHTS = [2, 0, 1, 3, 1, 0]
CONV_PARAM = {"filter_num": 2, "filter_size": 3, "pad": 0, "stride": 1}

NETWORKS = {
    "layered": lambda: LayeredTwoLayerNet(8, 5, C, 0.5, seed=0),
    "extended": lambda: MultiLayerNetExtend(8, [5, 4], C, weight_decay_lambda=0.1, seed=0),
    "simple": lambda: SimpleConvNet((2, 6, 6), CONV_PARAM, 5, C, 0.2, seed=0),
}
ALL = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
# About 1, after some tens of roundings of which each is 1e-16.
TOLERANCE = {"rtol": 1e-12, "atol": 1e-13}


def samples(network):
    shape = getattr(network, "_input_dim", (8,))
    return np.random.default_rng(0).normal(size=(N, *shape)), np.arange(N) % C


@ALL
@pytest.mark.parametrize("one_hot", [False, True])
def test_a_sample_counts_as_often_as_its_weight_says(make, one_hot):
    network = make()
    x, t = samples(network)
    t = np.eye(C)[t] if one_hot else t
    again = np.repeat(np.arange(N), WEIGHTS)
    for scale in (1, 1e-300):
        weights = np.multiply(WEIGHTS, scale)
        assert np.isclose(network.loss(x, t, sample_weight=weights), network.loss(x[again], t[again]), **TOLERANCE)
        assert np.isclose(network.accuracy(x, t, sample_weight=weights), network.accuracy(x[again], t[again]))
        expected = network.gradient(x[again], t[again])
        for name, gradient in network.gradient(x, t, sample_weight=weights).items():
            np.testing.assert_allclose(gradient, expected[name], **TOLERANCE)


@ALL
def test_equal_weights_change_nothing(make):
    network = make()
    x, t = samples(network)
    assert np.isclose(network.loss(x, t, sample_weight=np.full(N, 7)), network.loss(x, t), **TOLERANCE)
    expected = network.gradient(x, t)
    for name, gradient in network.gradient(x, t, sample_weight=np.full(N, 7)).items():
        np.testing.assert_allclose(gradient, expected[name], **TOLERANCE)


@pytest.mark.parametrize("one_hot", [False, True])
@ALL
def test_what_has_no_weight_is_left_out_even_if_it_is_nan(make, one_hot):
    network = make()
    x, t = samples(network)
    t = np.eye(C)[t] if one_hot else t
    expected = network.gradient(x, t, sample_weight=WEIGHTS)
    x[1], x[5] = np.nan, np.inf
    assert np.isfinite(network.loss(x, t, sample_weight=WEIGHTS))
    for name, gradient in network.gradient(x, t, sample_weight=WEIGHTS).items():
        assert np.array_equal(gradient, expected[name])


MADE_OF_ALL = {
    **NETWORKS,
    "normalised": lambda: MultiLayerNetExtend(8, [5, 4], C, use_batchnorm=True, weight_decay_lambda=0.1, seed=0),
    "dropped": lambda: MultiLayerNetExtend(8, [5, 4], C, use_dropout=True, activation="sigmoid", seed=0),
}


@pytest.mark.parametrize("make", MADE_OF_ALL.values(), ids=MADE_OF_ALL)
def test_the_differences_are_those_of_the_weighted_loss(make):
    network = make()
    x, t = samples(network)
    np.random.seed(0)
    by_differences = network.numerical_gradient(x, t, sample_weight=WEIGHTS)
    np.random.seed(0)
    by_formula = network.gradient(x, t, sample_weight=WEIGHTS)
    for name, gradient in by_differences.items():
        # The formula knows nothing of the 1e-7 in the loss: its share is 1e-7 over a probability, at least 1e-3 here.
        np.testing.assert_allclose(gradient, by_formula[name], rtol=1e-3, atol=1e-6)


def test_a_subclass_with_its_own_loss_is_differenced_with_weights_too():
    class Tripled(LayeredTwoLayerNet):
        def loss(self, x, t, *, sample_weight=None):
            return 3 * super().loss(x, t, sample_weight=sample_weight)

    x, t = samples(plain := LayeredTwoLayerNet(8, 5, C, 0.5, seed=0))
    expected = plain.gradient(x, t, sample_weight=WEIGHTS)
    for name, gradient in Tripled(8, 5, C, 0.5, seed=0).numerical_gradient(x, t, sample_weight=WEIGHTS).items():
        np.testing.assert_allclose(gradient, 3 * expected[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", ["loss", "gradient", "numerical_gradient", "accuracy"])
@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(N - 1), ValueError, r"sample_weight must have shape \(6,\).*got shape \(5,\)"),
        ([1, -1, 1, 1, 1, 1], ValueError, r"sample_weight\[1\] is -1: .*at least 0"),
        (np.zeros(N), ValueError, "all sample weights are zero"),
        (["1"] * N, TypeError, "sample_weight must hold real numbers"),
    ],
)
def test_other_weights_are_refused(method, weights, error, message):
    network = NETWORKS["layered"]()
    with pytest.raises(error, match=message):
        getattr(network, method)(*samples(network), sample_weight=weights)


def test_one_sample_has_one_weight():
    network = NETWORKS["layered"]()
    x, t = samples(network)
    assert network.loss(x[0], t[0], sample_weight=5.0) == network.loss(x[0], t[0])
    with pytest.raises(ValueError, match="sample_weight must have one number for one sample"):
        network.loss(x[0], t[0], sample_weight=[1.0])


def test_targets_of_another_length_are_refused():
    network = NETWORKS["layered"]()
    x, t = samples(network)
    for method in ("loss", "gradient", "numerical_gradient"):
        with pytest.raises(ValueError, match=r"^t has shape \(5,\)"):
            getattr(network, method)(x, t[:-1], sample_weight=WEIGHTS)
        with pytest.raises(ValueError, match=r"^t has shape \(\)"):
            getattr(network, method)(x, 1, sample_weight=WEIGHTS)


@pytest.mark.parametrize("method", ["loss", "gradient", "numerical_gradient", "accuracy"])
def test_an_empty_batch_is_refused(method):
    network = NETWORKS["layered"]()
    x, t = samples(network)
    with pytest.raises(ValueError, match=r"x is empty: it has shape \(0, 8\)"):
        getattr(network, method)(x[:0], t[:0], sample_weight=[])


@pytest.mark.parametrize("make", [NETWORKS["simple"], lambda: DeepConvNet((1, 12, 12), hidden_size=4, output_size=C)])
def test_the_trainer_trains_with_weights(make):
    network = make()
    x, t = samples(network)
    trainer = Trainer(
        network, x, t, x, t, epochs=2, mini_batch_size=3, sample_weight=WEIGHTS, verbose=False,
    )
    trainer.train()
    assert np.isfinite(trainer.train_loss_list).all()
