"""
Checking backpropagation
========================

Backpropagation is fast, but it is easy to make a mistake in it. With some mistakes, the network still learns, only
less well. The numerical gradient is slow, but it is hard to make a mistake in it. So compare the two once, and then use
the fast one.

Look at the second table, where one factor was left out on purpose. The check shows which parameters have a wrong
gradient, and so where the mistake is. W2 and b2 are right, so the mistake comes after them in the backward pass.
"""

# %%
# A small network and a few samples are enough: a wrong formula is wrong for all sizes. Each row of the table is about
# one array of parameters. It shows the element with the largest error. "at" is the place of this element in the array,
# counted from 0. "allowed" is the largest difference that passes. The errors are much smaller than with the central
# differences of chapter 4: for this network, the check finds the slopes without subtracting one loss from another.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import TwoLayerNet
from fastnet.functions import sigmoid_grad
from fastnet.gradient import gradient_check

random = np.random.default_rng(0)
x = random.random((5, 8))
t = np.array([0, 1, 2, 0, 1])

network = TwoLayerNet(8, 6, 3, weight_init_std=1.0, seed=0)
print(gradient_check(network, x, t))

# %%
# The same network, but its backward pass leaves out the derivative of the sigmoid.


class Careless(TwoLayerNet):
    def gradient(self, x, t):
        trace = self.trace(x, t)
        da1 = trace["dz1"]  # it should be trace["dz1"] * sigmoid_grad(trace["a1"])
        return {"W1": x.T @ da1, "b1": da1.sum(axis=0), "W2": trace["dW2"], "b2": trace["db2"]}


careless = Careless(8, 6, 3, weight_init_std=1.0, seed=0)
report = gradient_check(careless, x, t)
print(report)
print("The check passes." if report else "The check fails.")

# %%
# How wrong is it? The missing derivative is at most 1/4, so every value that passes back through a unit is at least
# four times too large.

slopes = sigmoid_grad(network.trace(x)["a1"])
print(f"derivatives of the sigmoid: from {slopes.min():.3f} to {slopes.max():.3f}")

figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
numerical = network.numerical_gradient(x, t)["W1"].ravel()
ax.plot([-0.2, 0.2], [-0.2, 0.2], color="gray", linewidth=1, label="both equal")
ax.plot(numerical, careless.gradient(x, t)["W1"].ravel(), "x", label="with the mistake")
ax.plot(numerical, network.gradient(x, t)["W1"].ravel(), "o", label="backpropagation")
ax.set(title="The gradient with respect to each weight of W1", xlabel="numerical gradient", ylabel="backpropagation")
ax.set_xticks([-0.2, -0.1, 0, 0.1, 0.2])
ax.grid(alpha=0.3)
ax.legend()
figure.savefig("10_gradient_check.png")
print("The picture is in 10_gradient_check.png")
