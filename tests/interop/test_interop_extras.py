"""Without the library of an extra, one error says what to install."""

import importlib

import numpy as np
import pytest

import fastnet
from fastnet import TwoLayerNet, interop

NETWORK = TwoLayerNet(2, 3, 2, seed=0)
CALLS = {
    "torch": [
        lambda: interop.to_torch(NETWORK), lambda: interop.from_torch(None),
        lambda: interop.to_dataset(np.eye(2), [0, 1]),
    ],
    "onnx": [lambda: interop.to_onnx(NETWORK, "network.onnx")],
    "safetensors": [
        lambda: interop.save_safetensors(NETWORK, "weights"), lambda: interop.load_safetensors("weights"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("extra", "call"), [(extra, call) for extra, calls in CALLS.items() for call in calls])
def test_a_missing_library_is_an_import_error_that_names_the_extra(extra, call, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    real = importlib.import_module

    def missing(name, *others):
        if name.partition(".")[0] == extra:
            raise ImportError(f"No module named {name!r}")
        return real(name, *others)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=rf"needs {extra}, .* pip install '\.\[{extra}\]'"):
        call()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"fastnet\.interop.*no attribute 'to_tensorflow'"):
        fastnet.interop.to_tensorflow  # noqa: B018
