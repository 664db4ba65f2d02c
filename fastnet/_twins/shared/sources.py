"""Fingerprints of the sources, which show whether the compiled modules are up to date.

`setup.py` runs this file and compiles each fingerprint into its module (`sources.pxd`). `_backend.py` compares them.
"""

from importlib.util import source_hash
from pathlib import Path


def fingerprints(folder: Path) -> dict[str, int]:
    """Return, by the name of each compiled module of the package in `folder`, a hash of its .pyx and all the .pxd.

    Files whose names begin with a dot are ignored: editors and operating systems create them.
    """
    headers = b"".join(path.read_bytes() for path in sorted(folder.glob("_twins/shared/[!.]*.pxd")))
    sources = [*sorted(folder.glob("_twins/**/[!.]*.pyx")), *sorted(folder.glob("[!.]*.pyx"))]
    return {
        ".".join(("fastnet", *source.relative_to(folder).with_suffix("").parts)): int.from_bytes(
            source_hash(headers + source.read_bytes()), "little"
        )
        for source in sources
    }
