"""The executor seam: decides where a job runs. Knows nothing of video."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol, TypeVar

Job_contra = TypeVar("Job_contra", contravariant=True)
Result = TypeVar("Result")


class Executor(Protocol[Job_contra, Result]):
    """Runs jobs, somewhere, in the order of their submission or beside each other."""

    def submit(self, job: Job_contra) -> Future[Result]:
        """Take the job; its result, or what it raised, comes through the future."""
        ...

    def close(self, patience: float | None = None) -> None:
        """Finish what runs, drop what waits, give everything back.

        A job that still runs after `patience` seconds (None: wait for ever) is left to itself, and nothing is given
        back: so leaves a process that ends anyway.
        """
        ...
