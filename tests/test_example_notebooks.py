"""The examples are notebooks too: jupytext opens them, and what it saves is the example again."""

import shutil
import tomllib
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext", reason="needs the extra notebook")
pytest.importorskip("jupytext.cli")

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_a_notebook(path, tmp_path):
    """As Jupyter does it: the example is opened, and both files are saved. Its first cell gets a mark."""
    shutil.copy(path, tmp_path)
    shutil.copy(FOLDER / "jupytext.toml", tmp_path)
    assert jupytext.cli.jupytext(["--quiet", "--sync", str(tmp_path / path.name)]) == 0
    notebook = jupytext.read(tmp_path / f"{path.stem}.ipynb")
    assert len(notebook.cells) == 1 + path.read_text("utf-8").count("\n# %%\n")
    assert {cell.cell_type for cell in notebook.cells} == {"code"}
    assert (tmp_path / path.name).read_text("utf-8") == "# %%\n" + path.read_text("utf-8")


def test_examples_and_notebooks_are_paired():
    settings = tomllib.loads((FOLDER / "jupytext.toml").read_text("utf-8"))
    assert settings["formats"] == "ipynb,py:percent"
