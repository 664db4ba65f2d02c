"""Libraries that are not there unless the user has asked for them."""

import importlib
from typing import Any


def library(name: str, extra: str) -> Any:
    """Return a module of a library, or raise an ImportError that says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"this needs {name.partition('.')[0]}, which fastnet's extra `{extra}` installs: "
            f"pip install '.[{extra}]' in the folder of its source ({error})"
        ) from None
