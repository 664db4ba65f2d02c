"""gradient_check finds the wrong gradient and its element, in any network, and nothing where none is."""

import itertools
import math
import re
import tracemalloc

import effort
import numpy as np
import pytest
import verdicts
from hostile import LAYOUTS, snapshot

from fastnet import MultiLayerNet, MultiLayerNetExtend, SimpleNet, TwoLayerNet
from fastnet.gradient import gradient_check, numerical_gradient

pytestmark = pytest.mark.usefixtures("backend")

D, H, C, N = 6, 5, 3, 8
X = np.random.default_rng(0).normal(size=(N, D))
T = np.random.default_rng(1).integers(C, size=N)


class Cubic:
    """A network of one's own: its loss is the sum of the cubes of `w`, times `x`, and `slip` is put on its gradient."""

    def __init__(self, w, slip=0.0):
        self.params = {"w": np.array(w, float)}
        self.slip = slip

    def loss(self, x, _):
        return x * np.sum(self.params["w"] ** 3)

    def gradient(self, x, _):
        return {"w": 3 * x * self.params["w"] ** 2 + self.slip}


class Deep:
    """Two hidden layers of relu and a weight decay, written as a learner would, without anything of fastnet."""

    def __init__(self, dtype=np.float64, decay=0.0):
        random, sizes = np.random.default_rng(0), [D, H, H, C]
        self.decay, self.params = decay, {}
        for i in (1, 2, 3):
            W = random.normal(size=(sizes[i - 1], sizes[i])) * np.sqrt(2 / sizes[i - 1])
            self.params[f"W{i}"] = W.astype(dtype)
            self.params[f"b{i}"] = np.zeros(sizes[i], dtype)

    def forward(self, x):
        p = self.params
        z1 = np.maximum(x @ p["W1"] + p["b1"], 0)
        z2 = np.maximum(z1 @ p["W2"] + p["b2"], 0)
        y = np.exp(z2 @ p["W3"] + p["b3"])
        return z1, z2, y / y.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        *_, y = self.forward(x)
        penalty = sum(np.sum(self.params[f"W{i}"] ** 2) for i in (1, 2, 3))
        return -np.mean(np.log(y[np.arange(len(x)), t])) + 0.5 * self.decay * penalty

    def gradient(self, x, t):
        p = self.params
        z1, z2, y = self.forward(x)
        d3 = y
        d3[np.arange(len(x)), t] -= 1
        d3 /= len(x)
        d2 = d3 @ p["W3"].T * (z2 > 0)
        d1 = d2 @ p["W2"].T * (z1 > 0)
        grads = {"W1": x.T @ d1, "W2": z1.T @ d2, "W3": z2.T @ d3}
        grads = {name: grad + self.decay * p[name] for name, grad in grads.items()}
        return grads | {"b1": d1.sum(axis=0), "b2": d2.sum(axis=0), "b3": d3.sum(axis=0)}


def broken(kind, mistake, *arguments, **keywords):
    """A network of `kind` on whose gradients, a dict, `mistake` is made."""

    class Broken(kind):
        def gradient(self, x, t):
            grads = {name: grad.copy() for name, grad in super().gradient(x, t).items()}
            return mistake(grads) or grads

    return Broken(*arguments, **keywords)


def two_layers(mistake=None, **keywords):
    return broken(TwoLayerNet, mistake or (lambda grads: grads), D, H, C, 0.5, **{"seed": 1, **keywords})


def scale(name, index, factor):
    def mistake(grads):
        grads[name][index] *= factor

    return mistake


def wrong(report):
    return [name for name, row in report.rows.items() if not row.agrees]


# --- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("samples", [None, 4, 10**6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_networks_of_fastnet_agree(dtype, samples):
    net = two_layers(dtype=dtype)
    report = gradient_check(net, X, T, samples=samples, seed=0)
    assert report
    assert list(report.rows) == ["W1", "b1", "W2", "b2"]
    assert [row.size for row in report.rows.values()] == [D * H, H, H * C, C]
    assert [row.checked for row in report.rows.values()] == [min(samples or 10**6, s) for s in (D * H, H, H * C, C)]
    if dtype == np.float64:
        # What is left is mostly the 1e-7 in the logarithm of the loss, over the smallest y.
        smallest = net.predict(X)[np.arange(N), T].min()
        assert all(row.relative_error < 2e-7 / smallest for row in report.rows.values())


def test_a_network_with_images_in_0_to_1_agrees_before_and_after_training(mnist):
    (x, t), _ = mnist
    x, t = x[:50], t[:50]
    net = TwoLayerNet(784, 10, 10, seed=0)
    assert gradient_check(net, x, t)
    for _ in range(200):
        for name, grad in net.gradient(x, t).items():
            net.params[name] -= 0.5 * grad
    assert net.loss(x, t) < 0.5
    assert gradient_check(net, x, t)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_a_network_of_any_layers_and_any_output_agrees(output, activation, dtype):
    net = MultiLayerNet(D, [H, 4], C, activation, weight_decay_lambda=0.1, output=output, dtype=dtype, seed=0)
    assert gradient_check(net, X, T if output == "softmax" else np.eye(C)[T])


def test_the_1e_7_in_the_logarithm_does_not_count_where_large_inputs_make_a_new_network_sure(mnist):
    (x, t), _ = mnist
    net = MultiLayerNet(784, [10], 10, seed=0)
    assert gradient_check(net, x[:5], t[:5], samples=5, seed=0)
    report = gradient_check(net, 255 * x[:5], t[:5], samples=5, seed=0)
    assert report
    assert report.loss == net.loss(255 * x[:5], t[:5]) > 9.2


def test_the_1e_7_is_blamed_for_nothing_where_the_loss_is_small_or_all_agrees():
    assert "1e-07" not in repr(gradient_check(two_layers(scale("b1", 3, 3)), X, T))
    assert "1e-07" not in repr(gradient_check(Cubic([2, 3]), 1.0, None))


def test_a_wrong_gradient_differs_however_large_the_loss():
    report = gradient_check(Cubic([2, 3], slip=1), 1.0, None)
    assert report.loss == 35
    assert report.verdict == "differs"


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("samples", [None, 7])
def test_a_network_of_one_s_own_agrees(decay, samples):
    report = gradient_check(Deep(decay=decay), X, T, samples=samples, seed=0)
    assert report
    assert len(report.rows) == 6


def test_what_relu_bends_within_the_step_is_no_mistake():
    net = Deep()
    z1 = X @ net.params["W1"]
    # The first unit of the first layer has its bend 1e-5 above where the first sample leaves it: within h of it.
    net.params["b1"][0] = -z1[0, 0] - 1e-5
    report = gradient_check(net, X, T)
    assert report
    # At h = 1e-4 the difference sees 45 % of a slope that the gradient has not: the element was decided at less.
    assert report.rows["b1"].relative_error < 1e-3


def test_relu_at_0_exactly_has_two_slopes_and_either_is_right():
    net, x = Deep(), X.copy()
    x[0] = 0  # so that with biases of 0 every unit is at its bend
    for slope_at_0 in (np.greater, np.greater_equal):

        class Chosen(Deep):
            def gradient(self, x, t):
                grads, p = super().gradient(x, t), self.params
                z1, _, y = self.forward(x)
                dy = (y - np.eye(C)[t]) / len(x)
                d2 = dy @ p["W3"].T * slope_at_0(z1 @ p["W2"] + p["b2"], 0)  # noqa: B023
                return grads | {"b2": d2.sum(axis=0)}

        net = Chosen()
        assert gradient_check(net, x, T)
        assert not gradient_check(broken(Chosen, scale("b2", slice(None), 1.1)), x, T)


def test_what_the_square_of_the_step_leaves_is_no_mistake():
    # d(w^3)/dw at 1e-6 is 3e-12, and the difference at h is h^2 = 1e-8 more. Beside 3, a thousandth is allowed; alone,
    # the smaller steps show that it shrinks with their squares.
    assert gradient_check(Cubic([1.0, 1e-6]), 1.0, None)
    report = gradient_check(Cubic([1e-3]), 1.0, None)
    assert report
    assert report.rows["w"].absolute_error < 1e-9  # h^2 would be 1e-8


def test_a_gradient_of_nothing_but_zeros_agrees():
    report = gradient_check(Cubic([1.0, 2.0]), 0.0, None)
    assert report
    assert (report.rows["w"].absolute_error, report.rows["w"].relative_error) == (0, 0)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 1, 3)])
def test_parameters_of_any_shape(shape):
    for samples in (None, 1):
        report = gradient_check(Cubic(np.full(shape, 0.5)), 1.0, None, samples=samples)
        row = report.rows["w"]
        assert report
        assert row.size == np.prod(shape, dtype=int)
        assert row.index in list(np.ndindex(shape)) or (row.size == 0 and row.index == ())


@pytest.mark.parametrize("layout", LAYOUTS[:-2], ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("samples", [None, 5])
def test_parameters_of_any_layout_are_put_back_exactly(layout, samples):
    net = Cubic(1.0)
    net.params["w"] = layout(np.random.default_rng(0).normal(size=(4, 3)))
    before = snapshot(net.params["w"])
    assert gradient_check(net, 2.0, None, samples=samples)
    assert snapshot(net.params["w"]) == before
    net.slip = np.zeros((4, 3))
    net.slip[2, 1] = 0.5
    assert gradient_check(net, 2.0, None).rows["w"].index == (2, 1)
    assert snapshot(net.params["w"]) == before


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("name", "index", "factor"), [("W1", (4, 2), 2), ("b1", (3,), -1), ("W2", (0, 1), 0), ("b2", (2,), 1.5)]
)
def test_a_wrong_element_is_found_and_its_two_gradients_are_reported(dtype, name, index, factor):
    net = two_layers(scale(name, index, factor), dtype=dtype)
    right = two_layers(dtype=dtype).gradient(X, T)[name]
    report = gradient_check(net, X, T)
    assert not report
    assert wrong(report) == [name]
    row = report.rows[name]
    assert row.index == index
    assert row.backpropagation == pytest.approx(factor * right[index], rel=1e-6)
    assert row.numerical == pytest.approx(right[index], rel=1e-4)
    assert row.absolute_error == pytest.approx(abs(factor - 1) * abs(right[index]), rel=1e-3)
    assert row.relative_error == pytest.approx(
        row.absolute_error / max(abs(right).max(), abs(factor * right[index])), rel=1e-3
    )


def test_an_error_of_one_percent_in_one_element_is_found():
    largest = np.unravel_index(abs(two_layers().gradient(X, T)["W1"]).argmax(), (D, H))
    assert wrong(gradient_check(two_layers(scale("W1", largest, 1.01)), X, T)) == ["W1"]
    assert gradient_check(two_layers(scale("W1", largest, 1.0001)), X, T)  # within the thousandth that is allowed


@pytest.mark.parametrize(
    ("mistake", "names"),
    [
        (lambda grads: {name: N * grad for name, grad in grads.items()}, ["W1", "W2", "W3", "b1", "b2", "b3"]),
        (lambda grads: {**grads, "W2": grads["W2"].T}, ["W2"]),
        (lambda grads: {**grads, "b3": 0 * grads["b3"]}, ["b3"]),
        (lambda grads: {**grads, "W1": np.roll(grads["W1"], 1)}, ["W1"]),
        (lambda grads: {**grads, "b1": np.full(H, np.nan)}, ["b1"]),
        (lambda grads: {**grads, "b1": np.full(H, np.inf)}, ["b1"]),
    ],
    ids=["sum_for_mean", "transposed", "forgotten", "shifted", "nan", "inf"],
)
def test_the_usual_mistakes_are_found_in_a_network_of_one_s_own(mistake, names):
    for samples in (None, 5):
        report = gradient_check(broken(Deep, mistake), X, T, samples=samples, seed=0)
        assert sorted(wrong(report)) == names


def test_a_weight_decay_that_only_the_loss_has_is_found():
    class Forgetful(Deep):
        def gradient(self, x, t):
            decay, self.decay = self.decay, 0.0
            try:
                return super().gradient(x, t)
            finally:
                self.decay = decay

    assert wrong(gradient_check(Forgetful(decay=0.1), X, T)) == ["W1", "W2", "W3"]


def test_a_subclass_with_its_own_loss_is_checked_against_that_loss():
    class Doubled(TwoLayerNet):
        def loss(self, x, t):
            return 2 * super().loss(x, t)

    assert wrong(gradient_check(Doubled(D, H, C, 0.5, seed=1), X, T)) == ["W1", "b1", "W2", "b2"]
    right = broken(Doubled, lambda grads: {name: 2 * grad for name, grad in grads.items()}, D, H, C, 0.5, seed=1)
    assert gradient_check(right, X, T)


def test_a_mistake_is_not_lost_in_the_rounding_of_a_smaller_step():
    class Raised(Cubic):
        def loss(self, x, t):
            return 1e6 + super().loss(x, t)

    # Allowed are 7.5e-4 of the gradient, and 1e-5 of rounding at h = 1e-4, but 1e-3 at 1e-6, which tells nothing.
    assert wrong(gradient_check(Raised([0.5], slip=1e-3), 1.0, None)) == ["w"]
    assert gradient_check(Raised([0.5], slip=5e-4), 1.0, None)


def test_a_mistake_is_not_taken_for_a_bend_of_relu_beside_one():
    net = broken(Deep, scale("b1", 1, 1.02))
    net.params["b1"][0] = -(X @ net.params["W1"])[0, 0] - 1e-5
    report = gradient_check(net, X, T)
    assert wrong(report) == ["b1"]
    assert report.rows["b1"].index == (1,)


@pytest.mark.parametrize("slip", [np.nan, np.inf, 1e300])
def test_a_gradient_that_is_no_number_is_wrong_and_raises_no_warning(slip):
    report = gradient_check(Cubic([1.0, 2.0], slip=np.array([0.0, slip])), 1.0, None)
    assert not report
    assert report.rows["w"].index == (1,)
    assert "DIFFERS" in str(report)


def test_a_loss_that_is_no_number_agrees_with_nothing():
    assert not gradient_check(Cubic([1.0]), np.nan, None)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_of_a_loss_that_is_not_finite_nothing_can_be_told_and_zeros_are_not_right(value):
    net = Cubic([0.0, 2.0])
    net.loss, net.gradient = lambda *_: value, lambda *_: {"w": np.zeros(2)}
    assert gradient_check(net, 1.0, None).verdict == "cannot tell"


def test_a_loss_that_overflows_cannot_be_told():
    net = Cubic([1e200])
    with np.errstate(over="ignore"):
        net.loss = lambda *_: np.mean((net.params["w"] * 1e200) ** 2)
        net.gradient = lambda *_: {"w": np.zeros(1)}
        assert gradient_check(net, 1.0, None).verdict == "cannot tell"


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
@pytest.mark.parametrize("weight", [np.inf, -np.inf, 1e200, 1e308])
def test_no_gradient_differs_where_the_bounds_of_the_errors_are_not_finite(weight, output):
    net = MultiLayerNet(D, [H, 4], C, "sigmoid", 0.5, output=output, seed=0)
    net.params["W1"][0, 0] = weight
    net.params["W2"][0, 0] = weight
    with np.errstate(all="ignore"):
        assert gradient_check(net, X, T if output == "softmax" else np.eye(C)[T]).verdict != "differs"


def by_the_book_s_step(function, w):
    """A network whose loss is `function(w)`, and whose gradient is a difference of it."""
    net = Cubic([w])
    net.loss = lambda *_: float(function(net.params["w"][0]))
    net.gradient = lambda *_: {"w": np.array([function(w + 1e-4) - function(w - 1e-4)]) / 2e-4}
    return net


@pytest.mark.parametrize(
    ("function", "w"),
    [
        (lambda w: np.tanh(1e4 * w), 0.0),
        (lambda w: np.sin(3000 * w), 0.3),
        (lambda w: max(w, 0.0), 1e-5),
        (lambda w: np.mean(np.tanh(np.arange(0, 1001, 100) * w) ** 2), 1e-3),
    ],
)
def test_a_gradient_that_is_the_first_difference_itself_does_not_agree_by_that(function, w):
    assert gradient_check(by_the_book_s_step(function, w), 1.0, None).verdict != "agrees"


# --- a loss that is no function, or another one -----------------------------------------------------------------------


class Extended:
    """The book's `MultiLayerNetExtend`, written small: affine, batch normalisation, relu, dropout, affine, softmax.

    The loss is in test mode unless `train_flg` says otherwise; the gradients are those of training.
    """

    def __init__(self, dropout=0.0, mistake=lambda _: None):
        random = np.random.default_rng(0)
        self.params = {
            "W1": random.normal(size=(D, H)), "b1": np.zeros(H), "gamma": np.ones(H), "beta": np.zeros(H),
            "W2": random.normal(size=(H, C)), "b2": np.zeros(C),
        }  # fmt: skip
        self.dropout, self.mistake = dropout, mistake
        self.running_mean, self.running_var = None, None

    def forward(self, x, train_flg):
        p = self.params
        a = x @ p["W1"] + p["b1"]
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(H), np.zeros(H)
        if train_flg:
            self.mean, self.var = a.mean(axis=0), a.var(axis=0)
            self.running_mean = 0.9 * self.running_mean + 0.1 * self.mean
            self.running_var = 0.9 * self.running_var + 0.1 * self.var
            self.mask = np.random.rand(*a.shape) > self.dropout if self.dropout else np.ones(a.shape)
        else:
            self.mean, self.var, self.mask = self.running_mean, self.running_var, 1 - self.dropout
        self.xn = (a - self.mean) / np.sqrt(self.var + 1e-6)
        self.u = p["gamma"] * self.xn + p["beta"]
        self.z = np.maximum(self.u, 0) * self.mask
        e = np.exp(self.z @ p["W2"] + p["b2"])
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t, train_flg=False):
        y = self.forward(x, train_flg)
        return -np.mean(np.log(y[np.arange(len(x)), t] + 1e-7))

    def gradient(self, x, t):
        p, y = self.params, self.forward(x, True)
        y[np.arange(len(x)), t] -= 1
        y /= len(x)
        du = y @ p["W2"].T * self.mask * (self.u > 0)
        dxn = du * p["gamma"]
        da = (dxn - dxn.mean(axis=0) - self.xn * (dxn * self.xn).mean(axis=0)) / np.sqrt(self.var + 1e-6)
        grads = {
            "W1": x.T @ da, "b1": da.sum(axis=0), "gamma": (du * self.xn).sum(axis=0), "beta": du.sum(axis=0),
            "W2": self.z.T @ y, "b2": y.sum(axis=0),
        }  # fmt: skip
        self.mistake(grads)
        return grads

    def numerical_gradient(self, x, t):
        return {
            name: numerical_gradient(lambda _: self.loss(x, t, train_flg=True), param)
            for name, param in self.params.items()
        }


class Halving(TwoLayerNet):
    """A subclass whose loss is half of that of its class."""

    def loss(self, x, t):
        return super().loss(x, t) / 2

    def gradient(self, x, t):
        return {name: grad / 2 for name, grad in super().gradient(x, t).items()}


class InnerMode(Extended):
    """The same with a mode of its own: nothing in the signature of `loss` tells that it is in test mode."""

    def loss(self, x, t):
        return Extended.loss(self, x, t)

    def numerical_gradient(self, x, t):
        return {
            name: numerical_gradient(lambda _: Extended.loss(self, x, t, train_flg=True), param)
            for name, param in self.params.items()
        }


def all_zero(grads):
    for grad in grads.values():
        grad[...] = 0


@pytest.mark.parametrize("samples", [None, 3])
def test_batch_normalisation_is_judged_in_training_mode(samples):
    net = Extended()
    net.forward(X, True)
    running = net.running_mean
    before = running.copy()
    # b1 has no effect before the normalisation: its gradient is the rounding of a sum that is 0.
    assert gradient_check(net, X, T, samples=samples, seed=0)
    assert net.running_mean is running
    assert (running == before).all()
    wrong_one = Extended(mistake=scale("gamma", slice(None), 1.002))
    assert wrong(gradient_check(wrong_one, X, T, samples=samples, seed=0)) == ["gamma"]


def test_with_batch_normalisation_the_1e_7_in_the_logarithm_makes_no_gradient_wrong():
    # The smallest elements of W1 are sums that cancel. There, the 1e-7 is more than 1/1000.
    for number in range(20):
        net, random = Extended(), np.random.default_rng(number)
        x, t = random.normal(size=(N, D)), random.integers(C, size=N)
        assert gradient_check(net, x, t).verdict in ("agrees", "cannot tell")


@pytest.mark.parametrize("samples", [None, 3])
def test_dropout_is_judged_with_the_same_masks_in_every_call(samples):
    np.random.seed(0)
    state = str(np.random.get_state(legacy=False))
    assert gradient_check(Extended(dropout=0.5), X, T, samples=samples, seed=0)
    assert gradient_check(Extended(dropout=0.5, mistake=all_zero), X, T, samples=samples, seed=0).verdict == "differs"
    assert str(np.random.get_state(legacy=False)) == state


class OwnDraws(Extended):
    """Dropout with masks of its own generator, which the check cannot draw again."""

    def forward(self, x, train_flg):
        np.random.seed(np.random.default_rng().integers(2**32))
        return super().forward(x, train_flg)


class MoreDraws(Extended):
    """Its gradient draws masks once more than its loss: they are other ones."""

    def gradient(self, x, t):
        self.forward(x, True)
        return super().gradient(x, t)


@pytest.mark.parametrize("samples", [None, 3])
@pytest.mark.parametrize("mistake", [lambda _: None, all_zero])
@pytest.mark.parametrize("kind", [OwnDraws, MoreDraws])
def test_draws_that_the_check_cannot_repeat_are_refused(kind, mistake, samples):
    net = kind(dropout=0.5, mistake=mistake)
    np.random.seed(0)
    state = str(np.random.get_state(legacy=False))
    with pytest.raises(ValueError, match=r"train_flg=True\) is \d.*, and \d.* when called again: it is drawn again"):
        gradient_check(net, X, T, samples=samples)
    assert str(np.random.get_state(legacy=False)) == state


@pytest.mark.parametrize("samples", [None, 3])
def test_a_loss_in_test_mode_is_not_what_gradients_of_training_belong_to(samples):
    with pytest.raises(ValueError, match=r"do not belong to the same function\. Probably the loss is in test mode"):
        gradient_check(InnerMode(), X, T, samples=samples, seed=0)


def test_a_gradient_of_zeros_passes_in_no_mode():
    for samples in (None, 3):
        with pytest.raises(ValueError, match="test mode"):
            gradient_check(InnerMode(mistake=all_zero), X, T, samples=samples)
        assert gradient_check(Extended(mistake=all_zero), X, T, samples=samples, seed=0).verdict == "differs"


@pytest.mark.parametrize("samples", [None, 3])
def test_a_loss_with_another_factor_than_both_gradients_is_refused(samples):
    class Halved(Deep):
        def loss(self, x, t):
            return super().loss(x, t) / 2

        def numerical_gradient(self, x, t):
            return Deep.gradient(self, x, t)

    # As where the loss is in test mode, and no statistics move.
    with pytest.raises(ValueError, match=r"differences of network\.loss give .* Probably the loss is in test mode"):
        gradient_check(Halved(), X, T, samples=samples, seed=0)


def test_a_gradient_that_is_drawn_again_is_refused():
    net = Deep()
    net.gradient = lambda x, t: {
        name: grad * np.random.default_rng().integers(1, 10**6) for name, grad in Deep.gradient(net, x, t).items()
    }
    with pytest.raises(ValueError, match=r"gradient\(x, t\)\['W1'\] at \[\d, \d\] is .*, and .* when called again"):
        gradient_check(net, X, T)


def test_a_gradient_of_a_subclass_that_is_drawn_again_is_refused():
    class Dropout(MultiLayerNet):
        def gradient(self, x, t):
            W = self.params["W2"]
            self.params["W2"] = W * (np.random.random(W.shape) > 0.5)
            try:
                return super().gradient(x, t)
            finally:
                self.params["W2"] = W

    state = str(np.random.get_state(legacy=False))
    with pytest.raises(ValueError, match=r"gradient\(x, t\)\['W1'\] at \[\d, \d\] is .*, and .* when called again"):
        gradient_check(Dropout(D, [H], C, seed=0), X, T)
    assert str(np.random.get_state(legacy=False)) == state


def test_a_loss_that_differs_in_some_calls_is_said_to_be_drawn_again():
    net, calls = Deep(), itertools.count(1)
    net.loss = lambda x, t: Deep.loss(net, x, t) * (1 if next(calls) % 3 else 1.001)
    with pytest.raises(ValueError, match="when called again: it is drawn again"):
        gradient_check(net, X, T)


@pytest.mark.parametrize("method", ["loss", "gradient"])
@pytest.mark.parametrize("change", ["write", "replace", "once"])
@pytest.mark.parametrize("kind", [Deep, lambda: two_layers(), lambda: Halving(D, H, C, 0.5, seed=1)])
def test_parameters_that_the_network_changes_are_put_back_and_named(kind, change, method):
    net = kind()
    W2, before, right, calls = net.params["W2"], net.params["W2"].copy(), getattr(net, method), itertools.count()

    def changing(*arguments, **keywords):
        if change == "write":
            net.params["W2"] /= np.linalg.norm(net.params["W2"])
        elif change == "replace":
            net.params["W2"] = net.params["W2"] * 0.5
        elif next(calls) == 1:
            net.params["W2"][0, 0] = np.nan
        return right(*arguments, **keywords)

    setattr(net, method, changing)
    with pytest.raises(ValueError, match=r"network\.loss or network\.gradient changed params\['W2'\], so"):
        gradient_check(net, X, T)
    assert net.params["W2"] is W2
    assert W2.tobytes() == before.tobytes()


@pytest.mark.parametrize("samples", [None, 10**6])
@pytest.mark.parametrize("mistake", [scale("W1", (2, 1), -3), scale("W1", (slice(None), 0), 2)])
def test_a_numerical_gradient_of_the_network_s_own_makes_no_mistake_right(mistake, samples):
    net = broken(Deep, mistake)
    net.numerical_gradient = net.gradient
    assert wrong(gradient_check(net, X, T, samples=samples)) == ["W1"]


def test_a_numerical_gradient_of_the_network_s_own_makes_no_gradient_wrong():
    random = np.random.default_rng(0)
    for own in (
        lambda *_: {name: random.normal(size=param.shape) for name, param in Deep().params.items()},
        lambda *_: {name: np.ones(param.shape) for name, param in Deep().params.items()},
        lambda *_: {},
    ):
        net = Deep()
        net.numerical_gradient = own
        assert gradient_check(net, X, T)


def test_a_numerical_gradient_that_is_drawn_again_explains_nothing():
    net, random = broken(Deep, lambda grads: {name: 2 * grad for name, grad in grads.items()}), np.random.default_rng(0)
    net.numerical_gradient = lambda x, t: {
        name: grad * random.uniform(0.5, 1) for name, grad in net.gradient(x, t).items()
    }
    assert gradient_check(net, X, T).verdict == "differs"


# --- three answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_five_layers_of_small_weights_agree(activation, output):
    # The book's experiment on initial weights. A bend of relu is 1e-11 away from every bias.
    net = MultiLayerNet(D, [H] * 5, C, activation, 0.01, output=output, seed=0)
    t = T if output == "softmax" else np.eye(C)[T]
    assert gradient_check(net, X, t)
    assert gradient_check(net, X, t, samples=3, seed=0)
    largest = np.unravel_index(abs(net.gradient(X, t)["W2"]).argmax(), (H, H))
    mistaken = broken(
        MultiLayerNet, scale("W2", largest, 1.001), D, [H] * 5, C, activation, 0.01, output=output, seed=0
    )
    assert wrong(gradient_check(mistaken, X, t)) == ["W2"]


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_gradients_that_are_all_but_zero_agree(activation, output):
    t = np.eye(C)[T]
    without_weights = MultiLayerNet(D, [H, 4], C, activation, 0, output=output, seed=0)
    assert gradient_check(without_weights, X, t)
    assert gradient_check(MultiLayerNet(D, [H, 4], C, activation, output=output, seed=0), 0 * X, t)
    # As many samples of each class, and weights of 0: for "softmax", db3 is a sum of 1/3 and -2/3 that is 0.
    assert gradient_check(without_weights, X[:6], np.eye(C)[[0, 1, 2, 0, 1, 2]])


def test_a_network_trained_to_the_end_agrees():
    net, t = MultiLayerNet(D, [], 1, output="identity", seed=0), X @ np.arange(D)
    for _ in range(3000):
        for name, grad in net.gradient(X, t).items():
            net.params[name] -= 0.1 * grad
    assert max(abs(grad).max() for grad in net.gradient(X, t).values()) < 1e-12
    assert gradient_check(net, X, t)
    net.gradient = lambda x, t: {name: grad + 1e-9 for name, grad in MultiLayerNet.gradient(net, x, t).items()}
    assert wrong(gradient_check(net, X, t)) == ["W1", "b1"]


def test_inputs_of_1000_make_no_wrong_verdict():
    # In the loss of a sample of which the network is wrong and sure, the 1e-7 in the logarithm is all that counts.
    net = MultiLayerNet(D, [H], C, weight_init_std=1.0, seed=0)
    assert net.loss(1000 * X, T) > 6  # the mean of a few times 16.1, the largest that there is, and of 0
    assert gradient_check(net, 1000 * X, T)
    mistaken = broken(MultiLayerNet, scale("b2", slice(None), 1.001), D, [H], C, weight_init_std=1.0, seed=0)
    assert wrong(gradient_check(mistaken, 1000 * X, T)) == ["b2"]


@pytest.mark.parametrize("factor", [1.5, -1, 1.002, 0])
@pytest.mark.parametrize("weight", [-35.0, -300.0])
def test_a_mistake_in_the_gradient_of_a_saturated_output_is_found(weight, factor):
    # The gradient is 2 (y - 1) y (1 - y) with y = e^-35, a few times the rounding error of 1.
    def network():
        net = MultiLayerNet(1, [], 1, output="sigmoid_mse", seed=0)
        net.params["W1"][...] = weight
        return net

    assert gradient_check(network(), [[1.0]], [[1.0]])
    net = network()
    net.gradient = lambda x, t: {name: factor * grad for name, grad in network().gradient(x, t).items()}
    assert wrong(gradient_check(net, [[1.0]], [[1.0]])) == ["W1", "b1"]


@pytest.mark.parametrize(("weight", "verdict"), [(25.0, "agrees"), (36.0, "cannot tell")])
def test_digits_that_the_book_s_formulas_lose_make_no_gradient_wrong(weight, verdict):
    # 1 - y is rounded to the digits of 1: to 1e-5 of it at 25, to half of it at 36.
    net = MultiLayerNet(1, [], 1, output="sigmoid_mse", seed=0)
    net.params["W1"][...] = weight
    right = MultiLayerNet.gradient(net, [[1.0]], [[0.0]])
    y = 1 / (1 + np.exp(-weight))
    net.gradient = lambda *_: {name: np.reshape(2 * y * y * (1 - y), grad.shape) for name, grad in right.items()}
    assert gradient_check(net, [[1.0]], [[0.0]]).verdict == verdict


def test_a_gradient_far_below_its_bound_agrees_and_a_mistake_in_it_cannot_be_told():
    # The output 1 is exactly y = t, so backpropagation loses nothing there. But the bound of y - t is eps.
    net = MultiLayerNet(1, [1], 2, "identity", output="sigmoid_mse")
    net.params.update(W1=np.ones((1, 1)), b1=np.zeros(1), W2=np.array([[60.0, 140.0]]), b2=np.zeros(2))
    x, t, gradient = np.ones((1, 1)), np.array([[1.0, 0.0]]), net.gradient
    assert gradient_check(net, x, t)
    net.gradient = lambda x, t: {name: 1.5 * grad if name == "W1" else grad for name, grad in gradient(x, t).items()}
    assert gradient_check(net, x, t).verdict == "cannot tell"


def test_a_mistake_of_one_percent_in_a_saturated_layer_is_found():
    # The slopes of tanh are 1e-9 there: 1 - z^2 has the rounding error of 1, which is 1e-7 of that.
    def network(factor):
        net = broken(MultiLayerNet, scale("W1", slice(None), factor), 1, [1], 2, "tanh", 0.5, seed=0)
        net.params["W1"][...] = 11
        return net

    assert gradient_check(network(1), [[1.0]], [0])
    assert gradient_check(network(1.01), [[1.0]], [0]).rows["W1"].verdict == "differs"


def test_a_mistake_in_what_a_sure_network_has_left_to_learn_is_found():
    # y - t is -1e-13, and exact to the rounding error of t.
    def network(factor):
        net = broken(MultiLayerNet, scale("b1", 0, factor), 1, [], 2, weight_init_std=0.0, seed=0)
        net.params["b1"][:] = 30, 0
        return net

    x, t = np.ones((N, 1)), np.zeros(N, int)
    assert gradient_check(network(1), x, t)
    assert wrong(gradient_check(network(1.5), x, t)) == ["b1"]


def test_an_element_much_smaller_than_the_others_has_its_mistake_found_however_large_the_loss():
    # The mistake is 3e-5 of the largest gradient. The 1e-7 in a logarithm might change more at a loss of 9.
    net = Cubic([1.0, 0.01], slip=np.array([0.0, 1e-4]))
    net.loss = lambda *_: 8 + np.sum(net.params["w"] ** 3)
    assert gradient_check(net, 1.0, None).verdict == "differs"


def test_rounding_inside_the_loss_makes_no_gradient_wrong():
    # The sum is rounded to 2e-6, although the loss is small: that shows when the parameters move by a rounding error.
    class Lost(Cubic):
        def inner(self):
            v, w = self.params["v"], self.params["w"]
            return (1e10 * v + w) - 1e10 * v

        def loss(self, *_):
            return np.sin(50 * self.inner()[0])

        def gradient(self, *_):
            return {"w": 50 * np.cos(50 * self.params["w"]), "v": np.zeros(1)}

    for w in np.linspace(0.1, 1, 10):
        net = Lost([w])
        net.params["v"] = np.ones(1)
        assert gradient_check(net, None, None).rows["w"].verdict != "differs"


@pytest.mark.parametrize(("activation", "slopes"), [("relu", (0, 1)), ("leaky_relu", (0.1, 1))])
def test_relu_at_0_exactly_has_two_slopes_in_a_network_of_fastnet_too(activation, slopes):
    # The input of the first two units is 0. An own gradient may take either slope there. The third unit has one slope.
    net, x = MultiLayerNet(1, [3], 2, activation, 0.5, seed=0), [[0.0]]
    p, right = net.params, net.gradient
    p["b1"][2] = 1
    da = ((net.predict(x) - [[1.0, 0.0]]) @ p["W2"].T)[0]

    def verdict(*slopes):
        net.gradient = lambda x, t: right(x, t) | {"b1": slopes * da}
        return gradient_check(net, x, [0]).rows["b1"].verdict

    low, high = slopes
    assert (verdict(low, low, 1), verdict(high, high, 1)) == ("agrees", "agrees")
    for mistake in [(1.01 * high, high, 1), (0.5, 0.5, 1), (high, high, low), (low, low, low)]:
        assert verdict(*mistake) == "differs", mistake


def test_tanh_at_0_has_one_slope():
    net = broken(MultiLayerNet, scale("b1", 0, 1.01), 1, [2], 2, "tanh", 0.5, seed=0)
    assert wrong(gradient_check(net, [[0.0]], [0])) == ["b1"]


@pytest.mark.parametrize("factor", [-1, 0, 0.6, 1.4])
def test_tanh_at_0_by_rounding_has_one_slope(factor):
    net = broken(MultiLayerNet, scale("b1", 0, factor), 3, [1], 2, "tanh", 0.5, seed=0)
    net.params["W1"][:] = 1
    assert wrong(gradient_check(net, [[0.1, 0.2, -0.3]], [0])) == ["b1"]


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_nothing_has_overflowed_to_is_wrong(number):
    net = MultiLayerNet(3, [2], 2, "tanh", 0.5, seed=0)
    right = net.gradient
    net.gradient = lambda x, t: right(x, t) | {"b1": np.array([number, 1])}
    assert wrong(gradient_check(net, np.eye(3), [0, 1, 0])) == ["b1"]


@pytest.mark.parametrize(("activation", "low"), [("relu", 0), ("leaky_relu", 0.1)])
@pytest.mark.parametrize("x", [[1.0, -1.0, 0.0], [0.1, 0.2, -0.3]], ids=["0", "6e-17"])
def test_relu_at_0_by_rounding_has_two_slopes_and_nothing_between_them_agrees(x, activation, low):
    # Of such terms, the check knows only that their sum is 0 up to rounding errors: either slope is right. The second
    # unit is 1, and has one slope.
    net, x, t = MultiLayerNet(3, [2], 2, activation, 0.5, seed=0), np.array([x]), [0]
    p, right = net.params, net.gradient
    p["W1"][:], p["b1"][1] = 1, 1
    assert abs(x.sum()) < 1e-16
    da = (net.predict(x) - [[1.0, 0.0]]) @ p["W2"].T

    def verdict(*slopes):
        net.gradient = lambda x, t: right(x, t) | {"W1": x.T @ (slopes * da), "b1": slopes * da[0]}
        rows = gradient_check(net, x, t).rows
        assert rows["W1"].verdict == rows["b1"].verdict
        return rows["b1"].verdict

    assert (verdict(low, 1), verdict(1, 1)) == ("agrees", "agrees")
    assert (verdict(0.6, 1), verdict(1.4, 1)) == ("cannot tell", "cannot tell")
    assert {verdict(10, 1), verdict(-10, 1), verdict(low, low), verdict(1, low)} == {"differs"}


def test_where_rounding_decides_for_each_unit_a_gradient_between_the_slopes_cannot_be_told():
    # One of the units takes the slope 0, the other one 1. So the gradient is that of neither side of both corners.
    net, t = MultiLayerNet(1, [1, 2], 2, "relu", 0.5, seed=0), [0]
    p = net.params
    p["W1"][:], p["W2"][:], p["b2"][:] = 0.1, 0.7, -0.07
    x, right = np.ones((1, 1)), net.gradient
    assert 0 < abs(0.1 * 0.7 - 0.07) < 1e-16
    dz = (net.predict(x) - [[1.0, 0.0]]) @ p["W3"].T
    net.gradient = lambda x, t: right(x, t) | {"W1": x * 0.7 * dz[:, :1], "b1": 0.7 * dz[0, :1]}
    report = gradient_check(net, x, t)
    assert [report.rows[name].verdict for name in ("W1", "b1")] == ["cannot tell", "cannot tell"]


@pytest.mark.parametrize(("activation", "low"), [("relu", 0), ("leaky_relu", 0.1)])
def test_inputs_that_are_exactly_0_and_0_by_rounding_may_be_on_different_sides(activation, low):
    # The input of the first sample is 6e-17, and those of the others are 0.
    net = MultiLayerNet(3, [1], 2, activation, 0.5, seed=0)
    net.params["W1"][:], net.params["W2"][:] = 1, [[1, -2]]
    x, t = np.array([[0.1, 0.2, -0.3], [0, 0, 0], [0, 0, 0]]), [0, 1, 1]
    da, right = (net.predict(x) - np.eye(2)[t]) @ net.params["W2"].T / 3, net.gradient

    def verdict(*slopes):
        slopes = np.array(slopes)[:, np.newaxis]
        net.gradient = lambda x, t: right(x, t) | {"W1": x.T @ (slopes * da), "b1": (slopes * da).sum(axis=0)}
        rows = gradient_check(net, x, t).rows
        return {rows["W1"].verdict, rows["b1"].verdict}

    for slopes in itertools.product((low, 1), repeat=2):
        assert verdict(slopes[0], slopes[1], slopes[1]) == {"agrees"}, slopes
    assert verdict(3, 3, 3) == {"differs"}


def test_a_finite_gradient_does_not_agree_with_one_that_overflows():
    net = MultiLayerNet(1, [1], 2, "relu", seed=0)
    net.params["W1"][:], net.params["W2"][:] = 1e-200, [[1e200, -1e200]]
    right = net.gradient
    net.gradient = lambda x, t: right(x, t) | {"W1": np.array([[3.0]])}
    with np.errstate(over="ignore", invalid="ignore"):
        assert gradient_check(net, [[1e200]], [1]).rows["W1"].verdict == "cannot tell"


def test_what_an_overflow_leaves_of_a_unit_without_a_slope_cannot_be_told():
    # Infinity times the slope 0 of the second unit is NaN.
    net = MultiLayerNet(1, [2], 2, "relu", output="identity", dtype=np.float32, seed=0)
    net.params["W1"][:], net.params["W2"][:] = [[1e30, -1e30]], [[1e5, 2e5], [-1e5, 1e5]]
    x, t = np.ones((1, 1), np.float32), np.array([[0, 1]], np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(net.gradient(x, t)["W1"][0, 1])
        report = gradient_check(net, x, t)
    assert report.rows["W1"].verdict == report.rows["b1"].verdict == "cannot tell"


def test_a_float32_gradient_that_overflows_cannot_be_told():
    # The gradient of W1 is 2e43.
    net = MultiLayerNet(1, [1], 1, "relu", output="identity", dtype=np.float32, seed=0)
    net.params["W1"][:], net.params["W2"][:] = 1e-5, 1e18
    x, t = np.full((1, 1), 1e6, np.float32), np.zeros((1, 1), np.float32)
    with np.errstate(over="ignore"):
        assert np.isinf(net.gradient(x, t)["W1"])
        report = gradient_check(net, x, t)
    assert {name: row.verdict for name, row in report.rows.items()} == {
        "W1": "cannot tell", "b1": "agrees", "W2": "agrees", "b2": "agrees",
    }  # fmt: skip


@pytest.mark.parametrize(("output", "t"), [("sigmoid", [[0.06, 0.94]]), ("softmax", [[0.06, 0.94]])])
def test_the_1e_7_in_the_logarithm_makes_no_gradient_wrong_where_a_target_is_between_0_and_1(output, t):
    # The loss of a probability of about 0.4: in truth, 0.06 times the logarithm of the 1e-7.
    net = MultiLayerNet(1, [], 2, output=output, seed=0)
    net.params["b1"][:] = -90, 90
    plain, x = verdicts.Plain(net, 1e-7), np.ones((1, 1))
    assert 0.9 < plain.loss(x, np.array(t)) < 1
    assert gradient_check(plain, x, np.array(t)).verdict == "cannot tell"


@pytest.mark.parametrize("samples", [15, 23, 27, 35])
def test_a_mean_loss_that_is_near_that_of_small_weights_by_chance_makes_no_gradient_wrong(samples):
    # One label is wrong, and its logarithm is that of the 1e-7: divided by the number of samples, it is about log 2.
    net, x = MultiLayerNet(1, [], 2, seed=0), np.resize([[-1.0], [1.0]], (samples, 1))
    net.params["W1"][:] = [[-50, 50]]
    t = np.arange(samples) % 2
    t[3] = 0
    assert gradient_check(verdicts.Plain(net, 1e-7), x, t).verdict == "cannot tell"


def test_a_check_with_an_infinite_parameter_raises_no_warning():
    net = Cubic([1.0, np.inf], slip=1.0)
    assert not gradient_check(net, 1.0, np.array([0.5]))


@pytest.mark.parametrize("bias", [1e3, 1e10, 1e100, 1e308])
def test_the_1e_7_in_the_logarithm_makes_no_gradient_wrong_however_large_a_bias_is(bias):
    net = MultiLayerNetExtend(3, [2], 2, "relu", seed=0)
    net.params["b2"][0] = bias
    x = np.random.default_rng(0).normal(size=(4, 3))
    with np.errstate(over="ignore", invalid="ignore"):
        report = gradient_check(net, x, [0, 1, 0, 1])
    assert report.verdict == "cannot tell"


class Small(Cubic):
    """The loss of `Cubic`, plus 1."""

    def loss(self, x, t):
        return 1 + super().loss(x, t)


def test_what_rounding_hides_is_neither_right_nor_wrong():
    # Differences of a loss of 1 are exact to 1e-16 at best, and those of w^3 at 1e-9 need steps below 1e-9.
    report = gradient_check(Small([1e-9], slip=1e-18), 1.0, None)
    row = report.rows["w"]
    assert (report.verdict, row.verdict) == ("cannot tell", "cannot tell")
    assert not report
    assert not row.agrees
    reason = r"at \[0\], backpropagation gives 4e-18, and the numerical .* with an error of up to \de-\d\d, from .*"
    assert re.fullmatch(reason, row.reason)
    assert repr(report).splitlines()[-1] == f"The check cannot tell whether w is right: {row.reason}."


def test_the_worst_verdict_is_that_of_the_report():
    net = Small([1e-6])
    net.params["v"] = np.array([1.0])
    net.loss = lambda *_: 1 + np.sum(net.params["w"] ** 3) + np.sum(net.params["v"] ** 2)
    for slope, verdict in (2.0, "cannot tell"), (2.1, "differs"):
        net.gradient = lambda *_, slope=slope: {"w": 3 * net.params["w"] ** 2, "v": slope * net.params["v"]}
        report = gradient_check(net, 1.0, None)
        assert (report.verdict, report.rows["w"].verdict) == (verdict, "cannot tell")


def test_the_element_that_decides_has_the_figures():
    net = Small([1.0, 2.0, 3.0], slip=np.array([0.0, 1.0, 0.0]))
    row = gradient_check(net, 1.0, None).rows["w"]
    assert (row.verdict, row.reason, row.index) == ("differs", "", (1,))
    assert row.numerical == pytest.approx(12)


def test_the_1e_7_in_the_logarithm_of_one_s_own_loss_is_the_reason_why_it_cannot_be_told():
    class Book(Deep):
        def loss(self, x, t):
            *_, y = self.forward(x)
            return -np.mean(np.log(y[np.arange(len(x)), t] + 1e-7))

    assert gradient_check(Book(), X, T)
    net = Book()
    net.params["W3"] *= 10
    assert 3 < net.loss(X, T) < 6  # so it is in some samples only that the 1e-7 counts
    report = gradient_check(net, X, T)
    assert report.verdict == "cannot tell"
    assert "1e-07 in the logarithm of a cross-entropy" in repr(report)
    mistaken = broken(Book, scale("b3", slice(None), 1.001))
    assert wrong(gradient_check(mistaken, X, T)) == ["b3"]
    # A mistake differs with smaller weights, too. So it is known to be one.
    mistaken = broken(Book, scale("b3", slice(None), 1.1))
    mistaken.params["W3"] *= 10
    before = snapshot(mistaken.params["W3"])
    assert gradient_check(mistaken, X, T).rows["b3"].verdict == "differs"
    assert snapshot(mistaken.params["W3"]) == before


class Linear:
    """One layer of the book's, with its 1e-7, and the mean over samples or over all targets, and a weight decay."""

    def __init__(self, output, decay=0.0, factor=1.0):
        self.params = {"W": np.random.default_rng(0).normal(size=(4, 3))}
        self.output, self.decay, self.factor = output, decay, factor

    def predict(self, x):
        a = x @ self.params["W"]
        if self.output == "sigmoid":
            return 0.5 * (1 + np.tanh(0.5 * a))
        y = np.exp(a - a.max(axis=1, keepdims=True))
        return y / y.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        y, penalty = self.predict(x), 0.5 * self.decay * np.sum(self.params["W"] ** 2)
        if self.output == "sigmoid":
            return penalty - np.mean(t * np.log(y + 1e-7) + (1 - t) * np.log(1 - y + 1e-7))
        return penalty - np.sum(t * np.log(y + 1e-7)) / len(x)

    def gradient(self, x, t):
        y, shares = self.predict(x), t.sum(axis=1, keepdims=True)
        dy = (y - t) / t.size if self.output == "sigmoid" else (y * shares - t) / len(x)
        return {"W": self.factor * (x.T @ dy + self.decay * self.params["W"])}


@pytest.mark.parametrize(
    ("output", "decay", "scale", "targets"),
    [
        ("softmax", 0.1, 20, np.eye(3)),  # the weight decay makes the loss of one sample larger than 16
        ("sigmoid", 0.0, 350, np.eye(3)),  # the loss of one target is three times that of its sample
        ("softmax", 0.0, 20, 1 - np.eye(3)),  # a sample with two right classes has twice the loss of one
    ],
)
def test_the_1e_7_makes_no_right_gradient_wrong_however_the_loss_is_put_together(output, decay, scale, targets):
    verdicts = set()
    for seed in range(20):
        x = scale * np.random.default_rng(seed).random((4, 4))
        t = targets[[0, 1, 2, 0]]
        verdicts.add(gradient_check(Linear(output, decay), x, t).verdict)
        assert gradient_check(Linear(output, decay, factor=1.1), x, t).verdict == "differs"
    assert verdicts == {"cannot tell"} or verdicts == {"agrees", "cannot tell"}


def test_what_agrees_at_the_first_two_steps_takes_four_evaluations():
    calls = []

    class Counted(Deep):
        def loss(self, x, t):
            calls.append(0)
            return super().loss(x, t)

    net = Counted()
    size = sum(param.size for param in net.params.values())
    assert gradient_check(net, X, T)
    # Two more for a corner of relu: one sample has the second layer at exactly 0.
    assert 4 * size <= len(calls) <= 4 * size + 2 * H + 10


@pytest.mark.parametrize("differences", [False, True])
def test_random_networks_get_the_right_verdict(differences):
    # `python tests/verdicts.py` does the same for 2,000.
    networks = (16 if differences else 40) * (5 if effort.FULL else 1)
    found = verdicts.answers(networks, seed=1, differences=differences)
    assert [answer for answer in found if answer.is_wrong] == []
    counts = verdicts.table(found).splitlines()[1].split()
    assert counts[0] == "all"
    assert sum(map(int, counts[1:])) == networks
    unknown = sum(answer.outcome == "cannot tell" for answer in found)
    assert unknown <= len(found) * (0.4 if differences else verdicts.MOST_UNKNOWN)


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
def test_the_check_of_many_outputs_needs_little_memory(output):
    # An array (N, C, C) of complex numbers takes 64 MB here.
    N, C = 16, 500
    net, x, t = MultiLayerNet(2, [2], C, output=output, seed=0), X[:1, :2].repeat(N, axis=0), np.full((N, C), 1 / C)
    tracemalloc.start()
    try:
        assert gradient_check(net, x, t)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


# --- float32 ----------------------------------------------------------------------------------------------------------


def test_float32_of_one_s_own_finds_what_is_plainly_wrong_and_says_that_it_is_coarse():
    net = Cubic([0.5, 1.0])
    net.params["w"] = net.params["w"].astype(np.float32)
    assert gradient_check(net, np.float32(1), None)
    net.slip = np.float32([0.0, 0.5])
    report = gradient_check(net, np.float32(1), None)
    assert report.rows["w"].index == (1,)
    assert "check it there before looking for a mistake" in str(report)
    net.params["w"] = net.params["w"].astype(np.float64)
    assert "float64" not in str(gradient_check(net, 1.0, None))


@pytest.mark.parametrize("std", [0.01, 0.5])
def test_a_float32_subclass_whose_loss_is_its_own_agrees(std):
    # Its numerical gradient is the plain loop in float32, whose rounding is as large as many a gradient.
    class Decayed(TwoLayerNet):
        def loss(self, x, t):
            return super().loss(x, t) + np.float32(0.05) * np.sum(self.params["W1"] ** 2)

        def gradient(self, x, t):
            grads = super().gradient(x, t)
            return {**grads, "W1": grads["W1"] + np.float32(0.1) * self.params["W1"]}

    net = Decayed(D, H, C, std, dtype=np.float32, seed=1)
    assert gradient_check(net, X, T)
    net.gradient = lambda x, t: TwoLayerNet.gradient(net, x, t) | {"W2": -TwoLayerNet.gradient(net, x, t)["W2"]}
    assert "W2" in wrong(gradient_check(net, X, T))


def test_the_numerical_gradient_of_a_float32_network_of_fastnet_is_believed():
    # The gradients are of the size of the rounding of a float32 loss, 1e-4 at h = 1e-2.
    net = TwoLayerNet(D, H, C, 0.01, dtype=np.float32, seed=1)
    grads = net.gradient(X, T)
    largest = np.unravel_index(abs(grads["W1"]).argmax(), (D, H))
    assert abs(grads["W1"]).max() < 5e-3
    assert gradient_check(net, X, T)
    mistaken = broken(TwoLayerNet, scale("W1", largest, 0.9), D, H, C, 0.01, dtype=np.float32, seed=1)
    assert gradient_check(mistaken, X, T).rows["W1"].index == largest
    assert wrong(gradient_check(mistaken, X, T)) == ["W1"]


def test_float16_parameters_are_checked_coarsely():
    net = Cubic([0.5, 1.0])
    net.params["w"] = net.params["w"].astype(np.float16)
    assert gradient_check(net, 1.0, None)
    assert gradient_check(net, np.float64(1), None)  # the loss is float64, but its cubes have the rounding of float16
    net.slip = np.array([0.0, 3.0])
    assert wrong(gradient_check(net, 1.0, None)) == ["w"]


# --- the report -------------------------------------------------------------------------------------------------------


def test_the_report_prints_as_a_table():
    agreeing = repr(gradient_check(two_layers(), X, T))
    lines = agreeing.splitlines()
    assert len(lines) == 6
    assert re.split("  +", lines[0])[:4] == ["parameter", "checked", "abs. error", "rel. error"]
    assert re.fullmatch(
        r"W1 +30 of 30 +\d\.\de-\d\d +\d\.\de-\d\d +\d\.\de-\d\d +\[\d, \d\] +-?0\.\d+ +-?0\.\d+ +agrees", lines[1]
    )
    assert lines[-1] == "All gradients agree."
    assert str(gradient_check(two_layers(), X, T)) == agreeing

    lines = repr(gradient_check(two_layers(scale("b1", 3, 3)), X, T)).splitlines()
    assert [line.split()[-1] for line in lines[1:-1]] == ["agrees", "DIFFERS", "agrees", "agrees"]
    assert lines[-1] == "Backpropagation gives a different gradient for b1."


# --- the choice of elements -------------------------------------------------------------------------------------------


def test_the_seed_chooses_the_elements_and_the_global_generator_is_left_alone():
    state = str(np.random.get_state(legacy=False))
    rows = [gradient_check(Deep(), X, T, samples=3, seed=seed).rows for seed in (0, 0, 1, np.random.default_rng(0))]
    gradient_check(Deep(), X, T, samples=3)
    assert str(np.random.get_state(legacy=False)) == state
    assert rows[0] == rows[1] == rows[3]
    assert rows[0] != rows[2]


def test_samples_are_different_elements_and_no_more_are_moved():
    moved = []

    class Watched(Cubic):
        def loss(self, x, t):
            moved.extend(np.flatnonzero(self.params["w"] != 1))
            return super().loss(x, t)

    row = gradient_check(Watched(np.ones(20)), 1.0, None, samples=12, seed=0).rows["w"]
    assert row.checked == 12
    assert len(set(moved)) == 12
    assert row.index[0] in moved


# --- what is refused --------------------------------------------------------------------------------------------------


def with_params(value):
    net = Cubic([1.0])
    net.params = value
    return net


def with_gradient(value):
    net = Cubic([1.0, 2.0])
    net.gradient = lambda *_: value
    return net


def with_loss(*values):
    net, values = Cubic([1.0]), iter(values)
    net.loss = lambda *_: next(values)
    return net


def read_only():
    w = np.ones(2)
    w.flags.writeable = False
    return w


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (lambda: SimpleNet(), TypeError, "SimpleNet has no params and no gradient"),
        (lambda: None, TypeError, r"network must have params, loss\(x, t\) and .*; NoneType has no params"),
        (lambda: with_params([np.ones(2)]), TypeError, "network.params must be a dict of arrays, got list"),
        (lambda: with_params({}), ValueError, "network.params is empty"),
        (lambda: with_params({"w": [1.0]}), TypeError, r"params\['w'\] must be an array, got list"),
        (lambda: with_params({"w": 1.0}), TypeError, r"params\['w'\] must be an array, got float"),
        (lambda: with_params({"w": np.ma.ones(2)}), TypeError, r"params\['w'\] must be an array, got MaskedArray"),
        (lambda: with_params({"w": np.ones(2, int)}), TypeError, r"params\['w'\] must hold float64, .*got int64"),
        (lambda: with_params({"w": np.ones(2, complex)}), TypeError, r"params\['w'\] must hold .*got complex128"),
        (lambda: with_params({"w": read_only()}), ValueError, r"params\['w'\] is read-only"),
        (lambda: with_gradient(None), TypeError, r"network.gradient\(x, t\) must return a dict like params, got None"),
        (lambda: with_gradient({"v": np.ones(2)}), ValueError, r"gradient\(x, t\) has no 'w', which is in params"),
        (lambda: with_gradient({"w": np.ones(3)}), ValueError, r"gradient\(x, t\)\['w'\] has shape \(3,\), params"),
        (lambda: with_gradient({"w": None}), TypeError, r"gradient\(x, t\)\['w'\] must hold real numbers"),
        (lambda: with_loss(None), TypeError, r"network.loss\(x, t\) must return one number, got None"),
        (lambda: with_loss(np.ones(2)), TypeError, r"network.loss\(x, t\) must return one number, got an array"),
        (lambda: with_loss(2.0, 2.1), ValueError, r"network.loss\(x, t\) is 2, and 2.1 when called again"),
        (lambda: with_loss(2, 2, 2.1, 2), ValueError, r"network.loss\(x, t\) is 2.1, and 2 when called again"),
    ],
)
def test_what_cannot_be_checked_raises_and_the_message_says_why(network, error, message):
    with pytest.raises(error, match=message):
        gradient_check(network(), 1.0, None)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"samples": 0}, ValueError, "samples must be at least 1, got 0"),
        ({"samples": 1.0}, TypeError, "samples must be an integer"),
        ({"seed": -1}, ValueError, "seed must be an integer of at least 0"),
        ({"seed": "0"}, TypeError, "seed must be an integer of at least 0"),
    ],
)
def test_arguments_out_of_range_raise(keywords, error, message):
    with pytest.raises(error, match=message):
        gradient_check(Cubic([1.0]), 1.0, None, **keywords)


def test_an_error_in_the_loss_leaves_the_parameters_as_they_were():
    class Tired(Cubic):
        calls = 0

        def loss(self, x, t):
            self.calls += 1
            if self.calls == 6:
                raise RuntimeError("enough")
            return super().loss(x, t)

    net = Tired([1.0, 2.0, 3.0])
    with pytest.raises(RuntimeError, match="enough"):
        gradient_check(net, 1.0, None)
    assert net.params["w"].tolist() == [1, 2, 3]


# --- where the check cannot tell --------------------------------------------------------------------------------------


class OfOne:
    """A network of one parameter, with a loss and a slope of the test's."""

    def __init__(self, w, loss, slope):
        self.params, self.value, self.slope = {"w": np.array([w])}, loss, slope

    def loss(self, *_):
        return float(self.value(self.params["w"])[0])

    def gradient(self, *_):
        return {"w": self.slope(self.params["w"])}


def test_a_slope_that_is_right_on_one_side_of_a_corner_alone_is_in_doubt():
    network = OfOne(0.0, np.abs, np.ones_like)  # the sign is forgotten, and at 0 that does not show
    row = gradient_check(network, X, T).rows["w"]
    assert row.verdict == "cannot tell"
    assert "the slope of the loss on one side of a corner is 1, but in the mean of a step to each side" in row.reason
    assert gradient_check(OfOne(0.0, np.abs, np.sign), X, T).verdict == "cannot tell"
    assert gradient_check(OfOne(0.0, np.abs, lambda w: np.where(w < 0, -1.0, 1.0)), X, T)


def test_a_large_loss_that_small_weights_do_not_make_small_leaves_the_1e_7_in_doubt():
    report = gradient_check(OfOne(1.0, lambda w: 14 + np.log(w), lambda w: 1.01 / w), X, T)
    assert report.verdict == "cannot tell"
    assert "the difference can come from the 1e-07 in the logarithm" in report.rows["w"].reason


def test_a_loss_of_a_compiled_function_needs_no_signature():
    class Compiled:
        __signature__ = "none that Python can read"

        def __init__(self, function):
            self.function = function

        def __call__(self, x, t):
            return self.function(x, t)

    network = Cubic([1.0, -2.0])
    network.loss = Compiled(network.loss)
    assert gradient_check(network, 2.0, None)
