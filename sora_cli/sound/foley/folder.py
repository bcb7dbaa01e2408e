"""A folder of your own sounds: each file is found by the words in its name, such as `rain-on-tent.flac`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from sora_cli.errors import RequestError
from sora_cli.media.stream import Samples
from sora_cli.store import file_hash
from sora_cli.storyboard.files import HEARD, suffix

from .base import SoundMatch
from .words import manner, stems

LASTING = 4.0  # seconds from which a recording counts as a bed, which may be asked to last longer
SMALL = {"a", "an", "the", "of", "on", "in", "at", "and", "to", "my", "with"}


class Folder:
    """The sounds, and films with sound, in a folder and the folders in it.

    Raises:
        RequestError: it is not a folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise RequestError(f"{path} is not a folder", hint="name a folder with sound files")
        self.path, self.name = path, str(path)

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Each sound's file under the name that a person reads."""
        found = sorted(p for p in self.path.rglob("*") if suffix(p.name) in HEARD and p.is_file())
        return {str(p.relative_to(self.path)): p for p in found}

    def find(self, words: str) -> SoundMatch | None:
        """The file whose name's words are all in the phrase; of several, the one with most words."""
        asked = set[str]().union(*(stems(word) for word in _plain(words)))
        named = {name: [w for w in _plain(path.stem) if not w.isdigit()] for name, path in self._files.items()}
        fits = [name for name, said in named.items() if said and all(stems(word) & asked for word in said)]
        if not fits:
            return None
        best = max(fits, key=lambda name: len(named[name]))
        from .recordings import seconds_of

        lasting, sha = seconds_of(self._files[best]) >= LASTING, file_hash(self._files[best])
        return SoundMatch(words, best, self.name, lasting, manner(words), origin="recording", revision=sha)

    def file(self, match: SoundMatch) -> Path:
        """The file of a sound that was found."""
        return self.path / match.sound

    def why_not(self, words: str) -> str:
        """Say that no file's name fits."""
        return f"no file in {self.name} is named by {words!r}: every word of a file's name has to be in the phrase"

    def blocks(self, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The recording at 48 kHz; a bed begins anywhere in it (by the seed) and goes round with a crossfade.

        Raises:
            MediaError: the file cannot be read.
            ValueError: a bed without a length.
        """
        if seconds is None and match.lasting:
            raise ValueError(f"{match.sound} is a bed: say how long")
        from .recordings import played  # in a board without folders nothing is played

        return played(self.file(match), match, seconds, seed)


def _plain(text: str) -> list[str]:
    """The words of a name or a phrase that say something."""
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in SMALL]
