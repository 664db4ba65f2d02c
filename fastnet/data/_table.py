"""CSV files: one sample a line, with its label in a named column or in the first."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastnet.data import _emnist
from fastnet.data._samples import Array, Samples, Source, as_bytes_if_whole, not_whole

SEPARATORS = ",;\t"
LABEL = "label"
LINES = 2000  # that are converted at a time: as floats, all of MNIST would take 376 MB


class Columns(NamedTuple):
    """The columns of a table: their names, or their numbers from 1 if it has no header."""

    separator: str
    names: list[str]
    label: int
    has_header: bool

    @property
    def inputs(self) -> list[int]:
        return [i for i in range(len(self.names)) if i != self.label]


def read_table(path: Path, label: str | None) -> Source:
    """Read a table. `label` is the name of the column with the labels, or its number from 1."""
    with open(path, encoding="utf-8-sig") as file:
        try:
            lines = ((number, line.rstrip("\r\n")) for number, line in enumerate(file, start=1))
            filled = ((number, line) for number, line in lines if line.strip())
            first = next(filled, None)
            if first is None:
                raise ValueError(f"{path} is empty: it needs a line for each sample")
            columns = _columns(path, first[1], label)
            parts, labels, numbers = [], [], []
            for block in _blocks(filled, [] if columns.has_header else [first]):
                values, texts = _block(path, columns, block)
                parts.append(as_bytes_if_whole(values))
                labels.append(texts)
                numbers.append(np.array([number for number, _ in block]))
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not text in UTF-8: save it as CSV UTF-8") from None
        except csv.Error as error:  # such as a field of a million characters, where a file is no table
            raise ValueError(f"{path} is not a table that can be read: {error}. Save it as CSV") from None
    if not parts:
        raise ValueError(f"{path} holds a header and no samples: it needs a line for each sample")
    if not all(part.dtype == np.uint8 for part in parts):
        parts = [part.astype(np.float64, copy=False) for part in parts]
    x, t = np.concatenate(parts), _labels(path, columns, np.concatenate(labels), np.concatenate(numbers))
    notes: tuple[str, ...] = (f"the labels are in column {columns.names[columns.label]!r}",)
    names, inputs = None, tuple(columns.names[i] for i in columns.inputs) if columns.has_header else None
    if _emnist.is_of(path):
        x, names, notes = _emnist.upright(x), _emnist.names_beside(path), (*notes, *_emnist.NOTES)
    return Source(Samples(x, t), None, names, notes, inputs)


def _columns(path: Path, first: str, label: str | None) -> Columns:
    separator = max(SEPARATORS, key=first.count)
    fields = _fields(first, separator)
    if len(fields) < 2:
        raise ValueError(f"{path}, line 1 has one column: a table must have a label and numbers, separated by commas")
    wanted = (LABEL if label is None else label).lower()
    named = [i for i, field in enumerate(fields) if field.lower() == wanted and not _is_number(field)]
    has_header = bool(named) or not any(map(_is_number, fields))
    names = fields if has_header else [str(i) for i in range(1, len(fields) + 1)]
    if len(named) > 1:
        raise ValueError(
            f"{path} has {len(named)} columns called {fields[named[0]]!r}, the columns "
            f"{' and '.join(str(i + 1) for i in named)}: name the right one by its number (--label)"
        )
    if named:
        return Columns(separator, names, named[0], has_header)
    if label is not None:
        if not (label.isdecimal() and 1 <= int(label) <= len(fields)):
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise ValueError(f"{path} has no column {label!r}: its columns are {shown}. Name one of them")
        return Columns(separator, names, int(label) - 1, has_header)
    if has_header and re.sub(r"\d+$", "", names[0]) == re.sub(r"\d+$", "", names[1]):
        raise ValueError(
            f"{path} has no column {LABEL!r}, and the first column, {names[0]!r}, is like the second, {names[1]!r}: "
            "name the column with the labels (--label)"
        )
    return Columns(separator, names, 0, has_header)


def _fields(line: str, separator: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=separator))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text  # 1_000 is a number for Python alone


def _blocks(lines: Iterator[tuple[int, str]], block: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    for line in lines:
        block.append(line)
        if len(block) == LINES:
            yield block
            block = []
    if block:
        yield block


def _block(path: Path, columns: Columns, block: list[tuple[int, str]]) -> tuple[Array, Array]:
    """Return the numbers and the labels of some lines; a ValueError names a line that cannot be read."""
    wanted = len(columns.names)
    for number, line in block:
        found = len(_fields(line, columns.separator)) if '"' in line else line.count(columns.separator) + 1
        if found != wanted:
            raise ValueError(f"{path}, line {number} has {found} columns, and line 1 has {wanted}: correct the line")
    lines = [line for _, line in block]
    options: dict[str, Any] = {"delimiter": columns.separator, "quotechar": '"', "comments": None, "ndmin": 2}
    try:
        values = np.loadtxt(lines, dtype=np.float64, usecols=columns.inputs, **options)
    except ValueError as error:
        _refuse(path, columns, block)
        raise ValueError(f"{path}, in the lines {block[0][0]} to {block[-1][0]}: {error}. Correct them") from None
    if not np.isfinite(values).all():
        _refuse(path, columns, block)
    texts = np.loadtxt(lines, dtype=np.str_, usecols=[columns.label], **options)[:, 0]
    return values, np.char.strip(texts)


def _refuse(path: Path, columns: Columns, block: list[tuple[int, str]]) -> None:
    """Raise a ValueError that names the first value that is not a finite number."""
    for number, line in block:
        fields = _fields(line, columns.separator)
        for i in columns.inputs:
            if not _is_number(fields[i]) or not np.isfinite(float(fields[i])):
                found = f"{fields[i]!r:.40} is not a finite number" if fields[i] else "the value is missing"
                if fields[i] and not _is_number(fields[i]):  # perhaps the name of a class
                    label = columns.names[columns.label]
                    found += f" (the labels are read from column {label!r}: --label names another one)"
                raise ValueError(f"{path}, line {number}, column {columns.names[i]!r}: {found}. Correct it")


def _labels(path: Path, columns: Columns, texts: Array, numbers: Array) -> Array:
    """Return the labels: integers if all are whole numbers, else strings."""
    empty = np.flatnonzero(texts == "")
    if len(empty):
        raise ValueError(f"{path}, line {numbers[empty[0]]} has no label: write one, or remove the line")
    try:
        values = texts.astype(np.float64)
    except ValueError:
        return texts
    wrong = not_whole(values)
    if len(wrong):
        raise ValueError(
            f"{path}, line {numbers[wrong[0]]}: the label {str(texts[wrong[0]])!r} in column "
            f"{columns.names[columns.label]!r} is neither a whole number nor a name: is another column the label "
            "(--label)?"
        )
    return values.astype(np.int64)
