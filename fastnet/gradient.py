"""The book's numerical differentiation, gradient descent with it, and the check of backpropagation against it."""

import copy
import math
import sys
import warnings
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend, _kernels_numpy
from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    FloatArray,
    Seed,
    as_array,
    as_count,
    as_float,
    cast,
    float_array,
    one_number,
    random_source,
    real_array,
    shares_its_memory,
)
from fastnet._compiled_objective import CompiledObjective, objective
from fastnet._gradient_in_parts import differences_in_parts, refuse_reader_of_x
from fastnet._jobs import is_parallel
from fastnet._steps import (
    ChangedError,
    NoStepError,
    Read,
    by_book,
    difference,
    holds,
    refuse_change,
    refuse_reader_of_original,
    shares_memory,
    smallest_step,
    widened,
)

if TYPE_CHECKING:
    from fastnet._gradient_check.check import GradientReport

# The book's `from common.gradient import *` also gives np.
__all__ = ["gradient_check", "gradient_descent", "jacobian", "np", "numerical_gradient", "numerical_gradient_2d"]


H = 1e-4  # the book's step
STACK = 2**19  # bytes: of a stack of copies of x, so much is made at a time. It fits into a fast cache


def numerical_gradient(
    f: Callable[[Any], Any],
    x: npt.ArrayLike,
    h: float = 1e-4,
    *,
    vectorized: bool = False,
    n_jobs: int | None = None,
) -> FloatArray:
    """Return the gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : callable, or a compiled function
        Takes `x` and returns one number. It may ignore its argument and read the array `x` itself, as the book's
        closures over a network's parameters do. It must not change `x`. A compiled function is a `PyCapsule` made by
        Cython, a ``scipy.LowLevelCallable``, a `cfunc` of numba or a function of ``ctypes``: see the notes.
    x : ndarray of float16, float32 or float64
        Any shape, strides and byte order. The function changes `x` **in place**, one element at a time, and restores
        every element exactly, also when `f` raises or the user interrupts. A list, tuple or number becomes a float64
        array, and an array-like of another library, such as a Series of pandas or a tensor of PyTorch, an array of its
        numbers. `f` gets this array, and must use it. To prove that it does, `f` is called once or twice more: while a
        list holds other numbers; for a tuple or number, where a derivative is 0, also far away from `x`.
    h : float, default 1e-4
        The step, above 0.
    vectorized : bool, default False
        Whether `f` takes many points at once: an array ``(K, *x.shape)``, K copies of `x`, each with one element
        changed. It returns an array ``(K,)``, and each number must depend only on its own point. `x` itself does not
        change, except while `f` must prove that it uses its argument.
    n_jobs : int, optional
        The number of processes that call `f`, for an `f` that takes long: -1 for all cores, as in joblib, which runs
        them. By default, this process alone. In another process, `f` gets a copy of `x` and must use it. To prove that
        it does, `f` is called twice more while `x` holds other numbers. Needs the extra ``distributed``.

    Returns
    -------
    ndarray
        The partial derivatives, in the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number, `x` is an array of another dtype (`h` cannot be added to
        an integer), or `x` is an object of another type. If `x` is a list, and `f` reads it instead of its argument; if
        `x` is a tuple or number, and `f` does not change with an element of its argument, not even far away: it may
        read the original. An `f` that uses its argument and also reads such a tuple or number is not noticed. With
        `vectorized` or `n_jobs`, if `f` reads `x` itself; with `n_jobs`, if it cannot be pickled. If `f` is a compiled
        function with an unknown or another signature, or `x` does not have the dtype that it takes. If both
        `vectorized` and `n_jobs` are given.
    ValueError
        If `x` is read-only, its elements share memory, `h` is not a positive number, or `n_jobs` is 0; if `f` changes
        `x`; or if `x` is so large that a step leads to infinity, or that the two smallest steps contradict each other.
        `x` is then as before. With `vectorized`, if `f` does not return one number for each point, or a number depends
        on other points: see `numerical_gradient_2d`.
    ImportError
        If `n_jobs` is neither None nor 1, and joblib is not installed.

    See Also
    --------
    numerical_gradient_2d : The gradient at many points.
    jacobian : The derivatives of a function with many values.
    gradient_descent : Minimize a function by following its gradient.

    Notes
    -----
    ``df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h``; "Deep Learning from Scratch", chapter 4. In float64,
    the result is the book's, bit for bit. In float32 and float16, rounding changes ``x + h`` too much, so the
    difference is divided by the actual step ``(x + h) - (x - h)``. In two cases the step may be larger than `h`:

    - `x` is so large that rounding removes `h`, or in float64, changes the step by more than 1/1000, as it does from
      1e9 on. Then the first step is one that `x` can hold.
    - `f` returns a float32 or float16, and for `h`, its values are too near to each other. A Python float has no dtype,
      so an `f` that computes in float32 must return the NumPy number, and not ``float(number)``.

    The step then grows by factors of 8 until the values differ in 17 of 52 bits (float32: 8 of 23, float16: 4 of 10),
    at most to 6e-6 (0.005, 0.1), times `x` where `x` is larger than 1. Where a larger step departs from the smaller one
    by more than rounding explains, the result is that of the smaller one.

    A compiled function has the signature ``double (int, double *)`` or ``double (int, double *, void *)``, as for
    ``scipy.integrate.nquad``: the number of elements, the elements in C order, and the user data. ``intptr_t``,
    ``Py_ssize_t`` or ``size_t`` may stand for ``int``. With ``float *``, `x` is float32. It is called without the GIL,
    so Cython must have compiled it with ``nogil``. An error that it raises is raised here; numba and ctypes only print
    the error, and return a number. With the compiled kernels, no Python runs between the calls. Where `x` is not
    C-contiguous, the function gets a copy, as for a list.

    With `vectorized`, the stack takes at most 512 KB, or one copy of a larger `x`, so `f` is called twice for each
    stack, and five times more. Where `f` computes each row as it computes one point, the result is the same, bit for
    bit.

    With `n_jobs`, each process moves some of the elements, and the result is the same to the last bit, if the bits of
    `f` are the same in any process. They are not if `f` draws random numbers, counts its calls or remembers values:
    each process has its own generator, counter and memory. They may not be if `f` multiplies large matrices: in the
    other processes, BLAS has fewer threads, which may change the last bits of its products. Inside
    ``joblib.parallel_config(backend="dask")``, the processes are those of a Dask cluster.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import numerical_gradient
    >>> print(numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0])).round(6))
    [6. 8.]
    >>> print(numerical_gradient(lambda X: np.sum(X**2, axis=1), np.array([3.0, 4.0]), vectorized=True).round(6))
    [6. 8.]
    """
    f = objective(f)
    moved, array, h = _movable(f, x, h, "x")
    if vectorized:
        if n_jobs is not None:
            raise TypeError("vectorized and n_jobs are two ways to call f: give one of them")
        return _in_dtype_of(array, _differences_of_copies(f, x, array, h))
    if n_jobs is None or not is_parallel(n_jobs):  # None never: a network's closure reads the array itself
        gradient = _differences(f, moved, array, h, "x")
    else:
        if moved is x:
            moved = copy.copy(moved)
            array = np.asarray(moved).view()
            _undisturbed(moved, array, "x", lambda: refuse_reader_of_x(f, moved, np.asarray(x)))
        gradient = differences_in_parts(_differences, f, x if isinstance(x, np.ndarray) else moved, h, n_jobs)
    if moved is not x:
        _refuse_reader(f, array, x, gradient, one_number, "x")
    return _in_dtype_of(array, gradient)


def numerical_gradient_2d(
    f: Callable[[Any], Any], X: npt.ArrayLike, h: float = 1e-4, *, vectorized: bool = False
) -> FloatArray:
    """Return the gradient of `f` at each of many points.

    Parameters
    ----------
    f : callable
        Takes one point, an array ``(n,)``, and returns one number. With `vectorized`, it takes all points at once, an
        array in the shape of `X`, and returns one number for each point: an array ``(P,)``. Each number must depend
        only on its own point.
    X : ndarray of float16, float32 or float64
        ``(P, n)``, one point in each row, or ``(n,)`` for one point. More dimensions are possible: the last one is that
        of the coordinates. The function changes `X` **in place** and restores it, as `numerical_gradient` does. A list
        or tuple becomes a float64 array.
    h : float, default 1e-4
        The step, above 0.
    vectorized : bool, default False
        Whether `f` takes all points at once. Then `f` is called 2n + 3 times, however many points there are, and more
        often where the step grows. Otherwise it is called 2n times for each point.

    Returns
    -------
    ndarray
        The gradient at each point, in the shape and dtype of `X`.

    Raises
    ------
    TypeError, ValueError
        As in `numerical_gradient`, if `X` has no dimension, or with `vectorized`, if `f` does not return one number for
        each point, or a number depends on other points. To find this out, one half of the points, drawn with a fixed
        seed, is moved a little more than `h`, and then the other half.

    See Also
    --------
    numerical_gradient : The gradient at one point.
    jacobian : The derivatives of a function with many values.

    Notes
    -----
    ``gradient[p, j] = df(X[p])/dx_j``. Without `vectorized`, this is the function with this name in "Deep Learning from
    Scratch", chapter 4, which draws a field of gradients. The step is chosen for each element, as in
    `numerical_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import numerical_gradient_2d
    >>> X = np.array([[3.0, 4.0], [0.0, -1.0]])
    >>> print(numerical_gradient_2d(lambda x: np.sum(x**2), X).round(6))
    [[ 6.  8.]
     [ 0. -2.]]
    >>> print(numerical_gradient_2d(lambda X: np.sum(X**2, axis=-1), X, vectorized=True).round(6))
    [[ 6.  8.]
     [ 0. -2.]]
    """
    f = objective(f)
    moved, array, h = _movable(f, X, h, "X")
    if not array.ndim:
        raise ValueError("X must have shape (P, n), one point in each row, or (n,) for one point; got one number")
    if vectorized:
        gradient = _differences_of_stack(f, moved, array, h)
        if moved is not X:
            _refuse_reader(f, array, X, gradient, _reader(array.shape[:-1]), "X")
    else:
        gradient, points = np.empty(array.shape), list(np.ndindex(array.shape[:-1]))

        def compute() -> None:
            for point in points:
                gradient[point] = _differences(f, array[point] if point else moved, array[point], h, "X")

        _undisturbed(moved, array, "X", compute)
        if moved is not X:
            for point in points:
                _refuse_reader(f, array[point], X, gradient[point], one_number, "X")
    return _in_dtype_of(array, gradient)


def jacobian(f: Callable[[Any], Any], x: npt.ArrayLike, h: float = 1e-4) -> FloatArray:
    """Return the derivatives of every value of `f` with respect to every element of `x`, by central differences.

    Parameters
    ----------
    f : callable
        Takes `x` and returns real numbers: an array of any shape, a list or one number. It may ignore its argument and
        read the array `x` itself. It may return the same array at every call.
    x : ndarray of float16, float32 or float64
        As in `numerical_gradient`: it is changed **in place** and restored. A list, tuple or number becomes a float64
        array.
    h : float, default 1e-4
        The step, above 0.

    Returns
    -------
    ndarray
        The shape is that of `f(x)`, followed by that of `x`; the dtype is that of `x`. For an `f` that returns one
        number, this is the gradient.

    Raises
    ------
    TypeError, ValueError
        As in `numerical_gradient`, if `f` does not return real numbers, or its values change their shape.

    See Also
    --------
    numerical_gradient : The same for an `f` that returns one number, and faster.

    Notes
    -----
    ``J[i, j] = df_i/dx_j``: the gradient of "Deep Learning from Scratch", chapter 4, for each value of `f`. The step is
    chosen as in `numerical_gradient`. `f` is called once to learn the shape of its values, then twice for each element
    of `x`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import softmax
    >>> from fastnet.gradient import jacobian
    >>> print(jacobian(lambda x: np.array([x[0] * x[1], x[0] + x[1]]), np.array([3.0, 4.0])).round(6))
    [[4. 3.]
     [1. 1.]]
    >>> y = softmax([1.0, 2.0])
    >>> print(np.allclose(jacobian(softmax, [1.0, 2.0]), np.diag(y) - np.outer(y, y)))
    True
    """
    f = objective(f)
    moved, array, h = _movable(f, x, h, "x")
    derivatives, read = np.empty(0), _reader(())
    shape: tuple[int, ...] = ()

    def compute() -> None:
        nonlocal derivatives, read, shape
        values = real_array(f(moved), "what f returns")
        shape = values.shape
        read = _reader(shape)
        derivatives = np.empty((read(values).size, array.size))
        for elements, numbers in _views(array, np.arange(array.size).reshape(array.shape)):
            for i, k in enumerate(numbers):
                derivatives[:, k] = difference(f, moved, elements[i : i + 1], h, read)

    _undisturbed(moved, array, "x", compute)
    if moved is not x:
        _refuse_reader(f, array, x, derivatives, read, "x")
    return _in_dtype_of(array, derivatives.reshape((*shape, *array.shape)))


def _movable(f: Any, x: Any, h: Any, name: str) -> tuple[Any, FloatArray, float]:
    """Return what `f` receives, its elements as another ndarray that shares its memory, and `h`.

    `f` receives `x` itself if it is an array, else a copy. It may give this array another shape, but not the other one.
    """
    h = as_float(h, "h")
    array = real_array(x, name)
    if not isinstance(x, np.ndarray):
        if not isinstance(x, list | tuple | Real | np.generic) and not _is_array_like(x):
            raise TypeError(
                f"{name} must be an ndarray, an array-like, a list, a tuple or a number, got {type(x).__name__}: it "
                "would be copied, and a function that reads the original would not see the changes"
            )
        array = x = array.astype(array.dtype if _is_array_like(x) and array.dtype.kind == "f" else np.float64)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name} holds {array.dtype}, which cannot be moved by h = {h}: use an array of float64, float32 or float16"
        )
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only, and its elements are moved in place: pass a copy")
    if not array.flags.c_contiguous and shares_memory(array):
        raise ValueError(f"elements of {name} share memory, so none can be moved alone: pass a copy")
    if isinstance(f, CompiledObjective):
        argument = f.argument(array, name)
        if argument is not array:  # a C function knows no strides
            array = x = argument
    return x, array.view(), h


def _is_array_like(x: Any) -> bool:
    """Whether `x` is an array of another library, for example a Series or a tensor, and no number of NumPy."""
    names = ("__array__", "__array_interface__", "__dlpack__")
    return not isinstance(x, np.ndarray | np.generic) and any(hasattr(x, name) for name in names)


def _refuse_reader(
    f: Callable[[Any], Any], x: FloatArray, original: Any, derivatives: FloatArray, read: Read, name: str
) -> None:
    """Call `refuse_reader_of_original`, and put `x` back, as after the differences."""
    if _is_array_like(original):  # what shares its memory can be changed, like a list; a copy proves nothing
        memory = as_array(original, name)
        original = memory if shares_its_memory(original, memory) else None
    _undisturbed(x, x, name, lambda: refuse_reader_of_original(f, x, original, derivatives, read, name))


def _in_dtype_of(array: FloatArray, derivatives: FloatArray) -> FloatArray:
    """Return derivatives in float64 in the dtype of `array`, but in native byte order."""
    return derivatives if array.dtype == FLOAT64 else cast(derivatives, array.dtype.newbyteorder("="))


def _views(array: FloatArray, out: npt.NDArray[Any]) -> Any:
    """Return all elements of an array of any strides, in C order, in 1-D views of it, each with that of `out`.

    `out` is C-contiguous and has the shape of `array`.
    """
    if array.flags.c_contiguous:
        return [(array.reshape(-1), out.reshape(-1))]
    return np.nditer(
        [array, out], ["external_loop", "zerosize_ok"], [["readwrite"], ["readwrite"]], order="C"
    )


def _undisturbed(x: Any, array: FloatArray, name: str, compute: Callable[[], None]) -> None:
    """Call `compute`, which moves `array`, the elements of `x`, and calls `f(x)`. Put all of `x` back, come what may.

    `compute` notices if `f` writes to the element that is moved. This function notices a write to any element, and
    another shape, dtype or writeability of `x`. Its errors call it `name`.
    """
    before, shape, dtype = array.copy(), x.shape, x.dtype

    def is_as_before() -> bool:
        same_form = x.shape == shape and x.dtype == dtype and x.flags.writeable
        return same_form and bool(_backend.kernels.same_bits(array, before))

    try:
        compute()
        if not is_as_before():
            refuse_change()
    except BaseException as error:
        changed = isinstance(error, ChangedError) or not is_as_before()
        if changed:
            _put_back_form(x, shape, dtype)
            array[...] = before
        if isinstance(error, NoStepError) and not changed:
            raise ValueError(f"{name} {error}") from None
        if isinstance(error, NoStepError | ChangedError):
            raise ValueError(
                f"f changed {name} while its gradient was computed, so there is no result. {name} is as it was before. "
                f"f must not write to its argument: let it work on a copy, {name}.copy()"
            ) from None
        raise


def _put_back_form(x: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Give the array `x` back its shape and dtype, and let it be writeable."""
    x.flags.writeable = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer versions of NumPy want new arrays instead
        if x.dtype != dtype:
            x.dtype = dtype
        if x.shape != shape:
            x.shape = shape


def _reader(shape: tuple[int, ...]) -> Read:
    """Return a function that checks the values of an `f` with many values, and copies them to a flat float64 array."""

    def read(value: Any) -> FloatArray:
        array = real_array(value, "what f returns")
        if array.dtype.kind == "b":
            raise TypeError("f must return real numbers, got bool")
        if array.shape != shape:
            raise ValueError(f"f must return an array of shape {shape}, got shape {array.shape}")
        return array.astype(FLOAT64).reshape(-1)  # a copy: f may return the same array every time

    return read


def _differences(
    f: Callable[[Any], Any],
    x: Any,
    array: FloatArray,
    h: float,
    name: str,
    lost: list[float] | None = None,
    part: slice = slice(0, sys.maxsize),
) -> FloatArray:
    """Return the central differences of `f` for all elements of `array`, the elements of `x`, in float64.

    With `lost`, use the book's formula even for an element that is too large for `h`, and add it to `lost`. With
    `part`, fill in only the elements with these numbers, in C order.
    """
    # The compiled loop takes native, aligned float32 and float64; the plain loop takes every float array.
    kernels = _backend.kernels if array.dtype in (FLOAT64, FLOAT32) and array.flags.aligned else _kernels_numpy
    gradient = np.empty(array.shape)

    def otherwise(view: FloatArray) -> float:
        if lost is None or holds(view, h):
            return float(widened(f, x, view, h, one_number).item())
        if np.isfinite(view).all():
            lost.append(float(view[0]))
        return float(by_book(f, x, view, h, one_number).item())

    def compute() -> None:
        before = 0
        for elements, out in _views(array, gradient):
            inside = slice(max(part.start - before, 0), max(part.stop - before, 0))
            kernels.central_differences(f, x, elements[inside], h, otherwise, out[inside])
            before += len(elements)

    _undisturbed(x, array, name, compute)
    return gradient


def _differences_of_stack(f: Callable[[Any], Any], X: Any, array: FloatArray, h: float) -> FloatArray:
    """Return the gradients at all points of `array`, for an `f` that takes all points at once, in float64."""
    shape, n = array.shape[:-1], array.shape[-1]
    flat = _reader(shape)

    def read(value: Any) -> FloatArray:
        return np.reshape(flat(value), (*shape, 1))

    gradient = np.empty(array.shape)

    def compute() -> None:
        _refuse_dependence(f, X, array, shape, h, read)
        for j in range(n):
            gradient[..., j : j + 1] = difference(f, X, array[..., j : j + 1], h, read)

    _undisturbed(X, array, "X", compute)
    return gradient


def _differences_of_copies(f: Callable[[Any], Any], x: Any, array: FloatArray, h: float) -> FloatArray:
    """Return the gradient at `array`, the elements of `x`, for an `f` that takes a stack of points, in float64.

    The points are copies of `x`. In each copy, another element moves.
    """
    if isinstance(f, CompiledObjective):
        raise TypeError("f is a compiled function, which takes one point: leave out vectorized=True")
    gradient, n = np.empty(array.size), array.size
    most = max(1, STACK // max(1, array.nbytes))
    for first in range(0, n, most):
        count = min(most, n - first)
        stack = np.empty((count, *array.shape), array.dtype.newbyteorder("="))
        stack[...] = array
        moving = stack.reshape(-1)[first :: n + 1][:count]  # element `first` of copy 0, the next one of copy 1, ...
        read = _reader((count,))

        def compute(first: int = first, X: FloatArray = stack, moving: FloatArray = moving, read: Read = read) -> None:
            if first == 0:
                _refuse_dependence(f, X, X, X.shape[:1], h, read)
            gradient[first : first + len(moving)] = difference(f, X, moving, h, read)

        _undisturbed(stack, stack, "x", compute)
    point = np.array(array, array.dtype.newbyteorder("="), order="C")[np.newaxis]
    _refuse_reader(f, point, x, gradient, _reader((1,)), "x")
    return gradient.reshape(array.shape)


def _refuse_dependence(
    f: Callable[[Any], Any], X: Any, array: FloatArray, shape: tuple[int, ...], h: float, read: Read
) -> None:
    """Raise `ValueError` if a value of `f` depends on other points of `array`, the elements of `X`.

    `shape` is that of the values. If one half of the points moves, the values of the others must not change.
    """
    random = np.random.default_rng(0)
    first_half = random.permutation(math.prod(shape)).reshape(shape) % 2 == 0
    before = read(f(X))
    for half in (first_half, ~first_half) if first_half.size > 1 else ():
        kept = array[half]
        with np.errstate(all="ignore"):
            array[half] += random.uniform(1, 2, kept.shape) * smallest_step(kept, h)
        after = read(f(X))
        array[half] = kept
        if not np.array_equal(before[~half], after[~half], equal_nan=True):
            raise ValueError("f must treat each point alone, but a number that it returned depends on other points")


def gradient_descent(
    f: Callable[[Any], Any],
    init_x: npt.ArrayLike,
    lr: float = 0.01,
    step_num: int = 100,
    return_history: bool = False,
) -> Any:
    """Minimize `f` from `init_x` by `step_num` steps of gradient descent.

    Parameters
    ----------
    f : callable
        Takes an array like `init_x` and returns one number. If `init_x` is float16, the array is float32.
    init_x : array_like, real
        The start, any shape; `f` gets a copy. bool and integers become float64. To prove that `f` uses the copy, it is
        called once more while `init_x` holds other numbers, as in `numerical_gradient`. Then `init_x` is put back. What
        is read-only is treated like a tuple.
    lr : float, default 0.01
        The learning rate, above 0: the length of a step where the gradient is 1.
    step_num : int, default 100
        The number of steps, at least 0.
    return_history : bool, default False
        Also return the path.

    Returns
    -------
    x : ndarray
        The end of the last step, in the shape of `init_x`; float dtypes are kept, bool and integers become float64.
    history : ndarray
        ``(step_num, *x.shape)``, in the dtype of `x`: `x` before each step. Only with `return_history`. The result is
        then the tuple ``(x, history)``, else only `x`.

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number, `init_x` does not hold real numbers, `lr` is not a number,
        or `step_num` is not an integer. If `f` reads `init_x` instead of its argument, as in `numerical_gradient`.
    ValueError
        If `lr` is not positive, or `step_num` is negative; if `f` changes its argument.

    Warns
    -----
    RuntimeWarning
        If `x` becomes so large that rounding changes or removes the step of numerical differentiation.

    See Also
    --------
    numerical_gradient : The gradient of each step.

    Notes
    -----
    ``x <- x - lr * gradient(x)``; "Deep Learning from Scratch", chapter 4. If the learning rate is too large, `x` grows
    until rounding removes the book's step of 1e-4. The gradient is then wrong or 0, and `x` stops, as in the book,
    whose example ends at 2.59e13. A warning says so. If already the start is that large, the step is larger, as in
    `numerical_gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import gradient_descent
    >>> x = gradient_descent(lambda x: np.sum(x**2), [-3.0, 4.0], lr=0.1, step_num=100)
    >>> print(np.abs(x).max() < 1e-9)
    True
    """
    f = objective(f)
    lr = as_float(lr, "lr")
    step_num = as_count(step_num, "step_num", least=0)
    start, dtype = float_array(init_x, "init_x")
    x = start.copy()  # float16 became float32, so that a step of h is not rounded away
    history = np.empty((step_num, *x.shape), x.dtype) if return_history else None
    lost: list[float] | None = [] if holds(x, H) else None
    for step in range(step_num):
        if history is not None:
            history[step] = x
        gradient = _differences(f, x, x, H, "x", lost)
        if step == 0:
            _refuse_reader(f, x, init_x, gradient, one_number, "init_x")
        with np.errstate(all="ignore"):  # a large learning rate may lead to infinity
            x -= lr * gradient
    if lost:
        warnings.warn(
            f"x has grown to {lost[0]:.3g}, where rounding changes or removes the step of {H:g}: from there on, the "
            f"gradient was wrong or 0. Probably the learning rate is too large: lr is {lr:g}. Choose a smaller one",
            RuntimeWarning,
            stacklevel=2,
        )
    result = cast(x, dtype)
    return result if history is None else (result, cast(history, dtype))


def gradient_check(
    network: Any, x: npt.ArrayLike, t: npt.ArrayLike, *, samples: int | None = None, seed: Seed = None
) -> "GradientReport":
    """Compare the gradient by backpropagation with numerical differentiation of the loss.

    There are three verdicts, on each parameter and on the whole: "agrees", "differs", and "cannot tell".

    Parameters
    ----------
    network : object
        Any network, also your own. It needs `params`, a dict of float arrays; `loss(x, t)`, which depends on them; and
        `gradient(x, t)`, which returns a dict of arrays with the same names and shapes. The function changes the
        parameters in place and restores them exactly; `loss` and `gradient` must not change them. If `loss` has the
        book's argument `train_flg`, it is called with ``train_flg=True``, because the gradient is that of training.
        Arrays that the network's layers replace, such as running statistics, and NumPy's global generator are put back,
        too. Every call begins with the same state of this generator, so dropout drops the same units.
    x, t : array_like
        Data in the shapes that the network takes. A few samples are enough.
    samples : int, optional
        The number of elements of each parameter to compare, chosen at random. By default, all elements are compared.
    seed : int or numpy.random.Generator, optional
        Chooses the elements. NumPy's global generator is never used, so a check in the middle of training does not
        change the training.

    Returns
    -------
    GradientReport
        It is true if all gradients agree, and prints as a table. `verdict` is "differs" if one gradient differs, else
        "cannot tell" if the check cannot tell of one. `rows` holds for each parameter the element that decides, both
        gradients there, and the reason why the check cannot tell.

    Raises
    ------
    TypeError
        If `network` lacks one of the three attributes, a parameter is not an array of floats, the loss is not one
        number, a gradient is not a dict of real arrays, or `samples` or `seed` has another type.
    ValueError
        If there is no parameter, one is read-only, a gradient is missing or does not have the shape of its parameter,
        or `samples` is less than 1. Also if a second call returns another loss or gradient, because it draws from
        another generator, or because `gradient` draws more or less than `loss`: what is drawn again has no gradient.
        Also if `loss` or `gradient` changes a parameter. Also where it shows that the loss
        is in test mode and the gradients are in training mode: a call of `gradient` changes the loss, or the network
        has a `numerical_gradient(x, t)` that confirms the gradients against the loss. In other cases of test mode, the
        gradients differ.

    See Also
    --------
    numerical_gradient : The central differences.

    Notes
    -----
    "Deep Learning from Scratch", chapter 5. An element agrees if the two gradients differ by less than 1/1000 of it
    (9e-4, the error of the numerical gradient included). It differs if the error cannot explain the difference. The
    numerical gradient and a bound of its error come from one of two methods:

    - For `TwoLayerNet` and `MultiLayerNet`, and for subclasses that do not override `loss` or `predict`: forward mode
      with the complex step. It computes the derivative of the loss without any difference, so it sees a gradient of
      1e-30, and corners of relu do not disturb it. Where the input of relu is 0, or rounding may make it 0, the slopes
      on both sides are right. The 1e-7 in the book's logarithm is left out, as in backpropagation. If a gradient is a
      sum whose terms cancel, their rounding errors are allowed.
    - For every other network: central differences of the loss, for each element with the steps h = 1e-4 and h / 4, so
      that a gradient which is such a difference itself does not pass. For an element that does not agree, it takes
      larger steps where rounding, about ``eps |loss| / h``, is the larger error, and smaller ones where the loss bends,
      as at a corner of relu. A gradient whose differences are lost in rounding at every step cannot be told. If all
      elements are checked, `SimpleConvNet`, `DeepConvNet` and `MultiLayerNetExtend` take the first two steps for all of
      them at once, and compute only what a parameter changes.

    With differences of the loss, four more rules hold:

    - A difference below 1e-5 of the parameter's largest gradient, and below ``4e-7 exp(loss)`` of it, is allowed. This
      is how much the 1e-7 in the logarithm of a cross-entropy changes a gradient. It may change more where the network
      is sure and wrong. So if a gradient differs, the check is repeated with smaller weights. If it does not differ
      there, the check cannot tell.
    - Where the loss has a corner at an element, for example where the input of relu is exactly 0, the slopes on both
      sides are right, if backpropagation is right a step away.
    - A gradient of exactly 0 agrees if no step changes the loss. A gradient below 4e-15 of the largest one agrees if
      the differences are 0 up to their error.
    - A loss in float32 has 7 digits. So the first h is 1e-2, and the gradients may differ by 1/20. In float16, h is 0.1
      and they may differ by 1/5. Check such a network in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.gradient import gradient_check
    >>> x, t = np.random.default_rng(0).random((5, 4)), [0, 1, 2, 0, 1]
    >>> bool(gradient_check(TwoLayerNet(4, 3, 3, seed=0), x, t))
    True
    >>> class Wrong(TwoLayerNet):
    ...     def gradient(self, x, t):
    ...         grads = super().gradient(x, t)
    ...         grads["b2"] *= 5  # the sum over the samples, where the mean was meant
    ...         return grads
    >>> report = gradient_check(Wrong(4, 3, 3, seed=0), x, t)
    >>> bool(report), [name for name, row in report.rows.items() if not row.agrees]
    (False, ['b2'])
    """
    from fastnet._gradient_check.check import check  # here, because `import fastnet` would take longer

    count = None if samples is None else as_count(samples, "samples")
    return check(network, x, t, count, random_source(np.random.default_rng() if seed is None else seed))
