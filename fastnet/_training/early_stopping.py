"""Keep the best parameters of a training run, and tell when it gets no better."""

import copy
import math
from collections.abc import MutableMapping
from typing import Any

import numpy as np


class EarlyStopping:
    """The best parameters so far, and the number of epochs since then."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._waited = 0
        self._loss = math.inf
        self._best: dict[str, Any] = {}

    def begin(self) -> None:
        """Wait from zero again; the best parameters stay."""
        self._waited = 0

    def is_over(self, loss: float, params: MutableMapping[str, Any]) -> bool:
        """Keep a copy of `params` if `loss` is the lowest so far; return whether this is too long ago."""
        if loss < self._loss:
            self._loss, self._waited = loss, 0
            self._best = {name: copy.copy(value) for name, value in params.items()}
        else:
            self._waited += 1
        return self._waited >= self._patience

    def restore(self, params: MutableMapping[str, Any]) -> str | None:
        """Put the best parameters back: arrays in place, because a network's layers may hold them too.

        Return a message if that was not possible for some.
        """
        lost = [name for name, best in self._best.items() if not _is_put_back(params, name, best)]
        if not lost:
            return None
        names = ", ".join(f"network.params[{name!r}]" for name in lost)
        return f"early stopping could not put back the best {names}: missing, read-only, or of another shape or dtype"


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
