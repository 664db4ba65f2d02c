"""The book's own programs and notebooks with fastnet behind them, without a change.

`fastnet run SCRIPT` runs a program of the book. In a notebook, `import fastnet.textbook` before the book's imports does
the same: from then on, when Python imports a file with definitions of "Deep Learning from Scratch", fastnet serves
those that are as the book published them.
"""

from fastnet.textbook import _absent, _hook, _listing

__all__ = ["listing"]


def listing() -> str:
    """Return a table of the book's definitions that were imported, with what became of each.

    Returns
    -------
    str
        One line for each definition, by file: which function or class of fastnet serves it, or why it was left as it
        is.

    Examples
    --------
    >>> import fastnet.textbook
    >>> table = fastnet.textbook.listing()  # print it after the book's imports
    """
    return _listing.table()


_hook.install()
_absent.install()
