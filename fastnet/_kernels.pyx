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
from libc.math cimport INFINITY, NAN, isinf
from libc.stdint cimport uint8_t
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
from fastnet._vector_math cimport VECTORISED, exp_any, exp_negative, log_any, lowest, minus_abs, nonzero

from fastnet._checks import one_number
from fastnet import _kernels_numpy
# Kernels as well: `_backend.kernels` is one module, in which callers find every kernel.
from fastnet._activations_numpy import elu, elu_grad, tanh, tanh_grad  # not compiled yet
from fastnet._differences import two_layer_differences
from fastnet._layer_differences import layer_differences
from fastnet._optimizers import adagrad, adam, descend, momentum, nesterov, rmsprop
from fastnet._training import two_layer_gradient, two_layer_predict

import_array()

ctypedef fused label:
    Py_ssize_t
    uint8_t

cdef enum:
    TILE = 1024  # elements: what is worked on at once stays in the fastest cache
    LANES = 32  # running sums or maxima side by side, for the vector instructions to keep


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


cdef VECTORISED _largest_of_rows(
    const floating* x, floating* largest, Py_ssize_t rows, Py_ssize_t C, Py_ssize_t copies
) noexcept nogil:
    """The largest value of each row of x (rows, C), `copies` times: largest (rows, copies). NaN is passed over."""
    cdef Py_ssize_t n, c, k
    cdef floating most
    cdef floating lane[LANES]
    for n in range(rows):
        most = -INFINITY
        c = 0
        if C >= LANES:
            for k in range(LANES):
                lane[k] = -INFINITY
            while c + LANES <= C:
                for k in range(LANES):
                    lane[k] = x[c + k] if x[c + k] > lane[k] else lane[k]
                c += LANES
            for k in range(LANES):
                most = lane[k] if lane[k] > most else most
        while c < C:
            most = x[c] if x[c] > most else most
            c += 1
        for c in range(copies):
            largest[c] = most
        x += C
        largest += copies


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


cdef VECTORISED _divide_by_sums(floating* e, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    """Every row of e (rows, C) divided by its sum, which a NaN makes NaN."""
    cdef Py_ssize_t n, c, k, end
    cdef double total
    cdef floating part, high, low
    cdef floating lane[LANES]
    for n in range(rows):
        total = 0.0
        c = 0
        while c + LANES <= C:  # a tile at a time and then in pairs, so that no sum takes up many rounding errors
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
        part = 0.0
        while c + 2 <= C:
            part += e[c] + e[c + 1]
            c += 2
        if c < C:
            part += e[c]
        total += part
        # e / total is e times 1 / total in two parts, which costs less than a division and is as exact.
        high = <floating> (1.0 / total)
        low = <floating> ((1.0 - total * high) / total)
        for c in range(C):
            e[c] = e[c] * high + e[c] * low
        e += C


cdef void _limit(const floating* x, floating* out, Py_ssize_t C, floating largest) noexcept nogil:
    """Softmax of one row x (C,) whose largest value is infinite, or in which there is no number at all."""
    cdef Py_ssize_t c, at_largest = 0, nans = 0
    for c in range(C):
        at_largest += x[c] == largest
        nans += x[c] != x[c]
    for c in range(C):
        out[c] = <floating> (NAN if nans else 0.0 if x[c] != largest else 1.0 if at_largest == 1 else NAN)


cdef void _softmax(const floating* x, floating* out, Py_ssize_t N, Py_ssize_t C) noexcept nogil:
    # Short rows are taken many at a time, and long ones in parts, so that the exponentials are one long loop.
    cdef floating largest[TILE]
    cdef Py_ssize_t rows = TILE // C if C < TILE else 1
    cdef Py_ssize_t copies = C if C < TILE else TILE
    cdef Py_ssize_t n, c, size
    while N > 0:
        rows = rows if rows < N else N
        _largest_of_rows(x, largest, rows, C, copies)
        c = 0
        while c < rows * C:
            size = rows * C - c
            size = size if size < rows * copies else rows * copies
            _exp_shifted(x + c, largest, out + c, size, lowest[floating](0))
            c += size
        _divide_by_sums(out, rows, C)
        for n in range(rows):
            if isinf(largest[n * copies]):
                _limit(x + n * C, out + n * C, C, largest[n * copies])
        x += rows * C
        out += rows * C
        N -= rows


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


cdef VECTORISED _add_products(const floating* t, const double* p, Py_ssize_t size, double* total) noexcept nogil:
    """Add sum_i t[i] p[i] to total."""
    cdef Py_ssize_t i = 0, k
    cdef double lane[LANES]
    for k in range(LANES):
        lane[k] = 0.0
    while i + LANES <= size:
        for k in range(LANES):
            lane[k] += t[i + k] * p[i + k]
        i += LANES
    for k in range(size - i):
        lane[k] += t[i + k] * p[i + k]
    for k in range(LANES):
        total[0] += lane[k]


cdef VECTORISED _log_plus(const floating* y, double eps, double* out, Py_ssize_t size) noexcept nogil:
    """out = log(y + eps), in double."""
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = log_any(<double> y[i] + eps)


cdef bint _all_in_range(const label* labels, Py_ssize_t size, Py_ssize_t C) noexcept nogil:
    cdef size_t largest = 0
    cdef Py_ssize_t n
    for n in range(size):  # without a sign, what is negative is very large
        largest = <size_t> labels[n] if <size_t> labels[n] > largest else largest
    return size == 0 or largest < <size_t> C


cdef bint _add_at_labels(
    const floating* y, const label* labels, double eps, Py_ssize_t N, Py_ssize_t C, double* total
) noexcept nogil:
    """Add sum_n log(y[n, labels[n]] + eps) to total, unless a label is out of range: return whether all are in it."""
    cdef floating at_label[TILE]
    cdef double logs[TILE]
    cdef double part
    cdef Py_ssize_t n, size
    while N > 0:
        size = TILE if TILE < N else N
        if not _all_in_range(labels, size, C):
            return False
        for n in range(size):
            at_label[n] = y[n * C + labels[n]]
        _log_plus(at_label, eps, logs, size)
        part = 0.0
        for n in range(size):
            part += logs[n]
        total[0] += part
        y += size * C
        labels += size
        N -= size
    return True


cdef VECTORISED _count_improper(const floating* y, double eps, Py_ssize_t size, Py_ssize_t* count) noexcept nogil:
    """How many y + eps are negative, infinite or NaN: 0 log(y + eps) is NaN there, and 0 elsewhere."""
    cdef Py_ssize_t i, improper = 0
    for i in range(size):
        improper += 1 - ((y[i] + eps >= 0) & (y[i] + eps < INFINITY))
    count[0] = improper


cdef void _add_of_targets(
    const floating* y, const floating* t, double eps, Py_ssize_t elements, double* total
) noexcept nogil:
    """Add sum_nc t[n, c] log(y[n, c] + eps) to total."""
    cdef floating t_kept[TILE]
    cdef floating y_kept[TILE]
    cdef double logs[TILE]
    cdef Py_ssize_t i = 0, k, size, kept, improper
    while i < elements:
        size = TILE if TILE < elements - i else elements - i
        _count_improper(y + i, eps, size, &improper)
        # Where t is 0 so is the term, and a row of a one-hot t costs one logarithm. What is not kept is overwritten by
        # the next element: no branch for the processor to guess wrong.
        kept = 0
        for k in range(i, i + size):
            t_kept[kept] = t[k]
            y_kept[kept] = y[k]
            kept += nonzero(t[k]) | (improper != 0)
        _log_plus(y_kept, eps, logs, kept)
        _add_products(t_kept, logs, kept, total)
        i += size


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
        accepted = _add_at_labels(y, <const Py_ssize_t*> address(t), eps, N, C, &total)
    elif PyArray_TYPE(t) == NPY_UINT8:
        accepted = _add_at_labels(y, <const uint8_t*> address(t), eps, N, C, &total)
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


# The next three are not compiled yet.


def binary_cross_entropy(y: FloatArray, t: FloatArray, eps: float) -> float:
    """Return the mean of `-(t log(y + eps) + (1 - t) log(1 - y + eps))` for y and t (N,).

    A term whose weight, t or 1 - t, and whose argument of the logarithm are both 0 is 0.
    """
    return _kernels_numpy.binary_cross_entropy(y, t, eps)


def softmax_cross_entropy_labels(
    x: FloatArray, labels: IntArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_n log(softmax(x)[n, labels[n]]) / N` for x (N, C), labels (N,), and its gradient by x or None."""
    return _kernels_numpy.softmax_cross_entropy_labels(x, labels, with_gradient)


def softmax_cross_entropy_targets(
    x: FloatArray, t: FloatArray, with_gradient: bool
) -> tuple[float, FloatArray | None]:
    """Return `-sum_nc t[n, c] log(softmax(x)[n, c]) / N` for x and t (N, C), and its gradient by x or None.

    A term with t = 0 and softmax(x) = 0 is 0.
    """
    return _kernels_numpy.softmax_cross_entropy_targets(x, t, with_gradient)


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
