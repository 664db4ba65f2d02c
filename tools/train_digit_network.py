"""Train the network that comes with fastnet, and write fastnet/data/network/digits.npz.

    OPENBLAS_NUM_THREADS=1 python tools/train_digit_network.py

It takes about half an hour of a processor.

The network is the book's DeepConvNet, in float32. It sees MNIST's training images, changed at random by
`fastnet.augmentation`, and images without a digit, for which every class is as probable as any other. Most of these
show letters. Where a letter is written like a digit, the same image is sometimes that digit and sometimes none, and the
network learns how often. Some digits are drawn as the letters are, so that the pen does not tell which is which. Then
the network sees the images changed less: it has learnt what other hands write, and now learns the details of most
digits. The same seed gives the same file on the same machine.
"""

import argparse
import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from handwriting import handwritten_digits
from letters import as_bytes
from non_digits import non_digits

from fastnet import DeepConvNet, load_mnist, load_network
from fastnet.augmentation import Augmentation
from fastnet.functions import softmax
from fastnet.layers import Dropout
from fastnet.optimizer import Adam, CosineDecay
from fastnet.pretrained import DIGITS_SHOWN, SMOOTHING

OUT = Path(__file__).resolve().parent.parent / "fastnet" / "data" / "network" / "digits.npz"
CLASSES = 10
DRAWN = 1 / 2  # of the number of MNIST's images: so many are drawn
DIGITS = 0.2  # of the drawn images show a digit; the others show none
SHARE = (1 - DIGITS_SHOWN) / (1 - DIGITS)  # of the drawn images in a mini-batch
FEWEST_IMAGES = 40  # MNIST's first 40 show every digit: `turned` makes non-digits of most
# Each part of the training: the epochs, the first learning rate of Adam, which falls to 0, and the changes.
STRONG = 14, 2e-3, Augmentation(digit_forms=0.3)
GENTLE = 18, 1e-3, Augmentation(
    rotation=8, shear=0.15, scale=0.1, shift=1.2, bend=0.5, stroke_width=(1.7, 3.5), unclean=0.08, digit_forms=0.08
)
# The network sees no image twice, so it needs less dropout than the book's.
DROPPED = {"hidden units": 0.2, "scores": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, help="of each part, for a trial")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=60_000, help="train on the first images only, for a trial")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    if args.images < FEWEST_IMAGES:
        parser.error(f"argument --images: got {args.images}, wanted {FEWEST_IMAGES} or more: fewer may lack a digit")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    train(lambda random: DeepConvNet(dtype=np.float32, seed=random), STRONG, np.random.default_rng(args.seed), args)
    written = without_the_books_dropout(load_network(args.out))
    train(lambda _: written, GENTLE, np.random.default_rng(args.seed + 1), args)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


def train(
    start: Callable[[np.random.Generator], DeepConvNet],
    part: tuple[int, float, Augmentation],
    random: np.random.Generator,
    args: argparse.Namespace,
) -> None:
    """Train what `start` makes, and write the network after every epoch."""
    epochs, lr, augment = part
    epochs = args.epochs or epochs
    (x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
    x_train, t_train = x_train[: args.images], t_train[: args.images]
    np.random.seed(args.seed)  # for dropout
    begin = time.perf_counter()
    drawn, kinds = drawn_images(round(DRAWN * len(x_train)), random, x_train[:, 0], t_train)
    print(f"{len(drawn):,} images drawn after {time.perf_counter() - begin:.0f} s", flush=True)

    network = start(random)
    for layer, ratio in zip(dropouts(network), DROPPED.values(), strict=True):
        layer.dropout_ratio = ratio
    targets = np.full((CLASSES + 1, CLASSES), 1 / CLASSES, np.float32)  # the last row is for what is no digit
    targets[:CLASSES] = (1 - SMOOTHING) * np.eye(CLASSES) + SMOOTHING / CLASSES
    steps_per_epoch = max(1, len(x_train) // args.batch_size)
    optimizer = Adam(lr=CosineDecay(lr, epochs * steps_per_epoch))
    aside = round(SHARE * args.batch_size)
    for epoch in range(1, epochs + 1):
        losses = []
        for _ in range(steps_per_epoch):
            digits = random.integers(len(x_train), size=args.batch_size - aside)
            rest = random.integers(len(drawn), size=aside)
            x = np.concatenate([x_train[digits], drawn[rest, np.newaxis] / np.float32(255)])
            t = np.concatenate([t_train[digits], kinds[rest]])
            x, t = augment(x, t, random)
            optimizer.update(network.params, network.gradient(x, targets[t]))
            losses.append(float(network.last_layer.loss))
        with_the_books_dropout(network).save(args.out)
        shown = report(network, x_test, t_test)
        print(f"epoch {epoch}, {time.perf_counter() - begin:.0f} s, loss {np.mean(losses):.4f}, {shown}", flush=True)


def drawn_images(count: int, random: np.random.Generator, digits: Any, labels: Any) -> tuple[Any, Any]:
    """Return drawn images, and which row of the targets is theirs."""
    written, which = handwritten_digits(round(DIGITS * count), random)
    rest = non_digits(count - len(written), random, digits, labels)
    return np.concatenate([as_bytes(written), rest]), np.concatenate([which, np.full(len(rest), CLASSES)])


def dropouts(network: DeepConvNet) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, Dropout)]


def with_the_books_dropout(network: DeepConvNet) -> DeepConvNet:
    """Return a network with the dropout of every DeepConvNet that predicts the same.

    A dropout layer multiplies what it predicts from by the share that it keeps. So the last layer's parameters take on
    what these shares differ by.
    """
    units, scores = factors()
    same = copy.deepcopy(network)
    same.params["W8"] *= np.float32(units * scores)
    same.params["b8"] *= np.float32(scores)
    same.classes = [str(digit) for digit in range(CLASSES)]
    return same


def without_the_books_dropout(network: Any) -> DeepConvNet:
    """Return the network of which `with_the_books_dropout` made this one."""
    units, scores = factors()
    network.params["W8"] /= np.float32(units * scores)
    network.params["b8"] /= np.float32(scores)
    same: DeepConvNet = network
    return same


def factors() -> tuple[float, float]:
    """Return by what the training keeps more than the book's network, of the hidden units and of the scores."""
    book = [layer.dropout_ratio for layer in dropouts(DeepConvNet())]
    units, scores = ((1 - ours) / (1 - books) for ours, books in zip(DROPPED.values(), book, strict=True))
    return units, scores


def report(network: DeepConvNet, x: Any, t: Any) -> str:
    y = softmax(np.concatenate([network.predict(x[i : i + 500]) for i in range(0, len(x), 500)]))
    return f"test accuracy {np.mean(y.argmax(axis=1) == t):.4f}, mean probability {y.max(axis=1).mean():.3f}"


if __name__ == "__main__":
    main()
