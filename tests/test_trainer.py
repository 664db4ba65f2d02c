"""The trainer: the book's loop, draw for draw and line for line."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import KERNEL

from fastnet import MultiLayerNet, SimpleNet, Trainer, TwoLayerNet
from fastnet._scaled import ScaledBytes
from fastnet.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

# --- Trainer: the book's run -----------------------------------------------------------------------------------------


def losses_of_the_plain_loop(x, t, *, iterations, batch_size, lr):
    """Mini-batch training of a 784-50-10 network, with no code of fastnet's: float32 images, float64 parameters."""
    W1, b1 = 0.01 * np.random.randn(784, 50), np.zeros(50)
    W2, b2 = 0.01 * np.random.randn(50, 10), np.zeros(10)

    def forward(x):
        z1 = 1 / (1 + np.exp(-(np.dot(x, W1) + b1)))
        scores = np.dot(z1, W2) + b2
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return z1, e / e.sum(axis=1, keepdims=True)

    losses = []
    for _ in range(iterations):
        chosen = np.random.choice(len(x), batch_size)
        xs, ts = x[chosen], t[chosen]
        z1, y = forward(xs)
        dy = (y - ts) / batch_size
        da1 = np.dot(dy, W2.T) * (1 - z1) * z1
        W1 -= lr * np.dot(xs.T, da1)
        b1 -= lr * da1.sum(axis=0)
        W2 -= lr * np.dot(z1.T, dy)
        b2 -= lr * dy.sum(axis=0)
        _, y = forward(xs)
        losses.append(-np.sum(ts * np.log(y + 1e-7)) / batch_size)
    return losses


@pytest.mark.usefixtures("backend")
def test_the_losses_are_those_of_the_plain_loop(mnist):
    (x, t), (x_test, t_test) = mnist
    np.random.seed(20)
    expected = losses_of_the_plain_loop(x, np.eye(10)[t], iterations=100, batch_size=100, lr=0.3)
    following = np.random.rand()

    np.random.seed(20)
    network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
    trainer = Trainer(
        network, x, t, x_test, t_test, optimizer_param={"lr": 0.3}, evaluate_sample_num_per_epoch=100,
        iterations=100, verbose=False, progress=False,
    )
    trainer.train()
    assert np.random.rand() == following  # draw for draw
    # Both compute in float64 and differ in the order of some roundings, which 100 steps hardly amplify: 1e-15 is seen,
    # and another BLAS may sum otherwise. Another draw, formula or precision shows in the first seven digits.
    np.testing.assert_allclose(trainer.train_loss_list, expected, rtol=1e-12)
    assert expected[-1] < 0.9 * expected[0]  # it did learn, so that every part of the gradient counted


# --- Trainer: what it does with a network ----------------------------------------------------------------------------


class Scripted:
    """A network whose losses are told beforehand; its accuracy is the share of its data that it is asked about."""

    def __init__(self, losses=(), samples=10):
        self.params = {"W": np.zeros(1)}
        self.losses = iter(losses)
        self.samples = samples

    def gradient(self, x, t):
        assert len(x) == len(t)
        return {"W": np.ones(1)}

    def loss(self, *_):
        return next(self.losses, 0.5)

    def accuracy(self, x, t):
        assert np.array_equal(x[:, 0], t)
        return len(x) / self.samples


def scripted(losses=(), n=10, **options):
    """A trainer of a scripted network on n samples, whose label is their input, and on half as many to test with."""
    x = np.arange(n, dtype=float)
    options = {"verbose": False, "progress": False, **options}
    network = options.pop("network", None) or Scripted(losses, n)
    return Trainer(network, x[:, np.newaxis], x, x[: n // 2, np.newaxis], x[: n // 2], **options)


def small(**options):
    """A trainer of a real network, small enough for numerical differentiation."""
    random = np.random.default_rng(3)
    x, t = random.normal(size=(30, 3)), random.integers(0, 2, 30)
    network = options.pop("network", None) or TwoLayerNet(3, 4, 2, weight_init_std=0.5, seed=0)
    options = {"mini_batch_size": 7, "iterations": 6, "seed": 1, "verbose": False, "progress": False, **options}
    return Trainer(network, x[:20], t[:20], x[20:], t[20:], **options)


@pytest.mark.parametrize(
    ("n", "batch_size", "epochs", "iterations", "evaluated_at"),
    [
        (10, 5, 3, 6, [0, 2, 4]),
        (10, 10, 3, 3, [0, 1, 2]),
        (10, 1, 2, 20, [0, 10]),
        (10, 4, 5, 12, [0, 5, 10]),  # 2.5 iterations an epoch: every other epoch begins between two iterations
        (10, 3, 4, 13, [0]),  # 10 % (10 / 3) is 3.33 in floating-point numbers: as in the book
        (4, 100, 3, 3, [0, 1, 2]),  # a batch larger than the data is an epoch
    ],
)
def test_epochs_are_counted_and_evaluated_as_in_the_book(n, batch_size, epochs, iterations, evaluated_at):
    trainer = scripted(n=n, mini_batch_size=batch_size, epochs=epochs)
    trainer.train()
    assert len(trainer.train_loss_list) == iterations == trainer.max_iter
    assert trainer.evaluated_at == evaluated_at
    assert trainer.train_acc_list == [1.0] * len(evaluated_at)
    assert trainer.test_acc_list == [0.5] * len(evaluated_at)


def test_iterations_override_epochs():
    trainer = scripted(mini_batch_size=5, epochs=100, iterations=3)
    trainer.train()
    assert len(trainer.train_loss_list) == 3


def test_accuracies_are_of_the_first_samples_if_told_so():
    trainer = scripted(evaluate_sample_num_per_epoch=2, iterations=1)
    trainer.train()
    assert trainer.train_acc_list == trainer.test_acc_list == [0.2]


def test_the_loss_is_taken_after_the_update_over_the_same_batch():
    seen = []

    class Watched(Scripted):
        def gradient(self, x, t):
            seen.append(("gradient", x[:, 0].tolist(), float(self.params["W"][0])))
            return super().gradient(x, t)

        def loss(self, x, t):
            seen.append(("loss", x[:, 0].tolist(), float(self.params["W"][0])))
            return super().loss(x, t)

    np.random.seed(8)
    scripted(network=Watched(), mini_batch_size=4, optimizer_param={"lr": 0.5}, iterations=2).train()
    np.random.seed(8)
    first, second = (np.random.choice(10, 4).astype(float).tolist() for _ in range(2))
    assert seen == [("gradient", first, 0.0), ("loss", first, -0.5), ("gradient", second, -0.5), ("loss", second, -1.0)]


BOOKS_LINES = """\
train loss:0.75
=== epoch:1, train acc:1.0, test acc:0.5 ===
train loss:0.5
train loss:0.25
=== epoch:2, train acc:1.0, test acc:0.5 ===
=============== Final Test Accuracy ===============
test acc:0.5
"""


def test_verbose_prints_the_books_lines(capsys):
    scripted([0.75, 0.5, 0.25], mini_batch_size=5, iterations=3, verbose=True).train()
    assert capsys.readouterr() == (BOOKS_LINES, "")


def without_losses(text):
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("train loss"))


@pytest.mark.parametrize("terminal", [True, False])
def test_with_a_progress_bar_the_losses_are_in_it_and_not_on_lines(capsys, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    scripted([0.75, 0.5, 0.25], mini_batch_size=5, iterations=3, verbose=True, progress=True).train()
    out, err = capsys.readouterr()
    assert without_losses(BOOKS_LINES) == out
    assert ("3/3" in err and "loss 0.2500" in err) if terminal else err == ""


@pytest.mark.parametrize("notebook", [True, False])
def test_a_notebook_shows_the_progress_bar_without_a_terminal(monkeypatch, notebook):
    import tqdm

    totals = []

    class Bar(tqdm.tqdm):
        def __init__(self, *_, total, **__):
            totals.append(total)
            super().__init__(disable=True)

    monkeypatch.setattr("fastnet._streams._bar", lambda in_notebook: Bar if in_notebook else None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "IPython", KERNEL)
    else:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
    scripted(iterations=1, progress=True).train()
    assert totals == ([1] if notebook else [])


@pytest.mark.parametrize("shell", [None, SimpleNamespace()], ids=["a program that runs notebooks", "a terminal"])
def test_ipython_alone_makes_no_notebook(monkeypatch, capsys, shell):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    scripted(iterations=1, progress=True).train()
    assert capsys.readouterr() == ("", "")


def test_where_no_progress_bar_is_seen_tqdm_is_not_loaded(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)  # to import it raises
    scripted(iterations=1, progress=True).train()


@pytest.mark.parametrize("progress", [True, False])
def test_not_verbose_prints_nothing(capsys, progress):
    scripted(iterations=3, progress=progress).train()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["SGD", "sgd", "Sgd"])
def test_an_optimizer_is_found_by_name_in_any_case(name):
    trainer = scripted(optimizer=name, optimizer_param={"lr": 0.125}, iterations=4)
    trainer.train()
    assert isinstance(trainer.optimizer, SGD)
    assert trainer.network.params["W"] == -0.5


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("momentum", Momentum), ("Nesterov", Nesterov), ("adagrad", AdaGrad), ("AdaGrad", AdaGrad), ("rmsprop", RMSprop),
     ("rmsprpo", RMSprop), ("ADAM", Adam)],
)
def test_every_optimizer_of_the_book_trains(name, optimizer):
    """By its name in the book, also the one that the Korean edition misspells."""
    by_hand = small()
    by_hand.optimizer = optimizer(0.01)
    by_hand.train()
    trainer = small(optimizer=name)
    trainer.train()
    assert type(trainer.optimizer) is optimizer
    assert trainer.train_loss_list == by_hand.train_loss_list
    assert trainer.train_loss_list[-1] != trainer.train_loss_list[0]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_samples_held_as_bytes_train_to_the_same_bits(dtype, gradient, monkeypatch):
    random = np.random.default_rng(3)
    x, t = random.integers(0, 256, (2500, 3), np.uint8), random.integers(0, 2, 2500)
    convert, converted = ScaledBytes.__array__, []

    def recorded(held, *args, **kwargs):
        converted.append(len(held))
        return convert(held, *args, **kwargs)

    monkeypatch.setattr(ScaledBytes, "__array__", recorded)

    def trained(x):
        network = TwoLayerNet(3, 4, 2, weight_init_std=0.5, dtype=dtype, seed=0)
        trainer = Trainer(
            network, x, t, x[:1200], t[:1200], mini_batch_size=7, iterations=6, gradient=gradient, seed=1,
            verbose=False, progress=False,
        )
        trainer.train()
        return trainer

    held, floats = trained(ScaledBytes(x, 255)), trained(x / np.float32(255))
    assert held.train_loss_list == floats.train_loss_list
    assert (held.train_acc_list, held.test_acc_list) == (floats.train_acc_list, floats.test_acc_list)
    assert all(np.array_equal(held.network.params[name], value) for name, value in floats.network.params.items())
    assert max(converted, default=0) <= 1000  # never all of x: a batch, or a slice of what an accuracy needs


def test_a_network_whose_answers_are_numbers_trains_without_accuracies(capsys):
    x = np.arange(6.0)[:, np.newaxis]
    network = MultiLayerNet(1, [3], 1, output="identity", seed=0)
    trainer = Trainer(network, x, 2 * x, x, 2 * x, mini_batch_size=2, iterations=4, seed=0, progress=False)
    trainer.train()
    assert (trainer.train_acc_list, trainer.test_acc_list, trainer.evaluated_at) == ([], [], [])
    assert (len(trainer.train_loss_list), trainer.current_epoch) == (4, 2)
    assert "acc" not in capsys.readouterr().out.lower()


def test_the_default_optimizer_is_sgd_with_the_books_rate():
    assert isinstance(scripted().optimizer, SGD)
    assert scripted().optimizer.lr == 0.01


def test_the_default_rate_is_the_same_for_every_optimizer_and_no_parameter_at_all_leaves_it_its_own():
    assert scripted(optimizer="Adam").optimizer.lr == 0.01
    assert scripted(optimizer="Adam", optimizer_param={}).optimizer.lr == 0.001
    assert scripted(optimizer="Momentum", optimizer_param={"lr": 0.5, "momentum": 0.25}).optimizer.momentum == 0.25


def test_an_optimizer_may_be_an_object():
    class Setter:
        def update(self, params, grads):
            params["W"][:] = 7 * grads["W"]

    optimizer = Setter()
    trainer = scripted(optimizer=optimizer, iterations=1)
    trainer.train()
    assert trainer.optimizer is optimizer
    assert trainer.network.params["W"] == 7


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("targets", ["one-hot", "labels", "column"])
def test_targets_in_every_form_train_alike(targets):
    random = np.random.default_rng(3)
    x, t = random.normal(size=(30, 3)), random.integers(0, 2, 30)
    shaped = {"one-hot": np.eye(2)[t], "labels": t.tolist(), "column": t[:, np.newaxis]}[targets]
    network = TwoLayerNet(3, 4, 2, weight_init_std=0.5, seed=0)
    trainer = Trainer(
        network, x[:20].tolist(), shaped[:20], x[20:], shaped[20:], mini_batch_size=7, iterations=6, seed=1,
        verbose=False, progress=False,
    )
    trainer.train()
    reference = small()
    reference.train()
    # The steps are equal; the loss over labels is summed in another order than that over one-hot rows.
    np.testing.assert_allclose(trainer.train_loss_list, reference.train_loss_list, rtol=1e-14)
    assert trainer.test_acc_list == reference.test_acc_list


@pytest.mark.usefixtures("backend")
def test_the_numerical_gradient_makes_the_same_steps():
    class WithoutCalculus(TwoLayerNet):
        def gradient(self, *_):
            raise AssertionError("gradient was called")

    numerical = small(network=WithoutCalculus(3, 4, 2, weight_init_std=0.5, seed=0), gradient="numerical")
    numerical.train()
    reference = small()
    reference.train()
    # The two gradients differ by some 1e-7 (the 1e-7 in the loss), of which six steps at rate 0.01 keep little.
    np.testing.assert_allclose(numerical.train_loss_list, reference.train_loss_list, rtol=1e-7)
    for name, value in reference.network.params.items():
        np.testing.assert_allclose(numerical.network.params[name], value, rtol=0, atol=1e-7)
    assert np.ptp(reference.train_loss_list) > 1e-3  # steps that are larger than that


def test_after_an_interrupt_lists_and_network_are_usable():
    class Interrupted(TwoLayerNet):
        calls = 0

        def gradient(self, x, t):
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().gradient(x, t)

    reference = small()
    reference.train()
    trainer = small(network=Interrupted(3, 4, 2, weight_init_std=0.5, seed=0))
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert trainer.train_loss_list == reference.train_loss_list[:3]
    assert len(trainer.train_acc_list) == len(trainer.test_acc_list) == len(trainer.evaluated_at) == 1
    assert trainer.network.predict(trainer.x_test).shape == (10, 2)
    trainer.train()
    assert len(trainer.train_loss_list) == 3 + 6


def test_steps_taken_by_hand_are_those_of_train(capsys):
    by_hand, reference = small(verbose=True, progress=True), small()
    for _ in range(reference.max_iter):
        by_hand.train_step()
    reference.train()
    assert by_hand.train_loss_list == reference.train_loss_list
    assert by_hand.evaluated_at == reference.evaluated_at
    assert capsys.readouterr().out.count("train loss:") == 6
    with pytest.raises(TypeError):
        by_hand.train_step(print)


def test_a_second_train_goes_on():
    twice = small(iterations=3)
    once = small(iterations=6)
    twice.train()
    assert len(twice.train_loss_list) == 3
    twice.train()
    once.train()
    for name in ("train_loss_list", "train_acc_list", "test_acc_list", "evaluated_at"):
        assert getattr(twice, name) == getattr(once, name)
    epochs = scripted(mini_batch_size=5, epochs=1)
    epochs.train()
    epochs.train()
    assert epochs.evaluated_at == [0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_is_warned_of_once(bad):
    trainer = scripted([0.5, bad, np.nan, np.inf, bad], iterations=5)
    with pytest.warns(RuntimeWarning, match=rf"the loss is {bad} at iteration 1: the learning rate") as record:
        trainer.train()
    assert len(record) == 1
    assert len(trainer.train_loss_list) == 5


def test_a_first_loss_that_is_not_finite_is_warned_of_too():
    with pytest.warns(RuntimeWarning, match="the loss is nan at iteration 0"):
        scripted([np.nan], iterations=1).train()


# --- Trainer: randomness and arguments -------------------------------------------------------------------------------


def losses(seed):
    trainer = small(seed=seed)
    trainer.train()
    return trainer.train_loss_list


def test_a_seed_is_private_and_decides_the_batches():
    np.random.seed(0)
    following = np.random.rand()
    np.random.seed(0)
    assert losses(4) == losses(4) == losses(np.random.default_rng(4))
    assert losses(4) != losses(5)
    assert np.random.rand() == following


def test_without_a_seed_the_global_generator_decides():
    np.random.seed(4)
    first = losses(None)
    second = losses(None)
    np.random.seed(4)
    assert losses(None) == first != second


X, T = np.zeros((4, 2)), np.zeros(4, int)


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"epochs": 0}, ValueError, "epochs"),
        ({"epochs": 1.5}, TypeError, "epochs"),
        ({"mini_batch_size": 0}, ValueError, "mini_batch_size"),
        ({"mini_batch_size": "100"}, TypeError, "mini_batch_size"),
        ({"iterations": 0}, ValueError, "iterations"),
        ({"iterations": True}, TypeError, "iterations"),
        ({"evaluate_sample_num_per_epoch": 0}, ValueError, "evaluate_sample_num_per_epoch"),
        ({"evaluate_sample_num_per_epoch": 2.0}, TypeError, "evaluate_sample_num_per_epoch"),
        ({"optimizer": "sgdd"}, ValueError, "one of SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, got 'sgdd'"),
        ({"optimizer": 3}, TypeError, "optimizer"),
        ({"optimizer": SGD}, TypeError, "optimizer"),
        ({"optimizer": SGD(), "optimizer_param": {"lr": 0.1}}, TypeError, "optimizer_param"),
        ({"optimizer_param": {"lr": -1}}, ValueError, "lr"),
        ({"optimizer_param": {"rate": 1}}, TypeError, "rate"),
        ({"optimizer_param": 0.1}, TypeError, "optimizer_param must be a dict, got 0.1"),
        ({"optimizer_param": None}, TypeError, "optimizer_param must be a dict, got None"),
        ({"network": SimpleNet(2, 2)}, TypeError, "network must have .* has no params, accuracy, gradient"),
        ({"network": TwoLayerNet}, TypeError, "network must have .* has no params$"),
        ({"network": None}, TypeError, "network must have .*; None has no params, loss, accuracy, gradient"),
        ({"network": Scripted(), "gradient": "numerical"}, TypeError, "has no numerical_gradient$"),
        ({"x_train": np.ma.zeros((4, 2))}, TypeError, "x_train is a masked array"),
        ({"t_train": ["0", "1", "0", "1"]}, TypeError, "t_train must hold real numbers"),
        ({"x_test": [[1.0, 2.0], [3.0]]}, ValueError, "x_test cannot be made an array"),
        ({"t_test": np.zeros(4, object)}, TypeError, "t_test must hold real numbers"),
        ({"gradient": "numeric"}, ValueError, "gradient.*'numeric'"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": "1"}, TypeError, "seed"),
        ({"x_train": X[:3]}, ValueError, r"x_train and t_train.*\(3, 2\) and \(4,\)"),
        ({"t_test": T[:0]}, ValueError, r"x_test and t_test.*\(4, 2\) and \(0,\)"),
        ({"x_train": X[:0], "t_train": T[:0]}, ValueError, "x_train and t_train"),
        ({"x_test": 1.0}, ValueError, "x_test and t_test"),
        ({"t_train": 1}, ValueError, "x_train and t_train"),
    ],
)
def test_a_bad_argument_is_named(arguments, error, named):
    good = {"network": TwoLayerNet(2, 2, 2), "x_train": X, "t_train": T, "x_test": X, "t_test": T}
    with pytest.raises(error, match=named):
        Trainer(**{**good, **arguments})
