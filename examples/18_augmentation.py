"""
What augmentation changes
=========================

MNIST's digits are all in the center, of one size, and written with one kind of pen. A network that has seen only such
digits makes many mistakes if a digit is turned or moved a little. To avoid this, change the images at random while the
network trains. Then every mini-batch looks as if other people wrote it, with other pens.

Look at the two curves first. With augmentation, the loss is higher all the time, because the changed images differ more
from each other, and are harder to read. Then look at the bars: on MNIST's own test images, the two networks differ
little. On images that are turned or written with another pen, they differ more, and most of all on moved ones.
"""

# %%
# Five digits, each changed eight times by `Augmentation`. Ones, fours, sevens and nines also get strokes that many
# people write and MNIST's writers did not: a foot, a bar, a curled tail.

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet, Trainer, load_mnist
from fastnet.augmentation import Augmentation

(x_train, t_train), (x_test, t_test) = load_mnist()
augment = Augmentation(digit_forms=0.3)
rows = np.tile([1, 5, 3, 15, 22], 8)
shown, _ = augment(x_train[rows], t_train[rows], seed=1)

# %%
# Two networks of the same size learn from the same number of mini-batches. One sees changed images: `augment` is a
# function of a mini-batch, and the trainer calls it.


def trained(**arguments):
    network = MultiLayerNet(784, [100], 10, dtype=np.float32, seed=0)
    trainer = Trainer(
        network, x_train, t_train, iterations=1000, optimizer="Adam", optimizer_param={"lr": 0.002},
        evaluate_sample_num_per_epoch=1000, seed=0, verbose=False, progress=False, **arguments,
    )
    trainer.train()
    return trainer


trainers = {"without": trained(), "with": trained(augment=augment)}

# %%
# Test images as they are, and changed in one way at a time. "Unclean" images are fainter, blurred or noisy, or have
# specks.

x_test, t_test = x_test[:2000], t_test[:2000]

only = partial(Augmentation, rotation=0, shear=0, scale=0, shift=0, bend=0, stroke_width=(2.4, 2.4), unclean=0)
changes = {
    "MNIST": None,
    "moved": only(shift=4),
    "turned": only(rotation=30),
    "slanted": only(shear=0.5),
    "thick pen": only(stroke_width=(4, 4)),
    "unclean": only(unclean=1),
}
accuracies: dict[str, list[float]] = {name: [] for name in trainers}
for change, changed in changes.items():
    x = x_test if changed is None else changed(x_test, t_test, seed=0)[0]
    for name, trainer in trainers.items():
        accuracies[name].append(trainer.network.accuracy(x, t_test))
    print(f"{change:10} without {accuracies['without'][-1]:.4f}  with {accuracies['with'][-1]:.4f}")

# %%
# The picture.

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 5), width_ratios=[2, 3, 4], layout="constrained")
left.imshow(shown.reshape(8, 5, 28, 28).swapaxes(1, 2).reshape(8 * 28, 5 * 28), cmap="gray_r")
left.set_title("Five digits,\nchanged eight times each")
left.set_axis_off()
for name, trainer in trainers.items():
    means = np.reshape(trainer.train_loss_list, (-1, 50)).mean(axis=1)  # of 50 mini-batches each
    middle.plot(50 * np.arange(1, len(means) + 1), means, label=f"{name} augmentation")
middle.set(title="Loss", xlabel="iteration", ylabel="loss, mean of 50 mini-batches", ylim=(0, None))
middle.legend(loc="upper right")
places = np.arange(len(changes))
for offset, (name, values) in zip((-0.2, 0.2), accuracies.items(), strict=True):
    right.bar(places + offset, 1 - np.array(values), 0.4, label=f"{name} augmentation")
right.set_xticks(places, changes)
right.set(title="2,000 test images", ylabel="share of wrong answers", ylim=(0, 0.34))  # with room for the legend
right.legend(loc="upper left")
figure.savefig("18_augmentation.png")
print("The picture is in 18_augmentation.png")
