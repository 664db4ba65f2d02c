"""The pictures: what is drawn in them, and that nothing else is touched."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fastnet import plotting


@pytest.fixture
def ax(monkeypatch):
    """Axes of a figure of their own; pyplot, and the display it may open, cannot be imported meanwhile."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    return Figure().subplots()


def drawn(ax):
    """The axes once a picture has been made of them: what cannot be drawn fails here."""
    ax.figure.canvas.draw()
    return ax


def test_plot_loss_draws_every_loss_and_its_running_mean(ax):
    loss = np.linspace(3, 1, 100) + np.tile([0.1, -0.1], 50)
    assert plotting.plot_loss(loss.tolist(), ax=ax) is ax
    curve, smooth = (line.get_ydata() for line in drawn(ax).lines)
    assert np.array_equal(curve, loss)
    assert np.array_equal(ax.lines[0].get_xdata(), np.arange(100))
    assert len(smooth) == 100
    # The window is 2, a fiftieth: the mean of each loss and the one before it. The zigzag of 0.1 cancels in it.
    np.testing.assert_allclose(smooth[1:], (loss[1:] + loss[:-1]) / 2, rtol=1e-14)
    assert ax.get_ylim()[0] == 0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("iteration", "loss of the mini-batch")


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
def test_short_and_diverged_runs_can_be_drawn(ax, loss):
    plotting.plot_loss(loss, ax=ax)
    assert np.array_equal(drawn(ax).lines[0].get_ydata(), loss, equal_nan=True)


def test_plot_accuracy_draws_both_curves_against_the_epochs(ax):
    epochs, train, test = [0, 1, 2.5], [0.1, 0.8, 0.9], [0.2, 0.7, 0.85]
    assert plotting.plot_accuracy(epochs, train, test, ax=ax) is ax
    lines = {line.get_label(): line for line in drawn(ax).lines}
    for label, accuracies in (("training data", train), ("test data", test)):
        assert lines[label].get_xdata().tolist() == epochs
        assert lines[label].get_ydata().tolist() == accuracies
    assert lines["training data"].get_linestyle() != lines["test data"].get_linestyle()  # for those who see no colours
    assert ax.get_ylim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "accuracy")
    assert {text.get_text() for text in ax.get_legend().get_texts()} == set(lines)


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28)])
def test_plot_predictions_shows_every_digit_and_marks_the_wrong_ones(ax, shape):
    digits = np.zeros((5, 784))
    digits[np.arange(5), np.arange(5) * 100] = np.arange(1, 6)  # each recognisable by its one pixel
    predicted, labels = [3, 1, 4, 1, 5], [3, 7, 4, 1, 6]
    assert plotting.plot_predictions(digits.reshape(5, *shape), predicted, labels, ax=ax) is ax
    canvas = drawn(ax).images[0].get_array()
    assert sorted(canvas[canvas > 0]) == [1, 2, 3, 4, 5]
    assert [text.get_text() for text in ax.texts] == ["3", "1, not 7", "4", "1", "5, not 6"]

    wrong = [1, 4]
    assert len(ax.patches) == len(wrong)
    for frame, i in zip(ax.patches, wrong, strict=True):
        (row,), (column,) = np.nonzero(canvas == i + 1)
        assert frame.get_bbox().contains(column, row)
        x, y = ax.texts[i].get_position()
        assert frame.get_bbox().contains(x, y)
        assert not frame.get_fill()
        assert to_hex(frame.get_edgecolor()) == to_hex(ax.texts[i].get_color()) == plotting.RED
    assert all(ax.texts[i].get_color() != plotting.RED for i in (0, 2, 3))
    assert "2 of 5 wrong" in ax.get_title()


def test_ink_is_dark_and_paper_is_light(ax):
    plotting.plot_predictions(np.ones((1, 784)), [1], [1], ax=ax)
    image = drawn(ax).images[0]
    assert image.cmap(image.norm(1.0))[0] < 0.1 < 0.9 < image.cmap(image.norm(0.0))[0]


@pytest.mark.parametrize(
    ("images", "predicted", "labels", "message"),
    [
        (np.zeros((3, 784)), [1, 2], [1, 2, 3], r"3 digits.*\(2,\) and \(3,\)"),
        (np.zeros((3, 784)), [1, 2, 3], 1, r"3 digits.*\(3,\) and \(\)"),
        (np.zeros((3, 783)), [1, 2, 3], [1, 2, 3], r"28"),
    ],
)
def test_plot_predictions_names_what_does_not_fit(ax, images, predicted, labels, message):
    with pytest.raises(ValueError, match=message):
        plotting.plot_predictions(images, predicted, labels, ax=ax)


def test_accuracies_of_another_number_than_epochs_are_refused(ax):
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        plotting.plot_accuracy([0, 1, 2], [0.1, 0.2], [0.1, 0.2], ax=ax)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (plotting.plot_loss, ([2.3, 1.0],)),
        (plotting.plot_accuracy, ([0, 1], [0.1, 0.9], [0.1, 0.8])),
        (plotting.plot_predictions, (np.zeros((1, 784)), [1], [1])),
    ],
)
def test_without_ax_the_current_axes_of_pyplot_are_drawn_into(function, arguments):
    import matplotlib.pyplot as plt

    with plt.rc_context(), plt.ioff():
        plt.switch_backend("Agg")
        try:
            _, (_, right) = plt.subplots(1, 2)  # the second becomes the current one
            assert function(*arguments) is right
        finally:
            plt.close("all")


def test_importing_fastnet_imports_no_matplotlib():
    code = "import sys, fastnet, fastnet.plotting; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_nothing_to_draw_is_an_error_that_says_so(ax):
    with pytest.raises(ValueError, match="train_loss_list is empty"):
        plotting.plot_loss([], ax=ax)
    with pytest.raises(ValueError, match="images is empty"):
        plotting.plot_predictions(np.zeros((0, 784)), [], [], ax=ax)
