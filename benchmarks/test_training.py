"""One training step of the book's network on MNIST: its code in NumPy, and fastnet on either backend."""

import numpy as np
import pytest
import textbook

import fastnet
from fastnet import TwoLayerNet
from fastnet.optimizer import SGD


@pytest.fixture(scope="module")
def batch():
    (x, t), _ = fastnet.load_mnist(one_hot_label=True)
    return x[:100], t[:100]


# "mixed" is the book's own: float32 images, float64 parameters.
@pytest.mark.parametrize("dtype", ["mixed", "float32"])
def test_training_step(benchmark, implementation, dtype, batch):
    benchmark.group = f"one training step, 784-50-10, batch 100, {dtype}"
    x, t = batch
    network = TwoLayerNet(784, 50, 10, seed=0, dtype="float64" if dtype == "mixed" else "float32")
    t = t.astype(network.dtype)
    sgd = SGD(lr=0.1)

    def of_textbook():
        textbook.training_step(network.params, x, t)

    def of_fastnet():
        sgd.update(network.params, network.gradient(x, t))

    start = {name: param.copy() for name, param in network.params.items()}
    of_textbook()
    expected, network.params = network.params, start
    of_fastnet()
    for name, param in network.params.items():
        # Sums over 784 inputs, taken in another order: a few roundings of values below 1.
        np.testing.assert_allclose(param, expected[name], rtol=0, atol=20 * np.finfo(network.dtype).eps, err_msg=name)
    benchmark(of_textbook if implementation == "textbook" else of_fastnet)
