"""Tell ink from paper: even out the light, and find out which of the two is darker."""

import numpy as np
import numpy.typing as npt

from fastnet.images.reading import Gray

WINDOW = 1 / 3  # of the picture's side: wider than any stroke
CLEARLY = 1.6  # times: what stands out so much more is the ink
LEAST_CONTRAST = 0.05  # of the range from black to white: fainter ink cannot be told from a stain
GRAINS = 5  # times: ink stands out so much more than the grain of the paper. Textures reach 5, pale ink 20


class NoDigitError(ValueError):
    """The picture shows no digit."""


def ink_of(gray: Gray) -> Gray:
    """Return how much each pixel differs from the paper around it: 0 is paper.

    A black-hat transform compares each pixel with the paper that a window around it shows. So shadows, vignettes and
    the edges of a sheet vanish, because they are wider than the window; strokes, which are narrower, stay.
    """
    from scipy import ndimage

    window = max(3, round(np.sqrt(gray.size) * WINDOW)) | 1
    dark = ndimage.grey_closing(gray, window, mode="nearest") - gray
    light = gray - ndimage.grey_opening(gray, window, mode="nearest")
    ink = dark if ink_is_dark(gray, strength(dark), strength(light)) else light
    paper = np.quantile(ink, 0.3)  # its grain: a closing finds the lightest grains, so this is above 0
    if strength(ink) < max(LEAST_CONTRAST, GRAINS * paper):
        raise NoDigitError("no digit found: nothing stands out from the paper")
    mended = ndimage.grey_closing(ink, 3, mode="nearest")  # where a hairline cuts a stroke
    return np.clip(mended - paper, 0, None)


def strength(ink: Gray) -> float:
    """Return how strong the strongest ink is; a few brilliant pixels do not count."""
    fifth = max(ink.size - 5, 0)
    return float(np.partition(ink, fifth, axis=None)[fifth])


def ink_is_dark(gray: Gray, dark: float, light: float) -> bool:
    """Whether the ink is darker than the paper, from how strongly dark and light strokes stand out.

    The gaps between dark strokes look like light strokes. Where both stand out, the paper is what there is more of:
    dark, if it is the larger part with the light as it falls, and with the light evened out.
    """
    if dark > CLEARLY * light or light > CLEARLY * dark:
        return dark > light
    return any((level > otsu(level)).mean() > 0.5 for level in (gray, gray - slope_of(gray)))


def slope_of(gray: Gray) -> Gray:
    """Return the surface of second degree that fits the picture best: light from one side, and darker corners."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in gray.shape)

    def terms(rows: Gray, columns: Gray) -> Gray:
        r, c = (each.ravel() for each in np.meshgrid(rows, columns, indexing="ij"))
        return np.stack([np.ones_like(r), r, c, r * r, r * c, c * c], axis=1)

    few = tuple(slice(None, None, max(1, side // 60)) for side in gray.shape)  # enough to find six numbers
    weights = np.linalg.lstsq(terms(rows[few[0]], columns[few[1]]), gray[few].ravel())[0]
    return np.asarray((terms(rows, columns) @ weights).reshape(gray.shape))


def otsu(values: npt.NDArray[np.floating]) -> float:
    """Return the threshold that separates values best into two classes (Otsu 1979)."""
    counts, edges = np.histogram(values, 128)
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * middles) / np.maximum(below, 1)
    mean_above = (np.cumsum((counts * middles)[::-1]) / np.maximum(above[::-1], 1))[::-1]
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    # A wide gap between the classes gives equal values: take its middle.
    best = np.flatnonzero(between == between.max())
    return float(edges[1:-1][best].mean())
