"""Write files so that a crash leaves the old file intact."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PathLike = str | os.PathLike[str]


@contextmanager
def replacing(path: PathLike, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """Open a temporary file. When the `with` block ends, it replaces `path`; if the block raises, it is deleted."""
    target = Path(os.path.realpath(path))  # a symbolic link stays, and its target is replaced
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is not a regular file, and cannot be replaced by one: give the path of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no directory {target.parent}: make it first, or name another one")
    # A name of its own for each process and thread. Only the begin of a long one: systems allow 255 bytes.
    new = target.with_name(f".{target.name[:50]}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(new, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
