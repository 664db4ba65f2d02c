"""Kill `fastnet train` at random moments, let `--resume` go on, and compare with a run that nobody has killed.

    python tests/kill_training.py --times 200

Every run is killed by SIGKILL up to three times, in training, in the middle of writing a checkpoint, or while it saves
its results. After every kill, each checkpoint that is there must be readable. At the end, the history, the weights and
the picture must be those of the run that nobody killed, byte for byte. POSIX only: the runs are forks of this process,
which has imported everything, so that the kills hit the run and not the start of Python.
"""

import argparse
import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a fork has no threads of BLAS
sys.path.insert(0, str(Path(__file__).parents[1]))

import matplotlib.backends.backend_agg  # noqa: F401 - the runs need it, and it takes long to import
import numpy as np

from fastnet.cli import _checkpoints, main
from fastnet.optimizer import BY_NAME

os.fsync = lambda _: None  # only after a power failure would it make a difference, and it takes most of the time

RESULTS = ("history.csv", "weights.npz", "training.png")
SIDE, SAMPLES, CLASSES = 12, 90, 3
SEEDED = ["--seed", "5"]
CONV = ["--network", "simple-conv", "--hidden", "4", "--iterations", "60", "--batch-size", "6"]
CASES = [
    *([*SEEDED, "--optimizer", name, "--hidden", "6", "--iterations", "500"] for name in BY_NAME),
    ["--hidden", "6", "--iterations", "500"],
    ["--hidden", "6", "--iterations", "500", "--dtype", "float32"],
    ["--hidden", "2", "--iterations", "40", "--gradient", "numerical", "--batch-size", "7"],
    [*SEEDED, "--network", "multi-layer", "--hidden", "7,5", "--epochs", "80", "--batch-size", "20"],
    ["--network", "multi-layer", "--hidden", "7", "--iterations", "150", "--augment", "--batch-size", "8"],
    [*CONV, *SEEDED], [*CONV, "--augment"],
    ["--network", "deep-conv", "--hidden", "4", "--iterations", "40", "--batch-size", "4"],
    ["--hidden", "6", "--iterations", "900", "--lr", "1000"],  # diverges
    ["--hidden", "6", "--iterations", "45", "--lr", "1000"],  # has diverged at its end
]  # fmt: skip


def data(path: Path) -> None:
    """Write bars in noise, one place for each class."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 120, (SAMPLES, SIDE, SIDE), np.uint8)
    t = np.arange(SAMPLES) % CLASSES
    for i, label in enumerate(t):
        x[i, :, 3 * label : 3 * label + 2] += 100
    np.savez(path, x_train=x[:75], t_train=t[:75], x_test=x[75:], t_test=t[75:])


def start(arguments: list[str], errors: Path, seed: int) -> int:
    """Begin a run in a fork; return its process id."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        np.random.seed(seed)  # unseeded runs draw from here
        with open(errors, "a") as file, contextlib.redirect_stderr(file), contextlib.redirect_stdout(io.StringIO()):
            try:
                status = main(["train", *arguments])
            except BaseException:
                traceback.print_exc(file=file)
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """Wait for a run, and return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def check(held: bool, what: str, errors: Path) -> None:
    if not held:
        sys.exit(f"{what}\n{errors.read_text()}")


def trial(options: list[str], whole: Path, status: int, seconds: float, folder: Path, draw: random.Random) -> list[int]:
    """Kill a run and let it go on until it ends; return the iterations of the checkpoints from which it went on."""
    out, errors = folder / "killed", folder / "errors.txt"
    every = ["--checkpoint-every", str(draw.choice([1, 3, 10, 25]))]
    arguments, went_on, kills = [*options, "--out", str(out), *every], [], 0
    child = start(arguments, errors, seed=1)
    while True:
        if kills < draw.choice([1, 2, 3]):
            time.sleep(draw.uniform(0, seconds * 1.3))
            os.kill(child, signal.SIGKILL)
            kills += 1
        result = ended(child)
        if result == status:
            break
        check(result == -signal.SIGKILL, f"{arguments} ended with {result}", errors)
        held = _checkpoints.held(out)
        for name in held:
            _checkpoints._read(out / name)
        if held:
            went_on.append(_checkpoints.newest(out).iterations)
            child = start(["--out", str(out), "--resume", "--quiet"], errors, seed=draw.randrange(10**6))
        else:
            shutil.rmtree(out, ignore_errors=True)  # killed before the first checkpoint
            child = start(arguments, errors, seed=1)
    text = errors.read_text()
    check("Traceback" not in text and "error" not in text, f"{arguments} failed", errors)
    left = sorted(path.name for path in out.iterdir() if not path.name.startswith(".weights"))
    check(set(left) >= set(RESULTS) and not _checkpoints.held(out), f"{arguments} left {left}", errors)
    for name in RESULTS:
        check((out / name).read_bytes() == (whole / name).read_bytes(), f"{arguments}: another {name}", errors)
    shutil.rmtree(out)
    errors.unlink()
    return went_on


def run() -> None:
    parser = argparse.ArgumentParser(description="Kill fastnet train at random moments, and let it go on.")
    parser.add_argument("--times", type=int, default=200, help="runs that are killed (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    arguments = parser.parse_args()
    draw, went_on, without = random.Random(arguments.seed), [], 0
    order = draw.sample(CASES, len(CASES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data(folder / "data.npz")
        references = {}
        for number in range(arguments.times):
            case = number % len(order)
            options = ["--data", str(folder / "data.npz"), "--quiet", *order[case]]
            if case not in references:
                began = time.monotonic()
                whole = folder / f"whole-{case}"
                status = ended(start([*options, "--out", str(whole)], folder / "errors.txt", seed=1))
                wanted = 1 if "1000" in options else 0
                check(status == wanted, f"{options} ended with {status}", folder / "errors.txt")
                references[case] = whole, status, time.monotonic() - began
            resumed = trial(options, *references[case], folder, draw)
            went_on += resumed
            without += not resumed
    places = f"{len(set(went_on))} different iterations, {min(went_on)} to {max(went_on)}" if went_on else "none"
    print(
        f"{arguments.times} runs were killed. They went on {len(went_on)} times ({places}), and {without} runs began "
        "anew or had ended. Every checkpoint was readable, and every file was that of the uninterrupted run."
    )


if __name__ == "__main__":
    run()
