"""`fastnet predict`: the predictions of a trained network, for the user's images or MNIST's test images."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fastnet import TwoLayerNet
from fastnet._files import replacing
from fastnet.cli import _arguments
from fastnet.images import SIZE, load_digit
from fastnet.mnist import CLASSES, load_mnist_as_bytes

PICTURE = "predictions.png"
SHOWN = 100  # digits in the picture


def add_parser(commands: Any) -> None:
    """Add `predict` to the commands."""
    parser = _arguments.add_command(
        commands,
        "predict",
        run,
        help="say which digit is in an image, or how well a network does on MNIST's test images",
        description="With images, print the predicted digit of each and the probabilities. Without images, print the "
        f"accuracy on MNIST's test images, and save a picture of the first {SHOWN}, with the wrong ones marked.",
    )
    parser.add_argument("weights", type=_arguments.path, metavar="WEIGHTS", help="a weights.npz of fastnet train")
    parser.add_argument(
        "images", type=_arguments.path, metavar="IMAGE", nargs="*",
        default=[],  # without it, errors call IMAGE required
        help="an image file with one digit, of any size, dark on light or light on dark",
    )
    parser.add_argument(
        "--out", type=_arguments.path, metavar="FILE",
        help=f"where to keep the picture (default: {PICTURE} beside WEIGHTS)",
    )


def run(args: argparse.Namespace) -> int:
    """Predict and print."""
    if args.images and args.out:
        raise ValueError("--out is for the picture of MNIST's test images, which is not made when images are given")
    network = TwoLayerNet.load(args.weights)
    D, C = network.params["W1"].shape[0], network.params["W2"].shape[1]
    if (D, C) != (SIZE * SIZE, CLASSES):
        raise ValueError(
            f"{args.weights} holds a network of {D} inputs and {C} classes, which does not see digits: "
            f"that takes {SIZE * SIZE} and {CLASSES}"
        )
    if args.images:
        # Read all images before printing: if one cannot be read, the whole command fails.
        for path, digit in [(path, load_digit(path)) for path in args.images]:
            y = network.predict(digit)
            print(f"{path}: {y.argmax()}")
            print("  " + "  ".join(f"{label}: {probability:.3f}" for label, probability in enumerate(y)))
    else:
        _show_test_images(network, args.out or args.weights.parent / PICTURE)
    return 0


def _show_test_images(network: TwoLayerNet, path: Path) -> None:
    from matplotlib.figure import Figure

    from fastnet.plotting import plot_predictions

    x, t = load_mnist_as_bytes()[1]
    predicted = network.predict(np.asarray(x)).argmax(axis=1)
    figure = Figure(figsize=(8, 8.6), layout="constrained")
    plot_predictions(x[:SHOWN], predicted[:SHOWN], t[:SHOWN], ax=figure.subplots())
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
    print(f"Test accuracy {network.accuracy(x, t):.4f}: {np.sum(predicted != t):,} of {len(t):,} digits are wrong.")
    print(f"{path} shows the first {SHOWN}, the wrong ones marked.")
