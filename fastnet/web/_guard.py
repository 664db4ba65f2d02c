"""Which requests are answered: those that the page itself sends, from this computer.

The server can only be reached from this computer. But a browser on it also shows pages of other servers, and these can
make the browser send requests here. They are told apart by headers that a page cannot set.
"""

from collections.abc import Mapping

MOST_BYTES = 100_000  # of the body of a request: a drawing has 78,400
NAMES = ("127.0.0.1", "localhost")  # of this computer, as the address bar shows them

# What the browser may do with the page: load its files from here, and nothing from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def objection(environ: Mapping[str, str]) -> tuple[int, str] | None:
    """Return the HTTP status and the reason why a request of WSGI is not answered, or None if it is."""
    port = environ["SERVER_PORT"]
    hosts = [f"{name}:{port}" for name in NAMES]
    if port == "80":
        hosts += NAMES  # browsers leave the port of http out
    host, origin = environ.get("HTTP_HOST"), environ.get("HTTP_ORIGIN")
    if host not in hosts:  # another name that leads here: DNS rebinding
        return 403, "Only requests to 127.0.0.1 or localhost are answered."
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return 403, "Another page asks for this: open the address in a new tab instead."
    is_post = environ["REQUEST_METHOD"] == "POST"
    if origin != f"http://{host}" and (is_post or origin is not None):
        return 403, "Only the page itself may ask for this."
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return 411, "The length of the request must be known."
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal()):
        return 400, "The length of the request must be a number."
    if len(length) > 9 or int(length) > MOST_BYTES:
        return 413, f"A request may have {MOST_BYTES:,} bytes."
    return None
