"""Change the code in small ways, one at a time, and see whether a test notices: mutation testing.

    pip install cosmic-ray==8.7.0 coverage==7.17.5
    python tools/mutants.py [--seed 0] [--jobs 2] [FILE ...]

The changes are cosmic-ray's: another operator, number, comparison, exception or keyword, `not` in a condition, a loop
that never runs, a decorator that is missing. At each place one of those that are possible is drawn. cosmic-ray would
start pytest anew for each of them, which takes seconds, so they are tried here as follows.

First every test runs once, to learn which lines it runs, and how long it takes. The result is kept in build/mutants.
Then pytest collects the tests once more, and stays. For each mutant, a fork of it exchanges the code of the changed
function and runs the tests of the changed line, the shortest ones first, until one of them fails. What is outside of
functions, such as defaults and tables, is tried in a copy of the sources, with tests of the changed file.

Install the extras onnx and torch: the tests of these bridges notice most mistakes in what describes the layers.

The survivors are printed. Those that are explained in tests/mutants.txt do not count. POSIX only.
"""

import argparse
import ast
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEARNED = ROOT / "build" / "mutants" / "lines.json"
EXPLAINED = ROOT / "tests" / "mutants.txt"
FILES = ["fastnet/functions", "fastnet/gradient.py", "fastnet/networks", "fastnet/optimizer.py"]
TESTS = [
    "tests/functions", "tests/layers", "tests/networks", "tests/interop/test_distributed_gradient.py",
    "tests/interop/test_interop_onnx.py", "tests/interop/test_interop_torch.py",
    "tests/plotting/test_plotting_graph.py", "tests/test_compiled_objective.py", "tests/test_damaged_files.py",
    "tests/test_equivalence.py", "tests/test_gradient.py", "tests/test_gradient_check.py", "tests/test_jacobian.py",
    "tests/test_optimizer.py", "tests/test_shown.py", "tests/test_steps.py", "tests/test_threads.py",
    "tests/test_trainer.py", "tests/test_vectorized.py", *FILES,
]  # fmt: skip
OF_SIGNATURES = "tests/test_docstrings.py"  # it compares the defaults with what is written of them
LOOKS = ((0.5, 60), (3.0, 400))  # seconds of tests, and their number; who survives the first look gets the second
OPTIONS = ["-q", "-p", "no:cacheprovider", "--capture=sys", "--no-header", "--no-summary"]
SURVIVED, KILLED, OUTSIDE = range(3)  # exit statuses of a fork


class Mutant(NamedTuple):
    """A change of one file."""

    path: str
    line: int
    changed: str  # the line afterwards
    source: str  # the file afterwards

    def __str__(self) -> str:
        return f"{self.path}: {self.changed}"


# --- the mutants ------------------------------------------------------------------------------------------------------


def mutants_of(path: str, draw: random.Random, share: float) -> Iterator[Mutant]:
    """Give one change for each place of a file, or for a share of them."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = (ROOT / path).read_text("utf-8")
    lines, nodes, types = source.splitlines(), list(ast_nodes(get_ast(source))), _types(source)
    places: dict[tuple[int, int], list[tuple[Any, int]]] = defaultdict(list)
    for operator in [kind() for kind in map(get_operator, operator_names()) if not kind.arguments()]:
        found = [begin for node in nodes for begin, _ in operator.mutation_positions(node)]
        for number, begin in enumerate(found):
            if not any(first <= begin < last for first, last in types):
                places[begin].append((operator, number))
    for begin in sorted(places):
        chosen = draw.choice(places[begin])
        mutated = mutate_code(source, *chosen) if draw.random() < share else None
        if mutated is None or mutated == source:
            continue
        differing = [i for i, (old, new) in enumerate(zip(lines, mutated.splitlines(), strict=False)) if old != new]
        line = differing[0] if differing else begin[0] - 1
        yield Mutant(path, line + 1, mutated.splitlines()[line].strip(), mutated)


def _types(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where the types stand, which Python does not run."""
    found: list[ast.AST | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign):
            found.append(node if ast.unparse(node.annotation) == "TypeAlias" else node.annotation)
        elif isinstance(node, ast.arg):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            found.append(node.returns)
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in found if n]  # type: ignore[attr-defined]


# --- which test runs which line ---------------------------------------------------------------------------------------


class Learning:
    """A plugin of pytest that runs each test once."""

    def __init__(self, coverage: Any) -> None:
        self._coverage = coverage
        self.seconds: dict[str, float] = {}
        self._failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        began = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - began
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    def passed(self) -> dict[str, float]:
        return {test: seconds for test, seconds in self.seconds.items() if test not in self._failed}


def learn(files: list[str]) -> None:
    """Write the tests of each line, and the seconds of each test, to build/mutants."""
    from coverage import Coverage

    with tempfile.TemporaryDirectory() as folder:
        coverage = Coverage(data_file=f"{folder}/data", include=files, config_file=False)
        plugin = Learning(coverage)
        coverage.start()
        pytest.main([*OPTIONS, *TESTS], plugins=[plugin])
        coverage.stop()
        seconds, data = plugin.passed(), coverage.get_data()
        tests: dict[str, dict[str, list[int]]] = {}
        numbers = {test: number for number, test in enumerate(seconds)}
        for file in data.measured_files():
            name = str(Path(file).relative_to(ROOT))
            tests[name] = {
                str(line): sorted(numbers[test] for test in by if test in numbers)
                for line, by in data.contexts_by_lineno(file).items()
            }
    LEARNED.parent.mkdir(parents=True, exist_ok=True)
    LEARNED.write_text(json.dumps({"seconds": seconds, "tests": tests}))


class Learned:
    """Which tests run a line."""

    def __init__(self) -> None:
        found = json.loads(LEARNED.read_text())
        self._seconds: dict[str, float] = found["seconds"]
        self._names = list(self._seconds)
        self._tests: dict[str, dict[str, list[int]]] = found["tests"]

    def of_line(self, mutant: Mutant, look: tuple[float, int]) -> tuple[list[str], float]:
        """Return the tests to run, the shortest ones first, and how long they take."""
        return self._shortest(self._tests.get(mutant.path, {}).get(str(mutant.line), []), look)

    def of_file(self, path: str) -> list[str]:
        """Return tests of the three files that have most of those that run this file."""
        numbers = {number for by in self._tests.get(path, {}).values() for number in by}
        counted = Counter(self._names[number].partition("::")[0] for number in numbers)
        # The examples in the file itself come first: they show its defaults.
        chosen = {path, *[name for name, _ in counted.most_common(3)]}
        return self._shortest([n for n in numbers if self._names[n].partition("::")[0] in chosen], LOOKS[-1])[0]

    def _shortest(self, numbers: Any, look: tuple[float, int]) -> tuple[list[str], float]:
        chosen, total = [], 0.0
        seconds, most = look
        for name in sorted((self._names[number] for number in numbers), key=self._seconds.__getitem__)[:most]:
            total += self._seconds[name]
            chosen.append(name)
            if total > seconds:
                break
        return chosen, total


# --- trying them ------------------------------------------------------------------------------------------------------


def exchange(mutant: Mutant, functions: list[FunctionType]) -> bool:
    """Give the functions of a file the changed code; return False if what has changed is not in a function."""
    compiled = compile(mutant.source, str(ROOT / mutant.path), "exec")
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compiled)}
    changed = False
    for function in functions:
        old = function.__code__
        new = codes.get((old.co_qualname, old.co_firstlineno))
        if new is None or len(new.co_freevars) != len(old.co_freevars):
            return False
        if new != old:
            function.__code__, changed = new, True
    return changed


def functions_by_file() -> dict[str, list[FunctionType]]:
    """Return all functions there are, by the file that defines them."""
    functions = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType:
            functions[each.__code__.co_filename].append(each)
    return functions


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


class Trying:
    """A plugin of pytest that tries the mutants in forks, in place of running the tests."""

    def __init__(self, mutants: Iterable[Mutant], jobs: int) -> None:
        self._mutants, self._jobs, self._learned, self.count = mutants, jobs, Learned(), 0
        self._running: dict[int, tuple[Mutant, str]] = {}
        self.survivors: list[Mutant] = []
        self.outside: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        gc.unfreeze()  # conftest.py has frozen them
        self._functions = functions_by_file()
        gc.freeze()
        mutants = self._mutants
        for number, look in enumerate(LOOKS):
            self.survivors = []
            for mutant in mutants:
                self.count += number == 0
                if len(self._running) == self._jobs:
                    self._wait()
                self._start(mutant, look)
            while self._running:
                self._wait()
            mutants = self.survivors
            print(f"look {number + 1}: {len(mutants)} of {self.count} survive", file=sys.__stderr__, flush=True)
        return True

    def _start(self, mutant: Mutant, look: tuple[float, int]) -> None:
        folder = tempfile.mkdtemp()
        tests, seconds = self._learned.of_line(mutant, look)
        child = os.fork()
        if not child:
            functions = self._functions[str(ROOT / mutant.path)]
            items = [self._items[name] for name in tests if name in self._items]
            _try(mutant, functions, items, folder, 10 + 10 * seconds)
        self._running[child] = mutant, folder

    def _wait(self) -> None:
        child, status = os.wait()
        mutant, folder = self._running.pop(child)
        shutil.rmtree(folder, ignore_errors=True)
        result = os.waitstatus_to_exitcode(status)
        if result == SURVIVED:
            self.survivors.append(mutant)
        elif result == OUTSIDE:
            self.outside.append(mutant)


def _try(mutant: Mutant, functions: list[FunctionType], items: list[pytest.Item], folder: str, seconds: float) -> None:
    """Run tests in a fork, which ends here."""
    from _pytest.runner import runtestprotocol

    status = KILLED
    try:
        signal.alarm(round(seconds))  # a loop that does not end is noticed too
        os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        if not exchange(mutant, functions):
            status = OUTSIDE
        else:
            last: list[Any] = [None]
            for item, following in pairwise([*items, *last]):
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
                    break
            else:
                status = SURVIVED
    finally:
        os._exit(status)


def try_outside(mutants: list[Mutant]) -> list[Mutant]:
    """Return the mutants that survive in a copy of the sources."""
    learned, survivors = Learned(), []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "fastnet"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "build", "docs", ".*_cache"))
        for mutant in mutants:
            path, tests = copy / mutant.path, learned.of_file(mutant.path)
            path.write_text(mutant.source, "utf-8")
            command = [sys.executable, "-m", "pytest", *OPTIONS, "-x", OF_SIGNATURES, *tests]
            environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=120, check=False)
            except subprocess.TimeoutExpired:
                continue
            finally:
                shutil.copy(ROOT / mutant.path, path)
            if done.returncode == 0:
                survivors.append(mutant)
    return survivors


def in_a_fork(work: Callable[[], None]) -> None:
    """Run what imports fastnet in a process of its own."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(1)


def main() -> int:
    """Return 0 if all survivors are explained."""
    parser = argparse.ArgumentParser(description="Change the code, and see whether a test notices.")
    parser.add_argument("files", nargs="*", default=FILES, metavar="FILE", help=f"default: {' '.join(FILES)}")
    parser.add_argument("--seed", type=int, default=0, help="of the changes (default: 0)")
    parser.add_argument("--share", type=float, default=1.0, help="of the places, drawn at random (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="forks at a time (default: 2)")
    parser.add_argument("--again", action="store_true", help="learn anew which test runs which line")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    paths = [str(path) for file in arguments.files for path in sorted(Path(file).glob("*.py")) or [Path(file)]]
    if arguments.again or not LEARNED.exists():
        in_a_fork(lambda: learn([f"{file}/*.py" if Path(file).is_dir() else file for file in FILES]))
    mutants = (
        mutant
        for path in paths
        for mutant in mutants_of(path, random.Random(f"{arguments.seed} {path}"), arguments.share)
    )
    trying = Trying(mutants, arguments.jobs)
    pytest.main([*OPTIONS, *TESTS], plugins=[trying])
    survivors = trying.survivors + try_outside(trying.outside)
    explained = EXPLAINED.read_text("utf-8") if EXPLAINED.exists() else ""
    lines = {line.strip() for line in explained.splitlines()}
    left = [mutant for mutant in survivors if str(mutant) not in lines]
    for mutant in sorted(left):
        print(f"{mutant.path}:{mutant.line}: {mutant.changed}")
    print(
        f"{trying.count} mutants, {len(trying.outside)} of them outside of functions: "
        f"{trying.count - len(survivors)} killed, {len(survivors) - len(left)} explained, {len(left)} survived"
    )
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
