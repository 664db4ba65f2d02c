"""All kernels, compiled: those of the twins, and the loop of `numerical_gradient`, as in `_kernels_numpy.py`.

`_backend.kernels` is this module or its twin, so callers find every kernel here.

Kernels check nothing. `functions` and `gradient.py` see to it that every array is C-contiguous, native and aligned, all
of one dtype, float32 or float64. Short calls would spend all their time on such checks, so a few kernels recognise
arguments that need none: `is_plain`, `cross_entropy`, `is_movable` and those of `dense_network`. Every kernel returns
new arrays and writes to none of its inputs, except `central_differences` and the optimizers, which say what they write.

A kernel is a `def` function that Python sees, which makes the output, and above it the loops, which `shared/dispatch.pxd`
explains. The annotations are those of the NumPy twins, for the reader: Cython ignores them.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport PyArray_DATA, PyArray_STRIDE, doubles, holds_floats, import_array, ndarray, plain
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

from importlib import import_module

from fastnet._checks import one_number

for name in (
    "activations", "dense_network", "differences_any_depth", "differences_two_layers", "losses", "optimizers", "softmax",
):
    # `from ... import *`, as in the NumPy front, would try to set what this module has of C as well.
    twin = import_module(f"fastnet._twins.{name}")
    globals().update({each: getattr(twin, each) for each in twin.__all__})

import_array()

fingerprint = FASTNET_FINGERPRINT

BACKEND = "cython"

cdef extern from *:
    """
    /* What the dynamic linker has picked, by the test that it makes itself. */
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
    """Return the name of the instruction set that the kernels run on."""
    return picked_instruction_set().decode()


def is_plain(x: Any, /) -> bool:
    """Return whether `x` is an array as kernels take it, and not one without dimensions."""
    return plain(x)


cdef double _number(value) except? -1.0:
    return value if isinstance(value, float) else one_number(value)


cdef int _central_differences(f, x, ndarray elements, double h, double* out, floating* like) except -1:
    cdef bint book_step = floating is double  # 2h; a narrower float is divided by the step that it really made
    cdef Py_ssize_t i
    cdef floating* element
    cdef floating original
    cdef double step, f_plus, f_minus
    for i in range(elements.size):
        PyErr_CheckSignals()  # Ctrl-C is heard even if f is compiled code that never looks
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

    Each element in turn is moved in place by +h and by -h, `f(x)` is evaluated at both, and the element is put back,
    also when `f` raises.
    """
    if holds_floats(elements):
        _central_differences[float](f, x, elements, h, doubles(out), NULL)
    else:
        _central_differences[double](f, x, elements, h, doubles(out), NULL)
