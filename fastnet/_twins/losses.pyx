"""The losses of predictions y, compiled. The twin is `losses_numpy.py`: the same functions in the same order.

The formula of one term is `cross_entropy_term` in `shared/formulas.pxd`. Most of the code here serves to take fewer
logarithms: one for four labels, and none for a zero of a one-hot t. The rules for all kernels are in `_kernels.pyx`.

Shapes: N samples, C classes.
"""

from cpython.float cimport PyFloat_CheckExact
from cython cimport floating
from libc.math cimport INFINITY, NAN
from libc.stdint cimport uint32_t, uint64_t

from fastnet._twins.shared.dispatch cimport OPTIMISED, UNROLLED, VECTORISED, over_rows, scalar_like
from fastnet._twins.shared.formulas cimport cross_entropy_term, is_outside
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
from fastnet._twins.shared.vector_math cimport bits_of_double, bits_of_float, lowest_bit

__all__ = ["are_probabilities", "binary_cross_entropy", "cross_entropy"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    WORDS = 32  # words of LANES bits: one bit for each element of a TILE
    STEP = 128  # labels that the loop looks up at a time
    QUARTER = 32  # a quarter of a STEP
    TERMS = 8  # logarithms that the loop computes at a time. A larger number would pad short sums with more terms.


cdef UNROLLED _find_outside(const floating* t, Py_ssize_t size, bint* found) noexcept nogil:
    found[0] = is_outside(t, size)


cdef bint _are_probabilities(
    const floating* x, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double number, double* loss,
) noexcept nogil:
    cdef bint outside
    _find_outside(x, N * C, &outside)
    return not outside


def are_probabilities(ndarray t: FloatArray, /) -> bool:
    """Return whether no element of t is outside [0, 1]; NaN is not. t is not empty."""
    return over_rows(t, None, None, None, 1, 0, NULL, _are_probabilities[float], _are_probabilities[double])


cdef UNROLLED _add_terms(
    const floating* t, const floating* y, double eps, Py_ssize_t size, double* total, bint* negative
) noexcept nogil:
    """Add sum_i t[i] log(y[i] + eps) to total, in double; size is a multiple of TERMS.

    negative: whether some t (1 - t) has the sign bit, as it has if t is outside [0, 1], -0 or NaN.
    """
    cdef Py_ssize_t i, k
    cdef double lane[TERMS]
    cdef uint64_t bits[TERMS]
    cdef double weight
    for k in range(TERMS):
        lane[k] = 0.0
        bits[k] = 0
    for i from 0 <= i < size by TERMS:
        for k in range(TERMS):
            weight = t[i + k]
            lane[k] += cross_entropy_term(weight, y[i + k] + eps)
            bits[k] |= bits_of_double(weight * (1.0 - weight))
    for k in range(TERMS):
        total[0] += lane[k]
        bits[0] |= bits[k]
    negative[0] = bits[0] >> 63


cdef VECTORISED _largest_label(const Py_ssize_t* labels, Py_ssize_t size, size_t* largest) noexcept nogil:
    cdef Py_ssize_t n
    cdef size_t most = 0
    for n in range(size):  # as an unsigned number, a negative label is very large
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
            lane[k] += cross_entropy_term(1.0, p[i + k])
    for k in range(TERMS):
        total[0] += lane[k]


cdef VECTORISED _multiply_fours(double* p) noexcept nogil:
    """Replace the first quarter of p (STEP,) by products of four elements; NaN where a factor is negative."""
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
    """Add sum_n log(y[n, labels[n]] + eps) to total. in_range: whether all labels are in [0, C)."""
    cdef double p[STEP]
    cdef Py_ssize_t n, size, terms
    cdef size_t largest
    cdef bint large = N * C * <Py_ssize_t> sizeof(floating) > LARGE
    # log(a) + log(b) = log(a b), so one logarithm serves four labels. A double has enough digits and range for a
    # product of four float values with such an eps. With a logarithm for each, 10,000 labels take 1.7 times as long.
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
            # The labels of the next step are not checked yet. Prefetching an invalid address has no effect.
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
    """Pad t and y with terms of 0 to a multiple of TERMS. Return the new size."""
    while size % TERMS:
        t[size] = y[size] = 0.0
        size += 1
    return size


cdef UNROLLED _terms_that_count(
    const floating* t, const floating* y, Py_ssize_t words, uint32_t* bits
) noexcept nogil:
    """Set one bit for each element: 0 if t = 0 and 0 <= y < 2, where the term is 0, else 1. LANES bits in one word."""
    cdef Py_ssize_t b, k
    cdef uint32_t narrow
    cdef uint64_t wide
    for b in range(words):
        prefetch_elements(t + 2 * AHEAD, LANES)  # twice the usual distance: the loop computes little
        prefetch_elements(y + 2 * AHEAD, LANES)
        # The two highest bits of a number in [0, 2) are 0. All bits of t = 0 or -0, except the highest, are 0.
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
    const floating* y, const floating* t, double eps, Py_ssize_t elements, double* total, bint* in_range
) noexcept nogil:
    """Add sum_nc t[n, c] log(y[n, c] + eps) to total. Set in_range to False if a t is outside [0, 1]."""
    cdef uint32_t words_of_bits[WORDS]
    cdef floating t_kept[2 * TILE]
    cdef floating y_kept[2 * TILE]
    cdef Py_ssize_t b, k, words, kept = 0
    cdef uint32_t bits
    cdef bint outside
    while elements >= LANES:
        words = WORDS if TILE < elements else elements // LANES
        _terms_that_count(t, y, words, words_of_bits)
        for b in range(words):  # keep only the elements whose bit is 1: one for each row of a one-hot t
            bits = words_of_bits[b]
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
            _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept), total, &outside)
            if outside:
                _find_outside(t_kept, kept, &outside)
            if outside:
                in_range[0] = False
                return
            kept = 0
    for k in range(elements):
        t_kept[kept + k] = t[k]
        y_kept[kept + k] = y[k]
    kept += elements
    _add_terms(t_kept, y_kept, eps, _filled_up(t_kept, y_kept, kept), total, &outside)
    if outside:
        _find_outside(t_kept, kept, &outside)
    in_range[0] = not outside


cdef bint _cross_entropy(
    const floating* y, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double eps, double* loss,
) noexcept nogil:
    """Compute the loss for labels, or, if labels is NULL, for t. Return False if a label or a t is out of range."""
    cdef double total = 0.0
    cdef bint in_range = True
    if labels is NULL:
        _add_of_targets(y, t, eps, N * C, &total, &in_range)
    else:
        _add_of_labels(y, labels, eps, N, C, &total, &in_range)
    loss[0] = (0.0 - total) / N
    return in_range


def cross_entropy(y: Any, t: Any, eps: Any, /) -> Any:
    """Return `-sum_nc t[n, c] log(y[n, c] + eps) / N`, or None if an argument needs conversion or is not valid.

    y is (N, C), or (C,) for one sample; not empty. t has the shape and dtype of y, and no element outside [0, 1]; a
    term with t = 0 and y + eps = 0 is 0. Or t holds labels in [0, C), intp or uint8, of shape (N,) or (): a label is
    short for a one-hot row. eps is a finite float, at least 0. The result is a scalar with the dtype of y.
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
    const floating* y, const floating* t, double eps, double* terms, Py_ssize_t size, bint* negative
) noexcept nogil:
    """terms = t log(y + eps) + (1 - t) log(1 - y + eps), in double.

    negative: whether some t (1 - t) has the sign bit, as it has if t is outside [0, 1], -0 or NaN.
    """
    cdef Py_ssize_t i
    cdef uint64_t bits = 0
    for i in range(size):
        bits |= bits_of_double(<double> t[i] * (1.0 - <double> t[i]))
        terms[i] = (
            cross_entropy_term(t[i], <double> y[i] + eps)
            + cross_entropy_term(1.0 - <double> t[i], (1.0 - <double> y[i]) + eps)
        )
    negative[0] = bits >> 63


cdef VECTORISED _certain_terms(
    const floating* y, const floating* t, double eps, double* terms, Py_ssize_t size
) noexcept nogil:
    """The same if every t is 0 or 1 and every y is in [0, 1]: one logarithm instead of two, in half of the time."""
    cdef Py_ssize_t i
    cdef double p
    for i in range(size):
        p = <double> y[i] if t[i] != 0 else 1.0 - <double> y[i]
        terms[i] = cross_entropy_term(1.0, p + eps)


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
    """Return False if a t is outside [0, 1]."""
    cdef double terms[TILE]
    cdef double total = 0.0
    cdef Py_ssize_t n = 0, size, uncertain
    cdef bint outside
    while n < N:
        size = TILE if TILE < N - n else N - n
        _count_uncertain(y + n, t + n, size, &uncertain)
        if uncertain:
            _binary_terms(y + n, t + n, eps, terms, size, &outside)
            if outside:
                _find_outside(t + n, size, &outside)
            if outside:
                return False
        else:
            _certain_terms(y + n, t + n, eps, terms, size)
        _add_sum(terms, size, &total)
        n += size
    loss[0] = (0.0 - total) / N
    return True


def binary_cross_entropy(ndarray y: FloatArray, ndarray t: FloatArray, double eps: float, /) -> float | None:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term is 0 if its weight, t or 1 - t, and the argument of its logarithm are both 0. The result is None if an
    element of t is outside [0, 1].
    """
    cdef double loss
    if not over_rows(y, t, None, None, 1, eps, &loss, _binary_cross_entropy[float], _binary_cross_entropy[double]):
        return None
    return loss
