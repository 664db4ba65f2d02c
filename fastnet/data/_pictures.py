"""A folder of pictures: one folder a label, perhaps below ``train`` and ``test``.

A picture becomes its luminance, 0 for black and 255 for white: ink keeps its polarity.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastnet.data._samples import WHITE, Array, Samples, Source

PARTS = {"train": ("train", "training"), "test": ("test", "testing", "val", "valid", "validation")}
NOT_DATA = ("Thumbs.db", "desktop.ini", "__MACOSX")  # what systems put beside files, and names with a dot


def read_pictures(folder: Path, size: tuple[int, int] | None) -> Source:
    """Read all pictures below a folder; with `size`, they are resized to this height and width."""
    inner = {path.name.lower(): path for path in _folders(folder)}
    train, test = (
        next((inner[name] for name in names if name in inner), None) for names in (PARTS["train"], PARTS["test"])
    )
    if train is None:
        if test is not None and len(inner) == 1:
            raise ValueError(f"{folder} holds {test.name}, but nothing to train on: a folder train beside it")
        return Source(_labelled(folder, size, None))
    others = [path for path in inner.values() if path not in (train, test)]
    strange = [path.name for path in others if path.name.lower() not in (*PARTS["train"], *PARTS["test"])]
    if strange:
        raise ValueError(
            f"{folder} holds {train.name} and also {strange[0]}: are these labels, or parts of the data? "
            f"Put everything into train and test, or rename {train.name}"
        )
    notes = tuple(f"{path} is not read" for path in others)
    samples = _labelled(train, size, None)
    if test is None:
        return Source(samples, notes=notes)
    return Source(samples, _labelled(test, size, (samples.x.shape[1:], train)), notes=notes)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _is_not_data(path))


def _is_not_data(path: Path) -> bool:
    return path.name.startswith(".") or path.name in NOT_DATA


def _labelled(folder: Path, size: tuple[int, int] | None, like: tuple[Any, Path] | None) -> Samples:
    """Read the pictures of one part. `like` is the size that they must have, and where that is from."""
    files: list[Path] = []
    labels: list[str] = []
    for label in _folders(folder):
        inside = sorted(path for path in label.iterdir() if not _is_not_data(path))
        if not inside:
            raise ValueError(f"{label} holds no pictures: add some, or remove the folder")
        files += inside
        labels += [label.name] * len(inside)
    if not files:
        raise ValueError(
            f"{folder} holds no pictures in folders, one folder a label: "
            "put those of each label into a folder with its name"
        )
    shape, reference = like or (None, files[0])
    x: Array | None = None
    for i, path in enumerate(files):
        picture = luminance(path, size)
        shape = shape or picture.shape
        if picture.shape != shape:
            raise ValueError(
                f"{reference} is {_size(shape)} pixels, but {path} is {_size(picture.shape)}: pictures must have one "
                "size. Resize them with --size HEIGHTxWIDTH, or size=(height, width) in Python"
            )
        if x is None:
            try:
                x = np.empty((len(files), *shape), np.uint8)
            except MemoryError:
                raise MemoryError(
                    f"{len(files):,} pictures of {_size(shape)} pixels take more memory than there is: resize them "
                    "with --size HEIGHTxWIDTH, or size=(height, width) in Python"
                ) from None
        x[i] = picture
    assert x is not None
    return Samples(x, np.array(labels), WHITE)


def _size(shape: Any) -> str:
    return " x ".join(map(str, shape))


def luminance(path: Path, size: tuple[int, int] | None = None) -> Array:
    """Return the luminance of a picture as bytes `(H, W)`; a ValueError names a picture that cannot be read."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                gray = _gray(ImageOps.exif_transpose(file))
                if size is not None:
                    gray = gray.resize(size[::-1], Image.Resampling.BILINEAR)  # smooths where it shrinks
                return np.asarray(gray)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not a picture that can be read: save it as PNG, or remove it") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{path} has too many pixels for a sample: resize it") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder: a folder of a label must hold pictures alone") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # what Pillow raises for damaged files
        if isinstance(error, OSError) and error.filename is not None:  # the file could not be opened
            raise
        raise ValueError(f"{path} is damaged: {error}. Save or copy it again") from None


def _gray(image: Any) -> Any:
    """Return an image in the mode L, from 0 to 255: Pillow's own conversion clips 16 bits and ignores transparency."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("it has pixels of more than 16 bits: save it with 8 or 16 bits")
        return Image.fromarray((values // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("it has pixels that are floats: save it with 8 or 16 bits")
    if not image.has_transparency_data:
        return image.convert("L")
    gray, alpha = np.asarray(image.convert("RGBA").convert("LA"), dtype=np.float64).transpose(2, 0, 1)
    alpha = alpha / WHITE
    # Transparent pixels show paper: white if the visible pixels are dark, black if they are light.
    paper = WHITE if (gray * alpha).sum() < 0.5 * WHITE * alpha.sum() else 0
    return Image.fromarray(np.rint(gray * alpha + paper * (1 - alpha)).astype(np.uint8))
