"""The derivatives of a dense network's loss with a bound of their rounding errors, for `gradient_check`.

Differences of the loss lose their digits to cancellation: a gradient of 1e-15 cannot be seen in a loss of 2. Here two
ideas avoid every such difference.

The complex step: for a function f that is computed with complex numbers, Im f(a + ih) / h is the derivative. Nothing is
subtracted, so h may be as small as 2^-30, and the result has all its digits. f is only evaluated: no formula of a
derivative is used that backpropagation uses, too.

Forward mode: if the input a[j] of a unit moves, the inputs a[k] of the next layer move by slope[j] W[j,k], and so on up
to the loss. This goes through the layers in the direction of `predict`. Backpropagation goes the other way.

Beside every number stands a bound of its error: what rounding does here and in a backward pass, which adds the same
terms in another order. The bound is about eps times the sum of the absolute values of what is added. So it is also
right where the terms cancel and the derivative is almost 0.

Shapes: N samples, D inputs, C outputs, U units of a layer.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from fastnet._checks import FloatArray
from fastnet._twins.shared.formulas_numpy import OUTPUTS, SLOPE

BLOCK = 2**16  # elements of an intermediate array. A single sample may need more
STEP = 2.0**-30  # its square, 2^-60, is the relative error of a derivative: below any eps
UNDERFLOW = float(np.finfo(np.float64).tiny) / STEP  # a smaller derivative may be lost: STEP makes it too small


# --- the functions of a network, for complex numbers. The real part decides on which side of a corner a number is. ----


def _relu(a: Any) -> Any:
    return np.where(a.real > 0, a, 0)


def _leaky_relu(a: Any) -> Any:
    return np.where(a.real >= 0, a, SLOPE * a)


def _elu(a: Any) -> Any:
    return np.where(a.real >= 0, a, np.expm1(a))


def _sigmoid(a: Any) -> Any:
    e = np.exp(np.where(a.real >= 0, -a, a))  # cannot overflow
    return np.where(a.real >= 0, 1, e) / (1 + e)


def _identity(a: Any) -> Any:
    return a


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "identity": _identity,
}
# The slopes on both sides of 0, for the functions that have a corner there.
CORNERS = {"relu": (0.0, 1.0), "leaky_relu": (SLOPE, 1.0)}
POLYGONS = {*CORNERS, "identity"}  # their slopes are exact, and none of their values underflows


def _cross_entropy(a: Any, t: FloatArray) -> Any:
    largest = a.real.max(axis=-1, keepdims=True)
    logarithm = largest[..., 0] + np.log(np.exp(a - largest).sum(axis=-1))
    return t.sum(axis=-1) * logarithm - (t * a).sum(axis=-1)


def _binary_cross_entropy(a: Any, t: FloatArray) -> Any:
    softplus = np.where(a.real > 0, a, 0) + np.log1p(np.exp(np.where(a.real > 0, -a, a)))
    return (softplus - t * a).mean(axis=-1)


def _mean_squared_error(a: Any, t: FloatArray) -> Any:
    return ((a - t) ** 2).mean(axis=-1)


def _mean_squared_error_of_sigmoid(a: Any, t: FloatArray) -> Any:
    return _mean_squared_error(_sigmoid(a), t)


# The loss of each sample, from the last a (..., C) and the target t (..., C): without the 1e-7 that the book adds in
# the logarithm, because backpropagation ignores it.
LOSSES: dict[str, Callable[[Any, FloatArray], Any]] = {
    "softmax": _cross_entropy,
    "sigmoid": _binary_cross_entropy,
    "sigmoid_mse": _mean_squared_error_of_sigmoid,
    "identity": _mean_squared_error,
}


def _slope(function: Callable[[Any], Any], a: FloatArray) -> FloatArray:
    """Return the derivative of a function of one number, by the complex step."""
    slope: FloatArray = function(a + STEP * 1j).imag / STEP
    return slope


# --- numbers with bounds of their errors ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bounded:
    """An array, and a bound of the absolute error of each element."""

    value: FloatArray
    error: FloatArray

    def is_nonzero(self) -> FloatArray:
        """Return 0 where the number is exactly 0, and 1 elsewhere."""
        return np.sign(np.abs(self.value) + self.error)

    def transposed(self) -> "Bounded":
        return Bounded(self.value.T, self.error.T)

    def __getitem__(self, key: Any) -> "Bounded":
        return Bounded(self.value[key], self.error[key])


def _exact(value: FloatArray) -> Bounded:
    return Bounded(value, np.zeros_like(value))


class Rounding(NamedTuple):
    """Arithmetic that follows the rounding errors of a network's dtype."""

    eps: float
    tiny: float  # what underflow may take away from the value of a function
    least: float  # and from a product, if it is not exactly 0
    largest: float  # what is larger may overflow, even if a sum cancels in the end

    def bounded(self, value: FloatArray, error: FloatArray, size: FloatArray) -> Bounded:
        """Return numbers that are computed from terms of this size, of which nothing is known if they overflow."""
        overflows = size > self.largest
        return Bounded(value, np.where(overflows, math.inf, error) if overflows.any() else error)

    def product(self, x: Bounded, y: Bounded) -> Bounded:
        """Return the matrix product, or that of each matrix of a stack."""
        X, Y = np.abs(x.value), np.abs(y.value)
        size = X @ Y
        # A sum of n terms has n rounding errors, of either sign. Together they are about as large as sqrt(n) of them.
        error = (4 + 2 * math.sqrt(Y.shape[-2])) * self.eps * size + self.least * (x.is_nonzero() @ y.is_nonzero())
        if x.error.any():
            error += x.error @ (Y + y.error)
        if y.error.any():
            error += X @ y.error
        return self.bounded(x.value @ y.value, error, size)

    def times(self, x: Bounded, y: Bounded) -> Bounded:
        """Return the product, element by element."""
        X, Y = np.abs(x.value), np.abs(y.value)
        size = X * Y
        error = x.error * (Y + y.error) + X * y.error + self.eps * size
        error += self.least * x.is_nonzero() * y.is_nonzero()
        return self.bounded(x.value * y.value, error, size)

    def plus(self, x: Bounded, y: FloatArray) -> Bounded:
        """Return the sum with numbers that have two rounding errors at most, as a weight times the weight decay has."""
        size = np.abs(x.value) + np.abs(y)
        return self.bounded(x.value + y, x.error + 2 * self.eps * size, size)

    def plus_decay(self, x: Bounded, decay: float, W: Bounded) -> Bounded:
        """Return the sum with a weight times the weight decay, of which underflow may take something, too."""
        total = self.plus(x, decay * W.value)
        return Bounded(total.value, total.error + self.least * (decay != 0) * W.is_nonzero())

    def function(self, f: Callable[[FloatArray], FloatArray], x: Bounded, lost: float) -> Bounded:
        """Return f(x); underflow may take `lost` of it. An error of x is followed to both sides, also over a corner."""
        value = f(x.value)
        error = np.maximum(np.abs(f(x.value + x.error) - value), np.abs(f(x.value - x.error) - value))
        return self.bounded(value, error + 8 * self.eps * np.abs(value) + lost, x.error)


# --- the derivatives --------------------------------------------------------------------------------------------------


class ForwardMode:
    """The derivatives of the mean loss with respect to W1, b1, W2, ... of a network that computes in `dtype`.

    x (N, D), t (N, C) and the parameters are float64. Each result is a list with the derivatives for every parameter.
    """

    def __init__(
        self, x: FloatArray, t: FloatArray, parameters: Sequence[FloatArray], activation: str, output: str,
        decay: float, dtype: np.dtype[Any],
    ) -> None:  # fmt: skip
        information, f = np.finfo(dtype), ACTIVATIONS[activation]
        tiny, least = float(information.tiny), float(information.smallest_subnormal)
        self.rounding = Rounding(float(information.eps), max(tiny, UNDERFLOW), least, float(information.max))
        lost = 0.0 if activation in POLYGONS else self.rounding.tiny
        self.weights = [_exact(W) for W in parameters[::2]]
        self.activation, self.decay = activation, decay
        with np.errstate(all="ignore"):  # infinity and NaN stay what they are
            self.z, self.a = [_exact(x)], []
            for W, b in zip(self.weights, parameters[1::2], strict=True):
                self.a.append(self.rounding.plus(self.rounding.product(self.z[-1], W), b))
                self.z.append(self.rounding.function(f, self.a[-1], lost))
            # Where rounding may put an input on either side of a corner, by how much the slopes of the sides differ. On
            # each side, the slope is exact.
            left, right = CORNERS.get(activation, (0.0, 0.0))
            self.jumps = [(right - left) * (np.abs(a.value) <= a.error) for a in self.a[:-1]]
            inputs = [_exact(a.value) if activation in CORNERS else a for a in self.a[:-1]]
            self.slopes = [self.rounding.function(partial(_slope, f), a, lost) for a in inputs]
            self.last = _slopes_of_loss(self.rounding, self.a[-1], t, output)
            self.slope_lost = 0 * t  # how much of last is lost with a digit of the slope of a sigmoid
            if output == "sigmoid_mse":
                self.slope_lost = _sigmoid(self.a[-1].value) * (1 + np.abs(t)) / OUTPUTS[output].divisor(*t.shape)

    @cached_property
    def derivatives(self) -> list[Bounded]:
        """The derivatives; the bounds hold for a careful backward pass on the same sides of all corners, too."""
        return self._derivatives(self.slopes, self.last)

    @cached_property
    def with_lost_digits(self) -> list[Bounded]:
        """The same, with bounds for a backward pass that takes z (1 - z) or 1 - z^2 for a slope, as the book does.

        That loses digits where z is almost 1. So does y (1 - y) in the derivative of the loss of "sigmoid_mse". And the
        bounds hold for either side of a corner, unit by unit, where rounding decides on which side an input is.
        """
        return self._on_the_other_side([np.zeros_like(jump) for jump in self.jumps])

    @cached_property
    def with_zeros_on_the_other_side(self) -> list[Bounded]:
        """The same, with the slope on the other side where the input of relu is exactly 0, as a sum of zeros is.

        A backward pass has all of these on one side. The others may be on either one, and each on its own.
        """
        zeros = [jump * (a.error == 0) for jump, a in zip(self.jumps, self.a, strict=False)]
        return self._on_the_other_side(zeros) if any(zero.any() for zero in zeros) else self.with_lost_digits

    @cached_property
    def on_other_sides(self) -> list[list[Bounded]]:
        """The derivatives with the other slope at every corner, and only where rounding decides on the side."""
        rounded = [jump * (a.error > 0) for jump, a in zip(self.jumps, self.a, strict=False)]
        if not any(jump.any() for jump in rounded):
            return [self.with_zeros_on_the_other_side]
        return [self._on_the_other_side(jumps) for jumps in (self.jumps, rounded)] + [self.with_zeros_on_the_other_side]

    def _on_the_other_side(self, corners: list[FloatArray]) -> list[Bounded]:
        """Return the derivatives with the other slope where `corners` is not 0, bounded as in `with_lost_digits`."""
        both = sum(CORNERS.get(self.activation, ()))
        slopes = []
        for s, z, jump, a, corner in zip(self.slopes, self.z[1:], self.jumps, self.a, corners, strict=False):
            value = np.where(corner != 0, both - s.value, s.value)
            lost = 4 * self.rounding.eps * np.minimum(1, np.abs(z.value)) * (value != 0)
            slopes.append(Bounded(value, s.error + lost + jump * (a.error > 0)))
        lost = 4 * self.rounding.eps * self.slope_lost * (self.last.value != 0)
        return self._derivatives(slopes, Bounded(self.last.value, self.last.error + lost))

    @cached_property
    def may_overflow(self) -> bool:
        """Whether a number may have overflowed on the way to any of the derivatives."""
        return not all(np.isfinite(derivative.error).all() for derivative in self.derivatives)

    def _derivatives(self, slopes: list[Bounded], last: Bounded) -> list[Bounded]:
        ones = _exact(np.ones((1, len(self.z[0].value))))
        results = []
        with np.errstate(all="ignore"):
            for layer, (z, W) in enumerate(zip(self.z, self.weights, strict=False)):  # z has the outputs, too
                da = self._by_unit(slopes, last, layer)
                dW = self.rounding.product(z.transposed(), da)
                results += [self.rounding.plus_decay(dW, self.decay, W), self.rounding.product(ones, da)[0]]
        return results

    def _by_unit(self, slopes: list[Bounded], last: Bounded, layer: int) -> Bounded:
        """Return the derivatives (N, U) with respect to a of one layer, from those with respect to the last a."""
        if layer == len(slopes):
            return last
        product, times = self.rounding.product, self.rounding.times
        N, U = slopes[layer].value.shape
        size = max(1, BLOCK // (U * max(W.value.shape[1] for W in self.weights[layer + 1 :])))
        value, error = np.empty((N, U)), np.empty((N, U))
        for first in range(0, N, size):
            n = slice(first, first + size)
            # moves (., U, .): how much the inputs of a following layer move if a of each unit moves, for each sample.
            moves = times(slopes[layer][n, :, np.newaxis], self.weights[layer + 1])
            for following in range(layer + 1, len(slopes)):
                moves = product(times(moves, slopes[following][n, np.newaxis]), self.weights[following + 1])
            da = product(moves, last[n, :, np.newaxis])[..., 0]
            value[n], error[n] = da.value, da.error
        return Bounded(value, error)


def _slopes_of_loss(rounding: Rounding, a: Bounded, t: FloatArray, output: str) -> Bounded:
    """Return the derivatives (N, C) of the mean loss with respect to the last a (N, C)."""
    shape, divisor = t.shape, OUTPUTS[output].divisor(*t.shape)
    if output != "softmax":  # no output depends on the others: these are N C samples with one output each
        a, t = Bounded(a.value.reshape(-1, 1), a.error.reshape(-1, 1)), t.reshape(-1, 1)
    N, C = t.shape
    size = max(1, BLOCK // C)
    value, error = np.empty((N, C)), np.empty((N, C))
    for first in range(0, N * C, size):
        n, c = np.divmod(np.arange(first, min(N * C, first + size)), C)
        one = (np.arange(C) == c[:, np.newaxis]).astype(float)  # the direction of each element

        def slopes(side: Any, n: Any = n, one: FloatArray = one) -> FloatArray:
            """Return the derivatives with respect to the elements, at the points `side` from a[n]."""
            slopes: FloatArray = LOSSES[output](a.value[n] + side + STEP * 1j * one, t[n]).imag / STEP / N
            return slopes

        # If an element has an error to one side, and the others to the other side, this changes the slope most.
        side = (2 * one - 1) * a.error[n]
        value[n, c] = middle = slopes(0)
        error[n, c] = np.maximum(np.abs(slopes(side) - middle), np.abs(slopes(-side) - middle))
        error[n, c] += np.where(np.isfinite(a.error[n]).all(axis=1), 0, math.inf)
    # The backward pass subtracts t from y, and so rounds to the digits of the larger one.
    of_t = 2 * np.abs(t) / divisor
    if output == "sigmoid_mse":
        of_t *= _slope(_sigmoid, a.value)
    error += 8 * rounding.eps * (np.abs(value) + of_t) + rounding.tiny
    return Bounded(value.reshape(shape), error.reshape(shape))
