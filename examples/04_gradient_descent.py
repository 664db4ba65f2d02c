"""
Gradient descent and the learning rate
======================================

The gradient of a function points in the direction in which the function rises most steeply. A step against the gradient
leads downhill. The gradient does not say how long the step should be. That is the learning rate, which you have to
choose.

Look at a hundred steps from the same start with three learning rates: one reaches the lowest point, one jumps far away
and then stops, and one hardly moves.
"""

# %%
# A function with its lowest point at (0, 0), and a starting point.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from fastnet.gradient import gradient_descent, numerical_gradient
from fastnet.plotting import plot_gradient_field


def f(x):
    return x[0] ** 2 + x[1] ** 2


init_x = np.array([-3.0, 4.0])
print(f"at {init_x}, f is {f(init_x)} and its gradient {numerical_gradient(f, init_x).round(6)}")

# %%
# With the learning rate 0.1, each step multiplies the distance to the lowest point by 0.8. With 10, it multiplies the
# distance by 19. Then x becomes so large that rounding changes x + 0.0001. From there on the gradient is wrong, and
# fastnet warns. A few steps later, x + 0.0001 is rounded to x. Then the gradient is 0, and x stops moving. With 1e-10,
# a hundred steps are too short to see.

paths = {}
for lr in 0.1, 10.0, 1e-10:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x, history = gradient_descent(f, init_x, lr=lr, step_num=100, return_history=True)
    paths[lr] = np.vstack([history, x])
    print(f"learning rate {lr:<5g} ends at ({x[0]:.2e}, {x[1]:.2e})")
    for warning in caught:
        print("    warning:", warning.message)

# %%
# On the left, the arrows point against the gradient, and the first path follows them. On the right is the distance from
# the lowest point, on a logarithmic axis.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
plot_gradient_field(f, paths[0.1], xlim=(-5, 5), ylim=(-5, 5), ax=left)
for lr, path in paths.items():
    right.plot(np.linalg.norm(path, axis=1), label=f"learning rate {lr:g}")
right.annotate(
    "so far away that x + 0.0001\nis rounded to x: no gradient,\nand x stops", (20, 2.6e13), (30, 1e4),
    arrowprops={"arrowstyle": "->"},
)  # fmt: skip
right.set(title="Three learning rates", xlabel="step", ylabel="distance from the lowest point", yscale="log")
right.grid(alpha=0.3)
right.legend()
figure.savefig("04_gradient_descent.png")
print("The picture is in 04_gradient_descent.png")
