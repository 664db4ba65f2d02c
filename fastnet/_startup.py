"""Ctrl-C while the command line starts: importing NumPy and fastnet takes a moment, before any `try` can begin.

A KeyboardInterrupt would not do: some of what NumPy imports makes an ImportError of it, or nothing at all.
"""

import _signal as signal  # type: ignore[import-not-found]  # `signal` imports others, which takes some milliseconds
import itertools
import os
import sys

COMMAND = "fastnet"
INTERRUPTED = 130  # the exit status of a program that Ctrl-C ends: 128 + SIGINT


def end_quietly_when_interrupted() -> None:
    """If Python runs the command line, let Ctrl-C end it with one line. For a program that imports fastnet, do nothing.

    `raise_when_interrupted` ends this.
    """
    if _is_the_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_when_interrupted() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, as in any Python program."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_the_command() -> bool:
    """Whether this is ``python -m fastnet``, or the script that an installation makes."""
    if sys.argv[:1] == ["-m"]:  # Python still looks for the module
        return any(flag.endswith("m") and name == COMMAND for flag, name in itertools.pairwise(sys.orig_argv))
    program = os.path.splitext(os.path.basename(sys.argv[0]))[0] if sys.argv else ""
    return program.removesuffix("-script") == COMMAND


def _end(*_: object) -> None:
    os.write(2, f"{COMMAND}: interrupted\n".encode())  # sys.stderr may be in use
    os._exit(INTERRUPTED)


end_quietly_when_interrupted()
