"""What an MP4's edit lists say where libav does otherwise: of several edits, of empty ones, of cuts before a keyframe.

libavformat loses or doubles frames where an edit begins between keyframes and others stand beside it, and it plays the
track's beginning where an edit between or behind others is empty. It follows a list that only delays a track, or leaves
out what a coder needs to begin, and plays what such a list ends within to its last packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import dropwhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from av.container import InputContainer
from av.stream import Stream

from sora_cli.errors import UnusableFile
from sora_cli.media.read.whole import Box, movie, named


class Edit(NamedTuple):
    """One entry of an edit list: how long it lasts in seconds, which ticks of the track it plays, and how fast.

    An empty one plays from -1; the speed is in 65,536ths.
    """

    length: Fraction
    plays: int
    speed: int

    @property
    def shown(self) -> bool:
        """Whether it plays anything."""
        return self.plays >= 0


def edits_of(path: Path, container: InputContainer, stream: Stream) -> tuple[Edit, ...]:
    """The edits of a track, where they are to be followed without libav; else none.

    Raises:
        MediaError: an edit plays at another speed, which libav passes over.
    """
    if not container.format.name.startswith("mov,"):
        return ()
    with path.open("rb") as file:
        track = _track(file, file.seek(0, 2), stream.id)
        if track is None:
            return ()
        edits, first = tuple(_edits(file, *track)), _first_shown(file, track[0])
    shown = [edit for edit in edits if edit.shown]
    usual = {_AS_IT_IS, 0} if len(shown) == 1 else {_AS_IT_IS}  # some programs write 0 as the speed of all there is
    if any(edit.speed not in usual for edit in shown):
        told = f"cannot use {path}: its header plays a part of it at another speed"
        raise UnusableFile(told, hint="export it again, so that its frames themselves are slow or fast")
    if not shown or any(not edit.length for edit in shown) or (len(edits) == 1 and edits[0].length > _LONGEST):
        return ()
    if any(edit.length > _LONGEST for edit in edits):
        raise UnusableFile(f"cannot use {path}: its header says that it lasts for weeks", hint="export it again")
    cut = (shown[0].plays - first) * (stream.time_base or Fraction(0)) > _LEAD
    return edits if cut or len(list(dropwhile(lambda edit: not edit.shown, edits))) > 1 else ()


def placed(edits: Sequence[Edit]) -> Iterator[tuple[Fraction, Edit]]:
    """Each edit, with the second of the film at which it begins."""
    begin = Fraction(0)
    for edit in edits:
        yield begin, edit
        begin += edit.length


_AS_IT_IS = 1 << 16
_LONGEST = 1_000_000
"""Seconds that an edit may last: what tells more is no film."""
_LEAD = Fraction(1, 5)
"""Seconds of a track that are left out for its coder alone: what comes first in it is needed to decode what follows."""


def _track(file: BinaryIO, size: int, number: int) -> tuple[Box, int] | None:
    """A track by its number, and the ticks a second of the movie's clock."""
    ticks, tracks = movie(file, size)
    return next(((box, ticks) for told, box in tracks if told == number and ticks), None)


def _edits(file: BinaryIO, track: Box, ticks: int) -> Iterator[Edit]:
    """The edit list of a track (ISO/IEC 14496-12, 8.6.6)."""
    for edits in named(file, b"edts", *track[2:]):
        for box in named(file, b"elst", *edits[2:]):
            yield from _listed(file, box, ticks)


def _first_shown(file: BinaryIO, track: Box) -> int:
    """How many ticks later than it is decoded the first sample of a track is shown (ISO/IEC 14496-12, 8.6.1.3)."""
    around = [track]
    for name in (b"mdia", b"minf", b"stbl", b"ctts"):
        around = [box for each in around for box in named(file, name, *each[2:])]
    if not around:
        return 0
    file.seek(around[0].inside + 12)
    return int.from_bytes(file.read(4), "big", signed=True)


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
