"""Files of weights of any network: what they say of it, and what `load_network` refuses."""

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest

from fastnet import (
    DeepConvNet,
    LayeredTwoLayerNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    SimpleConvNet,
    TwoLayerNet,
    load_network,
)

NETWORKS = {
    "two layers": lambda: TwoLayerNet(64, 5, 3, seed=0),
    "multi layer": lambda: MultiLayerNet(64, [5, 4], 3, "tanh", dtype=np.float32, seed=0),
    "batch normalisation": lambda: MultiLayerNetExtend(64, [5, 4], 3, use_batchnorm=True, use_dropout=True, seed=0),
    "layered": lambda: LayeredTwoLayerNet(64, 5, 3, seed=0),
    "convolution": lambda: SimpleConvNet((1, 8, 8), hidden_size=5, output_size=3, seed=0),
    "deep convolution": lambda: DeepConvNet((1, 8, 8), hidden_size=5, output_size=3, dtype=np.float32, seed=0),
}
each_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def sample(network):
    x = np.random.default_rng(0).random((4, 64))
    return x.reshape(4, 1, 8, 8) if network._input_count() != len(network.params["W1"]) else x


@each_network
def test_any_network_is_loaded_as_it_was(make, tmp_path):
    network = make()
    if isinstance(network, MultiLayerNetExtend):
        network.gradient(sample(network), [0, 1, 2, 0])  # so that there are running statistics
    network.save(tmp_path / "weights.npz")
    again = load_network(tmp_path / "weights.npz")
    assert type(again) is type(network)
    assert again.dtype == network.dtype
    assert again.classes is None
    np.testing.assert_array_equal(again.predict(sample(network)), network.predict(sample(network)))


@each_network
def test_names_of_classes_and_the_shape_of_an_input_are_kept(make, tmp_path):
    network = make()
    network.classes, network.input_shape, network.background = ["가", "い", "a b"], (8, 8), 0.75
    network.save(tmp_path / "weights.npz")
    for again in (load_network(tmp_path / "weights.npz"), type(network).load(tmp_path / "weights.npz")):
        assert again.classes == ["가", "い", "a b"]
        assert again.input_shape == (8, 8)
        assert again.background == 0.75


def test_a_convolutional_network_knows_the_shape_of_an_image(tmp_path):
    network = SimpleConvNet((3, 6, 8), seed=0)
    network.save(tmp_path / "weights.npz")
    assert load_network(tmp_path / "weights.npz").input_shape == (3, 6, 8)


@each_network
def test_what_does_not_fit_is_not_written(make, tmp_path):
    network = make()
    for classes, error, message in [
        (["a", "b"], ValueError, "classes must have one name for each of the 3 outputs, got 2"),
        ("abc", TypeError, "classes must be a list of strings"),
        ([1, 2, 3], TypeError, "classes must be a list of strings"),
        ({"a", "b", "c"}, TypeError, "classes must be a list of strings"),  # in which order?
        (3, TypeError, "classes must be a list of strings"),
    ]:
        network.classes = classes
        with pytest.raises(error, match=message):
            network.save(tmp_path / "weights.npz")
    network.classes = None
    for shape in [(28, 28), (-8, -8), ()]:
        network.input_shape = shape
        with pytest.raises(ValueError, match="input_shape must be the shape of the 64 numbers of an input"):
            network.save(tmp_path / "weights.npz")
    for shape in (64, "64", (64.5,), (True, 64)):
        network.input_shape = shape
        with pytest.raises(TypeError, match="input_shape must be"):
            network.save(tmp_path / "weights.npz")
    network.input_shape = None
    for background, error in ((1.5, ValueError), (-0.5, ValueError), ("white", TypeError)):
        network.background = background
        with pytest.raises(error, match="background must be"):
            network.save(tmp_path / "weights.npz")
    assert not list(tmp_path.iterdir())


def test_a_file_of_before_is_a_two_layer_network(tmp_path):
    np.savez(tmp_path / "weights.npz", **TwoLayerNet(4, 3, 2, seed=0).params)
    assert type(load_network(tmp_path / "weights.npz")) is TwoLayerNet
    np.savez(tmp_path / "weights.npz", **TwoLayerNet(4, 3, 2, seed=0).params, activation="relu")
    with pytest.raises(ValueError, match=r"weights\.npz does not hold the parameters of a TwoLayerNet"):
        load_network(tmp_path / "weights.npz")


def test_the_file_of_a_subclass_is_one_of_its_base(tmp_path):
    class Mine(MultiLayerNet):
        pass

    Mine(4, [3], 2, seed=0).save(tmp_path / "weights.npz")
    assert type(load_network(tmp_path / "weights.npz")) is MultiLayerNet
    assert type(Mine.load(tmp_path / "weights.npz")) is Mine


def test_the_class_of_a_file_is_checked(tmp_path):
    """Both have the same parameters, and another activation."""
    LayeredTwoLayerNet(4, 3, 2, seed=0).save(tmp_path / "weights.npz")
    with pytest.raises(ValueError, match=r"of a TwoLayerNet: it holds those of a LayeredTwoLayerNet"):
        TwoLayerNet.load(tmp_path / "weights.npz")


def arrays_of(make, path):
    make().save(path)
    return dict(np.load(path))


@each_network
def test_a_file_that_does_not_fit_together_is_named(make, tmp_path):
    path = tmp_path / "weights.npz"
    good = arrays_of(make, path)
    for wrong in (
        {"network": "Transformer"}, {"network": "print"}, {"classes": ["a", "b"]}, {"classes": np.zeros(3)},
        {"classes": "abc"}, {"input_shape": [28, 28]}, {"input_shape": [8.0, 8.0]}, {"input_shape": 64},
            {"background": [0.5, 0.5]}, {"background": "white"}, {"background": 2.0}, {"background": np.nan},
        {"W1": np.zeros((2, 2))}, {"b1": np.zeros((9, 9))}, {"W2": good["W2"][:-1]}, {"W1": np.float64(1)},
        {"b2": np.zeros(0)}, {"W1": np.zeros((2, 0, 10**9, 3))}, {"W2": np.zeros((0, 10**9))},
        {"network": np.array([print], object)},
    ):
        np.savez(path, **(good | wrong))
        with pytest.raises(ValueError, match=r"weights\.npz does not "):
            load_network(path)
    for name in good:
        if name[0] in "Wb":
            np.savez(path, **{other: good[other] for other in good if other != name})
            with pytest.raises(ValueError, match=r"weights\.npz does not hold .*: (it has no|params must)"):
                load_network(path)


def test_what_does_not_fit_in_a_file_is_named(tmp_path):
    path = tmp_path / "weights.npz"
    kinds = (TwoLayerNet, LayeredTwoLayerNet)
    two, many = (arrays_of(lambda kind=kind: kind(64, 5, 3, seed=0), path) for kind in kinds)
    for arrays, message in (
        (two | {"W2": np.zeros(5)}, r"W2 must be a matrix, got shape \(5,\)"),
        (two | {"classes": np.full((3, 1), "a")}, r"classes must be strings in a row, got <U1 of shape \(3, 1\)"),
        (many | {"W2": np.zeros((9, 9))}, r"W2 must have shape \(5, 3\), got \(9, 9\)"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            load_network(path)


@each_network
def test_a_black_background_is_kept(make, tmp_path):
    network = make()
    network.background = 0
    network.save(tmp_path / "weights.npz")
    assert load_network(tmp_path / "weights.npz").background == 0


HUGE = 10**9


def header(text):
    """A ``.npy`` file with this header and no values."""
    padded = text.encode("latin1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


def npz(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


HEADERS = {
    "10 GB": "{'descr': '<f8', 'fortran_order': False, 'shape': (1250000000,)}",
    "10 GB in few letters": "{'descr': '<U2500000000', 'fortran_order': False, 'shape': (1,)}",
    "a negative size": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3)}",
    "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "an open bracket": "{'descr': '<f8', 'fortran_order': False, 'shape': (1,",
    "an open string": "{'descr': '<f8, 'fortran_order': '''False, 'shape': (1,)}",
    "a call": "__import__('os').getcwd()",
    "no dict": "[1, 2]",
    "zero bytes": "\0\0\0",
    "many brackets": "(" * 110,
    "another descr": "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}",
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_header_that_promises_much_or_nothing_sensible_is_refused_in_little_memory(kind, tmp_path):
    path = tmp_path / "weights.npz"
    npz(path, {"W1": header(HEADERS[kind])})
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"weights\.npz does not hold the parameters of a network"):
            load_network(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_settings_that_promise_much_are_refused_in_little_memory(tmp_path):
    path = tmp_path / "weights.npz"
    settings = {
        "convolution": [{"conv_param": [HUGE, 5, 0, 1]}, {"input_dim": [1, HUGE, HUGE]}, {"input_dim": [HUGE, 8, 8]}],
        "deep convolution": [{"conv_params": np.full((6, 4), [HUGE, 3, 1, 1])}, {"input_dim": [1, HUGE, HUGE]}],
        "batch normalisation": [{"hidden_size_list": [HUGE, HUGE]}, {"input_size": HUGE}, {"output_size": HUGE}],
    }
    for kind, wrongs in settings.items():
        good = arrays_of(NETWORKS[kind], path)
        for wrong in wrongs:
            np.savez(path, **(good | wrong))
            tracemalloc.start()
            try:
                with pytest.raises(ValueError, match=r"weights\.npz does not "):
                    load_network(path)
                assert tracemalloc.get_traced_memory()[1] < 2**22
            finally:
                tracemalloc.stop()


def test_a_file_that_unpacks_to_much_is_read_in_what_it_holds(tmp_path):
    """A damaged size in the archive: 1,000 bytes that claim to be 10 GB."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros(100))
    npz(tmp_path / "weights.npz", {"W1": file.getvalue()}, zipfile.ZIP_DEFLATED)
    content = (tmp_path / "weights.npz").read_bytes()
    size = len(file.getvalue()).to_bytes(4, "little")
    assert content.count(size) == 2
    (tmp_path / "weights.npz").write_bytes(content.replace(size, (4 * 10**9).to_bytes(4, "little")))
    with pytest.raises(ValueError, match=r"weights\.npz does not hold the parameters of a network: W1\.npy claims"):
        load_network(tmp_path / "weights.npz")


@pytest.mark.parametrize("make", [NETWORKS["two layers"], NETWORKS["layered"]], ids=["two layers", "layered"])
def test_any_flipped_byte_is_noticed(make, tmp_path):
    """Also those in the headers of the arrays, of which NumPy's reader raises almost any error."""
    path = tmp_path / "weights.npz"
    good = arrays_of(make, path)
    network, x = load_network(path), sample(make())
    file = io.BytesIO()
    np.lib.format.write_array(file, good["b2"])
    whole, refused = file.getvalue(), 0
    others = {name: io.BytesIO() for name in good if name != "b2"}
    for name, each in others.items():
        np.lib.format.write_array(each, good[name])
    members = {name: each.getvalue() for name, each in others.items()}
    for i in range(len(whole)):
        flipped = bytes([*whole[:i], whole[i] ^ 0x11, *whole[i + 1 :]])  # the archive's checksum is right
        npz(path, {**members, "b2": flipped})
        try:
            again = load_network(path)
        except ValueError as error:
            refused += "weights.npz does not hold" in str(error)
        else:  # a space of the header, or a value
            assert i >= 60
            assert again.predict(x).shape == network.predict(x).shape
    assert refused > 60


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_network(tmp_path / "weights.npz")
    with pytest.raises(IsADirectoryError):
        load_network(tmp_path)


READERS = [load_network, TwoLayerNet.load, SimpleConvNet.load, SimpleConvNet(seed=0).load_params]


@pytest.mark.parametrize("read", READERS)
def test_a_number_is_no_path_and_closes_no_stream(read):
    reading, writing = os.pipe()
    try:
        with pytest.raises(TypeError, match="PathLike"):
            read(reading)
        os.fstat(reading)
    finally:
        os.close(reading)
        os.close(writing)
