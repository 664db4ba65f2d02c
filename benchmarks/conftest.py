"""The fixtures of the benchmarks: run on one thread, check that results agree, then time in two ways.

pytest-benchmark times the implementations one after another, and prints and stores its statistics. The ratios that
fastnet publishes come from `fastnet._bench.timing`, which times the implementations of a group in turn. `report.py`
makes a table and a chart of them.
"""

from pathlib import Path

import duration
import peers
import pytest
from report import Report
from threadpoolctl import threadpool_limits

import fastnet
from fastnet._bench import timing
from fastnet._bench.machine import machine

REPORT = pytest.StashKey()
SECONDS = 1.0  # how long the rounds of one group take


def pytest_addoption(parser):
    parser.addoption(
        "--fastnet-report", type=Path, metavar="DIR", help="write the ratios (Markdown, JSON) and their chart to DIR"
    )


def pytest_configure(config):
    with threadpool_limits(1):
        config.stash[REPORT] = Report(machine=machine())


def pytest_report_collectionfinish(config, items):
    untimed = any(map(config.getoption, ("benchmark_disable", "benchmark_skip", "collectonly")))
    return None if untimed else duration.least(items, SECONDS)


@pytest.hookimpl(trylast=True)  # below pytest-benchmark's tables
def pytest_terminal_summary(terminalreporter, config):
    report = config.stash[REPORT]
    if not report.rows:
        return
    terminalreporter.section("ratios to fastnet", sep="-")
    terminalreporter.write_line(report.text())
    folder = config.getoption("--fastnet-report")
    if folder is not None:
        report.write(folder)
        terminalreporter.write_line(f"\nwritten to {folder}")


@pytest.fixture(autouse=True)
def one_thread():
    """Use one thread: for these small products threads cost more than they gain, and other load changes their times."""
    before = fastnet.get_num_threads()
    fastnet.set_num_threads(1)
    with threadpool_limits(1):
        yield
    fastnet.set_num_threads(before)


@pytest.fixture
def compare(request, benchmark, implementation):
    """Check one implementation against the textbook, and time it. A group's first test does so for the whole group."""
    report = request.config.stash[REPORT]

    def compare(kernel, of, contenders, rtol, atol, less=None, per=1):
        """For the report, subtract the time of the call `less` from every time, and divide the rest by `per`."""
        benchmark.group = f"{kernel}, {of}"
        if implementation not in contenders:
            pytest.skip(_why_missing(implementation))
        first = not benchmark.disabled and not report.has(kernel, of)
        timing.check(contenders, rtol, atol, contenders if first else (implementation,))
        if first:
            rest = {} if less is None else {"less": timing.Contender(less)}
            seconds = timing.medians({**contenders, **rest}, SECONDS)
            taken = seconds.pop("less", 0.0)
            report.add(kernel, of, {name: (value - taken) / per for name, value in seconds.items()})
        contender = contenders[implementation]
        with contender.running():
            benchmark.extra_info |= machine()
            benchmark.extra_info["share of the work that is timed"] = contender.share
            benchmark(contender.call)

    return compare


@pytest.fixture
def grow(request, benchmark, compare):
    """The same for a growing size. All sizes are timed in turn, so that they can be compared with each other."""
    report = request.config.stash[REPORT]

    def grow(kernel, sizes, size, make, rtol, atol):
        """`make` returns the contenders for a size."""
        if not benchmark.disabled and not report.has(kernel, size):
            contenders = {}
            for each in sizes:
                made = make(each)
                timing.check(made, rtol, atol)
                contenders |= {(each, name): contender for name, contender in made.items()}
            seconds = timing.medians(contenders, SECONDS)
            for each in sizes:
                report.add(kernel, each, {name: value for (of, name), value in seconds.items() if of == each})
        compare(kernel, size, make(size), rtol, atol)

    return grow


def _why_missing(implementation):
    if implementation in peers.PEERS:
        return f"{implementation} is installed, but cannot be imported"
    try:
        fastnet.use_backend(implementation)
    except ImportError as error:
        return str(error)
    raise AssertionError(f"{implementation} is available, but the comparison does not include it")


@pytest.fixture(scope="session")
def mnist():
    """Return 60,000 images in float32, their labels in int64, as PyTorch needs them, and their one-hot targets."""
    (x, t), _ = fastnet.load_mnist(one_hot_label=True)
    return x, t.argmax(axis=1), t
