"""Which layers compute as those of `fastnet.layers` do, and which two of them compute in one go.

A program may put its own layers into a network, replace a method of a class or of an object, or derive a class. So a
layer is fastnet's own if its method is the original.
"""

from collections.abc import Collection
from typing import Any

from fastnet.layers import Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu, Sigmoid, SoftmaxWithLoss

# What stands before the last layer.
LAYERS = (Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu, Sigmoid)

# The layers whose `forward` returns a new array, to which nothing else refers: the next layer need not copy it.
FRESH = (Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu)

# The layers that also compute the ReLU behind them.
WITH_RELU = (BatchNormalization, Convolution)

_METHODS = {
    (kind, method): vars(kind)[method] for kind in (*LAYERS, SoftmaxWithLoss) for method in ("forward", "backward")
}


def is_original(layer: Any, method: str, kinds: Collection[type]) -> bool:
    """Whether a layer is of one of these classes of fastnet, and its `method` is that of the class."""
    kind = type(layer)
    return kind in kinds and vars(kind).get(method) is _METHODS[kind, method] and method not in vars(layer)


def with_relus(layers: list[tuple[Any, Any]], method: str) -> list[tuple[Any, Any, Relu | None]]:
    """Return the key of each layer, the layer, and the ReLU behind it if the layer's `method` computes that too."""
    steps: list[tuple[Any, Any, Relu | None]] = []
    for key, layer in layers:
        if type(layer) is Relu and steps and steps[-1][2] is None:
            before, previous, _ = steps[-1]
            if is_original(previous, method, WITH_RELU) and is_original(layer, method, (Relu,)):
                steps[-1] = before, previous, layer
                continue
        steps.append((key, layer, None))
    return steps
