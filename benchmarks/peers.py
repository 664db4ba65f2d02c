"""Other libraries that a user might choose instead of fastnet: the benchmarks compare those that are installed.

The extra `peers` installs all of them. Each library has a class, with one method for each comparison that it takes part
in. The method takes NumPy arrays, converts them to the library's own type, and returns the call to time, or a
`Contender`. The code follows the library's documentation, so that the comparison is fair.

Everything runs on one thread, like fastnet. `one_thread` in conftest.py limits the threads of BLAS and OpenMP.
"""

import importlib.util
import os
import warnings
from functools import cache, partial
from itertools import count

import numpy as np

from fastnet._bench.cases import five_losses, named
from fastnet._bench.timing import TEXTBOOK, Contender


class SciPy:
    def __init__(self):
        import scipy.special

        self.special = scipy.special

    def sigmoid(self, x):
        return partial(self.special.expit, x)

    def sigmoid_grad(self, x):
        def call():
            s = self.special.expit(x)
            return s * (1 - s)

        return call

    def softmax(self, x):
        return partial(self.special.softmax, x, axis=-1)

    def cross_entropy_one_hot(self, y, t):
        return lambda: -self.special.xlogy(t, y + 1e-7).sum() / len(y)


class PyTorch:
    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.torch = torch

    def sigmoid(self, x):
        return partial(self.torch.sigmoid, self.torch.from_numpy(x))

    def sigmoid_grad(self, x):
        x = self.torch.from_numpy(x)

        def call():
            s = self.torch.sigmoid(x)
            return s * (1 - s)

        return call

    def tanh(self, x):
        return partial(self.torch.tanh, self.torch.from_numpy(x))

    def tanh_grad(self, x):
        x = self.torch.from_numpy(x)

        def call():
            y = self.torch.tanh(x)
            return 1 - y * y

        return call

    def leaky_relu(self, x):
        return partial(self.torch.nn.functional.leaky_relu, self.torch.from_numpy(x), 0.1)

    def elu(self, x):
        return partial(self.torch.nn.functional.elu, self.torch.from_numpy(x))

    def softmax(self, x):
        return partial(self.torch.softmax, self.torch.from_numpy(x), dim=-1)

    def binary_cross_entropy(self, y, t):  # torch's own function clamps the logarithm instead of adding 1e-7
        y, t = self.torch.from_numpy(y), self.torch.from_numpy(t)
        return lambda: -(t * self.torch.log(y + 1e-7) + (1 - t) * self.torch.log(1 - y + 1e-7)).mean()

    def softmax_cross_entropy(self, x, labels):
        torch = self.torch
        x, labels = torch.from_numpy(x).requires_grad_(), torch.from_numpy(labels)

        def call():
            loss = torch.nn.functional.cross_entropy(x, labels)
            (dx,) = torch.autograd.grad(loss, x)
            return loss.detach(), dx

        return Contender(call, read=named)

    def cross_entropy_labels(self, y, labels):
        y, labels = self.torch.from_numpy(y), self.torch.from_numpy(labels)[:, np.newaxis]
        return lambda: -self.torch.log(y.gather(1, labels) + 1e-7).mean()

    def cross_entropy_one_hot(self, y, t):
        y, t = self.torch.from_numpy(y), self.torch.from_numpy(t)
        return lambda: -(t * self.torch.log(y + 1e-7)).sum() / len(y)

    def training_step(self, network, x, t):
        torch = self.torch
        x, labels = torch.from_numpy(x), torch.from_numpy(t.argmax(axis=1))
        params = {name: torch.tensor(param, requires_grad=True) for name, param in network.params.items()}

        def step():  # not torch.optim.SGD: a step with it takes a fifth longer
            z1 = torch.sigmoid(torch.addmm(params["b1"], x, params["W1"]))
            a2 = torch.addmm(params["b2"], z1, params["W2"])
            loss = torch.nn.functional.cross_entropy(a2, labels)
            gradients = torch.autograd.grad(loss, params.values())
            with torch.no_grad():
                for param, gradient in zip(params.values(), gradients, strict=True):
                    param.sub_(gradient, alpha=0.1)

        return Contender(step, read=lambda _: {name: param.detach() for name, param in params.items()})

    def convolutional_step(self, network, x, labels):
        torch, F = self.torch, self.torch.nn.functional
        x, labels = torch.from_numpy(x), torch.from_numpy(labels)
        params = {name: torch.tensor(param, requires_grad=True) for name, param in network.params.items()}
        adam, updates = torch.optim.Adam(params.values(), lr=0.001), count(1)

        def step():
            adam.param_groups[0]["eps"] = 1e-7 / (1 - 0.999 ** next(updates)) ** 0.5  # as in our update
            adam.zero_grad()
            z = F.max_pool2d(F.relu(F.conv2d(x, params["W1"], params["b1"])), 2).flatten(1)
            z = F.relu(torch.addmm(params["b2"], z, params["W2"]))
            loss = F.cross_entropy(torch.addmm(params["b3"], z, params["W3"]), labels)
            loss.backward()
            adam.step()
            return loss.item()

        return Contender(step, read=partial(five_losses, step))

    def update(self, name, param, gradient):
        optim, param = self.torch.optim, self.torch.from_numpy(param.copy())
        param.grad = self.torch.from_numpy(gradient)
        made = {
            "SGD": lambda: optim.SGD([param], lr=0.01),
            "Momentum": lambda: optim.SGD([param], lr=0.01, momentum=0.9),
            "Nesterov": lambda: optim.SGD([param], lr=0.01, momentum=0.9, nesterov=True),
            "AdaGrad": lambda: optim.Adagrad([param], lr=0.01, eps=1e-7),
            "RMSprop": lambda: optim.RMSprop([param], lr=0.01, eps=1e-7),
            "Adam": lambda: optim.Adam([param], lr=0.001, eps=1e-7 / (1 - 0.999) ** 0.5),  # as in our first update
        }[name]()
        return Contender(made.step, read=lambda _: param)

    def accuracy(self, network, x, labels):
        torch = self.torch
        x, labels = torch.from_numpy(x), torch.from_numpy(labels)
        W1, b1, W2, b2 = map(torch.from_numpy, network.params.values())

        def call():
            z1 = torch.sigmoid(torch.addmm(b1, x, W1))
            return (torch.addmm(b2, z1, W2).argmax(1) == labels).sum() / len(x)

        return call


class Numba:
    def __init__(self):
        import numba

        self.numba = numba

    @cache  # noqa: B019 - there is only one instance
    def compiled(self, dtype):
        """Compile the functions for one dtype. Constants of another dtype would convert float32 to float64."""
        numba = self.numba
        one, eps = dtype.type(1), dtype.type(1e-7)

        @numba.vectorize([f"{dtype}({dtype})"])
        def sigmoid(x):
            return one / (one + np.exp(-x))

        @numba.vectorize([f"{dtype}({dtype})"])
        def sigmoid_grad(x):
            s = one / (one + np.exp(-x))
            return s * (one - s)

        @numba.njit
        def softmax(x):
            out = np.empty_like(x)
            for n in range(x.shape[0]):
                largest = x[n].max()
                total = one - one
                for c in range(x.shape[1]):
                    out[n, c] = np.exp(x[n, c] - largest)
                    total += out[n, c]
                for c in range(x.shape[1]):
                    out[n, c] /= total
            return out

        @numba.njit
        def cross_entropy_labels(y, labels):
            total = 0.0
            for n in range(y.shape[0]):
                total -= np.log(y[n, labels[n]] + eps)
            return total / y.shape[0]

        @numba.njit
        def cross_entropy_one_hot(y, t):
            total = 0.0
            for n in range(y.shape[0]):
                for c in range(y.shape[1]):
                    if t[n, c] != 0:
                        total -= t[n, c] * np.log(y[n, c] + eps)
            return total / y.shape[0]

        functions = sigmoid, sigmoid_grad, softmax, cross_entropy_labels, cross_entropy_one_hot
        return {function.__name__: function for function in functions}

    def sigmoid(self, x):
        return partial(self.compiled(x.dtype)["sigmoid"], x)

    def sigmoid_grad(self, x):
        return partial(self.compiled(x.dtype)["sigmoid_grad"], x)

    def softmax(self, x):
        return partial(self.compiled(x.dtype)["softmax"], x)

    def cross_entropy_labels(self, y, labels):
        return partial(self.compiled(y.dtype)["cross_entropy_labels"], y, labels)

    def cross_entropy_one_hot(self, y, t):
        return partial(self.compiled(y.dtype)["cross_entropy_one_hot"], y, t)


class Numexpr:
    def __init__(self):
        import numexpr

        numexpr.set_num_threads(1)
        self.numexpr = numexpr

    def evaluate(self, expression, **arrays):
        return self.numexpr.evaluate(expression, arrays)

    def sigmoid(self, x):
        return lambda: self.evaluate("1 / (1 + exp(-x))", x=x)

    def sigmoid_grad(self, x):
        def call():
            s = self.evaluate("1 / (1 + exp(-x))", x=x)
            return self.evaluate("s * (1 - s)", s=s)

        return call

    def softmax(self, x):
        def call():
            e = self.evaluate("exp(x - largest)", x=x, largest=x.max(axis=1, keepdims=True))
            return self.evaluate("e / total", e=e, total=e.sum(axis=1, keepdims=True))

        return call

    def cross_entropy_labels(self, y, labels):
        eps, rows = y.dtype.type(1e-7), np.arange(len(y))
        return lambda: -self.evaluate("sum(log(y + eps))", y=y[rows, labels], eps=eps) / len(y)

    def cross_entropy_one_hot(self, y, t):
        eps = y.dtype.type(1e-7)
        return lambda: -self.evaluate("sum(t * log(y + eps))", t=t, y=y, eps=eps) / len(y)


class JAX:
    def __init__(self):
        os.environ.setdefault("PJRT_NPROC", "1")  # the only way to limit its threads
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.jnp = jax, jax.numpy
        self.compiled = {
            "sigmoid": jax.jit(jax.nn.sigmoid),
            "sigmoid_grad": jax.jit(lambda x: jax.nn.sigmoid(x) * (1 - jax.nn.sigmoid(x))),
            "softmax": jax.jit(jax.nn.softmax),
            "cross_entropy_labels": jax.jit(
                lambda y, labels: -self.jnp.log(y[self.jnp.arange(len(y)), labels] + 1e-7).mean()
            ),
            "cross_entropy_one_hot": jax.jit(lambda y, t: -(t * self.jnp.log(y + 1e-7)).sum() / len(y)),
            "training_step": jax.jit(self._step, donate_argnums=0),
            "accuracy": jax.jit(lambda params, x, labels: (self._scores(params, x).argmax(1) == labels).mean()),
        }

    def call(self, name, *arrays):
        function, arrays = self.compiled[name], [self.jnp.asarray(array) for array in arrays]
        return lambda: function(*arrays).block_until_ready()

    def sigmoid(self, x):
        return self.call("sigmoid", x)

    def sigmoid_grad(self, x):
        return self.call("sigmoid_grad", x)

    def softmax(self, x):
        return self.call("softmax", x)

    def cross_entropy_labels(self, y, labels):
        return self.call("cross_entropy_labels", y, labels)

    def cross_entropy_one_hot(self, y, t):
        return self.call("cross_entropy_one_hot", y, t)

    def _scores(self, params, x):
        return self.jax.nn.sigmoid(x @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]

    def _step(self, params, x, labels):
        def loss(params):
            return -self.jax.nn.log_softmax(self._scores(params, x))[self.jnp.arange(len(x)), labels].mean()

        gradient = self.jax.grad(loss)(params)
        return {name: params[name] - 0.1 * gradient[name] for name in params}

    def training_step(self, network, x, t):
        params = {name: self.jnp.array(param) for name, param in network.params.items()}
        x, labels = self.jnp.asarray(x), self.jnp.asarray(t.argmax(axis=1))
        function = self.compiled["training_step"]

        def step():
            nonlocal params
            params = self.jax.block_until_ready(function(params, x, labels))
            return params

        return Contender(step)

    def accuracy(self, network, x, labels):
        params = {name: self.jnp.asarray(param) for name, param in network.params.items()}
        x, labels = self.jnp.asarray(x), self.jnp.asarray(labels)
        return lambda: self.compiled["accuracy"](params, x, labels).block_until_ready()


class ScikitLearn:
    def __init__(self):
        from sklearn.neural_network import MLPClassifier

        self.MLPClassifier = MLPClassifier

    def training_step(self, network, x, t):
        H, C = network.params["W2"].shape
        mlp = self.MLPClassifier(
            H, activation="logistic", solver="sgd", alpha=0, batch_size=len(x), learning_rate_init=0.1, momentum=0
        )
        labels = t.argmax(axis=1)
        mlp.partial_fit(x, labels, classes=np.arange(C))  # initialises the weights; they are overwritten below
        params = {"W1": mlp.coefs_[0], "W2": mlp.coefs_[1], "b1": mlp.intercepts_[0], "b2": mlp.intercepts_[1]}
        for name, param in params.items():
            param[:] = network.params[name]
        return Contender(lambda: mlp.partial_fit(x, labels), read=lambda _: params)


PEERS = {
    "scipy": SciPy,
    "torch": PyTorch,
    "numba": Numba,
    "numexpr": Numexpr,
    "jax": JAX,
    "sklearn": ScikitLearn,
}


def offering(what):
    """Return the names of the installed peers that have a method `what`. Imports nothing."""
    return [name for name, peer in PEERS.items() if hasattr(peer, what) and importlib.util.find_spec(name)]


def implementations(what):
    """Return the names that parametrize a benchmark: the textbook, fastnet's two backends, and the peers."""
    return [TEXTBOOK, "numpy", "cython", *offering(what)]


@cache
def load(name):
    """Import a peer. Return None if it does not work here: for example, if it does not support this NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about other libraries do not concern fastnet
        try:
            return PEERS[name]()
        except ImportError:
            return None


def contenders(what, *arguments):
    """Return a contender for every peer that works and has a method `what`."""
    found = {}
    for name in offering(what):
        peer = load(name)
        if peer is not None:
            made = getattr(peer, what)(*arguments)
            found[name] = made if isinstance(made, Contender) else Contender(made)
    return found
