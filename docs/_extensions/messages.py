"""The directive `messages`: every error message and warning of one part of the package, read from its source.

What is not known before the error occurs, such as a shape, is shown as a name in italics.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import fastnet

PACKAGE = Path(fastnet.__file__).parent

# The modules of each part. A test finds a module that is in none.
PARTS = {
    "arrays": ["_checks", "functions", "information", "perceptron", "util", "_scaled", "_picked"],
    "gradients": [
        "gradient", "_gradient_check", "_gradient_in_parts", "_steps", "_compiled_objective",
    ],
    "networks": ["networks", "layers"],
    "training": ["optimizer", "_schedules", "trainer", "_training", "search", "_jobs"],
    "data": ["data", "mnist", "_npz", "_files", "pretrained"],
    "images": ["images", "augmentation"],
    "plotting": ["plotting"],
    "exercises": ["exercises", "lessons", "textbook"],
    "commands": ["cli", "web"],
    "libraries": ["interop", "_extras", "_backend", "_bench"],
}  # fmt: skip

# What shows its first argument: warnings, lines on standard error, and what the page of `fastnet play` answers.
SHOWING = {"warn", "warn_caller", "complain", "refusal"}
WITHOUT_WORDS = {"UnprintedError", "RaisedError"}  # they carry the message of another error

Text = list[tuple[str, bool]]  # words, and whether they are only a name of what is filled in


class Message(NamedTuple):
    """One message: the class of its error, its words, and where it is raised."""

    kind: str
    text: Text
    place: str  # the module below fastnet, and the line

    @property
    def part(self) -> str | None:
        """The part of the package that raises it."""
        room = self.place.partition("/")[0].partition(".")[0]
        return next((part for part, rooms in PARTS.items() if room in rooms), None)

    def __str__(self) -> str:
        return "".join(f"<{words}>" if is_filled_in else words for words, is_filled_in in self.text)


@cache
def messages() -> list[Message]:
    """Return every message of the package, in the order of its files."""
    return [
        message
        for path in sorted(PACKAGE.rglob("*.py"))
        for message in _of(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(PACKAGE).as_posix())
    ]


def _of(module: ast.Module, name: str) -> Iterator[Message]:
    everywhere = _constants(module.body)
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    seen = set()
    for scope in [*reversed(functions), module]:  # a function within another one first
        nodes = list(ast.walk(scope))
        known = everywhere | (_constants(nodes) if scope is not module else {})
        handled = {node.name: node.type for node in nodes if isinstance(node, ast.ExceptHandler)}
        for node in nodes:
            if isinstance(node, ast.Call) and id(node) not in seen and (kind := _kind(node, handled)) and node.args:
                seen.add(id(node))
                for value in _choices(node.args[kind == "refusal" and len(node.args) > 1], known):
                    text = _joined(_text(value, known))
                    if any(not is_filled_in and any(map(str.isalpha, words)) for words, is_filled_in in text):
                        yield Message(kind, text, f"{name}:{node.lineno}")


def _constants(nodes: list[Any]) -> dict[str, list[ast.expr]]:
    """Return what is assigned to each name, if it is text."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_text(node.value):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _is_text(value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp):
        return _is_text(value.body) and _is_text(value.orelse)
    if isinstance(value, ast.BinOp):
        return _is_text(value.left)
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def _kind(call: ast.Call, handled: dict[str | None, ast.expr | None]) -> str | None:
    """Return the name of the error that a call makes, or of what it shows; None for any other call."""
    match call.func:
        case ast.Call(ast.Name("type"), [ast.Name(error)]) if error in handled:  # type(error)(...)
            return " or ".join(node.id for node in ast.walk(handled[error]) if isinstance(node, ast.Name))
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if (name.endswith(("Error", "Warning")) and name not in WITHOUT_WORDS) or name in SHOWING:
        return str(name)
    return None


def _choices(value: ast.expr, known: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """Return the texts that an argument may be: a name stands for what is assigned to it."""
    if isinstance(value, ast.Name):
        return known.get(value.id, [])
    if isinstance(value, ast.IfExp):
        return [*_choices(value.body, known), *_choices(value.orelse, known)]
    return [value] if _is_text(value) else []


def _text(value: ast.expr, known: dict[str, list[ast.expr]]) -> Text:
    match value:
        case ast.Constant(str(words)):
            return [(words, False)]
        case ast.JoinedStr(parts):
            return [piece for part in parts for piece in _text(part, known)]
        case ast.FormattedValue(inside):
            return _text(inside, known)
        case ast.BinOp(left, ast.Add(), right):
            return _text(left, known) + _text(right, known)
        case ast.IfExp(body=first, orelse=second) if _is_text(value):
            either = [_joined(_text(each, known)) for each in (first, second)]
            return either[0] + [(" / ", False)] * all(either) + either[1]
        case ast.Name(name) if len(known.get(name, [])) == 1 and not isinstance(known[name][0], ast.JoinedStr):
            return _text(known[name][0], known)
    return [(_label(value), True)]


def _label(value: ast.expr) -> str:
    """Return a short name of what is filled in."""
    match value:
        case ast.Attribute(ast.Call(), "__name__"):
            return "type"
        case ast.Name(name) | ast.Attribute(attr=name):
            return name.strip("_").replace("_", " ")
        case ast.Subscript(inside) | ast.Call(ast.Attribute(inside, "astype")):
            return _label(inside)
        case ast.Call(ast.Attribute(attr="join")):
            return "names"
        case ast.Call(ast.Name("len" | "size" | "sizes" | "_size")):
            return "number"
    return "..."


def _joined(text: Text) -> Text:
    """Join neighbours of the same kind."""
    joined: Text = []
    for words, is_filled_in in text:
        if words and joined and joined[-1][1] == is_filled_in:
            joined[-1] = joined[-1][0] + " " * is_filled_in + words, is_filled_in
        elif words:
            joined.append((words, is_filled_in))
    return joined


def setup(app: Any) -> dict[str, Any]:
    from docutils import nodes
    from sphinx.util.docutils import SphinxDirective

    shown_as = {"warn": "warning", "warn_caller": "RuntimeWarning", "complain": "", "refusal": "on the page"}

    class Messages(SphinxDirective):
        required_arguments = 1  # the part

        def run(self) -> list[nodes.Node]:
            of_the_part = [message for message in messages() if message.part == self.arguments[0]]
            found = {(message.kind, str(message)): message for message in of_the_part}
            listed = nodes.bullet_list(support_smartquotes=False)  # to be found as they are
            for message in found.values():
                # A node without a source is not translated: messages are English in every language.
                line = nodes.paragraph()
                if kind := shown_as.get(message.kind, message.kind):
                    line += [nodes.literal(text=kind), nodes.Text(": ")]
                line += [
                    nodes.emphasis(text=words) if is_filled_in else nodes.Text(words)
                    for words, is_filled_in in message.text
                ]
                listed += nodes.list_item("", line)
            return [listed]

    app.add_directive("messages", Messages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
