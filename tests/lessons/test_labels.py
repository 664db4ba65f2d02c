"""The labels of a lesson's pictures in another language."""

import io
import re
from xml.etree import ElementTree

import pytest

from fastnet.lessons import _shelf
from fastnet.lessons._labels import labels, relabelled
from fastnet.lessons._markdown import Picture
from fastnet.lessons._page import _drawn
from fastnet.lessons._translation import translation

PICTURES = [
    pytest.param(block.program, id=f"chapter {chapter}")
    for chapter in _shelf.chapters()
    for block in _shelf.lesson(chapter)
    if isinstance(block, Picture)
]


def drawn(*texts):
    """A picture with these texts, as matplotlib draws it."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    file = io.StringIO()
    with pyplot.rc_context({"svg.fonttype": "none"}):
        figure = pyplot.figure()
        for text in texts:
            figure.text(0.5, 0.5, text, ha="center")
        figure.savefig(file, format="svg")
        pyplot.close(figure)
    return file.getvalue()


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [(element.text, element.get("textLength")) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_only_words_are_labels_and_each_is_listed_once():
    assert labels(drawn("loss & gain", "W1", "0.5", "loss & gain", "a step")) == ["loss & gain", "a step"]


def test_a_label_is_replaced_and_the_rest_stays():
    svg = relabelled(drawn("loss & gain", "W1"), {"loss & gain": "<損失>", "W1": "W1"}.__getitem__, "ja")
    assert texts(svg) == [("<損失>", None), ("W1", None)]
    assert re.findall(r'<svg [^>]*xml:lang="(\w+)"', svg) == ["ja"]


@pytest.mark.parametrize(
    ("english", "korean", "ems"),
    [("sigmoid", "시그모이드", 0.8 * 5), ("weight a", "가나다라마", 4.0), ("loss", "손실", None)],
)
def test_a_wider_label_gets_the_width_of_the_english_one_but_not_less_than_four_fifths_of_its_own(english, korean, ems):
    ((text, width),) = texts(relabelled(drawn(english), lambda _: korean, "ko"))
    assert text == korean
    assert width == (ems and f"{ems * 10:.1f}")  # matplotlib's letters have 10 pixels


def test_spaces_that_align_numbers_stay():
    ((text, _),) = texts(relabelled(drawn("0.64   0.1"), str, "en"))
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "0.64   0.1"
    assert "  " not in text


@pytest.mark.parametrize("language", ["ko", "ja"])
@pytest.mark.parametrize("program", PICTURES)
@pytest.mark.usefixtures("loaded_once")
def test_every_label_of_a_lesson_is_translated(program, language):
    pytest.importorskip("matplotlib").use("agg")
    shown, translated = labels(_drawn(program)), translation(language)
    assert [label for label in shown if label not in translated] == []


@pytest.mark.parametrize("program", PICTURES)
def test_the_letters_of_every_script_fit_between_a_label_and_the_top_of_the_picture(program):
    pytest.importorskip("matplotlib")
    root = ElementTree.fromstring(_drawn(program))
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        if not (text.text or "").strip():  # a formula, of many small texts: no label
            continue
        size = float(re.search(r"([\d.]+)px", text.get("style"))[1])
        place = re.search(r"translate\([-\d.]+[ ,]([-\d.]+)\)", text.get("transform", ""))
        baseline = float(place[1] if place else text.get("y"))
        assert baseline > size, text.text  # Hangul and kana are up to 0.9 of the size tall
