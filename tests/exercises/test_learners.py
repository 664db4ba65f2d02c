# ruff: noqa: E501
"""Answers as learners write them: what is wrong with each is said, and a right one passes in any style."""

import math

import numpy as np
import pytest

from fastnet.exercises import check

GIVEN = {"np": np, "math": math}


def learner(code):
    """The last function or class that the code defines."""
    defined = dict(GIVEN)
    exec(code, defined)
    return [value for name, value in defined.items() if name not in GIVEN and callable(value)][-1]


# The exercise, the learner's code, and words that the report has to contain.
MISTAKEN = [
    # chapter 2
    ("AND", "def AND(x1, x2):\n    if 0.5 * x1 + 0.5 * x2 > 0.4: return 1\n    return 0", "answers of OR"),
    ("AND", "def AND(x1, x2):\n    if 0.5 * x1 + 0.5 * x2 > 0.7: return 1", "gives None. Is there a return"),
    ("NAND", "def NAND(x1, x2): return int(0.5 * x1 + 0.5 * x2 - 0.7 > 0)", "answers of AND"),
    ("OR", "def OR(x1, x2):\n    x = np.array([x1, x2]); return int(np.sum(x * 0.5) - 0.7 > 0)", "answers of AND"),
    ("NOR", "def NOR(x1, x2):\n    x = np.array([x1, x2]); return int(np.sum(x) - 0.5 > 0)", "answers of OR"),
    ("XOR", "def XOR(x1, x2): return int(0.5 * x1 + 0.5 * x2 - 0.2 > 0)", "answers of OR"),
    ("majority", "def m(x1, x2, x3): return int(x1 + x2 + x3 > 2)", "asks for all three"),
    ("perceptron", "def p(x, w, b):\n    return 1 if np.dot(x, w) >= b else 0", "not yet"),
    ("perceptron", "def p(x, w, b):\n    a = 0\n    for i in range(len(x)): a = x[i] * w[i]\n    return int(a + b > 0)", "(many inputs)"),
    ("half_adder", "def h(x1, x2): return int(x1 != x2), x1 * x2", "wrong order"),
    ("full_adder", "def f(a, b, c):\n    s = a ^ b\n    return a & b, s ^ c", "forgets one of the two half adders"),
    ("separates", "def s(x, t, w, b): return (np.dot(x, w) + b > 0) == t", "True or False"),
    ("separates", "def s(x, t, w, b):\n    for row, label in zip(x, t):\n        if int(row @ w + b > 0) == label: return True\n    return False", "one right sample is enough"),
    # chapter 3
    ("step_function", "def step(x):\n    if x > 0:\n        return 1\n    else:\n        return 0", "an if takes one truth value"),
    ("step_function", "def step(x): return np.array(x >= 0, dtype=int)", "0 itself must give 0"),
    ("sigmoid", "def sigmoid(x): return 1 / (1 + np.exp(x))", "sign of x in exp"),
    ("sigmoid", "def sigmoid(x): return 1 / 1 + np.exp(-x)", "brackets are missing"),
    ("sigmoid", "def sigmoid(x): return 1 / (1 + math.exp(-x))", "TypeError" if int(np.__version__[0]) > 1 else "too few numbers"),
    ("sigmoid", "def sigmoid(x):\n    x = np.asarray(x)\n    y = np.zeros_like(x)\n    for i in np.ndindex(x.shape): y[i] = 1 / (1 + np.exp(-x[i]))\n    return y", "integers cannot hold fractions"),
    ("relu", "def relu(x):\n    if x > 0:\n        return x\n    return 0", "if and Python's max"),
    ("relu", "def relu(x): return max(0, x)", "ValueError"),
    ("relu", "def relu(x):\n    x = np.asarray(x)\n    x[x < 0] = 0\n    return x", "changes its argument x"),
    ("relu", "def relu(x): return np.max([np.zeros_like(x), x])", "not yet"),
    ("relu", "def relu(x):\n    x = np.array(x)\n    return x * (x < 0)", "min is taken"),
    ("softmax", "def softmax(x):\n    e = np.exp(x)\n    return e / np.sum(e)", "(a batch)"),
    ("softmax", "def softmax(x):\n    c = np.max(x)\n    e = np.exp(x - c)\n    return e / np.sum(e)", "whole batch, not over each row"),
    ("softmax", "def softmax(x):\n    x = x - x.max(axis=-1, keepdims=True)\n    e = np.exp(x)\n    return e / e.sum(axis=0)", "not yet"),
    ("softmax", "def softmax(x):\n    x -= np.max(x, axis=-1, keepdims=True)\n    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)", "changes its argument x"),
    ("softmax", "def softmax(x):\n    out = np.zeros_like(x)\n    for i, row in enumerate(np.atleast_2d(x)):\n        e = np.exp(row - row.max())\n        np.atleast_2d(out)[i] = e / e.sum()\n    return out", "lost its fractions"),
    ("affine", "def affine(x, W, b): return np.dot(W, x) + b", "not yet"),
    ("affine", "def affine(x, W, b): return x * W + b", "not yet"),
    ("affine", "def affine(x, W, b): return np.dot(x, W.T) + b", "rows were the units"),
    ("forward", "def f(n, x):\n    s = lambda a: 1 / (1 + np.exp(-a))\n    z1 = s(x @ n['W1'] + n['b1'])\n    z2 = s(z1 @ n['W2'] + n['b2'])\n    return s(z2 @ n['W3'] + n['b3'])", "sigmoid behind the last layer"),
    ("accuracy", "def acc(y, t):\n    right = 0\n    for i in range(len(y)):\n        if np.argmax(y[i]) == t[i]: right += 1\n    return right", "does not divide"),
    ("accuracy", "def acc(y, t): return np.sum(np.argmax(y) == t) / len(y)", "looks at the whole batch"),
    ("accuracy", "def acc(y, t): return np.mean(np.argmax(y, axis=0) == t)", "Look here: argmax runs down the columns."),
    ("accuracy", "def acc(y, t): return np.sum(y.argmax(axis=0) == t) / float(len(y))", "Look here: argmax runs down the columns."),
    ("accuracy", "def acc(y, t):\n    for i in range(len(y)):\n        right = 0\n        right += int(np.argmax(y[i]) == t[i])\n    return right / len(y)", "not yet"),
    ("normalize", "def n(images):\n    out = np.zeros_like(images)\n    out[:] = images / 255\n    return out", "lost its fractions"),
    ("normalize", "def n(images):\n    images /= 255\n    return images", "It stops with"),
    ("one_hot", "def one(t, classes):\n    out = np.zeros((len(t), classes))\n    out[:, t] = 1\n    return out", "whole column"),
    ("one_hot", "def one(t, classes):\n    out = np.zeros((len(t), classes))\n    for i in t: out[i, i] = 1\n    return out", "not yet"),
    ("batches", "def b(x, size):\n    return [x[i * size:(i + 1) * size] for i in range(int(len(x) / size))]", "last, smaller batch is lost"),
    ("batches", "def b(x, size):\n    for i in range(0, len(x), size):\n        yield x[i:i + size]", "generator"),
    ("batches", "def b(x, size):\n    for i in range(0, len(x), size):\n        return [x[i:i + size]]", "gives a list of 1, but a list of 2 is wanted"),
    # chapter 4
    ("sum_squared_error", "def sse(y, t): return np.sum((y - t) ** 2) / len(y)", "not yet"),
    ("sum_squared_error", "def sse(y, t): return 1 / 2 * np.sum(y - t) ** 2", "the sum is squared"),
    ("sum_squared_error", "def sse(y, t):\n    return sum(0.5 * (y - t) ** 2)", "(a batch)"),
    ("cross_entropy", "def ce(y, t): return np.sum(t * np.log(y + 1e-7))", "minus is missing"),
    ("cross_entropy", "def ce(y, t): return -np.sum(t * np.log(y - 1e-7))", "of 0 or of a negative number"),
    ("cross_entropy", "def ce(y, t): return -sum(t * math.log(y + 1e-7))", "TypeError"),
    ("cross_entropy", "def ce(y, t): return -np.log(y[t == 1] + 1e-7).sum()", "(a target of probabilities)"),
    ("cross_entropy_error", "def ce(y, t): return -np.sum(t * np.log(y + 1e-7))", "not divided by the number of samples"),
    ("cross_entropy_error", "def ce(y, t): return -np.mean(t * np.log(y + 1e-7))", "divided by the number of classes, too"),
    ("cross_entropy_error", "def ce(y, t): return -np.sum(t * np.log(y + 1e-7), axis=1)", "the mean is missing"),
    ("cross_entropy_of_labels", "def ce(y, t): return -np.sum(np.log(y[:, t] + 1e-7)) / len(t)", "whole columns"),
    ("cross_entropy_of_labels", "def ce(y, t): return -np.sum(t * np.log(y + 1e-7)) / len(t)", "not yet"),
    ("numerical_diff", "def d(f, x):\n    h = 1e-4\n    return (f(x + h) - f(x - h)) / 2 * h", "brackets are missing"),
    ("numerical_diff", "def d(f, x):\n    h = 1e-4\n    return f(x + h) - f(x - h) / (2 * h)", "not yet"),
    ("numerical_diff", "def d(f, x):\n    h = 10e-50\n    return (f(x + h) - f(x)) / h", "not yet"),
    ("numerical_gradient", "def g(f, x):\n    grad = np.zeros_like(x)\n    for i in np.ndindex(x.shape):\n        x[i] += 1e-4\n        a = f(x)\n        x[i] -= 2e-4\n        b = f(x)\n        grad[i] = (a - b) / 2e-4\n    return grad", "not put back"),
    *(
        (
            "numerical_gradient",
            f"def g(f, x):\n    grad = np.zeros_like(x)\n    for i in range({count}):\n        v = {value}\n        x[i] = v + 1e-4\n        a = f(x)\n        x[i] = v - 1e-4\n        b = f(x)\n        grad[i] = (a - b) / 2e-4\n        x[i] = v\n    return grad",
            f"Look here: x[k] of a matrix is a whole row{words}.",
        )
        for count, value, words in (
            ("len(x)", "x[i].copy()", ""),
            ("x.shape[0]", "x[i]", ", and not a copy of it: it moves with x"),
            ("x.size", "float(x[i])", ", and float takes one number"),
            ("x.size", "x[i]", ", and x.size counts the elements"),
        )
    ),
    ("numerical_gradient", "def g(f, x): return (f(x + 1e-4) - f(x - 1e-4)) / 2e-4", "(one element)"),
    ("numerical_gradient", "def g(f, x):\n    grad = np.zeros(x.shape, int)\n    for i in np.ndindex(x.shape):\n        v = x[i]\n        x[i] = v + 1e-4; a = f(x)\n        x[i] = v - 1e-4; b = f(x)\n        x[i] = v\n        grad[i] = (a - b) / 2e-4\n    return grad", "not yet"),
    ("gradient_descent", "def gd(f, init_x, lr, step_num):\n    x = init_x\n    for _ in range(step_num):\n        g = 2 * x if x.size == 1 else np.array([(f(x + e) - f(x - e)) / 2e-4 for e in 1e-4 * np.eye(x.size)])\n        x -= lr * g\n    return x", "changes its argument init_x"),
    ("gradient_descent", "def gd(f, x, lr, n):\n    x = x.copy()\n    for _ in range(n):\n        x = x - lr * np.array([(f(x + e) - f(x - e)) / 2e-4 for e in 1e-4 * np.eye(x.size)])\n        return x", "gives None"),
    ("mini_batch", "def mb(x, t, size):\n    i = np.random.choice(len(x), size)\n    j = np.random.choice(len(t), size)\n    return x[i], t[j]", "do not belong"),
    ("mini_batch", "def mb(x, t, size):\n    np.random.shuffle(x)\n    return x[:size], t[:size]", "changes its argument x"),
    ("mini_batch", "def mb(x, t, size):\n    i = np.random.choice(len(x), size + 1)\n    return x[i], t[i]", "rows of each are wanted"),
    ("mini_batch", "def mb(x, t, size):\n    i = np.random.choice(len(x), size)\n    return x[i] + 0.5, t[i]", "rows that are not in x"),
    ("mini_batch", "def mb(x, t, size):\n    i = np.random.choice(len(x) // 2, size)\n    return x[i], t[i]", "Only rows of the first half"),
    ("mini_batch", "def mb(x, t, size):\n    np.random.seed(0)\n    i = np.random.choice(len(x), size)\n    return x[i], t[i]", "Two calls give the same rows"),
    ("sigmoid_grad", "def sg(x): return (1 - x) * x", "x is taken for sigmoid(x)"),
    ("sigmoid_grad", "def sg(x): return np.exp(-x) / (1 + np.exp(-x))", "not yet"),
    ("kl_divergence", "def kl(p, q): return np.sum(p * np.log(p / q))", "base e"),
    ("kl_divergence", "def kl(p, q): return sum(a * math.log2(a / b) for a, b in zip(p, q))", "ValueError"),
    # chapter 5
    ("MulLayer", "class Mul:\n    def forward(self, x, y):\n        self.x, self.y = x, y\n        return x * y\n    def backward(self, dout): return dout * self.x, dout * self.y", "dx and dy are exchanged"),
    ("MulLayer", "class Mul:\n    def forward(self, x, y): return x * y\n    def backward(self, dout): return dout * self.y, dout * self.x", "has no attribute 'y'"),
    ("AddLayer", "class Add:\n    def forward(self, x, y): return x + y\n    def backward(self, dout): return dout", "gives 1.0, but 2 values are wanted"),
    ("Relu", "class Relu:\n    def forward(self, x):\n        self.mask = x <= 0\n        x[self.mask] = 0\n        return x\n    def backward(self, dout):\n        dx = dout.copy()\n        dx[self.mask] = 0\n        return dx", "changes its argument x"),
    ("Relu", "class Relu:\n    def forward(self, x):\n        self.mask = x < 0\n        out = x.copy()\n        out[self.mask] = 0\n        return out\n    def backward(self, dout):\n        dx = dout.copy()\n        dx[self.mask] = 0\n        return dx", "where x is exactly 0"),
    ("Relu", "class Relu:\n    def forward(self, x): return np.maximum(0, x)\n    def backward(self, dout): return np.maximum(0, dout)", "backward looks at dout"),
    ("Sigmoid", "class S:\n    def forward(self, x):\n        self.x = x\n        return 1 / (1 + np.exp(-x))\n    def backward(self, dout): return dout * (1 - self.x) * self.x", "computed from x"),
    ("Sigmoid", "class S:\n    def forward(self, x):\n        self.out = 1 / (1 + np.exp(-x))\n        return self.out\n    def backward(self, dout):\n        self.out *= 1 - self.out\n        return dout + self.out", "the chain rule multiplies"),
    ("Tanh", "class T:\n    def forward(self, x):\n        self.y = np.tanh(x)\n        return self.y\n    def backward(self, dout): return dout * 1 - self.y ** 2", "not yet"),
    ("Exp", "class E:\n    def forward(self, x):\n        self.x = x\n        return np.exp(x)\n    def backward(self, dout): return self.x * dout", "the slope is x"),
    ("Log", "class L:\n    def forward(self, x):\n        self.y = np.log(x)\n        return self.y\n    def backward(self, dout): return dout / self.y", "not by x"),
    ("Affine", "class A:\n    def __init__(self, W, b): self.W, self.b = W, b\n    def forward(self, x):\n        self.x = x\n        return x @ self.W + self.b\n    def backward(self, dout):\n        self.dW = np.dot(self.x.T, dout)\n        self.db = np.sum(dout)\n        return np.dot(dout, self.W.T)", "db is one number"),
    ("Affine", "class A:\n    def __init__(self, W, b): self.W, self.b = W, b\n    def forward(self, x):\n        self.x = x\n        return x @ self.W + self.b\n    def backward(self, dout):\n        dW = np.dot(self.x.T, dout)\n        db = np.sum(dout, axis=0)\n        return np.dot(dout, self.W.T)", "has no attribute 'dW'"),
    ("Affine", "class A:\n    def __init__(self, W, b): self.W, self.b = W, b\n    def forward(self, x):\n        self.x = x\n        return x @ self.W + self.b\n    def backward(self, dout):\n        self.dW = np.dot(self.x.T, dout)\n        self.db = np.mean(dout, axis=0)\n        return np.dot(dout, self.W.T)", "db is the mean"),
    ("SoftmaxWithLoss", "class S:\n    def forward(self, x, t):\n        e = np.exp(x - x.max(axis=1, keepdims=True))\n        self.y, self.t = e / e.sum(axis=1, keepdims=True), t\n        return -np.sum(t * np.log(self.y + 1e-7)) / len(x)\n    def backward(self, dout=1): return self.y - self.t", "not divided by the number of samples"),
    ("SoftmaxWithLoss", "class S:\n    def forward(self, x, t):\n        e = np.exp(x)\n        self.y, self.t = e / e.sum(axis=1, keepdims=True), t\n        return -np.sum(t * np.log(self.y + 1e-7)) / len(x)\n    def backward(self, dout=1): return (self.y - self.t) / len(self.t)", "too large"),
    ("Chain", "class C:\n    def __init__(self, layers): self.layers = layers\n    def forward(self, x):\n        for layer in self.layers: x = layer.forward(x)\n        return x\n    def backward(self, dout):\n        self.layers.reverse()\n        for layer in self.layers: dout = layer.backward(dout)\n        return dout", "reverses the list itself"),
    # chapter 6
    ("SGD", "class SGD:\n    def __init__(self, lr=0.01): self.lr = lr\n    def update(self, params, grads):\n        for key in params: params[key] += self.lr * grads[key]", "the gradient is added"),
    ("SGD", "class SGD:\n    def update(self, params, grads):\n        for key in params: params[key] = params[key] - 0.01 * grads[key]", "params gets new arrays"),
    ("SGD", "class SGD:\n    def update(self, params, grads):\n        for p, g in zip(params.values(), grads.values()): p = p - 0.01 * g", "the parameter stays as it is"),
    ("Momentum", "class M:\n    def __init__(self, lr=0.01, momentum=0.9): self.lr, self.momentum = lr, momentum\n    def update(self, params, grads):\n        self.v = {k: np.zeros_like(p) for k, p in params.items()}\n        for k in params:\n            self.v[k] = self.momentum * self.v[k] - self.lr * grads[k]\n            params[k] += self.v[k]", "velocity is forgotten"),
    ("AdaGrad", "class A:\n    def __init__(self, lr=0.01): self.lr, self.h = lr, None\n    def update(self, params, grads):\n        if self.h is None: self.h = {k: np.zeros_like(p) for k, p in params.items()}\n        for k in params:\n            self.h[k] += grads[k] ** 2\n            params[k] -= self.lr * grads[k] / (self.h[k] + 1e-7)", "the root of h is missing"),
    ("RMSprop", "class R:\n    def __init__(self): self.h = None\n    def update(self, params, grads):\n        if self.h is None: self.h = {k: np.zeros_like(p) for k, p in params.items()}\n        for k in params:\n            self.h[k] *= 0.99\n            self.h[k] += grads[k] ** 2\n            params[k] -= 0.01 * grads[k] / (np.sqrt(self.h[k]) + 1e-7)", "not multiplied by 1 - decay_rate"),
    ("Adam", "class A:\n    def __init__(self): self.m, self.v = {}, {}\n    def update(self, params, grads):\n        for k in params:\n            self.m[k] = 0.9 * self.m.get(k, 0) + 0.1 * grads[k]\n            self.v[k] = 0.999 * self.v.get(k, 0) + 0.001 * grads[k] ** 2\n            params[k] -= 0.001 * self.m[k] / (np.sqrt(self.v[k]) + 1e-7)", "not corrected"),
    ("initial_weights", "def w(n_in, n_out, activation): return np.random.randn(n_in, n_out) * np.sqrt(2 / (n_in + n_out))", "too"),
    ("initial_weights", "def w(n_in, n_out, activation):\n    if activation == 'sigmoid' or 'tanh': return np.random.randn(n_in, n_out) / np.sqrt(n_in)\n    return np.random.randn(n_in, n_out) * np.sqrt(2 / n_in)", "Xavier's for all three"),
    ("BatchNormalization", "class B:\n    def __init__(self, gamma, beta): self.gamma, self.beta = gamma, beta\n    def forward(self, x):\n        x = (x - x.mean()) / np.sqrt(x.var() + 1e-6)\n        return self.gamma * x + self.beta", "whole array"),
    ("BatchNormalization", "class B:\n    def __init__(self, gamma, beta): self.gamma, self.beta = gamma, beta\n    def forward(self, x):\n        x -= x.mean(axis=0)\n        return self.gamma * x / np.sqrt(np.mean(x ** 2, axis=0) + 1e-6) + self.beta", "changes its argument x"),
    ("Dropout", "class D:\n    def __init__(self, ratio): self.ratio = ratio\n    def forward(self, x, train=True):\n        if train:\n            self.mask = np.random.rand(*x.shape) > self.ratio\n            x[~self.mask] = 0\n            return x\n        return x * (1 - self.ratio)\n    def backward(self, dout): return dout * self.mask", "changes its argument x"),
    ("Dropout", "class D:\n    def __init__(self, ratio):\n        self.ratio = ratio\n    def forward(self, x, train=True):\n        if train:\n            self.mask = np.random.rand(*x.shape) > self.ratio\n            return x * self.mask\n    def backward(self, dout): return dout * self.mask", "gives None"),
    ("weight_decay", "def wd(params, lam):\n    total = 0\n    for W in params.values(): total += 0.5 * lam * np.sum(W ** 2)\n    return total", "biases count"),
    ("weight_decay", "def wd(params, lam):\n    total = 0\n    for k in params:\n        if k.startswith('W'): total = 0.5 * lam * np.sum(params[k] ** 2)\n    return total", "(two layers)"),
    ("Dropout", "class D:\n    def __init__(self, ratio): self.ratio, self.mask = ratio, None\n    def forward(self, x, train=True):\n        if not train: return x * (1 - self.ratio)\n        if self.mask is None: self.mask = np.random.rand(*x.shape) > self.ratio\n        return x * self.mask\n    def backward(self, dout): return dout * self.mask", "Two calls drop the same units"),
    ("learning_rates", "def lr(low, high, count): return [np.random.uniform(low, high) for _ in range(count)]", "not yet"),
    ("learning_rates", "def lr(low, high, count): return np.exp(np.random.uniform(np.log(low), np.log(high), count + 1))", "is wanted"),
    ("learning_rates", "def lr(low, high, count):\n    u = np.random.rand(count)\n    return low * (high / low) ** np.where(u < 0.5, 0.4 + 0.2 * u, 0.1 + 0.9 * u)", "The rates crowd"),
    ("learning_rates", "def lr(low, high, count):\n    u = np.arange(count) // 2 / (count // 2 + 1)\n    return low * (high / low) ** u", "Some rates come twice"),
    ("learning_rates", "def lr(low, high, count): return np.random.uniform(np.log10(low), np.log10(high), count)", "power is missing"),
    # chapter 7
    ("output_size", "def o(size, f, pad, stride): return (size + 2 * pad - f) / stride + 1", "not a whole number"),
    ("output_size", "def o(size, f, pad, stride): return round((size + 2 * pad - f) / stride + 1)", "(a remainder)"),
    ("pool_size", "def p(h, w, pool, stride): return h // stride, w // stride", "stride is taken for the size"),
    ("pad", "def pad(image, width):\n    out = np.zeros((image.shape[0] + 2 * width, image.shape[1] + 2 * width))\n    out[width:-width, width:-width] = image\n    return out", "empty for a width of 0"),
    ("convolve", "def c(image, W):\n    out = np.zeros((len(image) - len(W) + 1, len(image[0]) - len(W[0]) + 1))\n    for i in range(out.shape[0]):\n        for j in range(out.shape[1]):\n            out[i, j] = 2 * np.sum(image[i:i + len(W), j:j + len(W[0])] * W)\n    return out", "2 times too large"),
    ("convolve", "def c(image, W):\n    out = np.zeros_like(image)\n    for i in range(len(image) - len(W) + 1):\n        for j in range(len(image[0]) - len(W[0]) + 1):\n            out[i, j] = np.sum(image[i:i + len(W), j:j + len(W[0])] * W)\n    return out", "has the shape"),
    ("convolution", "def c(x, W, b):\n    v = np.lib.stride_tricks.sliding_window_view(x, W.shape[2:], axis=(2, 3))\n    return np.einsum('ncijhw,fchw->nfij', v, W) + b", "along the last axis"),
    ("im2col", "def i2c(x, h, w, s):\n    v = np.lib.stride_tricks.sliding_window_view(x, (h, w), axis=(2, 3))[:, :, ::s, ::s]\n    return v.reshape(-1, x.shape[1] * h * w)", "axes were not moved"),
    ("pool", "def pool(image, size, stride):\n    out = np.zeros(((image.shape[0] - size) // stride + 1, (image.shape[1] - size) // stride + 1))\n    for i in range(out.shape[0]):\n        for j in range(out.shape[1]):\n            for v in image[i * stride:i * stride + size, j * stride:j * stride + size].ravel():\n                if v > out[i, j]: out[i, j] = v\n    return out", "starts at 0"),
    ("Pooling", "class P:\n    def forward(self, x):\n        self.x = x\n        return x.reshape(len(x) // 2, 2, -1, 2).max(axis=(1, 3))\n    def backward(self, dout):\n        up = dout.repeat(2, 0).repeat(2, 1)\n        return up * (self.x == self.forward(self.x).repeat(2, 0).repeat(2, 1))", "two equal pixels both"),
    ("Pooling", "class P:\n    def forward(self, x):\n        self.x = x\n        return x.reshape(len(x) // 2, 2, -1, 2).max(axis=(1, 3))\n    def backward(self, dout):\n        dx = np.zeros_like(self.x)\n        for i in range(len(dout)):\n            for j in range(len(dout[0])):\n                k = np.argmax(self.x[2*i:2*i+2, 2*j:2*j+2])\n                dx[2*i + k // 2, 2*j + k % 2] = 2 * dout[i, j]\n        return dx", "is 2 times too large."),
    ("count_parameters", "def c(channels, filters, size): return filters * size ** 2 + filters", "channels are not counted"),
    ("parameter_shapes", "def p(c, f, n, s, h): return {'W1': (f, c, n, n), 'b1': f, 'W2': (f * ((s - n + 1) // 2) ** 2, h), 'b2': h}", "['b1'] gives 1, but a tuple of 1 is wanted"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "code", "words"), MISTAKEN)
def test_what_is_wrong_with_a_learners_answer_is_said(name, code, words):
    report = getattr(check, name)(learner(code))
    assert not report
    assert words in str(report)


LAYER = """
class {name}:
    def forward(self, {inputs}):
        {forward}
    def backward(self, dout=1):
        {backward}
"""

# The exercise, and a right answer. Each has another style.
RIGHT = [
    ("AND", "AND = lambda x1, x2: x1 and x2"),
    ("AND", "def AND(x1, x2):\n    x, w, b = np.array([x1, x2]), np.array([0.5, 0.5]), -0.7\n    return np.sum(w * x) + b > 0"),
    ("XOR", "def NAND(a, b): return int(-0.5 * a - 0.5 * b + 0.7 > 0)\ndef XOR(a, b):\n    c = NAND(a, b)\n    return NAND(NAND(a, c), NAND(b, c))"),
    ("half_adder", "def h(a, b): return np.array([a & b, a ^ b])"),
    ("half_adder", "def h(a, b): return [a * b, abs(a - b)]"),
    ("perceptron", "def p(x, w, b): return 1.0 if sum(i * j for i, j in zip(x, w)) + b > 0 else 0.0"),
    ("separates", "def s(x, t, w, b): return np.array_equal(((x * w).sum(axis=1) + b > 0).astype(int), t)"),
    ("separates", "def s(x, t, w, b): return all(int(r.dot(w) + b > 0) == u for r, u in zip(x, t))"),
    ("step_function", "def step(x): return np.greater(x, 0)"),
    ("step_function", "def step(x): return np.heaviside(x, 0)"),
    ("sigmoid", "def sigmoid(x): return 1 / (1 + np.exp(-x))"),
    ("sigmoid", "def sigmoid(x): return 0.5 * (1 + np.tanh(0.5 * np.asarray(x)))"),
    ("sigmoid", "def one(v): return 1 / (1 + math.exp(-v)) if v > -700 else 0.0\ndef sigmoid(x): return np.vectorize(one, otypes=[float])(x)"),
    ("sigmoid", "def sigmoid(x): return (1 / (1 + np.exp(-np.asarray(x, np.float32)))).astype(np.float32)"),
    ("relu", "def relu(x): return (np.abs(x) + x) / 2"),
    ("relu", "def relu(x): return np.where(np.asarray(x) > 0, x, 0).tolist()"),
    ("relu", "def relu(x): return x * (x > 0)"),
    ("softmax", "def softmax(x):\n    if x.ndim == 2:\n        x = x.T\n        x = x - np.max(x, axis=0)\n        y = np.exp(x) / np.sum(np.exp(x), axis=0)\n        return y.T\n    x = x - np.max(x)\n    return np.exp(x) / np.sum(np.exp(x))"),
    ("softmax", "def softmax(x):\n    if x.ndim == 1:\n        e = [math.exp(v - max(x)) for v in x]\n        return [v / sum(e) for v in e]\n    return [softmax(row) for row in x]"),
    ("softmax", "def softmax(x, axis=-1):\n    x = np.array(x, dtype=np.float32)\n    x -= x.max(axis, keepdims=True)\n    np.exp(x, out=x)\n    x /= x.sum(axis, keepdims=True)\n    return x"),
    ("affine", "def affine(*args): return np.dot(args[0], args[1]) + args[2]"),
    ("affine", "def affine(x, W, b): return np.einsum('...d,dh->...h', x, W) + b"),
    ("forward", "def f(network, x):\n    for k in 1, 2, 3:\n        x = np.dot(x, network['W%d' % k]) + network['b%d' % k]\n        if k < 3: x = 1 / (1 + np.exp(-x))\n    return x"),
    ("accuracy", "def acc(y, t):\n    right = 0\n    for row, label in zip(y, t):\n        right += row.tolist().index(max(row)) == label\n    return right / len(t)"),
    ("accuracy", "def acc(y, t): return (y.argmax(1) == t).astype(np.float32).mean()"),
    ("normalize", "def n(images): return images.astype(np.float32) / 255.0"),
    ("one_hot", "def one(t, classes): return (t[:, None] == np.arange(classes)).astype(int)"),
    ("one_hot", "def one(t, classes): return [[int(k == label) for k in range(classes)] for label in t]"),
    ("batches", "def b(x, size): return tuple(x[i:i + size] for i in range(0, len(x), size))"),
    ("batches", "def b(x, size): return np.split(x, range(size, len(x), size))"),
    ("sum_squared_error", "def sse(y, t):\n    d = (y - t).ravel()\n    return d @ d / 2"),
    ("cross_entropy", "def ce(y, t, delta=1e-7): return float(-(t * np.log(y + delta)).sum())"),
    ("cross_entropy", "def ce(y, t): return -sum(b * math.log(a + 1e-7) for a, b in zip(y, t))"),
    ("cross_entropy_error", "def ce(y, t):\n    total = 0.0\n    for a, b in zip(y, t): total -= np.dot(b, np.log(a + 1e-7))\n    return total / y.shape[0]"),
    ("cross_entropy_error", "def ce(y, t): return -np.log(y[np.arange(len(y)), t.argmax(axis=1)] + 1e-7).mean()"),
    ("cross_entropy_of_labels", "def ce(y, t): return -np.sum(np.eye(y.shape[1])[t] * np.log(y + 1e-7)) / len(y)"),
    ("numerical_gradient", "def g(f, x):\n    h = 1e-4\n    grad = np.zeros_like(x)\n    it = np.nditer(x, flags=['multi_index'], op_flags=['readwrite'])\n    while not it.finished:\n        i = it.multi_index\n        v = x[i]\n        x[i] = float(v) + h\n        a = f(x)\n        x[i] = v - h\n        b = f(x)\n        grad[i] = (a - b) / (2 * h)\n        x[i] = v\n        it.iternext()\n    return grad"),
    ("numerical_gradient", "def g(f, x):\n    x = x.astype(float).copy()\n    e = 1e-4 * np.eye(x.size).reshape(-1, *x.shape)\n    return np.reshape([(f(x + d) - f(x - d)) / 2e-4 for d in e], x.shape)"),
    ("numerical_diff", "def d(f, x):\n    h = 1e-4\n    return (8 * (f(x + h) - f(x - h)) - f(x + 2 * h) + f(x - 2 * h)) / (12 * h)"),
    ("gradient_descent", "def slope(f, x):\n    return np.array([(f(x + e) - f(x - e)) / 2e-4 for e in 1e-4 * np.eye(x.size)])\ndef gd(f, init_x, lr=0.01, step_num=100):\n    x = init_x\n    for _ in range(step_num): x = x - lr * slope(f, x)\n    return x"),
    ("mini_batch", "def mb(x, t, size):\n    i = np.random.permutation(len(x))[:size]\n    return [x[i].tolist(), t[i].tolist()]"),
    ("mini_batch", "random = np.random.default_rng(7)\ndef mb(x, t, size):\n    i = random.choice(len(x), size, replace=False)\n    return x[i], t[i]"),
    ("kl_divergence", "def kl(p, q): return sum(a * math.log2(a / b) for a, b in zip(p, q) if a > 0)"),
    ("kl_divergence", "def kl(p, q): return np.sum(np.where(p > 0, p * np.log2((p + 1e-12) / q), 0))"),
    ("MulLayer", "class Mul:\n    def __init__(self): self.x = self.y = None\n    def forward(self, x, y):\n        self.x, self.y = x, y\n        return x * y\n    def backward(self, dout): return [dout * self.y, dout * self.x]"),
    ("Relu", LAYER.format(name="Relu", inputs="x", forward="self.mask = (x <= 0); out = x.copy(); out[self.mask] = 0; return out", backward="dx = dout.copy(); dx[self.mask] = 0; return dx")),
    ("Relu", LAYER.format(name="Relu", inputs="x", forward="self.y = np.maximum(x, 0); return self.y", backward="return np.where(self.y > 0, dout, 0)")),
    ("Sigmoid", LAYER.format(name="S", inputs="x", forward="self.out = 1 / (1 + np.exp(-x)); return self.out", backward="self.out *= 1 - self.out; return self.out * dout")),
    ("Exp", LAYER.format(name="E", inputs="x", forward="self.x = x; return np.exp(x)", backward="return dout * np.exp(self.x)")),
    ("Affine", "class Affine:\n    def __init__(self, W, b):\n        self.W, self.b, self.dW, self.db = W, b, None, None\n    def forward(self, x):\n        self.x = x\n        return np.einsum('nd,dh->nh', x, self.W) + self.b\n    def backward(self, dout):\n        self.db = [sum(column) for column in dout.T]\n        self.dW = sum(np.outer(a, d) for a, d in zip(self.x, dout))\n        return dout @ self.W.T"),
    ("SoftmaxWithLoss", "def softmax(x):\n    e = np.exp(x - x.max(axis=1)[:, None])\n    return e / e.sum(axis=1)[:, None]\nclass S:\n    def forward(self, x, t):\n        self.y, self.t = softmax(x), t.argmax(axis=1)\n        return -np.log(self.y[range(len(x)), self.t] + 1e-7).mean()\n    def backward(self, dout=1):\n        dx = self.y.copy()\n        dx[range(len(dx)), self.t] -= 1\n        return dout * dx / len(dx)"),
    ("Chain", "class C:\n    def __init__(self, layers): self.layers = list(layers)\n    def forward(self, x):\n        for layer in self.layers: x = layer.forward(x)\n        return x\n    def backward(self, dout):\n        for layer in reversed(self.layers): dout = layer.backward(dout)\n        return dout"),
    ("SGD", "class SGD:\n    def __init__(self, lr=0.01): self.lr = lr\n    def update(self, params, grads):\n        for p, g in zip(params.values(), grads.values()): np.subtract(p, self.lr * g, out=p)"),
    ("Momentum", "class M:\n    def __init__(self): self.v = {}\n    def update(self, params, grads):\n        for k, g in grads.items():\n            self.v[k] = 0.9 * self.v.get(k, 0) - 0.01 * g\n            params[k][...] = params[k] + self.v[k]"),
    ("Adam", "class A:\n    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):\n        self.lr, self.beta1, self.beta2, self.iter, self.m, self.v = lr, beta1, beta2, 0, None, None\n    def update(self, params, grads):\n        if self.m is None:\n            self.m, self.v = {}, {}\n            for k, p in params.items():\n                self.m[k], self.v[k] = np.zeros_like(p), np.zeros_like(p)\n        self.iter += 1\n        lr_t = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)\n        for k in params:\n            self.m[k] += (1 - self.beta1) * (grads[k] - self.m[k])\n            self.v[k] += (1 - self.beta2) * (grads[k]**2 - self.v[k])\n            params[k] -= lr_t * self.m[k] / (np.sqrt(self.v[k]) + 1e-7)"),
    ("initial_weights", "def w(n_in, n_out, activation):\n    scale = {'relu': 2.0}.get(activation, 1.0)\n    return np.random.default_rng().normal(0, (scale / n_in) ** 0.5, (n_in, n_out)).astype(np.float32)"),
    ("BatchNormalization", "class B:\n    def __init__(self, gamma, beta): self.g, self.b = gamma, beta\n    def forward(self, x):\n        out = np.empty_like(x)\n        for j in range(x.shape[1]):\n            c = x[:, j]\n            out[:, j] = self.g[j] * (c - c.mean()) / math.sqrt(c.var() + 1e-6) + self.b[j]\n        return out"),
    ("BatchNormalization", "class B:\n    def __init__(self, gamma, beta): self.g, self.b = gamma, beta\n    def forward(self, x):\n        return self.g * (x - x.mean(0)) / (x.std(0) + 1e-6) + self.b"),
    ("Dropout", "class D:\n    def __init__(self, dropout_ratio=0.5): self.ratio = dropout_ratio\n    def forward(self, x, train_flg=True):\n        if train_flg:\n            self.mask = np.random.binomial(1, 1 - self.ratio, x.shape)\n            return np.multiply(x, self.mask)\n        return (1.0 - self.ratio) * x\n    def backward(self, dout): return dout * self.mask"),
    ("weight_decay", "def wd(params, lam): return lam / 2 * sum(float((W * W).sum()) for k, W in params.items() if 'W' in k)"),
    ("learning_rates", "def lr(low, high, count): return [math.exp(np.random.uniform(math.log(low), math.log(high))) for _ in range(count)]"),
    ("output_size", "def o(size, f, pad, stride): return int((size + 2 * pad - f) / stride) + 1"),
    ("output_size", "def o(size, f, pad, stride): return 1 + np.floor((size + 2 * pad - f) / stride)"),
    ("pool_size", "def p(h, w, pool, stride): return np.array([(n - pool) // stride + 1 for n in (h, w)])"),
    ("pad", "def pad(image, width):\n    H, W = image.shape\n    out = np.zeros((H + 2 * width, W + 2 * width))\n    out[width:width + H, width:width + W] = image\n    return out"),
    ("convolve", "def c(image, W):\n    (H, V), (FH, FW) = image.shape, W.shape\n    return [[sum(image[i + a][j + b] * W[a][b] for a in range(FH) for b in range(FW)) for j in range(V - FW + 1)] for i in range(H - FH + 1)]"),
    ("convolution", "def c(x, W, b):\n    N, C, H, V = x.shape\n    FN, _, FH, FW = W.shape\n    out = np.zeros((N, FN, H - FH + 1, V - FW + 1))\n    for i in range(FH):\n        for j in range(FW):\n            out += np.tensordot(x[:, :, i:i + out.shape[2], j:j + out.shape[3]], W[:, :, i, j], (1, 1)).transpose(0, 3, 1, 2)\n    return out + b.reshape(1, -1, 1, 1)"),
    ("im2col", "def i2c(x, fh, fw, stride=1, pad=0):\n    N, C, H, W = x.shape\n    oh, ow = (H - fh) // stride + 1, (W - fw) // stride + 1\n    col = np.zeros((N, C, fh, fw, oh, ow))\n    for y in range(fh):\n        for z in range(fw):\n            col[:, :, y, z] = x[:, :, y:y + stride * oh:stride, z:z + stride * ow:stride]\n    return col.transpose(0, 4, 5, 1, 2, 3).reshape(N * oh * ow, -1)"),
    ("pool", "def pool(image, size, stride):\n    return [[image[i:i + size, j:j + size].max() for j in range(0, image.shape[1] - size + 1, stride)] for i in range(0, image.shape[0] - size + 1, stride)]"),
    ("Pooling", "class P:\n    def forward(self, x):\n        H, W = x.shape\n        self.c = x.reshape(H // 2, 2, W // 2, 2).transpose(0, 2, 1, 3).reshape(H // 2, W // 2, 4)\n        return self.c.max(axis=2)\n    def backward(self, dout):\n        h, w, _ = self.c.shape\n        d = np.zeros((h, w, 4))\n        np.put_along_axis(d, self.c.argmax(axis=2)[..., None], dout[..., None], axis=2)\n        return d.reshape(h, w, 2, 2).transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)"),
    ("count_parameters", "def c(channels, filters, filter_size): return np.zeros((filters, channels, filter_size, filter_size)).size + filters"),
    ("parameter_shapes", "def p(channels, filters, filter_size, size, hidden):\n    n = (size - filter_size + 1) // 2\n    return dict(W1=[filters, channels, filter_size, filter_size], b1=[filters], W2=[filters * n * n, hidden], b2=[hidden])"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "code"), RIGHT)
def test_a_right_answer_passes_in_any_style(name, code):
    report = getattr(check, name)(learner(code))
    assert report, str(report)
