"""Write fastnet/textbook/fingerprints.txt from clones of the repositories of the book's two editions.

    python tools/fingerprints.py JAPANESE KOREAN > fastnet/textbook/fingerprints.txt

Each argument is a clone with its whole history, with or without a work tree. The output has one line for each version
of each function and class that the default branch ever had, and of each variable that one of them refers to. It
contains hashes of syntax trees, and no code. The versions of a name are numbered in the order of their publication, so
that a number does not change when an edition publishes a new version.
"""

import json
import subprocess
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

# The module alone: importing the package would need NumPy.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fastnet" / "textbook"))

from _source import Source, fingerprint

HEADER = """\
# What both editions of the book ever defined: hashes of syntax trees, written by tools/fingerprints.py.
# name-version  fingerprint  editions  first and last day  files
"""


def git(clone: str, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", clone, *arguments], capture_output=True, check=True).stdout


def files(clone: str) -> Iterator[tuple[str, str, str]]:
    """Yield (day, blob, path) of every Python file and notebook in every commit, the oldest first."""
    for commit in git(clone, "log", "--reverse", "--format=%H %cs", "HEAD").decode().splitlines():
        sha, day = commit.split()
        for line in git(clone, "ls-tree", "-r", "-z", sha).decode("utf-8", "replace").split("\0"):
            if line.endswith((".py", ".ipynb")):
                meta, path = line.split("\t")
                yield day, meta.split()[2], path


def code(data: bytes, path: str) -> bytes:
    """Return the code of a file; of a notebook, all cells without IPython's own commands."""
    if path.endswith(".py"):
        return data
    cells = [cell for cell in json.loads(data).get("cells", []) if cell["cell_type"] == "code"]
    lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))).encode()


def definitions(data: bytes, path: str) -> dict[str, str]:
    """Return the fingerprints of a file's functions and classes, and of the variables that these refer to."""
    try:
        source = Source(code(data, path), path)
    except (SyntaxError, ValueError):
        return {}
    found = {name: fingerprint(node) for name, node in source.written.items()}
    waiting = [name for name in source.written if name in source.definitions]
    while waiting:
        for name in source.references(waiting.pop()) & source.definitions.keys() - found.keys():
            found[name] = fingerprint(source.definitions[name])
            waiting.append(name)
    return found


def main(clones: dict[str, str]) -> None:
    seen: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for edition, clone in clones.items():
        known: dict[tuple[str, str], dict[str, str]] = {}
        for day, blob, path in files(clone):
            if (blob, path) not in known:
                known[blob, path] = definitions(git(clone, "cat-file", "blob", blob), path)
            for name, value in known[blob, path].items():
                seen[name, value].append((day, edition, path))
    print(HEADER, end="")
    version: dict[str, int] = defaultdict(int)
    for (name, value), places in sorted(seen.items(), key=lambda item: (item[0][0], min(item[1]), item[0][1])):
        version[name] += 1
        days, editions, paths = ({place[i] for place in places} for i in range(3))
        print(f"{name}-{version[name]}", value, ",".join(sorted(editions)), min(days), max(days), sep="  ", end="  ")
        print(*sorted(path.replace(" ", "%20") for path in paths))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the book's code has escapes such as "\\d"
    main(dict(zip(("ja", "ko"), sys.argv[1:], strict=True)))
