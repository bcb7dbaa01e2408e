"""What of a beat's lines and sound a take is told, and when in the take each is heard. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines.base import EngineCard
from sora_cli.storyboard.model import Beat
from sora_cli.storyboard.sound import DialogueLine, SpokenLength


class Heard(Struct, frozen=True):
    """Something that is heard in a take: a line, or the beat's sound, which has none.

    It begins at `at`: frames of what plays of the take, and seconds of the take once it is `placed`. None: nobody wrote
    when. A line that is written with a `pause` comes so many seconds after the one before it instead.
    """

    line: DialogueLine | None
    at: Fraction | None = None
    pause: Fraction | None = None


def muted(beat: Beat) -> bool:
    """Whether the sound that its engine makes is not heard: speech cannot be taken out of the rest."""
    return beat.sound_off or (beat.voice == "mine" and bool(beat.dialogue))


def timing(card: EngineCard, beat: Beat) -> frozenset[str] | None:
    """By which keys of its lines the engine of a beat is told when they are said; None where it does not say them."""
    return card.dialect.timing if card.makes_sound and not muted(beat) else None


class Part(Struct, frozen=True):
    """Frames `begin` up to `end` of a beat (None: to its end) at `rate` frames a second of the film.

    The first part begins with the beat; what is heard belongs to the part in which it begins.
    """

    rate: Fraction = Fraction(1)
    begin: int = 0
    end: int | None = None

    def heard(self, beat: Beat) -> tuple[Heard, ...]:
        """The sound and the lines that begin in this part, in order of time."""
        return tuple(self._heard(beat))

    def _heard(self, beat: Beat) -> Iterator[Heard]:
        if beat.sound_text and (not beat.sound_at or self._has(beat.sound_at)):
            yield Heard(None, self._place(beat.sound_at) if beat.sound_at else None)
        for number, (line, offset) in sorted(enumerate(_offsets(beat)), key=lambda one: one[1][1]):
            if self._has(offset):
                timed = line.at is not None or (line.pause is not None and number == 0)
                yield Heard(line, self._place(offset) if timed else None, None if timed else line.pause)

    def _place(self, seconds: Fraction) -> Fraction:
        return seconds * self.rate - self.begin

    def _has(self, seconds: Fraction) -> bool:
        at = seconds * self.rate
        return (at >= self.begin or not self.begin) and (self.end is None or at < self.end)


def placed(heard: tuple[Heard, ...], skip: int, stride: Fraction, fps: Fraction) -> tuple[Heard, ...]:
    """In seconds of a take of which frames play from `skip` on, every `stride`-th."""
    return tuple(one if one.at is None else replace(one, at=(skip + one.at * stride) / fps) for one in heard)


def _offsets(beat: Beat) -> Iterator[tuple[DialogueLine, Fraction]]:
    """Each line with the seconds after the beat's start that it begins.

    Lengths are estimated, so that a prompt is the same on every machine, with voices and without.
    """
    if not beat.dialogue:
        return
    from sora_cli.sound.lines import in_beat  # where nobody speaks nothing of voices is loaded
    from sora_cli.sound.speech import Said, estimated

    said = [(line, Said("", estimated(line.line))) for line in beat.dialogue]
    for spoken in in_beat(said, (beat.spoken or SpokenLength()).lead):
        yield spoken.line, spoken.offset
