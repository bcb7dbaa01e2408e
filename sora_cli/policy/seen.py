"""What was seen in pictures before: what is looked at once is not looked at again."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from sora_cli import atomic
from sora_cli.bounded import read_json
from sora_cli.policy import pictures
from sora_cli.policy.pictures import Seen

MOST_KEPT = 20_000
"""Pictures and films that are remembered; then all are looked at anew."""


class JudgedPictures:
    """What was seen in pictures before, by the hash of their content and by how they were looked at."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "seen.json"
        self._state = pictures.state()
        told: object = {}
        with suppress(OSError, ValueError):
            told = read_json(self._path)
        known = told.get("seen") if isinstance(told, dict) and told.get("checkers") == self._state else None
        self._seen: dict[str, list[Any]] = dict(known) if isinstance(known, dict) and len(known) < MOST_KEPT else {}

    def find(self, sha256: str, *, every: bool) -> Seen | None:
        """What was seen in it; None where it was not looked at so."""
        with suppress(KeyError, TypeError, ValueError):
            made, looked_at, scores, over, faces, ageless = self._seen[f"{sha256} {every}"]
            return Seen(int(made), int(looked_at), dict(scores), dict(over), faces=int(faces), ageless=bool(ageless))
        return None

    def keep(self, sha256: str, seen: Seen, *, every: bool) -> None:
        """Remember what was seen; what could not be looked at is not remembered."""
        if seen.unable:
            return
        told = [seen.made, seen.looked_at, dict(seen.scores), dict(seen.over), seen.faces, seen.ageless]
        self._seen[f"{sha256} {every}"] = told
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self._path, json.dumps({"checkers": self._state, "seen": self._seen}))
