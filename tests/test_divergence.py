"""Divergence that a finite loss hides is warned of, and nothing else is."""

import math
import re
import warnings

import numpy as np
import pytest

from fastnet import MultiLayerNet, Trainer, TwoLayerNet
from fastnet._training.divergence import CAP, guessing

random = np.random.default_rng(0)
CENTRES = random.normal(scale=1.5, size=(10, 20))
T = random.integers(10, size=500)
X = CENTRES[T] + random.normal(size=(500, 20))

MESSAGE = (
    r"^the mean of the last 25 losses is [\d.]+, no better than guessing \(2\.298\), and the largest parameter is .* "
    r"at iteration \d+, accuracy 0\.\d\d: the learning rate may be too large, so try a smaller one$"
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
    caught, trainer = warnings_of(network, lr, x=x[:2000], t=t[:2000])
    messages = [str(each.message) for each in caught]
    # First no better than guessing, then perhaps an infinite loss of finite parameters, and perhaps NaN: each once.
    assert 1 <= len(messages) <= 3
    assert len(set(messages)) == len(messages)
    assert not any("has stopped" in message for message in messages[:-1])
    assert all(": the learning rate may be too large" in message for message in messages)
    assert (len(trainer.train_loss_list) < 60) is ("has stopped" in messages[-1])


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


def test_it_is_looked_for_after_50_iterations_after_every_100_more_and_at_the_end():
    assert not told([9.0] * 25 + [1.0] * 25, 1000, 50)
    assert not told([1.0] * 60 + [9.0] * 60 + [1.0] * 60, 1000, 180)
    (message,) = told([9.0] * 50 + [1.0] * 30, 1000, 80)
    assert "at iteration 49, " in message
    (message,) = told([1.0] * 125 + [9.0] * 25 + [1.0] * 30, 1000, 180)
    assert "at iteration 149, " in message
    (message,) = told([1.0] * 60 + [9.0] * 25, 1000, 85)
    assert "at iteration 84, " in message


def test_the_second_half_of_a_short_training_is_judged():
    assert not told([9.0] * 9, 1000, 9)
    (message,) = told([1.0] * 5 + [9.0] * 5, 1000, 10)
    assert message.startswith("the mean of the last 5 losses is 9, ")
    (message,) = told([9.0] * 49, 1000, 49)
    assert message.startswith("the mean of the last 24 losses is 9, ")
    assert not told([9.0] * 25 + [1.0] * 24, 1000, 49)


@pytest.mark.parametrize(("loss", "word"), [(2.29, "hardly"), (2.31, "no")])
def test_a_loss_a_little_below_that_of_guessing_is_hardly_better(loss, word):
    (message,) = told([loss] * 50, 1000, 50)
    assert f"losses is {loss}, {word} better than guessing (2.298)" in message


@pytest.mark.usefixtures("backend")
def test_a_training_of_the_default_length_is_looked_at():
    noise = np.random.default_rng(5).integers(10, size=200)
    trainer = Trainer(two_layers(), X[:200], noise, optimizer_param={"lr": 1e4}, seed=0, verbose=False, progress=False)
    assert trainer.max_iter == 40
    with pytest.warns(RuntimeWarning, match="the mean of the last 20 losses is .* at iteration 39") as record:
        trainer.train()
    assert len(record) == 1
    assert record[0].filename == __file__


@pytest.mark.parametrize("bad", [np.inf, None])
def test_a_warning_points_at_the_line_that_calls_train_also_from_a_step_of_ones_own(bad):
    class Own(Trainer):
        def train_step(self):
            self.by_another_way()

        def by_another_way(self):
            super().train_step()

    network = two_layers()
    if bad is not None:
        network.loss = lambda *_: bad
    rate = {"lr": 0.1 if bad else 1e4}
    t = np.random.default_rng(5).integers(10, size=500)
    trainer = Own(network, X, t, iterations=60, optimizer_param=rate, seed=0, verbose=False, progress=False)
    with pytest.warns(RuntimeWarning, match="the learning rate may be too large") as record:
        trainer.train()
    assert [each.filename for each in record] == [__file__]


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
    infinite, stopped = (str(each.message) for each in caught)
    assert infinite.startswith("the loss is inf ")
    assert stopped.startswith("the loss is nan ")


class Descent:
    """A regression of one parameter whose rate is too large: W <- (1 - 2 lr) W. Its loss is W^2."""

    def __init__(self, start=1.0):
        self.params = {"W": np.full(1, start)}

    def loss(self, *_):
        with np.errstate(over="ignore"):
            return float(self.params["W"][0] ** 2)

    def accuracy(self, *_):
        return 0.0

    def gradient(self, *_):
        return {"W": 2 * self.params["W"]}


def test_training_stops_at_a_parameter_that_is_not_finite_and_goes_back_to_the_start():
    network, ended = Descent(), []
    options = {"x": np.zeros((5, 1)), "t": np.zeros(5, int), "mini_batch_size": 5, "on_epoch": ended.append}
    caught, trainer = warnings_of(network, 1e30, steps=100, **options)
    infinite, stopped = (str(each.message) for each in caught)
    assert infinite.startswith("the loss is inf at iteration 5: ")  # (2e30)^6 is finite, and its square is not
    assert stopped == (
        "the loss is inf at iteration 10: the learning rate may be too large, so try a smaller one. The training "
        "has stopped. The network has its parameters after 0 iterations again"
    )
    assert [each.filename for each in caught] == [__file__] * 2
    assert len(trainer.train_loss_list) == 11 == len(ended)
    assert network.params["W"] == 1.0


def test_it_goes_back_to_the_last_epoch_whose_losses_were_the_lowest():
    network, seen = Descent(), []

    def faster(trainer):
        seen.append(network.params["W"][0])
        if len(seen) == 7:
            trainer.optimizer.lr = 1e60

    options = {"x": np.zeros((5, 1)), "t": np.zeros(5, int), "mini_batch_size": 5, "on_epoch": faster}
    caught, _ = warnings_of(network, 0.1, steps=100, **options)
    assert "after 7 iterations again" in str(caught[-1].message)
    assert network.params["W"] == seen[6]


def test_a_loss_that_is_infinite_for_a_while_with_finite_parameters_stops_nothing():
    network = Descent(1e200)
    options = {"x": np.zeros((5, 1)), "t": np.zeros(5, int), "mini_batch_size": 5}
    caught, trainer = warnings_of(network, 0.4999, steps=100, **options)
    assert [str(each.message)[:27] for each in caught] == ["the loss is inf at iteratio"]
    assert len(trainer.train_loss_list) == 100
    assert trainer.train_loss_list[-1] == 0


@pytest.mark.parametrize("lr", [1e4, 1e8])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_squared_error_of_probabilities_is_judged_too(lr, activation):
    network = MultiLayerNet(20, [30], 10, activation=activation, output="sigmoid_mse", seed=0)
    caught, _ = warnings_of(network, lr, t=np.eye(10)[T])
    assert len(caught) == 1
    assert "better than guessing (0.0" in str(caught[0].message)


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


# --- what guessing gives ---------------------------------------------------------------------------------------------

MANY_YES = (X @ random.normal(size=(20, 30)) > 0).astype(float)  # about 15 ones in a row


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("lr", [0.1, 0.5])
def test_rows_with_many_ones_are_guessed_by_their_shares_and_their_sum(lr):
    """The loss of softmax with 15 ones in a row is at least 15 log 15 = 40.6."""
    caught, trainer = warnings_of(MultiLayerNet(20, [40], 30, seed=0), lr, steps=400, t=MANY_YES)
    assert not [str(each.message) for each in caught]
    assert trainer.train_loss_list[-1] > 40
    assert trainer.train_loss_list[-1] < trainer.train_loss_list[0]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_sigmoid_that_always_says_no_is_warned_of(mnist, activation):
    """The answer is no for nine of ten classes, which gives 0.325."""
    (x, t), _ = mnist
    x, t = x[:3000], np.eye(10)[t[:3000]]
    network = MultiLayerNet(784, [20], 10, activation=activation, output="sigmoid", seed=0)
    caught, trainer = warnings_of(network, 1000.0 if activation == "relu" else 100.0, steps=300, x=x, t=t)
    assert len(caught) == 1
    assert "no better than guessing (0.3247)" in str(caught[0].message)
    assert trainer.train_acc_list[-1] > 0.5


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("as_column", [True, False])
@pytest.mark.parametrize("values", ["yes or no", "probabilities", "labels"])
def test_one_column_is_guessed_by_its_mean(values, as_column):
    yes = (X[:, 0] > 1).astype(int)
    near = np.clip(yes * 0.8 + X[:, 1] / 100, 0, 1)
    t = {"yes or no": yes.astype(float), "probabilities": near, "labels": yes}[values]
    network = MultiLayerNet(20, [10], 1, output="sigmoid", seed=0)
    caught, _ = warnings_of(network, 1e4, t=t[:, np.newaxis] if as_column else t)
    assert caught  # what may follow, a loss that is infinite or NaN, depends on how the processor rounds
    m = t.mean()
    expected = -m * np.log(m) - (1 - m) * np.log(1 - m)
    assert f"no better than guessing ({expected:.4g})" in str(caught[0].message)
    caught, _ = warnings_of(MultiLayerNet(20, [10], 1, output="sigmoid", seed=0), 0.1, t=t, steps=200)
    assert not caught


class Line:
    """A regression with an `accuracy`: the share of the variance that it explains. Its loss is the squared error."""

    def __init__(self, start):
        self.params = {"W": np.full((1, 1), start)}

    def predict(self, x):
        return x @ self.params["W"]

    def loss(self, x, t):
        return float(np.mean((self.predict(x) - t.reshape(-1, 1)) ** 2))

    def gradient(self, x, t):
        return {"W": 2 * x.T @ (self.predict(x) - t.reshape(-1, 1)) / len(x)}

    def accuracy(self, x, t):
        return 1 - self.loss(x, t) / float(np.var(t))


@pytest.mark.parametrize("dtype", [int, float])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize(("slope", "noise"), [(3000, 300), (1000, 3)])
def test_a_regression_with_an_accuracy_is_not_a_classifier(slope, noise, shape, dtype):
    x = np.random.default_rng(0).uniform(1, 2, size=(200, 1))
    t = np.rint(slope * x[:, 0] + noise * np.random.default_rng(1).normal(size=200)).astype(dtype).reshape(shape)
    caught, trainer = warnings_of(Line(0.0), 0.05, x=x, t=t, steps=200)
    assert not [str(each.message) for each in caught]
    assert trainer.train_acc_list[-1] > 0.5
    assert trainer.network.params["W"] > 900


def test_a_network_without_predict_is_not_judged_by_labels_that_may_be_numbers():
    class Bare(Line):
        predict = None

        def loss(self, *_):
            return 9.0

        def gradient(self, *_):
            return {"W": np.full((1, 1), -1e6)}

    assert not warnings_of(Bare(0.0), 1.0)[0]


@pytest.mark.parametrize("scale", [1e-2, 1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_small_inputs_need_large_parameters(scale, output):
    """Adam gives all parameters steps of the same size, so that these grow a hundred times at the loss of guessing."""
    network = MultiLayerNet(20, [], 10, output=output, seed=0)
    t = T if output == "softmax" else np.eye(10)[T]
    caught, trainer = warnings_of(network, 0.5, x=X * scale, t=t, steps=500, optimizer="Adam")
    assert not [str(each.message) for each in caught]
    assert np.abs(network.params["W1"]).max() > 30
    assert trainer.train_loss_list[-1] < trainer.train_loss_list[0]


def entropy(*p):
    return -sum(each * math.log(each) for each in p)


class Answering:
    output = "softmax"

    def predict(self, x):
        return np.zeros((len(x), 10))


class Sigmoids(Answering):
    output = "sigmoid"


ROWS = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("t", "weight", "network", "expected"),
    [
        ([0, 1, 2, 3], None, Answering, math.log(4)),
        ([[0], [1], [2], [3]], None, Answering, math.log(4)),
        ([7, 7, 7], None, Answering, 0.0),
        ([0, 1], [3.0, 1.0], Answering, entropy(0.75, 0.25)),
        ([0, 2], [3.0, 1.0], Answering, entropy(0.75, 0.25)),
        ([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], None, Answering, math.log(2)),
        ([[1, 0], [0, 1]], [1.0, 3.0], Answering, entropy(0.75, 0.25)),
        ([[0.0, 0.0]], None, Answering, 0.0),
        ([[1.0] * 4] * 3, None, Answering, 4 * math.log(4)),
        (ROWS, None, Answering, 0.75 * entropy(1 / 3, 2 / 3)),  # below that of a sigmoid, which counts then
        (ROWS, None, Sigmoids, (entropy(0.25, 0.75) + entropy(0.5, 0.5)) / 2),
        ([[0.25], [0.75], [0.5]], None, Sigmoids, math.log(2)),
        ([0.1, 0.3], None, Sigmoids, entropy(0.2, 0.8)),
        ([0.1, 0.3], [1.0, 3.0], Sigmoids, entropy(0.25, 0.75)),
        ([True, False, False, False], None, Sigmoids, entropy(0.25, 0.75)),
        ([0.0, 1.0, 2.0], None, Answering, None),  # numbers
        ([0, -1], None, Answering, None),
        ([[0, 2], [1, 0]], None, Answering, None),
        ([[0.0, 1.1]], None, Answering, None),
        ([0, 10], None, Answering, None),  # the answers are ten
    ],
)
def test_the_loss_of_guessing_is_that_of_the_best_constant_answer(t, weight, network, expected):
    made = guessing(np.array(t), None if weight is None else np.array(weight), network(), X)
    if t is ROWS and network is Answering:
        expected = max(expected, (entropy(0.25, 0.75) + entropy(0.5, 0.5)) / 2)
    assert (made and made.loss) == (None if expected is None else pytest.approx(expected, rel=1e-14, abs=0))
    assert made is None or 0 <= made.loss <= made.largest <= 4 * CAP
