"""How an estimator trains its network: epochs of mini-batches without replacement, as scikit-learn's networks do.

`fastnet.Trainer` follows the book: it draws every mini-batch with replacement, and computes the loss once more after
the update. Here each epoch takes every sample once, in a new order, and the loss comes from the predictions that the
gradient needs anyway.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray
from fastnet._picked import Picked
from fastnet.networks import MultiLayerNet
from fastnet.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop

Inputs = Any  # an array (N, D), or a SciPy matrix or array of these in CSR format
Rows = npt.NDArray[np.intp]

ROWS = 200  # of a sparse matrix that become dense at a time, to predict


class Data(NamedTuple):
    """The samples to train on: inputs, targets as the network takes them, and weights, or None if all have the same."""

    x: Inputs
    t: npt.NDArray[Any]
    weight: FloatArray | None

    def rows(self) -> Rows:
        """Return which samples count."""
        return np.arange(len(self.t)) if self.weight is None else np.flatnonzero(self.weight)

    def part(self, rows: Rows) -> "Data":
        """Return a mini-batch, whose rows stay where they are."""
        return Data(Picked(self.x, rows), self.t[rows], None if self.weight is None else self.weight[rows])


class Objective(NamedTuple):
    """What is minimized: `scale` times the network's loss, and `alpha` / 2 times the squares of the weights by sample.

    The network's loss is a mean over the outputs, as the book's is. scikit-learn's networks minimize the sum over the
    outputs, and for numbers half of it. The scale makes learning rates and `alpha` mean the same.
    """

    scale: float
    alpha: float


def predicted(network: MultiLayerNet, x: Inputs) -> FloatArray:
    """Return the predictions; of a sparse matrix, few rows are dense at a time."""
    if isinstance(x, np.ndarray):
        return network.predict(x)
    chunks = (x[first : first + ROWS].toarray() for first in range(0, x.shape[0], ROWS))
    return np.concatenate([network.predict(chunk) for chunk in chunks])


def initial(
    sizes: list[int], activation: str, output: Any, dtype: Any, random: np.random.RandomState
) -> MultiLayerNet:
    """Return a network with scikit-learn's initial weights and biases: uniform (Glorot and Bengio, 2010)."""
    network = MultiLayerNet(sizes[0], sizes[1:-1], sizes[-1], activation, 0, output=output, dtype=dtype)
    variance = 2 if network.activation == "sigmoid" else 6
    for name, parameter in network.params.items():
        layer = int(name[1:])
        bound = np.sqrt(variance / (sizes[layer - 1] + sizes[layer]))
        parameter[...] = random.uniform(-bound, bound, parameter.shape)
    return network


def named_optimizer(solver: str, lr: float, momentum: float, nesterov: bool, betas: tuple[float, float]) -> Any:
    """Return the optimizer that scikit-learn's words describe."""
    match solver:
        case "adam":
            return Adam(lr, *betas)
        case "sgd" if momentum == 0:
            return SGD(lr)
        case "sgd":
            return (Nesterov if nesterov else Momentum)(lr, momentum)
        case "rmsprop":
            return RMSprop(lr)
        case "adagrad":
            return AdaGrad(lr)
    raise ValueError(f"solver must be one of 'adam', 'sgd', 'rmsprop', 'adagrad', got {solver!r}")


def epoch(network: MultiLayerNet, optimizer: Any, data: Data, batches: list[Rows], objective: Objective) -> float:
    """Train for one epoch, and return the mean loss of its samples, each before the update of its batch."""
    loss = samples = 0.0
    for rows in batches:
        x, t, weight = data.part(rows)
        count = len(rows) if weight is None else float(weight.sum())
        network.weight_decay_lambda = objective.alpha / (objective.scale * count)
        of_batch, gradient = network.loss_and_gradient(x, t, weight)
        optimizer.update(network.params, gradient)
        loss += objective.scale * float(of_batch) * count
        samples += count
    return loss / samples
