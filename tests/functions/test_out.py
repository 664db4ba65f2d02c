"""out= of the functions of each element: the semantics of NumPy's functions, read off NumPy's own."""

import tracemalloc

import numpy as np
import pytest
from cases import ELEMENTWISE
from hostile import HOSTILE

from fastnet import functions

pytestmark = pytest.mark.usefixtures("backend")

NAMES = [*(case.name for case in ELEMENTWISE), *{"identity_function", "step_function"} - {c.name for c in ELEMENTWISE}]
EVERY = pytest.mark.parametrize("name", sorted(NAMES))
FLOATS = pytest.mark.parametrize("name", sorted(set(NAMES) - {"step_function"}))
ARRAYS = {
    key: build for key, build in HOSTILE.items() if isinstance(x := build(), np.ndarray) and x.dtype.kind in "biuf"
}
LARGE = np.random.default_rng(0).normal(size=20_001)  # more than a block


def same(found, wanted):
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted, equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(wanted))


@EVERY
@pytest.mark.parametrize("build", ARRAYS.values(), ids=ARRAYS)
def test_the_result_is_the_same_and_is_out(name, build):
    function, x = getattr(functions, name), build()
    wanted = np.asarray(function(x))
    shape, dtype = wanted.shape, wanted.dtype
    for out in (np.empty_like(wanted), np.empty((*shape, 2), dtype)[..., 1], np.empty((3, *shape), dtype)):
        assert function(x, out=out) is out
        same(out, np.broadcast_to(wanted, out.shape))


@FLOATS
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_out_may_be_x_or_overlap_it(name, dtype):
    function, x = getattr(functions, name), LARGE.astype(dtype)
    for of_x, of_out in (
        (slice(None), slice(None)), (slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1)),
        (slice(None), slice(None, None, -1)), (slice(None, None, 2), slice(10_001)),
    ):  # fmt: skip
        memory = x.copy()
        wanted = function(x[of_x])
        same(function(memory[of_x], out=memory[of_out]), wanted)
        same(memory[of_out], wanted)


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "to another array"])
def test_the_kernel_writes_to_out_without_an_array_between(in_place):
    x = LARGE.copy()
    out = x if in_place else np.empty_like(x)
    functions.relu(x, out=out)  # loads what is loaded at the first call
    tracemalloc.start()
    try:
        functions.relu(x, out=out)
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 2
    finally:
        tracemalloc.stop()


@EVERY
@pytest.mark.parametrize("to", ["f2", "f4", "f8", ">f8", "i4", "i8", "u8", "?", "c16", "O"])
def test_what_numpy_casts_is_cast(name, to):
    function, x = getattr(functions, name), np.array([-1.5, 0.0, 2.0])
    out, numpys = np.zeros(3, to), np.zeros(3, to)
    ufunc = np.sign if name != "step_function" else (lambda x, out: np.add(x.astype(int), 0, out=out))
    try:
        ufunc(x, out=numpys)
    except TypeError:
        with pytest.raises(TypeError, match=f"out holds {np.dtype(to)}, to which the result"):
            function(x, out=out)
        assert np.array_equal(out, np.zeros(3, to))
    else:
        assert function(x, out=out) is out
        assert np.array_equal(out, function(x).astype(to))


@EVERY
@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), (1, 3, 1), ()])
def test_another_shape_is_refused_where_numpy_refuses_it(name, shape):
    out = np.zeros(shape)
    with pytest.raises(ValueError, match=r"output|broadcast"):
        np.exp(np.zeros(3), out=out)
    with pytest.raises(ValueError, match=r"out has shape .*, and the result has shape \(3,\)"):
        getattr(functions, name)(np.zeros(3), out=out)


@EVERY
def test_what_is_no_array_to_write_to_is_refused(name):
    function, locked = getattr(functions, name), np.zeros(3)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        function(np.ones(3), out=locked)
    for out in ([0.0, 0.0, 0.0], np.ma.zeros(3), 3.0):
        with pytest.raises(TypeError, match="out must be an ndarray, got"):
            function(np.ones(3), out=out)
    with pytest.raises(TypeError, match="x must hold real numbers"):
        function(["a"], out=np.zeros(1))


def test_a_result_too_large_for_out_is_infinite_without_a_warning():
    out = np.empty(1, np.float32)
    assert functions.relu(np.array([1e300]), out=out)[0] == np.inf
