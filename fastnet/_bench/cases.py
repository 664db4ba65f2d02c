"""What is compared: the textbook's code and fastnet's, on every backend, as contenders for `timing`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastnet import functions
from fastnet._bench import plain
from fastnet._bench.timing import TEXTBOOK, Contender, twins
from fastnet.gradient import numerical_gradient
from fastnet.networks import TwoLayerNet
from fastnet.networks.network import Network
from fastnet.optimizer import SGD

SAMPLED = 25  # parameters of the network, to tell from what the textbook's numerical gradient takes



def expression(name: str, *arguments: Any) -> dict[str, Contender]:
    """A function of `plain`, and the one of `fastnet.functions` on every backend."""
    # The book has one name for both forms of targets.
    ours = functions.cross_entropy_error if name.startswith("cross_entropy") else getattr(functions, name)
    textbook = partial(getattr(plain, name), *arguments)
    return {TEXTBOOK: Contender(textbook), **twins(lambda: partial(ours, *arguments))}


def loss_and_gradient(x: Any, labels: Any) -> dict[str, Contender]:
    """`softmax_cross_entropy` of scores, and its gradient by them, in one call."""
    return {
        TEXTBOOK: Contender(partial(plain.softmax_cross_entropy, x, labels), read=named),
        **twins(lambda: partial(functions.softmax_cross_entropy, x, labels, return_grad=True), read=named),
    }


def named(result: Any) -> dict[str, Any]:
    """A loss and its gradient, each to be compared with its like."""
    loss, dx = result
    return {"loss": loss, "dx": dx}


def loop(size: int) -> tuple[dict[str, Contender], Callable[[Any], Any], Any]:
    """`numerical_gradient` of an `f` that costs little, so that the loop around it shows; and `f` and its argument."""
    x = np.linspace(-1, 1, size)

    def f(x: Any) -> Any:
        return x[0] * x[1]

    contenders = {
        TEXTBOOK: Contender(lambda: plain.numerical_gradient(f, x)),
        **twins(lambda: lambda: numerical_gradient(f, x)),
    }
    return contenders, f, x


def training_step(x: Any, t: Any, dtype: str) -> dict[str, Contender]:
    """One step of the network 784-50-10 on images x, t being one-hot. Every contender trains a network of its own."""
    t = t.astype(dtype)

    def network() -> TwoLayerNet:
        return TwoLayerNet(x.shape[1], 50, t.shape[1], seed=0, dtype=dtype)

    def ofplain() -> Callable[[], Any]:
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

    return {TEXTBOOK: Contender(ofplain()), **twins(ours)}


def network_gradient(
    network: Network, x: Any, labels: Any, loss: Callable[..., Any] = plain.loss
) -> dict[str, Contender]:
    """A network's `numerical_gradient`, and the textbook's loop over `SAMPLED` weights of W1.

    The loop evaluates the whole loss twice for every parameter, whichever it is. So a sample tells what all of them
    would take: for MNIST, a quarter of a minute.
    """
    params = network.params
    first, last = params["W1"].size // 3, params["W1"].size - 1
    sample = np.unravel_index(np.linspace(first, last, SAMPLED, dtype=int), params["W1"].shape)

    def ofplain() -> Any:
        gradient = np.empty(SAMPLED)
        for i, index in enumerate(zip(*sample, strict=True)):
            weight = params["W1"][tuple(slice(k, k + 1) for k in index)]  # a view
            gradient[i] = plain.numerical_gradient(lambda _: loss(params, x, labels), weight).item()
        return gradient

    share = SAMPLED / sum(param.size for param in params.values())
    return {
        TEXTBOOK: Contender(ofplain, share=share),
        **twins(lambda: lambda: network.numerical_gradient(x, labels), read=lambda gradient: gradient["W1"][sample]),
    }
