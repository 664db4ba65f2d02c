"""The book's two-layer network: Affine, sigmoid, Affine, softmax.

Shapes: N samples, D inputs, H hidden units, C classes.
"""

import zipfile
import zlib
from collections.abc import Mapping
from itertools import combinations
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    FloatArray,
    IntArray,
    Seed,
    as_count,
    as_float,
    cast,
    is_labels,
    minus_targets,
    parameter,
    random_source,
    real_array,
    refuse_empty,
    samples,
    targets,
)
from fastnet._files import PathLike, replacing
from fastnet.functions import cross_entropy_error, sigmoid, sigmoid_grad, softmax
from fastnet.gradient import numerical_gradient

SLICE = 1000  # samples that `accuracy` predicts at a time: all of MNIST would take 376 MB in float64


class TwoLayerNet:
    """A network of one hidden layer of sigmoid units, and softmax at its output.

    Parameters
    ----------
    input_size : int
        D, how many inputs.
    hidden_size : int
        H, how many hidden units.
    output_size : int
        C, how many classes.
    weight_init_std : float, default 0.01
        The standard deviation of the initial weights, from 0 on.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        What the network holds and computes in.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator; by default from NumPy's global one in the book's order, `W1`
        then `W2`, so that `np.random.seed` reproduces a run of the book's program.

    Attributes
    ----------
    params : dict of str to ndarray
        ``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, C)``, ``b2 (C,)``. They may be changed and replaced freely; one that no
        longer fits raises `ValueError` at the next call.
    dtype : numpy.dtype
        float64 or float32.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, `weight_init_std` is negative or not a number, or `dtype` is neither
        float64 nor float32.

    Notes
    -----
    "Deep Learning from Scratch", chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import TwoLayerNet
    >>> net = TwoLayerNet(input_size=4, hidden_size=5, output_size=3, seed=0)
    >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
    >>> net.predict(x).shape
    (4, 3)
    >>> for _ in range(1000):
    ...     grads = net.gradient(x, t)
    ...     for name in net.params:
    ...         net.params[name] -= 1.0 * grads[name]
    >>> print(net.loss(x, t) < 0.1, net.accuracy(x, t))
    True 1.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
        *,
        dtype: npt.DTypeLike = np.float64,
        seed: Seed = None,
    ) -> None:
        D, H = as_count(input_size, "input_size"), as_count(hidden_size, "hidden_size")
        C = as_count(output_size, "output_size")
        std = as_float(weight_init_std, "weight_init_std", positive=False)
        self.dtype = _network_dtype(dtype)
        random = random_source(seed)
        self._shapes = _shapes(D, H, C)
        with np.errstate(all="ignore"):  # inf where `std` is too large, 0 where it is too small
            self.params: dict[str, FloatArray] = {
                "W1": (std * random.standard_normal((D, H))).astype(self.dtype),
                "b1": np.zeros(H, self.dtype),
                "W2": (std * random.standard_normal((H, C))).astype(self.dtype),
                "b2": np.zeros(C, self.dtype),
            }

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the probability of every class.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.

        Returns
        -------
        ndarray
            ``(N, C)``, or ``(C,)``, in the network's dtype; every row sums to 1.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or a parameter no longer fits.

        Notes
        -----
        ``a1 = x W1 + b1``, ``z1 = sigmoid(a1)``, ``a2 = z1 W2 + b2``, ``y = softmax(a2)``.
        """
        x = samples(x, "x", self._shapes["W1"][0], self.dtype, keep_float32=True)
        parameters = self._parameters()
        y: FloatArray | None = _backend.kernels.two_layer_predict(np.atleast_2d(x), *parameters.values())
        if y is None:
            y = self._forward(x, parameters)["y"]
        return y.reshape(*x.shape[:-1], self._shapes["b2"][0])

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
        """Return the cross-entropy of the predictions, averaged over the samples.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            Targets: ``(N, C)`` one-hot or probabilities, or integer labels ``(N,)`` or ``(N, 1)``; without the N for
            one sample.

        Returns
        -------
        NumPy float scalar
            In the network's dtype.

        Raises
        ------
        TypeError
            If `x` or `t` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, `x` is empty, or a parameter no longer fits.

        See Also
        --------
        fastnet.functions.cross_entropy_error : The loss itself.
        """
        y = self.predict(x)
        refuse_empty(x, "x")
        return cross_entropy_error(y, t)

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike) -> float:
        """Return the share of samples whose most probable class is the right one.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`; the right class of a row of probabilities is its largest.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.
        """
        x = real_array(x, "x")
        if x.ndim < 2 or len(x) <= SLICE:
            y = self.predict(x)
        else:
            y = np.concatenate([self.predict(x[i : i + SLICE]) for i in range(0, len(x), SLICE)])
        refuse_empty(x, "x")
        t = targets(t, y)
        right = t if is_labels(t) else t.argmax(axis=-1)
        return float(np.mean(y.argmax(axis=-1) == right))

    def gradient(self, x: npt.ArrayLike, t: npt.ArrayLike) -> dict[str, FloatArray]:
        """Return the gradient of the loss by every parameter, by backpropagation.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.

        Returns
        -------
        dict of str to ndarray
            The names and shapes of `params`, in the network's dtype.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        See Also
        --------
        trace : The steps of this computation, one by one.
        numerical_gradient : The same without any calculus.
        """
        x = samples(x, "x", self._shapes["W1"][0], self.dtype, keep_float32=True)
        parameters = self._parameters()
        refuse_empty(x, "x")
        t = targets(t, np.empty((*x.shape[:-1], self._shapes["b2"][0]), self.dtype))
        gradients = _backend.kernels.two_layer_gradient(np.atleast_2d(x), _as_batch(t), *parameters.values())
        if gradients is None:
            trace = TwoLayerNet.trace(self, x, t)
            return {name: trace["d" + name] for name in parameters}
        return dict(zip(parameters, gradients, strict=True))

    def numerical_gradient(self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4) -> dict[str, FloatArray]:
        """Return the gradient of the loss by every parameter, by central differences.

        Every parameter is moved by +h and by -h, and the loss evaluated at both, but only what the parameter changes is
        computed again. A subclass that overrides `predict` or `loss` gets the gradient of its own loss, by evaluating
        all of it twice for each parameter, which takes thousands of times as long.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        h : float, default 1e-4
            The step, above 0.

        Returns
        -------
        dict of str to ndarray
            The names and shapes of `params`.

        Raises
        ------
        TypeError, ValueError
            As in `loss`, and if `h` is not a positive number.

        See Also
        --------
        fastnet.gradient.numerical_gradient : How it is done for any function.

        Notes
        -----
        The loss is evaluated in float64 also for a float32 network, where its rounding would be most of the difference;
        not so a subclass's own, and not where a number is infinite, NaN or beyond 1e50, or two parameters share memory:
        there all of `loss` is evaluated as it is.
        """
        h = as_float(h, "h")
        views = _fitting(self.params, self._shapes)
        # One parameter that is a part of another moves with it, and only the plain loop sees that.
        apart = not any(np.may_share_memory(one, other) for one, other in combinations(views.values(), 2))
        gradients = self._differences(x, t, h) if apart and not self._has_a_loss_of_its_own() else None
        if gradients is None:
            gradients = {name: numerical_gradient(lambda _: self.loss(x, t), view, h) for name, view in views.items()}
        return {name: cast(gradient, self.dtype) for name, gradient in gradients.items()}

    def _has_a_loss_of_its_own(self) -> bool:
        """Whether a subclass, or this very object, has overridden `predict` or `loss`."""
        return any(
            getattr(method, "__self__", None) is not self or getattr(method, "__func__", None) is not own
            for method, own in zip((self.predict, self.loss), _PREDICT_AND_LOSS, strict=True)
        )

    def _differences(self, x: npt.ArrayLike, t: npt.ArrayLike, h: float) -> dict[str, FloatArray] | None:
        """The central differences without evaluating anew what a parameter does not change.

        None where that cannot tell: some number is not finite, or beyond all bounds.
        """
        y = cast(self.predict(x), FLOAT64)
        refuse_empty(x, "x")
        t = targets(t, y)
        # What the network computes with is rounded to its dtype first, as in `loss`.
        x = cast(samples(x, "x", self._shapes["W1"][0], self.dtype), FLOAT64)
        parameters = {name: cast(parameter, FLOAT64) for name, parameter in self._parameters().items()}
        gradients = _backend.kernels.two_layer_differences(np.atleast_2d(x), _as_batch(t), *parameters.values(), h)
        return None if gradients is None else dict(zip(parameters, gradients, strict=True))

    def trace(self, x: npt.ArrayLike, t: npt.ArrayLike | None = None) -> dict[str, Any]:
        """Return every intermediate value by the book's name, to be shown in class.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real, optional
            Targets as in `loss`.

        Returns
        -------
        dict of str to ndarray
            ``a1 (N, H)``, ``z1 (N, H)``, ``a2 (N, C)``, ``y (N, C)``; and with `t`, on the way back, ``loss``,
            ``dy (N, C)``, ``dW2``, ``db2``, ``dz1 (N, H)``, ``da1 (N, H)``, ``dW1``, ``db1``, where ``dv`` is the
            derivative of the loss by ``v``; ``dy`` is by ``a2``, softmax and cross-entropy being taken as one step, as
            in the book. Without the N for one sample.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        Notes
        -----
        ``dy = (y - t) / N``, ``dW2 = z1' dy``, ``dz1 = dy W2'``, ``da1 = dz1 sigmoid'(a1)``, ``dW1 = x' da1``; a bias
        gets the sum over the samples. The book's editions differ in what they call ``dz1`` and ``da1``; here each is
        the derivative by what its name says.

        Examples
        --------
        >>> from fastnet import TwoLayerNet
        >>> net = TwoLayerNet(2, 3, 2, seed=0)
        >>> list(net.trace([0.5, 1.0]))
        ['a1', 'z1', 'a2', 'y']
        >>> net.trace([[0.5, 1.0]], [1])["dy"].shape
        (1, 2)
        """
        x = samples(x, "x", self._shapes["W1"][0], self.dtype)
        parameters = self._parameters()
        trace = self._forward(x, parameters)
        if t is None:
            return trace
        a1, z1, y = trace["a1"], trace["z1"], trace["y"]
        refuse_empty(x, "x")
        trace["loss"] = cross_entropy_error(y, t)

        rows = np.atleast_2d  # one sample is a batch of one
        with np.errstate(all="ignore"):
            dy = minus_targets(y, targets(t, y)) / len(rows(y))
            trace["dy"] = dy
            trace["dW2"] = rows(z1).T @ rows(dy)
            trace["db2"] = rows(dy).sum(axis=0)
            dz1 = dy @ parameters["W2"].T
            trace["dz1"] = dz1
            da1 = dz1 * sigmoid_grad(a1)
            trace["da1"] = da1
            trace["dW1"] = rows(x).T @ rows(da1)
            trace["db1"] = rows(da1).sum(axis=0)
        return trace

    def save(self, path: PathLike) -> None:
        """Write the parameters to one ``.npz`` file, in the network's dtype.

        The file takes the place of an older one only when it is complete: a crash leaves the old one whole.

        Parameters
        ----------
        path : str or path
            The file, exactly as named: no ending is added.

        Raises
        ------
        ValueError
            If a parameter no longer fits.
        OSError
            If the file cannot be written.

        See Also
        --------
        load : Read it again.

        Examples
        --------
        >>> import tempfile, os
        >>> from fastnet import TwoLayerNet
        >>> net = TwoLayerNet(2, 3, 2, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.npz")
        ...     net.save(path)
        ...     again = TwoLayerNet.load(path)
        >>> bool((again.predict([1, 2]) == net.predict([1, 2])).all())
        True
        """
        arrays: dict[str, Any] = self._parameters()
        with replacing(path) as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Return the network whose parameters `save` wrote.

        Parameters
        ----------
        path : str or path
            A ``.npz`` file that holds ``W1``, ``b1``, ``W2`` and ``b2``, all float64 or all float32.

        Returns
        -------
        TwoLayerNet
            Of the sizes and dtype of the file's arrays.

        Raises
        ------
        ValueError
            If the file is something else, or damaged.
        OSError
            If it cannot be read.
        """
        with open(path, "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    params = {name: arrays[name] for name in arrays}
                W1, W2 = params["W1"], params["W2"]
                D, H, C = W1.shape[0], W1.shape[1], W2.shape[1]
                _fitting(params, _shapes(D, H, C))
                dtype = _network_dtype(W1.dtype)
                if any(param.dtype != dtype for param in params.values()):
                    raise ValueError("its arrays differ in dtype")
                if 0 in (D, H, C):
                    raise ValueError("its arrays are empty")
            except (
                AttributeError, EOFError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError,
                zipfile.BadZipFile, zlib.error,
            ) as error:  # all of them are what zipfile and NumPy raise for one damaged byte or another
                reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
                raise ValueError(f"{path} does not hold the parameters of a {cls.__name__}: {reason}") from None
        network = cls(D, H, C, dtype=dtype, seed=0)  # not in the `try`: what a subclass does wrong is its own error
        network.params = params
        return network

    def _parameters(self) -> dict[str, FloatArray]:
        """`params` in the network's dtype, once each has been found to fit."""
        return {name: cast(view, self.dtype) for name, view in _fitting(self.params, self._shapes).items()}

    def _forward(self, x: FloatArray, parameters: dict[str, FloatArray]) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            a1 = x @ parameters["W1"] + parameters["b1"]
            z1 = sigmoid(a1)
            a2 = z1 @ parameters["W2"] + parameters["b2"]
            y = softmax(a2)
        return {"a1": a1, "z1": z1, "a2": a2, "y": y}


def _shapes(D: int, H: int, C: int) -> dict[str, tuple[int, ...]]:
    return {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}


def _fitting(params: Any, shapes: dict[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """`params` as plain arrays on the user's own memory, once each has been found to fit."""
    if not isinstance(params, Mapping):
        raise ValueError(f"params must be a dict of W1, b1, W2 and b2, got {type(params).__name__}")
    if params.keys() != shapes.keys():
        names = ", ".join(map(repr, params))
        raise ValueError(f"params must hold exactly W1, b1, W2 and b2, got {names or 'none'}")
    return {name: parameter(params[name], f"params[{name!r}]", shape) for name, shape in shapes.items()}


_PREDICT_AND_LOSS = TwoLayerNet.predict, TwoLayerNet.loss  # as they are here, whatever is done to the class later


def _as_batch(t: FloatArray | IntArray) -> FloatArray | IntArray:
    """Targets as `targets` returns them, `(N,)` labels or `(N, C)`, also for one sample."""
    return t.reshape(-1 if is_labels(t) else (-1, t.shape[-1]))


def _network_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        wanted = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):  # all of which NumPy raises for one string or another
        pass
    else:
        if wanted in (FLOAT64, FLOAT32):
            return wanted
    raise TypeError(f"dtype must be float64 or float32, got {dtype!r}")
