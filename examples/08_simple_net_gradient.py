"""
The gradient of the simplest network
====================================

One sample, one weight matrix, softmax, cross-entropy: chapter 4's SimpleNet. Its gradient is a matrix of the shape of
W, which says for every weight how the loss changes when that weight grows.

Look for the signs. Only the column of the right class is negative: raising those weights lowers the loss, and the
weights of the other classes had better shrink. Each row sums to 0, because softmax gives one class only what it takes
from the others.
"""

# %%
# Lecture notes on the book print a loss and a gradient for this x and t, but not the W they drew at random. Here is
# one that gives the same: softmax returns the probabilities p for the scores log p, so all that W needs is ``x W =
# log p``.

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
print("gradient by W")
print(dW.round(6))

# %%
# Backpropagation, in chapter 5, will find a formula for it: input times error, ``x' (y - t)``.

print("the same by the formula")
print(np.outer(x, softmax(net.predict(x)) - t).round(6))

# %%
# Some steps against that gradient, and the right class wins.

probabilities = [softmax(net.predict(x))]
for _ in range(30):
    net.W -= 0.2 * net.numerical_gradient(x, t)
    probabilities.append(softmax(net.predict(x)))
print(f"after 30 steps: probabilities {probabilities[-1].round(4)}, loss {net.loss(x, t):.4f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.imshow(dW, cmap="coolwarm", vmin=-0.8, vmax=0.8)
for (row, column), value in np.ndenumerate(dW):
    left.text(column, row, f"{value:.3f}", ha="center", va="center")
left.set(title="Gradient of the loss by W", xlabel="class", ylabel="input", xticks=range(3), yticks=range(2))

right.plot(probabilities, label=["class 0", "class 1", "class 2, the right one"])
right.set(title="What 30 steps against it do", xlabel="step", ylabel="probability", ylim=(0, 1))
right.grid(alpha=0.3)
right.legend()
figure.savefig("08_simple_net_gradient.png")
print("The picture is in 08_simple_net_gradient.png")
