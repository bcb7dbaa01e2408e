"""What was found out before, kept in a file from one command to the next: a cache, which may be lost at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sora_cli import atomic
from sora_cli.bounded import read_json

MOST_KEPT = 50_000
"""Findings that are kept; then all are found anew."""


def cache_folder() -> Path:
    """Where sora keeps what it can find out again."""
    import platformdirs  # only where something is kept

    return platformdirs.user_cache_path("sora")


class Remembered:
    """Findings by name. `state` says by whom they were found: of another state, or damaged, none counts."""

    def __init__(self, path: Path, state: str) -> None:
        self._path, self._state = path, state
        told: object = None
        with suppress(OSError, ValueError):
            told = read_json(path)
        known = told.get("found") if isinstance(told, dict) and told.get("state") == state else None
        self._found: dict[str, object] = known if isinstance(known, dict) and len(known) < MOST_KEPT else {}

    def find(self, name: str) -> object:
        """What was kept under a name, as anybody may have written it; None where nothing was."""
        return self._found.get(name)

    def keep(self, found: Mapping[str, object]) -> None:
        """Remember plain data for the next command; where the disk takes nothing, for this one alone."""
        self._found |= found
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self._path, json.dumps({"state": self._state, "found": self._found}))
