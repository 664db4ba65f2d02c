# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""The losses of predictions, compiled: the same functions as in `_losses_numpy.py`, in the same order.

What `_kernels.pyx` says of kernels holds for these, too.

Shapes: N samples, C classes.
"""

from cpython.float cimport PyFloat_CheckExact
from cython cimport floating
from libc.math cimport INFINITY, NAN
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from numpy cimport (
    NPY_INTP,
    NPY_UINT8,
    PyArray_CheckExact,
    PyArray_ISCARRAY_RO,
    PyArray_SAMESHAPE,
    PyArray_ToScalar,
    PyArray_TYPE,
    import_array,
    ndarray,
)

from fastnet._memory cimport AHEAD, LARGE, address, doubles, fetch, floats, holds_floats, plain, prefetch
from fastnet._rows cimport LANES, TILE, sum_of_row
from fastnet._sources cimport FASTNET_FINGERPRINT
from fastnet._vector_math cimport VECTORISED, bits_of_double, bits_of_float, log_any, lowest_bit

import_array()

fingerprint = FASTNET_FINGERPRINT

ctypedef fused label:
    Py_ssize_t
    uint8_t


cdef enum:
    BLOCKS = 32  # of LANES elements, which make up a TILE
    STEP = 128  # labels that are looked up together
    QUARTER = 32  # of a STEP
    TERMS = 8  # of a sum of logarithms, taken side by side: no more, because short sums are filled up to so many


cdef VECTORISED _add_terms(
    const floating* t, const floating* y, double eps, Py_ssize_t size, double* total
) noexcept nogil:
    """Add sum_i t[i] log(y[i] + eps) to total, in double; size is a multiple of TERMS."""
    cdef Py_ssize_t i, k
    cdef double p
    cdef double lane[TERMS]
    for k in range(TERMS):
        lane[k] = 0.0
    for i from 0 <= i < size by TERMS:
        for k in range(TERMS):
            p = y[i + k] + eps
            p = 1.0 if (p == 0) & (t[i + k] == 0) else p
            lane[k] += t[i + k] * log_any(p)
    for k in range(TERMS):
        total[0] += lane[k]


cdef VECTORISED _largest_label(const label* labels, Py_ssize_t size, size_t* largest) noexcept nogil:
    cdef Py_ssize_t n
    cdef size_t most = 0
    for n in range(size):  # without a sign, what is negative is very large
        most = <size_t> labels[n] if <size_t> labels[n] > most else most
    largest[0] = most


cdef VECTORISED _add_logs(const double* p, Py_ssize_t size, double* total) noexcept nogil:
    """Add sum_i log(p[i]) to total; size is a multiple of TERMS."""
    cdef Py_ssize_t i, k
    cdef double lane[TERMS]
    for k in range(TERMS):
        lane[k] = 0.0
    for i from 0 <= i < size by TERMS:
        for k in range(TERMS):
            lane[k] += log_any(p[i + k])
    for k in range(TERMS):
        total[0] += lane[k]


cdef VECTORISED _multiply_fours(double* p) noexcept nogil:
    """The products of four of p (STEP,), at its beginning; NaN where a factor is negative, as its logarithm is."""
    cdef Py_ssize_t n
    cdef double a, b, c, d
    cdef bint negative
    for n in range(QUARTER):
        a, b, c, d = p[n], p[n + QUARTER], p[n + 2 * QUARTER], p[n + 3 * QUARTER]
        negative = (a < 0) | (b < 0) | (c < 0) | (d < 0)
        a = (a * b) * (c * d)
        p[n] = NAN if negative else a


cdef bint _add_of_labels(
    const floating* y, const label* labels, double eps, Py_ssize_t N, Py_ssize_t C, double* total
) noexcept nogil:
    """Add sum_n log(y[n, labels[n]] + eps) to total and return True; return False where a label is out of range."""
    cdef double p[STEP]
    cdef Py_ssize_t n, size, terms
    cdef size_t largest
    cdef bint large = N * C * <Py_ssize_t> sizeof(floating) > LARGE
    # log(a) + log(b) is log(ab), and a double has the digits and the range for a product of four floats, such an eps
    # added.
    cdef bint by_fours = floating is float and (eps == 0 or 1e-30 <= eps <= 1.0)
    while N > 0:
        size = STEP if STEP < N else N
        _largest_label(labels, size, &largest)
        if largest >= <size_t> C:
            return False
        for n in range(size):
            p[n] = <double> y[n * C + labels[n]] + eps
        if large:
            # The labels of the next step, not checked yet: to name an address where nothing is does no harm.
            for n in range(size, 2 * STEP if 2 * STEP < N else N):
                prefetch(<size_t> y + (<size_t> n * C + <size_t> labels[n]) * sizeof(floating))
        terms = size
        if by_fours and size == STEP:
            _multiply_fours(p)
            terms = QUARTER
        while terms % TERMS:
            p[terms] = 1.0
            terms += 1
        _add_logs(p, terms, total)
        y += size * C
        labels += size
        N -= size
    return True


cdef Py_ssize_t _filled_up(floating* t, floating* y, Py_ssize_t size) noexcept nogil:
    """`size` as a multiple of TERMS, for which terms of 0 are added."""
    while size % TERMS:
        t[size] = y[size] = 0.0
        size += 1
    return size


cdef VECTORISED _terms_that_count(
    const floating* t, const floating* y, Py_ssize_t blocks, uint32_t* bits
) noexcept nogil:
    """A bit for each element, LANES of them in one number: 0 where t is 0, and y such that the term is 0 as well."""
    cdef Py_ssize_t b, k
    cdef uint32_t narrow
    cdef uint64_t wide
    for b in range(blocks):
        fetch(t + 2 * AHEAD, LANES)  # twice as far as elsewhere: little is computed for each
        fetch(y + 2 * AHEAD, LANES)
        # Of a number in [0, 2), the two highest bits are 0; of t = -0 or 0, all but the highest.
        if floating is double:
            wide = 0
            for k in range(LANES):
                wide |= <uint64_t> (((bits_of_double(t[k]) << 1) | (bits_of_double(y[k]) >> 62)) != 0) << k
            bits[b] = <uint32_t> wide
        else:
            narrow = 0
            for k in range(LANES):
                narrow |= <uint32_t> (((bits_of_float(t[k]) << 1) | (bits_of_float(y[k]) >> 30)) != 0) << k
            bits[b] = narrow
        t += LANES
        y += LANES


cdef void _add_of_targets(
    const floating* y, const floating* t, double eps, Py_ssize_t elements, double* total
) noexcept nogil:
    """Add sum_nc t[n, c] log(y[n, c] + eps) to total."""
    cdef uint32_t counts[BLOCKS]
    cdef floating t_kept[2 * TILE]
    cdef floating y_kept[2 * TILE]
    cdef Py_ssize_t b, k, blocks, kept = 0
    cdef uint32_t bits
    while elements >= LANES:
        blocks = BLOCKS if TILE < elements else elements // LANES
        _terms_that_count(t, y, blocks, counts)
        for b in range(blocks):  # a row of a one-hot t costs one logarithm
            bits = counts[b]
            if bits == <uint32_t> 0xFFFFFFFF:
                for k in range(LANES):
                    t_kept[kept + k] = t[k]
                    y_kept[kept + k] = y[k]
                kept += LANES
            else:
                while bits:
                    k = lowest_bit(bits)
                    t_kept[kept] = t[k]
                    y_kept[kept] = y[k]
                    kept += 1
                    bits &= bits - 1
            t += LANES
            y += LANES
        elements -= blocks * LANES
        if kept >= TILE:
            _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept), total)
            kept = 0
    for k in range(elements):
        t_kept[kept + k] = t[k]
        y_kept[kept + k] = y[k]
    _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept + elements), total)


cdef _cross_entropy(const floating* y, ndarray array, ndarray t, double eps):
    """`cross_entropy` of `array`, whose elements begin at y."""
    cdef Py_ssize_t C = array.shape[array.ndim - 1], N = array.size // C
    cdef double total = 0.0
    cdef floating loss
    cdef bint accepted
    if PyArray_TYPE(t) == PyArray_TYPE(array):
        accepted = PyArray_SAMESHAPE(t, array)
        if accepted:
            _add_of_targets(y, <const floating*> address(t), eps, N * C, &total)
    elif not (t.ndim == array.ndim - 1 and (t.ndim == 0 or t.shape[0] == N)):
        accepted = False
    elif PyArray_TYPE(t) == NPY_INTP:
        accepted = _add_of_labels(y, <const Py_ssize_t*> address(t), eps, N, C, &total)
    elif PyArray_TYPE(t) == NPY_UINT8:
        accepted = _add_of_labels(y, <const uint8_t*> address(t), eps, N, C, &total)
    else:
        accepted = False
    if not accepted:
        return None
    loss = <floating> ((0.0 - total) / N)
    return PyArray_ToScalar(&loss, array)


def cross_entropy(y: Any, t: Any, eps: Any) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None where an argument has to be converted or refused.

    y is (N, C) or, for one sample, (C,), not empty; t is like y, and a term with t = 0 and y + eps = 0 is 0; or t is
    (N,) or () labels in [0, C), intp or uint8, in place of the rows of a one-hot t. eps is a float, finite, from 0 on.
    The arrays are as every kernel takes them. The result is a scalar of y's dtype.
    """
    if not (plain(y) and PyArray_CheckExact(t) and PyArray_ISCARRAY_RO(<ndarray> t) and PyFloat_CheckExact(eps)):
        return None
    cdef ndarray array = y
    if array.ndim > 2 or array.size == 0 or not 0 <= <double> eps < INFINITY:
        return None
    if holds_floats(array):
        return _cross_entropy[float](floats(array), array, t, eps)
    return _cross_entropy[double](doubles(array), array, t, eps)


cdef VECTORISED _binary_terms(
    const floating* y, const floating* t, double eps, double* terms, Py_ssize_t size
) noexcept nogil:
    """terms = t log(y + eps) + (1 - t) log(1 - y + eps), in double."""
    cdef Py_ssize_t i
    cdef double yes, no, p, q
    for i in range(size):
        yes = t[i]
        no = 1.0 - yes
        p = <double> y[i] + eps
        q = (1.0 - <double> y[i]) + eps
        p = 1.0 if (p == 0) & (yes == 0) else p
        q = 1.0 if (q == 0) & (no == 0) else q
        terms[i] = yes * log_any(p) + no * log_any(q)


cdef VECTORISED _certain_terms(
    const floating* y, const floating* t, double eps, double* terms, Py_ssize_t size
) noexcept nogil:
    """The same where every t is 0 or 1 and every y from 0 to 1: one logarithm instead of two."""
    cdef Py_ssize_t i
    cdef double p
    for i in range(size):
        p = <double> y[i] if t[i] != 0 else 1.0 - <double> y[i]
        terms[i] = log_any(p + eps)


cdef VECTORISED _count_uncertain(
    const floating* y, const floating* t, Py_ssize_t size, Py_ssize_t* count
) noexcept nogil:
    cdef Py_ssize_t i, certain = 0
    for i in range(size):
        certain += ((t[i] == 0) | (t[i] == 1)) & (y[i] >= 0) & (y[i] <= 1)
    count[0] = size - certain


cdef double _binary_cross_entropy(const floating* y, const floating* t, double eps, Py_ssize_t N) noexcept nogil:
    cdef double terms[TILE]
    cdef double total = 0.0
    cdef Py_ssize_t n = 0, size, uncertain
    while n < N:
        size = TILE if TILE < N - n else N - n
        _count_uncertain(y + n, t + n, size, &uncertain)
        if uncertain:
            _binary_terms(y + n, t + n, eps, terms, size)
        else:
            _certain_terms(y + n, t + n, eps, terms, size)
        total += sum_of_row(terms, size)
        n += size
    return (0.0 - total) / N


def binary_cross_entropy(ndarray y: FloatArray, ndarray t: FloatArray, eps: float) -> float:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    if holds_floats(y):
        return _binary_cross_entropy[float](floats(y), floats(t), eps, y.size)
    return _binary_cross_entropy[double](doubles(y), doubles(t), eps, y.size)
