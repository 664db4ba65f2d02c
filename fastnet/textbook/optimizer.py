"""The classes of `common/optimizer.py`: fastnet's kernels for float arrays, the book's own code for anything else."""

from typing import Any, ClassVar

import numpy as np

from fastnet import optimizer
from fastnet._checks import is_real
from fastnet.textbook._serving import Served


class _Unchecked(Served):
    """An optimizer with the book's manners: any learning rate is accepted, and nothing is checked.

    The first update is the book's own code, which also makes the arrays that the optimizer keeps.
    """

    _checked: ClassVar[dict[str, Any]] = {}
    __repr__ = object.__repr__

    def _set_rate(self, value: Any) -> None:
        object.__setattr__(self, "lr", value)
        object.__setattr__(self, "_schedule", None)
        if not is_real(value):
            self._belongs_to(optimizer._NEXT)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    def update(self, params: Any, grads: Any) -> None:
        if self._computes(True):
            super().update(params, grads)  # type: ignore[misc]
        else:
            self.book.update(self, params, grads)

    def _has_moved(self, params: Any) -> bool:
        return self._has_numbers() and super()._has_moved(params)  # type: ignore[misc]

    def _has_numbers(self) -> bool:
        """Whether the kernels can take the rate and what else is a number in the book's programs."""
        return all(is_real(vars(self).get(name, 0)) for name in optimizer.SGD._checked)

    def _update_unusual(self, params: Any, grads: Any, known: bool) -> None:
        if self.book is None:
            super()._update_unusual(params, grads, known)  # type: ignore[misc]
        else:
            self.book.update(self, params, grads)
            if self._has_numbers():
                self._belongs_to(params)  # type: ignore[attr-defined]


class SGD(_Unchecked, optimizer.SGD):
    """fastnet's SGD."""


class Momentum(_Unchecked, optimizer.Momentum):
    """fastnet's Momentum."""

    def update(self, params: Any, grads: Any) -> None:
        for name, v in (self.v or {}).items():
            if isinstance(v, np.ndarray):  # the book makes a new array: a program may keep the old one
                self.v[name] = v.copy()  # type: ignore[index]
        super().update(params, grads)


class Nesterov(_Unchecked, optimizer.Nesterov):
    """fastnet's Nesterov, which is that of the printings since 2021."""


class AdaGrad(_Unchecked, optimizer.AdaGrad):
    """fastnet's AdaGrad."""


class RMSprop(_Unchecked, optimizer.RMSprop):
    """fastnet's RMSprop."""


class Adam(_Unchecked, optimizer.Adam):
    """fastnet's Adam."""
