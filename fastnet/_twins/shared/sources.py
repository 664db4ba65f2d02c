"""What the compiled modules were compiled from. `setup.py` runs this file too, and writes the answer into them."""

from importlib.util import source_hash
from pathlib import Path


def fingerprints(folder: Path) -> dict[str, int]:
    """By the name of each compiled module of the package in `folder`: a hash of its .pyx and of all the .pxd.

    Names that begin with a dot are not ours: editors and systems leave such files beside the sources.
    """
    headers = b"".join(path.read_bytes() for path in sorted(folder.glob("_twins/shared/[!.]*.pxd")))
    sources = [*sorted(folder.glob("_twins/[!.]*.pyx")), *sorted(folder.glob("[!.]*.pyx"))]
    return {
        ".".join(("fastnet", *source.relative_to(folder).with_suffix("").parts)): int.from_bytes(
            source_hash(headers + source.read_bytes()), "little"
        )
        for source in sources
    }
