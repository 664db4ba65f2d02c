"""The book's training loop: mini-batches, an optimizer, and the accuracy once an epoch."""

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, Protocol

import numpy.typing as npt

from fastnet._checks import Seed, as_count, random_source, real_array
from fastnet._scaled import ScaledBytes, as_samples
from fastnet.networks.network import NoAccuracyError
from fastnet.optimizer import BY_NAME, RMSprop

_DEFAULT_PARAM: Mapping[str, Any] = {"lr": 0.01}


class Network(Protocol):
    """What the trainer needs of a network."""

    params: dict[str, Any]

    def loss(self, x: Any, t: Any) -> Any: ...
    def accuracy(self, x: Any, t: Any) -> float: ...
    def gradient(self, x: Any, t: Any) -> Mapping[str, Any]: ...
    def numerical_gradient(self, x: Any, t: Any) -> Mapping[str, Any]: ...


class Optimizer(Protocol):
    """What the trainer needs of an optimizer."""

    def update(self, params: Any, grads: Any) -> None: ...


class Trainer:
    """Train a network on mini-batches, and record the losses and accuracies.

    Every iteration draws a mini-batch with replacement, computes the gradient of its loss, lets the optimizer update
    the parameters, and records the loss of the same batch after the update. The accuracies on the training and the test
    data are measured after the first iteration of every epoch.

    Parameters
    ----------
    network : object
        A network such as `TwoLayerNet`, with ``params``, ``loss``, ``accuracy``, and ``gradient`` or
        ``numerical_gradient``, as the argument `gradient` says. It is trained in place.
    x_train, x_test : array_like, real
        The inputs ``(N, D)``, one sample in each row.
    t_train, t_test : array_like, real
        Their targets, as the network's ``loss`` takes them: one-hot or probabilities ``(N, C)``, or integer labels
        ``(N,)``; for a regression, numbers.
    epochs : int, default 20
        The number of epochs. In an epoch, the trainer draws as many samples as there are. `iterations` overrides it.
    mini_batch_size : int, default 100
        The number of samples in a mini-batch.
    optimizer : str or object, default "SGD"
        The name of an optimizer of `fastnet.optimizer`, in upper or lower case: SGD, Momentum, Nesterov, AdaGrad,
        RMSprop, Adam; or an object with ``update(params, grads)``.
    optimizer_param : dict, default {"lr": 0.01}
        The arguments for an optimizer that is given by name. As in the book, the default is the same for all
        optimizers. ``{}`` uses the optimizer's own default.
    evaluate_sample_num_per_epoch : int, optional
        Measure the accuracies of an epoch on this number of samples, the first ones; by default on all.
    verbose : bool, default True
        Print the book's lines: the loss of every iteration, but not with `progress`; the accuracies of every epoch; the
        test accuracy at the end.
    iterations : int, optional
        The number of iterations of `train`; by default, `epochs` determines it.
    gradient : {"backprop", "numerical"}, default "backprop"
        Whether to call the network's ``gradient`` or its ``numerical_gradient``.
    seed : int or numpy.random.Generator, optional
        Draws the mini-batches from a private generator. By default, NumPy's global generator draws them in the book's
        order, so `np.random.seed` reproduces a run of the book's program.
    progress : bool, default True
        Show a progress bar with the loss, the speed and the remaining time, in a terminal or a notebook.

    Attributes
    ----------
    train_loss_list : list of float
        The loss of every iteration.
    train_acc_list, test_acc_list : list of float
        The accuracies. They stay empty for a `MultiLayerNet` with the output "identity", which has no accuracy.
    evaluated_at : list of int
        The iteration, counted from 0, after which each accuracy was measured.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described above.

    Warns
    -----
    RuntimeWarning
        When the loss is no longer finite.

    Notes
    -----
    "Deep Learning from Scratch", chapter 4 and ``common/trainer.py``. As there, an epoch has
    ``N / mini_batch_size`` iterations, which may be a fraction. An epoch begins at an iteration whose number is a
    multiple of it. If the batch size does not divide N, this happens less often than once in N samples.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import Trainer, TwoLayerNet
    >>> random = np.random.default_rng(0)
    >>> x = random.normal(size=(200, 2))
    >>> t = (x[:, 0] * x[:, 1] > 0).astype(int)
    >>> network = TwoLayerNet(2, 10, 2, weight_init_std=1.0, seed=0)
    >>> trainer = Trainer(network, x[:100], t[:100], x[100:], t[100:], epochs=2000, mini_batch_size=50,
    ...                   optimizer_param={"lr": 1.0}, verbose=False, seed=0, progress=False)
    >>> trainer.train()
    >>> trainer.test_acc_list[-1] > 0.9
    True
    """

    def __init__(
        self,
        network: Network,
        x_train: npt.ArrayLike,
        t_train: npt.ArrayLike,
        x_test: npt.ArrayLike,
        t_test: npt.ArrayLike,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str | Optimizer = "SGD",
        optimizer_param: Mapping[str, Any] = _DEFAULT_PARAM,
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
        *,
        iterations: int | None = None,
        gradient: Literal["backprop", "numerical"] = "backprop",
        seed: Seed = None,
        progress: bool = True,
    ) -> None:
        if gradient not in ("backprop", "numerical"):
            raise ValueError(f"gradient must be 'backprop' or 'numerical', got {gradient!r}")
        self.gradient = gradient
        needed = ("params", "loss", "accuracy", "gradient" if gradient == "backprop" else "numerical_gradient")
        missing = [name for name in needed if not hasattr(network, name)]
        if missing:
            raise TypeError(f"network must have {', '.join(needed)}; {network!r} has no {', '.join(missing)}")
        self.network = network
        self.x_train, self.t_train = _pair(x_train, t_train, "train")
        self.x_test, self.t_test = _pair(x_test, t_test, "test")
        self.batch_size = as_count(mini_batch_size, "mini_batch_size")
        self.epochs = as_count(epochs, "epochs")
        self.iter_per_epoch = max(len(self.x_train) / self.batch_size, 1)
        self.max_iter = (
            int(self.epochs * self.iter_per_epoch) if iterations is None else as_count(iterations, "iterations")
        )
        self.optimizer = _optimizer(optimizer, optimizer_param)
        if evaluate_sample_num_per_epoch is not None:
            as_count(evaluate_sample_num_per_epoch, "evaluate_sample_num_per_epoch")
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        self.verbose = verbose
        self.progress = progress

        self.current_iter = 0
        self.current_epoch = 0
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []
        self.evaluated_at: list[int] = []
        self._random = random_source(seed)

    def train(self) -> None:
        """Train for all iterations. A second call continues for the same number of iterations.

        If the user interrupts it, the network and the lists keep the results so far.
        """
        if self.progress and (sys.stderr.isatty() or "ipykernel" in sys.modules):
            from tqdm.auto import tqdm

            with tqdm(total=self.max_iter, unit="it", dynamic_ncols=True) as bar:
                for _ in range(self.max_iter):
                    self._step(bar.write, show_loss=False)
                    bar.set_postfix_str(f"loss {self.train_loss_list[-1]:.4f}", refresh=False)
                    bar.update()
        else:
            for _ in range(self.max_iter):
                self._step(show_loss=not self.progress)
        if self.verbose:
            with suppress(NoAccuracyError):
                accuracy = self.network.accuracy(self.x_test, self.t_test)
                print("=============== Final Test Accuracy ===============")
                print(f"test acc:{accuracy}")

    def train_step(self) -> None:
        """Make one iteration of `train`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import Trainer, TwoLayerNet
        >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
        >>> trainer = Trainer(TwoLayerNet(4, 5, 3, seed=0), x, t, x, t, mini_batch_size=4, verbose=False, seed=0)
        >>> trainer.train_step()
        >>> len(trainer.train_loss_list)
        1
        """
        self._step()

    def _step(self, write: Callable[[str], Any] = print, show_loss: bool = True) -> None:
        """Make one iteration; `write` prints its lines, the one with the loss only if `show_loss`."""
        batch = self._random.choice(len(self.x_train), self.batch_size)
        x, t = self.x_train.take(batch, axis=0), self.t_train.take(batch, axis=0)
        network = self.network
        grads = network.gradient(x, t) if self.gradient == "backprop" else network.numerical_gradient(x, t)
        self.optimizer.update(network.params, grads)
        loss = float(network.loss(x, t))
        if not math.isfinite(loss) and math.isfinite(sum(self.train_loss_list[-1:])):
            warnings.warn(
                f"the loss is {loss} at iteration {self.current_iter}: the learning rate may be too large",
                RuntimeWarning,
                stacklevel=3,
            )
        self.train_loss_list.append(loss)
        if self.verbose and show_loss:
            write(f"train loss:{loss}")
        if self.current_iter % self.iter_per_epoch == 0:
            self._evaluate(write)
        self.current_iter += 1

    def _evaluate(self, write: Callable[[str], Any]) -> None:
        self.current_epoch += 1
        first = slice(self.evaluate_sample_num_per_epoch)
        try:
            train_acc = self.network.accuracy(self.x_train[first], self.t_train[first])
            test_acc = self.network.accuracy(self.x_test[first], self.t_test[first])
        except NoAccuracyError:
            return
        self.train_acc_list.append(train_acc)
        self.test_acc_list.append(test_acc)
        self.evaluated_at.append(self.current_iter)
        if self.verbose:
            write(f"=== epoch:{self.current_epoch}, train acc:{train_acc}, test acc:{test_acc} ===")


def _pair(
    x: npt.ArrayLike | ScaledBytes, t: npt.ArrayLike, part: str
) -> tuple[npt.NDArray[Any] | ScaledBytes, npt.NDArray[Any]]:
    inputs, labels = as_samples(x, f"x_{part}"), real_array(t, f"t_{part}")
    if inputs.ndim == 0 or labels.ndim == 0 or len(inputs) != len(labels) or len(inputs) == 0:
        raise ValueError(
            f"x_{part} and t_{part} must hold one row for each of the same samples, at least one; "
            f"got shapes {inputs.shape} and {labels.shape}"
        )
    return inputs, labels


def _optimizer(optimizer: str | Optimizer, param: Mapping[str, Any]) -> Optimizer:
    if not isinstance(param, Mapping):
        raise TypeError(f"optimizer_param must be a dict, got {param!r}")
    if not isinstance(optimizer, str):
        if isinstance(optimizer, type) or not callable(getattr(optimizer, "update", None)):
            raise TypeError(f"optimizer must be a name or an object with update(params, grads), got {optimizer!r}")
        if param is not _DEFAULT_PARAM:
            raise TypeError("optimizer_param is for an optimizer that is given by name; set up the object itself")
        return optimizer
    by_name = {**BY_NAME, "rmsprpo": RMSprop}  # the spelling in the programs of the book's Korean edition
    if optimizer.lower() not in by_name:
        names = ", ".join(each.__name__ for each in BY_NAME.values())
        raise ValueError(f"optimizer must be one of {names}, got {optimizer!r}")
    made: Optimizer = by_name[optimizer.lower()](**param)
    return made
