"""Exercises to chapter 4 of the book: losses, numerical gradients, and going down."""

from typing import Any

import numpy as np

from fastnet import functions, information
from fastnet.exercises._exercise import Exercise, Outputs, kept, trials

__all__ = [
    "cross_entropy",
    "cross_entropy_error",
    "cross_entropy_of_labels",
    "gradient_descent",
    "kl_divergence",
    "mini_batch",
    "numerical_diff",
    "numerical_gradient",
    "sigmoid_grad",
    "sum_squared_error",
]

EPS = 1e-7  # the book's: log(0) is infinite

_y = np.array([0.1, 0.7, 0.2])
_t = np.array([0.0, 1.0, 0.0])
_Y = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
_T = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])

sum_squared_error = Exercise(
    "sum_squared_error(y, t)",
    "Half of the sum of the squared differences, over everything. y and t have the same shape. Give one number.",
    lambda y, t: 0.5 * np.sum((y - t) ** 2),
    [
        *trials("one output", (np.array([3.0]), np.array([1.0]))),
        *trials("one sample", (_y, _t), (np.array([1.0, 2.0]), np.array([2.0, 0.0]))),
        *trials("a batch", (_Y, _T)),
    ],
    mistakes={
        "it is not halved": lambda y, t: np.sum((y - t) ** 2),
        "it takes the mean, where the book takes the sum": lambda y, t: np.mean((y - t) ** 2),
        "the differences are not squared": lambda y, t: 0.5 * np.sum(y - t),
        "the sum is squared, not each difference": lambda y, t: 0.5 * np.sum(y - t) ** 2,
        "it sums the absolute differences": lambda y, t: 0.5 * np.sum(np.abs(y - t)),
        "it gives one number for each output: the sum is missing": lambda y, t: 0.5 * (y - t) ** 2,
        "y and t are added": lambda y, t: 0.5 * np.sum((y + t) ** 2),
    },
)

cross_entropy = Exercise(
    "cross_entropy(y, t)",
    """The cross-entropy of one sample: minus the sum of t log(y + 1e-7). y has probabilities (C,), t is one-hot (C,),
    or has probabilities.""",
    lambda y, t: -np.sum(t * np.log(y + EPS)),
    [
        *trials("a right guess", (np.array([0.2, 0.8]), np.array([0.0, 1.0])), (_y, _t)),
        *trials("a wrong guess", (_y, np.array([1.0, 0.0, 0.0]))),
        *trials(
            "a probability of 0",
            (np.array([1.0, 0.0]), np.array([0.0, 1.0])),
            (np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        ),
        *trials("a target of probabilities", (_y, np.array([0.5, 0.25, 0.25]))),
    ],
    mistakes={
        "the minus is missing": lambda y, t: np.sum(t * np.log(y + EPS)),
        "log(0) is infinite, and 0 times infinity is nan": lambda y, t: -np.sum(t * np.log(y)),
        "y and t are exchanged": lambda y, t: -np.sum(y * np.log(t + EPS)),
        "the logarithm has the base 10": lambda y, t: -np.sum(t * np.log10(y + EPS)),
        "the logarithm has the base 2": lambda y, t: -np.sum(t * np.log2(y + EPS)),
        "the logarithm is missing": lambda y, t: -np.sum(t * y),
        "it takes the mean over the classes, where a sum is wanted": lambda y, t: -np.mean(t * np.log(y + EPS)),
        "1e-7 is added to the logarithm, not to y": lambda y, t: -np.sum(t * (np.log(y) + EPS)),
    },
    tolerance=1e-4,
)


def _of_batch(y: Any, t: Any) -> Any:
    return -np.sum(t * np.log(y + EPS)) / len(y)


cross_entropy_error = Exercise(
    "cross_entropy_error(y, t)",
    """The mean cross-entropy of a batch. y has probabilities (N, C), t is one-hot (N, C). Add 1e-7 to y, so that no
    logarithm of 0 is taken.""",
    _of_batch,
    [
        *trials("one sample", (_Y[:1], _T[:1])),
        *trials("a batch", (_Y, _T), (np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]), np.eye(2)[[0, 1, 1]])),
        *trials("a probability of 0", (np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [1.0, 0.0]]))),
    ],
    mistakes={
        "it is not divided by the number of samples": lambda y, t: len(y) * _of_batch(y, t),
        "it is divided by the number of classes, too": lambda y, t: _of_batch(y, t) / y.shape[1],
        "it is divided by the number of classes, not of samples": lambda y, t: len(y) * _of_batch(y, t) / y.shape[1],
        "the minus is missing": lambda y, t: -_of_batch(y, t),
        "it gives one number for each sample: the mean is missing": lambda y, t: -np.sum(t * np.log(y + EPS), axis=1),
        "it is summed over the samples, and divided by their number, for each class": lambda y, t: (
            -np.mean(t * np.log(y + EPS), axis=0)
        ),
        "log(0) is infinite": lambda y, t: -np.sum(t * np.log(y)) / len(y),
        "y and t are exchanged": lambda y, t: _of_batch(t, y),
    },
    tolerance=1e-4,
)


def _of_labels(y: Any, t: Any) -> Any:
    return -np.sum(np.log(y[np.arange(len(t)), t] + EPS)) / len(t)


_Y3 = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.25, 0.25, 0.5]])
cross_entropy_of_labels = Exercise(
    "cross_entropy_of_labels(y, t)",
    """The same mean cross-entropy, for labels: y has probabilities (N, C), t has the number of the right class of each
    sample (N,).""",
    _of_labels,
    [
        *trials("one sample", (_Y3[:1], np.array([1])), (_Y3[:1], np.array([0]))),
        *trials("a batch", (_Y3[:2], np.array([1, 0])), (_Y3, np.array([2, 0, 1]))),
    ],
    mistakes={
        "y[:, t] picks whole columns: a place is wanted in each row": lambda y, t: (
            -np.sum(np.log(y[:, t] + EPS)) / len(t)
        ),
        "y[t] picks rows": lambda y, t: -np.sum(np.log(y[t % len(y)] + EPS)) / len(t),
        "it is not divided by the number of samples": lambda y, t: len(t) * _of_labels(y, t),
        "the minus is missing": lambda y, t: -_of_labels(y, t),
        "the labels are counted from 1": lambda y, t: _of_labels(y, t - 1),
        "the labels are multiplied, as if they were one-hot": lambda y, t: (
            -np.sum(t[:, None] * np.log(y + EPS)) / len(t)
        ),
        "it takes the most probable class, not the right one": lambda y, t: _of_labels(y, y.argmax(axis=1)),
    },
    tolerance=1e-4,
)


def _square(x: Any) -> Any:
    """lambda x: x ** 2"""
    return x**2


def _cube(x: Any) -> Any:
    """lambda x: x ** 3"""
    return x**3


def _exp(x: Any) -> Any:
    """np.exp"""
    return np.exp(x)


numerical_diff = Exercise(
    "numerical_diff(f, x)",
    """The derivative of f at x by central differences, with a step h of 1e-4. f is a function of one number. It must
    be right to 7 digits, for smooth functions.""",
    lambda f, x: (f(x + 1e-4) - f(x - 1e-4)) / 2e-4,
    [
        *trials("a parabola", (_square, 1.0), (_square, -2.0)),
        *trials("a flat place", (_square, 0.0)),
        *trials("a cube", (_cube, 2.0)),
        *trials("an exponential", (_exp, 0.0), (_exp, 1.0)),
    ],
    mistakes={
        "this is the difference to one side: its error is of the order h": lambda f, x: (f(x + 1e-4) - f(x)) / 1e-4,
        "this is the difference to the left side": lambda f, x: (f(x) - f(x - 1e-4)) / 1e-4,
        "the points are 2h apart, and it divides by h": lambda f, x: (f(x + 1e-4) - f(x - 1e-4)) / 1e-4,
        "it multiplies by h: brackets are missing in / 2 * h": lambda f, x: (f(x + 1e-4) - f(x - 1e-4)) / 2 * 1e-4,
        "h is so small that x + h is x": lambda f, x: (f(x + 1e-50) - f(x - 1e-50)) / 2e-50,
        "the two values of f are in the wrong order": lambda f, x: (f(x - 1e-4) - f(x + 1e-4)) / 2e-4,
        "h is too small: most digits of the difference are rounding": lambda f, x: (
            (f(x + 1e-12) - f(x - 1e-12)) / 2e-12
        ),
        "h is too large: the curve is not straight over it": lambda f, x: (f(x + 0.1) - f(x - 0.1)) / 0.2,
    },
    tolerance=2e-7,
)


def _sum_of_squares(x: Any) -> Any:
    """lambda x: np.sum(x ** 2)"""
    return np.sum(x**2)


def _product(x: Any) -> Any:
    """lambda x: np.prod(x)"""
    return np.prod(x)


def _weighted(x: Any) -> Any:
    """lambda x: np.sum(np.arange(x.size).reshape(x.shape) * x ** 2)"""
    return np.sum(np.arange(x.size).reshape(x.shape) * x**2)


def _gradient(f: Any, x: Any, *, restore: bool = True, factor: float = 1, last: bool = True) -> Any:
    grad = np.zeros_like(x)
    places = list(np.ndindex(x.shape))
    for place in places if last else places[:-1]:
        value = x[place]
        x[place] = value + 1e-4
        above = f(x)
        x[place] = value - 1e-4
        below = f(x)
        grad[place] = factor * (above - below) / 2e-4
        if restore:
            x[place] = value
    return grad


numerical_gradient = Exercise(
    "numerical_gradient(f, x)",
    """The gradient of f at x by central differences, one element at a time, with a step of 1e-4. f takes an array and
    gives one number. x is an array of floats of any shape; it must be the same afterwards.""",
    _gradient,
    [
        *trials("one element", (_sum_of_squares, np.array([3.0]))),
        *trials("a vector", (_sum_of_squares, np.array([3.0, -4.0])), (_product, np.array([2.0, 3.0, 4.0]))),
        *trials("a matrix", (_weighted, np.array([[1.0, 2.0], [3.0, 4.0]])), (_product, np.array([[1.0, 2.0, -3.0]]))),
    ],
    mistakes={
        "x is not put back before the next element is moved": lambda f, x: _gradient(f, x, restore=False),
        "the points are 2h apart, and it divides by h": lambda f, x: _gradient(f, x, factor=2),
        "all elements are moved at once": lambda f, x: np.full_like(x, (f(x + 1e-4) - f(x - 1e-4)) / 2e-4),
        "the last element is left out": lambda f, x: _gradient(f, x, last=False),
        "the two values of f are in the wrong order": lambda f, x: _gradient(f, x, factor=-1),
        "x[k] of a matrix is a whole row": lambda f, x: _by_row(f, x, np.copy),
        "x[k] of a matrix is a whole row, and not a copy of it: it moves with x": lambda f, x: _by_row(f, x),
        "x[k] of a matrix is a whole row, and float takes one number": lambda f, x: _by_row(f, x, float),
        "x[k] of a matrix is a whole row, and x.size counts the elements": lambda f, x: _by_row(f, x, count=x.size),
    },
    tolerance=1e-6,
)


def _by_row(f: Any, x: Any, keep: Any = lambda value: value, count: int | None = None) -> Any:
    grad = np.zeros_like(x)
    for k in range(len(x) if count is None else count):
        value = keep(x[k])
        x[k] = value + 1e-4
        above = f(x)
        x[k] = value - 1e-4
        below = f(x)
        grad[k] = (above - below) / 2e-4
        x[k] = value
    return grad


def _descent(f: Any, init_x: Any, lr: float, step_num: int, *, sign: int = -1) -> Any:
    x = init_x.copy()
    for _ in range(step_num):
        x += sign * lr * _gradient(f, x)
    return x


def _descent_in_place(f: Any, init_x: Any, lr: float, step_num: int) -> Any:
    init_x[...] = _descent(f, init_x, lr, step_num)
    return init_x


gradient_descent = Exercise(
    "gradient_descent(f, init_x, lr, step_num)",
    """Go down from `init_x`. In each of `step_num` steps, subtract `lr` times the numerical gradient. Give the last x.
    The array `init_x` must stay as it is.""",
    _descent,
    [
        *trials("no step", (_sum_of_squares, np.array([1.0]), 0.1, 0)),
        *trials("one step", (_sum_of_squares, np.array([1.0]), 0.1, 1), (_weighted, np.array([3.0, 4.0]), 0.1, 1)),
        *trials("many steps", (_sum_of_squares, np.array([-3.0, 4.0]), 0.1, 20)),
    ],
    mistakes={
        "it goes up: the gradient is added": lambda f, x, lr, n: _descent(f, x, lr, n, sign=1),
        "it writes into init_x: a copy is needed before the first step": _descent_in_place,
        "the learning rate is not used": lambda f, x, lr, n: _descent(f, x, 1.0, n),
        "it makes one step only": lambda f, x, lr, n: _descent(f, x, lr, min(n, 1)),
        "it makes one step too many": lambda f, x, lr, n: _descent(f, x, lr, n + 1),
        "it makes one step too few": lambda f, x, lr, n: _descent(f, x, lr, n - 1),
        "the gradient is taken once, at the start, and used for all steps": lambda f, x, lr, n: (
            x - n * lr * _gradient(f, x.copy())
        ),
        "it gives the gradient, not x": lambda f, x, lr, n: _gradient(f, _descent(f, x, lr, n)),
    },
    tolerance=1e-5,
)

_ROWS = np.arange(60.0).reshape(20, 3)
_LABELS = np.arange(20)


def _drawn(answer: Any, x: Any, t: Any, size: int) -> Outputs:
    return {"first": kept(answer(x, t, size)), "second": answer(x, t, size)}


def _is_mini_batch(outputs: Outputs, x: Any, t: Any, size: int) -> str | None:
    call = "mini_batch(x, t, size)"
    for pair in outputs.values():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return f"{call} must give a pair: the rows of x, and their rows of t."
        rows, labels = np.asarray(pair[0]), np.asarray(pair[1])
        if rows.shape != (size, *x.shape[1:]) or labels.shape != (size, *t.shape[1:]):
            return f"{call} gives the shapes {rows.shape} and {labels.shape}, but {size} rows of each are wanted."
        found = [np.flatnonzero((x == row).all(axis=1)) for row in rows]
        if any(len(places) == 0 for places in found):
            return f"{call} gives rows that are not in x."
        if not np.array_equal(labels, t[[places[0] for places in found]]):
            return f"The rows of t do not belong to the rows of x: {call} must draw once, and use the draw for both."
    first, second = (np.asarray(pair[1]) for pair in outputs.values())
    if size > 1 and np.array_equal(first, second):
        return "Two calls give the same rows: they must be drawn at random, each time anew."
    if size > 5 and max(first.max(), second.max()) < len(x) / 2:
        return "Only rows of the first half of x are drawn."
    return None


def _pick(x: Any, t: Any, size: int) -> Any:
    chosen = np.random.choice(len(x), size)
    return x[chosen], t[chosen]


mini_batch = Exercise(
    "mini_batch(x, t, size)",
    """Draw `size` samples at random: rows of x, and the rows of t that belong to them. Give the pair. Each call draws
    anew.""",
    _pick,
    [
        *trials("one row", (_ROWS, _LABELS, 1)),
        *trials("several rows", (_ROWS, _LABELS, 8)),
    ],
    run=_drawn,
    judge=_is_mini_batch,
    mistakes={
        "x and t are drawn separately": lambda x, t, size: (_pick(x, t, size)[0], _pick(x, t, size)[1]),
        "it always takes the first rows": lambda x, t, size: (x[:size], t[:size]),
        "the draw starts anew with the same seed in each call": lambda x, t, size: _seeded(x, t, size),
        "t is forgotten": lambda x, t, size: _pick(x, t, size)[0],
    },
)


def _seeded(x: Any, t: Any, size: int) -> Any:
    chosen = np.random.RandomState(0).choice(len(x), size)
    return x[chosen], t[chosen]


sigmoid_grad = Exercise(
    "sigmoid_grad(x)",
    "The slope of the sigmoid function at x, for a number or an array. It is 0.25 at 0, and smaller on both sides.",
    functions.sigmoid_grad,
    [
        *trials("exactly 0", np.array([0.0])),
        *trials("a number", 0.5, -1.0),
        *trials("a vector", np.array([1.0, -2.0]), np.array([0.1, 3.0, -4.0])),
        *trials("a batch", np.array([[1.0, -1.0], [2.0, 0.5]])),
    ],
    mistakes={
        "x is taken for sigmoid(x): the formula needs the output of the sigmoid": lambda x: (
            np.asarray(x) * (1 - np.asarray(x))
        ),
        "this is the sigmoid itself": lambda x: 1 / (1 + np.exp(-np.asarray(x, float))),
        "the sign is wrong": lambda x: -functions.sigmoid_grad(x),
        "this is the slope of tanh": lambda x: 1 - np.tanh(x) ** 2,
        "s times (1 + s) is taken": lambda x: _sigmoid_plus(x),
    },
)


def _sigmoid_plus(x: Any) -> Any:
    s = 1 / (1 + np.exp(-np.asarray(x, float)))
    return s * (1 + s)


_P, _Q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.5, 0.25])
kl_divergence = Exercise(
    "kl_divergence(p, q)",
    """How far the guess q is from the truth p, in bits: the sum of p times the logarithm, base 2, of p / q. Where p is
    0, the term is 0.""",
    information.kl_divergence,
    [
        *trials("equal distributions", (np.array([0.5, 0.5]), np.array([0.5, 0.5]))),
        *trials(
            "other distributions",
            (np.array([0.5, 0.5]), np.array([0.25, 0.75])),
            (_P, _Q),
            (np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])),
        ),
        *trials("a probability of 0", (np.array([0.0, 1.0]), np.array([0.5, 0.5]))),
    ],
    mistakes={
        "p and q are exchanged": lambda p, q: np.sum(q * np.log2(q / p)),
        "this is the cross-entropy: the entropy of p is not subtracted": lambda p, q: -np.sum(p * np.log2(q)),
        "the logarithm has the base e": lambda p, q: np.log(2) * information.kl_divergence(p, q),
        "the sign is wrong": lambda p, q: -information.kl_divergence(p, q),
        "the logarithm has the base e, and 0 times the logarithm of 0 is nan": lambda p, q: np.sum(p * np.log(p / q)),
        "0 times the logarithm of 0 is nan": lambda p, q: np.sum(p * np.log2(p / q)),
        "this is the entropy of p": lambda p, q: -np.sum(p[p > 0] * np.log2(p[p > 0])),
    },
)
