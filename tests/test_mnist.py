"""MNIST in the package: the published files, and every form in which they are given."""

import functools
import gzip
import hashlib
import tracemalloc
from importlib import resources

import effort
import numpy as np
import pytest

import fastnet.mnist
from fastnet import load_mnist
from fastnet.mnist import load_mnist_as_bytes

read_once = functools.cache(fastnet.mnist._read_idx)  # to unpack a file takes longer than all that is tested
FOLDER = resources.files("fastnet") / "data" / "mnist"
FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
HEADER = {"images-idx3-ubyte": 16, "labels-idx1-ubyte": 8}  # bytes before the values


@pytest.fixture(scope="module")
def unpacked():
    return {name: gzip.decompress((FOLDER / f"{name}.gz").read_bytes()) for name in FILES}


@pytest.fixture(scope="module")
def originals(unpacked):
    """The values in the files, for training and testing, read without the code under test."""
    return [
        [np.frombuffer(unpacked[f"{part}-{kind}"], np.uint8, offset=offset) for kind, offset in HEADER.items()]
        for part in ("train", "t10k")
    ]


@pytest.fixture(scope="module", params=[True, False], ids=["normalize", "bytes"])
def normalize(request):
    return request.param


@pytest.fixture(scope="module", params=[True, False], ids=["flatten", "square"])
def flatten(request):
    return request.param


@pytest.fixture(scope="module", params=[True, False], ids=["one_hot_label", "label"])
def one_hot_label(request):
    return request.param


@pytest.fixture(scope="module")
def loaded(normalize, flatten, one_hot_label):
    """Every combination of the three options, and what it gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastnet.mnist, "_read_idx", read_once)
        options = normalize, flatten, one_hot_label
        return options, load_mnist(normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)


def test_the_files_are_the_published_ones(unpacked):
    lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
    published = {name: digest for digest, name in map(str.split, lines)}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in unpacked.items()} == published


def test_the_files_have_no_name_and_no_date():
    for name in FILES:
        flags_and_date = (FOLDER / f"{name}.gz").read_bytes()[3:8]
        assert flags_and_date == bytes(5), name  # nothing in it depends on who packed it and when


def test_images_have_the_documented_shape_dtype_and_values(loaded, originals):
    (normalize, flatten, _), parts = loaded
    compared = slice(None, None, 1 if effort.FULL else 97)  # of the 54,880,000 pixels
    for (x, _), (pixels, labels) in zip(parts, originals, strict=True):
        assert x.shape == (len(labels), 784) if flatten else x.shape == (len(labels), 1, 28, 28)
        assert x.flags.c_contiguous
        if normalize:
            assert x.dtype == np.float32
            assert x.min() == 0
            assert x.max() == 1
            assert np.array_equal(x.reshape(-1)[compared], pixels[compared] / np.float32(255))
        else:
            assert x.dtype == np.uint8
            assert not x.flags.writeable
            assert np.array_equal(x.reshape(-1)[compared], pixels[compared])


def test_labels_have_the_documented_shape_dtype_and_values(loaded, originals):
    (_, _, one_hot_label), parts = loaded
    for (_, t), (_, labels) in zip(parts, originals, strict=True):
        if one_hot_label:
            assert t.shape == (len(labels), 10)
            assert t.dtype == np.float64
            assert np.array_equal(t.argmax(axis=1), labels)
            assert np.array_equal(t, t == 1)
            assert (t.sum(axis=1) == 1).all()
        else:
            assert t.dtype == np.uint8
            assert not t.flags.writeable
            assert np.array_equal(t, labels)


def test_the_parts_have_the_published_sizes(originals):
    assert [len(labels) for _, labels in originals] == [60_000, 10_000]
    assert [np.bincount(labels).tolist() for _, labels in originals] == [
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ]


def test_options_go_by_position_in_the_books_order_too(monkeypatch):
    monkeypatch.setattr(fastnet.mnist, "_read_idx", read_once)
    (x, t), _ = load_mnist(False, False, True)
    assert (x.dtype, x.shape, t.shape) == (np.uint8, (60_000, 1, 28, 28), (60_000, 10))


def test_images_held_as_bytes_have_the_bits_of_the_floats(mnist, monkeypatch):
    monkeypatch.setattr(fastnet.mnist, "_read_idx", read_once)
    for (held, labels), (x, t) in zip(load_mnist_as_bytes(), mnist, strict=True):
        assert (len(held), held.shape, held.ndim) == (len(x), x.shape, x.ndim)
        indices = np.array([3, 0, 3, len(x) - 1])
        for part, expected in ((held.take(indices, axis=0), x[indices]), (held[5:700], x[5:700])):
            floats = np.asarray(part)
            assert floats.dtype == np.float32
            assert np.array_equal(floats.view(np.uint32), expected.view(np.uint32))
        assert np.array_equal(np.asarray(held[:9], np.float64), x[:9].astype(np.float64))
        assert np.array_equal(labels, t)


LABELS = (FOLDER / "t10k-labels-idx1-ubyte.gz").read_bytes()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        LABELS[:-1],
        LABELS[:-8],
        LABELS[:1000] + bytes([LABELS[1000] ^ 1]) + LABELS[1001:],
        LABELS[:-5] + bytes([LABELS[-5] ^ 1]) + LABELS[-4:],
        LABELS[:-1] + b"\xff",
        LABELS + b"more",
        LABELS + bytes(4),
        LABELS + LABELS[:-4] + b"\xff\xff\xff\xff",
        b"not compressed",
        gzip.compress(b""),
        gzip.compress(b"\0\0\x08\x01\0\0"),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x03" + b"\1\2"),
        gzip.compress(b"\0\0\x0d\x01\0\0\0\x01" + b"\0\0\0\0"),
        gzip.compress(b"PK\x08\x01\0\0\0\x01" + b"\1"),
    ],
    ids=[
        "empty", "cut", "no sum and size", "one bit", "another sum", "another size", "more after it",
        "zeros after it", "another after it", "not gzip", "nothing in it", "half a header", "a label less", "of floats",
        "not IDX",
    ],
)
def test_damaged_data_is_named_and_never_returned(tmp_path, monkeypatch, damaged):
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    images = gzip.compress(b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c" + bytes(3 * 784))
    for name in FILES:
        labels = gzip.compress(b"\0\0\x08\x01\0\0\0\x03" + b"\1\2\3")
        (folder / f"{name}.gz").write_bytes(images if "images" in name else labels)
    monkeypatch.setattr(fastnet.mnist.resources, "files", lambda _: tmp_path)
    _, (x, t) = load_mnist()  # these small files are sound, and read
    assert (x.dtype, x.shape, t.tolist()) == (np.float32, (3, 784), [1, 2, 3])

    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(damaged)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
            load_mnist()
        assert tracemalloc.get_traced_memory()[1] < 2**24  # whatever size it claims, up to 4 GB
    finally:
        tracemalloc.stop()
