"""Streams that are closed or missing: the trainer shows what it can, and trains."""

import functools
import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tqdm
from helpers import KERNEL

from fastnet import Trainer, TwoLayerNet

X, T = np.eye(4), np.array([0, 1, 2, 0])


def train(**options):
    trainer = Trainer(TwoLayerNet(4, 3, 3, seed=0), X, T, X, T, mini_batch_size=4, iterations=3, seed=0, **options)
    trainer.train()
    assert len(trainer.train_loss_list) == 3


def closed():
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


def detached():
    stream = io.TextIOWrapper(io.BytesIO())
    stream.detach()
    return stream


class Bare:
    """A stream with the least that print needs."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Failing(Bare):
    def isatty(self):
        raise OSError(5, "Input/output error")


class Raising(Bare):
    def isatty(self):
        raise RuntimeError("mine")


class NotCallable(Bare):
    isatty = False


ABSENT = {
    "None": lambda: None, "closed": closed, "detached": detached, "without isatty": Bare, "failing isatty": Failing,
    "raising isatty": Raising, "isatty that is no function": NotCallable,
}  # fmt: skip


@pytest.mark.parametrize("stderr", ABSENT.values(), ids=ABSENT)
@pytest.mark.parametrize("notebook", [False, True])
def test_without_standard_error_there_is_no_bar_and_no_crash(monkeypatch, capsys, stderr, notebook):
    monkeypatch.setattr(sys, "stderr", stream := stderr())
    if notebook:
        monkeypatch.setitem(sys.modules, "IPython", KERNEL)
        monkeypatch.setattr("fastnet._streams._bar", lambda _: functools.partial(tqdm.tqdm, file=io.StringIO()))
    train(progress=True)
    out = capsys.readouterr().out
    assert out.count("=== epoch:") == 3
    assert "train loss" not in out
    if isinstance(stream, Bare) and not notebook:
        assert stream.text == ""


@pytest.mark.parametrize("stdout", [None, closed(), detached()], ids=["None", "closed", "detached"])
@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("progress", [False, True])
def test_without_standard_output_nothing_is_printed(monkeypatch, stdout, terminal, progress):
    monkeypatch.setattr(sys, "stderr", stream := Terminal() if terminal else io.StringIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    train(progress=progress)
    assert stream.getvalue() == ""


def test_a_standard_output_that_print_can_use_is_used(monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream := Bare())
    train(progress=False)
    assert stream.text.count("train loss:") == 3


def run(program, *, warnings="error", **options):
    return subprocess.run(
        [sys.executable, "-W", warnings, "-c", textwrap.dedent(program)],
        env={**os.environ, "FASTNET_BACKEND": "numpy"}, capture_output=True, text=True, timeout=100, check=True,
        **options,
    )


TRAIN = """
    import numpy as np
    from fastnet import Trainer, TwoLayerNet
    x, t = np.eye(4), np.array([0, 1, 2, 0])
    Trainer(TwoLayerNet(4, 3, 3), x, t, x, t, mini_batch_size=4, iterations=3).train()
"""


def test_in_a_notebook_without_ipywidgets_the_bar_is_one_line_in_place_and_no_warning_comes():
    """With the modules of a notebook's kernel in place, which need not be installed."""
    notebook = """
    import sys, types
    class Shown:
        def update(self, data, raw):
            lines.append(data["text/plain"])
    def display(data, raw, display_id):
        lines.append(data["text/plain"])
        return Shown()
    lines = []
    for name in "IPython", "IPython.display":
        sys.modules[name] = types.ModuleType(name)
    sys.modules["IPython"].get_ipython = lambda: types.SimpleNamespace(kernel=object())
    sys.modules["IPython.display"].display = display
    sys.modules["ipywidgets"] = None
    """
    done = run("\n".join(map(textwrap.dedent, (notebook, TRAIN, "print(lines[0]); print(lines[-1])"))))
    first, last = done.stdout.splitlines()[-2:]
    assert "0/3" in first
    assert "3/3" in last
    assert "loss" in last
    assert done.stderr == ""
    assert done.stdout.count("=== epoch:") == 3


@pytest.mark.skipif(os.name != "posix", reason="closes the descriptors of a process")
def test_a_process_without_any_stream_trains():
    def close():
        os.close(1)
        os.close(2)

    check = """
    import sys
    assert sys.stdout is None and sys.stderr is None
    """
    assert run(textwrap.dedent(check) + textwrap.dedent(TRAIN), preexec_fn=close).returncode == 0
