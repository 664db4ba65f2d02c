"""What was served and what was left: one line for the end of a program, and a table."""

import os
from collections import Counter

from fastnet.textbook._hook import Found, found


def summary() -> str:
    """Return one line: how many definitions fastnet served, from which files."""
    rows = _rows()
    served = Counter(_shown(row.path) for row in rows if row.served_by)
    left = len(rows) - served.total()
    text = "replaced nothing"
    if served:
        text = "replaced " + ", ".join(f"{number} in {path}" for path, number in sorted(served.items()))
    more = f"; left {left} as they are (fastnet run --list shows each)" if left else ""
    return f"fastnet run: {text}{more}"


def table() -> str:
    """Return the definitions by file, each with what serves it or why it was left."""
    rows, lines, file = _rows(), [], ""
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        if row.path != file:
            file = row.path
            lines.append(f"{_shown(file)}:")
        what = f"served by {row.served_by}" if row.served_by else f"yours: {row.reason}"
        lines.append(f"  {f'line {row.line}' if row.line else '':<9} {row.name:<{width}}  {what}")
    return "\n".join(lines) or "No file with a definition of the book was read."


def _rows() -> list[Found]:
    """Return the last word on each definition, in the order of the files and their lines."""
    last = {(row.path, row.line, row.name): row for row in found}
    return sorted(last.values())


def _shown(path: str) -> str:
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith(os.path.join(os.pardir, os.pardir)) else relative
