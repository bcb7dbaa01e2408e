"""Runs jobs on several workers: each takes what suits it best of what waits, and a lost one is replaced."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic

from sora_cli.errors import DeviceLost, WorkerLost
from sora_cli.plan.schedule import Task, Waiting
from sora_cli.shoot.executors.base import Job_contra, Result, Worker

LOSSES = 3
"""Losses of one worker, with no job done between them, after which its device gets no other."""
GRACE = 2.0
"""Seconds that the end waits for a worker that is being started."""


class Crew(Generic[Job_contra, Result]):
    """One thread a worker, which starts its process when it first has something to do.

    `start` are what workers are made by, one a device; `task_of` says what counts of a job; `leave` is called last.
    """

    def __init__(
        self,
        start: Sequence[Callable[[], Worker[Job_contra, Result]]],
        task_of: Callable[[Job_contra], Task],
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self._task_of = task_of
        self._leave = leave
        self._changed = threading.Condition()
        self._closed = False
        self._waiting: Waiting[tuple[Job_contra, Future[Result]]] = Waiting()
        self._crew: Counter[str] = Counter()
        self._workers: dict[int, Worker[Job_contra, Result]] = {}
        self._rooms = [math.inf] * len(start)
        """GB of each worker's device: unbounded until it is there, none when it gets no more work."""
        self._starting = 0
        self._last: DeviceLost | None = None
        self._threads = [
            threading.Thread(target=self._serve, args=(number, each), name=f"worker-{number}", daemon=True)
            for number, each in enumerate(start)
        ]
        self._left = len(self._threads)
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job_contra) -> Future[Result]:
        """Let the job wait for a worker."""
        future: Future[Result] = Future()
        with self._changed:
            if not self._left:
                future.set_exception(self._none_left())
            else:
                self._waiting.add(self._task_of(job), (job, future))
                self._changed.notify_all()
        return future

    def close(self, patience: float | None = None) -> None:
        """Stop all workers, and end the processes of those that are still there after `patience` seconds."""
        with self._changed:
            self._closed = True
            for _, future in self._waiting.drain():
                future.cancel()
            self._changed.notify_all()
            workers = dict(self._workers)
        for worker in workers.values():
            worker.stop()
        until = None if patience is None else time.monotonic() + patience
        for worker in workers.values():
            worker.close(None if until is None else max(0.0, until - time.monotonic()))
        for number in workers:
            self._threads[number].join(patience)
        self._leave()
        for thread in self._threads:  # one that is starting a worker has no job, and may wait long for a device
            thread.join(GRACE)

    def _serve(self, number: int, start: Callable[[], Worker[Job_contra, Result]]) -> None:
        """Give one worker what it wants, until there is nothing more."""
        engine, losses = "", 0
        while losses < LOSSES:
            unfit = None
            if number not in self._workers:
                engine = ""
                if not self._wanted():
                    return
                try:
                    self._start(number, start)
                except WorkerLost as error:  # no fault of a job's: all of them wait for another worker
                    losses, self._last = losses + 1, error
                    continue
                except BaseException as error:  # noqa: BLE001  the next job is told what stands in its way
                    unfit = error
            taken = self._next(number, engine)
            if taken is None:
                return
            task, (job, future) = taken
            if unfit is not None:
                self._lose(number, task.engine)
                future.set_exception(unfit)
                continue
            engine = task.engine
            try:
                future.set_result(self._workers[number].run(job))
                losses = 0
            except DeviceLost as error:  # a driver forgives nothing to the process that met it
                losses, self._last = losses + 1, error
                self._lose(number, engine)
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to who waits for the job
                future.set_exception(error)
        self._retire(number)

    def _wanted(self) -> bool:
        """Wait until another worker is wanted: more waits than workers are being started. False: nothing more comes.

        No job is held by a worker that is not there yet: whoever is free first takes it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) > self._starting)
            self._starting += not self._closed
            return not self._closed

    def _next(self, number: int, engine: str) -> tuple[Task, tuple[Job_contra, Future[Result]]] | None:
        """What the worker is to do next, waited for; None where there is nothing more."""
        with self._changed:
            while not self._closed:
                taken = self._waiting.take(engine, self._crew, self._rooms[number], max(self._rooms))
                if taken is not None and not taken[1][1].set_running_or_notify_cancel():
                    continue  # who gave it wants it no more
                if taken is not None:
                    self._crew.subtract([engine] if engine else [])
                    self._crew[taken[0].engine] += 1
                    self._changed.notify_all()  # who left something to the others may see it otherwise now
                    return taken
                self._changed.wait()
        return None

    def _start(self, number: int, start: Callable[[], Worker[Job_contra, Result]]) -> None:
        """Start a worker; the others go on meanwhile."""
        try:
            worker = start()
        except OSError as error:
            raise WorkerLost(f"no process can be started: {error}") from error
        finally:
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()
        with self._changed:
            if not self._closed:
                self._workers[number] = worker
                self._rooms[number] = worker.room
                self._changed.notify_all()  # who left something to it may see it otherwise now
                return
        worker.close(0)
        raise WorkerLost("the work is being stopped")

    def _lose(self, number: int, engine: str) -> None:
        with self._changed:
            lost = self._workers.pop(number, None)
            self._crew[engine] -= 1
            self._changed.notify_all()
        if lost is not None:
            lost.close(0)

    def _retire(self, number: int) -> None:
        with self._changed:
            self._left -= 1
            self._rooms[number] = 0.0
            self._changed.notify_all()
            for _, future in () if self._left else self._waiting.drain():
                if future.set_running_or_notify_cancel():
                    future.set_exception(self._none_left())

    def _none_left(self) -> WorkerLost:
        return WorkerLost(f"no worker is left, each was lost several times; the last: {self._last}")
