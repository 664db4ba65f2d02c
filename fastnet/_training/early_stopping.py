"""Keep the best parameters of a training run, and tell when it gets no better."""

import copy
import math
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import numpy as np


class Best:
    """A copy of the parameters with the lowest loss so far, and of the running statistics that belong to them."""

    def __init__(self) -> None:
        self.loss = math.inf
        self.params: dict[str, Any] = {}
        self._statistics: list[tuple[Any, str, Any]] = []

    def keep(self, loss: float, network: Any) -> bool:
        """Copy the parameters of `network` if `loss` is the lowest so far; return whether it is."""
        if not loss < self.loss:  # NaN is never the lowest
            return False
        self.loss, self.params = loss, {name: copy.copy(value) for name, value in network.params.items()}
        self._statistics = [(layer, name, copy.copy(getattr(layer, name))) for layer, name in _statistics(network)]
        return True

    def restore(self, network: Any) -> str | None:
        """Put the best parameters back: arrays in place, because a network's layers may hold them too.

        Return which could not be put back, if there are any.
        """
        lost = [name for name, best in self.params.items() if not _is_put_back(network.params, name, best)]
        for layer, name, value in self._statistics:
            setattr(layer, name, copy.copy(value))
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

    def is_over(self, loss: float, network: Any) -> bool:
        """Keep a copy of the parameters if `loss` is the lowest so far; return whether this is too long ago."""
        self._waited = 0 if self._best.keep(loss, network) else self._waited + 1
        return self._waited >= self._patience

    def restore(self, network: Any) -> str | None:
        """Put the best parameters back; return a message if that was not possible for some."""
        lost = self._best.restore(network)
        return None if lost is None else f"early stopping {lost}"


def _statistics(network: Any) -> list[tuple[Any, str]]:
    """Return the layers that measure something in training, and the name of it: batch normalization, as in the book.

    A network of the user's may have no layers, or keep them otherwise.
    """
    layers = getattr(network, "layers", ())
    layers = layers.values() if isinstance(layers, Mapping) else layers
    if not isinstance(layers, Iterable):
        return []
    return [(layer, name) for layer in layers for name in ("running_mean", "running_var") if hasattr(layer, name)]


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
