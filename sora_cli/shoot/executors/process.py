"""A worker in a process of its own on this machine, spawned: what its device needs is set before anything is read."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import ModuleType
from typing import Generic, Protocol, cast

from sora_cli.errors import RenderError, WorkerLost
from sora_cli.shoot.executors.base import Job_contra, Result, Result_co

GRACE = 2.0
"""Seconds that a worker waits for the step that runs when nobody listens to it any more."""
STOP = b""
QUIET = ("SIGINT", "SIGHUP")
"""Signals that a terminal sends to all its processes: the one that leads the workers answers for them."""


class Runner(Protocol[Job_contra, Result_co]):
    """What runs jobs in the worker's process."""

    @property
    def room(self) -> float:
        """GB of its device's memory; infinite where it has none of its own."""
        ...

    def __call__(self, job: Job_contra, tell: Callable[[object], None]) -> Result_co:
        """Run a job; tell what happens."""
        ...

    def stop(self) -> None:
        """Stop the job that runs, from another thread; returns once nothing is half-written."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class ProcessWorker(Generic[Job_contra, Result]):
    """A process that runs jobs by what `make` makes there; `environment` is set before that."""

    def __init__(
        self, name: str, make: Callable[[], Runner[Job_contra, Result]], environment: Mapping[str, str]
    ) -> None:
        context = get_context("spawn")
        self.name = name
        self._pipe, there = context.Pipe()
        self._sending = threading.Lock()
        self._process = context.Process(target=_serve, args=(there, make, dict(environment)), name=name, daemon=True)
        with _as_of_no_program():
            self._process.start()
        there.close()

    def run(self, job: Job_contra, tell: Callable[[object], None]) -> Result:
        """Run a job there, and tell what it tells."""
        try:
            self._send(pickle.dumps(job))
            return cast("Result", answer(self.name, iter(self._pipe.recv, None), tell))
        except (EOFError, ConnectionError) as error:
            raise WorkerLost(f"{self.name} {self._end()}") from error

    def stop(self) -> None:
        """Ask the process to end."""
        with contextlib.suppress(OSError):
            self._send(STOP)

    def close(self, patience: float | None = None) -> None:
        """Wait until it ends; after `patience` seconds end it."""
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _send(self, job: bytes) -> None:
        with self._sending:
            self._pipe.send_bytes(job)

    def _end(self) -> str:
        """How the process ended, in words."""
        self._process.join(GRACE)
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


_starting = threading.Lock()


@contextlib.contextmanager
def _as_of_no_program() -> Iterator[None]:
    """While a process is spawned: no main module, which it would run again, and with it a user's whole script.

    Nor is this process one of a `multiprocessing.Pool` or of Celery, which may start none, lest these outlive it: a
    worker ends when nobody listens to it.
    """
    this = current_process()
    with _starting:
        daemon, main = this.daemon, sys.modules["__main__"]
        this.daemon, sys.modules["__main__"] = False, ModuleType("__main__")
        try:
            yield
        finally:
            this.daemon, sys.modules["__main__"] = daemon, main


def answer(name: str, said: Iterable[tuple[str, object]], tell: Callable[[object], None]) -> object:
    """What a worker made of a job; what it tells meanwhile is told, and what it raised is raised.

    Raises:
        WorkerLost: it says nothing more, and has made nothing.
    """
    for kind, value in said:
        if kind == "told":
            tell(value)
        elif kind == "raised":
            raise cast("BaseException", value)
        else:
            return value
    raise WorkerLost(f"{name} said nothing")


def _serve(pipe: Connection, make: Callable[[], Runner[Job_contra, Result]], environment: Mapping[str, str]) -> None:
    """Run jobs from the pipe until it says that there are no more, or is closed."""
    os.environ.update(environment)
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its own spans processes: one that is killed leaves it, and Python tells of that
    for name in QUIET:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    runner, jobs = make(), SimpleQueue[bytes]()
    threading.Thread(target=_listen, args=(pipe, runner, jobs), daemon=True).start()
    sending = threading.Lock()

    def send(kind: str, value: object) -> None:
        with sending, contextlib.suppress(OSError):  # nobody listens: `_listen` hears of that too
            pipe.send((kind, value))

    while job := jobs.get():
        try:
            send("made", runner(pickle.loads(job), lambda value: send("told", value)))  # noqa: S301  our own program's
        except BaseException as error:  # noqa: BLE001  it belongs to who gave the job
            send("raised", portable(error))
    runner.close()


def _listen(pipe: Connection, runner: Runner[Job_contra, Result], jobs: SimpleQueue[bytes]) -> None:
    """Queue what the pipe says. At its end the job that runs stops, and the process does not wait long for that."""
    with contextlib.suppress(EOFError, OSError):
        while job := pipe.recv_bytes():
            jobs.put(job)
        runner.stop()
        jobs.put(STOP)
        pipe.recv_bytes()  # until nobody listens
    runner.stop()
    jobs.put(STOP)
    time.sleep(GRACE)
    os._exit(1)


def portable(error: BaseException) -> BaseException:
    """The error as another process can read it, with the words of what cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own, made here
    except Exception:  # noqa: BLE001  errors of others may fail in any way
        return RenderError(f"{type(error).__name__}: {error}")
    return error
