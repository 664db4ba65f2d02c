"""The book's networks."""

from fastnet.networks.multi_layer_net import MultiLayerNet
from fastnet.networks.simple_net import SimpleNet
from fastnet.networks.two_layer_net import TwoLayerNet

__all__ = ["MultiLayerNet", "SimpleNet", "TwoLayerNet"]
