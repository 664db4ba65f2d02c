"""Your own data: IDX files, tables, folders of pictures and ``.npz`` files, as arrays to train on.

`load` finds out the format. Each format has a file of its own here; `mnist/` holds the data that comes with fastnet.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnet.data._loading import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """Import `load` when it is first used: with all formats, `import fastnet` would take longer."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastnet.data._loading import load

    globals()[name] = load
    return load
