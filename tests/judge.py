"""An independent judge: the book's formulas in arbitrary precision, with bounds for the rounding errors of floats.

Nothing here imports fastnet. A `Real` holds the exact value of a formula and a bound for the error of a computation of
the same formula in floats, in any order of the terms. The bound grows with every operation (a running error analysis),
and so it is large only where the condition of the problem is bad: where terms cancel, or where a large argument of exp
has been rounded. What a function states about itself in ULP is checked in ULP; see `differential/properties.py`.

- Every operation rounds its result: by at most eps of it, where correct rounding is eps / 2. Numbers of few digits are
  not rounded: so the corner of relu at exactly 0 is judged too.
- exp, log and their kind have an error of at most 4 ULP, what fastnet states for functions of one number. In addition,
  the argument is not exact: the function is evaluated at both ends of its interval.
- A sum of n terms has an error of at most n eps times the sum of the absolute values, for every order of the terms.
- Close to 0, results are right to FLOOR only: a network's slopes below exp(-700), or exp(-87) in float32, are 0.
- Where a number may overflow, anything may follow: its error is infinite, and `share_of_bound` accepts every value.
- Infinity and NaN are exact and follow IEEE 754. A function has its limit at infinity.

Shapes: lists of rows, N samples of D inputs or C outputs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, isinf
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

FLOOR = {np.dtype(np.float64): 1e-303, np.dtype(np.float32): 1e-37}
LOSS_EPS = mpf(1e-7)
SLOPE = mpf(0.1)  # of leaky_relu, left of 0
BEYOND = mpf(2) ** 1200  # larger than every float: what stands for infinity where a function has a limit

_dtype, _eps, _floor, _largest = np.dtype(float), float(np.finfo(float).eps), 1e-303, float(np.finfo(float).max)


def dtype_in_use() -> Any:
    return _dtype


@contextlib.contextmanager
def computing_in(dtype: Any) -> Iterator[None]:
    """Within the `with` block, operations round as they do in `dtype`."""
    global _dtype, _eps, _floor, _largest
    before = _dtype, _eps, _floor, _largest
    info = np.finfo(dtype)
    _dtype, _eps, _floor, _largest = np.dtype(dtype), float(info.eps), FLOOR[np.dtype(dtype)], float(info.max)
    try:
        yield
    finally:
        _dtype, _eps, _floor, _largest = before


class Real:
    """An exact value, and how far a computed one may be from it."""

    __slots__ = ("error", "value")

    def __init__(self, value: Any, error: float = 0.0) -> None:
        self.value = mpf(value)
        self.error = error

    def __repr__(self) -> str:
        return f"{mpmath.nstr(self.value, 20)} ± {self.error:.3g}"

    def __add__(self, other: Real) -> Real:
        return _rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Real) -> Real:
        return _rounded(self.value - other.value, self.error + other.error)

    def __mul__(self, other: Real) -> Real:
        if is_zero(self) and mpmath.isfinite(other.value) and not isinf(other.error):
            return self
        for one, two in ((self, other), (other, self)):  # infinity times what may have either sign
            if mpmath.isinf(one.value) and two.error and abs(two.value) <= two.error:
                return Real(mpmath.nan, inf)
        value = self.value * other.value
        if not mpmath.isfinite(value):
            return Real(value, inf if isinf(self.error + other.error) else 0.0)
        return _rounded(value, self.error * other.error + size(self) * other.error + size(other) * self.error)

    def __truediv__(self, other: Real) -> Real:
        if not mpmath.isfinite(other.value) or other.value == 0 or size(other) <= other.error:
            return Real(mpmath.nan, 0.0 if mpmath.isnan(other.value) and not isinf(other.error) else inf)
        value = self.value / other.value
        if not mpmath.isfinite(value):
            return Real(value, self.error)
        return _rounded(value, (self.error + abs(float(value)) * other.error) / (size(other) - other.error))


def size(x: Real) -> float:
    return abs(float(x.value))


def is_zero(x: Real) -> bool:
    return x.value == 0 and x.error == 0


def _rounded(value: Any, error: float, ulp: float = 1.0) -> Real:
    """The result of an operation: `error` comes from its arguments, to which the rounding of the result is added."""
    if error == 0 and ulp == 1 and _is_short(value):
        return Real(value)
    if not mpmath.isfinite(value):
        return Real(value, inf if isinf(error) else 0.0)
    largest = abs(float(value))
    if not largest + error <= _largest:
        return Real(value, inf)
    return Real(value, error + ulp * _eps * largest + _floor)


def _is_short(value: Any) -> bool:
    """Whether the value is a multiple of 2^-8 below 2^8: it has so few digits that no float dtype rounds it."""
    scaled = value * 256
    return abs(scaled) < 65536 and scaled == int(scaled)


def total(terms: Iterable[Real]) -> Real:
    """The sum, in any order."""
    terms = [term for term in terms if not is_zero(term)]
    if not terms:
        return Real(0)
    absolute = sum(size(term) for term in terms if mpmath.isfinite(term.value))
    error = sum(term.error for term in terms)
    value = sum((term.value for term in terms), mpf(0))
    if error == 0 and absolute < 256 and all(_is_short(term.value) for term in terms):
        return Real(value)  # no sum of some of them rounds
    if not absolute + error <= _largest:
        return Real(value, inf)
    return _rounded(value, error + len(terms) * _eps * absolute)


def function(f: Callable[[Any], Any], x: Real, *, even: bool = False) -> Real:
    """f(x) for an f that is monotone, or, if `even`, monotone on either side of 0."""
    if mpmath.isnan(x.value) or isinf(x.error):
        return Real(mpmath.nan, x.error)
    if mpmath.isinf(x.value):  # the limit, as a float: where it is tiny it is 0, where it is huge it is infinite
        limit = f(BEYOND if x.value > 0 else -BEYOND)
        return Real(0 if abs(limit) < _floor else limit * mpmath.inf if abs(limit) >= BEYOND / 1024 else limit)
    value, error = f(x.value), 0.0
    if not x.error and value in (0, x.value) and _is_short(x.value):
        return Real(value)
    if x.error:
        ends = [x.value - x.error, x.value + x.error]
        if even and ends[0] < 0 < ends[1]:
            ends.append(mpf(0))
        error = max(abs(float(f(end) - value)) for end in ends)
    return _rounded(value, error, ulp=4)


# --- the book's formulas for one layer -------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _step(left: Any, at_zero: Any) -> Callable[[Real], Real]:
    """The slope of a function with a corner: `left` below 0, `at_zero` at 0 and 1 above."""

    def slope(x: Real) -> Real:
        if mpmath.isnan(x.value) or isinf(x.error):
            return Real(mpmath.nan, inf)  # what passes through is NaN or unknown itself
        value = left if x.value < 0 else at_zero if x.value == 0 else mpf(1)
        return Real(value, 1.0 if x.error and abs(x.value) <= x.error else 0.0)

    return slope


def _elu_slope(x: Real) -> Real:
    return function(lambda a: mpmath.exp(a) if a < 0 else mpf(1), x)


# The function, and its slope.
ACTIVATIONS: dict[str, tuple[Callable[[Real], Real], Callable[[Real], Real]]] = {
    "identity": (lambda x: x, lambda _: Real(1)),
    "relu": (lambda x: x if x.value > x.error else function(lambda a: max(a, mpf(0)), x), _step(0, 0)),
    "leaky_relu": (lambda x: function(lambda a: a if a > 0 else SLOPE * a, x), _step(SLOPE, mpf(1))),
    "elu": (lambda x: function(lambda a: a if a > 0 else mpmath.expm1(a), x), _elu_slope),
    "sigmoid": (
        lambda x: function(sigmoid, x),
        lambda x: function(lambda a: mpmath.exp(-abs(a)) / (1 + mpmath.exp(-abs(a))) ** 2, x, even=True),
    ),
    "tanh": (lambda x: function(mpmath.tanh, x), lambda x: function(lambda a: mpmath.sech(a) ** 2, x, even=True)),
}


def softmax(row: Sequence[Real]) -> list[Real]:
    """exp(x_k) / sum_i exp(x_i), and its limit where the largest is infinite."""
    if any(isinf(x.error) for x in row):
        return [Real(mpmath.nan, inf) for _ in row]
    if any(mpmath.isnan(x.value) for x in row):
        return [Real(mpmath.nan) for _ in row]
    largest = max(row, key=lambda x: x.value)
    if mpmath.isinf(largest.value):
        share = mpf(1) if sum(x.value == largest.value for x in row) == 1 else mpmath.nan
        return [Real(share if x.value == largest.value else 0) for x in row]
    powers = [_power(x, largest) for x in row]
    whole = total(powers)
    return [power / whole for power in powers]


def _power(x: Real, largest: Real) -> Real:
    """exp(x - largest), which does not overflow where x - largest does."""
    if x is largest:
        return Real(1)
    d = x.value - largest.value
    if mpmath.isinf(d):
        return Real(0)
    error = x.error + largest.error + _eps * float(min(-d, mpf(1e300)))
    if d + error < -2000:
        return Real(0, _floor)
    return function(mpmath.exp, Real(d, error)) if error < 1e3 else Real(mpmath.nan, inf)


OUTPUTS: dict[str, Callable[[Sequence[Real]], list[Real]]] = {
    "softmax": softmax,
    "sigmoid": lambda row: [function(sigmoid, x) for x in row],
    "sigmoid_mse": lambda row: [function(sigmoid, x) for x in row],
    "identity": list,
}


# --- losses of predictions y and targets t, both (N, C) --------------------------------------------------------------


def _term(t: Real, y: Real, eps: Any) -> Real:
    """t log(y + eps), with 0 log 0 = 0."""
    if mpmath.isnan(y.value) or mpmath.isnan(t.value) or isinf(y.error):
        return Real(mpmath.nan, y.error)
    p = y + Real(eps) if eps else y
    if is_zero(t) and is_zero(p):
        return Real(0)
    if p.error and abs(p.value) <= 2 * p.error:
        return Real(mpmath.nan, inf)
    if p.value < 0:
        return Real(mpmath.nan)
    if p.value == 0:
        return t * Real(-mpmath.inf)
    if mpmath.isinf(p.value):
        return t * Real(mpmath.inf) if t.value else Real(mpmath.nan)
    return t * function(mpmath.log, p)


def cross_entropy(y: Sequence[Sequence[Real]], t: Sequence[Any], eps: Any = LOSS_EPS) -> Real:
    """-sum_nc t_nc log(y_nc + eps) / N; a row of t may be a label."""
    terms = []
    for row, target in zip(y, t, strict=True):
        if isinstance(target, int):
            terms.append(_term(Real(1), row[target], eps))
        else:
            terms += [_term(weight, p, eps) for weight, p in zip(target, row, strict=True)]
    return Real(0) - total(terms) / Real(len(y))


def binary_cross_entropy(y: Sequence[Real], t: Sequence[Real], eps: Any = LOSS_EPS) -> Real:
    """The mean of -(t log(y + eps) + (1 - t) log(1 - y + eps))."""
    one = Real(1)
    terms = [
        term
        for p, weight in zip(y, t, strict=True)
        for term in (_term(weight, p, eps), _term(one - weight, one - p, eps))
    ]
    return Real(0) - total(terms) / Real(len(y))


def half_squares(y: Sequence[Real], t: Sequence[Real]) -> Real:
    """1/2 sum (y - t)^2"""
    differences = [p - number for p, number in zip(y, t, strict=True)]
    return total(d * d for d in differences) * Real(0.5)


def mean_square(y: Sequence[Real], t: Sequence[Real]) -> Real:
    """The mean of (y - t)^2."""
    return half_squares(y, t) * Real(2) / Real(len(y))


# --- networks --------------------------------------------------------------------------------------------------------


class Network:
    """Affine layers with an activation between them and an output: chapters 4 to 6 of the book, in Reals."""

    def __init__(
        self, parameters: Sequence[Any], activation: str, output: str, decay: float = 0, eps: Any = LOSS_EPS
    ) -> None:
        """`parameters` are W1, b1, W2, b2, ... as nested lists of Reals."""
        self.layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        self.activation, self.slope = ACTIVATIONS[activation]
        self.output, self.decay, self.eps = output, Real(decay), eps

    def forward(self, x: Sequence[Sequence[Real]]) -> tuple[list[Any], list[Any], list[list[Real]]]:
        """The input z of every layer, the a of every layer, and y."""
        z, a = [x], []
        for number, (W, b) in enumerate(self.layers):
            if number:
                z.append([[self.activation(each) for each in row] for row in a[-1]])
            a.append([[affine(row, W, b, unit) for unit in range(len(b))] for row in z[-1]])
        return z, a, [OUTPUTS[self.output](row) for row in a[-1]]

    def loss(self, x: Sequence[Sequence[Real]], t: Sequence[Any]) -> Real:
        loss = self._data_loss(self.forward(x)[2], t)
        if not is_zero(self.decay):
            squares = total(w * w for W, _ in self.layers for row in W for w in row)
            loss = loss + self.decay * Real(0.5) * squares
        return loss

    def _data_loss(self, y: Sequence[Sequence[Real]], t: Sequence[Any]) -> Real:
        if self.output == "softmax":
            return cross_entropy(y, t, self.eps)
        flat_y, flat_t = [p for row in y for p in row], [p for row in t for p in row]
        if self.output == "sigmoid":
            return binary_cross_entropy(flat_y, flat_t, self.eps)
        return mean_square(flat_y, flat_t)

    def gradient(self, x: Sequence[Sequence[Real]], t: Sequence[Any]) -> list[Any]:
        """Backpropagation: the gradients with respect to W1, b1, W2, ... It ignores the eps of the logarithm."""
        z, a, y = self.forward(x)
        da = [self._last_slope(*rows, len(y)) for rows in zip(y, a[-1], t, strict=True)]
        gradients: list[Any] = []
        for number in range(len(self.layers) - 1, -1, -1):
            W, b = self.layers[number]
            dW = [
                [total(row[i] * d[u] for row, d in zip(z[number], da, strict=True)) for u in range(len(b))]
                for i in range(len(W))
            ]
            if not is_zero(self.decay):
                dW = [[d + self.decay * w for d, w in zip(*rows, strict=True)] for rows in zip(dW, W, strict=True)]
            gradients[:0] = dW, [total(d[u] for d in da) for u in range(len(b))]
            if number:
                dz = [[total(d * w for d, w in zip(row, W[i], strict=True)) for i in range(len(W))] for row in da]
                da = [
                    [self._through(d, each) for d, each in zip(*rows, strict=True)]
                    for rows in zip(dz, a[number - 1], strict=True)
                ]
        return gradients

    def _through(self, dz: Real, a: Real) -> Real:
        """dz times the slope at a."""
        if mpmath.isnan(a.value) and not isinf(a.error):
            return Real(mpmath.nan)
        return dz * self.slope(a)

    def _last_slope(self, y: Sequence[Real], a: Sequence[Real], t: Any, N: int) -> list[Real]:
        """The derivative of the loss with respect to the last a of a sample."""
        if isinstance(t, int):
            t = [Real(int(c == t)) for c in range(len(y))]
        if self.output == "softmax":
            whole = total(t)
            whole = Real(1) if whole.value == 1 else whole
            return [(p * whole - number) / Real(N) for p, number in zip(y, t, strict=True)]
        scale = Real(N * len(y)) if self.output == "sigmoid" else Real(mpf(N * len(y)) / 2)
        da = [(p - number) / scale for p, number in zip(y, t, strict=True)]
        if self.output == "sigmoid_mse":
            da = [d * ACTIVATIONS["sigmoid"][1](each) for d, each in zip(da, a, strict=True)]
        return da


def affine(z: Sequence[Real], W: Any, b: Any, unit: int) -> Real:
    return total([*(one * row[unit] for one, row in zip(z, W, strict=True)), b[unit]])


# --- the verdict -----------------------------------------------------------------------------------------------------


def exactly(array: Any) -> Any:
    """The numbers of an array as nested lists of Reals without error."""
    values = np.asarray(array)
    if values.ndim:
        return [exactly(each) for each in values]
    return Real(int(values) if values.dtype.kind in "iub" else float(values))


def flat(numbers: Any) -> list[Real]:
    return [number for each in numbers for number in flat(each)] if isinstance(numbers, list) else [numbers]


def share_of_bound(computed: Any, exact: Any) -> float:
    """How much of the bound the largest error among `computed`, an array, takes: right results give at most 1.

    The result may be narrower than the dtype of the computation: rounding it once more counts too.
    """
    array = np.asarray(computed)
    info, worst = np.finfo(array.dtype), 0.0
    half, least, largest = float(info.eps) / 2, float(info.smallest_subnormal), float(info.max)
    for value, right in zip(array.ravel().tolist(), flat(exact), strict=True):
        if isinf(right.error):
            continue
        if not mpmath.isfinite(right.value):
            same = value != value if mpmath.isnan(right.value) else value == right.value
            worst = max(worst, 0.0 if same else inf)
            continue
        bound = right.error + half * size(right) + least
        if size(right) + bound >= largest and abs(value) >= largest:  # overflow gives the infinity of its sign
            worst = max(worst, 0.0 if (value > 0) == (right.value > 0) else inf)
        elif value != value or abs(value) == inf:
            worst = inf
        else:
            worst = max(worst, float(abs(mpf(value) - right.value)) / bound)
    return worst
