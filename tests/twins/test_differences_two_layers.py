"""The numerical gradient of the two-layer network, evaluated by differences: is it what the textbook's loop gives?

Where the loop's own rounding is too large to tell (it is about 1e-16 / h), the loop is run with 40 digits.
"""

import itertools
import signal
import sys
import threading
import time

import mpmath
import numpy as np
import pytest
from effort import thinned

from fastnet import TwoLayerNet

EPS = 1e-7


def loop(loss, params, h):
    """The textbook's: every element of every parameter in its turn."""
    gradients = []
    for param in params:
        gradient = np.zeros(param.shape)
        for at in np.ndindex(param.shape):
            kept = param[at]
            param[at] = kept + h
            plus = loss(*params)
            param[at] = kept - h
            gradient[at] = (plus - loss(*params)) / (2 * h)
            param[at] = kept
        gradients.append(gradient)
    return gradients


@np.errstate(all="ignore")
def textbook_loss(x, t, W1, b1, W2, b2):
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    a = z @ W2 + b2
    e = np.exp(a - a.max(axis=1, keepdims=True))
    logs = np.log(e / e.sum(axis=1, keepdims=True) + EPS)
    return -np.sum(logs[np.arange(len(t)), t] if t.ndim == 1 else t * logs) / len(x)


def textbook(x, t, *params, h):
    return loop(lambda *moved: textbook_loss(x, t, *moved), [param.copy() for param in params], h)


exp, log, number = (np.vectorize(f, otypes=[object]) for f in (mpmath.exp, mpmath.log, mpmath.mpf))


def exact(x, t, *params, h):
    """The same in 40 digits."""

    def loss(W1, b1, W2, b2):
        z = 1 / (1 + exp(-(x @ W1 + b1)))
        a = z @ W2 + b2
        e = exp(a - a.max(axis=1, keepdims=True))
        return -np.sum(t * log(e / e.sum(axis=1, keepdims=True) + EPS)) / len(x)

    with mpmath.workdps(40):
        t = np.eye(params[-1].size)[t] if t.ndim == 1 else t
        x, t, *params = map(number, (x, t, *params))
        return loop(loss, params, mpmath.mpf(h))


def case(seed, shape=(3, 4, 3, 4), std1=1.0, std2=1.0, size=1.0, soft=False):
    """N, D, H, C = shape. About a third of x is 0, with one row and one column of zeros."""
    random = np.random.default_rng(seed)
    N, D, H, C = shape
    x = size * random.standard_normal((N, D)) * (random.random((N, D)) < 0.7)
    x[1:2] = x[:, 1:2] = 0.0
    t = random.standard_normal((N, C)) * (random.random((N, C)) < 0.7) if soft else random.integers(0, C, N)
    W1, b1, W2, b2 = (random.standard_normal(shape) for shape in ((D, H), H, (H, C), C))
    return x, t, std1 * W1, std1 * b1, std2 * W2, std2 * b2


def worst(got, want):
    return max(np.abs(a - b).max() for a, b in zip(got, want, strict=True))


def check(twins, arguments, h, tolerance=1e-10):
    # 1e-10 is a tenth of what is asked for; the kernels are within 4e-12, at gradients of up to some hundred.
    want = exact(*arguments, h=h)
    one, other = (twin.two_layer_differences(*arguments, h) for twin in twins)
    assert worst(one, want) <= tolerance
    assert worst(other, want) <= tolerance
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    return one, want


@pytest.mark.parametrize("h", [1e-8, 1e-6, 1e-4, 1.9e-3, 2e-3, 0.05, 1.0, 10.0])
@pytest.mark.parametrize(
    ("std1", "std2", "size"),
    [
        (0.01, 0.01, 1.0),
        (1.0, 1.0, 1.0),
        (1.0, 100.0, 1.0),  # saturated softmax: y is 0 and eps all that is left
        (100.0, 1.0, 1.0),  # saturated hidden units
        (100.0, 100.0, 30.0),
        (1e-3, 1.0, 1e3),  # large inputs of units that are not saturated
        (1e-3, 100.0, 1e3),
    ],
)
def test_exact_for_any_step_weights_and_inputs(twins, std1, std2, size, h):
    for seed, soft in enumerate([False, True]):
        arguments = case(seed, std1=std1, std2=std2, size=size, soft=soft)
        got, want = check(twins, arguments, h)
        # The loop itself: 1e-9 wherever it is so exact itself.
        book = textbook(*arguments, h=h)
        assert worst(got, book) <= max(1e-9, 1.01 * worst(book, want))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 2), (2, 3, 1, 2), (1, 2, 9, 3), (2, 1, 2, 11), (3, 2, 2, 1)])
@pytest.mark.parametrize("soft", [False, True])
def test_exact_for_any_shape(twins, shape, soft):
    for h in (1e-4, 0.1):
        check(twins, case(5, shape, soft=soft), h)


@pytest.mark.parametrize("seed", thinned(range(40), 0.25))
def test_exact_for_random_cases(twins, seed):
    random = np.random.default_rng(seed)
    std1, std2, size, h = 10 ** random.uniform([-4, -3, -2, -8], [2.5, 2.5, 3, 1])
    check(twins, case(seed, random.integers(1, 5, 4), std1, std2, size, seed % 2 == 1), h)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e60])
@pytest.mark.parametrize("which", [0, 1, 2, 3, 4, 5])
def test_leaves_what_is_not_finite_to_the_plain_loop(kernels, which, value):
    arguments = case(0, soft=True)
    arguments[which].flat[-1] = value
    assert kernels.two_layer_differences(*arguments, 1e-4) is None


def test_raises_no_warning_and_changes_no_input(kernels):
    arguments = case(0, std1=100.0, std2=1e4, size=1e3)
    before = [array.copy() for array in arguments]
    with np.errstate(all="raise"):
        for h in (1e-4, 10.0):
            got = kernels.two_layer_differences(*arguments, h)
            assert [array.shape for array in got] == [array.shape for array in arguments[2:]]
            assert all(np.isfinite(array).all() and array.flags.c_contiguous for array in got)
    for array, old in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_mnist(kernels, mnist):
    (x, labels), _ = mnist
    images = thinned(range(100), 0.2)
    x, labels = x[images].astype(float), labels[images].astype(np.intp)
    random = np.random.default_rng(0)
    shapes = (784, 50), 50, (50, 10), 10
    params = [std * random.standard_normal(shape) for std, shape in zip((0.01, 0.1, 0.3, 0.1), shapes, strict=True)]
    for t in (labels, 0.9 * np.eye(10)[labels] + 0.01):
        dW1, *rest = kernels.two_layer_differences(x, t, *params, 1e-4)
        for i, j in itertools.chain(random.integers(0, [784, 50], (100, 2)), [(300, 7), (400, 49)]):
            moved = [params[0].copy(), params[0].copy()]
            moved[0][i, j] += 1e-4
            moved[1][i, j] -= 1e-4
            plus, minus = (textbook_loss(x, t, W1, *params[1:]) for W1 in moved)
            assert abs((plus - minus) / 2e-4 - dW1[i, j]) <= 1e-9
        want = loop(lambda *moved, t=t: textbook_loss(x, t, params[0], *moved), [p.copy() for p in params[1:]], 1e-4)
        assert worst(rest, want) <= 1e-9


# Enough for ten looks for Ctrl-C, all of it in moves that are not tiny.
A_LOT_OF_WORK = case(0, (8, 20, 20, 20), soft=True)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_ctrl_c_is_heard_meanwhile(kernels):
    # Compiled code that never looked would leave all signals to the one handler that Python calls after it.
    heard = []
    last_handler = signal.signal(signal.SIGALRM, lambda *_: heard.append(None))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        before = len(heard)
        kernels.two_layer_differences(*A_LOT_OF_WORK, 1.0)
        assert len(heard) > before + 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, last_handler)


def test_other_threads_go_on_meanwhile(twins):
    compiled, _ = twins
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            time.sleep(0.001)  # not done.wait, in which a free-threaded Python spins where the cores are busy
            ticks.append(None)

    thread, interval = threading.Thread(target=tick), sys.getswitchinterval()
    sys.setswitchinterval(1000)  # seconds: nobody gets the GIL by waiting, only where it is let go
    thread.start()
    try:
        for _ in range(100):
            before = len(ticks)
            compiled.two_layer_differences(*A_LOT_OF_WORK, 1.0)
            if len(ticks) > before + 4:  # NumPy lets go of it, too, for a moment, at the beginning
                return
        pytest.fail("the other thread stood still")
    finally:
        sys.setswitchinterval(interval)
        done.set()
        thread.join()


def test_threads_do_not_disturb_each_other(kernels):
    cases = [case(seed, (8, 20, 20, 5), soft=True) for seed in range(4)]
    want = [kernels.two_layer_differences(*arguments, 1.0) for arguments in cases]
    got = [[] for _ in cases]

    def work(i):
        for _ in range(5):
            got[i].append(kernels.two_layer_differences(*cases[i], 1.0))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(cases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for mine, right in zip(got, want, strict=True):
        assert len(mine) == 5
        assert all(worst(gradients, right) == 0 for gradients in mine)


# --- through the network ---------------------------------------------------------------------------------------------


def network_of(arguments, dtype=np.float64):
    x, t, W1, b1, W2, b2 = arguments
    network = TwoLayerNet(*W1.shape, W2.shape[1], dtype=dtype)
    network.params = {"W1": W1.astype(dtype), "b1": b1.astype(dtype), "W2": W2.astype(dtype), "b2": b2.astype(dtype)}
    return network, x, t


class OwnLoss(TwoLayerNet):
    """The same loss, but a subclass's own: it gets the plain loop."""

    def loss(self, x, t):
        return super().loss(x, t)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("form", ["labels", "column of labels", "soft", "one sample"])
def test_the_network_gives_what_its_plain_loop_gives(form):
    network, x, t = network_of(case(3, soft=form == "soft"))
    if form == "column of labels":
        t = t[:, np.newaxis]
    if form == "soft":
        t = np.clip(t, 0, 1)
    if form == "one sample":
        x, t = x[0], t[0]
    plain = OwnLoss(4, 3, 4)
    plain.params = network.params
    before = {name: param.copy() for name, param in network.params.items()}
    got, want = network.numerical_gradient(x, t), plain.numerical_gradient(x, t)
    for name in want:
        assert got[name].dtype == want[name].dtype
        np.testing.assert_allclose(got[name], want[name], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(network.params[name], before[name])


@pytest.mark.usefixtures("backend")
def test_an_object_with_a_loss_of_its_own_gets_the_gradient_of_that():
    network, x, t = network_of(case(3))
    network.loss = lambda *_: float(np.sum(network.params["b1"] ** 2))
    np.testing.assert_allclose(network.numerical_gradient(x, t)["b1"], 2 * network.params["b1"], atol=1e-9)


@pytest.mark.usefixtures("backend")
def test_numbers_that_are_not_finite_come_out_as_in_the_plain_loop():
    network, x, t = network_of(case(3))
    plain = OwnLoss(4, 3, 4)
    plain.params = network.params
    for value in (np.inf, np.nan):
        network.params["W1"][1, 1] = value
        got, want = network.numerical_gradient(x, t), plain.numerical_gradient(x, t)
        for name in want:
            np.testing.assert_array_equal(got[name], want[name])


@pytest.mark.usefixtures("backend")
def test_a_float32_network_is_differentiated_in_float64():
    network, x, t = network_of(case(3), np.float32)
    x = x.astype(np.float32)  # as the network takes it
    wide, _, _ = network_of(case(3))
    wide.params = {name: param.astype(np.float64) for name, param in network.params.items()}
    got, want = network.numerical_gradient(x, t), wide.numerical_gradient(x, t)
    for name in want:
        assert got[name].dtype == np.float32
        np.testing.assert_array_equal(got[name], want[name].astype(np.float32))


@pytest.mark.usefixtures("backend")
def test_a_loss_of_another_network_is_taken_for_what_it_is():
    network, x, t = network_of(case(3))
    other, _, _ = network_of(case(4))
    network.loss = other.loss  # which no parameter of `network` changes
    assert not network.numerical_gradient(x, t)["W1"].any()


@pytest.mark.usefixtures("backend")
def test_a_loss_that_is_patched_into_the_class_is_respected(monkeypatch):
    network, x, t = network_of(case(3))
    monkeypatch.setattr(TwoLayerNet, "loss", lambda *_: 0.0)
    assert not network.numerical_gradient(x, t)["W1"].any()


@pytest.mark.usefixtures("backend")
def test_parameters_that_share_memory_move_together():
    x, t, W1, _, W2, b2 = case(3, (3, 4, 4, 4))
    network, x, t = network_of((x, t, W1, b2, W2, b2))
    plain = OwnLoss(4, 4, 4)
    network.params["b2"] = network.params["b1"]
    plain.params = network.params
    got, want = network.numerical_gradient(x, t), plain.numerical_gradient(x, t)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name])


@pytest.mark.usefixtures("backend")
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_float32_network_sees_its_input_as_float32_does():
    network, x, t = network_of(case(3), np.float32)
    x = x.copy()
    x[0, 0] = 1e39  # infinite in float32
    gradient = network.numerical_gradient(x, t)
    assert all(value.dtype == np.float32 for value in gradient.values())
    assert np.isnan(network.loss(x, t)) == np.isnan(gradient["b2"]).any()
