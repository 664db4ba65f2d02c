"""All kernels in NumPy, the specification of `_kernels.pyx`: those of the twins, and the loop of `numerical_gradient`.

`_backend.kernels` is this module or its twin, so callers find every kernel here.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned, all
of one dtype, float32 or float64. Short calls would spend all their time on such checks, so a few kernels recognise
arguments that need none: `is_plain`, `cross_entropy`, `is_movable` and those of `dense_network`. Every kernel returns
new arrays and writes to none of its inputs, except `central_differences` and the optimizers, which say what they write.

float32 values are computed in float64 wherever there is a formula, and rounded once, at the end. Infinities and NaN are
values like any others, so no floating-point warning is raised, whatever the caller's `np.errstate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, is_plain_array, one_number
from fastnet._twins.activations_numpy import *  # noqa: F403 - what it declares in __all__, and so the others
from fastnet._twins.dense_network_numpy import *  # noqa: F403
from fastnet._twins.differences_any_depth_numpy import *  # noqa: F403
from fastnet._twins.differences_two_layers_numpy import *  # noqa: F403
from fastnet._twins.losses_numpy import *  # noqa: F403
from fastnet._twins.optimizers_numpy import *  # noqa: F403
from fastnet._twins.softmax_numpy import *  # noqa: F403

BACKEND = "numpy"


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return "NumPy's own choice"


def is_plain(x: Any, /) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return is_plain_array(x)


def _move(elements: FloatArray, i: int, value: float) -> None:
    """Round `value` to the dtype of `elements`, in which it may be infinite or 0."""
    with np.errstate(all="ignore"):  # around the assignment alone: what `f` does is the caller's affair
        elements[i] = value


def central_differences(
    f: Callable[[Any], Any], x: Any, elements: FloatArray, h: float, out: FloatArray, /
) -> None:
    """Write the central difference of `f` by each of `elements`, a 1-D view into `x`, to `out`, in float64.

    Each element in turn is moved in place by +h and by -h, `f(x)` is evaluated at both, and the element is put back,
    also when `f` raises.
    """
    book_step = elements.itemsize == 8  # 2h; a narrower float is divided by the step that it really made
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
