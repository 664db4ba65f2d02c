"""The losses of predictions, compiled: the same functions as in `losses_numpy.py`, in the same order.

What `_kernels.pyx` says of kernels holds for these, too.

Shapes: N samples, C classes.
"""

from cpython.float cimport PyFloat_CheckExact
from cython cimport floating
from libc.math cimport INFINITY, NAN
from libc.stdint cimport uint32_t, uint64_t

from fastnet._twins.shared.dispatch cimport OPTIMISED, UNROLLED, VECTORISED, over_rows, scalar_like
from fastnet._twins.shared.formulas cimport cross_entropy_term
from fastnet._twins.shared.memory cimport (
    AHEAD,
    LARGE,
    NPY_INTP,
    NPY_UINT8,
    PyArray_Cast,
    PyArray_SAMESHAPE,
    PyArray_TYPE,
    import_array,
    is_carray,
    ndarray,
    plain,
    prefetch,
    prefetch_elements,
)
from fastnet._twins.shared.rows cimport LANES, TILE, sum_of_row
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport bits_of_double, bits_of_float, log_any, lowest_bit

__all__ = ["binary_cross_entropy", "cross_entropy"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    WORDS = 32  # of LANES bits, one for each element of a TILE
    STEP = 128  # labels that are looked up together
    QUARTER = 32  # of a STEP
    TERMS = 8  # of a sum of logarithms, taken side by side: no more, because short sums are filled up to so many


cdef UNROLLED _add_terms(
    const floating* t, const floating* y, double eps, Py_ssize_t size, double* total
) noexcept nogil:
    """Add sum_i t[i] log(y[i] + eps) to total, in double; size is a multiple of TERMS."""
    cdef Py_ssize_t i, k
    cdef double lane[TERMS]
    for k in range(TERMS):
        lane[k] = 0.0
    for i from 0 <= i < size by TERMS:
        for k in range(TERMS):
            lane[k] += cross_entropy_term(t[i + k], y[i + k] + eps)
    for k in range(TERMS):
        total[0] += lane[k]


cdef VECTORISED _largest_label(const Py_ssize_t* labels, Py_ssize_t size, size_t* largest) noexcept nogil:
    cdef Py_ssize_t n
    cdef size_t most = 0
    for n in range(size):  # without a sign, what is negative is very large
        most = <size_t> labels[n] if <size_t> labels[n] > most else most
    largest[0] = most


cdef UNROLLED _add_logs(const double* p, Py_ssize_t size, double* total) noexcept nogil:
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


cdef OPTIMISED _add_of_labels(
    const floating* y, const Py_ssize_t* labels, double eps, Py_ssize_t N, Py_ssize_t C, double* total, bint* in_range
) noexcept nogil:
    """Add sum_n log(y[n, labels[n]] + eps) to total, and say whether all labels are in range."""
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
        in_range[0] = largest < <size_t> C
        if not in_range[0]:
            return
        for n in range(size):
            p[n] = <double> y[n * C + labels[n]] + eps
        if large:
            # The labels of the next step are not checked yet: prefetching from where there is no memory does no harm.
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


cdef Py_ssize_t _filled_up(floating* t, floating* y, Py_ssize_t size) noexcept nogil:
    """`size` as a multiple of TERMS, for which terms of 0 are added."""
    while size % TERMS:
        t[size] = y[size] = 0.0
        size += 1
    return size


cdef UNROLLED _terms_that_count(
    const floating* t, const floating* y, Py_ssize_t words, uint32_t* bits
) noexcept nogil:
    """A bit for each element, LANES of them in one number: 0 where t is 0, and y such that the term is 0 as well."""
    cdef Py_ssize_t b, k
    cdef uint32_t narrow
    cdef uint64_t wide
    for b in range(words):
        prefetch_elements(t + 2 * AHEAD, LANES)  # twice as far as elsewhere: little is computed for each
        prefetch_elements(y + 2 * AHEAD, LANES)
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


cdef OPTIMISED _add_of_targets(
    const floating* y, const floating* t, double eps, Py_ssize_t elements, double* total
) noexcept nogil:
    """Add sum_nc t[n, c] log(y[n, c] + eps) to total."""
    cdef uint32_t counts[WORDS]
    cdef floating t_kept[2 * TILE]
    cdef floating y_kept[2 * TILE]
    cdef Py_ssize_t b, k, words, kept = 0
    cdef uint32_t bits
    while elements >= LANES:
        words = WORDS if TILE < elements else elements // LANES
        _terms_that_count(t, y, words, counts)
        for b in range(words):  # a row of a one-hot t costs one logarithm
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
        elements -= words * LANES
        if kept >= TILE:
            _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept), total)
            kept = 0
    for k in range(elements):
        t_kept[kept + k] = t[k]
        y_kept[kept + k] = y[k]
    _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept + elements), total)


cdef bint _cross_entropy(
    const floating* y, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double eps, double* loss,
) noexcept nogil:
    """The loss by labels, or by t where labels is NULL; False where a label is out of range."""
    cdef double total = 0.0
    cdef bint in_range = True
    if labels is NULL:
        _add_of_targets(y, t, eps, N * C, &total)
    else:
        _add_of_labels(y, labels, eps, N, C, &total, &in_range)
    loss[0] = (0.0 - total) / N
    return in_range


def cross_entropy(y: Any, t: Any, eps: Any, /) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None where an argument has to be converted or refused.

    y is (N, C) or, for one sample, (C,), not empty; t is like y, and a term with t = 0 and y + eps = 0 is 0; or t is
    (N,) or () labels in [0, C), intp or uint8, in place of the rows of a one-hot t. eps is a float, finite, from 0 on.
    The arrays are as every kernel takes them. The result is a scalar of y's dtype.
    """
    if not (plain(y) and is_carray(t) and PyFloat_CheckExact(eps)):
        return None
    cdef ndarray array = <ndarray> y, targets = <ndarray> t
    cdef bint are_rows = PyArray_TYPE(targets) == PyArray_TYPE(array)
    cdef double loss
    if array.ndim > 2 or array.size == 0 or not 0 <= <double> eps < INFINITY:
        return None
    if are_rows:
        if not PyArray_SAMESHAPE(targets, array):
            return None
    elif targets.ndim != array.ndim - 1 or array.ndim == 2 and targets.shape[0] != array.shape[0]:
        return None
    elif PyArray_TYPE(targets) == NPY_UINT8:
        targets = PyArray_Cast(targets, NPY_INTP)
    elif PyArray_TYPE(targets) != NPY_INTP:
        return None
    if not over_rows(
        array, targets if are_rows else None, None if are_rows else targets, None, array.shape[array.ndim - 1], eps,
        &loss, _cross_entropy[float], _cross_entropy[double],
    ):
        return None
    return scalar_like(array, loss)


cdef VECTORISED _binary_terms(
    const floating* y, const floating* t, double eps, double* terms, Py_ssize_t size
) noexcept nogil:
    """terms = t log(y + eps) + (1 - t) log(1 - y + eps), in double."""
    cdef Py_ssize_t i
    for i in range(size):
        terms[i] = (
            cross_entropy_term(t[i], <double> y[i] + eps)
            + cross_entropy_term(1.0 - <double> t[i], (1.0 - <double> y[i]) + eps)
        )


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


cdef UNROLLED _add_sum(const double* terms, Py_ssize_t size, double* total) noexcept nogil:
    total[0] += sum_of_row(terms, size)


cdef bint _binary_cross_entropy(
    const floating* y, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double eps, double* loss,
) noexcept nogil:
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
        _add_sum(terms, size, &total)
        n += size
    loss[0] = (0.0 - total) / N
    return True


def binary_cross_entropy(ndarray y: FloatArray, ndarray t: FloatArray, double eps: float, /) -> float:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    cdef double loss
    over_rows(y, t, None, None, 1, eps, &loss, _binary_cross_entropy[float], _binary_cross_entropy[double])
    return loss
