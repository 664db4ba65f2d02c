"""``.npz`` files: x_train, t_train, x_test, t_test, as Keras's mnist.npz has them, or x and t alone."""

from pathlib import Path
from typing import Any

import numpy as np

from fastnet._npz import read_npz
from fastnet.data._samples import Array, Samples, Source, as_bytes_if_whole, whole_labels

INPUTS = ("x", "images", "data")
TARGETS = ("t", "y", "labels", "target")
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, as Pillow has them


def read_archive(path: Path) -> Source:
    """Read the arrays to train on, and those to test with if they are there."""
    try:
        arrays = {name.lower(): array for name, array in read_npz(path).items()}
    except ValueError as error:
        raise ValueError(f"{path} is no .npz file that can be read: {error}. Write it with numpy.savez") from None
    train, test = _part(path, arrays, "train"), _part(path, arrays, "test")
    if train is None:
        train = _part(path, arrays, "")
    if train is None:
        names = ", ".join(arrays) or "nothing"
        raise ValueError(f"{path} must hold x_train and t_train (or y_train), or x and t (or y); it holds {names}")
    return Source(train, test)


def _part(path: Path, arrays: dict[str, Array], part: str) -> Samples | None:
    found: list[str] = []
    for words in (INPUTS, TARGETS):
        names = [name for word in words for name in (f"{word}_{part}", f"{part}_{word}")] if part else list(words)
        found += [name for name in names if name in arrays][:1]
    if not found:
        return None
    if len(found) == 1:
        raise ValueError(f"{path} holds {found[0]}, but inputs and labels go together: x_train and t_train, or x and t")
    x, t = found
    try:
        return Samples(_inputs(arrays[x], x), _labels(arrays[t], t, len(arrays[x])))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _inputs(x: Array, name: str) -> Array:
    if x.dtype.kind not in "biuf" or x.ndim < 2:
        raise ValueError(f"{name} must hold numbers, one row or picture a sample, got {x.dtype} of shape {x.shape}")
    if x.ndim == 4:
        x = _one_channel(x, name)
    if x.ndim > 3:
        raise ValueError(f"{name} must be rows (N, D) or pictures (N, H, W), got shape {x.shape}")
    if x.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(x).all(axis=tuple(range(1, x.ndim))))
        if len(wrong):
            raise ValueError(
                f"{name}[{wrong[0]}] has a value that is NaN or infinite: "
                "replace it, or leave out the row"
            )
    x = as_bytes_if_whole(x.astype(np.uint8) if x.dtype.kind == "b" else x)
    if (x.dtype.kind != "f" and x.dtype != np.uint8) or x.dtype.itemsize == 2:
        x = x.astype(np.float64)
    return x.astype(x.dtype.newbyteorder("="), copy=False)


def _one_channel(x: Array, name: str) -> Array:
    """Return pictures with a channel as `(N, H, W)`; of three colours, the luminance."""
    for axis in (3, 1):
        if x.shape[axis] == 1:
            return x.squeeze(axis)
    for axis in (3, 1):
        if x.shape[axis] == 3:
            gray = np.tensordot(x, np.array(LUMINANCE), axes=(axis, 0))
            return np.rint(gray).astype(np.uint8) if x.dtype == np.uint8 else gray
    raise ValueError(f"{name} must have 1 or 3 channels, got shape {x.shape}")


def _labels(t: Any, name: str, samples: int) -> Array:
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.ndim == 2 and t.dtype.kind in "biuf" and ((t == 0) | (t == 1)).all() and (t.sum(axis=1) == 1).all():
        t = t.argmax(axis=1)
    if t.ndim != 1 or t.dtype.kind not in "biufU":
        raise ValueError(f"{name} must hold labels (N,) or one-hot rows, got {t.dtype} of shape {t.shape}")
    if len(t) != samples:
        raise ValueError(f"{name} has {len(t):,} labels for {samples:,} samples: each sample needs one")
    return whole_labels(t).astype(np.int64) if t.dtype.kind != "U" else t
