"""What the readers of all formats give: samples with labels as they stand in the files."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

LARGEST_LABEL = 2**53
WHITE = 255  # the largest value of a pixel in a file of pictures


class Samples(NamedTuple):
    """Samples of one file or folder: `x` is `(N, D)` or pictures `(N, H, W)`, `t` is N integers or N strings.

    Samples in bytes become numbers from 0 to 1 by `divisor`; None is the largest byte of the training data.
    """

    x: Array
    t: Array
    divisor: int | None = None


class Source(NamedTuple):
    """All that a path holds. `names` are the names of labels that are integers, `columns` those of a table's inputs."""

    train: Samples
    test: Samples | None = None
    names: dict[int, str] | None = None
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None


def as_bytes_if_whole(x: Array) -> Array:
    """Return `x` as bytes if all its values are whole numbers from 0 to 255, in a part of the memory."""
    if x.dtype == np.uint8 or not x.size:
        return x
    if x.min() >= 0 and x.max() <= WHITE:  # False for NaN
        values = x.astype(np.uint8)
        if (values == x).all():
            return values
    return x


def not_whole(t: Array) -> Array:
    """Return where numbers are no labels: they are not whole, or too large for a float to tell from the next."""
    return np.flatnonzero(~((t == np.floor(t)) & (abs(t) < LARGEST_LABEL)))


def whole_labels(t: Array) -> Array:
    """Return labels that are floats as integers; a ValueError names the first that is not whole."""
    if t.dtype.kind != "f":
        return t
    wrong = not_whole(t)
    if len(wrong):
        raise ValueError(f"label {wrong[0]} is {t[wrong[0]]:g}: a label must be a whole number or a name")
    return t.astype(np.int64)
