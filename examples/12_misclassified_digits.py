"""
Which digits it gets wrong
==========================

A network that reads 95 of 100 digits gets five wrong, and a mean does not say which. Look at them before you call it
good, or bad: some of them you would not read either.

Look for which digits are taken for which in the table on the left of the picture. Then judge for yourself the
mistakes on the right, of which the network was surest.
"""

# %%
# First a network, trained for a few seconds.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.plotting import plot_confusion_matrix, plot_misclassified

(x_train, t_train), (x_test, t_test) = load_mnist()
network = TwoLayerNet(784, 50, 10, dtype=np.float32, seed=0)
trainer = Trainer(
    network, x_train, t_train, x_test, t_test,
    iterations=3000, optimizer_param={"lr": 0.5}, seed=0, verbose=False,
)
trainer.train()

# %%
# Its prediction is the digit with the largest probability. How often is it right, digit by digit?

y = network.predict(x_test)
predicted = y.argmax(axis=1)
print(f"accuracy {np.mean(predicted == t_test):.4f}, {np.sum(predicted != t_test)} of {len(t_test):,} wrong")
for digit in range(10):
    print(f"{digit}: {np.mean(predicted[t_test == digit] == digit):.3f} right")

# %%
# And how sure was it? Where it is wrong, its probabilities are lower, as they should be. Above each digit of the
# picture stands what the network took it for, how sure it was, and what is right.

probability = y.max(axis=1)
print(f"mean probability of the prediction where it is right: {probability[predicted == t_test].mean():.3f}")
print(f"mean probability of the prediction where it is wrong: {probability[predicted != t_test].mean():.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 7.5), width_ratios=[3, 2], layout="constrained")
plot_confusion_matrix(y, t_test, ax=left)
plot_misclassified(network, x_test, t_test, most=25, ax=right)
figure.savefig("12_misclassified_digits.png")
print("The picture is in 12_misclassified_digits.png")
