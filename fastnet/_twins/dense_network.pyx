"""The gradient and the predictions of a dense network of L layers, compiled. The twin is `dense_network_numpy.py`.

Read the twin first: it computes the same functions in a few lines.

    a1 = x W1 + b1,  z1 = f(a1),  a2 = z1 W2 + b2,  ...,  y = output(aL),
    daL = (y sum(t) - t) / N for the output "softmax", (y - t) / (N C) for "sigmoid", 2 (y - t) / (N C) for "identity",
    2 (y - t) y (1 - y) / (N C) for "sigmoid_mse"; with weights, daL of a sample times weight / (mean of the weights),
    dWl = z(l-1)' dal,  da(l-1) = (dal Wl') f'(a(l-1)),  dbl = sum of dal over the samples

Why it is fast, most important first:

- Most pixels of an image are black. `list_used` lists which samples use which inputs. The two products with x, nearly
  all the work of a step, skip the zeros: 81 % of MNIST's pixels.
- `multiply` (x W) and `outer` (x' d) keep the values that they reuse in registers. A BLAS is no faster on matrices of
  this size, and starts threads for them.
- The loops work on one chunk of samples at a time, so that everything but the weights stays in the L1 and L2 caches.
  Of a sparse matrix, one chunk becomes dense at a time.

Skipping a zero is wrong where the other factor is infinite or NaN: 0 times infinity is NaN. So the kernel checks after
each product whether the result is finite. If not, the functions `limits_of_...` add what was skipped.

The kernels do not check the parameters. The caller passes what `plain_parameters` returns, or converts them itself: all
C-contiguous, aligned, in native byte order, all float32 or all float64, shapes that fit each other, no dimension 0.
The kernels do check x, t and weights, and return None if these need conversion. x may be float32 beside float64
parameters, or `ScaledBytes`.

Shapes: N samples, D inputs, C outputs; a layer has I inputs and U units.
The matrices in the workspace have rows of `padded(U, ...)` elements: columns past U are padding.
"""

from cython cimport floating
from libc.math cimport INFINITY, isinf
from libc.stdint cimport int32_t, uint8_t, uint32_t, uintptr_t
from libc.string cimport memcpy, memset

from fastnet._twins.shared.dispatch cimport UNROLLED, VECTORISED, over_rows
from fastnet._twins.shared.formulas cimport (
    ELU, IDENTITY, LEAKY_RELU, RELU, SIGMOID, SIGMOID_MSE_OUTPUT, SIGMOID_OUTPUT, SLOPE, SOFTMAX,
    activation_called, elu_and_slope, exp_clamped, is_outside, leaky_relu, leaky_relu_slope, mean_divisor,
    output_called, relu, relu_slope, sigmoid_and_slope, tanh_and_slope,
)
from fastnet._twins.shared.memory cimport (
    NPY_DOUBLE, NPY_FLOAT, NPY_INT32, NPY_INTP, NPY_UINT8, PyArray_Cast, PyArray_ITEMSIZE, PyArray_TYPE,
    address, doubles, empty_like, import_array, is_carray, ndarray, plain, prefetch_bytes,
)
from fastnet._twins.shared.products cimport (
    CHUNK, GROUP, Used, all_finite, borrow, clear_padding, find_used, give_back, groups_of, input, limits_of_outer, limits_of_product,
    list_all, list_used, multiply, outer, pack_used, padded, spread, sum_samples, unused_are_finite,
)
from fastnet._twins.shared.rows cimport softmax_limit
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.transposition cimport transpose
from fastnet._twins.shared.vector_math cimport lowest, lowest_normal

from numpy import empty, uint8

from fastnet._picked import Picked
from fastnet._scaled import ScaledBytes

__all__ = ["add_decay", "network_gradient", "network_predict", "plain_parameters", "sum_of_squares"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef VECTORISED _activate(floating* a, floating* slope, Py_ssize_t size, int activation) noexcept nogil:
    # a = f(a), slope = f'(a).
    #
    # For tanh and elu, one formula computes both from one exponential. With separate calls of `tanh` and `tanh_slope`,
    # a step of 784-50-10, batch 100, takes 1.02 times as long in float32 and 1.03 times in float64; with `elu` and
    # `elu_slope`, 1.01 and 1.03 times. With `sigmoid` and `sigmoid_slope` it takes less than 1.01 times as long. But
    # these round differently, and the losses of a run with a seed would change in their last digits.
    cdef Py_ssize_t i
    cdef floating low = lowest[floating](0), low_normal = lowest_normal[floating](0)
    if activation == RELU:
        for i in range(size):
            slope[i] = relu_slope(a[i])
            a[i] = relu(a[i])
    elif activation == LEAKY_RELU:
        for i in range(size):
            slope[i] = leaky_relu_slope(a[i], <floating> SLOPE)
            a[i] = leaky_relu(a[i], <floating> SLOPE)
    elif activation == ELU:
        for i in range(size):
            a[i] = elu_and_slope(a[i], low_normal, &slope[i])
    elif activation == SIGMOID:
        for i in range(size):
            a[i] = sigmoid_and_slope(a[i], low, &slope[i])
    elif activation == IDENTITY:
        for i in range(size):
            slope[i] = <floating> 1.0
    else:
        for i in range(size):
            a[i] = tanh_and_slope(a[i], low_normal, &slope[i])


cdef VECTORISED _softmax(floating* a, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    # a = softmax(a), in place; the padding becomes almost 0. This is not the softmax of softmax.pyx, which takes rows
    # without padding. Three passes over all rows, so that no row waits for the one before: with a loop that completes
    # row after row, a step of 784-50-10, batch 100, takes 1.05 times as long in float32 and 1.02 times in float64.
    cdef Py_ssize_t n, c, i, stride = padded(C, sizeof(floating))
    cdef floating* row
    cdef floating low = lowest[floating](0)
    cdef floating largest, scale
    cdef double total
    for n in range(rows):
        row = a + n * stride
        largest = row[0]
        for c in range(1, C):
            largest = row[c] if row[c] > largest else largest
        for c in range(C):
            row[c] -= largest
        for c in range(C, stride):
            row[c] = low
    for i in range(rows * stride):
        a[i] = exp_clamped(a[i], low)
    for n in range(rows):
        row = a + n * stride
        total = 0
        for c in range(C):
            total += row[c]
        scale = <floating> (1.0 / total)
        for c in range(stride):
            row[c] *= scale


cdef VECTORISED _error(
    floating* y, const Py_ssize_t* labels, const floating* t, const floating* slope, const double* weights,
    double mean_weight, Py_ssize_t rows, Py_ssize_t C, int output, double divisor,
) noexcept nogil:
    # Replace y by the derivative of the mean loss by a. A label is short for a row of t with a single 1; t, the weights
    # and the labels may be NULL. slope is that of the sigmoid.
    cdef Py_ssize_t n, c
    cdef double sum
    cdef floating total, row_divisor = <floating> divisor
    for n in range(rows):
        if labels != NULL:
            y[labels[n]] -= 1
        elif output == SOFTMAX:
            sum = 0
            for c in range(C):
                sum += t[c]
            total = <floating> sum
            for c in range(C):
                y[c] = y[c] * total - t[c]
        else:
            for c in range(C):
                y[c] -= t[c]
        if output == SIGMOID_MSE_OUTPUT:
            for c in range(C):
                y[c] *= slope[c]
        if weights != NULL:
            row_divisor = <floating> (divisor / (weights[n] / mean_weight))
        for c in range(C):
            y[c] /= row_divisor
        y += padded(C, sizeof(floating))
        slope += padded(C, sizeof(floating))
        t += C if t != NULL else 0


cdef VECTORISED _times(floating* x, const floating* y, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        x[i] *= y[i]


cdef VECTORISED _add_decay(floating* dW, const floating* W, Py_ssize_t size, double strength) noexcept nogil:
    cdef Py_ssize_t i
    cdef floating factor = <floating> strength
    for i in range(size):
        dW[i] += factor * W[i]


cdef VECTORISED _add_squares(const floating* W, Py_ssize_t size, double* total) noexcept nogil:
    # Eight sums, so that the processor can add eight squares at a time.
    cdef Py_ssize_t i, lane
    cdef double sums[8]
    for lane in range(8):
        sums[lane] = 0
    for i in range(0, size - 7, 8):
        for lane in range(8):
            sums[lane] += <double> W[i + lane] * <double> W[i + lane]
    for i in range(size - size % 8, size):
        sums[0] += <double> W[i] * <double> W[i]
    for lane in range(8):
        total[0] += sums[lane]


cdef void _limits_of_softmax(floating* a, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    # a = softmax(a), in place, also for rows whose largest value is infinite
    cdef Py_ssize_t n, c
    cdef floating* row
    cdef floating largest
    for n in range(rows):
        row = a + n * padded(C, sizeof(floating))
        largest = -INFINITY
        for c in range(C):
            largest = row[c] if row[c] > largest else largest
        if isinf(largest):
            softmax_limit(row, row, C, largest)
        else:
            _softmax(row, 1, C)


# ---- The step

cdef double LEAST_SUM = 1e-290  # of weights: a smaller sum may be subnormal, and then its mean is not precise


cdef struct Layer:
    Py_ssize_t inputs, U  # not I, U: C defines I as the imaginary unit
    const void* W    # (I, U)
    const void* b    # (U,)
    void* dW         # (I, U), and db (U,); or both NULL
    void* db
    void* z          # (CHUNK, padded U): holds a, then z (in the last layer y), then da
    void* slope      # (CHUNK, padded U): f'(a)
    void* WT         # (U, I): W transposed


# A sparse matrix in SciPy's CSR format: row n has the numbers from starts[n] to starts[n + 1] - 1, of `size` in all, and
# number e belongs to the input inputs[e]. The pointers are NULL if the matrix is dense.
cdef struct Sparse:
    const int32_t* starts
    const int32_t* inputs
    Py_ssize_t size


cdef struct Problem:
    Py_ssize_t N
    int activation, output
    const void* x              # (N, D); or a matrix of which order[n] is the row of sample n
    Sparse sparse              # if the matrix is sparse, and x its numbers
    const Py_ssize_t* order    # (N,), or NULL
    float divisor              # if x holds bytes: each stands for itself / divisor, in float32
    const Py_ssize_t* labels   # (N,), or NULL
    const void* t              # (N, C), or NULL
    const double* weights      # (N,), or NULL
    double mean_weight
    void* y                    # (N, C), or NULL
    Layer* first
    Layer* last


# The temporary memory of a step, besides that of its layers, for one chunk of samples.
cdef struct Workspace:
    void* x             # the output of `pack_used`, if x cannot be read directly
    void* rows          # the output of `_make_dense`, if x is sparse
    Used used           # for the inputs x
    Used all            # for the units of any layer: all samples
    uint32_t* is_used   # the output of `find_used`


cdef void* _reserve(char** end, Py_ssize_t size) noexcept nogil:
    # Reserve `size` bytes, aligned to a cache line, after the memory that is already reserved.
    cdef uintptr_t begin = (<uintptr_t> end[0] + 63) // 64 * 64
    end[0] = <char*> begin + size
    return <void*> begin


cdef Py_ssize_t _lay_out(Workspace* workspace, char* begin, const Problem* problem, Py_ssize_t itemsize) noexcept nogil:
    # Divide the memory that starts at `begin` among the matrices, and return the total size in bytes.
    cdef char* end = begin
    cdef Py_ssize_t inputs = groups_of(problem.first.inputs), units = 0
    cdef Layer* layer = problem.first
    while layer <= problem.last:
        units = max(units, groups_of(layer.U))
        layer.z = _reserve(&end, CHUNK * itemsize * padded(layer.U, itemsize))
        layer.slope = _reserve(&end, CHUNK * itemsize * padded(layer.U, itemsize))
        layer.WT = _reserve(&end, layer.U * layer.inputs * itemsize if layer > problem.first else 0)
        layer += 1
    workspace.x = _reserve(&end, CHUNK * itemsize * inputs * GROUP)
    workspace.rows = _reserve(&end, CHUNK * itemsize * problem.first.inputs if problem.sparse.starts != NULL else 0)
    workspace.used.counts = <Py_ssize_t*> _reserve(&end, inputs * sizeof(Py_ssize_t))
    workspace.used.samples = <unsigned char*> _reserve(&end, inputs * CHUNK)
    workspace.all.counts = <Py_ssize_t*> _reserve(&end, units * sizeof(Py_ssize_t))
    workspace.all.samples = <unsigned char*> _reserve(&end, units * CHUNK)
    workspace.is_used = <uint32_t*> _reserve(&end, inputs * GROUP * CHUNK // 8)
    return end - begin


cdef bint _forward(
    const floating* samples, Py_ssize_t stride, const unsigned char* packed, Py_ssize_t rows,
    const Problem* problem, const Workspace* workspace,
) noexcept nogil:
    # Compute y from x. Return False if an intermediate value is not finite. `samples` is x or the output of
    # `pack_used`.
    cdef Layer* layer = problem.first
    cdef const floating* inputs = samples
    cdef const Used* used = &workspace.used
    cdef Py_ssize_t size
    cdef floating* z
    cdef bint finite = unused_are_finite(<const floating*> layer.W, layer.inputs, layer.U, used)
    while True:
        z, size = <floating*> layer.z, rows * padded(layer.U, sizeof(floating))
        spread(<const floating*> layer.b, rows, layer.U, z)
        multiply(inputs, stride, packed, used, layer.inputs, <const floating*> layer.W, layer.U, layer.U, z)
        finite = finite and all_finite(z, size)
        if not finite and layer == problem.first:
            limits_of_product(
                workspace.is_used, rows, layer.inputs, <const floating*> layer.W, layer.U, z, <floating*> layer.slope
            )
        if layer == problem.last:
            break
        _activate(z, <floating*> layer.slope, size, problem.activation)
        if not finite:
            clear_padding(z, rows, layer.U)
        inputs, stride, packed, used = z, padded(layer.U, sizeof(floating)), NULL, &workspace.all
        layer += 1
    if problem.output == SOFTMAX and finite:
        _softmax(z, rows, layer.U)
    elif problem.output == SOFTMAX:
        _limits_of_softmax(z, rows, layer.U)
    elif problem.output in (SIGMOID_OUTPUT, SIGMOID_MSE_OUTPUT):
        _activate(z, <floating*> layer.slope, size, SIGMOID)
    if not finite:
        clear_padding(z, rows, layer.U)
    return finite


cdef void _backward(
    const floating* samples, Py_ssize_t stride, const unsigned char* packed, Py_ssize_t first,
    Py_ssize_t rows, bint finite, const Problem* problem, const Workspace* workspace,
) noexcept nogil:
    # Compute the gradients from y. `first` is the index of this chunk's first sample: if it is not 0, add to the
    # gradients. `finite` is the result of `_forward`.
    cdef Layer* layer = problem.last
    cdef Layer* before
    cdef bint add = first > 0
    cdef Py_ssize_t size
    cdef floating* da = <floating*> layer.z
    # Set one by one: for `NULL if ... else ...` Cython would use a pointer that is not const.
    cdef const Py_ssize_t* labels = problem.labels
    cdef const floating* t = <const floating*> problem.t
    cdef const double* weights = problem.weights
    if labels != NULL:
        labels += first
    if t != NULL:
        t += first * layer.U
    if weights != NULL:
        weights += first
    _error(
        da, labels, t, <const floating*> layer.slope, weights, problem.mean_weight, rows, layer.U, problem.output,
        mean_divisor(problem.output, problem.N, layer.U),
    )
    while True:
        sum_samples(da, rows, layer.U, <floating*> layer.db, add)
        finite = finite and all_finite(<floating*> layer.db, layer.U)  # the sum is finite only if da is
        if layer == problem.first:
            break
        before = layer - 1
        size = rows * padded(before.U, sizeof(floating))
        outer(
            <floating*> before.z, padded(before.U, sizeof(floating)), NULL, &workspace.all, layer.inputs, da, layer.U,
            <floating*> layer.dW, add,
        )
        memset(before.z, 0, size * sizeof(floating))
        multiply(
            da, padded(layer.U, sizeof(floating)), NULL, &workspace.all, layer.U, <const floating*> layer.WT,
            layer.inputs, layer.inputs, <floating*> before.z,
        )
        layer, da = before, <floating*> before.z
        _times(da, <const floating*> layer.slope, size)
        if not finite:
            clear_padding(da, rows, layer.U)
    outer(samples, stride, packed, &workspace.used, layer.inputs, da, layer.U, <floating*> layer.dW, add)
    if not finite:
        limits_of_outer(
            workspace.is_used, rows, layer.inputs, da, layer.U, <floating*> layer.dW, <floating*> layer.slope
        )


cdef bint _make_dense(
    const input* numbers, const Sparse* sparse, const Py_ssize_t* order, Py_ssize_t rows, Py_ssize_t D, input* out
) noexcept nogil:
    # out (rows, D) = the rows of a sparse matrix. As in SciPy, the numbers of one input are added. Return whether the
    # rows lie within the numbers, and their inputs are below D. Each place is checked when it is used, because another
    # thread may change the matrix at any time.
    #
    # The rows are short, and lie anywhere in memory: so prefetch the next one. Without this, a step of 784-100-10, batch
    # 200, takes 1.1 times as long.
    cdef Py_ssize_t n, e, begin, end, next = sparse.starts[order[0]], next_end = sparse.starts[order[0] + 1]
    cdef uint32_t i
    cdef bint fit = True
    for n in range(rows):
        begin, end = next, next_end
        if n + 1 < rows:
            next, next_end = sparse.starts[order[n + 1]], sparse.starts[order[n + 1] + 1]
            prefetch_bytes(sparse.inputs + next, (min(next_end, sparse.size) - next) * sizeof(int32_t))
            prefetch_bytes(numbers + next, (min(next_end, sparse.size) - next) * sizeof(input))
        memset(out, 0, D * sizeof(input))
        if not 0 <= begin <= end <= sparse.size:
            return False
        for e in range(begin, end):
            i = <uint32_t> sparse.inputs[e]  # as an unsigned number, a negative one is very large
            if i < D:
                out[i] += numbers[e]
            else:
                fit = False
        out += D
    return fit


cdef bint _step(const input* x, floating* like, const Problem* problem, const Workspace* workspace) noexcept nogil:
    # Compute all chunks: y if it is not NULL, and the gradients if the layers have them. `like` only selects the dtype
    # of the parameters. Return False, at once, if a sparse matrix is not valid.
    cdef Py_ssize_t first, rows, n, units = 0, D = problem.first.inputs, C = problem.last.U
    cdef bint is_sparse = problem.sparse.starts != NULL
    cdef bint together = problem.order == NULL or is_sparse
    cdef bint as_it_is = sizeof(input) == sizeof(floating) and D % GROUP == 0 and together
    cdef Py_ssize_t stride = D if as_it_is else GROUP
    cdef const unsigned char* packed = NULL if as_it_is else workspace.all.samples  # `list_all` writes 0, 1, 2, ...
    cdef floating* y = <floating*> problem.y
    cdef floating* samples
    cdef const input* part
    cdef const Py_ssize_t* order
    cdef floating levels[256]
    cdef bint finite
    cdef bint backward = problem.first.dW != NULL
    cdef Layer* layer = problem.first
    if input is uint8_t:
        for n in range(256):
            levels[n] = <float> n / problem.divisor
    while layer <= problem.last:
        units = max(units, groups_of(layer.U))
        if backward and layer > problem.first:
            transpose(
                <const floating*> layer.W, layer.U, layer.inputs, layer.U, <floating*> layer.WT, layer.inputs,
            )
        layer += 1
    for first from 0 <= first < problem.N by CHUNK:
        rows = min(problem.N - first, CHUNK)
        if is_sparse:
            if not _make_dense(x, &problem.sparse, problem.order + first, rows, D, <input*> workspace.rows):
                return False
            part, order = <const input*> workspace.rows, NULL
        elif problem.order == NULL:
            part, order = x + first * D, NULL
        else:
            part, order = x, problem.order + first
        find_used(part, D, order, rows, D, workspace.is_used)
        list_used(workspace.is_used, rows, groups_of(D), &workspace.used)
        list_all(rows, units, &workspace.all)
        if as_it_is:
            samples = <floating*> part
        else:
            samples = <floating*> workspace.x
            pack_used(part, D, order, levels, D, &workspace.used, samples)
        finite = _forward(samples, stride, packed, rows, problem, workspace)
        if y != NULL:
            for n in range(rows):
                memcpy(
                    y + (first + n) * C, <floating*> problem.last.z + n * padded(C, sizeof(floating)),
                    C * sizeof(floating),
                )
        if backward:
            _backward(samples, stride, packed, first, rows, finite, problem, workspace)
    return True


cdef ndarray _input(x, tuple parameters, Problem* problem):
    # The matrix x, or the bytes of `ScaledBytes`; None if x needs conversion or is not valid.
    cdef ndarray W = parameters[0], array
    cdef bint scaled = type(x) is ScaledBytes
    if scaled:
        problem.divisor, x = x.divisor, x.values
    if not is_carray(x):
        return None
    array = x
    if array.ndim != 2 or array.shape[1] != W.shape[0]:
        return None
    if scaled:
        return array if PyArray_TYPE(array) == NPY_UINT8 else None
    return array if PyArray_TYPE(array) in (NPY_FLOAT, PyArray_TYPE(W)) else None


cdef tuple _sparse_input(x, tuple parameters, Problem* problem):
    # The numbers of the sparse matrix x in CSR format, and the arrays that `problem.sparse` points to; None if x needs
    # conversion.
    cdef ndarray W = parameters[0], numbers, indices, indptr
    if x.format != "csr" or x.shape[1] != W.shape[0]:
        return None
    arrays = x.data, x.indices, x.indptr
    for array in arrays:
        if not is_carray(array) or (<ndarray> array).ndim != 1:
            return None
    numbers, indices, indptr = arrays
    if PyArray_TYPE(indices) != NPY_INT32 or PyArray_TYPE(indptr) != NPY_INT32:
        return None
    if PyArray_TYPE(numbers) not in (NPY_FLOAT, PyArray_TYPE(W)):
        return None
    if indptr.size != x.shape[0] + 1 or indices.size != numbers.size:
        return None
    problem.sparse.starts = <const int32_t*> address(indptr)
    problem.sparse.inputs = <const int32_t*> address(indices)
    problem.sparse.size = numbers.size
    return arrays


cdef UNROLLED _find_outside(const floating* t, Py_ssize_t size, bint* found) noexcept nogil:
    found[0] = is_outside(t, size)


cdef bint _are_in_range(
    const floating* x, const floating* t, const Py_ssize_t* labels, floating* out, Py_ssize_t N, Py_ssize_t C,
    double number, double* loss,
) noexcept nogil:
    # Whether no element of x, which holds the targets (N, C), is outside [0, 1].
    cdef bint outside = False
    _find_outside(x, N * C, &outside)
    return not outside


cdef ndarray _order(rows, size_t count):
    # The array `rows` of `Picked`; None if it does not hold numbers of the rows of a matrix, of which there are `count`.
    cdef Py_ssize_t n
    cdef ndarray array
    cdef const Py_ssize_t* order
    if not is_carray(rows):
        return None
    array = rows
    if PyArray_TYPE(array) != NPY_INTP or array.ndim != 1:
        return None
    order = <const Py_ssize_t*> address(array)
    for n in range(array.shape[0]):
        if <size_t> order[n] >= count:  # as an unsigned number, a negative one is very large
            return None
    return array


cdef ndarray _targets(t, Py_ssize_t N, ndarray b, str output):
    # The targets (N, C), or labels (N,) as intp; None if t needs another conversion or is not valid.
    cdef Py_ssize_t n, C = b.shape[0]
    cdef ndarray array
    cdef const Py_ssize_t* labels
    if not is_carray(t):
        return None
    array = t
    if PyArray_TYPE(array) == PyArray_TYPE(b):
        if array.ndim != 2 or array.shape[0] != N or array.shape[1] != C:
            return None
        if output == "identity" or over_rows(
            array, None, None, None, C, 0, NULL, _are_in_range[float], _are_in_range[double]
        ):
            return array
        return None
    if not (output == "softmax" and array.ndim == 1 and array.shape[0] == N):
        return None
    if PyArray_TYPE(array) == NPY_UINT8:
        array = PyArray_Cast(array, NPY_INTP)
    elif PyArray_TYPE(array) != NPY_INTP:
        return None
    labels = <const Py_ssize_t*> address(array)
    for n in range(N):
        if <size_t> labels[n] >= <size_t> C:  # as an unsigned number, a negative label is very large
            return None
    return array


cdef bint _are_weights(weights, Problem* problem):
    # Whether the kernels can take the weights without conversion: none is 0, and their sum is a normal number.
    cdef Py_ssize_t n, N = problem.N
    cdef const double* w
    cdef double sum = 0
    if weights is None:
        return True
    if not is_carray(weights) or PyArray_TYPE(<ndarray> weights) != NPY_DOUBLE:
        return False
    if (<ndarray> weights).ndim != 1 or (<ndarray> weights).shape[0] != N:
        return False
    w = doubles(<ndarray> weights)
    for n in range(N):
        if not w[n] > 0:
            return False
        sum += w[n]
    problem.weights, problem.mean_weight = w, sum / N
    return LEAST_SUM <= sum < INFINITY


cdef int _run(ndarray x, tuple parameters, list gradients, str activation, str output, Problem* problem) except -1:
    # Compute y if `problem` has it, and the gradients unless `gradients` is None. Return 0 if x is sparse and not valid.
    cdef bint is_valid
    cdef Workspace workspace
    cdef ndarray W, b, dW, db, memory, records = empty(len(parameters) // 2 * sizeof(Layer), uint8)
    cdef Py_ssize_t l, count = len(parameters) // 2, itemsize = PyArray_ITEMSIZE(parameters[0])
    cdef Layer* layers = <Layer*> address(records)
    problem.x = address(x)
    problem.activation, problem.output = activation_called(activation), output_called(output)
    problem.first, problem.last = layers, layers + count - 1
    for l in range(count):
        W, b = parameters[2 * l], parameters[2 * l + 1]
        layers[l].inputs, layers[l].U = W.shape[0], W.shape[1]
        layers[l].W, layers[l].b = address(W), address(b)
        layers[l].dW, layers[l].db = NULL, NULL
        if gradients is not None:
            dW, db = empty_like(W), empty_like(b)
            layers[l].dW, layers[l].db = address(dW), address(db)
            gradients += dW, db
    memory = borrow(_lay_out(&workspace, NULL, problem, itemsize) + 64)
    _lay_out(&workspace, <char*> address(memory), problem, itemsize)
    with nogil:
        if itemsize == sizeof(float):
            if PyArray_ITEMSIZE(x) == 1:
                is_valid = _step[uint8_t, float](<const uint8_t*> problem.x, <float*> NULL, problem, &workspace)
            else:
                is_valid = _step[float, float](<const float*> problem.x, <float*> NULL, problem, &workspace)
        elif PyArray_ITEMSIZE(x) == 1:
            is_valid = _step[uint8_t, double](<const uint8_t*> problem.x, <double*> NULL, problem, &workspace)
        elif PyArray_ITEMSIZE(x) == sizeof(float):
            is_valid = _step[float, double](<const float*> problem.x, <double*> NULL, problem, &workspace)
        else:
            is_valid = _step[double, double](<const double*> problem.x, <double*> NULL, problem, &workspace)
    give_back(memory)
    return is_valid


def plain_parameters(
    params: Any, dict shapes: dict[str, tuple[int, ...]], dtype: Any, /
) -> tuple[FloatArray, ...] | None:
    """Return the arrays of `params` in the order of `shapes`, or None if one needs conversion or is not valid."""
    cdef Py_ssize_t itemsize = dtype.itemsize, axis
    cdef ndarray array
    cdef list arrays = []
    if type(params) is not dict or len(<dict> params) != len(shapes):
        return None
    for name, shape in shapes.items():
        value = (<dict> params).get(name)
        if not plain(value):
            return None
        array = value
        if PyArray_ITEMSIZE(array) != itemsize or array.ndim != len(<tuple> shape):
            return None
        for axis in range(array.ndim):
            if array.shape[axis] != <Py_ssize_t> (<tuple> shape)[axis]:
                return None
        arrays.append(array)
    return tuple(arrays)


def network_predict(
    x: Any, tuple parameters: tuple[FloatArray, ...], str activation: str, str output: str, /
) -> FloatArray | None:
    """Return the predictions `y` (N, C), or None if x needs conversion or is not valid.

    x is (N, D), an array or `ScaledBytes`. The parameters are W1 (D, H), b1 (H,), ..., those of the last layer (H, C)
    and (C,).
    """
    cdef Problem problem
    cdef ndarray inputs, y, b = parameters[len(parameters) - 1]
    memset(&problem, 0, sizeof(problem))
    inputs = _input(x, parameters, &problem)
    if inputs is None:
        return None
    problem.N = inputs.shape[0]
    y = empty((problem.N, b.shape[0]), b.dtype)
    problem.y = address(y)
    _run(inputs, parameters, None, activation, output, &problem)
    return y


def network_gradient(
    x: Any, t: Any, tuple parameters: tuple[FloatArray, ...], str activation: str, str output: str,
    weights: Any = None, ndarray y: FloatArray | None = None, /
) -> list[FloatArray] | None:
    """Return the gradient of the loss with respect to every parameter.

    Or return None if an argument needs conversion or is not valid.

    x is (N, D), N at least 1, an array, `ScaledBytes`, or `Picked` from an array or a sparse matrix. The parameters are
    W1 (D, H), b1 (H,), ..., those of the last layer (H, C) and (C,). t is (N, C) targets in the dtype of the
    parameters, from 0 to 1 (for the output "identity", any); or, for the output "softmax", (N,) labels, intp or uint8.
    The weights of the samples are (N,), float64, above 0, or None. The predictions are written to y, which is
    C-contiguous (N, C) in the dtype of the parameters, or None.
    """
    cdef Problem problem
    cdef ndarray inputs, array, order
    cdef tuple arrays = None
    memset(&problem, 0, sizeof(problem))
    matrix = x.array if type(x) is Picked else x
    if type(x) is Picked and x.is_sparse:
        arrays = _sparse_input(matrix, parameters, &problem)
        inputs = None if arrays is None else arrays[0]
    else:
        inputs = _input(matrix, parameters, &problem)
    if inputs is None:
        return None
    problem.N = inputs.shape[0]
    if type(x) is Picked:
        order = _order(x.rows, inputs.shape[0] if arrays is None else len(arrays[2]) - 1)
        if order is None:
            return None
        problem.N, problem.order = order.shape[0], <const Py_ssize_t*> address(order)
    if problem.N == 0:
        return None
    array = _targets(t, problem.N, parameters[len(parameters) - 1], output)
    if array is None or not _are_weights(weights, &problem):
        return None
    if array.ndim == 1:
        problem.labels = <const Py_ssize_t*> address(array)
    else:
        problem.t = address(array)
    if y is not None:
        problem.y = address(y)
    gradients = []
    return gradients if _run(inputs, parameters, gradients, activation, output, &problem) else None


def add_decay(ndarray dW: FloatArray, ndarray W: FloatArray, double strength: float, /) -> None:
    """Add `strength * W` to the gradient dW of a matrix W of the parameters, in place."""
    cdef Py_ssize_t size = W.shape[0] * W.shape[1]
    if PyArray_ITEMSIZE(W) == sizeof(float):
        _add_decay(<float*> address(dW), <const float*> address(W), size, strength)
    else:
        _add_decay(<double*> address(dW), <const double*> address(W), size, strength)


def sum_of_squares(ndarray W: FloatArray, /) -> float:
    """Return the sum of the squares of a matrix W of the parameters, in float64."""
    cdef Py_ssize_t size = W.shape[0] * W.shape[1]
    cdef double total = 0
    if PyArray_ITEMSIZE(W) == sizeof(float):
        _add_squares(<const float*> address(W), size, &total)
    else:
        _add_squares(<const double*> address(W), size, &total)
    return total
