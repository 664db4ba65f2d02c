"""How `fastnet.gradient.gradient_check` compares two gradients, and the report that it returns.

A central difference has two errors: rounding, of the order of eps |loss| / h, and truncation, of the order of h**2
where the loss is smooth. So an element is compared with the first step of its precision. If it differs, it is compared
with the smaller steps too: there, the truncation error almost disappears, but the error of a wrong gradient stays.
Where the input of relu is exactly 0, the loss has a corner for any step, and the slopes on both sides are right.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray
from fastnet._twins.shared.formulas_numpy import LOSS_EPS


@dataclass(frozen=True)
class Precision:
    """How precise differences of a loss are in one dtype."""

    eps: float
    steps: tuple[float, ...]  # the first is for all elements, the others for elements that differ
    share: float  # the gradients may differ by this fraction of the largest one

    def rounding(self, loss: float) -> float:
        """Return the largest rounding error in the difference of two values like `loss`."""
        return 4 * self.eps * (1 + abs(loss))


FULL = Precision(eps=2.0**-52, steps=(1e-4, 1e-5, 1e-6), share=1e-3)
SINGLE = Precision(eps=2.0**-23, steps=(1e-2, 1e-3), share=5e-2)
HALF = Precision(eps=2.0**-10, steps=(1e-1,), share=2e-1)

# If a cross-entropy is above this, the class of some sample is so improbable that LOSS_EPS in the logarithm changes the
# slope of the loss by more than the allowed share.
FLAT = -math.log(LOSS_EPS / FULL.share)


def precision_of(param: FloatArray, loss: Any) -> Precision:
    """Return the precision of the loss, or of the parameter if the loss has no dtype or the parameter is float16."""
    has_dtype = isinstance(loss, np.ndarray | np.generic) and loss.dtype.kind == "f"
    itemsize = 2 if param.itemsize == 2 else (loss if has_dtype else param).itemsize
    return {2: HALF, 4: SINGLE}.get(itemsize, FULL)


@dataclass(frozen=True)
class ParameterReport:
    """The two gradients with respect to one parameter, at the element where they differ most.

    Attributes
    ----------
    name : str
        The name of the parameter in ``network.params``.
    size, checked : int
        The number of its elements, and the number of compared elements.
    absolute_error : float
        The largest difference between the two gradients.
    relative_error : float
        This difference divided by the largest gradient of this parameter.
    tolerance : float
        The allowed difference.
    index : tuple of int
        The element with this difference; ``()`` for an empty parameter.
    backpropagation, numerical : float
        The two gradients of this element.
    agrees : bool
        Whether every difference is within the tolerance.
    coarse : bool
        Whether the loss is computed in float32 or float16, where differences are not precise.
    """

    name: str
    size: int
    checked: int
    absolute_error: float
    relative_error: float
    tolerance: float
    index: tuple[int, ...]
    backpropagation: float
    numerical: float
    agrees: bool
    coarse: bool


HEAD = ("parameter", "checked", "abs. error", "rel. error", "allowed", "largest at", "backprop.", "numerical", "")


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The result of `fastnet.gradient.gradient_check`: true if all gradients agree, and printed as a table.

    Attributes
    ----------
    rows : dict of str to ParameterReport
        One report for each parameter, by name.
    loss : float
        The value of ``network.loss(x, t)``.
    """

    rows: dict[str, ParameterReport]
    loss: float

    def __bool__(self) -> bool:
        return all(row.agrees for row in self.rows.values())

    def __repr__(self) -> str:
        lines = [HEAD, *(_cells(row) for row in self.rows.values())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        wrong = [row for row in self.rows.values() if not row.agrees]
        if not wrong:
            return f"{table}\nAll gradients agree."
        conclusion = f"Backpropagation gives a different gradient for {', '.join(row.name for row in wrong)}."
        if any(row.coarse for row in wrong):
            conclusion += " But the network does not compute in float64: check it there before looking for a mistake."
        if FLAT < self.loss < math.inf:
            conclusion += (
                f"\nNote that the loss is {self.loss:.3g}, where a cross-entropy is almost flat, because of the "
                f"{LOSS_EPS:g} in its logarithm. If it is one, check with smaller inputs or weights before "
                "looking for a mistake."
            )
        return f"{table}\n{conclusion}"


def _cells(row: ParameterReport) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.checked} of {row.size}",
        f"{row.absolute_error:.1e}",
        f"{row.relative_error:.1e}",
        f"{row.tolerance:.1e}",
        str(list(row.index)),
        f"{row.backpropagation:.6g}",
        f"{row.numerical:.6g}",
        "agrees" if row.agrees else "DIFFERS",
    )


def compare(
    name: str,
    gradient: FloatArray,
    elements: npt.NDArray[np.intp],
    numerical: FloatArray,
    slopes: Callable[[int, float], tuple[float, ...]],
    precision: Precision,
    loss: float,
    *,
    is_own: bool,
) -> ParameterReport:
    """Compare the `gradient` of one parameter with the `numerical` one at `elements`, which are flat indices.

    `slopes(element, h)` computes the central, right and left difference again. With `is_own`, `numerical` is the
    network's own, which may be more precise than differences of its loss: fastnet's networks compute it in float64 also
    if they are float32. So it is held to the smaller tolerance, until one element shows that it is not more precise.
    """
    backpropagation = gradient.reshape(-1)[elements]
    largest = max(float(np.abs(values[np.isfinite(values)]).max(initial=0)) for values in (gradient, numerical))
    tolerances = {h: precision.share * largest + precision.rounding(loss) / h for h in precision.steps}
    with np.errstate(all="ignore"):  # a gradient may be infinite, or NaN
        errors = np.abs(backpropagation - numerical)
    coarse, usual = precision is not FULL, tolerances[precision.steps[0]]
    allowed = np.full(errors.shape, precision.share * largest if is_own and coarse else usual)
    numerical = numerical.copy()
    wrong, found_coarse = None, False
    for k in np.argsort(errors)[::-1]:  # the largest first; argsort puts NaN last, so first here
        if errors[k] <= allowed[k]:
            break
        for h, tolerance in tolerances.items():
            if not tolerance <= errors[k]:
                continue  # rounding alone could explain the error at this step, or it is NaN
            error, again = min((abs(float(backpropagation[k]) - slope), slope) for slope in slopes(int(elements[k]), h))
            if error <= tolerance:
                numerical[k], errors[k], allowed[k] = again, error, tolerance
                found_coarse = coarse
                break
        else:
            if found_coarse and errors[k] <= usual:
                allowed = np.maximum(allowed, usual)
            else:
                wrong = k
            break
    if not len(elements):
        return ParameterReport(name, 0, 0, 0.0, 0.0, usual, (), 0.0, 0.0, agrees=True, coarse=coarse)
    worst = int(np.argmax(errors)) if wrong is None else int(wrong)
    with np.errstate(all="ignore"):
        relative = errors[worst] / np.float64(largest) if errors[worst] else 0.0
    return ParameterReport(
        name=name,
        size=gradient.size,
        checked=len(elements),
        absolute_error=float(errors[worst]),
        relative_error=float(relative),
        tolerance=float(allowed[worst]),
        index=tuple(int(i) for i in np.unravel_index(elements[worst], gradient.shape)),
        backpropagation=float(backpropagation[worst]),
        numerical=float(numerical[worst]),
        agrees=wrong is None,
        coarse=coarse,
    )
