"""fastnet: the neural network of "Deep Learning from Scratch", with compiled kernels beside their NumPy twins."""

from fastnet import functions, gradient, optimizer
from fastnet._backend import get_backend, use_backend
from fastnet.mnist import load_mnist
from fastnet.simple_net import SimpleNet
from fastnet.trainer import Trainer
from fastnet.two_layer_net import TwoLayerNet

__version__ = "0.1.0"

__all__ = [
    "SimpleNet",
    "Trainer",
    "TwoLayerNet",
    "functions",
    "get_backend",
    "gradient",
    "load_mnist",
    "optimizer",
    "use_backend",
]
