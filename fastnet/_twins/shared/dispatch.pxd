"""How a loop is compiled, and which of its versions runs.

A loop is a `cdef` function on pointers that touches no Python object. It exists for float and for double: the fused type
`floating` stands for both. `elementwise`, `update` and `over_rows` choose between the two by what the arrays hold, and
no other code does. VECTORISED or UNROLLED in place of the return type also compiles the loop for several instruction
sets.
"""

from fastnet._twins.shared.memory cimport PyArray_ToScalar, address, doubles, empty_like, floats, holds_floats, ndarray


cdef extern from *:
    """
    /* A function that returns VECTORISED is compiled three times, for AVX-512, for AVX2 with FMA and for any x86-64
       processor, and the dynamic linker picks one when the module is loaded. Elsewhere it is compiled once. Cython has
       no syntax for a function's attributes, but what it believes to be the return type may hold them.
       It takes GCC 12, which was the first to know these names, and glibc, whose linker can choose. */
    #if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 \
        && !defined(__clang__) && !defined(FASTNET_NO_DISPATCH)
    #define FASTNET_DISPATCH 1
    #define FASTNET_CLONES target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"),
    #else
    #define FASTNET_DISPATCH 0
    #define FASTNET_CLONES
    #endif

    /* What handles Python objects is not worth much of a compiler's time, so GCC optimises only the loops, and only as far
       as it pays, which takes half the time of O3 everywhere. VECTORISED loops become vector instructions, among them
       those that multiply and add at once. In UNROLLED ones, loops of a fixed number of steps are written out too, so
       that a small array stays in registers. OPTIMISED ones, which mostly call others, take O3 and exist once.
       GCC inlines a function of one level into one of another only if it must, so `cdef inline` says that it must.
       Other compilers compile all with the flags of setup.py. */
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize ("O1")
    #define FASTNET_VECTORS "O1", "tree-vectorize", "vect-cost-model=dynamic", "expensive-optimizations", \
        "unswitch-loops", "split-loops"
    #define VECTORISED __attribute__((FASTNET_CLONES optimize(FASTNET_VECTORS))) void
    #define UNROLLED __attribute__((FASTNET_CLONES optimize(FASTNET_VECTORS, "peel-loops"))) void
    #define OPTIMISED __attribute__((optimize("O3"))) void
    #undef CYTHON_INLINE
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #else
    #define VECTORISED void
    #define UNROLLED void
    #define OPTIMISED void
    #endif
    """
    ctypedef void VECTORISED
    ctypedef void UNROLLED
    ctypedef void OPTIMISED


# ---- x (size,) -> out (size,)

ctypedef void (*FloatLoop)(const float* x, float* out, Py_ssize_t size, float parameter) noexcept nogil
ctypedef void (*DoubleLoop)(const double* x, double* out, Py_ssize_t size, double parameter) noexcept nogil


cdef inline ndarray elementwise(ndarray x, FloatLoop of_floats, DoubleLoop of_doubles, double parameter):
    """A new array like x, which the loop fills."""
    out = empty_like(x)
    if holds_floats(x):
        of_floats(floats(x), floats(out), x.size, <float> parameter)
    else:
        of_doubles(doubles(x), doubles(out), x.size, parameter)
    return out


# ---- the parameter p, its gradient g and what the optimizer remembers, v and m or NULL: each (size,)

ctypedef void (*FloatUpdate)(
    float* p, const float* g, float* v, float* m, Py_ssize_t size, const double* numbers
) noexcept nogil
ctypedef void (*DoubleUpdate)(
    double* p, const double* g, double* v, double* m, Py_ssize_t size, const double* numbers
) noexcept nogil


cdef inline int update(
    ndarray p, ndarray g, ndarray v, ndarray m, FloatUpdate of_floats, DoubleUpdate of_doubles, const double* numbers
) except -1:
    """Move p and what is remembered, in place. v and m may be None."""
    cdef void* of_v = NULL if v is None else address(v)
    cdef void* of_m = NULL if m is None else address(m)
    if holds_floats(p):
        of_floats(floats(p), floats(g), <float*> of_v, <float*> of_m, p.size, numbers)
    else:
        of_doubles(doubles(p), doubles(g), <double*> of_v, <double*> of_m, p.size, numbers)
    return 0


# ---- x, t and out (N, C), labels (N,): what a loop does not need is NULL

ctypedef bint (*FloatRows)(
    const float* x, const float* t, const Py_ssize_t* labels, float* out, Py_ssize_t N, Py_ssize_t C, double number,
    double* loss,
) noexcept nogil
ctypedef bint (*DoubleRows)(
    const double* x, const double* t, const Py_ssize_t* labels, double* out, Py_ssize_t N, Py_ssize_t C, double number,
    double* loss,
) noexcept nogil


cdef inline bint over_rows(
    ndarray x, ndarray t, ndarray labels, ndarray out, Py_ssize_t C, double number, double* loss,
    FloatRows of_floats, DoubleRows of_doubles,
) noexcept:
    """Run the loop over the rows of x, which have C elements; False if it finds that it cannot answer."""
    cdef const void* of_t = NULL if t is None else address(t)
    cdef const Py_ssize_t* of_labels = NULL if labels is None else <const Py_ssize_t*> address(labels)
    cdef void* to = NULL if out is None else address(out)
    cdef Py_ssize_t N = x.size // C
    if holds_floats(x):
        return of_floats(floats(x), <const float*> of_t, of_labels, <float*> to, N, C, number, loss)
    return of_doubles(doubles(x), <const double*> of_t, of_labels, <double*> to, N, C, number, loss)


cdef inline scalar_like(ndarray x, double value):
    """The value as a NumPy scalar of the dtype of x."""
    cdef float narrow = <float> value
    return PyArray_ToScalar(&narrow if holds_floats(x) else <void*> &value, x)
