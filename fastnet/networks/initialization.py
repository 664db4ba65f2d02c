"""The sizes of hidden layers, and the standard deviation of initial weights."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnet._checks import FloatArray, RandomSource, as_count, as_float

SCALES = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0}  # variance = scale / n


def hidden_sizes(hidden_size_list: Any) -> list[int]:
    """Return the number of units of each hidden layer."""
    if isinstance(hidden_size_list, str | bytes) or not (
        isinstance(hidden_size_list, Sequence) or (isinstance(hidden_size_list, np.ndarray) and hidden_size_list.ndim)
    ):
        raise TypeError(f"hidden_size_list must be a list of integers, got {hidden_size_list!r}")
    return [as_count(size, f"hidden_size_list[{i}]") for i, size in enumerate(hidden_size_list)]


def deviation(weight_init_std: Any) -> Callable[[int], float]:
    """Return a function of n: the standard deviation of the weights of a layer with n inputs."""
    wanted = f"weight_init_std must be a finite number of at least 0 or one of {', '.join(map(repr, SCALES))}"
    if isinstance(weight_init_std, str):
        if weight_init_std.lower() not in SCALES:
            raise ValueError(f"{wanted}, got {weight_init_std!r}")
        variance = SCALES[weight_init_std.lower()]
        return lambda n: math.sqrt(variance / n)
    try:
        std = as_float(weight_init_std, "weight_init_std", positive=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{wanted}, got {weight_init_std!r}") from None
    return lambda _: std


def drawn(random: RandomSource, std: float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
    """Return weights from a normal distribution with mean 0 and this standard deviation."""
    with np.errstate(all="ignore"):  # overflow gives inf, underflow gives 0
        weights: FloatArray = (std * random.standard_normal(shape)).astype(dtype)
    return weights
