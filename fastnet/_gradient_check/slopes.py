"""The slope of any loss with respect to one element of a parameter, by differences, with a bound of its error.

A central difference D(h) has two errors: rounding, about eps |loss| / h, and bending, which becomes smaller with h. No
step is right for every element. So the step is chosen for each one: larger where rounding is the larger error, smaller
where the loss bends, down to where rounding forbids it.

Bending shows in two differences with the steps h and 4h, and in s(h), the slope to the right of the element minus the
slope to its left. A corner of relu inside a step has its error E = (D(4h) - D(h)) / 3 + (4 s(h) - s(4h)) / 6 exactly,
wherever it is, and with the other sign of s if it is on the left. For a smooth loss the first term alone is five times
the error.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray

FACTOR = 4.0  # between one step and the next
LARGEST_STEP = 2.0


class Slope(NamedTuple):
    """A slope, and a bound of its error: `rounding` is the part that rounding has in it. Or an array of each."""

    value: Any
    error: Any
    rounding: Any


class Corner(NamedTuple):
    """The slopes on the two sides of a corner that is at the element itself, or too close to it to be told from it."""

    left: Slope
    right: Slope

    @property
    def size(self) -> float:
        """How much the slope changes."""
        size: float = abs(self.right.value - self.left.value)
        return size


class Step(NamedTuple):
    """The loss at +up and at -down, which are the step after rounding. Or an array of each."""

    up: Any
    down: Any
    plus: Any
    minus: Any

    def differences(self, value: float, noise: float) -> "Differences":
        """Return the differences, for a loss of this value and with this rounding error at the element."""
        up, down, plus, minus = self
        with np.errstate(all="ignore"):
            right, left = (plus - value) / up, (value - minus) / down
            larger = np.fmax(1.0, np.fmax(abs(plus), abs(minus)) / (1 + abs(value)))
            return Differences((plus - minus) / (up + down), right, left, 2 * noise * larger / (up + down))


class Differences(NamedTuple):
    """The central, right and left difference of a step, and the rounding error of the central one."""

    central: Any
    right: Any
    left: Any
    rounding: Any

    def quick(self) -> Slope:
        """Return the slope from this step alone. The slopes to both sides bound its error."""
        return Slope(self.central, abs(self.right - self.left) / 2 + self.rounding, self.rounding)

    def slope(self, wider: "Differences") -> Slope:
        """Return the slope from this step and the next larger one."""
        bend = abs(wider.central - self.central)
        bend += abs(FACTOR * (self.right - self.left) - (wider.right - wider.left)) / 2
        return Slope(self.central, 2 * bend / (FACTOR - 1) + self.rounding, self.rounding)


@dataclass
class Element:
    """One element of a parameter, and the loss at the steps from it that were taken so far."""

    loss: Callable[[], float]
    value: float  # of the loss where the element is
    noise: float  # the rounding error of the loss
    param: FloatArray
    index: tuple[int, ...]
    first: float  # the first step

    def __post_init__(self) -> None:
        self.steps: dict[int, Step] = {}

    def step(self, k: int) -> Step:
        """Take step number k, unless it was taken before: it is 4 times as large as number k - 1."""
        if k not in self.steps:
            h = self.first * FACTOR**k
            up, plus = self.moved(h, self.loss)
            down, minus = self.moved(-h, self.loss)
            self.steps[k] = Step(up, -down, plus, minus)
        return self.steps[k]

    def moved(self, h: float, function: Callable[[], float]) -> tuple[float, float]:
        """Move the element by h. Return its move after rounding, and the value of the function there."""
        original = self.param[self.index].copy()
        try:
            with np.errstate(all="ignore"):
                self.param[self.index] = float(original) + h
            return float(self.param[self.index]) - float(original), function()
        finally:
            self.param[self.index] = original

    def is_possible(self, k: int) -> bool:
        """Whether the dtype of the element can hold step number k, with a digit or two."""
        h, original = self.first * FACTOR**k, self.param[self.index]
        return 16 * float(np.finfo(self.param.dtype).eps) * abs(float(original)) <= h <= LARGEST_STEP

    def largest_step(self) -> Step:
        """Take the largest step, a little below LARGEST_STEP."""
        return self.step(int(math.log(LARGEST_STEP / self.first, FACTOR)))

    def never_moved_the_loss(self) -> bool:
        """Whether the loss was exactly the same at every step taken, and finite."""
        return math.isfinite(self.value) and all(step.plus == step.minus == self.value for step in self.steps.values())

    def quick(self) -> Slope:
        """Return the slope from the first step alone. The slopes to both sides bound its error."""
        return self._differences(0).quick()

    def slope(self, k: int) -> Slope:
        """Return the slope from the steps k and k + 1."""
        return self._differences(k).slope(self._differences(k + 1))

    def slopes(self) -> Iterator[Slope]:
        """Yield slopes from larger steps, until the errors grow, then from smaller steps, until only rounding is left.

        Where the steps are too large for what the loss does close to the element, nothing shows it but smaller steps.
        """
        slope, k = self.slope(0), 0
        best = slope.error
        while slope.error <= 16 * best:
            yield slope
            best, k = min(best, slope.error), k + 1
            if not self.is_possible(k + 1):
                break
            slope = self.slope(k)
        slope, k = self.slope(0), -1
        while self.is_possible(k) and slope.rounding <= abs(slope.value):  # not if it is NaN
            slope = self.slope(k)
            yield slope
            k -= 1

    def trusted(self) -> Slope:
        """Return the slope with the smallest error that contradicts no slope from smaller steps.

        The larger the step, the more the loss bends in it. So the error from bending is at least that of smaller steps.
        """
        kept: list[Slope] = []
        bend = 0.0
        for k in sorted(self.steps):
            if k + 1 in self.steps:
                slope = self.slope(k)
                own = slope.error - slope.rounding
                bend = max(bend, own if own > 3 * slope.rounding else 0)  # else it is noise
                slope = slope._replace(error=slope.rounding + max(own, bend))
                if not all(abs(slope.value - other.value) <= slope.error + other.error for other in kept):
                    break
                kept.append(slope)
        return min(kept, key=lambda slope: slope.error)

    def corner(self) -> Corner | None:
        """Return the slopes on the two sides of a corner at the element, if steps of all sizes show the same one."""
        found: list[Corner] = []
        for k in sorted(self.steps):
            if k + 1 in self.steps:
                _, right, left, rounding = self._differences(k)
                _, wider_right, wider_left, _ = self._differences(k + 1)
                corner = Corner(
                    Slope(left, abs(wider_left - left) + 2 * rounding, rounding),
                    Slope(right, abs(wider_right - right) + 2 * rounding, rounding),
                )
                if any(
                    abs(one.value - other.value) > one.error + other.error
                    for smaller in found
                    for one, other in zip(smaller, corner, strict=True)
                ):
                    break
                found.append(corner)
        best = min(found, key=lambda corner: corner.left.error + corner.right.error)
        is_clear = best.size > 4 * (best.left.error + best.right.error)
        return best if is_clear else None

    def is_right_around(self, gradient: Callable[[], float], difference: float) -> bool:
        """Whether `gradient` is the slope of the loss a step to both sides, in the mean, much closer than `difference`.

        At a corner, the mean of the slopes on both sides is the central difference.
        """
        for k in sorted(self.steps):
            central, _, _, rounding = self._differences(k)
            if 20 * rounding <= difference < math.inf:
                h = self.first * FACTOR**k
                mean = (self.moved(h, gradient)[1] + self.moved(-h, gradient)[1]) / 2
                if abs(mean - central) <= difference / 5:
                    return True
        return False

    def _differences(self, k: int) -> Differences:
        """Return the differences of step number k."""
        step = self.step(k)
        if step.up <= 0 or step.down <= 0:  # rounding swallowed the step
            return Differences(math.nan, math.nan, math.nan, math.inf)
        return Differences(*map(float, step.differences(self.value, self.noise)))


class Elements(Sequence[Element]):
    """Elements of one parameter, and the slopes of all of them from the first steps, as arrays.

    With `steps`, arrays of the steps 0 and -1 that the network has taken for all elements of the parameter at once, no
    `Element` is made before it is asked for. A network has hundreds of thousands of them, and most agree.
    """

    def __init__(self, make: Callable[[Any], Element], chosen: npt.NDArray[np.intp], steps: Any = None) -> None:
        self.make, self.chosen, self.steps = make, chosen, steps
        self.made: dict[int, Element] = {}
        self.second: Slope | None = None
        if steps is None:
            self.first = Slope(*np.array([element.quick() for element in self], float).reshape(-1, 3).T)
        elif len(chosen):
            one = self[0]
            wider, narrow = (steps[k].differences(one.value, one.noise) for k in (0, -1))
            with np.errstate(all="ignore"):
                self.first, self.second = wider.quick(), narrow.slope(wider)

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, k: Any) -> Any:
        if k >= len(self.chosen):
            raise IndexError(k)
        if k not in self.made:
            self.made[k] = element = self.make(self.chosen[k])
            for number, step in (self.steps or {}).items():
                element.steps[number] = Step(step.up, step.down, float(step.plus[k]), float(step.minus[k]))
        return self.made[k]


def noise_of(
    loss: Callable[[], float], value: float, params: Sequence[FloatArray], elements: Sequence[npt.NDArray[np.intp]],
    eps: float,
) -> float:
    """Return a bound of the rounding error of the loss, from its size and from what changes that only rounding sees do.

    Each of `elements`, which are flat indices into `params`, is moved by a rounding error, all at once.
    """
    random, seen = np.random.default_rng(0), [value]
    for _ in range(3):
        with restored(params):
            for param, which in zip(params, elements, strict=True):
                moves = random.integers(-1, 2, len(which)) * np.finfo(param.dtype).eps
                with np.errstate(all="ignore"):
                    param.flat[which] = param.flat[which] * (1 + moves)
            seen.append(loss())
    scatter = max(seen) - min(seen)
    return 2 * eps * (1 + abs(value)) + (2 * scatter if math.isfinite(scatter) else 0)


@contextmanager
def restored(arrays: Sequence[Any]) -> Iterator[None]:
    copies = [array.copy() for array in arrays]
    try:
        yield
    finally:
        try:
            _put_back(arrays, copies)
        finally:  # Ctrl-C may have come in the middle of that
            _put_back(arrays, copies)


def _put_back(arrays: Sequence[Any], copies: Sequence[Any]) -> None:
    for array, copy in zip(arrays, copies, strict=True):
        array[...] = copy


def position(k: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of element number k."""
    return tuple(int(i) for i in np.unravel_index(k, shape))
