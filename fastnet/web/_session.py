"""The network of one tab: what it reads, why, and how it learns."""

import copy
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import Trainer, TwoLayerNet
from fastnet._checks import FloatArray
from fastnet.functions import sigmoid, sigmoid_grad

FRAME = 0.1  # seconds between two reports of a training
REST = 0.001  # seconds at least between two frames, in which another thread gets the lock
MOST_HIDDEN = 200  # the page draws each unit
ACCURACY_ON_EVERY = 5  # the accuracy is measured on every fifth test image, several times a second
OPTIMIZERS = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam")
GRADIENTS = ("backprop", "numerical")


@dataclass(frozen=True)
class Digits:
    """MNIST as all sessions share it: the images to train on, and some to measure the accuracy on."""

    x_train: Any
    t_train: npt.NDArray[Any]
    x_test: Any
    t_test: npt.NDArray[Any]

    @classmethod
    def load(cls) -> "Digits":
        from fastnet.mnist import load_mnist_as_bytes

        (x_train, t_train), (x_test, t_test) = load_mnist_as_bytes()
        return cls(x_train, t_train, x_test[::ACCURACY_ON_EVERY], t_test[::ACCURACY_ON_EVERY])


@dataclass(frozen=True)
class Settings:
    """How the page trains. Each value is checked when the settings are made."""

    lr: float
    optimizer: str
    gradient: str
    steps_per_second: float

    def __post_init__(self) -> None:
        refuse_other_than(self.optimizer, OPTIMIZERS, "optimizer")
        refuse_other_than(self.gradient, GRADIENTS, "gradient")
        refuse_outside(self.lr, 1e-6, 1e3, "lr")
        refuse_outside(self.steps_per_second, 1, 1e4, "steps_per_second")


def refuse_outside(value: Any, least: float, most: float, name: str) -> None:
    if type(value) not in (int, float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}, got {value!r}")


def refuse_other_than(value: Any, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


class Session:
    """A network that reads and learns. Its methods may be called from several threads."""

    def __init__(self, first: TwoLayerNet, digits: Digits) -> None:
        self._first, self._digits = first, digits
        self._lock = threading.Lock()  # held while the network is used or changed
        self._run: object | None = None  # the training that goes on; another object ends it
        self._network = copy.deepcopy(first)

    @property
    def is_training(self) -> bool:
        return self._run is not None

    def state(self) -> dict[str, Any]:
        """Return what the page shows of the network: the weights of its first layer, and its accuracy."""
        with self._lock:
            return self._shown()

    def begin_anew(self, hidden: int | None) -> dict[str, Any]:
        """Take a new network with random weights, or for None a copy of the first one; any training ends."""
        if hidden is not None and (type(hidden) is not int or not 1 <= hidden <= MOST_HIDDEN):
            raise ValueError(f"hidden must be an integer from 1 to {MOST_HIDDEN}, got {hidden!r}")
        with self._lock:
            self._run = None
            if hidden is None:
                self._network = copy.deepcopy(self._first)
            else:
                self._network = TwoLayerNet(784, hidden, 10, dtype=np.float32, seed=np.random.default_rng())
            return self._shown()

    def read(self, x: FloatArray, digit: int | None = None) -> dict[str, Any]:
        """Return how the network answers to one image `(784,)`, and why it gives `digit` its score.

        By default, `digit` is the most probable one.
        """
        with self._lock:
            trace = self._network.trace(x)
            chosen = int(trace["y"].argmax()) if digit is None else digit
            reasons = contributions(x, trace["a1"], self._network.params, chosen)
        return {
            "image": x, "hidden": trace["z1"], "probabilities": trace["y"], "digit": chosen, "reasons": reasons,
            "for": float(reasons[reasons > 0].sum()), "against": float(-reasons[reasons < 0].sum()),
        }  # fmt: skip

    def train(self, settings: Settings) -> Iterator[dict[str, Any]]:
        """Train with these settings until the training is ended, and report after every `FRAME`.

        It ends when `stop` or `begin_anew` is called, when the same tab begins another training, when the loss is no
        longer finite, or when the iterator is closed.
        """
        with self._lock:
            self._run = run = object()
            trainer = Trainer(
                self._network, self._digits.x_train, self._digits.t_train, optimizer=settings.optimizer,
                optimizer_param={"lr": settings.lr}, gradient=settings.gradient,  # type: ignore[arg-type]
                evaluate_sample_num_per_epoch=1, verbose=False, progress=False, seed=np.random.default_rng(),
            )  # fmt: skip
        return self._frames(run, trainer, settings.steps_per_second)

    def _frames(self, run: object, trainer: Trainer, steps_per_second: float) -> Iterator[dict[str, Any]]:
        pace = 1 / steps_per_second
        due = time.monotonic()  # when the next step is due
        try:
            while True:
                end = due + max(FRAME, pace)
                with self._lock:
                    while self._run is run and due < end and time.monotonic() < end:
                        trainer.train_step()
                        due += pace
                    if self._run is not run:
                        return
                    shown = self._shown()
                loss = float(np.mean(trainer.train_loss_list))
                trainer.train_loss_list.clear()  # a training may go on for hours
                yield {**shown, "step": trainer.current_iter, "loss": loss}
                if not math.isfinite(loss):
                    return
                time.sleep(max(REST, due - time.monotonic()))
                due = max(due, time.monotonic())
        finally:
            if self._run is run:
                self._run = None

    def end(self) -> None:
        """End the training, if one goes on."""
        self._run = None  # needs no lock: the training looks at it before each step

    def _shown(self) -> dict[str, Any]:
        accuracy = self._network.accuracy(self._digits.x_test, self._digits.t_test)
        W1 = self._network.params["W1"]
        return {"hidden": W1.shape[1], "weights": W1.T.ravel(), "accuracy": float(accuracy)}


def contributions(
    x: FloatArray, a1: FloatArray, params: dict[str, FloatArray], digit: int
) -> npt.NDArray[np.floating[Any]]:
    """Return how much each pixel of `x` `(D,)` spoke for `digit`, and below 0 against it.

    The score of a digit is its value in `a2` minus the mean of all ten, because softmax looks only at differences.
    From empty paper to `x`, ``s = x W1`` comes to the input of each hidden unit, which changes its output. Each pixel
    has the share ``x_i W1_ij / s_j`` in this change. So the contributions add up to the change of the score::

        v = W2[:, digit] - mean(W2)                        (H,)
        slope = (sigmoid(s + b1) - sigmoid(b1)) / s        (H,)
        contributions = x * (W1 (slope * v))               (D,)

    The slope is the mean of the sigmoid's derivative on the way. So these are the integrated gradients of
    M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", 2017.
    """
    v = params["W2"][:, digit] - params["W2"].mean(axis=1)
    s = np.float64(a1) - params["b1"]
    is_small = abs(s) < 1e-3  # the quotient would be rounding errors; the derivative there is as good
    change = sigmoid(np.float64(a1)) - sigmoid(np.float64(params["b1"]))
    slope = np.where(is_small, sigmoid_grad(np.float64(a1)), change / np.where(is_small, 1, s))
    return np.asarray(x * (params["W1"] @ (slope * v)))
