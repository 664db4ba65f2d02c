"""Tell ink from paper: even out the light, and find out which of the two is darker."""

import numpy as np
import numpy.typing as npt

from fastnet.images._reading import Gray

WINDOW = 1 / 3  # of the picture's side: wider than any stroke
DIMMEST = 0.3  # of the light in the brightest place: where there is less, noise would be mistaken for ink
CLEARLY = 1.6  # times: what stands out so much more is the ink
ONE_SHADE = 0.1  # of the contrast: paper that varies less has one shade
LEAST_CONTRAST = 0.05  # of the range from black to white: fainter ink cannot be told from a stain
GRAINS = 5  # times: ink stands out so much more than the grain of the paper. Textures reach 5, pale ink 20


class NoDigitError(ValueError):
    """The picture shows no digit: what `prepare` and `find_digits` raise for a blank page, a blot or a texture.

    Parameters
    ----------
    reason : str
        What the picture shows instead.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.images import NoDigitError, find_digits
    >>> try:
    ...     find_digits(np.full((40, 40), 200, np.uint8))
    ... except NoDigitError as error:
    ...     print(error)
    no digit found: nothing stands out from the paper. Use a darker pen
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def inks_of(gray: Gray) -> list[Gray]:
    """Return how much each pixel differs from the paper around it: 0 is paper.

    A black-hat transform compares each pixel with the paper that a window around it shows. So shadows, vignettes and
    the edges of a sheet vanish, because they are wider than the window; strokes, which are narrower, stay. If both dark
    and light strokes stand out, the likelier comes first, and the other one second.
    """
    from scipy import ndimage

    window = max(3, round(np.sqrt(gray.size) * WINDOW)) | 1
    paper = ndimage.grey_closing(gray, window, mode="nearest")
    # In half of the light, the difference between paper and ink is half as large too.
    dark = (paper - gray) * (paper.max() / np.maximum(paper, DIMMEST * paper.max()).clip(1e-6))
    light = gray - ndimage.grey_opening(gray, window, mode="nearest")
    darkest, lightest = strength(dark), strength(light)
    if darkest > CLEARLY * lightest:
        likely = [dark]
    elif lightest > CLEARLY * darkest:
        likely = [light]
    else:
        likely = [dark, light] if paper_is_light(gray, max(darkest, lightest)) else [light, dark]
    return [clean for clean in map(without_grain, likely) if clean is not None]


def without_grain(ink: Gray) -> Gray | None:
    """Return the ink above the grain of the paper, or None if nothing is clearly above it."""
    from scipy import ndimage

    grain = np.quantile(ink, 0.3)  # above 0, because a closing finds the lightest grains
    if strength(ink) < max(LEAST_CONTRAST, GRAINS * float(grain)):
        return None
    mended = ndimage.grey_closing(ink, 3, mode="nearest")  # where a hairline cuts a stroke
    return np.asarray((mended - grain).clip(0, None))


def strength(ink: Gray) -> float:
    """Return how strong the strongest ink is; a few brilliant pixels do not count."""
    fifth = max(ink.size - 5, 0)
    return float(np.partition(ink, fifth, axis=None)[fifth])


def paper_is_light(gray: Gray, contrast: float) -> bool:
    """Whether the paper is lighter than the ink, where both dark and light strokes stand out.

    The gaps between dark strokes look like light strokes. The paper is what there is more of, if that has one shade, as
    in a drawing. In a photograph the light is uneven, and the paper is light, unless there is more of the dark both
    with the light as it falls, and with the light evened out.
    """
    above = gray > otsu(gray)
    mostly_light = bool(above.mean() > 0.5)
    low, high = np.quantile(gray[above == mostly_light], [0.1, 0.9])
    if high - low < ONE_SHADE * contrast:
        return mostly_light
    even = gray - slope_of(gray)
    return mostly_light or bool((even > otsu(even)).mean() > 0.5)


def slope_of(gray: Gray) -> Gray:
    """Return the surface of second degree that fits the picture best: light from one side, and darker corners."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in gray.shape)

    def terms(rows: Gray, columns: Gray) -> Gray:
        r, c = (each.ravel() for each in np.meshgrid(rows, columns, indexing="ij"))
        return np.stack([np.ones_like(r), r, c, r * r, r * c, c * c], axis=1)

    few = tuple(slice(None, None, max(1, side // 60)) for side in gray.shape)  # enough to find six numbers
    weights = np.linalg.lstsq(terms(rows[few[0]], columns[few[1]]), gray[few].ravel(), rcond=None)[0]
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
