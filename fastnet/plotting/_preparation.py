"""Plots of how a picture is prepared for a network: the steps in a row, and where the digits are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet._languages import Language
from fastnet.plotting._axes import INK, RED, axes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The name of each step, and what it does.
CAPTIONS = {
    "gray": "gray:\nthe picture\nwithout color",
    "ink": "ink:\nwhat differs from\nthe paper around it",
    "strokes": "strokes:\nno frames,\nno ruled lines",
    "digit": "digit:\ncut out",
    "stroke width": "stroke width:\nas wide as\nMNIST's strokes",
    "28 x 28": "28 x 28:\nwhat the\nnetwork sees",
}
CELL, GAP = 100, 12  # pixels of a picture in the row, and between two


def plot_steps(
    picture: Any,
    *,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the steps of `fastnet.images.prepare` in a row: what the network sees, and why.

    Parameters
    ----------
    picture : str, path, array or dict
        A picture with one digit, as `prepare` takes it; or its steps, as ``prepare(picture, steps=True)`` returns them,
        or `Digit.steps`.
    title : str, optional
        The title.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError, OSError
        As in `fastnet.images.prepare`.

    See Also
    --------
    plot_boxes : Where the digits are in a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_steps
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 40:46] = 0
    >>> ax = plot_steps(paper, ax=Figure().subplots())
    >>> [text.get_text().split(":")[0] for text in ax.texts]
    ['gray', 'ink', 'strokes', 'digit', 'stroke width', '28 x 28']
    """
    from fastnet.images import prepare  # here, because `import fastnet` would take longer

    steps = picture if isinstance(picture, Mapping) else prepare(picture, steps=True)
    write = Lettering(title, lang=lang)
    ax = axes(ax, 2 * len(steps), 3)
    for place, (name, step) in enumerate(steps.items()):
        left = place * (CELL + GAP)
        # Ink is drawn black on white; only the first step has the picture's own shades.
        colours = "gray" if name == "gray" else "gray_r"
        rows, columns = (CELL * side / max(step.shape) for side in step.shape)
        across, down = left + (CELL - columns) / 2, (CELL - rows) / 2
        ax.imshow(
            step, cmap=colours, vmin=0, vmax=float(step.max()) or 1, interpolation="nearest",
            extent=(across, across + columns, down + rows, down),
        )
        caption = write.say(CAPTIONS[name]) if name in CAPTIONS else name
        ax.text(left + CELL / 2, CELL + 4, caption, ha="center", va="top", color=INK, fontsize=8)
    ax.set(xlim=(-GAP / 2, len(steps) * (CELL + GAP) - GAP / 2), ylim=(1.45 * CELL, -2), aspect="equal")
    ax.set_axis_off()
    ax.set_title(write.title("What the network sees, and why"))
    return write.apply(ax)


def plot_boxes(
    picture: Any,
    *,
    boxes: Sequence[tuple[int, int, int, int]] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a picture with a box around each digit.

    Parameters
    ----------
    picture : str, path or array
        A picture, as `fastnet.images.find_digits` takes it.
    boxes : sequence of tuple of int, optional
        Left, top, right, bottom of each box, in pixels of the picture; by default, those that `find_digits` finds.
    names : sequence of str, optional
        What to write at each box, such as the predictions; by default the numbers in reading order, from 1.
    title : str, optional
        The title.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError, OSError
        As in `fastnet.images.find_digits`; a ValueError also if there are not as many names as boxes.

    See Also
    --------
    plot_steps : How one digit is prepared.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_boxes
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 20:26] = paper[12:52, 60:66] = 0  # eleven
    >>> ax = plot_boxes(paper, names=["1", "1"], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['1', '1']
    """
    from matplotlib.patches import Rectangle

    from fastnet.images import find_digits  # here, because `import fastnet` would take longer
    from fastnet.images._reading import read_gray

    places = [digit.box for digit in find_digits(picture)] if boxes is None else list(boxes)
    captions = [str(place) for place in range(1, len(places) + 1)] if names is None else [str(name) for name in names]
    if len(captions) != len(places):
        raise ValueError(f"names must hold one name for each of {len(places)} boxes, got {len(captions)}")
    gray, (rows, columns) = read_gray(picture)
    write = Lettering(title, *captions, lang=lang)
    ax = axes(ax, 7.5, 7.5)
    shown: npt.NDArray[np.float32] = gray
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, extent=(0, columns, rows, 0))
    margin = 0.01 * max(rows, columns)
    for (left, top, right, bottom), caption in zip(places, captions, strict=True):
        corner = left - margin, top - margin
        size = right - left + 2 * margin, bottom - top + 2 * margin
        ax.add_patch(Rectangle(corner, *size, fill=False, color=RED, linewidth=1.6))
        ax.text(*corner, write(caption), color=RED, weight="bold", va="bottom", fontsize=12)
    ax.set_axis_off()
    ax.set_title(write.title("Digits found: {count}", count=len(places)))
    return write.apply(ax)
