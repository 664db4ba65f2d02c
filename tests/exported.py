"""Networks of every kind, with parameters as after some training, to hand over to other libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet import DeepConvNet, LayeredTwoLayerNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, TwoLayerNet

D, C = 20, 5
CONV_PARAM = {"filter_num": 4, "filter_size": 5, "pad": 1, "stride": 1}


def _extended(dtype: Any, **options: Any) -> MultiLayerNetExtend:
    network = MultiLayerNetExtend(D, [15, 12], C, weight_init_std="xavier", dtype=dtype, seed=0, **options)
    if network.use_batchnorm:
        random = np.random.default_rng(1)
        for i, units in ((1, 15), (2, 12)):
            network.params[f"gamma{i}"], network.params[f"beta{i}"] = (
                random.uniform(0.5, 1.5, units).astype(dtype) for _ in range(2)
            )
            layer = network.layers[f"BatchNorm{i}"]
            layer.running_mean, layer.running_var = random.normal(size=units), random.uniform(0.1, 2.0, units)
    return network


def _biased(network: Any) -> Any:
    random = np.random.default_rng(2)
    for name, array in network.params.items():
        if name.startswith("b") and not name.startswith("beta"):
            network.params[name] = random.normal(scale=0.2, size=array.shape).astype(array.dtype)
    return network


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "TwoLayerNet": lambda dtype: TwoLayerNet(D, 15, C, 0.5, dtype=dtype, seed=0),
    **{
        f"MultiLayerNet {activation} {output}": lambda dtype, activation=activation, output=output: MultiLayerNet(
            D, [15, 12], C, activation, "xavier", output=output, dtype=dtype, seed=0
        )
        for activation in ("relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity")
        for output in ("softmax", "sigmoid", "sigmoid_mse", "identity")
    },
    "MultiLayerNet without hidden layer": lambda dtype: MultiLayerNet(
        D, [], C, weight_init_std="xavier", dtype=dtype, seed=0
    ),
    **{
        f"MultiLayerNetExtend {activation}{' batchnorm' * norm}{' dropout' * drop}": (
            lambda dtype, activation=activation, norm=norm, drop=drop: _extended(
                dtype, activation=activation, use_batchnorm=norm, use_dropout=drop, dropout_ration=0.3
            )
        )
        for activation in ("relu", "sigmoid")
        for norm in (False, True)
        for drop in (False, True)
    },
    "LayeredTwoLayerNet": lambda dtype: LayeredTwoLayerNet(D, 15, C, 0.3, dtype=dtype, seed=0),
    "SimpleConvNet": lambda dtype: SimpleConvNet((1, 12, 11), CONV_PARAM, 10, C, 0.1, dtype=dtype, seed=0),
    "DeepConvNet": lambda dtype: DeepConvNet((1, 13, 12), hidden_size=10, output_size=C, dtype=dtype, seed=0),
}  # fmt: skip


def exported(name: str, dtype: Any) -> Any:
    """Return a network of this kind."""
    return _biased(NETWORKS[name](dtype))


def inputs(network: Any, count: int = 64) -> Any:
    """Return samples that fit a network, in its dtype."""
    shape = network._sample_shape()
    return np.random.default_rng(9).normal(scale=0.5, size=(count, *shape)).astype(network.dtype)
