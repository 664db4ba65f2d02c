"""The networks and the Trainer that are served: the reader's constructor and attributes, and fastnet's arithmetic."""

# ruff: noqa: ARG002, B006 - the arguments have the names and the defaults of the book's

import datetime
import pickle
import sys
from collections import OrderedDict
from types import ModuleType

import numpy as np
import own_layers
import pytest

from fastnet.textbook import layers, networks, trainer
from fastnet.textbook._serving import serve, serve_absent

LAYERS = ("Affine", "Relu", "Sigmoid", "Dropout", "SoftmaxWithLoss", "BatchNormalization", "Convolution", "Pooling")
SERVED = {name: serve(getattr(layers, name), getattr(own_layers, name)) for name in LAYERS}
RANDOM = np.random.default_rng(5)
X, T = RANDOM.random((6, 8)), RANDOM.integers(0, 3, 6)
IMAGES = RANDOM.random((7, 1, 6, 6))
LABELS = RANDOM.integers(0, 3, 7)
RTOL = 1e-10  # float64 against float64, through a few layers


def slopes(f, x, h=1e-4):
    """Central differences, element by element."""
    found = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        before = x[i]
        x[i] = before + h
        high = f()
        x[i] = before - h
        found[i] = (high - f()) / (2 * h)
        x[i] = before
    return found


class Network:
    """A reader's network of layers, which takes them from a dict."""

    kinds = SERVED
    last = "last_layer"

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return getattr(self, self.last).forward(self.predict(x), t)

    def accuracy(self, x, t):
        return np.mean(self.predict(x).argmax(axis=1) == (t if t.ndim == 1 else t.argmax(axis=1)))

    def numerical_gradient(self, x, t):
        self.looped = True
        return {name: slopes(lambda: self.loss(x, t), value) for name, value in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t)
        dout = getattr(self, self.last).backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        holders = [layer for layer in self.layers.values() if hasattr(layer, "dW")]
        return {f"{which}{i}": getattr(layer, f"d{which}") for i, layer in enumerate(holders, 1) for which in "Wb"}


class TwoLayers(Network):
    last = "lastLayer"

    def __init__(self, D, H, C, std=0.5):
        make = self.kinds
        self.params = {"W1": std * np.random.randn(D, H), "b1": np.zeros(H)}
        self.params |= {"W2": std * np.random.randn(H, C), "b2": np.zeros(C)}
        self.layers = OrderedDict(Affine1=make["Affine"](self.params["W1"], self.params["b1"]), Relu1=make["Relu"]())
        self.layers["Affine2"] = make["Affine"](self.params["W2"], self.params["b2"])
        self.lastLayer = make["SoftmaxWithLoss"]()


class Deep(Network):
    """With weight decay, and if wanted with dropout and batch normalisation."""

    def __init__(self, sizes, weight_decay_lambda=0.0, activation="Relu", dropout=None, use_batchnorm=False):
        self.use_batchnorm = use_batchnorm
        make, self.weight_decay_lambda, self.hidden_layer_num = self.kinds, weight_decay_lambda, len(sizes) - 2
        self.params, self.layers = {}, OrderedDict()
        for i in range(1, len(sizes)):
            W, b = 0.5 * np.random.randn(sizes[i - 1], sizes[i]), np.zeros(sizes[i])
            self.params[f"W{i}"], self.params[f"b{i}"] = W, b
            self.layers[f"Affine{i}"] = make["Affine"](W, b)
            if i < len(sizes) - 1:
                if use_batchnorm:
                    gamma, beta = np.random.rand(sizes[i]), np.random.randn(sizes[i])
                    self.params[f"gamma{i}"], self.params[f"beta{i}"] = gamma, beta
                    self.layers[f"BatchNorm{i}"] = make["BatchNormalization"](gamma, beta)
                self.layers[f"Activation_function{i}"] = make[activation]()
                if dropout is not None:
                    self.layers[f"Dropout{i}"] = make["Dropout"](dropout)
        self.last_layer = make["SoftmaxWithLoss"]()

    def predict(self, x, train_flg=False):
        for key, layer in self.layers.items():
            x = layer.forward(x, train_flg) if "Dropout" in key or "BatchNorm" in key else layer.forward(x)
        return x

    def loss(self, x, t, train_flg=False):
        loss = self.last_layer.forward(self.predict(x, train_flg), t)
        return loss + self.weight_decay_lambda / 2 * sum((W**2).sum() for W in self.params.values() if W.ndim == 2)

    def mode(self):
        return {"train_flg": True}

    def numerical_gradient(self, x, t):
        self.looped = True
        return {name: slopes(lambda: self.loss(x, t, **self.mode()), value) for name, value in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t, **self.mode())
        dout = self.last_layer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        found = {}
        for i in range(1, self.hidden_layer_num + 2):
            layer = self.layers[f"Affine{i}"]
            found[f"W{i}"], found[f"b{i}"] = layer.dW + self.weight_decay_lambda * layer.W, layer.db
            if self.use_batchnorm and i <= self.hidden_layer_num:
                norm = self.layers[f"BatchNorm{i}"]
                found[f"gamma{i}"], found[f"beta{i}"] = norm.dgamma, norm.dbeta
        return found


class Dense(Deep):
    """With weight decay alone: its loss has no mode."""

    def mode(self):
        return {}

    def loss(self, x, t):
        return super().loss(x, t)


class Convolutional(Network):
    def __init__(self, width=3, stride=1):
        make = self.kinds
        shapes = {"W1": (4, 1, 3, width), "b1": (4,), "W2": (16, 5), "b2": (5,), "W3": (5, 3), "b3": (3,)}
        self.params = {name: 0.5 * np.random.randn(*shape) for name, shape in shapes.items()}
        p = self.params
        self.layers = OrderedDict(Conv1=make["Convolution"](p["W1"], p["b1"], stride), Relu1=make["Relu"]())
        self.layers["Pool1"] = make["Pooling"](2, 2, stride=2)
        self.layers["Affine1"] = make["Affine"](p["W2"], p["b2"])
        self.layers["Relu2"] = make["Relu"]()
        self.layers["Affine2"] = make["Affine"](p["W3"], p["b3"])
        self.last_layer = make["SoftmaxWithLoss"]()

    def accuracy(self, x, t, batch_size=100):
        return "an accuracy of my own"

    def load_params(self, file_name="params.pkl"):
        with open(file_name, "rb") as file:
            self.params.update(pickle.load(file))
        for i, key in enumerate(["Conv1", "Affine1", "Affine2"], 1):
            self.layers[key].W, self.layers[key].b = self.params[f"W{i}"], self.params[f"b{i}"]


def pair(own, ours, *arguments, **keywords):
    """Return a served network, and the reader's with the reader's own layers, drawn alike."""
    plain = type(own.__name__, (own,), {"kinds": vars(own_layers)})
    found = []
    for kind in serve(ours, own), plain:
        np.random.seed(0)
        found.append(kind(*arguments, **keywords))
    return found


def same(got, expected, rtol=RTOL):
    assert list(got) == list(expected)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=rtol, atol=rtol)


NETWORKS = [
    (TwoLayers, networks.LayeredTwoLayerNet, ((8, 5, 3),), {}, X, T),
    (TwoLayers, networks.LayeredTwoLayerNet, ((8, 5, 3),), {}, X.astype(np.float32), np.eye(3)[T]),
    (Deep, networks.MultiLayerNetExtend, ([8, 6, 5, 3],), {"weight_decay_lambda": 0.1}, X, T),
    (Deep, networks.MultiLayerNetExtend, ([8, 6, 3],), {"activation": "Sigmoid"}, X, np.eye(3)[T]),
    (Dense, networks.MultiLayerNet, ([8, 6, 3],), {"weight_decay_lambda": 0.1}, X, T),
    (Convolutional, networks.SimpleConvNet, (), {}, IMAGES, LABELS),
]


def made(own, ours, arguments, keywords):
    return pair(own, ours, *(arguments[0] if own is TwoLayers else arguments), **keywords)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("own", "ours", "arguments", "keywords", "x", "t"), NETWORKS)
def test_a_served_network_computes_what_the_readers_computes(own, ours, arguments, keywords, x, t):
    served, plain = made(own, ours, arguments, keywords)
    same(served.gradient(x, t), plain.gradient(x, t))
    assert served.loss(x, t) == pytest.approx(plain.loss(x, t), rel=RTOL)
    np.testing.assert_allclose(served.predict(x), plain.predict(x), rtol=RTOL)
    assert vars(served).keys() == vars(plain).keys()
    # Both differences have rounding errors of the loss, 1e-16 / 2e-4, and where a unit is at 0, half a slope.
    same(served.numerical_gradient(x, t), plain.numerical_gradient(x, t), rtol=1e-7)
    assert not hasattr(served, "looped")


@pytest.mark.usefixtures("backend")
def test_parameters_that_are_changed_or_replaced_count_as_in_the_readers():
    nets = pair(TwoLayers, networks.LayeredTwoLayerNet, 8, 5, 3)
    for net in nets:
        net.params["W1"] *= 2  # in place: the layer has this array
        net.params["W2"] = np.zeros((5, 3))  # replaced: the layer keeps the old one
        net.layers["Affine1"].b = np.ones(5)
    served, plain = nets
    same(served.gradient(X, T), plain.gradient(X, T))
    same(served.numerical_gradient(X, T), plain.numerical_gradient(X, T), rtol=1e-7)
    assert served.looped  # what `params` holds is not what the layers hold


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("own", "ours"), [(Deep, networks.MultiLayerNetExtend), (Dense, networks.MultiLayerNet)])
def test_weights_with_which_fastnet_would_not_compute_the_same_are_the_readers(own, ours):
    nets = pair(own, ours, [8, 5, 3], weight_decay_lambda=0.1)
    served, plain = nets
    for W in np.ones((8, 5)), np.ones((8, 5), np.float16):  # in place of those that the layers hold
        for net in nets:
            net.params["W1"] = W
        assert served.loss(X, T) == pytest.approx(plain.loss(X, T), rel=RTOL)
        same(served.gradient(X, T), plain.gradient(X, T))


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    ("own", "ours", "arguments", "x"),
    [
        (TwoLayers, networks.LayeredTwoLayerNet, (8, 5, 3), X.reshape(6, 1, 2, 4)),
        (Convolutional, networks.SimpleConvNet, (2,), IMAGES),  # filters that are not square
        (Convolutional, networks.SimpleConvNet, (3, 2), RANDOM.random((7, 1, 10, 10))),  # the last row is left out
    ],
    ids=["images", "filters", "sizes"],
)
def test_a_network_that_fastnet_cannot_have_differentiates_by_the_readers_loop(own, ours, arguments, x):
    served, plain = pair(own, ours, *arguments)
    t = np.arange(len(x)) % 3
    same(served.numerical_gradient(x, t), plain.numerical_gradient(x, t), rtol=1e-7)
    assert served.looped


@pytest.mark.usefixtures("backend")
def test_one_more_layer_leaves_the_differences_to_the_reader():
    nets = pair(Convolutional, networks.SimpleConvNet)
    for net in nets:
        net.layers["Relu3"] = type(net.layers["Relu1"])()
    served, plain = nets
    same(served.numerical_gradient(IMAGES, LABELS), plain.numerical_gradient(IMAGES, LABELS), rtol=1e-7)
    assert served.looped


class Halve:
    """A reader's own layer."""

    def forward(self, x):
        self.seen = x
        return x / 2

    def backward(self, dout):
        self.got = dout
        return dout / 2


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_readers_own_layer_stands_among_the_served_ones(place):
    nets = pair(TwoLayers, networks.LayeredTwoLayerNet, 8, 5, 3)
    for net in nets:
        net.layers["Half"] = Halve()
        net.layers.move_to_end("Half", last=place == "last")
    served, plain = nets
    same(served.gradient(X, T), plain.gradient(X, T))
    np.testing.assert_allclose(served.layers["Half"].got, plain.layers["Half"].got, rtol=RTOL)
    same(served.numerical_gradient(X, T), plain.numerical_gradient(X, T), rtol=1e-7)
    assert served.looped
    assert served.accuracy(X, T) == plain.accuracy(X, T)


@pytest.mark.usefixtures("backend")
def test_a_layer_that_stands_twice_gets_the_gradient_of_its_input():
    nets = pair(TwoLayers, networks.LayeredTwoLayerNet, 5, 5, 3)
    for net in nets:
        shared = net.layers["Affine1"]
        net.layers = OrderedDict(a=shared, b=net.layers["Relu1"], c=shared, d=net.layers["Affine2"])
    served, plain = nets
    same(served.gradient(X[:, :5], T), plain.gradient(X[:, :5], T))


@pytest.mark.usefixtures("backend")
def test_dropout_draws_the_readers_masks():
    nets = pair(Deep, networks.MultiLayerNetExtend, [8, 6, 6, 3], weight_decay_lambda=0.01, dropout=0.3)
    found = []
    for net in nets:
        np.random.seed(1)
        steps = [net.gradient(X, T), {"loss": net.loss(X, T, train_flg=True)}, net.numerical_gradient(X[:1], T[:1])]
        found.append([*steps, {"next": np.random.rand()}])
    for got, expected in zip(*found, strict=True):
        same(got, expected, rtol=1e-6)  # the masks differ between the two losses of a difference, which is large


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize("dropout", [None, 0.3])
def test_batch_normalisation_moves_its_statistics_as_the_readers_does(decay, dropout):
    """Also in a numerical gradient, where each of the losses moves them, and draws masks."""
    nets = pair(Deep, networks.MultiLayerNetExtend, [8, 4, 3], decay, dropout=dropout, use_batchnorm=True)
    found = []
    for net in nets:
        np.random.seed(1)
        steps = [net.gradient(X, T), net.numerical_gradient(X[:2], T[:2]), {"loss": net.loss(X, T)}]
        norm = net.layers["BatchNorm1"]
        statistics = {"mean": norm.running_mean, "var": norm.running_var, "xn": norm.xn, "next": np.random.rand()}
        found.append([*steps, statistics])
    for got, expected in zip(*found, strict=True):
        same(got, expected, rtol=1e-6)  # of the difference of two losses with different masks


@pytest.mark.usefixtures("backend")
def test_the_accuracy_is_that_of_all_samples():
    served, plain = pair(Deep, networks.MultiLayerNetExtend, [8, 6, 3])
    x, t = RANDOM.random((2500, 8)), RANDOM.integers(0, 3, 2500)
    for targets in t, np.eye(3)[t]:
        accuracy = served.accuracy(x, targets)
        assert accuracy == plain.accuracy(x, targets)
        assert type(accuracy) is np.float64  # as the reader's, which prints so in a list
    served, plain = pair(Convolutional, networks.SimpleConvNet)
    right = plain.predict(IMAGES).argmax(axis=1) == LABELS
    assert served.accuracy(IMAGES, LABELS, batch_size=3) == right.mean()
    assert served.accuracy(IMAGES, np.eye(3)[LABELS]) == right.mean()
    assert served.accuracy(IMAGES, LABELS, batch_size=2.5) == "an accuracy of my own"


@pytest.mark.usefixtures("backend")
def test_a_readers_subclass_of_a_network_works():
    class Louder(serve(networks.LayeredTwoLayerNet, TwoLayers)):
        def predict(self, x):
            return 2 * super().predict(x)

    np.random.seed(0)
    served = Louder(8, 5, 3)
    found = served.numerical_gradient(X, T)
    assert served.looped
    np.testing.assert_allclose(found["b2"], 2 * served.gradient(X, T)["b2"], rtol=1e-5)  # without the 1e-7
    assert served.accuracy(np.tile(X, (200, 1)), np.tile(T, 200)) == served.accuracy(X, T)


def test_a_file_of_parameters_may_hold_arrays_alone(tmp_path):
    served, plain = pair(Convolutional, networks.SimpleConvNet)
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps({name: 2 * value for name, value in plain.params.items()}))
    served.load_params(path)
    plain.load_params(path)
    same(served.params, plain.params)
    np.testing.assert_allclose(served.predict(IMAGES), plain.predict(IMAGES), rtol=RTOL)
    path.write_bytes(pickle.dumps({"W1": datetime.date(2016, 9, 24)}))
    with pytest.raises(ValueError, match=r"datetime\.date"):
        served.load_params(path)


def test_a_pickled_network_is_the_readers(monkeypatch):
    module = ModuleType("readers_networks")
    served, _ = pair(TwoLayers, networks.LayeredTwoLayerNet, 8, 5, 3)
    for one in [type(served), *SERVED.values()]:
        monkeypatch.setattr(one, "__module__", "readers_networks")
        setattr(module, one.__name__, one)
    monkeypatch.setitem(sys.modules, "readers_networks", module)
    again = pickle.loads(pickle.dumps(served))
    np.testing.assert_array_equal(again.predict(X), served.predict(X))
    assert vars(again).keys() == vars(served).keys()


# --- chapter 4's network ---------------------------------------------------------------------------------------------


class Formulas:
    """A reader's network without layers."""

    def __init__(self, D, H, C):
        self.params = {"W1": np.random.randn(D, H), "b1": np.zeros(H), "W2": np.random.randn(H, C), "b2": np.zeros(C)}

    def predict(self, x):
        p = self.params
        z = 1 / (1 + np.exp(-(np.dot(x, p["W1"]) + p["b1"])))
        e = np.exp(np.dot(z, p["W2"]) + p["b2"])
        return e / e.sum(axis=-1, keepdims=True)

    def loss(self, x, t):
        return -np.log(self.predict(x)[t == 1] + 1e-7).mean()

    def gradient(self, x, t):
        self.called = True
        p = self.params
        z = 1 / (1 + np.exp(-(np.dot(x, p["W1"]) + p["b1"])))
        dy = (self.predict(x) - t) / len(x)
        da = dy @ p["W2"].T * z * (1 - z)
        return {"W2": z.T @ dy, "b2": dy.sum(axis=0), "W1": x.T @ da, "b1": da.sum(axis=0)}

    def numerical_gradient(self, x, t):
        self.called = True
        return {name: slopes(lambda: self.loss(x, t), value) for name, value in self.params.items()}


def formulas():
    np.random.seed(0)
    served = serve(networks.TwoLayerNet, Formulas)(8, 5, 3)
    np.random.seed(0)
    return served, Formulas(8, 5, 3)


@pytest.mark.usefixtures("backend")
def test_the_network_of_chapter_4():
    served, plain = formulas()
    t = np.eye(3)[T]
    for x in X, X.astype(np.float32):
        np.testing.assert_allclose(served.predict(x), plain.predict(x), rtol=RTOL)
        same(served.gradient(x, t), plain.gradient(x, t))
    same(served.numerical_gradient(X, t), plain.numerical_gradient(X, t), rtol=1e-7)
    assert not hasattr(served, "called")
    assert vars(served).keys() == {"params"}
    np.testing.assert_allclose(served.predict(X[0]), plain.predict(X[0]), rtol=RTOL)


@pytest.mark.usefixtures("backend")
def test_labels_mean_what_one_hot_rows_mean():
    served, plain = formulas()
    same(served.gradient(X, T), plain.gradient(X, np.eye(3)[T]))
    assert not hasattr(served, "called")
    same(served.gradient(X, np.eye(3)[T].tolist()), plain.gradient(X, np.eye(3)[T]))
    assert served.called  # the reader's own, which takes a list


def test_unusual_parameters_and_targets_go_to_the_readers_own():
    t = np.eye(3)[T]
    for change in ({"W1": np.float32(1) * np.ones((8, 5), np.float32)}, {"more": np.ones(2)}):
        served, _ = formulas()
        served.params.update(change)
        served.gradient(X, t)
        assert served.called
        del served.called
        served.numerical_gradient(X, t)
        assert served.called
    served, _ = formulas()
    served.gradient(X, 2 * t)  # the rows have the sum 2
    assert served.called


# --- Trainer ---------------------------------------------------------------------------------------------------------


class Trainer:
    def __init__(
        self, network, x_train, t_train, x_test, t_test, epochs=20, mini_batch_size=100, optimizer="SGD",
        optimizer_param={"lr": 0.01}, evaluate_sample_num_per_epoch=None, verbose=True,
    ):  # fmt: skip
        self.network, self.epochs, self.verbose = network, epochs, verbose
        self.optimizer = {"sgd": dict, "rmsprpo": dict}[optimizer.lower()](**optimizer_param)


def test_the_trainer_takes_both_spellings():
    served = serve(trainer.Trainer, Trainer)
    assert vars(served(1, 2, 3, 4, 5)) == vars(Trainer(1, 2, 3, 4, 5))
    assert served(1, 2, 3, 4, 5, optimizer="RMSprop", optimizer_param={"lr": 3}).optimizer == {"lr": 3}
    with pytest.raises(KeyError, match="adam"):
        served(1, 2, 3, 4, 5, optimizer="Adam")


def test_without_the_readers_files_everything_is_fastnets(capsys):
    make = serve_absent(networks.MultiLayerNet, "MultiLayerNet", "common.multi_layer_net")
    np.random.seed(0)
    network = make(8, [5, 4], 3, weight_init_std="HE")
    np.random.seed(0)
    np.testing.assert_array_equal(network.params["W1"], np.sqrt(2 / 8) * np.random.randn(8, 5))
    assert list(network.layers)[:2] == ["Affine1", "Activation_function1"]
    one = serve_absent(trainer.Trainer, "Trainer", "common.trainer")(network, X, T, X, T, epochs=2, mini_batch_size=3)
    one.train()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "train loss", "=== epoch", "train loss", "train loss", "=== epoch", "train loss",
        "=============== Final Test Accuracy ===============", "test acc",
    ]  # fmt: skip
    assert len(one.train_loss_list) == one.max_iter == one.current_iter == 4
