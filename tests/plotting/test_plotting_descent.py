"""What a learning rate does: the stills and the animation show the points of gradient descent."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fastnet.gradient import gradient_descent
from fastnet.plotting import animate_learning_rates, plot_learning_rates


def valley(x):
    return x[0] ** 2


def way(still):
    """The points that a still shows."""
    return still.lines[1].get_xydata()


def expected(lr, steps):
    x, history = gradient_descent(valley, np.array([-3.0]), lr=lr, step_num=steps, return_history=True)
    points = np.append(history, x)
    return np.column_stack([points, points**2])


def test_each_still_shows_the_steps_of_gradient_descent(drawn):
    plot_learning_rates(valley, [0.1, 0.95], -3.0, stills=[0, 2, 7], ax=drawn)
    stills = iter(drawn.child_axes)
    for lr in 0.1, 0.95:
        for steps in 0, 2, 7:
            np.testing.assert_allclose(way(next(stills)), expected(lr, steps), rtol=1e-12)


def test_rates_have_their_names_or_say_what_they_are(drawn):
    plot_learning_rates(valley, [0.1, 0.95], -3.0, ax=drawn)
    captions = [still.get_ylabel() for still in drawn.child_axes[::3]]
    assert captions == ["learning rate 0.1\nf(x)", "learning rate 0.95\nf(x)"]
    drawn.clear()
    plot_learning_rates(valley, {"good": 0.1}, -3.0, ax=drawn)
    assert drawn.child_axes[0].get_ylabel() == "good: 0.1\nf(x)"


def test_rates_may_be_an_array(drawn):
    plot_learning_rates(valley, np.array([0.1, 0.95]), -3.0, ax=drawn)
    assert len(drawn.child_axes) == 6


def test_names_whose_letters_no_font_has_stay_two(ax, install):  # noqa: ARG001
    with pytest.warns(UserWarning, match="no installed font has the letters"):
        plot_learning_rates(valley, {"큼": 0.1, "작": 0.1}, -3.0, ax=ax)
    assert [still.get_ylabel() for still in ax.child_axes[::3]] == ["□: 0.1\nf(x)"] * 2


@pytest.mark.parametrize(("f", "xlim"), [(lambda x: np.log(x[0]), (-5, -1)), (valley, (-1e308, 1e308))])
def test_a_part_where_f_has_no_value_is_refused(ax, f, xlim):
    with pytest.raises(ValueError, match=r"f has no finite value from x = .*: choose an xlim where it has one"):
        plot_learning_rates(f, [0.1], 3.0, stills=[1], xlim=xlim, ax=ax)


def test_a_descent_that_has_left_the_picture_says_so(drawn):
    plot_learning_rates(valley, [0.1, 1.5], -3.0, stills=[0, 5], ax=drawn)
    assert [still.texts[0].get_text() for still in drawn.child_axes] == ["", "", "", "outside"]


def test_a_descent_may_reach_infinity(drawn):
    with pytest.warns(RuntimeWarning, match="lr is 10"):
        plot_learning_rates(valley, [10.0], -3.0, stills=[400], ax=drawn)
    assert drawn.child_axes[0].texts[0].get_text() == "outside"


def test_the_part_of_the_valley_can_be_chosen(drawn):
    plot_learning_rates(valley, [0.1], -3.0, xlim=(-5, 2), ax=drawn)
    assert drawn.child_axes[0].get_xlim() == (-5, 2)


def test_the_animation_goes_through_the_steps(ax, tmp_path):
    animation = animate_learning_rates(valley, {"good": 0.3, "too large": 0.95}, -3.0, step_num=4, ax=ax)
    animation.save(tmp_path / "descent.gif", writer="pillow", dpi=40)
    with Image.open(tmp_path / "descent.gif") as picture:
        assert picture.n_frames == 5  # the last one is shown for longer
    assert ax.get_title() == "What the learning rate does: step 4"
    for still, lr in zip(ax.child_axes, (0.3, 0.95), strict=True):
        np.testing.assert_allclose(way(still), expected(lr, 4), rtol=1e-12)


def test_the_animation_may_be_a_part_of_a_figure(tmp_path):
    ax = Figure(figsize=(8, 3)).subfigures(1, 2)[1].subplots()
    animation = animate_learning_rates(valley, [0.3], -3.0, step_num=1, ax=ax)
    animation.save(tmp_path / "descent.gif", writer="pillow", dpi=40)
    with Image.open(tmp_path / "descent.gif") as picture:
        assert picture.size == (320, 120)


def test_the_animation_speaks_languages_too(ax, install, tmp_path):
    install("Noto Sans CJK JP", "学習率の働きステップ図外")
    with pytest.raises(ValueError, match="lang must be"):
        animate_learning_rates(valley, [0.3], -3.0, lang="fr", ax=ax)
    with pytest.warns(UserWarning, match="labels are English"):  # a font with so few letters is not enough
        animation = animate_learning_rates(valley, [0.3], -3.0, step_num=1, lang="ja", ax=ax)
    animation.save(tmp_path / "descent.gif", writer="pillow", dpi=40)


@pytest.mark.parametrize("draw_it", [plot_learning_rates, animate_learning_rates])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((valley, [], -3.0), ValueError, "rates is empty"),
        ((valley, 0.1, -3.0), TypeError, "rates must be a sequence or a dict"),
        ((valley, [0.1, 0.1], -3.0), ValueError, "rates has a name more than once"),
        ((valley, [-0.1], -3.0), ValueError, "each of rates must be a finite number above 0"),
        ((valley, {"none": 0.0}, -3.0), ValueError, r"rates\['none'\] must be a finite number above 0"),
        ((valley, ["0.1"], -3.0), TypeError, "each of rates must be a number"),
        ((valley, "0.1", -3.0), TypeError, "rates must be a sequence or a dict by name, got str"),
        ((valley, np.array(0.1), -3.0), TypeError, "rates must be a sequence or a dict by name, got ndarray"),
        ((valley, [0.1], np.nan), ValueError, "start must be one finite number"),
        ((valley, [0.1], [1.0, 2.0]), ValueError, "start must be one finite number"),
        ((None, [0.1], -3.0), TypeError, "f must be a function"),
        ((lambda x: "high", [0.1], -3.0), TypeError, "f must return one number"),  # noqa: ARG005
        ((lambda x: np.log(x[0]), [0.1], -3.0), ValueError, r"f must be finite at start, got f\(-3.0\) = nan"),
        ((valley, [0.1], 1e200), ValueError, r"f must be finite at start, got f\(1e\+200\) = inf"),
    ],
)
def test_what_cannot_be_drawn_is_refused(ax, draw_it, arguments, error, message):
    with pytest.raises(error, match=message):
        draw_it(*arguments, ax=ax)


def test_stills_must_be_steps(ax):
    with pytest.raises(ValueError, match="stills is empty"):
        plot_learning_rates(valley, [0.1], -3.0, stills=[], ax=ax)
    with pytest.raises(ValueError, match="each of stills must be"):
        plot_learning_rates(valley, [0.1], -3.0, stills=[-1], ax=ax)
    for stills in (None, 3):
        with pytest.raises(TypeError, match=f"stills must be a list of integers, got {stills}"):
            plot_learning_rates(valley, [0.1], -3.0, stills=stills, ax=ax)
    with pytest.raises(ValueError, match="step_num must be"):
        animate_learning_rates(valley, [0.1], -3.0, step_num=-1, ax=ax)
