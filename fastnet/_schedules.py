"""Learning rates that fall while a network learns: functions of the number of updates so far."""

import math
from dataclasses import dataclass

from fastnet._checks import as_count, as_float, as_fraction


@dataclass(frozen=True)
class StepDecay:
    """A learning rate that becomes smaller by a factor after every so many updates.

    Parameters
    ----------
    initial : float
        The rate of the first update, above 0.
    every : int
        The number of updates with the same rate.
    factor : float, default 0.1
        What the rate is multiplied by; at least 0 and below 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    See Also
    --------
    CosineDecay : A rate that falls smoothly.

    Notes
    -----
    ``lr = initial * factor**floor(n / every)`` after n updates. "Deep Learning from Scratch", chapter 6, calls the idea
    learning rate decay.

    Examples
    --------
    >>> from fastnet.optimizer import SGD, StepDecay
    >>> schedule = StepDecay(0.1, every=1000, factor=0.5)
    >>> print([schedule(updates) for updates in (0, 999, 1000, 2000)])
    [0.1, 0.1, 0.05, 0.025]
    >>> SGD(lr=schedule).lr
    0.1
    """

    initial: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        as_float(self.initial, "initial")
        as_count(self.every, "every")
        as_fraction(self.factor, "factor")

    def __call__(self, updates: int) -> float:
        return float(self.initial * self.factor ** (updates // self.every))


@dataclass(frozen=True)
class CosineDecay:
    """A learning rate that falls along half a wave of the cosine: slowly at first and at the end.

    Parameters
    ----------
    initial : float
        The rate of the first update, above 0.
    steps : int
        The number of updates until the last rate, which then stays.
    lowest : float, default 0.0
        The last rate, at least 0 and at most `initial`. With 0, updates change nothing once it is reached.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number in its range.

    See Also
    --------
    StepDecay : A rate that falls in steps.

    Notes
    -----
    ``lr = lowest + (initial - lowest) * (1 + cos(pi * n / steps)) / 2`` after n updates, n at most `steps`;
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017, equation 5.

    Examples
    --------
    >>> from fastnet.optimizer import Adam, CosineDecay
    >>> schedule = CosineDecay(0.1, steps=1000)
    >>> print([round(schedule(updates), 4) for updates in (0, 250, 500, 1000, 2000)])
    [0.1, 0.0854, 0.05, 0.0, 0.0]
    >>> Adam(lr=schedule).lr
    0.1
    """

    initial: float
    steps: int
    lowest: float = 0.0

    def __post_init__(self) -> None:
        initial = as_float(self.initial, "initial")
        as_count(self.steps, "steps")
        if as_float(self.lowest, "lowest", positive=False) > initial:
            raise ValueError(f"lowest must be at most initial, {self.initial!r}, got {self.lowest!r}")

    def __call__(self, updates: int) -> float:
        share = (1 + math.cos(math.pi * min(updates / self.steps, 1))) / 2
        return float(self.lowest + (self.initial - self.lowest) * share)
