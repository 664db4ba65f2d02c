"""exp and log of the compiled kernels, which `_vector_math.pxd` computes itself, against mpmath.

At most 1 ULP off in float64 and 2 in float32, on every instruction set. CI runs this file on emulated older processors,
and says in FASTNET_TEST_INSTRUCTION_SET which instruction set has to be in use there.
"""

import os

import mpmath
import numpy as np
import pytest
from backends import kernel_module
from effort import thinned
from ulp import BITS, ulps

BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
LIMIT = {np.float64: 1, np.float32: 2}


@pytest.fixture
def compiled():
    return kernel_module("cython")


def exp(compiled, x):
    """exp(x) for x <= 0: the slope of elu there."""
    return compiled.elu_grad(x, 1.0)


def log(compiled, x):
    """log(x), by the loss of one sample of one class."""
    return -np.array([compiled.cross_entropy(value, np.array(0), 0.0) for value in x.reshape(-1, 1)])


def exactly(function, x):
    with mpmath.workprec(BITS):
        return [function(mpmath.mpf(float(value))) for value in x]


@BOTH_DTYPES
def test_exp_over_its_whole_range_up_to_0(compiled, dtype):
    random = np.random.default_rng(0)
    info = np.finfo(dtype)
    lowest = np.log(info.smallest_subnormal)
    x = [
        random.uniform(lowest - 2, 0, 4000),
        random.uniform(lowest - 2, np.log(info.tiny) + 1, 1000),  # to subnormal numbers, and to 0
        random.uniform(-1, 0, 1000),
        -np.exp2(random.uniform(info.minexp - info.nmant, 0, 500)),
    ]
    x = np.array(thinned(np.concatenate(x).astype(dtype), 0.2))
    results = exp(compiled, x)
    assert ((results > 0) & (results < info.tiny)).sum() > 50
    assert ulps(results, exactly(mpmath.exp, x)) <= LIMIT[dtype]


def test_log_over_its_whole_range(compiled):
    random = np.random.default_rng(0)
    info = np.finfo(np.float64)
    x = [
        np.exp2(random.uniform(info.minexp - info.nmant, info.maxexp, 4000)),
        np.exp2(random.uniform(info.minexp - info.nmant, info.minexp, 500)),  # subnormal
        random.uniform(0.5, 2, 2000),
        1 + random.normal(size=500) * np.exp2(random.uniform(-info.nmant, -1, 500)),  # the result is close to 0
    ]
    x = np.concatenate(x)
    x = np.array(thinned(x[(x > 0) & np.isfinite(x) & (x != 1)], 0.2))
    assert ulps(log(compiled, x), exactly(mpmath.log, x)) <= LIMIT[np.float64]


@BOTH_DTYPES
def test_exp_and_log_of_special_values(compiled, dtype):
    huge, inf, nan = np.finfo(dtype).max, np.inf, np.nan
    x = np.array([-inf, -huge, -1000, nan], dtype)
    np.testing.assert_array_equal(exp(compiled, x), [0, 0, 0, nan])
    x = np.array([-inf, -1, -0.0, 0, 1, inf, nan])
    np.testing.assert_array_equal(log(compiled, x), [nan, nan, -inf, -inf, 0, inf, nan])


def test_the_instruction_set_is_the_one_that_is_expected(compiled):
    expected = os.environ.get("FASTNET_TEST_INSTRUCTION_SET")
    assert compiled.instruction_set() in ([expected] if expected else ["AVX-512", "AVX2 and FMA", "baseline"])
