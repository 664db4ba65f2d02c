"""Files of every format that fastnet reads, small ones, and damage to them.

A `Format` writes sound files and reads one of them. `damaged` changes the bytes of a file at random. Archives have
checksums, which find nearly all of this; so it also changes what is packed, and packs it again with right checksums.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import fastnet
from fastnet import data, images

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 10_000_000_000)
DAMAGE = ("flip", "byte", "cut", "insert", "delete", "repeat", "number", "digits")


class Format(NamedTuple):
    """How a file is called, what may be in it, and who reads it."""

    name: str
    contents: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    unpack: Callable[[bytes], list[bytes]] | None = None
    pack: Callable[[bytes, int, bytes], bytes] | None = None  # with part number `int` changed


# --- sound files -----------------------------------------------------------------------------------------------------


def _written(save: Callable[[Any], Any]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


@contextmanager
def _own_folder() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@cache
def _networks() -> list[Any]:
    filters = {"filter_num": 1, "filter_size": 1, "pad": 0, "stride": 1}
    small = [fastnet.TwoLayerNet(2, 2, 2, seed=0), fastnet.MultiLayerNet(2, [2], 2, seed=0)]
    small.append(fastnet.MultiLayerNetExtend(2, [2], 2, use_batchnorm=True, use_dropout=True, seed=0))
    small += [fastnet.LayeredTwoLayerNet(2, 2, 2, seed=0), fastnet.SimpleConvNet((1, 2, 2), filters, 2, 2, seed=0)]
    filters = {"filter_num": 1, "filter_size": 1, "pad": 0, "stride": 1}
    small.append(fastnet.DeepConvNet((1, 8, 8), *[filters] * 6, hidden_size=2, output_size=2, seed=0))
    for network in small:
        network.classes, network.background = ["a", "b"], 0.5
    small[0].input_shape = (2,)
    return small


def _weights() -> list[bytes]:
    with _own_folder() as folder:
        contents = []
        for network in _networks():
            network.save(folder / "weights.npz")
            contents.append((folder / "weights.npz").read_bytes())
        return contents


def _params() -> list[bytes]:
    arrays = {name: np.asarray(value) for name, value in _networks()[4].params.items()}
    return [pickle.dumps(arrays, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]


def _pictures() -> list[bytes]:
    """One digit, the stroke of a one, in each format; gray, transparent, of 16 bits, in several frames."""
    paper = np.full((40, 30), 255, np.uint8)
    paper[8:32, 13:17] = 0
    gray = Image.fromarray(paper)
    contents = [_written(lambda f, kind=kind: gray.save(f, kind)) for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF")]
    contents.append(_written(lambda f: gray.convert("RGBA").save(f, "PNG")))
    contents.append(_written(lambda f: gray.convert("P").save(f, "PNG")))
    contents.append(_written(lambda f: Image.fromarray(paper.astype(np.uint16) * 257).save(f, "PNG")))
    contents.append(_written(lambda f: gray.save(f, "GIF", save_all=True, append_images=[gray.rotate(90)])))
    contents.append(_written(lambda f: gray.save(f, "PPM")))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    contents.append(_written(lambda f: gray.save(f, "JPEG", exif=exif)))
    return contents


def _digits() -> list[bytes]:
    floats = Image.fromarray(np.asarray(Image.open(io.BytesIO(_sound(_pictures)[0]))).astype(np.float32))
    return [*_pictures(), _written(lambda f: floats.save(f, "TIFF"))]


X = np.random.default_rng(0).integers(0, 256, (12, 3, 3)).astype(np.uint8)
T = (np.arange(12) % 2).astype(np.uint8)


def _idx(values: Any, code: int = 8) -> bytes:
    return bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def _tables() -> list[bytes]:
    lines = [",".join(map(str, (t, *x.ravel()))) for x, t in zip(X, T, strict=True)]
    header = "label," + ",".join(f"pixel{i}" for i in range(9))
    quoted = ['"cat";1.5;2e3', '"dog";-1;0', '"cat";0;1'] * 4
    return ["\n".join(each).encode() for each in (lines, [header, *lines], quoted)]


def _archives() -> list[bytes]:
    arrays = {"x_train": X, "y_train": T, "x_test": X[:4], "y_test": T[:4]}
    names = np.array(["cat", "dog"])[T]
    return [
        _written(lambda f: np.savez(f, **arrays)),
        _written(lambda f: np.savez_compressed(f, x=X.astype(">f4") / 3, t=names)),
        _written(lambda f: np.savez(f, x=X[..., np.newaxis], t=np.eye(2)[T])),
    ]


# --- who reads them --------------------------------------------------------------------------------------------------


def _read_params(path: Path) -> Any:
    network = _networks()[4]
    before = {name: value.tobytes() for name, value in network.params.items()}
    try:
        network.load_params(path)
    except ValueError:
        assert {name: value.tobytes() for name, value in network.params.items()} == before, "it is half loaded"
        raise


def _read_idx(path: Path) -> Any:
    (path.parent / "train-labels-idx1-ubyte").write_bytes(_idx(T))
    return data.load(path)


def _read_labels(path: Path) -> Any:
    (path.parent / "train-images-idx3-ubyte").write_bytes(_idx(X))
    return data.load(path.parent / "train-images-idx3-ubyte")


def _read_mapping(path: Path) -> Any:
    (path.parent / "emnist-digits-train-images-idx3-ubyte").write_bytes(_idx(X))
    (path.parent / "emnist-digits-train-labels-idx1-ubyte").write_bytes(_idx(T))
    return data.load(path.parent / "emnist-digits-train-images-idx3-ubyte")


def _read_samples(path: Path) -> Any:
    """Read the picture as one of those to train on."""
    folder = path.parent / "folder"
    if not folder.exists():
        for label in ("a", "b"):
            (folder / label).mkdir(parents=True)
            for number in range(6):
                (folder / label / f"{number}.png").write_bytes(_sound(_pictures)[0])
    (folder / "a" / path.name).write_bytes(path.read_bytes())
    return data.load(folder, size=(8, 8))


# --- what is packed --------------------------------------------------------------------------------------------------


def _members(content: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _with_member(content: bytes, number: int, changed: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for place, info in enumerate(old.infolist()):
            new.writestr(info.filename, changed if place == number else old.read(info), info.compress_type)
    return file.getvalue()


def _chunks(content: bytes) -> list[bytes]:
    """The chunks of a PNG file, without length and checksum; of another picture, nothing."""
    chunks, place = [], 8
    while content.startswith(b"\x89PNG") and place + 12 <= len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        chunks.append(content[place + 4 : place + 8 + size])
        place += 12 + size
    return chunks


def _with_chunk(content: bytes, number: int, changed: bytes) -> bytes:
    chunks = _chunks(content)
    chunks[number] = changed
    return content[:8] + b"".join(
        struct.pack(">I", max(len(chunk) - 4, 0)) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def _gzipped(content: bytes) -> list[bytes]:
    return [gzip.compress(content, mtime=0)]


FORMATS: dict[str, Format] = {
    "weights": Format("weights.npz", _weights, fastnet.load_network, _members, _with_member),
    "params.pkl": Format("params.pkl", _params, _read_params),
    "digits": Format("digit.png", _digits, images.find_digits, _chunks, _with_chunk),
    "pictures": Format("picture.png", _pictures, _read_samples, _chunks, _with_chunk),
    "IDX images": Format("train-images-idx3-ubyte", lambda: [_idx(X)], _read_idx),
    "IDX of floats": Format("train-images-idx3-ubyte", lambda: [_idx(X.astype(">f8"), 0x0E)], _read_idx),
    "IDX labels": Format("train-labels-idx1-ubyte", lambda: [_idx(T)], _read_labels),
    "IDX in gzip": Format(
        "train-images-idx3-ubyte.gz", lambda: _gzipped(_idx(X)), _read_idx,
        lambda content: [gzip.decompress(content)], lambda _, __, changed: gzip.compress(changed, mtime=0),
    ),
    "tables": Format("table.csv", _tables, data.load),
    "archives": Format("data.npz", _archives, data.load, _members, _with_member),
    "EMNIST's names": Format("emnist-digits-mapping.txt", lambda: [b"0 48\n1 49\n"], _read_mapping),
}  # fmt: skip


# --- damage ----------------------------------------------------------------------------------------------------------


def damaged(kind: Format, random: np.random.Generator) -> bytes:
    """Return the content of a sound file with one to four changes."""
    contents = _sound(kind.contents)
    content = contents[random.integers(len(contents))]
    parts = kind.unpack(content) if kind.unpack else []
    if parts and kind.pack and random.random() < 0.6:
        number = int(random.integers(len(parts)))
        return kind.pack(content, number, _changed(parts[number], random))
    return _changed(content, random)


@cache
def _sound(contents: Callable[[], list[bytes]]) -> list[bytes]:
    return contents()


def _changed(content: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(random.integers(1, 5)):
        # Most that matters is in the first bytes.
        last = max(len(changed), 1)
        place = int(random.integers(last if random.random() < 0.5 else min(last, 160)))
        end = place + int(random.integers(1, 17))
        match DAMAGE[random.integers(len(DAMAGE))]:
            case "flip" if changed:
                changed[place] ^= 1 << int(random.integers(8))
            case "byte" if changed:
                changed[place] = int(random.integers(256))
            case "cut":
                del changed[place:]
            case "insert":
                changed[place:place] = random.bytes(end - place)
            case "delete":
                del changed[place:end]
            case "repeat":
                changed[place:place] = changed[place:end] * int(random.integers(1, 40))
            case "number":
                value, size = EXTREMES[random.integers(len(EXTREMES))], int(random.choice([1, 2, 4, 8]))
                order = "big" if random.random() < 0.5 else "little"
                changed[place : place + size] = (value % 256**size).to_bytes(size, order)
            case "digits":  # a number in text, such as a shape in NumPy's header
                digits = [i for i, byte in enumerate(changed) if chr(byte).isdigit()]
                if digits:
                    at = digits[random.integers(len(digits))]
                    words = (b"9", b"0", b"-1", b"99999999999", b"1e9", b"nan", b"0x", b"[", b"(", b"'", b"")
                    changed[at : at + 1] = words[random.integers(len(words))]
    return bytes(changed)


# --- what must hold --------------------------------------------------------------------------------------------------


def fault(kind: Format, path: Path, content: bytes) -> str | None:
    """Write and read a file. Return what is wrong about the way in which it was refused, if anything is.

    The message names the file, or another one of its folder: labels may not fit to the images beside them.
    """
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.read(path)
    except OSError as error:
        named = error.filename is not None or str(path.parent) in str(error)
        return None if named else f"OSError without the file: {error}"
    except ValueError as error:
        return None if str(path.parent) in str(error) else f"{type(error).__name__} without the file's name: {error}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {error}"
    return None
