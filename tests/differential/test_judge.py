"""The judge itself: its formulas, its bounds, and that it finds what is wrong."""

import judge
import mpmath
import numpy as np
import pytest
from judge import Real, computing_in, exactly, share_of_bound
from ulp import BITS

from fastnet import MultiLayerNet, TwoLayerNet


@pytest.fixture(autouse=True)
def precise():
    with mpmath.workprec(BITS):
        yield


def parameters_of(shapes, dtype=np.float64, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(dtype) for shape in shapes]


SHAPES = [(2, 3), (3,), (3, 2), (2,)]
X = np.random.default_rng(1).normal(size=(3, 2))
ANSWERS = [[Real(0), Real(1)]] * 3
TARGETS = {
    "softmax": [0, 1, [Real(0.25), Real(0.5)]], "sigmoid": ANSWERS, "sigmoid_mse": ANSWERS, "identity": exactly(X)
}  # fmt: skip


@pytest.mark.parametrize("output", judge.OUTPUTS)
@pytest.mark.parametrize("activation", judge.ACTIVATIONS)
def test_backpropagation_is_the_derivative_of_the_loss(activation, output):
    # Also for a row of targets that does not sum to 1. Without the eps of the logarithm, which the gradient ignores.
    network = judge.Network(exactly_all(parameters_of(SHAPES)), activation, output, decay=0.25, eps=0)
    x, t, h = exactly(X), TARGETS[output], mpmath.mpf(10) ** -20
    for layer, gradients in zip(network.layers, pairs(network.gradient(x, t)), strict=True):
        for parameter, gradient in zip(layer, gradients, strict=True):
            for row, row_of_gradient in zip(rows(parameter), rows(gradient), strict=True):
                for i, before in enumerate(row):
                    losses = []
                    for step in (h, -h):
                        row[i] = Real(before.value + step)
                        losses.append(network.loss(x, t).value)
                    row[i] = before
                    # h² is 1e-40, and 200 bits are 60 digits, of which 20 are lost.
                    assert abs((losses[0] - losses[1]) / (2 * h) - row_of_gradient[i].value) < 1e-36


def exactly_all(arrays):
    return [exactly(array) for array in arrays]


def pairs(values):
    return list(zip(values[::2], values[1::2], strict=True))


def rows(parameter):
    return parameter if isinstance(parameter[0], list) else [parameter]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("factor", [1 + 1e-4, 1 - 1e-4])
@pytest.mark.parametrize("kind", [TwoLayerNet, MultiLayerNet])
def test_a_gradient_that_is_off_by_a_ten_thousandth_is_found(kind, factor, dtype):
    network = TwoLayerNet(2, 3, 2, dtype=dtype) if kind is TwoLayerNet else MultiLayerNet(2, [3], 2, dtype=dtype)
    network.params = dict(zip(network.params, parameters_of(SHAPES, dtype), strict=True))
    activation = "sigmoid" if kind is TwoLayerNet else "relu"
    with computing_in(dtype):
        exact = judge.Network(exactly_all(network.params.values()), activation, "softmax").gradient(
            exactly(X.astype(dtype)), [0, 1, 0]
        )
    gradients = list(zip(network.gradient(X, [0, 1, 0]).values(), exact, strict=True))
    assert max(share_of_bound(gradient, right) for gradient, right in gradients) <= 1
    # In some parameter: where the terms of a gradient cancel, the bound is large.
    assert max(share_of_bound(gradient * dtype(factor), right) for gradient, right in gradients) > 1


def test_the_bound_is_a_few_roundings_where_nothing_cancels_and_large_where_terms_do():
    with computing_in(np.float64):
        third = Real(1) / Real(3)
        assert 0 < third.error < 2.0**-52
        nothing = third - third * Real(1 + 2.0**-50)
        assert 1e-16 < nothing.error / float(third.value) < 1e-15
        assert abs(nothing.value) < 4 * nothing.error  # no digit is left


def test_numbers_of_few_digits_are_exact():
    network = judge.Network([[[Real(1)], [Real(-0.5)]], [Real(0)], [[Real(1)]], [Real(0)]], "relu", "identity")
    ((a,),) = network.forward([[Real(0.5), Real(1)]])[1][0]
    assert (a.value, a.error) == (0, 0)
    assert network.gradient([[Real(0.5), Real(1)]], [[Real(1)]])[0][0][0].value == 0  # the book's slope at 0


def test_infinity_and_nan_are_exact_and_overflow_is_not_judged():
    one, zero, infinity, nan = Real(1), Real(0), Real(mpmath.inf), Real(mpmath.nan)
    assert share_of_bound(np.float64(np.inf), one * infinity) == 0
    assert share_of_bound(np.float64(np.nan), zero * infinity) == 0
    assert share_of_bound(np.float64(0), zero * infinity) == np.inf
    assert share_of_bound(np.float64(np.inf), nan) == np.inf
    assert share_of_bound(np.float64(np.nan), one) == np.inf
    with computing_in(np.float32):
        assert share_of_bound(np.float32(7), Real(1e30) * Real(1e30)) == 0


@pytest.mark.parametrize(
    ("activation", "limits"),
    [
        ("sigmoid", [0, 1]),
        ("tanh", [-1, 1]),
        ("relu", [0, np.inf]),
        ("leaky_relu", [-np.inf, np.inf]),
        ("elu", [-1, np.inf]),
    ],
)
def test_activations_have_their_limits_at_infinity(activation, limits):
    assert [float(judge.ACTIVATIONS[activation][0](Real(x)).value) for x in (-np.inf, np.inf)] == limits


@pytest.mark.parametrize(("scores", "y"), [([1, np.inf], [0, 1]), ([np.inf, np.inf, 0], [np.nan, np.nan, 0])])
def test_softmax_has_its_limit_at_infinity(scores, y):
    assert share_of_bound(np.array(y, float), judge.softmax(exactly(scores))) == 0
