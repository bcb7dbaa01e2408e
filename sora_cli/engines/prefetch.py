"""Reading the next engine's weights while this one works, so that loading it finds them in memory."""

from __future__ import annotations

import threading
from pathlib import Path

from sora_cli.engines.base import EngineCard

PIECE = 16 << 20
"""Bytes read at a time: after each, the reading can be cancelled."""
SHARE = 0.5
"""Of the memory that is free, the most that is filled: the engine at work needs some too."""


def available() -> int:
    """Bytes of memory that can be had without swapping; 0 where the system does not say."""
    told = Path("/proc/meminfo")
    if not told.is_file():
        return 0
    facts = dict(line.split(":", 1) for line in told.read_text(encoding="ascii").splitlines())
    return int(facts.get("MemAvailable", "0 kB").split()[0]) * 1024


def read_ahead(card: EngineCard, stop: threading.Event, room: int | None = None) -> int:
    """Read a checkpoint's weights once, which leaves them in the system's cache of files; how many bytes were read.

    Nothing is read where the weights are not here or larger than the `room` for them (bytes).
    """
    if card.location is None:
        return 0
    files = sorted(path for path in card.location.rglob("*.safetensors") if path.is_file())
    if sum(path.stat().st_size for path in files) > (SHARE * available() if room is None else room):
        return 0
    done = 0
    for path in files:
        with path.open("rb", buffering=0) as file:
            while not stop.is_set() and (piece := file.read(PIECE)):
                done += len(piece)
    return done
