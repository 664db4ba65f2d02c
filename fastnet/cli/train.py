"""`fastnet train`: the program of the notes. Train the two-layer network on MNIST and save the results."""

import argparse
import csv
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from fastnet import Trainer, TwoLayerNet, get_backend, use_backend
from fastnet._files import replacing
from fastnet._streams import complain
from fastnet.cli import _arguments
from fastnet.mnist import CLASSES, load_mnist_as_bytes
from fastnet.optimizer import BY_NAME

WEIGHTS, HISTORY, PICTURE = "weights.npz", "history.csv", "training.png"
SGD_RATE = 0.1  # the book's rate for this program; the default of its SGD is another


def add_parser(commands: Any) -> None:
    """Add `train` to the commands."""
    parser = _arguments.add_command(
        commands,
        "train",
        run,
        help="train the two-layer network on MNIST",
        description="Train the two-layer network (784 inputs, sigmoid, 10 classes) on MNIST, by gradient descent on "
        "mini-batches. Ctrl-C stops early and saves the results so far.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--iterations", type=_arguments.count, metavar="N", default=10_000, help="number of mini-batches"
    )
    length.add_argument(
        "--epochs", type=_arguments.count, metavar="N", default=argparse.SUPPRESS,
        help="length of the training in passes over the data, in place of --iterations",
    )
    parser.add_argument("--batch-size", type=_arguments.count, metavar="N", default=100, help="images in a mini-batch")
    parser.add_argument(
        "--optimizer", type=str.lower, choices=BY_NAME, metavar="NAME", default="sgd",
        help=f"one of {', '.join(BY_NAME)}",
    )
    parser.add_argument(
        "--lr", type=_arguments.rate, metavar="RATE", default=argparse.SUPPRESS,
        help=f"learning rate (default: {SGD_RATE} for sgd, 0.001 for adam, 0.01 for the others)",
    )
    parser.add_argument("--hidden-size", type=_arguments.count, metavar="H", default=50, help="hidden units")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="dtype of the computation")
    parser.add_argument(
        "--gradient",
        choices=("backprop", "numerical"),
        default="backprop",
        help="backpropagation, or central differences, which give the same result but are much slower",
    )
    parser.add_argument(
        "--backend", choices=("cython", "numpy"), default=argparse.SUPPRESS,
        help="compiled kernels or NumPy alone (default: compiled where they are built)",
    )
    parser.add_argument(
        "--seed", type=_arguments.seed, metavar="S", default=argparse.SUPPRESS,
        help="numpy.random.seed, for a run that can be repeated (default: a new run every time)",
    )
    parser.add_argument(
        "--out", type=_arguments.path, metavar="DIR", default=argparse.SUPPRESS,
        help="where to save the run (default: the first unused name of fastnet-run-1, fastnet-run-2, ...)",
    )
    parser.add_argument("--force", action="store_true", help="allow --out DIR to replace the run in DIR")
    parser.add_argument("--quiet", action="store_true", help="print the last result only")


def run(args: argparse.Namespace) -> int:
    """Train, save, and print where the results are; return 130 if interrupted."""
    if "backend" in args:
        use_backend(args.backend)
    if "out" in args:
        _refuse_a_run(args.out, args.force)
    elif args.force:
        raise ValueError("--force is for a run in --out DIR; without --out, nothing is replaced")
    if "seed" in args:
        np.random.seed(args.seed)
    with _folder(args) as folder:
        return _train(args, folder)


def _train(args: argparse.Namespace, folder: Path) -> int:
    """Train, and save the results in `folder`."""
    (x_train, t_train), (x_test, t_test) = load_mnist_as_bytes()
    try:
        network = TwoLayerNet(x_train.shape[1], args.hidden_size, CLASSES, dtype=args.dtype)
    except MemoryError as error:
        raise MemoryError(f"--hidden-size {args.hidden_size} takes more memory than there is: {error}") from None
    rate = {"lr": args.lr} if "lr" in args else {"lr": SGD_RATE} if args.optimizer == "sgd" else {}
    optimizer = BY_NAME[args.optimizer](**rate)
    trainer = Trainer(
        network, x_train, t_train, x_test, t_test,
        mini_batch_size=args.batch_size,
        optimizer=optimizer,
        verbose=not args.quiet,
        progress=not args.quiet,
        gradient=args.gradient,
        **({"epochs": args.epochs} if "epochs" in args else {"iterations": args.iterations}),
    )
    if not args.quiet:
        print(
            f"{x_train.shape[1]}-{args.hidden_size}-{CLASSES}, {trainer.max_iter:,} iterations, "
            f"batch {args.batch_size}, {type(optimizer).__name__}, lr {optimizer.lr:g}, {args.dtype}, {args.gradient}, "
            f"backend {get_backend()}",
            flush=True,  # if nothing can be printed, fail now rather than after the training
        )
    interrupted = False
    try:
        trainer.train()
    except KeyboardInterrupt:
        interrupted = True
    except MemoryError as error:
        sizes = f"--batch-size {args.batch_size} and --hidden-size {args.hidden_size}"
        raise MemoryError(f"{sizes} take more memory than there is: {error}") from None
    done = len(trainer.train_loss_list)
    if not done:
        complain(f"{args.prog}: interrupted before the first iteration was done: nothing to keep")
        return 130

    losses, accuracies, epoch = trainer.train_loss_list, _accuracies(trainer), trainer.iter_per_epoch
    network.save(folder / WEIGHTS)
    _write_history(losses, accuracies, folder / HISTORY)
    accuracy = network.accuracy(x_test, t_test)
    del trainer, x_train, x_test  # matplotlib takes as much memory as the images: do not hold both
    _draw(losses, accuracies, epoch, folder / PICTURE)
    stopped = " (interrupted)" if interrupted else ""
    print(f"Test accuracy {accuracy:.4f} after {done:,} iterations{stopped}; kept in {folder}")
    if not args.quiet:
        print(f"  {WEIGHTS:<14}the parameters")
        print(f"  {HISTORY:<14}the loss of every iteration, the accuracies of every epoch")
        print(f"  {PICTURE:<14}their curves")
        weights = shlex.quote(str(folder / WEIGHTS))
        print("Next, look at its mistakes, or show it a digit of your own:")
        print(f"  fastnet predict {weights}")
        print(f"  fastnet predict {weights} digit.png")
    return 130 if interrupted else 0


def _refuse_a_run(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {folder} is a file, not a directory")
    held = [name for name in (WEIGHTS, HISTORY, PICTURE) if (folder / name).exists()]
    if held and not force:
        raise ValueError(f"--out {folder} holds a run ({', '.join(held)}): name another, or replace it with --force")


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
