"""The book's optimizers: what a step does with the gradient."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from fastnet._checks import as_float

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent: every parameter takes a step against its gradient.

    Parameters
    ----------
    lr : float, default 0.01
        The learning rate, above 0.

    Attributes
    ----------
    lr : float
        It may be changed between updates.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a positive number.

    Notes
    -----
    ``W <- W - lr * dL/dW``; "Deep Learning from Scratch", chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import SGD
    >>> params = {"W": np.array([1.0, 2.0])}
    >>> SGD(lr=0.1).update(params, {"W": np.array([10.0, -10.0])})
    >>> print(params["W"])
    [0. 3.]
    """

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = as_float(lr, "lr")

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Move the parameters in place.

        Parameters
        ----------
        params : dict of str to ndarray or float
            An array is changed in place; a Python float is replaced in the dict.
        grads : dict of str to ndarray or float
            The gradient by each of `params`, in its shape.

        Raises
        ------
        TypeError
            If a parameter is an array that does not hold floats.
        ValueError
            If a gradient is missing, or its shape is another. Nothing has been moved then.
        """
        check_gradients(params, grads)
        for name in params:
            params[name] -= self.lr * grads[name]


def check_gradients(params: Mapping[str, Any], grads: Mapping[str, Any]) -> None:
    """Raise where an optimizer could not move every one of `params`, before it has moved any."""
    for name, param in params.items():
        if name not in grads:
            raise ValueError(f"grads has no {name!r}, which is in params")
        if isinstance(param, np.ndarray) and param.dtype.kind != "f":
            raise TypeError(f"params[{name!r}] holds {param.dtype}; an optimizer moves float arrays in place")
        if np.shape(grads[name]) != np.shape(param):
            raise ValueError(
                f"grads[{name!r}] has shape {np.shape(grads[name])}, params[{name!r}] has shape {np.shape(param)}"
            )
