"""Notice a classifier whose training has diverged, although its loss is finite.

The 1e-7 in the logarithm limits the loss of a sample, and so does a squared error of probabilities, which is at most 1.
So a learning rate that is too large does not show as an infinite loss. It shows in two things together: the parameters
have become much larger than at the start, and the loss stays at or above the loss of guessing, which is that of the
best constant answer. Each alone is no sign. Large initial weights give a large loss that falls later, and small inputs
need large weights.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64
from fastnet._twins.shared.formulas_numpy import LOSS_EPS

WINDOW = 25  # losses whose mean is judged; in a training of less than twice as many iterations, the second half
FIRST, EVERY = 50, 100  # after how many iterations; the largest parameter of a small network takes as long as a step
LEAST = 10  # iterations of a training that is judged at its end
CAP = -math.log(LOSS_EPS)  # the largest cross-entropy of a target of 1

# The loss is judged together with the growth of the largest parameter. Measured: see docs/decisions/training.md.
FAR_ABOVE = {"softmax": 0.15, "sigmoid": 0.03}  # of the way from the loss of guessing to the largest loss
GROWN = 5
AS_GUESSING = 0.95  # times the loss of guessing
GROWN_MUCH = 100


def is_time(iterations: int) -> bool:
    """Whether to look for divergence after this number of iterations."""
    return iterations % EVERY == FIRST


class Guessing(NamedTuple):
    """The loss of the best constant answer, what is far above it, and the largest loss that there is."""

    loss: float
    far_above: float
    largest: float

    @property
    def as_bad(self) -> float:
        """A loss from which on an answer is no better than guessing."""
        return AS_GUESSING * self.loss


class Watch:
    """The start of a training run, with which the later losses and parameters are compared."""

    def __init__(self, network: Any, x: Any, t: Any, sample_weight: Any) -> None:
        self._start = max(largest(network.params), 1.0)
        self._network, self._x, self._t, self._weight = network, x, t, sample_weight
        self.found_at: int | None = None  # after how many iterations divergence was seen

    @cached_property
    def _guessing(self) -> Guessing | None:
        return guessing(self._t, self._weight, self._network, self._x)

    @cached_property
    def _ordinary(self) -> float:
        """The size of a parameter that is no sign of divergence: more than 1 if all inputs are small."""
        size = float(np.abs(np.asarray(self._x[:1000], FLOAT64)).max())
        return max(self._start, 1 / size if size else 1.0)

    def found(self, losses: list[float]) -> str | None:
        """Return what shows that the training has diverged, once; None otherwise."""
        if self.found_at is not None or len(losses) < LEAST:
            return None
        last, mean = min(WINDOW, len(losses) // 2), recent(losses)
        size = largest(self._network.params)
        if not size > GROWN * self._start or self._guessing is None:  # most runs end here, in little time
            return None
        loss, far_above, most = self._guessing
        is_as_guessing = mean > self._guessing.as_bad and size > GROWN_MUCH * self._ordinary
        if not (mean > far_above or is_as_guessing) or mean > most:  # above the largest, it is not a cross-entropy
            return None
        self.found_at = len(losses)
        better = "no" if mean >= loss else "hardly"
        return (
            f"the mean of the last {last} losses is {mean:.4g}, {better} better than guessing ({loss:.4g}), and "
            f"the largest parameter is {size:.3g}"
        )

    def is_pinned(self, losses: list[float], epoch: float) -> bool:
        """Whether divergence was seen, and an epoch later the losses of all this time are no better than guessing."""
        if self.found_at is None or self._guessing is None or len(losses) - self.found_at < max(epoch, EVERY):
            return False
        since = losses[self.found_at :]
        return not sum(since) / len(since) < self._guessing.as_bad

    def is_at_its_end(self, losses: list[float]) -> bool:
        """Whether a training that is over has diverged: its last losses are not finite, or no better than guessing."""
        if not math.isfinite(losses[-1]):
            return True
        return self.found_at is not None and self._guessing is not None and not recent(losses) < self._guessing.as_bad

    def is_good(self, loss: float, *, is_classifier: bool) -> bool:
        """Whether parameters with this mean loss may be worth going back to: they show no sign of divergence."""
        if not are_finite(self._network.params):
            return False
        if not (is_classifier and largest(self._network.params) > GROWN * self._start) or self._guessing is None:
            return True
        return loss < self._guessing.as_bad

    def state(self) -> list[Any]:
        """Return what a run that continues needs of this, as numbers."""
        return [self._start, self.found_at]

    def set_state(self, state: list[Any]) -> None:
        """Take over what `state` returned."""
        start, found_at = state
        self._start, self.found_at = float(start), None if found_at is None else int(found_at)


def recent(losses: list[float]) -> float:
    """Return the mean of the last losses."""
    last = losses[-max(1, min(WINDOW, len(losses) // 2)) :]
    return sum(last) / len(last)


def largest(params: Any) -> float:
    """Return the largest absolute value of the parameters; 0 if they are not arrays in a dict."""
    return max((float(max(array.max(), -array.min())) for array in _arrays(params)), default=0.0)


def are_finite(params: Any) -> bool:
    """Whether no parameter is NaN or infinite; True if they are not arrays in a dict."""
    return all(np.isfinite(array).all() for array in _arrays(params))


def _arrays(params: Any) -> list[npt.NDArray[Any]]:
    values = params.values() if isinstance(params, Mapping) else ()
    return [value for value in values if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size]


def guessing(t: Any, sample_weight: Any, network: Any, x: Any) -> Guessing | None:
    """Return what guessing the targets `t` gives, or None if they are not those of a classifier.

    The best constant answer has the means m of the classes. Its cross-entropy is ``-sum(m log(m / sum(m)))`` for a
    softmax, the mean of ``-m log(m) - (1 - m) log(1 - m)`` for a sigmoid, and the mean of ``m (1 - m)`` for the squared
    error of a sigmoid, whose largest value is 1. Rows may be targets of either. Unless the
    network says that it has a sigmoid, the larger one counts.
    """
    if t.min() < 0:
        return None
    is_column = t.ndim == 1 or t.shape[1:] == (1,)
    if is_column and t.dtype.kind in "iu" and t.max() > 1:
        return _of_classes(_shares(t.ravel(), sample_weight)) if _has_answers(network, x, int(t.max()) + 1) else None
    if t.max() > 1:
        return None
    means = np.average(t.reshape(len(t), -1).astype(FLOAT64), axis=0, weights=sample_weight)
    if getattr(network, "output", None) == "sigmoid_mse":
        return _guessing("sigmoid", float(np.mean(means * (1 - means))), 1.0)
    binary, classes = _of_answers(means), _of_classes(means)
    if is_column or str(getattr(network, "output", "")).startswith("sigmoid"):
        return binary
    return Guessing(*map(max, binary, classes))


def _shares(labels: Any, sample_weight: Any) -> Any:
    _, numbered = np.unique(labels, return_inverse=True)
    sums = np.bincount(numbered.ravel(), sample_weight)
    return sums / sums.sum()


def _of_classes(means: Any) -> Guessing:
    total = float(means.sum())
    return _guessing("softmax", total * _entropy(means / total) if total else 0.0, CAP * total)


def _of_answers(means: Any) -> Guessing:
    return _guessing("sigmoid", (_entropy(means) + _entropy(1 - means)) / len(means), CAP)


def _guessing(output: str, loss: float, most: float) -> Guessing:
    return Guessing(loss, loss + FAR_ABOVE[output] * (most - loss), most)


def _entropy(p: Any) -> float:
    p = p[p > 0]
    return float(-np.sum(p * np.log(p)))


def _has_answers(network: Any, x: Any, classes: int) -> bool:
    """Whether the network answers with a number for each class; for a regression, integers are no labels."""
    try:
        shape = np.shape(network.predict(np.asarray(x[:1])))
    except Exception:  # a network of the user's may have no predict, or another one
        return False
    return len(shape) > 0 and shape[-1] >= classes
