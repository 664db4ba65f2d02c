"""The functions of `common/functions.py`: fastnet's where both give the same, else the book's own.

Each `fits...` says for which arguments fastnet gives what the book's definition gives, or what it should have given.
For all others the reader's definition computes, so its results and errors are the same as without fastnet. None means
that the function here takes whatever the book's takes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet import _backend, functions
from fastnet._checks import is_plain_array
from fastnet._twins.shared.formulas_numpy import LOSS_EPS
from fastnet.textbook._serving import Function

Book = Callable[..., Any]  # the reader's own definition


def fits_floats(_: Book, x: Any) -> bool:
    return type(x) is np.ndarray and x.dtype.char in "fd"


def fits_numbers(_: Book, x: Any) -> bool:
    """float16 stays the book's: its arithmetic rounds to three digits after every operation."""
    if type(x) is np.ndarray or isinstance(x, np.generic):
        return x.dtype.char in "fd" or x.dtype.kind in "iu"
    return type(x) in (int, float)


def fits_rows(_: Book, x: Any) -> bool:
    return fits_numbers(_, x) and np.ndim(x) > 0 and np.size(x) > 0


def fits_loss(_: Book, y: Any, t: Any) -> bool:
    """Predictions with one-hot rows, probabilities or labels."""
    if not (fits_floats(_, y) and y.ndim in (1, 2) and y.size):
        return False
    return are_targets(t, y.shape)


def are_targets(t: Any, shape: tuple[int, ...]) -> bool:
    """Whether `t` holds targets for predictions of this shape. A program may have others for a loss of its own."""
    if not (type(t) is np.ndarray or isinstance(t, np.integer)) or t.dtype.kind not in "biuf":
        return False
    if t.shape == shape:
        return are_probabilities(t)
    batch = shape[:-1]
    return t.dtype.kind in "iu" and t.shape in ((batch, (*batch, 1)) if batch else (batch,))


def are_probabilities(t: Any) -> bool:
    """Whether all elements are from 0 to 1."""
    if t.dtype.kind == "f" and t.size and is_plain_array(t):
        return bool(_backend.kernels.are_probabilities(t))
    return bool(t.size and t.min() >= 0 and t.max() <= 1)


def itself(x: Any) -> Any:
    """Return x."""
    return x


def positive(x: Any) -> Any:
    """Return the positive part, of integers in integers."""
    return functions.relu(x) if fits_floats(x, x) else np.maximum(0, x)


def step(x: Any) -> Any:
    """Return 1 where x is positive, in NumPy's usual integers."""
    return np.array(x > 0, int)


def relu_slope(x: Any) -> Any:
    """Return 1 where x is not negative, in the dtype of x."""
    return np.array(x >= 0, np.asarray(x).dtype)


def softmax_of_all(x: Any) -> Any:
    """Return the softmax of rows, and of all elements where x is neither 1-D nor 2-D."""
    return functions.softmax(x) if x.ndim <= 2 else functions.softmax(x.reshape(-1)).reshape(x.shape)


def half_the_squares(y: Any, t: Any) -> Any:
    """Return half the sum of the squared differences. In the book t is never a label, and may be broadcast."""
    return 0.5 * np.sum(np.square(y - t))


def cross_entropy(y: Any, t: Any, eps: float = LOSS_EPS) -> Any:
    """Return the cross-entropy. With one-hot rows, only the predictions of the targets count, also beside a NaN."""
    loss = functions.cross_entropy_error(y, t, eps)
    if np.isnan(loss) and t.shape == y.shape and np.all((t == 0) | (t == 1)) and np.all(t.sum(axis=-1) == 1):
        return functions.cross_entropy_error(y, t.argmax(axis=-1), eps)
    return loss


def cross_entropy_without_eps(y: Any, t: Any) -> Any:
    """Return the cross-entropy without the 1e-7 in the logarithm, which the printings before December 2017 lack."""
    return cross_entropy(y, t, 0.0)


identity_function = Function(itself, None, "fastnet.functions.identity_function")
step_function = Function(step, None, "fastnet.functions.step_function")
sigmoid = Function(functions.sigmoid, fits_numbers)
sigmoid_grad = Function(functions.sigmoid_grad, fits_numbers)
relu = Function(positive, None, "fastnet.functions.relu")
relu_grad = Function(relu_slope, None, "fastnet.functions.relu_grad")
softmax = Function(functions.softmax, fits_rows)
softmax_2016 = Function(softmax_of_all, fits_rows, "fastnet.functions.softmax")
squared_error = Function(half_the_squares, None, "fastnet.functions.sum_squared_error")
cross_entropy_error = Function(cross_entropy, fits_loss, "fastnet.functions.cross_entropy_error")
cross_entropy_error_2016 = Function(cross_entropy_without_eps, fits_loss, "fastnet.functions.cross_entropy_error")
softmax_loss = Function(functions.softmax_loss, fits_loss)
