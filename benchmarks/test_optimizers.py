"""One update of the weights of the book's first layer, 784 x 50, with every optimizer."""

from itertools import count

import numpy as np
import peers
import pytest

from fastnet import optimizer
from fastnet._bench import plain, timing
from fastnet._bench.timing import TEXTBOOK, Contender

pytestmark = pytest.mark.benchmark(max_time=0.1, min_rounds=3)

SHAPE = (784, 50)
MEMORIES = {"SGD": 0, "Momentum": 1, "Nesterov": 1, "AdaGrad": 1, "RMSprop": 1, "Adam": 2}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("implementation", peers.implementations("update"))
def test_update(compare, name, dtype):
    param, gradient = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(dtype)
    grads = {"W1": gradient}

    def of_textbook():
        params = {"W1": param.copy()}
        memories = [{"W1": np.zeros_like(param)} for _ in range(MEMORIES[name])]
        formula, updates = getattr(plain, name.lower()), count(1)

        def update():
            formula(params, grads, *memories, *([next(updates)] if name == "Adam" else []))
            return params["W1"]

        return update

    def ours():
        params, made = {"W1": param.copy()}, getattr(optimizer, name)()

        def update():
            made.update(params, grads)
            return params["W1"]

        return update

    contenders = {TEXTBOOK: Contender(of_textbook()), **timing.twins(ours)}
    contenders |= peers.contenders("update", name, param, gradient)
    # PyTorch rounds at other steps.
    tolerance = 8 * np.finfo(dtype).eps
    compare("optimizer", f"{name}, 784 x 50, {dtype}", contenders, tolerance, tolerance)
