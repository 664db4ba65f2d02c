"""What the packaging says, as far as it shows without building anything."""

import re
from importlib import metadata
from pathlib import Path

import pytest

import fastnet

ROOT = Path(__file__).resolve().parents[1]


def test_the_installed_version_is_the_packages():
    assert metadata.version("fastnet") == fastnet.__version__


def test_the_command_is_installed():
    (command,) = metadata.entry_points(group="console_scripts", name="fastnet")
    assert command.load() is __import__("fastnet.cli").cli.main


def test_no_function_is_decorated_with_errstate():
    # In NumPy 1.26 a decorator's settings are one object for all threads, which mix them up.
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "fastnet").rglob("*.py")}
    assert any("np.errstate" in source for source in sources.values())
    assert not [path for path, source in sources.items() if "@np.errstate(" in source]


def test_the_readmes_first_example_prints_the_answers_that_are_shown(capsys):
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(example, {})
    answers = re.findall(r"^# (.*)$", example, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == answers
    assert len(answers) == example.count("print(")


@pytest.mark.parametrize("command", ["pip install . && fastnet train", "pip install -e '.[test]' && pytest"])
def test_the_readme_gives_the_two_commands_on_lines_of_their_own(command):
    assert (ROOT / "README.md").read_text(encoding="utf-8").splitlines().count(command) == 1
