"""What is special about EMNIST: its pictures lie on their side, and a file beside them names its classes."""

import re
from pathlib import Path

import numpy as np

from fastnet.data._samples import Array

NOTES = ("EMNIST's images are stored with rows and columns exchanged: they are turned upright",)


def is_of(path: Path) -> bool:
    """Whether a file is one of EMNIST, by its name: emnist-letters-train-images-idx3-ubyte.gz and so on."""
    return path.name.startswith("emnist-")


def upright(x: Array) -> Array:
    """Exchange the rows and the columns of pictures `(N, H, W)`, or of rows of H H pixels `(N, D)`."""
    if x.ndim == 3:
        return np.ascontiguousarray(x.swapaxes(1, 2))
    side = round(x.shape[1] ** 0.5)
    if side * side != x.shape[1]:
        return x
    return np.ascontiguousarray(x.reshape(-1, side, side).swapaxes(1, 2)).reshape(x.shape)


def names_beside(path: Path) -> dict[int, str] | None:
    """Return the names in EMNIST's mapping file, if it is there.

    A line is a label and the code of a character. The letters have two: upper and lower case are one class, which has
    the name of the upper case.
    """
    found = re.match(r"emnist-[a-z]+", path.name)
    mapping = path.with_name(f"{found[0]}-mapping.txt") if found else None
    if mapping is None or not mapping.is_file():
        return None
    names = {}
    for number, line in enumerate(mapping.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        if line.strip():
            try:
                label, code, *_ = map(int, line.split())
                names[label] = chr(code)
            except (ValueError, OverflowError):
                raise ValueError(f"{mapping}, line {number}: must be a label and a code, got {line!r:.60}") from None
    return names
