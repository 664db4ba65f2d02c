"""What every plot starts with: its Axes, and colours and markers that everyone can distinguish."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, GREEN, ORANGE, RED = "#1f5fa8", "#009e73", "#d9730d", "#c8102e"
GRAY, INK = "#888888", "#333333"

# For the curves of one plot: a colour (from the palette of Okabe and Ito, for every kind of colour vision), and a
# marker for print in black and white.
SERIES = [
    ("#0072b2", "o"),
    ("#d55e00", "s"),
    ("#009e73", "^"),
    ("#000000", "D"),
    ("#cc79a7", "v"),
    ("#e69f00", "P"),
    ("#56b4e9", "X"),
]


def style(number: int) -> tuple[str, str]:
    """Return the colour and the marker of a curve; all pairs of the two are used before one is repeated."""
    shift = number // len(SERIES)
    return SERIES[number % len(SERIES)][0], SERIES[(number + shift) % len(SERIES)][1]


def axes(ax: "Axes | None", width: float = 6.4, height: float = 4.8) -> "Axes":
    """Return `ax`, or the Axes of a new pyplot figure, whose size is in inches."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be one matplotlib Axes, got {type(ax).__name__}")
    return ax
