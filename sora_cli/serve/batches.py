"""Batches: many videos in one file, kept beside the orders in SQLite.

A line of a batch becomes an order of the same queue. That it did is written with the order itself, so that no line is
ordered twice, whatever is killed, and none is forgotten.
"""

from __future__ import annotations

import io
import json
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import Struct
from pydantic import ValidationError

from sora_cli import atomic
from sora_cli.bounded import Json, parse_json
from sora_cli.data import fault_words
from sora_cli.serve.batch_forms import BatchLine
from sora_cli.serve.forms import VideoRequest
from sora_cli.serve.queue import Order, Queue
from sora_cli.serve.refusals import Refusal, missing

MOST_LINES, MOST_LINE, MOST_FILES, MOST_OPEN = 1000, 4 << 20, 100, 10
"""Lines of a batch and bytes of one; files that a client may keep, and batches that it may have open."""
TOLD = 100
"""Mistakes of a file that are told."""
NAME = "batch.jsonl"
"""What every file is called: nobody's own name for it is kept."""

State = Literal["failed", "in_progress", "completed", "cancelling", "cancelled"]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, client TEXT NOT NULL, purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, client TEXT NOT NULL, input TEXT NOT NULL,
    status TEXT NOT NULL, facts TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER, output TEXT, wrong TEXT);
CREATE TABLE IF NOT EXISTS lines (
    batch TEXT NOT NULL, number INTEGER NOT NULL, custom TEXT NOT NULL, body TEXT NOT NULL, order_id TEXT, error TEXT,
    PRIMARY KEY (batch, number));
"""


class File(Struct, frozen=True):
    """A file of a client's, or one that tells what became of a batch. `bytes` is how long it is."""

    id: str
    client: str
    purpose: str
    bytes: int
    created: int


class Batch(Struct, frozen=True):
    """A batch: whose, of which file, and how far. Times are seconds since 1970."""

    id: str
    client: str
    input: str
    status: State
    facts: Mapping[str, Json]
    created: int
    ended: int | None
    output: str | None
    wrong: str | None


class Line(Struct, frozen=True):
    """A line of a batch, the order that it became (None where its client removed it), or why it became none."""

    batch: str
    number: int
    custom: str
    ordered: bool
    error: Mapping[str, Json] | None
    order: Order | None

    @property
    def waits(self) -> bool:
        """Whether it is still to be ordered."""
        return not self.ordered and self.error is None

    @property
    def made(self) -> bool:
        """Whether its video is there."""
        return self.order is not None and self.order.status == "completed"

    @property
    def over(self) -> bool:
        """Whether nothing more becomes of it."""
        return not self.waits and (self.order is None or self.order.over)


_FILES = "SELECT id, client, purpose, bytes, created FROM files"
_BATCHES = "SELECT id, client, input, status, facts, created, ended, output, wrong FROM batches"
_LINES = "SELECT batch, number, custom, order_id, error FROM lines WHERE batch = ? ORDER BY number"


class Batches:
    """The batches and files beside the orders of a queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue, self._folder = queue, queue.folder / "files"
        with queue.open() as base:
            base.executescript(_SCHEMA)

    def tidy(self) -> None:
        """Remove files that were never accepted. Only for a server that accepts none yet."""
        with self._queue.open() as base:
            names = {name for (name,) in base.execute("SELECT id FROM files")}
        for path in self._folder.glob("*"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    # -- files -----------------------------------------------------------------------------------

    def place(self, name: str) -> Path:
        """Where a file lies."""
        return self._folder / name

    def keep(self, client: str, file: BinaryIO) -> File:
        """Keep a file that a client sends.

        Raises:
            Refusal: the client has too many already.
        """
        if len(self.files(client, MOST_FILES)) >= MOST_FILES:
            raise Refusal(429, f"you have {MOST_FILES} files already: delete some", "rate_limit_exceeded", wait=10)
        return self._kept(client, "batch", f"file-{secrets.token_hex(16)}", file)

    def _kept(self, client: str, purpose: str, name: str, told: BinaryIO) -> File:
        self._folder.mkdir(exist_ok=True, mode=0o700)
        with atomic.aside(self.place(name)) as part, part.open("xb") as file:
            shutil.copyfileobj(told, file)
        row = (name, client, purpose, self.place(name).stat().st_size, int(time.time()))
        words = "INSERT OR REPLACE INTO files (id, client, purpose, bytes, created) VALUES (?, ?, ?, ?, ?)"
        with self._queue.open() as base:
            base.execute(words, row)
        return File(*row)

    def file(self, name: str, client: str) -> File:
        """A file of a client.

        Raises:
            Refusal: it has none of this name.
        """
        with self._queue.open() as base:
            row = base.execute(f"{_FILES} WHERE id = ? AND client = ?", (name, client)).fetchone()
        if row is None:
            raise missing("file", name)
        return File(*row)

    def files(self, client: str, limit: int) -> list[File]:
        """The newest files of a client."""
        with self._queue.open() as base:
            rows = base.execute(f"{_FILES} WHERE client = ? ORDER BY number DESC LIMIT ?", (client, limit))
            return [File(*row) for row in rows]

    def remove(self, file: File) -> None:
        """Remove a file; a batch that was made of it goes on."""
        with self._queue.open() as base:
            base.execute("DELETE FROM files WHERE id = ?", (file.id,))
        self.place(file.id).unlink(missing_ok=True)

    # -- batches ---------------------------------------------------------------------------------

    def create(self, client: str, file: File, facts: Mapping[str, Json]) -> Batch:
        """Accept the batch in a file. One with mistakes has failed at once, and tells them; nothing of it is ordered.

        Raises:
            Refusal: the client has too many open batches.
        """
        lines, wrong = _read(self.place(file.id))
        name, now = f"batch_{secrets.token_hex(16)}", int(time.time())
        told = {**facts, **({"errors": [*wrong]} if wrong else {})}
        row = (
            name,
            client,
            file.id,
            "failed" if wrong else "in_progress",
            json.dumps(told),
            now,
            now if wrong else None,
        )
        accepted = [(name, number, line.custom_id, line.body.model_dump_json()) for number, line in lines if not wrong]
        with self._queue.open() as base:
            going = "SELECT count(*) FROM batches WHERE client = ? AND ended IS NULL"
            if base.execute(going, (client,)).fetchone()[0] >= MOST_OPEN:
                raise Refusal(429, f"{MOST_OPEN} of your batches are open already", "rate_limit_exceeded", wait=10)
            words = (
                "INSERT INTO batches (id, client, input, status, facts, created, ended) VALUES (?, ?, ?, ?, ?, ?, ?)"
            )
            base.execute(words, row)
            base.executemany("INSERT INTO lines (batch, number, custom, body) VALUES (?, ?, ?, ?)", accepted)
        return self.require(name, client)

    def require(self, name: str, client: str) -> Batch:
        """A batch of a client.

        Raises:
            Refusal: it has none of this name.
        """
        found = self._batches("WHERE id = ? AND client = ?", name, client)
        if not found:
            raise missing("batch", name)
        return found[0]

    def listed(self, client: str, after: str, limit: int) -> list[Batch]:
        """Batches of a client, newest first, those after one of them.

        Raises:
            Refusal: there is no such batch to begin after.
        """
        if not after:
            return self._batches("WHERE client = ? ORDER BY number DESC LIMIT ?", client, limit)
        self.require(after, client)
        older = "number < (SELECT number FROM batches WHERE id = ?)"
        return self._batches(f"WHERE client = ? AND {older} ORDER BY number DESC LIMIT ?", client, after, limit)

    def open_ones(self) -> list[Batch]:
        """All batches that are not over, oldest first."""
        return self._batches("WHERE ended IS NULL ORDER BY number")

    def cancel(self, batch: Batch) -> None:
        """Order no more of a batch; what is being made is finished."""
        with self._queue.open() as base:
            base.execute("UPDATE batches SET status = 'cancelling' WHERE id = ? AND ended IS NULL", (batch.id,))

    def lines(self, batch: Batch) -> list[Line]:
        """The lines of a batch, with their orders."""
        with self._queue.open() as base:
            rows = base.execute(_LINES, (batch.id,)).fetchall()
        orders = {order.id: order for order in self._queue.of_batch(batch.id)}
        return [
            Line(name, number, custom, order is not None, json.loads(error or "null"), orders.get(order))
            for name, number, custom, order, error in rows
        ]

    def asked(self, line: Line) -> VideoRequest:
        """What a line asks for."""
        with self._queue.open() as base:
            words = "SELECT body FROM lines WHERE batch = ? AND number = ?"
            (body,) = base.execute(words, (line.batch, line.number)).fetchone()
        return VideoRequest.model_validate_json(body)

    def refused(self, line: Line, error: Mapping[str, Json]) -> None:
        """Note why a line becomes no video."""
        words = "UPDATE lines SET error = ? WHERE batch = ? AND number = ?"
        with self._queue.open() as base:
            base.execute(words, (json.dumps(error), line.batch, line.number))

    def end(self, batch: Batch, done: Sequence[Mapping[str, Json]], wrong: Sequence[Mapping[str, Json]]) -> None:
        """Write what became of a batch into files, and close it."""
        names: dict[str, str | None] = {"output": None, "wrong": None}
        for kind, told in (("output", done), ("wrong", wrong)):
            if told:  # the same name each time: who was killed in between leaves nothing
                names[kind] = f"file-{batch.id.partition('_')[2]}-{kind}"
                data = "".join(json.dumps(each) + "\n" for each in told).encode()
                self._kept(batch.client, "batch_output", str(names[kind]), io.BytesIO(data))
        status = "cancelled" if batch.status == "cancelling" else "completed"
        words = "UPDATE batches SET status = ?, ended = ?, output = ?, wrong = ? WHERE id = ?"
        with self._queue.open() as base:
            base.execute(words, (status, int(time.time()), names["output"], names["wrong"], batch.id))

    def _batches(self, words: str, *values: object) -> list[Batch]:
        with self._queue.open() as base:
            rows = base.execute(f"{_BATCHES} {words}", values).fetchall()
        return [
            Batch(name, client, file, status, json.loads(facts), created, ended, output, wrong)
            for name, client, file, status, facts, created, ended, output, wrong in rows
        ]


def _read(path: Path) -> tuple[list[tuple[int, BatchLine]], list[dict[str, Json]]]:
    """The lines of a file, each with its number, and what is wrong with others."""
    lines: list[tuple[int, BatchLine]] = []
    wrong: list[dict[str, Json]] = []
    seen: set[str] = set()
    for number, text in _texts(path):
        try:
            line = BatchLine.model_validate(parse_json(text))
        except ValidationError as error:
            first = error.errors()[0]
            wrong.append(_mistake(number, f"{'.'.join(map(str, first['loc'])) or 'the line'}: {fault_words(first)}"))
        except ValueError:
            wrong.append(_mistake(number, "the line is not JSON"))
        else:
            if line.custom_id in seen:
                wrong.append(_mistake(number, f"custom_id {line.custom_id!r} is there twice"))
            seen.add(line.custom_id)
            lines.append((number, line))
    if len(lines) > MOST_LINES:
        wrong.append(_mistake(MOST_LINES + 1, f"a batch has at most {MOST_LINES} lines"))
    if not lines and not wrong:
        wrong.append(_mistake(1, "the file has no lines"))
    return lines, wrong[:TOLD]


def _texts(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not empty, from 1; of one with too many, one too many."""
    given = 0
    with path.open("rb") as file:
        for number in range(1, 1 << 20):
            text = file.readline(MOST_LINE)
            if not text or given > MOST_LINES:
                return
            if text.strip():
                given += 1
                yield number, text


def _mistake(line: int, message: str) -> dict[str, Json]:
    return {"code": "invalid_request", "line": line, "message": message, "param": None}
