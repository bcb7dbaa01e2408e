"""What can be found: clips of the store, films and their shots, each with the words that stand for it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.bounded import read_facts
from sora_cli.plain import as_data
from sora_cli.record import sidecar
from sora_cli.record.film import FilmRecord, ShotRecord
from sora_cli.store import Store

LOOKS = 3
"""Frames of a clip or shot that stand for its pictures."""
ENDING = ".sora.json"
"""Of the name of a film's sidecar, after the film's own."""
MOST_WORDS = 20_000
"""Characters that are kept of what stands for a film."""


class Entry(Struct, frozen=True, kw_only=True):
    """A clip, shot or film: its file, where in it, and the words that stand for it. `start` and `seconds` in seconds.

    `source` is the folder in which it was found; `date` is the file's time, in seconds since 1970.
    """

    kind: str
    file: str
    words: str
    source: str
    shot: str = ""
    start: float = 0.0
    seconds: float = 0.0
    engine: str = ""
    cast: tuple[str, ...] = ()
    date: int = 0

    @property
    def id(self) -> str:
        """A hash of all that is found by, and of its place: what has it is in the index already."""
        told = {name: value for name, value in as_data(self).items() if name != "date"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:40]


def of_store(store: Store) -> Iterator[Entry]:
    """The clips of a store, by what they were told and what their author wrote."""
    for kept in store.files():
        card = store.card(kept.key) if kept.path.suffix == ".json" and not kept.aside else None
        prompt = card.fields.get("prompt") if card is not None else None
        if card is None or not isinstance(prompt, str) or not prompt:
            continue  # a sound, or a card that is damaged
        yield Entry(
            kind="clip",
            file=str(store.path(kept.key, "mp4")),
            words=_joined(card.written, prompt),
            source=str(store.folder),
            seconds=round(float(card.frames / Fraction(card.fps)), 3),
            engine=str(card.fields.get("engine", "")),
            date=int(kept.used),
        )


def of_folder(folder: Path) -> Iterator[Entry]:
    """The films in a folder and in those inside, each with its shots. Links are not followed."""
    paths = [Path(place, name) for place, _, names in os.walk(folder) for name in sorted(names)]
    notes = _notes(paths)
    for path in paths:
        film = path.with_name(path.name.removesuffix(ENDING))
        if path.name.endswith(ENDING) and film.exists():
            record = FilmRecord.if_whole(sidecar.read(film))
            if record is not None:
                yield from _of_film(film, record, notes, str(folder))


def looks(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The frames that stand for the pictures of clips and shots: the middles of equal parts, each by its `start`."""
    for entry in entries:
        if entry.kind != "film" and entry.seconds:
            for part in range(LOOKS):
                at = entry.start + entry.seconds * (2 * part + 1) / (2 * LOOKS)
                yield replace(entry, start=round(at, 3), seconds=0.0)


def frame_at(seconds: float, fps: Fraction | None, frames: int) -> int:
    """The number of the frame that a film of `frames` shows at that time."""
    return min(int(seconds * (fps or 1)), frames - 1)


def _notes(paths: list[Path]) -> dict[str, dict[str, str]]:
    """What people wrote to shots on pages, by the name of the film or storyboard and that of the shot."""
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        if path.suffix == ".json" and "notes" in path.name and not path.name.endswith(ENDING):
            told = read_facts(path)
            if isinstance(notes := told.get("notes"), dict):
                found.setdefault(str(told.get("of")), {}).update({str(k): str(v) for k, v in notes.items()})
    return found


def _of_film(film: Path, record: FilmRecord, notes: Mapping[str, Mapping[str, str]], source: str) -> Iterator[Entry]:
    told = {**notes.get(record.storyboard.path or "", {}), **notes.get(film.name, {})}
    shots = [_of_shot(film, record, shot, told.get(shot.name, ""), source) for shot in record.shots]
    yield Entry(
        kind="film",
        file=str(film),
        words=_joined(record.title, *(shot.words for shot in shots)),
        source=source,
        seconds=record.film.seconds,
        engine=shots[0].engine if shots else "",
        cast=tuple(dict.fromkeys(name for shot in shots for name in shot.cast)),
        date=int(film.stat().st_mtime),
    )
    yield from shots


def _of_shot(film: Path, record: FilmRecord, shot: ShotRecord, note: str, source: str) -> Entry:
    """A shot by what its takes were told and their author wrote, what is said in it, and what people wrote to it."""
    fps = Fraction(record.film.fps)
    start, seconds = float(shot.start / fps), float(shot.frames / fps)
    takes = [take for take in record.takes if take.plays and take.shot == shot.name]
    said = [line for line in record.lines if start <= line.start < start + seconds]
    told = _joined(*(words for take in takes for words in (take.written, take.prompt)))
    return Entry(
        kind="shot",
        file=str(film),
        words=_joined(told, *(f"{line.who}: {line.line}" for line in said), note),
        source=source,
        shot=shot.name,
        start=round(start, 3),
        seconds=round(seconds, 3),
        engine=takes[0].engine if takes else "",
        cast=tuple(_cast(record, told, {line.who for line in said})),
        date=int(film.stat().st_mtime),
    )


def _cast(record: FilmRecord, told: str, speaking: set[str]) -> Iterator[str]:
    """The members of the cast who are in a shot: their looks are in what it was told, or they speak."""
    members = record.recipe.storyboard.get("cast") if record.recipe is not None else None
    for name, member in members.items() if isinstance(members, dict) else ():
        looks = member.get("looks") if isinstance(member, dict) else member
        if name in speaking or f"@{name}" in told or (isinstance(looks, str) and looks in told):
            yield name


def _joined(*words: str) -> str:
    return ". ".join(dict.fromkeys(each.strip(" .") for each in words if each.strip(" .")))[:MOST_WORDS]
