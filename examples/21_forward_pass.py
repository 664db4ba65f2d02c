"""
From the inputs to the answer
=============================

Chapter 3: how a network computes its answer. First the book's network of two inputs and three layers, with weights
that are given. Then a network that has learned MNIST: 784 pixels go in, ten probabilities come out.

Look at the three activations on the left. The step function gives only 0 or 1. The sigmoid is a smooth step. ReLU
returns positive numbers unchanged, and 0 for all others. On the right, the answer of the network is above each image.
"""

# %%
# The three-layer network of the book. Each layer is a matrix product plus a bias, and then the activation. The last
# layer has none, because its outputs are the answer.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.functions import relu, sigmoid, softmax, step_function

x = np.array([1.0, 0.5])
W1, b1 = np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), np.array([0.1, 0.2, 0.3])
W2, b2 = np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]), np.array([0.1, 0.2])
W3, b3 = np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([0.1, 0.2])

z1 = sigmoid(x @ W1 + b1)
z2 = sigmoid(z1 @ W2 + b2)
y = z2 @ W3 + b3
print("first layer ", z1.round(4))
print("second layer", z2.round(4))
print("output      ", y.round(8))
print("as probabilities", softmax(y).round(4))

# %%
# softmax must not compute too large a number: exp(1000) is infinite. But only the differences of the scores matter.

scores = np.array([1010, 1000, 990])
print("softmax of", scores, "is", softmax(scores).round(8))

# %%
# A network for MNIST, trained with 1,000 mini-batches. It reads a batch of 100 images at a time: a matrix product works
# with any number of rows.

(x_train, t_train), (x_test, t_test) = load_mnist()
network = TwoLayerNet(784, 50, 10, dtype=np.float32, seed=0)
Trainer(network, x_train, t_train, optimizer_param={"lr": 0.5}, iterations=1000, seed=0, verbose=False).train()

right = 0
for start in range(0, len(x_test), 100):
    probabilities = network.predict(x_test[start : start + 100])
    right += np.sum(probabilities.argmax(axis=1) == t_test[start : start + 100])
print(f"one batch: images {x_test[:100].shape}, probabilities {probabilities.shape}")
print(f"right: {right / len(x_test):.4f}")

# %%
# On the right are the first 12 test images.

figure = plt.figure(figsize=(11, 4), layout="constrained")
((left, right),) = figure.subfigures(1, 2, squeeze=False)
ax = left.subplots()
line = np.linspace(-4, 4, 401)
for name, function, dashes in ("step", step_function, "--"), ("sigmoid", sigmoid, "-"), ("ReLU", relu, "-."):
    ax.plot(line, function(line), dashes, label=name)
ax.set(title="Three activations", xlabel="x", ylabel="output", ylim=(-0.1, 2.1))
ax.grid(alpha=0.3)
ax.legend(loc="upper left")

right.suptitle("The network's answers, and their probabilities")
for cell, image, answer in zip(right.subplots(3, 4).flat, x_test, network.predict(x_test[:12]), strict=False):
    cell.imshow(image.reshape(28, 28), cmap="gray_r")
    cell.set_title(f"{answer.argmax()} ({answer.max():.0%})", fontsize=9)
    cell.set_axis_off()
figure.savefig("21_forward_pass.png")
print("The picture is in 21_forward_pass.png")
