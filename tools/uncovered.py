"""Compare the lines that no test has run with those that tests/uncovered.txt explains. `tools/coverage.sh` calls this.

    python tools/uncovered.py PYTHON.JSON

The file is what `coverage json` writes. The lines of the Cython are found here: `gcov` tells how often each line of the
generated C has run, and the C has a comment where the code of a line of Cython begins. Cython can also report each line
to coverage.py. It would take the GIL for that, at every step of every loop, and a network of a test would take hours.
"""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPLAINED = ROOT / "tests" / "uncovered.txt"
# In a function: the C of its first line has the comment only if it does not follow the same line.
COMMENT = re.compile(r'\s+/\* "(.+\.p(?:yx|xd))":(\d+)$')
END = "/* function exit code */"  # what follows runs also if the last line has not run


def of_python(file: Path) -> dict[str, dict[int, int]]:
    """Return how often the lines of each file have run, as far as that is known: 0 or 1."""
    files = json.loads(file.read_text("utf-8"))["files"]
    return {
        path: dict.fromkeys(found["executed_lines"], 1) | dict.fromkeys(found["missing_lines"], 0)
        for path, found in files.items()
    }


def of_kernels(folder: Path) -> dict[str, dict[int, int]]:
    """Return how often the lines of each file have run, in all modules and for all dtypes together."""
    counts: dict[str, dict[int, int]] = defaultdict(Counter)
    for notes in sorted(folder.glob("build/temp*/**/*.gcno")):
        command: list[str | Path] = ["gcov", "--json-format", "--stdout", notes]
        for file in json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)["files"]:
            if file["file"].endswith(".c"):
                ran = {line["line_number"]: line["count"] for line in file["lines"]}
                for name, line, number in _beginnings(folder / file["file"], ran):
                    (path,) = [path for path in (name, f"fastnet/_twins/shared/{name}") if (folder / path).exists()]
                    counts[path][line] = counts[path].get(line, 0) + number
    return counts


def _beginnings(generated: Path, ran: dict[int, int]) -> Iterator[tuple[str, int, int]]:
    """Give each place where the C of a line begins: the file, the line, and how often it has run."""
    place = None
    for number, text in enumerate(generated.read_text("utf-8").splitlines(), 1):
        if found := COMMENT.match(text):
            place = found[1], int(found[2])
        elif END in text:
            place = None
        elif place and number in ran:
            yield *place, ran[number]
            place = None


def main(file: str) -> int:
    """Return 0 if every line that has not run is explained."""
    explained = Counter(EXPLAINED.read_text("utf-8").splitlines())
    new = 0
    for what, counts in (("Python", of_python(Path(file))), ("Cython", of_kernels(ROOT))):
        known = missing = 0
        for path in sorted(counts):
            source = (ROOT / path).read_text("utf-8").splitlines()
            known += len(counts[path])
            for line in sorted(line for line, ran in counts[path].items() if not ran):
                missing += 1
                text = f"{path}: {source[line - 1].strip()}"
                if explained[text]:
                    explained[text] -= 1
                else:
                    new += 1
                    print(f"{path}:{line}: {source[line - 1].strip()}")
        print(f"{what}: {known:,} lines, {missing} of them do not run ({1 - missing / known:.1%} run)")
    print(f"{new} of the lines that do not run are not explained in {EXPLAINED.relative_to(ROOT)}")
    return 1 if new else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
