"""The book's training loop: mini-batches, an optimizer, and the accuracy once an epoch."""

import copy
import math
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.random import mtrand

from fastnet import _html
from fastnet._checks import FloatArray, RandomSource, Seed, as_count, random_source, refuse_parameters_not_finite
from fastnet._streams import print_line, progress
from fastnet._training.data import samples_of, training_samples, validation_samples
from fastnet._training.divergence import Watch, are_finite, is_time, recent
from fastnet._training.early_stopping import Best, EarlyStopping
from fastnet._warnings import warn_caller
from fastnet.networks.network import NoAccuracyError
from fastnet.optimizer import BY_NAME, RMSprop

Hook: TypeAlias = Callable[["Trainer"], object]
Augment: TypeAlias = Callable[[Any, Any, Any], tuple[Any, Any]]

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
    data are measured after the first iteration of every epoch, as in the book. The loss and the accuracy on the
    validation data are measured at the end of every epoch, which is when N more samples have been drawn.

    Parameters
    ----------
    network : object
        A network such as `TwoLayerNet`, with ``params``, ``loss``, ``accuracy``, and ``gradient`` or
        ``numerical_gradient``, as the argument `gradient` says. It is trained in place.
    x_train : array_like, real
        The inputs ``(N, D)``, one sample in each row, without NaN and infinity; for a convolutional network, images
        ``(N, C, H, W)``.
    t_train : array_like, real
        Their targets, as the network's ``loss`` takes them: one-hot or probabilities ``(N, C)``, or integer labels
        ``(N,)``; for a regression, numbers.
    x_test, t_test : array_like, real, optional
        Inputs ``(M, D)`` and targets of the same kind, to measure the accuracy on. Without them, there is no test
        accuracy.
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
    validation : float or pair of array_like, optional
        Data on which the loss and the accuracy are measured at the end of every epoch: a pair of inputs ``(M, D)`` and
        targets; or a share of the training data between 0 and 1, which is drawn at random and taken out of them.
    early_stopping : int, optional
        Stop after this number of epochs without a lower loss on the validation data. When `train` ends, the network
        gets the parameters with the lowest one, for whatever reason it ends, and the running statistics of batch
        normalization that belong to them.
    sample_weight : array_like, real, optional
        The weight of each training sample ``(N,)``: finite, at least 0, not all 0. A sample of weight 2 is drawn twice
        as often as one of weight 1, and one of weight 0 never. The losses of the mini-batches and the accuracies have
        no weights. A share for `validation` is drawn from the samples with weights above 0, all alike, and its loss is
        weighted: the network's ``loss`` must take the argument ``sample_weight`` for this.
    augment : callable, optional
        A function ``augment(x, t, random)`` that returns what to train on in place of a mini-batch: inputs and targets.
        ``random`` is the generator that draws the mini-batches. For images of handwriting, an
        `fastnet.augmentation.Augmentation`. The loss of an iteration is that of the changed batch; the accuracies and
        the validation use the data as they are.
    on_step, on_epoch : callable, optional
        Functions that `train` calls with the trainer: after every iteration; and at the end of every epoch, after the
        validation. They can read the lists, set ``trainer.optimizer.lr``, and call `stop`.

    Attributes
    ----------
    train_loss_list : list of float
        The loss of every iteration.
    train_acc_list, test_acc_list : list of float
        The accuracies. They stay empty for a `MultiLayerNet` with the output "identity", which has no accuracy.
    evaluated_at : list of int
        The iteration, counted from 0, after which each of these accuracies was measured.
    val_loss_list, val_acc_list : list of float
        The losses and accuracies on the validation data.
    validated_at : list of int
        The iteration, counted from 0, after which each of them was measured.
    x_train, t_train : ndarray
        The samples to train on, ``(N, D)`` and as above: without those for validation and those of weight 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described above; the error names the first NaN or infinity in the data.

    Warns
    -----
    RuntimeWarning
        When the loss is no longer finite; if a parameter is not finite either, `train` ends after this iteration, and
        the network gets its last good parameters back. And once, when a classifier is no better than guessing although
        its parameters have become much larger.

    Notes
    -----
    "Deep Learning from Scratch", chapter 4 and ``common/trainer.py``. As there, an epoch has
    ``N / mini_batch_size`` iterations, which may be a fraction. The accuracies are measured at the iterations whose
    number is a multiple of it. If the batch size does not divide N, this happens less often than once in N samples.

    The validation and `on_epoch` do not depend on this. They come after an iteration if, with it, the number of samples
    drawn reaches or passes a multiple of N; and once more when `train` ends within an epoch.

    A copy or a pickle of a trainer continues exactly where the trainer was. If that uses NumPy's global generator, the
    copy has a generator of its own, in the same state.

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

    _write: Callable[[str], None] | None = None  # prints the lines while `train` runs

    def __init__(
        self,
        network: Network,
        x_train: npt.ArrayLike,
        t_train: npt.ArrayLike,
        x_test: npt.ArrayLike | None = None,
        t_test: npt.ArrayLike | None = None,
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
        validation: float | tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        early_stopping: int | None = None,
        sample_weight: npt.ArrayLike | None = None,
        augment: Augment | None = None,
        on_step: Hook | None = None,
        on_epoch: Hook | None = None,
    ) -> None:
        if gradient not in ("backprop", "numerical"):
            raise ValueError(f"gradient must be 'backprop' or 'numerical', got {gradient!r}")
        self.gradient = gradient
        needed = ("params", "loss", "accuracy", "gradient" if gradient == "backprop" else "numerical_gradient")
        missing = [name for name in needed if not hasattr(network, name)]
        if missing:
            raise TypeError(f"network must have {', '.join(needed)}; {network!r} has no {', '.join(missing)}")
        self.network = network
        self._random = random_source(seed)
        samples = training_samples(x_train, t_train, sample_weight)
        samples, self._validation = validation_samples(samples, validation, self._random)
        self.x_train, self.t_train, self.sample_weight = samples
        self._shares_up_to = None if samples.weight is None else _shares_up_to(samples.weight)
        self.train_size = len(self.x_train)
        if (x_test is None) != (t_test is None):
            raise ValueError(f"x_test and t_test go together, but {'x_test' if x_test is None else 't_test'} is None")
        tested = None if x_test is None or t_test is None else samples_of(x_test, t_test, "test")
        self.x_test = None if tested is None else tested.x
        self.t_test = None if tested is None else tested.t
        self.batch_size = as_count(mini_batch_size, "mini_batch_size")
        self.epochs = as_count(epochs, "epochs")
        self.iter_per_epoch = max(self.train_size / self.batch_size, 1)
        self.max_iter = (
            int(self.epochs * self.iter_per_epoch) if iterations is None else as_count(iterations, "iterations")
        )
        self.optimizer = _optimizer(optimizer, optimizer_param)
        if evaluate_sample_num_per_epoch is not None:
            as_count(evaluate_sample_num_per_epoch, "evaluate_sample_num_per_epoch")
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        if early_stopping is not None and validation is None:
            raise ValueError("early_stopping compares the losses on validation data: it needs validation")
        self._early_stopping = (
            None if early_stopping is None else EarlyStopping(as_count(early_stopping, "early_stopping"))
        )
        if augment is not None and not callable(augment):
            raise TypeError(f"augment must be a function that takes x, t and a generator, got {augment!r}")
        self._augment = augment
        self._on_step, self._on_epoch = _hook(on_step, "on_step"), _hook(on_epoch, "on_epoch")
        self.verbose = verbose
        self.progress = progress

        self.current_iter = 0
        self.current_epoch = 0
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []
        self.evaluated_at: list[int] = []
        self.val_loss_list: list[float] = []
        self.val_acc_list: list[float] = []
        self.validated_at: list[int] = []
        self._watch = Watch(network, self.x_train, self.t_train, self.sample_weight)
        self._is_stopped = False
        self._good = Best()  # where the training goes back to if it diverges
        self._good_after = 0  # iterations
        self._lost: str | None = None  # what shows that it has diverged beyond repair

    def __repr__(self) -> str:
        try:
            return f"<{self._summary()}: {self.network!r}>"
        except Exception:  # a program may have broken it: then the repr must help to find out how
            return object.__repr__(self)

    def _repr_html_(self) -> str | None:
        try:
            show_network = getattr(self.network, "_repr_html_", lambda: None)
            shown = _html.paragraph(self._summary()) + (show_network() or _html.paragraph(repr(self.network)))
            if self.train_loss_list:
                from fastnet.plotting._inline import history_svg  # matplotlib takes its time

                shown += history_svg(self)
            return shown
        except Exception:  # see above; the notebook shows the repr
            return None

    def _summary(self) -> str:
        seen = [f"{type(self).__name__} after {self.current_iter:,} iterations"]
        for name, values in (("loss", self.train_loss_list), ("test accuracy", self.test_acc_list)):
            seen += [f"{name} {values[-1]:.4g}"] if values else []
        return ", ".join(seen)

    def train(self) -> None:
        """Train for all iterations, or until `stop` is called. A second call continues, for as many iterations.

        If the user interrupts it, the network and the lists keep the results so far. With `early_stopping`, the network
        has its best parameters whenever `train` ends, also when it was interrupted.

        Raises
        ------
        ValueError
            If a parameter of the network is NaN or infinite at the start.
        RuntimeError
            If early stopping cannot put a parameter back, because it is no longer there, or its array is read-only or
            has another shape. If another error ends the training, this is a note of that error.

        Notes
        -----
        Every iteration calls `train_step`, which a subclass may override. The hooks and the validation are not part of
        `train_step`.
        """
        refuse_parameters_not_finite(self.network.params, "network.params")
        self._is_stopped, self._lost = False, None
        self._keep_the_first()
        if self._early_stopping is not None:
            self._early_stopping.begin()
        try:
            with progress(self.max_iter, bar=self.progress) as (self._write, advance):
                epochs = self._epochs_drawn()
                for left in range(self.max_iter - 1, -1, -1):
                    iteration = self.current_iter
                    self.train_step()
                    if self.current_iter == iteration:  # a subclass' step need not count
                        self.current_iter += 1
                    if advance is not None:
                        advance(self.train_loss_list)
                    self.on_step()
                    before, epochs = epochs, self._epochs_drawn()
                    if epochs > before or self._is_stopped or left == 0:
                        self._keep_if_good()
                        self._validate()
                        self.on_epoch()
                    if self._is_stopped:
                        break
                if self._lost is None:
                    self._warn_if_diverged()
                else:
                    self._go_back()
        except BaseException as error:  # also Ctrl-C
            lost = self._put_back_the_best()
            if lost is not None:
                error.add_note(lost)
            raise
        finally:
            self._write = None
        lost = self._put_back_the_best()
        if lost is not None:
            raise RuntimeError(lost)
        if self.verbose and self.x_test is not None:
            with suppress(NoAccuracyError):
                accuracy = self.network.accuracy(self.x_test, self.t_test)
                print_line("=============== Final Test Accuracy ===============")
                print_line(f"test acc:{accuracy}")

    def on_step(self) -> None:
        """Call the function `on_step` of the constructor, if there is one. `train` calls this after every iteration.

        A subclass may override it.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import Trainer, TwoLayerNet
        >>> class Decaying(Trainer):
        ...     def on_step(self):
        ...         super().on_step()
        ...         self.optimizer.lr *= 0.5
        >>> x, t = np.eye(3), np.array([0, 1, 2])
        >>> trainer = Decaying(TwoLayerNet(3, 5, 3, seed=0), x, t, iterations=3, optimizer_param={"lr": 0.8},
        ...                    verbose=False, seed=0)
        >>> trainer.train()
        >>> print(trainer.optimizer.lr)
        0.1
        """
        if self._on_step is not None:
            self._on_step(self)

    def on_epoch(self) -> None:
        """Call the function `on_epoch` of the constructor, if there is one. `train` calls this after every epoch.

        A subclass may override it.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import Trainer, TwoLayerNet
        >>> class Reporting(Trainer):
        ...     def on_epoch(self):
        ...         super().on_epoch()
        ...         print(f"epoch {len(self.val_loss_list)}, after iteration {self.validated_at[-1]}")
        >>> x, t = np.eye(4), np.array([0, 1, 2, 0])
        >>> trainer = Reporting(TwoLayerNet(4, 5, 3, seed=0), x, t, epochs=2, mini_batch_size=2, verbose=False, seed=0,
        ...                     progress=False, validation=(x, t))
        >>> trainer.train()
        epoch 1, after iteration 1
        epoch 2, after iteration 3
        """
        if self._on_epoch is not None:
            self._on_epoch(self)

    def stop(self) -> None:
        """Let `train` end after this iteration; for the hooks.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import Trainer, TwoLayerNet
        >>> def enough(trainer):
        ...     if trainer.train_loss_list[-1] < 1:
        ...         trainer.stop()
        >>> x, t = np.eye(3), np.array([0, 1, 2])
        >>> trainer = Trainer(TwoLayerNet(3, 5, 3, seed=0), x, t, mini_batch_size=3, iterations=10_000,
        ...                   optimizer_param={"lr": 1.0}, verbose=False, seed=0, on_step=enough)
        >>> trainer.train()
        >>> len(trainer.train_loss_list) < 100
        True
        """
        self._is_stopped = True

    def train_step(self) -> None:
        """Make one iteration of `train`, without its hooks and its validation.

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
        gradient, loss_after = self._of_batch(self._drawn())
        self.optimizer.update(self.network.params, gradient())
        loss = float(loss_after())
        self.train_loss_list.append(loss)
        if not math.isfinite(loss):
            self._look_at_a_loss_that_is_not_finite()
        elif is_time(len(self.train_loss_list)):
            self._warn_if_diverged()
        if self.verbose and not (self.progress and self._write):
            self._print(f"train loss:{loss}")
        if self.current_iter % self.iter_per_epoch == 0:
            self._evaluate()
        self.current_iter += 1

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle holds: also the state of NumPy's global generator, if the trainer uses it."""
        state = {name: value for name, value in vars(self).items() if name not in ("_write", "_of_batch")}
        if self._random is np.random:
            state["_random"] = _copy_of_the_global_generator()
        return state

    def _drawn(self) -> Any:
        """Return the numbers of the samples of a mini-batch, which are drawn as often as their weights say."""
        if self._shares_up_to is None:
            return self._random.choice(len(self.x_train), self.batch_size)
        return np.searchsorted(self._shares_up_to, self._random.random(self.batch_size), side="right")

    def _of_batch(self, rows: Any) -> tuple[Callable[[], Mapping[str, Any]], Callable[[], Any]]:
        """Return two functions: the gradient of the loss of these samples, and their loss, both as the network is then.

        A cluster computes them in place of this, if `fastnet.interop.data_parallel` has replaced it.
        """
        x, t = self.x_train.take(rows, axis=0), self.t_train.take(rows, axis=0)
        if self._augment is not None:
            x, t = self._augment(np.asarray(x), t, self._random)
        network = self.network
        gradient_of = network.gradient if self.gradient == "backprop" else network.numerical_gradient
        return partial(gradient_of, x, t), partial(network.loss, x, t)

    def _look_at_a_loss_that_is_not_finite(self) -> None:
        """Stop if a parameter is not finite either: it stays so. Otherwise warn, because the loss may recover."""
        loss, before = self.train_loss_list[-1], self.train_loss_list[-2:-1]
        seen = f"the loss is {loss} at iteration {self.current_iter}"
        if self._write is not None and not are_finite(self.network.params):
            self._give_up(seen)
        elif math.isfinite(sum(before)):
            self._blame_the_rate(seen)

    def _give_up(self, seen: str) -> None:
        """Let `train` end after this iteration, because the training has diverged."""
        self._lost = seen
        self.stop()

    def _go_back(self) -> None:
        """Give the network the last parameters that were good, and say so."""
        lost, best = self._good.restore(self.network), self._good_after
        went = f"The training {lost}" if lost else f"The network has its parameters after {best:,} iterations again"
        warn_caller(
            f"{self._lost}: the learning rate may be too large, so try a smaller one. The "
            f"training has stopped. {went}"
        )

    def _keep_the_first(self) -> None:
        """Keep the parameters with which the training begins, until there are better ones."""
        if not self._good.params and isinstance(self.network.params, MutableMapping):
            self._good.keep(sys.float_info.max, self.network)
            self._good_after = self.current_iter

    def _keep_if_good(self) -> None:
        """Keep the parameters at the end of an epoch, if its losses are the lowest so far."""
        losses = self.train_loss_list[-math.ceil(self.iter_per_epoch) :]
        if not (losses and self._good.params):
            return
        mean = sum(losses) / len(losses)
        # Compared with the first loss too: the losses of an epoch in which everything blows up are above it. If that
        # happens at the end of the epoch, only the last losses show it.
        if mean < min(self._good.loss, self.train_loss_list[0]) and self._watch.is_good(
            max(mean, recent(losses)), is_classifier=bool(self.train_acc_list)
        ):
            self._good.keep(mean, self.network)
            self._good_after = self.current_iter

    def _warn_if_diverged(self) -> None:
        """Warn if the last losses and the parameters show that the training diverges."""
        if self.train_acc_list:  # it is a classifier
            seen = self._watch.found(self.train_loss_list)
            if seen is not None:
                last = len(self.train_loss_list) - 1
                self._blame_the_rate(f"{seen} at iteration {last}, accuracy {self.train_acc_list[-1]:.2f}")

    def _blame_the_rate(self, seen: str) -> None:
        warn_caller(f"{seen}: the learning rate may be too large, so try a smaller one")

    def _evaluate(self) -> None:
        self.current_epoch += 1
        first = slice(self.evaluate_sample_num_per_epoch)
        accuracies = {}
        try:
            for part, x, t in (("train", self.x_train, self.t_train), ("test", self.x_test, self.t_test)):
                if x is not None and t is not None:
                    accuracies[part] = self.network.accuracy(x[first], t[first])
        except NoAccuracyError:
            return
        self.train_acc_list.append(accuracies["train"])
        if "test" in accuracies:
            self.test_acc_list.append(accuracies["test"])
        self.evaluated_at.append(self.current_iter)
        if self.verbose:
            shown = ", ".join(f"{part} acc:{accuracy}" for part, accuracy in accuracies.items())
            self._print(f"=== epoch:{self.current_epoch}, {shown} ===")

    def _epochs_drawn(self) -> int:
        """Return how many times as many samples as there are have been drawn; in integers, as a float may round."""
        return self.current_iter * self.batch_size // self.train_size

    def _ends_an_epoch(self) -> bool:
        """Whether the last iteration has reached or passed a multiple of as many samples as there are."""
        return self._epochs_drawn() > (self.current_iter - 1) * self.batch_size // self.train_size

    def _validate(self) -> None:
        """Measure the loss and the accuracy on the validation data, if there are any; stop if it is time."""
        if self._validation is None:
            return
        network: Any = self.network
        x, t, weight = self._validation
        loss_of = network.loss if weight is None else partial(network.loss, sample_weight=weight)
        loss = float(loss_of(np.asarray(x), t))
        self.val_loss_list.append(loss)
        self.validated_at.append(self.current_iter - 1)
        shown = f"val loss:{loss}"
        with suppress(NoAccuracyError):
            self.val_acc_list.append(network.accuracy(x, t))
            shown += f", val acc:{self.val_acc_list[-1]}"
        if self.verbose:
            self._print(f"=== iteration:{self.validated_at[-1]}, {shown} ===")
        if self._early_stopping is not None and self._early_stopping.is_over(loss, network):
            if self.verbose:
                self._print("=== early stopping: the best parameters are put back ===")
            self.stop()

    def _put_back_the_best(self) -> str | None:
        """Give the network its best parameters; return a message if that was not possible."""
        return None if self._early_stopping is None else self._early_stopping.restore(self.network)

    def _print(self, line: str) -> None:
        (self._write or print_line)(line)


def _hook(hook: Any, name: str) -> Hook | None:
    if hook is not None and not callable(hook):
        raise TypeError(f"{name} must be a function that takes the trainer, got {hook!r}")
    checked: Hook | None = hook
    return checked


def _shares_up_to(weight: FloatArray) -> FloatArray:
    """Return which share of all weights the samples up to each have. The last is 1, above all numbers drawn."""
    sums: FloatArray = np.cumsum(weight)
    sums /= sums[-1]
    return sums


def _copy_of_the_global_generator() -> RandomSource:
    """Return a private generator that continues as NumPy's global one would."""
    private = np.random.RandomState(copy.deepcopy(mtrand.get_bit_generator()))
    private.set_state(np.random.get_state(legacy=False))  # with the normal number that it holds for the next call
    return private


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
