"""
NumPy beside Cython
===================

A kernel is a function that does the computing. fastnet has two versions of each kernel, which are called twins. They
have the same name: ``sigmoid``, for example, is in ``fastnet/_twins/activations_numpy.py`` for NumPy and in
``fastnet/_twins/activations.pyx`` for Cython. This program runs both, checks that they agree, and times them.

Look where compiling gains much and where it gains little. It gains most if NumPy reads and writes the array many times.
It gains least for ``relu``, where NumPy does this only once.
"""

# %%
# ``use_backend`` chooses the twins. It raises ``ImportError`` if nothing was compiled.

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

import fastnet
from fastnet import TwoLayerNet, functions, load_mnist

backends = ["numpy", "cython"]
try:
    with fastnet.use_backend("cython"):
        pass
except ImportError:
    print("No compiled kernels run here: this times NumPy alone.")
    backends = ["numpy"]

# %%
# What to time: functions of 100,000 numbers, and the network on a mini-batch of handwritten digits.

x = np.random.default_rng(0).normal(size=(10_000, 10))
y = functions.softmax(x)
labels = x.argmax(axis=1)

images, digits = load_mnist()[1]
network = TwoLayerNet(784, 50, 10, seed=0)

tasks = {
    "relu": lambda: functions.relu(x),
    "sigmoid": lambda: functions.sigmoid(x),
    "softmax": lambda: functions.softmax(x),
    "cross_entropy_error": lambda: functions.cross_entropy_error(y, labels),
    "gradient of TwoLayerNet": lambda: network.gradient(images[:100], digits[:100])["W1"],
    "numerical gradient of it": lambda: network.numerical_gradient(images[:100], digits[:100])["W1"],
}

# %%
# Both use one core of the processor, so that only the kernels are compared. The program keeps the shortest of several
# times: this is the run that other programs have disturbed least. Times differ from machine to machine and from day to
# day, and ratios differ less. The NumPy twin takes care that no number becomes too large, so nothing warns. This costs
# time: it is slower than the book's formula. ``fastnet bench`` compares with that formula too.

milliseconds: dict[str, list[float]] = {backend: [] for backend in backends}
print(f"{'milliseconds':<26}" + "".join(f"{backend:>8}" for backend in backends))
for name, task in tasks.items():
    results = []
    for backend in backends:
        with fastnet.use_backend(backend), threadpool_limits(1):
            results.append(task())
            milliseconds[backend].append(1000 * min(repeat(task, number=1, repeat=10)))
    np.testing.assert_allclose(results[0], results[-1], rtol=1e-7, atol=1e-9)
    print(f"{name:<26}" + "".join(f"{milliseconds[backend][-1]:8.2f}" for backend in backends))

# %%
# The axis of the times is logarithmic: from one line to the next, the time is ten times as long.

figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for i, backend in enumerate(backends):
    bars = ax.barh(np.arange(len(tasks)) + 0.4 * i, milliseconds[backend], height=0.4, label=backend)
    ax.bar_label(bars, fmt="%.2f", padding=3)
ax.set_yticks(np.arange(len(tasks)) + 0.2, tasks)
ax.invert_yaxis()
ax.set(title="The same kernel twice", xlabel="milliseconds", xscale="log")
ax.margins(x=0.15)
ax.grid(axis="x", alpha=0.3)
ax.legend()
figure.savefig("15_numpy_beside_cython.png")
print("The picture is in 15_numpy_beside_cython.png")
