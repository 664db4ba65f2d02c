"""The pages of the documentation: what their examples print, with either twin, and what the reference lists."""

import argparse
import doctest
import re
import runpy
from pathlib import Path

import pytest
from public import functions_and_classes, lacking_an_extra
from threadpoolctl import threadpool_limits

from fastnet.cli import make_parser

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [path for path in DOCS.rglob("*.md") if not {"_build", "examples"} & set(path.relative_to(DOCS).parts)]
    + list((ROOT / "fastnet" / "lessons").glob("*.md"))
)
FENCED = re.compile(r"^```(\S*).*\n((?:.*\n)*?)^```$", re.MULTILINE)


def name(path):
    return path.relative_to(ROOT).as_posix()


def fenced(text):
    """The blocks of a page: their language, their text and the line on which that begins, counted from 0."""
    return [(match[1], match[2], text[: match.start(2)].count("\n")) for match in FENCED.finditer(text)]


def examples(path):
    """A page's examples, as one doctest."""
    text = path.read_text(encoding="utf-8")
    found = []
    for language, block, line in fenced(text):
        if language == "pycon":
            for example in doctest.DocTestParser().get_examples(block):
                example.lineno += line
                found.append(example)
    return doctest.DocTest(found, {}, name(path), str(path), 0, text)


@pytest.mark.parametrize("path", [path for path in PAGES if examples(path).examples], ids=name)
@pytest.mark.usefixtures("backend", "loaded_once")
def test_the_examples_of_a_page_print_what_is_shown(path):
    with threadpool_limits(1):  # BLAS's threads wait for each other where other work is going on
        failed, attempted = doctest.DocTestRunner().run(examples(path))
    assert attempted
    assert not failed


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_shows_no_python_that_is_not_run(path):
    text = path.read_text(encoding="utf-8")
    shown = {language: block for language, block, _ in fenced(text) if language != "pycon" and "\n>>> " in f"\n{block}"}
    assert not shown
    assert not {"py", "python", "python3"} & {language for language, _, _ in fenced(text)}


def in_the_reference(pattern):
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "api").glob("*.md")))
    return re.findall(pattern, text, re.MULTILINE)


def test_the_reference_has_every_public_name_once():
    described = in_the_reference(r"^\.\. auto(?:function|class):: (\S+)$")
    assert len(described) == len(set(described))
    public = {name.removeprefix("fastnet.") for name in described if "._" not in name}  # but for what is only returned
    without_extras = {name.removeprefix("fastnet.") for name in lacking_an_extra()}
    assert public == set(functions_and_classes()) | without_extras


def test_the_reference_lists_every_public_name_at_a_glance():
    extension = runpy.run_path(str(DOCS / "_extensions" / "public_names.py"))
    listed = [f"{module}.{name}" for module, names in extension["public_names"]().items() for name in names]
    assert sorted(name.removeprefix("fastnet.") for name in listed) == sorted(functions_and_classes())
    assert in_the_reference(r"^\.\. public-names::$")


def test_the_reference_has_every_command():
    (commands,) = (action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    assert in_the_reference(r"   :path: (\S+)") == list(commands.choices)
