"""A cut made again as an editor has changed it: shots trimmed, moved, dropped, used twice, with what is heard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import EditEvent
from sora_cli.interchange.handles import with_handles
from sora_cli.interchange.outline import free
from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.plan.timeline import Bed, Cue, Cut, CutShot, Piece
from sora_cli.storyboard.forms import as_transition
from sora_cli.storyboard.model import Duration


@dataclass(frozen=True, slots=True)
class Use:
    """A stretch of a shot that the new cut plays: `was` is the shot, `pieces` say which of its pieces are left.

    Black, and what the editor added, was no shot before.

    What was on film frame `n` is now on frame `n + moved`, from the old frame `first` up to, not including, `last`.
    """

    shot: CutShot
    was: CutShot | None = None
    pieces: tuple[int, ...] = ()
    moved: int = 0

    @property
    def first(self) -> int:
        """The old film frame that it begins with; before the shot's own start where its handle is used."""
        return self.shot.start - self.moved

    @property
    def last(self) -> int:
        """The old film frame that it ends before."""
        return self.first + self.shot.frames


def recut(
    cut: Cut, played: Sequence[tuple[EditEvent, int]], added: Sequence[CutShot] = ()
) -> tuple[Cut, list[Use], list[str]]:
    """The cut that plays the events, each of the shot of that number; and the words that are spoken no more.

    Numbers go on with the shots that the editor `added`.

    Raises:
        RequestError: an event asks for frames that its shot has not.
    """
    uses = list(_uses(cut, played, added))
    shots = tuple(use.shot for use in uses)
    new = replace(cut, shots=shots, lines=(), beds=(), subtitles=())
    uses = [_with_cues(use, new) for use in uses]
    owners = {id(line): _owner(cut, int(line.start * cut.fps / SAMPLE_RATE)) for line in cut.lines}
    lines = []
    gone = []
    for line in cut.lines:
        at = int(line.start * cut.fps / SAMPLE_RATE)
        found = [use for use in uses if use.was is owners[id(line)] and use.first <= at < use.last]
        lines += [replace(line, start=max(0, line.start + _samples(use.moved, cut.fps))) for use in found]
        gone += [] if found else [line.path.name]
    subtitles = tuple(
        replace(each, start=each.start + float(use.moved / cut.fps), end=each.end + float(use.moved / cut.fps))
        for each in cut.subtitles
        for use in uses
        if use.was is _owner(cut, int(each.start * cut.fps)) and use.first <= int(each.start * cut.fps) < use.last
    )
    beds = tuple(bed for bus in ("ambience", "music") for was in cut.beds if was.bus == bus for bed in _beds(was, uses))
    shots = tuple(use.shot for use in uses)
    ordered = tuple(sorted(lines, key=lambda line: line.start))
    return replace(new, shots=shots, lines=ordered, beds=beds, subtitles=subtitles), uses, gone


def _uses(cut: Cut, played: Sequence[tuple[EditEvent, int]], added: Sequence[CutShot]) -> Iterator[Use]:
    shots = (*cut.shots, *added)
    names: set[str] = set()
    at = 0
    for number, (event, index) in enumerate(played):
        after = played[number + 1][0] if number + 1 < len(played) else None
        joined = after is not None and after.begin <= event.end
        end = after.begin + after.length if after is not None and joined and after.length else event.end
        black = event.begin - at
        if black > 0:
            yield Use(_black(at, black + (event.length if number else 0), free("black", names)))
            names.add(f"black-{len(names)}")
        use = _use(cut, shots[index], event, end, names)
        use = use if index < len(cut.shots) else replace(use, was=None)
        names.add(use.shot.name)
        yield use
        at = event.end


def _black(start: int, frames: int, name: str) -> CutShot:
    return CutShot(name=name, scene=name, start=start, pieces=(), blank=frames)


def _use(cut: Cut, was: CutShot, event: EditEvent, end: int, names: set[str]) -> Use:
    whole, head = with_handles(was, cut.fps)
    frames = end - event.begin
    if event.source < 0 or frames < 1 or event.source + frames > whole.frames:
        last = event.source + frames
        raise RequestError(
            f"the timeline plays frames {event.source} to {last} of shot {was.name}, which has {whole.frames}",
            hint="trim it in the edit suite; a transition needs frames on both of its sides",
        )
    kept = list(_cropped(whole.pieces, was.pieces, event.source, event.source + frames))
    length = event.length
    come = as_transition(event.kind if length else "cut", Duration(frames=length), event.direction)
    first = event.begin == 0
    shot = replace(
        was,
        name=free(was.name, names),
        start=event.begin,
        pieces=tuple(piece for _, piece in kept),
        cues=(),
        blank=0 if kept else frames,
        transition=come,
        overlap=0 if first else length,
        lead=length if first else 0,
    )
    moved = event.begin - (was.start + event.source - head)
    return Use(shot, was, tuple(number for number, _ in kept), moved)


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
    start = max(first.shot.start, was.start + first.moved) if first.was is not None else first.shot.start
    end = last.shot.start + last.shot.frames
    if last.was is not None and was.end < last.was.start + last.was.frames:
        end = min(end, was.end + last.moved)
    return replace(was, start=start, end=end, overlap=first.shot.overlap)
