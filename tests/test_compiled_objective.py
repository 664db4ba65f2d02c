"""numerical_gradient of a C function: the same bits as for the same function in Python, and no unknown signature."""

import contextlib
import copy
import ctypes
import pickle

import numpy as np
import pytest

from fastnet.gradient import gradient_descent, jacobian, numerical_gradient, numerical_gradient_2d

pytestmark = pytest.mark.usefixtures("backend")

scipy = pytest.importorskip("scipy")
DOUBLES, FLOATS = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_float)
X = np.random.default_rng(0).normal(size=12)


def product(n, x, scale=1.0):
    """A function of every element, in the arithmetic of Python, which is that of C."""
    value = scale
    for i in range(n):
        value = value * (1.5 + x[i]) + x[i]
    return value


def python(x):
    return product(x.size, x.reshape(-1).tolist())


def of_ctypes(function=product, count=ctypes.c_int, pointer=DOUBLES, *more, result=ctypes.c_double):
    return ctypes.CFUNCTYPE(result, count, pointer, *more)(function)


def low_level(*arguments, data=None):
    return scipy.LowLevelCallable(of_ctypes(*arguments), data)


def capsule(function, name):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.cast(function, ctypes.c_void_p), name, None)


NAME = ctypes.create_string_buffer(b"double (Py_ssize_t, double const *)")
KEPT = [of_ctypes(), of_ctypes(product, ctypes.c_ssize_t)]
ONE_NUMBER = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(abs)
COUNTS = [ctypes.c_int, ctypes.c_ssize_t, ctypes.c_size_t, ctypes.c_int64, ctypes.c_longlong]

# --- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("make", [of_ctypes, low_level])
def test_it_is_the_gradient_of_the_same_function_in_python_bit_for_bit(make, count):
    x = X.copy()
    gradient = numerical_gradient(make(product, count), x)
    assert gradient.tobytes() == numerical_gradient(python, X).tobytes()
    assert x.tobytes() == X.tobytes()


def test_a_capsule_says_its_signature_in_its_name():
    gradient = numerical_gradient(capsule(KEPT[1], NAME), X.copy())
    assert gradient.tobytes() == numerical_gradient(python, X).tobytes()


def test_user_data_are_passed_on():
    scale = ctypes.c_double(2.5)
    f = low_level(
        lambda n, x, data: product(n, x, ctypes.cast(data, DOUBLES)[0]), ctypes.c_int, DOUBLES, ctypes.c_void_p,
        data=ctypes.cast(ctypes.pointer(scale), ctypes.c_void_p),
    )
    want = numerical_gradient(lambda x: product(x.size, x.tolist(), 2.5), X)
    assert numerical_gradient(f, X).tobytes() == want.tobytes()


def test_without_user_data_a_function_gets_null():
    f = of_ctypes(lambda _, x, data: x[0] + (0 if data is None else 1e9), ctypes.c_int, DOUBLES, ctypes.c_void_p)
    assert numerical_gradient(f, np.zeros(2)).round(9).tolist() == [1, 0]


def test_float32_is_for_a_function_of_floats():
    f = of_ctypes(lambda n, x: product(n, [float(x[i]) for i in range(n)]), ctypes.c_int, FLOATS)
    x = X.astype(np.float32)
    gradient = numerical_gradient(f, x)
    assert gradient.dtype == np.float32
    assert gradient.tobytes() == numerical_gradient(python, x).tobytes()


@pytest.mark.parametrize("make", [lambda: X[::-1], lambda: np.asfortranarray(X.reshape(3, 4)), lambda: X.astype(">f8")])
def test_of_another_layout_the_function_gets_a_copy_in_c_order(make):
    x = make()
    before = x.tobytes()
    gradient = numerical_gradient(KEPT[0], x)
    want = numerical_gradient(python, np.array(x, float, order="C"))
    assert gradient.tobytes() == want.tobytes()
    assert x.tobytes() == before


def test_a_list_becomes_an_array_and_an_empty_array_has_an_empty_gradient():
    assert numerical_gradient(KEPT[0], X.tolist()).tobytes() == numerical_gradient(python, X).tobytes()
    assert numerical_gradient(KEPT[0], np.empty((0, 3))).shape == (0, 3)


def test_where_rounding_removes_the_step_it_grows_as_for_a_function_in_python():
    x = np.array([1e13, 3.0, 1e12, np.inf, np.nan])
    f, g = of_ctypes(lambda _, x: x[0] + x[1] ** 2 + x[2]), lambda x: float(x[0]) + float(x[1]) ** 2 + float(x[2])
    assert numerical_gradient(f, x).tobytes() == numerical_gradient(g, x).tobytes()


def test_the_other_functions_take_it_too():
    points = np.array([[3.0, 4.0], [0.0, -1.0]])
    f, g = of_ctypes(lambda n, x: sum(x[i] ** 2 for i in range(n))), lambda x: sum(each**2 for each in x.tolist())
    assert numerical_gradient_2d(f, points).tobytes() == numerical_gradient_2d(g, points).tobytes()
    assert jacobian(f, points[0]).tobytes() == jacobian(g, points[0]).tobytes()
    assert gradient_descent(f, points[0], 0.1, 5).tobytes() == gradient_descent(g, points[0], 0.1, 5).tobytes()


# --- no trace --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 5, 11])
def test_a_function_that_writes_to_its_argument_is_refused(place):
    def writes(_, x):
        x[place] = 7.0
        return 0.0

    x = X.copy()
    with pytest.raises(ValueError, match="f changed x"):
        numerical_gradient(of_ctypes(writes), x)
    assert x.tobytes() == X.tobytes()


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: of_ctypes(abs, ctypes.c_uint), r"'double \(uint, double \*\)'"),
        (lambda: of_ctypes(abs, ctypes.c_int, FLOATS, result=ctypes.c_float), r"'float \(int, float \*\)'"),
        (lambda: of_ctypes(abs, ctypes.c_int, DOUBLES, DOUBLES), r"'double \(int, double \*, double \*\)'"),
        (lambda: of_ctypes(abs, ctypes.c_double, DOUBLES), r"'double \(double, double \*\)'"),
        (lambda: scipy.LowLevelCallable(ONE_NUMBER), r"'double \(double\)'"),
        (lambda: ONE_NUMBER, r"'double \(double\)'"),
        (lambda: ctypes.CFUNCTYPE(ctypes.c_double, DOUBLES)(abs), r"'double \(double \*\)'"),
        (lambda: capsule(KEPT[0], b"double (void)"), r"'double \(void\)'"),
        (lambda: capsule(KEPT[0], None), "without a name"),
        (lambda: of_ctypes(abs, result=None), r"'void \(int, double \*\)'"),
        (lambda: ctypes.CDLL(None).strlen, "without declared types"),
    ],
)  # fmt: skip
def test_another_signature_is_refused_and_the_function_never_called(make, found):
    try:
        f = make()
    except (TypeError, OSError):
        pytest.skip("this system has no such library")
    with pytest.raises(TypeError, match=found) as error:
        numerical_gradient(f, X.copy())
    assert "'double (int, double *)' and 'double (int, double *, void *)'" in str(error.value)


class OfComplexNumbers:
    """What numba gives for a function of complex numbers."""

    address, native_name = 1, "f"

    @property
    def ctypes(self):
        raise NotImplementedError("complex128")


def test_types_that_ctypes_lacks_are_refused():
    with pytest.raises(TypeError, match=r"f is a compiled function, and ctypes lacks its types \(complex128\)"):
        numerical_gradient(OfComplexNumbers(), X.copy())


def test_a_function_without_an_address_is_refused():
    with pytest.raises(ValueError, match="f is a function of ctypes without an address"):
        numerical_gradient(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, DOUBLES)(), X.copy())


def test_a_function_that_needs_the_gil_is_refused():
    f = ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_int, DOUBLES)(product)
    for each in (f, scipy.LowLevelCallable(f)):
        with pytest.raises(TypeError, match="needs the GIL"):
            numerical_gradient(each, X.copy())


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_elements_must_be_what_the_function_takes(dtype):
    wanted = rf"f takes double \*, and x holds {np.dtype(dtype)}: pass x.astype\('float64'\)"
    with pytest.raises(TypeError, match=wanted):
        numerical_gradient(KEPT[0], X.astype(dtype))


def test_it_takes_one_point_and_stays_in_its_process():
    with pytest.raises(TypeError, match="leave out vectorized"):
        numerical_gradient(KEPT[0], X.copy(), vectorized=True)
    from fastnet._compiled_objective import objective  # a helper of the package: other processes get it with f

    for give in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            give(objective(KEPT[0]))


def test_a_function_of_ctypes_that_takes_an_object_is_a_function_of_python():
    f = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(python)
    assert numerical_gradient(f, X.copy()).tobytes() == numerical_gradient(python, X).tobytes()


# --- numba and Cython, where they are --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signature", ["float64(intc, CPointer(float64))", "float64(intp, CPointer(float64), voidptr)"]
)
def test_a_cfunc_of_numba(signature):
    numba = pytest.importorskip("numba")
    ends = (lambda n, x, _: x[0] * x[n - 1]) if "voidptr" in signature else lambda n, x: x[0] * x[n - 1]
    one = numba.cfunc(signature)(ends)
    assert numerical_gradient(one, X).tobytes() == numerical_gradient(lambda x: float(x[0]) * float(x[-1]), X).tobytes()
    wrong = numba.cfunc("float64(float64)")(lambda x: x)
    with pytest.raises(TypeError, match=r"'double \(double\)'"):
        numerical_gradient(wrong, X)


CYTHON = """
cdef api double squares(int n, const double *x) noexcept nogil:
    cdef double value = 0
    for i in range(n):
        value += x[i] * x[i]
    return value

cdef api double raises(int n, double *x) except? -1 nogil:
    if x[1] > 1:
        with gil:
            raise ArithmeticError(f"x[1] is {x[1]:.4f}")
    return x[0]
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A module that Cython compiles now, where there is a C compiler."""
    build = pytest.importorskip("Cython.Build.Inline")
    folder = tmp_path_factory.mktemp("objectives")
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    (folder / "objectives.pyx").write_text(CYTHON)
    with contextlib.chdir(folder):
        modules = cythonize(
            [Extension("objectives", ["objectives.pyx"])], quiet=True, language_level=3,
            compiler_directives={"freethreading_compatible": True},  # else the other tests would run with the GIL
        )  # fmt: skip
        command = build_ext(Distribution({"ext_modules": modules}))
        command.inplace = True
        command.ensure_finalized()
        try:
            command.run()
        except Exception as error:
            pytest.skip(f"no C compiler: {error}")
    return build.load_dynamic("objectives", str(next(folder.glob("objectives.*[!xc]"))))


def test_a_function_of_cython_and_what_it_raises(compiled):
    functions = compiled.__pyx_capi__
    low = scipy.LowLevelCallable.from_cython(compiled, "squares", signature="double (int, double const *)")
    want = numerical_gradient(lambda x: np.add.accumulate(x * x)[-1], X)  # in order; Python's sum rounds less
    for f in (functions["squares"], low):
        assert numerical_gradient(f, X).tobytes() == want.tobytes()
    x = np.array([0.0, 0.99995, 0.0])
    with pytest.raises(ArithmeticError, match=r"x\[1\] is 1.0001"):
        numerical_gradient(functions["raises"], x)
    assert x.tolist() == [0.0, 0.99995, 0.0]
