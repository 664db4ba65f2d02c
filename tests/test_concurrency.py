"""Threads and processes of the user's own: the values of one thread, whatever the others do."""

import multiprocessing
import os
import subprocess
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor

import effort
import numpy as np
import pytest
from backends import BACKENDS
from cases import KERNELS

import fastnet
from fastnet import (
    LayeredTwoLayerNet,
    MultiLayerNet,
    SimpleConvNet,
    Trainer,
    TwoLayerNet,
    _backend,
    _threads,
    functions,
)
from fastnet.gradient import jacobian, numerical_gradient

THREADS = 8
ROUNDS, ROUNDS_IN_FULL = 3, 50
needs_both = pytest.mark.usefixtures("twins")


@pytest.fixture(autouse=True)
def restored():
    with fastnet.use_backend(fastnet.get_backend()):
        yield


def networks():
    filters = {"filter_num": 2, "filter_size": 3, "pad": 1, "stride": 1}
    return {
        "two": TwoLayerNet(6, 5, 3, 0.5, seed=0), "multi": MultiLayerNet(6, [5, 4], 3, seed=0),
        "layered": LayeredTwoLayerNet(6, 5, 3, 0.5, seed=0),
        "convolution": SimpleConvNet((1, 2, 3), filters, 3, 3, 0.5, seed=0),
    }  # fmt: skip


def inputs(network, seed=0):
    random = np.random.default_rng(seed)
    shape = (12, 1, 2, 3) if isinstance(network, SimpleConvNet) else (12, 6)
    return random.normal(size=shape), random.integers(3, size=12)


def at_once(call, n=THREADS):
    """Return `call(k)` of each thread k; all begin together."""
    barrier = threading.Barrier(n)

    def begin(k):
        barrier.wait(timeout=60)
        return call(k)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(begin, range(n)))


def same(one, other):
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(one, other, strict=True))


def answers(network, x, t):
    return [network.predict(x), network.loss(x, t), *network.gradient(x, t).values()]


# --- the values of one thread -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("kind", ["two", "multi"])
def test_threads_that_share_a_network_get_the_values_of_one(kind):
    network = networks()[kind]
    data = [inputs(network, k) for k in range(THREADS)]
    wanted = [answers(network, *each) for each in data]

    def call(k):
        return [answers(network, *data[k]) for _ in range(ROUNDS_IN_FULL if effort.FULL else ROUNDS)]

    for found, right in zip(at_once(call), wanted, strict=True):
        assert all(same(each, right) for each in found)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("kind", ["two", "multi", "layered", "convolution"])
def test_threads_with_networks_of_their_own_get_the_values_of_one(kind):
    def call(k):
        network = networks()[kind]
        x, t = inputs(network, k)
        return [
            network.predict(x), network.loss(x, t), *network.gradient(x, t).values(),
            *network.numerical_gradient(x, t).values(),
        ]  # fmt: skip

    wanted = [call(k) for k in range(THREADS)]
    for _ in range(ROUNDS_IN_FULL if effort.FULL else ROUNDS):
        assert all(same(found, right) for found, right in zip(at_once(call), wanted, strict=True))


@pytest.mark.usefixtures("backend")
def test_threads_that_train_networks_of_their_own_take_the_steps_of_one():
    def call(k):
        network = TwoLayerNet(6, 5, 3, 0.5, seed=k)
        x, t = inputs(network, k)
        trainer = Trainer(network, x, t, x, t, epochs=3, mini_batch_size=4, seed=k, verbose=False, progress=False)
        trainer.train()
        return [*trainer.train_loss_list, *network.params.values()]

    wanted = [call(k) for k in range(THREADS)]
    assert all(same(found, right) for found, right in zip(at_once(call), wanted, strict=True))


@pytest.mark.usefixtures("backend")
def test_threads_that_differentiate_functions_get_the_values_of_one():
    def call(k):
        x = np.random.default_rng(k).normal(size=(3, 4))
        return [
            numerical_gradient(lambda x: float(np.sum(x**2) + functions.sigmoid(x).sum()), x),
            jacobian(functions.softmax, x), x,
        ]  # fmt: skip

    wanted = [call(k) for k in range(THREADS)]
    assert all(same(found, right) for found, right in zip(at_once(call), wanted, strict=True))


@pytest.mark.parametrize("kernels", ["cython"], indirect=True)
def test_threads_that_call_every_kernel_get_the_values_of_one(kernels):
    for kernel in KERNELS:
        for dtype in kernel.dtypes:

            def call(_, kernel=kernel, dtype=dtype):
                arguments = kernel.arguments(dtype)
                result = getattr(kernels, kernel.name)(*arguments)
                return [repr(result), *(each for each in arguments if isinstance(each, np.ndarray))]

            wanted = call(0)
            assert all(same(found, wanted) for found in at_once(call)), kernel.name


@needs_both
def test_threads_get_the_values_of_one_while_one_changes_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(_threads, "SMALL", 0)
    before, rounds = fastnet.get_num_threads(), ROUNDS_IN_FULL if effort.FULL else ROUNDS
    x, t = inputs(networks()["convolution"])
    many, shared = np.ones((4500, 6)), networks()["two"]

    def call(k):
        if k == 0:
            for n in range(100 * rounds):
                fastnet.set_num_threads(1 + n % 5)
            return []
        network, found = networks()["convolution"], []
        for _ in range(rounds):
            found += [network.predict(x), *network.gradient(x, t).values()]
            found.append(shared.accuracy(many, np.zeros(4500, int)))
        return found

    wanted = call(1)
    try:
        assert all(same(found, wanted) for found in at_once(call)[1:])
    finally:
        fastnet.set_num_threads(before)


@needs_both
def test_threads_that_call_at_once_keep_no_more_memory_than_four_calls():
    from fastnet._twins.shared import products  # it may be missing

    network, (x, _) = networks()["two"], inputs(networks()["two"])
    with fastnet.use_backend("cython"):
        at_once(lambda _: [network.predict(x) for _ in range(100)] and None)
    assert 0 < len(products._kept) <= 4


HELPERS = """
import threading
from concurrent.futures import ThreadPoolExecutor
import numpy as np, fastnet
from fastnet import _threads
_threads.SMALL = 0
fastnet.use_backend("cython")
layer, x = fastnet.layers.Convolution(np.ones((4, 1, 3, 3)), np.zeros(4)), np.ones((20, 1, 8, 8))
W, b = layer.W, layer.b
with ThreadPoolExecutor(8) as pool:
    for n in range(2, 9):
        fastnet.set_num_threads(n)
        barrier = threading.Barrier(8)
        def call(_):
            barrier.wait(timeout=60)
            fastnet.layers.Convolution(W, b).forward(x)
        list(pool.map(call, range(8)))
        print(sum(thread.name == _threads.HELPER for thread in threading.enumerate()) - (n - 1))
"""


@needs_both
def test_threads_that_call_at_once_start_no_more_helpers_than_one_call_takes():
    done = subprocess.run([sys.executable, "-c", HELPERS], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["0"] * 7, done.stderr


# --- the backend of each thread ---------------------------------------------------------------------------------------


@pytest.fixture
def begun(backend):
    """A thread that already computes with `backend`: it returns `call()`, whenever it is asked."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fastnet.get_backend).result() == backend
        yield lambda call: pool.submit(call).result(timeout=60)


@needs_both
def test_a_change_in_one_thread_does_not_reach_into_a_call_of_another():
    # f is called in the middle of numerical_gradient, and the activations of a network are called one after the other.
    fastnet.use_backend("cython")
    changed, inside, names = threading.Event(), threading.Event(), []

    def f(x):
        names.append(fastnet.get_backend())
        inside.set()
        assert changed.wait(timeout=60)
        names.append(_backend.kernels.BACKEND)
        return float(np.sum(x))

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(numerical_gradient, f, np.zeros(2))
        assert inside.wait(timeout=60)
        with fastnet.use_backend("numpy"):
            changed.set()
            result.result(timeout=60)
            assert fastnet.get_backend() == "numpy"
    assert set(names) == {"cython"}
    assert fastnet.get_backend() == "cython"


@needs_both
def test_each_thread_keeps_its_backend_while_the_others_change_theirs():
    def call(k):
        mine, found = BACKENDS[k % 2], []
        for _ in range(200):
            with fastnet.use_backend(mine):
                found.append(fastnet.get_backend())
                with fastnet.use_backend(BACKENDS[1 - k % 2]):
                    found.append(fastnet.get_backend())
                found.append(fastnet.get_backend())
        return found == [mine, BACKENDS[1 - k % 2], mine] * 200

    before = fastnet.get_backend()
    assert at_once(call) == [True] * THREADS
    assert fastnet.get_backend() == before


@needs_both
def test_threads_that_are_the_first_to_choose_and_choose_at_once_all_have_their_choice():
    def call(k):
        mine = BACKENDS[k % 2]
        fastnet.use_backend(mine)
        return fastnet.get_backend() == mine

    for _ in range(200 if effort.FULL else 50):
        fastnet.use_backend("cython")  # there is no other thread, so no thread has a choice of its own
        assert at_once(call) == [True] * THREADS


@needs_both
def test_a_new_thread_begins_with_the_backend_of_the_main_thread(begun, backend):
    other = BACKENDS[1 - BACKENDS.index(backend)]
    with fastnet.use_backend(other):
        assert begun(fastnet.get_backend) == backend  # it had begun before
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(fastnet.get_backend).result() == other
            assert pool.submit(fastnet.use_backend, backend).result() is not None
            assert (pool.submit(fastnet.get_backend).result(), fastnet.get_backend()) == (backend, other)
    assert fastnet.get_backend() == backend


@needs_both
def test_a_thread_that_waits_keeps_the_backend_with_which_it_began(begun, backend):
    other, go, names = BACKENDS[1 - BACKENDS.index(backend)], threading.Event(), []

    def call():
        assert go.wait(timeout=60)
        names.append(fastnet.get_backend())

    begun(lambda: fastnet.use_backend(backend))  # from here on, each thread has a choice of its own
    thread = threading.Thread(target=call)
    thread.start()
    with fastnet.use_backend(other):
        go.set()
        thread.join(timeout=60)
    assert names == [backend]


@needs_both
def test_the_helpers_of_accuracy_compute_with_the_callers_backend(begun, monkeypatch):
    names, network = [], TwoLayerNet(4, 3, 2, seed=0)
    kernel = _backend._load("cython").network_predict
    monkeypatch.setattr(_backend._load("cython"), "network_predict", lambda *a: names.append(1) or kernel(*a))
    monkeypatch.setattr(fastnet._threads, "_number", 3)
    x = np.ones((4500, 4))
    fastnet.use_backend("numpy")

    def call():
        with fastnet.use_backend("cython"):
            return network.accuracy(x, np.zeros(4500, int))

    begun(call)
    assert len(names) == 5  # a call for each thousand samples


@needs_both
def test_a_program_with_one_thread_looks_names_up_in_a_module():
    program = """
import threading, fastnet, types
from fastnet import _backend
with fastnet.use_backend("numpy"):
    assert type(_backend.kernels) is types.ModuleType
event = threading.Event()
thread = threading.Thread(target=event.wait)
thread.start()
with fastnet.use_backend("numpy"):
    assert fastnet.get_backend() == "numpy"
event.set()
thread.join()
fastnet.use_backend("cython")
print(type(_backend.kernels).__name__, fastnet.get_backend())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "module cython\n", done.stderr


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python cannot do without the GIL")
@needs_both
def test_importing_fastnet_leaves_the_gil_off():
    program = "import sys, numpy\nwas = sys._is_gil_enabled()\nimport fastnet\nprint(was, sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}  # it may keep it off
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "False False\n", done.stderr


# --- processes --------------------------------------------------------------------------------------------------------

EVERY_KERNEL = """
import os, sys, warnings
sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork where threads are running
import numpy as np, fastnet
from cases import KERNELS
from fastnet import _threads
from fastnet._backend import _load
_threads.SMALL = 0
fastnet.set_num_threads(3)

def every_kernel():
    front, found = _load("cython"), []
    for kernel in KERNELS:
        for dtype in kernel.dtypes:
            arguments = kernel.arguments(dtype)
            result = getattr(front, kernel.name)(*arguments)
            found.append((repr(result), *(each.tobytes() for each in arguments if isinstance(each, np.ndarray))))
    network = fastnet.TwoLayerNet(4, 3, 2, seed=0)
    found.append(network.accuracy(np.ones((4500, 4)), np.zeros(4500, int)))
    return found

before = every_kernel()
child = os.fork()
assert every_kernel() == before
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print("both")
"""


@needs_both
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_works_after_its_parent_has_used_every_kernel():
    command = [sys.executable, "-c", EVERY_KERNEL, os.path.dirname(__file__)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr


def in_another_process(seed):
    network = TwoLayerNet(6, 5, 3, 0.5, seed=seed)
    x, t = inputs(network, seed)
    return [value.tobytes() for value in network.numerical_gradient(x, t).values()]


def test_processes_that_are_spawned_get_the_values_of_one():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(in_another_process, range(4))
    assert found == [in_another_process(seed) for seed in range(4)]
