"""Save each figure that `plt.show()` would have shown."""

import os
from pathlib import Path
from typing import Any


def save_plots(folder: Path) -> None:
    """Let `plt.show()` write PNG files; it also shows the windows if MPLBACKEND asks for them."""
    has_windows = "MPLBACKEND" in os.environ
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    folder, show, count = folder.resolve(), plt.show, 0

    def save(*args: Any, **kwargs: Any) -> None:
        nonlocal count
        for number in plt.get_fignums():
            count += 1
            plt.figure(number).savefig(folder / f"figure-{count}.png")
        if has_windows:
            show(*args, **kwargs)
        plt.close("all")  # as the user would close the windows

    plt.show = save
