"""How many threads fastnet computes with, and the one place that starts them.

Only compiled kernels that release the GIL, and `accuracy`, use threads. `_twins/shared/threads.pyx` divides a call of a
kernel between the thread that makes it and helpers, which wait for the next call and end with the process.
"""

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from fastnet._checks import as_count

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Argument = TypeVar("Argument")
Result = TypeVar("Result")

HELPER = "fastnet helper"  # the beginning of the names of threads that are started here
SMALL = 4e6  # multiplications: with fewer, waking another thread takes longer than it saves
_this_thread = threading.local()  # its attribute `shares` is True while the thread works on a job


def get_num_threads() -> int:
    """Return with how many threads fastnet computes.

    Returns
    -------
    int
        What `set_num_threads` has set. Before its first call, the number of threads of BLAS: the value of the
        environment variable ``OPENBLAS_NUM_THREADS``, ``MKL_NUM_THREADS`` or ``OMP_NUM_THREADS`` when fastnet was
        imported, at most the number of processor cores that the process may use; if none is set, this number.

    See Also
    --------
    set_num_threads : Change it.

    Examples
    --------
    >>> import fastnet
    >>> fastnet.get_num_threads() >= 1
    True
    """
    return _number


def set_num_threads(n: int) -> None:
    """Compute with `n` threads from now on.

    Parameters
    ----------
    n : int
        At least 1. More threads than processor cores are not faster.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1.

    See Also
    --------
    get_num_threads : The number in use.

    Notes
    -----
    The compiled kernels of `Convolution`, `Pooling` and `Affine` divide a large batch between at most eight threads.
    For `Affine` it is large from 16 million multiplications on: 100 samples, 1,600 inputs and 100 units. The optimizers
    divide a parameter of at least 250,000 elements. `accuracy` predicts in several threads. The results are the same,
    to the last bit, for any number of threads. Small calls stay on one thread. A call from inside one of these threads
    stays on it. NumPy's own products, with which the NumPy backend computes, use the threads of BLAS: this function
    does not change those.

    Examples
    --------
    >>> import fastnet
    >>> before = fastnet.get_num_threads()
    >>> fastnet.set_num_threads(2)
    >>> fastnet.get_num_threads()
    2
    >>> fastnet.set_num_threads(before)
    """
    global _number
    _number = as_count(n, "n")


def _cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default() -> int:
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").strip()
        if value.isdecimal() and int(value) > 0:
            return min(int(value), _cores())
    return _cores()


_number = _default()


def threads_for(blocks: int, operations: float) -> int:
    """Return how many threads a call of a kernel uses, at most one a block.

    `operations` is about how many multiplications it takes.
    """
    return 1 if operations < SMALL else _available(blocks)


def start(work: Callable[[], object]) -> bool:
    """Start a helper, which ends with the process. Return whether a thread could be started."""
    try:
        threading.Thread(target=work, name=HELPER, daemon=True).start()
    except RuntimeError:  # no thread is left, or Python is shutting down
        return False
    return True


def each(function: Callable[[Argument], Result], arguments: Sequence[Argument]) -> list[Result]:
    """Return `function(argument)` for each of `arguments`, in their order."""
    threads = _available(len(arguments))
    if threads == 1:
        return [function(argument) for argument in arguments]
    return _Job(function, arguments).run(threads)


def _available(most: int) -> int:
    """Return how many threads a call may use, at most `most`. Inside of another call, there is only its own."""
    return 1 if getattr(_this_thread, "shares", False) else max(1, min(_number, most))


class _Job(Generic[Argument, Result]):
    """One call of a function for each argument. Threads take the next argument until none is left."""

    def __init__(self, function: Callable[[Argument], Result], arguments: Sequence[Argument]) -> None:
        self._function = function
        self._left = deque(enumerate(arguments))
        self._results: dict[int, Result] = {}
        self._errors: list[BaseException] = []
        self._running = 0  # helpers at work
        self._changed = threading.Condition()

    def run(self, threads: int) -> list[Result]:
        """Return the results in order, or raise the first error. Nothing then runs any more."""
        helpers = _helpers(threads - 1)
        try:
            for _ in range(threads - 1):
                helpers.submit(self._help)
        except RuntimeError:  # no thread can be started, or Python is shutting down: those that are there do it
            pass
        while True:
            try:
                self._call_all()
                with self._changed:
                    while self._running:
                        self._changed.wait()
                break
            except BaseException as error:  # KeyboardInterrupt: the helpers must end before it is raised
                self._fail(error)
        if self._errors:
            raise self._errors[0]
        return [self._results[place] for place in sorted(self._results)]

    def _help(self) -> None:
        with self._changed:
            self._running += 1
        try:
            self._call_all()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def _call_all(self) -> None:
        """Call the function until no argument is left."""
        _this_thread.shares = True
        try:
            while True:
                try:
                    place, argument = self._left.popleft()
                except IndexError:
                    break
                try:
                    self._results[place] = self._function(argument)
                except BaseException as error:  # also KeyboardInterrupt
                    self._fail(error)
        finally:
            _this_thread.shares = False

    def _fail(self, error: BaseException) -> None:
        """Keep an error, and leave out the calls that have not begun."""
        self._errors.append(error)
        self._left.clear()


@functools.cache
def _helpers(number: int) -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # here, because `import fastnet` would take longer

    return ThreadPoolExecutor(number, thread_name_prefix=HELPER)


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_helpers.cache_clear)
