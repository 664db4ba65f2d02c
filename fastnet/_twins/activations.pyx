"""The activations and their slopes, compiled. The twin is `activations_numpy.py`: the same functions in the same order.

Here an expression over whole arrays becomes a loop over elements, so there are no arrays of intermediate results. The
loop calls the formula for one element, which is in `shared/formulas.pxd`. The rules for all kernels are in
`_kernels.pyx`.
"""

from cython cimport floating

from fastnet._twins.shared cimport formulas
from fastnet._twins.shared.dispatch cimport VECTORISED, elementwise, masked
from fastnet._twins.shared.memory cimport import_array, ndarray, prefetch_ahead
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport highest_tanh, log_plus_one, lowest, lowest_expm1, minus_abs

from numpy import empty

from fastnet._twins import activations_numpy

__all__ = [
    "elu",
    "elu_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "relu",
    "relu_with_mask",
    "sigmoid",
    "sigmoid_grad",
    "softplus",
    "tanh",
    "tanh_grad",
    "zero_where",
]

import_array()

fingerprint = FASTNET_FINGERPRINT


cdef VECTORISED _sigmoid(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating low = lowest[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.sigmoid(x[i], low)


def sigmoid(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    return elementwise(x, _sigmoid[float], _sigmoid[double], 0, out)


cdef VECTORISED _sigmoid_grad(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating low = lowest[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.sigmoid_slope(x[i], low)


def sigmoid_grad(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    return elementwise(x, _sigmoid_grad[float], _sigmoid_grad[double], 0, out)


cdef VECTORISED _tanh(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating high = highest_tanh[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.tanh(x[i], high)


def tanh(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    return elementwise(x, _tanh[float], _tanh[double], 0, out)


cdef VECTORISED _tanh_grad(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating low = lowest[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.tanh_slope(x[i], low)


def tanh_grad(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    return elementwise(x, _tanh_grad[float], _tanh_grad[double], 0, out)


cdef VECTORISED _relu(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = formulas.relu(x[i])


def relu(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `max(0, x)` of every element."""
    return elementwise(x, _relu[float], _relu[double], 0, out)


cdef VECTORISED _relu_with_mask(
    const floating* x, floating* out, unsigned char* mask, Py_ssize_t size
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = formulas.relu(x[i])
        mask[i] = x[i] <= 0


def relu_with_mask(ndarray x: FloatArray, /) -> tuple[FloatArray, BoolArray]:
    """Return `max(0, x)` of every element, and where `x <= 0`."""
    cdef ndarray mask = empty((<object> x).shape, bool)
    return masked(x, mask, _relu_with_mask[float], _relu_with_mask[double]), mask


cdef VECTORISED _zero_where(
    const floating* x, floating* out, unsigned char* mask, Py_ssize_t size
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> 0.0 if mask[i] else x[i]


def zero_where(ndarray x: FloatArray, ndarray mask: BoolArray, /) -> FloatArray:
    """Return a copy of x with 0 where the mask, of the same shape, is True."""
    return masked(x, mask, _zero_where[float], _zero_where[double])


cdef bint _is_usual(double alpha) noexcept:
    """Whether alpha is precise in float, and times an exponential does not overflow. If not, the twin computes."""
    return alpha == 0 or 1e-9 <= alpha <= 1e9


cdef VECTORISED _leaky_relu(const floating* x, floating* out, Py_ssize_t size, floating slope) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = formulas.leaky_relu(x[i], slope)


def leaky_relu(ndarray x: FloatArray, double slope: float, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    if not _is_usual(slope):
        return activations_numpy.leaky_relu(x, slope, out)
    return elementwise(x, _leaky_relu[float], _leaky_relu[double], slope, out)


cdef VECTORISED _leaky_relu_grad(const floating* x, floating* out, Py_ssize_t size, floating slope) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = formulas.leaky_relu_slope(x[i], slope)


def leaky_relu_grad(ndarray x: FloatArray, double slope: float, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    return elementwise(x, _leaky_relu_grad[float], _leaky_relu_grad[double], slope, out)


cdef VECTORISED _elu(const floating* x, floating* out, Py_ssize_t size, floating alpha) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating low = lowest_expm1[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.elu(x[i], alpha, low)


def elu(ndarray x: FloatArray, double alpha: float, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    if not _is_usual(alpha):
        return activations_numpy.elu(x, alpha, out)
    return elementwise(x, _elu[float], _elu[double], alpha, out)


cdef VECTORISED _elu_grad(const floating* x, floating* out, Py_ssize_t size, floating alpha) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating low = lowest[floating](0)
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            out[i] = formulas.elu_slope(x[i], alpha, low)


def elu_grad(ndarray x: FloatArray, double alpha: float, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    if not _is_usual(alpha):
        return activations_numpy.elu_grad(x, alpha, out)
    return elementwise(x, _elu_grad[float], _elu_grad[double], alpha, out)


cdef VECTORISED _softplus(const floating* x, floating* out, Py_ssize_t size, floating unused) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef double low = lowest[double](0), value
    while end < size:
        start, end = end, prefetch_ahead(x, end, size)
        for i in range(start, end):
            # log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), where exp cannot overflow. In double, also for a float.
            value = x[i]
            out[i] = <floating> (
                (value if value > 0 else 0.0) + log_plus_one(formulas.exp_clamped(minus_abs(value), low))
            )


def softplus(ndarray x: FloatArray, ndarray out: FloatArray | None = None, /) -> FloatArray:
    """Return `log(1 + exp(x))` of every element."""
    return elementwise(x, _softplus[float], _softplus[double], 0, out)
