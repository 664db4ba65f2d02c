"""The classes of `common/optimizer.py`: fastnet's kernels for float arrays, the book's own code for anything else."""

from typing import Any, ClassVar

from fastnet import optimizer


class _Unchecked:
    """An optimizer with the book's manners: any learning rate is accepted, and nothing is checked.

    The first update is the book's own code, which also makes the arrays that the optimizer keeps.
    """

    book: ClassVar[Any] = None  # the reader's own class
    _checked: ClassVar[dict[str, Any]] = {}
    __repr__ = object.__repr__

    def _set_rate(self, value: Any) -> None:
        object.__setattr__(self, "lr", value)
        object.__setattr__(self, "_schedule", None)

    def _update_unusual(self, params: Any, grads: Any, known: bool) -> None:
        if self.book is None:
            super()._update_unusual(params, grads, known)  # type: ignore[misc]
        else:
            self.book.update(self, params, grads)
            self._belongs_to(params)  # type: ignore[attr-defined]


class SGD(_Unchecked, optimizer.SGD):
    """fastnet's SGD."""


class Momentum(_Unchecked, optimizer.Momentum):
    """fastnet's Momentum."""


class Nesterov(_Unchecked, optimizer.Nesterov):
    """fastnet's Nesterov, which is that of the printings since 2021."""


class AdaGrad(_Unchecked, optimizer.AdaGrad):
    """fastnet's AdaGrad."""


class RMSprop(_Unchecked, optimizer.RMSprop):
    """fastnet's RMSprop."""


class Adam(_Unchecked, optimizer.Adam):
    """fastnet's Adam."""
