"""Write letters and digits with the strokes of a pen: each time a little differently, as hands do.

Digits are among them, so that a network cannot tell a letter by the pen that wrote it.
"""

import string
from typing import Any

import numpy as np
from letters import LARGE, Images, fitted, shrunk
from PIL import Image, ImageDraw
from scipy import ndimage

# Each letter has one or more forms. A form is a text of strokes, and a stroke a row of points: each is a column and a
# row, from 0 to 9. A small letter that is missing has the forms of the large one.
LATIN = {
    "A": ["09 50 99, 26 76", "09 03 40 73 79, 05 75"],
    "B": ["00 09, 00 61 72 63 04 75 87 78 09", "09 00 50 72 44 04 54 77 48 09"],
    "C": ["82 50 21 04 06 28 59 88"],
    "D": ["00 09, 00 52 84 86 58 09", "09 00 51 84 86 58 09"],
    "E": ["70 00 09 79, 05 55", "71 40 12 24 54 24 06 18 49 78"],
    "F": ["70 00 09, 04 54", "20 29, 20 80, 24 64"],
    "G": ["82 50 21 04 06 28 59 88 85 55", "82 50 21 04 06 28 59 75 55, 75 79"],
    "H": ["00 09, 80 89, 04 84"],
    "I": ["40 49", "50 59, 20 80, 29 79"],
    "J": ["70 77 59 29 07", "30 90, 60 67 49 19 07"],
    "K": ["00 09, 70 04 79"],
    "L": ["00 09 69", "00 09 79, 79 78"],
    "M": ["09 10 55 90 99", "09 00 45 80 89"],
    "N": ["09 00 89 80"],
    "O": ["51 22 04 06 28 59 88 96 93 72 51"],
    "P": ["00 09, 00 61 73 64 05", "09 00 50 72 55 05"],
    "Q": ["51 22 04 06 28 59 88 96 93 72 51, 66 99", "51 22 04 06 28 59 88 96 93 72 51, 69 89"],
    "R": ["00 09, 00 61 73 64 05 35 79", "09 00 50 72 55 05 79"],
    "S": ["81 50 21 23 54 76 78 59 28 07", "80 40 12 44 76 59 09"],
    "T": ["00 90, 50 59", "00 80, 40 49"],
    "U": ["00 06 28 59 88 96 90", "00 06 28 58 86 80, 80 89"],
    "V": ["00 49 90"],
    "W": ["00 29 53 79 90", "00 06 28 47 42 47 68 86 80"],
    "X": ["00 99, 90 09", "00 34 79, 80 55 09"],
    "Y": ["00 45 90, 45 49", "00 45, 90 19"],
    "Z": ["00 80 09 89", "00 80 09 89, 25 75", "01 40 80 45 09 49 98"],
    "a": ["73 42 15 27 59 78 73, 72 78 99", "22 51 73 79, 75 35 17 29 59 77"],
    "b": ["00 09, 05 34 65 77 68 39 08", "00 08 39 68 75 44 06"],
    "d": ["80 89, 86 64 34 06 08 39 69 87", "86 64 34 06 08 39 69 87 80 88 99"],
    "e": ["05 85 82 50 21 04 06 28 59 88", "06 74 41 13 16 39 68"],
    "f": ["80 50 32 39, 05 65", "71 50 32 37 29, 14 64"],
    "g": ["72 42 13 15 46 75 72, 72 78 59 29 08", "72 42 13 15 46 75 72 78 59 38 65 83"],
    "h": ["00 09, 05 34 64 76 79", "09 14 30 11 19 15 44 66 69"],
    "i": ["33 39, 30 31"],
    "j": ["53 57 39 18, 50 51"],
    "k": ["00 09, 63 06 69", "00 09 05 44 55 06 69"],
    "l": ["40 49", "16 73 81 60 43 47 59 88"],
    "m": ["03 09 05 24 44 49 45 64 84 89"],
    "n": ["03 09 05 34 64 76 79"],
    "p": ["00 09, 01 30 60 72 74 65 35 04"],
    "q": ["72 42 13 15 46 75 72, 72 79", "72 42 13 15 46 75 72, 72 79 97", "73 42 14 35 73 79"],
    "r": ["03 09 05 34 63", "00 09 03 31 62"],
    "t": ["30 37 59 78, 03 73", "40 49, 14 74"],
    "u": ["03 07 28 58 76, 73 79", "03 07 29 58 73 78 99"],
    "y": ["00 03 25 55 73, 70 77 59 29 08", "00 04 25 64 80 59 29"],
    "z": ["00 80 09 89", "00 70 05 65 77 48 19"],
}  # fmt: skip
OTHERS = {
    "Greek": [
        "91 64 38 17 04 13 42 67 88", "09 02 30 60 72 54 25, 25 65 77 58 18", "01 21 45 58 49 38 45 91",
        "71 50 32 64 76 59 28 06 34 63", "71 40 12 24 54 24 06 18 49 78", "51 22 05 28 59 88 95 72 51, 05 95",
        "91 41 13 06 28 58 86 73 41", "10 05 18 38 45 58 78 95 80", "10 30 89, 45 09", "50 59, 52 13 06 28 58 96 93 52",
        "01 91, 31 29, 71 78 99", "09 00 06 27 57 75 70 77 98", "00 04 37 67 94 90, 50 59", "09 04 31 61 74 66 37 06",
        "01 81, 41 47 68", "00 05 28 57 75 61", "00 30 69 99, 90 09", "09 50 99 09", "80 00 45 09 89",
        "51 22 04 27 09 29, 52 83 94 77 69 99",
    ],
    "Kana and Hangul": [
        "30 03, 30 80 75 39", "00 04, 00 80 75 39", "00 80 75 39", "10 70, 03 83 76 49", "00 80 54, 34 57", "80 09",
        "00 08 84", "00 80 88, 08 98", "00 80 09, 45 89", "90 04, 53 59", "20 29, 24 66", "00 80 79", "00 08 88",
        "50 09, 43 89", "00 80 84 04 09 89", "00 08 88 80 00", "00 80 88, 04 84, 00 08 88", "01 71, 40 49 08, 44 89",
        "04 84, 10 19", "10 60, 03 83, 43 09", "00 23, 40 63, 90 85 29", "01 81, 51 57 39, 21 08", "01 81, 42 46 09",
        "30 03, 22 82 59, 25 66", "41 43, 03 83 76 39, 03 06", "00 40, 04 44, 08 38 83", "10 18 59 97",
        "01 61, 30 27 49 79", "21 71, 14 27 59 89", "02 82, 50 55 36 44 54 57 29", "00 06 18, 60 87",
    ],
}  # fmt: skip
DIGITS = [
    ["51 22 04 06 28 59 77 84 72 51", "50 31 13 16 39 58 75 72 50"],
    ["40 49", "13 40 49", "13 40 49, 09 79", "60 39"],
    ["12 30 61 72 64 09 79", "02 20 60 73 65 27 08 27 48 89", "11 50 72 55 09 89"],
    ["01 30 60 72 54 24 54 76 68 39 08", "00 70 34 65 77 58 29 07"],
    ["50 06 86, 60 69", "20 05 75, 60 69", "60 04 85, 70 59"],
    ["20 14 44 66 68 39 08, 20 80", "80 20 14 54 76 68 39 07", "70 10 04 54 77 59 09"],
    ["60 32 05 07 39 68 66 35 06", "50 13 07 39 69 77 65 25 08"],
    ["00 80 39", "00 80 49, 24 74", "02 00 80 55 39"],
    ["71 40 12 23 54 76 68 39 08 06 34 73 71", "43 21 40 60 72 43 15 07 39 69 87 75 43"],
    ["72 40 12 14 35 64 72 75 69", "72 40 12 14 35 64 72 77 59 19", "71 40 12 24 63 71 79"],
]
STEPS = 60  # points of a stroke


def handwritten(count: int, random: np.random.Generator) -> Images:
    """Letters by hand: three in four are Latin, each as often as any other."""
    latin = [LATIN.get(letter) or LATIN[letter.upper()] for letter in string.ascii_letters]
    rest = [form for forms in OTHERS.values() for form in forms]
    drawn = []
    for _ in range(count):
        forms = latin[random.integers(len(latin))] if random.random() < 0.75 else rest
        drawn.append(written(forms[random.integers(len(forms))], random))
    return np.array(drawn)


def handwritten_digits(count: int, random: np.random.Generator) -> tuple[Images, Any]:
    """Digits by the same hands. Return also which they are."""
    labels = random.integers(10, size=count)
    drawn = [written(DIGITS[label][random.integers(len(DIGITS[label]))], random) for label in labels]
    return np.array(drawn), labels


def written(form: str, random: np.random.Generator) -> Any:
    """Write one form: its points moved a little, its corners more or less round, slanted, and wide or narrow."""
    moved, round_, slant = random.uniform(0.1, 0.7), random.uniform(0.3, 5), random.normal() * 0.15
    width = random.uniform(0.6, 1.1)
    curves = []
    for stroke in form.split(", "):
        planned = np.array([[int(point[0]), int(point[1])] for point in stroke.split()])
        points = planned + random.normal(size=planned.shape) * moved
        along = np.append(0, np.cumsum(np.hypot(*np.diff(points, axis=0).T)))
        places = np.linspace(0, along[-1], STEPS)
        curve = np.stack([np.interp(places, along, axis) for axis in points.T], axis=1)
        curve = ndimage.gaussian_filter1d(curve, round_, axis=0, mode="nearest")
        curve[:, 0] = width * curve[:, 0] - slant * curve[:, 1]
        curves.append(curve)
    return drawn_by_pen(curves, random)


def drawn_by_pen(curves: list[Any], random: np.random.Generator) -> Any:
    """Draw curves with one pen, as large as the page allows."""
    page = Image.new("L", (LARGE, LARGE))
    width = int(random.integers(5, 16))
    low, high = np.min([c.min(axis=0) for c in curves], axis=0), np.max([c.max(axis=0) for c in curves], axis=0)
    for curve in curves:
        points = LARGE / 2 + 80 * (curve - (low + high) / 2) / (high - low).max()
        ImageDraw.Draw(page).line([tuple(point) for point in points.tolist()], 255, width, joint="curve")
    return fitted(shrunk(page))
