"""Mini-batches of a sparse matrix: the kernel of the gradient reads its rows, and gives what their dense copy gives."""

import numpy as np
import pytest

from fastnet._picked import Picked

sparse = pytest.importorskip("scipy.sparse", reason="the extra `sklearn`, which brings SciPy, is not installed")

NET = "relu", "softmax"
ROWS = np.array([3, 0, 3, *range(290, 0, -1)])  # in any order, also twice; more than one chunk
DTYPES = pytest.mark.parametrize(("dtype", "x_dtype"), [("f4", "f4"), ("f8", "f4"), ("f8", "f8")])


def problem(dtype, x_dtype, D=13):
    random = np.random.default_rng(D)
    x = (random.standard_normal((300, D)) * (random.random((300, D)) < 0.2)).astype(x_dtype)
    x[5] = 0
    parameters = tuple(random.standard_normal(shape).astype(dtype) for shape in ((D, 9), (9,), (9, 4), (4,)))
    return x, random.integers(0, 4, len(ROWS)), parameters


def assert_same(kernels, matrix, x, labels, parameters):
    found = kernels.network_gradient(Picked(matrix, ROWS), labels, parameters, *NET)
    for array, wanted in zip(found, kernels.network_gradient(x[ROWS], labels, parameters, *NET), strict=True):
        np.testing.assert_array_equal(array, wanted)


@DTYPES
@pytest.mark.parametrize("D", [1, 12, 13, 784])
def test_the_rows_give_what_their_dense_copy_gives_to_the_last_bit(kernels, dtype, x_dtype, D):
    x, labels, parameters = problem(dtype, x_dtype, D)
    for kind in (sparse.csr_matrix, sparse.csr_array):
        assert_same(kernels, kind(x), x, labels, parameters)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_meet_the_zeros_that_are_not_stored(kernels, value):
    x, labels, parameters = problem("f8", "f8")
    parameters[0][2, 1] = value
    assert_same(kernels, sparse.csr_matrix(x), x, labels, parameters)


def test_numbers_in_any_order_stored_zeros_and_sums_count_as_in_scipy(kernels):
    x, labels, parameters = problem("f8", "f8")
    numbers, inputs = [1.5, 0.0, 2.0, -0.5], [7, 3, 0, 7]  # of each row: not sorted, a zero, and input 7 twice
    matrix = sparse.csr_matrix((numbers * 300, inputs * 300, range(0, 1201, 4)), x.shape)
    assert_same(kernels, matrix, matrix.toarray(), labels, parameters)


def test_rows_and_inputs_that_do_not_exist_are_not_read(twins):
    compiled, _ = twins  # the other one asks SciPy
    x, labels, parameters = problem("f8", "f8")
    unknown_input, negative_input, beyond_the_end, backwards = (sparse.csr_matrix(x) for _ in range(4))
    unknown_input.indices[unknown_input.indptr[200]] = 13
    negative_input.indices[negative_input.indptr[200]] = -1
    beyond_the_end.data = beyond_the_end.data[: beyond_the_end.indptr[200]]  # a view: the memory goes on
    backwards.indptr[200] = backwards.indptr[202] + 1
    wrong = [(matrix, ROWS) for matrix in (unknown_input, negative_input, beyond_the_end, backwards)]
    wrong += [(sparse.csr_matrix(x), np.where(ROWS == 200, row, ROWS)) for row in (300, -1)]
    scalar = sparse.csr_matrix(([2.0], [1], [0] + [1] * 300), x.shape)
    scalar.data = np.ndarray((), buffer=np.full(400, 2.0))  # the memory of an array
    wrong.append((scalar, ROWS))
    for matrix, rows in wrong:
        assert compiled.network_gradient(Picked(matrix, rows), labels, parameters, *NET) is None


def test_a_matrix_that_needs_conversion_becomes_dense(twins):
    compiled, _ = twins
    x, labels, parameters = problem("f8", "f8")
    long_indices = sparse.csr_matrix(x)
    long_indices.indices = long_indices.indices.astype(np.int64)
    for matrix in (long_indices, sparse.csr_matrix(x.astype(int))):
        assert compiled.network_gradient(Picked(matrix, ROWS), labels, parameters, *NET) is None
        np.testing.assert_array_equal(np.asarray(Picked(matrix, ROWS)), matrix.toarray()[ROWS])


class Fresh:
    """A CSR matrix of which every look at an array gives a new copy, which is gone when nobody holds it."""

    format = "csr"

    def __init__(self, matrix):
        self.matrix, self.shape, self.ndim = matrix, matrix.shape, matrix.ndim

    def __getattr__(self, name):
        return getattr(self.matrix, name).copy()


def test_the_arrays_stay_in_memory_until_the_kernel_has_read_them(twins):
    compiled, _ = twins
    x, labels, parameters = problem("f8", "f8", 784)
    for _ in range(20):
        assert_same(compiled, Fresh(sparse.csr_matrix(x)), x, labels, parameters)
