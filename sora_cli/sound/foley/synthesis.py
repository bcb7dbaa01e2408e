"""The embedded foley: every sound made here by formula, at its level, as far away as the words say."""

from __future__ import annotations

from collections.abc import Iterator

from sora_cli import sentences
from sora_cli.media.stream import Samples
from sora_cli.packages import install

from . import meaning, words
from .base import SoundMatch
from .examples import EVENTS, EXAMPLES

VERSION = "3"
"""Raised when a sound comes out otherwise, so that what is kept is made anew. 3: what varied beyond its card."""


class Synthesis:
    """The library that is always there."""

    name = "synthesis"

    def find(self, words_: str) -> SoundMatch | None:
        """The sound by the rules of words; where they name none, by the meaning of the whole phrase."""
        reading = words.read(words_)
        sound, score, note = reading.sound, 1.0, ""
        if sound is None and reading.absent is None and (near := meaning.nearest(words_)):
            sound, score = near
            note = f"{words_!r} is taken for: {TITLES[sound]}"
        if sound is None:
            return None
        if reading.absent:
            note = f"of {words_!r} only this is made: {TITLES[sound]}; {self.why_not(words_)}"
        manner, lasting = words.manner(words_), sound not in EVENTS
        return SoundMatch(words_, sound, self.name, lasting, manner, score, note, revision=VERSION)

    def blocks(self, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound in blocks of a second.

        Raises:
            ValueError: a bed without a length.
        """
        if seconds is None and match.lasting:
            raise ValueError(f"{match.sound} goes on for as long as it is asked to: say how long")
        from .blocks import fitted  # to find a sound needs no arrays
        from .placed import placed

        made = placed(match.sound, match.manner, seed)
        return made if seconds is None else fitted(made, seconds)

    def why_not(self, words_: str) -> str:
        """Say why a phrase gets no sound, and what to do."""
        absent = words.read(words_).absent
        hint = "name a file for it, or a folder of sounds"
        if absent:
            return f"sora makes no sound of {absent}: {hint}"
        learn = "" if sentences.here() else f"; `{install('sound')}` finds sounds by meaning in more languages"
        return f"no sound is known for {words_!r}: use plainer words, or {hint}{learn}"


TITLES: dict[str, str] = {name: texts[0] for name, texts in EXAMPLES.items()}
"""Each sound in words."""
