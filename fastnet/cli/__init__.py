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
from contextlib import redirect_stdout, suppress
from importlib import import_module
from typing import Any, NoReturn

import fastnet
from fastnet._startup import INTERRUPTED, raise_when_interrupted
from fastnet._streams import complain, is_open
from fastnet.cli import run

COMMANDS = ("train", "predict", "play", "lesson", "run", "bench", "info")  # each is a module here

UNPRINTED = "the result cannot be printed"

# Errors that the user can fix. Any other exception is a bug in fastnet and shows its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, MemoryError, OverflowError)


class UnprintedError(OSError):
    """Standard output does not take what is printed."""


class Output:
    """Standard output. Its errors are told from those of the files that a command writes.

    Names of files and classes may have characters that its encoding lacks: they are written as escapes.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        try:
            return self._stream.write(text)
        except UnicodeEncodeError as error:  # names of classes and files may be in any script
            return self._stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
        except OSError as error:
            raise UnprintedError(f"{UNPRINTED}: {error.strerror}") from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise UnprintedError(f"{UNPRINTED}: {error.strerror}") from error


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that prints an error as one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)")
        self.exit(2)

    def _print_message(self, message: str, file: Any = None) -> None:
        file.write(message)  # argparse itself ignores that this fails


def make_parser(only: str | None = None) -> Parser:
    """Return the parser of the whole command line; the documentation uses it too.

    If `only` is the name of a command, only this one is imported: a program under `fastnet run` starts earlier.
    """
    parser = Parser(
        prog="fastnet",
        description="The neural network of the textbook Deep Learning from Scratch, on MNIST.",
        epilog="Start with: fastnet train",
    )
    parser.add_argument("--version", action="version", version=f"fastnet {fastnet.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name in (only,) if only in COMMANDS else COMMANDS:
        import_module(f"fastnet.cli.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; `argv` is the command line after the program's name."""
    program = "fastnet"
    if not is_open(sys.stdout):
        complain(f"{program}: error: {UNPRINTED}: standard output is closed")
        return 1
    with warnings.catch_warnings(), redirect_stdout(Output(sys.stdout)):
        warnings.showwarning = _show_warning
        try:
            raise_when_interrupted()  # from here on, `except` reports it
            fastnet.get_backend()  # raises if FASTNET_BACKEND names an unknown or unusable backend
            args = _parsed(argv)
            program = args.prog
            if args.run is not run.run_program:
                status: int = args.run(args)
                sys.stdout.flush()
                return status
        except USER_ERRORS as error:
            complain(f"{program}: error: {_one_line(_of_the_rest() or error)}")
            return 1
        except KeyboardInterrupt:
            complain(f"{program}: interrupted")
            return INTERRUPTED
    program_status: int = run.run_program(args)  # here, because the program's errors and warnings are its own
    return program_status


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    words = sys.argv[1:] if argv is None else argv
    try:
        return make_parser(only=words[0] if words else None).parse_args(words)
    except SystemExit:
        sys.stdout.flush()  # argparse has printed the help or the version
        raise


def _of_the_rest() -> UnprintedError | None:
    """Print the rest of the output; return the error if that fails.

    Python would try to print it when it ends, and fail. So the rest goes to the null device.
    """
    try:
        if is_open(sys.stdout):
            sys.stdout.flush()
    except UnprintedError as failed:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failed
    return None


def _one_line(error: BaseException) -> str:
    message = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    return " ".join(message.split()) or type(error).__name__


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    complain(f"fastnet: warning: {message}")
