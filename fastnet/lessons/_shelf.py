"""Which lessons there are, and what each asks."""

import re
from importlib import resources
from typing import NamedTuple

from fastnet.lessons._markdown import Block, Heading, Paragraph, Say, blocks_of

_FILES = resources.files("fastnet.lessons")


class Summary(NamedTuple):
    """A lesson in two lines."""

    title: str
    question: str


def chapters() -> list[int]:
    """Return the chapters that have a lesson, in order."""
    names = (re.fullmatch(r"chapter-(\d+)\.md", file.name) for file in _FILES.iterdir())
    return sorted(int(name[1]) for name in names if name)


def lesson(chapter: int, say: Say = str) -> list[Block]:
    """Return the lesson of a chapter; `say` translates its paragraphs, in Markdown."""
    return blocks_of(_FILES.joinpath(f"chapter-{chapter}.md").read_text(encoding="utf-8"), say)


def summary(chapter: int, say: Say = str) -> Summary:
    """Return the title of a lesson and its question, which is the second part of its first paragraph."""
    title, start, *_ = lesson(chapter, say)
    if not (isinstance(title, Heading) and isinstance(start, Paragraph)):
        raise ValueError(f"chapter-{chapter}.md must begin with a heading and a paragraph")
    return Summary(title.text, re.split(r"\*\*.+?\*\*", start.text)[-1].strip())
