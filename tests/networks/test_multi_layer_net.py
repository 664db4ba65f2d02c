"""MultiLayerNet: what it computes, what it refuses, and what it writes to files."""

import os
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from effort import thinned

import fastnet.gradient
from fastnet import MultiLayerNet, Trainer, TwoLayerNet

ACTIVATIONS = ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"]
OUTPUTS = ["softmax", "sigmoid", "sigmoid_mse", "identity"]
FLOATS = [np.float64, np.float32]
D, HIDDEN, C, N = 6, [5, 4], 3, 5
SHAPES = {"W1": (D, 5), "b1": (5,), "W2": (5, 4), "b2": (4,), "W3": (4, C), "b3": (C,)}
LABELS = np.array([0, 2, 1, 1, 0])
NUMBERS = np.random.default_rng(3).uniform(0, 1, (N, C))

on_both_backends = pytest.mark.usefixtures("backend")
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
each_output = pytest.mark.parametrize("output", OUTPUTS)


def network(activation="relu", output="softmax", dtype=np.float64, decay=0.0, hidden=HIDDEN, kind=MultiLayerNet):
    """A net whose biases are not 0, and whose weights are large enough for every part of the gradient to matter."""
    net = kind(D, hidden, C, activation, 0.5, decay, output=output, dtype=dtype, seed=1)
    random = np.random.default_rng(2)
    for name, value in net.params.items():
        if name.startswith("b"):
            value += random.uniform(-0.2, 0.5, value.shape).astype(dtype)
    return net


def inputs(n=N):
    """The same samples at every call, a third of them 0, read-only: no method may write to them."""
    random = np.random.default_rng(5)
    x = random.uniform(-1, 1, (n, D)) * (random.random((n, D)) < 0.7)
    x.flags.writeable = False
    return x


def targets_of(output):
    return LABELS if output == "softmax" else NUMBERS


def assert_bitwise(actual, expected):
    assert list(actual) == list(expected)
    for name in expected:
        assert actual[name].dtype == expected[name].dtype
        assert actual[name].shape == expected[name].shape
        assert actual[name].tobytes() == expected[name].tobytes(), name


# --- the book's formulas ---------------------------------------------------------------------------------------------

FUNCTIONS = {
    "relu": lambda a: np.where(a > 0, a, 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "leaky_relu": lambda a: np.where(a > 0, a, 0.1 * a),
    "elu": lambda a: np.where(a > 0, a, np.exp(a) - 1),
    "identity": lambda a: a,
}


def book_predict(params, x, activation, output):
    z, last = x, len(params) // 2
    for layer in range(1, last + 1):
        a = z @ params[f"W{layer}"] + params[f"b{layer}"]
        z = FUNCTIONS[activation](a)
    if output == "identity":
        return a
    if output in ("sigmoid", "sigmoid_mse"):
        return 1 / (1 + np.exp(-a))
    return np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)


def book_loss(params, x, t, activation, output, decay):
    y = book_predict(params, x, activation, output)
    if output == "softmax":
        loss = -np.sum(np.eye(C)[t] * np.log(y + 1e-7)) / len(x)
    elif output == "sigmoid":
        loss = -np.mean(t * np.log(y + 1e-7) + (1 - t) * np.log(1 - y + 1e-7))
    else:
        loss = np.mean((y - t) ** 2)
    return loss + sum(0.5 * decay * np.sum(W**2) for name, W in params.items() if name[0] == "W")


@on_both_backends
@each_activation
@each_output
@pytest.mark.parametrize("hidden", [[], [5], HIDDEN, [4, 3, 5, 3]], ids=len)
def test_predict_and_loss_are_the_books_formulas(activation, output, hidden):
    net, x, t = network(activation, output, decay=0.3, hidden=hidden), inputs(), targets_of(output)
    y = net.predict(x)
    # A dozen roundings in each of up to five layers.
    np.testing.assert_allclose(y, book_predict(net.params, x, activation, output), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(net.loss(x, t), book_loss(net.params, x, t, activation, output, 0.3), rtol=1e-12)


@on_both_backends
@pytest.mark.parametrize("dtype", FLOATS)
@each_output
def test_results_have_the_documented_shapes_and_the_networks_dtype(dtype, output):
    net, x, t = network(output=output, dtype=dtype), inputs(), targets_of(output)
    assert {name: value.shape for name, value in net.params.items()} == SHAPES
    for xs, batch in ((x, (N,)), (x[0], ()), (x[:0], (0,)), (x.astype(np.float32), (N,)), (x.astype(int), (N,))):
        y = net.predict(xs)
        assert y.shape == (*batch, C)
        assert y.dtype == dtype
    assert net.loss(x, t).dtype == dtype
    for grads in (net.gradient(x, t), net.numerical_gradient(x, t), net.gradient(x[0], t[0])):
        assert list(grads) == list(SHAPES)
        assert all(grads[name].shape == SHAPES[name] and grads[name].dtype == dtype for name in SHAPES)


@on_both_backends
def test_a_network_of_one_hidden_layer_of_sigmoid_units_is_the_two_layer_net():
    two = TwoLayerNet(D, 4, C, weight_init_std=0.8, seed=3)
    net = MultiLayerNet(D, [4], C, "sigmoid", 0.8, seed=3)
    assert_bitwise(net.params, two.params)
    x = inputs()
    # The same sums, perhaps in another order.
    np.testing.assert_allclose(net.predict(x), two.predict(x), rtol=1e-13)
    np.testing.assert_allclose(net.loss(x, LABELS), two.loss(x, LABELS), rtol=1e-13)
    assert net.accuracy(x, LABELS) == two.accuracy(x, LABELS)
    for t in (LABELS, NUMBERS):
        for method, tolerance in (("gradient", 1e-15), ("numerical_gradient", 1e-11)):  # the loss's rounding by 2h
            got, wanted = getattr(net, method)(x, t), getattr(two, method)(x, t)
            for name in wanted:
                np.testing.assert_allclose(got[name], wanted[name], rtol=1e-13, atol=tolerance)
    trace, wanted = net.trace(x, LABELS), two.trace(x, LABELS)
    assert list(trace) == list(wanted)
    for name in wanted:
        np.testing.assert_allclose(trace[name], wanted[name], rtol=1e-13, atol=1e-16)


@on_both_backends
@each_output
def test_one_sample_is_a_batch_of_one(output):
    net, x, t = network("tanh", output, decay=0.1), inputs()[0], targets_of(output)[0]
    np.testing.assert_allclose(net.predict(x), net.predict([x])[0], rtol=1e-13)  # sums in another order
    np.testing.assert_allclose(net.loss(x, t), net.loss([x], [t]), rtol=1e-13)
    for method in (net.gradient, net.numerical_gradient):
        one, batch = method(x, t), method([x], [t])
        for name in SHAPES:
            np.testing.assert_allclose(one[name], batch[name], rtol=1e-12, atol=1e-11)
    assert net.trace(x, t)["dz1"].shape == (5,)


@on_both_backends
def test_targets_that_are_numbers_are_never_labels():
    one = MultiLayerNet(2, [3], 1, output="identity", seed=0)
    x, t = np.array([[0.5, 1.0], [2.0, -1.0], [0.0, 3.0]]), np.array([3, 0, 7])
    wanted = np.mean((one.predict(x)[:, 0] - t) ** 2)
    for same in (t, t[:, np.newaxis], t.astype(float), t.tolist(), t.astype(np.uint8)):
        np.testing.assert_allclose(one.loss(x, same), wanted, rtol=1e-14)
        assert_bitwise(one.gradient(x, same), one.gradient(x, t))
    np.testing.assert_allclose(one.loss(x[1], 0), (one.predict(x[1])[0] - 0.0) ** 2, rtol=1e-13)
    np.testing.assert_allclose(one.loss(x[0], 3), one.loss(x[:1], [3]), rtol=1e-13)
    for output in ("sigmoid", "sigmoid_mse", "identity"):
        net = network(output=output)
        for t in (LABELS, LABELS[:, np.newaxis], NUMBERS[:4], NUMBERS.T, 1.0):
            for method in (net.loss, net.gradient, net.numerical_gradient, net.trace):
                with pytest.raises(ValueError, match=r"t has shape .*; for y of shape \(5, 3\) it must .*\(5, 3\)"):
                    method(inputs(), t)


@pytest.mark.parametrize("method", ["loss", "accuracy", "gradient", "numerical_gradient", "trace"])
@pytest.mark.parametrize("output", ["sigmoid", "sigmoid_mse"])
def test_integers_that_answer_yes_or_no_are_1_and_0(output, method):
    net, t = network(output=output), np.zeros((N, C), int)
    t[1, 2] = 2
    with pytest.raises(ValueError, match=r"t\[1, 2\] is 2, which is not a label in \[0, 2\)"):
        getattr(net, method)(inputs(), t)
    one = MultiLayerNet(D, [3], 1, output=output, seed=0)
    with pytest.raises(ValueError, match=r"t\[4\] is -1, which is not a label in \[0, 2\)"):
        getattr(one, method)(inputs(), [0, 1, 1, 0, -1])


@on_both_backends
@pytest.mark.parametrize("output", ["sigmoid", "sigmoid_mse"])
def test_accuracy_counts_classes_or_answers_of_yes_or_no(output):
    net, x = network(), inputs()
    right = net.predict(x).argmax(axis=1)
    assert net.accuracy(x, right) == 1.0
    assert net.accuracy(x, np.where(np.arange(N) < 2, right, (right + 1) % C)) == 2 / N
    net = network(output=output)
    yes = (net.predict(x) > 0.5).astype(int)
    assert 0 < yes.sum() < yes.size
    assert net.accuracy(x, yes) == 1.0
    assert net.accuracy(x, 0.2 + 0.6 * yes) == 1.0
    assert net.accuracy(x, 1 - yes) == 0.0
    yes[0, 0] = 1 - yes[0, 0]
    assert net.accuracy(x, yes) == 1 - 1 / yes.size
    net.params["b3"][:] = np.nan, -100, -100
    for t in (0, 1):
        assert net.accuracy(x, np.full((N, C), t)) == (1 - t) * 2 / 3  # NaN is no answer: it is not no, nor yes
    with pytest.raises(ValueError, match="output 'identity' gives numbers"):
        network(output="identity").accuracy(x, NUMBERS)


def test_accuracy_predicts_in_slices():
    sizes = []

    class Watched(MultiLayerNet):
        def predict(self, x):
            sizes.append(len(x))
            return super().predict(x)

    x = inputs(2001)
    t = np.random.default_rng(0).integers(0, 2, (2001, C))
    for output, labels in (("softmax", t[:, 0]), ("sigmoid", t)):
        network(output=output, kind=Watched).accuracy(x, labels)
        assert sizes == [1000, 1000, 1]
        sizes.clear()


@on_both_backends
@each_output
def test_an_empty_batch_is_predicted_and_has_no_mean(output):
    net, nothing = network(output=output), inputs(0)
    assert net.predict(nothing).shape == (0, C)
    assert net.trace(nothing)["z2"].shape == (0, 4)
    methods = [net.loss, net.gradient, net.numerical_gradient, net.trace]
    for method in methods if output == "identity" else [*methods, net.accuracy]:
        with pytest.raises(ValueError, match=r"x is empty: it has shape \(0, 6\), and a mean needs"):
            method(nothing, targets_of(output)[:0])


@on_both_backends
@each_activation
@each_output
@pytest.mark.parametrize("dtype", FLOATS)
def test_extreme_weights_raise_no_warning(activation, output, dtype):
    net, x, t = network(activation, output, dtype, decay=0.1), inputs(), targets_of(output)
    finfo = np.finfo(dtype)
    for size in (1e6, 1e30, finfo.max, finfo.tiny, 0):
        for value in net.params.values():
            value[:] = np.sign(value) * size
        with np.errstate(all="raise"):
            net.predict(x)
            net.trace(x, t)
            net.gradient(x, t)
            net.loss(x, t)


# --- gradients -------------------------------------------------------------------------------------------------------


@on_both_backends
@each_activation
@each_output
@pytest.mark.parametrize("hidden", [[], HIDDEN, [4, 3, 5, 3]], ids=len)
def test_backpropagation_agrees_with_central_differences(activation, output, hidden):
    net, x, t = network(activation, output, decay=0.05, hidden=hidden), inputs(), targets_of(output)
    grads, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    for name in net.params:
        # The cross-entropies add 1e-7 in the logarithm, backpropagation does not: up to 1e-7 / y of dy. Truncation,
        # h²/6 of the third derivative, is below 1e-7. No unit of these is within h of where relu bends.
        np.testing.assert_allclose(grads[name], numerical[name], rtol=0, atol=2e-6, err_msg=name)
        assert np.abs(grads[name]).max() > 1e-5


@on_both_backends
@each_activation
@each_output
def test_float32_gradients_agree_with_float64(activation, output):
    net, wide = network(activation, output, np.float32, 0.05), network(activation, output, decay=0.05)
    wide.params = {name: value.astype(np.float64) for name, value in net.params.items()}
    x, t = inputs().astype(np.float32), targets_of(output)
    exact, numerical = wide.gradient(x, t), net.numerical_gradient(x, t)
    for name, grad in net.gradient(x, t).items():
        np.testing.assert_allclose(grad, exact[name], rtol=0, atol=3e-6)  # tens of roundings of values below 1
        assert numerical[name].dtype == np.float32
        np.testing.assert_allclose(numerical[name], exact[name], rtol=0, atol=3e-6)  # it is computed in float64


@on_both_backends
@each_output
def test_the_numerical_gradient_rounds_targets_to_the_networks_dtype_as_the_loss_does(output):
    net = network("tanh", output, np.float32)
    # Targets close to the predictions: the gradient is close to 0, so that what float32 rounds away would show.
    x, t = inputs(2), net.predict(inputs(2)).astype(np.float64) * (1 - 2.0**-26)
    assert_bitwise(net.numerical_gradient(x, t), net.numerical_gradient(x, t.astype(np.float32)))


@on_both_backends
def test_relu_passes_no_gradient_on_at_0():
    net = MultiLayerNet(1, [2], 1, output="identity", seed=0)
    net.params["W1"][:] = [[0.0, 1.0]]
    net.params["W2"][:] = 1.0
    for db1 in (net.gradient([[1.0]], [[5.0]])["b1"], net.trace([[1.0]], [[5.0]])["db1"]):
        assert db1.tolist() == [0, 2 * (1.0 - 5.0)]


@on_both_backends
@each_activation
@each_output
def test_trace_names_every_step_and_every_derivative_is_one(activation, output):
    net, x, t = network(activation, output, decay=0.05), inputs(), targets_of(output)
    forward = ["a1", "z1", "a2", "z2", "a3", "y"]
    assert list(net.trace(x)) == forward
    trace = net.trace(x, t)
    back = ["loss", "dy", "dW3", "db3", "dz2", "da2", "dW2", "db2", "dz1", "da1", "dW1", "db1"]
    assert list(trace) == forward + back
    np.testing.assert_allclose(trace["loss"], net.loss(x, t), rtol=1e-13)
    np.testing.assert_allclose(trace["y"], net.predict(x), rtol=1e-13)

    # Of what follows a layer, the loss as a function of what comes out of it or goes into it.
    def rest(layer):
        names = [f"{kind}{at}" for at in range(layer + 1, 4) for kind in "Wb"]
        params = {f"{name[0]}{int(name[1]) - layer}": net.params[name] for name in names}
        return lambda z: book_loss(params, z, t, activation, output, 0)

    for layer in (1, 2):
        of_z = rest(layer)
        for name, loss in (("z", of_z), ("a", lambda a, of_z=of_z: of_z(FUNCTIONS[activation](a)))):
            numerical = fastnet.gradient.numerical_gradient(loss, trace[f"{name}{layer}"].copy())
            np.testing.assert_allclose(trace[f"d{name}{layer}"], numerical, rtol=0, atol=2e-6)  # as above
    for name, value in net.gradient(x, t).items():
        np.testing.assert_allclose(trace["d" + name], value, rtol=1e-12, atol=1e-15)


@on_both_backends
def test_a_subclass_with_its_own_loss_gets_its_numerical_gradient():
    class Decaying(MultiLayerNet):
        def loss(self, x, t):
            return super().loss(x, t) + sum((value**2).sum() for value in self.params.values())

    class Doubling(MultiLayerNet):
        def predict(self, x):
            return super().predict(2 * np.asarray(x))

    net, x = network("tanh", kind=Decaying), inputs()
    plain = network("tanh").gradient(x, LABELS)
    for name, grad in net.numerical_gradient(x, LABELS).items():
        np.testing.assert_allclose(grad, plain[name] + 2 * net.params[name], rtol=0, atol=2e-6)  # as above
    plain = network("tanh").gradient(2 * x, LABELS)
    for name, grad in network("tanh", kind=Doubling).numerical_gradient(x, LABELS).items():
        np.testing.assert_allclose(grad, plain[name], rtol=0, atol=2e-6)


def plain_loop(net, x, t, h):
    """Every parameter moved, and all of the loss evaluated each time, in float64."""
    params = {name: value.astype(np.float64) for name, value in net.params.items()}
    arguments = x, t, net.activation, net.output, net.weight_decay_lambda
    return {
        name: fastnet.gradient.numerical_gradient(lambda _: book_loss(params, *arguments), value, h)
        for name, value in params.items()
    }


@on_both_backends
@each_activation
@each_output
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("h", [1e-4, 0.3])
def test_numerical_gradient_is_the_plain_loops(activation, output, dtype, h):
    for hidden in ([], [5], HIDDEN, [4, 3, 5, 3]):
        net = network(activation, output, dtype, 0.05, hidden)
        x, t = inputs().astype(dtype), targets_of(output).astype(np.intp if output == "softmax" else dtype)
        got, wanted = net.numerical_gradient(x, t, h), plain_loop(net, x.astype(float), t, h)
        for name in wanted:
            # The losses, of about 1, are rounded some ten times on the way, each time to 1e-16: by 2h that is 5e-12.
            # And a float32 network returns float32, of numbers of about 1.
            tolerance = 1e-11 if dtype == np.float64 else 1e-7
            np.testing.assert_allclose(got[name], wanted[name], rtol=tolerance, atol=tolerance, err_msg=name)


@on_both_backends
def test_numerical_gradient_is_0_where_one_score_is_far_above_the_others():
    # exp(1000) is no float64, and exp(-1000) is 0: whatever moves by 0.3, each y stays 0 or 1.
    for net in (network(), TwoLayerNet(D, 5, C, seed=1)):
        for scores in ([0, 0, 1000], [-2000, 0, 1000], [1000, -2000, 0]):
            net.params[f"b{len(net.params) // 2}"][:] = scores
            assert not any(grad.any() for grad in net.numerical_gradient(inputs(), LABELS, 0.3).values())


@on_both_backends
def test_numerical_gradient_steps_over_the_bends_of_relu():
    net = network()
    a = net.trace(inputs())["a1"]
    net.params["b1"] -= a[2]  # every unit of the first layer bends at sample 2
    got, wanted = net.numerical_gradient(inputs(), LABELS), plain_loop(net, inputs(), LABELS, 1e-4)
    half = net.gradient(inputs(), LABELS)  # on one side of the bend
    for name in wanted:
        np.testing.assert_allclose(got[name], wanted[name], rtol=0, atol=1e-11)  # as above
    assert np.abs(got["W1"] - half["W1"]).max() > 0.001


@on_both_backends
@each_activation
@each_output
def test_numerical_gradient_takes_soft_targets_and_sizes_beyond_a_block(activation, output):
    net = MultiLayerNet(70, [9, 33], 37, activation, output=output, seed=0)
    random = np.random.default_rng(4)
    x, t = random.random((3, 70)), random.dirichlet(np.ones(37), 3)
    t[:, ::2] = 0
    t /= t.sum(axis=1, keepdims=True)
    got, exact = net.numerical_gradient(x, t), net.gradient(x, t)
    for name in exact:
        # 1e-7 in the logarithms, over a y of 0.001; the loss is about 4 here, and of 37 terms.
        np.testing.assert_allclose(got[name], exact[name], rtol=0, atol=1e-4 * np.abs(exact[name]).max() + 1e-10)


@on_both_backends
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("name", ["x", *SHAPES])
def test_numerical_gradient_of_what_is_not_finite_is_the_plain_loops(name, value):
    net, x = network("tanh", "identity"), inputs().copy()
    (x if name == "x" else net.params[name]).flat[1] = value

    class Plain(MultiLayerNet):
        def loss(self, x, t):
            return super().loss(x, t)

    plain = Plain(D, HIDDEN, C, "tanh", output="identity")
    plain.params = net.params
    with np.errstate(all="raise"):
        got = net.numerical_gradient(x, NUMBERS)
        wanted = plain.numerical_gradient(x, NUMBERS)
    for key in wanted:
        # Where the loss is finite, it is large: of 1e300 no digit is left of a difference.
        np.testing.assert_array_equal(np.isfinite(got[key]), np.isfinite(wanted[key]))


@on_both_backends
def test_parameters_that_share_memory_move_together():
    net = MultiLayerNet(2, [3, 3], 3, "tanh", seed=0)
    net.params["b2"] = net.params["W2"][1]
    x, t = np.array([[0.5, -1.0]]), [2]
    got = net.numerical_gradient(x, t)
    grads = net.gradient(x, t)
    np.testing.assert_allclose(got["b2"], grads["b2"] + grads["W2"][1], rtol=0, atol=1e-6)  # as above


@pytest.mark.parametrize("h", [0, -1e-4, np.nan, "1e-4"])
def test_numerical_gradient_names_a_bad_step(h):
    with pytest.raises((TypeError, ValueError), match=r"\bh\b"):
        network().numerical_gradient(inputs(), LABELS, h)


# --- parameters, settings and arguments ------------------------------------------------------------------------------

CALLS = {
    "predict": lambda net: net.predict(inputs()),
    "loss": lambda net: net.loss(inputs(), LABELS),
    "accuracy": lambda net: net.accuracy(inputs(), LABELS),
    "gradient": lambda net: net.gradient(inputs(), LABELS),
    "numerical_gradient": lambda net: net.numerical_gradient(inputs(), LABELS),
    "trace": lambda net: net.trace(inputs()),
    "trace with t": lambda net: net.trace(inputs(), LABELS),
    "save": lambda net: net.save("no such folder/weights.npz"),  # the network is looked at first
}
every_method = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@every_method
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("bad", ["one more row", "list", "integers", "None", "masked"])
def test_every_method_names_a_parameter_that_does_not_fit(call, name, bad):
    net = network()
    value = net.params[name]
    net.params[name] = {
        "one more row": np.concatenate([value, value[:1]]),
        "list": value.tolist(),
        "integers": value.astype(int),
        "None": None,
        "masked": np.ma.array(value),
    }[bad]
    with pytest.raises(ValueError, match=rf"params\['{name}'\] no longer fits"):
        call(net)
    del net.params[name]
    with pytest.raises(ValueError, match=rf"exactly W1, b1, W2, b2, W3 and b3, got (?!.*'{name}')"):
        call(net)
    net.params = None
    with pytest.raises(ValueError, match="params must be a dict of W1, b1, W2, b2, W3 and b3, got NoneType"):
        call(net)


@on_both_backends
def test_every_method_names_a_parameter_too_many():
    net = network()
    net.params["W4"] = net.params["W3"]
    for call in CALLS.values():
        with pytest.raises(ValueError, match=r"exactly W1, b1, W2, b2, W3 and b3, got .*'W4'"):
            call(net)


@every_method
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("activation", "maxout", ValueError),
        ("activation", None, TypeError),
        ("output", "tanh", ValueError),
        ("weight_decay_lambda", -1, ValueError),
        ("weight_decay_lambda", "strong", TypeError),
    ],
)
def test_every_method_names_a_setting_that_does_not_fit(call, name, value, error):
    net = network()
    setattr(net, name, value)
    with pytest.raises(error, match=rf"{name} must be .*{value}"):
        call(net)


@on_both_backends
@pytest.mark.parametrize("name", [name for name in CALLS if name != "save"])
def test_no_method_changes_the_parameters(name):
    net = network(decay=0.1)
    params, before = dict(net.params), {name: value.copy() for name, value in net.params.items()}
    CALLS[name](net)
    assert all(net.params[name] is params[name] for name in SHAPES)
    assert_bitwise(net.params, before)


@on_both_backends
def test_new_parameters_and_settings_are_used_at_the_next_call():
    net, other, x = network(), network("tanh", "sigmoid", decay=0.2), inputs()
    net.params = {name: np.array(value, order="F") for name, value in other.params.items()}
    net.activation, net.output, net.weight_decay_lambda = "Tanh", "SIGMOID", 0.2
    assert_bitwise(net.gradient(x, NUMBERS), other.gradient(x, NUMBERS))
    assert net.loss(x, NUMBERS) == other.loss(x, NUMBERS)
    assert net.accuracy(x, NUMBERS) == other.accuracy(x, NUMBERS)
    assert_bitwise(net.numerical_gradient(x, NUMBERS), other.numerical_gradient(x, NUMBERS))


@pytest.mark.parametrize("method", ["predict", "loss", "accuracy", "gradient", "numerical_gradient", "trace"])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((N, D + 1)), ValueError, r"x must have shape \(N, 6\).*got shape \(5, 7\)"),
        (np.zeros((N, D, 1)), ValueError, r"x must have shape .*got shape \(5, 6, 1\)"),
        (np.zeros((N, 1, D)), ValueError, r"x must have shape .*got shape \(5, 1, 6\)"),
        (1.0, ValueError, r"x must have shape .*got shape \(\)"),
        (np.zeros((N, D), complex), TypeError, r"x .*complex128"),
        ([["a"] * D], TypeError, r"x .*<U1"),
    ],
)
def test_every_method_names_an_input_of_another_shape_or_type(method, x, error, message):
    arguments = (x,) if method == "predict" else (x, LABELS)
    with pytest.raises(error, match=message):
        getattr(network(), method)(*arguments)


@pytest.mark.parametrize("method", ["loss", "accuracy", "gradient", "numerical_gradient", "trace"])
@pytest.mark.parametrize(
    ("t", "message"),
    [
        (LABELS[:4], r"t has shape \(4,\).*\(5, 3\)"),
        (LABELS.astype(float), r"t has shape \(5,\) and dtype float64"),
        ([0, 1, 3, 2, 0], r"t\[2\] is 3.*\[0, 3\)"),
    ],
)
def test_every_method_names_targets_that_do_not_fit(method, t, message):
    with pytest.raises(ValueError, match=message):
        getattr(network(), method)(inputs(), t)


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"input_size": 0}, ValueError, "input_size"),
        ({"output_size": 2.5}, TypeError, "output_size"),
        ({"hidden_size_list": 100}, TypeError, "hidden_size_list must be a list of integers, got 100"),
        ({"hidden_size_list": "100"}, TypeError, "hidden_size_list must be a list of integers, got '100'"),
        ({"hidden_size_list": None}, TypeError, "hidden_size_list"),
        ({"hidden_size_list": np.array(3)}, TypeError, "hidden_size_list"),
        ({"hidden_size_list": [3, 0]}, ValueError, r"hidden_size_list\[1\] must be at least 1, got 0"),
        ({"hidden_size_list": [3.0]}, TypeError, r"hidden_size_list\[0\] must be an integer, got 3.0"),
        ({"activation": "swish"}, ValueError, "activation must be one of relu, .*identity, got 'swish'"),
        ({"activation": np.tanh}, TypeError, "activation must be one of relu"),
        ({"output": "linear"}, ValueError, "output must be one of softmax, .*identity, got 'linear'"),
        ({"weight_init_std": -0.1}, ValueError, "must be a finite number of at least 0 or one of 'relu', .*, got -0.1"),
        ({"weight_init_std": "lecun"}, ValueError, "weight_init_std must be a finite number .*'xavier', got 'lecun'"),
        ({"weight_init_std": None}, TypeError, "weight_init_std must be a finite number .*'xavier', got None"),
        ({"weight_decay_lambda": -0.1}, ValueError, "weight_decay_lambda"),
        ({"weight_decay_lambda": np.inf}, ValueError, "weight_decay_lambda"),
        ({"weight_decay_lambda": True}, TypeError, "weight_decay_lambda"),
        ({"dtype": np.float16}, TypeError, "dtype"),
        ({"seed": -1}, ValueError, "seed"),
    ],
)
def test_the_constructor_names_a_bad_argument(arguments, error, named):
    with pytest.raises(error, match=named):
        MultiLayerNet(**{"input_size": 2, "hidden_size_list": [3], "output_size": 2, **arguments})


def test_names_are_taken_in_any_case_and_linear_is_the_identity():
    net = MultiLayerNet(2, (3,), 1, "Linear", "He", output="Identity", seed=0)
    assert (net.activation, net.output) == ("identity", "identity")
    x = np.array([[1.0, -2.0]])
    p = net.params
    np.testing.assert_allclose(net.predict(x), x @ p["W1"] @ p["W2"], rtol=1e-13)
    assert MultiLayerNet(2, np.array([3]), 1, "TANH").activation == "tanh"


# --- randomness ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("word", "scale"),
    [
        ("relu", lambda n: np.sqrt(2 / n)),
        ("He", lambda n: np.sqrt(2 / n)),
        ("sigmoid", lambda n: np.sqrt(1 / n)),
        ("XAVIER", lambda n: np.sqrt(1 / n)),
        (0.03, lambda _: 0.03),
        (0, lambda _: 0.0),
    ],
)
def test_weights_are_the_books_draws_layer_by_layer(dtype, word, scale):
    np.random.seed(11)
    net = MultiLayerNet(D, HIDDEN, C, weight_init_std=word, dtype=dtype)
    following = np.random.rand()
    np.random.seed(11)
    expected = {}
    for layer, (n, units) in enumerate(pairwise([D, *HIDDEN, C]), start=1):
        expected[f"W{layer}"] = (scale(n) * np.random.randn(n, units)).astype(dtype)
        expected[f"b{layer}"] = np.zeros(units, dtype)
    assert following == np.random.rand()  # nothing else was drawn
    assert_bitwise(net.params, expected)


def test_a_seed_is_private_and_decides_everything():
    state = np.random.get_state()
    one, same, other = (MultiLayerNet(D, HIDDEN, C, seed=seed) for seed in (4, 4, 5))
    from_generator = MultiLayerNet(D, HIDDEN, C, seed=np.random.default_rng(4))
    assert all(np.array_equal(a, b) for a, b in zip(state, np.random.get_state(), strict=True))
    assert_bitwise(one.params, same.params)
    assert_bitwise(one.params, from_generator.params)
    assert not np.array_equal(one.params["W1"], other.params["W1"])


# --- training --------------------------------------------------------------------------------------------------------


@on_both_backends
@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_the_trainer_trains_it(gradient, output):
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 2))
    t = (x[:, 0] * x[:, 1] > 0).astype(int)
    net = MultiLayerNet(2, [6, 4], 2 if output == "softmax" else 1, "tanh", "xavier", output=output, seed=0)
    trainer = Trainer(
        net, x, t, x, t, mini_batch_size=10, iterations=300, optimizer_param={"lr": 1.0}, gradient=gradient,
        verbose=False, seed=0, progress=False,
    )
    trainer.train()
    assert np.mean(trainer.train_loss_list[-20:]) < 0.5 * trainer.train_loss_list[0]
    assert trainer.test_acc_list[-1] > 0.9


@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_the_trainer_trains_a_regression_and_takes_no_accuracy_of_it(gradient, capsys):
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    t = x**2
    net = MultiLayerNet(1, [8], 1, "tanh", "xavier", output="identity", seed=0)
    trainer = Trainer(
        net, x, t, x, t, mini_batch_size=20, iterations=300, optimizer_param={"lr": 0.3}, gradient=gradient, seed=0,
        progress=False,
    )
    trainer.train()
    assert np.mean(trainer.train_loss_list[-20:]) < 0.1 * trainer.train_loss_list[0]
    assert trainer.train_acc_list == trainer.test_acc_list == trainer.evaluated_at == []
    assert trainer.current_epoch == 150
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 300
    assert all(line.startswith("train loss:") for line in lines)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("hidden", [[], HIDDEN], ids=len)
@pytest.mark.parametrize(("activation", "output"), [("elu", "softmax"), ("linear", "identity"), ("relu", "sigmoid")])
def test_a_saved_network_is_loaded_as_it_was(tmp_path, dtype, hidden, activation, output):
    net = network(activation, output, dtype, 0.25, hidden)
    net.params["b1"][:2] = np.nan, -0.0  # a sign and a NaN are bits as well
    net.save(tmp_path / "weights")
    assert os.listdir(tmp_path) == ["weights"]
    again = MultiLayerNet.load(tmp_path / "weights")
    assert type(again) is MultiLayerNet
    assert again.dtype == dtype
    assert_bitwise(again.params, net.params)
    for name in ("activation", "output", "weight_decay_lambda"):
        assert getattr(again, name) == getattr(net, name)
        assert type(getattr(again, name)) is type(getattr(net, name))
    again.params["W1"] += 1  # it can be trained on
    assert again.predict(inputs()).shape == (N, C)


def test_a_saved_network_is_plain_arrays_without_pickle(tmp_path):
    network(decay=0.5).save(tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        assert_bitwise({name: arrays[name] for name in SHAPES}, network().params)
        assert {name: arrays[name].item() for name in arrays if name not in SHAPES} == {
            "activation": "relu", "output": "softmax", "weight_decay_lambda": 0.5, "network": "MultiLayerNet",
        }


def test_a_crash_while_saving_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "weights.npz"
    MultiLayerNet(2, [2], 2, seed=0).save(path)
    before = path.read_bytes()

    def half_written(file, *_, **__):
        file.write(b"PK half of a file")
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.lib.format.write_array", half_written)
    with pytest.raises(KeyboardInterrupt):
        network().save(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"weights.npz": before}


def test_any_damage_to_a_file_is_noticed(tmp_path):
    """Cut it anywhere, or flip bits of any byte: either the network still comes out right, or ValueError names it."""
    path = tmp_path / "weights.npz"
    net = MultiLayerNet(1, [], 1, weight_decay_lambda=0.5, seed=0)
    net.save(path)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    damaged += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    messages = []
    damaged = thinned(damaged, 0.1)
    for data in damaged:
        path.write_bytes(data)
        try:
            again = MultiLayerNet.load(path)
        except ValueError as error:
            messages.append(str(error))
        else:  # dates and the like do not matter, and zip keeps everything else twice or with a checksum
            assert_bitwise(again.params, net.params)
            assert (again.activation, again.output, again.weight_decay_lambda) == ("relu", "softmax", 0.5)
    assert len(messages) > len(damaged) / 2
    assert all("weights.npz" in message for message in messages)


def wrong_files():
    good = {**network().params, "activation": "relu", "output": "softmax", "weight_decay_lambda": 0.0}
    less = {name: {other: good[other] for other in good if other != name} for name in good}
    return {
        **{f"no {name}": arrays for name, arrays in less.items()},
        "empty": b"",
        "text": b"not a network",
        "the parameters of a TwoLayerNet": TwoLayerNet(2, 2, 2).params,
        "one more": {**good, "W9": np.zeros(3)},
        "W2 for other layers": {**good, "W2": np.zeros((6, 4))},
        "W1 without axes": {**good, "W1": np.float64(0)},
        "no inputs": {**good, "W1": np.zeros((0, 5))},
        "two dtypes": {**good, "b1": np.zeros(5, np.float32)},
        "integers": {name: value.astype(int) for name, value in network().params.items()} | less["W1"],
        "another activation": {**good, "activation": "swish"},
        "an activation that is a number": {**good, "activation": 3},
        "several outputs": {**good, "output": ["softmax", "sigmoid"]},
        "a negative decay": {**good, "weight_decay_lambda": -1.0},
        "objects": {**good, "activation": np.array([print], object)},
    }


WHAT_IS_WRONG = {
    "empty": "it is no .npz file, or not all of one",
    "text": "it is no .npz file, or not all of one",
    "no W1": "it has no 'W1'",
    "the parameters of a TwoLayerNet": "it has no 'activation'",
    "W1 without axes": "W1 must be a matrix, got shape ()",
    "another activation": "activation must be one of relu, ",
}


@pytest.mark.parametrize("kind", wrong_files())
def test_a_file_of_something_else_is_named_and_what_is_wrong_with_it(tmp_path, kind):
    path = tmp_path / "weights.npz"
    content = wrong_files()[kind]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    what = re.escape(WHAT_IS_WRONG.get(kind, "")) or "."
    with pytest.raises(ValueError, match=rf"weights\.npz does not hold the parameters of a MultiLayerNet: {what}"):
        MultiLayerNet.load(path)
    if kind == "one more":
        with pytest.raises(ValueError, match=r"does not hold the parameters of a TwoLayerNet"):
            TwoLayerNet.load(path)


def test_a_subclass_loads_as_itself_and_the_global_generator_is_left_alone(tmp_path):
    class Mine(MultiLayerNet):
        pass

    network().save(tmp_path / "weights.npz")
    state = np.random.get_state()
    assert type(Mine.load(tmp_path / "weights.npz")) is Mine
    assert all(np.array_equal(a, b) for a, b in zip(state, np.random.get_state(), strict=True))
    with pytest.raises(ValueError, match="of a Mine"):
        Mine.load(Path(__file__))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("decay", [0, 0.1])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "sigmoid_mse", "identity"])
@pytest.mark.usefixtures("backend")
def test_both_at_once_are_what_each_gives_alone(output, decay, weighted):
    random = np.random.default_rng(0)
    x = random.normal(size=(7, 4))
    t = random.integers(3, size=7) if output == "softmax" else random.random((7, 3))
    weights = random.random(7) if weighted else None
    net = MultiLayerNet(4, [5, 6], 3, output=output, weight_decay_lambda=decay, seed=0)
    loss, gradient = net.loss_and_gradient(x, t, weights)
    # The loss is computed from the same predictions, and both sums run over them in the same order.
    np.testing.assert_allclose(loss, net.loss(x, t, weights), rtol=1e-14)
    expected = net.gradient(x, t, weights)
    assert gradient.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(gradient[name], value), name


@pytest.mark.usefixtures("backend")
def test_loss_and_gradient_of_a_subclass_use_its_loss():
    class Own(MultiLayerNet):
        def loss(self, x, t, sample_weight=None):
            return 2 * super().loss(x, t, sample_weight)

    net, plain = Own(4, [5], 3, seed=0), MultiLayerNet(4, [5], 3, seed=0)
    x, t = np.eye(4), [0, 1, 2, 0]
    assert net.loss_and_gradient(x, t)[0] == 2 * plain.loss(x, t)


@pytest.mark.usefixtures("backend")
def test_loss_and_gradient_of_a_subclass_use_its_gradient():
    class Own(MultiLayerNet):
        def gradient(self, x, t):
            return {name: 2 * array for name, array in super().gradient(x, t).items()}

    net, plain = Own(4, [5], 3, seed=0), MultiLayerNet(4, [5], 3, seed=0)
    x, t = np.eye(4), np.array([0, 1, 2, 0])
    gradient = net.loss_and_gradient(x, t)[1]
    for name, array in plain.gradient(x, t).items():
        assert np.array_equal(gradient[name], 2 * array), name


@pytest.mark.usefixtures("backend")
def test_loss_and_gradient_of_a_subclass_that_knows_no_weights():
    class Own(MultiLayerNet):
        def loss(self, x, t):
            return 2 * super().loss(x, t)

    net, plain = Own(4, [5], 3, seed=0), MultiLayerNet(4, [5], 3, seed=0)
    x, t = np.eye(4), np.array([0, 1, 2, 0])
    assert net.loss_and_gradient(x, t)[0] == 2 * plain.loss(x, t)


@pytest.mark.usefixtures("backend")
def test_loss_and_gradient_name_an_x_that_is_no_array():
    with pytest.raises(ValueError, match="x cannot be made an array"):
        MultiLayerNet(2, [5], 3, seed=0).loss_and_gradient([[1, 2], [1]], [0, 1])
