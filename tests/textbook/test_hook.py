"""What a program gets when it imports files with definitions of the book: served ones, or the reader's own."""

import ast
import importlib
import importlib.util
import pickle
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest

from fastnet.textbook import _absent, _hook, functions, listing, optimizer
from fastnet.textbook._definitions import PUBLISHED, SERVED
from fastnet.textbook._source import fingerprint

# Two formulas of the book, which have one line each.
NP = "import numpy as np\n"
SIGMOID = "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n"
SLOPE = "def sigmoid_grad(x):\n    return (1.0 - sigmoid(x)) * sigmoid(x)\n"
RELU = "def relu(x):\n    return np.maximum(0, x)\n"
OTHER_SIGMOID = "def sigmoid(x):\n    return 2 / (2 + np.exp(-x))\n"


@pytest.fixture(autouse=True)
def reader(tmp_path, monkeypatch):
    """A folder on the path; write a file into it and import it."""
    _hook.install()
    _absent.install()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_hook, "found", [])
    monkeypatch.setattr("fastnet.textbook._listing.found", _hook.found)
    before = set(sys.modules)

    def write(name, text):
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in sys.modules.keys() - before:
        del sys.modules[name]
    _hook.uninstall()
    _absent.uninstall()


@pytest.fixture
def publish(monkeypatch):
    """Make a definition one that the book published, which fastnet serves."""

    def add(text, version, ours=None):
        node = ast.parse(text).body[0]
        monkeypatch.setitem(PUBLISHED, (version.rpartition("-")[0], fingerprint(node)), version)
        monkeypatch.setattr(_hook, "NAMES", {name for name, _ in PUBLISHED})
        if ours is not None:
            monkeypatch.setitem(SERVED, version, ours)

    return add


def is_served(value):
    return value in _hook.published and (hasattr(value, "__wrapped__") or hasattr(value, "book"))


def reasons():
    return {row.name: row.reason for row in _hook.found}


@pytest.mark.parametrize("name", ["common.functions", "functions", "src.common.functions", "dl_common.mine", "mine"])
def test_a_published_definition_is_served_in_any_file(reader, name):
    module = reader(name, NP + SIGMOID + SLOPE)
    assert is_served(module.sigmoid)
    assert is_served(module.sigmoid_grad)
    assert module.sigmoid.__module__ == name
    assert module.sigmoid(np.array([-1000.0])) == 0  # where the reader's own would warn
    assert not module.sigmoid.__doc__


def test_a_changed_definition_stays_the_readers(reader):
    module = reader("functions", NP + OTHER_SIGMOID + RELU)
    assert not is_served(module.sigmoid)
    assert is_served(module.relu)
    assert reasons() == {"sigmoid": "changed: not a version that the book published", "relu": ""}


def test_what_refers_to_a_changed_definition_stays_too(reader):
    module = reader("functions", NP + OTHER_SIGMOID + SLOPE)
    assert not is_served(module.sigmoid_grad)
    assert module.sigmoid_grad(0.0) == (1 - 2 / 3) * (2 / 3)
    assert reasons()["sigmoid_grad"] == "refers to sigmoid, which is yours"


def test_the_order_in_the_file_does_not_matter(reader):
    module = reader("functions", NP + SLOPE + SIGMOID)
    assert is_served(module.sigmoid_grad)
    changed = reader("changed", NP + SLOPE + OTHER_SIGMOID)
    assert not is_served(changed.sigmoid_grad)


@pytest.mark.parametrize(
    ("above", "reason"),
    [
        ("import math as np\n", "refers to np, which is math"),
        ("from own import np\n", "refers to np, which is math"),
        ("from own import *\n", "refers to np, which is math"),
        ("np = 3\n", "refers to np, which is yours"),
        ("", "refers to np, which does not exist yet"),
    ],
)
def test_np_must_be_numpy(reader, above, reason):
    reader("own", "import math as np\n")
    module = reader("functions", above + RELU)
    assert not is_served(module.relu)
    assert reasons()["relu"] == reason


def test_a_name_of_python_must_be_pythons(reader, publish):
    text = "def largest(x):\n    return max(x)\n"
    publish(text, "largest-1", functions.relu)
    assert is_served(reader("one", text).largest)
    assert is_served(reader("two", f"from builtins import max\n{text}").largest)
    assert not is_served(reader("three", f"from numpy import max\n{text}").largest)


def test_imported_definitions_are_followed(reader, publish):
    text = "class Net:\n    def predict(self, x):\n        return sigmoid(x)\n"
    publish(text, "Net-1", optimizer.SGD)
    reader("common.functions", NP + SIGMOID)
    reader("mine", NP + OTHER_SIGMOID)
    assert is_served(reader("one", f"from common.functions import *\n{text}").Net)
    assert is_served(reader("two", f"from common.functions import sigmoid\n{text}").Net)
    assert not is_served(reader("three", f"from mine import sigmoid\n{text}").Net)
    assert reasons()["Net"] == "refers to sigmoid, which is not the book's"
    assert not is_served(reader("four", f"from common.functions import sigmoid as f\nsigmoid = f\n{text}").Net)
    assert not is_served(reader("five", f"from numpy import tanh as sigmoid\n{text}").Net)


def test_what_is_published_but_not_served_counts_as_the_books(reader, publish):
    middle = "def double(x):\n    return sigmoid(2 * x)\n"
    net = "class Net:\n    def f(self):\n        return double(3)\n"
    publish(middle, "double-1")
    publish(net, "Net-1", optimizer.SGD)
    reader("functions", NP + SIGMOID + middle)
    reader("changed", NP + OTHER_SIGMOID + middle)
    assert is_served(reader("one", f"from functions import double\n{net}").Net)
    assert not is_served(reader("two", f"from changed import double\n{net}").Net)


def test_what_refers_to_an_old_meaning_stays_the_readers(reader, publish, monkeypatch):
    publish(OTHER_SIGMOID, "sigmoid-0", functions.sigmoid)
    monkeypatch.setattr(_hook, "OLD", {"sigmoid-0"})
    module = reader("functions", NP + OTHER_SIGMOID + SLOPE)
    assert is_served(module.sigmoid)
    assert reasons()["sigmoid_grad"] == "refers to sigmoid of an older printing"
    publish(text := "class Net:\n    def f(self, x):\n        return sigmoid(x)\n", "Net-1", optimizer.SGD)
    assert not is_served(reader("net", f"from functions import *\n{text}").Net)


def test_variables_are_followed_too(reader, publish):
    text = "def load():\n    return file\n"
    publish(text, "load-1", functions.relu)
    publish("file = 'mnist'\n", "file-1")
    assert is_served(reader("one", f"file = 'mnist'\n{text}").load)
    assert not is_served(reader("two", f"file = 'fashion'\n{text}").load)


def test_a_definition_that_is_replaced_below_stays(reader):
    module = reader("functions", NP + SIGMOID + "sigmoid.slow = True\n" + RELU + "from math import erf as relu\n")
    assert not is_served(module.sigmoid)
    assert module.relu.__name__ == "erf"


def test_modules_that_were_imported_before_are_named(reader, tmp_path):
    _hook.uninstall()
    reader("first", NP + SIGMOID)
    reader("second", NP + OTHER_SIGMOID)
    reader("third", NP + RELU)
    (tmp_path / "third.py").unlink()  # it cannot be read any more: nothing is known of it
    with pytest.warns(UserWarning, match=r"^first was imported before fastnet\.textbook"):
        _hook.install()


def test_names_that_are_not_the_books_are_not_told(reader):
    reader("functions", NP + SIGMOID + "def mine(x):\n    return x\n")
    assert reasons().keys() == {"sigmoid"}


def test_the_reader_s_folder_gets_no_bytecode_of_a_served_file(reader, tmp_path):
    reader("served", NP + SIGMOID)
    assert not list(tmp_path.rglob("*served*.pyc"))


def test_a_file_that_has_changed_is_served_again(reader, tmp_path):
    module = reader("functions", NP + SIGMOID)
    (tmp_path / "functions.py").write_text(NP + OTHER_SIGMOID, "utf-8")
    importlib.reload(module)
    assert not is_served(module.sigmoid)
    (tmp_path / "functions.py").write_text(NP + SIGMOID, "utf-8")
    importlib.reload(module)
    assert is_served(module.sigmoid)


def test_a_function_that_is_replaced_later_counts(reader):
    module = reader("functions", NP + SIGMOID + SLOPE)
    assert module.sigmoid_grad(0.0) == 0.25
    module.sigmoid = lambda x: 3.0 + 0 * x
    assert module.sigmoid_grad(0.0) == (1 - 3) * 3
    first = reader("first", NP + SIGMOID + SLOPE)
    assert first.sigmoid_grad(0.0) == 0.25
    first.sigmoid.__code__ = module.sigmoid.__code__  # as autoreload does
    assert first.sigmoid_grad(0.0) == (1 - 3) * 3


def test_line_numbers_and_the_top_of_the_file_stay(reader):
    top = '"""The reader\'s module."""\nfrom __future__ import annotations\n'
    module = reader("functions", f"{top}{NP}\n\n{SIGMOID}def fail(x: Unknown):\n    return 1 / 0\n")
    assert module.__doc__ == "The reader's module."
    assert module.sigmoid.__wrapped__.__code__.co_firstlineno == 6
    with pytest.raises(ZeroDivisionError) as caught:
        module.fail(1)
    assert traceback.extract_tb(caught.value.__traceback__)[-1].lineno == 9


def test_a_file_that_python_cannot_compile_raises_pythons_own_error(reader):
    with pytest.raises(SyntaxError) as caught:
        reader("functions", NP + SIGMOID + "return 3\n")
    assert caught.value.lineno == 4
    package = str(Path(_hook.__file__).parents[1])
    assert not any(frame.filename.startswith(package) for frame in traceback.extract_tb(caught.value.__traceback__))


def test_installed_packages_are_not_the_readers():
    assert not any(map(_hook.is_readers, [np.__file__, ast.__file__, pytest.__file__, _hook.__file__]))
    assert not _hook.is_readers("")


SMALL = """class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr
    def update(self, params, grads):
        pass
"""


def test_an_object_of_a_served_class_is_pickled_under_the_readers_name(reader, publish):
    publish(SMALL, "SGD-1", optimizer.SGD)
    module = reader("common.optimizer", NP + SMALL)
    assert is_served(module.SGD)
    data = pickle.dumps(module.SGD(0.5), protocol=0)
    assert b"common.optimizer" in data
    assert b"fastnet" not in data
    assert vars(pickle.loads(data)) == {"lr": 0.5}


def test_a_readers_subclass_of_a_served_class_works(reader, publish):
    publish(SMALL, "SGD-1", optimizer.SGD)
    half = "class Half(SGD):\n    def update(self, p, g):\n        super().update(p, {'W': g['W'] / 2})\n"
    module = reader("optimizer", SMALL + half)
    params = {"W": np.array([1.0])}
    module.Half(lr=0.5).update(params, {"W": np.array([1.0])})
    assert params["W"] == 0.75


# --- files that are not there ----------------------------------------------------------------------------------------


def test_a_missing_module_is_served(reader):
    module = reader("program", "from common.functions import *\nfrom dl_dataset.mnist import load_mnist\n")
    assert {"np", "sigmoid", "softmax", "mean_squared_error", "sum_squared_error"} <= vars(module).keys()
    assert module.sigmoid.__module__ == "common.functions"
    assert module.sum_squared_error(np.array([1.0, 2.0]), 0) == 2.5
    assert all(row.path.endswith("(not in your folder)") for row in _hook.found)
    assert "served by fastnet.functions.sigmoid" in listing()


def test_missing_definitions_count_as_the_books(reader, publish):
    publish(text := "class Net:\n    def f(self, x):\n        return sigmoid(x)\n", "Net-1", optimizer.SGD)
    assert is_served(reader("net", f"from common.functions import *\n{text}").Net)


def test_the_readers_own_modules_stand_beside_missing_ones(reader):
    reader("common.config", "GPU = False\n")
    module = reader("program", "from common.config import GPU\nfrom common.gradient import numerical_gradient\n")
    assert module.GPU is False
    assert module.numerical_gradient(lambda x: np.sum(x**2), np.array([3.0])).round(6) == 6


@pytest.mark.parametrize("caught", ["ImportError", "(OSError, ModuleNotFoundError)", "Exception as error", ""])
def test_a_program_that_expects_a_missing_module_gets_what_it_has_instead(reader, caught):
    reader("own", OTHER_SIGMOID + NP)
    text = f"try:\n    from common.functions import sigmoid\nexcept {caught}:\n    from own import sigmoid\n"
    assert reader("program", text).sigmoid(0.0) == 2 / 3
    text = "try:\n    from common.functions import sigmoid\nexcept OSError:\n    raise\n"
    assert is_served(reader("other", text).sigmoid)


@pytest.mark.usefixtures("reader")
def test_an_import_that_stands_in_no_file_gets_a_missing_module():
    thread = threading.Thread(target=importlib.import_module, args=("common.functions",))
    thread.start()
    thread.join()
    assert sys.modules["common.functions"].relu(-1) == 0
    names = {}
    exec(compile("from common.gradient import numerical_gradient", "not_there.py", "exec"), names)
    assert names["numerical_gradient"] in _hook.published


def test_a_module_that_the_book_lacks_is_missing():
    for name in "common.config", "common.functions2", "commons":
        with pytest.raises(ModuleNotFoundError, match=name):
            importlib.import_module(name)


def test_optimizers_without_the_readers_file_work(reader):
    module = reader("program", "from common.optimizer import *\n")
    params = {"W": np.array([1.0])}
    for each in (module.SGD, module.Momentum, module.Nesterov, module.AdaGrad, module.RMSprop, module.Adam):
        optimizer = each(lr=0.1)
        for _ in range(2):
            optimizer.update(params, {"W": np.array([1.0])})
    assert params["W"] < 0
    assert module.np is np


def test_nothing_was_read():
    assert listing() == "No file with a definition of the book was read."


# --- what a program replaces after the import -------------------------------------------------------------------------


def test_a_helper_that_is_replaced_before_the_first_call_counts(reader):
    module = reader("functions", NP + SIGMOID + SLOPE)
    module.sigmoid = lambda x: 0 * x + 0.25
    assert module.sigmoid_grad(np.array([0.5])) == 0.1875


def test_a_helper_that_is_imported_again_counts(reader):
    reader("common.functions", NP + SIGMOID)
    reader("mine", "def sigmoid(x):\n    return 0 * x + 0.25\n")
    module = reader("program", f"from common.functions import sigmoid\n{SLOPE}from mine import sigmoid\n")
    assert module.sigmoid_grad(np.array([0.5])) == 0.1875


LAYER = """class Sigmoid:
    def forward(self, x):
        self.out = sigmoid(x)
        return self.out
    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out
"""


def test_a_served_class_notices_what_replaces_a_name_that_it_refers_to(reader, publish):
    publish(LAYER, "Sigmoid-1")
    module = reader("common.layers", NP + SIGMOID + LAYER)
    layer = module.Sigmoid()
    assert is_served(module.Sigmoid)
    assert layer.forward(np.zeros(1)) == 0.5
    module.sigmoid = lambda _: 7.0
    assert layer.forward(np.zeros(1)) == 7
    assert layer.backward(1) == -42


def test_an_optimizer_notices_what_replaces_a_name_that_it_refers_to(reader, publish):
    rule = "def half(x):\n    return x / 2\n"
    text = """
class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr
    def update(self, params, grads):
        for key in params.keys():
            params[key] -= half(self.lr) * grads[key]
"""
    publish(rule, "half-1")
    publish(text, "SGD-7", optimizer.SGD)
    module = reader("common.optimizer", rule + text)
    made, params = module.SGD(lr=0.5), {"W": np.zeros(1)}
    assert is_served(module.SGD)
    module.half = lambda x: 8 * x
    made.update(params, {"W": np.ones(1)})
    assert params["W"] == -4


def test_a_network_of_a_changed_layer_stays_the_readers(reader, publish):
    network = "class TwoLayerNet:\n    def __init__(self):\n        self.layers = {'a': Sigmoid()}\n"
    publish(LAYER, "Sigmoid-1")
    publish(network, "TwoLayerNet-2")
    assert is_served(reader("common.first", NP + SIGMOID + LAYER + network).TwoLayerNet)
    changed = LAYER.replace("1.0", "1")
    assert not is_served(reader("common.second", NP + SIGMOID + changed + network).TwoLayerNet)
    assert reasons()["TwoLayerNet"] == "refers to Sigmoid, which is yours"


def test_the_trainer_may_refer_to_the_older_nesterov(reader, publish):
    nesterov = "class Nesterov:\n    lr = 0.5\n"
    trainer = "class Trainer:\n    def __init__(self):\n        self.optimizer = Nesterov()\n"
    publish(nesterov, "Nesterov-1")
    publish(trainer, "Trainer-2")
    module = reader("common.trainer", nesterov + trainer)
    assert is_served(module.Trainer)
    assert not is_served(module.Nesterov)


@pytest.mark.usefixtures("reader")
def test_a_question_for_a_module_is_answered_as_by_python():
    assert importlib.util.find_spec("dataset") is None
    assert importlib.util.find_spec("common") is None
    assert importlib.import_module("common.functions").relu(1) == 1


def test_data_of_the_readers_own_leave_load_mnist_to_the_reader(reader, publish, tmp_path):
    text = "def load_mnist(normalize=True, flatten=True, one_hot_label=False):\n    return save_file\n"
    publish(text, "load_mnist-2")
    (tmp_path / "mnist.pkl").touch()
    above = f"dataset_dir = {str(tmp_path)!r}\nsave_file = dataset_dir + '/mnist.pkl'\nkey_file = {{}}\n"
    publish(above.splitlines()[0], "dataset_dir-1")
    publish(above.splitlines()[1], "save_file-1")
    module = reader("dataset.mnist", above + text)
    assert module.load_mnist() == module.save_file
    assert "mnist.pkl" in reasons()["load_mnist"]


def test_a_served_file_warns_as_under_python(reader):
    with pytest.warns((SyntaxWarning, DeprecationWarning), match="invalid escape"):
        reader("common.functions", NP + SIGMOID + "pattern = '\\d'\n")
    with pytest.warns(SyntaxWarning, match='"is" with'):
        reader("common.others", NP + SIGMOID + "same = np is 3\n")
