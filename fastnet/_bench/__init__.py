"""Compare the speed of fastnet with the code that a reader of the book would write."""

from typing import TYPE_CHECKING

from fastnet._checks import as_float

if TYPE_CHECKING:
    from fastnet._bench.comparison import Comparison


def bench(seconds: float = 10.0) -> "Comparison":
    """Time the textbook's code, fastnet's NumPy twins and its compiled kernels in turn, on one thread.

    Parameters
    ----------
    seconds : float, default 10.0
        How long to measure, about. A longer time gives more stable results.

    Returns
    -------
    object
        A table that is printed as text, and that a notebook shows as a table. Its ``rows`` are pairs: what was
        computed, and a dict of the median times in seconds. Its ``machine`` is a dict of the facts that they depend on.

    Raises
    ------
    TypeError, ValueError
        If `seconds` is not a number above 0; if the results of two ways to compute differ.

    Notes
    -----
    ``fastnet bench`` prints the same table, row by row. The textbook is "Deep Learning from Scratch".

    Examples
    --------
    >>> import fastnet
    >>> table = fastnet.bench(seconds=60)  # doctest: +SKIP
    >>> table.rows[0].name  # doctest: +SKIP
    'sigmoid, float64, 10 elements'
    """
    from fastnet._bench.comparison import Comparison  # here, because `import fastnet` would take longer

    seconds = as_float(seconds, "seconds")
    comparison = Comparison()
    for _ in comparison.measure(seconds):
        pass
    return comparison
