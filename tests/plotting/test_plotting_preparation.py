"""The pictures of how a digit is prepared: the steps in a row, and the boxes on a page."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastnet.images import find_digits, prepare
from fastnet.plotting import plot_boxes, plot_steps

PAPER = np.full((60, 120), 255, np.uint8)
PAPER[10:50, 20:26] = PAPER[12:52, 80:86] = 0  # eleven


@pytest.fixture
def ax():
    return Figure().subplots()


def test_the_steps_stand_in_a_row_below_their_names(ax):
    steps = prepare(PAPER[:, :60], steps=True)
    assert plot_steps(PAPER[:, :60], ax=ax) is ax
    assert [image.get_array().shape for image in ax.images] == [step.shape for step in steps.values()]
    assert (ax.images[-1].get_array() == steps["28 x 28"]).all()
    lefts = [image.get_extent()[0] for image in ax.images]
    assert lefts == sorted(lefts)
    assert [text.get_text().split(":")[0] for text in ax.texts] == list(steps)


def test_the_steps_of_a_found_digit_can_be_drawn(ax):
    digit = find_digits(PAPER)[1]
    plot_steps(digit.steps, title="the second", ax=ax)
    assert ax.get_title() == "the second"
    assert (ax.images[-1].get_array().reshape(-1) == digit.pixels).all()


def test_the_boxes_are_drawn_around_the_digits_with_their_names(ax):
    plot_boxes(PAPER, names=["one", "one more"], ax=ax)
    for patch, digit in zip(ax.patches, find_digits(PAPER), strict=True):
        left, top, right, bottom = digit.box
        (x0, y0), (x1, y1) = patch.get_bbox().min, patch.get_bbox().max
        assert x0 <= left <= right <= x1
        assert y0 <= top <= bottom <= y1
    assert [text.get_text() for text in ax.texts] == ["one", "one more"]


def test_boxes_need_as_many_names(ax):
    with pytest.raises(ValueError, match="names must hold one name for each of 2 boxes, got 1"):
        plot_boxes(PAPER, names=["1"], ax=ax)


def test_a_page_without_a_digit_is_refused(ax):
    with pytest.raises(ValueError, match="no digit found"):
        plot_steps(np.full((60, 60), 200, np.uint8), ax=ax)
