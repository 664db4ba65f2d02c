"""The book's functions: activations, outputs and losses.

Every function takes arrays of any strides, byte order and alignment, lists and scalars, modifies none of them, and
returns a new C-contiguous array, or a NumPy scalar where the result has no dimension. float64 and float32 keep their
dtype, float16 is computed in float32 and returned as float16, bool and integers become float64; any other dtype raises
`TypeError`. NaN propagates, ±inf gives the limit, an empty array gives an empty result.

The losses take their targets `t` in two forms, recognised in this order. A `t` of the shape of `y` holds one-hot rows
or probabilities. A `t` of integers of shape ``(N,)`` or ``(N, 1)``, or one integer for one sample, holds labels in
``[0, C)``. Anything else raises `ValueError`. N is the number of samples, C of classes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FloatArray,
    IntArray,
    as_float,
    as_integer,
    as_result,
    float_array,
    is_labels,
    minus_targets,
    real_array,
    refuse_empty,
    targets,
)

__all__ = [
    "cross_entropy_error",
    "identity_function",
    "mean_squared_error",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]


# --- activations -----------------------------------------------------------------------------------------------------


def _elementwise(function: Callable[[FloatArray], FloatArray], x: npt.ArrayLike) -> FloatArray:
    array, dtype = float_array(x, "x")
    result: FloatArray = as_result(function(array), dtype)
    return result


def identity_function(x: npt.ArrayLike) -> FloatArray:
    """Return a copy of `x`: the output activation for regression.

    Parameters
    ----------
    x : array_like, real
        Any shape.

    Returns
    -------
    ndarray
        The values of `x`, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    ``h(x) = x``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import identity_function
    >>> print(identity_function([-1, 2]))
    [-1.  2.]
    """
    return _elementwise(np.copy, x)


def step_function(x: npt.ArrayLike) -> IntArray:
    """Return 1 where `x` is positive, else 0: the activation of the perceptron.

    Parameters
    ----------
    x : array_like, real
        Any shape.

    Returns
    -------
    ndarray of int64
        Same shape as `x`. An integer cannot be NaN, so NaN, which is not positive, gives 0.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    ``h(x) = 1 if x > 0 else 0``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import step_function
    >>> print(step_function([-0.5, 0.0, 2.0]))
    [0 0 1]
    """
    result: IntArray = as_result(real_array(x, "x") > 0, np.dtype(np.int64))
    return result


def sigmoid(x: npt.ArrayLike) -> FloatArray:
    """Return the logistic sigmoid of every element, without overflow at any `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape.

    Returns
    -------
    ndarray
        Values from 0 to 1, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

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
    return _elementwise(_backend.kernels.sigmoid, x)


def sigmoid_grad(x: npt.ArrayLike) -> FloatArray:
    """Return the derivative of the sigmoid at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: what went into the sigmoid, not what came out.

    Returns
    -------
    ndarray
        Values from 0 to 0.25, same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    See Also
    --------
    sigmoid : The function itself.

    Notes
    -----
    ``sigmoid'(x) = s (1 - s)`` with ``s = sigmoid(x)``; "Deep Learning from Scratch", chapters 4 and 5. It is computed
    as ``e / (1 + e)**2`` with ``e = exp(-|x|)``, the same value, which stays exact where ``1 - s`` has no digits left.

    Examples
    --------
    >>> from fastnet.functions import sigmoid_grad
    >>> print(sigmoid_grad([0.0, 2.0, 40.0]))
    [2.50000000e-01 1.04993585e-01 4.24835426e-18]
    """
    return _elementwise(_backend.kernels.sigmoid_grad, x)


def relu(x: npt.ArrayLike) -> FloatArray:
    """Return the positive part of every element.

    Parameters
    ----------
    x : array_like, real
        Any shape.

    Returns
    -------
    ndarray
        Same shape; float dtypes are kept, bool and integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    See Also
    --------
    relu_grad : Its derivative.

    Notes
    -----
    ``relu(x) = max(0, x)``; "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import relu
    >>> print(relu([-1.5, 0.0, 2.0]))
    [0. 0. 2.]
    """
    return _elementwise(lambda array: np.maximum(array, 0), x)


def relu_grad(x: npt.ArrayLike) -> FloatArray:
    """Return the derivative of `relu` at every element of `x`.

    Parameters
    ----------
    x : array_like, real
        Any shape: what went into `relu`.

    Returns
    -------
    ndarray
        1 where ``x >= 0``, 0 where ``x < 0``, NaN where `x` is NaN; same shape; float dtypes are kept, bool and
        integers become float64.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

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
    return _elementwise(lambda array: np.heaviside(array, 1), x)


def softmax(x: npt.ArrayLike, axis: int = -1) -> FloatArray:
    """Return `x` turned into probabilities along an axis.

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
        gets 1 and everything else 0; where several values are the largest and infinite, each of them gives NaN.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `axis` is not an integer.
    ValueError
        If `x` has no such axis.

    See Also
    --------
    softmax_loss : Softmax and cross-entropy in one.

    Notes
    -----
    ``softmax(x)_k = exp(x_k - max(x)) / sum_i exp(x_i - max(x))``: the shift by the maximum changes nothing in the
    value, and keeps ``exp`` from overflowing. "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> from fastnet.functions import softmax
    >>> print(softmax([0.3, 2.9, 4.0]))
    [0.01821127 0.24519181 0.73659691]
    >>> print(softmax([[1010.0, 1000.0], [0.0, 0.0]]).round(4))
    [[1.  0. ]
     [0.5 0.5]]
    """
    array, dtype = float_array(x, "x")
    dimensions = max(array.ndim, 1)  # a scalar is a row of one
    axis = as_integer(axis, "axis")
    if not -dimensions <= axis < dimensions:
        allowed = f"from {-dimensions} to {dimensions - 1}"
        raise ValueError(f"axis must be {allowed} for x of shape {array.shape}, got {axis}")
    if array.size == 0:
        out = np.empty_like(array)
    elif axis in (-1, dimensions - 1):
        out = _softmax_of_rows(array)
    else:
        out = _softmax_of_rows(np.ascontiguousarray(array.swapaxes(axis, -1))).swapaxes(axis, -1)
    result: FloatArray = as_result(out, dtype)
    return result


def _softmax_of_rows(array: FloatArray) -> FloatArray:
    rows = array.reshape(-1, array.shape[-1] if array.ndim else 1)
    out: FloatArray = _backend.kernels.softmax(rows).reshape(array.shape)
    return out


# --- losses ----------------------------------------------------------------------------------------------------------


def sum_squared_error(y: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return half the sum of the squared errors: the book's squared error, not averaged.

    Parameters
    ----------
    y : array_like, real
        Predictions of any shape.
    t : array_like, real
        Targets of the shape of `y`; for `y` of shape ``(N, C)`` also N integer labels, for ``(C,)`` one.

    Returns
    -------
    NumPy float scalar
        Of the dtype of `y`, float64 where `y` holds bool or integers; 0 where `y` is empty.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers.
    ValueError
        If the shape of `t` fits neither form, or a label is out of range.

    See Also
    --------
    mean_squared_error : The mean of the squared errors, without the half.

    Notes
    -----
    ``E = 1/2 sum (y - t)**2``; "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> from fastnet.functions import sum_squared_error
    >>> print(sum_squared_error([0.1, 0.7, 0.2], [0, 1, 0]).round(4))
    0.07
    """
    squares, dtype = _squared_errors(y, t)
    with np.errstate(all="ignore"):  # inf where the sum is too large, 0 where it is too small
        return as_result(0.5 * np.sum(squares, dtype=np.float64), dtype)


def mean_squared_error(y: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return the mean of the squared errors.

    Parameters
    ----------
    y : array_like, real
        Predictions of any shape.
    t : array_like, real
        Targets of the shape of `y`; for `y` of shape ``(N, C)`` also N integer labels, for ``(C,)`` one.

    Returns
    -------
    NumPy float scalar
        Of the dtype of `y`, float64 where `y` holds bool or integers.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers.
    ValueError
        If the shape of `t` fits neither form, a label is out of range, or `y` is empty.

    See Also
    --------
    sum_squared_error : The book's, half the sum.

    Notes
    -----
    ``E = mean (y - t)**2`` over all elements: what the field calls by this name. The Korean edition of "Deep Learning
    from Scratch" has a function of this name that computes `sum_squared_error`.

    Examples
    --------
    >>> from fastnet.functions import mean_squared_error
    >>> print(mean_squared_error([1.0, 2.0, 4.0], [1.0, 2.0, 1.0]))
    3.0
    """
    squares, dtype = _squared_errors(y, t)
    refuse_empty(squares, "y")
    with np.errstate(all="ignore"):  # inf where the sum is too large, 0 where it is too small
        return as_result(np.mean(squares, dtype=np.float64), dtype)


def _squared_errors(y: npt.ArrayLike, t: npt.ArrayLike) -> tuple[FloatArray, np.dtype[Any]]:
    array, dtype = float_array(y, "y")
    labels_or_rows = targets(t, array)
    with np.errstate(all="ignore"):  # an error that is too large for the dtype is inf, without a warning
        difference = minus_targets(array, labels_or_rows).astype(np.float64, copy=False)
        return difference * difference, dtype


def cross_entropy_error(y: npt.ArrayLike, t: npt.ArrayLike, eps: float = 1e-7) -> Any:
    """Return the cross-entropy of predicted probabilities, averaged over the batch.

    Parameters
    ----------
    y : array_like, real
        Probabilities ``(N, C)``, or ``(C,)`` for one sample, as `softmax` returns them.
    t : array_like, real
        Targets of the shape of `y` (one-hot or probabilities), N integer labels, or one for one sample.
    eps : float, default 1e-7
        What is added to `y` to keep the logarithm finite; from 0 on.

    Returns
    -------
    NumPy float scalar
        Of the dtype of `y`, float64 where `y` holds bool or integers.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers, or `eps` is not a number.
    ValueError
        If `y` is neither 1-D nor 2-D or is empty, the shape of `t` fits neither form, a label is out of range, or
        `eps` is negative or not finite.

    See Also
    --------
    softmax_loss : The same from scores instead of probabilities.

    Notes
    -----
    ``E = -1/N sum_n sum_c t_nc log(y_nc + eps)``, N being 1 for one sample; a term with ``t = 0`` and ``y + eps = 0``
    is 0. "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> from fastnet.functions import cross_entropy_error
    >>> y = [[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]]
    >>> print(cross_entropy_error(y, [1, 0]).round(6))
    0.366984
    >>> print(cross_entropy_error(y, [[0, 1, 0], [1, 0, 0]]).round(6))
    0.366984
    """
    eps = as_float(eps, "eps", positive=False)
    array, dtype = float_array(y, "y")
    _refuse_empty_batch(array, "y")
    return as_result(_cross_entropy(array, targets(t, array), eps), dtype)


def softmax_loss(x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return the cross-entropy of `softmax` of the scores `x`: the book's loss, with its 1e-7 in the logarithm.

    Parameters
    ----------
    x : array_like, real
        Scores (logits) ``(N, C)``, or ``(C,)`` for one sample.
    t : array_like, real
        Targets of the shape of `x` (one-hot or probabilities), N integer labels, or one for one sample.

    Returns
    -------
    NumPy float scalar
        Of the dtype of `x`, float64 where `x` holds bool or integers.

    Raises
    ------
    TypeError
        If `x` or `t` does not hold real numbers.
    ValueError
        If `x` is neither 1-D nor 2-D or is empty, the shape of `t` fits neither form, or a label is out of range.

    Notes
    -----
    ``cross_entropy_error(softmax(x), t)``; "Deep Learning from Scratch", ``common/functions.py``.

    Examples
    --------
    >>> from fastnet.functions import softmax_loss
    >>> print(softmax_loss([[2.0, 1.0, 0.1], [0.0, 0.0, 0.0]], [0, 2]).round(6))
    0.757821
    """
    array, dtype = float_array(x, "x")
    _refuse_empty_batch(array, "x")
    y = _softmax_of_rows(array)
    return as_result(_cross_entropy(y, targets(t, y, "x"), 1e-7), dtype)


def _cross_entropy(y: FloatArray, t: FloatArray | IntArray, eps: float) -> float:
    rows = y.reshape(-1, y.shape[-1])  # one sample is a batch of one
    loss: float
    if is_labels(t):
        loss = _backend.kernels.cross_entropy_labels(rows, t.reshape(-1), eps)
    else:
        loss = _backend.kernels.cross_entropy_targets(rows, t.reshape(rows.shape), eps)
    return loss


def _refuse_empty_batch(array: FloatArray, name: str) -> None:
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have shape (N, C), or (C,) for one sample; got shape {array.shape}")
    refuse_empty(array, name)
