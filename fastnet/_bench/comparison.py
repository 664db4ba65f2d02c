"""The table of `fastnet bench` and `fastnet.bench`: the textbook's code beside fastnet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np

import fastnet
from fastnet import TwoLayerNet, _backend, _html
from fastnet._bench import cases, plain, timing
from fastnet._bench.machine import machine
from fastnet._bench.timing import TEXTBOOK, Contender

HEADINGS = {TEXTBOOK: "textbook", "numpy": "NumPy twin", "cython": "compiled"}
MEANING = {TEXTBOOK: "the book's code", "numpy": "fastnet in NumPy alone", "cython": "fastnet's compiled kernels"}
NOTE = f"* The textbook's loop: time of {cases.SAMPLED} parameters, scaled up, since all take the same time."


class Case(NamedTuple):
    """What is computed in several ways."""

    name: str
    make: Callable[[], dict[str, Contender]]
    rtol: float  # how closely the results must agree
    atol: float


class Measured(NamedTuple):
    """One row of the table."""

    name: str
    seconds: dict[str, float]  # by contender; fastnet is the last


class Comparison:
    """The measurements: printed as a table, and in a notebook shown as one.

    Attributes
    ----------
    rows : list of Measured
        What was computed, and the median time in seconds of the textbook's code and of fastnet's backends.
    machine : dict of str to str
        The processor and the versions.
    """

    def __init__(self) -> None:
        self.cases = list(_cases())
        self.names = [TEXTBOOK, *timing.twins(lambda: _cases)]
        self.ours = self.names[-1]
        self.rows: list[Measured] = []
        with _one_thread(self.ours):
            self.machine = machine()

    def measure(self, seconds: float) -> Iterator[Measured]:
        """Measure each row for its share of the time, and yield it."""
        with _one_thread(self.ours):
            for case in self.cases:
                self.rows.append(_measured(case, seconds / len(self.cases)))
                yield self.rows[-1]

    def head(self) -> list[str]:
        """Return the lines above the rows."""
        *others, ours = (HEADINGS[name] for name in self.names)
        heading = " " * self._width() + "".join(f"{name:>12}{'ratio':>8}" for name in others) + f"{ours:>12}"
        return [self._facts(), *self._explanation(), "", heading]

    def line(self, row: Measured) -> str:
        """Return a row as text."""
        name, *others, ours, lost = _cells(row)
        pairs = "".join(f"{time:>12}{ratio:>8}" for time, ratio in zip(others[::2], others[1::2], strict=True))
        return f"{name:<{self._width()}}{pairs}{ours:>12}  {lost}".rstrip()

    def __repr__(self) -> str:
        return "\n".join([*self.head(), *map(self.line, self.rows), "", NOTE])

    def _repr_html_(self) -> str:
        head = ["", *(text for name in self.names[:-1] for text in (HEADINGS[name], "ratio")), HEADINGS[self.ours], ""]
        paragraphs = "".join(map(_html.paragraph, [*self._explanation(), NOTE]))
        return _html.table(self._facts(), head, map(_cells, self.rows)) + paragraphs

    def _facts(self) -> str:
        return "; ".join(f"{fact}: {value}" for fact, value in self.machine.items())

    def _explanation(self) -> list[str]:
        ours = HEADINGS[self.ours]
        lines = [
            f"Times of one call. {'; '.join(f'{HEADINGS[name]}: {MEANING[name]}' for name in self.names)}.",
            f"ratio: the time to its left, divided by the time of {ours}. If it is 3, {ours} is 3 times as fast. "
            "Below 1, fastnet loses.",
        ]
        if self.ours != "cython":
            lines.insert(
                0, "No compiled kernels run here: this compares the textbook's code with fastnet's NumPy twins."
            )
        return lines

    def _width(self) -> int:
        return max(len(case.name) for case in self.cases)


@contextmanager
def _one_thread(backend: str) -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), _backend.use_backend(backend):
        yield


def _measured(case: Case, seconds: float) -> Measured:
    contenders = case.make()
    try:
        timing.check(contenders, case.rtol, case.atol)
    except AssertionError as error:
        raise ValueError(f"{case.name}: the results differ, so their speeds cannot be compared: {error}") from None
    return Measured(case.name, timing.medians(contenders, seconds))


def _cells(row: Measured) -> list[str]:
    """Return the name of a row; each contender's time and its ratio to fastnet's; that time; to whom fastnet loses."""
    *others, (_, ours) = row.seconds.items()
    cells, lost = [row.name], []
    for name, seconds in others:
        cells += [timing.duration(seconds), timing.ratio(seconds / ours)]
        if timing.is_loss(seconds / ours):
            lost.append(HEADINGS[name])
    return [*cells, timing.duration(ours), f"loses to {' and '.join(lost)}" if lost else ""]


def _cases() -> Iterator[Case]:
    random = np.random.default_rng(0)
    for dtype, rtol in ("float64", 1e-12), ("float32", 2e-5):
        atol = float(np.finfo(dtype).eps)  # the textbook's 1 - sigmoid(x) has the rounding error of 1
        for size in 10, 100_000:
            x = random.normal(scale=3, size=(size // 10, 10)).astype(dtype)
            y, labels = plain.softmax(x), random.integers(10, size=len(x))
            of = f"{dtype}, {size:,} elements"
            yield Case(f"sigmoid, {of}", partial(cases.expression, "sigmoid", x), rtol, atol)
            yield Case(f"softmax, {of}", partial(cases.expression, "softmax", x), rtol, atol)
            losses = partial(cases.expression, "cross_entropy_labels", y, labels)
            yield Case(f"cross-entropy of labels, {of}", losses, rtol, atol)
    yield Case("numerical_gradient of a trivial f, 1,000 elements", lambda: cases.loop(1000)[0], 0.0, 0.0)

    (images, labels), _ = fastnet.load_mnist(one_hot_label=True)
    x, t = images[:100], labels[:100]
    # The sums over 784 inputs differ in order: a few rounding errors of values below 1.
    step = "one training step, 784-50-10, batch 100"
    yield Case(f"{step}, float32", partial(cases.training_step, x, t, "float32"), 0.0, 20 * 2.0**-23)
    yield Case(f"{step}, the book's dtypes", partial(cases.training_step, x, t, "float64"), 0.0, 20 * 2.0**-52)
    # The textbook's loop has a rounding error of the loss, divided by 2h.
    network = TwoLayerNet(784, 50, 10, seed=0)
    gradients = partial(cases.network_gradient, network, x, t.argmax(axis=1))
    yield Case("numerical gradient of that network *", gradients, 0.0, 1e-9)
