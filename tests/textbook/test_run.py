"""`fastnet run` runs a program as Python does, tells what it replaced, compares, and saves plots."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from fastnet import get_backend
from fastnet.textbook import _check

FUNCTIONS = """import numpy as np
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
def relu(x):
    return np.minimum(0, x)
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A reader's project with a `common` folder and a chapter, which is the current folder."""
    (tmp_path / "common").mkdir()
    (tmp_path / "common/functions.py").write_text(FUNCTIONS, "utf-8")
    (tmp_path / "ch 03").mkdir()
    monkeypatch.chdir(tmp_path / "ch 03")
    return tmp_path


def python(*arguments, **environment):
    """Run Python: exit status, standard output and standard error, without a warning that nothing is compiled."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={
            **os.environ, "FASTNET_BACKEND": get_backend(), "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def fastnet(*arguments, **environment):
    # As the installed command does, also with another module of this name beside the script.
    return python("-c", "import sys; from fastnet.cli import main; sys.exit(main())", *arguments, **environment)


def write(project, text, name="program.py"):
    path = project / "ch 03" / name
    path.write_text(text, "utf-8")
    return path


TOP = "import sys, os\nsys.path.append(os.pardir)\nimport numpy as np\nfrom common.functions import *\n"


@pytest.mark.parametrize(
    "text",
    [
        "print(sys.argv, sys.path[0], __name__, __file__, __package__, __spec__, __doc__, type(__loader__))\n"
        "print(sorted(globals()), sys.modules['__main__'].__dict__ is globals())",
        "print(input())",
        "sys.exit(3)",
        "sys.exit('text')",
        "def f():\n    1 / 0\nf()",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('x') from error",
        "import beside",
        "import nothing",
        "x = (",
        "sigmoid(None)",
        "sigmoid()",
        "def f(x): return g(x)\nimport atexit\natexit.register(print, 'end')\nf(1)",
        "raise KeyboardInterrupt",
        "sys.excepthook = lambda *error: print('own', error[0])\n1 / 0",
        "raise ExceptionGroup('all', [ValueError(1)])",
        "warnings = __import__('warnings')\nwarnings.warn('text')",
    ],
    ids=lambda text: text[:20],
)
def test_a_program_runs_as_under_python(project, text):
    write(project, "raise OSError('beside')\n", "beside.py")
    script = write(project, TOP + text)
    expected = python(script.name, "--list", "two words")
    status, out, error = fastnet("run", script.name, "--list", "two words")
    assert (status, out) == expected[:2]
    lines = error.splitlines(keepends=True)
    assert [line for line in lines if not line.startswith("fastnet run: ")] == expected[2].splitlines(keepends=True)


def test_a_program_imports_its_own_module_and_not_pythons_of_the_same_name(project):
    """fastnet has imported Python's own before."""
    (project / "argparse.py").write_text("NAME = 'mine'\n", "utf-8")
    (project / "program.py").write_text("import argparse\nprint(argparse.NAME)\n", "utf-8")
    assert python("../program.py")[:2] == fastnet("run", "../program.py")[:2] == (0, "mine\n")


@pytest.mark.parametrize("name", ["ch 03", "missing", "missing.module", "ch 03.broken", "half.module"])
def test_a_module_runs_as_under_python(project, name, monkeypatch):
    """Its imports are relative to its package, and the first folder of the path is the current one."""
    text = """
        import sys
        from ..common.functions import relu
        from .beside import VALUE
        print(__name__, __package__, __spec__.name, __file__, sys.argv, sys.path[0], VALUE, relu(-2.0))
        raise SystemExit(3)
        """
    text = "\n".join(line.strip() for line in text.splitlines())
    write(project, text, "__main__.py")
    write(project, "VALUE = 5\n", "beside.py")
    write(project, "import no_such_module\n", "broken.py")
    (project / "half").mkdir()
    (project / "half/__init__.py").write_text("import no_such_module\n", "utf-8")
    monkeypatch.chdir(project.parent)
    name = f"{project.name}.{name}"
    status, out, _ = python("-m", name, "--list", "7")
    got = fastnet("run", "-m", name, "--list", "7")
    assert got[:2] == (status, out)
    if "missing" in name:
        assert got[2].startswith(f"fastnet run: error: no module named {name} ")
    elif "broken" in name or "half" in name:
        assert "no_such_module" in got[2]
    else:
        assert "replaced 1 in" in got[2]
        assert fastnet("run", "--check", "-m", name)[0] == 0


def test_one_line_tells_what_was_replaced(project):
    script = write(project, TOP + "print(sigmoid(0.0), relu(1.0))")
    status, out, error = fastnet("run", script)
    assert (status, out) == (0, "0.5 0.0\n")
    assert error.splitlines() == [
        f"fastnet run: replaced 1 in {os.path.join(os.pardir, 'common', 'functions.py')}; left 1 as they are "
        "(fastnet run --list shows each)"
    ]


def test_the_list_tells_what_became_of_each_definition(project):
    script = write(project, TOP)
    error = fastnet("run", "--list", script)[2]
    assert [line.split(maxsplit=3) for line in error.splitlines()[1:]] == [
        ["line", "2", "sigmoid", "served by fastnet.functions.sigmoid"],
        ["line", "4", "relu", "yours: changed: not a version that the book published"],
    ]


def test_a_program_without_the_books_definitions_replaces_nothing(project):
    assert fastnet("run", write(project, "print(1)"))[1:] == ("1\n", "fastnet run: replaced nothing\n")


def test_definitions_in_the_program_itself_are_served(project):
    script = write(project, FUNCTIONS + "print(sigmoid(np.array([-1000.0])))")
    assert fastnet("run", "--list", script)[1:2] == ("[0.]\n",)


@pytest.mark.parametrize(
    ("name", "instead"), [("int", "int"), ("float", "float"), ("float_", "np.float64"), ("PINF", "np.inf")]
)
def test_what_numpy_removed_fails_in_the_readers_script_with_one_line_of_advice(project, name, instead):
    if hasattr(np, name):
        pytest.skip("NumPy 1 has it")
    script = write(project, TOP + f"np.{name}(3)")
    status, _, error = fastnet("run", script)
    assert status == 1
    assert 'program.py", line 5, in <module>' in error
    assert error.splitlines()[-2] == f"fastnet run: NumPy no longer has np.{name}: write {instead} instead"


def test_a_definition_that_always_fails_is_served_in_the_books_file_alone(project):
    text = "import numpy as np\ndef step_function(x):\n    return np.array(x > 0, dtype=np.int)\n"
    (project / "common/functions.py").write_text(text, "utf-8")
    assert fastnet("run", write(project, TOP + "print(step_function(np.array([-1.0, 2.0])))"))[:2] == (0, "[0 1]\n")
    write(project, text, "step.py")
    for program in text, "from step import *\n":
        status, _, error = fastnet("run", write(project, program + "step_function(1)"))
        assert status == 1
        assert "write int instead" in error


def test_a_common_folder_that_python_does_not_find_is_not_replaced(project):
    script = write(project, "from common.functions import relu\n")
    assert "ModuleNotFoundError: No module named 'common'\n" in fastnet("run", script)[2]
    (project / "common/functions.py").unlink()
    assert fastnet("run", script)[0] == 0


def test_an_error_in_fastnet_shows_the_readers_line_last(project):
    (project / "common/functions.py").unlink()
    script = write(project, TOP + "y = np.array([[0.1, 0.9]])\ncross_entropy_error(y, np.array([-1]))")
    error = fastnet("run", script)[2].splitlines()
    places = [line for line in error if line.startswith("  File")]
    assert len(places) == 1
    assert places[0].endswith('program.py", line 6, in <module>')
    assert any(line.startswith("ValueError: t[0] is -1") for line in error)


def test_a_missing_script_is_one_line():
    assert fastnet("run", "nothing.py") == (2, "", "fastnet run: error: nothing.py: no such file\n")


def test_the_same_file_runs_without_the_numpy_warning(project):
    script = write(project, TOP + "print(sigmoid(np.array([-1000.0])))")
    assert "overflow" in python(script)[2]
    assert "overflow" not in fastnet("run", script)[2]


# --- plots -----------------------------------------------------------------------------------------------------------

PLOTS = """import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.figure()
plt.plot([2, 1])
plt.show()
plt.plot([3, 4])
from matplotlib.pyplot import show
show()
print(plt.get_fignums())
plt.plot([5, 6])
"""


def test_figures_that_would_be_shown_are_saved(project):
    script = write(project, PLOTS)
    status, out, _ = fastnet("run", "--save-plots", "new/plots", script)
    assert (status, out) == (0, "[]\n")
    assert sorted(os.listdir("new/plots")) == ["figure-1.png", "figure-2.png", "figure-3.png"]


def test_arguments_and_paths_are_as_under_python(project):
    write(project, "import sys\nprint(sys.argv, __file__)\n")
    for arguments in ("./program.py", "--", "a"), ("program.py", "--list", "--"):
        expected = python(*arguments)[1]
        status, out, error = fastnet("run", *arguments)
        assert (status, out) == (0, expected)
        assert error.startswith("fastnet run: replaced nothing")  # `--list` belongs to the program


def test_without_the_option_nothing_is_saved(project):
    fastnet("run", write(project, PLOTS))
    assert sorted(os.listdir(project / "ch 03")) == ["program.py"]


# --- check -----------------------------------------------------------------------------------------------------------


def test_check_finds_the_same_output_under_one_seed(project):
    script = write(project, TOP + "print('loss:', sigmoid(np.random.randn(3)), sys.argv[1:])\nsys.exit(3)")
    status, out, error = fastnet("run", "--check", script, "--list")
    assert (status, error) == (0, "")
    without, serving, verdict = out.splitlines()
    assert re.fullmatch(r"without fastnet: 1 lines, exit status 3, \d+\.\d s", without)
    assert re.fullmatch(r"with fastnet:    1 lines, exit status 3, \d+\.\d s", serving)
    assert verdict == "The same, numbers to 1e-06."


def test_check_shows_the_first_line_that_differs(project):
    script = write(project, TOP + "print(1)\nprint('served' if hasattr(sigmoid, '__wrapped__') else 'own')")
    status, out, _ = fastnet("run", "--check", script)
    assert status == 1
    assert out.splitlines()[2:] == ["Line 2 differs:", "  without fastnet: own", "  with fastnet:    served"]


def test_check_compares_how_a_program_ends(project):
    script = write(project, TOP + "if hasattr(sigmoid, '__wrapped__'): 1 / 0\nraise OSError('x')")
    status, out, _ = fastnet("run", "--check", script)
    assert status == 1
    assert out.splitlines()[2] == (
        "without fastnet it ends with exit status 1 (OSError: x), with fastnet with exit status 1 "
        "(ZeroDivisionError: division by zero)"
    )


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("loss: 2.3", "loss: 2.3", True),
        ("loss: 2.3000000001", "loss: 2.3", True),
        ("loss: 2.30001", "loss: 2.3", False),
        ("[1. 2.5]", "[ 1.   2.5]", True),
        ("1e-3, -4", "0.001, -4.0", True),
        ("a 1", "b 1", False),
        ("1 2", "1", False),
        ("nan", "nan", True),
        ("nan", "1.0", False),
        ("4.1e-10", "4.2e-10", True),  # differences that are only rounding
        ("4.1e-8", "5.1e-8", False),
        ("-0.0", "0.0", True),
        ("<Affine object at 0x7f91f5971cd0>", "<Affine object at 0x7f14b83eee10>", True),
    ],
)
def test_numbers_are_compared_to_six_digits_and_text_exactly(expected, got, same):
    assert _check.is_same(expected, got) is same


def test_a_missing_line_is_a_difference():
    assert _check.differing(["1"], ["1", "2"]) == ["1 lines without fastnet, 2 with it."]
