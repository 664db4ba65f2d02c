"""The curves of a training run inside a page: text and axes have the colour of the page's text, light or dark."""

import io
import re
from typing import Any

import numpy as np

from fastnet.plotting._axes import BLUE
from fastnet.plotting._training import plot_history

BRIGHT = "#4c8fdc"  # in place of BLUE, which is too dark on black
MANY = 50  # points of a curve above which it is drawn as pixels: as a path it would be larger


def history_svg(trainer: Any) -> str:
    """Return the picture of `plot_history` as an SVG element."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.0), layout="constrained")
    losses = plot_history(trainer, title="", ax=figure.subplots())
    for ax in figure.axes:
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
        for line in ax.lines:
            line.set_rasterized(np.size(line.get_xdata()) > MANY)
    for line in losses.lines:
        if line.get_color() == BLUE:
            line.set(color=BRIGHT, alpha=0.5 if line.get_alpha() else 1.0)
    handles = [line for ax in figure.axes for line in ax.lines]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)  # there it covers no curve
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, dpi=110, metadata={"Date": None})
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = svg.replace("#000000", "currentColor")
    return svg.replace("<svg", '<svg style="fill: currentColor; max-width: 100%; height: auto"', 1)
