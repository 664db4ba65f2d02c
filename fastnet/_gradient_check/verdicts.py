"""The verdict of `fastnet.gradient.gradient_check` on one element of a gradient.

An element is compared with a value that the check computed itself, and of which it knows a bound of the error:

- "agrees": they differ by less than the allowed share of this element, the error included;
- "differs": they differ by more, even if the error explains all that it can;
- "cannot tell": the error is too large for either.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray
from fastnet._gradient_check.slopes import Corner, Element, Elements
from fastnet._twins.shared.formulas_numpy import LOSS_EPS

AGREES, CANNOT_TELL, DIFFERS = VERDICTS = "agrees", "cannot tell", "differs"  # the best first


@dataclass(frozen=True)
class Precision:
    """How precise a gradient can be in one dtype."""

    eps: float
    step: float  # the first step of a difference
    share: float  # the gradients may differ by this fraction of the element
    floor: float  # and judged by differences, by this fraction of the parameter's largest gradient


FULL = Precision(eps=2.0**-52, step=1e-4, share=9e-4, floor=1e-5)
SINGLE = Precision(eps=2.0**-23, step=1e-2, share=5e-2, floor=5e-2)
HALF = Precision(eps=2.0**-10, step=1e-1, share=2e-1, floor=2e-1)


def precision_of(param: FloatArray, loss: Any) -> Precision:
    """Return the precision of the loss, or of the parameter if the loss has no dtype or the parameter is float16."""
    has_dtype = isinstance(loss, np.ndarray | np.generic) and loss.dtype.kind == "f"
    itemsize = 2 if param.itemsize == 2 else (loss if has_dtype else param).itemsize
    return {2: HALF, 4: SINGLE}.get(itemsize, FULL)


# The book's cross-entropy takes log(y + 1e-7), and backpropagation ignores the 1e-7. For a sample whose class has the
# probability y, this is 1e-7 / y of its gradient, and more of a sum in which the gradients of the samples cancel. If
# the loss of the sample is L, y is exp(-L). No sample has a larger loss than LARGEST.
LARGEST = -math.log(LOSS_EPS)


def eps_effect(loss: float) -> float:
    """Return how much LOSS_EPS may change a gradient, as a fraction of the largest one of its parameter."""
    return 4 * LOSS_EPS * math.exp(min(loss, LARGEST))


class Judged(NamedTuple):
    """The verdict on one element, and the values that it comes from."""

    verdict: str
    numerical: float
    tolerance: float
    reason: str = ""


def _not_agreeing(
    gradient: float, numerical: float, tolerance: float, error: float, *, differs: bool
) -> Judged:
    if not (math.isfinite(numerical) and math.isfinite(error)):
        reason = f"the numerical gradient is {numerical:.2g} with an error of up to {error:.0e}"
        return Judged(CANNOT_TELL, numerical, tolerance, f"{reason}, because numbers overflow or are infinite or NaN")
    if differs:
        return Judged(DIFFERS, numerical, tolerance)
    reason = (
        f"backpropagation gives {gradient:.2g}, and the numerical gradient is {numerical:.2g} with an error of up to "
        f"{error:.0e}, from rounding or from corners close to it"
    )
    return Judged(CANNOT_TELL, numerical, tolerance, reason)


# --- by the derivatives of a network's forward mode -------------------------------------------------------------------


def worst_by_forward_mode(
    gradient: FloatArray, forward: Any, number: int, elements: npt.NDArray[np.intp]
) -> tuple[int, Judged]:
    """Judge all elements of parameter `number` by the network's `ForwardMode`; return the worst and its position.

    Where the input of relu is 0, or rounding may have made it so, the slopes on both sides are right. An element is
    also right if the terms that it is the sum of cancel, and only their rounding errors are left.
    """

    def of_elements(array: FloatArray) -> FloatArray:
        return array.reshape(-1)[elements]

    g, derivative = of_elements(gradient), forward.derivatives[number]
    nearest, error = of_elements(derivative.value), of_elements(derivative.error)
    with np.errstate(all="ignore"):
        agrees, difference = _is_close(g, nearest, error)
        differs, sides = ~agrees, []
        if differs.any():
            for other in forward.on_other_sides:
                value = of_elements(other[number].value)
                nearest = np.where(np.abs(g - value) < difference, value, nearest)
                difference = np.abs(g - nearest)
            agrees, difference = _is_close(g, nearest, error)
            # The bounds around these two hold for every backward pass. What is in neither is wrong.
            sides = [
                (of_elements(side[number].value), of_elements(side[number].error))
                for side in (forward.with_lost_digits, forward.with_zeros_on_the_other_side)
            ]
            differs = ~agrees & (np.isfinite(g) | (not forward.may_overflow))
            for value, loose in sides:
                differs &= np.isfinite(value + loose) & ~(np.abs(g - value) <= FULL.share * np.abs(value) + loose)
    difference[np.isnan(difference)] = math.inf
    worst = int(np.lexsort([difference, np.where(agrees, 0, np.where(differs, 2, 1))])[-1])
    if agrees[worst]:
        numerical, bound = float(nearest[worst]), float(error[worst])
        return worst, Judged(AGREES, numerical, FULL.share * abs(numerical) + bound)
    there = [(float(value[worst]), float(loose[worst])) for value, loose in sides]
    numerical, bound = min(there, key=lambda side: abs(g[worst] - side[0]))
    tolerance = FULL.share * abs(numerical) + bound
    return worst, _not_agreeing(float(g[worst]), numerical, tolerance, bound, differs=bool(differs[worst]))


def _is_close(g: FloatArray, value: FloatArray, error: FloatArray) -> tuple[Any, FloatArray]:
    """Return which elements agree, and the differences."""
    difference, allowed = np.abs(g - value), FULL.share * np.abs(value)
    # Real rounding errors are smaller than their bounds, but not by eight digits. A bound that is so far off, as behind
    # an output of exactly 1, cannot tell a rounding error from a mistake.
    is_rounding = (np.abs(value) <= 100 * error) & (difference <= error / 2) & (difference >= 1e-8 * error)
    # An infinite number is close to nothing.
    return np.isfinite(difference) & ((difference <= allowed) | (is_rounding & np.isfinite(error))), difference


# --- by differences of the loss ---------------------------------------------------------------------------------------

ROUNDING = 16  # a sum that cancels to 0 leaves at most this many rounding errors of the largest gradient


@dataclass(frozen=True)
class ByDifferences:
    """Judges the elements of one parameter by differences of the loss.

    All elements take the first step, and before they agree, a second one.
    """

    gradient: FloatArray  # of the elements
    again: Callable[[tuple[int, ...]], float]  # computes the gradient at an index, for the parameters as they are
    elements: Elements
    precision: Precision

    def largest(self) -> float:
        """Return the largest numerical gradient, without its error."""
        with np.errstate(all="ignore"):
            sizes = np.abs(self.elements.first.value) - self.elements.first.error
        return float(np.max(sizes, where=sizes < math.inf, initial=0))

    def worst(self, loss: float, largest: float) -> tuple[int, Judged]:
        """Judge the elements until one differs; return the worst and its position.

        Those that differ most come first. `largest` is the largest gradient of all parameters.
        """
        floor = self.precision.floor if self.precision is not FULL else min(self.precision.floor, eps_effect(loss))
        floor *= self.largest()
        first, second = self.elements.first, self.elements.second
        worst, most, found = 0, -1.0, Judged(AGREES, 0.0, 0.0)
        with np.errstate(all="ignore"):
            differences = np.abs(self.gradient - first.value)
            agree = np.zeros(len(differences), bool)
            if second is not None and self.elements[0].is_possible(-1):
                agree = self._agree(first.value, first.rounding, floor) & self._agree(second.value, second.error, floor)
        if second is not None and agree.any():
            apart = np.where(agree, np.abs(self.gradient - second.value), -1)
            worst = int(apart.argmax())
            most, value = float(apart[worst]), float(second.value[worst])
            found = Judged(AGREES, value, max(self.precision.share * abs(value), floor) + float(second.error[worst]))
        order = np.argsort(differences)[::-1]  # argsort puts NaN last, so first here
        for k in order[~agree[order]]:
            judged = self._judged(int(k), floor, largest)
            difference = abs(float(self.gradient[k]) - judged.numerical)
            if (VERDICTS.index(judged.verdict), difference) > (VERDICTS.index(found.verdict), most):
                worst, most, found = int(k), difference, judged
            if judged.verdict == DIFFERS:
                break
        return worst, found

    def _agree(self, value: FloatArray, error: FloatArray, floor: float) -> Any:
        """Return which elements agree with these slopes."""
        return np.abs(self.gradient - value) + error <= np.maximum(self.precision.share * np.abs(value), floor)

    def _judged(self, k: int, floor: float, largest: float) -> Judged:
        """Judge one element: with the first two steps if they are enough, else with more."""
        element, share = self.elements[k], self.precision.share
        gradient, again = float(self.gradient[k]), partial(self.again, element.index)

        def agreeing(value: float, error: float) -> Judged | None:
            allowed = max(share * abs(value), floor)
            return Judged(AGREES, value, allowed + error) if abs(gradient - value) + error <= allowed else None

        first = element.quick()
        # A gradient may be wrong by just as much as the loss bends in one step: it may be that difference itself.
        if agreeing(first.value, first.rounding) and element.is_possible(-1):
            second = element.slope(-1)
            if answer := agreeing(second.value, second.error):
                return answer
        is_zero = gradient == 0 and element.never_moved_the_loss()
        if is_zero:
            element.largest_step()
            if element.never_moved_the_loss():
                return Judged(AGREES, 0.0, first.rounding)
        element.slope(0)  # takes a second step, where a corner at the element itself shows
        at_corner = _at_corner(gradient, again, element, share, floor)
        if at_corner and at_corner.verdict == AGREES:
            return at_corner
        for slope in element.slopes():
            if answer := agreeing(slope.value, slope.error):
                return answer

        best = element.trusted()
        is_precise = 2 * best.error <= share * abs(best.value)
        judged = None if is_precise else _at_corner(gradient, again, element, share, floor)
        if judged is None:
            tolerance = max(share * abs(best.value), floor) + 6 * best.error
            # No step shows a slope. And the first one does not change the loss at all, as in a unit that relu keeps at
            # 0; or the gradient is what rounding leaves of a sum that is 0, as for a bias before batch normalization.
            is_rounding = abs(gradient) <= ROUNDING * self.precision.eps * largest and best.error <= 1e-9 * largest
            if (is_zero or is_rounding) and abs(best.value) <= 2 * best.error:
                return Judged(AGREES, best.value, tolerance)
            differs = not abs(gradient - best.value) <= tolerance  # also if the gradient is NaN
            judged = _not_agreeing(gradient, best.value, tolerance, best.error, differs=differs)
        if judged.verdict == DIFFERS and element.is_right_around(again, abs(gradient - judged.numerical)):
            reason = (
                f"backpropagation gives {gradient:.2g}, and the slope of the loss is {judged.numerical:.2g}, but in "
                "the mean of a step to each side they agree: the loss has corners closer than rounding lets a step be"
            )
            return judged._replace(verdict=CANNOT_TELL, reason=reason)
        return judged


def _at_corner(
    gradient: float, again: Callable[[], float], element: Element, share: float, floor: float
) -> Judged | None:
    """Judge an element at which the loss has a corner; return None if the steps show none.

    The slopes on both sides are right. But the true corner may be a little aside, with the other slope at the element.
    So backpropagation must be right a step away, too.
    """
    corner = element.corner()
    if corner is None:
        return None
    judged = _by_corner(gradient, corner, share, floor)
    if judged.verdict == AGREES and not element.is_right_around(again, corner.size):
        reason = (
            f"backpropagation gives {gradient:.2g}, and the slope of the loss on one side of a corner is "
            f"{judged.numerical:.2g}, but in the mean of a step to each side they do not agree"
        )
        return judged._replace(verdict=CANNOT_TELL, reason=reason)
    return judged


def _by_corner(gradient: float, corner: Corner, share: float, floor: float) -> Judged:
    """Judge an element at which the loss has a corner: the slopes on both sides are right.

    What looks like one corner may be several close to each other. Between these, the slope may be another one.
    """
    nearest = min(corner, key=lambda slope: abs(gradient - slope.value))
    difference = abs(gradient - nearest.value)
    allowed = max(share * abs(nearest.value), floor)
    tolerance = allowed + nearest.error
    if difference + nearest.error <= allowed or (gradient == nearest.value == 0):
        return Judged(AGREES, nearest.value, tolerance)
    if not difference <= tolerance + 4 * corner.size:
        return Judged(DIFFERS, nearest.value, tolerance)
    reason = (
        f"backpropagation gives {gradient:.2g}, but the loss has a corner there: its slopes are "
        f"{corner.left.value:.2g} to the left and {corner.right.value:.2g} to the right"
    )
    return Judged(CANNOT_TELL, nearest.value, tolerance, reason)
