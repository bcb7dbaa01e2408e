"""A part of an engine without a model, in a module of its own: a process that is started for it imports no torch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np

from sora_cli.engines.base import Footage
from sora_cli.errors import OutOfMemory
from sora_cli.shoot.together import Rank, Work


class Pretending(Rank):
    """Has no model: says how it was laid out, and does what the take's name says."""

    def __call__(self, job: Work, tell: Callable[[object], None]) -> Footage | str | None:
        if job is None:
            return f"{os.getpid()}"
        take = job[0]
        if take.name == "memory" and self._rank == 1 and not self._memory.tile:
            raise OutOfMemory("the device is full")
        if take.name == "death" and self._rank == 1:
            os._exit(7)
        if take.name in ("memory", "death") and not self._memory.tile:
            time.sleep(600)  # as one waits for the other, which has gone
        tell((1, 1))
        return Footage(np.zeros((1, 2, 2, 3), np.uint8), take.fps) if self._rank == 0 else None
