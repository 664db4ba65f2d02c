"""The book's network of chapter 6: any number of layers, batch normalization, dropout and weight decay.

Shapes: N samples, D inputs, C classes, H units in a hidden layer.
"""

import functools
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, Seed, as_count, as_float, as_fraction, random_source
from fastnet.layers import Affine, BatchNormalization, Dropout, Relu, Sigmoid, SoftmaxWithLoss
from fastnet.networks.initialization import deviation, drawn, hidden_sizes
from fastnet.networks.layered import LayeredNetwork
from fastnet.networks.network import network_dtype

__all__ = ["MultiLayerNetExtend"]

ACTIVATIONS = {"relu": Relu, "sigmoid": Sigmoid}


class MultiLayerNetExtend(LayeredNetwork):
    """A network with any number of hidden layers, and with batch normalization, dropout and weight decay.

    Parameters
    ----------
    input_size : int
        D, the number of inputs.
    hidden_size_list : sequence of int
        The number of units of each hidden layer. An empty list gives a linear model.
    output_size : int
        C, the number of classes.
    activation : {"relu", "sigmoid"}, default "relu"
        The activation of every hidden layer, in upper or lower case.
    weight_init_std : float or str, default "relu"
        The standard deviation of the initial weights, at least 0; or a word, in upper or lower case: "relu" or "he" for
        ``sqrt(2 / n)``, "sigmoid" or "xavier" for ``sqrt(1 / n)``, where n is the number of inputs of the layer.
    weight_decay_lambda : float, default 0
        The strength of the weight decay (L2 regularization), at least 0.
    use_dropout : bool, default False
        Whether a dropout layer follows each activation.
    dropout_ration : float, default 0.5
        The share of the units that dropout drops, from 0 to 1. The spelling is the book's.
    use_batchnorm : bool, default False
        Whether batch normalization stands before each activation.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        The dtype of the parameters and of the computation.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator. By default, NumPy's global generator draws them in the book's order,
        `W1`, `W2` and so on, so `np.random.seed` reproduces a run of the book's program. The dropout layers always draw
        from the global generator.

    Attributes
    ----------
    params : dict of str to ndarray
        ``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, H)``, ... to the last layer's ``(H, C)`` and ``(C,)``; with `use_batchnorm`
        also ``gamma1 (H,)``, ``beta1 (H,)``, and so on for each hidden layer. You may change or replace them. The
        layers follow at the next call, and raise `ValueError` for an array that does not fit.
    layers : collections.OrderedDict
        "Affine1", "BatchNorm1", "Activation_function1", "Dropout1", "Affine2", ...
    last_layer : SoftmaxWithLoss
        The layer that computes the loss.
    input_size, hidden_size_list, output_size, activation, use_dropout, use_batchnorm : object
        The arguments.
    hidden_layer_num : int
        The number of hidden layers.
    weight_decay_lambda : float
        The argument. You may change it.
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
        If a size is not an integer of at least 1, a name is not in the lists above, a number is outside its range, or
        `dtype` is neither float64 nor float32.

    See Also
    --------
    MultiLayerNet : Without batch normalization and dropout, with more activations and outputs; it is faster.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6 and ``common/multi_layer_net_extend.py``. S. Ioffe and C. Szegedy, "Batch
    Normalization", 2015. N. Srivastava et al., "Dropout", 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import MultiLayerNetExtend
    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(100, 2))
    >>> t = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> net = MultiLayerNetExtend(2, [20, 20], 2, use_batchnorm=True, weight_decay_lambda=1e-4, seed=0)
    >>> for _ in range(200):
    ...     grads = net.gradient(x, t)
    ...     for name in net.params:
    ...         net.params[name] -= 0.5 * grads[name]
    >>> print(list(net.layers)[:3], net.predict(x).shape)
    ['Affine1', 'BatchNorm1', 'Activation_function1'] (100, 2)
    >>> print(net.loss(x, t) < 0.2, net.accuracy(x, t) > 0.95)
    True True
    >>> differences = net.numerical_gradient(x, t)
    >>> bool(np.allclose(differences["gamma1"], net.gradient(x, t)["gamma1"], atol=1e-4))
    True
    """

    _trains = True

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        *,
        dtype: npt.DTypeLike = np.float64,
        seed: Seed = None,
    ) -> None:
        self.input_size = as_count(input_size, "input_size")
        self.hidden_size_list = hidden_sizes(hidden_size_list)
        self.output_size = as_count(output_size, "output_size")
        self.hidden_layer_num = len(self.hidden_size_list)
        if not isinstance(activation, str):
            raise TypeError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        if activation.lower() not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}")
        self.activation = activation.lower()
        self.weight_decay_lambda = as_float(weight_decay_lambda, "weight_decay_lambda", positive=False)
        self.use_dropout, self.use_batchnorm = bool(use_dropout), bool(use_batchnorm)
        self._dropout_ratio = as_fraction(dropout_ration, "dropout_ration", includes_one=True)
        self.dtype = network_dtype(dtype)
        self._draw_weights(weight_init_std, seed)
        self._stack_layers()
        self.last_layer = SoftmaxWithLoss()
        self._connect()

    def _draw_weights(self, weight_init_std: float | str, seed: Seed) -> None:
        std, random = deviation(weight_init_std), random_source(seed)
        sizes = [self.input_size, *self.hidden_size_list, self.output_size]
        self.params = {}
        for i, (inputs, units) in enumerate(pairwise(sizes), start=1):
            self.params[f"W{i}"] = drawn(random, std(inputs), (inputs, units), self.dtype)
            self.params[f"b{i}"] = np.zeros(units, self.dtype)

    def _stack_layers(self) -> None:
        params = self.params
        self.layers = OrderedDict()
        for i, units in enumerate(self.hidden_size_list, start=1):
            self.layers[f"Affine{i}"] = Affine(params[f"W{i}"], params[f"b{i}"])
            if self.use_batchnorm:
                params[f"gamma{i}"], params[f"beta{i}"] = np.ones(units, self.dtype), np.zeros(units, self.dtype)
                self.layers[f"BatchNorm{i}"] = BatchNormalization(params[f"gamma{i}"], params[f"beta{i}"])
            self.layers[f"Activation_function{i}"] = ACTIVATIONS[self.activation]()
            if self.use_dropout:
                self.layers[f"Dropout{i}"] = Dropout(self._dropout_ratio)
        last = self.hidden_layer_num + 1
        self.layers[f"Affine{last}"] = Affine(params[f"W{last}"], params[f"b{last}"])

    def predict(self, x: npt.ArrayLike, train_flg: bool = False) -> FloatArray:
        """Return the scores of every class.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample; or ``(N, ...)`` with D numbers in each sample.
        train_flg : bool, default False
            Whether to compute as in training: dropout drops units, and batch normalization uses the statistics of the
            batch and updates its running statistics.

        Returns
        -------
        ndarray
            ``(N, C)``, or ``(C,)`` for one sample, in the network's dtype: scores, not probabilities.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or a parameter no longer fits.
        """
        return self._forward(x, train_flg)

    def loss(
        self, x: npt.ArrayLike, t: npt.ArrayLike, train_flg: bool = False, *,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:  # fmt: skip
        """Return the cross-entropy of softmax of the scores, averaged over the samples, plus the weight decay.

        Parameters
        ----------
        x : array_like, real
            As in `predict`.
        t : array_like, real
            Targets: ``(N, C)`` one-hot or probabilities, or integer labels ``(N,)`` or ``(N, 1)``. For one sample, the
            N is left out.
        train_flg : bool, default False
            As in `predict`.
        sample_weight : array_like, real, optional
            How much each sample counts in the mean over the samples, shape ``(N,)``: at least 0, and at least one above
            0. A sample of weight 2 counts like the same sample twice. One of weight 0 is left out.

        Returns
        -------
        NumPy float scalar
            In the network's dtype.

        Raises
        ------
        TypeError
            If `x`, `t` or `sample_weight` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, a target is outside [0, 1], `x` is empty, a weight is not
            as above, or a parameter no longer fits.

        Notes
        -----
        The weight decay is ``weight_decay_lambda / 2`` times the sum of the squares of every weight matrix. With
        dropout, each call with `train_flg` draws new masks.
        """
        x, t, weights = self._counted(x, t, sample_weight)
        loss = self._loss_of(self.predict(x, train_flg), t, weights)
        if self.weight_decay_lambda:
            with np.errstate(all="ignore"):
                squares = sum(float(np.vdot(W, W)) for W in self._weights().values())
                loss = np.asarray(loss).dtype.type(loss + 0.5 * self.weight_decay_lambda * squares)
        return loss

    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, in training mode, by backpropagation.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`.
        sample_weight : array_like, real, optional
            As in `loss`.

        Returns
        -------
        dict of str to ndarray
            The names and shapes of `params`.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.

        See Also
        --------
        numerical_gradient : The same gradient by central differences.

        Notes
        -----
        The weight decay adds ``weight_decay_lambda W`` to the gradient of each weight matrix, but not to the layers'
        `dW`.
        """
        return self._decayed(super().gradient(x, t, sample_weight=sample_weight))

    def _decay(self, name: str) -> float:
        return self.weight_decay_lambda if name in self._weights() else 0.0

    def _decayed(self, gradients: dict[str, FloatArray]) -> dict[str, FloatArray]:
        # Exact also for central differences: ((w + h)^2 - (w - h)^2) / 4h = w.
        if self.weight_decay_lambda:
            with np.errstate(all="ignore"):
                for name in self._weights().keys() & gradients.keys():
                    decay = self._weights()[name] * self.weight_decay_lambda
                    decay += gradients[name]
                    gradients[name] = decay
        return gradients

    def _weights(self) -> dict[str, FloatArray]:
        return {f"W{i}": np.asarray(self.params[f"W{i}"]) for i in range(1, self.hidden_layer_num + 2)}

    def _training_loss(self, x: npt.ArrayLike, t: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
        weighted = {} if weights is None else {"sample_weight": weights}  # a subclass need not know weights
        return self.loss(x, t, train_flg=True, **weighted)

    def _places(self) -> dict[str, tuple[Any, str]]:
        return _places(self.hidden_layer_num, self.use_batchnorm)

    def _statistics(self) -> dict[str, tuple[Any, str]]:
        if not self.use_batchnorm:
            return {}
        return {
            f"{which}{i}": (f"BatchNorm{i}", which)
            for i in range(1, self.hidden_layer_num + 1)
            for which in ("running_mean", "running_var")
        }

    def _settings(self) -> dict[str, Any]:
        names = ("input_size", "output_size", "activation", "weight_decay_lambda", "use_dropout", "use_batchnorm")
        return {
            **{name: getattr(self, name) for name in names},
            "hidden_size_list": np.array(self.hidden_size_list, int),
            "dropout_ration": self._dropout_ratio,
        }

    @classmethod
    def _arguments(cls, settings: dict[str, Any]) -> dict[str, Any]:
        names = (
            "input_size", "hidden_size_list", "output_size", "activation", "weight_decay_lambda", "use_dropout",
            "dropout_ration", "use_batchnorm",
        )
        return {name: settings[name].tolist() for name in names}

    _own = predict, loss  # the originals, also if someone replaces the methods of the class


@functools.cache  # every training step asks for it twice
def _places(hidden_layer_num: int, use_batchnorm: bool) -> dict[str, tuple[Any, str]]:
    places: dict[str, tuple[Any, str]] = {}
    for i in range(1, hidden_layer_num + 2):
        places |= {f"W{i}": (f"Affine{i}", "W"), f"b{i}": (f"Affine{i}", "b")}
        if use_batchnorm and i <= hidden_layer_num:
            places |= {f"gamma{i}": (f"BatchNorm{i}", "gamma"), f"beta{i}": (f"BatchNorm{i}", "beta")}
    return places
