"""
Deeper networks on MNIST
========================

Does a network with more layers read more digits? Three networks learn MNIST. They have one, two and four hidden layers
of 100 ReLU units. The optimizer and the mini-batches are the same, and all start with He's weights.

Look at both plots. With more layers, the loss on the training images falls faster. But the accuracy on the test images
is nearly the same: for these images, one hidden layer is almost enough. A layer that knows which pixels are neighbors
helps more. Chapter 7 has such layers.
"""

# %%
# Half of the training images, each five times on average: 1,500 mini-batches of 100. Adam has its usual learning rate.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet, Trainer, load_mnist

(x_train, t_train), (x_test, t_test) = load_mnist()
x_train, t_train = x_train[:30_000], t_train[:30_000]
trainers = {}
for depth in 1, 2, 4:
    network = MultiLayerNet(784, [100] * depth, 10, activation="relu", weight_init_std="he", dtype=np.float32, seed=0)
    trainer = Trainer(
        network, x_train, t_train, x_test, t_test,
        iterations=1500, optimizer="Adam", optimizer_param={"lr": 0.001},
        evaluate_sample_num_per_epoch=10_000, seed=0, verbose=False,
    )
    trainer.train()
    trainers[depth] = trainer
    size = sum(param.size for param in network.params.values())
    print(
        f"{depth} hidden layer{'s' if depth > 1 else ' '}: {size:,} parameters, "
        f"training {network.accuracy(x_train, t_train):.4f}, test {network.accuracy(x_test, t_test):.4f}"
    )

# %%
# The loss of single mini-batches jumps, so the left side shows the mean of 100 of them. The right side shows the
# accuracy at the start of each epoch. The numbers above are from the end of the training.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for (depth, trainer), dashes in zip(trainers.items(), ("-", "--", "-."), strict=True):
    losses = np.array(trainer.train_loss_list).reshape(-1, 100).mean(axis=1)
    label = f"{depth} hidden layer{'s' if depth > 1 else ''}"
    left.plot(100 * np.arange(len(losses)) + 50, losses, dashes, label=label)
    right.plot(trainer.test_acc_list, dashes, marker="o", label=label)
left.set(title="Loss on the training images", xlabel="mini-batch", ylabel="loss", yscale="log")
right.set(title="Accuracy on the test images", xlabel="epoch", ylabel="accuracy", ylim=(0.9, 1), xticks=range(5))
for ax in left, right:
    ax.grid(alpha=0.3)
    ax.legend(loc="upper right" if ax is left else "lower right")
figure.savefig("23_deeper_network.png")
print("The picture is in 23_deeper_network.png")
