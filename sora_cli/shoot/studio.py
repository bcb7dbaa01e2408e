"""What the films of one command share: the store, who shoots with engines that stay warm, and when to stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sora_cli import atomic
from sora_cli.cancel import Cancellation
from sora_cli.errors import HINT_FOLDER, Interrupted, RequestError, StoreError
from sora_cli.events import Note, Planned, Report
from sora_cli.lock import Lock
from sora_cli.plan import Plan, cost, film_id
from sora_cli.plan.schedule import Task
from sora_cli.record import sidecar
from sora_cli.shoot.budget import Budget
from sora_cli.shoot.screen import Screen
from sora_cli.shoot.workers import Workers, together
from sora_cli.store import Clip, Store, megabytes

if TYPE_CHECKING:  # what shoots imports codecs; a film that is up to date needs none
    from sora_cli.engines.base import Take
    from sora_cli.media.stream import Sound
    from sora_cli.policy.pictures import Seen
    from sora_cli.shoot.camera import Job
    from sora_cli.shoot.executors.base import Executor

GRACE = 2.0
"""Seconds that an interrupted command waits for the step that runs, so that the engine can be closed."""


class Studio:
    """Shoots plans, one take at a time, with engines that stay loaded from one film to the next."""

    def __init__(
        self,
        store: Store,
        cancel: Cancellation | None = None,
        budget: Budget | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.store = store
        self.cancel = cancel or Cancellation()
        self.budget = budget
        self._workers = workers or Workers("local")
        self._shooting = threading.Lock()
        self._executor: Executor[Job, Clip] | None = None
        self._hired = (Workers(), 1)
        self.screen = Screen()

    def shoot(self, plan: Plan, report: Report) -> dict[str, Clip]:
        """Shoot the plan's takes; the clip of each stretch and still, by its name. Raises what `shoot.shoot` does."""
        with self._shooting:  # one film at a time, so that engines need not take turns
            return self._shoot(plan, report)

    def _shoot(self, plan: Plan, report: Report) -> dict[str, Clip]:
        from sora_cli.shoot.camera import raw_bytes
        from sora_cli.shoot.shoot import best, shoot

        if self.budget is not None:
            self.budget.check(plan, self.store, report, self._workers.of_film(plan.board.executor))
            report = self.budget.hearing(plan, self.store, report, self.cancel)
        executor = self._open(plan)
        missing = [take for take in plan.takes if not self.store.has(take.key)]
        report(Planned(len(plan.takes), len(plan.takes) - len(missing), plan.frames, plan.seconds))
        self._warn(sum(raw_bytes(take) for take in missing), report)
        try:
            clips = shoot(plan, executor, self.store, report, self.cancel, tasks=self._tasks(plan, missing))
        finally:
            with contextlib.suppress(StoreError):  # a full disk was told already; this note is for `--why` alone
                made = {take.name: take.key for take in plan.takes if self.store.has(take.key)}
                self.store.films.remember(film_id(plan.board), made)
        self._screen_kept(plan, clips, report)
        here = (stretch for stretch in plan.made if clips.keys() & stretch.choices)
        return {stretch.name: best(clips, stretch.choices, until_good=stretch.until_good) for stretch in here}

    def _tasks(self, plan: Plan, missing: Sequence[Take]) -> dict[str, Task]:
        """What counts of each take where several workers share them."""
        from sora_cli.shoot.executors.local import LocalExecutor

        if isinstance(self._executor, LocalExecutor):
            return {}
        return cost.tasks(plan, cost.expected(plan, self.store, missing))

    def _screen_kept(self, plan: Plan, clips: Mapping[str, Clip], report: Report) -> None:
        """Hold clips that were kept before to the policy of now; say once where they could not be looked at."""
        from sora_cli.media.read import read_frames

        unable: dict[str, Seen] = {}
        for take, clip in ((take, clips[take.key]) for take in plan.takes if take.key in clips):
            frames = partial(read_frames, clip.path, 0, clip.frames)
            sound = partial(_heard, clip) if clip.sound else None
            self.screen.require_allowed(take, clip.pixels, frames, plan.rules, sound)
            for what, seen in (("frames", self.screen.seen[take.key]), ("speech", self.screen.heard.get(take.key))):
                if seen is not None and seen.unable:
                    unable.setdefault(what, seen)
        for what, seen in unable.items():
            report(Note(f"the {what} could not be checked: {seen.unable}", seen.hint))

    def _open(self, plan: Plan) -> Executor[Job, Clip]:
        from sora_cli.shoot.hire import executor

        hired = workers, size = self._workers.of_film(plan.board.executor), together(plan)
        if hired != self._hired:
            self.rest()
        if self._executor is None:
            self._executor = executor(workers, self.store, self.cancel, self.screen, together=size)
            self._hired = hired
        return self._executor

    def _warn(self, need: int, report: Report) -> None:
        """Say at the start that the disk may not hold what is to be shot; each take asks again before it begins."""
        free = self.store.free()
        if need > free:
            message = f"the takes to shoot may need up to {megabytes(need)}; {megabytes(free)} are free"
            report(Note(message, "sora store clean frees what no film needs"))

    def __enter__(self) -> Self:
        """Open for work."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the clip being written, give the device back; when interrupted, do not wait long for that."""
        self.rest(GRACE if isinstance(error, Interrupted) else None)

    def rest(self, patience: float | None = None) -> None:
        """Finish the clip being written, and give the devices back; the next film takes them again."""
        if self._executor is not None:
            self._executor.close(patience)
            self._executor = None


def _heard(clip: Clip) -> Sound:
    from sora_cli.media.read import read_sound
    from sora_cli.media.stream import SAMPLE_RATE, Sound

    return Sound(read_sound(clip.path, SAMPLE_RATE), SAMPLE_RATE)


@contextlib.contextmanager
def place(film: Path, cancel: Cancellation) -> Iterator[None]:
    """Hold the place of a film, so that two processes never write one film; what dead writers left is removed.

    Raises:
        RequestError: nothing can be written there.
        Interrupted, WorkError: asked to stop while waiting for the other one.
    """
    try:
        film.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock.wait(_lock_of(film), meanwhile=cancel.check)
    except OSError as error:
        raise RequestError(f"cannot write to {film.parent}: {error.strerror}", hint=HINT_FOLDER) from error
    with lock:
        for path in (film, *sidecar.beside(film)):
            for left in atomic.leftovers(path):
                atomic.remove(left)
        yield


def unlock(film: Path) -> None:
    """Remove the empty lock file of a process that was killed after it finished its film; no other file."""
    with contextlib.suppress(OSError, StoreError):
        lock = Lock.take(_lock_of(film)) if _lock_of(film).exists() else None
        if lock is not None:
            lock.release()


def _lock_of(film: Path) -> Path:
    return film.with_name(f".{film.name}.lock")
