"""The checkpoints of `fastnet train`: two files in the folder of a run, written in turn, so that one is always whole.

A checkpoint holds the options that the run was begun with, a checksum of its data, and the state of the training.
"""

import argparse
import json
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastnet
from fastnet._files import replacing
from fastnet._npz import read_npz, write_npz
from fastnet._scaled import ScaledBytes
from fastnet._streams import complain
from fastnet._training.checkpoint import Arrays, put_back, state_of
from fastnet.data._dataset import Dataset

FILES = ("checkpoint-1.npz", "checkpoint-2.npz")
SECONDS = 5.0  # at least between two checkpoints of which nobody has said when they are due: an epoch may take no time
# The options that decide what comes out. Their order is that of the messages.
DECISIVE = (
    "network", "hidden", "activation", "data", "test_data", "label", "size", "augment", "iterations", "epochs",
    "batch_size", "optimizer", "lr", "dtype", "gradient", "backend", "seed",
)  # fmt: skip
MAY_CHANGE = ("data", "test_data", "checkpoint_every")  # data may have been moved: their checksum decides


class Checkpoint(NamedTuple):
    """What a file holds: the options as they are typed, and the state with the checksum of the data."""

    path: Path
    options: list[str]
    data: int
    state: Arrays

    @property
    def iterations(self) -> int:
        return len(self.state["train_loss_list"])


def options_of(args: argparse.Namespace) -> list[str]:
    """Return the options that a resumed run takes over, as they are typed."""
    names = (*DECISIVE, "checkpoint_every")
    return [_typed(name, getattr(args, name)) for name in names if name in args and getattr(args, name) is not False]


def _typed(name: str, value: Any) -> str:
    option = f"--{name.replace('_', '-')}"
    if value is True:
        return option
    if isinstance(value, Path):
        value = value.absolute()
    elif isinstance(value, list | tuple):
        value = ("x" if name == "size" else ",").join(map(str, value))
    return f"{option}={value}"


def merged(typed: argparse.Namespace, begun: argparse.Namespace, defaults: dict[str, Any]) -> argparse.Namespace:
    """Return the options of a run that goes on: those that it was begun with, and the others as they are typed now."""
    for name in DECISIVE:
        if name not in typed or name in MAY_CHANGE:
            continue
        now, then = getattr(typed, name), getattr(begun, name, defaults.get(name))
        if now != then:
            began = "without it" if then is None or then is False else f"with {_typed(name, then)}"
            raise ValueError(
                f"{_typed(name, now)} does not go with --resume: the run in {typed.out} was begun {began}. Leave it out"
            )
    return argparse.Namespace(**{**vars(begun), **vars(typed)})


def checksum(data: Dataset) -> int:
    """Return a number that is another one for other data."""
    result = 0
    for part in (data.x_train, data.t_train, data.x_test, data.t_test):
        values = np.ascontiguousarray(part.values if isinstance(part, ScaledBytes) else part)
        result = zlib.crc32(values.data.cast("B"), zlib.crc32(str((values.shape, values.dtype)).encode(), result))
    return zlib.crc32(json.dumps(data.classes).encode(), result)


def held(folder: Path) -> list[str]:
    """Return the names of the checkpoints in a folder."""
    return [name for name in FILES if (folder / name).exists()]


def newest(folder: Path) -> Checkpoint:
    """Return the newest checkpoint in a folder that can be read, and say so if another one cannot."""
    found, damaged = [], []
    for name in held(folder):
        try:
            found.append(_read(folder / name))
        except ValueError as error:
            damaged.append(f"{folder / name} cannot be used: {error}")
    if not found:
        why = "the run there is complete, or ended before the first one" if folder.exists() else "no such directory"
        raise ValueError("; ".join(damaged) or f"there is no checkpoint in --out {folder}: {why}")
    latest = max(found, key=lambda each: each.iterations)
    for message in damaged:
        complain(f"fastnet train: warning: {message}. The run goes on from {latest.path.name}")
    return latest


def _read(path: Path) -> Checkpoint:
    state = read_npz(path)
    try:
        about = json.loads(state.pop("about").item())
        version = about["fastnet"]
        if version != fastnet.__version__:
            raise ValueError(
                f"fastnet {version} wrote it, and fastnet {fastnet.__version__} may compute otherwise: "
                "use that version, or begin a new run"
            )
        options = about["options"]
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise ValueError("it does not hold the options of a run")
        if state["train_loss_list"].ndim != 1:
            raise ValueError("it does not hold the losses of a run")
        return Checkpoint(path, options, int(about["data"]), state)
    except (AttributeError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no checkpoint of fastnet train: {error}") from None


class Checkpoints:
    """Writes the checkpoints of a run: the trainer calls `on_step` and `on_epoch`."""

    def __init__(self, folder: Path, args: argparse.Namespace, data: int) -> None:
        self._folder = folder
        self._about = json.dumps({"fastnet": fastnet.__version__, "options": options_of(args), "data": data})
        self._every: int | None = getattr(args, "checkpoint_every", None)
        self._prog, self._next, self._has_failed = args.prog, 0, False
        self._written = time.monotonic()

    def resume(self, trainer: Any, checkpoint: Checkpoint) -> None:
        """Give a trainer the state of a checkpoint, which stays until the one after the next is written."""
        try:
            put_back(trainer, checkpoint.state)
        except ValueError as error:
            raise ValueError(f"{checkpoint.path}: {error}") from None
        self._next = 1 - FILES.index(checkpoint.path.name)

    def on_step(self, trainer: Any) -> None:
        if self._every is not None and trainer.current_iter % self._every == 0 and not trainer._ends_an_epoch():
            self._write(trainer)

    def on_epoch(self, trainer: Any) -> None:
        """Write a checkpoint if it is due, also by `--checkpoint-every`: the end of an epoch belongs to its state."""
        if self._every is None:
            is_due = time.monotonic() - self._written >= SECONDS
        else:
            is_due = trainer.current_iter % self._every == 0 and trainer._ends_an_epoch()
        if is_due:
            self._write(trainer)

    def _write(self, trainer: Any) -> None:
        if trainer._lost is not None:  # the training stops here
            return
        path = self._folder / FILES[self._next]
        arrays: dict[str, Any] = {"about": np.array(self._about), **state_of(trainer)}
        try:
            with replacing(path) as file:
                write_npz(file, arrays)
        except OSError as error:
            if not self._has_failed:  # the training is worth more than the checkpoint, and the disk may get room again
                reason = error.strerror or error
                complain(
                    f"{self._prog}: warning: no checkpoint at iteration {trainer.current_iter:,}: {path}: {reason}. "
                    "The training goes on"
                )
            self._has_failed = True
        else:
            self._next, self._has_failed = 1 - self._next, False
        self._written = time.monotonic()

    def discard(self) -> None:
        """Remove the checkpoints, and what a kill in the middle of writing has left."""
        for path in (*map(self._folder.joinpath, FILES), *_unfinished(self._folder)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _unfinished(folder: Path) -> Iterable[Path]:
    """Return the temporary files of `replacing`."""
    return [path for name in FILES for path in folder.glob(f".{name}.*.tmp")]
