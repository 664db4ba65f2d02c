"""How a definition of fastnet takes the place of the reader's: it keeps name, module, signature and docstring."""

import functools
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any, ClassVar, NamedTuple


class Function(NamedTuple):
    """A function that computes with fastnet where the arguments fit, and with the book's own definition elsewhere."""

    compute: Any
    fits: Callable[..., bool] | None  # takes the book's function and the arguments; None if all arguments fit
    name: str = ""  # what `--list` shows, if it is not `compute`
    keywords: bool = False  # whether `compute` has the book's argument names
    refuses: Callable[[Any], str] | None = None  # takes the book's function: why it is left as it is, or an empty text

    def serve(self, book: FunctionType, references: Collection[str], made: dict[str, Any]) -> FunctionType:
        """Return the function that takes the place of `book`, which refers to other definitions of its file.

        It has no closure, and the globals of `book`: so IPython's autoreload can exchange its code for the code of a
        function that the reader has changed.
        """
        are_unchanged = functools.partial(_are_unchanged, references, book.__globals__, made) if references else None
        parts = (self.compute, self.fits, self.keywords, book, are_unchanged)
        constants = tuple(parts if constant == PARTS else constant for constant in _served.__code__.co_consts)
        return _named_like(book, FunctionType(_served.__code__.replace(co_consts=constants), book.__globals__))


def _named_like(book: FunctionType, served: FunctionType) -> FunctionType:
    functools.update_wrapper(served, book)
    return served


PARTS = "the parts of a served function stand here"


def _served(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "the parts of a served function stand here"
    compute, fits, keywords, book, are_unchanged = parts
    is_usual = keywords or (len(args) == book.__code__.co_argcount and not kwargs)
    is_usual = is_usual and (fits is None or fits(book, *args, **kwargs))
    if is_usual and (are_unchanged is None or are_unchanged()):
        return compute(*args, **kwargs)
    return book(*args, **kwargs)


def _are_unchanged(references: Collection[str], names: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether the names have the values that the file gave them: a program may replace them, autoreload their code."""
    for name in references:
        if name in made:
            value, code = made[name]
            now: Any = names.get(name)
            if now is not value or (code is not None and now.__code__ is not code):
                return False
    return True


def as_made(value: Any) -> tuple[Any, Any]:
    """Return what tells a definition from one that replaced it, or whose code was exchanged."""
    return value, value.__code__ if isinstance(value, FunctionType) else None


class Served:
    """A class of fastnet that takes the place of the reader's class, and is also a subclass of it.

    So an object can call each of the reader's own methods, also private ones.
    """

    book: ClassVar[Any] = None  # the reader's own class; None in a module that the reader does not have
    _absent: ClassVar[Any] = None  # what a module gets that the reader does not have, if not the class itself
    _public: ClassVar[str] = ""  # what `--list` shows, if no base is public

    @staticmethod
    def _is_unchanged() -> bool:
        """Whether all names to which the reader's class refers have the values that its file gave them."""
        return True

    def _computes(self, fits: bool) -> bool:
        """Whether fastnet computes, for arguments that fit or do not."""
        return self.book is None or (fits and self._is_unchanged())


def serve(
    ours: Any,
    book: Any,
    references: Collection[str] = (),
    made: dict[str, Any] | None = None,
    names: dict[str, Any] | None = None,
) -> Any:
    """Return what takes the place of the reader's function or class `book`, which refers to `names` of its file."""
    made = {} if made is None else made
    if isinstance(ours, Function):
        return ours.serve(book, references, made)
    attributes = {name: getattr(book, name) for name in ("__module__", "__qualname__", "__doc__")} | {"book": book}
    if references:
        check = functools.partial(_are_unchanged, references, {} if names is None else names, made)
        attributes["_is_unchanged"] = staticmethod(check)
    return type(book.__name__, (ours, book), attributes)


def serve_absent(ours: Any, name: str, module: str) -> Any:
    """Return what takes the place of a function or class in a module that the reader does not have."""
    if not isinstance(ours, Function):
        return type(name, (ours._absent or ours,), {"__module__": module, "__qualname__": name})
    compute = ours.compute

    @functools.wraps(compute)
    def served(*args: Any, **kwargs: Any) -> Any:
        return compute(*args, **kwargs)

    served.__module__, served.__name__, served.__qualname__ = module, name, name
    return served


def name_of(ours: Any) -> str:
    """Return the public name of what serves a definition."""
    name: str = ours.name if isinstance(ours, Function) else ours._public
    if name:
        return name
    if isinstance(ours, Function):
        ours = ours.compute
    else:
        ours = next(base for base in ours.__mro__ if not base.__module__.startswith("fastnet.textbook"))
    room = ".".join(ours.__module__.split(".")[:2])
    return f"{room}.{ours.__qualname__}"
