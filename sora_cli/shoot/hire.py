"""The executor that was asked for: a camera in this process, or one in each worker's."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec.structs import replace

from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.engines.devices import cores, gpus, memory_gb, visible
from sora_cli.engines.estimate import together
from sora_cli.errors import MachineError, StoreError
from sora_cli.events import Event, Report, Silent, Worked
from sora_cli.lock import Lock
from sora_cli.plan.schedule import Task
from sora_cli.shoot.camera import Camera, Job
from sora_cli.shoot.executors.crew import Crew
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.executors.process import ProcessWorker
from sora_cli.shoot.screen import RefusedTakeError, Screen
from sora_cli.shoot.together import Together
from sora_cli.shoot.workers import Workers
from sora_cli.store import Clip, Store

if TYPE_CHECKING:
    from sora_cli.engines.base import Engine, EngineCard
    from sora_cli.engines.options import Memory
    from sora_cli.shoot.executors.base import Executor

Given = TypeVar("Given", Clip, Clip | None, Clip | Path | None)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def executor(
    workers: Workers, store: Store, cancel: Cancellation, screen: Screen, *, together: int = 1
) -> Executor[Job, Clip]:
    """Who makes takes; `together` is how many GPUs make one.

    Raises:
        MachineError: what it needs is not installed, or there are fewer GPUs.
    """
    if workers.kind == "ray":
        return _on_ray(workers, store, screen, together)
    if together > 1:
        return _in_groups(workers.number, store, cancel, screen, together)
    bound = devices(workers.number)
    if not bound:
        return _alone(_camera(store, cancel, screen))
    make = partial(CameraRunner, store)
    return Crew([partial(_hired, name, make, environment, screen) for name, environment in bound], task_of)


def _alone(camera: Camera) -> LocalExecutor[Job, Clip]:
    """One camera, in this process."""
    return LocalExecutor(camera, camera.close, camera.stop)


def _in_groups(number: int, store: Store, cancel: Cancellation, screen: Screen, size: int) -> Executor[Job, Clip]:
    """One camera in this process for each group of so many GPUs: what computes are the processes of its engine."""
    found = gpus()
    groups = grouped(found, size)
    if len(groups) < max(1, number):
        wanted = f"{number} workers of {size} GPUs each" if number > 1 else f"memory.gpus: {size} GPUs"
        raise MachineError(f"{wanted}: there are {len(found)} here", hint="write a smaller number, or leave it out")
    if max(1, number or len(groups)) == 1:
        return _alone(_camera(store, cancel, screen, groups[0]))
    return Crew([partial(_seated, group, store, screen) for group in groups[: number or None]], task_of)


def grouped(names: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """GPUs in groups of so many; the last ones of too few are left out."""
    return [tuple(names[each : each + size]) for each in range(0, len(names) - size + 1, size)]


def _on_ray(workers: Workers, store: Store, screen: Screen, together: int) -> Crew[Job, Clip]:
    """One actor for each GPU or group of the cluster, or where it has none for each node; all on one store."""
    from sora_cli.shoot.executors.ray import Cluster, RayWorker

    cluster = Cluster(workers.ray_address)
    number = workers.number or cluster.gpus // together or cluster.nodes
    mark = None if store.address else _marked(store)
    make = partial(CameraRunner, store, mark.path if mark else None)
    gpus = together * int(cluster.gpus > 0)
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

    def __init__(self, store: Store, mark: Path | None = None, group: Sequence[str] | None = None) -> None:
        if mark is not None and not mark.exists():
            hint = "SORA_STORE names a folder that all see, or an address: s3://bucket/folder"
            raise StoreError(f"{socket.gethostname()} does not see the store {store.folder}", hint=hint)
        group = (visible() or []) if group is None else group
        self.room = memory_gb(group[0] if group else "")
        self._store = store
        self._used = ExitStack()
        self._used.enter_context(store.used())
        self._camera = _camera(store, Cancellation(), Screen(), group)

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
        """Close the engine, and give the store back."""
        self._camera.close()
        self._used.close()


def _hired(name: str, make: Callable[[], CameraRunner], environment: dict[str, str], screen: Screen) -> CameraWorker:
    room = memory_gb(environment.get("CUDA_VISIBLE_DEVICES", ""))
    return CameraWorker(name, ProcessWorker(name, make, environment), screen, room)


def _seated(group: Sequence[str], store: Store, screen: Screen) -> CameraWorker:
    runner = CameraRunner(store, group=group)
    return CameraWorker(f"gpu {'+'.join(group)}", Seated(runner), screen, runner.room)


class Seated:
    """A camera in this process, as a remote one is used."""

    def __init__(self, runner: CameraRunner) -> None:
        self.run, self.stop = runner, runner.stop
        self._runner = runner

    def close(self, patience: float | None = None) -> None:  # noqa: ARG002  what it works with ends at once
        """End the processes of its engine."""
        self._runner.close()


def _camera(store: Store, cancel: Cancellation, screen: Screen, group: Sequence[str] = ()) -> Camera:
    """A camera whose engines are open here, or where they can be shared on the GPUs of a group."""

    def opened(card: EngineCard, report: Report, memory: Memory) -> Engine:
        if (of := together(card, memory)) > 1:
            return Together(card, memory, report, [(f"gpu {one}", {"CUDA_VISIBLE_DEVICES": one}) for one in group[:of]])
        return catalogue.open_engine(card, memory=memory, report=report)

    return Camera(opened, store, cancel, screen)
