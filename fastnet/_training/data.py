"""What the trainer accepts as data: pairs of inputs and targets, sample weights, and data for validation."""

from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, RandomSource, is_real, real_array, refuse_not_finite, sample_weights
from fastnet._scaled import ScaledBytes, as_samples

Inputs: TypeAlias = npt.NDArray[Any] | ScaledBytes


class Samples(NamedTuple):
    """Inputs, their targets, and the weight of each sample, or None if all have the same."""

    x: Inputs
    t: npt.NDArray[Any]
    weight: FloatArray | None = None

    def part(self, rows: npt.NDArray[Any]) -> Self:
        """Return some of the samples."""
        weight = None if self.weight is None else self.weight[rows]
        return type(self)(self.x.take(rows, axis=0), self.t[rows], weight)


def samples_of(x: npt.ArrayLike | ScaledBytes, t: npt.ArrayLike, part: str) -> Samples:
    """Return `x` and `t` as arrays with one row for each sample, and without NaN and infinity."""
    samples = _in_pairs(x, t, part)
    _refuse_not_finite(samples, part)
    return samples


def training_samples(x: npt.ArrayLike | ScaledBytes, t: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> Samples:
    """Return the samples to train on; those of weight 0 are left out, whatever is in them."""
    if sample_weight is None:
        return samples_of(x, t, "train")
    samples = _in_pairs(x, t, "train")
    weights = sample_weights(sample_weight, (len(samples.x),))
    samples, used = samples._replace(weight=weights), np.flatnonzero(weights)
    if len(used) < len(weights):
        samples = samples.part(used)
    _refuse_not_finite(samples, "train", used)
    return samples


def _in_pairs(x: npt.ArrayLike | ScaledBytes, t: npt.ArrayLike, part: str) -> Samples:
    inputs, targets = as_samples(x, f"x_{part}"), real_array(t, f"t_{part}")
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            f"x_{part} and t_{part} must hold one row for each of the same samples, at least one; "
            f"got shapes {inputs.shape} and {targets.shape}"
        )
    return Samples(inputs, targets)


def _refuse_not_finite(samples: Samples, part: str, rows: npt.NDArray[Any] | None = None) -> None:
    if not isinstance(samples.x, ScaledBytes):
        refuse_not_finite(samples.x, f"x_{part}", rows)
    refuse_not_finite(samples.t, f"t_{part}", rows, are_targets=True)


def validation_samples(samples: Samples, validation: Any, random: RandomSource) -> tuple[Samples, Samples | None]:
    """Return the samples that are left to train on, and those for validation."""
    if validation is None:
        return samples, None
    if isinstance(validation, tuple | list) and len(validation) == 2:
        x, t = validation
        return samples, samples_of(x, t, "val")
    if not is_real(validation):
        got = f"{validation!r:.60}"
        if isinstance(validation, np.ndarray):
            got = f"array of shape {validation.shape}"
        elif isinstance(validation, tuple | list):
            got = f"{type(validation).__name__} of {len(validation)}"
        raise TypeError(f"validation must be a share of the training data or a pair (x, t), got {got}")
    if not 0 < validation < 1:
        raise ValueError(f"validation must be a share between 0 and 1, or a pair (x, t), got {validation!r}")
    count = round(len(samples.x) * float(validation))
    if not 0 < count < len(samples.x):
        raise ValueError(
            f"validation={validation!r} of {len(samples.x)} samples are {count}: training and validation need at "
            "least one each"
        )
    order = random.permutation(len(samples.x))
    return samples.part(np.sort(order[count:])), samples.part(np.sort(order[:count]))
