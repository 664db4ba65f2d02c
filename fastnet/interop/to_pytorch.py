"""Networks and arrays for PyTorch.

Only modules of PyTorch's own are used, so a model that is saved needs no fastnet to be loaded.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, real_array
from fastnet._extras import library
from fastnet._twins.shared.formulas_numpy import SLOPE
from fastnet.interop._layers import dropout_factors, in_dtype, layers_of
from fastnet.layers.normalization import EPS
from fastnet.networks.architecture import Layer


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
        If a parameter no longer fits or holds NaN or infinity; if PyTorch has no such layer: a batch normalization of
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
    Batch normalization keeps its running statistics. Outside of training both libraries use them in the same way, but
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
    torch = library("torch", "torch", "to_torch")
    factors = dropout_factors([layer for _, layer, _ in layers])
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
        The inputs, in their dtype. The targets: floats in their dtype, and integers, which are labels, as int64, as in
        PyTorch's own data sets. An array shares its memory if it can be written to and lies in order, else it is
        copied.

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
    ``torch.from_numpy`` warns of a read-only array, as the labels of `load_mnist` are, and refuses a big-endian one and
    one with negative strides. A. Paszke et al., "PyTorch", 2019.

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
    torch = library("torch", "torch", "to_dataset")
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
