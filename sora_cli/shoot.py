"""Plan -> clips: skip what the store holds, submit each take when what it waits for is done.

Failure is local: a take that cannot be made takes down only what hangs on it; the rest is shot, and told at the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sora_cli.engines.base import Carry, Engine, EngineCard, Footage, Given, Take
from sora_cli.errors import MachineError, RenderError, SoraError, StoreError
from sora_cli.executors.base import Executor
from sora_cli.media.clip import write_clip
from sora_cli.media.picture import read_picture
from sora_cli.media.probe import probe
from sora_cli.media.reel import read_frames
from sora_cli.media.stream import Frames
from sora_cli.plan import Plan
from sora_cli.report import EngineLoading, Report, Step, TakeFailed, TakeKept, TakeSkipped, TakeStarted
from sora_cli.store import Clip, ClipFacts, Store
from sora_cli.takes import key_fields


@dataclass(frozen=True, slots=True)
class Job:
    """A take, and the clips that it carries on from and ends on, where it has such."""

    take: Take
    opening: Clip | None = None
    closing: Clip | None = None


class Stopped(Exception):  # noqa: N818  no error: the way out of a sampling loop when the film is called off
    """The take was called off between two steps."""


class Camera:
    """One engine held open on one device: makes the clip of a job, and keeps it.

    An engine stays open for all takes that want it, and is closed before another one is opened.
    """

    def __init__(
        self, cards: Mapping[str, EngineCard], open_engine: Callable[[EngineCard], Engine],
        store: Store, report: Report,
    ) -> None:  # fmt: skip
        self._cards = cards
        self._open = open_engine
        self._store = store
        self._report = report
        self._engine: Engine | None = None
        self._stop = threading.Event()

    def __call__(self, job: Job) -> Clip:
        """Make the clip of the job's take.

        Raises:
            SoraError: the take cannot be made or kept.
            Stopped: it was called off.
        """
        take = job.take
        if self._stop.is_set():
            raise Stopped
        engine = self._engine_for(take)
        self._report(TakeStarted(take.name, take.key))
        started = time.monotonic()
        given = self._given(job)
        footage = engine.generate(take, given, partial(self._progress, take))
        if footage.frames.shape != (take.frames, take.height, take.width, 3):
            raise RenderError(f"{take.engine} made {footage.frames.shape}, not {take.frames} frames of the take's size")
        return self._keep(take, footage, given, time.monotonic() - started)

    def stop(self) -> None:
        """Call off the take that is being made, at its next step."""
        self._stop.set()

    def close(self) -> None:
        """Close the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _engine_for(self, take: Take) -> Engine:
        if self._engine is None or self._engine.card.name != take.engine:
            self.close()
            self._report(EngineLoading(take.engine))
            self._engine = self._open(self._cards[take.engine])
        return self._engine

    def _progress(self, take: Take, step: int, of: int) -> None:
        if self._stop.is_set():
            raise Stopped
        self._report(Step(take.name, take.key, step, of))

    def _given(self, job: Job) -> Given:
        take, size = job.take, (job.take.width, job.take.height)
        opening, closing = job.opening, job.closing
        tail = None
        if opening is not None and take.opening is not None and take.opening.at == opening.frames - 1:
            tail = opening.tail
        return Given(
            opening=self._known(take.opening, opening, size, take.fps),
            closing=self._known(take.closing, closing, size, take.fps),
            references=tuple(read_picture(reference.path) for reference in take.references),
            tail=tail,
        )

    def _known(self, carry: Carry | None, clip: Clip | None, size: tuple[int, int], fps: Fraction) -> Frames | None:
        """The frames that a carry names, at the take's size and rate."""
        if carry is None:
            return None
        if clip is not None:
            return read_frames(clip.path, carry.at - carry.count + 1, carry.count, size)
        path = carry.path or Path()
        return read_frames(path, 0, 1, size) if carry.at == 0 else _end(path, carry.count, fps, size)

    def _keep(self, take: Take, footage: Footage, given: Given, seconds: float) -> Clip:
        facts = ClipFacts(
            frames=take.frames, width=take.width, height=take.height, fps=footage.fps,
            sound=footage.sound is not None, seconds=seconds, fields=key_fields(take),
            score=score(footage.frames, take.skip, given.opening),
        )  # fmt: skip
        return self._store.keep(
            take.key, facts,
            lambda path: write_clip(path, footage.frames, footage.fps, footage.sound),
            partial(_write_tail, footage.tail) if footage.tail else None,
        )  # fmt: skip


def _write_tail(tail: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **tail)


def _end(path: Path, count: int, fps: Fraction, size: tuple[int, int]) -> Frames:
    """The last `count` frames of a film, at `fps`; the first one again where the film is shorter."""
    facts = probe(path)
    apart = (facts.fps or fps) / fps
    indices = [max(0, facts.frames - 1 - round(apart * back)) for back in reversed(range(count))]
    frames = read_frames(path, indices[0], indices[-1] - indices[0] + 1, size)
    return frames[[index - indices[0] for index in indices]]


def score(frames: Frames, skip: int, opening: Frames | None) -> float:
    """How good a take is beside others of its beat: higher is better.

    Continuity: the jump at the seam, against the usual change from frame to frame. Quality: fine detail, and no
    frozen picture. All from pixels, in natural logarithms, so that the terms are of one size.
    """
    luma = frames[skip:].astype(np.float32).mean(axis=-1)
    change = np.abs(np.diff(luma, axis=0)).mean(axis=(1, 2))
    usual = float(np.median(change)) if len(change) else 0.0
    detail = float(np.abs(np.diff(luma, axis=2)).mean())
    result = 0.5 * np.log(detail + 0.1) - (1.0 if usual < 0.05 else 0.0)
    if opening is not None:
        jump = float(np.abs(luma[0] - opening[-1].astype(np.float32).mean(axis=-1)).mean())
        result -= max(0.0, float(np.log((jump + 0.1) / (usual + 0.1))))
    return float(result)


def best(clips: Mapping[str, Clip], keys: tuple[str, ...]) -> Clip:
    """The clip that plays, of a beat's takes."""
    return max((clips[key] for key in keys), key=lambda clip: clip.score)


def shoot(plan: Plan, executor: Executor[Job, Clip], store: Store, report: Report) -> dict[str, Clip]:
    """Every take's clip, by key: from the store where it is there, made where it is not.

    Raises:
        RenderError: some takes failed; all others are in the store.
        StoreError: the store cannot be used.
    """
    return _Shooting(plan, executor, store, report).run()


class _Shooting:
    """One run through a plan's takes."""

    def __init__(self, plan: Plan, executor: Executor[Job, Clip], store: Store, report: Report) -> None:
        self._takes = {take.key: take for take in plan.takes}
        self._executor = executor
        self._store = store
        self._report = report
        self._clips: dict[str, Clip] = {}
        self._failed: dict[str, str] = {}
        self._errors: list[SoraError] = []

    def run(self) -> dict[str, Clip]:
        """Walk the takes as they become ready."""
        order = TopologicalSorter({key: take.needs for key, take in self._takes.items()})
        order.prepare()
        running: dict[Future[Clip], Take] = {}
        while order.is_active():
            for key in order.get_ready():
                future = self._start(self._takes[key])
                if future is None:
                    order.done(key)
                else:
                    running[future] = self._takes[key]
            if not running:
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                take = running.pop(future)
                self._finish(take, future)
                order.done(take.key)
        self._tell_failures()
        return self._clips

    def _start(self, take: Take) -> Future[Clip] | None:
        """Submit the take, unless it is in the store or cannot be."""
        because = next((self._failed[key] for key in take.needs if key in self._failed), None)
        if because is not None:
            self._failed[take.key] = because
            self._report(TakeSkipped(take.name, take.key, because))
            return None
        clip = self._store.find(take.key)
        if clip is not None:
            self._clips[take.key] = clip
            self._report(TakeKept(take.name, take.key, str(clip.path), clip.seconds, reused=True))
            return None
        return self._executor.submit(Job(take, self._source(take.opening), self._source(take.closing)))

    def _source(self, carry: Carry | None) -> Clip | None:
        return best(self._clips, carry.takes) if carry is not None and carry.takes else None

    def _finish(self, take: Take, future: Future[Clip]) -> None:
        try:
            clip = future.result()
        except StoreError:
            raise  # every other take would meet the same disk
        except SoraError as error:
            self._failed[take.key] = take.name
            self._errors.append(error)
            self._report(TakeFailed(take.name, take.key, error.message, error.hint))
        else:
            self._clips[take.key] = clip
            self._report(TakeKept(take.name, take.key, str(clip.path), clip.seconds))

    def _tell_failures(self) -> None:
        if not self._errors:
            return
        first = self._errors[0]
        if len(self._failed) == 1 or all(isinstance(error, MachineError) for error in self._errors):
            raise first
        names = ", ".join(self._takes[key].name for key in self._failed)
        message = f"{len(self._failed)} takes could not be made: {names}; first: {first.message}"
        raise RenderError(message, hint=first.hint or "the others are kept: run the same command again")
