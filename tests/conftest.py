"""Fixtures that run a test on both twins: the compiled kernels and the NumPy ones."""

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

# Before NumPy is imported, for the tests and for the processes that they start: where other work is going on, BLAS's
# threads wait for each other longer than they compute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from backends import BACKENDS, kernel_module

import fastnet
from fastnet._bench import timing


@pytest.fixture(scope="session")
def mnist() -> tuple[Any, Any]:
    """MNIST as `load_mnist` gives it, unpacked once for all tests, and read-only, so that none changes it."""
    parts = fastnet.load_mnist()
    for x, t in parts:
        x.flags.writeable = t.flags.writeable = False
    return parts


@pytest.fixture(params=BACKENDS)
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    """Each twin, as a module object."""
    return kernel_module(request.param)


@pytest.fixture
def twins() -> tuple[ModuleType, ModuleType]:
    """Both twins, the compiled one first."""
    return kernel_module("cython"), kernel_module("numpy")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each backend in turn, in use for the length of the test."""
    kernel_module(request.param)
    with fastnet.use_backend(request.param):
        yield request.param


@pytest.fixture
def ax(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Axes of a figure of their own; pyplot, and the display it may open, cannot be imported meanwhile."""
    from matplotlib.figure import Figure

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    return Figure(layout="constrained").subplots()


@pytest.fixture
def drawn(ax: Any) -> Iterator[Any]:
    """The Axes `ax`, drawn when the test is done with them: what cannot be drawn, or only with a warning, fails."""
    yield ax
    ax.figure.canvas.draw()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are taken from one call a sample, and as few of them as there may be."""
    monkeypatch.setattr(timing, "SAMPLE", 0.0)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 1)
