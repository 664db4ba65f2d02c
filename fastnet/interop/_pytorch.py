"""Networks as `torch.nn.Sequential`, and back.

Only modules of PyTorch's own are used, so a model that is saved needs no fastnet to be loaded.

The two count differently in three places:

- A `Linear` holds the transposed matrix of an `Affine`.
- The book's dropout leaves training as it is and multiplies by ``1 - ratio`` outside of it; PyTorch's divides by it in
  training. The Affine layer next to a dropout takes the factor, so both modes give the same.
- The momentum of batch normalisation is the share of the old value in the book, and of the new one in PyTorch.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, real_array
from fastnet._twins.shared.formulas_numpy import SLOPE
from fastnet.interop._extras import library
from fastnet.interop._layers import in_dtype, layers_of
from fastnet.layers.normalization import EPS
from fastnet.networks import (
    DeepConvNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    SimpleConvNet,
    TwoLayerNet,
)
from fastnet.networks.architecture import ACTIVATIONS, Layer
from fastnet.networks.loading import AnyNetwork

# --- to PyTorch -------------------------------------------------------------------------------------------------------


def to_torch(network: Any) -> Any:
    """Return a network as a PyTorch model with the same predictions.

    Parameters
    ----------
    network : object
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `LayeredTwoLayerNet`, `SimpleConvNet` or `DeepConvNet`.

    Returns
    -------
    torch.nn.Sequential
        A model with copies of the parameters, in the network's dtype. It gives what `predict` gives: probabilities, or
        the scores of the networks whose `predict` returns scores. It is in evaluation mode: call its ``train`` before
        you train it.

    Raises
    ------
    TypeError
        If `network` is not such a network, has its own `predict`, or a layer of another library.
    ValueError
        If a parameter no longer fits or holds NaN or infinity; if PyTorch has no such layer: a batch normalisation of
        images pixel by pixel, a pooling with padding, a dropout with no Affine layer next to it.
    ImportError
        If ``torch`` is not installed.

    See Also
    --------
    from_torch : The way back.
    to_dataset : Arrays for a ``DataLoader``.

    Notes
    -----
    PyTorch's losses take scores: if the model ends in a ``Softmax``, ``model[:-1]`` is what
    ``torch.nn.CrossEntropyLoss`` needs.

    The weights next to a dropout are multiplied by ``1 - dropout_ratio``, because PyTorch divides by that in training.
    Batch normalisation keeps its running statistics. Outside of training both libraries use them in the same way, but
    PyTorch updates the running variance with ``sum((x - mean)^2) / (N - 1)``, and the book with ``/ N``.

    "Deep Learning from Scratch" has the networks. A. Paszke et al., "PyTorch", 2019.

    Examples
    --------
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.interop import to_torch
    >>> network = TwoLayerNet(4, 5, 3, weight_init_std=1.0, seed=0)
    >>> model = to_torch(network)
    >>> print(model)
    Sequential(
      (Affine1): Linear(in_features=4, out_features=5, bias=True)
      (Sigmoid): Sigmoid()
      (Affine2): Linear(in_features=5, out_features=3, bias=True)
      (Softmax): Softmax(dim=-1)
    )
    >>> import torch
    >>> x = np.eye(4)
    >>> bool(np.allclose(model(torch.from_numpy(x)).detach(), network.predict(x), rtol=1e-12))
    True
    """
    layers = layers_of(network)
    torch = library("torch", "torch")
    factors = _factors([layer for _, layer, _ in layers])
    modules: dict[str, Any] = {}
    for place, (name, layer, shape) in enumerate(layers):
        if layer.kind == "Affine" and len(shape) > 1:
            modules["Flatten"] = torch.nn.Flatten()
        module = MODULES[layer.kind](torch.nn, layer)
        for which, array in _arrays_of(layer, factors.get(place, (1.0, 1.0))).items():
            values = torch.from_numpy(in_dtype(array, network.dtype, f"{name}.{which}"))
            # In place of the drawn numbers, which would be in another dtype.
            setattr(module, which, values if which.startswith("running") else torch.nn.Parameter(values))
        modules[name] = module
    model = torch.nn.Sequential()
    for name, module in modules.items():
        model.add_module(name, module)
    return model.eval()


def _factors(layers: Sequence[Layer]) -> dict[int, tuple[float, float]]:
    """Return by what the weights and the biases of the Affine layers next to a dropout are multiplied, by place."""
    factors: dict[int, tuple[float, float]] = {}
    kinds = ["", *(layer.kind for layer in layers), ""]  # kinds[place] stands before the layer of that place
    for place, layer in enumerate(layers):
        if layer.kind == "Dropout":
            keep = 1.0 - layer.settings["ratio"]
            if kinds[place + 2] == "Affine":
                factors[place + 1] = keep, 1.0
            elif kinds[place] == "Affine":
                W, b = factors.get(place - 1, (1.0, 1.0))
                factors[place - 1] = W * keep, b * keep
            else:
                raise ValueError("a dropout must stand before an Affine layer, or after one, which takes its factor")
    return factors


def _arrays_of(layer: Layer, factors: tuple[float, float]) -> dict[str, FloatArray]:
    """Return the arrays of a layer by the names of the module."""
    of = {**layer.parameters, **layer.settings}
    match layer.kind:
        case "Affine":
            return {"weight": (of["W"] * factors[0]).T, "bias": of["b"] * factors[1]}
        case "Convolution":
            return {"weight": of["W"], "bias": of["b"]}
        case "BatchNormalization":
            names = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
            return {name: of[which] for name, which in names.items()}
    return {}


MODULES: dict[str, Callable[[Any, Layer], Any]] = {
    "Affine": lambda nn, layer: nn.Linear(*layer.parameters["W"].shape, device="meta"),
    "Convolution": lambda nn, layer: nn.Conv2d(
        *layer.parameters["W"].shape[1::-1], layer.parameters["W"].shape[2:], layer.settings["stride"],
        layer.settings["pad"], device="meta",
    ),
    "Pooling": lambda nn, layer: nn.MaxPool2d(
        (layer.settings["pool_h"], layer.settings["pool_w"]), layer.settings["stride"]
    ),
    "BatchNormalization": lambda nn, layer: nn.BatchNorm1d(
        layer.parameters["gamma"].size, EPS, 1 - layer.settings["momentum"]
    ),
    "Dropout": lambda nn, layer: nn.Dropout(layer.settings["ratio"]),
    "Relu": lambda nn, _: nn.ReLU(),
    "Sigmoid": lambda nn, _: nn.Sigmoid(),
    "Tanh": lambda nn, _: nn.Tanh(),
    "LeakyRelu": lambda nn, _: nn.LeakyReLU(SLOPE),
    "Elu": lambda nn, _: nn.ELU(),
    "Softmax": lambda nn, _: nn.Softmax(dim=-1),
}  # fmt: skip


# --- from PyTorch -----------------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """A module of a model as a layer of fastnet, and its place for messages."""

    place: str
    layer: Layer


def from_torch(model: Any, *, input_shape: tuple[int, ...] | None = None) -> AnyNetwork:
    """Return the network of fastnet with the same predictions as a PyTorch model.

    Parameters
    ----------
    model : torch.nn.Sequential
        ``Linear``, and between two of them optionally ``BatchNorm1d``, then an activation (``ReLU``, ``Sigmoid``,
        ``Tanh``, ``LeakyReLU(0.1)``, ``ELU``), then optionally ``Dropout``: the same in every gap. With ``BatchNorm1d``
        or ``Dropout``, the activation must be ``ReLU`` or ``Sigmoid``, and the model ends in a ``Linear``. Without,
        ``Softmax`` or ``Sigmoid`` may follow. Or ``Conv2d``, ``ReLU``, ``MaxPool2d``, ``Flatten``, ``Linear`` and
        ``Dropout`` in the order of a `SimpleConvNet` or a `DeepConvNet`. The parameters are float32 or float64.
    input_shape : tuple of int, optional
        The shape of an input: ``(C, H, W)``, which a model with ``Conv2d`` does not know, and needs here.

    Returns
    -------
    network
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `SimpleConvNet` or `DeepConvNet`, with copies of the
        parameters, in their dtype. `predict` gives what the model gives in evaluation mode.

    Raises
    ------
    TypeError
        If `model` is not a ``torch.nn.Sequential``; if a module has no counterpart in fastnet, or its parameters are
        not all float32 or all float64. The error names the module and its place.
    ValueError
        If fastnet has no network with the modules in this order, or a module has settings that fastnet's layer does
        not have; the error names the module and its place. If `input_shape` is missing or does not fit.
    ImportError
        If ``torch`` is not installed.

    See Also
    --------
    to_torch : The other direction.

    Notes
    -----
    A model that ends in a ``Linear``, without batch normalisation and dropout, becomes a `MultiLayerNet` with the
    output "identity". If its outputs are the scores of classes, as those that ``torch.nn.CrossEntropyLoss`` takes, set
    ``network.output = "softmax"``.

    PyTorch's dropout divides by ``1 - p`` in training, and the book's multiplies by it outside of training. So the
    weights next to a dropout are divided by ``1 - p``. The running variance of a ``BatchNorm1d`` takes the difference of
    the two libraries' ``eps``.

    "Deep Learning from Scratch" has the networks. A. Paszke et al., "PyTorch", 2019.

    Examples
    --------
    >>> import torch
    >>> from fastnet.interop import from_torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    >>> network = from_torch(model)
    >>> network
    <MultiLayerNet 4-5-3 (Relu), 43 parameters, float32>
    >>> x = np.eye(4, dtype=np.float32)
    >>> bool(np.allclose(model(torch.from_numpy(x)).detach(), network.predict(x), rtol=1e-5, atol=1e-6))
    True
    """
    torch = library("torch", "torch")
    if not isinstance(model, torch.nn.Sequential):
        raise TypeError(f"model must be a torch.nn.Sequential, got {type(model).__name__}")
    dtype = _dtype_of(model, torch)
    found = list(_found(model, torch, ""))
    kinds = [each.layer.kind for each in found]
    if not found:
        raise ValueError("model has no layers")
    if "Convolution" in kinds:
        return _convolutional(found, dtype, input_shape)
    network = _dense(found, dtype)
    if input_shape is not None:
        if math.prod(input_shape) != network._input_count():
            raise ValueError(
                f"input_shape must be the shape of the {network._input_count()} inputs of model, got {input_shape}"
            )
        network.input_shape = tuple(input_shape)
    return network


def _dtype_of(model: Any, torch: Any) -> np.dtype[Any]:
    known = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
    dtypes = {name: parameter.dtype for name, parameter in model.named_parameters()}
    for name, dtype in dtypes.items():
        if dtype not in known or dtype != next(iter(dtypes.values())):
            raise TypeError(f"the parameters of model must be all float32 or all float64, but {name} is {dtype}")
    return known[next(iter(dtypes.values()), torch.float64)]


def _found(model: Any, torch: Any, prefix: str) -> Iterator[Found]:
    """Yield the modules that compute something, as layers."""
    for name, module in model.named_children():
        place = f"{prefix}{name}"
        if type(module) is torch.nn.Sequential:
            yield from _found(module, torch, f"{place}.")
            continue
        if type(module) is torch.nn.Identity:
            continue
        read = next((LAYERS[kind] for kind in LAYERS if type(module) is getattr(torch.nn, kind)), None)
        if read is None:
            raise TypeError(f"module {place} of model, {module}, has no counterpart in fastnet")
        layer, settings = read(module)
        for setting, (value, wanted) in settings.items():
            if value not in wanted:
                takes = " or ".join(map(repr, wanted))
                raise ValueError(f"module {place} of model, {module}, must have {setting} {takes}, got {value!r}")
        yield Found(f"{place} of model, {module}", layer)


Settings = dict[str, tuple[Any, tuple[Any, ...]]]  # what a module has, and what fastnet's layer can have
NO_SETTINGS: Settings = {}


def _numpy(tensor: Any) -> FloatArray:
    """Return a copy of a tensor, which may require gradients, or be on another device."""
    return np.array(tensor.detach().cpu().numpy())


def _linear(module: Any) -> tuple[Layer, Settings]:
    W = _numpy(module.weight).T
    b = np.zeros(W.shape[1], W.dtype) if module.bias is None else _numpy(module.bias)
    return Layer("Affine", None, {"W": W, "b": b}, {}), NO_SETTINGS


def _conv2d(module: Any) -> tuple[Layer, Settings]:
    W = _numpy(module.weight)
    b = np.zeros(len(W), W.dtype) if module.bias is None else _numpy(module.bias)
    stride, pad, sides = module.stride, module.padding, module.kernel_size
    layer = Layer("Convolution", None, {"W": W, "b": b}, {"size": sides[0], "stride": stride[0], "pad": pad[0]})
    square = ((sides[0],) * 2,)
    return layer, {
        "kernel_size": (sides, square), "stride": (stride, ((stride[0],) * 2,)), "groups": (module.groups, (1,)),
        "padding": (pad, (((0 if isinstance(pad, str) else pad[0]),) * 2,)), "dilation": (module.dilation, ((1, 1),)),
        "padding_mode": (module.padding_mode, ("zeros",)),
    }  # fmt: skip


def _max_pool(module: Any) -> tuple[Layer, Settings]:
    settings = {
        name: (getattr(module, name), wanted)
        for name, wanted in {
            "kernel_size": (2, (2, 2)), "stride": (2, (2, 2)), "padding": (0, (0, 0)), "dilation": (1, (1, 1)),
            "ceil_mode": (False,), "return_indices": (False,),
        }.items()
    }  # fmt: skip
    return Layer("Pooling", None, {}, {}), settings


def _batch_norm(module: Any) -> tuple[Layer, Settings]:
    D = module.num_features
    gamma, beta = (
        np.full(D, value, np.float64) if tensor is None else _numpy(tensor)
        for tensor, value in ((module.weight, 1.0), (module.bias, 0.0))
    )
    settings: dict[str, Any] = {}
    if module.running_mean is not None and module.momentum is not None:
        settings["momentum"] = 1 - module.momentum
        settings["running_mean"] = _numpy(module.running_mean).astype(np.float64)
        settings["running_var"] = _numpy(module.running_var) + (np.float64(module.eps) - EPS)
    layer = Layer("BatchNormalization", None, {"gamma": gamma, "beta": beta}, settings)
    return layer, {
        "track_running_stats": (module.track_running_stats, (True,)),
        "momentum": (module.momentum, ("a number",) if module.momentum is None else (module.momentum,)),
    }


def _plain(kind: str, **wanted: tuple[Any, ...]) -> Callable[[Any], tuple[Layer, Settings]]:
    def read(module: Any) -> tuple[Layer, Settings]:
        return Layer(kind, None, {}, {}), {name: (getattr(module, name), values) for name, values in wanted.items()}

    return read


LAYERS: dict[str, Callable[[Any], tuple[Layer, Settings]]] = {
    "Linear": _linear,
    "Conv2d": _conv2d,
    "MaxPool2d": _max_pool,
    "BatchNorm1d": _batch_norm,
    "Dropout": lambda module: (
        Layer("Dropout", None, {}, {"ratio": module.p}), {"p": (module.p, ("below 1",) if module.p >= 1 else (module.p,))}
    ),
    "Flatten": _plain("Flatten", start_dim=(1,), end_dim=(-1,)),
    "ReLU": _plain("Relu"),
    "Sigmoid": _plain("Sigmoid"),
    "Tanh": _plain("Tanh"),
    "LeakyReLU": _plain("LeakyRelu", negative_slope=(SLOPE,)),
    "ELU": _plain("Elu", alpha=(1.0,)),
    "Softmax": _plain("Softmax", dim=(-1, 1)),
}  # fmt: skip


def _refuse_another_order(found: Sequence[Found], wanted: Sequence[str], network: str) -> None:
    """Raise a ValueError that names the first module that is not of the kind that must stand there."""
    for number, kind in enumerate(wanted):
        if number == len(found):
            raise ValueError(f"model ends where {network} has one more layer: {kind}")
        if found[number].layer.kind != kind:
            raise ValueError(f"module {found[number].place}, stands where {network} has the layer {kind}")
    if len(found) > len(wanted):
        raise ValueError(f"module {found[len(wanted)].place}, stands where {network} has ended")


def _dense(found: list[Found], dtype: np.dtype[Any]) -> AnyNetwork:
    if found[0].layer.kind == "Flatten":  # predict takes rows
        found = found[1:]
    kinds = [each.layer.kind for each in found]
    places = [place for place, kind in enumerate(kinds) if kind == "Affine"]
    extended = "BatchNormalization" in kinds or "Dropout" in kinds
    name = "a MultiLayerNetExtend" if extended else "a MultiLayerNet"
    between = kinds[places[0] + 1 : places[1]] if len(places) > 1 else []  # what stands between two affine layers
    known = ("Relu", "Sigmoid") if extended else tuple(ACTIVATIONS.values())
    activation = next((kind for kind in between if kind in known), None)
    if extended:
        gap = [kind for kind in ("BatchNormalization", activation or "Relu", "Dropout") if kind in kinds or kind == "Relu"]
        gap = [kind for kind in gap if kind != "Relu" or activation in (None, "Relu")]
        last: list[str] = []
    else:
        gap = [] if activation is None else [activation]
        last = kinds[-1:] if kinds[-1] in ("Softmax", "Sigmoid") else []
    _refuse_another_order(found, [*["Affine", *gap] * (len(places) - 1), "Affine", *last], name)
    weights = _weights(found)
    sizes = [len(weights[0]), *(b.size for b in weights[1::2])]
    word = next((word for word, kind in ACTIVATIONS.items() if kind == activation), "identity")
    params = {f"{'Wb'[i % 2]}{i // 2 + 1}": array for i, array in enumerate(weights)}
    if extended:
        return _extended(found, params, sizes, word if activation else "relu", dtype)
    output = {"Softmax": "softmax", "Sigmoid": "sigmoid"}.get(last[0], "") if last else "identity"
    network: AnyNetwork
    if (word, output, len(sizes)) == ("sigmoid", "softmax", 3):
        network = TwoLayerNet(*sizes, weight_init_std=0, dtype=dtype, seed=0)
    else:
        network = MultiLayerNet(sizes[0], sizes[1:-1], sizes[-1], word, 0, output=output, dtype=dtype, seed=0)  # type: ignore[arg-type]
    network.params.update(params)
    return network


def _extended(
    found: Sequence[Found], params: dict[str, FloatArray], sizes: list[int], activation: str, dtype: np.dtype[Any]
) -> MultiLayerNetExtend:
    layers = [each.layer for each in found]
    ratios = [layer.settings["ratio"] for layer in layers if layer.kind == "Dropout"]
    norms = [layer for layer in layers if layer.kind == "BatchNormalization"]
    if len(set(ratios)) > 1:
        raise ValueError(f"all Dropout modules of model must have the same p, got {', '.join(map(str, ratios))}")
    network = MultiLayerNetExtend(
        sizes[0], sizes[1:-1], sizes[-1], activation, 0, use_dropout=bool(ratios),
        dropout_ration=ratios[0] if ratios else 0.5, use_batchnorm=bool(norms), dtype=dtype, seed=0,
    )  # fmt: skip
    network.params.update(params)
    for i, norm in enumerate(norms, start=1):
        for which, array in norm.parameters.items():
            network.params[f"{which}{i}"] = np.asarray(array, dtype)
        for which, value in norm.settings.items():
            setattr(network.layers[f"BatchNorm{i}"], which, value)
    return network


SIMPLE = ["Convolution", "Relu", "Pooling", "Flatten", "Affine", "Relu", "Affine"]
DEEP = [
    *["Convolution", "Relu", "Convolution", "Relu", "Pooling"] * 3, "Flatten", "Affine", "Relu", "Dropout", "Affine",
    "Dropout",
]  # fmt: skip


def _convolutional(
    found: list[Found], dtype: np.dtype[Any], input_shape: tuple[int, ...] | None
) -> SimpleConvNet | DeepConvNet:
    layers = [each.layer for each in found]
    is_deep = [layer.kind for layer in layers].count("Convolution") > 1
    _refuse_another_order(found, DEEP if is_deep else SIMPLE, "a DeepConvNet" if is_deep else "a SimpleConvNet")
    if input_shape is None:
        raise ValueError("model has Conv2d modules, which take images of any size: pass input_shape, (C, H, W)")
    for each in found:
        if each.layer.kind == "Dropout" and each.layer.settings["ratio"] != 0.5:
            raise ValueError(f"module {each.place}, must have p 0.5, which a DeepConvNet has")
    conv_params = [
        {
            "filter_num": len(layer.parameters["W"]), "filter_size": layer.settings["size"],
            "pad": layer.settings["pad"], "stride": layer.settings["stride"],
        }
        for layer in layers if layer.kind == "Convolution"
    ]  # fmt: skip
    weights = _weights(found)
    hidden, classes = weights[-3].size, weights[-1].size
    network: SimpleConvNet | DeepConvNet
    channels_height_width: Any = input_shape
    if is_deep:
        network = DeepConvNet(
            channels_height_width, *conv_params, hidden_size=hidden, output_size=classes, dtype=dtype, seed=0
        )
    else:
        network = SimpleConvNet(channels_height_width, conv_params[0], hidden, classes, 0, dtype=dtype, seed=0)
    for (name, own), array in zip(network.params.items(), weights, strict=True):
        if own.shape != array.shape:
            raise ValueError(
                f"input_shape {tuple(input_shape)} does not fit model: {name} would have the shape {own.shape}, and has "
                f"{array.shape}"
            )
    network.params.update(zip(network.params, weights, strict=True))
    return network


def _weights(found: Sequence[Found]) -> list[FloatArray]:
    """Return W1, b1, W2, b2, ..., without the factors of the dropouts next to them."""
    layers = [each.layer for each in found]
    factors = _factors(layers)
    weights = []
    for place, layer in enumerate(layers):
        if "W" in layer.parameters:
            for which, factor in zip("Wb", factors.get(place, (1.0, 1.0)), strict=True):
                weights.append(np.ascontiguousarray(layer.parameters[which] / layer.parameters[which].dtype.type(factor)))
    return weights


# --- data -------------------------------------------------------------------------------------------------------------


def to_dataset(x: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Return inputs and targets as a PyTorch data set, for a ``DataLoader``.

    Parameters
    ----------
    x : array_like, real
        N inputs, ``(N, D)`` or ``(N, C, H, W)``, such as those of `load_mnist`.
    t : array_like, real
        Their targets ``(N,)`` or ``(N, C)``.

    Returns
    -------
    torch.utils.data.TensorDataset
        The inputs, in their dtype. The targets: floats in their dtype, and integers, which are labels, as int64, which
        PyTorch's losses need. Memory is shared with an array of floats that can be written to and lies in order; other
        arrays are copied.

    Raises
    ------
    TypeError
        If `x` or `t` does not hold real numbers.
    ValueError
        If `x` and `t` differ in length, or hold a single sample.
    ImportError
        If ``torch`` is not installed.

    See Also
    --------
    to_torch : Hand a network over to PyTorch.

    Notes
    -----
    ``torch.from_numpy`` warns of a read-only array, as the labels of `load_mnist` are, refuses a big-endian one, and
    makes uint8 of uint8 labels, which ``torch.nn.CrossEntropyLoss`` refuses. A. Paszke et al., "PyTorch", 2019.

    Examples
    --------
    >>> from fastnet import load_mnist
    >>> from fastnet.interop import to_dataset
    >>> (x_train, t_train), _ = load_mnist()
    >>> from torch.utils.data import DataLoader
    >>> images, labels = next(iter(DataLoader(to_dataset(x_train, t_train), batch_size=100)))
    >>> images.shape, images.dtype, labels.dtype
    (torch.Size([100, 784]), torch.float32, torch.int64)
    """
    torch = library("torch", "torch")
    inputs, targets = real_array(x, "x"), real_array(t, "t")
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
        raise ValueError(f"x and t must have the same length, got shapes {inputs.shape} and {targets.shape}")
    if targets.dtype.kind in "biu":
        targets = targets.astype(np.int64)
    return torch.utils.data.TensorDataset(*(_tensor(torch, array) for array in (inputs, targets)))


def _tensor(torch: Any, array: npt.NDArray[Any]) -> Any:
    """Return an array as a tensor, which shares its memory if PyTorch takes it without a warning."""
    dtype = array.dtype.newbyteorder("=")
    return torch.from_numpy(np.require(array, np.int32 if dtype == np.uint16 else dtype, ["C", "W"]))
