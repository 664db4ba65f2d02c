"""PyTorch's models as networks of fastnet.

A model is read module by module, as layers. The kinds of the layers tell which network it is, or which module none has.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastnet._checks import FLOAT32, FLOAT64, FloatArray, as_count
from fastnet._extras import library
from fastnet._twins.shared.formulas_numpy import SLOPE
from fastnet.interop._layers import dropout_factors
from fastnet.layers.normalization import EPS
from fastnet.networks import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, TwoLayerNet
from fastnet.networks.architecture import ACTIVATIONS, Layer
from fastnet.networks.loading import AnyNetwork


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
        If `model` is not a ``torch.nn.Sequential``; if it or a module has hooks or a ``forward`` of its own; if a
        module has no counterpart in fastnet, or its parameters are not all float32 or all float64. The error names the
        module and its place.
    ValueError
        If fastnet has no network with the modules in this order, or a module has settings that fastnet's layer does
        not have; the error names the module and its place. If `input_shape` is missing or does not fit. If the model
        is on the device "meta", without numbers.
    ImportError
        If ``torch`` is not installed.

    See Also
    --------
    to_torch : The other direction.

    Notes
    -----
    A model that ends in a ``Linear``, without batch normalization and dropout, becomes a `MultiLayerNet` with the
    output "identity". If its outputs are the scores of classes, as those that ``torch.nn.CrossEntropyLoss`` takes, set
    ``network.output = "softmax"``.

    PyTorch's dropout divides by ``1 - p`` in training, and the book's multiplies by it outside of training. So the
    weights next to a dropout are divided by ``1 - p``. The book's batch normalization has an ``eps`` of 1e-6: the
    running variance takes the difference to that of a ``BatchNorm1d``.

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
    torch = library("torch", "torch", "from_torch")
    if not isinstance(model, torch.nn.Sequential):
        raise TypeError(f"model must be a torch.nn.Sequential, got {type(model).__name__}")
    _refuse_own_computation(model, torch)
    sides = None if input_shape is None else _sides(input_shape)
    dtype = _dtype_of(model, torch)
    found = list(_found(model, torch, ""))
    if "Convolution" in [each.layer.kind for each in found]:
        return _convolutional(found, dtype, sides)
    network = _dense(found, dtype)
    if sides is not None:
        if math.prod(sides) != network._input_count():
            raise ValueError(
                f"input_shape must be the shape of the {network._input_count()} inputs of model, got {sides}"
            )
        network.input_shape = sides
    return network


def _refuse_own_computation(model: Any, torch: Any) -> None:
    """Raise a TypeError if the model computes something that its modules do not show."""
    if type(model).forward is not torch.nn.Sequential.forward:
        raise TypeError(f"model must not have its own forward: nothing is known of that of {type(model).__name__}")
    for name, module in model.named_modules():
        what = f"module {name} of model, {type(module).__name__}," if name else "model"
        if "forward" in vars(module):
            raise TypeError(f"{what} must not have its own forward: nothing is known of it")
        if module._forward_hooks or module._forward_pre_hooks:
            raise TypeError(
                f"{what} must not have hooks, which may change what it computes: remove them first, those of pruning "
                "with torch.nn.utils.prune.remove"
            )


def _sides(input_shape: Any) -> tuple[int, ...]:
    """Return `input_shape`, of which a number means one side, as a tuple of integers."""
    sides = input_shape if np.iterable(input_shape) and not isinstance(input_shape, str | Mapping) else [input_shape]
    return tuple(as_count(side, "each of input_shape") for side in sides)


def _dtype_of(model: Any, torch: Any) -> np.dtype[Any]:
    known: dict[Any, np.dtype[Any]] = {torch.float32: FLOAT32, torch.float64: FLOAT64}
    dtypes = {name: parameter.dtype for name, parameter in model.named_parameters()}
    for name, dtype in dtypes.items():
        if dtype not in known or dtype != next(iter(dtypes.values())):
            raise TypeError(f"the parameters of model must be all float32 or all float64, but {name} is {dtype}")
    for name, tensor in model.state_dict().items():
        if tensor.is_meta:
            raise ValueError(f"model holds no numbers: {name} is on the device 'meta'. Load its weights first")
    return known[next(iter(dtypes.values()), torch.float64)]


def _found(model: Any, torch: Any, prefix: str) -> Iterator[Found]:
    """Yield the modules that compute something, as layers."""
    for number, module in enumerate(model):  # `named_children` leaves out a module that comes again
        place = f"{prefix}{number}"
        if type(module) is torch.nn.Sequential:
            yield from _found(module, torch, f"{place}.")
            continue
        if type(module) is torch.nn.Identity:
            continue
        read = next((LAYERS[kind] for kind in LAYERS if type(module) is getattr(torch.nn, kind)), None)
        if read is None:
            raise TypeError(
                f"module {place} of model, {module}, has no counterpart in fastnet: "
                "leave it out, or replace it"
            )
        layer, settings = read(module)
        for name, setting in settings.items():
            if not setting.is_right:
                raise ValueError(
                    f"module {place} of model, {module}, must have {name} {setting.wanted}, got {setting.value!r}"
                )
        yield Found(f"{place} of model, {module}", layer)


class Setting(NamedTuple):
    """A setting of a module, and whether fastnet's layer has it too."""

    value: Any
    is_right: bool
    wanted: str


def _one_of(value: Any, *wanted: Any) -> Setting:
    return Setting(value, value in wanted, " or ".join(map(repr, wanted)))


Settings = dict[str, Setting]
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
    if isinstance(pad, str):  # "same" or "valid"
        pad = (0, 0) if pad == "valid" else (None, None)
    layer = Layer("Convolution", None, {"W": W, "b": b}, {"size": sides[0], "stride": stride[0], "pad": pad[0]})
    return layer, {
        "kernel_size": _one_of(sides, (sides[0],) * 2), "stride": _one_of(stride, (stride[0],) * 2),
        "padding": Setting(module.padding, None not in pad and pad[0] == pad[1], "the same number on all sides"),
        "dilation": _one_of(module.dilation, (1, 1)),
        "groups": _one_of(module.groups, 1), "padding_mode": _one_of(module.padding_mode, "zeros"),
    }  # fmt: skip


def _max_pool(module: Any) -> tuple[Layer, Settings]:
    return Layer("Pooling", None, {}, {}), {
        "kernel_size": _one_of(module.kernel_size, 2, (2, 2)), "stride": _one_of(module.stride, 2, (2, 2)),
        "padding": _one_of(module.padding, 0, (0, 0)), "dilation": _one_of(module.dilation, 1, (1, 1)),
        "ceil_mode": _one_of(module.ceil_mode, False), "return_indices": _one_of(module.return_indices, False),
    }  # fmt: skip


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
        "track_running_stats": _one_of(module.track_running_stats, True),
        "momentum": Setting(
            module.momentum, module.momentum is not None and 0 <= module.momentum <= 1, "a number from 0 to 1"
        ),
    }


def _dropout(module: Any) -> tuple[Layer, Settings]:
    return Layer("Dropout", None, {}, {"ratio": module.p}), {"p": Setting(module.p, module.p < 1, "below 1")}


def _plain(kind: str, **wanted: tuple[Any, ...]) -> Callable[[Any], tuple[Layer, Settings]]:
    def read(module: Any) -> tuple[Layer, Settings]:
        return Layer(kind, None, {}, {}), {
            name: _one_of(getattr(module, name), *values) for name, values in wanted.items()
        }

    return read


LAYERS: dict[str, Callable[[Any], tuple[Layer, Settings]]] = {
    "Linear": _linear,
    "Conv2d": _conv2d,
    "MaxPool2d": _max_pool,
    "BatchNorm1d": _batch_norm,
    "Dropout": _dropout,
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
            raise ValueError(f"model ends where {network} has one more layer: {kind}. Add it")
        if found[number].layer.kind != kind:
            raise ValueError(
                f"module {found[number].place}, stands where {network} has the layer {kind}: "
                "put that one there"
            )
    if len(found) > len(wanted):
        raise ValueError(f"module {found[len(wanted)].place}, stands where {network} has ended: leave it out")


def _dense(found: list[Found], dtype: np.dtype[Any]) -> AnyNetwork:
    if found and found[0].layer.kind == "Flatten":  # predict takes rows
        found = found[1:]
    kinds = [each.layer.kind for each in found]
    affine = [place for place, kind in enumerate(kinds) if kind == "Affine"]
    extended = "BatchNormalization" in kinds or "Dropout" in kinds
    known = ("Relu", "Sigmoid") if extended else tuple(ACTIVATIONS.values())
    gap = kinds[affine[0] + 1 : affine[1]] if len(affine) > 1 else []  # all gaps between affine layers must be like it
    activation = next((kind for kind in gap if kind in known), "Relu" if extended else None)
    if extended:
        order = ("BatchNormalization", activation or "", "Dropout")
        wanted = [kind for kind in order if kind in kinds or kind == activation]
        last: list[str] = []
    else:
        wanted = [] if activation is None else [activation]
        last = [kind for kind in kinds[-1:] if kind in ("Softmax", "Sigmoid")]
    network = "a MultiLayerNetExtend" if extended else "a MultiLayerNet"
    _refuse_another_order(found, [*["Affine", *wanted] * (len(affine) - 1), "Affine", *last], network)
    sizes = _sizes(found)
    params = {f"{'Wb'[i % 2]}{i // 2 + 1}": array for i, array in enumerate(_weights(found))}
    word = next((word for word, kind in ACTIVATIONS.items() if kind == activation), "identity")
    if extended:
        return _extended(found, params, sizes, word, dtype)
    output: Any = last[0].lower() if last else "identity"
    dense: AnyNetwork
    if (word, output, len(sizes)) == ("sigmoid", "softmax", 3):
        dense = TwoLayerNet(sizes[0], sizes[1], sizes[2], 0, dtype=dtype, seed=0)
    else:
        dense = MultiLayerNet(sizes[0], sizes[1:-1], sizes[-1], word, 0, output=output, dtype=dtype, seed=0)
    dense.params.update(params)
    return dense


def _sizes(found: Sequence[Found]) -> list[int]:
    """Return the number of inputs and the units of each affine layer; they must fit each other."""
    sizes: list[int] = []
    for each in found:
        parameters = each.layer.parameters
        width = len(parameters["W"]) if "W" in parameters else np.size(parameters.get("gamma", ()))
        if sizes and width and width != sizes[-1]:
            raise ValueError(
                f"module {each.place}, takes {width} numbers, but the module before it gives {sizes[-1]}: "
                "they must be the same"
            )
        if "W" in parameters:
            sizes += [parameters["b"].size] if sizes else [width, parameters["b"].size]
    return sizes


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
    if len(input_shape) != 3:
        raise ValueError(f"input_shape must be (C, H, W) for a model with Conv2d modules, got {input_shape}")
    channels_height_width: Any = input_shape
    if is_deep:
        own: Any = DeepConvNet  # whose arguments mypy cannot match with the list
        network = own(channels_height_width, *conv_params, hidden, classes, dtype=dtype, seed=0)
    else:
        network = SimpleConvNet(channels_height_width, conv_params[0], hidden, classes, 0, dtype=dtype, seed=0)
    for (name, drawn), array in zip(network.params.items(), weights, strict=True):
        if drawn.shape != array.shape:
            shapes = f"{name} would have the shape {drawn.shape}, and has {array.shape}"
            raise ValueError(f"input_shape {input_shape} does not fit model: {shapes}. Give the shape of its images")
    network.params.update(zip(network.params, weights, strict=True))
    return network


def _weights(found: Sequence[Found]) -> list[FloatArray]:
    """Return W1, b1, W2, b2, ..., without the factors of the dropouts next to them."""
    layers = [each.layer for each in found]
    factors = dropout_factors(layers)
    weights: list[FloatArray] = []
    for place, layer in enumerate(layers):
        if "W" in layer.parameters:
            for which, factor in zip("Wb", factors.get(place, (1.0, 1.0)), strict=True):
                array = layer.parameters[which]
                weights.append(np.ascontiguousarray(array / array.dtype.type(factor)))
    return weights
