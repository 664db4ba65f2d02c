"""The book's optimizers: what a step does with the gradient."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from fastnet import _backend
from fastnet._checks import FLOAT32, FLOAT64, as_float, is_real, real_array

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
        grads : dict of str to array_like or float
            The gradient by each of `params`, in its shape.

        Raises
        ------
        TypeError
            If `params` or `grads` is not a dict, a parameter is neither an array of floats nor a number, or a gradient
            does not hold real numbers. Nothing has been moved then.
        ValueError
            If a parameter is read-only, a gradient is missing, or its shape does not match. Nothing has been moved
            then.
        """
        gradients = check_gradients(params, grads)
        with np.errstate(all="ignore"):  # a learning rate too large may lead to infinity
            for name, gradient in gradients.items():
                if type(self.lr) is float and _can_descend(params[name], gradient):
                    _backend.kernels.descend(params[name], gradient, self.lr)
                else:
                    params[name] -= self.lr * gradient


def check_gradients(params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients by `params`, each an array or a float.

    It raises where an optimizer could not move every one of `params`, before that has moved any.
    """
    for argument, value, kind in (("params", params, MutableMapping), ("grads", grads, Mapping)):
        if not isinstance(value, kind):
            raise TypeError(f"{argument} must be a dict, got {type(value).__name__}")
    gradients: dict[str, Any] = {}
    for name, param in params.items():
        if name not in grads:
            raise ValueError(f"grads has no {name!r}, which is in params")
        if isinstance(param, np.ndarray):
            if param.dtype.kind != "f":
                raise TypeError(f"params[{name!r}] holds {param.dtype}; an optimizer moves float arrays in place")
            if not param.flags.writeable:
                raise ValueError(f"params[{name!r}] is read-only; an optimizer moves float arrays in place")
        elif not is_real(param):
            raise TypeError(f"params[{name!r}] must be a float array or a number, got {type(param).__name__}")
        gradient = real_array(grads[name], f"grads[{name!r}]")
        if gradient.shape != np.shape(param):
            raise ValueError(
                f"grads[{name!r}] has shape {gradient.shape}, params[{name!r}] has shape {np.shape(param)}"
            )
        gradients[name] = gradient if gradient.ndim else gradient.item()  # so that a Python float stays one
    return gradients


def _can_descend(param: Any, grad: Any) -> bool:
    """Whether the kernel can move `param`, whose shape `grad` has: it makes no array for what is taken away."""
    return (
        type(param) is np.ndarray
        and type(grad) is np.ndarray
        and param.dtype in (FLOAT64, FLOAT32)
        and param.dtype == grad.dtype
        and param.flags.carray  # C-contiguous, aligned, writeable
        and grad.flags.c_contiguous
        and grad.flags.aligned
        and not np.may_share_memory(param, grad)
    )
