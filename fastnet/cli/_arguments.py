"""The types of arguments on the command line: numbers by the same checks as the functions', and paths."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnet._checks import as_count, as_float

MOST = 10**9  # of anything that is counted: more is a slip of the finger, and overflows somewhere else


def count(text: str) -> int:
    """An integer from 1 to `MOST`."""
    try:
        number = as_count(int(text), "it")
    except ValueError:
        number = MOST + 1
    if number > MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST}, got {text!r}")
    return number


def rate(text: str) -> float:
    """A finite number above 0."""
    try:
        return as_float(float(text), "it")
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text!r}") from None


def seed(text: str) -> int:
    """A seed of NumPy's global generator."""
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {2**32 - 1}, got {text!r}")
    return int(text)


def path(text: str) -> Path:
    """A path, which an empty text is not, though `Path` takes it for the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return Path(text)


def add_command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], **texts: Any) -> Any:
    """Add the parser of a command to those of `fastnet`."""
    parser = commands.add_parser(name, **texts)
    parser.set_defaults(run=run, prog=parser.prog)
    return parser
