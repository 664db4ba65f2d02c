"""Batch normalization."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import FLOAT64, FloatArray, as_fraction, cast, real_array, refuse_empty
from fastnet.layers._shapes import common, gradient, kept, shown, vector
from fastnet.layers.dense import Relu

__all__ = ["BatchNormalization"]

EPS = 10e-7  # the book's


class BatchNormalization:
    """Give every element of a layer's output mean 0 and variance 1 over the batch, then scale and shift it.

    Parameters
    ----------
    gamma, beta : ndarray
        The scale and the shift, shape ``(D,)``.
    momentum : float, default 0.9
        The weight of the old value in the running statistics, from 0 to 1.
    running_mean, running_var : ndarray, optional
        The running statistics, shape ``(D,)``. Without them, both begin at 0.

    Attributes
    ----------
    gamma, beta : ndarray
        The parameters, not copied, of shape ``(D,)``.
    momentum : float
        The argument.
    running_mean, running_var : ndarray, or None
        The statistics that `forward` uses outside of training, float64, shape ``(D,)``. Every training pass replaces
        them.
    input_shape : tuple of int, or None
        The shape of the last input.
    batch_size : int, or None
        N of the last training pass.
    xc, xn, std : ndarray, or None
        Of the last training pass: ``x - mean``, ``xc / std``, both of shape ``(N, D)``, and the standard deviation
        ``(D,)``.
    dgamma, dbeta : ndarray, or None
        The gradients with respect to `gamma` and `beta`, shape ``(D,)``.

    Raises
    ------
    TypeError, ValueError
        The arguments are checked by `forward`, because a program may replace them.

    Notes
    -----
    ``out = gamma * (x - mean) / sqrt(var + 1e-6) + beta``. The variance is that of the batch, divided by N. Images
    ``(N, C, H, W)`` are normalized element by element, D = C H W; "Deep Learning from Scratch", chapters 6 and 7.
    S. Ioffe and C. Szegedy, "Batch Normalization", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import BatchNormalization
    >>> norm = BatchNormalization(np.ones(2), np.zeros(2))
    >>> print(norm.forward([[1.0, 0.0], [3.0, 8.0]]).round(4))
    [[-1. -1.]
     [ 1.  1.]]
    >>> print(norm.running_mean)
    [0.2 0.4]
    >>> print(norm.backward([[1.0, 0.0], [1.0, 0.0]]).round(4), norm.dbeta)
    [[0. 0.]
     [0. 0.]] [2. 0.]
    """

    def __init__(
        self, gamma: Any, beta: Any, momentum: float = 0.9, running_mean: Any = None, running_var: Any = None
    ) -> None:
        self.gamma = gamma
        self.beta = beta
        self.momentum = momentum
        self.input_shape: tuple[int, ...] | None = None
        self.running_mean = running_mean
        self.running_var = running_var
        self.batch_size: int | None = None
        self.xc: Any = None
        self.xn: Any = None
        self.std: Any = None
        self.dgamma: Any = None
        self.dbeta: Any = None

    def __repr__(self) -> str:
        return shown(self, "gamma", "beta", "momentum")

    def forward(self, x: npt.ArrayLike, train_flg: bool = True) -> FloatArray:
        """Normalize with the statistics of the batch, or, if not training, with the running statistics.

        Parameters
        ----------
        x : array_like, real
            A batch, shape ``(N, D)``, or ``(N, ...)`` with D elements in each row.
        train_flg : bool, default True
            Whether to use the batch's own statistics, and to update the running ones.

        Returns
        -------
        ndarray
            Same shape as `x`; float32 if `x`, `gamma` and `beta` are float32, else float64.

        Raises
        ------
        TypeError
            If an array does not hold real numbers, or `momentum` is not a number.
        ValueError
            If the shapes do not fit each other, or in training, a batch is empty or `momentum` is not from 0 to 1.
        """
        return self._forward(x, train_flg, owned=False, relu=None)

    def _forward(self, x: npt.ArrayLike, train_flg: bool, owned: bool, relu: Relu | None) -> FloatArray:
        """Compute `forward`, and that of the ReLU behind it. Nothing else refers to `x` if it is `owned`."""
        out = self._normalized(x, relu) if train_flg else None
        if out is None:
            out = self._converted(x, train_flg, owned)
            if relu is not None:
                out = relu.forward(out)
        return out

    def _normalized(self, x: Any, relu: Relu | None) -> FloatArray | None:
        """Compute a training pass, or return None if an array needs conversion."""
        mask = None if relu is None else np.empty(np.shape(x), bool)
        momentum = as_fraction(self.momentum, "momentum", includes_one=True)
        found = _backend.kernels.normalize(
            x, self.gamma, self.beta, self.running_mean, self.running_var, momentum, EPS, mask
        )
        if found is None:
            return None
        out: FloatArray
        out, self.xn, self.xc, self.running_mean, self.running_var, self.std = found
        self.input_shape, self.batch_size = x.shape, len(x)
        if relu is not None:
            relu.mask = mask
        return out

    def _converted(self, x: npt.ArrayLike, train_flg: bool, owned: bool) -> FloatArray:
        """Check and convert the arguments, and do what `forward` does."""
        array = real_array(x, "x")
        if array.ndim < 2:
            raise ValueError(f"x must have shape (N, D) or (N, C, H, W), got shape {array.shape}")
        D = math.prod(array.shape[1:])
        of = f"for x of shape {array.shape}"
        gamma, beta = vector(self.gamma, "gamma", D, of), vector(self.beta, "beta", D, of)
        rows, gamma, beta = common(array.reshape(len(array), D), gamma, beta)
        mean, var = (
            np.zeros(D) if self.running_mean is None else cast(vector(getattr(self, name), name, D, of), FLOAT64)
            for name in ("running_mean", "running_var")
        )
        if train_flg:
            refuse_empty(array, "x")
            momentum = as_fraction(self.momentum, "momentum", includes_one=True)
            out, self.xn, self.xc, mean, var, self.std = _backend.kernels.normalize(
                rows, gamma, beta, mean, var, momentum, EPS
            )
            self.batch_size = len(rows)
        else:
            with np.errstate(all="ignore"):
                scale = (gamma / np.sqrt(var + EPS)).astype(rows.dtype)
                out = np.subtract(rows, mean.astype(rows.dtype), out=rows if owned else None)
                out *= scale
                out += beta
        if train_flg or self.running_mean is None:
            self.running_mean, self.running_var = mean, var
        self.input_shape = array.shape
        result: FloatArray = out.reshape(array.shape)
        return result

    def backward(self, dout: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to the input of the last training pass, and set `dgamma` and `dbeta`.

        Parameters
        ----------
        dout : array_like, real
            The gradient with respect to the output, same shape.

        Returns
        -------
        ndarray
            Same shape; float32 if all arrays are float32, else float64.

        Raises
        ------
        TypeError
            If `dout` does not hold real numbers.
        ValueError
            If there was no training pass, or the shapes do not fit each other.
        """
        return self._backward(dout, relu=None)

    def _backward(self, dout: Any, relu: Relu | None) -> FloatArray:
        """Compute `backward`, after that of the ReLU behind it."""
        found = None
        if getattr(dout, "shape", None) == self.input_shape and (relu is None or np.shape(relu.mask) == dout.shape):
            mask = None if relu is None else relu._mask()
            found = _backend.kernels.normalize_gradient(dout, self.xn, self.xc, self.gamma, self.std, mask)
        if found is None:
            found = self._converted_gradient(dout if relu is None else relu.backward(dout))
        dx: FloatArray
        dx, self.dgamma, self.dbeta = found
        return dx

    def _converted_gradient(self, dout: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Check and convert the arguments, and return dx, dgamma and dbeta."""
        xn, xc = (real_array(kept(value, name), name) for value, name in ((self.xn, "xn"), (self.xc, "xc")))
        shape = kept(self.input_shape, "input_shape")
        rows = gradient(dout, shape).reshape(shape[0], -1)
        if rows.shape != xn.shape:
            raise ValueError(f"dout has shape {shape}, and the last training pass had {xn.shape[0]} samples")
        of = f"for x of shape {shape}"
        if xc.shape != xn.shape:
            raise ValueError(f"xc must have the shape of xn, {xn.shape}, got shape {xc.shape}")
        gamma = vector(self.gamma, "gamma", xn.shape[1], of)
        std = vector(kept(self.std, "std"), "std", xn.shape[1], of)
        dx, dgamma, dbeta = _backend.kernels.normalize_gradient(*common(rows, xn, xc, gamma, std))
        return dx.reshape(shape), dgamma, dbeta
