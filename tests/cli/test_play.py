"""`fastnet play`: the command itself. tests/web/ has the page and its server."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from fastnet import MultiLayerNet, TwoLayerNet
from fastnet.cli import main


@pytest.fixture(autouse=True)
def no_serving(monkeypatch):
    """A command that should have failed ends all the same."""
    monkeypatch.setattr("socketserver.BaseServer.serve_forever", lambda *_: None)


def play(*arguments):
    return main(["play", "--no-browser", "--port", "0", *map(str, arguments)])


@pytest.mark.parametrize("port", ["-1", "65536", "x", "1.5", "", "٣"])
def test_a_wrong_port_is_refused(port, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["play", f"--port={port}"])
    assert stop.value.code == 2
    assert "must be an integer from 0 to 65535" in capsys.readouterr().err


def test_without_bottle_an_error_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bottle", None)
    assert play() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "fastnet's extra `play`" in line


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (MultiLayerNet(784, [5], 10, seed=0), "holds a MultiLayerNet: the page needs a TwoLayerNet"),
        (TwoLayerNet(4, 5, 3, seed=0), "holds a network of 4 inputs and 3 classes"),
        (TwoLayerNet(784, 5, 10, seed=0), "holds a network for dark digits on a light background"),
    ],
)
def test_a_network_that_the_page_cannot_show_is_refused(network, words, tmp_path, capsys):
    network.background = 1.0
    pytest.importorskip("bottle", reason="the extra `play` is not installed")
    network.save(tmp_path / "weights.npz")
    assert play("--weights", tmp_path / "weights.npz") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_port_that_is_taken_is_told_in_one_line(capsys):
    pytest.importorskip("bottle", reason="the extra `play` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["play", "--no-browser", "--port", str(port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"fastnet play: error: another program uses port {port}: choose another one with --port"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_control_c_ends_the_server_at_once_and_quietly_also_while_it_trains(tmp_path):
    pytest.importorskip("bottle", reason="the extra `play` is not installed")
    TwoLayerNet(784, 7, 10, seed=0).save(tmp_path / "weights.npz")
    command = [sys.executable, "-m", "fastnet", "play", "--no-browser", "--port=0", f"--weights={tmp_path}/weights.npz"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            url = re.search(r"http://127\.0\.0\.1:\d+/", program.stdout.readline())[0]
            ask = open_tab(url)
            settings = b'{"lr": 1, "optimizer": "Adam", "gradient": "numerical", "steps_per_second": 10000}'
            with ask("train", settings) as told:
                told.readline()
                program.send_signal(signal.SIGINT)
                assert program.wait(timeout=20) == 130
            assert program.stderr.read() == "fastnet play: interrupted\n"
        finally:
            program.kill()


def open_tab(url):
    """Ask as the page at `url` does, in a session of its own."""
    def ask(path, body, session=""):
        headers = {"Origin": url.rstrip("/"), "Fastnet-Session": session}
        return urllib.request.urlopen(urllib.request.Request(url + path, body, headers), timeout=30)

    with ask("session", b"") as opened:
        state = json.load(opened)
    assert state["hidden"] == 7  # the network in the file
    return lambda path, body: ask(path, body, state["session"])
