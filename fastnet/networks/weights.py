"""Sample weights: how much each sample counts in the mean over the samples.

With the weights w, the mean of the losses L is ``sum(w L) / sum(w)``. A sample of weight 2 counts like the same sample
twice, and one of weight 0 as if it were left out, also where its loss is NaN.

The kernels of the losses return one mean, so this file has the losses of each sample, `(N,)` in float64.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, IntArray, as_result, is_labels, of_labels, sample_weights
from fastnet._twins.shared.formulas_numpy import LOSS_EPS


def cross_entropies(y: FloatArray, t: Any) -> FloatArray:
    if is_labels(t):
        of_each: FloatArray = -np.log(y[of_labels(t)] + np.float64(LOSS_EPS))
        return of_each
    losses: FloatArray = -(t * np.log(y + np.float64(LOSS_EPS))).sum(axis=-1)
    return losses


def binary_cross_entropies(y: FloatArray, t: Any) -> FloatArray:
    y, t = y.astype(np.float64), t.astype(np.float64)
    losses: FloatArray = -(t * np.log(y + LOSS_EPS) + (1 - t) * np.log(1 - y + LOSS_EPS)).mean(axis=-1)
    return losses


def squared_errors(y: FloatArray, t: Any) -> FloatArray:
    losses: FloatArray = np.square(y - t, dtype=np.float64).mean(axis=-1)
    return losses


def weighted_loss(
    losses: Callable[[FloatArray, Any], FloatArray], y: FloatArray, t: FloatArray | IntArray, sample_weight: Any
) -> Any:
    """Return the weighted mean of `losses(y, t)`, in the dtype of `y`."""
    with np.errstate(all="ignore"):
        return as_result(weighted_mean(losses(y, t), sample_weight), y.dtype)


def share(right: Any, sample_weight: npt.ArrayLike | None) -> float:
    """Return the share of the right answers, which are one for each sample, or without weights any number."""
    if sample_weight is None:
        return float(np.count_nonzero(right) / np.size(right))
    return weighted_mean(right, sample_weight)


def weighted_mean(values: Any, sample_weight: npt.ArrayLike) -> float:
    """Return the mean of `values`, one for each sample, by their weights."""
    used, weights = counted(sample_weight, np.shape(values))
    products = weights * np.atleast_1d(values)[used]
    return float(products.sum() / weights.sum())


def counted(sample_weight: npt.ArrayLike | None, batch: tuple[int, ...]) -> tuple[Any, Any]:
    """Return an index of the samples whose weight is not 0, and their weights, or None, as the kernels take them.

    `batch` is the shape of the labels: `(N,)`, or `()` for one sample.
    """
    if sample_weight is None:
        return slice(None), None
    weights = np.atleast_1d(sample_weights(sample_weight, batch))
    used = weights > 0
    return (slice(None), weights) if used.all() else (used, weights[used])


def rows(values: FloatArray, used: Any) -> FloatArray:
    """Return the rows of a batch that `counted` selects; one sample is a batch of one."""
    selected: FloatArray = np.atleast_2d(values)[used]
    return selected


def divisors(sample_weight: npt.ArrayLike | None, y: FloatArray) -> Any:
    """Return what the mean divides the loss of each sample by: N, or with weights ``sum(w) / w``, a row for each."""
    if sample_weight is None:
        return len(np.atleast_2d(y))
    weights = sample_weights(sample_weight, y.shape[:-1])
    with np.errstate(all="ignore"):  # infinite for the weight 0
        return (weights.sum() / weights)[..., np.newaxis].astype(y.dtype)
