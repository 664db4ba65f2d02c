"""Which extras an example needs. The gallery and `tests/test_examples.py` run it only where they are installed.

An example needs an extra if it imports a module of it. A new extra needs a line in `EXTRA_OF`, and nothing else.
"""

import ast
from importlib.util import find_spec
from pathlib import Path

# An extra by the module that it installs.
EXTRA_OF = {
    "distributed": "distributed", "joblib": "distributed", "onnxruntime": "onnx", "safetensors": "safetensors",
    "sklearn": "sklearn", "torch": "torch",
}  # fmt: skip


def imported(path: Path) -> set[str]:
    """Return the modules that an example imports, without their submodules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


def lacking_extras(path: Path) -> list[str]:
    """Return the extras that an example needs and that are not installed."""
    return sorted({EXTRA_OF[module] for module in imported(path) & EXTRA_OF.keys() if find_spec(module) is None})
