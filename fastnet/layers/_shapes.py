"""The checks that layers share."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT32, FLOAT64, FloatArray, cast, narrowest, real_array


def kept(value: Any, name: str) -> Any:
    """Return what `forward` keeps for `backward`."""
    if value is None:
        raise ValueError(f"backward needs {name}, which forward keeps: call forward first")
    return value


def gradient(dout: npt.ArrayLike, shape: tuple[int, ...], *, broadcast: bool = False) -> npt.NDArray[Any]:
    """Return the gradient with respect to the output, which has this shape; with `broadcast`, one number may do."""
    array = real_array(dout, "dout")
    if broadcast and array.shape != shape:
        try:
            return np.broadcast_to(array, shape)
        except ValueError:  # the next lines say it in the words of the layers
            pass
    if array.shape != shape:
        raise ValueError(f"dout must have the shape of the output, {shape}, got shape {array.shape}")
    return array


def common(*arrays: npt.NDArray[Any]) -> list[FloatArray]:
    """Return the arrays as the kernels take them: float32 if all are float32, else float64."""
    dtype = narrowest(*arrays)
    return [cast(array, dtype) for array in arrays]


def promoted(*arrays: npt.NDArray[Any]) -> tuple[list[FloatArray], np.dtype[Any]]:
    """Return the arrays as the kernels take them, and the dtype of the result: float, by NumPy's rules of promotion."""
    dtype = np.result_type(*(array.dtype for array in arrays))
    if dtype.kind != "f":
        dtype = FLOAT64
    computed_in = FLOAT32 if dtype.itemsize < 4 else dtype
    return [cast(array, computed_in) for array in arrays], dtype


def vector(value: npt.ArrayLike, name: str, size: int, of: str) -> npt.NDArray[Any]:
    """Return a parameter with one number, or the same number, for each of `size` columns."""
    array = real_array(value, name)
    if array.shape == (size,):
        return array
    if array.shape not in ((1, size), (1,), ()):
        raise ValueError(f"{name} must have shape ({size},) {of}, got shape {array.shape}")
    return np.broadcast_to(array.reshape(-1), (size,))


def shown(layer: Any, *names: str) -> str:
    """Return the repr of a layer, with the shapes or the values of some attributes."""
    parts = []
    for name in names:
        value = getattr(layer, name, None)
        parts.append(f"{name} {value.shape}" if isinstance(value, np.ndarray) else f"{name}={value!r}")
    return f"{type(layer).__name__}({', '.join(parts)})"
