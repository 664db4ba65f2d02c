"""Every kernel on 10 to three million elements: the textbook's code, fastnet on both backends, and the peers."""

from itertools import repeat

import numpy as np
import peers
import pytest
from cases import KERNELS

from fastnet._bench.cases import loop

pytestmark = pytest.mark.benchmark(max_time=0.1, min_rounds=3)

SIZES = (10, 1_000, 100_000, 3_000_000)
SHAPES = [(size // C, C) for C in (10, 1_000) for size in SIZES if size >= C]
# Relative. The least precise implementation decides: a sum in float32 has many rounding errors.
TOLERANCE = {"float64": 1e-12, "float32": 5e-5}
ROUNDINGS = 4  # absolute, in eps: rounding errors of the textbook's 1 - sigmoid(x) and 1 - tanh(x)^2

each_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size:.0e}".replace("+0", ""))
each_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))


def comparisons(of_rows):
    """Parametrize by every formula of the textbook that has a kernel, and by every implementation of it."""
    formulas = [each for kernel in KERNELS for each in kernel.textbook if each.of_rows is of_rows]
    return pytest.mark.parametrize(
        ("textbook", "implementation"),
        [(each, name) for each in formulas for name in peers.implementations(each.name)],
        ids=lambda value: getattr(value, "name", value),
    )


def run(compare, textbook, shape, dtype):
    name, arguments = textbook.name, textbook.arguments(shape, dtype)
    contenders = textbook.contenders(*arguments) | peers.contenders(name, *arguments)
    of = " x ".join(f"{length:,}" for length in shape)
    compare(name, f"{dtype}, {of}", contenders, TOLERANCE[dtype], ROUNDINGS * np.finfo(dtype).eps)


@each_dtype
@each_size
@comparisons(of_rows=False)
def test_kernels_of_elements(compare, dtype, size, textbook):
    run(compare, textbook, (size,), dtype)


@each_dtype
@each_shape
@comparisons(of_rows=True)
def test_kernels_of_rows(compare, dtype, shape, textbook):
    run(compare, textbook, shape, dtype)


@pytest.mark.parametrize("implementation", peers.implementations("numerical_gradient"))
def test_numerical_gradient(compare):
    """The time of the loop itself, without the two calls of `f` for every element."""
    size = 1_000
    contenders, f, x = loop(size)

    def calls():
        for _ in repeat(None, 2 * size):
            f(x)

    # Tolerance 0: float64 follows the book's arithmetic bit for bit.
    compare("numerical_gradient", "own cost per element", contenders, 0, 0, less=calls, per=size)
