"""The layers of a network, as far as other libraries have them too."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, cast
from fastnet.networks.architecture import ACTIVATIONS, DESCRIPTIONS, Layer, Shape, Shown, named

KNOWN = {*(kind.__name__ for kind in DESCRIPTIONS), *ACTIVATIONS.values(), "Softmax"}


def layers_of(network: Any) -> list[tuple[str, Layer, Shape]]:
    """Return the layers of `predict` in order, each with its name and the shape of the samples that it takes.

    Raise an error that names the first layer that only fastnet has.
    """
    if not isinstance(network, Shown):
        raise TypeError(f"network must be one of fastnet's networks with several layers, got {type(network).__name__}")
    predict: Any = network.predict  # type: ignore[attr-defined]
    if getattr(predict, "__func__", None) is not network._own[0]:  # type: ignore[attr-defined]
        raise TypeError(f"network must not have its own predict: nothing is known of that of {type(network).__name__}")
    found, shape = [], network._sample_shape()
    for place, (name, layer) in enumerate(named(network._architecture())):
        if layer.kind not in KNOWN or layer.shape is None:
            raise TypeError(
                f"layer {place} of the network, {layer.kind}, is no layer of fastnet's: "
                "use those of fastnet.layers"
            )
        if layer.kind == "BatchNormalization" and len(shape) > 1:
            raise ValueError(
                f"{name} normalizes every pixel of its maps {shape}; other libraries normalize whole maps. "
                "Leave this layer out"
            )
        if layer.settings.get("pad") and layer.kind == "Pooling":
            raise ValueError(f"{name} pads with zeros; other libraries pad with -infinity. Use pad=0")
        found.append((name, layer, shape))
        shape = layer.shape
    return found


def in_dtype(array: FloatArray, dtype: np.dtype[Any], name: str) -> FloatArray:
    """Return a C-contiguous copy in a dtype, or raise a ValueError if a number is not finite in it."""
    copy = np.array(cast(array, dtype))
    if not np.isfinite(copy).all():
        raise ValueError(
            f"{name} holds NaN or infinity, or a number too large for {dtype}: has the training diverged? "
            "Train again with a smaller learning rate"
        )
    return copy


def dropout_factors(layers: Sequence[Layer]) -> dict[int, tuple[float, float]]:
    """Return by what the weights and the biases of the Affine layers next to a dropout are multiplied, by place.

    The book's dropout leaves training as it is, and multiplies by ``1 - ratio`` outside of it. PyTorch's divides by it
    in training. If the Affine layer before or after it takes the factor, both modes give the same.
    """
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
