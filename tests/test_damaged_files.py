"""Damaged files: only ValueError and OSError come out, they name the file, and nothing large is allocated."""

import gzip
import io
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import effort
import numpy as np
import pytest
from damaged import FORMATS, damaged, fault

import fastnet

FILES, FILES_IN_FULL = 15, 1000
MOST_MEMORY = 32e6  # bytes; the files have some kilobytes, and sound pictures of this size take less than 10 MB


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_damaged_is_refused_by_its_name_and_takes_no_memory(name, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("Python's own reader of pickles was called")

    for reader in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, reader, never)
    kind = FORMATS[name]
    files = FILES_IN_FULL if effort.FULL else FILES
    for number in range(files // 4 if name == "digits" else files):  # a digit takes longer than all the others
        content = damaged(kind, np.random.default_rng(number))
        tracemalloc.start()
        try:
            assert fault(kind, tmp_path / kind.name, content) is None, f"with {number} as seed"
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY, f"with {number} as seed"
        finally:
            tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:.*2 frames")
@pytest.mark.parametrize("name", FORMATS)
def test_the_files_are_sound_before_they_are_damaged(name, tmp_path):
    kind = FORMATS[name]
    for content in kind.contents():
        (tmp_path / kind.name).write_bytes(content)
        kind.read(tmp_path / kind.name)


# --- files that were once read wrongly, or promise what they do not hold ----------------------------------------------


def of_shape(shape, dtype="<f8"):
    """A file of NumPy's with this header and eight bytes."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(8)


def packed(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


PNG = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 6, 0, 0, 0))
HOLLOW = {  # 10 GB, in a hundred bytes
    "weights": packed({"W1.npy": of_shape((1_250_000_000,))}),
    "archives": packed({"x.npy": of_shape((1_250_000_000, 1)), "t.npy": of_shape((1,))}),
    "params.pkl": b"\x80\x04\x8e" + struct.pack("<Q", 10_000_000_000) + b"1234.",
    "IDX images": struct.pack(">BBBBIII", 0, 0, 8, 3, 100, 10_000, 10_000),
    "IDX in gzip": gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 100, 10_000, 10_000)),
    "digits": PNG + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
    "pictures": PNG + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process cannot be limited like this")
def test_a_file_that_promises_10_gb_allocates_nothing(tmp_path):
    # In a process of its own, which may have 200 MB more than after it has read sound files.
    program = """
import pathlib, resource, sys
sys.path.insert(0, sys.argv[1])
from damaged import FORMATS
folder = pathlib.Path(sys.argv[2])
hollow = {path.name: path.read_bytes() for path in folder.iterdir()}
for name in hollow:
    path = folder / FORMATS[name].name
    path.write_bytes(FORMATS[name].contents()[0])
    FORMATS[name].read(path)
pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + 200_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for name, content in hollow.items():
    path = folder / FORMATS[name].name
    path.write_bytes(content)
    try:
        FORMATS[name].read(path)
    except ValueError as error:
        assert str(folder) in str(error), error
        print(name)
"""
    for name, content in HOLLOW.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-W", "ignore", "-c", program, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert sorted(done.stdout.splitlines()) == sorted(HOLLOW), done.stderr


def test_text_with_characters_that_do_not_exist_is_refused(tmp_path):
    network, path = fastnet.TwoLayerNet(2, 2, 2, seed=0), tmp_path / "weights.npz"
    classes = np.array([0x110000, 0x61], np.uint32).view("U1")
    np.savez(path, **network.params, classes=classes, network="TwoLayerNet")
    for read in (fastnet.load_network, fastnet.TwoLayerNet.load):
        with pytest.raises(ValueError, match=r"weights\.npz .*classes\.npy holds text with characters"):
            read(path)


@pytest.mark.parametrize("shape", [(0, 2**32 - 1, 2**32 - 1), (1,) * 255], ids=["no numbers", "sides"])
def test_a_shape_that_no_array_can_have_is_refused_by_the_files_name(shape, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + bytes(min(shape)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 0]))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte is damaged"):
        fastnet.data.load(path)


def test_an_archive_of_several_disks_is_refused_by_the_files_name(tmp_path):
    content = bytearray(packed({"x.npy": of_shape((1,))}))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 7)  # of the end of an archive in seven parts
    end = content.rindex(b"PK\x05\x06")
    for name, read in (("data.npz", fastnet.data.load), ("weights.npz", fastnet.load_network)):
        path = tmp_path / name
        path.write_bytes(content[:end] + locator + content[end:])
        with pytest.raises(ValueError, match=rf"{name} (is no \.npz file|does not hold the parameters)"):
            read(path)
