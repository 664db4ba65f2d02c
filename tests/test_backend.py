"""Which kernels compute, who chose them, and what is said where there is no choice."""

import json
import os
import re
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
    before = _backend._choice()
    yield
    _backend._set(*before)  # also where another test has left a thread, so that each has a choice of its own


def other(backend):
    return "numpy" if backend == "cython" else "cython"


def test_each_backend_computes_with_its_own_module(backend, kernels):
    # Of the four pairs, two are the same twin.
    assert fastnet.get_backend() == backend
    assert (_backend.kernels is kernels) == (backend == ("numpy" if kernels is _kernels_numpy else "cython"))


def test_a_change_of_backend_takes_effect_at_once(monkeypatch):
    monkeypatch.setattr(_kernels_numpy, "sigmoid", lambda x: np.full_like(x, 7))
    fastnet.use_backend("numpy")
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


@needs_both
def test_an_object_serves_more_than_one_block_and_restores_what_was_active_before_each(backend):
    chosen = fastnet.use_backend("numpy")
    for active in (backend, other(backend), "numpy"):
        fastnet.use_backend(active)
        before = _backend.kernels, _backend.why
        with chosen:
            with chosen:
                assert fastnet.get_backend() == "numpy"
            assert fastnet.get_backend() == "numpy"
        assert (_backend.kernels, _backend.why) == before


@pytest.mark.parametrize("name", ["Cython", "auto", "", "fortran", None, 1, ["numpy"], np.array(["numpy", "cython"])])
def test_another_word_raises_value_error_and_changes_nothing(backend, name):
    with pytest.raises(ValueError, match=re.escape(f"name must be 'cython' or 'numpy', got {name!r}")):
        fastnet.use_backend(name)
    assert fastnet.get_backend() == backend


# --- at import -------------------------------------------------------------------------------------------------------

THREE_LINES = """import sys

import fastnet
print(fastnet.get_backend())
"""


def run(folder, program=THREE_LINES, *, arguments=("program.py",), **variables):
    """Run a program in `folder` in a new interpreter, with fastnet from there or else the one under test.

    `arguments` are the interpreter's: others run something else than the program.

    The option -S leaves out the hooks of site-packages. That of an editable installation would find the compiled
    kernels of this fastnet for a copy that has none.
    """
    (folder / "program.py").write_text(program, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FASTNET_", "PYTHON"))}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), str(PACKAGE.parent), *filter(None, sys.path)])
    command = [sys.executable, "-S", *arguments]
    return subprocess.run(command, cwd=folder, env={**env, **variables}, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    """A folder with a copy of fastnet that has no compiled kernels."""
    folder = tmp_path_factory.mktemp("uncompiled")
    ignore = shutil.ignore_patterns("*.so", "*.pyd", "mnist", "network")
    shutil.copytree(PACKAGE, folder / "fastnet", ignore=ignore)
    return folder


@pytest.fixture(scope="module")
def broken(uncompiled, tmp_path_factory):
    """A folder with a copy of fastnet whose compiled kernels are no program at all."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(uncompiled / "fastnet", folder / "fastnet")
    (folder / "fastnet" / f"_kernels{EXTENSION_SUFFIXES[0]}").write_bytes(b"not an extension module\n" * 1000)
    return folder


@pytest.fixture
def copied(tmp_path):
    """A folder with a copy of fastnet, compiled, whose files a test may change."""
    shutil.copytree(PACKAGE, tmp_path / "fastnet", ignore=shutil.ignore_patterns("mnist", "network"))
    return tmp_path


def change(source):
    with source.open("a", encoding="utf-8") as file:
        file.write("# changed\n")


@pytest.fixture
def outdated(copied):
    """The same in a source folder, with a source that has changed since it was compiled."""
    (copied / "setup.py").touch()
    change(copied / "fastnet/_twins/shared/memory.pxd")
    return copied


def assert_says_how_to_build(message):
    assert "install a C compiler" in message
    assert "pip install --force-reinstall --no-deps ." in message
    assert "FASTNET_BUILD=require" in message


# Imports fastnet several times. Its modules are imported again, and those of others only once, on the true platform.
SEVERAL_IMPORTS = """import contextlib, os, subprocess, sys, numpy
with contextlib.suppress(ImportError, ValueError):
    import fastnet
for variable, value in {values!r}:
    if variable == "platform":
        sys.platform = value
    else:
        os.environ[variable] = value
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastnet"]:
        del sys.modules[name]
    try:
        import fastnet
        fastnet.get_backend()
    except (ImportError, ValueError) as error:
        print(type(error).__name__, error)
"""


def test_the_hint_is_this_platforms_and_no_other(uncompiled):
    hints = {"win32": "Build Tools for Visual Studio", "darwin": "xcode-select", "linux": "apt", "freebsd14": "apt"}
    program = SEVERAL_IMPORTS.format(values=[("platform", platform) for platform in hints])
    messages = run(uncompiled, program, FASTNET_BACKEND="cython").stdout.splitlines()
    for message, hint in zip(messages, hints.values(), strict=True):
        assert [word for word in ("Build Tools for Visual Studio", "xcode-select", "apt") if word in message] == [hint]


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


def test_another_word_raises_value_error_at_import(uncompiled):
    words = ["Cython", "c", "numpy "]
    result = run(uncompiled, SEVERAL_IMPORTS.format(values=[("FASTNET_BACKEND", word) for word in words]))
    assert result.stdout.splitlines() == [
        f"ValueError FASTNET_BACKEND must be auto, cython or numpy, got {word!r}" for word in words
    ]
    result = run(uncompiled, FASTNET_BACKEND="c")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "ValueError: FASTNET_BACKEND must be auto, cython or numpy, got 'c'"


COMMAND_LINES = [["-m", "fastnet", "info"], ["-W", "ignore", "-m", "fastnet"], ["bin/fastnet", "info"]]


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
@pytest.mark.parametrize("word", ["zzz", "cython"])
def test_the_command_line_ends_in_one_line_where_an_import_raises(uncompiled, arguments, word):
    script = uncompiled / "bin" / "fastnet"  # as pip makes it
    script.parent.mkdir(exist_ok=True)
    script.write_text("import sys\nfrom fastnet.cli import main\nsys.exit(main())\n", encoding="utf-8")
    result = run(uncompiled, arguments=arguments, FASTNET_BACKEND=word)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    problem = {"zzz": "FASTNET_BACKEND must be auto, ", "cython": "fastnet's compiled kernels are not built. "}[word]
    assert result.stderr.startswith(f"fastnet: error: {problem}")


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


def test_an_import_that_warns_as_an_error_says_nothing_else(uncompiled):
    program = "import warnings\nwarnings.simplefilter('error')\nimport fastnet\n"
    error = run(uncompiled, program).stderr
    assert error.count("Traceback") == 1
    assert error.splitlines()[-1].startswith("RuntimeWarning: fastnet computes with NumPy alone")


# --- compiled from other sources --------------------------------------------------------------------------------------

OUT_OF_DATE = "fastnet's compiled kernels are out of date: their sources have changed, and `pip install -e .` in {} "


@needs_both
def test_sources_that_have_not_changed_and_none_at_all_as_from_a_wheel_are_taken_in_silence(copied):
    assert run(copied).stdout == "cython\n"
    for source in [*copied.glob("fastnet/**/*.pyx"), *copied.glob("fastnet/**/*.pxd")]:
        source.unlink()
    result = run(copied)
    assert (result.stdout, result.stderr) == ("cython\n", "")


@needs_both
def test_kernels_that_are_out_of_date_are_not_used_and_one_warning_says_so(outdated):
    result = run(outdated)
    assert result.stdout == "numpy\n"
    assert result.stderr.count("Warning") == 1
    assert f"fastnet computes with NumPy alone: {OUT_OF_DATE.format(outdated.resolve())}" in result.stderr
    assert "C compiler" not in result.stderr  # there was one


@needs_both
@pytest.mark.parametrize("source", ["_kernels.pyx", "_twins/dense_network.pyx"])
def test_any_source_that_has_changed_makes_the_kernels_out_of_date(copied, source):
    change(copied / "fastnet" / source)
    result = run(copied)
    assert result.stdout == "numpy\n"
    assert "out of date" in result.stderr


@needs_both
def test_asked_for_kernels_that_are_out_of_date_raise_import_error(outdated):
    result = run(outdated, FASTNET_BACKEND="cython")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"ImportError: {OUT_OF_DATE.format(outdated.resolve())}")


USE_CYTHON = """import fastnet
try:
    fastnet.use_backend("cython")
except ImportError as error:
    print(fastnet.get_backend(), error)
"""


@needs_both
def test_without_the_source_folder_the_warning_says_how_to_build(outdated):
    (outdated / "setup.py").unlink()
    error = run(outdated).stderr
    assert "NumPy alone: fastnet's compiled kernels are out of date: their sources have changed. " in error
    assert_says_how_to_build(error)


@needs_both
def test_what_else_lies_beside_the_kernels_does_not_matter(copied):
    (copied / "fastnet/_twins/mine.pyx").write_text("# compiled by nobody\n", encoding="utf-8")
    (copied / "fastnet/_twins/.#dense_network.pyx").symlink_to("me@here.1")  # as an editor marks unsaved changes
    result = run(copied)
    assert (result.stdout, result.stderr) == ("cython\n", "")


@needs_both
def test_one_missing_module_is_said_to_be_not_built(copied):
    for module in copied.glob("fastnet/_twins/losses.*.so"):
        module.unlink()
    for module in copied.glob("fastnet/_twins/losses.*.pyd"):
        module.unlink()
    error = run(copied).stderr
    assert "NumPy alone: fastnet's compiled kernels are not built. " in error
    assert_says_how_to_build(error)


@needs_both
def test_use_backend_refuses_kernels_that_are_out_of_date(outdated):
    result = run(outdated, USE_CYTHON, FASTNET_BACKEND="numpy")
    assert result.stdout.startswith(f"numpy {OUT_OF_DATE.format(outdated.resolve())}")
    assert result.stderr == ""


@needs_both
def test_info_says_that_the_kernels_are_out_of_date(outdated):
    result = run(outdated, arguments=["-W", "ignore", "-m", "fastnet", "info"])
    why = OUT_OF_DATE.format(outdated.resolve()) + "compiles them again"
    assert re.search(r"^backend +numpy \((.*)\)$", result.stdout, re.MULTILINE)[1] == why


# --- why --------------------------------------------------------------------------------------------------------------

SAY_WHY = "import warnings\nwarnings.simplefilter('ignore')\nimport fastnet\nprint(fastnet._backend.why)\n"


@needs_both
def test_why_says_that_the_kernels_are_there(tmp_path):
    assert run(tmp_path, SAY_WHY).stdout == "the compiled kernels are there\n"


def test_why_says_that_the_kernels_are_not_built(uncompiled):
    assert run(uncompiled, SAY_WHY).stdout == "fastnet's compiled kernels are not built\n"


def test_why_says_why_kernels_that_are_built_cannot_be_loaded(broken):
    why = run(broken, SAY_WHY).stdout
    assert re.fullmatch(r"fastnet's compiled kernels are built and cannot be loaded: .*_kernels.*\n", why)
    assert "C compiler" not in why


def test_why_says_that_a_source_folder_hides_the_installed_fastnet(uncompiled, tmp_path):
    shutil.copytree(uncompiled / "fastnet", tmp_path / "fastnet")
    (tmp_path / "setup.py").touch()
    assert f" not built in the source folder {tmp_path.resolve()}, which hides" in run(tmp_path, SAY_WHY).stdout


@pytest.mark.parametrize("name", ["source", "link"])
def test_an_editable_installation_hides_nothing(name, uncompiled, tmp_path):
    # Python starts elsewhere, with the source folder and a record of its installation on the path, as pip leaves it.
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    (tmp_path / "link").symlink_to(source, target_is_directory=True)
    shutil.copytree(uncompiled / "fastnet", source / "fastnet")
    (source / "setup.py").touch()
    record = source / "fastnet-1.dist-info"
    record.mkdir()
    elsewhere.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: fastnet\nVersion: 1\n", encoding="utf-8")
    (record / "direct_url.json").write_text(
        json.dumps({"dir_info": {"editable": True}, "url": (tmp_path.resolve() / name).as_uri()}), encoding="utf-8"
    )
    program = f"import sys\nsys.path.insert(0, {str(source)!r})\nimport fastnet\n"
    message = run(elsewhere, program).stderr
    assert "hides" not in message
    assert f"then run in {source.resolve()}: pip install --no-deps -e ." in message


@pytest.mark.parametrize("line", ["import fastnet.gradient", "from fastnet.functions import relu"])
def test_the_warning_points_at_any_form_of_import(uncompiled, line):
    result = run(uncompiled, program=f"\n\n\n{line}\n")
    assert "program.py:4: RuntimeWarning: fastnet computes with NumPy alone" in result.stderr
    assert result.stderr.count("Warning") == 1


def test_use_backend_without_kernels_raises_import_error_and_changes_nothing(uncompiled):
    result = run(uncompiled, USE_CYTHON, FASTNET_BACKEND="numpy")
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
