"""
More cores, more machines
=========================

Some work takes long, and can be divided:

- A numerical gradient: its elements do not depend on each other.
- A search for hyperparameters: it trains many times, and these trainings do not depend on each other.
- Training: each process computes the gradient on its share of a mini-batch.

This needs joblib and Dask: ``pip install '.[distributed]'``.

Run the program, because this page does not show what it prints. Look at the results: they do not change. The gradient
and the search are the same to the last bit. The losses of the training agree to 10 digits or more. Sending a piece of
work takes some milliseconds. So divide the work only if each piece takes much longer.
"""

# %%
# A *cluster* is a group of computers that work together. Here, two processes on this computer take its place. For many
# machines, only the line with ``LocalCluster`` is different. A new process imports this file, so the program itself is
# below ``if __name__ == "__main__"``.

import joblib
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster

from fastnet import MultiLayerNet, Trainer, load_mnist
from fastnet.gradient import numerical_gradient
from fastnet.interop import data_parallel
from fastnet.plotting import plot_loss
from fastnet.search import random_search

(x_train, t_train), _ = load_mnist()
x, t = x_train[:500].astype(np.float64), t_train[:500]


def smoothness(w):
    """A function that uses its argument and nothing that changes: another process can call it."""
    return np.sum(np.diff(w) ** 2)


def train(lr, weight_decay):
    """Train a little with one pair of hyperparameters."""
    network = MultiLayerNet(784, [50], 10, weight_decay_lambda=weight_decay)
    trainer = Trainer(
        network, x[:400], t[:400], x[400:], t[400:], iterations=20, optimizer_param={"lr": lr}, verbose=False,
        progress=False,
    )
    trainer.train()
    return trainer.test_acc_list, trainer.train_acc_list


def make_trainer():
    """Return a trainer that always makes the same batches."""
    return Trainer(
        MultiLayerNet(784, [50], 10, seed=0), x, t, iterations=30, optimizer_param={"lr": 0.1}, seed=0, verbose=False,
        progress=False,
    )


# %%
# The gradient and the search go to the cluster because of joblib's setting, and training because of `data_parallel`.

if __name__ == "__main__":
    w, alone = np.linspace(0, 1, 40) ** 2, make_trainer()
    gradient, result = numerical_gradient(smoothness, w), random_search(train, 6, seed=0)
    alone.train()

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        with joblib.parallel_config(backend="dask"):
            same = np.array_equal(numerical_gradient(smoothness, w, n_jobs=-1), gradient)
            print("the gradient on two processes is the same:", same)
            print("the search on two processes is the same:", random_search(train, 6, seed=0) == result)
        trainer = make_trainer()
        with data_parallel(trainer, client):
            trainer.train()
    difference = np.abs(np.subtract(trainer.train_loss_list, alone.train_loss_list)).max()
    print("the losses on two processes are the same to 1e-10:", bool(difference < 1e-10))

    figure, ax = plt.subplots(layout="constrained")
    plot_loss(trainer.train_loss_list, title="Training on two processes", ax=ax)
    figure.savefig("27_distributed.png")
    print("The picture is in 27_distributed.png")
