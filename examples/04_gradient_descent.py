"""
Downhill by the gradient, and how far to step
=============================================

The gradient of a function points to where it rises most steeply, so a step against it leads downhill. How long a step
is good, the gradient does not say: that is the learning rate, which somebody has to choose.

Look for what becomes of the same hundred steps with three learning rates: one arrives, one flies off to the far side
of everything, and one does not move.
"""

# %%
# A bowl whose lowest point is at (0, 0), and a start on its slope.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.gradient import gradient_descent, numerical_gradient
from fastnet.plotting import plot_gradient_field


def f(x):
    return x[0] ** 2 + x[1] ** 2


init_x = np.array([-3.0, 4.0])
print(f"at {init_x}, f is {f(init_x)} and its gradient {numerical_gradient(f, init_x).round(6)}")

# %%
# With 0.1 every step makes the distance 0.8 times as long. With 10 it makes it 19 times as long, until a point is so
# far off that the step of numerical differentiation, 0.0001, is lost when it is added: there the gradient comes out
# as nonsense or as 0, and the path is stuck. With 1e-10 a hundred steps are too short to be seen.

paths = {}
for lr in 0.1, 10.0, 1e-10:
    x, history = gradient_descent(f, init_x, lr=lr, step_num=100, return_history=True)
    paths[lr] = np.vstack([history, x])
    print(f"learning rate {lr:<5g} ends at ({x[0]:.2e}, {x[1]:.2e})")

# %%
# On the left, the arrows point downhill, against the gradient, and the first path follows them. On the right, the
# distance from the lowest point; its axis is logarithmic.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
plot_gradient_field(f, paths[0.1], xlim=(-5, 5), ylim=(-5, 5), ax=left)
for lr, path in paths.items():
    right.plot(np.linalg.norm(path, axis=1), label=f"learning rate {lr:g}")
right.set(title="Three learning rates", xlabel="step", ylabel="distance from the lowest point", yscale="log")
right.grid(alpha=0.3)
right.legend()
figure.savefig("04_gradient_descent.png")
print("The picture is in 04_gradient_descent.png")
