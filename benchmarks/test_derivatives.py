"""The gradient of one function by fastnet and by other tools: right to what its table says, and timed."""

import derivatives
import numpy as np
import pytest

from fastnet.functions import softmax

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
