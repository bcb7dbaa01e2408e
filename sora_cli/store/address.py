"""The store that `SORA_STORE` names: a folder, or an address."""

from __future__ import annotations

import hashlib
import os
import re

from sora_cli.store.store import Store, cache_folder, default_folder

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def open_store(limit: int | None = None) -> Store:
    """The store of this user, made when something is to be kept; at an address, with a folder here for what is used.

    Args:
        limit: the largest size of its folder here, in bytes.

    Raises:
        RequestError: no store has such an address.
    """
    named = os.environ.get("SORA_STORE", "")
    if not ADDRESS.match(named):
        return Store(default_folder(), limit)
    from sora_cli.store.remote import RemoteStore

    name = hashlib.sha256(named.rstrip("/").encode()).hexdigest()[:16]
    return RemoteStore(named, cache_folder() / "stores" / name, limit)
