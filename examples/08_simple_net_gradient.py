"""
The gradient of the simplest network
====================================

This is SimpleNet of chapter 4: one weight matrix, softmax and cross-entropy, here with one sample. The gradient has the
shape of W. It says for every weight how the loss changes if this weight grows.

Look at the signs. Only the column of the right class is negative: if these weights grow, the loss falls. The other
weights should become smaller. Each row sums to 0, because the probabilities always sum to 1: what one class gains, the
others lose.
"""

# %%
# The book's W is random. Here, W is chosen so that the network gives the probabilities p. If the scores are log p,
# softmax returns p, so ``x @ W`` must be log p. This W gives the same loss and gradient as an example in
# lecture notes on the book.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import SimpleNet
from fastnet.functions import softmax

x = np.array([0.6, 0.9])
t = np.array([0, 0, 1])
p = np.array([0.65515143, 0.13654067, 0.20830790])

net = SimpleNet(input_size=2, output_size=3)
net.W = np.outer(x, np.log(p)) / (x @ x)
dW = net.numerical_gradient(x, t)

print(f"probabilities {softmax(net.predict(x)).round(4)}, and the right class is the last")
print(f"loss          {net.loss(x, t):.6f}")
print("gradient with respect to W")
print(dW.round(6))

# %%
# Chapter 5, on backpropagation, has a formula for this gradient: each input times each error, ``y - t``.

print("the same by the formula")
print(np.outer(x, softmax(net.predict(x)) - t).round(6))

# %%
# After some steps against this gradient, the right class has the largest probability.

probabilities = [softmax(net.predict(x))]
for _ in range(30):
    net.W -= 0.2 * net.numerical_gradient(x, t)
    probabilities.append(softmax(net.predict(x)))
print(f"after 30 steps: probabilities {probabilities[-1].round(4)}, loss {net.loss(x, t):.4f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.imshow(dW, cmap="coolwarm", vmin=-1.5, vmax=1.5)
for (row, column), value in np.ndenumerate(dW):
    left.text(column, row, f"{value:.3f}", ha="center", va="center")
left.set(title="Gradient with respect to W", xlabel="class", ylabel="input", xticks=range(3), yticks=range(2))

right.plot(probabilities, label=["class 0", "class 1", "class 2, the right one"])
right.set(title="What 30 steps against the gradient do", xlabel="step", ylabel="probability", ylim=(0, 1))
right.grid(alpha=0.3)
right.legend()
figure.savefig("08_simple_net_gradient.png")
print("The picture is in 08_simple_net_gradient.png")
