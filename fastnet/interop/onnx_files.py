"""Networks as ONNX files.

Each layer becomes the operators that compute what fastnet computes, to rounding, in `onnxruntime`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import __version__
from fastnet._checks import FLOAT64, FloatArray
from fastnet._extras import library
from fastnet._files import PathLike, replacing
from fastnet._twins.shared.formulas_numpy import SLOPE
from fastnet.interop._layers import in_dtype, layers_of
from fastnet.layers.normalization import EPS
from fastnet.networks.architecture import Layer, Shape
from fastnet.networks.network import network_dtype

# Both: onnx writes its newest IR version, whatever the operators, and an older runtime refuses that.
OPSET, IR_VERSION = 13, 7


class Graph:
    """The operators and constants of a model, in one dtype. The names of values are those of their operators."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.onnx = library("onnx", "onnx", "to_onnx")
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: FloatArray | float) -> str:
        """Add an array or a number, and return its name."""
        array = in_dtype(np.asarray(value), self.dtype, name)
        self.constants[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add an operator, and return the name of its output."""
        name = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def model(self, x_shape: Shape, y_shape: Shape, y_name: str) -> Any:
        """Return the model. The number of samples, N, is free."""
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        x, y = (helper.make_tensor_value_info(*of) for of in (
            ("x", kind, ["N", *x_shape]), (y_name, kind, ["N", *y_shape]),
        ))  # fmt: skip
        model = helper.make_model(
            helper.make_graph(self.nodes, "fastnet", [x], [y], list(self.constants.values())),
            producer_name="fastnet", producer_version=__version__,
            ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)],
        )  # fmt: skip
        self.onnx.checker.check_model(model, full_check=True)
        return model


def to_onnx(network: Any, path: PathLike, *, dtype: npt.DTypeLike | None = None) -> None:
    """Write a network as an ONNX file, which computes probabilities for batches of any size.

    Parameters
    ----------
    network : object
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `LayeredTwoLayerNet`, `SimpleConvNet` or `DeepConvNet`.
    path : str or path
        The name of the file. An existing file is replaced only when the new file is complete.
    dtype : numpy.float64 or numpy.float32, optional
        The dtype of the parameters and of the computation in the file; by default, that of the network.

    Raises
    ------
    TypeError
        If `network` is not such a network, has its own `predict`, or a layer of another library; or `dtype` is neither
        float64 nor float32.
    ValueError
        If a parameter no longer fits or holds NaN or infinity; or if onnxruntime cannot compute the network in this
        dtype: it has no float64 convolution.
    OSError
        If the file cannot be written.
    ImportError
        If ``onnx`` is not installed.

    See Also
    --------
    to_torch : Hand a network over to PyTorch.

    Notes
    -----
    The input is called ``x``: float32 or float64, ``(N, D)``, or images ``(N, C, H, W)``. The output is called
    ``probabilities``, ``(N, C)``: also of the networks whose `predict` returns scores. With the output "identity", it
    is called ``y``, and holds numbers. Dropout and batch normalization compute as outside of training.

    The file needs operator set 13 and IR version 7, which onnxruntime has since 1.6. The sigmoid is written out as
    ``1 / (1 + exp(-x))``, and ELU with ``exp(x) - 1 = 2 t / (1 - t)``, where ``t = tanh(x / 2)``: onnxruntime's own
    are wrong in the first digits where the results are small. Batch normalization is written out too.

    In float32, the probabilities of a network for MNIST differ from `predict` by up to 1e-5 of themselves, because both
    round each of the 784 products of a sum, in another order. A last layer in float64 would not be enough: of the
    hidden layer in float32, 5e-6 remain. A file with ``dtype=numpy.float64`` is right to 1e-14, also for a network that
    was trained in float32.

    "Deep Learning from Scratch" has the networks. The format is that of the ONNX project (2017).

    Examples
    --------
    >>> import tempfile, os
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.interop import to_onnx
    >>> network = TwoLayerNet(4, 5, 3, weight_init_std=1.0, dtype="float32", seed=0)
    >>> x = [[0.5, -1.0, 2.0, 0.0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "network.onnx")
    ...     to_onnx(network, path)
    ...     import onnxruntime
    ...     session = onnxruntime.InferenceSession(path)
    >>> (y,) = session.run(None, {"x": np.array(x, np.float32)})
    >>> bool(np.allclose(y, network.predict(x)))
    True
    """
    layers = layers_of(network)
    wanted = network.dtype if dtype is None else network_dtype(dtype)
    if wanted == FLOAT64 and any(layer.kind == "Convolution" for _, layer, _ in layers):
        raise ValueError(
            "onnxruntime has no convolution in float64: write to_onnx(network, path, dtype=numpy.float32), or train a "
            "network with dtype=numpy.float32"
        )
    graph = Graph(wanted)
    value = "x"
    for name, layer, shape in layers:
        value = OPERATORS[layer.kind](graph, name, layer, shape, value)
    last = layers[-1][1]
    if hasattr(network, "layers"):  # `predict` of these networks returns scores
        value = graph.add("Softmax", value, axis=-1)
    answers = "y" if getattr(network, "output", "") == "identity" else "probabilities"
    graph.nodes[-1].output[0] = answers
    assert last.shape is not None
    model = graph.model(network._sample_shape(), last.shape, answers)
    with replacing(path) as file:
        file.write(model.SerializeToString())


def _affine(graph: Graph, name: str, layer: Layer, shape: Shape, x: str) -> str:
    if len(shape) > 1:
        x = graph.add("Flatten", x)
    parameters = [graph.constant(f"{name}.{which}", array) for which, array in layer.parameters.items()]
    return graph.add("Gemm", x, *parameters, name=name)


def _convolution(graph: Graph, name: str, layer: Layer, _: Shape, x: str) -> str:
    parameters = [graph.constant(f"{name}.{which}", array) for which, array in layer.parameters.items()]
    stride, pad = layer.settings["stride"], layer.settings["pad"]
    return graph.add("Conv", x, *parameters, name=name, strides=[stride] * 2, pads=[pad] * 4)


def _pooling(graph: Graph, name: str, layer: Layer, _: Shape, x: str) -> str:
    sides, stride = [layer.settings["pool_h"], layer.settings["pool_w"]], layer.settings["stride"]
    return graph.add("MaxPool", x, name=name, kernel_shape=sides, strides=[stride] * 2)


def _normalization(graph: Graph, name: str, layer: Layer, _: Shape, x: str) -> str:
    # In fastnet's order. onnxruntime's BatchNormalization multiplies before it subtracts, which costs a digit.
    scale = layer.parameters["gamma"] / np.sqrt(layer.settings["running_var"] + EPS)
    centred = graph.add("Sub", x, graph.constant(f"{name}.mean", layer.settings["running_mean"]))
    scaled = graph.add("Mul", centred, graph.constant(f"{name}.scale", scale))
    return graph.add("Add", scaled, graph.constant(f"{name}.beta", layer.parameters["beta"]), name=name)


def _dropout(graph: Graph, name: str, layer: Layer, _: Shape, x: str) -> str:
    return graph.add("Mul", x, graph.constant(f"{name}.kept", 1 - layer.settings["ratio"]), name=name)


def _sigmoid(graph: Graph, name: str, _layer: Layer, _: Shape, x: str) -> str:
    one = graph.constant("one", 1.0)
    return graph.add("Reciprocal", graph.add("Add", one, graph.add("Exp", graph.add("Neg", x))), name=name)


def _leaky_relu(graph: Graph, name: str, _layer: Layer, _: Shape, x: str) -> str:
    # There is no LeakyRelu in float64.
    return graph.add("Max", x, graph.add("Mul", x, graph.constant("slope", SLOPE)), name=name)


def _elu(graph: Graph, name: str, _layer: Layer, _: Shape, x: str) -> str:
    zero, half = graph.constant("zero", 0.0), graph.constant("half", 0.5)
    one, two = graph.constant("one", 1.0), graph.constant("two", 2.0)
    t = graph.add("Tanh", graph.add("Mul", half, graph.add("Min", x, zero)))
    below = graph.add("Div", graph.add("Mul", two, t), graph.add("Sub", one, t))
    return graph.add("Add", graph.add("Relu", x), below, name=name)


def _plain(operator: str, **attributes: Any) -> Callable[[Graph, str, Layer, Shape, str], str]:
    def add(graph: Graph, name: str, _layer: Layer, _: Shape, x: str) -> str:
        return graph.add(operator, x, name=name, **attributes)

    return add


OPERATORS: dict[str, Callable[[Graph, str, Layer, Shape, str], str]] = {
    "Affine": _affine,
    "Convolution": _convolution,
    "Pooling": _pooling,
    "BatchNormalization": _normalization,
    "Dropout": _dropout,
    "Relu": _plain("Relu"),
    "Sigmoid": _sigmoid,
    "Tanh": _plain("Tanh"),
    "LeakyRelu": _leaky_relu,
    "Elu": _elu,
    "Softmax": _plain("Softmax", axis=-1),
}
