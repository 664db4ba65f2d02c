"""Read a picture from a file or an array as shades of gray, in bounded memory."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import real_array
from fastnet._files import PathLike

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Gray = npt.NDArray[np.float32]  # (rows, columns), from 0 to 1

WORKED_ON = 640  # pixels of the longer side: a pen's strokes keep 2 pixels, and a camera's noise is averaged away
ORIENTATION = 0x0112  # the EXIF tag
LARGEST_16_BIT = 65535
BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue, as Pillow weighs them

# Formats that Pillow does not read, with the bytes that give them away and what the user can do.
UNREAD = {
    "a HEIC photograph": ((b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1"), "export it as JPEG"),
    "a PDF document": ((b"%PDF-",), "save the page as PNG"),
    "an SVG drawing": ((b"<svg", b"<!DOCTYPE svg"), "export it as PNG"),
}


def read_gray(picture: Any) -> tuple[Gray, tuple[int, int]]:
    """Return a picture, shrunk to `WORKED_ON` pixels, and the rows and columns that it had."""
    if isinstance(picture, np.ndarray):
        gray = gray_array(picture)
        if gray.size == 0:
            raise ValueError(f"the picture is empty: its shape is {picture.shape}. It must have at least one pixel")
        return shrunk_array(gray), gray.shape[:2]
    if not isinstance(picture, str | os.PathLike):
        raise TypeError(f"picture must be the path of a file or an array of pixels, got {type(picture).__name__}")
    return read_file(os.fspath(picture))


def gray_array(picture: npt.NDArray[Any]) -> Gray:
    """Return an array of pixels, `(rows, columns)` or `(rows, columns, 3 or 4)`, as shades from 0 to 1."""
    pixels = real_array(picture, "picture")
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise ValueError(
            "a picture must have shape (rows, columns), or (rows, columns, 3 or 4) for colours, "
            f"got shape {pixels.shape}"
        )
    if not np.isfinite(pixels).all():
        raise ValueError(
            "the picture holds pixels that are NaN or infinite: "
            "replace them, for example by numpy.nan_to_num"
        )
    shades = in_unit_range(pixels)
    if shades.ndim == 2:
        return shades
    gray: Gray = shades[..., :3] @ BRIGHTNESS
    return on_paper(gray, shades[..., 3]) if shades.shape[2] == 4 else gray


def in_unit_range(pixels: npt.NDArray[Any]) -> Gray:
    """Scale pixels to [0, 1]: integers by the range of their type, other numbers by the range that they use."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    values = pixels.astype(np.float64)
    if values.size == 0 or (values.min() >= 0 and values.max() <= 1):
        return values.astype(np.float32)
    lowest, highest = values.min(), values.max()
    # Divide first: the difference of two very large numbers would overflow.
    largest = max(abs(lowest), abs(highest))
    spread = highest / largest - lowest / largest
    return np.asarray((values / largest - lowest / largest) / (spread or 1), np.float32)


def shrunk_array(gray: Gray) -> Gray:
    """Shrink an array as a file would be shrunk."""
    from PIL import Image

    if max(gray.shape) <= WORKED_ON:
        return gray
    return np.asarray(shrunk(Image.fromarray(gray)))


def on_paper(gray: Gray, opacity: Gray) -> Gray:
    """Put a transparent picture on paper: white if what is visible is dark, black if it is light."""
    if opacity.min() == 1:
        return gray
    paper = 1 if (gray * opacity).sum() < 0.5 * opacity.sum() else 0
    return gray * opacity + paper * (1 - opacity)


def read_file(path: PathLike) -> tuple[Gray, tuple[int, int]]:
    """Return the picture in a file, turned as the camera recorded it."""
    from PIL import ImageOps

    with errors_that_name(path), open(path, "rb") as file:
        image, (columns, rows) = opened(file, path)
        image.load()  # Pillow turns TIFF pictures itself, while it loads them
        orientation = image.getexif().get(ORIENTATION, 1)
        small = shrunk(readable(image))
        small.getexif()[ORIENTATION] = orientation
        gray = file_shades(ImageOps.exif_transpose(small))
    if not np.isfinite(gray).all():
        raise ValueError(f"{path} holds pixels that are NaN or infinite: save it without them")
    return in_unit_range(gray), ((columns, rows) if orientation in (5, 6, 7, 8) else (rows, columns))


def opened(file: Any, path: PathLike) -> tuple["Picture", tuple[int, int]]:
    """Open an image without decoding it, and return it with its columns and rows.

    The decoder of JPEG can shrink by up to 8 while it reads: a photograph of 108 megapixels then takes no more memory
    than one of 2. So the guard against too many pixels looks at what is decoded.
    """
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

    start = file.read(3)
    file.seek(0)
    if start == b"\xff\xd8\xff":
        image: Picture = JpegImageFile(file)
        size = image.size
        image.draft("L", (WORKED_ON, WORKED_ON))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file)
        size = image.size
    if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise Image.DecompressionBombError
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        image.seek(0)
        warnings.warn(f"{path} has {frames} frames: the first is read", UserWarning, stacklevel=2)
    return image, size


@contextmanager
def errors_that_name(path: PathLike) -> Iterator[None]:
    """Turn what Pillow raises for bad files into a ValueError that names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except UnidentifiedImageError:
        raise ValueError(f"{path} {unread_format(path)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{path} has too many pixels to be read safely: shrink it first") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, OSError) and error.filename is not None:  # the file could not be opened
            raise
        raise ValueError(f"{path} is damaged: {error}. Save or copy it again") from None


def unread_format(path: PathLike) -> str:
    """Say what a file is that Pillow does not know."""
    with open(path, "rb") as file:
        start = file.read(1000)
    if not start:
        return "is not an image: the file is empty"
    for name, (marks, remedy) in UNREAD.items():
        if any(mark in start for mark in marks):
            return f"is {name}, which cannot be read: {remedy}"
    return "is not an image that can be read"


def readable(image: "Picture") -> "Picture":
    """Convert an image to a mode in which it can be shrunk: gray, colours, or either with transparency."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 bits and more: `convert("L")` would clip them
        values = np.asarray(image).astype(np.float32)
        return Image.fromarray(values / LARGEST_16_BIT if image.mode.startswith("I;16") else values)
    if image.has_transparency_data:
        return image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
    return image if image.mode == "L" else image.convert("L")


def shrunk(image: "Picture") -> "Picture":
    """Shrink an image until no side is longer than `WORKED_ON`; each pixel is the mean of the original ones."""
    from PIL import Image

    scale = WORKED_ON / max(image.size)
    if scale >= 1:
        return image.copy()
    columns, rows = (max(1, round(side * scale)) for side in image.size)
    return image.resize((columns, rows), Image.Resampling.BOX)


def file_shades(image: "Picture") -> npt.NDArray[Any]:
    """Return the shades of a decoded image, on any scale."""
    if image.mode in ("LA", "RGBA"):
        gray, opacity = np.asarray(image.convert("LA")).transpose(2, 0, 1).astype(np.float32) / 255
        return on_paper(gray, opacity)
    return np.asarray(image)
