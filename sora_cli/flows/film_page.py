"""The page of a film: what its sidecar, its store and its review know of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from msgspec import Struct

from sora_cli import stamp
from sora_cli.bounded import seen_from
from sora_cli.errors import SoraError
from sora_cli.flows.pages import spread
from sora_cli.flows.review import Review
from sora_cli.lock import scratch
from sora_cli.media.proxy import proxy
from sora_cli.media.read import Film, open_film
from sora_cli.media.replay import replay
from sora_cli.page import pictures, plots
from sora_cli.page.data import Change, FilmView, Page, Picture, ShotView, StretchView, TakeView
from sora_cli.record import sidecar
from sora_cli.record.film import FilmRecord, ShotRecord, TakeRecord
from sora_cli.stamp.release import release
from sora_cli.store import Store
from sora_cli.storyboard.model import Provenance, Watermark

FILM = 14_000_000
"""Bytes of the film in a page."""
SHOWN = 5
"""Frames of a shot in its strip."""


def of_film(found: Review, store: Store, folder: Path) -> Page:
    """The page, in a folder, of a film that was reviewed; takes are shown where the store still has their clips.

    Raises:
        MediaError: the film or a clip cannot be read.
    """
    record = FilmRecord.if_whole(sidecar.read(found.film)) if found.planned else None
    with open_film(found.film) as film:
        shots = tuple(_FilmPage(found, film, record, store).shots())
        facts = film.facts
    small, why = _embedded(found.film)
    seconds = float(facts.duration)
    about = {
        "film": seen_from(found.film, folder),
        "length": f"{facts.frames} frames, {seconds:.2f} s at {float(facts.fps or 0):g} fps",
        "size": f"{facts.width}x{facts.height}",
        **({"storyboard": record.storyboard.path or "", "signed by": record.signer} if record else {}),
        "review": found.words,
    }
    return Page(
        title=(record.title if record else "") or found.film.stem,
        source=found.film.name,
        facts=tuple((name, value) for name, value in about.items() if value),
        remarks=[*found.remarks, *([why] if why else [])],
        film=small,
        plots=plots.plots(found.rows, seconds),
        shots=shots,
    )


def _embedded(film: Path) -> tuple[FilmView | None, str]:
    """The film, small, with a credential of its own; else why it is not in the page."""
    try:
        master = replay(film)
        made = proxy(master, FILM)
        if made is None:
            return None, "the film is too long to be in this page: open the file that is named above"
        small, kind = made
        with scratch() as folder:
            out = folder / film.with_suffix(kind.suffix).name
            release(
                small,
                out,
                making=stamp.Edit(clips=((film, 0, 0),)),
                provenance=Provenance(watermark=Watermark(on=False)),  # its pictures bear the film's own
                signer=stamp.find_signer(),
                kind=kind,
                may_leave_unmarked=True,
            )
            data = out.read_bytes()
    except SoraError as error:
        return None, f"the film is not in this page: {error.message}"
    if len(data) > FILM:
        return None, "the film is too large to be in this page: open the file that is named above"
    return FilmView(base64.b64encode(data).decode(), float(small.fps), small.width, small.height), ""


class _Span(Struct, frozen=True):
    """A shot's name and scene, and its frames."""

    name: str
    scene: str
    start: int
    frames: int


class _FilmPage:
    """Draws the shots of one film, whose sidecar is `record`, if it has one."""

    def __init__(self, found: Review, film: Film, record: FilmRecord | None, store: Store) -> None:
        self._found, self._film, self._record, self._store = found, film, record, store
        self._fps = film.facts.fps or Fraction(24)
        facts = film.facts
        self._numbers = facts.shown_at(self._fps) if facts.variable else range(facts.frames)
        self._spans = list(_spans(record.shots) if record else self._by_rows())
        several = [takes for takes in record.stretches.values() if len(takes) > 1] if record else []
        count = len(self._spans) + sum(map(len, several)) + 2 * len(record.before if record else ())
        self._share = pictures.share(count)

    def _by_rows(self) -> Iterator[_Span]:
        rows = [row for row in self._found.rows if row.kind == "shot"]
        starts = [round(row.second * self._fps) for row in rows]
        for row, start, end in zip(rows, starts, [*starts[1:], len(self._numbers)], strict=True):
            yield _Span(row.name, "", start, end - start)

    def shots(self) -> Iterator[ShotView]:
        """The shots, in order."""
        wanted = [at for span in self._spans for at in spread(span.start, span.frames, SHOWN)]
        frames = self._film.pictures([self._numbers[at] for at in wanted])
        for span in self._spans:
            shown = [next(frames) for _ in range(len(spread(span.start, span.frames, SHOWN)))]
            yield self._shot(span, pictures.strip(shown, self._share, f"frames of {span.name}"))

    def _shot(self, span: _Span, strip: Picture) -> ShotView:
        rows = [row for row in self._found.rows if row.kind != "film" and _of(row.kind, row.name) == span.name]
        start, seconds = float(span.start / self._fps), float(span.frames / self._fps)
        record = self._record
        mine = {name: takes for name, takes in record.stretches.items() if takes[0].shot == span.name} if record else {}
        lines = record.lines if record else ()
        return ShotView(
            name=span.name,
            scene=span.scene,
            start=start,
            seconds=seconds,
            lines=tuple(f"{each.who}: {each.line}" for each in lines if start <= each.start < start + seconds),
            strip=strip,
            stretches=tuple(self._stretch(name, takes) for name, takes in mine.items()),
            figures=tuple(plots.figure(figure) for row in rows for figure in row.figures),
            verdict="; ".join(row.said for row in rows if not row.ok) or (rows[0].said if rows else ""),
            ok=all(row.ok for row in rows),
            changes=tuple(change for name, takes in mine.items() for change in self._changes(name, takes)),
        )

    def _stretch(self, name: str, takes: Sequence[TakeRecord]) -> StretchView:
        views = tuple(self._take(take, drawn=len(takes) > 1) for take in takes)
        return StretchView(name=name, prompt=takes[0].prompt, avoid=takes[0].avoid, takes=views)

    def _take(self, take: TakeRecord, *, drawn: bool) -> TakeView:
        facts = {
            "seed": str(take.seed),
            "engine": take.engine,
            "size": take.size,
            "frames": str(take.frames),
            "made in": f"{take.cost.seconds:.1f} s" if take.cost else "",
            "score": f"{take.score:.2f}{'' if take.good else ', falls short'}" if take.parts else "",
        }
        strip = self._clip(take.key, take.skip, take.play, SHOWN, take.name) if drawn else None
        return TakeView(
            name=take.name,
            state="plays" if take.plays else "does not play",
            plays=take.plays,
            facts=tuple((name, value) for name, value in facts.items() if value),
            strip=strip,
            gone="its clip was cleaned away" if drawn and strip is None else "",
        )

    def _changes(self, name: str, takes: Sequence[TakeRecord]) -> Iterator[Change]:
        """What played here in the last film, beside what does now; nothing where it is the same, or not known."""
        old = self._record.before.get(name) if self._record else None
        now = next((take for take in takes if take.plays), None)
        if old is None or now is None:
            return
        before = self._clip(old, now.skip, now.play, 1, f"{name} before")
        after = self._clip(now.key, now.skip, now.play, 1, f"{name} now")
        card = self._store.card(now.key)
        fields = self._store.changed(old, now.key, card.fields) if card is not None else []
        yield Change(name, ", ".join(fields), before, after)

    def _clip(self, key: str, skip: int, play: int, count: int, shows: str) -> Picture | None:
        """Frames of a clip of the store."""
        clip = self._store.find(key)
        if clip is None:
            return None
        last = clip.frames - 1
        places = [min(at, last) for at in spread(skip, play, count)]
        with open_film(clip.path) as film:
            frames = list(film.pictures(places))
        return pictures.strip(frames, self._share, shows, tall=2 if count == 1 else 1)


def _spans(shots: Sequence[ShotRecord]) -> Iterator[_Span]:
    return (_Span(shot.name, shot.scene, shot.start, shot.frames) for shot in shots if shot.frames)


def _of(kind: str, name: str) -> str:
    """The shot that a row of a review is of: joins are called `walk/1`."""
    return name.rpartition("/")[0] if kind == "join" else name
