"""ONNX files of fastnet's networks; run by onnxruntime."""

import numpy as np
import pytest
from exported import NETWORKS, exported, inputs

from fastnet import MultiLayerNet, TwoLayerNet, load_pretrained
from fastnet.functions import sigmoid, softmax
from fastnet.interop import to_onnx

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")

CONVOLUTIONAL = ("SimpleConvNet", "DeepConvNet")
RTOL = {"float32": 2e-6, "float64": 1e-14}  # up to 1.3e-6 where fastnet's sums are not vectors


def probabilities_of(network, x):
    y = network.predict(x)
    return softmax(y) if hasattr(network, "layers") else y


@pytest.fixture
def run(tmp_path):
    """Write a network, and return what onnxruntime computes."""

    def write_and_run(network, x, **options):
        to_onnx(network, tmp_path / "network.onnx", **options)
        session = runtime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": x})
        return y

    return write_and_run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_computes_the_same_probabilities(name, dtype, run):
    if dtype == "float64" and name in CONVOLUTIONAL:
        pytest.skip("onnxruntime has no float64 convolution")
    network = exported(name, dtype)
    x = inputs(network)
    expected = probabilities_of(network, x)
    found = run(network, x)
    assert found.dtype == expected.dtype
    # Numbers, unlike probabilities, can be near 0 although their terms are not.
    atol = RTOL[dtype] * np.abs(expected).max() if name.endswith("identity") else 0
    np.testing.assert_allclose(found, expected, rtol=RTOL[dtype], atol=atol)


def exact(dtype, output="sigmoid", activation="identity", hidden=()):
    """A network of one number, whose products and sums are exact: what differs is the activation."""
    network = MultiLayerNet(1, hidden, 1, activation, output=output, dtype=dtype, seed=0)
    network.params = {name: np.ones_like(array) if name[0] == "W" else array for name, array in network.params.items()}
    return network


@pytest.mark.parametrize(("dtype", "lowest"), [("float32", -87), ("float64", -708)])
def test_saturated_outputs_are_as_precise_as_others(dtype, lowest, run):
    """Down to the smallest normal number; onnxruntime's own sigmoid in float32 is 0 below -18."""
    x = np.linspace(lowest, -lowest, 2001).astype(dtype)[:, np.newaxis]
    np.testing.assert_allclose(run(exact(dtype), x), sigmoid(x), rtol=RTOL[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "elu", "leaky_relu"])
def test_saturated_hidden_units_and_those_near_0_are_as_precise_as_others(activation, dtype, run):
    x = np.concatenate([np.linspace(-80, 80, 801), np.geomspace(1e-30, 1e-2, 100), -np.geomspace(1e-30, 1e-2, 100)])
    x = x.astype(dtype)[:, np.newaxis]
    network = exact(dtype, "identity", activation, hidden=[1])
    np.testing.assert_allclose(run(network, x), network.predict(x), rtol=RTOL[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_that_would_overflow_give_probabilities(dtype, run):
    network = exact(dtype, "softmax")
    x = np.array([[-1e6], [0], [1e6]], dtype)
    assert (run(network, x) == 1).all()


def test_the_network_that_comes_with_fastnet_reads_the_same_digits(run, mnist):
    """The scores are sums of 1,024 terms in float32, in another order: off by 1e-6, and so are the probabilities."""
    x = mnist[1][0][:500].reshape(-1, 1, 28, 28)
    network = load_pretrained()
    expected, found = probabilities_of(network, x), run(network, x)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_batch_may_have_any_size(count, run):
    network = exported("TwoLayerNet", "float32")
    assert run(network, inputs(network, count)).shape == (count, 5)


def test_the_file_says_what_it_holds_and_what_it_needs(tmp_path):
    network = exported("SimpleConvNet", "float32")
    path = tmp_path / "network.onnx"
    to_onnx(network, path)
    model = onnx.load(path)
    assert (model.ir_version, [(each.domain, each.version) for each in model.opset_import]) == (7, [("", 13)])
    x, y = (
        (value.name, [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim])
        for value in (model.graph.input[0], model.graph.output[0])
    )
    assert x == ("x", ["N", 1, 12, 11])
    assert y == ("probabilities", ["N", 5])
    assert len(model.graph.input) == len(model.graph.output) == 1
    assert str(tmp_path).encode() not in path.read_bytes()
    first = path.read_bytes()
    to_onnx(network, path)
    assert path.read_bytes() == first


def test_numbers_are_not_called_probabilities(tmp_path):
    to_onnx(exported("MultiLayerNet tanh identity", "float32"), tmp_path / "network.onnx")
    assert onnx.load(tmp_path / "network.onnx").graph.output[0].name == "y"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_float64_convolution_is_refused_and_float32_does(name, run):
    network = exported(name, "float64")
    x = inputs(network)
    with pytest.raises(ValueError, match=r"no convolution in float64: write .*dtype=numpy\.float32"):
        run(network, x)
    found = run(network, x.astype(np.float32), dtype=np.float32)
    assert found.dtype == np.float32
    # In float32 both the parameters and the sums are rounded.
    np.testing.assert_allclose(found, probabilities_of(network, x), rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_that_has_diverged_is_refused_and_the_old_file_stays(value, tmp_path):
    network = exported("TwoLayerNet", "float32")
    path = tmp_path / "network.onnx"
    to_onnx(network, path)
    before = path.read_bytes()
    network.params["b2"][1] = value
    with pytest.raises(ValueError, match=r"Affine2\.b holds NaN or infinity"):
        to_onnx(network, path)
    assert path.read_bytes() == before


def test_what_becomes_infinite_in_float32_is_refused(tmp_path):
    network = exported("TwoLayerNet", "float64")
    network.params["W1"][0, 0] = 1e300
    to_onnx(network, tmp_path / "network.onnx")
    with pytest.raises(ValueError, match=r"Affine1\.W holds NaN or infinity"):
        to_onnx(network, tmp_path / "network.onnx", dtype="float32")


def test_other_objects_and_dtypes_are_refused(tmp_path):
    with pytest.raises(TypeError, match="got int"):
        to_onnx(3, tmp_path / "network.onnx")
    with pytest.raises(TypeError, match="dtype must be float64 or float32"):
        to_onnx(TwoLayerNet(2, 3, 2), tmp_path / "network.onnx", dtype="float16")


# --- what onnxruntime and onnx were seen to do, which the files avoid -------------------------------------------------


def operator(name, x, **attributes):
    """What onnxruntime makes of one operator."""
    kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(name, ["x"], ["y"], **attributes)], "one",
        [onnx.helper.make_tensor_value_info("x", kind, [None])],
        [onnx.helper.make_tensor_value_info("y", kind, [None])],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, ir_version=7, opset_imports=[onnx.helper.make_opsetid("", 13)])
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_onnxruntimes_sigmoid_and_elu_are_not_precise():
    """If they are some day, the file can name them."""
    assert operator("Sigmoid", np.array([-20], np.float32)) == 0
    x = np.array([-5e-7], np.float32)
    assert abs(operator("Elu", x) / x - 1) > 0.01


@pytest.mark.parametrize("name", ["Elu", "LeakyRelu"])
def test_onnxruntime_lacks_an_operator_in_float64(name):
    with pytest.raises(Exception, match="NOT_IMPLEMENTED"):
        operator(name, np.zeros(3))


def test_onnx_writes_a_newer_version_than_the_operators_need():
    graph = onnx.helper.make_graph([], "none", [], [])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    assert model.ir_version > 7
