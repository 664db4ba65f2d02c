"""Check that no link of the built documentation leads nowhere: `python tools/links.py docs/_build/html`.

Sphinx checks the links within one language. Those between the languages, and those in the code of the examples, are
checked here. Links to other sites are not followed.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse


class Page(HTMLParser):
    """Where the links of a page lead, and the places in it that a link can lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str | None] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self.places.add(value)
            elif name in ("href", "src", "srcset") and value:
                self.links.add(value)


read = cache(Page)


def broken(folder: Path) -> Iterator[str]:
    """Yield each link that leads nowhere, after the page it is on."""
    for path in sorted(folder.resolve().rglob("*.html")):
        for link in sorted(read(path).links):
            address = urlparse(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            found = target.is_file() and (target.suffix != ".html" or unquote(address.fragment) in read(target).places)
            if not found:
                yield f"{path.relative_to(folder.resolve())}: {link}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the links of the built documentation.")
    parser.add_argument("folder", type=Path, help="where the pages are")
    found = list(broken(parser.parse_args().folder))
    print("\n".join(found) or "No link leads nowhere.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
