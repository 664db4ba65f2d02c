"""The streams of the process, which may be closed or missing, and what the trainer shows on them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple


def is_open(stream: Any) -> bool:
    """Whether a stream can be written to: without a console it is None, and a program may close it."""
    try:
        return stream is not None and not getattr(stream, "closed", False)
    except ValueError:  # it has given its buffer away
        return False


def print_line(line: str) -> None:
    """Print a line to standard output, if there is one."""
    if is_open(sys.stdout):
        print(line)


def complain(line: str) -> None:
    """Print a line to standard error, if there is one that takes it."""
    if is_open(sys.stderr):
        with suppress(OSError):
            print(line, file=sys.stderr)


class Progress(NamedTuple):
    """Where the lines of a training run go, and what moves the bar after every iteration, if there is one."""

    write: Callable[[str], None]
    advance: Callable[[list[float]], None] | None


@contextmanager
def progress(total: int, *, bar: bool) -> Iterator[Progress]:
    """Show a progress bar on standard error, if `bar` and if there is a terminal or a notebook."""
    streams = is_open(sys.stderr) and is_open(sys.stdout)  # tqdm flushes both
    in_notebook = _is_in_notebook()
    if not (bar and streams and (_is_terminal(sys.stderr) or in_notebook)):
        yield Progress(print_line, None)
        return
    with _bar(in_notebook)(total=total, unit="it", dynamic_ncols=True) as shown:

        def advance(losses: list[float]) -> None:
            if losses:
                shown.set_postfix_str(f"loss {losses[-1]:.4f}", refresh=False)
            shown.update()

        yield Progress(shown.write, advance)


def _bar(in_notebook: bool) -> Any:
    """Return the kind of bar: in a notebook a widget, or a line of text if there are no widgets."""
    if in_notebook and find_spec("ipywidgets") is None:
        from fastnet._notebook_line import line_in_place

        return line_in_place()
    return import_module("tqdm.notebook" if in_notebook else "tqdm").tqdm


def _is_in_notebook() -> bool:
    """Whether this process computes for a notebook. One that runs notebooks in others loads the same modules."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_shell is not None and hasattr(get_shell(), "kernel")


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except Exception:  # an object in place of a stream may have no isatty, or one that fails in any way
        return False
