"""`check.gradient`: the layer whose backward pass is wrong is named, and how."""

import copy

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


class Layers:
    """A network of layers as a reader writes it for chapter 5."""

    def __init__(self, middle=None, last=None, container=dict):
        random = np.random.RandomState(3)
        self.params = {"W1": random.randn(3, 3), "b1": random.randn(3), "W2": random.randn(3, 3), "b2": random.randn(3)}
        first, second = (fastnet.layers.Affine(self.params[f"W{i}"], self.params[f"b{i}"]) for i in (1, 2))
        layers = {"Affine1": first, "Relu1": middle or Relu(), "Affine2": second}
        self.layers = layers if container is dict else container(layers.values())
        self.lastLayer = last or fastnet.layers.SoftmaxWithLoss()

    def in_order(self):
        return list(self.layers.values() if isinstance(self.layers, dict) else self.layers)

    def loss(self, x, t):
        for layer in self.in_order():
            x = layer.forward(x)
        return self.lastLayer.forward(x, t)

    def backward(self, x, t):
        self.loss(x, t)
        dout = self.lastLayer.backward()
        for layer in reversed(self.in_order()):
            dout = layer.backward(dout)
        return [layer for layer in self.in_order() if isinstance(layer, fastnet.layers.Affine)]

    def gradient(self, x, t):
        first, second = self.backward(x, t)
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


class Forgetful(Relu):
    def backward(self, dout):
        return dout


@pytest.mark.parametrize("container", [list, tuple])
def test_layers_in_a_list_are_named_by_their_numbers(container):
    assert check.gradient(Layers(container=container))
    report = check.gradient(Layers(Forgetful(), container=container))
    assert report.mistake.startswith("the layer 1 (Forgetful): dx ")


class Loud(fastnet.layers.SoftmaxWithLoss):
    def backward(self, dout=1):
        return len(self.t) * super().backward(dout)


def test_a_mistake_of_the_last_layer_is_named():
    report = check.gradient(Layers(last=Loud()))
    assert report.mistake.startswith("the last layer: dx is 3 times too large")


def test_where_each_layer_is_right_the_gradient_itself_is_named():
    class Exchanged(Layers):
        def gradient(self, x, t):
            second, first = self.backward(x, t)
            return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}

    assert check.gradient(Exchanged()).mistake.startswith("each layer by itself is right: look at gradient()")


def test_layers_that_cannot_be_tried_alone_leave_the_search_to_the_formulas():
    class Hidden(Layers):
        """The last layer has a name of the reader's."""

        def __init__(self):
            super().__init__(last=Loud())
            self.head = vars(self).pop("lastLayer")

        def loss(self, x, t):
            for layer in self.in_order():
                x = layer.forward(x)
            return self.head.forward(x, t)

        def backward(self, x, t):
            self.lastLayer = self.head
            try:
                return super().backward(x, t)
            finally:
                del self.lastLayer

    class Moded(Relu):
        def forward(self, x, is_training):
            assert is_training
            return super().forward(x)

    class Training(Layers):
        """A layer takes more than the input."""

        def loss(self, x, t):
            first, middle, second = self.in_order()
            return self.lastLayer.forward(second.forward(middle.forward(first.forward(x), True)), t)

    for network in Hidden(), Training(Moded(), Loud()):
        assert check.gradient(network).mistake == "the loss: the gradient is not divided by the number of samples"


def test_a_generator_of_the_readers_draws_the_same_in_every_call():
    class Dropout(Relu):
        def __init__(self):
            self.random = np.random.default_rng(0)

        def forward(self, x):
            self.mask = self.random.random(x.shape) < 0.5
            return np.where(self.mask, 0, x)

    layer = Dropout()
    before = layer.random.bit_generator.state
    report = check.gradient(Layers(layer))
    assert report, str(report)
    assert layer.random.bit_generator.state == before


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


class OneHot(Plain):
    """The book's network of chapter 4: its loss takes labels, too, but its gradient y - t does not."""

    def gradient(self, x, t):
        y = self.predict(x)[2]
        return super().gradient(x, t + 0 * y)


@pytest.mark.parametrize("sizes", [(4, 3, 2), (3, 3, 3)])  # with as many classes as samples, labels fit by chance
def test_a_gradient_that_takes_one_hot_rows_alone_is_no_mistake(sizes):
    report = check.gradient(OneHot(sizes=sizes))
    assert report, str(report)


class Labels(Plain):
    """A network that takes labels alone."""

    def loss(self, x, t):
        return -np.mean(np.log(self.predict(x)[2][np.arange(len(x)), t] + 1e-7))


def test_a_loss_that_takes_labels_alone_is_no_mistake():
    assert check.gradient(Labels())


@pytest.mark.parametrize("options", [{"use_dropout": True}, {"use_batchnorm": True}])
@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("lam", [0, 0.1])
def test_batch_normalization_and_dropout_are_no_mistakes(options, seed, lam):
    network = fastnet.MultiLayerNetExtend(4, [3, 3], 2, weight_decay_lambda=lam, seed=seed, **options)
    report = check.gradient(network)
    assert report, str(report)


def test_a_convolutional_network_is_tried_with_images():
    network = fastnet.SimpleConvNet((1, 6, 6), {"filter_num": 2, "filter_size": 3, "pad": 0, "stride": 1}, 4, 3, seed=0)
    x = np.random.default_rng(0).random((2, 1, 6, 6))
    assert check.gradient(network, x, [0, 2])
    with pytest.raises(ValueError, match="give x and t that it takes"):
        check.gradient(network)


def numbers(value, seen):
    """All that a network holds, in one list."""
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return [value.tobytes()]
    if isinstance(value, np.random.Generator):
        return [str(value.bit_generator.state)]
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in (key, *numbers(item, seen))]
    if isinstance(value, list | tuple):
        return [part for item in value for part in numbers(item, seen)]
    return numbers(vars(value), seen) if hasattr(value, "__dict__") else [value]


class Stopping(fastnet.MultiLayerNetExtend):
    def gradient(self, x, t):
        super().gradient(x, t)
        raise KeyError("W9")


class Interrupted(fastnet.MultiLayerNetExtend):
    def gradient(self, x, t):
        super().gradient(x, t)
        raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [fastnet.MultiLayerNetExtend, Stopping, Interrupted])
def test_the_network_and_the_random_numbers_are_as_before(kind):
    network = kind(4, [3, 3], 2, use_dropout=True, use_batchnorm=True, seed=0)
    before, state = numbers(copy.deepcopy(network), set()), np.random.get_state()[1].copy()
    try:
        check.gradient(network)
    except KeyboardInterrupt:
        assert kind is Interrupted
    assert numbers(network, set()) == before
    assert np.array_equal(np.random.get_state()[1], state)


def updates(self, x, t):
    for name, grad in Plain.gradient(self, x, t).items():
        self.params[name] -= 0.1 * grad
    return Plain.gradient(self, x, t)


def shifts(self, x, t):
    x -= 1
    return Plain.gradient(self, x + 1, t)


def stops(self, x, t):
    raise KeyError("W3")


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (updates, r"gradient(x, t) changes params['W1']: it must only compute."),
        (shifts, "The results are right, but gradient(x, t) changes its argument x."),
        (stops, "gradient(x, t) stops with KeyError: 'W3'"),
        (lambda self, x, t: None, "gradient(x, t) gives None. Is there a return at the end?"),
        (lambda self, x, t: [1.0], "gradient(x, t) gives [1.0], but a dict with the keys W1, b1, W2, b2 is wanted."),
        (lambda self, x, t: dict.fromkeys(self.params, "dW"), "The gradient with respect to b1, b2, W1, W2 is wrong."),
        (lambda self, x, t: dict.fromkeys(self.params), "The gradient with respect to b1, b2, W1, W2 is wrong."),
    ],
)
def test_a_gradient_that_is_none_is_said(method, words):
    report = check.gradient(type("Mistaken", (Plain,), {"gradient": method})())
    assert report.problem == words
    assert str(report)


def test_a_loss_without_return_is_said():
    network = type("Mistaken", (Plain,), {"loss": lambda self, x, t: None})()
    assert check.gradient(network).problem == "loss(x, t) gives None. Is there a return at the end?"


def test_a_weight_decay_that_the_gradient_lacks_is_named():
    class Mistaken(fastnet.MultiLayerNet):
        def gradient(self, x, t):
            grads = super().gradient(x, t)
            return {key: grad - 0.1 * self.params[key] * (key[0] == "W") for key, grad in grads.items()}

    assert check.gradient(fastnet.MultiLayerNet(4, [3], 2, weight_decay_lambda=0.1))
    assert "weight decay" in check.gradient(Mistaken(4, [3], 2, weight_decay_lambda=0.1)).mistake


def test_two_weight_decays_are_not_taken_for_one():
    class Mistaken(Plain):
        def loss(self, x, t):
            return super().loss(x, t) + 0.1 * np.sum(self.params["W1"] ** 2) + 0.2 * np.sum(self.params["W2"] ** 2)

    report = check.gradient(Mistaken())
    assert report.problem == "The gradient with respect to W1, W2 is wrong."
    assert "decay" not in report.mistake


class OfThree(Plain):
    """A network for batches of three."""

    def loss(self, x, t):
        if len(x) != 3:
            raise ValueError("three samples")
        return super().loss(x, t)


@pytest.mark.parametrize(("kind", "samples"), [(Plain, 1), (OfThree, 3)])
def test_a_mistake_is_named_where_no_sample_can_be_tried_alone(kind, samples):
    x, t = np.random.RandomState(0).randn(samples, 4), np.zeros(samples, int)
    assert check.gradient(kind(), x, t)
    report = check.gradient(kind(dy=lambda y, t: (t - y) / len(y)), x, t)
    assert report.mistake.startswith("the loss: the sign is wrong")


def test_a_loss_of_a_compiled_function_needs_no_signature():
    class Compiled:
        __signature__ = "none that Python can read"

        def __init__(self, function):
            self.function = function

        def __call__(self, x, t):
            return self.function(x, t)

    network = Plain()
    network.loss = Compiled(network.loss)
    assert check.gradient(network)


def test_a_loss_of_one_number_is_looked_for_with_labels_too():
    class ByElement(Labels):
        def loss(self, x, t):
            return super().loss(x, t) if t.ndim == 1 else -t * np.log(self.predict(x)[2])

    class Never(Plain):
        def loss(self, x, t):
            return -np.log(self.predict(x)[2])

    assert check.gradient(ByElement())
    with pytest.raises(ValueError, match=r"one-hot rows nor labels: .*\(it gives an array of the shape \(3, 2\)\)"):
        check.gradient(Never())


@pytest.mark.parametrize(("factor", "words"), [(np.nan, "nan"), (np.inf, "infinite")])
def test_with_a_loss_that_is_not_finite_no_gradient_is_right(factor, words):
    network = type("Mistaken", (Plain,), {"loss": lambda self, x, t: factor * Plain.loss(self, x, t)})()
    report = check.gradient(network)
    assert not report
    assert report.problem.startswith(f"loss(x, t) is {words} where a finite number is wanted.")


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ([np.zeros(2)], TypeError, "params must be a dict of arrays, got list"),
        ({}, ValueError, "params is empty"),
        ({"W1": [[1.0]]}, TypeError, r"params\['W1'\] must be an array, got list"),
        ({"W1": np.zeros((2, 2), np.float32)}, TypeError, "float64, not float32"),
        ({"b": np.zeros(2)}, ValueError, "give x and t"),
    ],
)
def test_other_params_are_refused(params, error, words):
    network = Plain()
    network.params = params
    with pytest.raises(error, match=words):
        check.gradient(network)


def test_targets_that_are_numbers_are_taken():
    class Line:
        def __init__(self, sign):
            self.params, self.sign = {"W1": np.zeros((3, 1)), "b1": np.zeros(1)}, sign

        def loss(self, x, t):
            return np.mean((x @ self.params["W1"][:, 0] + self.params["b1"] - t) ** 2)

        def gradient(self, x, t):
            d = 2 * (x @ self.params["W1"][:, 0] + self.params["b1"] - t) / len(x)
            return {"W1": (x.T @ d)[:, None], "b1": self.sign * d.sum(keepdims=True)}

    x, t = np.random.default_rng(0).random((5, 3)), np.linspace(0, 1, 5)
    assert check.gradient(Line(1), x, t)
    assert check.gradient(Line(-1), x, t).mistake == "the gradient with respect to b1 has the wrong sign"


@pytest.mark.parametrize("names", [("W1", "b1"), ("slope", "offset")])
def test_a_mistake_in_a_network_of_another_kind_is_put_in_words(names):
    class Line:
        def __init__(self):
            self.params = {names[0]: np.zeros(3), names[1]: np.zeros(1)}

        def rest(self, x, t):
            W, b = (self.params[name] for name in names)
            return x @ W + b - t

        def loss(self, x, t):
            return np.mean(self.rest(x, t) ** 2)

        def gradient(self, x, t):
            d = self.rest(x, t) / len(x)
            return {names[0]: 2 * x.T @ d, names[1]: d.sum(keepdims=True)}

    x, t = np.random.default_rng(0).random((5, 3)), np.linspace(0, 1, 5)
    assert check.gradient(Line(), x, t).mistake == f"the gradient with respect to {names[1]} is 2 times too small"


@pytest.mark.parametrize("sizes", [(1, 1, 2), (2, 3, 6), (3, 3, 2), (3, 4, 3), (5, 2, 5), (6, 4, 5)])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_right_network_passes_where_the_right_class_would_be_improbable(sizes, activation):
    # With weights as they are drawn, a probability of 1e-5 makes the 1e-7 in the book's logarithm count.
    D, H, C = sizes
    report = check.gradient(fastnet.MultiLayerNet(D, [H, H], C, activation=activation))
    assert report, str(report)


@pytest.mark.parametrize("seed", [0, 11, 19, 31, 56])
def test_gradients_that_cancel_in_the_batch_are_no_mistake(seed):
    np.random.seed(seed)  # all units are dropped, and the gradients with respect to b3 of the samples nearly cancel
    report = check.gradient(fastnet.MultiLayerNetExtend(4, [3, 3], 2, use_dropout=True))
    assert report, str(report)
