"""What a source file defines, compared by syntax tree: comments, docstrings and layout do not matter."""

import ast
import hashlib
import symtable
from collections import Counter
from collections.abc import Iterator
from importlib.util import decode_source
from typing import TypeAlias

Definition: TypeAlias = ast.FunctionDef | ast.ClassDef | ast.Assign

# What a tree holds beside the program: the use of a name follows from its place, the others are comments.
IGNORED = {"ctx", "kind", "type_comment"}
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
          ast.GeneratorExp)
# What binds the name in its field `name`; some of them may have none.
NAMING = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar


def fingerprint(node: ast.AST) -> str:
    """Return a hash of the syntax tree, the same in every version of Python."""
    return hashlib.sha256(_canonical(node).encode()).hexdigest()[:16]


def _canonical(value: object) -> str:
    """Write a tree without what differs between versions of Python: empty fields, and the order of fields."""
    if isinstance(value, ast.Constant):
        return f"{type(value.value).__name__} {value.value!r}"
    if isinstance(value, ast.AST):
        fields = sorted((name, _canonical(field)) for name, field in ast.iter_fields(value) if name not in IGNORED)
        return f"{type(value).__name__}({', '.join(f'{name}={field}' for name, field in fields if field)})"
    if isinstance(value, list):
        items = [_canonical(item) for item in value if not _is_text(item)]
        return f"[{', '.join(items)}]" if items else ""
    return "" if value is None else repr(value)


def _is_text(statement: object) -> bool:
    """Whether a statement is only a string: a docstring, or a comment in quotes."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


class Source:
    """A parsed file: its definitions, and the names that each of them refers to.

    A definition is a function, a class or a variable at the top of the file, whose name nothing else in the file binds
    or changes.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self.path = path
        self.data = data
        self.tree = ast.parse(data, path)
        self.bound = Counter(_bound(self.tree))
        self.imported = Counter(_imported(self.tree))
        self.definitions: dict[str, Definition] = {}
        self.written: dict[str, Definition] = {}  # all functions and classes, also those that are bound twice
        for node in self.tree.body:
            name = _name(node)
            if name is not None and isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign):
                if not isinstance(node, ast.Assign):
                    self.written[name] = node
                if self.bound[name] == 1 and name not in self.imported:
                    self.definitions[name] = node
        self._forget_before_star_imports()
        self._tables = {
            (table.get_name(), table.get_lineno()): table
            for table in symtable.symtable(decode_source(data), path, "exec").get_children()
        }

    def is_own(self, name: str) -> bool:
        """Whether the file's own code, and not only an import, binds or changes the name."""
        return self.bound[name] > 0

    def references(self, name: str) -> set[str]:
        """Return the names of the file, or of Python, that a definition refers to."""
        node = self.definitions[name]
        if isinstance(node, ast.Assign):
            return _names(node.value)
        found = set(_globals(self._tables[name, node.lineno]))
        outside = (
            [*node.bases, *node.keywords]
            if isinstance(node, ast.ClassDef)
            else [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        )
        return found.union(*map(_names, [*outside, *node.decorator_list])) - {name}

    def _forget_before_star_imports(self) -> None:
        """A star import may bind any name again: what stands above it is not known."""
        stars = [node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) and _is_star(node)]
        last = max(stars, default=0)
        self.definitions = {name: node for name, node in self.definitions.items() if node.lineno > last}


def _is_star(node: ast.ImportFrom) -> bool:
    return node.names[0].name == "*"


def _name(node: ast.stmt) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield each name once for every place outside functions that binds or changes it, imports apart."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, NAMING) and child.name:
            yield child.name
        elif isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load):
            yield child.id
        elif isinstance(child, ast.Attribute | ast.Subscript) and not isinstance(child.ctx, ast.Load):
            yield from _owner(child)
        if isinstance(child, SCOPES):
            yield from (name for each in ast.walk(child) if isinstance(each, ast.Global) for name in each.names)
        else:
            yield from _bound(child)


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the names that imports outside functions bind."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in child.names)
        elif not isinstance(child, SCOPES):
            yield from _imported(child)


def _owner(node: ast.AST) -> Iterator[str]:
    """Yield the name in front of `name.x = ...` and `name[x] = ...`."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    for child in table.get_children():
        yield from _globals(child)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
