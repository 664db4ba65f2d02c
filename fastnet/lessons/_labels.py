"""The labels of a picture in another language.

With "svg.fonttype": "none", matplotlib writes the text of an SVG as text, not as outlines. So a label is replaced after
the picture was drawn, and the fonts are those of the reader's browser: the machine that draws needs no font of East
Asia.
"""

import re
from html import escape, unescape

from fastnet._languages import Language
from fastnet.lessons._columns import columns
from fastnet.lessons._markdown import Say

_TEXT = re.compile(r'<text (style="font[^"]*?([\d.]+)px[^>]*)>([^<]*)')
_WORD = re.compile(r"[^\W\d_]{3,}")
_LEAST = 0.8  # of its width: narrower letters are hard to read


def labels(svg: str) -> list[str]:
    """Return each label that has a word: numbers and names such as W1 are the same in every language."""
    texts = (unescape(text) for *_, text in _TEXT.findall(svg))
    return list(dict.fromkeys(text for text in texts if _WORD.search(text)))


def relabelled(svg: str, say: Say, language: Language) -> str:
    """Return the picture with the labels of a language, which also decides how Chinese characters look."""

    def label(found: re.Match[str]) -> str:
        attributes, size, english = found[1], float(found[2]), unescape(found[3])
        text = say(english)
        if columns(text) > columns(english):  # it may stand in a box, which has the width of the English label
            width = max(columns(english), _LEAST * columns(text)) / 2 * size
            attributes += f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
        # Spaces align the numbers of a matrix, and a browser would make one of several.
        return f"<text {attributes}>{escape(text, quote=False)}".replace("  ", "\N{NO-BREAK SPACE}" * 2)

    return _TEXT.sub(label, svg.replace("<svg ", f'<svg xml:lang="{language}" ', 1))
