"""The gradient and the predictions of a dense network of L layers, compiled. The twin is `dense_network_numpy.py`.

Read the twin first: it computes the same functions in a few lines.

    a1 = x W1 + b1,  z1 = f(a1),  a2 = z1 W2 + b2,  ...,  y = output(aL),
    daL = (y sum(t) - t) / N for the output "softmax", (y - t) / (N C) for "sigmoid", 2 (y - t) / (N C) for "identity",
    2 (y - t) y (1 - y) / (N C) for "sigmoid_mse"; with weights, daL of a sample times weight / (mean of the weights),
    dWl = z(l-1)' dal,  da(l-1) = (dal Wl') f'(a(l-1)),  dbl = sum of dal over the samples

Why it is fast, most important first:

- Most pixels of an image are black. `_list_used` lists which samples use which inputs. The two products with x, nearly
  all the work of a step, skip the zeros: 81 % of MNIST's pixels.
- `_multiply` (x W) and `_outer` (x' d) keep the values that they reuse in registers. A BLAS is no faster on matrices of
  this size, and starts threads for them.
- The loops work on one chunk of samples at a time, so that everything but the weights stays in the L1 and L2 caches.

Skipping a zero is wrong where the other factor is infinite or NaN: 0 times infinity is NaN. So the kernel checks after
each product whether the result is finite. If not, the functions `_limits_of_...` add what was skipped.

The kernels do not check the parameters. The caller passes what `plain_parameters` returns, or converts them itself: all
C-contiguous, aligned, in native byte order, all float32 or all float64, shapes that fit each other, no dimension 0.
The kernels do check x, t and weights, and return None if these need conversion. x may be float32 beside float64
parameters, or `ScaledBytes`.

Shapes: N samples, D inputs, C outputs; a layer has I inputs and U units.
The matrices in the workspace have rows of `_padded(U, ...)` elements: columns past U are padding.
"""

from cython cimport floating
from libc.math cimport INFINITY, NAN, isinf
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

from fastnet._twins.shared.dispatch cimport INLINED, OPTIMISED, UNROLLED, VECTORISED, over_rows
from fastnet._twins.shared.formulas cimport (
    ELU, IDENTITY, LEAKY_RELU, RELU, SIGMOID, SIGMOID_MSE_OUTPUT, SIGMOID_OUTPUT, SLOPE, SOFTMAX,
    activation_called, elu_and_slope, exp_clamped, is_outside, leaky_relu, leaky_relu_slope, mean_divisor,
    output_called, relu, relu_slope, sigmoid_and_slope, tanh_and_slope,
)
from fastnet._twins.shared.memory cimport (
    NPY_DOUBLE, NPY_FLOAT, NPY_INTP, NPY_UINT8, PyArray_Cast, PyArray_ITEMSIZE, PyArray_TYPE,
    address, doubles, empty_like, import_array, is_carray, ndarray, plain,
)
from fastnet._twins.shared.rows cimport softmax_limit
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport bits_of_double, bits_of_float, lowest, lowest_normal

from numpy import empty, uint8

from fastnet._scaled import ScaledBytes

__all__ = ["network_gradient", "network_predict", "plain_parameters"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef extern from *:
    """
    /* Without these options GCC replaces the loops that load the weights of a group by calls of memcpy, and reloads the
       sums that it has just stored: both go through memory instead of registers. That costs 3 % of a step, and missing
       alias analysis another 3 %. The options stand here and not in setup.py, because clang refuses such flags. */
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize ("no-tree-loop-distribute-patterns", "gcse-las", "gcse", "strict-aliasing")
    #pragma GCC optimize ("expensive-optimizations")
    #endif
    """

ctypedef fused input:
    uint8_t  # of `ScaledBytes`
    float
    double

cdef enum:
    GROUP = 4          # neighbouring inputs, used or skipped together: one load of a row serves four products
    PANEL_BYTES = 256  # a product is computed one panel of columns at a time: 64 columns of float32, 32 of float64. The
                       # weights of one group and panel fill half of AVX-512's 32 registers.
    NARROW = 24        # columns of the last panel, if they are enough,
    NARROWEST = 16     # or if these are enough, as for the ten digits. Rows are padded to these widths.
    WIDEST = 64        # columns of the widest panel
    CHUNK = 128        # samples that a step works on at a time; their indices fit into a byte. A mini-batch of 100 is
                       # one chunk: the gradients are written once and never read.


# Which samples of a chunk of x (rows, I) use which groups. Group g has the inputs GROUP g to GROUP g + 3. A sample uses
# the group unless all of these are 0. counts[g] samples use it; their indices are samples[g * CHUNK], ...
cdef struct Used:
    unsigned char* samples
    Py_ssize_t* counts


cdef inline Py_ssize_t _width(Py_ssize_t left, Py_ssize_t itemsize) noexcept nogil:
    # The width of the next panel, where `left` columns are left.
    return NARROWEST if left <= NARROWEST else NARROW if left <= NARROW else PANEL_BYTES // itemsize


cdef inline Py_ssize_t _padded(Py_ssize_t U, Py_ssize_t itemsize) noexcept nogil:
    cdef Py_ssize_t left = U % (PANEL_BYTES // itemsize)
    return U - left + (0 if left == 0 else _width(left, itemsize))


cdef inline Py_ssize_t _groups(Py_ssize_t I) noexcept nogil:
    return (I + GROUP - 1) // GROUP


# ---- The left factors of the products

cdef UNROLLED _find_used(const input* x, Py_ssize_t rows, Py_ssize_t I, uint32_t* is_used) noexcept nogil:
    # Bit k of is_used[b, i] is 1 if input i is not 0 in sample 32 b + k. The bits past the last sample and the last
    # input are 0: the last group may be incomplete.
    cdef Py_ssize_t n, i, width = _groups(I) * GROUP
    cdef uint32_t bit
    cdef uint32_t* bits
    memset(is_used, 0, (rows + 31) // 32 * width * sizeof(uint32_t))
    for n in range(rows):
        bit = <uint32_t> 1 << n % 32
        bits = is_used + n // 32 * width
        for i in range(I):
            bits[i] |= bit if x[n * I + i] != 0 else 0


cdef inline floating _number(input element, const floating* levels) noexcept nogil:
    # The number that an element of x stands for: of a byte k, levels[k].
    if input is uint8_t:
        return levels[element]
    else:
        return <floating> element


cdef UNROLLED _pack_used(
    const input* x, const floating* levels, Py_ssize_t I, const Used* used, floating* out
) noexcept nogil:
    # Copy the used parts of x (rows, I), group after group, to out (sum of the counts, GROUP), in the dtype of the
    # parameters. The products then read `out` sequentially.
    cdef Py_ssize_t g, e, k
    cdef const input* v
    for g in range(_groups(I)):
        for e in range(used.counts[g]):
            v = x + used.samples[g * CHUNK + e] * I + g * GROUP
            if g < I // GROUP:
                for k in range(GROUP):
                    out[k] = _number(v[k], levels)
            else:  # an incomplete last group is padded with zeros
                for k in range(GROUP):
                    out[k] = 0
                for k in range(I % GROUP):
                    out[k] = _number(v[k], levels)
            out += GROUP


# For every byte: the indices of its 1 bits, in order, each stored in one byte; and their number.
cdef uint64_t positions[256]
cdef unsigned char ones[256]


cdef void _fill_tables() noexcept:
    cdef Py_ssize_t byte, k
    for byte in range(256):
        for k in range(8):
            (<unsigned char*> &positions[byte])[ones[byte]] = <unsigned char> k
            ones[byte] += byte >> k & 1


cdef OPTIMISED _list_used(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t groups, const Used* used
) noexcept nogil:
    # A sample uses a group if one of the group's inputs is not 0. The loop handles eight samples at a time, without a
    # branch on the pixels, which the processor would mispredict too often. It always writes eight indices, as the
    # eight bytes of one word; the next write overwrites the unused ones. One addition of 8 to every byte moves the word
    # on to the next eight samples.
    cdef Py_ssize_t b, g, byte, count
    cdef uint32_t word
    cdef uint64_t first, eight
    cdef unsigned char* samples
    cdef const uint32_t* bits
    for g in range(groups):
        samples = used.samples + g * CHUNK
        count, first = 0, 0
        for b in range((rows + 31) // 32):
            bits = is_used + (b * groups + g) * GROUP
            word = bits[0] | bits[1] | bits[2] | bits[3]
            for byte in range(4):
                eight = positions[word & 255] + first
                memcpy(samples + count, &eight, 8)
                count += ones[word & 255]
                word >>= 8
                first += <uint64_t> 0x0808080808080808
        used.counts[g] = count


cdef void _list_all(Py_ssize_t rows, Py_ssize_t groups, const Used* used) noexcept nogil:
    # List every sample for every group: for a matrix that has hardly any zeros.
    cdef Py_ssize_t n, g
    cdef unsigned char* samples
    for g in range(groups):
        samples = used.samples + g * CHUNK
        for n in range(rows):
            samples[n] = <unsigned char> n
        used.counts[g] = rows


# ---- The products
#
# The left factor is x (rows, I) with row stride x_stride, and `packed` is NULL; or it is the output of `_pack_used`,
# and `packed` lists 0, 1, 2, ... Sample e of those that use a group is row x_samples[e] of the left factor and row
# samples[e] of the other matrix. The work on one group is a separate function: inlined into the loop over the groups it
# would run out of registers.

cdef INLINED _add_columns(
    const floating* x, Py_ssize_t x_stride,
    const unsigned char* x_samples, const unsigned char* samples, Py_ssize_t count,
    const floating* W, Py_ssize_t W_stride, floating* out, Py_ssize_t out_stride, Py_ssize_t columns,
) noexcept nogil:
    # After inlining, `columns` is a constant: so the compiler keeps w in registers.
    cdef Py_ssize_t e, j
    cdef floating w[GROUP][WIDEST]
    cdef const floating* v
    cdef floating* row
    cdef floating v0, v1, v2, v3
    for j in range(columns):
        w[0][j], w[1][j], w[2][j], w[3][j] = W[j], W[W_stride + j], W[2 * W_stride + j], W[3 * W_stride + j]
    for e in range(count):
        v = x + x_samples[e] * x_stride
        row = out + samples[e] * out_stride
        v0, v1, v2, v3 = v[0], v[1], v[2], v[3]
        for j in range(columns):
            row[j] = row[j] + v0 * w[0][j] + v1 * w[1][j] + v2 * w[2][j] + v3 * w[3][j]


cdef UNROLLED _add_group(
    const floating* x, Py_ssize_t x_stride,
    const unsigned char* x_samples, const unsigned char* samples, Py_ssize_t count,
    const floating* W, Py_ssize_t W_stride, floating* out, Py_ssize_t out_stride, Py_ssize_t columns,
) noexcept nogil:
    # out[n] += x[n] W for the `count` samples n that use the group; x (rows, GROUP), W (GROUP, columns)
    if columns == NARROWEST:
        _add_columns(x, x_stride, x_samples, samples, count, W, W_stride, out, out_stride, NARROWEST)
    elif columns == NARROW:
        _add_columns(x, x_stride, x_samples, samples, count, W, W_stride, out, out_stride, NARROW)
    else:
        _add_columns(
            x, x_stride, x_samples, samples, count, W, W_stride, out, out_stride, PANEL_BYTES // sizeof(floating),
        )


cdef OPTIMISED _multiply(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* W, Py_ssize_t W_stride, Py_ssize_t U, floating* out,
) noexcept nogil:
    # out[n, u] += sum_i x[n, i] W[i, u] for x (rows, I), W (I, U). The weights of a group stay in registers for all
    # samples that use it. Each load and store of an element of `out` adds the products of a whole group.
    cdef Py_ssize_t g, j, k, panel, columns, stride = _padded(U, sizeof(floating))
    cdef floating last[GROUP][WIDEST]
    cdef const floating* v
    cdef const unsigned char* of_x = packed
    cdef const floating* weights
    cdef Py_ssize_t weights_stride
    for panel from 0 <= panel < U by PANEL_BYTES // sizeof(floating):
        columns = _width(U - panel, sizeof(floating))
        v = x
        for g in range(_groups(I)):
            if used.counts[g] == 0:
                continue
            if packed == NULL:
                v, of_x = x + g * GROUP, used.samples + g * CHUNK
            # A narrow panel also reads the elements that follow in W, and adds them to the padding of `out`: so the
            # loops have whole vectors and no remainder. Past the last rows of W there is nothing to read: copy these.
            weights, weights_stride = W + g * GROUP * W_stride + panel, W_stride
            if (g * GROUP + GROUP - 1) * W_stride + panel + columns > I * W_stride:
                for k in range(GROUP):
                    for j in range(columns):
                        last[k][j] = weights[k * W_stride + j] if panel + j < U and g * GROUP + k < I else 0
                weights, weights_stride = &last[0][0], WIDEST
            _add_group(
                v, x_stride, of_x, used.samples + g * CHUNK, used.counts[g], weights, weights_stride,
                out + panel, stride, columns,
            )
            v += used.counts[g] * GROUP


cdef INLINED _sum_columns(
    const floating* x, Py_ssize_t x_stride,
    const unsigned char* x_samples, const unsigned char* samples, Py_ssize_t count,
    const floating* d, Py_ssize_t d_stride, floating* out, Py_ssize_t out_stride, Py_ssize_t columns,
) noexcept nogil:
    # After inlining, `columns` is a constant: so the compiler keeps s in registers.
    cdef Py_ssize_t e, j, k
    cdef floating s[GROUP][WIDEST]
    cdef const floating* v
    cdef const floating* row
    for j in range(columns):
        s[0][j] = s[1][j] = s[2][j] = s[3][j] = 0
    for e in range(count):
        v = x + x_samples[e] * x_stride
        row = d + samples[e] * d_stride
        for k in range(GROUP):
            for j in range(columns):
                s[k][j] += v[k] * row[j]
    for k in range(GROUP):
        for j in range(columns):
            out[k * out_stride + j] = s[k][j]


cdef UNROLLED _sum_group(
    const floating* x, Py_ssize_t x_stride,
    const unsigned char* x_samples, const unsigned char* samples, Py_ssize_t count,
    const floating* d, Py_ssize_t d_stride, floating* out, Py_ssize_t out_stride, Py_ssize_t columns,
) noexcept nogil:
    # out = x' d over the `count` samples that use the group; x (rows, GROUP), d (rows, columns)
    if columns == NARROWEST:
        _sum_columns(x, x_stride, x_samples, samples, count, d, d_stride, out, out_stride, NARROWEST)
    elif columns == NARROW:
        _sum_columns(x, x_stride, x_samples, samples, count, d, d_stride, out, out_stride, NARROW)
    else:
        _sum_columns(
            x, x_stride, x_samples, samples, count, d, d_stride, out, out_stride, PANEL_BYTES // sizeof(floating),
        )


cdef OPTIMISED _outer(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* d, Py_ssize_t U, floating* out, bint add,
) noexcept nogil:
    # out[i, u] = sum_n x[n, i] d[n, u] for x (rows, I), d (rows, U); with `add`, out += this sum. The sums of a group
    # stay in registers over all samples, and are stored once. If no sample uses a group, its sums are 0.
    cdef Py_ssize_t g, i, j, panel, columns
    cdef Py_ssize_t full = PANEL_BYTES // sizeof(floating), stride = _padded(U, sizeof(floating))
    cdef floating sums[GROUP][WIDEST]
    cdef floating* to
    cdef bint aside
    cdef const floating* v
    cdef const unsigned char* of_x = packed
    # The last panel comes first. It also writes past the end of each row, to the beginning of the next row, which a
    # later store overwrites: so the loops have whole vectors and no remainder. Past the last rows nothing may be
    # written: there, and with `add`, the sums go to the array `sums` first.
    for panel from (U - 1) // full * full >= panel >= 0 by full:
        columns = _width(U - panel, sizeof(floating))
        v = x
        for g in range(_groups(I)):
            if packed == NULL:
                v, of_x = x + g * GROUP, used.samples + g * CHUNK
            if used.counts[g] == 0:
                if not add and panel + columns >= U:
                    memset(out + g * GROUP * U, 0, min(GROUP, I - g * GROUP) * U * sizeof(floating))
                continue
            to = out + g * GROUP * U + panel
            aside = add or (g * GROUP + GROUP - 1) * U + panel + columns > I * U
            _sum_group(
                v, x_stride, of_x, used.samples + g * CHUNK, used.counts[g], d + panel, stride,
                &sums[0][0] if aside else to, WIDEST if aside else U, columns,
            )
            if aside:
                for i in range(min(GROUP, I - g * GROUP)):
                    for j in range(min(U - panel, columns)):
                        to[i * U + j] = sums[i][j] + (to[i * U + j] if add else 0)
            v += used.counts[g] * GROUP


# ---- Between the products: a (rows, U) and the like have the row stride _padded(U, sizeof(floating))

cdef VECTORISED _spread(const floating* b, Py_ssize_t rows, Py_ssize_t U, floating* a) noexcept nogil:
    # a[n, u] = b[u]
    cdef Py_ssize_t n, u
    for n in range(rows):
        for u in range(U):
            a[u] = b[u]
        for u in range(U, _padded(U, sizeof(floating))):
            a[u] = 0
        a += _padded(U, sizeof(floating))


cdef VECTORISED _sum_samples(
    const floating* d, Py_ssize_t rows, Py_ssize_t U, floating* out, bint add
) noexcept nogil:
    # out[u] = sum_n d[n, u]; with `add`, out += this sum
    cdef Py_ssize_t n, u
    if not add:
        for u in range(U):
            out[u] = 0
    for n in range(rows):
        for u in range(U):
            out[u] += d[n * _padded(U, sizeof(floating)) + u]


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
    cdef Py_ssize_t n, c, i, stride = _padded(C, sizeof(floating))
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
        y += _padded(C, sizeof(floating))
        slope += _padded(C, sizeof(floating))
        t += C if t != NULL else 0


cdef VECTORISED _times(floating* x, const floating* y, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        x[i] *= y[i]


cdef VECTORISED _find_infinite(const floating* x, Py_ssize_t size, bint* found) noexcept nogil:
    # found: whether an element of x is infinite or NaN. For such an element x - x is NaN; for any other it is +0, whose
    # bits are all 0.
    cdef Py_ssize_t i
    cdef uint64_t any_double = 0
    cdef uint32_t any_float = 0
    if floating is double:
        for i in range(size):
            any_double |= bits_of_double(x[i] - x[i])
        found[0] = any_double != 0
    else:
        for i in range(size):
            any_float |= bits_of_float(x[i] - x[i])
        found[0] = any_float != 0


cdef bint _all_finite(const floating* x, Py_ssize_t size) noexcept nogil:
    cdef bint found = False
    _find_infinite(x, size, &found)
    return not found


cdef bint _unused_are_finite(const floating* W, Py_ssize_t I, Py_ssize_t U, const Used* used) noexcept nogil:
    # Whether the weights W (I, U) of the groups that no sample uses are finite. The product shows it for the others.
    cdef Py_ssize_t first, g = 0, groups = _groups(I)
    while g < groups:
        first = g
        while g < groups and used.counts[g] == 0:
            g += 1
        if g > first and not _all_finite(W + first * GROUP * U, (min(g * GROUP, I) - first * GROUP) * U):
            return False
        g += 1
    return True


# ---- Infinity and NaN: add what the products above have skipped

cdef void _clear_padding(floating* a, Py_ssize_t rows, Py_ssize_t U) noexcept nogil:
    # The next product multiplies the padding by 0 and must get 0, so the padding must be finite.
    cdef Py_ssize_t n, u, stride = _padded(U, sizeof(floating))
    for n in range(rows):
        for u in range(U, stride):
            a[n * stride + u] = 0


cdef OPTIMISED _sum_differences(const floating* W, Py_ssize_t I, Py_ssize_t U, floating* out) noexcept nogil:
    # out[u] = sum_i (W[i, u] - W[i, u]): NaN where a weight of the column is infinite or NaN, else 0
    cdef Py_ssize_t i, u
    for u in range(U):
        out[u] = 0
    for i in range(I):
        for u in range(U):
            out[u] += W[i * U + u] - W[i * U + u]


cdef inline bint _is_zero(const uint32_t* is_used, Py_ssize_t I, Py_ssize_t n, Py_ssize_t i) noexcept nogil:
    # Whether x[n, i] is 0, from the bits of `_find_used`.
    return not is_used[n // 32 * _groups(I) * GROUP + i] >> n % 32 & 1


cdef void _limits_of_product(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* W, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil:
    # out (rows, padded U) is x W without the inputs that are 0. Add the products of these with infinite or NaN weights.
    # columns (U,) is temporary memory.
    cdef Py_ssize_t n, i, u, stride = _padded(U, sizeof(floating))
    cdef bint is_nan
    _sum_differences(W, I, U, columns)
    for u in range(U):
        if columns[u] == 0:
            continue
        is_nan = False
        for i in range(I):
            if W[i * U + u] != W[i * U + u]:
                is_nan = True
                break
        if is_nan:  # NaN times any input is NaN
            for n in range(rows):
                out[n * stride + u] = NAN
            continue
        for n in range(rows):
            for i in range(I):
                if isinf(W[i * U + u]) and _is_zero(is_used, I, n, i):
                    out[n * stride + u] = NAN
                    break


cdef OPTIMISED _overwrite_columns(floating* W, Py_ssize_t I, Py_ssize_t U, const floating* columns) noexcept nogil:
    # W[i, u] = NaN where columns[u] is NaN
    cdef Py_ssize_t i, u
    for i in range(I):
        for u in range(U):
            W[i * U + u] = W[i * U + u] if columns[u] == columns[u] else columns[u]


cdef void _limits_of_outer(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* d, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil:
    # out (I, U) is x' d without the inputs that are 0. Add the products of these with infinite or NaN elements of
    # d (rows, padded U). columns (U,) is temporary memory.
    cdef Py_ssize_t n, i, u, stride = _padded(U, sizeof(floating))
    for u in range(U):
        columns[u] = 0
        for n in range(rows):
            if d[n * stride + u] != d[n * stride + u]:
                columns[u] = NAN
                break
            if isinf(d[n * stride + u]):
                for i in range(I):
                    if _is_zero(is_used, I, n, i):
                        out[i * U + u] = NAN
    _overwrite_columns(out, I, U, columns)


cdef void _limits_of_softmax(floating* a, Py_ssize_t rows, Py_ssize_t C) noexcept nogil:
    # a = softmax(a), in place, also for rows whose largest value is infinite
    cdef Py_ssize_t n, c
    cdef floating* row
    cdef floating largest
    for n in range(rows):
        row = a + n * _padded(C, sizeof(floating))
        largest = -INFINITY
        for c in range(C):
            largest = row[c] if row[c] > largest else largest
        if isinf(largest):
            softmax_limit(row, row, C, largest)
        else:
            _softmax(row, 1, C)


# ---- The step

cdef double LEAST_SUM = 1e-290  # of weights: a smaller sum may be subnormal, and then its mean is not precise

# The memory of the last calls, kept for the next ones: a new allocation from the operating system can take as long as a
# step. A call removes it from the list, so that no other thread uses it. The memory of a large network is not kept.
_kept = []
cdef Py_ssize_t MOST_KEPT = 16 * 1024 * 1024  # bytes


cdef struct Layer:
    Py_ssize_t inputs, U  # not I, U: C defines I as the imaginary unit
    const void* W    # (I, U)
    const void* b    # (U,)
    void* dW         # (I, U), and db (U,); or both NULL
    void* db
    void* z          # (CHUNK, padded U): holds a, then z (in the last layer y), then da
    void* slope      # (CHUNK, padded U): f'(a)
    void* WT         # (U, I): W transposed


cdef struct Problem:
    Py_ssize_t N
    int activation, output
    const void* x              # (N, D)
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
    void* x             # the output of `_pack_used`, if x cannot be read directly
    Used used           # for the inputs x
    Used all            # for the units of any layer: all samples
    uint32_t* is_used   # the output of `_find_used`


cdef void* _reserve(char** end, Py_ssize_t size) noexcept nogil:
    # Reserve `size` bytes, aligned to a cache line, after the memory that is already reserved.
    cdef uintptr_t begin = (<uintptr_t> end[0] + 63) // 64 * 64
    end[0] = <char*> begin + size
    return <void*> begin


cdef Py_ssize_t _lay_out(Workspace* workspace, char* begin, const Problem* problem, Py_ssize_t itemsize) noexcept nogil:
    # Divide the memory that starts at `begin` among the matrices, and return the total size in bytes.
    cdef char* end = begin
    cdef Py_ssize_t inputs = _groups(problem.first.inputs), units = 0
    cdef Layer* layer = problem.first
    while layer <= problem.last:
        units = max(units, _groups(layer.U))
        layer.z = _reserve(&end, CHUNK * itemsize * _padded(layer.U, itemsize))
        layer.slope = _reserve(&end, CHUNK * itemsize * _padded(layer.U, itemsize))
        layer.WT = _reserve(&end, layer.U * layer.inputs * itemsize if layer > problem.first else 0)
        layer += 1
    workspace.x = _reserve(&end, CHUNK * itemsize * inputs * GROUP)
    workspace.used.counts = <Py_ssize_t*> _reserve(&end, inputs * sizeof(Py_ssize_t))
    workspace.used.samples = <unsigned char*> _reserve(&end, inputs * CHUNK)
    workspace.all.counts = <Py_ssize_t*> _reserve(&end, units * sizeof(Py_ssize_t))
    workspace.all.samples = <unsigned char*> _reserve(&end, units * CHUNK)
    workspace.is_used = <uint32_t*> _reserve(&end, inputs * GROUP * CHUNK // 8)
    return end - begin


cdef void _transpose(const floating* W, Py_ssize_t I, Py_ssize_t U, floating* WT) noexcept nogil:
    # In tiles of 16 x 16, whose rows and columns stay in the cache.
    cdef Py_ssize_t i, u, first, other
    for first from 0 <= first < I by 16:
        for other from 0 <= other < U by 16:
            for u in range(other, min(other + 16, U)):
                for i in range(first, min(first + 16, I)):
                    WT[u * I + i] = W[i * U + u]


cdef bint _forward(
    const floating* samples, Py_ssize_t stride, const unsigned char* packed, Py_ssize_t rows,
    const Problem* problem, const Workspace* workspace,
) noexcept nogil:
    # Compute y from x. Return False if an intermediate value is not finite. `samples` is x or the output of
    # `_pack_used`.
    cdef Layer* layer = problem.first
    cdef const floating* inputs = samples
    cdef const Used* used = &workspace.used
    cdef Py_ssize_t size
    cdef floating* z
    cdef bint finite = _unused_are_finite(<const floating*> layer.W, layer.inputs, layer.U, used)
    while True:
        z, size = <floating*> layer.z, rows * _padded(layer.U, sizeof(floating))
        _spread(<const floating*> layer.b, rows, layer.U, z)
        _multiply(inputs, stride, packed, used, layer.inputs, <const floating*> layer.W, layer.U, layer.U, z)
        finite = finite and _all_finite(z, size)
        if not finite and layer == problem.first:
            _limits_of_product(
                workspace.is_used, rows, layer.inputs, <const floating*> layer.W, layer.U, z, <floating*> layer.slope
            )
        if layer == problem.last:
            break
        _activate(z, <floating*> layer.slope, size, problem.activation)
        if not finite:
            _clear_padding(z, rows, layer.U)
        inputs, stride, packed, used = z, _padded(layer.U, sizeof(floating)), NULL, &workspace.all
        layer += 1
    if problem.output == SOFTMAX and finite:
        _softmax(z, rows, layer.U)
    elif problem.output == SOFTMAX:
        _limits_of_softmax(z, rows, layer.U)
    elif problem.output in (SIGMOID_OUTPUT, SIGMOID_MSE_OUTPUT):
        _activate(z, <floating*> layer.slope, size, SIGMOID)
    if not finite:
        _clear_padding(z, rows, layer.U)
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
    _error(
        da, NULL if problem.labels == NULL else problem.labels + first,
        NULL if problem.t == NULL else <const floating*> problem.t + first * layer.U, <const floating*> layer.slope,
        NULL if problem.weights == NULL else problem.weights + first, problem.mean_weight, rows, layer.U,
        problem.output, mean_divisor(problem.output, problem.N, layer.U),
    )
    while True:
        _sum_samples(da, rows, layer.U, <floating*> layer.db, add)
        finite = finite and _all_finite(<floating*> layer.db, layer.U)  # the sum is finite only if da is
        if layer == problem.first:
            break
        before = layer - 1
        size = rows * _padded(before.U, sizeof(floating))
        _outer(
            <floating*> before.z, _padded(before.U, sizeof(floating)), NULL, &workspace.all, layer.inputs, da, layer.U,
            <floating*> layer.dW, add,
        )
        memset(before.z, 0, size * sizeof(floating))
        _multiply(
            da, _padded(layer.U, sizeof(floating)), NULL, &workspace.all, layer.U, <const floating*> layer.WT,
            layer.inputs, layer.inputs, <floating*> before.z,
        )
        layer, da = before, <floating*> before.z
        _times(da, <const floating*> layer.slope, size)
        if not finite:
            _clear_padding(da, rows, layer.U)
    _outer(samples, stride, packed, &workspace.used, layer.inputs, da, layer.U, <floating*> layer.dW, add)
    if not finite:
        _limits_of_outer(
            workspace.is_used, rows, layer.inputs, da, layer.U, <floating*> layer.dW, <floating*> layer.slope
        )


cdef void _step(const input* x, floating* like, const Problem* problem, const Workspace* workspace) noexcept nogil:
    # Compute all chunks: y, or the gradients if y is NULL. `like` only selects the dtype of the parameters.
    cdef Py_ssize_t first, rows, n, units = 0, D = problem.first.inputs, C = problem.last.U
    cdef bint as_it_is = sizeof(input) == sizeof(floating) and D % GROUP == 0
    cdef Py_ssize_t stride = D if as_it_is else GROUP
    cdef const unsigned char* packed = NULL if as_it_is else workspace.all.samples  # `_list_all` writes 0, 1, 2, ...
    cdef floating* y = <floating*> problem.y
    cdef floating* samples
    cdef floating levels[256]
    cdef bint finite
    cdef Layer* layer = problem.first
    if input is uint8_t:
        for n in range(256):
            levels[n] = <float> n / problem.divisor
    while layer <= problem.last:
        units = max(units, _groups(layer.U))
        if y == NULL and layer > problem.first:
            _transpose(<const floating*> layer.W, layer.inputs, layer.U, <floating*> layer.WT)
        layer += 1
    for first from 0 <= first < problem.N by CHUNK:
        rows = min(problem.N - first, CHUNK)
        _find_used(x + first * D, rows, D, workspace.is_used)
        _list_used(workspace.is_used, rows, _groups(D), &workspace.used)
        _list_all(rows, units, &workspace.all)
        if as_it_is:
            samples = <floating*> x + first * D
        else:
            samples = <floating*> workspace.x
            _pack_used(x + first * D, levels, D, &workspace.used, samples)
        finite = _forward(samples, stride, packed, rows, problem, workspace)
        if y == NULL:
            _backward(samples, stride, packed, first, rows, finite, problem, workspace)
        else:
            for n in range(rows):
                memcpy(
                    y + (first + n) * C, <floating*> problem.last.z + n * _padded(C, sizeof(floating)),
                    C * sizeof(floating),
                )


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


cdef ndarray _targets(t, ndarray x, ndarray b, str output):
    # The targets (N, C), or labels (N,) as intp; None if t needs another conversion or is not valid.
    cdef Py_ssize_t n, N = x.shape[0], C = b.shape[0]
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


cdef bint _are_weights(weights, ndarray x, Problem* problem):
    # Whether the kernels can take the weights of x without conversion: none is 0, and their sum is a normal number.
    cdef Py_ssize_t n, N = x.shape[0]
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
    # Compute the gradients, or, if `gradients` is None, y.
    cdef Workspace workspace
    cdef ndarray W, b, dW, db, memory = None, records = empty(len(parameters) // 2 * sizeof(Layer), uint8)
    cdef Py_ssize_t l, size, count = len(parameters) // 2, itemsize = PyArray_ITEMSIZE(parameters[0])
    cdef Layer* layers = <Layer*> address(records)
    problem.N, problem.x = x.shape[0], address(x)
    problem.activation, problem.output = activation_called(activation), output_called(output)
    problem.first, problem.last = layers, layers + count - 1
    for l in range(count):
        W, b = parameters[2 * l], parameters[2 * l + 1]
        layers[l].inputs, layers[l].U = W.shape[0], W.shape[1]
        layers[l].W, layers[l].b = address(W), address(b)
        if gradients is not None:
            dW, db = empty_like(W), empty_like(b)
            layers[l].dW, layers[l].db = address(dW), address(db)
            gradients += dW, db
    size = _lay_out(&workspace, NULL, problem, itemsize) + 64
    try:
        memory = _kept.pop()
    except IndexError:
        pass
    if memory is None or memory.size < size:
        memory = empty(size, uint8)
    _lay_out(&workspace, <char*> address(memory), problem, itemsize)
    with nogil:
        if itemsize == sizeof(float):
            if PyArray_ITEMSIZE(x) == 1:
                _step[uint8_t, float](<const uint8_t*> problem.x, <float*> NULL, problem, &workspace)
            else:
                _step[float, float](<const float*> problem.x, <float*> NULL, problem, &workspace)
        elif PyArray_ITEMSIZE(x) == 1:
            _step[uint8_t, double](<const uint8_t*> problem.x, <double*> NULL, problem, &workspace)
        elif PyArray_ITEMSIZE(x) == sizeof(float):
            _step[float, double](<const float*> problem.x, <double*> NULL, problem, &workspace)
        else:
            _step[double, double](<const double*> problem.x, <double*> NULL, problem, &workspace)
    if len(_kept) < 4 and memory.size <= MOST_KEPT:  # up to four threads predict at the same time
        _kept.append(memory)
    return 0


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
    y = empty((inputs.shape[0], b.shape[0]), b.dtype)
    problem.y = address(y)
    _run(inputs, parameters, None, activation, output, &problem)
    return y


def network_gradient(
    x: Any, t: Any, tuple parameters: tuple[FloatArray, ...], str activation: str, str output: str,
    weights: Any = None, /
) -> list[FloatArray] | None:
    """Return the gradient of the loss by every parameter, or None if an argument needs conversion or is not valid.

    x is (N, D), N at least 1, an array or `ScaledBytes`. The parameters are W1 (D, H), b1 (H,), ..., those of the last
    layer (H, C) and (C,). t is (N, C) targets in the dtype of the parameters, from 0 to 1 (for the output "identity",
    any); or, for the output "softmax", (N,) labels, intp or uint8. The weights of the samples are (N,), float64, above
    0, or None.
    """
    cdef Problem problem
    cdef ndarray inputs, array
    memset(&problem, 0, sizeof(problem))
    inputs = _input(x, parameters, &problem)
    if inputs is None or inputs.shape[0] == 0:
        return None
    array = _targets(t, inputs, parameters[len(parameters) - 1], output)
    if array is None or not _are_weights(weights, inputs, &problem):
        return None
    if array.ndim == 1:
        problem.labels = <const Py_ssize_t*> address(array)
    else:
        problem.t = address(array)
    gradients = []
    _run(inputs, parameters, gradients, activation, output, &problem)
    return gradients


_fill_tables()
