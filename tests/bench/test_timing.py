"""Speed comparisons: what is compared agrees and runs in turn. No time is asserted anywhere."""

import statistics
from operator import attrgetter

import numpy as np
import pytest
from cases import KERNELS

import fastnet
from fastnet import TwoLayerNet
from fastnet._bench import cases as comparisons
from fastnet._bench import timing
from fastnet._bench.timing import Contender

# --- the timer -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_contenders_are_timed_in_rounds_and_in_every_order(monkeypatch):
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 30)
    calls = []
    timing.medians({name: Contender(lambda name=name: calls.append(name)) for name in "abc"}, 1e-9)
    first, *rounds = ("".join(calls[i : i + 3]) for i in range(0, len(calls), 3))
    assert first == "abc"  # to see how long a call takes
    assert len(rounds) == 30
    assert set(rounds) == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_a_time_is_the_median_of_one_call_and_of_all_the_work(monkeypatch):
    class Timer:
        """1, 2, 3, ... ms for every call, and then the clock runs on."""

        def __init__(self, call, timer):
            assert timer is timing.CLOCK
            self.call = call
            self.now = 0

        def timeit(self, calls):
            self.now += 1
            samples[self.call].append(calls)
            return self.now * calls * 1e-3

    samples = {"whole": [], "tenth": []}
    monkeypatch.setattr("timeit.Timer", Timer)
    monkeypatch.setattr(timing, "SAMPLE", 3.5e-3)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 5)
    times = timing.medians({"a": Contender("whole"), "b": Contender("tenth", share=0.1)}, 1e-9)
    assert samples == {name: [1, 2, *5 * [2]] for name in samples}  # 1 ms is too short, 2 calls of 2 ms are not
    median = statistics.median([3, 4, 5, 6, 7]) * 1e-3
    assert times == pytest.approx({"a": median, "b": 10 * median}, rel=1e-12)


def test_a_contender_runs_on_its_backend_and_no_other(backend):
    found = timing.twins(lambda: fastnet.get_backend)
    assert "numpy" in found
    for name, contender in found.items():
        with contender.running():
            assert contender.call() == name
    assert fastnet.get_backend() == backend


# --- agreement -------------------------------------------------------------------------------------------------------


def test_a_contender_that_differs_is_named():
    contenders = {"a": Contender(lambda: 1.0), "b": Contender(lambda: 1.0 + 1e-9), "c": Contender(lambda: 2.0)}
    with pytest.raises(AssertionError, match=r"\bb\b"):
        timing.check(contenders, 1e-10, 0)
    with pytest.raises(AssertionError, match=r"\bc\b"):
        timing.check(contenders, 1e-6, 0)
    timing.check(contenders, 1e-6, 0, names=["b"])
    with pytest.raises(AssertionError):
        timing.check(contenders, 1e-6, 0, names=["c"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("textbook", [each for kernel in KERNELS for each in kernel.textbook], ids=attrgetter("name"))
def test_the_textbooks_formula_is_what_fastnet_computes(textbook, dtype):
    contenders = textbook.contenders(*textbook.arguments((40, 3) if textbook.of_rows else (120,), dtype))
    eps = np.finfo(dtype).eps
    # A few roundings, of sums too; the textbook's 1 - sigmoid(x) and 1 - tanh(x)^2 are off by a rounding of 1.
    timing.check(contenders, 20 * eps, 4 * eps)


def test_every_array_of_a_result_is_compared():
    first, other = {"W": np.ones(2), "b": np.zeros(2)}, {"W": np.ones(2), "b": np.array([0.0, 1.0])}
    contenders = {"a": Contender(lambda: first), "b": Contender(lambda: None, read=lambda _: other)}
    with pytest.raises(AssertionError, match="b b"):
        timing.check(contenders, 0, 0.5)


def test_what_is_expected_does_not_change_with_the_array_it_was_read_from():
    x = np.zeros(1)

    def move():
        x[:] += 1
        return x

    with pytest.raises(AssertionError):
        timing.check({"a": Contender(move), "b": Contender(move)}, 0, 0)


@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (1, 1, 2, 1), (40, 30, 3, 2)])
def test_the_sampled_loop_agrees_with_the_network_and_leaves_it_alone(shape):
    D, H, C, N = shape
    network = TwoLayerNet(D, H, C, weight_init_std=1.0, seed=0)
    before = {name: param.copy() for name, param in network.params.items()}
    random = np.random.default_rng(0)
    contenders = comparisons.network_gradient(network, random.random((N, D)), random.integers(C, size=N))
    timing.check(contenders, 0, 1e-9)
    parameters = sum(param.size for param in before.values())
    assert contenders["textbook"].share == comparisons.SAMPLED / parameters
    assert all(np.array_equal(network.params[name], value) for name, value in before.items())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_contender_trains_a_network_of_its_own(dtype):
    random = np.random.default_rng(0)
    x, t = random.random((7, 12)).astype(np.float32), np.eye(3)[random.integers(3, size=7)]
    contenders = comparisons.training_step(x, t, dtype)
    for _ in range(3):  # the third step starts where the second has ended
        timing.check(contenders, 0, 100 * np.finfo(dtype).eps)


# --- how it is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1234.5, "1,234 s"), (12.34, "12.3 s"), (1.0, "1.00 s"), (0.999, "999 ms"), (2.5e-6, "2.50 µs"),
     (7.2e-8, "72.0 ns"), (0.0, "0.00 ns")],
)
def test_a_duration_has_three_digits_and_the_unit_that_suits_it(seconds, text):
    assert timing.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text", "loss"),
    [(0.8, "0.80", True), (0.994, "0.99", True), (0.996, "1.00", False), (1.0, "1.00", False), (12.34, "12.3", False),
     (2900.4, "2,900", False)],
)
def test_a_ratio_is_a_loss_where_what_is_shown_is_below_1(value, text, loss):
    assert (timing.ratio(value), timing.is_loss(value)) == (text, loss)
