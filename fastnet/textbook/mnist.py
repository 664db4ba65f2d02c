"""The `load_mnist` of `dataset/mnist.py`: the data of the package, unless the reader's folder has its own."""

from importlib import resources
from pathlib import Path
from typing import Any

import fastnet
from fastnet.textbook._serving import Function
from fastnet.textbook.functions import Book


def has_no_other_data(book: Book, *_: Any, **__: Any) -> bool:
    """Whether the book's function would only download MNIST, or read the very files of the package.

    The folder of `dataset/mnist.py` may hold other images under the names of MNIST's files, and `mnist.pkl` is made
    from them: then the reader's function reads them.
    """
    names = book.__globals__
    if Path(names["save_file"]).exists():
        return False
    package = resources.files("fastnet").joinpath("data", "mnist")
    files = [Path(names["dataset_dir"]) / name for name in names["key_file"].values()]
    return all(_content(file) == _content(package.joinpath(file.name)) for file in files if file.exists())


def _content(file: Any) -> bytes:
    """Return what a gzip file ends with: the checksum and the size of its content."""
    return bytes(file.read_bytes()[-8:])


def with_other_data(book: Book) -> str:
    """Return why the book's function is left as it is, or an empty text."""
    return "" if has_no_other_data(book) else "your folder has mnist.pkl, or other data than MNIST"


load_mnist = Function(
    fastnet.load_mnist, has_no_other_data, "fastnet.load_mnist", keywords=True, refuses=with_other_data
)
