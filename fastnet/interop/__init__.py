"""Where a reader goes on: other libraries take over fastnet's networks, and give theirs back.

Each function imports its library when it is called. `pip install 'fastnet[NAME]'` installs the library of an extra.
"""

from fastnet.interop._onnx import to_onnx
from fastnet.interop._pytorch import from_torch, to_dataset, to_torch
from fastnet.interop._safetensors import load_safetensors, save_safetensors

__all__ = ["from_torch", "load_safetensors", "save_safetensors", "to_dataset", "to_onnx", "to_torch"]
