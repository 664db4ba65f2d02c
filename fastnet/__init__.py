"""fastnet: the neural network of "Deep Learning from Scratch", with compiled kernels beside their NumPy twins."""

# _startup comes first: Ctrl-C is quiet from then on. Then _backend: its warning points at the line with the import.
from fastnet import _startup  # noqa: F401

# isort: split
from fastnet import (  # noqa: F401
    _backend,
    data,
    functions,
    gradient,
    information,
    layers,
    optimizer,
    plotting,
    util,
)
from fastnet._backend import get_backend, use_backend
from fastnet._bench import bench
from fastnet._threads import get_num_threads, set_num_threads
from fastnet.mnist import load_mnist
from fastnet.networks import (
    DeepConvNet,
    LayeredTwoLayerNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    SimpleConvNet,
    SimpleNet,
    TwoLayerNet,
    load_network,
)
from fastnet.perceptron import Perceptron
from fastnet.pretrained import load_pretrained
from fastnet.trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "DeepConvNet",
    "LayeredTwoLayerNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Perceptron",
    "SimpleConvNet",
    "SimpleNet",
    "Trainer",
    "TwoLayerNet",
    "bench",
    "data",
    "functions",
    "get_backend",
    "get_num_threads",
    "gradient",
    "information",
    "layers",
    "load_mnist",
    "load_network",
    "load_pretrained",
    "optimizer",
    "plotting",
    "set_num_threads",
    "use_backend",
    "util",
]
