"""The folder of a store on its disk: whose it is, and what is said where it cannot be read or written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sora_cli.errors import MediaError, StoreError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


class Disk:
    """Where a store lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._trusted: set[Path] = set()

    def require_own(self, folder: Path) -> None:
        """Refuse a folder that others can write: what they put there would be signed as made here.

        Raises:
            StoreError: somebody else's, or everybody's.
        """
        if os.name != "posix" or folder in self._trusted:
            return
        try:
            facts = folder.stat()
        except FileNotFoundError:
            return
        others = facts.st_uid not in {os.geteuid(), 0}
        everybody = facts.st_mode & stat.S_IWOTH and not os.statvfs(folder).f_flag & os.ST_RDONLY
        if others or everybody:
            whose = "belongs to somebody else" if others else "can be written by everybody"
            hint = f"chmod go-w {folder}" if not others else "SORA_STORE names another folder"
            raise StoreError(f"the store {folder} {whose}: clips put there would be signed as made here", hint=hint)
        self._trusted.add(folder)

    @contextlib.contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """Turn an error of the file system into a `StoreError` that says what to do."""
        try:
            yield
        except OSError as error:
            raise self._error(what, error) from error
        except MediaError as error:
            # A codec's write fails for the disk's reasons: that is no fault of the take, and hits every other one.
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL | REFUSED | {errno.EIO}:
                raise self._error(what, error.__cause__) from error
            raise

    def _error(self, what: str, error: OSError) -> StoreError:
        hint = "check the disk for errors; SORA_STORE names another folder"
        if error.errno in FULL:
            hint = "make room (sora store clean), then run the same command again: what was made is kept"
        elif error.errno in REFUSED:
            hint = "you may not write there; SORA_STORE names another folder"
        elif error.errno in {errno.ENOTDIR, errno.EEXIST}:
            hint = "something else lies there: move it away; SORA_STORE names another folder"
        return StoreError(f"cannot {what} ({self.folder}): {error.strerror or error}", hint=hint)
