"""The book's network with any number of layers, for classes, for yes-or-no questions, and for numbers.

Shapes: N samples, D inputs, C outputs, H units in a hidden layer, L layers with weights.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FLOAT64,
    FloatArray,
    IntArray,
    Seed,
    as_count,
    as_float,
    cast,
    numbers_like,
    one_hot,
    random_source,
    refuse_empty,
    refuse_outside,
    samples,
    targets,
)
from fastnet._files import PathLike
from fastnet._twins.shared import formulas_numpy as formulas
from fastnet.functions import (
    binary_cross_entropy,
    cross_entropy_error,
    elu,
    elu_grad,
    identity_function,
    leaky_relu,
    leaky_relu_grad,
    mean_squared_error,
    relu,
    sigmoid,
    sigmoid_grad,
    softmax,
    tanh,
    tanh_grad,
)
from fastnet.networks.dense import DenseNetwork, as_batch, layer_sizes, parameter_shapes
from fastnet.networks.files import Read, read_weights, reading
from fastnet.networks.initialization import deviation, drawn, hidden_sizes
from fastnet.networks.network import NoAccuracyError, common_dtype, network_dtype, overrides
from fastnet.networks.weights import (
    binary_cross_entropies,
    counted,
    cross_entropies,
    divisors,
    rows,
    share,
    squared_errors,
    weighted_loss,
)

__all__ = ["MultiLayerNet"]


class Activation(NamedTuple):
    """What follows every hidden layer: z = function(a), and dz/da = slope(a)."""

    function: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]


class Output(NamedTuple):
    """What follows the last layer: y = function(a); the loss of y, and the losses of its samples."""

    function: Callable[[FloatArray], FloatArray]
    loss: Callable[[FloatArray, Any], Any]
    losses: Callable[[FloatArray, Any], FloatArray]


class Settings(NamedTuple):
    """The settings of a network besides its parameters, checked."""

    activation: str
    output: str
    weight_decay_lambda: float


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": Activation(relu, formulas.relu_slope),  # the slope of the book's Relu layer
    "sigmoid": Activation(sigmoid, sigmoid_grad),
    "tanh": Activation(tanh, tanh_grad),
    "leaky_relu": Activation(leaky_relu, leaky_relu_grad),
    "elu": Activation(elu, elu_grad),
    "identity": Activation(identity_function, np.ones_like),
}


def mean_squared_error_of_probabilities(y: FloatArray, t: Any) -> Any:
    refuse_outside(t, y.dtype)  # mean_squared_error takes any numbers
    return mean_squared_error(y, t)


OUTPUTS: Mapping[str, Output] = {
    "softmax": Output(softmax, cross_entropy_error, cross_entropies),
    "sigmoid": Output(sigmoid, binary_cross_entropy, binary_cross_entropies),
    "sigmoid_mse": Output(sigmoid, mean_squared_error_of_probabilities, squared_errors),
    "identity": Output(identity_function, mean_squared_error, squared_errors),
}
ALIASES = {"linear": "identity"}


class MultiLayerNet(DenseNetwork):
    """A network with any number of hidden layers, whose output determines its loss.

    Parameters
    ----------
    input_size : int
        D, the number of inputs.
    hidden_size_list : sequence of int
        The number of units of each hidden layer. An empty list gives a linear model.
    output_size : int
        C, the number of outputs.
    activation : {"relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"}, default "relu"
        The activation of every hidden layer, in upper or lower case. "linear" is another name for "identity".
        `leaky_relu` and `elu` are those of `fastnet.functions`, with the default `slope` and `alpha`.
    weight_init_std : float or str, default "relu"
        The standard deviation of the initial weights, at least 0; or a word, in upper or lower case: "relu" or "he" for
        ``sqrt(2 / n)``, "sigmoid" or "xavier" for ``sqrt(1 / n)``, where n is the number of inputs of the layer.
    weight_decay_lambda : float, default 0
        The strength of the weight decay (L2 regularization), at least 0.
    output : {"softmax", "sigmoid", "sigmoid_mse", "identity"}, default "softmax"
        The activation of the output, and the loss: "softmax" for one of C classes, with the cross-entropy; "sigmoid"
        for C yes-or-no answers, with the binary cross-entropy; "sigmoid_mse" for the same answers, with the mean
        squared error; "identity" for C numbers, with the mean squared error.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        The dtype of the parameters and of the computation.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator. By default, NumPy's global generator draws them in the book's order,
        `W1`, `W2` and so on, so `np.random.seed` reproduces a run of the book's program.

    Attributes
    ----------
    params : dict of str to ndarray
        ``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, H)``, ... to the last layer's ``(H, C)`` and ``(C,)``. You may change or
        replace them. If one no longer fits, the next call raises `ValueError`.
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
    activation, output : str
        As above, in lower case. You may change them.
    weight_decay_lambda : float
        As above. You may change it.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, a name is not in the lists above, a number is negative or not finite,
        or `dtype` is neither float64 nor float32.

    See Also
    --------
    TwoLayerNet : One hidden layer of sigmoid units, and a softmax output.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6 and ``common/multi_layer_net.py``. The book's network has the
    activations "relu" and "sigmoid", and the output "softmax". He et al., "Delving Deep into Rectifiers" (2015), and
    Glorot and Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural Networks" (2010), for the scale
    of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import MultiLayerNet
    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])  # exclusive or
    >>> net = MultiLayerNet(2, [8, 8], 1, activation="tanh", output="sigmoid", weight_init_std="xavier", seed=0)
    >>> for _ in range(500):
    ...     grads = net.gradient(x, t)
    ...     for name in net.params:
    ...         net.params[name] -= 0.5 * grads[name]
    >>> print(net.loss(x, t) < 0.1, net.accuracy(x, t))
    True 1.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        *,
        output: Literal["softmax", "sigmoid", "sigmoid_mse", "identity"] = "softmax",
        dtype: npt.DTypeLike = np.float64,
        seed: Seed = None,
    ) -> None:
        D, C = as_count(input_size, "input_size"), as_count(output_size, "output_size")
        self._shapes, self._output_size = parameter_shapes(D, *hidden_sizes(hidden_size_list), C), C
        settings = _settings(activation, output, weight_decay_lambda)
        self.activation: str = settings.activation
        self.output: str = settings.output
        self.weight_decay_lambda: float = settings.weight_decay_lambda
        std = deviation(weight_init_std)
        self.dtype = network_dtype(dtype)
        random = random_source(seed)
        self.params: dict[str, FloatArray] = {}
        for name, shape in self._shapes.items():
            is_weight = len(shape) == 2
            self.params[name] = (
                drawn(random, std(shape[0]), shape, self.dtype) if is_weight else np.zeros(shape, self.dtype)
            )

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the output of the network.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.

        Returns
        -------
        ndarray
            ``(N, C)``, or ``(C,)`` for one sample, in the network's dtype. With the output "softmax", the probability
            of every class; with "sigmoid" and "sigmoid_mse", the probability that each answer is yes; with "identity",
            numbers.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or a parameter or a setting no longer fits.

        Notes
        -----
        ``a1 = x W1 + b1``, ``z1 = activation(a1)``, ``a2 = z1 W2 + b2``, ..., ``y = output(aL)``.

        Examples
        --------
        >>> from fastnet import MultiLayerNet
        >>> net = MultiLayerNet(4, [5, 5], 3, seed=0)
        >>> print(net.predict([0.0, 0.0, 0.0, 0.0]).round(4))
        [0.3333 0.3333 0.3333]
        """
        arrays = self._arrays()
        activation, output, _ = self._checked()
        return self._predicted(x, arrays, activation, output)

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the loss that belongs to the output, plus the weight decay.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            With the output "softmax", ``(N, C)`` one-hot or probabilities, or integer labels ``(N,)`` or ``(N, 1)``.
            With the other outputs, numbers ``(N, C)``, and if C is 1 also ``(N,)``. With "sigmoid" and "sigmoid_mse",
            1 is yes and 0 is no; probabilities are allowed. For one sample, the N is left out.
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
            If a shape or a label does not fit, a target is outside [0, 1] and the output is not "identity", `x` is
            empty, a parameter or a setting no longer fits, or a weight is not as described above.

        See Also
        --------
        fastnet.functions.cross_entropy_error : The loss with "softmax".
        fastnet.functions.binary_cross_entropy : The loss with "sigmoid".
        fastnet.functions.mean_squared_error : The loss with "sigmoid_mse" and "identity".

        Notes
        -----
        The loss is the mean over the samples, plus ``weight_decay_lambda / 2`` times the sum of the squares of every
        weight matrix. With the sample weights ``w``, the mean is ``sum(w L) / sum(w)``, where ``L`` are the losses of
        the samples. The cross-entropies have the book's 1e-7 in the logarithm. So a network with one hidden layer of
        sigmoid units and the output "softmax" has the same loss as a `TwoLayerNet` with the same parameters.
        """
        y = self.predict(x)
        refuse_empty(x, "x")
        return self._loss_of(y, t, sample_weight, self._parameters())

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the fraction of right answers.

        With the output "softmax", a sample has one answer: its most probable class. With "sigmoid" and "sigmoid_mse",
        it has C answers: yes where the probability is above 0.5, else no.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`. With "softmax", the largest value in a row of `t` marks the right class. With "sigmoid" and
            "sigmoid_mse", yes is right where `t` is above 0.5.
        sample_weight : array_like, real, optional
            As in `loss`: the mean over the samples is by their weights.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As in `loss`, and `ValueError` if the output is "identity": its numbers have no right or wrong answer.
        """
        output = self._checked().output
        if output == "softmax":
            return super().accuracy(x, t, sample_weight)
        if output == "identity":
            raise NoAccuracyError("accuracy counts right answers, but output 'identity' gives numbers: use loss")
        y = self._predict_in_chunks(x)
        right = np.where(self._targets_in_range(t, y) > 0.5, y > 0.5, y <= 0.5)  # NaN is never right
        return share(right if sample_weight is None else right.mean(axis=-1), sample_weight)

    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, by backpropagation.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        sample_weight : array_like, real, optional
            As in `loss`. The weight decay does not depend on it.

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

        Notes
        -----
        As in the book, the gradient ignores the 1e-7 in the logarithms, and the gradient of "relu" is 0 at 0.
        """
        arrays = self._arrays()
        activation, output, decay = self._checked()
        gradients = self._backpropagated(x, t, sample_weight, arrays, activation, output)
        _decay(gradients, arrays, decay)
        return gradients

    def loss_and_gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> tuple[Any, dict[str, FloatArray]]:
        """Return what `loss` and what `gradient` return, in little more time than `gradient` alone.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        sample_weight : array_like, real, optional
            As in `loss`.

        Returns
        -------
        loss : NumPy float scalar
            In the network's dtype.
        gradient : dict of str to ndarray
            The names and shapes of `params`, in the network's dtype.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        Notes
        -----
        Both begin with the predictions. This method computes them once.

        Examples
        --------
        >>> from fastnet import MultiLayerNet
        >>> net = MultiLayerNet(2, [3], 2, seed=0)
        >>> x, t = [[0.5, 1.0]], [1]
        >>> loss, gradient = net.loss_and_gradient(x, t)
        >>> print(loss == net.loss(x, t), list(gradient))
        True ['W1', 'b1', 'W2', 'b2']
        """
        arrays = self._arrays()
        activation, output, decay = self._checked()
        gradients = None
        if not overrides(self, self._own_with_gradient):
            y = np.empty((*getattr(x, "shape", ())[:1], self._output_size), self.dtype)
            gradients = _backend.kernels.network_gradient(x, t, arrays, activation, output, sample_weight, y)
        if gradients is None:  # an argument needs conversion, or is invalid
            weighted = {} if sample_weight is None else {"sample_weight": sample_weight}  # a subclass need not know it
            return self.loss(x, t, **weighted), self.gradient(x, t, **weighted)
        if sample_weight is None:
            loss = OUTPUTS[output].loss(y, t)
        else:
            loss = weighted_loss(OUTPUTS[output].losses, y, np.asarray(t), sample_weight)
        gradient = dict(zip(self._shapes, gradients, strict=True))
        _decay(gradient, arrays, decay)
        return self._decayed(loss, arrays, decay), gradient

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
            The forward pass: ``a1 (N, H)``, ``z1 (N, H)``, ``a2``, ..., ``aL (N, C)``, ``y (N, C)``. With `t` also the
            backward pass: ``loss``, ``dy (N, C)``, ``dWL``, ``dbL``, then for every hidden layer ``dz``, ``da``,
            ``dW``, ``db``, down to ``db1``. Here ``dv`` is the derivative of the loss with respect to ``v``. Only
            ``dy`` is the derivative with respect to ``aL``, because the book treats the output and its loss as one
            step. All values have the network's dtype. For one sample, the N is left out.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        Notes
        -----
        ``dy = (y sum(t) - t) / N`` with the output "softmax", where the sum is over the classes of a sample: if it is
        1, this is ``(y - t) / N``. With "sigmoid", ``dy = (y - t) / (N C)``; with "sigmoid_mse",
        ``dy = 2 (y - t) y (1 - y) / (N C)``; with "identity", ``dy = 2 (y - t) / (N C)``. With sample weights,
        ``w / sum(w)`` replaces ``1 / N``. For a layer with the input ``z``: ``dW = z.T da + weight_decay_lambda W``,
        ``dz = da W.T``, and for the layer before it ``da = dz activation'(a)``. The last layer has ``dy`` in place of
        ``da``. The gradient of a bias is the sum of ``da`` over the samples.

        Examples
        --------
        >>> from fastnet import MultiLayerNet
        >>> net = MultiLayerNet(2, [3, 4], 2, seed=0)
        >>> list(net.trace([0.5, 1.0]))
        ['a1', 'z1', 'a2', 'z2', 'a3', 'y']
        >>> net.trace([[0.5, 1.0]], [1])["dz1"].shape
        (1, 3)
        """
        x = samples(x, "x", self._shapes["W1"][0], self.dtype)
        parameters = self._parameters()
        trace = self._forward(x, parameters)
        if t is None:
            if sample_weight is not None:
                raise ValueError("sample_weight needs t: without targets there is no loss")
            return trace
        refuse_empty(x, "x")
        y, last = trace["y"], len(self._shapes) // 2
        trace["loss"] = self._loss_of(y, t, sample_weight, parameters)

        activation, output, decay = self._checked()
        formula = formulas.OUTPUTS[output]
        used, _ = counted(sample_weight, y.shape[:-1])
        with np.errstate(all="ignore"):
            da = formula.error(y, one_hot(self._targets(t, y), y), trace[f"a{last}"])
            da = da / np.asarray(formula.divisor(divisors(sample_weight, y), y.shape[-1]), self.dtype)
            trace["dy"] = da
            for layer in range(last, 0, -1):
                W, z = parameters[f"W{layer}"], trace[f"z{layer - 1}"] if layer > 1 else x
                trace[f"dW{layer}"] = rows(z, used).T @ rows(da, used)
                if decay:
                    trace[f"dW{layer}"] += decay * W
                trace[f"db{layer}"] = rows(da, used).sum(axis=0)
                if layer > 1:
                    dz = da @ W.T
                    trace[f"dz{layer - 1}"] = dz
                    da = dz * ACTIVATIONS[activation].slope(trace[f"a{layer - 1}"])
                    trace[f"da{layer - 1}"] = da
        return trace

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Return a network with the parameters and settings that `save` wrote.

        Parameters
        ----------
        path : str or path
            A ``.npz`` file that holds ``W1``, ``b1`` and so on, all float64 or all float32, and ``activation``,
            ``output`` and ``weight_decay_lambda``.

        Returns
        -------
        MultiLayerNet
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
        >>> from fastnet import MultiLayerNet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.npz")
        ...     MultiLayerNet(2, [3], 2, seed=0).save(path)
        ...     net = MultiLayerNet.load(path)
        >>> net.params["W1"].shape
        (2, 3)
        """
        return cls._load(path, read_weights)

    @classmethod
    def _load(cls, path: PathLike, read: Read) -> Self:
        with reading(path, cls, read) as (arrays, description):
            settings = _settings(*(arrays.pop(name).item() for name in ("activation", "output", "weight_decay_lambda")))
            D, *sizes = layer_sizes(arrays, len(arrays) // 2)
            shapes = parameter_shapes(D, *sizes)
            dtype = common_dtype(arrays, shapes)
        # Not inside `reading`: an error of a subclass is not the file's.
        network = cls(D, sizes[:-1], sizes[-1], dtype=dtype, seed=0, **settings._asdict())
        network.params = {name: arrays[name] for name in shapes}
        network._take_description(description, path)
        return network

    def _checked(self) -> Settings:
        """Check and return the current settings: the user may have changed them."""
        return _settings(self.activation, self.output, self.weight_decay_lambda)

    def _formulas(self) -> tuple[str, str, float]:
        return self._checked()

    def _settings(self) -> dict[str, Any]:
        return self._checked()._asdict()

    def _differences(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float, sample_weight: npt.ArrayLike | None
    ) -> dict[str, FloatArray] | None:
        y = self.predict(x)
        refuse_empty(x, "x")
        t = self._targets_in_range(t, y)
        activation, output, decay = self._checked()
        # Round to the network's dtype first, as `loss` does.
        x = cast(samples(x, "x", self._shapes["W1"][0], self.dtype), FLOAT64)
        parameters = {name: cast(parameter, FLOAT64) for name, parameter in self._parameters().items()}
        used, weights = counted(sample_weight, y.shape[:-1])
        differences = _backend.kernels.layer_differences(
            np.atleast_2d(x)[used], as_batch(t, FLOAT64)[used], tuple(parameters.values()), activation, output, h,
            weights,
        )
        if differences is None:
            return None
        gradients: dict[str, FloatArray] = dict(zip(parameters, differences, strict=True))
        _decay(gradients, parameters.values(), decay)  # exact: ((w + h)^2 - (w - h)^2) / 4h = w
        return gradients

    def _targets(self, t: npt.ArrayLike, y: FloatArray) -> FloatArray | IntArray:
        output = self._checked().output
        return targets(t, y) if output == "softmax" else numbers_like(y, t, binary=output != "identity")

    def _takes_any_numbers(self) -> bool:
        return self._checked().output == "identity"

    def _loss_of(
        self, y: FloatArray, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None, parameters: dict[str, FloatArray]
    ) -> Any:
        _, output, decay = self._checked()
        if sample_weight is not None:
            loss = weighted_loss(OUTPUTS[output].losses, y, self._targets_in_range(t, y), sample_weight)
        else:
            if output != "softmax":
                self._targets(t, y)  # refuses labels, which the loss alone would take
            loss = OUTPUTS[output].loss(y, t)
        return self._decayed(loss, parameters.values(), decay)

    def _decayed(self, loss: Any, parameters: Iterable[FloatArray], decay: float) -> Any:
        """Return the loss plus the weight decay."""
        if not decay:
            return loss
        squares = sum(_backend.kernels.sum_of_squares(W) for W in parameters if W.ndim == 2)
        with np.errstate(all="ignore"):
            return self.dtype.type(loss + 0.5 * decay * squares)

    def _forward(self, x: FloatArray, parameters: dict[str, FloatArray]) -> dict[str, Any]:
        activation, output, _ = self._checked()
        trace: dict[str, Any] = {}
        z, last = x, len(parameters) // 2
        with np.errstate(all="ignore"):
            for layer in range(1, last + 1):
                a = z @ parameters[f"W{layer}"] + parameters[f"b{layer}"]
                trace[f"a{layer}"] = a
                if layer < last:
                    z = trace[f"z{layer}"] = ACTIVATIONS[activation].function(a)
            trace["y"] = OUTPUTS[output].function(a)
        return trace

    _own = predict, loss  # the originals, also if someone replaces the methods of the class
    _own_with_gradient = *_own, gradient


def _settings(activation: Any, output: Any, weight_decay_lambda: Any) -> Settings:
    return Settings(
        _one_of(ACTIVATIONS, activation, "activation"),
        _one_of(OUTPUTS, output, "output"),
        as_float(weight_decay_lambda, "weight_decay_lambda", positive=False),
    )


def _decay(gradients: dict[str, FloatArray], parameters: Iterable[FloatArray], weight_decay_lambda: float) -> None:
    """Add the gradient of the weight decay to `gradients`, which are in the order of `parameters`."""
    if weight_decay_lambda:
        for gradient, parameter in zip(gradients.values(), parameters, strict=True):
            if parameter.ndim == 2:
                _backend.kernels.add_decay(gradient, parameter, weight_decay_lambda)


def _one_of(known: Mapping[str, Any], word: Any, name: str) -> str:
    """Return the word in lower case, with an alias replaced by its name."""
    if not isinstance(word, str):
        raise TypeError(f"{name} must be one of {', '.join(known)}, got {word!r}")
    lower = word.lower()
    if known is ACTIVATIONS:
        lower = ALIASES.get(lower, lower)
    if lower not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {word!r}")
    return lower
