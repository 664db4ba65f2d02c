"""
Optimizers compared
===================

The book's six optimizers use the same gradient and take different steps. On the left of the picture they look for the
lowest point of a long valley. On the right they train a network on handwritten digits.

Look at the zigzag of SGD. The valley is steep across and flat along, but SGD has only one learning rate for both
directions. The others keep earlier gradients: to continue in a direction, or to give each parameter its own rate. Do
not rank the optimizers by this picture: with other learning rates the order changes.
"""

# %%
# First the network. All optimizers start from the same weights and use the same mini-batches. Each has a learning rate
# that suits it. With a rate of 0.1, as in example 11, SGD would be far behind.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from fastnet.plotting import plot_optimizer_paths

(x_train, t_train), (x_test, t_test) = load_mnist()
optimizers = [SGD(lr=1.0), Momentum(lr=0.1), Nesterov(lr=0.1), AdaGrad(lr=0.05), RMSprop(lr=0.003), Adam(lr=0.005)]
losses = {}
for optimizer in optimizers:
    network = TwoLayerNet(784, 50, 10, dtype=np.float32, seed=0)
    trainer = Trainer(
        network, x_train, t_train, x_test, t_test,
        iterations=300, optimizer=optimizer, evaluate_sample_num_per_epoch=1000, seed=0, verbose=False,
    )
    trainer.train()
    name = type(optimizer).__name__
    losses[name] = np.reshape(trainer.train_loss_list, (-1, 10)).mean(axis=1)
    print(f"{name:<8} test accuracy {network.accuracy(x_test, t_test):.4f}")

# %%
# The valley of the book is 20 times as steep across as along. Each optimizer takes 30 steps. The learning rates are
# different from those above, because the gradients are different.


def f(x):
    return x[0] ** 2 / 20 + x[1] ** 2


optimizers = [SGD(lr=0.95), Momentum(lr=0.1), Nesterov(lr=0.1), AdaGrad(lr=1.5), RMSprop(lr=0.1), Adam(lr=0.3)]

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
plot_optimizer_paths(f, optimizers, start=[-7.0, 2.0], ylim=(-4, 3), ax=left)
paths, _ = left.get_legend_handles_labels()
for (name, loss), path in zip(losses.items(), paths, strict=True):
    right.plot(np.arange(5, 300, 10), loss, color=path.get_color(), marker=path.get_marker(), label=name)
right.set(title="Training on MNIST", xlabel="iteration", ylabel="loss, mean of 10 mini-batches", ylim=(0, 2.5))
right.grid(alpha=0.3)
right.legend(loc="upper right")
figure.savefig("13_optimizers.png")
print("The picture is in 13_optimizers.png")
