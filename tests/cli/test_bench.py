"""`fastnet bench`: what it prints. No time is asserted."""


import numpy as np
import pytest
from backends import kernel_module

import fastnet
from fastnet import _backend
from fastnet._bench import plain, timing
from fastnet.cli import main


@pytest.fixture
def bench(capsys):
    """Run `fastnet bench` in this process: its exit status, standard output and standard error."""

    def command(*arguments):
        try:
            status = main(["bench", *arguments])
        except SystemExit as stop:  # argparse's way
            status = stop.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def uncompiled(monkeypatch):
    """A fastnet whose kernels were not built."""

    def load(name):
        if name == "numpy":
            return fastnet._kernels_numpy
        raise ImportError("fastnet's compiled kernels are not built.")

    with fastnet.use_backend("numpy"), monkeypatch.context() as patch:
        patch.setattr(_backend, "_load", load)
        yield


@pytest.mark.usefixtures("backend", "hasty", "loaded_once")
def test_bench_prints_the_machine_and_a_line_for_each_comparison(bench):
    kernel_module("cython")
    before = fastnet.get_backend()
    status, out, err = bench("--seconds", "1e-9")
    assert (status, err) == (0, "")
    assert fastnet.get_backend() == before
    machine, columns, ratio, _, heading, *rows = out.splitlines()
    for fact in ("processor: ", "backend: cython", f"instruction set: {kernel_module('cython').instruction_set()}",
                 f"NumPy: {np.__version__}", "BLAS: "):
        assert fact in machine
    assert "2 threads" not in machine
    assert columns == (
        "Times of one call. textbook: the book's code; NumPy twin: fastnet in NumPy alone; "
        "compiled: fastnet's compiled kernels."
    )
    assert "divided by the time of compiled. If it is 3, compiled is 3 times as fast. Below 1, fastnet loses." in ratio
    assert heading.split() == ["textbook", "ratio", "NumPy", "twin", "ratio", "compiled"]
    rows, (empty, note) = rows[:-2], rows[-2:]
    assert [row.partition(",")[0] for row in rows[:3]] == ["sigmoid", "softmax", "cross-entropy of labels"]
    assert empty == ""
    assert note.startswith("* ")
    assert sum("training step" in row for row in rows) == 2
    assert "numerical gradient of that network *" in rows[-1]
    for row in rows:
        numbers = row.partition("  loses to ")[0].split()[-8:]
        assert {numbers[1], numbers[4], numbers[7]} <= {"s", "ms", "µs", "ns"}, row
        lost = [float(numbers[i].replace(",", "")) < 1 for i in (2, 5)]
        assert ("loses to " in row) == any(lost), row
        assert [name in row for name in ("textbook", "NumPy twin")] == lost, row


@pytest.mark.usefixtures("uncompiled", "hasty", "loaded_once")
def test_without_compiled_kernels_bench_says_so_and_compares_the_others(bench):
    status, out, err = bench("--seconds", "1e-9")
    assert (status, err) == (0, "")
    assert "No compiled kernels run here" in out
    assert "divided by the time of NumPy twin" in out
    assert "compiled:" not in out
    heading = next(line for line in out.splitlines() if line.strip().startswith("textbook"))
    assert heading.split() == ["textbook", "ratio", "NumPy", "twin"]


@pytest.mark.usefixtures("hasty", "loaded_once")
def test_where_results_differ_bench_stops_in_one_line_and_times_nothing(bench, monkeypatch):
    monkeypatch.setattr(plain, "sigmoid", lambda x: x)
    monkeypatch.setattr(timing, "medians", lambda *_: pytest.fail("timed what differs"))
    status, _, err = bench()
    assert status == 1
    assert err.startswith("fastnet bench: error: sigmoid, float64, 10 elements: the results differ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seconds", "0"], "--seconds: must be a finite number above 0, got '0'"),
        (["--seconds", "nan"], "--seconds: must be a finite number above 0, got 'nan'"),
        (["--seconds", "soon"], "--seconds: must be a finite number above 0, got 'soon'"),
        (["--second"], "--seconds: expected one argument"),
        (["sigmoid"], "unrecognized arguments: sigmoid"),
    ],
)
def test_what_was_mistyped_is_one_line(bench, arguments, complaint):
    status, out, err = bench(*arguments)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
