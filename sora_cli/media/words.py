"""Words of scripts that are written without spaces: those of Thai, and phrases of Japanese.

BudouX finds them. It knows no Lao, Khmer or Burmese; Chinese may break between any two letters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budoux import Parser

_THAI = re.compile(r"[\u0e01-\u0e3a\u0e40-\u0e4e]+")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")


def is_japanese(text: str) -> bool:
    """Whether a text has kana, in which only Japanese is written."""
    return _KANA.search(text) is not None


def inside_words(text: str) -> frozenset[int]:
    """Where words of Thai and phrases of Japanese go on: how many letters of the text are before."""
    inside: set[int] = set()
    if is_japanese(text):
        inside |= _inside(text, 0, "japanese")
    for run in _THAI.finditer(text):
        inside |= _inside(run[0], run.start(), "thai")
    return frozenset(inside)


def _inside(text: str, start: int, language: str) -> set[int]:
    inside = set(range(start + 1, start + len(text)))
    for part in _parser(language).parse(text):
        start += len(part)
        inside.discard(start)
    return inside


@lru_cache(maxsize=2)
def _parser(language: str) -> Parser:
    import budoux

    return budoux.load_default_thai_parser() if language == "thai" else budoux.load_default_japanese_parser()
