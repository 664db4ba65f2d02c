"""The server: on this computer alone, with a thread for each request."""

import errno
import os
import socketserver
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from fastnet import TwoLayerNet
from fastnet.web._application import application
from fastnet.web._session import Digits
from fastnet.web._sessions import Sessions

ADDRESS = "127.0.0.1"  # loopback: no other computer can reach it


class Handler(WSGIRequestHandler):
    """Answers one request, without a line in the terminal."""

    def log_message(self, *_: Any) -> None:
        pass


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """The server of the page."""

    daemon_threads = True  # Ctrl-C waits for no training
    request_queue_size = 64  # browsers ask for several files at once
    allow_reuse_address = os.name == "posix"  # elsewhere, it lets two programs listen on the same port

    def __init__(self, port: int, first: TwoLayerNet) -> None:
        """Listen on `port`, or for 0 on any that is free."""
        self._sessions = Sessions(first, Digits.load())
        app = application(self._sessions)
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OSError(f"another program uses port {port}: choose another one with --port") from None
            raise OSError(f"port {port}: {error.strerror}. Choose another one with --port") from None
        self.set_app(app)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # WSGIServer would look the name of this computer up, which may hang
        self.server_name, self.server_port = ADDRESS, self.server_address[1]
        self.setup_environ()

    def server_close(self) -> None:
        self._sessions.stop()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone."""
