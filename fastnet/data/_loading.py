"""Find out the format of data, read it, and give it the form in which a network is trained."""

import math
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from fastnet._checks import as_count, random_source
from fastnet._files import PathLike
from fastnet._scaled import ScaledBytes
from fastnet.data import _fashion
from fastnet.data._archive import read_archive
from fastnet.data._classes import classes_of, numbered, refuse_what_is_no_classes, share_of_each
from fastnet.data._dataset import Dataset
from fastnet.data._idx import idx_files, is_idx, read_idx, read_idx_folder
from fastnet.data._pictures import read_pictures
from fastnet.data._samples import Array, Samples, Source
from fastnet.data._table import read_table

HELD_OUT = 1 / 6  # of each class, where there are no test data
SMALLEST_PICTURE = 8  # a table of bytes whose rows have 8 x 8 columns or another square holds pictures
SEEN = 1000  # pictures whose borders tell the background
TABLES = (".csv", ".tsv", ".txt")
FORMATS = "IDX files, a .csv table, a folder of pictures with one folder a label, or a .npz file"


def load(
    path: PathLike,
    *,
    test: PathLike | None = None,
    label: str | None = None,
    size: tuple[int, int] | None = None,
    seed: int | np.random.Generator = 0,
    normalize: bool = True,
    flatten: bool = True,
) -> Dataset:
    """Read samples with labels from files of your own.

    Parameters
    ----------
    path : str or path
        What to read. A folder with IDX files, such as ``train-images-idx3-ubyte.gz`` and its labels (MNIST,
        Fashion-MNIST, EMNIST), or the file with the images. A table, ``.csv``, ``.tsv`` or ``.txt``, one sample in a
        line. A folder of pictures with one folder for each label, perhaps below ``train`` and ``test``. A ``.npz`` file
        with ``x_train``, ``t_train`` (or ``y_train``), ``x_test``, ``t_test``, or with ``x`` and ``t`` (or ``y``).
    test : str or path, optional
        Test data, in any of these formats. By default, those that `path` holds. If it holds none, a sixth of the
        samples of each class is drawn, and is not trained on.
    label : str, optional
        The column of a table with the labels: its name, or its number from 1. By default, the column ``label``, or else
        the first.
    size : tuple of int, optional
        The height and width of pictures. Those of a folder are resized to it. For a table, it says that each row is
        such a picture.
    seed : int or numpy.random.Generator, default 0
        Draws the samples to test with.
    normalize : bool, default True
        float32 numbers from 0 to 1 instead of bytes. Numbers that are not bytes stay as they are.
    flatten : bool, default True
        One row for each sample. Otherwise, pictures are ``(N, 1, H, W)``: channel, row, column.

    Returns
    -------
    Dataset
        A named tuple of ``x_train``, ``t_train``, ``x_test``, ``t_test``, ``classes``, ``input_shape``,
        ``background`` and ``notes``. The inputs are float32 ``(N, D)`` from 0 to 1, where the files hold bytes or whole
        numbers from 0 to 255; otherwise they are the numbers in the file, float64 or float32. The labels are int64
        ``(N,)``.

    Raises
    ------
    TypeError, ValueError
        If something cannot be read: the error names the file, and in a table the line and the column. If there is only
        one class, if two pictures differ in size, or if the training and the test data do not fit together.
    OSError
        If a file cannot be read.

    See Also
    --------
    fastnet.load_mnist : The data that comes with fastnet.

    Notes
    -----
    Labels become the numbers 0, 1, ... in their order: labels from 1 to 26, or names, are no problem, and ``classes``
    has them as strings. EMNIST's images are turned upright, and its mapping file gives the names of the classes;
    Fashion-MNIST's classes have their names if its file, or a folder around it, is called so.

    Pictures become their luminance. Ink keeps its polarity: MNIST's ink is white (1) on black (0), and a network that
    was trained on dark ink reads dark ink. Bytes in IDX files and pictures are divided by 255; whole numbers from 0 to
    255 in a table or a ``.npz`` file are divided by the largest of the training data. If the rows of such a table have
    64 columns or more, and their number is a square, they are pictures.

    The form is that of ``dataset/mnist.py`` in "Deep Learning from Scratch", chapter 3.

    Examples
    --------
    >>> import tempfile, os
    >>> import numpy as np
    >>> from fastnet.data import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "digits.npz")
    ...     np.savez(path, x=np.arange(12 * 64).reshape(12, 8, 8) % 17, y=np.arange(12) % 2 + 1)
    ...     data = load(path)
    >>> print(data.x_train.shape, data.x_train.dtype, data.x_train.max(), data.t_test)
    (10, 64) float32 1.0 [0 1]
    >>> print(data.classes, data.input_shape)
    ['1', '2'] (8, 8)
    >>> print(*data.notes, sep="\\n")
    the labels are 1 and 2, in 2 classes
    2 of 12 samples are for testing, a sixth of each class, drawn with seed 0
    """
    data = load_as_bytes(path, test=test, label=label, size=size, seed=seed)
    if not flatten:
        data = as_images(data)
    return data._replace(x_train=_given(data.x_train, normalize), x_test=_given(data.x_test, normalize))


def load_as_bytes(
    path: PathLike,
    *,
    test: PathLike | None = None,
    label: str | None = None,
    size: tuple[int, int] | None = None,
    seed: int | np.random.Generator = 0,
) -> Dataset:
    """Return the numbers of `load()`, bytes in a quarter of the memory: they become floats only when used."""
    random = random_source(as_count(seed, "seed", least=0) if seed is None else seed)  # None is refused
    size = None if size is None else _size(size)
    if not isinstance(label, str | None):
        raise TypeError(f"label must be a string, the name of a column or its number, got {label!r}")
    source = _read_both(path, test, label, size)
    train, held = source.train, source.test
    labels = classes_of(train.t)
    refuse_what_is_no_classes(labels, len(train.t), str(path))
    names = source.names
    notes = [*source.notes, *_gaps(labels, names)]
    if names is None and (names := _fashion.names_of(Path(path), labels)):
        notes.append(_fashion.NOTE)
    t_train = numbered(train.t, labels, str(path))
    shape = _shape(train.x, size, path)
    if held is None:
        kept, out = share_of_each(t_train, HELD_OUT, random)
        if not len(out):
            raise ValueError(
                f"{path} has no test data, and no class has the 6 samples of which one could be held out: "
                "give test data, or more samples"
            )
        drawn = "the generator given" if random is seed else f"seed {seed}"
        notes.append(
            f"{len(out):,} of {len(t_train):,} samples are for testing, a sixth of each class, drawn with {drawn}"
        )
        train, held = train._replace(x=train.x[kept]), train._replace(x=train.x[out])
        t_train, t_test = t_train[kept], t_train[out]
    else:
        t_test = numbered(held.t, labels, str(test or path))
        _refuse_another_shape(held.x, shape)
    x_train, x_test = _in_rows(train, held.x)
    background = _background(x_train, shape) if len(shape) == 2 else None
    if background is not None and background > 0.5:
        notes.append(f"the background is light ({background:.2f} of white, where MNIST's is 0): dark ink stays dark")
    return Dataset(x_train, t_train, x_test, t_test, _names(labels, names), shape, background, tuple(notes))


def as_images(data: Dataset) -> Dataset:
    """Return the same data as pictures `(N, 1, H, W)`, which share the memory."""
    if len(data.input_shape) != 2:
        raise ValueError(
            f"the samples are rows of {data.input_shape[0]} numbers, not pictures: give their height and width as size"
        )

    def shaped(x: Any) -> Any:
        shape = (len(x), 1, *data.input_shape)
        if isinstance(x, ScaledBytes):
            return ScaledBytes(x.values.reshape(shape), x.divisor)
        return x.reshape(shape)

    return data._replace(x_train=shaped(data.x_train), x_test=shaped(data.x_test))


def shuffled(data: Dataset) -> Dataset:
    """Return the same data in another order, the same every time, so that the first samples are like the others."""
    random = np.random.default_rng(0)
    train, test = (random.permutation(len(x)) for x in (data.x_train, data.x_test))
    return data._replace(
        x_train=data.x_train.take(train, axis=0), t_train=data.t_train[train],
        x_test=data.x_test.take(test, axis=0), t_test=data.t_test[test],
    )


def _read(path: Path, label: str | None, size: tuple[int, int] | None) -> Source:
    """Find out the format, and read."""
    if path.is_dir():
        if idx_files(path) or any(is_idx_name(each) for each in path.iterdir()):
            source = read_idx_folder(path)
        else:
            return _without(label, path, _read_picture_folder(path, size))
    elif path.suffix.lower() == ".npz":
        source = read_archive(path)
    elif path.suffix.lower() in TABLES:
        return read_table(path, label)
    elif is_idx(path):
        source = read_idx(path)
    else:
        raise ValueError(f"{path} is in no format that can be read: give {FORMATS}")
    return _without(label, path, source)


def is_idx_name(path: Path) -> bool:
    """Whether a file of a folder is called as an IDX file."""
    return "idx" in path.name and "ubyte" in path.name


def _read_picture_folder(path: Path, size: tuple[int, int] | None) -> Source:
    files = sorted(each.name for each in path.iterdir() if each.suffix.lower() in (*TABLES, ".npz"))
    if files and not any(each.is_dir() for each in path.iterdir()):
        raise ValueError(f"{path} is a folder: name the file in it, such as {path / files[0]}")
    return read_pictures(path, size)


def _without(label: str | None, path: Path, source: Source) -> Source:
    if label is not None:
        raise ValueError(f"label names a column of a table, and {path} is none: leave it out")
    return source


def _read_both(path: PathLike, test: PathLike | None, label: str | None, size: tuple[int, int] | None) -> Source:
    """Read `path`, and instead of its test data those in `test`, if there is one."""
    source = _read(Path(path), label, size)
    if test is not None:
        other = _read(Path(test), label, size)
        if other.test is not None:
            raise ValueError(f"{test} holds data to train on and to test with: which are the test data?")
        _refuse_other_columns(source, other, path, test)
        source = source._replace(test=other.train)
    for part, where in ((source.train, path), (source.test, test or path)):
        if part is not None and not (len(part.x) and part.x[0].size):
            raise ValueError(f"{where} holds no samples: an array has shape {part.x.shape}. It needs at least one")
    return source


def _refuse_other_columns(source: Source, other: Source, path: PathLike, test: PathLike) -> None:
    """Raise a ValueError if two tables have names for their columns, and not the same in the same order."""
    if source.columns is not None and other.columns is not None and source.columns != other.columns:
        mine, others = next(
            ((one, another) for one, another in zip_longest(source.columns, other.columns) if one != another)
        )
        raise ValueError(f"{path} has the column {mine!r} where {test} has {others!r}: they must have the same columns")


def _size(size: Any) -> tuple[int, int]:
    try:
        height, width = size
    except (TypeError, ValueError):
        raise ValueError(f"size must be (height, width), got {size!r}") from None
    return as_count(height, "size[0]"), as_count(width, "size[1]")


def _shape(x: Array, size: tuple[int, int] | None, path: PathLike) -> tuple[int, ...]:
    """Return the shape of a sample: `(H, W)` for a picture, `(D,)` for other numbers."""
    if x.ndim == 3:
        if size is not None and x.shape[1:] != size:
            raise ValueError(
                f"{path} holds pictures of {x.shape[1]} x {x.shape[2]} pixels: size resizes those of a folder alone: "
                "leave it out"
            )
        return x.shape[1:]
    D = x.shape[1]
    if size is not None:
        if math.prod(size) != D:
            raise ValueError(
                f"size {size[0]} x {size[1]} takes {math.prod(size)} numbers, but {path} has {D} a sample: "
                "give the size of these pictures"
            )
        return size
    side = math.isqrt(D)
    return (side, side) if x.dtype == np.uint8 and side >= SMALLEST_PICTURE and side * side == D else (D,)


def _refuse_another_shape(x: Array, shape: tuple[int, ...]) -> None:
    """Raise a ValueError if test samples have another shape than those to train on; rows may hold pictures."""
    found = x.shape[1:]
    if found != shape and (len(found) > 1 or found[0] != math.prod(shape)):
        raise ValueError(f"the samples to test with have shape {found}, those to train on {shape}")


def _gaps(labels: Array, names: dict[int, str] | None) -> list[str]:
    """Say what becomes of labels that are not 0 to C - 1."""
    if labels.dtype.kind == "U" or np.array_equal(labels, np.arange(len(labels))):
        return []
    C = len(labels)
    if names:
        return [f"the labels are {labels[0]} to {labels[-1]}, in {C} classes with the names of the mapping file"]
    if C == 2:
        return [f"the labels are {labels[0]} and {labels[1]}, in 2 classes"]
    gaps = "" if labels[-1] - labels[0] == C - 1 else ", with gaps"
    return [f"the labels are {labels[0]} to {labels[-1]}{gaps}, in {C} classes"]


def _names(labels: Array, names: dict[int, str] | None) -> list[str]:
    if names is None or labels.dtype.kind == "U":
        return [str(label) for label in labels]
    return [names.get(int(label), str(label)) for label in labels]


def _background(x: Any, shape: tuple[int, ...]) -> float:
    """Return the median of the pixels at the borders of some pictures, which are in rows, cut to 0 to 1."""
    some = np.asarray(x[:: -(-len(x) // SEEN)]).reshape(-1, *shape)
    borders = [some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]]
    return float(np.clip(np.median(np.concatenate(borders, axis=1)), 0, 1))


def _in_rows(train: Samples, x_test: Array) -> tuple[Any, Any]:
    """Return the inputs as rows: bytes as `ScaledBytes`, other numbers as they are."""
    x_train, x_test = train.x.reshape(len(train.x), -1), x_test.reshape(len(x_test), -1)
    if x_train.dtype != np.uint8:
        return x_train, x_test.astype(x_train.dtype, copy=False)
    divisor = train.divisor or max(int(x_train.max()), 1)
    if x_test.dtype == np.uint8:
        return ScaledBytes(x_train, divisor), ScaledBytes(x_test, divisor)
    return ScaledBytes(x_train, divisor), (x_test / divisor).astype(np.float32)


def _given(x: Any, normalize: bool) -> Any:
    if not isinstance(x, ScaledBytes):
        return x
    return np.asarray(x) if normalize else x.values
