"""Process a large array one block at a time: the NumPy kernels use this. It has no compiled twin.

Every NumPy operation allocates its result. The operating system supplies the memory of a large array, and the first
access to it takes longer than most arithmetic. The arrays of one block stay in the cache of a core, and the next block
reuses their memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np

from fastnet._checks import FloatArray

BLOCK = 2**13  # elements: 64 KB in float64. Memory of 128 KB or more may return to the system after every use

P = ParamSpec("P")
Elementwise = Callable[Concatenate[FloatArray, P], FloatArray]


def blocks(rows: int, row_size: int = 1) -> list[slice]:
    """Return slices that cover all rows. Each takes as many rows as fit into a block, and at least one."""
    step = max(1, BLOCK // row_size)
    return [slice(first, first + step) for first in range(0, rows, step)]


def elementwise(formula: Elementwise[P]) -> Elementwise[P]:
    """Make a kernel from a formula. The formula maps each element of a float64 x and does not write to x.

    The kernel also takes float32: it computes in float64 and rounds once. It splits a large x into blocks. It raises no
    floating-point warning.
    """

    @functools.wraps(formula)
    def kernel(x: FloatArray, /, *args: P.args, **kwargs: P.kwargs) -> FloatArray:
        with np.errstate(all="ignore"):
            if x.size <= BLOCK:  # on ten elements the loop below takes a third longer
                return formula(x.astype(np.float64, copy=False), *args, **kwargs).astype(x.dtype, copy=False)
            out = np.empty_like(x)
            elements, results = x.reshape(-1), out.reshape(-1)
            for block in blocks(x.size):
                results[block] = formula(elements[block].astype(np.float64, copy=False), *args, **kwargs)
            return out

    return kernel
