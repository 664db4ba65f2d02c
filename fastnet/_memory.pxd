"""Arrays as the compiled kernels see them, through NumPy's C interface: on ten elements its Python one takes longer.

A module that uses any of it calls `import_array` first, as NumPy asks.

Below stands what makes long arrays arrive in time. The processor fetches on its own what follows the elements that are
read, but not past the end of a page of 4 KB, and while a loop computes much for each element, not far enough ahead. So
where an array does not fit into the fast caches, the loop waits for memory, and memory for the loop. A loop that names
early what it will read has both work at once.
"""

from cython cimport floating
from numpy cimport (
    NPY_DOUBLE,
    NPY_FLOAT,
    PyArray_CheckExact,
    PyArray_DATA,
    PyArray_EMPTY,
    PyArray_ISCARRAY_RO,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_TYPE,
    ndarray,
)


cdef inline bint plain(x):
    """What `_checks.is_plain_array` says."""
    return (
        PyArray_CheckExact(x)
        and PyArray_ISCARRAY_RO(<ndarray> x)
        and (PyArray_TYPE(<ndarray> x) == NPY_DOUBLE or PyArray_TYPE(<ndarray> x) == NPY_FLOAT)
        and PyArray_NDIM(<ndarray> x) > 0
    )


cdef inline ndarray empty_like(ndarray x):
    """A new C-contiguous array of the shape and dtype of x, of unset elements."""
    return PyArray_EMPTY(x.ndim, x.shape, PyArray_TYPE(x), 0)


cdef inline bint holds_floats(ndarray x):
    """Whether the kernel's loop for float is the one to take, and not the one for double."""
    return PyArray_ITEMSIZE(x) == sizeof(float)


cdef inline void* address(ndarray array):
    """Where the elements of a C-contiguous array begin. The caller keeps the array alive."""
    return PyArray_DATA(array)


cdef inline float* floats(ndarray array):
    return <float*> PyArray_DATA(array)


cdef inline double* doubles(ndarray array):
    return <double*> PyArray_DATA(array)


cdef extern from *:
    """
    /* The address may be any. Where there is no memory, nothing is fetched, and nothing fails. */
    #if defined(__GNUC__)
    #define prefetch(address) __builtin_prefetch((const void *) (address))
    #else
    #define prefetch(address) ((void) (address))
    #endif
    """
    void prefetch(size_t address) noexcept nogil


cdef enum:
    CACHE_LINE = 64  # bytes
    BLOCK = 128  # elements that are named together
    AHEAD = 256  # elements, from what is read to what is named
    LARGE = 1 << 20  # bytes: an array of more is not in the fast caches
    REST = 1024  # elements at the end of an array, or all of a short one, for which it does not pay


cdef inline void fetch(const floating* x, Py_ssize_t size) noexcept nogil:
    """Name x[0], ..., x[size - 1] to the processor, which fetches them. They need not exist."""
    cdef size_t line
    for line from 0 <= line < size * sizeof(floating) by CACHE_LINE:
        prefetch(<size_t> x + line)


cdef inline Py_ssize_t end_of_block(const floating* x, Py_ssize_t start, Py_ssize_t size) noexcept nogil:
    """Where the block of x (size,) ends that begins at `start`. What is AHEAD of it is named."""
    if size - start <= REST:
        return size
    fetch(x + start + AHEAD, BLOCK)
    return start + BLOCK
