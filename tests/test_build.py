"""What the packaging says, and how the kernels are compiled. Only with `--full`, one of them is built."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import effort
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


# --- the flags of the compiler ---------------------------------------------------------------------------------------

# Flags that change the arithmetic. Not every compiler knows every one.
HOSTILE = [
    "-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-ffinite-math-only", "-fno-signed-zeros",
    "-freciprocal-math", "-fassociative-math -fno-signed-zeros -fno-trapping-math", "-ffp-model=fast", "-mdaz-ftz",
]  # fmt: skip
# What shows that one is in force, as the compiler's predefined macros.
IN_FORCE = re.compile(
    r"__FAST_MATH__|__FINITE_MATH_ONLY__ 1|__ASSOCIATIVE_MATH__|__RECIPROCAL_MATH__|__NO_SIGNED_ZEROS__"
)


@pytest.fixture(scope="module")
def compile_c(tmp_path_factory):
    """Call the C compiler of this Python on the source `c`; skip the test if it does not work, or not on Windows."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    source = tmp_path_factory.mktemp("c") / "source.c"

    def call(*flags, c="int nothing;"):
        source.write_text(c)
        command = [*compiler, *flags, str(source)]
        return subprocess.run(command, cwd=source.parent, capture_output=True, text=True, timeout=60)

    if sys.platform == "win32" or not shutil.which(compiler[0]) or call("-c").returncode:
        pytest.skip("there is no C compiler to ask")
    return call


@pytest.fixture(scope="module")
def extensions():
    """What setup.py would build."""
    setuptools = pytest.importorskip("setuptools")
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("FASTNET_BUILD", "require")
        patch.setattr(setuptools, "setup", lambda **arguments: given.update(arguments))
        runpy.run_path("setup.py")
    return given["ext_modules"]


@pytest.mark.parametrize("flag", HOSTILE)
def test_flags_that_change_the_arithmetic_are_switched_off(extensions, compile_c, flag):
    if compile_c("-c", *flag.split()).returncode:
        pytest.skip(f"the compiler does not know {flag}")
    for flags in {tuple(extension.extra_compile_args) for extension in extensions}:
        macros = compile_c(*flag.split(), *flags, "-dM", "-E").stdout  # setuptools puts the flags of the user first
        assert "__STDC__" in macros
        assert not IN_FORCE.findall(macros)


# setup.py switches -mdaz-ftz off only where it finds it.
@pytest.mark.parametrize("flag", [flag for flag in HOSTILE if flag != "-mdaz-ftz"])
def test_nor_do_they_link_code_that_flushes_subnormal_numbers_to_zero(extensions, compile_c, flag):
    for flags in {tuple(extension.extra_link_args) for extension in extensions}:
        assert "crtfastmath" not in compile_c("-shared", "-fPIC", *flag.split(), *flags, "-###").stderr


FLAGS_REFUSED = {
    "-ffast-math": "exact floating-point arithmetic",
    "-ffinite-math-only": "exact floating-point arithmetic",
    "-mfpmath=387": "float and double to be computed as such",
    "-fsingle-precision-constant": "double constants",
}


@pytest.mark.parametrize("flag", FLAGS_REFUSED)
def test_where_they_are_in_force_the_kernels_do_not_compile_and_say_why(compile_c, flag):
    c = (ROOT / "fastnet/_twins/shared/dispatch.pxd").read_text(encoding="utf-8").split('"""')[3]
    assert compile_c("-c", c=c).returncode == 0
    if compile_c("-c", flag).returncode:
        pytest.skip(f"the compiler does not know {flag}")
    if flag == "-fsingle-precision-constant" and compile_c("-c", flag, c="char c[sizeof 1.0 < 8 ? 1 : -1];").returncode:
        pytest.skip(f"the compiler ignores {flag}")
    done = compile_c("-c", flag, c=c)
    assert done.returncode
    assert f"fastnet needs {FLAGS_REFUSED[flag]}" in done.stderr


@pytest.fixture
def build(compile_c, tmp_path):  # noqa: ARG001 - skips the test if there is no compiler
    """Build one compiled module in a copy of the sources, with variables of the user."""
    if not effort.FULL:
        pytest.skip("takes seconds: run with --full")
    pytest.importorskip("Cython")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    leave = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.gz", "*.npz")
    shutil.copytree(ROOT / "fastnet", tmp_path / "fastnet", ignore=leave)
    for source in (tmp_path / "fastnet").rglob("*.pyx"):
        if source.stem != "softmax":
            source.unlink()

    def run(*command, **variables):
        environment = {**os.environ, "FASTNET_BACKEND": "numpy", "PYTHONPATH": str(tmp_path), **variables}
        command = [sys.executable, *command]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_a_kernel_built_with_them_is_right(build):
    flags = "-ffast-math -Ofast"
    built = build(
        "setup.py", "-q", "build_ext", "--inplace", FASTNET_BUILD="require", CFLAGS=flags, CPPFLAGS=flags, LDFLAGS=flags
    )
    assert built.returncode == 0, built.stderr
    done = build(
        "-c",
        """
import numpy as np
from fastnet._twins import softmax, softmax_numpy
print(softmax.softmax(np.array([1.0, 2.0, 3.0])).round(4))
print(np.isnan(softmax.softmax(np.array([np.nan, 1.0]))).all(), softmax.softmax(np.array([np.inf, 0.0])))
print(np.float64(5e-324) * np.float64(1))
x = np.append(np.random.default_rng(0).uniform(-300, 400, (8, 40)), [[400] + 39 * [-300]], axis=0)
# Without the errors of rounding that the formula takes back, it is wrong by 256 ULP, 5e-14.
print(np.allclose(softmax.softmax(x), softmax_numpy.softmax(x), rtol=4e-15, atol=0))
""",
    )
    assert done.stdout.splitlines() == ["[0.09   0.2447 0.6652]", "True [1. 0.]", "5e-324", "True"], done.stderr


def test_with_flags_that_cannot_be_switched_off_it_is_installed_without_kernels_and_says_why(build, tmp_path):
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC")
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec {compiler} "$@" -ffast-math\n')
    wrapper.chmod(0o755)
    command = ("setup.py", "-q", "build_ext", "--inplace")
    built = build(*command, FASTNET_BUILD="auto", CC=str(wrapper))
    assert built.returncode == 0
    assert "fastnet needs exact floating-point arithmetic: remove -ffast-math" in built.stderr
    assert not list((tmp_path / "fastnet").rglob("*.so"))
    assert build(*command, FASTNET_BUILD="require", CC=str(wrapper)).returncode
