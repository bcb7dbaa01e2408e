"""The takes of a film side by side, in words and in a picture: which one plays, and each one's score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sora_cli.errors import RequestError
from sora_cli.flows import outputs, places
from sora_cli.media.read import open_film, require_file
from sora_cli.media.sheet import SheetRow, is_sheet_of, side_by_side
from sora_cli.media.stream import middles
from sora_cli.record import sidecar
from sora_cli.record.film import FilmRecord, TakeRecord
from sora_cli.store import Store

COLUMNS = ("take", "plays", "seed", "score", "good", "parts")
SHOWN = 5
"""Frames of a take in the picture."""


def read_record(film: Path) -> FilmRecord:
    """Read the record in the sidecar of a film.

    Raises:
        UnusableFile: there is no such film.
        RequestError: it has no sidecar that lists its takes.
    """
    require_file(film)
    record = sidecar.record_of(film)
    if record is None:
        raise RequestError(
            f"the takes of {film} are not known: no sidecar lists them", hint="name a film of a storyboard"
        )
    return record


def table(record: FilmRecord) -> Iterator[list[str]]:
    """A row of words for each take."""
    for take in record.takes:
        parts = ", ".join(f"{name} {value:g}" for name, value in take.parts.items())
        rated = bool(take.parts)
        yield [
            take.name,
            "plays" if take.plays else "",
            str(take.seed),
            f"{take.score:.2f}" if rated else "",
            ("yes" if take.good else "no") if rated else "",
            parts or "not measured, because an earlier version made it",
        ]


def as_dict(film: Path, record: FilmRecord) -> dict[str, object]:
    """Plain data, for `--json`."""
    names = ("name", "key", "shot", "plays", "seed", "score", "good", "parts")
    return {"film": str(film), "takes": [{name: getattr(take, name) for name in names} for take in record.takes]}


def picture(
    film: Path, record: FilmRecord, store: Store, asked: Path | str | None, *, overwrite: bool = False
) -> tuple[Path | None, list[str]]:
    """Draw the takes side by side, where their clips are still here; the names of those whose clips are not.

    Raises:
        RequestError: the picture would replace a file that is not one of this film, or its name is not that of a PNG.
    """
    out = places.file_at(asked, film.with_name(f"{film.name}.takes.png"))
    places.require_ending(out, ".png", "draw the takes", str(out.with_suffix(".png")))
    outputs.check({out: lambda path: is_sheet_of(path, film)}, [film, *sidecar.beside(film)], overwrite=overwrite)
    found = {take.name: _row(take, store) for take in record.takes}
    rows = [row for row in found.values() if row is not None]
    gone = [name for name, row in found.items() if row is None]
    return (side_by_side(film, rows, out, record.title) if rows else None), gone


def _row(take: TakeRecord, store: Store) -> SheetRow | None:
    clip = store.find(take.key)
    if clip is None:
        return None
    places = [min(place, clip.frames - 1) for place in middles(take.skip, take.play, SHOWN)]
    with open_film(clip.path) as reel:
        frames = list(reel.pictures(places))
    words = f"score {take.score:.2f}" if take.parts else ""
    return SheetRow(f"{take.name}{' (plays)' if take.plays else ''}", words, frames)
