"""
The filters of a convolutional network
======================================

In the networks of the book's chapters 3 to 6, each unit uses all inputs (*fully connected*). Such a network does not
know which pixels are neighbors. If you shuffle the pixels of all images in the same way, it learns just as well. A
convolutional network uses filters, which look at small windows of the image. The same filter is used at every place.

Look at the filters before and after training. Before, they are random. After it, some have a bright side and a dark
side: they respond to edges and strokes of one direction, wherever these are in the image. Below, you see the
output of six filters for one digit.
"""

# %%
# The book's network of chapter 7: 30 filters of 5 x 5, a pooling that keeps the largest of four neighbors, and two
# affine layers. In float32, it trains in about half the time of the book's float64.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import SimpleConvNet, Trainer, load_mnist
from fastnet.plotting import plot_weights

(x_train, t_train), (x_test, t_test) = load_mnist(flatten=False)
network = SimpleConvNet(dtype=np.float32, seed=0)
print("images", x_train.shape, "filters", network.params["W1"].shape)


def filters(network):
    """Return the filters as `plot_weights` takes weights: a column for each filter."""
    W1 = network.params["W1"]
    return W1.reshape(len(W1), -1).T


before = filters(network).copy()

# %%
# 150 mini-batches of 100 images: as many as a quarter of the training images.

trainer = Trainer(
    network, x_train, t_train, x_test, t_test, iterations=150, optimizer="Adam", optimizer_param={"lr": 0.005},
    evaluate_sample_num_per_epoch=1000, seed=0, verbose=False,
)
trainer.train()
print(f"test accuracy {network.accuracy(x_test, t_test):.4f}")
after = filters(network)
print(f"standard deviation of the weights of the filters: {before.std():.3f} before, {after.std():.3f} after")

# %%
# The layers are in ``network.layers``, as in the book. So you can call them: here the first two, the convolution and
# its ReLU, with one digit.

maps = network.layers["Relu1"].forward(network.layers["Conv1"].forward(x_test[:1]))[0]
strongest = np.argsort(maps.mean(axis=(1, 2)))[::-1][:6]
print("outputs of the filters:", maps.shape)
print("filters with the largest mean output:", *strongest)

figure = plt.figure(figsize=(13, 8.5), layout="constrained")
(above,), (below,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[5, 2])
left, right = above.subplots(1, 2)
plot_weights(before, shape=(5, 5), title="Filters before training", ax=left)
plot_weights(after, shape=(5, 5), title="Filters after training", ax=right)
pictures = [(x_test[0, 0], f"the digit: a {t_test[0]}"), *((maps[number], f"filter {number}") for number in strongest)]
for ax, (picture, title) in zip(below.subplots(1, 7), pictures, strict=True):
    ax.imshow(picture, cmap="gray_r")
    ax.set_title(title)
    ax.axis("off")
figure.savefig("16_convolution.png")
print("The picture is in 16_convolution.png")
