"""The book's convolutional networks, of chapters 7 and 8.

Shapes: N samples of C channels, H high and W wide; FN filters.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, Seed, as_count, as_float, random_source
from fastnet._files import PathLike
from fastnet.layers import Affine, Convolution, Dropout, Pooling, Relu, SoftmaxWithLoss
from fastnet.networks.initialization import deviation, drawn
from fastnet.networks.layered import LayeredNetwork
from fastnet.networks.network import network_dtype
from fastnet.networks.pickles import read_pickle, write_pickle
from fastnet.util import conv_output_size

__all__ = ["DeepConvNet", "SimpleConvNet"]

CONV_PARAM = ("filter_num", "filter_size", "pad", "stride")
_FILTERS_5x5 = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
_16 = {"filter_num": 16, "filter_size": 3, "pad": 1, "stride": 1}
_32 = {**_16, "filter_num": 32}
_32_PAD_2 = {**_32, "pad": 2}
_64 = {**_16, "filter_num": 64}


class ConvolutionalNetwork(LayeredNetwork):
    """A network for images, whose parameters can also be written in the book's file format."""

    _sample_dimensions = 3
    _input_dim: tuple[int, int, int]

    def accuracy(
        self, x: npt.ArrayLike, t: npt.ArrayLike, batch_size: int = 100, *, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Return the share of samples whose highest score is that of the right class.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`; in a row of `t`, the largest value marks the right class.
        batch_size : int, default 100
            The number of samples that are predicted at a time. It limits the memory, and does not change the result.
        sample_weight : array_like, real, optional
            As in `loss`: the weight of the right samples as a share of the weight of all.

        Returns
        -------
        float
            From 0 to 1. All samples count. The book leaves out those after the last whole batch.

        Raises
        ------
        TypeError, ValueError
            As in `loss`, and if `batch_size` is not an integer of at least 1.
        """
        return self._accuracy(x, t, as_count(batch_size, "batch_size"), sample_weight)

    def _input_count(self) -> int:
        return math.prod(self._input_dim)

    def _sample_shape(self) -> tuple[int, ...]:
        return self._input_dim

    def save_params(self, file_name: PathLike = "params.pkl") -> None:
        """Write the parameters in the book's file format: a pickled dict of arrays.

        An existing file is replaced only when the new file is complete: a crash leaves the old file intact.

        Parameters
        ----------
        file_name : str or path, default "params.pkl"
            The name of the file.

        Raises
        ------
        ValueError
            If a parameter no longer fits.
        OSError
            If the file cannot be written.

        See Also
        --------
        load_params : Read the file.
        save : Write the parameters and the settings to a ``.npz`` file.

        Examples
        --------
        >>> import tempfile, os
        >>> from fastnet import SimpleConvNet
        >>> net, other = (SimpleConvNet((1, 8, 8), hidden_size=5, seed=seed) for seed in (0, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "params.pkl")
        ...     net.save_params(path)
        ...     other.load_params(path)
        >>> bool((net.params["W1"] == other.params["W1"]).all())
        True
        """
        self._connect()
        write_pickle(file_name, {name: np.asarray(self.params[name]) for name in self._places()})

    def load_params(self, file_name: PathLike = "params.pkl") -> None:
        """Replace the parameters by those of a file in the book's format.

        Parameters
        ----------
        file_name : str or path, default "params.pkl"
            A file of `save_params`, or of the book's program: a pickled dict of arrays. A pickle can call any function.
            This one may hold nothing but NumPy arrays, dicts, strings and numbers, so a file from someone else can do
            no harm.

        Raises
        ------
        ValueError
            If the file holds anything else, not exactly the parameters of this network, or is damaged. Then the network
            stays as it was.
        OSError
            If the file cannot be read.

        See Also
        --------
        save_params : Write the file.

        Notes
        -----
        The arrays become arrays of the network's dtype.

        Examples
        --------
        >>> import tempfile, os, pickle, datetime
        >>> from fastnet import SimpleConvNet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "params.pkl")
        ...     with open(path, "wb") as file:
        ...         pickle.dump({"W1": datetime.date(2016, 9, 24)}, file)
        ...     try:
        ...         SimpleConvNet((1, 8, 8)).load_params(path)
        ...     except ValueError as error:
        ...         print("datetime.date" in str(error))
        True
        """
        params = read_pickle(file_name)
        try:
            self._take(params)
        except ValueError as error:
            kind = type(self).__name__
            raise ValueError(
                f"{file_name} does not hold the parameters of this {kind}: {error}. "
                "Give a file that its save has written"
            ) from None


class SimpleConvNet(ConvolutionalNetwork):
    """The book's convolutional network: convolution, ReLU, pooling, Affine, ReLU, Affine, and softmax with the loss.

    Parameters
    ----------
    input_dim : tuple of int, default (1, 28, 28)
        The channels, the height and the width of an image.
    conv_param : dict, default {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
        The number of filters FN, their height and width, the width of the border of zeros, and the step.
    hidden_size : int, default 100
        The number of hidden units.
    output_size : int, default 10
        The number of classes.
    weight_init_std : float, default 0.01
        The standard deviation of the initial weights, at least 0.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        The dtype of the parameters and of the computation. float32 takes about half the time and half the memory.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator. By default, NumPy's global generator draws them in the book's order,
        so `np.random.seed` reproduces a run of the book's program.

    Attributes
    ----------
    params : dict of str to ndarray
        Of the convolution, ``W1`` of shape ``(FN, C, 5, 5)`` and ``b1 (FN,)``; of the Affine layers, ``W2``, ``b2``,
        ``W3``, ``b3``. You may change or replace them. The layers follow at the next call, and raise `ValueError` for
        an array that does not fit.
    layers : collections.OrderedDict
        "Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2".
    last_layer : SoftmaxWithLoss
        The layer that computes the loss.
    dtype : numpy.dtype
        float64 or float32.
    classes : list of str or None
        The names of the classes, one for each output. None if you do not set them. `save` keeps them.
    input_shape : tuple of int or None
        The shape of an image: `input_dim`.
    background : float or None
        The brightness of the background of the pictures in training, from 0 (black, as in MNIST) to 1 (white). None if
        you do not set it. `save` keeps it.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, the filters do not cover the image, a key of `conv_param` is missing,
        `weight_init_std` is negative or not a number, or `dtype` is neither float64 nor float32.

    Notes
    -----
    "Deep Learning from Scratch", chapter 7 and ``ch07/simple_convnet.py``. The pooling takes windows of 2 x 2. The book
    needs square images whose maps have an even size.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import SimpleConvNet
    >>> x = np.zeros((20, 1, 6, 6))
    >>> x[:10, 0, 2], x[10:, 0, :, 2] = 1, 1  # horizontal and vertical lines
    >>> t = np.repeat([0, 1], 10)
    >>> conv_param = {"filter_num": 4, "filter_size": 3, "pad": 0, "stride": 1}
    >>> net = SimpleConvNet((1, 6, 6), conv_param, hidden_size=10, output_size=2, weight_init_std=0.3, seed=0)
    >>> for _ in range(50):
    ...     grads = net.gradient(x, t)
    ...     for name in net.params:
    ...         net.params[name] -= 0.5 * grads[name]
    >>> print(net.loss(x, t) < 0.1, net.accuracy(x, t), net.predict(x).shape)
    True 1.0 (20, 2)
    >>> differences = net.numerical_gradient(x, t)
    >>> bool(np.allclose(differences["W3"], net.gradient(x, t)["W3"], atol=1e-6))
    True
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, int] = _FILTERS_5x5,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
        *,
        dtype: npt.DTypeLike = np.float64,
        seed: Seed = None,
    ) -> None:
        self.input_shape = self._input_dim = C, H, W = _image_shape(input_dim)
        self._conv_param = FN, size, pad, stride = _conv_param(conv_param, "conv_param")
        hidden, classes = as_count(hidden_size, "hidden_size"), as_count(output_size, "output_size")
        std = as_float(weight_init_std, "weight_init_std", positive=False)
        self.dtype = network_dtype(dtype)
        maps = [_pooled(conv_output_size(side, size, stride, pad)) for side in (H, W)]
        random = random_source(seed)
        self.params = {}
        shapes = ((FN, C, size, size), FN), ((FN * maps[0] * maps[1], hidden), hidden), ((hidden, classes), classes)
        for i, (shape, outputs) in enumerate(shapes, start=1):
            self.params[f"W{i}"] = drawn(random, std, shape, self.dtype)
            self.params[f"b{i}"] = np.zeros(outputs, self.dtype)
        self.layers = OrderedDict(
            Conv1=Convolution(self.params["W1"], self.params["b1"], stride, pad),
            Relu1=Relu(),
            Pool1=Pooling(2, 2, 2),
            Affine1=Affine(self.params["W2"], self.params["b2"]),
            Relu2=Relu(),
            Affine2=Affine(self.params["W3"], self.params["b3"]),
        )
        self.last_layer = SoftmaxWithLoss()
        self._connect()

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the scores of every class.

        Parameters
        ----------
        x : array_like, real
            Images, ``(N, C, H, W)``, or ``(C, H, W)`` for one sample.

        Returns
        -------
        ndarray
            One row ``(N, classes)`` for each sample, in the network's dtype: scores, not probabilities.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or a parameter no longer fits.
        """
        return self._forward(x)

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the cross-entropy of softmax of the scores, averaged over the samples.

        Parameters
        ----------
        x : array_like, real
            As in `predict`.
        t : array_like, real
            Targets: one-hot or probabilities in the shape of the scores, or integer labels ``(N,)`` or ``(N, 1)``.
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
        """
        x, t, weights = self._counted(x, t, sample_weight)
        return self._loss_of(self.predict(x), t, weights)

    def _places(self) -> dict[str, tuple[Any, str]]:
        keys = ("Conv1", "Affine1", "Affine2")
        return {f"{which}{i}": (key, which) for i, key in enumerate(keys, start=1) for which in "Wb"}

    def _settings(self) -> dict[str, Any]:
        return {"input_dim": self._input_dim, "conv_param": self._conv_param}

    @classmethod
    def _arguments(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return {
            "input_dim": settings["input_dim"].tolist(),
            "conv_param": dict(zip(CONV_PARAM, settings["conv_param"].tolist(), strict=True)),
            "hidden_size": len(settings["b2"]),
            "output_size": len(settings["b3"]),
        }

    _own = predict, loss  # the originals, also if someone replaces the methods of the class


class DeepConvNet(ConvolutionalNetwork):
    """The book's deep network: six convolutions of 3 x 3, three poolings, and two Affine layers with dropout.

    Parameters
    ----------
    input_dim : tuple of int, default (1, 28, 28)
        The channels, the height and the width of an image.
    conv_param_1, conv_param_2 : dict, default {"filter_num": 16, "filter_size": 3, "pad": 1, "stride": 1}
        The number of filters FN, their height and width, the width of the border of zeros, and the step, of the first
        two convolutions.
    conv_param_3 : dict, default {"filter_num": 32, "filter_size": 3, "pad": 1, "stride": 1}
        The same of the third one.
    conv_param_4 : dict, default {"filter_num": 32, "filter_size": 3, "pad": 2, "stride": 1}
        The same of the fourth one.
    conv_param_5, conv_param_6 : dict, default {"filter_num": 64, "filter_size": 3, "pad": 1, "stride": 1}
        The same of the last two.
    hidden_size : int, default 50
        The number of hidden units.
    output_size : int, default 10
        The number of classes.
    dtype : numpy.float64 or numpy.float32, default numpy.float64
        The dtype of the parameters and of the computation. float32 takes about half the time and half the memory.
    seed : int or numpy.random.Generator, optional
        Draws the weights from a private generator. By default, NumPy's global generator draws them in the book's order,
        so `np.random.seed` reproduces a run of the book's program. The dropout layers always draw from the global
        generator.

    Attributes
    ----------
    params : dict of str to ndarray
        Of the convolutions, ``W1`` of shape ``(FN, C, 3, 3)`` and ``b1 (FN,)`` to ``W6``, ``b6``; of the Affine
        layers, ``W7``, ``b7``, ``W8``, ``b8``. You may change or replace them. The layers follow at the next call, and
        raise `ValueError` for an array that does not fit.
    layers : list
        The layers in order: three times convolution, ReLU, convolution, ReLU, pooling; then Affine, ReLU, dropout,
        Affine, dropout.
    last_layer : SoftmaxWithLoss
        The layer that computes the loss.
    dtype : numpy.dtype
        float64 or float32.
    classes : list of str or None
        The names of the classes, one for each output. None if you do not set them. `save` keeps them.
    input_shape : tuple of int or None
        The shape of an image: `input_dim`.
    background : float or None
        The brightness of the background of the pictures in training, from 0 (black, as in MNIST) to 1 (white). None if
        you do not set it. `save` keeps it.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, the filters do not cover the image, a key of a `conv_param` is
        missing, or `dtype` is neither float64 nor float32.

    Notes
    -----
    "Deep Learning from Scratch", chapter 8 and ``ch08/deep_convnet.py``. The initial weights have the standard
    deviation ``sqrt(2 / n)``, where n is the number of inputs of a unit (He et al., 2015). The book has n, and the size
    of ``W7``, for its own sizes alone. A dropout layer follows the scores too, as in the book.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import DeepConvNet
    >>> net = DeepConvNet((1, 12, 12), hidden_size=8, seed=0)
    >>> x, t = np.random.default_rng(0).random((3, 1, 12, 12)), np.array([0, 1, 2])
    >>> print(net.predict(x).shape, 0 <= net.accuracy(x, t) <= 1)
    (3, 10) True
    >>> np.random.seed(0)
    >>> bool(net.loss(x, t) == net.loss(x, t))  # dropout: other units are dropped
    False
    >>> sorted(net.gradient(x, t)) == sorted(net.params)
    True
    """

    _trains = True

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: Mapping[str, int] = _16,
        conv_param_2: Mapping[str, int] = _16,
        conv_param_3: Mapping[str, int] = _32,
        conv_param_4: Mapping[str, int] = _32_PAD_2,
        conv_param_5: Mapping[str, int] = _64,
        conv_param_6: Mapping[str, int] = _64,
        hidden_size: int = 50,
        output_size: int = 10,
        *,
        dtype: npt.DTypeLike = np.float64,
        seed: Seed = None,
    ) -> None:
        self.input_shape = self._input_dim = channels, height, width = _image_shape(input_dim)
        given = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        self._conv_params = [_conv_param(param, f"conv_param_{i}") for i, param in enumerate(given, start=1)]
        hidden, classes = as_count(hidden_size, "hidden_size"), as_count(output_size, "output_size")
        self.dtype = network_dtype(dtype)
        shapes: list[tuple[int, ...]] = []
        for i, (FN, size, pad, stride) in enumerate(self._conv_params, start=1):
            shapes.append((FN, channels, size, size))
            channels = FN
            height, width = (conv_output_size(side, size, stride, pad) for side in (height, width))
            if i % 2 == 0:
                height, width = _pooled(height), _pooled(width)
        shapes += [(channels * height * width, hidden), (hidden, classes)]
        self._draw_weights(shapes, seed)
        self._stack_layers()
        self.last_layer = SoftmaxWithLoss()
        self._connect()

    def _draw_weights(self, shapes: list[tuple[int, ...]], seed: Seed) -> None:
        he, random = deviation("he"), random_source(seed)
        self.params = {}
        for i, shape in enumerate(shapes, start=1):
            inputs, outputs = (shape[1] * shape[2] * shape[3], shape[0]) if len(shape) == 4 else shape
            self.params[f"W{i}"] = drawn(random, he(inputs), shape, self.dtype)
            self.params[f"b{i}"] = np.zeros(outputs, self.dtype)

    def _stack_layers(self) -> None:
        self.layers = []
        for i, (_, _, pad, stride) in enumerate(self._conv_params, start=1):
            self.layers += [Convolution(self.params[f"W{i}"], self.params[f"b{i}"], stride, pad), Relu()]
            if i % 2 == 0:
                self.layers.append(Pooling(2, 2, 2))
        self.layers += [Affine(self.params["W7"], self.params["b7"]), Relu(), Dropout(0.5)]
        self.layers += [Affine(self.params["W8"], self.params["b8"]), Dropout(0.5)]

    def predict(self, x: npt.ArrayLike, train_flg: bool = False) -> FloatArray:
        """Return the scores of every class.

        Parameters
        ----------
        x : array_like, real
            Images, ``(N, C, H, W)``, or ``(C, H, W)`` for one sample.
        train_flg : bool, default False
            Whether dropout drops units, as in training.

        Returns
        -------
        ndarray
            One row ``(N, classes)`` for each sample, in the network's dtype: scores, not probabilities.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, or a parameter no longer fits.
        """
        return self._forward(x, train_flg)

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the loss in training mode: the cross-entropy of softmax of the scores, averaged over the samples.

        Parameters
        ----------
        x : array_like, real
            As in `predict`.
        t : array_like, real
            Targets: one-hot or probabilities in the shape of the scores, or integer labels ``(N,)`` or ``(N, 1)``.
        sample_weight : array_like, real, optional
            How much each sample counts in the mean over the samples, shape ``(N,)``: at least 0, and at least one above
            0. A sample of weight 2 counts like the same sample twice. One of weight 0 is left out.

        Returns
        -------
        NumPy float scalar
            In the network's dtype. Each call draws new units to drop.

        Raises
        ------
        TypeError
            If `x`, `t` or `sample_weight` does not hold real numbers.
        ValueError
            If a shape or a label does not fit, a target is outside [0, 1], `x` is empty, a weight is not
            as above, or a parameter no longer fits.
        """
        x, t, weights = self._counted(x, t, sample_weight)
        return self._loss_of(self.predict(x, train_flg=True), t, weights)

    def _places(self) -> dict[str, tuple[Any, str]]:
        numbers = (0, 2, 5, 7, 10, 12, 15, 18)
        return {f"{which}{i}": (number, which) for i, number in enumerate(numbers, start=1) for which in "Wb"}

    def _settings(self) -> dict[str, Any]:
        return {"input_dim": self._input_dim, "conv_params": self._conv_params}

    @classmethod
    def _arguments(cls, settings: dict[str, Any]) -> dict[str, Any]:
        given = enumerate(settings["conv_params"].tolist(), start=1)
        return {
            "input_dim": settings["input_dim"].tolist(),
            "hidden_size": len(settings["b7"]),
            "output_size": len(settings["b8"]),
            **{f"conv_param_{i}": dict(zip(CONV_PARAM, values, strict=True)) for i, values in given},
        }

    _own = predict, loss  # the originals, also if someone replaces the methods of the class


def _image_shape(input_dim: Any) -> tuple[int, int, int]:
    try:
        channels, height, width = input_dim
    except (TypeError, ValueError):
        raise ValueError(f"input_dim must be (channels, height, width), got {input_dim!r}") from None
    return as_count(channels, "input_dim[0]"), as_count(height, "input_dim[1]"), as_count(width, "input_dim[2]")


def _conv_param(conv_param: Any, name: str) -> tuple[int, int, int, int]:
    """Return the number of filters, their size, the padding and the stride."""
    if not isinstance(conv_param, Mapping):
        raise TypeError(f"{name} must be a dict of {', '.join(CONV_PARAM)}, got {conv_param!r}")
    missing = [key for key in CONV_PARAM if key not in conv_param]
    if missing:
        raise ValueError(f"{name} must hold {', '.join(CONV_PARAM)}; {', '.join(missing)} is missing")
    filters, size, pad, stride = (
        as_count(conv_param[key], f"{name}[{key!r}]", least=0 if key == "pad" else 1) for key in CONV_PARAM
    )
    return filters, size, pad, stride


def _pooled(side: int) -> int:
    """Return the height or the width of a map after pooling with windows of 2 x 2."""
    if side < 2:
        raise ValueError(
            f"the pooling of 2 x 2 does not fit into a map with a side of {side}: input_dim is too small: "
            "choose a larger one"
        )
    return side // 2
