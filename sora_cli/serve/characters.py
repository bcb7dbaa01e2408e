"""Characters: who or what comes back in several videos, kept as a picture out of a film that a client sends."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from sora_cli import atomic
from sora_cli.errors import SoraError
from sora_cli.flows import ordered
from sora_cli.lock import scratch
from sora_cli.serve.queue import Queue
from sora_cli.serve.refusals import Refusal, missing

MOST = 100
"""Characters that a client may keep."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS characters (
    id TEXT PRIMARY KEY, client TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL);
"""


class Character(Struct, frozen=True):
    """A character of a client's. `created` is in seconds since 1970."""

    id: str
    name: str
    created: int


class Characters:
    """The characters beside the orders of a queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._folder = queue, queue.folder / "characters"
        with queue.open() as base:
            base.executescript(_SCHEMA)

    def place(self, name: str) -> Path:
        """Where the picture of a character lies."""
        return self._folder / f"{name}.webp"

    def make(self, client: str, name: str, film: BinaryIO) -> Character:
        """Keep a character: the frame in the middle of a film.

        Raises:
            Refusal: the film cannot be read, or the client has too many.
        """
        with self._queue.open() as base:
            (kept,) = base.execute("SELECT count(*) FROM characters WHERE client = ?", (client,)).fetchone()
        if kept >= MOST:
            raise Refusal(429, f"you have {MOST} characters already", "rate_limit_exceeded")
        made = Character(f"char_{secrets.token_hex(16)}", name, int(time.time()))
        self._folder.mkdir(exist_ok=True, mode=0o700)
        with atomic.aside(self.place(made.id)) as part, part.open("xb") as file:
            file.write(_picture(film))
        with self._queue.open() as base:
            base.execute("INSERT INTO characters VALUES (?, ?, ?, ?)", (made.id, client, name, made.created))
        return made

    def require(self, name: str, client: str) -> Character:
        """A character of a client.

        Raises:
            Refusal: it has none of this name.
        """
        words = "SELECT id, name, created FROM characters WHERE id = ? AND client = ?"
        with self._queue.open() as base:
            row = base.execute(words, (name, client)).fetchone()
        if row is None:
            raise missing("character", name)
        return Character(*row)

    def remove(self, character: Character) -> None:
        """Remove a character; videos that were ordered with it keep their copy."""
        with self._queue.open() as base:
            base.execute("DELETE FROM characters WHERE id = ?", (character.id,))
        self.place(character.id).unlink(missing_ok=True)


def _picture(film: BinaryIO) -> bytes:
    with scratch() as folder:
        place = folder / "video.mp4"  # what it is, its bytes say
        with place.open("xb") as file:
            shutil.copyfileobj(film, file)
        try:
            return ordered.portrait(place)
        except SoraError as error:
            raise Refusal(400, f"video: {error.message.replace(str(place), 'it')}", "invalid_value", "video") from None
