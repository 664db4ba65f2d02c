"""Train the network that comes with fastnet, and write fastnet/data/network/digits.npz.

    OPENBLAS_NUM_THREADS=1 python tools/train_digit_network.py

The network is the book's DeepConvNet, with filters for images that it halves at once. It sees MNIST's training images,
changed at random by `fastnet.augmentation`, and images without a digit, for which every class is as probable as any
other. The same seed gives the same file on the same machine.
"""

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
from non_digits import non_digits

from fastnet import DeepConvNet, load_mnist
from fastnet.augmentation import Augmentation
from fastnet.functions import softmax
from fastnet.layers import Dropout
from fastnet.optimizer import Adam, CosineDecay

OUT = Path(__file__).resolve().parent.parent / "fastnet" / "data" / "network" / "digits.npz"
CLASSES = 10
NON_DIGITS = 1 / 3  # of the number of MNIST's images
SHARE = 0.15  # of the non-digits in a mini-batch
SMOOTHING = 0.02  # the probability that the targets leave to all classes alike
DIGIT_FORMS = 0.3
# The network sees no image twice, so it needs less dropout than the book's.
DROPPED = {"hidden units": 0.2, "scores": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=11)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--lr", type=float, default=2e-3, help="the first learning rate of Adam; it falls to 0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=60_000, help="train on the first images only, for a trial")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    train(args.out, args.epochs, args.batch_size, args.lr, args.seed, args.images)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


def untrained(random: np.random.Generator) -> DeepConvNet:
    halving = {"filter_num": 16, "filter_size": 4, "pad": 1, "stride": 2}
    same = {"filter_size": 3, "pad": 1, "stride": 1}
    return DeepConvNet(
        (1, 28, 28), halving, {**same, "filter_num": 16}, {**same, "filter_num": 32},
        {**same, "filter_num": 32, "pad": 2}, {**same, "filter_num": 64}, {**same, "filter_num": 64},
        hidden_size=50, output_size=CLASSES, dtype=np.float32, seed=random,
    )  # fmt: skip


def train(out: Path, epochs: int, batch_size: int, lr: float, seed: int, images: int) -> None:
    """Train, and write the network after every epoch."""
    (x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
    x_train, t_train = x_train[:images], t_train[:images]
    random = np.random.default_rng(seed)
    np.random.seed(seed)  # for dropout
    start = time.perf_counter()
    others = non_digits(round(NON_DIGITS * len(x_train)), random, x_train[:, 0], t_train)
    print(f"{len(others):,} images without a digit after {time.perf_counter() - start:.0f} s", flush=True)

    network, augment = untrained(random), Augmentation(digit_forms=DIGIT_FORMS)
    for layer, ratio in zip(dropouts(network), DROPPED.values(), strict=True):
        layer.dropout_ratio = ratio
    # One row for each digit, and one for what is none.
    targets = np.vstack([np.eye(CLASSES) * (1 - SMOOTHING) + SMOOTHING / CLASSES, np.full(CLASSES, 1 / CLASSES)])
    targets = targets.astype(np.float32)
    steps_per_epoch = max(1, len(x_train) // batch_size)
    optimizer = Adam(lr=CosineDecay(lr, epochs * steps_per_epoch))
    aside = round(SHARE * batch_size)
    for epoch in range(1, epochs + 1):
        losses = []
        for _ in range(steps_per_epoch):
            digits = random.integers(len(x_train), size=batch_size - aside)
            rest = random.integers(len(others), size=aside)
            x = np.concatenate([x_train[digits], others[rest, np.newaxis] / np.float32(255)])
            t = np.concatenate([t_train[digits], np.full(aside, CLASSES)])
            x, t = augment(x, t, random)
            optimizer.update(network.params, network.gradient(x, targets[t]))
            losses.append(float(network.last_layer.loss))
        with_the_books_dropout(network).save(out)
        shown = report(network, x_test, t_test)
        print(f"epoch {epoch}, {time.perf_counter() - start:.0f} s, loss {np.mean(losses):.4f}, {shown}", flush=True)


def dropouts(network: DeepConvNet) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, Dropout)]


def with_the_books_dropout(network: DeepConvNet) -> DeepConvNet:
    """Return a network with the dropout of every DeepConvNet that predicts the same.

    A dropout layer multiplies what it predicts from by the share that it keeps. So the last layer's parameters take on
    what these shares differ by.
    """
    same = copy.deepcopy(network)
    book = dropouts(DeepConvNet())
    units, scores = (
        (1 - ours.dropout_ratio) / (1 - books.dropout_ratio)
        for ours, books in zip(dropouts(network), book, strict=True)
    )
    same.params["W8"] *= np.float32(units * scores)
    same.params["b8"] *= np.float32(scores)
    same.classes = [str(digit) for digit in range(CLASSES)]
    return same


def report(network: DeepConvNet, x: Any, t: Any) -> str:
    y = softmax(np.concatenate([network.predict(x[i : i + 500]) for i in range(0, len(x), 500)]))
    return f"test accuracy {np.mean(y.argmax(axis=1) == t):.4f}, mean probability {y.max(axis=1).mean():.3f}"


if __name__ == "__main__":
    main()
