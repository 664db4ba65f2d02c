"""The server of the page, asked over a socket: who is answered, what, and what ends."""

import base64
import contextlib
import http.client
import json
import socket
import struct
import threading
import time

import numpy as np
import pytest

pytest.importorskip("bottle", reason="the extra `play` is not installed")

from fastnet.cli.play import first_network
from fastnet.web._guard import MOST_BYTES, objection
from fastnet.web._server import Server

SETTINGS = {"lr": 0.1, "optimizer": "SGD", "gradient": "backprop", "steps_per_second": 1000}
INK = np.zeros((280, 280), np.uint8)
INK[40:240, 130:152] = 255


@pytest.fixture(scope="module")
def server():
    with Server(0, first_network(None)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def ask(server):
    """Ask as the page does, unless `headers` say otherwise; None leaves a header out."""

    def ask(method, path, body=b"", headers=()):
        own = f"127.0.0.1:{server.server_port}"
        sent = {"Host": own, "Content-Length": str(len(body)), "Origin": f"http://{own}" if method == "POST" else None}
        sent.update(headers)
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return response, response.read()

    return ask


@pytest.fixture
def tab(ask):
    """A session: a function that asks with its name."""
    opened = json.loads(ask("POST", "/session")[1])
    name = {"Fastnet-Session": opened["session"]}

    def tab(path, body=b""):
        response, content = ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), name)
        return response.status, json.loads(content) if response.status == 200 and path != "/train" else content

    tab.name = opened["session"]
    return tab


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- what is answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "html"), ("/page.css", "css"), ("/page.js", "javascript"), ("/pad.js", "javascript"), ("/icon.svg", "svg")],
)
def test_the_files_of_the_page_come_with_their_type_and_may_load_nothing_from_elsewhere(ask, path, kind):
    response, content = ask("GET", path)
    assert response.status == 200
    assert kind in response.getheader("Content-Type")
    assert "default-src 'none'; script-src 'self'" in response.getheader("Content-Security-Policy")
    assert response.getheader("X-Content-Type-Options") == "nosniff"
    assert content
    assert b"style=" not in content or path == "/page.js"  # the policy would refuse it
    assert b"http" not in content.replace(b"http://www.w3.org/2000/svg", b"")


def test_a_drawing_is_read_and_explained(tab):
    status, answer = tab("/read", INK.tobytes())
    assert status == 200
    assert np.argmax(answer["probabilities"]) == answer["digit"] == 1
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)  # rounded to 6 digits
    assert len(answer["hidden"]) == 50
    image = np.frombuffer(base64.b64decode(answer["image"]), np.uint8)
    reasons = np.frombuffer(base64.b64decode(answer["reasons"]), np.int8)
    assert image.shape == reasons.shape == (784,)
    assert image.max() == 255
    assert abs(reasons).max() == 127
    assert not reasons[image == 0].any()
    status, other = tab("/read?digit=7", INK.tobytes())
    assert other["digit"] == 7
    assert other["for"] - other["against"] < answer["for"] - answer["against"]


def test_empty_paper_has_no_answer(tab):
    assert tab("/read", bytes(280 * 280)) == (200, {})


def test_a_network_can_be_replaced_and_had_back(tab):
    first = tab("/network", {"hidden": None})[1]
    status, new = tab("/network", {"hidden": 7})
    assert (status, new["hidden"], len(base64.b64decode(new["weights"]))) == (200, 7, 784 * 7)
    assert new["accuracy"] < 0.4 < 0.97 < first["accuracy"]
    assert tab("/network", {"hidden": None})[1] == first


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/read", b"short"), ("/read?digit=11", INK.tobytes()), ("/read?digit=x", INK.tobytes()),
        ("/read?digit=", INK.tobytes()), ("/train", {}), ("/train", {**SETTINGS, "lr": -1}),
        ("/train", {**SETTINGS, "more": 1}), ("/train", b"no json"), ("/train", b"[" * 90_000), ("/train", b"\xff"),
        ("/train", [1]), ("/network", {}), ("/network", {"hidden": 10**6}), ("/network", b"null"),
    ],
)  # fmt: skip
def test_a_wrong_request_gets_an_answer_of_one_line(tab, path, body):
    status, content = tab(path, body)
    assert status == 400
    assert 0 < len(content) < 300
    assert b"\n" not in content
    assert tab("/read", INK.tobytes())[0] == 200  # and the session goes on


# --- who is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"Sec-Fetch-Site": "none"}, 200),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", {"Host": "localhost:{port}"}, 200),
        ("GET", {"Host": None}, 403),
        ("GET", {"Host": "127.0.0.1"}, 403),
        ("GET", {"Host": "127.0.0.1:1"}, 403),
        ("GET", {"Host": "rebound.example:{port}"}, 403),
        ("GET", {"Host": "127.0.0.1.example:{port}"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", {"Sec-Fetch-Site": "same-site"}, 403),  # another port of this computer
        ("GET", {"Origin": "http://other.example"}, 403),
        ("POST", {}, 200),
        ("POST", {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"}, 200),
        ("POST", {"Origin": None}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:1"}, 403),
        ("POST", {"Origin": "https://127.0.0.1:{port}"}, 403),
        ("POST", {"Origin": "http://localhost:{port}"}, 403),  # to 127.0.0.1: not the same origin
        ("POST", {"Content-Length": str(MOST_BYTES + 1)}, 413),
        ("POST", {"Content-Length": "9" * 30}, 413),
        ("POST", {"Content-Length": "-1"}, 400),
        ("POST", {"Content-Length": "x"}, 400),
        ("POST", {"Content-Length": None, "Transfer-Encoding": "chunked"}, 411),
        ("PUT", {}, 405),
        ("PUT", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_only_the_page_itself_is_answered(ask, server, method, headers, status):
    headers = {name: value and value.format(port=server.server_port) for name, value in headers.items()}
    response, content = ask(method, "/session" if method == "POST" else "/", headers=headers)
    assert response.status == status
    if status != 200:
        assert "session" not in content.decode()
        assert response.getheader("Access-Control-Allow-Origin") is None
        assert response.getheader("X-Content-Type-Options") == "nosniff"


def test_on_the_port_of_http_the_address_has_no_port():
    asked = {"REQUEST_METHOD": "GET", "HTTP_HOST": "localhost"}
    assert objection({**asked, "SERVER_PORT": "80"}) is None
    assert objection({**asked, "SERVER_PORT": "8000"}) == (403, "Only requests to 127.0.0.1 or localhost are answered.")


@pytest.mark.parametrize("path", ["/../_guard.py", "/%2e%2e/_guard.py", "/page/index.html", "/nothing", "/session"])
def test_other_addresses_give_nothing(ask, path):
    assert ask("GET", path)[0].status in (404, 405)


def test_only_this_computer_can_connect(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_request_without_a_session_gets_none(ask):
    for name in ({}, {"Fastnet-Session": "other"}):
        response, _ = ask("POST", "/read", INK.tobytes(), name)
        assert response.status == 410


def test_what_is_cut_off_or_no_http_leaves_the_server_as_it_was(server, tab, capfd):
    own = f"127.0.0.1:{server.server_port}"
    cut_off = f"POST /read HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nContent-Length: 78400\r\n\r\nno".encode()
    too_many = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"
    for message in (b"\0\xff\n\n", too_many, b"G" * 70_000 + b"\r\n", b"", cut_off):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(message)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # end by a reset
    until(lambda: not any("process_request" in thread.name for thread in threading.enumerate()))
    assert tab("/read", INK.tobytes())[0] == 200
    assert capfd.readouterr() == ("", "")


# --- what ends -------------------------------------------------------------------------------------------------------


@pytest.fixture
def training(server, tab):
    """A training of the session, as lines that come one by one."""
    own = f"127.0.0.1:{server.server_port}"
    headers = {"Host": own, "Origin": f"http://{own}", "Fastnet-Session": tab.name}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("POST", "/train", json.dumps(SETTINGS), headers)
    response = connection.getresponse()
    assert response.status == 200
    yield response
    response.close()
    connection.close()


def test_a_training_is_told_line_by_line_until_it_is_stopped(training, tab):
    frames = [json.loads(training.readline()) for _ in range(3)]
    assert frames[0]["step"] < frames[1]["step"] < frames[2]["step"]
    assert frames[0].keys() == {"step", "loss", "accuracy", "hidden", "weights"}
    status, state = tab("/stop")
    rest = training.read().splitlines()  # it ends
    assert status == 200
    assert state.keys() == {"accuracy", "hidden", "weights"}
    assert tab("/stop")[1] == state  # and nothing goes on
    assert len(rest) < 100


def test_a_training_ends_when_its_tab_is_gone(training, tab, server):
    session = server._sessions.find(tab.name)
    training.readline()
    assert session.is_training
    training.close()
    until(lambda: not session.is_training)
