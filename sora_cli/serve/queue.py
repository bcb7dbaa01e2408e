"""The orders of all clients, in SQLite: what was accepted is on the disk, and is made once, whatever is killed.

An order is a row and a folder with its storyboard. The folder is written first: an order without a row was never
accepted. One worker takes orders, fairly: the client who was served least lately comes first. An order that was being
made when the worker ended goes back, and comes first; its film is found where it was finished.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sora_cli.bounded import Json
from sora_cli.errors import RequestError, StoreError

Kind = Literal["video", "storyboard"]
Status = Literal["queued", "in_progress", "completed", "failed"]
ENDED = ("completed", "failed")
CRASHES = 2
"""How often a worker may die over one order before the order counts as failed."""
_NAME = re.compile(r"(video|storyboard)_[0-9a-f]{32}")
_LAST = 2**62
_PATIENCE = 30.0
"""Seconds to wait for another process that writes."""
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, client TEXT NOT NULL, kind TEXT NOT NULL,
    status TEXT NOT NULL, progress INTEGER NOT NULL DEFAULT 0, facts TEXT NOT NULL, error TEXT, sha256 TEXT,
    created INTEGER NOT NULL, started INTEGER, ended INTEGER, crashes INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0, calls INTEGER NOT NULL DEFAULT 0, call_at INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_status ON orders (status, client);
CREATE TABLE IF NOT EXISTS stops (id TEXT PRIMARY KEY, remove INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS turns (client TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""
_CANCELLED = json.dumps({"code": "cancelled", "message": "the order was cancelled before its film was made"})
_NEXT = """
SELECT number, client FROM orders LEFT JOIN turns USING (client) WHERE status = 'queued'
ORDER BY started IS NULL, coalesce(last, 0), number LIMIT 1
"""


class Full(RequestError):
    """Too many orders of one client wait."""


class Order(Struct, frozen=True):
    """An order: whose, of what (`facts`), and how far it is. Times are seconds since 1970."""

    id: str
    client: str
    kind: Kind
    status: Status
    progress: int
    facts: Mapping[str, Json]
    error: Mapping[str, Json] | None
    created: int
    ended: int | None
    calls: int

    @property
    def over(self) -> bool:
        """Whether it is completed or failed."""
        return self.status in ENDED

    def fact(self, name: str) -> str:
        """One of its facts, as text."""
        return str(self.facts.get(name, ""))


_COLUMNS = "id, client, kind, status, progress, facts, error, created, ended, calls"


_SHOWN = "id NOT IN (SELECT id FROM stops WHERE remove)"
"""Of orders that their clients see: one that is removed while it is made goes when that has stopped."""


def _order(row: tuple[str, str, Kind, Status, int, str, str | None, int, int | None, int]) -> Order:
    name, client, kind, status, progress, facts, error, created, ended, calls = row
    return Order(
        name, client, kind, status, progress, json.loads(facts), json.loads(error or "null"), created, ended, calls
    )


def _room(base: sqlite3.Connection, client: str, most: int) -> bool:
    waiting = "SELECT count(*) FROM orders WHERE client = ? AND status = 'queued'"
    return bool(base.execute(waiting, (client,)).fetchone()[0] < most)


class Queue:
    """The orders under one folder, which is made where it is not there.

    Raises:
        RequestError: the folder is a file.
        StoreError: the folder cannot be written, or its list of orders is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "orders.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.open() as base:
                base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            hint = "--folder names another folder, on a local disk"
            if folder.is_file():
                raise RequestError(f"cannot keep orders in {folder}: it is a file", hint=hint) from error
            why = getattr(error, "strerror", None) or error
            raise StoreError(f"cannot keep orders in {folder}: {why}", hint=hint) from error

    @contextlib.contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """One connection for one piece of work, all of which is on the disk at the end, or none of it."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level="IMMEDIATE")) as base:
            base.execute("PRAGMA synchronous = FULL")
            with base:
                yield base

    def _rows(self, words: str, *values: object) -> list[Order]:
        with self.open() as base:
            return [_order(row) for row in base.execute(f"SELECT {_COLUMNS} FROM orders {words}", values)]  # noqa: S608  our own words

    def _change(self, words: str, *values: object) -> int:
        """Change the orders; how many were changed."""
        with self.open() as base:
            return base.execute(words, values).rowcount

    # -- clients ---------------------------------------------------------------------------------

    def new_id(self, kind: Kind) -> str:
        """A name for an order, which nobody guesses; its folder is made."""
        name = f"{kind}_{secrets.token_hex(16)}"
        self.place(name).mkdir(parents=True, mode=0o700)
        return name

    def place(self, name: str) -> Path:
        """The folder of an order."""
        return self.folder / "orders" / name

    def add(self, name: str, client: str, kind: Kind, facts: Mapping[str, Json], most: int) -> Order:
        """Accept an order whose folder is written; once this returns it will be made.

        Where its facts name the `line` of a batch, that line is its own from now on.

        Raises:
            Full: `most` orders of this client wait already.
        """
        with self.open() as base:
            base.execute("BEGIN IMMEDIATE")  # two that are accepted at once would both find room for one
            if not _room(base, client, most):
                raise Full(f"{most} of your orders wait already", hint="wait until one of them is made")
            base.execute(
                "INSERT INTO orders (id, client, kind, status, facts, created) VALUES (?, ?, ?, 'queued', ?, ?)",
                (name, client, kind, json.dumps(facts), int(time.time())),
            )
            if isinstance(line := facts.get("line"), list):
                base.execute("UPDATE lines SET order_id = ? WHERE batch = ? AND number = ?", (name, *line))
        return self.require(name, client)

    def room(self, client: str, most: int) -> bool:
        """Whether fewer than `most` orders of a client wait."""
        with self.open() as base:
            return _room(base, client, most)

    def of_batch(self, batch: str) -> list[Order]:
        """The orders that lines of a batch became."""
        return self._rows("WHERE id IN (SELECT order_id FROM lines WHERE batch = ?)", batch)

    def require(self, name: str, client: str) -> Order:
        """An order of this client.

        Raises:
            KeyError: it has none of this name; what others ordered is not there for it.
        """
        found = self._rows(f"WHERE id = ? AND client = ? AND {_SHOWN}", name, client)
        if not found:
            raise KeyError(name)
        return found[0]

    def listed(self, client: str, *, after: str, limit: int, rising: bool) -> list[Order]:
        """Videos of a client, newest first unless `rising`: up to `limit` of them, those `after` one of them.

        Raises:
            KeyError: there is no such order to begin after.
        """
        sign = 1 if rising else -1
        words = f"WHERE client = ? AND kind = 'video' AND number * ? > ? AND {_SHOWN} ORDER BY number * ? LIMIT ?"
        begin = self._number(after, client) * sign if after else -_LAST
        return self._rows(words, client, sign, begin, sign, limit)

    def _number(self, name: str, client: str) -> int:
        self.require(name, client)
        with self.open() as base:
            return int(base.execute("SELECT number FROM orders WHERE id = ?", (name,)).fetchone()[0])

    def known_film(self, sha256: str, client: str) -> Order | None:
        """The client's order whose film is this very file."""
        return next(iter(self._rows("WHERE sha256 = ? AND client = ? LIMIT 1", sha256, client)), None)

    def remove(self, name: str, client: str) -> bool:
        """Remove an order and its files; False where it is being made: then its client sees it no more.

        The worker stops, and removes it.
        """
        over = "DELETE FROM orders WHERE id = ? AND client = ? AND status != 'in_progress'"
        with self.open() as base:
            gone = base.execute(over, (name, client)).rowcount
            making = "INSERT OR REPLACE INTO stops SELECT id, 1 FROM orders WHERE id = ? AND client = ?"
            base.execute(making, (name, client))
        if gone:
            shutil.rmtree(self.place(name), ignore_errors=True)
        return bool(gone)

    def cancel(self, name: str, client: str) -> None:
        """Make an order no more: one that waits has failed, and the worker stops over one that is being made."""
        waits = "UPDATE orders SET status = 'failed', error = ?, ended = ? WHERE id = ? AND client = ?"
        making = "INSERT OR IGNORE INTO stops SELECT id, 0 FROM orders WHERE id = ? AND client = ?"
        with self.open() as base:
            base.execute(f"{waits} AND status = 'queued'", (_CANCELLED, int(time.time()), name, client))
            base.execute(f"{making} AND status = 'in_progress'", (name, client))

    def counts(self) -> dict[str, int]:
        """How many orders there are, by their status."""
        with self.open() as base:
            found = dict(base.execute("SELECT status, count(*) FROM orders GROUP BY status").fetchall())
        return {status: found.get(status, 0) for status in ("queued", "in_progress", *ENDED)}

    # -- the worker ------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Remove folders of orders that were never accepted. Only for a server that accepts none yet."""
        with self.open() as base:
            names = {name for (name,) in base.execute("SELECT id FROM orders")}
        for folder in (self.folder / "orders").glob("*_*"):
            if _NAME.fullmatch(folder.name) and folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def recover(self, *, crashed: bool = False) -> None:
        """Put back what was being made by a worker that is gone; one that `crashed` too often over it fails it."""
        self.settle()
        with self.open() as base:
            base.execute("UPDATE orders SET crashes = crashes + ? WHERE status = 'in_progress'", (int(crashed),))
            error = json.dumps({"code": "worker_died", "message": "the process that made this film died, twice"})
            over = "UPDATE orders SET status = 'failed', error = ?, ended = ? WHERE crashes >= ?"
            base.execute(f"{over} AND status = 'in_progress'", (error, int(time.time()), CRASHES))
            base.execute("UPDATE orders SET status = 'queued', progress = 0 WHERE status = 'in_progress'")

    def take(self) -> Order | None:
        """The next order, now in progress; None where none waits."""
        with self.open() as base:
            base.execute("BEGIN IMMEDIATE")  # else its client might remove it before it is in progress
            found = base.execute(_NEXT).fetchone()
            if found is None:
                return None
            number, client = found
            base.execute(
                "UPDATE orders SET status = 'in_progress', started = ? WHERE number = ?", (time.time(), number)
            )
            turn = "INSERT OR REPLACE INTO turns SELECT ?, coalesce(max(last), 0) + 1 FROM turns"
            base.execute(turn, (client,))
            row = base.execute(f"SELECT {_COLUMNS} FROM orders WHERE number = ?", (number,)).fetchone()  # noqa: S608  our own words
        return _order(row)

    def stopping(self) -> bool:
        """Whether the order that is being made is not wanted any more."""
        with self.open() as base:
            words = "SELECT count(*) FROM orders JOIN stops USING (id) WHERE status = 'in_progress'"
            return bool(base.execute(words).fetchone()[0])

    def settle(self) -> None:
        """End the orders that are not wanted any more: nobody makes them now. Those that are made all the same stay."""
        with self.open() as base:
            names = [name for (name,) in base.execute("SELECT id FROM stops WHERE remove")]
            base.execute("DELETE FROM orders WHERE id IN (SELECT id FROM stops WHERE remove)")
            over = "UPDATE orders SET status = 'failed', error = ?, ended = ? WHERE id IN (SELECT id FROM stops)"
            base.execute(f"{over} AND status = 'in_progress'", (_CANCELLED, int(time.time())))
            base.execute("DELETE FROM stops")
        for name in names:
            shutil.rmtree(self.place(name), ignore_errors=True)

    def progressed(self, name: str, percent: int) -> None:
        """Note how far an order is."""
        self._change("UPDATE orders SET progress = ? WHERE id = ?", percent, name)

    def completed(self, name: str, sha256: str) -> None:
        """An order's film is there."""
        words = "UPDATE orders SET status = 'completed', progress = 100, ended = ?, sha256 = ? WHERE id = ?"
        self._change(words, int(time.time()), sha256, name)

    def failed(self, name: str, error: Mapping[str, Json]) -> None:
        """An order cannot be filled."""
        words = "UPDATE orders SET status = 'failed', ended = ?, error = ? WHERE id = ?"
        self._change(words, int(time.time()), json.dumps(error), name)

    # -- webhooks --------------------------------------------------------------------------------

    def to_tell(self) -> list[Order]:
        """Orders that are over, and whose webhook is due."""
        words = "WHERE told = 0 AND status IN ('completed', 'failed') AND call_at <= ? ORDER BY ended LIMIT 20"
        return self._rows(words, int(time.time()))

    def told(self, name: str) -> None:
        """The webhook of an order was received."""
        self._change("UPDATE orders SET told = 1 WHERE id = ?", name)

    def tell_later(self, name: str, seconds: float | None) -> None:
        """The webhook of an order was not received: call again in so many seconds, or never."""
        if seconds is None:
            self.told(name)
            return
        at = int(time.time() + seconds)
        self._change("UPDATE orders SET calls = calls + 1, call_at = ? WHERE id = ?", at, name)
