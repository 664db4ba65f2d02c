"""The book's numerical differentiation, and gradient descent on top of it."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend, _kernels_numpy
from fastnet._checks import FLOAT32, FLOAT64, FloatArray, as_count, as_float, cast, float_array, real_array

__all__ = ["gradient_descent", "numerical_gradient"]


def numerical_gradient(f: Callable[[Any], Any], x: npt.ArrayLike, h: float = 1e-4) -> FloatArray:
    """Return the gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : callable
        Takes `x` and returns one number. It may as well ignore its argument and read the array that is `x`, as the
        book's closures over a network's parameters do.
    x : ndarray of float16, float32 or float64
        Any shape, strides and byte order. It is moved **in place**, element by element, and every element is put back
        exactly, also when `f` raises or the user interrupts. A list, tuple or number becomes a float64 array, which
        `f` receives.
    h : float, default 1e-4
        The step, above 0.

    Returns
    -------
    ndarray
        The partial derivatives, in the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `f` is not callable or returns something else than one number, `x` is an array of another dtype (an integer
        cannot be moved by `h`), or `x` is an object of another kind.
    ValueError
        If `x` is read-only, or `h` is not a positive number.

    See Also
    --------
    gradient_descent : Follow the gradient downhill.

    Notes
    -----
    ``df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h``; "Deep Learning from Scratch", chapter 4. float64 follows the
    book's arithmetic bit for bit. In a narrower float, ``x + h`` is rounded so coarsely that the difference is divided
    by the step really made, ``(x + h) - (x - h)``; where that is 0, because `h` is lost beside `x`, the result is 0:
    choose a larger `h`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import numerical_gradient
    >>> print(numerical_gradient(lambda x: np.sum(x**2), np.array([3.0, 4.0])).round(6))
    [6. 8.]
    """
    if not callable(f):
        raise TypeError(f"f must be a function of x, got {f!r}")
    h = as_float(h, "h")
    array = real_array(x, "x")
    if not isinstance(x, np.ndarray):
        if not isinstance(x, list | tuple | Real | np.generic):
            raise TypeError(
                f"x must be an ndarray, a list, a tuple or a number, got {type(x).__name__}: it would be copied, and a "
                "function that reads the original would see nothing move"
            )
        array = x = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(
            f"x holds {array.dtype}, which cannot be moved by h = {h}: use an array of float64, float32 or float16"
        )
    if not array.flags.writeable:
        raise ValueError("x is read-only, and its elements are moved in place: pass a copy")

    # The compiled loop reads native float32 and float64; the plain one reads every float.
    kernels = _backend.kernels if array.dtype in (FLOAT64, FLOAT32) and array.flags.aligned else _kernels_numpy
    gradient, done = np.empty(array.size), 0
    # Whatever its strides, nditer walks the array in C order, in runs that are 1-D views of it.
    for elements in np.nditer(array, flags=["external_loop", "zerosize_ok"], op_flags=["readwrite"], order="C"):
        kernels.central_differences(f, x, elements, h, gradient[done : done + len(elements)])
        done += len(elements)
    return cast(gradient.reshape(array.shape), array.dtype.newbyteorder("="))


def gradient_descent(
    f: Callable[[Any], Any],
    init_x: npt.ArrayLike,
    lr: float = 0.01,
    step_num: int = 100,
    return_history: bool = False,
) -> Any:
    """Return where `step_num` steps against the gradient of `f` lead from `init_x`.

    Parameters
    ----------
    f : callable
        Takes an array like `init_x`, float32 where that is float16, and returns one number.
    init_x : array_like, real
        Where to start, any shape; it is left alone. bool and integers become float64.
    lr : float, default 0.01
        The learning rate, above 0: how far a step goes for a gradient of 1.
    step_num : int, default 100
        How many steps, from 0 on.
    return_history : bool, default False
        Whether to return the path as well.

    Returns
    -------
    x : ndarray
        Where the last step ended, in the shape of `init_x`.
    history : ndarray
        ``(step_num, *x.shape)``: where each step began. Only with `return_history`: the result is the tuple
        ``(x, history)`` then, and else `x` alone.

    Raises
    ------
    TypeError
        If `f` is not callable or returns something else than one number, `init_x` does not hold real numbers, or `lr`
        or `step_num` is not a number of its kind.
    ValueError
        If `lr` is not positive, or `step_num` is negative.

    See Also
    --------
    numerical_gradient : The gradient it follows.

    Notes
    -----
    ``x <- x - lr * gradient(x)``; "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import gradient_descent
    >>> x = gradient_descent(lambda x: np.sum(x**2), [-3.0, 4.0], lr=0.1, step_num=100)
    >>> print(np.abs(x).max() < 1e-9)
    True
    """
    lr = as_float(lr, "lr")
    step_num = as_count(step_num, "step_num", least=0)
    start, dtype = float_array(init_x, "init_x")
    x = start.copy()  # float16 is in float32 here, where a step of h is not lost
    history = np.empty((step_num, *x.shape), x.dtype) if return_history else None
    for step in range(step_num):
        if history is not None:
            history[step] = x
        gradient = numerical_gradient(f, x)
        with np.errstate(all="ignore"):  # a learning rate too large may lead to infinity
            x -= lr * gradient
    result = cast(x, dtype)
    return result if history is None else (result, cast(history, dtype))
