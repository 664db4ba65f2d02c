"""The compiled front: all compiled kernels under one name. The twin is `_kernels_numpy.py`, the NumPy front.

It collects the kernels of `_twins/*.pyx` and adds the loop of `numerical_gradient`.

`_backend.kernels` is this module or its twin: callers look up every kernel there.

Rules for all kernels:

- A kernel does not check its arguments. The caller passes arrays that are C-contiguous, aligned, in native byte order,
  and all of one dtype, float32 or float64. Checks in Python would take longer than a short call. So these functions
  find out whether the arguments need conversion: `is_plain`, `is_movable`, `cross_entropy`, and those of
  `affine` and `dense_network`.
- The kernels of the cross-entropies return None if a target is outside [0, 1]. A check outside of their loops would
  take one more pass over the targets.
- A kernel returns new arrays and does not write to its inputs. Exceptions are `central_differences` and the optimizers:
  their docstrings say what they change in place. The activations write to `out`, if there is one, and return it: an
  array like `x`, which may be `x` itself and shares no other memory with it.

A kernel is a `def` function, which Python calls: it allocates the output and calls a loop. The loops, `cdef` functions,
stand above it; `_twins/shared/dispatch.pxd` explains how they are compiled. The annotations are those of the NumPy
twins. They are for the reader: Cython ignores them.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport INFINITY, fabs, fmax
from libc.string cimport memcmp

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport (
    PyArray_DATA, PyArray_NBYTES, PyArray_STRIDE, address, doubles, holds_floats, import_array, is_carray, ndarray, plain,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

from importlib import import_module
from time import perf_counter

from fastnet._checks import one_number
from fastnet._compiled_objective import CompiledObjective
from fastnet._steps import ALLOWED as _ALLOWED, number, refuse_change

for name in (
    "activations", "affine", "convolution", "dense_network", "differences_any_depth", "differences_two_layers", "losses",
    "normalization", "optimizers", "softmax",
):
    # Not `from ... import *` as in the NumPy front: that would also try to set the C names of this module.
    twin = import_module(f"fastnet._twins.{name}")
    globals().update({each: getattr(twin, each) for each in twin.__all__})

import_array()

fingerprint = FASTNET_FINGERPRINT

BACKEND = "cython"

cdef double ALLOWED = _ALLOWED

cdef extern from *:
    """
    /* f(x), without looking up at every call how f is called. */
    static PyObject *call(vectorcallfunc fast, PyObject *f, PyObject *x) {
        PyObject *arguments[2] = {NULL, x};
        return fast ? fast(f, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL) : PyObject_CallOneArg(f, x);
    }
    """
    ctypedef void* vectorcallfunc
    vectorcallfunc PyVectorcall_Function(object)  # NULL if f cannot be called this way
    object call(vectorcallfunc, object, object)

cdef extern from *:
    """
    /* The version that the dynamic linker has selected: the same test as the linker's. */
    static const char *picked_instruction_set(void) {
    #if FASTNET_DISPATCH
        __builtin_cpu_init();
        if (__builtin_cpu_supports("x86-64-v4")) return "AVX-512";
        if (__builtin_cpu_supports("x86-64-v3")) return "AVX2 and FMA";
    #endif
        return "baseline";
    }
    """
    const char* picked_instruction_set() noexcept nogil


def instruction_set() -> str:
    """Return the name of the instruction set that the kernels use."""
    return picked_instruction_set().decode()


def is_plain(x: Any, /) -> bool:
    """Return whether kernels can take `x` without conversion: an array with at least one dimension."""
    return plain(x)


def same_bits(ndarray a: FloatArray, ndarray b: FloatArray, /) -> bool:
    """Return whether `a` equals its copy `b`, also in the bits of NaN and in the sign of 0. `b` is C-contiguous."""
    if not is_carray(a):
        a = a.copy()
    return not memcmp(PyArray_DATA(a), PyArray_DATA(b), PyArray_NBYTES(b))


cdef inline double _number(value, double* share) except? -1.0:
    """Return a value of `f`, and increase `share` to the least share by which two such values must differ."""
    cdef double result, least
    if isinstance(value, float):
        return value
    if type(value) is int:
        return one_number(value)
    result, least = number(value)
    share[0] = fmax(share[0], least)
    return result


cdef inline bint _differ(floating a, floating b) noexcept nogil:
    return a != b and (a == a or b == b)  # NaN equals NaN here


cdef int _central_differences(
    f, x, ndarray elements, double h, otherwise, double* out, floating* like
) except -1:
    cdef Py_ssize_t i, size = elements.size, stride = PyArray_STRIDE(elements, 0)
    cdef char* data = <char*> PyArray_DATA(elements)
    cdef floating* element
    cdef floating original, plus, minus
    cdef double allowed = ALLOWED * (2 * h), made, f_plus, f_minus, change, share
    cdef vectorcallfunc fast = PyVectorcall_Function(f)
    for i in range(size):
        PyErr_CheckSignals()  # so that Ctrl-C works, even if f is compiled code that never checks
        element = <floating*> (data + i * stride)
        original = element[0]
        plus, minus = <floating> (original + h), <floating> (original - h)
        made = <double> plus - <double> minus
        if not (fabs(made - 2 * h) <= allowed if floating is double else 0 < made < INFINITY):
            out[i] = otherwise(elements[i : i + 1])
            continue
        share = 0
        try:
            element[0] = plus
            f_plus = _number(call(fast, f, x), &share)
            if _differ(element[0], plus):
                refuse_change()
            element[0] = minus
            f_minus = _number(call(fast, f, x), &share)
            if _differ(element[0], minus):
                refuse_change()
        finally:
            element[0] = original
        change = f_plus - f_minus
        if share > 0 and not fabs(change) >= share * fmax(fabs(f_plus), fabs(f_minus)):  # NaN goes there, too
            out[i] = otherwise(elements[i : i + 1])
            continue
        out[i] = change / (2 * h if floating is double else made)
    return 0


cdef extern from *:
    """
    /* A C function of n elements. Its n is a Py_ssize_t or an int, and it may take user data. Every pointer is passed in
       the same way, whatever it points to. */
    typedef struct {
        void *function, *data;
        Py_ssize_t n;
        int is_wide, takes_data;
    } compiled_objective;

    static CYTHON_INLINE double value_at(const compiled_objective *f, void *x) {
        if (f->takes_data)
            return f->is_wide ? ((double (*)(Py_ssize_t, void *, void *)) f->function)(f->n, x, f->data)
                              : ((double (*)(int, void *, void *)) f->function)((int) f->n, x, f->data);
        return f->is_wide ? ((double (*)(Py_ssize_t, void *)) f->function)(f->n, x)
                          : ((double (*)(int, void *)) f->function)((int) f->n, x);
    }

    /* Whether this thread has a pending exception: PyErr_Occurred, which needs the GIL. */
    #if PY_VERSION_HEX >= 0x030C0000
    #define has_raised(thread) ((thread)->current_exception != NULL)
    #else
    #define has_raised(thread) ((thread)->curexc_type != NULL)
    #endif
    """
    ctypedef struct PyThreadState
    PyThreadState* PyThreadState_Get()
    bint has_raised(PyThreadState*) noexcept nogil
    ctypedef struct compiled_objective:
        void* function
        void* data
        Py_ssize_t n
        bint is_wide
        bint takes_data
    double value_at(const compiled_objective* f, void* x) noexcept nogil

cdef double TURN = 0.01  # seconds without the GIL, after which Ctrl-C and other threads have their turn


cdef Py_ssize_t _differences_until(
    const compiled_objective* f, void* x, floating* elements, Py_ssize_t i, Py_ssize_t end, double h, double* out,
    bint* changed, PyThreadState* thread
) noexcept nogil:
    """Write the differences for elements[i], ..., elements[end - 1]. Return the place of the first one without.

    That is one for which a step of h is not good, where f has raised an error as a Cython function can, or where it has
    changed x; then set `changed`.
    """
    cdef floating original, plus, minus
    cdef double allowed = ALLOWED * (2 * h), made, f_plus, f_minus
    while i < end:
        original = elements[i]
        plus, minus = <floating> (original + h), <floating> (original - h)
        made = <double> plus - <double> minus
        if not (fabs(made - 2 * h) <= allowed if floating is double else 0 < made < INFINITY):
            return i
        elements[i] = plus
        f_plus = value_at(f, x)
        changed[0] = _differ(elements[i], plus)
        if not has_raised(thread):
            elements[i] = minus
            f_minus = value_at(f, x)
            changed[0] = changed[0] or _differ(elements[i], minus)
        elements[i] = original
        if changed[0] or has_raised(thread):
            return i
        out[i] = (f_plus - f_minus) / (2 * h if floating is double else made)
        i += 1
    return i


cdef int _raise_pending(PyThreadState* thread) except -1:
    """Raise what a Cython function has raised: to its caller in C, it has returned a number."""
    return -1 if has_raised(thread) else 0


cdef int _compiled_differences(
    f, ndarray x, ndarray elements, double h, otherwise, double* out, floating* like
) except -1:
    """Do what `_central_differences` does, for a C function. x and its elements are contiguous."""
    cdef compiled_objective function
    cdef void* of_x = address(f.argument(x))
    cdef floating* data = <floating*> address(elements)
    cdef Py_ssize_t i = 0, size = elements.size, end, turn = 1
    cdef bint changed = False
    cdef PyThreadState* thread = PyThreadState_Get()
    function.function, function.n = <void*> <size_t> f.address, x.size
    function.is_wide, function.takes_data = f.is_wide, f.data is not None
    function.data = <void*> <size_t> (f.data or 0)
    while i < size:
        PyErr_CheckSignals()
        start, end = perf_counter(), min(size, i + turn)
        with nogil:
            i = _differences_until(&function, of_x, data, i, end, h, out, &changed, thread)
        _raise_pending(thread)
        if changed:
            refuse_change()
        if i < end:
            out[i] = otherwise(elements[i : i + 1])
            i += 1
        elif perf_counter() - start < TURN:
            turn *= 4
        elif turn >= 4:
            turn //= 4
    return 0


def central_differences(
    f: Callable[[Any], Any],
    x: Any,
    ndarray elements: FloatArray,
    double h: float,
    otherwise: Callable[[FloatArray], float],
    ndarray out: FloatArray,
    /,
) -> None:
    """Write the central difference of `f` for each of `elements`, a 1-D view into `x`, to `out`, in float64.

    For each element in turn: move it in place by +h and by -h, evaluate `f(x)` at both, and restore the element. If `f`
    raises, the element is restored, too. Where rounding removes too much of the step, or where the values are in
    float32 or float16 and too near to each other, the difference is ``otherwise(view of the element)``.

    If `f` is a `CompiledObjective`, `x` and `elements` are C-contiguous.
    """
    if isinstance(f, CompiledObjective):
        if holds_floats(elements):
            _compiled_differences[float](f, x, elements, h, otherwise, doubles(out), NULL)
        else:
            _compiled_differences[double](f, x, elements, h, otherwise, doubles(out), NULL)
    elif holds_floats(elements):
        _central_differences[float](f, x, elements, h, otherwise, doubles(out), NULL)
    else:
        _central_differences[double](f, x, elements, h, otherwise, doubles(out), NULL)
