"""Plots of a function of two variables, its gradient, and the paths of optimizers."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, as_count, cast, one_number, real_array
from fastnet._languages import Language
from fastnet.gradient import numerical_gradient
from fastnet.plotting._axes import BLUE, GRAY, SERIES, axes, style
from fastnet.plotting._checks import interval, named, point
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points: TypeAlias = npt.NDArray[np.float64]
Interval: TypeAlias = tuple[float, float]

FINE, COARSE = 121, 14  # points of the contour grid along each axis; arrows along the longer axis


def plot_gradient_field(
    f: Callable[[Any], Any],
    path: Any = None,
    *,
    xlim: Interval | None = None,
    ylim: Interval | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw minus the gradient of a function of two variables over its contours, and the path of a descent.

    Parameters
    ----------
    f : callable
        Takes an array ``(2,)`` and returns one number.
    path : array_like, optional
        ``(S, 2)``, the points of a descent in order; or ``(x, history)``, as `gradient_descent` returns it
        with ``return_history=True``.
    xlim, ylim : tuple of float, optional
        The part of the plane to draw; by default the area around the path, or without a path from -3 to 3.
    title : str, optional
        The title; by default "The way down: minus the gradient", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number.
    ValueError
        If `path` is not points of the plane, `xlim` or `ylim` is not two finite numbers with the lower one first, or
        `f` is finite at no point of the plot.

    See Also
    --------
    fastnet.gradient.gradient_descent : Computes such a path.
    plot_optimizer_paths : The paths of several optimizers.

    Notes
    -----
    The arrows are minus the `numerical_gradient`; their length is proportional to its norm. "Deep Learning from
    Scratch", chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet.gradient import gradient_descent
    >>> from fastnet.plotting import plot_gradient_field
    >>> def f(x):
    ...     return np.sum(x**2)
    >>> path = gradient_descent(f, [-3.0, 4.0], lr=0.1, step_num=20, return_history=True)
    >>> ax = plot_gradient_field(f, path, ax=Figure().subplots())
    >>> print(ax.get_legend().get_texts()[0].get_text())
    20 steps to f = 0.00332
    """
    paths = {} if path is None else {"path": _path_of_points(path, "path")}
    xlim, ylim = _limits(paths.values(), xlim, ylim)
    heights = _heights(f, xlim, ylim)
    sides = [high - low for low, high in (xlim, ylim)]
    spacing = max(sides) / COARSE
    x0, x1 = (
        np.linspace(low, high, max(2 * round(side / spacing), 4) + 1)[1::2]
        for (low, high), side in zip((xlim, ylim), sides, strict=True)
    )
    with np.errstate(all="ignore"):
        down = -np.array([[numerical_gradient(lambda x: f(x.copy()), np.array([a, b])) for a in x0] for b in x1])

    write = Lettering(title, lang=lang)
    ends = _ends(f, paths, write)
    ax = _draw_surface(heights, xlim, ylim, ax)
    longest = np.max(np.hypot(*np.moveaxis(down[np.isfinite(down).all(axis=-1)], -1, 0)), initial=0) or 1
    ax.quiver(
        x0, x1, down[..., 0], down[..., 1], angles="xy", scale_units="xy", scale=longest / (1.2 * spacing),
        width=0.0035, color=BLUE,
    )
    for name, steps in paths.items():
        _draw_path(ax, steps, ends[name], SERIES[1], write)
        _mark_starts(ax, [steps], write)
        ax.legend(loc="best")
    ax.set_title(write.title("The way down: minus the gradient"))
    return write.apply(ax)


def plot_optimizer_paths(
    f: Callable[[Any], Any],
    optimizers: Mapping[str, Any] | Sequence[Any],
    start: npt.ArrayLike,
    *,
    step_num: int = 30,
    xlim: Interval | None = None,
    ylim: Interval | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the paths of optimizers on a function of two variables, over its contours.

    Parameters
    ----------
    f : callable
        Takes an array ``(2,)`` and returns one number.
    optimizers : sequence or dict
        Optimizers, or a dict of them by name. Without a dict, the names are those of their classes. The function uses
        copies, so the state of the caller's optimizers does not change. A dict may hold a path ``(S, 2)`` in place of
        an optimizer.
    start : array_like
        ``(2,)``, the start of every path.
    step_num : int, default 30
        The number of steps of each optimizer, at least 0.
    xlim, ylim : tuple of float, optional
        The part of the plane to draw; by default the area around the paths.
    title : str, optional
        The title; by default "Optimizers on one surface", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The legend gives the final value of `f` for each path.

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number, or one of `optimizers` is neither an optimizer nor a path.
    ValueError
        If there is no optimizer, two have the same name, `start` is not a point, `xlim` or `ylim` is not two finite
        numbers with the lower one first, or `f` is finite at no point of the plot.

    See Also
    --------
    fastnet.optimizer : The optimizers.

    Notes
    -----
    The gradient is `numerical_gradient`. "Deep Learning from Scratch", chapter 6.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.optimizer import SGD
    >>> from fastnet.plotting import plot_optimizer_paths
    >>> optimizers = {"slow": SGD(lr=0.1), "fast": SGD(lr=0.9)}
    >>> ax = plot_optimizer_paths(lambda x: x[0]**2 / 20 + x[1]**2, optimizers, [-7, 2], ax=Figure().subplots())
    >>> for text in ax.get_legend().get_texts():
    ...     print(text.get_text())
    slow: 30 steps to f = 1.34
    fast: 30 steps to f = 0.00855
    """
    by_name = named(optimizers, "optimizers", lambda optimizer: type(optimizer).__name__)
    begin = point(start, "start")
    count = as_count(step_num, "step_num", least=0)
    paths = {name: _path(f, thing, f"optimizers[{name!r}]", begin, count) for name, thing in by_name.items()}
    xlim, ylim = _limits(paths.values(), xlim, ylim)
    heights = _heights(f, xlim, ylim)
    write = Lettering(title, *paths, lang=lang)
    ends = _ends(f, paths, write)
    ax = _draw_surface(heights, xlim, ylim, ax)
    for number, (name, path) in enumerate(paths.items()):
        _draw_path(ax, path, f"{write(name)}: {ends[name]}", style(number), write)
    _mark_starts(ax, paths.values(), write)
    wide = ax.get_window_extent().width > 5 * ax.figure.dpi  # inches, for two columns of names and values
    ax.legend(loc="best", ncols=2 if wide and len(paths) > 3 else 1, fontsize=8)
    ax.set_title(write.title("Optimizers on one surface"))
    return write.apply(ax)


def _path(f: Callable[[Any], Any], thing: Any, name: str, start: Points, step_num: int) -> Points:
    """Return the path of an optimizer, beginning with its start; or `thing`, if it is a path already."""
    if isinstance(thing, Sequence | np.ndarray):
        return _path_of_points(thing, name)
    if isinstance(thing, type) or not callable(getattr(thing, "update", None)):
        raise TypeError(f"{name} must be an object with update(params, grads), or a path (S, 2); got {thing!r}")
    optimizer = copy.deepcopy(thing)  # the caller's optimizer must not change
    params = {"x": start.copy()}
    path = [start]
    for _ in range(step_num):
        with np.errstate(all="ignore"):  # a large learning rate may lead to infinity
            optimizer.update(params, {"x": numerical_gradient(lambda x: f(x.copy()), params["x"])})
        path.append(params["x"].copy())
    return np.array(path)


def _ends(f: Callable[[Any], Any], paths: Mapping[str, Points], write: Lettering) -> dict[str, str]:
    """Return the number of steps and the final value of each path, for the legend."""
    ends = {}
    for name, path in paths.items():
        with np.errstate(all="ignore"):
            height = one_number(f(path[-1].copy()))
        steps = len(path) - 1
        words = "{steps:,} step to f = {height:.3g}" if steps == 1 else "{steps:,} steps to f = {height:.3g}"
        ends[name] = write.say(words, steps=steps, height=height)
    return ends


def _limits(paths: Collection[Points], xlim: Interval | None, ylim: Interval | None) -> tuple[Interval, Interval]:
    """Return the part of the plane to draw: `xlim` and `ylim`, or the area around the paths."""
    visited = np.concatenate([np.empty((0, 2)), *paths])
    visited = visited[np.isfinite(visited).all(axis=1)]
    left, right = np.full(2, -3.0), np.full(2, 3.0)
    if len(visited):  # with a margin, and neither side much shorter than the other
        low, high = visited.min(axis=0), visited.max(axis=0)
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        longest = half.max() if half.max() > 1e-6 * abs(middle).max() else 1  # 1 if the paths never left the start
        half = 1.25 * np.maximum(half, 0.6 * longest)
        left, right = middle - half, middle + half
    return (
        (left[0], right[0]) if xlim is None else interval(xlim, "xlim"),
        (left[1], right[1]) if ylim is None else interval(ylim, "ylim"),
    )


def _heights(f: Callable[[Any], Any], xlim: Interval, ylim: Interval) -> Points:
    """Return the values of `f` on a fine grid, a row for each value of the second variable."""
    if not callable(f):
        raise TypeError(f"f must be a function of x, got {f!r}")
    x0, x1 = np.linspace(*xlim, FINE), np.linspace(*ylim, FINE)
    with np.errstate(all="ignore"):
        heights = np.array([[one_number(f(np.array([a, b]))) for a in x0] for b in x1])
    if not np.isfinite(heights).any():
        raise ValueError(
            f"f is finite nowhere from {xlim[0]:g} to {xlim[1]:g} and from {ylim[0]:g} to {ylim[1]:g}: "
            "choose another part of the plane with xlim and ylim"
        )
    return heights


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw_surface(heights: Points, xlim: Interval, ylim: Interval, ax: "Axes | None") -> "Axes":
    """Draw the contours at quantiles of `heights`, so that the areas between them are equal."""
    sides = np.array([xlim[1] - xlim[0], ylim[1] - ylim[0]])
    width, height = np.maximum(6.5 * sides / sides.max(), 2.5) + 0.7  # with space for the title and the labels
    ax = axes(ax, width, height)
    finite = np.ma.masked_invalid(heights)
    low, *between, high = np.quantile(finite.compressed(), np.linspace(0, 1, 12))
    levels = sorted({level for level in (float(f"{level:.2g}") for level in between) if low < level < high})
    if levels:
        x0, x1 = np.linspace(*xlim, FINE), np.linspace(*ylim, FINE)
        grays = [str(gray) for gray in np.linspace(0.84, 1, len(levels) + 1)]  # lower is darker
        ax.contourf(x0, x1, finite, levels=[low, *levels, high], colors=grays)
        lines = ax.contour(x0, x1, finite, levels=levels, colors=GRAY, linewidths=0.6, linestyles="solid")
        ax.clabel(lines, fmt="%g", fontsize=7)
    ax.set(xlim=xlim, ylim=ylim, xlabel="$x_0$", ylabel="$x_1$")
    ax.set_aspect("equal")
    return ax


def _draw_path(ax: "Axes", path: Points, label: str, style: tuple[str, str], write: Lettering) -> None:
    """Draw a path, with a star at its end."""
    colour, marker = style
    every = 1 if len(path) <= 200 else len(path) // 50  # more markers would overlap
    if every > 1:
        label += write.say(", a mark every {every}", every=every)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x0, x1 = path.T
    outside = np.sum(~((left <= x0) & (x0 <= right) & (bottom <= x1) & (x1 <= top)))
    if outside:
        label += write.say(", {outside:,} points outside", outside=outside)
    ax.plot(x0, x1, color=colour, marker=marker, markersize=4, markevery=every, linewidth=1.8, label=label)
    ax.plot(x0[-1], x1[-1], color=colour, marker="*", markersize=13, markeredgecolor="white", linestyle="none")


def _mark_starts(ax: "Axes", paths: Iterable[Points], write: Lettering) -> None:
    for start in {(path[0, 0], path[0, 1]) for path in paths}:
        ax.annotate(
            write.say("start"), start, (0, 7), textcoords="offset points", ha="center", size=9, annotation_clip=True
        )


def _path_of_points(values: Any, name: str) -> npt.NDArray[np.float64]:
    """Return points of the plane, `(S, 2)`, finite or not; from `(x, history)`, the history followed by `x`."""
    if isinstance(values, tuple) and len(values) == 2 and np.shape(values[0]) == (2,) and np.ndim(values[1]) == 2:
        last, before = values
        values = [*before, last]
    array = real_array(values, name)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) == 0:
        raise ValueError(f"{name} must have shape (S, 2), at least one row, one point in each, got shape {array.shape}")
    return cast(array, FLOAT64)
