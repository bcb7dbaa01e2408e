"""All libraries of sounds: your folders first, those of other packages, a model where one is named, the synthesis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from sora_cli.engines.sounds import SoundCard
from sora_cli.errors import MachineError
from sora_cli.media.stream import Samples
from sora_cli.packages import added, others

from .base import Foley, SoundMatch
from .folder import Folder
from .model import ModelSounds
from .synthesis import Synthesis

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "sora.sounds"
"""A package adds a library by an entry point of this group: a class without arguments that is a `Foley`."""


class FoundSounds(Struct, frozen=True):
    """What a phrase has: its sounds, a sentence for each part of it that has none, your own files and their SHA-256."""

    matches: tuple[SoundMatch, ...]
    missing: tuple[str, ...] = ()
    recordings: tuple[tuple[Path, str], ...] = ()


class Catalogue:
    """The libraries, asked in order."""

    def __init__(self, folders: Sequence[Path] = (), model: SoundCard | None = None) -> None:
        self._folders, self._model = [Folder(path) for path in folders], ModelSounds(model) if model else None
        models: list[Foley] = [self._model] if self._model else []
        self._libraries: list[Foley] = [*self._folders, *_packages(), *models, Synthesis()]

    def find(self, words: str) -> SoundMatch | None:
        """The first library's sound for a phrase that names one thing."""
        return next((match for library in self._libraries if (match := library.find(words))), None)

    def search(self, words: str) -> FoundSounds:
        """The sounds of a phrase, which may name several: `rain and distant thunder`.

        Parts are taken apart only where two of them each have a sound of their own. A model is given the whole.
        """
        if self._model is not None and (whole := self.find(words)):
            return self._found(whole)
        parts = [part for part in re.split(r"\s*(?:[,;+]|\b(?:and|with|plus|over)\b)\s*", words) if part.strip()]
        alone = {part: self.find(part) for part in parts}
        sounds = {match.sound for match in alone.values() if match and match.score >= 1}
        if len(sounds) > 1:
            missing = tuple(self._why_not(part) for part, match in alone.items() if match is None)
            return self._found(*(match for match in alone.values() if match), missing=missing)
        whole = self.find(words)
        return self._found(whole) if whole else FoundSounds((), (self._why_not(words),))

    def _found(self, *matches: SoundMatch, missing: tuple[str, ...] = ()) -> FoundSounds:
        files = ((self.recording(match), match.revision) for match in matches)
        return FoundSounds(matches, missing, tuple((path, sha) for path, sha in files if path))

    def _why_not(self, words: str) -> str:
        return self._libraries[-1].why_not(words)

    def blocks(self, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound of a match in blocks; see `Foley.blocks`."""
        return self._library(match).blocks(match, seconds, seed)

    def make(self, match: SoundMatch, seconds: float | None, seed: int, level: float = 0.0) -> Samples:
        """The whole sound of a match (samples, 2), `level` dB louder than its library makes it."""
        from .blocks import make  # to find a sound needs no arrays

        return make(self._library(match), match, seconds, seed, level)

    def recording(self, match: SoundMatch) -> Path | None:
        """The user's file that a sound is; None where it is made."""
        return next((folder.file(match) for folder in self._folders if folder.name == match.library), None)

    def close(self) -> None:
        """Give back what a model holds."""
        if self._model is not None:
            self._model.close()

    def _library(self, match: SoundMatch) -> Foley:
        return next(library for library in self._libraries if library.name == match.library)


def _packages() -> list[Foley]:
    """The libraries that other packages bring.

    Raises:
        MachineError: one of them cannot be loaded.
    """
    return [_loaded(point) for point in added(ENTRY_POINTS)]


def _loaded(point: EntryPoint) -> Foley:
    hint = f"reinstall or remove the package of {point.value}"
    told = f"the sounds {point.name!r} of another package cannot be loaded"
    with others(lambda why: MachineError(f"{told}: {why}", hint=hint)):
        return cast("Foley", point.load()())
