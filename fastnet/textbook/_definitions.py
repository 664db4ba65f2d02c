"""Which versions of the book's definitions fastnet serves, and with what.

`fingerprints.txt` numbers the versions of a name in the order of publication. A version is here if fastnet keeps its
meaning. The others stay the reader's.
"""

from importlib import resources
from typing import Any

from fastnet.textbook import functions, gradient, mnist, optimizer

SERVED: dict[str, Any] = {
    # common/functions.py
    "identity_function-1": functions.identity_function,
    "step_function-1": functions.step_function,  # with np.int, which NumPy no longer has
    "step_function-2": functions.step_function,
    "step_function-3": functions.step_function,
    "sigmoid-1": functions.sigmoid,
    "sigmoid_grad-1": functions.sigmoid_grad,
    "relu-1": functions.relu,
    "relu_grad-1": functions.relu_grad,  # with np.zeros(x), which raises an error
    "relu_grad-2": functions.relu_grad,
    "softmax-1": functions.softmax_2016,
    "softmax-2": functions.softmax,
    "mean_squared_error-1": functions.squared_error,
    "sum_squared_error-1": functions.squared_error,
    "cross_entropy_error-1": functions.cross_entropy_error_2016,
    "cross_entropy_error-2": functions.cross_entropy_error,
    "softmax_loss-1": functions.softmax_loss,
    # common/gradient.py and chapter 4
    "numerical_gradient-2": gradient.numerical_gradient_2d,
    "numerical_gradient-3": gradient.numerical_gradient,
    "numerical_gradient-4": gradient.numerical_gradient,
    "numerical_gradient_2d-1": gradient.numerical_gradient_2d,
    "_numerical_gradient_1d-1": gradient.numerical_gradient_1d,
    "_numerical_gradient_no_batch-1": gradient.numerical_gradient_1d,
    # common/optimizer.py. Nesterov-1 moves by the new velocity: it stays the reader's.
    "SGD-1": optimizer.SGD,
    "Momentum-1": optimizer.Momentum,
    "Nesterov-2": optimizer.Nesterov,
    "AdaGrad-1": optimizer.AdaGrad,
    "RMSprop-1": optimizer.RMSprop,
    "Adam-1": optimizer.Adam,
    # dataset/mnist.py
    "load_mnist-1": mnist.load_mnist,
    "load_mnist-2": mnist.load_mnist,
}

# Versions with another meaning than the newest: what refers to them stays the reader's.
OLD = {"cross_entropy_error-1", "numerical_gradient-1", "numerical_gradient-2", "Nesterov-1"}


# Versions that always raise an error. They work in the book's `functions.py`. In other files of the reader the error
# stays.
FAILING = {"step_function-1", "relu_grad-1"}


def _read() -> dict[tuple[str, str], str]:
    lines = resources.files("fastnet.textbook").joinpath("fingerprints.txt").read_text("utf-8").splitlines()
    words = [line.split(maxsplit=2)[:2] for line in lines if not line.startswith("#")]
    return {(version.rpartition("-")[0], value): version for version, value in words}


PUBLISHED = _read()  # (name, fingerprint) -> version
NAMES = {name for name, _ in PUBLISHED}
NEWEST = {version.rpartition("-")[0]: version for version in sorted(SERVED)}  # of each name, what fastnet serves
