"""The pictures of a training run: its losses and its accuracies."""

import numpy as np
import pytest

from fastnet import MultiLayerNet, Trainer, TwoLayerNet, plotting


def by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def test_plot_loss_draws_every_loss_and_its_running_mean(drawn):
    loss = np.linspace(3, 1, 100) + np.tile([0.1, -0.1], 50)
    plotting.plot_loss(loss.tolist(), ax=drawn)
    curve, smooth = (line.get_ydata() for line in drawn.lines)
    assert np.array_equal(curve, loss)
    assert np.array_equal(drawn.lines[0].get_xdata(), np.arange(100))
    assert len(smooth) == 100
    # The window is 2, a fiftieth: the mean of each loss and the one before it. The zigzag of 0.1 cancels in it.
    np.testing.assert_allclose(smooth[1:], (loss[1:] + loss[:-1]) / 2, rtol=1e-14)
    assert drawn.get_ylim()[0] == 0
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("iteration", "loss of the mini-batch")
    assert {text.get_text() for text in drawn.get_legend().get_texts()} == set(by_label(drawn))


def test_the_running_mean_of_a_constant_is_constant_to_its_ends(ax):
    plotting.plot_loss([0.7] * 500_000, ax=ax)  # a window of 10,000, of which the ends see a half
    np.testing.assert_allclose(ax.lines[1].get_ydata(), 0.7, rtol=1e-12)


def test_the_running_mean_is_that_of_the_losses_around_each_but_for_gaps_where_one_is_not_finite(ax):
    loss = np.random.default_rng(0).exponential(size=500)  # a window of 10
    loss[[200, 300]] = np.nan, np.inf
    plotting.plot_loss(loss, ax=ax)
    expected = np.array([loss[max(i - 5, 0) : i + 5].mean() for i in range(500)])
    expected[~np.isfinite(expected)] = np.nan
    # The sums from the start on are below 500, and so their differences, of about 10, are right to some 1e-13.
    np.testing.assert_allclose(ax.lines[1].get_ydata(), expected, rtol=1e-12)
    assert np.isnan(expected).sum() == 20


@pytest.mark.parametrize("loss", [[2.3], [2.3, 1.0], [1.0, np.nan, 2.0], [np.nan] * 3, [1.0, np.inf]])
def test_short_and_diverged_runs_can_be_drawn(drawn, loss):
    plotting.plot_loss(loss, ax=drawn)
    assert np.array_equal(drawn.lines[0].get_ydata(), loss, equal_nan=True)


def test_plot_accuracy_draws_both_curves_against_the_epochs(drawn):
    epochs, train, test = [0, 1, 2.5], [0.1, 0.8, 0.9], [0.2, 0.7, 0.85]
    plotting.plot_accuracy(epochs, train, test, ax=drawn)
    lines = by_label(drawn)
    for label, accuracies in (("training data", train), ("test data", test)):
        assert lines[label].get_xdata().tolist() == epochs
        assert lines[label].get_ydata().tolist() == accuracies
    assert lines["training data"].get_linestyle() != lines["test data"].get_linestyle()  # for those who see no colours
    assert lines["training data"].get_marker() != lines["test data"].get_marker()
    assert drawn.get_ylim() == (0, 1)
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("epoch", "accuracy")
    assert {text.get_text() for text in drawn.get_legend().get_texts()} == set(lines)


@pytest.fixture(scope="module")
def trainer():
    x, t = np.eye(4), [0, 1, 0, 1]
    trainer = Trainer(
        TwoLayerNet(4, 3, 2, seed=0), x, t, x, t, epochs=5, mini_batch_size=2, verbose=False, progress=False, seed=0
    )
    trainer.train()
    return trainer


def test_plot_history_draws_a_trainers_losses_and_over_them_its_accuracies(drawn, trainer):
    plotting.plot_history(trainer, ax=drawn)
    _, right = drawn.figure.axes
    assert drawn.lines[0].get_ydata().tolist() == trainer.train_loss_list
    lines = by_label(right)
    assert lines["accuracy on training data"].get_ydata().tolist() == trainer.train_acc_list
    assert lines["accuracy on test data"].get_ydata().tolist() == trainer.test_acc_list
    assert lines["accuracy on test data"].get_xdata().tolist() == trainer.evaluated_at == [0, 2, 4, 6, 8]
    assert right.get_ylim() == (0, 1)
    assert right.get_shared_x_axes().joined(right, drawn)
    assert (drawn.get_xlabel(), drawn.get_ylabel(), right.get_ylabel()) == (
        "iteration", "loss of the mini-batch", "accuracy",
    )  # fmt: skip
    explained = {text.get_text() for text in right.get_legend().get_texts()}
    assert explained == {*by_label(drawn), *lines}


def test_the_lists_of_a_loop_by_hand_give_the_trainers_picture(drawn, trainer):
    lists = trainer.train_loss_list, trainer.train_acc_list, trainer.test_acc_list, trainer.evaluated_at
    plotting.plot_history(*map(np.array, lists), ax=drawn)
    _, right = drawn.figure.axes
    assert drawn.lines[0].get_ydata().tolist() == trainer.train_loss_list
    assert right.lines[1].get_ydata().tolist() == trainer.test_acc_list
    assert right.lines[1].get_xdata().tolist() == trainer.evaluated_at


def test_plot_history_draws_what_was_measured_on_validation_data(drawn):
    x, t = np.eye(4), [0, 1, 0, 1]
    trainer = Trainer(
        TwoLayerNet(4, 3, 2, seed=0), x, t, epochs=3, mini_batch_size=2, verbose=False, progress=False, seed=0,
        validation=(x, t),
    )  # without test data
    trainer.train()
    plotting.plot_history(trainer, ax=drawn)
    _, right = drawn.figure.axes
    left, right_lines = by_label(drawn), by_label(right)
    assert left["loss on validation data"].get_xdata().tolist() == [1, 3, 5]
    assert left["loss on validation data"].get_ydata().tolist() == trainer.val_loss_list
    assert set(right_lines) == {"accuracy on training data", "accuracy on validation data"}
    assert right_lines["accuracy on validation data"].get_ydata().tolist() == trainer.val_acc_list
    assert len({(line.get_marker(), line.get_linestyle()) for line in right.lines}) == 2
    explained = {text.get_text() for text in right.get_legend().get_texts()}
    assert explained == {*left, *right_lines}


def test_a_network_without_accuracy_shows_its_loss_on_validation_data(drawn):
    x = np.arange(6.0)[:, np.newaxis]
    network = MultiLayerNet(1, [], 1, output="identity", seed=0)
    trainer = Trainer(
        network, x / 6, x / 6, mini_batch_size=2, iterations=6, verbose=False, progress=False, seed=0, validation=0.5
    )
    trainer.train()
    plotting.plot_history(trainer, ax=drawn)
    assert drawn.figure.axes == [drawn]
    assert by_label(drawn)["loss on validation data"].get_ydata().tolist() == trainer.val_loss_list
    assert len(drawn.get_legend().get_texts()) == 2


def test_plot_accuracy_needs_no_test_data(drawn):
    plotting.plot_accuracy([0, 1], [0.25, 0.5], ax=drawn)
    assert [line.get_ydata().tolist() for line in drawn.lines] == [[0.25, 0.5]]
    with pytest.raises(ValueError, match="epochs and train_acc_list must have the same length, got 2, 1"):
        plotting.plot_accuracy([0, 1], [0.5], ax=drawn)


def test_losses_alone_are_a_history_too(drawn):
    plotting.plot_history([2.0, 1.0], ax=drawn)
    assert drawn.figure.axes == [drawn]
    assert drawn.lines[0].get_ydata().tolist() == [2, 1]
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == ["loss of every iteration"]  # no mean of 1


def test_an_interrupt_between_two_lists_leaves_a_history_that_can_be_drawn(drawn):
    class Interrupted:
        train_loss_list, train_acc_list, test_acc_list, evaluated_at = [2.0, 1.0], [0.1, 0.5], [0.2], [0]

    plotting.plot_history(Interrupted(), ax=drawn)
    assert [line.get_ydata().tolist() for line in drawn.figure.axes[1].lines] == [[0.1], [0.2]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "history is empty"),
        (([[1.0]],), ValueError, r"history must be a list of numbers, got shape \(1, 1\)"),
        ((["a"],), TypeError, "history must hold real numbers"),
        ((5,), TypeError, "history must be a trainer or the list of its losses, got int"),
        (([1.0], [0.5]), TypeError, "no test_acc_list and no evaluated_at"),
        (([1.0], [0.5], [0.5], [0, 1]), ValueError, "and evaluated_at must have the same length, got 1, 1, 2"),
    ],
)
def test_plot_history_names_what_does_not_fit(ax, arguments, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_history(*arguments, ax=ax)


def test_a_trainers_lists_are_not_mixed_with_others(ax, trainer):
    with pytest.raises(TypeError, match="history is a trainer, which has its own"):
        plotting.plot_history(trainer, [0.5], ax=ax)


def test_accuracies_of_another_number_than_epochs_are_refused(ax):
    with pytest.raises(ValueError, match="train_acc_list and test_acc_list must have the same length, got 3, 2, 2"):
        plotting.plot_accuracy([0, 1, 2], [0.1, 0.2], [0.1, 0.2], ax=ax)


def test_no_loss_at_all_is_an_error_that_says_so(ax):
    with pytest.raises(ValueError, match="train_loss_list is empty"):
        plotting.plot_loss([], ax=ax)


def test_a_single_loss_is_a_point_that_can_be_seen(drawn):
    plotting.plot_loss([2.3], ax=drawn)
    assert drawn.lines[0].get_marker() == "o"


def test_plot_accuracy_takes_a_trainer_and_counts_its_epochs(drawn):
    random = np.random.default_rng(0)
    x, t = random.random((40, 4)), random.integers(2, size=40)
    network = TwoLayerNet(4, 3, 2, seed=0)
    trainer = Trainer(network, x, t, x, t, epochs=3, mini_batch_size=10, verbose=False, progress=False, seed=0)
    trainer.train()
    plotting.plot_accuracy(trainer, ax=drawn)
    training, test = drawn.lines
    assert training.get_xdata().tolist() == test.get_xdata().tolist() == [0, 1, 2]
    assert training.get_ydata().tolist() == trainer.train_acc_list
    assert drawn.get_xlabel() == "epoch"


def test_plot_accuracy_refuses_lists_beside_a_trainer_and_epochs_without_lists():
    trainer = Trainer(TwoLayerNet(4, 3, 2, seed=0), np.eye(4), [0, 1, 0, 1], verbose=False, progress=False)
    with pytest.raises(TypeError, match="a trainer has its accuracies"):
        plotting.plot_accuracy(trainer, [0.5])
    with pytest.raises(TypeError, match="train_acc_list is missing"):
        plotting.plot_accuracy([0, 1])


def test_a_trainer_that_has_not_trained_has_no_accuracies(drawn):
    x, t = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    trainer = Trainer(TwoLayerNet(2, 2, 2), x, t, x, t, mini_batch_size=2)
    with pytest.raises(ValueError, match=r"epochs is a trainer that has not trained yet: call train\(\) first"):
        plotting.plot_accuracy(trainer, ax=drawn)


def test_what_has_accuracies_alone_is_no_trainer(drawn):
    other = type("Other", (), {"train_acc_list": [0.5], "test_acc_list": [0.5]})()
    with pytest.raises(TypeError, match=r"epochs must be a fastnet\.Trainer or the epochs of .*, got Other"):
        plotting.plot_accuracy(other, ax=drawn)
