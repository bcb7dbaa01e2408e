"""What an MP4's edit lists say and libav passes over: where nothing is shown or heard, and other speeds.

libavformat follows them but for these: where an edit between or behind others is empty it plays the track's beginning.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import dropwhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from av.container import InputContainer
from av.stream import Stream

from sora_cli.errors import UnusableFile
from sora_cli.media.read.whole import Box, movie, named

Gap = tuple[Fraction, Fraction]
"""From when to when nothing of a track is shown or heard, in seconds of its file's clock."""


class Edit(NamedTuple):
    """One entry of an edit list: how long it lasts in seconds, which ticks of the track it plays, and how fast.

    An empty one plays from -1; the speed is in 65,536ths.
    """

    length: Fraction
    plays: int
    speed: int


def gaps_of(path: Path, container: InputContainer, stream: Stream) -> tuple[Gap, ...]:
    """Where a track's edit list is empty, but for its beginning, which libav delays as it should.

    Raises:
        MediaError: an edit plays at another speed, which libav passes over.
    """
    if not container.format.name.startswith("mov,"):
        return ()
    with path.open("rb") as file:
        edits = tuple(_edits(file, file.seek(0, 2), stream.id))
    shown = [edit for edit in edits if edit.plays >= 0]
    usual = {_AS_IT_IS, 0} if len(shown) == 1 else {_AS_IT_IS}  # some programs write 0 as the speed of all there is
    if any(edit.speed not in usual for edit in shown):
        told = f"cannot use {path}: its header plays a part of it at another speed"
        raise UnusableFile(told, hint="export it again, so that its frames themselves are slow or fast")
    return tuple(_empty(edits))


def within(time: Fraction, gaps: Iterable[Gap]) -> bool:
    """Whether a time lies in one of the gaps."""
    return any(start - _ROUNDED <= time < end - _ROUNDED for start, end in gaps)


_AS_IT_IS = 1 << 16
_ROUNDED = Fraction(1, 500)
"""Seconds by which a movie's clock, of 600 or 1,000 ticks a second, rounds."""


def _empty(edits: Sequence[Edit]) -> Iterator[Gap]:
    kept = list(dropwhile(lambda edit: edit.plays < 0, edits))
    begin = sum((edit.length for edit in edits[: len(edits) - len(kept)]), Fraction(0))
    for edit in kept:
        if edit.plays < 0:
            yield begin, begin + edit.length
        begin += edit.length


def _edits(file: BinaryIO, size: int, number: int) -> Iterator[Edit]:
    """The edit list of a track (ISO/IEC 14496-12, 8.6.6)."""
    ticks, tracks = movie(file, size)
    for track in (box for told, box in tracks if told == number and ticks):
        for edits in named(file, b"edts", *track[2:]):
            for box in named(file, b"elst", *edits[2:]):
                yield from _listed(file, box, ticks)


def _listed(file: BinaryIO, box: Box, ticks: int) -> Iterator[Edit]:
    file.seek(box.inside)
    data = file.read(max(0, min(box.end - box.inside, _MOST)))
    form = ">QqI" if data[:1] == b"\1" else ">IiI"
    wide = struct.calcsize(form)
    for number in range(min(int.from_bytes(data[4:8], "big"), (len(data) - 8) // wide)):
        length, plays, speed = struct.unpack_from(form, data, 8 + wide * number)
        yield Edit(Fraction(length, ticks), plays, speed)


_MOST = 1 << 20
"""Bytes of an edit list that are read."""
