"""Give a tiny picture a margin of paper, where its strokes reach the edges.

Data sets cut such pictures out, and programs let one draw them. In a larger picture, what reaches the edges may be a
ruled line, a frame or the desk, and is left out.
"""

import numpy as np

from fastnet.images._light import ONE_SHADE, otsu
from fastnet.images._panel import border_of
from fastnet.images._reading import Gray

TINY = 64  # pixels of the longer side
MARGIN = 1 / 4  # of the longer side
PAPER_AT_EDGES = 0.6  # of the edge has the shade of the paper: strokes reach it in places only


def margin_of(gray: Gray) -> int:
    """Return how many pixels of paper a picture lacks on each side: 0 if it is larger, or its strokes end before it."""
    if max(gray.shape) > TINY:
        return 0
    light = gray > otsu(gray)
    paper = light == (border_of(light).mean() > 0.5)
    if not PAPER_AT_EDGES < border_of(paper).mean() < 1:
        return 0
    low, high = np.quantile(gray[paper], [0.1, 0.9])
    has_one_shade = high - low < ONE_SHADE * abs(gray[paper].mean() - gray[~paper].mean())
    return round(MARGIN * max(gray.shape)) if has_one_shade else 0


def with_margin(gray: Gray, margin: int) -> Gray:
    """Return the picture with paper around it, in the shade that most of its edge has."""
    return np.pad(gray, margin, constant_values=np.median(border_of(gray)))
