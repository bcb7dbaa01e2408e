"""What a store keeps of every film that was released: its manifest, and what finds it again without one.

A file's name begins with the film's code in hexadecimal, so that one look at the folder tells all codes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from sora_cli import atomic
from sora_cli.store.disk import Disk

_MANIFEST, _MARKS = ".c2pa", ".prints"


class KeptRelease(Struct, frozen=True):
    """A film that was released: its code, and where its manifest and its pictures' signatures are."""

    code: bytes
    manifest: Path

    @property
    def marks(self) -> Path:
        """The signatures of its pictures."""
        return self.manifest.with_suffix(_MARKS)


class ReleasedFilms:
    """The released films in a store's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "released"
        self._disk = Disk(folder)

    def keep(self, code: bytes, manifest: bytes, marks: bytes) -> None:
        """Keep a film's manifest; it counts once it is whole.

        Raises:
            StoreError: the store cannot be written.
        """
        path = self._folder / f"{code.hex()}-{hashlib.sha256(manifest).hexdigest()[:32]}{_MANIFEST}"
        with self._disk.telling("write to the store"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for place, data in ((path.with_suffix(_MARKS), marks), (path, manifest)):
                with atomic.aside(place) as part:
                    part.write_bytes(data)

    def all(self) -> Iterator[KeptRelease]:
        """Every film that is kept.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._disk.telling("read the store"):
            paths = sorted(self._folder.glob(f"*-*{_MANIFEST}"))
        for path in paths:
            code = path.name.partition("-")[0]
            if len(code) == 64 and all(letter in "0123456789abcdef" for letter in code):
                yield KeptRelease(bytes.fromhex(code), path)
