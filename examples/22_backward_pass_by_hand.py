"""
One backward pass, step by step
===============================

Chapter 5 with numbers that fit on a page: two inputs, three hidden units, two classes, one sample. First every value on
the way forward, then every gradient on the way back, each from the one before it.

Look at the picture. Over each arrow is the value that goes forward, and under it, in red, the gradient that comes back.
(For W1, b1, W2 and b2, both are under the name.) The arrow from x has no gradient, because
training does not change the input. A ``+`` passes its gradient on as it is. The sigmoid makes it smaller:
its slope is at most 0.25.
"""

# %%
# Forward: two weighted sums, the sigmoid between them, softmax, and the cross-entropy of the right class.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import TwoLayerNet
from fastnet.plotting import plot_graph

network = TwoLayerNet(input_size=2, hidden_size=3, output_size=2, weight_init_std=1.0, seed=0)
W1, b1, W2, b2 = (network.params[name] for name in ("W1", "b1", "W2", "b2"))
x = np.array([[1.0, -0.5]])
t = np.array([[0, 1]])

a1 = x @ W1 + b1
z1 = 1 / (1 + np.exp(-a1))
a2 = z1 @ W2 + b2
y = np.exp(a2) / np.exp(a2).sum()
loss = -np.log(y[0, 1])
print("a1", a1.round(4))
print("z1", z1.round(4))
print("a2", a2.round(4))
print("y ", y.round(4), "loss", loss.round(4))

# %%
# Backward: softmax and cross-entropy together give ``y - t``. The book calls it ``dy``, but it is the gradient with
# respect to the scores a2. The gradient of a weight is the value that comes in at this weight, times the gradient of
# what goes out. The gradient for the layer before is ``dy`` times the weights, and then times the slope of the sigmoid.

dy = y - t
dW2, db2 = z1.T @ dy, dy.sum(axis=0)
dz1 = dy @ W2.T
da1 = dz1 * z1 * (1 - z1)
dW1, db1 = x.T @ da1, da1.sum(axis=0)
print("dy ", dy.round(4))
print("dz1", dz1.round(4))
print("da1", da1.round(4))
print("dW1")
print(dW1.round(4))

# %%
# The network computes the same, and so do differences of the loss.

gradient, differences = network.gradient(x, t), network.numerical_gradient(x, t)
for name, by_hand in ("W1", dW1), ("b1", db1), ("W2", dW2), ("b2", db2):
    same = np.allclose(by_hand, gradient[name]) and np.allclose(by_hand, differences[name], atol=1e-6)
    print(f"{name}: by hand, by the network and by differences the same: {same}")

# %%
# One step against the gradient makes the loss smaller.

for name, grad in gradient.items():
    network.params[name] -= 0.5 * grad
print(f"loss before {loss:.4f}, after one step {network.loss(x, t):.4f}")
for name, grad in gradient.items():
    network.params[name] += 0.5 * grad

figure, ax = plt.subplots(figsize=(11, 3.6), layout="constrained")
plot_graph(network, x, t, ax=ax)
figure.savefig("22_backward_pass_by_hand.png")
print("The picture is in 22_backward_pass_by_hand.png")
