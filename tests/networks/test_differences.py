"""`numerical_gradient` of networks of layers: it computes only what a parameter changes, and equals the full loop.

The full loop, `by_the_full_loop`, computes the whole loss twice for each element, each time with the same draws.
"""

import numpy as np
import pytest
from effort import thinned

from fastnet import DeepConvNet, LayeredTwoLayerNet, MultiLayerNetExtend, SimpleConvNet, _backend
from fastnet.gradient import gradient_check, numerical_gradient
from fastnet.layers import Affine, BatchNormalization, Dropout, Relu, Sigmoid, SoftmaxWithLoss
from fastnet.networks import differences

pytestmark = pytest.mark.usefixtures("backend")

D, C = 6, 4
# Two losses of at most 5, each rounded some times to 2^-53 of itself, divided by 2h.
ROUNDING = 2e-11


def by_the_full_loop(net, x, t, h=1e-4):
    state = np.random.get_state()

    def loss(_):
        np.random.set_state(state)
        return net._training_loss(x, t)

    return {name: numerical_gradient(loss, net.params[name], h) for name in net._places()}


def close(found, expected, atol=ROUNDING):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=atol, err_msg=name)
    return True


def calls(owner, name, monkeypatch):
    """Return a list that gets the arguments of each call of a method of a network, or of a kernel."""
    found, function = [], getattr(owner, name)

    def recorded(*arguments):
        found.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(owner, name, recorded)
    return found


def filters(number, size=3, pad=1, stride=1):
    return {"filter_num": number, "filter_size": size, "pad": pad, "stride": stride}


def extended(sizes=(7, 5), activation="relu", **options):
    return lambda dtype: MultiLayerNetExtend(D, sizes, C, activation, dtype=dtype, seed=1, **options)


def simple(shape, conv):
    return lambda dtype: SimpleConvNet(shape, conv, 5, C, 0.3, dtype=dtype, seed=1)


def deep(shape, *convs):
    return lambda dtype: DeepConvNet(shape, *convs, 5, C, dtype=dtype, seed=1)


# The network of a dtype, and the shape of a sample.
NETWORKS = {
    "two layers": (lambda dtype: LayeredTwoLayerNet(D, 5, C, 0.5, dtype=dtype, seed=1), (D,)),
    "linear": (extended([]), (D,)),
    "one hidden layer, normalised": (extended([3], use_batchnorm=True), (D,)),
    "one hidden unit, dropped": (extended([1, 1], use_dropout=True), (D,)),
    "weight decay": (extended(weight_decay_lambda=0.1), (D,)),
    "normalised": (extended(use_batchnorm=True), (D,)),
    "normalised, sigmoid": (extended(activation="sigmoid", use_batchnorm=True), (D,)),
    "dropped": (extended(use_dropout=True, dropout_ration=0.3), (D,)),
    "dropped, sigmoid": (extended(activation="sigmoid", use_dropout=True), (D,)),
    "all dropped": (extended(use_dropout=True, dropout_ration=1), (D,)),
    "everything": (
        extended((5, 7, 4), weight_decay_lambda=0.01, use_dropout=True, dropout_ration=0.2, use_batchnorm=True), (D,),
    ),
    "convolution": (simple((2, 6, 8), filters(3)), (2, 6, 8)),
    "no padding": (simple((1, 6, 6), filters(2, pad=0)), (1, 6, 6)),
    "wide padding, odd maps": (simple((2, 3, 4), filters(2, size=2, pad=3)), (2, 3, 4)),
    "steps": (simple((1, 7, 9), filters(2, stride=2)), (1, 7, 9)),
    "steps over pixels": (simple((2, 8, 11), filters(2, size=2, pad=0, stride=3)), (2, 8, 11)),
    "filters of one pixel": (simple((3, 4, 4), filters(2, size=1, pad=0)), (3, 4, 4)),
    "one map, as large as the filter": (simple((1, 5, 5), filters(1, size=4, pad=0)), (1, 5, 5)),
    "deep": (deep((1, 8, 9), filters(1), filters(2), filters(1), filters(2, 3, 2), filters(1), filters(2)), (1, 8, 9)),
    "deep, other filters": (
        deep((2, 9, 8), filters(2, 2, 0), filters(2, 2, 1), filters(2), filters(1, 2, 2), filters(1, 1, 1), filters(2)),
        (2, 9, 8),
    ),
}  # fmt: skip
each_network = pytest.mark.parametrize(("make", "shape"), NETWORKS.values(), ids=NETWORKS.keys())

TARGETS = {
    "labels": lambda n: np.arange(n) % C,
    "column of labels": lambda n: np.arange(n)[:, np.newaxis] % C,
    "one-hot": lambda n: np.eye(C)[np.arange(n) % C],
    "soft": lambda n: np.random.default_rng(2).random((n, C)),
}
each_target = pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS.keys())


def inputs(shape, n=3):
    x = np.random.default_rng(5).normal(size=(n, *shape))
    x[0, ..., :2] = 0  # inputs of 0 move nothing
    return x


@each_network
@each_target
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_differences_are_those_of_the_full_loop(make, shape, targets, n, monkeypatch):
    net, x, t = make(np.float64), inputs(shape, n), targets(n)
    np.random.seed(0)
    expected = by_the_full_loop(net, x, t)
    drawn = np.random.rand()
    losses = calls(net, "_training_loss", monkeypatch)
    np.random.seed(0)
    assert close(net.numerical_gradient(x, t), expected)
    assert len(losses) == 1
    assert np.random.rand() == drawn  # as after one loss


@each_network
def test_one_sample_is_a_batch_of_one(make, shape):
    net, x = make(np.float64), inputs(shape, 1)
    for t in (2, np.eye(C)[2]):
        np.random.seed(0)
        one = net.numerical_gradient(x[0], t)
        np.random.seed(0)
        assert close(one, net.numerical_gradient(x, [2]), atol=0)


@each_network
def test_the_differences_of_a_float32_network_are_computed_in_float64(make, shape):
    net, exact = make(np.float32), make(np.float64)
    for name, value in net.params.items():
        exact.params[name][...] = value
    x, t = inputs(shape).astype(np.float32), np.arange(3)
    np.random.seed(0)
    found = net.numerical_gradient(x, t)
    np.random.seed(0)
    for name, value in exact.numerical_gradient(x, t).items():
        assert found[name].dtype == np.float32
        # Rounded once, apart from the weight decay, which is added in float32.
        np.testing.assert_allclose(found[name], value, rtol=2e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("h", [1e-2, 0.5])
def test_the_step_is_the_argument(h):
    for name in ("everything", "steps"):
        make, shape = NETWORKS[name]
        net, x, t = make(np.float64), inputs(shape), np.arange(3)
        np.random.seed(0)
        expected = by_the_full_loop(net, x, t, h)
        np.random.seed(0)
        assert close(net.numerical_gradient(x, t, h), expected)


def test_the_maximum_of_a_pooling_moves_to_another_place():
    net, x, t = SimpleConvNet((1, 6, 6), filters(2, pad=0), 5, C, 0.3, seed=1), inputs((1, 6, 6)), np.arange(3)
    net.params["W1"][...], net.params["b1"][...] = 0, 1  # all elements of a window are equal: a step decides
    found = net.numerical_gradient(x, t)
    assert close(found, by_the_full_loop(net, x, t))
    assert np.abs(found["W1"] - net.gradient(x, t)["W1"]).max() > 1e-3  # backpropagation takes the first of them


def test_a_unit_crosses_the_corner_of_relu():
    net, x, t = LayeredTwoLayerNet(D, 5, C, 0.5, seed=1), inputs((D,)), np.arange(3)
    net.params["b1"][...] = -(x[1] @ net.params["W1"])
    assert close(net.numerical_gradient(x, t), by_the_full_loop(net, x, t))
    net = MultiLayerNetExtend(D, [5, 5], C, use_dropout=True, seed=1)
    net.params["b1"][...] = -(x[1] @ net.params["W1"])
    np.random.seed(0)
    expected = by_the_full_loop(net, x, t)
    np.random.seed(0)
    assert close(net.numerical_gradient(x, t), expected)


@pytest.mark.parametrize("block", [1, 300])
@pytest.mark.parametrize("name", ["everything", "convolution", "deep"])
def test_the_size_of_a_block_changes_no_difference(name, block, monkeypatch):
    # A single move of all samples is larger than a block of one element.
    make, shape = NETWORKS[name]
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    np.random.seed(0)
    expected = net.numerical_gradient(x, t)
    monkeypatch.setattr(differences, "BLOCK", block)
    np.random.seed(0)
    # A block of another length may give other bits, where a kernel computes several rows at once.
    assert close(net.numerical_gradient(x, t), expected)


UNMOVED = 2  # the network computes the loss where nothing moves, and the differences compute it once more


def softmax(net, x, t, monkeypatch):
    """Return the arguments of each call of softmax, which ends each block, in a numerical gradient."""
    found = calls(_backend.kernels, "softmax", monkeypatch)
    net.numerical_gradient(x, t)
    return found


# Two samples, so each move makes four rows: up and down. A block of 500 elements holds 125 rows of one element.
@pytest.mark.parametrize(
    ("make", "shape", "blocks"),
    [
        # A unit of W1 and b1 moves in 61 ways. What follows is at most 4 wide, the scores: 31 moves a block, so two
        # blocks for each of the 20 units. Its gamma and beta are two moves: one block.
        (lambda: MultiLayerNetExtend(60, [20], C, use_batchnorm=True, seed=1), (60,), 20 * 2 + 20),
        # A map moves in 10 ways, and has 16 pixels, more than the 5 hidden units: 7 moves a block.
        (lambda: SimpleConvNet((1, 4, 4), filters(8), 5, C, 0.3, seed=1), (1, 4, 4), 8 * 2),
    ],
    ids=["the scores are the largest", "a map is the largest"],
)
def test_a_block_holds_as_many_moves_as_fit(make, shape, blocks, monkeypatch):
    net, x, t = make(), np.random.default_rng(0).random((2, *shape)), [0, 1]
    net.params["b1"] += 3  # so that relu lets every map through, and each move reaches the loss
    monkeypatch.setattr(differences, "BLOCK", 500)
    scores = [block.size for (block,) in softmax(net, x, t, monkeypatch)]
    assert len(scores) == UNMOVED + blocks
    assert max(scores) <= 500


@pytest.mark.parametrize(
    ("make", "layers"),
    [
        (extended([]), 1),
        (extended([7]), 2),
        (extended([7, 5]), 3),
        (extended([7, 5], "sigmoid"), 3),
        (extended([7, 5, 3], use_dropout=True), 1),
        (extended([7, 5], use_batchnorm=True), 1),
    ],
)
def test_a_kernel_takes_the_affine_layers_at_the_end(make, layers, monkeypatch):
    net, x, t = make(np.float64), inputs((D,)), np.arange(3)
    of_kernel = calls(_backend.kernels, "layer_differences", monkeypatch)
    blocks = softmax(net, x, t, monkeypatch)
    ((_, _, parameters, *_),) = of_kernel
    assert len(parameters) == 2 * layers
    if len(parameters) == len(net.params):
        assert len(blocks) == UNMOVED


def test_a_kernel_takes_only_layers_with_one_kind_of_activation(monkeypatch):
    net, x, t = extended([7, 5])(np.float64), inputs((D,)), np.arange(3)
    net.layers["Activation_function1"] = Sigmoid()
    of_kernel = calls(_backend.kernels, "layer_differences", monkeypatch)
    assert close(net.numerical_gradient(x, t), by_the_full_loop(net, x, t))
    ((_, _, parameters, *_),) = of_kernel
    assert len(parameters) == 4  # W2, b2, W3, b3


def test_a_kernel_takes_an_affine_layer_that_a_program_adds(monkeypatch):
    net, x, t = extended([7])(np.float64), inputs((D,)), np.arange(3)
    net.layers |= {"Own": Affine(np.diag(np.arange(1.0, D + 1)), np.ones(D)), "Relu of my own": Relu()}
    for name in ("Relu of my own", "Own"):
        net.layers.move_to_end(name, last=False)
    expected = by_the_full_loop(net, x, t)
    blocks = calls(_backend.kernels, "softmax", monkeypatch)
    assert close(net.numerical_gradient(x, t), expected)
    assert len(blocks) == UNMOVED


# --- dropout and batch normalisation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NETWORKS if "normalised" in name or name == "everything"])
def test_the_running_statistics_move_as_by_the_full_loop(name):
    make, shape = NETWORKS[name]
    net, other, x, t = make(np.float64), make(np.float64), inputs(shape), np.arange(3)
    for each, differentiate in ((net, net.numerical_gradient), (other, lambda x, t: by_the_full_loop(other, x, t))):
        np.random.seed(0)
        each.gradient(-x, t)
        each.layers["BatchNorm1"].momentum = 0.99
        differentiate(x, t)
    for key, which in net._statistics().values():
        # The loop sees batches whose statistics a step has moved: by h, up and down.
        np.testing.assert_allclose(
            getattr(net.layers[key], which), getattr(other.layers[key], which), rtol=0, atol=1e-5
        )


def test_normalisation_that_a_program_adds_to_a_deep_network_is_differenced_too():
    make, shape = NETWORKS["deep"]
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    maps = net.layers[0].forward(x)[0].size
    net.layers[1] = BatchNormalization(np.linspace(0.5, 2, maps), np.linspace(-1, 1, maps))
    net.layers[3] = Sigmoid()
    np.random.seed(0)
    expected = by_the_full_loop(net, x, t)
    np.random.seed(0)
    assert close(net.numerical_gradient(x, t), expected)


def test_the_parameters_of_a_normalised_image_go_through_the_full_loop(monkeypatch):
    net, x, t = extended([D], use_batchnorm=True)(np.float64), inputs((1, 2, 3)), np.arange(3)
    net.layers.move_to_end("BatchNorm1", last=False)
    expected = by_the_full_loop(net, x, t)
    losses = calls(net, "_training_loss", monkeypatch)
    assert close(net.numerical_gradient(x, t), expected)
    assert len(losses) > 2 * net.params["W1"].size
    assert gradient_check(net, x, t)


def own_layer(net):
    class Noise:
        def forward(self, x):
            return x + np.random.rand(*x.shape)

        def backward(self, dout):
            return dout

    net.layers["Activation_function1"] = Noise()


def own_dropout(net):
    class Weaker(Dropout):
        def forward(self, x, train_flg=True):
            return 0.5 * super().forward(x, train_flg)

    net.layers["Dropout1"] = Weaker(0.5)


def the_same_layer_twice(net):
    net.layers["Dropout2"] = net.layers["Dropout1"]


def own_loss(net):
    loss = net.loss
    net.loss = lambda x, t, train_flg=False: 2 * loss(x, t, train_flg)


@pytest.mark.parametrize("change", [own_layer, own_dropout, the_same_layer_twice, own_loss])
def test_what_is_a_programs_own_goes_through_the_full_loop_with_the_same_draws(change, monkeypatch):
    net, x, t = MultiLayerNetExtend(D, [5, 5], C, use_dropout=True, seed=1), inputs((D,)), np.arange(3)
    change(net)
    np.random.seed(0)
    expected = by_the_full_loop(net, x, t)
    drawn = np.random.rand()
    losses = calls(net, "_training_loss", monkeypatch)
    np.random.seed(0)
    assert close(net.numerical_gradient(x, t), expected)
    assert len(losses) > 2 * net.params["W1"].size
    assert np.random.rand() == drawn


@pytest.mark.parametrize("kind", [Relu, SoftmaxWithLoss])
def test_a_method_that_a_program_gives_to_a_class_of_fastnet_goes_through_the_full_loop(kind, monkeypatch):
    net, x, t = LayeredTwoLayerNet(D, 5, C, 0.5, seed=1), inputs((D,)), np.arange(3)
    forward = kind.forward
    monkeypatch.setattr(kind, "forward", lambda layer, *arguments: 2 * forward(layer, *arguments))
    assert close(net.numerical_gradient(x, t), by_the_full_loop(net, x, t))


def test_dropout_that_a_program_adds_to_a_network_without_training_mode_scales():
    net, x, t = LayeredTwoLayerNet(D, 5, C, 0.5, seed=1), inputs((D,)), np.arange(3)
    net.layers["Relu1"] = Dropout(0.25)
    assert close(net.numerical_gradient(x, t), by_the_full_loop(net, x, t))


# --- nothing stays changed --------------------------------------------------------------------------------------------


def bits(net):
    return {name: value.tobytes() for name, value in net.params.items()}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("name", ["everything", "convolution", "deep"])
def test_an_interrupt_leaves_every_bit_of_the_parameters(name, error, monkeypatch):
    make, shape = NETWORKS[name]
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    net.params["W1"].flat[0] = -0.0
    before, arrays, softmax, calls = bits(net), dict(net.params), _backend.kernels.softmax, []

    def interrupted(scores):
        calls.append(scores)
        if len(calls) == 4:
            raise error
        return softmax(scores)

    monkeypatch.setattr(_backend.kernels, "softmax", interrupted)
    with pytest.raises(error):
        net.numerical_gradient(x, t)
    assert bits(net) == before
    assert all(net.params[key] is array for key, array in arrays.items())


@each_network
def test_the_parameters_and_their_layers_stay_the_same(make, shape):
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    x.flags.writeable = False
    before, kept = bits(net), x.copy()
    net.numerical_gradient(x, t)
    assert bits(net) == before
    assert all(getattr(net.layers[key], which) is net.params[name] for name, (key, which) in net._places().items())
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("bad", [[0, 1, C], np.ones((3, C + 1)), np.full((3, C), 2.0)])
def test_wrong_targets_are_the_losss_error(bad):
    for name in ("everything", "convolution", "deep"):
        make, shape = NETWORKS[name]
        with pytest.raises(ValueError, match="t "):
            make(np.float64).numerical_gradient(inputs(shape), bad)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_number_that_is_not_finite_goes_through_the_full_loop(value):
    net, x, t = MultiLayerNetExtend(D, [3], C, use_dropout=True, seed=1), inputs((D,)), np.arange(3)
    net.params["b2"][1] = value
    np.random.seed(0)
    expected = by_the_full_loop(net, x, t)
    np.random.seed(0)
    found = net.numerical_gradient(x, t)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=0, atol=ROUNDING, err_msg=name)


# --- the gradient check of a whole network ----------------------------------------------------------------------------


class Bare:
    """Nothing but the parameters, the loss and the gradient of a network: so the check takes every step itself."""

    def __init__(self, net):
        self.params, self.loss, self.gradient = net.params, net._training_loss, net.gradient


@pytest.mark.parametrize("name", thinned(["everything", *NETWORKS, "steps"], 0.1))
def test_the_check_of_all_elements_at_once_is_that_of_one_after_another(name):
    make, shape = NETWORKS[name]
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    at_once, one_by_one = gradient_check(net, x, t), gradient_check(Bare(net), x, t)
    assert at_once.verdict == one_by_one.verdict == "agrees", at_once
    assert at_once.loss == one_by_one.loss
    for key, row in at_once.rows.items():
        other = one_by_one.rows[key]
        assert (row.size, row.checked) == (other.size, other.checked)
        # Where they disagree which element is the worst, both are right up to the rounding of the differences.
        assert max(row.absolute_error, other.absolute_error) <= 1e-9 + 9e-4 * abs(row.numerical) + row.tolerance


@pytest.mark.parametrize("name", ["two layers", "weight decay", "convolution", "deep"])
def test_the_check_of_all_elements_at_once_computes_few_whole_losses(name, monkeypatch):
    make, shape = NETWORKS[name]
    net = make(np.float64)
    passes = calls(net, "_forward", monkeypatch)
    np.random.seed(0)
    assert gradient_check(net, inputs(shape), np.arange(3))
    # One after another, each element takes at least four. At once, only those do that a corner of relu is close to.
    assert len(passes) < sum(value.size for value in net.params.values())


@pytest.mark.parametrize("name", ["everything", "convolution", "deep"])
@pytest.mark.parametrize("share", [1.01, 0.0, -1.0])
def test_the_check_of_all_elements_finds_one_wrong_element(name, share):
    make, shape = NETWORKS[name]
    net, x, t = make(np.float64), inputs(shape), np.arange(3)
    right = net.gradient

    def wrong(x, t):
        gradients = right(x, t)
        which = np.unravel_index(np.abs(gradients["W2"]).argmax(), gradients["W2"].shape)
        gradients["W2"][which] *= share
        return gradients

    net.gradient = wrong
    report = gradient_check(net, x, t)
    assert [key for key, row in report.rows.items() if row.verdict == "differs"] == ["W2"], report


def test_a_gradient_that_is_the_difference_itself_does_not_agree():
    net, x, t = extended([3], "sigmoid", use_batchnorm=True)(np.float64), inputs((D,)), np.arange(3)
    differences = net.numerical_gradient(x, t, 0.1)  # the loss bends, so this is not its gradient
    net.gradient = lambda *_: differences
    assert gradient_check(net, x, t).verdict == "differs"
