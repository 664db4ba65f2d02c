"""Without the library of an extra, one error says what to install."""

import sys
from pathlib import Path

import numpy as np
import pytest

import fastnet
from fastnet import TwoLayerNet, interop
from fastnet.gradient import numerical_gradient
from fastnet.textbook._notebook import run as run_notebook
from fastnet.web._application import application

NETWORK = TwoLayerNet(2, 3, 2, seed=0)
TRAINER = fastnet.Trainer(NETWORK, np.eye(2), [0, 1], np.eye(2), [0, 1], progress=False)
CALLS = {  # what asks for it: its extra, a library of the extra, the call
    "to_torch": ("torch", "torch", lambda: interop.to_torch(NETWORK)),
    "from_torch": ("torch", "torch", lambda: interop.from_torch(None)),
    "to_dataset": ("torch", "torch", lambda: interop.to_dataset(np.eye(2), [0, 1])),
    "to_onnx": ("onnx", "onnx", lambda: interop.to_onnx(NETWORK, "network.onnx")),
    "save_safetensors": ("safetensors", "safetensors", lambda: interop.save_safetensors(NETWORK, "weights")),
    "load_safetensors": ("safetensors", "safetensors", lambda: interop.load_safetensors("weights")),
    "data_parallel": ("distributed", "distributed", lambda: interop.data_parallel(TRAINER, None).__enter__()),
    "n_jobs": ("distributed", "joblib", lambda: numerical_gradient(np.sum, np.ones(2), n_jobs=2)),
    "an estimator of fastnet": ("sklearn", "sklearn", lambda: interop.NetClassifier),
    "a notebook": ("notebook", "nbclient", lambda: run_notebook("book.ipynb")),
    "the page to draw on": ("play", "bottle", lambda: application(None)),
}


@pytest.mark.parametrize("user", CALLS)
def test_a_missing_library_is_an_import_error_that_names_the_extra(user, monkeypatch, tmp_path):
    extra, library, call = CALLS[user]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "fastnet.interop.estimators", raising=False)
    for name in (library, *(name for name in sys.modules if name.startswith(f"{library}."))):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ModuleNotFoundError
    with pytest.raises(ImportError, match=rf"^{user} needs fastnet's extra `{extra}`: pip install '\.\[{extra}\]'"):
        call()
    assert list(tmp_path.iterdir()) == []


def test_only_one_place_tells_what_to_install():
    told = [path.name for path in Path(fastnet.__file__).parent.rglob("*.py") if "pip install '.[" in path.read_text()]
    assert told == ["_extras.py"]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"fastnet\.interop.*no attribute 'to_tensorflow'"):
        fastnet.interop.to_tensorflow  # noqa: B018
