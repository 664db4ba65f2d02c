"""The computational graph of a network: what goes forward, and the gradients that come back."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet._languages import Language
from fastnet.plotting._axes import BLUE, GRAY, INK, RED, axes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = 9  # numbers of an array that are written out
STEP, DOWN, RADIUS = 3.1, 1.6, 0.34  # between nodes, down to the parameters, of a node
WORD, LOSS = 0.25, 0.6  # by how much the nodes of an activation and of the loss are wider, to each side
LOSSES = {
    "softmax": "softmax,\ncross-entropy",
    "sigmoid": "sigmoid,\ncross-entropy",
    "sigmoid_mse": "sigmoid,\nsquared error",
    "identity": "squared error",
}


def plot_graph(
    network: Any,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the computational graph of a network of affine layers, with the values of one forward and backward pass.

    Over each arrow is what goes forward. Under it, in red, is the gradient of the loss with respect to it. Arrays of up
    to 9 numbers are written out. Of larger ones, the graph shows the shape. If the network has weight decay, the loss
    and the gradients with respect to the weights contain it.

    Parameters
    ----------
    network : TwoLayerNet or MultiLayerNet
        A network that has ``trace``, ``params`` and ``gradient``. Best is a small one: 2 inputs, 2 units, 2 classes.
    x : array_like, real
        One sample ``(D,)``, or a batch ``(N, D)``.
    t : array_like
        The targets, as in ``network.loss(x, t)``: labels ``(N,)``, or one row ``(N, C)`` for each sample.
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
    TypeError
        If the network has no ``trace``, or `t` is None.
    ValueError
        As in `TwoLayerNet.trace`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.plotting import plot_graph
    >>> ax = plot_graph(TwoLayerNet(2, 2, 2, seed=0), [1.0, -1.0], 0, ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts if text.get_text().isalpha()]
    ['x', 'dot', 'sigmoid', 'dot', 'L']
    """
    if not hasattr(network, "trace"):
        raise TypeError(
            f"network must have trace(x, t), such as TwoLayerNet or MultiLayerNet, got {type(network).__name__}"
        )
    if t is None:
        raise TypeError("t must be the targets, got None: without them, there is no loss and no gradient")
    values = dict(network.trace(x, t))
    params = network.params
    depth = len(params) // 2
    write = Lettering(title, lang=lang)
    ax = axes(ax, 1.3 * (3 * depth + 2), 3.2)
    z = np.atleast_2d(np.asarray(x, float))
    ax.text(0, 0, "x", ha="center", va="center", color=INK, fontsize=11)
    at = 0.0
    for layer in range(1, depth + 1):
        last = layer == depth
        W, b, a = params[f"W{layer}"], params[f"b{layer}"], values[f"a{layer}"]
        da = values["dy" if last else f"da{layer}"]
        into, d_into = (z, None) if layer == 1 else (values[f"z{layer - 1}"], values[f"dz{layer - 1}"])
        at = _edge(ax, at, STEP, into, d_into)
        _node(ax, at, "dot")
        _parameter(ax, at, f"W{layer}", W, values[f"dW{layer}"])
        at = _edge(ax, at, STEP, np.asarray(a) - b, da)
        _node(ax, at, "+")
        _parameter(ax, at, f"b{layer}", b, values[f"db{layer}"])
        wider = LOSS if last else WORD
        at = _edge(ax, at, STEP + wider, a, da, wider)
        name = getattr(network, "activation", "sigmoid")
        if last:
            name = write.say(LOSSES[getattr(network, "output", "softmax")])
            if getattr(network, "weight_decay_lambda", None):
                name = write.say("{loss},\nweight decay", loss=name)
        _node(ax, at, name)
        at += wider
    at = _edge(ax, at, STEP, values["loss"], 1.0)
    ax.text(at, 0, "L", ha="center", va="center", color=INK, fontsize=11)
    ax.set(xlim=(-0.4, at + 0.4), ylim=(-DOWN - 1.6, 0.9))
    ax.set_axis_off()
    ax.set_title(write.title("Forward values and, in red, the gradients of the loss"))
    return write.apply(ax)


def _node(ax: "Axes", at: float, name: str) -> None:
    shape = "circle,pad=0.35" if len(name) < 5 else "round,pad=0.5"
    ax.text(
        at, 0, name, ha="center", va="center", color=INK, fontsize=8, zorder=3,
        bbox={"boxstyle": shape, "facecolor": "white", "edgecolor": INK},
    )  # fmt: skip


def _edge(ax: "Axes", start: float, length: float, forward: Any, gradient: Any, wider: float = 0) -> float:
    """Draw an arrow with what goes forward over it and the gradient under it. Return where the next node is.

    `wider` is by how much that node is wider than others.
    """
    end = start + length
    first, last = start + (RADIUS if start else 0.15), end - RADIUS - wider
    ax.annotate("", (last, 0), (first, 0), arrowprops={"arrowstyle": "->", "color": GRAY, "shrinkA": 4, "shrinkB": 4})
    middle = (first + last) / 2
    _numbers(ax, middle, 0.14, forward, BLUE, "bottom")
    if gradient is not None:
        _numbers(ax, middle, -0.14, gradient, RED, "top")
    return end


def _parameter(ax: "Axes", at: float, name: str, value: Any, gradient: Any) -> None:
    """An arrow from a parameter up to its node."""
    ax.annotate(
        "", (at, -RADIUS), (at, -DOWN), arrowprops={"arrowstyle": "->", "color": GRAY, "shrinkA": 8, "shrinkB": 4}
    )
    ax.text(at, -DOWN, name, ha="center", va="center", color=INK, fontsize=11)
    _numbers(ax, at, -DOWN - 0.2, value, BLUE, "top")
    rows = len(_written(value).split("\n"))
    _numbers(ax, at, -DOWN - 0.3 - 0.21 * rows, gradient, RED, "top")


def _numbers(ax: "Axes", x: float, y: float, value: Any, colour: str, side: str) -> None:
    ax.text(x, y, _written(value), ha="center", va=side, color=colour, fontsize=7, family="monospace")


def _written(value: Any) -> str:
    array = np.asarray(value) + 0.0  # -0 becomes 0
    if array.size > LARGEST:
        return " x ".join(map(str, array.shape))
    if array.size == 1:
        return f"{array.item():.3g}"
    rows = [[f"{number:.2g}" for number in row] for row in np.atleast_2d(array)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(" ".join(each.rjust(width) for each, width in zip(row, widths, strict=True)) for row in rows)
