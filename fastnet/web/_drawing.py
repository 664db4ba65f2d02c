"""What is drawn on the page, as the network sees it."""

import numpy as np
import numpy.typing as npt

from fastnet.images._mnist_form import as_mnist, enlarged, with_mnist_strokes

SIDE = 280  # pixels of the drawing


def prepared(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
    """Return a drawing `(SIDE, SIDE)`, from 0 (paper) to 255 (ink), as `(784,)` in MNIST's form; None if it is empty.

    `fastnet.images.prepare` does the same to photographs. A drawing needs only its last steps: the paper is clean, and
    all ink belongs to one digit, however far its strokes are apart.
    """
    rows, columns = (np.flatnonzero((ink > ink.max() // 2).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    digit = enlarged(np.float32(cut) / cut.max())
    if not (digit > 0.5).any():
        return None  # specks that no pen of the page draws
    return as_mnist(with_mnist_strokes(digit)).reshape(-1)
