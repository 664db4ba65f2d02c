"""How a loop is compiled, and which of its versions runs: all compiled kernels use this. It has no NumPy twin.

A loop is a `cdef` function on pointers that uses no Python object. The fused type `floating` compiles it twice, for
float and for double. `elementwise`, `masked` and `over_rows` choose between the two by the dtype of the
arrays. VECTORISED or UNROLLED in place of the return type also compiles the loop for several instruction sets.
"""

from fastnet._twins.shared.memory cimport PyArray_ToScalar, address, doubles, empty_like, floats, holds_floats, ndarray


cdef extern from *:
    """
    /* Some flags let the compiler change the arithmetic: NaN is not recognised, sums are reordered, errors of rounding
       that a formula takes back are "simplified" to 0. setup.py switches these flags off. If they come from elsewhere,
       the kernels must not compile: they would compute wrong numbers. FLT_EVAL_METHOD 0 and 16: a double is computed as
       a double and a float as a float. */
    #if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(_M_FP_FAST) \
        || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
    #error "fastnet needs exact floating-point arithmetic: remove -ffast-math, or the part of it, from the compiler flags"
    #endif
    #if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
    #error "fastnet needs float and double to be computed as such: remove -mfpmath=387 or add -msse2 -mfpmath=sse"
    #endif
    #if defined(__GNUC__)
    _Static_assert(sizeof(1.0) == sizeof(double), "fastnet needs double constants: remove -fsingle-precision-constant");
    #endif

    /* FASTNET_CLONES compiles a function three times: for AVX-512, for AVX2 with FMA, and for any x86-64 processor. The
       dynamic linker selects one version when it loads the module. This requires GCC 12, the first version that knows
       these names, and glibc, whose linker can select. Elsewhere the function is compiled once.
       Cython has no syntax for the attributes of a function, so the name of the return type carries them. */
    #if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 \
        && !defined(__clang__) && !defined(FASTNET_NO_DISPATCH)
    #define FASTNET_DISPATCH 1
    #define FASTNET_CLONES target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"),
    #else
    #define FASTNET_DISPATCH 0
    #define FASTNET_CLONES
    #endif

    /* GCC optimises only the loops, and only with the passes that make them faster: compiling takes half the time of O3
       everywhere. Code that handles Python objects gains little from optimisation.
       VECTORISED: a loop becomes vector instructions, including fused multiply-add.
       UNROLLED: the same, and inner loops with a constant number of steps are unrolled, so that a small array stays in
       registers.
       OPTIMISED: O3, a single version. For functions that mostly call others.
       GCC inlines between functions with different options only if always_inline forces it, so `cdef inline` does.
       Other compilers use the flags of setup.py for everything, and so does GCC where it counts the lines that run. */
    #if defined(__GNUC__) && !defined(__clang__) && !defined(FASTNET_UNOPTIMISED)
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

    /* Inlined into the UNROLLED function that calls it, so compiled for the same instruction sets. */
    #if defined(__GNUC__)
    #define INLINED inline __attribute__((always_inline)) void
    #elif defined(_MSC_VER)
    #define INLINED __forceinline void
    #else
    #define INLINED inline void
    #endif
    """
    ctypedef void VECTORISED
    ctypedef void UNROLLED
    ctypedef void OPTIMISED
    ctypedef void INLINED


cdef enum:
    # Elements that take some tens of microseconds. With fewer, giving other threads their turn takes longer than it
    # saves them.
    LONG = 1 << 16


# ---- x (size,) -> out (size,)

ctypedef void (*FloatLoop)(const float* x, float* out, Py_ssize_t size, float parameter) noexcept nogil
ctypedef void (*DoubleLoop)(const double* x, double* out, Py_ssize_t size, double parameter) noexcept nogil


cdef inline ndarray elementwise(ndarray x, FloatLoop of_floats, DoubleLoop of_doubles, double parameter, ndarray out):
    """Return out, or without it a new array, in the shape and dtype of x. The loop fills it; a long one without the GIL.

    out may be x itself, and shares no other memory with x.
    """
    cdef Py_ssize_t size = x.size
    if out is None:
        out = empty_like(x)
    cdef void* of_x = address(x)
    cdef void* to = address(out)
    if holds_floats(x):
        if size < LONG:
            of_floats(<float*> of_x, <float*> to, size, <float> parameter)
        else:
            with nogil:
                of_floats(<float*> of_x, <float*> to, size, <float> parameter)
    elif size < LONG:
        of_doubles(<double*> of_x, <double*> to, size, parameter)
    else:
        with nogil:
            of_doubles(<double*> of_x, <double*> to, size, parameter)
    return out


# ---- x (size,) -> out (size,), and a mask of as many bytes

ctypedef void (*FloatMasked)(const float* x, float* out, unsigned char* mask, Py_ssize_t size) noexcept nogil
ctypedef void (*DoubleMasked)(const double* x, double* out, unsigned char* mask, Py_ssize_t size) noexcept nogil


cdef inline ndarray masked(ndarray x, ndarray mask, FloatMasked of_floats, DoubleMasked of_doubles):
    """Return a new array with the shape and dtype of x. The loop fills it, and reads or writes the mask."""
    out = empty_like(x)
    if holds_floats(x):
        of_floats(floats(x), floats(out), <unsigned char*> address(mask), x.size)
    else:
        of_doubles(doubles(x), doubles(out), <unsigned char*> address(mask), x.size)
    return out


# ---- x, t and out (N, C), labels (N,): an array that the loop does not use is NULL

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
    """Run the loop over the rows of x, each of C elements; a long one without the GIL.

    Return what the loop returns: False if it has no result.
    """
    cdef const void* of_x = address(x)
    cdef const void* of_t = NULL if t is None else address(t)
    cdef const Py_ssize_t* of_labels = NULL if labels is None else <Py_ssize_t*> address(labels)
    cdef void* to = NULL if out is None else address(out)
    cdef Py_ssize_t N = x.size // C
    cdef bint narrow = holds_floats(x), has_result
    if N * C < LONG:
        if narrow:
            return of_floats(<const float*> of_x, <const float*> of_t, of_labels, <float*> to, N, C, number, loss)
        return of_doubles(<const double*> of_x, <const double*> of_t, of_labels, <double*> to, N, C, number, loss)
    with nogil:
        if narrow:
            has_result = of_floats(
                <const float*> of_x, <const float*> of_t, of_labels, <float*> to, N, C, number, loss
            )
        else:
            has_result = of_doubles(
                <const double*> of_x, <const double*> of_t, of_labels, <double*> to, N, C, number, loss
            )
    return has_result


cdef inline scalar_like(ndarray x, double value):
    """Return the value as a NumPy scalar with the dtype of x."""
    cdef float narrow = <float> value
    return PyArray_ToScalar(&narrow if holds_floats(x) else <void*> &value, x)
