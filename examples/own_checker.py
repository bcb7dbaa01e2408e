"""A checker of your own for `sora`, in a file: it finds the names of a house that nobody may film.

A package brings it by an entry point, and `sora` asks it beside its own checkers, which it cannot take away:

    [project.entry-points."sora.checkers"]
    house = "own_checker:House"

It tells what it finds, and decides nothing: a policy does. For pictures, `kind` is "pictures", and `look` is given
frames `(n, height, width, 3)`, uint8. What it cannot look at it says (`Unable`): nothing passes because it broke.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sora_cli.policy.base import Finding, Kind, Unable

NAMES = Path("house-names.txt")
"""One name a line; `#` begins a remark."""


class House:
    """Finds the names of the house list in words."""

    name = "house names"
    version = "1"
    kind: Kind = "words"

    def look(self, items: Sequence[str]) -> list[list[Finding]]:
        """What is found in each text: a name of the list counts as a real person."""
        try:
            lines = NAMES.read_text(encoding="utf-8").casefold().splitlines()
        except OSError as error:
            raise Unable(f"{NAMES} cannot be read: {error.strerror}", f"write {NAMES}") from error
        names = [name for line in lines if (name := line.partition("#")[0].strip())]
        return [[Finding("real-people", 1.0, self.name) for name in names if name in text.casefold()] for text in items]
