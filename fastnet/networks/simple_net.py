"""The book's first network: one weight matrix and softmax, to show a gradient by numerical differentiation."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _html
from fastnet._checks import (
    FLOAT64,
    FloatArray,
    Seed,
    as_count,
    parameter,
    random_source,
    refuse_empty,
    samples,
    targets,
)
from fastnet.functions import softmax, softmax_loss
from fastnet.gradient import numerical_gradient
from fastnet.networks.architecture import HEAD
from fastnet.networks.weights import cross_entropies, weighted_loss


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

    def __repr__(self) -> str:
        D, C = self._shape
        return f"<SimpleNet {D}-{C}, {D * C:,} parameters, float64>"

    def _repr_html_(self) -> str:
        D, C = self._shape
        rows = [("input", f"{D}", "", ""), ("scores", f"{C}", f"W {D} x {C}", f"{D * C:,}")]
        return _html.table(repr(self).strip("<>"), HEAD, rows)

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

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the cross-entropy of softmax of the scores.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            Targets: ``(N, C)`` or ``(C,)`` one-hot or probabilities, or integer labels.
        sample_weight : array_like, real, optional
            How much each sample counts: ``(N,)``, finite, at least 0 and not all 0; for one sample, a number. By
            default, all count the same.

        Returns
        -------
        numpy.float64
            The mean over the samples, by their weights.

        Raises
        ------
        TypeError
            If `x`, `t` or `sample_weight` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, a target is outside [0, 1], `x` is empty, `W` no longer fits, or a
            weight is not as described above.
        """
        scores = self.predict(x)
        refuse_empty(x, "x")
        loss = softmax_loss(scores, t)  # also checks t
        if sample_weight is not None:
            loss = weighted_loss(cross_entropies, softmax(scores), targets(t, scores), sample_weight)
        return loss

    def numerical_gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4, sample_weight: npt.ArrayLike | None = None
    ) -> FloatArray:
        """Return the gradient of `loss` with respect to `W`, by central differences.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        h : float, default 1e-4
            The step, above 0.
        sample_weight : array_like, real, optional
            As in `loss`.

        Returns
        -------
        ndarray of float64
            ``(D, C)``.

        Raises
        ------
        TypeError, ValueError
            As in `loss`, and if `h` is not a positive number.
        """
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}  # a subclass need not know weights
        return numerical_gradient(lambda _: self.loss(x, t, **weighted), parameter(self.W, "W", self._shape), h)
