"""`fastnet bench`: measure in about ten seconds how much faster the compiled kernels are on this machine."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import fastnet
from fastnet import TwoLayerNet, _backend
from fastnet._bench import cases, plain, timing
from fastnet._bench.machine import machine
from fastnet._bench.timing import TEXTBOOK, Contender
from fastnet.cli import _arguments

SECONDS = 10.0
HEADINGS = {TEXTBOOK: "textbook", "numpy": "NumPy twin", "cython": "compiled"}


class Row(NamedTuple):
    """One line of the table."""

    name: str
    make: Callable[[], dict[str, Contender]]
    rtol: float  # how closely the results must agree
    atol: float


def add_parser(commands: Any) -> None:
    """Add `bench` to the commands."""
    parser = _arguments.add_command(
        commands,
        "bench",
        run,
        help="time the textbook's code and fastnet side by side",
        description="Time the textbook's code, fastnet's NumPy twins and its compiled kernels in turn, on one thread. "
        "The table shows medians, and each time divided by fastnet's time: below 1, fastnet is slower.",
    )
    parser.add_argument(
        "--seconds", type=_arguments.rate, metavar="S", default=SECONDS,
        help=f"how long to measure, about: a longer time gives more stable results (default: {SECONDS:g})",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, and print each row as soon as it is measured."""
    from threadpoolctl import threadpool_limits

    rows = list(_rows())
    width = max(len(row.name) for row in rows)
    names = [TEXTBOOK, *timing.twins(lambda: _rows)]
    ours = names[-1]
    with threadpool_limits(1), _backend.use_backend(ours):
        print("; ".join(f"{fact}: {value}" for fact, value in machine().items()))
        if ours != "cython":
            print("No compiled kernels run here: this compares the textbook's code with fastnet's NumPy twins.")
        print(f"Beside each time: the time divided by that of {HEADINGS[ours]}. Below 1, fastnet loses.\n")
        print(" " * width + "".join(f"{HEADINGS[name]:>20}" for name in names[:-1]) + f"{HEADINGS[ours]:>12}")
        for row in rows:
            print(_line(row, width, names, args.seconds / len(rows)), flush=True)
    print(f"\n* The textbook's loop: time of {cases.SAMPLED} parameters, scaled up, since all take the same time.")
    return 0


def _line(row: Row, width: int, names: list[str], seconds: float) -> str:
    contenders = row.make()
    try:
        timing.check(contenders, row.rtol, row.atol)
    except AssertionError as error:
        raise ValueError(f"{row.name}: the results differ, so their speeds cannot be compared: {error}") from None
    times = timing.medians(contenders, seconds)
    line, ours, lost = f"{row.name:<{width}}", times[names[-1]], []
    for name in names[:-1]:
        ratio = times[name] / ours
        line += f"{timing.duration(times[name]):>12}{timing.ratio(ratio):>8}"
        if timing.is_loss(ratio):
            lost.append(HEADINGS[name])
    line += f"{timing.duration(ours):>12}"
    return f"{line}  loses to {' and '.join(lost)}" if lost else line


def _rows() -> Iterator[Row]:
    random = np.random.default_rng(0)
    for dtype, rtol in ("float64", 1e-12), ("float32", 2e-5):
        atol = float(np.finfo(dtype).eps)  # the textbook's 1 - sigmoid(x) has the rounding error of 1
        for size in 10, 100_000:
            x = random.normal(scale=3, size=(size // 10, 10)).astype(dtype)
            y, labels = plain.softmax(x), random.integers(10, size=len(x))
            of = f"{dtype}, {size:,} elements"
            yield Row(f"sigmoid, {of}", partial(cases.expression, "sigmoid", x), rtol, atol)
            yield Row(f"softmax, {of}", partial(cases.expression, "softmax", x), rtol, atol)
            losses = partial(cases.expression, "cross_entropy_labels", y, labels)
            yield Row(f"cross-entropy of labels, {of}", losses, rtol, atol)
    yield Row("numerical_gradient of a trivial f, 1,000 elements", lambda: cases.loop(1000)[0], 0.0, 0.0)

    (images, labels), _ = fastnet.load_mnist(one_hot_label=True)
    x, t = images[:100], labels[:100]
    # The sums over 784 inputs differ in order: a few rounding errors of values below 1.
    step = "one training step, 784-50-10, batch 100"
    yield Row(f"{step}, float32", partial(cases.training_step, x, t, "float32"), 0.0, 20 * 2.0**-23)
    yield Row(f"{step}, the book's dtypes", partial(cases.training_step, x, t, "float64"), 0.0, 20 * 2.0**-52)
    # The textbook's loop has a rounding error of the loss, divided by 2h.
    network = TwoLayerNet(784, 50, 10, seed=0)
    gradients = partial(cases.network_gradient, network, x, t.argmax(axis=1))
    yield Row("numerical gradient of that network *", gradients, 0.0, 1e-9)
