"""Where a GIF ends: programs and sites leave bytes behind it, which browsers pass over."""

from __future__ import annotations

import mmap
from typing import BinaryIO

_TRAILER, _EXTENSION, _IMAGE = 0x3B, 0x21, 0x2C
"""How a file ends, and its blocks begin (GIF89a, appendix A)."""
_TABLE = 0x80
"""The bit of a block's flags that says that a table of colours follows."""


def ends(file: BinaryIO) -> bool:
    """Whether a GIF comes to its trailer; a file that was cut does not."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            at = 13 + _table(data[10])
            while data[at] in {_EXTENSION, _IMAGE, 0}:
                at = _next(data, at)
            return data[at] == _TRAILER
        except IndexError:
            return False


def _next(data: mmap.mmap, at: int) -> int:
    """Where the block behind this one begins; a zero between blocks is passed over."""
    if data[at] == 0:
        return at + 1
    at += 2 if data[at] == _EXTENSION else 11 + _table(data[at + 9])
    while length := data[at]:
        at += 1 + length
    return at + 1


def _table(flags: int) -> int:
    """How many bytes of colours follow."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0
