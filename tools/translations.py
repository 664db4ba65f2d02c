"""Bring the translations of the documentation up to date, or check that they are.

    pip install -e '.[docs]'
    python tools/translations.py update
    python tools/translations.py check

`update` reads the English pages, and enters what is new into the catalogues (`.po`). A text that has changed keeps its
old translation, marked as fuzzy: translate it, and remove the mark. `check` names each text that has no translation, or
an old one, and each translation whose code, formulas, links, numbers or strong words are not those of the English text.

The catalogue of the lessons comes with the package, because `fastnet lesson --lang ko` reads it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from fastnet._languages import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
IN_DOCS, IN_PACKAGE = DOCS / "locale", ROOT / "fastnet" / "lessons" / "locale"
# The pages, and folders of pages, that are translated, and where their catalogues stand.
FOLDER_OF = {
    "errors": IN_DOCS, "examples": IN_DOCS, "exercises": IN_DOCS, "index": IN_DOCS, "learn": IN_PACKAGE,
    "start": IN_DOCS,
}  # fmt: skip

TRANSLATED = LANGUAGES[1:]  # all but English

# What a translation leaves as it is: code, formulas, where a link leads, what it can lead to, and strong words' marks.
KEPT = re.compile(r"`+[^`]+`+|\$[^$]+\$|(?<=\]\()[^)]+(?=\))|\{#[^}]+\}|\*\*")
LINK = re.compile(r":(?:ref|download):`[^`<]+<([^>]+)>`")  # of a page in reStructuredText
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")
LATEX_TEXT = re.compile(r"\\text\{([^}]*)\}")
LATEX = re.compile(r"\\[a-zA-Z]+")
LATEX_WORDS = re.compile(r"\\(?:text|mathrm)\{[^}]*\}")
SYMBOL = re.compile(r"\\[a-zA-Z]+|\S")
SENTENCE = re.compile(r"[^.][.?:]$")
WORD = re.compile(r"[^\W\d_]{3,}")


def main(arguments: list[str]) -> int:
    if arguments not in (["update"], ["check"]):
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        english = extract(Path(folder))
        if arguments == ["update"]:
            update(english)
            return 0
        faults = [
            fault for name in FOLDER_OF for language in TRANSLATED for fault in faults_of(name, language, english)
        ]
    print("\n".join(faults) or "Every text has its translation.")
    return bool(faults)


def extract(folder: Path) -> Path:
    """Let Sphinx write the texts of the English pages, and return the folder with one catalogue for each page."""
    others = [
        path.name for path in DOCS.iterdir() if (path.is_dir() or path.suffix == ".md") and path.stem not in FOLDER_OF
    ]
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "gettext", "-D", f"exclude_patterns={','.join(others)}"]
    # The links to the pages that are left out lead nowhere here: the other builds check them.
    quiet = ["-D", "suppress_warnings=toc.not_readable,myst.xref_missing,ref"]
    subprocess.run([*sphinx, *quiet, DOCS, folder], check=True)
    return folder


def update(english: Path) -> None:
    for place in IN_DOCS, IN_PACKAGE:
        new = english / place.parent.name
        new.mkdir()
        for name, folder in FOLDER_OF.items():
            if folder == place:
                shutil.copy(english / f"{name}.pot", new)
        languages = [part for language in TRANSLATED for part in ("--language", language)]
        command: list[str | Path] = ["sphinx-intl", "update", "--pot-dir", new, "--locale-dir", place, *languages]
        subprocess.run([*command, "--line-width", "120", "--no-obsolete", "--jobs", "1"], check=True)


def faults_of(name: str, language: str, english: Path) -> Iterator[str]:
    """Say what is wrong with one catalogue."""
    path = FOLDER_OF[name] / language / "LC_MESSAGES" / f"{name}.po"
    where = path.relative_to(ROOT)
    with path.open("rb") as file:
        translations = {str(message.id): message for message in read_po(file) if message.id}
    with (english / f"{name}.pot").open("rb") as file:
        texts = [str(message.id) for message in read_po(file) if message.id]
    for text in texts:
        if fault := fault_of(text, translations.pop(text, None)):
            yield f"{where}: {fault}"
    for text in translations:
        yield f"{where}: no page says any more: {text}"


def fault_of(text: str, translation: Message | None) -> str | None:
    """Say what is wrong with the translation of a text."""
    translated = str(translation.string).strip() if translation else ""
    if translation and translation.fuzzy:
        return f"the translation is of an older text: {text}"
    if not translated or (translated == text and SENTENCE.search(text)):  # a name or a message may stay as it is
        return f"no translation of: {text}" if needs_translation(text) else None
    if kept(text) != kept(translated):
        return f"other code, formulas, links or strong words than in: {text}\n    {translated}"
    if missing := numbers(text) - numbers(translated):
        return f"{', '.join(missing)} is missing, which is in: {text}\n    {translated}"
    return None


def kept(text: str) -> Counter[str]:
    """Return what must be the same in every language."""
    text = LINK.sub(r"`\1`", text)
    found = Counter(KEPT.findall(text))
    rest = KEPT.sub(" ", text)
    if LATEX.search(rest):  # a formula on lines of its own; if it has words, another order of the rest is right too
        symbols = SYMBOL.findall(LATEX_WORDS.sub(" ", rest))
        found.update(set(symbols) if LATEX_WORDS.search(rest) else ["".join(symbols)])
    return found


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text. A translation may have more of them: 3 for three."""
    return Counter(NUMBER.findall(text.replace(",", "")))


def needs_translation(text: str) -> bool:
    """Return whether there is a word outside code and formulas."""
    return bool(WORD.search(LATEX.sub(" ", KEPT.sub(" ", LATEX_TEXT.sub(r" \1 ", text)))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
