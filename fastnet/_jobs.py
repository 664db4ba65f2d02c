"""Work in other processes, or on other machines, through joblib.

joblib starts processes on this computer. Inside ``joblib.parallel_config(backend="dask")``, it hands the work to a Dask
cluster.
"""

import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastnet import _backend
from fastnet._checks import as_integer
from fastnet._extras import library


def is_parallel(n_jobs: int | None) -> bool:
    """Whether `n_jobs` asks for other processes; None does inside ``joblib.parallel_config(n_jobs=...)`` alone."""
    if n_jobs is None:
        joblib = sys.modules.get("joblib")  # nobody can have configured what is not imported
        return joblib is not None and joblib.effective_n_jobs(None) > 1
    if as_integer(n_jobs, "n_jobs") == 0:
        raise ValueError("n_jobs must be a number of processes, or -1 for all cores; got 0")
    return n_jobs != 1


def workers(n_jobs: int | None) -> int:
    """Return how many calls run at the same time."""
    return int(_joblib().effective_n_jobs(n_jobs))


def each(function: Callable[[Any], Any], arguments: Iterable[Any], n_jobs: int | None, name: str) -> list[Any]:
    """Return `function(argument)` for each of `arguments`, in order; errors call what it holds of the user's `name`.

    The workers compute with the backend of this thread. An error of `function` is raised here with its own type.
    """
    joblib = _joblib()
    # Pickled once. In an array, because for all processes of this computer joblib writes a large array to one file; in
    # a tuple, because on Dask joblib puts an array that is an argument on one worker first, and waits without end if
    # that worker dies meanwhile.
    packed = (np.frombuffer(_packed(function, name), np.uint8),)
    calls = (joblib.delayed(_call)(packed, _backend.get_backend(), argument) for argument in arguments)
    try:
        return list(joblib.Parallel(n_jobs=n_jobs)(calls))
    except RaisedError as raised:
        raise raised.original() from None


def _joblib() -> Any:
    library("cloudpickle", "distributed", "n_jobs")
    return library("joblib", "distributed", "n_jobs")


def _packed(function: Callable[[Any], Any], name: str) -> bytes:
    import cloudpickle  # also takes lambdas, and functions of the program that is run

    try:
        packed: bytes = cloudpickle.dumps(function)
    except Exception as error:  # what an object raises that cannot be pickled is its own choice
        raise TypeError(
            f"{name} cannot be sent to another process: {error}. Let it use only what can be pickled, or leave out "
            "n_jobs"
        ) from error
    return packed


def _call(packed: tuple[Any], backend: str, argument: Any) -> Any:
    """Call the function in a worker."""
    try:
        with _backend.use_backend(backend):
            return pickle.loads(packed[0])(argument)
    except BaseException as error:  # SystemExit, too, which would end the worker
        raise RaisedError.from_error(error) from None


class RaisedError(Exception):
    """Carries any error from a worker to the caller: not every error can be pickled."""

    def __init__(self, packed: bytes, told: str) -> None:
        super().__init__(packed, told)

    @classmethod
    def from_error(cls, error: BaseException) -> "RaisedError":
        import traceback  # here, because `import fastnet` would take longer

        import cloudpickle

        told = "".join(traceback.format_exception(error))
        for parts in ((error,), (type(error), error.args), (type(error), (str(error),))):
            try:
                packed = cloudpickle.dumps(parts)
                _error_from(*pickle.loads(packed))
            except Exception:
                continue  # try with less detail
            return cls(packed, told)
        return cls(cloudpickle.dumps((RuntimeError, (told,))), told)

    def original(self) -> BaseException:
        """Return the error, with a note of what the worker was doing."""
        packed, told = self.args
        error = _error_from(*pickle.loads(packed))
        error.add_note(f"In a worker process:\n{told}")
        return error


def _error_from(error: Any, args: tuple[Any, ...] | None = None) -> BaseException:
    """Return an error, or make one of a type and `args` without its `__init__`, which may want others."""
    made: BaseException = error if args is None else error.__new__(error, *args)
    return made
