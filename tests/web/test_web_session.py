"""The network of a tab: what it reads, why, and how it learns."""

import itertools
import threading

import numpy as np
import pytest
from strokes import strokes

from fastnet import TwoLayerNet
from fastnet.cli.play import first_network
from fastnet.functions import sigmoid_grad
from fastnet.web._drawing import SIDE, prepared
from fastnet.web._session import MOST_HIDDEN, Digits, Session, Settings, contributions
from fastnet.web._sessions import Sessions

SETTINGS = {"lr": 0.1, "optimizer": "SGD", "gradient": "backprop", "steps_per_second": 10_000}


@pytest.fixture(scope="module")
def digits(mnist):
    (x_train, t_train), (x_test, t_test) = mnist
    return Digits(x_train[:2000], t_train[:2000], x_test[:500], t_test[:500])


@pytest.fixture
def session(digits):
    return Session(first_network(None), digits)


def drawn(image, width=22):
    """What a pen draws along the strokes of an image."""
    from PIL import Image, ImageDraw

    paper = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(paper)
    for stroke in strokes(image):
        draw.line(stroke, fill=255, width=width)
        for x, y in stroke:
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(paper)


# --- what the network sees -------------------------------------------------------------------------------------------


def test_the_network_of_the_package_reads_test_images_and_drawings(mnist):
    _, (x, t) = mnist
    network = first_network(None)
    assert [network.params["W1"].shape, network.dtype] == [(784, 50), np.float32]
    assert network.accuracy(x, t) > 0.975  # measured: 0.9788
    some = np.arange(0, 10_000, 50)
    y = network.predict(np.array([prepared(drawn(x[i])) for i in some]))
    assert np.mean(y.argmax(axis=1) == t[some]) > 0.9  # measured: 0.95; what thinning breaks, no one can read


def test_a_drawing_gets_the_form_of_mnist():
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[40:200, 30:50] = ink[40:200, 200:215] = 255  # two strokes, far apart: one digit all the same
    x = prepared(ink).reshape(28, 28)
    inked = np.argwhere(x > 0)
    assert x.dtype == np.float32
    assert np.ptp(inked, axis=0).max() + 1 == 20
    assert x.max() == 1
    np.testing.assert_array_equal(prepared(np.roll(ink, (60, 40), axis=(0, 1))).reshape(28, 28), x)


@pytest.mark.parametrize("shade", [255, 128, 1])
def test_any_ink_gives_an_image_and_none_gives_nothing(shade):
    random = np.random.default_rng(0)
    assert prepared(np.zeros((SIDE, SIDE), np.uint8)) is None
    for density in (1 / SIDE**2, 0.01, 0.3, 1):
        ink = np.uint8(shade * (random.random((SIDE, SIDE)) < density))
        ink[0, 0] = shade
        x = prepared(ink)
        assert x is None or (x.shape == (784,) and x.min() >= 0 and 0 < x.max() <= 1)


# --- why -------------------------------------------------------------------------------------------------------------


def test_the_contributions_add_up_to_the_change_of_the_score_from_empty_paper():
    random = np.random.default_rng(0)
    network = TwoLayerNet(784, 50, 10, weight_init_std=0.5, seed=0)
    network.params["b1"] += random.normal(size=50)
    x = random.random(784)
    scores, empty = (network.trace(each)["a2"] for each in (x, np.zeros(784)))
    for digit in range(10):
        reasons = contributions(x, network.trace(x)["a1"], network.params, digit)
        change = (scores[digit] - scores.mean()) - (empty[digit] - empty.mean())
        np.testing.assert_allclose(reasons.sum(), change, rtol=1e-9, atol=1e-9)  # sums of 784 float64


def test_the_contributions_are_the_integrated_gradients():
    network = TwoLayerNet(784, 5, 10, weight_init_std=0.3, seed=1)
    x = np.random.default_rng(1).random(784)
    x[:300] = 0
    W1, W2, b1 = (network.params[name] for name in ("W1", "W2", "b1"))
    points = (np.arange(4000) + 0.5) / 4000  # the midpoint rule, with an error of the order 4000**-2
    slope = np.mean([sigmoid_grad(point * (x @ W1) + b1) for point in points], axis=0)
    expected = x * (W1 @ (slope * (W2[:, 3] - W2.mean(axis=1))))
    found = contributions(x, network.trace(x)["a1"], network.params, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not found[:300].any()


def test_a_unit_that_the_drawing_does_not_reach_contributes_nothing_strange():
    network = TwoLayerNet(784, 3, 10, seed=0)
    network.params["W1"][:] = 0
    assert not contributions(np.ones(784), network.trace(np.ones(784))["a1"], network.params, 0).any()


# --- learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"])
@pytest.mark.parametrize("gradient", ["backprop", "numerical"])
def test_training_reports_frames_and_lowers_the_loss(session, optimizer, gradient):
    session.begin_anew(5)
    rate = 0.5 if optimizer in ("SGD", "Momentum", "Nesterov") else 0.01
    frames = session.train(Settings(**{**SETTINGS, "lr": rate, "optimizer": optimizer, "gradient": gradient}))
    first = next(frames)
    assert first["step"] > 0
    assert first["weights"].shape == (784 * 5,)
    last = next(frame for frame in itertools.islice(frames, 1000) if frame["loss"] < 2)  # it begins at log(10), 2.3
    assert last["step"] > first["step"]
    assert last["accuracy"] > 0.15
    assert (first["weights"] != last["weights"]).any()


def test_backpropagation_and_differences_take_the_same_steps(session, monkeypatch):
    weights, called = [], []
    differences = TwoLayerNet.numerical_gradient
    monkeypatch.setattr(TwoLayerNet, "numerical_gradient", lambda *args: called.append(args) or differences(*args))
    for gradient in ("backprop", "numerical"):
        monkeypatch.setattr(np.random, "default_rng", lambda: np.random.Generator(np.random.PCG64(3)))
        session.begin_anew(4)
        settings = Settings(**{**SETTINGS, "gradient": gradient, "steps_per_second": 10})
        weights.append(next(session.train(settings))["weights"])
        assert bool(called) == (gradient == "numerical")
    np.testing.assert_allclose(*weights, rtol=1e-3, atol=1e-6)  # float32, and differences of h = 1e-4


def test_another_training_ends_the_one_before(session):
    settings = Settings(**SETTINGS)
    one = session.train(settings)
    next(one)
    other = session.train(settings)
    assert list(one) == []
    assert next(other)["step"] > 0
    assert session.is_training


@pytest.mark.parametrize("ending", ["end", "begin_anew", "close"])
def test_a_training_ends(session, ending):
    frames = session.train(Settings(**SETTINGS))
    next(frames)
    if ending == "close":
        frames.close()
    else:
        getattr(session, ending)(*[None] * (ending == "begin_anew"))
    assert not session.is_training
    assert list(frames) == []


def test_a_training_that_diverges_ends_and_says_so(session, monkeypatch):
    monkeypatch.setattr(TwoLayerNet, "loss", lambda *_: np.float32(np.nan))
    with pytest.warns(RuntimeWarning, match="the learning rate may be too large"):
        (frame,) = session.train(Settings(**SETTINGS))
    assert np.isnan(frame["loss"])
    assert not session.is_training


def test_reading_does_not_wait_for_a_training_to_end(session):
    frames = session.train(Settings(**SETTINGS))
    thread = threading.Thread(target=lambda: list(frames))
    thread.start()
    for _ in range(20):
        assert session.read(np.ones(784, np.float32))["probabilities"].shape == (10,)
    session.end()
    thread.join(timeout=60)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0), ("lr", -1), ("lr", 1e9), ("lr", float("nan")), ("lr", "0.1"), ("lr", True), ("lr", None),
        ("optimizer", "sgd"), ("optimizer", ["SGD"]), ("gradient", "both"), ("steps_per_second", 0),
    ],
)  # fmt: skip
def test_settings_of_the_wrong_kind_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Settings(**{**SETTINGS, name: value})


@pytest.mark.parametrize("hidden", [0, -1, MOST_HIDDEN + 1, 2.5, "50", True])
def test_a_wrong_number_of_hidden_units_is_refused(session, hidden):
    with pytest.raises(ValueError, match="hidden must be an integer from 1 to 200"):
        session.begin_anew(hidden)


# --- the sessions ----------------------------------------------------------------------------------------------------


def test_sessions_share_no_network(digits):
    sessions = Sessions(first_network(None), digits)
    (one, first), (two, second) = sessions.open(), sessions.open()
    assert one != two
    before = second.state()
    frame = next(first.train(Settings(**SETTINGS)))
    assert (frame["weights"] != before["weights"]).any()
    np.testing.assert_array_equal(second.state()["weights"], before["weights"])
    assert first.begin_anew(None)["accuracy"] == before["accuracy"]
    assert sessions.find(one) is first


def test_the_session_used_least_recently_makes_room_and_those_that_train_come_last(digits):
    sessions = Sessions(first_network(None), digits, most=3)
    names = [sessions.open()[0] for _ in range(3)]
    frames = sessions.find(names[0]).train(Settings(**SETTINGS))
    next(frames)
    sessions.find(names[1])
    sessions.find(names[2])
    sessions.find(names[1])
    sessions.open()
    with pytest.raises(KeyError):
        sessions.find(names[2])
    sessions.open()
    with pytest.raises(KeyError):
        sessions.find(names[1])
    assert sessions.find(names[0]).is_training
    sessions.stop()
    assert list(frames) == []
