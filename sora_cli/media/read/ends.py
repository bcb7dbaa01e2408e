"""Where files of some kinds begin and end: programs and sites write more before and behind them, which players skip."""

from __future__ import annotations

import mmap
import re
import struct
from typing import BinaryIO, cast

_TRAILER, _EXTENSION, _IMAGE = 0x3B, 0x21, 0x2C
"""How a file ends, and its blocks begin (GIF89a, appendix A)."""
_TABLE = 0x80
"""The bit of a block's flags that says that a table of colours follows."""


def gif(file: BinaryIO) -> bool:
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
    """Where the block behind this one begins; zeros between blocks are passed over."""
    if data[at] == 0:
        return cast("re.Match[bytes]", _ZEROS.match(data, at)).end()
    at += 2 if data[at] == _EXTENSION else 11 + _table(data[at + 9])
    while length := data[at]:
        at += 1 + length
    return at + 1


_ZEROS = re.compile(b"\\0+")


def _table(flags: int) -> int:
    """How many bytes of colours follow."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


_CORE = frozenset(b"desc data chan kuki pakt strg mark regn inst midi ovvw peak edct info umid uuid free".split())
"""The chunks of a CAF (Apple's specification, 1.0); what else stands behind the last one is none of it."""


def core_audio(file: BinaryIO, size: int) -> bool:
    """CAF: chunks with their sizes; that of the sound may not be known."""
    at = 8
    while at + 12 <= size:
        file.seek(at)
        name, length = struct.unpack(">4sq", file.read(12))
        if length < 0 or name not in _CORE:
            return False
        at += 12 + length
    return at > size


_TAGS = (8, 9, 18)
"""What FLV's tags hold: sound, pictures, facts."""


def flash(file: BinaryIO, size: int) -> bool:
    """FLV: behind each tag stands how long it is, header and all (version 10.1, E.3). Other bytes may follow."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(), "big")
    file.seek(max(0, size - 4 - length))
    if int.from_bytes(file.read(4)[1:], "big") + 11 == length:
        return False
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = int.from_bytes(data[5:9], "big") + 4
        while at + 11 <= size and data[at] in _TAGS:
            at += 15 + int.from_bytes(data[at + 1 : at + 4], "big")
    return at > size


def behind_tag(file: BinaryIO) -> int:
    """Where a file begins behind the tag of ID3's second version that some programs write before it (ID3v2.4, 3.1)."""
    file.seek(0)
    head = file.read(10)
    if head[:3] != b"ID3":
        return 0
    length = sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(head[6:10]))
    return 10 + length + (10 if head[5] & 0x10 else 0)
