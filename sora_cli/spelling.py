"""Names, and files as the disk has them: one word may be written in several ways (é; or e, and an accent)."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u0900-\u0963\u0966-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u102b-\u103e"
    "\u1056-\u1059\u17b4-\u17d3\u200c\u200d\u3099\u309a"
)
"""What letters of a word carry or are joined by, in the brackets of a pattern; `\\w` knows no vowel signs."""


YAML = (".yaml", ".yml")
"""How files in YAML end."""


def composed(name: str) -> str:
    """A name in the one form in which names are compared (UAX 15, NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def same_words(one: str, other: str) -> bool:
    """Whether two names read the same, by Unicode's canonical equivalence (UAX 15)."""
    return composed(one) == composed(other)


def readable(text: str) -> str:
    """`text` as UTF-8 can hold it: bytes of a name that are no letters become `?`."""
    return text.encode("utf-8", "replace").decode()


def as_stored(path: Path) -> Path:
    """`path` where it is there; else the one that reads the same, where there is exactly one. Raises nothing."""
    if str(path).isascii() or os.path.lexists(path):
        return path
    found = Path(path.anchor)
    try:
        for part in path.parts[bool(path.anchor) :]:
            there = [found / part]
            if not os.path.lexists(there[0]):
                there = [each for each in found.iterdir() if same_words(each.name, part)]
            if len(there) != 1:
                return path
            found = there[0]
    except (OSError, ValueError):
        return path
    return found
