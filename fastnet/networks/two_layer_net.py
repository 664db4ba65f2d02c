"""The book's two-layer network: Affine, sigmoid, Affine, softmax.

Shapes: N samples, D inputs, H hidden units, C classes.
"""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FLOAT64,
    FloatArray,
    Seed,
    as_count,
    as_float,
    cast,
    one_hot,
    random_source,
    refuse_empty,
    samples,
    targets,
)
from fastnet._files import PathLike
from fastnet._twins.shared.formulas_numpy import softmax_error
from fastnet.functions import cross_entropy_error, sigmoid, sigmoid_grad, softmax
from fastnet.networks.dense import DenseNetwork, as_batch, layer_sizes, parameter_shapes
from fastnet.networks.files import Read, read_weights, reading
from fastnet.networks.initialization import drawn
from fastnet.networks.network import common_dtype, network_dtype
from fastnet.networks.weights import counted, cross_entropies, divisors, rows, weighted_loss


class TwoLayerNet(DenseNetwork):
    """A network with one hidden layer of sigmoid units and a softmax output.

    Parameters
    ----------
    input_size : int
        D, the number of inputs.
    hidden_size : int
        H, the number of hidden units.
    output_size : int
        C, the number of classes.
    weight_init_std : float, default 0.01
        The standard deviation of the initial weights, at least 0.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        The dtype of the parameters and of the computation.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator. By default, NumPy's global generator draws them in the book's order,
        `W1` then `W2`, so `np.random.seed` reproduces a run of the book's program.

    Attributes
    ----------
    params : dict of str to ndarray
        ``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, C)``, ``b2 (C,)``. You may change or replace them. If one no longer fits,
        the next call raises `ValueError`.
    dtype : numpy.dtype
        float64 or float32.
    classes : list of str or None
        The names of the classes, one for each output. None if you do not set them. `save` keeps them.
    input_shape : tuple of int or None
        The shape of an input before it became a row, such as ``(28, 28)`` for a picture. None if you do not set it.
        `save` keeps it.
    background : float or None
        The brightness of the background of the pictures in training, from 0 (black, as in MNIST) to 1 (white). None if
        you do not set it. `save` keeps it.

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
        self.dtype = network_dtype(dtype)
        random = random_source(seed)
        self._shapes, self._output_size = parameter_shapes(D, H, C), C
        self.params: dict[str, FloatArray] = {
            "W1": drawn(random, std, (D, H), self.dtype),
            "b1": np.zeros(H, self.dtype),
            "W2": drawn(random, std, (H, C), self.dtype),
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
            ``(N, C)``, or ``(C,)`` for one sample, in the network's dtype. Every row sums to 1.

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
        return self._predicted(x, self._arrays(), "sigmoid", "softmax")

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the cross-entropy of the predictions, averaged over the samples.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            Targets: ``(N, C)`` one-hot or probabilities, or integer labels ``(N,)`` or ``(N, 1)``. For one sample, the
            N is left out. The probabilities of a sample need not sum to 1.
        sample_weight : array_like, real, optional
            How much each sample counts: ``(N,)``, finite, at least 0 and not all 0; for one sample, a number. By
            default, all count the same.

        Returns
        -------
        NumPy float scalar
            In the network's dtype.

        Raises
        ------
        TypeError
            If `x`, `t` or `sample_weight` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, a target is outside [0, 1], `x` is empty, a parameter no longer fits, or
            a weight is not as described above.

        See Also
        --------
        fastnet.functions.cross_entropy_error : The loss function.

        Notes
        -----
        With the weights ``w``, the loss is ``sum(w L) / sum(w)``, where ``L`` are the losses of the samples.
        """
        y = self.predict(x)
        refuse_empty(x, "x")
        return self._loss_of(y, t, sample_weight)

    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, by backpropagation.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        sample_weight : array_like, real, optional
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
        trace : Every step of this computation.
        numerical_gradient : The same gradient by central differences.
        """
        return self._backpropagated(x, t, sample_weight, self._arrays(), "sigmoid", "softmax")

    def trace(
        self, x: npt.ArrayLike, t: npt.ArrayLike | None = None, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, Any]:
        """Return every intermediate value by the book's name, for teaching.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real, optional
            Targets as in `loss`.
        sample_weight : array_like, real, optional
            As in `loss`, with `t`.

        Returns
        -------
        dict of str to ndarray
            The forward pass: ``a1 (N, H)``, ``z1 (N, H)``, ``a2 (N, C)``, ``y (N, C)``. With `t` also the backward
            pass: ``loss``, ``dy (N, C)``, ``dW2``, ``db2``, ``dz1 (N, H)``, ``da1 (N, H)``, ``dW1``, ``db1``. Here
            ``dv`` is the derivative of the loss with respect to ``v``. Only ``dy`` is the derivative with respect to
            ``a2``, because the book treats softmax and cross-entropy as one step. All values have the network's dtype.
            For one sample, the N is left out.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        Notes
        -----
        ``dy = (y sum(t) - t) / N``, with the sum over the classes of a sample: ``(y - t) / N`` where it is 1. With
        weights, ``w / sum(w)`` replaces ``1 / N``. ``dW2 = z1.T dy``, ``dz1 = dy W2.T``, ``da1 = dz1 sigmoid'(a1)``,
        ``dW1 = x.T da1``. The gradient of a bias is the sum of ``dy`` or ``da1`` over the samples. The book's editions
        use the names ``dz1`` and ``da1`` differently; here each is the derivative with respect to the variable in its
        name.

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
            if sample_weight is not None:
                raise ValueError("sample_weight needs t: without targets there is no loss")
            return trace
        a1, z1, y = trace["a1"], trace["z1"], trace["y"]
        refuse_empty(x, "x")
        trace["loss"] = self._loss_of(y, t, sample_weight)

        used, _ = counted(sample_weight, y.shape[:-1])
        with np.errstate(all="ignore"):
            dy = softmax_error(y, one_hot(targets(t, y), y), trace["a2"]) / divisors(sample_weight, y)
            trace["dy"] = dy
            trace["dW2"] = rows(z1, used).T @ rows(dy, used)
            trace["db2"] = rows(dy, used).sum(axis=0)
            dz1 = dy @ parameters["W2"].T
            trace["dz1"] = dz1
            da1 = dz1 * sigmoid_grad(a1)
            trace["da1"] = da1
            trace["dW1"] = rows(x, used).T @ rows(da1, used)
            trace["db1"] = rows(da1, used).sum(axis=0)
        return trace

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Return a network with the parameters that `save` wrote.

        Parameters
        ----------
        path : str or path
            A ``.npz`` file that holds ``W1``, ``b1``, ``W2`` and ``b2``, all float64 or all float32.

        Returns
        -------
        TwoLayerNet
            With the sizes and the dtype of the arrays in the file.

        Raises
        ------
        ValueError
            If the file does not hold such a network, or is damaged.
        OSError
            If the file cannot be read.

        See Also
        --------
        save : Write the file.

        Examples
        --------
        >>> import tempfile, os
        >>> from fastnet import TwoLayerNet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.npz")
        ...     TwoLayerNet(2, 3, 2, seed=0).save(path)
        ...     net = TwoLayerNet.load(path)
        >>> net.params["W1"].shape
        (2, 3)
        """
        return cls._load(path, read_weights)

    @classmethod
    def _load(cls, path: PathLike, read: Read) -> Self:
        with reading(path, cls, read) as (params, description):
            D, H, C = layer_sizes(params, 2)
            dtype = common_dtype(params, parameter_shapes(D, H, C))
        network = cls(D, H, C, dtype=dtype, seed=0)  # not inside `reading`: an error of a subclass is not the file's
        network.params = params
        network._take_description(description, path)
        return network

    def _loss_of(self, y: FloatArray, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> Any:
        if sample_weight is None:
            return cross_entropy_error(y, t)
        return weighted_loss(cross_entropies, y, self._targets_in_range(t, y), sample_weight)

    def _formulas(self) -> tuple[str, str, float]:
        return "sigmoid", "softmax", 0.0

    def _differences(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float, sample_weight: npt.ArrayLike | None
    ) -> dict[str, FloatArray] | None:
        y = self.predict(x)
        refuse_empty(x, "x")
        t = self._targets_in_range(t, y)
        # Round to the network's dtype first, as `loss` does.
        x = cast(samples(x, "x", self._shapes["W1"][0], self.dtype), FLOAT64)
        parameters = {name: cast(parameter, FLOAT64) for name, parameter in self._parameters().items()}
        used, weights = counted(sample_weight, y.shape[:-1])
        gradients = _backend.kernels.two_layer_differences(
            np.atleast_2d(x)[used], as_batch(t, FLOAT64)[used], *parameters.values(), h, weights
        )
        return None if gradients is None else dict(zip(parameters, gradients, strict=True))

    def _forward(self, x: FloatArray, parameters: dict[str, FloatArray]) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            a1 = x @ parameters["W1"] + parameters["b1"]
            z1 = sigmoid(a1)
            a2 = z1 @ parameters["W2"] + parameters["b2"]
            y = softmax(a2)
        return {"a1": a1, "z1": z1, "a2": a2, "y": y}

    _own = predict, loss  # the originals, also if someone replaces the methods of the class
