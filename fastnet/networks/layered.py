"""What networks share that are made of the layers of `fastnet.layers`, and the smallest of them.

Shapes: N samples, D inputs, H hidden units, C classes.
"""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from fastnet._checks import (
    FLOAT32,
    FLOAT64,
    FloatArray,
    Seed,
    as_count,
    as_float,
    cast,
    parameter,
    random_source,
    real_array,
    refuse_empty,
    targets,
)
from fastnet._files import PathLike
from fastnet._scaled import as_samples
from fastnet._twins.shared.formulas_numpy import relative
from fastnet.gradient import numerical_gradient
from fastnet.layers import Affine, BatchNormalization, Convolution, Dropout, Relu, SoftmaxWithLoss
from fastnet.networks.architecture import Layer, Shown, described, unknown
from fastnet.networks.dense import as_batch
from fastnet.networks.files import Read, SavedNetwork, WeightsOfFile, read_weights, reading
from fastnet.networks.initialization import drawn
from fastnet.networks.network import CHUNK, in_chunks, network_dtype, overrides, right, share_memory
from fastnet.networks.originals import FRESH, LAYERS, is_original, with_relus
from fastnet.networks.weights import counted, cross_entropies, share, weighted_loss

if TYPE_CHECKING:
    from fastnet.networks.differences import Differences

__all__ = ["LayeredTwoLayerNet"]


# Layers whose `forward` takes `train_flg`.
WITH_MODES = (Dropout, BatchNormalization)


class LayeredNetwork(SavedNetwork, Shown):
    """A network whose layers stand in `layers`: a dict, or a list, to which a program may add its own.

    A subclass defines `predict` and `loss`, and says in `_places` which layer holds which parameter.
    """

    params: dict[str, FloatArray]
    layers: Any
    dtype: np.dtype[Any]
    _sample_dimensions: ClassVar[int] = 1
    _own: ClassVar[tuple[Callable[..., Any], ...]]  # `predict` and `loss` as their class defines them
    _last: ClassVar[str] = "last_layer"  # the attribute with the layer that computes the loss
    _trains: ClassVar[bool] = False  # whether `_training_loss` computes in training mode

    @abstractmethod
    def predict(self, x: npt.ArrayLike) -> FloatArray: ...

    @abstractmethod
    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Any: ...

    @abstractmethod
    def _places(self) -> dict[str, tuple[Any, str]]:
        """Return the place of each parameter: the key of its layer in `layers`, and the layer's attribute."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return what `save` writes beside the parameters: the arguments of the constructor, as arrays."""

    @classmethod
    @abstractmethod
    def _arguments(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the constructor from what `_settings` wrote."""

    def accuracy(self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return the share of samples whose highest score is that of the right class.

        Parameters
        ----------
        x, t : array_like, real
            As in `loss`; in a row of `t`, the largest value marks the right class.
        sample_weight : array_like, real, optional
            As in `loss`: the weight of the right samples as a share of the weight of all.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As in `loss`.
        """
        return self._accuracy(x, t, CHUNK, sample_weight)

    def gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, by backpropagation through the layers.

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
        """
        x, t, weights = self._counted(x, t, sample_weight)
        self._training_loss(x, t)
        dout = np.atleast_2d(getattr(self, self._last).backward(1))  # one sample is a batch of one
        if weights is not None:
            dout = dout * relative(weights)[:, np.newaxis].astype(dout.dtype)
        steps = with_relus(self._in_order(), "backward")
        for place in range(len(steps) - 1, -1, -1):
            _, layer, relu = steps[place]
            wants_dx = place > 0  # nobody needs the gradient with respect to the network's input
            if is_original(layer, "backward", (Convolution,)):
                dout = layer._backward(dout, wants_dx, relu)
            elif relu is not None:
                dout = layer._backward(dout, relu)
            elif not wants_dx and is_original(layer, "backward", (Affine,)):
                layer._differentiate(dout, wants_dx)
            else:
                dout = layer.backward(dout)
        return {name: getattr(self.layers[key], f"d{attribute}") for name, (key, attribute) in self._places().items()}

    def numerical_gradient(
        self, x: npt.ArrayLike, t: npt.ArrayLike, h: float = 1e-4, *, sample_weight: npt.ArrayLike | None = None
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss with respect to every parameter, by central differences, in training mode.

        The loss is computed twice for each element of each parameter, but only what depends on this element is computed
        again, and in float64. This needs layers of `fastnet.layers` alone, and the class's own `predict` and `loss`. A
        change of one parameter must change no other. Otherwise, all of `loss` is computed, which takes up to thousands
        of times as long.

        Dropout draws masks once, and keeps them for all losses: NumPy's global generator moves as by one loss. Running
        statistics move as often as the loss is computed, by the statistics of the batch.

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
        dict of str to ndarray
            The names and shapes of `params`.

        Raises
        ------
        TypeError, ValueError
            As in `loss`, and if `h` is not a positive number.

        See Also
        --------
        fastnet.gradient.numerical_gradient : The method for any function.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import LayeredTwoLayerNet
        >>> net = LayeredTwoLayerNet(4, 5, 3, weight_init_std=0.5, seed=0)
        >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
        >>> by_differences, by_formula = net.numerical_gradient(x, t), net.gradient(x, t)
        >>> bool(np.allclose(by_differences["W2"], by_formula["W2"], atol=1e-6))
        True
        """
        h = as_float(h, "h")
        self._connect()
        x, t, weights = self._counted(x, t, sample_weight)
        loss = self._with_the_same_draws(x, t, weights)
        differences = self._differences(loss, x, weights)
        gradients = differences.central(h) if differences else None
        if not differences or gradients is None:
            return {name: numerical_gradient(loss, self.params[name], h) for name in self._places()}
        differences.move_statistics(2 * sum(np.size(self.params[name]) for name in self._places()) - 1)
        return self._decayed(
            {name: cast(array, self.params[name].dtype) for name, array in self._by_name(gradients).items()}
        )

    def _gains(
        self, x: npt.ArrayLike, t: npt.ArrayLike
    ) -> Callable[[float], dict[str, tuple[FloatArray, FloatArray]]] | None:
        """Return a function of h that returns the gains of the loss if an element moves by +h, and by -h.

        It is None if they need the full loss.
        """
        self._connect()
        differences = self._differences(self._with_the_same_draws(x, t), x)
        if not differences or not differences.is_possible:
            return None

        def gains(h: float) -> dict[str, tuple[FloatArray, FloatArray]]:
            up, down = map(self._by_name, differences.gains(h))
            for name in up:
                if decay := self._decay(name):
                    of_W = h * np.asarray(self.params[name], FLOAT64)
                    up[name], down[name] = up[name] + decay * (h**2 / 2 + of_W), down[name] + decay * (h**2 / 2 - of_W)
            return {name: (up[name], down[name]) for name in up}

        return gains

    def _counted(self, x: npt.ArrayLike, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> tuple[Any, Any, Any]:
        """Return the samples whose weight is not 0, their targets, and their weights or None.

        The others are left out: batch normalization would mix them with these.
        """
        if sample_weight is None:
            return x, t, None
        array, labels = real_array(x, "x"), real_array(t, "t")
        refuse_empty(array, "x")
        one = array.ndim == self._sample_dimensions
        used, weights = counted(sample_weight, () if one else array.shape[:1])
        if one or labels.shape[:1] != array.shape[:1]:  # `loss` refuses these targets
            return x, t, None if one else sample_weight
        return array[used], labels[used], weights

    def _with_the_same_draws(
        self, x: npt.ArrayLike, t: npt.ArrayLike, weights: FloatArray | None = None
    ) -> Callable[[Any], Any]:
        """Return a function that computes the loss, each time with the same masks of dropout."""
        state = np.random.get_state()
        of_layers = [layer._random for _, layer in self._in_order() if getattr(layer, "_random", None) is not None]
        states = [random.bit_generator.state for random in of_layers]

        def loss(_: Any) -> Any:
            np.random.set_state(state)
            for random, before in zip(of_layers, states, strict=True):
                random.bit_generator.state = before
            return self._training_loss(x, t, weights)

        return loss

    def _differences(
        self, loss: Callable[[Any], Any], x: npt.ArrayLike, weights: FloatArray | None = None
    ) -> "Differences | None":
        """Return what computes only what a parameter changes, or None if its layers or its loss are not fastnet's.

        A training pass draws the masks of dropout.
        """
        used, places = [layer for _, layer in self._in_order()], self._places()
        kinds = tuple(kind for kind in LAYERS if self._trains or kind not in WITH_MODES)
        if (
            overrides(self, self._own)
            or not all(is_original(layer, "forward", kinds) for layer in used)
            or not is_original(getattr(self, self._last), "forward", (SoftmaxWithLoss,))
            or len({id(layer) for layer in used}) < len(used)
            or any(getattr(self.layers[key], which) is not self.params[name] for name, (key, which) in places.items())
            or share_memory(np.asarray(self.params[name]) for name in places)
        ):
            return None
        from fastnet.networks.differences import Differences  # here, because `import fastnet` would take longer

        loss(None)  # refuses wrong targets, too
        last = getattr(self, self._last)
        labels = as_batch(targets(last.t, last.y), FLOAT64)
        return Differences(used, {self._numbers()[key] for key, _ in places.values()}, self._batch(x), labels, weights)

    def _sample_shape(self) -> tuple[int, ...]:
        return (self._input_count(),)

    def _architecture(self) -> list[Layer]:
        self._connect()
        layers: list[Layer] = []
        shape: tuple[int, ...] | None = self._sample_shape()
        for _, layer in self._in_order():
            layers.append(described(layer, shape) if is_original(layer, "forward", LAYERS) else unknown(layer))
            shape = layers[-1].shape
        return layers

    def _numbers(self) -> dict[Any, int]:
        """Return the number of each layer by its key in `layers`."""
        return {key: number for number, (key, _) in enumerate(self._in_order())}

    def _by_name(self, of_layers: Mapping[int, tuple[FloatArray, FloatArray]]) -> dict[str, FloatArray]:
        """Return what `Differences` has for each number of a layer, by the names of the parameters."""
        numbers = self._numbers()
        return {
            name: of_layers[numbers[key]][which in ("b", "beta")] for name, (key, which) in self._places().items()
        }

    def _decay(self, name: str) -> float:  # noqa: ARG002 - of networks with weight decay
        """Return the strength of the weight decay of a parameter."""
        return 0.0

    def _decayed(self, gradients: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the gradients of the loss with weight decay from those of the loss without."""
        return gradients

    def _saved_parameters(self) -> dict[str, Any]:
        self._connect()
        statistics = {name: getattr(self.layers[key], which) for name, (key, which) in self._statistics().items()}
        parameters: dict[str, Any] = {name: cast(np.asarray(self.params[name]), self.dtype) for name in self._places()}
        return parameters | {name: value for name, value in statistics.items() if value is not None}

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Return a network with the parameters, settings and statistics that `save` wrote.

        Parameters
        ----------
        path : str or path
            A ``.npz`` file of `save`.

        Returns
        -------
        object
            A network of this class.

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
        >>> from fastnet import MultiLayerNetExtend
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "weights.npz")
        ...     MultiLayerNetExtend(2, [3], 2, seed=0).save(path)
        ...     net = MultiLayerNetExtend.load(path)
        >>> net.params["W1"].shape
        (2, 3)
        """
        return cls._load(path, read_weights)

    @classmethod
    def _load(cls, path: PathLike, read: Read) -> Self:
        with reading(path, cls, read) as (arrays, description):
            arguments = cls._arguments(arrays)
            dtype = network_dtype(arrays["W1"].dtype)
            make: Any = cls
            network: Self = make(**arguments, dtype=dtype, seed=WeightsOfFile(arrays))
            network._take_arrays(arrays)
        network._take_description(description, path)
        return network

    def _statistics(self) -> dict[str, tuple[Any, str]]:
        """Return the places of the running statistics, as `_places` those of the parameters."""
        return {}

    def _take_arrays(self, arrays: dict[str, Any]) -> None:
        """Take over the statistics and the parameters in a file, and none of the settings."""
        for name, (key, attribute) in self._statistics().items():
            if name in arrays:
                setattr(self.layers[key], attribute, parameter(arrays[name], name, np.shape(self.layers[key].gamma)))
        self._take({name: arrays[name] for name in self._places()})

    def _training_loss(self, x: npt.ArrayLike, t: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
        """Return the loss whose gradient is computed."""
        return self.loss(x, t) if weights is None else self.loss(x, t, sample_weight=weights)

    def _loss_of(self, y: FloatArray, t: npt.ArrayLike, weights: FloatArray | None = None) -> Any:
        """Return what the last layer makes of the scores. One sample is a batch of one: its N in the gradient is 1.

        With weights, return the weighted mean of the cross-entropies.
        """
        last = getattr(self, self._last)
        loss = last.forward(y[np.newaxis], real_array(t, "t")[np.newaxis]) if np.ndim(y) == 1 else last.forward(y, t)
        return loss if weights is None else weighted_loss(cross_entropies, last.y, targets(t, last.y), weights)

    def _in_order(self) -> list[tuple[Any, Any]]:
        """Return all layers in order, each with its key."""
        return list(self.layers.items() if isinstance(self.layers, Mapping) else enumerate(self.layers))

    def _forward(self, x: npt.ArrayLike, train_flg: bool = False) -> FloatArray:
        """Return what comes out of the layers before the last one."""
        self._connect()
        z: Any = self._batch(x)
        owned = False  # whether nothing but this loop refers to `z`
        for key, layer, relu in with_relus(self._in_order(), "forward"):
            # As in the book, the key decides too: a program's own layer may be called "Dropout1".
            has_mode = isinstance(layer, WITH_MODES) or (
                isinstance(key, str) and ("Dropout" in key or "BatchNorm" in key)
            )
            if is_original(layer, "forward", (Convolution,)):
                z = layer._forward(z, owned, relu)
            elif is_original(layer, "forward", (BatchNormalization,)):
                z = layer._forward(z, train_flg, owned, relu)
            elif has_mode:
                z = layer.forward(z, train_flg)
            else:
                z = layer.forward(z)
            owned = is_original(layer, "forward", FRESH)
        scores: FloatArray = z[0] if np.ndim(x) == self._sample_dimensions else z
        return scores

    def _batch(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return `x` as the layers take it: one sample as a batch of one; in float32 if the network computes in it."""
        array = real_array(x, "x")
        if getattr(self, "dtype", FLOAT64) == FLOAT32:  # the book's pickled networks have no dtype
            array = cast(array, FLOAT32)
        return array[np.newaxis] if array.ndim == self._sample_dimensions else array

    def _connect(self) -> None:
        """Give each layer its parameters, if the program has replaced them in `params`.

        A program may also replace a layer, or its `W`: that stays until the same parameter is replaced in `params`.
        """
        connected = vars(self).setdefault("_connected", {})
        if not isinstance(self.params, Mapping):
            raise ValueError(f"params must be a dict of arrays, got {type(self.params).__name__}")
        for name, (key, attribute) in self._places().items():
            if name not in self.params:
                raise ValueError(f"params must hold {name!r}, got {', '.join(map(repr, self.params)) or 'none'}")
            value = self.params[name]
            if name in connected and value is not connected[name]:
                array = parameter(value, f"params[{name!r}]", np.shape(connected[name]))
                setattr(self.layers[key], attribute, array)
            connected[name] = value

    def _take(self, params: dict[str, Any]) -> None:
        """Replace all parameters, in the network's dtype."""
        self._connect()
        missing, others = self._places().keys() - params.keys(), params.keys() - self._places().keys()
        if missing or others:
            raise ValueError(f"it has no {min(missing)!r}" if missing else f"it has {min(others)!r} too")
        fitting = {name: parameter(params[name], name, np.shape(self.params[name])) for name in self._places()}
        for name, array in fitting.items():
            self.params[name] = cast(array, self.dtype)
        self._connect()

    def _accuracy(
        self, x: npt.ArrayLike, t: npt.ArrayLike, batch_size: int, sample_weight: npt.ArrayLike | None
    ) -> float:
        samples = as_samples(x, "x")
        y = in_chunks(lambda chunk: self.predict(np.asarray(chunk)), samples, batch_size, self._sample_dimensions)
        return share(right(y, targets(t, y)), sample_weight)


class LayeredTwoLayerNet(LayeredNetwork):
    """The book's two-layer network of chapter 5, made of layers: Affine, ReLU, Affine, and softmax with the loss.

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
        ``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, C)``, ``b2 (C,)``. You may change or replace them. The layers follow at the
        next call, and raise `ValueError` for an array that does not fit.
    layers : collections.OrderedDict
        "Affine1", "Relu1", "Affine2".
    lastLayer : SoftmaxWithLoss
        The layer that computes the loss.
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

    See Also
    --------
    TwoLayerNet : The network of chapter 4, with sigmoid units; it is faster.

    Notes
    -----
    "Deep Learning from Scratch", chapter 5, where the class is called TwoLayerNet too.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import LayeredTwoLayerNet
    >>> net = LayeredTwoLayerNet(input_size=4, hidden_size=20, output_size=3, weight_init_std=0.5, seed=0)
    >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
    >>> for _ in range(200):
    ...     grads = net.gradient(x, t)
    ...     for name in net.params:
    ...         net.params[name] -= 0.5 * grads[name]
    >>> print(net.loss(x, t) < 0.1, net.accuracy(x, t), net.predict(x).shape)
    True 1.0 (4, 3)
    """

    _last = "lastLayer"  # the book's spelling in this class

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
        self.params = {
            "W1": drawn(random, std, (D, H), self.dtype),
            "b1": np.zeros(H, self.dtype),
            "W2": drawn(random, std, (H, C), self.dtype),
            "b2": np.zeros(C, self.dtype),
        }
        self.layers = OrderedDict(
            Affine1=Affine(self.params["W1"], self.params["b1"]),
            Relu1=Relu(),
            Affine2=Affine(self.params["W2"], self.params["b2"]),
        )
        self.lastLayer = SoftmaxWithLoss()
        self._connect()

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the scores of every class.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.

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

        Notes
        -----
        ``a1 = x W1 + b1``, ``z1 = max(0, a1)``, ``y = z1 W2 + b2``. `lastLayer` computes the softmax, and keeps the
        probabilities of the last `loss` in ``lastLayer.y``.
        """
        return self._forward(x)

    def loss(self, x: npt.ArrayLike, t: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> Any:
        """Return the cross-entropy of softmax of the scores, averaged over the samples.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            Targets: ``(N, C)`` one-hot or probabilities, or integer labels ``(N,)`` or ``(N, 1)``. For one sample, the
            N is left out.
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
        return {"W1": ("Affine1", "W"), "b1": ("Affine1", "b"), "W2": ("Affine2", "W"), "b2": ("Affine2", "b")}

    def _settings(self) -> dict[str, Any]:
        return {}

    @classmethod
    def _arguments(cls, settings: dict[str, Any]) -> dict[str, Any]:
        (D, H), C = settings["W1"].shape, len(settings["b2"])
        return {"input_size": D, "hidden_size": H, "output_size": C}

    _own = predict, loss  # the originals, also if someone replaces the methods of the class
