"""The one place that chooses between the twins: `_kernels`, compiled, and `_kernels_numpy`.

Code that computes calls `_backend.kernels.NAME`, looked up at every call, so that a change of backend takes effect at
once and everywhere.
"""

import importlib
import os
import warnings
from pathlib import Path
from types import ModuleType, TracebackType

from fastnet import _kernels_numpy

BACKENDS = ("cython", "numpy")

kernels: ModuleType  # the twin in use
why: str  # what chose it, for `fastnet info`

HOW_TO_BUILD = (
    "To build them, install a C compiler (Debian, Ubuntu: apt install build-essential; macOS: xcode-select --install; "
    "Windows: Build Tools for Visual Studio), then run in fastnet's folder: "
    "FASTNET_BUILD=require pip install --force-reinstall --no-deps ."
)


def get_backend() -> str:
    """Return the name of the backend in use.

    Returns
    -------
    str
        ``"cython"``, the compiled kernels, or ``"numpy"``, their twins.

    See Also
    --------
    use_backend : Choose the backend.

    Examples
    --------
    >>> import fastnet
    >>> fastnet.get_backend() in ("cython", "numpy")
    True
    """
    return "numpy" if kernels is _kernels_numpy else "cython"


class use_backend:  # noqa: N801 - called like a function
    """Use the backend `name` from now on, or in a ``with`` block and the last one again after it.

    The backends give the same values, to a relative difference of 1e-12 in float64 and 1e-5 in float32. The choice
    holds for the whole process, all its threads included.

    Parameters
    ----------
    name : {"cython", "numpy"}
        The compiled kernels, or their NumPy twins.

    Raises
    ------
    ValueError
        If there is no backend `name`.
    ImportError
        If `name` is ``"cython"`` and the kernels were not built, or cannot be loaded.

    Examples
    --------
    >>> import fastnet
    >>> with fastnet.use_backend("numpy"):
    ...     fastnet.get_backend()
    'numpy'
    """

    def __init__(self, name: str) -> None:
        if name not in BACKENDS:
            raise ValueError(f"name must be 'cython' or 'numpy', got {name!r}")
        chosen = _load(name)  # may raise, and then nothing has changed
        self._last = get_backend(), why
        _set(chosen, f"use_backend({name!r})")

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        name, reason = self._last
        _set(_load(name), reason)


def _set(chosen: ModuleType, reason: str) -> None:
    global kernels, why
    kernels, why = chosen, reason


def _load(name: str) -> ModuleType:
    """The module of a backend; an ImportError says whether it is missing or broken, and what to do."""
    if name == "numpy":
        return _kernels_numpy
    try:
        return importlib.import_module("fastnet._kernels")
    except ModuleNotFoundError as error:
        if error.name != "fastnet._kernels":
            raise
        problem = "fastnet's compiled kernels are not built."
        folder = Path(__file__).resolve().parents[1]
        if (folder / "setup.py").exists():
            problem += (
                f" (This fastnet is the source folder {folder}, which hides an installed one: start Python elsewhere, "
                "or install with -e.)"
            )
    except ImportError as error:
        problem = f"fastnet's compiled kernels are built and cannot be loaded: {error}."
    raise ImportError(f"{problem} {HOW_TO_BUILD}", name="fastnet._kernels") from None


def _choose_at_import() -> None:
    asked = os.environ.get("FASTNET_BACKEND") or "auto"
    if asked not in ("auto", *BACKENDS):
        raise ValueError(f"FASTNET_BACKEND must be auto, cython or numpy, got {asked!r}")
    if asked != "auto":
        _set(_load(asked), f"FASTNET_BACKEND={asked}")
        return
    try:
        _set(_load("cython"), "the compiled kernels are there")
    except ImportError as error:
        _set(_kernels_numpy, "the compiled kernels are not there")
        warnings.warn(
            f"fastnet computes with NumPy alone: {error} FASTNET_BACKEND=numpy says that NumPy alone is meant, "
            "and silences this.",
            RuntimeWarning,
            stacklevel=4,  # the line that imports fastnet, whose __init__.py imports this
        )


_choose_at_import()
