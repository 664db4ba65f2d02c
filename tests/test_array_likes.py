"""Arrays of other libraries go in wherever an array does; a generator goes in wherever something is drawn."""

import inspect

import numpy as np
import pytest
from public import functions_and_classes, methods

import fastnet
from fastnet import TwoLayerNet, functions, layers, networks
from fastnet.augmentation import Augmentation
from fastnet.data import load
from fastnet.gradient import gradient_check, numerical_gradient
from fastnet.search import random_search
from fastnet.util import shuffle_dataset

X, T = np.eye(3), np.array([0, 1, 0])


class Interface:
    """The array interface, and nothing else."""

    def __init__(self, x):
        self.x, self.__array_interface__ = x, x.__array_interface__


class DLPack:
    """The DLPack protocol, and nothing else."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **options):
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


def series(x):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(x) if x.ndim == 1 else pandas.DataFrame(x)


def tensor(x):
    return pytest.importorskip("torch").from_numpy(x.copy())


KINDS = pytest.mark.parametrize("of", [Interface, DLPack, series, tensor], ids=lambda of: of.__name__)


@KINDS
def test_functions_networks_and_training_take_them(of):
    x, t = of(X), of(T)
    assert np.array_equal(functions.sigmoid(x), functions.sigmoid(X))
    assert functions.softmax_cross_entropy(x, t) == functions.softmax_cross_entropy(X, T)
    net, twin = TwoLayerNet(3, 4, 2, seed=0), TwoLayerNet(3, 4, 2, seed=0)
    assert np.array_equal(net.predict(x), twin.predict(X))
    assert net.loss(x, t) == twin.loss(X, T)
    for (name, found), wanted in zip(net.gradient(x, t).items(), twin.gradient(X, T).values(), strict=True):
        assert np.array_equal(found, wanted), name
    for network, *data in (net, x, t, x, t), (twin, X, T, X, T):
        fastnet.Trainer(network, *data, epochs=2, mini_batch_size=2, verbose=False, seed=0).train()
    assert np.array_equal(net.params["W1"], twin.params["W1"])
    assert shuffle_dataset(x, t, seed=0)[1].tolist() == shuffle_dataset(X, T, seed=0)[1].tolist()


@KINDS
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_numerical_gradient_moves_a_copy_of_them(of, dtype):
    x = np.array([3, -1, 2], dtype)
    seen = []
    found = numerical_gradient(lambda x: seen.append(x) or np.sum(x**2, dtype=np.float64), of(x))
    wanted = numerical_gradient(lambda x: np.sum(x**2, dtype=np.float64), x if dtype != np.int64 else x.astype(float))
    assert found.dtype == wanted.dtype
    assert found.tobytes() == wanted.tobytes()
    assert {type(each) for each in seen} == {np.ndarray}


@KINDS
def test_a_function_that_reads_the_original_is_refused(of):
    x = np.array([3.0, -1.0, 2.0])
    original = of(x)
    with pytest.raises(TypeError, match=r"reads x itself"):
        numerical_gradient(lambda _: float(np.sum(functions.identity_function(original) ** 2)), original)
    assert functions.identity_function(original).tolist() == [3, -1, 2]


def test_a_function_that_reads_both_the_original_and_its_argument_is_refused():
    x = np.array([3.0, -1.0, 2.0])
    original = Interface(x)
    with pytest.raises(TypeError, match=r"f reads x itself, but its argument is a copy of x"):
        numerical_gradient(lambda moved: float(np.sum(moved * x)), original)
    assert x.tolist() == [3, -1, 2]


def test_a_tensor_that_requires_grad_says_what_to_write():
    torch = pytest.importorskip("torch")
    x = torch.ones(3, requires_grad=True)
    for f in (functions.relu, lambda x: numerical_gradient(np.sum, x), lambda x: shuffle_dataset(x, x)):
        with pytest.raises(TypeError, match=r"x cannot be made an array: .*requires grad.*detach\(\)"):
            f(x)
    with pytest.raises(TypeError, match="f must return one number, got tensor"):
        numerical_gradient(lambda _: x.sum(), np.ones(2))


def test_a_tensor_may_be_what_f_returns():
    torch = pytest.importorskip("torch")
    x = np.array([3.0, 4.0])
    assert numerical_gradient(lambda x: (torch.from_numpy(x) ** 2).sum(), x).round(6).tolist() == [6, 8]


# --- generators ------------------------------------------------------------------------------------------------------


def test_every_public_name_that_takes_a_seed_takes_a_generator(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.arange(24.0).reshape(12, 2), t=np.repeat([0, 1], 6))
    net, image = TwoLayerNet(3, 4, 2, seed=0), np.linspace(0, 1, 784)[np.newaxis]
    calls = {
        "SimpleNet": lambda seed: fastnet.SimpleNet(seed=seed).W.sum(),
        "TwoLayerNet": lambda seed: TwoLayerNet(3, 4, 2, seed=seed).params["W1"].sum(),
        "MultiLayerNet": lambda seed: networks.MultiLayerNet(3, [4], 2, seed=seed).params["W1"].sum(),
        "MultiLayerNetExtend": lambda seed: networks.MultiLayerNetExtend(3, [4], 2, seed=seed).params["W1"].sum(),
        "LayeredTwoLayerNet": lambda seed: networks.LayeredTwoLayerNet(3, 4, 2, seed=seed).params["W1"].sum(),
        "DeepConvNet": lambda seed: networks.DeepConvNet(seed=seed).params["W1"].sum(),
        "SimpleConvNet": lambda seed: networks.SimpleConvNet(seed=seed).params["W1"].sum(),
        "Dropout": lambda seed: layers.Dropout(0.5, seed=seed).forward(np.arange(64.0)).sum(),
        "shuffle_dataset": lambda seed: shuffle_dataset(np.arange(64), np.arange(64), seed)[0][:8].tolist(),
        "Augmentation": lambda seed: np.sum(np.asarray(Augmentation(shift=2)(image, T[:1], seed)[0])),
        "Trainer": lambda seed: fastnet.Trainer(net, X, T, X, T, epochs=1, seed=seed, verbose=False) is None,
        "gradient_check": lambda seed: gradient_check(net, X, T, samples=2, seed=seed).rows["W1"].index,
        "random_search": lambda seed: random_search(
            lambda lr: ([lr], [lr]), 3, {"lr": (0.1, 1.0)}, seed=seed
        ).best.val_acc_list,
        "load": lambda seed: load(tmp_path / "data.npz", seed=seed).x_test.sum(),
    }
    takers = {name: each.value for name, each in (functions_and_classes() | methods()).items()}
    found = {name for name, value in takers.items() if "seed" in inspect.signature(value).parameters}
    # A trial tells the seed that it had.
    assert {name.split(".")[-1] for name in found} - {"Trial"} | {"Augmentation"} == calls.keys()
    for name, call in calls.items():
        state = np.random.get_state()[1].copy()
        assert call(7) == call(np.random.default_rng(7)), name
        assert np.array_equal(np.random.get_state()[1], state), f"{name} drew from the global generator"
        with pytest.raises((TypeError, ValueError), match=r"seed must be an integer of at least 0 or a numpy.*'x'"):
            call("x")


def test_a_dropout_layer_draws_from_its_own_generator_and_by_default_as_in_the_book():
    x = np.ones(100)
    np.random.seed(0)
    wanted = np.random.rand(100) > 0.5
    np.random.seed(0)
    dropout = layers.Dropout(0.5)
    dropout.forward(x)
    assert np.array_equal(dropout.mask, wanted)
    random = np.random.default_rng(0)
    first, second = layers.Dropout(0.5, seed=random), layers.Dropout(0.5, seed=random)  # they share it
    assert not np.array_equal(first.forward(x), second.forward(x))


def test_the_numerical_gradient_repeats_the_draws_of_a_dropout_layer_with_its_own_generator():
    net = networks.MultiLayerNetExtend(3, [6], 2, use_dropout=True, seed=0)
    net.layers["Dropout1"] = layers.Dropout(0.5, seed=0)

    class Plain(layers.Relu):
        """No layer of fastnet's, so that the loss is computed for every difference."""

    net.layers["Activation_function1"] = Plain()
    numerical = net.numerical_gradient(X, T)
    net.layers["Dropout1"] = layers.Dropout(0.5, seed=0)
    net.layers["Dropout1"].forward(np.ones((3, 6)))
    assert all(np.abs(each).max() < 100 for each in numerical.values())  # a difference of two draws is about 1e3
