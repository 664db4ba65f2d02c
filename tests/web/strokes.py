"""MNIST's digits as strokes that a pen can draw: the middle lines of their ink."""

import numpy as np

NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise, from above


def thinned(ink):
    """The middle lines of an image of bools, by the method of T. Zhang and C. Suen, 1984."""
    ink = np.pad(ink, 1)
    while True:
        before = ink
        for half in (0, 1):
            p = np.array([np.roll(ink, (-row, -column), axis=(0, 1)) for row, column in NEIGHBOURS])
            count, rises = p.sum(axis=0), (~p & np.roll(p, -1, axis=0)).sum(axis=0)
            above, right, below, left = p[0], p[2], p[4], p[6]
            corner = ~(above & right & below) & ~(right & below & left)
            if half:
                corner = ~(above & right & left) & ~(above & below & left)
            ink = ink & ~((count >= 2) & (count <= 6) & (rises == 1) & corner)
        if (ink == before).all():
            return ink[1:-1, 1:-1]


def strokes(image):
    """The strokes of an image `(784,)` from 0 to 1: lists of points `(x, y)` on a pad of 280 x 280 pixels."""
    left = {(int(row), int(column)) for row, column in np.argwhere(thinned(image.reshape(28, 28) > 0.4))}
    neighbours = {
        each: [(each[0] + r, each[1] + c) for r, c in NEIGHBOURS if (each[0] + r, each[1] + c) in left] for each in left
    }
    found = []
    while left:
        # From an end of a line, if there is one; on to a neighbour, straight ones first.
        place = min(left, key=lambda each: (len([n for n in neighbours[each] if n in left]), each))
        stroke = [n for n in neighbours[place] if n not in left][:1]  # from where another stroke has passed
        while place is not None:
            stroke.append(place)
            left.discard(place)
            ways = [n for n in neighbours[place] if n in left]
            place = min(ways, key=lambda n: abs(n[0] - place[0]) + abs(n[1] - place[1]), default=None)
        closing = [n for n in neighbours[stroke[-1]] if n not in stroke[-3:]]
        stroke += closing[:1]
        found.append([(10 * column + 5, 10 * row + 5) for row, column in [*stroke[:-1:2], stroke[-1]]])
    return found
