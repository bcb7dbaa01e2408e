"""The seam of foley: words in, samples out. A library is a synthesizer, a folder of recordings, or another package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .tools import RATE, Manner

Samples: TypeAlias = NDArray[np.float32]
"""(samples, 2) at 48 kHz, within -1 and 1."""


@dataclass(frozen=True, slots=True)
class Match:
    """A sound that a library has for some words.

    Attributes:
        words: what was asked for.
        sound: its name in the library.
        library: the name of the library.
        lasting: a bed that goes on as long as it is asked to; else an event of its own length.
        manner: how it is to be made, by the qualities in the words.
        score: how well it fits, from 0 to 1.
        note: what a person should know about the choice, or nothing.
    """

    words: str
    sound: str
    library: str
    lasting: bool
    manner: Manner = field(default_factory=Manner)
    score: float = 1.0
    note: str = ""


class Foley(Protocol):
    """A library of sounds. The same match and seed give the same samples, bit by bit."""

    name: str

    def find(self, words: str) -> Match | None:
        """The sound that these words mean, or None where the library has none."""

    def blocks(self, match: Match, seconds: float | None, seed: int) -> Iterator[Samples]:
        """The sound in blocks, in constant memory for a bed.

        Args:
            match: what this library found.
            seconds: the length, exact to the sample; an event is cut by it, or followed by silence. None is an
                event's own length, and an error for a bed.
            seed: another seed is another take of the same sound.
        """

    def why_not(self, words: str) -> str:
        """Why `find` found nothing, as a sentence."""


def make(library: Foley, match: Match, seconds: float | None, seed: int, level: float = 0.0) -> Samples:
    """A whole sound (samples, 2), `level` dB louder than the library makes it."""
    whole = np.concatenate(list(library.blocks(match, seconds, seed)) or [np.zeros((0, 2), np.float32)])
    return whole if level == 0 else np.float32(10 ** (level / 20)) * whole


def fitted(blocks: Iterator[Samples], seconds: float) -> Iterator[Samples]:
    """Blocks cut or filled with silence to exactly so many seconds, and faded over the last 10 ms where cut."""
    left, fade = round(seconds * RATE), RATE // 100
    for block in blocks:
        if left <= 0:
            return
        part = block[:left]
        rest = left - np.arange(len(part))
        if rest[-1] <= fade:
            part = part * np.clip((rest - 1) / fade, 0, 1).astype(np.float32)[:, None]
        left -= len(part)
        yield part
    while left > 0:
        yield np.zeros((min(left, RATE), 2), np.float32)
        left -= RATE
