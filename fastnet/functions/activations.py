"""The activations of hidden layers and of the output: check the arguments, then call the kernel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FLOAT32,
    FloatArray,
    IntArray,
    as_float,
    as_fraction,
    as_integer,
    as_result,
    cast,
    float_array,
    real_array,
    samples,
)
from fastnet._twins.shared.formulas_numpy import SLOPE
from fastnet.functions._out import write

__all__ = [
    "elu",
    "elu_grad",
    "identity_function",
    "leaky_relu",
    "leaky_relu_grad",
    "maxout",
    "maxout_grad",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softplus",
    "softplus_grad",
    "step_function",
    "tanh",
    "tanh_grad",
]

INT64 = np.dtype(np.int64)
NDArray = npt.NDArray[Any]


def _converted(kernel: Callable[..., FloatArray], x: Any, out: NDArray | None, *numbers: float) -> Any:
    """Call a kernel that takes `x`, `numbers` and `out`, where `x` may need conversion, or there is an `out`.

    Every function calls the kernel itself in the common case: on ten elements, a call from here would take longer.
    """
    array, dtype = float_array(x, "x")
    if out is None:
        return as_result(kernel(array, *numbers), dtype)
    return write(kernel, array, numbers, dtype, out)


def _copied(x: FloatArray, out: FloatArray | None = None) -> FloatArray:
    if out is None:
        return x.copy()
    out[...] = x
    return out


def _step(x: NDArray) -> NDArray:
    return (x > 0).astype(np.int64)


def identity_function(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return a copy of `x`: the output activation for regression.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        The values of `x`, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    ``h(x) = x``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import identity_function
    >>> print(identity_function([-1, 2]))
    [-1.  2.]
    """
    y: FloatArray = _converted(_copied, x, out)
    return y


def step_function(x: npt.ArrayLike, out: NDArray | None = None) -> IntArray:
    """Return 1 where `x` is positive, else 0: the activation of the perceptron.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray of int64
        Same shape as `x`. NaN gives 0: an integer cannot be NaN, and NaN is not positive.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    Notes
    -----
    ``h(x) = 1 if x > 0 else 0``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import step_function
    >>> print(step_function([-0.5, 0.0, 2.0]))
    [0 0 1]
    """
    array = real_array(x, "x")
    result: IntArray = as_result(array > 0, INT64) if out is None else write(_step, array, (), INT64, out)
    return result


def sigmoid(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the logistic sigmoid of every element, without overflow at any `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values from 0 to 1, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    sigmoid_grad : Its derivative.

    Notes
    -----
    ``sigmoid(x) = 1 / (1 + exp(-x))``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import sigmoid
    >>> print(sigmoid([-1000.0, 0.0, 2.0]))
    [0.         0.5        0.88079708]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.sigmoid(x)
    else:
        y = _converted(kernels.sigmoid, x, out)
    return y


def sigmoid_grad(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of the sigmoid at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of the sigmoid, not its output.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values from 0 to 0.25, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    sigmoid : The function itself.

    Notes
    -----
    ``sigmoid'(x) = s (1 - s)`` with ``s = sigmoid(x)``; "Deep Learning from Scratch", chapters 4 and 5. The code
    computes ``e / (1 + e)**2`` with ``e = exp(-|x|)``. This has the same value, and stays accurate where ``s`` is
    rounded to 1.

    Examples
    --------
    >>> from fastnet.functions import sigmoid_grad
    >>> print(sigmoid_grad([0.0, 2.0, 40.0]))
    [2.50000000e-01 1.04993585e-01 4.24835426e-18]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.sigmoid_grad(x)
    else:
        y = _converted(kernels.sigmoid_grad, x, out)
    return y


def tanh(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the hyperbolic tangent of every element: an S-shaped curve like the sigmoid, between -1 and 1.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values from -1 to 1, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    tanh_grad : Its derivative.
    sigmoid : The same curve, scaled to lie between 0 and 1: ``tanh(x) = 2 sigmoid(2 x) - 1``.

    Notes
    -----
    ``tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``; "Deep Learning from Scratch", chapter 6, which compares it
    with the sigmoid.

    Examples
    --------
    >>> from fastnet.functions import tanh
    >>> print(tanh([-1000.0, 0.0, 0.5]))
    [-1.          0.          0.46211716]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.tanh(x)
    else:
        y = _converted(kernels.tanh, x, out)
    return y


def tanh_grad(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of `tanh` at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of `tanh`, not its output.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values from 0 to 1, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    tanh : The function itself.

    Notes
    -----
    ``tanh'(x) = 1 - tanh(x)**2``; "Deep Learning from Scratch", chapter 6, see `tanh`. The code computes
    ``4 e / (1 + e)**2`` with ``e = exp(-2 |x|)``. This has the same value, and stays accurate where ``tanh(x)`` is
    rounded to 1.

    Examples
    --------
    >>> from fastnet.functions import tanh_grad
    >>> print(tanh_grad([0.0, 1.0, 20.0]))
    [1.00000000e+00 4.19974342e-01 1.69934170e-17]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.tanh_grad(x)
    else:
        y = _converted(kernels.tanh_grad, x, out)
    return y


def relu(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the positive part of every element.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    relu_grad : Its derivative.
    leaky_relu, elu : Have a slope on the negative side too, so that units with negative inputs still learn.

    Notes
    -----
    ``relu(x) = max(0, x)``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import relu
    >>> print(relu([-1.5, 0.0, 2.0]))
    [0. 0. 2.]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.relu(x)
    else:
        y = _converted(kernels.relu, x, out)
    return y


def relu_grad(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of `relu` at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of `relu`.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        1 where ``x >= 0``, 0 where ``x < 0``, NaN where `x` is NaN; same shape; float dtypes are kept, bool and
        integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    relu : The function itself.

    Notes
    -----
    `relu` has no derivative at 0; the book chooses 1 there. "Deep Learning from Scratch", ``common/functions.py``.

    Examples
    --------
    >>> from fastnet.functions import relu_grad
    >>> print(relu_grad([-1.5, 0.0, 2.0]))
    [0. 1. 1.]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.leaky_relu_grad(x, 0.0)
    else:
        y = _converted(kernels.leaky_relu_grad, x, out, 0.0)
    return y


def leaky_relu(x: npt.ArrayLike, slope: float = SLOPE, out: NDArray | None = None) -> FloatArray:
    """Return every element, with the negative ones multiplied by `slope`: a `relu` that still learns there.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    slope : float, default 0.1
        The slope on the negative side, from 0 to 1: 0 gives `relu`, 1 gives the identity. Above 1, the formula below
        would apply the slope to the positive side instead.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result, or `slope` is not a number.
    ValueError
        If `slope` is not from 0 to 1, or `out` has another shape or is read-only.

    See Also
    --------
    leaky_relu_grad : Its derivative.
    elu : A smooth function with the same purpose.

    Notes
    -----
    ``leaky_relu(x) = max(slope x, x)``; A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve neural
    network acoustic models", ICML workshop, 2013. The paper uses the slope 0.01, the lecture notes use 0.1.

    Examples
    --------
    >>> from fastnet.functions import leaky_relu
    >>> print(leaky_relu([-2.0, 0.0, 2.0]))
    [-0.2  0.   2. ]
    """
    slope = as_fraction(slope, "slope", includes_one=True)
    if slope == 0:  # 0 times -inf would be NaN
        return relu(x, out=out)
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.leaky_relu(x, slope)
    else:
        y = _converted(kernels.leaky_relu, x, out, slope)
    return y


def leaky_relu_grad(x: npt.ArrayLike, slope: float = SLOPE, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of `leaky_relu` at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of `leaky_relu`.
    slope : float, default 0.1
        The slope on the negative side, from 0 to 1.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        1 where ``x >= 0``, `slope` where ``x < 0``, NaN where `x` is NaN; same shape; float dtypes are kept, bool and
        integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result, or `slope` is not a number.
    ValueError
        If `slope` is not from 0 to 1, or `out` has another shape or is read-only.

    See Also
    --------
    leaky_relu : The function itself.

    Notes
    -----
    ``leaky_relu'(x) = 1 if x >= 0 else slope``. There is no derivative at 0; the value there is 1, as the book chooses
    for `relu_grad`. Source: Maas, Hannun and Ng (2013), see `leaky_relu`.

    Examples
    --------
    >>> from fastnet.functions import leaky_relu_grad
    >>> print(leaky_relu_grad([-2.0, 0.0, 2.0]))
    [0.1 1.  1. ]
    """
    slope = as_fraction(slope, "slope", includes_one=True)
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.leaky_relu_grad(x, slope)
    else:
        y = _converted(kernels.leaky_relu_grad, x, out, slope)
    return y


def elu(x: npt.ArrayLike, alpha: float = 1.0, out: NDArray | None = None) -> FloatArray:
    """Return the exponential linear unit of every element: `x`, which tends to `-alpha` on the negative side.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    alpha : float, default 1.0
        The result tends to `-alpha` on the negative side. At least 0; 0 gives `relu`.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values of at least `-alpha`, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result, or `alpha` is not a number.
    ValueError
        If `alpha` is negative or not finite, or `out` has another shape or is read-only.

    See Also
    --------
    elu_grad : Its derivative.
    leaky_relu : The same idea with two straight lines.

    Notes
    -----
    ``elu(x) = x where x >= 0, else alpha (exp(x) - 1)``; D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and
    accurate deep network learning by exponential linear units (ELUs)", ICLR 2016 (arXiv:1511.07289, 2015). The
    code computes ``exp(x) - 1`` without cancellation, so it stays accurate near 0.

    Examples
    --------
    >>> from fastnet.functions import elu
    >>> print(elu([-1000.0, -1.0, 2.0]))
    [-1.         -0.63212056  2.        ]
    >>> print(elu(-1e-20))
    -1e-20
    """
    alpha = as_float(alpha, "alpha", positive=False)
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.elu(x, alpha)
    else:
        y = _converted(kernels.elu, x, out, alpha)
    return y


def elu_grad(x: npt.ArrayLike, alpha: float = 1.0, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of `elu` at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of `elu`.
    alpha : float, default 1.0
        The `alpha` of `elu`, at least 0.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        1 where ``x >= 0``, `alpha exp(x)` where ``x < 0``, NaN where `x` is NaN; same shape; float dtypes are kept,
        bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result, or `alpha` is not a number.
    ValueError
        If `alpha` is negative or not finite, or `out` has another shape or is read-only.

    See Also
    --------
    elu : The function itself.

    Notes
    -----
    ``elu'(x) = 1 if x >= 0 else alpha exp(x)``. With an `alpha` other than 1, there is no derivative at 0; the value
    there is 1, as the book chooses for `relu_grad`. Source: Clevert, Unterthiner and Hochreiter (2016), see `elu`.

    Examples
    --------
    >>> from fastnet.functions import elu_grad
    >>> print(elu_grad([-1000.0, -1.0, 0.0, 2.0]))
    [0.         0.36787944 1.         1.        ]
    """
    alpha = as_float(alpha, "alpha", positive=False)
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.elu_grad(x, alpha)
    else:
        y = _converted(kernels.elu_grad, x, out, alpha)
    return y


def softplus(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the softplus of every element: a `relu` without a corner, exact for any `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values of at least 0, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    softplus_grad : Its derivative.
    relu : The function that it follows far from 0.

    Notes
    -----
    ``softplus(x) = log(1 + exp(x))``, computed as ``max(x, 0) + log(1 + exp(-|x|))``, where ``exp`` cannot overflow.
    C. Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing" (2001).

    Examples
    --------
    >>> from fastnet.functions import softplus
    >>> print(softplus([-1000.0, 0.0, 1000.0]))
    [0.00000000e+00 6.93147181e-01 1.00000000e+03]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.softplus(x)
    else:
        y = _converted(kernels.softplus, x, out)
    return y


def softplus_grad(x: npt.ArrayLike, out: NDArray | None = None) -> FloatArray:
    """Return the derivative of `softplus` at every element of `x`, which is the sigmoid.

    Parameters
    ----------
    x : array_like, real
        Any shape: the input of `softplus`.
    out : ndarray, optional
        Takes the result and is returned, as in NumPy's functions: see `fastnet.functions`. It may be `x` itself.
        Any shape to which that of `x` broadcasts.

    Returns
    -------
    ndarray
        Values from 0 to 1, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `out` cannot hold the result.
    ValueError
        If `out` has another shape or is read-only.

    See Also
    --------
    softplus : The function itself.
    sigmoid : The same values.

    Notes
    -----
    ``softplus'(x) = exp(x) / (1 + exp(x)) = sigmoid(x)``; C. Dugas et al. (2001), see `softplus`.

    Examples
    --------
    >>> from fastnet.functions import softplus_grad
    >>> print(softplus_grad([-1000.0, 0.0, 1000.0]))
    [0.  0.5 1. ]
    """
    kernels = _backend.kernels
    if out is None and kernels.is_plain(x):
        y: FloatArray = kernels.sigmoid(x)
    else:
        y = _converted(kernels.sigmoid, x, out)
    return y


def softmax(x: npt.ArrayLike, axis: int = -1) -> FloatArray:
    """Turn `x` into probabilities along an axis.

    Parameters
    ----------
    x : array_like, real
        Any shape, for example ``(N, C)``: one row of scores for each of N samples. A scalar counts as one class.
    axis : int, default -1
        The axis along which the result sums to 1.

    Returns
    -------
    ndarray
        Values from 0 to 1, same shape; float dtypes are kept, bool and integers become float64. A single ``+inf``
        gives 1 and all other values give 0. Where several values are the largest and infinite, each of them gives NaN.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `axis` is not an integer.
    ValueError
        If `x` has no such axis.

    See Also
    --------
    softmax_loss, softmax_cross_entropy : Softmax and cross-entropy in one function.

    Notes
    -----
    ``softmax(x)_k = exp(x_k - max(x)) / sum_i exp(x_i - max(x))``. Subtracting the maximum does not change the value,
    and prevents ``exp`` from overflowing. "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import softmax
    >>> print(softmax([0.3, 2.9, 4.0]))
    [0.01821127 0.24519181 0.73659691]
    >>> print(softmax([[1010.0, 1000.0], [0.0, 0.0]]).round(4))
    [[1.  0. ]
     [0.5 0.5]]
    """
    if type(axis) is int and axis == -1 and _backend.kernels.is_plain(x):
        y: FloatArray = _backend.kernels.softmax(x)
        return y
    array, dtype = float_array(x, "x")
    dimensions = max(array.ndim, 1)  # a scalar is a row of one element
    axis = as_integer(axis, "axis")
    if not -dimensions <= axis < dimensions:
        allowed = f"from {-dimensions} to {dimensions - 1}"
        raise ValueError(f"axis must be {allowed} for x of shape {array.shape}, got {axis}")
    if array.size == 0:
        out = np.empty_like(array)
    elif axis in (-1, dimensions - 1):
        out = softmax_of_rows(array)
    else:
        out = softmax_of_rows(np.ascontiguousarray(array.swapaxes(axis, -1))).swapaxes(axis, -1)
    result: FloatArray = as_result(out, dtype)
    return result


def softmax_of_rows(array: FloatArray) -> FloatArray:
    out: FloatArray = _backend.kernels.softmax(np.atleast_1d(array)).reshape(array.shape)
    return out


def maxout(x: npt.ArrayLike, W: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the largest of K affine functions, for each of H units: an activation whose shape is learned.

    Parameters
    ----------
    x : array_like, real
        Inputs ``(N, D)``, or ``(D,)`` for one sample.
    W : array_like, real
        Weights ``(K, D, H)``: one matrix for each of the K pieces, at least one.
    b : array_like, real
        Biases ``(K, H)``.

    Returns
    -------
    ndarray
        ``(N, H)``, or ``(H,)`` for one sample. The dtype is the one that NumPy promotes the three dtypes to, where bool
        and integers count as float64.

    Raises
    ------
    TypeError
        If `x`, `W` or `b` does not hold real numbers.
    ValueError
        If the shapes do not fit together.

    See Also
    --------
    maxout_grad : Its gradient.
    relu : A maxout of two pieces, one of which is 0.

    Notes
    -----
    ``maxout(x) = max_k (x W[k] + b[k])``, a convex function with at most K straight pieces along any line. I. J.
    Goodfellow, D. Warde-Farley, M. Mirza, A. Courville and Y. Bengio, "Maxout networks", ICML 2013.

    Examples
    --------
    The absolute value is the maximum of x and -x:

    >>> from fastnet.functions import maxout
    >>> print(maxout([[-2.0], [3.0]], W=[[[1.0]], [[-1.0]]], b=[[0.0], [0.0]]))
    [[2.]
     [3.]]
    """
    inputs, W, b, dtype = _maxout_arguments(x, W, b)
    with np.errstate(all="ignore"):  # infinity is a valid value
        largest = inputs @ W[0] + b[0]
        for k in range(1, len(W)):
            np.maximum(largest, inputs @ W[k] + b[k], out=largest)
    result: FloatArray = as_result(largest, dtype)
    return result


def maxout_grad(
    x: npt.ArrayLike, W: npt.ArrayLike, b: npt.ArrayLike, dout: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients of a loss with respect to the three arguments of `maxout`: backpropagation through it.

    Parameters
    ----------
    x, W, b : array_like, real
        The arguments of `maxout`: ``(N, D)`` or ``(D,)``, ``(K, D, H)`` and ``(K, H)``.
    dout : array_like, real
        The gradient of the loss with respect to the output, ``(N, H)`` or ``(H,)`` like the output. Ones give the
        gradient of the sum of the outputs.

    Returns
    -------
    dx, dW, db : ndarray
        The shapes of `x`, `W` and `b`, in the dtype of `maxout(x, W, b)`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit together.

    See Also
    --------
    maxout : The function itself.

    Notes
    -----
    In every sample and unit the piece that was the largest passes on what it gets, as an affine layer does, and the
    others get nothing: ``dx = sum_k dout_k W[k].T``, ``dW[k] = x.T dout_k`` and ``db[k] = sum_n dout_k``, where dout_k
    is dout where piece k is the largest, and else 0. Where several are the largest, it is the first, as in the book's
    pooling. Where the result is NaN, so is dout. Source: Goodfellow et al. (2013), see `maxout`; for the affine layer,
    "Deep Learning from Scratch", chapter 5.

    Examples
    --------
    >>> from fastnet.functions import maxout_grad
    >>> W, b = [[[1.0]], [[-1.0]]], [[0.0], [0.0]]
    >>> dx, dW, db = maxout_grad([[-2.0], [3.0]], W, b, dout=[[1.0], [1.0]])
    >>> print(dx.ravel(), dW.ravel(), db.ravel())
    [-1.  1.] [ 3. -2.] [1. 1.]
    """
    inputs, W, b, dtype = _maxout_arguments(x, W, b)
    rows = np.atleast_2d(inputs)
    d = np.atleast_2d(_array_of_shape(dout, "dout", (*inputs.shape[:-1], W.shape[2]), W.dtype))
    with np.errstate(all="ignore"):
        pieces = rows @ W + b[:, np.newaxis]
        first = pieces.argmax(axis=0)  # NaN is the largest
        d = np.where(np.isnan(pieces).any(axis=0), np.nan, d).astype(W.dtype)
        of_piece = np.where(first == np.arange(len(W))[:, np.newaxis, np.newaxis], d, 0)
        dx = (of_piece @ W.transpose(0, 2, 1)).sum(axis=0).reshape(inputs.shape)
        dW, db = rows.T @ of_piece, of_piece.sum(axis=1)
    return as_result(dx, dtype), as_result(dW, dtype), as_result(db, dtype)


def _array_of_shape(x: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
    """Convert `x` to what the kernels take in `dtype`, and check its shape."""
    array = real_array(x, name)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got shape {array.shape}")
    return cast(array, dtype)


def _maxout_arguments(
    x: npt.ArrayLike, W: npt.ArrayLike, b: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, np.dtype[Any]]:
    """Return x `(N, D)` or `(D,)`, W `(K, D, H)` and b `(K, H)` in one dtype, and the dtype of the result."""
    (W, of_W), (b, of_b) = float_array(W, "W"), float_array(b, "b")
    dtype = np.result_type(float_array(x, "x")[1], of_W, of_b)
    if W.ndim != 3 or len(W) == 0:
        raise ValueError(f"W must have shape (K, D, H) with K at least 1, got shape {W.shape}")
    K, D, H = W.shape
    if b.shape != (K, H):
        raise ValueError(f"b must have shape {(K, H)} for W of shape {W.shape}, got shape {b.shape}")
    computed_in = FLOAT32 if dtype.itemsize < 4 else dtype
    return samples(x, "x", D, computed_in), cast(W, computed_in), cast(b, computed_in), dtype
