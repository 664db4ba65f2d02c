"""The import hook: when Python reads a file of the reader's, each definition of the book in it is served by fastnet.

The finder parses a file before Python runs it. If it finds a definition that the book published, it adds a decorator
to it. So the decorator sees the definition at its place in the program, when all imports above it have run, and
returns what the name is bound to: fastnet's function, or the reader's own.
"""

import ast
import builtins
import os
import re
import site
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import fastnet
from fastnet.textbook._definitions import FAILING, NAMES, NEWEST, OLD, PUBLISHED, SERVED
from fastnet.textbook._serving import Function, as_made, name_of, serve
from fastnet.textbook._source import Source, fingerprint

DECORATOR = "fastnet serves this definition"  # stands in the tree where the code gets the decorator itself

# What the book's definitions import, by the names that they use.
MODULES = {"np": "numpy", "os": "os", "sys": "sys", "pickle": "pickle", "gzip": "gzip", "urllib": "urllib"}
OF_EVERY_MODULE = {"__file__", "__name__"}


class Found(NamedTuple):
    """What became of one definition: served by a name of fastnet, or left to the reader for a reason."""

    path: str
    line: int
    name: str
    served_by: str
    reason: str


found: list[Found] = []
published: dict[Any, str] = {}  # functions and classes that are as the book published them, with their version


class Serving:
    """The decorator of one file's definitions."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made: dict[str, Any] = {}  # what the names of definitions were bound to, for `as_made`
        self.versions = {
            name: PUBLISHED[name, value]
            for name, node in source.definitions.items()
            if (name, value := fingerprint(node)) in PUBLISHED
        }

    @property
    def recognised(self) -> list[ast.FunctionDef | ast.ClassDef]:
        nodes = [self.source.definitions[name] for name in self.versions]
        return [node for node in nodes if not isinstance(node, ast.Assign)]

    def __call__(self, own: Any) -> Any:
        name, names = own.__name__, sys._getframe(1).f_globals
        version, asked = self.versions[name], set[str]()
        reason = self._difference(name, names, asked)
        if version in FAILING and os.path.basename(self.source.path) != "functions.py":
            reason = "fails as you wrote it"
        ours = None if reason else SERVED.get(version)
        refused = ours.refuses(own) if isinstance(ours, Function) and ours.refuses is not None else ""
        if refused:
            ours = None
        result = own if ours is None else serve(ours, own, asked - {name}, self.made, names)
        self.made[name] = as_made(result)
        if not reason:
            published[result] = version
        if ours is None:
            self._tell(name, "", reason or refused or NOT_SERVED[name in NEWEST])
        else:
            self._tell(name, name_of(ours), "")
        return result

    def tell_changed(self) -> None:
        """Tell which definitions have a name of the book's, but are not the book's."""
        for name in self.source.written.keys() & NAMES - self.versions.keys():
            self._tell(name, "", "changed: not a version that the book published")

    def _tell(self, name: str, served_by: str, reason: str) -> None:
        found.append(Found(self.source.path, self.source.written[name].lineno, name, served_by, reason))

    def _difference(self, name: str, names: dict[str, Any], asked: set[str]) -> str:
        """Return what the definition refers to that is not as the book published it, or an empty text."""
        asked.add(name)
        for each in sorted(self.source.references(name) - asked - OF_EVERY_MODULE):
            if each in self.versions:
                reason = _old(each, self.versions[each]) or self._difference(each, names, asked)
            elif self.source.is_own(each):
                reason = f"refers to {each}, which is yours"
            else:
                reason = _imported(each, names)
                value = names.get(each)
                if isinstance(value, FunctionType | type | ModuleType):  # the program may import another one later
                    asked.add(each)
                    self.made[each] = as_made(value)
            if reason:
                return reason
        return ""


NOT_SERVED = ("fastnet has nothing in its place", "another version than fastnet's")


def _old(name: str, version: str) -> str:
    return f"refers to {name} of an older printing" if version in OLD else ""


def _imported(name: str, names: dict[str, Any]) -> str:
    missing = object()
    value = names.get(name, missing)
    if value is missing:
        return "" if hasattr(builtins, name) else f"refers to {name}, which does not exist yet"
    if isinstance(value, ModuleType):
        right = sys.modules.get(MODULES.get(name, ""))
        return "" if value is right else f"refers to {name}, which is {value.__name__}"
    if value is getattr(builtins, name, missing) or value is getattr(sys.modules.get("collections"), name, missing):
        return ""
    version = published.get(value, "") if isinstance(value, FunctionType | type) else ""
    if version.rpartition("-")[0] != name:
        return f"refers to {name}, which is not the book's"
    return _old(name, version)


class Loader(SourceFileLoader):
    """The loader of a file with definitions of the book: it writes no bytecode into the reader's folder."""

    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self.code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return self.code


class Finder:
    """Finds modules as Python does, and gives the reader's files with definitions of the book their loader."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and is_readers(spec.origin or ""):
            code = compile_serving(spec.loader.path)
            if code is not None:
                spec.loader = Loader(fullname, spec.loader.path, code)
        return spec


def compile_serving(path: str) -> CodeType | None:
    """Return the code of a file with the decorator on the book's definitions; None if it has none of them.

    Also None if the file cannot be compiled: then Python raises the error itself.
    """
    try:
        serving = _read(path)
        if serving is None:
            return None
        serving.tell_changed()
        if not serving.recognised:
            return None
        for node in serving.recognised:
            node.decorator_list.append(ast.copy_location(ast.Constant(DECORATOR), node))
        ast.parse(serving.source.data, path)  # warns of strings such as "\\d", as Python does
        code = compile(serving.source.tree, path, "exec", dont_inherit=True)
    except UNREADABLE:
        return None
    constants = tuple(serving if constant == DECORATOR else constant for constant in code.co_consts)
    return code.replace(co_consts=constants)


def is_readers(path: str) -> bool:
    """Whether a file belongs to the reader, and not to Python, an installed package or fastnet."""
    return path.endswith(".py") and not path.startswith(INSTALLED)


def _installed() -> Iterator[str]:
    folders = [*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), *site.getsitepackages()]
    for folder in [*folders, site.getusersitepackages(), os.path.dirname(fastnet.__file__)]:
        yield folder + os.sep
        yield os.path.realpath(folder) + os.sep


INSTALLED = tuple(set(_installed()))


def install() -> None:
    """Put the finder before Python's own, and warn of modules for which it is too late."""
    if Finder in sys.meta_path:
        return
    sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder)
    if late := sorted(_imported_before()):
        warnings.warn(
            f"{', '.join(late)} was imported before fastnet.textbook, and stays as it is: restart Python, and import "
            "fastnet.textbook first",
            stacklevel=3,
        )


def _imported_before() -> Iterator[str]:
    """Yield the names of the reader's modules that would be served if they were imported now."""
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name != "__main__" and isinstance(path, str) and is_readers(path):
            try:
                serving = _read(path)
            except UNREADABLE:
                continue
            if serving is not None and not SERVED.keys().isdisjoint(serving.versions.values()):
                yield name


UNREADABLE = (SyntaxError, ValueError, OSError, RecursionError)


def _read(path: str) -> Serving | None:
    """Parse a file. Most files have none of the book's names, and need not be parsed: then return None."""
    data = Path(path).read_bytes()
    if NAMES.isdisjoint(re.findall(r"^(?:def|class)\s+(\w+)", data.decode("latin-1"), re.MULTILINE)):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `compile_serving` warns, or Python itself
        return Serving(Source(data, path))


def uninstall() -> None:
    """Take the finder out again."""
    sys.meta_path.remove(Finder)
