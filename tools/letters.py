"""Draw printed letters and signs as MNIST draws its digits.

Each image is of 28 x 28, from 0 (paper) to 1 (ink).
"""

import string
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from fastnet.augmentation import Augmentation

SIDE, BOX = 28, 20
LARGE = 4 * SIDE  # what is drawn by lines is drawn larger and then shrunk

LATIN = string.ascii_uppercase + string.ascii_lowercase
OTHERS = "ΓΔΛΠΣΦΨΩαβδεθλμνπξωЖЙЛФЦЧШЩЫЮЯ" + "#&@%?*+=~√∞§©®♥★☀☂☎♫♣→↑⇔{}[]"
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono",
    "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol",
)  # fmt: skip
LATIN_FONTS = (*FONTS, "cmr10", "cmtt10", "cmmi10", "cmss10")
# As hands differ: what is printed is bent before the training changes it as it changes the digits.
HANDS = Augmentation(rotation=8, shear=0.3, scale=0.3, shift=0, bend=0.8, stroke_width=(1.7, 3.5), unclean=0)

Images = Any


def fitted(image: Any) -> Any:
    """Return the ink of an image as MNIST's: in a box of 20 x 20 pixels, with its centre of mass in the middle."""
    rows, columns = np.nonzero(image > 0.1)
    if not len(rows):
        return np.zeros((SIDE, SIDE))
    cut = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(cut.shape)
    size = [max(1, round(side * scale)) for side in cut.shape[::-1]]
    small = np.asarray(Image.fromarray(cut.astype(np.float32)).resize(size, Image.Resampling.BOX))
    small = small / max(small.max(), 1e-6)
    middle = ndimage.center_of_mass(small)
    placed = np.zeros((SIDE, SIDE))
    top, left = (
        int(np.clip(round(SIDE / 2 - where), 0, SIDE - side)) for where, side in zip(middle, small.shape, strict=True)
    )
    placed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return placed


def shrunk(page: Image.Image) -> Any:
    """Return a page that was drawn larger, with soft edges."""
    image = ndimage.gaussian_filter(np.asarray(page) / 255, 1.5)
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BOX))


@cache
def glyphs(text: str, names: tuple[str, ...]) -> Images:
    """Return each letter of a text in each font that has it."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    drawn = []
    for name in names:
        font = ImageFont.truetype(folder / f"{name}.ttf", 44)
        missing = bytes(font.getmask("\uffff"))
        for letter in text:
            if bytes(font.getmask(letter)) != missing:
                page = Image.new("L", (76, 72))
                ImageDraw.Draw(page).text((14, 8), letter, 255, font=font)
                drawn.append(fitted(np.asarray(page) / 255))
    return np.array(drawn, np.float32)


def letters(count: int, random: np.random.Generator) -> Images:
    """Letters and signs, two in three of them Latin, printed or as a hand bends them."""
    latin, others = glyphs(LATIN, LATIN_FONTS), glyphs(OTHERS, FONTS)
    is_latin = random.random(count) < 2 / 3
    drawn = np.where(
        is_latin[:, np.newaxis, np.newaxis],
        latin[random.integers(len(latin), size=count)],
        others[random.integers(len(others), size=count)],
    )
    bent = HANDS(drawn, np.zeros(len(drawn)), random)[0]
    return np.array([fitted(new) if random.random() < 2 / 3 else old for new, old in zip(bent, drawn, strict=True)])


def as_bytes(drawn: Images) -> Images:
    return np.rint(255 * np.clip(drawn, 0, 1)).astype(np.uint8)
