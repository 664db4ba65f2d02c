"""Precise sums of rows, and the limits of softmax: the compiled softmax, losses and networks use this.

It has no NumPy twin: there `sum` does this work.
"""

from cython cimport floating
from libc.math cimport NAN, isfinite


cdef enum:
    TILE = 1024  # elements that a loop works on at a time: they stay in the L1 cache
    LANES = 32  # independent running sums or maxima, which the compiler keeps in vector registers
    FEW = 128  # elements: each lane adds up four of them, before it is added to the sum of the tile


cdef inline double sum_of_lanes(floating* lane) noexcept nogil:
    """sum_k lane[k], in pairs, so that the additions do not wait for each other. Overwrites the lanes."""
    cdef Py_ssize_t k
    for k in range(16):
        lane[k] += lane[k + 16]
    for k in range(8):
        lane[k] += lane[k + 8]
    for k in range(4):
        lane[k] += lane[k + 4]
    return (lane[0] + lane[2]) + (lane[1] + lane[3])


cdef inline floating lost_by_rounding(floating a, floating b, floating sum) noexcept nogil:
    """The rounding error of sum = a + b, exactly: a + b = sum + error (Knuth's TwoSum)."""
    cdef floating taken = sum - a
    return (a - (sum - taken)) + (b - taken)


cdef inline void add_compensated(double* total, double* lost, double term) noexcept nogil:
    """total += term, and lost += the rounding error of this addition."""
    cdef double sum = total[0] + term
    lost[0] += lost_by_rounding(total[0], term, sum)
    total[0] = sum


cdef inline double sum_of_row(const floating* e, Py_ssize_t C) noexcept nogil:
    """sum_c e[c] for e (C,), in many short sums, so that few rounding errors accumulate in each."""
    cdef Py_ssize_t c = 0, k, tile, end
    cdef double total = 0.0, lost = 0.0, even = 0.0, odd = 0.0  # total: whole lanes; even, odd: the rest
    cdef floating lane[LANES]
    cdef floating sums[LANES]
    while c + LANES <= C:
        tile = c + TILE if c + TILE < C else C
        for k in range(LANES):
            sums[k] = 0.0
        while c + LANES <= tile:
            end = c + FEW if c + FEW < tile else tile
            for k in range(LANES):
                lane[k] = 0.0
            while c + LANES <= end:
                for k in range(LANES):
                    lane[k] += e[c + k]
                c += LANES
            for k in range(LANES):
                sums[k] += lane[k]
        add_compensated(&total, &lost, sum_of_lanes(sums))
    while c + 4 <= C:
        even += <double> e[c] + e[c + 2]
        odd += <double> e[c + 1] + e[c + 3]
        c += 4
    if c + 2 <= C:
        odd += <double> e[c] + e[c + 1]
        c += 2
    if c < C:
        even += e[c]
    if C > TILE and isfinite(total):  # one tile loses nothing; for an infinite total, lost is inf - inf
        even += lost
    return total + (even + odd)


cdef inline void softmax_limit(const floating* x, floating* out, Py_ssize_t C, floating largest) noexcept nogil:
    """Softmax of one row x (C,) whose largest value is infinite. A row of NaN has the largest value -inf."""
    cdef Py_ssize_t c, at_largest = 0, nans = 0
    for c in range(C):
        at_largest += x[c] == largest
        nans += x[c] != x[c]
    for c in range(C):
        out[c] = <floating> (NAN if nans else 0.0 if x[c] != largest else 1.0 if at_largest == 1 else NAN)
