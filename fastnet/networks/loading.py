"""Read a file of weights without knowing of which network."""

from typing import TypeAlias

from fastnet._files import PathLike
from fastnet.networks.convolutional import DeepConvNet, SimpleConvNet
from fastnet.networks.files import Read, read_weights
from fastnet.networks.layered import LayeredTwoLayerNet
from fastnet.networks.multi_layer_net import MultiLayerNet
from fastnet.networks.multi_layer_net_extend import MultiLayerNetExtend
from fastnet.networks.two_layer_net import TwoLayerNet

AnyNetwork: TypeAlias = (
    TwoLayerNet | MultiLayerNet | MultiLayerNetExtend | LayeredTwoLayerNet | SimpleConvNet | DeepConvNet
)
KINDS: dict[str, type[AnyNetwork]] = {
    kind.__name__: kind
    for kind in (TwoLayerNet, MultiLayerNet, MultiLayerNetExtend, LayeredTwoLayerNet, SimpleConvNet, DeepConvNet)
}


def load_network(path: PathLike) -> AnyNetwork:
    """Return the network that a file of weights holds, of whatever class it is.

    Parameters
    ----------
    path : str or path
        A ``.npz`` file that the `save` of a network, or `fastnet train`, wrote.

    Returns
    -------
    network
        A `TwoLayerNet`, `MultiLayerNet`, `MultiLayerNetExtend`, `LayeredTwoLayerNet`, `SimpleConvNet` or `DeepConvNet`.
        Its ``classes`` are the names of the classes, ``input_shape`` is the shape of an input, and ``background`` the
        brightness of the background of the pictures that it was trained on, or None if the file does not say it.

    Raises
    ------
    ValueError
        If the file does not hold a network, or is damaged.
    OSError
        If the file cannot be read.

    See Also
    --------
    TwoLayerNet.load : The same for one class. The other networks have it too.

    Notes
    -----
    A file with neither the name of its network nor settings is read as a `TwoLayerNet`. Nothing in a file is executed.
    The networks are those of "Deep Learning from Scratch".

    Examples
    --------
    >>> import tempfile, os
    >>> from fastnet import SimpleConvNet, load_network
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "weights.npz")
    ...     SimpleConvNet((1, 8, 8), hidden_size=5, seed=0).save(path)
    ...     network = load_network(path)
    >>> print(type(network).__name__, network.input_shape, network.classes)
    SimpleConvNet (1, 8, 8) None
    """
    return network_of(path, read_weights)


def network_of(path: PathLike, read: Read) -> AnyNetwork:
    """Return the network that a file holds, in whose format `read` reads."""
    try:
        _, description = read(path)
        kind = description.network or TwoLayerNet.__name__
        if kind not in KINDS:
            raise ValueError(f"it holds those of a {kind}, which this version does not know")
    except ValueError as error:
        raise ValueError(
            f"{path} does not hold the parameters of a network: {error}. "
            "Give a file that save has written"
        ) from None
    return KINDS[kind]._load(path, read)
