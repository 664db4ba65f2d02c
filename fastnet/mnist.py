"""MNIST, from the files in the package: 60,000 images of handwritten digits to train on and 10,000 to test with."""

import zlib
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._npz import MOST_PER_BYTE
from fastnet._scaled import ScaledBytes

__all__ = ["load_mnist"]

Array = npt.NDArray[Any]

CLASSES = 10
SHAPE = (28, 28)
INK = 255  # the value of a pixel that is fully ink


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return MNIST: the images and labels to train on, and those to test with.

    The data comes with the package: there is no download, no cache and no pickle.

    Parameters
    ----------
    normalize : bool, default True
        float32 pixels from 0 (background) to 1 (ink), instead of uint8 from 0 to 255.
    flatten : bool, default True
        One row of 784 pixels for an image, instead of ``(1, 28, 28)``: channel, row, column.
    one_hot_label : bool, default False
        One row of 10 for a label, 1 at the digit and 0 elsewhere, instead of the digit.

    Returns
    -------
    (x_train, t_train), (x_test, t_test) : tuple of tuple of ndarray
        60,000 and 10,000 images: float32 or uint8, ``(N, 784)`` or ``(N, 1, 28, 28)``. Their labels: uint8 ``(N,)``, or
        float64 ``(N, 10)``. uint8 arrays are read-only.

    Raises
    ------
    ValueError
        If the package's data is damaged.

    Notes
    -----
    The signature is the same as in ``dataset/mnist.py`` in "Deep Learning from Scratch", chapter 3. The database is by
    Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0.

    Examples
    --------
    >>> from fastnet import load_mnist
    >>> (x_train, t_train), (x_test, t_test) = load_mnist()
    >>> x_train.shape, t_train.shape, x_test.shape, t_test.shape
    ((60000, 784), (60000,), (10000, 784), (10000,))
    >>> print(t_train[:10])
    [5 0 4 1 9 2 1 3 1 4]
    """

    def pair(part: str) -> tuple[Array, Array]:
        x = _read_idx(f"{part}-images-idx3-ubyte")
        t = _read_idx(f"{part}-labels-idx1-ubyte")
        x = x.reshape(len(x), -1) if flatten else x[:, np.newaxis]
        if normalize:
            x = np.asarray(ScaledBytes(x, INK))
        if one_hot_label:
            t = np.eye(CLASSES)[t]
        return x, t

    return pair("train"), pair("t10k")


def load_mnist_as_bytes() -> tuple[tuple[ScaledBytes, Array], tuple[ScaledBytes, Array]]:
    """Return the numbers of `load_mnist()` in a quarter of the memory: images become floats only when used."""
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False)
    return (ScaledBytes(x_train, INK), t_train), (ScaledBytes(x_test, INK), t_test)


def _read_idx(name: str) -> Array:
    """Read an IDX file of the package."""
    from fastnet.data._idx import header_of  # here, because `import fastnet` would take longer

    packed = resources.files("fastnet").joinpath("data", "mnist", f"{name}.gz").read_bytes()
    try:
        data = _unpack(packed)
        dtype, shape, offset = header_of(data)
        if dtype != np.uint8:
            raise ValueError("it is no IDX file of bytes")
        return np.frombuffer(data, np.uint8, offset=offset).reshape(shape)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"fastnet's {name}.gz is damaged: {error}. Install fastnet again") from None


def _unpack(packed: bytes) -> bytes:
    """Return the content of a one-part gzip file, in a buffer of the right size: a growing one would be copied."""
    from fastnet.data._idx import GZIP

    size = int.from_bytes(packed[-4:], "little")  # the last 4 bytes of a gzip file
    data = zlib.decompress(packed, GZIP, min(size, len(packed) * MOST_PER_BYTE))
    if len(data) != size:
        raise ValueError("it does not end where what was packed ends")
    return data
