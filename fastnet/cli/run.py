"""`fastnet run`: run a program of the book, with fastnet behind the book's definitions."""

import argparse
import atexit
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastnet.cli import _arguments


def add_parser(commands: Any) -> None:
    """Add `run` to the commands."""
    parser = _arguments.add_command(
        commands,
        "run",
        run_program,
        help="run a program of the book, with fastnet behind the book's definitions",
        description="Run a program as `python SCRIPT` or `python -m MODULE` does. fastnet serves the functions and "
        "classes that are as the book published them, in common/, in dataset/ and in any other file that the program "
        "imports. What the reader changed stays as it is.",
    )
    parser.add_argument(
        "--list", action="store_true", help="after the program, show each definition: served by what, or left and why"
    )
    parser.add_argument(
        "--check", action="store_true", help="run the program without and with fastnet, and compare what it prints"
    )
    parser.add_argument(
        "--save-plots", type=_arguments.path, metavar="DIR",
        help="write each figure that plt.show() would have shown to DIR",
    )
    parser.add_argument("-m", action="store_true", dest="is_module", help="SCRIPT is the name of a module")
    # One argument for all: argparse takes a `--` away that stands between two.
    parser.add_argument(
        "program", nargs=argparse.PARSER, metavar="SCRIPT [ARGS]",
        help="a Python file or a notebook, and the program's own arguments",
    )


def run_program(args: argparse.Namespace) -> int:
    """Run the program. Its exceptions leave this function: Python reports them as the program's own."""
    script, *arguments = args.program[args.program[0] == "--" :]
    if not args.is_module and not Path(script).is_file():
        print(f"{args.prog}: error: {script}: no such file", file=sys.stderr)
        return 2
    is_notebook = script.endswith(".ipynb") and not args.is_module
    if is_notebook and arguments:
        print(f"{args.prog}: error: a notebook takes no arguments, got {arguments[0]!r}", file=sys.stderr)
        return 2
    if args.check:
        from fastnet.textbook._check import check

        return check(*["-m"] * args.is_module, script, *arguments)
    if is_notebook:
        return _run_notebook(args, script)
    if args.save_plots is not None:
        from fastnet.textbook._plots import save_plots

        save_plots(args.save_plots)
    from fastnet.textbook import _listing, _program

    atexit.register(_tell, _listing.table if args.list else _listing.summary)
    _program.run(script, arguments, is_module=args.is_module)
    return 0


def _run_notebook(args: argparse.Namespace, script: str) -> int:
    try:
        from fastnet.textbook import _notebook

        return _notebook.run(script, plots=args.save_plots, tell="table" if args.list else "summary")
    except (ImportError, ValueError) as error:
        print(f"{args.prog}: error: {error}", file=sys.stderr)
        return 1


def _tell(text: Callable[[], str]) -> None:
    if sys.stderr is None:
        return
    with contextlib.suppress(AttributeError, OSError, ValueError):  # the program closed or replaced its output
        if sys.stdout is not None:
            sys.stdout.flush()
        print(text(), file=sys.stderr)
