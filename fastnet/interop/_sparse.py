"""What the estimators ask of a sparse matrix before they use it."""

from typing import Any

from scipy.sparse import issparse


def refuse_broken(matrix: Any, name: str) -> None:
    """Raise a ValueError if a sparse matrix names a place that it does not have.

    Neither SciPy nor scikit-learn checks this before they use it.
    """
    if not issparse(matrix) or matrix.ndim != 2 or matrix.format not in ("csr", "csc", "bsr"):
        return
    height, width = getattr(matrix, "blocksize", (1, 1))
    lines, places = matrix.shape[0] // height, matrix.shape[1] // width
    if matrix.format == "csc":
        lines, places = places, lines
    starts, indices = matrix.indptr, matrix.indices
    stored = min([len(indices), *matrix.data.shape[:1]])
    rises = len(starts) == lines + 1 and starts[0] == 0 and (starts[1:] >= starts[:-1]).all()
    if not rises or starts[-1] > stored:
        raise ValueError(
            f"{name} is a broken sparse matrix: its indptr must hold {lines + 1} numbers that rise from 0 to at most "
            f"{stored}. Make the matrix again"
        )
    used = indices[: starts[-1]]
    if len(used) and not 0 <= used.min() <= used.max() < places:
        raise ValueError(
            f"{name} is a broken sparse matrix: its indices must be from 0 to {places - 1}, got {used.min()} to "
            f"{used.max()}. Make the matrix again, with a larger shape or other indices"
        )
