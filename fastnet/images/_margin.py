"""Give a tiny picture a margin of paper, where the strokes of a digit reach its edges.

Data sets cut such pictures out, and programs let one draw them. In a larger picture, what reaches the edges is mostly a
ruled line, a frame or the desk. In a tiny one it may be, too, if there is other ink besides.
"""

import numpy as np

from fastnet.images._light import ONE_SHADE, otsu
from fastnet.images._panel import border_of
from fastnet.images._reading import Gray
from fastnet.images._strokes import contacts_of, marks_of

SMALLEST, TINY = 8, 64  # pixels of the shorter and of the longer side
MARGIN = 1 / 4  # of the longer side
PAPER_AT_EDGES = 0.6  # of the edge has the shade of the paper: strokes reach it in places only
CLEAR = 0.1  # of the ink: if more of it is clear of the edges, that is the digit, and not what reaches them


def margin_of(gray: Gray) -> int:
    """Return how many pixels of paper a picture lacks on each side, or 0 if it is not tiny and cut at the strokes."""
    if min(gray.shape) < SMALLEST or max(gray.shape) > TINY:
        return 0
    light = gray > otsu(gray)
    paper = light == (border_of(light).mean() > 0.5)
    if not PAPER_AT_EDGES < border_of(paper).mean() < 1:
        return 0
    marks = marks_of(~paper)
    clear = sum(area for area, contact in zip(marks.areas, contacts_of(marks), strict=True) if not contact)
    low, high = np.quantile(gray[paper], [0.1, 0.9])
    has_one_shade = high - low < ONE_SHADE * abs(gray[paper].mean() - gray[~paper].mean())
    return round(MARGIN * max(gray.shape)) if has_one_shade and clear <= CLEAR * marks.areas.sum() else 0


def with_margin(gray: Gray, margin: int) -> Gray:
    """Return the picture with paper around it, in the shade that most of its edge has."""
    return np.pad(gray, margin, constant_values=np.median(border_of(gray)))
