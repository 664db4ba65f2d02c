"""Print how often `gradient_check` is right on random networks, with a mistake in the gradient of every second one.

    python tests/verdicts.py [--networks 2000] [--seed 0] [--differences | --float32]

The exit status is 1 if one verdict is wrong, or if the check cannot tell of more than 5 % of the networks.

The networks are drawn without regard to what the check can do: any depth, activation and output, weights and inputs
of any size. A mistake changes at least one element by 1e-3 of itself or more, usually not by much more. That element
must be one that rounding leaves intact: where backpropagation adds 0.5 and -0.5 and gets 1e-17 in place of 0, a mistake
in the 1e-17 changes nothing. Which elements these are is decided by the formulas of backpropagation in 400 bits, which
share nothing with the package.

With `--differences`, the check sees a network that only has `params`, `loss` and `gradient`, as a learner writes one.
Then it has nothing but the values of the loss. Many gradients are too small to be seen in them, so more than 5 % of
"cannot tell" is no failure there. A wrong verdict is one. There, a mistake must be 2e-5 of the largest gradient of its
parameter: the check allows less, for the 1e-7 that a loss may have in its logarithm. A mistake below 4e-10 is not
looked for there: in a loss of 1, differences do not show it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np

from fastnet import MultiLayerNet, TwoLayerNet
from fastnet.gradient import gradient_check

ACTIVATIONS = ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "identity"]
OUTPUTS = ["softmax", "sigmoid", "sigmoid_mse", "identity"]
LEAST = 1e-3  # a mistake is at least this fraction of an element
INTACT = 1e-6  # where rounding leaves an element intact: its relative error is at most this
VISIBLE = 2e-5  # the same for a network whose loss is all that the check sees
MOST_UNKNOWN = 0.05


# --- random networks --------------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """A network and its data."""

    network: Any
    x: Any
    t: Any
    depth: int
    spread: float
    scale: float  # of the inputs


def settings(network: Any) -> tuple[str, str, float]:
    """Return the activation, the output and the strength of the weight decay."""
    if isinstance(network, TwoLayerNet):
        return "sigmoid", "softmax", 0.0
    return network.activation, network.output, network.weight_decay_lambda


def log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def draw(random: np.random.Generator, dtype: Any = np.float64) -> Drawn:
    depth, activation, output = int(random.integers(7)), random.choice(ACTIVATIONS), random.choice(OUTPUTS)
    D, C, N = (int(random.integers(low, 9)) for low in (1, 2 if output == "softmax" else 1, 1))
    kind = random.random()
    spread = 0.0 if kind < 0.1 else float(random.uniform()) if kind < 0.4 else log_uniform(random, 1e-6, 1)
    scale = log_uniform(random, 1e-6, 1e3)
    decay = 0.0 if random.random() < 0.5 else log_uniform(random, 1e-6, 1)
    sizes = [int(log_uniform(random, 1, 17)) for _ in range(depth)]
    network: Any
    if depth == 1 and activation == "sigmoid" and output == "softmax" and random.random() < 0.5:
        network = TwoLayerNet(D, sizes[0], C, spread, dtype=dtype, seed=random)
    else:
        network = MultiLayerNet(
            D, sizes, C, activation, spread, decay, output=output, dtype=dtype, seed=random
        )
    if random.random() < 0.5:  # as after some training; else 0, as in a new network
        for name, param in network.params.items():
            if param.ndim == 1:
                network.params[name] = (spread * random.standard_normal(param.shape)).astype(dtype)
    x = scale * random.standard_normal((N, D)) * (random.random((N, D)) < 0.8)  # many pixels are 0
    t: Any
    if output == "softmax":
        t = [random.integers(C, size=N), random.dirichlet(np.ones(C), N), random.random((N, C))][random.integers(3)]
    elif output != "identity":
        t = random.integers(2, size=(N, C)) if random.random() < 0.5 else random.random((N, C))
    else:
        t = random.standard_normal((N, C))
    return Drawn(network, x.astype(dtype), t, depth, spread, scale)


# --- backpropagation in 400 bits --------------------------------------------------------------------------------------


def each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return np.vectorize(function, otypes=[object])


def sigmoid(a: Any) -> Any:
    return 1 / (1 + mpmath.exp(-a))


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "relu": (lambda a: a if a > 0 else mpmath.mpf(0), lambda a: mpmath.mpf(a > 0)),
    "leaky_relu": (
        lambda a: a if a >= 0 else mpmath.mpf(0.1) * a,
        lambda a: mpmath.mpf(1) if a >= 0 else mpmath.mpf(0.1),
    ),
    "elu": (lambda a: a if a >= 0 else mpmath.expm1(a), lambda a: mpmath.mpf(1) if a >= 0 else mpmath.exp(a)),
    "sigmoid": (sigmoid, lambda a: sigmoid(a) * sigmoid(-a)),
    "tanh": (mpmath.tanh, lambda a: 1 / mpmath.cosh(a) ** 2),
    "identity": (lambda a: a, lambda _: mpmath.mpf(1)),
}


def true_gradient(drawn: Drawn) -> dict[str, Any]:
    """Return the gradient as arrays of mpmath's numbers."""
    network, x, t = drawn[:3]
    activation, output, decay = settings(network)
    function, slope = map(each, FUNCTIONS[activation])
    with mpmath.workprec(400):
        number = each(mpmath.mpf)
        params = {name: number(param) for name, param in network.params.items()}
        z, a = [number(x)], []
        layers = len(params) // 2
        for layer in range(1, layers + 1):
            a.append(z[-1] @ params[f"W{layer}"] + params[f"b{layer}"])
            z.append(function(a[-1]) if layer < layers else a[-1])
        N, C = z[-1].shape
        targets = number(np.eye(C)[t] if t.ndim == 1 else t)
        if output == "softmax":
            e = each(mpmath.exp)(z[-1] - z[-1].max(axis=1, keepdims=True))
            y = e / e.sum(axis=1, keepdims=True)
            # y[k] sum_j t[j] - t[k] with 1 = sum_j y[j], so that 1 - y loses no digits even in e^-10000.
            da = (y[:, :, None] * targets[:, None] - targets[:, :, None] * y[:, None]).sum(axis=2) / N
        elif output == "sigmoid":
            da = ((1 - targets) * each(sigmoid)(z[-1]) - targets * each(sigmoid)(-z[-1])) / (N * C)
        elif output == "sigmoid_mse":
            y = each(sigmoid)(z[-1])
            da = 2 * (y - targets) * y * each(sigmoid)(-z[-1]) / (N * C)
        else:
            da = 2 * (z[-1] - targets) / (N * C)
        gradient = {}
        for layer in range(layers, 0, -1):
            gradient[f"W{layer}"] = z[layer - 1].T @ da + mpmath.mpf(decay) * params[f"W{layer}"]
            gradient[f"b{layer}"] = da.sum(axis=0)
            if layer > 1:
                da = (da @ params[f"W{layer}"].T) * slope(a[layer - 2])
        return {name: gradient[name] for name in params}


def changed(gradient: dict[str, Any], right: dict[str, Any], truth: dict[str, Any], visible: float) -> list[str]:
    """Return the parameters in which an intact element is wrong by LEAST of itself or more.

    It must be wrong by the fraction `visible` of the largest gradient of its parameter, and by `visible` squared.
    """
    names = []
    for name, true in truth.items():
        size = np.maximum(abs(true), 1e-290).astype(float)
        size = np.where(abs(gradient[name] - true) > visible * max(visible, size.max()), size, 0)
        intact = (abs(right[name] - true) <= INTACT * size) & (size > 1e-280)
        if (intact & (abs(gradient[name] - true) >= (LEAST - 2 * INTACT) * size)).any():
            names.append(name)
    return names


# --- the same network as a learner may write it -----------------------------------------------------------------------


class Plain:
    """A network that is none of fastnet's. Its loss is that of `network`, with `eps` in the logarithms."""

    def __init__(self, network: Any, eps: float) -> None:
        self.eps = eps
        self.params, self.gradient = network.params, network.gradient
        self.activation, self.output, self.decay = settings(network)

    def loss(self, x: Any, t: Any) -> Any:
        z, layers = x, len(self.params) // 2
        for layer in range(1, layers + 1):
            a = z @ self.params[f"W{layer}"] + self.params[f"b{layer}"]
            z = PLAIN[self.activation](a)
        N, C = a.shape
        t = np.eye(C)[t] if t.ndim == 1 else t
        if self.output == "softmax":
            a = a - a.max(axis=1, keepdims=True)
            if self.eps:
                y = np.exp(a)
                loss = -np.sum(t * np.log(y / y.sum(axis=1, keepdims=True) + self.eps)) / N
            else:
                loss = np.sum(t * (np.log(np.exp(a).sum(axis=1, keepdims=True)) - a)) / N
        elif self.output == "sigmoid" and self.eps:
            y = PLAIN["sigmoid"](a)
            loss = -np.mean(t * np.log(y + self.eps) + (1 - t) * np.log(1 - y + self.eps))
        elif self.output == "sigmoid":
            loss = np.mean(np.logaddexp(0, a) - t * a)
        else:
            y = PLAIN["sigmoid"](a) if self.output == "sigmoid_mse" else a
            loss = np.mean((y - t) ** 2)
        return loss + 0.5 * self.decay * sum(np.sum(W**2) for W in self.params.values() if W.ndim == 2)


PLAIN: dict[str, Callable[[Any], Any]] = {
    "relu": lambda a: np.maximum(a, 0),
    "leaky_relu": lambda a: np.maximum(a, 0.1 * a),
    "elu": lambda a: np.where(a >= 0, a, np.expm1(np.minimum(a, 0))),
    "sigmoid": lambda a: 0.5 * (1 + np.tanh(0.5 * a)),
    "tanh": np.tanh,
    "identity": lambda a: a,
}


# --- mistakes ---------------------------------------------------------------------------------------------------------


def factor(random: np.random.Generator) -> float:
    """Return a factor that is wrong by 1e-3 to 1."""
    return 1 + float(random.choice([-1, 1])) * log_uniform(random, LEAST, 1)


def one_element(grad: Any, random: np.random.Generator, _: int) -> None:
    elements = np.argwhere(grad)
    if len(elements):
        grad[tuple(elements[random.integers(len(elements))])] *= factor(random)


def whole_parameter(grad: Any, random: np.random.Generator, _: int) -> None:
    grad *= factor(random)


def one_row(grad: Any, random: np.random.Generator, _: int) -> None:
    grad[random.integers(len(grad))] *= factor(random)


def wrong_sign(grad: Any, *_: Any) -> None:
    grad *= -1


def sum_for_mean(grad: Any, _: Any, N: int) -> None:
    grad *= N


def forgotten(grad: Any, *_: Any) -> None:
    grad *= 0


def shifted(grad: Any, *_: Any) -> None:
    grad[:] = np.roll(grad, 1, axis=0)


def transposed(grad: Any, *_: Any) -> None:
    grad[:] = grad.T.reshape(grad.shape)


# The smallest mistake, in one element, is the hardest to see, and so the most frequent.
MISTAKES = [
    *3 * [one_element], whole_parameter, one_row, wrong_sign, sum_for_mean, forgotten, shifted, transposed
]


def plant(drawn: Drawn, random: np.random.Generator, visible: float) -> tuple[str, list[str]]:
    """Make a mistake in the gradient of one parameter; return its kind and the parameter, or nothing if none shows."""
    truth, gradient = true_gradient(drawn), drawn.network.gradient
    for _ in range(20):
        mistake, name, seed = random.choice(MISTAKES), random.choice(list(truth)), int(random.integers(2**31))

        def mistaken(x: Any, t: Any, mistake: Any = mistake, name: str = name, seed: int = seed) -> Any:
            grads = gradient(x, t)
            mistake(grads[name], np.random.default_rng(seed), len(x))
            return grads

        names = changed(mistaken(drawn.x, drawn.t), gradient(drawn.x, drawn.t), truth, visible)
        if names:
            drawn.network.gradient = mistaken
            return mistake.__name__, names
    return "", []


# --- the table --------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What the check said of one network."""

    drawn: Drawn
    kind: str  # of the mistake; empty for a right gradient
    names: list[str]
    report: Any

    @property
    def is_wrong(self) -> bool:
        """Whether a right gradient "differs", or a wrong one "agrees"."""
        return any(
            row.verdict == ("agrees" if name in self.names else "differs") for name, row in self.report.rows.items()
        )

    @property
    def outcome(self) -> str:
        return "WRONG" if self.is_wrong else self.report.verdict


def answers(networks: int, seed: int, differences: bool = False, dtype: Any = np.float64) -> list[Answer]:
    """Check random networks; every second one has a mistake."""
    found = []
    for number in range(networks):
        random = np.random.default_rng([seed, number])
        drawn = draw(random, dtype)
        kind, names = plant(drawn, random, VISIBLE if differences else 0) if number % 2 else ("", [])
        network = drawn.network
        if differences:
            network = Plain(network, 1e-7 * (number // 2 % 2))  # as the book does, in half of the networks
        found.append(Answer(drawn, kind, names, gradient_check(network, drawn.x, drawn.t)))
    return found


def decade(value: float) -> str:
    return "0" if value == 0 else f"1e{int(np.floor(np.log10(value))):+d}"


def properties(answer: Answer) -> dict[str, str]:
    network, _, _, depth, spread, scale = answer.drawn
    return {
        "gradient": answer.kind.replace("_", " ") or "right",
        "depth": str(depth),
        "activation": getattr(network, "activation", "(TwoLayerNet)"),
        "output": getattr(network, "output", "(TwoLayerNet)"),
        "spread of weights": decade(spread),
        "inputs": decade(scale),
    }


COLUMNS = ["right: agrees", "right: cannot tell", "mistake: differs", "mistake: cannot tell", "WRONG"]


def table(found: list[Answer]) -> str:
    counts: dict[str, dict[str, Counter[str]]] = {}
    for answer in found:
        column = "WRONG" if answer.is_wrong else f"{'mistake' if answer.kind else 'right'}: {answer.report.verdict}"
        for key, value in {"": "all", **properties(answer)}.items():
            counts.setdefault(key, {}).setdefault(value, Counter())[column] += 1

    def position(value: str) -> Any:
        try:
            return (0, float(value), value)
        except ValueError:
            return (1, 0.0, value)

    lines = []
    for key, values in counts.items():
        lines.append(f"{key:24}" + "".join(f"{column:>22}" for column in COLUMNS))
        lines += [
            f"  {value:22}" + "".join(f"{values[value][column]:22}" for column in COLUMNS)
            for value in sorted(values, key=position)
        ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--differences", action="store_true", help="show the check nothing but params, loss, gradient")
    parser.add_argument("--float32", action="store_true", help="networks of float32")
    arguments = parser.parse_args()
    if arguments.differences and arguments.float32:
        parser.error("--differences computes the loss in float64, so it cannot judge a gradient of --float32")
    dtype = np.float32 if arguments.float32 else np.float64
    found = answers(arguments.networks, arguments.seed, arguments.differences, dtype)
    print(table(found))
    wrong = [number for number, answer in enumerate(found) if answer.is_wrong]
    unknown = sum(answer.outcome == "cannot tell" for answer in found)
    for number in wrong:
        answer = found[number]
        print(f"\nnetwork {number}: {properties(answer)}, mistake in {answer.names or 'nothing'}\n{answer.report}")
    print(f"\n{len(wrong)} wrong verdicts; cannot tell: {unknown} of {len(found)} ({unknown / len(found):.2%})")
    too_many = unknown > MOST_UNKNOWN * len(found) and not (arguments.differences or arguments.float32)
    return 1 if wrong or too_many else 0


if __name__ == "__main__":
    sys.exit(main())
