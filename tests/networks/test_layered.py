"""The networks that are made of layers: the book's arithmetic and draws, parameters that are replaced, and files."""

import copy
import pickle
import sys
from collections import OrderedDict

import numpy as np
import pytest
from hostile import snapshot

from fastnet import DeepConvNet, LayeredTwoLayerNet, MultiLayerNetExtend, SimpleConvNet, Trainer
from fastnet._bench import plain_layers as plain
from fastnet.gradient import gradient_check, numerical_gradient
from fastnet.layers import Affine, Dropout, Relu, Sigmoid, SoftmaxWithLoss

pytestmark = pytest.mark.usefixtures("backend")

N, D, C = 12, 6, 4


class Case:
    """A network with the arguments of its class, the shape of a sample, and whether its loss is drawn again."""

    def __init__(self, kind, *arguments, sample=(D,), drops=False, **options):
        self.kind, self.arguments, self.options = kind, arguments, options
        self.sample, self.drops = sample, drops

    def network(self, dtype=np.float64, seed=1):
        return self.kind(*self.arguments, **self.options, dtype=dtype, seed=seed)

    def inputs(self, n=N):
        x = np.random.default_rng(5).normal(size=(n, *self.sample))
        x.flags.writeable = False
        return x


def filters(number, pad=1, stride=1):
    return {"filter_num": number, "filter_size": 3, "pad": pad, "stride": stride}


CASES = {
    "two layers": Case(LayeredTwoLayerNet, D, 5, C, 0.5),
    "no hidden layer": Case(MultiLayerNetExtend, D, [], C),
    "sigmoid": Case(MultiLayerNetExtend, D, [7, 5], C, "Sigmoid", "Xavier"),
    "weight decay": Case(MultiLayerNetExtend, D, [7, 5], C, weight_decay_lambda=0.1),
    "batch normalisation": Case(MultiLayerNetExtend, D, [7, 5], C, "sigmoid", use_batchnorm=True),
    "dropout": Case(MultiLayerNetExtend, D, [7, 5], C, use_dropout=True, dropout_ration=0.3, drops=True),
    "everything": Case(
        MultiLayerNetExtend, D, [7, 5], C, "relu", 0.5, 0.01, True, 0.2, True, drops=True
    ),
    "convolution": Case(SimpleConvNet, (2, 6, 8), filters(3), 5, C, 0.3, sample=(2, 6, 8)),
    "convolution with steps": Case(SimpleConvNet, (1, 7, 9), filters(2, stride=2), 5, C, 0.3, sample=(1, 7, 9)),
    "deep convolution": Case(
        DeepConvNet, (1, 8, 10), *[filters(2, pad) for pad in (1, 1, 1, 2, 1, 1)], 5, C, sample=(1, 8, 10), drops=True
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def labels(n=N):
    return np.arange(n) % C


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    return True


# --- the book's network, written small -------------------------------------------------------------------------------


class Book:
    """A network of the textbook's layers, `W` and `b` drawn in its order, with its loop over the layers."""

    def __init__(self, case, dtype=np.float64):
        ours = case.network()
        self.decay = getattr(ours, "weight_decay_lambda", 0)
        self.params, self.layers, self.places = {}, OrderedDict(), ours._places()
        for key, layer in ours._in_order():
            arguments = ()
            kind = type(layer).__name__.replace("Sigmoid", "PlainSigmoid")
            for name, (place, _) in self.places.items():
                if place == key:
                    self.params[name] = ours.params[name].astype(dtype)
                    arguments += (self.params[name],)
            if kind == "Dropout":
                arguments = (layer.dropout_ratio,)
            elif kind == "Pooling":
                arguments = (layer.pool_h, layer.pool_w, layer.stride, layer.pad)
            elif kind == "Convolution":
                arguments += (layer.stride, layer.pad)
            self.layers[key] = (PlainSigmoid if kind == "PlainSigmoid" else getattr(plain, kind))(*arguments)
        self.last = plain.SoftmaxWithLoss()

    def predict(self, x, train_flg):
        for layer in self.layers.values():
            has_mode = isinstance(layer, plain.Dropout | plain.BatchNormalization)
            x = layer.forward(x, train_flg) if has_mode else layer.forward(x)
        return x

    def loss(self, x, t, train_flg):
        squares = sum(np.sum(W**2) for name, W in self.params.items() if name[0] == "W")
        return self.last.forward(self.predict(x, train_flg), t) + 0.5 * self.decay * squares

    def gradient(self, x, t):
        self.loss(x, t, train_flg=True)
        dout = self.last.backward()
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        gradients = {name: getattr(self.layers[key], f"d{which}") for name, (key, which) in self.places.items()}
        return {
            name: gradient + (self.decay * self.params[name] if name[0] == "W" else 0)
            for name, gradient in gradients.items()
        }


class PlainSigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1 - self.out) * self.out


@each_case
def test_scores_loss_and_gradient_are_the_books(case):
    net, book, x, t = case.network(), Book(case), case.inputs(), labels()
    for _ in range(3):  # the running statistics move
        np.random.seed(0)
        ours = net.gradient(x, t)
        np.random.seed(0)
        expected = book.gradient(x, t)
        assert ours.keys() == expected.keys() == net._places().keys()
        for name, value in expected.items():
            # Sums of at most some hundred products of the order of 1; batch normalisation divides by about 1.
            np.testing.assert_allclose(ours[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(net.predict(x), book.predict(x, train_flg=False), rtol=1e-9, atol=1e-12)
    np.random.seed(0)
    loss = net._training_loss(x, t)
    np.random.seed(0)
    assert loss == pytest.approx(book.loss(x, t, train_flg=True), rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "scale"), [("relu", 2), ("he", 2), ("HE", 2), ("sigmoid", 1), ("Xavier", 1), (0.01, None)]
)
def test_weights_are_drawn_in_the_books_order(kind, scale):
    np.random.seed(7)
    net = MultiLayerNetExtend(D, [7, 5], C, weight_init_std=kind, use_batchnorm=True)
    after = np.random.rand()
    np.random.seed(7)
    for i, (inputs, units) in enumerate([(D, 7), (7, 5), (5, C)], start=1):
        std = np.sqrt(scale / inputs) if scale else kind
        np.testing.assert_array_equal(net.params[f"W{i}"], std * np.random.randn(inputs, units))
        assert not net.params[f"b{i}"].any()
    assert np.random.rand() == after
    names = ["W1", "b1", "W2", "b2", "W3", "b3", "gamma1", "beta1", "gamma2", "beta2"]
    assert list(net.params) == names
    assert (net.params["gamma2"] == 1).all()
    np.random.seed(7)
    two = LayeredTwoLayerNet(D, 5, C)
    np.random.seed(7)
    np.testing.assert_array_equal(two.params["W1"], 0.01 * np.random.randn(D, 5))
    np.testing.assert_array_equal(two.params["W2"], 0.01 * np.random.randn(5, C))


def test_the_layers_and_attributes_have_the_books_names():
    net = MultiLayerNetExtend(D, [7, 5], C, use_dropout=True, use_batchnorm=True, seed=0)
    assert isinstance(net.layers, OrderedDict)
    inner = [f"{name}{i}" for i in (1, 2) for name in ("Affine", "BatchNorm", "Activation_function", "Dropout")]
    assert list(net.layers) == [*inner, "Affine3"]
    assert (net.input_size, net.hidden_size_list, net.hidden_layer_num, net.output_size) == (D, [7, 5], 2, C)
    net.loss(np.eye(D), labels(D))
    assert net.last_layer.y.shape == (D, C)
    two = LayeredTwoLayerNet(D, 5, C)
    assert list(two.layers) == ["Affine1", "Relu1", "Affine2"]
    two.loss(np.eye(D), labels(D))
    assert two.lastLayer.y.shape == (D, C)


# --- shapes, dtypes, modes -------------------------------------------------------------------------------------------


@each_case
@each_dtype
def test_results_have_the_documented_shapes_and_the_networks_dtype(case, dtype):
    net, x = case.network(dtype), case.inputs()
    for xs in (x, x[0], x[:0], x.astype(np.float32), x.astype(int), x.astype(np.float16), x.tolist(), x[::-1]):
        batch = np.shape(xs)[: np.ndim(xs) - len(case.sample)]
        y = net.predict(xs)
        assert (y.shape, y.dtype) == ((*batch, C), dtype)
    for t in (labels(), labels()[:, np.newaxis], np.eye(C)[labels()], np.full((N, C), 1 / C)):
        assert net.loss(x, t).dtype == dtype
        for name, gradient in net.gradient(x, t).items():
            assert (gradient.shape, gradient.dtype) == (net.params[name].shape, dtype)
        assert 0 <= net.accuracy(x, t) <= 1


@each_case
def test_one_sample_is_a_batch_of_one(case):
    net, x = case.network(), case.inputs()
    if not case.drops:
        assert net.loss(x[0], 2) == net.loss(x[:1], [2])
        assert same(net.gradient(x[0], 2), net.gradient(x[:1], [2]))
    assert net.accuracy(x[0], 2) == net.accuracy(x[:1], [2])


@each_case
def test_float32_is_close_to_float64(case):
    exact, net, x = case.network(), case.network(np.float32), case.inputs()
    assert net.params["W1"].dtype == np.float32
    np.random.seed(0)
    expected = exact.gradient(x, labels())
    np.random.seed(0)
    for name, gradient in net.gradient(x, labels()).items():
        # Some hundred roundings of 6e-8; batch normalisation of few samples enlarges them.
        np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=1e-4, err_msg=name)


@each_case
def test_no_argument_changes_and_no_result_is_overwritten(case):
    net, x, t = case.network(), case.inputs(), labels()
    before, scores, gradients = snapshot(x), net.predict(x), net.gradient(x, t)
    kept, held = scores.copy(), {name: gradient.copy() for name, gradient in gradients.items()}
    net.gradient(-x, t)
    net.predict(-x)
    net.numerical_gradient(x[:2], t[:2])
    assert snapshot(x) == before
    np.testing.assert_array_equal(scores, kept)
    assert same(gradients, held)


@each_case
def test_accuracy_counts_all_samples_in_test_mode(case):
    net, x, t = case.network(), case.inputs(2011), labels(2011)
    net.gradient(x[:50], t[:50])  # so that there are running statistics
    state = np.random.get_state()[1].tolist()
    right = np.count_nonzero(net.predict(x).argmax(axis=1) == t)
    assert net.accuracy(x, t) == right / 2011
    assert net.accuracy(x, np.eye(C)[t]) == right / 2011
    assert np.random.get_state()[1].tolist() == state


def test_dropout_and_batch_normalisation_are_off_unless_training():
    net = CASES["everything"].network()
    x, t = CASES["everything"].inputs(), labels()
    first = net.predict(x)
    assert np.array_equal(net.predict(x), first)
    assert net.layers["BatchNorm1"].running_mean is None or not net.layers["BatchNorm1"].running_mean.any()
    trained = net.predict(x, True)
    assert not np.array_equal(trained, net.predict(x, train_flg=True))  # other masks
    assert net.layers["BatchNorm1"].running_mean.any()
    assert net.loss(x, t) == net.loss(x, t)
    assert net.loss(x, t, train_flg=True) != net.loss(x, t, True)


# --- gradients -------------------------------------------------------------------------------------------------------


@each_case
def test_backpropagation_agrees_with_differences_of_the_loss(case):
    net, x, t = case.network(), case.inputs(3), labels(3)
    if case.kind is DeepConvNet:
        for name, value in net.params.items():  # no input of relu is so close to 0 that a step reaches it
            value += 0.1 * (name[0] == "b")
    np.random.seed(0)  # the same masks of dropout
    gradients = net.gradient(x, t)
    np.random.seed(0)
    differences = net.numerical_gradient(x, t)
    assert gradients.keys() == differences.keys()
    for name, gradient in gradients.items():
        # h^2 times the third derivative, which batch normalisation of three samples makes large.
        np.testing.assert_allclose(differences[name], gradient, rtol=1e-4, atol=2e-6, err_msg=name)


def by_the_full_loop(net, x, t):
    return {name: numerical_gradient(lambda _: net._training_loss(x, t), net.params[name]) for name in net._places()}


def subclassed_layer(net):
    class Twice(Affine):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, dout):
            return super().backward(2 * dout)

    net.layers["Affine2"] = Twice(net.params["W2"], net.params["b2"])


def replaced_forward(net):
    net.layers["Affine2"].forward = lambda x: x @ net.params["W2"] + 7


def shared_memory(net):
    net.params["b2"] = net.params["W2"][0]


def replaced_method(net):
    net.predict = lambda x: np.tanh(net._forward(x))


def replaced_weights(net):
    net.layers["Affine1"].W = net.params["W1"] * 2


def replaced_last_layer(net):
    class Own:
        def forward(self, y, _):
            return np.sum(y**2)

    net.lastLayer = Own()


def not_finite(net):
    net.params["b2"][0] = np.inf


def other_activations(net):
    net.layers["Relu1"] = Sigmoid()
    net.layers["Affine3"] = Affine(np.eye(C), np.zeros(C))


@pytest.mark.parametrize(
    "change",
    [
        subclassed_layer, replaced_forward, shared_memory, replaced_method, replaced_weights, replaced_last_layer,
        not_finite, other_activations,
    ],
)
def test_what_a_program_has_changed_is_in_the_numerical_gradient(change):
    case = CASES["two layers"]
    net, x, t = case.network(), case.inputs(3), labels(3)
    change(net)
    net.predict(x)
    with np.errstate(all="ignore"):
        expected, found = by_the_full_loop(net, x, t), net.numerical_gradient(x, t)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-10, err_msg=name)


def test_backpropagation_begins_with_1_in_a_last_layer_of_ones_own():
    class HalfOfSquares:
        def forward(self, y, _):
            self.y = y
            return np.sum(y**2) / 2

        def backward(self, dout=1):
            return dout * self.y

    case = CASES["two layers"]
    net, x, t = case.network(), case.inputs(3), labels(3)
    net.lastLayer = HalfOfSquares()
    expected = by_the_full_loop(net, x, t)
    for name, value in net.gradient(x, t).items():
        # A quadratic function has no error of h**2; the rounding of a loss of about 100, over 2e-4, is left.
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_beside_a_layer_of_ones_own_a_dropout_with_a_seed_has_one_mask_in_all_differences():
    case = CASES["dropout"]
    net, x, t = case.network(), case.inputs(3), labels(3)
    subclassed_layer(net)
    net.layers["Dropout1"], net.layers["Dropout2"] = Dropout(0.5, seed=3), Dropout(0.5, seed=4)
    by_formula = copy.deepcopy(net).gradient(x, t)
    for name, value in net.numerical_gradient(x, t).items():
        # h^2 times the third derivative. Another mask changes them by about 0.1.
        np.testing.assert_allclose(value, by_formula[name], rtol=0, atol=1e-4, err_msg=name)


def test_gradient_check_judges_a_layer_of_ones_own():
    case = CASES["two layers"]
    net, x, t = case.network(), case.inputs(3), labels(3)
    subclassed_layer(net)
    assert gradient_check(net, x, t).verdict == "agrees"
    net.layers["Affine2"].backward = super(type(net.layers["Affine2"]), net.layers["Affine2"]).backward
    assert gradient_check(net, x, t).verdict == "differs"


@each_case
def test_gradient_check_judges_the_network(case):
    net, x, t = case.network(), case.inputs(), labels()
    statistics = copy.deepcopy(net)
    for samples in (3, None):
        report = gradient_check(net, x, t, samples=samples, seed=0)
        assert report.verdict == "agrees", report
    assert np.array_equal(net.predict(x), statistics.predict(x))


@pytest.mark.parametrize("decay", [0, 0.1])
def test_the_check_of_a_whole_network_computes_no_loss_for_each_element(decay):
    """With wrong differences of all elements at once, it would: the verdict would be right, and late."""
    net = MultiLayerNetExtend(D, [7, 5], C, weight_decay_lambda=decay, seed=1)
    losses = 0

    def count(frame, event, _):
        nonlocal losses
        losses += event == "call" and frame.f_code is SoftmaxWithLoss.forward.__code__

    sys.setprofile(count)
    try:
        report = gradient_check(net, CASES["weight decay"].inputs(), labels())
    finally:
        sys.setprofile(None)
    assert report.verdict == "agrees"
    assert losses < 10 < min(net.params["W1"].size, net.params["W2"].size)


# --- parameters that a program changes -------------------------------------------------------------------------------


@each_case
def test_layers_hold_the_arrays_of_params(case):
    net, x = case.network(), case.inputs()
    for name, (key, attribute) in net._places().items():
        assert getattr(net.layers[key], attribute) is net.params[name]
    net.gradient(x, labels())  # so that there are running statistics
    before = net.predict(x)
    net.params["W1"] *= 2
    changed = net.predict(x)
    assert not np.array_equal(before, changed)
    net.params["W1"] = net.params["W1"] / 2
    np.testing.assert_array_equal(net.predict(x), before)
    net.params = {name: value.copy() for name, value in net.params.items()}
    net.params["W1"] *= 2
    np.testing.assert_array_equal(net.predict(x), changed)
    key, attribute = net._places()["W1"]
    assert getattr(net.layers[key], attribute) is net.params["W1"]


@each_case
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (np.zeros((3, 3)), r"params\['W1'\] no longer fits: .* shape \(3, 3\)"),
        ("weights", r"params\['W1'\] no longer fits: .* got str"),
        (None, "params must hold 'W1'"),
    ],
)
def test_a_parameter_that_no_longer_fits_is_named(case, value, named):
    for method in ("predict", "loss", "accuracy", "gradient", "numerical_gradient"):
        net = case.network()
        if value is None:
            del net.params["W1"]
        else:
            net.params["W1"] = value
        with pytest.raises(ValueError, match=named):
            getattr(net, method)(*([case.inputs()] if method == "predict" else [case.inputs(), labels()]))
    net.params = [1]
    with pytest.raises(ValueError, match="params must be a dict of arrays, got list"):
        net.predict(case.inputs())


def test_a_layers_own_weights_and_a_programs_own_layer_stay():
    net, x = CASES["two layers"].network(), CASES["two layers"].inputs()
    W = np.linspace(-0.1, 0.1, D * 5).reshape(D, 5)
    net.layers["Affine1"].W = W
    net.gradient(x, labels())
    assert net.layers["Affine1"].W is W

    class Mine:
        def __init__(self, W, b):
            self.W, self.b = W, b

        def forward(self, x):
            self.x = x
            return 2 * (x @ self.W + self.b)

        def backward(self, dout):
            self.dW, self.db = 2 * self.x.T @ dout, 2 * dout.sum(axis=0)
            return 2 * dout @ self.W.T

    net.layers["Affine2"] = Mine(net.params["W2"], net.params["b2"])
    net.layers["Relu2"] = Relu()
    gradients, differences = net.gradient(x, labels()), net.numerical_gradient(x, labels())
    np.testing.assert_allclose(gradients["W2"], differences["W2"], rtol=0, atol=1e-6)  # the error of h^2
    net.params["W2"] = net.params["W2"] * 3
    net.predict(x)
    assert net.layers["Affine2"].W is net.params["W2"]


@pytest.mark.parametrize("on_the_object", [False, True])
def test_the_first_layers_own_backward_is_called(on_the_object):
    class Mine(Affine):
        def backward(self, dout):
            dx = super().backward(dout)
            self.dW *= 3
            return dx

    case = CASES["two layers"]
    net, mine = case.network(), case.network()
    layer = mine.layers["Affine1"]
    if on_the_object:
        layer.backward = lambda dout: Mine.backward(layer, dout)
        layer.__class__ = Mine
    else:
        mine.layers["Affine1"] = Mine(mine.params["W1"], mine.params["b1"])
    expected = net.gradient(case.inputs(), labels())["W1"] * 3
    np.testing.assert_array_equal(mine.gradient(case.inputs(), labels())["W1"], expected)


def test_the_key_of_a_programs_own_layer_says_that_it_has_a_mode():
    class Mine(Dropout):
        pass

    class Own:
        modes = ()

        def forward(self, x, train_flg):
            self.modes += (train_flg,)
            return x

        def backward(self, dout):
            return dout

    net = MultiLayerNetExtend(D, [7], C, use_dropout=True, seed=0)
    net.layers["Dropout1"], own = Mine(1.0), Own()
    net.layers["BatchNorm9"] = own
    net.predict(np.eye(D))
    net.gradient(np.eye(D), labels(D))
    assert own.modes == (False, True)


def test_a_subclass_works_as_one_of_the_books_would():
    class Deeper(LayeredTwoLayerNet):
        def __init__(self):
            super().__init__(D, 5, C, 0.5)
            self.params["W3"], self.params["b3"] = np.eye(C), np.zeros(C)
            self.layers["Affine3"] = Affine(self.params["W3"], self.params["b3"])

        def predict(self, x):
            for layer in self.layers.values():
                x = layer.forward(x)
            return x

        def gradient(self, x, t):
            gradients = super().gradient(x, t)
            return {**gradients, "W3": self.layers["Affine3"].dW, "b3": self.layers["Affine3"].db}

    np.random.seed(0)
    report = gradient_check(Deeper(), np.eye(D), labels(D), samples=5, seed=0)
    assert report.verdict == "agrees"
    assert len(report.rows) == 6


# --- training --------------------------------------------------------------------------------------------------------


@each_case
def test_the_trainer_trains_it_as_the_books_program_does(case):
    x, t = case.inputs(40), labels(40)
    net, book = case.network(), Book(case)
    np.random.seed(3)
    trainer = Trainer(
        net, x, t, x, t, epochs=3, mini_batch_size=10, optimizer_param={"lr": 0.1}, evaluate_sample_num_per_epoch=10,
        verbose=False, progress=False,
    )
    trainer.train()
    losses = []
    np.random.seed(3)
    is_training = type(net).loss.__code__.co_argcount == 3  # without `train_flg`, the loss is that of training
    for _ in range(12):
        batch = np.random.choice(40, 10)
        for name, gradient in book.gradient(x[batch], t[batch]).items():
            book.params[name] -= 0.1 * gradient
        losses.append(book.loss(x[batch], t[batch], train_flg=is_training))
    # Rounding, which twelve steps enlarge.
    np.testing.assert_allclose(trainer.train_loss_list, losses, rtol=1e-8)
    assert len(trainer.train_acc_list) == len(trainer.test_acc_list) == 3


# --- files -----------------------------------------------------------------------------------------------------------


@each_case
@each_dtype
def test_a_saved_network_is_loaded_as_it_was(case, dtype, tmp_path):
    net, x = case.network(dtype), case.inputs()
    net.gradient(x, labels())  # so that there are running statistics
    net.save(tmp_path / "weights.npz")
    again = type(net).load(tmp_path / "weights.npz")
    assert again.dtype == dtype
    assert same(again.params, net.params)
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    np.random.seed(0)
    expected = net.gradient(x, labels())
    np.random.seed(0)
    assert same(again.gradient(x, labels()), expected)
    for name, (key, attribute) in again._places().items():
        assert getattr(again.layers[key], attribute) is again.params[name]


@each_case
def test_copies_and_pickles_continue_where_the_network_was(case):
    net, x = case.network(), case.inputs()
    net.gradient(x, labels())
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.params["W1"] = other.params["W1"] + 1
        assert not np.array_equal(other.predict(x), net.predict(x))
        other.params["W1"] = net.params["W1"].copy()
        np.testing.assert_array_equal(other.predict(x), net.predict(x))


@each_case
def test_the_attributes_of_the_books_pickled_network_are_enough(case):
    net, book = case.network(), object.__new__(case.kind)
    names = (
        "params", "layers", "last_layer", "lastLayer", "input_size", "output_size", "hidden_size_list",
        "hidden_layer_num", "use_dropout", "weight_decay_lambda", "use_batchnorm",
    )
    vars(book).update({name: value for name, value in vars(copy.deepcopy(net)).items() if name in names})
    x = case.inputs()
    np.testing.assert_array_equal(book.predict(x), net.predict(x))
    np.random.seed(0)
    expected = net.gradient(x, labels())
    np.random.seed(0)
    assert same(book.gradient(x, labels()), expected)
    book.params["W1"] = book.params["W1"] + 1
    assert not np.array_equal(book.predict(x), net.predict(x))


@pytest.mark.parametrize("missing", ["input_size", "W2", "hidden_size_list"])
def test_a_file_that_lacks_something_is_named(missing, tmp_path):
    path = tmp_path / "weights.npz"
    CASES["weight decay"].network().save(path)
    arrays = dict(np.load(path))
    del arrays[missing]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"weights.npz does not hold .* MultiLayerNetExtend: it has no '{missing}'"):
        MultiLayerNetExtend.load(path)
    arrays[missing] = np.zeros((2, 3))
    np.savez(path, **arrays)
    with pytest.raises((ValueError, TypeError)):
        MultiLayerNetExtend.load(path)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"input_size": 0}, ValueError, "input_size must be at least 1"),
        ({"hidden_size_list": 5}, TypeError, "hidden_size_list must be a list"),
        ({"output_size": 2.5}, TypeError, "output_size must be an integer"),
        ({"activation": "tanh"}, ValueError, "activation must be one of relu, sigmoid, got 'tanh'"),
        ({"activation": None}, TypeError, "activation must be one of relu, sigmoid, got None"),
        ({"weight_init_std": "large"}, ValueError, "weight_init_std must be"),
        ({"weight_decay_lambda": -1}, ValueError, "weight_decay_lambda must be"),
        ({"dropout_ration": 1.5}, ValueError, "dropout_ration must be"),
        ({"dtype": np.float16}, TypeError, "dtype must be float64 or float32"),
        ({"seed": "x"}, TypeError, "seed must be"),
    ],
)
def test_wrong_arguments_are_named(change, error, named):
    right = {"input_size": D, "hidden_size_list": [5], "output_size": C}
    MultiLayerNetExtend(**right)
    with pytest.raises(error, match=named):
        MultiLayerNetExtend(**{**right, **change})


@each_case
def test_wrong_data_are_named(case):
    net, x = case.network(), case.inputs()
    with pytest.raises(ValueError, match="x must have shape"):
        net.predict(np.zeros((2, 3, 4, 5, 7)))
    with pytest.raises(TypeError, match="x must hold real numbers"):
        net.predict(x.astype(complex))
    with pytest.raises(ValueError, match="not a label"):
        net.loss(x, labels() + 1)
    with pytest.raises(ValueError, match="t has shape"):
        net.accuracy(x, labels()[1:])
    with pytest.raises(ValueError, match="must be a probability"):
        net.loss(x, np.full((N, C), 2.0))
    for method in (net.loss, net.gradient, net.accuracy):
        with pytest.raises(ValueError, match="empty"):
            method(x[:0], labels()[:0])


@each_case
def test_x_and_t_have_names_and_weights_need_theirs(case):
    net, x, t = case.network(), case.inputs(), labels()
    np.random.seed(0)
    expected = net.gradient(x, t, sample_weight=np.ones(N))
    np.random.seed(0)
    assert same(net.gradient(x=x, t=t, sample_weight=np.ones(N)), expected)
    with pytest.raises(TypeError, match="positional argument"):
        net.gradient(x, t, np.ones(N))


@pytest.mark.parametrize("kind", [LayeredTwoLayerNet, MultiLayerNetExtend, SimpleConvNet])
def test_weights_without_a_deviation_are_0(kind):
    sizes = {LayeredTwoLayerNet: (D, 5, C), MultiLayerNetExtend: (D, [5], C), SimpleConvNet: ((1, 8, 8),)}[kind]
    net = kind(*sizes, weight_init_std=0)
    assert not any(value.any() for name, value in net.params.items() if name[0] == "W")


@pytest.mark.parametrize(("case", "of_relu", "relus"), [("convolution", 1, 2), ("batch normalisation", 0, 2)])
def test_convolutions_and_normalisations_compute_the_relu_behind_them(case, of_relu, relus):
    """The values would be the same if they did not."""
    case = CASES[case]
    net, calls = case.network(), 0
    for key, layer in list(net.layers.items()):
        if type(layer) is Sigmoid:
            net.layers[key] = Relu()
    net.gradient(case.inputs(), labels())  # makes the running statistics

    def count(frame, event, _):
        nonlocal calls
        calls += event == "call" and frame.f_code in (Relu.forward.__code__, Relu.backward.__code__)

    sys.setprofile(count)
    try:
        net.gradient(case.inputs(), labels())
    finally:
        sys.setprofile(None)
    assert sum(type(layer) is Relu for layer in net.layers.values()) == relus
    assert calls == 2 * of_relu


@pytest.mark.parametrize("use_batchnorm", [False, True])
def test_both_gradients_agree_with_weight_decay_where_no_parameter_is_as_at_first(use_batchnorm):
    net = MultiLayerNetExtend(6, [5, 4], 3, "sigmoid", weight_decay_lambda=0.3, use_batchnorm=use_batchnorm)
    random = np.random.default_rng(0)
    for value in net.params.values():
        value[...] = random.normal(size=value.shape)
    x, t = random.normal(size=(8, 6)), random.integers(3, size=8)
    by_differences, by_formula = net.numerical_gradient(x, t), net.gradient(x, t)
    for name in net.params:
        # Differences of losses of about 10 with h = 1e-4: an error of h**2, and of 1e-15 / h.
        np.testing.assert_allclose(by_differences[name], by_formula[name], atol=1e-6, err_msg=name)
    assert gradient_check(net, x, t)


def test_one_sample_has_the_loss_and_the_gradient_of_a_batch_of_one():
    net, x, t = LayeredTwoLayerNet(6, 5, 3, seed=0), np.random.default_rng(0).normal(size=(1, 6)), np.eye(3)[1:2]
    assert net.loss(x[0], t[0]) == net.loss(x, t)
    one, batch = net.gradient(x[0], t[0]), net.gradient(x, t)
    assert all(np.array_equal(one[name], batch[name]) for name in net.params)


def test_a_convolution_in_a_network_keeps_no_array_of_the_callers():
    net, x = SimpleConvNet((1, 8, 8), hidden_size=4, seed=0), np.ones((2, 1, 8, 8))
    net.loss(x, np.array([0, 1]))
    assert not np.shares_memory(net.layers["Conv1"].x, x)


def test_a_parameter_that_is_gone_is_named_with_those_that_are_there():
    net = LayeredTwoLayerNet(6, 5, 3, seed=0)
    del net.params["b2"]
    with pytest.raises(ValueError, match=r"params must hold 'b2', got 'W1', 'b1', 'W2'$"):
        net.predict(np.ones(6))
