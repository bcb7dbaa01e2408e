"""A model that makes sounds from words as a library: it has whatever is asked for, once it is opened."""

from __future__ import annotations

from collections.abc import Iterator

from sora_cli.engines.sounds import SoundCard, SoundModel, open_sound_model
from sora_cli.media.stream import Samples

from .base import SoundMatch


class ModelSounds:
    """The sounds of one model; it is opened for the first that is made, and closed by whoever asked."""

    def __init__(self, card: SoundCard) -> None:
        self.card, self.name = card, card.name
        self._open: SoundModel | None = None

    def find(self, words: str) -> SoundMatch:
        """A match for any words."""
        return SoundMatch(words, words, self.name, lasting=True, origin="model", revision=self.card.revision)

    def why_not(self, words: str) -> str:
        """Part of the seam, never asked: a model finds a sound for any words."""
        return f"{self.name} makes no {words!r}"

    def blocks(self, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound; where it is longer than the model makes in one go it goes round, its end faded into its beginning.

        Raises:
            EngineMissing, OutOfMemory, RenderError: as the model does.
        """
        from .blocks import fitted, round_and_round  # to find a sound needs no arrays

        self._open = self._open or open_sound_model(self.card)
        wanted = self._open.longest if seconds is None else seconds
        made = self._open.make(match.words, min(wanted, self._open.longest), seed)
        return fitted(iter([made]) if wanted <= self._open.longest else round_and_round(made), wanted)

    def close(self) -> None:
        """Give the device's memory back, where it was opened."""
        if self._open is not None:
            self._open.close()
            self._open = None
