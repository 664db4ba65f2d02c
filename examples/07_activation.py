"""
An activation bends the line
============================

This is the network of the previous example with one change: there is an activation, relu, between its two layers. Now
it learns the curve y = x².

Look at the right side of the picture. The output of each hidden unit is a line with one bend, and the network's curve
is their sum. With more units, the curve has more bends, and can approximate any continuous curve as closely as you
like.
"""

# %%
# Only ``predict`` is different: it applies ``relu`` to ``a1``.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import mean_squared_error, relu
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
    z1 = relu(x @ params["W1"] + params["b1"])
    return z1 @ params["W2"] + params["b2"]


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
# On the right is what each hidden unit adds to the sum: its output times its weight in the second layer. The black line
# is the sum of all of them and ``b2``: the prediction.

hidden = relu(x @ params["W1"] + params["b1"]) * params["W2"].ravel()

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(x, t, "ko", markersize=3, label="data: $x^2$")
left.plot(x, y_before, linestyle="--", label="before training")
left.plot(x, predict(x), label="after training")
left.set(title="With relu between the layers", xlabel="x", ylabel="y", xticks=[-1, -0.5, 0, 0.5, 1])
left.legend()

parts = right.plot(x, hidden, linewidth=1)
parts[0].set_label("ten hidden units (some give 0)")
right.plot(x, predict(x), "k", linewidth=3, label="their sum, and b2")
right.set(title="Lines with a bend, and their sum", xlabel="x", ylabel="what each adds to y")
right.set_xticks([-1, -0.5, 0, 0.5, 1])
right.legend(loc="upper center")
figure.savefig("07_activation.png")
print("The picture is in 07_activation.png")
