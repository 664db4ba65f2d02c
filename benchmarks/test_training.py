"""The book's network on MNIST: a training step, the numerical gradient, and the accuracy over many images.

"float32": images and parameters in float32. "mixed": float32 images and float64 parameters, as in the book.
"""

from functools import partial

import numpy as np
import peers
import pytest

from fastnet import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, TwoLayerNet
from fastnet._bench import cases as comparisons
from fastnet._bench import plain, timing
from fastnet._bench.timing import TEXTBOOK, Contender

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=3)

DTYPES = {"float32": "float32", "mixed": "float64"}


@pytest.mark.parametrize(
    ("dtype", "implementation"),
    [("float32", name) for name in peers.implementations("training_step")]
    + [("mixed", name) for name in peers.implementations("the textbook's mix")],
)
def test_training_step(compare, dtype, mnist):
    x, _, t = mnist
    x, t = x[:100], t[:100]
    contenders = comparisons.training_step(x, t, DTYPES[dtype])
    if dtype == "float32":
        contenders |= peers.contenders("training_step", TwoLayerNet(784, 50, 10, seed=0, dtype=dtype), x, t)
    # The sums over 784 inputs are added in different orders: a few rounding errors, for values below 1.
    compare("network", f"training step, batch 100, {dtype}", contenders, 0, 20 * np.finfo(DTYPES[dtype]).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "implementation"),
    [(SimpleConvNet, name) for name in peers.implementations("convolutional_step")]
    + [(DeepConvNet, name) for name in peers.implementations("the textbook's")],
)
def test_convolutional_training_step(compare, kind, dtype, mnist):
    x, labels, _ = mnist
    x, labels = x[:100].reshape(100, 1, 28, 28).astype(dtype), labels[:100]
    contenders = comparisons.convolutional_step(kind, x, labels)
    if kind is SimpleConvNet:
        contenders |= peers.contenders("convolutional_step", SimpleConvNet(dtype=dtype, seed=0), x, labels)
    # The losses of five steps. Adam divides by the size of a gradient, so rounding errors of gradients that are almost
    # 0 move their parameters by up to the learning rate.
    tolerance = 2e-3 if dtype == "float32" else 1e-6
    compare("network", f"{kind.__name__}, training step with Adam, batch 100, {dtype}", contenders, tolerance, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("implementation", peers.implementations("the textbook's"))
def test_convolutional_prediction(compare, dtype, mnist):
    x, _, _ = mnist
    images = x[:1000].reshape(1000, 1, 28, 28).astype(dtype)
    contenders = comparisons.prediction(SimpleConvNet(dtype=dtype, seed=0), images)
    # The sums over 25 and 4,320 products are added in different orders. The scores are below 1.
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    compare("network", f"SimpleConvNet, prediction of 1,000 images, {dtype}", contenders, 0, tolerance)


@pytest.mark.parametrize("implementation", peers.implementations("numerical_gradient"))
def test_numerical_gradient_of_the_network(compare, mnist):
    x, labels, _ = mnist
    contenders = comparisons.network_gradient(TwoLayerNet(784, 50, 10, seed=0), x[:100], labels[:100])
    # The textbook's difference has the rounding error of the loss, divided by 2h.
    compare("network", "numerical gradient, batch 100", contenders, 0, 1e-9)


@pytest.mark.parametrize("implementation", peers.implementations("numerical_gradient"))
def test_numerical_gradient_of_more_layers(compare, mnist):
    x, labels, _ = mnist
    network = MultiLayerNet(784, [100, 100], 10, seed=0)
    contenders = comparisons.network_gradient(network, x[:100], labels[:100], plain.loss_of_layers)
    compare("network", "numerical gradient, 784-100-100-10, batch 100", contenders, 0, 1e-9)


@pytest.mark.parametrize("implementation", peers.implementations("numerical_gradient"))
@pytest.mark.parametrize(
    ("of", "make"),
    [
        ("SimpleConvNet", SimpleConvNet),
        (
            "784-100-100-10 with batch normalisation",
            partial(MultiLayerNetExtend, 784, [100, 100], 10, use_batchnorm=True),
        ),
    ],
)
def test_numerical_gradient_of_layers(compare, of, make, mnist):
    x, labels, _ = mnist
    x = x[:10].reshape(10, 1, 28, 28) if of == "SimpleConvNet" else x[:10]
    network = make(seed=0)
    contenders = comparisons.network_gradient(network, x.astype(float), labels[:10], comparisons.textbook_loss(network))
    compare("network", f"numerical gradient, {of}, batch 10", contenders, 0, 1e-9)


@pytest.mark.parametrize(
    ("dtype", "implementation"),
    [("float32", name) for name in peers.implementations("accuracy")]
    + [("mixed", name) for name in peers.implementations("the textbook's mix")],
)
def test_accuracy(compare, dtype, mnist):
    x, labels, _ = mnist
    network = TwoLayerNet(784, 50, 10, weight_init_std=0.1, seed=0, dtype=DTYPES[dtype])
    contenders = {
        TEXTBOOK: Contender(lambda: plain.accuracy(network.params, x, labels)),
        **timing.twins(lambda: lambda: network.accuracy(x, labels)),
    }
    if dtype == "float32":
        contenders |= peers.contenders("accuracy", network, x, labels)
    # If two classes are almost equal for an image, rounding decides. 3 of 60,000 images may differ.
    compare("network", f"accuracy of {len(x):,} images, {dtype}", contenders, 0, 3 / len(x))
