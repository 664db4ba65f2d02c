"""The book's numerical differentiation, gradient descent with it, and the check of backpropagation against it."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend, _kernels_numpy
from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    FloatArray,
    Seed,
    as_count,
    as_float,
    cast,
    float_array,
    random_source,
    real_array,
)
from fastnet._gradient_check import GradientReport, check

__all__ = ["gradient_check", "gradient_descent", "numerical_gradient"]


def numerical_gradient(f: Callable[[Any], Any], x: npt.ArrayLike, h: float = 1e-4) -> FloatArray:
    """Return the gradient of `f` at `x` by central differences, one element at a time.

    Parameters
    ----------
    f : callable
        Takes `x` and returns one number. It may ignore its argument and read the array `x` itself, as the book's
        closures over a network's parameters do.
    x : ndarray of float16, float32 or float64
        Any shape, strides and byte order. The function changes `x` **in place**, one element at a time, and restores
        every element exactly, also when `f` raises or the user interrupts. A list, tuple or number becomes a float64
        array, and `f` gets this array.
    h : float, default 1e-4
        The step, above 0.

    Returns
    -------
    ndarray
        The partial derivatives, in the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `f` is not callable or does not return one number, `x` is an array of another dtype (`h` cannot be added to
        an integer), or `x` is an object of another type.
    ValueError
        If `x` is read-only, or `h` is not a positive number.

    See Also
    --------
    gradient_descent : Minimize a function by following its gradient.

    Notes
    -----
    ``df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h``; "Deep Learning from Scratch", chapter 4. In float64,
    the result is the book's, bit for bit. In float32 and float16, rounding changes ``x + h`` too much, so the
    difference is divided by the actual step ``(x + h) - (x - h)``. This step is 0 where `h` is too small compared to
    `x`. Then the result is 0: choose a larger `h`.

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
                "function that reads the original would not see the changes"
            )
        array = x = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(
            f"x holds {array.dtype}, which cannot be moved by h = {h}: use an array of float64, float32 or float16"
        )
    if not array.flags.writeable:
        raise ValueError("x is read-only, and its elements are moved in place: pass a copy")

    # The compiled loop takes native, aligned float32 and float64; the plain loop takes every float array.
    kernels = _backend.kernels if array.dtype in (FLOAT64, FLOAT32) and array.flags.aligned else _kernels_numpy
    gradient, done = np.empty(array.size), 0
    # For any strides, nditer goes through the array in C order and gives 1-D views of it.
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
    """Minimize `f` from `init_x` by `step_num` steps of gradient descent.

    Parameters
    ----------
    f : callable
        Takes an array like `init_x` and returns one number. If `init_x` is float16, the array is float32.
    init_x : array_like, real
        The start, any shape; it is not changed. bool and integers become float64.
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
        or `step_num` is not an integer.
    ValueError
        If `lr` is not positive, or `step_num` is negative.

    See Also
    --------
    numerical_gradient : The gradient of each step.

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
    x = start.copy()  # float16 became float32, so that a step of h is not rounded away
    history = np.empty((step_num, *x.shape), x.dtype) if return_history else None
    for step in range(step_num):
        if history is not None:
            history[step] = x
        gradient = numerical_gradient(f, x)
        with np.errstate(all="ignore"):  # a large learning rate may lead to infinity
            x -= lr * gradient
    result = cast(x, dtype)
    return result if history is None else (result, cast(history, dtype))


def gradient_check(
    network: Any, x: npt.ArrayLike, t: npt.ArrayLike, *, samples: int | None = None, seed: Seed = None
) -> GradientReport:
    """Compare the gradient by backpropagation with numerical differentiation of the loss.

    There are three verdicts, on each parameter and on the whole: "agrees", "differs", and "cannot tell".

    Parameters
    ----------
    network : object
        Any network, also your own. It needs `params`, a dict of float arrays; `loss(x, t)`, which depends on them; and
        `gradient(x, t)`, which returns a dict of arrays with the same names and shapes. The function changes the
        parameters in place and restores them exactly. If `loss` has the book's argument `train_flg`, it is called with
        ``train_flg=True``, because the gradient is that of training. Arrays that the network's layers replace, such as
        running statistics, and NumPy's global generator are put back, too.
    x, t : array_like
        Data in the shapes that the network takes. A few samples are enough.
    samples : int, optional
        The number of elements of each parameter to compare, chosen at random. By default, all elements are compared.
        Then the network's own `numerical_gradient(x, t)` is used, too, if it has one: differences of the loss must
        confirm it.
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
        or `samples` is less than 1. Also if a second call returns another loss or gradient, as with dropout: what is
        drawn anew has no gradient. Also if the loss and the gradients do not belong to the same function, because the
        loss is in test mode and the gradients are in training mode.

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
      1e-30, and corners of relu do not disturb it. The 1e-7 in the book's logarithm is left out, as in
      backpropagation. If a gradient is a sum whose terms cancel, their rounding errors are allowed.
    - For every other network: central differences of the loss. The first step is h = 1e-4. For an element that does
      not agree, the check takes larger steps where rounding, about ``eps |loss| / h``, is the larger error, and smaller
      ones where the loss bends, as at a corner of relu. A gradient whose differences are lost in rounding at every step
      cannot be told.

    With differences of the loss, four more rules hold:

    - A difference below 1e-5 of the parameter's largest gradient, and below ``4e-7 exp(loss)`` of it, is allowed. This
      is how much the 1e-7 in the logarithm of a cross-entropy changes a gradient. If the loss of a sample is larger
      than about 9, the 1e-7 changes more than that. Then the check cannot tell: use smaller inputs or weights.
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
    count = None if samples is None else as_count(samples, "samples")
    return check(network, x, t, count, random_source(np.random.default_rng() if seed is None else seed))
