"""`fastnet train` that is cut off: the checkpoints, and what `--resume` makes of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import effort
import numpy as np
import pytest

import fastnet
from fastnet import TwoLayerNet, load_network
from fastnet._training.divergence import largest
from fastnet.cli import _checkpoints
from fastnet.optimizer import BY_NAME

RESULTS = {"weights.npz", "history.csv"}
FIRST, SECOND = _checkpoints.FILES
OPTIONS = ["--data", "data.npz", "--hidden", "4", "--iterations", "12", "--batch-size", "8", "--quiet"]


class Killed(BaseException):
    """Ends a run at once, as kill -9 does; except that `replacing` still removes its temporary file."""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A folder with data; no pictures; and the backend and the global generator as they were, whatever a run does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastnet.cli.train._draw", lambda *_: None)
    write_data(0)
    state = np.random.get_state()
    with fastnet.use_backend(fastnet.get_backend()):
        yield tmp_path
    np.random.set_state(state)


def write_data(seed):
    x = np.random.default_rng(seed).integers(0, 256, (40, 12, 12), np.uint8)
    t = np.arange(40) % 4
    np.savez("data.npz", x_train=x[:30], t_train=t[:30], x_test=x[30:], t_test=t[30:])


@pytest.fixture
def cut_off(run, monkeypatch):
    """Begin a run in the folder `cut`, and kill it behind its checkpoint of a number."""

    def begin(*options, behind=1):
        written = []
        write = _checkpoints.Checkpoints._write

        def write_and_die(self, trainer):
            write(self, trainer)
            written.append(trainer.current_iter)
            if len(written) == behind:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(_checkpoints.Checkpoints, "_write", write_and_die)
            with pytest.raises(Killed):
                run(*options, "--out", "cut")
        np.random.seed(999)  # a new process is in another state
        return written[-1]

    return begin


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def names(folder):
    return {path.name for path in Path(folder).iterdir()}


# --- the same result -------------------------------------------------------------------------------------------------

CASES = {
    **{name: ["--optimizer", name] for name in BY_NAME},
    "numerical": ["--gradient", "numerical", "--hidden", "2"],
    "float32": ["--dtype", "float32"],
    "multi-layer": ["--network", "multi-layer", "--hidden", "5,4", "--activation", "tanh"],
    "simple-conv": ["--network", "simple-conv"],
    "deep-conv": ["--network", "deep-conv"],
    "augmented": ["--augment"],
    "epochs": ["--network", "multi-layer"],
}


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seeded", [True, False], ids=["seeded", "unseeded"])
@pytest.mark.parametrize("behind", [1, 3])
def test_a_run_that_goes_on_gives_the_files_of_one_that_was_not_cut_off(run, cut_off, case, seeded, behind):
    options = ["--data", "data.npz", "--hidden", "4", "--batch-size", "7", "--quiet", *CASES[case]]
    options += ["--epochs", "3"] if case == "epochs" else ["--iterations", "12"]
    options += ["--checkpoint-every", "3", *(["--seed", "6"] if seeded else [])]
    np.random.seed(1)
    whole = run(*options, "--out", "whole")
    np.random.seed(1)
    done = cut_off(*options, behind=behind)
    assert done == 3 * behind
    resumed = run("--resume", "--out", "cut", "--quiet")
    assert resumed == (0, whole[1].replace("whole", "cut"), "")
    assert names("whole") == RESULTS
    assert contents("cut") == contents("whole")


def test_a_run_may_be_cut_off_again_and_again(run, cut_off, monkeypatch):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 1)
    write = _checkpoints.Checkpoints._write

    def write_and_die(self, trainer):
        write(self, trainer)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoints.Checkpoints, "_write", write_and_die)
        for done in range(2, 13):
            with pytest.raises(Killed):
                run("--resume", "--out", "cut", "--quiet")
            assert _checkpoints.newest(Path("cut")).iterations == done
    assert run("--resume", "--out", "cut", "--quiet")[0] == 0  # it was cut off behind the last iteration
    assert contents("cut") == contents("whole")


@pytest.mark.skipif(os.name != "posix", reason="forks, and sends SIGKILL")
def test_kill_9_at_random_moments():
    environment = {**os.environ, "FASTNET_BACKEND": fastnet.get_backend()}
    command = [sys.executable, Path(__file__).parents[1] / "kill_training.py", "--times", "10" if effort.FULL else "2"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "every file was that of the uninterrupted run" in done.stdout


def test_ctrl_c_leaves_the_checkpoint_and_the_run_goes_on_from_there(run, monkeypatch):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    loss, calls = TwoLayerNet.loss, []

    def interrupted(self, x, t):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt  # when the parameters have moved already
        return loss(self, x, t)

    with monkeypatch.context() as patch:
        patch.setattr(TwoLayerNet, "loss", interrupted)
        status, out, _ = run(*OPTIONS, "--seed", 1, "--out", "cut", "--checkpoint-every", 5)
    assert status == 130
    assert "after 7 iterations (interrupted)" in out
    assert names("cut") == {*RESULTS, FIRST}
    status, out, _ = run("--resume", "--out", "cut")
    assert status == 0
    assert "Going on after iteration 5, from cut/checkpoint-1.npz" in out.replace("\\", "/")
    assert contents("cut") == contents("whole")


def test_without_the_option_there_is_one_at_the_end_of_an_epoch_but_not_all_the_time(run, monkeypatch):
    written = []
    monkeypatch.setattr(
        _checkpoints, "state_of", lambda trainer: written.append(trainer.current_iter) or {"a": np.zeros(1)}
    )
    run(*OPTIONS, "--out", "quick")
    assert written == []  # an epoch of these takes less than a millisecond
    monkeypatch.setattr(_checkpoints, "SECONDS", 0.0)
    run(*OPTIONS, "--out", "each")
    assert written == [4, 8, 12]  # 30 samples in batches of 8; the last ends within an epoch


# --- what can go wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda _: b"", lambda data: data[:600] + b"?" + data[601:],
     lambda _: b"no archive"],
    ids=["half", "empty", "a byte", "text"],
)  # fmt: skip
def test_a_damaged_checkpoint_is_told_of_and_the_one_before_is_used(run, cut_off, damage):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 3, behind=2)
    newest = Path("cut", SECOND)
    newest.write_bytes(damage(newest.read_bytes()))
    status, _, err = run("--resume", "--out", "cut", "--quiet")
    assert status == 0
    line = rf"fastnet train: warning: .*{SECOND} cannot be used: .*\. The run goes on from {FIRST}\n"
    assert re.fullmatch(line, err)
    assert contents("cut") == contents("whole")


def test_if_no_checkpoint_can_be_used_that_is_one_line(run, cut_off):
    cut_off(*OPTIONS, "--checkpoint-every", 3, behind=2)
    for name in _checkpoints.FILES:
        Path("cut", name).write_bytes(b"no archive")
    before = contents("cut")
    status, out, err = run("--resume", "--out", "cut")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert FIRST in err
    assert SECOND in err
    assert contents("cut") == before


def changed(path, **arrays):
    with np.load(path) as file:
        held = {**file, **arrays}
    np.savez(path, **held)


def about(path, **entries):
    with np.load(path) as file:
        return np.array(json.dumps({**json.loads(file["about"].item()), **entries}))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (lambda path: {"about": about(path, fastnet="9.9")}, r"fastnet 9\.9 wrote it, and fastnet .* may"),
        (lambda path: {"about": about(path, options=["--network", "none"])}, "does not hold the options of a run"),
        (lambda path: {"about": about(path, options=3)}, "does not hold the options of a run"),
        (lambda _: {"about": np.array("[" * 100_000)}, "is no checkpoint"),
        (lambda _: {"about": np.array("{")}, "cannot be used"),
        (lambda _: {"about": np.zeros(3)}, "cannot be used"),
        (lambda _: {"numbers": np.array("{}")}, "does not fit"),
        (lambda _: {"params/W1": np.zeros(3)}, "W1 must be float64 of shape"),
        (lambda _: {"params/W9": np.zeros(3)}, "it has the parameters"),
        (lambda _: {"random": np.zeros(3, np.uint32)}, "does not fit"),
        (lambda _: {"train_loss_list": np.zeros((2, 2))}, "does not hold the losses"),
    ],
)
def test_a_checkpoint_of_another_version_or_made_by_hand_is_one_line(run, cut_off, arrays, message):
    cut_off(*OPTIONS, "--checkpoint-every", 3)
    path = Path("cut", FIRST)
    changed(path, **arrays(path))
    status, _, err = run("--resume", "--out", "cut", "--quiet")
    assert (status, err.count("\n")) == (1, 1)
    assert re.search(message, err)
    assert FIRST in err


@pytest.mark.parametrize("folder", ["missing", "empty", "complete"])
def test_where_there_is_no_checkpoint_that_is_one_line(run, workplace, folder):
    (workplace / "empty").mkdir()
    run(*OPTIONS, "--out", "complete")
    before = names(workplace), names("complete")
    status, out, err = run("--resume", "--out", folder)
    assert (status, out) == (1, "")
    why = "no such directory" if folder == "missing" else "the run there is complete, or ended before the first one"
    assert err == f"fastnet train: error: there is no checkpoint in --out {folder}: {why}\n"
    assert (names(workplace), names("complete")) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", 2], r"--seed=2 does not go with --resume: the run in cut was begun with --seed=1\. Leave it out"),
        (["--lr", 0.5], r"--lr=0\.5 .* was begun without it\. Leave it out"),
        (["--network", "multi-layer"], "begun with --network=two-layer"),
        (["--hidden", "4,5"], "begun with --hidden=4"),
        (["--augment"], r"--augment does not go .* was begun without it\. Leave it out"),
        (["--force"], "--force replaces the run"),
    ],
)
def test_an_option_that_would_change_the_result_is_one_line(run, cut_off, options, message):
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 3)
    before = contents("cut")
    status, out, err = run("--resume", "--out", "cut", *options)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert re.search(message, err)
    assert contents("cut") == before


def test_the_options_of_the_run_may_be_typed_again(run, cut_off):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 3)
    again = [*OPTIONS, "--seed", 1, "--network", "two-layer", "--gradient", "backprop", "--checkpoint-every", 4]
    assert run("--resume", "--out", "cut", *again)[0] == 0
    assert contents("cut") == contents("whole")


def test_resume_needs_the_folder(run):
    status, _, err = run("--resume")
    assert status == 1
    assert err == "fastnet train: error: --resume needs --out DIR, the folder of the run that goes on\n"


def test_data_may_have_moved_but_not_changed(run, cut_off, workplace, monkeypatch):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 3)
    shutil.copytree("cut", "copy")
    (workplace / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")  # the path of the data was relative
    assert run("--resume", "--out", "../cut", "--quiet")[0] == 0
    monkeypatch.chdir(workplace)
    assert contents("cut") == contents("whole")
    Path("data.npz").rename("moved.npz")
    write_data(1)
    status, _, err = run("--resume", "--out", "copy", "--quiet")
    assert status == 1
    assert re.fullmatch("fastnet train: error: the data have changed since the run in copy was begun: .*\n", err)
    assert run("--resume", "--out", "copy", "--quiet", "--data", "moved.npz")[0] == 0
    assert contents("copy") == contents("whole")


def test_a_folder_with_a_checkpoint_holds_a_run(run, cut_off):
    cut_off(*OPTIONS, "--checkpoint-every", 3)
    before = contents("cut")
    status, _, err = run(*OPTIONS, "--out", "cut")
    assert status == 1
    assert re.fullmatch(rf".* error: --out cut holds a run \({FIRST}\): go on with it by --resume, .*\n", err)
    assert contents("cut") == before
    assert run(*OPTIONS, "--out", "cut", "--force")[0] == 0
    assert names("cut") == RESULTS


def test_a_checkpoint_that_cannot_be_written_is_told_of_once_and_the_training_goes_on(run, monkeypatch):
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    replacing = _checkpoints.replacing

    def full(path, *arguments):
        if Path(path).name in _checkpoints.FILES:
            raise OSError(28, "No space left on device")
        return replacing(path, *arguments)

    monkeypatch.setattr(_checkpoints, "replacing", full)
    status, _, err = run(*OPTIONS, "--seed", 1, "--out", "cut", "--checkpoint-every", 2)
    assert status == 0
    assert re.fullmatch(r".* warning: no checkpoint at iteration 2: .*: No space left on device\. .*\n", err)
    assert contents("cut") == contents("whole")


@pytest.fixture
def disk(workplace):
    """A folder that is a disk of 64 kB."""
    folder = workplace / "disk"
    folder.mkdir()
    mount = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk, on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_on_a_disk_that_gets_full_the_last_good_checkpoint_stays_and_the_run_goes_on_when_there_is_room(run, disk):
    folder = disk
    run(*OPTIONS, "--seed", 1, "--out", "whole")
    junk = folder / "junk"
    step = _checkpoints.Checkpoints.on_step

    def fill_up(self, trainer):
        step(self, trainer)
        if trainer.current_iter == 4:
            with suppress(OSError), open(junk, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(512))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_checkpoints.Checkpoints, "on_step", fill_up)
        status, out, err = run(*OPTIONS, "--seed", 1, "--out", folder / "run", "--checkpoint-every", 3)
    assert (status, out) == (1, "")  # neither another checkpoint nor the weights had room
    warning, error = err.splitlines()
    assert re.fullmatch(r".* warning: no checkpoint at iteration 6: .*No space left on device\..*", warning)
    assert re.fullmatch(r"fastnet train: error: .*No space left on device", error)
    assert names(folder / "run") == {FIRST}
    assert _checkpoints.newest(folder / "run").iterations == 3
    junk.unlink()
    assert run("--resume", "--out", folder / "run", "--quiet")[0] == 0
    assert contents(folder / "run") == contents("whole")


def test_a_read_only_folder_is_one_line_and_the_checkpoint_stays(run, disk, cut_off):
    folder = disk
    cut_off(*OPTIONS, "--seed", 1, "--checkpoint-every", 3)
    shutil.move("cut", folder / "cut")
    before = contents(folder / "cut")
    assert subprocess.run(["mount", "-o", "remount,ro", folder]).returncode == 0
    status, out, err = run("--resume", "--out", folder / "cut", "--quiet")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"fastnet train: error: .*Read-only file system\n", err)
    assert contents(folder / "cut") == before


# --- divergence ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("iterations", [12, 49, 60, 140])
def test_a_run_that_is_too_short_to_be_stopped_is_judged_at_its_end(run, iterations):
    options = ["--data", "data.npz", "--hidden", 4, "--batch-size", 8, "--seed", 1, "--quiet", "--lr", 1000]
    status, out, err = run(*options, "--iterations", iterations, "--out", "mine")
    assert status == 1
    assert f"after {iterations} iterations (diverged)" in out
    found, ended = err.splitlines()
    assert "no better than guessing (1.384)" in found
    assert re.fullmatch(
        rf"fastnet: warning: the loss is [\d.]+ at iteration {iterations - 1}, the last: the learning rate may be too "
        r"large, so try a smaller one. The training has stopped. The network has its parameters after 0 iterations "
        r"again",
        ended,
    )
    assert largest(load_network("mine/weights.npz").params) < 1


@pytest.mark.filterwarnings("default")
def test_a_short_run_that_was_killed_when_it_was_over_is_judged_when_it_goes_on(run, monkeypatch):
    options = ["--data", "data.npz", "--hidden", 4, "--batch-size", 8, "--seed", 1, "--quiet", "--lr", 1000]
    whole = run(*options, "--iterations", 45, "--out", "whole")

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(TwoLayerNet, "save", killed)
        with pytest.raises(Killed):
            run(*options, "--iterations", 45, "--out", "mine", "--checkpoint-every", 1)
    assert names("mine") == {FIRST, SECOND}
    again = run("--resume", "--out", "mine", "--quiet")
    assert again[0] == whole[0] == 1
    assert again[2] == whole[2] * 2  # what the killed run has said, and then the same again
    assert Path("mine/weights.npz").read_bytes() == Path("whole/weights.npz").read_bytes()


@pytest.mark.filterwarnings("default")
def test_a_run_that_recovers_has_not_diverged(run):
    options = ["--data", "data.npz", "--hidden", 4, "--batch-size", 8, "--seed", 1, "--quiet"]
    status, out, err = run(*options, "--iterations", 100, "--lr", 0.5, "--out", "mine")
    assert status == 0
    assert "diverged" not in out + err


@pytest.mark.filterwarnings("default")  # as outside of pytest
def test_a_run_that_stays_as_guessing_for_an_epoch_stops_with_status_1_and_keeps_the_last_good_weights(run):
    options = ["--data", "data.npz", "--hidden", 4, "--batch-size", 8, "--seed", 1, "--quiet", "--lr", 1000]
    status, out, err = run(*options, "--iterations", 1000, "--out", "mine")
    assert status == 1
    assert "after 150 iterations (diverged)" in out  # seen after 50, and 100 more are the least
    found, stopped = err.splitlines()
    assert "no better than guessing (1.384)" in found
    assert stopped == (
        "fastnet: warning: the loss is no better than guessing for an epoch, up to iteration 149: the learning rate "
        "may be too large, so try a smaller one. The training has stopped. The network has its parameters "
        "after 0 iterations again"
    )
    np.random.seed(1)
    first = TwoLayerNet(144, 4, 4)
    loaded = load_network("mine/weights.npz")
    assert all(np.array_equal(loaded.params[name], value) for name, value in first.params.items())
    assert names("mine") == RESULTS
