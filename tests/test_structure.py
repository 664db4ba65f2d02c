"""The package keeps the structure that CONTRIBUTING.md describes, as far as it can be read from the sources."""

import ast
import functools
import importlib
import inspect
import re
import tokenize
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from cases import ELEMENTWISE, FUNCTIONS, KERNELS

import fastnet
from fastnet import functions

PACKAGE = Path(fastnet.__file__).parent
PYTHON = sorted(PACKAGE.rglob("*.py"))
CYTHON = sorted([*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")])


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


# --- every kernel is registered once ---------------------------------------------------------------------------------


def declared() -> list[str]:
    """The kernels that the twins declare."""
    twins = sorted(path.stem for path in PACKAGE.glob("_twins/*_numpy.py"))
    return [kernel for twin in twins for kernel in importlib.import_module(f"fastnet._twins.{twin}").__all__]


def test_every_kernel_that_a_twin_declares_is_registered_once():
    assert Counter(kernel.name for kernel in KERNELS) == Counter(declared())


def test_every_public_function_is_registered_once():
    assert Counter(["np", *(function.name for function in FUNCTIONS)]) == Counter(functions.__all__)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "functions",
            "identity_function step_function sigmoid sigmoid_grad relu relu_grad softmax sum_squared_error "
            "mean_squared_error cross_entropy_error softmax_loss np",
        ),
        ("gradient", "numerical_gradient_2d numerical_gradient np"),
        ("optimizer", "SGD Momentum Nesterov AdaGrad RMSprop Adam np"),
    ],
)
def test_a_star_import_gives_what_that_of_the_book_gives(module, names):
    found = {}
    exec(f"from fastnet.{module} import *", found)
    assert set(names.split()) <= found.keys()
    assert found["np"] is np


def test_what_is_computed_element_by_element_is_registered_once():
    assert max(Counter(case.name for case in ELEMENTWISE).values()) == 1
    for case in ELEMENTWISE:
        assert case.limits, f"{case.name}: no limits"
        assert not case.has_kernel or case.by_hand, f"{case.name}: no values by hand"


# --- no module imports from a higher level ----------------------------------------------------------------------------

LEVELS = [
    [
        "_checks", "_compiled_objective", "_extras", "_files", "_html", "_languages", "_notebook_line", "_npz",
        "_picked", "_scaled", "_schedules", "_startup", "_steps", "_streams", "_threads", "_warnings",
    ],
    ["_twins"],
    ["_kernels", "_kernels_numpy"],
    ["_backend"],
    ["functions", "information", "perceptron", "util", "augmentation", "_jobs", "search", "images"],
    ["_gradient_in_parts", "gradient", "_gradient_check", "layers"],
    ["plotting"],
    ["networks", "optimizer"],
    ["_training"],
    ["trainer", "data", "mnist", "pretrained"],
    ["_bench", "exercises", "interop", "lessons", "textbook", "web"],
    ["cli"],
    ["__main__"],
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

IMPORT = re.compile(
    r"^[ \t]*from[ \t]+(fastnet[\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#]*)|^[ \t]*c?import[ \t]+(fastnet[\w.]*)",
    re.MULTILINE,
)
IMPORT_BY_NAME = re.compile(r"import_module\(f?[\"'](fastnet[\w.]*)")


@functools.cache
def imported(path: Path) -> set[str]:
    """The modules of fastnet that a source imports, lazily too, by their names below `fastnet`."""
    source = path.read_text(encoding="utf-8")
    found = set(IMPORT_BY_NAME.findall(source))
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name(path)} imports relatively"
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fastnet":
                found.add(f"fastnet.{node.attr}")
    else:
        for module, names, alone in IMPORT.findall(source):
            found |= {f"{module}.{each}" for each in re.findall(r"\w+", names)} if module else {alone}
    return {below(each) for each in found if each.startswith("fastnet.")} - {""}


def below(imported_name: str) -> str:
    """The module of an imported name: what `fastnet` itself has is where it is defined."""
    first, *rest = imported_name.removeprefix("fastnet.").split(".")
    if not rest and not inspect.ismodule(value := getattr(fastnet, first, None)) and value is not None:
        return getattr(value, "__module__", "").removeprefix("fastnet").lstrip(".")
    return ".".join([first, *rest])


def room(module: str) -> str:
    return module.partition(".")[0]


# All but the one with the public names, which are of any level.
SOURCES = [path for path in [*PYTHON, *CYTHON] if name(path) != "__init__.py"]


def own_room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_every_module_has_its_level():
    assert {own_room(path) for path in SOURCES} == LEVEL.keys()


def test_no_module_imports_from_a_higher_level():
    level = {path: LEVEL[own_room(path)] for path in SOURCES}
    assert not {(name(path), each) for path in SOURCES for each in imported(path) if LEVEL[room(each)] > level[path]}


def test_a_twin_imports_the_checks_the_threads_what_twins_share_and_its_own_half_in_numpy():
    others = {
        (name(path), each)
        for path in SOURCES
        if own_room(path) == "_twins"
        for each in imported(path)
        if not re.match(rf"_checks\b|_threads\b|_twins\.shared\b|_twins\.{path.stem}_numpy\b", each)
    }
    assert others == {
        ("_twins/dense_network_numpy.py", "_twins.softmax_numpy.softmax"),  # it knows every limit
        ("_twins/dense_network_numpy.py", "_scaled.ScaledBytes"),
        ("_twins/dense_network.pyx", "_scaled.ScaledBytes"),
        ("_twins/dense_network_numpy.py", "_picked.Picked"),
        ("_twins/dense_network.pyx", "_picked.Picked"),
    }


def test_the_textbooks_code_uses_nothing_of_fastnet():
    assert imported(PACKAGE / "_bench/plain.py") == set()
    assert {each.rpartition(".")[0] for each in imported(PACKAGE / "_bench/plain_layers.py")} == {"_bench.plain"}


def test_only_the_choice_of_the_backend_imports_the_compiled_kernels():
    importing = {name(path) for path in SOURCES if "_kernels" in map(room, imported(path))}
    assert importing == {"_backend.py"}


def test_the_imports_of_both_kinds_of_sources_are_found():
    assert {"_kernels_numpy", "_kernels", "_twins.shared.sources.fingerprints"} <= imported(PACKAGE / "_backend.py")
    assert "plotting.plot_predictions" in imported(PACKAGE / "cli/predict.py")  # inside a function
    assert "trainer" in imported(PACKAGE / "cli/train.py")  # from fastnet import Trainer
    assert {"_twins.shared.formulas", "_twins.activations_numpy"} <= imported(PACKAGE / "_twins/activations.pyx")
    assert "_twins.shared.memory.holds_floats" in imported(PACKAGE / "_twins/shared/dispatch.pxd")


# --- what stands in one place ----------------------------------------------------------------------------------------


def without_comments(path: Path) -> str:
    return re.sub(r"(?m)(?<!^)#(?!define).*$|^#.*$", "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("words", "places"),
    [
        # memory.pxd defines it. The loop of `numerical_gradient` calls Python, and is like no other. Those of the
        # optimizers are divided between threads.
        (
            r"\bholds_floats\(",
            {"_twins/shared/dispatch.pxd", "_twins/shared/memory.pxd", "_twins/optimizers.pyx", "_kernels.pyx"},
        ),
        # OF_SHORT_ROWS, the only loops that need other flags of the compiler.
        (r"\b(target_clones|FASTNET_CLONES)\b", {"_twins/shared/dispatch.pxd", "_twins/softmax.pyx"}),
    ],
    ids=["float or double", "instruction set"],
)
def test_what_dispatch_chooses_no_other_source_chooses(words, places):
    assert {name(path) for path in CYTHON if re.search(words, without_comments(path))} == places


# Of each side: the eps of the losses and that of the optimizers, and the slope of leaky_relu.
CONSTANTS = {1e-7: 2, 0.1: 1}
COMPUTING = ("_twins", "_kernels", "functions", "networks")


def numbers(path: Path) -> list[tuple[float, str]]:
    """The numbers in the code of a source, each with its line."""
    if path.suffix == ".py":
        with path.open("rb") as file:
            return [
                (float(token.string), token.line)
                for token in tokenize.tokenize(file.readline)
                if token.type == tokenize.NUMBER and not re.search(r"[xbojXBOJ]", token.string)
            ]
    return [
        (float(number), line)
        for line in without_comments(path).splitlines()
        for number in re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?(?![\w.])", line)
    ]


@pytest.mark.parametrize("paths", [PYTHON, CYTHON], ids=["NumPy", "compiled"])
def test_the_constants_of_the_formulas_stand_once_a_side(paths):
    found = [
        (number, line.strip())
        for path in paths
        if name(path).startswith(COMPUTING)
        for number, line in numbers(path)
        if number in CONSTANTS
    ]
    assert Counter(number for number, _ in found) == CONSTANTS, found
    assert all(re.match(r"[A-Z_]+ = |#define [A-Z_]+ ", line) for _, line in found), found
