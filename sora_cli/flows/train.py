"""Train a LoRA on clips and pictures of one's own, once `training_survey` has found out all that can be known."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from pydantic import JsonValue

from sora_cli import __version__, adapters, atomic, remembered
from sora_cli.bounded import read_json
from sora_cli.engines.options import FACTS
from sora_cli.engines.training import Course, LossCheck, open_course
from sora_cli.errors import RequestError, counted
from sora_cli.events import Clock, Note, Report, Stage
from sora_cli.flows.training_survey import Survey, maker_of, telling
from sora_cli.lock import Lock
from sora_cli.media.sheet import SheetRow, side_by_side
from sora_cli.store import file_hash
from sora_cli.training.material import name_in

if TYPE_CHECKING:
    from sora_cli.cancel import Cancellation
    from sora_cli.media.stream import Frames

MONTH = 30 * 24 * 3600.0
SAVED_EVERY = 300.0
"""Seconds of steps after which the state is kept."""
SAMPLES, SHEETS = 3, 4
"""Prompts on the contact sheet, and how often they are sampled after the beginning."""


class Trained(Struct, frozen=True):
    """What was made: the folder, its file, and what its card tells."""

    folder: Path
    file: Path
    card: dict[str, JsonValue]


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
    os.utime(run)  # asked for now, however long ago it was stopped
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


class _Work(Struct):
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
        told = telling(self.report, stage)

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
        with atomic.writing(asked.target):
            asked.target.mkdir(parents=True, exist_ok=True)
            self.course.save(file, {FACTS: json.dumps(facts, sort_keys=True)})
            card = _card(found, facts, history, file_hash(file), seconds)
            atomic.write(asked.target / "card.json", json.dumps(card, indent=2, ensure_ascii=False))
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
        "made_by": maker_of(asked).record(asked.target).to_dict(),
        "name": asked.name,
        "kind": asked.kind,
        "base": {
            "engine": card.name if not card.location or card.name != str(card.location) else card.location.name,
            "family": card.family,
            "revision": card.revision,
            "licence": card.licence,
        },
        "data_sha256": _data(found),
        "licence": asked.licence,
        "consent": found.judged.consent,
        "rank": found.settings.rank,
    }


def _card(
    found: Survey, facts: dict[str, JsonValue], history: Sequence[dict[str, JsonValue]], sha256: str, seconds: float
) -> dict[str, JsonValue]:
    settings, held = found.settings, {each.name for each in found.examples if each.held}
    return {
        **facts,
        "file": f"{found.asked.name}{adapters.SUFFIX}",
        "sha256": sha256,
        "size": list(settings.size),
        "frames": found.grid.frames,
        "steps": settings.steps,
        "batch": settings.batch,
        "rate": settings.rate,
        "shift": settings.shift,
        "crops": settings.crops,
        "quantize": settings.quantize or "none",
        "seed": settings.seed,
        "kept_words": list(found.asked.others),
        "seconds": round(seconds, 1),
        "examples": [
            {
                "file": name_in(piece.path, found.asked.folder),
                "sha256": piece.sha256,
                "caption": piece.words.caption,
                "held_out": name_in(piece.path, found.asked.folder) in held,
            }
            for piece in found.material.pieces
        ],
        "left_out": [
            {"file": name_in(each.path, found.asked.folder), "why": each.why} for each in found.material.left_out
        ],
        "policy": found.judged.told,
        "loss": list(history),
        "samples": {"sheet": "sheet.png", "prompts": [*prompts(found)], "seed": settings.seed},
    }


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
