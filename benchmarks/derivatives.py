"""The gradient of a function by fastnet and by other tools: evaluations, error, time; and what each says at a kink.

`python benchmarks/derivatives.py` prints the two tables of `docs/derivatives.md`, for the tools that are installed.
`pytest benchmarks` checks them, in `test_derivatives.py`. The extra `peers` installs all of the tools.
"""

import importlib.util
import os
import warnings
from importlib.metadata import version

os.environ.setdefault("PJRT_NPROC", "1")  # the only way to limit the threads of JAX

import numpy as np

from fastnet._bench import timing
from fastnet.functions import leaky_relu_grad, relu_grad, softmax
from fastnet.gradient import numerical_gradient

SIZE = 784
SECONDS = 10.0  # for the rounds of all tools


def log_sum_exp(x):
    """Of one point (n,), or of many (K, n). The gradient is the softmax of x."""
    e = np.exp(x)
    return np.log(e.sum(axis=-1))


class Counted:
    """A function that counts its calls, and the points at which it was asked."""

    def __init__(self, f, points=lambda x: x.size // SIZE):
        self.f, self.points_of, self.calls, self.points = f, points, 0, 0

    def __call__(self, x):
        self.calls += 1
        self.points += self.points_of(np.asarray(x))
        return self.f(x)


def textbook(f, x, h=1e-4):
    gradient = np.zeros_like(x)
    for i in range(x.size):
        kept = x[i]
        x[i] = kept + h
        plus = f(x)
        x[i] = kept - h
        gradient[i] = (plus - f(x)) / (2 * h)
        x[i] = kept
    return gradient


def of_points(f):
    """SciPy's jacobian puts the coordinates first: (n, ...)."""
    return lambda x: f(np.moveaxis(x, 0, -1))


def _fastnet(x):
    return {
        "the book's loop": (log_sum_exp, lambda f: textbook(f, x)),
        "fastnet": (log_sum_exp, lambda f: numerical_gradient(f, x)),
        "fastnet, vectorized=True": (log_sum_exp, lambda f: numerical_gradient(f, x, vectorized=True)),
    }


def _numba(x):
    import numba

    @numba.cfunc("float64(intp, CPointer(float64))")
    def compiled(n, x):
        total = 0.0
        for i in range(n):
            total += np.exp(x[i])
        return np.log(total)

    return {"fastnet, numba.cfunc": (compiled, lambda f: numerical_gradient(f, x))}


def _scipy(x):
    from scipy.differentiate import jacobian
    from scipy.optimize import approx_fprime

    return {
        "scipy.optimize.approx_fprime": (log_sum_exp, lambda f: approx_fprime(x, f)),
        "scipy.differentiate.jacobian": (of_points(log_sum_exp), lambda f: jacobian(f, x).df),
    }


def _numdifftools(x):
    import numdifftools

    return {
        "numdifftools.Gradient": (log_sum_exp, lambda f: numdifftools.Gradient(f)(x)),
        "numdifftools.Gradient(step=1e-4)": (log_sum_exp, lambda f: numdifftools.Gradient(f, step=1e-4)(x)),
        "numdifftools.Gradient(method='complex')": (
            log_sum_exp, lambda f: numdifftools.Gradient(f, method="complex")(x)
        ),
    }  # fmt: skip


def _autograd(x):
    import autograd
    import autograd.numpy as anp

    f = lambda x: anp.log(anp.sum(anp.exp(x)))  # noqa: E731
    gradient = autograd.grad(f)
    return {"autograd.grad": (None, lambda _: gradient(x))}


def _jax(x):
    import jax

    jax.config.update("jax_enable_x64", True)
    gradient = jax.jit(jax.grad(lambda x: jax.numpy.log(jax.numpy.sum(jax.numpy.exp(x)))))
    return {"jax.grad, compiled": (None, lambda _: np.asarray(gradient(x)))}


def _torch(x):
    import torch

    torch.set_num_threads(1)

    def gradient():
        tensor = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(torch.exp(tensor).sum().log(), tensor)[0].numpy()

    return {"torch.autograd.grad": (None, lambda _: gradient())}


TOOLS = {
    None: _fastnet, "numba": _numba, "scipy": _scipy, "numdifftools": _numdifftools, "autograd": _autograd,
    "jax": _jax, "torch": _torch,
}  # fmt: skip
INSTALLED = [name for name in TOOLS if name is None or importlib.util.find_spec(name)]


def contenders(x):
    """For each tool: the function that it takes, None where it needs its own, and its gradient of such a function."""
    return {label: made for name in INSTALLED for label, made in TOOLS[name](x).items()}


def measured(seconds=SECONDS):
    """Return rows: tool, calls of f, points, largest error, seconds."""
    x = np.random.default_rng(0).normal(size=SIZE)
    exact, made = softmax(x), contenders(x)
    rows = {}
    for label, (f, gradient) in made.items():
        if f is None or not hasattr(f, "__code__"):  # its own, or compiled: two calls for each element
            counts = (None, None) if f is None else (2 * SIZE, 2 * SIZE)
            found = gradient(f)
        else:
            counted = Counted(f)
            found = gradient(counted)
            counts = counted.calls, counted.points
        rows[label] = [*counts, float(np.abs(np.asarray(found) - exact).max())]
    calls = {label: timing.Contender(lambda f=f, g=gradient: g(f)) for label, (f, gradient) in made.items()}
    for label, taken in timing.medians(calls, seconds).items():
        rows[label].append(taken)
    return rows


# --- at a kink -------------------------------------------------------------------------------------------------------


def at_a_kink():
    """Return for each way to write a function its slope at its kink, 0: {way: [(max(0, x), |x|, leaky ReLU)]}."""
    relu, leaky = (lambda x: np.maximum(x, 0)), (lambda x: np.maximum(0.1 * x, x))
    slopes = {
        "fastnet, relu_grad and leaky_relu_grad": [float(relu_grad(0.0)), None, float(leaky_relu_grad(0.0))],
        "fastnet.gradient.numerical_gradient": [
            float(numerical_gradient(lambda x, f=f: f(x[0]), np.zeros(1))[0]) for f in (relu, np.abs, leaky)
        ],
    }
    for name in INSTALLED:
        slopes |= KINKS.get(name, dict)()
    return slopes


def _kinks_of_scipy():
    from scipy.differentiate import derivative
    from scipy.optimize import approx_fprime

    relu, leaky = (lambda x: np.maximum(x, 0)), (lambda x: np.maximum(0.1 * x, x))
    three = (relu, np.abs, leaky)
    central = [derivative(f, 0.0) for f in three]
    forward = [float(approx_fprime(np.zeros(1), lambda x, f=f: f(x[0]))[0]) for f in three]
    success = "success" if all(each.success for each in central) else "no success"
    return {
        f"scipy.differentiate.derivative ({success}, error {max(float(each.error) for each in central):g})": [
            float(each.df) for each in central
        ],
        "scipy.optimize.approx_fprime": forward,
    }


def _kinks_of_numdifftools():
    from numdifftools import Derivative

    three = (lambda x: np.maximum(x, 0)), np.abs, (lambda x: np.maximum(0.1 * x, x))
    return {"numdifftools.Derivative": [float(Derivative(f)(0.0)) for f in three]}


def _kinks_of_autograd():
    import autograd
    import autograd.numpy as anp

    three = (lambda x: anp.maximum(x, 0.0)), anp.abs, (lambda x: anp.maximum(0.1 * x, x))
    return {
        "autograd, maximum(x, 0)": [float(autograd.grad(f)(0.0)) for f in three],
        "autograd, maximum(0, x)": [float(autograd.grad(lambda x: anp.maximum(0.0, x))(0.0)), None, None],
        "autograd, where(x > 0, x, 0)": [float(autograd.grad(lambda x: anp.where(x > 0, x, 0.0))(0.0)), None, None],
    }


def _kinks_of_jax():
    import jax
    from jax import numpy as jnp

    def slopes(*functions):
        return [None if f is None else float(jax.grad(f)(0.0)) for f in functions]

    return {
        "jax.nn": slopes(jax.nn.relu, jnp.abs, jax.nn.leaky_relu),
        "jax.numpy.maximum": slopes(lambda x: jnp.maximum(x, 0), None, lambda x: jnp.maximum(0.1 * x, x)),
        "jax.numpy.where(x > 0, x, ...)": slopes(
            *(lambda x, other=other: jnp.where(x > 0, x, other * x) for other in (0.0, -1.0, 0.1))
        ),
    }


def _kinks_of_torch():
    import torch

    def slopes(*functions):
        found = []
        for f in functions:
            x = torch.zeros((), requires_grad=True)
            found.append(None if f is None else float(torch.autograd.grad(f(x), x)[0]))
        return found

    zero = torch.zeros(())
    return {
        "torch.nn.functional": slopes(torch.relu, torch.abs, torch.nn.functional.leaky_relu),
        "torch.maximum": slopes(lambda x: torch.maximum(x, zero), None, lambda x: torch.maximum(0.1 * x, x)),
        "torch.clamp(min=0)": slopes(lambda x: torch.clamp(x, min=0), None, None),
    }


KINKS = {
    "scipy": _kinks_of_scipy, "numdifftools": _kinks_of_numdifftools, "autograd": _kinks_of_autograd,
    "jax": _kinks_of_jax, "torch": _kinks_of_torch,
}  # fmt: skip


# --- the tables ------------------------------------------------------------------------------------------------------


def tables():
    rows = measured()
    ours = rows["fastnet"][3]
    lines = ["| | calls of f | points | largest error | time | beside fastnet |", "| --- |" + " ---: |" * 5]
    for label, (calls, points, error, seconds) in rows.items():
        counts = "| | " if calls is None else f"| {calls:,} | {points:,} "
        lines.append(f"| {label} {counts}| {error:.1g} | {seconds * 1e3:.3g} ms | {seconds / ours:.2g} |")
    lines += ["", "| | max(0, x) | abs x | leaky ReLU |", "| --- | ---: | ---: | ---: |"]
    for label, slopes in at_a_kink().items():
        lines.append("| " + " | ".join([label, *("" if each is None else f"{each:.3g}" for each in slopes)]) + " |")
    names = ["numpy", *filter(None, INSTALLED)]
    return "\n".join([*lines, "", ", ".join(f"{name} {version(name)}" for name in names)])


if __name__ == "__main__":
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(tables())
