"""Checks of arguments that more than one plot needs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, cast, real_array


def point(values: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    """Return a point of the plane with finite coordinates."""
    array = real_array(values, name)
    if array.shape != (2,) or not np.isfinite(array).all():
        raise ValueError(f"{name} must be two finite numbers, got {values!r}")
    return cast(array, FLOAT64)


def interval(values: npt.ArrayLike, name: str) -> tuple[float, float]:
    """Return two finite numbers, the first below the second."""
    low, high = map(float, point(values, name))
    if not low < high:
        raise ValueError(f"{name} must be two numbers, the lower one first, got {values!r}")
    return low, high


def named(things: Any, name: str, name_of: Callable[[Any], str]) -> dict[str, Any]:
    """Return at least one thing by name: those of a dict, or of a sequence with the names from `name_of`."""
    if isinstance(things, Mapping):
        by_name = {str(key): thing for key, thing in things.items()}
    elif (isinstance(things, Sequence) or np.ndim(things) == 1) and not isinstance(things, str):
        by_name = {name_of(thing): thing for thing in things}
    else:
        raise TypeError(f"{name} must be a sequence or a dict by name, got {type(things).__name__}")
    if not by_name:
        raise ValueError(f"{name} is empty: there is nothing to draw. Give at least one")
    if len(by_name) < len(things):
        raise ValueError(f"{name} has a name more than once: pass a dict that names them, got {', '.join(by_name)}")
    return by_name
