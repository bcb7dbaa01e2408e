"""What was found out before, kept in a file from one command to the next: a cache, which may be lost at any time."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from sora_cli.bounded import parse_json, read_bytes

MOST_KEPT = 50_000
"""Lines that are kept, and no more bytes than are read of a file; then all is found anew."""


def cache_folder() -> Path:
    """Where sora keeps what it can find out again."""
    import platformdirs  # only where something is kept

    return platformdirs.user_cache_path("sora")


@cache
def remembered(path: Path, state: str) -> Remembered:
    """What is kept in a file, read once a process."""
    return Remembered(path, state)


class Remembered:
    """Findings by name. `state` says by whom they were found: what another found does not count.

    Each is a line of its own. What is new is appended: commands that run side by side keep what each finds, and a line
    half written spoils no other.
    """

    def __init__(self, path: Path, state: str) -> None:
        self._path, self._state = path, sha256(state.encode()).hexdigest()[:12]
        self._found: dict[str, object] = {}
        self._unread: dict[bytes, bytes] = {}
        """Lines of our state by their names as JSON has them: of tens of thousands hardly any is asked for."""
        with suppress(OSError):
            lines = _read(path)
            if 0 < len(lines) < MOST_KEPT:
                head = f'["{self._state}", "'.encode()
                self._unread = {line[len(head) :].partition(b'", ')[0]: line for line in lines if line.startswith(head)}
            else:
                path.unlink()

    def find(self, name: str) -> object:
        """What was kept under a name, as anybody may have written it; None where nothing was."""
        line = self._unread.pop(json.dumps(name)[1:-1].encode(), None)
        if line is not None and name not in self._found:
            with suppress(ValueError):
                match parse_json(line):
                    case [self._state, str(), found]:
                        self._found[name] = found
        return self._found.get(name)

    def keep(self, found: Mapping[str, object]) -> None:
        """Remember plain data for the next command; where the disk takes nothing, for this one alone."""
        self._found |= found
        lines = "".join(f"\n{json.dumps([self._state, *each])}" for each in found.items())
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:
                file.write(lines)


def _read(path: Path) -> list[bytes]:
    """The lines of a file; none of one that is too large. Raises `OSError`."""
    try:
        return read_bytes(path).splitlines()
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
    return []
