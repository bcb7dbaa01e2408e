"""The seam of foley: words in, samples out. A library is a synthesizer, a folder of recordings, or another package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct, field

from sora_cli.media.stream import Samples


class Manner(Struct, frozen=True):
    """How a sound is made, by its words: all else is chance.

    Attributes:
        force: from -1 (light, soft) to 1 (heavy, hard).
        speed: how fast it goes, as a factor.
        distance: how far it is, as a factor of where one usually hears it.
        wet: with water on it.
        loudness: dB that the words ask for.
    """

    force: float = 0.0
    speed: float = 1.0
    distance: float = 1.0
    wet: bool = False
    loudness: float = 0.0


class SoundMatch(Struct, frozen=True):
    """A sound that a library has for some words.

    Attributes:
        words: what was asked for.
        sound: its name in the library.
        library: the name of the library.
        lasting: a bed that goes on as long as it is asked to; else an event of its own length.
        manner: how it is to be made, by the qualities in the words.
        score: how well it fits, from 0 to 1.
        note: what a person should know about the choice, or nothing.
        origin: whether it is made by `rules`, by a `model`, or is a `recording`.
        revision: a hash of the model or the recording, the version of the rules.
    """

    words: str
    sound: str
    library: str
    lasting: bool
    manner: Manner = field(default_factory=Manner)
    score: float = 1.0
    note: str = ""
    origin: Literal["rules", "model", "recording"] = "rules"
    revision: str = ""


class Foley(Protocol):
    """A library of sounds. The same match and seed give the same samples, bit by bit."""

    name: str

    def find(self, words: str) -> SoundMatch | None:
        """The sound that these words mean, or None where the library has none."""

    def blocks(self, match: SoundMatch, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound in blocks (samples, 2) at 48 kHz, within -1 and 1; in constant memory for a bed.

        Args:
            match: what this library found.
            seconds: the length, exact to the sample; an event is cut by it, or followed by silence. None is an
                event's own length, and an error for a bed.
            seed: another seed is another take of the same sound.
        """

    def why_not(self, words: str) -> str:
        """Why `find` found nothing, as a sentence."""
