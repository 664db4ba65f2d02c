"""
Overfitting, weight decay, dropout and batch normalization
==========================================================

A network with many weights can memorize its training images, even with wrong labels. Then it makes many mistakes on
images that it has never seen. This is overfitting. Weight decay adds the squares of the weights to the loss, so that
large weights become smaller. Dropout sets random outputs to 0 during training, so that no unit can depend on a single
other unit. What works against overfitting is called *regularization*.

Look at the upper row. About 280 of the 1,000 training images have a random label. Without help, the network learns even
these, and the accuracy on the test images first rises and then falls. With weight decay or with dropout, it
learns fewer of the wrong labels, and the accuracy on the test images stays high.

Below, look at how little the initial weights matter with batch normalization. Without it, the network learns only if
they have a suitable size.
"""

# %%
# Spoil the labels of about 30 % of the images. About a tenth of these get the right label by chance.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNetExtend, Trainer, load_mnist
from fastnet.plotting import plot_accuracy

(x_train, t_train), (x_test, t_test) = load_mnist()
x, t = x_train[:1000], t_train[:1000]
random = np.random.default_rng(0)
spoiled = np.where(random.random(len(t)) < 0.3, random.integers(10, size=len(t)), t)


def trained(t, iterations, lr, hidden, **settings):
    """Train a network, and return its trainer, which has the accuracies of all epochs."""
    np.random.seed(0)  # dropout draws from NumPy's global generator
    network = MultiLayerNetExtend(784, hidden, 10, dtype=np.float32, **settings)
    trainer = Trainer(
        network, x, t, x_test[:1000], t_test[:1000],
        iterations=iterations, optimizer="Momentum", optimizer_param={"lr": lr}, verbose=False, progress=False,
    )
    trainer.train()
    return trainer


runs = {
    "no regularization": trained(spoiled, 500, 0.02, [100, 100]),
    "weight decay 0.03": trained(spoiled, 500, 0.02, [100, 100], weight_decay_lambda=0.03),
    "dropout 0.5": trained(spoiled, 500, 0.02, [100, 100], use_dropout=True, dropout_ration=0.5),
}
print("last epoch: accuracy  training   test")
for name, trainer in runs.items():
    print(f"{name:<20}     {trainer.train_acc_list[-1]:.3f}  {trainer.test_acc_list[-1]:.3f}")

# %%
# Batch normalization gives the inputs of each activation the mean 0 and the variance 1, over the batch. Here the labels
# are right. In three comparisons, the weights of all seven layers start much too small, too small, and about right
# (He).

scales = {"standard deviation 0.01": 0.01, "standard deviation 0.05": 0.05, "He": "he"}
curves = {}
for name, scale in scales.items():
    for use in (False, True):
        trainer = trained(t, 100, 0.01, [100] * 6, weight_init_std=scale, use_batchnorm=use)
        curves[name, use] = trainer.train_acc_list
    without, with_it = curves[name, False][-1], curves[name, True][-1]
    print(f"{name}: training accuracy {without:.3f} without, {with_it:.3f} with batch normalization")

figure, axes = plt.subplots(2, 3, figsize=(13, 8), layout="constrained", sharey=True)
for ax, (name, trainer) in zip(axes[0], runs.items(), strict=True):
    plot_accuracy(range(len(trainer.train_acc_list)), trainer.train_acc_list, trainer.test_acc_list, ax=ax)
    ax.set(title=f"Some random labels, {name}", ylim=(0, 1.02))
for ax, name in zip(axes[1], scales, strict=True):
    ax.plot(curves[name, True], "-", label="with batch normalization")
    ax.plot(curves[name, False], "--", label="without")
    ax.set(title=f"Initial weights: {name}", xlabel="epoch", ylabel="training accuracy")
    ax.grid(alpha=0.3)
    ax.legend(loc="center right")
figure.savefig("19_regularization.png")
print("The picture is in 19_regularization.png")
