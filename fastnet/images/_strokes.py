"""Find the strokes of the digits, and leave out what is drawn or printed around them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnet.images._light import NoDigitError, otsu
from fastnet.images._reading import Gray

Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are the first row and column outside

EIGHT = np.ones((3, 3))  # neighbours that touch at a corner are connected
FAINTEST, STRONGEST = 0.25, 0.5  # the threshold of ink, relative to the strongest ink
WEAK = 0.6  # of that threshold: enough for a pixel that continues a stroke
CONTACT = 0.7  # of the side: what touches the edge of the picture along more than this is not written
SPAN = 0.8  # of the picture's side: what spans more is a frame or a ruled line
STRAIGHT = 0.8  # of its length: the side of a frame is so straight that one row of pixels holds more of it
LINE = 0.04  # of the picture's side: the largest thickness of a ruled line
SMALLEST = 0.035  # of the picture's longer side: what is smaller is no digit
RELATIVE = 0.45  # of the height of the tallest: what is less tall is a label or a speck
SPECK = 0.02  # of the ink of the largest: what has less is dirt
FRAGMENT = 0.04  # of the area of a digit's largest piece: what is smaller is a speck, and no part of the digit
WHOLE = 0.7  # of the ink: digits are at least 0.85 of what is written, what looks like some in a photograph less
MOST = 200  # digits on a page; a page of more marks is a texture


@dataclass
class Marks:
    """Connected pieces of ink: `labels` says which piece a pixel belongs to, from 1; 0 is paper."""

    labels: npt.NDArray[np.int32]
    boxes: list[Box]
    areas: npt.NDArray[np.intp]


def strokes_of(ink: Gray) -> tuple[Mask, Mask]:
    """Return which pixels are strokes, and which are left out: the desk, frames, axes, ruled lines."""
    mask = inked(ink)
    left_out = around_the_page(mask)
    if left_out.any() and not left_out[mask].all():
        # What is darker than the ink would set the threshold: choose it again without that.
        mask = inked(np.where(left_out, 0, ink)) & ~left_out
    elif left_out.any():
        # A digit that fills the picture touches its edges too. Leave out the sides of frames, and no more.
        left_out = frames(mask)
        if left_out[mask].all():
            raise NoDigitError("no digit found: there is only a frame, or a shadow. Write a digit on plain paper")
    lines = long_runs(mask) | long_runs(mask.T).T
    return mask & ~lines & ~left_out, left_out | lines


def inked(ink: Gray) -> Mask:
    """Return which pixels are ink."""
    from scipy import ndimage

    peak = np.quantile(ink[ink > 0.5 * ink.max()], 0.5)
    level = np.clip(otsu(ink[ink > 0.1 * peak]), FAINTEST * peak, STRONGEST * peak)
    # A faint part of a stroke continues a clear one. Faint lines and shades that touch no clear ink are paper.
    labels, found = ndimage.label(ink > WEAK * level, EIGHT)
    clear = np.zeros(found + 1, bool)
    clear[labels[ink > level]] = True
    clear[0] = False
    mask: Mask = clear[labels]
    return mask


def around_the_page(mask: Mask) -> Mask:
    """Return the pieces that are around what is written: the desk, frames, and the axes of a plot."""
    marks = marks_of(mask)
    labels, contact = marks.labels, contacts_of(marks)
    side = np.sqrt(mask.size)
    outside = [
        label
        for label, (box, area) in enumerate(zip(marks.boxes, marks.areas, strict=True), 1)
        if contact[label - 1] > CONTACT * side or is_around(box, area, mask.shape)
    ]
    return np.isin(labels, outside)


def frames(mask: Mask) -> Mask:
    """Return the straight sides of the frames and axes in a picture, and nothing of what touches them."""
    thickness = max(2, round(LINE * min(mask.shape)))
    marks = marks_of(mask)
    sides = np.zeros_like(mask)
    for label, (box, area) in enumerate(zip(marks.boxes, marks.areas, strict=True), 1):
        if is_around(box, area, mask.shape):
            place = slice(box[0], box[2]), slice(box[1], box[3])
            piece, found = marks.labels[place] == label, sides[place]
            for turn in range(4):
                rows = np.rot90(piece, turn)[:thickness].mean(axis=1) > STRAIGHT
                depth = int(np.flatnonzero(rows)[-1]) + 1 if rows.any() else 0
                np.rot90(found, turn)[: depth + (depth > 0)] = True  # one more: the soft edge of the line
    return sides & mask


def long_runs(mask: Mask) -> Mask:
    """Return the pixels of ruled horizontal lines: thin, straight, and from one edge of the picture to the other."""
    from scipy import ndimage

    columns = mask.shape[1]
    thickness = max(1, round(LINE * min(mask.shape)))
    # Fill the steps of a line that is a little tilted or wavy.
    thick = ndimage.grey_dilation(mask.view(np.uint8), 3, mode="nearest")
    runs = ndimage.grey_opening(thick, (1, columns // 8), mode="nearest")
    labels, _ = ndimage.label(runs, EIGHT)
    lines = np.zeros_like(mask)
    for label, place in enumerate(ndimage.find_objects(labels), 1):
        run = (labels[place] == label) & mask[place]
        length = run.shape[1]
        own = -(-int(run.sum()) // length)
        if length >= columns - 4 and own <= thickness:
            # A stroke that crosses the line goes on above and below it.
            crossing = ndimage.grey_opening(mask.view(np.uint8), (2 * own + 1, 1)).view(bool)
            lines[place] |= run & ~crossing[place]
    return lines


def marks_of(mask: Mask) -> Marks:
    """Return the connected pieces of ink."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, EIGHT)
    boxes = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in ndimage.find_objects(labels)]
    return Marks(labels, boxes, np.bincount(labels.ravel())[1:])


def contacts_of(marks: Marks) -> list[int]:
    """Return how many pixels of each piece lie at the edge of the picture."""
    labels = marks.labels
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return [int(count) for count in np.bincount(edges, minlength=len(marks.boxes) + 1)[1:]]


def are_most_of(labels: set[int], marks: Marks, contacts: list[int]) -> bool:
    """Whether pieces are most of the ink; what touches the edge may be the shadow of a hand, and does not count."""
    own = sum(int(marks.areas[label - 1]) for label in labels)
    others = sum(
        int(area)
        for label, (area, contact) in enumerate(zip(marks.areas, contacts, strict=True), 1)
        if label not in labels and not contact
    )
    return own >= WHOLE * (own + others)


def is_around(box: Box, area: int, shape: tuple[int, ...]) -> bool:
    """Whether a piece is a frame or the axes of a plot: it spans the picture, but is mostly empty."""
    height, width = box[2] - box[0], box[3] - box[1]
    return height > SPAN * shape[0] and width > SPAN * shape[1] and area < 0.12 * height * width


def digits_of(marks: Marks) -> list[list[int]]:
    """Return the pieces of each digit, in reading order: the labels that belong together."""
    shape = marks.labels.shape
    kept = [i for i, area in enumerate(marks.areas) if area >= max(SPECK * marks.areas.max(initial=0), 4)]
    if not kept:
        raise NoDigitError("no digit found: there are only specks. Write larger")
    if len(kept) > MOST:
        raise NoDigitError(f"no digit found: {len(kept)} marks are a texture, or print. Use plain paper")
    groups = joined(kept, marks)
    boxes = [around([marks.boxes[i] for i in group]) for group in groups]
    tallest = max(box[2] - box[0] for box in boxes)
    least = max(RELATIVE * tallest, SMALLEST * max(shape))
    digits = [(box, group) for box, group in zip(boxes, groups, strict=True) if box[2] - box[0] >= least]
    if not digits:
        raise NoDigitError("no digit found: there are only specks. Write larger")
    return [[i + 1 for i in digits[place][1]] for place in reading_order([box for box, _ in digits])]


def joined(pieces: list[int], marks: Marks) -> list[list[int]]:
    """Join the broken strokes of a digit: a small piece belongs to the nearest large one, if that is near."""
    shape = marks.labels.shape
    digits: list[list[int]] = []
    boxes: list[Box] = []
    for piece in sorted(pieces, key=lambda i: marks.boxes[i][2] - marks.boxes[i][0], reverse=True):
        box = marks.boxes[piece]
        for place in sorted(range(len(digits)), key=lambda i: distance(box, boxes[i])):
            body = digits[place][0]
            if (
                belongs(box, boxes[place])
                and marks.areas[piece] > FRAGMENT * marks.areas[body]
                and (not at_the_edge(box, shape) or at_the_edge(marks.boxes[body], shape))
            ):
                digits[place].append(piece)
                boxes[place] = around([boxes[place], box])
                break
        else:
            digits.append([piece])
            boxes.append(box)
    return digits


def at_the_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a piece reaches the edge of the picture, where shadows and other sheets begin."""
    return box[0] == 0 or box[1] == 0 or box[2] == shape[0] or box[3] == shape[1]


def belongs(piece: Box, body: Box) -> bool:
    """Whether a piece is part of a digit: smaller, and nearer than digits stand to each other."""
    height, width = body[2] - body[0], body[3] - body[1]
    size = max(height, width)
    gap_down = max(piece[0] - body[2], body[0] - piece[2], 0)
    gap_across = max(piece[1] - body[3], body[1] - piece[3], 0)
    overlap = min(piece[3], body[3]) - max(piece[1], body[1])
    small = piece[2] - piece[0] < 0.6 * height
    if overlap > 0.5 * min(piece[3] - piece[1], width):  # above, below or inside
        return gap_down < 0.25 * size and (small or gap_down == 0)
    return small and gap_down == 0 and gap_across < 0.12 * size


def distance(one: Box, other: Box) -> int:
    """Return the gap between two boxes."""
    down = max(one[0] - other[2], other[0] - one[2], 0)
    across = max(one[1] - other[3], other[1] - one[3], 0)
    return down + across


def around(boxes: list[Box]) -> Box:
    """Return the box around boxes."""
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def reading_order(boxes: list[Box]) -> list[int]:
    """Return the places of boxes in reading order: lines from top to bottom, each from left to right."""
    lines: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=lambda i: (boxes[i][0] + boxes[i][2]) / 2):
        top, _, bottom, _ = boxes[place]
        if lines:
            last = around([boxes[i] for i in lines[-1]])
            if min(bottom, last[2]) - max(top, last[0]) > 0.5 * min(bottom - top, last[2] - last[0]):
                lines[-1].append(place)
                continue
        lines.append([place])
    return [place for line in lines for place in sorted(line, key=lambda i: boxes[i][1])]
