"""The public names of fastnet, found by walking its modules: nothing has to be listed, so nothing can be left out."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import fastnet
from fastnet import interop


class Public(NamedTuple):
    """A public function, class or method."""

    name: str  # as its user writes it, below fastnet: "functions.softmax", "TwoLayerNet.predict"
    value: Any
    owner: type | None = None  # the class of a method


def functions_and_classes() -> dict[str, Public]:
    """Every public function and class, by name; what is in `fastnet` itself by that name."""
    found, lacking = {}, lacking_an_extra()
    for module in _modules():
        for name in getattr(module, "__all__", None) or _defined_in(module):
            if f"{module.__name__}.{name}" in lacking:
                continue
            value = getattr(module, name)
            if not inspect.ismodule(value):
                short = module.__name__.removeprefix("fastnet").lstrip(".")
                path = name if not short or getattr(fastnet, name, None) is value else f"{short}.{name}"
                found[path] = Public(path, value)
    return dict(sorted(found.items()))


def lacking_an_extra() -> list[str]:
    """The names of `fastnet.interop` that cannot be imported here, because the tool that they need is not installed."""
    found = []
    for name in interop.__all__:
        try:
            getattr(interop, name)
        except ImportError as error:
            if "fastnet's extra" not in str(error):  # something else is wrong
                raise
            found.append(f"fastnet.interop.{name}")
    return found


def methods() -> dict[str, Public]:
    """Every public method of those classes, by name, inherited ones under each class that has them."""
    found = {}
    for path, public in functions_and_classes().items():
        if inspect.isclass(public.value):
            for name, value in inspect.getmembers(public.value, inspect.isroutine):
                if not name.startswith("_") and getattr(value, "__module__", "").startswith("fastnet"):
                    found[f"{path}.{name}"] = Public(f"{path}.{name}", value, public.value)
    return found


def _modules() -> Iterator[ModuleType]:
    yield fastnet
    for module in pkgutil.iter_modules(fastnet.__path__):
        if not module.name.startswith("_") and module.name != "cli":
            yield importlib.import_module(f"fastnet.{module.name}")


def _defined_in(module: ModuleType) -> list[str]:
    """What a module without `__all__` defines itself; a protocol only describes what others have."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not getattr(value, "_is_protocol", False)
    ]
