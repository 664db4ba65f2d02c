"""The layers of a network in order, with their shapes: to show a network, and to hand it over to other libraries.

Shapes are those of one sample: `(D,)`, or `(C, H, W)`.
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastnet import _html
from fastnet._checks import FloatArray
from fastnet.layers import Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu, Sigmoid, SoftmaxWithLoss
from fastnet.util import conv_output_size

Shape = tuple[int, ...]


class Layer(NamedTuple):
    """One step from the inputs of a network to its predictions."""

    kind: str  # the name of a class of `fastnet.layers`, or "Tanh", "LeakyRelu", "Elu", "Softmax"; or the user's class
    shape: Shape | None  # of the output; None is unknown
    parameters: dict[str, FloatArray]
    settings: dict[str, Any]


# The layers that follow an affine layer of a `MultiLayerNet`. "identity" is none.
ACTIVATIONS = {"sigmoid": "Sigmoid", "relu": "Relu", "tanh": "Tanh", "leaky_relu": "LeakyRelu", "elu": "Elu"}
OUTPUTS = {"softmax": "Softmax", "sigmoid": "Sigmoid", "sigmoid_mse": "Sigmoid"}


def dense_layers(arrays: Sequence[FloatArray], activation: str, output: str) -> list[Layer]:
    """Return the layers of a dense network with the parameters W1, b1, W2, b2, ..."""
    layers = []
    for W, b in zip(arrays[::2], arrays[1::2], strict=True):
        layers.append(Layer("Affine", b.shape, {"W": W, "b": b}, {}))
        kind = (OUTPUTS if b is arrays[-1] else ACTIVATIONS).get(output if b is arrays[-1] else activation)
        if kind is not None:
            layers.append(Layer(kind, b.shape, {}, {}))
    return layers


def described(layer: Any, shape: Shape | None) -> Layer:
    """Return what a layer of `fastnet.layers` does to samples of a shape."""
    if shape is None:
        return unknown(layer)
    return DESCRIPTIONS[type(layer)](layer, shape)


def unknown(layer: Any) -> Layer:
    """Return what can be said of a layer of the user's."""
    return Layer(type(layer).__name__, None, {}, {})


def _affine(layer: Affine, shape: Shape) -> Layer:  # noqa: ARG001 - it takes samples of any shape
    W = np.asarray(layer.W)
    return Layer("Affine", W.shape[1:], {"W": W, "b": _row(layer.b, W.shape[1], "b")}, {})


def _convolution(layer: Convolution, shape: Shape) -> Layer:
    W, stride, pad = np.asarray(layer.W), layer.stride, layer.pad
    OH, OW = (conv_output_size(*sides, stride, pad) for sides in zip(shape[1:], W.shape[2:], strict=True))
    parameters = {"W": W, "b": _row(layer.b, len(W), "b")}
    return Layer("Convolution", (len(W), OH, OW), parameters, {"stride": stride, "pad": pad})


def _pooling(layer: Pooling, shape: Shape) -> Layer:
    settings = {name: getattr(layer, name) for name in ("pool_h", "pool_w", "stride", "pad")}
    pools = (layer.pool_h, layer.pool_w)
    sides = ((side - pool) // layer.stride + 1 for side, pool in zip(shape[1:], pools, strict=True))
    return Layer("Pooling", (shape[0], *sides), {}, settings)


def _normalization(layer: BatchNormalization, shape: Shape) -> Layer:
    D = math.prod(shape)
    parameters = {name: _row(getattr(layer, name), D, name) for name in ("gamma", "beta")}
    statistics = {}
    for name in ("running_mean", "running_var"):
        value = getattr(layer, name)
        statistics[name] = np.zeros(D) if value is None else _row(value, D, name)  # None: it has seen no batch
    return Layer("BatchNormalization", shape, parameters, {**statistics, "momentum": layer.momentum})


def _row(value: Any, size: int, name: str) -> FloatArray:
    """Return a parameter of a layer: as there, one number can stand for all."""
    array = np.asarray(value)
    if array.size not in (1, size):
        raise ValueError(f"{name} of a layer no longer fits: it must hold {size} numbers, got shape {array.shape}")
    return np.broadcast_to(array.reshape(-1), (size,))


DESCRIPTIONS: dict[type, Callable[[Any, Shape], Layer]] = {
    Affine: _affine,
    Convolution: _convolution,
    Pooling: _pooling,
    BatchNormalization: _normalization,
    Dropout: lambda layer, shape: Layer("Dropout", shape, {}, {"ratio": layer.dropout_ratio}),
    Relu: lambda _, shape: Layer("Relu", shape, {}, {}),
    Sigmoid: lambda _, shape: Layer("Sigmoid", shape, {}, {}),
    SoftmaxWithLoss: lambda _, shape: Layer("SoftmaxWithLoss", shape, {}, {}),
}


def named(layers: Sequence[Layer]) -> Iterator[tuple[str, Layer]]:
    """Yield each layer with its name: its kind, and which of this kind it is, if there are several."""
    total, seen = Counter(layer.kind for layer in layers), Counter[str]()
    for layer in layers:
        seen[layer.kind] += 1
        yield layer.kind if total[layer.kind] == 1 else f"{layer.kind}{seen[layer.kind]}", layer


# --- how a network looks ----------------------------------------------------------------------------------------------

HEAD = ("layer", "output", "parameters", "number")  # of the table in a notebook


class Shown(ABC):
    """A network that shows its layers: in one line, and in a notebook as a table."""

    params: Any
    dtype: np.dtype[Any]

    @abstractmethod
    def _sample_shape(self) -> Shape:
        """Return the shape of one sample."""

    @abstractmethod
    def _architecture(self) -> list[Layer]:
        """Return the layers of `predict`. Raise an error if a parameter no longer fits."""

    def __repr__(self) -> str:
        try:
            return f"<{self._summary()}>"
        except Exception:  # a program may have broken the network: then the repr must help to find out how
            return object.__repr__(self)

    def _repr_html_(self) -> str | None:
        try:
            rows = [("input", _sides(self._sample_shape()), "", "")]
            for name, layer in named(self._architecture()):
                arrays = layer.parameters.items()
                count = sum(array.size for _, array in arrays)
                shapes = ", ".join(f"{which} {_sides(array.shape)}" for which, array in arrays)
                rows.append((name, _sides(layer.shape), shapes, f"{count:,}" if count else ""))
            return _html.table(self._summary(), HEAD, rows)
        except Exception:  # see above; the notebook shows the repr
            return None

    def _summary(self) -> str:
        layers = self._architecture()
        shapes = [self._sample_shape(), *(layer.shape for layer in layers if layer.kind in ("Affine", "Convolution"))]
        others = dict.fromkeys(layer.kind for layer in layers if layer.kind not in ("Affine", "Convolution"))
        kinds = f" ({', '.join(others)})" if others else ""
        count = sum(np.size(array) for array in self.params.values())
        sizes = "-".join(map(_sides, shapes)).replace(" ", "")
        return f"{type(self).__name__} {sizes}{kinds}, {count:,} parameters, {self.dtype}"


def _sides(shape: Shape | None) -> str:
    return "?" if shape is None else " x ".join(map(str, shape))
