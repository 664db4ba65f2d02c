"""Both twins against an independent judge, on what hypothesis draws. `python tests/differential` does this for longer.

The draws are the same in every run, and no example is stored.
"""

import inspect
from pathlib import Path

import effort
import mpmath
import public
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from properties import AGREEMENTS, PROPERTIES
from ulp import BITS

EXAMPLES, EXAMPLES_IN_FULL = 25, 250

# What is public, gives an answer, and is tried elsewhere, with a right answer that is known otherwise.
OF_LAYERS = ("DeepConvNet", "LayeredTwoLayerNet", "MultiLayerNetExtend", "SimpleConvNet")
OF_LAYERED_NETWORKS = {
    "predict": "networks/test_layered.py::test_scores_loss_and_gradient_are_the_books",
    "loss": "networks/test_layered.py::test_scores_loss_and_gradient_are_the_books",
    "accuracy": "networks/test_layered.py::test_accuracy_counts_all_samples_in_test_mode",
    "gradient": "networks/test_layered.py::test_scores_loss_and_gradient_are_the_books",
    "numerical_gradient": "networks/test_layered.py::test_backpropagation_agrees_with_differences_of_the_loss",
    "save": "networks/test_layered.py::test_a_saved_network_is_loaded_as_it_was",
    "load": "networks/test_layered.py::test_a_saved_network_is_loaded_as_it_was",
}
ELSEWHERE = {
    "gradient.jacobian": "test_jacobian.py::test_each_value_is_the_books_difference_bit_for_bit",
    "gradient.numerical_gradient_2d": "test_jacobian.py::test_the_gradient_at_many_points_is_that_at_each_bit_for_bit",
    "gradient.gradient_check": "test_gradient_check.py::test_an_error_of_one_percent_in_one_element_is_found",
    "TwoLayerNet.save": "networks/test_two_layer_net.py::test_a_saved_network_is_loaded_bit_for_bit",
    "TwoLayerNet.load": "networks/test_two_layer_net.py::test_a_saved_network_is_loaded_bit_for_bit",
    "MultiLayerNet.save": "networks/test_multi_layer_net.py::test_a_saved_network_is_loaded_as_it_was",
    **{
        f"{network}.{method}": "networks/test_convolutional.py::test_saved_parameters_are_loaded_bit_for_bit"
        for network in ("DeepConvNet", "SimpleConvNet")
        for method in ("save_params", "load_params")
    },
    "MultiLayerNet.loss_and_gradient": "networks/test_multi_layer_net.py::test_both_at_once_are_what_each_gives_alone",
    "MultiLayerNet.load": "networks/test_multi_layer_net.py::test_a_saved_network_is_loaded_as_it_was",
} | {f"{network}.{method}": test for network in OF_LAYERS for method, test in OF_LAYERED_NETWORKS.items()}
COMPUTING = ("functions", "gradient", "information", "optimizer", "perceptron", "Perceptron")


@pytest.mark.parametrize("names", PROPERTIES | AGREEMENTS, ids=lambda names: names.split()[0])
def test_both_twins_are_right_or_raise_the_same_error(names):
    @settings(
        max_examples=EXAMPLES_IN_FULL if effort.FULL else EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(st.data())
    def holds(data):
        with mpmath.workprec(BITS):
            (PROPERTIES | AGREEMENTS)[names](data.draw)

    holds()


def test_every_public_function_that_computes_is_judged():
    judged = [name for names in PROPERTIES for name in names.split()]
    assert len(judged) == len(set(judged))
    found = {**public.functions_and_classes(), **public.methods()}
    computing = {
        name
        for name, value in found.items()
        if name.split(".")[0].endswith((*COMPUTING, "Net", "NetExtend")) and not inspect.isclass(value.value)
    }
    assert computing == {*judged, *ELSEWHERE}


@pytest.mark.parametrize("where", sorted(set(ELSEWHERE.values())))
def test_what_is_judged_elsewhere_is_there(where):
    path, name = where.split("::")
    assert f"def {name}(" in (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
