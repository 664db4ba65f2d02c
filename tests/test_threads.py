"""Threads: the same results, to the last bit, for any number; errors, interrupts, forks, and threads inside threads."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from backends import kernel_module

import fastnet
from fastnet import DeepConvNet, SimpleConvNet, TwoLayerNet, _threads

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def restored():
    before = fastnet.get_num_threads()
    yield
    fastnet.set_num_threads(before)


@pytest.fixture
def shared(monkeypatch):
    """Every call is large enough for all threads."""
    monkeypatch.setattr(_threads, "SMALL", 0)


def images(network, N, dtype):
    random = np.random.default_rng(0)
    return random.normal(size=(N, *network._input_dim)).astype(dtype), random.integers(10, size=N)


def with_threads(n, call):
    fastnet.set_num_threads(n)
    return call()


def same(one, other):
    return len(one) == len(other) and all(
        value.dtype == twin.dtype and value.tobytes() == twin.tobytes() for value, twin in zip(one, other, strict=True)
    )


# --- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend", "shared")
@BOTH_DTYPES
@pytest.mark.parametrize("N", [1, 3, 19])  # also fewer samples than threads
@pytest.mark.parametrize("kind", [SimpleConvNet, DeepConvNet])
def test_a_training_step_has_the_same_bits_on_any_number_of_threads(kind, N, dtype):
    network = kind((2, 12, 13), hidden_size=70, dtype=dtype, seed=0)
    x, t = images(network, N, dtype)

    def step():
        np.random.seed(0)  # of the dropout
        gradients = network.gradient(x, t)
        return [network.predict(x), *gradients.values()]

    one = with_threads(1, step)
    for n in (2, 3, 4, 11):
        assert same(one, with_threads(n, step))


@pytest.mark.usefixtures("shared")
@BOTH_DTYPES
def test_every_kernel_has_the_same_bits_on_any_number_of_threads(twins, dtype):
    kernels, _ = twins  # NumPy's products have the threads of BLAS
    random = np.random.default_rng(0)

    def draw(*shape):
        return random.normal(size=shape).astype(dtype)

    x, W, b, dout = draw(9, 3, 7, 8), draw(5, 3, 3, 2), draw(5), draw(9, 5, 4, 5)
    wide, deep, rows, U = draw(9, 16, 6, 6), draw(9, 16, 3, 3), draw(150, 200), draw(200, 33)
    out, where = kernels.pooling(x, 2, 2, 1, 0)

    def call():
        masked = np.empty((9, 5, 4, 5), bool)
        rectified = kernels.convolution(x, W, b, 2, 1, masked)
        return [
            rectified, masked, *kernels.convolution_gradient(dout, x, W, 2, 1, True, masked),
            *kernels.convolution_gradient(draw_once, wide, deep, 1, 1), *kernels.pooling(x, 2, 2, 1, 0),
            kernels.pooling_gradient(out, where, x.shape, 2, 2, 1, 0), kernels.affine(rows, U, U[0]),
            *kernels.affine_gradient(rows[:, :33].copy(), rows, U), kernels.im2col(x, 3, 2, 1, 1),
            kernels.col2im(kernels.im2col(x, 3, 2, 1, 1), x.shape, 3, 2, 1, 1),
        ]

    draw_once = draw(9, 9, 6, 6)
    one = with_threads(1, call)
    for n in (2, 3, 4):
        assert same(one, with_threads(n, call))


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("dtypes", [(np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float64)])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("size", [(130, 1301, 100), (999, 250, 70)])  # large, so that there are several blocks
def test_a_large_affine_layer_has_the_same_bits_on_any_number_of_threads(twins, size, zeros, dtypes):
    kernels, _ = twins
    random, (N, D, U) = np.random.default_rng(0), size
    x, (W, dout) = random.normal(size=(N, D)), (random.normal(size=shape) for shape in ((D, U), (N, U)))
    if zeros:
        x[: N // 2, D // 4 : -D // 4] = 0
    x, W, dout = x.astype(dtypes[0]), W.astype(dtypes[1]), dout.astype(dtypes[1])

    def call():
        return [kernels.affine(x, W, W[0].copy()), *kernels.affine_gradient(dout, x, W)]

    one = with_threads(1, call)
    for n in (2, 3, 8):
        assert same(one, with_threads(n, call))
    exact = [x @ W + W[0], dout @ W.T, x.T.astype(W.dtype) @ dout, dout.sum(axis=0)]
    for result, wanted in zip(one, exact, strict=True):  # sums of at most 1301 products of the order of 1
        np.testing.assert_allclose(result, wanted, rtol=0, atol=1301 * 8 * np.finfo(W.dtype).eps)


def test_the_accuracy_of_many_samples_is_the_same_on_any_number_of_threads():
    network = TwoLayerNet(6, 5, 3, weight_init_std=2.0, seed=0)
    x = np.random.default_rng(0).normal(size=(4500, 6))
    t = network.predict(x).argmax(axis=1)
    t[::3] = 0
    found = {with_threads(n, lambda: network.accuracy(x, t)) for n in (1, 2, 3, 4)}
    assert found == {np.mean(network.predict(x).argmax(axis=1) == t)}


# --- how many threads ------------------------------------------------------------------------------------------------


def test_the_number_is_set_for_all_threads_and_checked():
    fastnet.set_num_threads(3)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fastnet.get_num_threads).result() == fastnet.get_num_threads() == 3
    for wrong, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match=r"^n must be"):
            fastnet.set_num_threads(wrong)
    assert fastnet.get_num_threads() == 3


@pytest.mark.parametrize(
    ("variables", "most"),
    [
        ({"OPENBLAS_NUM_THREADS": "1"}, 1), ({"OMP_NUM_THREADS": "1"}, 1), ({"MKL_NUM_THREADS": "1"}, 1),
        ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "64"}, 1), ({"OPENBLAS_NUM_THREADS": "1000"}, None),
        ({"OPENBLAS_NUM_THREADS": "0", "OMP_NUM_THREADS": "two"}, None), ({}, None),
    ],
)
def test_the_default_is_the_setting_of_blas_and_at_most_the_cores(variables, most, monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_threads, "_cores", lambda: 2)
    assert _threads._default() == (most or 2)


def threads_of(jobs):
    """Return the threads that work on `jobs` calls, each of which waits until all of them have begun."""
    barrier, found = threading.Barrier(jobs), set()

    def call(_):
        barrier.wait(timeout=30)
        found.add(threading.get_ident())

    _threads.each(call, range(jobs))
    return found


def test_a_call_inside_a_thread_stays_on_it():
    fastnet.set_num_threads(3)
    found = []

    def outer(_):
        inner = set()
        _threads.each(lambda _: inner.add(threading.get_ident()), range(50))
        inner.add(_threads.threads_for(8, 1e12))
        found.append(inner == {threading.get_ident(), 1})

    _threads.each(outer, range(5))
    assert found == [True] * 5
    assert len(threads_of(3)) == 3  # and outside of them, there are all again


def test_small_calls_and_one_thread_stay_on_the_callers():
    fastnet.set_num_threads(2)
    assert [_threads.threads_for(8, operations) for operations in (0, _threads.SMALL - 1, _threads.SMALL)] == [1, 1, 2]
    assert [_threads.threads_for(blocks, 1e12) for blocks in (0, 1, 2, 8)] == [1, 1, 2, 2]
    fastnet.set_num_threads(1)
    assert _threads.threads_for(8, 1e12) == 1


@pytest.mark.usefixtures("shared")
def test_helpers_are_started_once(twins):
    kernels, _ = twins
    x, W = np.ones((20, 1, 8, 8)), np.ones((4, 1, 3, 3))
    fastnet.set_num_threads(3)
    for _ in range(3):
        kernels.convolution(x, W, np.zeros(4), 1, 0)
        helpers = {thread for thread in threading.enumerate() if thread.name == _threads.HELPER}
        assert len(helpers) >= 2
    before = helpers
    kernels.convolution(x, W, np.zeros(4), 1, 0)
    assert {thread for thread in threading.enumerate() if thread.name == _threads.HELPER} == before
    assert all(thread.daemon for thread in before)  # Python need not wait for them when it ends


@pytest.mark.usefixtures("shared")
def test_where_no_thread_can_be_started_the_caller_computes_all(twins, monkeypatch):
    kernels, _ = twins
    x, W = np.random.default_rng(0).normal(size=(20, 1, 8, 8)), np.ones((4, 1, 3, 3))
    expected = with_threads(1, lambda: kernels.convolution(x, W, np.zeros(4), 1, 0))

    def fails(*_, **__):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", fails)
    found = with_threads(64, lambda: kernels.convolution(x, W, np.zeros(4), 1, 0))
    assert np.array_equal(found, expected)


def test_no_helper_is_lost_where_memory_is_short():
    program = """
import threading
import numpy as np, fastnet
from fastnet import _threads
from fastnet._twins.shared import products
fastnet.use_backend("cython")

def fails(*_):
    raise MemoryError

products.empty, _threads.SMALL = fails, 0
fastnet.set_num_threads(3)
try:
    fastnet.layers.Convolution(np.ones((4, 1, 3, 3)), np.zeros(4)).forward(np.ones((20, 1, 8, 8)))
except MemoryError:
    print(threading.active_count())
"""
    kernel_module("cython")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "1\n", done.stderr  # no helper waits for the end of a call that has failed


def test_calls_do_without_the_helpers_that_cannot_be_started():
    program = """
import threading
import numpy as np, fastnet
from fastnet import _threads
fastnet.use_backend("cython")
_threads.SMALL = 0
layer, x = fastnet.layers.Convolution(np.ones((4, 1, 3, 3)), np.zeros(4)), np.ones((20, 1, 8, 8))
out = layer.forward(x)

def interrupted(work):
    raise KeyboardInterrupt

def refused(thread):
    raise RuntimeError("can't start new thread")

start, _threads.start = _threads.start, interrupted
fastnet.set_num_threads(3)
try:
    layer.forward(x)
except KeyboardInterrupt:
    print("interrupted")
_threads.start, starts = start, threading.Thread.start
for threading.Thread.start in (refused, starts):  # no thread is left; then there are some
    assert np.array_equal(layer.forward(x), out)
    assert _threads.each(abs, [-1, -2, -3]) == [1, 2, 3]
"""
    kernel_module("cython")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)


@pytest.mark.parametrize("threads", [1, 3])
def test_python_ends_while_a_daemon_thread_computes(threads):
    program = f"""
import threading
import numpy as np, fastnet
from fastnet import _threads
_threads.SMALL = 0
fastnet.set_num_threads({threads})
layer, x = fastnet.layers.Convolution(np.ones((4, 1, 3, 3)), np.zeros(4)), np.ones((100, 1, 28, 28))
begun = threading.Event()

def work():
    while True:
        layer.forward(x)
        begun.set()

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""
    kernel_module("cython")  # NumPy's twins have no helper threads
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.usefixtures("shared")
@BOTH_DTYPES
@pytest.mark.parametrize("size", [8191, 8192, 100_003])
def test_every_optimizer_has_the_same_bits_on_any_number_of_threads(twins, dtype, size):
    kernels, _ = twins
    random = np.random.default_rng(0)
    g, *start = random.normal(size=(4, size)).astype(dtype)
    numbers = {
        "descend": (0, 0.1), "momentum": (1, 0.1, 0.9), "nesterov": (1, 0.1, 0.9), "adagrad": (1, 0.1),
        "rmsprop": (1, 0.1, 0.99), "adam": (2, 0.1, 0.9, 0.999),
    }

    def call():
        moved = []
        for name, (remembered, *rest) in numbers.items():
            p, *state = (np.abs(array) for array in start[: 1 + remembered])
            for _ in range(3):
                getattr(kernels, name)(p, g, *state, *rest)
            moved += [p, *state]
        return moved

    one = with_threads(1, call)
    for n in (2, 3, 8):
        assert same(one, with_threads(n, call))


@pytest.mark.usefixtures("shared", "backend")
def test_many_threads_of_the_users_own_get_their_own_results():
    fastnet.set_num_threads(2)
    network = SimpleConvNet((1, 8, 8), hidden_size=5, seed=0)
    x, _ = images(network, 20, np.float64)
    layer = network.layers["Conv1"]
    expected = [fastnet.layers.Convolution(layer.W * k, layer.b).forward(x) for k in range(8)]

    def call(k):
        return [fastnet.layers.Convolution(layer.W * k, layer.b).forward(x) for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        for of_k, wanted in zip(pool.map(call, range(8)), expected, strict=True):
            assert all(np.array_equal(out, wanted) for out in of_k)


# --- errors, interrupts, forks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [0, 3, 9])
def test_an_error_comes_out_when_nothing_runs_any_more(where):
    fastnet.set_num_threads(3)
    running = []

    def call(k):
        running.append(k)
        try:
            if k == where:
                raise LookupError(f"in call {k}")
        finally:
            running.remove(k)

    with pytest.raises(LookupError, match=f"in call {where}"):
        _threads.each(call, range(10))
    assert not running
    assert _threads.each(str, range(5)) == list("01234")  # the next call works


def test_an_error_of_predict_comes_out_of_accuracy():
    fastnet.set_num_threads(2)
    network = TwoLayerNet(4, 5, 3, seed=0)
    network.params["W1"] = np.ones((3, 5))
    with pytest.raises(ValueError, match="W1"):
        network.accuracy(np.ones((2500, 4)), np.zeros(2500, int))


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C alone")
def test_ctrl_c_interrupts_and_the_next_call_works():
    fastnet.set_num_threads(2)
    main, begun, ended = threading.get_ident(), threading.Event(), []

    def call(k):
        if threading.get_ident() == main:
            begun.wait(timeout=30)
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000):
                threading.Event().wait(0.01)  # interrupted
        else:
            begun.set()
            threading.Event().wait(0.05)
            ended.append(k)

    with pytest.raises(KeyboardInterrupt):
        _threads.each(call, range(2))
    assert len(ended) == 1  # the other thread was waited for
    assert _threads.each(abs, [-1, -2]) == [1, 2]


def test_an_update_in_a_thread_of_its_own_is_interrupted_there(monkeypatch):
    kernel_module("cython")
    params = {name: np.zeros(10_000) for name in "abc"}
    grads = {name: np.ones(10_000) for name in "abc"}
    optimizer = fastnet.optimizer.SGD(1.0)
    with fastnet.use_backend("cython"):
        optimizer.update(params, {name: np.zeros(10_000) for name in "abc"})  # from now on, it knows the parameters
    main, begun, seen = threading.get_ident(), [], []

    def interrupted(*_):
        assert threading.get_ident() != main
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return 1

    def work():
        try:
            with fastnet.use_backend("cython"):
                optimizer.update(params, grads)
        except KeyboardInterrupt:
            seen.append([float(array.max()) for array in params.values()])

    monkeypatch.setattr(_threads, "threads_for", interrupted)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [[-1, -1, -1]]  # every parameter made the step


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C alone")
def test_ctrl_c_while_the_caller_waits_comes_out_when_nothing_runs_any_more():
    fastnet.set_num_threads(2)
    main, begun, running, calls = threading.get_ident(), threading.Event(), [], []

    def call(k):
        calls.append(k)
        if threading.get_ident() == main:
            assert begun.wait(timeout=30)
            return
        running.append(k)
        begun.set()
        for _ in range(3):  # the caller has nothing left to do, and waits
            threading.Event().wait(0.05)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.05)
        running.remove(k)

    with pytest.raises(KeyboardInterrupt):
        _threads.each(call, range(2))
    assert sorted(calls) == [0, 1]
    assert not running
    assert _threads.each(abs, [-1, -2]) == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_computes_too_and_both_end():
    # In a process of its own: Python 3.12 warns of a fork where threads are running.
    program = """
import os, warnings
import numpy as np, fastnet
from fastnet import _threads
warnings.simplefilter("ignore", DeprecationWarning)
_threads.SMALL = 0
fastnet.set_num_threads(2)
layer = fastnet.layers.Convolution(np.ones((4, 1, 3, 3)), np.zeros(4))
x = np.ones((20, 1, 8, 8))
out = layer.forward(x)
child = os.fork()
assert np.array_equal(layer.forward(x), out)
assert _threads.each(abs, range(5)) == list(range(5))
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print("both")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr


def test_importing_fastnet_starts_no_thread_and_imports_no_pool():
    program = """
import sys, threading, fastnet
print(threading.active_count(), "concurrent.futures" in sys.modules, "threadpoolctl" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    alone = subprocess.run(
        [sys.executable, "-c", "import sys, numpy; print('concurrent.futures' in sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    )
    assert done.stdout.split() == ["1", alone.stdout.strip(), "False"]


@pytest.mark.parametrize(
    ("backend", "samples", "in_threads"), [("cython", 1001, True), ("cython", 1000, False), ("numpy", 1001, False)]
)
def test_many_samples_are_predicted_in_threads_where_numpy_does_not_start_its_own(
    backend, samples, in_threads, monkeypatch
):
    kernel_module(backend)
    called = []
    each = _threads.each
    monkeypatch.setattr(_threads, "each", lambda *arguments: called.append(1) or each(*arguments))
    with fastnet.use_backend(backend):
        TwoLayerNet(4, 3, 2, seed=0).accuracy(np.ones((samples, 4)), np.zeros(samples, int))
    assert bool(called) is in_threads
