"""Ctrl-C while the command line starts: importing NumPy and fastnet takes a moment, before any `try` can begin."""

import itertools
import os
import sys
from types import TracebackType

COMMAND = "fastnet"
INTERRUPTED = 130  # the exit status of a program that Ctrl-C ends: 128 + SIGINT


def interrupts_end_quietly() -> None:
    """If Python runs the command line, let a KeyboardInterrupt that nobody catches print one line, no traceback.

    For programs that import fastnet, nothing changes.
    """
    if _is_the_command():
        sys.excepthook = _end


def _is_the_command() -> bool:
    """Whether this is ``python -m fastnet``, or the script that an installation makes."""
    if sys.argv[:1] == ["-m"]:  # Python still looks for the module
        return any(flag.endswith("m") and name == COMMAND for flag, name in itertools.pairwise(sys.orig_argv))
    program = os.path.splitext(os.path.basename(sys.argv[0]))[0] if sys.argv else ""
    return program.removesuffix("-script") == COMMAND


def interrupts_end_as_usual() -> None:
    """Show tracebacks again: those of a program that the command line runs are its own."""
    if sys.excepthook is _end:
        sys.excepthook = sys.__excepthook__


def _end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    os.write(2, f"{COMMAND}: interrupted\n".encode())  # sys.stderr may not be there any more
    os._exit(INTERRUPTED)


interrupts_end_quietly()
