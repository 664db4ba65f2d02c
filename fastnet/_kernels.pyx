"""The compiled front: all compiled kernels under one name. The twin is `_kernels_numpy.py`, the NumPy front.

It collects the kernels of `_twins/*.pyx` and adds the loop of `numerical_gradient`.

`_backend.kernels` is this module or its twin: callers look up every kernel there.

Rules for all kernels:

- A kernel does not check its arguments. The caller passes arrays that are C-contiguous, aligned, in native byte order,
  and all of one dtype, float32 or float64. Checks in Python would take longer than a short call. So these functions
  find out whether the arguments need conversion: `is_plain`, `is_movable`, `cross_entropy`, and those of
  `dense_network`.
- A kernel returns new arrays and does not write to its inputs. Exceptions are `central_differences` and the optimizers:
  their docstrings say what they change in place.

A kernel is a `def` function, which Python calls: it allocates the output and calls a loop. The loops, `cdef` functions,
stand above it; `_twins/shared/dispatch.pxd` explains how they are compiled. The annotations are those of the NumPy
twins. They are for the reader: Cython ignores them.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport (
    PyArray_DATA, PyArray_STRIDE, doubles, holds_floats, import_array, ndarray, plain,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

from importlib import import_module

from fastnet._checks import one_number

for name in (
    "activations", "convolution", "dense_network", "differences_any_depth", "differences_two_layers", "losses",
    "normalization", "optimizers", "softmax",
):
    # Not `from ... import *` as in the NumPy front: that would also try to set the C names of this module.
    twin = import_module(f"fastnet._twins.{name}")
    globals().update({each: getattr(twin, each) for each in twin.__all__})

import_array()

fingerprint = FASTNET_FINGERPRINT

BACKEND = "cython"

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


cdef double _number(value) except? -1.0:
    return value if isinstance(value, float) else one_number(value)


cdef int _central_differences(f, x, ndarray elements, double h, double* out, floating* like) except -1:
    cdef bint book_step = floating is double  # divide by 2h; for float32, by the actual step, after rounding
    cdef Py_ssize_t i
    cdef floating* element
    cdef floating original
    cdef double step, f_plus, f_minus
    for i in range(elements.size):
        PyErr_CheckSignals()  # so that Ctrl-C works, even if f is compiled code that never checks
        element = <floating*> (<char*> PyArray_DATA(elements) + i * PyArray_STRIDE(elements, 0))
        original = element[0]
        try:
            element[0] = <floating> (original + h)
            step = element[0]
            f_plus = _number(f(x))
            element[0] = <floating> (original - h)
            step -= element[0]
            f_minus = _number(f(x))
        finally:
            element[0] = original
        out[i] = (f_plus - f_minus) / (2 * h if book_step or step == 0 else step)
    return 0


def central_differences(
    f: Callable[[Any], Any], x: Any, ndarray elements: FloatArray, double h: float, ndarray out: FloatArray, /
) -> None:
    """Write the central difference of `f` by each of `elements`, a 1-D view into `x`, to `out`, in float64.

    For each element in turn: move it in place by +h and by -h, evaluate `f(x)` at both, and restore the element. If `f`
    raises, the element is restored, too.
    """
    if holds_floats(elements):
        _central_differences[float](f, x, elements, h, doubles(out), NULL)
    else:
        _central_differences[double](f, x, elements, h, doubles(out), NULL)
