"""What serves the book's definitions gives what a reader's own definition gives, or leaves the call to it."""

import importlib
import re
from importlib import resources

import numpy as np
import pytest

from fastnet.textbook import functions, gradient, mnist, optimizer
from fastnet.textbook._definitions import NEWEST, OLD, PUBLISHED, SERVED
from fastnet.textbook._serving import Function, name_of, serve

LINES = resources.files("fastnet.textbook").joinpath("fingerprints.txt").read_text("utf-8").splitlines()


def test_the_file_holds_fingerprints_and_no_code():
    for line in LINES:
        assert re.fullmatch(r"#.*|\w+-\d+  [0-9a-f]{16}  (ja|ko|ja,ko)(  \d{4}-\d\d-\d\d){2}  [\w./% -]+", line)


def test_every_version_that_is_served_was_published():
    versions = set(PUBLISHED.values())
    assert len(versions) == len(PUBLISHED)
    assert versions >= SERVED.keys() | OLD


def test_everything_that_serves_has_a_public_name():
    for ours in SERVED.values():
        room, _, name = name_of(ours).rpartition(".")
        assert callable(getattr(importlib.import_module(room), name))


def test_the_newest_versions_are_those_with_the_highest_number():
    assert NEWEST["softmax"] == "softmax-2"
    assert NEWEST["numerical_gradient"] == "numerical_gradient-4"


# --- functions -------------------------------------------------------------------------------------------------------


def own_of_one(x):
    return "own", x


def own_of_two(y, t):
    return "own", y, t


def served(ours, arguments):
    """Serve a reader's definition that takes so many arguments and tells that it was called."""
    return serve(ours, own_of_one if len(arguments) == 1 else own_of_two)


X = np.array([[-2.0, 0.0, 0.5], [30.0, -0.1, 2.0]])
Y = np.array([[0.1, 0.6, 0.3], [0.8, 0.1, 0.1]])
HOT = np.array([[0, 1, 0], [1, 0, 0]])


def rows(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def everything(x):
    e = np.exp(x - x.max())
    return e / e.sum()


LOGISTIC = 1 / (1 + np.exp(-X))
SAME = [
    (functions.identity_function, (X,), X),
    (functions.step_function, (X,), X > 0),
    (functions.step_function, (0.5,), 1),
    (functions.sigmoid, (X,), LOGISTIC),
    (functions.sigmoid, (X.T,), LOGISTIC.T),
    (functions.sigmoid, (2,), 1 / (1 + np.exp(-2))),
    (functions.sigmoid, (np.array([1, 2]),), 1 / (1 + np.exp([-1.0, -2.0]))),
    (functions.sigmoid_grad, (X[0],), (LOGISTIC * (1 - LOGISTIC))[0]),
    (functions.relu, (X,), X.clip(0)),
    (functions.relu, (np.array([-1, 2]),), np.array([0, 2])),
    (functions.relu_grad, (X,), (X >= 0).astype(float)),
    (functions.relu_grad, (np.array([-1, 0]),), np.array([0, 1])),
    (functions.softmax, (X,), rows(X)),
    (functions.softmax, (X.reshape(3, 1, 2),), rows(X.reshape(3, 1, 2))),
    (functions.softmax_2016, (X,), rows(X)),
    (functions.softmax_2016, (X[0],), rows(X[0])),
    (functions.softmax_2016, (X.reshape(3, 1, 2),), everything(X.reshape(3, 1, 2))),
    (functions.squared_error, (Y, HOT), ((Y - HOT) ** 2).sum() / 2),
    (functions.squared_error, (Y, 0), (Y**2).sum() / 2),  # 0 is a number, not a label
    (functions.squared_error, (Y, HOT[0]), ((Y - HOT[0]) ** 2).sum() / 2),
    (functions.cross_entropy_error, (Y, HOT), -np.log([0.6 + 1e-7, 0.8 + 1e-7]).mean()),
    (functions.cross_entropy_error, (Y, np.array([1, 0])), -np.log([0.6 + 1e-7, 0.8 + 1e-7]).mean()),
    (functions.cross_entropy_error, (Y[0], HOT[0]), -np.log(0.6 + 1e-7)),
    (functions.cross_entropy_error, (Y[0], np.int64(1)), -np.log(0.6 + 1e-7)),
    (functions.cross_entropy_error_2016, (1e-6 * Y, HOT), -np.log([0.6e-6, 0.8e-6]).mean()),
    (functions.softmax_loss, (X, HOT), -np.log(rows(X)[[0, 1], [1, 0]] + 1e-7).mean()),
]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("ours", "arguments", "expected"), SAME)
def test_fastnet_gives_what_the_book_gives(ours, arguments, expected):
    result = served(ours, arguments)(*arguments)
    # Both compute in float64, and differ by the rounding of exp and of sums: a few units of 1e-16.
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=0)
    assert np.shape(result) == np.shape(expected)
    is_integer = np.asarray(expected).dtype.kind in "bi"
    assert np.asarray(result).dtype == (np.dtype(int) if is_integer else np.asarray(expected).dtype)


def test_float32_stays_float32():
    for ours in functions.sigmoid, functions.sigmoid_grad, functions.relu, functions.relu_grad, functions.softmax:
        assert serve(ours, own_of_one)(X.astype(np.float32)).dtype == np.float32


LEFT = [
    (functions.sigmoid, (np.float16([1]),)),
    (functions.sigmoid, ([1.0],)),
    (functions.sigmoid, (np.array([1j]),)),
    (functions.sigmoid, (np.ma.masked_array([1.0]),)),
    (functions.softmax, (1.0,)),
    (functions.softmax, (np.float64(1.0),)),
    (functions.softmax, (np.empty((0, 3)),)),
    (functions.cross_entropy_error, (Y, [1, 0])),
    (functions.cross_entropy_error, (Y, np.array([0.5, 0.5]))),
    (functions.cross_entropy_error, (Y, np.array([1, 0, 1]))),
    (functions.cross_entropy_error, (Y[:0], HOT[:0])),
    (functions.cross_entropy_error, (Y.astype(np.float16), HOT)),
    (functions.cross_entropy_error, (Y.reshape(1, 2, 3), HOT)),
    (gradient.numerical_gradient, (own_of_one, [1.0])),
    (gradient.numerical_gradient, (None, X)),
    (gradient.numerical_gradient, (own_of_one, X.T)),
    (gradient.numerical_gradient_1d, (own_of_one, X)),
    (gradient.numerical_gradient_2d, (own_of_one, X.reshape(1, 2, 3))),
]


@pytest.mark.parametrize(("ours", "arguments"), LEFT)
def test_all_other_arguments_go_to_the_readers_own_definition(ours, arguments):
    word, *passed = served(ours, arguments)(*arguments)
    assert word == "own"
    assert all(a is b for a, b in zip(passed, arguments, strict=True))


def test_arguments_by_name_go_to_the_readers_own_definition():
    word, passed = serve(functions.sigmoid, own_of_one)(x=X)
    assert word == "own"
    assert passed is X


@pytest.mark.parametrize("arguments", [(), (X, X)])
def test_a_wrong_number_of_arguments_is_the_readers_error(arguments):
    for ours in functions.sigmoid, functions.relu, functions.identity_function:
        with pytest.raises(TypeError, match=r"^own_of_one\(\)"):
            serve(ours, own_of_one)(*arguments)


def test_what_the_book_gets_wrong_is_right():
    assert serve(functions.sigmoid, own_of_one)(np.uint8([255])) == pytest.approx(1)
    assert serve(functions.sigmoid, own_of_one)(np.array([-1000.0])) == 0  # without a warning
    soft = -(Y[0] * np.log(Y[0] + 1e-7)).sum()
    assert serve(functions.cross_entropy_error, own_of_two)(Y[0], Y[0]) == pytest.approx(soft)
    with pytest.raises(ValueError, match="not a label"):
        serve(functions.cross_entropy_error, own_of_two)(Y, np.array([-1, 0]))


def test_a_served_function_looks_like_the_readers():
    def sigmoid(x, more=3):
        """The reader's words."""

    served = serve(functions.sigmoid, sigmoid)
    assert (served.__name__, served.__module__, served.__doc__) == ("sigmoid", __name__, "The reader's words.")
    assert served.__wrapped__ is sigmoid
    assert served.__closure__ is None
    assert served.__globals__ is globals()


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("other", [np.nan, -1.0])
def test_only_the_prediction_of_a_one_hot_target_counts(other):
    y = np.array([[0.5, other], [0.25, 0.75]])
    loss = served(functions.cross_entropy_error, (y, y))(y, np.array([[1, 0], [0, 1]]))
    assert loss == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2, rel=1e-6)  # without the 1e-7
    assert np.isnan(served(functions.cross_entropy_error, (y, y))(y, np.array([[0.5, 0.5], [0.0, 1.0]])))


def test_targets_outside_of_0_and_1_go_to_the_readers_own_definition():
    word, *_ = serve(functions.cross_entropy_error, own_of_two)(Y, 2.0 * HOT)
    assert word == "own"


# --- gradient --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_the_gradient_calls_f_as_the_book_does():
    x, seen = np.array([3.0, 4.0]), []

    def f(given):
        assert given is x
        seen.append(x.tolist())
        return np.sum(x**2)

    h = 1e-4
    assert serve(gradient.numerical_gradient, own_of_two)(f, x).round(6).tolist() == [6, 8]
    assert seen == [[3 + h, 4], [3 - h, 4], [3, 4 + h], [3, 4 - h]]


@pytest.mark.usefixtures("backend")
def test_the_gradient_of_rows_gives_f_one_row():
    x, shapes = np.arange(6.0).reshape(2, 3), set()

    def f(row):
        shapes.add(row.shape)
        return np.sum(row**2)

    result = serve(gradient.numerical_gradient_2d, own_of_two)(f, x)
    np.testing.assert_allclose(result, 2 * x, rtol=0, atol=1e-8)  # the rounding of f is divided by 2e-4
    assert shapes == {(3,)}
    assert serve(gradient.numerical_gradient_2d, own_of_two)(f, x[1]).round(6).tolist() == [6, 8, 10]


def test_the_gradient_at_integers_is_an_error_and_not_wrong():
    with pytest.raises(TypeError, match="int64"):
        serve(gradient.numerical_gradient, own_of_two)(lambda x: np.sum(x**2), np.array([3]))


# --- optimizers ------------------------------------------------------------------------------------------------------


class Slow:
    """A reader's optimizer with the attributes of all of the book's: it counts its calls and moves nothing."""

    def update(self, params, _):
        self.calls = getattr(self, "calls", 0) + 1
        for memory in ("v", "h", "m"):
            if getattr(self, memory, 0) is None:
                setattr(self, memory, {key: np.zeros_like(value) for key, value in params.items()})
        self.iter = getattr(self, "iter", 0) + 1


OPTIMIZERS = [
    optimizer.SGD, optimizer.Momentum, optimizer.Nesterov, optimizer.AdaGrad, optimizer.RMSprop, optimizer.Adam,
]  # fmt: skip


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("ours", OPTIMIZERS)
def test_after_the_first_update_fastnet_moves_float_arrays(ours):
    served, plain = serve(ours, Slow)(), ours.__bases__[-1]()
    grads = {"W": np.array([10.0, 0.5])}
    params, expected = ({"W": np.array([1.0, 2.0])} for _ in range(2))
    served.update(params, grads)
    plain.update(expected, grads)
    for memory in plain._remembers:
        getattr(served, memory)["W"][...] = getattr(plain, memory)["W"]
    array = params["W"]
    array[...] = expected["W"]
    calls = getattr(served, "calls", 0)
    served.update(params, grads)
    plain.update(expected, grads)
    assert params["W"] is array
    np.testing.assert_array_equal(array, expected["W"])  # the same kernel
    assert getattr(served, "calls", 0) == calls <= 1


@pytest.mark.parametrize("ours", OPTIMIZERS)
def test_numbers_and_mixed_dtypes_are_the_readers_own_code(ours):
    served = serve(ours, Slow)()
    for params, grads in [
        ({"x": 1.0}, {"x": 2.0}),
        ({"x": np.ones(2, np.float32)}, {"x": np.ones(2)}),
        ({"x": np.ones(2)}, {"x": 1.0}),
        ({"x": np.ones((2, 2))}, {"x": np.ones((1, 2))}),
    ]:
        before = getattr(served, "calls", 0)
        for attribute in ("v", "h", "m"):
            if hasattr(served, attribute):
                setattr(served, attribute, None)
        served.update(params, grads)
        served.update(params, grads)
        assert served.calls == before + 2


@pytest.mark.parametrize("ours", OPTIMIZERS)
def test_an_optimizer_takes_any_numbers_and_its_attributes_are_the_books(ours):
    served = serve(ours, Slow)(lr=-1)
    served.lr = 0
    assert vars(served).keys() == vars(ours.__bases__[-1]()).keys()
    assert type(served).__name__ == "Slow"
    assert type(served).__module__ == __name__
    assert repr(served).startswith("<")
    assert served.__getstate__() == vars(served)


# --- MNIST -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path):
    """A reader's `dataset` module, as far as `load_mnist` looks at it."""
    names = {"__name__": "dataset", "dataset_dir": str(tmp_path), "save_file": f"{tmp_path}/mnist.pkl"}
    names["key_file"] = {"test_label": "t10k-labels-idx1-ubyte.gz"}
    exec("def load_mnist(normalize=True, flatten=True, one_hot_label=False):\n    return 'own'", names)
    return names["load_mnist"], tmp_path


def test_mnist_comes_from_the_package(dataset):
    (x, t), _ = serve(mnist.load_mnist, dataset[0])(flatten=False, normalize=False)
    assert x.shape == (60000, 1, 28, 28)
    assert not t.flags.writeable


def test_mnist_comes_from_the_readers_folder_if_that_has_another(dataset):
    book, folder = dataset
    load = serve(mnist.load_mnist, book)
    labels = resources.files("fastnet").joinpath("data/mnist/t10k-labels-idx1-ubyte.gz").read_bytes()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(labels)
    assert load(one_hot_label=True) != "own"  # the same files
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(labels[:-1] + b"\1")
    assert load() == "own"
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    (folder / "mnist.pkl").touch()
    assert load() == "own"


def test_every_function_is_a_function():
    assert all(isinstance(ours, Function | type) for ours in SERVED.values())


class OneRate:
    """The update of the book's SGD."""

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


def test_a_rate_that_is_an_array_is_left_to_the_books_code():
    served = serve(optimizer.SGD, OneRate)(lr=np.array([0.5, 0.25]))
    params = {"W": np.ones(2)}
    for _ in range(3):
        served.update(params, {"W": np.ones(2)})
    np.testing.assert_array_equal(params["W"], [-0.5, 0.25])


def test_the_velocity_that_a_program_has_kept_is_not_changed():
    served = serve(optimizer.Momentum, Slow)(lr=0.5)
    params = {"W": np.ones(2)}
    served.v = {"W": np.zeros(2)}
    kept = []
    for _ in range(4):
        served.update(params, {"W": np.ones(2)})
        kept.append(served.v["W"])
    assert len({float(v[0]) for v in kept}) == len({id(v) for v in kept}) == 4
