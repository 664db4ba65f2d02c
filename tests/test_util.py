"""im2col and col2im, shuffled data, smooth curves: values by hand, the book's formulas, and bad arguments."""

import numpy as np
import pytest
from hostile import HOSTILE, REFUSED, snapshot

from fastnet import util
from fastnet._bench import plain_layers

pytestmark = pytest.mark.usefixtures("backend")

SIZES = [  # N, C, H, W, FH, FW, stride, pad
    (2, 3, 7, 8, 3, 2, 1, 0),
    (1, 1, 1, 1, 1, 1, 1, 0),
    (3, 2, 5, 4, 5, 4, 1, 0),
    (2, 1, 9, 7, 2, 3, 2, 1),
    (2, 2, 6, 9, 4, 1, 3, 2),
    (1, 2, 3, 2, 4, 5, 5, 2),  # the window is larger than the image without its padding
]


def images(shape, dtype=np.float64):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


# --- im2col ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_im2col_is_the_books(size, dtype):
    x = images(size[:4], dtype)
    col = util.im2col(x, *size[4:])
    assert col.dtype == dtype
    assert np.array_equal(col, plain_layers.im2col(x, *size[4:]))


@pytest.mark.parametrize("size", SIZES)
def test_col2im_is_the_books(size):
    rows = plain_layers.im2col(images(size[:4]), *size[4:]).shape
    col = images(rows)
    result = util.col2im(col, size[:4], *size[4:])
    # Up to 16 terms are added in another order.
    np.testing.assert_allclose(result, plain_layers.col2im(col, size[:4], *size[4:]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_col2im_is_the_transpose_of_im2col(size):
    # <im2col(x), c> = <x, col2im(c)> for all x and c
    x = images(size[:4])
    c = images(util.im2col(x, *size[4:]).shape)
    left, right = np.sum(util.im2col(x, *size[4:]) * c), np.sum(x * util.col2im(c, x.shape, *size[4:]))
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_the_padding_is_zero_and_the_stride_skips():
    col = util.im2col([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], 1, 2, stride=2, pad=1)
    assert col.tolist() == [[0, 0], [0, 0], [0, 4], [5, 6], [0, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int64, np.float16])
def test_everything_but_float32_becomes_float64(dtype):
    col = util.im2col(np.ones((1, 1, 2, 2), dtype), 2, 2)
    assert col.dtype == util.col2im(np.ones((1, 4), dtype), (1, 1, 2, 2), 2, 2).dtype == np.float64
    assert col.tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("name", [name for name in HOSTILE if np.size(HOSTILE[name]()) == 12])
def test_any_layout_gives_the_same_and_is_left_untouched(name):
    x = HOSTILE[name]()
    if not isinstance(x, np.ndarray):
        return
    before = snapshot(x)
    view = x[np.newaxis, np.newaxis] if x.ndim == 2 else x.reshape(1, 1, 4, 3)
    assert np.array_equal(util.im2col(view, 2, 2), plain_layers.im2col(np.array(view, float), 2, 2))
    assert np.array_equal(util.col2im(x, (1, 1, 4, 3), 1, 1), np.array(x, float).reshape(1, 1, 4, 3))
    assert snapshot(x) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_stay_in_their_windows(value):
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 0, 0] = value
    col = util.im2col(x, 2, 2)
    assert np.array_equal(np.isfinite(col).all(axis=1), [False, True, True, True])
    assert np.array_equal(util.col2im(col, x.shape, 2, 2), x, equal_nan=True)


def test_infinities_that_meet_are_nan_without_a_warning():
    with np.errstate(all="raise"):
        result = util.col2im([[np.inf, np.inf], [-np.inf, 1]], (1, 1, 1, 3), 1, 2)
    assert np.array_equal(result, [[[[np.inf, np.nan, 1]]]], equal_nan=True)


def test_no_images_give_no_rows():
    assert util.im2col(np.ones((0, 2, 4, 4)), 3, 3).shape == (0, 18)
    assert util.col2im(np.ones((0, 18)), (0, 2, 4, 4), 3, 3).shape == (0, 2, 4, 4)


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_real_numbers_is_refused_by_name(name):
    with pytest.raises((TypeError, ValueError), match=r"^input_data "):
        util.im2col(REFUSED[name](), 1, 1)
    with pytest.raises((TypeError, ValueError), match=r"^col "):
        util.col2im(REFUSED[name](), (1, 1, 2, 2), 1, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((4, 4)), 2, 2), ValueError, r"input_data must have shape \(N, C, H, W\), got shape \(4, 4\)"),
        ((np.ones((1, 1, 4, 4)), 5, 2), ValueError, r"a filter of 5 x 2 does not fit .*\(1, 1, 4, 4\) with pad 0"),
        ((np.ones((1, 1, 4, 4)), 2, 7, 1, 1), ValueError, "a filter of 2 x 7 does not fit"),
        ((np.ones((1, 1, 4, 4)), 0, 2), ValueError, "filter_h must be at least 1, got 0"),
        ((np.ones((1, 1, 4, 4)), 2, 2.0), TypeError, "filter_w must be an integer, got 2.0"),
        ((np.ones((1, 1, 4, 4)), 2, 2, 0), ValueError, "stride must be at least 1, got 0"),
        ((np.ones((1, 1, 4, 4)), 2, 2, 1, -1), ValueError, "pad must be at least 0, got -1"),
    ],
)
def test_im2col_says_which_size_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        util.im2col(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 4)), (1, 1, 3, 3), 2, 2), r"col has shape \(3, 4\); .*\(1, 1, 3, 3\) .* have shape \(4, 4\)"),
        ((np.ones((4, 4)), (3, 3), 2, 2), r"input_shape must be \(N, C, H, W\), got \(3, 3\)"),
        ((np.ones((4, 4)), 9, 2, 2), r"input_shape must be \(N, C, H, W\), got 9"),
        ((np.ones((4, 4)), (1, 1, 3, -3), 2, 2), "input_shape must be at least 0, got -3"),
        ((np.ones((4, 4)), (1, 1, 3, 3), 4, 2), "a filter of 4 x 2 does not fit"),
    ],
)
def test_col2im_says_which_shape_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        util.col2im(*arguments)


# --- conv_output_size ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "size"), [((28, 5), 24), ((28, 5, 1, 2), 28), ((7, 3, 2), 3), ((4, 4, 3), 1), ((1, 3, 1, 1), 1)]
)
def test_the_output_size_by_hand(arguments, size):
    assert util.conv_output_size(*arguments) == size
    assert type(util.conv_output_size(*arguments)) is int


@pytest.mark.parametrize("arguments", [(28, 5, 2), (3, 4), (10, 3, 4, 1)])
def test_an_output_size_that_is_no_whole_number_names_the_sizes(arguments):
    message = f"a filter of size {arguments[1]} .* an input of size {arguments[0]} with pad"
    with pytest.raises(ValueError, match=message):
        util.conv_output_size(*arguments)


# --- shuffle_dataset -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 1, 2, 2), (7, 2, 2)])
def test_samples_and_targets_are_shuffled_alike_by_the_books_draw(shape):
    x, t = np.arange(np.prod(shape)).reshape(shape), np.arange(7, dtype=np.uint8)
    np.random.seed(3)
    shuffled, targets = util.shuffle_dataset(x, t)
    np.random.seed(3)
    order = np.random.permutation(7)
    assert np.array_equal(shuffled, x[order])
    assert np.array_equal(targets, t[order])
    assert (shuffled.dtype, targets.dtype) == (x.dtype, t.dtype)
    assert not np.may_share_memory(shuffled, x)


@pytest.mark.parametrize(("x", "t"), [(np.ones((3, 2)), np.ones(2)), (np.ones(2), 1.0), (1.0, np.ones(2))])
def test_different_numbers_of_rows_are_refused(x, t):
    with pytest.raises(ValueError, match="x and t must have the same number of rows"):
        util.shuffle_dataset(x, t)


# --- smooth_curve ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [11, 12, 40])
def test_a_curve_is_smoothed_as_in_the_book(n):
    x = images(n)
    extended = np.r_[x[10:0:-1], x, x[-1:-11:-1]]
    window = np.kaiser(11, 2)
    book = np.convolve(window / window.sum(), extended, mode="valid")[5:-5]
    np.testing.assert_allclose(util.smooth_curve(x), book, rtol=1e-14)


@pytest.mark.parametrize("n", range(11))
def test_a_short_curve_keeps_its_length_and_a_constant_its_value(n):
    smooth = util.smooth_curve(np.full(n, 2.5, np.float32))
    assert smooth.shape == (n,)
    assert smooth.dtype == np.float64
    np.testing.assert_allclose(smooth, 2.5, rtol=1e-15)


def test_a_short_curve_is_reflected():
    a, b = 1.0, 5.0
    # First to the left, without the edge; then all of it to the right, with the edge.
    extended = np.array([b, a, b, a, b, a, b, b, a, b, a, b])
    w = np.kaiser(11, 2) / np.kaiser(11, 2).sum()
    np.testing.assert_allclose(util.smooth_curve([a, b]), [w @ extended[:11], w @ extended[1:]], rtol=1e-14)


@pytest.mark.parametrize("x", [1.0, np.ones((2, 3))])
def test_a_curve_has_one_dimension(x):
    with pytest.raises(ValueError, match=r"x must have shape \(N,\), got shape"):
        util.smooth_curve(x)
