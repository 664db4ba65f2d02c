"""Exercises to chapter 6 of the book: optimizers, initial weights, and what helps against overfitting."""

from typing import Any

import numpy as np

from fastnet.exercises._exercise import Exercise, Outputs, kept, trials

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "BatchNormalization",
    "Dropout",
    "Momentum",
    "RMSprop",
    "initial_weights",
    "learning_rates",
    "weight_decay",
]


def _optimize(answer: Any, params: Any, grads: Any, updates: int) -> Outputs:
    """The parameters after some updates. The gradient is halved and changes its sign from one to the next."""
    optimizer = answer()
    held = dict(params)
    for step in range(updates):
        optimizer.update(params, {name: grad * (-0.5) ** step for name, grad in grads.items()})
    # A network's layers share these arrays, so it is not enough to put new ones into the dict.
    return {"params": dict(params), "the array that was in params": held}


def _rule(update: Any, names: str = "") -> Any:
    """An optimizer from `update(state, g, n)`, which gives the change of W in update n. The state starts at 0."""

    class Optimizer:
        def __init__(self) -> None:
            self.state: dict[str, Any] = {}
            self.steps = 0

        def update(self, params: Any, grads: Any) -> None:
            self.steps += 1
            for name, W in params.items():
                state = self.state.setdefault(name, {each: np.zeros_like(W) for each in names.split()})
                W += update(state, grads[name], self.steps)

    return Optimizer


def _shared(optimizer: Any) -> Any:
    """The optimizer with one state for all parameters."""

    class Shared(optimizer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.state = _Same()

    return Shared


class _Same(dict[str, Any]):
    def setdefault(self, name: str, value: Any = None) -> Any:
        return super().setdefault("", {key: np.zeros(()) for key in value})


_ONE = ({"W": np.array([1.0])}, {"W": np.array([2.0])})
_TWO = (
    {"W": np.array([[1.0, -2.0]]), "b": np.array([0.5, 0.25])},
    {"W": np.array([[0.5, 4.0]]), "b": np.array([-1.0, 3.0])},
)
_UPDATES = [
    *trials("one update", (*_ONE, 1)),
    *trials("a gradient of 0", ({"W": np.array([1.0, 1.0])}, {"W": np.array([0.0, 1.0])}, 1)),
    *trials("two updates", (*_ONE, 2)),
    *trials("two parameters", (*_TWO, 1), (*_TWO, 4)),
]


def _optimizer(name: str, task: str, right: Any, mistakes: dict[str, Any]) -> Exercise:
    return Exercise(
        f"{name}(params, grads, updates)",
        f"""A class with update(params, grads), dicts of arrays with the same keys. It changes the arrays of params in
        place. It can be made without arguments. g is the gradient of a parameter W. {task}""",
        right,
        _UPDATES,
        run=_optimize,
        mistakes=mistakes,
        writes=["params"],
    )


class _Local:
    """SGD that gives new arrays a name, and forgets them."""

    def update(self, params: Any, grads: Any) -> None:
        for name, value in params.items():
            value - 0.01 * grads[name]


class _Rebinding:
    """SGD that puts new arrays into the dict."""

    def update(self, params: Any, grads: Any) -> None:
        for name in params:
            params[name] = params[name] - 0.01 * grads[name]


def _descend(lr: float, sign: float = -1) -> Any:
    return _rule(lambda state, g, n: sign * lr * g)


SGD = _optimizer(
    "SGD",
    "Use lr = 0.01. W becomes W - lr g.",
    _descend(0.01),
    {
        "the gradient is added, so the loss grows": _descend(0.01, 1),
        "the learning rate is not used": _descend(1),
        "the new array gets a name, and the parameter stays as it is": _Local,
        "params gets new arrays: change the old ones in place, since the layers share them": _Rebinding,
        "the learning rate is 0.1": _descend(0.1),
        "it moves by the sign of the gradient": _rule(lambda state, g, n: -0.01 * np.sign(g)),
        "it divides by the learning rate": _descend(100),
    },
)


def _momentum(state: Any, g: Any, n: int, *, lr: float = 0.01, momentum: float = 0.9) -> Any:
    state["v"] = momentum * state["v"] - lr * g
    return state["v"]


def _average(state: Any, g: Any, n: int) -> Any:
    state["v"] = 0.9 * state["v"] + 0.1 * g
    return -0.01 * state["v"]


def _old_velocity(state: Any, g: Any, n: int) -> Any:
    v = state["v"]
    state["v"] = 0.9 * v - 0.01 * g
    return v


Momentum = _optimizer(
    "Momentum",
    "Use lr = 0.01 and momentum = 0.9. v starts at 0, and becomes momentum v - lr g. Then W becomes W + v.",
    _rule(_momentum, "v"),
    {
        "the velocity is forgotten from one update to the next": _descend(0.01),
        "all parameters share one velocity": _shared(_rule(_momentum, "v")),
        "a sign is wrong: the loss grows": _rule(lambda s, g, n: _momentum(s, g, n, lr=-0.01), "v"),
        "W moves by the old velocity": _rule(_old_velocity, "v"),
        "v is made an average of the gradients: g is multiplied by 1 - momentum": _rule(_average, "v"),
        "the momentum is 1: nothing slows the velocity down": _rule(
            lambda s, g, n: _momentum(s, g, n, momentum=1), "v"
        ),
    },
)


def _adagrad(state: Any, g: Any, n: int, *, square: bool = True, root: bool = True, lr: float = 0.01) -> Any:
    state["h"] = state["h"] + (g * g if square else np.abs(g))
    return -lr * g / ((np.sqrt(state["h"]) if root else state["h"]) + 1e-7)


AdaGrad = _optimizer(
    "AdaGrad",
    "Use lr = 0.01. h starts at 0, and becomes h + g g. Then W becomes W - lr g / (sqrt(h) + 1e-7).",
    _rule(_adagrad, "h"),
    {
        "the root of h is missing": _rule(lambda s, g, n: _adagrad(s, g, n, root=False), "h"),
        "the gradient is not squared in h": _rule(lambda s, g, n: _adagrad(s, g, n, square=False), "h"),
        "h is forgotten from one update to the next": _rule(lambda s, g, n: -0.01 * g / (np.abs(g) + 1e-7)),
        "all parameters share one h": _shared(_rule(_adagrad, "h")),
        "the sign is wrong: the loss grows": _rule(lambda s, g, n: _adagrad(s, g, n, lr=-0.01), "h"),
        "without 1e-7, a gradient of 0 gives 0 / 0": _rule(lambda s, g, n: _bare_adagrad(s, g), "h"),
        "it multiplies by the root, where it must divide": _rule(lambda s, g, n: _times_root(s, g), "h"),
    },
)


def _bare_adagrad(state: Any, g: Any) -> Any:
    state["h"] = state["h"] + g * g
    return -0.01 * g / np.sqrt(state["h"])


def _times_root(state: Any, g: Any) -> Any:
    state["h"] = state["h"] + g * g
    return -0.01 * g * (np.sqrt(state["h"]) + 1e-7)


def _rmsprop(state: Any, g: Any, n: int, *, keep: float = 0.99, new: float = 0.01, root: bool = True) -> Any:
    state["h"] = keep * state["h"] + new * g * g
    return -0.01 * g / ((np.sqrt(state["h"]) if root else state["h"]) + 1e-7)


RMSprop = _optimizer(
    "RMSprop",
    """Use lr = 0.01 and decay_rate = 0.99. h starts at 0, and becomes decay_rate h + (1 - decay_rate) g g. Then W
    becomes W - lr g / (sqrt(h) + 1e-7).""",
    _rule(_rmsprop, "h"),
    {
        "the old h is not multiplied by the decay rate: this is AdaGrad": _rule(_adagrad, "h"),
        "decay_rate and 1 - decay_rate are exchanged": _rule(
            lambda s, g, n: _rmsprop(s, g, n, keep=0.01, new=0.99), "h"
        ),
        "the new square is not multiplied by 1 - decay_rate": _rule(lambda s, g, n: _rmsprop(s, g, n, new=1), "h"),
        "the root of h is missing": _rule(lambda s, g, n: _rmsprop(s, g, n, root=False), "h"),
        "all parameters share one h": _shared(_rule(_rmsprop, "h")),
        "h is forgotten from one update to the next": _rule(lambda s, g, n: _rmsprop({"h": 0 * g}, g, n)),
    },
)


def _adam(
    state: Any,
    g: Any,
    n: int,
    *,
    correct: bool = True,
    square: bool = True,
    swapped: bool = False,
    frozen: bool = False,
) -> Any:
    first, second = (0.999, 0.9) if swapped else (0.9, 0.999)
    state["m"] = first * state["m"] + (1 - first) * g
    state["v"] = second * state["v"] + (1 - second) * (g * g if square else np.abs(g))
    n = 1 if frozen else n
    lr = 0.001 * (np.sqrt(1 - second**n) / (1 - first**n) if correct else 1)
    return -lr * state["m"] / (np.sqrt(state["v"]) + 1e-7)


Adam = _optimizer(
    "Adam",
    """Use lr = 0.001, beta1 = 0.9 and beta2 = 0.999. m and v start at 0. m becomes beta1 m + (1 - beta1) g. v
    becomes beta2 v + (1 - beta2) g g. Count the updates from n = 1. The rate is lr sqrt(1 - beta2^n) / (1 - beta1^n).
    W becomes W - rate m / (sqrt(v) + 1e-7).""",
    _rule(_adam, "m v"),
    {
        "the rate is not corrected for the start at 0": _rule(lambda s, g, n: _adam(s, g, n, correct=False), "m v"),
        "beta1 and beta2 are exchanged": _rule(lambda s, g, n: _adam(s, g, n, swapped=True), "m v"),
        "the gradient is not squared in v": _rule(lambda s, g, n: _adam(s, g, n, square=False), "m v"),
        "n stays 1": _rule(lambda s, g, n: _adam(s, g, n, frozen=True), "m v"),
        "n counts from 2: it is raised once too early": _rule(lambda s, g, n: _adam(s, g, n + 1), "m v"),
        "n grows for each parameter, not for each update": lambda: _Counting(),
        "all parameters share m and v": _shared(_rule(_adam, "m v")),
        "m and v are forgotten from one update to the next": _rule(
            lambda s, g, n: _adam({"m": 0 * g, "v": 0 * g}, g, n)
        ),
        "the sign is wrong: the loss grows": _rule(lambda s, g, n: -_adam(s, g, n), "m v"),
    },
)


class _Counting:
    """Adam that counts each parameter as an update."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.steps = 0

    def update(self, params: Any, grads: Any) -> None:
        for name, W in params.items():
            self.steps += 1
            W += _adam(
                self.state.setdefault(name, {"m": np.zeros_like(W), "v": np.zeros_like(W)}), grads[name], self.steps
            )


def _spread(weights: Any, n_in: int, n_out: int, activation: str) -> str | None:
    call = "initial_weights(n_in, n_out, activation)"
    weights = np.asarray(weights)
    if weights.shape != (n_in, n_out):
        return f"{call} has the shape {weights.shape}, but {(n_in, n_out)} is wanted."
    if np.ptp(weights) == 0:
        return "All weights are equal: then all units of the layer stay equal. Draw them at random."
    wanted = np.sqrt((2 if activation == "relu" else 1) / n_in)
    if abs(weights.mean()) > 6 * wanted / np.sqrt(weights.size):
        return "The mean of the weights is not 0."
    ratio = weights.std() / wanted
    if abs(ratio - 1) < 6 / np.sqrt(2 * weights.size):
        return None
    return f"The spread of the weights is too {'large' if ratio > 1 else 'small'} for {activation} and {n_in} inputs."


def _drawn_weights(std: Any) -> Any:
    return lambda n_in, n_out, activation: std(n_in, n_out, activation) * np.random.randn(n_in, n_out)


def _he(n_in: int, n_out: int, activation: str) -> Any:
    return np.sqrt((2 if activation == "relu" else 1) / n_in)


initial_weights = Exercise(
    "initial_weights(n_in, n_out, activation)",
    """Draw the weights (n_in, n_out) of a layer from a normal distribution of mean 0. The standard deviation is
    Xavier's if `activation` is "sigmoid" or "tanh", and He's if it is "relu".""",
    _drawn_weights(_he),
    [
        *trials("sigmoid", (100, 50, "sigmoid"), (400, 100, "sigmoid")),
        *trials("tanh", (225, 64, "tanh")),
        *trials("relu", (100, 50, "relu"), (900, 50, "relu")),
    ],
    judge=lambda outputs, *arguments: _spread(next(iter(outputs.values())), *arguments),
    mistakes={
        "the root is missing: the variance is taken for the standard deviation": _drawn_weights(
            lambda n, m, a: _he(n, m, a) ** 2
        ),
        "it is Xavier's for all three": _drawn_weights(lambda n, m, a: np.sqrt(1 / n)),
        "it is He's for all three": _drawn_weights(lambda n, m, a: np.sqrt(2 / n)),
        "the number of outputs is taken for the number of inputs": _drawn_weights(lambda n, m, a: _he(m, n, a)),
        "the standard deviation is 0.01 for all layers": _drawn_weights(lambda n, m, a: 0.01),
        "the standard deviation is 1": _drawn_weights(lambda n, m, a: 1),
        "rand draws from 0 to 1: the mean is not 0": lambda n, m, a: _he(n, m, a) * np.random.rand(n, m),
        "all weights are 0": lambda n, m, a: np.zeros((n, m)),
        "rows and columns are exchanged": lambda n, m, a: _he(n, m, a) * np.random.randn(m, n),
    },
)


def _normalized(answer: Any, x: Any, gamma: Any, beta: Any) -> Outputs:
    return {"layer.forward(x)": answer(gamma, beta).forward(x)}


def _normalization(forward: Any) -> Any:
    class Layer:
        def __init__(self, gamma: Any, beta: Any) -> None:
            self.gamma, self.beta = gamma, beta

        def forward(self, x: Any) -> Any:
            return forward(x, self.gamma, self.beta)

    return Layer


def _normal(x: Any, *, axis: int | None = 0, unbiased: bool = False, outside: bool = False) -> Any:
    keep = axis == 1
    difference = x - x.mean(axis=axis, keepdims=keep)
    variance = x.var(axis=axis, keepdims=keep, ddof=1 if unbiased and len(x) > 1 else 0)
    return difference / ((np.sqrt(variance) + 1e-6) if outside else np.sqrt(variance + 1e-6))


_UNITS = np.array([[1.0, 10.0, -3.0], [2.0, 30.0, 0.5], [4.0, -20.0, 1.0], [0.0, 5.0, 2.5]])
BatchNormalization = Exercise(
    "BatchNormalization(x, gamma, beta)",
    """A class: BatchNormalization(gamma, beta) keeps both. forward(x) gives each unit of the batch x (N, D)
    the mean 0 and the variance 1. Add 1e-6 to the variance. Then multiply by gamma (D,) and add beta (D,).""",
    _normalization(lambda x, gamma, beta: gamma * _normal(x) + beta),
    [
        *trials("two samples of one unit", (np.array([[1.0], [3.0]]), np.array([1.0]), np.array([0.0]))),
        *trials("a batch", (_UNITS, np.ones(3), np.zeros(3))),
        *trials("gamma and beta", (_UNITS, np.array([1.0, 2.0, -0.5]), np.array([0.5, -1.0, 3.0]))),
        *trials("a unit that is always the same", (np.array([[2.0, 1.0], [2.0, -1.0]]), np.ones(2), np.zeros(2))),
    ],
    run=_normalized,
    mistakes={
        "it normalizes each sample over the units, not each unit over the batch": _normalization(
            lambda x, gamma, beta: gamma * _normal(x, axis=1) + beta
        ),
        "mean and variance are taken over the whole array": _normalization(
            lambda x, gamma, beta: gamma * _normal(x, axis=None) + beta
        ),
        "the root of the variance is missing": _normalization(
            lambda x, gamma, beta: gamma * (x - x.mean(axis=0)) / (x.var(axis=0) + 1e-6) + beta
        ),
        "the mean is not subtracted": _normalization(
            lambda x, gamma, beta: gamma * x / np.sqrt(x.var(axis=0) + 1e-6) + beta
        ),
        "it does not divide by the standard deviation": _normalization(
            lambda x, gamma, beta: gamma * (x - x.mean(axis=0)) + beta
        ),
        "gamma is not used": _normalization(lambda x, gamma, beta: _normal(x) + beta),
        "beta is not used": _normalization(lambda x, gamma, beta: gamma * _normal(x)),
        "the variance divides by N - 1, where the book divides by N": _normalization(
            lambda x, gamma, beta: gamma * _normal(x, unbiased=True) + beta
        ),
        "without 1e-6, a variance of 0 gives 0 / 0": _normalization(
            lambda x, gamma, beta: gamma * (x - x.mean(axis=0)) / x.std(axis=0) + beta
        ),
        "beta is added before gamma multiplies": _normalization(lambda x, gamma, beta: gamma * (_normal(x) + beta)),
    },
    tolerance=1e-5,
)


class _DropoutAnswer:
    def __init__(
        self, ratio: float, *, keep: Any = None, train: Any = None, test: Any = None, back: Any = None
    ) -> None:
        self.ratio = ratio
        self.keep = keep or (lambda shape, ratio: np.random.rand(*shape) > ratio)
        self.train = train or (lambda x, mask, ratio: x * mask)
        self.test = test or (lambda x, ratio: x * (1 - ratio))
        self.back = back or (lambda dout, mask: dout * mask)

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        if not train_flg:
            return self.test(x, self.ratio)
        self.mask = self.keep(x.shape, self.ratio)
        return self.train(x, self.mask, self.ratio)

    def backward(self, dout: Any) -> Any:
        return self.back(dout, self.mask)


def _dropout(**changed: Any) -> Any:
    return lambda ratio: _DropoutAnswer(ratio, **changed)


def _drop(answer: Any, ratio: float, x: Any) -> Outputs:
    layer = answer(ratio)
    return {
        "forward(x, True)": kept(layer.forward(x, True)),
        "backward": kept(layer.backward(np.full(x.shape, 3.0))),
        "second": kept(layer.forward(x, True)),
        "forward(x, False)": layer.forward(x, False),
    }


def _is_dropout(outputs: Outputs, ratio: float, x: Any) -> str | None:
    first, back, second, test = (np.asarray(value) for value in outputs.values())
    if first.shape != x.shape:
        return f"forward(x, True) has the shape {first.shape}, but {x.shape} is wanted."
    kept = first != 0
    if not np.allclose(first[kept], x[kept]):
        return "What forward(x, True) keeps must be as it was: the scale is the business of forward(x, False)."
    share = kept.mean()
    if abs(share - (1 - ratio)) > 0.05:
        return f"forward(x, True) keeps a share of {share:.2f} of the units, for a ratio of {ratio} that is dropped."
    if np.array_equal(first, second):
        return "Two calls drop the same units: each call must draw anew."
    if x.ndim == 2 and (kept == kept[0]).all():
        return "All samples of the batch lose the same units: each needs its own draw."
    if not np.allclose(back, np.where(kept, 3.0, 0.0)):
        return "backward must pass on dout where forward has kept a unit, unchanged, and 0 elsewhere."
    if not np.allclose(test, x * (1 - ratio)):
        return "forward(x, False) must drop nothing, and multiply by the share that training keeps."
    return None


_ONES = np.ones((100, 50))
Dropout = Exercise(
    "Dropout(ratio, x)",
    """A class, as in the book: Dropout(ratio). forward(x, True) sets each element to 0 at random, and keeps the others.
    The probability of a 0 is `ratio`. forward(x, False) multiplies x by 1 - `ratio`. backward(dout) gives dx.""",
    _dropout(),
    [*trials("a ratio of 0.5", (0.5, _ONES)), *trials("a ratio of 0.2", (0.2, _ONES))],
    run=_drop,
    judge=_is_dropout,
    mistakes={
        "the ratio is what it keeps, where it must be what it drops": _dropout(
            keep=lambda shape, ratio: np.random.rand(*shape) < ratio
        ),
        "forward(x, False) does not scale": _dropout(test=lambda x, ratio: x),
        "forward(x, False) multiplies by the ratio": _dropout(test=lambda x, ratio: x * ratio),
        "backward draws a mask of its own": _dropout(
            back=lambda dout, mask: dout * (np.random.rand(*dout.shape) > 0.5)
        ),
        "backward passes everything on": _dropout(back=lambda dout, mask: dout),
        "one mask is drawn for all samples": _dropout(
            keep=lambda shape, ratio: np.repeat(np.random.rand(1, shape[1]) > ratio, shape[0], 0)
        ),
        "training scales, too: this is inverted dropout, and not the book's": _dropout(
            train=lambda x, mask, ratio: x * mask / (1 - ratio), test=lambda x, ratio: x
        ),
        "forward(x, False) drops, too": lambda ratio: _always_drops(ratio),
    },
)


def _always_drops(ratio: float) -> Any:
    layer = _DropoutAnswer(ratio)
    layer.test = lambda x, ratio: x * (np.random.rand(*x.shape) > ratio)
    return layer


def _decay(params: Any, lam: float) -> Any:
    return sum(0.5 * lam * np.sum(value**2) for name, value in params.items() if name.startswith("W"))


_NET = {
    "W1": np.array([[1.0, -2.0]]),
    "b1": np.array([5.0, 7.0]),
    "W2": np.array([[3.0], [0.5]]),
    "b2": np.array([4.0]),
}
weight_decay = Exercise(
    "weight_decay(params, lam)",
    """What weight decay adds to the loss: half of lam times the sum of the squares of all weight matrices W1, W2, ...
    The biases b1, b2, ... do not count. params is a dict of arrays.""",
    _decay,
    [
        *trials("one weight", ({"W1": np.array([[2.0]]), "b1": np.array([0.0])}, 0.1)),
        *trials("biases", ({"W1": np.array([[2.0]]), "b1": np.array([3.0])}, 0.1)),
        *trials("two layers", (_NET, 0.1), (_NET, 2.0)),
        *trials("no decay", (_NET, 0.0)),
    ],
    mistakes={
        "the biases count, too": lambda params, lam: sum(0.5 * lam * np.sum(v**2) for v in params.values()),
        "it is not halved": lambda params, lam: 2 * _decay(params, lam),
        "lam is not used": lambda params, lam: _decay(params, 1.0),
        "the root of the sum is taken": lambda params, lam: sum(
            0.5 * lam * np.sqrt(np.sum(v**2)) for n, v in params.items() if n[0] == "W"
        ),
        "the weights are not squared": lambda params, lam: sum(
            0.5 * lam * np.sum(v) for n, v in params.items() if n[0] == "W"
        ),
        "it takes the absolute values: this is another kind of decay (L1)": lambda params, lam: sum(
            0.5 * lam * np.sum(np.abs(v)) for n, v in params.items() if n[0] == "W"
        ),
        "only the first layer counts": lambda params, lam: _decay({"W1": params["W1"]}, lam),
        "it takes the mean of the squares": lambda params, lam: sum(
            0.5 * lam * np.mean(v**2) for n, v in params.items() if n[0] == "W"
        ),
        "lam is squared": lambda params, lam: _decay(params, lam**2),
    },
)


def _is_logarithmic(outputs: Outputs, low: float, high: float, count: int) -> str | None:
    rates = np.asarray(next(iter(outputs.values())), float)
    if rates.shape != (count,):
        return f"learning_rates(low, high, count) has the shape {rates.shape}, but {(count,)} is wanted."
    if (rates < low).any() or (rates > high).any():
        return f"Some rates are not between {low:g} and {high:g}."
    if count < 100:
        return None
    share = np.mean(rates < np.sqrt(low * high))
    if abs(share - 0.5) > 3 / np.sqrt(count):
        side = "below" if share > 0.5 else "above"
        middle = np.sqrt(low * high)
        return f"Half of the rates should lie below {middle:g}, but {max(share, 1 - share):.0%} lie {side} it."
    quarter = np.mean(rates < low**0.75 * high**0.25)
    if abs(quarter - 0.25) > 3 / np.sqrt(count):
        return "The rates crowd: each factor of 10 must get as many as the others."
    if len(np.unique(rates)) < count:
        return "Some rates come twice: draw each one anew."
    if (np.diff(rates) >= 0).all() or (np.diff(rates) <= 0).all():
        return "The rates are in order, as on a grid: draw them at random."
    return None


learning_rates = Exercise(
    "learning_rates(low, high, count)",
    """Draw learning rates between `low` and `high` for a random search: an array of `count` numbers. There should be as
    many between 0.001 and 0.01 as between 0.01 and 0.1.""",
    lambda low, high, count: 10 ** np.random.uniform(np.log10(low), np.log10(high), count),
    [*trials("one rate", (1e-3, 1e-1, 1)), *trials("many rates", (1e-6, 1e-2, 1000), (1e-4, 1.0, 1000))],
    judge=_is_logarithmic,
    mistakes={
        "uniform in the rate itself: nearly all are in the largest factor of 10": lambda low, high, count: (
            np.random.uniform(low, high, count)
        ),
        "the exponent is drawn, and 10 to its power is missing": lambda low, high, count: np.random.uniform(
            np.log10(low), np.log10(high), count
        ),
        "this is a grid, not a draw": lambda low, high, count: np.logspace(np.log10(low), np.log10(high), count),
        "the exponents are whole numbers": lambda low, high, count: (
            10.0 ** np.random.randint(int(np.log10(low)), int(np.log10(high)) + 1, count)
        ),
        "one rate is drawn and repeated": lambda low, high, count: np.full(
            count, 10 ** np.random.uniform(np.log10(low), np.log10(high))
        ),
        "the natural logarithm is undone by 10 to the power": lambda low, high, count: (
            10 ** np.random.uniform(np.log(low), np.log(high), count)
        ),
    },
)
