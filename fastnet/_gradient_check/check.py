"""The check of `fastnet.gradient.gradient_check`, and the report that it returns.

Every element of a gradient is compared with a value that the check computed itself: by the network's forward mode if it
has one (fastnet's networks do, see `networks/forward_mode.py`), else by differences of its loss (`slopes.py`).
`verdicts.py` compares, and `network.py` refuses a loss that is not one function.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import _html
from fastnet._checks import FloatArray, gradient_of, one_number
from fastnet._gradient_check.network import (
    GRADIENT,
    MODES,
    Loss,
    movable_params,
    params_kept,
    refuse_another_function,
    refuse_random_gradient,
    state_kept,
)
from fastnet._gradient_check.slopes import FACTOR, Element, Elements, Step, noise_of, position, restored
from fastnet._gradient_check.verdicts import (
    AGREES,
    CANNOT_TELL,
    DIFFERS,
    FULL,
    VERDICTS,
    ByDifferences,
    Judged,
    Precision,
    eps_effect,
    precision_of,
    worst_by_forward_mode,
)
from fastnet._twins.shared.formulas_numpy import LOSS_EPS

# --- the report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterReport:
    """The two gradients with respect to one parameter, at the element that decided the verdict.

    That is an element that differs; if there is none, one of which the check cannot tell; if there is none, the one
    with the largest difference.

    Attributes
    ----------
    name : str
        The name of the parameter in ``network.params``.
    size, checked : int
        The number of its elements, and the number of compared elements.
    absolute_error : float
        The difference between the two gradients of this element.
    relative_error : float
        This difference divided by the largest gradient of this parameter.
    tolerance : float
        The allowed difference: a share of this element, and the error of the numerical gradient.
    index : tuple of int
        The element; ``()`` for an empty parameter.
    backpropagation, numerical : float
        The two gradients of this element.
    verdict : {"agrees", "differs", "cannot tell"}
        The worst verdict on an element: "differs", then "cannot tell".
    reason : str
        Why the check cannot tell, with the figures; else empty.
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
    verdict: str
    reason: str
    coarse: bool

    @property
    def agrees(self) -> bool:
        """Whether the verdict is "agrees"."""
        return self.verdict == AGREES


HEAD = ("parameter", "checked", "abs. error", "rel. error", "allowed", "at", "backprop.", "numerical", "")


@dataclass(frozen=True, repr=False)
class GradientReport:
    """The result of `fastnet.gradient.gradient_check`: true if all gradients agree, and printed as a table.

    Attributes
    ----------
    rows : dict of str to ParameterReport
        One report for each parameter, by name.
    loss : float
        The value of ``network.loss(x, t)``.
    verdict : {"agrees", "differs", "cannot tell"}
        The worst verdict of a row: "differs" if one differs, else "cannot tell" if the check cannot tell of one.
    """

    rows: dict[str, ParameterReport]
    loss: float

    @property
    def verdict(self) -> str:
        return max((row.verdict for row in self.rows.values()), key=VERDICTS.index, default=AGREES)

    def __bool__(self) -> bool:
        return self.verdict == AGREES

    def __repr__(self) -> str:
        lines = [HEAD, *(_cells(row) for row in self.rows.values())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*text, *self._conclusions()])

    def _repr_html_(self) -> str:
        rows = [_cells(row) for row in self.rows.values()]
        table = _html.table("Gradient check", HEAD, rows, strong=("DIFFERS", CANNOT_TELL))
        return table + "".join(map(_html.paragraph, self._conclusions()))

    def _conclusions(self) -> list[str]:
        """Return the sentences below the table."""
        text = ["All gradients agree."] if self else []
        wrong = [row for row in self.rows.values() if row.verdict == DIFFERS]
        if wrong:
            conclusion = f"Backpropagation gives a different gradient for {', '.join(row.name for row in wrong)}."
            if any(row.coarse for row in wrong):
                conclusion += (
                    " But the network does not compute in float64: check it there before looking for a mistake."
                )
            text.append(conclusion)
        text += [
            f"The check cannot tell whether {row.name} is right: {row.reason}."
            for row in self.rows.values()
            if row.verdict == CANNOT_TELL
        ]
        return text


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
        "DIFFERS" if row.verdict == DIFFERS else row.verdict,
    )


# --- the check --------------------------------------------------------------------------------------------------------


def check(network: Any, x: Any, t: Any, count: int | None, random: np.random.Generator) -> GradientReport:
    """Check `count` elements of each parameter, or all: see `fastnet.gradient.gradient_check`."""
    params = movable_params(network)
    elements = {name: _chosen(param.size, count, random) for name, param in params.items()}
    with state_kept(network), params_kept(network, params):
        return _check(network, x, t, params, elements)


def _check(
    network: Any, x: Any, t: Any, params: dict[str, Any], elements: dict[str, npt.NDArray[np.intp]], *,
    is_small: bool = False,
) -> GradientReport:  # fmt: skip
    loss = Loss(network, params, x, t)
    grads, value = loss.first_gradient, one_number(loss.first, loss.name)
    precisions = {name: precision_of(param, loss.first) for name, param in params.items()}
    eps = max(precision.eps for precision in precisions.values())
    loss.refuse_random(value, eps)
    refuse_random_gradient(params, grads, loss.gradient(), eps)
    forward = network._forward_mode(x, t) if hasattr(network, "_forward_mode") else None
    found = {}
    if forward is None:
        found = _judged_by_differences(params, elements, grads, loss, value, precisions, eps)
    else:
        for number, (name, chosen) in enumerate(elements.items()):
            found[name] = worst_by_forward_mode(grads[name], forward, number, chosen)
    rows = {}
    for name, chosen in elements.items():
        worst, judged = found.get(name, (0, Judged(AGREES, 0.0, 0.0)))  # an empty parameter agrees
        rows[name] = _row(name, grads[name], chosen, worst, judged, coarse=precisions[name] is not FULL)
    report = GradientReport(rows, value)
    if forward is None and report.verdict == DIFFERS and not is_small:
        report = _without_flat_samples(report, loss, params, elements)
    return report


def _judged_by_differences(
    params: dict[str, Any], elements: dict[str, npt.NDArray[np.intp]], grads: dict[str, FloatArray], loss: Loss,
    value: float, precisions: dict[str, Precision], eps: float,
) -> dict[str, tuple[int, Judged]]:
    """Return the worst element of each parameter that is not empty, and the verdict on it."""

    def evaluate() -> float:
        return one_number(loss.call(), loss.name)

    def again(name: str, index: tuple[int, ...]) -> float:
        return float(gradient_of(name, params[name], loss.gradient(), GRADIENT)[index])

    after = evaluate()
    if not loss.is_same(value, after, eps):
        loss.refuse_random(after, eps)  # two draws may be equal by chance
        raise ValueError(
            f"{loss.name} is {value:.9g}, and {after:.9g} after a call of {GRADIENT}, as if that moved running "
            f"statistics: {MODES}"
        )
    noise = noise_of(evaluate, value, list(params.values()), list(elements.values()), eps)
    steps = _steps_of_all(loss, value, params, elements, precisions)
    judges = {}
    for name, chosen in elements.items():
        if not len(chosen):
            continue

        def make(k: Any, param: FloatArray = params[name], step: float = precisions[name].step) -> Element:
            return Element(evaluate, value, noise, param, position(k, param.shape), step)

        judges[name] = ByDifferences(
            grads[name].reshape(-1)[chosen], partial(again, name), Elements(make, chosen, steps.get(name)),
            precisions[name],
        )
    largest = max((judge.largest() for judge in judges.values()), default=0.0)
    found = {name: judge.worst(value, largest) for name, judge in judges.items()}
    # The numerical gradient of fastnet's networks is that of their loss, also in a subclass.
    is_ours = any(hasattr(loss.network, name) for name in ("_forward_mode", "_gains"))
    if not is_ours and any(judged.verdict == DIFFERS for _, judged in found.values()):
        refuse_another_function(loss, params, grads, {name: judge.elements for name, judge in judges.items()})
    return found


def _steps_of_all(
    loss: Loss, value: float, params: dict[str, Any], elements: dict[str, npt.NDArray[np.intp]],
    precisions: dict[str, Precision],
) -> dict[str, dict[int, Step]]:  # fmt: skip
    """Return the steps 0 and -1 of all elements, if the network can take those of all at once, and all are chosen."""
    is_whole = all(len(chosen) == params[name].size for name, chosen in elements.items())
    gains = loss.gains() if is_whole else None
    if gains is None:
        return {}
    steps: dict[str, dict[int, Step]] = {name: {} for name in params}
    for number in (0, -1):
        for h in {precision.step * FACTOR**number for precision in precisions.values()}:
            for name, (up, down) in gains(h).items():
                if precisions[name].step * FACTOR**number == h:
                    steps[name][number] = Step(h, h, value + up.reshape(-1), value + down.reshape(-1))
    return steps


def _chosen(size: int, count: int | None, random: np.random.Generator) -> npt.NDArray[np.intp]:
    if count is None or count >= size:
        return np.arange(size)
    return np.sort(random.choice(size, count, replace=False))


def _row(
    name: str, gradient: FloatArray, chosen: npt.NDArray[np.intp], worst: int, judged: Judged, *, coarse: bool
) -> ParameterReport:
    index: tuple[int, ...] = ()
    backpropagation = 0.0
    if len(chosen):
        index = position(chosen[worst], gradient.shape)
        backpropagation = float(gradient[index])
    largest = float(np.abs(gradient).max(initial=abs(judged.numerical), where=np.isfinite(gradient)))
    with np.errstate(all="ignore"):
        error = float(np.abs(np.float64(backpropagation) - judged.numerical))
        relative = float(np.float64(error) / largest) if error else 0.0
    return ParameterReport(
        name=name,
        size=gradient.size,
        checked=len(chosen),
        absolute_error=error,
        relative_error=relative,
        tolerance=judged.tolerance,
        index=index,
        backpropagation=backpropagation,
        numerical=judged.numerical,
        verdict=judged.verdict,
        reason=f"at {list(index)}, {judged.reason}" if judged.reason else "",
        coarse=coarse,
    )


# --- where a loss is flat ---------------------------------------------------------------------------------------------


def _without_flat_samples(
    report: GradientReport, loss: Loss, params: dict[str, Any], elements: dict[str, npt.NDArray[np.intp]]
) -> GradientReport:  # fmt: skip
    """Replace "differs" by "cannot tell" where the 1e-7 in the logarithm of a cross-entropy can be the reason.

    No logarithm is larger than their sum, so than the mean loss times the number of targets, divided by the smallest
    factor of a logarithm. Where this is too large, a check with smaller weights decides. There, all classes are about
    equally probable, and the 1e-7 does not count.
    """
    effect = eps_effect(report.loss * np.size(loss.t) / _smallest_factor(loss.t))
    doubtful = {name for name, row in report.rows.items() if row.verdict == DIFFERS and row.relative_error <= effect}
    if not doubtful:
        return report
    with restored(list(params.values())):
        if _make_small(params, loss):
            small = _check(loss.network, loss.x, loss.t, params, elements, is_small=True)
            doubtful -= {name for name, row in small.rows.items() if row.verdict == DIFFERS}
    reason = (
        f"the difference can come from the {LOSS_EPS:g} in the logarithm of a cross-entropy, which backpropagation "
        "ignores. Check with smaller inputs or weights"
    )
    rows = {
        name: replace(row, verdict=CANNOT_TELL, reason=reason) if name in doubtful else row
        for name, row in report.rows.items()
    }
    return replace(report, rows=rows)


def _smallest_factor(t: Any) -> float:
    """Return the smallest factor of a logarithm: 1 if t holds labels or one-hot rows, else of the probabilities."""
    t = np.asarray(t)
    if t.dtype.kind != "f":
        return 1.0
    factors = np.stack([t, 1 - t])  # the sigmoid's loss has the other logarithm, too
    return float(np.min(factors, where=(factors > 0) & (factors < 1), initial=1))


def _make_small(params: dict[str, Any], loss: Loss) -> bool:
    """Make the parameters smaller until the loss is about that of the smallest ones; return whether it is."""
    largest = max((float(np.abs(param).max(initial=1)) for param in params.values()), default=1)
    if not math.isfinite(largest):
        return False
    with restored(list(params.values())):
        for param in params.values():
            param *= 2.0**-20 / largest
        lowest = one_number(loss.call(), loss.name)
    near = 0.1 * max(_smallest_factor(loss.t), 0.01)
    was_near = False
    for _ in range(8):
        for param in params.values():
            param *= 0.25
        is_near = abs(one_number(loss.call(), loss.name) - lowest) <= near
        if is_near and was_near:  # once, the mean of a few large logarithms may be near by chance
            return True
        was_near = is_near
    return False
