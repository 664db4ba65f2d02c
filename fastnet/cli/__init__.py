"""The command line: one module a command, each with `add_parser` and a `run` that prints and saves.

What goes wrong for a reason the user can mend ends in one line on standard error, never in a traceback: exit status 2
for what was typed, 1 for what happened then, 130 for Ctrl-C.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import fastnet
from fastnet.cli import bench, info, predict, train

# Errors that tell the user something; any other exception is a bug of ours, and its traceback is wanted.
TELLING = (ValueError, TypeError, OSError, ImportError, MemoryError, OverflowError)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """The parser of the whole command line, which the documentation shows too."""
    parser = Parser(
        prog="fastnet",
        description="The neural network of the textbook Deep Learning from Scratch, on MNIST.",
        epilog="Start with: fastnet train",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {fastnet.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in (train, predict, bench, info):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; `argv` is the command line after the program's name."""
    try:
        fastnet.get_backend()
    except TELLING as error:  # FASTNET_BACKEND asks for what cannot be had
        print(f"fastnet: error: {_one_line(error)}", file=sys.stderr)
        return 1
    args = make_parser().parse_args(argv)

    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            status: int = args.run(args)
            sys.stdout.flush()
            return status
        except BrokenPipeError:  # whoever read our output has stopped; there is nobody to tell
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except TELLING as error:
            print(f"{args.prog}: error: {_one_line(error)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"{args.prog}: interrupted", file=sys.stderr)
            return 130


def _one_line(error: BaseException) -> str:
    message = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    return " ".join(message.split()) or type(error).__name__


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"fastnet: warning: {message}", file=sys.stderr)
