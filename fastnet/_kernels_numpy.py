"""The NumPy front: all NumPy kernels under one name. The twin is `_kernels.pyx`, the compiled front.

It collects the kernels of `_twins/*_numpy.py`, which are the specification, and adds the loop of `numerical_gradient`.

`_backend.kernels` is this module or its twin: callers look up every kernel there.

Rules for all kernels:

- A kernel does not check its arguments. The caller passes arrays that are C-contiguous, aligned, in native byte order,
  and all of one dtype, float32 or float64. Checks in Python would take longer than a short call. So these functions
  find out whether the arguments need conversion: `is_plain`, `is_movable`, `cross_entropy`, and those of
  `affine` and `dense_network`.
- The kernels of the cross-entropies return None if a target is outside [0, 1]. A check outside of their loops would
  take one more pass over the targets.
- A kernel returns new arrays and does not write to its inputs. Exceptions are `central_differences` and the optimizers:
  their docstrings say what they change in place. The activations write to `out`, if there is one, and return it: an
  array like `x`, which may be `x` itself and shares no other memory with it.

The formulas compute float32 values in float64, and round once, at the end. Infinities and NaN are ordinary values: a
kernel raises no floating-point warning, whatever the caller's `np.errstate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, is_plain_array
from fastnet._steps import ALLOWED, number, refuse_change
from fastnet._twins.activations_numpy import *  # noqa: F403 - the names in its __all__; the next lines do the same
from fastnet._twins.affine_numpy import *  # noqa: F403
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


def same_bits(a: FloatArray, b: FloatArray, /) -> bool:
    """Return whether `a` equals its copy `b`, also in the bits of NaN and in the sign of 0. `b` is C-contiguous."""
    return a.tobytes() == b.tobytes()


def _differ(a: float, b: float) -> bool:
    return a != b and (a == a or b == b)  # NaN equals NaN here


def central_differences(
    f: Callable[[Any], Any],
    x: Any,
    elements: FloatArray,
    h: float,
    otherwise: Callable[[FloatArray], float],
    out: FloatArray,
    /,
) -> None:
    """Write the central difference of `f` for each of `elements`, a 1-D view into `x`, to `out`, in float64.

    For each element in turn: move it in place by +h and by -h, evaluate `f(x)` at both, and restore the element. If `f`
    raises, the element is restored, too. Where rounding removes too much of the step, or where the values are in
    float32 or float16 and too near to each other, the difference is ``otherwise(view of the element)``.

    If `f` is a `CompiledObjective`, `x` and `elements` are C-contiguous.
    """
    is_double = elements.itemsize == 8
    for i in range(len(elements)):
        original = elements[i]
        plus, minus = float(original) + h, float(original) - h
        if not is_double:
            with np.errstate(all="ignore"):  # the rounded value may be infinite or 0
                plus, minus = float(elements.dtype.type(plus)), float(elements.dtype.type(minus))
        made = plus - minus
        if not (abs(made - 2 * h) <= ALLOWED * (2 * h) if is_double else 0 < made < np.inf):
            out[i] = otherwise(elements[i : i + 1])
            continue
        try:
            elements[i] = plus
            f_plus, share = number(f(x))
            if _differ(elements[i], plus):
                refuse_change()
            elements[i] = minus
            f_minus, share_of_minus = number(f(x))
            if _differ(elements[i], minus):
                refuse_change()
        finally:
            elements[i] = original
        change, share = f_plus - f_minus, max(share, share_of_minus)
        if share and not abs(change) >= share * max(abs(f_plus), abs(f_minus)):  # NaN goes there, too
            out[i] = otherwise(elements[i : i + 1])
            continue
        out[i] = change / (2 * h if is_double else made)
