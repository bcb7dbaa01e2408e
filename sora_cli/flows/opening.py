"""Files that a film is made of, opened before the work as the film will open them.

A file in which nothing was found wrong, and that has no credential, is remembered by its content: an unchanged
storyboard costs no decoder. What was refused, and what is signed, is opened each time: a credential can lapse.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sora_cli import __version__
from sora_cli.bounded import file_hash
from sora_cli.errors import CertificateError, MediaError, StampError
from sora_cli.remembered import cache_folder, remembered
from sora_cli.storyboard.files import AS_FILM, FILMS, PICTURES, SOUND_USES, SOUNDS, is_film, suffix

VERSION = 4
"""Raised when the same file would be judged otherwise."""
READERS = ("av", "pillow", "pillow-heif", "c2pa-python")
LARGEST = 64 * 2**20
"""Up to this many bytes, hashing a file costs less than opening it."""


def opened(path: Path, use: str) -> tuple[str, ...]:
    """Open a file as the film will; look pictures and fonts go into no credential, all other media do.

    Returns:
        Remarks on how it is used.

    Raises:
        SoraError: it cannot be used.
    """
    kind = suffix(path.name)
    if kind == "cube":
        from sora_cli.colour.cube import read_cube

        read_cube(path)
        return ()
    if kind not in (*SOUNDS, *PICTURES, *FILMS) and use not in SOUND_USES:
        return ()
    name = _name(path, use)
    if not name:
        return _opened(path, use)[0]
    before = remembered(cache_folder() / "opened.jsonl", _state())
    kept = before.find(name)
    if isinstance(kept, list) and all(isinstance(each, str) for each in kept):
        return tuple(kept)
    remarks, signed = _opened(path, use)
    if not signed and _name(path, use) == name:
        before.keep({name: list(remarks)})
    return remarks


def kept(path: Path, what: str, find: Callable[[Path], float]) -> float:
    """A number that depends on a file alone, found once.

    Raises:
        What `find` raises.
    """
    name = _name(path, what)
    before = remembered(cache_folder() / "opened.jsonl", _state())
    known = before.find(name) if name else None
    if isinstance(known, int | float):
        return known
    found = find(path)
    if name:
        before.keep({name: found})
    return found


@cache
def _state() -> str:
    """All that decides whether a file can be used."""
    found = [str(VERSION), __version__]
    for package in READERS:
        with suppress(PackageNotFoundError):
            found.append(f"{package} {version(package)}")
    return ", ".join(found)


def _name(path: Path, use: str) -> str:
    """The name under which this use of a file is remembered; empty if it is large or a credential lies beside it."""
    from sora_cli.stamp.beside import sidecar_for

    with suppress(OSError):
        if path.stat().st_size <= LARGEST and sidecar_for(path) is None:
            return f"{file_hash(path)} {suffix(path.name)} {use}"
    return ""


def _opened(path: Path, use: str) -> tuple[tuple[str, ...], bool]:
    """Remarks, and whether the file has a credential or may have one."""
    from sora_cli.media.read.usable import require_usable

    kind = suffix(path.name)
    if kind in SOUNDS or use in SOUND_USES:
        remarks = require_usable(path, "sound")
        if use == "ambience":
            from sora_cli.sound.mix import looped_file

            next(looped_file(path))
    else:
        still = kind in PICTURES and not (use in AS_FILM and is_film(path))
        remarks = require_usable(path, "picture" if still else "film", for_model=use == "reference")
        if use == "image":  # the mark is seen through where it is transparent
            return (), False
        if use in {"match", "look"}:
            return remarks, False
    note, signed = _credential(path)
    return remarks + note, signed


def _credential(path: Path) -> tuple[tuple[str, ...], bool]:
    """What of a file's credential does not count, and whether it has one.

    Raises:
        MediaError: the file was changed since it was signed: the film's credential would not stand.
    """
    from sora_cli.stamp import look_at

    try:
        found = look_at(path)
    except (StampError, CertificateError) as error:
        raise MediaError(error.message, hint=error.hint) from error
    return (f"{found.note}; it is used",) if found.note else (), not found.bare
