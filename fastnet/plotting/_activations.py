"""Plots of activation functions, and of the activations of each layer."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet import functions as of_fastnet
from fastnet._checks import FLOAT64, as_count, cast, real_array
from fastnet._languages import Language
from fastnet.gradient import numerical_gradient
from fastnet.plotting._axes import BLUE, GRAY, axes, style
from fastnet.plotting._checks import interval, named
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Function: TypeAlias = Callable[[Any], Any]

MANY_ZEROS = 0.25  # from this share on, values that are exactly 0 are not part of a histogram
POINTS = 1002  # of a curve; an even number avoids x = 0, where relu and the step function have no derivative


def plot_activations(
    functions: Function | str | Sequence[Function | str] | Mapping[str, Function | str],
    *,
    xlim: tuple[float, float] = (-5, 5),
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw activation functions, each with its gradient as a dashed line of the same colour.

    Parameters
    ----------
    functions : callable or str, or a sequence or dict of them
        Functions that work element by element, or names of functions in `fastnet.functions`. The keys of a dict are the
        names in the legend.
    xlim : tuple of float, default (-5, 5)
        The range of x.
    title : str, optional
        The title; by default "Activation functions and their gradients", in the language `lang`.
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
        If `functions` or one of its elements has another type, or a function does not return real numbers.
    ValueError
        If there is no function, two have the same name, `fastnet.functions` has no function of a name, a function does
        not work element by element, or `xlim` is not two finite numbers with the lower one first.

    Notes
    -----
    The gradient of a function of `fastnet.functions` is the one there, for example `relu_grad` for `relu`. If there is
    none, and for any other function, it is `numerical_gradient`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_activations
    >>> ax = plot_activations(["sigmoid", "relu"], ax=Figure().subplots())
    >>> print([line.get_label() for line in ax.lines])
    ['sigmoid', 'gradient of sigmoid', 'relu', 'gradient of relu']
    """
    if isinstance(functions, str) or callable(functions):
        functions = [functions]
    by_name = {name: _function(f) for name, f in named(functions, "functions", _name).items()}
    x = np.linspace(*interval(xlim, "xlim"), POINTS)
    write = Lettering(title, *by_name, lang=lang)
    curves = {name: (_values(function, x, name), _gradient(function, x)) for name, function in by_name.items()}
    ax = axes(ax, 7.5)
    for number, (name, (values, gradient)) in enumerate(curves.items()):
        colour, marker = style(number)
        marks: dict[str, Any] = {"marker": marker, "markersize": 5, "color": colour}
        first = 17 * number  # markers of overlapping curves are side by side
        ax.plot(x, values, label=write(name), markevery=(first, 125), **marks)
        label = write.say("gradient of {name}", name=write(name))
        ax.plot(x, gradient, "--", label=label, markevery=(first + 60, 125), fillstyle="none", **marks)
    ax.grid(alpha=0.3)
    ax.set_title(write.title("Activation functions and their gradients"))
    ax.set(xlabel="$x$", ylabel="$h(x)$, $h'(x)$")
    ax.legend(fontsize="small")
    return write.apply(ax)


def plot_activation_histograms(
    layers: Mapping[str, npt.ArrayLike],
    *,
    bins: int = 30,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw a histogram of the values of every layer, side by side, with the same value axis.

    Parameters
    ----------
    layers : dict of str to array_like
        The values of each layer by its name, in any shape. From a network's ``trace(x)``, which has ``a1`` and ``z1``,
        only the activations ``z1, z2, ...`` are drawn.
    bins : int, default 30
        The number of bars.
    title : str, optional
        The title; by default "Activations by layer", in the language `lang`.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The largest bar of each histogram has the same length. The label of a layer gives its mean, its standard
        deviation and the number of values that are not finite. Such values are left out.

    Raises
    ------
    TypeError
        If `layers` is not a dict, or a layer does not hold real numbers.
    ValueError
        If there is no layer, or a layer has no finite value.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6: if all values are similar, the units do not differ, and where sigmoid is
    near 0 or 1, the gradient vanishes.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.plotting import plot_activation_histograms
    >>> trace = TwoLayerNet(784, 50, 10, seed=0).trace(np.ones((5, 784)))
    >>> ax = plot_activation_histograms(trace, ax=Figure().subplots())
    >>> print([label.get_text().split()[0] for label in ax.get_xticklabels()])
    ['z1']
    """
    bins = as_count(bins, "bins")
    if not isinstance(layers, Mapping):
        raise TypeError(f"layers must be a dict of arrays by layer, got {type(layers).__name__}")
    is_trace = "a1" in layers and "z1" in layers
    names = [name for name in layers if not is_trace or re.fullmatch(r"z\d+", name)]
    if not names:
        raise ValueError("layers is empty: there is nothing to draw. Give at least one")
    values = [cast(real_array(layers[name], f"layers[{name!r}]"), FLOAT64).ravel() for name in names]
    finite = [value[np.isfinite(value)] for value in values]
    for name, some in zip(names, finite, strict=True):
        if not some.size:
            raise ValueError(f"layers[{name!r}] has no finite value: there must be at least one")

    write = Lettering(title, *map(str, names), lang=lang)
    ax = axes(ax, max(6.4, 1.6 * len(names)))
    low, high = min(some.min() for some in finite), max(some.max() for some in finite)
    size = max(abs(low), abs(high))
    if high - low <= 1e-9 * size:  # all values are equal, except for rounding
        low, high = low - (0.5 * size or 0.5), high + (0.5 * size or 0.5)
    edges = np.linspace(low, high, bins + 1)
    labels = []
    for place, (name, value, some) in enumerate(zip(names, values, finite, strict=True)):
        # ReLU gives 0 for half of its inputs. A bar for them would leave no room for the others.
        zeros = float(np.mean(some == 0))
        apart = MANY_ZEROS < zeros < 1
        counts = np.histogram(some[some != 0] if apart else some, edges)[0]
        widths = 0.85 * counts / counts.max()
        ax.stairs(place + widths, edges, baseline=place, orientation="horizontal", fill=True, color=BLUE)
        ax.axvline(place, color=GRAY, linewidth=0.8)
        with np.errstate(all="ignore"):
            mean, std = some.mean(), some.std()
        lines = [
            write(str(name)),
            write.say("mean {mean}", mean=_short(mean)),
            write.say("std {std}", std=_short(std)),
        ]
        if apart:
            lines.append(write.say("{share:.0%} are 0", share=zeros))
        if some.size < value.size:
            lines.append(write.say("{count:,} not finite", count=value.size - some.size))
        labels.append("\n".join(lines))
    ax.set_xticks(np.arange(len(names)) + 0.42, labels)
    ax.tick_params(axis="x", length=0)
    ax.set_title(write.title("Activations by layer"))
    ax.set(xlabel=write.say("layer (length of a bar: number of values)"), ylabel=write.say("value"))
    ax.set_xlim(-0.1, len(names))
    return write.apply(ax)


def _short(number: float) -> str:
    return f"{number:.2f}" if 0.1 <= abs(number) < 1000 else f"{number:.2g}"


def _name(f: Any) -> str:
    return f if isinstance(f, str) else getattr(f, "__name__", repr(f))


def _function(f: Any) -> Function:
    if isinstance(f, str):
        if f not in of_fastnet.__all__ or not callable(getattr(of_fastnet, f)):
            raise ValueError(f"fastnet.functions has no {f!r}: give one of its names, or a function")
        f = getattr(of_fastnet, f)
    if not callable(f):
        raise TypeError(f"functions must hold functions, or names of fastnet.functions; got {f!r}")
    function: Function = f
    return function


def _values(function: Function, x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    with np.errstate(all="ignore"):
        values = real_array(function(x.copy()), f"{name}(x)")
    if values.shape != x.shape:
        raise ValueError(f"{name} must return a value for each of {len(x)}, got shape {values.shape}")
    with np.errstate(all="ignore"):
        alone = function(x[-1:].copy())
    if not np.allclose(alone, values[-1:], equal_nan=True):
        raise ValueError(f"{name} must work element by element: its value at {x[-1]:g} depends on the others")
    return cast(values, FLOAT64)


def _gradient(function: Function, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    name = getattr(function, "__name__", "")
    if getattr(of_fastnet, name, None) is function and hasattr(of_fastnet, f"{name}_grad"):
        gradient: npt.NDArray[np.float64] = getattr(of_fastnet, f"{name}_grad")(x)
        return gradient
    with np.errstate(all="ignore"):
        slopes = [numerical_gradient(lambda x: function(x.copy()), element.copy()) for element in x.reshape(-1, 1)]
        return np.concatenate(slopes)
