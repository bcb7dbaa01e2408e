"""Small files that anybody may have written: only regular ones are opened, and only so much of them is read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import stat
from pathlib import Path
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

SMALL = 1 << 20
"""Bytes of a certificate, a key or a card."""
LARGE = 64 << 20
"""Bytes of a sidecar or a list: ten thousand takes fit in it."""


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file to read. A pipe without a writer would wait for ever, and a device may have no end.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        if path.is_dir():
            raise OSError(errno.EISDIR, "it is a folder", str(path))
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return io.BufferedReader(io.FileIO(handle, "rb"))


def read_bytes(path: Path, most: int = LARGE) -> bytes:
    """The bytes of a file that has at most `most`.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return data


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: it cannot be read, or is not a regular file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path, most: int = LARGE) -> Json:
    """The value in a JSON file.

    Raises:
        OSError: as `read_bytes` does.
        ValueError: it is not JSON, or nested too deep.
    """
    return parse_json(read_bytes(path, most))


def read_facts(path: Path) -> dict[str, Json]:
    """The object in a JSON file; empty where the file is missing or too large, or holds no object."""
    with contextlib.suppress(OSError, ValueError):
        facts = read_json(path)
        return facts if isinstance(facts, dict) else {}
    return {}


def parse_json(text: bytes | str) -> Json:
    """The value in a JSON text.

    Raises:
        ValueError: it is not JSON, or nested too deep.
    """
    try:
        value: Json = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def is_file(path: Path) -> bool:
    """Whether there is such a file, links followed; there is none of a name that no disk takes."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # its name is too long, or its folder may not be read
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, links followed; there is none of a name that no disk takes."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # its name is too long, or its folder may not be read
        return False


def expanded(name: str) -> Path:
    """A path as it is written, with `~` and `~user` put in; as it stands where that user has no home here."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def seen_from(path: Path, folder: Path) -> str:
    """A file's path relative to a folder: what is handed on must not show how a disk is laid out."""
    try:
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()
    except ValueError:  # on another drive of Windows
        return path.name
