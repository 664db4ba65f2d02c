"""What is tested without `--full`: of every test function a sample in which every value of every parameter occurs."""

import itertools
from types import SimpleNamespace

import effort
import pytest

BACKENDS, DTYPES, SIZES = ["cython", "numpy"], ["f4", "f8"], [object() for _ in range(10)]


class Item:
    """As much of a test as decides whether it is kept."""

    def __init__(self, nodeid, marks=(), **params):
        self.nodeid, self.marks = nodeid, marks
        if params:
            self.callspec = SimpleNamespace(params=params)

    def iter_markers(self, _):
        return [SimpleNamespace(args=(names,)) for names in self.marks]


def grid(folder, fixture="backend"):
    """Each combination of a fixture's parameter, of dtypes and of sizes with a result."""
    name, marks = f"{folder}/test_it.py::test_it", ("dtype", "size, result")
    return [
        Item(f"{name}[{number}]", marks, dtype=dtype, size=size, result=None, **{fixture: backend})
        for number, (backend, dtype, size) in enumerate(itertools.product(BACKENDS, DTYPES, SIZES))
    ]


def test_every_value_of_every_parameter_is_kept_and_the_same_tests_every_time():
    tests = grid("tests/functions")
    kept, others = effort.sample(tests)
    assert effort.sample(tests) == (kept, others)
    assert sorted([*kept, *others], key=tests.index) == tests
    assert len(kept) < len(tests) / 3
    for name, values in {"backend": BACKENDS, "dtype": DTYPES, "size": SIZES}.items():
        assert {test.callspec.params[name] for test in kept} == set(values)


@pytest.mark.parametrize("fixture", ["kernels", "backend"])
def test_both_twins_are_kept_with_every_value(fixture):
    kept, _ = effort.sample(grid("tests/twins", fixture))
    for name, values in {"dtype": DTYPES, "size": SIZES}.items():
        pairs = {(test.callspec.params[fixture], test.callspec.params[name]) for test in kept}
        assert pairs == set(itertools.product(BACKENDS, values))


def test_tests_without_parameters_are_kept():
    tests = [Item("test_one"), Item("test_two")]
    assert effort.sample(tests) == (tests, [])


@pytest.mark.parametrize("full", [False, True])
def test_of_many_values_a_share_is_kept_with_the_first_and_the_last(monkeypatch, full):
    monkeypatch.setattr(effort, "FULL", full)
    kept = effort.thinned(range(1000), 0.2)
    if full:
        assert len(kept) == 1000
    else:
        assert 150 < len(kept) < 250  # 200, give or take four standard deviations; always the same
        assert (kept[0], kept[-1]) == (0, 999)
        assert list(kept) == sorted(set(kept))
