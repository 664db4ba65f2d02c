"""
Linear regression, step by step
===============================

This is the smallest model that learns: a line through the origin with one parameter, its slope w. All points lie on the
line y = 2x, so w should become 2. It is plain gradient descent, without a network.

Look how the steps become shorter by themselves. The gradient is the slope of the cost, the loss of this model, at the
current w. The cost is steep far from its lowest point and flat near it. So the first step is long, and each later one
is shorter.
"""

# %%
# Five points and an initial w. The cost is the mean of the squared errors. Its gradient with respect to w is the mean
# of 2 (w x - y) x.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import mean_squared_error
from fastnet.gradient import numerical_gradient

x = np.arange(1.0, 6.0)
y = 2 * x


def cost(w):
    return mean_squared_error(w * x, y)


def gradient(w):
    return np.mean(2 * (w * x - y) * x)


# %%
# Twenty steps against the gradient. Each line shows the cost and the gradient before the step, and w after it.

lr = 0.01
w = 0.057968  # at first, the line is much too flat
w_history = [w]

print("step     cost       w   gradient")
for step in range(1, 21):
    cost_before, slope = cost(w), gradient(w)
    w -= lr * slope
    w_history.append(w)
    if step % 5 == 1:
        print(f"{step:4}{cost_before:9.4f}{w:8.4f}{slope:11.4f}")
print(f"at the end, w = {w:.4f}")

# %%
# The formula of the gradient above was found by hand. The numerical gradient needs no calculus and has the same value.

print(f"gradient at w = 1 by hand: {gradient(1.0):.4f}, numerically: {numerical_gradient(cost, 1.0):.4f}")

# %%
# On the left, the line at the start (step 0) and after some of the steps. On the right, the same steps on the curve of
# the cost.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(x, y, "ko", label="data")
for step in 0, 1, 2, 5, 20:
    left.plot([0, 5], [0, 5 * w_history[step]], label=f"step {step}: w = {w_history[step]:.2f}")
left.set(title="The line turns to the points", xlabel="x", ylabel="y", ylim=(-0.5, 12))
left.legend(loc="upper left")

w_axis = np.linspace(0, 4, 101)
right.plot(w_axis, [cost(w) for w in w_axis], color="gray", label="cost")
right.plot(w_history, [cost(w) for w in w_history], "o", label="at the start, and after each step")
right.set(title="The steps shrink where the cost is flat", xlabel="w", ylabel="cost", xticks=range(5))
right.legend(loc="upper center")
figure.savefig("05_linear_regression.png")
print("The picture is in 05_linear_regression.png")
