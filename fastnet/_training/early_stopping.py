"""Keep the best parameters of a training run, and tell when it gets no better."""

import copy
import math
from collections.abc import MutableMapping
from typing import Any

import numpy as np


class Best:
    """A copy of the parameters with the lowest loss so far."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.params: dict[str, Any] = {}

    def keep(self, loss: float, params: MutableMapping[str, Any]) -> bool:
        """Copy `params` if `loss` is the lowest so far; return whether it is."""
        if not loss < self.loss:  # NaN is never the lowest
            return False
        self.loss, self.params = loss, {name: copy.copy(value) for name, value in params.items()}
        return True

    def restore(self, params: MutableMapping[str, Any]) -> str | None:
        """Put the best parameters back: arrays in place, because a network's layers may hold them too.

        Return which could not be put back, if there are any.
        """
        lost = [name for name, best in self.params.items() if not _is_put_back(params, name, best)]
        if not lost:
            return None
        names = ", ".join(f"network.params[{name!r}]" for name in lost)
        return f"could not put back the best {names}: missing, read-only, or of another shape or dtype"


class EarlyStopping:
    """The best parameters so far, and the number of epochs since then."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._waited = 0
        self._best = Best()

    def begin(self) -> None:
        """Wait from zero again; the best parameters stay."""
        self._waited = 0

    def is_over(self, loss: float, params: MutableMapping[str, Any]) -> bool:
        """Keep a copy of `params` if `loss` is the lowest so far; return whether this is too long ago."""
        self._waited = 0 if self._best.keep(loss, params) else self._waited + 1
        return self._waited >= self._patience

    def restore(self, params: MutableMapping[str, Any]) -> str | None:
        """Put the best parameters back; return a message if that was not possible for some."""
        lost = self._best.restore(params)
        return None if lost is None else f"early stopping {lost}"


def _is_put_back(params: MutableMapping[str, Any], name: str, best: Any) -> bool:
    now = params.get(name)
    if now is None or isinstance(now, np.ndarray) != isinstance(best, np.ndarray):
        return False
    if not isinstance(now, np.ndarray):
        params[name] = best
        return True
    if not now.flags.writeable or now.shape != best.shape or now.dtype != best.dtype:
        return False
    now[...] = best
    return True
