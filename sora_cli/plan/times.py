"""Times that are written for what is heard, held against the pictures that it is heard with. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

from sora_cli.errors import Problem
from sora_cli.plan.place import of_unknown_length
from sora_cli.plan.plan import Plan, PlannedShot
from sora_cli.plan.sounds import PlannedSound, beds, effects, runs
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.sound import SpokenLength

if TYPE_CHECKING:  # where nobody speaks nothing of voices is loaded
    from sora_cli.sound.lines import TimedLine

SILENCE = 10
"""Seconds without a word, in a beat that is as long as its lines, that are told: they may be a slip of the pen."""
_LONG = "write less, unless you mean it"


def too_late(board: Storyboard, shots: Sequence[PlannedShot], fps: Fraction) -> Iterator[Problem]:
    """Problems with lines and sounds that begin when their beat is over; one whose length is not known has none."""
    written, unknown = {shot.name: shot for shot in board.shots}, of_unknown_length(board)
    for planned in shots:
        shot = written[planned.name]
        for (beat, *_), _, frames in runs(shot, planned) if planned.loc not in unknown else ():
            if (beat.sound_path or beat.sound_text) and beat.sound_at >= frames / fps:
                yield _late(board, "sound", (*beat.origin.get("sound", beat.loc), "at"), frames / fps)
        for beat, made in zip(shot.beats, planned.beats, strict=True):
            if beat.spoken is None and (planned.loc not in unknown or _in_seconds(beat)):
                yield from _late_lines(board, beat, made.frames / fps)


def _in_seconds(beat: Beat) -> bool:
    """Whether a beat's length was read, and is the same at any frame rate."""
    return beat.duration is not None and beat.duration.seconds is not None


def _late_lines(board: Storyboard, beat: Beat, seconds: Fraction) -> Iterator[Problem]:
    for number, line in enumerate(beat.dialogue):
        if line.at is not None and line.at >= seconds:
            yield _late(board, "line", (*beat.origin["dialogue"], number, "at"), seconds)


def _late(board: Storyboard, what: str, loc: Loc, seconds: Fraction) -> Problem:
    return Problem(f"the {what} begins after the beat's end", f"the beat lasts {_words(seconds)}", board.mark(loc))


def without_room(plan: Plan) -> Iterator[Problem]:
    """Remarks on sounds that come or go over more than the neighbouring shot, and on those that go on all the same."""
    under, of_shots = beds(plan), list(chain.from_iterable(effects(plan)))
    written = dict(_written(plan))
    for sound in under:
        yield from _no_room(plan, sound, written)
    for sound in of_shots:
        yield from _no_room(plan, sound, {})
    # Where the same bed goes on there is no join. What is written with a sound of a shot's own leads and lags that.
    joins = {("leads", sound.start) for sound in under} | {("lags", sound.end) for sound in under}
    own = {sound.loc for sound in of_shots}
    for at, loc in written.items():
        if at not in joins and loc[:-1] not in own:
            message = f"`{loc[-1]}` changes nothing: the same sound goes on in the neighbouring shot"
            yield Problem(message, "take it out, or name another sound", plan.board.mark(loc))


def _before(plan: Plan, frame: int) -> Fraction:
    """Seconds of the shot before this film frame that play before it."""
    begun = max((shot.start for shot in plan.shots if shot.start < frame), default=frame)
    return (frame - begun) / plan.fps


def _after(plan: Plan, frame: int) -> Fraction:
    """Seconds of the shot after this film frame that play after it."""
    over = min((end for shot in plan.shots if (end := shot.start + shot.frames) > frame), default=frame)
    return (over - frame) / plan.fps


def _no_room(plan: Plan, sound: PlannedSound, written: Mapping[tuple[str, int], Loc]) -> Iterator[Problem]:
    """What a sound leads and lags over; `written` is where, if it is not with the sound, by its frame."""
    for key, side, frame, wanted, room in (
        ("leads", "before", sound.start, sound.leads - sound.at, _before(plan, sound.start)),
        ("lags", "after", sound.end, sound.lags, _after(plan, sound.end)),
    ):
        if wanted > room:
            message = f"`{key}` changes nothing: the film has no pictures {side} this sound's own"
            hint = "take it out"
            if room:
                heard = f"this sound is heard {_words(wanted)} {side} its pictures"
                message = f"{heard}; the shot {side} lasts {_words(room)}"
                hint = f"write {_words(room)} or less, so that it is heard with that shot alone"
            yield Problem(message, hint, plan.board.mark(written.get((key, frame), (*sound.loc, key))))


def _written(plan: Plan) -> Iterator[tuple[tuple[str, int], Loc]]:
    """Where `leads` and `lags` of beds are written, each by the film frame that it counts from."""
    leads: dict[Loc, int] = {}
    lags: dict[Loc, int] = {}
    shots = {shot.name: shot.beats for shot in plan.board.shots}
    for shot in plan.shots:
        at = shot.start
        for beat, made in zip(shots[shot.name], shot.beats, strict=True):
            bed, at = beat.bed, at + made.frames
            if any((bed.ambience_path, bed.ambience_text, bed.music_path, bed.music_text)):
                if bed.leads and (loc := beat.origin.get("sound.leads")):
                    leads.setdefault(loc, at - made.frames)
                if bed.lags and (loc := beat.origin.get("sound.lags")):
                    lags[loc] = at
    yield from ((("leads", frame), loc) for loc, frame in leads.items())
    yield from ((("lags", frame), loc) for loc, frame in lags.items())


def silences(board: Storyboard, beat: Beat, length: SpokenLength, lines: Sequence[TimedLine]) -> Iterator[Problem]:
    """Remarks on long silences in a beat that is as long as its lines, and on a `lead` that has no effect."""
    lead, over = (*beat.origin["duration"], "lead"), Fraction(0)
    for number, each in enumerate(lines):
        key = "at" if each.line.at is not None else "pause" if each.line.pause is not None else ""
        loc = (*beat.origin["dialogue"], number, key) if key or number else lead
        if key and not number and length.lead != SpokenLength().lead:
            message = f"the first line has its own `{key}`: this `lead` changes nothing"
            yield Problem(message, "remove one of them", board.mark(lead))
        if each.offset - over > SILENCE:
            yield Problem(f"nobody speaks for {_words(each.offset - over)} before this line", _LONG, board.mark(loc))
        over = max(over, each.end)
    if lines and length.tail > SILENCE:
        message = f"nobody speaks for {_words(length.tail)} after the last line"
        yield Problem(message, _LONG, board.mark((*beat.origin["duration"], "tail")))


def _words(seconds: Fraction) -> str:
    return f"{float(seconds):.4g}s"
