"""Workers on a Ray cluster: one actor a device. The one importer of ray."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Generic, cast

from sora_cli.errors import MachineError, WorkerLost, first_line
from sora_cli.packages import imported
from sora_cli.shoot.executors.base import Job_contra, Result
from sora_cli.shoot.executors.process import Runner, answer, portable

START = 120.0
"""Seconds for an actor to start: after them its device counts as lost."""


class Cluster:
    """A Ray cluster that is joined; where no address is given, one is started on this machine, and ended with us."""

    def __init__(self, address: str = "") -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        with imported("the executor ray", "ray"):
            import ray
            from ray._private import worker as messages
        # Of a lost worker or node Ray prints its own words to stdout, where events and JSON are; no option stops that.
        messages._worker_logs_enabled = False  # noqa: SLF001
        self._ours = not ray.is_initialized()
        if self._ours:
            with _signals_kept():
                try:
                    ray.init(
                        address=address or "local",
                        include_dashboard=None if address else False,
                        log_to_driver=False,
                        logging_level="ERROR",
                        configure_logging=False,
                        namespace="sora",
                    )
                except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                    hint = "start one (ray start --head), set RAY_AUTH_MODE=token for one that wants its token, or "
                    hint += "leave --ray-address out"
                    words = str(error).splitlines()[0] if str(error) else type(error).__name__
                    raise MachineError(
                        f"no Ray cluster answers at {address or 'this machine'}: {words}", hint=hint
                    ) from error
        total = ray.cluster_resources()
        self.gpus = int(total.get("GPU", 0))
        self.nodes = sum(bool(node["Alive"]) for node in ray.nodes())

    def leave(self) -> None:
        """Give everything back."""
        import ray

        if self._ours:
            ray.shutdown()


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; whoever listens for it goes on to."""
    main = threading.current_thread() is threading.main_thread()
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)} if main else {}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Actor(Generic[Job_contra, Result]):
    """Runs jobs on a node of the cluster, in a folder: paths count from it, where the node has it."""

    def __init__(self, make: Callable[[], Runner[Job_contra, Result]], folder: Path) -> None:
        self._make, self._folder = make, folder
        self._runner: Runner[Job_contra, Result] | None = None

    def open(self) -> tuple[str, float] | BaseException:
        """Make what runs jobs; where this is and its room in GB, or what went wrong."""
        import ray

        with contextlib.suppress(OSError):
            os.chdir(self._folder)
        try:
            self._runner = self._make()
        except Exception as error:  # noqa: BLE001  it belongs to who asked
            return portable(error)
        gpus = ray.get_gpu_ids()
        device = f"gpu {gpus[0]}" if gpus else f"cpu {os.getpid()}"
        return f"{socket.gethostname()}/{device}", self._runner.room

    def run(self, job: Job_contra) -> Iterator[tuple[str, object]]:
        """Run a job; what it tells, then what it made or raised."""
        told: SimpleQueue[tuple[str, object]] = SimpleQueue()

        def work() -> None:
            try:
                made = cast("Runner[Job_contra, Result]", self._runner)(job, lambda value: told.put(("told", value)))
                told.put(("made", made))
            except BaseException as error:  # noqa: BLE001  it belongs to who gave the job
                told.put(("raised", portable(error)))

        threading.Thread(target=work, daemon=True).start()
        while True:
            yield (each := told.get())
            if each[0] != "told":
                return

    def stop(self) -> None:
        """Stop the job that runs."""
        if self._runner is not None:
            self._runner.stop()


class RayWorker(Generic[Job_contra, Result]):
    """An actor on one device of a cluster. `gpus` is 1 or 0; `environment` is set before anything is read there."""

    def __init__(
        self, make: Callable[[], Runner[Job_contra, Result]], environment: Mapping[str, str], *, gpus: int
    ) -> None:
        import ray

        options = {"num_gpus": gpus, "num_cpus": 1, "max_restarts": 0, "max_concurrency": 2}
        actor = ray.remote(_Actor).options(**options, runtime_env={"env_vars": dict(environment)})
        self._actor = actor.remote(make, Path.cwd())
        try:
            opened = ray.get(self._actor.open.remote(), timeout=START)
        except ray.exceptions.RayError as error:
            self.close(0)
            raise WorkerLost(f"no worker started on the cluster: {first_line(error)}") from error
        if isinstance(opened, BaseException):
            self.close(0)
            raise opened
        self.name, self.room = cast("tuple[str, float]", opened)

    def run(self, job: Job_contra, tell: Callable[[object], None]) -> Result:
        """Run a job there, and tell what it tells."""
        import ray

        try:
            said = self._actor.run.options(num_returns="streaming").remote(job)
            return cast("Result", answer(self.name, map(ray.get, said), tell))
        except ray.exceptions.RayError as error:
            raise WorkerLost(f"{self.name} is gone: {first_line(error)}") from error

    def stop(self) -> None:
        """Ask it to stop what it does."""
        self._actor.stop.remote()

    def close(self, patience: float | None = None) -> None:
        """Give its device back, after the job that runs has stopped; `patience` is how many seconds that may take."""
        import ray

        if patience != 0:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(self._actor.stop.remote(), timeout=patience)
        ray.kill(self._actor)
