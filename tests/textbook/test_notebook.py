"""`fastnet run NOTEBOOK.ipynb` prints what the cells print, with fastnet behind the book's definitions."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from fastnet import get_backend

has_nbclient = importlib.util.find_spec("nbclient") and importlib.util.find_spec("ipykernel")
needs_nbclient = pytest.mark.skipif(not has_nbclient, reason="needs nbclient and ipykernel")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the file `functions.py`, which is the current folder."""
    (tmp_path / "functions.py").write_text(
        "import numpy as np\ndef sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, *cells, options=(), arguments=()):
    """Run a notebook of these code cells: exit status, standard output and standard error."""
    code = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": text} for text in cells
    ]
    notebook = {"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    (folder / "notebook.ipynb").write_text(json.dumps(notebook), "utf-8")
    command = "import sys; from fastnet.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", command, "run", *options, "notebook.ipynb", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
            "FASTNET_BACKEND": get_backend(),
        },
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@needs_nbclient
def test_a_notebook_prints_what_its_cells_print(folder):
    cells = [
        "from functions import *\nimport sys",
        "print(sigmoid(np.array([-1000.0])))\nprint('to stderr', file=sys.stderr)",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "1 + 1",
    ]
    status, out, error = run(folder, *cells, options=["--save-plots", "plots"])
    assert (status, out.splitlines()[0], out.splitlines()[-1]) == (0, "[0.]", "2")
    assert "to stderr\n" in error
    assert error.endswith("fastnet run: replaced 1 in functions.py\n")
    assert os.listdir("plots") == ["figure-1.png"]


@needs_nbclient
def test_an_error_in_a_cell_ends_the_notebook_with_one_line_of_advice(folder):
    status, out, error = run(folder, "import numpy as np\nnp.int(3)", "print('never')", options=["--list"])
    assert (status, out) == (1, "")
    assert "----> 2 np.int(3)" in error
    assert "fastnet run: NumPy no longer has np.int: write int instead\n" in error
    assert error.endswith("No file with a definition of the book was read.\n")


@needs_nbclient
def test_check_compares_two_runs_of_a_notebook(folder):
    status, out, _ = run(folder, "from functions import *\nsigmoid(np.random.randn(3))", options=["--check"])
    assert status == 0
    assert out.endswith("The same, numbers to 1e-06.\n")


@needs_nbclient
@pytest.mark.parametrize("shell", ["!ls", "x = 1\n  !ls", "%%bash\nls", "%system ls", "files = !ls", "%pip list"])
def test_a_cell_for_a_shell_is_refused_by_its_number(folder, shell):
    status, out, error = run(folder, "print(1)", shell)
    assert (status, out) == (1, "")
    assert error.startswith("fastnet run: error: code cell 2 of notebook.ipynb is for a shell")


@pytest.mark.skipif(bool(has_nbclient), reason="nbclient is installed")
def test_without_nbclient_the_error_names_the_extra(folder):
    status, _, error = run(folder, "print(1)")
    assert status == 1
    assert "fastnet's extra `notebook`" in error


def test_a_notebook_takes_no_arguments(folder):
    status, _, error = run(folder, arguments=["more"])
    assert (status, error) == (2, "fastnet run: error: a notebook takes no arguments, got 'more'\n")
