"""What every network makes of its targets: any numbers in [0, 1], booleans, and what is outside."""

import re

import numpy as np
import pytest

import fastnet.gradient
from fastnet import MultiLayerNet, SimpleNet, Trainer, TwoLayerNet

N, D, C = 6, 4, 3
FLOATS = [np.float64, np.float32]
PROBABILITIES = ["two", "softmax", "sigmoid", "sigmoid_mse"]  # the networks whose targets are probabilities

on_both_backends = pytest.mark.usefixtures("backend")
each_network = pytest.mark.parametrize("kind", [*PROBABILITIES, "identity"])
each_of_probabilities = pytest.mark.parametrize("kind", PROBABILITIES)
each_method = pytest.mark.parametrize("method", ["loss", "accuracy", "gradient", "numerical_gradient", "trace"])


def network(kind, dtype=np.float64, hidden=(5, 4), outputs=C, decay=0.01):
    """A `TwoLayerNet`, or a `MultiLayerNet` with this output. tanh has no bend, so differences are precise."""
    if kind == "two":
        return TwoLayerNet(D, 5, outputs, 1.0, dtype=dtype, seed=1)
    return MultiLayerNet(D, list(hidden), outputs, "tanh", 0.7, decay, output=kind, dtype=dtype, seed=1)


def inputs():
    return np.random.default_rng(5).normal(size=(N, D))


def any_rows():
    """Rows of all zeros, of all ones, of weight a half, of several ones, and random ones: none is one-hot."""
    random = np.random.default_rng(6).random((2, C))
    return np.array([[0, 0, 0], [1, 1, 1], [0.5, 0, 0], [1, 0, 1], *random])


def plain_differences(net, x, t, **weights):
    """The central differences of `loss`, in the plain loop."""
    return {
        name: fastnet.gradient.numerical_gradient(lambda _: net.loss(x, t, **weights), value)
        for name, value in net.params.items()
    }


# --- any rows of numbers in [0, 1] -----------------------------------------------------------------------------------


@on_both_backends
@each_network
@pytest.mark.parametrize("hidden", [(), (5, 4)], ids=len)
def test_loss_gradient_trace_and_numerical_gradient_agree_for_any_rows(kind, hidden):
    net, x, t = network(kind, hidden=hidden), inputs(), any_rows()
    gradient, numerical, trace, plain = (
        net.gradient(x, t), net.numerical_gradient(x, t), net.trace(x, t), plain_differences(net, x, t)
    )
    np.testing.assert_allclose(trace["loss"], net.loss(x, t), rtol=1e-13)
    for name, wanted in plain.items():
        # The plain loop rounds the loss, about 2, some ten times: over 2h that is 1e-11.
        np.testing.assert_allclose(numerical[name], wanted, rtol=0, atol=3e-11, err_msg=name)
        # The cross-entropies add 1e-7 in the logarithm, the gradient does not: up to 1e-7 / y of dy. Truncation, h²/6
        # of the third derivative, is below 1e-7. With y - t, the error would be of the order of 0.1.
        np.testing.assert_allclose(gradient[name], wanted, rtol=0, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(trace["d" + name], gradient[name], rtol=1e-12, atol=1e-15, err_msg=name)


@on_both_backends
@each_network
def test_a_float32_network_agrees_with_float64_for_any_rows(kind):
    net, wide, x = network(kind, np.float32), network(kind), inputs().astype(np.float32)
    wide.params = {name: value.astype(np.float64) for name, value in net.params.items()}
    for t in (any_rows().astype(np.float32), any_rows()):
        exact = wide.gradient(x, t.astype(np.float32))
        for gradients in (net.gradient(x, t), net.numerical_gradient(x, t)):
            for name, wanted in exact.items():
                assert gradients[name].dtype == np.float32
                np.testing.assert_allclose(gradients[name], wanted, rtol=0, atol=3e-6)  # tens of roundings


@on_both_backends
@pytest.mark.parametrize("kind", ["two", "softmax"])
def test_a_row_of_zeros_has_no_gradient_and_a_row_of_halves_has_half(kind):
    net, x = network(kind, decay=0), inputs()
    assert net.loss(x, np.zeros((N, C))) == 0
    for gradients in (net.gradient(x, np.zeros((N, C))), net.numerical_gradient(x, np.zeros((N, C)))):
        assert not any(gradient.any() for gradient in gradients.values())
    whole, half = (net.gradient(x, share * np.eye(C)[np.arange(N) % C]) for share in (1, 0.5))
    for name in whole:
        np.testing.assert_allclose(half[name], whole[name] / 2, rtol=1e-13, atol=1e-16)  # sums of a few terms


@on_both_backends
@pytest.mark.parametrize("kind", ["two", "softmax"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_labels_and_one_hot_rows_have_the_books_dy(kind, dtype):
    net, x, labels = network(kind, dtype), inputs(), np.arange(N) % C
    for t in (labels, np.eye(C)[labels]):
        trace = net.trace(x, t)
        assert np.array_equal(trace["dy"], (trace["y"] - np.eye(C, dtype=dtype)[labels]) / dtype(N))  # bit for bit


@on_both_backends
def test_simple_net_takes_any_rows():
    net, x, t = SimpleNet(D, C, seed=0), inputs(), any_rows()
    y = np.exp(net.predict(x))
    y /= y.sum(axis=1, keepdims=True)
    expected = x.T @ (y * t.sum(axis=1, keepdims=True) - t) / N
    np.testing.assert_allclose(net.numerical_gradient(x, t), expected, rtol=0, atol=2e-6)  # as above


# --- a sigmoid output with the mean squared error ---------------------------------------------------------------------


@on_both_backends
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_sigmoid_output_with_the_mean_squared_error_is_the_formula(dtype):
    net, other, x, t = network("sigmoid_mse", dtype, decay=0), network("sigmoid", dtype), inputs(), any_rows()
    y = net.predict(x)
    assert np.array_equal(y, other.predict(x))
    assert net.accuracy(x, t) == other.accuracy(x, t)
    eps = 10 * float(np.finfo(dtype).eps)  # a few roundings of numbers below 1
    np.testing.assert_allclose(net.loss(x, t), np.mean((y - t) ** 2), rtol=eps)
    np.testing.assert_allclose(net.trace(x, t)["dy"], 2 * (y - t) * y * (1 - y) / (N * C), rtol=0, atol=eps)


@on_both_backends
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_saturated_sigmoid_output_keeps_the_digits_of_its_slope(dtype):
    # y is 1 to the last digit, so y (1 - y) would be 0: the slope comes from a.
    net = MultiLayerNet(1, [], 1, weight_init_std=0, output="sigmoid_mse", dtype=dtype)
    net.params["b1"][:] = 40
    x, t = np.ones((1, 1), dtype), np.zeros((1, 1), dtype)
    expected = 2 * np.exp(-40.0)
    for db1 in (net.gradient(x, t)["b1"], net.trace(x, t)["db1"]):
        np.testing.assert_allclose(db1, [expected], rtol=10 * np.finfo(dtype).eps)


def test_the_sigmoid_output_with_the_mean_squared_error_is_saved_and_loaded(tmp_path):
    net = network("sigmoid_mse")
    net.save(tmp_path / "weights.npz")
    again = MultiLayerNet.load(tmp_path / "weights.npz")
    assert again.output == "sigmoid_mse"
    assert again.loss(inputs(), any_rows()) == net.loss(inputs(), any_rows())


# --- what is outside [0, 1] ------------------------------------------------------------------------------------------

OUTSIDE = {
    "labels -1 and +1": (np.where(np.eye(C)[np.arange(N) % C] == 1, 1.0, -1.0), (0, 1), "-1.0"),
    "one-hot of 0 and 255": (255 * np.eye(C)[np.arange(N) % C], (0, 0), "255.0"),
    "a little above 1": (np.where(np.arange(N * C).reshape(N, C) == 7, 1 + 1e-6, 0.5), (2, 1), r"1\.00000\d*"),
    "a little below 0": (np.where(np.arange(N * C).reshape(N, C) == 17, -1e-30, 0.5), (5, 2), r"-1\.?\d*e-30"),
    "infinity": (np.where(np.arange(N * C).reshape(N, C) == 9, np.inf, 0.5), (3, 0), "inf"),
    "minus infinity beside NaN": (np.where(np.arange(N * C).reshape(N, C) == 9, -np.inf, np.nan), (3, 0), "-inf"),
}


@on_both_backends
@each_of_probabilities
@each_method
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", OUTSIDE)
def test_the_first_target_outside_0_and_1_is_named(kind, method, dtype, case):
    t, (n, c), value = OUTSIDE[case]
    net, x = network(kind, dtype), inputs().astype(dtype)
    for wrong in (t, t.astype(dtype), np.asfortranarray(t), t.tolist()):
        with pytest.raises(ValueError, match=rf"t\[{n}, {c}\] is {value}: .*from 0 to 1"):
            getattr(net, method)(x, wrong)
    with pytest.raises(ValueError, match=rf"t\[{c}\] is {value}: .*from 0 to 1"):
        getattr(net, method)(x[n], t[n])


@on_both_backends
@pytest.mark.parametrize("kind", ["two", "softmax"])
@each_method
def test_integers_of_ys_shape_are_probabilities_as_well(kind, method):
    t = np.eye(C, dtype=np.uint8)[np.arange(N) % C] * np.uint8(255)
    with pytest.raises(ValueError, match=r"t\[0, 0\] is 255\.0: .*from 0 to 1"):
        getattr(network(kind), method)(inputs(), t)


@on_both_backends
@pytest.mark.parametrize("kind", ["sigmoid", "sigmoid_mse"])
@each_method
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_the_position_is_that_in_the_array_that_came(kind, method, shape):
    t = np.linspace(0, 1.25, N)
    where = re.escape("t[5]" if len(shape) == 1 else "t[5, 0]")
    with pytest.raises(ValueError, match=rf"^{where} is 1\.25: "):
        getattr(network(kind, outputs=1), method)(inputs(), t.reshape(shape))


@on_both_backends
def test_a_trainer_names_a_target_outside_too():
    x, t = inputs(), OUTSIDE["labels -1 and +1"][0]
    trainer = Trainer(network("softmax"), x, t, x, t, mini_batch_size=N, progress=False, verbose=False, seed=0)
    with pytest.raises(ValueError, match=r"t\[0, \d\] is -1\.0"):
        trainer.train_step()


@on_both_backends
def test_regression_takes_any_numbers():
    net, x, t = network("identity"), inputs(), 100 * any_rows() - 50
    numerical = net.numerical_gradient(x, t)
    for name, gradient in net.gradient(x, t).items():
        # The loss is of the order of 1,000: its rounding over 2h is 1e-9, and truncation, h²/6 of the third derivative,
        # is below 1e-6.
        np.testing.assert_allclose(gradient, numerical[name], rtol=0, atol=1e-6)


@on_both_backends
@each_of_probabilities
@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_among_the_targets_gives_nan(kind, dtype):
    net, x, t = network(kind, dtype), inputs().astype(dtype), any_rows().astype(dtype)
    t[2, 1] = np.nan
    assert np.isnan(net.loss(x, t))
    trace, gradients, numerical = net.trace(x, t), net.gradient(x, t), net.numerical_gradient(x, t)
    assert np.isnan(trace["loss"])
    for name in gradients:
        assert np.isnan(gradients[name]).any()
        assert np.array_equal(np.isnan(gradients[name]), np.isnan(trace["d" + name]))
        assert np.isnan(numerical[name]).all()


# --- booleans --------------------------------------------------------------------------------------------------------


@on_both_backends
@pytest.mark.parametrize("kind", ["two", "softmax"])
@each_method
def test_booleans_are_the_labels_0_and_1(kind, method):
    net, x, t = network(kind), inputs(), np.array([True, False, False, True, True, False])
    call = getattr(net, method)
    for same in (t, t[:, np.newaxis], t.tolist(), np.eye(C)[t.astype(int)].astype(bool)):
        assert_same(call(x, same), call(x, t.astype(int)))
    assert_same(call(x[0], True), call(x[0], 1))
    assert_same(call(x[0], t[0]), call(x[0], 1))


@on_both_backends
@pytest.mark.parametrize("kind", ["sigmoid", "sigmoid_mse"])
@each_method
def test_booleans_are_the_answers_0_and_1(kind, method):
    net, x, t = network(kind, outputs=1), inputs(), np.array([True, False, False, True, True, False])
    call = getattr(net, method)
    for same in (t, t[:, np.newaxis], t.tolist()):
        assert_same(call(x, same), call(x, t.astype(float)))


def test_true_is_no_label_of_an_only_class():
    with pytest.raises(ValueError, match=r"t is True, which is not a label in \[0, 1\)"):
        TwoLayerNet(D, 5, 1).loss(inputs()[0], True)


def assert_same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-14, err_msg=name)  # sums in another order
    else:
        assert one == pytest.approx(other, rel=1e-14)
