"""Find the panel of a screenshot: a rectangle of another shade than the margin around it, like a plot on white."""

from typing import Any

import numpy as np

from fastnet.images._light import otsu
from fastnet.images._reading import Gray

SMALLEST_PANEL = 0.15  # of the picture's area
FILLED = 0.6  # of its area has the panel's shade: what is drawn on it has the other one
STRAIGHT_SIDE = 0.7  # of the side has the panel's shade: a digit may touch it, but a panel ends at a straight line
SOFT = 2  # pixels along its sides that are a mixture of both shades


def panel_of(gray: Gray) -> tuple[slice, slice] | None:
    """Return where the panel of a picture is, without its sides, or None if it has none."""
    from scipy import ndimage

    light = gray > otsu(gray)
    border = border_of(light)
    if abs(border.mean() - 0.5) < 0.49:  # all around the panel is its margin
        return None
    other = light != (border.mean() > 0.5)
    labels, found = ndimage.label(ndimage.grey_opening(other.view(np.uint8), 2 * SOFT + 1))  # without tick marks
    if not found:
        return None
    areas = np.bincount(labels.ravel())[1:]
    largest = int(areas.argmax()) + 1
    rows, columns = ndimage.find_objects(labels)[largest - 1]
    piece = labels[rows, columns] == largest
    sides = (piece[0], piece[-1], piece[:, 0], piece[:, -1])
    if (
        piece.size < SMALLEST_PANEL * gray.size
        or piece.mean() < FILLED
        or min(side.mean() for side in sides) < STRAIGHT_SIDE
        or min(piece.shape) <= 4 * SOFT
    ):
        return None
    return slice(rows.start + SOFT, rows.stop - SOFT), slice(columns.start + SOFT, columns.stop - SOFT)


def border_of(pixels: Any) -> Any:
    """Return the pixels along the four edges of a picture, or of a mask of it."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
