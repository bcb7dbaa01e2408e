"""Sounds in words, made once and kept in the store by their key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.engines.sounds import sound_card
from sora_cli.media.stream import Samples
from sora_cli.plain import as_data
from sora_cli.sound.files import write_blocks
from sora_cli.sound.foley.base import SoundMatch
from sora_cli.sound.foley.catalogue import Catalogue, FoundSounds
from sora_cli.store import Store
from sora_cli.storyboard.sound import SoundSources

if TYPE_CHECKING:
    from sora_cli.sound.foley.cues import FoleyCue

KEY_VERSION = 1
"""Part of every key: raised when the same sound would come out otherwise."""


class MadeSound(Struct, frozen=True):
    """A sound in a file: `length` samples at 48 kHz. One that is `lasting` is as long as was asked.

    `recording` is the user's own file that it is, None where it was made; `by` names the model that made it.
    """

    key: str
    path: Path
    length: int
    lasting: bool
    recording: Path | None = None
    by: str = ""


class Sounds:
    """Finds sounds by words, and makes those that the store has not."""

    def __init__(
        self,
        store: Store,
        sources: SoundSources | None = None,
        found: Mapping[str, FoundSounds] = MappingProxyType({}),
    ) -> None:
        """Sounds of a board's own `sources` come first; what was `found` already, by its words, is not looked for.

        Raises:
            EngineMissing: the model of sound that they name is not here.
            RequestError: their folder is none.
        """
        named = sources or SoundSources()
        folders = [named.folder] if named.folder else []
        self._store = store
        self._catalogue = Catalogue(folders, sound_card(named.engine) if named.engine else None)
        self._found = dict(found)

    def find(self, words: str) -> FoundSounds:
        """What there is for a phrase, and why there is nothing for parts of it."""
        if words not in self._found:
            self._found[words] = self._catalogue.search(words)
        return self._found[words]

    def make(self, words: str, seconds: float, seed: int) -> tuple[MadeSound, ...]:
        """The sounds of a phrase, `seconds` long where they last; events have their own length.

        Raises:
            StoreError: the store cannot be written.
            EngineMissing, OutOfMemory, RenderError: the model that makes them cannot.
        """
        return tuple(self._kept(match, seconds if match.lasting else None, seed) for match in self.find(words).matches)

    def keys(self, words: str, seconds: float, seed: int) -> list[str]:
        """The keys of the sounds that `make` would give."""
        return [_key(match, seconds if match.lasting else None, seed) for match in self.find(words).matches]

    def bed(self, match: SoundMatch, seconds: float, seed: int) -> MadeSound:
        """A sound that lasts `seconds`."""
        return self._kept(match, seconds, seed)

    def cue(self, cue: FoleyCue, seed: int) -> MadeSound:
        """A sound as it is heard at its place."""
        from sora_cli.sound.foley.cues import sound  # looks at pictures, with what `check` need not load

        key = _key(cue.match, cue.seconds, seed, level=cue.level, x=cue.x)
        return self._made(key, cue.match, lambda: iter([sound(cue, seed)]))

    def _kept(self, match: SoundMatch, seconds: float | None, seed: int) -> MadeSound:
        key = _key(match, seconds, seed)
        return self._made(key, match, lambda: self._catalogue.blocks(match, seconds, seed))

    def _made(self, key: str, match: SoundMatch, blocks: Callable[[], Iterator[Samples]]) -> MadeSound:
        kept = self._store.find_sound(key)
        if kept is None:
            facts = {"words": match.words, "sound": match.sound, "library": match.library}
            self._store.keep_sound(key, facts, lambda path: write_blocks(path, blocks(), "FLAC"))
            kept = self._store.find_sound(key)
        path = kept[0] if kept else self._store.path(key, "flac")
        by = match.library if match.origin == "model" else ""
        return MadeSound(key, path, _length(path), match.lasting, self._catalogue.recording(match), by)

    def close(self) -> None:
        """Give back what a model holds."""
        self._catalogue.close()


def _key(match: SoundMatch, seconds: float | None, seed: int, **more: float) -> str:
    fields = {"version": KEY_VERSION, "sound": as_data(match), "seconds": seconds, "seed": seed, **more}
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _length(path: Path) -> int:
    import soundfile

    frames: int = soundfile.info(path).frames
    return frames
