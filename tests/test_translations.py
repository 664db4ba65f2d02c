"""The README in its languages: what is not prose is the same in each, and the prose leaves nothing out."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LANGUAGES = {"README.md": "English", "README.ko.md": "한국어", "README.ja.md": "日本語"}
SCRIPTS = {"README.ko.md": r"[가-힣]", "README.ja.md": r"[ぁ-んァ-ヶ]"}

CODE = re.compile(r"`[^`]+`")
LINK = re.compile(r"\]\(([^)]+)\)")
NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")
MEASURED = re.compile(r"\**[\d.,]+( [mµn]?s)?\**")  # a cell of the speed table: a time, or a ratio


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def kind(block):
    """What a block is: a heading with its level, code, a table, a comment or a paragraph."""
    if heading := re.match("#+ ", block):
        return f"heading of level {len(heading[0]) - 1}"
    kinds = {"```": "code", "|": "table", "<!--": "comment"}
    return next((kinds[mark] for mark in kinds if block.startswith(mark)), "paragraph")


def blocks(text):
    """What stands between the empty lines of a page: fenced code, empty lines and all, is one block."""
    found, fenced = [""], False
    for line in text.splitlines():
        if line or fenced:
            found[-1] += f"{line}\n"
        elif found[-1]:
            found.append("")
        fenced ^= line.startswith("```")
    return [block for block in found if block]


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def differences_of_prose(english, translation):
    """Code and links are the same. Numbers are there too, and may be more: what is `ten` there may be `10` here."""
    for what, pattern in (("code", CODE), ("link", LINK)):
        ours, theirs = Counter(pattern.findall(english)), Counter(pattern.findall(translation))
        yield from (f"the {what} {each} is missing" for each in ours - theirs)
        yield from (f"the {what} {each} is not in the English one" for each in theirs - ours)
        english, translation = pattern.sub("", english), pattern.sub("", translation)
    missing = Counter(NUMBER.findall(english)) - Counter(NUMBER.findall(translation))
    yield from (f"the number {each} is missing" for each in missing)


def differences_of_tables(english, translation):
    ours, theirs = cells(english), cells(translation)
    if [len(row) for row in ours] != [len(row) for row in theirs]:
        shape = f"{len(ours)} rows and {len(ours[0])} columns"
        yield f"a table of {shape} has rows of {', '.join(str(len(row)) for row in theirs)} here"
        return
    for our_row, their_row in zip(ours, theirs, strict=True):
        for our, their in zip(our_row, their_row, strict=True):
            if not our or set(our) <= set("-:") or MEASURED.fullmatch(our):
                found = [f"{our!r} is {their!r} here"] if our != their else []
            else:
                found = differences_of_prose(our, their)
            yield from (f"in the row {our_row[0]!r}: {difference}" for difference in found)


def differences(english, translation):
    """What a translation has otherwise, each with the section it is in; nothing where it is faithful."""
    ours, theirs = blocks(english), blocks(translation)
    section = ""
    for our, their in zip(ours, theirs, strict=False):
        if kind(our) != kind(their):
            yield f"{section}: {kind(their)} instead of {kind(our)}: {their.splitlines()[0]}"
            return  # all that follows is shifted
        if our.startswith("#"):
            section = our.strip("# \n")
        if kind(our) in ("code", "comment"):
            found = [f"the {kind(our)} differs:\n{their}"] if our != their else []
        elif kind(our) == "table":
            found = differences_of_tables(our, their)
        else:
            found = differences_of_prose(our, their)
        yield from (f"{section}: {difference}" for difference in found)
    if len(ours) != len(theirs):
        more = max(ours, theirs, key=len)[min(len(ours), len(theirs))]
        yield f"{section}: at the end, {'missing' if more in ours else 'not in the English one'}: {more}"


def without_languages(text):
    """A README without the line below its title, which leads from each language to the others."""
    title, _, rest = text.split("\n\n", 2)
    return f"{title}\n\n{rest}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_translation_has_the_code_tables_links_and_numbers_of_the_readme(name):
    found = list(differences(without_languages(read("README.md")), without_languages(read(name))))
    assert not found, "\n".join([f"{name} is not what README.md is:", *found])


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_heading_and_paragraph_is_translated(name):
    found = [
        block for block in blocks(without_languages(read(name)))[1:]
        if kind(block) not in ("code", "table", "comment") and not re.search(SCRIPTS[name], block)
    ]
    assert not found, "\n".join([f"{name} has English left:", *found])


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_line_below_the_title_leads_to_the_other_languages(name):
    expected = (language if of == name else f"[{language}]({of})" for of, language in LANGUAGES.items())
    assert read(name).split("\n\n")[1] == " · ".join(expected)


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_files_that_are_linked_to_exist(name):
    found = [link for link in LINK.findall(read(name)) if "://" not in link and not (ROOT / link).exists()]
    assert not found, f"{name} leads nowhere: {found}"


PAGE = """# title

Five of 60,000 in [this](page.md), by `fastnet train`.

```sh
fastnet train

fastnet info
```

## Table

| name | time |
| --- | ---: |
| `a` | 1.02 µs |
| b, 10 | **0.34** |

The end.
"""


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("`fastnet train`", "`fastnet  train`", "title: the code `fastnet train` is missing"),
        (", by", ", `here`, by", "title: the code `here` is not in the English one"),
        ("page.md", "seite.md", "title: the link page.md is missing"),
        ("60,000", "6,000", "title: the number 60,000 is missing"),
        ("fastnet info", "fastnet  info", "title: the code differs"),
        ("\n\nfastnet info", "\nfastnet info", "title: the code differs"),
        ("## Table", "### Table", "title: heading of level 3 instead of heading of level 2"),
        ("## Table\n\n", "", "title: table instead of heading of level 2"),
        ("| b, 10 | **0.34** |\n", "", "Table: a table of 4 rows and 2 columns has rows of 2, 2, 2 here"),
        ("| **0.34** |", "| **0.34** | more |", "Table: a table of 4 rows and 2 columns has rows of 2, 2, 2, 3 here"),
        ("| `a` |", "| `A` |", "Table: in the row '`a`': the code `a` is missing"),
        ("| b, 10 |", "| b, 100 |", "Table: in the row 'b, 10': the number 10 is missing"),
        ("1.02 µs", "1.02 ms", "Table: in the row '`a`': '1.02 µs' is '1.02 ms' here"),
        ("**0.34**", "0.34", "Table: in the row 'b, 10': '**0.34**' is '0.34' here"),
        ("---:", "---", "Table: in the row '---': '---:' is '---' here"),
        ("\nThe end.\n", "", "Table: at the end, missing: The end."),
        ("The end.", "The end.\n\nAnd more.", "Table: at the end, not in the English one: And more."),
    ],
)
def test_what_differs_is_named(old, new, named):
    assert PAGE.count(old) == 1
    found = list(differences(PAGE, PAGE.replace(old, new)))
    assert found
    assert found[0].startswith(named)


def test_words_may_differ_and_a_number_may_be_written_out():
    translation = PAGE.replace("Five of", "5 von").replace("The end", "Ende").replace("name", "Name")
    assert not list(differences(PAGE, translation))
