"""Look for files that do harm: read damaged ones for as long as you like.

    python tools/fuzz_files.py [--minutes 10] [--only FORMAT] [--seed 0]

Every file that fastnet reads is damaged at random, as `tests/damaged.py` does it: weights, the book's pickles,
pictures, IDX files, tables, archives. Only ValueError and OSError may come out, and they must name the file. The
process may take no more than 1 GB, so a file that makes it allocate more ends in a MemoryError, which is a fault. Where
atheris is installed, it chooses the changes by what they reach in fastnet, zipfile and NumPy; otherwise they are drawn
from `--seed`. The content of a file with a fault is written to the current folder.
"""

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

MEMORY = 2**30  # bytes above those that the process has after its imports


def by_chance(name: str, folder: Path, seconds: float, seed: int) -> int:
    """Read files that are damaged at random; return how many there were."""
    from damaged import FORMATS, damaged, fault

    kind, number = FORMATS[name], 0
    path = folder / kind.name
    limit_memory(kind, path)
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        content = damaged(kind, np.random.default_rng([seed, number]))
        if found := fault(kind, path, content):
            stop(name, content, found)
        number += 1
    return number


def by_coverage(name: str, folder: Path, seconds: float, seed: int) -> None:
    """Read files that atheris changes until something new is reached; it prints how many there were, and exits."""
    import atheris

    with atheris.instrument_imports(include=["fastnet", "zipfile", "numpy.lib"]):
        from damaged import FORMATS, fault
    kind = FORMATS[name]
    path = folder / kind.name
    contents = kind.contents()
    parts = [kind.unpack(each) for each in contents] if kind.unpack else [[]] * len(contents)

    def read(choice: bytes) -> None:
        """The first byte chooses a sound file, the second what is replaced in it: all or a packed part."""
        which, part = (choice[0] % len(contents), choice[1]) if len(choice) > 1 else (0, 0)
        content = choice[2:]
        if kind.pack and parts[which] and part:
            content = kind.pack(contents[which], part % len(parts[which]), content)
        if found := fault(kind, path, content):
            stop(name, content, found)

    corpus = folder / "corpus"
    corpus.mkdir()
    for which, content in enumerate(contents):
        (corpus / f"{which}").write_bytes(bytes([which, 0]) + content)
        for number, part in enumerate(parts[which]):
            chosen = number if number else len(parts[which])
            (corpus / f"{which}-{number}").write_bytes(bytes([which, chosen % 256]) + part)
    limit_memory(kind, path)
    options = [f"-max_total_time={round(seconds)}", "-max_len=4096", f"-seed={seed + 1}", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, "-verbosity=0", "-print_final_stats=1", str(corpus)], read)
    atheris.Fuzz()


def stop(name: str, content: bytes, found: str) -> None:
    kept = Path(f"fault-{name.replace(' ', '-')}-{abs(hash(content)) % 10**8}.bin")
    kept.write_bytes(content)
    print(f"{name}: {found}\nThe file is kept as {kept}", file=sys.stderr, flush=True)
    os._exit(1)  # also inside of atheris, which would print more than that


def limit_memory(kind: Any, path: Path) -> None:
    """Let the process have no more than `MEMORY` bytes more than now, when all that is read is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for content in kind.contents():
            path.write_bytes(content)
            kind.read(path)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def one_format(name: str, seconds: float, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec("atheris") is None:
            print(f"{name}: {by_chance(name, Path(folder), seconds, seed):,} files", flush=True)
        else:
            by_coverage(name, Path(folder), seconds, seed)


def main() -> int:
    """Search in each format for its share of the time, in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", metavar="FORMAT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        one_format(arguments.only, 60 * arguments.minutes, arguments.seed)
        return 0
    from damaged import FORMATS

    if arguments.only and arguments.only not in FORMATS:
        parser.error(f"--only must be one of {', '.join(map(repr, FORMATS))}")
    names = [arguments.only] if arguments.only else list(FORMATS)
    faults = 0
    for name in names:
        minutes = str(arguments.minutes / len(names))
        command = [sys.executable, __file__, "--here", "--only", name, "--minutes", minutes]
        faults += subprocess.run([*command, "--seed", str(arguments.seed)], check=False).returncode != 0
    print(f"{faults} faults in {len(names)} formats")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
