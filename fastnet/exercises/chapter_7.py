"""Exercises to chapter 7 of the book: convolution and pooling."""

from typing import Any

import numpy as np

from fastnet.exercises._exercise import Exercise, Outputs, kept, trials
from fastnet.util import im2col as _im2col

__all__ = [
    "Pooling",
    "convolution",
    "convolve",
    "count_parameters",
    "im2col",
    "output_size",
    "pad",
    "parameter_shapes",
    "pool",
    "pool_size",
]


def _size(size: int, filter_size: int, pad: int, stride: int) -> int:
    return (size + 2 * pad - filter_size) // stride + 1


output_size = Exercise(
    "output_size(size, filter_size, pad, stride)",
    """How many rows does a convolution give? The image has `size` rows, the filter has `filter_size` rows, and it moves
    by `stride`. Before that, zeros are added: `pad` rows on each side. Give a whole number: leave out a place where the
    filter does not fit any more.""",
    _size,
    [
        *trials("a filter of 1", (1, 1, 0, 1), (4, 1, 0, 1)),
        *trials("no padding", (4, 3, 0, 1), (28, 5, 0, 1)),
        *trials("padding", (4, 3, 1, 1), (7, 5, 2, 1)),
        *trials("a stride", (7, 3, 0, 2), (28, 4, 1, 2)),
        *trials("a remainder", (6, 3, 0, 2), (8, 3, 0, 2), (30, 5, 2, 3)),
    ],
    mistakes={
        "the padding is on both sides: it counts twice": lambda s, f, p, t: (s + p - f) // t + 1,
        "the last + 1 is missing": lambda s, f, p, t: (s + 2 * p - f) // t,
        "+ 1 is divided by the stride, too": lambda s, f, p, t: (s + 2 * p - f + 1) // t,
        "the result of / is not a whole number": lambda s, f, p, t: (s + 2 * p - f) / t + 1,
        "the padding is subtracted": lambda s, f, p, t: (s - 2 * p - f) // t + 1,
        "the padding is not used": lambda s, f, p, t: (s - f) // t + 1,
        "the stride is not used": lambda s, f, p, t: s + 2 * p - f + 1,
        "a remainder is rounded up: the filter would hang over the edge": lambda s, f, p, t: (
            -(-(s + 2 * p - f) // t) + 1
        ),
    },
)

pool_size = Exercise(
    "pool_size(height, width, pool, stride)",
    "Height and width of the output of pooling, with windows of `pool` x `pool` and steps of `stride`. Give the pair.",
    lambda h, w, p, s: (_size(h, p, 0, s), _size(w, p, 0, s)),
    [
        *trials("windows side by side", (2, 2, 2, 2), (4, 6, 2, 2)),
        *trials("windows that overlap", (4, 5, 3, 1), (7, 9, 3, 2)),
        *trials("a remainder", (5, 7, 2, 2)),
    ],
    mistakes={
        "the stride is taken for the size of the window": lambda h, w, p, s: (h // s, w // s),
        "the size of the window is taken for the stride": lambda h, w, p, s: (h // p, w // p),
        "height and width are exchanged": lambda h, w, p, s: (_size(w, p, 0, s), _size(h, p, 0, s)),
        "the width is computed from the height": lambda h, w, p, s: (_size(h, p, 0, s),) * 2,
        "the last + 1 is missing": lambda h, w, p, s: ((h - p) // s, (w - p) // s),
    },
)

_IMAGE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
pad = Exercise(
    "pad(image, width)",
    "Put `width` rows and columns of zeros around an image (H, W). Give (H + 2 `width`, W + 2 `width`).",
    lambda image, width: np.pad(image, width),
    [
        *trials("one pixel", (np.array([[5.0]]), 1)),
        *trials("an image", (_IMAGE, 1), (_IMAGE, 2)),
        *trials("a width of 0", (_IMAGE, 0)),
    ],
    mistakes={
        "the zeros are only above and to the left": lambda image, width: np.pad(image, ((width, 0), (width, 0))),
        "the zeros are only below and to the right": lambda image, width: np.pad(image, ((0, width), (0, width))),
        "only rows are added, no columns": lambda image, width: np.pad(image, ((width, width), (0, 0))),
        "only columns are added, no rows": lambda image, width: np.pad(image, ((0, 0), (width, width))),
        "the edge is repeated, where zeros are wanted": lambda image, width: np.pad(image, width, "edge"),
        "there are ones around the image": lambda image, width: np.pad(image, width, constant_values=1),
        "image[width:-width] is empty for a width of 0": lambda image, width: _sliced(image, width),
    },
)


def _sliced(image: Any, width: int) -> Any:
    out = np.zeros((image.shape[0] + 2 * width, image.shape[1] + 2 * width))
    out[width:-width, width:-width] = image
    return out


def _windows(image: Any, h: int, w: int, stride: int = 1) -> Any:
    return np.lib.stride_tricks.sliding_window_view(image, (h, w), axis=(-2, -1))[..., ::stride, ::stride, :, :]


def _convolve(image: Any, W: Any) -> Any:
    return np.einsum("ijhw,hw->ij", _windows(image, W.shape[0], W.shape[1]), W)


_BIG = np.array([[1.0, 2.0, 3.0, 0.0], [0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0], [2.0, 3.0, 0.0, 1.0]])
_FILTER = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 0.0, 2.0]])
_FLAT = np.array([[1.0, -1.0]])
convolve = Exercise(
    "convolve(image, W)",
    """Move the filter W (FH, FW) over the image (H, W), with steps of 1 and no padding. At each place, give the sum
    of the products. As in the book, the filter is not turned.""",
    _convolve,
    [
        *trials("a filter of 1 x 1", (np.array([[3.0]]), np.array([[2.0]])), (_IMAGE, np.array([[2.0]]))),
        *trials("a filter as large as the image", (_FILTER, _FILTER), (_BIG[:3, :3], _FILTER)),
        *trials("a larger image", (_BIG, _FILTER)),
        *trials("a filter that is not square", (_IMAGE, _FLAT), (_BIG, _FLAT.T)),
    ],
    mistakes={
        "the filter is turned by half a turn, as mathematicians do: the book does not": lambda image, W: _convolve(
            image, W[::-1, ::-1]
        ),
        "the filter is transposed": lambda image, W: _convolve(image, W.T),
        "@ is a matrix product: the products of single elements are wanted": lambda image, W: (
            _windows(image, W.shape[0], W.shape[1]) @ W
        ).sum(axis=(-2, -1)),
        "the last row and column of the output are missing": lambda image, W: _convolve(image, W)[:-1, :-1],
        "it takes the mean of the products": lambda image, W: _convolve(image, W) / W.size,
        "the output is as large as the image: there is no padding here": lambda image, W: _convolve(
            np.pad(image, [(0, n - 1) for n in W.shape]), W
        ),
        "the window has as many columns as rows": lambda image, W: _square_window(image, W),
    },
)


def _square_window(image: Any, W: Any) -> Any:
    size = W.shape[0]
    out = np.zeros((image.shape[0] - size + 1, image.shape[1] - size + 1))
    for i, j in np.ndindex(out.shape):
        out[i, j] = np.sum(image[i : i + size, j : j + size] * W)
    return out


def _convolution(x: Any, W: Any, b: Any) -> Any:
    return np.einsum("ncijhw,fchw->nfij", _windows(x, W.shape[2], W.shape[3]), W) + b[:, None, None]


_random = np.random.RandomState(0)
_X = _random.randint(-2, 3, (2, 3, 4, 5)).astype(float)
_W = _random.randint(-2, 3, (4, 3, 2, 3)).astype(float)
_B = np.array([0.5, -1.0, 2.0, 0.25])
_VOLUMES = [
    *trials("one channel and one filter", (_X[:1, :1, :2, :3], _W[:1, :1], _B[:1])),
    *trials("several channels", (_X[:1], _W[:1], _B[:1])),
    *trials("several filters", (_X[:1, :1], _W[:, :1], _B)),
    *trials("a batch", (_X, _W, _B)),
]
convolution = Exercise(
    "convolution(x, W, b)",
    """The convolution of a batch x (N, C, H, W) with filters W (FN, C, FH, FW) and biases b (FN,), with steps of 1 and
    no padding. Give (N, FN, OH, OW).""",
    _convolution,
    _VOLUMES,
    mistakes={
        "the biases are not added": lambda x, W, b: _convolution(x, W, 0 * b),
        "the biases are added along the last axis": lambda x, W, b: _convolution(x, W, 0 * b) + b,
        "only the first channel is used": lambda x, W, b: _convolution(x[:, :1], W[:, :1], b),
        "the bias is added once for each channel": lambda x, W, b: _convolution(x, W, x.shape[1] * b),
        "the mean over the channels is taken, where the sum is wanted": lambda x, W, b: _convolution(
            x, W / x.shape[1], b
        ),
        "the filters are turned by half a turn": lambda x, W, b: _convolution(x, W[..., ::-1, ::-1], b),
        "the filters come last: their axis must be the second": lambda x, W, b: _convolution(x, W, b).transpose(
            0, 2, 3, 1
        ),
        "only the first sample is used": lambda x, W, b: _convolution(x[:1], W, b),
        "all filters get the first bias": lambda x, W, b: _convolution(x, W, 0 * b + b[0]),
    },
)


im2col = Exercise(
    "im2col(x, filter_h, filter_w, stride)",
    """Write each window of the batch x (N, C, H, W) as a row of numbers: first all of the first channel, row by row,
    then the next channel. The rows go through the images, and in each image from left to right and from top to bottom.
    Give (N * OH * OW, C * filter_h * filter_w), without padding.""",
    _im2col,
    [
        *trials("one pixel", (_X[:1, :1, :1, :1], 1, 1, 1)),
        *trials("one window", (_X[:1, :1, :2, :2], 2, 2, 1)),
        *trials("several windows", (_X[:1, :1], 2, 2, 1)),
        *trials("windows that are not square", (_X[:1, :1], 2, 3, 1), (_X[:1, :1], 3, 2, 1)),
        *trials("several channels", (_X[:1], 2, 2, 1)),
        *trials("a batch", (_X, 2, 3, 1)),
        *trials("a stride", (_X, 2, 2, 2), (_X[:1, :1], 1, 2, 3)),
    ],
    mistakes={
        "the stride is not used": lambda x, h, w, s: _im2col(x, h, w, 1),
        "the axes were not moved before reshape: the channels are torn apart": lambda x, h, w, s: _windows(
            x, h, w, s
        ).reshape(-1, x.shape[1] * h * w),
        "rows and columns of the result are exchanged": lambda x, h, w, s: _im2col(x, h, w, s).T,
        "the channels come last in each row": lambda x, h, w, s: (
            _windows(x, h, w, s).transpose(0, 2, 3, 4, 5, 1).reshape(-1, x.shape[1] * h * w)
        ),
        "height and width of the filter are exchanged": lambda x, h, w, s: _im2col(x, w, h, s),
        "the windows go from top to bottom first, then to the right": lambda x, h, w, s: (
            _windows(x, h, w, s).transpose(0, 3, 2, 1, 4, 5).reshape(-1, x.shape[1] * h * w)
        ),
        "each window is written column by column": lambda x, h, w, s: (
            _windows(x, h, w, s).transpose(0, 2, 3, 1, 5, 4).reshape(-1, x.shape[1] * h * w)
        ),
        "only the first image is used": lambda x, h, w, s: _im2col(x[:1], h, w, s),
    },
)


def _pool(image: Any, size: int, stride: int) -> Any:
    return _windows(image, size, size, stride).max(axis=(-2, -1))


_BELOW_0 = -1 - np.arange(16.0).reshape(4, 4)
pool = Exercise(
    "pool(image, size, stride)",
    "Max pooling: give the largest pixel of each window of `size` x `size` in the image (H, W). Step: `stride`.",
    _pool,
    [
        *trials("one window", (np.array([[1.0, 4.0], [3.0, 2.0]]), 2, 2)),
        *trials("windows side by side", (_BIG, 2, 2)),
        *trials("negative pixels", (_BELOW_0, 2, 2)),
        *trials("windows that overlap", (_BIG, 2, 1), (_BIG, 3, 1)),
        *trials("a remainder", (np.arange(15.0).reshape(3, 5), 2, 2)),
    ],
    mistakes={
        "the mean is taken, where the maximum is wanted": lambda i, n, s: _windows(i, n, n, s).mean(axis=(-2, -1)),
        "the minimum is taken": lambda i, n, s: _windows(i, n, n, s).min(axis=(-2, -1)),
        "the search for the maximum starts at 0, and negative pixels are below it": lambda i, n, s: np.maximum(
            _pool(i, n, s), 0
        ),
        "the stride is not used: the windows are always side by side": lambda i, n, s: _pool(i, n, n),
        "the steps are 1, whatever the stride": lambda i, n, s: _pool(i, n, 1),
        "it gives the place of the maximum, not the maximum": lambda i, n, s: (
            _windows(i, n, n, s).reshape(*_pool(i, n, s).shape, -1).argmax(axis=-1)
        ),
        "windows that hang over the edge are counted": lambda i, n, s: _over_the_edge(i, n, s),
    },
)


def _over_the_edge(image: Any, size: int, stride: int) -> Any:
    rows, columns = range(0, image.shape[0], stride), range(0, image.shape[1], stride)
    return np.array([[image[i : i + size, j : j + size].max() for j in columns] for i in rows])


class _Pooling:
    """2 x 2 max pooling of one image, with windows side by side."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return _pool(x, 2, 2)

    def backward(self, dout: Any) -> Any:
        dx = np.zeros(self.x.shape)
        for i, j in np.ndindex(dout.shape):
            window = self.x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            self.give(dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2], window, dout[i, j])
        return dx

    def give(self, dx: Any, window: Any, value: Any) -> None:
        dx[np.unravel_index(window.argmax(), window.shape)] = value


def _pooling(give: Any) -> Any:
    return type("Answer", (_Pooling,), {"give": lambda self, dx, window, value: give(dx, window, value)})


def _pooled(answer: Any, x: Any, dout: Any) -> Outputs:
    layer = answer()
    return {"layer.forward(x)": kept(layer.forward(x)), "layer.backward(dout)": layer.backward(dout)}


_TIE = np.array([[2.0, 1.0], [1.0, 2.0]])
Pooling = Exercise(
    "Pooling(x, dout)",
    """A class: forward(x) keeps the largest number of each window of 2 x 2 pixels. The windows lie side by side, and
    the image x has an even number of rows and columns. backward(dout) gives dx: each number of dout goes to the largest
    pixel of its window. If several are equally large, it goes to the first of them. The other pixels get 0.""",
    _Pooling,
    [
        *trials("one window", (np.array([[1.0, 4.0], [3.0, 2.0]]), np.array([[5.0]]))),
        *trials("two equal pixels", (_TIE, np.array([[3.0]]))),
        *trials("several windows", (_BIG, np.array([[1.0, -2.0], [3.0, 0.5]]))),
        *trials("negative pixels", (_BELOW_0, np.array([[1.0, 2.0], [3.0, 4.0]]))),
    ],
    run=_pooled,
    mistakes={
        "all four pixels get the gradient": _pooling(lambda dx, window, value: dx.fill(value)),
        "the gradient is shared among the four pixels, as for a mean": _pooling(
            lambda dx, window, value: dx.fill(value / 4)
        ),
        "two equal pixels both get the gradient": _pooling(
            lambda dx, window, value: dx.__setitem__(window == window.max(), value)
        ),
        "it goes to the last of two equal pixels": _pooling(
            lambda dx, window, value: dx.__setitem__(np.unravel_index(3 - window[::-1, ::-1].argmax(), (2, 2)), value)
        ),
        "the gradient always goes to the first pixel of the window": _pooling(
            lambda dx, window, value: dx.__setitem__((0, 0), value)
        ),
        "the gradient is multiplied by the pixel": _pooling(
            lambda dx, window, value: dx.__setitem__(np.unravel_index(window.argmax(), (2, 2)), value * window.max())
        ),
        "it goes to the smallest pixel": _pooling(
            lambda dx, window, value: dx.__setitem__(np.unravel_index(window.argmin(), (2, 2)), value)
        ),
    },
)

_SHAPES = "channels, filters, filter_size"
count_parameters = Exercise(
    f"count_parameters({_SHAPES})",
    """How many numbers does a convolutional layer learn? It has `filters` filters. Each has `filter_size` rows and
    columns for each of the `channels`, and a bias.""",
    lambda c, f, n: f * c * n * n + f,
    [
        *trials("one filter", (1, 1, 1), (1, 1, 3)),
        *trials("channels", (3, 1, 5)),
        *trials("filters", (1, 30, 5), (16, 32, 3)),
    ],
    mistakes={
        "the biases are missing": lambda c, f, n: f * c * n * n,
        "the channels are not counted": lambda c, f, n: f * n * n + f,
        "the filters are not counted": lambda c, f, n: c * n * n + 1,
        "there is one bias for the whole layer": lambda c, f, n: f * c * n * n + 1,
        "there is a bias for each channel": lambda c, f, n: f * c * n * n + c,
        "the filter has rows and columns: its size counts twice": lambda c, f, n: f * c * n + f,
    },
)

parameter_shapes = Exercise(
    f"parameter_shapes({_SHAPES}, size, hidden)",
    """A network for square images with `size` rows: a convolution (steps of 1, no padding), ReLU, 2 x 2 pooling with
    steps of 2, and an affine layer of `hidden` units. Give the dict of the shapes of W1, b1, W2 and b2.""",
    lambda c, f, n, s, h: _shapes(c, f, n, s, h),
    [
        *trials("the smallest", (1, 1, 1, 2, 1)),
        *trials("one channel", (1, 30, 5, 28, 100)),
        *trials("three channels", (3, 8, 3, 10, 6)),
    ],
    mistakes={
        "the pooling is forgotten": lambda c, f, n, s, h: _shapes(c, f, n, s, h, pooled=1),
        "the convolution makes the image smaller": lambda c, f, n, s, h: _shapes(c, f, n, s, h, valid=False),
        "each pixel has a row of W2 for each filter": lambda c, f, n, s, h: {
            **_shapes(c, f, n, s, h),
            "W2": (_shapes(c, f, n, s, h)["W2"][0] // f, h),
        },
        "rows and columns of W2 are exchanged": lambda c, f, n, s, h: {
            **_shapes(c, f, n, s, h),
            "W2": _shapes(c, f, n, s, h)["W2"][::-1],
        },
        "channels and filters are exchanged in W1": lambda c, f, n, s, h: {
            **_shapes(c, f, n, s, h),
            "W1": (c, f, n, n),
        },
        "b1 has one bias for each filter": lambda c, f, n, s, h: {**_shapes(c, f, n, s, h), "b1": (c,)},
    },
)


def _shapes(
    channels: int, filters: int, size: int, rows: int, hidden: int, *, pooled: int = 2, valid: bool = True
) -> dict[str, Any]:
    left = (rows - size + 1 if valid else rows) // pooled
    return {
        "W1": (filters, channels, size, size),
        "b1": (filters,),
        "W2": (filters * left * left, hidden),
        "b2": (hidden,),
    }
