"""Give a digit the form that MNIST gave its digits: size, place, and strokes as wide as theirs."""

import numpy as np
import numpy.typing as npt

from fastnet.images._reading import Gray

SIZE = 28  # side of an MNIST image, in pixels
BOX = 20  # MNIST scaled every digit to a box of this side, then centred it by its centre of mass
DETAIL = 8  # a digit is worked on at this many times MNIST's resolution
STROKE = 2.2  # pixels: the median of MNIST is 2.5, and 2.2 reads handwriting best
THICKEST = 4.5  # pixels: nearly all of MNIST's strokes are thinner


def are_mnist(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Return which images of a stack `(N, 28, 28)` have the form of MNIST's: all 70,000 of MNIST have it.

    The ink is light, 20 pixels high or wide (in 16 images 19), and its centre of mass is in the middle: from 13.5 to
    14.5 pixels from the first.
    """
    places = np.arange(SIZE, dtype=np.float32)
    extents, centred = [], np.ones(len(stack), bool)
    ones = np.ones(SIZE, np.float32)
    for lines in (stack @ ones, ones @ stack):  # the ink of each row, and of each column
        extents.append(extent(lines > 0))
        with np.errstate(invalid="ignore"):  # 0 / 0 of a blank image
            centre = lines @ places / lines.sum(axis=1)
        centred &= (centre > 13.45) & (centre < 14.55)
    largest = np.maximum(*extents)
    return np.asarray(centred & (largest >= BOX - 1) & (largest <= BOX))


def extent(inked: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return for each image the distance from the first line with ink to the last, both counted."""
    return np.asarray(np.where(inked.any(axis=1), SIZE - inked[:, ::-1].argmax(axis=1) - inked.argmax(axis=1), 0))


def enlarged(ink: Gray) -> Gray:
    """Scale a digit to `DETAIL` times MNIST's resolution, with a margin for wider strokes."""
    from PIL import Image

    scale = BOX * DETAIL / max(ink.shape)
    rows, columns = (max(1, round(side * scale)) for side in ink.shape)
    method = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX
    scaled = np.asarray(Image.fromarray(ink).resize((columns, rows), method))
    return np.asarray(np.pad(np.clip(scaled, 0, 1), round(STROKE * DETAIL)))


def depth_of(digit: Gray) -> npt.NDArray[np.float64]:
    """Return how far each pixel of an enlarged digit lies inside its strokes; 0 is paper."""
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(digit > 0.5))


def stroke_width(digit: Gray) -> float:
    """Return the mean width of the strokes of an enlarged digit, in pixels of MNIST.

    Across a stroke, the distance to the paper rises from 0 to half of the width: its mean is a quarter of the width.
    """
    depth = depth_of(digit)
    inside = depth > 0
    # The distance is from the middle of a pixel to the middle of a pixel of paper: half a pixel beyond the edge.
    return float(4 * (depth[inside].mean() - 0.5) / DETAIL) if inside.any() else 0.0


def with_mnist_strokes(digit: Gray) -> Gray:
    """Bring the strokes of an enlarged digit to MNIST's width, if they are thinner, or far thicker."""
    from scipy import ndimage

    width = stroke_width(digit)
    if STROKE <= width <= THICKEST:
        return digit
    if width < STROKE:
        grow = (STROKE - width) * DETAIL / 2
        outside = ndimage.distance_transform_edt(digit <= 0.5)
        return np.asarray(np.maximum(digit, np.clip(grow + 0.5 - outside, 0, 1)), np.float32)
    shrink = (width - THICKEST) * DETAIL / 2
    return np.asarray(np.minimum(digit, np.clip(depth_of(digit) - shrink, 0, 1)), np.float32)


def as_mnist(digit: Gray) -> Gray:
    """Fit an enlarged digit into 20 x 20 pixels, and place it into 28 x 28 by its centre of mass."""
    return centred(fitted(digit))


def fitted(digit: Gray) -> Gray:
    """Cut out the digit, and shrink it to fit into 20 x 20 pixels without changing its proportions."""
    from PIL import Image

    rows, columns = (np.flatnonzero((digit > 0.3).any(axis=axis)) for axis in (1, 0))
    cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    small = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BOX))
    # Only now scale the ink to the full range: before shrinking, thin strokes would fade.
    return np.asarray(np.clip(small / np.quantile(small[small > 0.5 * small.max()], 0.7), 0, 1))


def centred(digit: Gray) -> Gray:
    """Place the digit in 28 x 28 pixels, its centre of mass as near to pixel (14, 14), as in MNIST, as it fits."""
    height, width = digit.shape
    mass = digit.sum()
    row = digit.sum(axis=1) @ np.arange(height) / mass
    column = digit.sum(axis=0) @ np.arange(width) / mass
    # A hair less, so that of two places that are equally near, rounding errors do not choose.
    top = min(max(round(SIZE / 2 - row - 1e-3), 0), SIZE - height)
    left = min(max(round(SIZE / 2 - column - 1e-3), 0), SIZE - width)
    image = np.zeros((SIZE, SIZE), np.float32)
    image[top : top + height, left : left + width] = digit
    return image
