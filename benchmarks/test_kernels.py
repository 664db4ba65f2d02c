"""The textbook's NumPy expressions, fastnet's NumPy twins and its compiled kernels, side by side.

Every benchmark first asserts that its result agrees with the textbook's. `pytest benchmarks` prints a table for each
kernel, dtype and size; the ratio within a table is what counts.
"""

import numpy as np
import pytest
import textbook

import fastnet.functions
import fastnet.gradient

SIZES = (10, 1_000, 100_000, 1_000_000)
CLASSES = 10
# The textbook's own rounding included: its 1 - sigmoid(x) is off by one rounding of 1.
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


def agree(result, expected, dtype):
    np.testing.assert_allclose(result, expected, rtol=TOLERANCE[dtype], atol=np.finfo(dtype).eps)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size:.0e}".replace("+0", ""))
def size(request):
    return request.param


@pytest.fixture(params=TOLERANCE)
def dtype(request):
    return request.param


@pytest.fixture
def rows(size, dtype):
    """Scores of `size` elements in rows of ten classes, and labels."""
    random = np.random.default_rng(0)
    x = random.normal(scale=3, size=(size // CLASSES, CLASSES)).astype(dtype)
    return x, random.integers(CLASSES, size=len(x))


@pytest.mark.parametrize("name", ["sigmoid", "sigmoid_grad", "softmax"])
def test_activation(benchmark, implementation, name, rows, size, dtype):
    benchmark.group = f"{name}, {dtype}, {size:,} elements"
    x, _ = rows
    expected = getattr(textbook, name)(x)
    function = getattr(textbook if implementation == "textbook" else fastnet.functions, name)
    agree(function(x), expected, dtype)
    benchmark(function, x)


@pytest.mark.parametrize("form", ["labels", "one_hot"])
def test_cross_entropy_error(benchmark, implementation, form, rows, size, dtype):
    benchmark.group = f"cross_entropy_error of {form}, {dtype}, {size:,} elements"
    x, labels = rows
    y = textbook.softmax(x)
    t = labels if form == "labels" else np.eye(CLASSES, dtype=dtype)[labels]
    of_textbook = getattr(textbook, f"cross_entropy_{form}")
    function = of_textbook if implementation == "textbook" else fastnet.functions.cross_entropy_error
    agree(function(y, t), of_textbook(y, t), dtype)
    benchmark(function, y, t)


def test_numerical_gradient(benchmark, implementation):
    """A function of Python's own, which costs little: what is measured is the loop around it."""
    benchmark.group = "numerical_gradient of 1,000 elements"
    x = np.linspace(-1, 1, 1000)

    def f(x):
        return x[0] * x[1]

    expected = textbook.numerical_gradient(f, x)
    function = textbook.numerical_gradient if implementation == "textbook" else fastnet.gradient.numerical_gradient
    np.testing.assert_array_equal(function(f, x), expected)  # the book's arithmetic, bit for bit
    benchmark(function, f, x)
