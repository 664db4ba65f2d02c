"""The book's networks."""

from fastnet.networks.convolutional import DeepConvNet, SimpleConvNet
from fastnet.networks.layered import LayeredTwoLayerNet
from fastnet.networks.loading import load_network
from fastnet.networks.multi_layer_net import MultiLayerNet
from fastnet.networks.multi_layer_net_extend import MultiLayerNetExtend
from fastnet.networks.simple_net import SimpleNet
from fastnet.networks.two_layer_net import TwoLayerNet

__all__ = [
    "DeepConvNet",
    "LayeredTwoLayerNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "SimpleConvNet",
    "SimpleNet",
    "TwoLayerNet",
    "load_network",
]
