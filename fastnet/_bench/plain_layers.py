"""The textbook's layers in plain NumPy, as in its chapters 5 to 7: the benchmarks and the tests compare with them.

fastnet itself never calls them. They compute convolutions in float64, because the book's `im2col` does.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._bench.plain import cross_entropy_labels, softmax

Array = npt.NDArray[Any]


def im2col(images: Array, FH: int, FW: int, stride: int = 1, pad: int = 0) -> Array:
    N, C, H, W = images.shape
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    col = np.zeros((N, C, FH, FW, OH, OW))
    for y in range(FH):
        for x in range(FW):
            col[:, :, y, x] = padded[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * OH * OW, C * FH * FW)


def col2im(col: Array, shape: tuple[int, ...], FH: int, FW: int, stride: int = 1, pad: int = 0) -> Array:
    N, C, H, W = shape
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    windows = col.reshape(N, OH, OW, C, FH, FW).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((N, C, H + 2 * pad + stride - 1, W + 2 * pad + stride - 1))
    for y in range(FH):
        for x in range(FW):
            padded[:, :, y : y + stride * OH : stride, x : x + stride * OW : stride] += windows[:, :, y, x]
    return padded[:, :, pad : pad + H, pad : pad + W]


class Relu:
    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Array) -> Array:
        dout[self.mask] = 0
        return dout


class Affine:
    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        out: Array = np.dot(self.x, self.W) + self.b
        return out

    def backward(self, dout: Array) -> Array:
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        dx: Array = np.dot(dout, self.W.T)
        return dx.reshape(self.shape)


class SoftmaxWithLoss:
    def forward(self, x: Array, labels: Array) -> Any:
        self.y, self.labels = softmax(x), labels
        return cross_entropy_labels(self.y, labels)

    def backward(self, dout: float = 1) -> Array:  # noqa: ARG002 - the book ignores it
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.labels] -= 1
        return dx / len(dx)


class Dropout:
    def __init__(self, dropout_ratio: float = 0.5) -> None:
        self.dropout_ratio = dropout_ratio

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        return x * (1.0 - self.dropout_ratio)

    def backward(self, dout: Array) -> Array:
        return dout * self.mask


class BatchNormalization:
    def __init__(self, gamma: Array, beta: Array, momentum: float = 0.9) -> None:
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean: Any = None
        self.running_var: Any = None

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        shape, x = x.shape, x.reshape(len(x), -1)
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        if train_flg:
            mean = x.mean(axis=0)
            self.xc = x - mean
            var = np.mean(self.xc**2, axis=0)
            self.std = np.sqrt(var + 10e-7)
            self.xn = xn = self.xc / self.std
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + 10e-7)
        out: Array = self.gamma * xn + self.beta
        return out.reshape(shape)

    def backward(self, dout: Array) -> Array:
        shape, dout = dout.shape, dout.reshape(len(dout), -1)
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(self.xn * dout, axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -np.sum(dxn * self.xc / (self.std * self.std), axis=0)
        dvar = 0.5 * dstd / self.std
        dxc += 2.0 / len(dout) * self.xc * dvar
        dx: Array = dxc - np.sum(dxc, axis=0) / len(dout)
        return dx.reshape(shape)


class Convolution:
    def __init__(self, W: Array, b: Array, stride: int = 1, pad: int = 0) -> None:
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x: Array) -> Array:
        FN, _, FH, FW = self.W.shape
        N, _, H, W = x.shape
        OH, OW = (1 + int((size + 2 * self.pad - window) / self.stride) for size, window in ((H, FH), (W, FW)))
        self.x, self.col = x, im2col(x, FH, FW, self.stride, self.pad)
        self.col_W = self.W.reshape(FN, -1).T
        out: Array = np.dot(self.col, self.col_W) + self.b
        return out.reshape(N, OH, OW, -1).transpose(0, 3, 1, 2)

    def backward(self, dout: Array) -> Array:
        FN, C, FH, FW = self.W.shape
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
        self.db = np.sum(dout, axis=0)
        self.dW = np.dot(self.col.T, dout).transpose(1, 0).reshape(FN, C, FH, FW)
        return col2im(np.dot(dout, self.col_W.T), self.x.shape, FH, FW, self.stride, self.pad)


class Pooling:
    def __init__(self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0) -> None:
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad

    def forward(self, x: Array) -> Array:
        N, C, H, W = x.shape
        OH, OW = int(1 + (H - self.pool_h) / self.stride), int(1 + (W - self.pool_w) / self.stride)
        col = im2col(x, self.pool_h, self.pool_w, self.stride, self.pad).reshape(-1, self.pool_h * self.pool_w)
        self.x, self.arg_max = x, np.argmax(col, axis=1)
        out: Array = np.max(col, axis=1)
        return out.reshape(N, OH, OW, C).transpose(0, 3, 1, 2)

    def backward(self, dout: Array) -> Array:
        dout = dout.transpose(0, 2, 3, 1)
        dcol = np.zeros((dout.size, self.pool_h * self.pool_w))
        dcol[np.arange(dout.size), self.arg_max] = dout.reshape(-1)
        return col2im(dcol, self.x.shape, self.pool_h, self.pool_w, self.stride, self.pad)
