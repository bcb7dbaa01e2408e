"""Files of others that go into a film: what their credentials are worth, and whether they stay the same meanwhile.

A file that was changed since it was signed is refused, since a new credential would hide that. All else is used: with a
note where its credential does not count, lies on the network, or could not be looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sora_cli.errors import StampError
from sora_cli.stamp.beside import sidecar_for
from sora_cli.stamp.credential import Ingredient, store_beside
from sora_cli.stamp.verdict import Verdict, verify

Identity = tuple[int, int, int, int]


class SourceFile(Struct, frozen=True):
    """A file that was looked at: `note` says what of its credential does not count."""

    path: Path
    note: str
    identity: Identity
    """Device, inode, size in bytes and time of the last change: another file has others."""
    bare: bool = False
    """Whether it certainly has no credential."""
    beside: Path | None = None
    """Its credential, where that lies beside it."""


def look_at(path: Path, root: str = "") -> SourceFile:
    """Read a file's credential before the file is used; `root` is a trusted root as PEM text.

    Raises:
        StampError: the file or its credential was changed since it was signed.
        RequestError: the file cannot be read.
    """
    identity = _identity(path)
    found = verify(path, anchors_pem=root, any_signer=True)
    if found.tampered:
        raise _broken(path, found)
    bare = found.state in {"none", "unsupported"}
    return SourceFile(path, _note(found), identity, bare, None if bare else store_beside(path))


def _broken(path: Path, found: Verdict) -> StampError:
    """The error of a file that was changed since it was signed, or that was signed with a changed part in it."""
    anew = "save it again without its credential, if you know what changed"
    if beside := sidecar_for(path):
        anew = f"move {beside} away, if you know what changed"
    what, hint = f"{path} was changed since it was signed", f"use the file as it was signed; or {anew}"
    if found.state == "broken":
        what = f"that of {path} is damaged"
    if found.of_parts:
        what, hint = f"a part of {path} had been changed before it was signed", anew
    why = "; ".join(dict.fromkeys(found.problems))
    return StampError(f"will not stamp over a broken credential: {what} ({why})", hint=hint)


class Sources:
    """The files that go into a film, each looked at once, before the first frame is read.

    Raises:
        StampError, RequestError: as `look_at` does.
    """

    def __init__(self, paths: Iterable[Path], root: str) -> None:
        self._found = {path: look_at(path, root) for path in dict.fromkeys(paths)}

    def notes(self) -> Iterator[tuple[Path, str]]:
        """The files whose credential does not count, and why."""
        return ((path, source.note) for path, source in self._found.items() if source.note)

    def ingredient(
        self, path: Path, relationship: Literal["componentOf", "inputTo", "parentOf"], label: str
    ) -> Iterator[Ingredient]:
        """Give the file as an ingredient. It must still be the file that was looked at when the next one is asked for.

        Raises:
            StampError: it was replaced or changed meanwhile: the film's frames are not this file's.
        """
        source = self._found[path]
        yield Ingredient(
            path=path, title=path.name, relationship=relationship, label=label, note=source.note, beside=source.beside
        )
        if _identity(path) != source.identity:
            raise StampError(
                f"{path} was replaced or changed while the film was made of it",
                hint="leave it alone and run the same command again",
            )


def _identity(path: Path) -> Identity:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0, 0, 0  # whoever reads it says what is wrong
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _note(found: Verdict) -> str:
    if found.state == "remote":
        return "its credential lies on the network and was not read"
    if found.state == "unreadable":
        return "it could not be looked into for a credential"
    return "; ".join(dict.fromkeys((*found.problems, *found.notes))) if found.codes else ""
