"""The pictures made of images: weights, predictions, mistakes; and the table of what is taken for what."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fastnet import SimpleNet, TwoLayerNet, plotting
from fastnet.plotting._axes import RED


def texts(ax):
    return [text.get_text() for text in ax.texts]


def marked(n, size=784):
    """Images that are told apart by their one pixel, which is 1 in the first, 2 in the second, and so on."""
    images = np.zeros((n, size))
    images[np.arange(n), np.arange(n) * (size // n)] = np.arange(1, n + 1)
    return images


class Network:
    """One that predicts what the first columns of its input say."""

    def __init__(self, y):
        self.y, self.asked = np.asarray(y), []

    def predict(self, x):
        self.asked.append(len(x))
        first = sum(self.asked[:-1])
        return self.y[first : first + len(x)]


# --- predictions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28)])
def test_plot_predictions_shows_every_image_and_marks_the_wrong_ones(drawn, shape):
    y, t = [3, 1, 4, 1, 5], [3, 7, 4, 1, 6]
    plotting.plot_predictions(marked(5).reshape(5, *shape), y, t, ax=drawn)
    canvas = np.ma.filled(drawn.images[0].get_array(), 0)
    assert sorted(canvas[canvas > 0]) == [1, 2, 3, 4, 5]
    assert texts(drawn) == ["3", "1, is 7", "4", "1", "5, is 6"]
    assert drawn.get_title() == "Predictions: 2 of 5 wrong"

    wrong = [1, 4]
    assert len(drawn.patches) == len(wrong)
    for frame, i in zip(drawn.patches, wrong, strict=True):
        (row,), (column,) = np.nonzero(canvas == i + 1)
        assert frame.get_bbox().contains(column, row)
        assert frame.get_bbox().contains(*drawn.texts[i].get_position())
        assert not frame.get_fill()
        assert to_hex(frame.get_edgecolor()) == to_hex(drawn.texts[i].get_color()) == RED
    assert all(drawn.texts[i].get_color() != RED for i in (0, 2, 3))


def test_an_image_keeps_its_pixels_and_their_places(drawn):
    image = np.arange(1.0, 785).reshape(28, 28)
    plotting.plot_predictions(image[None], [0], [0], ax=drawn)
    canvas = drawn.images[0].get_array()
    top, left = np.argwhere(canvas == 1)[0]
    assert np.array_equal(canvas[top : top + 28, left : left + 28], image)
    assert np.ma.count(np.ma.masked_invalid(canvas)) == 784  # around it there is nothing
    assert drawn.images[0].get_interpolation() == "nearest"
    assert drawn.get_aspect() == 1


@pytest.mark.parametrize("x", [np.ones((1, 784)), np.full((1, 784), 255, np.uint8)])
def test_ink_is_dark_and_paper_is_light(drawn, x):
    plotting.plot_predictions(x, [1], [1], ax=drawn)
    image = drawn.images[0]
    assert image.cmap(image.norm(float(x.max())))[0] < 0.1 < 0.9 < image.cmap(image.norm(0.0))[0]


def test_a_blank_image_is_paper(drawn):
    plotting.plot_predictions(np.zeros((1, 784)), [1], [1], ax=drawn)
    image = drawn.images[0]
    assert image.cmap(image.norm(0.0))[0] > 0.9


def test_probabilities_are_written_beside_the_class(drawn):
    y = [[0.9, 0.1, 0.0], [0.25, 0.0, 0.75]]
    plotting.plot_predictions(marked(2), y, [0, 1], ax=drawn)
    assert texts(drawn) == ["0 (90%)", "2 (75%),\nis 1"]


@pytest.mark.parametrize("y", [[[9.0, 1.0], [-3.0, 2.0]], [[np.inf, 1.0], [-np.inf, np.nan]]])
def test_scores_are_not_taken_for_probabilities(drawn, y):
    plotting.plot_predictions(marked(2), y, [0, 1], ax=drawn)
    assert texts(drawn) == ["0", "1"]


def test_one_hot_targets_columns_of_labels_and_named_classes_are_understood(drawn):
    plotting.plot_predictions(marked(2), [[0], [1]], np.eye(2)[[0, 0]], classes=["cat", "dog"], ax=drawn)
    assert texts(drawn) == ["cat", "dog,\nis cat"]


def test_images_that_are_not_square_need_their_shape(drawn):
    x = marked(2, 12)
    plotting.plot_predictions(x, [0, 1], [0, 1], shape=(3, 4), ax=drawn)
    canvas = drawn.images[0].get_array()
    top, left = np.argwhere(canvas == 1)[0]
    assert np.array_equal(canvas[top : top + 3, left : left + 4], x[0].reshape(3, 4))
    with pytest.raises(ValueError, match=r"x has 12 pixels in an image, which do not fill 3 x 3: pass shape="):
        plotting.plot_predictions(x, [0, 1], [0, 1], ax=drawn)


@pytest.mark.parametrize("n", [1, 2, 7, 25, 100, 101])
def test_captions_stay_inside_their_tiles_and_tiles_inside_the_axes(ax, n):
    y = np.tile([0.004, 0.996], (n, 1))
    plotting.plot_predictions(np.ones((n, 64)), y, np.zeros(n, int), classes=["something", "anything"], ax=ax)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    frames = [frame.get_window_extent() for frame in ax.patches]
    assert len(boxes) == len(frames) == n
    space = ax.get_window_extent().padded(1)
    for box, frame in zip(boxes, frames, strict=True):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1
        assert space.x0 <= frame.x0
        assert frame.x1 <= space.x1
        assert space.y0 <= frame.y0
        assert frame.y1 <= space.y1


def test_the_caption_of_a_single_image_is_close_above_it(ax):
    image = np.ones((1, 784))
    plotting.plot_predictions(image, [1], [1], ax=ax)
    ax.figure.draw_without_rendering()
    (caption,) = ax.texts
    canvas = np.asarray(ax.images[0].get_array())
    drawn = np.isfinite(canvas).any(axis=1)
    assert drawn.sum() == 28
    assert caption.get_position()[1] < drawn.argmax() < 28 / 4


@pytest.mark.parametrize(
    ("x", "y", "t", "more", "error", "message"),
    [
        (np.zeros((3, 784)), [1, 2], [1, 2], {}, ValueError, "x holds 3 images, y and t 2 classes"),
        (np.zeros((3, 784)), [1, 2], [1, 2, 3], {}, ValueError, "y holds the predictions of 2 samples, t .* of 3"),
        (np.zeros((3, 784)), [1, 2, 3], 1, {}, ValueError, r"t must hold integer labels.*shape \(\)"),
        (np.zeros((3, 784)), [1.0, 2.0, 3.0], [1, 2, 3], {}, ValueError, "y must hold integer labels.*got float64"),
        (np.zeros((3, 783)), [1, 2, 3], [1, 2, 3], {}, ValueError, "x has 783 pixels"),
        (np.zeros((0, 784)), [1], [1], {}, ValueError, "x is empty"),
        (0.0, [1], [1], {}, ValueError, r"x must have shape \(N, D\) or .*got shape \(\)"),
        (np.zeros((1, 4)), [1], [-1], {}, ValueError, r"t\[0\] is -1, which is not a label"),
        (np.zeros((1, 4)), [[0.5, 0.5]], [2], {}, ValueError, r"t\[0\] is 2, which is not a label in \[0, 2\)"),
        (np.zeros((1, 4)), [2], [0], {"classes": ["a", "b"]}, ValueError, r"y\[0\] is 2.*\[0, 2\)"),
        (np.zeros((1, 4)), [[1, 0, 0]], [0], {"classes": ["a", "b"]}, ValueError, "y has shape .* 2 classes"),
        (np.zeros((1, 4)), [0], [0], {"classes": 2}, TypeError, "classes must be a list of names, got 2"),
        (np.zeros((1, 4)), [0], [0], {"shape": 2}, ValueError, "shape must be two numbers, rows and columns, got 2"),
        (np.zeros((1, 4)), [0], [0], {"shape": (2, 3)}, ValueError, "x has 4 pixels in an image.*2 x 3"),
        (np.zeros((1, 4)), [0], [0], {"shape": (2, 2.0)}, TypeError, "shape must be an integer, got 2.0"),
        (np.zeros((1, 4), complex), [0], [0], {}, TypeError, "x must hold real numbers"),
        (np.zeros((1, 4)), ["a"], [0], {}, TypeError, "y must hold real numbers"),
    ],
)
def test_plot_predictions_names_what_does_not_fit(ax, x, y, t, more, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_predictions(x, y, t, **more, ax=ax)


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_plot_misclassified_shows_the_worst_mistakes_first(drawn):
    y = [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0], [0.1, 0.2, 0.7]]
    t = [0, 1, 1, 1, 0]  # wrong by 0.2 in the second, 1.0 in the fourth and 0.6 in the last
    x = np.zeros((5, 784))
    x[:, 0] = [1, 2, 3, 4, 5]
    plotting.plot_misclassified(Network(y), x, t, ax=drawn)
    assert texts(drawn) == ["2 (100%),\nis 1", "2 (70%),\nis 0", "0 (60%),\nis 1"]
    canvas = drawn.images[0].get_array()
    places = {value: tuple(np.argwhere(canvas == value)[0]) for value in (2, 4, 5)}
    assert set(canvas[canvas > 0]) == {2, 4, 5}
    assert sorted(places, key=places.get) == [4, 5, 2]  # by rows, and in a row by columns
    assert drawn.get_title() == "Misclassified: 3 of 5"


def test_plot_misclassified_shows_at_most_so_many_of_them(drawn):
    y = np.eye(2)[np.zeros(2500, int)]
    network = Network(y)
    plotting.plot_misclassified(network, np.ones((2500, 4)), np.ones(2500, int), most=3, ax=drawn)
    assert len(drawn.texts) == 3
    assert drawn.get_title() == "Misclassified: 2,500 of 2,500, the worst 3 of them"
    assert max(network.asked) <= 1000  # all of MNIST at once would take hundreds of MB


def test_where_nothing_is_wrong_the_picture_says_so(drawn):
    plotting.plot_misclassified(Network(np.eye(2)), np.ones((2, 4)), [0, 1], ax=drawn)
    assert texts(drawn) == ["all 2 are right"]
    assert not drawn.images
    assert drawn.get_title() == "Misclassified: 0 of 2"


def test_the_mistakes_are_those_that_the_accuracy_counts(drawn, mnist):
    _, (x, t) = mnist
    network = TwoLayerNet(784, 5, 10, weight_init_std=0.1, seed=1)
    plotting.plot_misclassified(network, x[:300], t[:300], ax=drawn)
    wrong = round(300 * (1 - network.accuracy(x[:300], t[:300])))
    assert 200 < wrong < 300
    assert drawn.get_title() == f"Misclassified: {wrong} of 300, the worst 25 of them"


@pytest.mark.parametrize(
    ("network", "x", "t", "most", "error", "message"),
    [
        (object(), np.ones((2, 4)), [0, 1], 25, TypeError, r"network must have predict\(x\), got object"),
        (Network(np.eye(2)), np.ones((2, 4)), [0, 1], 0, ValueError, "most must be at least 1, got 0"),
        (Network(np.eye(2)), np.ones((2, 4)), [0, 2], 25, ValueError, r"t\[1\] is 2.*\[0, 2\)"),
        (Network(np.eye(2)), np.ones((2, 4)), [0], 25, ValueError, "y holds the predictions of 2 samples, t .* of 1"),
        (Network([0, 1]), np.ones((2, 4)), [0, 1], 25, ValueError, r"network.predict\(x\) must return.*\(2,\)"),
        (Network(np.eye(2)), np.ones((0, 4)), [], 25, ValueError, "x is empty"),
    ],
)
def test_plot_misclassified_names_what_does_not_fit(ax, network, x, t, most, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_misclassified(network, x, t, most=most, ax=ax)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_plot_weights_draws_every_unit_on_one_scale_with_0_in_its_middle(drawn):
    network = TwoLayerNet(784, 5, 10, seed=0)
    network.params["W1"][3, 2] = -7
    plotting.plot_weights(network, ax=drawn)
    image = drawn.images[0]
    canvas = image.get_array()
    for unit in range(5):
        tile = network.params["W1"][:, unit].reshape(28, 28)
        top, left = np.argwhere(canvas == tile[0, 0])[0]
        assert np.array_equal(canvas[top : top + 28, left : left + 28], tile)
    assert image.get_clim() == (-7, 7)
    assert image.norm(0.0) == 0.5
    assert image.get_interpolation() == "nearest"
    assert texts(drawn) == ["0", "1", "2", "3", "4"]
    scale = drawn.figure.axes[1]
    assert scale.get_ylabel() == "weight"


def test_the_scale_of_weights_gets_lighter_all_the_way_in_print_too(drawn):
    plotting.plot_weights(np.eye(4), ax=drawn)
    luminance = drawn.images[0].cmap(np.linspace(0, 1, 50))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > 0).all()


def test_plot_weights_takes_the_matrix_itself_and_the_shape_of_an_input(drawn):
    W1 = np.arange(1.0, 13).reshape(6, 2)
    plotting.plot_weights(W1, shape=(2, 3), ax=drawn)
    canvas = drawn.images[0].get_array()
    top, left = np.argwhere(canvas == 2)[0]
    assert np.array_equal(canvas[top : top + 2, left : left + 3], [[2, 4, 6], [8, 10, 12]])


@pytest.mark.parametrize("W1", [np.zeros((4, 2)), np.full((4, 2), np.nan), np.full((4, 2), np.inf), np.ones((1, 1))])
def test_weights_without_any_contrast_can_be_drawn(drawn, W1):
    plotting.plot_weights(W1, ax=drawn)
    assert drawn.images[0].get_clim() == (-1, 1)


class Other:
    params = {"W": np.eye(4)}  # noqa: RUF012


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (np.zeros((5, 2)), ValueError, "W1 has 5 pixels in an image"),
        (np.zeros(4), ValueError, r"W1 must have shape \(D, H\).*\(4,\)"),
        (np.zeros((4, 0)), ValueError, r"W1 must have shape \(D, H\).*\(4, 0\)"),
        (SimpleNet(), TypeError, r"network must have params\['W1'\], or be W1 itself; got SimpleNet"),
        (None, TypeError, r"network must have params\['W1'\].*got NoneType"),
        ([["a"]], TypeError, "W1 must hold real numbers"),
        (Other(), TypeError, r"network must have params\['W1'\].*its params are W"),
    ],
)
def test_plot_weights_names_what_does_not_fit(ax, network, error, message):
    with pytest.raises(error, match=message):
        plotting.plot_weights(network, ax=ax)


# --- confusion matrix ------------------------------------------------------------------------------------------------


def cells(ax):
    return {text.get_position(): text.get_text() for text in ax.texts}


def test_plot_confusion_matrix_counts_a_row_for_the_right_and_a_column_for_the_predicted_class(drawn):
    t = [0, 0, 0, 1, 1, 2]
    y = [0, 1, 1, 1, 1, 0]
    plotting.plot_confusion_matrix(y, t, ax=drawn)
    assert cells(drawn) == {(0, 0): "1", (1, 0): "2", (1, 1): "2", (0, 2): "1"}  # (column, row)
    counts = drawn.images[0].get_array()
    assert counts.tolist() == [[None, 2, 0], [0, None, 0], [1, 0, None]]  # no colour on the diagonal
    assert drawn.images[0].get_clim() == (0, 2)
    assert drawn.get_title() == "Confusion matrix: 3 of 6 right (50.0%)"
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("predicted class", "right class")
    assert [label.get_text() for label in drawn.get_xticklabels()] == ["0", "1", "2"]
    assert drawn.get_ylim() == (2.5, -0.5)  # the first class on top


def test_the_confusion_matrix_takes_rows_of_probabilities_and_names(drawn):
    plotting.plot_confusion_matrix(np.eye(3)[[0, 1]], np.eye(3)[[0, 0]], classes=["a", "b", "c"], ax=drawn)
    assert cells(drawn) == {(0, 0): "1", (1, 0): "1"}
    for labels in (drawn.get_xticklabels(), drawn.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["a", "b", "c"]


def test_numbers_are_light_on_dark_cells_and_dark_on_light_ones(drawn):
    plotting.plot_confusion_matrix([1] * 50 + [0], [0] * 50 + [1], ax=drawn)
    colours = {text.get_text(): to_hex(text.get_color()) for text in drawn.texts}
    assert colours["50"] == "#ffffff"
    assert colours["1"] < "#808080"


@pytest.mark.parametrize("y", [[0], [0, 0, 0], [4, 4]])
def test_a_matrix_of_nothing_but_right_answers_can_be_drawn(drawn, y):
    plotting.plot_confusion_matrix(y, y, ax=drawn)
    assert "(100.0%)" in drawn.get_title()
    assert [text.get_text() for text in drawn.texts] == [str(len(y))]


@pytest.mark.parametrize(
    ("y", "t", "message"),
    [
        ([], [], "y is empty"),
        ([0, 1], [0], "y holds the predictions of 2 samples, t .* of 1"),
        ([0, 10**9], [0, 1], r"y\[1\] is 1000000000, which is not a label in \[0, 1000\)"),
        ([[0.1, 0.9]], [[0, 0, 1]], r"t has shape \(1, 3\), but there are 2 classes"),
    ],
)
def test_plot_confusion_matrix_names_what_does_not_fit(ax, y, t, message):
    with pytest.raises(ValueError, match=message):
        plotting.plot_confusion_matrix(y, t, ax=ax)


def test_one_image_is_drawn_without_a_batch_around_it(drawn):
    plotting.plot_predictions(np.zeros(784), [0.1, 0.9], 0, ax=drawn)
    assert texts(drawn) == ["1 (90%),\nis 0"]


@pytest.mark.parametrize("image", [(784,), (28, 28), (1, 784), (1, 28, 28), (1, 1, 28, 28)])
@pytest.mark.parametrize("y", [np.eye(10)[3], np.eye(10)[3:4], 3, [3]])
def test_one_image_has_one_prediction_in_any_shape(image, y, drawn):
    ax = plotting.plot_predictions(np.zeros(image), y, 4, ax=drawn)
    assert len(ax.texts) == 1
    assert ax.texts[0].get_text().startswith("3")
    assert "is 4" in ax.texts[0].get_text()
