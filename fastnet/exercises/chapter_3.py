"""Exercises to chapter 3 of the book: from the inputs of a network to its answer."""

from typing import Any

import numpy as np

from fastnet.exercises._exercise import Exercise, trials
from fastnet.functions import sigmoid as _sigmoid
from fastnet.functions import softmax as _softmax

__all__ = [
    "accuracy",
    "affine",
    "batches",
    "forward",
    "normalize",
    "one_hot",
    "relu",
    "sigmoid",
    "softmax",
    "step_function",
]

_VECTORS = [np.array([1.0]), np.array([-1.0, 2.0]), np.array([0.5, -0.25, 3.0])]
_BATCHES = [np.array([[-2.0, 1.0]]), np.array([[1.0, -3.0], [0.5, 2.0]]), np.array([[0.1, 0.2, -0.3], [1.0, 2.0, 3.0]])]
_INTEGERS = [np.array([2]), np.array([-1, 2, 1])]
_ELEMENTWISE = [
    *trials("a number", 0.5, -2.0),
    *trials("a vector", *_VECTORS),
    *trials("a batch", *_BATCHES),
    *trials("exactly 0", np.array([0.0]), np.array([-1.0, 0.0, 1.0])),
    *trials("integers", *_INTEGERS),
]


def _written(function: Any) -> Any:
    """The function, but it writes the result into its argument, too."""

    def writes(x: Any) -> Any:
        result = function(x)
        if isinstance(x, np.ndarray) and x.dtype == float:
            x[...] = result
        return result

    return writes


step_function = Exercise(
    "step_function(x)",
    "Give 1 where x is greater than 0, and 0 elsewhere. x is a number or an array, and so is the result.",
    lambda x: (np.asarray(x) > 0).astype(int),
    _ELEMENTWISE,
    mistakes={
        "0 itself must give 0": lambda x: (np.asarray(x) >= 0).astype(int),
        "0 and 1 are the wrong way round": lambda x: (np.asarray(x) <= 0).astype(int),
        "an if takes one truth value, and an array has many": lambda x: 1 if x > 0 else 0,
        "this is the sign: -1 for negative numbers": np.sign,
        "this is ReLU: it keeps the positive numbers": lambda x: np.maximum(0, x),
        "the result is written into the argument": _written(lambda x: (np.asarray(x) > 0).astype(int)),
    },
)


def _integers_kept(function: Any) -> Any:
    """The function, with a result in the dtype of the argument."""

    def keeps(x: Any) -> Any:
        result = np.zeros_like(x)
        result[...] = function(x)
        return result

    return keeps


sigmoid = Exercise(
    "sigmoid(x)",
    "The sigmoid function of a number or of an array of any shape. It is 0.5 at 0, and always between 0 and 1.",
    _sigmoid,
    [*_ELEMENTWISE, *trials("large numbers", np.array([1000.0]), np.array([-1000.0, 1000.0]))],
    mistakes={
        "the sign of x in exp is wrong": lambda x: _sigmoid(-np.asarray(x)),
        "this is tanh, which goes from -1 to 1": np.tanh,
        "the brackets are missing: 1 is divided by 1 before exp is added": lambda x: (
            1 / 1 + np.exp(-np.asarray(x, float))
        ),
        "this is the slope of the sigmoid, not the sigmoid": lambda x: _sigmoid(x) * (1 - _sigmoid(x)),
        "the result has the dtype of x, and integers cannot hold fractions": _integers_kept(_sigmoid),
        "the result is written into the argument": _written(_sigmoid),
        "math.exp takes one number, not an array": lambda x: 1 / (1 + float(np.exp(-float(x)))),
        "exp of a large positive number is infinite, and infinity divided by infinity is nan": lambda x: (
            np.exp(np.asarray(x, float)) / (1 + np.exp(np.asarray(x, float)))
        ),
    },
)

relu = Exercise(
    "relu(x)",
    "Give x where it is positive, and 0 elsewhere, for a number or an array of any shape.",
    lambda x: np.maximum(0, x),
    _ELEMENTWISE,
    mistakes={
        "min is taken where max is wanted": lambda x: np.minimum(0, x),
        "max over the whole array gives one number": lambda x: np.max(np.append(np.ravel(x), 0)),
        "this is the step function": lambda x: (np.asarray(x) > 0).astype(int),
        "this is the absolute value": np.abs,
        "negative numbers pass, with a small slope: this is leaky ReLU": lambda x: np.where(x > 0, x, 0.01 * x),
        "if and Python's max ask one yes or no, and an array has many numbers": lambda x: max(0, x),
        "the result is written into the argument": _written(lambda x: np.maximum(0, x)),
    },
)


def _softmax_of_all(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / e.sum()


def _softmax_by_column(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=0))
    return e / e.sum(axis=0)


def _softmax_without_shift(x: Any) -> Any:
    e = np.exp(np.asarray(x, float))
    return e / e.sum(axis=-1, keepdims=True)


softmax = Exercise(
    "softmax(x)",
    """Turn scores into probabilities: each is positive, and their sum is 1. x is a vector, or a batch with one sample
    in each row; then the sum of each row is 1.""",
    _softmax,
    [
        *trials("a vector", *_VECTORS),
        *trials("equal scores", np.array([2.0, 2.0])),
        *trials("a batch", *_BATCHES),
        *trials("integers", np.array([1, 2]), np.array([[0, 2], [3, 1]])),
        *trials("large numbers", np.array([1000.0, 1001.0]), np.array([[-1000.0, -999.0], [1000.0, 1001.0]])),
        *trials("rows of very different sizes", np.array([[1.0, 2.0], [900.0, 901.0]])),
    ],
    mistakes={
        "exp of a large number is infinite: first subtract a number from all scores of a row": _softmax_without_shift,
        "the sum and the maximum run over the whole batch, not over each row": _softmax_of_all,
        "they run down the columns, where each column has one score of every sample": _softmax_by_column,
        "the sum runs over the whole batch, not over each row": lambda x: (
            np.exp(x - np.max(x, axis=-1, keepdims=True)) / np.exp(x - np.max(x, axis=-1, keepdims=True)).sum()
        ),
        "the largest score is subtracted from the whole batch: other rows become 0": lambda x: (
            np.exp(x - np.max(x)) / np.exp(x - np.max(x)).sum(axis=-1, keepdims=True)
        ),
        "it divides the scores themselves by their sum: exp is missing": lambda x: (
            np.asarray(x, float) / np.sum(x, axis=-1, keepdims=True)
        ),
        "it does not divide by the sum": lambda x: np.exp(x - np.max(x, axis=-1, keepdims=True)),
        "this is the logarithm of softmax": lambda x: np.log(_softmax(x)),
        "the largest score is divided by, not subtracted": lambda x: (
            np.exp(x / np.max(x, axis=-1, keepdims=True))
            / np.exp(x / np.max(x, axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)
        ),
        "it gives softmax of -x: large scores get small probabilities": lambda x: _softmax(-np.asarray(x)),
        "without keepdims, a sum of each row cannot be divided by": lambda x: (
            np.exp(x - np.max(x, axis=-1, keepdims=True)) / np.exp(x - np.max(x, axis=-1, keepdims=True)).sum(axis=-1)
        ),
    },
)

_W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
_SQUARE = np.array([[1.0, 2.0], [3.0, -4.0]])
affine = Exercise(
    "affine(x, W, b)",
    """The weighted sums of one layer, with its biases b. x is one sample (D,) or a batch (N, D), W is (D, H), b is
    (H,). Give (H,) or (N, H).""",
    lambda x, W, b: x @ W + b,
    [
        *trials("one input and one unit", (np.array([2.0]), np.array([[3.0]]), np.array([1.0]))),
        *trials("one sample", (np.array([1.0, -2.0]), _W, np.array([0.1, 0.2, 0.3]))),
        *trials("a square W", (np.array([1.0, 2.0]), _SQUARE, np.array([0.0, 0.0]))),
        *trials(
            "a batch",
            (np.array([[1.0, -2.0], [0.5, 3.0]]), _SQUARE, np.array([0.5, -1.0])),
            (np.array([[1.0, -2.0], [0.5, 3.0]]), _W, np.array([0.1, 0.2, 0.3])),
        ),
    ],
    mistakes={
        "the bias is not added": lambda x, W, b: x @ W,
        "the bias is subtracted": lambda x, W, b: x @ W - b,
        "* multiplies element by element: a matrix product is wanted": lambda x, W, b: x * W + b,
        "W is used as if its rows were the units": lambda x, W, b: x @ W.T + b,
        "W and x are in the wrong order": lambda x, W, b: W @ x + b,
        "the bias is added before the product": lambda x, W, b: (x + b) @ W,
    },
)


def _forward(network: Any, x: Any) -> Any:
    z1 = _sigmoid(x @ network["W1"] + network["b1"])
    z2 = _sigmoid(z1 @ network["W2"] + network["b2"])
    return z2 @ network["W3"] + network["b3"]


_BOOK = {
    "W1": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
    "b1": np.array([0.1, 0.2, 0.3]),
    "W2": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
    "b2": np.array([0.1, 0.2]),
    "W3": np.array([[0.1, 0.3], [0.2, 0.4]]),
    "b3": np.array([0.1, 0.2]),
}
_SMALL = {name: np.array([[0.5]]) if name[0] == "W" else np.array([0.25]) for name in _BOOK}


def _three_layers(first: Any, second: Any, last: Any, *, biases: bool = True) -> Any:
    def answer(network: Any, x: Any) -> Any:
        z = x
        for layer, function in enumerate((first, second, last), 1):
            z = function(z @ network[f"W{layer}"] + (network[f"b{layer}"] if biases else 0))
        return z

    return answer


forward = Exercise(
    "forward(network, x)",
    """The three-layer network of the book: weighted sums with W1 and b1, sigmoid, W2 and b2, sigmoid, W3 and b3, and
    the identity at the end. network is a dict of arrays, x is one sample or a batch.""",
    _forward,
    [
        *trials("one unit a layer", (_SMALL, np.array([1.0]))),
        *trials("one sample", (_BOOK, np.array([1.0, 0.5]))),
        *trials("a batch", (_BOOK, np.array([[1.0, 0.5], [-2.0, 3.0]]))),
    ],
    mistakes={
        "there is a sigmoid behind the last layer, too": _three_layers(_sigmoid, _sigmoid, _sigmoid),
        "the sigmoid behind the second layer is missing": _three_layers(_sigmoid, lambda a: a, lambda a: a),
        "the sigmoid behind the first layer is missing": _three_layers(lambda a: a, _sigmoid, lambda a: a),
        "there is no sigmoid": _three_layers(lambda a: a, lambda a: a, lambda a: a),
        "there is a softmax at the end": _three_layers(_sigmoid, _sigmoid, _softmax),
        "the biases are not added": _three_layers(_sigmoid, _sigmoid, lambda a: a, biases=False),
        "it stops behind the second layer": lambda network, x: _three_layers(_sigmoid, _sigmoid, lambda a: a)(
            {**network, "W3": np.eye(len(network["b2"])), "b3": 0.0}, x
        ),
    },
)

_Y = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
_T = np.array([1, 1, 1, 0])
accuracy = Exercise(
    "accuracy(y, t)",
    "The share of right answers. Each row of y has the probabilities of one sample, and t has its label.",
    lambda y, t: np.mean(np.argmax(y, axis=1) == t),
    [
        *trials("one sample", (_Y[:1], _T[:1]), (_Y[1:2], _T[1:2])),
        *trials(
            "a batch", (_Y, _T), (np.array([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), np.array([2, 1, 1]))
        ),
    ],
    mistakes={
        "it counts the right answers, and does not divide by the number of samples": lambda y, t: np.sum(
            np.argmax(y, axis=1) == t
        ),
        "argmax runs down the columns": lambda y, t: np.mean(np.argmax(y, axis=0) == t),
        "argmax without an axis looks at the whole batch": lambda y, t: np.mean(np.argmax(y) == t),
        "this is the share of wrong answers": lambda y, t: np.mean(np.argmax(y, axis=1) != t),
        "it takes the least probable class": lambda y, t: np.mean(np.argmin(y, axis=1) == t),
        "the share is between 0 and 1, not in percent": lambda y, t: 100 * np.mean(np.argmax(y, axis=1) == t),
    },
)

normalize = Exercise(
    "normalize(images)",
    "Pixels are whole numbers from 0 to 255 (uint8). Give fractions from 0 to 1, in a new array.",
    lambda images: images / 255,
    [
        *trials("a pixel", np.array([255], np.uint8), np.array([0], np.uint8)),
        *trials("an image", np.array([[0, 51], [102, 255]], np.uint8)),
        *trials("a dark image", np.array([[0, 51]], np.uint8)),
        *trials("a batch", np.array([[[0, 128]], [[255, 1]]], np.uint8)),
    ],
    mistakes={
        "255 must become 1: 256 is one too many": lambda images: images / 256,
        "// throws the fractions away, and so does an array of whole numbers": lambda images: images // 255,
        "each batch is divided by its own largest pixel": lambda images: (
            images / images.max() if images.any() else images * 1.0
        ),
        "the result is from -1 to 1": lambda images: images / 127.5 - 1,
        "paper and ink are exchanged": lambda images: 1 - images / 255,
    },
)


def _one_hot(t: Any, classes: int) -> Any:
    return np.eye(classes)[t]


one_hot = Exercise(
    "one_hot(t, classes)",
    "Turn labels into rows: a 1 at the place of the label, and 0 elsewhere. t holds N labels; give (N, `classes`).",
    _one_hot,
    [
        *trials("one label", (np.array([0]), 2), (np.array([1]), 2)),
        *trials("many labels", (np.array([2, 0, 1, 2]), 3)),
        *trials("a class that does not occur", (np.array([0, 1]), 4)),
    ],
    mistakes={
        "the labels are counted from 1": lambda t, classes: np.eye(classes)[t - 1],
        "the number of columns comes from the largest label, not from classes": lambda t, _: np.eye(t.max() + 1)[t],
        "rows and columns are exchanged": lambda t, classes: np.eye(classes)[t].T,
        "the whole column is set, not one place in each row": lambda t, classes: (
            np.isin(np.arange(classes), t)[None].repeat(len(t), 0).astype(float)
        ),
        "the label itself is written, not a 1": lambda t, classes: np.eye(classes)[t] * t[:, None],
    },
)


def _batches(x: Any, size: int) -> Any:
    return [x[start : start + size] for start in range(0, len(x), size)]


_ROWS = np.arange(10.0).reshape(5, 2)
batches = Exercise(
    "batches(x, size)",
    "Cut x into batches of `size` rows, in order. Each row is a sample. Give a list; the last batch may be smaller.",
    _batches,
    [
        *trials("batches of one", (_ROWS[:2], 1)),
        *trials("no remainder", (_ROWS[:4], 2)),
        *trials("a remainder", (_ROWS, 2), (_ROWS, 3)),
        *trials("fewer samples than a batch", (_ROWS[:1], 3)),
    ],
    mistakes={
        "the last, smaller batch is lost": lambda x, size: [
            x[k * size : (k + 1) * size] for k in range(len(x) // size)
        ],
        "the batches overlap: the steps are 1, not the size": lambda x, size: [
            x[k : k + size] for k in range(len(x) - size + 1)
        ],
        "the slice ends one row too early": lambda x, size: [x[k : k + size - 1] for k in range(0, len(x), size)],
        "the slice ends one row too late": lambda x, size: [x[k : k + size + 1] for k in range(0, len(x), size)],
        "size is taken for the number of batches": lambda x, size: np.array_split(x, size),
    },
)
