"""What a store notes of films: the keys that a storyboard's takes had, and which clips released films are made of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sora_cli import atomic
from sora_cli.bounded import read_facts
from sora_cli.data import LIST, MOST, Record
from sora_cli.errors import StoreError
from sora_cli.lock import Lock
from sora_cli.store.disk import REFUSED, Disk


class ReleaseNote(Record):
    """A released film: where it and its sidecar were written, and the keys of its clips."""

    film: str = ""
    sidecar: str = ""
    keys: Annotated[tuple[str, ...], LIST, Field(max_length=MOST)] = ()


class Films:
    """The notes of films in a store's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "films"
        self._disk = Disk(folder)

    def remember(self, film: str, keys: Mapping[str, str]) -> None:
        """Note which key each take of a storyboard had, so that a later plan can say what changed."""
        self._note(f"{film}.json", {**self.remembered(film), **keys})

    def remembered(self, film: str) -> dict[str, str]:
        """The keys noted last time, by take name."""
        told = read_facts(self._folder / f"{film}.json")
        return {name: key for name, key in told.items() if isinstance(key, str)}

    def released(self, film: Path, sidecar: Path, keys: Iterable[str]) -> None:
        """Note that a film is made of these clips: they are kept for as long as the film's sidecar exists.

        In a store that we may only read nothing is noted: nor do we clean it.

        Raises:
            StoreError: the store cannot be written for another reason.
        """
        name = hashlib.sha256(os.fsencode(sidecar.resolve())).hexdigest()[:32] + ".film"
        note = ReleaseNote(film=str(film.resolve()), sidecar=str(sidecar.resolve()), keys=tuple(sorted(set(keys))))
        path = self._folder / name
        if read_facts(path) != note.to_dict() or path.with_suffix(".lock").exists():  # left by who was killed
            try:
                self._note(name, note.to_dict())
            except StoreError as error:
                if not (isinstance(error.__cause__, OSError) and error.__cause__.errno in REFUSED):
                    raise

    def releases(self) -> Iterator[tuple[Path, ReleaseNote]]:
        """List the notes of released films, each with the file that holds it."""
        with self._disk.telling("read the store"):
            notes = sorted(self._folder.glob("*.film"))
        for path in notes:
            yield path, ReleaseNote.if_whole(read_facts(path)) or ReleaseNote()

    def _note(self, name: str, facts: Mapping[str, object]) -> None:
        path = self._folder / name
        with self._disk.telling("write to the store"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with Lock.wait(path.with_suffix(".lock")):
                for left in path.parent.glob(f".{path.stem}.*"):
                    left.unlink(missing_ok=True)
                atomic.write(path, in_json(facts))


def in_json(facts: Mapping[str, object]) -> str:
    """Facts as the store writes them."""
    return json.dumps(facts, indent=1, sort_keys=True)
