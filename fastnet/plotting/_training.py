"""Plots of a training run: its losses and its accuracies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, cast, real_array
from fastnet._languages import Language
from fastnet.plotting._axes import BLUE, GREEN, ORANGE, RED, axes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Curve: TypeAlias = npt.NDArray[np.float64]
Place: TypeAlias = Literal["upper right", "center right"]

# How the curves of the three kinds of data look: colour, marker, line.
STYLES = {"training data": (GREEN, "o", "-"), "test data": (ORANGE, "s", "--"), "validation data": (RED, "^", ":")}


class History(NamedTuple):
    """The curves of a training run; those of one kind of data are pairs of the iterations and the values."""

    losses: Curve
    validation_loss: tuple[Curve, Curve]
    accuracies: dict[str, tuple[Curve, Curve]]


def plot_history(
    history: Any,
    train_acc_list: Sequence[float] | None = None,
    test_acc_list: Sequence[float] | None = None,
    evaluated_at: Sequence[int] | None = None,
    *,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the losses and the accuracies of a training run, each with its own vertical axis.

    Parameters
    ----------
    history : Trainer or sequence of float
        A trainer, which has the lists to draw, those of validation data too; or the loss of every iteration, followed
        by the lists of accuracies.
    train_acc_list, test_acc_list : sequence of float, optional
        The accuracies; only together with a list of losses.
    evaluated_at : sequence of int, optional
        The iteration, counted from 0, after which each accuracy was measured.
    title : str, optional
        The title; by default "Training", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes of the losses. The accuracies are in a second Axes on top, with a scale from 0 to 1 on the right.

    Raises
    ------
    TypeError
        If `history` has another type, the other lists come with a trainer, or only some of the three are given.
    ValueError
        If there is no loss, or the lists of accuracies and `evaluated_at` differ in length.

    See Also
    --------
    plot_loss, plot_accuracy : The two as separate plots.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_history
    >>> losses = [2.3, 1.2, 0.8, 0.5]
    >>> ax = plot_history(losses, [0.1, 0.8], [0.1, 0.7], evaluated_at=[0, 2], ax=Figure().subplots())
    >>> print([line.get_label() for line in ax.figure.axes[1].lines])
    ['accuracy on training data', 'accuracy on test data']
    """
    losses, validation_loss, accuracies = _history_of(history, train_acc_list, test_acc_list, evaluated_at)
    write = Lettering(title, lang=lang)
    ax = axes(ax, 7.5)
    handles = _draw_losses(losses, ax, write)
    if len(validation_loss[0]):
        handles += _draw_curve(ax, "validation data", *validation_loss, write, "loss on {data}")
    on_top = ax
    place: Place = "upper right"
    if accuracies:
        on_top = ax.twinx()
        _draw_accuracies(on_top, accuracies, write, "accuracy on {data}")
        handles += on_top.lines
        place = "center right"  # between the losses, which fall, and the accuracies, which rise
    ax.set(title=write.title("Training"), xlabel=write.say("iteration"))
    _explain(on_top, handles, place)  # on top, so that no curve covers it
    write.apply(on_top)
    return write.apply(ax)


def plot_loss(
    train_loss_list: Sequence[float],
    *,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the loss of every iteration, and its running mean on top.

    Parameters
    ----------
    train_loss_list : sequence of float
        The loss of every iteration, as in a `Trainer`.
    title : str, optional
        The title; by default "Loss", in the language `lang`.
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
        If the list does not hold real numbers.
    ValueError
        If the list is empty.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_loss
    >>> ax = plot_loss([2.3, 1.2, 0.8, 0.5], ax=Figure().subplots())
    >>> ax.get_ylabel()
    'loss of the mini-batch'
    """
    losses = _curve(train_loss_list, "train_loss_list", least=1)
    write = Lettering(title, lang=lang)
    ax = axes(ax)
    _explain(ax, _draw_losses(losses, ax, write), "upper right")
    ax.set(title=write.title("Loss"), xlabel=write.say("iteration"))
    return write.apply(ax)


def plot_accuracy(
    epochs: Any,
    train_acc_list: Sequence[float] | None = None,
    test_acc_list: Sequence[float] | None = None,
    *,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the accuracy on the training data and on the test data.

    Parameters
    ----------
    epochs : Trainer or sequence of float
        A trainer, which has the lists to draw; or when the accuracies were measured, in epochs from the start of
        training, followed by the lists of accuracies.
    train_acc_list : sequence of float, optional
        The accuracies on the training data; only together with a list of epochs.
    test_acc_list : sequence of float, optional
        Those on the test data, if there are any.
    title : str, optional
        The title; by default "Accuracy", in the language `lang`.
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
        If a list does not hold real numbers, the other lists come with a trainer, or there is no `train_acc_list`.
    ValueError
        If the lists differ in length, or the trainer has not trained yet.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_accuracy
    >>> ax = plot_accuracy([0, 1, 2], [0.1, 0.8, 0.9], [0.1, 0.8, 0.88], ax=Figure().subplots())
    >>> ax.get_xlabel()
    'epoch'
    """
    if hasattr(epochs, "train_acc_list"):
        if train_acc_list is not None or test_acc_list is not None:
            raise TypeError("a trainer has its accuracies: train_acc_list and test_acc_list must not be given with it")
        if not all(hasattr(epochs, name) for name in ("train_loss_list", "evaluated_at", "iter_per_epoch")):
            raise TypeError(
                f"epochs must be a fastnet.Trainer or the epochs of the accuracies, got {type(epochs).__name__}: pass "
                "range(len(train_acc_list)), train_acc_list, test_acc_list"
            )
        if not len(epochs.train_loss_list):
            raise ValueError("epochs is a trainer that has not trained yet: call train() first")
        curves = {
            kind: (at / epochs.iter_per_epoch, values)
            for kind, (at, values) in _history_of(epochs, None, None, None).accuracies.items()
        }
    else:
        if train_acc_list is None:
            raise TypeError("train_acc_list is missing: a list of epochs needs the accuracies that belong to it")
        lists = {"epochs": epochs, "train_acc_list": train_acc_list}
        if test_acc_list is not None:
            lists["test_acc_list"] = test_acc_list
        at, *values = _of_one_length(**lists)
        curves = {kind: (at, some) for kind, some in zip(STYLES, values, strict=False)}
    write = Lettering(title, lang=lang)
    ax = axes(ax)
    _draw_accuracies(ax, curves, write)
    ax.set(title=write.title("Accuracy"), xlabel=write.say("epoch"))
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return write.apply(ax)


# --- what is drawn ---------------------------------------------------------------------------------------------------


def _history_of(history: Any, *accuracies: Sequence[float] | None) -> History:
    """Return the curves of a trainer, or of the lists in its place."""
    names = "train_acc_list", "test_acc_list", "evaluated_at"
    if all(hasattr(history, name) for name in ("train_loss_list", *names)):
        if any(values is not None for values in accuracies):
            raise TypeError(f"history is a trainer, which has its own {', '.join(names)}: pass it alone")
        at = history.evaluated_at
        measured = {
            "training data": _in_step(at, history.train_acc_list),
            "test data": _in_step(at, history.test_acc_list),
            "validation data": _in_step(getattr(history, "validated_at", ()), getattr(history, "val_acc_list", ())),
        }
        validation_loss = _in_step(getattr(history, "validated_at", ()), getattr(history, "val_loss_list", ()))
        drawn = {kind: curve for kind, curve in measured.items() if len(curve[0])}
        return History(_curve(history.train_loss_list, "history", least=1), validation_loss, drawn)
    if not isinstance(history, Sequence | np.ndarray):
        raise TypeError(f"history must be a trainer or the list of its losses, got {type(history).__name__}")
    missing = [name for name, values in zip(names, accuracies, strict=True) if values is None]
    if 0 < len(missing) < len(names):
        raise TypeError(f"{', '.join(names)} go together: there is no {' and no '.join(missing)}")
    lists = [() if values is None else values for values in accuracies]
    train, test, at = _of_one_length(**dict(zip(names, lists, strict=True)))
    drawn = {"training data": (at, train), "test data": (at, test)} if len(at) else {}
    return History(_curve(history, "history", least=1), _in_step((), ()), drawn)


def _in_step(at: Sequence[int], values: Sequence[float]) -> tuple[Curve, Curve]:
    """Return a curve of a trainer; an interrupt can leave one list longer than the other."""
    done = min(len(at), len(values))
    return _curve(at[:done], "iterations"), _curve(values[:done], "values")


def _of_one_length(**lists: Any) -> list[Curve]:
    curves = [_curve(values, name) for name, values in lists.items()]
    if len({len(values) for values in curves}) > 1:
        *first, last = lists
        lengths = ", ".join(str(len(values)) for values in curves)
        raise ValueError(f"{', '.join(first)} and {last} must have the same length, got {lengths}")
    return curves


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw_losses(losses: Curve, ax: "Axes", write: Lettering) -> list["Line2D"]:
    """Draw the losses and, if they are many, their running mean on top. Return the lines."""
    window = max(1, len(losses) // 50)
    alone = "o" if len(losses) == 1 else None  # one point makes no line
    many = window > 1
    faint: dict[str, Any] = {"alpha": 0.3, "linewidth": 0.6} if many else {"linewidth": 1.8}
    lines = ax.plot(losses, color=BLUE, marker=alone, label=write.say("loss of every iteration"), **faint)
    if many:
        label = write.say("mean of {window:,} iterations", window=window)
        lines += ax.plot(_running_mean(losses, window), color=BLUE, linewidth=1.8, label=label)
    ax.set_ylabel(write.say("loss of the mini-batch"))
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    return lines


def _draw_accuracies(
    ax: "Axes", curves: dict[str, tuple[Curve, Curve]], write: Lettering, words: str | None = None
) -> None:
    for kind, (at, values) in curves.items():
        _draw_curve(ax, kind, at, values, write, words)
    ax.set(ylabel=write.say("accuracy"), ylim=(0, 1))


def _draw_curve(
    ax: "Axes", kind: str, at: Curve, values: Curve, write: Lettering, words: str | None = None
) -> list["Line2D"]:
    """Draw a curve; `words` say what is measured on the data of this kind, by default only the data are named."""
    colour, marker, line = STYLES[kind]
    data = write.say(kind)
    label = data if words is None else write.say(words, data=data)
    return ax.plot(at, values, color=colour, marker=marker, markersize=4, linestyle=line, label=label)


def _explain(ax: "Axes", handles: list["Line2D"], place: Place) -> None:
    """Draw a legend with lines that are wide enough to see."""
    for line in ax.legend(handles=handles, loc=place).get_lines():
        line.set_linewidth(1.8)


def _running_mean(values: Curve, window: int) -> Curve:
    """Return the mean over `window` values around each, fewer at the ends; NaN where one is not finite."""
    middle = np.arange(len(values))
    first, end = np.maximum(middle - window // 2, 0), np.minimum(middle + (window + 1) // 2, len(values))

    def sums(terms: npt.NDArray[Any]) -> Any:
        up_to = np.append(0, np.cumsum(terms))
        return up_to[end] - up_to[first]

    finite = np.isfinite(values)
    terms = np.where(finite, values, 0)
    with np.errstate(all="ignore"):
        # Differences from the first value have small sums, which lose few digits. For a constant, all are exactly 0.
        means: Curve = terms[0] + sums(terms - terms[0]) / (end - first)
    means[sums(~finite) > 0] = np.nan
    return means


def _curve(values: npt.ArrayLike, name: str, *, least: int = 0) -> npt.NDArray[np.float64]:
    """Return a list of at least `least` numbers, finite or not."""
    array = real_array(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a list of numbers, got shape {array.shape}")
    if len(array) < least:
        raise ValueError(f"{name} is empty: there is nothing to draw. Give at least one")
    return cast(array, FLOAT64)
