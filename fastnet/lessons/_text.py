"""A lesson as plain text for a terminal."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fastnet.lessons._columns import KEEP, columns, table, wrapped
from fastnet.lessons._formulas import plain
from fastnet.lessons._markdown import (
    INLINE,
    Answer,
    Block,
    Code,
    Formula,
    Heading,
    Item,
    Paragraph,
    Picture,
    Say,
    Table,
)
from fastnet.lessons._spelling import spelled


@dataclass(frozen=True)
class Terminal:
    """Where a text is shown: how wide it is, which letters it has, and what its language has for our own words."""

    width: int
    encoding: str = "utf-8"
    say: Say = str

    def words(self, markdown: str) -> str:
        """Return the words of a paragraph without Markdown's marks. Code keeps its backticks."""
        return spelled(INLINE.sub(self._without_marks, markdown), self.encoding)

    def _without_marks(self, found: re.Match[str]) -> str:
        if found["latex"]:
            return spelled(plain(found["latex"]), self.encoding).replace(" ", KEEP)
        if found["code"]:
            return found["code"].replace(" ", KEEP)
        return self.words(found["link"] or found["strong"] or found["emphasis"])

    def lines(self, blocks: Iterable[Block], *, answers: bool) -> list[str]:
        """Return the lines of a lesson, with its answers or without."""
        found: list[str] = []
        was_item = False
        for block in blocks:
            if isinstance(block, Answer) and not answers:
                continue
            is_item = isinstance(block, Item)
            if found and not (is_item and was_item and _is_short(block)):
                found.append("")
            found += self._block(block, answers)
            was_item = is_item
        return found

    def _block(self, block: Block, answers: bool) -> list[str]:
        match block:
            case Heading(level, text):
                title = self.words(text)
                return [*wrapped(title, self.width), ("=" if level == 1 else "-") * min(columns(title), self.width)]
            case Paragraph(text):
                return wrapped(self.words(text), self.width)
            case Item(mark, inside):
                return _indented(self._within(len(mark) + 1).lines(inside, answers=answers), f"{mark} ")
            case Answer(title, inside):
                return [f"{self.words(title)}:", *_indented(self._within(2).lines(inside, answers=answers), "  ")]
            case Table(rows):
                return table([[self.words(cell) for cell in row] for row in rows], self.width)
            case Code(text):
                return _indented(spelled(text, self.encoding).splitlines(), "    ")
            case Formula(latex):
                return _indented(self._formula(latex), "    ")
            case Picture(alt):
                return wrapped(f"[{self.say('Picture')}: {self.words(alt)}]", self.width)

    def _within(self, columns_before: int) -> "Terminal":
        return replace(self, width=max(self.width - columns_before, 1))

    def _formula(self, latex: str) -> list[str]:
        text = spelled(plain(latex), self.encoding)
        return text.splitlines() if "\n" in text else wrapped(text, max(self.width - 4, 1))


def _indented(lines: list[str], first: str) -> list[str]:
    rest = " " * len(first)
    return [f"{rest if place else first}{line}".rstrip() for place, line in enumerate(lines)]


def _is_short(block: Block) -> bool:
    """Whether an item is one paragraph: a list of such has no blank lines."""
    return isinstance(block, Item) and len(block.blocks) == 1
