"""Tell what looks like a handwritten digit from what does not: shadows, textures, lines, faces.

A network of ten classes answers with a digit whatever it is shown. So what it is shown is looked at first. Each limit
lies beyond what was measured on more than 500 files with handwritten digits, and beyond MNIST's digits.
"""

import numpy as np

from fastnet.images._mnist_form import BOX, DETAIL, depth_of, stroke_width
from fastnet.images._reading import Gray
from fastnet.images._strokes import Box, Mask

WIDEST_STROKE = 6.5  # pixels at MNIST's size, where 99 % of MNIST's strokes are at most 5 wide: more is a blot
LONGEST = 5.0  # times the digit's size: what a pen would have to run further for is a texture, or a picture
WIDEST, WIDEST_BARE = 1.8, 0.9  # times the height: more is a dash. A bare stroke leans less: 99 % of MNIST's 1 do
SOFTEST = 0.9  # of the area: a larger share at half strength has no edge, like a shadow
HAIRLINE, SOFTEST_HAIRLINE = 1.2, 1.5  # thinner strokes may be softer: the picture has too few pixels for their edges
UNEVEN = 0.55  # of the mean width: handwriting varies by at most 0.5 (markers, brushes), textures mostly by more
GRAIN_OF_A_MARKER = 0.25  # of the stroke's width: gaps and rough edges of this size are the marker's, not the hand's
CUT_OFF = 4.0  # stroke widths: what touches the picture's edge along more goes on beyond it ...
EVEN, SHARP = 0.15, 0.7  # ... unless its width varies by less, and less of it is soft: digits that fill the picture
BARE = 0.3  # spread across, as a share of the spread along: a straight stroke. 95 % of MNIST's 1 have less
ROUGHEST = 0.35  # of the ink: paper with marks so strong and so frequent is no paper
NEIGHBOURHOOD = 0.3  # of the digit's size: the paper that is looked at


def objection(enlarged: Gray, box: Box, rough: float, contact: int) -> str:
    """Return why something is no digit, or an empty text.

    `enlarged` is the digit by itself, `box` is its place in the picture, `rough` is the `roughness` around it, and
    `contact` is how far it touches the edge of the picture, in pixels of the picture.
    """
    drawn = enlarged > 0.5
    width = stroke_width(enlarged)
    area = drawn.sum() / DETAIL**2
    between = ((enlarged > 0.25) & (enlarged < 0.75)).sum() / max(drawn.sum(), 1)
    if width > WIDEST_STROKE:
        return "it is a blot, without strokes"
    if area / max(width, 1) > LONGEST * BOX:
        return "it has too many strokes"
    bare = is_bare(drawn)
    if box[3] - box[1] > (WIDEST_BARE if bare else WIDEST) * (box[2] - box[0]):
        return "it is a dash"
    if between > (SOFTEST if width > HAIRLINE else SOFTEST_HAIRLINE):
        return "it has no edge, like a shadow"
    if rough > ROUGHEST:
        return "the paper around it is full of marks"
    uneven = unevenness(enlarged, width)
    if uneven > UNEVEN:
        return "its width varies more than a pen's"
    size = max(box[2] - box[0], box[3] - box[1])
    along = contact > CUT_OFF * max(width * size / BOX, 1)
    if (along and (uneven > EVEN or between > SHARP)) or (contact and bare):
        return "it goes on beyond the edge of the picture"
    return ""


def is_bare(drawn: Mask) -> bool:
    """Whether a shape is one straight stroke: a 1, or any other line."""
    return flatness(drawn) < BARE


def flatness(drawn: Mask) -> float:
    """Return how far a shape spreads across its longest direction, as a share of the spread along it."""
    if drawn.sum() < 2:
        return 0.0
    across, along = np.linalg.eigvalsh(np.cov(np.stack(np.nonzero(drawn))))
    return float(np.sqrt(max(across, 0) / along))


def unevenness(enlarged: Gray, width: float) -> float:
    """Return how much the width of the strokes varies along their middle: the standard deviation through the mean."""
    from scipy import ndimage

    depth = depth_of(ndimage.gaussian_filter(enlarged, GRAIN_OF_A_MARKER * width * DETAIL))
    middle = (depth > 0.5) & (depth == ndimage.grey_dilation(depth, 3))
    return float(depth[middle].std() / depth[middle].mean()) if middle.any() else 0.0


def roughness(ink: Gray, mask: Mask, left_out: Mask, box: Box) -> float:
    """Return how strong the marks on the paper around a digit are, compared with its ink."""
    from scipy import ndimage

    top, left, bottom, right = box
    margin = round(NEIGHBOURHOOD * max(bottom - top, right - left)) + 3
    near = slice(max(top - margin, 0), bottom + margin), slice(max(left - margin, 0), right + margin)
    paper = ndimage.grey_dilation((mask | left_out)[near].view(np.uint8), 7) == 0
    if not paper.any():
        return 0.0
    return float(np.quantile(ink[near][paper], 0.9) / np.median(ink[near][mask[near]]))
