"""Large arrays a block at a time, for the kernels in NumPy.

Every operation of NumPy makes an array. The memory of a large one comes new from the system, and its first use takes
longer than most arithmetic. The arrays of a block stay in a core's cache, and their memory serves the next block again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np

from fastnet._checks import FloatArray

BLOCK = 2**13  # elements: 64 KB in float64. From 128 KB on, memory may go back to the system after every use

P = ParamSpec("P")
Elementwise = Callable[Concatenate[FloatArray, P], FloatArray]


def blocks(rows: int, row_size: int = 1) -> list[slice]:
    """Slices that take all rows between them: as many at a time as make a block, at least one."""
    step = max(1, BLOCK // row_size)
    return [slice(first, first + step) for first in range(0, rows, step)]


def elementwise(formula: Elementwise[P]) -> Elementwise[P]:
    """Make a kernel of a formula, which computes every element of a float64 x by itself and does not write to x.

    The kernel takes float32, too, and rounds its results once. It takes a large x in blocks, and raises no warning.
    """

    @functools.wraps(formula)
    def kernel(x: FloatArray, /, *args: P.args, **kwargs: P.kwargs) -> FloatArray:
        with np.errstate(all="ignore"):
            if x.size <= BLOCK:  # the loop below would take a third longer on ten elements
                return formula(x.astype(np.float64, copy=False), *args, **kwargs).astype(x.dtype, copy=False)
            out = np.empty_like(x)
            elements, results = x.reshape(-1), out.reshape(-1)
            for block in blocks(x.size):
                results[block] = formula(elements[block].astype(np.float64, copy=False), *args, **kwargs)
            return out

    return kernel
