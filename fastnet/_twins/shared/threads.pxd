"""The declarations of `threads.pyx`: what each function does is said there."""

# A part of a call: it computes the blocks from `first` to `last` - 1. It returns the bytes of temporary memory that it
# needs; with memory NULL, it does nothing else. `like` is NULL: it only selects the dtype.
ctypedef Py_ssize_t (*Part)(
    const void* problem, Py_ssize_t first, Py_ssize_t last, char* memory, void* like
) noexcept nogil

cdef int share(Part part, const void* problem, Py_ssize_t blocks, double operations) except -1
