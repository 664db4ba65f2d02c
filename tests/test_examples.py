"""The examples: each runs without a display, prints what it teaches, and saves its picture.

They use the backend that this installation chooses. An example that needs an extra is skipped where that is not
installed. With `--full`, each example runs as a learner runs it, in a process
of its own. Without it, they run in this process, training ends early, and the pictures are not drawn.
"""

import ast
import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import effort
import matplotlib.font_manager  # noqa: F401 - makes its cache here, which it would tell of on an example's stderr
import numpy as np
import pytest
from PIL import Image

import fastnet
from fastnet import Trainer

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("[0-9]*.py"))}
DEPENDENCIES = {*sys.stdlib_module_names, "PIL", "fastnet", "matplotlib", "numpy", "scipy", "threadpoolctl", "tqdm"}
EXTRAS = runpy.run_path(str(ROOT / "docs/_extensions/extras.py"))

# Lines that must be printed: what the lecture notes print, and what else an example shows. Spaces count as one.
PRINTED = {
    "01_perceptron_and_xor": [
        "1 1 1 1 0 0",
        "XOR mistakes in each round: [2, 3, 4, 4, 4, 4, 4, 4, 4, 4]",
        "NAND [1 1 1 0] and OR [0 1 1 1] make [0 1 1 0]",
    ],
    "02_loss_functions": [
        "right 0.097500 0.510825 by hand",
        "0.097500 0.510825 fastnet",
        "wrong 0.597500 2.302584 by hand",
        "0.597500 2.302584 fastnet",
        "wrong, sum 1.3 0.642500 2.302584 by hand",
        "0.642500 2.302584 fastnet",
        "cross-entropy of the right prediction with eps = 1e-05: 0.5108090",
    ],
    "03_entropy_and_kl": ["a fair coin: 1.0000 bits", "[0.5, 0.5] 1.0000 0.8813 0.1187", "[0.0, 1.0] inf 0.8813 inf"],
    "04_gradient_descent": [
        "learning rate 0.1 ends at (-6.11e-10, 8.15e-10)",
        "learning rate 10 ends at (-2.59e+13, -1.30e+12)",
        "learning rate 1e-10 ends at (-3.00e+00, 4.00e+00)",
    ],
    "05_linear_regression": [
        "1 41.4864 0.4852 -42.7247",
        "6 3.4582 1.5627 -12.3354",
        "11 0.2883 1.8737 -3.5614",
        "16 0.0240 1.9635 -1.0282",
    ],
    "06_linear_layers": ["step 500: loss 0.0978", "one layer gives the same: True"],
    "07_activation": ["step 500: loss 0.0004"],
    "08_simple_net_gradient": [
        "loss 1.568738",
        "[[ 0.393091 0.081924 -0.475015]",
        "[ 0.589636 0.122887 -0.712523]]",
    ],
    "10_gradient_check": ["All gradients agree.", "The check fails."],
    "21_forward_pass": [
        "output [0.31682708 0.69627909]",
        "one batch: images (100, 784), probabilities (100, 10)",
    ],
    "22_backward_pass_by_hand": [
        "da1 [[ 0.0463 0.0726 -0.0819]]",
        "W1: by hand, by the network and by differences the same: True",
        "b2: by hand, by the network and by differences the same: True",
        "loss before 0.7327, after one step 0.3262",
    ],
    "28_learning_rates": ["good 0.3 0.40 -0.0003", "diverging 1.05 -1.10 -7.7812"],
    "27_distributed": [
        "the gradient on two processes is the same: True",
        "the search on two processes is the same: True",
        "the losses on two processes are the same to 1e-10: True",
    ],
}

# The same for numbers whose last digits may be others with another processor or BLAS, and for times.
MATCHING = {
    "09_numerical_training": [
        r"39,760 parameters: the plain way would take \d+ s for one gradient, with this loss",
        r"numerical test accuracy 0\.66\d\d",
        r"backprop test accuracy 0\.66\d\d",
        r"largest difference of the losses: \de-0[5-9]",
    ],
    "10_gradient_check": [r"W1 48 of 48 .* agrees", r"W1 48 of 48 .* DIFFERS", r"W2 18 of 18 .* agrees"],
    "11_mini_batch_training": [r"16 0\.9[45]\d\d 0\.94\d\d", r"test accuracy at the end: 0\.94\d\d"],
    "12_misclassified_digits": [r"accuracy 0\.95\d\d, 4\d\d of 10,000 wrong"],
    "13_optimizers": [
        rf"{name} test accuracy 0\.9\d\d\d" for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam")
    ],
    "14_activations_and_initial_weights": [
        r"sigmoid 1\.0 all 0\.4\d .* 0\.4\d",
        r"samples 0\.2\d? 0\.04\d .* 0\.000[56]\d*",  # sigmoid, Xavier
        r"tanh 0\.01 all 0\.099 .* 9\.\de-06",
        r"relu He all( (0\.[89]\d?|1|1\.[01])){5}",
    ],
    "15_numpy_beside_cython": [r"milliseconds numpy( cython)?", r"numerical gradient of it( \d+\.\d\d){1,2}"],
    "16_convolution": [
        r"test accuracy 0\.9[5-7]\d\d",
        r"standard deviation of the weights of the filters: 0\.010 before, 0\.(09|1\d)\d after",
    ],
    "19_regularization": [
        r"no regularization (0\.9[6-9]\d|1\.000) 0\.[67]\d\d",
        r"weight decay 0\.03 0\.[67]\d\d 0\.7\d\d",
        r"dropout 0\.5 0\.[67]\d\d 0\.[78]\d\d",
        r"standard deviation 0\.01: training accuracy 0\.[01]\d\d without, (0\.9\d\d|1\.000) with batch normalization",
    ],
    "21_forward_pass": [r"right: 0\.9[23]\d\d"],
    "23_deeper_network": [r"2 hidden layers: 89,610 parameters, training 0\.98\d\d, test 0\.96\d\d"],
    "20_hyper_parameters": [
        r"validation accuracy 0\.8\d\d learning rate 0\.[0-2]\d\d\d weight decay \d\.\de-0\d"
    ],
    "26_scikit_learn": [
        r"scikit-learn's network: \d+ epochs, \d+\.\d+ s, accuracy 0\.9\d\d",
        r"fastnet's network: \d+ epochs, \d+\.\d+ s, accuracy 0\.9\d\d",
        r"the losses of the first 5 epochs differ by \de-0[4-9]",
        r"the best of the search: .*, accuracy 0\.[89]\d\d",
    ],
    "25_moving_on": [
        r"after fastnet: test accuracy 0\.9[12]\d\d",
        r"after PyTorch: test accuracy 0\.9[34]\d\d",
        r"PyTorch largest difference \d\.\de-0[67], the same digit in \d+\.\d\d%",
        r"onnxruntime largest difference \d\.\de-0[67], the same digit in \d+\.\d\d%",
        r"safetensors W1, W2, b1, b2; the same bits: True",
    ],
}

# What is printed instead if training ends early.
EARLY = {
    "11_mini_batch_training": [r"0 0\.\d{4} 0\.\d{4}", r"test accuracy at the end: 0\.\d{4}"],
    "12_misclassified_digits": [r"accuracy 0\.\d{4}, [\d,]+ of 10,000 wrong"],
    "19_regularization": [r"no regularization \d\.\d{3} 0\.\d{3}"],
    "21_forward_pass": [r"right: 0\.\d{4}"],
    "23_deeper_network": [r"2 hidden layers: 89,610 parameters, training 0\.\d{4}, test 0\.\d{4}"],
    "25_moving_on": [r"after fastnet: test accuracy 0\.\d{4}", r"after PyTorch: test accuracy 0\.\d{4}"],
    "16_convolution": [r"test accuracy 0\.\d{4}", r"standard deviation .* 0\.010 before, 0\.0\d\d after"],
}
EARLY_ITERATIONS = 300

class EarlyTrainer(Trainer):
    def __init__(self, *arguments, iterations, **options):
        most = EARLY_ITERATIONS if np.ndim(arguments[1]) == 2 else EARLY_ITERATIONS // 20  # images take longer
        super().__init__(*arguments, iterations=min(iterations, most), **options)


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture
def in_a_process(tmp_path):
    """Run an example as a learner does, in an empty folder, on a machine without a display."""

    def example(name):
        environment = {**os.environ, "FASTNET_BACKEND": fastnet.get_backend()}
        for variable in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"):
            environment.pop(variable, None)
        done = subprocess.run(
            [sys.executable, str(EXAMPLES[name])],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return example


@pytest.fixture
def here(tmp_path, monkeypatch, capsys, plt, loaded_once, unpainted):  # noqa: ARG001
    """Run an example in this process, in an empty folder. Training ends early, and the picture is not drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fastnet, "Trainer", EarlyTrainer)

    def example(name):
        state = np.random.get_state()
        try:
            runpy.run_path(str(EXAMPLES[name]), run_name="__main__")
        finally:
            np.random.set_state(state)
        return capsys.readouterr()

    return example


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_without_a_display_prints_what_it_teaches_and_saves_its_picture(name, request, tmp_path):
    if extras := EXTRAS["lacking_extras"](EXAMPLES[name]):
        pytest.skip(f"it needs fastnet's extra {', '.join(extras)}")
    stdout, stderr = request.getfixturevalue("in_a_process" if effort.FULL else "here")(name)
    # Where other work is going on, Dask logs that its processes take long to end.
    assert [line for line in stderr.splitlines() if " - distributed." not in line] == []

    matching = MATCHING if effort.FULL else MATCHING | EARLY
    printed = lines(stdout)
    patterns = [*map(re.escape, PRINTED.get(name, [])), *matching.get(name, [])]
    missing = [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in printed)]
    assert missing == [], stdout
    pictures = sorted(os.listdir(tmp_path))
    assert pictures[0] == f"{name}.png"
    assert printed[-1] == f"The picture{'s are' if pictures[1:] else ' is'} in {' and '.join(pictures)}"
    if not effort.FULL:
        return
    with Image.open(tmp_path / f"{name}.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) >= 300
    assert np.mean(pixels < 250) > 0.01, "the picture is all but white"


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_a_page_of_the_gallery(path):
    source = path.read_text(encoding="utf-8")
    title, rule, blank, *text = ast.get_docstring(ast.parse(source)).splitlines()
    assert rule == "=" * len(title)
    assert blank == ""
    assert "Look" in " ".join(text), "the docstring says what to look for"
    assert "\n# %%\n" in source


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_uses_the_public_names_alone(path):
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names.append(node.attr)
    assert [name for name in names if re.search(r"(^|\.)_(?!_)", name)] == []


@pytest.mark.parametrize("path", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_needs_nothing_but_fastnets_dependencies_and_extras(path):
    # 24_compiled_objective uses numba if it is installed.
    assert EXTRAS["imported"](path) <= {*DEPENDENCIES, *EXTRAS["EXTRA_OF"], "numba"}


def test_every_extra_of_the_examples_is_one_of_fastnets():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS["EXTRA_OF"].values()) <= project["optional-dependencies"].keys()


def test_the_numbers_of_the_examples_have_no_gap():
    assert [name[:2] for name in EXAMPLES] == [f"{number:02}" for number in range(1, len(EXAMPLES) + 1)]
    assert EXAMPLES
