"""Products with a matrix that may hold many zeros: `dense_network.pyx` and `affine.pyx` use them. It has no NumPy twin.

`products.pxd` declares what this file exports. A step skips the zeros of x: `find_used` and `list_used` list which
samples use which inputs, and `multiply` (x W) and `outer` (x' d) visit only these. They keep the values that they reuse
in registers.

Skipping a zero is wrong where the other factor is infinite or NaN: 0 times infinity is NaN. So the caller checks after
each product whether the result is finite. If not, the functions `limits_of_...` add what was skipped.

A function with its own options of the compiler cannot be exported: the exported ones call it.

Shapes: the left factor x (rows, I), with at most CHUNK rows; the others (I, U) and (rows, U). The matrices (rows, U) have
rows of `padded(U, ...)` elements: columns past U are padding. No dimension is 0.
"""

from cython cimport critical_section, floating
from libc.math cimport NAN, isinf
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from fastnet._twins.shared.dispatch cimport INLINED, OPTIMISED, UNROLLED, VECTORISED
from fastnet._twins.shared.memory cimport TOGETHER, import_array, ndarray, prefetch_bytes
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport bits_of_double, bits_of_float

from numpy import empty, uint8

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

# ---- The left factors of the products

cdef UNROLLED _find_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, Py_ssize_t rows, Py_ssize_t I, uint32_t* is_used
) noexcept nogil:
    # Bit k of is_used[b, i] is 1 if input i is not 0 in sample 32 b + k. The bits past the last sample and the last
    # input are 0: the last group may be incomplete. Sample n is row order[n] of x, or row n if `order` is NULL.
    #
    # The rows of a mini-batch lie anywhere in memory: so prefetch the next one. Without this, an epoch of
    # `NetClassifier` takes 1.08 times as long in float64, and 1.04 times in float32.
    cdef Py_ssize_t n, next, i, start, width = groups_of(I) * GROUP
    cdef uint32_t bit
    cdef uint32_t* bits
    cdef const input* row
    cdef const input* next_row
    memset(is_used, 0, (rows + 31) // 32 * width * sizeof(uint32_t))
    for n in range(rows):
        bit = <uint32_t> 1 << n % 32
        bits = is_used + n // 32 * width
        next = min(n + 1, rows - 1)
        row = x + (n if order == NULL else order[n]) * stride
        next_row = x + (next if order == NULL else order[next]) * stride
        for start from 0 <= start < I by TOGETHER:
            prefetch_bytes(next_row + start, TOGETHER * sizeof(input))
            for i in range(start, min(start + TOGETHER, I)):
                bits[i] |= bit if row[i] != 0 else 0


cdef void find_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, Py_ssize_t rows, Py_ssize_t I, uint32_t* is_used
) noexcept nogil:
    _find_used(x, stride, order, rows, I, is_used)


cdef inline floating _number(input element, const floating* levels) noexcept nogil:
    # The number that an element of x stands for: of a byte k, levels[k].
    if input is uint8_t:
        return levels[element]
    else:
        return <floating> element


cdef UNROLLED _pack_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, const floating* levels, Py_ssize_t I, const Used* used,
    floating* out,
) noexcept nogil:
    # Copy the used parts of x (rows, I), group after group, to out (sum of the counts, GROUP), in the dtype of the
    # parameters. The products then read `out` sequentially.
    cdef Py_ssize_t g, e, k, n
    cdef const input* v
    for g in range(groups_of(I)):
        for e in range(used.counts[g]):
            n = used.samples[g * CHUNK + e]
            v = x + (n if order == NULL else order[n]) * stride + g * GROUP
            if g < I // GROUP:
                for k in range(GROUP):
                    out[k] = _number(v[k], levels)
            else:  # an incomplete last group is padded with zeros
                for k in range(GROUP):
                    out[k] = 0
                for k in range(I % GROUP):
                    out[k] = _number(v[k], levels)
            out += GROUP


cdef void pack_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, const floating* levels, Py_ssize_t I, const Used* used,
    floating* out,
) noexcept nogil:
    _pack_used(x, stride, order, levels, I, used, out)


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


cdef void list_used(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t groups, const Used* used
) noexcept nogil:
    _list_used(is_used, rows, groups, used)


cdef void list_all(Py_ssize_t rows, Py_ssize_t groups, const Used* used) noexcept nogil:
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
# The left factor is x (rows, I) with row stride x_stride, and `packed` is NULL; or it is the output of `pack_used`,
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
    cdef Py_ssize_t g, j, k, panel, columns, stride = padded(U, sizeof(floating))
    cdef floating last[GROUP][WIDEST]
    cdef const floating* v
    cdef const unsigned char* of_x = packed
    cdef const floating* weights
    cdef Py_ssize_t weights_stride
    for panel from 0 <= panel < U by PANEL_BYTES // sizeof(floating):
        columns = panel_width(U - panel, sizeof(floating))
        v = x
        for g in range(groups_of(I)):
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


cdef void multiply(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* W, Py_ssize_t W_stride, Py_ssize_t U, floating* out,
) noexcept nogil:
    _multiply(x, x_stride, packed, used, I, W, W_stride, U, out)


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
    cdef Py_ssize_t full = PANEL_BYTES // sizeof(floating), stride = padded(U, sizeof(floating))
    cdef floating sums[GROUP][WIDEST]
    cdef floating* to
    cdef bint aside
    cdef const floating* v
    cdef const unsigned char* of_x = packed
    # The last panel comes first. It also writes past the end of each row, to the beginning of the next row, which a
    # later store overwrites: so the loops have whole vectors and no remainder. Past the last rows nothing may be
    # written: there, and with `add`, the sums go to the array `sums` first.
    for panel from (U - 1) // full * full >= panel >= 0 by full:
        columns = panel_width(U - panel, sizeof(floating))
        v = x
        for g in range(groups_of(I)):
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


cdef void outer(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* d, Py_ssize_t U, floating* out, bint add,
) noexcept nogil:
    _outer(x, x_stride, packed, used, I, d, U, out, add)


# ---- Between the products: a (rows, U) and the like have the row stride padded(U, sizeof(floating))

cdef VECTORISED _spread(const floating* b, Py_ssize_t rows, Py_ssize_t U, floating* a) noexcept nogil:
    # a[n, u] = b[u]
    cdef Py_ssize_t n, u
    for n in range(rows):
        for u in range(U):
            a[u] = b[u]
        for u in range(U, padded(U, sizeof(floating))):
            a[u] = 0
        a += padded(U, sizeof(floating))


cdef void spread(const floating* b, Py_ssize_t rows, Py_ssize_t U, floating* a) noexcept nogil:
    _spread(b, rows, U, a)


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
            out[u] += d[n * padded(U, sizeof(floating)) + u]


cdef void sum_samples(
    const floating* d, Py_ssize_t rows, Py_ssize_t U, floating* out, bint add
) noexcept nogil:
    _sum_samples(d, rows, U, out, add)


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


cdef bint all_finite(const floating* x, Py_ssize_t size) noexcept nogil:
    cdef bint found = False
    _find_infinite(x, size, &found)
    return not found


cdef bint unused_are_finite(const floating* W, Py_ssize_t I, Py_ssize_t U, const Used* used) noexcept nogil:
    # Whether the weights W (I, U) of the groups that no sample uses are finite. The product shows it for the others.
    cdef Py_ssize_t first, g = 0, groups = groups_of(I)
    while g < groups:
        first = g
        while g < groups and used.counts[g] == 0:
            g += 1
        if g > first and not all_finite(W + first * GROUP * U, (min(g * GROUP, I) - first * GROUP) * U):
            return False
        g += 1
    return True


# ---- Infinity and NaN: add what the products above have skipped

cdef void clear_padding(floating* a, Py_ssize_t rows, Py_ssize_t U) noexcept nogil:
    # The next product multiplies the padding by 0 and must get 0, so the padding must be finite.
    cdef Py_ssize_t n, u, stride = padded(U, sizeof(floating))
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
    # Whether x[n, i] is 0, from the bits of `find_used`.
    return not is_used[n // 32 * groups_of(I) * GROUP + i] >> n % 32 & 1


cdef void limits_of_product(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* W, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil:
    # out (rows, padded U) is x W without the inputs that are 0. Add the products of these with infinite or NaN weights.
    # columns (U,) is temporary memory.
    cdef Py_ssize_t n, i, u, stride = padded(U, sizeof(floating))
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


cdef void limits_of_outer(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* d, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil:
    # out (I, U) is x' d without the inputs that are 0. Add the products of these with infinite or NaN elements of
    # d (rows, padded U). columns (U,) is temporary memory.
    cdef Py_ssize_t n, i, u, stride = padded(U, sizeof(floating))
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


# ---- Memory

# The memory of the last calls, kept for the next ones: a new allocation from the operating system can take as long as a
# step. A call removes it from the list, so that no other thread uses it. The memory of a large network is not kept.
_kept = []
cdef Py_ssize_t MOST_KEPT = 16 * 1024 * 1024  # bytes


cdef ndarray borrow(Py_ssize_t size):
    # Return at least `size` bytes, not initialised.
    cdef ndarray memory = None
    try:
        memory = _kept.pop()
    except IndexError:
        pass
    return empty(size, uint8) if memory is None or memory.size < size else memory


cdef int give_back(ndarray memory) except -1:
    with critical_section(_kept):  # see threads.pyx
        if len(_kept) < 4 and memory.size <= MOST_KEPT:  # up to four threads predict at the same time
            _kept.append(memory)
    return 0


_fill_tables()
