"""The book's random search for hyperparameters."""

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastnet import _jobs
from fastnet._checks import Seed, as_count, as_float, is_real, random_source, real_array

__all__ = ["SearchResult", "Trial", "random_search"]

# The book's: the learning rate and the weight decay, in the order in which its program draws them.
RANGES: Mapping[str, tuple[float, float]] = {"weight_decay": (1e-8, 1e-4), "lr": (1e-6, 1e-2)}

_alone = threading.RLock()  # held by the trial of this process
_this_thread = threading.local()  # its attribute `tries` is True in a trial


@dataclass(frozen=True, repr=False)
class Trial:
    """One training of a search: what it was trained with, and how well.

    Parameters
    ----------
    number : int
        Which one it was, counted from 0.
    hyper_parameters : dict of str to float
        What was drawn for it.
    seed : int
        The seed that NumPy's global generator had when the training began.
    val_acc_list : list of float
        The accuracies on the validation data. The last one is the accuracy of the trial.
    train_acc_list : list of float
        The accuracies on the training data.

    Raises
    ------
    TypeError
        If an argument is missing.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6. ``np.random.seed(trial.seed)`` and ``train(**trial.hyper_parameters)``
    repeat the trial.

    Examples
    --------
    >>> from fastnet.search import Trial
    >>> trial = Trial(0, {"lr": 0.01}, seed=1, val_acc_list=[0.1, 0.7], train_acc_list=[0.1, 0.8])
    >>> trial.accuracy
    0.7
    >>> trial
    <Trial 0: lr=0.01, accuracy 0.7000>
    """

    number: int
    hyper_parameters: dict[str, float]
    seed: int
    val_acc_list: list[float]
    train_acc_list: list[float]

    @property
    def accuracy(self) -> float:
        """The last accuracy on the validation data."""
        if not self.val_acc_list:
            raise ValueError("val_acc_list is empty: the accuracy of a trial is the last number in it, so give one")
        return self.val_acc_list[-1]

    def __repr__(self) -> str:
        drawn = [f"{name}={_short(value)}" for name, value in self.hyper_parameters.items()]
        reached = f"accuracy {self.accuracy:.4f}" if self.val_acc_list else "no accuracy"
        return f"<Trial {self.number}: {', '.join([*drawn, reached])}>"


@dataclass(frozen=True, repr=False)
class SearchResult:
    """All trials of a search. `print` shows the best ones, as the book's program does.

    Parameters
    ----------
    trials : list of Trial
        The trials in the order in which they were drawn.

    Raises
    ------
    TypeError
        If `trials` is missing.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6 and ``ch06/hyperparameter_optimization.py``.

    Examples
    --------
    >>> from fastnet.search import SearchResult, Trial
    >>> trials = [Trial(0, {"lr": 0.01}, 1, [0.1, 0.7], [0.1, 0.8]), Trial(1, {"lr": 0.1}, 2, [0.1, 0.9], [0.1, 1.0])]
    >>> result = SearchResult(trials)
    >>> result
    <SearchResult of 2 trials, best accuracy 0.9000>
    >>> result.best.hyper_parameters
    {'lr': 0.1}
    >>> print(result)
    Best-1 (val acc: 0.9000) | lr: 0.1
    Best-2 (val acc: 0.7000) | lr: 0.01
    """

    trials: list[Trial]

    @property
    def ranked(self) -> list[Trial]:
        """The trials from the highest accuracy to the lowest."""
        return sorted(self.trials, key=lambda trial: (math.isnan(trial.accuracy), -trial.accuracy))

    @property
    def best(self) -> Trial:
        """The trial with the highest accuracy."""
        if not self.trials:
            raise ValueError("trials is empty, so there is no best one: search with at least one trial")
        return self.ranked[0]

    def __repr__(self) -> str:
        measured = SearchResult([trial for trial in self.trials if trial.val_acc_list])
        reached = f", best accuracy {measured.best.accuracy:.4f}" if measured.trials else ""
        return f"<SearchResult of {len(self.trials)} trials{reached}>"

    def __str__(self) -> str:
        """Return a line for each of the best 20 trials."""
        return "\n".join(
            f"Best-{place} (val acc: {trial.accuracy:.4f}) | "
            + ", ".join(f"{name}: {_short(value)}" for name, value in trial.hyper_parameters.items())
            for place, trial in enumerate(self.ranked[:20], 1)
        )


def _short(value: Any) -> str:
    """Return a hyperparameter in a few digits; the caller's own trials may have one that is no number."""
    return f"{value:.4g}" if is_real(value) else repr(value)


class Drawn(NamedTuple):
    """What is drawn for a trial before it begins."""

    hyper_parameters: dict[str, float]
    seed: int


def random_search(
    train: Callable[..., Any],
    trials: int = 100,
    ranges: Mapping[str, tuple[float, float]] = RANGES,
    *,
    n_jobs: int | None = None,
    seed: Seed = None,
) -> SearchResult:
    """Train with hyperparameters drawn at random, and return how well each training did.

    Parameters
    ----------
    train : callable
        A function like ``__train`` of the book's program. It takes the hyperparameters by their names, such as
        ``train(weight_decay=1e-5, lr=0.01)``, trains a network, and returns the two lists
        ``trainer.test_acc_list, trainer.train_acc_list``: the accuracies on the validation data, and those on the
        training data.
    trials : int, default 100
        How often to train.
    ranges : dict of str to tuple of float, default {"weight_decay": (1e-8, 1e-4), "lr": (1e-6, 1e-2)}
        The lowest and the highest value of each hyperparameter, above 0.
    n_jobs : int, optional
        The number of processes that train: -1 for all cores. By default 1, unless ``joblib.parallel_config`` says
        otherwise. More than this process needs the extra ``distributed``.
    seed : int or numpy.random.Generator, optional
        Draws from a private generator. By default, NumPy's global generator draws.

    Returns
    -------
    SearchResult
        Its `trials` are all of them in the order in which they were drawn, and its `best` is the best one.

    Raises
    ------
    TypeError
        If `train` is not callable, does not return two lists of numbers, or cannot be pickled for another process;
        `trials` or `n_jobs` is not an integer, or `ranges` is not a dict of pairs of numbers. An error of `train` comes
        out with its own type.
    ValueError
        If `trials` is less than 1, `n_jobs` is 0, a range does not begin above 0 and end above its beginning, or
        `train` returns no accuracy.
    ImportError
        If `n_jobs` asks for more than this process, and joblib is not installed.

    See Also
    --------
    fastnet.plotting.plot_search : The book's picture of the result.

    Notes
    -----
    "Deep Learning from Scratch", chapter 6 and ``ch06/hyperparameter_optimization.py``, with its ranges. A value is
    ``10 ** uniform(log10(low), log10(high))``.

    One `seed` gives one result, whatever `n_jobs` is. Everything is drawn before the first training. Each trial has a
    seed of its own, which NumPy's global generator gets before `train` is called. So `train` need not know of seeds.
    Afterwards this generator is put back. A process makes one trial at a time, with one thread of BLAS, because the
    generator belongs to all of its threads, and the number of BLAS's threads may change the last bits. A search inside
    a trial stays in the process of the trial.

    Inside ``joblib.parallel_config(backend="dask")``, the workers of a Dask cluster train. With ``verbose=10`` there,
    joblib prints how far the search is. What `train` uses is sent along for each trial, so it should load large data
    itself. In another process, `train` gets copies: what it appends to a list of your program is lost.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import MultiLayerNet, Trainer
    >>> from fastnet.search import random_search
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> t = (x[:, 0] > x[:, 1]).astype(int)
    >>> def train(lr, weight_decay):
    ...     network = MultiLayerNet(2, [10], 2, weight_decay_lambda=weight_decay)
    ...     trainer = Trainer(network, x[:200], t[:200], x[200:], t[200:], epochs=5, optimizer_param={"lr": lr},
    ...                       verbose=False, progress=False)
    ...     trainer.train()
    ...     return trainer.test_acc_list, trainer.train_acc_list
    >>> result = random_search(train, 10, {"lr": (1e-4, 1.0), "weight_decay": (1e-8, 1e-4)}, seed=0)
    >>> len(result.trials), result.best.accuracy > 0.9
    (10, True)
    """
    if not callable(train):
        raise TypeError(f"train must be a function of the hyperparameters, got {train!r}")
    trials = as_count(trials, "trials")
    checked = _checked(ranges)
    is_parallel = _jobs.is_parallel(n_jobs) and not getattr(_this_thread, "tries", False)
    random = random_source(seed)
    drawn = [_draw(checked, random) for _ in range(trials)]
    curves_of = partial(_curves, train)
    curves = _jobs.each(curves_of, drawn, n_jobs, "train") if is_parallel else [curves_of(each) for each in drawn]
    return SearchResult([Trial(number, *drawn[number], *both) for number, both in enumerate(curves)])


def _checked(ranges: Any) -> dict[str, tuple[float, float]]:
    if not isinstance(ranges, Mapping):
        raise TypeError(f"ranges must be a dict with a pair (low, high) for each hyperparameter, got {ranges!r}")
    checked = {}
    for name, pair in ranges.items():
        if not isinstance(name, str):
            raise TypeError(f"the names of the hyperparameters in ranges must be strings, got {name!r}")
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"ranges[{name!r}] must be a pair (low, high), got {pair!r}")
        low, high = (as_float(end, f"ranges[{name!r}]") for end in pair)
        if not low < high:
            raise ValueError(f"ranges[{name!r}] must be a pair (low, high), the lower one first, got {pair!r}")
        checked[name] = low, high
    return checked


def _draw(ranges: dict[str, tuple[float, float]], random: Any) -> Drawn:
    values = {
        name: float(10 ** random.uniform(math.log10(low), math.log10(high))) for name, (low, high) in ranges.items()
    }
    return Drawn(values, int(2**32 * random.random()))


def _curves(train: Callable[..., Any], drawn: Drawn) -> tuple[list[float], list[float]]:
    """Train, and return the accuracies on the validation data, and those on the training data."""
    with _only_trial(drawn.seed):
        curves = train(**drawn.hyper_parameters)
    if not isinstance(curves, tuple | list) or len(curves) != 2:
        raise TypeError(f"train must return two lists, of validation and of training accuracies; got {curves!r:.100}")
    validation, training = (
        real_array(curve, f"the list of {kind} accuracies that train returned")
        for kind, curve in zip(("validation", "training"), curves, strict=True)
    )
    if validation.ndim != 1 or training.ndim != 1 or not validation.size:
        raise ValueError(
            "train must return two lists, of validation and of training accuracies, the first one not empty; got "
            f"shapes {validation.shape} and {training.shape}"
        )
    return validation.astype(float).tolist(), training.astype(float).tolist()


@contextmanager
def _only_trial(seed: int) -> Iterator[None]:
    """Let no other trial run in this process, give NumPy's global generator the seed, and BLAS one thread."""
    from threadpoolctl import threadpool_limits

    outer = getattr(_this_thread, "tries", False)
    with _alone, threadpool_limits(1, user_api="blas"):
        state = np.random.get_state()
        np.random.seed(seed)
        _this_thread.tries = True
        try:
            yield
        finally:
            _this_thread.tries = outer
            np.random.set_state(state)
