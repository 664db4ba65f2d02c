"""
Why two linear layers are no more than one
==========================================

A network of two layers, with no activation between them, should learn y = x². It has ten hidden units and enough steps,
but it learns a straight line.

Look at the printed numbers for the reason: the two layers compute exactly what one layer computes. A linear function of
a linear function is linear again, for any number of layers.
"""

# %%
# Two Affine layers, one after the other. The loss is the mean squared error. Its gradient is computed numerically, so
# there is nothing to derive: ``numerical_gradient`` changes each number of a parameter in place, and ``loss`` uses the
# changed parameter.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import mean_squared_error
from fastnet.gradient import numerical_gradient
from fastnet.optimizer import SGD

x = np.linspace(-1, 1, 41).reshape(-1, 1)
t = x**2

random = np.random.default_rng(4)
params = {
    "W1": 0.5 * random.normal(size=(1, 10)),
    "b1": np.zeros(10),
    "W2": 0.5 * random.normal(size=(10, 1)),
    "b2": np.zeros(1),
}


def predict(x):
    a1 = x @ params["W1"] + params["b1"]
    return a1 @ params["W2"] + params["b2"]


def loss():
    return mean_squared_error(predict(x), t)


y_before = predict(x)
sgd = SGD(lr=0.2)
for step in range(501):
    if step in (0, 10, 100, 500):
        print(f"step {step:3}: loss {loss():.4f}")
    grads = {name: numerical_gradient(lambda _: loss(), param) for name, param in params.items()}
    sgd.update(params, grads)

# %%
# The loss stops at 0.0978. No line has a smaller loss: the best line is flat, at the mean of all t, and its loss is the
# variance of t.

print(f"mean of t {t.mean():.4f}, variance of t {t.var():.4f}")

# %%
# Multiply the two layers out, and you get one layer: ``(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2)``. The 31
# parameters only give one slope and one intercept.

slope = params["W1"] @ params["W2"]
intercept = params["b1"] @ params["W2"] + params["b2"]
print(f"slope {slope.item():.0e}, intercept {intercept.item():.4f}")
print("one layer gives the same:", np.allclose(x @ slope + intercept, predict(x)))

figure, ax = plt.subplots(layout="constrained")
ax.plot(x, t, "ko", markersize=3, label="data: $x^2$")
ax.plot(x, y_before, linestyle="--", label="before training")
ax.plot(x, predict(x), label="after training")
ax.set(title="Two linear layers: a straight line", xlabel="x", ylabel="y")
ax.legend()
figure.savefig("06_linear_layers.png")
print("The picture is in 06_linear_layers.png")
