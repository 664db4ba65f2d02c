"""The kernels of convolution and pooling: sizes around a panel, hostile values, equal twins."""

from math import inf, nan

import numpy as np
import pytest

from fastnet._bench import plain_layers

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# N, C, H, W, FN, FH, FW, stride, pad
SIZES = [
    (3, 1, 28, 28, 30, 5, 5, 1, 0),
    (2, 16, 9, 9, 17, 3, 3, 1, 1),
    (2, 3, 7, 8, 33, 3, 2, 2, 1),
    (2, 2, 9, 9, 5, 4, 2, 3, 0),
    (1, 1, 1, 1, 1, 1, 1, 1, 0),
    (2, 3, 5, 5, 4, 5, 5, 1, 0),  # one position
    (2, 1, 3, 6, 8, 2, 5, 1, 4),  # windows that lie in the padding
    (2, 1, 2, 40, 7, 1, 1, 1, 0),  # a filter of one pixel
    (0, 2, 4, 4, 3, 2, 2, 1, 0),
    (13, 9, 6, 5, 6, 3, 2, 1, 1),  # dx by a convolution whose border differs in height and width; several blocks
    (2, 8, 4, 4, 3, 3, 3, 1, 2),  # without a border
    (2, 8, 4, 4, 3, 3, 3, 1, 3),  # a pad as wide as the filter
]
EACH_SIZE = pytest.mark.parametrize("size", SIZES)


def problem(size, dtype):
    N, C, H, W, FN, FH, FW, stride, pad = size
    random = np.random.default_rng(0)
    x, filters, b = (random.normal(size=shape) for shape in ((N, C, H, W), (FN, C, FH, FW), (FN,)))
    OH, OW = ((side + 2 * pad - window) // stride + 1 for side, window in ((H, FH), (W, FW)))
    dout = random.normal(size=(N, FN, OH, OW))
    return [array.astype(dtype) for array in (x, filters, b, dout)]


def assert_close(value, expected, dtype, terms):
    """Sums of `terms` products of the order of 1, added in another order: each addition rounds once."""
    assert value.shape == expected.shape
    assert value.dtype == dtype
    np.testing.assert_allclose(value, expected, rtol=0, atol=4 * np.finfo(dtype).eps * max(terms, 1))


@BOTH_DTYPES
@EACH_SIZE
def test_convolution_and_its_gradient_are_the_books(kernels, size, dtype):
    x, W, b, dout = problem(size, dtype)
    stride, pad = size[-2:]
    if not len(x):
        pytest.skip("the book's reshape fails without samples")
    layer = plain_layers.Convolution(W, b, stride, pad)
    out = layer.forward(x)
    assert_close(kernels.convolution(x, W, b, stride, pad), out, dtype, W[0].size)
    expected = layer.backward(dout), layer.dW, layer.db
    gradients = kernels.convolution_gradient(dout, x, W, stride, pad)
    for value, exact, terms in zip(gradients, expected, (W.size, dout[:, 0].size, dout[:, 0].size), strict=True):
        assert_close(value, exact, dtype, terms)


@BOTH_DTYPES
@EACH_SIZE
def test_the_gradient_with_respect_to_the_input_can_be_left_out(kernels, size, dtype):
    x, W, _, dout = problem(size, dtype)
    _, *expected = kernels.convolution_gradient(dout, x, W, *size[-2:], True)
    dx, *gradients = kernels.convolution_gradient(dout, x, W, *size[-2:], False)
    assert dx is None
    for value, same in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(value, same)


@BOTH_DTYPES
@EACH_SIZE
def test_relu_can_be_computed_with_the_convolution(kernels, size, dtype):
    x, W, b, dout = problem(size, dtype)
    stride, pad = size[-2:]
    if len(x):
        x[-1] = np.nan
    out, mask = kernels.relu_with_mask(kernels.convolution(x, W, b, stride, pad))
    found = np.empty(dout.shape, bool)
    assert np.array_equal(kernels.convolution(x, W, b, stride, pad, found), out, equal_nan=True)
    assert np.array_equal(found, mask)
    expected = kernels.convolution_gradient(kernels.zero_where(dout, mask), x, W, stride, pad)
    before = dout.copy()
    for value, same in zip(kernels.convolution_gradient(dout, x, W, stride, pad, True, mask), expected, strict=True):
        np.testing.assert_array_equal(value, same)
    assert np.array_equal(dout, before)


@BOTH_DTYPES
@EACH_SIZE
def test_the_twins_agree_at_every_size(twins, size, dtype):
    x, W, b, dout = problem(size, dtype)
    compiled, plain = (
        (twin.convolution(x, W, b, *size[-2:]), *twin.convolution_gradient(dout, x, W, *size[-2:])) for twin in twins
    )
    for one, other, terms in zip(compiled, plain, (W[0].size, W.size, *[dout[:, :1].size] * 2), strict=True):
        assert_close(one, other, dtype, terms)


@BOTH_DTYPES
@EACH_SIZE
@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("array", range(4))
def test_nan_and_infinity_go_where_the_formula_sends_them(twins, size, dtype, value, array):
    arrays = problem(size, dtype)
    if not arrays[array].size:
        pytest.skip("there is no element")
    arrays[array].flat[arrays[array].size // 2] = value
    x, W, b, dout = arrays
    with np.errstate(all="raise"):
        compiled, plain = (
            (twin.convolution(x, W, b, *size[-2:]), *twin.convolution_gradient(dout, x, W, *size[-2:]))
            for twin in twins
        )
    for one, other in zip(compiled, plain, strict=True):
        # Of what is finite, the tolerance is that of `assert_close`, for 1,800 terms.
        np.testing.assert_allclose(one, other, rtol=0, atol=1e4 * np.finfo(dtype).eps)


@BOTH_DTYPES
def test_an_infinite_weight_meets_no_zeros_of_a_border(kernels, dtype):
    # With so many channels, dx is a convolution of dout with a border of zeros, where all weights are finite.
    W, dout = np.zeros((3, 9, 3, 3), dtype), np.ones((1, 3, 4, 4), dtype)
    W[0, 0, 0, 0] = inf
    dx, _, _ = kernels.convolution_gradient(dout, np.ones((1, 9, 6, 6), dtype), W, 1, 0)
    expected = np.zeros((1, 9, 6, 6), dtype)
    expected[0, 0, :4, :4] = inf
    np.testing.assert_array_equal(dx, expected)


@BOTH_DTYPES
@pytest.mark.parametrize(
    "size",
    [(2, 3, 6, 8, 2, 2, 2), (2, 1, 5, 7, 2, 3, 1), (1, 2, 9, 9, 3, 2, 3), (2, 1, 4, 4, 4, 4, 7), (0, 1, 4, 4, 2, 2, 2)],
)
@pytest.mark.parametrize("levels", [2, 1000])  # many equal pixels, or hardly any
def test_pooling_and_its_gradient_are_the_books(kernels, size, dtype, levels):
    *shape, pool_h, pool_w, stride = size
    x = np.random.default_rng(0).integers(levels, size=shape).astype(dtype) - levels // 2
    out, where = kernels.pooling(x, pool_h, pool_w, stride, 0)
    layer = plain_layers.Pooling(pool_h, pool_w, stride)
    dout = np.random.default_rng(1).integers(10, size=out.shape).astype(dtype)
    if len(x):
        assert np.array_equal(out, layer.forward(x))
        assert np.array_equal(where.transpose(0, 2, 3, 1).reshape(-1), layer.arg_max)
    dx = kernels.pooling_gradient(dout, where, x.shape, pool_h, pool_w, stride, 0)
    assert dx.dtype == out.dtype == dtype
    assert where.dtype == np.intc
    assert dx.shape == x.shape
    if len(x):
        assert np.array_equal(dx, layer.backward(dout))


@BOTH_DTYPES
def test_the_first_of_equal_pixels_and_the_first_nan_win(kernels, dtype):
    x = np.array([[[[3, 3, nan, 9], [3, 1, nan, 9]], [[-inf, -inf, 1, inf], [-inf, -inf, inf, nan]]]], dtype)
    out, where = kernels.pooling(x, 2, 2, 2, 0)
    assert np.array_equal(out, [[[[3, nan]], [[-inf, nan]]]], equal_nan=True)
    assert where.tolist() == [[[[0, 0]], [[0, 3]]]]
    dx = kernels.pooling_gradient(np.array([[[[1, nan]], [[3, inf]]]], dtype), where, x.shape, 2, 2, 2, 0)
    expected = [[[[1, 0, nan, 0], [0, 0, 0, 0]], [[3, 0, 0, 0], [0, 0, 0, inf]]]]
    assert np.array_equal(dx, expected, equal_nan=True)


@BOTH_DTYPES
def test_the_padding_of_a_pool_is_zero_and_takes_its_gradient_along(kernels, dtype):
    x = np.array([[[[-1, -2], [-3, 4]]]], dtype)
    out, where = kernels.pooling(x, 2, 2, 2, 1)
    assert out.tolist() == [[[[0, 0], [0, 4]]]]
    assert where.tolist() == [[[[0, 0], [0, 0]]]]
    dx = kernels.pooling_gradient(np.full_like(out, 7), where, x.shape, 2, 2, 2, 1)
    assert dx.tolist() == [[[[0, 0], [0, 7]]]]


def test_a_batch_is_its_images_one_by_one(kernels):
    # Nothing of one image reaches the next: the same bits.
    x, W, b, dout = problem((3, 2, 6, 5, 9, 3, 2, 1, 1), np.float64)
    for call in (
        lambda n: kernels.convolution(x[n], W, b, 1, 1),
        lambda n: kernels.convolution_gradient(dout[n], x[n], W, 1, 1)[0],
        lambda n: kernels.pooling(x[n], 2, 3, 1, 0)[0],
    ):
        assert np.array_equal(call(slice(None)), np.concatenate([call(slice(n, n + 1)) for n in range(3)]))
