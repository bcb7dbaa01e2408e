"""Where shots play: what is written in seconds, on whole frames of the film.

Time is exact (fractions of a second) until it meets the film's frames: a boundary at `t` seconds falls on frame
`round(t * fps)`, so lengths add up and the film is as long as it is written, to the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import zip_longest

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines.base import EngineCard
from sora_cli.errors import Problem, counted
from sora_cli.plan.continuity import PlannedBeat
from sora_cli.plan.plan import Plan, PlannedShot
from sora_cli.plan.slugline import slugline
from sora_cli.plan.takes import card_of
from sora_cli.spelling import composed
from sora_cli.storyboard.model import Beat, Loc, Shot, Storyboard, Transition
from sora_cli.texts import nearest

CARD_SECONDS = Fraction(2)
"""Seconds of a title card that stands alone and names no duration."""


class ShotPlace(Struct, frozen=True):
    """Where a shot plays, in film frames: its start, and the ends of its beats (a title card has one)."""

    start: int
    ends: tuple[int, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Film frames of each beat."""
        return tuple(end - start for start, end in zip((self.start, *self.ends), self.ends, strict=False))


def round_half_up(value: Fraction) -> int:
    """The nearest whole number; halves go up, so that boundaries move one way only."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def place(
    board: Storyboard, cards: Mapping[str | None, EngineCard], fps: Fraction, spoken: Callable[[Beat], Fraction]
) -> list[ShotPlace]:
    """Where each shot plays. A transition lets a shot begin before the one before it has ended.

    `spoken` tells the seconds of a beat that is as long as its lines.
    """
    places = []
    end = Fraction(0)
    for index, shot in enumerate(board.shots):
        start = max(Fraction(0), end - (transition_seconds(shot, fps) if index else 0))
        ends, at = [], start
        for length in lengths(board, shot, cards, fps, spoken):
            at += length
            ends.append(at)
        end = at
        places.append(ShotPlace(round_half_up(start * fps), tuple(round_half_up(at * fps) for at in ends)))
    return places


def transition_seconds(shot: Shot, fps: Fraction) -> Fraction:
    """How long the shot's transition takes."""
    return Fraction(0) if shot.transition.kind == "cut" else shot.transition.duration.at(fps)


def lengths(
    board: Storyboard,
    shot: Shot,
    cards: Mapping[str | None, EngineCard],
    fps: Fraction,
    spoken: Callable[[Beat], Fraction],
) -> Iterator[Fraction]:
    """Lengths of a shot's beats in seconds."""
    if not shot.beats:
        yield shot.alone.at(fps) if shot.alone else CARD_SECONDS
    for beat in shot.beats:
        if beat.spoken:
            yield spoken(beat)
        else:
            yield beat.duration.at(fps) if beat.duration else card_of(board, cards, beat).default_seconds


def placed_shots(
    board: Storyboard, planned: Mapping[str, tuple[PlannedBeat, ...]], fps: Fraction, places: Sequence[ShotPlace]
) -> list[PlannedShot]:
    """Every shot on whole frames of the film."""
    placed: list[PlannedShot] = []
    end = 0
    for (scene, shot), at in zip(with_scenes(board), places, strict=True):
        first = not placed
        lead = round_half_up(transition_seconds(shot, fps) * fps) if first else 0
        placed.append(
            PlannedShot(
                name=shot.name,
                scene=scene,
                loc=shot.loc,
                start=at.start,
                frames=at.ends[-1] - at.start,
                beats=planned[shot.name],
                transition=shot.transition,
                overlap=max(0, end - at.start),
                lead=lead,
                look=shot.look,
                slugline=slugline(shot),
                title=shot.title,
            )
        )
        end = at.ends[-1]
    return placed


def with_scenes(board: Storyboard) -> list[tuple[str, Shot]]:
    """All shots in film order, each with the name of its scene."""
    return [(scene.name, shot) for scene in board.scenes for shot in scene.shots]


def overlap_problems(board: Storyboard, shots: Sequence[PlannedShot]) -> Iterator[Problem]:
    """A transition needs both its shots to be there for its whole length, and must leave some of each."""
    unknown = of_unknown_length(board)
    short: dict[Loc, list[str]] = {}
    for shot, after in zip_longest(shots, shots[1:]):
        if not shot.frames and not shot.beats and shot.loc not in unknown:
            mark = board.mark((*shot.loc, "duration")) or board.mark((*shot.loc, "title"))
            yield Problem("this title card is shorter than one frame", "write 1f, or more", mark)
        if shot.loc in unknown or not shot.frames:
            continue  # shorter than a frame, which is told
        out = after.overlap if after else 0
        if shot.overlap + shot.lead + out > shot.frames or max(shot.overlap, out) >= shot.frames:
            culprit = after if after and out > shot.overlap + shot.lead else shot
            others = out if culprit is shot else shot.overlap + shot.lead
            told = f", of which its other transition takes {others}" if others else ""
            short.setdefault(culprit.loc, []).append(
                f"shot {shot.name!r}, which has {counted(shot.frames, 'frame')}{told}"
            )
    for loc, names in short.items():
        message = f"the transition is too long for {' and '.join(names)}"
        yield Problem(message, "make the shot longer or the transition shorter", board.mark((*loc, "transition")))


def not_as_written(plan: Plan) -> Iterator[Problem]:
    """Remarks on titles that would outlast their shots, and on transitions too short to be seen."""
    for shot in plan.shots:
        if shot.title and shot.title.duration and shot.title.duration.at(plan.fps) * plan.fps >= shot.frames + 1:
            message = f"the title ends with its shot, after {float(shot.frames / plan.fps):.3g} s"
            yield Problem(message, "make the shot longer", plan.board.mark((*shot.loc, "title")))
        if shot.transition.kind != "cut" and not shot.overlap and not shot.lead:
            message = f"the transition is shorter than one frame at {float(plan.fps):g} frames a second: it is a cut"
            yield Problem(message, "make it longer", plan.board.mark((*shot.loc, "transition")))


def of_unknown_length(board: Storyboard) -> set[Loc]:
    """The places of shots whose length could not be read; of all shots where the film's rate could not."""
    if ("output", "fps") in board.lost or ("output",) in board.lost:
        return {shot.loc for shot in board.shots}
    keys = {"duration", "beats", "title", "prompt"}
    inside = [
        (shot.loc, loc[len(shot.loc) :])
        for shot in board.shots
        for loc in board.lost
        if loc[: len(shot.loc)] == shot.loc
    ]
    return {place for place, steps in inside if not steps or keys & {*steps}}


def _hint_only(name: str, names: Mapping[str, None]) -> str:
    """What to write for a name that no shot has: the shots that it lists, one that reads much like it, or all."""
    listed = [composed(part.strip()) for part in name.split(",")]
    if len(listed) > 1 and all(part in names for part in listed):
        return f"write {' '.join(f'--only {part}' for part in listed)}"
    near = nearest(name, names)
    return f"{f'did you mean {near}? ' if near else ''}the shots are: {', '.join(names)}"


def keep_only(shots: Sequence[PlannedShot], only: Sequence[str]) -> tuple[list[PlannedShot], list[Problem]]:
    """The named shots, joined by cuts where they were not neighbours; and problems for names that no shot has."""
    names, wanted = {shot.name: None for shot in shots}, {*map(composed, only)}
    unknown = [
        Problem(f"--only {name}: no such shot", _hint_only(name, names)) for name in only if composed(name) not in names
    ]
    kept: list[PlannedShot] = []
    end, previous = 0, -1
    for index, shot in enumerate(shots):
        if shot.name in wanted:
            overlap = shot.overlap if previous == index - 1 else 0
            transition = shot.transition if overlap or shot.lead else Transition()
            kept.append(replace(shot, start=end - overlap, overlap=overlap, transition=transition))
            end, previous = kept[-1].start + shot.frames, index
    return kept, unknown


def in_order(
    shots: Sequence[PlannedShot], names: Sequence[str], fps: Fraction
) -> tuple[list[PlannedShot], list[Problem]]:
    """The named shots one after another in this order, as often as they are named; and problems for unknown names."""
    _, unknown = keep_only(shots, names)
    known = {shot.name: shot for shot in shots}
    placed: list[PlannedShot] = []
    for shot in (known[name] for name in map(composed, names) if name in known):
        end = placed[-1].start + placed[-1].frames if placed else 0
        seconds = Fraction(0) if shot.transition.kind == "cut" else shot.transition.duration.at(fps)
        overlap = round_half_up(seconds * fps) if placed else 0
        lead = 0 if placed else shot.lead
        transition = shot.transition if overlap or lead else Transition()
        placed.append(replace(shot, start=max(0, end - overlap), overlap=overlap, lead=lead, transition=transition))
    return placed, unknown
