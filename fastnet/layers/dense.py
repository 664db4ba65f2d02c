"""Fully connected layers, activations and dropout, and the two layers that explain backpropagation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend, functions
from fastnet._checks import (
    BoolArray,
    FloatArray,
    RandomSource,
    Seed,
    as_fraction,
    as_result,
    float_array,
    random_source,
    real_array,
)
from fastnet.layers._shapes import gradient, kept, promoted, shown, vector

__all__ = ["AddLayer", "Affine", "Dropout", "MulLayer", "Relu", "Sigmoid"]


class MulLayer:
    """Multiply two numbers: the first example of a layer.

    Attributes
    ----------
    x, y : Any
        The factors of the last `forward`, or None.

    Notes
    -----
    ``out = x * y``; "Deep Learning from Scratch", chapter 5.

    Examples
    --------
    >>> from fastnet.layers import MulLayer
    >>> apples = MulLayer()
    >>> apples.forward(100, 2)
    200
    >>> apples.backward(1.1)
    (2.2, 110.00000000000001)
    """

    def __init__(self) -> None:
        self.x: Any = None
        self.y: Any = None

    def __repr__(self) -> str:
        return shown(self)

    def forward(self, x: Any, y: Any) -> Any:
        """Return the product.

        Parameters
        ----------
        x, y : Any
            Numbers, or arrays of the same shape.

        Returns
        -------
        Any
            ``x * y``.

        Raises
        ------
        TypeError
            If the arguments cannot be multiplied.
        """
        self.x, self.y = x, y
        return x * y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return the gradients with respect to `x` and `y`.

        Parameters
        ----------
        dout : Any
            The gradient with respect to the product.

        Returns
        -------
        tuple
            ``dout * y`` and ``dout * x``.

        Raises
        ------
        ValueError
            If `forward` was not called.
        """
        return dout * kept(self.y, "y"), dout * kept(self.x, "x")


class AddLayer:
    """Add two numbers: the second example of a layer.

    Notes
    -----
    ``out = x + y``; "Deep Learning from Scratch", chapter 5.

    Examples
    --------
    >>> from fastnet.layers import AddLayer
    >>> prices = AddLayer()
    >>> prices.forward(200, 450)
    650
    >>> prices.backward(1.1)
    (1.1, 1.1)
    """

    def __repr__(self) -> str:
        return shown(self)

    def forward(self, x: Any, y: Any) -> Any:
        """Return the sum.

        Parameters
        ----------
        x, y : Any
            Numbers, or arrays of the same shape.

        Returns
        -------
        Any
            ``x + y``.

        Raises
        ------
        TypeError
            If the arguments cannot be added.
        """
        return x + y

    def backward(self, dout: Any) -> tuple[Any, Any]:
        """Return the gradients with respect to `x` and `y`.

        Parameters
        ----------
        dout : Any
            The gradient with respect to the sum.

        Returns
        -------
        tuple
            `dout` twice.

        Raises
        ------
        TypeError
            If `dout` is not a number or an array.
        """
        return dout * 1, dout * 1


class Relu:
    """The layer of the activation ReLU.

    Attributes
    ----------
    mask : ndarray of bool, or None
        Where the last input was at most 0, as in shape of that input. There the gradient is 0.

    Notes
    -----
    ``out = max(0, x)``; "Deep Learning from Scratch", chapter 5. At 0 the layer passes no gradient, unlike `relu_grad`
    of `fastnet.functions`: both follow the book. The book's `backward` modifies `dout`, and this one does not.

    Examples
    --------
    >>> from fastnet.layers import Relu
    >>> relu = Relu()
    >>> print(relu.forward([-1.0, 0.0, 2.0]))
    [0. 0. 2.]
    >>> print(relu.backward([5.0, 5.0, 5.0]))
    [0. 0. 5.]
    """

    def __init__(self) -> None:
        self.mask: Any = None

    def __repr__(self) -> str:
        return shown(self)

    def forward(self, x: npt.ArrayLike) -> FloatArray:
        """Return ``max(0, x)``.

        Parameters
        ----------
        x : array_like, real
            Any shape.

        Returns
        -------
        ndarray
            Same shape as `x`; float dtypes are kept, bool and integers become float64.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        """
        array, dtype = float_array(x, "x")
        out, self.mask = _backend.kernels.relu_with_mask(array)
        result: FloatArray = as_result(out, dtype)
        return result

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to `x`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output, same shape.

        Returns
        -------
        ndarray
            A copy of `dout`, with 0 where `mask` is True, in the same shape; float dtypes are kept.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers.
        ValueError
            If `forward` was not called, or `dout` has another shape.
        """
        mask = self._mask()
        array, dtype = float_array(gradient(dout, mask.shape), "dout")
        dx: FloatArray = as_result(_backend.kernels.zero_where(array, mask), dtype)
        return dx

    def _mask(self) -> BoolArray:
        """Return `mask`, which a program may have written, as the kernels take it."""
        return np.asarray(kept(self.mask, "mask"), bool, order="C")


class Sigmoid:
    """The layer of the activation sigmoid.

    Attributes
    ----------
    out : ndarray, or None
        The last output, as in shape of its input.

    Notes
    -----
    ``out = 1 / (1 + exp(-x))``, and ``dx = dout * (1 - out) * out``; "Deep Learning from Scratch", chapter 5.

    Examples
    --------
    >>> from fastnet.layers import Sigmoid
    >>> sigmoid = Sigmoid()
    >>> print(sigmoid.forward([0.0, 1000.0]))
    [0.5 1. ]
    >>> print(sigmoid.backward([1.0, 1.0]))
    [0.25 0.  ]
    """

    def __init__(self) -> None:
        self.out: Any = None

    def __repr__(self) -> str:
        return shown(self)

    def forward(self, x: npt.ArrayLike) -> FloatArray:
        """Return the sigmoid of `x`.

        Parameters
        ----------
        x : array_like, real
            Any shape.

        Returns
        -------
        ndarray
            Same shape as `x`; float dtypes are kept, bool and integers become float64.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        """
        self.out = functions.sigmoid(x)
        out: FloatArray = self.out
        return out

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to `x`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output: same shape, or one that broadcasts to it, such as 1.

        Returns
        -------
        ndarray
            Same shape; the common float dtype of `dout` and `out`.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers.
        ValueError
            If `forward` was not called, or `dout` has a shape that does not broadcast to it.
        """
        out = np.asarray(kept(self.out, "out"))
        array = gradient(dout, out.shape, broadcast=True)
        with np.errstate(all="ignore"):
            slope = array * (1.0 - out)
            dx: FloatArray = np.multiply(slope, out, out=slope if slope.dtype == out.dtype else None)
        return dx


class Affine:
    """The fully connected layer.

    Parameters
    ----------
    W : ndarray
        The weights, shape ``(D, H)``.
    b : ndarray
        The biases, shape ``(H,)``.

    Attributes
    ----------
    W, b : ndarray
        The parameters, not copied, of shapes ``(D, H)`` and ``(H,)``.
    x : ndarray, or None
        The last input as a matrix, shape ``(N, D)``; not copied.
    original_x_shape : tuple of int, or None
        The shape of the last input.
    dW, db : ndarray, or None
        The gradients with respect to `W` and `b`, shapes ``(D, H)`` and ``(H,)``.

    Raises
    ------
    TypeError, ValueError
        The arguments are checked by `forward`, because a program may replace them.

    Notes
    -----
    ``out = x @ W + b``, ``dx = dout @ W.T``, ``dW = x.T @ dout`` and ``db = sum(dout)`` over the samples;
    "Deep Learning from Scratch", chapter 5.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Affine
    >>> affine = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.0]))
    >>> print(affine.forward([[1, 1], [0, 2]]))
    [[4.5 6. ]
     [6.5 8. ]]
    >>> print(affine.backward([[1.0, 0.0], [0.0, 1.0]]))
    [[1. 3.]
     [2. 4.]]
    >>> print(affine.dW, affine.db)
    [[1. 0.]
     [1. 2.]] [1. 1.]
    """

    def __init__(self, W: Any, b: Any) -> None:
        self.W = W
        self.b = b
        self.x: Any = None
        self.original_x_shape: tuple[int, ...] | None = None
        self.dW: Any = None
        self.db: Any = None

    def __repr__(self) -> str:
        return shown(self, "W", "b")

    def forward(self, x: npt.ArrayLike) -> FloatArray:
        """Return ``x @ W + b``.

        Parameters
        ----------
        x : array_like, real
            N samples of D elements each, shape ``(N, D)``, or ``(N, ...)`` with D elements in each row, for example
            images ``(N, C, H, W)``.

        Returns
        -------
        ndarray
            Shape ``(N, H)``, of the common float dtype of `x`, `W` and `b`.

        Raises
        ------
        TypeError
            If `x`, `W` or `b` does not hold real numbers.
        ValueError
            If the shapes do not fit each other.
        """
        out = _backend.kernels.affine(x, self.W, self.b)
        if out is None:
            return self._converted(x)
        array: Any = x
        self.x = array if array.ndim == 2 else array.reshape(len(array), len(self.W))
        self.original_x_shape = array.shape
        result: FloatArray = out
        return result

    def _converted(self, x: npt.ArrayLike) -> FloatArray:
        """Check and convert the arguments, and do what `forward` does."""
        array, W = real_array(x, "x"), self._weights()
        if array.ndim == 0 or math.prod(array.shape[1:]) != len(W):
            raise ValueError(
                f"x must have shape (N, {len(W)}), or (N, ...) with {len(W)} elements in each sample, for W of shape "
                f"{W.shape}; got shape {array.shape}"
            )
        b = vector(self.b, "b", W.shape[1], f"for W of shape {W.shape}")
        rows = array.reshape(len(array), len(W))
        arrays, dtype = promoted(rows, W, b)
        out: FloatArray = as_result(_backend.kernels.affine(*arrays), dtype)
        self.x, self.original_x_shape = rows, array.shape
        return out

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to `x`, and set `dW` and `db`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output, shape ``(N, H)``.

        Returns
        -------
        ndarray
            The shape of `x`, of the common float dtype of `dout` and `W`.

        Raises
        ------
        TypeError
            If `dout` or `W` does not hold real numbers.
        ValueError
            If `forward` was not called, or the shapes do not fit each other.
        """
        dx, dtype = self._differentiate(dout, True)
        result: FloatArray = as_result(dx.reshape(kept(self.original_x_shape, "original_x_shape")), dtype)
        return result

    def _differentiate(self, dout: npt.ArrayLike, wants_dx: bool) -> tuple[Any, np.dtype[Any]]:
        """Set `dW` and `db`, and return the gradient with respect to the matrix `x`, and the dtype of the results."""
        found = _backend.kernels.affine_gradient(dout, self.x, self.W, wants_dx)
        if found is not None:
            dx, self.dW, self.db = found
            return dx, self.db.dtype
        x, W = real_array(kept(self.x, "x"), "x"), self._weights()
        if x.ndim != 2 or x.shape[1] != len(W):
            raise ValueError(f"x must have shape (N, {len(W)}) for W of shape {W.shape}, got shape {x.shape}")
        (d, x, W), dtype = promoted(gradient(dout, (len(x), W.shape[1])), x, W)
        dx, *gradients = _backend.kernels.affine_gradient(d, x, W, wants_dx)
        self.dW, self.db = (as_result(array, dtype) for array in gradients)
        return dx, dtype

    def _weights(self) -> npt.NDArray[Any]:
        W = real_array(self.W, "W")
        if W.ndim != 2:
            raise ValueError(f"W must have shape (D, H), got shape {W.shape}")
        return W


class Dropout:
    """Drop units at random while training, so that a network cannot rely on single units.

    Parameters
    ----------
    dropout_ratio : float, default 0.5
        The share of the units that is dropped, from 0 to 1.
    seed : int or numpy.random.Generator, optional
        Draws the masks from a private generator. By default, NumPy's global generator draws them. A checkpoint of a
        training keeps the state of the global generator only, and `gradient_check` repeats only its draws.

    Attributes
    ----------
    dropout_ratio : float
        The argument.
    mask : ndarray of bool, or None
        The units that the last training pass kept, as in shape of its input.

    Raises
    ------
    TypeError
        If `dropout_ratio` is not a number, or `seed` is neither an integer nor a generator.
    ValueError
        If `dropout_ratio` is not from 0 to 1, or `seed` is negative.

    Notes
    -----
    In training ``out = x * mask``, with ``mask = np.random.rand(*x.shape) > dropout_ratio`` from NumPy's global
    generator. In use, ``out = x * (1 - dropout_ratio)``; "Deep Learning from Scratch", chapter 6. N. Srivastava et al.,
    "Dropout", 2014. Most libraries divide in training instead (inverted dropout).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dropout
    >>> np.random.seed(0)
    >>> dropout = Dropout(0.5)
    >>> print(dropout.forward(np.ones(6)))
    [1. 1. 1. 1. 0. 1.]
    >>> print(dropout.backward(np.ones(6)))
    [1. 1. 1. 1. 0. 1.]
    >>> print(dropout.forward(np.ones(2), train_flg=False))
    [0.5 0.5]
    """

    _random: RandomSource = None  # NumPy's global generator

    def __init__(self, dropout_ratio: float = 0.5, *, seed: Seed = None) -> None:
        as_fraction(dropout_ratio, "dropout_ratio", includes_one=True)
        if seed is not None:
            self._random = random_source(seed)
        self.dropout_ratio = dropout_ratio
        self.mask: Any = None

    def __repr__(self) -> str:
        return shown(self, "dropout_ratio")

    def forward(self, x: npt.ArrayLike, train_flg: bool = True) -> npt.NDArray[Any]:
        """Drop units, or, if not training, scale all of them.

        Parameters
        ----------
        x : array_like, real
            Any shape.
        train_flg : bool, default True
            Whether to draw a new mask and to drop units.

        Returns
        -------
        ndarray
            Same shape as `x`; float dtypes are kept.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        """
        array = real_array(x, "x")
        with np.errstate(all="ignore"):
            if not train_flg:
                return np.asarray(array * (1.0 - self.dropout_ratio))
            self.mask = random_source(self._random).random(array.shape) > self.dropout_ratio
            return np.asarray(array * self.mask)

    def backward(self, dout: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the gradient with respect to `x`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output: same shape, or one that broadcasts to it, such as 1.

        Returns
        -------
        ndarray
            ``dout * mask``, in the same shape; float dtypes are kept.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers.
        ValueError
            If there was no training pass, or `dout` has a shape that does not broadcast to it.
        """
        mask = np.asarray(kept(self.mask, "mask"))
        with np.errstate(all="ignore"):
            return np.asarray(gradient(dout, mask.shape, broadcast=True) * mask)
