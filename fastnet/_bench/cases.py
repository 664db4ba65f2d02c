"""The comparisons: each function pairs the textbook's code (`plain.py`) with fastnet's on every backend.

They return contenders, which `timing.py` times.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np

from fastnet import functions, layers
from fastnet._bench import plain, plain_layers
from fastnet._bench.timing import TEXTBOOK, Contender, twins
from fastnet.gradient import numerical_gradient
from fastnet.networks import TwoLayerNet
from fastnet.networks.layered import LayeredNetwork
from fastnet.optimizer import SGD, Adam

SAMPLED = 25  # parameters on which the textbook's numerical gradient is timed, instead of all


def expression(name: str, *arguments: Any) -> dict[str, Contender]:
    """Compare a function of `plain` with the same function of `fastnet.functions`."""
    # `plain` has one function for labels and one for one-hot targets; the book and fastnet have one for both.
    ours = functions.cross_entropy_error if name.startswith("cross_entropy") else getattr(functions, name)
    textbook = partial(getattr(plain, name), *arguments)
    return {TEXTBOOK: Contender(textbook), **twins(lambda: partial(ours, *arguments))}


def loss_and_gradient(x: Any, labels: Any) -> dict[str, Contender]:
    """Compare `softmax_cross_entropy` and its gradient with respect to the scores, computed in one call."""
    return {
        TEXTBOOK: Contender(partial(plain.softmax_cross_entropy, x, labels), read=named),
        **twins(lambda: partial(functions.softmax_cross_entropy, x, labels, return_grad=True), read=named),
    }


def named(result: Any) -> dict[str, Any]:
    """Return a loss and its gradient as a dict, so that `timing.check` compares each with its counterpart."""
    loss, dx = result
    return {"loss": loss, "dx": dx}


def loop(size: int) -> tuple[dict[str, Contender], Callable[[Any], Any], Any]:
    """Compare `numerical_gradient` for a cheap `f`, so that the loop dominates. Also return `f` and its argument."""
    x = np.linspace(-1, 1, size)

    def f(x: Any) -> Any:
        return x[0] * x[1]

    contenders = {
        TEXTBOOK: Contender(lambda: plain.numerical_gradient(f, x)),
        **twins(lambda: lambda: numerical_gradient(f, x)),
    }
    return contenders, f, x


def training_step(x: Any, t: Any, dtype: str) -> dict[str, Contender]:
    """Compare one training step of the network 784-50-10. t is one-hot. Every contender trains its own network."""
    t = t.astype(dtype)

    def network() -> TwoLayerNet:
        return TwoLayerNet(x.shape[1], 50, t.shape[1], seed=0, dtype=dtype)

    def of_textbook() -> Callable[[], Any]:
        params = network().params

        def step() -> Any:
            plain.training_step(params, x, t)
            return params

        return step

    def ours() -> Callable[[], Any]:
        trained, sgd = network(), SGD(lr=0.1)

        def step() -> Any:
            sgd.update(trained.params, trained.gradient(x, t))
            return trained.params

        return step

    return {TEXTBOOK: Contender(of_textbook()), **twins(ours)}


def layers_of_simple_conv_net(module: Any, dtype: Any) -> list[Any]:
    """Return the layers of the book's `SimpleConvNet` for MNIST, from fastnet or from the textbook."""
    normal = np.random.RandomState(0).standard_normal

    def parameters(*shape: int, outputs: int) -> tuple[Any, Any]:
        return (0.01 * normal(shape)).astype(dtype), np.zeros(outputs, dtype)

    return [
        module.Convolution(*parameters(30, 1, 5, 5, outputs=30)), module.Relu(), module.Pooling(2, 2, 2),
        module.Affine(*parameters(4320, 100, outputs=100)), module.Relu(),
        module.Affine(*parameters(100, 10, outputs=10)),
    ]


def layers_of_deep_conv_net(module: Any, dtype: Any) -> list[Any]:
    """Return the layers of the book's `DeepConvNet`, without its dropout, whose random numbers take the same time."""
    normal = np.random.RandomState(0).standard_normal

    def parameters(*shape: int, inputs: int, outputs: int) -> tuple[Any, Any]:
        return ((2 / inputs) ** 0.5 * normal(shape)).astype(dtype), np.zeros(outputs, dtype)

    def convolutions(C: int, FN: int, pad: int) -> list[Any]:
        first, second = (parameters(FN, each, 3, 3, inputs=each * 9, outputs=FN) for each in (C, FN))
        return [
            module.Convolution(*first, 1, 1), module.Relu(),
            module.Convolution(*second, 1, pad), module.Relu(), module.Pooling(2, 2, 2),
        ]

    return [
        *convolutions(1, 16, 1), *convolutions(16, 32, 2), *convolutions(32, 64, 1),
        module.Affine(*parameters(1024, 50, inputs=1024, outputs=50)), module.Relu(),
        module.Affine(*parameters(50, 10, inputs=50, outputs=10)),
    ]


def layers_of_two_layer_net(module: Any, dtype: Any) -> list[Any]:
    """Return the layers of the two-layer network of the book's chapter 5."""
    return _dense_layers(module, dtype, [784, 50, 10], batch_norm=False)


def layers_of_batch_norm_net(module: Any, dtype: Any) -> list[Any]:
    """Return the layers of the network with batch normalization of the book's chapter 6."""
    return _dense_layers(module, dtype, [784, 100, 100, 100, 100, 100, 10], batch_norm=True)


def layers_of_multi_layer_net(module: Any, dtype: Any) -> list[Any]:
    """Return the layers of the network that the book's chapter 6 compares with it."""
    return _dense_layers(module, dtype, [784, 100, 100, 100, 100, 100, 10], batch_norm=False)


def _dense_layers(module: Any, dtype: Any, sizes: list[int], *, batch_norm: bool) -> list[Any]:
    normal = np.random.RandomState(0).standard_normal
    stack: list[Any] = []
    for inputs, units in pairwise(sizes):
        W = ((2 / inputs) ** 0.5 * normal((inputs, units))).astype(dtype)
        stack.append(module.Affine(W, np.zeros(units, dtype)))
        if units != sizes[-1]:
            if batch_norm:
                stack.append(module.BatchNormalization(np.ones(units, dtype), np.zeros(units, dtype)))
            stack.append(module.Relu())
    return stack


def backpropagation(
    layers_of: Callable[[Any, Any], list[Any]], x: Any, labels: Any, dtype: Any = None
) -> dict[str, Contender]:
    """Compare `forward` and `backward` of all layers, as in the `gradient` of the book's networks.

    The parameters have this dtype, by default that of x.
    """

    def gradient(module: Any) -> Callable[[], dict[str, Any]]:
        network, last = layers_of(module, dtype or x.dtype), module.SoftmaxWithLoss()

        def step() -> dict[str, Any]:
            out = x
            for layer in network:
                out = layer.forward(out)
            last.forward(out, labels)
            dout = last.backward()
            for layer in reversed(network):
                dout = layer.backward(dout)
            return {f"dW{i}": layer.dW for i, layer in enumerate(network) if hasattr(layer, "dW")}

        return step

    return {TEXTBOOK: Contender(gradient(plain_layers)), **twins(lambda: gradient(layers))}


def plain_twins(network: LayeredNetwork) -> list[Any]:
    """Return the textbook's layers with the parameters of a network."""

    def twin(layer: Any) -> Any:
        kind = getattr(plain_layers, type(layer).__name__)
        arguments = ("W", "b", "stride", "pad", "pool_h", "pool_w", "dropout_ratio")
        return kind(**{name: getattr(layer, name) for name in arguments if hasattr(layer, name)})

    return [twin(layer) for _, layer in network._in_order()]


def convolutional_step(kind: type[LayeredNetwork], x: Any, labels: Any) -> dict[str, Contender]:
    """Compare one training step with Adam. Every contender trains its own network, and drops the same units."""

    def of_textbook() -> Callable[[], Any]:
        network = kind(dtype=x.dtype, seed=0)  # type: ignore[call-arg]
        params, stack, last = network.params, plain_twins(network), plain_layers.SoftmaxWithLoss()
        holders = [layer for layer in stack if hasattr(layer, "W")]
        m, v = ({name: np.zeros_like(param) for name, param in params.items()} for _ in range(2))
        updates = count(1)

        def step() -> Any:
            np.random.seed(0)
            out = x
            for layer in stack:
                out = layer.forward(out)
            loss, dout = last.forward(out, labels), last.backward()
            for layer in reversed(stack):
                dout = layer.backward(dout)
            grads = {}
            for i, layer in enumerate(holders, start=1):
                grads[f"W{i}"], grads[f"b{i}"] = layer.dW, layer.db
            plain.adam(params, grads, m, v, next(updates))
            return loss

        return step

    def ours() -> Callable[[], Any]:
        network, adam = kind(dtype=x.dtype, seed=0), Adam()  # type: ignore[call-arg]

        def step() -> Any:
            np.random.seed(0)
            adam.update(network.params, network.gradient(x, labels))
            return getattr(network, network._last).loss

        return step

    step = of_textbook()
    found = {TEXTBOOK: Contender(step, read=partial(five_losses, step))}
    for name, contender in twins(ours).items():
        found[name] = replace(contender, read=partial(five_losses, contender.call))
    return found


def five_losses(step: Callable[[], Any], loss: Any) -> list[float]:
    """Return the loss of a training step and of the next four: Adam's steps hide small errors of a gradient in one."""
    return [loss, *(step() for _ in range(4))]


def prediction(network: LayeredNetwork, x: Any) -> dict[str, Contender]:
    """Compare the scores of all images, which are predicted 100 at a time, as in the book's `accuracy`."""
    batches, stack = np.split(x, len(x) // 100), plain_twins(network)

    def of_textbook() -> Any:
        scores = []
        for batch in batches:
            out = batch
            for layer in stack:
                out = layer.forward(out)
            scores.append(out)
        return np.concatenate(scores)

    return {
        TEXTBOOK: Contender(of_textbook),
        **twins(lambda: lambda: np.concatenate([network.predict(batch) for batch in batches])),
    }


def network_gradient(
    network: Any, x: Any, labels: Any, loss: Callable[..., Any] = plain.loss
) -> dict[str, Contender]:
    """Compare a network's `numerical_gradient` with the textbook's loop, timed on `SAMPLED` weights of W1.

    The loop evaluates the whole loss twice for every parameter. So the time for a sample gives the time for all: for
    MNIST, a quarter of a minute.
    """
    params = network.params
    first, last = params["W1"].size // 3, params["W1"].size - 1
    sample = np.unravel_index(np.linspace(first, last, SAMPLED, dtype=int), params["W1"].shape)

    def of_textbook() -> Any:
        gradient = np.empty(SAMPLED)
        for i, index in enumerate(zip(*sample, strict=True)):
            weight = params["W1"][tuple(slice(k, k + 1) for k in index)]  # a view
            gradient[i] = plain.numerical_gradient(lambda _: loss(params, x, labels), weight).item()
        return gradient

    share = SAMPLED / sum(param.size for param in params.values())
    return {
        TEXTBOOK: Contender(of_textbook, share=share),
        **twins(lambda: lambda: network.numerical_gradient(x, labels), read=lambda gradient: gradient["W1"][sample]),
    }


def textbook_loss(network: Any) -> Callable[..., Any]:
    """Return the loss of a network of layers, without dropout, by the textbook's layers, which hold the same arrays."""
    made: list[Any] = []
    for layer in network.layers.values():
        kind: Any = getattr(plain_layers, type(layer).__name__)
        if kind is plain_layers.Convolution:
            made.append(kind(layer.W, layer.b, layer.stride, layer.pad))
        elif kind is plain_layers.Affine:
            made.append(kind(layer.W, layer.b))
        elif kind is plain_layers.BatchNormalization:
            made.append(kind(layer.gamma, layer.beta))
        elif kind is plain_layers.Pooling:
            made.append(kind(layer.pool_h, layer.pool_w, layer.stride, layer.pad))
        else:
            made.append(kind())
    last = plain_layers.SoftmaxWithLoss()

    def loss(_: Any, x: Any, labels: Any) -> Any:
        for layer in made:
            x = layer.forward(x)
        return last.forward(x, labels)

    return loss
