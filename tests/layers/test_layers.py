"""The layers: the book's formulas, gradients by differences, attributes, and how programs use them."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hostile import REFUSED, snapshot

from fastnet import layers
from fastnet._bench import plain_layers
from fastnet.gradient import numerical_gradient

pytestmark = pytest.mark.usefixtures("backend")

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def random(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def parameters(kind, dtype=np.float64):
    """The arguments of a layer and a shape of its input."""
    if kind == "Affine":
        return (random(12, 5, dtype=dtype), random(5, dtype=dtype, seed=1)), (4, 3, 2, 2)
    if kind == "Convolution":
        return (random(4, 3, 2, 3, dtype=dtype), random(4, dtype=dtype, seed=1), 2, 1), (3, 3, 6, 7)
    if kind == "Pooling":
        return (2, 3, 2), (3, 2, 6, 7)
    if kind == "BatchNormalization":
        return (random(12, dtype=dtype), random(12, dtype=dtype, seed=1)), (5, 3, 2, 2)
    return (), (4, 3, 2)


KINDS = ["Affine", "BatchNormalization", "Convolution", "Dropout", "Pooling", "Relu"]
EACH_LAYER = pytest.mark.parametrize("kind", [*KINDS, "Sigmoid"])


def made(kind, dtype=np.float64, module=layers):
    arguments, shape = parameters(kind, dtype)
    return getattr(module, kind)(*copy.deepcopy(arguments)), random(*shape, dtype=dtype, seed=2)


def eps(dtype):
    return float(np.finfo(dtype).eps)


def strided(x):
    return np.repeat(x, 2, axis=-1)[..., ::2]


def byte_swapped(x):
    return x.astype(x.dtype.newbyteorder("S"))


# --- values ----------------------------------------------------------------------------------------------------------


@BOTH_DTYPES
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_computes_what_the_books_does(kind, dtype):
    layer, x = made(kind, dtype)
    book, _ = made(kind, np.float64, plain_layers)
    np.random.seed(0)
    out = layer.forward(x)
    np.random.seed(0)
    expected = book.forward(x.astype(np.float64))
    # Sums of at most 100 products of the order of 1, each rounded once.
    assert (out.shape, out.dtype) == (expected.shape, dtype)
    np.testing.assert_allclose(out, expected, rtol=0, atol=100 * eps(dtype))
    dout = random(*out.shape, dtype=dtype, seed=3)
    dx, expected = layer.backward(dout), book.backward(dout.astype(np.float64))
    assert (dx.shape, dx.dtype) == (x.shape, dtype)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=100 * eps(dtype))
    for name in ("dW", "db", "dgamma", "dbeta"):
        if hasattr(book, name):
            value, exact = getattr(layer, name), getattr(book, name)
            assert (value.shape, value.dtype) == (exact.shape, dtype)
            np.testing.assert_allclose(value, exact, rtol=0, atol=200 * eps(dtype))


@EACH_LAYER
def test_backward_is_the_derivative_of_forward(kind):
    layer, x = made(kind)
    weight = random(*layer.forward(x).shape, seed=4)  # of a loss sum(weight * out)

    def loss(_):
        np.random.seed(1)
        return np.sum(weight * layer.forward(x))

    by_differences = {"x": numerical_gradient(loss, x)}
    for name in ("W", "b", "gamma", "beta"):
        if hasattr(layer, name):
            by_differences[name] = numerical_gradient(loss, getattr(layer, name))
    loss(None)
    gradients = {"x": layer.backward(weight)}
    gradients |= {name: getattr(layer, f"d{name}") for name in by_differences if name != "x"}
    # Central differences with h = 1e-4: an error of h^2 times a third derivative of the order of 10, and the rounding
    # of a loss of the order of 100 over h. No pixel is within h of another or of 0.
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, by_differences[name], rtol=0, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("form", ["labels", "column", "one-hot", "soft"])
def test_the_last_layer_is_the_derivative_of_its_loss(form):
    last, x, labels = layers.SoftmaxWithLoss(), random(5, 4), np.array([3, 0, 1, 1, 2], np.uint8)
    soft = np.abs(random(5, 4, seed=1))
    t = {
        "labels": labels, "column": labels[:, np.newaxis], "one-hot": np.eye(4)[labels],
        "soft": soft / soft.sum(axis=1, keepdims=True),
    }[form]
    loss = last.forward(x, t)
    dx = last.backward()
    assert loss == last.loss
    assert last.t is t
    np.testing.assert_allclose(last.y.sum(axis=1), 1, rtol=1e-15)
    # The gradient leaves out the loss's 1e-7, which changes it by as much.
    np.testing.assert_allclose(dx, numerical_gradient(lambda x: last.forward(x, t), x), rtol=0, atol=1e-6)
    if form == "labels":
        book = plain_layers.SoftmaxWithLoss()
        np.testing.assert_allclose(loss, book.forward(x, labels), rtol=1e-14)
        np.testing.assert_allclose(dx, book.backward(), rtol=0, atol=1e-16)


def test_the_gradient_of_one_sample_is_divided_by_the_length_of_its_targets():
    last, x = layers.SoftmaxWithLoss(), random(1, 4)
    for t, N in ((np.array([2]), 1), (np.eye(4)[[2]], 4)):
        loss, dx = last.forward(x, t), last.backward()
        assert last.forward(x[0], t[0]) == loss
        assert np.array_equal(last.backward(5), dx[0] / N)  # `dout` is ignored


def test_the_naive_layers_by_hand():
    mul, add = layers.MulLayer(), layers.AddLayer()
    assert mul.forward(add.forward(2, 3), 4) == 20
    assert (mul.x, mul.y) == (5, 4)
    assert mul.backward(2) == (8, 10)
    assert add.backward(8) == (8, 8)


def test_relu_passes_nothing_at_zero_and_keeps_nan():
    relu = layers.Relu()
    out = relu.forward(np.array([-1.0, -0.0, 0.0, np.nan, np.inf]))
    assert np.array_equal(out, [0, 0, 0, np.nan, np.inf], equal_nan=True)
    assert relu.mask.tolist() == [True, True, True, False, False]
    dout = np.array([np.nan, np.inf, 1.0, 2.0, 3.0])
    assert np.array_equal(relu.backward(dout), [0, 0, 0, 2, 3])
    assert np.isnan(dout[0])  # unlike the book's, it leaves dout as it is


@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 1, 3), (0, 3), (3, 0)])
def test_elementwise_layers_take_any_shape(shape):
    for layer in (layers.Relu(), layers.Sigmoid(), layers.Dropout()):
        x = random(*shape)
        assert layer.forward(x).shape == layer.backward(x).shape == shape


@pytest.mark.parametrize(("dtype", "out_dtype"), [(np.uint8, np.float64), (np.float16, np.float16), (bool, np.float64)])
def test_activations_take_any_real_dtype(dtype, out_dtype):
    x = np.array([0, 1, 200]).astype(dtype)
    for layer, function in ((layers.Relu(), lambda x: x), (layers.Sigmoid(), lambda x: 1 / (1 + np.exp(-x)))):
        out = layer.forward(x)
        assert out.dtype == out_dtype
        np.testing.assert_allclose(out, function(x.astype(float)), rtol=1e-3)  # float16 has three digits


@pytest.mark.parametrize("shape", [(3, 8), (3, 2, 4), (3, 2, 2, 2), (3, 1, 2, 2, 2)])
def test_affine_takes_samples_of_any_shape(shape):
    affine, x = layers.Affine(random(8, 2), np.zeros(2)), random(*shape)
    # Sums of 8 products of the order of 1.
    np.testing.assert_allclose(affine.forward(x), x.reshape(3, 8) @ affine.W, rtol=0, atol=1e-14)
    assert affine.original_x_shape == shape
    assert affine.x.shape == (3, 8)
    assert affine.backward(np.ones((3, 2))).shape == shape


def test_affine_of_one_input_takes_one_number_a_sample():
    affine = layers.Affine(np.array([[2.0, 3.0]]), np.array([1.0, 0.0]))
    assert affine.forward([1, 10]).tolist() == [[3, 3], [21, 30]]
    assert affine.backward([[1, 0], [0, 1]]).tolist() == [2, 3]


def test_bytes_do_not_overflow_in_affine():
    affine = layers.Affine(np.full((2, 1), 200, np.uint8), np.zeros(1, np.uint8))
    out = affine.forward(np.full((1, 2), 200, np.uint8))
    assert (out.tolist(), out.dtype) == ([[80000]], np.float64)


@pytest.mark.parametrize(
    ("x", "W", "out"),
    [("f4", "f4", "f4"), ("f4", "f8", "f8"), ("f8", "f4", "f8"), ("u1", "f8", "f8"), ("f2", "f8", "f8")],
)
@pytest.mark.parametrize("kind", ["Affine", "Convolution", "BatchNormalization"])
def test_the_dtype_is_that_of_the_input_and_the_parameters_together(kind, x, W, out):
    layer, images = made(kind, np.dtype(W))
    result = layer.forward(np.abs(images * 9).astype(x))
    assert result.dtype == np.dtype(out)
    assert layer.backward(result).dtype == np.dtype(out)


@pytest.mark.parametrize("kind", ["Convolution", "Pooling"])
def test_half_precision_images_are_computed_in_float64_as_in_the_book(kind):
    layer, x = made(kind, np.float16)
    book, _ = made(kind, np.float16, plain_layers)
    out = layer.forward(x.astype(np.float16))
    assert out.dtype == np.float64
    np.testing.assert_allclose(out, book.forward(x.astype(np.float16)), rtol=0, atol=1e-14)


# --- dropout and batch normalisation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0, 0.3, 1])
def test_dropout_draws_the_books_mask(ratio):
    dropout, x = layers.Dropout(ratio), random(4, 6)
    np.random.seed(5)
    out = dropout.forward(x)
    np.random.seed(5)
    mask = np.random.rand(4, 6) > ratio
    assert np.array_equal(dropout.mask, mask)
    assert np.array_equal(out, x * mask)
    assert np.array_equal(dropout.backward(x), x * mask)
    assert np.array_equal(dropout.forward(x, train_flg=False), x * (1.0 - ratio))
    assert np.array_equal(dropout.mask, mask)  # still that of the training pass


def test_the_running_statistics_are_the_books():
    norm, x = made("BatchNormalization")
    book, _ = made("BatchNormalization", module=plain_layers)
    for step in range(3):
        batch = x * (step + 1) + step
        norm.forward(batch)
        book.forward(batch)
    for name in ("running_mean", "running_var", "xc", "xn", "std"):
        np.testing.assert_allclose(getattr(norm, name), getattr(book, name), rtol=1e-12, atol=1e-14, err_msg=name)
    assert (norm.batch_size, norm.input_shape) == (5, (5, 3, 2, 2))
    out, expected = norm.forward(x, train_flg=False), book.forward(x, train_flg=False)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
    assert norm.forward(np.ones((0, 12)), train_flg=False).shape == (0, 12)


def test_statistics_of_another_dtype_stay_the_programs_until_training_replaces_them():
    mean, var = np.full(3, 2, np.float32), np.full(3, 4, np.float32)
    norm = layers.BatchNormalization(np.ones(3), np.zeros(3), 0.5, mean, var)
    norm.forward(np.full((1, 3), 6.0), train_flg=False)
    assert norm.running_mean is mean
    assert norm.running_var is var
    norm.forward(np.full((2, 3), 6.0))
    assert norm.running_mean.tolist() == [4, 4, 4]
    assert norm.running_mean.dtype == np.float64


@pytest.mark.parametrize(
    ("momentum", "error", "message"),
    [
        ("0.9", TypeError, "momentum must be a number, got '0.9'"),
        (np.full(3, 0.9), TypeError, "momentum must be a number, got array"),
        (np.nan, ValueError, "momentum must be a number from 0 to 1, got nan"),
        (1.5, ValueError, "momentum must be a number from 0 to 1, got 1.5"),
    ],
)
@pytest.mark.parametrize("x", [np.eye(3), np.eye(3).tolist()], ids=["array", "list"])
def test_a_wrong_momentum_is_refused_and_changes_nothing(momentum, error, message, x):
    norm = layers.BatchNormalization(np.ones(3), np.zeros(3))
    norm.forward(x)
    before = norm.running_mean.copy(), norm.xn
    norm.momentum = momentum
    with pytest.raises(error, match=message):
        norm.forward(x)
    assert np.array_equal(norm.running_mean, before[0])
    assert norm.xn is before[1]
    norm.forward(x, train_flg=False)  # needs no momentum


def test_given_statistics_are_used_and_not_changed_in_place():
    mean, var = np.full(3, 2.0), np.full(3, 4.0)
    norm = layers.BatchNormalization(np.ones(3), np.zeros(3), 0.5, mean, var)
    np.testing.assert_allclose(norm.forward(np.full((1, 3), 6.0), train_flg=False), 2, rtol=1e-6)  # (6 - 2) / 2
    assert norm.running_mean is mean
    assert norm.running_var is var
    norm.forward(np.full((2, 3), 6.0))
    assert norm.running_mean.tolist() == [4, 4, 4]  # half of 2 and half of 6
    assert norm.running_var.tolist() == [2, 2, 2]
    assert (mean.tolist(), var.tolist()) == ([2, 2, 2], [4, 4, 4])


def test_a_constant_column_and_a_large_mean_are_normalised_precisely():
    norm = layers.BatchNormalization(np.ones(2, np.float32), np.zeros(2, np.float32))
    out = norm.forward(np.array([[5, 1e6 + 1], [5, 1e6 - 1]], np.float32))
    np.testing.assert_allclose(out, [[0, 1], [0, -1]], rtol=1e-6)


# --- attributes ------------------------------------------------------------------------------------------------------


@EACH_LAYER
def test_results_stay_as_they_are_when_the_layer_is_called_again(kind):
    layer, x = made(kind)
    out = layer.forward(x)
    dx = layer.backward(np.ones_like(out))
    gradients = [getattr(layer, name) for name in ("dW", "db", "dgamma", "dbeta") if hasattr(layer, name)]
    before = copy.deepcopy((out, dx, gradients))
    layer.backward(layer.forward(x * 3 + 1))
    for value, old in zip((out, dx, *gradients), (*before[:2], *before[2]), strict=True):
        assert np.array_equal(value, old)


@EACH_LAYER
def test_arguments_are_left_as_they_are(kind):
    layer, x = made(kind)
    dout = random(*layer.forward(x).shape)
    x, dout = np.asfortranarray(x), np.asfortranarray(dout)
    x.flags.writeable = dout.flags.writeable = False
    arrays = [x, dout, *(value for value in parameters(kind)[0] if isinstance(value, np.ndarray))]
    before = [snapshot(array) for array in arrays]
    layer.forward(x)
    dx = layer.backward(dout)
    assert [snapshot(array) for array in arrays] == before
    assert not np.may_share_memory(dx, dout)


@EACH_LAYER
@pytest.mark.parametrize("make", [strided, byte_swapped])
def test_any_memory_layout_gives_the_same(kind, make):
    layer, x = made(kind)
    np.random.seed(0)
    expected = layer.forward(x), layer.backward(layer.forward(x) * 0 + 0.5)
    np.random.seed(0)
    results = layer.forward(make(x)), layer.backward(make(layer.forward(make(x)) * 0 + 0.5))
    for result, exact in zip(results, expected, strict=True):
        # BLAS may add in another order for another layout.
        np.testing.assert_allclose(result, exact, rtol=1e-13, atol=1e-14)
        assert result.dtype.isnative


@pytest.mark.parametrize("kind", ["Affine", "Convolution"])
def test_parameters_are_the_callers_arrays(kind):
    arguments, _ = parameters(kind)
    W, b = arguments[:2]
    layer, x = getattr(layers, kind)(*arguments), made(kind)[1]
    assert layer.W is W
    assert layer.b is b
    out = layer.forward(x)
    W *= 2  # as an optimizer does
    b += 1
    to_add = b.reshape(-1, *[1] * (out.ndim - 2))
    np.testing.assert_allclose(layer.forward(x), 2 * (out - (to_add - 1)) + to_add, rtol=1e-12, atol=1e-12)
    layer.W = W * 0  # as load_params does
    assert np.array_equal(layer.forward(x), np.zeros_like(out) + to_add)


def test_before_the_first_call_the_books_attributes_are_none():
    convolution, pooling = made("Convolution")[0], made("Pooling")[0]
    assert [getattr(convolution, name) for name in ("x", "col", "col_W", "dW", "db")] == [None] * 5
    assert [getattr(pooling, name) for name in ("x", "arg_max")] == [None] * 2
    assert [getattr(made("Affine")[0], name) for name in ("x", "original_x_shape", "dW", "db")] == [None] * 4
    norm = made("BatchNormalization")[0]
    names = ("input_shape", "running_mean", "running_var", "batch_size", "xc", "xn", "std", "dgamma", "dbeta")
    assert [getattr(norm, name) for name in names] == [None] * 9
    last = layers.SoftmaxWithLoss()
    assert [last.loss, last.y, last.t, layers.Relu().mask, layers.Sigmoid().out, layers.Dropout().mask] == [None] * 6


@pytest.mark.parametrize("kind", ["Convolution", "Pooling"])
def test_attributes_computed_when_read_are_the_books(kind):
    layer, x = made(kind)
    book, _ = made(kind, module=plain_layers)
    dout = random(*layer.forward(x).shape, seed=3)
    book.forward(x)
    names = ["col", "col_W"] if kind == "Convolution" else ["arg_max"]
    for name in names:
        assert np.array_equal(getattr(layer, name), getattr(book, name))
    np.testing.assert_allclose(layer.backward(dout), book.backward(dout), rtol=0, atol=1e-13)
    layer.forward(x + random(*x.shape, seed=9))
    book.forward(x + random(*x.shape, seed=9))
    for name in names:  # of the new input
        assert np.array_equal(getattr(layer, name), getattr(book, name))


@pytest.mark.parametrize("kind", ["Convolution", "Pooling"])
def test_a_layer_has_all_of_the_books_attributes_also_in_its_dict(kind):
    layer, x = made(kind)
    book, _ = made(kind, module=plain_layers)
    layer.forward(x)
    book.forward(x)
    assert vars(book).keys() <= vars(layer).keys()
    name = "col" if kind == "Convolution" else "arg_max"
    assert vars(layer)[name] is None  # until it is read
    value = getattr(layer, name)
    assert vars(layer)[name] is value is getattr(layer, name)
    setattr(layer, name, value[:1])  # what a program writes, it reads
    assert getattr(layer, name).shape == value[:1].shape


def test_an_input_that_changes_between_forward_and_backward_does_not_change_the_gradient():
    layer, x = made("Convolution")
    book, _ = made("Convolution", module=plain_layers)
    dout = random(*book.forward(x.copy()).shape, seed=3)
    layer.forward(x)
    x[...] = np.nan  # a program reuses its array for the next batch
    np.testing.assert_allclose(layer.backward(dout), book.backward(dout), rtol=0, atol=1e-13)
    np.testing.assert_allclose(layer.dW, book.dW, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", ["Convolution", "Pooling"])
def test_float32_stays_float32_in_any_byte_order(kind):
    layer, x = made(kind, np.float32)
    expected = layer.forward(x)
    for name in ("W", "b"):
        if hasattr(layer, name):
            setattr(layer, name, byte_swapped(getattr(layer, name)))
    out = layer.forward(byte_swapped(x))
    dx = layer.backward(byte_swapped(out))
    assert out.dtype == dx.dtype == np.float32
    assert out.dtype.isnative
    assert np.array_equal(out, expected)


def test_attributes_that_a_program_writes_count():
    convolution, x = made("Convolution")
    dout = random(*convolution.forward(x).shape, seed=3)
    dx = convolution.backward(dout)
    convolution.col = convolution.col * 2
    convolution.col_W = convolution.col_W * 3
    expected = convolution.dW * 2
    np.testing.assert_allclose(convolution.backward(dout), dx * 3, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(convolution.dW, expected, rtol=1e-12, atol=1e-13)
    pooling = layers.Pooling(1, 2)
    pooling.forward([[[[1, 2, 4, 3]]]])
    pooling.arg_max[:] = [0, 1]
    assert pooling.backward([[[[10, 20]]]]).tolist() == [[[[10, 0, 0, 20]]]]
    relu = layers.Relu()
    relu.forward([1, 2])
    relu.mask[0] = True
    assert relu.backward([3, 4]).tolist() == [0, 4]
    affine, x = made("Affine")
    affine.forward(x)
    affine.x = affine.x * 0
    affine.backward(np.ones((4, 5)))
    assert not affine.dW.any()


@EACH_LAYER
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("when", ["new", "after forward", "after reading"])
def test_a_copy_continues_where_the_layer_was(kind, again, when):
    layer, x = made(kind)
    dout = random(*layer.forward(x).shape, seed=3)
    if when == "new":
        layer = made(kind)[0]
    elif when == "after reading":
        for name in ("col", "arg_max"):
            getattr(layer, name, None)
    copied = again(layer)
    if when == "new":
        np.random.seed(0)
        expected = layer.forward(x)
        np.random.seed(0)
        assert np.array_equal(copied.forward(x), expected)
    assert np.array_equal(copied.backward(dout), layer.backward(dout))
    assert type(copied) is type(layer)


@pytest.mark.parametrize("kind", [*KINDS, "Sigmoid"])
def test_a_layer_takes_the_attributes_of_the_books_pickled_layer(kind):
    if kind == "Sigmoid":
        state = {"out": np.array([0.5])}
    else:
        book, x = made(kind, module=plain_layers)
        book.forward(x)
        state = vars(book) | {"original_x_shape": x.shape, "input_shape": x.shape}
    layer = object.__new__(getattr(layers, kind))  # as pickle does
    layer.__dict__.update(state)
    dout = random(*np.shape(state["out"] if kind == "Sigmoid" else book.forward(x)), seed=3)
    if kind == "Sigmoid":
        assert np.array_equal(layer.backward(dout), dout / 4)
    elif kind == "Dropout":
        assert np.array_equal(layer.backward(dout), dout * layer.mask)
    else:
        np.testing.assert_allclose(layer.backward(dout), book.backward(dout.copy()), rtol=0, atol=1e-12)


# --- programs --------------------------------------------------------------------------------------------------------


class Tanh:
    """A reader's own layer."""

    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        return dout * (1 - self.out**2)


class Doubled(layers.Convolution):
    """A reader's subclass, with the book's own code in `backward`."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return 2 * super().forward(x)

    def backward(self, dout):
        from fastnet.util import col2im

        FN = len(self.W)
        dout = 2 * dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = dout.sum(axis=0)
        self.dW = np.dot(self.col.T, dout).T.reshape(self.W.shape)
        return col2im(np.dot(dout, self.col_W.T), self.x.shape, *self.W.shape[2:], self.stride, self.pad)


# Readers' subclasses with the book's own code in `forward`: it sets what the book's `backward` reads.


class Unrolled(layers.Convolution):
    forward = plain_layers.Convolution.forward


class Pooled(layers.Pooling):
    forward = plain_layers.Pooling.forward


class Normalized(layers.BatchNormalization):
    def forward(self, x, train_flg=True):
        self.input_shape = x.shape
        return plain_layers.BatchNormalization.forward(self, x, train_flg)


@pytest.mark.parametrize("pooling", [layers.Pooling, Pooled])
@pytest.mark.parametrize("norm", [layers.BatchNormalization, Normalized])
@pytest.mark.parametrize("convolution", [Doubled, Unrolled, layers.Convolution])
def test_layers_mix_with_a_readers_own_in_one_network(convolution, pooling, norm):
    params = {"W1": random(3, 2, 3, 3), "b1": random(3), "W2": random(27, 4, seed=2) / 9, "b2": random(4)}
    network = OrderedDict()
    network["Conv1"] = convolution(params["W1"], params["b1"], 1, 1)
    network["Tanh1"] = Tanh()
    network["Pool1"] = pooling(2, 2)
    network["Norm1"] = norm(np.ones(27), np.zeros(27))
    network["Relu1"] = layers.Relu()
    network["Affine2"] = layers.Affine(params["W2"], params["b2"])
    last = layers.SoftmaxWithLoss()
    x, t = random(5, 2, 6, 6), np.array([0, 1, 2, 3, 0])

    def loss(_):
        out = x
        for layer in network.values():
            out = layer.forward(out)
        return last.forward(out, t)

    loss(None)
    dout = last.backward(1)
    for layer in reversed(network.values()):
        dout = layer.backward(dout)
    gradients = {"W1": network["Conv1"].dW, "b1": network["Conv1"].db, "W2": network["Affine2"].dW}
    for name, gradient in gradients.items():
        # As above. With these scores, the loss's 1e-7 is a relative change of at most 1e-5.
        np.testing.assert_allclose(gradient, numerical_gradient(loss, params[name]), rtol=0, atol=1e-5, err_msg=name)


# --- errors ----------------------------------------------------------------------------------------------------------


@EACH_LAYER
@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_real_numbers_is_refused_by_name(kind, name):
    layer, x = made(kind)
    with pytest.raises((TypeError, ValueError), match=r"^x "):
        layer.forward(REFUSED[name]())
    layer.forward(x)
    with pytest.raises((TypeError, ValueError), match=r"^dout "):
        layer.backward(REFUSED[name]())


@pytest.mark.parametrize("kind", [*KINDS, "Sigmoid", "MulLayer", "SoftmaxWithLoss"])
def test_backward_before_forward_says_so(kind):
    layer = made(kind)[0]
    with pytest.raises(ValueError, match=r"^backward needs .* call forward first"):
        layer.backward(np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize("kind", ["Dropout", "Sigmoid"])
def test_one_number_is_the_gradient_of_every_element(kind):
    layer, x = made(kind)
    out = layer.forward(x)
    for dout in (1, np.float32(2), out[-1:]):
        assert np.array_equal(layer.backward(dout), layer.backward(np.broadcast_to(dout, out.shape).astype(float)))


def test_batch_normalisation_uses_xc_as_a_program_has_left_it():
    norm, x = made("BatchNormalization")
    book, _ = made("BatchNormalization", module=plain_layers)
    rows = norm.forward(x), book.forward(x)
    assert "xc" in vars(norm)
    np.testing.assert_allclose(norm.xc, book.xc, rtol=0, atol=1e-14)
    dout = random(*rows[0].shape, seed=5)
    for factor in (1.0, 3.0):
        norm.xc, book.xc = factor * norm.xc + factor, factor * book.xc + factor
        np.testing.assert_allclose(norm.backward(dout), book.backward(dout), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("gamma", [2.0, np.array([2.0]), np.full((1, 3), 2.0)], ids=["number", "one", "row"])
def test_a_parameter_may_be_one_number_for_all_columns(gamma):
    x, dout = random(5, 3), random(5, 3, seed=5)
    norm, expected = layers.BatchNormalization(gamma, 0.5), layers.BatchNormalization(np.full(3, 2.0), np.full(3, 0.5))
    np.testing.assert_array_equal(norm.forward(x), expected.forward(x))
    np.testing.assert_array_equal(norm.backward(dout), expected.backward(dout))


def test_an_xc_of_another_shape_is_refused():
    norm, x = made("BatchNormalization")
    dout = norm.forward(x)
    norm.xc = norm.xc[1:]
    with pytest.raises(ValueError, match=r"xc must have the shape of xn, \("):
        norm.backward(dout)


def test_big_endian_float32_is_float32():
    norm = layers.BatchNormalization(np.ones(3, ">f4"), np.zeros(3, ">f4"))
    assert norm.forward(np.ones((2, 3), ">f4")).dtype == np.float32
    affine = layers.Affine(np.ones((3, 2), ">f4"), np.zeros(2, ">f4"))
    assert affine.forward(np.ones((2, 3), ">f4")).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0.1, 1.0])
def test_float32_images_beside_any_weights_are_not_converted(dtype, density):
    x = (random(100, 28, 28) * (np.random.default_rng(1).random((100, 28, 28)) < density)).astype(np.float32)
    W, b, dout = random(784, 20).astype(dtype), random(20).astype(dtype), random(100, 20).astype(dtype)
    affine = layers.Affine(W, b)
    out, dx = affine.forward(x), affine.backward(dout)
    assert np.shares_memory(affine.x, x)
    assert affine.x.shape == (100, 784)
    rows = x.reshape(100, 784).astype(float)
    # Sums of up to 784 products of the order of 1: each addition rounds once, by half an eps of a sum of up to 60. The
    # errors go either way, so they add up to about sqrt(784) = 28 of them.
    for value, exact in (
        (out, rows @ W.astype(float) + b), (dx.reshape(100, 784), dout.astype(float) @ W.T.astype(float)),
        (affine.dW, rows.T @ dout), (affine.db, dout.sum(axis=0, dtype=float)),
    ):
        assert value.dtype == dtype
        np.testing.assert_allclose(value, exact, rtol=0, atol=28 * 60 * np.finfo(dtype).eps)


@EACH_LAYER
def test_a_gradient_of_another_shape_is_refused(kind):
    layer, x = made(kind)
    out = layer.forward(x)
    for dout in (out[:-1], out.T) if kind in ("Dropout", "Sigmoid") else (out[:-1], out.T, 1.0):
        with pytest.raises(ValueError, match=r"^dout must have the shape of the output, \(.*\), got shape"):
            layer.backward(dout)


@pytest.mark.parametrize(
    ("layer", "x", "message"),
    [
        (layers.Affine(np.ones((3, 2)), np.zeros(2)), np.ones((4, 5)), r"x must have shape \(N, 3\).* shape \(4, 5\)"),
        (layers.Affine(np.ones((3, 2)), np.zeros(2)), np.ones(3), r"x must have shape \(N, 3\).* shape \(3,\)"),
        (layers.Affine(np.ones((3, 2)), np.zeros(2)), 1.0, r"x must have shape \(N, 3\).* got shape \(\)"),
        (layers.Affine(np.ones(3), np.zeros(2)), np.ones((4, 3)), r"W must have shape \(D, H\), got shape \(3,\)"),
        (layers.Affine(np.ones((3, 2)), np.zeros(3)), np.ones((4, 3)), r"b must have shape \(2,\) for W .* \(3, 2\)"),
        (layers.Affine(np.ones((3, 2)), np.zeros((4, 2))), np.ones((4, 3)), r"b must have shape \(2,\) .*\(4, 2\)"),
        (layers.Convolution(np.ones((2, 3, 2, 2)), np.zeros(2)), np.ones((4, 4)), r"x must have shape \(N, C, H, W\)"),
        (
            layers.Convolution(np.ones((2, 3, 2, 2)), np.zeros(2)), np.ones((1, 1, 4, 4)),
            r"W must have shape \(FN, 1, FH, FW\) for x of shape \(1, 1, 4, 4\), got shape \(2, 3, 2, 2\)",
        ),
        (
            layers.Convolution(np.ones((2, 1, 2, 5)), np.zeros(2)), np.ones((1, 1, 4, 4)),
            r"a filter of 2 x 5 does not fit into images of shape \(1, 1, 4, 4\) with pad 0",
        ),
        (layers.Convolution(np.ones((2, 1, 2, 2)), np.zeros(3)), np.ones((1, 1, 4, 4)), r"b must have shape \(2,\)"),
        (layers.Pooling(2, 2), np.ones((4, 4)), r"x must have shape \(N, C, H, W\), got shape \(4, 4\)"),
        (layers.Pooling(5, 2), np.ones((1, 1, 4, 4)), "a pool of 5 x 2 does not fit"),
        (layers.Pooling(2, 2, 2, 1), np.ones((1, 1, 4, 4)), "pad 1 gives 3 x 3 windows, but .* is 2 x 2"),
        (layers.BatchNormalization(np.ones(3), np.zeros(3)), np.ones(3), r"x must have shape \(N, D\) or"),
        (layers.BatchNormalization(np.ones(3), np.zeros(3)), np.ones((2, 4)), r"gamma must have shape \(4,\) for x"),
        (layers.BatchNormalization(np.ones(3), np.zeros(3)), np.ones((0, 3)), r"x is empty: it has shape \(0, 3\)"),
        (
            layers.BatchNormalization(np.ones(3), np.zeros(3), 0.9, np.zeros(2), np.zeros(2)), np.ones((2, 3)),
            r"running_mean must have shape \(3,\)",
        ),
    ],
)
def test_an_error_names_the_argument_and_the_shapes(layer, x, message):
    with pytest.raises(ValueError, match=message):
        layer.forward(x)


@pytest.mark.parametrize(
    ("kind", "name", "value", "message"),
    [
        ("Pooling", "arg_max", np.full(54, 6), r"arg_max\[0, 0, 0, 0\] is 6, which is not a label in \[0, 6\)"),
        ("Pooling", "arg_max", np.full(54, -1), r"arg_max\[0, 0, 0, 0\] is -1"),
        ("Pooling", "arg_max", np.zeros(53, int), r"arg_max must have shape \(54,\), got shape \(53,\)"),
        ("Convolution", "x", np.ones((3, 2, 6, 7)), r"W must have shape \(FN, 2, FH, FW\) for x of shape \(3, 2"),
        ("Convolution", "x", np.ones((3, 3, 5, 1)), "dout must have the shape of the output"),
        ("Affine", "x", np.ones((4, 11)), r"x must have shape \(N, 12\) .* got shape \(4, 11\)"),
        ("Affine", "W", np.ones((11, 5)), r"x must have shape \(N, 11\) .* got shape \(4, 12\)"),
        ("BatchNormalization", "std", np.ones(11), r"std must have shape \(12,\)"),
        ("BatchNormalization", "xn", np.ones((4, 12)), "the last training pass had 4 samples"),
        ("Relu", "mask", np.ones((4, 3)), "dout must have the shape of the output"),
    ],
)
def test_backward_refuses_what_a_program_has_written_if_it_does_not_fit(kind, name, value, message):
    layer, x = made(kind)
    dout = layer.forward(x)
    setattr(layer, name, value)
    with pytest.raises(ValueError, match=message):
        layer.backward(dout)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Convolution(0, 0, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: layers.Convolution(0, 0, pad=-1), ValueError, "pad must be at least 0, got -1"),
        (lambda: layers.Pooling(0, 2), ValueError, "pool_h must be at least 1, got 0"),
        (lambda: layers.Pooling(2, 2, 1.5), TypeError, "stride must be an integer, got 1.5"),
        (lambda: layers.Dropout(1.5), ValueError, "dropout_ratio must be a number from 0 to 1, got 1.5"),
        (lambda: layers.Dropout("half"), TypeError, "dropout_ratio must be a number, got 'half'"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("kind", ["Affine", "Convolution", "Pooling"])
def test_a_batch_of_zero_gives_empty_results_and_gradients_of_zero(kind):
    layer, x = made(kind)
    out = layer.forward(x[:0])
    assert out.shape == (0, *layer.forward(x).shape[1:])
    layer.forward(x[:0])
    assert layer.backward(out).shape == x[:0].shape
    if kind != "Pooling":
        assert not layer.dW.any()
        assert not layer.db.any()


@pytest.mark.parametrize(("FN", "C"), [(0, 2), (2, 0), (0, 0)])
def test_no_filters_or_no_channels_give_empty_results(FN, C):
    convolution = layers.Convolution(np.ones((FN, C, 2, 2)), np.full(FN, 5.0))
    out = convolution.forward(np.ones((3, C, 4, 4)))
    assert np.array_equal(out, np.full((3, FN, 3, 3), 5.0))  # without channels, only b is left
    assert convolution.backward(out).shape == (3, C, 4, 4)
    assert convolution.dW.shape == (FN, C, 2, 2)
    assert np.array_equal(convolution.db, np.full(FN, 3 * 9 * 5.0))


@EACH_LAYER
def test_nothing_warns_of_overflow(kind):
    layer, x = made(kind)
    with np.errstate(all="raise"):
        for value in (1e308, -1e308, np.inf, np.nan):
            out = layer.forward(np.where(x > 0, value, x))
            layer.backward(np.full_like(out, value))
            for name in ("col", "arg_max"):  # `backward` then uses what was read
                getattr(layer, name, None)
            layer.backward(np.full_like(out, value))


def test_numbers_of_the_largest_element_must_be_integers():
    pooling, x = made("Pooling")
    dout = pooling.forward(x)
    for wrong in (pooling.arg_max + 0.5, pooling.arg_max.astype(float), np.full(54, np.nan), pooling.arg_max > 0):
        pooling.arg_max = wrong
        with pytest.raises(TypeError, match=r"^arg_max must hold integers, got dtype"):
            pooling.backward(dout)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    "replace", [lambda pool: setattr(pool, "pool_h", 1), lambda pool: setattr(pool, "x", np.zeros((2, 1, 6, 6)))]
)
def test_a_pool_whose_window_or_input_was_replaced_asks_for_another_forward(replace):
    pool = layers.Pooling(2, 2)
    out = pool.forward(np.arange(16.0).reshape(1, 1, 4, 4))
    replace(pool)
    with pytest.raises(ValueError, match=r"forward again|dout"):
        pool.backward(np.ones((2, 1, 3, 3)) if pool.x.shape[0] == 2 else np.ones_like(out))


@pytest.mark.usefixtures("backend")
def test_sizes_that_no_array_can_have_are_refused():
    with pytest.raises(ValueError, match="too large for images of shape"):
        layers.Convolution(np.ones((1, 1, 1, 1)), np.zeros(1), 2**40, 2**40).forward(np.ones((1, 1, 2, 2)))


@pytest.mark.usefixtures("backend")
def test_affine_keeps_float16():
    layer = layers.Affine(np.ones((3, 2), np.float16), np.ones(2, np.float16))
    out = layer.forward(np.ones((4, 3), np.float16))
    dx = layer.backward(out)
    assert {array.dtype for array in (out, layer.x, dx, layer.dW, layer.db)} == {np.dtype(np.float16)}
