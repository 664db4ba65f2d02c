"""Run a program as `python SCRIPT` does."""

import builtins
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import fastnet
from fastnet.textbook._hook import compile_serving

PACKAGE = os.path.dirname(fastnet.__file__) + os.sep

# What NumPy has removed since the book was printed, and what to write instead.
INSTEAD = {
    "int": "int", "long": "int", "float": "float", "bool": "bool", "bool8": "bool", "complex": "complex",
    "object": "object", "str": "str", "unicode": "str", "float_": "np.float64", "complex_": "np.complex128",
    "unicode_": "np.str_", "string_": "np.bytes_", "Inf": "np.inf", "Infinity": "np.inf", "infty": "np.inf",
    "PINF": "np.inf", "NINF": "-np.inf", "NaN": "np.nan", "product": "np.prod", "cumproduct": "np.cumprod",
    "sometrue": "np.any", "alltrue": "np.all", "row_stack": "np.vstack", "in1d": "np.isin", "trapz": "np.trapezoid",
    "mat": "np.asmatrix", "asfarray": "np.asarray(..., dtype=float)",
}  # fmt: skip


def run(script: str, arguments: Sequence[str], *, serving: bool = True, is_module: bool = False) -> None:
    """Run a script, or a module by its name, as `__main__`.

    Its exceptions show the traceback that they would have under Python.
    """
    path = os.path.join(os.getcwd(), script)  # not normalized: Python leaves `./` in `__file__`
    folder = os.getcwd() if is_module else os.path.dirname(os.path.realpath(path))
    sys.path[: 0 if sys.flags.safe_path else 1] = [folder]
    _give_back_names(folder)
    main = ModuleType("__main__")
    if is_module:
        spec = _spec_of(script)
        path = script = spec.origin
        found = {"__spec__": spec, "__package__": spec.parent, "__loader__": spec.loader}
    else:
        spec = None
        found = {"__loader__": SourceFileLoader("__main__", path)}
    if sys.version_info < (3, 15):
        found["__cached__"] = spec.cached if spec else None
    sys.argv = [script, *arguments]
    vars(main).update(found, __file__=path, __builtins__=builtins)
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.modules["__main__"] = main
    try:
        code = compile_serving(path) if serving else None
        exec(code or compile(Path(path).read_bytes(), path, "exec", dont_inherit=True), vars(main))
    except SystemExit:
        raise
    except BaseException:
        show = sys.excepthook  # Python's, or the program's own

        def show_without_fastnet(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
            hide_fastnet(error, path)
            show(kind, error, error.__traceback__)
            if advice := what_to_write(error):
                print(f"fastnet run: {advice}", file=sys.stderr)

        sys.excepthook = show_without_fastnet
        raise


def _spec_of(module: str) -> Any:
    """Return where a module is that `python -m` would run. Its packages are imported, as Python does."""
    for name in (module, f"{module}.__main__"):
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            spec = None
        if spec is None or spec.submodule_search_locations is None:
            break
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        sys.exit(f"fastnet run: error: no module named {module} with a Python file")
    return spec


def _give_back_names(folder: str) -> None:
    """Let the program import its own `statistics.py`: fastnet has imported that of the standard library."""
    for path in Path(folder).glob("*.py"):
        module = sys.modules.get(path.stem)
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if path.stem in sys.stdlib_module_names and origin not in (None, "frozen", "built-in", str(path)):
            del sys.modules[path.stem]


def hide_fastnet(error: BaseException, script: str, seen: set[int] | None = None) -> None:
    """Take fastnet's frames out of the traceback of an exception, and of those from which it comes."""
    seen = set() if seen is None else seen
    seen.add(id(error))
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    names = [each.tb_frame.f_code.co_filename for each in frames]
    if __file__ in names:  # above the program: how Python came to run it
        frames = frames[names.index(__file__) + 1 :]
    trace = None
    for each in reversed(frames):
        if not each.tb_frame.f_code.co_filename.startswith(PACKAGE):
            trace = TracebackType(trace, each.tb_frame, each.tb_lasti, each.tb_lineno)
    error.__traceback__ = trace
    others: list[Any] = [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    for other in others:
        if isinstance(other, BaseException) and id(other) not in seen:
            hide_fastnet(other, script, seen)


def what_to_write(error: BaseException) -> str:
    """Return what to write instead of a name that NumPy no longer has."""
    name = re.search(r"module 'numpy' has no attribute '(\w+)'|`np\.(\w+)` was removed", str(error))
    if isinstance(error, AttributeError) and name and (removed := name[1] or name[2]) in INSTEAD:
        return f"NumPy no longer has np.{removed}: write {INSTEAD[removed]} instead"
    return ""
