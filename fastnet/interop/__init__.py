"""Bridges to the tools that the readers of the book already use, and to those that they move on to.

Nothing here is loaded before its first use, and each bridge needs its tool:

- `cluster`: `data_parallel` for Dask; the extra `distributed`.
- `estimators`: `NetClassifier` and `NetRegressor` for scikit-learn; the extra `sklearn`.
"""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "data_parallel": "cluster",
    "NetClassifier": "estimators",
    "NetRegressor": "estimators",
}

__all__ = ["NetClassifier", "NetRegressor", "data_parallel"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
