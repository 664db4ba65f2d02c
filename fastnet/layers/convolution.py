"""Convolution and pooling."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FloatArray,
    IntArray,
    as_count,
    as_images,
    cast,
    labels_in_range,
    narrowest,
    real_array,
    window_positions,
)
from fastnet.layers._shapes import common, gradient, kept, shown, vector
from fastnet.layers.dense import Relu
from fastnet.util import im2col

__all__ = ["Convolution", "Pooling"]


class Convolution:
    """The convolution layer.

    Parameters
    ----------
    W : ndarray
        The filters, shape ``(FN, C, FH, FW)``.
    b : ndarray
        Their biases, shape ``(FN,)``.
    stride : int, default 1
        The step from one position of a filter to the next.
    pad : int, default 0
        The width of the border of zeros around each image.

    Attributes
    ----------
    W, b : ndarray
        The parameters, not copied, of shapes ``(FN, C, FH, FW)`` and ``(FN,)``.
    stride, pad : int
        The arguments.
    x : ndarray, or None
        A copy of the last input, shape ``(N, C, H, W)``.
    col : ndarray, or None
        The windows of `x` as rows, shape ``(N * OH * OW, C * FH * FW)``. It is computed when it is read: the layer does
        not need it. Until then, ``vars(layer)["col"]`` is None.
    col_W : ndarray, or None
        The filters of the last `forward` as columns, shape ``(C * FH * FW, FN)``.
    dW, db : ndarray, or None
        The gradients with respect to `W` and `b`, shapes ``(FN, C, FH, FW)`` and ``(FN,)``.

    Raises
    ------
    TypeError
        If `stride` or `pad` is not an integer.
    ValueError
        If `stride` is less than 1 or `pad` less than 0. `forward` checks the arrays, because a program may replace
        them.

    Notes
    -----
    ``out = im2col(x) @ W.reshape(FN, -1).T + b``, with ``OH = (H + 2 * pad - FH) // stride + 1``, and OW likewise;
    "Deep Learning from Scratch", chapter 7. The book computes in float64 always.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Convolution
    >>> edges = Convolution(np.array([[[[1.0, -1.0]]]]), np.zeros(1))
    >>> print(edges.forward([[[[0, 0, 5, 5]]]]))
    [[[[ 0. -5.  0.]]]]
    >>> print(edges.backward([[[[1.0, 1.0, 1.0]]]]))
    [[[[ 1.  0.  0. -1.]]]]
    >>> print(edges.dW, edges.db)
    [[[[ 5. 10.]]]] [3.]
    """

    def __init__(self, W: Any, b: Any, stride: int = 1, pad: int = 0) -> None:
        self.W = W
        self.b = b
        self.stride = as_count(stride, "stride")
        self.pad = as_count(pad, "pad", least=0)
        self.x: Any = None
        self.col: Any = None
        self.col_W: Any = None
        self.dW: Any = None
        self.db: Any = None

    def __repr__(self) -> str:
        return shown(self, "W", "b", "stride", "pad")

    def forward(self, x: npt.ArrayLike) -> FloatArray:
        """Return the outputs of all filters.

        Parameters
        ----------
        x : array_like, real
            Images, shape ``(N, C, H, W)``.

        Returns
        -------
        ndarray
            Shape ``(N, FN, OH, OW)``; float32 if `x`, `W` and `b` are float32, else float64.

        Raises
        ------
        TypeError
            If an array does not hold real numbers.
        ValueError
            If the shapes do not fit each other, or a filter does not fit into the image with its padding.
        """
        return self._forward(x, owned=False, relu=None)

    def _forward(self, x: npt.ArrayLike, owned: bool, relu: Relu | None) -> FloatArray:
        """Compute `forward`, and that of the ReLU behind it. Keep `x` without a copy if nothing else refers to it."""
        array, W = as_images(x, "x"), real_array(self.W, "W")
        shape = self._output_shape(array, W)
        b = vector(self.b, "b", len(W), f"for W of shape {W.shape}")
        mask = None if relu is None else np.empty(shape, bool)
        out: FloatArray = _backend.kernels.convolution(*common(array, W, b), self.stride, self.pad, mask)
        if relu is not None:
            relu.mask = mask
        # The program may change its array before `backward`, as the book, which keeps col, allows.
        self.x = x if owned else np.array(x)
        self.col, self.col_W = None, W.reshape(len(W), W[:1].size).T
        return out

    @property
    def col(self) -> Any:
        attributes = vars(self)
        if attributes.get("col") is None and self._images() is not None:
            FH, FW = np.shape(self.W)[2:]
            attributes["col"] = im2col(self._images(), FH, FW, self.stride, self.pad)
        return attributes.get("col")

    @col.setter
    def col(self, value: Any) -> None:
        vars(self)["col"] = value  # as for the book's plain attribute

    def _images(self) -> Any:
        """Return the images of the last `forward`, as they were."""
        return vars(self).get("x")

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to `x`, and set `dW` and `db`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output, shape ``(N, FN, OH, OW)``.

        Returns
        -------
        ndarray
            The shape of `x`; float32 if all arrays are float32, else float64.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers.
        ValueError
            If `forward` was not called, or the shapes do not fit each other.
        """
        dx: FloatArray = self._backward(dout, wants_dx=True, relu=None)
        return dx

    def _backward(self, dout: npt.ArrayLike, wants_dx: bool, relu: Relu | None) -> Any:
        """Compute `backward`, after that of the ReLU behind it. Return None for a gradient that is not wanted."""
        x = as_images(kept(self._images(), "x"), "x")
        W = real_array(kept(self.col_W, "col_W"), "col_W").T.reshape(np.shape(self.W))
        shape, mask = self._output_shape(x, W), None if relu is None else relu._mask()
        d, x, W = common(gradient(dout, shape if mask is None else mask.shape), x, W)
        if d.shape != shape:
            raise ValueError(f"dout must have the shape of the output, {shape}, got shape {d.shape}")
        dx, self.dW, self.db = _backend.kernels.convolution_gradient(d, x, W, self.stride, self.pad, wants_dx, mask)
        if vars(self).get("col") is not None:  # it was read, and may have been changed
            if mask is not None:
                d = _backend.kernels.zero_where(d, mask)
            with np.errstate(all="ignore"):
                dW = np.dot(d.transpose(1, 0, 2, 3).reshape(len(W), len(self.col)), self.col)
            self.dW = dW.reshape(W.shape)
        return dx

    def _output_shape(self, x: FloatArray, W: npt.NDArray[Any]) -> tuple[int, ...]:
        if W.ndim != 4 or W.shape[1] != x.shape[1]:
            raise ValueError(
                f"W must have shape (FN, {x.shape[1]}, FH, FW) for x of shape {x.shape}, got shape {W.shape}"
            )
        FH, FW = W.shape[2:]
        return len(x), len(W), *window_positions(x.shape, FH, FW, self.stride, self.pad, "filter")


class Pooling:
    """The max pooling layer.

    Parameters
    ----------
    pool_h, pool_w : int
        The size of a window.
    stride : int, default 2
        The step from one window to the next.
    pad : int, default 0
        The width of the border of zeros around each image.

    Attributes
    ----------
    pool_h, pool_w, stride, pad : int
        The arguments.
    x : array_like, or None
        The last input, shape ``(N, C, H, W)``.
    arg_max : ndarray of int, or None
        The number of the largest element in each window, shape ``(N * OH * OW * C,)``, in this order. It is computed
        when it is read: until then, ``vars(layer)["arg_max"]`` is None.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If `pad` is less than 0, or another argument less than 1.

    Notes
    -----
    ``out = max(x in the window)``; of equal elements, the first gets the gradient. ``OH = (H - pool_h) // stride + 1``,
    and OW likewise; "Deep Learning from Scratch", chapter 7. As in the book, this size ignores `pad`, so only a `pad`
    that changes no size is possible.

    Examples
    --------
    >>> from fastnet.layers import Pooling
    >>> pooling = Pooling(2, 2)
    >>> print(pooling.forward([[[[1, 2, 3, 4], [8, 7, 6, 5]]]]))
    [[[[8. 6.]]]]
    >>> print(pooling.backward([[[[10.0, 20.0]]]]))
    [[[[ 0.  0.  0.  0.]
       [10.  0. 20.  0.]]]]
    """

    _where: Any = None  # `arg_max` in the order of the output; here, because the book's pickled layers have none
    _pool: Any = None  # (pool_h, pool_w) of `_where`

    def __init__(self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0) -> None:
        self.pool_h = as_count(pool_h, "pool_h")
        self.pool_w = as_count(pool_w, "pool_w")
        self.stride = as_count(stride, "stride")
        self.pad = as_count(pad, "pad", least=0)
        self.x: Any = None
        self.arg_max: Any = None

    def __repr__(self) -> str:
        return shown(self, "pool_h", "pool_w", "stride", "pad")

    def forward(self, x: npt.ArrayLike) -> FloatArray:
        """Return the largest element of each window.

        Parameters
        ----------
        x : array_like, real
            Images, shape ``(N, C, H, W)``.

        Returns
        -------
        ndarray
            Shape ``(N, C, OH, OW)``; float32 if `x` is float32, else float64.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If `x` does not have four dimensions, or the window does not fit.
        """
        array = as_images(x, "x")
        self._positions(array.shape)
        out: FloatArray
        out, self._where = _backend.kernels.pooling(array, self.pool_h, self.pool_w, self.stride, self.pad)
        self.x, self.arg_max, self._pool = x, None, (self.pool_h, self.pool_w)
        return out

    @property
    def arg_max(self) -> Any:
        attributes = vars(self)
        if attributes.get("arg_max") is None and self._where is not None:
            attributes["arg_max"] = self._where.transpose(0, 2, 3, 1).reshape(-1).astype(np.intp)
        return attributes.get("arg_max")

    @arg_max.setter
    def arg_max(self, value: Any) -> None:
        vars(self)["arg_max"] = value  # as for the book's plain attribute

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to `x`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output, shape ``(N, C, OH, OW)``.

        Returns
        -------
        ndarray
            The shape of `x`; float32 if `dout` is float32, else float64.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers, or a program has written an ``arg_max`` that holds no integers.
        ValueError
            If `forward` was not called, or `dout` has another shape.
        """
        x_shape = np.shape(kept(self.x, "x"))
        N, C, *_ = x_shape
        OH, OW = self._positions(x_shape)
        d = gradient(dout, (N, C, OH, OW))
        if vars(self).get("arg_max") is not None:  # it was read, and may have been changed
            numbers = real_array(self.arg_max, "arg_max")
            if numbers.dtype.kind not in "iu":
                raise TypeError(f"arg_max must hold integers, got dtype {numbers.dtype}")
            if numbers.size != d.size:
                raise ValueError(f"arg_max must have shape ({d.size},), got shape {numbers.shape}")
            numbers = numbers.reshape(N, OH, OW, C).transpose(0, 3, 1, 2)
            where: IntArray = labels_in_range(numbers, self.pool_h * self.pool_w, "arg_max").astype(np.intc, order="C")
        else:
            where = kept(self._where, "arg_max")
            if where.shape != d.shape or self._pool != (self.pool_h, self.pool_w):
                raise ValueError("x, pool_h or pool_w was replaced after forward: call forward again")
        d = cast(d, narrowest(d))
        dx: FloatArray = _backend.kernels.pooling_gradient(
            d, where, x_shape, self.pool_h, self.pool_w, self.stride, self.pad
        )
        return dx

    def _positions(self, shape: tuple[int, ...]) -> tuple[int, int]:
        positions = window_positions(shape, self.pool_h, self.pool_w, self.stride, self.pad, "pool")
        pools = (self.pool_h, self.pool_w)
        sizes = tuple(int(1 + (size - pool) / self.stride) for size, pool in zip(shape[2:], pools, strict=True))
        if positions != sizes:
            raise ValueError(
                f"pad {self.pad} gives {positions[0]} x {positions[1]} windows, but the output size, which ignores "
                f"pad, is {sizes[0]} x {sizes[1]}: use pad=0, as the book does"
            )
        return positions
