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

    def restore(self, params: MutableMapping[str, Any]) -> None:
        """Put the best parameters back: arrays in place, because a network's layers may hold them too."""
        for name, best in self._best.items():
            if isinstance(params[name], np.ndarray):
                params[name][...] = best
            else:
                params[name] = best
