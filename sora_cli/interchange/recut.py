"""A cut made again as an editor has changed it: shots trimmed, moved, dropped, used twice, with what is heard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import EditEvent, gap
from sora_cli.interchange.handles import with_handles
from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.plan.timeline import Bed, Cue, Cut, CutShot, Piece
from sora_cli.storyboard.forms import as_transition
from sora_cli.storyboard.model import Duration
from sora_cli.texts import free

Played = tuple[EditEvent, int]
"""An event, and the number of its shot."""


class Use(Struct, frozen=True):
    """A stretch of a shot that the new cut plays: `was` is the shot, `pieces` say which of its pieces are left.

    Black, and what the editor added, was no shot before.

    What was on film frame `n` is now on frame `n + moved`, from the old frame `first` up to, not including, `last`.
    """

    shot: CutShot
    was: CutShot | None = None
    pieces: tuple[int, ...] = ()
    moved: int = 0
    held: bool = False
    """Whether it is one frame of the shot, which stands still: nothing of the shot is heard with it."""

    @property
    def first(self) -> int:
        """The old film frame that it begins with; before the shot's own start where its handle is used."""
        return self.shot.start - self.moved

    @property
    def last(self) -> int:
        """The old film frame that it ends before."""
        return self.first + (0 if self.held else self.shot.frames)


def recut(cut: Cut, played: Sequence[Played], added: Sequence[CutShot] = ()) -> tuple[Cut, list[Use], list[Path]]:
    """The cut that plays the events, each of the shot of that number; and the files of lines that are spoken no more.

    Numbers go on with the shots that the editor `added`. Black has any number.

    Raises:
        RequestError: events ask for frames that their shots have not, or for another speed; all are named.
    """
    spans = list(_spans(played))
    wrong = [why for event, index, end in spans if (why := _wrong(cut, _shot(cut, added, index), event, end))]
    if wrong:
        raise RequestError(
            f"the timeline {'; it '.join(dict.fromkeys(wrong))}",
            hint="trim or undo that in the edit suite; a transition needs frames on both of its sides",
        )
    uses = list(_uses(cut, spans, added))
    shots = tuple(use.shot for use in uses)
    new = replace(cut, shots=shots, lines=(), beds=(), subtitles=())
    uses = [_with_cues(use, new) for use in uses]
    lines = []
    gone = []
    for line in cut.lines:
        found = [replace(line, start=start) for start in starts(cut, uses, line.start)]
        lines += found
        gone += [] if found else [line.path]
    beds = tuple(bed for bus in ("ambience", "music") for was in cut.beds if was.bus == bus for bed in _beds(was, uses))
    shots = tuple(use.shot for use in uses)
    ordered = tuple(sorted(lines, key=lambda line: line.start))
    return replace(new, shots=shots, lines=ordered, beds=beds), uses, gone


def starts(cut: Cut, uses: Sequence[Use], sample: int) -> list[int]:
    """When that is heard now which was heard from this film sample of the cut on: with each use of its shot there."""
    at = int(sample * cut.fps / SAMPLE_RATE)
    owner = _owner(cut, at)
    found = (use for use in uses if use.was is owner and use.first <= at < use.last)
    return [max(0, sample + _samples(use.moved, cut.fps)) for use in found]


def _spans(played: Sequence[Played]) -> Iterator[tuple[EditEvent, int, int]]:
    """The events, each with its shot's number, and the film frame up to which it plays: to the end of what comes in.

    Black at the very end is left out, unless the last shot goes over into it.
    """
    given = list(played)
    while given and given[-1][0].black and not given[-1][0].length:
        given.pop()
    for number, (event, index) in enumerate(given):
        after = given[number + 1][0] if number + 1 < len(given) else None
        yield event, index, event.plays_to(after)


def _shot(cut: Cut, added: Sequence[CutShot], index: int) -> CutShot:
    return cut.shots[index] if index < len(cut.shots) else added[index - len(cut.shots)]


def _still(was: CutShot, event: EditEvent) -> bool:
    """Whether an event holds one frame: of a picture, or as the editor wants it."""
    return event.pace == 0 or (len(was.pieces) == 1 and was.pieces[0].clip.frames == 1)


def _wrong(cut: Cut, was: CutShot, event: EditEvent, end: int) -> str:
    """Why a shot cannot play as an event wants it; empty where it can."""
    frames = end - event.begin
    if event.length > frames:
        return f"lets {was.name} come in over {event.length} frames, and plays {frames} of it"
    if event.black:
        return ""
    whole, _ = with_handles(was, cut.fps)
    still = _still(was, event)
    if not still and event.pace != 1:
        return f"plays shot {was.name} at {float(event.pace):.0%} of its speed"
    source, needed = (0, 1) if still and whole.frames == 1 else (event.source, 1 if still else frames)
    if source < 0 or needed < 1 or source + needed > whole.frames:
        return f"plays frames {source} to {source + needed} of shot {was.name}, which has {whole.frames}"
    return ""


def _uses(cut: Cut, spans: Sequence[tuple[EditEvent, int, int]], added: Sequence[CutShot]) -> Iterator[Use]:
    names: set[str] = set()
    at = 0
    for number, (event, index, end) in enumerate(spans):
        missing = event.begin - at
        if missing > 0:
            yield Use(_black(gap(at, event.begin), missing + (event.length if number else 0), names))
        if event.black:
            yield Use(_black(event, end - event.begin, names))
        else:
            use = _use(cut, _shot(cut, added, index), event, end, names)
            yield use if index < len(cut.shots) else replace(use, was=None)
        at = event.end


def _black(event: EditEvent, frames: int, names: set[str]) -> CutShot:
    name = free("black", names)
    names.add(name)
    black = CutShot(name=name, scene=name, start=event.begin, pieces=(), blank=frames)
    return _coming(black, event)


def _coming(shot: CutShot, event: EditEvent) -> CutShot:
    """The shot, which comes in as an event says; the first of the film from black."""
    come = as_transition(event.kind if event.length else "cut", Duration(frames=event.length), event.direction)
    first = event.begin == 0
    return replace(shot, transition=come, overlap=0 if first else event.length, lead=event.length if first else 0)


def _use(cut: Cut, was: CutShot, event: EditEvent, end: int, names: set[str]) -> Use:
    whole, head = with_handles(was, cut.fps)
    frames, held = end - event.begin, _still(was, event) and bool(whole.pieces)
    source = 0 if held and whole.frames == 1 else event.source
    kept = list(_cropped(whole.pieces, was.pieces, source, source + (1 if held else frames)))
    if held:
        number, piece = kept[0]
        kept = [(number, replace(piece, frames=piece.frames * frames, step=None, silent=True, repeats=0))]
    shot = replace(
        was,
        name=free(was.name, names),
        start=event.begin,
        pieces=tuple(piece for _, piece in kept),
        cues=(),
        blank=0 if kept else frames,
    )
    names.add(shot.name)
    moved = event.begin - (was.start + event.source - head)
    return Use(_coming(shot, event), was, tuple(number for number, _ in kept), moved, held=held)


def _cropped(whole: Sequence[Piece], was: Sequence[Piece], first: int, last: int) -> Iterator[tuple[int, Piece]]:
    """What of pieces plays from film frame `first` of them to `last`, with their numbers."""
    at = 0
    for number, (piece, old) in enumerate(zip(whole, was, strict=True)):
        begin, end = max(first - at, 0), min(last - at, len(piece.frames))
        at += len(piece.frames)
        if begin >= end:
            continue
        frames = piece.frames[begin:end]
        after = piece.after
        if piece.step is not None:
            after = piece.after + begin * piece.step - (frames[0] - piece.frames[0])
        repeats = piece.repeats if frames[0] == old.frames[0] else 0
        yield number, replace(piece, frames=frames, after=after, repeats=repeats)


# -- what is heard -----------------------------------------------------------------------------------------------------


def _samples(frames: int, fps: Fraction) -> int:
    return round(frames * SAMPLE_RATE / fps)


def _owner(cut: Cut, frame: int) -> CutShot | None:
    """The shot that a film frame belongs to: of two that overlap, the one that comes in."""
    return next((shot for shot in reversed(cut.shots) if shot.start <= frame), None)


def _with_cues(use: Use, cut: Cut) -> Use:
    cues = () if use.was is None else tuple(_cues(use, use.was, cut))
    return replace(use, shot=replace(use.shot, cues=cues))


def _cues(use: Use, was: CutShot, cut: Cut) -> Iterator[Cue]:
    """The sounds of a shot, each with the frames that it belongs to; what rings out longer still does."""
    shot, old_end = use.shot, was.start + was.frames
    for cue in was.cues:
        rings = cue.end > old_end
        begin = max(shot.start, cue.start + use.moved)
        late = Fraction(begin - cue.start - use.moved) / cut.fps
        end = min(cut.frames, cue.end + use.moved) if rings else min(shot.start + shot.frames, cue.end + use.moved)
        starts = math.floor(cue.at * cut.fps) + cue.start
        if end > begin and use.first <= starts < use.last:
            yield replace(cue, start=begin, end=end, at=max(Fraction(0), cue.at - late))


def _beds(was: Bed, uses: Sequence[Use]) -> Iterator[Bed]:
    """A bed under each run of shots that it lay under."""
    run: list[Use] = []
    for use in [*uses, None]:
        under = (
            use is not None
            and use.was is not None
            and was.start < use.was.start + use.was.frames
            and (was.end > use.was.start + use.was.overlap)
        )
        black = use is not None and use.was is None and bool(run)
        if use is not None and (under or black):
            run.append(use)
        elif run:
            yield _bed(was, run)
            run = []


def _bed(was: Bed, run: Sequence[Use]) -> Bed:
    first, last = run[0], run[-1]
    moves = first.was is not None and not first.held
    start = max(first.shot.start, was.start + first.moved) if moves else first.shot.start
    end = last.shot.start + last.shot.frames
    if last.was is not None and not last.held and was.end < last.was.start + last.was.frames:
        end = min(end, was.end + last.moved)
    return replace(was, start=start, end=end, overlap=first.shot.overlap)
