"""The types of command-line arguments: numbers, with the checks that the functions use, and paths."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnet._checks import as_count, as_float

MOST = 10**9  # the largest count: more is probably a typo, and would overflow later


def count(text: str) -> int:
    """Return an integer from 1 to `MOST`."""
    try:
        number = as_count(int(text), "it")
    except ValueError:
        number = MOST + 1
    if number > MOST:
        raise argparse.ArgumentTypeError(f"must be an integer from 1 to {MOST}, got {text!r}")
    return number


def counts(text: str) -> list[int]:
    """Return integers from 1 to `MOST`, separated by commas."""
    return [count(part) for part in text.split(",")]


def one_count(text: str) -> list[int]:
    """Return a list of one integer from 1 to `MOST`."""
    return [count(text)]


def size(text: str) -> tuple[int, int]:
    """Return a height and a width."""
    height, cross, width = text.lower().partition("x")
    return count(height), count(width if cross else height)


def rate(text: str) -> float:
    """Return a finite number above 0."""
    try:
        return as_float(float(text), "it")
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a finite number above 0, got {text!r}") from None


def seed(text: str) -> int:
    """Return a seed for NumPy's global generator."""
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to {2**32 - 1}, got {text!r}")
    return int(text)


def port(text: str) -> int:
    """Return the number of a port, or 0."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to {2**16 - 1}, got {text!r}")
    return int(text)


def path(text: str) -> Path:
    """Return a path; an empty text is refused, because `Path("")` is the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return Path(text)


def add_command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], **texts: Any) -> Any:
    """Add the parser of a command to the commands of `fastnet`."""
    parser = commands.add_parser(name, **texts)
    parser.set_defaults(run=run, prog=parser.prog)
    return parser
