"""The book's numerical differentiation, gradient descent on top of it, and the check of backpropagation against it."""

from collections.abc import Callable, Mapping
from functools import partial
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
    gradient_of,
    one_number,
    random_source,
    real_array,
)
from fastnet._gradient_check import GradientReport, compare, precision_of

__all__ = ["gradient_check", "gradient_descent", "numerical_gradient"]


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
        Where the last step ended, in the shape of `init_x`; float dtypes are kept, bool and integers become float64.
    history : ndarray
        ``(step_num, *x.shape)``, in the dtype of `x`: where each step began. Only with `return_history`: the result is
        the tuple ``(x, history)`` then, and else `x` alone.

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


def gradient_check(
    network: Any, x: npt.ArrayLike, t: npt.ArrayLike, *, samples: int | None = None, seed: Seed = None
) -> GradientReport:
    """Compare the gradient that backpropagation gives with numerical differentiation of the loss.

    Parameters
    ----------
    network : object
        Any network, also one of your own: with `params`, a dict of float arrays, `loss(x, t)`, which depends on them,
        and `gradient(x, t)`, which returns a dict of their shapes. The parameters are moved in place, element by
        element, and put back exactly.
    x, t : array_like
        The data, in the shapes that the network takes. A few samples are enough.
    samples : int, optional
        How many elements of each parameter to compare, chosen at random; by default all of them, with the network's own
        `numerical_gradient(x, t)` if it has one, as fastnet's networks do, for which that is fast.
    seed : int or numpy.random.Generator, optional
        For that choice. NumPy's global generator is left alone with or without it, so that a check in the middle of
        a training changes nothing.

    Returns
    -------
    GradientReport
        True where all agree, printed as a table. `rows` holds, for each parameter, the largest difference and the
        element where it is, with both gradients.

    Raises
    ------
    TypeError
        If `network` lacks one of the three, a parameter is not an array of floats, the loss is not one number, a
        gradient is not a dict of real arrays, or `samples` or `seed` is of another type.
    ValueError
        If there is no parameter, one is read-only, a gradient is missing or has not the shape of its parameter,
        `samples` is less than 1, or the loss is another at the second call: with dropout, say, it has no slope.

    See Also
    --------
    numerical_gradient : The differences.

    Notes
    -----
    "Deep Learning from Scratch", chapter 5. The two agree where they differ by at most a thousandth of the parameter's
    largest gradient, plus the rounding of the difference, ``4 eps (1 + |loss|) / h``, with h = 1e-4. A wrong formula is
    off by more; what is right is not, for three reasons with a remedy each:

    - The difference has an error of its own, of the order of h squared, and a greater one where relu bends within h.
      So an element that differs is compared again with a step of 1e-5 and of 1e-6, wherever rounding leaves that enough
      digits, and stands as it is only when the difference remains.
    - The losses of the book add 1e-7 in the logarithm, which backpropagation leaves out. That is a share of 1e-7 / y of
      a sample's gradient, y being the probability of its class: a millionth where that is 0.1, as in a new network,
      and more than a thousandth where a network is all but sure of a wrong class. A trained one may be, and a new one
      of large weights or inputs, such as pixels up to 255: check it with small ones. Where gradients differ and
      the loss is above 9.2, which takes a y below 1e-4, the report says so; of one such sample among several it says
      nothing, since the loss is their mean.
    - Where the loss is computed in float32, it has 7 digits, of which a difference leaves few. There h is 1e-2, or 1e-3
      the second time, and a twentieth of the largest gradient is allowed; in float16, h is 0.1, and a fifth. relu may
      still be found to differ: check it in float64. Where a `TwoLayerNet` or a `MultiLayerNet` computes in float32, its
      own numerical gradient is computed in float64, so that no rounding needs to be allowed for: leave `samples` out.

    Where relu is at 0 exactly, as after a sample of zeros with biases of 0, the slopes on its two sides differ. Either
    is right there, though the central difference, the mean of the two, is neither.

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
    random = random_source(np.random.default_rng() if seed is None else seed)
    params = _movable_params(network)
    grads = _gradients_of(params, network.gradient(x, t), "network.gradient(x, t)")
    numerical: dict[str, FloatArray] = {}
    if count is None and callable(getattr(network, "numerical_gradient", None)):
        numerical = _gradients_of(params, network.numerical_gradient(x, t), "network.numerical_gradient(x, t)")

    def loss() -> float:
        return one_number(network.loss(x, t), "network.loss(x, t)")

    first = network.loss(x, t)
    value, second = one_number(first, "network.loss(x, t)"), loss()
    rows = {}
    for name, param in params.items():
        precision = precision_of(param, first)
        if abs(second - value) > 25 * precision.rounding(value):
            raise ValueError(
                f"network.loss(x, t) is {value:.9g}, and {second:.9g} when called again: what is random has no slope "
                "to compare with"
            )
        elements = np.arange(param.size)
        if count is not None and count < param.size:
            elements = np.sort(random.choice(param.size, count, replace=False))
        slopes = partial(_slopes, loss, value, param)
        if name in numerical:
            differences = numerical[name].reshape(-1)
        else:
            differences = np.array([slopes(int(element), precision.steps[0])[0] for element in elements], FLOAT64)
        rows[name] = compare(
            name, grads[name], elements, differences, slopes, precision, value, is_own=name in numerical
        )
    return GradientReport(rows, value)


def _slopes(
    f: Callable[[], float], value: float, param: FloatArray, element: int, h: float
) -> tuple[float, float, float]:
    """The slopes of `f`, here `value`, by one element of `param`, in C order: across it, and on its two sides."""
    index: tuple[Any, ...] = tuple(slice(i, i + 1) for i in np.unravel_index(element, param.shape))
    seen = []

    def observed(_: Any) -> float:
        seen.append(f())
        return seen[-1]

    # A view is moved, so that strides and byte order do not matter.
    central = float(numerical_gradient(observed, param[(*index, ...)], h).item())
    plus, minus = seen
    return central, (plus - value) / h, (value - minus) / h


def _movable_params(network: Any) -> dict[str, Any]:
    """The parameters of any network that has them beside a loss and a gradient, each an array that may be moved."""
    missing = [name for name in ("params", "loss", "gradient") if not hasattr(network, name)]
    if missing:
        raise TypeError(
            f"network must have params, loss(x, t) and gradient(x, t); {type(network).__name__} has no "
            + " and no ".join(missing)
        )
    if not isinstance(network.params, Mapping):
        raise TypeError(f"network.params must be a dict of arrays, got {type(network.params).__name__}")
    if not network.params:
        raise ValueError("network.params is empty: there is no gradient to check")
    for name, value in network.params.items():
        if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"params[{name!r}] must be an array, got {type(value).__name__}")
        if value.dtype.kind != "f" or value.itemsize > 8:
            raise TypeError(f"params[{name!r}] must hold float64, float32 or float16, got {value.dtype}")
        if not value.flags.writeable:
            raise ValueError(f"params[{name!r}] is read-only, and its elements are moved in place")
    return {name: np.asarray(value) for name, value in network.params.items()}


def _gradients_of(params: Mapping[str, Any], grads: Any, name: str) -> dict[str, FloatArray]:
    """The gradients by `params` that the method `name` returned, copied to float64."""
    if not isinstance(grads, Mapping):
        raise TypeError(f"{name} must return a dict like params, got {type(grads).__name__}")
    return {key: gradient_of(key, param, grads, name).astype(FLOAT64, order="C") for key, param in params.items()}
