"""exp, log, sigmoid, ReLU and the loop of `numerical_gradient` in NumPy: the specification of `_kernels.pyx`, which
holds the same functions in the same order. All other kernels are imported here.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64. Two exceptions serve short calls, in which checking would be all the work:
`is_plain` recognises such an array, and `cross_entropy` such arguments. Every kernel returns a new array and writes to
none of its inputs, except `central_differences`, which says what it writes to.

float32 values are computed in float64 wherever there is a formula, and rounded once, at the end. Infinities and NaN are
values like any others here, so no floating-point warning is raised, whatever the caller's `np.errstate`.

Where a sign decides, `np.maximum`, `np.copysign` or `take` chooses. `np.where` and `np.heaviside` would branch for each
element, which takes longer than an exponential where signs are mixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# What is not used here are kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._activations_numpy import elu, elu_grad, leaky_relu, leaky_relu_grad, tanh, tanh_grad  # noqa: F401
from fastnet._blocks import elementwise
from fastnet._checks import FloatArray, is_plain_array, one_number
from fastnet._differences_numpy import two_layer_differences  # noqa: F401
from fastnet._layer_differences_numpy import layer_differences  # noqa: F401
from fastnet._losses_numpy import binary_cross_entropy, cross_entropy  # noqa: F401
from fastnet._optimizers_numpy import adagrad, adam, descend, is_movable, momentum, nesterov, rmsprop  # noqa: F401
from fastnet._softmax_numpy import (  # noqa: F401
    softmax,
    softmax_cross_entropy_labels,
    softmax_cross_entropy_targets,
)
from fastnet._training_numpy import network_gradient, network_predict  # noqa: F401


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return "NumPy's own choice"


def is_plain(x: Any) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return is_plain_array(x)


def exp(x: FloatArray) -> FloatArray:
    """Return `exp(x)` of every element."""
    with np.errstate(all="ignore"):
        return np.exp(x)


def log(x: FloatArray) -> FloatArray:
    """Return the natural logarithm of every element."""
    with np.errstate(all="ignore"):
        return np.log(x)


@elementwise
def sigmoid(x: FloatArray) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere. The numerator is 1 or e:
    # the larger of x >= 0, which is 1 or 0, and e, which is never above 1.
    e = np.exp(-np.abs(x))
    return np.maximum(x >= 0, e) / (1.0 + e)


@elementwise
def sigmoid_grad(x: FloatArray) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    # The same as e / (1 + e)^2 with e = exp(-|x|), which does not lose its digits where s is close to 1.
    e = np.exp(-np.abs(x))
    e1 = 1.0 + e
    return e / (e1 * e1)


def relu(x: FloatArray) -> FloatArray:
    """Return `max(0, x)` of every element."""
    with np.errstate(all="ignore"):
        return np.maximum(x, x.dtype.type(0))


def _move(elements: FloatArray, i: int, value: float) -> None:
    """Round `value` to the dtype of `elements`, in which it may be infinite or 0."""
    with np.errstate(all="ignore"):  # around the assignment alone: what `f` does is the caller's affair
        elements[i] = value


def central_differences(
    f: Callable[[Any], Any], x: Any, elements: FloatArray, h: float, out: FloatArray
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
