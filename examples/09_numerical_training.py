"""
Training by numerical gradient
==============================

Chapter 4 trains a network on handwritten digits before backpropagation is known. It changes every weight a little, one
after the other, and computes the loss each time. This needs no calculus, but very much time.

Look at two things: how long the plain method would take, and that the two curves in the picture are the same. The
numerical gradient and that of backpropagation agree.
"""

# %%
# MNIST is part of fastnet: 60,000 training images of 28 x 28 pixels and 10,000 test images.

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist

(x_train, t_train), (x_test, t_test) = load_mnist()
network = TwoLayerNet(784, 50, 10, seed=0)

# %%
# One mini-batch. The plain method evaluates the loss twice for each of 39,760 parameters. fastnet computes the same
# numbers faster: a weight of the first layer changes only one hidden unit, and one of the second layer only one score.
# What does not change need not be computed again.

x_batch, t_batch = x_train[:100], t_train[:100]
parameter_count = sum(param.size for param in network.params.values())

loss_time = min(repeat(lambda: network.loss(x_batch, t_batch), number=1, repeat=200))
gradient_time = min(repeat(lambda: network.numerical_gradient(x_batch, t_batch), number=1, repeat=3))
plain_time = 2 * parameter_count * loss_time
print(f"{parameter_count:,} parameters: the plain way would take {plain_time:.0f} s for one gradient, with this loss")
print(f"numerical_gradient takes {gradient_time:.3f} s")

# %%
# Now train twice, from the same initial weights and on the same mini-batches. The program makes only 100 iterations of
# 20 images, so that it also ends soon without the compiled kernels. The learning rate is 1, to learn as much as
# possible from so few. With the compiled kernels, ``fastnet train --gradient numerical`` makes 10,000 iterations of 100
# images in a minute.


def train(gradient):
    network = TwoLayerNet(784, 50, 10, seed=0)
    trainer = Trainer(
        network, x_train, t_train, x_test, t_test,
        mini_batch_size=20, iterations=100, optimizer_param={"lr": 1.0}, gradient=gradient, seed=0, verbose=False,
    )
    trainer.train()
    print(f"{gradient:<9} test accuracy {network.accuracy(x_test, t_test):.4f}")
    return np.array(trainer.train_loss_list)


numerical = train("numerical")
backprop = train("backprop")
print(f"largest difference of the losses: {np.abs(numerical - backprop).max():.0e}")

figure, ax = plt.subplots(layout="constrained")
ax.plot(numerical, linewidth=6, alpha=0.4, label="numerical gradient")
ax.plot(backprop, color="black", linewidth=1, label="backpropagation")
ax.set(title="Two ways to the same gradient", xlabel="iteration", ylabel="loss of the mini-batch", ylim=(0, None))
ax.grid(alpha=0.3)
ax.legend()
figure.savefig("09_numerical_training.png")
print("The picture is in 09_numerical_training.png")
