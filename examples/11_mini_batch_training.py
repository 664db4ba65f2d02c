"""
Training on handwritten digits
==============================

Chapters 4 and 5 lead to this program: a network of 50 hidden units learns to read the digits of MNIST, with
mini-batches of 100 images. With backpropagation, this takes seconds.

Look at the two accuracies. On images that it has never seen, the network is nearly as good as on its training images.
So it has learned what digits look like, and has not only memorized the images.
"""

# %%
# 60,000 training images and 10,000 test images.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.plotting import plot_history, plot_weights

(x_train, t_train), (x_test, t_test) = load_mnist()
print(f"{x_train.shape[0]:,} images of {x_train.shape[1]} pixels; the first is a {t_train[0]}")

# %%
# Ten thousand mini-batches of 100 images: the network sees each image 17 times on average. Single precision (float32)
# is common for networks. It is faster, and here as accurate.

network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10, weight_init_std=0.01, dtype=np.float32, seed=0)
trainer = Trainer(
    network, x_train, t_train, x_test, t_test,
    mini_batch_size=100, iterations=10_000, optimizer="SGD", optimizer_param={"lr": 0.1},
    evaluate_sample_num_per_epoch=10_000, seed=0, verbose=False,
)
trainer.train()

print("epoch  training  test")
for epoch, (train_acc, test_acc) in enumerate(zip(trainer.train_acc_list, trainer.test_acc_list, strict=True)):
    print(f"{epoch:5}{train_acc:10.4f}{test_acc:8.4f}")
print(f"test accuracy at the end: {network.accuracy(x_test, t_test):.4f}")

# %%
# On the right, what the hidden units look for: the weights from all pixels to each unit, as an image.

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), width_ratios=[2, 3], layout="constrained")
plot_history(trainer, ax=left)
plot_weights(network, ax=right)
figure.savefig("11_mini_batch_training.png")
print("The picture is in 11_mini_batch_training.png")
