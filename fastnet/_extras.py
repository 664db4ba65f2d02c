"""Libraries that are not there unless the user has asked for them: the one place that says so."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def needing(extra: str, user: str) -> Iterator[None]:
    """Let an ImportError of the block say what needs the library, and how to install it."""
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"{user} needs fastnet's extra `{extra}`: pip install '.[{extra}]' in the folder of fastnet's source "
            f"({error})",
            name=error.name,
        ) from None


def library(name: str, extra: str, user: str) -> Any:
    """Return a module of a library, or raise that error."""
    with needing(extra, user):
        return importlib.import_module(name)
