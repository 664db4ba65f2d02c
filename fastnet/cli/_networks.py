"""The networks that `fastnet train` trains: how each is made, and with what it is trained unless the user says."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastnet import DeepConvNet, MultiLayerNet, SimpleConvNet, TwoLayerNet
from fastnet.data._dataset import Dataset

ACTIVATION = "relu"  # of the multi-layer network


class Choice(NamedTuple):
    """A network and its defaults. `make` takes the data, the hidden sizes, the activation and the dtype."""

    make: Callable[[Dataset, Sequence[int], str, Any], Any]
    hidden: tuple[int, ...]
    optimizer: str
    iterations: int
    dtype: str
    evaluated: int | None = None  # samples for the accuracies of an epoch; None for all
    takes_images: bool = False
    has_activation: bool = False


def _two_layer(data: Dataset, hidden: Sequence[int], _: str, dtype: Any) -> TwoLayerNet:
    return TwoLayerNet(data.x_train.shape[1], hidden[0], len(data.classes), dtype=dtype)


def _multi_layer(data: Dataset, hidden: Sequence[int], activation: str, dtype: Any) -> MultiLayerNet:
    scale = "relu" if activation in ("relu", "leaky_relu", "elu") else "sigmoid"
    return MultiLayerNet(data.x_train.shape[1], hidden, len(data.classes), activation, scale, dtype=dtype)


def _simple_conv(data: Dataset, hidden: Sequence[int], _: str, dtype: Any) -> SimpleConvNet:
    image = data.x_train.shape[1:]
    return SimpleConvNet(image, hidden_size=hidden[0], output_size=len(data.classes), dtype=dtype)


def _deep_conv(data: Dataset, hidden: Sequence[int], _: str, dtype: Any) -> DeepConvNet:
    return DeepConvNet(data.x_train.shape[1:], hidden_size=hidden[0], output_size=len(data.classes), dtype=dtype)


NETWORKS = {
    "two-layer": Choice(_two_layer, (50,), "sgd", 10_000, "float64"),
    "multi-layer": Choice(_multi_layer, (100, 100), "adam", 10_000, "float64", has_activation=True),
    "simple-conv": Choice(_simple_conv, (100,), "adam", 6_000, "float32", evaluated=1000, takes_images=True),
    "deep-conv": Choice(_deep_conv, (50,), "adam", 6_000, "float32", evaluated=1000, takes_images=True),
}


def defaults(of: Callable[[Choice], Any]) -> str:
    """Return the default of each network, for the help: the networks with the same one stand together."""
    names: dict[str, list[str]] = {}
    for name, choice in NETWORKS.items():
        names.setdefault(str(of(choice)), []).append(name)
    if len(names) == 1:
        return next(iter(names))
    return ", ".join(f"{value} for {' and '.join(those)}" for value, those in names.items())


def sizes(hidden: Sequence[int]) -> str:
    """Return hidden sizes as the command line takes them."""
    return ",".join(map(str, hidden))


def checked(args: argparse.Namespace) -> tuple[Choice, Sequence[int], str]:
    """Return the choice, the hidden sizes and the activation; raise a ValueError if they do not go together."""
    choice = NETWORKS[args.network]
    hidden = args.hidden if "hidden" in args else choice.hidden
    if len(hidden) > 1 and args.network != "multi-layer":
        raise ValueError(
            f"--hidden {sizes(hidden)} is for --network multi-layer: {args.network} has one hidden size: "
            "give one"
        )
    if "activation" in args and not choice.has_activation:
        raise ValueError(
            f"--activation is for --network multi-layer: {args.network} always has the book's: "
            "leave it out"
        )
    return choice, hidden, getattr(args, "activation", ACTIVATION)


def described(network: Any, hidden: Sequence[int]) -> str:
    """Return the sizes of a network, as in 784-50-10, and what there is to choose."""
    C = len(network.classes)
    if isinstance(network, SimpleConvNet | DeepConvNet):
        inputs = " x ".join(map(str, network.input_shape or ()))
        return f"{type(network).__name__} of {inputs} inputs, {hidden[0]} hidden units, {C} classes"
    sizes_of_layers = "-".join(map(str, [len(network.params["W1"]), *hidden, C]))
    return f"{sizes_of_layers}, {network.activation}" if isinstance(network, MultiLayerNet) else sizes_of_layers
