"""The executor seam: decides where a job runs. Knows nothing of video."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol, TypeVar

Job_contra = TypeVar("Job_contra", contravariant=True)
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Executor(Protocol[Job_contra, Result]):
    """Runs jobs, somewhere, in the order of their submission or beside each other."""

    def submit(self, job: Job_contra) -> Future[Result]:
        """Take the job; its result, or what it raised, comes through the future."""
        ...

    def close(self, patience: float | None = None) -> None:
        """Stop what runs where that leaves nothing half-made, drop what waits, give everything back.

        A job that still runs after `patience` seconds (None: wait for ever) is ended with its process; in this process
        it is left to itself, and nothing is given back: so leaves a process that ends anyway.
        """
        ...


class Worker(Protocol[Job_contra, Result_co]):
    """One device, in a process of its own."""

    @property
    def room(self) -> float:
        """GB of its device's memory; infinite where it has none of its own."""
        ...

    def run(self, job: Job_contra) -> Result_co:
        """Run a job; the result, or what it raised.

        Raises:
            WorkerLost: its process ended.
        """
        ...

    def stop(self) -> None:
        """Ask it to stop what it does; from any thread, without waiting."""
        ...

    def close(self, patience: float | None = None) -> None:
        """Wait until its process ends; after `patience` seconds end it."""
        ...
