"""Some rows of an array, which the kernels read where they are."""

from typing import Any

import numpy as np
import numpy.typing as npt


class Picked:
    """The array ``array[rows]``, a mini-batch of samples, of which no copy is in memory.

    `numpy.asarray` makes the copy. The kernel `network_gradient` reads the rows themselves.
    """

    def __init__(self, array: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> None:
        self.array = array
        self.rows = rows
        self.shape = (len(rows), *array.shape[1:])
        self.ndim = array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("the rows are not together in memory, and cannot be had without a copy: make one first")
        return self.array.take(self.rows, axis=0).astype(dtype or self.array.dtype, copy=False)
