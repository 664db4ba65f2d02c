"""How much is tested: all of it with `pytest --full`, as before a change lands, or else a sample of it.

The sample is the same in every run. Of a test function with many sets of parameters, `sample` keeps enough that every
value of every parameter occurs, and some more. Where one test goes through many values itself, `thinned` takes
some of them.
"""

import random
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import pytest

from fastnet import get_backend

Value = TypeVar("Value")

FULL = False  # conftest.py sets it
FEW = 4  # sets of parameters, all of which are kept
DRAWN = 0.02  # of the others


def thinned(values: Sequence[Value], share: float) -> Sequence[Value]:
    """All values with `--full`, or else a share of them, drawn, in their order; the first and the last are kept."""
    if FULL:
        return values
    n = len(values)
    drawn = np.random.default_rng(0).random(n) < share
    drawn[[0, -1]] = True
    return [value for value, kept in zip(values, drawn, strict=True) if kept]


def is_drawn(name: str, share: float) -> bool:
    """Whether a test of this name is among those that are drawn; all of them are with `--full`."""
    return FULL or random.Random(name).random() < share


def sample(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The tests that are kept, and the others."""
    functions = defaultdict(list)
    for item in items:
        functions[item.nodeid.partition("[")[0]].append(item)
    kept = {item for name, those in functions.items() for item in _cover(name, those)}
    return [item for item in items if item in kept], [item for item in items if item not in kept]


def _cover(name: str, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
    """Of the tests of one function, so many that every value of every parameter occurs, and some others."""
    if len(items) <= FEW:
        return items
    in_use = get_backend()
    draw = random.Random(name)  # seeded by the name itself, not by its hash, which is another in every process
    in_use_first = sorted(draw.sample(items, len(items)), key=lambda item: _parameters(item).get("backend") != in_use)
    values = {item: _values(item) for item in in_use_first}
    missing = set().union(*values.values())
    kept = []
    # The most useful first: those at whose turn several values are missing, at last those with one.
    for least in range(max(map(len, values.values())), 0, -1):
        for item, those in values.items():
            if len(those & missing) >= least:
                kept.append(item)
                missing -= those
    others = [item for item in items if item not in set(kept)]
    return kept + draw.sample(others, round(DRAWN * len(others)))


def _values(item: pytest.Item) -> set[Hashable]:
    """The values of a test's parameters: a row of each `parametrize`, and the parameters of its fixtures.

    A row of a test of the kernels is one value for the compiled kernels, and another for those in NumPy.
    """
    params = _parameters(item)
    decorators = [mark.args[0] for mark in item.iter_markers("parametrize")]
    rows = [tuple(names.replace(" ", "").split(",") if isinstance(names, str) else names) for names in decorators]
    fixtures = [(name,) for name in params if not any(name in row for row in rows)]
    twin = params.get("kernels")
    return {(twin, row, *(id(params[name]) for name in row)) for row in rows + fixtures}


def _parameters(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}
