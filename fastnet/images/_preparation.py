"""From any picture to digits as MNIST has them: the steps, in their order."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from fastnet._files import PathLike
from fastnet.images import _light, _likeness, _margin, _mnist_form, _panel, _strokes
from fastnet.images._light import NoDigitError
from fastnet.images._mnist_form import SIZE
from fastnet.images._reading import Gray, read_gray

Pixels: TypeAlias = npt.NDArray[np.float32]
Steps: TypeAlias = dict[str, npt.NDArray[Any]]

SMALL = 160  # pixels of the longer side: smaller pictures are enlarged, so that a stroke has some pixels
FULL = 0.99  # the darkest pixel of each image of MNIST is at least 254 / 255
EDGE = 2  # pixels around the strokes that are partly ink


@dataclass
class Digit:
    """A digit that `fastnet.images.find_digits` found in a picture.

    Attributes
    ----------
    pixels : ndarray of float32
        The digit as MNIST would have it: ``(784,)``, from 0 (background) to 1 (ink).
    box : tuple of int
        Its place in the picture, in pixels: left, top, right, bottom, as Pillow's ``crop`` takes them.
    steps : dict of str to ndarray
        Every picture on the way, by name and in order, as `fastnet.images.prepare` returns them.
    is_bare : bool
        Whether it is one straight stroke: a 1, or any other line. False for a picture that had MNIST's form already.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.images import find_digits
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 40:46] = 0
    >>> digit, = find_digits(paper)
    >>> digit.pixels.shape, list(digit.steps)
    ((784,), ['gray', 'ink', 'strokes', 'digit', 'stroke width', '28 x 28'])
    """

    pixels: Pixels = field(repr=False)
    box: tuple[int, int, int, int]
    steps: Steps = field(repr=False)
    is_bare: bool = False


def load_digit(path: PathLike) -> Pixels:
    """Return the digit in an image file, prepared like an MNIST image.

    Parameters
    ----------
    path : str or path
        An image file with one digit, of any size, colour and transparency.

    Returns
    -------
    ndarray of float32
        ``(784,)``, from 0 (background) to 1 (ink).

    Raises
    ------
    TypeError
        If `path` is not a path.
    NoDigitError, ValueError, OSError
        As in `prepare`.

    See Also
    --------
    prepare : The same for arrays and for many pictures, with the steps.

    Notes
    -----
    The digit is scaled to fit into 20 x 20 pixels, and centred by its centre of mass, as the makers of MNIST did it.

    Examples
    --------
    >>> import tempfile, os
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fastnet.images import load_digit
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 40:46] = 0  # a stroke: the digit one
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "one.png")
    ...     Image.fromarray(paper).save(path)
    ...     digit = load_digit(path).reshape(28, 28)
    >>> rows, columns = np.nonzero(digit > 0.5)
    >>> print(np.ptp(rows) + 1, np.ptp(columns) + 1)
    20 3
    """
    try:
        path = os.fspath(path)
    except TypeError:
        raise TypeError(
            f"path must be the path of an image file, got {type(path).__name__}: pass an array to prepare instead"
        ) from None
    return prepare(path)


@overload
def prepare(picture: Any, steps: Literal[False] = False) -> Pixels: ...
@overload
def prepare(picture: Any, steps: Literal[True]) -> Any: ...
def prepare(picture: Any, steps: bool = False) -> Any:
    """Return the digit in a picture, prepared as MNIST prepared its digits.

    Parameters
    ----------
    picture : str, path, array or list of these
        A file that Pillow can read, or an array of pixels: gray ``(rows, columns)``, or colours ``(rows, columns, 3)``
        or with opacity ``(rows, columns, 4)``. A list holds one picture an item, and a stack of arrays
        ``(N, rows, columns)`` one a row. The ink may be darker or lighter than the paper.
    steps : bool, default False
        Return every picture on the way, too.

    Returns
    -------
    ndarray of float32, or dict of str to ndarray
        ``(784,)``, from 0 (background) to 1 (ink), or ``(N, 784)`` for N pictures. With `steps`, a dict for each
        picture: ``gray``, ``ink`` (how far a pixel is from the paper), ``strokes`` (True where ink is), ``digit`` (cut
        out), ``stroke width`` (enlarged, with strokes as wide as MNIST's), and ``28 x 28``, the result. A picture that
        has MNIST's form already has only ``gray`` and ``28 x 28``.

    Raises
    ------
    TypeError
        If `picture` is none of these.
    NoDigitError
        If a picture shows no digit. It is a ValueError.
    ValueError
        If a picture shows several digits, is damaged, empty, or of an unknown format, has too many pixels, or holds
        pixels that are not finite.
    OSError
        If a file cannot be read.

    Warns
    -----
    UserWarning
        If a file has several frames: the first is read.

    See Also
    --------
    find_digits : All digits of a page.
    fastnet.plotting.plot_steps : Draw the steps in a row.

    Notes
    -----
    The makers of MNIST describe the last steps: scale a digit to fit into 20 x 20 pixels without changing its
    proportions, and place it into 28 x 28 pixels so that its centre of mass is in the middle. A picture of 28 x 28
    pixels that has this form is returned as it is, so MNIST's own images keep every bit.

    Pictures of more than 640 pixels a side are shrunk first, JPEG photographs while they are decoded. A picture of at
    most 64 pixels a side, where nothing but the strokes of the digit reaches the edges, gets a margin of paper. The
    step "gray" shows it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.images import prepare
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 40:46] = 0  # a stroke: the digit one
    >>> prepare(paper).shape, prepare([paper, paper]).shape
    ((784,), (2, 784))
    >>> list(prepare(paper, steps=True))
    ['gray', 'ink', 'strokes', 'digit', 'stroke width', '28 x 28']
    """
    if not is_many(picture):
        digit = the_digit(picture)
        return digit.steps if steps else digit.pixels
    if steps:
        return [the_digit(each).steps for each in picture]
    pixels = np.empty((len(picture), SIZE * SIZE), np.float32)
    for place, each in unprepared(picture, pixels):
        try:
            pixels[place] = the_digit(each).pixels
        except ValueError as error:
            raise type(error)(str(error) if is_path(each) else f"picture {place}: {error}") from None
    return pixels


def find_digits(picture: Any) -> list[Digit]:
    """Return all digits of a picture: line by line from the top, each line from left to right.

    Parameters
    ----------
    picture : str, path or array
        As in `prepare`: one picture.

    Returns
    -------
    list of Digit
        Each has `pixels`, prepared like an MNIST image, and its `box` in the picture.

    Raises
    ------
    TypeError, NoDigitError, ValueError, OSError
        As in `prepare`, but any number of digits is right, except none.

    See Also
    --------
    fastnet.plotting.plot_boxes : Draw the digits' boxes into the picture.

    Notes
    -----
    Each digit is scaled and centred as the makers of MNIST did it: see `prepare`. Strokes that do not touch belong to
    one digit if one of them is small and near, such as the bar of a 5. Digits that touch each other are read as one.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.images import find_digits
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 20:26] = paper[12:52, 60:66] = 0  # eleven
    >>> [digit.box for digit in find_digits(paper)]
    [(20, 10, 26, 50), (60, 12, 66, 52)]
    """
    gray, size = read_gray(picture)
    try:
        return digits_in(gray, size)
    except NoDigitError as error:
        raise NoDigitError(f"{os.fspath(picture)}: {error}" if is_path(picture) else str(error)) from None


def the_digit(picture: Any) -> Digit:
    """Return the only digit of a picture."""
    digits = find_digits(picture)
    if len(digits) > 1:
        name = os.fspath(picture) if is_path(picture) else "the picture"
        raise ValueError(f"{name} shows {len(digits)} digits: find_digits reads them one by one: use it")
    return digits[0]


def is_path(picture: Any) -> bool:
    """Whether a picture is given by its file."""
    return isinstance(picture, str | os.PathLike)


def is_many(picture: Any) -> bool:
    """Whether this is a list or a stack of pictures, and not one."""
    if isinstance(picture, np.ndarray):
        return picture.ndim == 4 or (picture.ndim == 3 and picture.shape[2] not in (3, 4))
    return isinstance(picture, Sequence) and not isinstance(picture, str | bytes)


def unprepared(pictures: Any, pixels: Pixels) -> Iterator[tuple[int, Any]]:
    """Write into `pixels` what has MNIST's form already, all at once, and yield the place and picture of the rest."""
    done = np.zeros(len(pictures), bool)
    if isinstance(pictures, np.ndarray) and pictures.shape[1:] == (SIZE, SIZE) and pictures.dtype == np.uint8:
        np.divide(pictures.reshape(pixels.shape), np.float32(255), out=pixels)
        done = _mnist_form.are_mnist(pixels.reshape(-1, SIZE, SIZE))
    for place in np.flatnonzero(~done).tolist():
        yield place, pictures[place]


def digits_in(gray: Gray, size: tuple[int, int]) -> list[Digit]:
    """Return the digits of a picture that had `size` rows and columns before it was shrunk."""
    if (known := as_it_is(gray)) is not None:
        return [Digit(known.reshape(-1), (0, 0, SIZE, SIZE), {"gray": gray, "28 x 28": known})]
    if (panel := _panel.panel_of(gray)) is not None:
        with suppress(NoDigitError):
            return digits_elsewhere(gray[panel], (panel[0].start, panel[1].start), gray, size)
    if margin := _margin.margin_of(gray):
        return digits_elsewhere(_margin.with_margin(gray, margin), (-margin, -margin), gray, size)
    return digits_on_paper(gray, size)


def digits_elsewhere(other: Gray, start: tuple[int, int], gray: Gray, size: tuple[int, int]) -> list[Digit]:
    """Return the digits of a part of a picture, or of one with a margin, with their places in the picture itself.

    `other` begins in row and column `start` of `gray`.
    """
    down, across = size[0] / gray.shape[0], size[1] / gray.shape[1]
    digits = digits_on_paper(other, (round(other.shape[0] * down), round(other.shape[1] * across)))
    top, left = round(start[0] * down), round(start[1] * across)
    for digit in digits:
        x0, y0, x1, y1 = digit.box
        digit.box = max(left + x0, 0), max(top + y0, 0), min(left + x1, size[1]), min(top + y1, size[0])
    return digits


def digits_on_paper(gray: Gray, size: tuple[int, int]) -> list[Digit]:
    """Return the digits of a picture that is all paper and ink."""
    objection = "nothing stands out from the paper. Use a darker pen"
    for ink in _light.inks_of(smooth(gray)):
        digits, objection = digits_of_ink(ink, gray, size)
        if digits:
            return digits
    raise NoDigitError(f"no digit found: {objection}")


def digits_of_ink(ink: Gray, gray: Gray, size: tuple[int, int]) -> tuple[list[Digit], str]:
    """Return the digits that the ink of a picture forms, and why the last of what is no digit is none."""
    mask, left_out = _strokes.strokes_of(ink)
    marks = _strokes.marks_of(mask)
    contacts = _strokes.contacts_of(marks)
    found, objection = [], ""
    accepted: set[int] = set()
    for labels in _strokes.digits_of(marks):
        box = _strokes.around([marks.boxes[label - 1] for label in labels])
        cut = cut_out(ink, marks, labels, box)
        enlarged = _mnist_form.enlarged(cut)
        rough = _likeness.roughness(ink, mask, left_out, box)
        contact = sum(contacts[label - 1] for label in labels)
        objection = _likeness.objection(enlarged, box, rough, contact)
        if not objection:
            even = _mnist_form.with_mnist_strokes(enlarged)
            result = _mnist_form.as_mnist(even)
            steps = {
                "gray": gray, "ink": ink, "strokes": mask, "digit": cut, "stroke width": even, "28 x 28": result,
            }
            place = in_the_picture(box, mask.shape, size)
            found.append(Digit(result.reshape(-1), place, steps, _likeness.is_bare(enlarged > 0.5)))
            accepted.update(labels)
    if found and not _strokes.are_most_of(accepted, marks, contacts):
        return [], "what looks like a digit is a small part of what stands out"
    return found, objection


def as_it_is(gray: Gray) -> Gray | None:
    """Return a picture that has MNIST's form already, in any two shades, or None."""
    if gray.shape != (SIZE, SIZE):
        return None
    difference = gray - gray[0, 0]  # the corner shows paper
    if abs(difference.min()) > difference.max():
        difference = -difference
    for image in (gray, 1 - gray, difference / (difference.max() or 1)):
        if image.min() == 0 and image.max() > FULL and _mnist_form.are_mnist(image[np.newaxis])[0]:
            return np.asarray(image, np.float32)
    return None


def smooth(gray: Gray) -> Gray:
    """Enlarge a small picture, so that its strokes are some pixels wide."""
    from PIL import Image

    longest = max(gray.shape)
    if longest >= SMALL:
        return gray
    scale = SMALL / longest
    rows, columns = (max(1, round(side * scale)) for side in gray.shape)
    large = Image.fromarray(gray).resize((columns, rows), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float32).clip(0, 1)


def cut_out(ink: Gray, marks: _strokes.Marks, labels: list[int], box: _strokes.Box) -> Gray:
    """Return the ink of one digit, from 0 to 1, without what else is in its box."""
    from scipy import ndimage

    top, left, bottom, right = box
    area = slice(max(top - EDGE, 0), bottom + EDGE), slice(max(left - EDGE, 0), right + EDGE)
    own = np.isin(marks.labels[area], labels)
    near = ndimage.binary_dilation(own, _strokes.EIGHT, iterations=EDGE)
    strength = ink[area] / np.quantile(ink[area][own], 0.7)
    return np.asarray(np.where(near, strength.clip(0, 1), 0), np.float32)


def in_the_picture(box: _strokes.Box, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box as Pillow gives boxes, in pixels of the original picture."""
    down, across = size[0] / shape[0], size[1] / shape[1]
    top, left, bottom, right = box
    return round(left * across), round(top * down), round(right * across), round(bottom * down)
