"""A plot of the confusion matrix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastnet._languages import Language
from fastnet.plotting._axes import INK, axes
from fastnet.plotting._images import named_classes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_confusion_matrix(
    y: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the confusion matrix: a row for each right class, a column for each predicted class.

    Parameters
    ----------
    y : array_like, real
        The predictions: labels ``(N,)``, or rows ``(N, C)`` of probabilities or scores.
    t : array_like, real
        The right classes: labels ``(N,)``, or rows ``(N, C)``.
    classes : sequence of str, optional
        The names of the classes; by default their numbers, up to the largest label.
    title : str, optional
        The title.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        More frequent mistakes are darker. The right predictions, on the diagonal, have no colour, because they are far
        more frequent than any mistake. A cell without a number is 0.

    Raises
    ------
    TypeError
        If an array does not hold real numbers.
    ValueError
        If there is no sample, `y` and `t` have different numbers of samples, or a label is not one of the classes.

    See Also
    --------
    plot_misclassified : The misclassified images.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_confusion_matrix
    >>> ax = plot_confusion_matrix([0, 1, 1, 1], [0, 1, 1, 0], ax=Figure().subplots())
    >>> ax.get_title()
    'Confusion matrix: 3 of 4 right (75.0%)'
    """
    names, predicted, right = named_classes(y, t, classes)
    C = len(names)
    counts = np.bincount(right * C + predicted, minlength=C * C).reshape(C, C)
    write = Lettering(title, *names, lang=lang)
    ax = axes(ax, 6.8, 6.8)
    mistakes = np.ma.array(counts, mask=np.eye(C, dtype=bool))
    most = int(mistakes.max()) if C > 1 else 0
    ax.imshow(mistakes, cmap="Blues", vmin=0, vmax=max(most, 1), interpolation="nearest")

    points = min(ax.get_window_extent().size) * 72 / ax.figure.get_dpi() / C  # size of a cell
    size = np.clip(points / (0.7 * len(f"{counts.max():,}")), 2, 12)
    for row, column in np.argwhere(counts):
        dark = row != column and counts[row, column] > 0.6 * most
        ax.text(
            column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=size,
            color="white" if dark else INK, weight="bold" if row == column else "normal",
        )
    labels = [write(name) for name in names]
    ax.set_xticks(range(C), labels, rotation=45 if max(map(len, labels)) > 4 else 0)
    ax.set_yticks(range(C), labels)
    ax.set_xticks(np.arange(1, C) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, C) - 0.5, minor=True)
    ax.grid(which="minor", color="#dddddd", linewidth=0.6)
    ax.tick_params(which="both", length=0, labelsize=np.clip(0.7 * points, 2, 10))
    hits = int(counts.trace())
    words = "Confusion matrix: {right:,} of {all:,} right ({share:.1%})"
    ax.set_title(write.title(words, right=hits, all=len(right), share=hits / len(right)))
    ax.set(xlabel=write.say("predicted class"), ylabel=write.say("right class"))
    return write.apply(ax)
