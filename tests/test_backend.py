"""Which kernels compute, who chose them, and what is said where there is no choice."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import pytest

import fastnet
from fastnet import _backend, _kernels_numpy, functions

PACKAGE = Path(fastnet.__file__).parent

needs_both = pytest.mark.usefixtures("twins")

# --- use_backend and get_backend -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def restored():
    """The backend in use, and why, as they were: these tests change both for the whole process."""
    before = _backend.kernels, _backend.why
    yield
    _backend.kernels, _backend.why = before


def other(backend):
    return "numpy" if backend == "cython" else "cython"


def test_each_backend_computes_with_its_own_module(backend, kernels):
    # Of the four pairs, two are the same twin.
    assert fastnet.get_backend() == backend
    assert (_backend.kernels is kernels) == (backend == ("numpy" if kernels is _kernels_numpy else "cython"))


def test_a_change_of_backend_takes_effect_at_once(monkeypatch):
    fastnet.use_backend("numpy")
    monkeypatch.setattr(_kernels_numpy, "sigmoid", lambda x: np.full_like(x, 7))
    assert functions.sigmoid(0.0) == 7


@needs_both
def test_as_a_function_it_holds_until_the_next():
    for name in ("numpy", "cython", "cython", "numpy"):
        fastnet.use_backend(name)
        assert fastnet.get_backend() == name


@needs_both
def test_as_a_context_manager_it_restores_the_last_one(backend):
    why = _backend.why
    with fastnet.use_backend(other(backend)):
        assert fastnet.get_backend() == other(backend)
        with fastnet.use_backend(backend):
            assert fastnet.get_backend() == backend
        assert fastnet.get_backend() == other(backend)
        fastnet.use_backend(backend)  # a change inside ends with the block
    assert fastnet.get_backend() == backend
    assert _backend.why == why


@needs_both
def test_it_restores_the_last_one_after_an_exception(backend):
    with pytest.raises(ZeroDivisionError), fastnet.use_backend(other(backend)):
        raise ZeroDivisionError
    assert fastnet.get_backend() == backend


@pytest.mark.parametrize("name", ["Cython", "auto", "", "fortran", None, 1])
def test_another_word_raises_value_error_and_changes_nothing(backend, name):
    with pytest.raises(ValueError, match=f"name must be 'cython' or 'numpy', got {name!r}"):
        fastnet.use_backend(name)
    assert fastnet.get_backend() == backend


# --- at import -------------------------------------------------------------------------------------------------------

THREE_LINES = """import sys

import fastnet
print(fastnet.get_backend())
"""


def run(folder, program=THREE_LINES, **variables):
    """Run a program in `folder` in a new interpreter, with fastnet from there or else the one under test.

    The option -S leaves out the hooks of site-packages. That of an editable installation would find the compiled
    kernels of this fastnet for a copy that has none.
    """
    (folder / "program.py").write_text(program, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FASTNET_", "PYTHON"))}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), str(PACKAGE.parent), *filter(None, sys.path)])
    command = [sys.executable, "-S", "program.py"]
    return subprocess.run(command, cwd=folder, env={**env, **variables}, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    """A folder with a copy of fastnet that has no compiled kernels."""
    folder = tmp_path_factory.mktemp("uncompiled")
    ignore = shutil.ignore_patterns("*.so", "*.pyd", "data", "__pycache__")
    shutil.copytree(PACKAGE, folder / "fastnet", ignore=ignore)
    return folder


@pytest.fixture(scope="module")
def broken(uncompiled, tmp_path_factory):
    """A folder with a copy of fastnet whose compiled kernels are no program at all."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(uncompiled / "fastnet", folder / "fastnet")
    (folder / "fastnet" / f"_kernels{EXTENSION_SUFFIXES[0]}").write_bytes(b"not an extension module\n" * 1000)
    return folder


def assert_says_how_to_build(message):
    assert "install a C compiler" in message
    assert "FASTNET_BUILD=require pip install" in message


@needs_both
@pytest.mark.parametrize("asked", ["auto", "cython", ""])
def test_where_the_kernels_are_built_they_are_used_in_silence(tmp_path, asked):
    result = run(tmp_path, FASTNET_BACKEND=asked)
    assert (result.stdout, result.stderr) == ("cython\n", "")


def test_numpy_is_silent_where_the_kernels_are_built(tmp_path):
    result = run(tmp_path, FASTNET_BACKEND="numpy")
    assert (result.stdout, result.stderr) == ("numpy\n", "")


@pytest.mark.parametrize("folder", ["uncompiled", "broken"])
def test_numpy_is_silent_where_they_are_not(request, folder):
    result = run(request.getfixturevalue(folder), FASTNET_BACKEND="numpy")
    assert (result.stdout, result.stderr) == ("numpy\n", "")


@pytest.mark.parametrize("word", ["Cython", "c", "numpy "])
def test_another_word_raises_value_error_at_import(tmp_path, word):
    result = run(tmp_path, FASTNET_BACKEND=word)
    assert result.returncode == 1
    last_line = result.stderr.splitlines()[-1]
    assert last_line == f"ValueError: FASTNET_BACKEND must be auto, cython or numpy, got {word!r}"


@pytest.mark.parametrize(("folder", "what"), [("uncompiled", "are not built"), ("broken", "are built and cannot be")])
def test_cython_without_its_kernels_raises_import_error_that_says_how_to_build_them(request, folder, what):
    result = run(request.getfixturevalue(folder), FASTNET_BACKEND="cython")
    assert result.returncode == 1
    last_line = result.stderr.splitlines()[-1]
    assert last_line.startswith("ImportError: fastnet's compiled kernels")
    assert what in last_line
    assert_says_how_to_build(last_line)


@pytest.mark.parametrize(("folder", "what"), [("uncompiled", "are not built"), ("broken", "are built and cannot be")])
def test_auto_without_its_kernels_warns_once_at_the_line_that_imports(request, folder, what):
    result = run(request.getfixturevalue(folder))
    assert result.stdout == "numpy\n"
    assert result.stderr.count("Warning") == 1
    message, source = result.stderr.splitlines()
    assert "program.py:3: RuntimeWarning: fastnet computes with NumPy alone" in message
    assert source.strip() == "import fastnet"
    assert what in message
    assert_says_how_to_build(message)
    assert "FASTNET_BACKEND=numpy" in message


@pytest.mark.parametrize("line", ["import fastnet.gradient", "from fastnet.functions import relu"])
def test_the_warning_points_at_any_form_of_import(uncompiled, line):
    result = run(uncompiled, program=f"\n\n\n{line}\n")
    assert "program.py:4: RuntimeWarning: fastnet computes with NumPy alone" in result.stderr
    assert result.stderr.count("Warning") == 1


def test_use_backend_without_kernels_raises_import_error_and_changes_nothing(uncompiled):
    result = run(
        uncompiled,
        FASTNET_BACKEND="numpy",
        program="import fastnet\n"
        "try:\n"
        "    fastnet.use_backend('cython')\n"
        "except ImportError as error:\n"
        "    print(fastnet.get_backend(), error)\n",
    )
    assert result.stdout.startswith("numpy fastnet's compiled kernels are not built")
    assert_says_how_to_build(result.stdout)
    assert result.stderr == ""


def test_the_tests_do_not_fail_for_the_warning_of_an_uncompiled_installation(uncompiled, pytestconfig):
    # The project's own settings turn warnings into errors, all but this one.
    shutil.copy(pytestconfig.rootpath / "pyproject.toml", uncompiled)
    tests = uncompiled / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        "import fastnet\n\n\ndef test_it():\n    assert fastnet.get_backend() == 'numpy'\n", encoding="utf-8"
    )
    program = "import pytest\nraise SystemExit(pytest.main(['tests', '-p', 'no:cacheprovider']))\n"
    result = run(uncompiled, program)
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout
    assert "fastnet computes with NumPy alone" in result.stdout  # in the summary of warnings: not silent either


def test_importing_fastnet_imports_numpy_and_nothing_else(tmp_path):
    program = """
import sys
import numpy
before = {name.partition(".")[0] for name in sys.modules}  # what NumPy needs is its own affair
import fastnet
after = {name.partition(".")[0] for name in sys.modules}
for name in sorted(after - before - sys.stdlib_module_names):
    if not name.startswith(("_cython_", "cython_runtime")):  # which hold the types of any compiled module
        print(name)
"""
    result = run(tmp_path, program, FASTNET_BACKEND="auto")
    assert result.stdout == "fastnet\n"
