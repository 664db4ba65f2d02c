"""`fastnet info`: show what fastnet runs on, and why."""

import argparse
import platform
from pathlib import Path
from typing import Any

import numpy as np

import fastnet
from fastnet import _backend
from fastnet._bench.machine import blas
from fastnet.cli import _arguments


def add_parser(commands: Any) -> None:
    """Add `info` to the commands."""
    _arguments.add_command(
        commands,
        "info",
        run,
        help="show version, backend, instruction set, NumPy and BLAS",
        description="Show what fastnet runs on. Include it in a bug report.",
    )


def run(_: argparse.Namespace) -> int:
    """Print one line for each fact."""
    facts = {
        "fastnet": f"{fastnet.__version__}, in {Path(fastnet.__file__).parent}",
        "backend": f"{fastnet.get_backend()} ({_backend.why})",
        "instruction set": _instruction_set(),
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "BLAS": blas(),
    }
    for name, fact in facts.items():
        print(f"{name:<16} {fact}")
    return 0


def _instruction_set() -> str:
    return f"{_backend.kernels.instruction_set()} ({platform.machine()})"
