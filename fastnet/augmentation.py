"""Data augmentation: new training images from those that there are, as other hands and pens would have written them."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    BoolArray,
    FloatArray,
    IntArray,
    RandomSource,
    Seed,
    as_count,
    as_float,
    as_fraction,
    random_source,
    real_array,
)

__all__ = ["Augmentation"]

Images: TypeAlias = npt.NDArray[np.float32]

GRID = 5  # points along a side at which the bending is drawn; between them, it is smooth
MOST_THINNER, MOST_THICKER = 1.4, 2.0  # pixels that a stroke may lose or gain: by more, it breaks or fills its loops
INK = 0.5  # a pixel above this counts as ink where a stroke is added


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Change images of handwriting at random: a function of a batch, for the argument `augment` of a `Trainer`.

    Every image is turned, sheared, scaled, stretched, moved and bent a little, its strokes become thinner or thicker,
    and some images become fainter, more blurred or less clean. Each image gets its own strength between 0 and 1, by
    which its movements are multiplied, so that some images stay almost where they are.

    Parameters
    ----------
    rotation : float, default 15
        The largest rotation, in degrees.
    shear : float, default 0.3
        The largest slant: by how many columns a row moves for each row.
    scale : float, default 0.2
        The largest change of the size, and of the height relative to the width, as a share of it; below 1.
    shift : float, default 2.5
        The largest movement along the rows and the columns, in pixels.
    bend : float, default 0.7
        The standard deviation of the movement by which an image of mean strength is bent, in pixels.
    stroke_width : pair of float, default (1.7, 4.0)
        The thinnest and the thickest strokes, in pixels. Nine in ten of MNIST's images have strokes of 1.6 to 3.5
        pixels. A stroke loses at most 1.4 pixels and gains at most 2.
    unclean : float, default 0.3
        The share of images that become fainter or darker, blurred or noisy, and of which half get specks or the remains
        of a line at the border; from 0 to 1.
    digit_forms : float, default 0.0
        The share of the digits 1, 4, 7 and 9 that become what MNIST hardly contains: a 1 with a flag and a foot, a 4
        like a triangle, a 7 with a bar, a 9 with a curled tail. Only for images whose labels are the digits.
    shape : pair of int, optional
        The rows and columns of images that are given as rows ``(N, D)``; by default, they are squares.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    See Also
    --------
    fastnet.Trainer : Its argument `augment` takes this object.

    Notes
    -----
    "Deep Learning from Scratch", chapter 8, names data augmentation as a way to a higher accuracy. The bending follows
    P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", 2003. The pixels between those of the old image are interpolated linearly, and what comes from outside is
    paper. A stroke becomes thicker where a pixel takes the darkest value of its four neighbours, and thinner with the
    lightest one; a part of this changes the width by a part of 2 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import load_mnist
    >>> from fastnet.augmentation import Augmentation
    >>> (x, t), _ = load_mnist()
    >>> augment = Augmentation(digit_forms=0.3)
    >>> new, labels = augment(x[:100], t[:100], seed=0)
    >>> print(new.shape, new.dtype, bool((labels == t[:100]).all()), bool((new == x[:100]).all()))
    (100, 784) float32 True False
    """

    rotation: float = 15.0
    shear: float = 0.3
    scale: float = 0.2
    shift: float = 2.5
    bend: float = 0.7
    stroke_width: tuple[float, float] = (1.7, 4.0)
    unclean: float = 0.3
    digit_forms: float = 0.0
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("rotation", "shear", "shift", "bend"):
            as_float(getattr(self, name), name, positive=False)
        as_fraction(self.scale, "scale")
        for name in ("unclean", "digit_forms"):
            as_fraction(getattr(self, name), name, includes_one=True)
        _refuse_no_widths(self.stroke_width)
        if self.shape is not None:
            if np.shape(self.shape) != (2,):
                raise ValueError(f"shape must be two numbers, rows and columns, got {self.shape!r}")
            for side in self.shape:
                as_count(side, "shape")

    def __call__(self, x: npt.ArrayLike, t: npt.ArrayLike, seed: Seed = None) -> tuple[FloatArray, npt.NDArray[Any]]:
        """Return a changed copy of the images, and their targets.

        Parameters
        ----------
        x : array_like, real
            N images of values from 0 to 1: ``(N, D)``, ``(N, rows, columns)`` or ``(N, C, rows, columns)``. The
            channels of an image are changed alike. 1 is ink, as in MNIST, or paper, if the border is above 0.5.
        t : array_like, real
            The labels ``(N,)``, or a row ``(N, C)`` of probabilities for each image. They only choose the images for
            `digit_forms`.
        seed : int or numpy.random.Generator, optional
            Draws the changes. By default, NumPy's global generator draws them. A `Trainer` passes the generator that
            draws its mini-batches.

        Returns
        -------
        x : ndarray
            The new images, in the shape of `x`: float32, or float64 if `x` is float64.
        t : ndarray
            The targets, unchanged.

        Raises
        ------
        TypeError
            If an array does not hold real numbers.
        ValueError
            If `x` has another shape or a value outside [0, 1], or the numbers of images and targets differ.
        """
        array, targets = real_array(np.asarray(x), "x"), real_array(t, "t")
        images = _as_images(array, self.shape)
        if targets.ndim == 0 or len(targets) != len(array):
            raise ValueError(f"x and t must be of the same images, got shapes {array.shape} and {targets.shape}")
        random = random_source(seed)
        is_on_white = _are_on_white(images)
        if is_on_white.any():
            images = np.where(is_on_white, 1 - images, images)
        if self.digit_forms and images.shape[1] == 1:
            images = _with_other_forms(images, _labels(targets), self.digit_forms, random)
        changed = self._warped(images, random)
        changed = self._with_other_strokes(changed, random)
        changed = self._less_clean(changed, random)
        if is_on_white.any():
            changed = np.where(is_on_white, 1 - changed, changed)
        dtype = FLOAT64 if array.dtype == FLOAT64 else FLOAT32
        return changed.reshape(array.shape).astype(dtype, copy=False), targets

    # --- where a pixel comes from -------------------------------------------------------------------------------------

    def _warped(self, images: Images, random: RandomSource) -> Images:
        """Return the images turned, sheared, scaled, stretched, moved and bent."""
        N, _, H, W = images.shape
        strength = random.random((N, 1)).astype(np.float32)
        angle, shear, size, stretch, down, right = (_between(random, N, 6) * strength).T
        angle, shear = np.deg2rad(self.rotation) * angle, self.shear * shear
        size, stretch = 1 + self.scale * size, (1 + self.scale / 2) ** stretch
        # The matrix that takes a place of the new image to the old one: rotation, then shear, then size.
        cos, sin = np.cos(angle), np.sin(angle)
        by_row = np.stack([cos / (size * stretch), (sin + shear * cos) / (size / stretch)])
        by_column = np.stack([-sin / (size * stretch), (cos - shear * sin) / (size / stretch)])
        row, column = np.arange(H, dtype=np.float32) - (H - 1) / 2, np.arange(W, dtype=np.float32) - (W - 1) / 2
        moved = self.shift * np.stack([down, right])
        middle = np.array([(H - 1) / 2, (W - 1) / 2], np.float32)
        rows, columns = (
            by_row[i][:, np.newaxis, np.newaxis] * (row - moved[0][:, np.newaxis])[:, :, np.newaxis]
            + by_column[i][:, np.newaxis, np.newaxis] * (column - moved[1][:, np.newaxis])[:, np.newaxis]
            + middle[i]
            for i in range(2)
        )
        if self.bend:
            amount = self.bend * 2 * strength[..., np.newaxis]  # the mean of the strengths is a half
            across, along = _smooth(H), _smooth(W)
            for places in (rows, columns):
                drawn = random.standard_normal((N, GRID, GRID)).astype(np.float32)
                places += amount * (across @ drawn @ along.T)
        return _sampled(images, rows, columns)

    # --- the width of the strokes -------------------------------------------------------------------------------------

    def _with_other_strokes(self, images: Images, random: RandomSource) -> Images:
        """Return the images with strokes of a width that is drawn for each of them."""
        thinnest, thickest = self.stroke_width
        wanted = thinnest + (thickest - thinnest) * random.random(len(images)).astype(np.float32)
        more = np.clip(wanted - _stroke_widths(images), -MOST_THINNER, MOST_THICKER).reshape(-1, 1, 1, 1)
        darkest, lightest = _of_neighbours(images, np.maximum), _of_neighbours(images, np.minimum)
        more /= 2  # on both sides
        changed: Images = images + np.clip(more, 0, 1) * (darkest - images) + np.clip(-more, 0, 1) * (lightest - images)
        return changed

    # --- ink and paper ------------------------------------------------------------------------------------------------

    def _less_clean(self, images: Images, random: RandomSource) -> Images:
        """Return the images, some of them fainter or darker, blurred, noisy, or with specks and lines."""
        chosen: IntArray = np.flatnonzero(random.random(len(images)) < self.unclean)
        N = len(chosen)
        if N == 0:
            return images
        some = images[chosen]
        _, _, H, W = some.shape

        def share(limit: float = 1.0) -> Images:
            numbers: Images = (limit * random.random((N, 1, 1, 1))).astype(np.float32)
            return numbers

        blurred = share()
        some += blurred * (_blurred(some) - some)
        some **= np.exp2(_between(random, N, 1, 1, 1))  # grays: darker or lighter
        some *= 1 - share(0.5)
        noise = share(0.08) * (share() < 0.5)
        some += noise * random.standard_normal(some.shape).astype(np.float32)
        # Half of them: a speck or the rest of a line. What is drawn for the others has the darkness 0.
        start = random.random((N, 2)).astype(np.float32) * (H - 1, W - 1)
        is_line = random.random(N) < 0.5
        at_border = random.random(N) * 3
        side, which = random.random(N) < 0.5, random.random(N) < 0.5
        far: FloatArray = np.where(side, W - 1.0, H - 1.0)
        edge = np.where(which, at_border, far - at_border)
        start[is_line & side, 1], start[is_line & ~side, 0] = edge[is_line & side], edge[is_line & ~side]
        length = np.where(is_line, 4 + random.random(N) * 16, random.random(N) * 1.5)
        end = start + np.where(side[:, np.newaxis], (1, 0), (0, 1)) * length[:, np.newaxis]
        darkness = (0.3 + 0.7 * random.random(N)) * (random.random(N) < 0.5)
        drawn = _lines(start, end, 0.6 + random.random(N), (H, W)) * darkness[:, np.newaxis, np.newaxis]
        np.maximum(some, drawn[:, np.newaxis], out=some)
        images[chosen] = np.clip(some, 0, 1)
        return images


# --- forms of digits --------------------------------------------------------------------------------------------------


def _with_other_forms(images: Images, labels: npt.NDArray[Any], share: float, random: RandomSource) -> Images:
    """Return a copy of the images, in which some of the digits 1, 4, 7 and 9 have other strokes."""
    images = images.copy()
    is_chosen = random.random(len(images)) < share
    for label, lines_of in ((1, _flag_and_foot), (4, _triangle), (7, _bar), (9, _curl)):
        chosen = np.flatnonzero(is_chosen & (labels == label) & (images > INK).any(axis=(1, 2, 3)))
        if len(chosen):
            digits = images[chosen, 0]
            width = np.clip(_stroke_widths(digits[:, np.newaxis]), 1.5, 4)
            for start, end in lines_of(digits, random):
                np.maximum(digits, _lines(start, end, width, digits.shape[1:]), out=digits)
            images[chosen, 0] = _fitted(digits)
    return images


def _flag_and_foot(digits: Images, random: RandomSource) -> list[tuple[FloatArray, FloatArray]]:
    """Return the two strokes: from the top to the lower left, and along the line under the digit."""
    N = len(digits)
    top, bottom = _end(digits), _end(digits, last=True)
    stem = bottom - top
    height = np.hypot(*stem.T)[:, np.newaxis]
    angle = np.arctan2(stem[:, 1], stem[:, 0]) - np.deg2rad(25 + 28 * random.random(N))
    has_foot = random.random((N, 1)) < 0.6
    flag = height * (0.15 + 0.4 * random.random((N, 1))) * np.where(has_foot, 0.7, 1)  # with a long one, it is a 2
    tip = top + flag * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    foot = height * (0.15 + 0.35 * random.random((N, 1))) * has_foot
    tilt = 0.1 * _between(random, N, 1)
    along = foot * np.hstack([tilt, np.ones((N, 1))])
    return [(top, tip), (bottom - along, bottom + along)]


def _triangle(digits: Images, random: RandomSource) -> list[tuple[FloatArray, FloatArray]]:
    """Return the three strokes of a closed 4, and remove the open one."""
    N = len(digits)
    digits[:] = 0
    size = digits.shape[1] * 20 / 28
    top = np.hstack([np.full((N, 1), 0.2 * size), 0.75 * size + 0.1 * size * _between(random, N, 1)])
    bottom = top + size * np.hstack([np.ones((N, 1)), 0.1 * _between(random, N, 1)])
    left = top + size * np.hstack([0.5 + 0.15 * _between(random, N, 1), -0.3 - 0.3 * random.random((N, 1))])
    right = np.hstack([left[:, :1], top[:, 1:] + size * np.clip(0.5 * random.random((N, 1)) - 0.2, 0, 1)])
    right[:, :1] += size * 0.05 * _between(random, N, 1)
    return [(top, bottom), (top, left), (left, right)]


def _bar(digits: Images, random: RandomSource) -> list[tuple[FloatArray, FloatArray]]:
    """Return the stroke across the stem, a little below the middle."""
    N = len(digits)
    top, bottom = _end(digits), _end(digits, last=True)
    height = (bottom - top)[:, :1]
    row = top[:, :1] + height * (0.45 + 0.2 * random.random((N, 1)))
    middle = np.hstack([row, _column_at(digits, row[:, 0])[:, np.newaxis]])
    half = height * (0.12 + 0.12 * random.random((N, 1)))
    along = half * np.hstack([0.25 * _between(random, N, 1), np.ones((N, 1))])
    return [(middle - along, middle + along)]


def _curl(digits: Images, random: RandomSource) -> list[tuple[FloatArray, FloatArray]]:
    """Return a tail that turns from the bottom to the left and up, in three lines."""
    N = len(digits)
    places = [_end(digits, last=True)]
    height = np.clip(places[0] - _end(digits), 8, None)[:, :1]
    length = height * (0.1 + 0.12 * random.random((N, 1)))
    angle = np.deg2rad(30 + 40 * random.random((N, 1)))
    for _ in range(3):
        places.append(places[-1] + length * np.hstack([np.cos(angle), -np.sin(angle)]))
        angle = angle + np.deg2rad(30 + 15 * random.random((N, 1)))
    return list(pairwise(places))


# --- measuring --------------------------------------------------------------------------------------------------------


def _stroke_widths(images: Images) -> Images:
    """Return the mean width of the strokes of each image, in pixels: twice the area over the length of the border."""
    padded = _padded(images)
    down = padded[:, :, 1:, :-1] - padded[:, :, :-1, :-1]
    right = padded[:, :, :-1, 1:] - padded[:, :, :-1, :-1]
    down *= down
    right *= right
    down += right
    border = np.sqrt(down, out=down).sum(axis=(1, 2, 3))
    widths: Images = 2 * images.sum(axis=(1, 2, 3)) / np.maximum(border, 1e-6)
    return widths


def _end(digits: Images, *, last: bool = False) -> FloatArray:
    """Return the row and the column of the first or the last ink: the middle of the ink of that row."""
    H = digits.shape[1]
    has_ink = np.any(digits > INK, axis=2)
    row = H - 1 - has_ink[:, ::-1].argmax(axis=1) if last else has_ink.argmax(axis=1)
    return np.stack([row.astype(np.float64), _column_at(digits, row)], axis=1)


def _column_at(digits: Images, row: npt.NDArray[Any]) -> FloatArray:
    """Return the middle of the ink of a row of each image."""
    N, H, W = digits.shape
    ink = digits[np.arange(N), np.clip(np.rint(row).astype(int), 0, H - 1)].astype(np.float64)
    total = ink.sum(axis=1)
    middle: FloatArray = np.where(total > 0, ink @ np.arange(W) / np.maximum(total, 1e-6), W / 2)
    return middle


def _between(random: RandomSource, *shape: int) -> Images:
    """Return numbers between -1 and 1."""
    numbers: Images = (2 * random.random(shape) - 1).astype(np.float32)
    return numbers


# --- drawing ----------------------------------------------------------------------------------------------------------


def _lines(start: FloatArray, end: FloatArray, width: FloatArray, shape: tuple[int, ...]) -> Images:
    """Return an image of each line, with round ends: 1 within its width, and falling to 0 over one pixel."""
    H, W = shape
    start, end = start.astype(np.float32), end.astype(np.float32)
    along = end - start
    square = np.maximum((along**2).sum(axis=1), 1e-6)[:, np.newaxis, np.newaxis]
    row = np.arange(H, dtype=np.float32)[:, np.newaxis] - start[:, 0, np.newaxis, np.newaxis]
    column = np.arange(W, dtype=np.float32) - start[:, 1, np.newaxis, np.newaxis]
    down, right = along[:, 0, np.newaxis, np.newaxis], along[:, 1, np.newaxis, np.newaxis]
    place = np.clip((row * down + column * right) / square, 0, 1)  # of the nearest point of the line
    distance = np.hypot(row - place * down, column - place * right)
    drawn: Images = np.clip(width[:, np.newaxis, np.newaxis].astype(np.float32) / 2 + 0.5 - distance, 0, 1)
    return drawn


def _fitted(digits: Images) -> Images:
    """Return the images with the centre of mass in the middle, and no larger than MNIST's 20 of 28 pixels."""
    N, H, W = digits.shape
    has_row, has_column = np.any(digits > INK / 2, axis=2), np.any(digits > INK / 2, axis=1)
    height = H - has_row.argmax(axis=1) - has_row[:, ::-1].argmax(axis=1)
    width = W - has_column.argmax(axis=1) - has_column[:, ::-1].argmax(axis=1)
    shrink = np.maximum(np.maximum(height / H, width / W) * 28 / 20, 1).astype(np.float32)[:, np.newaxis]
    mass = np.maximum(digits.sum(axis=(1, 2)), 1e-6)
    row = (digits.sum(axis=2) @ np.arange(H, dtype=np.float32) / mass)[:, np.newaxis]
    column = (digits.sum(axis=1) @ np.arange(W, dtype=np.float32) / mass)[:, np.newaxis]
    rows = (np.arange(H, dtype=np.float32) - H / 2) * shrink + row
    columns = (np.arange(W, dtype=np.float32) - W / 2) * shrink + column
    full = (N, H, W)
    placed = np.broadcast_to(rows[:, :, np.newaxis], full), np.broadcast_to(columns[:, np.newaxis], full)
    return _sampled(digits[:, np.newaxis], *placed)[:, 0]


# --- arithmetic on images ---------------------------------------------------------------------------------------------


def _smooth(side: int) -> Images:
    """Return the matrix `(side, GRID)` that spreads the values of the grid smoothly over the pixels."""
    place = np.linspace(0, GRID - 1, side, dtype=np.float32)[:, np.newaxis] - np.arange(GRID, dtype=np.float32)
    weights = np.exp(-(place**2) / 0.8)
    smooth: Images = weights / np.sqrt((weights**2).sum(axis=1, keepdims=True))  # the deviation stays 1
    return smooth


def _sampled(images: Images, rows: FloatArray, columns: FloatArray) -> Images:
    """Return the values of the images at the places `(N, H, W)`, interpolated linearly; 0 outside."""
    N, C, H, W = images.shape
    padded = _padded(images)
    rows, columns = np.clip(rows + 1, 0, H + 0.999), np.clip(columns + 1, 0, W + 0.999)
    row, column = rows.astype(np.intp), columns.astype(np.intp)
    down, right = (rows - row).astype(np.float32, copy=False), (columns - column).astype(np.float32, copy=False)
    first = row * (W + 2) + column
    first += (np.arange(N) * (C * (H + 2) * (W + 2)))[:, np.newaxis, np.newaxis]
    flat, sampled = padded.reshape(-1), np.empty_like(images)
    for channel in range(C):
        corner = first + channel * (H + 2) * (W + 2)
        upper, lower = flat.take(corner), flat.take(corner + (W + 2))
        upper += right * (flat.take(corner + 1) - upper)
        lower += right * (flat.take(corner + (W + 3)) - lower)
        sampled[:, channel] = upper + down * (lower - upper)
    return sampled


def _padded(images: Images) -> Images:
    """Return the images with a border of one pixel of paper."""
    N, C, H, W = images.shape
    padded = np.zeros((N, C, H + 2, W + 2), np.float32)
    padded[:, :, 1:-1, 1:-1] = images
    return padded


def _of_neighbours(images: Images, extreme: Any) -> Images:
    """Return the darkest or the lightest value among each pixel and its four neighbours."""
    padded = _padded(images)
    vertical = extreme(padded[:, :, :-2, 1:-1], padded[:, :, 2:, 1:-1])
    horizontal = extreme(padded[:, :, 1:-1, :-2], padded[:, :, 1:-1, 2:])
    result: Images = extreme(extreme(vertical, horizontal), images)
    return result


def _blurred(images: Images) -> Images:
    """Return the mean of each pixel and its neighbours, with the weights 1, 2, 1 along both sides."""
    padded = _padded(images)
    by_rows = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    blurred: Images = (by_rows[..., :-2] + 2 * by_rows[..., 1:-1] + by_rows[..., 2:]) / 16
    return blurred


# --- arguments --------------------------------------------------------------------------------------------------------


def _refuse_no_widths(stroke_width: Any) -> None:
    if not isinstance(stroke_width, tuple | list) or len(stroke_width) != 2:
        raise TypeError(f"stroke_width must be a pair of numbers, the thinnest and the thickest, got {stroke_width!r}")
    thinnest, thickest = (as_float(width, "stroke_width") for width in stroke_width)
    if thinnest > thickest:
        raise ValueError(f"stroke_width must be the thinnest and the thickest strokes, got {stroke_width!r}")


def _as_images(array: npt.NDArray[Any], shape: tuple[int, int] | None) -> Images:
    """Return `x` as `(N, C, rows, columns)`, in float32."""
    full = array.shape
    if array.ndim == 2:
        side = math.isqrt(full[1])
        full = (len(array), 1, *(shape or (side, side)))
    elif array.ndim == 3:
        full = (len(array), 1, *full[1:])
    if len(full) != 4 or array.size != math.prod(full):
        rows = "a square of D pixels" if shape is None else f"D = {shape[0]} * {shape[1]} pixels"
        raise ValueError(
            f"x must hold images (N, D) with {rows}, (N, rows, columns) or (N, C, rows, columns), "
            f"got shape {array.shape}"
        )
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"x must hold values from 0 to 1, got {array.min()} to {array.max()}")
    return array.reshape(full).astype(np.float32, copy=False)


def _are_on_white(images: Images) -> BoolArray:
    """Return which images are dark on light: those with a light border."""
    height, width = images.shape[2:]
    total = sum(images[:, :, place].sum(axis=(1, 2)) for place in (0, -1))
    total = total + sum(images[:, :, :, place].sum(axis=(1, 2)) for place in (0, -1))
    is_light: BoolArray = total > (height + width) * images.shape[1]
    return is_light[:, np.newaxis, np.newaxis, np.newaxis]


def _labels(t: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the label of each image, and -1 where the target does not name one class alone."""
    if t.ndim == 1 or t.shape[1:] == (1,):
        return t.reshape(-1)
    return np.where(t.max(axis=1) == 1, t.argmax(axis=1), -1)
