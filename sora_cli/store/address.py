"""The store that `SORA_STORE` names: a folder, or an address."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from sora_cli.bounded import expanded
from sora_cli.errors import RequestError
from sora_cli.packages import require
from sora_cli.store.store import Store

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|(s3|gs|az):", re.IGNORECASE)
"""How an address begins; those of known kinds are never meant for folders."""


def default_folder() -> Path:
    """Where clips are kept here: `$SORA_STORE`, else in the user's cache folder; of an address, what is used of it."""
    named = os.environ.get("SORA_STORE", "")
    if named and not ADDRESS.match(named):
        return expanded(named)
    import platformdirs  # not for commands that keep nothing

    name = hashlib.sha256(named.rstrip("/").encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("sora") / (f"stores/{name}" if named else "clips")


def open_store(limit: int | None = None) -> Store:
    """The store of this user, made when something is to be kept; at an address, with a folder here for what is used.

    Args:
        limit: the largest size of its folder here, in bytes.

    Raises:
        RequestError: no store has such an address, or no such folder can be made.
        MachineError: what reads such an address is not installed.
    """
    named = os.environ.get("SORA_STORE", "")
    if not ADDRESS.match(named):
        require_folder(named)
        return Store(default_folder(), limit)
    from sora_cli.store.remote import RemoteStore

    store = RemoteStore(named, default_folder(), limit)  # refuses addresses of other kinds
    require(f"the store {named}", "obstore")
    return store


def require_folder(named: str) -> None:
    """Refuse a folder that `SORA_STORE` names and that can be no store: it is a file, or cannot be made.

    Raises:
        RequestError: it says why.
    """
    if not named:
        return
    folder = expanded(named)
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        wrong = "" if there.is_dir() else f"{there} is not a folder"
        if not wrong and there != folder and not os.access(there, os.W_OK | os.X_OK):
            wrong = f"you may not write in {there}"
    except OSError as error:
        wrong = error.strerror or str(error)
    if wrong:
        raise RequestError(f"SORA_STORE is {named[:200]}: {wrong}", hint="name a folder that is there or can be made")
