"""
Training on handwritten digits
==============================

The program that chapters 4 and 5 work towards: a network of 50 hidden units learns from MNIST to read digits, a
hundred images at a time. Backpropagation makes it a matter of seconds.

Look for the two accuracies. On images that it has never seen, the network is as good as on those it learned from: it
has learned what a digit looks like, not the images by heart.
"""

# %%
# 60,000 images to train on, 10,000 to test with.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.plotting import plot_history, plot_weights

(x_train, t_train), (x_test, t_test) = load_mnist()
print(f"{x_train.shape[0]:,} images of {x_train.shape[1]} pixels; the first is a {t_train[0]}")

# %%
# Ten thousand mini-batches of 100 images: on average, every image is seen 17 times. Single precision, which is what
# most networks are trained in, is faster and as accurate here.

network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10, weight_init_std=0.01, dtype=np.float32, seed=0)
trainer = Trainer(
    network, x_train, t_train, x_test, t_test,
    mini_batch_size=100, iterations=10_000, optimizer="SGD", optimizer_param={"lr": 0.1}, seed=0, verbose=False,
)
trainer.train()

print("epoch  training  test")
for epoch, (train_acc, test_acc) in enumerate(zip(trainer.train_acc_list, trainer.test_acc_list, strict=True)):
    print(f"{epoch:5}{train_acc:10.4f}{test_acc:8.4f}")
print(f"test accuracy at the end: {network.accuracy(x_test, t_test):.4f}")

# %%
# On the right, what the hidden units look for: the weights of each from all pixels, as an image.

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=[2, 3], layout="constrained")
plot_history(trainer, ax=left)
plot_weights(network, ax=right)
figure.savefig("11_mini_batch_training.png")
print("The picture is in 11_mini_batch_training.png")
