# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""One update of a parameter by each of the book's optimizers, compiled: the functions of `_optimizers_numpy.py`.

    p is the parameter, g the gradient of the loss by it; v, h and m are what the optimizer remembers from update to
    update, all of them 0 before the first. Every operation is of elements.

What NumPy does in a pass over memory for every operation, with an array for every result on the way, is one pass here.

The twins agree to the last bit: both round after every operation, in the book's order. That is why setup.py compiles
this module with -ffp-contract=off: a processor that multiplies and adds in one instruction would round once for both.

Kernels check nothing: the arrays of a call are C-contiguous, native and aligned, of one shape with at least one
dimension and of one dtype, float32 or float64, and no two share memory. All but g are changed in place. `is_movable`
tells whether arrays are like that.
"""

from cython cimport floating
from libc.math cimport sqrt, sqrtf
from numpy cimport PyArray_ISWRITEABLE, PyArray_NBYTES, PyArray_SAMESHAPE, PyArray_TYPE, import_array, ndarray

from fastnet._memory cimport address, doubles, floats, holds_floats, plain
from fastnet._sources cimport FASTNET_FINGERPRINT
from fastnet._vector_math cimport VECTORISED

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef double EPS = 1e-7  # the book's: no division by the root of 0


cdef inline floating _root(floating x) noexcept nogil:
    if floating is double:
        return sqrt(x)
    else:
        return sqrtf(x)


cdef bint _overlap(ndarray a, ndarray b):
    cdef char* first = <char*> address(a)
    cdef char* second = <char*> address(b)
    return first < second + PyArray_NBYTES(b) and second < first + PyArray_NBYTES(a)


def is_movable(arrays: tuple[Any, ...]) -> bool:
    """Return whether a kernel can take `arrays` as they are: the parameter, the gradient, and what is remembered."""
    cdef Py_ssize_t i, k
    cdef ndarray array
    cdef ndarray first
    for i in range(len(arrays)):
        if not plain(arrays[i]):
            return False
        array, first = arrays[i], arrays[0]
        if PyArray_TYPE(array) != PyArray_TYPE(first) or not PyArray_SAMESHAPE(array, first):
            return False
        if i != 1 and not PyArray_ISWRITEABLE(array):
            return False
        for k in range(i):
            if _overlap(array, arrays[k]):
                return False
    return True


cdef VECTORISED _descend(floating* p, const floating* g, Py_ssize_t size, floating lr) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        p[i] -= lr * g[i]


def descend(ndarray p: FloatArray, ndarray g: FloatArray, lr: float) -> None:
    """Move p in place against its gradient g: `p -= lr * g`."""
    if holds_floats(p):
        _descend[float](floats(p), floats(g), p.size, lr)
    else:
        _descend[double](doubles(p), doubles(g), p.size, lr)


cdef VECTORISED _momentum(
    floating* p, const floating* g, floating* v, Py_ssize_t size, floating lr, floating momentum
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        v[i] = momentum * v[i] - lr * g[i]
        p[i] += v[i]


def momentum(ndarray p: FloatArray, ndarray g: FloatArray, ndarray v: FloatArray, lr: float, momentum: float) -> None:
    """Update the velocity v, then move p by it: `v = momentum * v - lr * g`, `p += v`."""
    if holds_floats(p):
        _momentum[float](floats(p), floats(g), floats(v), p.size, lr, momentum)
    else:
        _momentum[double](doubles(p), doubles(g), doubles(v), p.size, lr, momentum)


cdef VECTORISED _nesterov(
    floating* p, const floating* g, floating* v, Py_ssize_t size,
    floating lr, floating momentum, floating of_v, floating of_g,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        p[i] = p[i] + of_v * v[i] - of_g * g[i]
        v[i] = momentum * v[i] - lr * g[i]


def nesterov(ndarray p: FloatArray, ndarray g: FloatArray, ndarray v: FloatArray, lr: float, momentum: float) -> None:
    """Move p by the old velocity, then update that.

    `p += momentum² * v`, `p -= (1 + momentum) * lr * g`, `v = momentum * v - lr * g`.
    """
    cdef double of_v = momentum * momentum, of_g = (1 + momentum) * lr  # in double, whatever the arrays hold
    if holds_floats(p):
        _nesterov[float](floats(p), floats(g), floats(v), p.size, lr, momentum, of_v, of_g)
    else:
        _nesterov[double](doubles(p), doubles(g), doubles(v), p.size, lr, momentum, of_v, of_g)


cdef VECTORISED _adagrad(
    floating* p, const floating* g, floating* h, Py_ssize_t size, floating lr, floating eps
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        h[i] += g[i] * g[i]
        p[i] -= lr * g[i] / (_root(h[i]) + eps)


def adagrad(ndarray p: FloatArray, ndarray g: FloatArray, ndarray h: FloatArray, lr: float) -> None:
    """Sum up the squares of the gradients: `h += g * g`, `p -= lr * g / (sqrt(h) + EPS)`."""
    if holds_floats(p):
        _adagrad[float](floats(p), floats(g), floats(h), p.size, lr, EPS)
    else:
        _adagrad[double](doubles(p), doubles(g), doubles(h), p.size, lr, EPS)


cdef VECTORISED _rmsprop(
    floating* p, const floating* g, floating* h, Py_ssize_t size,
    floating lr, floating decay_rate, floating rest, floating eps,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        h[i] = decay_rate * h[i] + rest * g[i] * g[i]
        p[i] -= lr * g[i] / (_root(h[i]) + eps)


def rmsprop(ndarray p: FloatArray, ndarray g: FloatArray, ndarray h: FloatArray, lr: float, decay_rate: float) -> None:
    """Average the squares of the gradients.

    `h = decay_rate * h + (1 - decay_rate) * g * g`, `p -= lr * g / (sqrt(h) + EPS)`.
    """
    cdef double rest = 1 - decay_rate
    if holds_floats(p):
        _rmsprop[float](floats(p), floats(g), floats(h), p.size, lr, decay_rate, rest, EPS)
    else:
        _rmsprop[double](doubles(p), doubles(g), doubles(h), p.size, lr, decay_rate, rest, EPS)


cdef VECTORISED _adam(
    floating* p, const floating* g, floating* m, floating* v, Py_ssize_t size,
    floating lr, floating rest1, floating rest2, floating eps,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        m[i] += rest1 * (g[i] - m[i])
        v[i] += rest2 * (g[i] * g[i] - v[i])
        p[i] -= lr * m[i] / (_root(v[i]) + eps)


def adam(
    ndarray p: FloatArray, ndarray g: FloatArray, ndarray m: FloatArray, ndarray v: FloatArray,
    lr: float, beta1: float, beta2: float,
) -> None:
    """Average the gradients and their squares; `lr` holds the correction for the zeros that both begin with.

    `m += (1 - beta1) * (g - m)`, `v += (1 - beta2) * (g * g - v)`, `p -= lr * m / (sqrt(v) + EPS)`.
    """
    cdef double rest1 = 1 - beta1, rest2 = 1 - beta2
    if holds_floats(p):
        _adam[float](floats(p), floats(g), floats(m), floats(v), p.size, lr, rest1, rest2, EPS)
    else:
        _adam[double](doubles(p), doubles(g), doubles(m), doubles(v), p.size, lr, rest1, rest2, EPS)
