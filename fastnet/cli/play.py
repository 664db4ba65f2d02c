"""`fastnet play`: a page in the browser, on which a network reads what is drawn, and learns."""

import argparse
import threading
import webbrowser
from importlib import resources
from typing import Any

from fastnet import TwoLayerNet, load_network
from fastnet.cli import _arguments
from fastnet.cli.predict import described, is_light, reads_digits

PORT = 8000


def add_parser(commands: Any) -> None:
    """Add `play` to the commands."""
    parser = _arguments.add_command(
        commands,
        "play",
        run,
        help="draw digits on a page in the browser, and watch a network read and learn",
        description="Open a page on which you draw a digit. A network with one hidden layer reads it while you draw. "
        "You see what its units answer and why, and can train it. Only this computer can open the page, and the page "
        "loads nothing from elsewhere. Ctrl-C ends it. Needs fastnet's extra `play`.",
    )
    parser.add_argument(
        "--port", type=_arguments.port, default=PORT, metavar="N",
        help="the port of the page (default: %(default)s); 0 takes any that is free",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address of the page")
    parser.add_argument(
        "--weights", type=_arguments.path, metavar="FILE",
        help="the weights.npz of a `fastnet train` to begin with (default: a network that comes with fastnet)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    from fastnet.web._server import Server

    with Server(args.port, first_network(args.weights)) as server:
        print(f"The page is at {server.url} until you press Ctrl-C.", flush=True)
        if not args.no_browser:
            # In a thread, because some browsers keep their caller waiting.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        server.serve_forever()
    return 0


def first_network(path: Any) -> TwoLayerNet:
    """Return the network in a file, or the one that comes with fastnet."""
    if path is None:
        with resources.as_file(resources.files("fastnet").joinpath("data", "network", "two_layers.npz")) as packaged:
            return TwoLayerNet.load(packaged)
    network = load_network(path)
    if not isinstance(network, TwoLayerNet):
        raise ValueError(f"--weights {path} holds a {type(network).__name__}: the page needs a TwoLayerNet")
    if not reads_digits(network):
        raise ValueError(f"--weights {path} holds {described(network)}: the page needs one for MNIST's digits, 0 to 9")
    if is_light(network.background):
        raise ValueError(
            f"--weights {path} holds a network for dark digits on a light background: the page needs one for light "
            "digits on a dark background, as MNIST's"
        )
    return network
