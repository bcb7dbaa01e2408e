"""Plan + clips -> cut: which frame of which clip plays when. Pure; whole frames only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from sora_cli.engines.base import Take
from sora_cli.plan import Plan, PlannedShot
from sora_cli.plan.continuity import PlannedBeat
from sora_cli.plan.played import played
from sora_cli.plan.slugline import UNSAID, Slugline
from sora_cli.plan.sounds import PlannedSound, beds, effects
from sora_cli.store import Clip
from sora_cli.storyboard.model import Fit, Look, TitleCard, Transition

if TYPE_CHECKING:  # `plan` asks when takes play, and loads nothing of media
    from sora_cli.media.stream import Subtitle
    from sora_cli.sound.kept import MadeSound
    from sora_cli.sound.lines import PlacedLine


class Piece(Struct, frozen=True):
    """A stretch of one clip: film frame `k` of the piece shows frame `frames[k]` of the clip (counted from 0).

    It plays `speed` times as fast as the clip. With a `step`, what is shown lies between frames: film frame `k` shows
    the place `after + k * step` beyond the first of `frames`, and `frames` are those at or before these places.
    `matched` says that it carries on from frames that had the film's colours already, `silent` that the clip's own
    sound, should it have some, is not heard. The `repeats` frames of the clip before the first of `frames` are the last
    ones of the piece before it over again: that moment has two sounds.
    """

    clip: Clip
    frames: tuple[int, ...]
    speed: Fraction = Fraction(1)
    step: Fraction | None = None
    after: Fraction = Fraction(0)
    matched: bool = False
    silent: bool = False
    repeats: int = 0


class Cue(Struct, frozen=True):
    """A sound file that is heard over film frames `start` up to, not including, `end`, once from its beginning.

    It begins `at` seconds after the first of them, at `level` dB; it comes `leads` seconds earlier and goes `lags`
    seconds later than its pictures.
    """

    path: Path
    start: int
    end: int
    at: Fraction = Fraction(0)
    level: float = 0.0
    leads: Fraction = Fraction(0)
    lags: Fraction = Fraction(0)


class Bed(Struct, frozen=True, kw_only=True):
    """A sound file that lies under film frames `start` up to, not including, `end`: ambience over and over, music once.

    It comes `leads` seconds earlier and goes `lags` seconds later than its pictures; `overlap` frames of its first shot
    play together with the shot before.
    """

    bus: Literal["ambience", "music"]
    path: Path
    start: int
    end: int
    leads: Fraction = Fraction(0)
    lags: Fraction = Fraction(0)
    overlap: int = 0


class CutLine(Struct, frozen=True, kw_only=True):
    """A spoken line in a sound file, heard from film sample `start` (at 48 kHz) for `length` samples.

    `level` is in dB, `pan` from -1 to 1, `space` the kind of place; music is `depth` dB down meanwhile.
    """

    path: Path
    start: int
    length: int
    level: float = 0.0
    pan: float = 0.0
    space: str = "open"
    depth: float = 0.0


class CutShot(Struct, frozen=True, kw_only=True):
    """A shot placed in the film: it plays `frames` film frames from film frame `start`.

    The first `overlap` of them play together with the last ones of the shot before, through `transition`; the first
    shot of a film has nothing before it, and a transition of its `lead` frames comes from black instead.
    """

    name: str
    scene: str
    start: int
    pieces: tuple[Piece, ...]
    transition: Transition = field(default_factory=Transition)
    overlap: int = 0
    lead: int = 0
    look: Look = field(default_factory=Look)
    slugline: Slugline = UNSAID
    title: TitleCard | None = None
    blank: int = 0
    """Frames of a shot without pieces: a title card alone, on black."""
    cues: tuple[Cue, ...] = ()

    @property
    def frames(self) -> int:
        """Film frames that the shot plays, its overlap included."""
        return sum(len(piece.frames) for piece in self.pieces) or self.blank


class Cut(Struct, frozen=True, kw_only=True):
    """The edit: shots in film order, on whole frames."""

    width: int
    height: int
    fps: Fraction
    shots: tuple[CutShot, ...]
    lines: tuple[CutLine, ...] = ()
    beds: tuple[Bed, ...] = ()
    """In order, those of each bus one after the other."""
    subtitles: tuple[Subtitle, ...] = ()
    subtitled: Literal["off", "track", "burn", "srt", "vtt"] = "off"
    """How they are shown: in a track, on the picture, in a file."""
    title: str = ""
    author: str = ""
    fit: Fit = "fill"
    """How clips of another shape are brought to the film's: cropped, with bars, or with bars and never enlarged."""

    @property
    def frames(self) -> int:
        """The film's length."""
        return max((shot.start + shot.frames for shot in self.shots), default=0)


def assemble(
    plan: Plan,
    clips: Mapping[str, Clip],
    speech: Mapping[str, Path] = MappingProxyType({}),
    made: Mapping[PlannedSound, Sequence[MadeSound]] = MappingProxyType({}),
) -> Cut:
    """Place the clips of a plan in time, and all that is heard with them.

    `clips` holds, by the name of its stretch, the clip that plays; `speech`, by its key, the file of a line that is
    spoken; `made` the files of sounds in words; sounds without a file are silent.
    """
    repeats, sounds = _repeats(plan), effects(plan)
    return Cut(
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        title=plan.board.title,
        author=plan.board.provenance.author,
        fit=plan.board.fit,
        shots=tuple(
            _placed(plan, shot, clips, repeats.get(shot.start, {}), _cues(plan, heard, made))
            for shot, heard in zip(plan.shots, sounds, strict=True)
        ),
        lines=tuple(_line(line, speech) for line in plan.lines if line.laid),
        beds=tuple(_beds(plan, made)),
        subtitles=subtitles(plan),
        subtitled=plan.board.subtitles,
    )


def _repeats(plan: Plan) -> dict[int, dict[str, int]]:
    """By start of shot and stretch: how many frames at its front repeat the very ones before it, at the same speed."""
    beats = [(shot.start, beat) for shot in plan.shots for beat in shot.beats]
    played = [(at, stretch.name, stretch.candidates[0], beat.speed) for at, beat in beats for stretch in beat.stretches]
    found: dict[int, dict[str, int]] = {}
    for (_, _, before, was), (at, name, take, speed) in pairwise(played):
        carry = take.opening
        if carry is not None and before.key in carry.takes and carry.at == before.last:
            paces = before.fps * was * before.stride, take.fps * speed * take.stride
            same = paces[0] == paces[1] and carry.count == take.skip
            found.setdefault(at, {})[name] = min(carry.count, before.play) if same else 0
    return found


def _placed(
    plan: Plan, shot: PlannedShot, clips: Mapping[str, Clip], repeats: Mapping[str, int], cues: Iterator[Cue]
) -> CutShot:
    pieces = tuple(piece for beat in shot.beats for piece in _pieces(beat, plan.fps, clips, repeats))
    return CutShot(
        name=shot.name,
        scene=shot.scene,
        start=shot.start,
        pieces=pieces,
        transition=shot.transition,
        overlap=shot.overlap,
        lead=shot.lead,
        look=shot.look,
        slugline=shot.slugline,
        title=shot.title,
        blank=0 if pieces else shot.frames,
        cues=tuple(cues),
    )


def _cues(
    plan: Plan, sounds: Iterable[PlannedSound], made: Mapping[PlannedSound, Sequence[MadeSound]]
) -> Iterator[Cue]:
    from sora_cli.media.stream import SAMPLE_RATE

    for sound in sounds:
        if sound.path is not None:
            yield Cue(sound.path, sound.start, sound.end, sound.at, sound.level, sound.leads, sound.lags)
        for one in made.get(sound, ()):
            # What happens once rings out, also after its beat.
            rings = sound.start + math.ceil((sound.at + Fraction(one.length, SAMPLE_RATE)) * plan.fps)
            end = sound.end if one.lasting else min(plan.frames, max(sound.end, rings))
            yield Cue(one.path, sound.start, end, sound.at, sound.level, sound.leads, sound.lags)


def _beds(plan: Plan, made: Mapping[PlannedSound, Sequence[MadeSound]]) -> Iterator[Bed]:
    for sound in beds(plan):
        for path in [sound.path] if sound.path else [one.path for one in made.get(sound, ())]:
            if sound.bus != "effects":
                yield Bed(
                    bus=sound.bus,
                    path=path,
                    start=sound.start,
                    end=sound.end,
                    leads=sound.leads,
                    lags=sound.lags,
                    overlap=sound.overlap,
                )


def subtitles(plan: Plan) -> tuple[Subtitle, ...]:
    """What is said in a film, to read: none where its subtitles are off."""
    return () if plan.board.subtitles == "off" else words_said(plan)


def words_said(plan: Plan) -> tuple[Subtitle, ...]:
    """What is said in a film, to read."""
    return read_along([(line, line.start) for line in plan.lines], plan.seconds)


def read_along(lines: Sequence[tuple[PlacedLine, int]], seconds: float) -> tuple[Subtitle, ...]:
    """What is said in a film of so many seconds, to read: lines, each with the film sample at which it begins."""
    if not lines:
        return ()
    from sora_cli.sound.subtitles import cues, timed

    found = [
        cue
        for line, start in lines
        for cue in cues(line.said.words, start, who=line.line.cast if line.line.offscreen else "")
    ]
    return tuple(timed(found, seconds))


def _line(planned: PlacedLine, speech: Mapping[str, Path]) -> CutLine:
    line = planned.line
    return CutLine(
        path=line.path or speech[planned.said.key],
        start=planned.start,
        length=planned.said.length,
        level=line.level,
        pan=planned.pan,
        space=planned.space,
        depth=planned.depth,
    )


def _matched(take: Take, clip: Clip) -> bool:
    """Whether the frames that a take carries on from were matched in colour before they were handed on."""
    hold = take.opening.hold if take.opening is not None else None
    return hold is not None and (not hold.above or clip.drift > hold.above)


def _pieces(beat: PlannedBeat, fps: Fraction, clips: Mapping[str, Clip], repeats: Mapping[str, int]) -> list[Piece]:
    """A beat's stretches, each film frame showing the clip frame that is on at its time."""
    pieces = []
    for stretch, places in played(beat, fps):
        take, speed = stretch.candidates[0], beat.speed * stretch.candidates[0].stride
        pieces.append(
            Piece(
                clips[stretch.name],
                tuple(take.frame_at(place) for place in places),
                speed,
                step=speed * take.fps / fps if beat.smooth else None,
                after=places[0] * take.stride % 1 if places else Fraction(0),
                matched=_matched(take, clips[stretch.name]),
                silent=not take.sound,
                repeats=repeats.get(stretch.name, 0),
            )
        )
    return pieces
