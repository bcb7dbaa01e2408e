"""Train a LoRA on clips and pictures of one's own: `survey` is all that is known before the work, `train` does it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sora_cli import __version__, adapters, atomic, remembered
from sora_cli.bounded import read_json
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from sora_cli.engines.doctor import machine
from sora_cli.engines.options import FACTS, adapter_facts
from sora_cli.engines.training import (
    FEW,
    Course,
    CourseSettings,
    Example,
    LossCheck,
    open_course,
    refuse_untrained,
    usual,
)
from sora_cli.engines.training.needs import TrainingNeeds, needs
from sora_cli.errors import HINT_WRITE, MediaError, RequestError, counted
from sora_cli.events import Clock, Note, Report, Stage, StageStep
from sora_cli.flows import consented, outputs
from sora_cli.flows.consented import Agreed
from sora_cli.lock import Lock
from sora_cli.media.sheet import SheetRow, is_sheet_of, side_by_side
from sora_cli.record.film import MakerRecord
from sora_cli.store import file_hash
from sora_cli.storyboard.model import MENTION
from sora_cli.training.captions import Captions, Kind
from sora_cli.training.material import Grid, Material, Piece, files_of, gather

if TYPE_CHECKING:
    from sora_cli.cancel import Cancellation
    from sora_cli.media.stream import Frames

USUAL_FRAMES = 33
"""Frames that are learned at once where nobody says, or the nearest that the engine takes."""
LARGE = 512 * 320
"""Pixels: engines that make larger pictures are trained at half their width and height."""
HELD_SHARE, MOST_HELD = 0.1, 8
"""How much is held out."""
SAVED_EVERY = 300.0
"""Seconds of steps after which the state is kept."""
STILLS = 4
"""Frames of each stretch of a character that are learned by themselves too."""
MONTH = 30 * 24 * 3600.0
SAMPLES, SHEETS = 3, 4
"""Prompts on the contact sheet, and how often they are sampled after the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for. `others` are words whose meaning is kept; 0, None and "" leave it to the engine."""

    name: str
    folder: Path
    engine: str | None = None
    kind: Kind = "character"
    rank: int = 16
    steps: int = 0
    rate: float = 0.0
    size: tuple[int, int] | None = None
    frames: int = 0
    seed: int = 0
    caption: str = ""
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


@dataclass(frozen=True, slots=True)
class Survey:
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
        time_told = f"about {need.seconds / 60:.0f} min" if need.seconds >= 60 else "about a minute"
        return {
            "engine": f"{self.card.name} ({self.card.licence or 'no licence told'})",
            "used": f"{counted(len(pieces) - stills, 'clip')}, {counted(stills, 'picture')};"
            f" {len(self.material.left_out)} left out",
            "captions": f"{sources.count('text')} from texts, {sources.count('given')} given,"
            f" {sources.count('name')} from file names",
            "learned": f"{clips} of clips, {singles} of single frames; {self.held} held out to tell when to stop",
            "size": f"{self.grid.size[0]}x{self.grid.size[1]}, {self.grid.frames} frames at {float(self.grid.fps):g}",
            "LoRA": f"rank {self.settings.rank}, {need.weights:,} weights, {self.settings.steps} steps"
            f" of {self.settings.batch}",
            "memory": f"{need.memory_gb:.1f} GB" + ("" if need.fits else ", more than this machine has"),
            "disk": f"{need.disk_gb * 1000:.0f} MB",
            "time": f"{time_told}, for the steps alone" if need.seconds else "not known",
        }

    def as_dict(self) -> dict[str, JsonValue]:
        """Plain data, for `--json`."""
        need = self.needs
        return {
            "name": self.asked.name,
            "engine": self.card.name,
            "used": [
                {"file": piece.path.name, "caption": piece.words.caption, "caption_from": piece.words.source,
                 "stretches": len(piece.starts)} for piece in self.material.pieces
            ],
            "left_out": [{"file": each.path.name, "why": each.why} for each in self.material.left_out],
            "held_out": self.held,
            "size": list(self.grid.size),
            "frames": self.grid.frames,
            "rank": self.settings.rank,
            "steps": self.settings.steps,
            "needs": {"memory_gb": need.memory_gb, "disk_gb": need.disk_gb, "seconds": need.seconds,
                      "fits": need.fits, "weights": need.weights},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trained:
    """What was made: the folder, its file, and what its card tells."""

    folder: Path
    file: Path
    card: dict[str, JsonValue]


def survey(asked: Asked, report: Report) -> Survey:
    """Look at the material, and find out what the training needs; nothing is written.

    Raises:
        RequestError: what is asked for cannot be.
        EngineMissing: the engine or peft is not here.
        PolicyError: the policy refuses the material.
    """
    if not MENTION.fullmatch(f"@{asked.name}"):
        hint = "letters, digits, _ and -, beginning with a letter, so that @name can stand in a prompt"
        raise RequestError(f"a LoRA cannot be called {asked.name!r}", hint=hint)
    card = catalogue.card(asked.engine)
    _check_outputs(asked, card)
    refuse_untrained(card)
    grid = _grid(card, asked)
    captions = Captions(asked.name, asked.kind, asked.caption)
    paths = files_of(asked.folder)
    with Clock(report).stage("look", len(paths)):
        material = gather(paths, grid, captions, file_hash, _telling(report, "look"))
    for left in material.left_out:
        report(Note(f"left out {left.path.name}: {left.why}"))
    if not material.pieces:
        raise RequestError(f"nothing in {asked.folder} can be trained on", hint="the notes say why of each file")
    judged = consented.judge(asked.name, material.pieces, asked.policy, asked.agreed, report)
    examples = _examples(material.pieces, grid, captions, asked)
    settings = _settings(card, asked, grid)
    captions_told = len({words for each in examples for words in (each.caption, *each.others)})
    need = needs(card, settings, grid.frames, machine(), examples=len(examples), captions=captions_told)
    return Survey(asked, card, grid, material, settings, examples, need, judged)


def _check_outputs(asked: Asked, card: EngineCard) -> None:
    """Refuse to write over what is not this LoRA's, or into what it is made from."""
    out, maker = asked.target, _maker(asked)
    given = [asked.folder, *([card.location] if card.location else []), *(asked.agreed.files if asked.agreed else ())]
    if outputs.spelled(out) == outputs.spelled(asked.folder) or out.resolve().is_relative_to(asked.folder.resolve()):
        raise RequestError(f"{out} lies in the folder of your clips", hint="name another folder with -o")
    if out.exists() and not out.is_dir():
        raise RequestError(f"cannot write to {out}: it is a file", hint="name a folder with -o")
    files: dict[Path, outputs.Own] = {
        out / f"{asked.name}{adapters.SUFFIX}": partial(_own_weights, maker=maker),
        out / "card.json": outputs.own_note(maker),
        out / "sheet.png": lambda path: is_sheet_of(path, Path(asked.name)),
    }
    outputs.check(files, given, overwrite=asked.overwrite)


def _own_weights(path: Path, maker: outputs.Maker) -> bool:
    return maker.made(MakerRecord.if_whole(adapter_facts(path).get("made_by")), path.parent)


def _maker(asked: Asked) -> outputs.Maker:
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
    return replace(chosen, rank=asked.rank, seed=asked.seed, checks=min(chosen.checks, chosen.steps))


def _examples(pieces: Sequence[Piece], grid: Grid, captions: Captions, asked: Asked) -> tuple[Example, ...]:
    """The stretches and pictures; of enough pieces, some whole ones are held out."""
    count = min(MOST_HELD, round(len(pieces) * HELD_SHARE)) if len(pieces) >= FEW else 0
    ranked = sorted(pieces, key=lambda piece: hashlib.sha256(f"{asked.seed} {piece.sha256}".encode()).digest())
    held = {piece.path for piece in ranked[: max(count, len(pieces) >= FEW)]}
    return tuple(
        Example(
            name=piece.path.name,
            identity=f"{piece.sha256} {grid.fps} {start} {frames}",
            frames=frames,
            caption=piece.words.caption,
            read=partial(piece.read, start, grid, frames),
            others=captions.others(piece.words.caption, asked.others),
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


# -- the work ----------------------------------------------------------------------------------------------------------


def train(found: Survey, report: Report, cancel: Cancellation) -> Trained:
    """Train, and write the LoRA with its card and its contact sheet; what was stopped resumes.

    Raises:
        Interrupted, WorkError: it was stopped; its state is kept.
        RequestError: another process trains the same.
        SoraError: the engine failed, or the disk refuses.
    """
    asked, folder = found.asked, remembered.cache_folder() / "training"
    run = folder / f"run-{_identity(found)}"
    run.mkdir(parents=True, exist_ok=True)
    if not found.needs.fits:
        hint = "a lower --resolution, fewer --frames or a lower --rank need less"
        report(Note(f"about {found.needs.memory_gb:.1f} GB are needed, more than this machine has", hint=hint))
    _forget_old(folder)
    lock = Lock.take(run / "lock")
    if lock is None:
        raise RequestError(f"another process trains {asked.name} now", hint="wait for it, or give this one a name")
    with lock:
        course = open_course(found.card, found.settings, folder / "kept", report)
        try:
            return _Work(found, course, run, report, cancel).done()
        finally:
            course.close()


@dataclass
class _Work:
    found: Survey
    course: Course
    run: Path
    report: Report
    cancel: Cancellation
    saved: float = field(default_factory=time.monotonic)

    def done(self) -> Trained:
        """The whole of it."""
        found, state = self.found, self.run / "state.pt"
        clock = Clock(self.report)
        with clock.stage("prepare", len(found.examples)):
            self.course.prepare(found.examples, self._heard("prepare"))
        history: list[dict[str, JsonValue]] = self._history(self.course.resume(state))
        began = time.monotonic()
        with clock.stage("train", found.settings.steps):
            if not history:
                self._sample(0, "before")
            while not self.course.over:
                check = self.course.study(self._stepped)
                history.append({"step": check.step, "loss": check.loss, "held": check.held, "best": check.best})
                atomic.write(self.run / "history.json", json.dumps(history))
                self.course.save_state(state)
                self.report(Note(_told(check)))
                if len(history) % max(1, found.settings.checks // SHEETS) == 0 or self.course.over:
                    self._sample(check.step, _told(check))
                trained = self._write(history, time.monotonic() - began)
            trained = self._write(history, time.monotonic() - began)
        atomic.remove(self.run / "state.pt")
        return trained

    def _heard(self, stage: Stage) -> Callable[[int, int], None]:
        told = _telling(self.report, stage)

        def heard(done: int, of: int) -> None:
            self.cancel.check()
            told(done, of)

        return heard

    def _stepped(self, done: int, of: int) -> None:
        """Hear a step; keep the state now and then, and before it stops."""
        if self.cancel.asked or time.monotonic() - self.saved > SAVED_EVERY:
            self.course.save_state(self.run / "state.pt")
            self.saved = time.monotonic()
        self._heard("train")(done, of)

    def _history(self, step: int) -> list[dict[str, JsonValue]]:
        """What was measured before, up to a step."""
        if not step:
            return []
        self.report(Note(f"resuming after {counted(step, 'step')}"))
        with suppress(OSError, ValueError):
            found = read_json(self.run / "history.json")
            checks = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
            return [each for each in checks if isinstance(at := each.get("step"), int) and at <= step]
        return []

    def _sample(self, step: int, words: str) -> None:
        """Sample the prompts of the sheet, and draw it anew."""
        import numpy as np

        pictures = []
        for number, prompt in enumerate(prompts(self.found)):
            self.cancel.check()
            frames = self.course.sample(prompt, self.found.settings.seed + number, self.found.grid.frames)
            pictures.append(frames[len(frames) // 2])
        np.save(self.run / f"sheet-{step:07d}.npy", np.stack(pictures))
        (self.run / f"sheet-{step:07d}.txt").write_text(words, encoding="utf-8")
        asked = self.found.asked
        asked.target.mkdir(parents=True, exist_ok=True)
        side_by_side(Path(asked.name), list(self._rows(np.load)), asked.target / "sheet.png", f"{asked.name}, a LoRA")

    def _rows(self, load: Callable[[Path], Frames]) -> Iterator[SheetRow]:
        for path in sorted(self.run.glob("sheet-*.npy")):
            step = int(path.stem.partition("-")[2])
            words = path.with_suffix(".txt").read_text(encoding="utf-8")
            yield SheetRow(counted(step, "step"), words.partition(": ")[2], tuple(load(path)))

    def _write(self, history: Sequence[dict[str, JsonValue]], seconds: float) -> Trained:
        """Write the best LoRA so far and its card."""
        found, asked = self.found, self.found.asked
        file = asked.target / f"{asked.name}{adapters.SUFFIX}"
        best = next((each["step"] for each in reversed(history) if each["best"]), 0)
        facts = {**_facts(found), "step": best}
        try:
            asked.target.mkdir(parents=True, exist_ok=True)
            self.course.save(file, {FACTS: json.dumps(facts, sort_keys=True)})
            card = _card(found, facts, history, file_hash(file), seconds)
            atomic.write(asked.target / "card.json", json.dumps(card, indent=2, ensure_ascii=False))
        except OSError as error:
            raise MediaError(f"cannot write {asked.target}: {error}", hint=HINT_WRITE) from error
        return Trained(asked.target, file, card)


def prompts(found: Survey) -> list[str]:
    """The captions that are sampled: of different pieces, clips first, what is held out first."""
    ranked = sorted(found.examples, key=lambda each: (not each.held, each.frames == 1))
    return list(dict.fromkeys(each.caption for each in ranked))[:SAMPLES]


def _told(check: LossCheck) -> str:
    held = "" if check.held is None else f", held out {check.held:.4f}{'' if check.best else ' (not better)'}"
    return f"{counted(check.step, 'step')}: loss {check.loss:.4f}{held}"


def _facts(found: Survey) -> dict[str, JsonValue]:
    """What goes with the weights wherever they go: nothing of the material but hashes."""
    asked, card = found.asked, found.card
    return {
        "sora": __version__,
        "made_by": _maker(asked).record(asked.target).to_dict(),
        "name": asked.name,
        "kind": asked.kind,
        "base": {"engine": card.name if not card.location or card.name != str(card.location) else card.location.name,
                 "family": card.family, "revision": card.revision, "licence": card.licence},
        "data_sha256": _data(found),
        "licence": asked.licence,
        "consent": found.judged.consent,
        "rank": found.settings.rank,
    }  # fmt: skip


def _card(
    found: Survey, facts: dict[str, JsonValue], history: Sequence[dict[str, JsonValue]], sha256: str, seconds: float
) -> dict[str, JsonValue]:
    settings = found.settings
    return {
        **facts,
        "file": f"{found.asked.name}{adapters.SUFFIX}",
        "sha256": sha256,
        "size": list(settings.size),
        "frames": found.grid.frames,
        "steps": settings.steps,
        "batch": settings.batch,
        "rate": settings.rate,
        "seed": settings.seed,
        "kept_words": list(found.asked.others),
        "seconds": round(seconds, 1),
        "examples": [
            {"file": piece.path.name, "sha256": piece.sha256, "caption": piece.words.caption,
             "held_out": any(each.held and each.name == piece.path.name for each in found.examples)}
            for piece in found.material.pieces
        ],
        "left_out": [{"file": each.path.name, "why": each.why} for each in found.material.left_out],
        "policy": found.judged.told,
        "loss": list(history),
        "samples": {"sheet": "sheet.png", "prompts": [*prompts(found)], "seed": settings.seed},
    }  # fmt: skip


def _data(found: Survey) -> str:
    told = sorted((piece.sha256, piece.words.caption) for piece in found.material.pieces)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _identity(found: Survey) -> str:
    """What makes two trainings the same, so that one resumes the other."""
    examples = [(each.identity, each.caption, each.others, each.held) for each in found.examples]
    told = [found.asked.name, found.card.revision, str(found.settings), str(found.grid), examples, __version__]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:32]


def _forget_old(folder: Path) -> None:
    """Remove latents, embeddings and states that nobody asked for in a month."""
    before = time.time() - MONTH
    for path in [*folder.glob("kept/*.safetensors"), *folder.glob("run-*")]:
        with suppress(OSError):
            if path.stat().st_mtime < before:
                atomic.remove(path)


def _telling(report: Report, stage: Stage) -> Callable[[int, int], None]:
    def told(done: int, _of: int) -> None:
        report(StageStep(stage, done))

    return told
