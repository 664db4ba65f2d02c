"""Letters and signs that an encoding lacks, spelled in letters that every encoding has.

The consoles of Windows often have an encoding of one country: cp949, cp932, cp1252. They lack ₁, η or ←.
"""

import re
import unicodedata

_SPELLED = {
    "∂": "d", "←": "<-", "→": "->", "·": "*", "×": "x", "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "±": "+-",
    "∑": "sum", "√": "sqrt ", "∞": "infinity", "∈": "in", "⊙": "*", "⋯": "...", "…": "...", "½": "1/2",
    "⎛": "(", "⎜": "|", "⎝": "(", "⎞": ")", "⎟": "|", "⎠": ")",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat", "\N{COMBINING MACRON}": "_mean",
}  # fmt: skip
_TERMS = re.compile(r" \(([^()]*)\)")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_MARKS = {"<sub>": "_", "<super>": "^"}


def spelled(text: str, encoding: str) -> str:
    """Return a text that can be printed in an encoding. What cannot be spelled becomes a question mark."""
    if has(encoding, text):
        return text
    text = _TERMS.sub(lambda found: _terms(found[1], encoding), text)
    text = re.sub(r"[^\x00-\x7f]+", lambda found: _run(found[0], encoding), text)
    return text.encode(encoding, "replace").decode(encoding)


def _terms(inside: str, encoding: str) -> str:
    """Leave out local terms, as in "loss (손실 함수, 損失関数)", that an encoding lacks: they only repeat a word."""
    terms = [term for term in inside.split(", ") if has(encoding, term) or not _EAST_ASIAN.search(term)]
    return f" ({', '.join(terms)})" if terms else ""


def _run(letters: str, encoding: str) -> str:
    """Spell a run of letters; small ones, as in x⁻¹, together: x^(-1)."""
    result, mark = "", ""
    for letter in letters:
        kind, _, of = unicodedata.decomposition(letter).partition(" ")
        if has(encoding, letter) or kind not in _MARKS:
            result += letter if has(encoding, letter) else _one(letter)
            mark = ""
        else:
            result += ("" if mark == _MARKS[kind] else _MARKS[kind]) + _ascii(chr(int(of, 16)))
            mark = _MARKS[kind]
    return result


def _one(letter: str) -> str:
    greek = re.fullmatch(r"GREEK (?:SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(letter, ""))
    if letter not in _SPELLED and greek:
        return {"LAMDA": "lambda"}.get(greek[1], greek[1].lower())
    return _SPELLED.get(letter, letter)


def _ascii(letter: str) -> str:
    return "-" if letter == "\N{MINUS SIGN}" else letter


def has(encoding: str, text: str) -> bool:
    """Whether an encoding has every letter of a text."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
