"""Choose fonts for the names that a caller gives, and handle letters that no font has."""

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

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


_JAPANESE = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "Hiragino Sans", "Yu Gothic", "Meiryo")
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
    """The fonts for the title and the names in one plot.

    If no font has some of the letters, it warns; the warning shows the line that called the plotting function.
    """

    def __init__(self, title: str, *names: str) -> None:
        from matplotlib.font_manager import FontProperties, fontManager

        if not isinstance(title, str):
            raise TypeError(f"title must be a string, got {title!r}")
        names = title, *names
        letters = {letter for name in names for letter in name if not letter.isascii()}
        self._default: list[str] = FontProperties().get_family()
        self._families = list(self._default)
        installed = {font.name for font in fontManager.ttflist}
        # The scripts of the names come first, because Chinese characters look different in Korean and Japanese fonts.
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
            warnings.warn(_advice(missing), UserWarning, stacklevel=3)
        self._boxes = str.maketrans(dict.fromkeys(missing, BOX))

    def __call__(self, name: str) -> str:
        """Return the name with a box for every letter that no font has; matplotlib would warn at each drawing."""
        return name.translate(self._boxes)

    def apply(self, ax: "Axes") -> "Axes":
        """Set the fonts of all text in `ax` that has the default fonts, and of text that is set there later."""
        from matplotlib.text import Text

        if self._families != self._default:
            ax.tick_params(labelfontfamily=self._families)
            for text in ax.findobj(Text):
                if text.get_fontfamily() == self._default:
                    text.set_fontfamily(self._families)
        return ax


def _without(letters: set[str], path: str) -> set[str]:
    """Return the letters for which the font in this file has no glyph."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):  # the font is damaged, or was removed after matplotlib listed it
        return letters
    return {letter for letter in letters if not font.get_char_index(ord(letter))}


def _advice(missing: Collection[str]) -> str:
    import matplotlib

    scripts = [script for script in SCRIPTS if any(map(script.has, missing))]
    fonts = " and ".join(dict.fromkeys(script.families[0] for script in scripts)) or "one that has them"
    letters = sorted(missing)
    shown = "".join(letters[:20]) + ("..." if len(letters) > 20 else "")
    which = f" ({', '.join(script.name for script in scripts)})" if scripts else ""
    return (
        f"no installed font has the letters {shown}{which}, which are drawn as boxes: install a font, such as {fonts}, "
        f"delete matplotlib's list of fonts, fontlist*.json in {matplotlib.get_cachedir()}, and start Python again"
    )
