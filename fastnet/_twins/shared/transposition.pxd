"""The transpose of a matrix: the products need their right factor in rows. It has no NumPy twin.

Element by element it takes as long as a tenth of the product that follows.
"""

from cython cimport floating

cdef extern from *:
    """
    /* Transpose 4 x 4 elements in vector registers of 16 bytes, which every x86-64 and ARM64 processor has. */
    #if defined(__has_builtin)
    #if __has_builtin(__builtin_shufflevector)
    #define FASTNET_SHUFFLES 1
    #endif
    #endif
    #ifdef FASTNET_SHUFFLES
    typedef float fastnet_floats __attribute__((vector_size(16), aligned(4), may_alias));
    typedef double fastnet_doubles __attribute__((vector_size(16), aligned(8), may_alias));

    static inline __attribute__((always_inline)) void fastnet_transpose_floats(
        const float *a, Py_ssize_t stride, float *out, Py_ssize_t out_stride
    ) {
        fastnet_floats r0 = *(const fastnet_floats *) a, r1 = *(const fastnet_floats *) (a + stride);
        fastnet_floats r2 = *(const fastnet_floats *) (a + 2 * stride), r3 = *(const fastnet_floats *) (a + 3 * stride);
        fastnet_floats low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
        fastnet_floats low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        fastnet_floats high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
        fastnet_floats high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        *(fastnet_floats *) out = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
        *(fastnet_floats *) (out + out_stride) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
        *(fastnet_floats *) (out + 2 * out_stride) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
        *(fastnet_floats *) (out + 3 * out_stride) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    }

    static inline __attribute__((always_inline)) void fastnet_transpose_2x2(
        const double *a, Py_ssize_t stride, double *out, Py_ssize_t out_stride
    ) {
        fastnet_doubles r0 = *(const fastnet_doubles *) a, r1 = *(const fastnet_doubles *) (a + stride);
        *(fastnet_doubles *) out = __builtin_shufflevector(r0, r1, 0, 2);
        *(fastnet_doubles *) (out + out_stride) = __builtin_shufflevector(r0, r1, 1, 3);
    }

    static inline __attribute__((always_inline)) void fastnet_transpose_doubles(
        const double *a, Py_ssize_t stride, double *out, Py_ssize_t out_stride
    ) {
        fastnet_transpose_2x2(a, stride, out, out_stride);
        fastnet_transpose_2x2(a + 2 * stride, stride, out + 2, out_stride);
        fastnet_transpose_2x2(a + 2, stride, out + 2 * out_stride, out_stride);
        fastnet_transpose_2x2(a + 2 * stride + 2, stride, out + 2 * out_stride + 2, out_stride);
    }
    #else
    #define FASTNET_TRANSPOSE(name, element) \
        static void name(const element *a, Py_ssize_t stride, element *out, Py_ssize_t out_stride) { \
            for (int i = 0; i < 4; i++) \
                for (int j = 0; j < 4; j++) \
                    out[j * out_stride + i] = a[i * stride + j]; \
        }
    FASTNET_TRANSPOSE(fastnet_transpose_floats, float)
    FASTNET_TRANSPOSE(fastnet_transpose_doubles, double)
    #endif
    """
    void fastnet_transpose_floats(const float* a, Py_ssize_t stride, float* out, Py_ssize_t out_stride) noexcept nogil
    void fastnet_transpose_doubles(
        const double* a, Py_ssize_t stride, double* out, Py_ssize_t out_stride
    ) noexcept nogil


cdef inline void transpose(
    const floating* a, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t columns, floating* out, Py_ssize_t out_stride
) noexcept nogil:
    """Set out[j, i] = a[i, j], in tiles of 4 x 4, and what is left at the right and at the bottom one by one."""
    cdef Py_ssize_t i, j, whole_rows = rows // 4 * 4, whole_columns = columns // 4 * 4
    for j from 0 <= j < whole_columns by 4:
        for i from 0 <= i < whole_rows by 4:
            if floating is float:
                fastnet_transpose_floats(a + i * stride + j, stride, out + j * out_stride + i, out_stride)
            else:
                fastnet_transpose_doubles(a + i * stride + j, stride, out + j * out_stride + i, out_stride)
    for j in range(columns):
        for i in range(whole_rows if j < whole_columns else 0, rows):
            out[j * out_stride + i] = a[i * stride + j]
