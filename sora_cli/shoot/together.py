"""An engine on several GPUs that make each take together: one process for each, and one answer."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import count
from pathlib import Path
from typing import cast

from sora_cli.engines import catalogue
from sora_cli.engines.base import Engine, EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.devices import memory_gb
from sora_cli.engines.estimate import Layout, first_place, layouts
from sora_cli.engines.options import Memory
from sora_cli.errors import OutOfMemory
from sora_cli.events import Event, Note, Report
from sora_cli.shoot.executors.process import ProcessWorker

Work = tuple[Take, Given] | None
"""What each process is asked: its part of a take, or with None whether its engine is open."""
Hired = ProcessWorker[Work, Footage | str | None]


class Rank:
    """The engine in one of the processes, which does its part of the work of all (`engines.runtime.sharing`)."""

    room = math.inf

    def __init__(self, card: EngineCard, memory: Memory, rank: int, of: int, meeting: Path) -> None:
        self._card, self._memory = card, memory
        self._rank, self._of, self._meeting = rank, of, meeting
        self._engine: Engine | None = None

    def __call__(self, job: Work, tell: Callable[[object], None]) -> Footage | str | None:
        """Open the engine and name its device; or do the part of a take, of which the first process has the footage."""
        if self._engine is None:
            self._engine = self.opened(cast("Report", tell))
        if job is None:
            return str(getattr(self._engine, "device_name", ""))
        footage = self._engine.generate(*job, lambda step, of: tell((step, of)))
        return footage if self._rank == 0 else None

    def opened(self, tell: Report) -> Engine:
        """The engine, which meets the others."""
        among = self._rank, self._of, self._meeting
        return catalogue.open_engine(self._card, memory=self._memory, report=tell, among=among)

    def stop(self) -> None:
        """Nothing: its process ends at once."""

    def close(self) -> None:
        """Nothing: its process ends at once."""


class Together:
    """An engine that is open in a process for each of `places`: a name, and what binds the process to its GPU.

    Raises:
        EngineMissing: the checkpoint is not here, incomplete or damaged.
        OutOfMemory: it does not fit.
    """

    def __init__(
        self,
        card: EngineCard,
        memory: Memory,
        report: Report,
        places: Sequence[tuple[str, Mapping[str, str]]],
        part: type[Rank] = Rank,
    ) -> None:
        self.card = card
        self._report, self._places, self._part = report, places, part
        self._memory, self._ways = _laid_out(card, memory, [each.get("CUDA_VISIBLE_DEVICES", "") for _, each in places])
        self._hired: list[Hired] = []
        self._folder = tempfile.TemporaryDirectory(prefix="sora-")
        self._meetings = count()
        try:
            self.device_name = f"{len(places)} x {self._down_until(None, lambda _: None, card.name)}"
        except BaseException:
            self.close()
            raise

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        """Make a take, as one engine does."""

        def hear(told: object) -> None:
            if isinstance(told, Event):
                self._report(told)
            else:
                progress(*cast("tuple[int, int]", told))

        return cast("Footage", self._down_until((take, given), hear, take.name))

    def close(self) -> None:
        """End the processes."""
        self._end()
        self._folder.cleanup()

    def _down_until(self, work: Work, hear: Callable[[object], None], name: str) -> Footage | str | None:
        """Do it; when memory runs out anywhere, lay the model out in the next way, say so, and do it again."""
        while True:
            try:
                return self._done(work, hear)
            except OutOfMemory as error:
                way = next(self._ways, None)
                if way is None:
                    raise
                self._memory = _in(self._memory, way)
                self._report(Note(f"{name}: out of memory; trying again, {way.words()}", hint=error.hint))

    def _done(self, work: Work, hear: Callable[[object], None]) -> Footage | str | None:
        """What the first process makes of it. Where one fails all are ended: the others would wait for it."""
        hired = self._hired or self._hire()
        with ThreadPoolExecutor(len(hired)) as pool:
            answers = [
                pool.submit(each.run, work, hear if not rank else lambda _: None) for rank, each in enumerate(hired)
            ]
            try:
                for each in as_completed(answers):
                    each.result()
            except BaseException:
                self._end()
                raise
        return answers[0].result()

    def _hire(self) -> list[Hired]:
        meeting, of = Path(self._folder.name) / f"{next(self._meetings)}", len(self._places)
        self._hired = [
            ProcessWorker(name, partial(self._part, self.card, self._memory, rank, of, meeting), environment)
            for rank, (name, environment) in enumerate(self._places)
        ]
        return self._hired

    def _end(self) -> None:
        hired, self._hired = self._hired, []
        for each in hired:
            each.close(0)


def _laid_out(card: EngineCard, memory: Memory, devices: Sequence[str]) -> tuple[Memory, Iterator[Layout]]:
    """How the model is laid out on each of the GPUs, and the ways that are left when memory runs out."""
    ways = layouts(memory, on_gpu=any(devices), gpus=len(devices))
    first = next(ways)
    if any(devices):
        place = first_place(card, memory, min(map(memory_gb, devices)))
        while first.offload != place:
            first = next(ways)
    return _in(memory, first), ways


def _in(memory: Memory, way: Layout) -> Memory:
    """As asked, and laid out in one way: all processes alike."""
    return memory.model_copy(update={"offload": way.offload, "tile": way.tile, "quantize": way.quantize})
