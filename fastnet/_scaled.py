"""Samples that are held as bytes and used as float32, in a quarter of the memory."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet._checks import real_array


class ScaledBytes:
    """The float32 array ``values / divisor``, of which only the bytes `values` are in memory.

    A slice shares the bytes, and `take` copies bytes. `numpy.asarray` computes the floats. The network kernels read the
    bytes themselves.
    """

    def __init__(self, values: npt.NDArray[np.uint8], divisor: int) -> None:
        self.values = values
        self.divisor = divisor
        self.shape = values.shape
        self.ndim = values.ndim

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, part: slice) -> Self:
        return type(self)(self.values[part], self.divisor)

    def take(self, indices: npt.NDArray[np.integer[Any]], axis: int) -> Self:
        return type(self)(self.values.take(indices, axis), self.divisor)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("the floats are not in memory, and cannot be had without a copy: make one first")
        scaled = self.values.astype(np.float32)
        scaled /= np.float32(self.divisor)  # faster in two steps: bytes / float32 would convert piece by piece
        return scaled.astype(dtype or np.float32, copy=False)


def as_samples(x: npt.ArrayLike | ScaledBytes, name: str) -> npt.NDArray[Any] | ScaledBytes:
    """`x` itself if it is `ScaledBytes`, which stays in bytes; anything else as an array."""
    return x if isinstance(x, ScaledBytes) else real_array(x, name)
