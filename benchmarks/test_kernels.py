"""Every kernel, on 10 to three million elements: the textbook's expression, fastnet on both backends, and the peers."""

from itertools import repeat

import numpy as np
import peers
import pytest

from fastnet._bench import plain, timing

pytestmark = pytest.mark.benchmark(max_time=0.1, min_rounds=3)

SIZES = (10, 1_000, 100_000, 3_000_000)
SHAPES = [(size // C, C) for C in (10, 1_000) for size in SIZES if size >= C]
# As coarse as the coarsest: a sum in float32 is off by many roundings.
TOLERANCE = {"float64": 1e-12, "float32": 5e-5}
ROUNDINGS = 4  # of 1, which the textbook's 1 - sigmoid(x) and 1 - tanh(x)^2 are off by

ACTIVATIONS = ("tanh", "tanh_grad", "leaky_relu", "leaky_relu_grad", "elu", "elu_grad")

each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size:.0e}".replace("+0", ""))
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))


def scores(shape, dtype):
    return np.random.default_rng(0).normal(scale=3, size=shape).astype(dtype)


def run(compare, what, of, dtype, *arguments):
    contenders = timing.expression(what, *arguments) | peers.contenders(what, *arguments)
    compare(what, f"{dtype}, {of}", contenders, TOLERANCE[dtype], ROUNDINGS * np.finfo(dtype).eps)


@each_dtype
@each_size
@pytest.mark.parametrize("implementation", peers.implementations("sigmoid"))
def test_sigmoid(compare, dtype, size):
    run(compare, "sigmoid", f"{size:,}", dtype, scores(size, dtype))


@each_dtype
@each_size
@pytest.mark.parametrize("implementation", peers.implementations("sigmoid_grad"))
def test_sigmoid_grad(compare, dtype, size):
    run(compare, "sigmoid_grad", f"{size:,}", dtype, scores(size, dtype))


@each_dtype
@each_size
@pytest.mark.parametrize(
    ("function", "implementation"),
    [(function, each) for function in ACTIVATIONS for each in peers.implementations(function)],
)
def test_other_activations(compare, dtype, size, function):
    run(compare, function, f"{size:,}", dtype, scores(size, dtype))


@each_dtype
@each_size
@pytest.mark.parametrize("implementation", peers.implementations("binary_cross_entropy"))
def test_binary_cross_entropy(compare, dtype, size):
    random = np.random.default_rng(0)
    y, t = random.uniform(0.01, 0.99, size).astype(dtype), random.integers(2, size=size).astype(dtype)
    run(compare, "binary_cross_entropy", f"{size:,}", dtype, y, t)


@each_dtype
@each_shape
@pytest.mark.parametrize("implementation", peers.implementations("softmax_cross_entropy"))
def test_softmax_cross_entropy_and_its_gradient(compare, dtype, shape):
    x, labels = scores(shape, dtype), np.random.default_rng(1).integers(shape[1], size=shape[0])
    contenders = timing.loss_and_gradient(x, labels) | peers.contenders("softmax_cross_entropy", x, labels)
    of = "{:,} x {:,}".format(*shape)
    compare("softmax_cross_entropy", f"{dtype}, {of}", contenders, TOLERANCE[dtype], ROUNDINGS * np.finfo(dtype).eps)


@each_dtype
@each_shape
@pytest.mark.parametrize("implementation", peers.implementations("softmax"))
def test_softmax(compare, dtype, shape):
    run(compare, "softmax", "{:,} x {:,}".format(*shape), dtype, scores(shape, dtype))


@each_dtype
@each_shape
@pytest.mark.parametrize("implementation", peers.implementations("cross_entropy_labels"))
def test_cross_entropy_of_labels(compare, dtype, shape):
    y, labels = probabilities(shape, dtype)
    run(compare, "cross_entropy_labels", "{:,} x {:,}".format(*shape), dtype, y, labels)


@each_dtype
@each_shape
@pytest.mark.parametrize("implementation", peers.implementations("cross_entropy_one_hot"))
def test_cross_entropy_of_one_hot(compare, dtype, shape):
    y, labels = probabilities(shape, dtype)
    t = np.zeros_like(y)
    t[np.arange(len(t)), labels] = 1
    run(compare, "cross_entropy_one_hot", "{:,} x {:,}".format(*shape), dtype, y, t)


def probabilities(shape, dtype):
    return plain.softmax(scores(shape, dtype)), np.random.default_rng(1).integers(shape[1], size=shape[0])


@pytest.mark.parametrize("implementation", peers.implementations("numerical_gradient"))
def test_numerical_gradient(compare):
    """What the loop costs beside the two calls of `f` for every element."""
    size = 1_000
    contenders, f, x = timing.loop(size)

    def calls():
        for _ in repeat(None, 2 * size):
            f(x)

    # The book's arithmetic, bit for bit.
    compare("numerical_gradient", "own cost per element", contenders, 0, 0, less=calls, per=size)
