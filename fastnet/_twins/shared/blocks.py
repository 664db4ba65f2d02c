"""Process a large array one block at a time: the NumPy kernels use this. It has no compiled twin.

Every NumPy operation allocates its result. The operating system supplies the memory of a large array, and the first
access to it takes longer than most arithmetic. The arrays of one block stay in the cache of a core, and the next block
reuses their memory.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastnet._checks import FloatArray

BLOCK = 2**13  # elements: 64 KB in float64. Memory of 128 KB or more may return to the system after every use

def blocks(rows: int, row_size: int = 1) -> list[slice]:
    """Return slices that cover all rows. Each takes as many rows as fit into a block, and at least one."""
    step = max(1, BLOCK // row_size)
    return [slice(first, first + step) for first in range(0, rows, step)]


def elementwise(
    formula: Callable[..., FloatArray], x: FloatArray, out: FloatArray | None, *numbers: float
) -> FloatArray:
    """Return `out`, or without it a new array, with the formula of each element of `x`.

    The formula takes a float64 array and `numbers`, and does not write to the array. `x` may also be float32: this
    computes in float64 and rounds once. A large `x` is split into blocks. No floating-point warning is raised. `out`
    has the shape and dtype of `x`. It may be `x` itself, and shares no other memory with it.
    """
    with np.errstate(all="ignore"):
        if x.size <= BLOCK:  # on ten elements the loop below takes a third longer
            y = formula(x.astype(np.float64, copy=False), *numbers).astype(x.dtype, copy=False)
            if out is None:
                return y
            out[...] = y
            return out
        if out is None:
            out = np.empty_like(x)
        elements, results = x.reshape(-1), out.reshape(-1)
        for block in blocks(x.size):
            results[block] = formula(elements[block].astype(np.float64, copy=False), *numbers)
        return out
