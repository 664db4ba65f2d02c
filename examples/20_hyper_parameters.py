"""
Search for hyperparameters
==========================

Training finds the weights. But it does not find the learning rate and the strength of the weight decay. These are
hyperparameters: you have to choose them. The book draws them at random, trains a little with each pair, and compares
the accuracies on validation data. Do not compare them on the training data: weight decay makes the accuracy there
worse. Do not use the test data either: keep them to measure the network that you choose.

Look at where the good pairs are on the right. The learning rate decides: the good ones lie between 0.03 and 0.3. The
weight decay hardly matters here. So the next search should draw the learning rate from a smaller range. On the left is
the book's picture: the curves of the best pairs.
"""

# %%
# 500 images for training are enough to compare. `Trainer` calls the second pair of arrays test data. Here they are
# validation data.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet, Trainer, load_mnist
from fastnet.plotting import plot_search
from fastnet.search import random_search

(x_train, t_train), _ = load_mnist()
chosen = np.random.default_rng(0).permutation(len(x_train))[:1000]
x, t = x_train[chosen[:500]], t_train[chosen[:500]]
x_val, t_val = x_train[chosen[500:]], t_train[chosen[500:]]


def train(lr, weight_decay):
    """Train with one pair, and return the accuracies of all epochs, as the book's function does."""
    network = MultiLayerNet(784, [50] * 3, 10, weight_decay_lambda=weight_decay, dtype=np.float32)
    trainer = Trainer(
        network, x, t, x_val, t_val, iterations=80, optimizer_param={"lr": lr}, verbose=False, progress=False,
    )
    trainer.train()
    return trainer.test_acc_list, trainer.train_acc_list


# %%
# The search chooses both hyperparameters at random, on a logarithmic scale: as many learning rates between 0.001 and
# 0.01 as between 0.01 and 0.1. With ``n_jobs=-1``, all cores would train, and the result would be the same.

result = random_search(train, 40, {"lr": (1e-5, 0.3), "weight_decay": (1e-8, 0.1)}, seed=0)
print("the best five of 40 pairs:")
for trial in result.ranked[:5]:
    lr, decay = trial.hyper_parameters["lr"], trial.hyper_parameters["weight_decay"]
    print(f"validation accuracy {trial.accuracy:.3f}  learning rate {lr:.4f}  weight decay {decay:.1e}")

# %%
# The curves of the best 20, and all pairs.

figure, (left, right) = plt.subplots(1, 2, figsize=(15, 6), width_ratios=(3, 2), layout="constrained")
plot_search(result, ax=left)
rates, decays, accuracies = zip(
    *[(*trial.hyper_parameters.values(), trial.accuracy) for trial in result.trials], strict=True
)
points = right.scatter(rates, decays, c=accuracies, cmap="viridis", s=60, edgecolors="black", linewidths=0.5)
right.set(title="All pairs", xlabel="learning rate", ylabel="weight decay", xscale="log", yscale="log")
figure.colorbar(points, ax=right, label="accuracy on the validation images")
figure.savefig("20_hyper_parameters.png")
print("The picture is in 20_hyper_parameters.png")
