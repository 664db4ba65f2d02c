"""Draw images that hold no digit: what the network that comes with fastnet must not be sure about.

Each function returns `count` images of 28 x 28, from 0 (paper) to 1 (ink), of one kind.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from handwriting import drawn_by_pen, handwritten
from letters import LARGE, SIDE, Images, as_bytes, fitted, letters, shrunk
from PIL import Image, ImageDraw
from scipy import ndimage


def words(count: int, random: np.random.Generator, digits: Images) -> Images:
    """Two or three letters, or two digits, side by side."""
    drawn, made = letters(3 * count, random), []
    for i in range(count):
        parts = drawn[3 * i : 3 * i + random.integers(2, 4)]
        if random.random() < 0.5:
            parts = digits[random.integers(len(digits), size=random.integers(2, 4))]
        space = int(random.integers(0, 5))
        cut = [np.pad(part[:, part.max(axis=0) > 0.1], ((0, 0), (0, space))) for part in parts]
        made.append(fitted(np.hstack(cut)))
    return np.array(made)


def overlapping(count: int, random: np.random.Generator, digits: Images) -> Images:
    """Two digits on top of each other, of which neither hides most of the other."""
    first, second = digits[random.integers(len(digits), size=(2, 4 * count))]
    moved = np.array([np.roll(image, random.integers(-5, 6, size=2), (0, 1)) for image in second])
    both = np.maximum(first, moved)
    ink = [images.sum(axis=(1, 2)) for images in (both, first, moved)]
    return both[ink[0] > 1.4 * np.maximum(ink[1], ink[2])][:count]


def turned(count: int, random: np.random.Generator, digits: Images, labels: Any) -> Images:
    """Digits turned by 90 degrees, or in a mirror, where that is no digit."""
    of = [digits[labels == digit] for digit in range(10)]
    made = []
    for _ in range(count):
        if random.random() < 0.6:
            some = of[random.choice([2, 3, 4, 5, 7])]
            made.append(np.rot90(some[random.integers(len(some))], random.choice([1, 3])))
        else:
            some = of[random.choice([3, 4, 6, 7, 9])]
            made.append(some[random.integers(len(some)), :, ::-1])
    return np.array(made)


def pieces(count: int, random: np.random.Generator, digits: Images) -> Images:
    """A small part of a digit, in its place."""
    parts = np.zeros((count, *digits.shape[1:]), np.float32)
    for part, image in zip(parts, digits[random.integers(len(digits), size=count)], strict=True):
        top, left = random.integers(4, 18, size=2)
        part[top : top + 7, left : left + 7] = image[top : top + 7, left : left + 7]
    return parts


def noise(count: int, random: np.random.Generator) -> Images:
    """Noise of every coarseness: gray like a photograph, black and white like blots, contours, or specks."""
    made = []
    for _ in range(count):
        sigma = random.choice([0, 0.5, 1, 1.5, 2.5, 4, 6])
        field = random.normal(size=(SIDE + 20, SIDE + 20))
        if random.random() < 0.4:  # as in photographs: the larger a structure, the stronger
            field = np.fft.irfft2(np.fft.rfft2(field) / (1 + _frequencies()) ** random.uniform(0.7, 2))
        else:
            field = ndimage.gaussian_filter(field, sigma)
        field = field[10:-10, 10:-10]
        field = (field - field.mean()) / field.std()
        kind = random.integers(5)
        if kind == 0:
            made.append((field - field.min()) / (field.max() - field.min()))
        elif kind == 1:
            made.append(np.clip((field - random.uniform(-1, 1.5)) * random.uniform(0.5, 4), 0, 1))
        elif kind == 2:
            made.append(np.clip(1.5 - np.abs(field - random.uniform(-0.5, 0.5)) * random.uniform(2, 8), 0, 1))
        elif kind == 3:
            made.append(random.random((SIDE, SIDE)) < 0.3 * random.random() ** 2)
        else:  # a blot in the middle
            row, column = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
            inside = 0.6 * random.uniform(0.3, 1.3) - np.hypot(row * random.uniform(0.7, 1.5), column)
            made.append(np.clip((inside + 0.15 * field) * 8, 0, 1))
    return np.array(made)


def _frequencies() -> Any:
    side = SIDE + 20
    return side * np.hypot(np.fft.fftfreq(side)[:, np.newaxis], np.fft.rfftfreq(side))


def textures(count: int, random: np.random.Generator) -> Images:
    """Stripes, checks, dots, shaded pages."""
    made = []
    row, column = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    for _ in range(count):
        angle, period = random.uniform(0, np.pi), random.uniform(3, 14)
        along = row * np.cos(angle) + column * np.sin(angle)
        across = column * np.cos(angle) - row * np.sin(angle)
        first = np.sin(2 * np.pi * along / period + random.uniform(0, 6))
        second = np.sin(2 * np.pi * across / random.uniform(3, 14) + random.uniform(0, 6))
        kind = random.integers(5)
        value = [first, first * second, first + second, np.maximum(first, second), along / 10][kind]
        made.append(np.clip((value - random.uniform(-0.8, 0.8)) * random.uniform(0.5, 4), 0, 1))
    return np.array(made)


def lines(count: int, random: np.random.Generator) -> Images:
    """Frames, grids, crosses, polygons and scribbles of straight and curved lines."""
    made = []
    for _ in range(count):
        page = Image.new("L", (LARGE, LARGE))
        draw, width = ImageDraw.Draw(page), int(random.integers(5, 18))
        kind = random.integers(6)
        low, high = int(random.integers(2, 20)), int(random.integers(LARGE - 20, LARGE - 2))
        if kind == 0:  # a frame, or some of its sides
            sides = [(low, low, high, low), (low, high, high, high), (low, low, low, high), (high, low, high, high)]
            for i in random.permutation(4)[: random.integers(2, 5)]:
                draw.line([float(end) for end in sides[i]], 255, width)
            if random.random() < 0.5:
                draw.line((low, LARGE // 2, high, LARGE // 2), 255, width)
        elif kind == 1:  # a grid
            for place in np.arange(random.integers(5, 25), LARGE, random.integers(18, 50)):
                draw.line((0, float(place), LARGE, float(place)), 255, max(3, width // 2))
                draw.line((float(place), 0, float(place), LARGE), 255, max(3, width // 2))
        elif kind == 2:  # a cross or a star
            for angle in np.arange(random.choice([2, 3, 4])) * random.uniform(0.7, 1.6) + random.uniform(0, 3):
                half = 45 * np.array([np.cos(angle), np.sin(angle)])
                draw.line([*(LARGE / 2 - half), *(LARGE / 2 + half)], 255, width)
        elif kind == 3:  # a filled polygon
            corners = random.uniform(10, LARGE - 10, size=(random.integers(3, 7), 2))
            draw.polygon([tuple(corner) for corner in corners.tolist()], 255)
        elif kind == 4:  # several parallel lines, none of which is a 1
            for place in np.arange(15, LARGE - 10, random.integers(22, 40)):
                tilt = random.uniform(-10, 10)
                draw.line((15, float(place), LARGE - 15, float(place) + tilt), 255, width)
            if random.random() < 0.5:
                page = page.rotate(90)
        else:  # a scribble
            corners = random.uniform(10, LARGE - 10, size=(random.integers(6, 14), 2))
            places = np.linspace(0, len(corners) - 1, 60)
            smooth = ndimage.gaussian_filter1d(
                np.stack([np.interp(places, np.arange(len(corners)), axis) for axis in corners.T], 1),
                random.uniform(0.1, 4), axis=0,
            )
            draw.line([tuple(corner) for corner in smooth.tolist()], 255, width, joint="curve")
        small = shrunk(page)
        looks_like_0 = kind == 0  # a small frame
        made.append(small if looks_like_0 or random.random() < 0.5 else fitted(small))
    return np.array(made)


def figures(count: int, random: np.random.Generator) -> Images:
    """Outlines of circles, polygons, stars, hearts and arrows, spirals and waves."""
    made = []
    for _ in range(count):
        kind, corners = random.integers(7), random.integers(3, 7)
        t = np.linspace(0, 1, 80)
        turn = 2 * np.pi * t
        if kind == 0:  # a polygon, more or less regular
            angle = 2 * np.pi * (np.arange(corners) + random.uniform(-0.2, 0.2, corners)) / corners
            x, y = np.cos(angle), np.sin(angle)
            x, y = np.append(x, x[0]), np.append(y, y[0])
        elif kind == 1:  # a star
            angle = 4 * np.pi * np.arange(6) / 5
            x, y = np.cos(angle), np.sin(angle)
        elif kind == 2:  # a heart
            x = np.sin(turn) ** 3
            y = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)) / 16
        elif kind == 3:  # an arrow
            head = random.uniform(0.3, 0.7)
            x, y = np.array([-1, 1, 1 - head, 1, 1 - head]), np.array([0, 0, head, 0, -head])
        elif kind == 4:  # a spiral of more than one turn
            turn = random.uniform(1.7, 2.5) * turn
            x, y = t * np.cos(turn), t * np.sin(turn)
        elif kind == 5:  # a circle, wider than most digits 0
            x, y = np.cos(turn), np.sin(turn)
        else:  # a wave, or zigzag
            height = random.uniform(0.2, 0.5)
            x, y = 2 * t - 1, height * np.sin(random.uniform(1.5, 3.5) * turn)
            x, y = (x[::8], y[::8]) if random.random() < 0.3 else (x, y)
        tilt = random.uniform(-0.3, 0.3) if kind in (2, 6) else random.uniform(0, 2 * np.pi)
        x, y = x * np.cos(tilt) - y * np.sin(tilt), random.uniform(0.7, 1.3) * (x * np.sin(tilt) + y * np.cos(tilt))
        made.append(drawn_by_pen([np.stack([x, y], axis=1)], random))
    return np.array(made)


def characters(count: int, random: np.random.Generator) -> Images:
    """Characters of no script: four to six straight or curved strokes, each of which begins at another one."""
    made = []
    for _ in range(count):
        ends = [np.zeros(2)]
        strokes = []
        for _ in range(random.integers(4, 7)):
            start = ends[random.integers(len(ends))]
            step = random.uniform(0.6, 1.5) * random.choice([-1, 1], size=2)
            if random.random() < 0.6:  # many strokes are level or upright
                step[random.integers(2)] *= 0.1
            end = start + step
            bow = (start + end) / 2 + random.normal(size=2) * random.choice([0, 0.4])
            t = np.linspace(0, 1, 12)[:, np.newaxis]
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bow + t**2 * end
            strokes.append(curve)
            ends += [end, curve[6]]
        made.append(drawn_by_pen(strokes, random))
    return np.array(made)


def faces(count: int, random: np.random.Generator) -> Images:
    """A shaded oval with eyes, a mouth and hair, as a photograph or as its dark parts."""
    made = []
    row, column = np.mgrid[-1 : 1 : LARGE * 1j, -1 : 1 : LARGE * 1j]
    for _ in range(count):
        wide, high, tilt = random.uniform(0.4, 0.8), random.uniform(0.55, 0.95), random.uniform(-0.2, 0.2)
        x = (column + tilt * row) / wide
        y = row / high
        inside = np.hypot(x, y) < 1
        shade = 0.15 + 0.25 * np.hypot(x - random.uniform(-0.5, 0.5), y)
        face = np.where(inside, shade, random.choice([0.0, 0.3, 0.9]))
        eye, size = random.uniform(0.3, 0.45), random.uniform(0.08, 0.16)
        for centre in (-eye, eye):
            face[np.hypot(x - centre, (y + 0.2) * 1.5) < size] = random.uniform(0.6, 1)
        face[(np.abs(x) < random.uniform(0.25, 0.5)) & (np.abs(y - 0.5 - 0.2 * x**2) < 0.06)] = random.uniform(0.5, 1)
        face[(np.abs(x) < 0.07) & (np.abs(y - 0.1) < 0.17)] += random.uniform(0, 0.4)
        if random.random() < 0.7:
            face[inside & (y < random.uniform(-0.75, -0.45))] = random.uniform(0.6, 1)
        if random.random() < 0.3:  # drawn as an outline
            edge = np.abs(np.hypot(x, y) - 1) < 0.08
            face = np.where(edge, 1, np.where(inside & (face > 0.55), 1, 0))
        image = ndimage.gaussian_filter(face, random.uniform(1, 4))
        small = np.asarray(Image.fromarray(image.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX))
        small = small + random.normal(size=small.shape) * random.uniform(0, 0.05)
        if random.random() < 0.5:
            small = np.clip((small - random.uniform(0.2, 0.5)) * 5, 0, 1)
        made.append(np.clip(small, 0, 1))
    return np.array(made)


def non_digits(count: int, random: np.random.Generator, digits: Images, labels: Any) -> Images:
    """Return about `count` images of all kinds as bytes.

    Some look like a digit, as such marks do on paper: letters above all, but also circles, frames and other figures.
    """
    shares: list[tuple[float, Callable[[int], Images]]] = [
        (0.34, lambda n: handwritten(n, random)),
        (0.23, lambda n: letters(n, random)),
        (0.06, lambda n: characters(n, random)),
        (0.07, lambda n: figures(n, random)),
        (0.06, lambda n: words(n, random, digits)),
        (0.05, lambda n: overlapping(n, random, digits)),
        (0.04, lambda n: turned(n, random, digits, labels)),
        (0.02, lambda n: pieces(n, random, digits)),
        (0.05, lambda n: noise(n, random)),
        (0.02, lambda n: textures(n, random)),
        (0.04, lambda n: lines(n, random)),
        (0.02, lambda n: faces(n, random)),
    ]
    return as_bytes(np.concatenate([draw(max(1, round(share * count))) for share, draw in shares]))
