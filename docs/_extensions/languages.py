"""The languages of the documentation: a switch on every page, and translations of those pages that have a catalogue.

English stands at the top of the site. A translation stands in a folder of its language, and holds the translated pages
alone. What it says of others, and of the names in the reference, leads to the English ones. A catalogue translates the
page of its name, or a folder of pages: `learn.po` translates `learn/chapter-2`.
"""

import re
from gettext import NullTranslations
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes, locale
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.transforms import SphinxTransform, i18n
from sphinx_gallery.directives import imgsgnode

from fastnet._languages import LANGUAGES

NAMES = dict(zip(LANGUAGES, ("English", "한국어", "日本語"), strict=True))
HERE = Path(__file__).parents[1]
CARD_TEXT = re.compile(r'(?<=tooltip=")[^"]+|(?<=<div class="sphx-glr-thumbnail-title">)[^<]+')


def translated(language: str, config: Config) -> set[str]:
    """Return the pages, and the folders of pages, that exist in a language."""
    catalogues = (path for folder in config.locale_dirs for path in HERE.glob(f"{folder}/{language}/LC_MESSAGES/*.po"))
    return {path.stem for path in catalogues} | {"genindex", "search"}


def catalogue_of(page: str, config: Config) -> NullTranslations:
    """Return the catalogue that translates a page."""
    folders = [HERE / folder for folder in config.locale_dirs]
    return locale.init(folders, config.language, page.partition("/")[0])[0]


def for_translators(text: str, document: nodes.document) -> nodes.paragraph:
    """Return a paragraph that a build for the catalogues has, for a text that no paragraph of the page has."""
    paragraph = nodes.paragraph(text, text)
    paragraph.source, paragraph.line = document["source"], 0
    return paragraph


def build_only_what_is_translated(_app: Sphinx, config: Config) -> None:
    if config.language != "en":
        pages = translated(config.language, config)
        config.exclude_patterns += [
            path.name for path in HERE.iterdir() if (path.is_dir() or path.suffix == ".md") and path.stem not in pages
        ]
        config.suppress_warnings += ["toc.not_readable"]
        # The English build has made the gallery. Two builds at the same time must not write it again.
        config.sphinx_gallery_conf |= {"examples_dirs": [], "gallery_dirs": [], "backreferences_dir": None}
        config.intersphinx_mapping = {"english": ("../", str(HERE / "_build" / "html" / "objects.inv"))}


def link_to_english_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Let a link to a page that has no translation lead to the English one, and say so."""
    if app.config.language != "en":
        top = "../" * (app.env.docname.count("/") + 1)
        for link in list(doctree.findall(addnodes.pending_xref)):
            page = link["reftarget"]
            if link["refdomain"] == "doc" and page not in app.env.found_docs:
                section = f"#{link['reftargetid']}" if link.get("reftargetid") else ""
                mark = nodes.Text(_(" (in English)"))
                link.replace_self(nodes.reference("", "", *link.children, mark, refuri=f"{top}{page}.html{section}"))


def translate_gallery_cards(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """The gallery's cards are HTML, which Sphinx does not translate: let each say what its page says."""
    if app.config.language != "en" and page == "examples/index":
        examples = [app.env.get_doctree(example) for example in app.env.toctree_includes[page]]
        texts = iter([text for example in examples for text in card_texts(example)])
        for card in doctree.findall(nodes.raw):
            card[:] = [nodes.Text(CARD_TEXT.sub(lambda _: next(texts), card.astext()))]
        if next(texts, None) is not None:
            raise ExtensionError("the gallery has an example without a card")


def card_texts(example: nodes.document) -> list[str]:
    """Return the first paragraph of an example and its title, in the order in which a card has them."""
    section = next(example.findall(nodes.section))
    return [escape(next(section.findall(kind)).astext()) for kind in (nodes.paragraph, nodes.title)]


def describe_pictures_of_examples(app: Sphinx, doctree: nodes.document) -> None:
    """sphinx-gallery describes a picture by its titles, which are English: say of which example it is."""
    if app.config.language != "en":
        for picture in doctree.findall(imgsgnode):
            picture["alt"] = app.env.titles[app.env.docname].astext()


def correct_links_in_code(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """sphinx-gallery links to the English reference as if every page stood at the top."""
    if app.config.language != "en":
        for link in doctree.findall(nodes.reference):
            if any(name.startswith("sphx-glr-backref") for name in link["classes"]) and not link.get("internal"):
                link["refuri"] = "../" * page.count("/") + link["refuri"]


class PlaceAdmonitionTitles(SphinxTransform):
    """MyST does not say where the title of an admonition stands, and Sphinx translates only what stands somewhere."""

    default_priority = 10  # before the translation

    def apply(self, **_: Any) -> None:
        for title in self.document.findall(nodes.title):
            if title.source is None and isinstance(title.parent, nodes.admonition):
                title.source, title.line = title.parent.source, title.parent.line


class TranslateFormulas(SphinxTransform):
    """Sphinx writes a translated formula as reStructuredText, which a page in Markdown does not understand."""

    default_priority = 10  # before the translation

    def apply(self, **_: Any) -> None:
        if self.config.language != "en":
            catalogue = catalogue_of(self.env.docname, self.config)
            for formula in self.document.findall(nodes.math_block):
                formula.rawsource = catalogue.gettext(formula.astext())
                formula[:] = [nodes.Text(formula.rawsource)]


def keep_the_places_of_links() -> None:
    """Sphinx knows no places: it gives all links of a translated paragraph to one page the place of the last."""
    i18n.EXCLUDED_PENDING_XREF_ATTRIBUTES += ("reftargetid",)


def add_switch(app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    context["languages"] = []
    if not app.tags.has("translated"):  # the other languages are not built
        return
    top = context["content_root"] + ("" if app.config.language == "en" else "../")
    first = pagename.partition("/")[0]
    for language, name in NAMES.items():
        page = pagename if language == "en" or first in translated(language, app.config) else "index"
        context["languages"].append((language, name, f"{top}{'' if language == 'en' else language + '/'}{page}.html"))


def setup(app: Sphinx) -> dict[str, Any]:
    keep_the_places_of_links()
    app.connect("config-inited", build_only_what_is_translated, priority=100)  # before intersphinx reads its mapping
    app.add_transform(PlaceAdmonitionTitles)
    app.add_transform(TranslateFormulas)
    app.connect("doctree-read", link_to_english_pages)
    app.connect("doctree-read", describe_pictures_of_examples, priority=900)  # after Sphinx has collected the titles
    app.connect("doctree-resolved", translate_gallery_cards)
    app.connect("doctree-resolved", correct_links_in_code)
    app.connect("html-page-context", add_switch)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
