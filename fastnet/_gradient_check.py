"""How `fastnet.gradient.gradient_check` judges two gradients, and the report that it returns.

A difference quotient has errors of its own: rounding, of the order of eps |loss| / h, and what the loss bends within h,
of the order of h**2 where it is smooth. So an element is judged at the first step of its precision, and before it is
found wrong at the smaller ones too: there, the second error all but disappears, and that of a wrong gradient does not.
Where relu is at 0 exactly, the loss bends however small the step, and the slope on one side is as right as the other.
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
    """What differences of a loss can tell that is computed in some dtype."""

    eps: float
    steps: tuple[float, ...]  # the first is the one that all elements are judged at
    share: float  # of the largest gradient, that two gradients may differ by

    def rounding(self, loss: float) -> float:
        """What rounding may change in the difference of two values like `loss`."""
        return 4 * self.eps * (1 + abs(loss))


FULL = Precision(eps=2.0**-52, steps=(1e-4, 1e-5, 1e-6), share=1e-3)
SINGLE = Precision(eps=2.0**-23, steps=(1e-2, 1e-3), share=5e-2)
HALF = Precision(eps=2.0**-10, steps=(1e-1,), share=2e-1)

# A cross-entropy above this has a sample whose class is so improbable that LOSS_EPS in the logarithm takes more than
# the share allowed from the slope of its loss.
FLAT = -math.log(LOSS_EPS / FULL.share)


def precision_of(param: FloatArray, loss: Any) -> Precision:
    """That of the loss, or of the parameter where the loss does not tell, or where the steps are lost beside it."""
    has_dtype = isinstance(loss, np.ndarray | np.generic) and loss.dtype.kind == "f"
    itemsize = 2 if param.itemsize == 2 else (loss if has_dtype else param).itemsize
    return {2: HALF, 4: SINGLE}.get(itemsize, FULL)


@dataclass(frozen=True)
class ParameterReport:
    """The two gradients by one parameter, where they differ most.

    Attributes
    ----------
    name : str
        The parameter's, in ``network.params``.
    size, checked : int
        How many elements it has, and how many of them were compared.
    absolute_error : float
        The largest difference of the two gradients.
    relative_error : float
        That difference as a share of the largest gradient by this parameter.
    tolerance : float
        The difference that is allowed.
    index : tuple of int
        The element with that difference; of an empty parameter, ``()``.
    backpropagation, numerical : float
        Its gradients.
    agrees : bool
        Whether every difference is within the tolerance.
    coarse : bool
        Whether the loss is computed in float32 or float16, whose differences tell little.
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
    """What `fastnet.gradient.gradient_check` found; true where all gradients agree, and printed as a table.

    Attributes
    ----------
    rows : dict of str to ParameterReport
        One for each parameter, by its name.
    loss : float
        What ``network.loss(x, t)`` gave.
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
        conclusion = f"Backpropagation gives another gradient by {', '.join(row.name for row in wrong)}."
        if any(row.coarse for row in wrong):
            conclusion += " But the network computes in less than float64: check it there before looking for a mistake."
        if FLAT < self.loss < math.inf:
            conclusion += (
                f"\nNote that the loss is {self.loss:.3g}, where a cross-entropy is all but flat, for the {LOSS_EPS:g} "
                "in its logarithm. If it is one, check with smaller inputs or weights before looking for a mistake."
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
    """Compare the `gradient` by one parameter with the `numerical` one at its `elements`, which are flat indices.

    `slopes(element, h)` gives second opinions: what the slope may be, by other differences. With `is_own`, `numerical`
    is the network's own, which may be finer than differences of its loss: fastnet's networks take them in float64 also
    where they compute in float32. So it is believed until it is found to be as coarse.
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
    for k in np.argsort(errors)[::-1]:  # the largest first; argsort takes NaN for the largest of all
        if errors[k] <= allowed[k]:
            break
        for h, tolerance in tolerances.items():
            if not tolerance <= errors[k]:
                continue  # rounding alone could hide the error at this step, or it is NaN
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
