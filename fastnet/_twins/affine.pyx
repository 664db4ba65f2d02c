"""The affine layer and its gradient, compiled. The twin is `affine_numpy.py`: it has the formulas.

Why it is fast, most important first:

- A batch with many zeros, as of images or behind ReLU, goes through the products of `products.pyx`, which skip them.
  `_has_zeros` looks at a few samples and decides.
- Otherwise `_tile` keeps the sums of 8 rows and one panel of columns in registers, and stores them once. It adds the
  bias on the way.
- The gradients are computed for a strip of inputs at a time, as wide as a tile. The strips of x and of W', copied, stay
  in the L1 cache for all that is multiplied by them.
- float32 samples beside float64 weights are converted one chunk of samples or one strip at a time.

Threads: `affine` divides the samples into blocks, and `affine_gradient` the inputs, because no sum goes over these. So the
results do not depend on the blocks, or on the threads that computed them.

Shapes: N samples of D elements each, U units. Each of these may be 0.
"""

from cython cimport floating
from libc.stdint cimport uint32_t, uintptr_t
from libc.string cimport memcpy, memset

from fastnet._twins.shared.dispatch cimport INLINED, OPTIMISED, UNROLLED, VECTORISED
from fastnet._twins.shared.memory cimport (
    CACHE_LINE, NPY_FLOAT, PyArray_ITEMSIZE, PyArray_TYPE, address, empty_like, import_array, is_carray, ndarray, plain,
)
from fastnet._twins.shared.products cimport (
    CHUNK, GROUP, Used, all_finite, find_used, groups_of, limits_of_outer, limits_of_product,
    list_used, multiply, outer, pack_used, padded, spread, unused_are_finite,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.threads cimport Part, share
from fastnet._twins.shared.transposition cimport transpose

from numpy import empty

__all__ = ["affine", "affine_gradient"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef extern from *:
    """
    /* As in products.pyx: keep the sums in registers. */
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize ("no-tree-loop-distribute-patterns", "gcse-las", "gcse", "strict-aliasing")
    #pragma GCC optimize ("expensive-optimizations")
    #endif
    """

ctypedef fused number:
    float
    double

cdef enum:
    ROWS = 8           # rows of a tile, the rest of a matrix has HALF_ROWS if they are enough
    HALF_ROWS = 4
    TILE_BYTES = 192   # columns of a tile: 48 of float32, 24 of float64. 8 x 192 bytes and one row of the right factor
                       # fill 27 of AVX-512's 32 registers. The last tile has two thirds or one, if they are enough.
    WIDEST_TILE = 48
    TERMS = 2048       # bytes of a row that are multiplied before the next tile: the columns of a tile stay in the cache
    SKIPPED = 4        # a batch has zeros if at least one of SKIPPED groups has only zeros
    LOOK_AT = 8        # one of so many samples is looked at
    BLOCKS = 8         # blocks into which a large call is divided, at most: so many threads can share it
    LARGE = 16000000   # multiplications of a large call: 0.3 ms in float32. With fewer, threads save hardly anything.
    FEW = 4            # with fewer samples the products read each weight only once anyway, so zeros always pay


# The arrays of a call. dx, dW, db are NULL in `affine`, dx may be. x holds floats, W may hold doubles.
cdef struct Problem:
    Py_ssize_t N, D, U
    Py_ssize_t size, unit, blocks  # what is divided into blocks, samples or inputs, in multiples of `unit`
    bint doubles, double_samples  # of W, of x
    bint zeros     # whether to skip the zeros of x: decided for the whole call, so that it does not depend on the threads
    const void* x
    const void* W
    const void* b
    void* out      # (N, U): the result of `affine`, or dout
    void* dx
    void* dW
    void* db


# The temporary memory of one thread, for one chunk of samples.
cdef struct Workspace:
    Used used
    uint32_t* is_used
    void* x        # (CHUNK, D): the output of `pack_used`, or the converted samples
    void* rows     # (CHUNK, padded U)
    void* tail     # the last, incomplete panel of a right factor, or the column sums of `limits_of_...`
    void* strip    # a strip of x or of W'


# ---- The product of matrices with few zeros

cdef INLINED _sum_tile(
    const floating* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t left, const floating* b, Py_ssize_t b_stride,
    Py_ssize_t count, const floating* bias, floating* out, Py_ssize_t out_stride, Py_ssize_t valid, bint add,
    Py_ssize_t rows, Py_ssize_t columns,
) noexcept nogil:
    # After inlining, `rows` and `columns` are constants: so the compiler keeps s in registers.
    cdef Py_ssize_t i, j, k
    cdef floating s[ROWS][WIDEST_TILE]
    cdef const floating* of[ROWS]
    for i in range(rows):
        of[i] = a + min(i, left - 1) * a_row  # past the last row, repeat it
    for i in range(rows):
        for j in range(columns):
            s[i][j] = 0
    for k in range(count):
        for i in range(rows):
            for j in range(columns):
                s[i][j] += of[i][k * a_step] * b[j]
        b += b_stride
    if bias != NULL:
        for i in range(rows):
            for j in range(columns):
                s[i][j] += bias[j]
    if valid == columns and left >= rows:
        if add:
            for i in range(rows):
                for j in range(columns):
                    out[i * out_stride + j] += s[i][j]
        else:
            for i in range(rows):
                for j in range(columns):
                    out[i * out_stride + j] = s[i][j]
    else:
        for i in range(min(rows, left)):
            for j in range(valid):
                out[i * out_stride + j] = s[i][j] + (out[i * out_stride + j] if add else 0)


cdef UNROLLED _tile(
    const floating* a, Py_ssize_t a_row, Py_ssize_t a_step, Py_ssize_t left, const floating* b, Py_ssize_t b_stride,
    Py_ssize_t count, const floating* bias, floating* out, Py_ssize_t out_stride, Py_ssize_t valid, bint add,
    Py_ssize_t columns,
) noexcept nogil:
    # out[i, j] = sum_k a[i a_row + k a_step] b[k, j] + bias[j] for min(left, ROWS) rows i and `valid` columns j; with
    # `add`, out += this sum. The number of columns of b is that of a tile, two thirds or one third of it.
    if columns == TILE_BYTES // sizeof(floating) and left > HALF_ROWS:
        _sum_tile(
            a, a_row, a_step, left, b, b_stride, count, bias, out, out_stride, valid, add, ROWS,
            TILE_BYTES // sizeof(floating),
        )
    elif columns == TILE_BYTES // sizeof(floating):
        _sum_tile(
            a, a_row, a_step, left, b, b_stride, count, bias, out, out_stride, valid, add, HALF_ROWS,
            TILE_BYTES // sizeof(floating),
        )
    elif columns == TILE_BYTES // 3 * 2 // sizeof(floating):
        _sum_tile(
            a, a_row, a_step, left, b, b_stride, count, bias, out, out_stride, valid, add, ROWS,
            TILE_BYTES // 3 * 2 // sizeof(floating),
        )
    else:
        _sum_tile(
            a, a_row, a_step, left, b, b_stride, count, bias, out, out_stride, valid, add, ROWS,
            TILE_BYTES // 3 // sizeof(floating),
        )


cdef inline Py_ssize_t _columns(Py_ssize_t left, Py_ssize_t itemsize) noexcept nogil:
    # The columns of the next panel, where `left` are left.
    cdef Py_ssize_t third = TILE_BYTES // 3 // itemsize
    return third if left <= third else 2 * third if left <= 2 * third else 3 * third


cdef VECTORISED _copy_panel(
    const number* b, Py_ssize_t b_row, Py_ssize_t count, Py_ssize_t valid, Py_ssize_t columns, floating* panel
) noexcept nogil:
    # panel[k, j] = b[k b_row + j] for `valid` columns, 0 for the others
    cdef Py_ssize_t k, j
    for k in range(count):
        for j in range(valid):
            panel[j] = <floating> b[j]
        for j in range(valid, columns):
            panel[j] = 0
        b += b_row
        panel += columns


cdef void _product(
    const floating* a, Py_ssize_t rows, const floating* b, Py_ssize_t count, const floating* bias, floating* out,
    Py_ssize_t U, floating* tail,
) noexcept nogil:
    # out (rows, U) = a b + bias, for a (rows, count), b (count, U)
    cdef Py_ssize_t full = TILE_BYTES // sizeof(floating), terms = TERMS // sizeof(floating)
    cdef Py_ssize_t first, k, i, j, block, columns, valid, stride, whole = U // full * full
    cdef const floating* right
    cdef const floating* start
    cdef floating last[WIDEST_TILE]
    if count == 0:
        for i in range(rows):
            memcpy(out + i * U, bias, U * sizeof(floating))
    memset(last, 0, sizeof(last))
    memcpy(last, bias + whole, (U - whole) * sizeof(floating))
    for k from 0 <= k < count by terms:
        block = min(terms, count - k)
        if whole < U:
            _copy_panel(b + k * U + whole, U, block, U - whole, _columns(U - whole, sizeof(floating)), tail)
        for i from 0 <= i < rows by ROWS:
            for first from 0 <= first < U by full:
                valid, columns = min(full, U - first), _columns(U - first, sizeof(floating))
                right, stride = (b + k * U + first, U) if valid == full else (<const floating*> tail, columns)
                start = NULL
                if k == 0:
                    start = bias + first if valid == full else last
                _tile(
                    a + i * count + k, count, 1, rows - i, right, stride, block, start, out + i * U + first, U, valid,
                    k > 0, columns,
                )


cdef void _multiply_transposed(
    const floating* d, Py_ssize_t rows, const floating* W, Py_ssize_t U, Py_ssize_t D, Py_ssize_t begin, Py_ssize_t end,
    floating* out, floating* strip,
) noexcept nogil:
    # Columns `begin` to `end` - 1 of out (rows, D) = d W', for d (rows, U), W (D, U)
    cdef Py_ssize_t full = TILE_BYTES // sizeof(floating), terms = TERMS // sizeof(floating)
    cdef Py_ssize_t first, k, i, block, columns, valid
    for first from begin <= first < end by full:
        valid, columns = min(full, end - first), _columns(end - first, sizeof(floating))
        if U == 0:
            for i in range(rows):
                memset(out + i * D + first, 0, valid * sizeof(floating))
        if valid < columns:
            memset(strip, 0, min(terms, U) * columns * sizeof(floating))
        for k from 0 <= k < U by terms:
            block = min(terms, U - k)
            transpose(W + first * U + k, U, valid, block, strip, columns)
            for i from 0 <= i < rows by ROWS:
                _tile(
                    d + i * U + k, U, 1, rows - i, strip, columns, block, <const floating*> NULL, out + i * D + first,
                    D, valid, k > 0, columns,
                )


cdef void _multiply_samples(
    const number* x, Py_ssize_t rows, Py_ssize_t D, Py_ssize_t begin, Py_ssize_t end, const floating* d, Py_ssize_t U,
    bint add, floating* out, floating* strip, floating* tail,
) noexcept nogil:
    # Rows `begin` to `end` - 1 of out (D, U) = x' d, for x (rows, D), d (rows, U); with `add`, out += this product.
    cdef Py_ssize_t width = TILE_BYTES // sizeof(floating), full = width, whole = U // full * full
    cdef Py_ssize_t first, other, i, columns, valid, count, stride
    cdef const floating* right
    if whole < U:
        _copy_panel(d + whole, U, rows, U - whole, _columns(U - whole, sizeof(floating)), tail)
    for first from begin <= first < end by width:
        count = min(width, end - first)
        _copy_panel(x + first, D, rows, count, count, strip)
        for other from 0 <= other < U by full:
            valid, columns = min(full, U - other), _columns(U - other, sizeof(floating))
            right, stride = (d + other, U) if valid == full else (<const floating*> tail, columns)
            for i from 0 <= i < count by ROWS:
                _tile(
                    strip + i, 1, count, count - i, right, stride, rows, <const floating*> NULL,
                    out + (first + i) * U + other, U, valid, add, columns,
                )


# ---- Between the products

cdef VECTORISED _convert(const number* x, Py_ssize_t size, floating* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> x[i]


cdef VECTORISED _add_samples(const floating* d, Py_ssize_t rows, Py_ssize_t U, floating* out) noexcept nogil:
    # out[u] += sum_n d[n, u]
    cdef Py_ssize_t n, u
    for n in range(rows):
        for u in range(U):
            out[u] += d[n * U + u]


cdef void _copy_rows(
    const floating* rows, Py_ssize_t stride, Py_ssize_t count, Py_ssize_t U, floating* out, Py_ssize_t out_stride
) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(count):
        memcpy(out + n * out_stride, rows + n * stride, U * sizeof(floating))


cdef VECTORISED _count_empty(const number* x, Py_ssize_t D, Py_ssize_t* count) noexcept nogil:
    # count[0] += the number of whole groups of x (D,) with only zeros
    cdef Py_ssize_t g, empty = 0
    for g in range(D // GROUP):
        empty += (x[4 * g] == 0) & (x[4 * g + 1] == 0) & (x[4 * g + 2] == 0) & (x[4 * g + 3] == 0)
    count[0] += empty


cdef bint _has_zeros(const number* x, Py_ssize_t rows, Py_ssize_t D) noexcept nogil:
    # Whether it pays to skip the zeros of x (rows, D).
    cdef Py_ssize_t n, count = 0, looked = 0
    for n from 0 <= n < rows by LOOK_AT:
        _count_empty(x + n * D, D, &count)
        looked += D // GROUP
    return SKIPPED * count > looked or rows < FEW


# ---- One call

cdef unsigned char in_order[CHUNK]  # 0, 1, 2, ...: the places of samples that are packed


cdef void _count() noexcept:
    cdef Py_ssize_t n
    for n in range(CHUNK):
        in_order[n] = <unsigned char> n


_count()


cdef void* _reserve(char** end, Py_ssize_t size) noexcept nogil:
    # Reserve `size` bytes, aligned to a cache line, after the memory that is already reserved.
    cdef uintptr_t begin = (<uintptr_t> end[0] + CACHE_LINE - 1) // CACHE_LINE * CACHE_LINE
    end[0] = <char*> begin + size
    return <void*> begin


cdef Py_ssize_t _lay_out(Workspace* workspace, char* begin, const Problem* problem, Py_ssize_t itemsize) noexcept nogil:
    # Divide the memory that starts at `begin` among the arrays, and return the total size in bytes.
    cdef char* end = begin
    cdef Py_ssize_t groups = groups_of(problem.D), rows = min(CHUNK, problem.N)
    workspace.used.counts = <Py_ssize_t*> _reserve(&end, groups * sizeof(Py_ssize_t))
    workspace.used.samples = <unsigned char*> _reserve(&end, groups * CHUNK + 8)
    workspace.is_used = <uint32_t*> _reserve(&end, groups * GROUP * CHUNK // 8)
    workspace.x = _reserve(&end, rows * itemsize * groups * GROUP)
    workspace.rows = _reserve(&end, rows * itemsize * padded(problem.U, itemsize))
    workspace.tail = _reserve(&end, max(max(TERMS // itemsize, CHUNK) * TILE_BYTES, problem.U * itemsize))
    workspace.strip = _reserve(&end, max(TERMS // itemsize, CHUNK) * TILE_BYTES)
    return end - begin


cdef const floating* _find(
    const number* x, Py_ssize_t x_stride, Py_ssize_t rows, Py_ssize_t D, const Workspace* workspace,
    const unsigned char** packed, Py_ssize_t* stride, floating* like,
) noexcept nogil:
    # List what the samples x (rows, D) use, and return them as the products take them.
    find_used(x, x_stride, NULL, rows, D, workspace.is_used)
    list_used(workspace.is_used, rows, groups_of(D), &workspace.used)
    if sizeof(number) == sizeof(floating) and D % GROUP == 0:
        packed[0], stride[0] = NULL, x_stride
        return <const floating*> x
    pack_used(x, x_stride, NULL, <const floating*> NULL, D, &workspace.used, <floating*> workspace.x)
    packed[0], stride[0] = in_order, GROUP
    return <const floating*> workspace.x


cdef void _forward(
    const number* x, const floating* W, const Problem* problem, Py_ssize_t begin, Py_ssize_t end,
    const Workspace* workspace,
) noexcept nogil:
    # The samples from `begin` to `end` - 1.
    cdef Py_ssize_t first, rows, D = problem.D, U = problem.U, wide = padded(U, sizeof(floating)), stride = 0
    cdef const unsigned char* packed = NULL
    cdef const floating* samples
    cdef const floating* b = <const floating*> problem.b
    cdef floating* out
    cdef floating* z
    cdef bint finite
    for first from begin <= first < end by CHUNK:
        rows = min(CHUNK, end - first)
        out = <floating*> problem.out + first * U
        if problem.zeros:
            samples = _find(x + first * D, D, rows, D, workspace, &packed, &stride, <floating*> NULL)
            z = out if wide == U else <floating*> workspace.rows
            finite = unused_are_finite(W, D, U, &workspace.used)
            spread(b, rows, U, z)
            multiply(samples, stride, packed, &workspace.used, D, W, U, U, z)
            if not (finite and all_finite(z, rows * wide)):
                limits_of_product(workspace.is_used, rows, D, W, U, z, <floating*> workspace.tail)
            if z != out:
                _copy_rows(z, wide, rows, U, out, U)
        else:
            if sizeof(number) == sizeof(floating):
                samples = <const floating*> x + first * D
            else:
                _convert(x + first * D, rows * D, <floating*> workspace.x)
                samples = <const floating*> workspace.x
            _product(samples, rows, W, D, b, out, U, <floating*> workspace.tail)


cdef void _backward(
    const number* x, const floating* W, const Problem* problem, Py_ssize_t begin, Py_ssize_t end,
    const Workspace* workspace,
) noexcept nogil:
    # dx and dW for the inputs from `begin` to `end` - 1, and with the first of these, db.
    cdef Py_ssize_t first, rows, D = problem.D, U = problem.U, wide = padded(U, sizeof(floating)), stride = 0
    cdef Py_ssize_t width = end - begin
    cdef const unsigned char* packed = NULL
    cdef const floating* samples
    cdef const floating* dout
    cdef const floating* d
    cdef floating* dW = <floating*> problem.dW + begin * U
    if begin == 0:
        memset(problem.db, 0, U * sizeof(floating))
        _add_samples(<const floating*> problem.out, problem.N, U, <floating*> problem.db)
    if problem.N == 0:
        memset(dW, 0, width * U * sizeof(floating))
    for first from 0 <= first < problem.N by CHUNK:
        rows = min(CHUNK, problem.N - first)
        dout = <const floating*> problem.out + first * U
        if problem.zeros:
            d = dout
            if wide != U:
                memset(workspace.rows, 0, rows * wide * sizeof(floating))
                _copy_rows(dout, U, rows, U, <floating*> workspace.rows, wide)
                d = <const floating*> workspace.rows
            samples = _find(
                x + first * D + begin, D, rows, width, workspace, &packed, &stride, <floating*> NULL
            )
            outer(samples, stride, packed, &workspace.used, width, d, U, dW, first > 0)
            if not all_finite(dout, rows * U):
                limits_of_outer(workspace.is_used, rows, width, d, U, dW, <floating*> workspace.tail)
        else:
            _multiply_samples(
                x + first * D, rows, D, begin, end, dout, U, first > 0, <floating*> problem.dW,
                <floating*> workspace.strip, <floating*> workspace.tail,
            )
    if problem.dx != NULL:
        _multiply_transposed(
            <const floating*> problem.out, problem.N, W, U, D, begin, end, <floating*> problem.dx,
            <floating*> workspace.strip,
        )


cdef inline Py_ssize_t _start(const Problem* problem, Py_ssize_t block) noexcept nogil:
    # Where a block begins.
    cdef Py_ssize_t units = (problem.size + problem.unit - 1) // problem.unit
    return min(problem.size, block * units // problem.blocks * problem.unit)


cdef Py_ssize_t _compute(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, const number* x, const floating* W
) noexcept nogil:
    cdef Workspace workspace
    cdef Py_ssize_t size = _lay_out(&workspace, memory, problem, sizeof(floating))
    if memory == NULL:
        return size
    if problem.db == NULL:
        _forward(x, W, problem, _start(problem, first), _start(problem, last), &workspace)
    else:
        _backward(x, W, problem, _start(problem, first), _start(problem, last), &workspace)
    return size


cdef Py_ssize_t _part(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, void* _
) noexcept nogil:
    if not problem.doubles:
        return _compute(problem, first, last, memory, <const float*> problem.x, <const float*> problem.W)
    if not problem.double_samples:
        return _compute(problem, first, last, memory, <const float*> problem.x, <const double*> problem.W)
    return _compute(problem, first, last, memory, <const double*> problem.x, <const double*> problem.W)


cdef int _run(ndarray x, ndarray W, Problem* problem, int products) except -1:
    # Compute `products` products of this size.
    cdef double operations
    problem.N, problem.D, problem.U = x.shape[0], W.shape[0], W.shape[1]
    problem.x, problem.W = address(x), address(W)
    problem.doubles, problem.double_samples = PyArray_ITEMSIZE(W) == sizeof(double), PyArray_ITEMSIZE(x) == sizeof(double)
    if problem.db == NULL:
        problem.size, problem.unit = problem.N, ROWS
    else:
        problem.size, problem.unit = problem.D, TILE_BYTES // PyArray_ITEMSIZE(W)
    problem.zeros = problem.D > 0 and problem.U > 0 and (
        _has_zeros(<const float*> problem.x, problem.N, problem.D) if PyArray_ITEMSIZE(x) == sizeof(float)
        else _has_zeros(<const double*> problem.x, problem.N, problem.D)
    )
    operations = <double> products * problem.N * problem.D * problem.U
    problem.blocks = 1
    if operations >= LARGE:
        problem.blocks = min(BLOCKS, (problem.size + problem.unit - 1) // problem.unit)
    return share(<Part> _part, problem, problem.blocks, operations)


cdef bint _fits(x, W) noexcept:
    # Whether the kernels can take x (N, ...) and W (D, U) without conversion.
    cdef Py_ssize_t elements = 1
    cdef int axis
    if not (plain(W) and (<ndarray> W).ndim == 2 and plain(x)):
        return False
    if PyArray_TYPE(<ndarray> x) != NPY_FLOAT and PyArray_TYPE(<ndarray> x) != PyArray_TYPE(<ndarray> W):
        return False
    for axis in range(1, (<ndarray> x).ndim):
        elements *= (<ndarray> x).shape[axis]
    return elements == (<ndarray> W).shape[0]


def affine(x: Any, W: Any, b: Any, /) -> FloatArray | None:
    """Return `x W + b` (N, U), or None if an argument needs conversion or does not fit.

    x is (N, D), or (N, ...) with D elements in each row; W (D, U), b (U,).
    """
    cdef Problem problem
    cdef ndarray out
    if not (_fits(x, W) and is_carray(b) and PyArray_TYPE(<ndarray> b) == PyArray_TYPE(<ndarray> W)):
        return None
    if (<ndarray> b).ndim != 1 or (<ndarray> b).shape[0] != (<ndarray> W).shape[1]:
        return None
    out = empty(((<ndarray> x).shape[0], (<ndarray> W).shape[1]), W.dtype)
    problem.b, problem.out = address(b), address(out)
    problem.dx = problem.dW = problem.db = NULL
    _run(x, W, &problem, 1)
    return out


def affine_gradient(
    dout: Any, x: Any, W: Any, bint wants_dx: bool = True, /
) -> tuple[FloatArray | None, FloatArray, FloatArray] | None:
    """Return the gradients dx (N, D), or None in its place, dW and db of `affine`, for dout (N, U), x (N, D).

    Return only None if an argument needs conversion or does not fit.
    """
    cdef Problem problem
    cdef ndarray dx = None, dW, db
    if not (_fits(x, W) and is_carray(dout) and PyArray_TYPE(<ndarray> dout) == PyArray_TYPE(<ndarray> W)):
        return None
    if (<ndarray> x).ndim != 2 or (<ndarray> dout).ndim != 2 or (<ndarray> dout).shape[0] != (<ndarray> x).shape[0]:
        return None
    if (<ndarray> dout).shape[1] != (<ndarray> W).shape[1]:
        return None
    dW, db = empty_like(W), empty((<ndarray> W).shape[1], W.dtype)
    if wants_dx:
        dx = empty(((<ndarray> x).shape[0], (<ndarray> x).shape[1]), W.dtype)
    problem.b, problem.out = NULL, address(dout)
    problem.dx = address(dx) if wants_dx else NULL
    problem.dW, problem.db = address(dW), address(db)
    _run(x, W, &problem, 2 if wants_dx else 1)
    return dx, dW, db
