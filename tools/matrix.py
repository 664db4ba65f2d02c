"""Run the tests on several Pythons, with the newest and with the oldest supported versions of what fastnet needs.

    python tools/matrix.py [PYTHON ...]

Without arguments, on every CPython from 3.11 up on the PATH. Each run has a fresh clone and environment. Warnings are
errors, as in every run of the tests. The oldest versions are those of pyproject.toml; newer Pythons have no wheels of
some of them, and are then tested with the newest alone.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
FIRST, LAST = 11, 20  # of Python 3


def found() -> list[str]:
    """Return the Pythons on the PATH."""
    names = [f"python3.{minor}{kind}" for minor in range(FIRST, LAST) for kind in ("", "t")]  # t: free-threaded
    return [name for name in names if shutil.which(name) and not said(name, "-c", "import ensurepip, venv").returncode]


Command: TypeAlias = list[str | Path]


def said(*command: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, and return what it said, errors included."""
    return subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def oldest() -> list[str]:
    """Return the oldest supported versions, as pip takes them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = [re.sub(r">=(.*)", r"==\1.*", needed) for needed in project["dependencies"]]
    return [*oldest, "pyparsing<3.3"]  # matplotlib needs it, and calls what newer ones warn of


def tested(python: str, versions: list[str], folder: Path) -> tuple[bool, str]:
    """Run the tests; return whether they pass, and the last line, with all others if they do not."""
    clone, inside = folder / "fastnet", folder / "environment" / "bin" / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(versions))
    pip: Command = [inside, "-m", "pip", "install", "--quiet", "--constraint", constraints]
    first: list[Command] = [["git", "clone", "--quiet", ROOT, clone], [python, "-m", "venv", inside.parent.parent]]
    for command in first:
        if (done := said(*command)).returncode:
            return False, done.stdout
    if versions and said(*pip, "--only-binary=:all:", *versions).returncode:
        return True, "no wheels of these"
    then: list[Command] = [[*pip, "-e", ".[test]"], [inside, "-m", "pytest", "-q"]]
    variables = ["FASTNET_BUILD=require"]
    if "t" in said(python, "-c", "import sys; print(sys.abiflags)").stdout:
        variables.append("PYTHON_GIL=0")  # else the tests that come after the import of some libraries have the GIL
    for command in then:
        if (done := said("env", *variables, *command, folder=clone)).returncode:
            return False, done.stdout
    numpy = said(inside, "-c", "import numpy; print(numpy.__version__)").stdout.strip()
    return True, f"NumPy {numpy}: {done.stdout.splitlines()[-1]}"


def main(pythons: list[str]) -> int:
    """Return 0 if all tests pass everywhere."""
    good = bool(pythons)
    for python in pythons:
        version = said(python, "-c", "import sys; print(*sys.version.split()[:1], sys.abiflags)").stdout.strip()
        for kind, versions in (("newest", []), ("oldest", oldest())):
            with tempfile.TemporaryDirectory() as folder:
                passed, line = tested(python, versions, Path(folder))
            print(f"{version:<8} {kind}: {line}", flush=True)
            good &= passed
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or found()))
