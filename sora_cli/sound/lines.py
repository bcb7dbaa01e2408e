"""Where lines are heard: by `at`, or one after the other with pauses. Pure, and exact to the sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.sound.speech import Said, VoiceLine
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.sound import DialogueLine, SpokenLength

PAUSE = Fraction(2, 5)
"""Seconds between a line and the next."""
LENGTH = SpokenLength()


class TimedLine(Struct, frozen=True):
    """A line in its beat: it begins `offset` seconds after the beat does."""

    line: DialogueLine
    said: Said
    offset: Fraction

    @property
    def end(self) -> Fraction:
        """Seconds after the beat's beginning that the line is over."""
        return self.offset + Fraction(self.said.length, SAMPLE_RATE)


class PlacedLine(Struct, frozen=True, kw_only=True):
    """A line in its film: heard from film sample `start` on, at `pan`, from -1 (left) to 1 (right).

    `depth` is how many dB music is down under it, `spoken` what a voice says (None: `line` is a recording). One that is
    not `laid` is spoken by the model that makes its pictures.
    """

    line: DialogueLine
    said: Said
    start: int
    shot: str
    depth: float
    space: str = "open"
    pan: float = 0.0
    spoken: VoiceLine | None = None
    laid: bool = True
    loc: Loc = ()

    @property
    def end(self) -> int:
        """The film sample after its last one."""
        return self.start + self.said.length


def in_beat(lines: Iterable[tuple[DialogueLine, Said]], lead: Fraction = LENGTH.lead) -> list[TimedLine]:
    """The lines of a beat in their places: those without `at` follow the one before them, the first after `lead`."""
    spoken: list[TimedLine] = []
    for line, said in lines:
        pause = PAUSE if line.pause is None else line.pause
        if line.at is not None:
            offset = line.at
        else:
            offset = spoken[-1].end + pause if spoken else (lead if line.pause is None else line.pause)
        spoken.append(TimedLine(line, said, offset))
    return spoken


def length(spoken: Sequence[TimedLine], tail: Fraction = LENGTH.tail) -> Fraction:
    """How long a beat is that is as long as its lines, in seconds."""
    return max(each.end for each in spoken) + tail


def sample(frame: int, fps: Fraction, offset: Fraction) -> int:
    """The film sample `offset` seconds after a frame comes on."""
    return round((frame / fps + offset) * SAMPLE_RATE)


def talking_over(lines: Sequence[PlacedLine]) -> Iterator[tuple[PlacedLine, PlacedLine]]:
    """Pairs of lines of one character that sound at once: the earlier, and the later."""
    last: dict[str, PlacedLine] = {}
    for line in sorted(lines, key=lambda each: each.start):
        before = last.get(line.line.cast)
        if before is not None and before.end > line.start:
            yield before, line
        if before is None or line.end >= before.end:
            last[line.line.cast] = line
