"""The command line: one module for each command, with `add_parser` and a `run` that prints and saves.

An error that the user can fix prints one line to standard error, never a traceback. The exit status is 2 for a wrong
command line, 1 for an error while the command runs, and 130 for Ctrl-C. Only a program that `fastnet run` runs ends as
it does under Python.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import fastnet
from fastnet.cli import bench, info, predict, run, train

# Errors that the user can fix. Any other exception is a bug in fastnet and shows its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, MemoryError, OverflowError)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that prints an error as one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)\n")


def make_parser() -> Parser:
    """Return the parser of the whole command line; the documentation uses it too."""
    parser = Parser(
        prog="fastnet",
        description="The neural network of the textbook Deep Learning from Scratch, on MNIST.",
        epilog="Start with: fastnet train",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {fastnet.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in (train, predict, run, bench, info):
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; `argv` is the command line after the program's name."""
    try:
        fastnet.get_backend()
    except USER_ERRORS as error:  # FASTNET_BACKEND names an unknown or unusable backend
        print(f"fastnet: error: {_one_line(error)}", file=sys.stderr)
        return 1
    args = make_parser().parse_args(argv)
    if args.run is run.run_program:  # the program's errors and warnings are its own
        return int(args.run(args))

    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            status: int = args.run(args)
            sys.stdout.flush()
            return status
        except BrokenPipeError:  # the reader of our output has ended, so no message can reach it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except USER_ERRORS as error:
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
