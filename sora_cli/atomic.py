"""A file that is whole or not there: written aside in the same folder, flushed to the disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.errors import HINT_WRITE, MediaError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LONGER = len("..01234567.part.c2pa")
"""Characters that the name of a file aside has beyond the file's own (its credential's ending included)."""
_UNFLUSHED = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EACCES}
"""What systems say of folders that they cannot flush, as those which VirtualBox shares, or that may not be read."""


@contextlib.contextmanager
def spare(path: Path) -> Iterator[Path]:
    """A free name beside `path`, with the same ending; whatever has it at the end is removed."""
    aside = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield aside
    finally:
        remove(aside)


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the name `path` when the block ends well.

    Raises:
        OSError: nothing was written, or the disk refuses.
    """
    with spare(path) as part:
        yield part
        put(part, path)


def write(path: Path, text: str) -> None:
    """Write a text file. Raises `OSError`."""
    with aside(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")  # of JSON: names that are no UTF-8


@contextlib.contextmanager
def writing(path: Path, hint: str = HINT_WRITE) -> Iterator[None]:
    """Tell what the disk refuses in the block as an error of the file, or the folder, that is written there.

    Raises:
        MediaError: the disk refuses.
    """
    try:
        yield
    except OSError as error:
        raise MediaError(f"cannot write {path}: {error.strerror or error}", hint=hint) from error


def save(path: Path, text: str, hint: str = HINT_WRITE) -> None:
    """Write a text file; its folder is made where there is none.

    Raises:
        MediaError: the disk refuses.
    """
    with writing(path, hint):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, text)


def put(part: Path, path: Path, *, replace: bool = True) -> None:
    """Flush a file, or a folder with its files, to the disk, and give it the name `path`.

    What was there is replaced, a full folder as well; without `replace` a full folder there stays.

    Raises:
        OSError: the disk refuses, or the folder that is there shall stay.
    """
    for each in (*(sorted(part.iterdir()) if part.is_dir() else ()), part):
        flush(each)
    with contextlib.ExitStack() as stack:
        if replace and part.is_dir() and path.is_dir():  # a folder takes no full folder's place
            path.replace(stack.enter_context(spare(path)))
        part.replace(path)
    flush(path.parent)


def leftovers(path: Path) -> list[Path]:
    """Files (and folders) aside of `path`, and their credentials: its dead writers' where nobody writes it now."""
    part = re.compile(rf"\.{re.escape(path.stem)}\.[0-9a-f]{{8}}\.part{re.escape(path.suffix)}(\.c2pa)?")
    return [each for each in path.parent.iterdir() if part.fullmatch(each.name)]


def remove(path: Path) -> None:
    """Remove a file or a folder of ours, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; where systems flush no folders', nothing."""
    folder = path.is_dir()
    if folder and os.name != "posix":
        return
    try:
        # Windows flushes only what is open for writing.
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if not folder or error.errno not in _UNFLUSHED:
            raise


class Remembering(io.FileIO):
    """A file that remembers what the disk said, for writers that only tell that something went wrong."""

    refused: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        """Write bytes."""
        try:
            return super().write(data)
        except OSError as error:
            self.refused = error
            raise
