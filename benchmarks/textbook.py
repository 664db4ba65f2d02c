"""What a reader of the textbook would write in plain NumPy: what fastnet is measured against."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_grad(x):
    return (1.0 - sigmoid(x)) * sigmoid(x)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def cross_entropy_labels(y, labels):
    return -np.sum(np.log(y[np.arange(len(y)), labels] + 1e-7)) / len(y)


def cross_entropy_one_hot(y, t):
    return -np.sum(t * np.log(y + 1e-7)) / len(y)


def numerical_gradient(f, x):
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


def training_step(params, x, t, lr=0.1):
    a1 = np.dot(x, params["W1"]) + params["b1"]
    z1 = sigmoid(a1)
    y = softmax(np.dot(z1, params["W2"]) + params["b2"])
    dy = (y - t) / len(x)
    da1 = np.dot(dy, params["W2"].T) * sigmoid_grad(a1)
    grads = {"W1": np.dot(x.T, da1), "b1": da1.sum(axis=0), "W2": np.dot(z1.T, dy), "b2": dy.sum(axis=0)}
    for name in params:
        params[name] -= lr * grads[name]
