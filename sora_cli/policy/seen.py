"""What was seen in pictures before: what is looked at once is not looked at again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sora_cli.policy import pictures
from sora_cli.policy.pictures import Seen
from sora_cli.remembered import remembered


class JudgedPictures:
    """What was seen in pictures before, by the hash of their content and by how they were looked at."""

    def __init__(self, folder: Path) -> None:
        self._before = remembered(folder / "seen.jsonl", pictures.state())

    def find(self, sha256: str, *, every: bool) -> Seen | None:
        """What was seen in it; None where it was not looked at so."""
        kept = self._before.find(f"{sha256} {every}")
        with suppress(TypeError, ValueError):
            made, looked_at, scores, over, faces, ageless = kept if isinstance(kept, list) else []
            return Seen(int(made), int(looked_at), dict(scores), dict(over), faces=int(faces), ageless=bool(ageless))
        return None

    def keep(self, sha256: str, seen: Seen, *, every: bool) -> None:
        """Remember what was seen; what could not be looked at is not remembered."""
        if not seen.unable:
            figures = [seen.made, seen.looked_at, dict(seen.scores), dict(seen.over), seen.faces, seen.ageless]
            self._before.keep({f"{sha256} {every}": figures})
