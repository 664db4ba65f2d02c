"""Write ``.npz`` files, and read those of unknown origin.

Reading knows no pickle, takes no memory for what is not there, and raises one kind of error.
"""

import math
import os
import sys
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from fastnet._files import PathLike

MOST_PER_BYTE = 1032  # zlib's largest compression ratio: a file that claims more is damaged
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def write_npz(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Write what `numpy.savez` does. That of NumPy 1 leaves an archive open, and a second error, on a full disk."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_npz(path: PathLike) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by name.

    Whatever is wrong with the content raises a ValueError, which does not name the file. OSError is for a file that
    cannot be read.
    """
    with open(os.fspath(path), "rb") as file:  # not 0, which would be standard input
        try:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no .npz file, or not all of one")
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
        except MemoryError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy raise almost any of them for some damaged files
            raise ValueError(str(error) or "it is damaged") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed as NumPy does not compress")
    with archive.open(member) as file:
        size = _claimed_size(file, member.filename)
    if size != member.file_size or size > member.compress_size * MOST_PER_BYTE:
        raise ValueError(f"{member.filename} claims {size} bytes, and does not hold them")
    with archive.open(member) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        if array.dtype.kind == "U" and (array.reshape(-1).view(f"{array.dtype.byteorder}u4") > sys.maxunicode).any():
            raise ValueError(f"{member.filename} holds text with characters that do not exist")
        if file.read(1):  # reads to the end, where the checksum is compared
            raise ValueError(f"{member.filename} goes on after its array")
    return array


def _claimed_size(file: IO[bytes], name: str) -> int:
    """Return the number of bytes that the header of an array promises, with its own."""
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"{name} has the unknown version {version}")
    shape, _, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which only a pickle could hold")
    return file.tell() + math.prod(shape) * dtype.itemsize
