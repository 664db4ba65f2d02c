"""Files of weights in the format safetensors."""

import json
import os
import struct

import numpy as np
import pytest
from exported import NETWORKS, exported, inputs

from fastnet import SimpleNet, TwoLayerNet
from fastnet.interop import load_safetensors, save_safetensors

safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra safetensors")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_bit_for_bit(name, dtype, path):
    network = exported(name, dtype)
    network.classes, network.background = ["a", "b", "가", "ㅏ", '"'], 0.25
    save_safetensors(network, path)
    back = load_safetensors(path)
    assert type(back) is type(network)
    assert back.dtype == network.dtype
    assert (back.classes, back.background, back.input_shape) == (network.classes, 0.25, network.input_shape)
    x = inputs(network)
    assert (back.predict(x) == network.predict(x)).all()


@pytest.mark.parametrize("array", [
    np.asfortranarray, lambda W: np.repeat(W, 2, axis=1)[:, ::2], lambda W: W[::-1][::-1], lambda W: W.astype(">f8"),
], ids=["Fortran", "strided", "reversed", "big-endian"])  # fmt: skip
def test_parameters_in_any_order_keep_their_places(array, path):
    network = TwoLayerNet(4, 3, 2, seed=0)
    expected = network.params["W1"].copy()
    network.params["W1"] = array(network.params["W1"])
    save_safetensors(network, path)
    assert (load_safetensors(path).params["W1"] == expected).all()


def test_a_transposed_matrix_keeps_its_places(path):
    network = TwoLayerNet(4, 3, 2, seed=0)
    network.params["W1"] = np.arange(12.0).reshape(3, 4).T
    save_safetensors(network, path)
    assert (load_safetensors(path).params["W1"] == np.arange(12.0).reshape(3, 4).T).all()


def test_safetensors_itself_permutes_a_transposed_matrix_or_takes_it_right():
    """0.8.0 writes the values in the order of memory, without an error; 0.7.0 does not."""
    W = np.arange(6.0).reshape(2, 3).T
    found = safetensors.load(safetensors.save({"W": W}))["W"]
    version = pytest.importorskip("importlib.metadata").version("safetensors")
    assert (found == W).all() != (version == "0.8.0")


def test_other_programs_find_the_parameters_by_the_books_names(path):
    network = TwoLayerNet(4, 3, 2, seed=0)
    save_safetensors(network, path)
    arrays = safetensors.load_file(path)
    assert list(arrays) == sorted(network.params)
    assert all((arrays[name] == array).all() for name, array in network.params.items())


def test_the_same_network_gives_the_same_bytes(path):
    network = exported("MultiLayerNetExtend relu batchnorm dropout", "float32")
    network.classes = list("abcde")
    contents = set()
    for _ in range(5):
        save_safetensors(network, path)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_a_file_of_other_origin_holds_a_two_layer_net(path):
    network = TwoLayerNet(4, 3, 2, seed=0)
    safetensors.save_file(network.params, path)
    assert (load_safetensors(path).predict(np.eye(4)) == network.predict(np.eye(4))).all()


def written(arrays, metadata=None):
    return safetensors.save(arrays, metadata)


ARRAYS = {"W1": np.ones((2, 3)), "b1": np.zeros(3), "W2": np.ones((3, 2)), "b2": np.zeros(2)}
FLOAT8 = b'{"W1": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}'
DAMAGED = {
    "empty": (b"", "no file of safetensors, or damaged"),
    "text": (b"To be, or not to be, that is the question", "no file of safetensors, or damaged"),
    "truncated": (written(ARRAYS)[:-8], "no file of safetensors, or damaged"),
    "without b2": (written({"W1": ARRAYS["W1"]}), "does not hold the parameters of a TwoLayerNet"),
    "other shapes": (written({**ARRAYS, "b2": np.zeros(5)}), "does not hold the parameters of a TwoLayerNet"),
    "float16": (written({k: v.astype("f2") for k, v in ARRAYS.items()}), "must be float64 or float32"),
    "another network": (written(ARRAYS, {"fastnet": json.dumps({"network": "Unknown"})}), "a Unknown, which this"),
    "no JSON": (written(ARRAYS, {"fastnet": "{"}), "does not hold the parameters of a network"),
    "a list": (written(ARRAYS, {"fastnet": "[]"}), "metadata 'fastnet' are no settings"),
    "nested": (written(ARRAYS, {"fastnet": "[" * 100_000}), "no file of safetensors, or damaged"),
    "float8": (struct.pack("<Q", len(FLOAT8)) + FLOAT8 + b"0", "no file of safetensors, or damaged"),
    "ragged": (written(ARRAYS, {"fastnet": '{"classes": [[1], [1, 2]]}'}), "does not hold the parameters"),
    "no names": (written(ARRAYS, {"fastnet": '{"classes": [1, 2]}'}), "classes must be strings"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_file_that_holds_no_network_is_named(content, message, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load_safetensors(path)
    assert path.name in str(error.value)


def test_a_number_is_no_path():
    """`open` would take it for the number of an open file, and close this."""
    reading, writing = os.pipe()
    try:
        with pytest.raises(TypeError, match="not int"):
            load_safetensors(reading)
        os.fstat(reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_a_missing_file_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        load_safetensors(path)


def test_other_objects_are_refused(path):
    with pytest.raises(TypeError, match="got SimpleNet"):
        save_safetensors(SimpleNet(), path)


def test_a_parameter_that_no_longer_fits_is_refused_and_the_old_file_stays(path):
    network = TwoLayerNet(4, 3, 2, seed=0)
    save_safetensors(network, path)
    before = path.read_bytes()
    network.params["W1"] = np.zeros((4, 4))
    with pytest.raises(ValueError, match="W1"):
        save_safetensors(network, path)
    assert path.read_bytes() == before
