"""The package is built as CONTRIBUTING.md says: what can be read from the sources."""

import importlib
from collections import Counter
from pathlib import Path

from cases import ELEMENTWISE, FUNCTIONS, KERNELS

import fastnet
from fastnet import functions

PACKAGE = Path(fastnet.__file__).parent


def declared() -> list[str]:
    """The kernels that the twins declare."""
    twins = sorted(path.stem for path in PACKAGE.glob("_twins/*_numpy.py"))
    return [name for twin in twins for name in importlib.import_module(f"fastnet._twins.{twin}").__all__]


def test_every_kernel_that_a_twin_declares_is_registered_once():
    assert Counter(kernel.name for kernel in KERNELS) == Counter(declared())


def test_every_public_function_is_registered_once():
    assert Counter(function.name for function in FUNCTIONS) == Counter(functions.__all__)


def test_what_is_computed_element_by_element_is_registered_once():
    assert max(Counter(case.name for case in ELEMENTWISE).values()) == 1
    for case in ELEMENTWISE:
        assert case.limits, f"{case.name}: no limits"
        assert not case.has_kernel or case.by_hand, f"{case.name}: no values by hand"
