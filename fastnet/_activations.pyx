# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""The activations beyond the sigmoid, compiled: the same functions as in `_activations_numpy.py`, in the same order.

What `_kernels.pyx` says of kernels holds for these, too.
"""

from cython cimport floating
from numpy cimport import_array, ndarray

from fastnet._memory cimport doubles, empty_like, end_of_block, floats, holds_floats
from fastnet._sources cimport FASTNET_FINGERPRINT
from fastnet._vector_math cimport (
    VECTORISED,
    copy_sign,
    exp_negative_times,
    expm1_negative,
    lowest,
    lowest_expm1,
    minus_abs,
)

from fastnet import _activations_numpy

import_array()

fingerprint = FASTNET_FINGERPRINT


cdef inline floating _highest_tanh(floating like) noexcept nogil:
    """What a caller of `_tanh_positive` lowers its arguments to: there tanh(x) is 1. A variable, as `lowest` is."""
    return lowest_expm1(like) * <floating> -0.5 if floating is double else <floating> 9.5


cdef inline floating _tanh_positive(floating x) noexcept nogil:
    """tanh(x) for 0 <= x <= _highest_tanh. A float needs no exponential.

    tanh(x) = n / (n + (1 + d)^2) for any n and d with n / (1 + d)^2 = (exp(2 x) - 1) / 2. Two polynomials will do: of
    those that begin with x and with no constant, these are the ones whose quotient has the smallest relative error, 1e-8,
    up to where a float's tanh is 1. Beyond, at 9.78, 1 + d is 0. The quotient is never above 1, and the closer to 1, the
    less the polynomials' rounding counts. Close to 0 it is d (d + 2) that counts, so 1 is added last.
    """
    cdef floating e, n, d
    if floating is double:
        e = expm1_negative(x * -2.0)
        return -e / (2.0 + e)  # both of which keep their digits near 0
    else:
        n = <float> 0.0031622806563973427
        n = n * x + <float> 0.002814073348417878
        n = n * x + <float> 0.13198824226856232
        n = n * x + <float> 0.027764594182372093
        n = n * (x * x) + x
        d = <float> -1.558239273435902e-05
        d = d * x + <float> 0.0006406155880540609
        d = d * x + <float> -0.011050277389585972
        d = d * x + <float> 0.1006244644522667
        d = d * x + <float> -0.48611778020858765
        d = d * x
        return n / (d * (d + <float> 2.0) + n + <float> 1.0)


cdef VECTORISED _tanh(const floating* x, floating* out, Py_ssize_t size, floating high) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            a = abs(x[i])
            out[i] = copy_sign(_tanh_positive(high if a > high else a), x[i])


def tanh(ndarray x: FloatArray) -> FloatArray:
    """Return the hyperbolic tangent of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _tanh[float](floats(x), floats(out), x.size, _highest_tanh[float](0))
    else:
        _tanh[double](doubles(x), doubles(out), x.size, _highest_tanh[double](0))
    return out


cdef VECTORISED _tanh_grad(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a, e4, e1
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            # The same as 4 e / (1 + e)^2 with e = exp(-2 |x|), which does not lose its digits where tanh is close to 1.
            a = 2 * minus_abs(x[i])
            e4 = exp_negative_times(low if a < low else a, <floating> 4.0)
            e1 = e4 * <floating> 0.25 + <floating> 1.0
            out[i] = e4 / (e1 * e1)


def tanh_grad(ndarray x: FloatArray) -> FloatArray:
    """Return `1 - tanh(x)^2` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _tanh_grad[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _tanh_grad[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef bint _is_usual(double alpha) noexcept:
    """Whether a float holds the factor, and stays normal where it multiplies an exponential. Others are the twin's."""
    return alpha == 0 or 1e-9 <= alpha <= 1e9


cdef VECTORISED _leaky_relu(const floating* x, floating* out, Py_ssize_t size, floating slope) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = slope * x[i] if x[i] < 0 else x[i]


def leaky_relu(ndarray x: FloatArray, slope: float) -> FloatArray:
    """Return `max(slope x, x)` of every element, for 0 < slope <= 1."""
    if not _is_usual(slope):
        return _activations_numpy.leaky_relu(x, slope)
    out = empty_like(x)
    if holds_floats(x):
        _leaky_relu[float](floats(x), floats(out), x.size, slope)
    else:
        _leaky_relu[double](doubles(x), doubles(out), x.size, slope)
    return out


cdef VECTORISED _leaky_relu_grad(const floating* x, floating* out, Py_ssize_t size, floating slope) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating left
    for i in range(size):
        left = slope if x[i] < 0 else x[i]  # NaN stays NaN
        out[i] = <floating> 1.0 if x[i] >= 0 else left


def leaky_relu_grad(ndarray x: FloatArray, slope: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `slope`, of every element, for 0 <= slope <= 1."""
    out = empty_like(x)
    if holds_floats(x):
        _leaky_relu_grad[float](floats(x), floats(out), x.size, slope)
    else:
        _leaky_relu_grad[double](doubles(x), doubles(out), x.size, slope)
    return out


cdef VECTORISED _elu(const floating* x, floating* out, Py_ssize_t size, floating alpha, floating low) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            a = <floating> 0.0 if x[i] > 0 else x[i]
            a = expm1_negative(low if a < low else a)
            out[i] = x[i] if x[i] >= 0 else alpha * a


def elu(ndarray x: FloatArray, alpha: float) -> FloatArray:
    """Return `x` where `x >= 0`, else `alpha (exp(x) - 1)`, of every element."""
    if not _is_usual(alpha):
        return _activations_numpy.elu(x, alpha)
    out = empty_like(x)
    if holds_floats(x):
        _elu[float](floats(x), floats(out), x.size, alpha, lowest_expm1[float](0))
    else:
        _elu[double](doubles(x), doubles(out), x.size, alpha, lowest_expm1[double](0))
    return out


cdef VECTORISED _elu_grad(
    const floating* x, floating* out, Py_ssize_t size, floating alpha, floating low
) noexcept nogil:
    cdef Py_ssize_t start, end = 0, i
    cdef floating a
    while end < size:
        start, end = end, end_of_block(x, end, size)
        for i in range(start, end):
            a = <floating> 0.0 if x[i] > 0 else x[i]
            a = exp_negative_times(low if a < low else a, alpha)
            out[i] = <floating> 1.0 if x[i] >= 0 else a


def elu_grad(ndarray x: FloatArray, alpha: float) -> FloatArray:
    """Return 1 where `x >= 0`, else `alpha exp(x)`, of every element."""
    if not _is_usual(alpha):
        return _activations_numpy.elu_grad(x, alpha)
    out = empty_like(x)
    if holds_floats(x):
        _elu_grad[float](floats(x), floats(out), x.size, alpha, lowest[float](0))
    else:
        _elu_grad[double](doubles(x), doubles(out), x.size, alpha, lowest[double](0))
    return out
