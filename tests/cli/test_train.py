"""`fastnet train` with each network, and on data of one's own: what it makes, prints and refuses."""

import gzip
import re

import numpy as np
import pytest
from PIL import Image

from fastnet import DeepConvNet, MultiLayerNet, SimpleConvNet, Trainer, TwoLayerNet, load_network
from fastnet.augmentation import Augmentation
from fastnet.mnist import load_mnist_as_bytes
from fastnet.optimizer import SGD, Adam

SHORT = ["--iterations", "3", "--batch-size", "5", "--seed", "3"]


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty current folder; and the global generator as it was, whatever a command does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fastnet.cli.train._draw", lambda *_: None)
    state = np.random.get_state()
    yield tmp_path
    np.random.set_state(state)


@pytest.fixture
def mnist_in_short(mnist, monkeypatch):
    (x_train, t_train), (x_test, t_test) = mnist
    slices = (x_train[:40], t_train[:40]), (x_test[:20], t_test[:20])
    monkeypatch.setattr("fastnet.cli.train.load_mnist_as_bytes", lambda: slices)
    return slices


def pictures(samples=24, side=10, classes=3):
    """Bars, one place for each class."""
    x = np.random.default_rng(0).integers(0, 60, (samples, side, side), np.uint8)
    t = np.arange(samples) % classes
    for i, label in enumerate(t):
        x[i, :, 3 * label : 3 * label + 2] = 255
    return x, t


# --- networks --------------------------------------------------------------------------------------------------------

CASES = {
    "multi-layer": (
        ["--network", "multi-layer", "--hidden", "6,5", "--activation", "tanh"],
        lambda: MultiLayerNet(784, [6, 5], 10, "tanh", "xavier"), "784-6-5-10, tanh, 3 iterations",
    ),
    "multi-layer with one": (
        ["--network", "multi-layer", "--hidden-size", "6"],
        lambda: MultiLayerNet(784, [6], 10), "784-6-10, relu, 3 iterations",
    ),
    "two-layer": (["--hidden", "4"], lambda: TwoLayerNet(784, 4, 10), "784-4-10, 3 iterations"),
    "simple-conv": (
        ["--network", "simple-conv", "--hidden", "4"],
        lambda: SimpleConvNet(hidden_size=4, dtype=np.float32),
        "SimpleConvNet of 1 x 28 x 28 inputs, 4 hidden units, 10 classes, 3 iterations",
    ),
    "deep-conv": (
        ["--network", "deep-conv", "--dtype", "float64"], DeepConvNet,
        "DeepConvNet of 1 x 28 x 28 inputs, 50 hidden units, 10 classes, 3 iterations",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_network_is_trained_as_by_hand(run, workplace, mnist_in_short, case):
    options, make, line = CASES[case]
    status, out, err = run(*SHORT, *options)
    assert (status, err) == (0, "")
    assert f"{line}, batch 5, " in out
    assert ("accuracies of an epoch on 1,000 samples\n" in out) == ("conv" in case)

    np.random.seed(3)
    network = make()
    (x, t), (x_test, t_test) = mnist_in_short
    if "conv" in case:
        x, x_test = x.reshape(-1, 1, 28, 28), x_test.reshape(-1, 1, 28, 28)
    trainer = Trainer(
        network, x, t, x_test, t_test, mini_batch_size=5, iterations=3, verbose=False, progress=False,
        optimizer=SGD(0.1) if case == "two-layer" else Adam(),
    )
    trainer.train()
    loaded = load_network(workplace / "fastnet-run-1" / "weights.npz")
    assert type(loaded) is type(network)
    assert loaded.dtype == network.dtype
    assert all(np.array_equal(loaded.params[name], value) for name, value in network.params.items())
    assert loaded.classes == [str(digit) for digit in range(10)]
    assert loaded.input_shape == ((1, 28, 28) if "conv" in case else (28, 28))
    assert loaded.background == 0
    assert f"Test accuracy {network.accuracy(x_test, t_test):.4f} after 3 iterations" in out


@pytest.mark.usefixtures("mnist_in_short")
@pytest.mark.parametrize(
    ("network", "hidden", "dtype", "iterations"),
    [("multi-layer", [100, 100], "float64", 10_000), ("simple-conv", [100], "float32", 6_000),
     ("deep-conv", [50], "float32", 6_000)],
)
def test_the_defaults_of_a_network(run, monkeypatch, network, hidden, dtype, iterations):
    seen = {}

    class Watched(Trainer):
        def train(self):
            biases = [value.size for name, value in self.network.params.items() if name.startswith("b")]
            seen.update(
                hidden=biases[-1 - len(hidden) : -1], dtype=self.network.dtype, iterations=self.max_iter,
                optimizer=type(self.optimizer), lr=self.optimizer.lr,
            )
            raise KeyboardInterrupt

    monkeypatch.setattr("fastnet.cli.train.Trainer", Watched)
    run("--network", network)
    assert seen == {
        "hidden": hidden, "dtype": np.dtype(dtype), "iterations": iterations, "optimizer": Adam, "lr": 0.001
    }


@pytest.mark.usefixtures("mnist_in_short")
@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--hidden", "5,5"], 1, "--hidden 5,5 is for --network multi-layer: two-layer has one hidden size"),
        (["--network", "deep-conv", "--hidden", "5,5"], 1, "deep-conv has one hidden size"),
        (["--network", "simple-conv", "--activation", "tanh"], 1, "--activation is for --network multi-layer"),
        (["--hidden", "5,"], 2, "--hidden: must be an integer from 1"),
        (["--hidden", "5", "--hidden-size", "5"], 2, "not allowed with argument --hidden"),
        (["--network", "transformer"], 2, "invalid choice: 'transformer'"),
        (["--test-data", "x"], 1, "--test-data is for your own data: it needs --data"),
        (["--size", "9x9"], 1, "--size is for your own data: it needs --data"),
        (["--label", "x"], 1, "--label is for your own data: it needs --data"),
        (["--data", "x", "--size", "9xx"], 2, "--size: must be an integer from 1"),
        (["--data", "none"], 1, "none: No such file or directory"),
        (["--data", "", "--size", "9"], 2, "--data: must not be empty"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_leaves_nothing(run, workplace, options, status, message):
    found, out, err = run(*SHORT, *options)
    assert (found, out, err.count("\n")) == (status, "", 1)
    assert message in err
    assert list(workplace.iterdir()) == []


# --- augmentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["two-layer", "multi-layer", "simple-conv"])
def test_augment_trains_on_changed_digits_with_the_same_mini_batches(run, workplace, mnist_in_short, network):
    options = [*SHORT, "--network", network, "--hidden", "4"]
    status, printed, _ = run(*options, "--out", "with", "--augment")
    assert status == 0
    assert ", augmented" in printed
    kind = {"two-layer": TwoLayerNet, "multi-layer": MultiLayerNet, "simple-conv": SimpleConvNet}[network]
    np.random.seed(3)
    made = {
        "two-layer": lambda: TwoLayerNet(784, 4, 10),
        "multi-layer": lambda: MultiLayerNet(784, [4], 10),
        "simple-conv": lambda: SimpleConvNet(hidden_size=4, dtype=np.float32),
    }[network]()
    (x, t), (x_test, t_test) = mnist_in_short
    if network == "simple-conv":
        x, x_test = x.reshape(-1, 1, 28, 28), x_test.reshape(-1, 1, 28, 28)
    trainer = Trainer(
        made, x, t, x_test, t_test, iterations=3, mini_batch_size=5, verbose=False, progress=False,
        optimizer=SGD(lr=0.1) if network == "two-layer" else Adam(), augment=Augmentation(digit_forms=0.3),
    )
    trainer.train()
    with open(workplace / "with" / "history.csv", encoding="utf-8") as file:
        losses = [float(line.split(",")[1]) for line in file.readlines()[1:]]
    assert losses == trainer.train_loss_list
    assert isinstance(load_network(workplace / "with" / "weights.npz"), kind)
    run(*options, "--out", "without")
    assert (workplace / "with" / "history.csv").read_text() != (workplace / "without" / "history.csv").read_text()


def test_augment_takes_pictures_of_any_shape_and_adds_no_strokes_of_digits_to_others(run, workplace, monkeypatch):
    x, t = np.zeros((24, 8, 12), np.uint8), np.arange(24) % 3
    x[:, 2:6, 3:9] = 200
    np.savez("data.npz", x=x, t=t)
    made = []
    monkeypatch.setattr("fastnet.cli.train.Augmentation", lambda **given: made.append(given) or Augmentation(**given))
    status, _, _ = run("--data", "data.npz", *SHORT, "--augment", "--out", "run")
    assert status == 0
    assert made == [{"digit_forms": 0.0, "shape": (8, 12)}]
    assert (workplace / "run" / "weights.npz").exists()


def test_augment_refuses_data_that_are_no_pictures(run, workplace):
    np.savez("data.npz", x=np.random.default_rng(0).normal(size=(24, 5)), t=np.arange(24) % 3)
    status, _, errors = run("--data", "data.npz", *SHORT, "--augment", "--out", "run")
    assert status == 1
    assert errors.endswith("--augment changes pictures, and data.npz holds samples of 5 numbers: leave it out\n")
    assert not (workplace / "run").exists()


# --- data of one's own -----------------------------------------------------------------------------------------------


def folder_of_pictures(folder, x, t, names):
    for i, (picture, label) in enumerate(zip(x, t, strict=True)):
        (folder / names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / names[label] / f"{i:03}.png")


def letters(folder):
    """EMNIST's letters, as its files are called."""
    x, _ = pictures(78)
    t = (np.arange(78) % 26 + 1).astype(np.uint8)
    for part in ("train", "test"):
        for name, values in (("images-idx3", x.swapaxes(1, 2)), ("labels-idx1", t)):
            sizes = b"".join(side.to_bytes(4, "big") for side in values.shape)
            content = bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()
            (folder / f"emnist-letters-{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    lines = [f"{i + 1} {ord('A') + i} {ord('a') + i}\n" for i in range(26)]
    (folder / "emnist-letters-mapping.txt").write_text("".join(lines))


@pytest.mark.parametrize("network", ["two-layer", "multi-layer", "simple-conv", "deep-conv"])
def test_a_network_for_letters_has_all_that_a_prediction_needs(run, workplace, network):
    (workplace / "emnist").mkdir()
    letters(workplace / "emnist")
    status, out, err = run(*SHORT, "--network", network, "--data", "emnist", "--out", "run")
    assert (status, err) == (0, "")
    assert "emnist: 78 pictures of 10 x 10 pixels to train on, 78 to test with, 26 classes: A, B, C, D, " in out
    assert "  EMNIST's images are stored with rows and columns exchanged: they are turned upright\n" in out
    assert "  the labels are 1 to 26, in 26 classes with the names of the mapping file\n" in out
    assert "fastnet predict run/weights.npz picture.png\n" in out
    loaded = load_network(workplace / "run" / "weights.npz")
    assert loaded.classes == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert loaded.input_shape == ((1, 10, 10) if "conv" in network else (10, 10))
    x = np.zeros((2, *loaded.input_shape)) if "conv" in network else np.zeros((2, 100))
    assert loaded.predict(x).shape == (2, 26)


@pytest.mark.parametrize("network", ["two-layer", "simple-conv"])
def test_a_network_learns_what_is_in_a_folder_of_pictures(run, workplace, network):
    x, t = pictures()
    folder_of_pictures(workplace / "bars", x, t, ["left", "middle", "right"])
    options = ["--iterations", 40, "--seed", 0, "--lr", 1 if network == "two-layer" else 0.01]
    status, out, err = run(*options, "--network", network, "--data", "bars", "--out", "run")
    assert (status, err) == (0, "")
    assert "bars: 21 pictures of 10 x 10 pixels to train on, 3 to test with, 3 classes: left, middle, right\n" in out
    assert "  3 of 24 samples are for testing, a sixth of each class, drawn with seed 0\n" in out
    assert "Test accuracy 1.0000 after 40 iterations" in out
    loaded = load_network(workplace / "run" / "weights.npz")
    assert 0 < loaded.background < 0.3
    inputs = x[:3] / 255
    y = loaded.predict(inputs[:, np.newaxis] if network == "simple-conv" else inputs.reshape(3, -1))
    assert [loaded.classes[i] for i in y.argmax(axis=1)] == ["left", "middle", "right"]


def test_a_table_of_features_and_test_data_of_its_own(run, workplace):
    random = np.random.default_rng(0)
    for name, samples in (("train.csv", 40), ("test.csv", 10)):
        x, t = random.normal(size=(samples, 4)), random.integers(0, 2, samples)
        lines = [",".join(map(str, [*row, ["no", "yes"][label]])) for row, label in zip(x, t, strict=True)]
        (workplace / name).write_text("a,b,c,d,answer\n" + "\n".join(lines))
    status, out, err = run(
        *SHORT, "--network", "multi-layer", "--data", "train.csv", "--test-data", "test.csv", "--label", "answer"
    )
    assert (status, err) == (0, "")
    assert "train.csv: 40 samples of 4 numbers to train on, 10 to test with, 2 classes: no, yes\n" in out
    assert "4-100-100-2, relu, 3 iterations" in out
    assert "Next, in Python: fastnet.load_network('fastnet-run-1/weights.npz').predict(x)\n" in out
    loaded = load_network(workplace / "fastnet-run-1" / "weights.npz")
    assert (loaded.classes, loaded.input_shape) == (["no", "yes"], (4,))
    status, _, err = run(*SHORT, "--network", "deep-conv", "--data", "train.csv", "--label", "answer")
    assert (status, err.count("\n")) == (1, 1)
    assert "the samples are rows of 4 numbers, not pictures" in err
    assert not (workplace / "fastnet-run-2").exists()


def test_the_same_samples_are_held_out_in_every_run_unless_a_seed_draws_others(run, workplace):
    x, t = pictures()
    np.savez(workplace / "bars.npz", x=x, t=t)
    for seed, said in ((None, 0), (7, 7)):
        _, out, _ = run("--iterations", 1, "--data", "bars.npz", *([] if seed is None else ["--seed", seed]))
        assert f"drawn with seed {said}\n" in out


def test_the_first_samples_of_a_folder_are_not_all_of_the_first_class(run, workplace, monkeypatch):
    """The accuracies of an epoch are measured on the first 1,000 samples."""
    x, t = pictures()
    folder_of_pictures(workplace / "bars", x, t, ["left", "middle", "right"])
    seen = []
    monkeypatch.setattr(Trainer, "train", lambda trainer: seen.append(trainer.t_train.copy()) or interrupt())
    run(*SHORT, "--network", "simple-conv", "--data", "bars")
    assert set(seen[0][:7]) == {0, 1, 2}
    assert np.bincount(seen[0]).tolist() == [7, 7, 7]


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.usefixtures("mnist_in_short")
def test_quiet_prints_one_line_for_own_data_too(run, workplace):
    np.savez(workplace / "bars.npz", **dict(zip("xt", pictures(), strict=True)))
    _, out, _ = run(*SHORT, "--quiet", "--data", "bars.npz")
    assert re.fullmatch(r"Test accuracy \d\.\d{4} after 3 iterations; kept in fastnet-run-1\n", out)


def test_images_in_bytes_and_in_floats_are_the_same_to_a_convolutional_network(mnist):
    network = SimpleConvNet(hidden_size=5, dtype=np.float32, seed=0)
    (_, _), (held, t) = load_mnist_as_bytes()
    held = type(held)(held.values[:300].reshape(-1, 1, 28, 28), held.divisor)
    x = mnist[1][0][:300].reshape(-1, 1, 28, 28)
    assert network.accuracy(held, t[:300]) == network.accuracy(x, t[:300])
    assert network.accuracy(held, t[:300], batch_size=7) == network.accuracy(x, t[:300])
