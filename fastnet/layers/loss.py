"""The last layer: softmax and cross-entropy."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import functions
from fastnet._checks import FloatArray, minus_targets, real_array, targets
from fastnet.layers._shapes import kept, shown

__all__ = ["SoftmaxWithLoss"]


class SoftmaxWithLoss:
    """Softmax and its cross-entropy loss, as one layer.

    Attributes
    ----------
    loss : float, or None
        The last loss.
    y : ndarray, or None
        The last probabilities, shape ``(N, C)``.
    t : array_like, or None
        The last targets, as in `forward` for `t`.

    Notes
    -----
    ``loss = cross_entropy_error(softmax(x), t)`` with the book's 1e-7, and ``dx = (y - t) / N``; "Deep Learning from
    Scratch", chapter 5. In the book, the loss rounds probabilities in `t` to one label. As in the book, N is ``len(t)``
    in the gradient: that of one sample without a batch, with one-hot targets, is divided by C.

    Examples
    --------
    >>> from fastnet.layers import SoftmaxWithLoss
    >>> last = SoftmaxWithLoss()
    >>> print(round(last.forward([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 4))
    0.6931
    >>> print(last.backward())
    [[-0.25  0.25]
     [ 0.25 -0.25]]
    """

    def __init__(self) -> None:
        self.loss: Any = None
        self.y: Any = None
        self.t: Any = None

    def __repr__(self) -> str:
        return shown(self)

    def forward(self, x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
        """Return the mean loss over the samples.

        Parameters
        ----------
        x : array_like, real
            The scores, shape ``(N, C)``, or ``(C,)`` for one sample.
        t : array_like
            Labels of shape ``(N,)`` or ``(N, 1)``, or one-hot rows or probabilities in the shape of `x`.

        Returns
        -------
        float
            The loss, in the float dtype of `x`; float64 for bool and integers.

        Raises
        ------
        TypeError
            If `x` or `t` does not hold real numbers.
        ValueError
            If the shapes do not fit each other, a label is not in ``[0, C)``, or there is no sample.
        """
        y = functions.softmax(x)
        loss = functions.cross_entropy_error(y, t)
        self.t, self.y, self.loss = t, y, loss
        return loss

    def backward(self, dout: Any = 1) -> FloatArray:  # noqa: ARG002 - the book ignores it too
        """Return the gradient with respect to `x`.

        Parameters
        ----------
        dout : Any, default 1
            Ignored, as in the book: this is the last layer.

        Returns
        -------
        ndarray
            Same shape and dtype as `y`.

        Raises
        ------
        ValueError
            If `forward` was not called.
        """
        y = real_array(kept(self.y, "y"), "y")
        t = targets(kept(self.t, "t"), y)
        with np.errstate(all="ignore"):
            dx: FloatArray = minus_targets(y, t)
            dx /= y.size // y.shape[-1] if y.ndim > 1 else t.size
        return dx
