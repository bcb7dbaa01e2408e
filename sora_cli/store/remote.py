"""A store that several machines share by an address: a bucket with all clips, and a folder here with those used here.

A clip is made in the folder, as in any store. Its files are put into the bucket whole, under names that hold their
hashes; then its card, on the condition that there is none: of two makers the first one counts, and the other takes its
clip. Only then the folder gets its card: what is kept here is kept there. A clip that is not in the folder is fetched
and checked. Clips in the bucket are never removed by sora.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from sora_cli import atomic
from sora_cli.bounded import Json, file_hash
from sora_cli.errors import StoreError
from sora_cli.lock import Held, Lock
from sora_cli.store.bucket import Bucket, Stored
from sora_cli.store.card import Clip
from sora_cli.store.lease import Lease, Leases
from sora_cli.store.store import Store, sealed, unsealed

LISTED = 10.0
"""Seconds for which the list of the bucket's clips is believed."""
LEFT = timedelta(days=1)
"""How old a file without a card is before it counts as left by who died: an upload may take long."""


class Both(Held):
    """A lock of this machine and a lease among all machines, on one clip."""

    def __init__(self, lock: Lock, lease: Lease | None, done: Callable[[], None]) -> None:
        self._lock = lock
        self._lease = lease
        self._done = done

    def release(self) -> None:
        """Give both back."""
        self._done()
        with self._lock:
            if self._lease is not None:
                self._lease.release()


class RemoteStore(Store):
    """The clips under an address. `limit` is the largest size of the folder here, in bytes."""

    def __init__(self, address: str, folder: Path, limit: int | None = None) -> None:
        super().__init__(folder, limit)
        self.address = address
        self._bucket = Bucket(address)
        self._leases = Leases(self._bucket)
        self._ours: set[str] = set()
        self._fit = False
        self._list: tuple[float, frozenset[str]] | None = None

    def __reduce__(self) -> tuple[type[Store], tuple[str, Path, int | None]]:
        """What another process opens it by."""
        return RemoteStore, (self.address, self.folder, self.limit)

    def used(self, meanwhile: Callable[[], None] = lambda: None) -> contextlib.AbstractContextManager[object]:
        """Hold the folder in use, after a look at whether the bucket can be trusted with leases.

        Raises:
            StoreError: it cannot, or does not answer.
        """
        if not self._fit:
            self._bucket.require_conditions()
            self._fit = True
        return super().used(meanwhile)

    def lock(self, key: str) -> Lock | Both | None:
        """Take the lock of a key here, and lease it among all machines; None while somebody else has it.

        Where its card is in the bucket, nobody has anything to do any more, whoever holds the lease: he may be dead.
        """
        lock = self.lock_here(key)
        if lock is None:
            return None
        lease, made = None, False
        try:
            lease = self._leases.take(key)
            made = lease is None and key in self._known()
        finally:
            if lease is None and not made:
                lock.release()
        if lease is None and not made:
            return None
        self._ours.add(key)
        return Both(lock, lease, lambda: self._ours.discard(key))

    # -- what is there ---------------------------------------------------------------------------

    def find(self, key: str) -> Clip | None:
        """The clip of a key, fetched where it is not here."""
        return super().find(key) or (super().find(key) if self._fetched(key) else None)

    def find_sound(self, key: str) -> tuple[Path, Mapping[str, Json]] | None:
        """The sound of a key, fetched where it is not here."""
        return super().find_sound(key) or (super().find_sound(key) if self._fetched(key) else None)

    def has(self, key: str) -> bool:
        """Whether a clip or a sound was kept under a key, here or there."""
        return super()._sealed(key) is not None or key in self._known()

    def _sealed(self, key: str) -> dict[str, Json] | None:
        here = super()._sealed(key)
        if here is not None or not (key in self._ours or key in self._known()):
            return here
        found = self._bucket.read(_card(key))
        return unsealed(found) if found else None

    def _use(self, key: str) -> None:
        """The same; a maker who was killed before he wrote the card here has left the clip without."""
        card = None if self.path(key, "json").exists() else self._sealed(key)
        if card is not None:
            with self._disk.telling("keep a clip"):
                super()._write_card(key, card)
        super()._use(key)

    def _known(self) -> frozenset[str]:
        """The keys whose cards are in the bucket, as of some seconds ago: to ask for each would take minutes."""
        if self._list is None or time.monotonic() - self._list[0] > LISTED:
            cards = (each for each in self._bucket.listed("clips") if each.name.endswith(".json"))
            self._list = time.monotonic(), frozenset(map(_key, cards))
        return self._list[1]

    def _fetched(self, key: str) -> bool:
        """Bring a clip or a sound here; whether it is there, and whole. Who holds its lock brings it for sure."""
        card = self._sealed(key)
        if card is None:
            return False
        for suffix, sha256 in files_of(card).items():
            path = self.path(key, suffix)
            with self._disk.telling("keep a clip"):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with atomic.spare(path) as aside:
                    if not self._bucket.download(_file(key, sha256, suffix), aside):
                        return False
                    try:
                        if file_hash(aside) != sha256:
                            return False
                        atomic.put(aside, path)
                    except FileNotFoundError:  # who locks the key (`store prune` does) removes what lies aside
                        return False
        with self._disk.telling("keep a clip"):
            super()._write_card(key, card)
        return True

    # -- keeping ---------------------------------------------------------------------------------

    def _write_card(self, key: str, card: Mapping[str, object]) -> None:
        """Put the files of a clip into the bucket, then its card, then its card here."""
        for suffix, sha256 in files_of(card).items():
            self._bucket.upload(_file(key, sha256, suffix), self.path(key, suffix))
        data = sealed(card).encode()
        if self._bucket.create(_card(key), data) is not None:
            self._bucket.require(_card(key), len(data))
            super()._write_card(key, card)
        elif not self._fetched(key):  # what is there is not whole: ours takes its place, unless another one's did
            tag = self._bucket.tag(_card(key))
            if tag is None or self._bucket.replace(_card(key), data, tag) is None:
                raise StoreError(f"clip {key} is being changed in {self.address}", hint="run the same command again")
            super()._write_card(key, card)

    # -- what is left by who died ----------------------------------------------------------------

    def prune(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove what interrupted uploads left in the bucket, and leases that nobody renews; how many, how many bytes.

        A file stays while its clip has a card, and while it is young: it may be a clip that is being put there.
        """
        self._bucket.require_conditions()
        mark = f"probe/{secrets.token_hex(8)}"
        self._bucket.create(mark, b"now")
        every = [each for folder in ("clips", "leases", "probe") for each in self._bucket.listed(folder)]
        now = next(each.written for each in every if each.name == mark)  # by the server's clock
        self._bucket.remove(mark)
        whole = {_key(each) for each in every if each.name.endswith(".json")}
        left = [each for each in every if _key(each) not in whole or not each.name.startswith("clips/")]
        left = [each for each in left if each.name != mark and now - each.written > LEFT]
        for each in () if dry_run else left:
            self._bucket.remove(each.name)
        number, size = super().prune(dry_run=dry_run)
        return number + len(left), size + sum(each.size for each in left)


def _key(stored: Stored) -> str:
    """The key of an object's clip."""
    return stored.name.rpartition("/")[2].partition(".")[0]


def files_of(card: Mapping[str, object]) -> dict[str, str]:
    """The hashes of a clip's or a sound's files, by their endings."""
    first = "mp4" if "frames" in card else "flac"
    found = {first: card.get("sha256"), "npz": card.get("tail")}
    return {suffix: str(sha256) for suffix, sha256 in found.items() if sha256}


def _card(key: str) -> str:
    return f"clips/{key[:2]}/{key}.json"


def _file(key: str, sha256: str, suffix: str) -> str:
    return f"clips/{key[:2]}/{key}.{sha256}.{suffix}"
