"""What networks, layers, trainers, gradient checks and benchmarks show: in one line, and as HTML in a notebook."""

import inspect
import re
import subprocess
import sys
import textwrap
from collections import OrderedDict
from html.parser import HTMLParser

import numpy as np
import pytest
from public import functions_and_classes

import fastnet
from fastnet import (
    DeepConvNet,
    LayeredTwoLayerNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    SimpleConvNet,
    SimpleNet,
    Trainer,
    TwoLayerNet,
    layers,
)
from fastnet.data import load
from fastnet.gradient import gradient_check
from fastnet.images import find_digits
from fastnet.search import SearchResult, Trial
from fastnet.textbook import layers as served

NETWORKS = {
    "SimpleNet": (lambda: SimpleNet(2, 3), "<SimpleNet 2-3, 6 parameters, float64>"),
    "TwoLayerNet": (
        lambda: TwoLayerNet(784, 50, 10),
        "<TwoLayerNet 784-50-10 (Sigmoid, Softmax), 39,760 parameters, float64>",
    ),
    "MultiLayerNet": (
        lambda: MultiLayerNet(784, [100, 100], 1, "elu", output="sigmoid", dtype=np.float32),
        "<MultiLayerNet 784-100-100-1 (Elu, Sigmoid), 88,701 parameters, float32>",
    ),
    "a linear one": (
        lambda: MultiLayerNet(5, [], 2, output="identity"), "<MultiLayerNet 5-2, 12 parameters, float64>",
    ),
    "MultiLayerNetExtend": (
        lambda: MultiLayerNetExtend(4, [3], 2, use_dropout=True, use_batchnorm=True),
        "<MultiLayerNetExtend 4-3-2 (BatchNormalization, Relu, Dropout), 29 parameters, float64>",
    ),
    "LayeredTwoLayerNet": (
        lambda: LayeredTwoLayerNet(4, 3, 2), "<LayeredTwoLayerNet 4-3-2 (Relu), 23 parameters, float64>",
    ),
    "SimpleConvNet": (
        lambda: SimpleConvNet((1, 8, 8), hidden_size=5),
        "<SimpleConvNet 1x8x8-30x4x4-5-10 (Relu, Pooling), 1,445 parameters, float64>",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "text"), NETWORKS.values(), ids=NETWORKS)
def test_a_network_says_its_class_its_sizes_and_its_dtype(make, text):
    assert repr(make()) == text


LAYERS = {
    "Relu()": layers.Relu(),
    "Sigmoid()": layers.Sigmoid(),
    "SoftmaxWithLoss()": layers.SoftmaxWithLoss(),
    "AddLayer()": layers.AddLayer(),
    "MulLayer()": layers.MulLayer(),
    "Dropout(dropout_ratio=0.25)": layers.Dropout(0.25),
    "Affine(W (4, 3), b (3,))": layers.Affine(np.ones((4, 3)), np.zeros(3)),
    "Affine(W=None, b=0)": layers.Affine(None, 0),
    "Convolution(W (5, 1, 3, 3), b (5,), stride=2, pad=1)": layers.Convolution(
        np.ones((5, 1, 3, 3)), np.zeros(5), 2, 1
    ),
    "Pooling(pool_h=2, pool_w=3, stride=2, pad=0)": layers.Pooling(2, 3),
    "BatchNormalization(gamma (3,), beta (3,), momentum=0.9)": layers.BatchNormalization(np.ones(3), np.zeros(3)),
}


@pytest.mark.parametrize(("text", "layer"), LAYERS.items(), ids=LAYERS)
def test_a_layer_says_its_shapes(text, layer):
    assert repr(layer) == text


@pytest.mark.parametrize("name", ["Affine", "Relu", "Convolution", "BatchNormalization", "SoftmaxWithLoss"])
def test_a_layer_in_place_of_the_readers_shows_what_the_readers_shows(name):
    assert getattr(served, name).__repr__ is object.__repr__


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (Trial(3, {"lr": 0.001234567, "decay": 1e-8}, 1, [0.1] * 99 + [0.7], [0.2] * 100),
         "<Trial 3: lr=0.001235, decay=1e-08, accuracy 0.7000>"),
        (Trial(0, {"lr": 0.1}, 1, [], []), "<Trial 0: lr=0.1, no accuracy>"),
        (SearchResult([Trial(0, {}, 1, [0.5], [0.6])] * 3), "<SearchResult of 3 trials, best accuracy 0.5000>"),
        (Trial(1, {"activation": "relu", "sizes": [9]}, 1, [], []),
         "<Trial 1: activation='relu', sizes=[9], no accuracy>"),
        (SearchResult([]), "<SearchResult of 0 trials>"),
        (SearchResult([Trial(0, {}, 1, [], [])]), "<SearchResult of 1 trials>"),
    ],
)  # fmt: skip
def test_what_fastnet_returns_says_what_it_is_in_one_line(shown, text):
    assert repr(shown) == text


def test_a_choice_of_the_backend_says_which():
    with (chosen := fastnet.use_backend("numpy")):
        assert repr(chosen) == "use_backend('numpy')"


def test_data_say_how_many_samples_of_what_they_are(tmp_path):
    x, t = np.zeros((30, 4)), [0, 1, 2] * 10
    np.savez(tmp_path / "data.npz", x_train=x, t_train=t, x_test=x[:6], t_test=t[:6])
    assert repr(load(tmp_path / "data.npz")) == (
        "<Dataset of 4 numbers, 30 samples to train on and 6 to test with, 3 classes: 0, 1, 2>"
    )


def test_a_digit_of_a_page_does_not_show_its_pixels():
    paper = np.full((60, 90), 255, np.uint8)
    paper[10:50, 40:46] = 0
    (digit,) = find_digits(paper)
    assert repr(digit) == f"Digit(box={digit.box}, is_bare=True)"


def test_every_public_class_has_a_repr_of_its_own():
    classes = {path: public.value for path, public in functions_and_classes().items() if inspect.isclass(public.value)}
    assert len(classes) > 30
    assert not [path for path, each in classes.items() if each.__repr__ is object.__repr__]


def broken():
    network = TwoLayerNet(4, 3, 2)
    network.params["W1"] = "words"
    return network


def emptied():
    network = SimpleConvNet((1, 8, 8))
    network.params = None
    return network


@pytest.mark.parametrize("make", [broken, emptied, lambda: TwoLayerNet.__new__(TwoLayerNet)])
def test_a_broken_network_has_a_repr_and_no_table(make):
    network = make()
    assert re.fullmatch(r"<fastnet\.networks\.\S+ object at 0x\w+>", repr(network))
    assert network._repr_html_() is None


# --- HTML -------------------------------------------------------------------------------------------------------------


class Rows(HTMLParser):
    """The cells of the tables, row by row, and the tags."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.tags = [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert not re.match(r"(https?:)?//", value or "") or name.startswith("xmlns")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1] and self.lasttag in ("td", "th"):
            self.rows[-1][-1] += data


def test_the_table_of_the_books_first_network_has_its_one_matrix():
    assert Rows(SimpleNet(2, 3)._repr_html_()).rows == [
        ["layer", "output", "parameters", "number"], ["input", "2", "", ""], ["scores", "3", "W 2 x 3", "6"],
    ]  # fmt: skip


def test_the_table_of_a_network_has_a_row_for_each_layer():
    html = DeepConvNet((1, 13, 12), hidden_size=10)._repr_html_()
    rows = Rows(html).rows
    assert rows[:3] == [
        ["layer", "output", "parameters", "number"],
        ["input", "1 x 13 x 12", "", ""],
        ["Convolution1", "16 x 13 x 12", "W 16 x 1 x 3 x 3, b 16", "160"],
    ]
    assert rows[-2:] == [["Affine2", "10", "W 10 x 10, b 10", "110"], ["Dropout2", "10", "", ""]]
    assert len(rows) == 2 + 20
    assert "color" not in html  # those of the page, light or dark


def test_one_number_of_a_layer_stands_for_all_units():
    net = LayeredTwoLayerNet(4, 5, 3, seed=0)
    net.layers["Affine3"] = layers.Affine(np.eye(3), np.zeros(1))
    net.layers["BatchNorm3"] = layers.BatchNormalization(1.0, 0.0)
    assert repr(net) == "<LayeredTwoLayerNet 4-5-3-3 (Relu, BatchNormalization), 43 parameters, float64>"
    assert "W 3 x 3, b 3" in net._repr_html_()
    assert "gamma 3, beta 3" in net._repr_html_()


def test_what_fastnet_does_not_know_of_a_layer_is_a_question_mark_and_names_are_escaped():
    network = LayeredTwoLayerNet(4, 3, 2)
    network.layers = OrderedDict(network.layers, Relu1=type("<b>", (layers.Relu,), {"forward": lambda _, x: x})())
    html = network._repr_html_()
    assert ["<b>", "?", "", ""] in Rows(html).rows
    assert "<b>" not in html


X = np.random.default_rng(0).normal(size=(60, 4))
T = (X[:, 0] > 0).astype(int)


def trainer(iterations, **options):
    made = Trainer(
        TwoLayerNet(4, 5, 2, 0.5, seed=0), X, T, X, T, iterations=iterations, mini_batch_size=10, seed=0,
        verbose=False, progress=False, **options,
    )  # fmt: skip
    if iterations > 1:
        made.train()
    return made


def test_a_trainer_shows_its_network_and_how_far_it_is():
    network = "<TwoLayerNet 4-5-2 (Sigmoid, Softmax), 37 parameters, float64>"
    assert repr(trainer(1)) == f"<Trainer after 0 iterations: {network}>"
    shown = repr(trainer(100))
    assert shown.endswith(f": {network}>")
    assert re.match(r"<Trainer after 100 iterations, loss 0\.\d+, test accuracy 0\.\d+: ", shown)


def test_a_trainer_that_has_trained_shows_its_curves_in_the_colour_of_the_page():
    assert "svg" not in Rows(trainer(1)._repr_html_()).tags
    html = trainer(100, validation=(X, T))._repr_html_()
    shown = Rows(html)
    assert ["Affine1", "5", "W 4 x 5, b 5", "25"] in shown.rows
    assert "svg" in shown.tags
    assert "fill: currentColor" in html
    assert "stroke: currentColor" in html
    for color in ("#000000", "#ffffff", "background"):
        assert color not in html


def test_a_long_training_takes_no_more_room_in_the_page():
    made = trainer(100)
    made.train_loss_list = list(np.random.default_rng(0).random(60_000))
    assert len(made._repr_html_()) < 150_000


def test_a_trainer_of_any_network_is_shown():
    made = trainer(2)
    made.network = type("Own", (), {"__repr__": lambda _: "<own & mine>"})()
    assert repr(made).endswith(": <own & mine>>")
    assert "&lt;own &amp; mine&gt;" in made._repr_html_()


def test_a_broken_trainer_has_a_repr_and_no_table():
    made = trainer(2)
    made.train_loss_list = ["lost"]
    for broken in made, Trainer.__new__(Trainer):
        assert repr(broken).startswith("<fastnet.trainer.Trainer object at ")
        assert broken._repr_html_() is None


class Wrong(TwoLayerNet):
    def gradient(self, x, t):
        gradients = super().gradient(x, t)
        gradients["b1"] *= 1.2
        return gradients


def test_a_gradient_check_is_a_table_whose_wrong_rows_are_bold():
    report = gradient_check(Wrong(4, 3, 2, seed=0), X[:5], T[:5])
    html = report._repr_html_()
    head, *rows = Rows(html).rows
    assert head[0] == "parameter"
    assert {row[0]: row[-1] for row in rows} == {"W1": "agrees", "b1": "DIFFERS", "W2": "agrees", "b2": "agrees"}
    bold = [line for line in html.split("<tr>") if "font-weight: bold" in line]
    assert len(bold) == 1
    assert "b1" in bold[0]
    assert "Backpropagation gives a different gradient for b1." in html
    right = gradient_check(TwoLayerNet(4, 3, 2, seed=0), X[:5], T[:5])._repr_html_()
    assert "All gradients agree." in right
    assert "bold" not in right


@pytest.mark.usefixtures("backend", "hasty", "loaded_once")
def test_a_benchmark_is_a_table_with_what_fastnet_bench_prints():
    table = fastnet.bench(seconds=1e-9)
    printed = re.search(r"^ +textbook .*\n((?:.+\n)+)", repr(table), re.MULTILINE)[1].splitlines()
    head, *rows = Rows(table._repr_html_()).rows
    assert len(rows) == len(table.rows)
    assert head[1:3] == ["textbook", "ratio"]
    for row, line in zip(rows, printed, strict=True):
        assert " ".join(" ".join(row).split()) == " ".join(line.split())


@pytest.mark.parametrize("seconds", [0, -1, np.nan, "soon"])
def test_a_benchmark_takes_a_time(seconds):
    with pytest.raises((TypeError, ValueError), match="seconds"):
        fastnet.bench(seconds)


def test_what_shows_no_curve_loads_no_matplotlib():
    program = """
        import sys, fastnet
        network = fastnet.TwoLayerNet(4, 5, 2)
        network._repr_html_(), repr(network)
        fastnet.Trainer(network, [[0, 0, 0, 0]], [0])._repr_html_()
        sys.exit("matplotlib" in sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
