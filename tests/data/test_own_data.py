"""Data of one's own: every format gives the arrays that were written, and every fault is named."""

import gzip
import re
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import fastnet.data
from fastnet._scaled import ScaledBytes
from fastnet.data import load
from fastnet.data._loading import load_as_bytes

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def pictures(samples=12, height=9, width=8, seed=0):
    """Noise, darker than a half: pictures with a light background are remarked on."""
    return np.random.default_rng(seed).integers(0, 128, (samples, height, width), np.uint8)


def labels(samples=12, classes=2, first=0):
    return (np.arange(samples) % classes + first).astype(np.uint8)


def idx(values, dtype="u1"):
    values = np.asarray(values).astype(dtype)
    sizes = b"".join(side.to_bytes(4, "big") for side in values.shape)
    return bytes([0, 0, CODES[dtype], values.ndim]) + sizes + values.tobytes()


def write_idx(folder, part, x, t, prefix="", packed=False, form="-images-idx3-ubyte"):
    for values, name in ((x, form), (t, form.replace("images", "labels").replace("idx3", "idx1"))):
        content = idx(values)
        path = folder / f"{prefix}{part}{name}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)


def write_pictures(folder, x, t):
    for i, (picture, label) in enumerate(zip(x, t, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / str(label) / f"{i:03}.png")


def rows(x):
    return np.asarray(x).reshape(len(x), -1)


def same_samples(data, x, t):
    """Whether training and test data together are these samples, in any order."""
    found = np.concatenate([rows(data.x_train), rows(data.x_test)])
    numbers = np.concatenate([data.t_train, data.t_test])
    wanted = rows(x)
    order, other = np.lexsort(found.T), np.lexsort(wanted.T)
    return np.array_equal(found[order], wanted[other]) and np.array_equal(numbers[order], np.asarray(t)[other])


# --- IDX -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", ["-images-idx3-ubyte", "-images.idx3-ubyte"])
@pytest.mark.parametrize("test", ["t10k", "test"])
@pytest.mark.parametrize("by", ["folder", "file"])
def test_idx_files_are_read_by_their_usual_names(tmp_path, packed, form, test, by):
    x, t = pictures(), labels()
    write_idx(tmp_path, "train", x, t, packed=packed, form=form)
    write_idx(tmp_path, test, x[:5], t[:5], packed=packed, form=form)
    path = tmp_path if by == "folder" else tmp_path / f"train{form}{'.gz' if packed else ''}"
    data = load(path)
    assert (data.x_train.dtype, data.t_train.dtype) == (np.float32, np.int64)
    assert np.array_equal(data.x_train, rows(x) / np.float32(255))
    assert np.array_equal(data.x_test, rows(x[:5]) / np.float32(255))
    assert np.array_equal(data.t_train, t)
    assert np.array_equal(data.t_test, t[:5])
    assert (data.classes, data.input_shape, data.notes) == (["0", "1"], (9, 8), ())
    data = load(path, normalize=False, flatten=False)
    assert data.x_train.dtype == np.uint8
    assert np.array_equal(data.x_train, x[:, np.newaxis])


def test_mnist_itself_comes_as_load_mnist_gives_it(mnist):
    (x, t), (x_test, t_test) = mnist
    data = load_as_bytes(fastnet.__path__[0] + "/data/mnist")
    assert isinstance(data.x_train, ScaledBytes)  # the images stay in bytes
    assert np.array_equal(np.asarray(data.x_test), x_test)
    assert np.array_equal(np.asarray(data.x_train[:1000]), x[:1000])
    assert np.array_equal(data.t_train, t)
    assert np.array_equal(data.t_test, t_test)
    assert (data.classes, data.input_shape) == ([str(digit) for digit in range(10)], (28, 28))


@pytest.mark.parametrize("mapped", [True, False], ids=["mapping", "no mapping"])
def test_emnist_is_turned_upright_and_its_letters_have_names(tmp_path, mapped):
    x, t = pictures(78, 8, 8), labels(78, 26, 1)
    for part in ("train", "test"):
        write_idx(tmp_path, part, x.swapaxes(1, 2), t, "emnist-letters-", packed=True)
    if mapped:
        lines = [f"{i + 1} {ord('A') + i} {ord('a') + i}\n" for i in range(26)]
        (tmp_path / "emnist-letters-mapping.txt").write_text("".join(lines))
    data = load(tmp_path, flatten=False, normalize=False)
    assert np.array_equal(data.x_train[:, 0], x)
    assert np.array_equal(data.x_test[:, 0], x)
    assert np.array_equal(data.t_train, t - 1)
    letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert data.classes == (letters if mapped else [str(i) for i in range(1, 27)])
    assert any("upright" in note for note in data.notes)
    assert any("the labels are 1 to 26, in 26 classes" in note for note in data.notes)


@pytest.mark.parametrize("width", [8, 7])
def test_emnist_in_a_table_is_turned_upright_where_its_pictures_are_square(tmp_path, width):
    x, t = pictures(12, 8, width), labels()
    turned = x.swapaxes(1, 2) if width == 8 else x
    np.savetxt(tmp_path / "emnist-digits.csv", np.column_stack([t, rows(turned)]), "%d", ",")
    data = load(tmp_path / "emnist-digits.csv", label="1", normalize=False)
    assert same_samples(data, x, t)


@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
def test_clothes_have_names_and_are_no_digits(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    write_idx(tmp_path / folder, "train", np.repeat(pictures()[:10], 6, axis=0), np.repeat(np.arange(10), 6))
    data = load(tmp_path / folder)
    assert (data.classes[0], data.classes[9], len(data.classes)) == ("T-shirt/top", "Ankle boot", 10)
    assert "the classes have Fashion-MNIST's names" in data.notes
    write_idx(tmp_path, "train", np.repeat(pictures()[:10], 6, axis=0), np.repeat(np.arange(10), 6))
    assert load(tmp_path).classes == list("0123456789")  # as MNIST's


def test_a_line_of_the_mapping_that_cannot_be_read_is_named(tmp_path):
    write_idx(tmp_path, "train", pictures(12, 8, 8), labels(), "emnist-digits-")
    (tmp_path / "emnist-digits-mapping.txt").write_text("0 48\n1 forty-nine\n")
    with pytest.raises(ValueError, match=r"emnist-digits-mapping\.txt, line 2: .*'1 forty-nine'"):
        load(tmp_path)


def test_several_sets_in_a_folder_are_named_and_one_can_be_chosen(tmp_path):
    for name, samples in (("emnist-digits-", 12), ("emnist-letters-", 14)):
        write_idx(tmp_path, "train", pictures(samples), labels(samples), name)
    with pytest.raises(ValueError, match=r"holds 2 sets of images: name one .*emnist-digits-train-images-idx3-ubyte"):
        load(tmp_path)
    assert len(load(tmp_path / "emnist-letters-train-images-idx3-ubyte").x_train) == 12


def test_a_file_that_is_there_plain_and_packed_is_one(tmp_path):
    for packed in (False, True):
        write_idx(tmp_path, "train", pictures(), labels(), packed=packed)
    assert len(load(tmp_path).x_train) == 10


@pytest.mark.parametrize("dtype", ["i1", ">i2", ">i4", ">f4", ">f8"])
def test_idx_files_of_other_numbers_are_read_in_their_byte_order(tmp_path, dtype):
    x = np.random.default_rng(0).integers(-100, 100, (12, 3)).astype(dtype)
    (tmp_path / "train-images-idx2-ubyte").write_bytes(idx(x, dtype))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels()))
    data = load(tmp_path)
    assert same_samples(data, x, labels())
    assert data.input_shape == (3,)


X, T = idx(pictures()), idx(labels())
HUGE = bytes([0, 0, 8, 3]) + (10**6).to_bytes(4, "big") + (100).to_bytes(4, "big") * 2
DAMAGED_IDX = {
    "empty": (b"", T, "images-idx3-ubyte.* is damaged: it ends within its header"),
    "half a header": (X[:9], T, "images-idx3-ubyte.* is damaged: it ends within its header"),
    "cut": (X[:-1], T, r"images-idx3-ubyte.* is damaged: it should have 880 bytes, and has 879"),
    "more after it": (X + b"\0", T, "images-idx3-ubyte.* is damaged: it should have 880 bytes, and has more"),
    "a promise of 10 GB": (HUGE + bytes(100), T, "images-idx3-ubyte.* is damaged: it"),
    "no IDX": (b"PK\3\4" + X, T, "images-idx3-ubyte.* is damaged: it does not begin like an IDX file"),
    "an unknown type": (b"\0\0\x07" + X[3:], T, "images-idx3-ubyte.* is damaged: it does not begin like an IDX file"),
    "labels cut": (X, T[:-1], "labels-idx1-ubyte.* is damaged: it should have 20 bytes, and has 19"),
    "one label less": (X, idx(labels(11)), "images-idx3-ubyte.* holds 12 images, but .*labels.* holds 11 labels"),
    "no labels": (X, None, "images-idx3-ubyte.* has no labels: there is no train-labels-idx1-ubyte"),
    "labels as pictures": (X, X, r"must hold images \(N, H, W\) and labels \(N,\), got shapes \(12, 9, 8\) and"),
    "no samples": (idx(np.zeros((0, 9, 8))), idx([]), "holds no samples"),
    "no pixels": (idx(np.zeros((12, 0, 8))), T, "holds no samples"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", DAMAGED_IDX)
def test_damaged_idx_files_are_named_and_take_no_memory(tmp_path, kind, packed):
    images, of_labels, message = DAMAGED_IDX[kind]
    for name, content in (("images-idx3", images), ("labels-idx1", of_labels)):
        if content is not None:
            path = tmp_path / f"train-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_damaged_gzip_is_named(tmp_path):
    write_idx(tmp_path, "train", pictures(), labels(), packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    wrong_sum, wrong_byte = whole[:-5] + b"\0" + whole[-4:], whole[:40] + b"?" + whole[41:]
    for damaged in (whole[:-20], whole[:-8], wrong_sum, wrong_byte, whole[:2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is damaged"):
            load(tmp_path)


def test_idx_files_without_images_to_train_on_are_said_to_be_so(tmp_path):
    write_idx(tmp_path, "t10k", pictures(), labels())
    with pytest.raises(ValueError, match="no images to train on"):
        load(tmp_path)
    with pytest.raises(ValueError, match="must be the file with the images"):
        load(tmp_path / "t10k-labels-idx1-ubyte")


# --- tables ----------------------------------------------------------------------------------------------------------


def table(path, text, **options):
    path.write_text(text, encoding="utf-8")
    return load(path, **options)


def csv_of(x, t, header=None, separator=",", last=False):
    lines = [] if header is None else [header]
    for row, label in zip(rows(x), t, strict=True):
        values = [str(value) for value in row.tolist()]
        lines.append(separator.join([*values, str(label)] if last else [str(label), *values]))
    return "\n".join(lines) + "\n"


KAGGLE = "label," + ",".join(f"pixel{i}" for i in range(72))


@pytest.mark.parametrize("header", [KAGGLE, None], ids=["header", "no header"])
def test_a_table_of_pixels_is_read_as_bytes(tmp_path, header):
    x, t = pictures(), labels()
    x[0, 0, 0] = 255  # the largest value, which bytes are divided by
    data = table(tmp_path / "train.csv", csv_of(x, t, header), size=(9, 8))
    assert same_samples(data, rows(x) / np.float32(255), t)
    assert (data.x_train.dtype, data.input_shape, data.classes) == (np.float32, (9, 8), ["0", "1"])
    assert isinstance(load_as_bytes(tmp_path / "train.csv").x_train, ScaledBytes)
    assert load(tmp_path / "train.csv").input_shape == (72,)  # 72 is no square


def test_rows_of_a_square_of_bytes_are_pictures(tmp_path):
    x, t = pictures(12, 8, 8) % 17, labels()
    x[0, 0, 0], x[6:] = 16, x[:6]
    data = table(tmp_path / "digits.csv", csv_of(x, t), flatten=False)
    assert data.input_shape == (8, 8)
    assert same_samples(data, rows(x) / np.float32(16), t)  # divided by the largest value
    assert data.x_train.shape[1:] == (1, 8, 8)
    assert table(tmp_path / "other.csv", csv_of(x[:, :2, :2], t)).input_shape == (4,)
    assert table(tmp_path / "floats.csv", csv_of(x / 16, t)).input_shape == (64,)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_names_as_labels_and_numbers_of_any_kind(tmp_path, separator):
    x = np.random.default_rng(0).normal(size=(18, 3)).round(6)
    names = ["무궁화", "さくら", "iris x"] * 6
    header = separator.join(["label", "length", "width", "height"])
    data = table(tmp_path / "flowers.tsv", "\ufeff" + csv_of(x, names, header, separator))
    classes = sorted(set(names))
    assert data.classes == classes
    assert data.x_train.dtype == np.float64
    t = [classes.index(name) for name in names]
    found = np.concatenate([data.x_train, data.x_test])
    assert np.array_equal(np.sort(found, axis=0), np.sort(x, axis=0))  # to the last digit
    for row, number in zip(data.x_train, data.t_train, strict=True):
        assert t[int(np.flatnonzero((x == row).all(axis=1))[0])] == number


@pytest.mark.parametrize("label", ["species", "SPECIES", "4"])
def test_the_column_with_the_labels_can_be_named(tmp_path, label):
    x, t = np.arange(36).reshape(12, 3) * 100, ["a", "b"] * 6
    data = table(tmp_path / "data.csv", csv_of(x, t, "one,two,three,species", last=True), label=label)
    assert same_samples(data, x, labels())
    assert data.classes == ["a", "b"]
    assert "the labels are in column 'species'" in data.notes


def test_a_table_without_header_whose_labels_come_last(tmp_path):
    x, t = np.arange(36).reshape(12, 3) / 4, ["Iris-setosa", "Iris-virginica"] * 6
    assert same_samples(table(tmp_path / "iris.csv", csv_of(x, t, last=True), label="4"), x, labels())


def test_quoted_fields_and_empty_lines(tmp_path):
    lines = ['"label","a, b","c"', "", '"x","1","2.5"', '"y","3",4', "  ", *['"x",5,6', '"y",7,8'] * 6, ""]
    data = table(tmp_path / "data.csv", "\r\n".join(lines))
    assert (data.x_train.shape, data.classes) == ((12, 2), ["x", "y"])
    assert 2.5 in np.concatenate([data.x_train, data.x_test])


def test_more_lines_than_are_converted_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("fastnet.data._table.LINES", 5)
    x, t = pictures(23), labels(23, 3)
    data = table(tmp_path / "data.csv", csv_of(x, t, KAGGLE))
    assert data.x_train.shape[1:] == (72,)
    assert len(data.x_train) + len(data.x_test) == 23
    assert np.array_equal(np.sort(np.concatenate([data.t_train, data.t_test])), np.sort(t))
    text = csv_of(x, t, KAGGLE).splitlines()
    text[18] = text[18].replace(",", ",?", 1)
    with pytest.raises(ValueError, match=r"data\.csv, line 19, column 'pixel0'"):
        table(tmp_path / "data.csv", "\n".join(text))
    mixed = x.astype(float).reshape(23, -1)
    mixed[17, 3] = 0.5  # bytes in the first lines, and a fraction later
    assert same_samples(table(tmp_path / "data.csv", csv_of(mixed, t)), mixed, t)


GOOD = "label,a,b\n" + "0,1,2\n1,3,4\n" * 6
BAD_TABLES = {
    "empty": ("", r"data\.csv is empty"),
    "a header alone": ("label,a,b\n", r"data\.csv holds a header and no samples"),
    "one column": ("label\n1\n2\n", r"data\.csv, line 1 has one column"),
    "a word": (GOOD + "0,1,two\n", r"data\.csv, line 14, column 'b': 'two' is not a finite number"),
    "a missing value": (GOOD + "0,,2\n", r"data\.csv, line 14, column 'a': the value is missing"),
    "NaN": (GOOD + "0,nan,2\n", r"data\.csv, line 14, column 'a': 'nan' is not a finite number"),
    "infinity": (GOOD + "\n0,1,-inf\n", r"data\.csv, line 15, column 'b': '-inf' is not a finite number"),
    "a column less": (GOOD + "0,1\n", r"data\.csv, line 14 has 2 columns, and line 1 has 3"),
    "a column more": (GOOD + "0,1,2,3\n", r"data\.csv, line 14 has 4 columns, and line 1 has 3"),
    "no label": (GOOD + ",1,2\n", r"data\.csv, line 14 has no label"),
    "a fraction as label": (GOOD + "0.5,1,2\n", r"data\.csv, line 14: the label '0\.5' in column 'label' is neither"),
    "a number of Python's": (GOOD + "0,1_000,2\n", r"data\.csv, line 14, column 'a': '1_000' is not a finite number"),
    "digits of another script": (GOOD + "0,1,\uff12\n", r"data\.csv, in the lines 2 to 14: .*Correct them"),
    "a label too large": (GOOD + "1e300,1,2\n", r"data\.csv, line 14: the label '1e300' in column 'label' is neither"),
    "no column label": ("pixel0,pixel1\n" + "1,2\n3,4\n", r"data\.csv has no column 'label'"),
    "two columns label": (
        "label,a,Label\n" + "0,1,2\n1,3,4\n" * 6, r"data\.csv has 2 columns called 'label', the columns 1 and 3"
    ),
    "one class": ("label,a\n" + "3,1\n" * 9, "has samples of one class alone, '3'"),
    "an own class each": ("".join(f"{i},1\n" for i in range(9)), "a class of its own for each of its 9 samples"),
    "a long word": (GOOD + f"0,1,{'2' * 200_000}\n", r"data\.csv is not a table that can be read: field larger than"),
    "a long first line": ("a," + "b" * 200_000, r"data\.csv is not a table that can be read: field larger than"),
    "few of each": ("label,a\n0,1\n0,2\n1,3\n1,4\n", "no class has the 6 samples"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_what_cannot_be_read_of_a_table_is_named_with_its_line(tmp_path, kind):
    text, message = BAD_TABLES[kind]
    with pytest.raises(ValueError, match=message):
        table(tmp_path / "data.csv", text)


def test_a_table_to_test_with_has_the_same_columns(tmp_path):
    (tmp_path / "train.csv").write_text(GOOD)
    (tmp_path / "turned.csv").write_text(GOOD.replace("label,a,b", "label,b,a"))
    x, t = np.tile([[1, 2], [3, 4]], (6, 1)), labels()
    (tmp_path / "last.csv").write_text(csv_of(x, t, "a,b,label", last=True))
    data = load(tmp_path / "train.csv", test=tmp_path / "last.csv", normalize=False)
    assert np.array_equal(data.x_test, x)
    with pytest.raises(ValueError, match=r"train\.csv has the column 'a' where .*turned\.csv has 'b'"):
        load(tmp_path / "train.csv", test=tmp_path / "turned.csv")
    (tmp_path / "more.csv").write_text(csv_of(np.hstack([x, x[:, :1]]), t, "label,a,b,c"))
    with pytest.raises(ValueError, match=r"train\.csv has the column None where .*more\.csv has 'c'"):
        load(tmp_path / "train.csv", test=tmp_path / "more.csv")


def test_a_column_that_is_not_there_is_named(tmp_path):
    for label in ("species", "0", "4", ""):
        with pytest.raises(ValueError, match=rf"data\.csv has no column {label!r}: its columns are label, a, b"):
            table(tmp_path / "data.csv", GOOD, label=label)


def test_a_label_that_is_no_string_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"^label must be a string, the name of a column or its number, got 1$"):
        table(tmp_path / "data.csv", GOOD, label=1)


def test_names_outside_the_column_of_labels_lead_to_the_option_label(tmp_path):
    flowers = "length,width,species\n" + "1,2,rose\n3,4,tulip\n" * 6
    message = r"line 2, column 'species': 'rose' is not .*read from column 'length': --label names another one"
    with pytest.raises(ValueError, match=message):
        table(tmp_path / "flowers.csv", flowers)
    assert table(tmp_path / "flowers.csv", flowers, label="species").classes == ["rose", "tulip"]


def test_a_table_in_another_encoding_is_named(tmp_path):
    (tmp_path / "data.csv").write_bytes("label,가\n0,1\n".encode("cp949"))
    with pytest.raises(ValueError, match=r"data\.csv is not text in UTF-8"):
        load(tmp_path / "data.csv")


# --- folders of pictures ---------------------------------------------------------------------------------------------


def test_a_folder_for_each_label(tmp_path):
    x = pictures()
    write_pictures(tmp_path, x, ["cat", "dog"] * 6)
    (tmp_path / ".git").mkdir()
    (tmp_path / "cat" / ".DS_Store").write_bytes(b"?")
    (tmp_path / "dog" / "Thumbs.db").write_bytes(b"?")
    data = load(tmp_path, normalize=False)
    assert same_samples(data, x, labels())
    assert (data.classes, data.input_shape) == (["cat", "dog"], (9, 8))
    assert data.notes == ("2 of 12 samples are for testing, a sixth of each class, drawn with seed 0",)


def test_folders_called_by_numbers_are_in_their_order(tmp_path):
    names = [str(number) for number in (0, 1, 2, 9, 10, 11)]
    write_pictures(tmp_path, pictures(36), names * 6)
    assert load(tmp_path).classes == names


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("training", "testing"), ("Train", "valid")])
def test_folders_of_labels_below_train_and_test(tmp_path, train, test):
    x = pictures()
    write_pictures(tmp_path / train, x, labels())
    write_pictures(tmp_path / test, x[:4], labels(4))
    data = load(tmp_path, normalize=False)
    assert np.array_equal(data.x_train, rows(x[np.argsort(labels(), kind="stable")]))
    assert data.t_train.tolist() == [0] * 6 + [1] * 6
    assert data.t_test.tolist() == [0, 0, 1, 1]
    assert data.notes == ()


def test_what_is_not_read_is_said(tmp_path):
    for part in ("train", "test", "val"):
        write_pictures(tmp_path / part, pictures(), labels())
    assert load(tmp_path).notes == (f"{tmp_path / 'val'} is not read",)
    write_pictures(tmp_path / "cat", pictures(), labels())
    with pytest.raises(ValueError, match="holds train and also cat"):
        load(tmp_path)


def test_pictures_become_their_luminance(tmp_path):
    gray = pictures(1, 4, 4)[0]
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[..., 0], colour[..., 1], colour[..., 2] = 200, 100, 50
    ink = np.zeros((4, 4, 2), np.uint8)
    ink[1, :, 1] = 255  # a black line on nothing
    light = ink.copy()
    light[..., 0] = 255  # a white line on nothing
    made = {
        "gray": (Image.fromarray(gray), gray),
        "colour": (Image.fromarray(colour), np.full((4, 4), 124)),  # (299 * 200 + 587 * 100 + 114 * 50) / 1000
        "palette": (Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE), np.full((4, 4), 124)),
        "sixteen": (Image.fromarray(gray.astype(np.uint16) * 257), gray),
        "bit": (Image.fromarray(gray > 99), np.where(gray > 99, 255, 0)),
        "dark": (Image.fromarray(ink), 255 - ink[..., 1]),
        "light": (Image.fromarray(light), ink[..., 1]),
    }
    for name, (image, _) in made.items():
        (tmp_path / name).mkdir()
        for copy in range(6):
            image.save(tmp_path / name / f"{copy}.png")
    data = load(tmp_path, normalize=False)
    for number, name in enumerate(data.classes):
        for row in data.x_train[data.t_train == number]:
            assert np.array_equal(row.reshape(4, 4), made[name][1]), name


def test_the_background_is_that_of_the_borders(tmp_path):
    digits = np.zeros((12, 9, 8), np.uint8)
    digits[:, 3:6, 3:5] = 255  # light on dark
    for folder, x, background in (("light", digits, 0.0), ("dark", 250 - digits // 2, 250 / 255)):
        write_pictures(tmp_path / folder, x, labels())
        data = load(tmp_path / folder)
        assert data.background == pytest.approx(background, rel=1e-6)  # float32
        assert any("dark ink stays dark" in note for note in data.notes) == (folder == "dark")
    np.savez(tmp_path / "rows.npz", x=digits.reshape(12, -1)[:, :5], t=labels())
    assert load(tmp_path / "rows.npz").background is None


def test_pictures_of_different_sizes_are_named_or_resized(tmp_path):
    write_pictures(tmp_path, pictures(12, 8, 8), labels())
    Image.fromarray(np.full((16, 12), 200, np.uint8)).save(tmp_path / "1" / "other.png")
    with pytest.raises(ValueError, match=r"0.000\.png is 8 x 8 pixels, but .*1.other\.png is 16 x 12: .*--size"):
        load(tmp_path)
    data = load(tmp_path, size=(4, 3), normalize=False)
    assert data.input_shape == (4, 3)
    every = np.concatenate([data.x_train, data.x_test])
    assert (every == 200).all(axis=1).any()  # a uniform picture stays so, and height and width are not exchanged


def test_test_pictures_have_the_size_of_those_to_train_on(tmp_path):
    write_pictures(tmp_path / "train", pictures(12, 8, 8), labels())
    write_pictures(tmp_path / "test", pictures(12, 8, 9), labels())
    with pytest.raises(ValueError, match=r"train is 8 x 8 pixels, but .*test.*png is 8 x 9"):
        load(tmp_path)


def test_what_is_no_picture_is_named(tmp_path):
    write_pictures(tmp_path, pictures(), labels())
    bad = tmp_path / "1" / "notes.png"
    whole = (tmp_path / "0" / "000.png").read_bytes()
    for content, message in ((b"text", "is not a picture that can be read"), (whole[:60], "is damaged")):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match=rf"notes\.png {message}"):
            load(tmp_path)
    bad.unlink()
    bad.mkdir()
    with pytest.raises((ValueError, OSError), match=r"notes\.png"):
        load(tmp_path)


def test_pixels_that_are_no_shares_of_white_are_refused(tmp_path):
    write_pictures(tmp_path, pictures(), labels())
    for dtype, message in ((np.int32, "pixels of more than 16 bits"), (np.float32, "pixels that are floats")):
        Image.fromarray(np.full((9, 8), 70_000, dtype)).save(tmp_path / "1" / "deep.tiff")
        with pytest.raises(ValueError, match=rf"deep\.tiff is damaged: it has {message}"):
            load(tmp_path)


def test_pictures_to_train_on_are_enough(tmp_path):
    x, t = pictures(), labels()
    write_pictures(tmp_path / "train", x, t)
    assert same_samples(load(tmp_path, normalize=False), x, t)


def test_pictures_to_test_alone_are_not_enough(tmp_path):
    write_pictures(tmp_path / "test", pictures(), labels())
    with pytest.raises(ValueError, match="holds test, but nothing to train on"):
        load(tmp_path)


def test_empty_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no pictures in folders, one folder a label"):
        load(tmp_path)
    write_pictures(tmp_path, pictures(), labels())
    (tmp_path / "2").mkdir()
    with pytest.raises(ValueError, match=r"2 holds no pictures"):
        load(tmp_path)


def test_one_folder_is_one_class(tmp_path):
    write_pictures(tmp_path, pictures(), ["cat"] * 12)
    with pytest.raises(ValueError, match="has samples of one class alone, 'cat'"):
        load(tmp_path)


def test_a_folder_with_tables_alone_says_to_name_one(tmp_path):
    (tmp_path / "train.csv").write_text(GOOD)
    with pytest.raises(ValueError, match=r"is a folder: name the file in it, such as .*train\.csv"):
        load(tmp_path)


# --- .npz ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [("x_train", "y_train", "x_test", "y_test"), ("x_train", "t_train", "x_test", "t_test"),
     ("train_images", "train_labels", "test_images", "test_labels"), ("X_train", "Y_train", "X_test", "Y_test")],
)
def test_arrays_to_train_on_and_to_test_with(tmp_path, names):
    x, t = pictures(), labels()
    np.savez_compressed(tmp_path / "mnist.npz", **dict(zip(names, (x, t, x[:4], t[:4]), strict=True)))
    data = load(tmp_path / "mnist.npz", normalize=False)
    assert np.array_equal(data.x_train, rows(x))
    assert np.array_equal(data.x_test, rows(x[:4]))
    assert np.array_equal(data.t_test, t[:4])
    assert data.input_shape == (9, 8)


X_FORMS = {
    "rows": lambda x: rows(x),
    "a channel before": lambda x: x[:, np.newaxis],
    "a channel behind": lambda x: x[..., np.newaxis],
    "floats": lambda x: x.astype(np.float64),
    "integers": lambda x: x.astype(np.int64),
    "big-endian": lambda x: x.astype(">u2"),
    "Fortran": lambda x: np.asfortranarray(x),
    "gray as colour": lambda x: np.stack([x] * 3, axis=-1),
    "gray as colour before": lambda x: np.stack([x] * 3, axis=1),
}
T_FORMS = {
    "bytes": lambda t: t,
    "a column": lambda t: t[:, np.newaxis],
    "one-hot": lambda t: np.eye(2)[t],
    "floats": lambda t: t.astype(np.float32),
    "bool": lambda t: t.astype(bool),
    "names": lambda t: np.array(["0", "1"])[t],
}


@pytest.mark.parametrize("form", X_FORMS)
def test_inputs_of_any_form(tmp_path, form):
    x, t = pictures(), labels()
    np.savez(tmp_path / "data.npz", X=X_FORMS[form](x), y=t)
    data = load(tmp_path / "data.npz", normalize=False)
    assert data.x_train.dtype == np.uint8
    assert same_samples(data, x, t)
    assert data.input_shape == ((72,) if form == "rows" else (9, 8))


@pytest.mark.parametrize("form", T_FORMS)
def test_labels_of_any_form(tmp_path, form):
    x, t = pictures(), labels()
    np.savez(tmp_path / "data.npz", x=x, t=T_FORMS[form](t))
    assert same_samples(load(tmp_path / "data.npz", normalize=False), x, t)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_stay_as_they_are(tmp_path, dtype):
    x = np.random.default_rng(0).normal(size=(12, 5)).astype(dtype)
    np.savez(tmp_path / "data.npz", x=x, t=labels())
    data = load(tmp_path / "data.npz")
    assert data.x_train.dtype == (np.float64 if dtype == np.float16 else dtype)
    assert same_samples(data, x, labels())


@pytest.mark.parametrize(
    ("t", "classes"), [([1, 2, 26], ["1", "2", "26"]), ([-1, 0, 5], ["-1", "0", "5"]), ([9, 10, 2], ["2", "9", "10"])]
)
def test_labels_with_gaps_are_classes_in_their_order(tmp_path, t, classes):
    x = pictures(18)
    np.savez(tmp_path / "data.npz", x=x, t=np.tile(t, 6))
    data = load(tmp_path / "data.npz", normalize=False)
    assert data.classes == classes
    assert same_samples(data, x, [classes.index(str(label)) for label in np.tile(t, 6)])
    assert f"the labels are {classes[0]} to {classes[-1]}, with gaps, in 3 classes" in data.notes


BAD_ARCHIVES = {
    "no arrays": ({}, r"must hold x_train and t_train .* it holds nothing"),
    "other names": ({"a": T}, r"must hold x_train and t_train .* it holds a$"),
    "no labels": ({"x_train": pictures()}, "holds x_train, but inputs and labels go together"),
    "one label less": ({"x": pictures(), "t": labels(11)}, "t has 11 labels for 12 samples"),
    "NaN": ({"x": np.where(np.eye(12), np.nan, 1), "t": labels()}, r"x\[0\] has a value that is NaN or infinite"),
    "strings": ({"x": np.full((12, 2), "1"), "t": labels()}, "x must hold numbers"),
    "complex": ({"x": np.ones((12, 2), complex), "t": labels()}, "x must hold numbers"),
    "one axis": ({"x": np.ones(12), "t": labels()}, "x must hold numbers, one row or picture a sample"),
    "five axes": ({"x": np.ones((12, 1, 2, 2, 2)), "t": labels()}, r"x must be rows \(N, D\) or pictures"),
    "two channels": ({"x": np.ones((12, 4, 4, 2)), "t": labels()}, "x must have 1 or 3 channels"),
    "a fraction": ({"x": pictures(), "t": labels() + 0.5}, r"label 0 is 0\.5: a label must be a whole number"),
    "many labels": ({"x": pictures(), "t": np.ones((12, 3))}, r"t must hold labels \(N,\) or one-hot rows"),
    "objects": ({"x": pictures(), "t": np.array([print] * 12)}, "which only a pickle could hold"),
    "one class": ({"x": pictures(), "t": np.ones(12)}, "has samples of one class alone, '1'"),
    "no samples": ({"x": pictures(0), "t": labels(0)}, "holds no samples"),
    "no samples of floats": ({"x": np.ones((0, 3)), "t": labels(0)}, "holds no samples"),
    "another size": (
        {"x_train": pictures(), "t_train": labels(), "x_test": pictures(12, 8, 8), "t_test": labels()},
        r"samples to test with have shape \(8, 8\), those to train on \(9, 8\)",
    ),
    "a new label": (
        {"x_train": pictures(), "t_train": labels(), "x_test": pictures(), "t_test": labels(12, 3)},
        "has the label '2', which the training data do not have",
    ),
}


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_what_is_wrong_with_arrays_is_named(tmp_path, kind):
    arrays, message = BAD_ARCHIVES[kind]
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message) as raised:
        load(tmp_path / "data.npz")
    assert "data.npz" in str(raised.value) or kind == "another size"


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=pictures(), t=labels())
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-30], whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"data\.npz is no \.npz file that can be read"):
            load(path)


# --- all formats -----------------------------------------------------------------------------------------------------


def test_the_held_out_samples_are_a_sixth_of_each_class_and_drawn_by_the_seed(tmp_path):
    x, t = pictures(90), np.repeat([0, 1, 2], [60, 24, 6])
    np.savez(tmp_path / "data.npz", x=x, t=t)
    data, again, other = (load(tmp_path / "data.npz", seed=seed, normalize=False) for seed in (0, 0, 1))
    for each in (data, other):
        assert np.bincount(each.t_test).tolist() == [10, 4, 1]
        assert same_samples(each, x, t)
    assert np.array_equal(data.x_test, again.x_test)
    assert not np.array_equal(data.x_test, other.x_test)
    assert data.notes == ("15 of 90 samples are for testing, a sixth of each class, drawn with seed 0",)


def test_test_data_of_another_format(tmp_path):
    x, t = pictures(), labels()
    write_pictures(tmp_path / "train", x, t)
    np.savez(tmp_path / "test.npz", x=x[:3], t=t[:3])
    (tmp_path / "test.csv").write_text(csv_of(x[:3], t[:3]))
    data = load(tmp_path / "train", test=tmp_path / "test.npz", normalize=False)
    assert (len(data.x_train), data.notes) == (12, ())
    assert np.array_equal(data.x_test, rows(x[:3]))
    assert np.array_equal(data.t_test, t[:3])  # the folders' names are strings
    with_size = load(tmp_path / "train", test=tmp_path / "test.csv", size=(9, 8), normalize=False)
    assert np.array_equal(with_size.x_test, rows(x[:3]))
    both = {"x_train": x, "t_train": t, "x_test": x, "t_test": t}
    np.savez(tmp_path / "both.npz", **both)
    with pytest.raises(ValueError, match=r"both\.npz holds data to train on and to test with"):
        load(tmp_path / "train", test=tmp_path / "both.npz")


def test_test_data_that_are_not_bytes_are_scaled_as_those_to_train_on(tmp_path):
    x, t = np.arange(24).reshape(12, 2), labels()
    np.savez(tmp_path / "data.npz", x_train=x, t_train=t, x_test=x * 100.0, t_test=t)
    data = load(tmp_path / "data.npz")
    assert data.x_test.dtype == np.float32
    np.testing.assert_array_equal(data.x_test, (x * 100 / 23).astype(np.float32))
    wide = np.tile(x, 32)  # rows of 64 bytes: pictures, though those to test with do not look so
    np.savez(tmp_path / "data.npz", x_train=wide, t_train=t, x_test=wide / 8, t_test=t)
    data = load(tmp_path / "data.npz", flatten=False)
    assert data.x_train.shape == data.x_test.shape == (12, 1, 8, 8)
    np.savez(tmp_path / "data.npz", x_train=x / 8, t_train=t, x_test=x, t_test=t)
    np.testing.assert_array_equal(load(tmp_path / "data.npz").x_test, x)


def test_arguments_that_do_not_fit_are_named(tmp_path):
    x, t = pictures(), labels()
    np.savez(tmp_path / "data.npz", x=x, t=t)
    np.savez(tmp_path / "rows.npz", x=rows(x)[:, :10], t=t)
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    for name, options, error, message in (
        ("data.npz", {"label": "a"}, ValueError, "label names a column of a table, and .*data.npz is none"),
        ("data.npz", {"size": (8, 9)}, ValueError, "holds pictures of 9 x 8 pixels: size resizes those of a folder"),
        ("data.npz", {"size": 9}, ValueError, r"size must be \(height, width\), got 9"),
        ("data.npz", {"size": (0, 9)}, ValueError, r"size\[0\] must be at least 1"),
        ("data.npz", {"seed": -1}, ValueError, "seed must be an integer of at least 0"),
        ("data.npz", {"seed": 0.5}, TypeError, "seed must be an integer"),
        ("rows.npz", {"size": (2, 4)}, ValueError, "size 2 x 4 takes 8 numbers, but .*rows.npz has 10 a sample"),
        ("rows.npz", {"flatten": False}, ValueError, "rows of 10 numbers, not pictures: give their height and width"),
        ("data.parquet", {}, ValueError, r"data\.parquet is in no format that can be read: give IDX files, "),
        ("none.npz", {}, FileNotFoundError, "none.npz"),
        ("none.csv", {}, FileNotFoundError, "none.csv"),
        ("none", {}, FileNotFoundError, "none"),
    ):
        with pytest.raises(error, match=message):
            load(tmp_path / name, **options)


def test_the_public_names_are_few():
    assert fastnet.data.__all__ == ["load"]
    assert re.match(r"^[A-Z]", fastnet.data.__doc__)
