"""The one place that chooses between the twins: `_kernels`, compiled, and `_kernels_numpy`.

Code that computes calls `_backend.kernels.NAME`, looked up at every call, so that a change of backend takes effect at
once and everywhere.
"""

import functools
import importlib
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType, TracebackType
from typing import NoReturn, TypeAlias

from fastnet import _kernels_numpy
from fastnet._twins.shared.sources import fingerprints

BACKENDS = ("cython", "numpy")

kernels: ModuleType  # the twin in use
why: str  # what chose it, for `fastnet info`
Choice: TypeAlias = tuple[ModuleType, str]  # both

COMPILERS = {"win32": "Build Tools for Visual Studio", "darwin": "xcode-select --install"}
COMPILER = COMPILERS.get(sys.platform, "apt install build-essential, or your distribution's C compiler")
HOW_TO_BUILD = (
    f"To build them, install a C compiler ({COMPILER}), then run in fastnet's folder: "
    "pip install --force-reinstall --no-deps . (With the environment variable FASTNET_BUILD=require, that fails where "
    "they do not compile, instead of going on without them.)"
)


def get_backend() -> str:
    """Return the name of the backend in use.

    Returns
    -------
    str
        ``"cython"``, the compiled kernels, or ``"numpy"``, their twins.

    Raises
    ------
    ValueError, ImportError
        If the environment variable ``FASTNET_BACKEND`` asks for another word, or for kernels that cannot be used; so
        does whatever computes, until `use_backend` has chosen.

    See Also
    --------
    use_backend : Choose the backend.

    Examples
    --------
    >>> import fastnet
    >>> fastnet.get_backend() in ("cython", "numpy")
    True
    """
    name: str = kernels.BACKEND
    return name


class use_backend:  # noqa: N801 - called like a function
    """Use the backend `name` from now on, or in a ``with`` block and the last one again after it.

    The backends give the same values, to a relative difference of 1e-12 in float64 and 1e-5 in float32. The choice
    is the whole process's, so the ``with`` blocks of several threads must not overlap.

    Parameters
    ----------
    name : {"cython", "numpy"}
        The compiled kernels, or their NumPy twins.

    Raises
    ------
    ValueError
        If there is no backend `name`.
    ImportError
        If `name` is ``"cython"`` and the kernels were not built, are out of date, or cannot be loaded.

    Examples
    --------
    >>> import fastnet
    >>> with fastnet.use_backend("numpy"):
    ...     fastnet.get_backend()
    'numpy'
    """

    def __init__(self, name: str) -> None:
        if not (isinstance(name, str) and name in BACKENDS):
            raise ValueError(f"name must be 'cython' or 'numpy', got {name!r}")
        self._chosen = _load(name), f"use_backend({name!r})"  # may raise, and then nothing has changed
        self._replaced: Choice | None = (kernels, why)
        self._before: list[Choice] = []  # what each `with` block that has not ended is to restore
        _set(*self._chosen)

    def __enter__(self) -> None:
        # In `with use_backend(name):` the call has made the change already; a block after that one makes its own.
        replaced, self._replaced = self._replaced, None
        now = kernels, why
        self._before.append(replaced if replaced and now == self._chosen else now)
        _set(*self._chosen)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _set(*self._before.pop())


def _set(chosen: ModuleType, reason: str) -> None:
    global kernels, why
    kernels, why = chosen, reason


def _load(name: str) -> ModuleType:
    """The module of a backend; an ImportError says whether it is missing, broken or out of date, and what to do."""
    if name == "numpy":
        return _kernels_numpy
    folder = Path(__file__).resolve().parents[1]
    try:
        module = importlib.import_module("fastnet._kernels")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("fastnet."):
            raise
        problem = "fastnet's compiled kernels are not built"
        if (folder / "setup.py").exists():
            problem += (
                f" in the source folder {folder}, which hides an installed fastnet: start Python elsewhere, or install "
                "with -e"
            )
    except ImportError as error:
        problem = f"fastnet's compiled kernels are built and cannot be loaded: {' '.join(str(error).split())}"
    else:
        if _is_up_to_date():
            return module
        problem = "fastnet's compiled kernels are out of date: their sources have changed"
        if (folder / "setup.py").exists():
            problem += f", and `pip install -e .` in {folder} compiles them anew."
            raise ImportError(problem, name="fastnet._kernels")
    raise ImportError(f"{problem}. {HOW_TO_BUILD}", name="fastnet._kernels") from None


@functools.cache
def _is_up_to_date() -> bool:
    """Whether the compiled modules, now imported, were made from the sources that lie beside them, if any do."""
    return all(
        getattr(sys.modules[name], "fingerprint", None) == fingerprint
        for name, fingerprint in fingerprints(Path(__file__).parent).items()
        if name in sys.modules
    )


class _Refused(ModuleType):
    """In place of kernels, where FASTNET_BACKEND asks for what cannot be had: looking up anything raises the error.

    Nothing is raised while fastnet is imported, so that the command line, which is a part of fastnet, can report it.
    """

    def __init__(self, error: ValueError | ImportError) -> None:
        super().__init__("refused")
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        raise self._error.with_traceback(None)


def _choose_at_import() -> None:
    asked = os.environ.get("FASTNET_BACKEND") or "auto"
    try:
        if asked not in ("auto", *BACKENDS):
            raise ValueError(f"FASTNET_BACKEND must be auto, cython or numpy, got {asked!r}")
        if asked == "auto":
            _set(_load("cython"), "the compiled kernels are there")
        else:
            _set(_load(asked), f"FASTNET_BACKEND={asked}")
        return
    except (ValueError, ImportError) as error:
        problem = error
    if asked != "auto":
        _set(_Refused(problem), str(problem))
        return
    _set(_kernels_numpy, str(problem).removesuffix(HOW_TO_BUILD).rstrip(" ."))
    warnings.warn(
        f"fastnet computes with NumPy alone: {problem} FASTNET_BACKEND=numpy says that NumPy alone is meant, "
        "and silences this.",
        RuntimeWarning,
        stacklevel=4,  # the line that imports fastnet, whose __init__.py imports this
    )


_choose_at_import()
