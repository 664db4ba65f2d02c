"""Samples that are held as bytes and used as float32, in a quarter of the memory."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet._checks import real_array


class ScaledBytes:
    """The float32 array ``values / divisor``, of which only the bytes `values` are in memory.

    A slice shares the bytes, and an array of indices copies some of them. `take` and `numpy.asarray` compute the floats
    of what they are asked for.
    """

    def __init__(self, values: npt.NDArray[np.uint8], divisor: int) -> None:
        self._values = values
        self._divisor = divisor
        self.shape = values.shape
        self.ndim = values.ndim

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, part: slice | npt.NDArray[np.integer[Any]]) -> Self:
        return type(self)(self._values[part], self._divisor)

    def take(self, indices: npt.NDArray[np.integer[Any]], axis: int) -> npt.NDArray[np.float32]:
        return self._scale(self._values.take(indices, axis))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("the floats are not in memory, and cannot be had without a copy")
        return self._scale(self._values).astype(dtype or np.float32, copy=False)

    def _scale(self, values: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        scaled = values.astype(np.float32)
        scaled /= np.float32(self._divisor)  # faster in two steps: bytes / float32 would convert piece by piece
        return scaled


def as_samples(x: npt.ArrayLike | ScaledBytes, name: str) -> npt.NDArray[Any] | ScaledBytes:
    """`x` itself if it is `ScaledBytes`, which stays in bytes; anything else as an array."""
    return x if isinstance(x, ScaledBytes) else real_array(x, name)
