"""What holds for every picture: where it is drawn, what it leaves alone, and how it refuses."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from fastnet import TwoLayerNet, plotting
from fastnet.optimizer import SGD
from fastnet.search import random_search


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


class Wrong:
    """A network that takes every image for the class 1."""

    def predict(self, x):
        return np.tile([0.25, 0.75], (len(x), 1))


PAPER = np.full((60, 60), 255, np.uint8)
PAPER[10:50, 25:31] = 0
PICTURES = {
    "plot_accuracy": ([0, 1], [0.1, 0.9], [0.1, 0.8]),
    "plot_activation_histograms": ({"z1": np.linspace(0, 1, 50), "z2": np.zeros(5)},),
    "plot_activations": (["sigmoid", "relu"],),
    "plot_boxes": (PAPER,),
    "plot_confusion_matrix": ([0, 1, 1], [0, 1, 0]),
    "plot_gradient_field": (bowl, [[2.0, 1.0], [1.0, 0.5]]),
    "plot_graph": (TwoLayerNet(2, 2, 2, seed=0), [1.0, -1.0], 0),
    "plot_history": ([2.3, 1.0], [0.1], [0.2], [0]),
    "plot_learning_rates": (lambda x: x[0] ** 2, {"small": 0.1, "large": 1.1}, -3.0),
    "plot_loss": ([2.3, 1.0],),
    "plot_misclassified": (Wrong(), np.eye(4), [0, 0, 1, 1]),
    "plot_optimizer_paths": (bowl, [SGD(lr=0.1)], [2.0, 1.0]),
    "plot_predictions": (np.eye(4), [0, 1, 0, 1], [0, 1, 1, 1]),
    "plot_search": (random_search(lambda lr: ([0.1, lr], [0.2, lr]), 3, {"lr": (0.1, 1.0)}, seed=0),),
    "plot_steps": (PAPER,),
    "plot_weights": (TwoLayerNet(4, 3, 2, seed=0),),
}
every_picture = pytest.mark.parametrize("name", PICTURES)


def test_every_picture_is_tried_here():
    assert set(PICTURES) == {name for name in plotting.__all__ if name.startswith("plot_")}


@every_picture
def test_a_picture_is_drawn_into_ax_which_it_returns(drawn, name):
    assert getattr(plotting, name)(*PICTURES[name], ax=drawn) is drawn
    assert drawn.has_data() or drawn.texts or drawn.child_axes


@every_picture
def test_a_picture_fits_into_a_subfigure_too(draw, name):
    figure = Figure(layout="constrained")
    subfigure = figure.subfigures(1, 2)[1]
    mine = subfigure.subplots()
    assert getattr(plotting, name)(*PICTURES[name], ax=mine) is mine
    draw(figure)


@every_picture
def test_without_ax_a_new_figure_of_pyplot_is_made(plt, draw, name):
    _, older = plt.subplots()
    ax = getattr(plotting, name)(*PICTURES[name])
    assert ax.figure is plt.gcf()
    assert len(plt.get_fignums()) == 2
    assert not older.has_data()
    draw(ax.figure)


@every_picture
def test_with_ax_the_current_figure_of_pyplot_stays_as_it_is(plt, name):
    mine = plt.subplots()[1]
    current, untouched = plt.subplots()
    getattr(plotting, name)(*PICTURES[name], ax=mine)
    assert plt.gcf() is current
    assert plt.gca() is untouched
    assert not untouched.has_data()
    assert len(plt.get_fignums()) == 2


@every_picture
def test_no_setting_of_matplotlib_or_numpy_is_changed(ax, name):
    settings, numpy_settings, state = dict(mpl.rcParams), np.geterr(), np.random.get_state()[1].tolist()
    getattr(plotting, name)(*PICTURES[name], ax=ax)
    assert dict(mpl.rcParams) == settings
    assert np.geterr() == numpy_settings
    assert np.random.get_state()[1].tolist() == state


@every_picture
def test_the_title_can_be_given(drawn, name):
    getattr(plotting, name)(*PICTURES[name], ax=drawn)
    assert drawn.get_title()
    getattr(plotting, name)(*PICTURES[name], title="mine", ax=drawn)
    assert drawn.get_title() == "mine"


@every_picture
def test_a_title_that_is_no_string_is_refused_by_name(ax, name):
    with pytest.raises(TypeError, match="title must be a string, got 5"):
        getattr(plotting, name)(*PICTURES[name], title=5, ax=ax)


@every_picture
def test_what_is_not_one_axes_is_refused_by_name(name):
    with pytest.raises(TypeError, match=r"ax must be one matplotlib Axes, got ndarray"):
        getattr(plotting, name)(*PICTURES[name], ax=np.array([None, None]))


@every_picture
def test_axes_have_labels_or_no_axis_at_all(drawn, name):
    getattr(plotting, name)(*PICTURES[name], ax=drawn)
    assert not drawn.axison or (drawn.get_xlabel() and drawn.get_ylabel())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plot_loss", ([],)),
        ("plot_history", ("no",)),
        ("plot_accuracy", ([0], [1, 2], [1])),
        ("plot_weights", (np.zeros((3, 4)),)),
        ("plot_predictions", (np.eye(4), [0], [0])),
        ("plot_misclassified", (Wrong(), np.eye(4), [0, 0])),
        ("plot_confusion_matrix", ([], [])),
        ("plot_activations", ("no such function",)),
        ("plot_activation_histograms", ({},)),
        ("plot_gradient_field", (lambda _: "no",)),
        ("plot_gradient_field", (lambda _: np.nan,)),
        ("plot_optimizer_paths", (bowl, [], [0, 0])),
        ("plot_optimizer_paths", (bowl, [SGD()], [0, 0, 0])),
    ],
)
def test_what_is_refused_leaves_no_figure_and_no_trace_in_ax(plt, name, arguments):
    with pytest.raises((TypeError, ValueError)):
        getattr(plotting, name)(*arguments)
    assert plt.get_fignums() == []
    ax = Figure().subplots()
    with pytest.raises((TypeError, ValueError)):
        getattr(plotting, name)(*arguments, ax=ax)
    assert not ax.has_data()
    assert not ax.get_title()


def test_importing_fastnet_imports_no_matplotlib():
    code = "import sys, fastnet, fastnet.plotting; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
