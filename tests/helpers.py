"""What several test files need."""

import math
from types import SimpleNamespace

import pytest


def each(argument, values):
    """Parametrize `argument`, with the functions' own names as ids."""
    return pytest.mark.parametrize(argument, values, ids=lambda value: value.__name__)


# IPython in the kernel of a notebook
KERNEL = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))


def shown(digits):
    """What a source prints: equal to half a unit of the last digit that it shows."""
    return pytest.approx(float(digits), rel=0, abs=0.5 * 10.0 ** -len(digits.partition(".")[2]))


def plain_softmax(row):
    exponentials = [math.exp(x - max(row)) for x in row]
    return [e / math.fsum(exponentials) for e in exponentials]
