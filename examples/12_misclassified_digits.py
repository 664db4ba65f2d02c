"""
Which digits the network gets wrong
===================================

A network that reads 95 of 100 digits gets five wrong, and the accuracy does not say which. Look at them before you call
the network good or bad: you could not read some of them yourself.

Look at the table on the left of the picture (the *confusion matrix*): which digit does the network read as which other
digit? Then judge the mistakes on the right. They are the 25 worst ones: the wrong digit's
probability is furthest above that of the right digit.
"""

# %%
# First train a network for a few seconds.

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
# The prediction is the digit with the largest probability. How often is it right for each digit?

y = network.predict(x_test)
predicted = y.argmax(axis=1)
print(f"accuracy {np.mean(predicted == t_test):.4f}, {np.sum(predicted != t_test)} of {len(t_test):,} wrong")
for digit in range(10):
    print(f"{digit}: {np.mean(predicted[t_test == digit] == digit):.3f} right")

# %%
# How certain is the network? If it is wrong, its probabilities are lower, as they should be. In the picture, the text
# above each digit gives the prediction, its probability, and the right digit.

probability = y.max(axis=1)
print(f"mean probability of the prediction where it is right: {probability[predicted == t_test].mean():.3f}")
print(f"mean probability of the prediction where it is wrong: {probability[predicted != t_test].mean():.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 7.5), width_ratios=[3, 2], layout="constrained")
plot_confusion_matrix(y, t_test, ax=left)
plot_misclassified(network, x_test, t_test, most=25, ax=right)
figure.savefig("12_misclassified_digits.png")
print("The picture is in 12_misclassified_digits.png")
