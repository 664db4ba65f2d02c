"""TwoLayerNet: what it computes, what it refuses, and what it writes to files."""

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
from effort import thinned

import fastnet.gradient
from fastnet import TwoLayerNet
from fastnet._files import replacing

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


# --- values---------------------------------------------------------------------------------------------

D, H, C, N = 6, 4, 3, 5
LABELS = np.array([0, 2, 1, 1, 0])
SHAPES = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}


def network(dtype=np.float64, kind=TwoLayerNet):
    """A net whose weights are large enough for every part of the gradient to matter, and whose biases are not 0."""
    net = kind(D, H, C, weight_init_std=0.8, dtype=dtype, seed=1)
    net.params["b1"] += np.linspace(-0.5, 0.5, H).astype(dtype)
    net.params["b2"] += np.linspace(0.3, -0.3, C).astype(dtype)
    return net


def inputs(n=N):
    """The same samples at every call, read-only: no method may write to them."""
    x = np.random.default_rng(5).normal(size=(n, D))
    x.flags.writeable = False
    return x


CALLS = {
    "predict": lambda net: net.predict(inputs()),
    "loss": lambda net: net.loss(inputs(), LABELS),
    "accuracy": lambda net: net.accuracy(inputs(), LABELS),
    "gradient": lambda net: net.gradient(inputs(), LABELS),
    "numerical_gradient": lambda net: net.numerical_gradient(inputs(), LABELS),
    "trace": lambda net: net.trace(inputs()),
    "trace with t": lambda net: net.trace(inputs(), LABELS),
    "save": lambda net: net.save("no such folder/weights.npz"),  # the parameters are looked at first
}
every_method = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@on_both_backends
@pytest.mark.parametrize("dtype", FLOATS)
def test_results_have_the_documented_shapes_and_the_networks_dtype(dtype):
    net, x = network(dtype), inputs()
    assert {name: value.shape for name, value in net.params.items()} == SHAPES
    for xs, batch in ((x, (N,)), (x[0], ()), (x[:0], (0,)), (x.astype(np.float32), (N,)), (x.astype(int), (N,))):
        y = net.predict(xs)
        assert y.shape == (*batch, C)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=4 * np.finfo(dtype).eps)  # C roundings and the sum's
    assert net.loss(x, LABELS).dtype == dtype
    assert type(net.accuracy(x, LABELS)) is float
    for grads in (net.gradient(x, LABELS), net.numerical_gradient(x, LABELS), net.gradient(x[0], 1)):
        assert list(grads) == list(SHAPES)
        assert all(grads[name].shape == SHAPES[name] and grads[name].dtype == dtype for name in SHAPES)


@on_both_backends
def test_predict_loss_and_accuracy_are_the_books_formulas():
    net, x = network(), inputs()
    p = net.params
    z1 = 1 / (1 + np.exp(-(x @ p["W1"] + p["b1"])))
    e = np.exp(z1 @ p["W2"] + p["b2"])
    y = e / e.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net.predict(x), y, rtol=1e-13)  # a dozen roundings
    np.testing.assert_allclose(net.loss(x, LABELS), -np.log(y[np.arange(N), LABELS] + 1e-7).mean(), rtol=1e-13)
    right = y.argmax(axis=1)
    assert net.accuracy(x, right) == 1.0
    assert net.accuracy(x, (right + 1) % C) == 0.0
    assert net.accuracy(x, np.where(np.arange(N) < 2, right, (right + 1) % C)) == 2 / N


@pytest.mark.usefixtures("backend")
def test_a_prediction_of_nan_is_never_right():
    net = TwoLayerNet(3, 4, 2, seed=0)
    net.params["b2"][:] = np.nan
    assert net.accuracy(np.zeros((4, 3)), [0, 0, 1, 1]) == 0.0


def test_accuracy_predicts_in_slices_and_is_the_same():
    sizes = []

    class Watched(TwoLayerNet):
        def predict(self, x):
            sizes.append(len(x))
            return super().predict(x)

    net, x = network(kind=Watched), inputs(2001)
    t = np.random.default_rng(0).integers(0, C, 2001)
    assert net.accuracy(x, t) == np.mean(net.predict(x).argmax(axis=1) == t)
    assert sizes == [1000, 1000, 1, 2001]
    with pytest.raises(ValueError, match=r"t has shape \(2000,\).*\(2001, 3\)"):
        net.accuracy(x, t[1:])


def test_one_sample_of_many_inputs_is_no_slice():
    net, x = TwoLayerNet(2001, H, C, seed=0), np.ones(2001)
    assert net.accuracy(x, net.predict(x).argmax()) == 1.0


@on_both_backends
def test_labels_in_every_form_count_as_one_hot():
    net, x = network(), inputs()
    forms = [LABELS, LABELS[:, np.newaxis], LABELS.astype(np.uint8), LABELS.tolist(), np.eye(C)[LABELS]]
    for t in forms:
        np.testing.assert_allclose(net.loss(x, t), net.loss(x, LABELS), rtol=1e-14)  # the order of N sums
        assert net.accuracy(x, t) == net.accuracy(x, LABELS)
        assert_bitwise(net.gradient(x, t), net.gradient(x, LABELS))


@on_both_backends
def test_one_sample_is_a_batch_of_one():
    net, x = network(), inputs()[0]
    # A matrix product may be summed in another order for a vector than for a matrix: some units in the last place.
    np.testing.assert_allclose(net.predict(x), net.predict([x])[0], rtol=1e-13)
    assert net.accuracy(x, 1) == net.accuracy(x, np.eye(C)[1]) == net.accuracy([x], [1])
    for t in (1, np.eye(C)[1], [0.2, 0.5, 0.3]):
        batch = [t]
        np.testing.assert_allclose(net.loss(x, t), net.loss([x], batch), rtol=1e-13)
        for name, grad in net.gradient(x, t).items():
            np.testing.assert_allclose(grad, net.gradient([x], batch)[name], rtol=1e-12, atol=1e-16)


@on_both_backends
def test_an_empty_batch_is_predicted_and_has_no_mean():
    net, nothing = network(), inputs(0)
    assert net.predict(nothing).shape == (0, C)
    assert net.trace(nothing)["z1"].shape == (0, H)
    for method in (net.loss, net.accuracy, net.gradient, net.numerical_gradient, net.trace):
        with pytest.raises(ValueError, match=r"x is empty: it has shape \(0, 6\), and a mean needs"):
            method(nothing, np.zeros(0, int))


@on_both_backends
@pytest.mark.parametrize("name", [name for name in CALLS if name != "save"])
def test_no_method_changes_the_parameters(name):
    net = network()
    params, before = dict(net.params), copies(net.params)
    CALLS[name](net)
    assert all(net.params[name] is params[name] for name in SHAPES)
    assert_bitwise(net.params, before)


@on_both_backends
def test_saturated_units_and_extreme_scores_raise_no_warning():
    net, x = network(), inputs()
    net.params["W1"] *= 1e6
    net.params["W2"] *= 1e6
    assert np.isfinite(net.loss(x, LABELS))
    assert all(np.isfinite(grad).all() for grad in net.gradient(x, LABELS).values())
    net.params["W2"][:] = 1e308  # a2 overflows
    net.trace(x, LABELS)


# --- gradients -------------------------------------------------------------------------------------------------------


def sparse(x):
    """Most entries zero, one input never seen, and one sample of nothing but zeros: MNIST's margins."""
    x = np.where(np.random.default_rng(6).random(x.shape) < 0.7, 0, x)
    x[:, 2] = x[1] = 0
    return x


TARGETS = {
    "labels": LABELS,
    "one-hot": np.eye(C)[LABELS],
    "soft": np.random.default_rng(7).dirichlet(np.ones(C), N),
}


@on_both_backends
@pytest.mark.parametrize("t", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("x", [inputs(), sparse(inputs())], ids=["dense", "sparse"])
def test_backpropagation_agrees_with_central_differences(x, t):
    net = network()
    grads, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    for name in SHAPES:
        # The loss adds 1e-7 in the logarithm, backpropagation does not: up to 1e-7 / y of dy. Truncation, h²/6 of the
        # third derivative, is below 1e-8; the gradients themselves are about 0.1.
        np.testing.assert_allclose(grads[name], numerical[name], rtol=0, atol=1e-6, err_msg=name)
        assert np.abs(grads[name]).max() > 0.01
    if not x[:, 2].any():
        assert not grads["W1"][2].any()
        assert not numerical["W1"][2].any()


@on_both_backends
def test_float32_gradients_agree_with_each_other_and_with_float64():
    net, wide, x = network(np.float32), network(), inputs()
    wide.params = {name: value.astype(np.float64) for name, value in net.params.items()}
    exact = wide.gradient(x, LABELS)
    # The float32 loss, about 1, is rounded to 6e-8, and computed with some ten roundings: over 2h = 0.02 that is 3e-5.
    # Truncation adds h²/6 = 2e-5 of the third derivative.
    numerical = net.numerical_gradient(x, LABELS, h=1e-2)
    for name, grad in net.gradient(x, LABELS).items():
        np.testing.assert_allclose(grad, exact[name], rtol=0, atol=1e-6)  # ten roundings of values below 1
        np.testing.assert_allclose(numerical[name], exact[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("h", [0, -1e-4, np.nan, np.inf, "1e-4"])
def test_numerical_gradient_names_a_bad_step(h):
    with pytest.raises((TypeError, ValueError), match=r"\bh\b"):
        network().numerical_gradient(inputs(), LABELS, h)


def test_numerical_gradient_takes_the_step_it_is_given():
    """A cubic tells the step: its central difference is wrong by exactly h²."""

    class Cubic(TwoLayerNet):
        def loss(self, *_):
            return float((self.params["b2"] ** 3).sum())

    net = network(kind=Cubic)
    for h in (0.5, 0.125):
        expected = 3 * net.params["b2"] ** 2 + h**2
        np.testing.assert_allclose(net.numerical_gradient(inputs(), LABELS, h)["b2"], expected, rtol=1e-13)


@on_both_backends
def test_a_subclass_with_its_own_loss_gets_its_numerical_gradient():
    class Decaying(TwoLayerNet):
        def loss(self, x, t):
            return super().loss(x, t) + sum((value**2).sum() for value in self.params.values())

    net, x = network(kind=Decaying), inputs()
    plain = network().gradient(x, LABELS)
    for name, grad in net.numerical_gradient(x, LABELS).items():
        np.testing.assert_allclose(grad, plain[name] + 2 * net.params[name], rtol=0, atol=1e-6)  # as above


@on_both_backends
def test_a_subclass_with_its_own_predict_gets_the_numerical_gradient_of_its_loss():
    class Doubling(TwoLayerNet):
        def predict(self, x):
            return super().predict(2 * np.asarray(x))

    net, x = network(kind=Doubling), inputs()
    plain = network().gradient(2 * x, LABELS)
    for name, grad in net.numerical_gradient(x, LABELS).items():
        np.testing.assert_allclose(grad, plain[name], rtol=0, atol=1e-6)  # as above


# --- trace -----------------------------------------------------------------------------------------------------------


@on_both_backends
def test_trace_holds_the_chain_rule_worked_out_by_hand():
    net = TwoLayerNet(1, 1, 2)
    net.params = {
        "W1": np.array([[0.5]]), "b1": np.array([-1.0]), "W2": np.array([[2.0, -2.0]]), "b2": np.array([0.0, 2.0])
    }
    # a1 = 0, so z1 is a half and its derivative a quarter; a2 = (1, 1), so y is (1/2, 1/2); the label is 0.
    expected = {
        "a1": [[0.0]], "z1": [[0.5]], "a2": [[1.0, 1.0]], "y": [[0.5, 0.5]], "loss": -np.log(0.5 + 1e-7),
        "dy": [[-0.5, 0.5]], "dW2": [[-0.25, 0.25]], "db2": [-0.5, 0.5],
        "dz1": [[-2.0]], "da1": [[-0.5]], "dW1": [[-1.0]], "db1": [-0.5],
    }
    trace = net.trace([[2.0]], [0])
    assert list(trace) == list(expected)
    for name, value in expected.items():
        assert np.shape(trace[name]) == np.shape(value), name
        np.testing.assert_allclose(trace[name], value, rtol=1e-15, err_msg=name)

    # The same sample twice: what is per sample is halved by the mean, what is summed over them stays.
    twice = net.trace([[2.0], [2.0]], [0, 0])
    for name, value in expected.items():
        share = 0.5 if name in ("dy", "dz1", "da1") else 1.0
        rows = np.repeat(value, 2, axis=0) if np.ndim(value) == 2 and not name.startswith("dW") else value
        np.testing.assert_allclose(twice[name], share * np.asarray(rows), rtol=1e-15, err_msg=name)

    alone = net.trace([2.0], 0)
    for name, value in expected.items():
        by_sample = np.ndim(value) == 2 and not name.startswith("dW")
        np.testing.assert_array_equal(alone[name], np.asarray(value)[0] if by_sample else trace[name], err_msg=name)


@on_both_backends
@pytest.mark.parametrize("dtype", FLOATS)
def test_trace_agrees_with_the_other_methods(dtype):
    net, x = network(dtype), inputs()
    forward, trace = net.trace(x), net.trace(x, LABELS)
    assert list(forward) == ["a1", "z1", "a2", "y"]
    for name in forward:
        assert np.array_equal(forward[name], trace[name])
    assert all(value.dtype == dtype for value in trace.values())
    # The others add up products in another order: a few roundings of values below 1, or of the gradient's largest.
    tolerance = 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(net.predict(x), trace["y"], rtol=tolerance)
    np.testing.assert_allclose(net.loss(x, LABELS), trace["loss"], rtol=tolerance)
    grads = net.gradient(x, LABELS)
    assert list(grads) == list(SHAPES)
    for name, grad in grads.items():
        assert grad.dtype == dtype
        assert grad.shape == SHAPES[name]
        largest = np.abs(trace["d" + name]).max()
        np.testing.assert_allclose(grad, trace["d" + name], rtol=0, atol=tolerance * largest, err_msg=name)


@on_both_backends
def test_the_derivatives_inside_a_trace_are_central_differences_too():
    net, x = network(), inputs()
    trace, p = net.trace(x, LABELS), net.params

    def loss_of_z1(z1):
        e = np.exp(z1 @ p["W2"] + p["b2"])
        return -np.log(e[np.arange(N), LABELS] / e.sum(axis=1)).mean()

    def loss_of_a1(a1):
        return loss_of_z1(1 / (1 + np.exp(-a1)))

    for name, loss in (("z1", loss_of_z1), ("a1", loss_of_a1)):
        numerical = fastnet.gradient.numerical_gradient(loss, trace[name].copy())
        np.testing.assert_allclose(trace["d" + name], numerical, rtol=0, atol=1e-8)  # truncation, h²/6


# --- parameters and arguments ----------------------------------------------------------------------------------------


@on_both_backends
def test_new_parameters_are_used_at_the_next_call():
    net, x, other = network(), inputs(), TwoLayerNet(D, H, C, weight_init_std=0.5, seed=9)
    for name, value in other.params.items():
        net.params[name] = np.array(value, order="F")
    assert_bitwise(net.gradient(x, LABELS), other.gradient(x, LABELS))
    net.params["b2"] += 1.5  # the same for all classes: softmax does not see it
    np.testing.assert_allclose(net.predict(x), other.predict(x), rtol=1e-14)
    net.params["b2"][0] += 100.0
    assert (net.predict(x).argmax(axis=1) == 0).all()


@every_method
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "bad",
    ["one more row", "list", "int", "integers", "None", "transposed", "masked", "complex", "object", "longdouble"],
)
def test_every_method_names_a_parameter_that_does_not_fit(call, name, bad):
    net = network()
    value = net.params[name]
    net.params[name] = {
        "one more row": np.concatenate([value, value[:1]]),
        "list": value.tolist(),
        "int": 0,
        "integers": value.astype(int),
        "None": None,
        "transposed": value[np.newaxis].T,
        "masked": np.ma.array(value),
        "complex": value.astype(complex),
        "object": value.astype(object),
        "longdouble": value.astype(np.longdouble),
    }[bad]
    if bad == "longdouble" and net.params[name].itemsize == 8:
        pytest.skip("on this system it is a float64 by another name")
    with pytest.raises(ValueError, match=rf"params\['{name}'\] no longer fits"):
        call(net)


@on_both_backends
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_computes_as_its_array():
    net, plain = network(), network()
    net.params.update({name: np.matrix(plain.params[name]) for name in ("W1", "W2")})
    for method in (TwoLayerNet.gradient, TwoLayerNet.numerical_gradient):
        assert_bitwise(method(net, inputs(), LABELS), method(plain, inputs(), LABELS))


@every_method
@pytest.mark.parametrize("params", [None, [], 0.5, np.zeros(4), ("W1", "b1", "W2", "b2")])
def test_every_method_names_params_that_are_no_dict(call, params):
    net = network()
    net.params = params
    with pytest.raises(ValueError, match=f"params must be a dict of W1, b1, W2 and b2, got {type(params).__name__}"):
        call(net)


@every_method
@pytest.mark.parametrize("name", SHAPES)
def test_every_method_says_which_parameters_there_are_when_one_is_missing(call, name):
    net = network()
    del net.params[name]
    with pytest.raises(ValueError, match=rf"exactly W1, b1, W2 and b2, got (?!.*'{name}')"):
        call(net)


@every_method
def test_every_method_names_a_parameter_too_many(call):
    net = network()
    net.params["W3"] = np.zeros((C, C))
    with pytest.raises(ValueError, match=r"exactly W1, b1, W2 and b2, got .*'W3'"):
        call(net)


@pytest.mark.parametrize("method", ["predict", "loss", "accuracy", "gradient", "numerical_gradient", "trace"])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((N, D + 1)), ValueError, r"x must have shape \(N, 6\).*got shape \(5, 7\)"),
        (np.zeros((N, D, 1)), ValueError, r"x must have shape .*got shape \(5, 6, 1\)"),
        (np.zeros(D - 1), ValueError, r"x must have shape .*got shape \(5,\)"),
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
        (np.zeros((N, C + 1)), r"t has shape \(5, 4\).*\(5, 3\)"),
        (LABELS.astype(float), r"t has shape \(5,\) and dtype float64"),
        ([0, 1, 3, 2, 0], r"t\[2\] is 3.*\[0, 3\)"),
        ([0, 1, 2, -1, 0], r"t\[3\] is -1.*\[0, 3\)"),
    ],
)
def test_every_method_names_targets_that_do_not_fit(method, t, message):
    with pytest.raises(ValueError, match=message):
        getattr(network(), method)(inputs(), t)


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"input_size": 0}, ValueError, "input_size"),
        ({"hidden_size": -3}, ValueError, "hidden_size"),
        ({"output_size": 2.5}, TypeError, "output_size"),
        ({"hidden_size": "4"}, TypeError, "hidden_size"),
        ({"weight_init_std": -0.1}, ValueError, "weight_init_std must be a finite number of at least 0, got -0.1"),
        ({"weight_init_std": np.nan}, ValueError, "weight_init_std"),
        ({"weight_init_std": "he"}, TypeError, "weight_init_std"),
        ({"dtype": np.float16}, TypeError, "dtype"),
        ({"dtype": int}, TypeError, "dtype"),
        ({"dtype": "floaty"}, TypeError, "dtype"),
        ({"dtype": "f8,("}, TypeError, "dtype"),
        ({"dtype": "(2,)f8,"}, TypeError, "dtype"),
        ({"dtype": [("a", "f8"), ("a", "f8")]}, TypeError, "dtype"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": "1"}, TypeError, "seed"),
    ],
)
def test_the_constructor_names_a_bad_argument(arguments, error, named):
    with pytest.raises(error, match=named):
        TwoLayerNet(**{"input_size": 2, "hidden_size": 3, "output_size": 2, **arguments})


# --- randomness ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_weights_are_the_books_draws_w1_then_w2(dtype):
    np.random.seed(11)
    net = TwoLayerNet(D, H, C, weight_init_std=0.03, dtype=dtype)
    following = np.random.rand()
    np.random.seed(11)
    W1, W2 = 0.03 * np.random.randn(D, H), 0.03 * np.random.randn(H, C)
    assert following == np.random.rand()  # nothing else was drawn
    expected = {"W1": W1, "b1": np.zeros(H), "W2": W2, "b2": np.zeros(C)}
    assert_bitwise(net.params, {name: value.astype(dtype) for name, value in expected.items()})


@pytest.mark.parametrize(("std", "end"), [(1.7e308, np.inf), (1e-323, 0)])
def test_a_deviation_at_the_end_of_the_range_raises_no_warning(std, end):
    with np.errstate(all="raise"):
        net = TwoLayerNet(D, H, C, weight_init_std=std, dtype=np.float32, seed=0)
        TwoLayerNet(D, H, C, weight_init_std=std, seed=0)
    assert (np.abs(net.params["W1"]) == end).all()


def test_a_seed_is_private_and_decides_everything():
    state = np.random.get_state()
    one, same, other = (TwoLayerNet(D, H, C, seed=seed) for seed in (4, 4, 5))
    from_generator = TwoLayerNet(D, H, C, seed=np.random.default_rng(4))
    assert same_state(state, np.random.get_state())
    assert_bitwise(one.params, same.params)
    assert_bitwise(one.params, from_generator.params)
    assert not np.array_equal(one.params["W1"], other.params["W1"])
    assert 0.005 < one.params["W1"].std() < 0.02  # the default deviation is 0.01: 24 draws are within a factor of 2


@on_both_backends
def test_the_numerical_gradient_rounds_targets_to_the_networks_dtype_as_the_loss_does():
    net, x = TwoLayerNet(2, 3, 3, weight_init_std=1.0, dtype=np.float32, seed=0), [[0.5, -1.0], [2.0, 0.25]]
    # Targets close to the predictions: the gradient is close to 0, so that what float32 rounds away would show.
    t = net.predict(x).astype(np.float64) * (1 - 2.0**-26)
    exact, rounded = net.numerical_gradient(x, t), net.numerical_gradient(x, t.astype(np.float32))
    for name in net.params:
        assert exact[name].tobytes() == rounded[name].tobytes(), name


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["weights.npz", "weights", "weights.txt", "가중치 1.npz"])
@pytest.mark.parametrize("path_type", [str, Path])
def test_a_saved_network_is_loaded_bit_for_bit(tmp_path, dtype, name, path_type):
    net = network(dtype)
    net.params["b1"][:2] = np.nan, -0.0  # a sign and a NaN are bits as well
    path = path_type(tmp_path / name)
    net.save(path)
    assert os.listdir(tmp_path) == [name]  # exactly as named, and nothing beside it
    again = TwoLayerNet.load(path)
    assert type(again) is TwoLayerNet
    assert again.dtype == dtype
    assert_bitwise(again.params, net.params)
    again.params["W1"] += 1  # it can be trained on
    assert again.predict(inputs()).shape == (N, C)


def test_a_saved_network_is_plain_arrays_without_pickle(tmp_path):
    network().save(tmp_path / "weights.npz")
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        assert_bitwise({name: arrays[name] for name in arrays if name != "network"}, network().params)
        assert arrays["network"] == "TwoLayerNet"


def test_save_replaces_an_older_file_and_keeps_a_link_a_link(tmp_path):
    path, link = tmp_path / "weights.npz", tmp_path / "latest.npz"
    TwoLayerNet(2, 2, 2, seed=0).save(path)
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system makes no links")
    network().save(link)
    assert link.is_symlink()
    assert_bitwise(TwoLayerNet.load(path).params, network().params)


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def half_written(file, *_, **__):
    file.write(b"PK half of a file")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("target", "failure", "error"),
    [
        ("numpy.lib.format.write_array", half_written, KeyboardInterrupt),
        ("numpy.lib.format.write_array", raising(OSError(28, "No space left on device")), OSError),
        ("os.fsync", raising(OSError(5, "Input/output error")), OSError),
        ("os.replace", raising(PermissionError(13, "Permission denied")), PermissionError),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_crash_while_saving_leaves_the_old_file_whole_and_no_litter(
    tmp_path, monkeypatch, target, failure, error, exists
):
    path = tmp_path / "weights.npz"
    if exists:
        TwoLayerNet(2, 2, 2, seed=0).save(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(target, failure)
    with pytest.raises(error):
        network().save(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_save_says_which_place_cannot_be_written(tmp_path):
    net = network()
    with pytest.raises(OSError, match="not a regular file"):
        net.save(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nowhere"):
        net.save(tmp_path / "nowhere" / "weights.npz")
    assert os.listdir(tmp_path) == []


def test_a_subclass_loads_as_itself_and_the_global_generator_is_left_alone(tmp_path):
    class Mine(TwoLayerNet):
        pass

    network().save(tmp_path / "weights.npz")
    state = np.random.get_state()
    assert type(Mine.load(tmp_path / "weights.npz")) is Mine
    assert same_state(state, np.random.get_state())
    with pytest.raises(ValueError, match="of a Mine"):
        Mine.load(__file__)


def test_what_a_subclass_does_wrong_while_loading_is_its_own_error(tmp_path):
    class Mine(TwoLayerNet):
        def __init__(self, *_, **__):
            raise KeyError("a bug")

    network().save(tmp_path / "weights.npz")
    with pytest.raises(KeyError, match="a bug"):
        Mine.load(tmp_path / "weights.npz")


def test_threads_that_write_one_file_do_not_write_into_each_other(tmp_path):
    path = tmp_path / "shared.txt"

    def write(text):
        with replacing(path, "w") as file:
            file.write(text)

    with replacing(path, "w") as file:
        file.write("outer")
        thread = threading.Thread(target=write, args=["inner, and longer"])
        thread.start()
        thread.join()
        assert path.read_text() == "inner, and longer"
    assert path.read_text() == "outer"
    assert os.listdir(tmp_path) == ["shared.txt"]


@pytest.mark.parametrize("letter", ["w", "가"])
def test_a_file_may_have_the_longest_name_that_the_system_allows(letter, tmp_path):
    path = tmp_path / (letter * (251 // len(letter.encode())) + ".npz")
    network().save(path)
    assert os.listdir(tmp_path) == [path.name]


def test_any_damage_to_a_file_is_noticed(tmp_path):
    """Cut it anywhere, or flip bits of any byte: either the parameters still come out right, or ValueError names it."""
    path = tmp_path / "weights.npz"
    net = TwoLayerNet(1, 1, 1, seed=0)
    net.save(path)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    for bits in (0x01, 0x80, 0xFF):
        damaged += [whole[:i] + bytes([whole[i] ^ bits]) + whole[i + 1 :] for i in range(len(whole))]
    messages = []
    damaged = thinned(damaged, 0.1)
    for data in damaged:
        path.write_bytes(data)
        try:
            again = TwoLayerNet.load(path)
        except ValueError as error:
            messages.append(str(error))
        else:  # dates and the like do not matter, and zip keeps everything else twice or with a checksum
            assert_bitwise(again.params, net.params)
    assert len(messages) > len(damaged) / 2
    assert all("weights.npz" in message for message in messages)


class Touch:
    """What a pickle can do to whoever reads it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def wrong_files(folder):
    good = network().params
    return {
        "empty": b"",
        "text": b"not a network",
        "a pickle": pickle.dumps({"W1": Touch(str(folder / "executed"))}),
        "one array": good["W1"],
        "no b2": {name: good[name] for name in ("W1", "b1", "W2")},
        "one more": {**good, "W3": np.zeros(3)},
        "no arrays": {},
        "W2 for another hidden layer": {**good, "W2": np.zeros((H + 1, C))},
        "b1 as a column": {**good, "b1": np.zeros((H, 1))},
        "W1 without axes": {**good, "W1": np.float64(0)},
        "no inputs": {**good, "W1": np.zeros((0, H))},
        "two dtypes": {**good, "b1": np.zeros(H, np.float32)},
        "integers": {name: value.astype(int) for name, value in good.items()},
        "float16": {name: value.astype(np.float16) for name, value in good.items()},
        "objects": {**good, "b1": np.array([Touch(str(folder / "executed"))] * H, object)},
    }


@pytest.mark.parametrize("kind", wrong_files(Path()))
def test_a_file_of_something_else_is_named_and_nothing_in_it_is_executed(tmp_path, kind):
    path = tmp_path / "weights.npz"
    content = wrong_files(tmp_path)[kind]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with open(path, "wb") as file:
            np.savez(file, **content) if isinstance(content, dict) else np.save(file, content)
    with pytest.raises(ValueError, match=r"weights\.npz does not hold the parameters of a TwoLayerNet"):
        TwoLayerNet.load(path)
    assert os.listdir(tmp_path) == ["weights.npz"]


def test_a_missing_file_and_a_directory_are_os_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        TwoLayerNet.load(tmp_path / "none.npz")
    with pytest.raises(OSError, match=tmp_path.name):
        TwoLayerNet.load(tmp_path)
