"""Arrays as the compiled kernels see them, through NumPy's C interface: on ten elements its Python one takes longer.

A module that uses any of it calls `import_array` first, as NumPy asks.
"""

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
