# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""The hot paths, compiled: the same functions as in `_kernels_numpy.py`, in the same order, with the same results.

What changes from there to here: an expression over whole arrays becomes one loop over elements, so each element is
read once and written once, and the arrays that hold intermediate results are gone.

Kernels check nothing. `functions.py` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64 (the labels: intp, in range). Every kernel returns a new array and writes to none
of its inputs, except `central_differences`, which says what it writes to.

A kernel is two functions: a `cdef` loop on typed memoryviews, which Cython compiles once for float and once for double,
and below it the `def` function that Python sees, which makes the output and picks one of the two. The loops touch no
Python object. float32 values are computed in double and rounded once, at the end.

Shapes: N samples, C classes.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport exp, fabs, isinf, log, NAN

import numpy as np

from fastnet._checks import one_number


cdef inline void _add(double *total, double *compensation, double term) noexcept nogil:
    # Kahan's sum: what `total` loses of a term is kept, and taken off the next one. An infinite total has lost nothing.
    cdef double raised
    term -= compensation[0]
    raised = total[0] + term
    compensation[0] = 0.0 if isinf(raised) else (raised - total[0]) - term
    total[0] = raised


cdef void _sigmoid(const floating[::1] x, floating[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    cdef double e
    for i in range(x.shape[0]):
        # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere.
        e = exp(-fabs(x[i]))
        out[i] = <floating> ((e if x[i] < 0 else 1.0) / (1.0 + e))


def sigmoid(x: FloatArray) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    out = np.empty_like(x)
    if x.itemsize == sizeof(float):
        _sigmoid[float](x.reshape(-1), out.reshape(-1))
    else:
        _sigmoid[double](x.reshape(-1), out.reshape(-1))
    return out


cdef void _sigmoid_grad(const floating[::1] x, floating[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    cdef double e
    for i in range(x.shape[0]):
        # The same as e / (1 + e)^2 with e = exp(-|x|), which does not lose its digits where s is close to 1.
        e = exp(-fabs(x[i]))
        out[i] = <floating> (e / ((1.0 + e) * (1.0 + e)))


def sigmoid_grad(x: FloatArray) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    out = np.empty_like(x)
    if x.itemsize == sizeof(float):
        _sigmoid_grad[float](x.reshape(-1), out.reshape(-1))
    else:
        _sigmoid_grad[double](x.reshape(-1), out.reshape(-1))
    return out


cdef void _softmax(const floating[:, ::1] x, double[::1] e, floating[:, ::1] out) noexcept nogil:
    # e (C,) is room for the exponentials of one row, in double.
    cdef Py_ssize_t n, c, at_largest
    cdef double largest, shifted, taken, lost, total, compensation
    for n in range(x.shape[0]):
        largest = x[n, 0]
        for c in range(x.shape[1]):
            if not x[n, c] <= largest:  # larger, or NaN; a NaN is replaced by no number
                if largest == largest:
                    largest = x[n, c]

        if isinf(largest):
            at_largest = 0
            for c in range(x.shape[1]):
                at_largest += x[n, c] == largest
            for c in range(x.shape[1]):
                out[n, c] = <floating> (0.0 if x[n, c] != largest else 1.0 if at_largest == 1 else NAN)
            continue

        # exp(x - largest) would turn the rounding of the difference into a relative error of up to 256 ULP. So what
        # the difference lost is computed too (Knuth's TwoSum), and exp(shifted + lost) = exp(shifted) (1 + lost).
        total = compensation = 0.0
        for c in range(x.shape[1]):
            shifted = x[n, c] - largest
            if shifted < -746.0:  # below it e is 0, and lost may be inf - inf
                e[c] = 0.0
            else:
                taken = shifted - x[n, c]
                lost = (x[n, c] - (shifted - taken)) - (largest + taken)
                e[c] = exp(shifted)
                e[c] += e[c] * lost
            _add(&total, &compensation, e[c])
        for c in range(x.shape[1]):
            out[n, c] = <floating> (e[c] / total)


def softmax(x: FloatArray) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C).

    Where the largest value of a row is infinite, the row is the limit: 1 for that value and 0 for the others, and nan
    for each where several are the largest.
    """
    out = np.empty_like(x)
    if x.size == 0:  # an empty row has no largest value
        return out
    e = np.empty(x.shape[1])
    if x.itemsize == sizeof(float):
        _softmax[float](x, e, out)
    else:
        _softmax[double](x, e, out)
    return out


cdef double _cross_entropy_labels(const floating[:, ::1] y, const Py_ssize_t[::1] labels, double eps) noexcept nogil:
    cdef Py_ssize_t n
    cdef double total = 0.0, compensation = 0.0
    for n in range(y.shape[0]):
        _add(&total, &compensation, log(y[n, labels[n]] + eps))
    return (0.0 - total) / y.shape[0]


def cross_entropy_labels(y: FloatArray, labels: IntArray, eps: float) -> float:
    """Return `-sum_n log(y[n, labels[n]] + eps) / N` for y (N, C), labels (N,)."""
    if y.itemsize == sizeof(float):
        return _cross_entropy_labels[float](y, labels, eps)
    return _cross_entropy_labels[double](y, labels, eps)


cdef double _cross_entropy_targets(const floating[:, ::1] y, const floating[:, ::1] t, double eps) noexcept nogil:
    cdef Py_ssize_t n, c
    cdef double p, total = 0.0, compensation = 0.0
    for n in range(y.shape[0]):
        for c in range(y.shape[1]):
            p = y[n, c] + eps
            # Where t is 0 the term is 0, and a one-hot row costs one logarithm; but 0 log(p) is NaN for inf, NaN and
            # negative p, which must show.
            if t[n, c] == 0 and 0 <= p and not isinf(p):
                continue
            _add(&total, &compensation, t[n, c] * log(p))
    return (0.0 - total) / y.shape[0]


def cross_entropy_targets(y: FloatArray, t: FloatArray, eps: float) -> float:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N` for y and t (N, C); a term with t = 0 and y + eps = 0 is 0."""
    if y.itemsize == sizeof(float):
        return _cross_entropy_targets[float](y, t, eps)
    return _cross_entropy_targets[double](y, t, eps)


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
