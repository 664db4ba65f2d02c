"""Choose the backend: the compiled front `_kernels` or the NumPy front `_kernels_numpy`. No other file chooses.

All other code calls `_backend.kernels.NAME`. It looks the name up at every call, so that a change of backend takes
effect at once. A public function may look up several names, one after the other: so each thread has a choice of its
own, and a change in one thread cannot reach into the middle of a call in another.
"""

import functools
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NoReturn, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from fastnet import _kernels_numpy
from fastnet._threads import HELPER
from fastnet._twins.shared.sources import fingerprints

BACKENDS = ("cython", "numpy")

kernels: Any  # the front in use; once a program with several threads has chosen, `_OfEachThread`
why: str  # the reason for the main thread's choice, for `fastnet info`
Choice: TypeAlias = tuple[ModuleType, str]  # kernels and why
Function = TypeVar("Function", bound=Callable[..., Any])

COMPILERS = {"win32": "Build Tools for Visual Studio", "darwin": "xcode-select --install"}
COMPILER = COMPILERS.get(sys.platform, "apt install build-essential, or your distribution's C compiler")
TO_USE_THEM = ". To use them, "  # stands between the problem and its remedy
HOW_TO_BUILD = (
    f"install a C compiler ({COMPILER}), then run in {{folder}}: pip install {{what}} (With the environment variable "
    "FASTNET_BUILD=require, the installation fails if they do not compile, and shows why.)"
)


def get_backend() -> str:
    """Return the name of the backend in use.

    Returns
    -------
    str
        ``"cython"``, the compiled kernels, or ``"numpy"``, their NumPy twins.

    Raises
    ------
    ValueError, ImportError
        If the environment variable ``FASTNET_BACKEND`` has an unknown value, or asks for kernels that cannot be used.
        Every function that computes then raises the same error, until a call of `use_backend` succeeds.

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
    """Use the backend `name` from now on. As a context manager, restore the previous backend after the block.

    The backends give the same values, up to a relative difference of 1e-12 in float64 and 1e-5 in float32. The choice
    holds for the thread that makes it: no other thread's results change. A thread begins with the backend that the main
    thread uses when the thread starts.

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
        self._chosen = _load(name), f"use_backend({name!r})"  # if this raises, nothing has changed
        self._replaced: Choice | None = _choice()
        self._before: list[Choice] = []  # one entry for each open `with` block: what to restore at its end
        _set(*self._chosen)

    def __enter__(self) -> None:
        # In `with use_backend(name):` __init__ has already changed the backend. A later block of the same object has
        # not.
        replaced, self._replaced = self._replaced, None
        now = _choice()
        self._before.append(replaced if replaced and now == self._chosen else now)
        _set(*self._chosen)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _set(*self._before.pop())

    def __repr__(self) -> str:
        return self._chosen[1]


class _OfEachThread(threading.local):
    """The names of the front that each thread uses, as attributes: a lookup takes some 100 ns more than in a module."""

    chosen: Choice

    def __init__(self) -> None:  # in each thread, when it first looks up a name
        self.choose(_begun.get(threading.current_thread(), _of_the_main_thread))

    def choose(self, chosen: Choice) -> None:
        names = vars(self)
        names.update(vars(chosen[0]), chosen=chosen)
        for name in names.keys() - vars(chosen[0]).keys() - {"chosen"}:  # `_Refused` has none of them
            del names[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chosen[0], name)


_of_the_main_thread: Choice  # with which a new thread begins
_begun: WeakKeyDictionary[threading.Thread, Choice] = WeakKeyDictionary()  # threads that began before the last choice
_once: dict[str, _OfEachThread] = {}  # its only value is what `kernels` becomes, the same for all who choose at once


def _choice() -> Choice:
    """Return the choice of this thread."""
    now = kernels  # looked up once: another thread may be the first to choose
    return now.chosen if isinstance(now, _OfEachThread) else (now, why)


def _set(chosen: ModuleType, reason: str) -> None:
    """Choose for this thread. As long as there is no other one, a plain module does."""
    global kernels, why, _of_the_main_thread
    this, alive = threading.current_thread(), threading.enumerate()
    is_main = this is threading.main_thread()
    if is_main and all(each is this or each.name.startswith(HELPER) for each in alive):
        _set_for_all(chosen, reason)
        return
    now = kernels
    if not isinstance(now, _OfEachThread):
        _begun.update(dict.fromkeys(alive, (now, why)))
        kernels = _once.setdefault("kernels", _OfEachThread())
    elif is_main:
        for each in alive:
            _begun.setdefault(each, _of_the_main_thread)
    kernels.choose((chosen, reason))
    if is_main:
        why, _of_the_main_thread = reason, (chosen, reason)


def _set_for_all(chosen: ModuleType, reason: str) -> None:
    global kernels, why, _of_the_main_thread
    kernels, why, _of_the_main_thread = chosen, reason, (chosen, reason)
    _once.clear()


def of_this_thread(function: Function) -> Function:
    """Return `function` so that other threads call it with the backend of this one."""
    chosen = _choice()

    @functools.wraps(function)
    def same(*arguments: Any) -> Any:
        before = _choice()
        if before[0] is chosen[0]:
            return function(*arguments)
        _set(*chosen)
        try:
            return function(*arguments)
        finally:
            _set(*before)

    return same  # type: ignore[return-value]


def _load(name: str) -> ModuleType:
    """Return the front of a backend. The ImportError says if it is missing, broken or out of date, and what to do."""
    if name == "numpy":
        return _kernels_numpy
    folder = Path(__file__).resolve().parents[1]
    how = HOW_TO_BUILD.format(folder="fastnet's folder", what="--force-reinstall --no-deps .")
    try:
        module = importlib.import_module("fastnet._kernels")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("fastnet."):
            raise
        problem = "fastnet's compiled kernels are not built"
        if _is_installed_with_e(folder):
            how = HOW_TO_BUILD.format(folder=folder, what="--no-deps -e .")
        elif (folder / "setup.py").exists():
            problem += f" in the source folder {folder}, which hides an installed fastnet"
            how = "start Python in another folder, or run in this one: pip install -e ."
    except ImportError as error:
        problem = f"fastnet's compiled kernels are built and cannot be loaded: {' '.join(str(error).split())}"
    else:
        if _is_up_to_date():
            return module
        problem = "fastnet's compiled kernels are out of date: their sources have changed"
        if (folder / "setup.py").exists():
            problem += f", and `pip install -e .` in {folder} compiles them again."
            raise ImportError(problem, name="fastnet._kernels")
    raise ImportError(f"{problem}{TO_USE_THEM}{how}", name="fastnet._kernels") from None


def _is_installed_with_e(folder: Path) -> bool:
    """Whether `folder` is an editable installation. Then Python finds it from everywhere, and it hides nothing."""
    import json  # all are only needed for the message
    from importlib.metadata import distributions
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    texts = (distribution.read_text("direct_url.json") for distribution in distributions(name="fastnet"))
    records = [json.loads(text) for text in texts if text]
    return any(
        record.get("dir_info", {}).get("editable", False)
        and Path(url2pathname(urlsplit(record["url"]).path)).resolve() == folder  # pip keeps symbolic links
        for record in records
    )


@functools.cache
def _is_up_to_date() -> bool:
    """Whether the imported compiled modules were compiled from the sources in this folder, if there are any."""
    return all(
        getattr(sys.modules[name], "fingerprint", None) == fingerprint
        for name, fingerprint in fingerprints(Path(__file__).parent).items()
        if name in sys.modules
    )


class _Refused(ModuleType):
    """Stands in for the kernels if FASTNET_BACKEND cannot be satisfied: every lookup of a name raises the error.

    Importing fastnet raises nothing, so that the command line, which is part of fastnet, can report the error.
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
            _set_for_all(_load("cython"), "the compiled kernels are there")
        else:
            _set_for_all(_load(asked), f"FASTNET_BACKEND={asked}")
        return
    except (ValueError, ImportError) as error:
        problem = error
    if asked != "auto":
        _set_for_all(_Refused(problem), str(problem))
        return
    _set_for_all(_kernels_numpy, str(problem).partition(TO_USE_THEM)[0].rstrip("."))
    warnings.warn(
        f"fastnet computes with NumPy alone: {problem} To use NumPy alone without this warning, set "
        "FASTNET_BACKEND=numpy.",
        RuntimeWarning,
        stacklevel=4,  # the line that imports fastnet; its __init__.py imports this module
    )


_choose_at_import()
