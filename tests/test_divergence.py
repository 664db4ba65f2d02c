"""Divergence that a finite loss hides is warned of, and nothing else is."""

import math
import re
import warnings

import numpy as np
import pytest

from fastnet import MultiLayerNet, Trainer, TwoLayerNet
from fastnet._training.divergence import loss_of_guessing

random = np.random.default_rng(0)
CENTRES = random.normal(scale=1.5, size=(10, 20))
T = random.integers(10, size=500)
X = CENTRES[T] + random.normal(size=(500, 20))

MESSAGE = (
    r"^the mean of the last 25 losses is [\d.]+, no better than guessing \(2\.3\), and the largest parameter is .* at "
    r"iteration \d+, accuracy 0\.\d\d: the learning rate may be too large$"
)


def warnings_of(network, lr, *, steps=60, x=X, t=T, **options):
    """The warnings of a training run, and the trainer."""
    options = {"mini_batch_size": 100, "seed": 0, "verbose": False, "progress": False, **options}
    trainer = Trainer(network, x, t, x, t, iterations=steps, optimizer_param={"lr": lr}, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.train()
    assert all(each.category is RuntimeWarning for each in caught)
    return caught, trainer


def two_layers(weight_init_std=0.01, **options):
    return TwoLayerNet(20, 50, 10, weight_init_std=weight_init_std, seed=1, **options)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("lr", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("std", [0.01, 1.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("targets", [T, T[:, np.newaxis], np.eye(10)[T]], ids=["labels", "column", "one-hot"])
def test_a_rate_that_is_far_too_large_is_warned_of_once(mnist, lr, std, dtype, targets):
    (x, t), _ = mnist
    labels = t[:500].astype(int)
    shaped = labels if targets.ndim == 1 else labels[:, np.newaxis] if targets.shape[1] == 1 else np.eye(10)[labels]
    network = TwoLayerNet(784, 50, 10, weight_init_std=std, dtype=dtype, seed=0)
    caught, trainer = warnings_of(network, lr, x=x[:500], t=shaped)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isfinite(trainer.train_loss_list).all()
    assert "no better than guessing (2." in str(caught[0].message)
    trainer.train()  # it has said so


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("lr", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"])
@pytest.mark.parametrize("hidden", [[50], [50, 50, 50]], ids=["1", "3"])
def test_it_is_warned_of_with_every_activation(mnist, lr, activation, hidden):
    (x, t), _ = mnist
    network = MultiLayerNet(784, hidden, 10, activation=activation, seed=0)
    caught, _ = warnings_of(network, lr, x=x[:2000], t=t[:2000])
    assert len(caught) == 1
    assert str(caught[0].message).endswith(": the learning rate may be too large")


def told(losses, largest, steps):
    """The warnings of a run whose losses and whose largest parameter, 0.1 at first, are told."""
    network = two_layers()
    network.params["W1"][:] = np.clip(network.params["W1"], -0.1, 0.1)
    network.loss = lambda *_: losses.pop(0)
    network.gradient = lambda *_: {name: np.zeros_like(value) for name, value in network.params.items()}
    trainer = Trainer(
        network, X, T, X, T, iterations=steps, mini_batch_size=10, seed=0, verbose=False, progress=False
    )
    network.params["W2"][3, 1] = -largest
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.train()
    return [str(each.message) for each in caught]


def test_the_warning_says_what_was_seen():
    (message,) = told([9.0] * 25 + [8.0] * 25, 50.0, 50)
    assert re.search(MESSAGE, message)
    assert "last 25 losses is 8, " in message
    assert "largest parameter is 50 at iteration 49, " in message


@pytest.mark.parametrize(
    ("loss", "largest", "warned"),
    [(4.5, 5.1, True), (4.5, 4.9, False), (4.2, 5.1, False), (4.2, 101, True), (2.25, 101, True), (2.25, 99, False),
     (2.1, 1e6, False), (14.5, 1.0, False)],
)  # fmt: skip
def test_a_loss_that_is_no_better_than_guessing_needs_parameters_that_have_grown(loss, largest, warned):
    """Guessing gives 2.30; 15 % of the way from there to 16.1 is 4.37. Parameters below 1 count as 1."""
    assert bool(told([loss] * 50, largest, 50)) is warned


def test_it_is_looked_for_after_50_iterations_and_after_every_100_more():
    assert not told([9.0] * 49, 1000, 49)
    assert not told([9.0] * 25 + [1.0] * 25, 1000, 50)
    assert not told([1.0] * 124 + [9.0] * 25, 1000, 149)
    assert told([1.0] * 125 + [9.0] * 25, 1000, 150)


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum", "AdaGrad"])
@pytest.mark.parametrize("batch", [1, 10, 100])
@pytest.mark.parametrize("lr", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("std", [0.0, 1e-6, 0.01, 1.0, 2.0])
def test_ordinary_training_is_not_warned_of(std, lr, batch, optimizer):
    """Slow, at the loss of guessing, from a loss that is high at first, and noisy."""
    caught, _ = warnings_of(two_layers(std), lr, steps=150, mini_batch_size=batch, optimizer=optimizer)
    assert not [str(each.message) for each in caught]


def test_a_loss_that_starts_high_and_falls_is_not_warned_of():
    caught, trainer = warnings_of(two_layers(3.0), 0.01, steps=400)
    assert not caught
    assert np.mean(trainer.train_loss_list[:50]) > 5
    assert trainer.train_loss_list[-1] < trainer.train_loss_list[0] - 1


def test_targets_without_any_pattern_are_not_warned_of():
    noise = np.random.default_rng(5).integers(10, size=500)
    caught, trainer = warnings_of(two_layers(), 0.5, steps=400, t=noise)
    assert not caught
    assert np.mean(trainer.train_loss_list[-20:]) > 2


def test_a_regression_is_warned_of_only_when_its_loss_is_not_finite():
    network = MultiLayerNet(20, [10], 1, output="identity", seed=0)
    caught, trainer = warnings_of(network, 1e-9, t=1000 * X[:, 0])
    assert not caught
    assert trainer.train_loss_list[-1] > 16
    caught, _ = warnings_of(MultiLayerNet(20, [10], 1, output="identity", seed=0), 10.0, t=X[:, 0])
    assert [str(each.message)[:11] for each in caught] == ["the loss is"]


def test_no_loss_is_computed_and_nothing_is_drawn_for_it():
    network, calls = two_layers(), []
    loss = network.loss
    network.loss = lambda *arguments: (calls.append(1), loss(*arguments))[1]
    np.random.seed(3)
    noise = np.random.default_rng(5).integers(10, size=500)
    caught, _ = warnings_of(network, 1e4, t=noise, seed=None)
    assert len(caught) == 1
    assert len(calls) == 60
    following = np.random.rand()
    np.random.seed(3)
    for _ in range(60):
        np.random.choice(500, 100)
    assert np.random.rand() == following


@pytest.mark.parametrize(
    ("t", "weight", "expected"),
    [
        ([0, 1, 2, 3], None, math.log(4)),
        ([[0], [1]], None, math.log(2)),
        ([7, 7, 7], None, 0.0),
        ([0, 1], [3.0, 1.0], -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))),
        ([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], None, math.log(2)),
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 3.0], -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))),
        ([[0.0, 0.0]], None, 0.0),
    ],
)
def test_the_loss_of_guessing_is_the_entropy_of_the_classes(t, weight, expected):
    weight = None if weight is None else np.array(weight)
    assert loss_of_guessing(np.array(t), weight) == pytest.approx(expected, rel=1e-15, abs=0)
