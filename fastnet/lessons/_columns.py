"""Lines and tables of a given width. Letters of East Asia take two columns, and Japanese has no spaces to break at."""

import re
import unicodedata
from itertools import zip_longest

KEEP = "\x1f"  # a space at which a line breaks only if it must; every encoding has it, and it is shown as a space

_GAP = 2  # columns between those of a table
_LEAST = 6  # columns of a table's cell, even if the table becomes too wide

# Before and after these letters, a line may break without a space. Korean has spaces.
_ANYWHERE = r"\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e"
_NEVER_LAST = r"(\[（「『【〔〈《"
_NEVER_FIRST = r")\]}.,:;!?、。，．・：；？！）」』】〕〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_PIECE = re.compile(rf" *[{_NEVER_LAST}]*(?:[{_ANYWHERE}]|[^ {_ANYWHERE}]+)[{_NEVER_FIRST}]*")


def columns(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def padded(text: str, width: int) -> str:
    """Return a text with spaces up to a width."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of a text, none wider than `width`."""
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        for part in _fitting(piece, width):
            if line and columns(line + part) > width:
                lines.append(line)
                line = ""
            line += part if line else part.lstrip(" ")
    return [each.replace(KEEP, " ") for each in [*lines, line]]


def _fitting(piece: str, width: int) -> list[str]:
    """Return a piece, in parts if it is wider than a line."""
    if columns(piece.lstrip(" ")) <= width:
        return [piece]
    if KEEP in piece:
        return [part for each in _PIECE.findall(piece.replace(KEEP, " ")) for part in _fitting(each, width)]
    end = 1
    while columns(piece[: end + 1].lstrip(" ")) <= width:
        end += 1
    return [piece[:end], *_fitting(piece[end:], width)]


def table(rows: list[list[str]], width: int) -> list[str]:
    """Return the lines of a table. Its cells break if it is wider than `width`, and then rows stand apart."""
    widths = [max(map(columns, column)) for column in zip_longest(*rows, fillvalue="")]
    room = width - _GAP * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    shown = [_row(row, widths) for row in rows]
    apart = [""] if any(len(lines) > 1 for lines in shown) else []
    head, *body = shown
    lines = [*head, (" " * _GAP).join("-" * each for each in widths)]
    for place, row in enumerate(body):
        lines += [*(apart if place else []), *row]
    return lines


def _row(cells: list[str], widths: list[int]) -> list[str]:
    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return [
        (" " * _GAP).join(padded(part, width) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*parts, fillvalue="")
    ]
