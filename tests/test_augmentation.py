"""Data augmentation: what every change keeps, and what each argument does."""

import copy
import pickle

import numpy as np
import pytest

from fastnet import MultiLayerNet, Trainer, load_mnist
from fastnet._scaled import ScaledBytes
from fastnet.augmentation import Augmentation

NOTHING = {"rotation": 0, "shear": 0, "scale": 0, "shift": 0, "bend": 0, "stroke_width": (1e-9, 1e-9), "unclean": 0}


@pytest.fixture(scope="module")
def more_digits():
    (x, t), _ = load_mnist()
    return x[:1000], t[:1000]


@pytest.fixture(scope="module")
def digits(more_digits):
    x, t = more_digits
    return x[:300], t[:300]


def disc(radius):
    row, column = np.mgrid[:28, :28] - 13.5
    return np.clip(radius + 0.5 - np.hypot(row, column), 0, 1).astype(np.float32)[np.newaxis]


def bar(width=3.0, length=16.0):
    """An upright line in the middle, as an image `(1, 28, 28)`."""
    row, column = np.mgrid[:28, :28] - 13.5
    inside = np.clip(width / 2 + 0.5 - np.abs(column), 0, 1) * np.clip(length / 2 + 0.5 - np.abs(row), 0, 1)
    return inside.astype(np.float32)[np.newaxis]


def only(**arguments):
    """An augmentation that makes one change: strokes that are as wide as they are need no change."""
    return Augmentation(**{**NOTHING, "stroke_width": (3.0, 3.0), **arguments})


def angle(image):
    """The direction of the ink, in degrees from upright, to the right at the top."""
    row, column = np.mgrid[:28, :28] - 13.5
    down, right = ((image * axis).sum() / image.sum() for axis in (row, column))
    covariance = [(image * (row - down) * other).sum() for other in (row - down, column - right)]
    return -np.degrees(np.arctan2(covariance[1], covariance[0]))


def test_shape_dtype_range_labels_and_the_input_are_kept(digits):
    x, t = digits
    before = x.copy()
    for shape in ((300, 784), (300, 28, 28), (300, 1, 28, 28)):
        for dtype in (np.float32, np.float64):
            new, labels = Augmentation(digit_forms=0.5)(x.reshape(shape).astype(dtype), t, seed=1)
            assert new.shape == shape
            assert new.dtype == dtype
            assert new.min() >= 0
            assert new.max() <= 1
            np.testing.assert_array_equal(labels, t)
    np.testing.assert_array_equal(x, before)


def test_every_image_changes_and_keeps_its_ink(digits):
    x, t = digits
    new, _ = Augmentation(unclean=0)(x, t, seed=0)
    likeness = [np.corrcoef(old, changed)[0, 1] for old, changed in zip(x, new, strict=True)]
    assert max(likeness) < 0.9999
    # The size changes by up to 20 % along each side, and a stroke of 2.2 pixels to between 1.7 and 4.
    ink = new.sum(axis=1) / x.sum(axis=1)
    assert 0.45 < ink.min() < 0.8
    assert 1.3 < ink.max() < 2.5


def test_a_seed_repeats_the_changes_and_the_global_generator_draws_without_one(digits):
    x, t = digits
    augment = Augmentation(digit_forms=0.5)
    first, second = augment(x, t, seed=3)[0], augment(x, t, np.random.default_rng(3))[0]
    np.testing.assert_array_equal(first, second)
    assert (augment(x, t, seed=4)[0] != first).any()
    np.random.seed(5)
    first = augment(x, t)[0]
    np.random.seed(5)
    np.testing.assert_array_equal(augment(x, t)[0], first)


def test_bytes_and_soft_targets_are_taken(digits):
    x, t = digits
    as_bytes = ScaledBytes(np.rint(x * 255).astype(np.uint8), 255)
    augment = Augmentation(digit_forms=1)
    expected = augment(x, t, seed=0)[0]
    np.testing.assert_allclose(augment(as_bytes, t, seed=0)[0], expected, atol=1e-6)  # a byte's rounding
    np.testing.assert_array_equal(augment(x, np.eye(10)[t], seed=0)[0], expected)
    # A target that is no digit for sure gets no stroke of a digit.
    np.testing.assert_array_equal(
        augment(x, np.full((300, 10), 0.1), seed=0)[0], Augmentation()(x, t, seed=_after_one_draw(300))[0]
    )


def _after_one_draw(count):
    random = np.random.default_rng(0)
    random.random(count)
    return random


def test_dark_ink_on_white_paper_is_changed_alike(digits):
    x, t = digits
    augment = Augmentation(digit_forms=0.5)
    light, dark = augment(x, t, seed=0)[0], augment(1 - x, t, seed=0)[0]
    np.testing.assert_allclose(dark, 1 - light, atol=1e-4)  # 1 - (1 - x) rounds, and a power of 1/2 enlarges that


def test_rotation_is_as_large_as_it_says():
    angles = [angle(image) for image in only(rotation=20)(np.repeat(bar(), 400, axis=0), np.zeros(400, int), seed=0)[0]]
    assert 17 < max(angles) <= 20.5  # half a degree: interpolation
    assert -20.5 <= min(angles) < -17


def test_shear_moves_the_columns_of_a_row():
    slants = [angle(image) for image in only(shear=0.3)(np.repeat(bar(), 400, axis=0), np.zeros(400, int), seed=0)[0]]
    limit = np.degrees(np.arctan(0.3))
    assert 0.85 * limit < max(slants) < limit + 0.5
    assert -limit - 0.5 < min(slants) < -0.85 * limit


def test_scale_and_shift_are_as_large_as_they_say():
    images = np.repeat(disc(6), 400, axis=0)
    areas = np.sqrt(only(scale=0.2, stroke_width=(6.0, 6.0))(images, np.zeros(400, int), seed=0)[0].sum(axis=(1, 2)))
    sizes = areas / np.sqrt(disc(6).sum())
    # The width of the line of a disc is its radius, so a smaller one is thickened a little, and a larger one thinned.
    assert 0.8 < sizes.min() < 0.95
    assert 1.05 < sizes.max() < 1.2
    new = only(shift=3, stroke_width=(6.0, 6.0))(images, np.zeros(400, int), seed=0)[0]
    rows = (new.sum(axis=2) @ np.arange(28)) / new.sum(axis=(1, 2)) - 13.5
    assert 2.4 < rows.max() <= 3.05
    assert -3.05 <= rows.min() < -2.4


def test_strokes_become_as_wide_as_wanted():
    width = {
        wanted: only(stroke_width=(wanted, wanted))(bar(), [0], seed=0)[0][0, 14].sum() for wanted in (0.1, 2, 3, 4, 9)
    }
    # The ends of a line count as border, too: this line of 3 x 16 has an area of 48 and a border of 38, so it counts as
    # narrower than it is, by the same amount in all cases.
    assert width[3] == pytest.approx(3 + (3 - 2 * 48 / 38), abs=0.1)
    assert width[3] - width[2] == pytest.approx(1, abs=0.05)
    assert width[4] - width[3] == pytest.approx(1, abs=0.05)
    assert width[0.1] == pytest.approx(3 - 1.4, abs=0.05)  # no stroke loses more
    assert width[9] == pytest.approx(3 + 2, abs=0.05)  # or gains more


def test_bending_moves_ink_but_keeps_it(digits):
    x, t = digits
    straight, bent = (only(bend=bend, stroke_width=(2.5, 2.5))(x, t, seed=0)[0] for bend in (0, 1.0))
    assert np.abs(straight - bent).mean() > 0.02
    np.testing.assert_allclose(bent.sum(axis=1).mean() / straight.sum(axis=1).mean(), 1, atol=0.1)


def test_unclean_changes_the_share_of_the_images(digits):
    x, t = digits
    clean, unclean = (Augmentation(unclean=share)(x, t, seed=0)[0] for share in (0, 0.4))
    # The same draws before: the others are bit for bit the same.
    changed = (clean != unclean).any(axis=1).mean()
    assert 0.3 < changed < 0.5  # 300 draws of 0.4: more than 3 standard deviations


def test_other_forms_are_drawn_for_four_digits_only(more_digits):
    x, t = more_digits
    new, old = (only(digit_forms=share, stroke_width=(2.4, 2.4))(x, t, seed=0)[0] for share in (1.0, 0.0))
    changed = (np.abs(new - old).max(axis=1) > 0.3).astype(float)
    for digit in range(10):
        assert changed[t == digit].mean() == pytest.approx(float(digit in (1, 4, 7, 9)), abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rotation": -1}, ValueError, "rotation"),
        ({"shear": "much"}, TypeError, "shear"),
        ({"scale": 1}, ValueError, "scale"),
        ({"shift": np.nan}, ValueError, "shift"),
        ({"bend": None}, TypeError, "bend"),
        ({"stroke_width": 2}, TypeError, "stroke_width must be a pair"),
        ({"stroke_width": (4, 2)}, ValueError, "stroke_width"),
        ({"unclean": 1.1}, ValueError, "unclean"),
        ({"digit_forms": -0.1}, ValueError, "digit_forms"),
        ({"shape": 28}, ValueError, "shape must be two numbers"),
        ({"shape": (0, 28)}, ValueError, "shape"),
    ],
)
def test_a_wrong_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Augmentation(**arguments)


@pytest.mark.parametrize(
    ("x", "t", "error", "message"),
    [
        (np.zeros((2, 783)), [0, 1], ValueError, "square of D pixels"),
        (np.zeros(784), [0], ValueError, "x must hold images"),
        (np.full((2, 784), 255.0), [0, 1], ValueError, "from 0 to 1"),
        (np.full((2, 784), np.nan), [0, 1], ValueError, "from 0 to 1"),
        (np.zeros((2, 784)), [0, 1, 2], ValueError, "shapes"),
        (np.zeros((2, 784), complex), [0, 1], TypeError, "x"),
    ],
)
def test_a_wrong_batch_is_named(x, t, error, message):
    with pytest.raises(error, match=message):
        Augmentation()(x, t)


@pytest.mark.parametrize("shape", [(0, 784), (1, 784), (3, 3, 12, 20), (2, 1, 1, 1)])
def test_other_sizes_and_empty_and_blank_images_are_taken(shape):
    new, _ = Augmentation(digit_forms=1.0, unclean=0)(np.zeros(shape), np.ones(shape[0], int), seed=0)
    assert new.shape == shape
    assert not new.any()


def test_rows_of_other_shapes_than_squares_need_their_shape(digits):
    x, t = digits
    wide = np.pad(x.reshape(-1, 28, 28), ((0, 0), (2, 2), (5, 5)))  # 32 x 38
    expected = Augmentation()(wide, t, seed=0)[0]
    new = Augmentation(shape=(32, 38))(wide.reshape(300, -1), t, seed=0)[0]
    np.testing.assert_array_equal(new, expected.reshape(300, -1))
    with pytest.raises(ValueError, match=r"D = 32 \* 38 pixels"):
        Augmentation(shape=(32, 38))(x, t)


# --- in the trainer ---------------------------------------------------------------------------------------------------


def trainer_of(digits, seed, **arguments):
    x, t = digits
    network = MultiLayerNet(784, [20], 10, seed=0)
    return Trainer(
        network, x, t, iterations=6, mini_batch_size=20, verbose=False, progress=False, seed=seed, **arguments
    )


def test_a_trainer_learns_from_what_augment_returns(digits):
    seen = []

    def augment(x, t, random):
        seen.append((x.copy(), t.copy(), random.random()))
        return 1 - x, (t + 1) % 10

    trainer = trainer_of(digits, 0, augment=augment)
    trainer.train()
    assert len(seen) == 6
    x, t, _ = seen[-1]
    assert trainer.train_loss_list[-1] == float(trainer.network.loss(1 - x, (t + 1) % 10))


def test_without_augment_nothing_changes_and_with_it_something_does(digits):
    losses = []
    for arguments in ({}, {"augment": None}, {"augment": lambda x, t, _: (x, t)}, {"augment": Augmentation()}):
        trainer = trainer_of(digits, 1, **arguments)
        trainer.train()
        losses.append(trainer.train_loss_list)
    assert losses[0] == losses[1] == losses[2]
    assert losses[3] != losses[0]


@pytest.mark.parametrize("seed", [2, None])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda trainer: pickle.loads(pickle.dumps(trainer))])
def test_a_copy_of_a_trainer_continues_with_the_same_changes(digits, seed, copied):
    np.random.seed(7)
    trainer = trainer_of(digits, seed, augment=Augmentation(digit_forms=0.5))
    trainer.train()
    other = copied(trainer)
    trainer.train()
    other.train()
    assert other.train_loss_list == trainer.train_loss_list


def test_what_cannot_be_called_is_refused(digits):
    with pytest.raises(TypeError, match="augment must be a function"):
        trainer_of(digits, 0, augment=0.5)
