"""Where the elements of an array are: what the compiled kernels need to know of it, without NumPy's own headers."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer


cdef inline void* address(array) except NULL:
    """Where the elements of a C-contiguous array begin. The caller keeps the array alive."""
    cdef Py_buffer buffer
    PyObject_GetBuffer(array, &buffer, PyBUF_SIMPLE)
    PyBuffer_Release(&buffer)
    return buffer.buf


cdef inline float* floats(array) except NULL:
    return <float*> address(array)


cdef inline double* doubles(array) except NULL:
    return <double*> address(array)
