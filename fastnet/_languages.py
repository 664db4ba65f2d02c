"""The languages of the lessons, of the plots' labels and of the documentation."""

from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "ko", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
