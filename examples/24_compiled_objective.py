"""
A compiled objective function
=============================

`numerical_gradient` calls a function twice for each parameter. If the function is fast, Python takes most of the
time to call it. A compiled function needs no Python: `numerical_gradient` calls it at its address. numba and
Cython compile such functions, and ``ctypes`` finds them in any library. Not every computer has a compiler, so this
example first makes one with ``ctypes`` that calls back to Python. That is slow, but the same rules hold for all.

Look at the derivatives on the left: both ways give the same numbers, to the last bit. With numba installed, look at the
time for each parameter on the right: it is that of the function itself.
"""

# %%
# The function has the signature ``double (int, double *)``: the number of elements, and the elements. fastnet reads the
# signature from the object, and refuses any other: a C function that is called with the wrong arguments crashes.

import ctypes
import importlib.util
import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from fastnet.gradient import numerical_gradient

SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double))


def rosenbrock(n, x):
    """The valley of Rosenbrock: sum of 100 (x[i + 1] - x[i]^2)^2 + (1 - x[i])^2"""
    value = 0.0
    for i in range(n - 1):
        bend, far = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        value = value + (100.0 * (bend * bend) + far * far)
    return value


x = np.random.default_rng(0).normal(size=100)
of_c = numerical_gradient(SIGNATURE(rosenbrock), x)
of_python = numerical_gradient(lambda x: rosenbrock(len(x), x.tolist()), x)
print("the same bits:", of_c.tobytes() == of_python.tobytes())

try:
    numerical_gradient(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(abs), x)
except TypeError as error:
    print("refused:", str(error).partition(",")[0])

# %%
# The time for each parameter: of the function in Python, in NumPy, of a stack of points in NumPy, and compiled, where
# numba is installed.


def of_stack(X):
    """Rosenbrock's function of many points (K, n) at once."""
    return np.sum(100.0 * (X[:, 1:] - X[:, :-1] ** 2) ** 2 + (1.0 - X[:, :-1]) ** 2, axis=1)


ways: dict[str, tuple[Any, dict[str, bool]]] = {  # a function, and the options with it
    "Python": (lambda x: rosenbrock(len(x), x.tolist()), {}),
    "NumPy": (lambda x: of_stack(x[np.newaxis])[0], {}),
    "NumPy,\nvectorized=True": (of_stack, {"vectorized": True}),
}
if importlib.util.find_spec("numba"):
    import numba

    ways["numba.cfunc"] = (numba.cfunc("float64(intc, CPointer(float64))")(rosenbrock), {})


def seconds(f, options):
    """Return how long one gradient takes."""
    start = time.perf_counter()
    numerical_gradient(f, x, **options)
    return time.perf_counter() - start


nanoseconds = {
    name: 1e9 / len(x) * min(seconds(f, options) for _ in range(5)) for name, (f, options) in ways.items()
}
differences = [abs(numerical_gradient(f, x, **options) - of_python).max() for f, options in ways.values()]
print(f"largest difference of the ways: {max(differences):.0e}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(of_python, "o-", label="Python")
left.plot(of_c, "x--", label="called at its address")
left.set(title="The same derivatives", xlabel="parameter", ylabel="derivative")
left.legend()
right.barh(list(nanoseconds), list(nanoseconds.values()))
right.set(title="How long it takes", xlabel="nanoseconds for each parameter", xscale="log")
figure.savefig("24_compiled_objective.png", dpi=100)
print("The picture is in 24_compiled_objective.png")
