# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, annotation_typing=False
"""The hot paths, compiled: the same functions as in `_kernels_numpy.py`, in the same order, with the same results.

What changes from there to here: an expression over whole arrays becomes a loop over elements, so the arrays that hold
intermediate results are gone, and exp and log are `_vector_math.pxd`'s, which the compiler turns into vector instructions
inside the loop.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned,
all of one dtype, float32 or float64. Two exceptions serve short calls, in which checking would be all the work:
`is_plain` recognises such an array, and `cross_entropy` such arguments. Every kernel returns a new array and writes to
none of its inputs, except `central_differences`, which says what it writes to.

The annotations are those of `_kernels_numpy.py`, for the reader: Cython is told to make nothing of them.

A kernel is a `def` function that Python sees, which makes the output, and above it the loops, on pointers, compiled
once for float and once for double, and by VECTORISED for several instruction sets. The loops touch no Python object.

Shapes: N samples, C classes.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_CheckExact
from cython cimport floating
from libc.math cimport INFINITY, NAN, fabs, floor, isinf
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

from fastnet cimport _vector_math
from fastnet._memory cimport address, doubles, empty_like, floats, holds_floats, plain
from fastnet._vector_math cimport (
    VECTORISED,
    bits_of_double,
    bits_of_float,
    exp_any,
    exp_below,
    exp_negative,
    far,
    log_any,
    lowest,
    lowest_bit,
    minus_abs,
    rounder_below,
)

from fastnet._checks import one_number
# Kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._activations import elu, elu_grad, leaky_relu, leaky_relu_grad, tanh, tanh_grad
from fastnet._differences import two_layer_differences
from fastnet._layer_differences import layer_differences
from fastnet._optimizers import adagrad, adam, descend, is_movable, momentum, nesterov, rmsprop
from fastnet._training import network_gradient, network_predict

import_array()

ctypedef fused label:
    Py_ssize_t
    uint8_t

cdef enum:
    TILE = 1024  # elements: what is worked on at once stays in the fastest cache
    LANES = 32  # running sums or maxima side by side, for the vector instructions to keep
    BLOCKS = 32  # of LANES elements, which make up a TILE
    TERMS = 8  # of a sum of logarithms, taken side by side: no more, because short sums are filled up to so many


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels run on."""
    return _vector_math.instruction_set().decode()


def is_plain(x: Any) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return plain(x)


cdef VECTORISED _exp(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = exp_any(x[i], low, -low)


def exp(ndarray x: FloatArray) -> FloatArray:
    """Return `exp(x)` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _exp[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _exp[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _log(const floating* x, floating* out, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = log_any(x[i])


def log(ndarray x: FloatArray) -> FloatArray:
    """Return the natural logarithm of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _log[float](floats(x), floats(out), x.size)
    else:
        _log[double](doubles(x), doubles(out), x.size)
    return out


cdef VECTORISED _sigmoid(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating a, e
    for i in range(size):
        # exp(-|x|) cannot overflow, and both branches keep their last digits: no 1 - s anywhere.
        a = minus_abs(x[i])
        e = exp_negative(low if a < low else a, <floating> -0.0)
        out[i] = (e if x[i] < 0 else <floating> 1.0) / (<floating> 1.0 + e)


def sigmoid(ndarray x: FloatArray) -> FloatArray:
    """Return `1 / (1 + exp(-x))` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _sigmoid[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _sigmoid[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _sigmoid_grad(const floating* x, floating* out, Py_ssize_t size, floating low) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating a, e
    for i in range(size):
        # The same as e / (1 + e)^2 with e = exp(-|x|), which does not lose its digits where s is close to 1.
        a = minus_abs(x[i])
        e = exp_negative(low if a < low else a, <floating> -0.0)
        out[i] = e / ((<floating> 1.0 + e) * (<floating> 1.0 + e))


def sigmoid_grad(ndarray x: FloatArray) -> FloatArray:
    """Return `s (1 - s)` with `s = sigmoid(x)`, of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _sigmoid_grad[float](floats(x), floats(out), x.size, lowest[float](0))
    else:
        _sigmoid_grad[double](doubles(x), doubles(out), x.size, lowest[double](0))
    return out


cdef VECTORISED _relu(const floating* x, floating* out, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> 0.0 if x[i] <= 0 else x[i]  # NaN stays NaN


def relu(ndarray x: FloatArray) -> FloatArray:
    """Return `max(0, x)` of every element."""
    out = empty_like(x)
    if holds_floats(x):
        _relu[float](floats(x), floats(out), x.size)
    else:
        _relu[double](doubles(x), doubles(out), x.size)
    return out


# Softmax of a row: exp(x - largest) would turn the rounding of the difference into a relative error of up to 256 ULP.
# But a common factor of the numerators cancels, and need not be exp(-largest): it has to keep them from overflowing. So
# it is 2^-m, m being largest / ln 2 rounded, which only changes the exponent of exp(x), and rounds nothing. Where that
# does not do, because the largest is far from 0, the difference is taken after all, with what its rounding loses.


cdef VECTORISED _largest_of_rows(
    const floating* x, floating* largest, Py_ssize_t rows, Py_ssize_t C, Py_ssize_t copies
) noexcept nogil:
    """The largest value of each row of x (rows, C), `copies` times: largest (rows, copies). NaN is passed over."""
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
                c = c if c + LANES <= C else C - LANES  # the last elements; some of them for a second time
                for k in range(LANES):
                    lane[k] = x[c + k] if x[c + k] > lane[k] else lane[k]
            for k in range(16):  # in pairs, and not one after the other: the processor would wait for each
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


cdef VECTORISED _exp_of_row(
    const floating* x, floating* e, Py_ssize_t C, floating low, floating rounder, double* total
) noexcept nogil:
    """e = exp_below(x, low, rounder) for a row x (C,), C at least LANES, and its sum, which a NaN makes NaN."""
    cdef Py_ssize_t c = 0, k, end
    cdef int again = 0
    cdef floating value
    cdef floating lane[LANES]
    total[0] = 0.0
    while c < C:  # a tile at a time and then in pairs, so that no sum takes up many rounding errors
        end = c + TILE if c + TILE < C else C
        for k in range(LANES):
            lane[k] = 0.0
        while c < end:
            if c + LANES > end:  # the last elements; `again` of them for a second time
                again = <int> (c + LANES - end)
                c = end - LANES
            for k in range(LANES):
                value = exp_below(x[c + k], low, rounder)
                e[c + k] = value
                lane[k] += value if <int> k >= again else <floating> 0.0
            c += LANES
        for k in range(16):
            lane[k] += lane[k + 16]
        for k in range(8):
            lane[k] += lane[k + 8]
        for k in range(4):
            lane[k] += lane[k + 4]
        total[0] += (lane[0] + lane[2]) + (lane[1] + lane[3])


cdef VECTORISED _exp_of_rows(
    const floating* x, floating* e, Py_ssize_t size, const floating* low, const floating* rounder
) noexcept nogil:
    """e = exp_below(x, low, rounder) for every element, each of which has a low and a rounder of its own."""
    cdef Py_ssize_t i
    for i in range(size):
        e[i] = exp_below(x[i], low[i], rounder[i])


cdef VECTORISED _exp_shifted(
    const floating* x, const floating* largest, floating* e, Py_ssize_t size, floating low
) noexcept nogil:
    """e = exp(x - largest), with all its digits, for every element."""
    cdef Py_ssize_t i
    cdef floating shifted, taken, lost
    for i in range(size):
        # The rounding of the difference would be a relative error of up to 256 ULP. So what the difference lost is
        # computed too (Knuth's TwoSum), unless exp is 0 anyway: there it may be inf - inf.
        shifted = x[i] - largest[i]
        taken = shifted - x[i]
        lost = (x[i] - (shifted - taken)) - (largest[i] + taken)
        lost = <floating> 0.0 if shifted < low else lost
        shifted = low if shifted < low else shifted
        e[i] = exp_negative(shifted, lost)


cdef inline double _sum_of_row(const floating* e, Py_ssize_t C) noexcept nogil:
    """sum_c e[c], in many sums side by side, so that none takes up many rounding errors."""
    cdef Py_ssize_t c = 0, k, end
    cdef double total = 0.0, even = 0.0, odd = 0.0  # of whole tiles, and of what is left
    cdef floating lane[LANES]
    while c + LANES <= C:
        end = c + TILE if c + TILE < C else C
        for k in range(LANES):
            lane[k] = 0.0
        while c + LANES <= end:
            for k in range(LANES):
                lane[k] += e[c + k]
            c += LANES
        for k in range(16):
            lane[k] += lane[k + 16]
        for k in range(8):
            lane[k] += lane[k + 8]
        for k in range(4):
            lane[k] += lane[k + 4]
        total += (lane[0] + lane[2]) + (lane[1] + lane[3])
    while c + 4 <= C:
        even += <double> e[c] + e[c + 2]
        odd += <double> e[c + 1] + e[c + 3]
        c += 4
    if c + 2 <= C:
        odd += <double> e[c] + e[c + 1]
        c += 2
    if c < C:
        even += e[c]
    return total + (even + odd)


cdef VECTORISED _divide_by_sums(floating* e, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    """Every row of e (rows, C) divided by its sum, which a NaN makes NaN."""
    cdef Py_ssize_t n, c
    cdef double total, inverse
    cdef floating high, low
    for n in range(rows):
        total = _sum_of_row(e, C)
        # e / total is e times 1 / total in two parts, which costs less than a division and is as exact.
        inverse = 1.0 / total
        high = <floating> inverse
        low = <floating> ((1.0 - total * high) * inverse)
        for c in range(C):
            e[c] = e[c] * high + e[c] * low
        e += C


cdef VECTORISED _multiply(floating* e, Py_ssize_t C, floating high, floating low) noexcept nogil:
    """e = e (high + low)."""
    cdef Py_ssize_t c
    for c in range(C):
        e[c] = e[c] * high + e[c] * low


cdef void _limit(const floating* x, floating* out, Py_ssize_t C, floating largest) noexcept nogil:
    """Softmax of one row x (C,) whose largest value is infinite, or in which there is no number at all."""
    cdef Py_ssize_t c, at_largest = 0, nans = 0
    for c in range(C):
        at_largest += x[c] == largest
        nans += x[c] != x[c]
    for c in range(C):
        out[c] = <floating> (NAN if nans else 0.0 if x[c] != largest else 1.0 if at_largest == 1 else NAN)


cdef inline floating _rounder(floating largest) noexcept nogil:
    """What makes `exp_below` multiply by that 2^-m."""
    return rounder_below(<floating> floor(<double> largest * 1.4426950408889634 + 0.5))


cdef void _softmax_far(const floating* x, floating* out, Py_ssize_t C, floating largest) noexcept nogil:
    """Of one row x (C,), whatever its largest value."""
    cdef floating copies[TILE]
    cdef Py_ssize_t c, size
    if isinf(largest):
        _limit(x, out, C, largest)
        return
    for c in range(TILE if TILE < C else C):
        copies[c] = largest
    for c from 0 <= c < C by TILE:
        size = TILE if TILE < C - c else C - c
        _exp_shifted(x + c, copies, out + c, size, lowest[floating](0))
    _divide_by_sums(out, 1, C)


cdef void _softmax_of_row(const floating* x, floating* out, Py_ssize_t C) noexcept nogil:
    """Of one row x (C,), C at least LANES."""
    cdef floating largest, high
    cdef double total, inverse
    _largest_of_rows(x, &largest, 1, C, 1)
    if fabs(largest) > far[floating](0):
        _softmax_far(x, out, C, largest)
        return
    _exp_of_row(x, out, C, largest + lowest[floating](0), _rounder(largest), &total)
    inverse = 1.0 / total  # in two parts, as above
    high = <floating> inverse
    _multiply(out, C, high, <floating> ((1.0 - total * high) * inverse))


cdef void _softmax_of_rows(const floating* x, floating* out, Py_ssize_t N, Py_ssize_t C) noexcept nogil:
    """Of the rows of x (N, C), as many at once as make a loop long enough for the exponentials."""
    cdef floating largest[TILE]
    cdef floating low[TILE]
    cdef floating rounder[TILE]
    cdef floating row_low, row_rounder
    cdef Py_ssize_t rows = TILE // C
    cdef Py_ssize_t n, c
    cdef bint near
    while N > 0:
        rows = rows if rows < N else N
        _largest_of_rows(x, largest, rows, C, 1)
        near = True
        for n in range(rows):
            near &= fabs(largest[n]) <= far[floating](0)
            row_low, row_rounder = largest[n] + lowest[floating](0), _rounder(largest[n])
            for c in range(n * C, n * C + C):
                low[c], rounder[c] = row_low, row_rounder
        if near:
            _exp_of_rows(x, out, rows * C, low, rounder)
            _divide_by_sums(out, rows, C)
        else:
            for n in range(rows):
                _softmax_far(x + n * C, out + n * C, C, largest[n])
        x += rows * C
        out += rows * C
        N -= rows


cdef void _softmax(const floating* x, floating* out, Py_ssize_t N, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t n
    if C < 4 * LANES:  # from where on a row by itself is faster
        _softmax_of_rows(x, out, N, C)
    else:
        for n in range(N):
            _softmax_of_row(x + n * C, out + n * C, C)


def softmax(ndarray x: FloatArray) -> FloatArray:
    """Return `exp(x[n, c]) / sum_k exp(x[n, k])` for x (N, C), and so along the last axis of any x (..., C).

    Where the largest value of a row is infinite, the row is the limit: 1 for that value and 0 for the others, and nan
    for each where several are the largest.
    """
    out = empty_like(x)
    if x.size == 0:  # an empty row has no largest value
        return out
    cdef Py_ssize_t C = x.shape[x.ndim - 1]
    if holds_floats(x):
        _softmax[float](floats(x), floats(out), x.size // C, C)
    else:
        _softmax[double](doubles(x), doubles(out), x.size // C, C)
    return out


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


cdef bint _add_of_labels(
    const floating* y, const label* labels, double eps, Py_ssize_t N, Py_ssize_t C, double* total
) noexcept nogil:
    """Add sum_n log(y[n, labels[n]] + eps) to total and return True; return False where a label is out of range."""
    cdef floating at_label[TILE]
    cdef floating one[TILE]
    cdef Py_ssize_t n, size
    cdef size_t largest
    while N > 0:
        size = TILE if TILE < N else N
        _largest_label(labels, size, &largest)
        if largest >= <size_t> C:
            return False
        for n in range(size):
            at_label[n] = y[n * C + labels[n]]
            one[n] = 1.0
        _add_terms(one, at_label, eps, _filled_up(one, at_label, size), total)
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
        total += _sum_of_row(terms, size)
        n += size
    return (0.0 - total) / N


def binary_cross_entropy(ndarray y: FloatArray, ndarray t: FloatArray, eps: float) -> float:
    """Return `-sum_n (t[n] log(y[n] + eps) + (1 - t[n]) log(1 - y[n] + eps)) / N` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    if holds_floats(y):
        return _binary_cross_entropy[float](floats(y), floats(t), eps, y.size)
    return _binary_cross_entropy[double](doubles(y), doubles(t), eps, y.size)


cdef VECTORISED _sums_of_rows(const floating* e, double* sums, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(rows):
        sums[n] = _sum_of_row(e + n * C, C)


cdef VECTORISED _scale_rows(floating* e, const double* factors, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    cdef Py_ssize_t n, c
    cdef floating factor
    for n in range(rows):
        factor = <floating> factors[n]
        for c in range(C):
            e[c] *= factor
        e += C


cdef VECTORISED _log_plus_one(const double* x, double* out, Py_ssize_t size) noexcept nogil:
    """out = log(1 + x), with the digits of a small x, for x from 0 on."""
    cdef Py_ssize_t i
    cdef double sum
    for i in range(size):
        sum = 1.0 + x[i]
        out[i] = log_any(sum) + (x[i] - (sum - 1.0)) / sum


cdef double _loss_of_labels(
    const floating* x, const Py_ssize_t* labels, floating* e, const floating* largest, Py_ssize_t copies,
    double share, Py_ssize_t rows, Py_ssize_t C
) noexcept nogil:
    """The sum of the losses of some rows, where e = exp(x - largest) becomes their gradient times `share`.

    A label's own e stands beside the sum of the others, so that 1 - e / (sum of all) has its digits.
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
        # not inf - inf
        total += 0.0 if x[i] == largest[n * copies] else <double> largest[n * copies] - <double> x[i]
    _sums_of_rows(e, others, rows, C)
    for n in range(rows):
        own[n] -= 1.0
        logs[n] = others[n] + own[n]  # from 0 on: own is 0, or else the 1 at the largest x is among the others
    _log_plus_one(logs, logs, rows)
    for n in range(rows):
        total += logs[n]
    if share != 0:
        for n in range(rows):
            own[n] = share / (others[n] + own[n] + 1.0)
        _scale_rows(e, own, rows, C)
        for n in range(rows):
            e[n * C + labels[n]] = <floating> (-others[n] * own[n])
    return total


cdef VECTORISED _sums_of_targets(
    const floating* x, const floating* t, const floating* largest, Py_ssize_t copies, double* weights, double* below,
    Py_ssize_t rows, Py_ssize_t C
) noexcept nogil:
    """For each row of x and t (rows, C): weights = sum_c t[c], below = sum_c t[c] (largest - x[c])."""
    cdef Py_ssize_t n, c, k, lanes
    cdef double most, gap, target
    cdef double weight[8]
    cdef double product[8]
    for n in range(rows):
        most = largest[n * copies]
        for k in range(8):
            weight[k] = product[k] = 0.0
        c = 0
        while c < C:
            lanes = 8 if C - c >= 8 else C - c
            for k in range(lanes):
                target = t[c + k]
                gap = 0.0 if x[c + k] == most else most - x[c + k]  # not inf - inf
                weight[k] += target
                product[k] += 0.0 if target == 0 else target * gap
            c += lanes
        for k in range(4):
            weight[k] += weight[k + 4]
            product[k] += product[k + 4]
        weights[n] = (weight[0] + weight[1]) + (weight[2] + weight[3])
        below[n] = (product[0] + product[1]) + (product[2] + product[3])
        x += C
        t += C


cdef VECTORISED _gradient_of_targets(
    const floating* t, floating* e, const double* others, const double* weights, double share,
    Py_ssize_t rows, Py_ssize_t C
) noexcept nogil:
    """e = (y weight - t) share, where y = e / sum(e), and what the two have in common is taken away first."""
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
    """Where the first 1 is; 0 where there is none, in a row of NaN."""
    cdef Py_ssize_t c
    for c in range(C):
        if e[c] == 1:
            return c
    return 0


cdef double _loss_of_targets(
    const floating* x, const floating* t, floating* e, const floating* largest, Py_ssize_t copies,
    double share, Py_ssize_t rows, Py_ssize_t C
) noexcept nogil:
    """As `_loss_of_labels`. Here it is a 1 of e, at a largest x, that stands beside the sum of the others."""
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
    _sums_of_targets(x, t, largest, copies, weights, below, rows, C)
    _log_plus_one(others, logs, rows)
    for n in range(rows):
        total += weights[n] * logs[n] + below[n]
    if share != 0:
        _gradient_of_targets(t, e, others, weights, share, rows, C)
    return total


cdef double _softmax_cross_entropy(
    const floating* x, const Py_ssize_t* labels, const floating* t, floating* e, bint with_gradient,
    Py_ssize_t N, Py_ssize_t C
) noexcept nogil:
    """The loss by labels, or by t where labels is NULL. e takes the gradient, or a tile to work in without it."""
    cdef floating largest[TILE]
    cdef Py_ssize_t rows = TILE // C if C < TILE else 1
    cdef Py_ssize_t copies = C if C < TILE else TILE
    cdef Py_ssize_t n = 0, row, i, size
    cdef double share = 1.0 / N if with_gradient else 0.0
    cdef double total = 0.0
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
                _limit(x + row * C, e + row * C, C, largest[row * copies])
        if labels is NULL:
            total += _loss_of_targets(x, t + n * C, e, largest, copies, share, rows, C)
        else:
            total += _loss_of_labels(x, labels + n, e, largest, copies, share, rows, C)
        x += rows * C
        e += rows * C if with_gradient else 0
        n += rows
    return total / N


def softmax_cross_entropy_labels(
    ndarray x: FloatArray, ndarray labels: IntArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_n log(softmax(x)[n, labels[n]]) / N` for x (N, C), labels (N,), and its gradient by x or None.

    A row in which softmax(x) is NaN somewhere makes the loss NaN, and its gradient in that row.
    """
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1]
    cdef const Py_ssize_t* label = <const Py_ssize_t*> address(labels)
    out = empty_like(x if with_gradient else x[: max(1, TILE // C)])
    if holds_floats(x):
        loss = _softmax_cross_entropy[float](floats(x), label, NULL, floats(out), with_gradient, N, C)
    else:
        loss = _softmax_cross_entropy[double](doubles(x), label, NULL, doubles(out), with_gradient, N, C)
    return loss, out if with_gradient else None


def softmax_cross_entropy_targets(
    ndarray x: FloatArray, ndarray t: FloatArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_nc t[n, c] log(softmax(x)[n, c]) / N` for x and t (N, C), and its gradient by x or None.

    A term with t = 0 and softmax(x) = 0 is 0. A row in which softmax(x) is NaN somewhere makes the loss NaN, and its
    gradient in that row.
    """
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1]
    out = empty_like(x if with_gradient else x[: max(1, TILE // C)])
    if holds_floats(x):
        loss = _softmax_cross_entropy[float](floats(x), NULL, floats(t), floats(out), with_gradient, N, C)
    else:
        loss = _softmax_cross_entropy[double](doubles(x), NULL, doubles(t), doubles(out), with_gradient, N, C)
    return loss, out if with_gradient else None


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
