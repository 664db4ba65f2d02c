"""benchmarks/duration.py: how long the benchmarks take is said before they start."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

least = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "duration.py"))["least"]


def item(name, **given):
    """A collected test, with its parameters."""
    marker = pytest.mark.benchmark(max_time=0.5).mark
    return SimpleNamespace(
        nodeid=f"test_kernels.py::{name}[{'-'.join(map(str, given.values()))}]",
        callspec=SimpleNamespace(params=given),
        get_closest_marker=lambda _: marker,
    )


def test_a_comparison_counts_once_for_all_implementations_and_every_test_for_itself():
    items = [
        item("test_elements", size=size, implementation=implementation)
        for size in range(30)
        for implementation in ("textbook", "numpy", "cython", "torch")
    ]
    said = least(items, 2.0)
    assert "at least 2 minutes" in said  # 30 * 2 s + 120 * 0.5 s
    assert "(comparisons: 30, tests: 120)" in said


def test_all_sizes_of_a_growing_problem_are_one_comparison():
    items = [item("test_training", implementation="numpy", images=images) for images in (1_000, 60_000)]
    assert "at least 2 seconds, and more on a busy machine (comparisons: 1, tests: 2)" in least(items, 1.0)


def test_a_test_that_is_no_benchmark_is_not_counted():
    other = SimpleNamespace(get_closest_marker=lambda _: None)
    assert least([other], 1.0) is None
    said = least([other, item("test_own_cost", implementation="cython")], 1.0)
    assert "at least 2 seconds" in said  # 1 s + 0.5 s
    assert "(comparisons: 1, tests: 1)" in said
