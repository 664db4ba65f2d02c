"""A reader's layers in plain NumPy, with the attributes of the book's: what stays the reader's says so."""

import numpy as np


class Affine:
    """A reader's layer: any rank of input, and whatever np.dot takes."""

    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = self.original_x_shape = self.dW = self.db = None

    def forward(self, x):
        self.original_x_shape, self.x = x.shape, x.reshape(len(x), -1)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T).reshape(self.original_x_shape)


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, x.dtype.type(0), x)

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out * (1 - self.out)


class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio, self.mask = dropout_ratio, None

    def forward(self, x, train_flg=True):
        if not train_flg:
            return x * (1 - self.dropout_ratio)
        self.mask = np.random.rand(*x.shape) > self.dropout_ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class SoftmaxWithLoss:
    def __init__(self):
        self.loss = self.y = self.t = None

    def forward(self, x, t):
        if t.ndim == x.ndim and ((t < 0) | (t > 1)).any():
            return "a loss of my own"
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y, self.t = e / e.sum(axis=-1, keepdims=True), t
        labels = t if t.ndim < x.ndim else t.argmax(axis=-1)
        self.loss = -np.log(self.y[np.arange(len(x)), labels] + 1e-7).mean()
        return self.loss

    def backward(self, dout=1):  # noqa: ARG002 - the book ignores it too
        hot = self.t if self.t.ndim == 2 else np.eye(self.y.shape[1])[self.t]
        return (self.y - hot) / len(self.t)


class BatchNormalization:
    def __init__(self, gamma, beta, momentum=0.9, running_mean=None, running_var=None):
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.input_shape = self.batch_size = self.xc = self.std = self.dgamma = self.dbeta = None

    def forward(self, x, train_flg=True):
        self.input_shape = x.shape
        rows = x.reshape(len(x), -1)
        if self.running_mean is None:
            self.running_mean = self.running_var = np.zeros(rows.shape[1])
        mean, var = self.running_mean, self.running_var
        if train_flg:
            mean, var = rows.mean(axis=0), rows.var(axis=0)
            keep = self.momentum
            self.running_mean = keep * self.running_mean + (1 - keep) * mean
            self.running_var = keep * self.running_var + (1 - keep) * var
            self.batch_size, self.xc, self.std = len(x), rows - mean, np.sqrt(var + 1e-6)
            self.xn = self.xc / self.std
        return (self.gamma * (rows - mean) / np.sqrt(var + 1e-6) + self.beta).reshape(x.shape)

    def backward(self, dout):
        d = dout.reshape(len(dout), -1)
        self.dbeta, self.dgamma = d.sum(axis=0), (self.xn * d).sum(axis=0)
        d = self.gamma / self.std * (d - self.xc * (self.xc * d).mean(axis=0) / self.std**2)
        return (d - d.mean(axis=0)).reshape(self.input_shape)


def windows(x, h, w, stride, pad):
    x = np.pad(x.astype(float), [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    seen = np.lib.stride_tricks.sliding_window_view(x, (h, w), (2, 3))[:, :, ::stride, ::stride]
    return seen.transpose(0, 2, 3, 1, 4, 5)  # N, OH, OW, C, h, w


class Convolution:
    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b, self.stride, self.pad = W, b, stride, pad
        self.x = self.col = self.col_W = self.dW = self.db = None

    def forward(self, x):
        seen = windows(x, *self.W.shape[2:], self.stride, self.pad)
        self.x, self.col, self.col_W = x, seen.reshape(-1, self.W[0].size), self.W.reshape(len(self.W), -1).T
        return (self.col @ self.col_W + self.b).reshape(*seen.shape[:3], -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        d = dout.transpose(0, 2, 3, 1).reshape(-1, len(self.W))
        self.db, self.dW = d.sum(axis=0), (self.col.T @ d).T.reshape(self.W.shape)
        N, C, H, W = self.x.shape
        h, w = self.W.shape[2:]
        dcol = (d @ self.col_W.T).reshape(N, *dout.shape[2:], C, h, w)
        dx = np.zeros((N, C, H + 2 * self.pad, W + 2 * self.pad))
        for i, j in np.ndindex(dout.shape[2:]):
            r, c = i * self.stride, j * self.stride
            dx[:, :, r : r + h, c : c + w] += dcol[:, i, j]
        return dx[:, :, self.pad : H + self.pad, self.pad : W + self.pad]


class Pooling:
    def __init__(self, pool_h, pool_w, stride=2, pad=0):
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad
        self.x = self.arg_max = None

    def forward(self, x):
        if self.pad:
            return "a size of my own"
        seen = windows(x, self.pool_h, self.pool_w, self.stride, 0)
        self.x, self.arg_max = x, seen.reshape(-1, self.pool_h * self.pool_w).argmax(axis=1)
        return seen.max(axis=(4, 5)).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dx = np.zeros(self.x.shape)
        where = self.arg_max.reshape(dout.transpose(0, 2, 3, 1).shape).transpose(0, 3, 1, 2)
        for n, c, i, j in np.ndindex(dout.shape):
            r, k = divmod(where[n, c, i, j], self.pool_w)
            dx[n, c, i * self.stride + r, j * self.stride + k] += dout[n, c, i, j]
        return dx
