"""The book's picture of a search for hyperparameters."""

from typing import TYPE_CHECKING

import numpy as np

from fastnet._checks import as_count
from fastnet._languages import Language
from fastnet.plotting._axes import GREEN, RED, axes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastnet.search import SearchResult

COLUMNS = 5


def plot_search(
    result: "SearchResult",
    *,
    count: int = 20,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the accuracies of the best trials of a search while they trained, each in a small plot of its own.

    Parameters
    ----------
    result : SearchResult
        What `fastnet.search.random_search` returned.
    count : int, default 20
        How many trials to draw at most.
    title : str, optional
        The title; by default "The best trials of the search", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        It shows the legend. Its ``child_axes`` are the small plots, the best one first, with five in a row and scales
        from 0 to 1.

    Raises
    ------
    TypeError
        If `result` has another type, or `count` is not an integer.
    ValueError
        If `count` is less than 1, or there is no trial.

    See Also
    --------
    fastnet.search.random_search : The search.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_search
    >>> from fastnet.search import SearchResult, Trial
    >>> trials = [Trial(0, {"lr": 0.01}, 1, [0.1, 0.7], [0.1, 0.8]), Trial(1, {"lr": 0.1}, 2, [0.1, 0.9], [0.1, 1.0])]
    >>> result = SearchResult(trials)
    >>> ax = plot_search(result, ax=Figure().subplots())
    >>> print([small.get_title() for small in ax.child_axes])
    ['Best-1: 0.90', 'Best-2: 0.70']
    """
    from fastnet.search import SearchResult  # here, because `import fastnet` would take longer

    if not isinstance(result, SearchResult):
        raise TypeError(f"result must be what random_search returned, got {type(result).__name__}")
    best = result.ranked[: as_count(count, "count")]
    if not best:
        raise ValueError("result has no trials: there is nothing to draw. Give at least one")
    write = Lettering(title, lang=lang)
    rows = -(-len(best) // COLUMNS)
    ax = axes(ax, 10, 1.2 + 1.7 * rows)
    ax.set_axis_off()
    width, height = 0.92 / COLUMNS, 1 / rows
    for place, trial in enumerate(best):
        row, column = divmod(place, COLUMNS)
        left, bottom = 0.08 + column * width, 1 - (row + 1) * height + 0.1 / rows
        small = ax.inset_axes((left, bottom, width - 0.02, 0.68 * height))
        small.set_in_layout(False)  # they are inside; to measure them again and again takes longer than to draw them
        for values, colour, line, kind in (
            (trial.val_acc_list, RED, "-", "validation data"),
            (trial.train_acc_list, GREEN, "--", "training data"),
        ):
            alone = "o" if len(values) == 1 else None  # one point makes no line
            label = write.say(kind)
            small.plot(np.arange(len(values)), values, color=colour, linestyle=line, marker=alone, label=label)
        caption = write.say("Best-{place}: {accuracy:.2f}", place=place + 1, accuracy=trial.accuracy)
        small.set_title(caption, fontsize="small")
        small.set(ylim=(0, 1), xticks=[], yticks=[0, 0.5, 1])
        small.tick_params(labelsize="small", labelleft=column == 0)
        if place + COLUMNS >= len(best):  # no other is below it
            small.set_xlabel(write.say("epoch"), fontsize="small")
        if column == 0:
            small.set_ylabel(write.say("accuracy"), fontsize="small")
        small.grid(alpha=0.3)
    ax.set_title(write.title("The best trials of the search"), pad=18)
    below = (0.5, 0.05 / rows)
    ax.legend(*small.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=below, ncols=2, frameon=False)
    return write.apply(ax)
