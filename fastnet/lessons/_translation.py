"""What a language has for the paragraphs of the lessons: a gettext catalogue, which the documentation uses too."""

import ast
import re
from importlib import resources

from fastnet._languages import LANGUAGES, Language

# What `fastnet lesson` says itself, in English, Korean and Japanese.
_WORDS = {
    "Picture": ("그림", "図"),
    "The answers": ("답", "答え"),
    "command": ("명령", "コマンド"),
    "lesson": ("레슨", "レッスン"),
}

_STRING = re.compile(r'".*"')
_ENTRY = re.compile(r'((?:^#.*\n)*)^msgid (".*"(?:\n".*")*)\nmsgstr (".*"(?:\n".*")*)', re.MULTILINE)


def translation(language: Language) -> dict[str, str]:
    """Return the paragraphs and words of a language by those in English, in Markdown. English itself needs none."""
    if language == "en":
        return {}
    catalogue = resources.files("fastnet.lessons").joinpath("locale", language, "LC_MESSAGES", "learn.po")
    place = LANGUAGES.index(language) - 1
    own = {english: words[place] for english, words in _WORDS.items()}
    return own | entries(catalogue.read_text(encoding="utf-8"))


def entries(catalogue: str) -> dict[str, str]:
    """Return the entries of a catalogue as translators write it (.po), but for those that are empty or out of date.

    Python's own gettext reads compiled catalogues (.mo) alone. They would be generated files beside the lessons, and an
    installation from the sources would lack them.
    """
    return {
        _text(original): _text(translated)
        for comments, original, translated in _ENTRY.findall(catalogue)
        if not re.search(r"^#,.*\bfuzzy\b", comments, re.MULTILINE)  # the original has changed since
        and _text(original)
        and _text(translated)
    }


def _text(strings: str) -> str:
    """Return the text of strings as C writes them, one a line. Python writes them alike."""
    return "".join(ast.literal_eval(string) for string in _STRING.findall(strings))
