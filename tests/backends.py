"""The backends, and what a test does where one of them is missing."""

import os
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType

import pytest

from fastnet import _backend

BACKENDS = ["cython", "numpy"]


def compiled_kernels_are_required() -> bool:
    """Whether a missing extension is a failure, as in CI, and not a skip, as on a laptop without a compiler."""
    build = os.environ.get("FASTNET_BUILD")
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return build == "require" or (in_ci and build != "skip")


def kernel_module(backend: str) -> ModuleType:
    """The twin itself."""
    try:
        module = _backend._load(backend)
    except ImportError as error:
        if compiled_kernels_are_required():
            pytest.fail(f"the compiled kernels are required, and cannot be imported: {error}", pytrace=False)
        pytest.skip(f"the compiled kernels cannot be imported: {error}")
    # A _kernels.py in its place would make every comparison of the twins compare NumPy with NumPy.
    assert backend == "numpy" or module.__file__.endswith(tuple(EXTENSION_SUFFIXES)), module.__file__
    return module
