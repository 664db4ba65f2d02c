"""What a language has for the paragraphs of the lessons: a gettext catalogue, which the documentation uses too."""

import ast
import re
from importlib import resources

_STRING = re.compile(r'".*"')


def translation(language: str) -> dict[str, str]:
    """Return the paragraphs of a language by those in English, in Markdown. English itself needs none."""
    catalogue = resources.files("fastnet.lessons").joinpath("locale", language, "LC_MESSAGES", "learn.po")
    return entries(catalogue.read_text(encoding="utf-8")) if catalogue.is_file() else {}


def entries(catalogue: str) -> dict[str, str]:
    """Return the entries of a catalogue as translators write it (.po), but for those that are empty or out of date.

    Python's own gettext reads compiled catalogues (.mo) alone. They would be generated files beside the lessons, and an
    installation from the sources would lack them.
    """
    found = {}
    for entry in re.split(r"\n\s*\n", catalogue.replace("\r\n", "\n")):
        if not re.search(r"^#,.*\bfuzzy\b", entry, re.MULTILINE):  # the original has changed since
            said = "\n".join(line for line in entry.splitlines() if not line.startswith("#"))
            original, _, translated = said.partition("msgstr")
            found[_text(original)] = _text(translated)
    return {original: translated for original, translated in found.items() if original and translated}


def _text(strings: str) -> str:
    """Return the text of strings as C writes them, one a line. Python writes them alike."""
    return "".join(ast.literal_eval(string) for string in _STRING.findall(strings))
