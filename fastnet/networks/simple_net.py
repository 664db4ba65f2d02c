"""The book's first network: one weight matrix and softmax, to show a gradient by numerical differentiation."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, Seed, as_count, parameter, random_source, refuse_empty, samples
from fastnet.functions import softmax_loss
from fastnet.gradient import numerical_gradient


class SimpleNet:
    """One weight matrix between the inputs and the scores of the classes.

    Parameters
    ----------
    input_size : int, default 2
        D, the number of inputs.
    output_size : int, default 3
        C, the number of classes.
    seed : int or numpy.random.Generator, optional
        Draws `W` from a private generator. By default, NumPy's global generator draws it, so `np.random.seed` applies.

    Attributes
    ----------
    W : ndarray of float64
        ``(D, C)``, drawn from the standard normal distribution. You may change or replace it.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1.

    Notes
    -----
    "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import SimpleNet
    >>> net = SimpleNet()
    >>> net.W = np.array([[0.5, 1.0, 0.3], [0.7, -0.2, 0.2]])
    >>> x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
    >>> print(net.predict(x))
    [0.93 0.42 0.36]
    >>> print(net.loss(x, t).round(6))
    1.342891
    >>> print(net.numerical_gradient(x, t).round(4))
    [[ 0.277   0.1663 -0.4433]
     [ 0.4155  0.2495 -0.665 ]]
    """

    def __init__(self, input_size: int = 2, output_size: int = 3, *, seed: Seed = None) -> None:
        self._shape = as_count(input_size, "input_size"), as_count(output_size, "output_size")
        self.W: FloatArray = random_source(seed).standard_normal(self._shape)

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the scores ``x W``.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.

        Returns
        -------
        ndarray of float64
            ``(N, C)``, or ``(C,)``: scores, not probabilities.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or `W` no longer fits.
        """
        W = parameter(self.W, "W", self._shape)
        with np.errstate(all="ignore"):
            scores: FloatArray = samples(x, "x", self._shape[0], FLOAT64) @ W
        return scores

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
        """Return the cross-entropy of softmax of the scores.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            Targets: ``(N, C)`` or ``(C,)`` one-hot or probabilities, or integer labels.

        Returns
        -------
        numpy.float64
            The mean over the samples.

        Raises
        ------
        TypeError
            If `x` or `t` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, `x` is empty, or `W` no longer fits.
        """
        scores = self.predict(x)
        refuse_empty(x, "x")
        return softmax_loss(scores, t)

    def numerical_gradient(self, x: npt.ArrayLike, t: npt.ArrayLike) -> FloatArray:
        """Return the gradient of `loss` with respect to `W`, by central differences.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.

        Returns
        -------
        ndarray of float64
            ``(D, C)``.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.
        """
        return numerical_gradient(lambda _: self.loss(x, t), parameter(self.W, "W", self._shape))
