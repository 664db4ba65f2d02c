"""Notice a classifier whose training has diverged, although its loss is finite.

The 1e-7 in the logarithm limits the loss of a sample to 16.1, so a learning rate that is too large does not show as an
infinite loss. It shows in two things together: the parameters have become much larger than at the start, and the loss
stays at or above the loss of guessing. Each alone is no sign. Large initial weights give a large loss that falls later,
and small inputs need large weights.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from fastnet._checks import FLOAT64

WINDOW = 25  # losses whose mean is judged
FIRST, EVERY = 50, 100  # after how many iterations; the largest parameter of a small network takes as long as a step
CAP = -math.log(1e-7)  # the largest loss of a sample

# The loss is judged together with the growth of the largest parameter. Measured on 3,376 training runs: see
# docs/decisions/training.md.
FAR_ABOVE = 0.15  # of the way from the loss of guessing to CAP
GROWN = 5
AS_GUESSING = 0.95  # times the loss of guessing
GROWN_MUCH = 100


def is_time(iterations: int) -> bool:
    """Whether to look for divergence after this number of iterations."""
    return iterations % EVERY == FIRST


class Watch:
    """The start of a training run, with which the later losses and parameters are compared."""

    def __init__(self, params: Any, t: Any, sample_weight: Any) -> None:
        self._start = max(largest(params), 1.0)
        self._t, self._weight = t, sample_weight
        self._has_warned = False

    @cached_property
    def _guessing(self) -> float:
        return loss_of_guessing(self._t, self._weight)

    def found(self, losses: list[float], params: Any) -> str | None:
        """Return what shows that the training has diverged, once; None otherwise."""
        if self._has_warned:
            return None
        mean, guessing = sum(losses[-WINDOW:]) / WINDOW, self._guessing
        if not AS_GUESSING * guessing < mean < math.inf:
            return None
        grown = largest(params) / self._start
        far_above = mean > guessing + FAR_ABOVE * (CAP - guessing)
        if not grown > (GROWN if far_above else GROWN_MUCH):
            return None
        self._has_warned = True
        return (
            f"the mean of the last {WINDOW} losses is {mean:.3g}, no better than guessing ({guessing:.3g}), and the "
            f"largest parameter is {grown * self._start:.3g}"
        )


def largest(params: Any) -> float:
    """Return the largest absolute value of the parameters; 0 if they are not arrays in a dict."""
    values = params.values() if isinstance(params, Mapping) else ()
    arrays = [value for value in values if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size]
    return max((float(max(array.max(), -array.min())) for array in arrays), default=0.0)


def loss_of_guessing(t: Any, sample_weight: Any) -> float:
    """Return the mean cross-entropy of a classifier that always answers with the shares of the classes in `t`.

    This is the entropy of the shares. Integers are labels, rows are probabilities.
    """
    weights = np.ones(len(t)) if sample_weight is None else sample_weight
    with np.errstate(all="ignore"):  # the numbers of a regression may overflow; what comes out is not used then
        if t.ndim == 1 or t.shape[1:] == (1,):
            _, label = np.unique(t, return_inverse=True)
            sums = np.bincount(label.ravel(), weights)
        else:
            sums = np.tensordot(weights, t.astype(FLOAT64), 1).ravel()
        shares = sums[sums > 0] / sums[sums > 0].sum()
        return float(-np.sum(shares * np.log(shares)))
