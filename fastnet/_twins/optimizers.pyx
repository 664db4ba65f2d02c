"""One update of a parameter by each of the book's optimizers, compiled. The twin is `optimizers_numpy.py`.

    p is the parameter and g its gradient. v, h and m are the state of the optimizer: they keep their values from update
    to update, and are 0 before the first. Every operation is elementwise.

NumPy makes one pass over memory for every operation, and an array for every intermediate result. Here one pass does
all of it.

The twins agree to the last bit: both round after every operation, in the book's order. A fused multiply-add rounds only
once, so the compiler must not use it here.

The kernels check nothing. The arrays of a call are C-contiguous, aligned, in native byte order, of one shape with at
least one dimension, and of one dtype, float32 or float64. No two of them share memory. The kernels change all but g in
place. `is_movable` returns whether arrays fulfil all this.
"""

from cython cimport floating
from libc.math cimport sqrt, sqrtf

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport (
    PyArray_ISWRITEABLE,
    PyArray_NBYTES,
    PyArray_SAMESHAPE,
    PyArray_TYPE,
    address,
    holds_floats,
    import_array,
    ndarray,
    plain,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.threads cimport Part, share

__all__ = ["adagrad", "adam", "descend", "is_movable", "momentum", "nesterov", "rmsprop"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef extern from *:
    """
    /* No fused multiply-add: see above. (MSVC does not fuse on x86-64.) */
    #if defined(__clang__)
    #pragma STDC FP_CONTRACT OFF
    #elif defined(__GNUC__)
    #pragma GCC optimize ("fp-contract=off")
    #endif

    #define FASTNET_EPS 1e-7
    """
    const double EPS "FASTNET_EPS"  # the book's: avoids a division by 0


cdef enum:
    BLOCK = 4096     # elements that one thread moves, at least
    BLOCKS = 8       # blocks into which a large parameter is divided, at most: so many threads can share it
    OPERATIONS = 16  # multiplications that take as long as the update of an element: it waits for memory


# A loop moves p (size,) by its gradient g. v and m are the state, or NULL.
ctypedef void (*FloatLoop)(
    float* p, const float* g, float* v, float* m, Py_ssize_t size, const double* numbers
) noexcept nogil
ctypedef void (*DoubleLoop)(
    double* p, const double* g, double* v, double* m, Py_ssize_t size, const double* numbers
) noexcept nogil


cdef struct Update:
    Py_ssize_t size, blocks
    FloatLoop of_floats
    DoubleLoop of_doubles
    const double* numbers
    void *p
    void *g
    void *v
    void *m


cdef inline floating* _from(void* array, Py_ssize_t first, floating* _) noexcept nogil:
    return NULL if array == NULL else <floating*> array + first


cdef Py_ssize_t _move(
    const Update* update, Py_ssize_t first, Py_ssize_t last, char* memory, floating* like
) noexcept nogil:
    cdef Py_ssize_t begin = update.size * first // update.blocks, end = update.size * last // update.blocks
    cdef floating* p = _from(update.p, begin, like)
    cdef floating* g = _from(update.g, begin, like)
    cdef floating* v = _from(update.v, begin, like)
    cdef floating* m = _from(update.m, begin, like)
    if memory == NULL:
        return 0
    if floating is float:
        update.of_floats(p, g, v, m, end - begin, update.numbers)
    else:
        update.of_doubles(p, g, v, m, end - begin, update.numbers)
    return 0


cdef int update(
    ndarray p, ndarray g, ndarray v, ndarray m, FloatLoop of_floats, DoubleLoop of_doubles, const double* numbers
) except -1:
    # Update p, v and m in place. v and m may be None. A small parameter without the GIL would take longer.
    cdef Update call
    cdef Part part
    call.size, call.blocks = p.size, max(1, min(BLOCKS, p.size // BLOCK))
    call.of_floats, call.of_doubles, call.numbers = of_floats, of_doubles, numbers
    call.p, call.g = address(p), address(g)
    call.v, call.m = NULL if v is None else address(v), NULL if m is None else address(m)
    part = <Part> _move[float] if holds_floats(p) else <Part> _move[double]
    if call.blocks == 1:
        part(&call, 0, 1, <char*> numbers, NULL)
        return 0
    try:
        share(part, &call, call.blocks, <double> OPERATIONS * p.size)
    except KeyboardInterrupt:
        # It came before the first block was moved. This parameter makes its step all the same, as the parameters before
        # it have, and those after it will.
        part(&call, 0, call.blocks, <char*> numbers, NULL)
        raise
    return 0


cdef inline floating _root(floating x) noexcept nogil:
    if floating is double:
        return sqrt(x)
    else:
        return sqrtf(x)


cdef bint _overlap(ndarray a, ndarray b):
    cdef char* first = <char*> address(a)
    cdef char* second = <char*> address(b)
    return first < second + PyArray_NBYTES(b) and second < first + PyArray_NBYTES(a)


def is_movable(arrays: tuple[Any, ...], /) -> bool:
    """Return whether a kernel can take `arrays`, p, g and the state, without conversion."""
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


cdef VECTORISED _descend(
    floating* p, const floating* g, floating* v, floating* m, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0]
    for i in range(size):
        p[i] -= lr * g[i]


def descend(ndarray p: FloatArray, ndarray g: FloatArray, double lr: float, /) -> None:
    """Move p in place against its gradient g: `p -= lr * g`."""
    update(p, g, None, None, _descend[float], _descend[double], [lr])


cdef VECTORISED _momentum(
    floating* p, const floating* g, floating* v, floating* m, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0], momentum = <floating> numbers[1]
    for i in range(size):
        v[i] = momentum * v[i] - lr * g[i]
        p[i] += v[i]


def momentum(
    ndarray p: FloatArray, ndarray g: FloatArray, ndarray v: FloatArray, double lr: float, double momentum: float, /
) -> None:
    """Update the velocity v, then move p by it: `v = momentum * v - lr * g`, `p += v`."""
    update(p, g, v, None, _momentum[float], _momentum[double], [lr, momentum])


cdef VECTORISED _nesterov(
    floating* p, const floating* g, floating* v, floating* m, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0], momentum = <floating> numbers[1]
    cdef floating of_v = <floating> (numbers[1] * numbers[1]), of_g = <floating> ((1 + numbers[1]) * numbers[0])
    for i in range(size):
        p[i] = p[i] + of_v * v[i] - of_g * g[i]
        v[i] = momentum * v[i] - lr * g[i]


def nesterov(
    ndarray p: FloatArray, ndarray g: FloatArray, ndarray v: FloatArray, double lr: float, double momentum: float, /
) -> None:
    """Move p by the old velocity, then update the velocity.

    `p += momentum² * v`, `p -= (1 + momentum) * lr * g`, `v = momentum * v - lr * g`.
    """
    update(p, g, v, None, _nesterov[float], _nesterov[double], [lr, momentum])


cdef VECTORISED _adagrad(
    floating* p, const floating* g, floating* h, floating* m, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0], eps = <floating> EPS
    for i in range(size):
        h[i] += g[i] * g[i]
        p[i] -= lr * g[i] / (_root(h[i]) + eps)


def adagrad(ndarray p: FloatArray, ndarray g: FloatArray, ndarray h: FloatArray, double lr: float, /) -> None:
    """Sum the squares of the gradients: `h += g * g`, `p -= lr * g / (sqrt(h) + EPS)`."""
    update(p, g, h, None, _adagrad[float], _adagrad[double], [lr])


cdef VECTORISED _rmsprop(
    floating* p, const floating* g, floating* h, floating* m, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0], decay_rate = <floating> numbers[1], rest = <floating> (1 - numbers[1])
    cdef floating eps = <floating> EPS
    for i in range(size):
        h[i] = decay_rate * h[i] + rest * g[i] * g[i]
        p[i] -= lr * g[i] / (_root(h[i]) + eps)


def rmsprop(
    ndarray p: FloatArray, ndarray g: FloatArray, ndarray h: FloatArray, double lr: float, double decay_rate: float, /
) -> None:
    """Average the squares of the gradients.

    `h = decay_rate * h + (1 - decay_rate) * g * g`, `p -= lr * g / (sqrt(h) + EPS)`.
    """
    update(p, g, h, None, _rmsprop[float], _rmsprop[double], [lr, decay_rate])


cdef VECTORISED _adam(
    floating* p, const floating* g, floating* m, floating* v, Py_ssize_t size, const double* numbers
) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating lr = <floating> numbers[0], rest1 = <floating> (1 - numbers[1]), rest2 = <floating> (1 - numbers[2])
    cdef floating eps = <floating> EPS
    for i in range(size):
        m[i] += rest1 * (g[i] - m[i])
        v[i] += rest2 * (g[i] * g[i] - v[i])
        p[i] -= lr * m[i] / (_root(v[i]) + eps)


def adam(
    ndarray p: FloatArray, ndarray g: FloatArray, ndarray m: FloatArray, ndarray v: FloatArray,
    double lr: float, double beta1: float, double beta2: float, /,
) -> None:
    """Average the gradients and their squares. `lr` includes the correction for the initial zeros of m and v.

    `m += (1 - beta1) * (g - m)`, `v += (1 - beta2) * (g * g - v)`, `p -= lr * m / (sqrt(v) + EPS)`.
    """
    update(p, g, m, v, _adam[float], _adam[double], [lr, beta1, beta2])
