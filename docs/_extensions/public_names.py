"""The directive `public-names`: every public function and class, listed by the module from which it is imported.

The list comes from the package, so a new name needs no line of its own here or on the page that shows the list.
"""

import importlib
import inspect
import pkgutil
from typing import Any

import fastnet


def public_names() -> dict[str, list[str]]:
    """The public names of each public module, in the order of its `__all__`; each name only where it comes first."""
    below = [f"fastnet.{module.name}" for module in pkgutil.iter_modules(fastnet.__path__)]
    listed: list[Any] = []
    found = {}
    for module_name in ["fastnet", *(name for name in below if "._" not in name and name != "fastnet.cli")]:
        module = importlib.import_module(module_name)
        names = getattr(module, "__all__", None) or _defined_in(module)
        values = {name: getattr(module, name) for name in names if _is_there(module, name)}
        new = {name: value for name, value in values.items() if not inspect.ismodule(value) and value not in listed}
        if new:
            found[module_name] = list(new)
            listed += new.values()
    return found


def _is_there(module: Any, name: str) -> bool:
    """Whether the extra that a name of `fastnet.interop` needs is installed."""
    try:
        getattr(module, name)
    except ImportError:
        return False
    return True


def _defined_in(module: Any) -> list[str]:
    """What a module without `__all__` defines itself. A protocol only describes what other classes have."""
    return [
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not (name.startswith("_") or getattr(value, "_is_protocol", False))
    ]


def setup(app: Any) -> dict[str, Any]:
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class PublicNames(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            lines = []
            for module, names in public_names().items():
                lines += [f".. rubric:: {module}", "", f".. currentmodule:: {module}", ""]
                lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in names), ""]
            node = nodes.Element()
            self.state.nested_parse(StringList(lines, source=__file__), self.content_offset, node)
            return node.children

    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
