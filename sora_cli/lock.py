"""One at a time: an operating-system lock on a file, which ends with the process that holds it.

The kernel gives the lock back when its holder ends, however it ends. So there are no stale locks, and nothing here
reads a clock to guess whether a holder is still alive.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from sora_cli.bounded import is_file
from sora_cli.errors import StoreError

PATIENCE = 0.1
"""Seconds between two looks at a lock that somebody else holds."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_SCRATCH, _MARK = re.compile(r"sora-[0-9a-f]{16}"), ".scratch-of-sora.lock"
"""The names of scratch folders, and of the lock inside that says who made them."""

if sys.platform == "win32":
    import msvcrt
    import random

    _RANGE = 1 << 30

    def _lock(handle: int, *, shared: bool) -> None:
        # Windows locks ranges of bytes, for one holder each: a shared lock is one byte anywhere, an exclusive one all.
        start, count = (random.randrange(_RANGE), 1) if shared else (0, _RANGE)  # noqa: S311  no secret
        os.lseek(handle, start, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, count)

else:
    import fcntl

    def _lock(handle: int, *, shared: bool) -> None:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Held(ABC):
    """What is held until `release`, or the end of a with-block."""

    @abstractmethod
    def release(self) -> None:
        """Give it back."""

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self.release()


class Lock(Held):
    """A lock on the file `path`, held until `release` or the end of a with-block.

    The file is empty. It goes away with the lock, unless the lock is shared or the file `stays` for others to share. A
    file of that name with something in it is not ours: it is locked, and stays.
    """

    def __init__(self, path: Path, handle: int, *, stays: bool) -> None:
        self.path = path
        self._handle = handle
        self._stays = stays

    @classmethod
    def take(cls, path: Path, *, shared: bool = False, stays: bool = False) -> Lock | None:
        """Lock the file, making it where it is not there; None where somebody else holds it. Never waits.

        Raises:
            OSError: the file cannot be made, or a link or a pipe has its name.
            StoreError: the file system has no locks.
        """
        while True:
            handle = _open(path, shared=shared)
            try:
                _lock(handle, shared=shared)
                if _same_file(handle, path):
                    return cls(path, handle, stays=stays or shared)
            except OSError as error:
                os.close(handle)
                if error.errno in _NO_LOCKS:
                    hint = "name a folder on a local disk: -o for the film, SORA_STORE for the store"
                    raise StoreError(f"the file system of {path.parent} has no locks", hint=hint) from error
                if error.errno in _HELD:
                    return None
                raise
            os.close(handle)  # its last holder removed it while we waited for the lock: take the new one

    @classmethod
    def wait(cls, path: Path, *, shared: bool = False, meanwhile: Callable[[], None] = lambda: None) -> Lock:
        """Lock the file as soon as nobody else holds it; `meanwhile` is called while waiting, and may raise."""
        while True:
            lock = cls.take(path, shared=shared)
            if lock is not None:
                return lock
            meanwhile()
            time.sleep(PATIENCE)

    def release(self) -> None:
        """Give the lock back."""
        if not self._stays and not os.fstat(self._handle).st_size:  # a lock of ours is empty
            with contextlib.suppress(OSError):  # Windows keeps a file that is open; an empty file harms nobody
                self.path.unlink()
        os.close(self._handle)


def _open(path: Path, *, shared: bool) -> int:
    """Open a lock's file, following no link: one that leads nowhere would make a file there."""
    plain = getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | plain, 0o666)
    except OSError as error:
        if path.is_symlink():
            raise _no_lock(path) from error
        if not shared or error.errno not in {errno.EROFS, errno.EACCES}:
            raise
        handle = os.open(path, os.O_RDONLY | plain)  # in a folder that may only be read it can be shared as well
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _no_lock(path)
    return handle


def _no_lock(path: Path) -> OSError:
    return FileExistsError(errno.EEXIST, f"{path.name} should be a lock, and is not a plain file", str(path))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for files that nobody needs afterwards. Those of processes that were killed are removed as well.

    Raises:
        OSError: there is no room for temporary files.
    """
    base = Path(tempfile.gettempdir())
    for left in [path for path in base.glob("sora-*") if _is_scratch(path)]:
        with contextlib.suppress(OSError, StoreError):  # another user's
            lock = Lock.take(left / _MARK, stays=True)
            if lock is not None:
                with lock:
                    shutil.rmtree(left, ignore_errors=True)
    folder, lock = _new_scratch(base)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_scratch(path: Path) -> bool:
    """Whether a folder is one of `scratch` that we may look into: by its name and the lock in it, through no link."""
    return bool(_SCRATCH.fullmatch(path.name)) and not path.is_symlink() and is_file(path / _MARK)


def _new_scratch(base: Path) -> tuple[Path, Lock]:
    while True:
        folder = base / f"sora-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # somebody found it between its making and its lock
            lock = Lock.take(folder / _MARK, stays=True)
            if lock is not None:
                return folder, lock


def _same_file(handle: int, path: Path) -> bool:
    """Whether the name still leads to the file that is open; a lock on a removed file holds off nobody."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
