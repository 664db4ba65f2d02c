"""How much `pytest` tests: everything with `--full`, otherwise a sample.

`sample` chooses from the tests of each test function. Every value of every parameter occurs in the sample. A test that
loops over many values itself calls `thinned`. Both choose the same in every run.
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
DRAWN = 0.02  # the share of the other tests that is kept too


def thinned(values: Sequence[Value], share: float) -> Sequence[Value]:
    """Return all values with `--full`, otherwise a random share of them that includes the first and the last."""
    if FULL:
        return values
    n = len(values)
    drawn = np.random.default_rng(0).random(n) < share
    drawn[[0, -1]] = True
    return [value for value, kept in zip(values, drawn, strict=True) if kept]


def is_sampled(name: str, share: float) -> bool:
    """Return whether a test of this name belongs to the random share; with `--full`, every test does."""
    return FULL or random.Random(name).random() < share


def sample(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the tests that are kept, and the others."""
    functions = defaultdict(list)
    for item in items:
        functions[item.nodeid.partition("[")[0]].append(item)
    kept = {item for name, those in functions.items() for item in _cover(name, those)}
    return [item for item in items if item in kept], [item for item in items if item not in kept]


def _cover(name: str, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
    """Choose from the tests of one function so that every value of every parameter occurs, and some others."""
    if len(items) == 1:
        return items
    in_use = get_backend()
    draw = random.Random(name)  # not the hash of the name, which differs from process to process
    in_use_first = sorted(draw.sample(items, len(items)), key=lambda item: _parameters(item).get("backend") != in_use)
    values = {item: _values(item) for item in in_use_first}
    missing = set().union(*values.values())
    kept = []
    # Greedy: first the tests that add the most values, at last those that add one.
    for least in range(max(map(len, values.values())), 0, -1):
        for item, those in values.items():
            if len(those & missing) >= least:
                kept.append(item)
                missing -= those
    chosen = set(kept)
    others = [item for item in items if item not in chosen]
    return kept + draw.sample(others, round(DRAWN * len(others)))


def _values(item: pytest.Item) -> set[Hashable]:
    """Return the values of a test's parameters: one row of each `parametrize`, and the parameters of its fixtures.

    In tests/twins, a row counts as two values: one for the compiled kernels, and one for those in NumPy.
    """
    params = _parameters(item)
    decorators = [mark.args[0] for mark in item.iter_markers("parametrize")]
    rows = [tuple(names.replace(" ", "").split(",") if isinstance(names, str) else names) for names in decorators]
    fixtures = [(name,) for name in params if not any(name in row for row in rows)]
    twin = params.get("kernels", params.get("backend")) if item.nodeid.startswith("tests/twins/") else None
    return {(twin, row, *(id(params[name]) for name in row)) for row in rows + fixtures}


def _parameters(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}
