# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""exp, log, sigmoid, ReLU and the loop of `numerical_gradient`, compiled: the same functions as in `_kernels_numpy.py`,
in the same order, with the same results. All other kernels are imported here.

What changes from there to here: an expression over whole arrays becomes a loop over elements, so the arrays that hold
intermediate results are gone, and exp and log are `_vector_math.pxd`'s, which the compiler turns into vector instructions
inside the loop.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64. Two exceptions serve short calls, in which checking would be all the work:
`is_plain` recognises such an array, and `cross_entropy` such arguments. Every kernel returns a new array and writes to
none of its inputs, except `central_differences`, which says what it writes to.

The annotations are those of `_kernels_numpy.py`, for the reader: Cython is told to make nothing of them.

A kernel is a `def` function that Python sees, which makes the output, and above it the loops, on pointers, compiled
once for float and once for double, and by VECTORISED for several instruction sets. The loops touch no Python object.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from numpy cimport import_array, ndarray

from fastnet cimport _vector_math
from fastnet._memory cimport doubles, empty_like, end_of_block, floats, holds_floats, plain
from fastnet._sources cimport FASTNET_FINGERPRINT
from fastnet._vector_math cimport VECTORISED, exp_any, exp_negative, log_any, lowest, minus_abs

from fastnet._checks import one_number
# Kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._activations import elu, elu_grad, leaky_relu, leaky_relu_grad, tanh, tanh_grad
from fastnet._differences import two_layer_differences
from fastnet._layer_differences import layer_differences
from fastnet._losses import binary_cross_entropy, cross_entropy
from fastnet._optimizers import adagrad, adam, descend, is_movable, momentum, nesterov, rmsprop
from fastnet._softmax import softmax, softmax_cross_entropy_labels, softmax_cross_entropy_targets
from fastnet._training import network_gradient, network_predict

import_array()

fingerprint = FASTNET_FINGERPRINT


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return _vector_math.instruction_set().decode()


def is_plain(x: Any) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return plain(x)


cdef VECTORISED _exp(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            out[i] = exp_any(x[i], low, -low)


def exp(ndarray x: FloatArray) -> FloatArray:
    """Return `exp(x)` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _exp[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _exp[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _log(const floating* x, floating* out, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            out[i] = log_any(x[i])


def log(ndarray x: FloatArray) -> FloatArray:
    """Return the natural logarithm of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _log[float](floats(x), floats(out), x.size)
    else:
        _log[double](doubles(x), doubles(out), x.size)
    return out


cdef VECTORISED _sigmoid(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a, e
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere.
            a = minus_abs(x[i])
            e = exp_negative(low if a < low else a, <floating> -0.0)
            out[i] = (e if x[i] < 0 else <floating> 1.0) / (<floating> 1.0 + e)


def sigmoid(ndarray x: FloatArray) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _sigmoid[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _sigmoid[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _sigmoid_grad(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a, e
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            # The same as e / (1 + e)^2 with e = exp(-|x|), which does not lose its digits where s is close to 1.
            a = minus_abs(x[i])
            e = exp_negative(low if a < low else a, <floating> -0.0)
            out[i] = e / ((<floating> 1.0 + e) * (<floating> 1.0 + e))


def sigmoid_grad(ndarray x: FloatArray) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _sigmoid_grad[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _sigmoid_grad[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _relu(const floating* x, floating* out, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> 0.0 if x[i] <= 0 else x[i]  # NaN stays NaN


def relu(ndarray x: FloatArray) -> FloatArray:
    """Return `max(0, x)` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _relu[float](floats(x), floats(out), x.size)
    else:
        _relu[double](doubles(x), doubles(out), x.size)
    return out


cdef double _number(value) except? -1.0:
    return value if isinstance(value, float) else one_number(value)


cdef int _central_differences(f, x, floating[:] elements, double h, double[::1] out) except -1:
    cdef bint book_step = floating is double  # 2h; a narrower float is divided by the step that it really made
    cdef Py_ssize_t i
    cdef floating original
    cdef double step, f_plus, f_minus
    for i in range(elements.shape[0]):
        PyErr_CheckSignals()  # Ctrl-C is heard even if f is compiled code that never looks
        original = elements[i]
        try:
            elements[i] = <floating> (original + h)
            step = elements[i]
            f_plus = _number(f(x))
            elements[i] = <floating> (original - h)
            step -= elements[i]
            f_minus = _number(f(x))
        finally:
            elements[i] = original
        out[i] = (f_plus - f_minus) / (2 * h if book_step or step == 0 else step)
    return 0


def central_differences(
    f: Callable[[Any], Any], x: Any, elements: FloatArray, h: float, out: FloatArray
) -> None:
    """Write the central difference of `f` by each of `elements`, a 1-D view into `x`, to `out`, in float64.

    Each element in turn is moved in place by +h and by -h, `f(x)` is evaluated at both, and the element is put back,
    also when `f` raises.
    """
    if elements.itemsize == sizeof(float):
        _central_differences[float](f, x, elements, h, out)
    else:
        _central_differences[double](f, x, elements, h, out)
