"""What is known of a training before it begins: what is used of one's own clips, how, and what that needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace
from pydantic import JsonValue

from sora_cli import adapters
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from sora_cli.engines.doctor import machine
from sora_cli.engines.options import adapter_facts
from sora_cli.engines.training import (
    FEW,
    ROOM,
    CourseSettings,
    Example,
    Quantized,
    packages_for,
    refuse_untrained,
    require_packages,
    usual,
)
from sora_cli.engines.training.needs import TrainingNeeds, needs
from sora_cli.errors import RequestError, counted
from sora_cli.events import Clock, Note, Report, Stage, StageStep
from sora_cli.flows import captioned, consented, outputs
from sora_cli.flows.consented import Agreed
from sora_cli.flows.preview import time_told
from sora_cli.media.sheet import is_sheet_of
from sora_cli.packages import lacking
from sora_cli.store import file_hash
from sora_cli.storyboard.model import MENTION
from sora_cli.training import lists
from sora_cli.training.captions import Captions, Kind
from sora_cli.training.material import Grid, Material, Piece, files_of, gather, name_in, passed_over

USUAL_FRAMES = 33
"""Frames that are learned at once where nobody says, or the nearest that the engine takes."""
LARGE = 512 * 320
"""Pixels: engines that make larger pictures are trained at half their width and height."""
HELD_SHARE, MOST_HELD = 0.1, 8
"""How much is held out."""
UNSAID = ""
"""What guidance compares with; it is kept as it was beside the words that are named."""
SEEN = 0.7
"""Of a clip or picture: with less of it seen than that, it is told."""
STILLS = 8
"""Frames of each stretch of a character that are learned by themselves too."""


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked for. `others` are words whose meaning is kept; 0, None and "" leave it to the engine."""

    name: str
    folder: Path
    engine: str | None = None
    kind: Kind = "character"
    rank: int = 16
    steps: int = 0
    rate: float = 0.0
    shift: float = 0.0
    crops: int = 0
    size: tuple[int, int] | None = None
    quantize: Quantized | None = None
    frames: int = 0
    seed: int = 0
    caption: str = ""
    captioner: str = ""
    others: tuple[str, ...] = ()
    licence: str = ""
    policy: str = ""
    agreed: Agreed | None = None
    out: Path | None = None
    overwrite: bool = False

    @property
    def target(self) -> Path:
        """The folder that is written."""
        return self.out or Path(self.name)


class Survey(Struct, frozen=True):
    """All that is known of a training before it begins."""

    asked: Asked
    card: EngineCard
    grid: Grid
    material: Material
    settings: CourseSettings
    examples: tuple[Example, ...]
    needs: TrainingNeeds
    judged: consented.Judged

    @property
    def held(self) -> int:
        """How many stretches and pictures are held out."""
        return sum(example.held for example in self.examples)

    def facts(self) -> dict[str, str]:
        """For a person."""
        pieces, need = self.material.pieces, self.needs
        stills = sum(piece.still for piece in pieces)
        sources = [piece.words.source for piece in pieces]
        singles = sum(each.frames == 1 and not each.held for each in self.examples)
        clips = len(self.examples) - self.held - singles
        minutes = f"about {time_told(need.seconds)}" if need.seconds >= 60 else "about a minute"
        return {
            "engine": f"{self.card.name} ({self.card.licence or 'no licence told'})",
            "used": f"{counted(len(pieces) - stills, 'clip')}, {counted(stills, 'picture')};"
            f" {len(self.material.left_out)} left out",
            "captions": f"{sources.count('text')} from texts, {sources.count('given')} given,"
            f" {sources.count('captioner')} by the captioner, {sources.count('name')} from file names",
            "learned": f"{clips} of clips, {singles} of single frames, in {counted(self.settings.crops, 'crop')} each;"
            f" {self.held} held out to tell when to stop",
            "size": f"{self.grid.size[0]}x{self.grid.size[1]}, {self.grid.frames} frames at {float(self.grid.fps):g}",
            "LoRA": f"rank {self.settings.rank}, {need.weights:,} weights, {self.settings.steps} steps"
            f" of {self.settings.batch}",
            "memory": f"{need.memory_gb:.1f} GB" + ("" if need.fits else ", more than this machine has"),
            "disk": f"{need.disk_gb * 1000:.0f} MB",
            "time": f"{minutes}, for the steps alone" if need.seconds else "not known",
        }

    def as_dict(self) -> dict[str, JsonValue]:
        """Plain data, for `--json`."""
        need = self.needs
        return {
            "name": self.asked.name,
            "engine": self.card.name,
            "used": [
                {
                    "file": name_in(piece.path, self.asked.folder),
                    "caption": piece.words.caption,
                    "caption_from": piece.words.source,
                    "stretches": len(piece.starts),
                }
                for piece in self.material.pieces
            ],
            "left_out": [
                {"file": name_in(each.path, self.asked.folder), "why": each.why} for each in self.material.left_out
            ],
            "held_out": self.held,
            "size": list(self.grid.size),
            "frames": self.grid.frames,
            "rank": self.settings.rank,
            "steps": self.settings.steps,
            "crops": self.settings.crops,
            "needs": {
                "memory_gb": need.memory_gb,
                "disk_gb": need.disk_gb,
                "seconds": need.seconds,
                "fits": need.fits,
                "weights": need.weights,
            },
        }


def unready(asked: Asked, report: Report) -> bool:
    """Tell of packages that the training needs and that are not installed, and say whether there are any."""
    told = [lack for package in packages_for(asked.quantize) if (lack := lacking("training", package))]
    for message, hint in told:
        report(Note(message, hint=hint))
    return bool(told)


def survey(asked: Asked, report: Report, *, dry_run: bool = False) -> Survey:
    """Look at the material, and find out what the training needs; nothing is written.

    A `dry_run` looks without the packages that train.

    Raises:
        RequestError: what is asked for cannot be.
        EngineMissing: the engine or peft is not here.
        PolicyError: the policy refuses the material.
    """
    if not MENTION.fullmatch(f"@{asked.name}"):
        hint = "letters, digits, _ and -, beginning with a letter, so that @name can stand in a prompt"
        raise RequestError(f"a LoRA cannot be called {asked.name!r}", hint=hint)
    if asked.caption and asked.captioner:
        hint = "leave one of them out; a .txt beside a clip comes before both"
        raise RequestError("--caption and --captioner both describe the same files", hint=hint)
    card = catalogue.card(asked.engine)
    _check_outputs(asked, card)
    refuse_untrained(card)
    if not dry_run:
        require_packages(asked.quantize)
    grid = _grid(card, asked)
    seen = captioned.by(asked.captioner, report) if asked.captioner else None
    paths = files_of(asked.folder)
    listed = lists.read(asked.folder, paths)
    captions = Captions(asked.name, asked.kind, asked.caption, seen, listed.captions)
    with Clock(report).stage("look", len(paths)):
        material = gather(paths, grid, captions, file_hash, telling(report, "look"))
        for left in material.left_out:
            report(Note(f"left out {name_in(left.path, asked.folder)}: {left.why}"))
        if not material.pieces:
            raise RequestError(f"nothing in {asked.folder} can be trained on", hint="the notes say why of each file")
        _tell_unsaid(material.pieces, report)
        for remark, hint in (*_of_lists(asked.folder, listed), *passed_over(asked.folder, paths, listed.lists)):
            report(Note(remark, hint=hint))
        _tell_cropped(material.pieces, card, grid, report)
        judged = consented.judge(asked.name, material.pieces, asked.policy, asked.agreed, report)
    settings = _settings(card, asked, grid)
    examples = _examples(material.pieces, grid, captions, asked, settings.crops)
    captions_told = len({words for each in examples for words in (each.caption, *each.others)})
    crops = sum(1 if each.held else settings.crops for each in examples)
    need = needs(card, settings, grid.frames, machine(), examples=crops, captions=captions_told)
    return Survey(asked, card, grid, material, settings, examples, need, judged)


def _tell_unsaid(pieces: Sequence[Piece], report: Report) -> None:
    unsaid = [piece.path.name for piece in pieces if piece.words.source == "name"]
    if unsaid:
        hint = "write what else is seen into a .txt of the same name, or name a --captioner"
        report(Note(f"{counted(len(unsaid), 'file')} without a caption, as {unsaid[0]}: its name is taken", hint=hint))


def _of_lists(folder: Path, listed: lists.Listed) -> Iterator[tuple[str, str]]:
    """What is told of lists of captions that were read."""
    for path, (lost, one) in listed.lists.items():
        if lost:
            name = name_in(path, folder)
            yield f"{counted(lost, 'entry')} of {name} for files that are not here, such as {one}", "see their names"


def _tell_cropped(pieces: Sequence[Piece], card: EngineCard, grid: Grid, report: Report) -> None:
    """Tell of clips and pictures of another shape: what their middle does not hold is never learned."""
    shares = {piece: _share_seen(piece.size, grid.size) for piece in pieces}
    cropped = [piece for piece, share in shares.items() if share < SEEN]
    if cropped:
        least = min(cropped, key=lambda piece: shares[piece])
        turned = card.size_for((grid.size[1], grid.size[0]), {})
        most = 2 * len(cropped) > len(pieces) and least.size[0] < least.size[1] and grid.size[0] > grid.size[1]
        hint = f"--resolution {turned[0]}x{turned[1]}" if most else "crop them yourself, or name another --resolution"
        told = f"{counted(len(cropped), 'file')} of another shape than {grid.size[0]}x{grid.size[1]}: only their middle"
        report(Note(f"{told} is learned, of {least.path.name} {shares[least]:.0%}", hint=hint))


def _share_seen(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    """How much of a picture is left where it is made to cover a size, and cropped about its centre."""
    shape, other = size[0] / size[1], wanted[0] / wanted[1]
    return min(shape, other) / max(shape, other)


def _check_outputs(asked: Asked, card: EngineCard) -> None:
    """Refuse to write over what is not this LoRA's, or into what it is made from."""
    out, maker = asked.target, maker_of(asked)
    given = [asked.folder, *([card.location] if card.location else []), *(asked.agreed.files if asked.agreed else ())]
    if outputs.spelled(out) == outputs.spelled(asked.folder) or out.resolve().is_relative_to(asked.folder.resolve()):
        raise RequestError(f"{out} lies in the folder of your clips", hint="name another folder with -o")
    if out.exists() and not out.is_dir():
        raise RequestError(f"cannot write to {out}: it is a file", hint="name a folder with -o")
    files: dict[Path, outputs.Own] = {
        out / f"{asked.name}{adapters.SUFFIX}": lambda path: maker.made(
            adapter_facts(path).get("made_by"), path.parent
        ),
        out / "card.json": outputs.own_note(maker),
        out / "sheet.png": lambda path: is_sheet_of(path, Path(asked.name)),
    }
    outputs.check(files, given, overwrite=asked.overwrite)


def maker_of(asked: Asked) -> outputs.Maker:
    """Whose a LoRA is: its folder of clips and its name."""
    return outputs.Maker(command="train", paths=(asked.folder,), words=asked.name)


def _grid(card: EngineCard, asked: Asked) -> Grid:
    """The size and length of what is learned."""
    wanted = asked.size or card.native_size
    if asked.size is None and wanted[0] * wanted[1] > LARGE:
        wanted = (wanted[0] // 2, wanted[1] // 2)
    size = card.size_for(wanted, {})
    if asked.size is not None and size != asked.size:
        hint = f"it makes {size[0]}x{size[1]} of that: --resolution {size[0]}x{size[1]}"
        raise RequestError(f"engine {card.name} cannot be trained at {asked.size[0]}x{asked.size[1]}", hint=hint)
    most = asked.frames or max(USUAL_FRAMES, card.min_frames)
    frames = card.frames_for(min(most, card.longest))
    if frames > min(most, card.longest):
        frames -= card.frame_step
    if asked.frames and frames != asked.frames:
        hint = f"it takes {frames} near that: --frames {frames}"
        raise RequestError(f"engine {card.name} cannot be trained on {asked.frames} frames at once", hint=hint)
    return Grid(size, card.fps, frames)


def _settings(card: EngineCard, asked: Asked, grid: Grid) -> CourseSettings:
    """How it is trained: what is asked for, else what suits the engine's size."""
    chosen = usual(card, grid.size)
    chosen = replace(chosen, steps=asked.steps or chosen.steps, rate=asked.rate or chosen.rate)
    chosen = replace(chosen, shift=asked.shift or chosen.shift, crops=asked.crops or chosen.crops)
    checks = min(chosen.checks, chosen.steps)
    return replace(chosen, rank=asked.rank, seed=asked.seed, checks=checks, quantize=asked.quantize)


def _examples(pieces: Sequence[Piece], grid: Grid, captions: Captions, asked: Asked, crops: int) -> tuple[Example, ...]:
    """The stretches and pictures; of enough pieces, some whole ones are held out."""
    count = min(MOST_HELD, round(len(pieces) * HELD_SHARE)) if len(pieces) >= FEW else 0
    ranked = sorted(pieces, key=lambda piece: hashlib.sha256(f"{asked.seed} {piece.sha256}".encode()).digest())
    held = {piece.path for piece in ranked[: max(count, len(pieces) >= FEW)]}
    return tuple(
        Example(
            name=name_in(piece.path, asked.folder),
            identity=f"{piece.sha256} {grid.fps} {start} {frames}",
            frames=frames,
            caption=piece.words.caption,
            read=partial(piece.read, start, grid, frames, ROOM if crops > 1 and piece.path not in held else 1.0),
            others=(*captions.others(piece.words.caption, asked.others), UNSAID) if asked.others else (),
            held=piece.path in held,
        )
        for piece in pieces
        for start, frames in _stretches(piece, asked.kind, held=piece.path in held)
    )


def _stretches(piece: Piece, kind: Kind, *, held: bool) -> Iterator[tuple[int, int]]:
    """First frame and length of what is learned of a piece.

    What a character looks like is also learned from single frames of its clips: they cost a fraction of a clip.
    """
    for start in piece.starts:
        yield start, piece.frames
        if kind == "character" and not piece.still and not held:
            yield from ((start + piece.frames * part // STILLS, 1) for part in range(STILLS))


def telling(report: Report, stage: Stage) -> Callable[[int, int], None]:
    """What tells how far a stage is."""

    def told(done: int, _of: int) -> None:
        report(StageStep(stage, done))

    return told
