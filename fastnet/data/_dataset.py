"""The form in which data are given."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SHOWN = 10  # names of classes in the repr


class Dataset(NamedTuple):
    """Samples to train on and to test with, as `fastnet.data.load` gives them.

    Attributes
    ----------
    x_train, x_test : ndarray
        ``(N, D)``, one sample in each row; or pictures ``(N, 1, H, W)``.
    t_train, t_test : ndarray of int64
        The number of the class of each sample, ``(N,)``, from 0.
    classes : list of str
        The name of each class.
    input_shape : tuple of int
        ``(H, W)`` for pictures, ``(D,)`` for other numbers.
    background : float or None
        For pictures, the median of the pixels at their borders, from 0 (black) to 1 (white): 0 for MNIST's white ink on
        black. None for other numbers.
    notes : tuple of str
        What was decided, such as which samples are for testing.
    """

    x_train: Any
    t_train: npt.NDArray[np.int64]
    x_test: Any
    t_test: npt.NDArray[np.int64]
    classes: list[str]
    input_shape: tuple[int, ...]
    background: float | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shape, names = " x ".join(map(str, self.input_shape)), ", ".join(map(str, self.classes[:SHOWN]))
        more = ", ..." if len(self.classes) > SHOWN else ""
        return (
            f"<Dataset of {shape} numbers, {len(self.x_train):,} samples to train on and {len(self.x_test):,} to test "
            f"with, {len(self.classes)} classes: {names}{more}>"
        )
