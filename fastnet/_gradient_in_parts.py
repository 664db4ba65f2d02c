"""`numerical_gradient` with `n_jobs`: each worker moves some of the elements, on a copy of `x` of its own."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _jobs
from fastnet._checks import FloatArray, one_number
from fastnet._steps import sees_a_change

PARTS = 4  # for each worker, so that none waits long for the slowest one

Differences = Callable[..., FloatArray]  # `fastnet.gradient._differences`


def differences_in_parts(
    differences: Differences, f: Callable[[Any], Any], x: Any, h: float, n_jobs: int | None
) -> FloatArray:
    """Return the central differences of `f` for all elements of the array `x`, which does not change."""
    ends = np.linspace(0, x.size, min(PARTS * _jobs.workers(n_jobs), x.size) + 1).astype(int).tolist()
    values, layout = (x.copy(), Layout(x)) if type(x) is np.ndarray else (x, None)  # a subclass keeps what it holds
    parts = _jobs.each(partial(_part, differences, f, values, layout, h), pairwise(ends), n_jobs, "f")
    return np.concatenate([np.empty(0), *parts]).reshape(x.shape)


def refuse_reader_of_x(f: Callable[[Any], Any], copy: Any, x: npt.NDArray[Any]) -> None:
    """Raise `TypeError` if `f(copy)` depends on what is in `x`: in another process, that does not move."""
    if x.size and sees_a_change(f, copy, [x], one_number(f(copy)), one_number):
        raise TypeError(
            "f reads x itself instead of its argument. With n_jobs, f computes in another process, where its argument "
            "is a copy of x. Only this copy is moved, so the result would be wrong. Let f use its argument, or leave "
            "out n_jobs"
        )


class Layout:
    """Where the elements of an array are in memory. It decides about the last bits of some functions, such as sums."""

    def __init__(self, x: npt.NDArray[Any]) -> None:
        self._strides = x.strides
        reach = [step * (length - 1) for step, length in zip(x.strides, x.shape, strict=True)]
        self._offset = x.ctypes.data % x.itemsize + sum(-step for step in reach if step < 0)
        self._bytes = self._offset + sum(step for step in reach if step > 0) + x.itemsize

    def copy(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a new array with these values."""
        new: npt.NDArray[Any] = np.ndarray(
            values.shape, values.dtype, np.empty(self._bytes, np.uint8), self._offset, self._strides
        )
        new[...] = values
        return new


def _part(
    differences: Differences,
    f: Callable[[Any], Any],
    values: Any,
    layout: Layout | None,
    h: float,
    ends: tuple[int, int],
) -> FloatArray:
    """Return the differences for the elements with these numbers, in a worker."""
    x = values if layout is None else layout.copy(values)
    part = slice(*ends)
    return differences(f, x, np.asarray(x).view(), h, "x", part=part).reshape(-1)[part]
