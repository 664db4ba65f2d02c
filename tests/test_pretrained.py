"""The network that comes with fastnet, and the program that trains it."""

import importlib.util
import subprocess
import sys
from importlib import resources
from pathlib import Path

import effort
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fastnet import DeepConvNet, load_mnist, load_network, load_pretrained, pretrained, use_backend
from fastnet.augmentation import Augmentation
from fastnet.functions import softmax
from fastnet.images import prepare

FILE = resources.files("fastnet").joinpath("data", "network", "digits.npz")
FONT = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(scope="module")
def test_images():
    _, (x, t) = load_mnist(flatten=False)
    return effort.thinned(x, 0.1), effort.thinned(t, 0.1)


def probabilities(x):
    return softmax(load_pretrained().predict(np.asarray(x, np.float32).reshape(-1, 1, 28, 28)))


def equal_odds(x):
    """The probabilities of which `UNSURE_BELOW` and `NO_DIGIT_BELOW` are levels."""
    return pretrained.with_equal_odds(probabilities(x))


def fractal(random, count):
    """Noise as in photographs: the larger a structure, the stronger."""
    frequency = np.hypot(np.fft.fftfreq(28)[:, np.newaxis], np.fft.rfftfreq(28)) * 28
    field = np.fft.irfft2(np.fft.rfft2(random.normal(size=(count, 28, 28))) / (1 + frequency), s=(28, 28))
    low, high = field.min(axis=(1, 2), keepdims=True), field.max(axis=(1, 2), keepdims=True)
    return (field - low) / (high - low)


def stripes(random, count):
    row, column = np.mgrid[:28, :28]
    angle, period = random.uniform(0, np.pi, (count, 1, 1)), random.uniform(4, 10, (count, 1, 1))
    return 0.5 + 0.5 * np.sin(2 * np.pi * (row * np.cos(angle) + column * np.sin(angle)) / period)


NON_DIGITS = {
    "a blank page": lambda _, count: np.zeros((count, 28, 28)),
    "a dark page": lambda _, count: np.ones((count, 28, 28)),
    "a shaded page": lambda random, count: np.linspace(0, random.uniform(0.3, 1), 28) * np.ones((count, 28, 1)),
    "noise": lambda random, count: random.random((count, 28, 28)),
    "specks": lambda random, count: (random.random((count, 28, 28)) < 0.1).astype(float),
    "clouds": fractal,
    "stripes": stripes,
}


def test_the_file_is_small_and_names_its_classes():
    assert len(FILE.read_bytes()) < 600_000
    network = load_pretrained()
    assert network.classes == [str(digit) for digit in range(10)]
    assert network.dtype == np.float32
    with resources.as_file(FILE) as path:
        again = load_network(path)
    assert type(again) is type(network)


def test_it_reads_mnist(test_images):
    x, t = test_images
    y = equal_odds(x)
    right, sure = y.argmax(axis=1) == t, y.max(axis=1)
    # All 10,000 give 0.9933; 1,000 of them differ from that by 0.0025 (one standard deviation).
    assert right.mean() > 0.985
    assert np.mean(sure >= pretrained.UNSURE_BELOW) > 0.96  # 0.971 of all
    assert np.mean(sure < pretrained.NO_DIGIT_BELOW) < 0.01  # 0.005 of all, and 0.016 are below 0.45


def test_it_reads_digits_that_other_hands_have_changed(test_images):
    x, t = test_images
    changed, _ = Augmentation(digit_forms=0.5)(x, t, seed=0)
    assert np.mean(probabilities(changed).argmax(axis=1) == t) > 0.93


def test_a_higher_probability_is_more_often_right(test_images):
    x, t = test_images
    x, t = Augmentation()(x, t, seed=1)  # MNIST's own images give too few mistakes
    y = equal_odds(x)
    right, sure = y.argmax(axis=1) == t, y.max(axis=1)
    # Of all 10,000, 0.988 are right: 0.9996 of the sure ones, and 0.883 of the unsure ones. Of 1,000, about 90 are
    # unsure, and their share is 0.883 up to three times 0.034.
    assert right[sure > 0.9].mean() > 0.995
    assert right[sure < pretrained.UNSURE_BELOW].mean() < 0.985


@pytest.mark.parametrize("kind", NON_DIGITS)
def test_it_is_not_sure_of_what_is_no_digit(kind):
    images = NON_DIGITS[kind](np.random.default_rng(0), 50)
    assert probabilities(images).max() < 0.9


@pytest.mark.parametrize(
    ("letters", "highest"), [("AEGHKMNQRWXaefhkmuvwy", 0.6), ("DOSZBbgq", 0.9)], ids=["clear", "like a digit"]
)
def test_it_is_not_sure_of_letters(letters, highest):
    for letter in letters:
        page = Image.new("L", (100, 100), 255)
        ImageDraw.Draw(page).text((50, 50), letter, 0, font=ImageFont.truetype(str(FONT), 70), anchor="mm")
        assert probabilities(prepare(np.asarray(page))).max() < highest, letter


def as_trained(digit, doubt):
    """What the network has learned to predict, if these are its probabilities of the digits and of no digit."""
    taught = (1 - pretrained.SMOOTHING) * np.asarray(digit) + pretrained.SMOOTHING / 10
    return (1 - doubt) * taught + doubt / 10


def test_equal_odds_follow_bayes_theorem():
    sure, torn, none = np.eye(10)[7], 0.9 * np.eye(10)[0] + 0.1 * np.eye(10)[6], np.eye(10)[4]
    y = np.stack([as_trained(sure, 0), as_trained(torn, 0.24), as_trained(none, 1)])
    # 0.24 of the training's images show no digit. If the network knows no more of an image than this, then it is a
    # digit with probability 0.5, if half of all marks are.
    expected = np.stack([sure, 0.5 * torn + 0.5 / 10, np.full(10, 0.1)])
    np.testing.assert_allclose(pretrained.with_equal_odds(y), expected, rtol=1e-12, atol=1e-12)


def test_both_backends_predict_the_same(test_images):
    x, _ = test_images
    with use_backend("numpy"):
        by_numpy = load_pretrained().predict(x[:50])
    np.testing.assert_allclose(load_pretrained().predict(x[:50]), by_numpy, rtol=1e-4, atol=1e-4)  # six layers, float32


def test_each_call_gives_a_network_of_its_own():
    first, second = load_pretrained(), load_pretrained()
    first.params["W1"][:] = 0
    assert second.params["W1"].any()


# --- the program that trains it ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program():
    pytest.importorskip("scipy")
    sys.path.insert(0, str(TOOLS))
    try:
        specification = importlib.util.spec_from_file_location("train", TOOLS / "train_digit_network.py")
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module


def test_letters_and_digits_are_drawn_alike_and_each_anew(program, test_images):
    x, t = (np.asarray(part) for part in test_images)
    images, kinds = program.drawn_images(500, np.random.default_rng(0), x[:, 0], t)
    assert (images.dtype, images.shape[1:]) == (np.uint8, (28, 28))
    assert set(kinds[:100]) == set(range(10))
    assert set(kinds[100:]) == {program.CLASSES}
    written = images[:240]  # the digits, and the letters by hand
    for ink in (written > 25).any(axis=1), (written > 25).any(axis=2):
        assert (28 - ink.argmax(axis=1) - ink[:, ::-1].argmax(axis=1)).max() == 20  # as large as MNIST's
    assert len(np.unique(written.reshape(240, -1), axis=0)) == 240


def test_the_fewest_images_suffice_and_fewer_are_refused(program, monkeypatch, capsys, tmp_path):
    (x, t), _ = load_mnist(flatten=False)
    x, t = np.asarray(x[: program.FEWEST_IMAGES, 0]), np.asarray(t[: program.FEWEST_IMAGES])
    count = round(program.DRAWN * program.FEWEST_IMAGES)
    images, kinds = program.drawn_images(count, np.random.default_rng(0), x, t)
    assert len(images) == len(kinds)
    monkeypatch.setattr(sys, "argv", ["train", "--images=5", f"--out={tmp_path / 'trial.npz'}"])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 2
    assert "argument --images: got 5, wanted 40 or more" in capsys.readouterr().err


def test_the_dropout_of_the_book_changes_no_prediction(program):
    network = DeepConvNet(dtype=np.float32, seed=0)
    for layer, ratio in zip(program.dropouts(network), program.DROPPED.values(), strict=True):
        layer.dropout_ratio = ratio
    network.params["b8"] += np.arange(10, dtype=np.float32)
    x = np.random.default_rng(1).random((5, 1, 28, 28), np.float32)
    expected = network.predict(x)
    same = program.with_the_books_dropout(network)
    for layer, fresh in zip(program.dropouts(same), program.dropouts(type(network)()), strict=True):
        layer.dropout_ratio = fresh.dropout_ratio
    np.testing.assert_allclose(same.predict(x), expected, rtol=1e-5)
    again = program.without_the_books_dropout(same)
    np.testing.assert_allclose(again.params["W8"], network.params["W8"], rtol=1e-6)


def test_a_short_training_writes_the_same_file_again(tmp_path):
    if not effort.FULL:
        pytest.skip("takes 10 seconds: with --full")
    written = []
    for name in ("first", "second"):
        out = tmp_path / f"{name}.npz"
        subprocess.run(
            [sys.executable, TOOLS / "train_digit_network.py", "--epochs=1", "--images=600", f"--out={out}"],
            check=True, capture_output=True, cwd=tmp_path,
        )  # fmt: skip
        network = load_network(out)
        assert network.classes == [str(digit) for digit in range(10)]
        written.append(network.params)
    for name, value in written[0].items():
        np.testing.assert_array_equal(value, written[1][name])
