"""The textbook's code in plain NumPy, as its readers write it: benchmarks compare fastnet's speed with it.

fastnet itself never calls it. As in the reader's own program, float32 is computed in float32, an overflow warns, and
the last digits may be wrong.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Parameters = dict[str, Array]


def sigmoid(x: Array) -> Array:
    y: Array = 1 / (1 + np.exp(-x))
    return y


def sigmoid_grad(x: Array) -> Array:
    return (1.0 - sigmoid(x)) * sigmoid(x)


def tanh(x: Array) -> Array:
    y: Array = np.tanh(x)
    return y


def tanh_grad(x: Array) -> Array:
    y: Array = 1 - np.tanh(x) ** 2
    return y


def leaky_relu(x: Array) -> Array:
    y: Array = np.maximum(0.1 * x, x)
    return y


def leaky_relu_grad(x: Array) -> Array:
    grad = np.ones_like(x)
    grad[x < 0] = 0.1
    return grad


def elu(x: Array) -> Array:
    return np.where(x >= 0, x, np.exp(np.minimum(x, 0)) - 1)


def elu_grad(x: Array) -> Array:
    y: Array = np.exp(np.minimum(x, 0))
    return y


def softplus(x: Array) -> Array:
    y: Array = np.log(1 + np.exp(x))
    return y


def softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y: Array = e / np.sum(e, axis=-1, keepdims=True)
    return y


def cross_entropy_labels(y: Array, labels: Array) -> Any:
    return -np.sum(np.log(y[np.arange(len(y)), labels] + 1e-7)) / len(y)


def cross_entropy_one_hot(y: Array, t: Array) -> Any:
    return -np.sum(t * np.log(y + 1e-7)) / len(y)


def binary_cross_entropy(y: Array, t: Array) -> Any:
    return -np.mean(t * np.log(y + 1e-7) + (1 - t) * np.log(1 - y + 1e-7))


def softmax_cross_entropy(x: Array, labels: Array) -> tuple[Any, Array]:
    y, n = softmax(x), np.arange(len(x))
    loss = -np.sum(np.log(y[n, labels])) / len(x)
    y[n, labels] -= 1
    return loss, y / len(x)


def numerical_gradient(f: Callable[[Array], Any], x: Array) -> Array:
    h = 1e-4
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        gradient[index] = (above - below) / (2 * h)
        x[index] = value
    return gradient


def predict(params: Parameters, x: Array) -> Array:
    z1 = sigmoid(np.dot(x, params["W1"]) + params["b1"])
    return softmax(np.dot(z1, params["W2"]) + params["b2"])


def loss(params: Parameters, x: Array, labels: Array) -> Any:
    return cross_entropy_labels(predict(params, x), labels)


def loss_of_layers(params: Parameters, x: Array, labels: Array) -> Any:
    """The loss of a network of any number of layers, with ReLU between them."""
    last = len(params) // 2
    for layer in range(1, last):
        x = np.maximum(0, np.dot(x, params[f"W{layer}"]) + params[f"b{layer}"])
    return cross_entropy_labels(softmax(np.dot(x, params[f"W{last}"]) + params[f"b{last}"]), labels)


def accuracy(params: Parameters, x: Array, labels: Array) -> float:
    return float(np.sum(np.argmax(predict(params, x), axis=1) == labels)) / len(x)


def training_step(params: Parameters, x: Array, t: Array, lr: float = 0.1) -> None:
    """Backpropagation and gradient descent; t is one-hot."""
    a1 = np.dot(x, params["W1"]) + params["b1"]
    z1 = sigmoid(a1)
    y = softmax(np.dot(z1, params["W2"]) + params["b2"])
    dy = (y - t) / len(x)
    da1 = np.dot(dy, params["W2"].T) * sigmoid_grad(a1)
    grads = {"W1": np.dot(x.T, da1), "b1": da1.sum(axis=0), "W2": np.dot(z1.T, dy), "b2": dy.sum(axis=0)}
    for name in params:
        params[name] -= lr * grads[name]


# --- the optimizers: v, h and m are 0 at first -----------------------------------------------------------------------


def sgd(params: Parameters, grads: Parameters, lr: float = 0.01) -> None:
    for name in params:
        params[name] -= lr * grads[name]


def momentum(params: Parameters, grads: Parameters, v: Parameters, lr: float = 0.01, momentum: float = 0.9) -> None:
    for name in params:
        v[name] = momentum * v[name] - lr * grads[name]
        params[name] += v[name]


def nesterov(params: Parameters, grads: Parameters, v: Parameters, lr: float = 0.01, momentum: float = 0.9) -> None:
    for name in params:
        params[name] += momentum * momentum * v[name]
        params[name] -= (1 + momentum) * lr * grads[name]
        v[name] = momentum * v[name] - lr * grads[name]


def adagrad(params: Parameters, grads: Parameters, h: Parameters, lr: float = 0.01) -> None:
    for name in params:
        h[name] += grads[name] * grads[name]
        params[name] -= lr * grads[name] / (np.sqrt(h[name]) + 1e-7)


def rmsprop(params: Parameters, grads: Parameters, h: Parameters, lr: float = 0.01, decay_rate: float = 0.99) -> None:
    for name in params:
        h[name] *= decay_rate
        h[name] += (1 - decay_rate) * grads[name] * grads[name]
        params[name] -= lr * grads[name] / (np.sqrt(h[name]) + 1e-7)


def adam(
    params: Parameters, grads: Parameters, m: Parameters, v: Parameters, count: int,
    lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
) -> None:
    rate = lr * (1 - beta2**count) ** 0.5 / (1 - beta1**count)
    for name in params:
        m[name] += (1 - beta1) * (grads[name] - m[name])
        v[name] += (1 - beta2) * (grads[name] ** 2 - v[name])
        params[name] -= rate * m[name] / (np.sqrt(v[name]) + 1e-7)
