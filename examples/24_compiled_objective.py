"""
The gradient of a compiled function
===================================

`numerical_gradient` calls a function twice for each parameter. If the function is fast, the call from Python takes most
of the time. A compiled function is machine code. `numerical_gradient` calls it directly, without Python. numba and
Cython compile such functions, and ``ctypes`` finds them in libraries that are written in C. Not every computer has a
compiler. So this example first makes a function with ``ctypes`` that has the form of a compiled one, but calls Python.
That is slow, but the same rules hold for all.

Look at the derivatives on the left: the function in Python and the one of ``ctypes`` give the same numbers, to the last
bit. On the right, look at the time for each parameter. With numba (``pip install numba``), it is little more than the
time that the function itself takes.
"""

# %%
# The function takes the number of parameters and the parameters, and returns one number. C has a short form for this,
# the *signature* of the function: ``double (int, double *)``. fastnet reads the signature from the compiled
# function, and refuses a function with any other one: a C function that is called with the wrong arguments crashes.

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
# The time for each parameter. The function is written in Python, in NumPy, and in NumPy for many points at once: each
# point is one row of an array. Where numba is installed, it is also compiled. NumPy adds the numbers in another order,
# so the last digits of its sums differ. The gradient divides by 0.0002, which makes this difference 5,000 times as
# large.


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
left.plot(of_c, "x--", label="ctypes")
left.set(title="The same derivatives", xlabel="parameter", ylabel="derivative")
left.legend()
right.barh(list(nanoseconds), list(nanoseconds.values()))
right.set(title="How long it takes", xlabel="nanoseconds for each parameter", xscale="log")
figure.savefig("24_compiled_objective.png", dpi=100)
print("The picture is in 24_compiled_objective.png")
