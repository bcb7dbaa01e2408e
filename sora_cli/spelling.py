"""Names of files as the disk has them: one word may be written in several ways (é; or e, and an accent)."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path


def same_words(one: str, other: str) -> bool:
    """Whether two names read the same, by Unicode's canonical equivalence (UAX 15)."""
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


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
