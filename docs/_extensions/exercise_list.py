"""The directive `exercises`: what is asked in one chapter, read from the package.

The exercises stand in the order in which the chapter's module defines them, from the easy ones to the others.
"""

import importlib
from typing import Any


def exercises_of(chapter: int) -> list[Any]:
    """Return the exercises of a chapter, in order."""
    module = importlib.import_module(f"fastnet.exercises.chapter_{chapter}")
    return [value for name, value in vars(module).items() if name in module.__all__]


def setup(app: Any) -> dict[str, Any]:
    from docutils import nodes
    from docutils.statemachine import StringList
    from sphinx.util.docutils import SphinxDirective

    class Exercises(SphinxDirective):
        required_arguments = 1  # the chapter's number

        def run(self) -> list[nodes.Node]:
            lines = []
            for exercise in exercises_of(int(self.arguments[0])):
                # `call` lists what a class is tried with, which its constructor does not take.
                title = exercise.name if exercise.task.startswith("A class") else exercise.call
                lines += [f"``{title}``", "    " + exercise.task.replace("`", "``"), ""]
            node = nodes.Element()
            self.state.nested_parse(StringList(lines, source=__file__), self.content_offset, node)
            return node.children

    app.add_directive("exercises", Exercises)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
