"""Let the search of the Japanese pages find terms of several words, such as 損失関数.

Sphinx's index holds the words of a text (損失, 関数), but the page takes what the reader types as one word.
"""

import re

from sphinx.search.ja import DefaultSplitter

KANJI, KATAKANA = "[\u3005\u3400-\u9fff]", "[\u30a1-\u30fa\u30fc]+"
UNIT = re.compile(rf"{KANJI}|{KATAKANA}|[A-Za-z0-9_]+")
TERM = re.compile(rf"(?:{UNIT.pattern})+")
TEXT = re.compile(r"\w*[\u3040-\u30ff\u3400-\u9fff]\w*")  # between punctuation, with a Japanese letter


class Splitter(DefaultSplitter):
    """Sphinx's words, every part of a term in kanji and katakana, and what stands between punctuation.

    The search finds three and more letters inside an entry, but only if no entry is equal to them. So what is often
    searched for needs an entry on every page that has it.
    """

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx's name for it
        """Return the entries of the index for a text."""
        terms = [UNIT.findall(term) for term in TERM.findall(input)]
        parts = [
            "".join(units[start:end])
            for units in terms
            for start in range(len(units))
            for end in range(start + 1, len(units) + 1)
        ]
        return [*super().split(input), *parts, *TEXT.findall(input)]
