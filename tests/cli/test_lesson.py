"""`fastnet lesson`: the command itself. tests/lessons/ has how a lesson becomes text."""

import base64
import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import pytest

from fastnet._languages import LANGUAGES
from fastnet.cli import main


def lesson(*arguments):
    return main(["lesson", *map(str, arguments)])


def test_without_a_chapter_the_lessons_are_listed_with_their_questions(capsys):
    assert lesson() == 0
    shown = " ".join(capsys.readouterr().out.split())
    for chapter in range(2, 8):
        assert f"fastnet lesson {chapter} " in shown
    assert shown.count("?") >= 6
    assert "can a rule with a few numbers make a decision?" in shown


def test_answers_are_printed_only_on_demand(capsys):
    assert lesson(2) == 0
    hidden = capsys.readouterr().out
    assert lesson(2, "--answers") == 0
    shown = capsys.readouterr().out
    assert "Many other numbers work too" not in " ".join(hidden.split())
    assert "Many other numbers work too" in " ".join(shown.split())
    assert hidden.splitlines()[-1] == "The answers: fastnet lesson 2 --answers"


def test_the_documentation_shows_what_is_printed(capsys):
    page = Path(__file__).parents[2].joinpath("docs/api/command-line.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"\$ fastnet lesson 4\n(.*?)\n\.\.\.\n```", page, re.DOTALL)
    lesson(4)
    assert capsys.readouterr().out.startswith(shown)


def test_the_width_is_that_of_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    lesson(4)
    narrow = capsys.readouterr().out.splitlines()
    assert 40 < max(len(line) for line in narrow if not line.startswith("    ")) <= 50


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "cp949"])
@pytest.mark.parametrize("chapter", range(2, 8))
def test_a_console_with_few_letters_shows_no_escapes(chapter, encoding, monkeypatch):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding=encoding))
    assert lesson(chapter, "--answers") == 0
    text = printed.getvalue().decode(encoding)
    assert text.startswith(("A rule", "The answer", "Learning", "All gradients", "Training", "Networks"))
    assert not re.search(r"\\u|\\x|\?\?", text)


@pytest.mark.parametrize("arguments", [["1"], ["8"], ["x"], ["2", "--lang", "de"]])
def test_a_wrong_argument_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        lesson(*arguments)
    assert stop.value.code == 2
    assert "invalid" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--answers", "--open"])
def test_what_is_for_one_lesson_needs_a_chapter(option, capsys):
    assert lesson(option) == 1
    assert f"{option} needs a chapter: fastnet lesson 4 {option}" in capsys.readouterr().err


def test_another_language_shows_what_is_translated(monkeypatch, capsys):
    monkeypatch.setattr("fastnet.cli.lesson.translation", lambda language: {"The picture": f"{language}: 그림"})
    assert lesson(2, "--lang", "ko") == 0
    shown = capsys.readouterr()
    assert "ko: 그림\n--------\n" in shown.out
    assert "A rule that decides" in shown.out
    assert shown.out.splitlines()[-1] == "The answers: fastnet lesson 2 --lang ko --answers"
    assert not shown.err


@pytest.mark.parametrize(
    ("language", "encoding"), [("ko", "ascii"), ("ko", "cp932"), ("ja", "cp1252"), ("ja", "cp949")]
)
def test_a_console_without_the_letters_of_a_language_is_told(language, encoding, monkeypatch, capsys):
    monkeypatch.setattr("fastnet.cli.lesson.translation", lambda _: {"The picture": "그림"})
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert lesson(2, "--lang", language) == 1
    assert f"lacks the letters of --lang {language}: set PYTHONUTF8=1" in capsys.readouterr().err


def test_every_language_can_be_asked_for(capsys):
    for language in LANGUAGES:
        assert lesson("--lang", language) == 0
        assert "fastnet lesson 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "picture", "answers"), [("en", "Picture", "The answers"), ("ko", "그림", "답"), ("ja", "図", "答え")]
)
def test_what_the_command_says_itself_is_in_the_language_of_the_lesson(language, picture, answers, capsys):
    assert lesson(4, "--lang", language) == 0
    shown = capsys.readouterr().out
    assert shown.count(f"[{picture}: ") == 2
    assert f"\n{answers}: fastnet lesson 4" in shown


# --- in the browser ---------------------------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page, by name, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def count(self, name):
        return sum(tag == name for tag, _ in self.found)


def test_without_docutils_an_error_names_the_extra(monkeypatch, capsys):
    for module in ("docutils", "docutils.utils", "docutils.utils.math", "docutils.utils.math.latex2mathml"):
        monkeypatch.setitem(sys.modules, module, None)
    assert lesson(2, "--open") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "fastnet's extra `lessons`" in line


@pytest.mark.parametrize("chapter", range(2, 8))
@pytest.mark.usefixtures("loaded_once")
def test_the_page_for_the_browser_needs_no_other_file(chapter, monkeypatch, capsys, tmp_path):
    pytest.importorskip("docutils.utils.math.latex2mathml", reason="the extra `lessons` is not installed")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert lesson(chapter, "--open") == 0
    (address,) = opened
    file = Path(url2pathname(unquote(urlparse(address).path)))
    assert capsys.readouterr().out == f"The lesson is in {file}\n"
    page = file.read_text(encoding="utf-8")
    elements = Elements(page)
    loaded = [value for _, attributes in elements.found for key, value in attributes.items() if key in ("src", "href")]
    assert all(value.startswith("data:image/svg+xml;base64,") for value in loaded)
    assert [base64.b64decode(value.partition(",")[2])[:5] for value in loaded] == [b"<?xml"] * elements.count("img")
    assert elements.count("img") == (2 if chapter == 4 else 1)
    assert elements.count("math") > 5
    assert elements.count("details") == 3
    assert all(attributes["alt"] for tag, attributes in elements.found if tag == "img")
    assert not re.search(r"\$|\*\*|```", re.sub(r"<code>.*?</code>|base64,[^\"]*", "", page, flags=re.DOTALL))


@pytest.mark.parametrize(("language", "label"), [("en", "answer 1"), ("ko", "답 1"), ("ja", "答え 1")])
def test_the_picture_in_the_page_has_the_labels_of_the_language(language, label, monkeypatch, tmp_path):
    pytest.importorskip("docutils.utils.math.latex2mathml", reason="the extra `lessons` is not installed")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    assert lesson(2, "--open", "--lang", language) == 0
    (file,) = tmp_path.rglob("lesson-2.html")
    (picture,) = re.findall(r'base64,([^"]*)', file.read_text(encoding="utf-8"))
    assert f">{label}</text>" in base64.b64decode(picture).decode()
