"""What a program does around the training: own steps, hooks, stopping, validation, early stopping, copies."""

import copy
import pickle

import numpy as np
import pytest

from fastnet import MultiLayerNet, MultiLayerNetExtend, SimpleNet, Trainer, TwoLayerNet
from fastnet._scaled import ScaledBytes
from fastnet.optimizer import SGD, AdaGrad, Adam, CosineDecay, Momentum, Nesterov, RMSprop, StepDecay

QUIET = {"verbose": False, "progress": False}
random = np.random.default_rng(3)
X, T = random.normal(size=(40, 3)), random.integers(0, 2, 40)


def network():
    return TwoLayerNet(3, 4, 2, weight_init_std=0.5, seed=0)


def trainer(cls=Trainer, **options):
    options = {"mini_batch_size": 10, "epochs": 3, "seed": 1, **QUIET, **options}
    return cls(options.pop("network", None) or network(), X[:30], T[:30], X[30:], T[30:], **options)


def trained(**options):
    made = trainer(**options)
    made.train()
    return made


class Counting:
    """A network whose losses on the validation data are told beforehand. Every update adds 1 to its parameter."""

    def __init__(self, validation_losses=()):
        self.params = {"W": np.zeros(1), "b": 0.0}
        self.validation_losses = list(validation_losses)
        self.validated = []

    def gradient(self, *_):
        return {"W": -np.ones(1), "b": -1.0}

    def loss(self, x, t):
        if x[0, 0] < 100:  # the training data
            return 0.5
        self.validated.append((x[:, 0].tolist(), t.tolist()))
        return self.validation_losses.pop(0)

    def accuracy(self, x, _):
        return 0.25 if x[0, 0] < 100 else 0.75


def counting(losses, **options):
    """A trainer with one iteration an epoch; a share of the data for validation would be training data here."""
    x = np.arange(4.0)[:, np.newaxis]
    options = {"mini_batch_size": 4, "epochs": len(losses), "optimizer_param": {"lr": 1.0}, **QUIET, **options}
    return Trainer(Counting(losses), x, x[:, 0], validation=(x + 100, x[:, 0]), **options)


# --- own steps -------------------------------------------------------------------------------------------------------


def test_every_iteration_calls_a_step_that_a_subclass_overrides():
    steps = []

    class Own(Trainer):
        def train_step(self):
            steps.append(self.current_iter)
            super().train_step()

    made = trainer(Own)
    made.train()
    assert steps == list(range(9))
    assert made.train_loss_list == trained().train_loss_list


def test_every_iteration_calls_a_step_that_replaces_that_of_the_object():
    made, steps = trainer(), []
    original = made.train_step
    made.train_step = lambda: (steps.append(1), original())
    made.train()
    assert len(steps) == 9 == len(made.train_loss_list)


class Book(Trainer):
    """A step as in the book's own trainer, with a penalty for large weights, and no call of ours."""

    def train_step(self):
        mask = np.random.choice(self.train_size, self.batch_size)
        x, t = self.x_train[mask], self.t_train[mask]
        grads = self.network.gradient(x, t)
        for name in ("W1", "W2"):
            grads[name] += 0.1 * self.network.params[name]
        self.optimizer.update(self.network.params, grads)
        self.train_loss_list.append(self.network.loss(x, t))
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            self.train_acc_list.append(self.network.accuracy(self.x_train, self.t_train))
            self.test_acc_list.append(self.network.accuracy(self.x_test, self.t_test))
        self.current_iter += 1


@pytest.mark.usefixtures("backend")
def test_a_step_like_the_books_works_with_all_that_surrounds_it():
    seen = {"step": 0, "epoch": 0}
    np.random.seed(5)
    made = trainer(
        Book, seed=None, validation=(X[30:], T[30:]), on_step=lambda _: seen.__setitem__("step", seen["step"] + 1),
        on_epoch=lambda _: seen.__setitem__("epoch", seen["epoch"] + 1),
    )
    made.train()
    assert seen == {"step": 9, "epoch": 3}
    assert (len(made.val_loss_list), made.validated_at) == (3, [2, 5, 8])
    np.random.seed(5)
    by_hand = trainer(Book, seed=None)
    for _ in range(9):
        by_hand.train_step()
    assert made.train_loss_list == by_hand.train_loss_list


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_the_hooks_come_after_each_iteration_and_after_the_measurements_of_each_epoch():
    calls = []
    made = trainer(
        on_step=lambda each: calls.append(("step", each.current_iter, len(each.train_loss_list))),
        on_epoch=lambda each: calls.append(("epoch", each.current_epoch, len(each.test_acc_list))),
    )
    made.train()
    steps = [("step", i, i) for i in range(1, 10)]
    assert calls == [*steps[:3], ("epoch", 1, 1), *steps[3:6], ("epoch", 2, 2), *steps[6:], ("epoch", 3, 3)]


def test_hooks_change_nothing_that_they_only_read():
    assert trained(on_step=lambda _: None, on_epoch=lambda _: None).train_loss_list == trained().train_loss_list


def test_a_hook_sets_the_rate_of_the_updates_that_follow():
    rates = []

    def halve(each):
        rates.append(each.optimizer.lr)
        each.optimizer.lr /= 2

    made = counting([1.0] * 3, on_epoch=halve)
    made.train()
    assert rates == [1, 0.5, 0.25]
    assert made.network.params["W"] == 1 + 0.5 + 0.25


@pytest.mark.parametrize("hook", ["on_step", "on_epoch"])
def test_a_hook_stops_the_training_and_another_train_goes_on(hook):
    def stop(each):
        if each.current_iter == 3:
            each.stop()

    made = trainer(**{hook: stop})
    made.train()
    assert made.train_loss_list == trained().train_loss_list[:3]
    made.train()  # all 9 iterations: nothing stops it again
    assert made.train_loss_list == trained(iterations=12).train_loss_list


def test_stop_before_train_stops_nothing():
    made = trainer()
    made.stop()
    made.train()
    assert len(made.train_loss_list) == 9


def test_an_error_in_a_hook_ends_the_training_with_it():
    def fail(_):
        raise RuntimeError("mine")

    made = trainer(on_step=fail)
    with pytest.raises(RuntimeError, match="mine"):
        made.train()
    assert len(made.train_loss_list) == 1


@pytest.mark.parametrize("cls", [Trainer, Book])
@pytest.mark.parametrize(
    ("n", "batch", "options", "ends"),
    [
        (30, 10, {"epochs": 2}, [2, 5]),
        (30, 7, {"epochs": 3}, [4, 8, 11]),  # 35, 63 and 84 samples: the last epoch is 6 short
        (30, 7, {"iterations": 14}, [4, 8, 12, 13]),
        (10, 3, {"epochs": 4}, [3, 6, 9, 12]),  # 3.33 iterations an epoch; `iteration % 3.33` is 0 only once
        (10, 100, {"epochs": 3}, [0, 1, 2]),  # a batch larger than the data is an epoch
        (10, 4, {"epochs": 1}, [1]),
        (30, 20, {"iterations": 1}, [0]),
    ],
)
def test_an_epoch_ends_when_as_many_samples_as_there_are_have_been_drawn(cls, n, batch, options, ends):
    """In integers, and once more when the training ends; the book's own evaluations stay where they are."""
    called = []
    options = {"mini_batch_size": batch, "seed": 1, "validation": (X[30:], T[30:]), **QUIET, **options}
    options["on_epoch"] = lambda each: called.append(each.current_iter)
    made = cls(network(), X[:n], T[:n], X[30:], T[30:], **options)
    made.train()
    assert made.validated_at == ends == [calls - 1 for calls in called]
    assert len(made.val_loss_list) == len(made.val_acc_list) == len(ends)
    plain = trained_plainly(n, batch, made.max_iter)
    if cls is Trainer:
        assert (made.train_loss_list, made.train_acc_list) == (plain.train_loss_list, plain.train_acc_list)
        assert (made.evaluated_at, made.current_epoch) == (plain.evaluated_at, plain.current_epoch)


def trained_plainly(n, batch, iterations):
    made = Trainer(network(), X[:n], T[:n], mini_batch_size=batch, iterations=iterations, seed=1, **QUIET)
    for _ in range(iterations):
        made.train_step()
    return made


def test_an_epoch_goes_on_in_the_next_train():
    made = trainer(iterations=2, validation=(X[30:], T[30:]))
    made.train()
    made.train()
    assert made.validated_at == [1, 2, 3]  # 20 of 30 samples, an end; 30 samples, an epoch; 40 samples, an end


def test_a_rate_that_decays_every_epoch_has_its_last_step_at_the_end():
    def halve(each):
        each.optimizer.lr /= 2

    made = trained(epochs=4, mini_batch_size=7, optimizer_param={"lr": 0.8}, on_epoch=halve)
    assert made.optimizer.lr == 0.8 / 2**4


def test_a_step_that_does_not_count_its_iterations_has_epochs_too():
    class Silent(Trainer):
        def train_step(self):
            self.optimizer.update(self.network.params, self.network.gradient(self.x_train, self.t_train))

    made = trainer(Silent, validation=(X[30:], T[30:]))
    made.train()
    assert made.validated_at == [2, 5, 8]


def test_a_subclass_overrides_the_hooks_and_may_call_the_functions_that_were_given():
    calls = []

    class Own(Trainer):
        def on_step(self):
            calls.append("own step")
            super().on_step()

        def on_epoch(self):
            calls.append("own epoch")
            self.stop()

    trainer(Own, on_step=lambda _: calls.append("step"), on_epoch=lambda _: calls.append("epoch")).train()
    assert calls == ["own step", "step"] * 3 + ["own epoch"]


# --- without test data -----------------------------------------------------------------------------------------------


def test_without_test_data_there_is_no_test_accuracy(capsys):
    made = Trainer(network(), X, T, mini_batch_size=20, epochs=2, seed=1, progress=False)
    made.train()
    assert (len(made.train_acc_list), made.test_acc_list, made.evaluated_at) == (2, [], [0, 2])
    assert (made.x_test, made.t_test) == (None, None)
    out = capsys.readouterr().out
    assert f"=== epoch:2, train acc:{made.train_acc_list[1]} ===\n" in out
    assert "est acc" not in out
    assert "Final" not in out


@pytest.mark.parametrize(("given", "missing"), [({"x_test": X}, "t_test"), ({"t_test": T}, "x_test")])
def test_half_of_the_test_data_is_refused(given, missing):
    with pytest.raises(ValueError, match=f"x_test and t_test go together, but {missing} is None"):
        Trainer(network(), X, T, **given)


# --- validation ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_validation_data_are_measured_once_an_epoch_and_change_nothing_else():
    measured = []
    made = trainer(
        validation=(X[30:], T[30:].tolist()),
        on_epoch=lambda each: measured.append(
            (float(each.network.loss(X[30:], T[30:])), each.network.accuracy(X[30:], T[30:]))
        ),
    )
    made.train()
    assert measured == list(zip(made.val_loss_list, made.val_acc_list, strict=True))
    assert (made.validated_at, made.evaluated_at) == ([2, 5, 8], [0, 3, 6])
    assert made.train_loss_list == trained().train_loss_list


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize(("share", "count"), [(0.25, 10), (0.01 + 1 / 40, 1), (np.float32(0.5), 20), (0.98, 39)])
def test_a_share_is_drawn_from_the_training_data_and_taken_out_of_them(share, count, as_bytes):
    x = np.arange(40, dtype=np.uint8)[:, np.newaxis]
    made = Trainer(
        Counting(), ScaledBytes(x, 1) if as_bytes else x, np.arange(40), validation=share, mini_batch_size=1, seed=0
    )
    held, kept = made._validation, made.x_train
    assert np.array_equal(np.asarray(held.x)[:, 0], held.t)
    assert np.array_equal(np.asarray(kept)[:, 0], made.t_train)
    assert len(held.t) == count
    assert sorted([*held.t, *made.t_train]) == list(range(40))
    assert made.train_size == made.iter_per_epoch == 40 - count
    if count == 10:
        assert held.t.tolist() != list(range(10))
        assert held.t.tolist() != list(range(30, 40))
        again = Trainer(Counting(), x, np.arange(40), validation=share, seed=0)
        other = Trainer(Counting(), x, np.arange(40), validation=share, seed=1)
        assert np.array_equal(again._validation.t, held.t)
        assert not np.array_equal(other._validation.t, held.t)


def test_a_share_is_drawn_from_the_global_generator_where_there_is_no_seed():
    np.random.seed(2)
    order = np.random.permutation(40)
    following = np.random.rand()
    np.random.seed(2)
    made = Trainer(network(), X, T, validation=0.25)
    assert np.random.rand() == following
    assert np.array_equal(made._validation.x, X[np.sort(order[:10])])


def test_validation_is_printed(capsys):
    made = trainer(validation=(X[30:], T[30:]), verbose=True, epochs=1)
    made.train()
    line = f"=== iteration:2, val loss:{made.val_loss_list[0]}, val acc:{made.val_acc_list[0]} ===\n"
    assert line in capsys.readouterr().out


def test_a_network_without_accuracy_is_validated_by_its_loss(capsys):
    line = MultiLayerNet(3, [], 1, output="identity", seed=0)
    made = Trainer(line, X, X[:, 0], mini_batch_size=10, epochs=2, seed=1, progress=False, validation=0.5)
    made.train()
    assert (len(made.val_loss_list), made.val_acc_list, made.validated_at) == (2, [], [1, 3])
    assert "acc" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"validation": 0}, ValueError, "validation must be a share between 0 and 1, or a pair"),
        ({"validation": 1.0}, ValueError, "validation must be a share between 0 and 1"),
        ({"validation": np.nan}, ValueError, "validation must be a share between 0 and 1"),
        ({"validation": 0.001}, ValueError, "validation=0.001 of 30 samples are 0"),
        ({"validation": 0.999}, ValueError, "validation=0.999 of 30 samples are 30"),
        ({"validation": True}, TypeError, r"validation must be a share .* or a pair \(x, t\), got True"),
        ({"validation": X}, TypeError, r"validation must be a share .* got array of shape \(40, 3\)$"),
        ({"validation": (X, T, T)}, TypeError, "validation must be a share .* got tuple of 3$"),
        ({"validation": [X]}, TypeError, "validation must be a share .* got list of 1$"),
        ({"validation": (X, T[:3])}, ValueError, r"x_val and t_val.*\(40, 3\) and \(3,\)"),
        ({"validation": 0.2, "early_stopping": 0}, ValueError, "early_stopping must be at least 1, got 0"),
        ({"validation": 0.2, "early_stopping": 2.0}, TypeError, "early_stopping must be an integer"),
        ({"early_stopping": 3}, ValueError, "early_stopping .* needs validation"),
        ({"on_step": 3}, TypeError, "on_step must be a function that takes the trainer, got 3"),
        ({"on_epoch": "stop"}, TypeError, "on_epoch must be a function that takes the trainer, got 'stop'"),
    ],
)
def test_a_bad_argument_is_named(options, error, message):
    with pytest.raises(error, match=message):
        trainer(**options)


# --- early stopping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best"),
    [
        ([3.0, 2.0, 1.0, 2.0, 1.5, 1.0, 0.5], 3, 6, 3),  # 1.0 is no better than 1.0
        ([3.0, 2.0, 1.0, 2.0, 1.5, 0.9, 2.0], 3, 7, 6),  # the patience begins again; it ends before it is over
        ([3.0, 4.0], 1, 2, 1),
        ([np.nan, 2.0, np.nan, np.nan], 2, 4, 2),
        ([np.nan, np.inf, 5.0], 2, 2, 2),  # no best: the parameters stay
    ],
)
def test_it_stops_after_epochs_without_a_lower_loss_and_restores_the_best_parameters(losses, patience, epochs, best):
    made = counting(losses, early_stopping=patience)
    W = made.network.params["W"]
    made.train()
    assert np.array_equal(made.val_loss_list, losses[:epochs], equal_nan=True)
    assert len(made.train_loss_list) == epochs
    assert made.network.params["W"] is W  # in place
    assert W.tolist() == [best]
    assert (made.network.params["b"], type(made.network.params["b"])) == (best, float)


def test_a_network_may_count_its_layers_where_the_books_keeps_them():
    made = counting([3.0, 2.0, 4.0], early_stopping=1)
    made.network.layers = 2
    made.train()
    assert made.network.params["W"].tolist() == [2]


def test_a_training_that_stops_early_says_so(capsys):
    counting([1.0, 2.0, 3.0], early_stopping=1, verbose=True).train()
    assert capsys.readouterr().out.endswith("=== early stopping: the best parameters are put back ===\n")
    counting([3.0, 2.0, 1.0], early_stopping=1, verbose=True).train()
    assert "stopping" not in capsys.readouterr().out


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError, "stop"])
def test_the_best_parameters_are_restored_whatever_ends_the_training(reason):
    def end(each):
        if each.current_iter == 4:
            if reason == "stop":
                each.stop()
            else:
                raise reason

    made = counting([3.0, 1.0, 2.0, 2.5, 0.1], early_stopping=10, on_epoch=end)
    if reason == "stop":
        made.train()
    else:
        with pytest.raises(reason):
            made.train()
    assert made.network.params["W"] == 2


def changed_by(change, then):
    """A trainer whose hook changes the parameters after the second epoch, when the first was the best."""
    def hook(each):
        if each.current_iter == 2:
            change(each.network.params)
            then(each)

    return counting([1.0, 2.0, 3.0, 4.0], early_stopping=3, on_epoch=hook)


def fail(_):
    raise RuntimeError("mine")


def make_read_only(params):
    params["W"].flags.writeable = False


SPOILT = {
    "removed": lambda params: params.pop("W"),
    "read-only": make_read_only,
    "another shape": lambda params: params.update(W=np.zeros((3, 1))),
    "another dtype": lambda params: params.update(W=np.zeros(1, "f4")),
    "a number": lambda params: params.update(W=0.5),
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_what_cannot_be_put_back_is_named_and_hides_no_error(change):
    made = changed_by(change, fail)
    with pytest.raises(RuntimeError) as caught:
        made.train()
    assert str(caught.value) == "mine"
    (line,) = caught.value.__notes__
    assert line.startswith("early stopping could not put back the best network.params['W']: missing, read-only, or")
    assert made.network.params["b"] == 1  # what can be put back is
    made = changed_by(change, Trainer.stop)
    with pytest.raises(RuntimeError, match=r"^early stopping could not put back the best network.params\['W'\]: "):
        made.train()
    assert made.network.params["b"] == 1


def test_a_replaced_array_of_the_same_kind_gets_the_best_values():
    made = changed_by(lambda params: params.update(W=params["W"] + 5), Trainer.stop)
    made.train()
    assert made.network.params["W"] == 1


def test_another_train_waits_from_zero_again_and_keeps_the_best_so_far():
    made = counting([3.0, 1.0, 2.0, 2.5, 2.0, 1.5, 0.5, 4.0, 4.0], early_stopping=2)
    made.train()
    assert (len(made.val_loss_list), made.network.params["W"].tolist()) == (4, [2])
    made.train()
    assert (len(made.val_loss_list), made.network.params["W"].tolist()) == (6, [2])
    made.train()
    assert made.network.params["W"] == 3  # 2 and one update


@pytest.mark.usefixtures("backend")
def test_a_real_network_has_the_lowest_of_its_validation_losses():
    made = trainer(validation=(X[30:], T[30:]), early_stopping=5, epochs=400, optimizer_param={"lr": 2.0})
    made.train()
    assert made.network.loss(X[30:], T[30:]) == min(made.val_loss_list) < made.val_loss_list[-1]
    assert len(made.val_loss_list) < 400


def of_batch_normalisation(**options):
    """A trainer of a network with running statistics. From its tenth epoch on, the rate is far too large."""
    network = MultiLayerNetExtend(6, [20], 3, use_batchnorm=True, seed=0)

    def spoil(made):
        if made.current_iter >= 45:
            made.optimizer.lr = 50.0

    x = np.random.default_rng(0).normal(size=(100, 6))
    t = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    options = {"mini_batch_size": 20, "optimizer_param": {"lr": 0.05}, "on_step": spoil, "seed": 0, **QUIET, **options}
    return Trainer(network, x, t, validation=(x, t), epochs=60, **options), (x, t)


@pytest.mark.usefixtures("backend")
@pytest.mark.filterwarnings("ignore:.*the learning rate may be too large")
@pytest.mark.parametrize("copied", [lambda made: made, copy.deepcopy])
def test_the_running_statistics_go_back_with_the_parameters(copied):
    made, data = of_batch_normalisation(early_stopping=3)
    made = copied(made)
    made.train()
    assert made.val_loss_list[-1] > 2 * min(made.val_loss_list)  # it has become much worse before it was stopped
    assert made.network.loss(*data) == min(made.val_loss_list)


@pytest.mark.usefixtures("backend")
@pytest.mark.filterwarnings("ignore:.*the learning rate may be too large")
def test_the_running_statistics_go_back_if_the_training_diverges():
    losses = []

    def spoil(made):
        losses.append(made.network.loss(*data))
        if made.current_iter == 22:
            made.network.params["W1"][...] = np.nan

    made, data = of_batch_normalisation(on_step=spoil)
    made.train()
    assert made._good_after == 20
    assert made.network.loss(*data) == losses[19]


@pytest.mark.usefixtures("backend")
def test_early_stopping_keeps_what_an_epoch_has_learned(mnist):
    (x, t), _ = mnist
    options = {"epochs": 1, "optimizer_param": {"lr": 0.5}, "seed": 0, **QUIET}
    made = Trainer(TwoLayerNet(784, 20, 10, seed=0), x, t, validation=0.1, early_stopping=5, **options)
    made.train()
    assert made.validated_at == [539]
    assert made.val_acc_list[0] > 0.85  # 0.90; one in ten after the first iteration
    assert made.network.loss(*made._validation[:2]) == made.val_loss_list[0]


def test_it_looks_every_epoch_where_the_batch_does_not_divide_the_data():
    random = np.random.default_rng(0)
    x = random.normal(size=(150, 20))
    t = (x[:, 0] + random.normal(size=150) > 0).astype(int)
    made = Trainer(TwoLayerNet(20, 5, 2, seed=0), x, t, validation=0.2, epochs=500, seed=0, **QUIET)
    made.train()
    assert len(made.validated_at) == 500  # 600 iterations of 100 from 120 samples


# --- sample weights --------------------------------------------------------------------------------------------------


class Line:
    """Linear regression in one variable. What it sees of the weights is which samples come how often."""

    def __init__(self):
        self.params = {"W": np.zeros(1)}
        self.seen = []

    def loss(self, x, t):
        self.seen.append(("loss", x[:, 0].tolist()))
        return np.mean((x @ self.params["W"] - t) ** 2)

    def gradient(self, x, t):
        self.seen.append(("gradient", x[:, 0].tolist()))
        return {"W": np.array([np.mean(2 * (x @ self.params["W"] - t) * x[:, 0])])}

    numerical_gradient = gradient

    def accuracy(self, x, _):
        return len(x) / 10


LINE = np.arange(1.0, 11.0)


def weighted(weight, cls=Trainer, **options):
    options = {"mini_batch_size": 4, "iterations": 5, "seed": 0, "optimizer_param": {"lr": 0.001}, **QUIET, **options}
    return cls(options.pop("network", None) or Line(), LINE[:, np.newaxis], LINE, sample_weight=weight, **options)


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
@pytest.mark.parametrize("seed", [None, 0, np.random.default_rng(0)], ids=["global", "0", "generator"])
@pytest.mark.parametrize("batch", [1, 10, 1000])
def test_samples_are_drawn_as_often_as_their_weights_say(gradient, seed, batch):
    """20,000 draws: the counts of the ten lie within 5 standard deviations."""
    np.random.seed(0)
    made = weighted(3 * LINE, gradient=gradient, seed=seed, mini_batch_size=batch, iterations=20_000 // batch)
    made.train()
    assert [what for what, _ in made.network.seen[:4]] == ["gradient", "loss"] * 2
    drawn = np.concatenate([x for what, x in made.network.seen if what == "loss"])
    shares = LINE / LINE.sum()
    deviations = np.sqrt(20_000 * shares * (1 - shares))
    assert (np.abs(np.bincount(drawn.astype(int), minlength=11)[1:] - 20_000 * shares) < 5 * deviations).all()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("batch", [1, 10])
def test_training_ends_at_the_minimum_of_the_weighted_loss(batch):
    """The mean of the samples with their weights, 9.1; without them, it is 5.5.

    The parameter follows the mean of the last 1 / lr samples or so. With a rate that falls to 1e-4, its standard
    deviation is about sqrt(lr / 2) times that of a sample, 2.85: 0.02 in batches of 1, and less in larger ones.
    """
    weight = np.where(LINE > 5, 20.0, 1.0) * np.where(LINE > 9, 2.0, 1.0)
    best = np.average(LINE, weights=weight)
    network = MultiLayerNet(1, [], 1, output="identity", weight_init_std=0.0)
    options = {"mini_batch_size": batch, "iterations": 6000, "seed": 0, "optimizer": SGD(CosineDecay(0.05, 6000, 1e-4))}
    made = Trainer(network, np.zeros((10, 1)), LINE, sample_weight=weight, **options, **QUIET)
    made.train()
    assert abs(best - LINE.mean()) > 2
    assert network.params["b1"][0] == pytest.approx(best, abs=0.2)


@pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-300, 1e-17])
def test_the_draws_at_the_borders_between_the_shares_are_right(tiny):
    """Also next to samples whose weight is 0, or vanishes in the sum."""

    class Ends:
        def random(self, count):
            assert count == 6
            below = np.nextafter([0.5, 1.0], 0.0)
            return np.array([0.0 if tiny == 0 else 1e-9, 0.25, 0.5, *below, 0.75])

        def choice(self, *_):
            raise AssertionError("drawn without weights")

    weight = np.full(10, tiny)
    weight[[2, 6]] = 1.0
    made = weighted(weight, mini_batch_size=6)
    made._random = Ends()
    made.train_step()
    assert made.network.seen[0][1] == [3.0, 3.0, 7.0, 3.0, 7.0, 7.0]


def test_without_weights_the_draws_are_the_books():
    np.random.seed(4)
    made = weighted(None, seed=None)
    made.train()
    np.random.seed(4)
    expected = [LINE[np.random.choice(10, 4)].tolist() for _ in range(5)]
    assert [x for what, x in made.network.seen if what == "loss"] == expected


def test_a_sample_of_weight_0_is_as_if_it_were_not_there():
    weight = np.where(LINE % 3 == 0, 0, LINE)
    made, kept = weighted(weight), weight > 0
    without = Trainer(
        Line(), LINE[kept, np.newaxis], LINE[kept], sample_weight=weight[kept], mini_batch_size=4, iterations=5,
        seed=0, optimizer_param={"lr": 0.001}, **QUIET,
    )
    made.train()
    without.train()
    assert made.network.seen == without.network.seen
    assert made.train_loss_list == without.train_loss_list
    assert made.train_size == len(made.x_train) == len(made.t_train) == len(made.sample_weight) == 7
    assert weight.min() == 0  # the caller's array is as it was


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_in_a_sample_of_weight_0_does_not_matter(bad):
    x, t = LINE[:, np.newaxis].copy(), LINE.copy()
    x[3], t[5] = bad, bad
    weight = np.ones(10)
    weight[[3, 5]] = 0
    made = Trainer(Line(), x, t, sample_weight=weight)
    assert made.x_train[:, 0].tolist() == made.t_train.tolist() == [1, 2, 3, 5, 7, 8, 9, 10]
    x[8] = bad  # in the row that the user counts, not in that of what is left
    with pytest.raises(ValueError, match=r"x_train holds .* in row 8, column 0 "):
        Trainer(Line(), x, t, sample_weight=weight)


def test_a_share_for_validation_keeps_its_weights_and_holds_none_of_0():
    class Own(Line):
        def loss(self, x, _, sample_weight=None):
            self.seen.append((sample_weight, x[:, 0].tolist()))
            return 0.0

    weight = np.where(LINE > 8, 0, LINE)
    made = weighted(weight, validation=0.25, network=Own())
    made.train()
    (weights, x), *_ = [each for each in made.network.seen if not isinstance(each[0], str) and each[0] is not None]
    assert np.allclose(weights * 8, x, rtol=1e-15)  # divided by the largest
    assert len(x) == 2
    assert max(x) <= 8
    assert len(made.x_train) == 6


def test_a_pair_for_validation_has_no_weights():
    made = weighted(LINE, validation=(LINE[:, np.newaxis], LINE))
    made.train()  # `Line` takes none
    assert len(made.val_loss_list) == 2


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "?"])
def test_weights_of_any_dtype_are_numbers(dtype):
    weight = (LINE % 2).astype(dtype)
    made = weighted(weight.tolist() if dtype == "?" else weight)
    made.train()
    assert made.sample_weight.dtype == np.float64
    assert made.sample_weight.tolist() == [1] * 5


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (np.ones(9), ValueError, r"sample_weight must have shape \(10,\).* got shape \(9,\)"),
        (np.ones((10, 1)), ValueError, r"sample_weight must have shape \(10,\).* got shape \(10, 1\)"),
        (1.0, ValueError, r"sample_weight must have shape \(10,\).* got shape \(\)"),
        (np.zeros(10), ValueError, "all sample weights are zero"),
        (np.where(LINE == 3, -1, LINE), ValueError, r"sample_weight\[2\] is -1.0: a weight must be a finite"),
        (np.where(LINE == 3, np.nan, LINE), ValueError, r"^sample_weight\[2\] is nan: a weight must be a finite"),
        (np.where(LINE == 3, np.inf, LINE), ValueError, r"^sample_weight\[2\] is inf: a weight must be a finite"),
        (["1"] * 10, TypeError, "sample_weight must hold real numbers"),
    ],
)
def test_bad_weights_are_named(weight, error, message):
    with pytest.raises(error, match=message):
        weighted(weight)


# --- copies ----------------------------------------------------------------------------------------------------------

COPIES = {"pickle": lambda made: pickle.loads(pickle.dumps(made)), "deepcopy": copy.deepcopy}
OPTIMIZERS = [
    SGD(0.5), Momentum(0.1), Nesterov(0.1), AdaGrad(0.1), RMSprop(0.1), Adam(0.1),
    SGD(CosineDecay(0.5, steps=8)), Adam(StepDecay(0.1, every=3)),
]  # fmt: skip


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_copy_goes_on_exactly_where_the_trainer_was(way, seed, optimizer):
    np.random.seed(7)
    options = {"seed": seed, "iterations": 5, "validation": 0.25}
    original = trainer(optimizer=copy.deepcopy(optimizer), **options)
    original.train()
    state = np.random.get_state(legacy=False)
    copied = COPIES[way](original)
    assert str(np.random.get_state(legacy=False)) == str(state)
    original.train()
    np.random.seed(0)
    untouched = np.random.rand()
    np.random.seed(0)
    copied.train()
    assert np.random.rand() == untouched  # the copy draws from its own generator
    for name in ("train_loss_list", "train_acc_list", "test_acc_list", "evaluated_at", "val_loss_list", "current_iter"):
        assert getattr(copied, name) == getattr(original, name)
    assert copied.optimizer.lr == original.optimizer.lr
    assert all(np.array_equal(copied.network.params[name], value) for name, value in original.network.params.items())
    assert copied.network.params["W1"] is not original.network.params["W1"]


def test_a_copy_has_the_normal_number_that_the_global_generator_holds():
    np.random.seed(0)
    np.random.randn()  # it draws two, and keeps one
    copied = COPIES["pickle"](trainer(seed=None))
    assert copied._random.standard_normal() == np.random.randn()


def note(_):
    """A hook that pickle can name."""


def save(each):
    if each.current_iter == 5:
        saved.append(pickle.dumps(each))


saved: list[bytes] = []


def test_a_trainer_saved_in_a_hook_goes_on():
    saved.clear()
    whole = trainer(on_step=save, seed=None, iterations=9, verbose=True, progress=True)
    np.random.seed(1)
    whole.train()
    again = pickle.loads(saved[0])
    again.max_iter = 4
    again.train()
    assert again.train_loss_list == whole.train_loss_list
    assert COPIES["pickle"](trainer(on_epoch=note))._on_epoch is note


def test_a_hook_that_cannot_be_pickled_raises_pickles_own_error():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(trainer(on_step=lambda _: None))


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("made", [network(), MultiLayerNet(3, [4], 2, seed=0), SimpleNet(3, 2)], ids=["2", "n", "1"])
def test_networks_can_be_copied(way, made):
    assert np.array_equal(COPIES[way](made).predict(X), made.predict(X))


def test_early_stopping_goes_on_in_a_copy():
    original = counting([3.0, 1.0, 2.0, 1.5, 1.2, 4.0], early_stopping=3, iterations=3)
    original.train()
    copied = COPIES["pickle"](original)
    for made in original, copied:
        made.train()
        assert made.val_loss_list == [3.0, 1.0, 2.0, 1.5, 1.2, 4.0]
        assert made.network.params["W"] == 2
