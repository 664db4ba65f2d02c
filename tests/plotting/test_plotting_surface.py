"""The pictures of functions of two variables: the gradient field, and the paths downhill."""

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from fastnet import optimizer, plotting
from fastnet.gradient import gradient_descent
from fastnet.optimizer import SGD


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def valley(x):
    return x[0] ** 2 / 20 + x[1] ** 2


def arrows(ax):
    (quiver,) = (artist for artist in ax.collections if isinstance(artist, Quiver))
    return quiver


def paths(ax):
    """The lines with a name in the legend, by it."""
    return {line.get_label(): line.get_xydata() for line in ax.lines if not line.get_label().startswith("_")}


# --- the field -------------------------------------------------------------------------------------------------------


def test_the_arrows_are_minus_the_gradient_and_point_there_in_the_picture(drawn):
    plotting.plot_gradient_field(valley, xlim=(-4, 4), ylim=(-2, 2), ax=drawn)
    quiver = arrows(drawn)
    down = np.stack([quiver.U, quiver.V], axis=-1).reshape(-1, 2)
    # Central differences have no error of their own for a quadratic function; rounding leaves some 1e-12.
    np.testing.assert_allclose(down, -quiver.XY * [0.1, 2], atol=1e-10)
    assert quiver.angles == quiver.scale_units == "xy"
    assert drawn.get_aspect() == 1
    assert (drawn.get_xlim(), drawn.get_ylim()) == ((-4, 4), (-2, 2))
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("$x_0$", "$x_1$")
    gaps = [np.diff(np.unique(quiver.XY[:, axis])) for axis in (0, 1)]
    np.testing.assert_allclose(gaps[0], gaps[1][0])  # as far apart one way as the other
    longest = np.hypot(*down.T).max() / quiver.scale
    assert 0.5 * gaps[0][0] < longest < 1.5 * gaps[0][0]


def test_the_contours_are_where_the_function_has_their_values(drawn):
    plotting.plot_gradient_field(bowl, xlim=(-2, 2), ylim=(-2, 2), ax=drawn)
    filled, lines = (artist for artist in drawn.collections if hasattr(artist, "levels"))
    assert len(lines.levels) > 5
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        assert len(path.vertices)
        # Between the points of the grid, 1/30 apart, f is taken for linear: wrong by 1/4 of the square of that at most.
        np.testing.assert_allclose(bowl(path.vertices.T), level, atol=1e-3)
    assert (filled.levels[0], filled.levels[-1]) == (0, 8)
    labels = {float(text.get_text()) for text in lines.labelTexts}
    assert labels
    assert all(np.isclose(lines.levels, label, rtol=1e-12).any() for label in labels)


def test_as_much_of_the_plane_lies_between_any_two_contours(ax):
    plotting.plot_gradient_field(lambda x: np.exp(8 * x[0]), xlim=(0, 1), ylim=(0, 1), ax=ax)
    levels = next(artist for artist in ax.collections if hasattr(artist, "levels")).levels
    places = np.log(levels) / 8  # from 0 to 1
    # Levels have two digits, which moves them by up to 5 %: 0.006 here; the grid has 121 values, 0.0083 apart.
    np.testing.assert_allclose(np.diff(places), 1 / 11, atol=0.015)


def test_the_path_of_gradient_descent_is_drawn_with_its_last_point(drawn):
    x, history = gradient_descent(bowl, [-3.0, 4.0], lr=0.1, step_num=20, return_history=True)
    plotting.plot_gradient_field(bowl, (x, history), ax=drawn)
    ((label, path),) = paths(drawn).items()
    assert np.array_equal(path, [*history, x])
    assert label == f"20 steps to f = {bowl(x):.3g}"
    assert [text.get_text() for text in drawn.get_legend().get_texts()] == [label]
    start = next(text for text in drawn.texts if text.get_text() == "start")
    assert tuple(start.xy) == (-3, 4)
    star = next(line for line in drawn.lines if line.get_marker() == "*")
    assert star.get_xydata().tolist() == [x.tolist()]


def test_without_limits_the_whole_path_is_in_the_picture(ax):
    path = [[-3.0, 4.0], [5.0, 4.5], [1.0, 4.2]]
    plotting.plot_gradient_field(bowl, path, ax=ax)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < -3.5
    assert right > 5.5
    assert bottom < 3
    assert top > 5
    assert (right - left) / 2 < top - bottom < right - left
    assert "outside" not in next(iter(paths(ax)))


def test_points_outside_the_limits_are_counted(drawn):
    plotting.plot_gradient_field(bowl, [[0, 0], [5, 0], [0, 1], [np.nan, 0], [0, np.inf]], xlim=(-1, 1), ax=drawn)
    assert next(iter(paths(drawn))).endswith(", 3 points outside")
    assert drawn.get_xlim() == (-1, 1)


def test_a_path_that_never_leaves_its_start_is_drawn_at_a_scale_that_shows_it(drawn):
    path = gradient_descent(bowl, [-3.0, 4.0], lr=1e-10, step_num=10, return_history=True)
    plotting.plot_gradient_field(bowl, path, ax=drawn)
    assert 1 < np.ptp(drawn.get_xlim()) < 4


def test_diverging_paths_are_drawn_without_a_warning(drawn):
    with pytest.warns(RuntimeWarning, match="x has grown"):
        path = gradient_descent(bowl, [-3.0, 4.0], lr=10.0, step_num=100, return_history=True)
    plotting.plot_gradient_field(bowl, path, ax=drawn)
    (left, right) = drawn.get_xlim()
    assert left < path[1][:, 0].min() < -1e12
    assert right > path[1][:, 0].max() > 1e11


def test_a_long_path_has_a_marker_every_so_many_steps_and_says_so(drawn):
    path = np.linspace([1, 1], [0, 0], 1001)
    plotting.plot_gradient_field(bowl, path, ax=drawn)
    assert next(iter(paths(drawn))) == "1,000 steps to f = 0, a mark every 20"
    assert drawn.lines[0].get_markevery() == 20


@pytest.mark.parametrize(
    "f",
    [
        lambda _: 3.0,
        lambda x: np.sqrt(x[0]),
        lambda x: np.where(x[0] > 2.9, x[0], np.nan),
        lambda x: 1 / x[0],
        lambda x: 1e300 * x[0] ** 3,
        lambda x: 1e-300 * x[0],
    ],
    ids=["flat", "half NaN", "NaN but for an edge", "pole", "huge", "tiny"],
)
def test_awkward_functions_are_drawn_without_a_warning(drawn, f):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plotting.plot_gradient_field(f, ax=drawn)


def test_the_arguments_of_f_are_its_own(drawn):
    def greedy(x):
        value = bowl(x)
        x[:] = 99
        return value

    path = np.array([[2.0, 1.0], [1.0, 0.5]])
    plotting.plot_gradient_field(greedy, path, ax=drawn)
    assert path.tolist() == [[2, 1], [1, 0.5]]
    wanted = arrows(plotting.plot_gradient_field(bowl, path, ax=Figure().subplots()))
    assert np.array_equal(arrows(drawn).U, wanted.U)
    assert np.array_equal(arrows(drawn).V, wanted.V)


@pytest.mark.parametrize(
    ("f", "path", "more", "error", "message"),
    [
        (5, None, {}, TypeError, "f must be a function of x, got 5"),
        (lambda x: x, None, {}, TypeError, "f must return one number"),
        (lambda _: np.nan, None, {}, ValueError, "f is finite nowhere from -3 to 3 and from -3 to 3"),
        (bowl, [1, 2], {}, ValueError, r"path must have shape \(S, 2\).*got shape \(2,\)"),
        (bowl, np.zeros((0, 2)), {}, ValueError, r"path must have shape \(S, 2\).*got shape \(0, 2\)"),
        (bowl, np.zeros((5, 3)), {}, ValueError, r"path must have shape \(S, 2\).*got shape \(5, 3\)"),
        (bowl, None, {"xlim": (3, -3)}, ValueError, "xlim must be two numbers, the lower one first"),
        (bowl, None, {"ylim": (0, np.nan)}, ValueError, "ylim must be two finite numbers"),
        (bowl, None, {"ylim": "ab"}, TypeError, "ylim must hold real numbers"),
    ],
)
def test_plot_gradient_field_names_what_does_not_fit(ax, f, path, more, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_gradient_field(f, path, **more, ax=ax)


# --- optimizers ------------------------------------------------------------------------------------------------------


class Heavy:
    """An optimizer that remembers: every step is longer than the last."""

    def __init__(self):
        self.steps = 0

    def update(self, params, grads):
        self.steps += 1
        params["x"] -= 0.01 * self.steps * grads["x"]


def test_plot_optimizer_paths_makes_the_steps_of_each_optimizer(drawn):
    plotting.plot_optimizer_paths(valley, [SGD(lr=0.9), Heavy()], [-7, 2], step_num=3, ax=drawn)
    expected = {"SGD": [np.array([-7.0, 2.0])], "Heavy": [np.array([-7.0, 2.0])]}
    for step in (1, 2, 3):
        for name, lr in (("SGD", 0.9), ("Heavy", 0.01 * step)):
            x = expected[name][-1]
            expected[name].append(x - lr * x * [0.1, 2])
    drawn_paths = paths(drawn)
    assert len(drawn_paths) == 2
    for label, path in drawn_paths.items():
        points = expected[label.split(":")[0]]
        np.testing.assert_allclose(path, points, rtol=1e-9)  # numerical gradients of a quadratic function
        assert label.endswith(f": 3 steps to f = {valley(points[-1]):.3g}")
    assert [text.get_text() for text in drawn.texts if text.get_text() == "start"] == ["start"]


def test_all_of_fastnets_optimizers_leave_from_one_place_each_its_own_way(drawn):
    optimizers = [make(lr=0.1) for make in optimizer.BY_NAME.values()]
    plotting.plot_optimizer_paths(valley, optimizers, [-7, 2], step_num=10, ax=drawn)
    assert [label.split(":")[0] for label in paths(drawn)] == [
        make.__name__ for make in optimizer.BY_NAME.values()
    ]
    ends = {tuple(path[-1].round(6)) for path in paths(drawn).values()}
    assert len(ends) == len(optimizers) >= 6
    assert {tuple(path[0]) for path in paths(drawn).values()} == {(-7, 2)}


def test_the_callers_optimizers_and_start_stay_as_they_are(ax):
    heavy, start = Heavy(), np.array([1.0, 1.0])
    plotting.plot_optimizer_paths(bowl, {"heavy": heavy}, start, ax=ax)
    assert heavy.steps == 0
    assert start.tolist() == [1, 1]


def test_two_of_a_kind_are_told_apart_by_the_names_of_a_dict(drawn):
    optimizers = {"slow": SGD(lr=0.1), "fast": SGD(lr=0.9), "walked": [[-7.0, 2.0], [0.0, 0.0]]}
    plotting.plot_optimizer_paths(valley, optimizers, [-7, 2], ax=drawn)
    assert [label.split(":")[0] for label in paths(drawn)] == ["slow", "fast", "walked"]
    lines = [line for line in drawn.lines if line.get_label() in paths(drawn)]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 3
    assert paths(drawn)["walked: 1 step to f = 0"].tolist() == [[-7, 2], [0, 0]]


def test_no_step_at_all_is_a_path_of_its_start(drawn):
    plotting.plot_optimizer_paths(bowl, [SGD()], [1, 1], step_num=0, ax=drawn)
    assert paths(drawn) == {"SGD: 0 steps to f = 2": pytest.approx(np.array([[1, 1]]))}


def test_an_optimizer_that_diverges_to_infinity_is_drawn_as_far_as_it_goes(drawn):
    class Exploding:
        def update(self, params, grads):
            params["x"] -= 1e200 * params["x"] * grads["x"]

    plotting.plot_optimizer_paths(bowl, [Exploding()], [1, 1], step_num=8, xlim=(-2, 2), ylim=(-2, 2), ax=drawn)
    ((label, path),) = paths(drawn).items()
    assert not np.isfinite(path[-1]).any()
    assert label.endswith(" to f = nan, 8 points outside")


def test_where_the_paths_lead_beyond_what_f_can_tell_the_limits_are_asked_for(ax):
    with pytest.raises(ValueError, match=r"f is finite nowhere from .*: choose another part"):
        plotting.plot_gradient_field(bowl, [[1, 1], [1e200, 1e200]], ax=ax)


@pytest.mark.parametrize(
    ("optimizers", "start", "more", "error", "message"),
    [
        ([], [0, 0], {}, ValueError, "optimizers is empty"),
        ({}, [0, 0], {}, ValueError, "optimizers is empty"),
        (SGD(), [0, 0], {}, TypeError, "optimizers must be a sequence or a dict by name, got SGD"),
        ([SGD(), SGD(lr=1)], [0, 0], {}, ValueError, "a name more than once: pass a dict that names them, got SGD"),
        ({"a": SGD}, [0, 0], {}, TypeError, r"optimizers\['a'\] must be an object with update"),
        ({"a": 5}, [0, 0], {}, TypeError, r"optimizers\['a'\] must be an object with update.*got 5"),
        ({"a": [1, 2]}, [0, 0], {}, ValueError, r"optimizers\['a'\] must have shape \(S, 2\)"),
        ([SGD()], [0, np.nan], {}, ValueError, "start must be two finite numbers"),
        ([SGD()], 3, {}, ValueError, "start must be two finite numbers, got 3"),
        ([SGD()], [0, 0], {"step_num": -1}, ValueError, "step_num must be at least"),
    ],
)
def test_plot_optimizer_paths_names_what_does_not_fit(ax, optimizers, start, more, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_optimizer_paths(bowl, optimizers, start, **more, ax=ax)
