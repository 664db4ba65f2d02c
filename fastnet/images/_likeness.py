"""Tell what looks like a handwritten digit from what does not: shadows, textures, lines, faces.

A network of ten classes answers with a digit whatever it is shown. So what it is shown is looked at first. Each limit
lies beyond what was measured on more than 200 files with handwritten digits, and beyond MNIST's digits.
"""

import numpy as np

from fastnet.images._mnist_form import BOX, DETAIL, depth_of, stroke_width
from fastnet.images._reading import Gray
from fastnet.images._strokes import Box, Mask

WIDEST_STROKE = 6.5  # pixels at MNIST's size, where 99 % of MNIST's strokes are at most 5 wide: more is a blot
LONGEST = 5.0  # times the digit's size: what a pen would have to run further for is a texture, or a picture
WIDEST = 1.8  # times the height: more is a dash
SOFTEST = 0.9  # of the area: a larger share at half strength has no edge, like a shadow
UNEVEN = 0.5  # of the mean width: handwriting varies by at most 0.46, shadows and textures mostly by more
CUT_OFF = 5.0  # stroke widths: what touches the edge of the picture along more goes on beyond it
AT_THE_EDGE, UNEVEN_THERE = 0.4, 0.25  # of the digit's size: what touches the edge along more may be a shadow
HAIRLINE = 1.2  # pixels: thinner strokes may be soft, because the picture has too few pixels for their edges
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
    if box[3] - box[1] > WIDEST * (box[2] - box[0]):
        return "it is a dash"
    if between > SOFTEST and width > HAIRLINE:
        return "it has no edge, like a shadow"
    if rough > ROUGHEST:
        return "the paper around it is full of marks"
    uneven = unevenness(enlarged)
    if uneven > UNEVEN:
        return "its width varies more than a pen's"
    size = max(box[2] - box[0], box[3] - box[1])
    if contact > CUT_OFF * max(width * size / BOX, 1) or (contact > AT_THE_EDGE * size and uneven > UNEVEN_THERE):
        return "it goes on beyond the edge of the picture"
    return ""


def unevenness(enlarged: Gray) -> float:
    """Return how much the width of the strokes varies along their middle: the standard deviation through the mean."""
    from scipy import ndimage

    depth = depth_of(enlarged)
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
