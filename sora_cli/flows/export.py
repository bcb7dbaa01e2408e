"""`sora export`: the cut of a film as a timeline for edit suites, its shots as files with handles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import __version__, atomic, stamp
from sora_cli.errors import RequestError, counted
from sora_cli.events import Note as Told
from sora_cli.events import Report
from sora_cli.flows import audio, foley, noting, outputs, places, preflight, subtitles
from sora_cli.flows.enlarge import Enlarger
from sora_cli.flows.export_media import Media, check_folder, clip_name, items_of
from sora_cli.interchange.assembly import SMPTE, Assembly, Item, can_drop, frame_of, nominal
from sora_cli.interchange.edl import written_edl
from sora_cli.interchange.fcpxml import written_fcpxml
from sora_cli.interchange.shotsheet import written_sheet
from sora_cli.lock import scratch
from sora_cli.media.deliveries import delivery
from sora_cli.media.read import require_file
from sora_cli.plan import Plan
from sora_cli.plan.timeline import words_said
from sora_cli.record import handover, sidecar
from sora_cli.record.handover import ExportRecord
from sora_cli.shoot.studio import Studio, place
from sora_cli.store import file_hash
from sora_cli.storyboard.files import YAML_FILES, suffix
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.stamp import Signer

ENDINGS = {"otio": ".otio", "otioz": ".otioz", "edl": ".edl", "fcpxml": ".fcpxml", "fcp7": ".xml", "folder": ".otio"}
"""Of the timeline's file, by the kinds that have media."""
PAPERS = {"csv": ".csv", "srt": ".srt"}
"""Kinds that are one file, without media."""
START = "01:00:00"
"""When the timecode of a film begins, as cutting rooms have it; with drop-frame where its rate has that."""
FILES = ("prores", "archive")
"""Deliveries that clips are exported as."""


class ExportOptions(Struct, frozen=True, kw_only=True):
    """What is to be exported, and how."""

    to: str
    start: str | None = None
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
        if self.to in PAPERS and self.graded:
            raise RequestError(f"--graded is for clips, and {self.to} has none", hint="leave it out")
        if self.to == "srt" and self.start is not None:
            raise RequestError("--start is for timecodes, and srt counts from 0", hint="leave it out")


class Exported(Struct, frozen=True):
    """What was written: the timeline, and its clips."""

    path: Path
    clips: tuple[Path, ...]
    frames: int
    bundled: int = 0
    """Clips that the file holds itself."""

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        return {
            "file": str(self.path),
            "clips": [str(path) for path in self.clips],
            "frames": self.frames,
            "bundled": self.bundled,
        }


def export(source: Path, out: Path | None, options: ExportOptions, *, studio: Studio, report: Report) -> Exported:
    """Export a film, or the storyboard of one; takes that are missing are shot.

    Args:
        source: a storyboard, or a film that was made of one.
        out: the file of a kind without media; else the folder of the export, or an `.otioz` file.
        options: what is exported, and how.
        studio: shoots what is missing.
        report: hears what happens, and what the format cannot hold.

    Raises:
        RequestError: there is no such format or timecode, or something else is where it goes.
        SoraError: what making the film raises.
    """
    options.check()
    board, options = _board_of(source, options)
    plan = preflight.plan_of(board, draft=options.draft, only=options.only)
    zero, drop = _zero(options, plan.fps)
    for remark in plan.remarks:
        report(Told.of(remark))
    job = _Job(plan, options, zero, drop, _place(board, out, options), report)
    return job.paper() if options.to in PAPERS else job.export(studio)


def _board_of(source: Path, options: ExportOptions) -> tuple[Storyboard, ExportOptions]:
    """The storyboard that is named, or that a film was made of."""
    if suffix(source.name) in YAML_FILES:
        return preflight.load(source, sets={}), options
    require_file(source)
    film = sidecar.record_of(source)
    if film is None:
        raise RequestError(f"cannot export {source}: no sidecar lists its shots", hint="name its storyboard")
    made = film.made_by
    if made is None or made.command != "storyboard" or not made.of:
        raise RequestError(
            f"cannot export {source}: it was not made from a storyboard", hint="make it from one: sora new"
        )
    path = source.parent / made.of[0]
    if not path.is_file() or file_hash(path) != made.sha256:
        raise RequestError(
            f"the storyboard of {source}, {path}, is missing or was changed, or the film was made with --set",
            hint=f"make the film again without --set (sora storyboard {path}), or export the storyboard",
        )
    only, begun = (film.recipe.only, film.recipe.from_draft) if film.recipe is not None else ((), 0.0)
    said = film.recipe.storyboard.get("subtitles") if film.recipe is not None else None
    board = replace(preflight.load(path, sets={}, place=lambda _title: source), from_draft=begun)
    board = subtitles.asked(board, said if isinstance(said, str) else None)
    return board, replace(options, draft=film.draft, only=options.only or only)


def _zero(options: ExportOptions, fps: Fraction) -> tuple[int, bool]:
    """The number of the film's first frame, and whether its timecode drops: as written, else where the rate has it."""
    known = SMPTE if options.to == "fcp7" else {*SMPTE, Fraction(nominal(fps))}
    if fps not in known:
        rates = ", ".join(f"{float(rate):.6g}" for rate in sorted(SMPTE))
        raise RequestError(
            f"--to {options.to} has no timecode at {float(fps):.6g} frames a second",
            hint=f"`output: {{fps: ...}}` with one of {rates}; otio has every whole rate",
        )
    try:
        return frame_of(options.start or f"{START}{';' if can_drop(fps) else ':'}00", fps)
    except RequestError as error:
        raise RequestError(f"--start {options.start}: {error.message}", hint=error.hint) from None


def _place(board: Storyboard, out: Path | None, options: ExportOptions) -> Path:
    """The timeline's file."""
    name = places.default_name(board).stem
    if options.to in PAPERS or options.to == "otioz":
        ending = PAPERS.get(options.to, ".otioz")
        if out is not None and (out.is_dir() or not out.suffix):
            out = out / f"{name}{ending}"
        path = out or Path(f"{name}{ending}")
        if path.suffix.lower() != ending:
            raise RequestError(
                f"cannot write {path}: --to {options.to} ends in {ending}", hint=f"try -o {path.stem}{ending}"
            )
        return path
    folder = out or Path(f"{name}-{options.to}")
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"cannot export to {folder}: it is a file", hint="name a folder with -o")
    return folder / f"{name}{ENDINGS[options.to]}"


class _Job(Struct, frozen=True):
    """One export: of what, to where."""

    plan: Plan
    options: ExportOptions
    zero: int
    drop: bool
    path: Path
    report: Report

    @property
    def maker(self) -> outputs.Maker:
        """Whose the export is."""
        return replace(outputs.maker_of(self.plan.board), command="export")

    def paper(self) -> Exported:
        """A kind that is one text."""
        if self.options.to == "srt":
            from sora_cli.sound.subtitles import written

            said = words_said(self.plan)
            if not said:
                raise RequestError("nobody speaks in this film, so there are no subtitles")
            text = written(said, "srt")
        else:
            text = written_sheet(self._assembly(items_of(self.plan)))
        own = {self.path: lambda there: there.read_bytes() == text.encode()}
        outputs.check(own, outputs.sources_of(self.plan.board, None), overwrite=self.options.overwrite)
        atomic.save(self.path, text)
        return Exported(self.path, (), self.plan.frames)

    def export(self, studio: Studio) -> Exported:
        """A kind with media: clips, tables and stems, then the timeline."""
        self._check()
        preflight.require_ready(self.plan)
        with studio.store.used(studio.cancel.check), place(self.path, studio.cancel), self._folder() as folder:
            enlarger = Enlarger.of(self.plan)
            sounds = audio.prepare(self.plan, studio.store)
            clips = studio.shoot(self.plan, self.report)
            laid = foley.lay(self.plan, clips, sounds, studio.store)
            cut = enlarger.enlarged(laid.cut, studio.store, self.report, studio.cancel)
            record = ExportRecord(
                sora=__version__,
                made_by=self.maker.record(self.path.parent),
                draft=self.options.draft,
                from_draft=self.plan.board.from_draft,
                subtitles=self.plan.board.subtitles,
                only=self.options.only,
                fps=str(self.plan.fps),
                shots=(),
            )
            signer = self.options.signer or stamp.find_signer()
            kind = delivery(self.options.deliver)
            media = Media(
                self.plan, cut, clips, folder, kind, self.maker, signer, record, studio.screen, laid.loudness(self.plan)
            )
            made = self._filled(media, sounds)
            told = self.path if self.options.to == "otioz" else media.folder / handover.NAME
            noting.released(self.plan, studio.store, self.path, told, [each.key for each in laid.records])
            return made

    def _folder(self) -> AbstractContextManager[Path]:
        """Where the media go: beside the timeline, or for a bundle where they are gone afterwards."""
        return scratch() if self.options.to == "otioz" else nullcontext(self.path.parent)

    def _check(self) -> None:
        sources = outputs.sources_of(self.plan.board, self.options.signer)
        if self.options.to == "otioz":
            outputs.check({self.path: self._own_bundle}, sources, overwrite=self.options.overwrite)
        else:
            check_folder(self.path, self._names(), self.maker, sources, overwrite=self.options.overwrite)

    def _names(self) -> list[str]:
        """What will be written beside the timeline, as far as it is known before the shots are."""
        kind = delivery(self.options.deliver)
        return [clip_name(number, item, kind) for number, item in enumerate(items_of(self.plan))]

    def _own_bundle(self, path: Path) -> bool:
        from sora_cli.interchange.timelines import bundled

        record = ExportRecord.if_whole(bundled(path, handover.NAME))
        return record is not None and self.maker.made(record.made_by, path.parent)

    def _filled(self, media: Media, sounds: audio.FilmSounds) -> Exported:
        before = handover.read(media.folder)
        items = media.items()
        media.write_clips(items, graded=self.options.graded)
        if not self.options.graded:
            items = media.with_looks(items)
        assembly = self._assembly(items, media.write_stems(spoken=bool(sounds.speech)))
        self._timeline(assembly, media)
        media.sweep(before)
        if self.options.to == "otioz":
            return Exported(self.path, (), media.cut.frames, bundled=len(items))
        return Exported(self.path, tuple(media.folder / item.file for item in items), media.cut.frames)

    def _assembly(self, items: Sequence[Item], sounds: tuple[tuple[str, str], ...] = ()) -> Assembly:
        plan = self.plan
        return Assembly(
            title=plan.board.title or self.path.stem,
            fps=plan.fps,
            width=plan.width,
            height=plan.height,
            items=tuple(items),
            zero=self.zero,
            drop=self.drop,
            stems=sounds,
        )

    def _timeline(self, assembly: Assembly, media: Media) -> None:
        """Write the timeline, and tell what its format has not."""
        from sora_cli.interchange import timelines

        kind, folder = self.options.to, media.folder

        def uri(name: str) -> str:
            return name if kind in {"otio", "folder"} else (folder / name).resolve().as_uri()

        for words in timelines.lost(assembly, kind):
            self.report(Told(f"{kind}: {words}"))
        if kind == "otioz":
            timelines.write_bundle(timelines.timeline_of(assembly, uri), self.path, folder / handover.NAME)
            return
        if kind == "edl":
            text = written_edl(assembly)
        elif kind == "fcpxml":
            text = written_fcpxml(assembly, uri)
        elif kind == "fcp7":
            text = timelines.final_cut_7(timelines.timeline_of(assembly, uri), assembly)
        else:
            text = timelines.text_of(timelines.timeline_of(assembly, uri))
        atomic.save(self.path, text)
        if kind == "folder":
            atomic.save(folder / "shots.csv", written_sheet(assembly))
        media.note(self.path.name, *(["shots.csv"] if kind == "folder" else []))


def summary(made: Exported) -> str:
    """One line of what was written."""
    held = [counted(clips, "clip")] if (clips := len(made.clips) or made.bundled) else []
    return f"{made.path}: {', '.join([*held, counted(made.frames, 'frame')])}"
