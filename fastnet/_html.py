"""Tables in HTML, which a notebook shows in place of a `repr`.

They set no colour: so they have those of the page around them, light or dark. Every text is escaped.
"""

from collections.abc import Iterable, Sequence

CELL = "padding: 0.2em 0.8em; text-align: left; white-space: nowrap"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, strong: Sequence[str] = ()) -> str:
    """Return a table. A row whose last cell is one of `strong` is in bold."""
    lines = [f'<caption style="text-align: left">{escape(caption)}</caption>', _row("th", head, CELL)]
    for cells in rows:
        weight = "; font-weight: bold" if cells[-1] in strong else ""
        lines.append(_row("td", cells, CELL + weight))
    return f'<table style="border-collapse: collapse">{"".join(lines)}</table>'


def paragraph(text: str) -> str:
    """Return a line of text."""
    return f"<p>{escape(text)}</p>"


def escape(text: str) -> str:
    """Return a text with no character that HTML would take for its own."""
    from html import escape  # here, because `import fastnet` would take longer

    return escape(text)


def _row(tag: str, cells: Sequence[str], style: str) -> str:
    return "<tr>" + "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"
