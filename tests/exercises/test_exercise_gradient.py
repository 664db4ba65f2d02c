"""`check.gradient`: the layer whose backward pass is wrong is named, and how."""

import numpy as np
import pytest

import fastnet
from fastnet.exercises import check


class Plain:
    """A network as a reader writes it for chapter 4, with a mistake to plant in each line of its gradient."""

    def __init__(self, *, sizes=(4, 3, 2), one_hot=False, **lines):
        random = np.random.RandomState(3)
        D, H, C = sizes
        self.params = {"W1": random.randn(D, H), "b1": random.randn(H), "W2": random.randn(H, C), "b2": random.randn(C)}
        self.one_hot, self.lines = one_hot, lines

    def line(self, name, right, *arguments):
        return self.lines.get(name, right)(*arguments)

    def predict(self, x):
        a1 = x @ self.params["W1"] + self.params["b1"]
        z1 = 1 / (1 + np.exp(-a1))
        a2 = z1 @ self.params["W2"] + self.params["b2"]
        e = np.exp(a2)
        return a1, z1, e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        y = self.predict(x)[2]
        if self.one_hot and np.ndim(t) == 1:
            raise ValueError("one-hot only")
        t = t if np.ndim(t) == 2 else np.eye(y.shape[1])[t]
        return -np.sum(t * np.log(y + 1e-7)) / len(x)

    def gradient(self, x, t):
        W2 = self.params["W2"]
        a1, z1, y = self.predict(x)
        t = t if np.ndim(t) == 2 else np.eye(y.shape[1])[t]
        dy = self.line("dy", lambda y, t: (y - t) / len(y), y, t)
        dz1 = self.line("dz1", lambda dy, W2: dy @ W2.T, dy, W2)
        da1 = self.line("da1", lambda dz1, a1, z1: dz1 * z1 * (1 - z1), dz1, a1, z1)
        return {
            "W2": self.line("W2", lambda z1, dy: z1.T @ dy, z1, dy),
            "b2": self.line("b2", lambda dy: dy.sum(axis=0), dy),
            "W1": self.line("W1", lambda x, da1: x.T @ da1, x, da1),
            "b1": self.line("b1", lambda da1: da1.sum(axis=0), da1),
        }


MISTAKES = [
    ({"dy": lambda y, t: y - t}, "the loss: the gradient is not divided by the number of samples"),
    ({"dy": lambda y, t: (t - y) / len(y)}, "the loss: the sign is wrong"),
    ({"dy": lambda y, t: (y - t) / y.shape[1]}, "the loss: the gradient is divided by the number of classes"),
    ({"dy": lambda y, t: (y - t) * y * (1 - y) / len(y)}, "the loss: y (1 - y) is multiplied in"),
    ({"W2": lambda z1, dy: -z1.T @ dy}, "layer 2 (W2, b2): the sign of dW is wrong"),
    ({"W1": lambda x, da1: x.T @ da1 / len(x)}, "layer 1 (W1, b1): dW is divided by the number of samples again"),
    ({"W2": lambda z1, dy: dy.T @ z1}, "layer 2 (W2, b2): dW is transposed"),
    ({"b2": lambda dy: dy}, "layer 2 (W2, b2): db is not summed over the batch"),
    ({"b1": lambda da1: da1.mean(axis=0)}, "layer 1 (W1, b1): db is the mean over the batch"),
    ({"b1": lambda da1: da1.sum()}, "layer 1 (W1, b1): db is one number"),
    ({"b2": lambda dy: dy[0]}, "layer 2 (W2, b2): db takes the first sample only"),
    ({"da1": lambda dz1, a1, z1: dz1}, "the activation behind layer 1: the slope of the activation is missing"),
    ({"da1": lambda dz1, a1, z1: dz1 * a1 * (1 - a1)}, "the activation behind layer 1: the slope is computed from a"),
    (
        {"da1": lambda dz1, a1, z1: dz1 * fastnet.functions.sigmoid_grad(z1)},
        "the activation behind layer 1: the slope is computed from z",
    ),
    ({"da1": lambda dz1, a1, z1: dz1 * z1}, "the activation behind layer 1: the output is multiplied in"),
    ({"dz1": lambda dy, W2: -dy @ W2.T}, "layer 2 (W2, b2): the sign of dx is wrong"),
    (
        {"dy": lambda y, t: y - t, "b1": lambda da1: da1},
        "the loss: the gradient is not divided by the number of samples, and layer 1 (W1, b1): db is not summed",
    ),
]


@pytest.mark.parametrize(("lines", "words"), MISTAKES, ids=[words for _, words in MISTAKES])
@pytest.mark.parametrize("one_hot", [False, True])
def test_a_mistake_in_a_plain_network_is_named(lines, words, one_hot):
    report = check.gradient(Plain(one_hot=one_hot, **lines))
    assert not report
    assert report.mistake.startswith(words)


def test_a_product_with_a_square_w_that_is_not_transposed_is_named():
    report = check.gradient(Plain(sizes=(4, 3, 3), dz1=lambda dy, W2: dy @ W2))
    assert report.mistake == "layer 2 (W2, b2): W is not transposed in dx"


@pytest.mark.parametrize("network", [Plain(), fastnet.TwoLayerNet(4, 3, 2), fastnet.MultiLayerNet(4, [3, 3], 2)])
def test_a_right_network_passes(network):
    assert check.gradient(network)


def layered(layer):
    """A network of layers with one layer of the reader's."""
    network = fastnet.MultiLayerNetExtend(4, [3], 2, activation="relu", seed=0)
    network.layers["Activation_function1"] = layer
    return network


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0, x)

    def backward(self, dout):
        return np.where(self.mask, 0, dout)


def test_in_a_network_of_layers_the_layer_is_named():
    class Mistaken(Relu):
        def backward(self, dout):
            return np.where(dout <= 0, 0, dout)

    assert check.gradient(layered(Relu()))
    report = check.gradient(layered(Mistaken()))
    assert report.mistake.startswith("the layer Activation_function1: dx ")


def test_a_network_that_lacks_something_is_refused():
    with pytest.raises(TypeError, match="TwoLayer has no gradient"):
        check.gradient(type("TwoLayer", (), {"params": {}, "loss": None})())


def test_a_large_network_is_refused():
    with pytest.raises(ValueError, match=r"network has 39,760 parameters, .* such as TwoLayerNet\(4, 3, 2\)"):
        check.gradient(fastnet.TwoLayerNet(784, 50, 10))


def test_a_gradient_that_is_missing_is_said():
    class Mistaken(Plain):
        def gradient(self, x, t):
            return {"W1": super().gradient(x, t)["W1"]}

    assert check.gradient(Mistaken()).problem == "gradient(x, t) gives no b1, W2, b2."
