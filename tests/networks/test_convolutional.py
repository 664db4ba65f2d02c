"""SimpleConvNet and DeepConvNet: the book's sizes, draws and names, and its file format."""

import contextlib
import copyreg
import datetime
import pickle
import struct
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest

from fastnet import DeepConvNet, SimpleConvNet
from fastnet.layers import Affine, Convolution, Dropout, Pooling, Relu

pytestmark = pytest.mark.usefixtures("backend")

SMALL = ((1, 8, 8), {"filter_num": 3, "filter_size": 3, "pad": 0, "stride": 1}, 5, 4)


def small(seed=0, **options):
    return SimpleConvNet(*SMALL, 0.3, seed=seed, **options)


def images(n=7):
    return np.random.default_rng(1).normal(size=(n, 1, 8, 8))


# --- the book's networks ---------------------------------------------------------------------------------------------


def test_the_simple_networks_parameters_are_drawn_in_the_books_order():
    np.random.seed(3)
    net = SimpleConvNet()
    np.random.seed(3)
    shapes = {"W1": (30, 1, 5, 5), "b1": (30,), "W2": (4320, 100), "b2": (100,), "W3": (100, 10), "b3": (10,)}
    assert {name: value.shape for name, value in net.params.items()} == shapes
    for name in ("W1", "W2", "W3"):
        np.testing.assert_array_equal(net.params[name], 0.01 * np.random.randn(*shapes[name]))
    assert isinstance(net.layers, OrderedDict)
    assert list(net.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    assert sum(value.size for value in net.params.values()) == 433_890


def test_the_deep_networks_parameters_are_drawn_in_the_books_order():
    np.random.seed(3)
    net = DeepConvNet()
    np.random.seed(3)
    filters = [(16, 1), (16, 16), (32, 16), (32, 32), (64, 32), (64, 64)]
    shapes = [*((FN, C, 3, 3) for FN, C in filters), (64 * 4 * 4, 50), (50, 10)]
    inputs = [9, 144, 144, 288, 288, 576, 1024, 50]
    for i, (shape, n) in enumerate(zip(shapes, inputs, strict=True), start=1):
        np.testing.assert_array_equal(net.params[f"W{i}"], np.sqrt(2.0 / n) * np.random.randn(*shape))
        assert not net.params[f"b{i}"].any()
    assert list(net.params) == [f"{which}{i}" for i in range(1, 9) for which in "Wb"]
    conv = [Convolution, Relu, Convolution, Relu, Pooling]
    assert list(map(type, net.layers)) == [*conv * 3, Affine, Relu, Dropout, Affine, Dropout]
    assert [layer.pad for layer in net.layers if type(layer) is Convolution] == [1, 1, 1, 2, 1, 1]
    assert net.predict(np.zeros((2, 1, 28, 28))).shape == (2, 10)


@pytest.mark.parametrize(
    ("side", "filter_param", "maps"),
    [
        ((1, 9, 12), {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}, (4, 6)),  # the book: 4.5 x 6
        ((3, 5, 5), {"filter_num": 2, "filter_size": 2, "pad": 0, "stride": 3}, (1, 1)),
        ((2, 28, 10), {"filter_num": 2, "filter_size": 4, "pad": 2, "stride": 2}, (7, 3)),
    ],
)
def test_images_of_any_sides_fit(side, filter_param, maps):
    net = SimpleConvNet(side, filter_param, 3, 2, seed=0)
    assert net.params["W2"].shape == (2 * maps[0] * maps[1], 3)
    x, t = np.random.default_rng(0).normal(size=(3, *side)), np.array([0, 1, 1])
    assert net.gradient(x, t)["W1"].shape == net.params["W1"].shape


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_accuracy_counts_the_last_partial_batch(batch_size):
    net, x = small(), images()
    t = net.predict(x).argmax(axis=1)
    t[0] = (t[0] + 1) % 4
    assert net.accuracy(x, t, batch_size=batch_size) == 6 / 7
    assert net.accuracy(x, np.eye(4)[t], batch_size) == 6 / 7


def test_half_precision_is_written_into_the_parameters_as_in_the_books_program():
    net, x = small(), images()
    before = net.predict(x)
    for param in net.params.values():
        param[...] = param.astype(np.float16)
    after = net.predict(x.astype(np.float16))
    assert after.dtype == np.float64
    assert not np.array_equal(before, after)
    # Parameters below 1 and inputs below 4, rounded to 2^-11 of themselves, in sums of 27 terms.
    np.testing.assert_allclose(after, before, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"input_dim": (1, 28)}, ValueError, r"input_dim must be \(channels, height, width\), got \(1, 28\)"),
        ({"input_dim": 28}, ValueError, "input_dim must be"),
        ({"input_dim": (1, 28.0, 28)}, TypeError, r"input_dim\[1\] must be an integer"),
        ({"input_dim": (1, 4, 4)}, ValueError, "a filter of size 5"),
        ({"input_dim": (1, 28, 5)}, ValueError, "pooling of 2 x 2 does not fit"),
        ({"conv_param": 5}, TypeError, "conv_param must be a dict of filter_num, filter_size, pad, stride"),
        ({"conv_param": {"filter_num": 3, "filter_size": 3}}, ValueError, "pad, stride is missing"),
        (
            {"conv_param": {"filter_num": 3, "filter_size": 3, "pad": -1, "stride": 1}},
            ValueError,
            r"conv_param\['pad'\] must be at least 0",
        ),
        (
            {"conv_param": {"filter_num": 3, "filter_size": 3, "pad": 1, "stride": 0}},
            ValueError,
            r"conv_param\['stride'\] must be at least 1",
        ),
        (
            {"conv_param": {"filter_num": 3, "filter_size": 5, "pad": 0, "stride": 2}},
            ValueError,
            r"\(28 \+ 2 \* 0 - 5\) / 2 must be a whole number",
        ),
        ({"hidden_size": 0}, ValueError, "hidden_size must be"),
        ({"output_size": "10"}, TypeError, "output_size must be"),
        ({"weight_init_std": -1}, ValueError, "weight_init_std must be"),
        ({"dtype": int}, TypeError, "dtype must be"),
    ],
)
def test_wrong_arguments_are_named(change, error, named):
    with pytest.raises(error, match=named):
        SimpleConvNet(**change)


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"input_dim": (28, 28)}, ValueError, "input_dim must be"),
        ({"input_dim": (1, 4, 2)}, ValueError, "pooling of 2 x 2 does not fit into a map with a side of 1"),
        ({"conv_param_4": {"filter_num": 3}}, ValueError, "conv_param_4 must .*; filter_size, pad, stride is miss"),
        (
            {"conv_param_6": {"filter_num": 3, "filter_size": 0, "pad": 1, "stride": 1}},
            ValueError,
            r"conv_param_6\['filter_size'\] must be at least 1",
        ),
        ({"hidden_size": 0}, ValueError, "hidden_size must be"),
        ({"dtype": int}, TypeError, "dtype must be"),
    ],
)
def test_wrong_arguments_of_the_deep_network_are_named(change, error, named):
    with pytest.raises(error, match=named):
        DeepConvNet(**change)


def test_a_batch_size_of_0_is_refused():
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        small().accuracy(images(), [0] * 7, 0)


# --- the book's file format ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", [small, lambda seed=0, **options: DeepConvNet((1, 8, 8), seed=seed, **options)])
def test_saved_parameters_are_loaded_bit_for_bit(kind, dtype, tmp_path):
    net, other, x = kind(0, dtype=dtype), kind(1, dtype=dtype), images()
    net.save_params(tmp_path / "params.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["params.pkl"]
    other.load_params(tmp_path / "params.pkl")
    np.testing.assert_array_equal(other.predict(x), net.predict(x))
    for name, (key, attribute) in other._places().items():
        assert other.params[name].dtype == dtype
        assert other.layers[key].__dict__[attribute] is other.params[name]  # at once, as in the book
    with open(tmp_path / "params.pkl", "rb") as file:  # what the book's program reads
        found = pickle.load(file)
    assert type(found) is dict
    for name, value in found.items():
        np.testing.assert_array_equal(value, net.params[name])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("change", [dict, OrderedDict], ids=["dict", "OrderedDict"])
@pytest.mark.parametrize(
    "form",
    [np.array, np.asfortranarray, lambda a: a.astype(">f8"), lambda a: a[::-1][::-1], lambda a: a.astype(np.float32)],
    ids=["plain", "Fortran", "big-endian", "strided", "float32"],
)
def test_pickles_of_every_protocol_and_memory_layout_are_read(protocol, change, form, tmp_path):
    net, other = small(0), small(1)
    params = change((name, form(value)) for name, value in net.params.items())
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(params, protocol))
    other.load_params(tmp_path / "params.pkl")
    for name, value in other.params.items():
        assert value.flags.c_contiguous
        assert value.flags.writeable
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value, params[name])


def test_a_pickle_of_numpy_1_is_read(tmp_path):
    data = pickle.dumps(small(0).params, 2).replace(b"numpy._core.", b"numpy.core.")
    (tmp_path / "params.pkl").write_bytes(data)
    net = small(1)
    net.load_params(tmp_path / "params.pkl")
    np.testing.assert_array_equal(net.params["W1"], small(0).params["W1"])


class Harmless:
    """Says so when it is called."""

    called = False

    def __reduce__(self):
        return call, ()


def call():
    Harmless.called = True
    return np.zeros(3)


NOT_ADMITTED = {
    "date": (datetime.date(2016, 9, 24), "it holds datetime.date: a file of parameters may hold only"),
    "function": (Harmless(), f"it holds {__name__}.call"),
    "objects": (np.array([1, "a"], object), "it holds an array of dtype 'O8'"),
    "complex": (np.zeros(3, complex), "it holds an array of dtype 'c16'"),
    "structure": (np.zeros(3, [("a", float)]), "it holds an array of dtype 'V8'"),
    "matrix": (np.eye(2).view(np.matrix), "it holds numpy.*matrix"),
    "masked": (np.ma.array([1.0]), "it holds numpy.ma"),
    "text": ("weights", "'b3' is str, not an array"),
    "number": (0.5, "'b3' is float, not an array"),
    "NumPy number": (np.float64(0.5), "'b3' is float64, not an array"),
    "dict": ({"a": 1}, "'b3' is dict, not an array"),
    "type": (np.ndarray, "'b3' is type, not an array"),
    "shape": (np.zeros(5), r"b3 no longer fits: it must be an array of shape \(4,\)"),
    "integers": (np.zeros(4, int), "b3 no longer fits: it must be .* float64"),
}


class Looks:
    """A loss layer through which the user's own code sees the network in the middle of `gradient`."""

    def __init__(self, net, look):
        self.net, self.look, self.inner = net, look, net.last_layer

    def forward(self, x, t):
        return self.inner.forward(x, t)

    def backward(self, dout=1):
        self.look(self.net.layers)
        return self.inner.backward(dout)


def test_a_convolution_whose_col_was_read_has_the_gradient_of_one_whose_was_not():
    x, t = np.random.default_rng(0).normal(size=(3, 1, 8, 8)), np.arange(3)
    expected = small(0).gradient(x, t)
    net = small(0)
    net.last_layer = Looks(net, lambda layers: layers["Conv1"].col)
    for name, value in net.gradient(x, t).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-10, atol=1e-12)


def test_a_mask_of_another_shape_is_refused():
    net = small(0)
    net.last_layer = Looks(net, lambda layers: setattr(layers["Relu1"], "mask", np.ones((3, 1), bool)))
    with pytest.raises(ValueError, match="must have the shape"):
        net.gradient(np.ones((3, 1, 8, 8)), np.arange(3))


@pytest.mark.parametrize(
    ("arguments", "state", "named"),
    [
        ((np.dtype, (0,), b"b"), (), "it holds .*_Dtype"),
        ((np.ndarray, (0,), b"b"), (1, (4,), "f8", False, bytes(32)), "an array that is not of numbers"),
        ((np.ndarray, (0,), b"b"), (1, (4,), np.dtype("f8"), False, bytes(31)), r"of shape \(4,\) has 31 bytes"),
        ((np.ndarray, (0,), b"b"), (1, (4,), np.dtype("f8"), False, bytes(33)), r"of shape \(4,\) has 33 bytes"),
    ],
)
def test_a_pickle_that_numpy_has_not_written_is_refused(arguments, state, named, tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps({**small().params, "b3": Rebuilt(arguments, state)}))
    with pytest.raises(ValueError, match=named):
        small().load_params(path)


class Rebuilt:
    """An object that its pickle makes with NumPy's own function for arrays."""

    def __init__(self, arguments, state):
        self.arguments, self.state = arguments, state

    def __reduce__(self):
        make, *_ = np.zeros(1).__reduce__()
        return make, self.arguments, self.state


def test_text_in_a_pickle_is_latin1_alone(tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(b"(dVW1\nc_codecs\nencode\n(Va\nVutf-8\ntRs.")
    with pytest.raises(ValueError, match="it holds text in 'utf-8'"):
        small().load_params(path)


@pytest.mark.parametrize("protocol", [0, 2, pickle.DEFAULT_PROTOCOL, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize(("value", "named"), NOT_ADMITTED.values(), ids=NOT_ADMITTED.keys())
def test_what_else_a_pickle_holds_is_named_and_nothing_is_called(value, named, protocol, tmp_path):
    net, before = small(), {name: value.copy() for name, value in small().params.items()}
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps({**net.params, "b3": value}, protocol))
    with pytest.raises(ValueError, match=named) as caught:
        net.load_params(path)
    assert str(path) in str(caught.value)
    assert not Harmless.called
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([1, 2], "it holds list, not a dict"),
        ({1: np.zeros(2)}, "the name of a parameter is 1"),
        ({"W1": np.zeros((3, 1, 3, 3))}, "it has no 'W2'"),
        ({**small().params, "W4": np.zeros(2)}, "it has 'W4' too"),
    ],
)
def test_another_dict_is_refused(found, named, tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps(found))
    with pytest.raises(ValueError, match=rf"params.pkl does not hold .*{named}"):
        small().load_params(path)


def test_a_damaged_file_is_named_and_a_missing_one_is_not_found(tmp_path):
    net, path = small(), tmp_path / "params.pkl"
    whole = pickle.dumps(net.params)
    for end in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"params\.pkl does not hold parameters"):
            net.load_params(path)
    random = np.random.default_rng(0)
    for _ in range(300):  # what is damaged is read as other numbers, or refused
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] = random.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError):
            net.load_params(path)
    with pytest.raises(FileNotFoundError):
        net.load_params(tmp_path / "other.pkl")


def test_a_file_that_claims_more_bytes_than_it_holds_takes_no_memory_for_them(tmp_path):
    claimed, path = 64 * 1024 * 1024, tmp_path / "params.pkl"
    whole = pickle.dumps(small().params, 5)
    length = whole.index(pickle.BYTEARRAY8) + 1  # of the first array
    path.write_bytes(whole[:length] + struct.pack("<Q", claimed) + whole[length + 8 :])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"params\.pkl does not hold parameters"):
            small().load_params(path)
        assert tracemalloc.get_traced_memory()[1] < claimed / 10
    finally:
        tracemalloc.stop()


class BuildsOn:
    """Pickles as a class or function of the file format that is changed afterwards."""

    def __init__(self, name, state):
        self.name, self.state = name, state

    def dumps(self):
        module, _, name = self.name.rpartition(".")
        return b"c" + f"{module}\n{name}\n".encode() + pickle.dumps(self.state, 0)[:-1] + b"b."


@pytest.mark.parametrize(
    "name",
    ["numpy.dtype", "numpy.ndarray", "numpy.core.multiarray._reconstruct", "_codecs.encode", "collections.OrderedDict"],
)
@pytest.mark.parametrize("state", [{"array": 1}, (None, {"__doc__": "changed"}), ("a", "b")])
def test_a_pickle_cannot_change_what_reads_it(name, state, tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(BuildsOn(name, state).dumps())
    with pytest.raises(ValueError, match="does not hold parameters"):
        small().load_params(path)
    path.write_bytes(pickle.dumps(small().params))
    small().load_params(path)


def test_a_registered_extension_is_no_way_around(tmp_path):
    copyreg.add_extension(__name__, "call", 0x7FFFFFF0)
    try:
        (tmp_path / "params.pkl").write_bytes(pickle.dumps({"W1": Harmless()}, 2))
        with pytest.raises(ValueError, match="it holds the extension"):
            small().load_params(tmp_path / "params.pkl")
    finally:
        copyreg.remove_extension(__name__, "call", 0x7FFFFFF0)
    assert not Harmless.called


def test_a_parameter_that_no_longer_fits_is_not_written(tmp_path):
    net, path = small(), tmp_path / "params.pkl"
    net.save_params(path)
    before = path.read_bytes()
    net.params["b1"] = np.zeros(2)
    for save in (net.save_params, net.save):
        with pytest.raises(ValueError, match=r"params\['b1'\] no longer fits"):
            save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", [SimpleConvNet, DeepConvNet])
def test_a_file_of_another_network_is_refused(kind, tmp_path):
    small().save(tmp_path / "simple.npz")
    DeepConvNet((1, 8, 8), seed=0).save(tmp_path / "deep.npz")
    with pytest.raises(ValueError, match="does not hold the parameters"):
        kind.load(tmp_path / ("deep.npz" if kind is SimpleConvNet else "simple.npz"))


# --- convolution and ReLU in one go ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SimpleConvNet, DeepConvNet])
def test_the_layers_of_a_network_one_by_one_give_what_the_network_gives(kind):
    # The network computes a convolution and the ReLU behind it in one go.
    network = kind((1, 12, 12), hidden_size=5, seed=0)
    x, t = np.random.default_rng(0).normal(size=(5, 1, 12, 12)), np.array([0, 1, 2, 3, 4])
    np.random.seed(0)
    gradients = network.gradient(x, t)
    layers = [layer for _, layer in network._in_order()]
    masks = [getattr(layer, "mask", None) for layer in layers]
    np.random.seed(0)
    z = x
    for layer in layers:
        z = layer.forward(z)
    network.last_layer.forward(z, t)
    assert all(np.array_equal(mask, layer.mask) for mask, layer in zip(masks, layers, strict=True) if mask is not None)
    dout = network.last_layer.backward(1)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    for name, (key, attribute) in network._places().items():
        assert np.array_equal(gradients[name], getattr(network.layers[key], f"d{attribute}")), name


@pytest.mark.parametrize("where", ["class", "object"])
@pytest.mark.parametrize("name", ["Conv1", "Relu1"])
def test_a_layer_whose_methods_a_program_has_replaced_is_called(name, where, monkeypatch):
    network = SimpleConvNet((1, 8, 8), hidden_size=5, seed=0)
    layer, called = network.layers[name], []
    x, t = np.random.default_rng(0).normal(size=(3, 1, 8, 8)), np.array([0, 1, 2])
    expected = network.gradient(x, t)
    for method in ("forward", "backward"):
        original = getattr(type(layer), method)

        def watched(self, array, original=original, method=method):
            if self is layer:
                called.append(method)
            return original(self, array)

        target = type(layer) if where == "class" else layer
        monkeypatch.setattr(target, method, watched if where == "class" else watched.__get__(layer))
    gradients = network.gradient(x, t)
    assert called == ["forward", "backward"]
    assert all(np.array_equal(gradients[each], expected[each]) for each in expected)
