"""The computational graph: its nodes, and the values on its arrows."""

import numpy as np
import pytest

from fastnet import MultiLayerNet, SimpleConvNet, TwoLayerNet
from fastnet.plotting import plot_graph


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_the_nodes_are_those_of_the_network(drawn):
    plot_graph(TwoLayerNet(2, 2, 2, seed=0), [1.0, -1.0], 0, ax=drawn)
    nodes = [text for text in texts(drawn) if not text[0].isdigit() and text[0] not in "- "]
    assert nodes == ["x", "dot", "W1", "+", "b1", "sigmoid", "dot", "W2", "+", "b2", "softmax,\ncross-entropy", "L"]


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_the_numbers_are_those_of_the_network(drawn, output):
    network = MultiLayerNet(2, [2], 2, output=output, seed=0)
    x, t = [1.0, -0.5], 0 if output == "softmax" else [0.0, 1.0]
    plot_graph(network, x, t, ax=drawn)
    shown = " ".join(texts(drawn)).split()
    gradient = network.gradient(x, t)
    for array in (*network.params.values(), *gradient.values(), network.trace(x)["z1"]):
        assert {f"{number + 0.0:.2g}" for number in array.ravel()} <= set(shown)
    assert f"{network.loss(x, t):.3g}" in shown


def test_large_arrays_are_shown_by_their_shape(drawn):
    plot_graph(TwoLayerNet(20, 10, 3, seed=0), np.ones((4, 20)), [0, 1, 2, 0], ax=drawn)
    assert "20 x 10" in texts(drawn)
    assert "4 x 20" in texts(drawn)


def test_a_network_without_trace_is_refused():
    with pytest.raises(TypeError, match=r"network must have trace\(x, t\), .* got SimpleConvNet"):
        plot_graph(SimpleConvNet(seed=0), np.zeros((1, 1, 28, 28)), [0])


def test_targets_are_asked_for(drawn):
    with pytest.raises(TypeError, match="t must be the targets, got None"):
        plot_graph(TwoLayerNet(2, 2, 2), [1.0, -1.0], None, ax=drawn)


def test_weight_decay_stands_in_the_node_of_the_loss(drawn):
    network = MultiLayerNet(2, [2], 2, weight_decay_lambda=0.5)
    assert "softmax,\ncross-entropy,\nweight decay" in texts(plot_graph(network, [1.0, -1.0], 0, ax=drawn))
