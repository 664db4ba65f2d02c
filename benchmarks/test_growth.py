"""How the time grows with the problem: with each size of the network, and with the number of images."""

from functools import partial

import numpy as np
import peers
import pytest

from fastnet import Trainer, TwoLayerNet
from fastnet._bench import cases as comparisons
from fastnet._bench import plain, timing
from fastnet._bench.timing import TEXTBOOK, Contender

pytestmark = pytest.mark.benchmark(max_time=0.1, min_rounds=3)

SMALLEST = {"D": 98, "H": 32, "C": 10, "N": 50}  # inputs, hidden units, classes, samples
FACTORS = (1, 2, 4, 8)
IMAGES = (1_000, 4_000, 15_000, 60_000)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("along", SMALLEST)
@pytest.mark.parametrize("implementation", peers.implementations("growth"))
def test_numerical_gradient(grow, along, factor):
    def make(size):
        D, H, C, N = (size if name == along else smallest for name, smallest in SMALLEST.items())
        random = np.random.default_rng(0)
        x, labels = random.random((N, D)), random.integers(C, size=N)
        return comparisons.network_gradient(TwoLayerNet(D, H, C, seed=0), x, labels)

    sizes = [SMALLEST[along] * each for each in FACTORS]
    # The textbook's difference has the rounding error of the loss, divided by 2h.
    grow(f"numerical gradient, growing {along}", sizes, SMALLEST[along] * factor, make, 0, 1e-9)


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("implementation", peers.implementations("growth"))
def test_training(grow, images, mnist):
    """One epoch, with the loss of every iteration and the accuracy at the beginning, as in the book's program."""
    # Over 600 steps, different rounding errors accumulate in the textbook's weights and in fastnet's.
    grow("an epoch, growing images", IMAGES, images, partial(an_epoch, *mnist), 1e-9, 0)


def an_epoch(x, labels, t, images):
    x, labels, t, batch = x[:images], labels[:images], t[:images], 100

    def of_textbook():
        np.random.seed(0)
        params, losses = TwoLayerNet(784, 50, 10).params, []
        for iteration in range(images // batch):
            chosen = np.random.choice(images, batch)
            plain.training_step(params, x[chosen], t[chosen])
            losses.append(plain.loss(params, x[chosen], labels[chosen]))
            if iteration == 0:
                plain.accuracy(params, x, labels)
                plain.accuracy(params, x[:100], labels[:100])
        return losses

    def ours():
        np.random.seed(0)
        trainer = Trainer(
            TwoLayerNet(784, 50, 10), x, t, x[:100], t[:100], epochs=1, mini_batch_size=batch,
            optimizer_param={"lr": 0.1}, verbose=False, progress=False,
        )
        trainer.train()
        return trainer.train_loss_list

    return {TEXTBOOK: Contender(of_textbook), **timing.twins(lambda: ours)}
