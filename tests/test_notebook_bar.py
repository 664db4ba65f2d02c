"""The progress bar in a notebook's kernel: a widget, or one line that changes in place; and never a warning."""

import importlib.util
import os

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbclient and ipykernel")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
if not importlib.util.find_spec("ipykernel"):
    pytest.skip("needs nbclient and ipykernel", allow_module_level=True)

TRAIN = """
import numpy as np
from fastnet import Trainer, TwoLayerNet
x, t = np.eye(4), np.array([0, 1, 2, 0])
trainer = Trainer(TwoLayerNet(4, 3, 3, seed=0), x, t, x, t, mini_batch_size=4, iterations=300, verbose={}, seed=0)
trainer.train()
"""


def outputs(*cells):
    """Run the cells in a kernel of their own: the outputs of the last one."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=100)
    if os.name == "posix":  # files instead of network ports
        client.create_kernel_manager().transport = "ipc"
    client.execute()
    return notebook.cells[-1].outputs


def test_without_widgets_it_is_one_line_of_text():
    (line,) = outputs("import sys; sys.modules['ipywidgets'] = None", TRAIN.format(False))
    assert line.output_type == "display_data"
    assert line.data.keys() == {"text/plain"}
    assert "300/300" in line.data["text/plain"]
    assert "loss" in line.data["text/plain"]


def test_without_widgets_the_lines_of_the_epochs_are_on_standard_output():
    found = outputs("import sys; sys.modules['ipywidgets'] = None", TRAIN.format(True))
    assert sum(each.output_type == "display_data" for each in found) == 1
    assert {each.name for each in found if each.output_type == "stream"} == {"stdout"}
    printed = "".join(each.text for each in found if each.output_type == "stream")
    assert printed.count("=== epoch:") == 300
    assert "it/s" not in printed


@pytest.mark.skipif(not importlib.util.find_spec("ipywidgets"), reason="needs ipywidgets")
def test_with_widgets_it_is_a_widget():
    (widget,) = outputs(TRAIN.format(False))
    assert "application/vnd.jupyter.widget-view+json" in widget.data


def test_what_a_cell_returns_is_shown_as_html():
    (shown,) = outputs("import fastnet; fastnet.TwoLayerNet(4, 5, 2)")
    assert shown.data["text/plain"].startswith("<TwoLayerNet 4-5-2")
    assert shown.data["text/html"].startswith("<table")
