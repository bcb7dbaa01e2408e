"""Runs jobs on this machine, one worker a device, in the order of their submission."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic

from sora_cli.executors.base import Job, Result


class LocalExecutor(Generic[Job, Result]):
    """One thread: a device runs one model at a time, and a thread shares its memory with the rest of the program."""

    def __init__(self, run: Callable[[Job], Result], close: Callable[[], None] = lambda: None) -> None:
        self._run = run
        self._close = close
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="camera")

    def submit(self, job: Job) -> Future[Result]:
        """Queue the job."""
        return self._pool.submit(self._run, job)

    def close(self) -> None:
        """Wait for the job that runs, drop those that wait, give everything back."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._close()
