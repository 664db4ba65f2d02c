"""Fixtures that run a test on both twins: the compiled kernels and the NumPy ones."""

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

# Before NumPy is imported, for the tests and for the processes that they start: where other work is going on, BLAS's
# threads wait for each other longer than they compute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import effort
from backends import BACKENDS, kernel_module

import fastnet
from fastnet import load_mnist
from fastnet._bench import timing


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run every test on all of its parameters, not on a sample")


def pytest_configure(config: pytest.Config) -> None:
    effort.FULL = config.getoption("full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not effort.FULL:
        items[:], others = effort.sample(items)
        config.hook.pytest_deselected(items=others)


@functools.cache
def _load_once(**options: bool) -> Any:
    parts = load_mnist(**options)
    for array in (*parts[0], *parts[1]):
        array.flags.writeable = False
    return parts


@pytest.fixture(scope="session")
def mnist() -> tuple[Any, Any]:
    """MNIST as `load_mnist` gives it, read once for all tests, and read-only, so that none changes it."""
    return _load_once()


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fastnet.load_mnist` reads MNIST once for all the tests that use this; none of them can change it."""
    monkeypatch.setattr(fastnet, "load_mnist", _load_once)


@pytest.fixture(scope="session", autouse=True)
def not_written_through() -> Iterator[None]:
    """No test has to survive a power cut: what is saved need not have reached the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


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
def draw(request: pytest.FixtureRequest) -> Callable[[Any], None]:
    """Draw a figure: what cannot be drawn, or only with a warning, fails.

    That takes longer than most tests of pictures: without `--full`, it is done in a few of them.
    """

    def draw(figure: Any) -> None:
        if effort.is_drawn(request.node.nodeid, 0.2):
            figure.draw_without_rendering()

    return draw


@pytest.fixture
def drawn(ax: Any, draw: Callable[[Any], None]) -> Iterator[Any]:
    """The Axes `ax`, drawn when the test is done with them, as `draw` does."""
    yield ax
    draw(ax.figure)


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are saved as a dot, each of another grey: to paint one may take longer than all that is tested."""
    from matplotlib.figure import Figure
    from PIL import Image

    grey = itertools.count(1)

    def save(_: Figure, file: Any, **__: Any) -> None:
        Image.new("L", (1, 1), next(grey)).save(file, "png")

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture
def plt() -> Iterator[Any]:
    """pyplot without a display, put back as it was."""
    import matplotlib.pyplot as plt

    with plt.rc_context(), plt.ioff():
        plt.switch_backend("Agg")
        try:
            yield plt
        finally:
            plt.close("all")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are taken from one call a sample, and as few of them as there may be."""
    monkeypatch.setattr(timing, "SAMPLE", 0.0)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 1)
