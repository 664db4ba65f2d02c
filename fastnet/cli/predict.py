"""`fastnet predict`: what a network reads in the user's pictures, or how well it does on MNIST's test images."""

import argparse
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet import load_network, load_pretrained
from fastnet._files import replacing
from fastnet._streams import complain
from fastnet.cli import _arguments
from fastnet.functions import softmax
from fastnet.images import SIZE, NoDigitError, find_digits
from fastnet.mnist import CLASSES, load_mnist_as_bytes
from fastnet.pretrained import BARE_IS_ONE, NO_DIGIT_BELOW, ROUND_IS_ZERO, UNSURE_BELOW, with_equal_odds

PICTURE = "predictions.png"
SHOWN = 100  # digits in the picture
NO_DIGIT = "?"
ANSWERS = 2  # that are printed for each digit
CHUNK = 1000  # digits that are predicted at a time
OTHER_POLARITY = 0.5  # of the range from black to white: backgrounds that differ by more are ink and paper exchanged
TURN = 8  # degrees: about as much as hands differ
DIGITS = [str(digit) for digit in range(CLASSES)]


class Page(NamedTuple):
    """A picture of the user's: the inputs `(N, D)` that a network sees, and the boxes of digits, if it reads those."""

    path: Path
    inputs: npt.NDArray[np.float32]
    boxes: list[tuple[int, int, int, int]]
    bare: list[bool]  # whether each digit is one straight stroke


def add_parser(commands: Any) -> None:
    """Add `predict` to the commands."""
    parser = _arguments.add_command(
        commands,
        "predict",
        run,
        help="say which digits are in a picture, or how well a network does on MNIST's test images",
        description="With pictures, print the two most probable answers for each digit, and whether the network is "
        f"unsure: if the first has a probability below {UNSURE_BELOW}. The network that comes with fastnet sees each "
        "digit three times, also turned a little. Its probabilities are those of marks of which half are no digits: "
        f"what has less than {NO_DIGIT_BELOW} is no digit. Beside such marks, the others on a page get lower "
        "probabilities still. Without pictures, print the accuracy on MNIST's test images, and save a picture of the "
        f"first {SHOWN}, with the wrong ones marked.",
    )
    parser.add_argument(
        "files", type=_arguments.path, metavar="FILE", nargs="*",
        default=[],  # without it, errors call FILE required
        help="image files, with one digit or many, dark on light or light on dark. The first FILE may be a weights.npz "
        "of fastnet train, which is known by its content; without it, the network that comes with fastnet reads. For "
        "a network of other inputs than digits, pictures are only resized",
    )
    parser.add_argument(
        "--out", type=_arguments.path, metavar="PNG",
        help="where to keep a picture: of the digits' boxes in the one image file, or of MNIST's test images (default: "
        f"{PICTURE} beside the weights)",
    )


def run(args: argparse.Namespace) -> int:
    """Predict and print."""
    given = bool(args.files) and is_weights(args.files[0])
    weights = args.files[0] if given else None
    paths = args.files[1:] if given else args.files
    if misplaced := [path for path in paths if path.suffix == ".npz"]:
        raise ValueError(f"{misplaced[0]} holds weights: name one such file, and before the pictures")
    if folders := [path for path in paths if path.is_dir()]:
        raise ValueError(f"{folders[0]} is a folder: name the pictures in it, such as {folders[0] / '*.png'}")
    if args.out and len(paths) > 1:
        raise ValueError(f"--out makes a picture of one image file, got {len(paths)}: name one")
    network = load_network(weights) if weights else load_pretrained()
    if not paths:
        if not reads_digits(network):
            raise ValueError(
                f"{weights} holds {described(network)}, which does not see MNIST's digits: "
                "name the pictures to read, too"
            )
        _show_test_images(network, given, args.out or (weights.parent if weights else Path()) / PICTURE)
        return 0
    if args.out and not reads_digits(network):
        raise ValueError(
            f"--out shows where digits are, and {weights} holds {described(network)}, which are no digits: "
            "leave it out"
        )
    pages, refused = read_pages(network, paths)
    # All pictures are read before anything is printed: if a file cannot be read, the whole command fails.
    read = probabilities if given else mean_probabilities
    y = read(network, np.concatenate([page.inputs for page in pages])) if pages else np.empty((0, 1))
    if not given:
        y = with_equal_odds(y)
        is_bare = np.array([bare for page in pages for bare in page.bare], bool)
        # Many another line looks like a 1, and the letter O like a 0.
        y = with_doubt(y, np.select([is_bare, y.argmax(axis=1) == 0], [1 - BARE_IS_ONE, 1 - ROUND_IS_ZERO]))
    names = class_names(network, y.shape[1])
    least = 0.0 if given else NO_DIGIT_BELOW  # another network has not learned what no digit is
    answers = np.split(y, np.cumsum([len(page.inputs) for page in pages])[:-1]) if pages else []
    for page, rows in zip(pages, answers, strict=True):
        is_digit = rows.max(axis=1) >= least
        if not is_digit.any():
            refused.append(
                f"{page.path}: no digit found: what stands out looks like none of the digits (digits that touch are "
                "taken for one)"
            )
        else:
            # Half of all marks are no digits, but pages differ: beside letters, what looks like a digit is probably a
            # letter too. This only lowers what is printed: which marks are no digits is settled.
            print_answers(page, with_doubt(rows, np.mean(~is_digit)), is_digit, names)
    for message in refused:
        complain(f"fastnet predict: error: {message}")
    if args.out and pages:
        _show_boxes(pages[0], answers_of(answers[0], answers[0].max(axis=1) >= least, names), args.out)
    return 1 if refused else 0


def is_weights(path: Path) -> bool:
    """Whether a file is a network's, which is a zip archive inside, as no image is."""
    return path.suffix == ".npz" or (path.is_file() and zipfile.is_zipfile(path))


def reads_digits(network: Any) -> bool:
    """Whether a network's inputs are MNIST's, and its classes the digits."""
    return (
        inputs_of(network) == SIZE * SIZE
        and outputs_of(network) == CLASSES
        and (network.classes is None or list(network.classes) == DIGITS)
    )


def inputs_of(network: Any) -> int:
    return int(np.prod(shape_of_input(network)))


def shape_of_input(network: Any) -> tuple[int, ...]:
    """Return the shape that `predict` takes for one input."""
    W1 = network.params["W1"]
    return (len(W1),) if W1.ndim == 2 else tuple(network.input_shape)


def outputs_of(network: Any) -> int:
    last = max(int(name[1:]) for name in network.params if name[0] == "b" and name[1:].isdecimal())
    return len(network.params[f"b{last}"])


def described(network: Any) -> str:
    return f"a network of {inputs_of(network)} inputs and {outputs_of(network)} classes"


def class_names(network: Any, count: int) -> list[str]:
    return list(network.classes) if network.classes is not None else [str(label) for label in range(count)]


def read_pages(network: Any, paths: list[Path]) -> tuple[list[Page], list[str]]:
    """Read the pictures as the network sees them. Return also why some show no digit."""
    if not reads_digits(network):
        return [Page(path, resized(path, network), [], []) for path in paths], []
    pages, refused = [], []
    for path in paths:
        try:
            digits = find_digits(path)
        except NoDigitError as error:
            refused.append(str(error))
        else:
            inputs = as_trained(network, np.stack([digit.pixels for digit in digits]))
            pages.append(Page(path, inputs, [digit.box for digit in digits], [digit.is_bare for digit in digits]))
    return pages, refused


def as_trained(network: Any, digits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return light digits on dark, as MNIST's, dark on light if the network was trained on such."""
    return 1 - digits if is_light(network.background) else digits


def is_light(background: float | None) -> bool:
    return background is not None and background > 0.5


def resized(path: Path, network: Any) -> npt.NDArray[np.float32]:
    """Return a picture as `fastnet train --data` shows pictures to a network: its luminance, resized."""
    from fastnet.data._pictures import luminance

    shape = network.input_shape or shape_of_input(network)
    side = round(inputs_of(network) ** 0.5)
    size = (shape[-2], shape[-1]) if len(shape) > 1 else (side, side)
    if size[0] * size[1] != inputs_of(network):
        raise ValueError(
            f"{path} cannot be shown to {described(network)}, which are not those of a gray image: "
            "give the weights of a network for such images"
        )
    picture = np.asarray(luminance(path, size) / 255, np.float32)
    if is_other_polarity(picture, network.background):
        complain(
            f"fastnet predict: note: {path} has a {'light' if network.background < 0.5 else 'dark'} background, other "
            "than the pictures that the network learned from: it is shown inverted"
        )
        picture = 1 - picture
    return picture.reshape(1, -1)


def is_other_polarity(picture: npt.NDArray[np.float32], background: float | None) -> bool:
    """Whether the background of a picture is light where that of the training was dark, or the other way round."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return background is not None and abs(float(np.median(border)) - background) > OTHER_POLARITY


def probabilities(network: Any, inputs: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return the probabilities `(N, C)` of all classes. Some networks predict them, some predict scores."""
    x = inputs.reshape(-1, *shape_of_input(network))
    y = np.concatenate([network.predict(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)])
    if not np.isfinite(y).all():
        raise ValueError(
            "the network answers NaN or infinity: its training has probably diverged: "
            "train it again with a smaller --lr"
        )
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(
            f"the network predicts one number for each picture, and no classes: {described(network)}. "
            "Give the weights of one that was trained on classes"
        )
    are_probabilities = (y >= 0).all() and (abs(y.sum(axis=1) - 1) < 1e-3).all()
    return y if are_probabilities else softmax(y)


def mean_probabilities(network: Any, inputs: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return the mean probabilities of MNIST-like images as they are, and turned a little either way.

    Where the network errs, the turned images often disagree: fewer answers are wrong, and those have a lower
    probability.
    """
    from scipy import ndimage

    images = inputs.reshape(-1, SIZE, SIZE)
    turned = [ndimage.rotate(images, angle, axes=(1, 2), reshape=False, order=1) for angle in (-TURN, TURN)]
    return np.asarray(np.mean([probabilities(network, x.reshape(inputs.shape)) for x in (images, *turned)], axis=0))


def with_doubt(y: npt.NDArray[Any], doubt: Any) -> npt.NDArray[Any]:
    """Return the probabilities if each row is, with the probability `doubt`, anything but a digit."""
    doubt = np.broadcast_to(doubt, len(y))[:, np.newaxis]
    return np.asarray((1 - doubt) * y + doubt / y.shape[1])


def answers_of(y: npt.NDArray[Any], is_digit: npt.NDArray[np.bool_], names: list[str]) -> list[str]:
    """Return the name of the most probable class of each mark, or a question mark if it is no digit."""
    return [names[row.argmax()] if is_one else NO_DIGIT for row, is_one in zip(y, is_digit, strict=True)]


def print_answers(page: Page, y: npt.NDArray[Any], is_digit: npt.NDArray[np.bool_], names: list[str]) -> None:
    """Print what is in a picture: the best answers, then for each mark the two best, or that it is no digit."""
    print(f"{page.path}: {' '.join(answers_of(y, is_digit, names))}")
    for row, is_one in zip(y, is_digit, strict=True):
        best = np.argsort(-row, kind="stable")[:ANSWERS]
        answers = "  ".join(f"{names[label]}: {row[label]:.3f}" for label in best)
        doubt = "  unsure" if row.max() < UNSURE_BELOW else ""
        print(f"  {answers}{doubt}" if is_one else "  no digit")


def _show_boxes(page: Page, answers: list[str], path: Path) -> None:
    from matplotlib.figure import Figure

    from fastnet.plotting import plot_boxes

    figure = Figure(figsize=(8, 8), layout="constrained")
    plot_boxes(page.path, boxes=page.boxes, names=answers, ax=figure.subplots())
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
    print(f"{path} shows where they are.")


def _show_test_images(network: Any, given: bool, path: Path) -> None:
    from matplotlib.figure import Figure

    from fastnet.plotting import plot_predictions

    x, t = load_mnist_as_bytes()[1]
    read = probabilities if given else mean_probabilities
    predicted = read(network, as_trained(network, np.asarray(x))).argmax(axis=1)
    figure = Figure(figsize=(8, 8.6), layout="constrained")
    plot_predictions(x[:SHOWN], predicted[:SHOWN], t[:SHOWN], ax=figure.subplots())
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
    print(f"Test accuracy {np.mean(predicted == t):.4f}: {np.sum(predicted != t):,} of {len(t):,} digits are wrong.")
    print(f"{path} shows the first {SHOWN}, the wrong ones marked.")
