"""What each address of the page does. Answers are JSON; arrays of pixels and weights are bytes, in base64."""

import base64
import json
import math
from collections.abc import Iterator
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._extras import library
from fastnet.web._drawing import SIDE, prepared
from fastnet.web._guard import HEADERS, objection
from fastnet.web._session import Session, Settings
from fastnet.web._sessions import Sessions

# The types are given here: some systems take JavaScript for plain text, which browsers then refuse to run.
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SESSION = "Fastnet-Session"  # the header that names the session of a tab
STANDARD_DEVIATIONS = 3  # of the weights: what lies beyond is drawn as strongly as what lies there


def application(sessions: Sessions) -> Any:
    """Return the WSGI application of the page."""
    bottle = library("bottle", "play", "the page to draw on")
    app, request, response = bottle.Bottle(), bottle.request, bottle.response

    def guard() -> None:
        protect()
        if refused := objection(request.environ):
            raise refusal(*refused)

    def session() -> Session:
        try:
            return sessions.find(request.get_header(SESSION, ""))
        except KeyError:
            raise refusal(410, "This tab has no session any more. Load the page again.") from None

    def open_session() -> Any:
        name, opened = sessions.open()
        return answer({"session": name, **opened.state()})

    def read() -> Any:
        chosen = request.query.get("digit")
        digit = None if chosen is None else "0123456789".find(chosen) if len(chosen) == 1 else -1
        body = sent()
        if digit == -1 or len(body) != SIDE**2:
            raise refusal(400, f"A drawing of {SIDE} x {SIDE} bytes is needed, and a digit from 0 to 9 or none.")
        x = prepared(np.frombuffer(body, np.uint8).reshape(SIDE, SIDE))
        return answer({} if x is None else session().read(x, digit))

    def begin_anew() -> Any:
        return answer(checked(session().begin_anew))

    def train() -> Any:
        found, settings = session(), checked(Settings)
        if not sessions.may_train(found):
            raise refusal(409, "Too many other tabs train.")
        frames = found.train(settings)
        response.content_type = "application/x-ndjson"
        return lines(frames)

    def stop() -> Any:
        found = session()
        found.end()
        return answer(found.state())

    app.add_hook("before_request", guard)
    app.default_error_handler = plain
    for path in resources.files("fastnet").joinpath("web", "page").iterdir():
        address = "/" if path.name == "index.html" else f"/{path.name}"
        app.route(address, "GET", partial(file, path.read_bytes(), TYPES[path.name.rpartition(".")[2]]))
    for address, run in {
        "/session": open_session, "/read": read, "/network": begin_anew, "/train": train, "/stop": stop,
    }.items():  # fmt: skip
        app.route(address, "POST", run)
    return app


def refusal(status: int, reason: str) -> Any:
    from bottle import HTTPError

    return HTTPError(status, reason)


def plain(failed: Any) -> str:
    """Return what an error says. It gets the headers again, because it has replaced the answer."""
    from bottle import response

    protect()
    response.content_type = "text/plain; charset=utf-8"
    return str(failed.body)


def protect() -> None:
    from bottle import response

    for name, value in HEADERS.items():
        response.set_header(name, value)


def sent() -> bytes:
    """Return the body of the request."""
    from bottle import request

    try:
        return bytes(request.body.read())
    except OSError:
        raise refusal(400, "The request was cut off. Try again.") from None


def file(content: bytes, kind: str) -> bytes:
    from bottle import response

    response.content_type = f"{kind}; charset=utf-8"
    return content


def checked(function: Any) -> Any:
    """Call a function that checks its arguments with those in the body of the request, a JSON object."""
    try:
        arguments = json.loads(sent())
        if not isinstance(arguments, dict):
            raise ValueError("a JSON object is needed")
        return function(**arguments)
    except (ValueError, TypeError, RecursionError) as wrong:
        raise refusal(400, str(wrong)) from None


def answer(values: dict[str, Any]) -> str:
    from bottle import response

    response.content_type = "application/json"
    return json.dumps(encoded(values))


def lines(frames: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield each frame as a line. When the tab is gone, the server closes this, which ends the training."""
    for frame in frames:
        yield json.dumps(encoded(frame)).encode() + b"\n"


def encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON takes them."""
    values = dict(values)
    if "weights" in values:
        weights = values["weights"]
        values["weights"] = signed(weights, STANDARD_DEVIATIONS * weights.std())
    if "reasons" in values:
        reasons = values["reasons"]
        values["reasons"] = signed(reasons, abs(reasons).max())
        values["image"] = base64.b64encode(np.uint8(np.rint(255 * values["image"])).tobytes()).decode()
        for name in ("hidden", "probabilities"):
            values[name] = [number_or_none(value) for value in values[name].tolist()]
    return {name: number_or_none(value) if isinstance(value, float) else value for name, value in values.items()}


def signed(values: npt.NDArray[Any], full: Any) -> str:
    """Return values from -`full` to `full` as bytes from -127 to 127; NaN becomes 0."""
    if not full > 0:
        full = 1
    with np.errstate(invalid="ignore"):
        scaled = np.nan_to_num(np.clip(values / full, -1, 1))
    return base64.b64encode(np.int8(np.rint(127 * scaled)).tobytes()).decode()


def number_or_none(value: float) -> float | None:
    """Return a number rounded to what the page shows, or None for NaN and infinity, which JSON does not have."""
    return round(value, 6) if math.isfinite(value) else None
