"""Write the texts of a plot: in which language, in which fonts, and what to do with letters that no font has."""

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnet._languages import LANGUAGES, Language
from fastnet.plotting._words import WORDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOX = "□"
NOTO = ("Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK SC", "Noto Sans CJK TC")  # each has all scripts


class Script(NamedTuple):
    """A script, and the font families that have its letters; the first family is the one to recommend."""

    name: str
    ranges: tuple[tuple[int, int], ...]
    families: tuple[str, ...]

    def has(self, letter: str) -> bool:
        return any(first <= ord(letter) <= last for first, last in self.ranges)


_JAPANESE = (
    "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic"
)
_KOREAN = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic")
_CHINESE = ("Noto Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "SimHei")
SCRIPTS = (
    Script(
        "Hangul", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)), (*_KOREAN, *NOTO)
    ),
    Script("Kana", ((0x3000, 0x30FF), (0x31F0, 0x31FF), (0xFF00, 0xFFEF)), (*_JAPANESE, *NOTO)),
    Script(
        "Han",
        ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
        (*_JAPANESE, *NOTO, *_CHINESE),
    ),
)


class Lettering:
    """The words, the fonts and the language of one plot.

    If no font has the letters of the language, the words are English. A box takes the place of each letter of the
    caller's title and names that no font has. One warning tells of both, at the line that called the plotting function.
    """

    def __init__(self, title: str | None, *names: str, lang: Language | None = None) -> None:
        from matplotlib.font_manager import FontProperties, fontManager

        if title is not None and not isinstance(title, str):
            raise TypeError(f"title must be a string, got {title!r}")
        if lang is not None and not (isinstance(lang, str) and lang in LANGUAGES):
            raise ValueError(f'lang must be "en", "ko" or "ja", got {lang!r}')
        self._title = title
        self._language = LANGUAGES.index(lang or "en")
        theirs = _not_ascii(title or "", *names)
        ours = _not_ascii(*(words[self._language - 1] for words in WORDS.values())) if self._language else set()
        letters = theirs | ours
        self._default: list[str] = FontProperties().get_family()
        self._families = list(self._default)
        installed = {font.name for font in fontManager.ttflist}
        # The scripts of the texts come first, because Chinese characters look different in Korean and Japanese fonts.
        for script in sorted(SCRIPTS, key=lambda script: not any(map(script.has, letters))):
            family = next((family for family in script.families if family in installed), None)
            if family and family not in self._families:
                self._families.append(family)
        missing = letters
        for family in self._families:
            if missing:
                missing = _without(missing, fontManager.findfont(FontProperties(family=[family])))
        # For the rest, try every installed font.
        for font in fontManager.ttflist:
            if missing and "lastresort" not in font.name.replace(" ", "").lower():  # it has only boxes
                still_missing = _without(missing, font.fname)
                if still_missing != missing:
                    self._families.append(font.name)
                    missing = still_missing
        if missing:
            warnings.warn(_advice(missing & theirs, missing & ours), UserWarning, stacklevel=3)
        if missing & ours:
            self._language = 0
        self._boxes = str.maketrans(dict.fromkeys(missing, BOX))

    def __call__(self, name: str) -> str:
        """Return the name with a box for every letter that no font has; matplotlib would warn at each drawing."""
        return name.translate(self._boxes)

    def say(self, words: str, **values: Any) -> str:
        """Return words of fastnet's own in the language of the plot; `words` is a key of `WORDS`."""
        return (WORDS[words][self._language - 1] if self._language else words).format(**values)

    def title(self, words: str, **values: Any) -> str:
        """Return the caller's title, or fastnet's own, as `say` does."""
        return self.say(words, **values) if self._title is None else self(self._title)

    def apply(self, ax: "Axes") -> "Axes":
        """Set the fonts of all text in `ax` that has the default fonts, and of text that is set there later."""
        from matplotlib.text import Text

        if self._families != self._default:
            ax.tick_params(labelfontfamily=self._families)
            for text in ax.findobj(Text):
                if text.get_fontfamily() == self._default:
                    text.set_fontfamily(self._families)
        return ax


def _not_ascii(*texts: str) -> set[str]:
    return {letter for text in texts for letter in text if not letter.isascii()}


def _without(letters: set[str], path: str) -> set[str]:
    """Return the letters for which the font in this file has no glyph."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):  # the font is damaged, or was removed after matplotlib listed it
        return letters
    return {letter for letter in letters if not font.get_char_index(ord(letter))}


def _advice(names: set[str], words: set[str]) -> str:
    """Return the warning: what is missing for the caller's names and for fastnet's own words, and what to install."""
    import matplotlib

    missing = names | words
    scripts = [script for script in SCRIPTS if any(map(script.has, missing))]
    fonts = " and ".join(dict.fromkeys(script.families[0] for script in scripts)) or "one that has them"
    letters = sorted(missing)
    shown = "".join(letters[:20]) + ("..." if len(letters) > 20 else "")
    which = f" ({', '.join(script.name for script in scripts)})" if scripts else ""
    done = ["the labels are English"] * bool(words) + ["boxes take their place in names and titles"] * bool(names)
    return (
        f"no installed font has the letters {shown}{which}, so {' and '.join(done)}: install a font, such as {fonts}, "
        f"delete matplotlib's list of fonts, fontlist*.json in {matplotlib.get_cachedir()}, and start Python again"
    )
