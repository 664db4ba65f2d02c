"""What the compiled modules were compiled from. `setup.py` runs this file too, and writes the answer into them."""

from importlib.util import source_hash
from pathlib import Path


def fingerprints(folder: Path) -> dict[str, int]:
    """A hash of each .pyx in `folder` and of all the .pxd, any of which it may use, by the name of the module.

    Names begin with an underscore: what editors and systems leave beside the sources begins with a dot.
    """
    headers = b"".join(header.read_bytes() for header in sorted(folder.glob("_*.pxd")))
    return {
        source.stem: int.from_bytes(source_hash(headers + source.read_bytes()), "little")
        for source in sorted(folder.glob("_*.pyx"))
    }
