"""Review: look at a film, ours or not, and say what holds and what falls short; a row a shot, a row a join."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from sora_cli.cancel import Cancellation
from sora_cli.engines.embedding import open_embedding
from sora_cli.errors import RequestError, SoraError, counted
from sora_cli.flows import identity
from sora_cli.media.read import Film, open_film
from sora_cli.media.read.glimpse import narrow
from sora_cli.record import sidecar
from sora_cli.record.film import FilmRecord, FoleyRecord, ShotRecord, SoundRecord, TakeRecord
from sora_cli.review.bars import bars_from
from sora_cli.review.ears import listen
from sora_cli.review.judge import ReviewRow, judge
from sora_cli.review.parts import ShotSpan, by_cuts
from sora_cli.review.track import Moving
from sora_cli.review.watch import WIDTH, find_cuts, watch
from sora_cli.shoot.studio import place

COLUMNS = ("at", "what", "figures", "verdict")


class Review(Struct, frozen=True):
    """What was found of a film. `planned` says that its sidecar told its shots; else its cuts did."""

    film: Path
    planned: bool
    rows: tuple[ReviewRow, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that was measured holds."""
        return all(row.ok for row in self.rows)

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json` and the sidecar."""
        return {
            "film": str(self.film),
            "ok": self.ok,
            "planned": self.planned,
            "remarks": list(self.remarks),
            "rows": [row.as_dict() for row in self.rows],
        }

    def table(self) -> Iterator[list[str]]:
        """A row of words for each row."""
        for row in self.rows:
            values = [figure for figure in row.figures if figure.value is not None]
            figures = ", ".join(f"{figure.name} {figure.value:g}" for figure in values)
            yield [f"{row.second:.2f} s", f"{row.kind} {row.name}" if row.kind != "film" else "film", figures, row.said]

    @property
    def words(self) -> str:
        """The closing line."""
        short = sum(not row.ok for row in self.rows)
        falls = "falls" if short == 1 else "fall"
        return f"{short} of {counted(len(self.rows), 'row')} {falls} short" if short else "everything measured holds"


def review(path: Path, embedding: str | None = None) -> Review:
    """Look at a film; what is measured of one that its sidecar tells is kept there.

    `embedding` names a model of pictures, a folder or a hub id: identity is measured by it.

    Raises:
        UnusableFile, MediaError: the film is not there, or cannot be read.
        MachineError: the embedding cannot be opened.
    """
    embed = open_embedding(embedding) if embedding else None
    record, remarks = _told(path)
    with open_film(path) as film:
        parts, fitting = _parts(film, record) if record else ((), ())
        remarks = [*remarks, *fitting]
        fps = Fraction(record.film.fps) if record and parts else film.facts.fps or Fraction(24)
        numbers = film.shown_at(fps) if film.facts.variable and not parts else range(film.facts.frames)
        planned = bool(parts) and record is not None and all(take.at is not None for take in record.takes)
        own = bool(parts)
        parts = parts or by_cuts(*find_cuts(narrow(film, numbers, WIDTH)))
        seen = watch(narrow(film, numbers, WIDTH), parts, subjects=not own)
        if record and own:
            seen.moving = _moving(record)
        seen.likeness, seen.unlike = identity.measured(film, path, record if own else None, parts, embed)
        heard = listen(film.sound()) if film.facts.channels else None
    bars = bars_from(record.bars if record and own else {})
    laid = _laid(record) if record and own else []
    found = Review(path, own, tuple(judge(parts, seen, heard, fps, bars, planned=planned, laid=laid)), tuple(remarks))
    return _kept(found) if own else found


def _laid(record: FilmRecord) -> list[tuple[float, float]]:
    """The seconds from and up to which a line or an effect is heard; of what lies under a film, its two ends."""
    lines = [(line.start, line.start + line.seconds) for line in record.lines if line.laid]
    named: list[SoundRecord | FoleyRecord] = [*record.sounds, *record.foley]
    sounds = [(each.bus, each.start, each.start + each.seconds) for each in named]
    effects = [(start, end) for bus, start, end in sounds if bus == "effects"]
    return [*lines, *effects, *((at, at) for bus, *ends in sounds if bus != "effects" for at in ends)]


def _moving(record: FilmRecord) -> dict[str, list[Moving]]:
    """How what moves in the takes that play does so, by shot: told when they were made, since the mark moves too."""
    moving: dict[str, list[Moving]] = defaultdict(list)
    names = [figure.name for figure in fields(Moving)]
    for take in record.takes:
        if take.plays and take.keeps.keys() >= set(names):
            moving[take.shot].append(Moving(*(take.keeps[name] for name in names)))
    return moving


def _told(path: Path) -> tuple[FilmRecord | None, list[str]]:
    """What the sidecar of a film says of it, and what a person should know where that is nothing."""
    by_cuts = "its shots are found by its cuts"
    try:
        record = sidecar.record_of(path)
    except RequestError as error:
        return None, [f"{error.message}: {by_cuts}"]
    if record is None:
        return None, [f"no sidecar tells its shots: {by_cuts}"]
    if sidecar.film_hash(path) != record.film.sha256:
        return None, [f"the film was changed after its sidecar was written: {by_cuts}"]
    return record, []


def _parts(film: Film, record: FilmRecord) -> tuple[list[ShotSpan], list[str]]:
    """The shots that a sidecar tells, in frames of the film; none where they do not fit."""
    frames, last = film.facts.frames, max((shot.start + shot.frames for shot in record.shots), default=0)
    if frames != last or len({shot.name for shot in record.shots}) < len(record.shots):
        return [], [f"its sidecar tells of {last} frames in {len(record.shots)} shots: its shots are found by its cuts"]
    old = any(take.at is None for take in record.takes)
    remarks = ["joins are not measured, because an earlier version wrote the sidecar"] if old else []
    return [_part(number, record) for number in range(len(record.shots))], remarks


def _part(number: int, record: FilmRecord) -> ShotSpan:
    shot = record.shots[number]
    later = record.shots[number + 1 : number + 2]
    end = shot.start + shot.frames
    clear = (shot.start + max(shot.overlap, shot.lead), end - sum(other.overlap for other in later))
    played = [take for take in record.takes if take.plays and take.at is not None]
    joins, breaks = _joins(shot, played)
    rates = [Fraction(take.fps) * Fraction(shot.speed) for take in played if take.shot == shot.name]
    hold = max(Fraction(1), Fraction(record.film.fps) / min(rates)) if rates else Fraction(1)
    if not any(take.shot == shot.name for take in record.takes) and not any(take.at is None for take in record.takes):
        clear = (end, end)  # a title card
    return ShotSpan(
        shot.name, shot.like or shot.scene, shot.start, end, clear, tuple(joins), tuple(breaks), hold, marked=True
    )


def _joins(shot: ShotRecord, played: Sequence[TakeRecord]) -> tuple[list[int], list[int]]:
    """Where takes of a shot that play carry on from the one that plays before, and where others begin inside it."""
    joins, breaks = [], []
    for before, take in pairwise(played):
        if take.shot != shot.name or take.at is None or not shot.start <= take.at < shot.start + shot.frames:
            continue
        carries = take.opening is not None and before.key in take.opening.takes
        if carries:
            joins.append(take.at)
        elif take.at > shot.start:
            breaks.append(take.at)
    return joins, breaks


def _kept(found: Review) -> Review:
    """Keep in the sidecar what was found; where that cannot be written, it is said."""
    try:
        with place(found.film, Cancellation()):
            sidecar.write_review(found.film, found.as_dict())
    except SoraError as error:
        why = f"what was found is not kept in the sidecar: {error.message}"
        return Review(found.film, found.planned, found.rows, (*found.remarks, why))
    return found
