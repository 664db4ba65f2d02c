"""Convolution and pooling, compiled. The twin is `convolution_numpy.py`: read it first.

A convolution is a matrix product. With K = C FH FW elements in a filter and P = OH OW positions of the filter,

    out[n, f, p] = sum_k W[f, k] col[n, k, p] + b[f]         dW[f, k] = sum_np dout[n, f, p] col[n, k, p]
    dcol[n, k, p] = sum_f W[f, k] dout[n, f, p]              db[f]    = sum_np dout[n, f, p]

where col[n, k, p] is the pixel under element k of the filter at position p, and dx sums dcol over all (k, p) with the
same pixel. The book builds the array col: it holds every pixel up to FH FW times.

Why it is fast, most important first:

- There is no array col. In an image with its padding, stored row after row, the pixel of (k, p) is the element
  taps[k] + places[p]. So the products read the image itself, which fits into the L1 or L2 cache. (Only `convolution`
  with a stride above 1 makes the col of one image at a time.)
- All three products are one loop, `_product`, which finds its factors through such lists of offsets. It keeps the sums
  of 8 rows and one panel of columns in registers. On matrices of this size it is about twice as fast as OpenBLAS.
- The loops finish one image before the next, so that all intermediate results stay in the L2 cache.
- With stride 1, dx is a convolution too: of dout with the filters turned by 180 degrees. So there is no dcol either.

Threads: the samples are divided into blocks, whose number depends only on the number of samples. Each block has its own
sums for dW and db, which are then added in the order of the blocks. So the results do not depend on the threads that
computed them.

Shapes: x (N, C, H, W), filters W (FN, C, FH, FW), out (N, FN, OH, OW).
"""

from cython cimport floating
from libc.math cimport isfinite
from libc.string cimport memcpy, memset

from fastnet._twins.shared cimport formulas
from fastnet._twins.shared.dispatch cimport INLINED, OPTIMISED, UNROLLED, VECTORISED
from fastnet._twins.shared.memory cimport CACHE_LINE, PyArray_ITEMSIZE, address, empty_like, import_array, ndarray
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.threads cimport Part, share
from fastnet._twins.shared.transposition cimport transpose

from numpy import empty, intc, zeros

__all__ = [
    "col2im", "convolution", "convolution_gradient", "im2col", "pooling", "pooling_gradient",
]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef extern from *:
    """
    /* As in dense_network.pyx: keep the sums in registers. */
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize ("no-tree-loop-distribute-patterns", "gcse-las", "gcse", "strict-aliasing")
    #pragma GCC optimize ("expensive-optimizations")
    #endif
    """

cdef enum:
    ROWS = 8           # rows of a product that are computed together
    PANEL_BYTES = 128  # and the columns: 32 of float32, 16 of float64. 8 x 128 bytes fill half of AVX-512's registers.
    WIDEST = 32
    POOLED = 16        # multiplications that take as long as the comparison of a pixel
    BLOCKS = 8         # blocks into which the work is divided, at most: so many threads can share it


# An image and the positions of a window, which is a filter or a pool. With its padding, the image is C planes of
# `height` x `width`.
cdef struct Windows:
    Py_ssize_t C, H, W, FH, FW, stride, pad
    Py_ssize_t height, width, OH, OW, K, P


cdef Windows _windows(
    Py_ssize_t C, Py_ssize_t H, Py_ssize_t W, Py_ssize_t FH, Py_ssize_t FW, Py_ssize_t stride, Py_ssize_t pad
) noexcept:
    cdef Windows w
    w.C, w.H, w.W, w.FH, w.FW, w.stride, w.pad = C, H, W, FH, FW, stride, pad
    w.height, w.width = w.H + 2 * pad, w.W + 2 * pad
    w.OH, w.OW = (w.height - FH) // stride + 1, (w.width - FW) // stride + 1
    w.K, w.P = w.C * FH * FW, w.OH * w.OW
    return w


cdef inline Py_ssize_t _whole(Py_ssize_t size, Py_ssize_t unit) noexcept nogil:
    # `size`, rounded up to a multiple of `unit`.
    return (size + unit - 1) // unit * unit


# ---- The product

cdef INLINED _sum_panel(
    const floating** a, const Py_ssize_t* a_steps, const floating* b, const Py_ssize_t* b_steps, Py_ssize_t count,
    floating* out, Py_ssize_t out_stride, bint add, Py_ssize_t columns,
) noexcept nogil:
    # After inlining, `columns` is a constant: so the compiler keeps s in registers.
    cdef Py_ssize_t i, j, k
    cdef floating s[ROWS][WIDEST]
    cdef const floating* rows[ROWS]
    cdef const floating* row
    for i in range(ROWS):
        rows[i] = a[i]
    for i in range(ROWS):
        for j in range(columns):
            s[i][j] = 0
    for k in range(count):
        row = b + b_steps[k]
        for i in range(ROWS):
            for j in range(columns):
                s[i][j] += rows[i][a_steps[k]] * row[j]
    if add:
        for i in range(ROWS):
            for j in range(columns):
                out[i * out_stride + j] += s[i][j]
    else:
        for i in range(ROWS):
            for j in range(columns):
                out[i * out_stride + j] = s[i][j]


cdef UNROLLED _product(
    const floating** a, const Py_ssize_t* a_steps, const floating* b, const Py_ssize_t* b_steps, Py_ssize_t count,
    floating* out, Py_ssize_t out_stride, bint add, Py_ssize_t columns,
) noexcept nogil:
    # out[i, j] = sum_k a[i][a_steps[k]] b[b_steps[k] + j] for ROWS rows i and j < columns; with `add`, out += this sum.
    # The number of columns is a panel or half a panel.
    if columns == PANEL_BYTES // sizeof(floating):
        _sum_panel(
            a, a_steps, b, b_steps, count, out, out_stride, add, PANEL_BYTES // sizeof(floating),
        )
    else:
        _sum_panel(
            a, a_steps, b, b_steps, count, out, out_stride, add, PANEL_BYTES // 2 // sizeof(floating),
        )


cdef OPTIMISED _rows_of_product(
    const floating** a, const Py_ssize_t* a_steps, const floating* b, const Py_ssize_t* b_steps, Py_ssize_t count,
    floating* out, Py_ssize_t out_stride, Py_ssize_t columns, bint add,
) noexcept nogil:
    # The same for any number of columns that is a multiple of half a panel.
    cdef Py_ssize_t panel = 0, width = PANEL_BYTES // sizeof(floating)
    while panel < columns:
        if columns - panel < width:
            width //= 2
        _product(a, a_steps, b + panel, b_steps, count, out + panel, out_stride, add, width)
        panel += width


cdef inline Py_ssize_t _padded(Py_ssize_t columns, Py_ssize_t itemsize) noexcept nogil:
    return _whole(columns, PANEL_BYTES // 2 // itemsize)


# ---- Images

cdef OPTIMISED _pad_image(const floating* x, const Windows* w, floating* padded) noexcept nogil:
    # Copy x (C, H, W) into the middle of `padded` (C, height, width), whose borders are 0.
    cdef Py_ssize_t c, y
    for c in range(w.C):
        for y in range(w.H):
            memcpy(
                padded + (c * w.height + y + w.pad) * w.width + w.pad, x + (c * w.H + y) * w.W, w.W * sizeof(floating)
            )


cdef OPTIMISED _crop_image(const floating* padded, const Windows* w, floating* x) noexcept nogil:
    cdef Py_ssize_t c, y
    for c in range(w.C):
        for y in range(w.H):
            memcpy(
                x + (c * w.H + y) * w.W, padded + (c * w.height + y + w.pad) * w.width + w.pad, w.W * sizeof(floating)
            )


cdef void _find_taps(const Windows* w, Py_ssize_t* taps) noexcept nogil:
    # taps[k]: where element k of a filter in the first position lies in the padded image.
    cdef Py_ssize_t c, y, x
    for c in range(w.C):
        for y in range(w.FH):
            for x in range(w.FW):
                taps[(c * w.FH + y) * w.FW + x] = (c * w.height + y) * w.width + x


cdef void _find_places(const Windows* w, Py_ssize_t* places) noexcept nogil:
    # places[p]: where the first element of a filter in position p lies in the padded image.
    cdef Py_ssize_t y, x
    for y in range(w.OH):
        for x in range(w.OW):
            places[y * w.OW + x] = (y * w.width + x) * w.stride


cdef void _count_by(Py_ssize_t step, Py_ssize_t count, Py_ssize_t* steps) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(count):
        steps[k] = k * step


cdef void _choose_rows(
    const floating* a, const Py_ssize_t* offsets, Py_ssize_t first, Py_ssize_t count, const floating** rows
) noexcept nogil:
    # Pointers to rows first, first + 1, ... of the left factor. Past the last row they repeat it: the results of these
    # are padding.
    cdef Py_ssize_t i
    for i in range(ROWS):
        rows[i] = a + offsets[min(first + i, count - 1)]


# ---- Memory

# The arrays of a call, and what it needs to know about them. Each call uses some of them.
cdef struct Problem:
    Windows windows
    Py_ssize_t N, FN
    Py_ssize_t size, unit, blocks  # what is divided into blocks, in multiples of `unit`
    void *x
    void *W
    void *W_copy  # W in another order, or a part of it
    void *b
    void *out
    void *dx
    void *dW
    void *db
    int *where
    unsigned char *mask


cdef inline Py_ssize_t _start(const Problem* problem, Py_ssize_t block) noexcept nogil:
    # Where a block begins.
    return min(problem.size, _whole(block * problem.size // max(1, problem.blocks), problem.unit))


cdef void _divide(Problem* problem, Py_ssize_t size, Py_ssize_t unit) noexcept:
    problem.size, problem.unit = size, unit
    problem.blocks = min(BLOCKS, (size + unit - 1) // unit)


cdef int _run(ndarray x, Problem* problem, Part of_floats, Part of_doubles, double operations) except -1:
    # x has the dtype of the problem. `operations` is about how many multiplications or comparisons it takes.
    return share(of_floats if PyArray_ITEMSIZE(x) == sizeof(float) else of_doubles, problem, problem.blocks, operations)


cdef char* _take(char** memory, Py_ssize_t size) noexcept nogil:
    # The next `size` bytes of the temporary memory. Each array begins on a cache line.
    cdef char* taken = memory[0]
    memory[0] += _whole(size, CACHE_LINE)
    return taken


# ---- im2col and col2im

cdef VECTORISED _gather(
    const floating* image, const Py_ssize_t* places, const Py_ssize_t* taps, Py_ssize_t P, Py_ssize_t K, floating* col
) noexcept nogil:
    # col[p, k] = the pixel of (k, p)
    cdef Py_ssize_t p, k
    for p in range(P):
        for k in range(K):
            col[p * K + k] = image[places[p] + taps[k]]


cdef OPTIMISED _scatter(
    const floating* col, const Py_ssize_t* places, const Py_ssize_t* taps, Py_ssize_t P, Py_ssize_t K, floating* image
) noexcept nogil:
    # Add col[p, k] to the pixel of (k, p).
    cdef Py_ssize_t p, k
    for p in range(P):
        for k in range(K):
            image[places[p] + taps[k]] += col[p * K + k]


cdef Py_ssize_t _all_columns(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, floating* like
) noexcept nogil:
    # x -> out if dx is NULL, else out -> dx: im2col or col2im
    cdef const Windows* w = &problem.windows
    cdef char* free = memory
    cdef Py_ssize_t n, image_size = w.C * w.height * w.width, x_size = w.C * w.H * w.W
    cdef Py_ssize_t* taps = <Py_ssize_t*> _take(&free, w.K * sizeof(Py_ssize_t))
    cdef Py_ssize_t* places = <Py_ssize_t*> _take(&free, w.P * sizeof(Py_ssize_t))
    cdef floating* image = <floating*> _take(&free, image_size * sizeof(floating))
    cdef floating* col = <floating*> problem.out + _start(problem, first) * w.P * w.K
    if memory == NULL:
        return free - memory
    _find_taps(w, taps)
    _find_places(w, places)
    memset(image, 0, image_size * sizeof(floating))
    for n in range(_start(problem, first), _start(problem, last)):
        if problem.dx == NULL:
            _pad_image(<const floating*> problem.x + n * x_size, w, image)
            _gather(image, places, taps, w.P, w.K, col)
        else:
            memset(image, 0, image_size * sizeof(floating))
            _scatter(col, places, taps, w.P, w.K, image)
            _crop_image(image, w, <floating*> problem.dx + n * x_size)
        col += w.P * w.K
    return 0


def im2col(
    ndarray x: FloatArray, Py_ssize_t filter_h: int, Py_ssize_t filter_w: int, Py_ssize_t stride: int,
    Py_ssize_t pad: int, /,
) -> FloatArray:
    """Return one row (C FH FW) for every position of the filter on the images x (N, C, H, W)."""
    cdef Problem problem
    cdef ndarray col
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(x.shape[1], x.shape[2], x.shape[3], filter_h, filter_w, stride, pad)
    problem.N = x.shape[0]
    col = empty((problem.N * problem.windows.P, problem.windows.K), x.dtype)
    problem.x, problem.out = address(x), address(col)
    _divide(&problem, problem.N, 1)
    _run(x, &problem, <Part> _all_columns[float], <Part> _all_columns[double], col.size)
    return col


def col2im(
    ndarray col: FloatArray, tuple input_shape: tuple[int, ...], Py_ssize_t filter_h: int, Py_ssize_t filter_w: int,
    Py_ssize_t stride: int, Py_ssize_t pad: int, /,
) -> FloatArray:
    """Return images of `input_shape`: each pixel is the sum of its elements in the rows of `im2col`."""
    cdef Problem problem
    cdef ndarray images = empty(input_shape, col.dtype)
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(images.shape[1], images.shape[2], images.shape[3], filter_h, filter_w, stride, pad)
    problem.N, problem.out, problem.dx = images.shape[0], address(col), address(images)
    _divide(&problem, problem.N, 1)
    _run(col, &problem, <Part> _all_columns[float], <Part> _all_columns[double], col.size)
    return images


# ---- Convolution

cdef VECTORISED _shift_rows(
    const floating* rows, Py_ssize_t stride, const floating* b, const Windows* w, Py_ssize_t row, Py_ssize_t FN,
    floating* out,
) noexcept nogil:
    # out[f, y, x] = rows[f, y, x] + b[f], where a row of the image takes `row` elements in `rows`
    cdef Py_ssize_t f, y, x
    cdef const floating* line
    for f in range(FN):
        for y in range(w.OH):
            line = rows + f * stride + y * row
            for x in range(w.OW):
                out[x] = line[x] + b[f]
            out += w.OW


cdef OPTIMISED _unroll(const floating* image, const Windows* w, floating* col, Py_ssize_t stride) noexcept nogil:
    # col[k, p] = the pixel of (k, p) in the padded image
    cdef Py_ssize_t c, fy, fx, y, x
    cdef const floating* pixels
    for c in range(w.C):
        for fy in range(w.FH):
            for fx in range(w.FW):
                for y in range(w.OH):
                    pixels = image + (c * w.height + fy + y * w.stride) * w.width + fx
                    if w.stride == 2:  # a constant, so that the compiler can vectorise
                        for x in range(w.OW):
                            col[y * w.OW + x] = pixels[x * 2]
                    else:
                        for x in range(w.OW):
                            col[y * w.OW + x] = pixels[x * w.stride]
                col += stride


cdef VECTORISED _rectify(floating* out, unsigned char* mask, Py_ssize_t size) noexcept nogil:
    # ReLU in place, and where the result is 0
    cdef Py_ssize_t i
    for i in range(size):
        mask[i] = out[i] <= 0
        out[i] = formulas.relu(out[i])


cdef void _filter_image(
    const floating* source, const Py_ssize_t* taps, const floating* filters, const Py_ssize_t* offsets,
    const Py_ssize_t* steps, Py_ssize_t FN, Py_ssize_t K, floating* sums, Py_ssize_t columns,
) noexcept nogil:
    # sums[f, p] = sum_k filters[f, k] source[taps[k] + p]
    cdef Py_ssize_t f
    cdef const floating* rows[ROWS]
    for f from 0 <= f < FN by ROWS:
        _choose_rows(filters, offsets, f, FN, rows)
        _rows_of_product(rows, steps, source, taps, K, sums + f * columns, columns, columns, False)


cdef inline Py_ssize_t _columns_of_rows(const Windows* w, Py_ssize_t itemsize) noexcept nogil:
    # With stride 1 the image itself is read, row after row: positions between two rows are computed in vain.
    return _padded((w.OH - 1) * w.width + w.OW, itemsize)


cdef Py_ssize_t _convolve(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, floating* like
) noexcept nogil:
    cdef const Windows* w = &problem.windows
    cdef const floating* x = <const floating*> problem.x
    cdef char* free = memory
    cdef Py_ssize_t FN = problem.FN
    cdef bint direct = w.stride == 1
    cdef Py_ssize_t row = w.width if direct else w.OW
    cdef Py_ssize_t columns = _columns_of_rows(w, sizeof(floating)) if direct else _padded(w.P, sizeof(floating))
    cdef Py_ssize_t image_size = w.C * w.height * w.width, n
    cdef Py_ssize_t* taps = <Py_ssize_t*> _take(&free, w.K * sizeof(Py_ssize_t))
    cdef Py_ssize_t* steps = <Py_ssize_t*> _take(&free, w.K * sizeof(Py_ssize_t))
    cdef Py_ssize_t* offsets = <Py_ssize_t*> _take(&free, FN * sizeof(Py_ssize_t))
    cdef floating* image = <floating*> _take(&free, image_size * sizeof(floating) + PANEL_BYTES)
    cdef floating* col = <floating*> _take(&free, 0 if direct else w.K * columns * sizeof(floating))
    cdef floating* sums = <floating*> _take(&free, _whole(FN, ROWS) * columns * sizeof(floating))
    cdef const floating* source = image if direct else col
    cdef floating* out
    if memory == NULL:
        return free - memory
    memset(image, 0, image_size * sizeof(floating) + PANEL_BYTES)
    _count_by(1, w.K, steps)
    _count_by(w.K, FN, offsets)
    if direct:
        _find_taps(w, taps)
    else:
        _count_by(columns, w.K, taps)
    for n in range(_start(problem, first), _start(problem, last)):
        _pad_image(x + n * w.C * w.H * w.W, w, image)
        if not direct:
            _unroll(image, w, col, columns)
        _filter_image(source, taps, <const floating*> problem.W, offsets, steps, FN, w.K, sums, columns)
        out = <floating*> problem.out + n * FN * w.P
        _shift_rows(sums, columns, <const floating*> problem.b, w, row, FN, out)
        if problem.mask != NULL:
            _rectify(out, problem.mask + n * FN * w.P, FN * w.P)
    return 0


cdef VECTORISED _add_sums(const floating* d, Py_ssize_t rows, Py_ssize_t columns, floating* out) noexcept nogil:
    # out[f] += sum_p d[f, p]
    cdef Py_ssize_t f, p, j
    cdef floating lanes[16]
    cdef floating total
    for f in range(rows):
        for j in range(16):
            lanes[j] = 0
        for p in range(columns // 16):
            for j in range(16):
                lanes[j] += d[p * 16 + j]
        total = 0
        for j in range(16):
            total += lanes[j]
        for p in range(columns // 16 * 16, columns):
            total += d[p]
        out[f] += total
        d += columns


cdef VECTORISED _add_rows(
    const floating* rows, Py_ssize_t stride, const Py_ssize_t* taps, Py_ssize_t count, const Windows* w, floating* image
) noexcept nogil:
    # Add dcol[k, p] = rows[k, p] to the pixel of (k, p), for `count` elements k of the filter.
    cdef Py_ssize_t k, y, x
    cdef floating* pixels
    cdef const floating* line
    for k in range(count):
        for y in range(w.OH):
            pixels = image + taps[k] + y * w.stride * w.width
            line = rows + k * stride + y * w.OW
            if w.stride == 1:
                for x in range(w.OW):
                    pixels[x] += line[x]
            else:
                for x in range(w.OW):
                    pixels[x * w.stride] += line[x]


cdef Windows _turned(const Windows* w, Py_ssize_t FN) noexcept nogil:
    # The windows of the convolution that computes dx from dout. Its pad may be negative, and its sides differ: no pad.
    cdef Windows t
    t.C, t.H, t.W, t.FH, t.FW, t.stride, t.pad = FN, w.OH, w.OW, w.FH, w.FW, 1, 0
    t.height, t.width = w.H + w.FH - 1, w.W + w.FW - 1
    t.OH, t.OW = w.H, w.W
    t.K, t.P = FN * w.FH * w.FW, w.H * w.W
    return t


cdef void _turn(const floating* W, const Windows* w, Py_ssize_t FN, floating* turned) noexcept nogil:
    # turned[c, f, y, x] = W[f, c, FH - 1 - y, FW - 1 - x]
    cdef Py_ssize_t f, c, i, size = w.FH * w.FW
    for c in range(w.C):
        for f in range(FN):
            for i in range(size):
                turned[(c * FN + f) * size + i] = W[(f * w.C + c) * size + size - 1 - i]


cdef VECTORISED _zero_where(
    const floating* values, const unsigned char* mask, Py_ssize_t size, floating* out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> 0.0 if mask[i] else values[i]


cdef bint _all_finite(const floating* values, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        if not isfinite(values[i]):
            return False
    return True


cdef VECTORISED _add(const floating* values, Py_ssize_t size, floating* sums) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        sums[i] += values[i]


cdef OPTIMISED _differentiate_input(
    const floating* dout, const Windows* w, const Windows* t, Py_ssize_t FN, const floating* turned,
    const Py_ssize_t* taps, const Py_ssize_t* steps, const Py_ssize_t* offsets, const floating* no_bias,
    floating* image, floating* sums, floating* dx,
) noexcept nogil:
    # dx of one sample, by a convolution of dout, with a border of FH - 1 - pad and FW - 1 - pad zeros
    cdef Py_ssize_t f, y, columns = _columns_of_rows(t, sizeof(floating))
    for f in range(FN):
        for y in range(w.OH):
            memcpy(
                image + (f * t.height + y + w.FH - 1 - w.pad) * t.width + w.FW - 1 - w.pad,
                dout + (f * w.OH + y) * w.OW, w.OW * sizeof(floating),
            )
    _filter_image(image, taps, turned, offsets, steps, w.C, t.K, sums, columns)
    _shift_rows(sums, columns, no_bias, t, t.width, w.C, dx)


cdef Py_ssize_t _sums_of_block(const Problem* problem, floating* like) noexcept nogil:
    # The length of what a block sums up: dWT and db.
    return _whole(problem.windows.K, ROWS) * _padded(problem.FN, sizeof(floating)) + problem.FN


cdef Py_ssize_t _differentiate(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, floating* like
) noexcept nogil:
    # dW is computed transposed, dWT = col dout', because the pixels of one k are not neighbours: they have to be the
    # left factor. Each block has its own sums in problem.dW.
    cdef const Windows* w = &problem.windows
    cdef Windows t = _turned(w, problem.FN)
    cdef const floating* W = <const floating*> problem.W
    cdef const floating* W_copy = <const floating*> problem.W_copy
    cdef floating* dx = <floating*> problem.dx
    cdef bint by_products = dx != NULL and W_copy == NULL
    cdef char* free = memory
    cdef Py_ssize_t FN = problem.FN, x_size = w.C * w.H * w.W, block_size = _sums_of_block(problem, like)
    cdef Py_ssize_t columns = _padded(w.P, sizeof(floating)), filters = _padded(FN, sizeof(floating))
    cdef Py_ssize_t image_size = w.C * w.height * w.width, turned_size = FN * t.height * t.width, n, f, k, block
    cdef Py_ssize_t* taps = <Py_ssize_t*> _take(&free, w.K * sizeof(Py_ssize_t))
    cdef Py_ssize_t* ones = <Py_ssize_t*> _take(&free, max(w.K, t.K) * sizeof(Py_ssize_t))
    cdef Py_ssize_t* places = <Py_ssize_t*> _take(&free, w.P * sizeof(Py_ssize_t))
    cdef Py_ssize_t* place_steps = <Py_ssize_t*> _take(&free, w.P * sizeof(Py_ssize_t))
    cdef Py_ssize_t* W_steps = <Py_ssize_t*> _take(&free, FN * sizeof(Py_ssize_t))
    cdef Py_ssize_t* d_steps = <Py_ssize_t*> _take(&free, FN * sizeof(Py_ssize_t))
    cdef floating* image = <floating*> _take(&free, image_size * sizeof(floating))
    cdef floating* dT = <floating*> _take(&free, w.P * filters * sizeof(floating))
    cdef floating* unmasked = <floating*> _take(&free, FN * w.P * sizeof(floating) if problem.mask != NULL else 0)
    # for dx by products
    cdef floating* dimage = <floating*> _take(&free, image_size * sizeof(floating) if by_products else 0)
    cdef floating* d = <floating*> _take(&free, FN * columns * sizeof(floating) if by_products else 0)
    cdef floating* dcol = <floating*> _take(&free, ROWS * columns * sizeof(floating) if by_products else 0)
    # for dx by a convolution
    cdef Py_ssize_t* turned_taps = <Py_ssize_t*> _take(&free, t.K * sizeof(Py_ssize_t) if W_copy != NULL else 0)
    cdef Py_ssize_t* offsets = <Py_ssize_t*> _take(&free, w.C * sizeof(Py_ssize_t) if W_copy != NULL else 0)
    cdef floating* no_bias = <floating*> _take(&free, w.C * sizeof(floating) if W_copy != NULL else 0)
    cdef floating* dout_image = <floating*> _take(
        &free, turned_size * sizeof(floating) + PANEL_BYTES if W_copy != NULL else 0
    )
    cdef floating* sums = <floating*> _take(
        &free,
        _whole(w.C, ROWS) * _columns_of_rows(&t, sizeof(floating)) * sizeof(floating) if W_copy != NULL else 0,
    )
    cdef const floating* of_n
    cdef floating* dWT
    cdef const floating* rows[ROWS]
    if memory == NULL:
        return free - memory
    memset(memory, 0, free - memory)  # also the borders of the images
    _find_taps(w, taps)
    _find_places(w, places)
    _count_by(1, max(w.K, t.K), ones)
    _count_by(filters, w.P, place_steps)
    _count_by(w.K, FN, W_steps)
    _count_by(columns, FN, d_steps)
    if W_copy != NULL:
        _find_taps(&t, turned_taps)
        _count_by(t.K, w.C, offsets)
    for block in range(first, last):
        dWT = <floating*> problem.dW + block * block_size
        memset(dWT, 0, block_size * sizeof(floating))
        for n in range(_start(problem, block), _start(problem, block + 1)):
            of_n = <const floating*> problem.out + n * FN * w.P
            if problem.mask != NULL:
                _zero_where(of_n, problem.mask + n * FN * w.P, FN * w.P, unmasked)
                of_n = unmasked
            _pad_image(<const floating*> problem.x + n * x_size, w, image)
            _add_sums(of_n, FN, w.P, dWT + block_size - FN)
            transpose(of_n, w.P, FN, w.P, dT, filters)
            if by_products:
                for f in range(FN):
                    memcpy(d + f * columns, of_n + f * w.P, w.P * sizeof(floating))
                memset(dimage, 0, image_size * sizeof(floating))
            for k from 0 <= k < w.K by ROWS:
                _choose_rows(image, taps, k, w.K, rows)
                _rows_of_product(rows, places, dT, place_steps, w.P, dWT + k * filters, filters, filters, True)
                if by_products:
                    _choose_rows(W, ones, k, w.K, rows)
                    _rows_of_product(rows, W_steps, d, d_steps, FN, dcol, columns, columns, False)
                    _add_rows(dcol, columns, taps + k, min(ROWS, w.K - k), w, dimage)
            if by_products:
                _crop_image(dimage, w, dx + n * x_size)
            elif dx != NULL:
                _differentiate_input(
                    of_n, w, &t, FN, W_copy, turned_taps, ones, offsets, no_bias, dout_image, sums, dx + n * x_size
                )
    return 0


cdef void _add_blocks(const Problem* problem, floating* sums, floating* dW, floating* db) noexcept nogil:
    # dW and db are what the blocks have summed up, added in their order.
    cdef Py_ssize_t size = _sums_of_block(problem, sums), filters = _padded(problem.FN, sizeof(floating)), block, f, k
    for block in range(1, problem.blocks):
        _add(sums + block * size, size, sums)
    for f in range(problem.FN):
        db[f] = sums[size - problem.FN + f]
        for k in range(problem.windows.K):
            dW[f * problem.windows.K + k] = sums[k * filters + f]


def convolution(
    ndarray x: FloatArray, ndarray W: FloatArray, ndarray b: FloatArray,
    Py_ssize_t stride: int, Py_ssize_t pad: int, ndarray mask: BoolArray | None = None, /,
) -> FloatArray:
    """Return the outputs (N, FN, OH, OW) of the filters W (FN, C, FH, FW), b (FN,) on the images x (N, C, H, W).

    With a `mask` of their shape, return max(0, outputs), and set the mask where an output is at most 0.
    """
    cdef Problem problem
    cdef ndarray out
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(x.shape[1], x.shape[2], x.shape[3], W.shape[2], W.shape[3], stride, pad)
    out = empty((x.shape[0], W.shape[0], problem.windows.OH, problem.windows.OW), x.dtype)
    problem.N, problem.FN = x.shape[0], W.shape[0]
    problem.x, problem.W, problem.b, problem.out = address(x), address(W), address(b), address(out)
    problem.mask = NULL if mask is None else <unsigned char*> address(mask)
    _divide(&problem, problem.N, 1)
    _run(
        x, &problem, <Part> _convolve[float], <Part> _convolve[double],
        <double> out.size * problem.windows.K,
    )
    return out


cdef bint _is_convolution(ndarray W, const Windows* w) noexcept:
    # Whether dx is computed by a convolution. A product with a border of zeros would make a NaN of an infinite weight.
    # With few channels, most rows of its products would be in vain.
    if w.stride > 1 or w.pad >= w.FH or w.pad >= w.FW or _whole(w.C, ROWS) * w.FH * w.FW > 2 * w.K:
        return False
    if PyArray_ITEMSIZE(W) == sizeof(float):
        return _all_finite(<const float*> address(W), W.size)
    return _all_finite(<const double*> address(W), W.size)


def convolution_gradient(
    ndarray dout: FloatArray, ndarray x: FloatArray, ndarray W: FloatArray,
    Py_ssize_t stride: int, Py_ssize_t pad: int, bint wants_dx: bool = True, ndarray mask: BoolArray | None = None, /,
) -> tuple[FloatArray | None, FloatArray, FloatArray]:
    """Return the gradients dx, or None, dW and db of `convolution`, for dout (N, FN, OH, OW).

    Where the `mask`, of the shape of dout, is set, dout counts as 0.
    """
    cdef Problem problem
    cdef ndarray dx = empty_like(x) if wants_dx else None, dW = empty_like(W), db = empty(W.shape[0], x.dtype)
    cdef ndarray turned = None, sums
    cdef bint floats = PyArray_ITEMSIZE(x) == sizeof(float)
    cdef Py_ssize_t size
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(x.shape[1], x.shape[2], x.shape[3], W.shape[2], W.shape[3], stride, pad)
    problem.N, problem.FN = x.shape[0], W.shape[0]
    problem.x, problem.W, problem.out = address(x), address(W), address(dout)
    problem.mask = NULL if mask is None else <unsigned char*> address(mask)
    _divide(&problem, problem.N, 1)
    if wants_dx:
        problem.dx = address(dx)
        if _is_convolution(W, &problem.windows):
            turned = empty_like(W)
            problem.W_copy = address(turned)
            if floats:
                _turn(<const float*> address(W), &problem.windows, problem.FN, <float*> problem.W_copy)
            else:
                _turn(<const double*> address(W), &problem.windows, problem.FN, <double*> problem.W_copy)
    size = _sums_of_block(&problem, <float*> NULL) if floats else _sums_of_block(&problem, <double*> NULL)
    sums = zeros(max(1, problem.blocks) * size, x.dtype)
    problem.dW = address(sums)
    _run(
        x, &problem, <Part> _differentiate[float], <Part> _differentiate[double],
        (1 + wants_dx) * <double> dout.size * problem.windows.K,
    )
    if floats:
        _add_blocks(&problem, <float*> address(sums), <float*> address(dW), <float*> address(db))
    else:
        _add_blocks(&problem, <double*> address(sums), <double*> address(dW), <double*> address(db))
    return dx, dW, db


# ---- Pooling: each plane is an image of one channel

cdef VECTORISED _keep_larger(
    const floating* pixels, int k, Py_ssize_t count, floating* largest, int* where
) noexcept nogil:
    # Where the pixel is larger, or the first NaN, it becomes `largest`, and k becomes `where`.
    cdef Py_ssize_t i
    cdef floating pixel, old
    cdef int place
    for i in range(count):
        pixel, old = pixels[i], largest[i]
        place = where[i] if pixel <= old else k
        pixel = old if pixel <= old else pixel
        where[i] = place if old == old else where[i]
        largest[i] = pixel if old == old else old


cdef Py_ssize_t _pool(
    const Problem* problem, Py_ssize_t first, Py_ssize_t last, char* memory, floating* like
) noexcept nogil:
    # x -> out and where if dx is NULL, else out and where -> dx
    cdef const Windows* w = &problem.windows
    cdef char* free = memory
    cdef Py_ssize_t n, k, p, size = w.height * w.width
    cdef Py_ssize_t* taps = <Py_ssize_t*> _take(&free, w.K * sizeof(Py_ssize_t))
    cdef Py_ssize_t* places = <Py_ssize_t*> _take(&free, w.P * sizeof(Py_ssize_t))
    cdef floating* image = <floating*> _take(&free, size * sizeof(floating) if w.pad else 0)
    cdef floating* col = <floating*> _take(&free, w.K * w.P * sizeof(floating))
    cdef floating* out = <floating*> problem.out + _start(problem, first) * w.P
    cdef int* where = problem.where + _start(problem, first) * w.P
    cdef floating* plane
    if memory == NULL:
        return free - memory
    _find_taps(w, taps)
    _find_places(w, places)
    if w.pad:
        memset(image, 0, size * sizeof(floating))
    for n in range(_start(problem, first), _start(problem, last)):
        plane = (<floating*> problem.x if problem.dx == NULL else <floating*> problem.dx) + n * w.H * w.W
        if w.pad == 0:
            image = plane
        if problem.dx == NULL:
            if w.pad:
                _pad_image(plane, w, image)
            _unroll(image, w, col, w.P)
            memcpy(out, col, w.P * sizeof(floating))
            memset(where, 0, w.P * sizeof(int))
            for k in range(1, w.K):
                _keep_larger(col + k * w.P, <int> k, w.P, out, where)
        else:
            memset(image, 0, size * sizeof(floating))
            for p in range(w.P):
                image[places[p] + taps[where[p]]] += out[p]
            if w.pad:
                _crop_image(image, w, plane)
        out += w.P
        where += w.P
    return 0


def pooling(
    ndarray x: FloatArray, Py_ssize_t pool_h: int, Py_ssize_t pool_w: int,
    Py_ssize_t stride: int, Py_ssize_t pad: int, /,
) -> tuple[FloatArray, IntArray]:
    """Return the largest pixel of each window on the images x (N, C, H, W), and its number in the window, a C int.

    Both are (N, C, OH, OW). Of equal pixels the first counts, and of a window with NaN the first NaN. The padding is 0.
    """
    cdef Problem problem
    cdef ndarray out, where
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(1, x.shape[2], x.shape[3], pool_h, pool_w, stride, pad)
    shape = x.shape[0], x.shape[1], problem.windows.OH, problem.windows.OW
    out, where = empty(shape, x.dtype), empty(shape, intc)
    problem.N, problem.x, problem.out = x.shape[0] * x.shape[1], address(x), address(out)
    problem.where = <int*> address(where)
    _divide(&problem, problem.N, 1)
    _run(
        x, &problem, <Part> _pool[float], <Part> _pool[double],
        POOLED * <double> out.size * problem.windows.K,
    )
    return out, where


def pooling_gradient(
    ndarray dout: FloatArray, ndarray where: IntArray, tuple input_shape: tuple[int, ...],
    Py_ssize_t pool_h: int, Py_ssize_t pool_w: int, Py_ssize_t stride: int, Py_ssize_t pad: int, /,
) -> FloatArray:
    """Return the gradient dx of `pooling`, for dout (N, C, OH, OW) and the numbers `where` that `pooling` returned."""
    cdef Problem problem
    cdef ndarray dx = empty(input_shape, dout.dtype)
    memset(&problem, 0, sizeof(problem))
    problem.windows = _windows(1, dx.shape[2], dx.shape[3], pool_h, pool_w, stride, pad)
    problem.N, problem.out, problem.where = dx.shape[0] * dx.shape[1], address(dout), <int*> address(where)
    problem.dx = address(dx)
    _divide(&problem, problem.N, 1)
    _run(
        dout, &problem, <Part> _pool[float], <Part> _pool[double],
        POOLED * <double> dout.size * problem.windows.K,
    )
    return dx
