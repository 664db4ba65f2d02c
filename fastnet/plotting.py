"""Pictures of what a network learns, one function a picture; each draws into `ax` and returns it.

Without `ax`, a picture is drawn into the current axes of `matplotlib.pyplot`. matplotlib is imported when the first is
drawn.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_accuracy", "plot_loss", "plot_predictions"]

BLUE, ORANGE, RED, GRAY = "#1f5fa8", "#d9730d", "#c8102e", "#666666"


def plot_loss(train_loss_list: Sequence[float], ax: "Axes | None" = None) -> "Axes":
    """Draw the loss of every iteration, and its running mean over it.

    Parameters
    ----------
    train_loss_list : sequence of float
        The loss of every iteration, as a `Trainer` keeps it.
    ax : matplotlib.axes.Axes, optional
        What to draw into.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no loss.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_loss
    >>> ax = plot_loss([2.3, 1.2, 0.8, 0.5], ax=Figure().subplots())
    >>> ax.get_ylabel()
    'loss of the mini-batch'
    """
    ax = _axes(ax)
    loss = np.asarray(train_loss_list, dtype=np.float64)
    if loss.size == 0:
        raise ValueError("train_loss_list is empty: there is nothing to draw")
    window = max(1, len(loss) // 50)
    ax.plot(loss, color=BLUE, alpha=0.3, linewidth=0.6, label="every iteration")
    ax.plot(_running_mean(loss, window), color=BLUE, linewidth=1.8, label=f"mean of {window:,} around it")
    ax.set(title="Loss", xlabel="iteration", ylabel="loss of the mini-batch")
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def plot_accuracy(
    epochs: Sequence[float],
    train_acc_list: Sequence[float],
    test_acc_list: Sequence[float],
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the accuracy over the training and over the test data.

    Parameters
    ----------
    epochs : sequence of float
        When the accuracies were taken, in epochs from the start of training.
    train_acc_list, test_acc_list : sequence of float
        The accuracies, as a `Trainer` keeps them.
    ax : matplotlib.axes.Axes, optional
        What to draw into.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_accuracy
    >>> ax = plot_accuracy([0, 1, 2], [0.1, 0.8, 0.9], [0.1, 0.8, 0.88], ax=Figure().subplots())
    >>> ax.get_xlabel()
    'epoch'
    """
    ax = _axes(ax)
    ax.plot(epochs, train_acc_list, color=BLUE, marker="o", markersize=4, label="training data")
    ax.plot(epochs, test_acc_list, color=ORANGE, marker="s", markersize=4, linestyle="--", label="test data")
    ax.set(title="Accuracy", xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return ax


def plot_predictions(
    images: npt.ArrayLike, predicted: npt.ArrayLike, labels: npt.ArrayLike, ax: "Axes | None" = None
) -> "Axes":
    """Draw digits in a grid, each with its prediction; a wrong one is framed, and shows the right label too.

    Parameters
    ----------
    images : array_like
        N images of 28 x 28 pixels, in any shape, from 0 (background) up.
    predicted, labels : array_like of int
        ``(N,)``: the predicted and the right digits.
    ax : matplotlib.axes.Axes, optional
        What to draw into.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no digit, or not one prediction and one label for each.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_predictions
    >>> ax = plot_predictions(np.zeros((2, 784)), [3, 1], [3, 7], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3', '1, not 7']
    """
    from matplotlib.patches import Rectangle

    ax = _axes(ax)
    digits = np.asarray(images, dtype=np.float64).reshape(-1, 28, 28)
    predicted, labels = np.asarray(predicted), np.asarray(labels)
    if len(digits) == 0:
        raise ValueError("images is empty: there is nothing to draw")
    if not predicted.shape == labels.shape == (len(digits),):
        raise ValueError(
            f"images holds {len(digits)} digits; predicted and labels must have shape ({len(digits)},), "
            f"got {predicted.shape} and {labels.shape}"
        )
    columns = max(1, int(np.ceil(np.sqrt(len(digits)))))
    rows = -(-len(digits) // columns)
    height, width = 28 + 14, 28 + 6  # of a cell: the digit, and room for the text above it
    canvas = np.zeros((rows * height, columns * width))
    for i, (digit, guess, label) in enumerate(zip(digits, predicted, labels, strict=True)):
        top, left = i // columns * height, i % columns * width
        canvas[top + 11 : top + 39, left + 3 : left + 31] = digit
        wrong = guess != label
        ax.text(
            left + width / 2, top + 6, f"{guess}, not {label}" if wrong else str(guess),
            ha="center", va="center", fontsize=7, color=RED if wrong else GRAY, weight="bold" if wrong else "normal",
        )
        if wrong:
            frame = (left + 0.5, top + 0.5), width - 2, height - 2
            ax.add_patch(Rectangle(*frame, fill=False, color=RED, linewidth=1.6))
    ax.imshow(canvas, cmap="gray_r", interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(f"Predicted digits: {np.sum(predicted != labels)} of {len(digits)} wrong")
    return ax


def _axes(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot

    return matplotlib.pyplot.gca()


def _running_mean(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """The mean over the `window` values around each, fewer at the ends; NaN where one of them is not finite."""
    middle = np.arange(len(values))
    first, end = np.maximum(middle - window // 2, 0), np.minimum(middle + (window + 1) // 2, len(values))

    def sums(terms: npt.NDArray[Any]) -> Any:
        up_to = np.append(0, np.cumsum(terms))
        return up_to[end] - up_to[first]

    finite = np.isfinite(values)
    terms = np.where(finite, values, 0)
    with np.errstate(all="ignore"):
        # Differences from the first value have small sums, which lose few digits: those of a constant are all 0.
        means: npt.NDArray[np.float64] = terms[0] + sums(terms - terms[0]) / (end - first)
    means[sums(~finite) > 0] = np.nan
    return means
