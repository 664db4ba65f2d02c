"""Read a photographed, scanned or drawn digit, and prepare it as MNIST prepared its digits."""

import os
import warnings

import numpy as np
import numpy.typing as npt

from fastnet._files import PathLike

SIZE = 28  # side of an MNIST image, in pixels
ENOUGH = 10 * SIZE  # pixels of a side: more pixels show noise, but no more of a digit
BOX = 20  # MNIST scaled every digit to a box of this side, then centred it by its centre of mass
FAINT, DARK = 0.05, 0.3  # threshold of ink, relative to the darkest ink: on clean paper, and on very noisy paper

Gray = npt.NDArray[np.float64]


def load_digit(path: PathLike) -> npt.NDArray[np.float32]:
    """Return the digit in an image file, prepared like an MNIST image.

    Parameters
    ----------
    path : str or path
        An image that Pillow can read, of any size, colour and transparency. It shows one digit on a uniform background,
        dark on light or light on dark.

    Returns
    -------
    ndarray of float32
        ``(784,)``, from 0 (background) to 1 (ink).

    Raises
    ------
    TypeError
        If `path` is not a path.
    ValueError
        If the file is not an image, is damaged, has too many pixels, holds pixels that are not finite, or shows only
        background.
    OSError
        If the file cannot be read.

    Notes
    -----
    The makers of MNIST describe these steps: cut out the digit, scale it to fit into 20 x 20 pixels without changing
    its proportions, and place it into 28 x 28 pixels so that its centre of mass is in the middle. The function takes
    the colour of the border as the background, and the colour that differs most from it as ink.

    Examples
    --------
    >>> import tempfile, os
    >>> import numpy as np
    >>> from PIL import Image
    >>> from fastnet.images import load_digit
    >>> paper = np.full((60, 90), 255, np.uint8)
    >>> paper[10:50, 40:46] = 0  # a stroke: the digit one
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "one.png")
    ...     Image.fromarray(paper).save(path)
    ...     digit = load_digit(path).reshape(28, 28)
    >>> rows, columns = np.nonzero(digit > 0.5)
    >>> print(rows.min(), rows.max(), columns.min(), columns.max())
    4 23 13 15
    """
    path = os.fspath(path)
    gray = _read_gray(path)
    if not np.isfinite(gray).all():
        raise ValueError(f"{path} holds pixels that are NaN or infinite")
    try:
        ink = _ink(_shrunk(_surroundings(gray)))
    except ValueError as error:
        raise ValueError(f"{path} shows no digit: {error}") from None
    digit = _scaled(ink[_extent(ink)])
    return _centred(digit).astype(np.float32).reshape(-1)


def _read_gray(path: PathLike) -> Gray:
    """Return the luminance of an image, from 0 to 1 or on any other scale: only differences are used later."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file)  # rotated as the camera recorded it
                if image.mode.startswith(("I", "F")):  # 16-bit and float images: Pillow's convert would clip them
                    return np.array(image, dtype=np.float64)
                gray: Gray
                gray, alpha = np.array(image.convert("LA"), dtype=np.float64).transpose(2, 0, 1) / 255
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not an image that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{path} has too many pixels to be an image of one digit") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # what Pillow raises for damaged files
        if isinstance(error, OSError) and error.filename is not None:  # the file could not be opened
            raise
        raise ValueError(f"{path} is damaged: {error}") from None
    if alpha.min() < 1:
        # Transparent pixels show paper: white if the visible pixels are dark, black if they are light.
        paper = 1.0 if (gray * alpha).sum() < 0.5 * alpha.sum() else 0.0
        gray = gray * alpha + paper * (1 - alpha)
    return gray


def _surroundings(gray: Gray) -> Gray:
    """Return the part of a large image that contains the digit, with a margin."""
    ink = _ink(_shrunk(gray))
    parts = []
    for part, large, small in zip(_extent(ink), gray.shape, ink.shape, strict=True):
        parts.append(slice(max(part.start - 1, 0) * large // small, -(-(part.stop + 1) * large // small)))
    return gray[tuple(parts)]


def _shrunk(gray: Gray) -> Gray:
    """Shrink the image until no side is longer than `ENOUGH`; each pixel is the mean of the original ones."""
    from PIL import Image

    image = Image.fromarray(gray.astype(np.float32))
    image.thumbnail((ENOUGH, ENOUGH), Image.Resampling.BOX)
    return np.array(image, dtype=np.float64)


def _border(image: Gray) -> Gray:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])


def _extent(ink: Gray) -> tuple[slice, slice]:
    """Return the rows and the columns that contain ink, which is darker than the noise of the border."""
    rows, columns = np.nonzero(ink > np.clip(4 * np.quantile(_border(ink), 0.95), FAINT, DARK))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def _ink(gray: Gray) -> Gray:
    """Return how much every pixel differs from the background, scaled so that the maximum is 1."""
    background = np.median(_border(gray))
    # Ink is either darker or lighter than the background. The opposite is noise, or an artefact of compression.
    side = 1 if gray.max() - background >= background - gray.min() else -1
    ink = np.clip((gray - background) * side, 0, None)
    if not ink.any():
        raise ValueError("all its pixels have the same shade")
    scaled: Gray = ink / ink.max()
    return scaled


def _scaled(digit: Gray) -> Gray:
    """Scale the digit to fit into 20 x 20 pixels, without changing its proportions."""
    from PIL import Image

    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    resampled = Image.fromarray(digit.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resampled, dtype=np.float64), 0, 1)


def _centred(digit: Gray) -> Gray:
    """Place the digit in 28 x 28 pixels, its centre of mass as near to pixel (14, 14), as in MNIST, as it fits."""
    height, width = digit.shape
    mass = digit.sum()
    row = digit.sum(axis=1) @ np.arange(height) / mass
    column = digit.sum(axis=0) @ np.arange(width) / mass
    top = min(max(round(SIZE / 2 - row), 0), SIZE - height)
    left = min(max(round(SIZE / 2 - column), 0), SIZE - width)
    image = np.zeros((SIZE, SIZE))
    image[top : top + height, left : left + width] = digit
    return image
