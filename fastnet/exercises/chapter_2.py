"""Exercises to chapter 2 of the book: perceptrons and gates."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet.exercises._exercise import Exercise, Outputs, trials

__all__ = ["AND", "NAND", "NOR", "OR", "XOR", "full_adder", "half_adder", "majority", "perceptron", "separates"]

BITS = list(itertools.product((0, 1), repeat=2))
TRIPLES = list(itertools.product((0, 1), repeat=3))
CONSTANT = {
    "it gives 1 for all inputs": lambda *_: 1,
    "it gives 0 for all inputs": lambda *_: 0,
}


def _gate(name: str, task: str, right: Callable[[int, int], int], **mistakes: Callable[[int, int], int]) -> Exercise:
    """A gate of two inputs. `mistakes` are other gates, by name."""
    named: dict[str, Any] = {f"these are the answers of {other}": gate for other, gate in mistakes.items()}
    return Exercise(f"{name}(x1, x2)", task, right, trials("0 and 1", *BITS), mistakes=named | CONSTANT)


AND = _gate(
    "AND",
    "Give 1 if both inputs are 1, else 0. Use two weights and a threshold or a bias, as a perceptron.",
    lambda x1, x2: x1 & x2,
    OR=lambda x1, x2: x1 | x2,
    NAND=lambda x1, x2: 1 - (x1 & x2),
    XOR=lambda x1, x2: x1 ^ x2,
)
NAND = _gate(
    "NAND",
    "Give 0 if both inputs are 1, else 1: the opposite of AND, with one perceptron.",
    lambda x1, x2: 1 - (x1 & x2),
    AND=lambda x1, x2: x1 & x2,
    NOR=lambda x1, x2: 1 - (x1 | x2),
    OR=lambda x1, x2: x1 | x2,
)
OR = _gate(
    "OR",
    "Give 1 if at least one input is 1, else 0, with one perceptron.",
    lambda x1, x2: x1 | x2,
    AND=lambda x1, x2: x1 & x2,
    XOR=lambda x1, x2: x1 ^ x2,
    NOR=lambda x1, x2: 1 - (x1 | x2),
)
NOR = _gate(
    "NOR",
    "Give 1 if no input is 1, else 0, with one perceptron.",
    lambda x1, x2: 1 - (x1 | x2),
    OR=lambda x1, x2: x1 | x2,
    NAND=lambda x1, x2: 1 - (x1 & x2),
    AND=lambda x1, x2: x1 & x2,
)
XOR = _gate(
    "XOR",
    "Give 1 if exactly one input is 1, else 0. One perceptron cannot do it: combine gates.",
    lambda x1, x2: x1 ^ x2,
    OR=lambda x1, x2: x1 | x2,
    AND=lambda x1, x2: x1 & x2,
    XNOR=lambda x1, x2: 1 - (x1 ^ x2),
)

majority = Exercise(
    "majority(x1, x2, x3)",
    "Give 1 if two or three of the inputs are 1, else 0, with one perceptron.",
    lambda x1, x2, x3: int(x1 + x2 + x3 >= 2),
    trials("0 and 1", *TRIPLES),
    mistakes={
        "it asks for all three inputs": lambda x1, x2, x3: x1 & x2 & x3,
        "one input is enough for it": lambda x1, x2, x3: x1 | x2 | x3,
        "it wants exactly two inputs": lambda x1, x2, x3: int(x1 + x2 + x3 == 2),
    }
    | CONSTANT,
)

perceptron = Exercise(
    "perceptron(x, w, b)",
    """One perceptron: give 1 if the weighted sum of the inputs plus the bias is greater than 0, else 0. x and w are
    arrays of the same length, b is a number.""",
    lambda x, w, b: int(np.sum(x * w) + b > 0),
    [
        *trials(
            "one input",
            (np.array([1.0]), np.array([2.0]), -1.0),
            (np.array([1.0]), np.array([2.0]), -3.0),
            (np.array([-1.0]), np.array([2.0]), 3.0),
            (np.array([1.0]), np.array([2.0]), 3.0),
        ),
        *trials("a sum of exactly 0", (np.array([1.0]), np.array([1.0]), -1.0)),
        *trials("no bias", (np.array([1.0, 0.0]), np.array([-0.5, 2.0]), 0.0)),
        *trials("many inputs", (np.array([1.0, 0.0, 2.0]), np.array([0.5, 9.0, -0.2]), -0.05)),
        *trials("negative sums", (np.array([1.0, 1.0]), np.array([-1.0, -2.0]), 0.5)),
    ],
    mistakes={
        "the bias is not added": lambda x, w, b: int(np.sum(x * w) > 0),
        "the bias is subtracted, as if it were a threshold": lambda x, w, b: int(np.sum(x * w) - b > 0),
        "a sum of exactly 0 must give 0": lambda x, w, b: int(np.sum(x * w) + b >= 0),
        "the weights are not used": lambda x, w, b: int(np.sum(x) + b > 0),
        "the inputs are not used": lambda x, w, b: int(np.sum(w) + b > 0),
        "it gives the weighted sum itself: the step is missing": lambda x, w, b: np.sum(x * w) + b,
    },
)

half_adder = Exercise(
    "half_adder(x1, x2)",
    "Add two bits with gates. Give the pair (carry, sum): 1 + 1 is binary 10, so its carry is 1 and its sum is 0.",
    lambda x1, x2: (x1 & x2, x1 ^ x2),
    trials("0 and 1", *BITS),
    mistakes={
        "carry and sum are in the wrong order": lambda x1, x2: (x1 ^ x2, x1 & x2),
        "the sum is made by OR, which gives 1 for 1 and 1": lambda x1, x2: (x1 & x2, x1 | x2),
        "the carry is made by OR": lambda x1, x2: (x1 | x2, x1 ^ x2),
    },
)

full_adder = Exercise(
    "full_adder(x1, x2, carry)",
    "Add two bits and the carry from the place to the right, with gates. Give the pair (carry, sum).",
    lambda x1, x2, carry: divmod(x1 + x2 + carry, 2),
    trials("0 and 1", *TRIPLES),
    mistakes={
        "carry and sum are in the wrong order": lambda x1, x2, c: divmod(x1 + x2 + c, 2)[::-1],
        "the carry that comes in is not added": lambda x1, x2, c: (x1 & x2, x1 ^ x2),
        "the carry that goes out forgets one of the two half adders": lambda x1, x2, c: (x1 & x2, x1 ^ x2 ^ c),
    },
)


def _separates(x: Any, t: Any, w: Any, b: float) -> bool:
    return bool(np.all((x @ w + b > 0) == (t == 1)))


_FOUR = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def _truth(answer: Any, *arguments: Any) -> Outputs:
    given = answer(*arguments)
    return {"separates(x, t, w, b)": given if given is None or np.size(given) != 1 else bool(given)}


separates = Exercise(
    "separates(x, t, w, b)",
    """Is the answer of one perceptron right for all samples? Give True or False. x has one sample in each row, and t
    has 0 or 1 for each row. w has the weights, and b is the bias.""",
    _separates,
    [
        *trials(
            "one sample",
            (np.array([[1.0]]), np.array([1]), np.array([1.0]), 0.0),
            (np.array([[1.0]]), np.array([0]), np.array([1.0]), 0.0),
        ),
        *trials("a sum of exactly 0", (np.array([[1.0]]), np.array([0]), np.array([1.0]), -1.0)),
        *trials(
            "a gate",
            (_FOUR, np.array([0, 0, 0, 1]), np.array([0.5, 0.5]), -0.7),
            (_FOUR, np.array([0, 1, 1, 1]), np.array([0.5, 0.5]), -0.2),
        ),
        *trials(
            "a wrong answer for some samples",
            (_FOUR, np.array([0, 1, 1, 0]), np.array([0.5, 0.5]), -0.2),
            (_FOUR, np.array([0, 0, 0, 1]), np.array([-0.5, -0.5]), 0.7),
            (_FOUR, np.array([1, 0, 0, 1]), np.array([0.5, 0.5]), -0.7),
        ),
    ],
    run=_truth,
    mistakes={
        "one right sample is enough for it": lambda x, t, w, b: bool(np.any((x @ w + b > 0) == (t == 1))),
        "the bias is not added": lambda x, t, w, b: _separates(x, t, w, 0),
        "a sum of exactly 0 belongs to the answer 0": lambda x, t, w, b: bool(np.all((x @ w + b >= 0) == (t == 1))),
        "it looks at the first sample only": lambda x, t, w, b: _separates(x[:1], t[:1], w, b),
    },
)
