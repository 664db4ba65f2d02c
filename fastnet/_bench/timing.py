"""Time several ways to compute the same result, in turn: for `fastnet bench` and for `benchmarks/`.

If A is timed a hundred times and then B, two different moments of a busy machine are compared. So a round times every
contender once, and rounds are repeated: other load on the machine affects all contenders equally. Every round shuffles
the order: a contender that uses much memory fills the caches, and this should not always slow the same successor. The
result is each contender's median over the rounds. The ratio of two medians is reproducible; the times themselves hold
only for one machine on one day.
"""

import random
import statistics
import sys
import time
import timeit
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from fastnet import _backend

Key = TypeVar("Key")

TEXTBOOK = "textbook"
LEAST_ROUNDS = 7
# The processor time of this process. On one thread it is the elapsed time without the moments in which another program
# ran: those would hit slow contenders more often than fast ones. Windows measures it in steps of 16 ms, so there the
# elapsed time is used.
CLOCK = time.perf_counter if sys.platform == "win32" else time.process_time
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
# Seconds. Shorter calls are repeated until they take this long. Otherwise the time would include the clock's own cost,
# and the reloading of data that another contender has evicted from the caches.
SAMPLE = 0.002


# --- contenders -------------------------------------------------------------------------------------------------------


def _itself(result: Any) -> Any:
    return result


@dataclass(frozen=True)
class Contender:
    """One way to compute something."""

    call: Callable[[], Any]  # what is timed
    backend: str | None = None  # the backend of fastnet that it uses
    share: float = 1.0  # the part of the work that one call does: the textbook's slowest loop is timed on a sample
    read: Callable[[Any], Any] = _itself  # converts the result of `call` to an array, or a dict of arrays

    def running(self) -> AbstractContextManager[None]:
        """Return the context in which it runs. It is entered before the clock starts, so it is not timed."""
        return nullcontext() if self.backend is None else _backend.use_backend(self.backend)


def twins(make: Callable[[], Callable[[], Any]], **options: Any) -> dict[str, Contender]:
    """Return one contender for each available backend. Each gets a function of its own from `make`."""
    found = {}
    for name in reversed(_backend.BACKENDS):
        try:
            with _backend.use_backend(name):
                found[name] = Contender(make(), name, **options)
        except ImportError:
            continue  # not built: compare the others
    return found


def check(contenders: Mapping[str, Contender], rtol: float, atol: float, names: Iterable[str] | None = None) -> None:
    """Call each contender (or those in `names`) once. Raise AssertionError unless all agree with the first."""
    expected: dict[str, Any] = {}
    for name, contender in contenders.items():
        if expected and names is not None and name not in names:
            continue
        with contender.running():
            result = contender.read(contender.call())
        result = result if isinstance(result, dict) else {"": result}
        expected = expected or {key: np.array(value) for key, value in result.items()}
        for key, value in expected.items():
            label = f"{name} {key}".strip()
            np.testing.assert_allclose(np.asarray(result[key]), value, rtol=rtol, atol=atol, err_msg=label)


# --- the timer -------------------------------------------------------------------------------------------------------


def medians(contenders: Mapping[Key, Contender], seconds: float) -> dict[Key, float]:
    """Return the median time of every contender, in seconds, from as many rounds as fit into `seconds`."""
    # timeit switches the garbage collector off.
    timers = {name: timeit.Timer(contender.call, timer=CLOCK) for name, contender in contenders.items()}
    calls = {}
    for name, contender in contenders.items():
        with contender.running():
            calls[name] = _calls_in_a_sample(timers[name])
    samples: dict[Key, list[float]] = {name: [] for name in contenders}
    order, shuffle = list(contenders.items()), random.Random(0).shuffle
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < LEAST_ROUNDS or time.perf_counter() < end:
        shuffle(order)
        for name, contender in order:
            with contender.running():
                samples[name].append(timers[name].timeit(calls[name]) / calls[name])
        rounds += 1
    return {name: statistics.median(samples[name]) / contender.share for name, contender in contenders.items()}


def _calls_in_a_sample(timer: timeit.Timer) -> int:
    calls = 1
    while timer.timeit(calls) < SAMPLE:
        calls *= 2
    return calls


# --- formatting ------------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Format `seconds` in a suitable unit, to three digits."""
    size, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    value = seconds / size
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def ratio(value: float) -> str:
    """Format a ratio of times, to as many digits as are reproducible."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def is_loss(value: float) -> bool:
    """Whether a ratio, as formatted, says that fastnet is slower."""
    return float(ratio(value).replace(",", "")) < 1
