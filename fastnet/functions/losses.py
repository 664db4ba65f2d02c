"""The losses, of one sample or averaged over a batch: check the arguments, then call the kernel."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FloatArray,
    IntArray,
    as_float,
    as_result,
    float_array,
    is_labels,
    minus_targets,
    numbers_like,
    one_hot,
    refuse_empty,
    refuse_outside,
    targets,
)
from fastnet._twins.shared.formulas_numpy import LOSS_EPS
from fastnet.functions.activations import softmax_of_rows

__all__ = [
    "binary_cross_entropy",
    "cross_entropy_error",
    "mean_squared_error",
    "softmax_cross_entropy",
    "softmax_loss",
    "sum_squared_error",
]


def sum_squared_error(y: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return half the sum of the squared errors: the book's squared error, which is not averaged.

    Parameters
    ----------
    y : array_like, real
        Predictions of any shape.
    t : array_like, real
        Targets with the shape of `y`. For `y` of shape ``(N, C)`` also N integer labels, and for ``(C,)`` one label.
        For `y` of shape ``(N, 1)`` also N numbers.

    Returns
    -------
    NumPy float scalar
        In the dtype of `y`, or float64 where `y` holds bool or integers. It is 0 where `y` is empty.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers.
    ValueError
        If the shape of `t` is none of these, or a label is out of range.

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
    with np.errstate(all="ignore"):  # overflow gives inf, underflow gives 0
        return as_result(0.5 * np.sum(squares, dtype=np.float64), dtype)


def mean_squared_error(y: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return the mean of the squared errors.

    Parameters
    ----------
    y : array_like, real
        Predictions of any shape.
    t : array_like, real
        Targets with the shape of `y`. For `y` of shape ``(N, C)`` also N integer labels, and for ``(C,)`` one label.
        For `y` of shape ``(N, 1)`` also N numbers.

    Returns
    -------
    NumPy float scalar
        In the dtype of `y`, or float64 where `y` holds bool or integers.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers.
    ValueError
        If the shape of `t` is none of these, a label is out of range, or `y` is empty.

    See Also
    --------
    sum_squared_error : The book's squared error: half the sum.

    Notes
    -----
    ``E = mean (y - t)**2`` over all elements, the usual meaning of this name. The function of this name in the Korean
    edition of "Deep Learning from Scratch" computes `sum_squared_error`.

    Examples
    --------
    >>> from fastnet.functions import mean_squared_error
    >>> print(mean_squared_error([1.0, 2.0, 4.0], [1.0, 2.0, 1.0]))
    3.0
    """
    squares, dtype = _squared_errors(y, t)
    refuse_empty(squares, "y")
    with np.errstate(all="ignore"):  # overflow gives inf, underflow gives 0
        return as_result(np.mean(squares, dtype=np.float64), dtype)


def _squared_errors(y: npt.ArrayLike, t: npt.ArrayLike) -> tuple[FloatArray, np.dtype[Any]]:
    array, dtype = float_array(y, "y")
    labels_or_rows = _numbers_or_targets(t, array)
    with np.errstate(all="ignore"):  # overflow gives inf, without a warning
        difference = minus_targets(array, labels_or_rows).astype(np.float64, copy=False)
        return difference * difference, dtype


def cross_entropy_error(y: npt.ArrayLike, t: npt.ArrayLike, eps: float = LOSS_EPS) -> Any:
    """Return the cross-entropy of predicted probabilities, averaged over the batch.

    Parameters
    ----------
    y : array_like, real
        Probabilities ``(N, C)``, or ``(C,)`` for one sample, as `softmax` returns them.
    t : array_like, real
        Targets with the shape of `y` (one-hot or probabilities), N integer labels, or one label for one sample.
        Booleans are the labels 0 and 1. The targets of a sample need not sum to 1.
    eps : float, default 1e-7
        Added to `y` to keep the logarithm finite; at least 0.

    Returns
    -------
    NumPy float scalar
        In the dtype of `y`, or float64 where `y` holds bool or integers.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers, or `eps` is not a number.
    ValueError
        If `y` is neither 1-D nor 2-D or is empty, the shape of `t` fits neither form, a label is out of range, a target
        is outside [0, 1], or `eps` is negative or not finite.

    See Also
    --------
    softmax_loss : The same loss, from scores instead of probabilities.
    softmax_cross_entropy : The loss from scores, without `eps`.
    binary_cross_entropy : For probabilities that do not sum to 1: each answers its own yes-or-no question.

    Notes
    -----
    ``E = -1/N sum_n sum_c t_nc log(y_nc + eps)``, with N = 1 for one sample. A term with ``t = 0`` and
    ``y + eps = 0`` is 0. "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> from fastnet.functions import cross_entropy_error
    >>> y = [[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]]
    >>> print(cross_entropy_error(y, [1, 0]).round(6))
    0.366984
    >>> print(cross_entropy_error(y, [[0, 1, 0], [1, 0, 0]]).round(6))
    0.366984
    """
    loss = _backend.kernels.cross_entropy(y, t, eps)
    if loss is None:  # the arguments need conversion, or are invalid
        eps = as_float(eps, "eps", positive=False)
        array, dtype = float_array(y, "y")
        _refuse_empty_batch(array, "y")
        loss = as_result(_cross_entropy(array, t, eps, "y"), dtype)
    return loss


def _cross_entropy(y: FloatArray, t: npt.ArrayLike, eps: float, name: str) -> Any:
    """Check the targets `t` of the probabilities `y`, and return the loss; error messages call `y` `name`."""
    loss = _backend.kernels.cross_entropy(y, targets(t, y, name), eps)
    if loss is None:
        refuse_outside(t, y.dtype)
    return loss


def binary_cross_entropy(y: npt.ArrayLike, t: npt.ArrayLike, eps: float = LOSS_EPS) -> Any:
    """Return the cross-entropy of predicted answers to yes-or-no questions, averaged over all of them.

    Parameters
    ----------
    y : array_like, real
        Probabilities of "yes", as `sigmoid` returns them: any shape, for example ``(N, 1)``.
    t : array_like, real
        Targets with the shape of `y`: 1 for "yes", 0 for "no", or probabilities. For `y` of shape ``(N, 1)`` also N
        numbers, and for ``(1,)`` one number; integers must be 0 or 1 in both cases. For `y` of shape ``(N, C)`` or
        ``(C,)`` with C above 1 also integer labels, as for the other losses: a label says which of the C answers is
        "yes".
    eps : float, default 1e-7
        Added to `y` and to ``1 - y`` to keep the logarithms finite; at least 0.

    Returns
    -------
    NumPy float scalar
        In the dtype of `y`, or float64 where `y` holds bool or integers.

    Raises
    ------
    TypeError
        If `y` or `t` does not hold real numbers, or `eps` is not a number.
    ValueError
        If `y` is empty, the shape of `t` is none of these, a label is out of range, a target is outside [0, 1], or
        `eps` is negative or not finite.

    See Also
    --------
    cross_entropy_error : For one question with C possible answers.

    Notes
    -----
    ``E = mean -(t log(y + eps) + (1 - t) log(1 - y + eps))``. This is the `cross_entropy_error` of the rows
    ``(y, 1 - y)`` with the targets ``(t, 1 - t)``. ``0 log 0`` is 0. C. M. Bishop, "Pattern Recognition and Machine
    Learning", 2006, section 5.2.

    Examples
    --------
    >>> from fastnet.functions import binary_cross_entropy
    >>> print(binary_cross_entropy([0.9, 0.2, 0.6], [1, 0, 1]).round(6))
    0.279776
    >>> print(binary_cross_entropy([[0.9], [0.2], [0.6]], [1, 0, 1]).round(6))
    0.279776
    """
    eps = as_float(eps, "eps", positive=False)
    array, dtype = float_array(y, "y")
    refuse_empty(array, "y")
    answers = _numbers_or_targets(t, array, binary=True)
    loss = _backend.kernels.binary_cross_entropy(array.reshape(-1), one_hot(answers, array).reshape(-1), eps)
    if loss is None:
        refuse_outside(t, array.dtype)
    return as_result(loss, dtype)


def softmax_loss(x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return the cross-entropy of the softmax of the scores `x`: the book's loss, with its 1e-7 in the logarithm.

    Parameters
    ----------
    x : array_like, real
        Scores (logits) ``(N, C)``, or ``(C,)`` for one sample.
    t : array_like, real
        Targets with the shape of `x` (one-hot or probabilities), N integer labels, or one label for one sample.
        Booleans are the labels 0 and 1. The targets of a sample need not sum to 1.

    Returns
    -------
    NumPy float scalar
        In the dtype of `x`, or float64 where `x` holds bool or integers.

    Raises
    ------
    TypeError
        If `x` or `t` does not hold real numbers.
    ValueError
        If `x` is neither 1-D nor 2-D or is empty, the shape of `t` fits neither form, a label is out of range, or a
        target is outside [0, 1].

    See Also
    --------
    softmax_cross_entropy : The loss without the 1e-7, and its gradient.

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
    return as_result(_cross_entropy(softmax_of_rows(array), t, LOSS_EPS, "x"), dtype)


def softmax_cross_entropy(x: npt.ArrayLike, t: npt.ArrayLike, *, return_grad: bool = False) -> Any:
    """Return the cross-entropy of the softmax of the scores `x`, exact for any scores, and optionally its gradient.

    Parameters
    ----------
    x : array_like, real
        Scores (logits) ``(N, C)``, or ``(C,)`` for one sample.
    t : array_like, real
        Targets with the shape of `x` (one-hot or probabilities), N integer labels, or one label for one sample.
        Booleans are the labels 0 and 1. The targets of a sample need not sum to 1.
    return_grad : bool, default False
        Also return the gradient of the loss with respect to `x`. Both come from one pass over the scores, so this takes
        only a little longer.

    Returns
    -------
    loss : NumPy float scalar
        In the dtype of `x`, or float64 where `x` holds bool or integers.
    dx : ndarray
        The gradient, only with `return_grad`: the shape of `x`, in the dtype of the loss.

    Raises
    ------
    TypeError
        If `x` or `t` does not hold real numbers.
    ValueError
        If `x` is neither 1-D nor 2-D or is empty, the shape of `t` fits neither form, a label is out of range, or a
        target is outside [0, 1].

    See Also
    --------
    softmax_loss : The book's loss. It adds 1e-7 to each probability, so it is at most 16.12 for a label.
    cross_entropy_error : The loss from probabilities.

    Notes
    -----
    ``E = 1/N sum_n sum_c t_nc (log(sum_k exp(x_nk)) - x_nc)``, with N = 1 for one sample, and
    ``dE/dx_nc = (softmax(x)_nc sum_k t_nk - t_nc) / N``. Where the targets of a sample sum to 1, this is the book's
    ``(y - t) / N``: "Deep Learning from Scratch", chapter 5 and appendix A. With m the largest score, x_j,
    ``log(sum_k exp(x_k)) = m + log(1 + sum_(k != j) exp(x_k - m))``, so ``exp`` never overflows, and a loss close to 0
    stays accurate. Infinite scores give the limit, as in `softmax`. Where `softmax` is NaN for some class of a sample,
    the loss is NaN, and so is the gradient of that sample.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.functions import softmax_cross_entropy
    >>> print(softmax_cross_entropy([[2.0, 1.0, 0.1], [0.0, 0.0, 0.0]], [0, 2]).round(6))
    0.757821
    >>> print(softmax_cross_entropy([1000.0, 0.0], 1))
    1000.0
    >>> loss, dx = softmax_cross_entropy(np.array([[0.0, 0.0], [40.0, 0.0]]), [0, 0], return_grad=True)
    >>> print(dx)
    [[-2.50000000e-01  2.50000000e-01]
     [-2.12417713e-18  2.12417713e-18]]
    """
    array, dtype = float_array(x, "x")
    _refuse_empty_batch(array, "x")
    labels_or_rows = targets(t, array, "x")
    rows = array.reshape(-1, array.shape[-1])  # one sample is a batch of one
    if is_labels(labels_or_rows):
        kernel, labels_or_rows = _backend.kernels.softmax_cross_entropy_labels, labels_or_rows.reshape(-1)
    else:
        kernel, labels_or_rows = _backend.kernels.softmax_cross_entropy_targets, labels_or_rows.reshape(rows.shape)
    result = kernel(rows, labels_or_rows, bool(return_grad))
    if result is None:
        refuse_outside(t, array.dtype)
    loss, dx = result
    loss = as_result(loss, dtype)
    return (loss, as_result(dx.reshape(array.shape), dtype)) if return_grad else loss


def _numbers_or_targets(t: npt.ArrayLike, y: FloatArray, *, binary: bool = False) -> FloatArray | IntArray:
    """Check the targets `t`. With one column in `y`, integers are values, not labels."""
    return numbers_like(y, t, binary=binary) if y.shape[-1:] == (1,) else targets(t, y)


def _refuse_empty_batch(array: FloatArray, name: str) -> None:
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have shape (N, C), or (C,) for one sample; got shape {array.shape}")
    refuse_empty(array, name)
