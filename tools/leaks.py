"""Look for leaks: call every kernel and every function a million times in all, and compare what is held afterwards.

    python tools/leaks.py [CALLS]

Every kernel is called with its arguments from `tests/cases.py`, in each dtype. Every function of `fastnet.functions` is
called with all hostile inputs of `tests/hostile.py`, so many of the calls end with an error. Both backends are called.
After the first calls, which fill caches, three things must stay as they are: the reference counts of the arguments,
the number of Python's memory blocks, and the memory of the process.
"""

import gc
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from cases import FUNCTIONS, KERNELS
from hostile import HOSTILE, REFUSED

import fastnet
from fastnet import _kernels_numpy

BLOCKS = 40  # the interpreter itself keeps a few blocks more or less, such as a list that it grew
KILOBYTES = 2048  # the most that the process may grow: 16 bytes in each of a million calls are eight times as much


def kernel_calls() -> Iterator[tuple[str, Callable[[], object], tuple[object, ...]]]:
    """Give each kernel of both twins, with a name and the objects whose references count."""
    from fastnet import _kernels

    for twin, front in (("cython", _kernels), ("numpy", _kernels_numpy)):
        for kernel in KERNELS:
            for dtype in kernel.dtypes:
                arguments = kernel.arguments(dtype)
                name = f"{kernel.name}, {twin}, {np.dtype(dtype)}"
                yield name, partial(getattr(front, kernel.name), *arguments), arguments


def function_calls() -> Iterator[tuple[str, Callable[[], object], tuple[object, ...]]]:
    """Give each function with each hostile input, on both backends; most calls that are refused raise an error."""
    for backend in ("cython", "numpy"):
        for function in FUNCTIONS:
            for kind, build in {**HOSTILE, **REFUSED}.items():
                x = build()
                for number, call in enumerate(function.calls):
                    yield f"{function.name}, {backend}, {kind}, {number}", partial(on, backend, call, x), (x,)


def on(backend: str, call: Callable[[object], object], x: object) -> None:
    """Call on a backend. An error is one of the results."""
    with fastnet.use_backend(backend), suppress(TypeError, ValueError):
        call(x)


def held() -> tuple[int, int]:
    """Return the number of Python's memory blocks, and the peak of the process in KB."""
    gc.collect()
    return sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def growth(call: Callable[[], object], arguments: tuple[object, ...], times: int) -> str:
    """Say what is held after so many calls that was not held before."""
    arrays = [each for each in arguments if isinstance(each, np.ndarray)]  # not numbers: small ones are shared by all
    gc.collect()
    references, blocks = [sys.getrefcount(each) for each in arrays], sys.getallocatedblocks()
    for _ in range(times):
        call()
    gc.collect()
    blocks = sys.getallocatedblocks() - blocks
    if [sys.getrefcount(each) for each in arrays] != references:
        return f"references to an array after {times} calls"
    return f"{blocks} blocks after {times} calls" if blocks > BLOCKS else ""


def main(calls: int) -> int:
    """Return 0 if nothing leaks."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    works = [*kernel_calls(), *function_calls()]
    times = max(1, calls // len(works))
    for _, call, _ in works:
        call()
        call()
    gc.freeze()  # so that the collector looks only at what comes from here on
    leaks, start = [], held()
    for name, call, arguments in works:
        # What only fills a cache, or grows a list of the interpreter, happens once.
        if growth(call, arguments, times) and (found := growth(call, arguments, times)):
            leaks.append(f"{name}: {found}")
    blocks, kilobytes = (after - before for before, after in zip(start, held(), strict=True))
    if blocks > BLOCKS + len(works):
        leaks.append(f"{blocks} blocks in all")
    if kilobytes > KILOBYTES:
        leaks.append(f"{kilobytes} KB in all")
    print(f"{len(works)} calls, {times} times each: {blocks:+} blocks, {kilobytes:+} KB, {len(leaks)} leaks")
    print(*leaks, sep="\n")
    return 1 if leaks else 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
