"""The kernels of the affine layer: sizes around a tile, few and many zeros, hostile values, what they refuse."""

from math import inf, nan

import numpy as np
import pytest

# x and the weights
EACH_DTYPE = pytest.mark.parametrize("dtypes", ["ff", "fd", "dd"])

# Around a tile, half a tile and a group; several chunks of samples and blocks of inputs, with rests; few samples.
SIZES = [
    (3, 5, 7), (1, 1, 1), (8, 8, 16), (9, 9, 17), (129, 17, 33), (7, 600, 48), (257, 3, 5), (12, 41, 25), (5, 12, 64),
    (2, 30, 70), (6, 4, 300), (0, 3, 4), (3, 0, 4), (3, 4, 0),
]
EACH_SIZE = pytest.mark.parametrize("size", SIZES)


def problem(size, dtypes, zeros):
    N, D, U = size
    random = np.random.default_rng(0)
    x, W, b, dout = (random.normal(size=shape) for shape in ((N, D), (D, U), (U,), (N, U)))
    if zeros:
        x[:, D // 4 : D - D // 4] = 0
        x[random.random(x.shape) < 0.5] = 0
    of_x, of_W = dtypes
    return x.astype(of_x), W.astype(of_W), b.astype(of_W), dout.astype(of_W)


def all_results(kernels, x, W, b, dout):
    return kernels.affine(x, W, b), *kernels.affine_gradient(dout, x, W)


@EACH_DTYPE
@EACH_SIZE
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("value", [None, nan, inf, -inf])
@pytest.mark.parametrize("array", range(4))
def test_they_are_the_matrix_products(kernels, size, dtypes, zeros, value, array):
    x, W, b, dout = arrays = problem(size, dtypes, zeros)
    if value is None and array:
        pytest.skip("the same as for the first array")
    if value is not None:
        flat = arrays[array].reshape(-1)
        flat[flat.size // 2 : flat.size // 2 + 1] = value
    with np.errstate(all="raise"):
        results = all_results(kernels, x, W, b, dout)
    wide = x.astype(W.dtype)
    with np.errstate(all="ignore"):
        expected = wide @ W + b, dout @ W.T, wide.T @ dout, dout.sum(axis=0)
    for result, exact, terms in zip(results, expected, (size[1], size[2], size[0], size[0]), strict=True):
        assert result.dtype == W.dtype
        # Sums of `terms` products of the order of 1, added in another order: each addition rounds once.
        np.testing.assert_allclose(result, exact, rtol=0, atol=8 * np.finfo(W.dtype).eps * max(terms, 1))


@EACH_DTYPE
@EACH_SIZE
def test_the_gradient_with_respect_to_the_input_can_be_left_out(kernels, size, dtypes):
    x, W, _, dout = problem(size, dtypes, True)
    _, *expected = kernels.affine_gradient(dout, x, W, True)
    dx, *gradients = kernels.affine_gradient(dout, x, W, False)
    assert dx is None
    for value, same in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(value, same)


@EACH_DTYPE
def test_a_zero_times_infinity_is_nan_in_any_chunk(kernels, dtypes):
    x, W, b, dout = problem((300, 40, 20), dtypes, True)
    W[20, 3], W[21, 4] = inf, nan  # of inputs that are always 0
    dout[200, 7], dout[201, 8] = inf, nan
    with np.errstate(all="raise"):
        out, _, dW, _ = all_results(kernels, x, W, b, dout)
    assert np.isnan(out[:, [3, 4]]).all()
    assert np.isfinite(np.delete(out, [3, 4], axis=1)).all()
    assert np.isnan(dW[x[200] == 0, 7]).all()
    assert np.isinf(dW[x[200] != 0, 7]).all()
    assert np.isnan(dW[:, 8]).all()
    assert np.isfinite(np.delete(dW, [7, 8], axis=1)).all()


@pytest.mark.parametrize("zeros", [False, True])
def test_images_are_rows(kernels, zeros):
    x, W, b, _ = problem((6, 24, 5), "fd", zeros)
    np.testing.assert_array_equal(kernels.affine(x.reshape(6, 2, 3, 4), W, b), kernels.affine(x, W, b))


def test_what_needs_conversion_or_does_not_fit_gives_none(kernels):
    x, W, b, dout = problem((6, 8, 5), "dd", False)
    assert kernels.affine(x, W, b) is not None
    for wrong in (
        (x.tolist(), W, b), (x[:, ::2], W[::2], b), (x, W.T, b), (x, W, b[:4]), (x, W, b[None]), (x[:, :7], W, b),
        (x, W.astype("f"), b), (x, W, b.astype("f")), (x, W.astype("f"), b.astype("f")), (x.astype(">f8"), W, b),
        (x.astype(int), W, b), (x.astype("e"), W, b), (x[0], W, b), (np.float64(1.0), W, b), (x, W[0], b), (None, W, b),
    ):
        assert kernels.affine(*wrong) is None
    for wrong in (
        (1, x, W), (dout[:5], x, W), (dout[:, :4], x, W), (dout, x, W.T), (dout.astype("f"), x, W), (dout, None, W),
        (dout.T.copy().T, x, W), (dout, x.reshape(6, 2, 4), W), (dout[0], x, W), (dout, x, W.astype("f")),
        (dout[:, :4].copy(), x, W),
    ):
        assert kernels.affine_gradient(*wrong) is None
