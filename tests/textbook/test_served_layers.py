"""The layers and tools that are served under the book's names: fastnet's results, and the reader's own for the rest."""

# ruff: noqa: ARG001 - the arguments have the names of the book's

import copy
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
from own_layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Pooling,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    windows,
)

from fastnet.textbook import layers, util
from fastnet.textbook._serving import serve, serve_absent

RANDOM = np.random.default_rng(3)
RTOL = 1e-12  # float64 against float64: sums of at most some hundred products, in another order


def module_of(classes):
    """Put served classes into a module, so that pickle finds them."""
    module = ModuleType("readers_layers")
    for one in classes:
        one.__module__ = "readers_layers"
        setattr(module, one.__name__, one)
    return module


def pair(own, *arguments, **keywords):
    """Return a served layer and the reader's own, with the same arguments."""
    return serve(getattr(layers, own.__name__), own)(*arguments, **keywords), own(*arguments, **keywords)


def normal(*shape, dtype=float):
    return RANDOM.normal(size=shape).astype(dtype)


IMAGES = normal(3, 2, 7, 6)
W, B = normal(12, 5), normal(5)
FILTERS = normal(4, 2, 3, 2)
LABELS = np.array([0, 4, 2])
CASES = [
    (Affine, (W, B), normal(3, 12)),
    (Affine, (W, B), normal(3, 12, dtype=np.float32)),
    (Affine, (W, B), normal(3, 3, 2, 2)),
    (Affine, (W.astype(np.float32), B.astype(np.float32)), normal(3, 12, dtype=np.float32)),
    (Affine, (W, B), RANDOM.integers(0, 255, (3, 12)).astype(np.uint8)),
    (Affine, (W, B), normal(3, 12, dtype=np.float16)),
    (Affine, (W, np.float64(0.5)), normal(3, 12)),  # one number for all biases
    (Relu, (), normal(4, 5)),
    (Relu, (), IMAGES.astype(np.float32)),
    (Relu, (), np.array([[-1, 2]])),
    (Sigmoid, (), normal(4, 5)),
    (Sigmoid, (), IMAGES),
    (Dropout, (0.3,), normal(4, 5)),
    (Dropout, (), IMAGES),
    (Dropout, (0.3,), np.array([[1, 2, 3]])),
    (BatchNormalization, (normal(6), normal(6)), normal(5, 6)),
    (BatchNormalization, (normal(84), normal(84)), IMAGES),
    (BatchNormalization, (normal(6), normal(6), 0.5, normal(6), normal(6) ** 2), normal(5, 6)),
    (BatchNormalization, (normal(6), normal(6)), normal(5, 6, dtype=np.float32)),
    (Convolution, (FILTERS, normal(4)), IMAGES),
    (Convolution, (FILTERS, normal(4), np.int64(2)), IMAGES),
    (Convolution, (FILTERS, normal(4), 2, 1), IMAGES),
    (Convolution, (FILTERS, normal(4)), IMAGES.astype(np.float32)),
    (Convolution, (FILTERS.astype(np.float32), normal(4, dtype=np.float32)), IMAGES.astype(np.float32)),
    (Convolution, (FILTERS, normal(4)), (IMAGES * 50).astype(np.int16)),
    (Convolution, (FILTERS, normal(4)), IMAGES.astype(np.float16)),
    (Pooling, (2, 2), IMAGES),
    (Pooling, (3, 2, 1), IMAGES),
    (Pooling, (2, 3, 3), IMAGES.astype(np.float32)),
    (Pooling, (2, 2, np.int64(2)), IMAGES),
    (Pooling, (2, 2), np.round(IMAGES)),  # equal elements: the first one counts
    (Pooling, (2, 2), (IMAGES * 50).astype(np.uint8)),
]


def equal(got, expected, rtol=RTOL):
    assert np.shape(got) == np.shape(expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("own", "arguments", "x"), CASES)
def test_a_served_layer_gives_what_the_readers_gives(own, arguments, x):
    served, plain = pair(own, *arguments)
    results = []
    for layer in served, plain:
        np.random.seed(0)
        out = layer.forward(x.copy())
        np.random.seed(1)
        dout = np.random.rand(*out.shape).astype(out.dtype)
        results.append((out, layer.backward(dout)))
    rtol = 1e-5 if x.dtype == np.asarray(arguments[:1]).dtype == np.float32 and own is Affine else RTOL
    for got, expected in zip(*results, strict=True):
        equal(got, expected, rtol)
    for name, value in vars(plain).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(getattr(served, name), value, rtol=rtol, atol=rtol)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("own", [Dropout, BatchNormalization])
def test_outside_of_training(own):
    served, plain = pair(own, *((normal(5), normal(5)) if own is BatchNormalization else ()))
    x = normal(4, 5)
    for layer in served, plain:
        np.random.seed(0)
        layer.forward(x)
    equal(served.forward(x, False), plain.forward(x, False))
    equal(served.forward(x, train_flg=False), plain.forward(x, False))


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("t", [LABELS, LABELS.astype(np.uint8), np.eye(5)[LABELS], np.eye(5, dtype=int)[LABELS]])
def test_the_last_layer(t):
    served, plain = pair(SoftmaxWithLoss)
    x = normal(3, 5)
    equal(served.forward(x, t), plain.forward(x, t))
    equal(served.backward(), plain.backward())
    assert served.t is t


def test_the_last_layer_of_half_precision_is_the_readers_own():
    served, plain = pair(SoftmaxWithLoss)
    x = normal(3, 5, dtype=np.float16)
    equal(served.forward(x, LABELS), plain.forward(x, LABELS))
    equal(served.backward(), plain.backward())


class MulLayer:
    def __init__(self):
        self.x = self.y = None

    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        return ("nothing to multiply by",) if self.x is None else (dout * self.y, dout * self.x)


def test_a_product_is_differentiated_and_before_forward_the_readers_own_answers():
    served, plain = pair(MulLayer)
    assert served.backward(1.0) == plain.backward(1.0)
    assert served.forward(100, 2) == plain.forward(100, 2) == 200
    assert served.backward(1.5) == plain.backward(1.5) == (3.0, 150.0)


def test_a_layer_that_the_reader_does_not_have_is_fastnets():
    for own, arguments, x in (Affine, (W, B), normal(3, 12)), (Dropout, (0.3,), normal(4, 5)):
        served = serve_absent(getattr(layers, own.__name__), own.__name__, "common.layers")(*arguments)
        results = []
        for layer in served, own(*arguments):
            np.random.seed(0)
            out = layer.forward(x)
            results.append((out, layer.backward(np.ones_like(out))))
        for got, expected in zip(*results, strict=True):
            equal(got, expected)


def test_targets_of_another_loss_go_to_the_readers_own():
    served, _ = pair(SoftmaxWithLoss)
    assert served.forward(normal(3, 5), normal(3, 5)) == "a loss of my own"


def test_padding_of_a_pooling_goes_to_the_readers_own():
    served, _ = pair(Pooling, 2, 2, 2, 1)
    assert served.forward(IMAGES) == "a size of my own"


def test_relu_leaves_dout_as_it_is():
    for x in normal(3, 4), np.array([[-1, 2]]):
        served, _ = pair(Relu)
        served.forward(x)
        dout = np.ones_like(x)
        served.backward(dout)
        assert (dout == 1).all()


@pytest.mark.usefixtures("backend")
def test_attributes_that_are_written_count():
    served, plain = pair(Affine, W, B)
    x = normal(3, 12)
    for layer in served, plain:
        layer.forward(x)
        layer.W = 2 * W
    equal(served.backward(np.ones((3, 5))), plain.backward(np.ones((3, 5))))
    served, plain = pair(Convolution, FILTERS, np.zeros(4))
    for layer in served, plain:
        layer.forward(IMAGES)
        layer.col = layer.col * 0
        layer.backward(np.ones((3, 4, 5, 5)))
    equal(served.dW, plain.dW)
    served, plain = pair(Pooling, 2, 2)
    for layer in served, plain:
        layer.forward(IMAGES)
        layer.arg_max = np.zeros_like(layer.arg_max)
    equal(served.backward(np.ones((3, 2, 3, 3))), plain.backward(np.ones((3, 2, 3, 3))))


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    ("own", "arguments", "x", "changed"),
    [
        (Affine, (W, B), normal(3, 12), ("x", "out")),
        (Relu, (), normal(4, 5), ("x", "out")),
        (Sigmoid, (), normal(4, 5), ("x", "out")),
        (Dropout, (), normal(4, 5), ("x", "out")),
        (BatchNormalization, (normal(6), normal(6)), normal(5, 6), ("x", "out", "gamma", "xc")),
        (Convolution, (FILTERS, normal(4), 2, 1), IMAGES, ("x", "out", "W")),
        (Convolution, (FILTERS, normal(4)), IMAGES.astype(np.float32), ("x", "out", "W")),
        (Convolution, (FILTERS, normal(4)), (IMAGES * 50).astype(np.int16), ("x", "out", "col")),
        (Pooling, (2, 2), IMAGES, ("x", "out")),
    ],
)
def test_what_changes_before_backward_counts_where_it_does_in_the_book(own, arguments, x, changed):
    """The book keeps some arrays, and copies of others."""
    for name in changed:
        results = []
        for layer in (pair(own, *copy.deepcopy(arguments))[which] for which in (0, 1)):
            np.random.seed(0)
            given = x.copy()
            out = layer.forward(given)
            assert own not in (Convolution, Pooling) or layer.x is given
            array = {"x": given, "out": out}.get(name)
            array = getattr(layer, name) if array is None else array
            array *= 2
            dx = layer.backward(np.cos(np.arange(out.size)).reshape(out.shape))
            gradients = ("dW", "db", "dgamma", "dbeta")
            results.append([dx, *(getattr(layer, one) for one in gradients if hasattr(layer, one))])
        for got, expected in zip(*results, strict=True):
            equal(got, expected)


def test_images_that_replace_those_of_the_last_forward_do_not_count():
    served, plain = pair(Convolution, FILTERS, np.zeros(4))
    for layer in served, plain:
        layer.forward(IMAGES)
        layer.x = IMAGES + 1
        layer.backward(np.ones((3, 4, 5, 5)))
    equal(served.dW, plain.dW)


@pytest.mark.parametrize("own", [Affine, Convolution, Pooling, BatchNormalization, SoftmaxWithLoss])
def test_a_pickle_holds_the_attributes_of_the_readers_class(own, monkeypatch):
    arguments = {
        Affine: (W, B), Convolution: (FILTERS, np.zeros(4)), Pooling: (2, 2), SoftmaxWithLoss: (),
        BatchNormalization: (np.ones(84), np.zeros(84)),
    }[own]  # fmt: skip
    served, plain = pair(own, *arguments)
    monkeypatch.setitem(sys.modules, "readers_layers", module_of([type(served)]))
    given = {Affine: (normal(3, 12),), SoftmaxWithLoss: (normal(3, 5), LABELS)}.get(own, (IMAGES,))
    for layer in served, plain:
        layer.forward(*given)
    state = served.__getstate__()
    assert state.keys() == vars(plain).keys()
    assert [name for name, value in vars(plain).items() if (state[name] is None) != (value is None)] == []
    again = pickle.loads(pickle.dumps(served))
    out = plain.forward(*given)
    dout = np.ones(np.shape(out))
    equal(again.backward(dout), plain.backward(dout))
    equal(copy.deepcopy(served).backward(dout), plain.backward(dout))


def test_a_readers_subclass_of_a_layer_works():
    class Noted(serve(layers.Affine, Affine)):
        def __init__(self, W, b, note):
            super().__init__(W, b)
            self.note = note

        def forward(self, x):
            return super().forward(x) + 1

    noted, x = Noted(W, B, "mine"), normal(2, 12)
    equal(noted.forward(x), x @ W + B + 1)
    assert noted.backward(np.ones((2, 5))).shape == (2, 12)
    assert noted.note == "mine"


def test_wrong_calls_are_the_readers_errors():
    served, _ = pair(Affine, W, B)
    with pytest.raises(TypeError, match=r"^Affine\.forward\(\) missing"):
        served.forward()
    with pytest.raises(TypeError, match=r"^Affine\.__init__\(\) missing"):
        type(served)(W)


# --- tools -----------------------------------------------------------------------------------------------------------


def own_im2col(input_data, filter_h, filter_w, stride=1, pad=0):
    return "own", input_data


def own_col2im(col, input_shape, filter_h, filter_w, stride=1, pad=0):
    return "own", col


def own_size(input_size, filter_size, stride=1, pad=0):
    return "own", input_size


def own_curve(x):
    return "own", x


def own_shuffle(x, t):
    return "own", x


@pytest.mark.usefixtures("backend")
def test_tools_give_what_the_book_gives():
    col = serve(util.im2col, own_im2col)
    expected = windows(IMAGES, 3, 2, 2, 1).reshape(-1, 12)
    equal(col(IMAGES, 3, 2, stride=2, pad=1), expected)
    assert col(IMAGES.astype(np.float32), 3, 2).dtype == float
    image = serve(util.col2im, own_col2im)
    np.testing.assert_allclose(image(col(IMAGES, 2, 2, 2), (3, 2, 7, 6), 2, 2, 2)[:, :, :6], IMAGES[:, :, :6])
    size = serve(util.conv_output_size, own_size)
    assert repr(size(28, 5)) == "24.0"
    with pytest.raises(ValueError, match="whole number"):
        size(28, 5, stride=2)
    curve = serve(util.smooth_curve, own_curve)
    assert curve([1.0] * 20).tolist() == pytest.approx([1.0] * 20)
    np.random.seed(0)
    x, t = serve(util.shuffle_dataset, own_shuffle)(np.arange(8).reshape(4, 2), np.arange(4))
    np.random.seed(0)
    assert t.tolist() == np.random.permutation(4).tolist()
    assert (x[:, 0] == 2 * t).all()


@pytest.mark.parametrize(
    ("ours", "own", "arguments"),
    [
        (util.im2col, own_im2col, (IMAGES * 1j, 2, 2)),
        (util.im2col, own_im2col, (IMAGES, 9, 2)),
        (util.im2col, own_im2col, (IMAGES, 2, 2, 1.0)),
        (util.col2im, own_col2im, (normal(3, 3), (3, 2, 7, 6), 2, 2)),
        (util.col2im, own_col2im, (normal(3, 3), [3, 2, 7, 6], 2, 2)),
        (util.col2im, own_col2im, (normal(3, 3), (3, 2, 1, 6), 2, 2)),
        (util.conv_output_size, own_size, (28.0, 5)),
        (util.smooth_curve, own_curve, (np.ones((2, 3)),)),
        (util.smooth_curve, own_curve, ("text",)),
        (util.shuffle_dataset, own_shuffle, (normal(4, 2), LABELS)),
        (util.shuffle_dataset, own_shuffle, (normal(3), LABELS)),
    ],
)
def test_unusual_arguments_of_tools_go_to_the_readers_own(ours, own, arguments):
    word, passed = serve(ours, own)(*arguments)
    assert word == "own"
    assert passed is arguments[0]


@pytest.mark.parametrize("ours", ["im2col", "col2im", "conv_output_size"])
def test_wrong_calls_of_tools_are_the_readers_errors(ours):
    own = {"im2col": own_im2col, "col2im": own_col2im, "conv_output_size": own_size}[ours]
    with pytest.raises(TypeError, match=rf"^{own.__name__}\(\) missing"):
        serve(getattr(util, ours), own)(IMAGES)
