"""The book's layers: `forward` computes the output, `backward` passes the gradient back.

They have the book's constructor arguments and attributes, and a program may read and write all of them. A layer does
not copy its parameters: `W` and `b` are the arrays that it was given, so an optimizer that changes them in place
changes the layer. It keeps nothing that it has computed from them. It does not modify its arguments, and the arrays
that it returns stay as they are when it is called again. Between `forward` and `backward`, a layer needs its input. As
in the book, `Affine` does not copy it, so a program must not change it in between; after `Convolution` it may.

`backward` takes the gradient of the loss with respect to the layer's output, and returns the gradient with respect to
its input.
"""

from fastnet.layers import convolution, dense, loss, normalization
from fastnet.layers.convolution import *  # noqa: F403
from fastnet.layers.dense import *  # noqa: F403
from fastnet.layers.loss import *  # noqa: F403
from fastnet.layers.normalization import *  # noqa: F403

__all__ = [*dense.__all__, *convolution.__all__, *normalization.__all__, *loss.__all__]
