"""The option `--full`, and the fixtures that many tests use: each backend in turn, MNIST, figures."""

import functools
import gc
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
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
from fastnet.cli import main


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run every test on all of its parameters, not on a sample")


def pytest_configure(config: pytest.Config) -> None:
    effort.FULL = config.getoption("full")
    # A shell lets what it starts in the background ignore Ctrl-C, and so do the processes that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Collection makes many objects and no garbage. The garbage collector would take half of the time.
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


# The modules whose examples need the libraries of an extra. They are skipped only where nobody has installed it: the
# step of .ci/run with all extras first imports each of these libraries.
EXAMPLES_NEED = {
    "fastnet.interop.from_pytorch": ["torch"],
    "fastnet.interop.onnx_files": ["onnx", "onnxruntime"],
    "fastnet.interop.safetensors_files": ["safetensors"],
    "fastnet.interop.to_pytorch": ["torch"],
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            for library in EXAMPLES_NEED.get(item.name.rpartition(".")[0], []):
                if not find_spec(library):
                    item.add_marker(pytest.mark.skip(reason=f"needs {library}"))
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
    """What `load_mnist` returns, read once for all tests. The arrays are read-only, so no test changes them."""
    return _load_once()


@pytest.fixture
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fastnet.load_mnist` reads MNIST once for all tests that use this fixture. Its arrays are read-only."""
    monkeypatch.setattr(fastnet, "load_mnist", _load_once)


@pytest.fixture(scope="session", autouse=True)
def no_fsync() -> Iterator[None]:
    """Saving does not wait for the disk. Only after a power failure would that make a difference."""
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
    """Draw a figure, so that errors and warnings of drawing fail the test.

    Drawing takes longer than the rest of these tests. Without `--full`, only some of them draw.
    """

    def draw(figure: Any) -> None:
        if effort.is_sampled(request.node.nodeid, 0.2):
            figure.draw_without_rendering()

    return draw


@pytest.fixture
def drawn(ax: Any, draw: Callable[[Any], None]) -> Iterator[Any]:
    """The Axes `ax`. `draw` draws them after the test."""
    yield ax
    draw(ax.figure)


def _make_font(path: Path, family: str, letters: str) -> None:
    """Write a font with a filled square for every letter."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    square = TTGlyphPen(None)
    square.moveTo((100, 0))
    for corner in ((100, 800), (900, 800), (900, 0)):
        square.lineTo(corner)
    square.closePath()
    glyph = square.glyph()
    names = {ord(letter): f"u{ord(letter):x}" for letter in letters}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf(dict.fromkeys([".notdef", *names.values()], glyph))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Install fonts, by family and letters, on a machine that has matplotlib's own alone; gone after the test."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    own = [font for font in manager.ttflist if "mpl-data" in str(font.fname)]
    assert own
    monkeypatch.setattr(manager, "ttflist", own)

    def install(family: str, letters: str) -> None:
        path = tmp_path / f"{len(manager.ttflist)}.ttf"
        _make_font(path, family, letters)
        manager.addfont(path)

    yield install
    monkeypatch.undo()
    # What matplotlib remembers of the fonts that it found has to be forgotten: adding one does that.
    font_manager.fontManager.addfont(own[0].fname)
    font_manager.fontManager.ttflist.pop()


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are saved as one grey pixel each, because drawing takes longer than the rest of these tests."""
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
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Run `fastnet train`: its exit status, standard output and standard error."""

    def command(*arguments: object) -> tuple[Any, str, str]:
        try:
            status = main(["train", *[str(argument) for argument in arguments]])
        except SystemExit as stop:  # argparse's way
            status = stop.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are taken from one call a sample, and as few of them as there may be."""
    monkeypatch.setattr(timing, "SAMPLE", 0.0)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 1)


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Let a test that waits for other processes fail after two minutes, where the system has alarms."""

    def end(*_: object) -> None:
        raise TimeoutError("the test has waited for two minutes")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(120)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def no_processes_left() -> Iterator[None]:
    """End the processes that joblib keeps for later calls."""
    yield
    if sys.modules.get("joblib") is not None:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)
