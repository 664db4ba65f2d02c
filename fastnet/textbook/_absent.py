"""The book's modules for a reader who does not have them: the newest version of each definition.

A program that imports `common.functions` without a `common` folder, or from one without `functions.py`, gets it from
here. `dl_common` and `dl_dataset` are the names in the lecture notes.
"""

import ast
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from fastnet.textbook import _hook
from fastnet.textbook._definitions import NEWEST, SERVED
from fastnet.textbook._serving import name_of, serve_absent

FUNCTIONS = (
    "identity_function", "step_function", "sigmoid", "sigmoid_grad", "relu", "relu_grad", "softmax",
    "sum_squared_error", "mean_squared_error", "cross_entropy_error", "softmax_loss",
)  # fmt: skip
LAYERS = (
    "Relu", "Sigmoid", "Affine", "SoftmaxWithLoss", "Dropout", "BatchNormalization", "Convolution", "Pooling",
)  # fmt: skip
OPTIMIZERS = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam")

# What a star import of each module gives, beside np. A module is there as soon as fastnet serves all of it.
MODULES = {
    "common.functions": FUNCTIONS,
    "common.gradient": ("numerical_gradient_2d", "numerical_gradient"),
    "common.layers": (*FUNCTIONS, "im2col", "col2im", *LAYERS),
    "common.multi_layer_net": ("MultiLayerNet",),
    "common.multi_layer_net_extend": ("MultiLayerNetExtend",),
    "common.optimizer": OPTIMIZERS,
    "common.trainer": (*OPTIMIZERS, "Trainer"),
    "common.util": ("smooth_curve", "shuffle_dataset", "conv_output_size", "im2col", "col2im"),
    "dataset.mnist": ("load_mnist",),
}


# The errors of a missing module, by the names under which a program may catch them.
CAUGHT = {"ModuleNotFoundError", "ImportError", "Exception", "BaseException"}


def _is_question() -> bool:
    """Whether a program only asks whether there is such a module, by `importlib.util.find_spec`."""
    frame: FrameType | None = sys._getframe()
    files = (__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
    while frame is not None and frame.f_code.co_filename in files:
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in ("importlib.util", "pkgutil")


def _has_other_plans() -> bool:
    """Whether the import that is running stands in a `try` that catches its failure: then the program's own plan holds.

    For example, it may import its own `functions` if there is no `common.functions`.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and not _hook.is_readers(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return False
    try:
        tree = ast.parse(Path(frame.f_code.co_filename).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.Try)
        and any(part.lineno <= frame.f_lineno <= (part.end_lineno or 0) for part in node.body)
        and any(_catches(handler) for handler in node.handlers)
        for node in ast.walk(tree)
    )


def _is_near(package: str) -> bool:
    """Whether the reader has the package beside the program or up to two folders above, where Python does not find it.

    It may be changed, so the book's must not take its place.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    folders = {Path.cwd(), Path(script).resolve().parent} if script else {Path.cwd()}
    near = {each for folder in folders for each in (folder, *folder.parents[:2])}
    return any(next((each / package).glob("*.py"), None) is not None for each in near)


def _catches(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or any(
        isinstance(node, ast.Name) and node.id in CAUGHT for node in ast.walk(handler.type)
    )


def _in_the_book(fullname: str) -> str:
    return fullname.removeprefix("dl_")


class Absent:
    """Finds and loads those modules after every other finder has failed."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG004
        name = _in_the_book(fullname)
        is_package = name in ("common", "dataset")
        is_served = name in MODULES and NEWEST.keys() >= set(MODULES[name])
        if not (is_package or is_served) or _is_question() or _has_other_plans() or (is_package and _is_near(fullname)):
            return None
        return ModuleSpec(fullname, Absent, is_package=is_package)  # type: ignore[arg-type]

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG004
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        module.np = np  # type: ignore[attr-defined]
        for name in MODULES.get(_in_the_book(module.__name__), ()):
            version = NEWEST[name]
            value = serve_absent(SERVED[version], name, module.__name__)
            setattr(module, name, value)
            _hook.published[value] = version
            path = f"{module.__name__} (not in your folder)"
            _hook.found.append(_hook.Found(path, 0, name, name_of(SERVED[version]), ""))


def install() -> None:
    """Put the finder behind all others. A second call changes nothing."""
    if Absent not in sys.meta_path:
        sys.meta_path.append(Absent)


def uninstall() -> None:
    """Take the finder out again."""
    sys.meta_path.remove(Absent)
