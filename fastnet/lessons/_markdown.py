"""The blocks of a lesson's page.

This reads the Markdown that the lessons use, not all of Markdown: fastnet needs no library for six pages. What it does
not know, it refuses, so that nothing is shown wrong.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

Say = Callable[[str], str]  # from a paragraph in English to the same in another language


@dataclass(frozen=True)
class Heading:
    """The title of the page (level 1) or of a part of it."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Words, with Markdown's marks in the line."""

    text: str


@dataclass(frozen=True)
class Item:
    """One point of a list: its mark, "-" or "1.", and what it says."""

    mark: str
    blocks: "list[Block]"


@dataclass(frozen=True)
class Table:
    """Rows of cells. The first row is the head."""

    rows: list[list[str]]


@dataclass(frozen=True)
class Code:
    """Lines that stay as they are."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A formula on lines of its own, in LaTeX."""

    latex: str


@dataclass(frozen=True)
class Picture:
    """What a picture shows, in words, and the program that draws it."""

    alt: str
    program: str


@dataclass(frozen=True)
class Answer:
    """What is shown only on demand."""

    title: str
    blocks: "list[Block]"


Block = Heading | Paragraph | Item | Table | Code | Formula | Picture | Answer

# The marks within a line: code, a formula, a link (its words), strong and emphasized words.
INLINE = re.compile(
    r"(?:\{[\w:]+\})?(?P<code>`[^`]+`)|\$(?P<latex>[^$]+)\$|\[(?P<link>[^\]]+)\]\([^)]*\)"
    r"|\*\*(?P<strong>.+?)\*\*|\*(?P<emphasis>[^*]+)\*"
)

_HEADING = re.compile(r"(#+) (.+)")
_FENCE = re.compile(r"```(\S*) ?(.*)")
_ITEM = re.compile(r"(-|\d+\.) +")
_UNKNOWN = re.compile(r"[ \t<>]|:::|~~~|[*+] |\d+\) |!\[|([-*_])\1\1+$")  # blocks of Markdown that no lesson has
_OPTION = re.compile(r":([\w-]+): (.*)")
_STARTS = (_HEADING, _FENCE, _ITEM, re.compile(r"\$\$|\|"))  # what ends a paragraph without a blank line


def blocks_of(text: str, say: Say) -> list[Block]:
    """Return the blocks of a page or of a part of it. `say` is given every text but code."""
    lines, found = text.splitlines(), []
    while lines:
        if not lines[0].strip():
            del lines[0]
            continue
        block, used = _first(lines, say)
        found.append(block)
        del lines[:used]
    return found


def _first(lines: list[str], say: Say) -> tuple[Block, int]:
    """Return the first block, and of how many lines it is made."""
    line = lines[0]
    if heading := _HEADING.fullmatch(line):
        return Heading(len(heading[1]), say(heading[2])), 1
    if fence := _FENCE.fullmatch(line):
        inside = _until(lines[1:], "```")
        return _fenced(fence[1], fence[2], inside, say), len(inside) + 2
    if line == "$$":
        inside = _until(lines[1:], "$$")
        return Formula(say("\n".join(inside))), len(inside) + 2
    if line.startswith("|"):
        rows = [_cells(row) for row in takewhile(lambda row: row.startswith("|"), lines)]
        if len(rows) < 3 or len({len(row) for row in rows}) > 1:
            raise ValueError(f"a table has no rows, or rows of other lengths than: {line!r}: write all cells")
        return Table([[say(cell) for cell in row] for row in [rows[0], *rows[2:]]]), len(rows)
    if item := _ITEM.match(line):
        inside = list(takewhile(lambda row: row.startswith(" ") or not row, lines[1:]))
        body = [line[item.end() :], *(row[item.end() :] for row in inside)]
        return Item(item[1], blocks_of("\n".join(body), say)), len(inside) + 1
    if _UNKNOWN.match(line):
        raise ValueError(f"a lesson has no such block: {line!r}: write it in another way")
    words = [line, *takewhile(_goes_on, lines[1:])]
    return Paragraph(say(" ".join(words))), len(words)


def _goes_on(line: str) -> bool:
    """Whether a line belongs to the paragraph before it."""
    return bool(line.strip()) and not any(start.match(line) for start in _STARTS)


def _until(lines: list[str], end: str) -> list[str]:
    if end not in lines:
        raise ValueError(f"a block of a lesson has no end: {end} is missing: write it")
    return lines[: lines.index(end)]


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def _fenced(kind: str, title: str, lines: list[str], say: Say) -> Block:
    if not kind.startswith("{"):
        return Code("\n".join(lines))
    if kind == "{admonition}":
        options = list(takewhile(_OPTION.fullmatch, lines))
        return Answer(say(title), blocks_of("\n".join(lines[len(options) :]), say))
    if kind == "{eval-rst}" and lines and lines[0] == ".. plot::":
        inside = [line.removeprefix("   ") for line in lines[1:]]
        options = list(takewhile(bool, inside))
        named = {option[1]: option[2] for option in map(_OPTION.fullmatch, options) if option}
        if len(named) == len(options) and "alt" in named:
            return Picture(say(named["alt"]), "\n".join(inside[len(options) :]).strip())
    raise ValueError(f"a lesson has no such block: {kind} {title or ' '.join(lines[:1])}: write it in another way")
