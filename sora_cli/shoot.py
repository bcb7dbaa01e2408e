"""Plan -> clips: skip what the store holds, submit each take when what it waits for is done.

Failure is local: a take that cannot be made takes down only what hangs on it; the rest is shot, and told at the end.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sora_cli.claim import PATIENCE
from sora_cli.engines.ahead import read_ahead
from sora_cli.engines.base import Carry, Engine, EngineCard, Footage, Given, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import DeviceLost, MachineError, RenderError, SoraError, StoreError
from sora_cli.executors.base import Executor
from sora_cli.halt import Halt
from sora_cli.media.clip import write_clip
from sora_cli.media.picture import read_picture
from sora_cli.media.probe import probe
from sora_cli.media.reel import read_frames, read_small
from sora_cli.media.sound import read_sound
from sora_cli.media.stream import Frames, Sound
from sora_cli.report import (
    EngineLoading,
    Report,
    Step,
    TakeElsewhere,
    TakeFailed,
    TakeKept,
    TakeRetried,
    TakeSkipped,
    TakeStarted,
)
from sora_cli.store import Clip, ClipFacts, Store
from sora_cli.storyboard.cast import kind_of
from sora_cli.takes import key_fields, latents_go_on
from sora_cli.versions import versions

TRIES = 2
"""How often a take is tried whose device or worker goes away."""


@dataclass(frozen=True, slots=True)
class Job:
    """A take, who hears of it, and the clips that it carries on from and ends on, where it has such."""

    take: Take
    card: EngineCard
    report: Report
    opening: Clip | None = None
    closing: Clip | None = None
    memory: Memory = field(default_factory=Memory)
    """How the engine is fitted to the device."""
    anchor: Path | None = None
    """What the colours of the opening frames are held to, a clip or a picture; None where they stay."""
    latents: bool = False
    """Whether the latents of the opening frames are handed on with them."""


class Stopped(Exception):  # noqa: N818  no error: the way out of a sampling loop when the film is called off
    """The take was called off between two steps."""


class Elsewhere(Exception):  # noqa: N818  no error: another process is making the take
    """Somebody else holds the claim of the take."""


class Camera:
    """One engine held open on one device: makes the clip of a job, and keeps it.

    An engine stays open for all takes that want it, of however many films, and is closed before another is opened.
    """

    def __init__(self, open_engine: Callable[[EngineCard, Report, Memory], Engine], store: Store, halt: Halt) -> None:
        self._open = open_engine
        self._store = store
        self._halt = halt
        self._engine: Engine | None = None
        self._memory = Memory()
        self._stop = threading.Event()
        self._writing = threading.Lock()

    def __call__(self, job: Job) -> Clip:
        """Make the clip of the job's take, or find that somebody else has made it meanwhile.

        Raises:
            SoraError: the take cannot be made or kept.
            Stopped: it was called off.
            Elsewhere: another process is making it.
        """
        self._check_stop()
        claim = self._store.claim(job.take.key)
        if claim is None:
            raise Elsewhere
        with claim:
            clip = self._store.find(job.take.key)
            if clip is None:
                clip = self._make(job)
            else:
                job.report(TakeKept(job.take.name, clip.key, str(clip.path), clip.seconds, reused=True))
            return clip

    def stop(self) -> None:
        """Call off the take that is being made, at its next step; returns when no clip is half-written."""
        self._stop.set()
        with self._writing:
            pass

    def close(self) -> None:
        """Close the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _make(self, job: Job) -> Clip:
        take = job.take
        self._store.make_room(take.name, raw_bytes(take))
        engine = self._engine_for(job)
        self._check_stop()
        job.report(TakeStarted(take.name, take.key))
        started = time.monotonic()
        given = _given(job)
        try:
            footage = engine.generate(take, given, partial(self._progress, job))
        except DeviceLost:
            self._engine = None  # there is nothing left to close; another try loads it anew
            raise
        except (SoraError, Stopped):
            raise
        except Exception as error:
            # An engine from elsewhere may raise anything, and one take's mishap does not cost the night.
            raise RenderError(f"{take.name}: {take.engine} failed: {type(error).__name__}: {error}") from error
        if footage.frames.shape != (take.frames, take.height, take.width, 3):
            raise RenderError(f"{take.engine} made {footage.frames.shape}, not {take.frames} frames of the take's size")
        with self._writing:
            self._check_stop()
            clip = self._keep(take, footage, given, time.monotonic() - started)
        job.report(TakeKept(take.name, take.key, str(clip.path), clip.seconds))
        return clip

    def _engine_for(self, job: Job) -> Engine:
        if self._engine is None or (self._engine.card.name, self._memory) != (job.card.name, job.memory):
            self.close()
            job.report(EngineLoading(job.card.name))
            self._engine, self._memory = self._open(job.card, job.report, job.memory), job.memory
        return self._engine

    def _check_stop(self) -> None:
        if self._stop.is_set() or self._halt.asked:
            raise Stopped

    def _progress(self, job: Job, step: int, of: int) -> None:
        self._check_stop()
        job.report(Step(job.take.name, job.take.key, step, of))

    def _keep(self, take: Take, footage: Footage, given: Given, seconds: float) -> Clip:
        facts = ClipFacts(
            frames=take.frames, width=take.width, height=take.height, fps=footage.fps,
            sound=footage.sound is not None, seconds=seconds, fields=key_fields(take),
            score=score(footage.frames, take.skip, given.opening),
            pixels=hashlib.sha256(np.ascontiguousarray(footage.frames).data).hexdigest(),
            made_on={"device": str(getattr(self._engine, "device_name", "")), **versions()},
        )  # fmt: skip
        return self._store.keep(
            take.key, facts,
            lambda path: write_clip(path, footage.frames, footage.fps, footage.sound),
            partial(_write_tail, footage.tail) if footage.tail else None,
        )  # fmt: skip


def raw_bytes(take: Take) -> int:
    """The most that the clip of a take may need on disk: its frames as they are."""
    return take.frames * take.width * take.height * 3


def _given(job: Job) -> Given:
    """The pixels that the job's take is held to."""
    take, size = job.take, (job.take.width, job.take.height)
    opening, closing = job.opening, job.closing
    known = _known(take.opening, opening, size, take.fps)
    if known is not None and opening is not None and job.anchor is not None and take.opening and take.opening.hold:
        from sora_cli.master.colour import graded, held

        known = graded(known, held(opening.path, job.anchor, take.opening.hold.strength))
    return Given(
        opening=known,
        closing=_known(take.closing, closing, size, take.fps),
        references=tuple(_anchor(reference.path, take, job.card) for reference in take.references),
        tail=opening.tail if opening is not None and job.latents else None,
    )


def _anchor(path: Path, take: Take, card: EngineCard) -> Frames | Footage | Sound:
    """A reference as engines are given it: of a film or a sound no more than the take is long."""
    kind, length = kind_of(path), Fraction(take.frames) / take.fps
    if kind == "picture":
        return read_picture(path)
    if kind == "sound":
        return Sound(read_sound(path, card.sound_rate, length), card.sound_rate)
    facts = probe(path)
    sound = Sound(read_sound(path, card.sound_rate, length), card.sound_rate) if facts.channels else None
    fps = facts.fps or take.fps
    frames = read_small(path, min(facts.frames, math.ceil(length * fps)), card.max_pixels)
    return Footage(frames, fps, sound)


def _known(carry: Carry | None, clip: Clip | None, size: tuple[int, int], fps: Fraction) -> Frames | None:
    """The frames that a carry names, at the take's size and rate."""
    if carry is None:
        return None
    if clip is not None:
        return read_frames(clip.path, carry.at - carry.count + 1, carry.count, size)
    path = carry.path or Path()
    return read_frames(path, 0, 1, size) if carry.at == 0 else _end(path, carry.count, fps, size)


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


class Work(Protocol):
    """What is to be shot; a plan is such."""

    @property
    def takes(self) -> Sequence[Take]:
        """Every take, each after those it needs."""
        ...

    @property
    def cards(self) -> Mapping[str, EngineCard]:
        """The engines' cards, by the name that takes carry."""
        ...

    @property
    def memory(self) -> Memory:
        """How the engines are fitted to the device."""
        ...


def shoot(
    plan: Work, executor: Executor[Job, Clip], store: Store, report: Report, halt: Halt | None = None
) -> dict[str, Clip]:
    """Every take's clip, by key: from the store where it is there, made where it is not.

    A take that another process is making is waited for, while others are made; or made here, when the other one dies.

    Raises:
        RenderError: some takes failed; all others are in the store.
        StoreError: the store cannot be used.
        Interrupted, WorkError: `halt` asked to stop; what was made is in the store.
    """
    return _Shooting(plan, executor, store, report, halt or Halt()).run()


class _Shooting:
    """One run through a plan's takes."""

    def __init__(
        self, plan: Work, executor: Executor[Job, Clip], store: Store, report: Report, halt: Halt
    ) -> None:  # fmt: skip
        self._takes = {take.key: take for take in plan.takes}
        self._cards = plan.cards
        self._memory = plan.memory
        self._executor = executor
        self._store = store
        self._report = report
        self._halt = halt
        self._clips: dict[str, Clip] = {}
        self._failed: dict[str, str] = {}
        self._errors: list[SoraError] = []
        self._running: dict[Future[Clip], Take] = {}
        self._elsewhere: dict[str, Take] = {}
        self._told: set[str] = set()
        self._tries: Counter[str] = Counter()
        self._engine = ""
        self._begun: set[str] = set()
        self._enough = threading.Event()

    def run(self) -> dict[str, Clip]:
        """Walk the takes as they become ready."""
        try:
            return self._walk()
        finally:
            self._enough.set()

    def _walk(self) -> dict[str, Clip]:
        order = TopologicalSorter({key: take.needs for key, take in self._takes.items()})
        order.prepare()
        while order.is_active():
            self._halt.check()
            for take in self._ready(order.get_ready()):
                if self._settled(take):
                    order.done(take.key)
                else:
                    self._submit(take)
            for key in self._finished():
                order.done(key)
        self._tell_failures()
        return self._clips

    def _ready(self, keys: Iterable[str]) -> list[Take]:
        """Takes of the engine that is open come first: loading another may take longer than a take."""
        takes = [self._takes[key] for key in keys]
        return sorted(takes, key=lambda take: (take.engine != self._engine, take.engine))

    def _settled(self, take: Take) -> bool:
        """Whether there is nothing to make: the take is in the store, or what it hangs on failed."""
        because = next((self._failed[key] for key in take.needs if key in self._failed), None)
        if because is not None:
            self._failed[take.key] = because
            self._report(TakeSkipped(take.name, take.key, because))
            return True
        clip = self._store.find(take.key)
        if clip is not None:
            self._clips[take.key] = clip
            self._report(TakeKept(take.name, take.key, str(clip.path), clip.seconds, reused=True))
        return clip is not None

    def _submit(self, take: Take) -> None:
        self._engine = take.engine
        opening, closing = self._source(take.opening), self._source(take.closing)
        hold = take.opening.hold if take.opening else None
        anchor = best(self._clips, hold.takes).path if hold and hold.takes else hold.path if hold else None
        card = self._cards[take.engine]
        latents = opening is not None and latents_go_on(card, take, self._takes[opening.key])
        job = Job(take, card, self._report, opening, closing, self._memory, anchor, latents)
        self._running[self._executor.submit(job)] = take
        self._read_ahead()

    def _read_ahead(self) -> None:
        """When an engine begins, read the weights of the one that comes next."""
        if len(self._cards) < 2 or self._engine in self._begun:
            return
        self._begun.add(self._engine)
        ahead = {take.engine for take in self._takes.values() if take.key not in self._clips} - self._begun
        if ahead:
            card = self._cards[min(ahead)]
            threading.Thread(target=read_ahead, args=(card, self._enough), daemon=True).start()

    def _source(self, carry: Carry | None) -> Clip | None:
        return best(self._clips, carry.takes) if carry is not None and carry.takes else None

    def _finished(self) -> list[str]:
        """Wait a moment; the keys of the takes that are settled now. What somebody else makes is asked for again."""
        if not self._running and self._elsewhere:
            time.sleep(PATIENCE)
        for take in [self._elsewhere.pop(key) for key in list(self._elsewhere)]:
            self._submit(take)
        ended = wait(self._running, timeout=PATIENCE, return_when=FIRST_COMPLETED).done
        return [take.key for future in ended if self._ended(take := self._running.pop(future), future)]

    def _ended(self, take: Take, future: Future[Clip]) -> bool:
        """Whether the take is settled, made or failed."""
        try:
            self._clips[take.key] = future.result()
        except StoreError:
            raise  # every other take would meet the same disk
        except Stopped:
            self._halt.check()
            raise
        except Elsewhere:
            if take.key not in self._told:
                self._told.add(take.key)
                self._report(TakeElsewhere(take.name, take.key))
            self._elsewhere[take.key] = take
            return False
        except DeviceLost as error:
            self._try_again(take, error)
            return False
        except SoraError as error:
            self._failed[take.key] = take.name
            self._errors.append(error)
            self._report(TakeFailed(take.name, take.key, error.message, error.hint))
        return True

    def _try_again(self, take: Take, error: DeviceLost) -> None:
        self._tries[take.key] += 1
        if self._tries[take.key] >= TRIES:
            raise error  # every other take would meet the same device
        self._report(TakeRetried(take.name, take.key, error.message, self._tries[take.key] + 1, TRIES))
        self._submit(take)

    def _tell_failures(self) -> None:
        if not self._errors:
            return
        first = self._errors[0]
        if len(self._failed) == 1 or all(isinstance(error, MachineError) for error in self._errors):
            raise first
        names = ", ".join(self._takes[key].name for key in self._failed)
        message = f"{len(self._failed)} takes could not be made: {names}; first: {first.message}"
        raise RenderError(message, hint=first.hint or "the others are kept: run the same command again")
