"""Plots of many small images: the weights of the first layer, and a network's inputs with its predictions."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, IntArray, as_count, cast, labels_in_range, real_array
from fastnet._languages import Language
from fastnet.plotting._axes import INK, RED, axes
from fastnet.plotting._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

CHUNK = 1000  # samples that are predicted at a time


def plot_weights(
    network: Any,
    *,
    shape: tuple[int, int] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the first layer's weights as one image for each hidden unit: the input that the unit responds to.

    Parameters
    ----------
    network : object or array_like
        A network such as `TwoLayerNet`, with ``params["W1"]``; or W1 itself: ``(D, H)``, a column for each of H units.
    shape : tuple of int, optional
        The rows and columns of an input image; by default, the image is a square of D pixels.
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
        If `network` has no weights.
    ValueError
        If W1 is empty or not 2-D, or D pixels do not fill `shape`.

    Notes
    -----
    All images have the same colour scale. Its middle, gray, is 0.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.plotting import plot_weights
    >>> ax = plot_weights(TwoLayerNet(784, 50, 10, seed=0), ax=Figure().subplots())
    >>> ax.get_title()
    'Weights of the first layer: 50 units'
    """
    if not (hasattr(network, "params") or hasattr(network, "__array__") or isinstance(network, Sequence)):
        raise TypeError(f"network must have params['W1'], or be W1 itself; got {type(network).__name__}")
    params = getattr(network, "params", {"W1": network})
    if "W1" not in params:
        raise TypeError(f"network must have params['W1'], or be W1 itself; its params are {', '.join(params)}")
    W1 = real_array(params["W1"], "W1")
    if W1.ndim != 2 or W1.size == 0:
        raise ValueError(f"W1 must have shape (D, H), a row for each input and a column for each unit, got {W1.shape}")
    units = _images(W1.T, "W1", shape)
    write = Lettering(title, lang=lang)
    ax = axes(ax, 7.5, 6.4)
    # cividis goes from dark blue through gray to yellow. It works for every kind of colour vision and in print. The
    # scale is symmetric, so 0 is gray, neither white nor black.
    shown = _draw_images(ax, units, [str(unit) for unit in range(len(units))], cmap="cividis")
    largest = np.abs(W1[np.isfinite(W1)]).max(initial=0) or 1
    shown.set_clim(-largest, largest)
    bar = ax.figure.colorbar(shown, ax=ax, label=write.say("weight"), shrink=0.8)
    write.apply(bar.ax)
    ax.set_title(write.title("Weights of the first layer: {units} units", units=len(units)))
    return write.apply(ax)


def _one_image(x: npt.ArrayLike, y: npt.ArrayLike, t: npt.ArrayLike) -> tuple[Any, Any, Any]:
    """Give one image, its prediction and its class the axis of the samples, where they do not have it."""
    image, predicted, right = np.asarray(x), np.asarray(y), np.asarray(t)
    return (
        image if image.ndim > 1 and len(image) == 1 else image[None],
        predicted if predicted.ndim and len(predicted) == 1 else predicted[None],
        right if right.ndim and len(right) == 1 else right[None],
    )


def plot_predictions(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw images with their predictions. A wrong prediction has a frame and the right class.

    Parameters
    ----------
    x : array_like, real
        N images: ``(N, D)``, ``(N, rows, columns)`` or ``(N, 1, rows, columns)``; or one, ``(D,)`` or, if `t` is one
        label, a square, with its own `y` and `t`. 0 is paper, larger values are ink.
    y : array_like, real
        The predictions: rows ``(N, C)`` of probabilities or scores, as `predict` returns them, or labels ``(N,)``. The
        caption of an image shows the probability beside the class.
    t : array_like, real
        The right classes: labels ``(N,)``, or rows ``(N, C)``.
    classes : sequence of str, optional
        The names of the classes; by default their numbers.
    shape : tuple of int, optional
        The rows and columns of an image; by default, the image is a square of D pixels.
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
        If an array does not hold real numbers.
    ValueError
        If there is no image, `x`, `y` and `t` have different numbers of samples, a label is not one of the classes, or
        D pixels do not fill `shape`.

    See Also
    --------
    plot_misclassified : Only the images that a network gets wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet.plotting import plot_predictions
    >>> ax = plot_predictions(np.zeros((2, 784)), [3, 1], [3, 7], ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['3', '1, is 7']
    """
    if np.ndim(x) == 1 or (np.ndim(t) == 0 and (np.shape(x)[:1] == (1,) or len(set(np.shape(x))) == 1)):
        x, y, t = _one_image(x, y, t)
    digits = _images(x, "x", shape)
    if len(digits) == 0:
        raise ValueError("x is empty: there is nothing to draw. Give at least one")
    names, predicted, right = named_classes(y, t, classes)
    if len(predicted) != len(digits):
        raise ValueError(
            f"x holds {len(digits)} images, y and t {len(predicted)} classes: "
            "they must be the same number"
        )
    wrong = predicted != right
    write = Lettering(title, *names, lang=lang)
    ax = axes(ax, 7.5, 8)
    captions = _captions(real_array(y, "y"), predicted, right, names, write)
    _draw_images(ax, digits, captions, framed=np.flatnonzero(wrong).tolist())
    ax.set_title(write.title("Predictions: {wrong} of {all} wrong", wrong=np.sum(wrong), all=len(digits)))
    return write.apply(ax)


def plot_misclassified(
    network: Any,
    x: npt.ArrayLike,
    t: npt.ArrayLike,
    *,
    most: int = 25,
    classes: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
    title: str | None = None,
    lang: Language | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the images that a network gets wrong, the worst first.

    Parameters
    ----------
    network : object
        A network such as `TwoLayerNet`: its ``predict(x)`` returns rows ``(N, C)`` of probabilities or scores.
    x : array_like, real
        N images in the shape that the network takes, ``(N, D)``.
    t : array_like, real
        The right classes: labels ``(N,)``, or rows ``(N, C)``.
    most : int, default 25
        The largest number of images to draw.
    classes : sequence of str, optional
        The names of the classes; by default their numbers.
    shape : tuple of int, optional
        The rows and columns of an image; by default, the image is a square of D pixels.
    title : str, optional
        The title.
    lang : {"en", "ko", "ja"}, optional
        The language of the labels; by default English.
    ax : matplotlib.axes.Axes, optional
        The Axes to draw into; by default, those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        If no prediction is wrong, the plot says so.

    Raises
    ------
    TypeError
        If `network` has no `predict`, or an array does not hold real numbers.
    ValueError
        If there is no image, a shape or a label does not fit, or `most` is below 1.

    See Also
    --------
    plot_confusion_matrix : How often each class is predicted for each.

    Notes
    -----
    The worst image is the one with the largest difference between the predicted class's probability or score and the
    right class's.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.plotting import plot_misclassified
    >>> network = TwoLayerNet(4, 3, 2, seed=0)
    >>> x = np.eye(4)
    >>> ax = plot_misclassified(network, x, network.predict(x), ax=Figure().subplots())
    >>> ax.texts[0].get_text()
    'all 4 are right'
    """
    if not callable(getattr(network, "predict", None)):
        raise TypeError(f"network must have predict(x), got {type(network).__name__}")
    most = as_count(most, "most")
    inputs = real_array(x, "x")
    digits = _images(inputs, "x", shape)
    if len(digits) == 0:
        raise ValueError("x is empty: there is nothing to predict. Give at least one image")
    y = np.concatenate([network.predict(inputs[i : i + CHUNK]) for i in range(0, len(inputs), CHUNK)])
    if y.ndim != 2 or len(y) != len(digits):
        raise ValueError(f"network.predict(x) must return a row for each of {len(digits)} images, got shape {y.shape}")
    names, predicted, right = named_classes(y, t, classes)
    wrong = np.flatnonzero(predicted != right)
    with np.errstate(all="ignore"):  # inf - inf
        margin = y[wrong, predicted[wrong]] - y[wrong, right[wrong]]
    shown = wrong[np.argsort(-margin, kind="stable")][:most]
    write = Lettering(title, *names, lang=lang)
    ax = axes(ax, 7.5, 8)
    if len(shown):
        captions = _captions(y[shown], predicted[shown], right[shown], names, write)
        _draw_images(ax, digits[shown], captions)
    else:
        all_right = write.say("all {all:,} are right", all=len(digits))
        ax.text(0.5, 0.5, all_right, ha="center", va="center", size=14, transform=ax.transAxes)
        ax.set_axis_off()
    if len(shown) < len(wrong):
        words = "Misclassified: {wrong:,} of {all:,}, the worst {shown} of them"
    else:
        words = "Misclassified: {wrong:,} of {all:,}"
    ax.set_title(write.title(words, wrong=len(wrong), all=len(digits), shown=len(shown)))
    return write.apply(ax)


def named_classes(
    y: npt.ArrayLike, t: npt.ArrayLike, classes: Sequence[str] | None
) -> tuple[list[str], IntArray, IntArray]:
    """Return the names of the classes, and the predicted and the right class of every sample."""
    if classes is not None and (isinstance(classes, str) or np.ndim(classes) != 1):
        raise TypeError(f"classes must be a list of names, got {classes!r}")
    known = None if classes is None else len(classes)
    predicted, in_y = _class_labels(y, "y", known)
    rows = np.ndim(y) == 2 and np.shape(y)[1] > 1
    right, in_t = _class_labels(t, "t", in_y if rows else known)
    if len(predicted) != len(right):
        raise ValueError(
            f"y holds the predictions of {len(predicted)} samples, t the classes of {len(right)}: "
            "they must be the same samples"
        )
    names = [str(name) for name in (range(max(in_y, in_t)) if classes is None else classes)]
    return names, predicted, right


def _captions(
    y: npt.NDArray[Any], predicted: IntArray, right: IntArray, names: list[str], write: Lettering
) -> list[str]:
    """Return the caption of each image: the predicted class, its probability if known, the right class if wrong."""
    with np.errstate(all="ignore"):
        are_probabilities = y.ndim == 2 and y.shape[1] > 1 and (y >= 0).all() and (abs(y.sum(axis=1) - 1) < 1e-3).all()
    captions = []
    for row, guess, label in zip(y, predicted, right, strict=True):
        caption = write(names[guess]) + (f" ({row[guess]:.0%})" if are_probabilities else "")
        if guess != label:
            caption += (", " if len(caption) == 1 else ",\n") + write.say("is {name}", name=write(names[label]))
        captions.append(caption)
    return captions


LARGEST = 12  # points: the font size of a caption


def _draw_images(
    ax: "Axes", images: FloatArray, captions: list[str], framed: Collection[int] = (), cmap: str = "gray_r"
) -> "AxesImage":
    """Draw the images in a grid, each below its caption; those whose indices are in `framed` get a red frame."""
    from matplotlib.patches import Rectangle

    N, rows, columns = images.shape
    # A cell of the grid has an image, a margin around it, and space above for the lines of the caption.
    lines = [caption.split("\n") for caption in captions]
    line, margin = 0.28 * rows, max(1, round(0.1 * columns))
    for _ in range(2):  # the size of the letters follows from the grid, and the grid from the space for them
        above = math.ceil(max(2, 0.1 * rows) + line * max(map(len, lines)))
        height, width = above + rows + margin, columns + 2 * margin
        across, points = _grid(ax, N, height, width)
        line = min(line, LARGEST / 0.85 / points)  # above a large image, a smaller part of its height is enough
    corners = [(i // across * height, i % across * width) for i in range(N)]
    canvas = np.full((corners[-1][0] + height, across * width), np.nan)
    for (top, left), image in zip(corners, images, strict=True):
        canvas[top + above : top + above + rows, left + margin : left + margin + columns] = image
    ink = canvas[np.isfinite(canvas)]
    shown = ax.imshow(
        canvas, cmap=cmap, vmin=min(0, ink.min(initial=0)), vmax=ink.max(initial=0) or 1, interpolation="nearest"
    )
    ax.set_axis_off()

    # The width of a letter is about 0.6 of the font size, in bold 0.7, and of a percent sign 1.
    longest = max(_letters(part) for parts in lines for part in parts)
    size = np.clip(points * min(0.85 * line, (width - 2) / ((0.8 if framed else 0.7) * longest)), 1, LARGEST)
    for i, ((top, left), caption) in enumerate(zip(corners, captions, strict=True)):
        middle = left + (width - 1) / 2, top + (above - 1) / 2
        text = ax.text(*middle, caption, ha="center", va="center", color=INK, fontsize=size, linespacing=1)
        if i in framed:
            text.set(color=RED, weight="bold")
            frame = (left + 0.5, top + 0.5), width - 2, height - 2
            ax.add_patch(Rectangle(*frame, fill=False, color=RED, linewidth=1.6))
    return shown


def _grid(ax: "Axes", N: int, height: int, width: int) -> tuple[int, float]:
    """Return the number of columns of a grid of N cells, and the size of a pixel in points.

    The cells are as large as possible, or a little smaller if that leaves fewer cells empty.
    """
    space = ax.get_window_extent()
    across = np.arange(1, N + 1)
    down = -(-N // across)
    scales = np.minimum(space.width / (across * width), space.height / (down * height))
    large = np.flatnonzero(scales > 0.85 * scales.max())
    best = min(large, key=lambda i: (across[i] * down[i], -scales[i]))
    return int(across[best]), float(scales[best] * 72 / ax.figure.get_dpi())


def _letters(text: str) -> int:
    """Return the length of the text in Latin letters: wide letters count twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


MOST_CLASSES = 1000  # more is probably a typo: memory grows with the square of the number of classes


def _class_labels(values: npt.ArrayLike, name: str, classes: int | None = None) -> tuple[IntArray, int]:
    """Return the class of every sample, and the number of classes: by default, the largest label plus 1.

    `values` holds integer labels ``(N,)`` or ``(N, 1)``, or rows ``(N, C)``, whose largest value marks the class.
    """
    array = real_array(values, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to draw. Give at least one")
    if array.ndim == 2 and array.shape[1] > 1:
        if classes not in (None, array.shape[1]):
            raise ValueError(
                f"{name} has shape {array.shape}, but there are {classes} classes: "
                "it needs a column for each class"
            )
        return array.argmax(axis=1), array.shape[1]
    if array.dtype.kind == "f" or array.shape not in ((array.size,), (array.size, 1)):
        raise ValueError(
            f"{name} must hold integer labels of shape (N,) or (N, 1), or a row (N, C) for each of N samples; "
            f"got {array.dtype} of shape {array.shape}"
        )
    labels = labels_in_range(array.reshape(-1), MOST_CLASSES if classes is None else classes, name)
    return labels, int(labels.max(initial=-1)) + 1 if classes is None else classes


def _images(values: npt.ArrayLike, name: str, shape: Sequence[int] | None = None) -> FloatArray:
    """Return N images as `(N, rows, columns)`, from `(N, D)`, `(N, 1, rows, columns)` or `(N, rows, columns)`.

    Without `shape`, D pixels form a square.
    """
    array = real_array(values, name)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (2, 3):
        raise ValueError(f"{name} must have shape (N, D) or (N, rows, columns), got shape {array.shape}")
    pixels = math.prod(array.shape[1:])
    if shape is None:
        rows, columns = array.shape[1:] if array.ndim == 3 else (math.isqrt(pixels), math.isqrt(pixels))
    elif np.shape(shape) == (2,):
        rows, columns = (as_count(side, "shape") for side in shape)
    else:
        raise ValueError(f"shape must be two numbers, rows and columns, got {shape!r}")
    if rows * columns != pixels or pixels == 0:
        raise ValueError(
            f"{name} has {pixels} pixels in an image, which do not fill {rows} x {columns}: pass shape=(rows, columns)"
        )
    return cast(array.reshape(-1, rows, columns), FLOAT64)
