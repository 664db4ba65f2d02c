"""`fastnet train`: the program of the notes. Train a network on MNIST or on data of your own, and save the results."""

import argparse
import csv
import shlex
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from fastnet import Trainer, get_backend, use_backend
from fastnet._files import replacing
from fastnet._streams import complain
from fastnet.augmentation import Augmentation
from fastnet.cli import _arguments, _checkpoints, _networks
from fastnet.data._dataset import Dataset
from fastnet.data._loading import FORMATS, as_images, load_as_bytes, shuffled
from fastnet.mnist import CLASSES, SHAPE, load_mnist_as_bytes
from fastnet.networks.multi_layer_net import ACTIVATIONS
from fastnet.optimizer import BY_NAME

WEIGHTS, HISTORY, PICTURE = "weights.npz", "history.csv", "training.png"
SGD_RATE = 0.1  # the book's rate for this program; the default of its SGD is another
# The defaults of options that the parser leaves out if they are not typed: --resume takes those of the run.
DEFAULTS = {"network": "two-layer", "augment": False, "batch_size": 100, "gradient": "backprop"}
DIGITS = [str(digit) for digit in range(CLASSES)]
DIGIT_FORMS = 0.3  # of --augment: as the network that comes with fastnet
SHOWN = 10  # names of classes that are printed
OF_DATA = {"test_data": "--test-data", "label": "--label", "size": "--size"}  # what goes with --data alone


def add_parser(commands: Any) -> None:
    """Add `train` to the commands."""
    parser = _arguments.add_command(
        commands,
        "train",
        run,
        help="train a network on MNIST or on your own data",
        description="Train a network on mini-batches, by gradient descent. Without options, it is the two-layer "
        "network (784 inputs, sigmoid, 10 classes) on MNIST. Ctrl-C stops early and saves the results so far.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--network", choices=_networks.NETWORKS, default=argparse.SUPPRESS,
        help="the book's network: of chapter 4, with any number of layers (chapter 6), or convolutional (7 and 8) "
        f"(default: {DEFAULTS['network']})",
    )
    hidden = parser.add_mutually_exclusive_group()
    hidden.add_argument(
        "--hidden", type=_arguments.counts, metavar="H,H,...", default=argparse.SUPPRESS,
        help=f"hidden units; for multi-layer, of each hidden layer (default: {_default(_hidden)})",
    )
    hidden.add_argument(
        "--hidden-size", type=_arguments.one_count, dest="hidden", metavar="H", default=argparse.SUPPRESS,
        help="hidden units of one layer",
    )
    parser.add_argument(
        "--activation", choices=ACTIVATIONS, default=argparse.SUPPRESS,
        help=f"activation of multi-layer (default: {_networks.ACTIVATION})",
    )
    _add_data(parser)
    parser.add_argument(
        "--augment", action="store_true", default=argparse.SUPPRESS,
        help="train on pictures that are changed at random: turned, sheared, scaled, moved, bent, with thinner and "
        "thicker strokes. For handwriting, light on dark as in MNIST",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--iterations", type=_arguments.count, metavar="N", default=argparse.SUPPRESS,
        help=f"number of mini-batches (default: {_default(lambda choice: choice.iterations)})",
    )
    length.add_argument(
        "--epochs", type=_arguments.count, metavar="N", default=argparse.SUPPRESS,
        help="length of the training in passes over the data, in place of --iterations",
    )
    parser.add_argument(
        "--batch-size", type=_arguments.count, metavar="N", default=argparse.SUPPRESS,
        help=f"samples in a mini-batch (default: {DEFAULTS['batch_size']})",
    )
    parser.add_argument(
        "--optimizer", type=str.lower, choices=BY_NAME, metavar="NAME", default=argparse.SUPPRESS,
        help=f"one of {', '.join(BY_NAME)} (default: {_default(lambda choice: choice.optimizer)})",
    )
    parser.add_argument(
        "--lr", type=_arguments.rate, metavar="RATE", default=argparse.SUPPRESS,
        help=f"learning rate (default: {SGD_RATE} for sgd, 0.001 for adam, 0.01 for the others)",
    )
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default=argparse.SUPPRESS,
        help=f"dtype of the computation (default: {_default(lambda choice: choice.dtype)})",
    )
    parser.add_argument(
        "--gradient",
        choices=("backprop", "numerical"),
        default=argparse.SUPPRESS,
        help="backpropagation, or central differences, which give the same result but are much slower "
        f"(default: {DEFAULTS['gradient']})",
    )
    parser.add_argument(
        "--backend", choices=("cython", "numpy"), default=argparse.SUPPRESS,
        help="compiled kernels or NumPy alone (default: compiled where they are built)",
    )
    parser.add_argument(
        "--seed", type=_arguments.seed, metavar="S", default=argparse.SUPPRESS,
        help="numpy.random.seed, for a run that can be repeated (default: a new run every time). It also draws the "
        "test samples of --data, which are otherwise the same in every run",
    )
    parser.add_argument(
        "--out", type=_arguments.path, metavar="DIR", default=argparse.SUPPRESS,
        help="where to save the run (default: the first unused name of fastnet-run-1, fastnet-run-2, ...)",
    )
    parser.add_argument("--force", action="store_true", help="allow --out DIR to replace the run in DIR")
    parser.add_argument(
        "--checkpoint-every", type=_arguments.count, metavar="N", default=argparse.SUPPRESS,
        help="write a checkpoint after every N iterations, from which --resume goes on if the run is cut off (default: "
        f"at the end of every epoch, at most once in {_checkpoints.SECONDS:g} seconds)",
    )
    parser.add_argument(
        "--resume", action="store_true",
        help="go on with the run in --out DIR from its last checkpoint, with the options that it was begun with: the "
        "result is that of a run that was not cut off",
    )
    parser.add_argument("--quiet", action="store_true", help="print the last result only")


def _add_data(parser: Any) -> None:
    parser.add_argument(
        "--data", type=_arguments.path, metavar="PATH", default=argparse.SUPPRESS,
        help=f"your own data: {FORMATS} (default: MNIST)",
    )
    parser.add_argument(
        "--test-data", type=_arguments.path, metavar="PATH", default=argparse.SUPPRESS,
        help="your own test data (default: those in PATH, or else a sixth of the samples, drawn at random)",
    )
    parser.add_argument(
        "--label", metavar="COLUMN", default=argparse.SUPPRESS,
        help="the column of a table with the labels, by name or by number from 1 (default: label, or else the first)",
    )
    parser.add_argument(
        "--size", type=_arguments.size, metavar="HxW", default=argparse.SUPPRESS,
        help="resize the pictures of a folder to this height and width; or read the rows of a table as such pictures",
    )


def _default(of: Callable[[_networks.Choice], Any]) -> str:
    return _networks.defaults(of)


def _hidden(choice: _networks.Choice) -> str:
    return _networks.sizes(choice.hidden)


def run(args: argparse.Namespace) -> int:
    """Train, save, and print where the results are; return 130 if interrupted, and 1 if the training diverged."""
    checkpoint = None
    if args.resume:
        args, checkpoint = _resumed(args)
    args = argparse.Namespace(**{**DEFAULTS, **vars(args)})
    _networks.checked(args)
    if "backend" in args:
        use_backend(args.backend)
    args.backend = get_backend()  # the other one rounds otherwise: --resume needs the same
    if checkpoint is not None:
        pass  # the folder holds this run
    elif "out" in args:
        _refuse_a_run(args.out, args.force)
    elif args.force:
        raise ValueError("--force is for a run in --out DIR; without --out, nothing is replaced: leave it out")
    if "seed" in args:
        np.random.seed(args.seed)
    with _folder(args) as folder:
        return _train(args, folder, checkpoint)


def _resumed(args: argparse.Namespace) -> tuple[argparse.Namespace, _checkpoints.Checkpoint]:
    """Return the options of the run that goes on, and its last checkpoint."""
    if "out" not in args:
        raise ValueError("--resume needs --out DIR, the folder of the run that goes on")
    if args.force:
        raise ValueError("--force replaces the run that --resume goes on with: they do not go together")
    checkpoint = _checkpoints.newest(args.out)
    begun = _Silent()
    _add_options(begun)
    try:
        options = begun.parse_args(checkpoint.options)
    except ValueError as error:
        raise ValueError(
            f"{checkpoint.path} does not hold the options of a run: {error}. "
            "Begin a new run without --resume"
        ) from None
    return _checkpoints.merged(args, options, DEFAULTS), checkpoint


class _Silent(argparse.ArgumentParser):
    """A parser of options that nobody has typed just now."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _data(args: argparse.Namespace, choice: _networks.Choice) -> Dataset:
    """Return the data, in bytes where they are bytes, and in the shape that the network takes."""
    if "data" in args:
        data = load_as_bytes(
            args.data, test=getattr(args, "test_data", None), label=getattr(args, "label", None),
            size=getattr(args, "size", None), seed=getattr(args, "seed", 0),
        )
        if choice.evaluated is not None:  # the first samples stand for all, and those of a folder are in order
            data = shuffled(data)
        if not args.quiet:
            print(_described(data, args.data), flush=True)
    else:
        for name, option in OF_DATA.items():
            if name in args:
                raise ValueError(f"{option} is for your own data: it needs --data")
        (x_train, t_train), (x_test, t_test) = load_mnist_as_bytes()
        data = Dataset(x_train, t_train, x_test, t_test, DIGITS, SHAPE, 0.0)
    return as_images(data) if choice.takes_images else data


def _described(data: Dataset, path: Path) -> str:
    """Say what was read: how many samples of which shape and classes, and what was decided."""
    shape = " x ".join(map(str, data.input_shape))
    kind = f"pictures of {shape} pixels" if len(data.input_shape) == 2 else f"samples of {shape} numbers"
    names = ", ".join(data.classes[:SHOWN]) + (", ..." if len(data.classes) > SHOWN else "")
    lines = [
        f"{path}: {len(data.x_train):,} {kind} to train on, {len(data.x_test):,} to test with, "
        f"{len(data.classes)} classes: {names}",
        *(f"  {note}" for note in data.notes),
    ]
    return "\n".join(lines)


def _train(args: argparse.Namespace, folder: Path, checkpoint: _checkpoints.Checkpoint | None) -> int:
    """Train, and save the results in `folder`."""
    choice, hidden, activation = _networks.checked(args)
    data = _data(args, choice)
    dtype = getattr(args, "dtype", choice.dtype)
    try:
        network = choice.make(data, hidden, activation, dtype)
    except MemoryError as error:
        raise MemoryError(
            f"--hidden {_networks.sizes(hidden)} takes more memory than there is: {error}. "
            "Choose fewer units"
        ) from None
    network.classes, network.background = data.classes, data.background
    if not choice.takes_images:  # a convolutional network knows the shape
        network.input_shape = data.input_shape
    name = getattr(args, "optimizer", choice.optimizer)
    rate = {"lr": args.lr} if "lr" in args else {"lr": SGD_RATE} if name == "sgd" else {}
    optimizer = BY_NAME[name](**rate)
    iterations = getattr(args, "iterations", choice.iterations)
    summed = _checkpoints.checksum(data)
    if checkpoint is not None and checkpoint.data != summed:
        raise ValueError(f"the data have changed since the run in {folder} was begun: --resume needs the same")
    checkpoints = _checkpoints.Checkpoints(folder, args, summed)
    trainer = Trainer(
        network, data.x_train, data.t_train, data.x_test, data.t_test,
        mini_batch_size=args.batch_size,
        optimizer=optimizer,
        evaluate_sample_num_per_epoch=choice.evaluated,
        verbose=not args.quiet,
        progress=not args.quiet,
        gradient=args.gradient,
        augment=_augmentation(data, args.data if "data" in args else "MNIST") if args.augment else None,
        on_step=partial(_after_a_step, checkpoints),
        on_epoch=checkpoints.on_epoch,
        **({"epochs": args.epochs} if "epochs" in args else {"iterations": iterations}),
    )
    total = trainer.max_iter
    if checkpoint is None:
        checkpoints.discard()  # of the run that this one replaces
    else:
        checkpoints.resume(trainer, checkpoint)
    if not args.quiet:
        print(
            f"{_networks.described(network, hidden)}, {total:,} iterations, "
            f"batch {args.batch_size}, {type(optimizer).__name__}, lr {optimizer.lr:g}, {dtype}, {args.gradient}, "
            f"backend {get_backend()}{', augmented' if args.augment else ''}{_accuracies_of(choice)}",
            flush=True,  # if nothing can be printed, fail now rather than after the training
        )
        if checkpoint is not None:
            print(f"Going on after iteration {trainer.current_iter:,}, from {checkpoint.path}", flush=True)
    interrupted = False
    trainer.max_iter = total - trainer.current_iter
    try:
        if trainer.max_iter > 0:
            trainer.train()
        _go_back_if_diverged(trainer)
    except KeyboardInterrupt:
        interrupted = True
    except MemoryError as error:
        sizes = f"--batch-size {args.batch_size} and --hidden {_networks.sizes(hidden)}"
        raise MemoryError(f"{sizes} take more memory than there is: {error}. Choose smaller ones") from None
    done = len(trainer.train_loss_list)
    diverged = trainer._lost is not None
    if not done:
        complain(f"{args.prog}: interrupted before the first iteration was done: nothing to keep")
        return 130

    losses, accuracies, epoch = trainer.train_loss_list, _accuracies(trainer), trainer.iter_per_epoch
    with _held_back():  # a second Ctrl-C, soon after the first
        network.save(folder / WEIGHTS)
        _write_history(losses, accuracies, folder / HISTORY)
    accuracy = network.accuracy(data.x_test, data.t_test)
    del trainer, data  # matplotlib takes as much memory as the images: do not hold both
    try:
        _draw(losses, accuracies, epoch, folder / PICTURE)
    except KeyboardInterrupt:
        complain(f"{args.prog}: interrupted while {PICTURE} was drawn: {WEIGHTS} and {HISTORY} are kept in {folder}")
        return 130
    if not interrupted:
        checkpoints.discard()
    stopped = " (interrupted)" if interrupted else " (diverged)" if diverged else ""
    print(f"Test accuracy {accuracy:.4f} after {done:,} iterations{stopped}; kept in {folder}")
    if not args.quiet:
        print(f"  {WEIGHTS:<14}the parameters")
        print(f"  {HISTORY:<14}the loss of every iteration, the accuracies of every epoch")
        print(f"  {PICTURE:<14}their curves")
        weights = shlex.quote(str(folder / WEIGHTS))
        if "data" not in args:
            print("Next, look at its mistakes, or show it a digit of your own:")
            print(f"  fastnet predict {weights}")
            print(f"  fastnet predict {weights} digit.png")
        elif len(network.input_shape) > 1:
            print("Next, show it a picture of your own:")
            print(f"  fastnet predict {weights} picture.png")
        else:
            print(f"Next, in Python: fastnet.load_network({str(folder / WEIGHTS)!r}).predict(x)")
    return 130 if interrupted else 1 if diverged else 0


@contextmanager
def _held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block."""
    if threading.current_thread() is not threading.main_thread():  # it interrupts the main thread alone
        yield
        return
    came: list[Any] = []
    handler = signal.signal(signal.SIGINT, lambda *call: came.append(call))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
    if came and callable(handler):  # it may be ignored
        handler(*came[-1])


def _after_a_step(checkpoints: _checkpoints.Checkpoints, trainer: Trainer) -> None:
    """Stop a training that has been no better than guessing for an epoch; otherwise write a checkpoint if it is due."""
    if trainer._watch.is_pinned(trainer.train_loss_list, trainer.iter_per_epoch):
        last = trainer.current_iter - 1
        trainer._give_up(f"the loss is no better than guessing for an epoch, up to iteration {last}")
    else:
        checkpoints.on_step(trainer)


def _go_back_if_diverged(trainer: Trainer) -> None:
    """Give the network its last good parameters if the losses at the end are not finite, or no better than guessing."""
    trainer._warn_if_diverged()  # if nothing was left to do, `train` has not looked
    losses = trainer.train_loss_list
    if trainer._lost is None and trainer._watch.is_at_its_end(losses):
        trainer._give_up(f"the loss is {losses[-1]:.4g} at iteration {trainer.current_iter - 1}, the last")
        trainer._go_back()


def _augmentation(data: Dataset, name: Path | str) -> Augmentation:
    """Return how the pictures are changed; digits also get the strokes that MNIST's do not have."""
    if len(data.input_shape) < 2:
        raise ValueError(
            f"--augment changes pictures, and {name} holds samples of {data.input_shape[0]} numbers: "
            "leave it out"
        )
    rows, columns = data.input_shape[-2:]
    return Augmentation(digit_forms=DIGIT_FORMS if data.classes == DIGITS else 0.0, shape=(rows, columns))


def _accuracies_of(choice: _networks.Choice) -> str:
    """Say on how many samples the accuracies are measured, if not on all."""
    return f", accuracies of an epoch on {choice.evaluated:,} samples" if choice.evaluated else ""


def _refuse_a_run(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {folder} is a file, not a directory: name a directory")
    names = [name for name in (WEIGHTS, HISTORY, PICTURE) if (folder / name).exists()]
    checkpoints = _checkpoints.held(folder)
    if (names or checkpoints) and not force:
        goes_on = " go on with it by --resume," if checkpoints else ""
        held = ", ".join(names + checkpoints)
        raise ValueError(f"--out {folder} holds a run ({held}):{goes_on} name another, or replace it with --force")


@contextmanager
def _folder(args: argparse.Namespace) -> Iterator[Path]:
    """Make the folder for the results. If it is empty at the end, remove it, and the parents that it needed."""
    folder = args.out if "out" in args else _next_free_folder()
    made = [each for each in (folder, *folder.parents) if not each.exists()] if "out" in args else [folder]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # fail now rather than after the training
            pass
        yield folder
    finally:
        for each in made:
            with suppress(OSError):  # it is not empty
                each.rmdir()


def _next_free_folder() -> Path:
    number = 1
    while True:
        folder = Path(f"fastnet-run-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _accuracies(trainer: Trainer) -> dict[int, tuple[float, float]]:
    """Return the accuracies on the training and the test data, by the iteration of their measurement."""
    # An interrupt can leave one list longer than another.
    pairs = zip(trainer.train_acc_list, trainer.test_acc_list, strict=False)
    return dict(zip(trainer.evaluated_at, pairs, strict=False))


def _write_history(losses: list[float], accuracies: dict[int, tuple[float, float]], path: Path) -> None:
    with replacing(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["iteration", "train_loss", "train_accuracy", "test_accuracy"])
        for iteration, loss in enumerate(losses):
            writer.writerow([iteration, loss, *accuracies.get(iteration, ("", ""))])


def _draw(losses: list[float], accuracies: dict[int, tuple[float, float]], epoch: float, path: Path) -> None:
    """Draw the curves; an epoch has `epoch` iterations."""
    from matplotlib.figure import Figure

    from fastnet.plotting import plot_accuracy, plot_loss

    figure = Figure(figsize=(11, 4.2))
    # Fixed margins: a layout engine would draw everything twice to find them.
    left, right = figure.subplots(
        1, 2, gridspec_kw={"left": 0.06, "right": 0.99, "bottom": 0.12, "top": 0.92, "wspace": 0.16}
    )
    plot_loss(losses, ax=left)
    epochs = [iteration / epoch for iteration in accuracies]
    train_acc = [train for train, _ in accuracies.values()]
    test_acc = [test for _, test in accuracies.values()]
    plot_accuracy(epochs, train_acc, test_acc, ax=right)
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=120)
