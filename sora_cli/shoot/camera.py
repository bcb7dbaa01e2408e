"""Take -> clip: one engine held open on one device, the pixels that a take is held to, and how good what comes is."""

from __future__ import annotations

import hashlib
import math
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from sora_cli.cancel import Cancellation
from sora_cli.colour.grade import graded, held
from sora_cli.engines.base import Carry, Engine, EngineCard, Footage, Given, Take
from sora_cli.engines.changes import Excerpt
from sora_cli.engines.energy import Meter
from sora_cli.engines.options import Memory
from sora_cli.errors import DeviceLost, RenderError, SoraError, is_bug
from sora_cli.events import EngineLoading, Event, Report, Silent, Step, TakeKept, TakeStarted
from sora_cli.media.clip import write_clip
from sora_cli.media.read import open_film, read_frames, read_picture, read_sound
from sora_cli.media.read.film import read_small
from sora_cli.media.stream import Frames, Sound
from sora_cli.plan.data import TakeFields
from sora_cli.plan.schedule import Task
from sora_cli.shoot.screen import Screen
from sora_cli.store import Clip, ClipFacts, Store
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.policy import STANDARD, Policy
from sora_cli.versions import versions


class Job(Struct, frozen=True):
    """A take to make: who is told of it, and the clips that it carries on from or leads to, if any."""

    take: Take
    card: EngineCard
    report: Report
    opening: Clip | None = None
    closing: Clip | None = None
    memory: Memory = field(default_factory=Memory)
    """How the engine is fitted to the device."""
    anchor: Clip | Path | None = None
    """What the colours of the opening frames are held to, a clip or a picture; None where they stay."""
    latents: bool = False
    """Whether the latents of the opening frames are handed on with them."""
    rules: Policy = STANDARD
    """What its frames are held to before they are kept."""
    task: Task | None = None
    """What counts of it where several workers share the takes."""
    draft: Clip | None = None
    """What its sampling begins with."""
    changed: tuple[Clip, ...] = ()
    """Of a take that changes a shot of the storyboard: the clips that its excerpts are of."""

    @property
    def given(self) -> tuple[str, ...]:
        """Keys of the clips whose frames or colours it is given."""
        clips = (self.opening, self.closing, self.anchor, self.draft, *self.changed)
        return tuple(dict.fromkeys(clip.key for clip in clips if isinstance(clip, Clip)))


class Stopped(Exception):
    """The take was cancelled between two steps."""


class Elsewhere(Exception):
    """Another process holds the lock of the take."""


class Camera:
    """One engine held open on one device: makes the clip of a job, and keeps it.

    An engine stays open for all takes that want it, of however many films, and is closed before another is opened.
    """

    def __init__(
        self,
        open_engine: Callable[[EngineCard, Report, Memory], Engine],
        store: Store,
        cancel: Cancellation,
        screen: Screen | None = None,
    ) -> None:
        self._open = open_engine
        self._screen = screen or Screen()
        self._store = store
        self._cancel = cancel
        self._engine: Engine | None = None
        self._report: Report = Silent()
        self._memory = Memory()
        self._meter = Meter()
        self._stop = threading.Event()
        self._writing = threading.Lock()

    def __call__(self, job: Job) -> Clip:
        """Make the clip of the job's take, or find that somebody else has made it meanwhile.

        Raises:
            SoraError: the take cannot be made or kept.
            Stopped: it was cancelled.
            Elsewhere: another process is making it.
        """
        self._check_stop()
        lock = self._store.lock(job.take.key)
        if lock is None:
            raise Elsewhere
        with lock:
            clip = self._store.find(job.take.key)
            if clip is None:
                clip = self._make(job)
            else:
                job.report(TakeKept(job.take.name, clip.key, str(clip.path), clip.seconds, reused=True))
            return clip

    def stop(self) -> None:
        """Cancel the take that is being made, at its next step. Returns once no clip is half-written."""
        self._stop.set()
        with self._writing:
            pass

    def close(self) -> None:
        """Close the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _make(self, job: Job) -> Clip:
        take, self._report = job.take, job.report
        self._store.make_room(take.name, raw_bytes(take))
        engine = self._engine_for(job)
        self._check_stop()
        job.report(TakeStarted(take.name, take.key))
        started, self._meter = time.monotonic(), Meter()
        given, drift = _given(job)
        try:
            footage = engine.generate(take, given, partial(self._progress, job))
        except DeviceLost:
            self._engine = None  # there is nothing left to close; another try loads it anew
            raise
        except (SoraError, Stopped):
            raise
        except Exception as error:
            # An engine from elsewhere may raise anything, and one take's mishap does not cost the night.
            hint = "this is a bug in sora: please report it" if is_bug(error) else ""
            words = f"{take.name}: {take.engine} failed: {type(error).__name__}: {error}"
            raise RenderError(words, hint=hint) from error
        if footage.frames.shape != (take.frames, take.height, take.width, 3):
            raise RenderError(f"{take.engine} made {footage.frames.shape}, not {take.frames} frames of the take's size")
        footage = replace(footage, frames=_met(take, given, footage))
        pixels = hashlib.sha256(np.ascontiguousarray(footage.frames).data).hexdigest()
        self._screen.require_allowed(take, pixels, lambda: footage.frames, job.rules, _sound_of(footage))
        with self._writing:
            self._check_stop()
            seconds = time.monotonic() - started
            clip = self._keep(job, footage, given, drift=drift, pixels=pixels, seconds=seconds)
        job.report(TakeKept(take.name, take.key, str(clip.path), clip.seconds))
        return clip

    def _engine_for(self, job: Job) -> Engine:
        if self._engine is None or (self._engine.card.name, self._memory) != (job.card.name, job.memory):
            self.close()
            job.report(EngineLoading(job.card.name))
            self._engine, self._memory = self._open(job.card, self._tell, job.memory), job.memory
        return self._engine

    def _tell(self, event: Event) -> None:
        """Hear an engine that stays open for many jobs: whoever waits for the one that runs is told."""
        self._report(event)

    def _check_stop(self) -> None:
        if self._stop.is_set() or self._cancel.asked:
            raise Stopped

    def _progress(self, job: Job, step: int, of: int) -> None:
        self._check_stop()
        self._meter.tick()
        job.report(Step(job.take.name, job.take.key, step, of))

    def _keep(self, job: Job, footage: Footage, given: Given, *, drift: float, pixels: str, seconds: float) -> Clip:
        from sora_cli.review.score import rate  # with OpenCV and SciPy, which those who only read clips do not need

        take = job.take
        joules, metered = self._meter.read()
        rating = rate(footage.frames[take.skip :], footage.fps, given.opening if take.skip else None)
        facts = ClipFacts(
            frames=take.frames,
            width=take.width,
            height=take.height,
            fps=footage.fps,
            sound=footage.sound is not None,
            seconds=seconds,
            fields=TakeFields.of(take).to_dict(),
            score=rating.score,
            good=rating.good,
            parts=rating.parts,
            keeps=rating.keeps,
            drift=drift,
            given=job.given,
            pixels=pixels,
            written=take.written,
            joules=joules,
            metered=metered,
            ended=time.time(),
            machine=platform.node(),
            made_on={"device": str(getattr(self._engine, "device_name", "")), **versions()},
        )
        return self._store.keep(
            take.key,
            facts,
            lambda path: write_clip(path, footage.frames, footage.fps, footage.sound),
            partial(_write_tail, footage.tail) if footage.tail else None,
        )


def _met(take: Take, given: Given, footage: Footage) -> Frames:
    """The frames of a take, brought to meet those that it was given; of a film only what was made anew."""
    from sora_cli.shoot import mask
    from sora_cli.shoot.handover import meet

    frames = footage.frames
    if given.opening is not None and take.opening and take.opening.meets:
        frames = meet(frames, take.opening.count, given.opening, footage.fps, fine=take.opening.fine)
    if given.closing is not None and take.closing and take.closing.meets:
        mirrored, last = frames[::-1], given.closing[::-1]
        frames = meet(mirrored, take.closing.count, last, footage.fps, fine=take.closing.fine)[::-1]
    if given.video is not None and given.mask is not None:
        frames = mask.put_in(frames, given.video, given.mask)
    return frames


def _sound_of(footage: Footage) -> Callable[[], Sound] | None:
    """What is heard in it, where it has sound."""
    sound = footage.sound
    return None if sound is None else lambda: sound


def raw_bytes(take: Take) -> int:
    """The most that the clip of a take may need on disk: its frames as they are."""
    return take.frames * take.width * take.height * 3


def _given(job: Job) -> tuple[Given, float]:
    """The pixels that the job's take is held to; and by how much the colour of its opening had drifted, if asked."""
    from sora_cli.shoot import mask
    from sora_cli.shoot.handover import drifted

    take, size = job.take, (job.take.width, job.take.height)
    opening, closing = job.opening, job.closing
    known = _known(take.opening, opening, size, take.fps)
    drift = 0.0
    if known is not None and opening is not None and job.anchor is not None and take.opening and take.opening.hold:
        hold, anchor = take.opening.hold, job.anchor.path if isinstance(job.anchor, Clip) else job.anchor
        drift = drifted(opening.path, take.opening.at, take.opening.count, anchor) if hold.above else 0.0
        if not hold.above or drift > hold.above:
            last = take.opening.at if hold.above else None
            known = graded(known, held(opening.path, anchor, hold.strength, last))
    with shown(take, job.changed) as seen:
        changed = mask.given(seen)
    video, part = changed or (None, None)
    start = read_frames(job.draft.path, 0, take.frames, size) if job.draft is not None else None
    if take.change is not None and take.change.instructed:
        part = None  # all of it may change, and is told to
    elif take.change is not None and take.change.whole:
        start, video, part = video if start is None else start, None, None
    given = Given(
        video=video,
        mask=part,
        opening=known,
        closing=_known(take.closing, closing, size, take.fps),
        references=tuple(_anchor(reference.path, take, job.card) for reference in take.references),
        start=start,
        tail=opening.tail if opening is not None and job.latents else None,
    )
    return given, round(drift, 3)


@contextmanager
def shown(take: Take, clips: Sequence[Clip]) -> Iterator[Take]:
    """The take, with the shot that it changes as a film for a while, where it changes one."""
    change = take.change
    if change is None or not change.excerpts:
        yield take
        return
    with tempfile.TemporaryDirectory(prefix="sora-") as folder:
        path = Path(folder) / "shot.mp4"
        excerpts = zip(clips, change.excerpts, strict=True)
        write_clip(path, (picture for clip, each in excerpts for picture in _of(clip, each)), change.fps)
        yield replace(take, change=replace(change, path=path))


def _of(clip: Clip, excerpt: Excerpt) -> Iterator[Frames]:
    with open_film(clip.path) as film:
        yield from film.pictures(excerpt.frames)


def _anchor(path: Path, take: Take, card: EngineCard) -> Frames | Footage | Sound:
    """A reference as engines are given it: of a film or a sound no more than the take is long."""
    kind, length = kind_of(path), Fraction(take.frames) / take.fps
    if kind == "picture":
        return read_picture(path)
    if kind == "sound":
        return Sound(read_sound(path, card.sound_rate, length), card.sound_rate)
    with open_film(path) as film:
        fps = film.facts.fps or take.fps
        sound = Sound(read_sound(path, card.sound_rate, length), card.sound_rate) if film.facts.channels else None
        return Footage(read_small(film, film.shown_at(fps)[: math.ceil(length * fps)], card.max_pixels), fps, sound)


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
    with open_film(path) as film:
        return np.stack(list(film.pictures(film.index.before_end(count, fps), size)))
