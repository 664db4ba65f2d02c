"""Access to NumPy arrays through NumPy's C API, and prefetching: all compiled kernels use this. It has no NumPy twin.

On ten elements NumPy's Python interface takes longer than the arithmetic. This file declares only the part of the C API
that the kernels use: `cimport numpy` reads a hundred times as many declarations for each module, and copies them into
its C code. A module must call `import_array` before it uses the C API.

Prefetching: the processor loads the next cache lines by itself, but it stops at the end of a page of 4 KB. In a loop
with much arithmetic for each element, it also does not run far enough ahead. If the array does not fit into the fast
caches, the loop then waits for memory. A loop that prefetches overlaps memory and arithmetic.
"""

from cython cimport floating


cdef extern from "numpy/arrayobject.h":
    ctypedef class numpy.ndarray [object PyArrayObject, check_size ignore]:
        @property
        cdef inline int ndim(self) noexcept nogil:
            return PyArray_NDIM(self)

        @property
        cdef inline Py_ssize_t* shape(self) noexcept nogil:
            return PyArray_DIMS(self)

        @property
        cdef inline Py_ssize_t size(self) noexcept nogil:
            return PyArray_SIZE(self)

    int import_array "_import_array" () except -1

    int NPY_FLOAT, NPY_DOUBLE, NPY_INT32, NPY_INTP, NPY_UINT8
    int PyArray_TYPE(ndarray) noexcept nogil
    int PyArray_NDIM(ndarray) noexcept nogil
    Py_ssize_t* PyArray_DIMS(ndarray) noexcept nogil
    Py_ssize_t PyArray_STRIDE(ndarray, int axis) noexcept nogil
    Py_ssize_t PyArray_SIZE(ndarray) noexcept nogil
    Py_ssize_t PyArray_NBYTES(ndarray) noexcept nogil
    int PyArray_ITEMSIZE(ndarray) noexcept nogil
    void* PyArray_DATA(ndarray) noexcept nogil
    bint PyArray_CheckExact(object) noexcept
    bint PyArray_ISCARRAY_RO(ndarray) noexcept nogil
    bint PyArray_ISWRITEABLE(ndarray) noexcept nogil
    bint PyArray_SAMESHAPE(ndarray, ndarray) noexcept
    ndarray PyArray_EMPTY(int ndim, Py_ssize_t* shape, int type, bint fortran)
    ndarray PyArray_Cast(ndarray, int type)
    object PyArray_ToScalar(void* element, ndarray)


cdef inline bint is_carray(x) noexcept:
    """The compiled twin of `_checks.is_carray`."""
    return PyArray_CheckExact(x) and PyArray_ISCARRAY_RO(<ndarray> x)


cdef inline bint plain(x) noexcept:
    """The compiled twin of `_checks.is_plain_array`."""
    return (
        is_carray(x)
        and (PyArray_TYPE(<ndarray> x) == NPY_DOUBLE or PyArray_TYPE(<ndarray> x) == NPY_FLOAT)
        and PyArray_NDIM(<ndarray> x) > 0
    )


cdef inline ndarray empty_like(ndarray x):
    """Return a new C-contiguous array with the shape and dtype of x. Its elements are not initialised."""
    return PyArray_EMPTY(x.ndim, x.shape, PyArray_TYPE(x), 0)


cdef inline bint holds_floats(ndarray x) noexcept:
    """Whether x, which holds float32 or float64, holds float32."""
    return PyArray_ITEMSIZE(x) == sizeof(float)


cdef inline void* address(ndarray array) noexcept:
    """Return a pointer to the first element of a C-contiguous array. The caller keeps the array alive."""
    return PyArray_DATA(array)


cdef inline float* floats(ndarray array) noexcept:
    return <float*> PyArray_DATA(array)


cdef inline double* doubles(ndarray array) noexcept:
    return <double*> PyArray_DATA(array)


cdef extern from *:
    """
    /* Any address is allowed: prefetching an invalid one has no effect. */
    #if defined(__GNUC__)
    #define prefetch(address) __builtin_prefetch((const void *) (address))
    #else
    #define prefetch(address) ((void) (address))
    #endif
    """
    void prefetch(size_t address) noexcept nogil


cdef enum:
    CACHE_LINE = 64  # bytes
    TOGETHER = 128  # elements that one call of prefetch_ahead prefetches
    AHEAD = 256  # distance, in elements, from the element that is read to the one that is prefetched
    LARGE = 1 << 20  # bytes: a larger array does not fit into the fast caches
    REST = 1024  # elements: where no more are left, prefetching does not pay


cdef inline void prefetch_bytes(const void* first, Py_ssize_t size) noexcept nogil:
    """Prefetch `size` bytes. They may lie outside the array."""
    cdef Py_ssize_t line
    for line from 0 <= line < size by CACHE_LINE:
        prefetch(<size_t> first + <size_t> line)


cdef inline void prefetch_elements(const floating* x, Py_ssize_t size) noexcept nogil:
    """Prefetch x[0], ..., x[size - 1]. They may lie outside the array."""
    prefetch_bytes(x, size * sizeof(floating))


cdef inline Py_ssize_t prefetch_ahead(const floating* x, Py_ssize_t start, Py_ssize_t size) noexcept nogil:
    """Prefetch TOGETHER elements of x (size,) that lie AHEAD of x[start]. Return where the loop calls this again."""
    if size - start <= REST:
        return size
    prefetch_elements(x + start + AHEAD, TOGETHER)
    return start + TOGETHER
