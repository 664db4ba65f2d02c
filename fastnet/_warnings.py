"""Warnings that point at the user's line."""

import sys
import warnings


def warn_caller(message: str) -> None:
    """Warn at the line that called fastnet: the first one on the stack that is in another package."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "fastnet":
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
