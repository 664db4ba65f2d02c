"""PyTorch's models of fastnet's networks, and back; against PyTorch itself."""

import io
import os
import subprocess
import sys
import textwrap
from collections import OrderedDict

import numpy as np
import pytest
from exported import NETWORKS, exported, inputs

from fastnet import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, SimpleNet, TwoLayerNet, get_backend
from fastnet.interop import from_torch, to_dataset, to_torch
from fastnet.layers import BatchNormalization, Pooling, Relu

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn = torch.nn
torch.set_num_threads(1)  # threads wait for each other where other work is going on

# Sums of up to 1,000 terms in another order: this many rounding errors of the largest score.
ROUNDINGS = 40
each_network = pytest.mark.parametrize("name", NETWORKS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(model, x):
    return model(torch.from_numpy(x)).detach().numpy()


def assert_equal(found, expected):
    assert found.dtype == expected.dtype
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= ROUNDINGS * np.finfo(expected.dtype).eps


# --- to PyTorch -------------------------------------------------------------------------------------------------------


@each_dtype
@each_network
def test_the_model_predicts_what_the_network_predicts(name, dtype):
    network = exported(name, dtype)
    x = inputs(network)
    model = to_torch(network)
    assert isinstance(model, nn.Sequential)
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, np.dtype(dtype).name)}
    assert_equal(run(model, x), network.predict(x))


@each_network
def test_the_model_has_modules_of_pytorch_alone(name):
    model = to_torch(exported(name, np.float64))
    assert all(type(module).__module__.startswith("torch.nn.") for module in model.modules())
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    assert torch.load(file, weights_only=True).keys() == model.state_dict().keys()


@each_network
def test_training_the_model_moves_it_and_not_the_network(name):
    network = exported(name, np.float64)
    before = {key: array.copy() for key, array in network.params.items()}
    model = to_torch(network).train()
    x = torch.from_numpy(inputs(network))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(0)
    loss = model(x).square().sum()
    loss.backward()
    optimizer.step()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all((network.params[key] == array).all() for key, array in before.items())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "elu"])
def test_the_gradients_are_the_networks(activation):
    network = exported(f"MultiLayerNet {activation} softmax", np.float64)
    x, t = inputs(network), np.arange(64) % 5
    model = to_torch(network)
    nn.functional.cross_entropy(model[:-1](torch.from_numpy(x)), torch.from_numpy(t)).backward()
    gradients = network.gradient(x, t)
    for i in (1, 2, 3):
        affine = getattr(model, f"Affine{i}")
        np.testing.assert_allclose(affine.weight.grad.numpy().T, gradients[f"W{i}"], rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(affine.bias.grad.numpy(), gradients[f"b{i}"], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", ["MultiLayerNetExtend relu dropout", "DeepConvNet"])
def test_with_the_same_masks_training_passes_are_equal(name, monkeypatch):
    """PyTorch's dropout divides by 1 - p in training, the book's multiplies by it outside of training."""
    network = exported(name, np.float64)
    x = inputs(network)

    def dropout(z, p, training, inplace):
        assert training
        assert not inplace
        return z * torch.from_numpy(np.random.rand(*z.shape) > p) / (1 - p)

    monkeypatch.setattr(nn.functional, "dropout", dropout)
    np.random.seed(3)
    expected = network.predict(x, train_flg=True)
    np.random.seed(3)
    assert_equal(run(to_torch(network).train(), x), expected)


def test_batch_normalisation_trains_alike_but_for_the_running_variance():
    """PyTorch's momentum is the share of the new value; its running variance divides by N - 1, the book's by N."""
    network = exported("MultiLayerNetExtend relu batchnorm", np.float64)
    model, x = to_torch(network), inputs(network)
    norm, layer = model.BatchNormalization1, network.layers["BatchNorm1"]
    before = layer.running_var.copy()
    assert_equal(run(model.train(), x), network.predict(x, train_flg=True))
    np.testing.assert_allclose(norm.running_mean.numpy(), layer.running_mean, rtol=1e-12)
    unbiased = (layer.running_var - 0.9 * before) * 64 / 63 + 0.9 * before
    np.testing.assert_allclose(norm.running_var.numpy(), unbiased, rtol=1e-12)
    assert norm.momentum == pytest.approx(0.1)
    with pytest.raises(ValueError, match="more than 1 value"):  # the book trains on a single sample
        model(torch.from_numpy(x[:1]))


def test_batch_normalisation_that_has_seen_no_batch_divides_by_the_books_variance_of_0():
    network = MultiLayerNetExtend(4, [3], 2, use_batchnorm=True, seed=0)
    x = inputs(network)
    assert_equal(run(to_torch(network), x), network.predict(x))


def test_a_model_without_its_last_module_gives_scores():
    network = exported("TwoLayerNet", np.float64)
    x = inputs(network)
    np.testing.assert_allclose(run(to_torch(network)[:-1], x), network.trace(x)["a2"], rtol=1e-12)


def test_one_sample_gives_one_answer():
    network = exported("MultiLayerNet tanh softmax", np.float64)
    x = inputs(network)[0]
    assert_equal(run(to_torch(network), x), network.predict(x))


class Doubled(TwoLayerNet):
    def predict(self, x):
        return 2 * super().predict(x)


class Own(Relu):
    def forward(self, x):
        return super().forward(x) + 1


def with_own_layer():
    network = exported("LayeredTwoLayerNet", np.float64)
    network.layers = OrderedDict(network.layers, Relu1=Own())
    return network


def with_nan():
    network = exported("TwoLayerNet", np.float64)
    network.params["W2"][1, 2] = np.nan
    return network


def with_batch_normalisation_of_pixels():
    network = SimpleConvNet((1, 8, 8), hidden_size=5, seed=0)
    size = 30 * 4 * 4
    layers = list(network.layers.items())
    layers.insert(1, ("BatchNorm1", BatchNormalization(np.ones(size), np.zeros(size))))
    network.layers = OrderedDict(layers)
    return network


def with_statistics_of_another_size():
    network = MultiLayerNetExtend(4, [5], 3, use_batchnorm=True, seed=0)
    network.layers["BatchNorm1"].running_mean = np.zeros(7)
    return network


def with_padded_pooling():
    network = SimpleConvNet((1, 8, 8), hidden_size=5, seed=0)
    network.layers["Pool1"] = Pooling(2, 2, 3, pad=1)
    return network


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (lambda: SimpleNet(), TypeError, "got SimpleNet"),
        (lambda: np.ones(3), TypeError, "got ndarray"),
        (lambda: Doubled(4, 3, 2), TypeError, "must not have its own predict: .* Doubled"),
        (with_own_layer, TypeError, "layer 1 of the network, Own, "),
        (with_nan, ValueError, "Affine2.weight holds NaN or infinity"),
        (with_batch_normalisation_of_pixels, ValueError, r"BatchNormalization normalizes every pixel"),
        (with_statistics_of_another_size, ValueError, r"running_mean .* must hold 5 numbers, got shape \(7,\)"),
        (with_padded_pooling, ValueError, "Pooling pads with zeros"),
    ],
)
def test_a_network_that_pytorch_does_not_have_is_refused(network, error, message):
    with pytest.raises(error, match=message):
        to_torch(network())


# --- from PyTorch -----------------------------------------------------------------------------------------------------


@each_dtype
@each_network
def test_a_network_comes_back(name, dtype):
    network = exported(name, dtype)
    x = inputs(network)
    back = from_torch(to_torch(network), input_shape=network._sample_shape())
    assert back.dtype == network.dtype
    assert back.params.keys() == network.params.keys()
    for key, array in network.params.items():
        np.testing.assert_allclose(back.params[key], array, rtol=2 * np.finfo(dtype).eps)
    assert_equal(back.predict(x), network.predict(x))


def moved(model):
    """A model after a training pass, whose batch normalisation has seen data."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    model.train()(torch.randn(50, 4, dtype=next(model.parameters()).dtype))
    return model.eval()


MODELS = {
    "plain": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)),
    "float64": lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double(),
    "without bias": lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.ELU(), nn.Linear(5, 3)),
    "nested": lambda: nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(4, 5), nn.LeakyReLU(0.1)), nn.Identity(), nn.Linear(5, 3), nn.Softmax(1)
    ),
    "linear": lambda: nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()),
    "default batch normalisation": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)
    ),
    "without scale, momentum": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5, eps=1e-3, momentum=0.3, affine=False), nn.Sigmoid(), nn.Linear(5, 3)
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_network_predicts_what_the_model_predicts(make):
    model = moved(make())
    network = from_torch(model)
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(network.dtype)
    assert_equal(network.predict(x), run(model, x))
    before = network.predict(x)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert (network.predict(x) == before).all()


def test_a_module_may_stand_in_several_places():
    sigmoid = nn.Sigmoid()
    model = nn.Sequential(nn.Linear(4, 5), sigmoid, nn.Linear(5, 3), sigmoid)
    network = from_torch(model)
    assert (network.activation, network.output) == ("sigmoid", "sigmoid")
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert_equal(network.predict(x), run(model, x))


def test_scores_become_probabilities_with_the_output_softmax():
    model = moved(MODELS["plain"]())
    network = from_torch(model)
    assert network.output == "identity"
    network.output = "softmax"
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert_equal(network.predict(x), run(nn.Sequential(model, nn.Softmax(-1)), x))


def test_the_shape_of_an_input_is_kept():
    assert from_torch(MODELS["plain"](), input_shape=(2, 2)).input_shape == (2, 2)


def conv(**options):
    return nn.Sequential(
        nn.Conv2d(1, 4, **{"kernel_size": 3, **options}), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5),
        nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip


def small(*middle):
    return nn.Sequential(nn.Linear(4, 5), *middle, nn.Linear(5, 3))


def of_another_dropout():
    model = to_torch(DeepConvNet((1, 8, 8), seed=0))
    next(module for module in model.modules() if isinstance(module, nn.Dropout)).p = 0.3
    return model


IMAGE = {"input_shape": (1, 8, 8)}
REFUSED = [
    (lambda: nn.Linear(4, 3), {}, TypeError, "model must be a torch.nn.Sequential, got Linear"),
    (lambda: nn.Sequential(), {}, ValueError, "model ends where a MultiLayerNet has one more layer: Affine"),
    (lambda: small(nn.GELU()), {}, TypeError, r"module 1 of model, GELU\(.*\), has no counterpart in fastnet"),
    (lambda: nn.Sequential(small(nn.ReLU()), nn.Sequential(nn.GELU())), {}, TypeError, r"module 1\.0 of model, GELU"),
    (lambda: small(nn.LeakyReLU()), {}, ValueError, r"module 1 of model, Leaky.*negative_slope 0\.1, got 0\.01"),
    (lambda: small(nn.ELU(2.0)), {}, ValueError, r"module 1 of model, ELU.* must have alpha 1\.0, got 2\.0"),
    (lambda: small(nn.Tanh(), nn.Dropout()), {}, ValueError, r"module 1 of model, Tanh\(\), stands where a MultiLayer"),
    (lambda: small(nn.ReLU(), nn.Tanh()), {}, ValueError, r"module 2 of model, Tanh\(\), stands where .* layer Affine"),
    (lambda: small(nn.ReLU(), nn.BatchNorm1d(5)), {}, ValueError, "module 1 of model, ReLU.* layer BatchNormalization"),
    (lambda: small(nn.Dropout(1.0)), {}, ValueError, "module 1 of model, Dropout.* must have p below 1"),
    (lambda: small(nn.BatchNorm1d(5, momentum=None), nn.ReLU()), {}, ValueError, "must have momentum a number"),
    (lambda: small(nn.BatchNorm1d(5, track_running_stats=False), nn.ReLU()), {}, ValueError, "track_running_stats"),
    (lambda: small(nn.BatchNorm1d(7), nn.ReLU()), {}, ValueError, "module 1 .* takes 7 numbers, but .* gives 5"),
    (lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(6, 3)), {}, ValueError, "module 2 .* takes 6"),
    (lambda: nn.Sequential(*small(nn.ReLU()), nn.Softmax(0)), {}, ValueError, "must have dim -1 or 1, got 0"),
    (lambda: nn.Sequential(*small(nn.ReLU()), nn.ReLU()), {}, ValueError, r"module 3 .* a MultiLayerNet has ended"),
    (lambda: small(nn.ReLU()).half(), {}, TypeError, r"0\.weight is torch\.float16"),
    (lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3).double()), {}, TypeError, r"1\.weight is torch\.float64"),
    (lambda: small(nn.ReLU()), {"input_shape": (3,)}, ValueError, "input_shape must be the shape of the 4 inputs"),
    (lambda: small(nn.ReLU()), {"input_shape": 3}, ValueError, "input_shape must be the shape of the 4 inputs"),
    (conv, {}, ValueError, "pass input_shape"),
    (of_another_dropout, IMAGE, ValueError, r"Dropout\(p=0\.3.* must have p 0\.5, which a DeepConv"),
    (conv, {"input_shape": (1, 9, 12)}, ValueError, r"input_shape \(1, 9, 12\) does not fit model: W2 would have"),
    (conv, {"input_shape": 8}, ValueError, r"input_shape must be \(C, H, W\) for a model with Conv2d .*, got \(8,\)"),
    (conv, {"input_shape": (1.0, 8, 8)}, TypeError, "each of input_shape must be an integer, got 1.0"),
    (lambda: small(nn.ReLU()), {"input_shape": (-2, -2)}, ValueError, "each of input_shape must be at least 1, got -2"),
    (lambda: small(nn.ReLU()), {"input_shape": "4"}, TypeError, "each of input_shape must be an integer, got '4'"),
    (lambda: small(nn.BatchNorm1d(5, momentum=2.0), nn.ReLU()), {}, ValueError, "momentum a number from 0 to 1, got 2"),
    (lambda: small(nn.ReLU()).to("meta"), {}, ValueError, "model holds no numbers: 0.weight is on the device 'meta'"),
    (lambda: conv(padding=(0, 1)), IMAGE, ValueError, r"must have padding the same number on all sides, got \(0, 1\)"),
    (lambda: conv(dilation=2), IMAGE, ValueError, r"module 0 of model, Conv2d.* must have dilation \(1, 1\)"),
    (lambda: conv(padding="same"), IMAGE, ValueError, "must have padding the same number on all sides, got 'same'"),
    (lambda: conv(kernel_size=(3, 5)), IMAGE, ValueError, r"must have kernel_size \(3, 3\), got \(3, 5\)"),
    (lambda: conv(padding_mode="reflect"), IMAGE, ValueError, "must have padding_mode 'zeros'"),
    (lambda: nn.Sequential(*conv(), nn.Softmax(-1)), IMAGE, ValueError, "module 7 .* where a SimpleConvNet has ended"),
]


@pytest.mark.parametrize(("make", "options", "error", "message"), REFUSED)
def test_a_model_that_fastnet_does_not_have_is_refused_by_the_place_of_a_module(make, options, error, message):
    with pytest.raises(error, match=message):
        from_torch(make(), **options)


class DoubledModel(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


def with_forward(model):
    model[0].forward = lambda x: x
    return model


def with_hook(model, register):
    getattr(model, register)(lambda *_: None)
    return model


OTHERWISE = {
    "own forward": (lambda: DoubledModel(nn.Linear(4, 3)), "must not have its own forward: .* DoubledModel"),
    "forward of an object": (lambda: with_forward(small(nn.ReLU())), "module 0 .* must not have its own forward"),
    "hook": (lambda: with_hook(small(nn.ReLU()), "register_forward_hook"), "model must not have hooks"),
    "pre-hook": (lambda: nn.Sequential(with_hook(nn.Linear(4, 3), "register_forward_pre_hook")), "module 0 .* hooks"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_model_that_computes_what_its_modules_do_not_show_is_refused(name):
    make, message = OTHERWISE[name]
    with pytest.raises(TypeError, match=message):
        from_torch(make())


def test_a_subclass_with_the_forward_of_sequential_is_read():
    assert from_torch(type("Named", (nn.Sequential,), {})(nn.Linear(4, 3))).params["W1"].shape == (4, 3)


def test_the_padding_valid_is_none():
    x = np.random.default_rng(0).normal(size=(2, 1, 8, 8)).astype(np.float32)
    model = conv(padding="valid")
    assert_equal(from_torch(model, **IMAGE).predict(x), run(model, x))


def test_all_dropouts_must_be_alike():
    model = nn.Sequential(
        nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(5, 5), nn.ReLU(), nn.Dropout(0.3), nn.Linear(5, 3)
    )
    with pytest.raises(ValueError, match=r"the same p, got 0\.2, 0\.3"):
        from_torch(model)


# --- data -------------------------------------------------------------------------------------------------------------


def in_a_process(program):
    """Run a program whose warnings are errors: PyTorch warns of a read-only array once a process."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, "FASTNET_BACKEND": get_backend()}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_mnist_goes_into_a_data_loader_without_a_warning():
    done = in_a_process("""
        from fastnet import load_mnist
        from fastnet.interop import to_dataset
        from torch.utils.data import DataLoader
        for options in {}, {"flatten": False}, {"normalize": False}, {"one_hot_label": True}:
            (x, t), _ = load_mnist(**options)
            loader = DataLoader(to_dataset(x, t), batch_size=100, shuffle=True)
            images, labels = next(iter(loader))
            print(len(loader), tuple(images.shape), images.dtype, labels.dtype)
    """)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "600 (100, 784) torch.float32 torch.int64",
        "600 (100, 1, 28, 28) torch.float32 torch.int64",
        "600 (100, 784) torch.uint8 torch.int64",
        "600 (100, 784) torch.float32 torch.float64",
    ]


def test_pytorch_itself_warns_of_mnists_labels():
    """Without this warning, `to_dataset` would have one reason less."""
    done = in_a_process("""
        import torch
        from fastnet import load_mnist
        torch.from_numpy(load_mnist()[0][1])
    """)
    assert "not writable" in done.stderr


def test_images_share_their_memory_and_labels_are_copied():
    x, t = np.zeros((3, 2), np.float32), np.array([0, 1, 2], np.uint8)
    inputs_of, labels = to_dataset(x, t).tensors
    x[1, 1], t[1] = 7, 9
    assert inputs_of[1, 1] == 7
    assert labels[1] == 1


@pytest.mark.parametrize(
    "x",
    [
        np.arange(6.0).reshape(3, 2)[::-1],
        np.arange(6, dtype=">f4").reshape(3, 2),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(6, dtype=np.uint16).reshape(3, 2),
        [[0, 1], [2, 3], [4, 5]],
    ],
    ids=["negative strides", "big-endian", "transposed", "uint16", "list"],
)
def test_every_array_becomes_a_tensor_that_can_add(x):
    (tensor, _) = to_dataset(x, [0, 1, 2]).tensors
    assert ((tensor + 1).numpy() == np.asarray(x) + 1).all()


def test_what_pytorch_refuses_of_arrays():
    for array in (np.arange(3.0)[::-1], np.arange(3, dtype=">f4")):
        with pytest.raises(ValueError, match="numpy array"):
            torch.from_numpy(array)


@pytest.mark.parametrize(
    ("x", "t", "error", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), ValueError, r"same length, got shapes \(3, 2\) and \(4,\)"),
        (np.zeros(()), np.zeros(()), ValueError, "same length"),
        (np.array(["a"]), np.zeros(1), TypeError, "x must hold real numbers"),
    ],
)
def test_what_is_no_data_set_is_refused(x, t, error, message):
    with pytest.raises(error, match=message):
        to_dataset(x, t)


def test_the_books_network_learns_in_pytorch_and_comes_home(mnist):
    (x, t), _ = mnist
    network = TwoLayerNet(784, 20, 10, 0.1, dtype=np.float32, seed=0)
    scores = to_torch(network)[:-1].train()
    loader = torch.utils.data.DataLoader(to_dataset(x[:2000], t[:2000]), batch_size=100)
    optimizer = torch.optim.SGD(scores.parameters(), lr=0.5)
    for _ in range(5):
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(scores(images), labels).backward()
            optimizer.step()
    learned = from_torch(nn.Sequential(*scores, nn.Softmax(-1)))
    assert isinstance(learned, TwoLayerNet)
    assert network.accuracy(x[:2000], t[:2000]) < 0.3
    assert learned.accuracy(x[:2000], t[:2000]) > 0.8


def test_a_dense_model_of_another_class_is_a_multi_layer_net():
    assert type(from_torch(MODELS["plain"]())) is MultiLayerNet
