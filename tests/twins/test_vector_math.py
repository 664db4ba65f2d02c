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


def reaching(function, values, dtype):
    """The values whose result is no larger than the largest number, and the exact results."""
    values = thinned(values.astype(dtype), 0.2)
    with mpmath.workprec(BITS):
        pairs = [(value, function(mpmath.mpf(float(value)))) for value in values]
        pairs = [(value, exact) for value, exact in pairs if exact < mpmath.mpf(float(np.finfo(dtype).max))]
    return np.array([value for value, _ in pairs], dtype), [exact for _, exact in pairs]


@BOTH_DTYPES
def test_exp_over_its_whole_range(compiled, dtype):
    random = np.random.default_rng(0)
    info = np.finfo(dtype)
    lowest, highest = np.log(info.smallest_subnormal), np.log(info.max)
    x = [
        random.uniform(lowest - 2, highest, 4000),
        random.uniform(lowest - 2, np.log(info.tiny) + 1, 1000),  # to subnormal numbers, and to 0
        random.uniform(highest - 1, highest, 500),
        random.uniform(-1, 1, 1000),
        np.exp2(random.uniform(info.minexp - info.nmant, 0, 500)) * random.choice([-1, 1], 500),
    ]
    x, exact = reaching(mpmath.exp, np.concatenate(x), dtype)
    results = compiled.exp(x)
    assert ((results > 0) & (results < info.tiny)).sum() > 50
    assert ulps(results, exact) <= LIMIT[dtype]


@BOTH_DTYPES
def test_log_over_its_whole_range(compiled, dtype):
    random = np.random.default_rng(0)
    info = np.finfo(dtype)
    x = [
        np.exp2(random.uniform(info.minexp - info.nmant, info.maxexp, 4000)),
        np.exp2(random.uniform(info.minexp - info.nmant, info.minexp, 500)),  # subnormal
        random.uniform(0.5, 2, 2000),
        1 + random.normal(size=500) * np.exp2(random.uniform(-info.nmant, -1, 500)),  # the result is close to 0
    ]
    x = np.concatenate(x).astype(dtype)
    x, exact = reaching(mpmath.log, x[(x > 0) & np.isfinite(x) & (x != 1)], dtype)
    assert ulps(compiled.log(x), exact) <= LIMIT[dtype]


@BOTH_DTYPES
@pytest.mark.parametrize("copies", [1, 100])  # one by one, and many at once
def test_exp_and_log_of_special_values(compiled, dtype, copies):
    huge = np.finfo(dtype).max

    def of(function, *values):
        return [function(np.full(copies, value, dtype))[-1] for value in values]

    inf, nan = np.inf, np.nan
    np.testing.assert_array_equal(of(compiled.exp, -inf, -huge, -0.0, 0, huge, inf, nan), [0, 0, 1, 1, inf, inf, nan])
    np.testing.assert_array_equal(of(compiled.log, -inf, -1, -0.0, 0, 1, inf, nan), [nan, nan, -inf, -inf, 0, inf, nan])


def test_the_instruction_set_is_the_one_that_is_expected(compiled):
    expected = os.environ.get("FASTNET_TEST_INSTRUCTION_SET")
    assert compiled.instruction_set() in ([expected] if expected else ["AVX-512", "AVX2 and FMA", "baseline"])
