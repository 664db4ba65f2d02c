"""`numerical_gradient` in two processes of this computer: `n_jobs`."""

import os
import sys

import numpy as np
import pytest

import fastnet
from fastnet.gradient import numerical_gradient
from fastnet.networks import TwoLayerNet

joblib = pytest.importorskip("joblib", exc_type=ImportError)
pytest.importorskip("cloudpickle", exc_type=ImportError)
pytestmark = pytest.mark.usefixtures("time_limit", "no_processes_left")

NOT_PICKLED = (_ for _ in ())
NUMBERS = np.random.default_rng(0).normal(size=(12, 20))


def unaligned(values):
    memory = np.empty(values.nbytes + 1, np.uint8)[1:].view(values.dtype)
    memory[:] = values
    return memory


ARRAYS = {
    "C order": NUMBERS,
    "Fortran order": np.asfortranarray(NUMBERS),
    "every other row": NUMBERS[::2, 3:],
    "backwards": NUMBERS[::-1, ::-3],
    "big-endian": NUMBERS.astype(">f8"),
    "unaligned": unaligned(NUMBERS[0]),
    "float32": NUMBERS.astype(np.float32)[:, ::2],
    "float16": NUMBERS.astype(np.float16)[:3],
    "one number": np.array(2.0),
    "empty": np.empty((0, 3)),
    "of a subclass": NUMBERS[:3, :4].view(np.recarray),
    "list": NUMBERS[:2, :3].tolist(),
    "tuple": (1.0, 2.0),
    "number": 3.0,
}


@pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS)
def test_the_gradient_is_that_of_one_process_to_the_last_bit(x):
    def f(x):
        return np.sum(np.sin(x)) + np.sum(x.astype(x.dtype.newbyteorder("=")) ** 2)

    before = np.array(x)
    alone, together = numerical_gradient(f, x), numerical_gradient(f, x, n_jobs=2)
    assert together.tobytes() == alone.tobytes()
    assert (together.dtype, together.shape) == (alone.dtype, alone.shape)
    assert np.array_equal(x, before)


def test_f_gets_an_array_that_lies_in_memory_as_x_does():
    def f(x):
        return float(x.strides[0]) * x[0] + float(x.flags.aligned) * x[1]

    for x in NUMBERS[::-2, 0], unaligned(NUMBERS[0]):
        assert np.array_equal(numerical_gradient(f, x, n_jobs=2), numerical_gradient(f, x))


def test_other_processes_compute():
    here = os.getpid()
    assert not numerical_gradient(lambda x: x.sum() * (os.getpid() == here), np.ones(3), n_jobs=2).any()
    assert numerical_gradient(lambda x: x.sum() * (os.getpid() == here), np.ones(3), n_jobs=1).all()


def test_the_other_processes_compute_with_the_backend_of_this_thread(backend):
    def f(x):
        return x.sum() * (fastnet.get_backend() == backend)

    assert numerical_gradient(f, np.ones(3), n_jobs=2).all()


def test_the_default_is_this_process_whatever_joblib_is_told():
    network = TwoLayerNet(3, 4, 2, seed=0)
    x, t = np.eye(3), [0, 1, 0]
    W = network.params["W1"]
    with joblib.parallel_config(n_jobs=2):  # the book's closure reads the array itself
        gradient = numerical_gradient(lambda _: network.loss(x, t), W)
    assert np.allclose(gradient, network.gradient(x, t)["W1"], atol=1e-6)  # 1e-6: the 1e-7 in the logarithm


@pytest.mark.parametrize("reads", ["only x", "x too"])
def test_an_f_that_reads_x_itself_is_refused(reads):
    x = NUMBERS[0].copy()
    f = (lambda _: np.sum(x**2)) if reads == "only x" else (lambda w: np.sum(w * x))
    with pytest.raises(TypeError, match=r"f reads x itself instead of its argument.*leave out n_jobs"):
        numerical_gradient(f, x, n_jobs=2)
    assert np.array_equal(x, NUMBERS[0])


def test_the_books_closure_over_a_network_is_refused_before_anything_is_computed():
    network, calls = TwoLayerNet(3, 4, 2, seed=0), []

    def f(_):
        calls.append(1)
        return network.loss(np.eye(3), [0, 1, 0])

    with pytest.raises(TypeError, match="f reads x itself"):
        numerical_gradient(f, network.params["W1"], n_jobs=2)
    assert len(calls) == 3  # as it is, with other numbers, and again as it is


def test_an_f_that_reads_a_list_itself_is_refused():
    x = [1.0, 2.0]
    with pytest.raises(TypeError, match="f reads x itself"):
        numerical_gradient(lambda _: sum(x), x, n_jobs=2)


@pytest.mark.parametrize(("kind", "shown"), [("KeyError", "'key'"), ("OddError", "1 and 2"), ("SystemExit", "3")])
def test_an_error_of_f_comes_out_with_its_type_also_if_it_cannot_be_pickled(kind, shown):
    class OddError(Exception):
        def __init__(self, one, other):  # pickle would call this with one argument
            super().__init__(f"{one} and {other}")

    errors = {"KeyError": (KeyError, ["key"]), "OddError": (OddError, [1, 2]), "SystemExit": (SystemExit, [3])}
    error, arguments = errors[kind]
    here = os.getpid()

    def f(x):
        if os.getpid() != here:
            raise error(*arguments)
        return x.sum()

    with pytest.raises(error) as caught:
        numerical_gradient(f, np.ones(2), n_jobs=2)
    assert str(caught.value) == shown
    assert "In a worker process" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("f", "x", "error", "message"),
    [
        (lambda x: x.__setitem__(0, 5.0) or 1.0, np.ones(2), ValueError, "f changed x .* x is as it was before"),
        (lambda x: x, np.ones(2), TypeError, "f must return one number, got an array of shape"),
        (lambda x: x.sum() + len([*NOT_PICKLED]), np.ones(2), TypeError, "f cannot be sent to another process: "),
        (np.sum, np.array([1, 2]), TypeError, "x holds int64"),
    ],
    ids=["changes its argument", "returns an array", "cannot be pickled", "integers"],
)  # fmt: skip
def test_a_wrong_f_or_x_is_refused_and_x_does_not_change(f, x, error, message):
    before = x.copy()
    with pytest.raises(error, match=message):
        numerical_gradient(f, x, n_jobs=2)
    assert np.array_equal(x, before)


def test_what_f_writes_to_its_own_arrays_stays_in_the_other_process():
    held = np.zeros(300_000)  # so large that joblib puts it into a file

    def f(x):
        held[0] = x[0]
        return held[0] ** 2

    assert np.array_equal(numerical_gradient(f, np.array([3.0]), n_jobs=2), numerical_gradient(f, np.array([3.0])))


def test_joblib_is_not_imported_for_one_process():
    code = (
        "import sys, numpy, fastnet; fastnet.gradient.numerical_gradient(numpy.sum, numpy.ones(2), n_jobs=1); "
        "sys.exit('joblib' in sys.modules)"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
