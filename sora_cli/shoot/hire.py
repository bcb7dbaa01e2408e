"""The executor that was asked for: a camera in this process, or one in each worker's."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec.structs import replace

from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.engines.devices import cores, gpus, memory_gb
from sora_cli.errors import StoreError
from sora_cli.events import Event, Report, Silent, Worked
from sora_cli.lock import Lock
from sora_cli.plan.schedule import Task
from sora_cli.shoot.camera import Camera, Job
from sora_cli.shoot.executors.crew import Crew
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.executors.process import ProcessWorker
from sora_cli.shoot.screen import RefusedTakeError, Screen
from sora_cli.shoot.workers import Workers
from sora_cli.store import Clip, Store

if TYPE_CHECKING:
    from sora_cli.shoot.executors.base import Executor

Given = TypeVar("Given", Clip, Clip | None, Clip | Path | None)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def executor(workers: Workers, store: Store, cancel: Cancellation, screen: Screen) -> Executor[Job, Clip]:
    """Who makes takes.

    Raises:
        MachineError: what it needs is not installed.
    """
    if workers.kind == "ray":
        return _on_ray(workers, store, screen)
    bound = devices(workers.number)
    if not bound:
        camera = _camera(store, cancel, screen)
        return LocalExecutor(camera, camera.close, camera.stop)
    make = partial(CameraRunner, store)
    return Crew([partial(_hired, name, make, environment, screen) for name, environment in bound], task_of)


def _on_ray(workers: Workers, store: Store, screen: Screen) -> Crew[Job, Clip]:
    """One actor for each GPU of the cluster, or where it has none for each node; all on one store."""
    from sora_cli.shoot.executors.ray import Cluster, RayWorker

    cluster = Cluster(workers.ray_address)
    number = workers.number or cluster.gpus or cluster.nodes
    mark = None if store.address else _marked(store)
    make = partial(CameraRunner, store, mark.path if mark else None)
    gpus = int(cluster.gpus > 0)
    threads = {} if gpus else dict.fromkeys(THREADS, str(max(1, cores() * cluster.nodes // number)))

    def start() -> CameraWorker:
        remote = RayWorker(make, threads, gpus=gpus)
        return CameraWorker(remote.name, remote, screen, remote.room)

    def leave() -> None:
        cluster.leave()
        if mark is not None:
            mark.release()

    return Crew([start] * number, task_of, leave)


def _marked(store: Store) -> Lock:
    """A lock in the store's folder, by which workers know that they see the same folder; those of the dead go."""
    store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in store.folder.glob(".seen-*"):
        lock = Lock.take(left)
        if lock is not None:
            lock.release()
    return Lock.wait(store.folder / f".seen-{secrets.token_hex(8)}")


def devices(number: int) -> list[tuple[str, dict[str, str]]]:
    """The workers' names, and what binds each to its device; none where this process does the work.

    With a `number`, so many: the GPUs in turn; on the processor they share its cores, so that none waits for another.
    """
    found = gpus() if number != 1 else []
    number = number or max(1, len(found))
    if number == 1:
        return []
    if found:
        bound = [(f"gpu {found[each % len(found)]}", found[each % len(found)]) for each in range(number)]
        again = len(found) < number
        return [
            (f"{name}, {each // len(found) + 1}" if again else name, {"CUDA_VISIBLE_DEVICES": device})
            for each, (name, device) in enumerate(bound)
        ]
    threads = dict.fromkeys(THREADS, str(max(1, cores() // number)))
    return [(f"cpu {each}", threads) for each in range(number)]


def task_of(job: Job) -> Task:
    """What counts of a job."""
    return job.task or Task(job.take.engine, 1.0, 1.0)


class Remote(Protocol):
    """A process elsewhere that runs jobs; see `ProcessWorker`."""

    def run(self, job: Job, tell: Callable[[object], None]) -> Clip:
        """Run a job there, and tell what it tells."""
        ...

    def stop(self) -> None:
        """Ask it to end."""
        ...

    def close(self, patience: float | None = None) -> None:
        """Wait until it ends; after `patience` seconds end it."""
        ...


class CameraWorker:
    """A camera in another process: what it tells is told here, with the worker's name."""

    def __init__(self, name: str, remote: Remote, screen: Screen, room: float) -> None:
        self.room = room
        self._name = name
        self._remote = remote
        self._screen = screen

    def run(self, job: Job) -> Clip:
        """Make the clip of a job's take there."""
        try:
            return self._remote.run(replace(job, report=Silent()), partial(self._hear, job.report))
        except RefusedTakeError:
            self._screen.refused += 1  # there, the screen of another process counts
            raise

    def stop(self) -> None:
        """Cancel the take that is being made."""
        self._remote.stop()

    def close(self, patience: float | None = None) -> None:
        """Wait until its process ends; after `patience` seconds end it."""
        self._remote.close(patience)

    def _hear(self, report: Report, told: object) -> None:
        if isinstance(told, Worked):
            report(replace(told, worker=self._name))
        elif isinstance(told, Event):
            report(told)


class CameraRunner:
    """A camera in a worker's process, on the same store."""

    def __init__(self, store: Store, mark: Path | None = None) -> None:
        if mark is not None and not mark.exists():
            hint = "SORA_STORE names a folder that all see, or an address: s3://bucket/folder"
            raise StoreError(f"{socket.gethostname()} does not see the store {store.folder}", hint=hint)
        self.room = memory_gb(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        self._store = store
        self._used = store.used()
        self._camera = _camera(store, Cancellation(), Screen())

    def __call__(self, job: Job, tell: Callable[[object], None]) -> Clip:
        """Make the clip of a job's take."""

        def report(event: Event) -> None:
            tell(event)

        opening, closing, draft = (self._here(job.opening), self._here(job.closing), self._here(job.draft))
        job = replace(job, opening=opening, closing=closing, draft=draft, anchor=self._here(job.anchor))
        return self._camera(replace(job, report=report, changed=tuple(self._here(each) for each in job.changed)))

    def _here(self, clip: Given) -> Given:
        """A clip where this machine has it: it may have been made on another one."""
        if not isinstance(clip, Clip) or clip.path.exists():
            return clip
        found = self._store.find(clip.key)
        if found is None:
            where = self._store.address or self._store.folder
            raise StoreError(f"clip {clip.key} is not in {where}", hint="all workers need one store: SORA_STORE")
        return found

    def stop(self) -> None:
        """Cancel the take that is being made."""
        self._camera.stop()

    def close(self) -> None:
        """Close the engine."""
        self._camera.close()


def _hired(name: str, make: Callable[[], CameraRunner], environment: dict[str, str], screen: Screen) -> CameraWorker:
    room = memory_gb(environment.get("CUDA_VISIBLE_DEVICES", ""))
    return CameraWorker(name, ProcessWorker(name, make, environment), screen, room)


def _camera(store: Store, cancel: Cancellation, screen: Screen) -> Camera:
    return Camera(
        lambda card, report, memory: catalogue.open_engine(card, memory=memory, report=report), store, cancel, screen
    )
