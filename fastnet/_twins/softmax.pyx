"""Softmax, and softmax with cross-entropy and its gradient in one call, compiled. The twin is `softmax_numpy.py`.

Read the twin first. It has the same functions in the same order. Most of the code here serves two aims: results
precise to a few ULP, and loops that the compiler turns into vector instructions. The rules for all kernels are in
`_kernels.pyx`.

Softmax of a row is exp(x - largest) / sum. The subtraction rounds, and exp turns this rounding error into a relative
error of up to 256 ULP. But a common factor of all exponentials cancels in the quotient, so there are three ways:

- near: most values are so close to 0 that exp(x) neither overflows nor becomes subnormal. Then the factor is 1, and the
  maximum is not needed. The kernel tries this first: without it, 10,000 rows of ten take 2.1 times as long in float32.
- below: the factor is 2^-m, where m is largest / ln 2, rounded to an integer. It only changes the exponent of exp(x),
  and causes no rounding error.
- far: if the largest value is far from 0, exp(x - largest + error), where `error` is the rounding error of x - largest.

Shapes: N samples, C classes.
"""

from cython cimport floating
from libc.math cimport INFINITY, fabs, floor, isinf

from fastnet._twins.shared.dispatch cimport OPTIMISED, UNROLLED, VECTORISED, over_rows
from fastnet._twins.shared.memory cimport AHEAD, empty_like, import_array, ndarray, prefetch_elements
from fastnet._twins.shared.rows cimport (
    FEW, LANES, TILE, add_compensated, lost_by_rounding, softmax_limit, sum_of_lanes, sum_of_row,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport exp_negative, exp_scaled, log_plus_one, lowest, minus_abs

__all__ = ["softmax", "softmax_cross_entropy_labels", "softmax_cross_entropy_targets"]

import_array()

fingerprint = FASTNET_FINGERPRINT


cdef inline floating far(floating like) noexcept nogil:
    """The bound of |largest| for `exp_below`: up to it, n times the first part of ln 2 is exact in `exp_scaled`."""
    return 600.0 if floating is double else <floating> 200.0


cdef inline floating rounder_below(floating m) noexcept nogil:
    """The `rounder` with which `exp_scaled` also multiplies by 2^-m."""
    if floating is double:
        return 6755399441057367.0 - m  # 1.5 * 2^52 + 1023 + 600
    else:
        return <floating> 12583103.0 - m  # 1.5 * 2^23 + 127 + 64


cdef inline floating exp_below(floating x, floating low, floating rounder) noexcept nogil:
    """2^-m exp(x) for an integer m and x <= m ln 2 + 1. The result may be subnormal, and is 0 for x <= low.

    rounder = rounder_below(m). low = m ln 2 + lowest, to within 1.
    """
    x = low if x < low else x
    if floating is double:
        return exp_scaled(x, -0.0, rounder, 2.409919865102884e-181)  # 2^-600
    else:
        return exp_scaled(x, <float> -0.0, rounder, <float> 5.421010862427522e-20)  # 2^-64


cdef inline floating lowest_near(floating like) noexcept nogil:
    """The bound of -|x| for `exp_near`: its results, and 1 / sum of many of them, are far from subnormal."""
    return -600.0 if floating is double else <floating> -60.0


cdef inline floating exp_near(floating x) noexcept nogil:
    """exp(x) for -|x| >= lowest_near, where 2^n neither overflows nor underflows."""
    if floating is double:
        return exp_scaled(x, -0.0, 6755399441056767.0, 1.0)  # 1.5 * 2^52 + 1023
    else:
        return exp_scaled(x, <float> -0.0, <float> 12583039.0, <float> 1.0)  # 1.5 * 2^23 + 127


cdef extern from *:
    """
    /* With O3, GCC's loop finds the maximum of rows of ten 1.2 times as fast. */
    #if defined(__GNUC__) && !defined(__clang__)
    #define OF_SHORT_ROWS __attribute__((FASTNET_CLONES optimize("O3"))) void
    #else
    #define OF_SHORT_ROWS void
    #endif
    """
    ctypedef void OF_SHORT_ROWS


cdef OF_SHORT_ROWS _largest_of_rows(
    const floating* x, floating* largest, Py_ssize_t rows, Py_ssize_t C, Py_ssize_t copies
) noexcept nogil:
    """Write the largest value of each row of x (rows, C) to largest (rows, copies), `copies` times. Ignores NaN."""
    cdef Py_ssize_t n, c, k
    cdef floating most
    cdef floating lane[LANES]
    for n in range(rows):
        most = -INFINITY
        if C < LANES:
            for c in range(C):
                most = x[c] if x[c] > most else most
        else:
            for k in range(LANES):
                lane[k] = -INFINITY
            for c from 0 <= c < C by LANES:
                c = c if c + LANES <= C else C - LANES  # the last elements overlap the ones before
                for k in range(LANES):
                    lane[k] = x[c + k] if x[c + k] > lane[k] else lane[k]
            for k in range(16):  # in pairs, so that the steps do not wait for each other
                lane[k] = lane[k + 16] if lane[k + 16] > lane[k] else lane[k]
            for k in range(8):
                lane[k] = lane[k + 8] if lane[k + 8] > lane[k] else lane[k]
            for k in range(4):
                lane[k] = lane[k + 4] if lane[k + 4] > lane[k] else lane[k]
            for k in range(4):
                most = lane[k] if lane[k] > most else most
        for c in range(copies):
            largest[c] = most
        x += C
        largest += copies


cdef UNROLLED _exp_of_row(
    const floating* x, floating* e, Py_ssize_t C, floating low, floating rounder, double* total
) noexcept nogil:
    """e = exp_below(x, low, rounder) for a row x (C,), C >= LANES. total = sum of e, NaN if x has a NaN."""
    cdef Py_ssize_t c = 0, k, tile, end
    cdef int again = 0
    cdef double lost = 0.0
    cdef floating value
    cdef floating lane[LANES]
    cdef floating sums[LANES]
    total[0] = 0.0
    while c < C:  # sum FEW elements, then a tile, then, compensated, all tiles: few rounding errors accumulate
        tile = c + TILE if c + TILE < C else C
        for k in range(LANES):
            sums[k] = 0.0
        while c < tile:
            end = c + FEW if c + FEW < tile else tile
            for k in range(LANES):
                lane[k] = 0.0
            while c < end:
                if c + LANES > end:  # the last elements; the first `again` of them are already in the sum
                    again = <int> (c + LANES - end)
                    c = end - LANES
                for k in range(LANES):
                    value = exp_below(x[c + k], low, rounder)
                    e[c + k] = value
                    lane[k] += value if <int> k >= again else <floating> 0.0
                c += LANES
            for k in range(LANES):
                sums[k] += lane[k]
        add_compensated(total, &lost, sum_of_lanes(sums))
    total[0] += lost


cdef UNROLLED _exp_of_near_row(const floating* x, floating* e, Py_ssize_t C, double* total) noexcept nogil:
    """e = exp_near(x) for a row x (C,), C >= LANES. total = sum of e, 0 if an x is not near, NaN or 0 if one is NaN."""
    cdef Py_ssize_t c = 0, k, tile, end
    cdef int again = 0, near = 0
    cdef double lost = 0.0
    cdef floating value
    cdef floating lane[LANES]
    cdef floating sums[LANES]
    cdef floating farthest[LANES]
    total[0] = 0.0
    for k in range(LANES):
        farthest[k] = 0.0
    while c < C:  # as in `_exp_of_row`
        tile = c + TILE if c + TILE < C else C
        for k in range(LANES):
            sums[k] = 0.0
        while c < tile:
            end = c + FEW if c + FEW < tile else tile
            for k in range(LANES):
                lane[k] = 0.0
            while c < end:
                prefetch_elements(x + c + AHEAD, LANES)
                if c + LANES > end:
                    again = <int> (c + LANES - end)
                    c = end - LANES
                for k in range(LANES):
                    value = exp_near(x[c + k])
                    e[c + k] = value
                    lane[k] += value if <int> k >= again else <floating> 0.0
                    value = minus_abs(x[c + k])
                    farthest[k] = farthest[k] if value >= farthest[k] else value
                c += LANES
            for k in range(LANES):
                sums[k] += lane[k]
        add_compensated(total, &lost, sum_of_lanes(sums))
    total[0] += lost  # NaN if an x is
    for k in range(LANES):
        near += farthest[k] >= lowest_near[floating](0)
    if near < LANES:
        total[0] = 0.0


cdef VECTORISED _exp_of_rows(
    const floating* x, floating* e, Py_ssize_t size, const floating* low, const floating* rounder
) noexcept nogil:
    """e[i] = exp_below(x[i], low[i], rounder[i])"""
    cdef Py_ssize_t i
    for i in range(size):
        e[i] = exp_below(x[i], low[i], rounder[i])


cdef VECTORISED _exp_of_near_rows(const floating* x, floating* e, Py_ssize_t size, bint* near) noexcept nogil:
    """e = exp_near(x). near = whether all elements are near; NaN is not."""
    cdef Py_ssize_t i
    cdef floating low = lowest_near[floating](0)
    cdef int beyond = 0
    for i in range(size):
        beyond |= not minus_abs(x[i]) >= low
    for i in range(size):  # a second loop, because SSE2 cannot vectorise the first in double
        e[i] = exp_near(x[i])
    near[0] = not beyond


cdef VECTORISED _exp_shifted(
    const floating* x, const floating* largest, floating* e, Py_ssize_t size, floating low
) noexcept nogil:
    """e = exp(x - largest), precise to the last digits."""
    cdef Py_ssize_t i
    cdef floating shifted, lost
    for i in range(size):
        # `lost` is the rounding error of x - largest. Where exp is 0, it may be inf - inf: there it is set to 0.
        shifted = x[i] - largest[i]
        lost = lost_by_rounding(x[i], -largest[i], shifted)
        lost = <floating> 0.0 if shifted < low else lost
        shifted = low if shifted < low else shifted
        e[i] = exp_negative(shifted, lost)


cdef UNROLLED _divide_by_sums(floating* e, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    """Divide every row of e (rows, C) by its sum. A row with a NaN becomes NaN."""
    cdef Py_ssize_t n, c
    cdef double total, inverse
    cdef floating high, low
    for n in range(rows):
        total = sum_of_row(e, C)
        # Multiply by 1 / total, split into high + low. This is as exact as the division e / total, and faster.
        inverse = 1.0 / total
        high = <floating> inverse
        low = <floating> ((1.0 - total * high) * inverse)
        for c in range(C):
            e[c] = e[c] * high + e[c] * low
        e += C


cdef VECTORISED _multiply(floating* e, Py_ssize_t C, floating high, floating low) noexcept nogil:
    """e = e (high + low), in place."""
    cdef Py_ssize_t c
    for c in range(C):
        e[c] = e[c] * high + e[c] * low


cdef inline floating _rounder(floating largest) noexcept nogil:
    """The rounder for `exp_below`, with m = largest / ln 2, rounded."""
    return rounder_below(<floating> floor(<double> largest * 1.4426950408889634 + 0.5))


cdef void _softmax_far(const floating* x, floating* out, Py_ssize_t C, floating largest) noexcept nogil:
    """Softmax of one row x (C,), for any largest value."""
    cdef floating copies[TILE]
    cdef Py_ssize_t c, size
    if isinf(largest):
        softmax_limit(x, out, C, largest)
        return
    for c in range(TILE if TILE < C else C):
        copies[c] = largest
    for c from 0 <= c < C by TILE:
        size = TILE if TILE < C - c else C - c
        _exp_shifted(x + c, copies, out + c, size, lowest[floating](0))
    _divide_by_sums(out, 1, C)


cdef OPTIMISED _softmax_of_row(const floating* x, floating* out, Py_ssize_t C, bint* near) noexcept nogil:
    """Softmax of one row x (C,), C >= LANES. near: in, whether to try `exp_near`; out, whether it was right."""
    cdef floating largest, high
    cdef double total, inverse
    if near[0]:
        _exp_of_near_row(x, out, C, &total)
        near[0] = total > 0
    if not near[0]:
        _largest_of_rows(x, &largest, 1, C, 1)
        if fabs(largest) > far[floating](0):
            _softmax_far(x, out, C, largest)
            return
        _exp_of_row(x, out, C, largest + lowest[floating](0), _rounder(largest), &total)
    inverse = 1.0 / total  # split into high + low, as in `_divide_by_sums`
    high = <floating> inverse
    _multiply(out, C, high, <floating> ((1.0 - total * high) * inverse))


cdef OPTIMISED _softmax_of_rows(const floating* x, floating* out, Py_ssize_t N, Py_ssize_t C, bint near) noexcept nogil:
    """Softmax of short rows, x (N, C): the rows of a TILE at a time, so that the loops are long. `near` as above."""
    cdef floating largest[TILE]
    cdef floating low[TILE]
    cdef floating rounder[TILE]
    cdef floating row_low, row_rounder
    cdef Py_ssize_t rows = TILE // C
    cdef Py_ssize_t n, c
    cdef bint moderate
    while N > 0:
        rows = rows if rows < N else N
        if near:
            _exp_of_near_rows(x, out, rows * C, &near)
        moderate = True
        if not near:
            _largest_of_rows(x, largest, rows, C, 1)
            for n in range(rows):
                moderate &= fabs(largest[n]) <= far[floating](0)
                row_low, row_rounder = largest[n] + lowest[floating](0), _rounder(largest[n])
                for c in range(n * C, n * C + C):
                    low[c], rounder[c] = row_low, row_rounder
            if moderate:
                _exp_of_rows(x, out, rows * C, low, rounder)
        if N > rows:
            prefetch_elements(x + rows * C, rows * C)  # load the next rows during the division of these
        if moderate:
            _divide_by_sums(out, rows, C)
        else:
            for n in range(rows):
                _softmax_far(x + n * C, out + n * C, C, largest[n])
        x += rows * C
        out += rows * C
        N -= rows


cdef bint _softmax(
    const floating* x, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double number, double* loss,
) noexcept nogil:
    cdef Py_ssize_t n, i
    cdef floating low = lowest_near[floating](0)
    cdef bint near = True
    for i in range(LANES if LANES < N * C else N * C):  # if these are near, the others probably are, too
        near &= minus_abs(x[i]) >= low
    if C < 4 * LANES:  # longer rows are faster one at a time
        _softmax_of_rows(x, out, N, C, near)
    else:
        for n in range(N):
            _softmax_of_row(x + n * C, out + n * C, C, &near)
    return True


def softmax(ndarray x: FloatArray, /) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C), and so along the last axis of any x (..., C).

    Where the largest value of a row is infinite, the result is the limit: 1 for this value and 0 for the others. If
    several values are the largest, there is no limit: they become nan, and the others 0.
    """
    out = empty_like(x)
    if x.size:  # an empty row has no largest value
        over_rows(x, None, None, out, x.shape[x.ndim - 1], 0, NULL, _softmax[float], _softmax[double])
    return out


cdef UNROLLED _sums_of_rows(const floating* e, double* sums, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(rows):
        sums[n] = sum_of_row(e + n * C, C)


cdef VECTORISED _scale_rows(floating* e, const double* factors, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t n, c
    cdef floating factor
    for n in range(rows):
        factor = <floating> factors[n]
        for c in range(C):
            e[c] *= factor
        e += C


cdef VECTORISED _log_plus_one(const double* x, double* out, Py_ssize_t size) noexcept nogil:
    """out = log(1 + x) for x >= 0, precise also for small x."""
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = log_plus_one(x[i])


cdef OPTIMISED _add_loss_of_labels(
    const floating* x, const Py_ssize_t* labels, floating* e, const floating* largest, Py_ssize_t copies,
    double share, Py_ssize_t rows, Py_ssize_t C, double* loss
) noexcept nogil:
    """Add the losses of the rows to `loss`, and replace e = exp(x - largest) by their gradient times `share`.

    The label's own e is not in the sum of the others: so 1 - own / (own + others) = others / (own + others) is precise.
    """
    cdef double others[TILE]
    cdef double own[TILE]
    cdef double logs[TILE]
    cdef double total = 0.0
    cdef Py_ssize_t n, i
    for n in range(rows):
        i = n * C + labels[n]
        own[n] = e[i]
        e[i] = 0.0
        # The condition avoids inf - inf.
        total += 0.0 if x[i] == largest[n * copies] else <double> largest[n * copies] - <double> x[i]
    _sums_of_rows(e, others, rows, C)
    for n in range(rows):
        own[n] -= 1.0
        logs[n] = others[n] + own[n]  # the sum of all minus 1, which is >= 0: the largest x has e = 1
    _log_plus_one(logs, logs, rows)
    for n in range(rows):
        total += logs[n]
    if share != 0:
        for n in range(rows):
            own[n] = share / (others[n] + own[n] + 1.0)
        _scale_rows(e, own, rows, C)
        for n in range(rows):
            e[n * C + labels[n]] = <floating> (-others[n] * own[n])
    loss[0] += total


cdef inline void _add_target(
    double t, double x, double most, double* weight, double* product, double* lowest_t, double* highest_t
) noexcept nogil:
    cdef double gap = 0.0 if x == most else most - x  # avoids inf - inf
    weight[0] += t
    product[0] += 0.0 if t == 0 else t * gap
    lowest_t[0] = t if t < lowest_t[0] else lowest_t[0]
    highest_t[0] = t if t > highest_t[0] else highest_t[0]


cdef UNROLLED _sums_of_targets(
    const floating* x, const floating* t, const floating* largest, Py_ssize_t copies, double* weights, double* below,
    Py_ssize_t rows, Py_ssize_t C, bint* in_range
) noexcept nogil:
    """For each row of x and t (rows, C): weights = sum_c t[c] and below = sum_c t[c] (largest - x[c]).

    Set in_range to False if a t is outside [0, 1]. A loop of its own would take 15 % longer, in float32.
    """
    cdef Py_ssize_t n, c, k
    cdef double most
    cdef double weight[8]
    cdef double product[8]
    cdef double lowest_t[8]
    cdef double highest_t[8]
    for k in range(8):
        lowest_t[k] = highest_t[k] = 0.0
    for n in range(rows):
        most = largest[n * copies]
        for k in range(8):
            weight[k] = product[k] = 0.0
        c = 0
        while c + 8 <= C:
            for k in range(8):
                _add_target(t[c + k], x[c + k], most, weight + k, product + k, lowest_t + k, highest_t + k)
            c += 8
        for k in range(C - c):
            _add_target(t[c + k], x[c + k], most, weight + k, product + k, lowest_t + k, highest_t + k)
        for k in range(4):
            weight[k] += weight[k + 4]
            product[k] += product[k + 4]
        weights[n] = (weight[0] + weight[1]) + (weight[2] + weight[3])
        below[n] = (product[0] + product[1]) + (product[2] + product[3])
        x += C
        t += C
    for k in range(8):
        if lowest_t[k] < 0 or highest_t[k] > 1:
            in_range[0] = False


cdef VECTORISED _gradient_of_targets(
    const floating* t, floating* e, const double* others, const double* weights, double share,
    Py_ssize_t rows, Py_ssize_t C
) noexcept nogil:
    """e = (y weight - t) share with y = e / sum(e), rearranged: the common part y t does not cancel."""
    cdef Py_ssize_t n, c
    cdef double sum, scale, rest, target
    for n in range(rows):
        sum = 1.0 + others[n]
        scale = 1.0 / sum
        for c in range(C):
            rest = others[n] if e[c] == 1 else sum - e[c]
            target = t[c]
            e[c] = <floating> ((e[c] * scale * (weights[n] - target) - target * (rest * scale)) * share)
        t += C
        e += C


cdef Py_ssize_t _first_one(const floating* e, Py_ssize_t C) noexcept nogil:
    """The index of the first 1; 0 if there is none, in a row of NaN."""
    cdef Py_ssize_t c
    for c in range(C):
        if e[c] == 1:
            return c
    return 0


cdef OPTIMISED _add_loss_of_targets(
    const floating* x, const floating* t, floating* e, const floating* largest, Py_ssize_t copies,
    double share, Py_ssize_t rows, Py_ssize_t C, double* loss, bint* in_range
) noexcept nogil:
    """As `_add_loss_of_labels`. Here the e that is not in the sum of the others is a 1, that of a largest x.

    Set in_range to False if a t is outside [0, 1].
    """
    cdef double others[TILE]
    cdef double weights[TILE]
    cdef double below[TILE]
    cdef double logs[TILE]
    cdef floating one[TILE]
    cdef Py_ssize_t at[TILE]
    cdef double total = 0.0
    cdef Py_ssize_t n
    for n in range(rows):
        at[n] = n * C + _first_one(e + n * C, C)
        one[n] = e[at[n]]
        e[at[n]] = 0.0
    _sums_of_rows(e, others, rows, C)
    for n in range(rows):
        others[n] += one[n] - 1.0  # 0, or NaN
        e[at[n]] = one[n]
    _sums_of_targets(x, t, largest, copies, weights, below, rows, C, in_range)
    _log_plus_one(others, logs, rows)
    for n in range(rows):
        total += weights[n] * logs[n] + below[n]
    if share != 0:
        _gradient_of_targets(t, e, others, weights, share, rows, C)
    loss[0] += total


cdef bint _softmax_cross_entropy(
    const floating* x, const floating* t, const Py_ssize_t* labels, floating* e, Py_ssize_t N, Py_ssize_t C,
    double with_gradient, double* loss,
) noexcept nogil:
    """The loss for labels, or, if labels is NULL, for t. e holds the gradient, or, without it, is temporary memory.

    Return False if a t is outside [0, 1].
    """
    cdef floating largest[TILE]
    cdef Py_ssize_t rows = TILE // C if C < TILE else 1
    cdef Py_ssize_t copies = C if C < TILE else TILE
    cdef Py_ssize_t n = 0, row, i, size
    cdef double share = 1.0 / N if with_gradient else 0.0
    cdef double total = 0.0
    cdef bint in_range = True
    while n < N:
        rows = rows if rows < N - n else N - n
        _largest_of_rows(x, largest, rows, C, copies)
        i = 0
        while i < rows * C:
            size = rows * C - i
            size = size if size < rows * copies else rows * copies
            _exp_shifted(x + i, largest, e + i, size, lowest[floating](0))
            i += size
        for row in range(rows):
            if isinf(largest[row * copies]):
                softmax_limit(x + row * C, e + row * C, C, largest[row * copies])
        if labels is NULL:
            _add_loss_of_targets(x, t + n * C, e, largest, copies, share, rows, C, &total, &in_range)
        else:
            _add_loss_of_labels(x, labels + n, e, largest, copies, share, rows, C, &total)
        x += rows * C
        e += rows * C if with_gradient else 0
        n += rows
    loss[0] = total / N
    return in_range


cdef tuple _loss_and_gradient(ndarray x, ndarray t, ndarray labels, bint with_gradient):
    """Return the loss, and its gradient or None; or return None if a t is outside [0, 1]."""
    cdef Py_ssize_t C = x.shape[1]
    cdef double loss
    out = empty_like(x if with_gradient else x[: max(1, TILE // C)])
    if not over_rows(
        x, t, labels, out, C, with_gradient, &loss, _softmax_cross_entropy[float], _softmax_cross_entropy[double]
    ):
        return None
    return loss, out if with_gradient else None


def softmax_cross_entropy_labels(
    ndarray x: FloatArray, ndarray labels: IntArray, with_gradient: bool, /
) -> tuple[float, FloatArray | None]:
    """Return `-sum_n log(softmax(x)[n, labels[n]]) / N` for x (N, C), labels (N,).

    The second value is its gradient with respect to x, or None.

    If softmax(x) has a NaN in a row, the loss is NaN, and so is the gradient in that row.
    """
    return _loss_and_gradient(x, None, labels, with_gradient)


def softmax_cross_entropy_targets(
    ndarray x: FloatArray, ndarray t: FloatArray, with_gradient: bool, /
) -> tuple[float, FloatArray | None] | None:
    """Return `-sum_nc t[n, c] log(softmax(x)[n, c]) / N` for x and t (N, C).

    The second value is its gradient with respect to x, or None.

    A term with t = 0 and softmax(x) = 0 is 0. If softmax(x) has a NaN in a row, the loss is NaN, and so is the gradient
    in that row. The result is None if an element of t is outside [0, 1].
    """
    return _loss_and_gradient(x, t, None, with_gradient)
