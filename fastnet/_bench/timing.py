"""Timing for `fastnet bench` and for `benchmarks/`: several ways to compute the same thing, taken in turn.

To time A a hundred times and then B a hundred times is to compare two moments of a busy machine. So a round times
every contender once, round follows round, and whatever else the machine does hits all of them alike. Each round has an
order of its own: whoever comes after a contender that goes through much memory finds the caches full of that, and it
should not always be the same. What is reported is each contender's median over the rounds. The ratio of two such
medians can be measured again; the times themselves belong to one machine on one day.
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
# The processor's time for this process. On one thread that is the time it takes, without the moments in which another
# program had the processor; they would fall on the slow contenders more often than on the fast ones. Windows counts it
# in steps of 16 ms, so there the clock on the wall has to do.
CLOCK = time.perf_counter if sys.platform == "win32" else time.process_time
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
# Seconds. Calls that take less are timed many at once. Otherwise the clock itself would be measured, and the time to
# fetch data again that another contender has pushed out of the caches.
SAMPLE = 0.002


# --- contenders -------------------------------------------------------------------------------------------------------


def _itself(result: Any) -> Any:
    return result


@dataclass(frozen=True)
class Contender:
    """One way to compute something."""

    call: Callable[[], Any]  # what is timed
    backend: str | None = None  # which of fastnet's it runs on
    share: float = 1.0  # how much of the work one call does: the textbook's slowest loop is timed on a sample of it
    read: Callable[[Any], Any] = _itself  # makes arrays of what `call` returns, for comparison: one, or a dict of them

    def running(self) -> AbstractContextManager[None]:
        """The context it runs in. It is entered before the clock starts: choosing a backend is no part of the work."""
        return nullcontext() if self.backend is None else _backend.use_backend(self.backend)


def twins(make: Callable[[], Callable[[], Any]], **options: Any) -> dict[str, Contender]:
    """One contender for each backend that there is; each calls what `make` returns, made anew for it."""
    found = {}
    for name in reversed(_backend.BACKENDS):
        try:
            with _backend.use_backend(name):
                found[name] = Contender(make(), name, **options)
        except ImportError:
            continue  # not built: the others are compared
    return found


def check(contenders: Mapping[str, Contender], rtol: float, atol: float, names: Iterable[str] | None = None) -> None:
    """Raise AssertionError unless the contenders (or `names` of them) give what the first gives. Calls each once."""
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


# --- how it is told --------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """`seconds` in the unit that suits it, to three digits."""
    size, unit = next((each for each in UNITS if seconds >= each[0]), UNITS[-1])
    value = seconds / size
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def ratio(value: float) -> str:
    """A ratio of times, to as many digits as can be measured again."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def is_loss(value: float) -> bool:
    """Whether a ratio, as it is shown, says that fastnet is the slower one."""
    return float(ratio(value).replace(",", "")) < 1
