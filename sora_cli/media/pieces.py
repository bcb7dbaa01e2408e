"""A film's media data in several boxes, for who hashes a file box by box and holds a whole one in memory meanwhile.

ISO/IEC 14496-12, 8.1.1 allows any number of `mdat` boxes: players find samples by their place in the file alone.
"""

from __future__ import annotations

import io
import itertools
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sora_cli.media.read.whole import Box, boxes

PIECE = 8 << 20
"""Bytes of a piece. Chunks of samples that libav writes have about a megabyte at most."""
_WAY = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_PLACES = {b"stco": ">u4", b"co64": ">u8"}
_OTHERS = {b"moof", b"meta", b"uuid", b"mfra", b"sidx"}
"""Boxes of a file that may speak of places in it as well."""


def in_pieces(file: BinaryIO, most: int = PIECE) -> BinaryIO:
    """A film as libav's MP4 muxer writes it, as if its `mdat` were several of at most `most` bytes: read as a file is.

    A piece ends where a chunk of samples begins, so that one is longer where a chunk is. Nothing is written: the places
    in the index and the heads of the pieces are put in while it is read. A file of another kind comes as it is, as
    does one whose index cannot name the new places.
    """
    parts = _parts(file, most)
    file.seek(0)
    return file if parts is None else io.BufferedReader(_Parts(file, parts), 1 << 20)


def _parts(file: BinaryIO, most: int) -> list[bytes | range] | None:
    """What the file is made of in pieces: new bytes, and ranges of its own; None where it is not to be touched."""
    size = file.seek(0, 2)
    top = list(boxes(file, 0, size))
    media, index = ([box for box in top if box.name == name] for name in (b"mdat", b"moov"))
    if len(media) != 1 or len(index) != 1 or top[-1].end != size or {box.name for box in top} & _OTHERS:
        return None
    data, head = media[0], index[0]
    file.seek(head.start)
    moov = bytearray(file.read(head.end - head.start))
    tables = list(_tables(moov))
    cuts = _cuts(np.unique(np.concatenate([np.zeros(0, np.uint64), *tables])), data, most)
    if not cuts or not _moved(tables, np.array(cuts, np.uint64)):
        return None
    ends = [*cuts, data.end]
    pieces: list[bytes | range] = [_head(data.inside - data.start, ends[0] - data.inside), range(data.inside, ends[0])]
    for start, end in itertools.pairwise(ends):
        pieces += [_head(8, end - start), range(start, end)]
    rest: dict[int, list[bytes | range]] = {data.start: pieces, head.start: [bytes(moov)]}
    return [part for box in top for part in rest.get(box.start, [range(box.start, box.end)])]


def _tables(moov: bytearray) -> Iterator[NDArray[np.uint64]]:
    """The tables of an index that say where chunks begin, to be changed in place."""
    inner = [Box(b"moov", 0, 8, len(moov))]
    while inner:
        box = inner.pop()
        if box.name in _WAY:
            inner += boxes(io.BytesIO(moov), box.inside, box.end)
        elif kind := _PLACES.get(box.name):
            (count,) = struct.unpack_from(">I", moov, box.inside + 4)
            yield np.frombuffer(moov, kind, count, box.inside + 8)


def _cuts(places: NDArray[np.uint64], data: Box, most: int) -> list[int]:
    """Where pieces begin, but for the first: each at a chunk's place, as far on as `most` bytes allow."""
    cuts: list[int] = []
    at = data.inside
    while data.end - at > most:
        next_one = int(np.searchsorted(places, at, "right"))
        last_one = int(np.searchsorted(places, at + most, "right")) - 1
        if max(next_one, last_one) >= len(places) or places[max(next_one, last_one)] >= data.end:
            break
        at = int(places[max(next_one, last_one)])
        cuts.append(at)
    return cuts


def _moved(tables: Sequence[NDArray[np.uint64]], cuts: NDArray[np.uint64]) -> bool:
    """Move each place by the heads that stand before it now; whether the tables can say so."""
    for table in tables:
        moved = table.astype(np.uint64) + np.uint64(8) * np.searchsorted(cuts, table, "right").astype(np.uint64)
        if len(table) and moved.max() > np.iinfo(table.dtype).max:
            return False
        table[:] = moved
    return True


def _head(length: int, inside: int) -> bytes:
    """The head, of 8 or 16 bytes, of an `mdat` that holds `inside` bytes."""
    return struct.pack(">I4s", 8 + inside, b"mdat") if length == 8 else struct.pack(">I4sQ", 1, b"mdat", 16 + inside)


class _Parts(io.RawIOBase):
    """Bytes and ranges of a file, read one after another as one file."""

    def __init__(self, file: BinaryIO, parts: Sequence[bytes | range]) -> None:
        self._file, self._parts = file, parts
        self._ends = list(itertools.accumulate(len(part) for part in parts))
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place, as in any file."""
        self._at = offset + (0, self._at, self._ends[-1])[whence]
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read from one part."""
        number = bisect_right(self._ends, self._at)
        if number == len(self._parts):
            return 0
        part = self._parts[number]
        rest = part[self._at - self._ends[number] + len(part) :][: len(buffer)]
        if isinstance(rest, range):
            self._file.seek(rest.start)
            rest = self._file.read(len(rest))
        buffer[: len(rest)] = rest
        self._at += len(rest)
        return len(rest)
