"""`sora export`: the cut of a film as a timeline for edit suites, its shots as files with handles."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sora_cli import __version__, atomic, stamp
from sora_cli.colour import grade as colour
from sora_cli.colour.cdl import cdl_of
from sora_cli.errors import MediaError, RequestError, counted
from sora_cli.events import Note as Told
from sora_cli.events import Report
from sora_cli.flows import audio, outputs, places, preflight, stems
from sora_cli.interchange.assembly import Assembly, Item, Note, can_drop, frame_of, nominal
from sora_cli.interchange.edl import written_edl
from sora_cli.interchange.fcpxml import written_fcpxml
from sora_cli.interchange.handles import with_handles
from sora_cli.interchange.shotsheet import written_sheet
from sora_cli.media.film import delivery
from sora_cli.media.stream import Master
from sora_cli.plan import Plan
from sora_cli.plan.timeline import Cut, CutShot, assemble, words_said
from sora_cli.record import handover, sidecar
from sora_cli.record.film import FilmRecord
from sora_cli.record.handover import ExportRecord, ShotFileRecord
from sora_cli.shoot.studio import Studio, place
from sora_cli.stamp.making import making
from sora_cli.store import Clip, file_hash
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.media.film import Delivery
    from sora_cli.stamp import Signer

ENDINGS = {"otio": ".otio", "otioz": ".otioz", "edl": ".edl", "fcpxml": ".fcpxml", "fcp7": ".xml", "folder": ".otio"}
"""Of the timeline's file, by the kinds that have media."""
PAPERS = {"csv": ".csv", "srt": ".srt"}
"""Kinds that are one file, without media."""
START = "01:00:00:00"
"""The timecode of a film's first frame, as cutting rooms have it."""
FILES = ("prores", "archive")
"""Deliveries that clips are exported as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be exported, and how."""

    to: str
    start: str = START
    graded: bool = False
    deliver: str = "prores"
    draft: bool = False
    only: tuple[str, ...] = ()
    overwrite: bool = False
    signer: Signer | None = None

    def check(self) -> None:
        """Refuse what cannot be. Raises RequestError."""
        if self.to not in {*ENDINGS, *PAPERS}:
            known = ", ".join([*ENDINGS, *PAPERS])
            raise RequestError(f"--to {self.to}: no such format", hint=f"write one of {known}")
        if self.deliver not in FILES:
            raise RequestError(f"--deliver {self.deliver}: clips for editing are prores or archive")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the timeline, and its clips."""

    path: Path
    clips: tuple[Path, ...]
    frames: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {"file": str(self.path), "clips": [str(path) for path in self.clips], "frames": self.frames}


def export(source: Path, out: Path | None, asked: Asked, *, studio: Studio, report: Report) -> Exported:
    """Export a film, or the storyboard of one; takes that are missing are shot.

    Args:
        source: a storyboard, or a film that was made of one.
        out: the file of a kind without media; else the folder of the export, or an `.otioz` file.
        asked: what is exported.
        studio: shoots what is missing.
        report: hears what happens, and what the format cannot hold.

    Raises:
        RequestError: there is no such format or timecode, or something else is where it goes.
        SoraError: what making the film raises.
    """
    asked.check()
    board, asked = _board_of(source, asked)
    plan = preflight.plan_of(board, draft=asked.draft, only=asked.only)
    zero, drop = _zero(asked.start, plan)
    job = _Job(board, plan, asked, zero, drop, _place(board, out, asked), report)
    return job.paper() if asked.to in PAPERS else job.export(studio)


def _board_of(source: Path, asked: Asked) -> tuple[Storyboard, Asked]:
    """The storyboard that is named, or that a film was made of."""
    if source.suffix.lower() in {".yaml", ".yml", ".json"}:
        return preflight.load(source, sets={}), asked
    facts = sidecar.read(source)
    if not source.exists() or not facts or sidecar.is_note(facts):
        raise RequestError(f"cannot export {source}: no sidecar tells its shots", hint="name its storyboard")
    film = FilmRecord.from_dict(facts, f"the sidecar of {source.name}")
    made = film.made_by
    if made is None or made.command != "storyboard" or not made.of:
        raise RequestError(f"cannot export {source}: it is of no storyboard", hint="write one, and make the film of it")
    path = source.parent / made.of[0]
    if not path.is_file() or file_hash(path) != made.sha256:
        raise RequestError(
            f"the storyboard of {source}, {path}, is gone or has changed",
            hint=f"make the film again (sora storyboard {path}), or export the storyboard",
        )
    only = film.recipe.only if film.recipe is not None else ()
    return preflight.load(path, sets={}), replace(asked, draft=film.draft, only=asked.only or only)


def _zero(start: str, plan: Plan) -> tuple[int, bool]:
    """The number of the film's first frame, and whether its timecode drops: as written, else where the rate has it."""
    if plan.fps != nominal(plan.fps) and plan.fps.denominator != 1001:
        raise RequestError(f"there is no timecode at {float(plan.fps):.6g} frames a second", hint="use a whole rate")
    if start == START and can_drop(plan.fps):
        start = start[:-3] + ";00"
    return frame_of(start, plan.fps)


def _place(board: Storyboard, out: Path | None, asked: Asked) -> Path:
    """The timeline's file."""
    name = places.default_name(board).stem
    if asked.to in PAPERS or asked.to == "otioz":
        ending = PAPERS.get(asked.to, ".otioz")
        if out is not None and (out.is_dir() or not out.suffix):
            out = out / f"{name}{ending}"
        path = out or Path(f"{name}{ending}")
        if path.suffix.lower() != ending:
            raise RequestError(
                f"cannot write {path}: --to {asked.to} ends in {ending}", hint=f"try -o {path.stem}{ending}"
            )
        return path
    folder = out or Path(f"{name}-{asked.to}")
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"cannot export to {folder}: it is a file", hint="name a folder with -o")
    return folder / f"{name}{ENDINGS[asked.to]}"


@dataclass
class _Job:
    """One export: of what, to where."""

    board: Storyboard
    plan: Plan
    asked: Asked
    zero: int
    drop: bool
    path: Path
    report: Report
    hashes: dict[str, str] = field(default_factory=dict)
    """Of the files that are written, by their place in the folder."""

    @property
    def maker(self) -> outputs.Maker:
        made = outputs.maker_of(self.board)
        return outputs.Maker(command="export", paths=made.paths, words=made.words, sha256=made.sha256)

    @property
    def kind(self) -> Delivery:
        return delivery(self.asked.deliver)

    # -- one file --------------------------------------------------------------------------------------------------

    def paper(self) -> Exported:
        """A kind that is one text."""
        if self.asked.to == "srt":
            from sora_cli.sound.subtitles import timed, written

            said = timed(words_said(self.plan), self.plan.seconds)
            if not said:
                raise RequestError("nothing is said in this film: there are no subtitles")
            text = written(said, "srt")
        else:
            text = written_sheet(
                self._assembly([self._item(number, None, None) for number in range(len(self.plan.shots))])
            )
        own = {self.path: lambda there: there.read_bytes() == text.encode()}
        outputs.check(own, outputs.sources_of(self.board, None), overwrite=self.asked.overwrite)
        self._write(self.path, text)
        return Exported(self.path, (), self.plan.frames)

    def _write(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, text)
        except OSError as error:
            raise MediaError(f"cannot write {path}: {error.strerror}", hint="is there room, and may you?") from error

    # -- a timeline and its media ----------------------------------------------------------------------------------

    def export(self, studio: Studio) -> Exported:
        """The clips, tables and stems, then the timeline."""
        from sora_cli.lock import scratch

        if self.asked.to == "otioz":
            own = {self.path: self._own_bundle}
            outputs.check(own, outputs.sources_of(self.board, self.asked.signer), overwrite=self.asked.overwrite)
        else:
            self._check(self.path.parent)
        preflight.require_ready(self.plan)
        sounds = audio.prepare(self.plan, studio.store)
        clips = studio.shoot(self.plan, self.report)
        cut = assemble(self.plan, clips, sounds.speech, sounds.made)
        with (
            place(self.path, studio.cancel),
            scratch() if self.asked.to == "otioz" else nullcontext(self.path.parent) as folder,
        ):
            return self._filled(cut, clips, folder, spoken=bool(sounds.speech))

    def _check(self, folder: Path) -> None:
        before = handover.read(folder)

        def own(path: Path) -> bool:
            known = before is not None and self.maker.made(before.made_by, folder)
            name = path.relative_to(folder).as_posix()
            return known and before is not None and (name == handover.NAME or before.files.get(name) == file_hash(path))

        there = [path for name in ("clips", "luts", "stems") for path in (folder / name).glob("*") if path.is_file()]
        written = dict.fromkeys([self.path, folder / handover.NAME, *there], own)
        outputs.check(written, outputs.sources_of(self.board, self.asked.signer), overwrite=self.asked.overwrite)

    def _own_bundle(self, path: Path) -> bool:
        from sora_cli.interchange.timelines import bundled

        record = ExportRecord.if_whole(bundled(path, handover.NAME))
        return record is not None and self.maker.made(record.made_by, path.parent)

    def _filled(self, cut: Cut, clips: dict[str, Clip], folder: Path, *, spoken: bool) -> Exported:
        signer = self.asked.signer or stamp.find_signer()
        before = handover.read(folder)
        alone = [with_handles(shot, cut.fps) for shot in cut.shots]
        items = [self._item(number, clips, alone[number]) for number in range(len(cut.shots))]
        record = self._record(items, folder)
        grader = colour.Grader(cut)
        for number, (item, (shot, _)) in enumerate(zip(items, alone, strict=True)):
            self._clip(
                cut=replace(cut, shots=(shot,)), original=cut.shots[number], item=item, clips=clips,
                out=folder / item.file, grader=grader, signer=signer,
            )  # fmt: skip
            self._noted(folder, record, item.file)
        if not self.asked.graded:
            items = list(self._with_looks(items, cut, folder))
        sounds = stems.of_cut(cut, self.board, folder / "stems", signer, spoken=spoken)
        for path in [*(folder / "luts").glob("*.cube"), *sounds]:
            self._noted(folder, record, path.relative_to(folder).as_posix())
        assembly = self._assembly(items, tuple((path.stem, f"stems/{path.name}") for path in sounds))
        self._timeline(assembly, folder)
        self._noted(folder, record, *([self.path.name] if self.asked.to != "otioz" else []))
        self._swept(folder, before)
        made = tuple(folder / item.file for item in items) if self.asked.to != "otioz" else ()
        return Exported(self.path, made, cut.frames)

    def _noted(self, folder: Path, record: ExportRecord, *names: str) -> None:
        """Write down whose the files are, each once it is whole, so that an export that was stopped can go on."""
        self.hashes |= {name: file_hash(folder / name) for name in names}
        try:
            handover.write(folder, record, self.hashes)
        except OSError as error:
            raise MediaError(f"cannot write {folder}: {error.strerror}", hint="is there room, and may you?") from error

    def _swept(self, folder: Path, before: ExportRecord | None) -> None:
        """Remove files of the export before this one that nobody has changed and none names any more."""
        for name, known in before.files.items() if before is not None else ():
            path = folder / name
            inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
            if name not in self.hashes and inside and path.is_file() and file_hash(path) == known:
                path.unlink()

    # -- its parts -------------------------------------------------------------------------------------------------

    def _assembly(self, items: Sequence[Item], sounds: tuple[tuple[str, str], ...] = ()) -> Assembly:
        plan = self.plan
        return Assembly(
            title=plan.board.title or self.path.stem, fps=plan.fps, width=plan.width, height=plan.height,
            items=tuple(items), zero=self.zero, drop=self.drop, stems=sounds,
        )  # fmt: skip

    def _item(self, number: int, clips: dict[str, Clip] | None, alone: tuple[CutShot, int] | None) -> Item:
        """A shot as the edit suite sees it."""
        shot, planned = self.board_shots[number], self.plan.shots[number]
        played = [(stretch, clips[stretch.name]) for stretch in planned.stretches] if clips else []
        takes = [next(take for take in stretch.candidates if take.key == clip.key) for stretch, clip in played]
        first = [take.key for take in next(planned.stretches).candidates].index(takes[0].key) + 1 if takes else 1
        notes, at = [], 0
        for beat, words in zip(planned.beats, shot.beats, strict=True):
            notes.append(Note(at, words.prompt))
            at += beat.frames
        said = [f"{line.cast or 'narrator'}: {line.line}" for beat in shot.beats for line in beat.dialogue]
        name = re.sub(r"[^\w-]+", "-", f"{planned.scene}_{planned.name}").strip("-")[:80]
        return Item(
            name=planned.name, scene=planned.scene, start=planned.start, frames=planned.frames,
            file=f"clips/{number + 1:03d}_{name}{self.kind.suffix}" if clips is not None else "",
            head=alone[1] if alone else 0, total=alone[0].frames if alone else planned.frames,
            kind=planned.transition.kind, direction=planned.transition.direction, overlap=planned.overlap,
            lead=planned.lead, reel=f"{number + 1:03d}T{first}"[:8], notes=tuple(notes),
            title=planned.title.text if planned.title else "",
            comments=(*(f"TAKE {take.name} SEED {take.seed}" for take in takes), *said),
        )  # fmt: skip

    @property
    def board_shots(self) -> list[Any]:
        named = {shot.name: shot for shot in self.board.shots}
        return [named[planned.name] for planned in self.plan.shots]

    def _record(self, items: Sequence[Item], folder: Path) -> ExportRecord:
        shots = [
            ShotFileRecord(name=item.name, file=item.file, reel=item.reel, start=item.start, frames=item.frames,
                           head=item.head, total=item.total)
            for item in items
        ]  # fmt: skip
        home = self.path.parent if self.asked.to == "otioz" else folder
        return ExportRecord(
            sora=__version__, made_by=self.maker.record(home), draft=self.asked.draft, only=self.asked.only,
            fps=str(self.plan.fps), shots=tuple(shots),
        )  # fmt: skip

    def _clip(
        self, *, cut: Cut, original: CutShot, item: Item, clips: dict[str, Clip], out: Path, grader: colour.Grader,
        signer: Signer,
    ) -> None:  # fmt: skip
        """One shot as a stamped file without sound, which is on the stems."""
        from sora_cli.master.picture import pictures

        plain = [((), ())] * len(original.pieces)
        grade = (lambda _shot: grader.steps(original)) if self.asked.graded else (lambda _shot: nullcontext(plain))
        master = Master(
            width=cut.width, height=cut.height, fps=cut.fps, frames=cut.frames, title=item.name, author=cut.author,
            pictures=partial(pictures, cut, self.kind.made_in, grade),
        )  # fmt: skip
        alone = replace(next(shot for shot in self.plan.shots if shot.name == item.name), start=0)
        told = making(replace(self.plan, shots=(alone,)), clips, cut, None, sounds=(), speech=(), synthesized=())
        told = replace(told, colour=told.colour if self.asked.graded else "", generated_sound=False,
                       titles=told.titles if original.blank else ())  # fmt: skip
        out.parent.mkdir(parents=True, exist_ok=True)
        stamp.release(
            master, out, making=told, provenance=self.board.provenance, signer=signer, kind=self.kind,
            may_leave_unmarked=not self.board.rules.marked,
        )  # fmt: skip

    def _with_looks(self, items: Sequence[Item], cut: Cut, folder: Path) -> Iterator[Item]:
        """The items with their colour matches, as tables and, where they are one, as CDLs."""
        written = colour.write_luts(cut, folder / "luts", outputs.table_mark(self.maker, folder / "luts"))
        grader = colour.Grader(cut)
        for number, (item, shot) in enumerate(zip(items, cut.shots, strict=True), 1):
            mine = [path for path in written if path.name.startswith(f"{number:03d}-")]
            full = grader.table(shot)
            yield (
                replace(item, look=f"luts/{mine[0].name}", cdl=cdl_of(full) if full is not None else None)
                if mine
                else item
            )

    def _timeline(self, assembly: Assembly, folder: Path) -> None:
        from sora_cli.interchange import timelines

        kind = self.asked.to

        def uri(name: str) -> str:
            return name if kind in {"otio", "folder"} else (folder / name).resolve().as_uri()

        for words in timelines.lost(assembly, kind):
            self.report(Told(f"{kind}: {words}"))
        if kind == "edl":
            self._write(self.path, written_edl(assembly))
        elif kind == "fcpxml":
            self._write(self.path, written_fcpxml(assembly, uri))
        elif kind == "fcp7":
            self._write(self.path, timelines.final_cut_7(timelines.timeline_of(assembly, uri), assembly))
        elif kind == "otioz":
            timelines.write_bundle(timelines.timeline_of(assembly, uri), self.path, folder / handover.NAME)
        else:
            self._write(self.path, timelines.text_of(timelines.timeline_of(assembly, uri)))
        if kind == "folder":
            self._write(folder / "shots.csv", written_sheet(assembly))
            self.hashes["shots.csv"] = file_hash(folder / "shots.csv")


def told(made: Exported) -> str:
    """One line of what was written."""
    return f"{made.path}: {counted(len(made.clips), 'clip')}, {made.frames} frames"
