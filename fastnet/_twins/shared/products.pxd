"""The declarations of `products.pyx`: what each function does is said there."""

from cython cimport floating
from libc.stdint cimport uint8_t, uint32_t

from fastnet._twins.shared.memory cimport ndarray

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


cdef inline Py_ssize_t panel_width(Py_ssize_t left, Py_ssize_t itemsize) noexcept nogil:
    # The width of the next panel, where `left` columns are left.
    return NARROWEST if left <= NARROWEST else NARROW if left <= NARROW else PANEL_BYTES // itemsize


cdef inline Py_ssize_t padded(Py_ssize_t U, Py_ssize_t itemsize) noexcept nogil:
    cdef Py_ssize_t left = U % (PANEL_BYTES // itemsize)
    return U - left + (0 if left == 0 else panel_width(left, itemsize))


cdef inline Py_ssize_t groups_of(Py_ssize_t I) noexcept nogil:
    return (I + GROUP - 1) // GROUP


cdef void find_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, Py_ssize_t rows, Py_ssize_t I, uint32_t* is_used
) noexcept nogil
cdef void pack_used(
    const input* x, Py_ssize_t stride, const Py_ssize_t* order, const floating* levels, Py_ssize_t I, const Used* used,
    floating* out,
) noexcept nogil
cdef void list_used(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t groups, const Used* used
) noexcept nogil
cdef void list_all(Py_ssize_t rows, Py_ssize_t groups, const Used* used) noexcept nogil
cdef void multiply(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* W, Py_ssize_t W_stride, Py_ssize_t U, floating* out,
) noexcept nogil
cdef void outer(
    const floating* x, Py_ssize_t x_stride, const unsigned char* packed, const Used* used, Py_ssize_t I,
    const floating* d, Py_ssize_t U, floating* out, bint add,
) noexcept nogil
cdef void spread(const floating* b, Py_ssize_t rows, Py_ssize_t U, floating* a) noexcept nogil
cdef void sum_samples(
    const floating* d, Py_ssize_t rows, Py_ssize_t U, floating* out, bint add
) noexcept nogil
cdef bint all_finite(const floating* x, Py_ssize_t size) noexcept nogil
cdef bint unused_are_finite(const floating* W, Py_ssize_t I, Py_ssize_t U, const Used* used) noexcept nogil
cdef void clear_padding(floating* a, Py_ssize_t rows, Py_ssize_t U) noexcept nogil
cdef void limits_of_product(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* W, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil
cdef void limits_of_outer(
    const uint32_t* is_used, Py_ssize_t rows, Py_ssize_t I, const floating* d, Py_ssize_t U, floating* out,
    floating* columns,
) noexcept nogil
cdef ndarray borrow(Py_ssize_t size)
cdef int give_back(ndarray memory) except -1
