"""Run a program without fastnet and with it, and compare what the two print."""

import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")  # of an object in memory
ERROR = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt)\b.*", re.MULTILINE)  # the line below a traceback
RELATIVE = 1e-6
ROUNDING = 1e-9  # the difference of two numbers that should be equal, as a gradient check prints it, is only rounding

# Both runs start with the same random numbers and open no windows.
PROGRAM = """
import random, sys
import numpy
from fastnet.textbook import _absent, _hook, _program
serving = sys.argv[1] == "with"
if not serving:
    _hook.uninstall()
    _absent.uninstall()
random.seed(0)
numpy.random.seed(0)
is_module = sys.argv[2] == "-m"
script, *arguments = sys.argv[2 + is_module :]
if script.endswith(".ipynb") and not is_module:
    from fastnet.textbook import _notebook
    sys.exit(_notebook.run(script, serving=serving, seed=True))
_program.run(script, arguments, serving=serving, is_module=is_module)
"""


class Run(NamedTuple):
    """What a program printed, how it ended, and how long it took."""

    lines: list[str]
    status: int
    error: str  # the line below a traceback
    seconds: float


def check(*arguments: str) -> int:
    """Print whether both runs print the same; return 0 if they do, else 1.

    The arguments are those that Python would get: `-m`, if there is one, the script or the module, and the program's.
    """
    without, serving = (_run(how, arguments) for how in ("without", "with"))
    print(f"without fastnet: {_described(without)}")
    print(f"with fastnet:    {_described(serving)}")
    differences = differing(without.lines, serving.lines)
    if (without.status, without.error) != (serving.status, serving.error):
        differences.append(f"without fastnet it ends with {_end(without)}, with fastnet with {_end(serving)}")
    print("\n".join(differences) if differences else f"The same, numbers to {RELATIVE:g}.")
    return 1 if differences else 0


def _run(how: str, arguments: Sequence[str]) -> Run:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how, *arguments],
        env={"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", **os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    errors = ERROR.findall(done.stderr) if done.returncode else []
    return Run(done.stdout.splitlines(), done.returncode, errors[-1] if errors else "", seconds)


def differing(without: Sequence[str], serving: Sequence[str]) -> list[str]:
    """Return the first difference of two outputs, in lines to print; an empty list if they are the same."""
    for number, (expected, got) in enumerate(zip(without, serving, strict=False), 1):
        if not is_same(expected, got):
            return [f"Line {number} differs:", f"  without fastnet: {expected}", f"  with fastnet:    {got}"]
    if len(without) != len(serving):
        return [f"{len(without)} lines without fastnet, {len(serving)} with it."]
    return []


def is_same(expected: str, got: str) -> bool:
    """Whether two lines have the same text, apart from spaces and addresses, and the same numbers."""
    if expected == got:
        return True
    lines = [ADDRESS.sub("0x", line) for line in (expected, got)]
    texts = [[re.sub(r"\s", "", text) for text in NUMBER.split(line)] for line in lines]
    numbers = [list(map(float, NUMBER.findall(line))) for line in lines]
    return texts[0] == texts[1] and all(
        math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ROUNDING) for a, b in zip(*numbers, strict=True)
    )


def _described(run: Run) -> str:
    return f"{len(run.lines)} lines, {_end(run)}, {run.seconds:.1f} s"


def _end(run: Run) -> str:
    return f"exit status {run.status}" + (f" ({run.error})" if run.error else "")
