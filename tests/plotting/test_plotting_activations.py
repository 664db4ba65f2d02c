"""The pictures of activation functions, and of what they leave of the signal layer by layer."""

import numpy as np
import pytest

from fastnet import MultiLayerNet, TwoLayerNet, functions, plotting


def curves(ax):
    return {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in ax.lines}


# --- functions -------------------------------------------------------------------------------------------------------


def test_plot_activations_draws_fastnets_values_and_gradients(drawn):
    plotting.plot_activations(["sigmoid", functions.relu, "tanh", "leaky_relu", "elu"], ax=drawn)
    lines = curves(drawn)
    assert list(lines)[:4] == ["sigmoid", "gradient of sigmoid", "relu", "gradient of relu"]
    x = lines["sigmoid"][0]
    assert (x[0], x[-1]) == (-5, 5)
    for name in ("sigmoid", "relu", "tanh", "leaky_relu", "elu"):
        assert np.array_equal(lines[name][1], getattr(functions, name)(x))
        assert np.array_equal(lines[f"gradient of {name}"][1], getattr(functions, f"{name}_grad")(x))
    assert {text.get_text() for text in drawn.get_legend().get_texts()} == set(lines)


def test_a_function_and_its_gradient_share_a_colour_and_two_functions_differ_without_colours(drawn):
    plotting.plot_activations({str(slope): lambda x, slope=slope: slope * x for slope in range(10)}, ax=drawn)
    values, gradients = drawn.lines[::2], drawn.lines[1::2]
    for value, gradient in zip(values, gradients, strict=True):
        assert value.get_color() == gradient.get_color()
        assert value.get_linestyle() != gradient.get_linestyle()
    assert len({(line.get_color(), line.get_marker()) for line in values}) == 10
    assert len({line.get_marker() for line in values[:7]}) == 7


def test_where_there_is_no_gradient_it_is_taken_numerically(drawn):
    plotting.plot_activations({"square": np.square, "step": "step_function"}, xlim=(-2, 3), ax=drawn)
    lines = curves(drawn)
    x, gradient = lines["gradient of square"]
    assert (x[0], x[-1]) == (-2, 3)
    # Central differences have no error of their own for a square; 9 / h is rounded at 1e-16 of 9, so 1e-11 remains.
    np.testing.assert_allclose(gradient, 2 * x, atol=1e-10)
    x, gradient = lines["gradient of step"]
    assert np.abs(x).min() > 1e-4  # no point is so near to the jump that a difference would reach across it
    assert not gradient.any()


def test_another_function_of_the_name_of_fastnets_is_not_given_its_gradient(drawn):
    def relu(x):
        return 3 * x

    plotting.plot_activations(relu, ax=drawn)
    np.testing.assert_allclose(curves(drawn)["gradient of relu"][1], 3, rtol=1e-9)


def test_functions_that_overflow_are_drawn_without_a_warning(drawn):
    plotting.plot_activations({"exp": np.exp}, xlim=(-800, 800), ax=drawn)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("swish", ValueError, "fastnet.functions has no 'swish'"),
        ("np", ValueError, "fastnet.functions has no 'np'"),
        ([], ValueError, "functions is empty"),
        ({}, ValueError, "functions is empty"),
        (5, TypeError, "functions must be a sequence or a dict by name, got int"),
        ([5], TypeError, "functions must hold functions, or names of fastnet.functions; got 5"),
        (["relu", functions.relu], ValueError, "functions has a name more than once.*relu"),
        ({"sum": np.sum}, ValueError, r"sum must return a value for each of 1002, got shape \(\)"),
        ("softmax", ValueError, "softmax must work element by element: its value at 5 depends on the others"),
        ({"complex": lambda x: x + 1j}, TypeError, r"complex\(x\) must hold real numbers"),
    ],
)
def test_plot_activations_names_what_does_not_fit(ax, given, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_activations(given, ax=ax)


@pytest.mark.parametrize("xlim", [(1, 1), (2, 1), (0, np.inf), 3, (1, 2, 3)])
def test_limits_are_two_numbers_in_their_order(ax, xlim):
    with pytest.raises(ValueError, match="xlim must be two"):
        plotting.plot_activations("relu", xlim=xlim, ax=ax)


# --- histograms ------------------------------------------------------------------------------------------------------


def histograms(ax):
    """Of each layer, where it stands, the lengths of the bars relative to the longest, and the edges between them."""
    found = []
    for stairs in ax.patches:
        values, edges, baseline = stairs.get_data()
        lengths = values - baseline
        found.append((float(np.min(baseline)), lengths / lengths.max(), edges))
    return found


def test_plot_activation_histograms_draws_every_layer_on_one_scale(drawn):
    layers = {"first": np.array([[0.05, 0.95], [0.96, 0.97]]), "second": np.repeat([0.0, 0.45, 1.0], [1, 4, 2])}
    plotting.plot_activation_histograms(layers, bins=10, ax=drawn)
    (place0, first, edges0), (place1, second, edges1) = histograms(drawn)
    np.testing.assert_allclose(edges0, np.linspace(0, 1, 11))
    assert np.array_equal(edges0, edges1)
    np.testing.assert_allclose(first, np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 3]) / 3)
    np.testing.assert_allclose(second, np.array([1, 0, 0, 0, 4, 0, 0, 0, 0, 2]) / 4)
    assert (place0, place1) == (0, 1)
    labels = [label.get_text() for label in drawn.get_xticklabels()]
    assert labels == ["first\nmean 0.73\nstd 0.39", "second\nmean 0.54\nstd 0.33"]
    assert drawn.get_ylabel() == "value"


def test_of_a_trace_the_activations_are_drawn(drawn):
    trace = TwoLayerNet(4, 3, 2, seed=0).trace(np.eye(4), [0, 1, 0, 1])
    plotting.plot_activation_histograms(trace, ax=drawn)
    assert [label.get_text().split("\n")[0] for label in drawn.get_xticklabels()] == ["z1"]

    trace = MultiLayerNet(4, [3, 3], 2, seed=0).trace(np.eye(4))
    plotting.plot_activation_histograms(trace, ax=drawn)
    assert [label.get_text().split("\n")[0] for label in drawn.get_xticklabels()] == ["z1", "z2"]


def test_of_any_other_dict_every_layer_is_drawn(drawn):
    plotting.plot_activation_histograms({"z1": [1.0], "input": [0.5], 3: [2]}, ax=drawn)
    assert [label.get_text().split("\n")[0] for label in drawn.get_xticklabels()] == ["z1", "input", "3"]


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 1e-300, 1e300])
def test_values_that_are_the_same_but_for_rounding_stand_in_one_bar(drawn, value):
    plotting.plot_activation_histograms({"z1": np.array([value, value * (1 + 2e-16), value])}, bins=5, ax=drawn)
    ((_, lengths, edges),) = histograms(drawn)
    assert sorted(lengths) == [0, 0, 0, 0, 1]
    assert edges[0] < value < edges[-1]


def test_values_that_are_not_finite_are_left_out_and_counted(drawn):
    plotting.plot_activation_histograms({"z1": [1.0, 2.0, np.nan, np.inf]}, bins=2, ax=drawn)
    assert histograms(drawn)[0][1].tolist() == [1, 1]
    assert drawn.get_xticklabels()[0].get_text() == "z1\nmean 1.50\nstd 0.50\n2 not finite"


@pytest.mark.parametrize(
    ("layers", "bins", "error", "message"),
    [
        ({}, 30, ValueError, "layers is empty"),
        ([[0.5]], 30, TypeError, "layers must be a dict of arrays by layer, got list"),
        ({"z1": [np.nan]}, 30, ValueError, r"layers\['z1'\] has no finite value"),
        ({"z1": []}, 30, ValueError, r"layers\['z1'\] has no finite value"),
        ({"z1": ["a"]}, 30, TypeError, r"layers\['z1'\] must hold real numbers"),
        ({"z1": [0.5]}, 0, ValueError, "bins must be at least 1"),
        ({"z1": [0.5]}, "auto", TypeError, "bins must be an integer"),
    ],
)
def test_plot_activation_histograms_names_what_does_not_fit(ax, layers, bins, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_activation_histograms(layers, bins=bins, ax=ax)


def test_many_zeros_are_no_bar_but_a_number(drawn):
    plotting.plot_activation_histograms({"z1": np.r_[np.zeros(50), np.linspace(1, 2, 50)]}, ax=drawn)
    assert "50% are 0" in drawn.get_xticklabels()[0].get_text()
    (bars,) = (patch for patch in drawn.patches)
    assert bars.get_data().values[0] == 0  # the lowest bin, where the zeros would be
