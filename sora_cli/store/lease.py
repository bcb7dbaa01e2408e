"""One at a time, over an object store: a lease that its holder renews, and that others may take when it falls silent.

An object store has no locks that end with their process. So a lease is an object that is put where there is none. Its
holder puts it anew every `RENEW` seconds, on the condition that it is still the one it put. Who wants it and sees the
very same object for `LASTS` seconds, by a clock of its own, puts its own in its place on that condition: of all who
try, one succeeds. No clocks of two machines are compared. A holder that was silent too long knows that it has lost it.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import socket
import threading
import time

from sora_cli.errors import StoreError
from sora_cli.lock import Held
from sora_cli.store.bucket import Bucket, Tag

LASTS = 60.0
"""Seconds of silence after which a holder counts as dead."""
RENEW = 10.0
"""Seconds between two signs of life."""
ASK = 2.0
"""Seconds between two looks at a lease that somebody else holds."""


class Leases:
    """The leases of one process on the objects of a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._seen: dict[str, tuple[Tag | None, float, float]] = {}
        """Of leases of others: what each was known by, since when, and when it was last looked at."""

    def take(self, key: str) -> Lease | None:
        """Lease a key; None while somebody else holds it. Never waits.

        Raises:
            StoreError: the object store refuses or does not answer.
        """
        name, now = f"leases/{key}", time.monotonic()
        tag, since, asked = self._seen.get(key, (None, now, -math.inf))
        if now - asked < ASK:
            return None
        made = self._bucket.create(name, _sign())
        if made is None:
            there = self._bucket.tag(name)
            since = since if there == tag else now
            self._seen[key] = there, since, now
            made = self._bucket.replace(name, _sign(), there) if there and now - since >= LASTS else None
        if made is None:
            return None
        self._seen.pop(key, None)
        return Lease(self._bucket, name, made)


class Lease(Held):
    """A lease that is held until `release`, or the end of a with-block."""

    def __init__(self, bucket: Bucket, name: str, tag: Tag) -> None:
        self._bucket = bucket
        self._name = name
        self._tag: Tag | None = tag
        self._renewed = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=name, daemon=True)
        self._thread.start()

    @property
    def held(self) -> bool:
        """Whether nobody else may have taken it by now."""
        return self._tag is not None and time.monotonic() - self._renewed < LASTS

    def release(self) -> None:
        """Give it back; where somebody else has it by now, it stays theirs."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(StoreError):  # what nobody renews lapses
            if self.held and self._put():
                self._bucket.remove(self._name)

    def _renew(self) -> None:
        while self._tag is not None and not self._over.wait(RENEW):
            try:
                self._put()
            except StoreError:  # the network may come back within the lease
                continue

    def _put(self) -> bool:
        """Show that we live; whether it is still ours."""
        now = time.monotonic()
        self._tag = self._bucket.replace(self._name, _sign(), self._tag) if self._tag is not None else None
        self._renewed = now
        return self._tag is not None


def _sign() -> bytes:
    """Who holds it, for whoever looks; never the same twice, since an object is known by its content."""
    return f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}".encode()
