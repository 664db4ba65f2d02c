"""The gradient of one function by fastnet and by other tools: right to what its table says, and timed."""

import derivatives
import numpy as np
import pytest

from fastnet._bench import timing
from fastnet.functions import softmax
from fastnet.gradient import numerical_gradient

pytestmark = pytest.mark.benchmark(group="derivatives", max_time=0.1, min_rounds=3)

X = np.random.default_rng(0).normal(size=derivatives.SIZE)
# Forward differences have an error of the order of their step, 1.5e-8; central ones with h = 1e-4 of rounding, 1e-11.
ERRORS = {"scipy.optimize.approx_fprime": 1e-6}
MADE = derivatives.contenders(X)


@pytest.mark.filterwarnings("ignore")  # warnings about other libraries do not concern fastnet
@pytest.mark.parametrize("tool", MADE)
def test_gradient(benchmark, tool):
    f, gradient = MADE[tool]
    found = benchmark(gradient, f)
    assert np.abs(np.asarray(found) - softmax(X)).max() < ERRORS.get(tool, 1e-9)


@pytest.mark.filterwarnings("ignore")
def test_slopes_at_a_kink():
    for tool, slopes in derivatives.at_a_kink().items():
        assert all(each is None or -1 <= each <= 1 for each in slopes), tool


@pytest.mark.parametrize("size", [1_000, 10_000, 100_000])
def test_own_cost_of_a_compiled_objective(benchmark, size):
    """The time of the loop itself, less that of the same calls in a compiled loop, in ns for each element."""
    numba = pytest.importorskip("numba")
    f = numba.cfunc("float64(intp, CPointer(float64))")(lambda n, x: x[n - 1])
    x, function = np.random.default_rng(0).normal(size=size), f.ctypes

    @numba.njit
    def calls(x):
        n, elements, total = x.size, x.ctypes, 0.0
        for _ in range(2 * n):
            total += function(n, elements)
        return total

    calls(x)
    both = {"gradient": lambda: numerical_gradient(f, x), "calls": lambda: calls(x)}
    taken = timing.medians({name: timing.Contender(call) for name, call in both.items()}, 1.0)
    benchmark.extra_info["own ns for each element"] = 1e9 * (taken["gradient"] - taken["calls"]) / size
    benchmark.extra_info["ns of the two calls"] = 1e9 * taken["calls"] / size
    benchmark(numerical_gradient, f, x)
