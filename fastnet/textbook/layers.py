"""The classes of `common/layers.py` and of `layer_naive.py`: fastnet's layers under the book's names.

Each class is a layer of `fastnet.layers`. It computes with fastnet where that gives what the book's class gives, to
rounding, and calls the reader's own method for all other arguments: so nothing that the book's layers take is refused.
The constructor is the reader's. In a module that the reader does not have, there is nothing to call, and everything is
fastnet's.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from fastnet import layers
from fastnet._checks import FLOAT64, is_real
from fastnet.textbook._serving import Served
from fastnet.textbook.functions import are_targets


def are_floats(*arrays: Any) -> bool:
    """Whether all are arrays of float32 or float64."""
    for array in arrays:  # noqa: SIM110 - faster than `all`, and this is called several times in each layer
        if type(array) is not np.ndarray or array.dtype.char not in "fd":
            return False
    return True


def are_images(x: Any) -> bool:
    """Whether x holds images: the book's `im2col` makes float64 of all of these dtypes, without rounding."""
    return type(x) is np.ndarray and x.ndim == 4 and x.dtype.char in "edfbBhHiIlLqQ" and x.size > 0


def is_size(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


class _Layer(Served):
    """A layer with the book's manners: nothing is checked, and its pickle holds the book's attributes alone."""

    _computed_when_read: ClassVar[tuple[str, ...]] = ()
    _private: ClassVar[tuple[str, ...]] = ()
    __repr__ = object.__repr__

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.book is None:
            super().__init__(*args, **kwargs)
        else:
            self.book.__init__(self, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in self._private}
        for name in self._computed_when_read:
            state[name] = getattr(self, name)
        return state


class MulLayer(_Layer, layers.MulLayer):
    """fastnet's MulLayer."""

    def backward(self, dout: Any) -> Any:
        if self._computes(self.x is not None and self.y is not None):
            return super().backward(dout)
        return self.book.backward(self, dout)


class AddLayer(_Layer, layers.AddLayer):
    """fastnet's AddLayer."""


class Relu(_Layer, layers.Relu):
    """fastnet's Relu. Unlike the book's, `backward` never changes `dout`."""

    def forward(self, x: Any) -> Any:
        if self._computes(are_floats(x)):
            return super().forward(x)
        return self.book.forward(self, x)

    def backward(self, dout: Any) -> Any:
        if self._computes(are_floats(dout) and type(self.mask) is np.ndarray and self.mask.shape == dout.shape):
            return super().backward(dout)
        return self.book.backward(self, dout.copy() if isinstance(dout, np.ndarray) else dout)


class Sigmoid(_Layer, layers.Sigmoid):
    """fastnet's Sigmoid."""

    def forward(self, x: Any) -> Any:
        if self._computes(are_floats(x)):
            return super().forward(x)
        return self.book.forward(self, x)

    def backward(self, dout: Any) -> Any:
        if self._computes(are_floats(dout, self.out) and self.out.shape == dout.shape):
            return super().backward(dout)
        return self.book.backward(self, dout)


class Affine(_Layer, layers.Affine):
    """fastnet's Affine."""

    _private = ("_wants_dx",)
    _wants_dx = True

    def forward(self, x: Any) -> Any:
        W, b = self.W, self.b
        fits = are_floats(x, W, b) and x.ndim > 1 and W.ndim == 2
        if self._computes(fits and (math.prod(x.shape[1:]), *b.shape) == W.shape):
            return super().forward(x)
        return self.book.forward(self, x)

    def backward(self, dout: Any) -> Any:
        x, W = self.x, self.W
        fits = are_floats(dout, x, W) and dout.ndim == x.ndim == 2 and len(dout) == len(x)
        if self._computes(fits and W.shape == (x.shape[1], dout.shape[1])):
            if self._wants_dx:
                return super().backward(dout)
            self._differentiate(dout, False)
            return None
        return self.book.backward(self, dout)


class SoftmaxWithLoss(_Layer, layers.SoftmaxWithLoss):
    """fastnet's SoftmaxWithLoss."""

    def forward(self, x: Any, t: Any) -> Any:
        if self._computes(are_floats(x) and x.ndim == 2 and x.size > 0 and are_targets(t, x.shape)):
            return super().forward(x, t)
        return self.book.forward(self, x, t)

    def backward(self, dout: Any = 1) -> Any:
        y = self.y
        if self._computes(are_floats(y) and y.ndim == 2 and are_targets(self.t, y.shape)):
            return super().backward(dout)
        return self.book.backward(self, dout)


class Dropout(_Layer, layers.Dropout):
    """fastnet's Dropout, whose arithmetic is that of the reader's own: so there is nothing to gain."""

    def forward(self, x: Any, train_flg: Any = True) -> Any:
        return super().forward(x, train_flg) if self.book is None else self.book.forward(self, x, train_flg)

    def backward(self, dout: Any) -> Any:
        return super().backward(dout) if self.book is None else self.book.backward(self, dout)


class BatchNormalization(_Layer, layers.BatchNormalization):
    """fastnet's BatchNormalization, for float64: the book computes float32 in float32, and loses digits."""

    _dimensions: ClassVar[tuple[int, ...]] = (2, 4)

    def forward(self, x: Any, train_flg: Any = True) -> Any:
        if self._fits(x) and self._is_unchanged():
            return super().forward(x, train_flg)
        return super().forward(x, train_flg) if self.book is None else self.book.forward(self, x, train_flg)

    def backward(self, dout: Any) -> Any:
        xn: Any = vars(self).get("xn")  # the reader's constructor does not set it
        xc, gamma, std = self.xc, self.gamma, self.std
        fits = _are_float64(dout, xn, xc, gamma, std) and dout.ndim in self._dimensions
        fits = fits and dout.shape == self.input_shape and xn.shape == xc.shape == (len(dout), *gamma.shape)
        if fits and gamma.shape == std.shape == (math.prod(dout.shape[1:]),) and self._is_unchanged():
            return super().backward(dout)
        return super().backward(dout) if self.book is None else self.book.backward(self, dout)

    def _fits(self, x: Any) -> bool:
        gamma, beta = self.gamma, self.beta
        if not (_are_float64(x, gamma, beta) and x.ndim in self._dimensions and x.size > 0 and is_real(self.momentum)):
            return False
        D = (math.prod(x.shape[1:]),)
        mean, var = self.running_mean, self.running_var
        fits = gamma.shape == beta.shape == D
        return fits and (mean is None or (_are_float64(mean, var) and mean.shape == var.shape == D))


class BatchNormalizationOf2016(BatchNormalization):
    """That of 2016, which normalizes images in another way: they are left to the reader's own."""

    _dimensions = (2,)


def _are_float64(*arrays: Any) -> bool:
    for array in arrays:  # noqa: SIM110 - see `are_floats`
        if type(array) is not np.ndarray or array.dtype is not FLOAT64:
            return False
    return True


class Convolution(_Layer, layers.Convolution):
    """fastnet's Convolution, always in float64, as the book's `im2col` returns it."""

    _computed_when_read = ("col",)
    _private = ("_wants_dx", "_copy")
    _wants_dx = True
    _copy: Any = None  # of x: the program may change x, and `backward` is that of the old one, as the book keeps `col`

    def forward(self, x: Any) -> Any:
        W, b = self.W, self.b
        fits = are_images(x) and are_floats(W, b) and W.ndim == 4 and W.shape[1] == x.shape[1]
        if self._computes(fits and b.shape == (len(W),) and self._positions(x) is not None):
            images = in_float64(x)
            out = self._forward(images, owned=images is not x, relu=None)
            self.x, self._copy = x, self.x
            return out
        self._copy = None
        return self.book.forward(self, x)

    def _images(self) -> Any:
        return super()._images() if self._copy is None else self._copy

    def backward(self, dout: Any) -> Any:
        x, W = self.x, self.W
        fits = are_floats(dout, W) and are_images(x) and np.shape(self.col_W) == (W[0].size, len(W))
        fits = fits and x.shape == np.shape(self._images())
        if self._computes(fits and dout.shape == (len(x), len(W), *(self._positions(x) or ()))):
            return self._backward(in_float64(dout), self._wants_dx, None)
        return self.book.backward(self, dout)

    def _positions(self, x: Any) -> tuple[int, int] | None:
        """Return the numbers of a filter's positions, or None if the arguments are not as usual."""
        if not (is_size(self.stride, 1) and is_size(self.pad, 0)):
            return None
        rooms = [size + 2 * self.pad - side for size, side in zip(x.shape[2:], self.W.shape[2:], strict=True)]
        return None if min(rooms) < 0 else (rooms[0] // self.stride + 1, rooms[1] // self.stride + 1)


class Pooling(_Layer, layers.Pooling):
    """fastnet's Pooling, always in float64. The book's output size ignores `pad`: so `pad` is left to the reader."""

    _computed_when_read = ("arg_max",)
    _private = ("_where", "_pool")

    def forward(self, x: Any) -> Any:
        if self._computes(are_images(x) and self._sizes(x) is not None):
            out = super().forward(in_float64(x))
            self.x = x
            return out
        return self.book.forward(self, x)

    def backward(self, dout: Any) -> Any:
        x = self.x
        fits = are_floats(dout) and are_images(x) and dout.shape[:2] == x.shape[:2] and dout.ndim == 4
        if self._computes(fits and dout.shape[2:] == self._sizes(x) and self._knows_where(dout)):
            return super().backward(in_float64(dout))
        return self.book.backward(self, dout)

    def _sizes(self, x: Any) -> tuple[int, int] | None:
        """Return the height and the width of the output, or None if the arguments are not as usual."""
        pools = (self.pool_h, self.pool_w)
        if not all(is_size(size, 1) for size in (*pools, self.stride)) or self.pad != 0:
            return None
        rooms = [size - pool for size, pool in zip(x.shape[2:], pools, strict=True)]
        return None if min(rooms) < 0 else (rooms[0] // self.stride + 1, rooms[1] // self.stride + 1)

    def _knows_where(self, dout: Any) -> bool:
        """Whether the last `forward` was fastnet's, or `arg_max` is as that of the book."""
        numbers = vars(self).get("arg_max")
        if numbers is not None:
            return type(numbers) is np.ndarray and numbers.dtype.kind == "i" and numbers.size == dout.size
        return self._where is not None and self._where.shape == dout.shape and self._pool == (self.pool_h, self.pool_w)


def in_float64(array: Any) -> Any:
    return array.astype(FLOAT64, copy=False) if isinstance(array, np.ndarray) and array.dtype.kind == "f" else array


def is_plain(layer: Any, *kinds: type) -> bool:
    """Whether `forward` of a layer is that of one of these classes."""
    return any(isinstance(layer, kind) and type(layer).forward is kind.forward for kind in kinds) and (  # type: ignore[attr-defined]
        "forward" not in vars(layer) and layer._is_unchanged()
    )


@contextmanager
def without_dx(layers: list[Any]) -> Iterator[None]:
    """Let `backward` of a network's first layer leave out the gradient with respect to its input, which nobody reads.

    It takes a third of the time of an Affine layer. All layers must be fastnet's: one of the reader's might share the
    first layer, or its weights.
    """
    first = layers[0] if layers else None
    is_ours = isinstance(first, Affine | Convolution) and sum(layer is first for layer in layers) == 1
    if is_ours and all(isinstance(layer, _Layer) and _has_our_backward(layer) for layer in layers):
        first._wants_dx = False  # type: ignore[union-attr]
        try:
            yield
        finally:
            del first._wants_dx  # type: ignore[union-attr]
    else:
        yield


def _has_our_backward(layer: Any) -> bool:
    return type(layer).backward.__module__ == __name__ and "backward" not in vars(layer)
