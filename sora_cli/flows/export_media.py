"""The media of an export: its shots as stamped files, their colour matches as tables, its sound as stems."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import JsonValue

from sora_cli import atomic, stamp, texts
from sora_cli.bounded import is_inside
from sora_cli.colour import grade as colour
from sora_cli.colour.cdl import cdl_of
from sora_cli.errors import RequestError
from sora_cli.events import Silent
from sora_cli.flows import finishing, moderation, outputs, stems, watching
from sora_cli.interchange.assembly import Item, ShotNote
from sora_cli.interchange.handles import with_handles
from sora_cli.media.deliveries import Delivery
from sora_cli.media.stream import Master
from sora_cli.plan import Plan
from sora_cli.plan.timeline import Cut, CutShot
from sora_cli.record import handover
from sora_cli.record.handover import ExportRecord, ShotFileRecord
from sora_cli.shoot.screen import Screen
from sora_cli.sound.mix import BUSES
from sora_cli.stamp.making import making
from sora_cli.store import Clip, file_hash

if TYPE_CHECKING:
    from sora_cli.stamp.release import Releases

TOGETHER = 16
"""Clips that are encoded before the first of them is signed: to start ffmpeg for each would take as long as to sign it.
More would need more of the disk at a time."""
Clips = Mapping[str, Clip]
"""The clip that plays, by the name of its stretch."""


def items_of(plan: Plan) -> list[Item]:
    """The shots of a film as an edit suite sees them, before they are files."""
    words = {shot.name: shot for shot in plan.board.shots}
    found = []
    for shot in plan.shots:
        beats = words[shot.name].beats
        starts = [sum(beat.frames for beat in shot.beats[:number]) for number in range(len(beats))]
        found.append(
            Item(
                name=shot.name,
                scene=shot.scene,
                file="",
                start=shot.start,
                frames=shot.frames,
                total=shot.frames,
                kind=shot.transition.kind,
                direction=shot.transition.direction,
                overlap=shot.overlap,
                lead=shot.lead,
                notes=tuple(ShotNote(at, beat.prompt) for at, beat in zip(starts, beats, strict=True)),
                title=shot.title.text if shot.title else "",
                comments=tuple(f"{line.cast or 'narrator'}: {line.line}" for beat in beats for line in beat.dialogue),
            )
        )
    return found


def clip_name(number: int, item: Item, kind: Delivery) -> str:
    """The file of a shot, by its place (from 0), its scene and its name: `clips/002_harbour_lamp.mov`."""
    words = item.name if item.name.startswith(item.scene) else f"{item.scene}_{item.name}"
    name = texts.name(re.sub(r"[^\w-]+", "-", words).strip("-"), 80)
    return f"clips/{number + 1:03d}_{name}{kind.suffix}"


class Media(Struct, dict=True):
    """Writes the media of one export into a folder; `record` tells whose they are."""

    plan: Plan
    cut: Cut
    clips: Clips
    folder: Path
    kind: Delivery
    maker: outputs.Maker
    signer: stamp.Signer
    record: ExportRecord
    screen: Screen
    loudness: float | None
    """Of the film's sound, LUFS; None leaves it as it comes."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Of the files that are written, by their place in the folder."""

    def __post_init__(self) -> None:
        self._alone = [with_handles(shot, self.cut.fps) for shot in self.cut.shots]
        self._grader = colour.Grader(self.cut)

    def items(self) -> list[Item]:
        """The shots, each with its file, its handles, and its take as its reel."""
        items = [self._item(number, item) for number, item in enumerate(items_of(self.plan))]
        shots = tuple(
            ShotFileRecord(
                name=item.name,
                file=item.file,
                reel=item.reel,
                start=item.start,
                frames=item.frames,
                head=item.head,
                total=item.total,
            )
            for item in items
        )
        self.record = self.record.model_copy(update={"shots": shots})
        return items

    def _item(self, number: int, item: Item) -> Item:
        stretches = list(self.plan.shots[number].stretches)
        takes = [
            (at, take)
            for stretch in stretches
            for at, take in enumerate(stretch.candidates, 1)
            if take.key == self.clips[stretch.name].key
        ]
        shot, head = self._alone[number]
        comments = tuple(f"TAKE {take.name} SEED {take.seed}" for _, take in takes)
        return replace(
            item,
            file=clip_name(number, item, self.kind),
            head=head,
            total=shot.frames,
            reel=f"{number + 1:03d}T{takes[0][0] if takes else 1}"[:8],
            comments=comments + item.comments,
        )

    def write_clips(self, items: Sequence[Item], *, graded: bool) -> None:
        """Each shot as a stamped file without sound, which is on the stems."""
        from sora_cli.stamp.release import Releases

        self._make_room(items)
        for first in range(0, len(items), TOGETHER):
            part = items[first : first + TOGETHER]
            with Releases() as films:
                for number, item in enumerate(part, first):
                    self._write_clip(films, number, item, graded=graded)
                for item, _ in zip(part, films.put_in_place(), strict=True):
                    self.note(item.file)

    def _make_room(self, items: Sequence[Item]) -> None:
        """Make the folder of the clips, and remove what an export that was killed left of them there."""
        with atomic.writing(self.folder):
            (self.folder / "clips").mkdir(parents=True, exist_ok=True)
            for item in items:
                for left in atomic.leftovers(self.folder / item.file):
                    atomic.remove(left)

    def _write_clip(self, films: Releases, number: int, item: Item, *, graded: bool) -> None:
        from sora_cli.master.picture import pictures
        from sora_cli.stamp.release import ReleaseTarget

        original, cut = self.cut.shots[number], replace(self.cut, shots=(self._alone[number][0],))

        def grade(_shot: CutShot) -> AbstractContextManager[Sequence[tuple[colour.Steps, colour.Steps]]]:
            plain: colour.Steps = ()
            return self._grader.steps(original) if graded else nullcontext([(plain, plain)] * len(original.pieces))

        opener = self._grader.open if graded else self._grader.watching(original)
        master = Master(
            width=cut.width,
            height=cut.height,
            fps=cut.fps,
            frames=cut.frames,
            title=item.name,
            author=cut.author,
            pictures=partial(pictures, cut, self.kind.made_in, grade, opener),
        )
        out = self.folder / item.file
        alone = replace(self.plan.shots[number], start=0, frames=cut.frames, overlap=0)
        plan = replace(self.plan, shots=(alone,))
        seen = "its takes were looked at" if not graded and _as_taken(original) else ""
        unable = moderation.frames_unable(self.screen) or seen
        target = ReleaseTarget(out, plan.board.provenance, self.signer, self.kind, Silent())
        told = self._making(plan, cut, original, graded=graded, unable=unable)
        finishing.write(films, master, plan, target, told, unable=unable)

    def _making(self, plan: Plan, cut: Cut, original: CutShot, *, graded: bool, unable: str) -> stamp.Making:
        """How the clip of one shot was made; `unable` says why its frames are not looked at once more."""
        made = making(plan, self.clips, cut, None, sounds=(), speech=(), synthesized=())
        return replace(
            made,
            colour=made.colour if graded else "",
            generated_sound=False,
            titles=made.titles if original.blank else (),
            moderation={**self._held, "film": {**watching.counts(plan, unable)}},
        )

    @cached_property
    def _held(self) -> Mapping[str, JsonValue]:
        """What the policy says of the whole film, found once for all its clips."""
        return moderation.record(self.plan, self.screen)

    def with_looks(self, items: Sequence[Item]) -> list[Item]:
        """The items with their colour matches: as tables, which are written, and as a CDL where they are one."""
        folder = self.folder / "luts"
        names: list[str] = []
        known = []
        tables = colour.luts(self._grader, folder, outputs.table_mark(self.maker, folder))
        for item, (written, full) in zip(items, tables, strict=True):
            names += (f"luts/{path.name}" for path in written)
            known.append(item if full is None else replace(item, look=f"luts/{written[0].name}", cdl=cdl_of(full)))
        self.note(*names)
        return known

    def write_stems(self, *, spoken: bool) -> tuple[tuple[str, str], ...]:
        """The stems, by bus."""
        board = self.plan.board
        written = stems.of_cut(self.cut, self.loudness, board, self.folder / "stems", self.signer, spoken=spoken)
        self.note(*(f"stems/{path.name}" for path in written))
        return tuple((path.stem, f"stems/{path.name}") for path in written)

    def note(self, *names: str) -> None:
        """Write down whose the files are, each once it is whole, so that an export that was stopped can go on."""
        self.hashes |= {name: file_hash(self.folder / name) for name in names}
        with atomic.writing(self.folder):
            handover.write(self.folder, self.record, self.hashes)

    def sweep(self, before: ExportRecord | None) -> None:
        """Remove files of the export before this one that nobody has changed and none names any more."""
        for name, known in before.files.items() if before is not None else ():
            path = self.folder / name
            if name not in self.hashes and is_inside(path, self.folder) and path.is_file() and file_hash(path) == known:
                path.unlink()


def _as_taken(shot: CutShot) -> bool:
    """Whether all that an ungraded clip of a shot shows are frames of its takes, which were looked at already."""
    return bool(shot.pieces) and all(piece.step is None for piece in shot.pieces)


def check_folder(
    timeline: Path, clips: Sequence[str], maker: outputs.Maker, sources: Sequence[Path], *, overwrite: bool
) -> None:
    """Refuse to write an export over files that are not of an earlier one of the same film.

    Raises:
        RequestError: as `outputs.check` does.
    """
    folder = timeline.parent
    before = handover.read(folder)
    for place in (folder / name for name in ("clips", "luts", "stems")):
        if place.exists() and not place.is_dir():
            raise RequestError(f"cannot export to {folder}: {place} is a file", hint="move it away, or name a folder")

    def own(path: Path) -> bool:
        name = path.relative_to(folder).as_posix()
        mine = before is not None and maker.made(before.made_by, folder)
        return mine and before is not None and (name == handover.NAME or before.files.get(name) == file_hash(path))

    sounds = [f"stems/{name}.wav" for name in BUSES]
    tables = [
        path.relative_to(folder).as_posix()
        for number in range(1, len(clips) + 1)
        for path in (folder / "luts").glob(f"{number:03d}-*.cube")
    ]
    names = [timeline.name, "shots.csv", handover.NAME, *clips, *sounds, *tables]
    outputs.check({folder / name: own for name in names}, sources, overwrite=overwrite)
