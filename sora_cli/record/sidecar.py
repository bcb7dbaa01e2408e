"""`film.mp4.sora.json`: what a film was made from, written beside it, always.

It is what tells a film that is up to date from one that must be finished again, and what somebody needs to make the
same film: resolved parameters, seeds, engines with their weights' revisions, versions of libraries, keys.

The names of what lies beside a film are its whole name and more: `film.gif` has others than `film.mp4`, and nobody's
own picture or data is called so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import astuple
from pydantic import JsonValue

from sora_cli import __version__, atomic
from sora_cli.bounded import Json, read_facts
from sora_cli.engines.base import EngineCard
from sora_cli.errors import HINT_READ, MediaError, Problem
from sora_cli.media.sums import SUMS, changes
from sora_cli.plain import as_data
from sora_cli.plan import Plan
from sora_cli.plan.cost import Cost
from sora_cli.plan.played import starts
from sora_cli.plan.sounds import FOLEY_VERSION, BeatFoley, PlannedSound, chosen, every, recordings
from sora_cli.plan.sounds import foley as seen_in
from sora_cli.record.film import (
    BoardRecord,
    CostRecord,
    EngineRecord,
    FileRecord,
    FilmRecord,
    FoleyRecord,
    LineRecord,
    MakerRecord,
    NoteRecord,
    PrintRecord,
    RecipeRecord,
    ShotRecord,
    SoundRecord,
    TakeRecord,
)
from sora_cli.review.bars import is_good
from sora_cli.store import Clip, Store, file_hash
from sora_cli.store.card import NO_CARD
from sora_cli.storyboard.model import Look, Provenance, TitleCard, Transition
from sora_cli.versions import versions

if TYPE_CHECKING:
    from sora_cli.sound.lines import PlacedLine

FINISH_VERSION = 7
"""Raised when the same cut would be finished otherwise, so that old films are finished again."""


class ReleasedFilm(Struct, frozen=True, kw_only=True):
    """A released film and what lies beside it."""

    path: Path
    sidecar: Path
    sheet: Path
    frames: int
    seconds: float
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each stage took."""
    signer: str = ""
    credential: Path | None = None
    """What proves its origin, where the film file cannot hold that itself."""
    reused: bool = False
    """It was there already, and up to date."""
    cost: Cost | None = None
    """What making its takes has cost."""
    remarks: tuple[Problem, ...] = ()
    """What `check` would remark of its storyboard."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        data = {**as_data(self), "remarks": [remark.as_dict() for remark in self.remarks]}
        return json.loads(json.dumps(data, default=str))  # type: ignore[no-any-return]

    def facts(self, words: Callable[[float], str]) -> dict[str, str]:
        """What the closing summary tells."""
        prices = [*self.cost.facts] if self.cost else []
        stages = ", ".join(f"{name} {words(seconds)}" for name, seconds in self.stages.items())
        facts = {
            "length": f"{self.frames} frames, {self.seconds:.2f} s",
            "sidecar": str(self.sidecar),
            "contact sheet": str(self.sheet),
            "signed by": self.signer,
            "credential": str(self.credential or ""),
            "time": stages,
            "cost": ", ".join([f"{words(self.cost.seconds)} for its takes", *prices]) if self.cost and prices else "",
        }
        return {name: value for name, value in facts.items() if value}


def beside(film: Path) -> tuple[Path, Path]:
    """Where a film's sidecar and contact sheet lie."""
    film = film if film.name else film.absolute()  # `.` has no name
    return Path(f"{film}.sora.json"), Path(f"{film}.sheet.png")


def _beside_earlier(film: Path) -> tuple[Path, Path]:
    """Where version 0.1.0 put them. They are read where there are no others, and never written or removed."""
    film = film.absolute()
    stem = film.parent / film.stem  # `/` has no name, and so no suffix
    return Path(f"{stem}.json"), Path(f"{stem}.png")


def found(film: Path) -> Path:
    """Find the sidecar of a film, under an earlier version's name too; else give the place where it will be."""
    now, earlier = beside(film)[0], _beside_earlier(film)[0]
    return earlier if earlier.exists() and not os.path.lexists(now) else now


def tells_of(facts: Mapping[str, object], place: Path, film: Path) -> bool:
    """Whether the file `place` is this film's sidecar: any JSON file may have the name of earlier versions."""
    named = facts.get("film")
    return place == beside(film)[0] or (isinstance(named, dict) and named.get("path") == film.name)


def read(film: Path) -> dict[str, Json]:
    """Read the sidecar of a film, of an earlier version too; empty where there is none, or it is damaged."""
    place = found(film)
    facts = read_facts(place)
    return facts if tells_of(facts, place, film) else {}


def record_of(film: Path) -> FilmRecord | None:
    """What the sidecar of a film tells of it; None where none tells its shots.

    Raises:
        RequestError: it is damaged.
    """
    facts = read(film)
    return None if not facts or is_note(facts) else FilmRecord.from_dict(facts, f"the sidecar of {film.name}")


def film_key(plan: Plan, signer: str, deliver: str = "web") -> str:
    """A hash of everything that the film's bytes depend on, but the time of signing: takes, places, look, sound."""
    board = plan.board
    parts = {
        "version": FINISH_VERSION,
        "takes": [list(stretch.choices) for stretch in plan.stretches],
        "shots": [
            [
                shot.name,
                shot.start,
                shot.frames,
                shot.overlap,
                shot.lead,
                shot.scene,
                _plain(shot.transition),
                _plain(shot.look),
                _plain(shot.title),
                [[beat.frames, beat.speed, beat.smooth] for beat in shot.beats],
            ]
            for shot in plan.shots
        ],
        "film": [str(plan.fps), plan.width, plan.height, board.title, board.fit],
        "sound": [board.sound.loudness, *map(_plain, every(plan)), *map(_said, plan.lines), board.subtitles],
        **_foley(plan),
        **({"sounds": found} if (found := chosen(plan)) else {}),
        "provenance": _plain(board.provenance),
        "files": [hash_of(path) for path in sorted(_files(plan))],
        "signer": signer,
        "deliver": deliver,
        "policy": board.rules.sha256,
        **({"written": told} if (told := [take.written for take in plan.takes if take.written]) else {}),
    }
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def _foley(plan: Plan) -> dict[str, object]:
    """What is heard by its pictures, where something is: takes, and so their pictures, are in the key already."""
    seen = {shot: [astuple(each) for each in beats] for shot, beats in seen_in(plan).items()}
    if not any(each != astuple(BeatFoley()) for beats in seen.values() for each in beats):
        return {}
    return {"foley": [FOLEY_VERSION, seen, ("sound", "loudness") in plan.board.written]}


def _said(line: PlacedLine) -> list[object]:
    """What of a line changes the film."""
    spoken, written = line.spoken, line.line
    return [
        line.said.key,
        line.start,
        line.said.length,
        line.laid,
        line.depth,
        line.space,
        written.level,
        line.pan,
        str(written.path or ""),
        written.line,
        written.cast,
        spoken and spoken.voice,
    ]


def _files(plan: Plan) -> set[Path]:
    """Files that the finishing reads, beside the clips."""
    paths = {sound.path for sound in every(plan)} | {line.line.path for line in plan.lines}
    paths |= {plan.board.provenance.watermark.image, plan.board.upscale}
    paths |= {shot.look.path for shot in plan.shots} | {shot.title.font for shot in plan.shots if shot.title}
    return {path for path in paths if path is not None}


def hash_of(path: Path) -> str:
    """SHA-256 of one of the user's files.

    Raises:
        MediaError: it cannot be read: a disk was taken away, say.
    """
    try:
        return file_hash(path)
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}", hint=HINT_READ) from error


def _plain(value: Look | Provenance | PlannedSound | TitleCard | Transition | None) -> dict[str, object] | None:
    return None if value is None else as_data(value)


def film_hash(film: Path) -> str:
    """SHA-256 of a film's file; of a folder of pictures, that of their list, and nothing where one is not as listed."""
    if not film.is_dir():
        return file_hash(film)
    return "" if changes(film) else file_hash(film / SUMS)


def up_to_date(film: Path, key: str) -> ReleasedFilm | None:
    """Find the film where it lies as it was released and would come out the same; else None."""
    sidecar, sheet = beside(film) if os.path.lexists(beside(film)[0]) else _beside_earlier(film)
    record = FilmRecord.if_whole(read(film))
    if record is None or record.key != key:
        return None
    credential = film.parent / record.film.credential if record.film.credential else None
    with contextlib.suppress(OSError):
        whole = sheet.exists() and (credential is None or credential.exists())
        if whole and film_hash(film) == record.film.sha256:
            return ReleasedFilm(
                path=film,
                sidecar=sidecar,
                sheet=sheet,
                frames=record.film.frames,
                seconds=record.film.seconds,
                signer=record.signer,
                credential=credential,
                reused=True,
            )
    return None


def write(
    plan: Plan,
    clips: Mapping[str, Clip],
    film: ReleasedFilm,
    *,
    store: Store,
    key: str,
    recipe: RecipeRecord,
    made_by: MakerRecord,
    moderation: Mapping[str, JsonValue],
    subtitles: str = "",
    foley: Sequence[FoleyRecord] = (),
    heard: Mapping[str, str] = MappingProxyType({}),
    costs: Mapping[str, Cost] = MappingProxyType({}),
) -> None:
    """Write the sidecar of a film that was just released.

    `clips` holds the one that plays, by stretch name; `recipe` is the film's, `made_by` says whose it is,
    `moderation` what was checked, `subtitles` is the hash of the file of subtitles beside it, `foley` is
    what is heard of what is seen, `heard` what is said in shots whose lines a model speaks, `costs` what takes have
    cost, by their keys.
    """
    board = plan.board
    record = FilmRecord.model_construct(
        sora=__version__, made_by=made_by, key=key, title=board.title, draft=recipe.draft,
        storyboard=BoardRecord(path=board.path.name if board.path else None, sha256=board.sha256),
        film=_file_record(plan, film), signer=film.signer,
        engines={card.name: _engine_record(card) for card in plan.cards.values()},
        libraries=versions(), shots=ShotRecord.every(plan.shots), takes=tuple(_takes(plan, clips, store, costs)),
        bars=dict(board.bars), files=_own_files(plan, film.path.parent), recipe=recipe, stages=dict(film.stages),
        lines=tuple(map(LineRecord.of, plan.lines)), foley=tuple(foley), heard=dict(heard), subtitles=subtitles,
        moderation=dict(moderation),
    )  # fmt: skip
    sounds = tuple(SoundRecord.of(sound, plan.fps) for sound in every(plan))
    more = {"before": _before(record, film.path), "stills": tuple(_stills(plan, store)), "sounds": sounds}
    record = record.model_copy(update={name: value for name, value in more.items() if value})
    _write(film.sidecar, record.to_dict() | ({"cost": film.cost.as_dict()} if film.cost else {}))


def _before(now: FilmRecord, film: Path) -> dict[str, str]:
    """What played in the film of the same storyboard that this one replaced, where another take does now."""
    was = FilmRecord.if_whole(read(film))
    if was is None or was.storyboard.path != now.storyboard.path:
        return {}
    playing = {name: take.key for name, takes in now.stretches.items() for take in takes if take.plays}
    played = {name: take.key for name, takes in was.stretches.items() for take in takes if take.plays}
    return {name: key for name, key in played.items() if playing.get(name, key) != key}


def _file_record(plan: Plan, film: ReleasedFilm) -> FileRecord:
    return FileRecord.model_construct(
        path=film.path.name,
        sha256=film_hash(film.path),
        frames=film.frames,
        fps=str(plan.fps),
        seconds=film.seconds,
        width=plan.width,
        height=plan.height,
        credential=str(film.credential.relative_to(film.path.parent)) if film.credential else None,
    )


def _engine_record(card: EngineCard) -> EngineRecord:
    return EngineRecord.model_construct(family=card.family, revision=card.revision, licence=card.licence)


def _takes(plan: Plan, clips: Mapping[str, Clip], store: Store, costs: Mapping[str, Cost]) -> Iterator[TakeRecord]:
    """What is told of each take, with what the store knows of its clip."""
    at, lacking = starts(plan), plan.may_lack
    for shot in plan.shots:
        for stretch in shot.stretches:
            for take in stretch.candidates:
                card = store.card(take.key) or NO_CARD
                if card is NO_CARD and take.key in lacking:
                    continue  # a take before it is good, or it was refused
                more: dict[str, object] = {"stride": str(take.stride)} if take.stride != 1 else {}
                more |= {"written": take.written} if take.written else {}
                more |= {"cost": cost_record(costs[take.key])} if take.key in costs else {}
                yield TakeRecord.of(
                    take, name=take.name, key=take.key, shot=shot.name, at=at[stretch.name],
                    plays=clips[stretch.name].key == take.key, skip=take.skip, play=take.play, **more,
                    seconds=float(take.play / take.fps), clip_sha256=card.sha256, pixels=card.pixels,
                    made_on=card.made_on, score=card.score, parts=card.parts, keeps=card.keeps, drift=card.drift,
                    good=is_good(card, plan.board.bars),
                )  # fmt: skip


def cost_record(cost: Cost) -> CostRecord:
    """The record of a cost."""
    return CostRecord.from_dict(cost.as_dict(), "a cost")


def _stills(plan: Plan, store: Store) -> Iterator[TakeRecord]:
    """What is told of the stills that takes begin and end on."""
    played = {key for stretch in plan.stretches for key in stretch.keys}
    for shot in plan.shots:
        for take in (take for still in plan.stills.get(shot.name, ()) for take in still.stretch.candidates):
            card = store.card(take.key)
            if card is not None and take.key not in played:
                yield TakeRecord.of(
                    take, name=take.name, key=take.key, shot=shot.name, plays=False, skip=take.skip, play=take.play,
                    seconds=0.0, clip_sha256=card.sha256, pixels=card.pixels, made_on=card.made_on,
                )  # fmt: skip


def is_note(facts: Mapping[str, object]) -> bool:
    """Whether a sidecar only says whose the film is, as `write_note` has it."""
    return "made_by" in facts and not {"key", "takes", "recipe"} & facts.keys()


def write_note(film: Path, made_by: MakerRecord, added: Mapping[Path, Path], subtitles: str = "") -> None:
    """Write the sidecar of a film that was made of other films: whose it is, which a later run asks; what was added.

    `added` says what each file is called: one of a bundle was unpacked. `subtitles` is the hash of a file of them.
    """
    note = NoteRecord(sora=__version__, made_by=made_by, film=PrintRecord(path=film.name, sha256=film_hash(film)))
    files = {hash_of(path): os.path.relpath(name.resolve(), film.parent.resolve()) for path, name in added.items()}
    told = {"files": files, "subtitles": subtitles}
    _write(beside(film)[0], note.model_copy(update={key: value for key, value in told.items() if value}).to_dict())


def write_review(film: Path, measured: Mapping[str, object]) -> None:
    """Put what a review measured into a film's sidecar; what tells whether the film is up to date stays as it is."""
    if os.path.lexists(beside(film)[0]) and (facts := read(film)):
        _write(beside(film)[0], {**facts, "review": measured})


def _write(path: Path, facts: Mapping[str, object]) -> None:
    with atomic.writing(path, "make room, then run the same command again: what was shot is kept"):
        atomic.write(path, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def _own_files(plan: Plan, folder: Path) -> dict[str, str]:
    """Files that the storyboard names, by hash: where they are, as seen from the film's folder."""
    own: dict[str, Path] = {hash_of(path): path for path in plan.board.material.values()}
    own |= {sha: path for path, sha in recordings(plan).items()}
    for take in plan.takes:
        own |= {reference.sha256: reference.path for reference in take.references if not reference.voice}
        own |= {carry.sha256: carry.path for carry in take.carries if carry.path}
        own |= {carry.hold.sha256: carry.hold.path for carry in take.carries if carry.hold and carry.hold.path}
    return {sha: os.path.relpath(path.resolve(), folder.resolve()) for sha, path in own.items()}
