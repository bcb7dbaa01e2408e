"""A cut as it is handed to an edit suite: shots that are files with handles, in their places on whole frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest

from msgspec import Struct

from sora_cli.errors import RequestError

DAY = 24 * 3600
SMPTE = {Fraction(rate) for rate in (24, 25, 30, 48, 50, 60)} | {
    Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60)
}
"""The rates that SMPTE ST 12 has timecode for."""
TIMELINES = (".otio", ".otioz", ".edl", ".fcpxml", ".xml")
"""Endings of the timelines that are read; `.xml` is that of Final Cut Pro 7."""
FOLDERS = {".fcpxmld": "Info.fcpxml", ".otiod": "content.otio"}
"""Timelines that are folders, and the file in each that is one by itself."""
_TIMECODE = re.compile(r"([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])([:;.])([0-9]{1,3})")


class ShotNote(Struct, frozen=True):
    """Words at frame `at` of a shot: the prompt of a beat, or a title."""

    at: int
    text: str


class Item(Struct, frozen=True, kw_only=True):
    """A shot of an assembly: it plays `frames` film frames from film frame `start`, `overlap` with the shot before.

    `file` has `total` frames; the first `head` of them, and what is left at its end, are handles. A `lead` comes from
    black. `reel` is at most eight letters, as edit decision lists have it.
    """

    name: str
    scene: str
    file: str
    start: int
    frames: int
    head: int = 0
    total: int = 0
    kind: str = "cut"
    direction: str = "left"
    overlap: int = 0
    lead: int = 0
    reel: str = ""
    notes: tuple[ShotNote, ...] = ()
    title: str = ""
    comments: tuple[str, ...] = ()
    look: str = ""
    """The file of its colour table."""
    cdl: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]] | None = None
    """Slope, offset and power of its colour match, where it is an ASC CDL."""


class Assembly(Struct, frozen=True, kw_only=True):
    """A whole cut. `zero` is the frame number of its first timecode, `stems` the sound files by bus, each as long."""

    title: str
    fps: Fraction
    width: int
    height: int
    items: tuple[Item, ...]
    zero: int = 0
    drop: bool = False
    stems: tuple[tuple[str, str], ...] = ()

    @property
    def frames(self) -> int:
        """The film's length."""
        return max((item.start + item.frames for item in self.items), default=0)

    def timecode(self, frame: int) -> str:
        """The timecode of a film frame."""
        return timecode(self.zero + frame, self.fps, drop=self.drop)


class Placed(Struct, frozen=True):
    """An item between its cuts: it is on from film frame `begin` to `end`, showing its file from frame `source`.

    `before` and `after` are the frames of its incoming transition on either side of the cut.
    """

    item: Item
    begin: int
    end: int
    source: int
    before: int = 0
    after: int = 0


def centred(items: Sequence[Item]) -> Iterator[Placed]:
    """The items, each transition around its cut, as timelines have it; of an odd number the longer half comes after."""
    cuts = [item.start + item.overlap // 2 for item in items]
    for item, begin, end in zip_longest(items, cuts, cuts[1:]):
        last = item.start + item.frames
        before = item.overlap // 2
        after = item.overlap - before if item.overlap else item.lead
        yield Placed(item, begin, last if end is None else end, item.head + begin - item.start, before, after)


BLACK = "BL"
"""The reel of black, as edit decision lists have it."""


class EditEvent(Struct):
    """What an editor's timeline plays: a file from its frame `source` on, from film frame `begin` to `end`.

    It comes in over the first `length` frames, in which what was before still plays on. `clip` is the file's name or
    address, `reel` the list's. `wrong` says why it cannot be taken, `lost` what of it has no place in the film.
    """

    clip: str
    source: int
    begin: int
    end: int
    kind: str = "cut"
    direction: str = "left"
    length: int = 0
    reel: str = ""
    pace: Fraction = Fraction(1)
    """Frames of its file for each that it is on: 0 holds the frame `source`."""
    wrong: str = ""
    lost: str = ""

    @property
    def black(self) -> bool:
        """Whether nothing is seen while it is on."""
        return self.reel == BLACK and not self.clip

    def plays_to(self, after: EditEvent | None) -> int:
        """The film frame up to which it plays: beyond its end where the event `after` it comes in over it."""
        over = after is not None and after.begin <= self.end and after.length
        return after.begin + over if after is not None and over else self.end

    def come(self, before: int, after: int, kind: str = "dissolve", direction: str = "left") -> None:
        """Let it come in from `before` frames before its cut until `after` frames after it, but not before the film."""
        before = min(before, self.begin)
        self.begin, self.source = self.begin - before, self.source - before
        self.length, self.kind, self.direction = before + after, kind, direction


def gap(begin: int, end: int) -> EditEvent:
    """Black from film frame `begin` to `end`."""
    return EditEvent("", 0, begin, end, reel=BLACK)


def nominal(fps: Fraction) -> int:
    """The frames that a second of timecode counts: 30 for 29.97."""
    return round(fps)


def can_drop(fps: Fraction) -> bool:
    """Whether a rate has drop-frame timecode: 29.97, 59.94 and their doubles."""
    return fps.denominator == 1001 and nominal(fps) % 30 == 0


def timecode(frame: int, fps: Fraction, *, drop: bool = False) -> str:
    """SMPTE ST 12 timecode of a frame, which counts from 00:00:00:00; with drop-frame it has a semicolon.

    Drop-frame leaves out the first two numbers (of 30; four of 60) of each minute but every tenth.
    """
    base = nominal(fps)
    if drop:
        skip = base // 15
        tens, rest = divmod(frame, base * 600 - 9 * skip)
        frame += 9 * skip * tens + skip * max(0, (rest - skip) // (base * 60 - skip))
    seconds, frames = divmod(frame, base)
    seconds %= DAY
    sign = ";" if drop else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{sign}{frames:02d}"


def frame_of(words: str, fps: Fraction) -> tuple[int, bool]:
    """The frame number of a timecode, and whether it is drop-frame: `01:00:00;00`.

    Raises:
        RequestError: it is no timecode, or one that this rate has not.
    """
    match = _TIMECODE.fullmatch(words.strip())
    if match is None:
        raise RequestError(f"{words} is not a timecode", hint="write hours, minutes, seconds and frames: 01:00:00:00")
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    base, drop = nominal(fps), match[4] in ";."
    skip = base // 15
    if hours > 23 or frames >= base:
        raise RequestError(f"{words}: no such timecode at {float(fps):.6g} frames a second")
    if drop and not can_drop(fps):
        raise RequestError(f"{words}: {float(fps):.6g} frames a second have no drop-frame", hint="write it with colons")
    if drop and frames < skip and not seconds and minutes % 10:
        raise RequestError(f"{words} is left out of drop-frame timecode", hint=f"the next timecode ends in {skip:02d}")
    total = 60 * hours + minutes
    frame = (60 * total + seconds) * base + frames
    return frame - (skip * (total - total // 10) if drop else 0), drop
