"""The command line: what each command makes and prints, and one line for everything that can go wrong."""

import csv
import io
import os
import re
import shlex
import signal
import subprocess
import sys

import effort
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import fastnet
from fastnet import Trainer, TwoLayerNet
from fastnet.cli import main
from fastnet.mnist import load_mnist_as_bytes
from fastnet.optimizer import SGD
from fastnet.pretrained import UNSURE_BELOW

FILES = {"weights.npz", "history.csv", "training.png"}
SHORT = ["--iterations", "3", "--batch-size", "5", "--hidden-size", "4"]


@pytest.fixture(scope="module")
def slices(mnist):
    (x_train, t_train), (x_test, t_test) = mnist
    return (x_train[:40], t_train[:40]), (x_test[:20], t_test[:20])


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty current folder; and the backend and the global generator as they were, whatever a command does."""
    monkeypatch.chdir(tmp_path)
    state = np.random.get_state()
    with fastnet.use_backend(fastnet.get_backend()):
        yield tmp_path
    np.random.set_state(state)


@pytest.fixture
def quick(monkeypatch, slices):
    """Commands in this process see 40 images to train on, and 20 to test with."""
    monkeypatch.setattr("fastnet.cli.train.load_mnist_as_bytes", lambda: slices)
    monkeypatch.setattr("fastnet.cli.predict.load_mnist_as_bytes", lambda: slices)


@pytest.fixture
def run(capsys):
    """Run a command in this process: its exit status, standard output and standard error."""

    def command(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's way
            status = stop.code
        return status, *capsys.readouterr()

    return command


def process(*arguments, stdout=subprocess.PIPE, **variables):
    """`python -m fastnet` with the backend that is tested here, so that it does not warn of one that is not built."""
    environment = {**os.environ, "FASTNET_BACKEND": fastnet.get_backend(), "PYTHONUNBUFFERED": "1", **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "fastnet", *arguments],
        env=environment, text=True, stdout=stdout, stderr=subprocess.PIPE,
    )


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def history(folder):
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def losses(folder):
    return [float(row["train_loss"]) for row in history(folder)]


# --- train -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend", "quick")
def test_train_keeps_the_network_its_history_and_a_picture(run, workplace, slices):
    status, out, err = run("train", *SHORT, "--seed", 3, "--lr", 0.5)
    assert (status, err) == (0, "")
    assert {path.name for path in workplace.iterdir()} == {"fastnet-run-1"}
    folder = workplace / "fastnet-run-1"
    assert {path.name for path in folder.iterdir()} == FILES

    # The same run by hand.
    np.random.seed(3)
    network = TwoLayerNet(784, 4, 10)
    (x, t), (x_test, t_test) = slices
    trainer = Trainer(
        network, x, t, x_test, t_test, mini_batch_size=5, iterations=3, optimizer_param={"lr": 0.5},
        verbose=False, progress=False,
    )
    trainer.train()
    loaded = TwoLayerNet.load(folder / "weights.npz")
    assert all(np.array_equal(loaded.params[name], value) for name, value in network.params.items())
    first, *rest = history(folder)
    assert list(first) == ["iteration", "train_loss", "train_accuracy", "test_accuracy"]
    assert losses(folder) == trainer.train_loss_list  # to the last digit
    assert [row["iteration"] for row in (first, *rest)] == ["0", "1", "2"]
    assert [float(first["train_accuracy"])] == trainer.train_acc_list
    assert [float(first["test_accuracy"])] == trainer.test_acc_list
    assert all(row["train_accuracy"] == row["test_accuracy"] == "" for row in rest)
    with Image.open(folder / "training.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height > 300

    accuracy = network.accuracy(x_test, t_test)
    assert f"Test accuracy {accuracy:.4f} after 3 iterations; kept in fastnet-run-1\n" in out
    assert f"784-4-10, 3 iterations, batch 5, SGD, lr 0.5, float64, backprop, backend {fastnet.get_backend()}\n" in out
    assert f"=== epoch:1, train acc:{trainer.train_acc_list[0]}, test acc:{trainer.test_acc_list[0]} ===\n" in out


@pytest.mark.usefixtures("quick", "unpainted")
def test_the_last_lines_say_where_everything_is_and_what_works_next(run, workplace):
    _, out, _ = run("train", *SHORT, "--out", "my run's")
    last = out[out.index("Test accuracy") :]
    assert "kept in my run's\n" in last
    assert all(re.search(rf"^  {re.escape(name)} ", last, re.MULTILINE) for name in FILES)
    commands = re.findall(r"^  fastnet (.*)$", last, re.MULTILINE)
    assert len(commands) == 2
    Image.fromarray(np.pad(np.full((20, 4), 255, np.uint8), 9)).save(workplace / "digit.png")
    for command in commands:  # as a shell would take them
        status, _, err = run(*shlex.split(command))
        assert (status, err) == (0, "")


@pytest.mark.usefixtures("quick", "unpainted")
def test_train_takes_the_next_free_folder_and_in_a_process_all_of_mnist(run, workplace):
    def in_a_process(*arguments):
        train = process(*arguments)
        out, err = train.communicate(timeout=100)
        return train.returncode, out, err

    (workplace / "fastnet-run-1").mkdir()
    (workplace / "fastnet-run-2").write_text("a file")
    for number, train in ((3, in_a_process if effort.FULL else run), (4, run)):
        status, out, err = train("train", *SHORT)
        assert (status, err) == (0, "")  # and no progress bar where there is no terminal
        assert f"kept in fastnet-run-{number}\n" in out
        assert {path.name for path in (workplace / f"fastnet-run-{number}").iterdir()} == FILES
    assert not any((workplace / "fastnet-run-1").iterdir())


@pytest.mark.usefixtures("quick", "unpainted")
def test_an_out_folder_is_made_where_it_is_missing_and_used_where_it_is_empty_of_runs(run, workplace):
    other = workplace / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    for folder in (workplace / "a" / "b", other):
        assert run("train", *SHORT, "--quiet", "--out", folder)[0] == 0
        assert {path.name for path in folder.iterdir()} - {"notes.txt"} == FILES
    assert (other / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("quick", "unpainted")
@pytest.mark.parametrize("held", [*sorted(FILES), None])
def test_an_out_folder_that_holds_a_run_is_refused_and_left_as_it_is(run, workplace, held):
    folder = workplace / "mine"
    run("train", *SHORT, "--quiet", "--out", folder)
    for name in FILES - {held} if held else ():  # one of the three files is enough
        (folder / name).unlink()
    before = contents(workplace)
    status, out, err = run("train", *SHORT, "--out", folder)
    assert (status, out) == (1, "")
    assert re.fullmatch(rf"fastnet train: error: --out .*mine holds a run \(.*{held or ''}.*--force\n", err)
    assert contents(workplace) == before


@pytest.mark.usefixtures("quick")
def test_an_out_folder_that_cannot_be_written_to_is_noticed_before_the_training(run, workplace, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", "mine")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    monkeypatch.setattr(Trainer, "train", lambda _: pytest.fail("it trained"))
    assert run("train", *SHORT, "--out", "mine") == (1, "", "fastnet train: error: mine: Permission denied\n")
    assert contents(workplace) == {}


@pytest.mark.usefixtures("quick")
def test_force_without_a_folder_is_refused(run, workplace):
    status, _, err = run("train", *SHORT, "--force")
    assert status == 1
    assert re.fullmatch(r"fastnet train: error: --force is for .*\n", err)
    assert not list(workplace.iterdir())


@pytest.mark.usefixtures("quick", "unpainted")
def test_force_replaces_the_run(run, workplace):
    run("train", *SHORT, "--quiet", "--out", "mine")
    before = contents(workplace)
    assert run("train", *SHORT, "--quiet", "--out", "mine", "--force")[0] == 0
    after = contents(workplace)
    assert before.keys() == after.keys()
    assert all(after[name] != before[name] for name in before)


@pytest.mark.usefixtures("quick", "unpainted")
def test_a_seed_makes_a_run_repeatable_and_none_makes_it_new(run, workplace):
    for name, options in {"a": ["--seed", 1], "b": ["--seed", 1], "c": ["--seed", 2], "d": [], "e": []}.items():
        run("train", *SHORT, "--quiet", "--out", name, *options)
    seen = {name: losses(workplace / name) for name in "abcde"}
    assert seen["a"] == seen["b"]
    assert len({tuple(seen[name]) for name in "acde"}) == 4


@pytest.mark.usefixtures("quick", "unpainted")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_the_networks(run, workplace, dtype):
    _, out, _ = run("train", *SHORT, "--dtype", dtype)
    assert f", {dtype}, " in out
    assert TwoLayerNet.load(workplace / "fastnet-run-1" / "weights.npz").dtype == dtype


@pytest.mark.usefixtures("backend", "unpainted")
def test_the_numerical_gradient_gives_the_same_run(run, workplace):
    random = np.random.default_rng(0)
    np.savez(workplace / "data.npz", x=random.random((20, 6), np.float32), t=np.arange(20) % 3)
    for gradient in ("backprop", "numerical"):
        options = ["--data", "data.npz", "--seed", 1, "--gradient", gradient, "--out", gradient, "--quiet"]
        assert run("train", *SHORT, *options)[0] == 0
    one, other = losses(workplace / "backprop"), losses(workplace / "numerical")
    np.testing.assert_allclose(one, other, rtol=1e-6)  # the 1e-7 in the loss, over a y of 0.1
    assert one != other  # it was another computation


@pytest.mark.usefixtures("backend", "quick", "unpainted")
@pytest.mark.parametrize("wanted", ["numpy", "cython"])
def test_the_backend_is_the_one_asked_for(run, wanted):
    try:
        fastnet.use_backend(wanted)
    except ImportError:
        pytest.skip("the compiled kernels are not built")
    _, out, _ = run("train", *SHORT, "--backend", wanted)
    assert f"backend {wanted}\n" in out
    assert fastnet.get_backend() == wanted


@pytest.mark.usefixtures("quick")
def test_a_backend_that_is_not_built_is_one_line(run, workplace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "fastnet._kernels", None)  # importing it raises ModuleNotFoundError
        status, out, err = run("train", *SHORT, "--backend", "cython")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("fastnet train: error: fastnet's compiled kernels ")
    assert contents(workplace) == {}


@pytest.mark.usefixtures("quick", "unpainted")
def test_quiet_prints_one_line(run):
    status, out, err = run("train", *SHORT, "--quiet")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"Test accuracy 0\.\d{4} after 3 iterations; kept in fastnet-run-1\n", out)


@pytest.mark.usefixtures("quick", "unpainted")
def test_epochs_are_passes_over_the_data(run, workplace):
    run("train", "--epochs", 2, "--batch-size", 5, "--hidden-size", 4, "--quiet")  # of 40 images
    rows = history(workplace / "fastnet-run-1")
    assert len(rows) == 16
    assert [row["iteration"] for row in rows if row["test_accuracy"]] == ["0", "8"]


@pytest.mark.usefixtures("quick")
def test_without_options_the_run_is_the_books(run, monkeypatch):
    seen = {}

    class Watched(Trainer):
        def train(self):
            W1 = self.network.params["W1"]
            seen.update(
                shape=W1.shape, dtype=W1.dtype, iterations=self.max_iter, batch=self.batch_size,
                optimizer=type(self.optimizer), lr=self.optimizer.lr, gradient=self.gradient, progress=self.progress,
            )
            raise KeyboardInterrupt

    monkeypatch.setattr("fastnet.cli.train.Trainer", Watched)
    run("train")
    assert seen == {
        "shape": (784, 50), "dtype": np.float64, "iterations": 10_000, "batch": 100,
        "optimizer": SGD, "lr": 0.1, "gradient": "backprop", "progress": True,
    }


@pytest.mark.usefixtures("quick", "unpainted")
@pytest.mark.parametrize(
    ("name", "line"),
    [("sgd", "SGD, lr 0.1"), ("Momentum", "Momentum, lr 0.01"), ("nesterov", "Nesterov, lr 0.01"),
     ("AdaGrad", "AdaGrad, lr 0.01"), ("RMSPROP", "RMSprop, lr 0.01"), ("adam", "Adam, lr 0.001")],
)
def test_an_optimizer_starts_with_the_rate_that_suits_it(run, name, line):
    status, out, _ = run("train", *SHORT, "--optimizer", name)
    assert status == 0
    assert f", {line}, " in out
    assert f", {line.partition(',')[0]}, lr 0.125, " in run("train", *SHORT, "--optimizer", name, "--lr", 0.125)[1]


@pytest.mark.usefixtures("quick", "unpainted")
@pytest.mark.filterwarnings("default")  # as outside of pytest
def test_a_run_whose_last_loss_is_not_finite_has_diverged_and_says_so_in_one_line_each(run, workplace, monkeypatch):
    monkeypatch.setattr(TwoLayerNet, "loss", lambda *_: np.nan)
    status, out, err = run("train", *SHORT)
    assert status == 1
    assert "(diverged)" in out
    first, last = err.splitlines()
    assert first == (
        "fastnet: warning: the loss is nan at iteration 0: the learning rate may be too large, so try a smaller one"
    )
    assert re.fullmatch(r"fastnet: warning: the loss is nan at iteration \d+, the last: .* 0 iterations again", last)
    assert {path.name for path in (workplace / "fastnet-run-1").iterdir()} == FILES


# --- train: Ctrl-C ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_keeps_what_there_is_and_exits_130(workplace):
    # A shell may have had us ignore SIGINT, which the child would inherit; one that is handled is reset in the child.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        train = process("train", "--iterations", "1000000000", "--batch-size", "5", "--hidden-size", "4")
    finally:
        signal.signal(signal.SIGINT, ours)
    with train:
        try:
            started = [next(train.stdout), next(train.stdout)]
            assert started[1].startswith("=== epoch:1, ")  # after the first iteration
            train.send_signal(signal.SIGINT)
            out, err = train.communicate(timeout=100)
        finally:
            train.kill()  # where it has not ended
    assert (train.returncode, err) == (130, "")
    folder = workplace / "fastnet-run-1"
    assert {path.name for path in folder.iterdir()} == FILES
    done = len(history(folder))
    assert f"after {done:,} iterations (interrupted); kept in fastnet-run-1\n" in out
    assert TwoLayerNet.load(folder / "weights.npz").params["W1"].shape == (784, 4)


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.usefixtures("quick")
def test_ctrl_c_before_the_first_iteration_leaves_nothing(run, workplace, monkeypatch):
    monkeypatch.setattr(TwoLayerNet, "gradient", interrupt)
    status, _, err = run("train", *SHORT)
    assert (status, err.count("\n")) == (130, 1)
    assert "nothing to keep" in err
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("command", [["train", *SHORT], ["predict", "weights.npz"]])
def test_ctrl_c_elsewhere_is_one_line_as_well(run, workplace, monkeypatch, command):
    TwoLayerNet(784, 2, 10).save("weights.npz")
    monkeypatch.setattr(f"fastnet.cli.{command[0]}.load_mnist_as_bytes", interrupt)
    assert run(*command) == (130, "", f"fastnet {command[0]}: interrupted\n")
    assert [path.name for path in workplace.iterdir()] == ["weights.npz"]


# --- predict ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(workplace):
    """A network that calls everything a three, with the probabilities of its biases."""
    network = TwoLayerNet(784, 2, 10, weight_init_std=0)
    network.params["b2"] += np.log([0.05, 0.05, 0.05, 0.55, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05])
    path = workplace / "folder" / "weights.npz"
    path.parent.mkdir()
    network.save(path)
    return path


def save_digit(name, shade=255):
    Image.fromarray(255 - np.pad(np.full((20, 4), shade, np.uint8), 9)).save(name)
    return name


def test_predict_prints_the_two_best_answers_of_each_image_and_where_it_is_unsure(run, weights):
    names = save_digit("one.png"), save_digit("two.jpg")
    line = "  3: 0.550  0: 0.050  unsure"  # of equal probabilities, the first class
    assert run("predict", weights, *names) == (0, f"one.png: 3\n{line}\ntwo.jpg: 3\n{line}\n", "")


def test_predict_shows_the_network_the_digit_as_mnist_has_them(run, weights, monkeypatch):
    seen = []
    monkeypatch.setattr(TwoLayerNet, "predict", lambda _, x: seen.append(x) or np.eye(10)[[7]])
    _, out, _ = run("predict", weights, save_digit("one.png"))
    assert out.startswith("one.png: 7\n  7: 1.000  0: 0.000\n")
    rows, columns = np.nonzero(seen[0].reshape(28, 28) > 0.5)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 4)  # 20 x 4 pixels in the middle
    assert abs(columns.mean() - 13.5) <= 0.5


@pytest.mark.parametrize(("background", "ink"), [(None, 1), (0.0, 1), (0.9, 0)])
def test_predict_shows_digits_dark_on_light_to_a_network_that_was_trained_on_such(run, monkeypatch, background, ink):
    network = TwoLayerNet(784, 2, 10, seed=0)
    network.background = background
    network.save("weights.npz")
    seen = []
    monkeypatch.setattr(TwoLayerNet, "predict", lambda _, x: seen.append(x) or np.eye(10)[[7]])
    run("predict", "weights.npz", save_digit("one.png"))
    assert abs(seen[0].reshape(28, 28)[14, 14] - ink) < 0.1
    assert seen[0][0, 0] == 1 - ink


@pytest.mark.usefixtures("quick", "unpainted")
def test_predict_shows_mnist_dark_on_light_to_a_network_that_was_trained_on_such(run, slices, monkeypatch):
    network = TwoLayerNet(784, 2, 10, seed=0)
    network.background = 1.0
    network.save("weights.npz")
    seen = []
    monkeypatch.setattr(TwoLayerNet, "predict", lambda _, x: seen.append(x) or np.eye(10)[np.full(len(x), 7)])
    assert run("predict", "weights.npz")[0] == 0
    np.testing.assert_array_equal(seen[0], 1 - np.asarray(slices[1][0]))


def test_predict_without_weights_uses_the_network_that_comes_with_fastnet(run):
    status, out, err = run("predict", save_digit("one.png"))
    assert (status, err) == (0, "")
    assert out.startswith("one.png: 1\n  1: ")


@pytest.mark.parametrize("answer", [1, 0])
def test_predict_is_never_nearly_certain_of_a_bare_stroke_or_a_circle(answer, run):
    page = Image.new("L", (240, 240), 235)
    if answer == 1:
        ImageDraw.Draw(page).line([(120, 60), (120, 180)], fill=20, width=9)
    else:
        ImageDraw.Draw(page).ellipse([80, 60, 160, 180], outline=20, width=9)
    page.save("drawn.png")
    status, out, _ = run("predict", "drawn.png")
    assert status == 0
    assert UNSURE_BELOW < float(re.match(rf"drawn\.png: {answer}\n  {answer}: (\S+)", out)[1]) < 0.9


def test_weights_are_known_by_their_content(run, weights):
    os.rename(weights, "weights.png")
    assert run("predict", "weights.png", save_digit("one.png"))[1].startswith("one.png: 3\n")


def test_predict_reads_every_digit_of_a_page_and_draws_their_boxes(run, workplace):
    page = np.full((60, 160), 255, np.uint8)
    page[10:50, 20:26] = page[10:50, 70:76] = page[10:50, 120:126] = 0
    Image.fromarray(page).save("page.png")
    status, out, err = run("predict", "page.png", "--out", "boxes.png")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"page\.png: 1 1 1\n(  1: \S+  \d: \S+\n){3}boxes\.png shows where they are\.\n", out)
    with Image.open(workplace / "boxes.png") as picture:
        assert picture.format == "PNG"


def test_predict_reports_a_page_without_a_digit_and_reads_the_others(run):
    Image.new("L", (90, 60), 240).save("blank.png")
    status, out, err = run("predict", "blank.png", save_digit("one.png"))
    assert status == 1
    assert out.startswith("one.png: 1\n")
    assert err == (
        "fastnet predict: error: blank.png: no digit found: nothing stands out from the paper. Use a darker pen\n"
    )


def save_touching_digits(name):
    """A 4 whose bar goes on into a 3."""
    page = Image.new("L", (300, 200), 235)
    pen = ImageDraw.Draw(page)
    pen.line([(70, 40), (50, 110), (150, 110)], fill=20, width=10)
    pen.line([(110, 40), (110, 160)], fill=20, width=10)
    pen.line([(150, 45), (210, 45), (165, 95), (220, 125), (190, 160), (140, 150)], fill=20, width=10, joint="curve")
    pen.line([(150, 110), (165, 95)], fill=20, width=10)
    page.save(name)
    return name


def test_predict_reads_no_digit_in_digits_that_touch(run):
    status, out, err = run("predict", save_touching_digits("touching.png"))
    assert (status, out) == (1, "")
    assert err.startswith("fastnet predict: error: touching.png: no digit found: what stands out looks like none of")


def test_predict_answers_for_a_printed_letter_that_looks_like_a_digit_but_is_unsure(run):
    page = Image.new("L", (200, 200), 235)
    font = ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 80)
    ImageDraw.Draw(page).text((100, 100), "S", 20, font=font, anchor="mm")
    page.save("s.png")
    # The probability is about 0.35, and from 0.35 to 0.42 at sizes from 74 to 90: above the level of "no digit".
    assert re.fullmatch(r"s\.png: 5\n  5: 0\.3\d\d  \d: \S+  unsure\n", run("predict", "s.png")[1])


@pytest.mark.parametrize(("ones", "stars", "doubt"), [(1, 1, "  unsure"), (1, 2, "  unsure"), (4, 1, "")])
def test_predict_marks_what_is_no_digit_and_doubts_the_few_digits_beside_it(ones, stars, doubt, run):
    page = Image.new("L", (150 + 150 * (ones + stars), 200), 235)
    for place in range(ones):
        ImageDraw.Draw(page).line([(80 + 150 * place, 40), (80 + 150 * place, 160)], fill=20, width=10)
    star = [(210, 85), (110, 85), (190, 150), (160, 45), (125, 150), (210, 85)]
    for place in range(ones, ones + stars):
        ImageDraw.Draw(page).line([(150 * place + x, y) for x, y in star], fill=20, width=8, joint="curve")
    page.save("page.png")
    status, out, err = run("predict", "page.png", "--out", "boxes.png")
    assert (status, err) == (0, "")
    one, none = rf"  1: \S+  \d: \S+{doubt}\n", "  no digit\n"
    read = rf"page\.png: {'1 ' * ones}{' '.join(['[?]'] * stars)}\n({one}){{{ones}}}({none}){{{stars}}}"
    assert re.fullmatch(rf"{read}boxes\.png shows where they are\.\n", out)


def test_predict_asks_for_the_pictures_in_a_folder(run, workplace):
    (workplace / "scans").mkdir()
    status, out, err = run("predict", "scans")
    assert (status, out) == (1, "")
    assert err == "fastnet predict: error: scans is a folder: name the pictures in it, such as scans/*.png\n"


def test_characters_that_the_output_lacks_are_escaped(monkeypatch):
    save_digit("\uc790.png")
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    assert main(["predict", "\uc790.png"]) == 0
    sys.stdout.flush()
    assert buffer.getvalue().startswith(b"\\uc790.png: 1" + os.linesep.encode())


def test_predict_makes_a_picture_of_one_image_only(run):
    status, out, err = run("predict", save_digit("one.png"), save_digit("two.png"), "--out", "boxes.png")
    assert (status, out) == (1, "")
    assert "--out makes a picture of one image file, got 2" in err


def test_predict_only_resizes_what_a_network_of_other_classes_sees(run, monkeypatch):
    network = TwoLayerNet(6, 2, 2, seed=0)
    network.classes, network.input_shape = ["cat", "dog"], (2, 3)
    network.save("pets.npz")
    seen = []
    monkeypatch.setattr(TwoLayerNet, "predict", lambda _, x: seen.append(x) or np.array([[0.3, 0.7]]))
    Image.fromarray(np.array([[0, 51, 102], [153, 204, 255]], np.uint8)).save("pet.png")
    assert run("predict", "pets.npz", "pet.png") == (0, "pet.png: dog\n  dog: 0.700  cat: 0.300\n", "")
    np.testing.assert_allclose(seen[0], [[0, 0.2, 0.4, 0.6, 0.8, 1]], rtol=1e-6)  # float32


@pytest.mark.parametrize(
    ("background", "inverted"), [(None, False), (0.0, True), (0.4, True), (0.6, False), (1.0, False)]
)
def test_predict_inverts_a_picture_of_the_other_polarity_and_says_so(run, monkeypatch, background, inverted):
    network = TwoLayerNet(9, 2, 2, seed=0)
    network.classes, network.input_shape, network.background = ["A", "B"], (3, 3), background
    network.save("letters.npz")
    seen = []
    monkeypatch.setattr(TwoLayerNet, "predict", lambda _, x: seen.append(x) or np.array([[0.3, 0.7]]))
    ink = np.pad(np.zeros((1, 1), np.float32), 1, constant_values=1)
    Image.fromarray((255 * ink).astype(np.uint8)).save("dark.png")
    status, out, err = run("predict", "letters.npz", "dark.png")
    assert (status, out) == (0, "dark.png: B\n  B: 0.700  A: 0.300\n")
    note = (
        "fastnet predict: note: dark.png has a light background, other than the pictures that the network learned "
        "from: it is shown inverted\n"
    )
    assert err == (note if inverted else "")
    np.testing.assert_array_equal(seen[0].reshape(3, 3), 1 - ink if inverted else ink)


def test_predict_has_no_boxes_to_draw_for_a_network_of_other_classes(run, workplace):
    network = TwoLayerNet(784, 2, 2, seed=0)
    network.classes = ["cat", "dog"]
    network.save("pets.npz")
    status, out, err = run("predict", "pets.npz", save_digit("one.png"), "--out", "boxes.png")
    assert (status, out) == (1, "")
    assert err == (
        "fastnet predict: error: --out shows where digits are, and pets.npz holds a network of 784 inputs and 2 "
        "classes, which are no digits: leave it out\n"
    )
    assert not (workplace / "boxes.png").exists()


def test_names_that_the_output_cannot_encode_are_escaped():
    network = TwoLayerNet(784, 2, 2, seed=0)
    network.classes = ["가", "나"]
    network.save("letters.npz")
    command = [sys.executable, "-m", "fastnet", "predict", "letters.npz", save_digit("one.png")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "FASTNET_BACKEND": fastnet.get_backend()}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith((rb"one.png: \uac00", rb"one.png: \ub098"))


@pytest.mark.parametrize("pictures", [[], ["one.png"]], ids=["MNIST", "a picture"])
def test_predict_refuses_answers_that_are_no_numbers(run, pictures):
    network = TwoLayerNet(784, 5, 10, seed=0)
    network.params["b2"][:] = np.nan
    network.save("diverged.npz")
    save_digit("one.png")
    status, out, err = run("predict", "diverged.npz", *pictures)
    assert (status, out) == (1, "")
    assert err == (
        "fastnet predict: error: the network answers NaN or infinity: its training has probably diverged: train it "
        "again with a smaller --lr\n"
    )


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [(784, "sigmoid", "the network predicts one number for each picture"), (7, "identity", "one.png cannot be shown")],
)
def test_predict_refuses_networks_that_are_not_for_pictures(run, inputs, output, message):
    fastnet.MultiLayerNet(inputs, [5], 1, output=output, seed=0).save("other.npz")
    save_digit("one.png")
    status, out, err = run("predict", "other.npz", "one.png")
    assert (status, out) == (1, "")
    assert message in err


def test_predict_says_that_weights_come_before_pictures(run, weights):
    status, out, err = run("predict", save_digit("one.png"), weights)
    assert (status, out) == (1, "")
    assert err == f"fastnet predict: error: {weights} holds weights: name one such file, and before the pictures\n"


@pytest.mark.usefixtures("quick")
def test_predict_without_images_counts_the_wrong_and_makes_a_picture(run, weights, slices):
    _, (_, t) = slices
    wrong = int((t != 3).sum())
    status, out, err = run("predict", weights)
    picture = weights.parent / "predictions.png"
    assert (status, err) == (0, "")
    assert out == (
        f"Test accuracy {1 - wrong / 20:.4f}: {wrong} of 20 digits are wrong.\n"
        f"{picture} shows the first 100, the wrong ones marked.\n"
    )
    with Image.open(picture) as image:
        assert image.format == "PNG"
    assert set(weights.parent.iterdir()) == {weights, picture}


@pytest.mark.usefixtures("quick", "unpainted")
def test_predict_puts_the_picture_where_it_is_told(run, weights, workplace):
    assert run("predict", weights, "--out", "mine.png")[0] == 0
    assert {path.name for path in workplace.iterdir()} == {"folder", "mine.png"}
    assert list(weights.parent.iterdir()) == [weights]


def test_predict_prints_nothing_if_one_of_the_images_cannot_be_read(run, weights):
    status, out, err = run("predict", weights, save_digit("one.png"), "none.png")
    assert (status, out) == (1, "")
    assert err == "fastnet predict: error: none.png: No such file or directory\n"


# --- info, help ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_info_says_what_runs_and_why(run):
    status, out, err = run("info")
    assert (status, err) == (0, "")
    facts = {line[:16].strip(): line[17:] for line in out.splitlines()}
    backend = fastnet.get_backend()
    assert list(facts) == ["fastnet", "backend", "instruction set", "Python", "NumPy", "BLAS"]
    assert facts["fastnet"].startswith(f"{fastnet.__version__}, in ")
    assert facts["backend"] == f"{backend} (use_backend({backend!r}))"
    assert facts["NumPy"] == np.__version__
    assert "thread" in facts["BLAS"]
    assert all(facts.values())


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "--help"], ["info", "--help"]])
def test_help_is_on_standard_output(run, arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith(" ".join(["usage: fastnet", *arguments[:-1]]))
    if arguments[0] == "train":
        assert set(re.findall(r"--[a-z-]+", out)) == {
            "--help", "--iterations", "--epochs", "--batch-size", "--optimizer", "--lr", "--hidden-size", "--dtype",
            "--network", "--hidden", "--activation", "--data", "--test-data", "--label", "--size",
            "--augment", "--gradient", "--backend", "--seed", "--out", "--force", "--quiet",
            "--checkpoint-every", "--resume",
        }


def test_the_version_is_the_packages(run):
    assert run("--version") == (0, f"fastnet {fastnet.__version__}\n", "")


@pytest.mark.usefixtures("quick", "unpainted")
def test_ctrl_c_while_the_results_are_saved_waits_until_they_are(run, workplace, monkeypatch):
    save = TwoLayerNet.save

    def impatient(network, path):
        signal.raise_signal(signal.SIGINT)
        save(network, path)

    monkeypatch.setattr(TwoLayerNet, "save", impatient)
    status, _, err = run("train", *SHORT, "--out", "folder")
    assert (status, err) == (130, "fastnet train: interrupted\n")
    assert {"weights.npz", "history.csv"} <= {path.name for path in (workplace / "folder").iterdir()}


@pytest.mark.usefixtures("quick")
def test_ctrl_c_while_the_picture_is_drawn_names_the_folder(run, workplace, monkeypatch):
    monkeypatch.setattr("fastnet.cli.train._draw", interrupt)
    status, _, err = run("train", *SHORT, "--out", "folder")
    assert status == 130
    assert err == (
        "fastnet train: interrupted while training.png was drawn: weights.npz and history.csv are kept in folder\n"
    )
    assert {"weights.npz", "history.csv"} <= {path.name for path in (workplace / "folder").iterdir()}


# --- output that cannot be printed -----------------------------------------------------------------------------------

PRINTING = {
    "info": ["info"],
    "train": ["train", *SHORT, "--out", "some/where"],
    "help": ["train", "--help"],
    "version": ["--version"],
    "predict": ["predict", "weights.npz", "digit.png"],
}
UNPRINTED = r"^fastnet( \w+)?: error: the result cannot be printed: [\w ]+\n$"


def process_to(stdout, command, *, buffered):
    TwoLayerNet(784, 2, 10, seed=0).save("weights.npz")
    save_digit("digit.png")
    failing = process(*PRINTING[command], stdout=stdout, PYTHONUNBUFFERED="" if buffered else "1")
    _, err = failing.communicate(timeout=100)
    return failing.returncode, err


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("command", PRINTING)
def test_output_that_nobody_reads_is_one_line_and_no_success(workplace, command, buffered):
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    status, err = process_to(writer, command, buffered=buffered)
    os.close(writer)
    assert status == 1
    assert re.search(UNPRINTED, err)
    assert "Broken pipe" in err
    assert {path.name for path in workplace.iterdir()} == {"weights.npz", "digit.png"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("command", PRINTING)
def test_a_full_disk_is_one_line_and_no_success(workplace, command, buffered):
    with open("/dev/full", "w") as full:
        status, err = process_to(full, command, buffered=buffered)
    assert status == 1
    assert re.search(UNPRINTED, err)
    assert "No space left on device" in err
    assert {path.name for path in workplace.iterdir()} == {"weights.npz", "digit.png"}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stdout", ["None", "closed"])
@pytest.mark.parametrize("arguments", PRINTING.values(), ids=PRINTING)
def test_without_standard_output_a_command_fails_before_it_begins(workplace, monkeypatch, arguments, stdout):
    stream = None
    if stdout == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(Trainer, "train", lambda _: pytest.fail("it trained"))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        status = main(arguments)
    assert status == 1
    assert list(workplace.iterdir()) == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("made", [True, False])
def test_output_that_fails_later_leaves_no_empty_folder_of_ours(run, workplace, monkeypatch, made):
    stdout = sys.stdout

    def break_pipe(_):
        raise BrokenPipeError(32, "Broken pipe")

    def broken(_):
        with monkeypatch.context() as patch:
            patch.setattr(stdout, "write", break_pipe)
            print("a line")

    if made:
        (workplace / "a").mkdir()
    monkeypatch.setattr(Trainer, "train", broken)
    status, _, err = run("train", *SHORT, "--out", "a/b/c")
    assert (status, err) == (1, "fastnet train: error: the result cannot be printed: Broken pipe\n")
    assert [path.name for path in workplace.iterdir()] == ["a"] * made
    assert run("train", *SHORT)[0] == 1
    assert len(list(workplace.iterdir())) == made


@pytest.mark.usefixtures("quick", "unpainted")
def test_a_file_that_cannot_be_written_is_not_blamed_on_the_output(run, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TwoLayerNet, "save", full)
    status, _, err = run("train", *SHORT)
    assert (status, err) == (1, "fastnet train: error: [Errno 28] No space left on device\n")


class Deaf(io.StringIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stderr", ["None", "closed", "deaf"])
@pytest.mark.parametrize(
    ("arguments", "status"), [(["train", "--lr", "0"], 2), (["predict", "none.npz"], 1), (["info"], 0)]
)
def test_without_standard_error_the_status_tells(monkeypatch, capsys, arguments, status, stderr):
    stream = {"None": None, "closed": io.StringIO(), "deaf": Deaf()}[stderr]
    if stderr == "closed":
        stream.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        try:
            ended = main(arguments)
        except SystemExit as stop:
            ended = stop.code
    assert ended == status
    assert "error" not in capsys.readouterr().out


@pytest.mark.usefixtures("quick", "unpainted")
@pytest.mark.filterwarnings("default")
def test_a_warning_without_standard_error_is_lost_and_the_run_is_kept(monkeypatch, workplace):
    monkeypatch.setattr(TwoLayerNet, "loss", lambda *_: np.nan)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        assert main(["train", *SHORT]) == 1  # it has diverged
    assert {path.name for path in (workplace / "fastnet-run-1").iterdir()} == FILES


# --- errors ----------------------------------------------------------------------------------------------------------

COUNTS = ["--iterations", "--epochs", "--batch-size", "--hidden-size"]
BAD_COUNTS = ["0", "-1", "2.5", "1e3", "nan", "inf", "ten", "", str(10**12), "9" * 5000]
BAD_RATES = ["0", "-0.1", "nan", "inf", "-inf", "1e999", "fast", ""]
BAD_SEEDS = ["-1", "1.5", "nan", "luck", "", str(2**32), "9" * 5000]
TYPED = [
    *(("train", [f"{option}={value}"], option) for option in COUNTS for value in BAD_COUNTS),
    *(("train", [f"--lr={value}"], "--lr") for value in BAD_RATES),
    *(("train", [f"--seed={value}"], "--seed") for value in BAD_SEEDS),
    ("train", ["--optimizer", "sgdd"], "--optimizer: invalid choice: 'sgdd'"),
    ("train", ["--dtype", "float16"], "--dtype"),
    ("train", ["--gradient", "numeric"], "--gradient"),
    ("train", ["--backend", "auto"], "--backend"),
    ("train", ["--epochs", "1", "--iterations", "1"], "--iterations"),
    ("train", ["--lr"], "--lr"),
    ("train", ["--out"], "--out"),
    ("train", ["--out", ""], "--out: must not be empty"),
    ("train", ["--lr=inf"], "--lr: must be a finite number above 0, got 'inf'"),
    ("train", ["--quiet=yes"], "--quiet"),
    ("predict", ["weights.npz", "--out"], "--out"),
    ("predict", ["weights.npz", "--out", ""], "--out: must not be empty"),
    ("predict", [""], "FILE: must not be empty"),
    ("predict", ["weights.npz", ""], "FILE: must not be empty"),
    (None, [], "COMMAND"),
    (None, ["trian"], "'trian'"),
    (None, ["train", "--learning-rate", "1"], "--learning-rate"),
    (None, ["train", "extra"], "extra"),
    (None, ["info", "extra"], "extra"),
    (None, ["info", "two\nlines"], "two lines"),
    (None, ["--quiet"], "COMMAND"),
]


def typed(case):
    command, arguments, _ = case
    return " ".join([command or "", *arguments]).strip()[:40] or "nothing"


@pytest.mark.parametrize(("command", "arguments", "named"), TYPED, ids=map(typed, TYPED))
def test_what_is_typed_wrong_is_one_line_and_status_2(run, workplace, monkeypatch, command, arguments, named):
    # What is not noticed fails, and runs no hours.
    monkeypatch.delattr(f"fastnet.cli.{command or 'train'}.load_mnist_as_bytes")
    status, out, err = run(*filter(None, [command]), *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"fastnet {command}: error: " if command else "fastnet: error: ")
    assert named in err
    assert list(workplace.iterdir()) == []


@pytest.mark.usefixtures("quick", "unpainted")
def test_predict_alone_tests_the_network_that_comes_with_fastnet(run, workplace):
    status, out, err = run("predict")
    assert (status, err) == (0, "")
    assert out.startswith("Test accuracy ")
    assert [path.name for path in workplace.iterdir()] == ["predictions.png"]


def make_things_that_go_wrong(folder):
    good = TwoLayerNet(784, 2, 10, seed=0)
    good.save(folder / "good.npz")
    TwoLayerNet(4, 2, 10, seed=0).save(folder / "four-inputs.npz")
    TwoLayerNet(784, 2, 3, seed=0).save(folder / "three-classes.npz")
    (folder / "cut.npz").write_bytes((folder / "good.npz").read_bytes()[:-100])
    (folder / "text.txt").write_text("neither weights nor an image")
    (folder / "a folder").mkdir()
    Image.new("L", (30, 30)).save(folder / "blank.png")
    (folder / "two\nlines.png").write_text("no image")


HAPPENED = [
    ("train", ["--out", "text.txt"], "--out text.txt"),
    ("train", ["--out", "text.txt/below"], "text.txt/below: Not a directory"),
    ("train", ["--out", "text.txt/below/it"], "text.txt/below"),
    ("train", ["--out", "x" * 300], "x" * 300),
    ("predict", ["none.npz"], "none.npz"),
    ("predict", ["two\nlines.npz"], "two lines.npz: No such file"),
    ("predict", ["good.npz", "two\nlines.png"], "two lines.png is not an image"),
    ("predict", ["a folder"], "a folder"),
    ("predict", ["text.txt"], "text.txt is not an image"),
    ("predict", ["cut.npz"], "cut.npz does not hold"),
    ("predict", ["four-inputs.npz"], "four-inputs.npz holds a network of 4 inputs"),
    ("predict", ["three-classes.npz"], "three-classes.npz holds a network of 784 inputs and 3 classes"),
    ("predict", ["good.npz", "none.png"], "none.png"),
    ("predict", ["good.npz", "a folder"], "a folder"),
    ("predict", ["good.npz", "text.txt"], "text.txt is not an image"),
    ("predict", ["good.npz", "blank.png"], "blank.png: no digit found"),
    ("predict", ["good.npz", "--out", "a folder"], "a folder"),
    ("predict", ["good.npz", "--out", "nowhere/picture.png"], "nowhere"),
    ("predict", ["good.npz", "blank.png", "blank.png", "--out", "picture.png"], "--out"),
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("command", "arguments", "named"), HAPPENED, ids=map(typed, HAPPENED))
def test_what_goes_wrong_is_one_line_and_status_1(run, workplace, command, arguments, named):
    make_things_that_go_wrong(workplace)
    before = contents(workplace)
    status, out, err = run(command, *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"fastnet {command}: error: ")
    assert named in err
    assert contents(workplace) == before


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("place", "options"), [("__init__", ["--hidden 4"]), ("gradient", ["--batch-size 5", "--hidden 4"])]
)
def test_sizes_that_do_not_fit_into_memory_are_named(run, workplace, monkeypatch, place, options):
    def exhausted(*_, **__):
        raise MemoryError("Unable to allocate 5.70 TiB for an array")

    monkeypatch.setattr(TwoLayerNet, place, exhausted)
    status, _, err = run("train", *SHORT)
    assert (status, err.count("\n")) == (1, 1)
    assert all(option in err for option in options)
    assert "5.70 TiB" in err
    assert list(workplace.iterdir()) == []


def test_errors_of_a_process_have_no_traceback():
    for arguments, status in ((["train", "--lr", "0"], 2), (["predict", "none.npz"], 1)):
        failing = process(*arguments)
        out, err = failing.communicate(timeout=100)
        assert (failing.returncode, out, err.count("\n")) == (status, "", 1)


@pytest.mark.usefixtures("quick")
def test_damaged_data_of_the_package_is_one_line(run, monkeypatch, workplace):
    monkeypatch.setattr("fastnet.cli.train.load_mnist_as_bytes", load_mnist_as_bytes)
    monkeypatch.setattr("fastnet.mnist.resources.files", lambda _: workplace)
    (workplace / "data" / "mnist").mkdir(parents=True)
    (workplace / "data" / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    status, out, err = run("train", *SHORT)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "train-images-idx3-ubyte.gz is damaged" in err
