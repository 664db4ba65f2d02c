"""Files of weights in the format safetensors: arrays, without code that a reader would run."""

import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import cast
from fastnet._extras import library
from fastnet._files import PathLike, replacing
from fastnet.networks.files import Description, SavedNetwork, without_description
from fastnet.networks.loading import AnyNetwork, network_of

# The metadata of a file are texts. All settings stand in one: safetensors writes several in random order, and so the
# same network would give other bytes each time.
METADATA = "fastnet"


def save_safetensors(network: Any, path: PathLike) -> None:
    """Write the parameters of a network as safetensors.

    Parameters
    ----------
    network : object
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `LayeredTwoLayerNet`, `SimpleConvNet` or `DeepConvNet`.
    path : str or path
        The name of the file. No suffix is added. An existing file is replaced only when the new file is complete.

    Raises
    ------
    TypeError
        If `network` is not such a network.
    ValueError
        If a parameter no longer fits.
    OSError
        If the file cannot be written.
    ImportError
        If ``safetensors`` is not installed.

    See Also
    --------
    load_safetensors : Read the file.

    Notes
    -----
    The names are those of `params`, and ``running_mean1`` and so on of batch normalization. The metadata hold the
    settings of the network, as JSON under the name "fastnet". The same network gives the same bytes.

    "Deep Learning from Scratch" has the networks. The format is that of the safetensors project (2022).

    Examples
    --------
    >>> import tempfile, os
    >>> from fastnet import TwoLayerNet
    >>> from fastnet.interop import load_safetensors, save_safetensors
    >>> network = TwoLayerNet(2, 3, 2, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.safetensors")
    ...     save_safetensors(network, path)
    ...     again = load_safetensors(path)
    >>> bool((again.predict([1, 2]) == network.predict([1, 2])).all())
    True
    """
    if not isinstance(network, SavedNetwork):
        raise TypeError(f"network must be one of fastnet's networks with several layers, got {type(network).__name__}")
    safetensors = library("safetensors.numpy", "safetensors", "save_safetensors")
    # A Fortran-ordered array would be written with its values in another order, without an error.
    arrays = {name: _in_order(array) for name, array in network._saved_parameters().items()}
    settings = {name: np.asarray(value).tolist() for name, value in network._saved_settings().items()}
    content = safetensors.save(arrays, {METADATA: json.dumps(settings)})
    with replacing(path) as file:
        file.write(content)


def load_safetensors(path: PathLike) -> AnyNetwork:
    """Return the network that a file of `save_safetensors` holds.

    Parameters
    ----------
    path : str or path
        A file of `save_safetensors`; or one of other origin with the parameters ``W1``, ``b1``, ``W2``, ``b2`` of a
        `TwoLayerNet`.

    Returns
    -------
    network
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `LayeredTwoLayerNet`, `SimpleConvNet` or `DeepConvNet`,
        in the dtype of the file.

    Raises
    ------
    ValueError
        If the file does not hold a network, or is damaged.
    OSError
        If the file cannot be read.
    ImportError
        If ``safetensors`` is not installed.

    See Also
    --------
    save_safetensors : Write the file.
    fastnet.load_network : The same for the ``.npz`` files of `save`.

    Notes
    -----
    Nothing in a file is executed. "Deep Learning from Scratch" has the networks. The format is that of the safetensors
    project (2022).

    Examples
    --------
    >>> import tempfile, os
    >>> import numpy as np
    >>> import safetensors.numpy
    >>> from fastnet.interop import load_safetensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.safetensors")
    ...     arrays = {"W1": np.ones((2, 3)), "b1": np.zeros(3), "W2": np.ones((3, 2)), "b2": np.zeros(2)}
    ...     safetensors.numpy.save_file(arrays, path)
    ...     load_safetensors(path)
    <TwoLayerNet 2-3-2 (Sigmoid, Softmax), 17 parameters, float64>
    """
    library("safetensors.numpy", "safetensors", "load_safetensors")  # before the file is said to be damaged
    return network_of(path, _read)


def _read(path: PathLike) -> tuple[dict[str, npt.NDArray[Any]], Description]:
    """Return the parameters and settings in a file, and what it says of its network; ValueErrors do not name it."""
    safetensors = library("safetensors", "safetensors", "load_safetensors")
    path = os.fspath(path)  # `open` would take a number for a file that is already open, and close it
    with open(path, "rb"):  # an OSError, where safetensors has errors of its own
        pass
    try:
        with safetensors.safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            settings = json.loads((file.metadata() or {}).get(METADATA, "{}"))
    except (safetensors.SafetensorError, TypeError, AttributeError, RecursionError) as error:
        # A TypeError or AttributeError is for a dtype that NumPy does not have, a RecursionError for nested settings.
        raise ValueError(f"it is no file of safetensors, or damaged: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"its metadata {METADATA!r} are no settings")
    return without_description({**arrays, **{name: np.asarray(value) for name, value in settings.items()}})


def _in_order(array: npt.ArrayLike) -> npt.NDArray[Any]:
    array = np.asarray(array)
    return cast(array, array.dtype.newbyteorder("="))
