"""The book's tools: images as a matrix and back, shuffled data, smooth curves."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import (
    FLOAT64,
    FloatArray,
    Seed,
    as_array,
    as_count,
    as_images,
    cast,
    narrowest,
    random_source,
    real_array,
    window_positions,
)

__all__ = ["col2im", "conv_output_size", "im2col", "shuffle_dataset", "smooth_curve"]


def im2col(input_data: npt.ArrayLike, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0) -> FloatArray:
    """Return the windows of images as the rows of a matrix: with it, a convolution is one matrix product.

    Parameters
    ----------
    input_data : array_like, real
        N images of C channels, shape ``(N, C, H, W)``.
    filter_h, filter_w : int
        The size of a window. It must fit into the image with its padding.
    stride : int, default 1
        The step from one window to the next.
    pad : int, default 0
        The width of the border of zeros around each image.

    Returns
    -------
    ndarray
        One row for each window, of shape ``(N * OH * OW, C * filter_h * filter_w)``, image after image. OH windows lie
        below each other and OW beside each other. float32 if `input_data` is float32, else float64.

    Raises
    ------
    TypeError
        If `input_data` does not hold real numbers, or another argument is not an integer.
    ValueError
        If `input_data` does not have four dimensions, a size is too small, or the window does not fit.

    See Also
    --------
    col2im : The way back.

    Notes
    -----
    ``OH = (H + 2 * pad - filter_h) // stride + 1``, and OW likewise; "Deep Learning from Scratch", chapter 7. The book
    returns float64 for float32, too.

    Examples
    --------
    >>> from fastnet.util import im2col
    >>> print(im2col([[[[1, 2, 3], [4, 5, 6]]]], 2, 2))
    [[1. 2. 4. 5.]
     [2. 3. 5. 6.]]
    """
    images = as_images(input_data, "input_data")
    window_positions(images.shape, filter_h, filter_w, stride, pad, "filter")
    col: FloatArray = _backend.kernels.im2col(images, filter_h, filter_w, stride, pad)
    return col


def col2im(
    col: npt.ArrayLike, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: int = 1,
    pad: int = 0,
) -> FloatArray:
    """Add the rows of a matrix, as `im2col` makes it, to images: each pixel is the sum of all its elements.

    Parameters
    ----------
    col : array_like, real
        One row for each window, shape ``(N * OH * OW, C * filter_h * filter_w)``. Another shape with the same elements
        in the same order is also accepted.
    input_shape : tuple of int
        The shape (N, C, H, W) of the images.
    filter_h, filter_w : int
        As in `im2col`.
    stride, pad : int, default 1 and 0
        As in `im2col`.

    Returns
    -------
    ndarray
        Shape ``(N, C, H, W)``, float32 if `col` is float32, else float64.

    Raises
    ------
    TypeError
        If `col` does not hold real numbers, or another argument is not an integer.
    ValueError
        If the shapes do not fit each other, or a size is too small.

    See Also
    --------
    im2col : The way there.

    Notes
    -----
    The gradient of a loss with respect to the images is ``col2im`` of its gradient with respect to ``im2col(images)``;
    "Deep Learning from Scratch", chapter 7. ``col2im(im2col(x)) == x * counts``, where counts is the number of windows
    that contain the pixel.

    Examples
    --------
    >>> from fastnet.util import col2im
    >>> print(col2im([[1, 2, 4, 5], [2, 3, 5, 6]], (1, 1, 2, 3), 2, 2))
    [[[[ 1.  4.  3.]
       [ 4. 10.  6.]]]]
    """
    array = real_array(col, "col")
    shape = _four_sizes(input_shape)
    OH, OW = window_positions(shape, filter_h, filter_w, stride, pad, "filter")
    wanted = shape[0] * OH * OW, shape[1] * filter_h * filter_w
    if array.size != wanted[0] * wanted[1]:
        raise ValueError(f"col has shape {array.shape}; for input_shape {shape} it must have shape {wanted}")
    rows = cast(array, narrowest(array)).reshape(wanted)
    images: FloatArray = _backend.kernels.col2im(rows, shape, filter_h, filter_w, stride, pad)
    return images


def conv_output_size(input_size: int, filter_size: int, stride: int = 1, pad: int = 0) -> int:
    """Return the height or the width of a convolution's output.

    Parameters
    ----------
    input_size : int
        The height or the width of the image.
    filter_size : int
        That of the filter.
    stride : int, default 1
        The step of the filter.
    pad : int, default 0
        The width of the border of zeros.

    Returns
    -------
    int
        The number of positions of the filter.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If the filter does not fit, or its last step would leave the image. There the book returns a fraction.

    Notes
    -----
    ``(input_size + 2 * pad - filter_size) / stride + 1``; "Deep Learning from Scratch", chapter 7.

    Examples
    --------
    >>> from fastnet.util import conv_output_size
    >>> conv_output_size(28, 5)
    24
    """
    input_size, filter_size = as_count(input_size, "input_size"), as_count(filter_size, "filter_size")
    stride, pad = as_count(stride, "stride"), as_count(pad, "pad", least=0)
    room = input_size + 2 * pad - filter_size
    if room < 0 or room % stride:
        raise ValueError(
            f"a filter of size {filter_size} with stride {stride} does not cover an input of size {input_size} with "
            f"pad {pad}: ({input_size} + 2 * {pad} - {filter_size}) / {stride} must be a whole number of at least 0"
        )
    return room // stride + 1


def shuffle_dataset(
    x: npt.ArrayLike, t: npt.ArrayLike, seed: Seed = None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the samples and their targets in the same random order.

    Parameters
    ----------
    x : array_like
        The samples, shape ``(N, ...)``.
    t : array_like
        Their targets, shape ``(N, ...)``.
    seed : int or numpy.random.Generator, optional
        Draws the order from a private generator. By default, NumPy's global generator draws it.

    Returns
    -------
    x, t : ndarray
        New arrays with the shapes and dtypes of the arguments.

    Raises
    ------
    TypeError
        If `seed` is neither an integer nor a generator.
    ValueError
        If `x` and `t` do not have the same number of rows, or `seed` is negative.

    Notes
    -----
    The order is that of ``np.random.permutation(N)``, as in "Deep Learning from Scratch", chapter 6: with NumPy's
    global generator, ``np.random.seed`` reproduces it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.util import shuffle_dataset
    >>> np.random.seed(0)
    >>> x, t = shuffle_dataset([[0], [10], [20], [30]], [0, 1, 2, 3])
    >>> print(x[:, 0], t)
    [20 30 10  0] [2 3 1 0]
    """
    x, t = as_array(x, "x"), as_array(t, "t")
    if x.ndim == 0 or t.ndim == 0 or len(x) != len(t):
        raise ValueError(f"x and t must have the same number of rows, got shapes {x.shape} and {t.shape}")
    permutation = random_source(seed).permutation(len(x))
    return x[permutation], t[permutation]


def smooth_curve(x: npt.ArrayLike) -> FloatArray:
    """Smooth a curve: each value becomes a weighted mean of the eleven values around it.

    Parameters
    ----------
    x : array_like, real
        The curve, shape ``(N,)``, for example the losses of a training.

    Returns
    -------
    ndarray of float64
        The smooth curve, shape ``(N,)``. Beyond both ends, the curve is reflected.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` does not have one dimension.

    Notes
    -----
    ``y[i] = sum_k w[k] x[i + k - 5] / sum_k w[k]``, where w is ``np.kaiser(11, 2)``; "Deep Learning from Scratch",
    chapter 6. For fewer than eleven values, the book returns an array of another length.

    Examples
    --------
    >>> from fastnet.util import smooth_curve
    >>> print(smooth_curve([3.0] * 4))
    [3. 3. 3. 3.]
    """
    curve = real_array(x, "x")
    if curve.ndim != 1:
        raise ValueError(f"x must have shape (N,), got shape {curve.shape}")
    curve = cast(curve, FLOAT64)
    if not curve.size:
        return curve.copy()
    weights = np.kaiser(11, 2)
    # As in the book, the first value is not repeated, and the last one is.
    extended = np.pad(np.pad(curve, (5, 0), "reflect"), (0, 5), "symmetric")
    smooth: FloatArray = np.convolve(weights / weights.sum(), extended, mode="valid")
    return smooth


def _four_sizes(shape: Any) -> tuple[int, int, int, int]:
    try:
        sizes = tuple(shape)
    except TypeError:
        sizes = ()
    if len(sizes) != 4:
        raise ValueError(f"input_shape must be (N, C, H, W), got {shape!r}")
    N, C, H, W = (as_count(size, "input_shape", least=0) for size in sizes)
    return N, C, H, W
