"""SimpleNet: what it computes and what it refuses."""


import numpy as np
import pytest

from fastnet import SimpleNet

FLOATS = [np.float64, np.float32]
on_both_backends = pytest.mark.usefixtures("backend")


def same_state(one, other):
    """Whether two states of NumPy's global generator will draw the same."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def copies(params):
    return {name: value.copy() for name, value in params.items()}


def assert_bitwise(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        assert actual[name].dtype == expected[name].dtype
        assert actual[name].shape == expected[name].shape
        assert actual[name].tobytes() == expected[name].tobytes(), name


@on_both_backends
def test_simple_net_gives_the_gradient_that_the_notes_print():
    loss = 1.5687375483483121
    # Scores are known up to a constant from the probabilities. The last one follows from the loss to all its digits,
    # the others are printed to 8 digits, and so is the gradient: hence the tolerance.
    p = np.array([0.65515143, 0.13654067, np.exp(-loss) - 1e-7])
    p[:2] *= (1 - p[2]) / p[:2].sum()
    x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
    net = SimpleNet()
    net.W = np.outer(x, np.log(p)) / (x @ x)

    np.testing.assert_allclose(net.loss(x, t), loss, rtol=1e-14)
    printed = [[0.39309067, 0.08192436, -0.47501503], [0.58963601, 0.12288654, -0.71252255]]
    np.testing.assert_allclose(net.numerical_gradient(x, t), printed, rtol=0, atol=1e-8)


@on_both_backends
def test_simple_net_takes_batches_samples_labels_and_one_hot():
    net = SimpleNet(4, 3, seed=0)
    x = np.random.default_rng(0).normal(size=(5, 4))
    labels = np.array([0, 2, 1, 1, 0])
    assert net.predict(x).shape == (5, 3)
    assert net.predict(x[0]).shape == (3,)
    assert net.predict(x[:0]).shape == (0, 3)
    np.testing.assert_allclose(net.predict(x), x @ net.W, rtol=1e-14)
    for t in (labels[:, np.newaxis], labels.tolist(), np.eye(3)[labels]):
        np.testing.assert_allclose(net.loss(x, t), net.loss(x, labels), rtol=1e-14)  # the order of five sums
    np.testing.assert_allclose(net.loss(x[0], 2), net.loss(x[:1], [2]), rtol=1e-14)
    with pytest.raises(ValueError, match=r"x is empty: it has shape \(0, 4\), and a mean needs at least one sample"):
        net.loss(x[:0], labels[:0])
    np.testing.assert_allclose(net.loss(x, labels), np.mean([net.loss(a, b) for a, b in zip(x, labels, strict=True)]))


@on_both_backends
def test_simple_net_numerical_gradient_is_the_derivative():
    net = SimpleNet(4, 3, seed=0)
    x, t = np.random.default_rng(1).normal(size=(5, 4)), np.random.default_rng(2).dirichlet(np.ones(3), 5)
    before = net.W.copy()
    scores = np.exp(x @ net.W)
    expected = x.T @ (scores / scores.sum(axis=1, keepdims=True) - t) / 5
    # The loss adds 1e-7 in the logarithm, which the formula has not: 1e-7 of the inverse of the smallest y.
    np.testing.assert_allclose(net.numerical_gradient(x, t), expected, rtol=0, atol=1e-6)
    assert np.array_equal(net.W, before)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_simple_net_computes_with_a_matrix_as_with_its_array():
    net, plain = SimpleNet(seed=0), SimpleNet(seed=0)
    net.W = np.matrix(plain.W)
    assert type(net.predict([1, 2])) is np.ndarray
    assert np.array_equal(net.predict([1, 2]), plain.predict([1, 2]))
    assert np.array_equal(net.numerical_gradient([1, 2], 0), plain.numerical_gradient([1, 2], 0))


def test_simple_net_draws_w_like_the_book():
    np.random.seed(3)
    net = SimpleNet()
    following = np.random.rand()
    np.random.seed(3)
    assert np.array_equal(net.W, np.random.randn(2, 3))
    assert following == np.random.rand()


def test_simple_net_subclass_gets_the_gradient_of_its_own_loss():
    class Constant(SimpleNet):
        def loss(self, *_):
            return 3 * self.W.sum()

    # The loss is linear, so the central difference is exact but for rounding, 1e-16 of the loss over 2h.
    np.testing.assert_allclose(Constant(seed=0).numerical_gradient([1, 2], 0), np.full((2, 3), 3.0), rtol=1e-10)


@pytest.mark.parametrize(
    "W",
    [np.zeros((3, 2)), np.zeros((2, 3), int), [[0.0] * 3] * 2, 0.0, None, np.zeros((2, 3), complex),
     np.ma.zeros((2, 3)), np.zeros((2, 3), object)],
)
def test_simple_net_names_a_w_that_does_not_fit(W):
    net = SimpleNet()
    net.W = W
    for call in (net.predict, lambda x: net.loss(x, 0), lambda x: net.numerical_gradient(x, 0)):
        with pytest.raises(ValueError, match=r"W no longer fits.*\(2, 3\)"):
            call([0.6, 0.9])


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"input_size": 0}, ValueError, "input_size"),
        ({"output_size": -1}, ValueError, "output_size"),
        ({"input_size": 2.0}, TypeError, "input_size"),
        ({"output_size": True}, TypeError, "output_size"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 1.5}, TypeError, r"seed must be an integer of at least 0 or a numpy\.random\.Generator, got 1\.5"),
    ],
)
def test_simple_net_refuses_bad_arguments(arguments, error, named):
    with pytest.raises(error, match=named):
        SimpleNet(**arguments)
