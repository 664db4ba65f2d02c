"""The kernels of batch normalisation: any number of columns, hostile values, and the book's formulas."""

from math import inf, nan

import numpy as np
import pytest

from fastnet._bench import plain_layers

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# The compiled loop takes strips of 256 columns.
SHAPES = pytest.mark.parametrize("shape", [(1, 1), (2, 255), (3, 256), (4, 257), (7, 600), (300, 3)])


def no_statistics(D):
    """Running statistics, for a momentum of 0: the moved ones are those of the batch."""
    return np.zeros(D), np.zeros(D)


@BOTH_DTYPES
@SHAPES
def test_normalisation_and_its_gradient_are_the_books(kernels, dtype, shape):
    random = np.random.default_rng(0)
    dout = random.normal(size=shape).astype(dtype)
    # Alternately around 1 and -1, so that no standard deviation is small: dividing by it would enlarge the roundings.
    x = (0.2 * random.normal(size=shape) + (-1.0) ** np.arange(len(dout))[:, np.newaxis]).astype(dtype)
    gamma, beta = (random.normal(size=shape[1]).astype(dtype) for _ in range(2))
    layer = plain_layers.BatchNormalization(gamma.astype(float), beta.astype(float))
    out, xn, xc, mean, var, std = kernels.normalize(x, gamma, beta, *no_statistics(shape[1]), 0.0, 1e-6)
    # Numbers of the order of 1 that are rounded a few times; below, sums of up to 300 of them.
    tolerance = {"rtol": 0, "atol": 20 * np.finfo(dtype).eps}
    np.testing.assert_allclose(out, layer.forward(x.astype(float)), **tolerance)
    kept = (xn, layer.xn), (xc, layer.xc), (std, layer.std)
    for value, exact in (*kept, (mean, x.mean(axis=0)), (var, x.var(axis=0))):
        np.testing.assert_allclose(value, exact, **tolerance)
    dx, dgamma, dbeta = kernels.normalize_gradient(dout, xn, xc, gamma, std)
    tolerance["atol"] *= 5
    for value, exact in ((dx, layer.backward(dout.astype(float))), (dgamma, layer.dgamma), (dbeta, layer.dbeta)):
        assert (value.shape, value.dtype) == (exact.shape, dtype)
        np.testing.assert_allclose(value, exact, **tolerance)


@BOTH_DTYPES
@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_column_that_is_not_finite_leaves_the_others_alone(kernels, dtype, value):
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(dtype)
    ones, zeros = np.ones(3, dtype), np.zeros(3, dtype)
    expected = kernels.normalize(x, ones, zeros, *no_statistics(3), 0.0, 1e-6)
    x[2, 1] = value
    with np.errstate(all="raise"):
        results = kernels.normalize(x, ones, zeros, *no_statistics(3), 0.0, 1e-6)
        gradients = kernels.normalize_gradient(x, results[1], results[2], ones, results[5])
    for result, exact in zip(results, expected, strict=True):
        assert not np.isfinite(result[..., 1]).any()
        assert np.array_equal(result[..., ::2], exact[..., ::2])
    assert all(np.isfinite(gradient[..., ::2]).all() for gradient in gradients)


@BOTH_DTYPES
def test_the_variance_of_a_large_mean_keeps_its_digits(kernels, dtype):
    large = 1 / np.finfo(dtype).eps / 8
    x = np.array([[large + 1], [large - 1]] * 1000, dtype)
    ones, zeros = np.ones(1, dtype), np.zeros(1, dtype)
    _, xn, _, mean, var, _ = kernels.normalize(x, ones, zeros, *no_statistics(1), 0.0, 0.0)
    assert (mean.item(), var.item()) == (large, 1)
    assert np.array_equal(xn[:2], [[1], [-1]])


@BOTH_DTYPES
@SHAPES
def test_the_relu_behind_it_is_that_of_its_own_layer(kernels, dtype, shape):
    random = np.random.default_rng(1)
    x, dout = (random.normal(size=shape).astype(dtype) for _ in range(2))
    gamma, beta = (random.normal(size=shape[1]).astype(dtype) for _ in range(2))
    arguments = x, gamma, beta, *no_statistics(shape[1]), 0.0, 1e-6
    out, xn, xc, *statistics = kernels.normalize(*arguments)
    mask = np.empty(shape, bool)
    fused, *kept = kernels.normalize(*arguments, mask)
    expected, expected_mask = kernels.relu_with_mask(out)
    for one, other in zip((fused, mask, *kept), (expected, expected_mask, xn, xc, *statistics), strict=True):
        assert np.array_equal(one, other)
    std = statistics[-1]
    gradients = kernels.normalize_gradient(dout, xn, xc, gamma, std, mask)
    separately = kernels.normalize_gradient(kernels.zero_where(dout, mask), xn, xc, gamma, std)
    for one, other in zip(gradients, separately, strict=True):
        assert np.array_equal(one, other)


@BOTH_DTYPES
def test_what_needs_conversion_is_refused(kernels, dtype):
    rows, vector = np.ones((4, 3), dtype), np.ones(3, dtype)
    statistics = no_statistics(3)
    others = rows[:, ::2], rows[0], rows[:0], rows.astype("f2"), rows.astype(">f4"), rows[:, :2].copy()
    for x in (rows.tolist(), *others):
        assert kernels.normalize(x, vector, vector, *statistics, 0.9, 1e-6) is None
        assert kernels.normalize_gradient(x, rows, rows, vector, vector) is None
    other = np.ones(3, "f4" if dtype is np.float64 else "f8")
    for wrong in (None, 1.0, other, vector[np.newaxis], np.ones(4, dtype)):
        assert kernels.normalize(rows, wrong, vector, *statistics, 0.9, 1e-6) is None
        assert kernels.normalize(rows, vector, wrong, *statistics, 0.9, 1e-6) is None
        assert kernels.normalize_gradient(rows, rows, rows, wrong, vector) is None
        assert kernels.normalize_gradient(rows, rows, wrong, vector, vector) is None
    for wrong in (None, np.ones(3, "f4"), np.ones(4)):
        assert kernels.normalize(rows, vector, vector, wrong, statistics[1], 0.9, 1e-6) is None
        assert kernels.normalize(rows, vector, vector, statistics[0], wrong, 0.9, 1e-6) is None
