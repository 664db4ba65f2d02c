"""Bridges to the tools that the readers of the book already use, and to those that they move on to.

Nothing here is loaded before its first use, and each bridge needs its tool:

- `cluster`: `data_parallel` for Dask; the extra `distributed`.
- `estimators`: `NetClassifier` and `NetRegressor` for scikit-learn; the extra `sklearn`.
- `to_pytorch`: `to_torch` and `to_dataset`; `from_pytorch`: `from_torch`; the extra `torch`.
- `onnx_files`: `to_onnx`; the extra `onnx`.
- `safetensors_files`: `save_safetensors` and `load_safetensors`; the extra `safetensors`.
"""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "NetClassifier": "estimators",
    "NetRegressor": "estimators",
    "data_parallel": "cluster",
    "from_torch": "from_pytorch",
    "load_safetensors": "safetensors_files",
    "save_safetensors": "safetensors_files",
    "to_dataset": "to_pytorch",
    "to_onnx": "onnx_files",
    "to_torch": "to_pytorch",
}

__all__ = [
    "NetClassifier",
    "NetRegressor",
    "data_parallel",
    "from_torch",
    "load_safetensors",
    "save_safetensors",
    "to_dataset",
    "to_onnx",
    "to_torch",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
