"""Runs jobs in this process, in the order of their submission."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic

from sora_cli.shoot.executors.base import Job_contra, Result


def _nothing() -> None:
    """Do nothing."""


class LocalExecutor(Generic[Job_contra, Result]):
    """One thread: a device runs one model at a time, and a thread shares its memory with the rest of the program."""

    def __init__(
        self,
        run: Callable[[Job_contra], Result],
        close: Callable[[], None] = _nothing,
        stop: Callable[[], None] = _nothing,
    ) -> None:
        self._run = run
        self._close = close
        self._stop = stop
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="camera")
        self._jobs: set[Future[Result]] = set()

    def submit(self, job: Job_contra) -> Future[Result]:
        """Queue the job."""
        future = self._pool.submit(self._run, job)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        return future

    def close(self, patience: float | None = None) -> None:
        """Stop the job that runs and wait for that, at most `patience` seconds; drop those that wait."""
        self._stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if not wait(list(self._jobs), timeout=patience).not_done:
            self._close()
