"""Clips on disk, by key: lock, find, keep, explain.

A clip is a lossless film file `KEY.mp4`, maybe a tail of latents `KEY.npz`, and its card `KEY.json`. Files are written
aside, synced and renamed; the card comes last and the folder is synced after it, so what has a card is whole, also
after the plug was pulled. The card holds the files' hashes and a hash of itself; both are checked whenever a clip is
found: a damaged clip counts as absent, and is made again.

Several processes may share a store. Who makes a clip holds the lock of its key, which ends with its process; files
aside carry the key in their names, so that whoever holds the lock next knows them for leftovers of the dead. Who
works on a film holds the store as used, so that nobody cleans clips away under it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from sora_cli import atomic
from sora_cli.bounded import SMALL, Json, file_hash, read_json
from sora_cli.errors import StoreError
from sora_cli.lock import PATIENCE, Held, Lock
from sora_cli.store.card import Card, Clip, ClipFacts, Kept
from sora_cli.store.disk import REFUSED, Disk
from sora_cli.store.films import Films, in_json

RESERVE = 64 << 20
"""Bytes that are left free on the disk: cards, sidecars and other programs want some room too."""

COUNTED_ANEW = 60.0
"""Seconds after which the store's size is counted again: others may use it too."""

_OURS = re.compile(
    r"(\.[0-9a-f]{32}\.[0-9a-f]{8}\.part|\.[0-9a-f]{32}\.[0-9a-f]{32}|[0-9a-f]{32})\.(mp4|npz|flac|json|lock)"
)
"""Names of files of clips, aside or in place; whatever else lies in the store's folder is not ours to remove."""


class Store:
    """The clips under one folder, which is made when something is to be kept. `limit` is its largest size in bytes."""

    address = ""
    """Where its clips are kept for several machines, if they are."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self.limit = limit
        self.films = Films(folder)
        """What was noted of films, beside their clips."""
        self._disk = Disk(folder)
        self._counted: tuple[float, int] | None = None

    # -- several processes -----------------------------------------------------------------------

    def used(self, meanwhile: Callable[[], None] = lambda: None) -> contextlib.AbstractContextManager[object]:
        """Hold the store in use: others may use it too, and nobody cleans it. Waits while it is being cleaned.

        A store that we may only read is used as it is: what is missing in it is told when it is to be made.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._disk.telling("use the store"):
            try:
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._disk.require_own(self.folder)
                return Lock.wait(self.folder / "store.lock", shared=True, meanwhile=meanwhile)
            except OSError as error:
                if error.errno in {*REFUSED, errno.ENOENT} and self.folder.is_dir():
                    return contextlib.nullcontext()
                raise

    def alone(self) -> Lock | None:
        """Hold the store alone, to clean it; None while another process uses it.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._disk.telling("clean the store"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._disk.require_own(self.folder)
            return Lock.take(self.folder / "store.lock", stays=True)

    def lock(self, key: str) -> Held | None:
        """Take the lock of a key, to make its clip; None while it is held. Removes files of dead writers.

        Raises:
            StoreError: the store cannot be written.
        """
        return self.lock_here(key)

    def lock_here(self, key: str) -> Lock | None:
        """The same, among the processes that use this folder."""
        path = self.path(key, "lock")
        with self._disk.telling("use the store"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = Lock.take(path)
            if lock is not None:
                for left in path.parent.glob(f".{key}.*"):
                    left.unlink(missing_ok=True)
            return lock

    # -- clips -----------------------------------------------------------------------------------

    def find(self, key: str) -> Clip | None:
        """The clip of a key, if it is here and whole. Its card's time tells `sora store` that it was used.

        Raises:
            StoreError: the store cannot be read.
        """
        card = self.card(key)
        if card is None:
            return None
        path, tail = self.path(key, "mp4"), self.path(key, "npz") if card.tail else None
        with self._disk.telling("read a clip of the store"):
            try:
                if file_hash(path) != card.sha256 or (tail and file_hash(tail) != card.tail):
                    return None
            except FileNotFoundError:
                return None
        self._use(key)
        return card.clip(key, path, tail)

    def _use(self, key: str) -> None:
        """Note that a clip or a sound was used, and take away the lock of a maker who was killed after it was kept."""
        with contextlib.suppress(OSError, StoreError):  # on a disk that may only be read
            os.utime(self.path(key, "json"))
            left = self.lock_here(key) if self.path(key, "lock").exists() else None  # None: its maker keeps it just now
            if left is not None:
                left.release()

    def card(self, key: str) -> Card | None:
        """Read the card of a clip; None where it is missing or damaged."""
        return Card.if_whole(self._sealed(key))

    def has(self, key: str) -> bool:
        """Whether a clip or a sound was kept under a key, by its card: its file is looked at when it is to be used."""
        return self._sealed(key) is not None

    def _sealed(self, key: str) -> dict[str, Json] | None:
        """The data of a card, which holds a hash of itself."""
        path = self.path(key, "json")
        with self._disk.telling("read the store"):
            self._disk.require_own(self.folder)
            self._disk.require_own(path.parent)
            try:
                card = read_json(path, SMALL)
            except (FileNotFoundError, ValueError):
                return None
        return _unsealed(card)

    def keep(
        self,
        key: str,
        facts: ClipFacts | Callable[[], ClipFacts],
        write: Callable[[Path], None],
        write_tail: Callable[[Path], None] | None,
    ) -> Clip:
        """Keep a clip whose lock is held: `write` (and `write_tail`) are called with the path of a file to make.

        `facts` that are known only once the clip is written are called for then.

        Raises:
            StoreError: the store cannot be written; nothing is left under the clip's name.
        """
        path, tail = self.path(key, "mp4"), self.path(key, "npz") if write_tail is not None else None
        with self._disk.telling("keep a clip"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.aside(path) as aside:
                write(aside)
            if tail is not None and write_tail is not None:
                with atomic.aside(tail) as aside:
                    write_tail(aside)
            known = facts() if callable(facts) else facts
            self._write_card(key, Card.of(known, file_hash(path), file_hash(tail) if tail else "").to_dict())
            atomic.flush(self.folder)
            self._grow(path, self.path(key, "json"), *([tail] if tail else []))
        kept = self.find(key)
        if kept is None:
            raise StoreError(f"clip {key} did not read back from {path}", hint="check the disk for errors")
        return kept

    def _write_card(self, key: str, card: Mapping[str, object]) -> None:
        atomic.write(self.path(key, "json"), sealed(card))

    # -- sounds ----------------------------------------------------------------------------------

    def keep_sound(self, key: str, facts: Mapping[str, object], write: Callable[[Path], None]) -> Path:
        """Keep a sound under its key: `write` is called with the path of a FLAC file to make.

        While somebody else keeps the same sound, this waits, and then that one is taken.

        Raises:
            StoreError: the store cannot be written; nothing is left under the sound's name.
        """
        path = self.path(key, "flac")
        while (lock := self.lock(key)) is None:
            time.sleep(PATIENCE)
        with lock, self._disk.telling("keep a sound"):
            if self.find_sound(key) is None:
                with atomic.aside(path) as aside:
                    write(aside)
                card = {**json.loads(json.dumps(dict(facts))), "sha256": file_hash(path)}
                self._write_card(key, card)
                self._grow(path, self.path(key, "json"))
        return path

    def find_sound(self, key: str) -> tuple[Path, Mapping[str, Json]] | None:
        """The sound of a key and what was written of it, if it is here and whole; it counts as used.

        Raises:
            StoreError: the store cannot be read.
        """
        card, path = self._sealed(key), self.path(key, "flac")
        with self._disk.telling("read a sound of the store"):
            try:
                if card is None or file_hash(path) != card["sha256"]:
                    return None
            except FileNotFoundError:
                return None
        self._use(key)
        return path, card

    def make_room(self, name: str, size: int) -> None:
        """Refuse a take that may need `size` bytes where the disk, or the store's limit, has too few left.

        Raises:
            StoreError: there is too little room, said before any work is put into the take.
        """
        free = self.free()
        if free < size + RESERVE:
            message = f"the disk of {self.folder} is nearly full: {name} may need {megabytes(size)} and "
            raise StoreError(
                f"{message}{megabytes(free)} are free ({megabytes(RESERVE)} stay free)",
                hint="free some: sora store clean; what was made is kept: run the same command again",
            )
        if self.limit is None or self._about(COUNTED_ANEW) + size <= self.limit:
            return
        held = self._about(0)  # whoever is refused wants the truth
        if held + size > self.limit:
            raise StoreError(
                f"{name} may need {megabytes(size)}, which would take the store past its limit of "
                f"{megabytes(self.limit)} (it holds {megabytes(held)})",
                hint="free some: sora store clean; or raise --max-disk",
            )

    def _about(self, seconds: float) -> int:
        """Bytes that the store takes: counted within the last `seconds`, with what was kept since."""
        now = time.monotonic()
        if self._counted is None or now - self._counted[0] >= seconds:
            self._counted = now, self.size()
        return self._counted[1]

    def _grow(self, *paths: Path) -> None:
        if self._counted is not None:
            when, size = self._counted
            self._counted = when, size + sum(path.stat().st_size for path in paths)

    def size(self) -> int:
        """Bytes that the store takes on disk."""
        return sum(file.size for file in self.files())

    def free(self) -> int:
        """Bytes that are free on the store's disk."""
        folders = (self.folder, *self.folder.absolute().parents)
        with self._disk.telling("read the store"):
            return shutil.disk_usage(next(folder for folder in folders if folder.is_dir())).free

    def files(self) -> Iterator[Kept]:
        """List every file of clips, finished or being written."""
        with self._disk.telling("read the store"):
            for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
                for path in folder.iterdir():
                    if _OURS.fullmatch(path.name):
                        with contextlib.suppress(FileNotFoundError):  # renamed or removed meanwhile
                            facts = path.lstat()
                            yield Kept(path, facts.st_size, facts.st_mtime)

    def prune(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove what writers who died left half-written; how many files, how many bytes.

        Raises:
            StoreError: the store cannot be read or written.
        """
        left = [file for file in self.files() if file.aside]
        gone = []
        for key in dict.fromkeys(file.key for file in left):
            lock = None if dry_run else self.lock_here(key)  # which removes them; None: their writer lives
            gone += [file for file in left if file.key == key and (dry_run or lock is not None)]
            if lock is not None:
                lock.release()
        return len(gone), sum(file.size for file in gone)

    def changed(self, old: str | None, key: str, fields: Mapping[str, JsonValue]) -> list[str]:
        """Why a take whose clip had the key `old` will be shot again: the names of the fields that differ.

        Empty where nothing is known of it. Reads one card, however long the film is.
        """
        card = self.card(old) if old and old != key else None
        return [] if card is None else [name for name in fields if fields[name] != card.fields.get(name)]

    # -- files -----------------------------------------------------------------------------------

    def path(self, key: str, suffix: str) -> Path:
        """Where a file of a clip lies."""
        # Two letters of fan-out, as in git: no folder grows past some hundred files.
        return self.folder / key[:2] / f"{key}.{suffix}"


def megabytes(size: float) -> str:
    """Bytes in words: `3.4 GB`, `120 MB`; decimal, as disks are sold."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def sealed(card: Mapping[str, object]) -> str:
    """A card as it is written: with a hash of itself."""
    return in_json({**card, "seal": _seal(card)})


def unsealed(data: bytes) -> dict[str, Json] | None:
    """What a card says; None where it is damaged."""
    try:
        return _unsealed(json.loads(data))
    except ValueError:
        return None


def _unsealed(card: Json) -> dict[str, Json] | None:
    return card if isinstance(card, dict) and card.pop("seal", "") == _seal(card) else None


def _seal(card: Mapping[str, object]) -> str:
    return hashlib.sha256(in_json(card).encode()).hexdigest()
