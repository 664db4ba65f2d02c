"""What fastnet says when something is wrong: what was wanted or what to do. One page has all of it."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from fastnet import TwoLayerNet

DOCS = Path(__file__).parents[1] / "docs"
EXTENSION = runpy.run_path(str(DOCS / "_extensions" / "messages.py"))
MESSAGES = EXTENSION["messages"]()
PAGE = (DOCS / "errors.md").read_text(encoding="utf-8")

# What tells a reader what was wanted, or what to do. One of these words is in each message.
HELP = re.compile(
    r"\b(must|needs?|needed|pass|give|use|choose|leave|let|call|make|set|write|name|install|start|begin|save|"
    r"scale|resize|replace|remove|correct|put|add|take|try|train|switch|shrink|load|declare|download|close|restart|search|"
    r"pip|go together)\b",
    re.IGNORECASE,
)
# What is no message of its own, but the end of another one, which names the file and says what to do.
REASON = re.compile(
    r"(its?|an array of shape) |<filename> "
    r"|<name> (is <\.\.\.>, not an array|has the unknown version|holds Python objects)"
)
# What need not be mended: news, and the frames of other messages.
NEWS = {
    "<name>: the results differ, so their speeds cannot be compared: <error>",
    "<path> has <frames> frames: the first is read",
    "<prog>: error: <names> (see <prog> --help)",
    "<prog>: interrupted before the first iteration was done: nothing to keep",
    "<prog>: interrupted while <PICTURE> was drawn: <WEIGHTS> and <HISTORY> are kept in <folder>",
    "<prog>: warning: no checkpoint at iteration <current iter>: <path>: <reason>. The training goes on",
    "<wanted>, got <...>",
    "<wanted>, got <weight init std>",
    "fastnet predict: error: <message>",
    "fastnet predict: note: <path> has a light / dark background, other than the pictures that the network learned "
    "from: it is shown inverted",
    "fastnet: error: <...>",
    "fastnet: error: the result cannot be printed: standard output is closed",
    "fastnet: interrupted",
    "fastnet: warning: <message>",
    "module <name> has no attribute <name>",  # as Python says it
    "picture <place>: <error>",
    # _backend.py: how to build follows.
    "fastnet's compiled kernels are built and cannot be loaded: <names>",
    "fastnet's compiled kernels are not built",
    "fastnet's compiled kernels are out of date: their sources have changed",
}  # fmt: skip


def words(message):
    return "".join(text for text, is_filled_in in message.text if not is_filled_in)


def test_the_messages_are_found():
    found = {str(message) for message in MESSAGES}
    assert len(found) > 400
    assert "<name> must be an integer, got <value>" in found  # with an f-string
    assert "network.params is empty: there is no gradient to check. It must hold the arrays of weights" in found
    assert any(text.startswith("<prog>: interrupted while ") for text in found)  # printed, not raised
    assert any("Declare f as one of these" in text for text in found)  # with a constant of the module


def test_every_message_says_what_was_wanted_or_what_to_do():
    without = {str(each) for each in MESSAGES if not REASON.match(str(each)) and not HELP.search(words(each))}
    assert without == NEWS


def test_a_message_that_says_what_an_argument_must_be_says_what_it_was():
    """It shows a value, or the state is in its words: empty, read-only, None."""
    state = re.compile(r"\b(got|empty|None|are|is missing|but|has|have|without|last)\b")
    musts = [each for each in MESSAGES if re.search(r"\bmust (be|hold|have|return)\b", words(each))]
    assert len(musts) > 150
    wanting = [str(each) for each in musts if "<" not in str(each) and not state.search(words(each))]
    assert not wanting


def test_every_message_has_its_part_of_the_page():
    assert {each.place for each in MESSAGES if each.part is None} == set()
    assert sorted(re.findall(r"^```\{messages\} (\w+)$", PAGE, re.MULTILINE)) == sorted(EXTENSION["PARTS"])
    assert {each.part for each in MESSAGES} == EXTENSION["PARTS"].keys()


@pytest.mark.parametrize("heading", ["needs fastnet's extra", "fastnet computes with NumPy alone"])
def test_what_the_page_explains_without_an_example_is_still_said(heading):
    """test_docs.py runs the examples of the others."""
    assert f"### {heading}\n" in PAGE
    assert any(heading in str(message) for message in MESSAGES)


def test_a_square_image_is_told_how_to_become_a_row():
    with pytest.raises(ValueError, match=r"got shape \(5, 28, 28\): write x\.reshape\(5, -1\)$"):
        TwoLayerNet(784, 3, 10).predict(np.zeros((5, 28, 28)))
    for shape in [(5, 27, 28), (0, 28, 28), (784, 1)]:
        with pytest.raises(ValueError, match=r"got shape \([\d, ]+\)$"):
            TwoLayerNet(784, 3, 10).predict(np.zeros(shape))
