"""NumPy's arrays through its C interface, and long arrays fetched ahead of time.

On ten elements NumPy's Python interface takes longer than the arithmetic. What is used of the C interface is declared
here: `cimport numpy` would read a hundred times as many declarations for each module, and put them into its C code.
A module that uses any of it calls `import_array` first, as NumPy asks.

Prefetching: the processor fetches on its own what follows the elements that are read, but not past the end of a page of
4 KB, and not far enough ahead while a loop computes much for each element. Where an array does not fit into the fast
caches, the loop then waits for memory, and memory for the loop. A loop that prefetches keeps both at work.
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

    int NPY_FLOAT, NPY_DOUBLE, NPY_INTP, NPY_UINT8
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
    """What `_checks.is_carray` says."""
    return PyArray_CheckExact(x) and PyArray_ISCARRAY_RO(<ndarray> x)


cdef inline bint plain(x) noexcept:
    """What `_checks.is_plain_array` says."""
    return (
        is_carray(x)
        and (PyArray_TYPE(<ndarray> x) == NPY_DOUBLE or PyArray_TYPE(<ndarray> x) == NPY_FLOAT)
        and PyArray_NDIM(<ndarray> x) > 0
    )


cdef inline ndarray empty_like(ndarray x):
    """A new C-contiguous array of the shape and dtype of x, of unset elements."""
    return PyArray_EMPTY(x.ndim, x.shape, PyArray_TYPE(x), 0)


cdef inline bint holds_floats(ndarray x) noexcept:
    """Whether x holds float32, and not float64."""
    return PyArray_ITEMSIZE(x) == sizeof(float)


cdef inline void* address(ndarray array) noexcept:
    """Where the elements of a C-contiguous array begin. The caller keeps the array alive."""
    return PyArray_DATA(array)


cdef inline float* floats(ndarray array) noexcept:
    return <float*> PyArray_DATA(array)


cdef inline double* doubles(ndarray array) noexcept:
    return <double*> PyArray_DATA(array)


cdef extern from *:
    """
    /* Any address will do: where there is no memory, nothing is fetched, and nothing fails. */
    #if defined(__GNUC__)
    #define prefetch(address) __builtin_prefetch((const void *) (address))
    #else
    #define prefetch(address) ((void) (address))
    #endif
    """
    void prefetch(size_t address) noexcept nogil


cdef enum:
    CACHE_LINE = 64  # bytes
    TOGETHER = 128  # elements that are prefetched together
    AHEAD = 256  # elements between what is read and what is prefetched
    LARGE = 1 << 20  # bytes: an array of more is not in the fast caches
    REST = 1024  # elements at the end of an array, or all of a short one, for which prefetching does not pay


cdef inline void prefetch_elements(const floating* x, Py_ssize_t size) noexcept nogil:
    """Prefetch x[0], ..., x[size - 1]. They need not exist."""
    cdef size_t line
    for line from 0 <= line < size * sizeof(floating) by CACHE_LINE:
        prefetch(<size_t> x + line)


cdef inline Py_ssize_t prefetch_ahead(const floating* x, Py_ssize_t start, Py_ssize_t size) noexcept nogil:
    """Prefetch what is AHEAD of x[start]; return up to where a loop over x (size,) goes before it calls this again."""
    if size - start <= REST:
        return size
    prefetch_elements(x + start + AHEAD, TOGETHER)
    return start + TOGETHER
