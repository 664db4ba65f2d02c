"""
Loss functions by hand
======================

A loss is one number that says how bad a prediction is. Chapter 4 has two losses: the squared error and the
cross-entropy. Here each is computed twice: with one line of NumPy, and with fastnet's function.

Look at what each of them depends on. The squared error depends on every probability, the cross-entropy only on the
probability of the right class. In the picture, look how steeply the cross-entropy rises as this probability goes to 0.
"""

# %%
# Think of an image of a 2. A prediction gives each of the ten digits a probability. The first prediction is right. The
# second and the third are wrong: both give the 2 a probability of 0.1. The third does not even sum to 1.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import cross_entropy_error, sum_squared_error

t = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
predictions = {
    "right": np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]),
    "wrong": np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0]),
    "wrong, sum 1.3": np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.6, 0.3, 0.0, 0.0]),
}

# %%
# Each loss by hand and from fastnet. The two lines agree.

print(f"{'prediction':<16}{'squared error':>15}{'cross-entropy':>15}")
for name, y in predictions.items():
    squared_error = 0.5 * np.sum((y - t) ** 2)
    cross_entropy = -np.sum(t * np.log(y + 1e-7))
    print(f"{name:<16}{squared_error:15.6f}{cross_entropy:15.6f}  by hand")
    print(f"{'':<16}{sum_squared_error(y, t):15.6f}{cross_entropy_error(y, t):15.6f}  fastnet")

# %%
# A tiny number, eps, is added to ``y``, because the logarithm of 0 is not finite. It makes the loss slightly wrong: the
# larger eps, the larger the error. With eps = 0, the first cross-entropy is exactly -log 0.6.

for eps in 1e-5, 1e-7, 0:
    cross_entropy = cross_entropy_error(predictions["right"], t, eps)
    print(f"cross-entropy of the right prediction with eps = {eps:g}: {cross_entropy:.7f}")

# %%
# Plot the losses against the probability of the right class; one wrong class has the rest. The squared error goes from
# 1 to 0. The cross-entropy is much larger at 0: it reaches 16.1 = -log 1e-7, far above the picture.

probabilities = np.linspace(0, 1, 1001)
two_classes = [np.array([p, 1 - p]) for p in probabilities]

figure, ax = plt.subplots(layout="constrained")
ax.plot(probabilities, [cross_entropy_error(y, [1, 0]) for y in two_classes], label="cross-entropy")
ax.plot(probabilities, [sum_squared_error(y, [1, 0]) for y in two_classes], linestyle="--", label="squared error")
for name, p in ("right", 0.6), ("wrong", 0.1):
    loss = cross_entropy_error([p, 1 - p], [1, 0])
    ax.plot(p, loss, "ko")
    ax.annotate(f"the {name} prediction: {loss:.2f}", (p, loss), xytext=(8, 8), textcoords="offset points")
ax.set(title="What a prediction costs", xlabel="probability of the right class", ylabel="loss", ylim=(0, 6))
ax.grid(alpha=0.3)
ax.legend()
figure.savefig("02_loss_functions.png")
print("The picture is in 02_loss_functions.png")
