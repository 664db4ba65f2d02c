"""IDX files, the format of MNIST, Fashion-MNIST and EMNIST, plain or packed with gzip.

A file is two zero bytes, the type of the values, the number of dimensions, each dimension (big-endian), and the values.
"""

import math
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastnet._npz import MOST_PER_BYTE
from fastnet.data import _emnist
from fastnet.data._samples import WHITE, Array, Samples, Source

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = 16 + zlib.MAX_WBITS  # zlib's code for the gzip format
LONGEST_HEADER = 4 + 4 * 255
IMAGES = re.compile(r"(?P<set>.*?)(?P<part>train|t10k|test)?(?P<mark>[-_.]?)images(?P<rest>[-.]idx\d[-.]ubyte(\.gz)?)$")
TESTS = ("t10k", "test")


class Header(NamedTuple):
    """What an IDX file says of itself: the type and the shape of its values, and where they begin."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """The number of bytes of the whole file."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize


def header_of(data: bytes) -> Header:
    """Return the header at the beginning of an IDX file."""
    try:
        zeros, kind, dimensions = struct.unpack_from(">HBB", data)
        shape = struct.unpack_from(f">{dimensions}I", data, 4)
    except struct.error:
        raise ValueError("it ends within its header") from None
    if zeros or kind not in TYPES:
        raise ValueError("it does not begin like an IDX file")
    return Header(np.dtype(TYPES[kind]), shape, 4 + 4 * dimensions)


def is_idx(path: Path) -> bool:
    """Whether the name of a file, or its first bytes, are those of an IDX file."""
    if re.search(r"idx\d[-.]ubyte(\.gz)?$", path.name):
        return True
    with open(path, "rb") as file:
        first = file.read(4)
    return len(first) == 4 and first[:2] == b"\0\0" and first[2] in TYPES and first[3] > 0


def read_array(path: Path) -> Array:
    """Return the values of an IDX file; a ValueError names the file and what is wrong with it."""
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            header = header_of(zlib.decompressobj(GZIP).decompress(content, LONGEST_HEADER))
            if header.size > len(content) * MOST_PER_BYTE:
                raise ValueError(f"it promises {header.size} bytes, and does not hold them")
            unpacker = zlib.decompressobj(GZIP)
            content = unpacker.decompress(content, header.size + 1)
            if len(content) == header.size and not unpacker.eof:
                raise ValueError("its gzip part is cut off")
        else:
            header = header_of(content)
        if len(content) != header.size:
            raise ValueError(f"it should have {header.size} bytes, and has {_counted(len(content), header.size)}")
        values = np.frombuffer(content, header.dtype, offset=header.offset).reshape(header.shape)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}. Download or copy it again") from None
    return values.astype(header.dtype.newbyteorder("="), copy=False)


def _counted(length: int, wanted: int) -> str:
    return str(length) if length < wanted else "more"


def idx_files(folder: Path) -> list[Path]:
    """Return the IDX files with images to train on in a folder; of a file that is there twice, the plain one."""
    found = sorted(path for path in folder.iterdir() if path.is_file() and IMAGES.match(path.name))
    training = [path for path in found if IMAGES.match(path.name)["part"] not in TESTS]  # type: ignore[index]
    return [path for path in training if not (path.suffix == ".gz" and path.with_suffix("") in training)]


def read_idx_folder(folder: Path) -> Source:
    """Read the images of a folder, which must hold one set of them."""
    files = idx_files(folder)
    if not files:
        raise ValueError(f"{folder} holds IDX files, but no images to train on: train-images-idx3-ubyte or .gz")
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise ValueError(f"{folder} holds {len(files)} sets of images: name one of the files {names}")
    return read_idx(files[0])


def read_idx(path: Path) -> Source:
    """Read images and their labels, and if the name has `train` in it, those to test with beside them."""
    found = IMAGES.match(path.name)
    if not found:
        raise ValueError(f"{path} must be the file with the images, such as train-images-idx3-ubyte.gz")
    train, test = _pair(path), None
    if found["part"] == "train":
        for part in TESTS:
            other = _beside(path, f"{found['set']}{part}{found['mark']}images{found['rest']}")
            if other is not None:
                test = _pair(other)
                break
    if _emnist.is_of(path):
        train = train._replace(x=_emnist.upright(train.x))
        test = None if test is None else test._replace(x=_emnist.upright(test.x))
        return Source(train, test, _emnist.names_beside(path), _emnist.NOTES)
    return Source(train, test)


def _pair(path: Path) -> Samples:
    found = IMAGES.match(path.name)
    assert found is not None
    rest = re.sub(r"idx\d", "idx1", found["rest"])
    name = f"{found['set']}{found['part'] or ''}{found['mark']}labels{rest}"
    labels = _beside(path, name)
    if labels is None:
        raise ValueError(f"{path} has no labels: there is no {name} beside it: put it there")
    x, t = read_array(path), read_array(labels)
    if x.ndim not in (2, 3) or t.ndim != 1:
        raise ValueError(
            f"{path} and {labels.name} must hold images (N, H, W) and labels (N,), got shapes {x.shape} and {t.shape}"
        )
    if len(x) != len(t):
        raise ValueError(
            f"{path} holds {len(x):,} images, but {labels.name} holds {len(t):,} labels: "
            "each image needs one"
        )
    return Samples(x, t, WHITE if x.dtype == np.uint8 else None)


def _beside(path: Path, name: str) -> Path | None:
    """Return the file with this name beside `path`, plain or packed."""
    plain = name.removesuffix(".gz")
    for each in (name, plain, f"{plain}.gz"):
        if path.with_name(each).is_file():
            return path.with_name(each)
    return None
