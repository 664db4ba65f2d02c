"""The NumPy front: all NumPy kernels under one name. The twin is `_kernels.pyx`, the compiled front.

It collects the kernels of `_twins/*_numpy.py`, which are the specification, and adds the loop of `numerical_gradient`.

`_backend.kernels` is this module or its twin: callers look up every kernel there.

Rules for all kernels:

- A kernel does not check its arguments. The caller passes arrays that are C-contiguous, aligned, in native byte order,
  and all of one dtype, float32 or float64. Checks in Python would take longer than a short call. So these functions
  find out whether the arguments need conversion: `is_plain`, `is_movable`, `cross_entropy`, and those of
  `dense_network`.
- A kernel returns new arrays and does not write to its inputs. Exceptions are `central_differences` and the optimizers:
  their docstrings say what they change in place.

The formulas compute float32 values in float64, and round once, at the end. Infinities and NaN are ordinary values: a
kernel raises no floating-point warning, whatever the caller's `np.errstate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, is_plain_array, one_number
from fastnet._twins.activations_numpy import *  # noqa: F403 - the names in its __all__; the next lines do the same
from fastnet._twins.convolution_numpy import *  # noqa: F403
from fastnet._twins.dense_network_numpy import *  # noqa: F403
from fastnet._twins.differences_any_depth_numpy import *  # noqa: F403
from fastnet._twins.differences_two_layers_numpy import *  # noqa: F403
from fastnet._twins.losses_numpy import *  # noqa: F403
from fastnet._twins.normalization_numpy import *  # noqa: F403
from fastnet._twins.optimizers_numpy import *  # noqa: F403
from fastnet._twins.softmax_numpy import *  # noqa: F403

BACKEND = "numpy"


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels use."""
    return "NumPy's own choice"


def is_plain(x: Any, /) -> bool:
    """Return whether kernels can take `x` without conversion: an array with at least one dimension."""
    return is_plain_array(x)


def _move(elements: FloatArray, i: int, value: float) -> None:
    """Set `elements[i]` to `value`, rounded to the dtype of `elements`. The rounded value may be infinite or 0."""
    with np.errstate(all="ignore"):  # only for the assignment: the warnings of `f` are the caller's
        elements[i] = value


def central_differences(
    f: Callable[[Any], Any], x: Any, elements: FloatArray, h: float, out: FloatArray, /
) -> None:
    """Write the central difference of `f` by each of `elements`, a 1-D view into `x`, to `out`, in float64.

    For each element in turn: move it in place by +h and by -h, evaluate `f(x)` at both, and restore the element. If `f`
    raises, the element is restored, too.
    """
    book_step = elements.itemsize == 8  # divide by 2h; for float32, by the actual step, after rounding
    for i in range(len(elements)):
        original = elements[i]
        value = float(original)
        try:
            _move(elements, i, value + h)
            step = float(elements[i])
            f_plus = one_number(f(x))
            _move(elements, i, value - h)
            step -= float(elements[i])
            f_minus = one_number(f(x))
        finally:
            elements[i] = original
        out[i] = (f_plus - f_minus) / (2 * h if book_step or step == 0 else step)
