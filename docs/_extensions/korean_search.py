"""Let the search of the Korean pages find a word without the particle behind it: 손실 in 손실을.

The search finds parts of words, but only parts of three letters and more, and most Korean words have two.
"""

import re

from sphinx.search import SearchLanguage

PARTICLE = re.compile(
    r"(?<=[가-힣]{2})(?:입니다|에서는|으로는|에서|에는|으로|까지|부터|처럼|보다|마다|을|를|이|가|은|는|의|에|와|과|로|도|만)$"
)


class SearchKorean(SearchLanguage):
    """Every word as it stands, and without its particle."""

    lang = "ko"
    language_name = "Korean"

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx's name for it
        """Return the entries of the index for a text."""
        words = super().split(input)
        return [*words, *(PARTICLE.sub("", word) for word in words)]
