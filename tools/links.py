"""Check the links and the hints of the built documentation: `python tools/links.py docs/_build/html`.

No link leads nowhere: Sphinx checks the links within one language, but not those between the languages, nor those in
the code of the examples. And a translated page leads to the same places of other pages as the English one, each of
which may stand in either language. Links to other sites are not followed.

What shows below the mouse on a translated page is not English either: some of it stands in HTML, which Sphinx does not
translate.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

from fastnet._languages import LANGUAGES

TRANSLATIONS = LANGUAGES[1:]


class Page(HTMLParser):
    """Where the links of a page lead, the places in it that a link can lead to, and what it shows below the mouse."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str | None] = {""}
        self.hints: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id":
                self.places.add(value)
            elif name in ("href", "src", "srcset") and value:
                self.links.add(value)
            elif name in ("title", "tooltip") and value:
                self.hints.add(value)


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


def places(page: Path, folder: Path) -> set[str]:
    """Return the places of other pages to which a page links, without their language."""
    found = set()
    for link in read(page).links:
        address = urlparse(link)
        if address.path and address.fragment and not (address.scheme or address.netloc):
            target = (page.parent / unquote(address.path)).resolve().relative_to(folder).parts
            found.add("/".join(target[target[0] in TRANSLATIONS :]) + f"#{address.fragment}")
    return found


def translations(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each translated page, and the English one."""
    for language in TRANSLATIONS:
        for page in sorted((folder / language).rglob("*.html")):
            if page.name not in ("genindex.html", "search.html"):  # these are made anew in each language
                yield page, folder / page.relative_to(folder / language)


def astray(folder: Path) -> Iterator[str]:
    """Yield each place to which only one of a page and its translation leads, after the translated page."""
    folder = folder.resolve()
    for page, english in translations(folder):
        for place in sorted(places(page, folder) ^ places(english, folder)):
            yield f"{page.relative_to(folder)}: {place} is linked in one language alone"


def untranslated(folder: Path) -> Iterator[str]:
    """Yield what a translated page shows below the mouse in English, after the page. Names have no spaces."""
    for page, english in translations(folder):
        for hint in sorted(read(page).hints & read(english).hints):
            if " " in hint:
                yield f"{page.relative_to(folder)}: not translated: {hint}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the links and the hints of the built documentation.")
    parser.add_argument("folder", type=Path, help="where the pages are")
    folder = parser.parse_args().folder
    if not any(folder.rglob("*.html")):
        parser.error(f"{folder} has no page: build the documentation first")
    found = list(broken(folder)) or [*astray(folder), *untranslated(folder)]
    print("\n".join(found) or "No link leads nowhere, or astray, and no hint is left in English.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
