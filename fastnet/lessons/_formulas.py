r"""Formulas in LaTeX as plain text: ``\frac{\partial L}{\partial w}`` is ∂L/∂w.

This knows the commands that the lessons use, and refuses any other: no formula is shown as LaTeX.
"""

import re
import unicodedata
from collections.abc import Iterator

from fastnet.lessons._columns import padded

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\s+|.", re.DOTALL)
_TRANSPOSED = "\N{DOWN TACK}"
_WIDE = "\N{EM SPACE}"  # \qquad, which stays when spaces are joined

_SIGNS = {
    r"\partial": "∂", r"\leftarrow": "←", r"\rightarrow": "→", r"\to": "→", r"\cdot": "·", r"\times": "×",
    r"\approx": "≈", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\pm": "±", r"\in": "∈", r"\infty": "∞", r"\odot": "⊙",
    r"\cdots": "⋯", r"\ldots": "…", r"\dots": "…", r"\top": _TRANSPOSED, r"\epsilon": "ε",
    r"\,": " ", r"\;": " ", r"\ ": " ", r"\quad": _WIDE, r"\qquad": _WIDE, r"\!": "", r"\left": "", r"\right": "",
    r"\%": "%", r"\{": "{", r"\}": "}", r"\_": "_",
    **{rf"\{name}": name for name in ("log", "ln", "exp", "max", "min", "sin", "cos", "tanh", "arg")},
}  # fmt: skip
_WORDS = (r"\text", r"\mathrm", r"\operatorname", r"\mathbf")
_ACCENTS = {r"\hat": "\N{COMBINING CIRCUMFLEX ACCENT}", r"\bar": "\N{COMBINING MACRON}"}

_BELOW = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_ABOVE = dict(zip("0123456789+-=()abcdefghijklmnoprstuvwxyz", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
_ABOVE[_TRANSPOSED] = "ᵀ"

# What needs no parentheses in a fraction or below a root: a number, one letter with its marks, a power, a root.
_SINGLE = re.compile(
    rf"\d[\d.]*|∂?[^\W\d_][\u0300-\u036f{''.join({*_BELOW.values(), *_ABOVE.values()})}]*"
    r"|(?:\w\^|√)\([^()]*\)"
)
_FRACTIONS = {"1/2": "½"}


def plain(latex: str) -> str:
    """Return a formula as text: of one line, or of more if it has a matrix."""
    reader = _Reader(latex)
    parts = list(reader.parts(None))
    if any("\n" in part for part in parts):
        return _beside(parts)
    return _tidy("".join(parts))


def _tidy(text: str) -> str:
    text = re.sub(rf"\s*{_WIDE}\s*", _WIDE, re.sub(r" +", " ", text.strip()))
    return text.replace("∂ ", "∂").replace(_WIDE, " " * 4)


class _Reader:
    """One formula, read from the left to the right."""

    def __init__(self, latex: str) -> None:
        self._latex = latex
        self._tokens = [" " if token.isspace() else token for token in _TOKEN.findall(latex)]

    def parts(self, end: str | None) -> Iterator[str]:
        """Yield the parts of the formula up to a token, or up to its end."""
        while self._tokens if end is None else self._next() != end:
            part = self._part()
            below, above = self._scripts()
            if part == "∑":
                yield f"∑({below} … {above}) " if above else f"∑({below}) " if below else "∑ "
            else:
                yield part + _script(below, _BELOW, "_") + _script(above, _ABOVE, "^")
        if end is not None:
            self._take()

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError(f"the formula {self._latex!r} ends too early: close its braces")
        return self._tokens[0]

    def _take(self) -> str:
        self._next()
        return self._tokens.pop(0)

    def _scripts(self) -> tuple[str, str]:
        found = {"_": "", "^": ""}
        while self._tokens and self._tokens[0] in found:
            mark = self._take()
            found[mark] = self._argument()
        return found["_"], found["^"]

    def _argument(self) -> str:
        """Return what a command or a script applies to: a group, or one part."""
        while self._next() == " ":
            self._take()
        return _tidy(self._part())

    def _part(self) -> str:
        token = self._take()
        if token == "{":
            return "".join(self.parts("}"))
        if token == r"\sum":
            return "∑"
        if token in (r"\frac", r"\tfrac"):
            return _fraction(self._argument(), self._argument())
        if token == r"\sqrt":
            return f"√{_whole(self._argument())}"
        if token in _ACCENTS:
            return self._argument() + _ACCENTS[token]
        if token in _WORDS:
            return self._words()
        if token == r"\begin" and self._words() == "pmatrix":
            return self._matrix()
        if (sign := _SIGNS.get(token, _greek(token))) is not None:
            return sign
        if token.startswith("\\") or token in "}_^&":
            raise ValueError(
                f"the formula {self._latex!r} has {token!r}, which fastnet cannot show as text: "
                "write it with other commands, or add this one"
            )
        return token

    def _words(self) -> str:
        """Return the letters of a group as they are."""
        if self._take() != "{":
            raise ValueError(f"the formula {self._latex!r} has words without braces: write them")
        words = ""
        while self._next() != "}":
            words += self._take()
        self._take()
        return words

    def _matrix(self) -> str:
        rows = [[""]]
        while self._next() != r"\end":
            if self._next() == "&":
                rows[-1].append("")
            elif self._next() == r"\\":
                rows.append([""])
            else:
                rows[-1][-1] += self._part()
                continue
            self._take()
        self._take()
        self._words()
        return _matrix([[cell.strip() for cell in row] for row in rows])


def _greek(command: str) -> str | None:
    name = {"lambda": "lamda", "Lambda": "Lamda"}.get(command[1:], command[1:])  # as Unicode spells it
    try:
        return unicodedata.lookup(f"GREEK {'SMALL' if name.islower() else 'CAPITAL'} LETTER {name}")
    except KeyError:
        return None


def _script(text: str, letters: dict[str, str], mark: str) -> str:
    """Return an index or a power in small letters, if there are such, or behind a mark."""
    if all(letter in letters for letter in text):
        return "".join(letters[letter] for letter in text)
    return mark + (text if len(text) == 1 else f"({text})")


def _fraction(above: str, below: str) -> str:
    above, below = _whole(above), _whole(below)
    bar = " / " if ")" in above + below else "/"
    return _FRACTIONS.get(f"{above}{bar}{below}", f"{above}{bar}{below}")


def _whole(text: str) -> str:
    return text if _SINGLE.fullmatch(text) else f"({text})"


def _matrix(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    left, right = ["⎜"] * len(rows), ["⎟"] * len(rows)
    left[0], right[0], left[-1], right[-1] = "⎛", "⎞", "⎝", "⎠"
    return "\n".join(map("".join, zip(left, lines, right, strict=True)))


def _beside(parts: list[str]) -> str:
    """Return parts of several lines side by side, each in the middle of the height."""
    blocks = [part.splitlines() for part in (each.replace(_WIDE, "   ") for each in parts) if part]
    height = max(map(len, blocks))
    for block in blocks:
        above = (height - len(block)) // 2
        block[:] = [""] * above + block + [""] * (height - len(block) - above)
        width = max(map(len, block))
        block[:] = [padded(line, width) for line in block]
    return "\n".join("".join(line).rstrip() for line in zip(*blocks, strict=True))
