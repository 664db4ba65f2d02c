"""
What the learning rate does
===========================

Gradient descent goes down a valley with four learning rates. The picture has a row for each rate, and a column for each
moment.

Look along each row. With a rate that is too small, the descent goes the right way, but slowly. With a good one, it
arrives after a few steps. If the rate is too large, every step jumps over the lowest point. With a still larger one,
each jump ends higher than the one before: the descent diverges. The red word "outside" means that the mark has left the
picture.
"""

# %%
# The valley is x². Its slope is 2x, so one step multiplies x by 1 - 2 lr. The descent arrives if this is between -1
# and 1.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.gradient import gradient_descent
from fastnet.plotting import plot_learning_rates


def f(x):
    return np.sum(x**2)


rates = {"too small": 0.02, "good": 0.3, "too large": 0.95, "diverging": 1.05}
print("name         rate   1 - 2 lr   x after 10 steps")
for name, lr in rates.items():
    x = gradient_descent(f, np.array([-3.0]), lr=lr, step_num=10)
    print(f"{name:<10} {lr:6} {1 - 2 * lr:10.2f} {x[0]:18.4f}")

# %%
# The picture. `animate_learning_rates` takes the same arguments, and shows the descents step by step.

figure, ax = plt.subplots(figsize=(5, 5.8), layout="constrained")
plot_learning_rates(f, rates, start=-3.0, ax=ax)
figure.savefig("28_learning_rates.png")
print("The picture is in 28_learning_rates.png")
