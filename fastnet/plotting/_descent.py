"""What a learning rate does: gradient descent in a valley, seen from the side, as a strip of stills and in motion."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet._checks import as_count, as_float, one_number, real_array
from fastnet._languages import Language
from fastnet.gradient import gradient_descent
from fastnet.plotting._axes import GRAY, RED, axes, style
from fastnet.plotting._checks import interval, named
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes

Points: TypeAlias = npt.NDArray[np.float64]

FINE = 121  # points of the curve
PAUSE = 6  # how many pictures long an animation shows its last step


class Descents(NamedTuple):
    """A valley, and the ways down: of each learning rate its caption and its points ``(steps + 1, 2)``."""

    valley: Points
    paths: list[tuple[str, Points]]


def plot_learning_rates(
    f: Callable[[Any], Any],
    rates: Mapping[str, float] | Sequence[float],
    start: float,
    *,
    stills: Sequence[int] = (1, 3, 10),
    xlim: tuple[float, float] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw gradient descent with several learning rates as a strip of stills: a row for each rate.

    Parameters
    ----------
    f : callable
        A function of one variable: it takes an array ``(1,)`` and returns one number.
    rates : sequence or dict of float
        The learning rates, or a dict of them by name, such as ``{"too small": 0.01}``.
    start : float
        Where each descent starts.
    stills : sequence of int, default (1, 3, 10)
        After which steps to draw a still.
    xlim : tuple of float, optional
        The part of the valley to draw; by default, what the descents see before they climb above the start.
    title : str, optional
        The title; by default "What the learning rate does", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Its ``child_axes`` are the stills, row by row.

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number, or a rate or a still is not a number.
    ValueError
        If there is no rate or no still, two rates have the same name, a rate is not positive, a still is negative,
        `start` or `f` at it is not finite, or `xlim` is not two finite numbers with the lower one first, between which
        `f` has a finite value.

    See Also
    --------
    animate_learning_rates : The same in motion.
    plot_gradient_field : A descent in two variables.

    Notes
    -----
    The points are those of `fastnet.gradient.gradient_descent`. "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_learning_rates
    >>> rates = {"good": 0.3, "too large": 1.1}
    >>> ax = plot_learning_rates(lambda x: x[0]**2, rates, -3.0, stills=[1, 5], ax=Figure().subplots())
    >>> print([still.get_title() for still in ax.child_axes])
    ['step 1', 'step 5', '', '']
    """
    if not np.iterable(stills):
        raise TypeError(f"stills must be a list of integers, got {stills!r}")
    steps = [as_count(step, "each of stills", least=0) for step in stills]
    if not steps:
        raise ValueError("stills is empty: give at least one number of steps")
    write = Lettering(title, *_names(rates), lang=lang)
    valley, paths = _descents(f, rates, start, max(steps), xlim, write)
    ax = axes(ax, 5, 0.6 + 1.3 * len(paths))
    ax.set_axis_off()
    width, height = 0.95 / len(steps), 1 / len(paths)
    for row, (caption, path) in enumerate(paths):
        for column, step in enumerate(steps):
            place = (0.05 + column * width, 1 - (row + 1) * height, 0.94 * width, 0.9 * height)
            still = ax.inset_axes(place)
            _Still(still, valley, path, row, write).show(step)
            if row == 0:
                still.set_title(write.say("step {step}", step=step), fontsize="medium")
            if column == 0:
                still.set_ylabel(f"{caption}\nf(x)", fontsize="small")
            if row == len(paths) - 1:
                still.set_xlabel("x")
    ax.set_title(write.title("What the learning rate does"), pad=22)
    return write.apply(ax)


def animate_learning_rates(
    f: Callable[[Any], Any],
    rates: Mapping[str, float] | Sequence[float],
    start: float,
    *,
    step_num: int = 15,
    xlim: tuple[float, float] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "FuncAnimation":
    """Show gradient descent with several learning rates step by step, side by side.

    Parameters
    ----------
    f : callable
        A function of one variable: it takes an array ``(1,)`` and returns one number.
    rates : sequence or dict of float
        The learning rates, or a dict of them by name.
    start : float
        Where each descent starts.
    step_num : int, default 15
        The number of steps, at least 0.
    xlim : tuple of float, optional
        The part of the valley to draw, as in `plot_learning_rates`.
    title : str, optional
        The title; by default "What the learning rate does", in the language `lang`. The number of the step follows.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Keep it as long as it shall run. In a notebook, ``IPython.display.HTML(animation.to_jshtml())`` shows it;
        ``animation.save("descent.gif", writer="pillow")`` writes it to a file.

    Raises
    ------
    TypeError, ValueError
        As in `plot_learning_rates`; a ValueError also if `step_num` is negative.

    See Also
    --------
    plot_learning_rates : The same as a strip of stills.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import animate_learning_rates
    >>> ax = Figure(figsize=(3, 2)).subplots()
    >>> animation = animate_learning_rates(lambda x: x[0]**2, [0.1, 0.9], -3.0, step_num=2, ax=ax)
    >>> with TemporaryDirectory() as folder:
    ...     animation.save(f"{folder}/descent.gif", writer="pillow")
    >>> ax.get_title()
    'What the learning rate does: step 2'
    """
    from matplotlib.animation import FuncAnimation

    count = as_count(step_num, "step_num", least=0)
    write = Lettering(title, *_names(rates), lang=lang)
    valley, paths = _descents(f, rates, start, count, xlim, write)
    across = 2 if len(paths) > 1 else 1
    down = -(-len(paths) // across)
    ax = axes(ax, 5, 0.6 + 2 * down)
    ax.set_axis_off()
    stills = []
    for number, (caption, path) in enumerate(paths):
        row, column = divmod(number, across)
        place = ((column + 0.05) / across, 1 - (row + 0.88) / down, 0.92 / across, 0.72 / down)
        still = ax.inset_axes(place)
        still.set_title(caption, fontsize="medium")
        still.set(xlabel="x", ylabel="" if column else "f(x)")
        stills.append(_Still(still, valley, path, number, write))
    heading = write.title("What the learning rate does")

    def show(step: int) -> list[Any]:
        ax.set_title(f"{heading}: {write.say('step {step}', step=step)}")
        for still in stills:
            still.show(step)
        return []

    show(0)
    write.apply(ax)
    pictures = [*range(count + 1), *[count] * PAUSE]
    figure = ax.figure.canvas.figure  # also of a subfigure; matplotlib 3.8 has no `get_figure(root=True)`
    return FuncAnimation(figure, show, frames=pictures, init_func=lambda: [], interval=400)


class _Still:
    """One valley with the way so far, which `show` draws anew."""

    def __init__(self, ax: "Axes", valley: Points, path: Points, number: int, write: Lettering) -> None:
        colour, marker = style(number)
        self._ax, self._path = ax, path
        ax.plot(*valley.T, color=GRAY, linewidth=1)
        (self._way,) = ax.plot([], [], color=colour, marker=marker, markersize=3, linewidth=0.8)
        (self._last,) = ax.plot([], [], color=colour, marker=marker, markersize=8, markeredgecolor="white")
        self._outside = ax.text(
            0.5, 0.9, "", color=RED, fontsize="small", ha="center", va="top", transform=ax.transAxes
        )
        self._words = write.say("outside")
        x, heights = valley.T
        low, high = heights[np.isfinite(heights)].min(), heights[np.isfinite(heights)].max()
        margin = 0.08 * (high - low) or 1
        ax.set(xlim=(x[0], x[-1]), ylim=(low - margin, high + margin), xticks=[], yticks=[])

    def show(self, step: int) -> None:
        way = self._path[: step + 1]
        self._way.set_data(way[:, 0], way[:, 1])
        self._last.set_data(way[-1:, 0], way[-1:, 1])
        (left, right), (bottom, top) = self._ax.get_xlim(), self._ax.get_ylim()
        inside = left <= way[-1, 0] <= right and bottom <= way[-1, 1] <= top
        self._outside.set_text("" if inside else self._words)


def _names(rates: Any) -> list[str]:
    return list(map(str, rates)) if isinstance(rates, Mapping) else []


def _descents(
    f: Callable[[Any], Any],
    rates: Mapping[str, float] | Sequence[float],
    start: float,
    step_num: int,
    xlim: tuple[float, float] | None,
    write: Lettering,
) -> Descents:
    """Run gradient descent with each rate, and measure the valley that is to be drawn."""
    by_name = named(rates, "rates", lambda lr: write.say("learning rate {lr:g}", lr=as_float(lr, "each of rates")))
    if not callable(f):
        raise TypeError(f"f must be a function of x, got {f!r}")
    begin = real_array(start, "start")
    if begin.shape != () or not np.isfinite(begin):
        raise ValueError(f"start must be one finite number, got {start!r}")

    def points(x: Points) -> Points:
        with np.errstate(all="ignore"):
            return np.array([[place, one_number(f(np.array([place])))] for place in x])

    _, height = points(np.array([float(begin)]))[0]
    if not np.isfinite(height):
        raise ValueError(f"f must be finite at start, got f({start!r}) = {height}: choose another start")
    paths = []
    for name, rate in by_name.items():
        lr = as_float(rate, f"rates[{name!r}]")
        with np.errstate(all="ignore"):  # a large learning rate may lead to infinity
            x, history = gradient_descent(f, np.array([float(begin)]), lr=lr, step_num=step_num, return_history=True)
        caption = f"{write(name)}: {lr:g}" if isinstance(rates, Mapping) else name
        paths.append((caption, points(np.append(history, x))))
    if xlim is None:
        seen = np.concatenate([path for _, path in paths])
        seen = seen[seen[:, 1] <= seen[0, 1], 0]
        margin = 0.25 * np.ptp(seen) or 1.0
        low, high = seen.min() - margin, seen.max() + margin
    else:
        low, high = interval(xlim, "xlim")
    with np.errstate(all="ignore"):  # from -1e308 to 1e308, no step has a number
        valley = points(np.linspace(low, high, FINE))
    if not np.isfinite(valley).all(axis=1).any():
        raise ValueError(f"f has no finite value from x = {low:g} to {high:g}: choose an xlim where it has one")
    return Descents(valley, paths)

