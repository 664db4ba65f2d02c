"""Central differences of the loss of a network of layers, without computing again what a parameter does not change.

Every parameter moves by +h and by -h, and the loss is computed at both. Take a filter weight. It moves one map of the
convolution's output. Relu, pooling, dropout and batch normalization treat each map, or unit, alone: of their outputs,
only this map moves too. (Pooling may find its maximum at another place: it is evaluated, not differentiated.) The next
convolution or affine layer mixes its inputs. All of its outputs move, but only by what one map adds:

    before   the inputs of the parameter's layer: computed once
    part     one map or unit, up to the next layer that mixes
    spread   the moves of this layer's outputs, from those of one map or unit
    rest     the layers after it, as in `predict`

So nothing is computed again before the parameter, and little up to the rest. The moves of many parameters go through
the rest as one large batch. A sample in which nothing moves is left out, unless batch normalization in the rest makes
the samples depend on each other.

Dropout keeps the masks of one training pass. All is in float64.

Shapes: N samples; U units (of a convolution: maps) of a layer, each with a map (OH, OW), or () after an affine layer;
M moves of one unit; R rows of a batch, each with the number n of its sample; C classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnet import _backend
from fastnet._checks import FLOAT64, BoolArray, FloatArray, IntArray, cast
from fastnet._twins.shared.formulas_numpy import LOSS_EPS, one_hot, relative
from fastnet.layers import Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu, Sigmoid
from fastnet.layers.normalization import EPS

__all__ = ["KINDS", "Differences", "dense_end"]

Pair = tuple[FloatArray, FloatArray]  # of W and b, or of gamma and beta

BLOCK = 2**17  # elements of an intermediate array: 1 MB. A single move of all samples may need more


# --- the layers, as functions of a large batch ------------------------------------------------------------------------


@dataclass
class Mixing(ABC):
    """An affine layer or a convolution: each output depends on all units."""

    W: FloatArray
    b: FloatArray

    def whole(self, rows: FloatArray, _: IntArray) -> FloatArray:
        return self.outputs(rows, self.W, self.b)

    def spread(self, moves: FloatArray, unit: int) -> FloatArray:
        """Return the moves of the outputs from those of one unit, (R, *map)."""
        return self.outputs(moves[:, np.newaxis], self.of_unit(unit, moves[0].size), np.zeros_like(self.b))

    @abstractmethod
    def outputs(self, rows: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray: ...

    @abstractmethod
    def of_unit(self, unit: int, size: int) -> FloatArray:
        """Return the weights of one unit with a map of this size."""

    @abstractmethod
    def shifts(self, x: FloatArray) -> FloatArray:
        """Return how much a unit moves with each of its weights and with its bias, (N, K, *map): the same for all."""

    @abstractmethod
    def pair(self, by_unit: FloatArray) -> Pair:
        """Return what belongs to W and to b from what belongs to the weights and the bias of each unit, (U, K)."""


class MixingAffine(Mixing):
    def outputs(self, rows: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
        out: FloatArray = _backend.kernels.affine(rows.reshape(len(rows), -1), W, b)
        return out

    def of_unit(self, unit: int, size: int) -> FloatArray:
        return self.W[unit * size : (unit + 1) * size]

    def shifts(self, x: FloatArray) -> FloatArray:
        return np.append(x.reshape(len(x), -1), np.ones((len(x), 1)), axis=1)

    def pair(self, by_unit: FloatArray) -> Pair:
        return by_unit[:, :-1].T.copy(), by_unit[:, -1].copy()


@dataclass
class MixingConvolution(Mixing):
    stride: int
    pad: int

    def outputs(self, rows: FloatArray, W: FloatArray, b: FloatArray) -> FloatArray:
        out: FloatArray = _backend.kernels.convolution(rows, W, b, self.stride, self.pad)
        return out

    def of_unit(self, unit: int, _: int) -> FloatArray:
        of_unit: FloatArray = self.W[:, unit : unit + 1].copy()
        return of_unit

    def shifts(self, x: FloatArray) -> FloatArray:
        FH, FW = self.W.shape[2:]
        OH, OW = self.outputs(x[:1], self.W[:1], self.b[:1]).shape[2:]
        col = _backend.kernels.im2col(x, FH, FW, self.stride, self.pad).reshape(len(x), OH, OW, -1)
        shifts: FloatArray = np.append(col, np.ones((len(x), OH, OW, 1)), axis=3).transpose(0, 3, 1, 2).copy()
        return shifts

    def pair(self, by_unit: FloatArray) -> Pair:
        return by_unit[:, :-1].reshape(self.W.shape), by_unit[:, -1].copy()


@dataclass
class Unitwise:
    """A layer that treats each map, or unit, alone, and all elements of an array in the same way."""

    function: Callable[[FloatArray], FloatArray]

    def whole(self, rows: FloatArray, _: IntArray) -> FloatArray:
        return self.function(rows)

    def part(self, moved: FloatArray, _: int) -> FloatArray:
        """Return the outputs of one unit for its inputs (N, M, *map)."""
        return self.function(moved)


@dataclass
class Masking:
    """Dropout with a fixed mask, (N, U, *map)."""

    mask: FloatArray

    def whole(self, rows: FloatArray, n: IntArray) -> FloatArray:
        return rows * self.mask[n]

    def part(self, moved: FloatArray, unit: int) -> FloatArray:
        return moved * self.mask[:, unit, np.newaxis]


@dataclass
class Normalizing:
    """Batch normalization, with the statistics of the batch: those of M batches are those of M times the columns."""

    gamma: FloatArray
    beta: FloatArray
    samples: int  # N

    def whole(self, rows: FloatArray, _: IntArray) -> FloatArray:
        return self.normalized(rows.reshape(self.samples, -1), self.gamma, self.beta)[0].reshape(rows.shape)

    def part(self, moved: FloatArray, unit: int) -> FloatArray:
        size = moved[0, 0].size
        of_unit = slice(unit * size, (unit + 1) * size)
        columns = moved.reshape(self.samples, -1)
        return self.normalized(columns, self.gamma[of_unit], self.beta[of_unit])[0].reshape(moved.shape)

    def normalized(self, columns: FloatArray, gamma: FloatArray, beta: FloatArray) -> tuple[FloatArray, ...]:
        """Return the outputs, xn, xc, the means, the variances and the standard deviations."""
        times, none = columns.shape[1] // len(gamma), np.zeros(columns.shape[1])
        of_kernel: tuple[FloatArray, ...] = _backend.kernels.normalize(
            columns, np.tile(gamma, times), np.tile(beta, times), none, none, 0.0, EPS
        )
        return of_kernel


Step = Mixing | Unitwise | Masking | Normalizing


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0)


def _pooling(layer: Pooling) -> Callable[[FloatArray], FloatArray]:
    window = layer.pool_h, layer.pool_w, layer.stride, layer.pad
    return lambda x: _backend.kernels.pooling(x, *window)[0]


# How each kind of layer becomes a step, for N samples.
KINDS: dict[type, Callable[[Any, int], Step]] = {
    Affine: lambda layer, _: MixingAffine(_exact(layer.W), _exact(layer.b)),
    Convolution: lambda layer, _: MixingConvolution(_exact(layer.W), _exact(layer.b), layer.stride, layer.pad),
    BatchNormalization: lambda layer, N: Normalizing(_exact(layer.gamma), _exact(layer.beta), N),
    Dropout: lambda layer, _: Masking(_exact(layer.mask)),
    Pooling: lambda layer, _: Unitwise(_pooling(layer)),
    Relu: lambda _layer, _: Unitwise(_relu),
    Sigmoid: lambda _layer, _: Unitwise(lambda x: _backend.kernels.sigmoid(x)),
}


def _exact(array: Any) -> FloatArray:
    return cast(np.asarray(array), FLOAT64)


def dense_end(kinds: Sequence[type]) -> int:
    """Return where the layers at the end begin that are Affine, activation, Affine, ... with one kind of activation."""
    start = len(kinds)
    if kinds[-1:] == [Affine]:
        start -= 1
        while start >= 2 and kinds[-2] in (Relu, Sigmoid) and kinds[start - 2 : start] == [Affine, kinds[-2]]:
            start -= 2
    return start


def _between(new: FloatArray, old: Any, share: float) -> FloatArray:
    """Return the mean of two arrays, with this weight of the old one, in its dtype."""
    return cast(share * old + (1 - share) * new, old.dtype)


# --- the differences --------------------------------------------------------------------------------------------------


class Differences:
    """The mean loss of layers of the `KINDS`, and softmax with cross-entropy, where one parameter moves.

    x (N, ...); t are labels (N,) or targets (N, C). Dropout layers have the masks of a training pass. `holders` are the
    numbers of the layers whose parameters move. With the weights of the samples, the mean is weighted.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        holders: set[int],
        x: FloatArray,
        t: FloatArray | IntArray,
        weights: FloatArray | None = None,
    ) -> None:
        self.layers, self.holders, self.kinds = layers, holders, [type(layer) for layer in layers]
        self.steps = [KINDS[type(layer)](layer, len(x)) for layer in layers]
        samples = np.arange(len(x))
        self.weights = None if weights is None else relative(weights)
        self.z = [cast(x, FLOAT64)]  # z[l] is the input of step l
        with np.errstate(all="ignore"):
            for step in self.steps:
                self.z.append(step.whole(self.z[-1], samples))
            self.t = one_hot(t, self.z[-1].shape[1])
            self.losses = self._losses(self.z[-1], samples)
        # The maps of a normalized image have other parameters at each pixel: they are left to the full loop.
        self.is_possible = all(np.isfinite(z).all() for z in self.z) and not any(
            self.kinds[number] is BatchNormalization and self.z[number].ndim > 2 for number in holders
        )

    def central(self, h: float) -> dict[int, Pair] | None:
        """Return the two gradients of each holder, or None if they need the full loss, as for infinite numbers."""
        if not self.is_possible:
            return None
        end = dense_end(self.kinds)
        gradients = self._of_dense(end, h) if end < len(self.steps) else {}
        if gradients is None:
            return None
        up, down = self.gains(h, end)
        for number in up:
            (W_up, b_up), (W_down, b_down) = up[number], down[number]
            gradients[number] = (W_up - W_down) / (2 * h), (b_up - b_down) / (2 * h)
        finite = all(np.isfinite(gradient).all() for pair in gradients.values() for gradient in pair)
        return gradients if finite else None

    def gains(self, h: float, end: int | None = None) -> tuple[dict[int, Pair], dict[int, Pair]]:
        """Return the gains of the loss if a parameter moves by h, and if by -h, of each holder before `end`."""
        up: dict[int, Pair] = {}
        down: dict[int, Pair] = {}
        with np.errstate(all="ignore"):
            for number in sorted(self.holders):
                step = self.steps[number]
                if end is not None and number >= end:
                    break
                if isinstance(step, Mixing):
                    shifts = step.shifts(self.z[number])
                    units = range(self.z[number + 1].shape[1])
                    of_up, of_down = np.stack([self._of_unit(number, unit, shifts, h) for unit in units], axis=1)
                    up[number], down[number] = step.pair(of_up), step.pair(of_down)
                elif isinstance(step, Normalizing):
                    xn = step.normalized(self.z[number], step.gamma, step.beta)[1]
                    shifts = np.stack([xn, np.ones_like(xn)], axis=1)
                    units = range(xn.shape[1])
                    both = np.stack([self._of_unit(number, unit, shifts[..., unit], h) for unit in units], axis=2)
                    (gamma_up, beta_up), (gamma_down, beta_down) = both
                    up[number], down[number] = (gamma_up, beta_up), (gamma_down, beta_down)
        return up, down

    def move_statistics(self, passes: int) -> None:
        """Move the running statistics of batch normalization as in this number of training passes."""
        for layer, step, z in zip(self.layers, self.steps, self.z, strict=False):
            if isinstance(step, Normalizing):
                _, _, _, mean, var, _ = step.normalized(z.reshape(len(z), -1), step.gamma, step.beta)
                kept = layer.momentum**passes
                layer.running_mean = _between(mean, layer.running_mean, kept)
                layer.running_var = _between(var, layer.running_var, kept)

    def _of_dense(self, end: int, h: float) -> dict[int, Pair] | None:
        """Return the gradients of the affine layers at the end, for which there is a kernel."""
        z = self.z[end]
        steps = [step for step in self.steps[end:] if isinstance(step, Mixing)]
        activation = "sigmoid" if Sigmoid in self.kinds[end:] else "relu"
        gradients = _backend.kernels.layer_differences(
            z.reshape(len(z), -1), self.t, tuple(array for step in steps for array in (step.W, step.b)), activation,
            "softmax", h, self.weights,
        )  # fmt: skip
        if gradients is None:
            return None
        numbers = range(end, len(self.steps), 2)
        return dict(zip(numbers, zip(gradients[::2], gradients[1::2], strict=True), strict=True))

    def _of_unit(self, number: int, unit: int, shifts: FloatArray, h: float) -> FloatArray:
        """Return the gains (2, K) if each parameter of a unit moves it by h, or -h, times the shifts (N, K, *map)."""
        gains = np.zeros((2, shifts.shape[1]))
        moving = np.flatnonzero(shifts.any(axis=(0, *range(2, shifts.ndim))))
        mixing = self._next_mixing(number + 1)
        largest = max(shifts[0, 0].size, *(z[0].size for z in [*self.z[mixing + 1 :], self.z[-1]]))
        size = max(1, BLOCK // (2 * len(shifts) * largest))
        for first in range(0, len(moving), size):
            which = moving[first : first + size]
            s = np.empty((len(shifts), 2, len(which), *shifts.shape[2:]))  # C-contiguous, as the kernels need it
            np.multiply(shifts[:, which], h, out=s[:, 0])
            np.negative(s[:, 0], out=s[:, 1])
            gains[:, which] = self._gains(number, unit, s.reshape(len(s), -1, *s.shape[3:])).reshape(2, -1)
        return gains / len(shifts)

    def _gains(self, number: int, unit: int, s: FloatArray) -> FloatArray:
        """Return the gain of the total loss for each of the moves s (N, M, *map) of one unit of the layer's output."""
        mixing = self._next_mixing(number + 1)
        moved = self.z[number + 1][:, unit, np.newaxis] + s
        for step in self.steps[number + 1 : mixing]:
            assert not isinstance(step, Mixing)
            moved = step.part(moved, unit)
        moves = moved - self.z[mixing][:, unit, np.newaxis]
        is_kept, n = self._kept(mixing, moves)
        rows = moves[is_kept]
        gains = np.zeros(is_kept.shape)
        if len(rows):
            mixer = self.steps[mixing] if mixing < len(self.steps) else None
            if isinstance(mixer, Mixing):
                scores = self.z[mixing + 1][n]
                scores += mixer.spread(rows, unit)
                for step in self.steps[mixing + 1 :]:
                    scores = step.whole(scores, n)
            else:  # the unit is a score
                scores = self.z[-1][n]
                scores[:, unit] += rows
            gains[is_kept] = self._losses(scores, n) - self.losses[n]
        total: FloatArray = gains.sum(axis=0)
        return total

    def _next_mixing(self, first: int) -> int:
        """Return the number of the next step, from `first` on, that mixes its inputs, or of all steps."""
        return next((i for i in range(first, len(self.steps)) if isinstance(self.steps[i], Mixing)), len(self.steps))

    def _kept(self, mixing: int, moves: FloatArray) -> tuple[BoolArray, IntArray]:
        """Return which samples go through the rest for which moves, (N, M), and the samples as rows, (R,)."""
        is_kept: BoolArray = np.asarray(moves.any(axis=tuple(range(2, moves.ndim))))
        if any(isinstance(step, Normalizing) for step in self.steps[mixing:]):
            is_kept = np.repeat(is_kept.any(axis=0, keepdims=True), len(moves), axis=0)  # all samples, or none
        return is_kept, is_kept.nonzero()[0]

    def _losses(self, scores: FloatArray, n: IntArray) -> FloatArray:
        """Return the loss of each row of scores (R, C), times its weight."""
        y = _backend.kernels.softmax(scores)
        y += LOSS_EPS
        losses: FloatArray = -np.einsum("rc,rc->r", self.t[n], np.log(y, out=y))
        return losses if self.weights is None else losses * self.weights[n]
